# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""failback.yml on the small estate: killed and resumed, with the capacities of today; and what it refuses."""

from __future__ import annotations

from typing import Any

from playbook import EAST, FULL, NONE, SCOPE, SHOP, WEST, Operator, database, estate, names, pointing, tasks


def test_home_again_with_the_capacities_of_today(sandbox: Any, operator: Operator) -> None:
    """What was scaled while the other region served goes home as it is; the run dies once, with the promotion of the database."""
    operator.load(estate(database=True))
    operator.readiness()
    operator.failover(mode="planned").ok()
    sandbox.client("ecs", WEST, SHOP).update_service(cluster="shop", service="orders", desiredCount=5)

    started = operator.start("failback", **SCOPE, approval_mode="automatic", parallelism=1)
    sandbox.fault(match={"operation": "PromoteReadReplica"}, kth=1, when="after", effect="kill", pid=started.pid, group=True)
    killed = started.end()
    assert killed.rc < 0, killed.out
    assert "is older than the failover: capacities were captured now" in killed.out
    assert f"failback (planned) of acme/production, {WEST} -> {EAST}" in killed.out
    operator.run("failback", execution_id=killed.execution_id).ok()

    assert (tasks(sandbox, EAST), tasks(sandbox, WEST)) == (FULL | {"orders": 5}, NONE)
    assert (database(sandbox, EAST), database(sandbox, WEST), names(sandbox)) == ("serves", "replica", pointing(EAST))
    status = operator.status(killed.execution_id)
    assert (status["operation"], status["status"], status["debts"], status["deferred"]) == ("failback", "COMPLETED", [], [])
    assert sum(call["operation"] == "PromoteReadReplica" for call in operator.mutations()) == 2, "once there, once back"

    mark = operator.mark()
    after = operator.run("reprotect", **SCOPE).ok()
    assert (after.changed, operator.mutations(mark)) == (0, [])
    assert "protected again: all 6 resources" in after.out, "in the direction that it reads from what serves"


def test_nothing_goes_home_that_home_does_not_follow(sandbox: Any, operator: Operator) -> None:
    operator.load(estate(database=True))
    operator.readiness()
    sandbox.dark(EAST)
    operator.failover().ok()
    sandbox.clear_faults()
    mark = operator.mark()
    command = "ansible-playbook dr.aws.reprotect -e customer=acme -e environment=production"
    for mode in ("planned", "unplanned"):
        operator.run("failback", **SCOPE, mode=mode, approval_mode="automatic").refused("fence debts are open", command)
    assert operator.mutations(mark) == []
    assert (tasks(sandbox, WEST), database(sandbox, WEST), names(sandbox)) == (FULL, "serves", pointing(WEST))
    again = operator.failover().ok()
    assert operator.status(again.execution_id)["debts"] == []
    assert "PromoteReadReplica" not in {call["operation"] for call in operator.mutations(mark)}
    assert (tasks(sandbox, EAST), database(sandbox, EAST)) == (NONE, "replica")
