# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of the control region: refused, without an answer, or its writer killed, at every request of a whole execution.

FULL=1 tries all requests, otherwise a fixed sample is.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from lab import apart
from points import SEED
from table import KINDS, Life, kinds

#: So many parts FULL=1 has, each with every so many-th request.
PARTS = 8 if os.environ.get("FULL") else 1


def everything(trace: Sequence[str], part: int) -> Mapping[int, Sequence[str]]:
    """k -> all kinds of faults, of a part."""
    return {k: kinds(at) for k, at in enumerate(trace, 1) if k % PARTS == part}


def sample(trace: Sequence[str]) -> Mapping[int, Sequence[str]]:
    """k -> kinds of faults: each kind once at each kind of request."""
    plan: dict[int, list[str]] = {}
    for kind, places in KINDS.items():
        for place in places:
            fitting = [k for k, at in enumerate(trace, 1) if at == place]
            plan.setdefault(random.Random(f"{SEED} {kind} {place}").choice(fitting), []).append(kind)
    return plan


def explored(sandbox: Any, part: int) -> list[dict[str, Any]]:
    """The points of an execution, all or a sample."""
    with pytest.MonkeyPatch.context() as patch:
        first = Life(sandbox, patch)
        first.go()
        assert first.calls, "an execution that changes nothing proves nothing"
        assert first.found.broken == []
    sandbox.gateway.reset(scale=0)
    with pytest.MonkeyPatch.context() as patch:
        plan = sample(first.trace) if PARTS == 1 else everything(first.trace, part)
        found: list[dict[str, Any]] = Life(sandbox, patch).explore(first, plan)
    return found


@pytest.mark.timeout(0)
@pytest.mark.parametrize("part", range(PARTS))
def test_an_execution_whose_table_fails_it_ends_as_an_undisturbed_one(
    inside: Any, part: int, record_property: Callable[[str, Any], None]
) -> None:
    points = apart(lambda: explored(inside, part))
    record_property("points", ["table", points])
    assert [f"{point['faults']}: {point['broken']}" for point in points if point["broken"]] == []
