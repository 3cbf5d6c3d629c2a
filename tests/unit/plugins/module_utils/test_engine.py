"""The loop's promises, on a small world of its own: no AWS, simulated time, every crash point of a flow."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from queue import Empty
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.accounts import CallError, Failure
from ansible_collections.dr.aws.plugins.module_utils.adapters.base import Adapter, Merge, Reader
from ansible_collections.dr.aws.plugins.module_utils.engine import Engine, Result
from ansible_collections.dr.aws.plugins.module_utils.model import (
    UNREACHABLE,
    Active,
    Blocked,
    Call,
    Check,
    Deferred,
    Done,
    Goal,
    Health,
    Pair,
    Step,
    Wait,
)
from ansible_collections.dr.aws.plugins.module_utils.store import MemoryJournal


class Crash(BaseException):
    """The process dies here."""


class Time:
    def __init__(self) -> None:
        self.value = 0.0

    def now(self) -> float:
        return self.value

    def sleep(self, seconds: float) -> None:
        self.value += max(seconds, 0.001)


@dataclass
class World:
    """Machines that start in two calls, `reserve` then `start`; each takes `slow` seconds; describes lag `lag` seconds behind."""

    time: Time
    slow: float = 60.0
    lag: float = 0.0
    dark: bool = False
    #: (k, "before" | "after"): die around the k-th call; errors: answers by number of the mutating call
    crash: tuple[int, str] | None = None
    errors: dict[int, Failure] = field(default_factory=dict)
    bad: frozenset[str] = frozenset()
    history: dict[str, list[tuple[float, str]]] = field(default_factory=dict)
    sent: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    attempts: int = 0
    calls: int = 0
    lock: Any = field(default_factory=threading.Lock)

    def _count(self, when: str) -> None:
        if self.crash == (self.calls, when):
            raise Crash

    def read(self, account: str, region: str, service: str, operation: str, *, absent: Any = (), **params: Any) -> Any:
        with self.lock:
            self.calls += 1
            self._count("before")
            if self.dark:
                return UNREACHABLE
            horizon = self.time.value - self.lag
            states = {}
            for name in params["names"]:
                shown = [state for at, state in self.history.get(name, []) if at <= horizon]
                states[name] = shown[-1] if shown else "off"
            self._count("after")
            return states

    def pages(self, *args: Any, **params: Any) -> Any:
        raise AssertionError("the toy adapter reads no pages")

    def call(self, account: str, region: str, service: str, operation: str, **params: Any) -> dict[str, Any]:
        with self.lock:
            self.calls += 1
            self.attempts += 1
            self._count("before")
            failure = self.errors.get(self.attempts)
            if failure is not None and failure.kind != "unreachable":
                raise CallError(failure)
            names = params["names"]
            if any(name in self.bad for name in names):
                raise CallError(Failure("error", "ConflictException", f"{sorted(self.bad & set(names))[0]} is broken"))
            self.sent.append((operation, tuple(names)))
            for name in names:
                past = self.history.setdefault(name, [])
                now = self.time.value
                if operation == "reserve":
                    past.append((now, "reserved"))
                else:
                    past += [(now, "starting"), (now + self.slow, "on")]
            self._count("after")
            if failure is not None:
                raise CallError(failure)
            return {}


class Toy(Adapter):
    technology = "toy"
    actions = {"activate": ("toy:Start",)}
    durations = {"activate": 60}
    merges = {("toy", "reserve"): Merge("names", 3, jobs=2, items=5)}
    busy = frozenset({"NotYet"})
    bulk = 4

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Any]:
        assert len(pairs) <= self.bulk
        found = reader.read("1", "west", "toy", "describe", names=[pair.target_id for pair in pairs])
        return {pair.key: UNREACHABLE if found is UNREACHABLE else found[pair.target_id] for pair in pairs}

    def active(self, seen: Any) -> Active:
        return Active.UNKNOWN if seen is UNREACHABLE else Active.TARGET if seen == "on" else Active.SOURCE

    def activate(self, seen: Any, goal: Goal) -> Step:
        pair = goal.pair
        if goal.captured.get("defect"):
            raise KeyError("defect")
        if goal.captured.get("refused"):
            return Blocked("it is refused", "ask somebody")
        match seen:
            case "off":
                return Call("toy", "reserve", "west", {"names": [pair.target_id]}, "reserve it")
            case "reserved":
                return Call("toy", "start", "west", {"names": [pair.target_id]}, "start it", one_way=True, debt="fence it")
            case "starting":
                return Wait("it starts", poll_seconds=10, timeout_seconds=600)
            case "on":
                return Done({"id": pair.target_id})
            case _:
                return Deferred("the region does not answer")

    def rollback(self, seen: Any, goal: Goal) -> Step:
        return Done()

    def health(self, seen: Any, goal: Goal) -> Health:
        return Health((Check("on", seen == "on"),))

    def capture(self, seen: Any, pair: Pair) -> Mapping[str, Any]:
        return {}


TOY = Toy()


def goals(count: int = 1, **captured: Any) -> list[Goal]:
    return [
        Goal(Pair(f"toy-{n}", "toy", "1", "east", "west", f"m{n}", f"m{n}", priority="high"), captured=captured)
        for n in range(count)
    ]


def run(world: World, what: list[Goal], journal: MemoryJournal | None = None, **options: Any) -> dict[str, Result]:
    engine = Engine(world, journal or MemoryJournal(), clock=world.time, adapter=lambda technology: TOY, **options)
    return engine.run("activate", what)


def test_a_pair_is_driven_to_done() -> None:
    world = World(Time())
    (result,) = run(world, goals()).values()
    assert (result.status, result.changed, result.outputs) == ("done", True, {"id": "m0"})
    assert [call["operation"] for call in result.calls] == ["reserve", "start"]
    assert result.seconds >= 60


def test_a_second_run_makes_no_call() -> None:
    world = World(Time())
    run(world, goals())
    sent = list(world.sent)
    (result,) = run(world, goals()).values()
    assert (result.status, result.changed, world.sent) == ("done", False, sent)


def test_check_mode_stops_before_the_first_call_and_writes_nothing() -> None:
    world, journal = World(Time()), MemoryJournal()
    (result,) = run(world, goals(), journal, check_mode=True).values()
    assert (result.status, result.changed, world.sent) == ("would_change", False, [])
    assert [call["operation"] for call in result.calls] == ["reserve"]
    assert journal.known("activate") == {}


class Counters(MemoryJournal):
    """How old, in seconds, what a wave has told was when it was stored, and when the counters were stored."""

    def __init__(self, time: Time) -> None:
        super().__init__()
        self.time, self.waiting, self.ages, self.stored = time, [0.0], [0.0], [0.0]

    def told(self, key: str, state: str, text: str) -> None:
        self.waiting.append(self.time.now())

    def renew(self) -> None:
        self.ages += [self.time.now() - at for at in self.waiting]
        self.waiting.clear()
        self.stored.append(self.time.now())

    def oldest(self) -> float:
        """Seconds: of what was stored, of what still waits, and between two times of storing."""
        now = self.time.now()
        pauses = [later - before for before, later in pairwise([*self.stored, now])]
        return max(*self.ages, *(now - at for at in self.waiting), *pauses)


@pytest.mark.parametrize("slow", [1.0, 3.1, 37.0, 400.0])
@pytest.mark.parametrize("limit", [None, 0.7, 2.9, 5.0])
def test_progress_is_stored_at_least_every_3_seconds_while_a_wave_waits(slow: float, limit: float | None) -> None:
    """FR-2.2, whatever the polls: `Journal.renew` stores the counters of what was told before."""
    time = Time()
    journal = Counters(time)
    run(World(time, slow=slow), goals(12), journal, observer=journal.told, poll_limit_seconds=limit)
    assert time.now() > slow
    assert journal.oldest() <= 3


def test_progress_is_stored_at_least_every_3_seconds_while_a_call_hangs() -> None:
    time = Time()
    journal = Counters(time)
    engine = Engine(World(time), journal, clock=time, adapter=lambda technology: TOY, observer=journal.told)
    completed = engine._completed

    class Hanging:
        """No call comes back in the first 20 seconds."""

        put, get_nowait = completed.put, completed.get_nowait

        @staticmethod
        def get(timeout: float) -> Any:
            if time.now() < 20:
                time.value += timeout
                raise Empty
            return completed.get()

    engine._completed = Hanging()
    engine.run("activate", goals())
    assert len(journal.stored) > 20 / 3
    assert journal.oldest() <= 3


def test_what_is_done_is_not_decided_again_in_the_same_execution() -> None:
    world, journal = World(Time()), MemoryJournal()
    run(world, goals(), journal)
    world.history.clear()
    (result,) = run(world, goals(), journal).values()
    assert (result.status, result.outputs, len(world.sent)) == ("done", {"id": "m0"}, 2)


def test_describes_that_lag_behind_do_not_make_a_call_twice() -> None:
    world = World(Time(), lag=12.0)
    (result,) = run(world, goals()).values()
    assert (result.status, len(world.sent)) == ("done", 2)


def test_an_effect_that_never_shows_is_a_failure_not_an_endless_loop() -> None:
    world = World(Time(), lag=1e9)
    (result,) = run(world, goals()).values()
    assert result.status == "failed" and "never showed its effect" in result.why and "resume" in result.remedy


def test_transient_errors_are_retried_after_1_2_and_4_seconds() -> None:
    world = World(Time(), slow=0)
    world.errors = {n: Failure("throttled", "Throttling", "slow down") for n in (1, 2, 3)}
    (result,) = run(world, goals()).values()
    assert result.status == "done" and 7 <= result.seconds < 12


def test_an_answer_that_was_lost_is_not_repeated() -> None:
    world = World(Time())
    world.errors = {1: Failure("unreachable", "ReadTimeout", "no answer"), 2: Failure("unreachable", "ReadTimeout", "no answer")}
    (result,) = run(world, goals()).values()
    assert (result.status, [operation for operation, _names in world.sent]) == ("done", ["reserve", "start"])


def test_busy_is_waited_for() -> None:
    world = World(Time())
    world.errors = {n: Failure("error", "NotYet", "still modifying") for n in range(1, 20)}
    (result,) = run(world, goals()).values()
    assert result.status == "done"


@pytest.mark.parametrize(("kind", "hint"), [("denied", "grant it"), ("error", "correct what")])
def test_a_refusal_ends_the_pair_with_what_to_do_next(kind: str, hint: str) -> None:
    world = World(Time())
    world.errors = {1: Failure(kind, "Refused", "no")}
    (result,) = run(world, goals()).values()
    assert result.status == "failed" and "Refused" in result.why and hint in result.remedy


def test_a_dark_region_is_deferred() -> None:
    (result,) = run(World(Time(), dark=True), goals()).values()
    assert result.status == "deferred"


def test_a_wait_ends() -> None:
    (result,) = run(World(Time(), slow=1e6), goals()).values()
    assert result.status == "failed" and "timed out" in result.why


def test_a_defect_or_a_refusal_of_one_pair_does_not_hold_back_the_others() -> None:
    world = World(Time())
    one, two, three = goals(3)
    results = run(world, [replace(one, captured={"defect": True}), replace(two, captured={"refused": True}), three])
    assert [results[f"toy-{n}"].status for n in range(3)] == ["failed", "blocked", "done"]
    assert "defect in activate: KeyError" in results["toy-0"].why


def test_calls_are_merged_within_the_quotas_in_flight() -> None:
    world = World(Time())
    results = run(world, goals(12), parallelism=4)
    assert {result.status for result in results.values()} == {"done"}
    reserves = [names for operation, names in world.sent if operation == "reserve"]
    assert max(map(len, reserves)) == 3 and len(reserves) < 12
    assert sorted(name for names in reserves for name in names) == sorted(f"m{n}" for n in range(12))


def test_one_member_of_a_merged_call_that_is_refused_does_not_hold_back_the_others() -> None:
    world = World(Time(), bad=frozenset({"m1"}))
    results = run(world, goals(3))
    assert [results[f"toy-{n}"].status for n in range(3)] == ["done", "failed", "done"]
    assert "m1 is broken" in results["toy-1"].why


def test_dependencies_inside_a_wave_are_kept() -> None:
    world = World(Time())
    first, second = goals(2)
    second = replace(second, pair=replace(second.pair, priority="critical", dependencies=("toy-0",)))
    results = run(world, [second, first])
    assert [results[key].status for key in ("toy-0", "toy-1")] == ["done", "done"]
    assert [names for _operation, names in world.sent] == [("m0",), ("m0",), ("m1",), ("m1",)]


@pytest.mark.parametrize(
    ("status", "ends", "remedy"),
    [("done", "done", ""), ("failed", "blocked", "repair toy-9 first"), ("skipped", "blocked", "skip toy-0 as well")],
)
def test_what_depends_on_an_earlier_wave_or_on_something_skipped_looks_at_how_it_ended(status: str, ends: str, remedy: str) -> None:
    world = World(Time())
    (goal,) = goals(1)
    goal = replace(goal, pair=replace(goal.pair, dependencies=("toy-9",)))
    engine = Engine(world, MemoryJournal(), clock=world.time, adapter=lambda technology: TOY)
    result = engine.run("activate", [goal], {"toy-9": Result("toy-9", "activate", status, why="by hand")})["toy-0"]
    assert (result.status, result.remedy.partition(",")[0]) == (ends, remedy)
    assert ("it depends on toy-9" in result.why and "by hand" in result.why) is (ends == "blocked")


def test_what_depends_on_something_blocked_is_blocked_and_says_why() -> None:
    first, second = goals(2)
    first = replace(first, captured={"refused": True})
    second = replace(second, pair=replace(second.pair, dependencies=("toy-0",)))
    results = run(World(Time()), [first, second])
    assert results["toy-1"].status == "blocked" and "depends on toy-0" in results["toy-1"].why


def test_a_fence_debt_is_recorded_before_the_call_that_makes_it() -> None:
    world = World(Time(), crash=(4, "before"))
    journal = MemoryJournal()
    with pytest.raises(Crash):
        run(world, goals(), journal)
    assert [(key, text) for key, _phase, text in journal.owed] == [("toy-0", "fence it")]


class Mute(World):
    """Looks are answered, and what is asked for is not."""

    def call(self, account: str, region: str, service: str, operation: str, **params: Any) -> dict[str, Any]:
        self.attempts += 1
        raise CallError(Failure("unreachable", "ReadTimeout", "no answer"))


@pytest.mark.parametrize(
    ("left", "mode", "status"),
    [("west", "unplanned", "deferred"), ("west", "planned", "failed"), ("east", "unplanned", "failed")],
)
def test_unplanned_a_source_that_takes_no_changes_is_taken_for_dark(left: str, mode: str, status: str) -> None:
    """Its looks are shown no more: what is decided is what would be, were it dark (here: to wait), debts among it."""
    world, (goal,) = Mute(Time()), goals()
    pair = goal.pair if goal.pair.source_region == left else goal.pair.reversed()
    (result,) = run(world, [replace(goal, pair=pair, mode=mode)]).values()
    assert (result.status, result.calls, world.attempts) == (status, (), 4)


def undisturbed() -> World:
    world = World(Time())
    run(world, goals(2))
    return world


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("lag", [0.0, 12.0])
@pytest.mark.parametrize("k", range(1, undisturbed().calls + 1))
def test_every_crash_point_converges_and_no_call_is_lost_or_made_twice(k: int, lag: float, when: str) -> None:
    journal, time = MemoryJournal(), Time()
    world = World(time, lag=lag, crash=(k, when))
    with pytest.raises(Crash):
        run(world, goals(2), journal, parallelism=1)
    world.crash = None
    results = run(world, goals(2), journal, parallelism=1)
    assert [result.status for result in results.values()] == ["done", "done"]
    made = sorted((operation, name) for operation, names in world.sent for name in names)
    assert made == [("reserve", "m0"), ("reserve", "m1"), ("start", "m0"), ("start", "m1")]
