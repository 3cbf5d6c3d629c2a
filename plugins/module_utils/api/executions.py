# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Executions by the API (Appendix G.1): asked for, looked at, paused, resumed, cancelled, in the store that the playbooks use.

An answer has the fields of G.1. 200 and 201: it is so. 202: it is recorded, and becomes so when the run that carries the execution
out sees it, after its wave; status says how it stands now, and next what must still happen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any, Final

from .. import evidence, pauses, requested
from ..accounts import classify
from ..approvals import ApprovalRefusedError, Approvals
from ..audit import Note
from ..dynamo import RefusedError, epoch, utc
from ..errors import DrError, InputError
from ..events import Notifier
from ..interventions import Interventions, requests
from ..lock import alive, holder
from ..manifest.versions import Versions
from ..parameters import Facts, Parameters, execution_id, validate_parameters
from ..status import resume_command
from ..store import Store, shown
from .answers import AbsentError, Answer, Call, NotStartedError
from .bodies import CREATE, DETAIL, PAUSE, REASON, RESUME, MalformedError, read
from .recent import Recent
from .starters import Starter

#: How many of a scope's newest executions tell how long one takes, and whether one is asked for already.
RECENT: Final = 20
#: Of the API -> of the playbooks.
NAMES: Final = {
    "primaryRegion": "primary_region",
    "drRegion": "dr_region",
    "approvalMode": "approval_mode",
    "approvalsNeeded": "approvals_needed",
    "approverMustDiffer": "approver_must_differ",
    "cleanupPolicy": "cleanup_policy",
    "onWaveFailure": "on_wave_failure",
    "rollbackScope": "rollback_scope",
    "undoWindowMinutes": "undo_window_minutes",
}


class Executions:
    """The endpoints under /lifecycle/executions. regions: those that an execution may go between.

    wake: wakes what waits for a decision about an execution, by its name and whoever decided (`waking.wake`).
    """

    def __init__(
        self,
        store: Store,
        notifier: Notifier,
        starter: Starter,
        regions: Sequence[str],
        wake: Callable[[str, str], str] = lambda _name, _who: "",
    ) -> None:
        self.store, self.notifier, self.starter, self.regions, self.wake = store, notifier, starter, tuple(regions), wake
        self.recent = Recent()

    def create(self, call: Call) -> Answer:
        """POST: recorded PENDING, and what carries it out is started. The plan is made, and the lock taken, by the run."""
        body = read(call.text, CREATE)
        asked = {NAMES.get(name, name): value for name, value in body.items() if value is not None}
        scope = (asked["customer"], asked["environment"])
        recent = self.store.executions(customer=scope[0], environment=scope[1], limit=RECENT)
        self._refuse_unknown(scope, recent)
        parameters = validate_parameters(asked, Facts(self.regions, frozenset({scope})))
        self._refuse_second(scope, recent)
        seconds = _expected(recent, parameters)
        beside = {
            "account": call.account,
            "correlation_id": call.correlation_id,
            **({"expected_seconds": seconds} if seconds else {}),
        }
        record = requested.ask(self.store, parameters, call.who, asked, **beside)
        arn = self._start(record, call)
        evidence.secure(self.store, record["execution_id"], call.who)
        body = {
            "executionId": record["execution_id"],
            "executionArn": arn or record["execution_arn"],
            "status": record["status"],
            "estimatedCompletionTime": utc(self.store.clock() + seconds) if seconds else None,
        }
        return Answer(201, body if arn else {**body, "next": f"nothing carries it out yet: {resume_command(record)}"})

    def status(self, call: Call) -> Answer:
        """GET: how it stands, or stood within the last second; with detail=true everything that is known of it."""
        detail = _query(call, "detail", DETAIL)
        found = self.recent.status(self._record(call), lambda: self._read(call))
        phase = found["current_phase"]
        body = {
            "executionId": found["execution_id"],
            "status": found["status"],
            "currentPhase": phase.upper() if phase else None,
            "currentWave": found["current_wave"],
            "completedResources": found["completed_resources"],
            "failedResources": found["failed_resources_count"],
            "totalResources": found["resource_count"],
            "progressPercentage": found["progress_percentage"],
            "estimatedCompletionTime": found["estimated_completion_time"],
            "startTime": found["started_at"],
        }
        return Answer(200, {**body, "detail": found} if detail == "true" else body)

    def _read(self, call: Call) -> dict[str, Any]:
        """A whole status; a pause that nobody has decided about in time is told of."""
        found = self.store.status(_name(call))
        told = pauses.alert(self.store, self.notifier, found, lambda: call.who)
        return self.store.status(found["execution_id"]) if told else found

    def pause(self, call: Call) -> Answer:
        """POST …/pause: PAUSED before its next wave; asked for again, another token for the same pause."""
        body = read(call.text, PAUSE)
        record = self._record(call)
        name = record["execution_id"]
        if record["status"] == "PAUSED":
            return self._paused(record, call)
        people = Interventions(self.store, call.who, self.notifier)
        people.ask(name, "pause", body["reason"], timeout_minutes=body["timeout"] // 60)
        token = self._promise(name, [one for one in requests(self.store, name) if (one["verb"], one["state"]) == ("pause", "open")])
        self._noted(name, call, "pause")
        running = alive(self.store, record) is not None
        waits = "the wave that runs is finished" if running else f"when a run carries it out: {resume_command(record)}"
        answer = {"executionId": name, "status": record["status"], "taskToken": token, "pausedAt": None, "timeoutAt": None}
        return Answer(202, {**answer, "next": f"it is PAUSED before its next wave; {waits}"})

    def _paused(self, record: Mapping[str, Any], call: Call) -> Answer:
        """The pause that holds it, with a token of the caller's own."""
        name, approvals = record["execution_id"], Approvals(self.store)
        held = pauses.unanswered(approvals.of(name))
        if held is None or held["state"] != "pending" or approvals.overdue(held):
            why = record.get("reason") or "no approval is open"
            raise DrError(f"execution {name} is PAUSED: {why}", f"{resume_command(record)} asks again")
        token = self._promise(name, [held])
        self._noted(name, call, "pause")
        times = {"pausedAt": held["requested_at"], "timeoutAt": held["timeout_at"]}
        return Answer(200, {"executionId": name, "status": "PAUSED", "taskToken": token, **times})

    def _promise(self, name: str, found: Sequence[Mapping[str, Any]]) -> str:
        try:
            return Approvals(self.store).promise(found[0])
        except (IndexError, RefusedError) as error:
            raise DrError(
                f"the pause of execution {name} was taken, or taken back, at this moment", "send the same request again"
            ) from error

    def resume(self, call: Call) -> Answer:
        """POST …/resume: a decision with a token; once it is approved, what carries a paused execution out is started."""
        body = read(call.text, RESUME)
        name = self._record(call)["execution_id"]
        decision = "approve" if body["approved"] else "reject"
        comment = "; ".join(filter(None, (f"approver {body['approver']}" if body["approver"] else "", body["comment"])))
        seen = body["planSha256"]
        try:
            approval = Approvals(self.store).decide(name, body["taskToken"], decision, call.who, plan_sha256=seen, comment=comment)
        except ApprovalRefusedError as error:
            told = {"decision": decision, "comment": comment, "correlation_id": call.correlation_id}
            self.store.note(name, "approval_refused", actor=call.who, why=str(error), **told)
            raise
        if approval["state"] == "rejected":
            Interventions(self.store, call.who, self.notifier).rejected(name, approval["gate"])
        self._noted(name, call, "resume")
        record = self.store.get_execution(name)
        answer = {"executionId": name, "status": record["status"], "resumedAt": approval["decided_at"], "nextWave": None}
        if approval["state"] == "rejected":
            ended = record["status"] == "CANCELLED"
            told = {} if ended else {"next": "it is rejected; the run that waits for it ends the execution as CANCELLED"}
            return Answer(200 if ended else 202, {**answer, "resumedAt": None, **told})
        answer["nextWave"] = _wave(Approvals(self.store).of(name), approval["gate"])
        if approval["state"] == "pending":
            left = approval["needed"] - len(approval["approvals"])
            return Answer(202, {**answer, "resumedAt": None, "next": f"{left} more must approve, with the same token"})
        if record["status"] != "PAUSED":
            return Answer(200, answer)
        record = self.store.update_execution(name, resumed_by=call.who)
        started = self._start(record, call)
        said = "its run has been started" if started else f"nothing carries it out yet: {resume_command(record)}"
        return Answer(202, {**answer, "next": f"it is approved; {said}"})

    def cancel(self, call: Call) -> Answer:
        """DELETE: CANCELLED, at once when no run carries it out."""
        reason = _query(call, "reason", REASON)
        before = self._record(call)
        name = before["execution_id"]
        said = Interventions(self.store, call.who, self.notifier).ask(name, "cancel", reason)["said"]
        if before["status"] != "CANCELLED":
            self._noted(name, call, "cancel")
        record = self.store.get_execution(name)
        ended = record["status"] == "CANCELLED"
        answer = {"executionId": name, "status": record["status"], "cancelledAt": record["completed_at"] if ended else None}
        if not ended:
            return Answer(202, {**answer, "reason": reason, "next": said})
        return Answer(200, {**answer, "reason": reason if before["status"] != "CANCELLED" else record.get("reason") or ""})

    def _record(self, call: Call) -> dict[str, Any]:
        name = _name(call)
        item = self.store.table.get(f"EXEC#{name}", "META")
        if item is None:
            remedy = "ansible-playbook dr.aws.status -e customer=… -e environment=… lists them"
            raise AbsentError(f"execution {name} is not known", remedy)
        return shown(item)

    def _refuse_unknown(self, scope: tuple[str, str], recent: Sequence[Mapping[str, Any]]) -> None:
        """A customer and environment of which nothing was ever captured, stored or carried out is a typing error."""
        customer, environment = scope
        known = recent or self.store.table.get(f"CUST#{customer}#{environment}", "INV#latest")
        if not known and not Versions(self.store).current(customer, environment):
            allowed = f"one with a readiness snapshot, a manifest or an execution in environment {environment}"
            raise InputError("customer", customer, allowed, "ansible-playbook dr.aws.readiness captures what is protected")

    def _refuse_second(self, scope: tuple[str, str], recent: Sequence[Mapping[str, Any]]) -> None:
        """The lock refuses a second run; this tells whoever asks at once."""
        held = holder(self.store, *scope)
        waiting = next((one["execution_id"] for one in recent if one["status"] == "PENDING" and requested.unplanned(one)), None)
        name = held["execution_id"] if held else waiting
        if name:
            state = "is being worked on by" if held else "waits for"
            text = f"customer={scope[0]}, environment={scope[1]} {state} execution {name}"
            raise DrError(text, f"look at it, or cancel it: GET or DELETE /api/v1/lifecycle/executions/{name}")

    def _start(self, record: Mapping[str, Any], call: Call) -> str:
        """Starts what carries it out. NotStartedError when that is refused: recorded, and one that never ran has FAILED."""
        name = record["execution_id"]
        try:
            arn = self.starter.start(record, call.correlation_id)
        except Exception as error:
            failure = classify(error)
            if failure is None and not isinstance(error, DrError):
                raise
            why = f"{failure.code}: {failure.message}" if failure else str(error)
            told = Note("execution_start_failed", call.who, {"why": why, "correlation_id": call.correlation_id})
            ended: dict[str, Any] = {"status": "FAILED", "reason": f"its run could not be started: {why}"}
            self.store.update_execution(name, told, **(ended if record["status"] == "PENDING" else {}))
            raise NotStartedError(f"the run of execution {name} could not be started: {why}", resume_command(record)) from error
        if arn:
            self.store.note(name, "execution_start_asked", actor=call.who, run=arn, correlation_id=call.correlation_id)
        return arn

    def _noted(self, name: str, call: Call, verb: str) -> None:
        """The request with its correlation id, and the evidence of what it did. The execution has a new version then: `recent`."""
        self.store.note(name, "execution_asked_by_api", actor=call.who, verb=verb, correlation_id=call.correlation_id)
        self.store.update_execution(name)
        self.wake(name, call.who)
        evidence.secure(self.store, name, call.who)


def _name(call: Call) -> str:
    """The execution's id. MalformedError for what is none."""
    try:
        return execution_id(call.name)
    except InputError as error:
        raise MalformedError("executionId", call.name, error.allowed, error.remedy) from error


def _query(call: Call, name: str, field: Any) -> Any:
    unknown = next((one for one in call.query if one != name), None)
    if unknown is not None:
        raise MalformedError(unknown, call.query[unknown], name, f"leave out {unknown}")
    if name not in call.query:
        return field.default
    found = field.fits(call.query[name])
    if found is None:
        raise MalformedError(name, call.query[name], field.allowed, f"?{name}={field.example}")
    return found


def _expected(recent: Sequence[Mapping[str, Any]], parameters: Parameters) -> float | None:
    """Seconds that executions of the same kind took, as a median; None when none has ended yet."""
    took = [
        epoch(one["completed_at"]) - epoch(one["started_at"])
        for one in recent
        if one["status"] == "COMPLETED" and one.get("operation") == parameters.operation
    ]
    return round(median(took)) if took else None


def _wave(approvals: Sequence[Mapping[str, Any]], gate: str) -> int | None:
    """The wave that comes after a gate."""
    found = [one["detail"].get("wave") for one in approvals if one["gate"] == gate]
    return int(found[-1]) if found and isinstance(found[-1], int) else None
