# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hooks around waves, and business checks before DNS moves, by the playbooks."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml
from playbook import BILLING, DATABASE, EAST, MANAGEMENT, SCOPE, SHOP, WEST, Operator, estate, names, value_of

ASKED = {**SCOPE, "mode": "unplanned", "approval_mode": "automatic", "phases": "activate"}
RECORD = "www.shop.acme.example"
SERVING = {"ledger": 2, "basket": 2}
#: Passes once the file that it is told of is there, and says what it was told.
ORDER = """
import json, os, pathlib, sys
told = json.load(sys.stdin)
assert told["idempotency_key"] == os.environ["DR_IDEMPOTENCY_KEY"]
print("order", os.environ["DR_PHASE"], os.environ["DR_WAVE"], os.environ["DR_DRILL"], "password=hunter2", *sorted(told["outputs"]))
sys.exit(0 if pathlib.Path(sys.argv[1]).exists() else 3)
"""


def small() -> dict[str, Any]:
    """A service in wave 1; in wave 2 another, and the record that leads to it."""
    whole = estate()
    chosen = [one for one in whole["resources"] if one["name"] in ("ledger", "basket", RECORD)]
    for one in chosen:
        one["tags"]["dr:wave"] = "1" if one["name"] == "ledger" else "2"
    return {**whole, "resources": chosen}


def serving(sandbox: Any) -> dict[str, int]:
    """Service -> tasks that run in the target."""
    found = {}
    for account, cluster, name in ((BILLING, "billing", "ledger"), (SHOP, "shop", "basket")):
        (service,) = sandbox.inside("ecs", WEST, account).describe_services(cluster=cluster, services=[name])["services"]
        found[name] = service["runningCount"]
    return found


def written(home: Path, name: str, content: list[dict[str, Any]]) -> str:
    """A file of tasks."""
    file = home / name
    file.write_text(yaml.safe_dump(content))
    return str(file)


def marking(home: Path) -> str:
    """Tasks that add a line to a file: what they were told."""
    line = "{{ dr_context.when }} {{ dr_context.phase }} {{ dr_context.wave }} {{ dr_context.target_region }}"
    words = ["sh", "-c", f'echo "$0" >> {home}/marks', line]
    tell = {"ansible.builtin.set_fact": {"dr_output": "marked {{ dr_context.resources | length }}"}, "name": "Tell"}
    return written(home, "mark.yml", [{"name": "Mark", "ansible.builtin.command": {"argv": words}}, tell])


def ended(status: dict[str, Any], event: str) -> list[tuple[str, str]]:
    """(name, state) of what has ended, of the timeline."""
    return [(one["detail"]["name"], one["detail"]["state"]) for one in status["timeline"] if one["event"] == f"{event}_ended"]


def test_hooks_run_once_and_dns_stays_until_business_is_proven(sandbox: Any, operator: Operator) -> None:
    """A tasks hook, a Lambda hook and a runbook; the proof fails, DNS stays; resumed, it passes, and DNS moves."""
    operator.load(small())
    operator.readiness()
    (operator.home / "order.py").write_text(ORDER)
    open_shop = operator.home / "open"
    sandbox.seed(
        kind="lambda_function",
        account=SHOP,
        region=WEST,
        name="announce",
        answers=[{"error": "no channel"}, {"payload": {"said": "hello"}}],
    )
    sandbox.seed(kind="runbook", account=MANAGEMENT, region=WEST, name="Drain", parameters=["Context"])
    hooks = [
        {"name": "mark", "when": "before_wave", "phase": "activate", "wave": 2, "tasks": marking(operator.home)},
        {
            "name": "announce",
            "when": "before_phase",
            "phase": "activate",
            "lambda": {"function": "announce", "account": SHOP},
            "retries": 1,
        },
        {"name": "drain", "when": "after_wave", "phase": "activate", "ssm": {"document": "Drain", "context_parameter": "Context"}},
        {"name": "bill", "when": "after_phase", "phase": "activate", "command": ["false"], "on_failure": "warn"},
    ]
    check = {"name": "order", "command": [sys.executable, str(operator.home / "order.py"), str(open_shop)]}
    asked = {**ASKED, "hooks": hooks, "business_checks": [check]}
    before = operator.mark()
    foretold = operator.run("failover", "--check", **asked).ok()
    assert "would carry out hook announce (lambda)" in foretold.out
    assert "would carry out business check order (command)" in foretold.out
    assert operator.mutations(before) == []
    assert not (operator.home / "marks").exists()

    failed = operator.run("failover", **asked)
    failed.refused("business check order failed, DNS has not moved: it exits with 3", "business_check_override_reason")
    name = failed.execution_id
    assert serving(sandbox) == SERVING
    assert names(sandbox) == {RECORD: value_of(RECORD, EAST)}
    status = operator.status(name)
    assert status["status"] == "FAILED"
    assert ended(status, "hook") == [("announce", "done"), ("drain", "done"), ("mark", "done")]
    assert ended(status, "business_check") == [("order", "failed")]
    (proof,) = (one["detail"] for one in status["timeline"] if one["event"] == "business_check_ended")
    assert proof["output"].startswith("order activate 2 false password=******** ecs-")
    assert (operator.home / "marks").read_text() == f"before_wave activate 2 {WEST}\n"
    invoked = sandbox.calls(service="lambda", operation="Invoke")
    assert {call["region"] for call in invoked} == {WEST}
    (started, *_more) = sandbox.calls(service="ssm", operation="StartAutomationExecution")
    told = json.loads(started["params"]["Parameters"]["Context"][0])
    assert (told["idempotency_key"], told["target_region"]) == (f"{name}/hook/drain/activate-wave-01", WEST)

    open_shop.touch()
    resumed = operator.run("failover", execution_id=name).ok()
    assert names(sandbox) == {RECORD: value_of(RECORD, WEST)}
    assert "hook announce was carried out before" in resumed.out
    assert len(sandbox.calls(service="lambda", operation="Invoke")) == len(invoked)
    assert (operator.home / "marks").read_text().count("\n") == 1
    status = operator.status(name)
    assert status["status"] == "COMPLETED"
    assert ended(status, "hook")[3:] == [("drain", "done"), ("bill", "failed")]
    assert ended(status, "business_check") == [("order", "failed"), ("order", "done")]


def test_a_check_that_fails_in_a_drill_is_a_finding(sandbox: Any, operator: Operator) -> None:
    """The drill goes on and removes its copy; a URL, which is production's, is not asked."""
    whole = estate(database=True)
    room = {"kind": "drill_room", "account": SHOP, "region": WEST, "name": "drills"}
    operator.load({**whole, "resources": [room, *(one for one in whole["resources"] if one["kind"] == "rds_instance")]})
    operator.readiness()
    (operator.home / "order.py").write_text(ORDER)
    order = {"name": "order", "command": [sys.executable, str(operator.home / "order.py"), "/nowhere/at/all"]}
    page = {"name": "page", "url": "http://127.0.0.1:1/health"}
    ran = operator.run("test", **SCOPE, approval_mode="automatic", business_checks=[order, page])
    said = "! business check page is not carried out: it is for failover, failback, reprotect only"
    ran.refused(said, "business-check/order/activate-wave-01 failed")
    status = operator.status(ran.execution_id)
    assert (status["status"], status["counts"]["cleanup"], status["failed_resources"]) == ("FAILED", {"done": 1}, [])
    (proof,) = (one["detail"] for one in status["timeline"] if one["event"] == "business_check_ended")
    assert (proof["state"], proof["output"]) == ("failed", f"order activate 1 true password=******** {DATABASE}\n")


def test_a_person_lets_dns_move_although_a_check_failed(sandbox: Any, operator: Operator) -> None:
    whole = small()
    operator.load({**whole, "resources": [one for one in whole["resources"] if one["name"] == RECORD]})
    operator.run("control_plane").ok()
    why = "orders are taken by telephone"
    check = {"name": "order", "command": ["false"]}
    ran = operator.run("failover", **ASKED, business_checks=[check], business_check_override_reason=why).ok()
    assert names(sandbox) == {RECORD: value_of(RECORD, WEST)}
    (proof,) = (one["detail"] for one in operator.status(ran.execution_id)["timeline"] if one["event"] == "business_check_ended")
    assert (proof["state"], proof["override_reason"], proof["why"]) == ("overridden", why, "it exits with 1")
