# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is disturbed: each technology's ways through its phases, with the estate that tests/integration/matrix.yml declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from test_drills import Drilled, _changed
from test_matrix import EAST, MATRIX, WEST, World, subnet

from ansible_collections.dr.aws.plugins.module_utils.adapters import adapter
from ansible_collections.dr.aws.plugins.module_utils.adapters.base import Adapter
from ansible_collections.dr.aws.plugins.module_utils.drills import drill
from ansible_collections.dr.aws.plugins.module_utils.model import DRILL_PHASES, PHASES, Goal

MODES = ("planned", "unplanned")
#: What can be rolled back once the target serves: it keeps no data. Where data would be lost, it is refused, as the adapters'
#: tables show.
REVERSIBLE = ("ecs", "lambda", "autoscaling", "eventbridge", "route53")
#: Where a removed side comes back with nothing of what it was, the pair says where to put it.
PLACED = ("efs",)


@dataclass(frozen=True)
class Scenario:
    """way: failover (all phases), removal (the same with cleanup_policy=remove), rollback (after ACTIVATE) or drill.

    Unplanned, the source region is dark until after ACTIVATE; a rollback begins when it answers again.
    """

    way: str
    technology: str
    mode: str

    def __str__(self) -> str:
        return f"{self.way} {self.technology} {self.mode}"


def scenarios() -> list[Scenario]:
    """All of them."""
    found = [Scenario(way, technology, mode) for way in ("failover", "removal") for technology in MATRIX for mode in MODES]
    found += [Scenario("rollback", technology, mode) for technology in REVERSIBLE for mode in MODES]
    return found + [Scenario("drill", technology, "planned") for technology in MATRIX]


@dataclass(frozen=True)
class Stage:
    """A scenario's world, ready to run: what the engine is given, and how to read its state by other means.

    harm: phase that has ended -> what a drill did to production, or has left behind; "" when all is well.
    """

    world: World
    goal: Goal
    phases: tuple[str, ...]
    reconciler: Callable[[str], Adapter]
    state: Callable[[], str]
    harm: Callable[[str], str] = lambda phase: ""

    @property
    def flow(self) -> Any:
        return self.world.flow


def stage(sandbox: Any, scenario: Scenario) -> Stage:
    """The scenario's world from the beginning."""
    return _drill(sandbox, scenario) if scenario.way == "drill" else _move(sandbox, scenario)


def _move(sandbox: Any, scenario: Scenario) -> Stage:
    world, one = World(sandbox, scenario.technology, scenario.mode), adapter(scenario.technology)
    settings: Mapping[str, Any] = world.pair.settings
    for asked in world.ends.get("refused", {}).values():
        settings = {**settings, **asked["settings"]}
    if scenario.way == "removal" and scenario.technology in PLACED:
        settings = {**settings, "regions": {region: {"subnets": [subnet(sandbox, region)]} for region in (EAST, WEST)}}
    pair = replace(world.pair, settings=settings)
    goal = Goal(
        pair,
        mode=scenario.mode,
        cleanup_policy="remove" if scenario.way == "removal" else "quarantine",
        execution_id="dr-test",
        captured=world.flow.captured[pair.key],
    )
    phases = tuple(phase for phase in PHASES if phase in one.phases)
    if scenario.way == "rollback":
        phases = (*(phase for phase in phases if phase in ("instantiate", "activate")), "rollback")

    def state() -> str:
        return world.state().replace("disconnected", "stalled")  # DRS says so when a source was silent for longer

    return Stage(world, goal, phases, adapter, state)


def _drill(sandbox: Any, scenario: Scenario) -> Stage:
    world = Drilled(sandbox, scenario.technology)
    before, listed = world.state(), world.listed()
    goal = Goal(world.pair, execution_id="dr-test", captured=world.flow.captured[world.pair.key])

    def state() -> str:
        return f"{world.state()}, beside it {len(world.listed().keys() - listed.keys())}"

    def harm(phase: str) -> str:
        changed = {arn: tags for arn, tags in _changed(listed, world.listed()).items() if arn in listed or phase == "cleanup"}
        now = world.state()
        return "; ".join([*([] if now == before else [f"{before} became {now}"]), *([str(changed)] if changed else [])])

    return Stage(world, goal, DRILL_PHASES, drill, state, harm)
