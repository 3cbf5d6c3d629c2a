# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every call of a flow is a point at which it may be disturbed. FULL=1 tries all of them, otherwise a fixed sample is."""

from __future__ import annotations

import os
import random
from typing import Any

import pytest
from points import KINDS, Scenario, hold, run
from test_matrix import MATRIX

SEED = 20261128
#: How many points of a scenario and kind the short form tries.
SAMPLE = 2


@pytest.mark.timeout(0)
@pytest.mark.parametrize("mode", ["planned", "unplanned"])
@pytest.mark.parametrize("technology", MATRIX)
def test_a_disturbed_run_ends_as_an_undisturbed_one(sandbox: Any, technology: str, mode: str) -> None:
    scenario = Scenario(technology, mode)
    undisturbed = run(sandbox, scenario)
    assert undisturbed.state == MATRIX[technology][mode].get("replicate", MATRIX[technology][mode]["activate"])
    assert undisturbed.mutations, "a flow that changes nothing proves nothing"
    points = range(1, undisturbed.calls + 1)
    broken = []
    for kind in KINDS:
        chosen = sorted(random.Random(f"{SEED} {scenario} {kind}").sample(points, min(SAMPLE, len(points))))
        broken += hold(sandbox, scenario, kind, points if os.environ.get("FULL") else chosen, undisturbed)
    assert broken == []
