# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every call of a flow is a point at which it may be disturbed. FULL=1 tries all of them, otherwise a fixed sample is."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from lab import apart
from points import KINDS, SEED, Run
from scenarios import Scenario, scenarios
from test_matrix import MATRIX

#: How many moments of a scenario the short form tries for each kind of fault, and FULL=1 after each first fault.
SAMPLE = 1
SECONDS = 1


def sample(scenario: Scenario, trace: Sequence[str]) -> Mapping[int, Sequence[str]]:
    """k -> kinds of faults: the short form."""
    plan: dict[int, list[str]] = {}
    for kind, places in KINDS.items():
        fitting = [k for k, at in enumerate(trace, 1) if at in places]
        for k in random.Random(f"{SEED} {scenario} {kind}").sample(fitting, min(SAMPLE, len(fitting))):
            plan.setdefault(k, []).append(kind)
    return plan


def explored(lab: Callable[..., Run], scenario: Scenario, full: bool) -> list[dict[str, Any]]:
    """The points of a scenario, all or a sample; AssertionError when it does not even end as it should without a fault."""
    first = lab(scenario)
    first.go()
    assert first.sent, "a flow that changes nothing proves nothing"
    assert first.found.broken == []
    if scenario.way == "failover":
        ends = MATRIX[scenario.technology][scenario.mode]
        assert {phase: ended.state for phase, ended in first.ended.items()} == {phase: ends[phase] for phase in first.stage.phases}
    found: list[dict[str, Any]] = lab(scenario, SEED, SECONDS if full else 0).explore(
        first, None if full else sample(scenario, first.trace)
    )
    return found


@pytest.mark.timeout(0)
@pytest.mark.parametrize("scenario", scenarios(), ids=str)
def test_a_disturbed_run_ends_as_an_undisturbed_one(
    lab: Callable[..., Run], scenario: Scenario, record_property: Callable[[str, Any], None]
) -> None:
    points = apart(lambda: explored(lab, scenario, full=bool(os.environ.get("FULL"))))
    record_property("points", [scenario.way, points])
    assert [f"{scenario}, {point['faults']}: {point['broken']}" for point in points if point["broken"]] == []
