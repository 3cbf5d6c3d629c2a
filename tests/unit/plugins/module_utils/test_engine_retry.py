# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attempts that AWS takes and that fail later: repeated once in a run, so that resuming is a new attempt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.adapters.base import Adapter, Reader
from ansible_collections.dr.aws.plugins.module_utils.engine import Engine, Result
from ansible_collections.dr.aws.plugins.module_utils.model import Active, Blocked, Call, Done, Goal, Health, Pair, Step, Wait
from ansible_collections.dr.aws.plugins.module_utils.store import MemoryJournal

GOAL = Goal(Pair("one", "toy", "1", "east", "west", "one", "one"))
LAUNCH = Call("toy", "launch", "west", {"name": "one"}, "launch it")


class World:
    """A launch that takes a minute and fails so many times; describes lag behind by `lag` seconds. It is its own clock."""

    def __init__(self, failing: int, lag: float = 0.0) -> None:
        self.time, self.failing, self.lag, self.launches = 0.0, failing, lag, 0
        self.history = [(float("-inf"), ("new", 0))]

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += max(seconds, 0.001)

    def call(self, *where: str, **params: Any) -> dict[str, Any]:
        self.launches += 1
        ends = "failed" if self.launches <= self.failing else "up"
        self.history += [(self.time, ("launching", self.launches)), (self.time + 60, (ends, self.launches))]
        return {}

    def read(self, *where: str, **params: Any) -> Any:
        return [state for at, state in self.history if at <= self.time - self.lag][-1]

    def pages(self, *where: str, **params: Any) -> Any:
        raise AssertionError("nothing here has pages")


class Toy(Adapter):
    """tokens: every attempt has another token."""

    technology = "toy"
    tokens = False
    actions = {"activate": ("toy:Launch",)}
    durations = {"activate": 60}

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Any]:
        return {pair.key: reader.read("1", "west", "toy", "describe") for pair in pairs}

    def active(self, seen: Any) -> Active:
        return Active.UNKNOWN

    def activate(self, seen: Any, goal: Goal) -> Step:
        state, launches = seen
        again = replace(LAUNCH, params={**LAUNCH.params, "token": launches}) if self.tokens else LAUNCH
        steps: dict[str, Step] = {
            "new": LAUNCH,
            "launching": Wait("it is launched", poll_seconds=10),
            "failed": Blocked("the launch failed", "resume", retry=again),
            "up": Done(),
        }
        return steps[state]

    def rollback(self, seen: Any, goal: Goal) -> Step:
        return Done()

    def health(self, seen: Any, goal: Goal) -> Health:
        return Health(())

    def capture(self, seen: Any, pair: Pair) -> Mapping[str, Any]:
        return {}


class TokenToy(Toy):
    tokens = True


def run(world: World, check_mode: bool = False, toy: Adapter | None = None) -> Result:
    toy = toy or Toy()
    engine = Engine(world, MemoryJournal(), clock=world, check_mode=check_mode, adapter=lambda technology: toy)
    return engine.run("activate", [GOAL])["one"]


@pytest.mark.parametrize("toy", [Toy(), TokenToy()], ids=["the same call", "another token"])
@pytest.mark.parametrize("lag", [0.0, 8.0])
def test_a_failure_within_the_run_ends_it_and_resuming_tries_again(lag: float, toy: Adapter) -> None:
    world = World(failing=2, lag=lag)
    for launches in (1, 2):
        result = run(world, toy=toy)
        assert (result.status, result.why, world.launches) == ("blocked", "the launch failed", launches)
        world.sleep(100)
    assert (run(world, toy=toy).status, world.launches) == ("done", 3)


def test_check_mode_says_that_it_would_try_again() -> None:
    world = World(failing=1)
    run(world)
    result = run(world, check_mode=True)
    assert (result.status, [call["operation"] for call in result.calls], world.launches) == ("would_change", ["launch"], 1)
