# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rollback takes back, what is said before, and how it is recorded, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils import rollback
from ansible_collections.dr.aws.plugins.module_utils.engine import Engine, Result
from ansible_collections.dr.aws.plugins.module_utils.errors import DrError
from ansible_collections.dr.aws.plugins.module_utils.model import Active, Blocked, Call, Check, Done, Goal, Health, Pair
from ansible_collections.dr.aws.plugins.module_utils.parameters import Facts, Parameters
from ansible_collections.dr.aws.plugins.module_utils.plan import Plan, build
from ansible_collections.dr.aws.plugins.module_utils.status import rollback_command, undoing
from ansible_collections.dr.aws.plugins.module_utils.store import MemoryJournal

EAST, WEST = "us-east-1", "us-west-2"
NAME = "dr-20261128T163000Z-7f3a9c"
ASKED = {"customer": "acme", "environment": "production", "primary_region": EAST, "dr_region": WEST}
RECORD: dict[str, Any] = {"execution_id": NAME, "operation": "failover", "status": "FAILED"}


def pair(key: str, technology: str = "ecs", wave: int = 1, **more: Any) -> Pair:
    return Pair(key, technology, "111111111111", EAST, WEST, key, key, wave=wave, **more)


def plan(**changes: Any) -> Plan:
    pairs = [pair("db", "rds"), pair("api"), pair("web", wave=2), pair("queue", "memorydb", wave=3)]
    facts = Facts((EAST, WEST), frozenset({("acme", "production")}))
    parameters = Parameters(**ASKED, approval_mode="automatic", **changes)
    return build(pairs, {one.key: Active.SOURCE for one in pairs}, parameters, facts, {})


def intent(outcome: str) -> dict[str, Any]:
    return {"done": None, "result": None, "intents": {"d": {"outcome": outcome}}}


OK, ILL = Check("tasks", True, "2 running"), Check("tasks", False, "0 running")


@pytest.mark.parametrize(
    ("checks", "impact", "expected"),
    [
        ((OK,), "critical", ("HEALTHY", "")),
        ((ILL,), "critical", ("UNHEALTHY", "web tasks: 0 running")),
        ((ILL,), "optional", ("DEGRADED", "web (optional) tasks: 0 running")),
        ((), "critical", ("UNHEALTHY", "web nothing was proven")),
    ],
)
def test_what_went_back_is_proven_healthy_where_it_serves(
    monkeypatch: pytest.MonkeyPatch, checks: tuple[Check, ...], impact: str, expected: tuple[str, str]
) -> None:
    """And nothing of what did not go back."""
    journal, control = MemoryJournal(), SimpleNamespace(pause=lambda seconds: seconds)
    run: Any = SimpleNamespace(cloud=None, journal=journal, control=control, note=journal.note, parameters=plan().parameters)
    asked: list[Pair] = []

    def look(_cloud: object, goals: Sequence[Goal], _seconds: float, **_more: Any) -> dict[str, Health]:
        asked.extend(goal.pair for goal in goals)
        return {goal.pair.key: Health(checks) for goal in goals}

    monkeypatch.setattr(rollback.health, "wait_until_healthy", look)
    undo = rollback.Undo(((Goal(pair("web", wave=2, impact=impact)), Goal(pair("api", wave=2))),), {}, {})
    ends = {"web": "done", "api": "failed"}
    results = {key: Result(key, "rollback", status) for key, status in ends.items()}
    assert rollback.prove(run, undo, results, 0) == expected
    assert [(one.key, one.target_region) for one in asked] == [("web", EAST)]
    (noted,) = journal.notes
    assert (noted["event_type"], noted["waves"], noted["status"]) == ("rollback_health_checked", [2], expected[0])
    assert rollback.prove(run, undo, {key: Result(key, "rollback", "failed") for key in ends}, 0) == ("", "")


@pytest.mark.parametrize(
    ("status", "health", "said"),
    [
        ("done", "HEALTHY", ""),
        ("done", "DEGRADED", ""),
        ("done", "", ""),
        ("done", "UNHEALTHY", "what went back is UNHEALTHY: web tasks: 0 running. Next: "),
        ("failed", "UNHEALTHY", "1 of 1 resources did not go back. Next: ansible-playbook dr.aws.rollback "),
    ],
)
def test_a_rollback_has_failed_when_something_is_left_or_ill(status: str, health: str, said: str) -> None:
    found = rollback.problem(RECORD, {"web": Result("web", "rollback", status)}, health, "web tasks: 0 running")
    assert found.startswith(said) and bool(found) == bool(said)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({}, False),
        ({"done": {}, "result": {"status": "done"}, "intents": {}}, True),
        ({"done": None, "result": {"status": "blocked"}, "intents": {}}, False),
        (intent("accepted"), True),
        (intent("unknown"), True),
        (intent("rejected"), False),
        ({"done": None, "result": {"status": "failed", **rollback.UNDOING}, "intents": {}}, True),
    ],
)
def test_what_activate_has_touched(known: dict[str, Any], expected: bool) -> None:
    """A call of which the answer was lost may have had its effect; a rollback that was killed goes on."""
    assert rollback.begun(known) is expected


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"operation": "test"}, "is a test: only a failover or a failback"),
        ({"operation": "reprotect"}, "is a reprotect: only a failover or a failback"),
        ({"status": "CANCELLED"}, "is CANCELLED.*dr.aws.failback"),
        ({"status": "CANCELLED", "operation": "failback"}, "is CANCELLED.*dr.aws.failover"),
    ],
)
def test_what_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(DrError, match=said):
        rollback.refuse({**RECORD, **changes})


@pytest.mark.parametrize("status", ["FAILED", "PAUSED", "COMPLETED", "RUNNING"])
@pytest.mark.parametrize("operation", ["failover", "failback"])
def test_what_is_not_refused(status: str, operation: str) -> None:
    rollback.refuse({**RECORD, "status": status, "operation": operation})


@pytest.mark.parametrize(
    ("changes", "wave", "said"),
    [
        ({}, 1, ""),
        ({"on_wave_failure": "rollback"}, 1, f"if it fails, wave 1 is rolled back; one-way, may stay in {WEST}: db"),
        ({"on_wave_failure": "rollback"}, 2, "if it fails, wave 2 is rolled back; none of it is one-way"),
        (
            {"on_wave_failure": "rollback", "rollback_scope": "all"},
            2,
            f"if it fails, wave 2, 1 is rolled back; one-way, may stay in {WEST}: db",
        ),
        (
            {"on_wave_failure": "rollback", "rollback_scope": "all"},
            3,
            f"if it fails, wave 3, 2, 1 is rolled back; one-way, may stay in {WEST}: db, queue",
        ),
    ],
)
def test_what_would_stay_is_named_before_the_wave_begins(changes: dict[str, Any], wave: int, said: str) -> None:
    assert rollback.foretold(plan(**changes), wave) == said


def test_the_default_leaves_the_hash_of_stored_plans_as_it_is() -> None:
    same = plan(on_wave_failure="stop", rollback_scope="wave", undo_window_minutes=0)
    assert same.sha256 == plan().sha256 != plan(undo_window_minutes=30).sha256


def undo(going: dict[str, Result], stays: dict[str, Result]) -> rollback.Undo:
    waves = tuple((Goal(pair(key, wave=len(going) - number)),) for number, key in enumerate(going))
    return rollback.Undo(waves, going, stays)


def test_what_stays_is_said_with_why_and_what_can_be_done_instead() -> None:
    call = {"service": "ecs", "operation": "update_service", "region": WEST, "why": "scale it down"}
    going = {"api": Result("api", "rollback", "would_change", calls=(call,)), "web": Result("web", "rollback", "done")}
    stays = {"db": Result("db", "rollback", "blocked", why="it was promoted", remedy="fail back")}
    assert [text for text, _colour in rollback.said(undo(going, stays), NAME)] == [
        f"rollback of execution {NAME}: 2 resources go back, in waves 2, 1; 1 stay",
        f"  back      api: ecs update_service in {WEST} first: scale it down",
        "  back      web: its source serves already",
        "  stays     db: it was promoted. Next: fail back",
    ]
    ended = {"api": Result("api", "rollback", "done"), "web": Result("web", "rollback", "failed", why="denied")}
    text = rollback.outcome(plan().parameters, undo(going, stays), ended, ["api"])
    assert text == f"rolled back: api; not rolled back: web (denied); stays in {WEST}: db (it was promoted)"


def test_a_rollback_is_recorded_once_until_it_has_ended() -> None:
    store: Any = SimpleNamespace(clock=lambda: 0.0)
    record = {**RECORD, "reason": "it broke"}
    (first,) = rollback.begin(store, record, "ann", (2,), "slow")
    assert (first["number"], first["state"], first["before"], first["before_reason"]) == (1, "open", "FAILED", "it broke")
    killed = {**record, "status": "RUNNING", "rollbacks": [first]}
    assert undoing(killed) == first
    assert rollback.begin(store, killed, "bob", (2,), "") == [first], "the one that was killed goes on"
    other = rollback.begin(store, killed, "bob", (), "")
    assert [(one["number"], one["waves"], one["before"]) for one in other] == [(1, [2], "FAILED"), (2, [], "FAILED")]
    ended = rollback.closed(killed, "ended")
    assert [one["state"] for one in ended["rollbacks"]] == ["ended"]
    assert rollback.closed({**killed, **ended}, "left") == {} == rollback.closed(record, "left")
    assert rollback_command(record) == f"ansible-playbook dr.aws.rollback -e execution_id={NAME}"


class Toy:
    """Goes back in one call; `refused` cannot."""

    technology, bulk, merges, busy, drains = "toy", 100, {}, frozenset(), False

    def __init__(self) -> None:
        self.back: list[str] = []

    def observe(self, _reader: Any, pairs: Any) -> dict[str, bool]:
        return {one.key: one.key in self.back for one in pairs}

    def rollback(self, seen: bool, goal: Goal) -> Any:
        if goal.captured.get("refused"):
            return Blocked("it is one-way", "leave it")
        return Done() if seen else Call("toy", "stop", WEST, {"Name": goal.pair.key}, "stop it", settle_seconds=0)

    def receipt(self, _call: Any, _answer: Any) -> dict[str, Any]:
        return {}

    def call(self, *_where: str, **params: str) -> dict[str, Any]:
        self.back.append(params["Name"])
        return {}


@pytest.mark.parametrize("refused", [False, True])
def test_what_depends_on_something_goes_back_before_it_and_holds_nothing_up(refused: bool) -> None:
    """Whatever the priorities; and also when it cannot go back itself."""
    toy: Any = Toy()
    goals = [
        Goal(pair("db", "toy", priority="low")),
        Goal(pair("web", "toy", priority="critical", dependencies=("api",)), captured={"refused": refused}),
        Goal(pair("api", "toy", priority="high", dependencies=("db",))),
    ]
    engine = Engine(toy, MemoryJournal(), adapter=lambda _technology: toy, poll_limit_seconds=0.001)
    results = engine.run("rollback", goals)
    assert toy.back == (["api", "db"] if refused else ["web", "api", "db"])
    assert {key: one.status for key, one in results.items()} == {
        "web": "blocked" if refused else "done",
        "api": "done",
        "db": "done",
    }


def test_a_phase_that_is_taken_back_is_decided_again() -> None:
    journal = MemoryJournal()
    journal.finish([(key, "activate", "done", {"outputs": {}}) for key in ("api", "web")])
    journal.reopen("activate", ["api"], rollback.UNDOING)
    known = journal.known("activate")
    assert (known["api"]["done"], known["web"]["done"]) == (None, {})
    assert rollback.begun(known["api"])
    journal.put_aside(rollback.UNDONE_PHASES, ["api"])
    assert set(journal.known("activate")) == {"web"}
    journal.errand("business-check/shop/activate-wave-02", "done", 1, "now")
    journal.errand("hook/dns/activate-wave-01", "done", 1, "now")
    journal.forget_errands(("/activate-wave-02", "/activate"))
    assert set(journal.errands()) == {"hook/dns/activate-wave-01"}
