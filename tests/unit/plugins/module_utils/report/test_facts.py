# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report says of an execution, as tables of what the store holds and what is made of it."""

from __future__ import annotations

from typing import Any

import pytest
from recorded import APPROVAL, NAME, START, TRAIL, at, entry, make, pair, result

from ansible_collections.dr.aws.plugins.module_utils.redact import MASK
from ansible_collections.dr.aws.plugins.module_utils.report.facts import SCHEMA, VERSION, build
from ansible_collections.dr.aws.plugins.module_utils.report.html import execution_page

SERVED = [result("db", "instantiate", 3), result("db", "activate", 8)]


def only(report: dict[str, Any]) -> dict[str, Any]:
    (found,) = report["resources"]
    return found


@pytest.mark.parametrize(
    ("objective", "results", "ended", "expected"),
    [
        (600, SERVED, 10, {"state": "met", "seconds": 480.0}),
        (480, SERVED, 10, {"state": "met", "seconds": 480.0}),
        (479, SERVED, 10, {"state": "missed", "seconds": 480.0}),
        (None, SERVED, 10, {"state": "none", "seconds": 480.0}),
        (900, [result("db", "activate", 8, "failed")], 10, {"state": "open", "seconds": None}),
        (300, [result("db", "activate", 8, "failed")], 10, {"state": "missed", "seconds": None}),
        (900, [], None, {"state": "missed", "seconds": None}),
    ],
)
def test_recovery_time_against_its_objective(objective: int | None, results: Any, ended: Any, expected: Any) -> None:
    status = "RUNNING" if ended is None else "COMPLETED"
    rto = only(build(make([pair("db", rto_seconds=objective)], results, ended=ended, status=status)))["rto"]
    assert {name: rto[name] for name in expected} == expected


def test_recovery_times_count_as_the_status_counts_them() -> None:
    pairs = [pair("a", rto_seconds=600), pair("b", rto_seconds=60), pair("c", rto_seconds=6000), pair("d", rto_seconds=600)]
    results = [result("a", "activate", 8), result("b", "activate", 8)]
    seen = make(pairs, results, states={("d", "activate"): "done"})
    assert build(seen)["objectives"]["rto"] == {"met": 1, "missed": 1, "open": 1, "unknown": 0, "held": 1, "none": 0}


def test_the_detection_counts_as_well_where_it_is_known() -> None:
    seen = make([pair("db", rto_seconds=600)], SERVED, record={"detected_at": "2026-11-28T15:50:00Z"})
    report = build(seen)
    assert only(report)["rto"]["since_detected_seconds"] == 480 + 600
    assert report["clocks"] == {
        "detected_seconds": 600.0,
        "decided_seconds": 300.0,
        "executed_seconds": 180.0,
        "total_seconds": 1080.0,
    }


@pytest.mark.parametrize(
    ("technology", "outputs", "expected"),
    [
        ("rds", {"instantiate": {"lag_seconds": 12}}, ("met", 12, "instantiate")),
        ("rds", {"instantiate": {"lag_seconds": 301}}, ("missed", 301, "instantiate")),
        ("rds", {"instantiate": {"lag_seconds": 12}, "activate": {"lag_seconds": 0}}, ("met", 0, "activate")),
        ("rds", {"instantiate": {"lag_seconds": 12}, "activate": {"lag_seconds": None}}, ("met", 12, "instantiate")),
        ("rds", {"instantiate": {"lag_seconds": -1}}, ("unknown", None, None)),
        ("rds", {"instantiate": {"lag_seconds": True}}, ("unknown", None, None)),
        ("rds", {}, ("unknown", None, None)),
        ("ecs", {}, ("none", None, None)),
    ],
)
def test_data_loss_against_its_objective(technology: str, outputs: dict[str, Any], expected: Any) -> None:
    results = [result("db", phase, 5, outputs=outputs.get(phase, {})) for phase in ("instantiate", "activate")]
    rpo = only(build(make([pair("db", technology)], results, captured={"db": {"lag_seconds": 2}})))["rpo"]
    assert (rpo["state"], rpo["lag_seconds"], rpo["seen_in"]) == expected
    assert rpo["lag_at_readiness_seconds"] == 2


def test_what_is_not_activated_has_lost_nothing_yet() -> None:
    assert only(build(make([pair("db")])))["rpo"]["state"] == "open"
    held = make([pair("db")], states={("db", "activate"): "done"})
    assert only(build(held))["rpo"]["state"] == "held"


def test_phases_that_held_and_that_were_not_reached() -> None:
    report = build(make([pair("db")], states={("db", "instantiate"): "done"}))
    assert [(one["phase"], one["status"]) for one in only(report)["phases"]] == [
        ("instantiate", "held"),
        ("activate", "not_reached"),
    ]
    assert only(report)["status"] == "not_reached"


def test_failures_and_deferred_work_with_why_and_remedy() -> None:
    results = [
        result("db", "instantiate", 3, "blocked", why="the replica lags", remedy="wait"),
        result("db", "cleanup", 9, "deferred", why="us-east-1 does not answer"),
        result("web", "activate", 4, "skipped", why="not needed (ada)"),
    ]
    seen = make([pair("db"), pair("web", "ecs")], results, phases=("instantiate", "activate", "cleanup"))
    report = build(seen)
    (failure,), (deferred,), (skipped,) = report["failures"], report["deferred"], report["skipped"]
    assert (failure["resource"], failure["phase"], failure["why"], failure["remedy"]) == (
        "db",
        "instantiate",
        "the replica lags",
        "wait",
    )
    assert (deferred["phase"], deferred["why"]) == ("cleanup", "us-east-1 does not answer")
    assert skipped["resource"] == "web"


def test_of_a_drill_it_says_what_was_proven_instead_of_clocks() -> None:
    phases = ("instantiate", "activate", "cleanup")
    well = [
        result("db", "instantiate", 3, outputs={"copy": "drill-db", "data_from": at(-60)}),
        result("db", "activate", 8, seconds=None, outputs={"not_proven": ["backups"]}),
        result("db", "cleanup", 9, outputs={"copy": "removed"}),
    ]
    ill = [result("web", "activate", 8), result("web", "activate", 9, "failed", why="its check fails"), result("web", "cleanup", 9)]
    report = build(make([pair("db"), pair("web", "ecs")], [*well, *ill], operation="test", phases=phases))
    assert report["clocks"] is None and report["objectives"] is None
    assert report["drill"] == {"resources": 2, "proven": 1, "faults": 1, "removed": 2}
    db, web = report["resources"]
    assert db["rto"] is None and db["rpo"] is None
    assert db["copy"] == {
        "copy": "drill-db",
        "served_after_seconds": 480.0,
        "data_from": at(-60),
        "not_proven": ["backups"],
        "proven": True,
        "removed": True,
    }
    assert db["phases"][1]["seconds"] == 180.0, "from the beginning of its wave"
    assert web["copy"]["proven"] is False and report["failures"][0]["why"] == "its check fails"


def test_debts_of_others_are_there_while_they_are_open() -> None:
    one = {"resource": "db", "phase": "activate", "text": "fence it", "at": at(8), "settled_at": None}
    mine = {**one, "execution_id": NAME, "settled_at": at(15)}
    theirs = {**one, "execution_id": "dr-20260101T000000Z-000000"}
    settled = {**theirs, "settled_at": at(1)}
    report = build(make([pair("db")], debts=[mine, theirs, settled]))
    assert [(debt["execution_id"], debt["settled_at"]) for debt in report["debts"]] == [
        (NAME, at(15)),
        ("dr-20260101T000000Z-000000", None),
    ]


def test_deviations() -> None:
    audit = [
        *TRAIL[:5],
        entry(6, 9, "health_checked", waves=[1], status="UNHEALTHY", override_reason="the shop can do without"),
        entry(7, 10, "execution_failed"),
        entry(8, 12, "execution_resumed", before="FAILED"),
        entry(9, 13, "execution_switched", before="planned", mode="unplanned", before_sha256="a" * 64, approver="ann"),
    ]
    record = {"approval_mode": "automatic"}
    seen = make([pair("db")], audit=audit, record=record, plan_problem="it was changed", audit_problems=["entry 3 was changed"])
    found = {(one["what"], one["why"]) for one in build(seen)["deviations"]}
    assert found == {
        ("no approval was asked for", "approval_mode=automatic"),
        ("UNHEALTHY wave 1 was accepted", "the shop can do without"),
        ("it was resumed", "it was FAILED"),
        ("it went from planned to unplanned", f"approved by ann; its plan was {'a' * 12}"),
        ("the stored plan cannot be relied on", "it was changed"),
        ("the audit trail is not what was written", "entry 3 was changed"),
    }


def test_what_the_operator_had_carried_out() -> None:
    """One that was interrupted, and carried out again; a check that failed, and that a person overrode."""
    begins = {"name": "drain", "phase": "activate", "wave": 2}
    order = {"name": "order", "phase": "activate", "wave": 2}
    audit = [
        entry(1, 1, "hook_started", **begins),
        entry(2, 2, "execution_resumed", before="RUNNING"),
        entry(3, 3, "hook_started", **begins),
        entry(4, 4, "business_check_started", **order),
        entry(5, 5, "hook_ended", name="drain", state="done", seconds=120.0, why="", output="drained", override_reason=""),
        entry(
            6,
            6,
            "business_check_ended",
            name="order",
            state="overridden",
            seconds=9.0,
            why="exits with 3",
            override_reason="by hand",
        ),
    ]
    report = build(make([pair("db")], audit=audit))
    assert [(one["kind"], one["state"], one["began_at"], one["ended_at"], one["output"]) for one in report["errands"]] == [
        ("hook", "interrupted", at(1), at(2), ""),
        ("hook", "done", at(3), at(5), "drained"),
        ("business check", "overridden", at(4), at(6), ""),
    ]
    assert [(one["label"], one["state"]) for one in report["timeline"]["waits"]] == [
        ("hook drain", "interrupted"),
        ("hook drain", "done"),
        ("business check order", "overridden"),
    ]
    found = {(one["what"], one["why"]) for one in report["deviations"]}
    assert {("hook drain: interrupted", ""), ("business check order: overridden", "by hand; exits with 3")} <= found


def test_an_audit_trail_is_verified_only_when_there_is_one() -> None:
    assert build(make())["audit"]["verified"]
    assert not build(make(audit=[]))["audit"]["verified"]
    assert not build(make(audit_problems=["entry 2 is missing"]))["audit"]["verified"]


def test_the_timeline_has_waves_approvals_and_waits() -> None:
    audit = [
        *TRAIL[:4],
        entry(5, 6, "execution_failed"),
        entry(6, 10, "execution_resumed", before="FAILED"),
        entry(7, 11, "wave_started", phase="activate", waves=[1], resources=1),
        entry(8, 12, "wave_ended", phase="activate", waves=[1], counts={}),
        entry(9, 13, "health_checked", waves=[1], status="HEALTHY"),
    ]
    line = build(make([pair("db")], audit=audit, approvals=[APPROVAL], ended=14))["timeline"]
    assert (line["began_at"], line["ended_at"]) == (START, at(14))
    assert [(one["label"], one["state"], one["began_at"], one["ended_at"]) for one in line["waves"]] == [
        ("instantiate 1", "ended", at(1), at(3)),
        ("activate 1", "interrupted", at(5), at(6)),
        ("activate 1", "ended", at(11), at(12)),
    ]
    assert [(one["state"], one["began_at"], one["ended_at"]) for one in line["approvals"]] == [("approved", at(3), at(5))]
    assert [(one["label"], one["began_at"], one["ended_at"]) for one in line["waits"]] == [
        ("failed, then resumed", at(6), at(10)),
        ("health of wave 1", at(12), at(13)),
    ]


def test_secrets_are_masked_wherever_they_stand() -> None:
    outputs = {"auth_string": "hunter2", "endpoint": "postgres://app:hunter2@db"}
    results = [result("db", "activate", 8, "failed", why="login with password=hunter2 failed", outputs=outputs)]
    audit = [*TRAIL, entry(8, 11, "noted", token="hunter2")]
    report = build(make([pair("db")], results, audit=audit))
    assert "hunter2" not in str(report)
    assert only(report)["phases"][1]["outputs"]["auth_string"] == MASK


def test_without_a_plan_that_can_be_relied_on_there_is_a_report() -> None:
    report = build(make([], SERVED, plan=None, plan_problem="sha256 differs"))
    assert (report["schema"], report["version"]) == (SCHEMA, VERSION)
    assert (report["plan"]["verified"], report["plan"]["problem"]) == (False, "sha256 differs")
    assert (only(report)["resource"], only(report)["technology"], only(report)["rto"]) == ("db", None, None)


def test_what_was_rolled_back_is_listed_and_does_not_serve() -> None:
    results = [
        result("api", "rollback", 9),
        result("db", "activate", 8),
        result("db", "rollback", 9, "blocked", why="it was promoted"),
    ]
    report = build(make([pair("api", "ecs", rto_seconds=600), pair("db")], results))
    assert [(one["resource"], one["ended_at"]) for one in report["rolled_back"]] == [("api", at(9))]
    assert [(one["resource"], one["phase"], one["why"]) for one in report["failures"]] == [("db", "rollback", "it was promoted")]
    api, db = report["resources"]
    assert [(one["phase"], one["status"]) for one in api["phases"]][-1] == ("rollback", "done")
    assert (api["rto"]["state"], db["phases"][1]["status"]) == ("open", "done")
    assert "Activation that was taken back" in execution_page(report)
    assert "Activation that was taken back" not in execution_page(build(make([pair("api")], [result("api", "activate", 8)])))
