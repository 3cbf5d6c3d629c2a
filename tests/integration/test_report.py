# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of a real drill and a real failover, by playbook: stored at their end, written again by report.yml, read back."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from pages import Page
from playbook import BUCKET, DATABASE, EAST, SCOPE, SHOP, TABLE, WEST, Operator, estate

from ansible_collections.dr.aws.plugins.module_utils.report.compliance import Scope, read_scope
from ansible_collections.dr.aws.plugins.module_utils.report.facts import build
from ansible_collections.dr.aws.plugins.module_utils.report.html import execution_page
from ansible_collections.dr.aws.plugins.module_utils.report.html_compliance import compliance_page
from ansible_collections.dr.aws.plugins.module_utils.report.reading import read
from ansible_collections.dr.aws.plugins.module_utils.store import Store

AUTOMATIC = {**SCOPE, "approval_mode": "automatic"}
#: What people and AWS may write anywhere.
EVIL = "<script>alert(1)</script>{{ 7 * 7 }}"


def world() -> dict[str, Any]:
    """The small estate's database and one of its services, with a room for drills."""
    whole = estate(database=True)
    chosen = [one for one in whole["resources"] if one["name"] in ("orders-db", "orders")]
    return {**whole, "resources": [*chosen, {"kind": "drill_room", "account": SHOP, "region": WEST, "name": "drills"}]}


def store_of(sandbox: Any) -> Store:
    return Store(sandbox.client("dynamodb"), sandbox.client("s3"), TABLE, BUCKET)


def stored(sandbox: Any, name: str) -> dict[str, bytes]:
    """Suffix -> bytes of an execution's stored report."""
    keys = store_of(sandbox).list_objects(f"reports/{name}/")
    found = {key.partition(".")[2]: sandbox.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}
    assert len(found) == len(keys), keys
    return found


def test_a_drill_and_a_failover_are_reported(sandbox: Any, operator: Operator, tmp_path: Path) -> None:
    operator.load(world())
    operator.readiness()

    drill = operator.run("test", **AUTOMATIC)
    assert f"report: s3://{BUCKET}/reports/{drill.execution_id}/" in drill.out
    of_drill = json.loads(stored(sandbox, drill.execution_id)["json"])
    (copied,) = [one for one in of_drill["resources"] if one["resource"] == DATABASE]
    assert copied["copy"]["proven"] and copied["copy"]["removed"] and copied["copy"]["copy"]
    assert of_drill["clocks"] is None and of_drill["objectives"] is None

    sandbox.dark(EAST)
    failover = operator.failover(detected_at="2026-01-01T00:00:00Z").ok()
    kept = stored(sandbox, failover.execution_id)
    report = json.loads(kept["json"])
    assert report["audit"]["verified"] and report["plan"]["verified"]
    assert {one["phase"] for one in report["deferred"]} == {"cleanup", "replicate"}
    assert {one["resource"]: one["rto"]["state"] for one in report["resources"]} == {
        DATABASE: "none",
        f"ecs-{SHOP}-shop-orders": "met",
    }
    assert [one["text"] for one in report["debts"]]
    assert all(report["clocks"][name] is not None for name in report["clocks"])
    assert Page(kept["html"].decode()).title == "Failover of acme/production: COMPLETED"

    store = store_of(sandbox)
    store.note(failover.execution_id, "execution_resumed", actor=EVIL, before=EVIL)
    folder = tmp_path / "reports"
    operator.run("report", execution_id=failover.execution_id, report_dir=str(folder)).ok()
    files = {path.name.partition(".")[2]: path for path in folder.iterdir()}
    assert sorted(files) == ["csv", "html", "json", "junit.xml"]
    again = json.loads(files["json"].read_text())
    assert again["resources"] == report["resources"]
    assert again["audit"]["entries"][-1]["actor"] == EVIL
    assert f"reports/{failover.execution_id}/" in json.dumps(again["evidence"]["objects"])
    page = Page(files["html"].read_text())
    assert page.tags.isdisjoint({"script", "img", "link", "iframe"})
    assert EVIL in page.text
    suites = ElementTree.parse(files["junit.xml"]).getroot()
    assert suites.get("tests") == str(sum(len(one["phases"]) for one in again["resources"]))

    scope = Scope.of("acme", "production", None, None, store.clock())
    quarter = read_scope(store, scope)
    assert {one["execution_id"] for one in quarter["executions"]} == {drill.execution_id, failover.execution_id}
    assert {one["resource"]: one["overdue"] for one in quarter["drills"]}[DATABASE] is False
    assert EVIL in Page(compliance_page(quarter)).text
    assert re.search(r"Open fence debts\s*\d", Page(compliance_page(quarter)).text)

    days = {"since": scope.since, "until": scope.until, "report_dir": str(folder)}
    operator.run("report", customer="acme", environment="production", **days).ok()
    assert json.loads((folder / f"compliance-acme-production-{scope.since}-{scope.until}.json").read_text())["executions"]
    stranger = operator.run("report", customer="acme", environment="development", **days)
    stranger.refused(
        "customer/environment='acme/development' cannot be used; allowed: one that has an execution or a readiness snapshot"
    )


def test_a_report_that_cannot_be_stored_changes_nothing_about_the_execution(sandbox: Any, operator: Operator) -> None:
    whole = estate()
    operator.load({**whole, "resources": [one for one in whole["resources"] if one["name"] == "ledger"]})
    operator.run("control_plane", **SCOPE).ok()
    started = operator.start("failover", **{**AUTOMATIC, "mode": "planned"})
    name = started.until(r"execution (dr-\S+) started")[1]
    sandbox.fault(match={"service": "s3", "operation": "PutObject"}, effect="error", code="AccessDenied", status=403)
    ran = started.end().ok()
    assert "! no report was stored" in ran.out
    assert operator.status(name)["status"] == "COMPLETED"


def test_what_paused_is_reported_and_a_plan_that_was_changed_is_said(sandbox: Any, operator: Operator) -> None:
    whole = estate()
    operator.load({**whole, "resources": [one for one in whole["resources"] if one["name"] == "ledger"]})
    operator.run("control_plane", **SCOPE).ok()
    ran = operator.failover(mode="planned", approval_mode="required", approval_timeout_seconds=1)
    paused = json.loads(stored(sandbox, ran.execution_id)["json"])
    assert (paused["execution"]["status"], paused["approvals"][0]["state"]) == ("PAUSED", "timed_out")
    assert paused["resources"][0]["status"] == "not_reached"
    assert paused["audit"]["verified"] and paused["plan"]["verified"]
    store = store_of(sandbox)
    store.put_object(f"plans/{ran.execution_id}.json", b"{}")
    report = build(read(store, ran.execution_id))
    assert not report["plan"]["verified"]
    assert "sha256 differs" in report["plan"]["problem"]
    assert "NOT VERIFIED" in Page(execution_page(report)).text
