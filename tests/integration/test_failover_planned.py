# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planned failover and home again, by the playbook's name in the collection; and --limit."""

from __future__ import annotations

from typing import Any

from playbook import EAST, FULL, NONE, SCOPE, WEST, Operator, estate, names, pointing, tasks

BACK = {"primary_region": WEST, "dr_region": EAST}


def test_there_and_back_loses_nothing(sandbox: Any, operator: Operator) -> None:
    operator.load(estate())
    operator.readiness()
    assert (tasks(sandbox, EAST), tasks(sandbox, WEST), names(sandbox)) == (FULL, NONE, pointing(EAST))

    there = operator.failover(mode="planned").ok()
    assert (tasks(sandbox, EAST), tasks(sandbox, WEST), names(sandbox)) == (NONE, FULL, pointing(WEST))
    status = operator.status(there.execution_id)
    assert (status["status"], status["debts"], status["deferred"]) == ("COMPLETED", [], [])
    assert status["counts"] == {
        "instantiate": {"done": 5},
        "activate": {"done": 8},
        "cleanup": {"done": 5},
        "replicate": {"done": 5},
    }

    operator.readiness()
    operator.failover(mode="planned", **BACK).ok()
    assert (tasks(sandbox, EAST), tasks(sandbox, WEST), names(sandbox)) == (FULL, NONE, pointing(EAST))

    mark = operator.mark()
    assert operator.failover(mode="planned", **BACK).ok().changed == 0
    assert operator.mutations(mark) == []


def test_by_its_name_in_the_collection_and_limited(sandbox: Any, operator: Operator) -> None:
    """`ansible-playbook dr.aws.failover --limit technology_ecs`: services fail over, records stay."""
    operator.load(estate())
    operator.run("dr.aws.readiness", **SCOPE).ok()
    variables = {**SCOPE, "mode": "planned", "approval_mode": "automatic"}
    limited = operator.run("dr.aws.failover", "--limit", "technology_ecs", **variables).ok()
    assert (tasks(sandbox, EAST), tasks(sandbox, WEST), names(sandbox)) == (NONE, FULL, pointing(EAST))
    status = operator.status(limited.execution_id)
    assert (status["resource_count"], status["status"]) == (5, "COMPLETED")
