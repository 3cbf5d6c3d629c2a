# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person decides at an approval node of AWX is recorded in that person's name, for the gate and the plan that were shown."""

from __future__ import annotations

from typing import Any

from awx import Awx, serving
from playbook import MANAGEMENT, SCOPE, Operator, estate

APPROVER = f"arn:aws:iam::{MANAGEMENT}:role/dr-approver"
WORKFLOW, NODE = 7, "activate-approve-1"


def decided(awx: Awx, status: str, user: str) -> None:
    """An approval node that has ended."""
    who = {"approved_or_denied_by": {"username": user}} if user else {}
    approval = awx.add("workflow_approvals", status=status, timed_out=not user, summary_fields=who)
    awx.add("workflow_job_nodes", workflow_job=WORKFLOW, identifier=NODE, job=approval["id"])


def test_an_approval_in_awx_is_recorded_in_the_name_of_the_person(sandbox: Any, operator: Operator) -> None:
    small = estate()
    small["accounts"][0]["roles"] = [{"name": "dr-approver"}]
    small["resources"] = [one for one in small["resources"] if one["name"] == "ledger"]
    operator.load(small)
    operator.readiness()
    started = operator.start("failover", **SCOPE, mode="planned", phases="activate")
    name = started.until(r"execution (dr-\S+) started")[1]
    started.until("approval needed before activate of wave 1")

    shown = operator.run("gate", "-v", customer="acme", environment="production", gate_poll_seconds=0).ok()
    (asked,) = [one for one in operator.status(name)["approvals"] if one["state"] == "pending"]
    assert asked["gate"] in shown.out and asked["plan_sha256"] in shown.out

    awx = Awx()
    given = {"execution_id": name, "gate": asked["gate"], "approval_node": NODE, "approver_role_arn": APPROVER}
    with serving(awx) as address:
        operator.env.update(CONTROLLER_HOST=address, CONTROLLER_OAUTH_TOKEN="token")
        decided(awx, "failed", "")
        nobody = operator.run("awx_decision", **given, plan_sha256=asked["plan_sha256"], awx_workflow_job_id=WORKFLOW)
        assert nobody.rc != 0 and "decided by nobody" in nobody.out
        awx.objects.clear()
        decided(awx, "successful", "jane doe")
        other = operator.run("awx_decision", **given, plan_sha256="0" * 64, awx_workflow_job_id=WORKFLOW)
        assert other.rc != 0 and "not for plan" in other.out
        operator.run("awx_decision", **given, plan_sha256=asked["plan_sha256"], awx_workflow_job_id=WORKFLOW).ok()

    ended = started.end().ok()
    person = f"arn:aws:sts::{MANAGEMENT}:assumed-role/dr-approver/jane-doe"
    assert f"approved by {person}" in ended.out
    (approval,) = operator.status(name)["approvals"]
    assert (approval["state"], approval["approver"]) == ("approved", person)
    assert "AWX user jane doe" in approval["approvals"][0]["comment"]
