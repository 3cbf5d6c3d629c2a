# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run goes on without and what it never does (Appendix I), and that one ID leads through all of its calls."""

from __future__ import annotations

import json
from typing import Any

from playbook import BUCKET, CONTROL, SCOPE, TABLE, TOPIC, Operator, estate, executions

from ansible_collections.dr.aws.plugins.module_utils import evidence
from ansible_collections.dr.aws.plugins.module_utils.store import Store

AUDIT = f"{BUCKET}-audit"


def loaded(operator: Operator) -> None:
    """One service, and the control plane."""
    whole = estate()
    operator.load({**whole, "resources": [one for one in whole["resources"] if one["name"] == "ledger"]})
    operator.run("control_plane", **SCOPE).ok()


def traced(rows: list[dict[str, Any]], name: str) -> None:
    """Every call of a run says whose it is: the estate's in the session's name, all of them in the user agent."""
    began = next(place for place, row in enumerate(rows) if name in json.dumps(row["params"], default=str))
    assert [row for row in rows if "dr.aws/" not in row["user_agent"]] == []
    changed = [row for row in rows if row["mutating"] and row["service"] not in CONTROL]
    assert changed
    assert {(row["session"], f"dr.aws/{name}" in row["user_agent"]) for row in changed} == {(name, True)}
    told = [row for row in rows[began:] if row["service"] == "sns" and row["operation"] == "Publish"]
    assert told
    assert [row for row in told if name not in row["params"]["Message"] or row["params"]["TopicArn"] != TOPIC] == []


def test_notifications_metrics_and_evidence_go_dark_one_after_another(sandbox: Any, operator: Operator) -> None:
    """The estate moves all the same, each loss is in the record, and the evidence is caught up later."""
    loaded(operator)
    begin = operator.mark()
    started = operator.start("failover", **SCOPE, mode="planned", approval_mode="automatic")
    started.until(r"execution dr-\S+ started")
    sandbox.fault(match={"service": "sns"}, effect="reset")
    started.until("instantiate")
    sandbox.fault(match={"service": "cloudwatch"}, effect="reset")
    started.until("activate")
    sandbox.fault(match={"service": "s3", "params": f"*{AUDIT}*"}, effect="reset")
    ran = started.end().ok()
    name = ran.execution_id
    traced(sandbox.calls(since=begin), name)
    assert f"are in DynamoDB, but not yet in s3://{AUDIT}" in ran.out

    sandbox.clear_faults()
    store = Store(sandbox.client("dynamodb"), sandbox.client("s3"), TABLE, BUCKET)
    assert store.get_execution(name)["status"] == "COMPLETED"
    entries = store.audit(name)
    assert {"metrics_failed", "evidence_failed", "execution_completed"} <= {one["event_type"] for one in entries}
    assert [one["detail"]["delivered"] for one in entries if one["event_type"] == "notified"][-1] is False
    assert any("DynamoDB only" in one for one in evidence.verify(store, name))
    assert evidence.secure(store, name) == ""
    assert evidence.verify(store, name) == [], "nothing of the trail is lost"


def test_without_state_and_audit_nothing_is_done(sandbox: Any, operator: Operator) -> None:
    loaded(operator)
    begin = operator.mark()
    sandbox.fault(match={"service": "dynamodb"}, effect="reset")
    operator.failover().refused("control plane: ConnectionClosedError")
    assert operator.mutations(begin) == []
    sandbox.clear_faults()
    assert executions(operator.run("status", **{name: SCOPE[name] for name in ("customer", "environment")}).ok()) == []
