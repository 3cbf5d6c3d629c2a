# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The compliance report: which executions and days, and what is summed up of them."""

from __future__ import annotations

from typing import Any

import pytest
from pages import Page
from recorded import APPROVAL, at, make, pair, result

from ansible_collections.dr.aws.plugins.module_utils.dynamo import epoch
from ansible_collections.dr.aws.plugins.module_utils.errors import InputError
from ansible_collections.dr.aws.plugins.module_utils.report.compliance import OVERDUE_DAYS, Scope, compliance
from ansible_collections.dr.aws.plugins.module_utils.report.facts import build
from ansible_collections.dr.aws.plugins.module_utils.report.html_compliance import compliance_page

NOW = epoch(at(0))
SCOPE = Scope("acme", "production", "2026-09-01", "2026-11-30")


def made(*reports: Any, **more: Any) -> dict[str, Any]:
    return compliance(SCOPE, reports, **{"proven": {}, "protected": [], "debts_of_all": [], "now": NOW, **more})


def test_a_quarter_until_today_is_the_default() -> None:
    scope = Scope.of("acme", "production", None, None, NOW)
    assert (scope.since, scope.until) == ("2026-08-29", "2026-11-28")
    assert Scope.of("acme", "production", None, "2026-09-30", NOW).since == "2026-07-01"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (("", "production", None, None), "customer"),
        (("acme", "", None, None), "environment"),
        (("acme", "production", "last week", None), "since"),
        (("acme", "production", "20260901", None), "since"),
        (("acme", "production", None, "2026-02-30"), "until"),
        (("acme", "production", "2026-12-01", "2026-11-01"), "since"),
    ],
)
def test_what_cannot_be_used_is_named(given: Any, field: str) -> None:
    with pytest.raises(InputError) as caught:
        Scope.of(*given, NOW)
    assert caught.value.field == field and caught.value.remedy


def test_executions_objectives_and_approvals_are_summed_up() -> None:
    late = build(make([pair("db", rto_seconds=60)], [result("db", "activate", 8)], approvals=[APPROVAL]))
    failed = build(make([pair("db", rto_seconds=6000)], [result("db", "activate", 8, "failed", why="no")], status="FAILED"))
    drill = build(make([pair("db", rto_seconds=60)], operation="test", record={"approval_mode": "automatic"}))
    report = made(late, failed, drill)
    summary = report["summary"]
    assert summary["by_operation"] == {"failover": 2, "test": 1}
    assert summary["by_status"] == {"COMPLETED": 2, "FAILED": 1}
    assert summary["objectives"]["rto"] == {"met": 0, "missed": 1, "open": 1, "unknown": 0}
    assert summary["objectives"]["rpo"] == {"met": 0, "missed": 0, "open": 1, "unknown": 1}
    assert (summary["approvals"], summary["deviations"], summary["audit_trails_verified"]) == (1, 1, 3)
    (missed,) = report["executions"][0]["missed"]
    assert (missed["resource"], missed["objective"], missed["seconds"]) == ("db", "rto", 480.0)
    assert report["executions"][1]["failures"] == [{"resource": "db", "phase": "activate", "why": "no"}]
    page = Page(compliance_page(report))
    assert [row[:4] for row in page.tables["Missed"][1:]] == [["db", "Recovery time (RTO)", "1m00s", "8m00s"]]


def test_every_protected_resource_has_the_age_of_its_last_drill() -> None:
    days = {"fresh": 0, "edge": OVERDUE_DAYS, "old": OVERDUE_DAYS + 1}
    proven = {name: at(-age * 1440) for name, age in days.items()}
    report = made(proven=proven, protected=["fresh", "edge", "old", "never"])
    assert {one["resource"]: (one["age_days"], one["overdue"]) for one in report["drills"]} == {
        "edge": (OVERDUE_DAYS, False),
        "fresh": (0, False),
        "never": (None, True),
        "old": (OVERDUE_DAYS + 1, True),
    }
    assert (report["summary"]["resources"], report["summary"]["drilled_in_time"]) == (4, 2)
    rows = {row[0]: row[1:3] for row in Page(compliance_page(report)).tables["When a drill last proved each resource"]}
    assert rows["never"] == ["never", "-"]


def test_debts_that_are_open_or_of_these_days() -> None:
    def debt(name: str, made_at: str, settled_at: str | None) -> dict[str, Any]:
        fixed = {"phase": "activate", "text": "fence it", "execution_id": "dr-1"}
        return {"resource": name, "at": made_at, "settled_at": settled_at, **fixed}

    old, inside = "2026-01-01T00:00:00Z", "2026-10-01T00:00:00Z"
    found = [debt("open", old, None), debt("settled", old, inside), debt("made", inside, inside), debt("past", old, old)]
    report = made(debts_of_all=found)
    assert [one["resource"] for one in report["debts"]] == ["open", "settled", "made"]
    assert report["summary"]["open_debts"] == 1


def test_a_scope_that_was_not_read_to_its_end_says_so() -> None:
    assert "narrow since and until" in Page(compliance_page(made(complete=False))).text
    assert "narrow since and until" not in Page(compliance_page(made())).text
