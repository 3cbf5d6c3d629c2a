# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hook recovers servers by the DRS tool: its status is seen as it goes, and its failure is told."""

from __future__ import annotations

from typing import Any

from playbook import SCOPE, SHOP, WEST, Operator, estate, names, pointing

TOOL = "drs-execution-handler"
HOOK = {
    "name": "servers",
    "when": "before_wave",
    "phase": "activate",
    "wave": 2,
    "drs_tool": {"function": TOOL, "plan_id": "plan-7", "account": SHOP},
}
ASKED: dict[str, Any] = {**SCOPE, "mode": "unplanned", "approval_mode": "automatic", "phases": "activate", "hooks": [HOOK]}


def test_a_plan_of_the_tool_is_part_of_a_failover(sandbox: Any, operator: Operator) -> None:
    operator.load(estate())
    operator.run("control_plane").ok()
    running = {"status": "POLLING", "currentWave": 1, "totalWaves": 1, "waves": [{"servers": [{"status": "LAUNCHING"}]}]}
    answers = [
        {"error": "the first one is cold"},
        *({"payload": one} for one in ({"executions": []}, {"executionId": "exec-1", "status": "PENDING"})),
        *({"payload": one} for one in (running, {"status": "FAILED", "errorMessage": "s-1 did not launch"})),
        *({"payload": one} for one in ({"executions": []}, {"executionId": "exec-2", "status": "PENDING"})),
        *({"payload": one} for one in (running, {"status": "COMPLETED"})),
    ]
    sandbox.seed(kind="lambda_function", account=SHOP, region=WEST, name=TOOL, answers=answers)

    failed = operator.run("failover", **ASKED).refused("hook servers failed: exec-1 is FAILED: s-1 did not launch")
    name = failed.execution_id
    assert operator.status(name)["status"] == "FAILED"
    operator.run("failover", execution_id=name).ok()
    assert names(sandbox) == pointing(WEST)

    correlation = f"{name}/hook/servers/activate-wave-02"
    timeline = operator.status(name)["timeline"]
    assert [one["detail"]["idempotency_key"] for one in timeline if one["event"] == "hook_started"] == [correlation] * 2
    assert len(sandbox.calls(service="lambda", operation="Invoke")) == 9
    assert [one["detail"]["said"] for one in timeline if one["event"] == "hook_progress"] == [
        "DRS tool: execution exec-1 is POLLING, wave 1 of 1, 1 LAUNCHING",
        "DRS tool: execution exec-1 is FAILED",
        "DRS tool: execution exec-2 is POLLING, wave 1 of 1, 1 LAUNCHING",
        "DRS tool: execution exec-2 is COMPLETED",
    ]
    assert [one["detail"]["state"] for one in timeline if one["event"] == "hook_ended"] == ["failed", "done"]
