# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people ask of an execution from outside: pause it, cancel it, skip a resource. Recorded in the store, seen between waves.

A wave that runs is finished. A request stands until it is taken or taken back, also when the run dies and another resumes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

from . import pauses
from .approvals import Approvals, commands
from .audit import Note
from .dynamo import RefusedError, utc
from .errors import DrError, InputError
from .events import Notifier
from .lock import alive
from .status import cleanup_command, resume_command
from .store import ATTEMPTS, Store, shown

if TYPE_CHECKING:
    from .run import Run

VERBS: Final = ("pause", "cancel", "skip")
#: Verb -> states in which it can be asked for.
ALLOWED: Final[Mapping[str, tuple[str, ...]]] = {
    "pause": ("PENDING", "RUNNING", "PAUSED"),
    "cancel": ("PENDING", "RUNNING", "PAUSED", "FAILED", "CANCELLED"),
    "skip": ("PENDING", "RUNNING", "PAUSED", "FAILED"),
}
#: Verb -> the state that it leads to. Asked for again in that state, it changes nothing.
LEADS_TO: Final[Mapping[str, str]] = {"cancel": "CANCELLED", "pause": "PAUSED"}
#: What can be taken back, while it stands.
UNDOABLE: Final = ("pause", "skip")
CANCELLED: Final = "what was done stays as it is; a new execution goes on from there, one in the other direction takes it back"


class Interventions:
    """Requests of people about executions in the store. who: the identity of whoever asks, as STS gives it.

    notifier: tells people of what takes effect without a run that would; without one nobody is told.
    """

    def __init__(self, store: Store, who: str, notifier: Notifier | None = None) -> None:
        self.store, self.who, self.notifier = store, who, notifier or Notifier(None, None)

    def ask(
        self,
        execution_id: str,
        verb: str,
        reason: str,
        resource: str = "",
        *,
        timeout_minutes: int = pauses.DEFAULT_MINUTES,
        check_mode: bool = False,
    ) -> dict[str, Any]:
        """Records a request, once; an execution that nothing carries out is cancelled at once.

        resource: what to skip. timeout_minutes: how long a pause waits for its approval before people are alerted. Gives {changed,
        request: {verb, state: open | taken | standing | withdrawn, reason, requested_by, …} or {}, said: what happens next, for
        people}. DrError: an unknown execution, one in a state that does not allow it, a resource of which nothing is left to skip.
        """
        if verb not in VERBS:
            raise InputError("verb", verb, ", ".join(VERBS), "-e verb=pause")
        execution = self.store.get_execution(execution_id)
        name, status = execution["execution_id"], execution["status"]
        if status not in ALLOWED[verb]:
            allowed = ", ".join(ALLOWED[verb])
            remedy = f"ansible-playbook dr.aws.status -e execution_id={name}"
            raise DrError(f"execution {name} is {status}: {verb} is possible while it is one of {allowed}", remedy)
        if status == LEADS_TO.get(verb):
            return {"changed": False, "request": {}, "said": f"execution {name} is {status} already"}
        if verb == "skip":
            self._refuse_skip(name, resource, reason)
        if verb == "pause" and not 1 <= timeout_minutes <= pauses.MAX_MINUTES:
            allowed = f"a whole number from 1 to {pauses.MAX_MINUTES}"
            raise InputError("timeout_minutes", timeout_minutes, allowed, f"-e timeout_minutes={pauses.DEFAULT_MINUTES}")
        request = self._open(name, verb, resource)
        changed = request is None
        if request is None:
            if check_mode:
                return {"changed": True, "request": {}, "said": f"{verb} would be recorded for execution {name}"}
            request = self._record(name, verb, reason, resource, timeout_minutes)
        elif check_mode:
            return {"changed": False, "request": shown(request), "said": _said(request)}
        if verb == "cancel":
            return self._cancel(name, request, changed)
        if verb == "skip" and changed:
            self._tell(name, "resource_skipped", text=_said(request), reason=reason)
        return {"changed": changed, "request": shown(request), "said": _said(request)}

    def undo(self, execution_id: str, verb: str, reason: str, resource: str = "", *, check_mode: bool = False) -> dict[str, Any]:
        """Takes back a pause that was not taken yet, or the skip of a resource. Gives what `ask` gives.

        DrError: there is none, or the execution has ended.
        """
        if verb not in UNDOABLE:
            raise InputError("undo", True, f"true with {' or '.join(UNDOABLE)}", "leave out undo")
        execution = self.store.get_execution(execution_id)
        name, status = execution["execution_id"], execution["status"]
        remedy = f"ansible-playbook dr.aws.status -e execution_id={name}"
        if status not in ALLOWED[verb]:
            raise DrError(f"execution {name} is {status}: there is nothing in it that could be taken back", remedy)
        request = self._open(name, verb, resource)
        if request is None:
            what = (
                f"{resource or 'no resource'} is not skipped" if verb == "skip" else "no pause is asked for that was not taken yet"
            )
            raise DrError(f"{what} in execution {name}", f"{remedy} shows its requests")
        said = _undone(execution, verb, resource)
        if check_mode:
            return {"changed": True, "request": {}, "said": said}
        _close(self.store, request, "withdrawn", Note(f"execution_{verb}_withdrawn", self.who, _reasons(reason, resource)))
        if verb == "skip":
            self._tell(name, "resource_unskipped", text=f"{said}; asked for by {self.who}{f': {reason}' if reason else ''}")
        return {"changed": True, "request": {**shown(request), "state": "withdrawn"}, "said": said}

    def rejected(self, execution_id: str, gate: str) -> str:
        """An approval was rejected: an execution that no run carries out is CANCELLED here; others see it. Gives what was done."""
        why = f"approval of {gate} was rejected by {self.who}"
        execution = self.store.get_execution(execution_id)
        ended = execution["status"] in ("COMPLETED", "CANCELLED") or not self._end(execution_id, why, gate=gate)
        return "" if ended else f"execution {execution['execution_id']} is CANCELLED: {after_cancel(execution)}"

    def _open(self, name: str, verb: str, resource: str) -> dict[str, Any] | None:
        """The same request, when it stands already."""
        for request in requests(self.store, name):
            if (request["verb"], request["resource"]) == (verb, resource) and request["state"] in ("open", "standing"):
                return request
        return None

    def _record(self, name: str, verb: str, reason: str, resource: str, timeout_minutes: int) -> dict[str, Any]:
        number = sum(request["verb"] == verb for request in requests(self.store, name)) + 1
        item = {
            "PK": f"EXEC#{name}",
            "SK": f"REQ#{verb}#{resource and f'{resource}#'}{number:04d}",
            "execution_id": name,
            "verb": verb,
            "resource": resource,
            "state": "standing" if verb == "skip" else "open",
            "reason": reason,
            "requested_by": self.who,
            "requested_at": utc(self.store.clock()),
            **({"timeout_minutes": timeout_minutes} if verb == "pause" else {}),
            "expires_at": self.store.expiry(),
        }
        told = Note(f"execution_{verb}_requested", self.who, _reasons(reason, resource))
        try:
            self.store.write(name, {"Put": self.store.table.putting(item, new=True)}, told)
        except RefusedError as refused:  # somebody else asked for the same at the same moment
            return dict(refused.item)
        return item

    def _cancel(self, name: str, request: Mapping[str, Any], changed: bool) -> dict[str, Any]:
        """Of a running execution the run sees the request; one that nothing carries out is CANCELLED here."""
        if not self._end(name, _why(request), reason=request["reason"]):
            return {"changed": changed, "request": shown(request), "said": _said(request)}
        _close(self.store, request, "taken")
        said = f"execution {name} is CANCELLED: {after_cancel(self.store.get_execution(name))}"
        return {"changed": True, "request": {**shown(request), "state": "taken"}, "said": said}

    def _end(self, name: str, why: str, **detail: Any) -> bool:
        """CANCELLED, with audit entry and notification. False when a run carries it out: that will see for itself."""
        for _attempt in range(ATTEMPTS):
            execution = self.store.get_execution(name)
            if execution["status"] in ("PENDING", "RUNNING") and alive(self.store, execution):
                return False
            try:
                told = Note("execution_cancelled", self.who, detail)
                self.store.update_execution(name, told, ver=execution["ver"], status="CANCELLED", reason=why)
            except RefusedError:
                continue  # it was resumed, or ended, at this moment
            self._tell(name, "execution_cancelled", text=why, remedy=after_cancel(execution))
            return True
        raise DrError(f"execution {name} was changed by others {ATTEMPTS} times in a row", "run the same command again")

    def _tell(self, name: str, event: str, **told: Any) -> None:
        sent = self.notifier.send(event, self.store.get_execution(name), **told)
        self.store.note(name, "notified", actor=self.who, event=event, **sent)

    def _refuse_skip(self, name: str, resource: str, reason: str) -> None:
        if not reason.strip():
            raise InputError("reason", reason, "why it is skipped", "-e \"reason='the shop can do without'\"")
        batches = self.store.get_plan(name)["plan"]["batches"]
        phases: dict[str, list[str]] = {}
        for batch in batches:
            for entry in batch["entries"]:
                phases.setdefault(entry["key"], []).append(batch["phase"])
        if resource not in phases:
            near = sorted(key for key in phases if resource and resource in key) or sorted(phases)
            allowed = f"a resource of the plan: {', '.join(near[:5])}{' …' if len(near) > 5 else ''}"
            raise InputError("resource", resource, allowed, f"-e resource={near[0]}")
        pk = f"EXEC#{name}"
        if all(self.store.table.get(pk, f"P#{phase}#D#{resource}") for phase in phases[resource]):
            remedy = f"ansible-playbook dr.aws.status -e execution_id={name}"
            raise DrError(f"{resource} is done in every phase of execution {name}: nothing is left to skip", remedy)


def requests(store: Store, execution_id: str) -> list[dict[str, Any]]:
    """All requests about an execution, as they are stored."""
    return list(store.table.query(f"EXEC#{execution_id}", "REQ#"))


def skips(store: Store, execution_id: str, keys: Collection[str]) -> dict[str, str]:
    """Pair key -> why and for whom it is skipped, of the pairs asked about."""
    found = store.table.query(f"EXEC#{execution_id}", "REQ#skip#")
    return {item["resource"]: _why(item) for item in found if item["state"] == "standing" and item["resource"] in keys}


def unskipped(store: Store, execution_id: str, keys: Collection[str]) -> set[str]:
    """Those of the keys whose skip was taken back, and that are not skipped again."""
    found = [item for item in store.table.query(f"EXEC#{execution_id}", "REQ#skip#") if item["resource"] in keys]
    standing = {item["resource"] for item in found if item["state"] == "standing"}
    return {item["resource"] for item in found} - standing


def heed(run: Run, phase: str, hosts: Mapping[str, Mapping[str, Any]], say: Callable[..., None]) -> None:
    """Ends the run as it was asked to, by DrError, before the phase begins for the hosts: CANCELLED or PAUSED. Nothing otherwise.

    say: `BatchAction.say`: the screen gets a pause's checklist and its commands. A cancelled drill whose copies are being removed
    is not held up again.
    """
    if run.check_mode or run.record["status"] != "RUNNING":
        return
    standing = {one["verb"]: one for one in requests(run.store, run.execution_id) if one["state"] == "open"}
    for verb, status in LEADS_TO.items():
        if verb in standing:
            request, what = standing[verb], f"{phase}, wave {run.waves(hosts)}"
            text = f"execution {run.execution_id} is {status} before {what}: {_why(request)}"
            detail = {"before": what, **{name: request[name] for name in ("reason", "requested_by", "requested_at")}}
            if verb == "pause":
                raise _paused(run, request, phase, hosts, text, detail, say)
            error = run.stop(status, f"execution_{status.lower()}", text, after_cancel(run.record), **detail)
            _close(run.store, request, "taken")
            raise error


def _paused(
    run: Run,
    request: Mapping[str, Any],
    phase: str,
    hosts: Mapping[str, Mapping[str, Any]],
    text: str,
    detail: Mapping[str, Any],
    say: Callable[..., None],
) -> DrError:
    """The approval is asked for before the state says PAUSED: killed in between, the run that resumes asks again."""
    plan = run.plan
    following = next((one for one in plan.of(phase) if any(entry.key in hosts for entry in one.entries)), None) if plan else None
    if plan is None or following is None:
        raise DrError(
            f"execution {run.execution_id} has no wave for {', '.join(hosts)}", "use the inventory that it was started with"
        )
    checks = pauses.checklist(plan, following, run.journal.known, run.store.status(run.execution_id))
    asked = Approvals(run.store).request(
        run.execution_id,
        pauses.gate_of(request),
        plan.sha256,
        timeout_seconds=60 * int(request.get("timeout_minutes", pauses.DEFAULT_MINUTES)),
        requester=run.actor,
        separate_approver=run.parameters.approver_must_differ,
        needed=run.parameters.approvals_needed,
        detail={"phase": phase, "wave": following.wave, "why": _why(request), "checklist": checks},
        promised_sha256=request.get("promised_sha256", ""),
    )
    _close(run.store, request, "taken")
    lines = [*pauses.said(checks), f"to be decided until {asked.timeout_at}; then people are alerted, and it stays PAUSED"]
    ways = {**commands(run.execution_id, asked.token), "resume": run.resume_command()}
    for line in lines:
        say(f"  {line}", color="yellow")
    for command in ways.values():
        say(f"  {command}", plain=True)
    told = {"text": "\n".join((text, "", *lines)), "commands": ways, "decide until": asked.timeout_at}
    remedy = "look at the checklist, approve, then resume; a rejection cancels"
    return run.stop(
        "PAUSED", "execution_paused", text, run.resume_command(), told={**told, "remedy": remedy}, gate=asked.gate, **detail
    )


def after_cancel(execution: Mapping[str, Any]) -> str:
    """What is to be known, or run, once an execution is cancelled."""
    return f"its copies are removed by: {cleanup_command(execution)}" if execution["operation"] == "test" else CANCELLED


def _why(request: Mapping[str, Any]) -> str:
    """`skip requested by arn:… at …: the shop can do without`."""
    reason = f": {request['reason']}" if request["reason"] else ""
    return f"{request['verb']} requested by {request['requested_by']} at {request['requested_at']}{reason}"


def _said(request: Mapping[str, Any]) -> str:
    """What an open request leads to."""
    name = request["execution_id"]
    minutes = request.get("timeout_minutes", pauses.DEFAULT_MINUTES)
    said = {
        "pause": f"execution {name} is paused before its next wave; the wave that runs is finished. Then the run shows, and sends "
        f"to the topic, the token that goes on with it and what to look at; {minutes} minutes later people are alerted",
        "cancel": f"execution {name} is cancelled before its next wave; the wave that runs is finished",
        "skip": f"nothing more of {request['resource']} begins in execution {name}; a phase of it that runs is finished",
    }
    return said[request["verb"]]


def _undone(execution: Mapping[str, Any], verb: str, resource: str) -> str:
    """What taking a request back leads to."""
    name = execution["execution_id"]
    if verb == "pause":
        return f"execution {name} is not paused"
    if execution["status"] in ("PAUSED", "FAILED"):
        return f"{resource} is carried out when execution {name} is resumed: {resume_command(execution)}"
    stops = "where one of its phases was, the run stops there, and resuming makes up for it"
    return f"{resource} is not skipped any more in execution {name}; {stops}"


def _reasons(reason: str, resource: str) -> dict[str, str]:
    """What the trail says of a request."""
    return {"reason": reason, **({"resource": resource} if resource else {})}


def _close(store: Store, request: Mapping[str, Any], state: str, *notes: Note) -> None:
    change = store.table.updating(request["PK"], request["SK"], {"state": state, "closed_at": utc(store.clock())})
    store.write(request["execution_id"], {"Update": change}, *notes)
