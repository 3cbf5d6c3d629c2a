# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What readiness keeps, and what it says of a resource's sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils import readiness
from ansible_collections.dr.aws.plugins.module_utils.accounts import CallError, Failure
from ansible_collections.dr.aws.plugins.module_utils.model import Active, Pair
from ansible_collections.dr.aws.plugins.module_utils.survey import Surveyed

BEFORE, NOW = "2026-11-28T12:00:00Z", "2026-11-28T13:00:00Z"


class Captures:
    """An adapter's capture only: what it saw, from where to where, and a size where it could be read."""

    capacities = ("desired_count",)

    def capture(self, seen: Any, pair: Pair) -> Mapping[str, Any]:
        return {"seen": seen, "from": pair.source_region}

    def sizes(self, reader: Any, seen: Any, pair: Pair) -> Mapping[str, Any]:
        if seen == "nothing":
            raise CallError(Failure("denied", "AccessDenied", "no"))
        return {"size": 2}


def test_the_side_that_serves_is_captured_and_what_is_silent_keeps_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [Pair(key, "ecs", "1", "east", "west", key, key) for key in ("there", "here", "silent", "denied")]
    looks = {
        ("there", "east"): Surveyed("east serves", Active.SOURCE),
        ("here", "east"): Surveyed("west serves", Active.TARGET),
        ("here", "west"): Surveyed("west serves, turned round", Active.SOURCE),
        ("silent", "east"): Surveyed("nothing", Active.UNKNOWN),
        ("denied", "east"): Surveyed(None, Active.UNKNOWN, "AccessDenied: no"),
    }

    def survey(reader: Any, what: Sequence[Pair], parallelism: int = 10) -> dict[str, Surveyed]:
        return {pair.key: looks[pair.key, pair.source_region] for pair in what}

    monkeypatch.setattr(readiness, "survey", survey)
    monkeypatch.setattr(readiness, "adapter", lambda technology: Captures())
    before = {"captured": {"denied": {"desired_count": 4}}, "samples": {"denied": {"desired_count": [[BEFORE, 4]]}}}
    found = readiness.capture(None, pairs, before, NOW)
    assert found.sides == {"there": "source", "here": "target", "silent": "unknown", "denied": "AccessDenied: no"}
    assert found.captured == {
        "there": {"seen": "east serves", "from": "east", "size": 2},
        "here": {"seen": "west serves, turned round", "from": "west", "size": 2},
        "silent": {"seen": "nothing", "from": "east"},
        "denied": {"desired_count": 4},
    }
    assert found.samples["denied"] == {"desired_count": [[BEFORE, 4]]}
    assert found.samples["there"] == {}, "no capacity was seen"
