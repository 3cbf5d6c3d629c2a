# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small honest model of pairs: both sides, describe calls that lag, regions that go dark; and the adapter that moves them.

It knows the truth, so that it can tell when a call that it takes breaks an invariant.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar

from ansible_collections.dr.aws.plugins.module_utils.accounts import CallError, Failure
from ansible_collections.dr.aws.plugins.module_utils.adapters.base import Adapter, Merge, Reader, dark
from ansible_collections.dr.aws.plugins.module_utils.drills import base
from ansible_collections.dr.aws.plugins.module_utils.drills.base import Drill, Touch
from ansible_collections.dr.aws.plugins.module_utils.model import (
    UNREACHABLE,
    Active,
    Blocked,
    Call,
    Check,
    Done,
    Goal,
    Health,
    Pair,
    Step,
    Wait,
)

EAST, WEST = "us-east-1", "us-west-2"
PROMOTES_SECONDS = 10.0
#: What a call that goes wrong is: kind of failure, and whether AWS took it.
FAULTS: Mapping[str, tuple[Failure, bool]] = {
    "lost": (Failure("unreachable", "ReadTimeoutError", "no answer"), True),
    "reset": (Failure("unreachable", "ConnectionClosedError", "no answer"), False),
    "throttled": (Failure("throttled", "ThrottlingException", "too many"), False),
    "denied": (Failure("denied", "AccessDenied", "not allowed"), False),
}


class World:
    """Time, and each side of each pair: writable, fenced, standby, promoting, or gone (None).

    broken: which invariants calls have broken. owing: key -> whether a fence debt is open, asked when a call is taken.
    """

    def __init__(self, owing: Callable[[str], bool]) -> None:
        self.owing = owing
        self.now = 1_796_000_000.0
        self.lag = 0.0
        self.dark: set[str] = set()
        self.faults: list[str] = []
        self.past: dict[tuple[str, str], list[tuple[float, str | None]]] = {}
        self.planned = True
        self.broken: list[str] = []

    def __call__(self) -> float:
        """Epoch seconds: the store's clock."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Time passes, for the engine and for the store alike."""
        self.now += max(seconds, 0.01)

    def state(self, region: str, name: str, ago: float = 0.0) -> str | None:
        """What a side is, or was."""
        at = [state for when, state in self.past.get((region, name), []) if when <= self.now - ago]
        return at[-1] if at else None

    def become(self, region: str, name: str, state: str | None, later: float = 0.0) -> None:
        """A side changes."""
        self.past.setdefault((region, name), []).append((self.now + later, state))

    def look(self, region: str, names: Sequence[str]) -> Any:
        """A describe call."""
        return UNREACHABLE if region in self.dark else {name: self.state(region, name, self.lag) for name in names}

    def take(self, region: str, operation: str, names: Sequence[str]) -> dict[str, Any]:
        """A call that changes something."""
        if region in self.dark:
            raise CallError(FAULTS["reset"][0])
        failure, taken = FAULTS[self.faults.pop(0)] if self.faults else (None, True)
        if taken:
            for name in names:
                self._effect(region, operation, name)
        if failure:
            raise CallError(failure)
        return {}

    def _effect(self, region: str, operation: str, name: str) -> None:
        other = WEST if region == EAST else EAST
        match operation:
            case "create" | "follow":
                self._unless(self.state(region, name) == "writable", f"{operation} over {name}, which serves in {region}")
                self.become(region, name, "standby")
            case "fence":
                self.become(region, name, "fenced")
            case "promote":
                writable = self.state(other, name) == "writable"
                self._unless(writable and self.planned, f"{name} was promoted while its source was writable, planned")
                self._unless(writable and not self.owing(name), f"{name} has two writable sides and no fence debt")
                self._unless(self.state(region, name) != "standby", f"{name} was promoted twice")
                self.become(region, name, "promoting")
                self.become(region, name, "writable", PROMOTES_SECONDS)
            case "quarantine" | "delete":
                self._unless(self.state(other, name) != "writable", f"{operation} of {name}, whose other side does not serve")
                self.become(region, name, "fenced" if operation == "quarantine" else None)
            case "copy" | "start" | "discard":
                self.become(region, name, {"copy": "standby", "start": "writable"}.get(operation))

    def _unless(self, broken: bool, text: str) -> None:
        if broken:
            self.broken.append(text)


class Small(Adapter):
    """Moves what is in the model. Of services the starts are merged; data is promoted one by one and cannot go back."""

    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    durations: ClassVar[Mapping[str, int]] = {}
    bulk = 3

    def __init__(self, technology: str) -> None:
        self.named = technology
        self.merges = {("small", "promote"): Merge("names", 2, jobs=2)} if technology == "ecs" else {}

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Any]:
        names = [pair.key for pair in pairs]
        sides = [reader.read("1", region, "small", "describe", names=names) for region in (EAST, WEST)]
        return {name: tuple(side if side is UNREACHABLE else side[name] for side in sides) for name in names}

    def active(self, seen: Any) -> Active:
        """Of two writable sides the one that was activated last, as the databases' adapters have it: here always the target."""
        if UNREACHABLE in seen:
            return Active.TARGET if seen[1] == "writable" else Active.UNKNOWN
        serving = tuple(side == "writable" for side in seen)
        found = {(True, False): Active.SOURCE, (False, True): Active.TARGET, (True, True): Active.TARGET}
        return found.get(serving, Active.NEITHER)

    def instantiate(self, seen: Any, goal: Goal) -> Step:
        _source, target = seen
        if target is UNREACHABLE:
            return dark(goal, WEST)
        return Done() if target else _call("create", WEST, goal)

    def activate(self, seen: Any, goal: Goal) -> Step:
        source, target = seen
        if target is UNREACHABLE:
            return dark(goal, WEST)
        match target:
            case "writable":
                return Done()
            case "promoting":
                return Wait("it is promoted", poll_seconds=5)
            case "standby" if source == "writable":
                return _call("fence", EAST, goal)
            case "standby" if source is UNREACHABLE and goal.planned:
                return dark(goal, EAST)
            case "standby":
                debt = f"fence {goal.pair.key}" if source is UNREACHABLE else ""
                return _call("promote", WEST, goal, one_way=self.named == "rds", debt=debt)
            case _:
                return Blocked("there is no standby", "run INSTANTIATE first")

    def cleanup(self, seen: Any, goal: Goal) -> Step:
        source, target = seen
        if UNREACHABLE in seen:
            return dark(goal, EAST if source is UNREACHABLE else WEST)
        if target != "writable":
            return Blocked("the target does not serve", "run ACTIVATE first")
        if source == "writable":
            return _call("quarantine", EAST, goal)
        return _call("delete", EAST, goal) if source == "fenced" and goal.cleanup_policy == "remove" else Done()

    def replicate(self, seen: Any, goal: Goal) -> Step:
        source, target = seen
        if UNREACHABLE in seen:
            return dark(goal, EAST if source is UNREACHABLE else WEST)
        if target != "writable" or source == "writable":
            return Blocked("one side must serve", "run CLEANUP first")
        return Done() if source == "standby" else _call("follow", EAST, goal)

    def rollback(self, seen: Any, goal: Goal) -> Step:
        return self.lacks("rollback", goal)

    def health(self, seen: Any, goal: Goal) -> Health:
        return Health((Check("serves", seen[1] == "writable"),))

    def capture(self, seen: Any, pair: Pair) -> Mapping[str, Any]:
        return {}


class SmallDrill(Drill):
    """Copies what is in the model under names of its own, starts the copies, and removes them."""

    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    durations: ClassVar[Mapping[str, int]] = {}
    touches: ClassVar[Mapping[tuple[str, str], Touch]] = {
        ("small", "copy"): Touch(("names",), tags="tags"),
        ("small", "start"): Touch(("names",)),
        ("small", "discard"): Touch(("names",)),
    }

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Any]:
        side = reader.read("1", WEST, "small", "describe", names=[base.name(pair) for pair in pairs])
        return {pair.key: side if side is UNREACHABLE else side[base.name(pair)] for pair in pairs}

    def own(self, seen: Any, goal: Goal) -> Collection[str]:
        return [base.name(goal.pair)]

    def make(self, seen: Any, goal: Goal) -> Step:
        if seen is UNREACHABLE:
            return dark(goal, WEST)
        return Done() if seen else _call("copy", WEST, goal, base.name(goal.pair), tags=base.tags(goal.pair))

    def serve(self, seen: Any, goal: Goal) -> Step:
        if seen is UNREACHABLE:
            return dark(goal, WEST)
        if seen is None:
            return Blocked("there is no copy", base.AGAIN)
        return Done() if seen == "writable" else _call("start", WEST, goal, base.name(goal.pair))

    def remove(self, seen: Any, goal: Goal) -> Step:
        if seen is UNREACHABLE:
            return dark(goal, WEST)
        return _call("discard", WEST, goal, base.name(goal.pair)) if seen else Done()


def _call(operation: str, region: str, goal: Goal, name: str = "", *, one_way: bool = False, debt: str = "", **more: Any) -> Call:
    params = {"names": [name or goal.pair.key], **more}
    return Call("small", operation, region, params, operation, one_way=one_way, debt=debt)
