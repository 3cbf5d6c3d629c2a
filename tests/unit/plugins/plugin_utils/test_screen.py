# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person sees: while a wave runs, and at the end."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.model import Pair
from ansible_collections.dr.aws.plugins.module_utils.words import duration
from ansible_collections.dr.aws.plugins.plugin_utils.progress import Progress
from ansible_collections.dr.aws.plugins.plugin_utils.summary import lines


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0s"), (0.4, "0s"), (59.6, "1m00s"), (90, "1m30s"), (3599, "59m59s"), (3600, "1h00m"), (9000, "2h30m")],
)
def test_durations_are_short(seconds: float, said: str) -> None:
    assert duration(seconds) == said


class Heard:
    def __init__(self) -> None:
        self.time = 0.0
        self.lines: list[str] = []
        self.facts: list[dict[str, Any]] = []

    def say(self, text: str, color: str | None = None, **facts: Any) -> None:
        self.lines.append(text.strip())
        self.facts.append(facts)


AGAIN = (
    "ansible-playbook dr.aws.reprotect -e customer=acme -e environment=production "
    "-e primary_region=us-east-1 -e dr_region=us-west-2"
)


def progress(screen: Heard, count: int = 5, elapsed: float = 0.0) -> Progress:
    pairs = [Pair(f"db-{n}", "rds", "1", "east", "west", "a", "b", rto_seconds=1800 if n == 0 else None) for n in range(count)]
    return Progress("activate", pairs, screen.say, elapsed=elapsed, now=lambda: screen.time)


def test_what_ended_has_a_line_with_the_time_against_its_objective() -> None:
    screen = Heard()
    told = progress(screen, elapsed=60)
    screen.time = 30
    told("db-0", "done", "")
    told("db-1", "blocked", "the replica lags")
    assert screen.lines == ["1m30s of 30m00s RTO done      db-0", "1m30s blocked   db-1: the replica lags"]
    assert told.counts() == {"done": 1, "ended": 2, "total": 5}
    ended = {"event": "resource", "phase": "activate", "wave": 1, "resource": "db-0", "state": "done", "why": None}
    assert screen.facts[0] == {**ended, "elapsed_seconds": 90.0, "rto_seconds": 1800}


def test_what_is_under_way_is_summed_up_every_five_seconds() -> None:
    screen = Heard()
    told = progress(screen)
    for second in range(11):
        screen.time = second
        for number in range(4):
            told(f"db-{number}", "waiting", "promotes")
    assert len(screen.lines) == 2
    assert screen.lines[1] == (
        "activate 0 of 5 · db-0: promotes (10s of 30m00s RTO); db-1: promotes (10s); db-2: promotes (10s) and 1 more"
    )


def test_what_is_under_way_is_summed_up_for_machines_as_well() -> None:
    screen = Heard()
    told = progress(screen)
    told("db-0", "done", "")
    screen.time = 5
    told("db-1", "waiting", "promotes")
    under_way = {"event": "wave_progress", "phase": "activate", "wave": 1, "elapsed_seconds": 5.0}
    assert screen.facts[1] == {**under_way, "done": 1, "ended": 1, "total": 5}


def test_check_mode_is_said_by_the_wave_itself() -> None:
    screen = Heard()
    told = progress(screen)
    told("db-0", "would_change", "promote it")
    assert (screen.lines, told.counts()["ended"]) == ([], 1)


def summary(**changes: Any) -> dict[str, Any]:
    known = {
        "operation": "failover",
        "mode": "unplanned",
        "customer": "acme",
        "environment": "production",
        "primary_region": "us-east-1",
        "dr_region": "us-west-2",
        "execution_id": "dr-20261128T163000Z-7f3a9c",
        "status": "COMPLETED",
        "resource_count": 3,
        "progress_percentage": 100,
        "counts": {"instantiate": {}, "activate": {"done": 2, "blocked": 1}},
        "failed_resources": [],
        "deferred": [],
        "skipped": [],
        "debts": [],
        "clocks": {"detected_seconds": None, "decided_seconds": None, "executed_seconds": None, "total_seconds": None},
        "rto": None,
        "estimated_saving_usd_per_month": None,
        "estimated_copies": None,
        "uncommitted_until": None,
        "rolled_back": [],
        "resume": None,
    }
    return {**known, **changes}


def test_an_end_names_the_state_and_the_counts() -> None:
    said = list(lines(summary(), 125))
    head = "COMPLETED: failover (unplanned) of acme/production, us-east-1 -> us-west-2, dr-20261128T163000Z-7f3a9c"
    assert said == [
        (head, "green"),
        ("  3 resources, 2m05s, 100 % of the plan", None),
        ("  instantiate  nothing was left to do", None),
        ("  activate     1 blocked, 2 done", None),
    ]


def test_an_end_says_its_clocks_its_objectives_and_what_is_saved() -> None:
    clocks = {"detected_seconds": 600, "decided_seconds": 90, "executed_seconds": 310, "total_seconds": 1000}
    missed = [{"resource": "db", "rto_seconds": 60, "seconds": 90}, {"resource": "api", "rto_seconds": 60, "seconds": None}]
    rto = {"met": 4, "missed": 3, "open": 1, "missed_resources": missed}
    said = list(lines(summary(clocks=clocks, rto=rto, estimated_saving_usd_per_month=1234), 125))
    for line in (
        (
            "  begun 10m00s after it was detected, decided in 1m30s, executed in 5m10s, 16m40s in total until the target served",
            None,
        ),
        ("  recovery time objectives: 4 met, 3 missed, 1 not served", "yellow"),
        ("    missed: db: served after 1m30s, objective 1m00s", "yellow"),
        ("    missed: api: does not serve, objective 1m00s", "yellow"),
        ("    missed: and 1 more", "yellow"),
        ("  estimated saving: about USD 1,234 a month (estimate: docs/costs.md)", None),
    ):
        assert line in said


@pytest.mark.parametrize(
    ("copies", "said"),
    [
        ({"usd_per_hour": 0.4166, "copies": 2}, "about USD 0.42 an hour while they stand (estimate: docs/costs.md)"),
        ({"usd_per_hour": 1234.5, "copies": 2}, "about USD 1,234.50 an hour while they stand (estimate: docs/costs.md)"),
        ({"usd_per_hour": 0.0012, "copies": 1}, "less than USD 0.01 an hour while they stand (estimate: docs/costs.md)"),
        ({"usd_per_hour": None, "copies": 1, "unknown": ["db"], "unknown_count": 1}, "not known for 1 of 1: db"),
        (
            {"usd_per_hour": 0.5, "copies": 9, "unknown": ["a", "b"], "unknown_count": 7},
            "about USD 0.50 an hour while they stand (estimate: docs/costs.md); not known for 7 of 9: a, b, 5 more",
        ),
    ],
)
def test_a_drill_says_what_its_copies_cost_and_of_which_that_is_not_known(copies: dict[str, Any], said: str) -> None:
    found = summary(operation="test", estimated_copies={"unknown": [], "unknown_count": 0, **copies})
    assert (f"  what copies cost: {said}", None) in list(lines(found, 125))


def test_what_failed_what_is_left_and_what_to_run_next() -> None:
    failed = [{"resource": "db-0", "phase": "activate", "status": "blocked", "why": "it lags", "remedy": "wait"}]
    deferred = [
        {"resource": name, "phase": phase, "why": "us-east-1 does not answer"}
        for name in ("db-1", "db-2")
        for phase in ("replicate", "cleanup")
    ]
    debts = [{"resource": f"db-{number}", "text": "fence it"} for number in range(7)]
    resume = "ansible-playbook dr.aws.failover -e execution_id=dr-20261128T163000Z-7f3a9c"
    found = summary(status="FAILED", failed_resources=failed, deferred=deferred, debts=debts, resume=resume)
    said = [text.strip() for text, _color in lines(found, 1)]
    for line in (
        "blocked   db-0 (activate): it lags",
        "next: wait",
        "deferred: cleanup, replicate of 2 resources: us-east-1 does not answer",
        f"next, when the region answers: {AGAIN}",
        "fence debt: db-4: fence it",
        "fence debt: and 2 more, all in the status",
        f"they are settled, once the region answers, by {AGAIN}",
    ):
        assert line in said
    assert said[-1] == f"next: {resume}"
    assert "fence debt: db-5: fence it" not in said
