# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole drills, by test.yml: production is looked at before and after, and nothing is left."""

from __future__ import annotations

from typing import Any

from playbook import BUCKET, DATABASE, EAST, SCOPE, SHOP, TABLE, TICK_SECONDS, WEST, Operator, database, estate

from ansible_collections.dr.aws.plugins.module_utils import drilled
from ansible_collections.dr.aws.plugins.module_utils.store import Store
from sandbox.listing import resources

AUTOMATIC = {**SCOPE, "approval_mode": "automatic"}
ROOM = {"kind": "drill_room", "account": SHOP, "region": WEST, "name": "drills"}


def one_database(*also: dict[str, Any]) -> dict[str, Any]:
    """The small estate's database alone, and what is asked for."""
    whole = estate(database=True)
    return {**whole, "resources": [*(one for one in whole["resources"] if one["kind"] == "rds_instance"), *also]}


def everything(sandbox: Any) -> dict[str, dict[str, str]]:
    """ARN -> tags of all that exists in the estate's accounts."""
    places = [(SHOP, region) for region in (EAST, WEST, "global")]
    return {one.arn: dict(one.tags) for place in places for one in resources(sandbox.gateway, *place)}


def copies(sandbox: Any) -> list[str]:
    found = sandbox.inside("rds", WEST, SHOP).describe_db_instances()["DBInstances"]
    return [one["DBInstanceIdentifier"] for one in found if one["DBInstanceIdentifier"].startswith("drill-")]


def test_a_drill_of_an_estate_leaves_nothing(sandbox: Any, operator: Operator) -> None:
    operator.load(one_database(ROOM))
    operator.readiness()
    before = everything(sandbox)
    checked = operator.run("dr.aws.test", "--check", **AUTOMATIC).ok()
    assert "would call rds create_db_snapshot" in checked.out
    assert operator.mutations() == []

    ran = operator.run("dr.aws.test", **AUTOMATIC).ok()
    assert everything(sandbox) == before
    assert (database(sandbox, EAST), database(sandbox, WEST)) == ("serves", "replica")
    status = operator.status(ran.execution_id)
    assert (status["status"], status["operation"], status["debts"]) == ("COMPLETED", "test", [])
    assert status["counts"] == {phase: {"done": 1} for phase in ("instantiate", "activate", "cleanup")}
    assert {row["region"] for row in operator.mutations()} == {WEST}
    store = Store(sandbox.client("dynamodb"), sandbox.client("s3"), TABLE, BUCKET)
    assert list(drilled.last(store, "acme", "production")) == [DATABASE]


def test_what_a_drill_finds_is_reported_and_its_copies_are_removed(sandbox: Any, operator: Operator) -> None:
    operator.load(one_database())
    operator.readiness()
    before = everything(sandbox)
    ran = operator.run("test", **AUTOMATIC).refused("has no drill room in us-west-2", "the drill found faults in 1 of 1 resources")
    assert everything(sandbox) == before
    status = operator.status(ran.execution_id)
    assert (status["status"], status["failed_resources_count"]) == ("FAILED", 1)
    assert status["counts"]["cleanup"] == {"done": 1}

    assert status["resume"] is None
    sandbox.seed(**ROOM)
    furnished = everything(sandbox)
    operator.run("test", execution_id=ran.execution_id).refused("nothing of it is left to resume", "for a new drill")
    operator.run("test", **AUTOMATIC).ok()
    assert everything(sandbox) == furnished


def test_a_drill_that_was_killed_is_cleaned_up(sandbox: Any, operator: Operator) -> None:
    operator.load(one_database(ROOM))
    operator.readiness()
    before = everything(sandbox)
    started = operator.start("test", **AUTOMATIC)
    name = started.until(r"execution (dr-\S+) started")[1]
    started.until(r"done +rds-")
    started.stop()
    assert copies(sandbox)
    operator.run("failover", execution_id=name).refused("is a test, not a failover", f"dr.aws.test -e execution_id={name}")
    sandbox.fault(match={"operation": "DeleteDBInstance"}, effect="error", code="AccessDenied", message="no", status=403)
    left = operator.run("test", execution_id=name, cleanup=True)
    left.refused(f"failed {DATABASE} (cleanup): delete_db_instance: AccessDenied", "the drill found faults in 1 of 1 resources")
    assert copies(sandbox)
    sandbox.clear_faults()
    assert name in operator.run("test", **SCOPE, cleanup=True).ok().out, "found without its id"
    assert copies(sandbox) == []
    assert everything(sandbox) == before
    status = operator.status(name)
    assert status["counts"]["cleanup"] == {"done": 1}


def test_a_drill_that_died_before_its_end_was_recorded_is_ended_by_the_next_run(sandbox: Any, operator: Operator) -> None:
    """Its copies are gone, and what it has proven counts."""
    operator.load(one_database(ROOM))
    operator.readiness()
    before = everything(sandbox)
    started = operator.start("test", **AUTOMATIC)
    ended = {"operation": "TransactWriteItems", "params": '*"S": "COMPLETED"*'}
    sandbox.fault(match=ended, effect="kill", group=True, seconds=30, pid=started.pid, kth=1)
    assert started.end().rc < 0
    sandbox.clear_faults()
    assert everything(sandbox) == before
    store = Store(sandbox.client("dynamodb"), sandbox.client("s3"), TABLE, BUCKET)
    (dead,) = store.executions(customer="acme", environment="production")
    name, calls = dead["execution_id"], operator.mutations()
    assert (dead["status"], store.status(name)["resume"]) == ("RUNNING", f"ansible-playbook dr.aws.test -e execution_id={name}")
    operator.run("test", execution_id=name).ok()
    assert (store.get_execution(name)["status"], operator.mutations()) == ("COMPLETED", calls)
    assert list(drilled.last(store, "acme", "production")) == [DATABASE]


def test_a_cancelled_drill_is_cleaned_up_and_stays_cancelled(sandbox: Any, operator: Operator) -> None:
    operator.load(one_database(ROOM))
    operator.readiness()
    before = everything(sandbox)
    sandbox.clock.tick = 0
    started = operator.start("test", **AUTOMATIC)
    name = started.until(r"execution (dr-\S+) started")[1]
    started.until("^instantiate, wave 1:")
    operator.run("cancel", execution_id=name).ok()
    sandbox.clock.tick = TICK_SECONDS
    clean = f"ansible-playbook dr.aws.test -e execution_id={name} -e cleanup=true"
    started.end().refused(f"execution {name} is CANCELLED before activate, wave 1", clean)
    assert copies(sandbox)
    assert operator.status(name)["resume"] == clean
    operator.run("test", execution_id=name).refused(f"execution {name} is CANCELLED and cannot be resumed", clean)
    operator.run("test", execution_id=name, cleanup=True).ok()
    assert everything(sandbox) == before
    status = operator.status(name)
    assert (status["status"], status["resume"], status["counts"]["cleanup"]) == ("CANCELLED", None, {"done": 1})
    operator.run("test", **AUTOMATIC).ok()  # the lock is free


def test_drills_that_are_refused(sandbox: Any, operator: Operator) -> None:
    operator.load(one_database(ROOM))
    operator.run("control_plane", **SCOPE).ok()
    operator.run("test", **AUTOMATIC, cleanup=True).refused("no drill of acme/production has left anything")
    operator.run("test", **AUTOMATIC, phases="replicate").refused("allowed: instantiate, activate, cleanup")
    back = {**AUTOMATIC, "primary_region": WEST, "dr_region": EAST}
    operator.run("test", **back).refused("serves in us-east-1: no drill there", f"-e primary_region={EAST} -e dr_region={WEST}")
    assert operator.mutations() == []
