# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failover says at its end: what it saves, how long it took, which objectives it met."""

from __future__ import annotations

from typing import Any

from playbook import Operator, estate, unfolded


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
