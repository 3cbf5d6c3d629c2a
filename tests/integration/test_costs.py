# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an execution says at its end: what it saves, what copies cost, how long it took, which objectives it met."""

from __future__ import annotations

from typing import Any

from playbook import SCOPE, SHOP, WEST, Operator, estate, unfolded


def test_the_end_says_what_is_saved_how_long_it_took_and_which_objectives_were_met(operator: Operator) -> None:
    world: dict[str, Any] = estate(database=True)
    world["resources"] = [one for one in world["resources"] if one["kind"] == "rds_instance"]
    world["resources"][0]["tags"]["dr:rto-target"] = "240"
    operator.load(world)
    operator.readiness()
    ran = operator.failover(mode="planned", cleanup_policy="remove", detected_at="2020-02-29T17:00:00+01:00").ok()
    status = operator.status(ran.execution_id)
    saving = status["estimated_saving_usd_per_month"]
    assert saving > 0
    assert f"estimated saving: about USD {saving:,} a month (estimate: docs/costs.md)" in unfolded(ran.out)
    assert (status["rto"]["met"], status["rto"]["missed"], status["rto"]["open"]) == (1, 0, 0)
    assert "recovery time objectives: 1 met" in unfolded(ran.out)
    clocks = status["clocks"]
    assert clocks["detected_at"] == "2020-02-29T16:00:00Z"
    parts = [clocks[name] for name in ("detected_seconds", "decided_seconds", "executed_seconds")]
    assert clocks["total_seconds"] == sum(parts)


def test_a_drill_says_what_its_copies_cost_an_hour_and_a_failover_saves_what_tasks_cost(operator: Operator) -> None:
    world: dict[str, Any] = estate(database=True)
    services = [one for one in world["resources"] if one["kind"] == "ecs_service" and one["account"] == SHOP]
    databases = [one for one in world["resources"] if one["kind"] == "rds_instance"]
    databases[0]["instance_class"] = "db.x2iedn.large"
    room = {"kind": "drill_room", "account": SHOP, "region": WEST, "name": "drills"}
    operator.load({**world, "resources": [*services, *databases, room]})
    operator.readiness()
    ran = operator.run("test", **SCOPE, approval_mode="automatic").ok()
    task = 0.25 * 0.04048 + 0.5 * 0.004445
    cost = operator.status(ran.execution_id)["estimated_copies"]
    database = f"rds-{SHOP}-orders-db"
    assert cost == {"usd_per_hour": round(3 * task, 4), "copies": 4, "unknown": [database], "unknown_count": 1, "estimate": True}
    said = "what copies cost: about USD 0.04 an hour while they stand (estimate: docs/costs.md); not known for 1 of 4: "
    assert said + database in unfolded(ran.out)

    ran = operator.failover(mode="planned").ok()
    status = operator.status(ran.execution_id)
    assert status["estimated_saving_usd_per_month"] == round(9 * task * 730)
    assert status["estimated_copies"] is None
