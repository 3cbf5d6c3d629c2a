# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""plan.yml: what would be done is said and stored, and a failover that takes the plan is held to it."""

from __future__ import annotations

import re
from typing import Any

from playbook import EAST, FULL, SCOPE, SHOP, WEST, Operator, estate, tasks, unfolded

UNPLANNED = {**SCOPE, "mode": "unplanned", "approval_mode": "automatic"}


def planned(operator: Operator, **variables: Any) -> tuple[str, str]:
    """(the id of the plan that plan.yml stores, what the screen says)."""
    ran = operator.run("plan", **{**UNPLANNED, **variables}).ok()
    found = re.search(r"stored as (plan-\S+); to carry it out: ansible-playbook dr\.aws\.failover -e plan_id=\1", unfolded(ran.out))
    assert found, ran.out
    return found[1], ran.out


def test_a_plan_made_in_peace_is_carried_out_when_the_region_is_gone(sandbox: Any, operator: Operator) -> None:
    operator.load(estate(database=True))
    operator.readiness()
    checked = operator.run("plan", "--check", **UNPLANNED).ok()
    assert "stored as" not in checked.out
    name, screen = planned(operator)
    assert operator.mutations() == []
    assert re.search(r"activate +wave +1 +\d+ to do; about \S+, ends after \S+, at \d\d:\d\d UTC if it began now", screen)
    assert "rds-200000000001-orders-db: holds already" in screen
    assert "rds-200000000001-orders-db: ec2 create_security_group in us-east-1 first: make the security group that fences" in screen

    sandbox.dark(EAST)
    ran = operator.run("failover", "--flush-cache", plan_id=name).ok()
    assert tasks(sandbox, WEST) == FULL
    status = operator.status(ran.execution_id)
    assert (status["status"], status["mode"]) == ("COMPLETED", "unplanned")


def test_a_plan_that_does_not_fit_any_more_is_refused(sandbox: Any, operator: Operator) -> None:
    operator.load(estate())
    operator.readiness()
    name, _screen = planned(operator)
    service = sandbox.inside("ecs", EAST, SHOP).describe_services(cluster="shop", services=["basket"])["services"][0]
    sandbox.inside("ecs", EAST, SHOP).tag_resource(resourceArn=service["serviceArn"], tags=[{"key": "dr:wave", "value": "5"}])
    refused = f"{name} does not fit any more: wave of ecs-{SHOP}-shop-basket is 5, and 2 in the plan"
    operator.run("failover", "--flush-cache", plan_id=name).refused(refused, "make a new plan")
    operator.run("failover", plan_id=name, mode="planned").refused("mode is planned, and unplanned in the plan")
    operator.run("failover", plan_id="plan-20261128T163000Z-7f3a9c").refused("there is no plan", "dr.aws.plan")
    operator.run("failover", plan_id="yesterday's").refused("plan_id=", "an id like plan-")
    operator.run("test", plan_id=name).refused(f"{name} plans a failover, not a test", f"dr.aws.failover -e plan_id={name}")
    assert operator.mutations() == []
    operator.run("failover", plan_id=planned(operator)[0]).ok()


def test_how_long_it_took_is_what_the_next_plan_expects(sandbox: Any, operator: Operator) -> None:
    operator.load(estate())
    operator.readiness()
    _name, screen = planned(operator, waves="3", phases="activate")
    operator.failover(waves="3", phases="activate", mode="planned").ok()
    back = {"primary_region": WEST, "dr_region": EAST}
    _name, after = planned(operator, waves="3", phases="activate", **back)

    def expected(text: str) -> str:
        found = re.search(r"activate +wave +3 .*; about (\S+), ends", text)
        assert found, text
        return found[1]

    assert expected(after) != expected(screen)


def test_what_does_not_fit_into_the_target_is_refused_with_its_quota(sandbox: Any, operator: Operator) -> None:
    operator.load(estate())
    sandbox.seed(kind="service_quota", account=SHOP, region=WEST, service="fargate", code="L-3032A538", value=1.5)
    operator.readiness()
    said = "(fargate L-3032A538) in us-west-2, account 200000000001: 2.25 vCPU are needed, 1.5 of 1.5 are free"
    _name, screen = planned(operator)
    assert said in screen
    planned_mode = {**SCOPE, "approval_mode": "automatic"}
    operator.run("failover", **planned_mode).refused("the target lacks capacity", said, "request-service-quota-increase")
    assert operator.mutations() == []
    operator.run("failover", **planned_mode, accept_shortfalls=True, waves=1, phases="instantiate").ok()
