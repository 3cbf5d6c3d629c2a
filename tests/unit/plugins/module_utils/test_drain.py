# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planned, the sources of a wave stop in reverse order of priority, and the critical ones are the last to stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.accounts import CallError, Failure
from ansible_collections.dr.aws.plugins.module_utils.adapters.base import Adapter, Reader
from ansible_collections.dr.aws.plugins.module_utils.engine import Engine
from ansible_collections.dr.aws.plugins.module_utils.model import Active, Blocked, Call, Done, Goal, Health, Pair, Step
from ansible_collections.dr.aws.plugins.module_utils.store import MemoryJournal

EAST, WEST = "us-east-1", "us-west-2"


class Time:
    def __init__(self) -> None:
        self.value = 0.0

    def now(self) -> float:
        return self.value

    def sleep(self, seconds: float) -> None:
        self.value += max(seconds, 0.001)


@dataclass
class World:
    """Services that are stopped here and started there, in the order of the calls. stubborn: those that refuse to stop."""

    sent: list[tuple[str, str]] = field(default_factory=list)
    stubborn: frozenset[str] = frozenset()

    def read(self, *_where: str, **_params: Any) -> Any:
        return list(self.sent)

    def pages(self, *_where: str, **_params: Any) -> Any:
        return list(self.sent)

    def call(self, _account: str, _region: str, _service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        if operation == "stop" and params["name"] in self.stubborn:
            raise CallError(Failure("error", "InvalidState", "it does not stop"))
        self.sent.append((operation, params["name"]))
        return {}


class Stopping(Adapter):
    technology = "ecs"
    actions: Mapping[str, tuple[str, ...]] = {}
    durations: Mapping[str, int] = {}

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Any]:
        return {pair.key: reader.read(pair.account, pair.source_region, "ecs", "describe") for pair in pairs}

    def active(self, seen: Any) -> Active:
        return Active.SOURCE

    def activate(self, seen: Any, goal: Goal) -> Step:
        name = {"name": goal.pair.key}
        if ("stop", goal.pair.key) not in seen:
            return Call("ecs", "stop", goal.pair.source_region, name, "stop it here")
        if ("start", goal.pair.key) not in seen:
            return Call("ecs", "start", goal.pair.target_region, name, "start it there")
        return Done({})

    def rollback(self, seen: Any, goal: Goal) -> Step:
        return Blocked("", "")

    def health(self, seen: Any, goal: Goal) -> Health:
        return Health(())

    def capture(self, seen: Any, pair: Pair) -> Mapping[str, Any]:
        return {}


class Moving(Stopping):
    """Its calls in the source region stop nothing."""

    drains = False


def carried_out(world: World, mode: str, adapter: Adapter, *pairs: Pair) -> dict[str, str]:
    engine = Engine(world, MemoryJournal(), parallelism=1, clock=Time(), adapter=lambda _technology: adapter)
    return {key: one.status for key, one in engine.run("activate", [Goal(pair, mode) for pair in pairs]).items()}


def pair(priority: str, **more: Any) -> Pair:
    return Pair(priority, "ecs", "111111111111", EAST, WEST, priority, priority, priority=priority, **more)


def stopped(world: World) -> list[str]:
    return [name for operation, name in world.sent if operation == "stop"]


EVERY = tuple(pair(priority) for priority in ("critical", "high", "medium", "low"))


def test_planned_sources_stop_in_reverse_order_of_priority() -> None:
    world = World()
    assert set(carried_out(world, "planned", Stopping(), *EVERY).values()) == {"done"}
    assert stopped(world) == ["low", "medium", "high", "critical"]


@pytest.mark.parametrize(("mode", "adapter"), [("unplanned", Stopping()), ("planned", Moving())])
def test_otherwise_nothing_waits_for_what_is_less_important(mode: str, adapter: Adapter) -> None:
    world = World(stubborn=frozenset({"low"}))
    assert carried_out(world, mode, adapter, *EVERY) == {"critical": "done", "high": "done", "medium": "done", "low": "failed"}
    assert stopped(world) == ["critical", "high", "medium"]


def test_what_does_not_stop_holds_nothing_back_for_ever() -> None:
    world = World(stubborn=frozenset({"low"}))
    ends = carried_out(world, "planned", Stopping(), *EVERY)
    assert ends == {"critical": "done", "high": "done", "medium": "done", "low": "failed"}
    assert stopped(world) == ["medium", "high", "critical"]


def test_what_depends_on_something_more_important_is_not_waited_for() -> None:
    world = World()
    low = pair("low", dependencies=("critical",))
    assert carried_out(world, "planned", Stopping(), pair("critical"), pair("medium"), low) == dict.fromkeys(
        ("critical", "medium", "low"), "done"
    )
    assert stopped(world) == ["medium", "critical", "low"]
