# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drill room as tables: what is found by its tag, and where no copy may be made."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.drills.room import Room, observe, refused, vpcs_of
from ansible_collections.dr.aws.plugins.module_utils.model import UNREACHABLE, Blocked, Deferred, Goal, Pair

PAIR = Pair("orders", "rds", "111111111111", "us-east-1", "us-west-2", "orders", "orders", settings={"drill_id": "q"})
ROOM = Room(("vpc-drill",), ("subnet-1", "subnet-2"), ("sg-1",))


class Answers:
    """A reader that gives what it was told, by operation."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers

    def pages(self, account: str, region: str, service: str, operation: str, key: str, /, **params: Any) -> Any:
        return self.answers.get(operation, [])


SUBNETS = [{"SubnetId": "subnet-2", "VpcId": "vpc-drill"}, {"SubnetId": "subnet-1", "VpcId": "vpc-drill"}]
GROUPS = [{"GroupId": "sg-1", "VpcId": "vpc-drill"}]


def found(*routes: dict[str, Any], **answers: Any) -> Any:
    told = {"describe_subnets": SUBNETS, "describe_security_groups": GROUPS, "describe_route_tables": [{"Routes": list(routes)}]}
    return observe(Answers(**{**told, **answers}), "111111111111", "us-west-2")


OBSERVED = [
    ("what is tagged", found(), ROOM),
    ("nothing is", found(describe_subnets=[], describe_security_groups=[]), None),
    ("local routes lead nowhere", found({"GatewayId": "local", "State": "active"}), ROOM),
    ("the internet is not production", found({"GatewayId": "igw-1"}, {"NatGatewayId": "nat-1"}), ROOM),
    ("a peering that is gone leads nowhere", found({"VpcPeeringConnectionId": "pcx-1", "State": "blackhole"}), ROOM),
    *(
        (f"{key} leads out", found({key: way, "State": "active"}), Room(ROOM.vpcs, ROOM.subnets, ROOM.groups, (way,)))
        for key, way in (
            ("VpcPeeringConnectionId", "pcx-1"),
            ("TransitGatewayId", "tgw-1"),
            ("LocalGatewayId", "lgw-1"),
            ("CoreNetworkArn", "arn:core"),
            ("GatewayId", "vgw-1"),
        )
    ),
    *(
        (f"{operation} does not answer", found(**{operation: UNREACHABLE}), UNREACHABLE)
        for operation in ("describe_subnets", "describe_security_groups", "describe_route_tables")
    ),
]


@pytest.mark.parametrize(("sentence", "room", "expected"), OBSERVED, ids=[row[0] for row in OBSERVED])
def test_a_room_is_found_by_its_tag(sentence: str, room: Any, expected: Any) -> None:
    assert room == expected


REFUSED = [
    ("there is none", None, (), "nothing is tagged dr:drill-room"),
    ("two VPCs", Room(("vpc-a", "vpc-b"), ("subnet-1",), ("sg-1",)), (), "several VPCs in us-west-2: vpc-a, vpc-b"),
    ("no subnet", Room(("vpc-a",), (), ("sg-1",)), (), "has no subnet"),
    ("no security group", Room(("vpc-a",), ("subnet-1",), ()), (), "has no security group"),
    ("a way out", Room(ROOM.vpcs, ROOM.subnets, ROOM.groups, ("tgw-1",)), (), "its routes lead to tgw-1"),
    ("production lives there", ROOM, ("vpc-other", "vpc-drill"), "orders has its place in it"),
]


@pytest.mark.parametrize(("sentence", "room", "production", "says"), REFUSED, ids=[row[0] for row in REFUSED])
def test_where_no_copy_may_be_made(sentence: str, room: Any, production: tuple[str, ...], says: str) -> None:
    step = refused(room, Goal(PAIR), production)
    assert isinstance(step, Blocked)
    assert says in step.why
    assert step.remedy


def test_a_room_of_its_own_is_fine_and_a_dark_region_is_not_an_empty_one() -> None:
    assert refused(ROOM, Goal(PAIR), ["vpc-production"]) is None
    assert isinstance(refused(UNREACHABLE, Goal(PAIR)), Blocked)
    assert isinstance(refused(UNREACHABLE, Goal(PAIR, mode="unplanned")), Deferred)


def test_the_vpcs_of_subnets() -> None:
    assert vpcs_of(Answers(describe_subnets=SUBNETS), "1", "us-west-2", ["subnet-1", "subnet-2"]) == {
        "subnet-1": "vpc-drill",
        "subnet-2": "vpc-drill",
    }
    assert vpcs_of(Answers(describe_subnets=UNREACHABLE), "1", "us-west-2", ["subnet-1"]) is UNREACHABLE
    assert vpcs_of(Answers(describe_subnets=UNREACHABLE), "1", "us-west-2", []) == {}, "nothing is asked for nothing"
