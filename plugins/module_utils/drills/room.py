# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drill room: the network that copies are made in. Found by its tag, used only where no route leads from it to production."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from ..adapters.base import Reader, dark
from ..model import UNREACHABLE, Blocked, Goal, Step, Unreachable

#: On the subnets and the security groups of a drill room, with any value.
ROOM_TAG: Final = "dr:drill-room"
#: What a route names that leads into another network of ours.
WAYS: Final = ("VpcPeeringConnectionId", "TransitGatewayId", "LocalGatewayId", "CoreNetworkArn")
#: What `observe` calls: every drill with a network declares them.
ACTIONS: Final = ("ec2:DescribeRouteTables", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets")


@dataclass(frozen=True, slots=True)
class Room:
    """What is tagged as a drill room in one account and region.

    vpcs: one, unless the tags are wrong. ways: what its routes name that leads into other networks.
    """

    vpcs: tuple[str, ...]
    subnets: tuple[str, ...]
    groups: tuple[str, ...]
    ways: tuple[str, ...] = ()


#: None where nothing is tagged as a drill room.
Seen: TypeAlias = "Room | Unreachable | None"


def observe(reader: Reader, account: str, region: str) -> Seen:
    """The drill room of one account and region."""
    tagged = [{"Name": "tag-key", "Values": [ROOM_TAG]}]
    subnets = reader.pages(account, region, "ec2", "describe_subnets", "Subnets", Filters=tagged)
    groups = reader.pages(account, region, "ec2", "describe_security_groups", "SecurityGroups", Filters=tagged)
    if isinstance(subnets, Unreachable) or isinstance(groups, Unreachable):
        return UNREACHABLE
    vpcs = sorted({one["VpcId"] for one in [*(subnets or ()), *(groups or ())]})
    if not vpcs:
        return None
    inside = [{"Name": "vpc-id", "Values": vpcs}]
    tables = reader.pages(account, region, "ec2", "describe_route_tables", "RouteTables", Filters=inside)
    if isinstance(tables, Unreachable):
        return UNREACHABLE
    return Room(
        tuple(vpcs),
        tuple(sorted(one["SubnetId"] for one in subnets or ())),
        tuple(sorted(one["GroupId"] for one in groups or ())),
        tuple(sorted({way for table in tables or () for route in table.get("Routes", ()) for way in _ways(route)})),
    )


def _ways(route: Mapping[str, Any]) -> list[str]:
    """Where a route leads outside, and not to the internet."""
    if route.get("State", "active") != "active":
        return []
    gateway = route.get("GatewayId", "")
    return [route[way] for way in WAYS if route.get(way)] + ([gateway] if gateway.startswith("vgw-") else [])


def vpcs_of(reader: Reader, account: str, region: str, subnets: Iterable[str]) -> Mapping[str, str] | Unreachable:
    """Subnet -> its VPC, for what shows its subnets only."""
    wanted = sorted(set(subnets))
    if not wanted:
        return {}
    named = [{"Name": "subnet-id", "Values": wanted}]  # a filter: one that is gone is no error
    found = reader.pages(account, region, "ec2", "describe_subnets", "Subnets", Filters=named)
    return found if isinstance(found, Unreachable) else {one["SubnetId"]: one["VpcId"] for one in found or ()}


def refused(room: Seen, goal: Goal, production: Iterable[str] = ()) -> Step | None:
    """Why no copy may be made there now; None when it may. production: the VPCs that what is copied has its place in."""
    region = goal.pair.target_region
    guide = "see docs/drills.md"
    match room:
        case Unreachable():
            return dark(goal, region)
        case None:
            why = f"account {goal.pair.account} has no drill room in {region}: nothing is tagged {ROOM_TAG}"
            return Blocked(why, f"tag the subnets and security groups of a VPC of its own with {ROOM_TAG}; {guide}")
        case Room(vpcs=vpcs) if len(vpcs) > 1:
            return Blocked(
                f"{ROOM_TAG} is on subnets and security groups of several VPCs in {region}: {', '.join(vpcs)}",
                f"leave the tag on those of one VPC; {guide}",
            )
        case Room(subnets=subnets, groups=groups) if not subnets or not groups:
            lacks = "subnet" if not subnets else "security group"
            return Blocked(f"the drill room in {region} has no {lacks}", f"tag one in {room.vpcs[0]} with {ROOM_TAG}; {guide}")
        case Room(ways=ways) if ways:
            why = f"the drill room {room.vpcs[0]} in {region} is not isolated: its routes lead to {', '.join(ways)}"
            return Blocked(why, f"remove these routes; {guide}")
    shared = sorted(set(production) & set(room.vpcs))
    if shared:
        why = f"{shared[0]} in {region} is tagged as a drill room, but {goal.pair.target_id} has its place in it"
        return Blocked(why, f"make a VPC of its own for drills; {guide}")
    return None


def misplaced(room: Seen, vpc: str | Unreachable | None, what: str, make: str, goal: Goal) -> Step | None:
    """Why `what` is prepared outside the room, or not at all; None when it is in it. vpc: where it is. make: the command for it."""
    if isinstance(vpc, Unreachable):
        return dark(goal, goal.pair.target_region)
    if isinstance(room, Room) and vpc in room.vpcs:
        return None
    state = f"is in {vpc}, not in the drill room" if vpc else "does not exist"
    return Blocked(f"{what} in {goal.pair.target_region} {state}", f"make it of the drill room's subnets: {make}")
