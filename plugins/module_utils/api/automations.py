# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Automation documents of extensions/ssm ask for, through the endpoints of the API (docs/engines.md).

A document hands over the id of its automation and nothing else. Which document it is, with which parameters, and who has started it
is asked of Systems Manager (GetAutomationExecution: DocumentName, Parameters, Mode, ExecutedBy): who may invoke the function can
neither say that they are somebody else nor ask for what was not started as an automation.

The answer is kept in the control table, where the document reads it, under AUTOMATION#<id>, ANSWER: {outcome, execution_id,
execution_arn, status, said, …}, texts all of them. An automation has one answer: its step may be tried again. What a step or an
automation gives has 1 to 512 characters (API reference, AutomationExecution): what is not known is "-", what is longer is cut.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from ..approvals import DECISIONS
from ..dynamo import RefusedError
from ..errors import DrError, InputError
from ..parameters import parse_waves
from ..store import Store
from .answers import Answer, Call, refusal
from .executions import NAMES, RECENT, Executions

#: Documents are called so, whatever they are installed by.
PREFIX: Final = "dr-aws-"
#: Those that ask for an execution -> the operation.
OPERATIONS: Final = {f"{PREFIX}{operation}": operation for operation in ("failover", "failback", "test")}
STATUS, APPROVE = f"{PREFIX}status", f"{PREFIX}approve"
DOCUMENTS: Final = (*OPERATIONS, STATUS, APPROVE)
ACCEPTED, REFUSED = "accepted", "refused"
UNKNOWN, LONGEST = "-", 512
#: Parameters of an automation are texts. Those that the API wants otherwise -> what makes that of them.
NUMBERS: Final = ("approvals_needed", "parallelism", "undo_window_minutes")
_CAMEL: Final = {name: camel for camel, name in NAMES.items()}
_OTHERWISE: Final[Mapping[str, Callable[[str], Any]]] = {
    **dict.fromkeys(NUMBERS, int),
    "approver_must_differ": lambda text: text == "true",
    "waves": lambda text: list(parse_waves(text)),
}
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Automations:
    """Answers automations. ssm: boto3's client of the region in which they run, which is the control region."""

    def __init__(self, executions: Executions, store: Store, ssm: Any) -> None:
        self.executions, self.store, self.ssm = executions, store, ssm

    def answer(self, ident: Any) -> dict[str, Any]:
        """The answer to an automation, from the first time on always the same. InputError, DrError: it is none of ours.

        Raises what AWS refuses and defects as well: the step fails then, and may be tried again.
        """
        if not isinstance(ident, str) or not _ID.fullmatch(ident):
            raise InputError("automation", ident, "the id of an automation", "{{ automation:EXECUTION_ID }} in the document is it")
        pk = f"AUTOMATION#{ident}"
        kept = self.store.table.get(pk, "ANSWER")
        if kept is None:
            found = self.ssm.get_automation_execution(AutomationExecutionId=ident)["AutomationExecution"]
            kept = {"PK": pk, "SK": "ANSWER", **self._answered(ident, found), "expires_at": self.store.expiry()}
            try:
                self.store.table.put(kept, new=True)
            except RefusedError as refused:  # answered twice at once: the first counts
                kept = dict(refused.item)
        return {name: value for name, value in kept.items() if name not in ("PK", "SK", "expires_at")}

    def _answered(self, ident: str, found: Mapping[str, Any]) -> dict[str, str]:
        try:
            answer = self._asked(ident, found)
        except Exception as error:
            refused = refusal(error)
            if refused is None or refused.status == 503:  # 502: recorded, and FAILED; tried again it would be another execution
                raise
            answer = refused
        body = answer.body
        told = {
            "outcome": ACCEPTED if answer.status < 400 else REFUSED,
            "execution_id": body.get("executionId"),
            "execution_arn": body.get("executionArn"),
            "status": body.get("status"),
            "phase": body.get("currentPhase"),
            "wave": body.get("currentWave"),
            "progress_percentage": body.get("progressPercentage"),
            "said": ": ".join(str(one) for one in (body.get("message"), body.get("next")) if one),
        }
        return {name: str(value)[:LONGEST] if value not in (None, "") else UNKNOWN for name, value in told.items()}

    def _asked(self, ident: str, found: Mapping[str, Any]) -> Answer:
        """The endpoint's answer. In the mode Interactive a person chooses the steps, and could leave one out."""
        name, who = str(found["DocumentName"]), str(found.get("ExecutedBy") or "")
        if name not in DOCUMENTS:
            raise DrError(f"automation {ident} is of document {name}, not of one of {', '.join(DOCUMENTS)}", "start one of those")
        if found.get("Mode", "Auto") != "Auto" or not who:
            remedy = f"aws ssm start-automation-execution --document-name {name} --mode Auto"
            raise DrError(f"automation {ident} runs as {found.get('Mode')}, started by {who or 'nobody who is known'}", remedy)
        given = {one: ",".join(values) for one, values in found.get("Parameters", {}).items() if any(values)}
        call = Call(who, who.split(":")[4], ident, given.get("execution_id", ""))
        if name == STATUS:
            return self.executions.status(call)
        if name == APPROVE:
            decision = given.get("decision", "")
            if decision not in DECISIONS:
                raise InputError("decision", decision, " or ".join(DECISIONS), "decision=approve, or decision=reject")
            told = {"comment": given.get("comment"), "planSha256": given.get("plan_sha256")}
            body = {"taskToken": given.get("token", ""), "approved": decision == "approve"}
            body |= {one: value for one, value in told.items() if value}
            return self.executions.resume(_with(call, body))
        if made := self._made(ident, given):
            return Answer(200, made)
        asked = {one: value for one, value in given.items() if one != "wait"}
        body = {_CAMEL.get(one, one): _OTHERWISE.get(one, str)(value) for one, value in asked.items()}
        return self.executions.create(_with(call, {**body, "operation": OPERATIONS[name]}))

    def _made(self, ident: str, given: Mapping[str, str]) -> dict[str, Any]:
        """The execution that this automation has asked for already, by a call that ended before it was answered; {} for none."""
        recent = self.store.executions(customer=given.get("customer"), environment=given.get("environment"), limit=RECENT)
        found = next((one for one in recent if one.get("correlation_id") == ident), None)
        names = {"executionId": "execution_id", "executionArn": "execution_arn", "status": "status"}
        return {name: found[attribute] for name, attribute in names.items()} if found else {}


def _with(call: Call, body: Mapping[str, Any]) -> Call:
    return Call(call.who, call.account, call.correlation_id, call.name, json.dumps(body))
