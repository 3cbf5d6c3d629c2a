# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a paused execution shows to people, and what still holds it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils import pauses
from ansible_collections.dr.aws.plugins.module_utils.model import Active, Pair
from ansible_collections.dr.aws.plugins.module_utils.parameters import Facts, Parameters
from ansible_collections.dr.aws.plugins.module_utils.plan import Plan, build

EAST, WEST = "us-east-1", "us-west-2"
NOTHING: dict[str, list[dict[str, Any]]] = {"failed_resources": [], "deferred": [], "skipped": []}


def pair(key: str, wave: int, technology: str = "ecs", url: str | None = None) -> Pair:
    return Pair(key, technology, "111111111111", EAST, WEST, key, key, wave=wave, health_check_url=url)


def plan(*pairs: Pair) -> Plan:
    parameters = Parameters("acme", "production", EAST, WEST, phases=("instantiate", "activate"))
    sides = {one.key: Active.SOURCE for one in pairs}
    return build(pairs, sides, parameters, Facts((EAST, WEST), frozenset({("acme", "production")})), {})


MADE = plan(pair("api", 1, url="https://api.example/health"), pair("web", 1), pair("db", 2, "rds"), pair("job", 2))
#: What the journal knows of ACTIVATE after wave 1, of which `web` failed.
KNOWN: dict[str, dict[str, dict[str, Any]]] = {
    "activate": {"api": {"done": {"endpoint": "api.west"}, "result": {}, "intents": {}}, "web": {"done": None, "result": {}}}
}


def known(phase: str) -> dict[str, dict[str, Any]]:
    return KNOWN.get(phase, {})


def test_the_checklist_has_what_was_done_what_is_open_and_what_is_next() -> None:
    status = {**NOTHING, "failed_resources": [{"resource": "web", "phase": "activate", "status": "failed", "why": "no task"}]}
    found = pauses.checklist(MADE, MADE.of("activate")[1], known, status)
    api = {"resource": "api", "serves_in": WEST, "endpoint": "api.west", "health_check_url": "https://api.example/health"}
    assert found["ended"] == {"phase": "activate", "wave": 1, "resources": [api], "more": 0}
    assert found["open"] == [{"resource": "web", "phase": "activate", "status": "failed", "why": "no task"}]
    assert found["next"] == {"phase": "activate", "wave": 2, "resources": ["db", "job"], "one_way": ["db"], "more": 0}
    assert list(pauses.said(found)) == [
        "look at what activate, wave 1 did:",
        f"  [ ] api serves in {WEST}, api.west, health check https://api.example/health",
        "not done:",
        "  [ ] web (activate) is failed: no task",
        "next is activate, wave 2: db, job",
        "  cannot be taken back: db",
    ]


def test_before_the_first_wave_there_is_nothing_to_look_at() -> None:
    found = pauses.checklist(MADE, MADE.batches[0], known, NOTHING)
    assert found["ended"] is None
    assert list(pauses.said(found)) == ["next is instantiate, wave 1: api, web"]


def test_after_instantiate_nothing_serves_yet() -> None:
    found = pauses.checklist(MADE, MADE.of("activate")[0], lambda _phase: {"db": {"done": {}}}, NOTHING)
    assert found["ended"] == {
        "phase": "instantiate",
        "wave": 2,
        "resources": [{"resource": "db", "serves_in": "", "endpoint": "", "health_check_url": ""}],
        "more": 0,
    }


def test_a_checklist_stays_short() -> None:
    many = plan(*(pair(f"s{number:03d}", 1 + number % 2) for number in range(100)))
    found = pauses.checklist(many, many.of("activate")[1], lambda _phase: {one.key: {"done": {}} for one in many.pairs}, NOTHING)
    assert (len(found["ended"]["resources"]), found["ended"]["more"]) == (pauses.NAMED, 50 - pauses.NAMED)
    assert (len(found["next"]["resources"]), found["next"]["more"]) == (pauses.NAMED, 50 - pauses.NAMED)
    assert f"  and {50 - pauses.NAMED} more" in list(pauses.said(found))


def asked(gate: str, number: int, state: str) -> dict[str, Any]:
    return {"gate": gate, "number": number, "state": state}


@pytest.mark.parametrize(
    ("approvals", "holds"),
    [
        ([], None),
        ([asked("activate-wave-01", 1, "pending")], None),
        ([asked("pause-0001", 1, "pending")], ("pause-0001", 1)),
        ([asked("pause-0001", 1, "approved")], None),
        ([asked("pause-0001", 1, "timed_out")], ("pause-0001", 1)),
        ([asked("pause-0001", 1, "rejected")], ("pause-0001", 1)),
        ([asked("pause-0001", 1, "timed_out"), asked("pause-0001", 2, "approved")], None),
        ([asked("pause-0002", 1, "pending"), asked("pause-0001", 1, "approved")], ("pause-0002", 1)),
    ],
)
def test_only_an_approval_ends_a_pause(approvals: list[dict[str, Any]], holds: tuple[str, int] | None) -> None:
    found = pauses.unanswered(approvals)
    assert (found and (found["gate"], found["number"])) == holds
