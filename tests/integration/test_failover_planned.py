# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planned failover and home again, by the playbook's name in the collection; and --limit."""

from __future__ import annotations

from typing import Any

from playbook import EAST, FULL, NONE, SCOPE, WEST, Operator, database, estate, names, pointing, tasks

BACK = {"primary_region": WEST, "dr_region": EAST}


def serving(sandbox: Any) -> tuple[str, str]:
    """(the region in which everything serves, the one in which everything stands by)."""
    (here,) = {region for region in (EAST, WEST) if database(sandbox, region) == "serves"}
    (there,) = {region for region in (EAST, WEST) if database(sandbox, region) == "replica"}
    assert (tasks(sandbox, here), tasks(sandbox, there), names(sandbox)) == (FULL, NONE, pointing(here))
    return here, there


def test_there_and_back_loses_nothing(sandbox: Any, operator: Operator) -> None:
    operator.load(estate(database=True))
    operator.readiness()
    assert serving(sandbox) == (EAST, WEST)

    there = operator.failover(mode="planned").ok()
    assert serving(sandbox) == (WEST, EAST)
    status = operator.status(there.execution_id)
    assert (status["status"], status["debts"], status["deferred"]) == ("COMPLETED", [], [])
    assert status["counts"] == {
        "instantiate": {"done": 6},
        "activate": {"done": 9},
        "cleanup": {"done": 6},
        "replicate": {"done": 6},
    }

    operator.readiness()
    operator.failover(mode="planned", **BACK).ok()
    assert serving(sandbox) == (EAST, WEST)

    mark = operator.mark()
    assert operator.failover(mode="planned", **BACK).ok().changed == 0
    assert operator.mutations(mark) == []


def test_by_its_name_in_the_collection_and_limited(sandbox: Any, operator: Operator) -> None:
    """`ansible-playbook dr.aws.failover --limit technology_ecs`: services fail over, records stay."""
    operator.load(estate())
    checked = operator.failover("--check", mode="planned").ok()
    assert checked.out.count(": would call ") == 8, "also before there is a control plane"
    assert sandbox.calls(mutating=True, service="dynamodb") == operator.mutations() == []

    operator.run("dr.aws.readiness", **SCOPE).ok()
    variables = {**SCOPE, "mode": "planned", "approval_mode": "automatic"}
    limited = operator.run("dr.aws.failover", "--limit", "technology_ecs", **variables).ok()
    assert (tasks(sandbox, EAST), tasks(sandbox, WEST), names(sandbox)) == (NONE, FULL, pointing(EAST))
    status = operator.status(limited.execution_id)
    assert (status["resource_count"], status["status"]) == (5, "COMPLETED")
