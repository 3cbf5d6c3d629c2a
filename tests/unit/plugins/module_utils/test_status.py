# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clocks of a recovery, and which objectives it met, as tables."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.dynamo import utc
from ansible_collections.dr.aws.plugins.module_utils.objectives import NAMED, objectives_met, tally
from ansible_collections.dr.aws.plugins.module_utils.status import clocks, leaving

START = 1_795_881_600.0


def entry(seconds: float, event: str, phase: str = "activate") -> dict[str, Any]:
    return {"at": utc(START + seconds), "event_type": event, "actor": "", "detail": {"phase": phase, "waves": [1]}}


BEFORE = [{**entry(0, "execution_started"), "detail": {"plan_sha256": "a"}}, entry(1, "wave_started", "instantiate")]
FIRST = [*BEFORE, entry(30, "wave_ended", "instantiate"), entry(90, "wave_started")]
ALL = [*FIRST, entry(200, "wave_ended"), entry(220, "wave_started"), entry(400, "wave_ended"), entry(900, "wave_ended", "cleanup")]


@pytest.mark.parametrize(
    ("audit", "detected", "seconds"),
    [
        ([], None, (None, None, None, None)),
        (BEFORE, None, (None, None, None, None)),
        (FIRST, None, (None, 90, None, None)),
        (ALL[:-3], None, (None, 90, 110, 200)),
        (ALL, None, (None, 90, 310, 400)),
        (BEFORE, 600, (600, None, None, None)),
        (ALL, 600, (600, 90, 310, 1000)),
        (ALL, -10, (0, 90, 310, 390)),
    ],
)
def test_four_clocks(audit: list[dict[str, Any]], detected: float | None, seconds: tuple[float | None, ...]) -> None:
    at = None if detected is None else utc(START - detected)
    found = clocks({"started_at": utc(START), "detected_at": at}, audit)
    assert found["detected_at"] == at
    names = ("detected_seconds", "decided_seconds", "executed_seconds", "total_seconds")
    assert tuple(found[name] for name in names) == seconds


def test_the_times_that_an_execution_has_itself_come_first() -> None:
    own = {"activate_begun_at": utc(START + 100), "activate_ended_at": None}
    found = clocks({"started_at": utc(START), **own}, [])
    assert (found["decided_seconds"], found["executed_seconds"]) == (100, None)
    found = clocks({"started_at": utc(START), **own, "activate_ended_at": utc(START + 450)}, ALL)
    assert (found["decided_seconds"], found["executed_seconds"], found["total_seconds"]) == (100, 350, 450)


@pytest.mark.parametrize(
    ("activated", "now", "ended", "counted", "missed"),
    [
        ({}, 50, None, (0, 0, 2), []),
        ({}, 61, None, (0, 1, 1), [("a", None)]),
        ({}, 9999, 50, (0, 0, 2), []),
        ({}, 9999, 200, (0, 2, 0), [("a", None), ("b", None)]),
        ({"a": 60, "b": 120}, 9999, None, (2, 0, 0), []),
        ({"a": 61, "b": 120}, 9999, None, (1, 1, 0), [("a", 61)]),
        ({"a": 61}, 130, None, (0, 2, 0), [("b", None), ("a", 61)]),
        ({"a": 61, "b": 300, "without": 9}, 400, None, (0, 2, 0), [("b", 300), ("a", 61)]),
    ],
)
def test_objectives_are_met_missed_or_open(
    activated: dict[str, float], now: float, ended: float | None, counted: tuple[int, int, int], missed: list[tuple[str, Any]]
) -> None:
    execution = {"started_at": utc(START), "completed_at": None if ended is None else utc(START + ended)}
    found = objectives_met(execution, tally({"a": 60, "b": 120}, activated), START + now)
    assert (found["met"], found["missed"], found["open"]) == counted
    assert [(one["resource"], one["seconds"]) for one in found["missed_resources"]] == missed


def test_only_the_worst_are_named() -> None:
    objectives = {f"db-{number}": 60 for number in range(NAMED + 3)}
    took = {key: 100.0 + number for number, key in enumerate(objectives)}
    found = objectives_met({"started_at": utc(START)}, tally(objectives, took), START + 500)
    assert found["missed"] == NAMED + 3
    assert [one["resource"] for one in found["missed_resources"]] == [f"db-{number}" for number in range(NAMED + 2, 2, -1)]
    assert found["missed_resources"][0] == {"resource": "db-7", "rto_seconds": 60, "seconds": 107}


def test_a_drill_may_have_left_something_until_all_of_it_is_known_to_be_removed() -> None:
    some: dict[str, Any] = {"operation": "test", "resource_count": 2, "counts": {"cleanup": {"done": 2}}}
    half = {**some, "counts": {"cleanup": {"done": 1, "failed": 1}}}
    left = [{**half, "status": status} for status in ("FAILED", "CANCELLED", "PAUSED", "RUNNING")] + [
        {**some, "status": "FAILED", "counts": {}}
    ]
    gone = [{**some, "status": "FAILED"}, {**some, "status": "COMPLETED"}, {**half, "status": "FAILED", "operation": "failover"}]
    assert leaving([*left, *gone]) == left
