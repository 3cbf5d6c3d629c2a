# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attempts to get something carried out, approved or believed that nobody may: docs/security.md names the test of each threat."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path
from typing import Any

import pytest
from pages import Page
from playbook import BUCKET, SHOP, TABLE, WEST, Operator, estate, key_of

from ansible_collections.dr.aws.plugins.module_utils import evidence
from ansible_collections.dr.aws.plugins.module_utils.approvals import ApprovalRefusedError, Approvals, Request
from ansible_collections.dr.aws.plugins.module_utils.control_plane import Names, ensure
from ansible_collections.dr.aws.plugins.module_utils.store import Store

PLAN = "ab" * 32


def attempts(canary: Path) -> str:
    """Text that does something where it is templated, given to a shell, put into a page, or opened in a spreadsheet."""
    template = "{{ lookup('ansible.builtin.pipe', 'touch " + str(canary) + "') }}"
    shell = f"$(touch {canary}) `touch {canary}` ; touch {canary} #"
    return f'=HYPERLINK("http://evil.example") {template} {shell} <script>alert(1)</script><img src=x onerror=alert(1)>'


def test_text_of_aws_is_never_carried_out(sandbox: Any, operator: Operator) -> None:
    """In tags and in an error's message: on the screen, in the notifications, the status and every format of the report."""
    canary = operator.home / "carried-out"
    text = attempts(canary)
    tags = {
        "dr:impact": "optional",
        "Name": text[:256],
        "note": "=1+1",
        "dr:health-check-url": f"http://127.0.0.1:1/$(touch {canary})",
    }
    whole = estate(basket={"tags": tags})
    operator.load({**whole, "resources": [one for one in whole["resources"] if one["name"] in ("ledger", "basket")]})
    operator.readiness()
    refusal = {"code": "InvalidParameterException", "message": text, "status": 400}
    broken = {"service": "ecs", "operation": "UpdateService", "account": SHOP, "region": WEST}
    sandbox.fault(match=broken, effect="error", **refusal)
    name = operator.failover(mode="planned", phases="activate").execution_id
    sandbox.clear_faults()
    folder = operator.home / "reports"
    operator.run("report", execution_id=name, report_dir=str(folder)).ok()
    failed = operator.status(name)

    key = key_of(SHOP, "shop", "basket")
    assert "<script>" in str(failed), "the message is told, as text"
    page = Page(next(folder.glob("*.html")).read_text())
    assert page.tags.isdisjoint({"script", "img", "iframe", "link"})
    assert "<script>alert(1)</script>" in page.text
    with next(folder.glob("*.csv")).open(newline="") as file:
        rows = list(csv.DictReader(file))
    (cells,) = [row for row in rows if row["resource"] == key and row["status"] == "failed"]
    assert "=HYPERLINK" in cells["why"]
    assert [cell for row in rows for cell in row.values() if cell.lstrip(" ").startswith(("=", "+", "@", "\t", "\r"))] == []
    assert not canary.exists()


@pytest.fixture
def store(sandbox: Any) -> Store:
    clients = [sandbox.client(service, WEST) for service in ("dynamodb", "s3", "sns")]
    ensure(*clients, Names(TABLE, BUCKET, "dr-events"), WEST, sleep=sandbox.advance)
    return Store(*clients[:2], TABLE, BUCKET, sandbox.time, sandbox.advance)


def asked(store: Store) -> tuple[str, Approvals, Request]:
    """An execution that waits for an approval."""
    record = {"customer": "acme", "environment": "production", "operation": "failover", "plan_sha256": PLAN, "created_by": "ann"}
    name = str(store.create_execution(record)["execution_id"])
    approvals = Approvals(store)
    return name, approvals, approvals.request(name, "activate-wave-01", PLAN, requester="ann")


def test_what_the_table_holds_of_a_token_is_no_token(store: Store) -> None:
    """Whoever may read the table, or the evidence, cannot approve with what stands there."""
    name, approvals, request = asked(store)
    (item,) = approvals.of(name)
    digest = hashlib.sha256(request.token.encode()).hexdigest()
    assert item["token_sha256"] == digest
    for forged in (digest, digest.upper(), request.token[:-1], request.token + "\n", f" {request.token}", request.token.swapcase()):
        with pytest.raises(ApprovalRefusedError, match="is not one of execution"):
            approvals.decide(name, forged, "approve", "mallory")
    assert approvals.state(request)["state"] == "pending"


def test_a_token_that_was_used_or_followed_by_another_is_worth_nothing(store: Store) -> None:
    name, approvals, first = asked(store)
    second = approvals.request(name, "activate-wave-01", PLAN, requester="ann")
    with pytest.raises(ApprovalRefusedError, match="already"):
        approvals.decide(name, first.token, "approve", "bob")
    assert approvals.state(second)["state"] == "pending", "an old token decides nothing new"
    approvals.decide(name, second.token, "reject", "bob")
    with pytest.raises(ApprovalRefusedError, match="is rejected already by bob"):
        approvals.decide(name, second.token, "approve", "mallory")
    assert approvals.state(second)["state"] == "rejected"
    third = approvals.request(name, "activate-wave-02", PLAN, requester="ann")
    with pytest.raises(ApprovalRefusedError, match="already"):
        approvals.decide(name, second.token, "approve", "mallory")
    assert approvals.state(third)["state"] == "pending", "nor the next gate"


def test_an_approval_that_was_written_into_the_table_is_found(store: Store) -> None:
    """One that people gave, two of them, is not taken for it."""
    name, approvals, first = asked(store)
    second = approvals.request(name, "activate-wave-02", PLAN, requester="ann", needed=2)
    for who in ("bob", "eve"):
        approvals.decide(name, second.token, "approve", who)
    assert [one for one in evidence.verify(store, name) if "approval" in one] == []
    forged = {"state": "approved", "approver": "bob", "approvals": [{"approver": "bob", "at": first.timeout_at, "comment": ""}]}
    store.table.update(f"EXEC#{name}", f"APPR#{first.gate}#{first.number:04d}", forged)
    assert approvals.state(first)["state"] == "approved"
    assert "DynamoDB: the approval of activate-wave-01 by bob has no entry in the trail" in evidence.verify(store, name)
