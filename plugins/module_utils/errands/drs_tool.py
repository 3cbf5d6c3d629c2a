# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The DRS orchestration tool (Appendix I): a recovery plan of its own, started and followed by direct Lambda invocation.

What is sent and understood is that of the published AWS DRS Orchestration Solution (aws-elasticdrs-orchestrator,
`handle_direct_invocation` of its execution handler): `{"operation", "parameters"}` in, plain JSON out, `{"error", "message"}` for a
refusal. Some of its functions read parameters elsewhere, which is sent as well. What was started for whom is known by
`initiatedBy`, so that nothing is started twice: it is looked for before each start.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..accounts import classify
from .means import Means, Outcome, late, region_of

#: Appendix I: three retries at 1, 2 and 4 s, and a look every 30 s.
BACKOFF_SECONDS: Final = (1.0, 2.0, 4.0)
POLL_SECONDS: Final = 30.0
#: How long one answer may take: the tool starts its work in the background and answers at once.
ANSWER_SECONDS: Final = 30
#: States in which an execution of the tool has ended.
PASSED: Final = "COMPLETED"
ENDED: Final = (PASSED, "FAILED", "CANCELLED", "TERMINATED", "PARTIAL", "TIMEOUT")
#: Refusals of Lambda that pass: a function that is deployed, set up, or asked too often (API reference, Invoke).
PASSING: Final = frozenset(
    {"ResourceConflictException", "ResourceNotReadyException", "ServiceException", "SnapStartNotReadyException"}
)
#: Pages of the tool's executions that are read at most.
MAX_PAGES: Final = 100


class RefusedError(Exception):
    """What the tool, or Lambda, does not do, and will not do when it is asked again."""


class AwayError(Exception):
    """The tool does not answer, or not sensibly, and may do so later. What became of what it was asked for is not known."""


@dataclass(frozen=True, slots=True)
class Tool:
    """The tool. how: what `asked` validated. correlation: under which the audit trails of both have what is done."""

    means: Means
    how: Mapping[str, Any]
    correlation: str

    def status(self, ident: str) -> dict[str, Any]:
        """How an execution of the tool stands: {status, currentWave, totalWaves, waves, …}."""
        found = self._again(lambda: self._ask("get_execution", executionId=ident))
        if not isinstance(found.get("status"), str):
            raise AwayError(f"it gives no status of {ident}")
        return found

    def _started(self) -> str:
        """The execution of the plan that was started for this correlation, and has not failed; "" when there is none."""
        token = None
        for _page in range(MAX_PAGES):
            found = self._ask("list_executions", planId=self.how["plan_id"], **({"nextToken": token} if token else {}))
            for one in found.get("executions", ()):
                ours = (one.get("planId"), one.get("initiatedBy")) == (self.how["plan_id"], self.correlation)
                if ours and one.get("status") not in ENDED[1:]:
                    return str(one["executionId"])
            before, token = token, found.get("nextToken")
            if not token:
                return ""
            if token == before:
                raise RefusedError("it lists the same page again: give the function that answers queries as status_function")
        raise RefusedError(f"it lists more than {MAX_PAGES} pages of executions")

    def start(self, kind: str) -> str:
        """Starts the plan, as DRILL or RECOVERY, unless that was done; gives the execution."""
        return self._again(lambda: self._started() or self._start(kind))

    def _start(self, kind: str) -> str:
        plan = self.how["plan_id"]
        found = self._ask("start_execution", planId=plan, executionType=kind, initiatedBy=self.correlation)
        if not found.get("executionId"):
            raise AwayError("it does not say which execution it has started")
        return str(found["executionId"])

    def _again(self, work: Callable[[], Any]) -> Any:
        """What `work` gives, tried again where that may help."""
        for pause in BACKOFF_SECONDS:
            try:
                return work()
            except AwayError:
                self.means.sleep(self.means.pause(pause))
        return work()

    def _ask(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """One invocation. The breaker keeps it from a tool that has failed several times in a row."""
        read = operation != "start_execution"
        function = self.how.get("status_function", self.how["function"]) if read else self.how["function"]
        region = region_of(function) or self.how.get("region", self.means.region)
        key = (self.how.get("account", ""), region, function)
        if not self.means.breaker.allows(key):
            raise AwayError(f"{function} failed {self.means.breaker.threshold} times, and is not asked for a while")
        event = {"operation": operation, "parameters": parameters, **parameters, "queryParams": parameters, **self._told()}
        try:
            found = self._invoke(key, event)
        except AwayError:
            self.means.breaker.record(key, reached=False)
            raise
        self.means.breaker.record(key, reached=True)
        if "error" in found:
            raise RefusedError(f"{operation}: {found['error']}: {found.get('message', '')}")
        return found

    def _told(self) -> dict[str, str]:
        return {"correlationId": self.correlation, **({"traceparent": self.means.traceparent} if self.means.traceparent else {})}

    def _invoke(self, key: tuple[str, str, str], event: Mapping[str, Any]) -> dict[str, Any]:
        account, region, function = key
        try:
            answer = self.means.cloud.call(
                account, region, "lambda", "invoke", FunctionName=function, Payload=json.dumps(event).encode()
            )
            said = answer["Payload"].read().decode(errors="replace")
        except Exception as error:
            failure = classify(error)
            if failure is None:
                raise
            away = failure.kind in ("unreachable", "throttled") or failure.code in PASSING
            raise (AwayError if away else RefusedError)(f"{failure.code}: {failure.message}") from error
        if "FunctionError" in answer:
            raise AwayError(f"{function} failed: {said[:500]}")
        return _body(said)


def _body(said: str) -> dict[str, Any]:
    """The answer; of one that is made for API Gateway what is in it."""
    try:
        found = json.loads(said)
        if isinstance(found, dict) and "statusCode" in found:
            found = json.loads(found.get("body") or "{}")
    except ValueError as error:
        raise AwayError(f"its answer is no JSON: {said[:200]}") from error
    if not isinstance(found, dict):
        raise AwayError(f"its answer is no object: {said[:200]}")
    return found


def recover(how: Mapping[str, Any], context: Mapping[str, Any], means: Means, timeout_seconds: int) -> Outcome:
    """Starts a plan of the tool, or goes on with what was started for this errand before, and follows it to its end.

    What is away for a while is asked again at the next look; what is not over in time goes on in the tool.
    """
    tool = Tool(means, how, f"dr.aws:{context['idempotency_key']}")
    until, said = means.now() + timeout_seconds, ""
    try:
        ident = tool.start("DRILL" if context["drill"] else "RECOVERY")
    except (AwayError, RefusedError) as error:
        return Outcome(f"the DRS tool did not start plan {how['plan_id']}: {error}")
    while True:
        try:
            seen = tool.status(ident)
        except AwayError as error:
            now, status = f"the DRS tool does not say how {ident} stands: {error}", ""
        except RefusedError as error:
            return Outcome(f"the DRS tool does not say how {ident} stands: {error}")
        else:
            now, status = _shown(ident, seen), seen["status"]
        if now != said:
            said = now
            means.tell(said)
        if status in ENDED:
            reason = seen.get("errorMessage") or seen.get("error") or ""
            return Outcome("" if status == PASSED else f"{ident} is {status}{reason and f': {reason}'}", said)
        if means.now() >= until:
            return Outcome(
                f"{late(timeout_seconds)}; {ident} goes on in the DRS tool, and is joined when this is tried again", said
            )
        means.sleep(means.pause(POLL_SECONDS))


def _shown(ident: str, seen: Mapping[str, Any]) -> str:
    """How an execution of the tool stands, for people: its state, its wave and its servers."""
    wave = f", wave {seen['currentWave']} of {seen.get('totalWaves', '?')}" if seen.get("currentWave") is not None else ""
    states: dict[str, int] = {}
    for one in seen.get("waves") or ():
        for server in one.get("servers") or one.get("serverStatuses") or ():
            state = str(server.get("status") or server.get("launchStatus") or "") if isinstance(server, Mapping) else ""
            if state:
                states[state] = states.get(state, 0) + 1
    servers = "".join(f", {number} {state}" for state, number in sorted(states.items()))
    return f"DRS tool: execution {ident} is {seen['status']}{wave}{servers}"
