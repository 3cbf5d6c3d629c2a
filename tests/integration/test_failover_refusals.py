# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must not start: each refusal names the field and the remedy, fails, and changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playbook import BILLING, EAST, EXTERNAL_IDS, ROLE, SCOPE, SHOP, WEST, Operator, estate, unfolded

ASKED = {**SCOPE, "mode": "planned", "approval_mode": "automatic"}
#: (changed variables, what the screen says)
REFUSED: tuple[tuple[Mapping[str, Any], tuple[str, ...]], ...] = (
    ({"customer": "acne"}, ("customer='acne' cannot be used", "acme", "Next: -e customer=acme")),
    ({"customer": None}, ("customer", "Next: -e customer=acme")),
    ({"dr_region": EAST}, (f"dr_region='{EAST}' cannot be used", f"Next: -e dr_region={WEST}")),
    ({"dr_region": "eu-west-9"}, ("dr_region='eu-west-9' cannot be used", "regions in the inventory file")),
    ({"waves": "9"}, ("waves='9' cannot be used", "waves that have resources: 1, 2, 3", "Next: -e waves=1,2,3")),
    ({"mode": "maybe"}, ("mode='maybe' cannot be used", "planned, unplanned", "Next: -e mode=planned")),
    ({"phases": "promote"}, ("phases='promote' cannot be used", "Next: -e phases=instantiate,activate")),
    ({"execution_id": "7"}, ("execution_id='7' cannot be used", "Next: ansible-playbook dr.aws.status")),
    ({"mode": None, "mod": "unplanned"}, ("mod is no parameter of this playbook; allowed: customer, ", "Next: -e mode=…")),
    ({"approval_timeout_seconds": "0"}, ("approval_timeout_seconds='0' cannot be used; allowed: a whole number from 1 to 86400",)),
    ({"health_timeout_seconds": "5m"}, ("health_timeout_seconds='5m' cannot be used", "Next: -e health_timeout_seconds=300")),
)
UNKNOWN = "dr-20261128T163000Z-7f3a9c"


def test_parameters_that_cannot_be_used(sandbox: Any, operator: Operator) -> None:
    operator.load(estate())
    for changes, said in REFUSED:
        given = {name: value for name, value in {**ASKED, **changes}.items() if value is not None}
        operator.run("failover", **given).refused(*said)
    assert operator.mutations() == []
    assert sandbox.calls(mutating=True, service="dynamodb") == [], "nothing was stored either"


def test_executions_that_are_not_there(operator: Operator) -> None:
    """Missing and unknown, and a reason of which a space would cut off the rest."""
    operator.load(estate())
    operator.readiness()
    operator.run("pause").refused("execution_id is not given; allowed: execution_id, reason, undo, timeout_minutes")
    operator.run("pause", "-e", "reason=the network looks", execution_id=UNKNOWN).refused("'network looks' stands behind a space")
    operator.run("gate", execution_id=UNKNOWN).refused(
        f"execution_id='{UNKNOWN}' is not known", "Next: ansible-playbook dr.aws.status"
    )
    operator.run("audit", execution_id=UNKNOWN).refused("the audit trail is not whole", "there is no entry, object or execution")


def test_inventories_that_cannot_be_used(sandbox: Any, operator: Operator) -> None:
    """Missing, for nobody, with a wrong external id, limited to nothing."""
    operator.load(estate())
    missing = operator.run("failover", inventory=str(operator.home / "none.dr_aws.yml"), **ASKED)
    missing.refused("inventory: no estate was found", "Next: ansible-inventory -i <file>.dr_aws.yml --graph")

    wrong = [
        {"id": account, "role_arn": ROLE.format(account), "external_id": "guess" if account == BILLING else external}
        for account, external in EXTERNAL_IDS.items()
    ]
    denied = operator.run("failover", inventory=operator.written("wrong", accounts=wrong), **ASKED)
    denied.refused("the inventory is incomplete", f"account {BILLING}", "AccessDenied", "external", "accept_partial_inventory")
    readiness = operator.run("readiness", inventory=operator.written("wrong", accounts=wrong), **SCOPE)
    readiness.refused("the inventory is incomplete", f"account {BILLING}", "the last snapshot was kept", "Next: ")

    nothing = operator.run("failover", "--limit", "technology_efs", **ASKED)
    nothing.refused("no hosts")
    assert operator.mutations() == []


def test_estates_that_cannot_be_failed_over(sandbox: Any, operator: Operator) -> None:
    """Broken tags, and no tags at all."""
    operator.load(estate(basket={"tags": {"dr:wave": "soon"}}))
    broken = operator.run("failover", **ASKED)
    broken.refused(
        "tags break the schema", f"ecs shop/basket ({SHOP}, {EAST}): tag dr:wave='soon' (a whole number from 1 to 10)", "Next: "
    )
    world = estate()
    for resource in world["resources"]:
        resource["tags"] = {"dr:enabled": "false"}
    operator.load(world)
    empty = operator.run("failover", inventory=operator.written("empty"), **ASKED)
    empty.refused("an inventory with at least one protected resource", "Next: ansible-inventory -i <file>.dr_aws.yml --graph")
    assert operator.mutations() == []


def test_executions_that_cannot_be_resumed(sandbox: Any, operator: Operator) -> None:
    """Unknown, of another customer, and one that is completed: it is refused and keeps no lock."""
    operator.load(estate())
    operator.readiness()
    ended = operator.failover(mode="planned", waves="1", phases="instantiate").ok()
    mark = operator.mark()
    unknown = operator.run("failover", execution_id="dr-20200101T000000Z-000000")
    unknown.refused("execution_id='dr-20200101T000000Z-000000' is not known", "Next: ansible-playbook dr.aws.status")
    foreign = operator.run("failover", execution_id=ended.execution_id, customer="globex")
    foreign.refused(f"execution {ended.execution_id} is of customer=acme, not of globex", "Next: -e customer=acme")
    again = operator.run("failover", execution_id=ended.execution_id)
    again.refused(f"execution {ended.execution_id} is COMPLETED and cannot be resumed", "Next: leave out execution_id")
    assert operator.mutations(mark) == []
    assert operator.status(ended.execution_id)["status"] == "COMPLETED"
    assert "started" in unfolded(operator.failover(mode="planned", waves="1", phases="instantiate").ok().out), "no lock was kept"
