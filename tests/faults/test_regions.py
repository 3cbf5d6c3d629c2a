# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions that fail in other ways than at one call: from the start, in the middle, now and then, too slow, by half, elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import test_matrix
from conftest import Sandbox
from lab import connect
from test_matrix import EAST, RETURNED_SECONDS, SETTLED_SECONDS, World

from ansible_collections.dr.aws.plugins.module_utils.engine import Engine, Result
from ansible_collections.dr.aws.plugins.module_utils.model import Goal
from ansible_collections.dr.aws.plugins.module_utils.store import MemoryJournal

#: Technology -> the service whose silence alone is half a region's.
SERVICES = {"rds": "rds", "ecs": "ecs"}
PHASES = ("instantiate", "activate", "cleanup", "replicate")
FIRST, LAST = PHASES[:2], PHASES[2:]


class Failing:
    """Ways into AWS in which something happens before the n-th look or call, once."""

    def __init__(self, cloud: Any, number: int, happens: Any) -> None:
        self.cloud, self.number, self.happens = cloud, number, happens

    def __getattr__(self, name: str) -> Any:
        way = getattr(self.cloud, name)

        def one(*where: Any, **more: Any) -> Any:
            self.number -= 1
            if self.number == 0:
                self.happens()
            return way(*where, **more)

        return one


@pytest.fixture
def world(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """The sandbox without a network, threads and waiting."""
    connect(sandbox, monkeypatch)
    yield sandbox


def carry_out(here: World, phase: str, cloud: Any = None) -> Result:
    """A phase, unplanned unless the world is planned, by a new execution."""
    pair = here.pair
    goal = Goal(pair, mode=here.mode, execution_id="dr-test", captured=here.flow.captured[pair.key])
    return Engine(cloud or here.flow.cloud, MemoryJournal(), clock=here.flow.clock).run(phase, [goal])[pair.key]


def ends_well(here: World) -> None:
    """The region answers: what is left is done, with the end of a run whose region was never silent."""
    here.sandbox.clear_faults()
    here.flow.clock.sleep(RETURNED_SECONDS)
    for phase in (one for one in PHASES if one in here.ends):
        if phase in LAST or here.state() != here.ends["activate"]:
            ended = carry_out(here, phase)
            assert ended.status == "done", ended
    here.flow.clock.sleep(SETTLED_SECONDS)
    assert here.state() == here.ends["replicate"]


def silent(here: World, phase: str, cloud: Any = None) -> None:
    """A phase while the source says nothing: the target's are done, the source's are deferred or were done before, none fails."""
    ended = carry_out(here, phase, cloud)
    assert ended.status in (("done",) if phase in FIRST else ("done", "deferred")), ended


@pytest.mark.parametrize("technology", SERVICES)
@pytest.mark.parametrize("service", ["*", "its own"])
def test_dark_from_the_start_whole_or_by_half(world: Sandbox, technology: str, service: str) -> None:
    here = World(world, technology, "unplanned")
    world.fault(match={"region": EAST, "service": SERVICES[technology] if service == "its own" else "*"}, effect="reset")
    for phase in (one for one in PHASES if one in here.ends):
        ended = carry_out(here, phase)
        assert ended.status == ("done" if phase in FIRST else "deferred"), ended
    ends_well(here)


@pytest.mark.parametrize("technology", SERVICES)
@pytest.mark.parametrize("phase", PHASES)
def test_dark_in_the_middle_of_a_phase(world: Sandbox, technology: str, phase: str) -> None:
    here = World(world, technology, "unplanned")
    dark = world.dark(EAST) if phase in LAST else 0
    reached = [one for one in PHASES if one in here.ends]
    for one in reached[: reached.index(phase)]:
        if one in LAST and dark:
            world.gateway.faults.remove(dark)
            here.flow.clock.sleep(RETURNED_SECONDS)
        assert carry_out(here, one).status == "done"
    world.clear_faults()
    here.flow.clock.sleep(RETURNED_SECONDS)
    failing = Failing(here.flow.cloud, 3, lambda: world.dark(EAST))
    silent(here, phase, failing)
    for one in reached[reached.index(phase) + 1 :]:
        silent(here, one)
    if phase in LAST:
        ends_well(here)


@pytest.mark.parametrize("technology", SERVICES)
@pytest.mark.parametrize("effect", ["reset", "lose"])
def test_flapping_and_slower_than_anybody_waits(world: Sandbox, technology: str, effect: str) -> None:
    """lose: what was asked for is done, and the answer comes when nobody waits for it any more."""
    here = World(world, technology, "unplanned")
    world.fault(match={"region": EAST}, effect=effect, share=0.4)
    for phase in (one for one in PHASES if one in here.ends):
        ended = carry_out(here, phase)
        assert ended.status in ("done", "deferred", "blocked"), ended
        assert phase not in FIRST or ended.status == "done", ended


@pytest.mark.parametrize("technology", SERVICES)
def test_us_east_1_is_dark_for_a_pair_elsewhere(world: Sandbox, technology: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(test_matrix, "EAST", "eu-west-1")
    here = World(world, technology, "planned")
    world.dark(EAST)
    for phase in (one for one in PHASES if one in here.ends):
        ended = carry_out(here, phase)
        assert ended.status == "done", ended
    assert {call["region"] for call in here.flow.mutations()} <= {"eu-west-1", "us-west-2"}
