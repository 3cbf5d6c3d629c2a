# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What outlives the process: intents before calls, outcomes after them, results of phases, debts."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from .audit import Note
from .dynamo import epoch, utc
from .lock import Held, LeaseLostError
from .model import Call
from .objectives import tally
from .redact import mask

if TYPE_CHECKING:
    from .store import Store

#: The lease is renewed before a write when it was last renewed this long ago. Nobody can take the lock before the lease ends, or
#: before our parent process is gone, which is looked at first: a write within this time is as safe as one under a condition,
#: which batches cannot have.
GUARD_SECONDS: Final = 1.0
#: Results larger than this go to S3 (an item may have 400 KB).
INLINE_BYTES: Final = 50_000
#: How a phase ended, in the key of its item: what needs a person comes, in one range, before what ended otherwise.
DONE, NEEDED, OTHERWISE = "D", "N", "O"
KINDS: Final = {"done": DONE, "blocked": NEEDED, "failed": NEEDED, "deferred": OTHERWISE, "skipped": OTHERWISE}


class Journal:
    """The journal of one execution in the table. Every write is refused (LeaseLostError) once another run has taken over.

    actor: who is named in audit entries that do not name one. record: the execution as it was before. objectives: pair key -> RTO
    in seconds, of what its plan has to activate.
    """

    def __init__(
        self,
        store: Store,
        execution_id: str,
        fence: int,
        lock: Held,
        actor: str = "",
        record: Mapping[str, Any] | None = None,
        objectives: Mapping[str, int] | None = None,
    ) -> None:
        self.store, self.execution_id, self.fence, self.lock, self.actor = store, execution_id, fence, lock, actor
        self._pk = f"EXEC#{execution_id}"
        self._sent: dict[tuple[str, str, str], str] = {}
        self._ended: dict[str, dict[str, str]] = {}
        self._kinds: dict[str, dict[str, set[str]]] = {}
        self._known: set[str] = set()
        self._activated: dict[str, str] = {}
        self._dirty_since: float | None = None
        self._delays: list[float] = []
        self._record, self._objectives = record or {}, objectives
        self._parent = os.getppid()

    def known(self, phase: str) -> dict[str, dict[str, Any]]:
        """What is recorded of a phase, by pair key, in one query.

        {"done": outputs or None, "result": the last {status, at, outputs, why, remedy, …} or None,
         "intents": {digest: {"sent_at", "outcome": accepted | rejected | unknown, "detail"}}}
        """
        found: dict[str, dict[str, Any]] = {}
        for item in self.store.table.query(self._pk, f"P#{phase}#"):
            entry = found.setdefault(item["key"], {"done": None, "result": None, "intents": {}})
            if item["SK"].startswith(f"P#{phase}#I#"):
                intent = {"sent_at": item["sent_at"], "outcome": item["outcome"], "detail": item["detail"]}
                entry["intents"][item["digest"]] = intent
                self._sent[item["key"], phase, item["digest"]] = item["sent_at"]
                continue
            kind = item["SK"].removeprefix(f"P#{phase}#")[0]
            self._kinds.setdefault(phase, {}).setdefault(item["key"], set()).add(kind)
            if (phase, kind) == ("activate", DONE):
                self._activated[item["key"]] = item["at"]
            if entry["done"] is None:
                entry["result"] = {"status": item["status"], "at": item["at"], **self.store.body(item["body"])}
                if item["status"] == "done":
                    entry["done"] = entry["result"].get("outputs", {})
        self._known.add(phase)
        ended = self._ended.setdefault(phase, {})
        ended.update({key: entry["result"]["status"] for key, entry in found.items() if entry["result"]})
        return found

    def intend(self, entries: Sequence[tuple[str, str, Call]]) -> None:
        """Calls that are about to be sent: (pair key, phase, call). Stored when this returns."""
        at = self._guard()
        for key, phase, call in entries:
            self._sent[key, phase, call.digest] = at
        self.store.table.write([self._intent(key, phase, call, "unknown", "") for key, phase, call in entries])

    def outcome(self, entries: Sequence[tuple[str, str, Call, str, str]]) -> None:
        """How calls ended: (pair key, phase, call, accepted | rejected | unknown, detail)."""
        self._guard()
        self.store.table.write([self._intent(*entry) for entry in entries])

    def finish(self, entries: Sequence[tuple[str, str, str, Mapping[str, Any]]]) -> None:
        """How a phase ended for pairs: (pair key, phase, done | blocked | deferred | failed | skipped, payload), secrets masked."""
        at = self._guard()
        puts, deletes = [], []
        for key, phase, status, payload in entries:
            body = json.dumps(mask(payload), default=str, sort_keys=True)
            kind = KINDS[status]
            kinds = self._kinds.setdefault(phase, {}).setdefault(key, set() if phase in self._known else {NEEDED, OTHERWISE})
            item = {"PK": self._pk, "SK": f"P#{phase}#{kind}#{key}", "key": key, "phase": phase, "status": status, "at": at}
            puts.append({**item, "body": self._inline(key, phase, body), "expires_at": self.store.expiry()})
            if (phase, kind) == ("activate", DONE):
                self._activated[key] = at
            for stale in kinds - {kind, DONE}:
                deletes.append((self._pk, f"P#{phase}#{stale}#{key}"))
            self._kinds[phase][key] = (kinds & {DONE}) | {kind}
            self._ended.setdefault(phase, {})[key] = status
        if self._dirty_since is None:
            self._dirty_since = self.store.clock()
        self.store.table.write(puts, deletes)

    def reopen(self, phase: str, keys: Collection[str], payload: Mapping[str, Any]) -> None:
        """A phase that was done for pairs does not hold any more: it has failed with this payload, and is decided again."""
        self.finish([(key, phase, "failed", payload) for key in keys])
        wanted = set(keys)
        self._aside(f"P#{phase}#{DONE}#", lambda item: item["key"] in wanted)
        for key in keys:
            self._kinds[phase][key].discard(DONE)
            self._activated.pop(key, None)

    def put_aside(self, phases: Sequence[str], keys: Collection[str]) -> None:
        """Forgets how phases ended for pairs, and their calls. The items are kept under ASIDE#; killed, it can be done again."""
        wanted = set(keys)
        for phase in phases:
            self._aside(f"P#{phase}#", lambda item: item["key"] in wanted)
            for key in keys:
                self._kinds.get(phase, {}).pop(key, None)
                self._ended.get(phase, {}).pop(key, None)
                self._activated.pop(key, None)
        for sent in [one for one in self._sent if one[0] in wanted and one[1] in phases]:
            del self._sent[sent]

    def forget_errands(self, ends: tuple[str, ...]) -> None:
        """Hooks and business checks whose keys end so are carried out again."""
        self._aside("ERRAND#", lambda item: str(item["key"]).endswith(ends))

    def _aside(self, prefix: str, wanted: Callable[[Mapping[str, Any]], bool]) -> None:
        at = self._guard()
        items = [item for item in self.store.table.query(self._pk, prefix) if wanted(item)]
        self.store.table.write([{**item, "SK": f"ASIDE#{at}#{item['SK']}"} for item in items])
        self.store.table.write([], [(self._pk, item["SK"]) for item in items])

    def debts(self, entries: Sequence[tuple[str, str, str]]) -> None:
        """What must be fenced once a region answers again: (pair key, phase, text). They outlive the execution."""
        self._guard()
        self.store.owe(self.lock.customer, self.lock.environment, self.execution_id, entries)

    def renew(self) -> None:
        """Extends the lease and stores the counts. LeaseLostError when another run has taken over."""
        self._mine()
        self.lock.renew()
        if self._dirty_since is not None:
            self._keep()
            self._counted()

    def _keep(self) -> None:
        """Stores the counts."""
        self.store.update_execution(self.execution_id, **self._progress())

    def progress(self, phase: str, wave: int | None, counts: Mapping[str, int] | None = None) -> None:
        """Where the run is: stored with the counts of all phases. counts: status -> resources of this wave, when it has ended.

        Of ACTIVATE the two times that the clocks need are stored as well (`status.clocks`).
        """
        at = self._guard()
        marks: dict[str, Any] = {}
        if phase == "activate":
            ended = self._record.get("activate_ended_at") if counts is None else at
            marks = {"activate_begun_at": self._record.get("activate_begun_at") or at, "activate_ended_at": ended}
            self._record = {**self._record, **marks}
        marks |= {"current_phase": phase, "current_wave": wave, "wave_counts": dict(counts or {}), **self._progress()}
        self.store.update_execution(self.execution_id, **marks)
        self._counted()

    def delays(self) -> list[float]:
        """The longest time, in seconds, from the end of a phase to the counts that have it; [] when nothing ended."""
        return [max(self._delays)] if self._delays else []

    def note(self, event_type: str, **detail: Any) -> None:
        """An audit entry. `actor` among the details names who did it."""
        self._guard()
        self.store.note(self.execution_id, event_type, **{"actor": self.actor, **detail})

    def change(self, changes: Mapping[str, Any], event_type: str, **detail: Any) -> dict[str, Any]:
        """Changes the execution, with the audit entry that tells of it: both or neither. Gives the execution."""
        self._guard()
        return self.store.update_execution(self.execution_id, Note(event_type, self.actor, detail), **changes)

    def _counted(self) -> None:
        if self._dirty_since is not None:
            self._delays.append(max(0.0, self.store.clock() - self._dirty_since))
        self._dirty_since = None

    def errands(self) -> dict[str, dict[str, Any]]:
        """Hooks and business checks by key: {state: begun | done | failed | overridden, attempt, at: when it was begun}."""
        found = self.store.table.query(self._pk, "ERRAND#")
        return {item["key"]: {name: item[name] for name in ("state", "attempt", "at")} for item in found}

    def errand(self, key: str, state: str, attempt: int, at: str) -> None:
        """How a hook or a business check stands. Stored when this returns."""
        self._guard()
        item = {"PK": self._pk, "SK": f"ERRAND#{key}", "key": key, "state": state, "attempt": attempt, "at": at}
        self.store.table.put({**item, "expires_at": self.store.expiry()})

    def _guard(self) -> str:
        """LeaseLostError unless the lock is ours and stays so for a while; the time for what is written now."""
        self._mine()
        now = self.store.clock()
        if not 0 <= now - self.lock.renewed_at < GUARD_SECONDS:
            self.lock.renew()
        return utc(now)

    def _mine(self) -> None:
        if os.getppid() != self._parent:  # Ansible's workers outlive it when it is killed, and another run may go on now
            text = f"the process that carried out execution {self.execution_id} is gone"
            raise LeaseLostError(text, f"ansible-playbook dr.aws.status -e execution_id={self.execution_id}")
        if self.lock.fence != self.fence:
            text = f"execution {self.execution_id} holds fence {self.fence}, the lock is at {self.lock.fence}"
            raise LeaseLostError(text, f"ansible-playbook dr.aws.status -e execution_id={self.execution_id}")

    def _progress(self) -> dict[str, Any]:
        """What is kept with the execution, so that its status need not read its resources."""
        before: Mapping[str, Mapping[str, int]] = self._record.get("counts") or {}
        counted: dict[str, Mapping[str, int]] = {phase: Counter(ended.values()) for phase, ended in self._ended.items()}
        found: dict[str, Any] = {"counts": {phase: dict(counts) for phase, counts in {**before, **counted}.items()}}
        if self._objectives is not None and "activate" in self._known:
            started = epoch(self._record["started_at"])
            found["objectives"] = tally(self._objectives, {key: epoch(at) - started for key, at in self._activated.items()})
        return found

    def _intent(self, key: str, phase: str, call: Call, outcome: str, detail: str) -> dict[str, Any]:
        return {
            "PK": self._pk,
            "SK": f"P#{phase}#I#{key}#{call.digest}",
            "key": key,
            "phase": phase,
            "digest": call.digest,
            "call": f"{call.service}:{call.operation}",
            "region": call.region,
            "why": call.why,
            "one_way": call.one_way,
            "sent_at": self._sent.get((key, phase, call.digest)) or utc(self.store.clock()),
            "outcome": outcome,
            "detail": mask(detail)[:2000],
            "expires_at": self.store.expiry(),
        }

    def _inline(self, key: str, phase: str, body: str) -> str:
        """The body itself, or where it is."""
        if len(body) <= INLINE_BYTES:
            return body
        name = hashlib.sha256(f"{phase}/{key}".encode()).hexdigest()[:16]
        return json.dumps(self.store.put_object(f"results/{self.execution_id}/{phase}/{name}.json", body.encode()))


class MemoryJournal:
    """The same in memory, for single modules and tests: nothing outlives the process, nobody else can take over."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.records: dict[str, dict[str, dict[str, Any]]] = {}
        self.owed: list[tuple[str, str, str]] = []
        self.notes: list[dict[str, Any]] = []
        self._errands: dict[str, dict[str, Any]] = {}
        self.at: dict[str, Any] = {}

    def known(self, phase: str) -> dict[str, dict[str, Any]]:
        """As `Journal.known`."""
        return {key: {**entry, "intents": dict(entry["intents"])} for key, entry in self.records.get(phase, {}).items()}

    def intend(self, entries: Sequence[tuple[str, str, Call]]) -> None:
        """As `Journal.intend`."""
        for key, phase, call in entries:
            intent = {"sent_at": utc(self.clock()), "outcome": "unknown", "detail": ""}
            self._entry(key, phase)["intents"][call.digest] = intent

    def outcome(self, entries: Sequence[tuple[str, str, Call, str, str]]) -> None:
        """As `Journal.outcome`."""
        for key, phase, call, outcome, detail in entries:
            intents = self._entry(key, phase)["intents"]
            sent_at = intents.get(call.digest, {}).get("sent_at") or utc(self.clock())
            intents[call.digest] = {"sent_at": sent_at, "outcome": outcome, "detail": detail[:2000]}

    def finish(self, entries: Sequence[tuple[str, str, str, Mapping[str, Any]]]) -> None:
        """As `Journal.finish`."""
        for key, phase, status, payload in entries:
            entry = self._entry(key, phase)
            entry["result"] = {"status": status, "at": utc(self.clock()), **payload}
            if status == "done":
                entry["done"] = payload.get("outputs", {})

    def reopen(self, phase: str, keys: Collection[str], payload: Mapping[str, Any]) -> None:
        """As `Journal.reopen`."""
        self.finish([(key, phase, "failed", payload) for key in keys])
        for key in keys:
            self._entry(key, phase)["done"] = None

    def put_aside(self, phases: Sequence[str], keys: Collection[str]) -> None:
        """As `Journal.put_aside`."""
        for phase in phases:
            for key in keys:
                self.records.get(phase, {}).pop(key, None)

    def forget_errands(self, ends: tuple[str, ...]) -> None:
        """As `Journal.forget_errands`."""
        self._errands = {key: one for key, one in self._errands.items() if not key.endswith(ends)}

    def debts(self, entries: Sequence[tuple[str, str, str]]) -> None:
        """As `Journal.debts`."""
        self.owed.extend(entries)

    def renew(self) -> None:
        """Nothing to renew."""

    def progress(self, phase: str, wave: int | None, counts: Mapping[str, int] | None = None) -> None:
        """As `Journal.progress`."""
        self.at = {"current_phase": phase, "current_wave": wave, "wave_counts": dict(counts or {})}

    def note(self, event_type: str, **detail: Any) -> None:
        """As `Journal.note`."""
        self.notes.append({"event_type": event_type, **detail})

    def errands(self) -> dict[str, dict[str, Any]]:
        """As `Journal.errands`."""
        return dict(self._errands)

    def errand(self, key: str, state: str, attempt: int, at: str) -> None:
        """As `Journal.errand`."""
        self._errands[key] = {"state": state, "attempt": attempt, "at": at}

    def _entry(self, key: str, phase: str) -> dict[str, Any]:
        return self.records.setdefault(phase, {}).setdefault(key, {"done": None, "result": None, "intents": {}})
