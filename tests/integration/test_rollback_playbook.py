# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollback and the undo window, by the playbooks: what goes back, what stays and is named before, what waits to be committed."""

from __future__ import annotations

from typing import Any

from playbook import (
    BILLING,
    DATABASE,
    EAST,
    FULL,
    NONE,
    SHOP,
    WEST,
    Operator,
    database,
    estate,
    key_of,
    names,
    pointing,
    tasks,
)

SERVE = "instantiate,activate"
FIRST = ("ledger", "orders")
BASKET, STOREFRONT = (key_of(SHOP, "shop", name) for name in ("basket", "storefront"))
PAYMENTS = key_of(BILLING, "billing", "payments")


def serving(sandbox: Any, region: str, services: tuple[str, ...]) -> bool:
    """Whether exactly these services run in a region, with all of their tasks."""
    return tasks(sandbox, region) == {name: FULL[name] if name in services else 0 for name in FULL}


def repair(sandbox: Any) -> None:
    """Tasks of the basket start again."""
    client = sandbox.inside("ecs", WEST, SHOP)
    (service,) = client.describe_services(cluster="shop", services=["basket"])["services"]
    client.untag_resource(resourceArn=service["serviceArn"], tagKeys=["sim:tasks"])


def test_a_wave_that_fails_goes_back_and_is_activated_again(sandbox: Any, operator: Operator) -> None:
    """Wave 2 back, wave 1 untouched; a resume activates it again; then a person takes back all, but for what is one-way."""
    operator.load(estate(database=True, basket={"peer": {"tasks": "fail"}}))
    operator.readiness()
    stopped = operator.failover(mode="planned", phases=SERVE, on_wave_failure="rollback")
    name = stopped.execution_id
    stopped.refused("1 of 3 resources stop the run", "rolled back: ", f"execution {name} is FAILED")
    before, _sign, _after = stopped.out.partition("activate, wave 1: ")
    assert f"if it fails, wave 1 is rolled back; one-way, may stay in {WEST}: {DATABASE}" in before, "the plan says it"
    assert "if it fails, wave 2 is rolled back; none of it is one-way" in stopped.out.partition("activate, wave 2: ")[2]
    assert serving(sandbox, WEST, FIRST) and tasks(sandbox, EAST) == FULL
    assert (database(sandbox, WEST), names(sandbox)) == ("serves", pointing(EAST))
    status = operator.status(name)
    assert status["status"] == "FAILED"
    assert {one["resource"] for one in status["rolled_back"]} == {BASKET, STOREFRONT, PAYMENTS}
    assert "rolled back: " in status["reason"] and BASKET in status["reason"]

    repair(sandbox)
    operator.run("failover", execution_id=name).ok()
    assert tasks(sandbox, WEST) == FULL and names(sandbox) == pointing(WEST)
    assert operator.status(name)["rolled_back"] == []

    mark = operator.mark()
    checked = operator.run("rollback", "--check", execution_id=name).ok()
    assert f"stays     {DATABASE}: " in checked.out and f"back      {BASKET}: ecs " in checked.out
    assert operator.mutations(since=mark) == []
    back = operator.run("rollback", execution_id=name, reason="it is slow there").ok()
    assert back.out.index(f"stays     {DATABASE}: ") < back.out.index("rollback, wave 3: ")
    assert tasks(sandbox, EAST) == FULL and tasks(sandbox, WEST) == NONE and names(sandbox) == pointing(EAST)
    assert database(sandbox, WEST) == "serves"
    status = operator.status(name)
    assert (status["status"], len(status["rolled_back"])) == ("FAILED", 8)
    assert [(one["resource"], one["phase"]) for one in status["failed_resources"]] == [(DATABASE, "rollback")]
    mark = operator.mark()
    assert operator.run("rollback", execution_id=name).ok().changed == 0
    assert operator.mutations(since=mark) == []
