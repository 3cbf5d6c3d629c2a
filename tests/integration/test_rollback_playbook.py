# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollback and the undo window, by the playbooks: what goes back, what stays and is named before, what waits to be committed."""

from __future__ import annotations

from typing import Any

from playbook import (
    BILLING,
    BUCKET,
    DATABASE,
    EAST,
    FULL,
    NONE,
    SCOPE,
    SHOP,
    TABLE,
    WEST,
    Operator,
    database,
    estate,
    key_of,
    names,
    pointing,
    repair,
    tasks,
)

from ansible_collections.dr.aws.plugins.module_utils.store import Store

SERVE = "instantiate,activate"
FIRST = ("ledger", "orders")
BASKET, STOREFRONT = (key_of(SHOP, "shop", name) for name in ("basket", "storefront"))
PAYMENTS = key_of(BILLING, "billing", "payments")


def serving(sandbox: Any, region: str, services: tuple[str, ...]) -> bool:
    """Whether exactly these services run in a region, with all of their tasks."""
    return tasks(sandbox, region) == {name: FULL[name] if name in services else 0 for name in FULL}


def status_of(sandbox: Any, name: str) -> dict[str, Any]:
    """What status.yml prints of an execution, without a process of its own."""
    return Store(sandbox.client("dynamodb"), sandbox.client("s3"), TABLE, BUCKET).status(name)


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
    status = status_of(sandbox, name)
    assert status["status"] == "FAILED"
    assert {one["resource"] for one in status["rolled_back"]} == {BASKET, STOREFRONT, PAYMENTS}
    assert "rolled back: " in status["reason"] and BASKET in status["reason"]

    repair(sandbox, "basket")
    operator.run("failover", execution_id=name).ok()
    assert tasks(sandbox, WEST) == FULL and names(sandbox) == pointing(WEST)
    assert status_of(sandbox, name)["rolled_back"] == []

    mark = operator.mark()
    checked = operator.run("rollback", "--check", execution_id=name).ok()
    assert f"stays     {DATABASE}: " in checked.out and f"back      {BASKET}: ecs " in checked.out
    assert operator.mutations(since=mark) == []
    killed = operator.start("rollback", execution_id=name, reason="it is slow there")
    killed.until("rollback, wave 2: ")
    killed.stop()
    assert status_of(sandbox, name)["resume"] == f"ansible-playbook dr.aws.rollback -e execution_id={name}"
    back = operator.run("rollback", execution_id=name).ok()
    assert "health of what went back: HEALTHY" in back.out
    assert back.out.index(f"stays     {DATABASE}: ") < back.out.index("rollback, wave 1: ")
    assert tasks(sandbox, EAST) == FULL and tasks(sandbox, WEST) == NONE and names(sandbox) == pointing(EAST)
    assert database(sandbox, WEST) == "serves"
    status = status_of(sandbox, name)
    assert (status["status"], len(status["rolled_back"])) == ("FAILED", 8)
    assert "; health of what went back: HEALTHY; by " in status["reason"]
    assert [(one["resource"], one["phase"]) for one in status["failed_resources"]] == [(DATABASE, "rollback")]
    mark = operator.mark()
    assert operator.run("rollback", execution_id=name).ok().changed == 0
    assert operator.mutations(since=mark) == []


def test_with_all_waves_the_earlier_ones_go_back_as_well(sandbox: Any, operator: Operator) -> None:
    """What is one-way is named before the wave begins, and stays."""
    operator.load(estate(database=True, basket={"peer": {"tasks": "fail"}}))
    operator.readiness()
    stopped = operator.failover(mode="planned", phases=SERVE, on_wave_failure="rollback", rollback_scope="all")
    stopped.refused("rolled back: ", f"stays in {WEST}: {DATABASE} (")
    said = stopped.out.partition("activate, wave 2: ")[2].partition("rollback, wave 2: ")[0]
    assert f"if it fails, wave 2, 1 is rolled back; one-way, may stay in {WEST}: {DATABASE}" in said
    assert stopped.out.index("rollback, wave 2: ") < stopped.out.index("rollback, wave 1: ")
    assert (tasks(sandbox, WEST), tasks(sandbox, EAST)) == (NONE, FULL)
    assert (database(sandbox, WEST), names(sandbox)) == ("serves", pointing(EAST))


def test_what_was_activated_waits_to_be_committed(sandbox: Any, operator: Operator) -> None:
    """PAUSED before CLEANUP; no resume, and no reprotection, touches the old side until it is committed."""
    operator.load(estate())
    operator.readiness()
    paused = operator.failover(mode="planned", undo_window_minutes=600)
    name = paused.execution_id
    commit, back = (f"ansible-playbook dr.aws.{one} -e execution_id={name}" for one in ("commit", "rollback"))
    paused.refused(f"execution {name} is PAUSED before cleanup: it is uncommitted until ", commit, back)
    status = status_of(sandbox, name)
    assert (status["status"], status["resume"], status["committed"]) == ("PAUSED", commit, None)
    assert status["uncommitted_until"] > status["started_at"]
    mark = operator.mark()
    operator.run("failover", execution_id=name).refused(f"execution {name} is uncommitted until ", commit, back)
    operator.run("reprotect", **SCOPE, approval_mode="automatic").refused("the old side of ", commit, back)
    late = operator.run("rollback", execution_id=name, approval_mode="required", approval_timeout_seconds=1)
    late.refused(f"the rollback of execution {name} was not approved: rollback-0001 is timed out", back)
    assert operator.mutations(since=mark) == []
    assert status_of(sandbox, name)["status"] == "PAUSED"
    assert (tasks(sandbox, EAST), tasks(sandbox, WEST)) == (FULL, FULL)

    assert operator.run("commit", execution_id=name, reason="it works").ok().changed == 1
    operator.run("failover", execution_id=name).ok()
    assert tasks(sandbox, EAST) == NONE
    status = status_of(sandbox, name)
    assert (status["status"], status["committed"]["reason"]) == ("COMPLETED", "it works")
    operator.run("rollback", execution_id=name).refused(f"execution {name} is not rolled back any more", "has gone past it")
