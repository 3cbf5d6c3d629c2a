# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an errand is carried out: a command, a URL, a Lambda function, an SSM document, the DRS tool. Files of tasks are Ansible's.

Facts: Lambda API reference, Invoke (a function's own error is FunctionError beside a 200); SSM API reference,
StartAutomationExecution (a ClientToken is a UUID and cannot be used again: IdempotentParameterMismatch),
GetAutomationExecution, SendCommand, ListCommands.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from ..accounts import AwsReader, CallError, classify
from ..model import Unreachable
from ..web import FAILURES, ask
from . import drs_tool
from .asked import Errand
from .means import Means, Outcome, late, region_of

__all__ = ["Means", "Outcome", "carry_out", "environment"]

#: Of what an errand says, the end is kept.
OUTPUT_CHARACTERS: Final = 4000
POLL_SECONDS: Final = 5.0
RETRY_SECONDS: Final = 10.0
#: A context that goes into a parameter leaves out what may be large.
LARGE: Final = ("resources", "outputs")
_PASSED: Final = ("Success", "CompletedWithSuccess")
_ENDED: Final = (
    *_PASSED,
    "TimedOut",
    "Cancelled",
    "Failed",
    "Rejected",
    "CompletedWithFailure",
    "Exited",
    "ChangeCalendarOverrideRejected",
)


def carry_out(errand: Errand, context: Mapping[str, Any], means: Means) -> Outcome:
    """Carries an errand out, as often as it may be tried; never raises for what it does."""
    outcome = Outcome("it was not carried out")
    for number in range(errand.retries + 1):
        if number:
            means.sleep(means.pause(RETRY_SECONDS))
        token = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{context['idempotency_key']}/{means.attempt}/{number}"))
        try:
            outcome = _WAYS[errand.way](errand, context, means, token)
        except CallError as error:
            outcome = Outcome(str(error))
        except (*FAILURES, subprocess.SubprocessError) as error:
            outcome = Outcome(f"{type(error).__name__}: {error}")
        if outcome.passed:
            break
    return Outcome(outcome.why, outcome.output[-OUTPUT_CHARACTERS:])


def environment(context: Mapping[str, Any]) -> dict[str, str]:
    """The context as variables: DR_EXECUTION_ID, DR_PHASE, … What is a list or a mapping is on standard input only."""
    plain = {name: value for name, value in context.items() if isinstance(value, (str, int))}
    return {f"DR_{name.upper()}": str(value).lower() if isinstance(value, bool) else str(value) for name, value in plain.items()}


def _command(errand: Errand, context: Mapping[str, Any], _means: Means, _token: str) -> Outcome:
    """The program, without a shell, in a process group of its own, which is killed when its time is over."""
    process = subprocess.Popen(
        list(errand.how),
        env={**os.environ, **environment(context)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        said, _unused = process.communicate(json.dumps(context).encode(), timeout=errand.timeout_seconds)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        said, _unused = process.communicate()
        return Outcome(late(errand.timeout_seconds), said.decode(errors="replace"))
    return Outcome(f"it exits with {process.returncode}" if process.returncode else "", said.decode(errors="replace"))


def _url(errand: Errand, context: Mapping[str, Any], _means: Means, _token: str) -> Outcome:
    how = errand.how
    body, kind = how.get("body"), "text/plain; charset=utf-8"
    if body is None and how["method"] in ("POST", "PUT", "PATCH"):
        body = context
    if body is not None and not isinstance(body, str):
        body, kind = json.dumps(body), "application/json"
    headers = {"Idempotency-Key": context["idempotency_key"], "DR-Execution-Id": context["execution_id"]}
    if body is not None:
        headers["Content-Type"] = kind
    status, text = ask(how["url"], errand.timeout_seconds, how["method"], None if body is None else body.encode(), headers)
    wanted = how.get("expect_status") or range(200, 300)
    if status not in (wanted if isinstance(wanted, (list, range)) else [wanted]):
        return Outcome(f"{how['url']} answers {status}", text)
    missing = how.get("expect_text", "") not in text
    return Outcome(f"the answer of {how['url']} does not have {how['expect_text']!r}" if missing else "", text)


def _lambda(errand: Errand, context: Mapping[str, Any], means: Means, _token: str) -> Outcome:
    """One synchronous invocation; the client waits as long as the errand may take."""
    how, payload = errand.how, json.dumps(context).encode()
    account, region = how.get("account", ""), region_of(how["function"]) or how.get("region", means.region)
    answer = means.cloud.call(account, region, "lambda", "invoke", FunctionName=how["function"], Payload=payload)
    try:
        said = answer["Payload"].read().decode(errors="replace")
    except Exception as error:
        failure = classify(error)
        if failure is None:
            raise
        return Outcome(f"its answer was lost: {failure.code}: {failure.message}")
    return Outcome(f"the function failed: {answer['FunctionError']}" if "FunctionError" in answer else "", said)


def _ssm(errand: Errand, context: Mapping[str, Any], means: Means, token: str) -> Outcome:
    """An automation, or with targets a command; looked at until it has ended or its time is over, and cancelled then."""
    how = errand.how
    parameters = {name: value if isinstance(value, list) else [value] for name, value in how.get("parameters", {}).items()}
    if name := how.get("context_parameter"):
        parameters[name] = [json.dumps({one: value for one, value in context.items() if one not in LARGE})]
    asked = {"DocumentName": how["document"], **({"Parameters": parameters} if parameters else {})}
    there = (how.get("account", ""), how.get("region", means.region), "ssm")
    if how.get("targets"):
        sent = means.cloud.call(*there, "send_command", **asked, Targets=how["targets"], Comment=f"dr.aws {context['name']}"[:100])
        ident, look, cancel = sent["Command"]["CommandId"], _command_seen, ("cancel_command", "CommandId")
    else:
        started = means.cloud.call(*there, "start_automation_execution", **asked, ClientToken=token)
        ident, look = started["AutomationExecutionId"], _automation_seen
        cancel = ("stop_automation_execution", "AutomationExecutionId")
    until = means.now() + errand.timeout_seconds
    while True:
        status, said = look(means.cloud, there, ident)
        if status in _ENDED:
            return Outcome("" if status in _PASSED else f"{ident} is {status}", said)
        if means.now() >= until:
            with suppress(CallError):
                means.cloud.call(*there, cancel[0], **{cancel[1]: ident})
            return Outcome(f"{late(errand.timeout_seconds)}; {ident} is {status or 'not known'}, and is cancelled", said)
        means.sleep(means.pause(POLL_SECONDS))


def _drs_tool(errand: Errand, context: Mapping[str, Any], means: Means, _token: str) -> Outcome:
    """A recovery plan of the DRS tool, from its start to its end; one that was started for this errand before is gone on with."""
    return drs_tool.recover(errand.how, context, means, errand.timeout_seconds)


def _automation_seen(cloud: AwsReader, there: tuple[str, str, str], ident: str) -> tuple[str, str]:
    """(status, what it says) of an automation; "" while SSM does not answer."""
    seen = _looked(cloud, there, "get_automation_execution", AutomationExecutionId=ident)
    if seen is None:
        return "", ""
    one = seen["AutomationExecution"]
    outputs = one.get("Outputs")
    return one["AutomationExecutionStatus"], one.get("FailureMessage") or (json.dumps(outputs) if outputs else "")


def _command_seen(cloud: AwsReader, there: tuple[str, str, str], ident: str) -> tuple[str, str]:
    """(status, what it says) of a command. One that reached no instance has failed, whatever its status is."""
    seen = _looked(cloud, there, "list_commands", CommandId=ident)
    if seen is None or not seen["Commands"]:
        return "", ""
    one = seen["Commands"][0]
    said = f"{one['CompletedCount']} of {one['TargetCount']} instances completed, {one['ErrorCount']} with errors"
    return ("Failed" if one["Status"] == "Success" and not one["TargetCount"] else one["Status"]), said


def _looked(cloud: AwsReader, there: tuple[str, str, str], operation: str, **params: str) -> Mapping[str, Any] | None:
    """The answer; None for none, or where SSM was asked too often: what runs there goes on, and is looked at again."""
    try:
        seen = cloud.read(*there, operation, **params)
    except CallError as error:
        if error.failure.kind != "throttled":
            raise
        return None
    return None if isinstance(seen, Unreachable) else seen


_WAYS: Final[Mapping[str, Callable[[Errand, Mapping[str, Any], Means, str], Outcome]]] = {
    "command": _command,
    "url": _url,
    "lambda": _lambda,
    "ssm": _ssm,
    "drs_tool": _drs_tool,
}
