# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The loop: observe, decide, act, again, for a whole wave at once.

One scheduler thread owns all state; a pool of threads only carries API calls. Nothing holds a thread while it waits, pairs that are
due together are observed together (in the API's bulk size), and calls that AWS takes in batches are merged across pairs.
"""

from __future__ import annotations

import json
import math
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from .accounts import CallError, Failure
from .adapters import adapter as default_adapter
from .adapters.base import Adapter, Cloud, Merge, Reader
from .model import PRIORITIES, UNREACHABLE, Blocked, Call, Deferred, Done, Goal, Pair, Step, Wait
from .survey import chunks
from .tracing import NOTHING, Span, carried, current

#: Seconds before a failed call is decided anew (Appendix I: three retries at 1, 2 and 4 s); throttling is worth more patience.
BACKOFF_SECONDS = (1, 2, 4)
THROTTLED_BACKOFF_SECONDS = (1, 2, 4, 8, 16, 30, 30, 30)
#: How often the same call is held back while its effect settles, before it is sent again; and how often it is sent at all.
SETTLE_POLLS = 4
MAX_SENDS = 3
BUSY_POLL_SECONDS = 15
#: Between two looks of a source that is stopped after others.
DRAIN_POLL_SECONDS = 5
BUSY_TIMEOUT_SECONDS = 3600
#: Seconds between two looks at the lease and the progress while a wave runs: FR-2.2 asks for counters that are 3 s old at most,
#: and storing them takes a moment.
TICK_SECONDS = 2.0
#: Phases in which a pair waits for what it depends on.
DEPENDENT_PHASES = ("instantiate", "activate")
#: Takes back what ACTIVATE did.
ROLLBACK = "rollback"
#: So many outcomes or results are stored together (DynamoDB takes 25 in a batch); fewer when there is nothing else to do.
FLUSH_ENTRIES = 25


class Journal(Protocol):
    """What outlives the process: intents, outcomes, results (store.py keeps them in DynamoDB, MemoryJournal nowhere)."""

    def known(self, phase: str) -> Mapping[str, Mapping[str, Any]]: ...
    def intend(self, entries: Sequence[tuple[str, str, Call]]) -> None: ...
    def outcome(self, entries: Sequence[tuple[str, str, Call, str, str]]) -> None: ...
    def finish(self, entries: Sequence[tuple[str, str, str, Mapping[str, Any]]]) -> None: ...
    def debts(self, entries: Sequence[tuple[str, str, str]]) -> None: ...
    def renew(self) -> None: ...


class Clock:
    """Real time; tests drive a simulated one through the same two methods."""

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Result:
    """How a phase ended for one pair.

    status: done | blocked | deferred | failed | would_change (check mode); skipped comes from people, not from the engine.
    calls: what was sent, or would be, in order, as {service, operation, region, account, params, why, one_way}. why, remedy: for
    people, when status is not done.
    """

    key: str
    phase: str
    status: str
    changed: bool = False
    calls: tuple[Mapping[str, Any], ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    remedy: str = ""
    seconds: float = 0.0


@dataclass(slots=True)
class _Track:
    """One pair on its way through a phase. Touched by the scheduler thread only."""

    goal: Goal
    adapter: Adapter
    started: float
    due: float
    intents: dict[str, str]
    held: int = 0
    retries: int = 0
    alone: bool = False
    #: Unplanned: the region being left answers looks, but not what it is asked to change: from now on it is taken for dark.
    mute: bool = False
    #: Of a planned activation: it may still have to stop or fence its source.
    draining: bool = False
    job: int | None = None
    accepted: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    calls: list[Mapping[str, Any]] = field(default_factory=list)
    changed: bool = False
    result: Result | None = None
    span: Span = NOTHING

    @property
    def key(self) -> str:
        return self.goal.pair.key

    def keep(self, receipt: Mapping[str, Any]) -> None:
        """Shows a receipt to the looks that follow."""
        if receipt:
            pair = self.goal.pair
            self.goal = replace(self.goal, pair=replace(pair, settings={**pair.settings, **receipt}))


Observer = Callable[[str, str, str], None]


@dataclass(frozen=True, slots=True)
class Without:
    """A reader to whom a region does not answer."""

    reader: Reader
    region: str

    def read(self, account: str, region: str, service: str, operation: str, /, **params: Any) -> Any:
        """As `Reader.read`."""
        return UNREACHABLE if region == self.region else self.reader.read(account, region, service, operation, **params)

    def pages(self, account: str, region: str, service: str, operation: str, key: str, /, **params: Any) -> Any:
        """As `Reader.pages`."""
        return UNREACHABLE if region == self.region else self.reader.pages(account, region, service, operation, key, **params)


class Engine:
    """Runs one phase over the pairs of a wave.

    parallelism: API calls in flight at once. poll_limit_seconds: an upper bound for every pause between two looks (the sandbox's
    simulated time passes faster than AWS's). observer(key, state, text): told what each pair is doing, for the screen.
    """

    def __init__(
        self,
        cloud: Cloud,
        journal: Journal,
        *,
        parallelism: int = 10,
        check_mode: bool = False,
        clock: Clock | None = None,
        poll_limit_seconds: float | None = None,
        observer: Observer | None = None,
        adapter: Callable[[str], Adapter] = default_adapter,
    ) -> None:
        self.cloud, self.journal, self.check_mode = cloud, journal, check_mode
        self.parallelism, self.poll_limit_seconds = parallelism, poll_limit_seconds
        self.clock = clock or Clock()
        self.observer = observer or (lambda key, state, text: None)
        self.adapter = adapter
        self._jobs = 0
        self._tracks: Mapping[str, _Track] = {}
        self._ended: Mapping[str, Result] = {}
        self._above: dict[str, list[str]] = {}
        self._completed: SimpleQueue[Future[Any]] = SimpleQueue()
        self._outcomes: list[tuple[str, str, Call, str, str]] = []
        self._finished: list[tuple[str, str, str, Mapping[str, Any]]] = []

    def run(self, phase: str, goals: Sequence[Goal], ended: Mapping[str, Result] | None = None) -> dict[str, Result]:
        """Pair key -> Result. What this execution finished is not decided again. LeaseLostError when another run took over.

        ended: how pairs ended that are not among the goals, and that goals may depend on.
        """
        self._ended = ended or {}
        known = self.journal.known(phase)
        now = self.clock.now()
        tracks: dict[str, _Track] = {}
        self._above = defaultdict(list)
        ordered = sorted(goals, key=lambda goal: (PRIORITIES.index(goal.pair.priority), goal.pair.key), reverse=phase == ROLLBACK)
        for goal in ordered:
            for key in goal.pair.dependencies:
                self._above[key].append(goal.pair.key)
            before = known.get(goal.pair.key, {})
            intents = {digest: entry["outcome"] for digest, entry in before.get("intents", {}).items()}
            track = _Track(goal, self.adapter(goal.pair.technology), now, now, intents)
            for entry in before.get("intents", {}).values():
                track.keep(_receipt(entry))
            if before.get("done") is not None:
                track.result = Result(goal.pair.key, phase, "done", outputs=before["done"])
            track.draining = track.adapter.drains and phase == "activate" and goal.planned and track.result is None
            if track.result is None:
                track.span = _begun(phase, goal.pair)
            tracks[track.key] = track
        self._tracks = tracks
        pool = ThreadPoolExecutor(max_workers=max(1, self.parallelism), thread_name_prefix="dr-aws")
        try:
            self._loop(phase, tracks, pool)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            for track in tracks.values():
                if track.result is None:
                    track.span.end("interrupted", "interrupted")
        return {key: track.result for key, track in tracks.items() if track.result is not None}

    def _loop(self, phase: str, tracks: dict[str, _Track], pool: ThreadPoolExecutor) -> None:
        observing: dict[Future[Any], list[_Track]] = {}
        acting: dict[Future[Any], list[tuple[_Track, Call]]] = {}
        mergeable: list[tuple[_Track, Call]] = []
        busy: set[str] = set()
        ticked = self.clock.now()
        open_tracks = [track for track in tracks.values() if track.result is None]
        while open_tracks:
            now = self.clock.now()
            merging = {track.goal.pair.technology for track, _call in mergeable}
            due = [
                track for track in open_tracks if track.key not in busy and track.due <= now and self._free(phase, track, tracks)
            ]
            for chunk in self._chunks([track for track in due if track.goal.pair.technology not in merging]):
                busy.update(track.key for track in chunk)
                first, pairs = chunk[0], [track.goal.pair for track in chunk]
                cloud: Reader = Without(self.cloud, first.goal.pair.source_region) if first.mute else self.cloud
                future = pool.submit(carried(_common(chunk), first.adapter.observe), cloud, pairs)
                observing[future] = chunk
                future.add_done_callback(self._completed.put)
            if mergeable and not merging & {chunk[0].goal.pair.technology for chunk in observing.values()}:
                self._send(phase, self._merged(tracks, mergeable, busy), pool, acting)
                mergeable = []
            if now - ticked >= TICK_SECONDS:
                ticked = now
                self._flush()
                self.journal.renew()
            if observing or acting:
                for future in self._ready(ticked + TICK_SECONDS - self.clock.now()):
                    if future in observing:
                        calls = self._observed(phase, future, observing.pop(future), busy)
                        single = [(track, call) for track, call in calls if _merge(track, call) is None]
                        mergeable += [item for item in calls if _merge(*item) is not None]
                        self._send(phase, [([item], item[1]) for item in single], pool, acting)
                    else:
                        self._acted(phase, future, acting.pop(future), busy)
            elif not mergeable:
                pause = min((track.due for track in open_tracks if track.result is None), default=now) - self.clock.now()
                if pause > 0:
                    self._flush()
                    self.clock.sleep(min(pause, max(0.0, ticked + TICK_SECONDS - self.clock.now())))
            if len(self._outcomes) >= FLUSH_ENTRIES or len(self._finished) >= FLUSH_ENTRIES:
                self._flush()
            open_tracks = [track for track in open_tracks if track.result is None]
        self._flush()

    def _chunks(self, due: Sequence[_Track]) -> list[list[_Track]]:
        """What is observed together."""
        alike = [[track.goal.pair for track in due if track.mute is mute] for mute in (False, True)]
        return [[self._tracks[pair.key] for pair in pairs] for some in alike for pairs in chunks(some, self.adapter)]

    def _ready(self, seconds: float) -> list[Future[Any]]:
        """Calls that came back; waits so long for the first of them."""
        found: list[Future[Any]] = []
        with suppress(Empty):
            found.append(self._completed.get(timeout=max(0.0, seconds)))
            while True:
                found.append(self._completed.get_nowait())
        return found

    def _free(self, phase: str, track: _Track, tracks: Mapping[str, _Track]) -> bool:
        """Whether what this pair depends on is done; a dependency that ended otherwise ends it as well.

        It is the target's sides that depend on each other: what happens to the old side needs no order. They go back in the other
        order: each waits until what depends on it has ended, however it ended.
        """
        for key in self._above.get(track.key, ()) if phase == ROLLBACK and not self.check_mode else ():
            if tracks[key].result is None:
                track.due = max(track.due, tracks[key].due)
                return False
        for key in track.goal.pair.dependencies if phase in DEPENDENT_PHASES else ():
            needed = tracks.get(key)
            result = needed.result if needed else self._ended.get(key)
            if needed and result is None:
                if not self.check_mode:
                    track.due = max(track.due, needed.due)
                    return False
            elif result and result.status not in ("done", "would_change"):
                why = f"it depends on {key}, which is {result.status}: {result.why}"
                repair = f"skip {track.key} as well" if result.status == "skipped" else f"repair {key} first"
                self._end(phase, track, "blocked", why=why, remedy=f"{repair}, then resume this execution")
                return False
        return True

    def _observed(self, phase: str, future: Future[Any], chunk: list[_Track], busy: set[str]) -> list[tuple[_Track, Call]]:
        calls = []
        try:
            seen = future.result()
        except CallError as error:
            for track in chunk:
                busy.discard(track.key)
                self._failed(phase, track, error.failure, "describe")
            return []
        except Exception as error:  # a defect of an adapter must not stop the wave's other resources
            for track in chunk:
                busy.discard(track.key)
                self._end(phase, track, "failed", why=_defect("observe", error), remedy="report this as a bug of dr.aws")
            return []
        for track in chunk:
            try:
                step = getattr(track.adapter, phase)(seen[track.key], track.goal)
            except Exception as error:
                busy.discard(track.key)
                self._end(phase, track, "failed", why=_defect(phase, error), remedy="report this as a bug of dr.aws")
                continue
            call = self._decided(phase, track, step)
            if call is None:
                busy.discard(track.key)
            else:
                calls.append((track, call))
        return calls

    def _decided(self, phase: str, track: _Track, step: Step) -> Call | None:
        """Takes the step; gives the call that is to be sent now, if it is one."""
        now = self.clock.now()
        if isinstance(step, Blocked) and step.retry is not None and _untried(track, step.retry):
            step = step.retry
        if isinstance(step, Call):
            for digest in [digest for digest in track.intents if digest != step.digest]:
                del track.intents[digest]
        else:
            track.intents.clear()
            track.held = 0
        track.draining = track.draining and isinstance(step, Call) and step.region == track.goal.pair.source_region
        match step:
            case Done(outputs=outputs):
                self._end(phase, track, "done", outputs=outputs)
            case Blocked(why=why, remedy=remedy):
                self._end(phase, track, "blocked", why=why, remedy=remedy)
            case Deferred(why=why):
                self._end(phase, track, "deferred", why=why, remedy="run this phase again when the region answers")
            case Wait(why=why, poll_seconds=poll, timeout_seconds=timeout):
                self._wait(phase, track, why, poll, timeout)
            case Call() if self.check_mode:
                track.calls.append(_record(track, step))
                self._end(phase, track, "would_change", why=step.why)
            case Call() if track.draining and self._drains_later(track):
                track.due = self._at(now, DRAIN_POLL_SECONDS)
                self.observer(track.key, "queued", f"{step.why}: after the sources of lower priority")
            case Call() if track.intents.get(step.digest, "rejected") != "rejected" and track.held < SETTLE_POLLS:
                track.held += 1
                track.due = self._at(now, step.settle_seconds)
                self.observer(track.key, "settling", step.why)
            case Call() if track.accepted[step.digest] >= MAX_SENDS:
                why = f"{step.operation} was accepted {MAX_SENDS} times, but describing never showed its effect"
                self._end(
                    phase, track, "failed", why=why, remedy=f"look at {track.key} in {step.region}, then resume this execution"
                )
            case Call():
                return step
        return None

    def _drains_later(self, track: _Track) -> bool:
        """Whether a source of lower priority in the wave is to be stopped before: those of critical resources stop last.

        One that waits for what it depends on is not waited for.
        """
        return any(
            other.draining
            and other.result is None
            and PRIORITIES.index(other.goal.pair.priority) > PRIORITIES.index(track.goal.pair.priority)
            and not any(self._tracks[key].result is None for key in other.goal.pair.dependencies if key in self._tracks)
            for other in self._tracks.values()
        )

    def _wait(self, phase: str, track: _Track, why: str, poll_seconds: float, timeout_seconds: float) -> None:
        now = self.clock.now()
        if now - track.started > timeout_seconds:
            why = f"timed out after {now - track.started:.0f} s: {why}"
            self._end(phase, track, "failed", why=why, remedy="see what holds it up, then resume this execution")
            return
        track.due = self._at(now, poll_seconds)
        self.observer(track.key, "waiting", why)

    def _at(self, now: float, seconds: float) -> float:
        """A time to look again, on a grid, so that pairs that wait for the same thing are observed in one call."""
        pause = seconds if self.poll_limit_seconds is None else min(seconds, self.poll_limit_seconds)
        grid = max(pause / 4, 0.01)
        return math.ceil((now + pause) / grid) * grid

    def _merged(
        self, tracks: Mapping[str, _Track], items: list[tuple[_Track, Call]], busy: set[str]
    ) -> list[tuple[list[tuple[_Track, Call]], Call]]:
        """Calls of many pairs as few calls, within what may be in flight; the rest waits for its turn."""
        groups: dict[tuple[Any, ...], list[tuple[_Track, Call]]] = defaultdict(list)
        for track, call in items:
            merge = track.adapter.merges[call.service, call.operation]
            track.job = None  # it decided anew: what it was part of before is over
            rest = repr(sorted((name, value) for name, value in call.params.items() if name != merge.parameter))
            groups[track.goal.pair.account, call.region, call.service, call.operation, rest].append((track, call))
        sends = []
        for (account, *_rest), group in groups.items():
            first = group[0][1]
            merge = group[0][0].adapter.merges[first.service, first.operation]
            group.sort(key=lambda item: not item[0].alone)
            flying = [t for t in tracks.values() if t.job is not None and t.result is None and t.goal.pair.account == account]
            jobs, room = len({track.job for track in flying}), merge.items - len(flying)
            start = 0
            while start < len(group) and jobs < merge.jobs and room > 0:
                size = 1 if group[start][0].alone else min(merge.limit, room)
                batch = group[start : start + size]
                start += size
                values = [value for _track, call in batch for value in call.params[merge.parameter]]
                sends.append((batch, _with(first, {**first.params, merge.parameter: values})))
                jobs, room, self._jobs = jobs + 1, room - len(batch), self._jobs + 1
                for track, _call in batch:
                    track.job = self._jobs
            for track, call in group[start:]:
                busy.discard(track.key)
                track.due = self._at(self.clock.now(), BUSY_POLL_SECONDS)
                self.observer(track.key, "queued", f"{call.operation}: the account's quota of jobs in flight is used")
        return sends

    def _send(
        self,
        phase: str,
        sends: list[tuple[list[tuple[_Track, Call]], Call]],
        pool: ThreadPoolExecutor,
        acting: dict[Future[Any], list[tuple[_Track, Call]]],
    ) -> None:
        if not sends:
            return
        entries = [(track.key, phase, call) for batch, _call in sends for track, call in batch]
        debts = [(key, phase, call.debt) for key, phase, call in entries if call.debt]
        if debts:
            self.journal.debts(debts)
        self.journal.intend(entries)
        for batch, merged in sends:
            for track, call in batch:
                track.held = 0
                track.intents[call.digest] = "unknown"
                self.observer(track.key, "acting", call.why)
            account = batch[0][0].goal.pair.account
            call_of = carried(_common([track for track, _call in batch]), self.cloud.call)
            future = pool.submit(call_of, account, merged.region, merged.service, merged.operation, **dict(merged.params))
            acting[future] = batch
            future.add_done_callback(self._completed.put)

    def _acted(self, phase: str, future: Future[Any], batch: list[tuple[_Track, Call]], busy: set[str]) -> None:
        failure = None
        answer: Mapping[str, Any] = {}
        try:
            answer = future.result()
        except CallError as error:
            failure = error.failure
        except Exception as error:  # what became of the call is not known: its effect decides
            failure = Failure("unreachable", type(error).__name__, str(error))
        outcome = "accepted" if failure is None else "unknown" if failure.kind == "unreachable" else "rejected"
        said = "" if failure is None else f"{failure.code}: {failure.message}"
        receipts = {track.key: track.adapter.receipt(call, answer) if failure is None else {} for track, call in batch}
        details = {key: json.dumps(receipt, default=str) if receipt else said for key, receipt in receipts.items()}
        self._outcomes += [(track.key, phase, call, outcome, details[track.key]) for track, call in batch]
        for track, call in batch:
            busy.discard(track.key)
            track.intents[call.digest] = outcome
            if failure is None:
                track.retries, track.changed = 0, True
                track.keep(receipts[track.key])
                track.accepted[call.digest] += 1
                track.calls.append(_record(track, call))
                track.due = self._at(self.clock.now(), max(min(call.settle_seconds, 2), call.hold_seconds))
                continue
            track.job = None
            if failure.kind == "error" and failure.code not in track.adapter.busy and len(batch) > 1:
                track.alone = True  # one member's fault must not hold back the others
                track.due = self.clock.now()
            else:
                self._failed(phase, track, failure, call.operation, call.region)

    def _failed(self, phase: str, track: _Track, failure: Failure, operation: str, region: str = "") -> None:
        """A call came back with an error: again later, without the region being left, or the end. region: of what changes it."""
        said = f"{operation}: {failure.code}: {failure.message}"
        if failure.code in track.adapter.busy:
            self._wait(phase, track, f"not yet: {said}", BUSY_POLL_SECONDS, BUSY_TIMEOUT_SECONDS)
            return
        backoff = {"unreachable": BACKOFF_SECONDS, "throttled": THROTTLED_BACKOFF_SECONDS}.get(failure.kind, ())
        if track.retries < len(backoff):
            track.due = self.clock.now() + backoff[track.retries]
            track.retries += 1
            self.observer(track.key, "retrying", said)
            return
        if failure.kind == "unreachable" and not track.goal.planned and not track.mute and region == track.goal.pair.source_region:
            track.mute, track.retries, track.due = True, 0, self.clock.now()
            self.observer(track.key, "retrying", f"without {region}: {said}")
            return
        remedy = {
            "denied": f"grant it to the role that is assumed in account {track.goal.pair.account}, then resume this execution",
            "throttled": "lower parallelism or raise the API's quota, then resume this execution",
        }.get(failure.kind, "correct what the message names, then resume this execution")
        self._end(phase, track, "failed", why=said, remedy=remedy)

    def _end(
        self, phase: str, track: _Track, status: str, *, outputs: Mapping[str, Any] | None = None, why: str = "", remedy: str = ""
    ) -> None:
        seconds = round(self.clock.now() - track.started, 3)
        track.result = Result(
            track.key, phase, status, track.changed, tuple(track.calls), dict(outputs or {}), why, remedy, seconds
        )
        payload = {
            "outputs": dict(outputs or {}),
            "why": why,
            "remedy": remedy,
            "seconds": seconds,
            "changed": track.changed,
            "impact": track.goal.pair.impact,
        }
        if not self.check_mode:
            self._finished.append((track.key, phase, status, payload))
        track.span.end(status, status if status in ("failed", "blocked") else "")
        self.observer(track.key, status, why)

    def _flush(self) -> None:
        """Stores what was learned. It may come late: an intent without an outcome is one whose effect is not known."""
        if self._outcomes:
            outcomes, self._outcomes = self._outcomes, []
            self.journal.outcome(outcomes)
        if self._finished:
            entries, self._finished = self._finished, []
            self.journal.finish(entries)


def _untried(track: _Track, call: Call) -> bool:
    """Whether a failed attempt may be repeated: once in a run; it counts as failed when the new one's effect can be seen.

    The operation tells an attempt: where AWS knows an attempt by its token, the next one has another token.
    """
    settling = track.intents.get(call.digest, "rejected") != "rejected" and track.held < SETTLE_POLLS
    return settling or not any((one["service"], one["operation"]) == (call.service, call.operation) for one in track.calls)


def _receipt(intent: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an earlier process of this execution kept of an answer, {} when nothing, or more than the journal holds."""
    try:
        kept = json.loads(intent["detail"]) if intent["outcome"] == "accepted" else {}
    except ValueError:
        return {}
    return kept if isinstance(kept, dict) else {}


def _begun(phase: str, pair: Pair) -> Span:
    """The span of a resource's phase, within the one that the engine runs in."""
    where: dict[str, Any] = {"dr__phase": phase, "dr__wave": pair.wave, "dr__technology": pair.technology, "dr__resource": pair.key}
    return current().begin(f"{phase} {pair.technology}", **where, aws__account_id=pair.account)


def _common(tracks: Sequence[_Track]) -> Span:
    """The span that a call for these is a part of: that of the wave, where they are several."""
    return tracks[0].span if len(tracks) == 1 else current()


def _merge(track: _Track, call: Call) -> Merge | None:
    return track.adapter.merges.get((call.service, call.operation))


def _with(call: Call, params: Mapping[str, Any]) -> Call:
    return replace(call, params=params)


def _record(track: _Track, call: Call) -> Mapping[str, Any]:
    return {
        "service": call.service,
        "operation": call.operation,
        "region": call.region,
        "account": track.goal.pair.account,
        "params": dict(call.params),
        "why": call.why,
        "one_way": call.one_way,
    }


def _defect(where: str, error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"defect in {where}: {type(error).__name__}: {error} ({frame.name}, line {frame.lineno})"
