# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines of a drill: launch data with what production's says of the machine and nothing of its place; and those that live.

Facts: the EC2 API reference (RequestLaunchTemplateData).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..adapters.base import Reader
from ..model import UNREACHABLE, Pair, Unreachable
from ..parts.rewrite import kept
from .base import DRILL_TAG, OF_TAG, drill_id, prepared, tags, tags_of
from .room import Room

#: What a copy has of production's launch data. Left out is what ties it to a place, to people or to money: interfaces and groups,
#: key pair, placement, reserved capacity, spot options, protection against its own removal, tags.
COPIED: Final = (
    "BlockDeviceMappings",
    "CpuOptions",
    "CreditSpecification",
    "EbsOptimized",
    "EnclaveOptions",
    "HibernationOptions",
    "ImageId",
    "InstanceType",
    "KernelId",
    "LicenseSpecifications",
    "MaintenanceOptions",
    "MetadataOptions",
    "Monitoring",
    "PrivateDnsNameOptions",
    "RamDiskId",
    "UserData",
)
#: States of an instance that is not gone.
LIVING: Final = ("pending", "running", "shutting-down", "stopping", "stopped")


@dataclass(frozen=True, slots=True)
class Machine:
    """An instance that carries a drill's tags and is not gone."""

    id: str
    state: str
    private_ip: str = ""


def isolated(
    data: Mapping[str, Any], room: Room, pair: Pair, subnet: str = "", also: Iterable[Mapping[str, str]] = ()
) -> dict[str, Any]:
    """Launch data of a copy in the drill room. subnet: "" where what launches it chooses one. also: tags that it has besides.

    Its disks go with it. It takes no reserved capacity: that is kept for the disaster. Settings: `drill.public_ip` (false),
    `drill.instance_type`, and `drill.instance_profile`, which is left out where it is "", and where production has none.
    """
    settings = pair.settings.get("drill", {})
    card: dict[str, Any] = {
        "DeviceIndex": 0,
        "Groups": list(room.groups),
        "AssociatePublicIpAddress": bool(settings.get("public_ip", False)),
        "DeleteOnTermination": True,
    }
    labels = [*also, *entries(pair)]
    copied: dict[str, Any] = {name: data[name] for name in COPIED if name in data}
    copied["BlockDeviceMappings"] = [_leaving(disk) for disk in data.get("BlockDeviceMappings", ())]
    if settings.get("instance_type"):
        copied["InstanceType"] = settings["instance_type"]
    if data.get("IamInstanceProfile") and settings.get("instance_profile") != "":
        copied["IamInstanceProfile"] = {"Name": prepared(pair, "instance_profile")}
    return {
        **kept(copied),
        "NetworkInterfaces": [{**card, "SubnetId": subnet} if subnet else card],
        "CapacityReservationSpecification": {"CapacityReservationPreference": "none"},
        "TagSpecifications": [{"ResourceType": kind, "Tags": labels} for kind in ("instance", "volume", "network-interface")],
    }


def entries(pair: Pair) -> list[dict[str, str]]:
    """The drill's tags as EC2 takes them."""
    return [{"Key": key, "Value": value} for key, value in tags(pair).items()]


def living(reader: Reader, pairs: Sequence[Pair]) -> dict[str, list[Machine]] | Unreachable:
    """Instances with the tags of the pairs' drills, by the key of the pair."""
    wanted = [
        {"Name": f"tag:{DRILL_TAG}", "Values": sorted({drill_id(pair) for pair in pairs})},
        {"Name": f"tag:{OF_TAG}", "Values": sorted(pair.key for pair in pairs)},
        {"Name": "instance-state-name", "Values": list(LIVING)},
    ]
    account, region = pairs[0].account, pairs[0].target_region
    rows = reader.pages(account, region, "ec2", "describe_instances", "Reservations", Filters=wanted)
    if isinstance(rows, Unreachable):
        return UNREACHABLE
    found: dict[str, list[Machine]] = {}
    for one in (one for row in rows or () for one in row["Instances"]):
        machine = Machine(one["InstanceId"], one["State"]["Name"], one.get("PrivateIpAddress", ""))
        found.setdefault(tags_of(one.get("Tags", ()))[OF_TAG], []).append(machine)
    return found


def _leaving(disk: Mapping[str, Any]) -> dict[str, Any]:
    return {**disk, "Ebs": {**disk["Ebs"], "DeleteOnTermination": True}} if "Ebs" in disk else dict(disk)
