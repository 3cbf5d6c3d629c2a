# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people ask of an execution from outside: pause it, cancel it, skip a resource. Recorded in the store, seen between waves.

A wave that runs is finished. A request stands until it is taken or, for a pause, until a person resumes; it is never lost.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

from .dynamo import RefusedError, utc
from .errors import DrError, InputError
from .events import Notifier
from .lock import alive
from .status import cleanup_command
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
CANCELLED: Final = "what was done stays as it is; a new execution goes on from there, one in the other direction takes it back"


class Interventions:
    """Requests of people about executions in the store. who: the identity of whoever asks, as STS gives it.

    notifier: tells people of what takes effect without a run that would; without one nobody is told.
    """

    def __init__(self, store: Store, who: str, notifier: Notifier | None = None) -> None:
        self.store, self.who, self.notifier = store, who, notifier or Notifier(None, None)

    def ask(self, execution_id: str, verb: str, reason: str, resource: str = "", *, check_mode: bool = False) -> dict[str, Any]:
        """Records a request, once; an execution that nothing carries out is cancelled at once.

        resource: what to skip. Gives {changed, request: {verb, state: open | taken | standing, reason, requested_by, …} or {},
        said: what happens next, for people}. DrError: an unknown execution, one in a state that does not allow it, or a resource
        of which nothing is left to skip.
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
        request = self._open(name, verb, resource)
        changed = request is None
        if request is None:
            if check_mode:
                return {"changed": True, "request": {}, "said": f"{verb} would be recorded for execution {name}"}
            request = self._record(name, verb, reason, resource)
        elif check_mode:
            return {"changed": False, "request": shown(request), "said": _said(request)}
        if verb == "cancel":
            return self._cancel(name, request, changed)
        if verb == "skip" and changed:
            self._tell(
                name, "resource_skipped", text=_said(request), failures=[{"resource": resource, "phase": "all", "why": reason}]
            )
        return {"changed": changed, "request": shown(request), "said": _said(request)}

    def resumed(self, execution_id: str) -> None:
        """A person resumes: pauses that were asked for before are over."""
        for request in requests(self.store, execution_id):
            if request["verb"] == "pause" and request["state"] == "open":
                _close(self.store, request, "withdrawn")

    def _open(self, name: str, verb: str, resource: str) -> dict[str, Any] | None:
        """The same request, when it stands already."""
        for request in requests(self.store, name):
            if (request["verb"], request["resource"]) == (verb, resource) and request["state"] in ("open", "standing"):
                return request
        return None

    def _record(self, name: str, verb: str, reason: str, resource: str) -> dict[str, Any]:
        number = sum(request["verb"] == verb for request in requests(self.store, name)) + 1
        item = {
            "PK": f"EXEC#{name}",
            "SK": f"REQ#{verb}#{resource or format(number, '04d')}",
            "execution_id": name,
            "verb": verb,
            "resource": resource,
            "state": "standing" if verb == "skip" else "open",
            "reason": reason,
            "requested_by": self.who,
            "requested_at": utc(self.store.clock()),
            "expires_at": self.store.expiry(),
        }
        try:
            self.store.table.put(item, new=True)
        except RefusedError as refused:  # somebody else asked for the same at the same moment
            return dict(refused.item)
        detail = {"reason": reason, **({"resource": resource} if resource else {})}
        self.store.note(name, f"execution_{verb}_requested", actor=self.who, **detail)
        return item

    def _cancel(self, name: str, request: Mapping[str, Any], changed: bool) -> dict[str, Any]:
        """Of a running execution the run sees the request; one that nothing carries out is CANCELLED here."""
        for _attempt in range(ATTEMPTS):
            execution = self.store.get_execution(name)
            if execution["status"] in ("PENDING", "RUNNING") and alive(self.store, execution):
                return {"changed": changed, "request": shown(request), "said": _said(request)}
            try:
                self.store.update_execution(name, ver=execution["ver"], status="CANCELLED", reason=_why(request))
            except RefusedError:
                continue  # it was resumed, or ended, at this moment
            _close(self.store, request, "taken")
            self.store.note(name, "execution_cancelled", actor=self.who, reason=request["reason"])
            self._tell(name, "execution_cancelled", text=_why(request), remedy=after_cancel(execution))
            taken = {**shown(request), "state": "taken"}
            return {"changed": True, "request": taken, "said": f"execution {name} is CANCELLED: {after_cancel(execution)}"}
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
    return {item["resource"]: _why(item) for item in found if item["resource"] in keys}


def heed(run: Run, what: str) -> None:
    """Ends the run as it was asked to, by DrError, before `what` begins: CANCELLED or PAUSED. Nothing otherwise.

    A cancelled drill whose copies are being removed is not held up again.
    """
    if run.check_mode or run.record["status"] != "RUNNING":
        return
    standing = {one["verb"]: one for one in requests(run.store, run.execution_id) if one["state"] == "open"}
    for verb, status in LEADS_TO.items():
        if verb in standing:
            request = standing[verb]
            text = f"execution {run.execution_id} is {status} before {what}: {_why(request)}"
            remedy = after_cancel(run.record) if verb == "cancel" else run.resume_command()
            detail = {name: request[name] for name in ("reason", "requested_by", "requested_at")}
            error = run.stop(status, f"execution_{status.lower()}", text, remedy, before=what, **detail)
            _close(run.store, request, "taken")
            raise error


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
    said = {
        "pause": f"execution {name} is paused before its next wave; the wave that runs is finished",
        "cancel": f"execution {name} is cancelled before its next wave; the wave that runs is finished",
        "skip": f"nothing more of {request['resource']} begins in execution {name}; a phase of it that runs is finished",
    }
    return said[request["verb"]]


def _close(store: Store, request: Mapping[str, Any], state: str) -> None:
    store.table.update(request["PK"], request["SK"], {"state": state, "closed_at": utc(store.clock())})
