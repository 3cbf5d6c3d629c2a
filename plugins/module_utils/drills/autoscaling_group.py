# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A drill of an Auto Scaling group: one instance of the standby's image, kept by a group of its own in the drill room.

The copy has neither target groups nor load balancers, lifecycle hooks nor policies: nothing outside the room learns of it.
Facts: the EC2 Auto Scaling API reference (CreateAutoScalingGroup, DeleteAutoScalingGroup).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from ..adapters.base import Reader, dark
from ..model import UNREACHABLE, Blocked, Call, Done, Goal, Pair, Step, Unreachable, Wait
from ..parts.autoscaling_state import FAILED_LAUNCHES, Group, Place, Side, Version, cause, groups, template_version, with_activities
from ..parts.autoscaling_twin import BAD_IMAGE
from . import room
from .base import AGAIN, Drill, Touch, carries, name, stranger, tags_of
from .launch import Machine, entries, isolated, living

LAUNCH_SECONDS = 1200


@dataclass(frozen=True, slots=True)
class Image:
    """The AMI that the standby starts from. stays: devices whose volumes would outlive the instance."""

    id: str
    state: str
    created_at: str
    stays: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    """The launch template of the drill's name."""

    id: str
    tags: Mapping[str, str]


_Version: TypeAlias = "Version | Unreachable | None"


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything in the target region. vpcs: the standby's. version: of the standby's launch template. machines: the copy's."""

    room: room.Seen
    origin: Side
    copy: Side
    vpcs: Collection[str] | Unreachable = ()
    version: _Version = None
    image: Image | Unreachable | None = None
    template: Template | Unreachable | None = None
    machines: tuple[Machine, ...] | Unreachable = ()


class AutoscalingGroupDrill(Drill):
    """Copies of Auto Scaling groups, with one instance each.

    Settings (`drill.<name>`): instance_profile (dr-drill; "" for none), instance_type, public_ip (false).
    """

    technology = "autoscaling"
    shape: ClassVar[Mapping[str, Any]] = {"desired_capacity": 1}
    sized_by: ClassVar[Mapping[str, str]] = {"instance_type": "instance_type"}
    bulk = 25
    busy = frozenset(
        {
            "AlreadyExists",
            "InvalidLaunchTemplateName.AlreadyExistsException",
            "ResourceContention",
            "ResourceInUse",
            "ScalingActivityInProgress",
            "ServiceLinkedRoleFailure",
        }
    )
    durations: ClassVar[Mapping[str, int]] = {"instantiate": 30, "activate": 300, "cleanup": 300}
    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "observe": (
            *room.ACTIONS,
            "autoscaling:DescribeAutoScalingGroups",
            "autoscaling:DescribeScalingActivities",
            "ec2:DescribeImages",
            "ec2:DescribeInstances",
            "ec2:DescribeLaunchTemplateVersions",
            "ec2:DescribeLaunchTemplates",
        ),
        "instantiate": ("ec2:CreateLaunchTemplate", "autoscaling:CreateAutoScalingGroup"),
        "activate": (),
        "cleanup": ("autoscaling:DeleteAutoScalingGroup", "ec2:DeleteLaunchTemplate"),
    }
    touches: ClassVar[Mapping[tuple[str, str], Touch]] = {
        ("ec2", "create_launch_template"): Touch(("LaunchTemplateName",), "TagSpecifications.Tags"),
        ("autoscaling", "create_auto_scaling_group"): Touch(("AutoScalingGroupName", "LaunchTemplate.LaunchTemplateId"), "Tags"),
        ("autoscaling", "delete_auto_scaling_group"): Touch(("AutoScalingGroupName",)),
        ("ec2", "delete_launch_template"): Touch(("LaunchTemplateId",)),
    }

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Seen]:
        account, region = pairs[0].account, pairs[0].target_region
        here = room.observe(reader, account, region)
        found = groups(reader, account, region, [ident for pair in pairs for ident in (pair.target_id, name(pair))])
        templates, machines = _templates(reader, pairs), living(reader, pairs)

        def seen(pair: Pair) -> Seen:
            origin = found[pair.target_id]
            copy = with_activities(reader, account, Place(name(pair), region, found[name(pair)]), ahead=False)
            made = templates if isinstance(templates, Unreachable) else templates.get(name(pair))
            mine = machines if isinstance(machines, Unreachable) else tuple(machines.get(pair.key, ()))
            if not isinstance(origin, Group) or origin.template is None:
                return Seen(here, origin, copy, template=made, machines=mine)
            places = room.vpcs_of(reader, account, region, origin.spec.get("VPCZoneIdentifier", "").split(","))
            vpcs = places if isinstance(places, Unreachable) else sorted(set(places.values()))
            version = template_version(reader, account, region, origin.template, origin.template.version)
            image = _image(reader, account, region, version.image_id) if isinstance(version, Version) else None
            return Seen(here, origin, copy, vpcs, version, image, made, mine)

        return {pair.key: seen(pair) for pair in pairs}

    def own(self, seen: Seen, goal: Goal) -> Collection[str]:
        template = seen.template
        mine = {template.id} if isinstance(template, Template) and carries(template.tags, goal.pair) else set()
        return {name(goal.pair)} | mine

    def make(self, seen: Seen, goal: Goal) -> Step:
        """A launch template with the standby's image, and a group of one instance with it in the drill room."""
        pair, region, copy, template = goal.pair, goal.pair.target_region, seen.copy, seen.template
        if isinstance(copy, Unreachable) or isinstance(template, Unreachable) or isinstance(seen.vpcs, Unreachable):
            return dark(goal, region)
        if copy:
            return _foreign(copy, goal) or Done({"copy": name(pair), "group_arn": copy.arn})
        wanted = _wanted(seen, goal)
        if not isinstance(wanted, dict):
            return wanted
        if template is None:
            params: dict[str, Any] = {
                "LaunchTemplateName": name(pair),
                "LaunchTemplateData": wanted,
                "TagSpecifications": [{"ResourceType": "launch-template", "Tags": entries(pair)}],
            }
            return Call("ec2", "create_launch_template", region, params, "create a launch template with the standby's image")
        if not carries(template.tags, pair):
            return stranger(template.id, region)
        params = {
            "AutoScalingGroupName": name(pair),
            "LaunchTemplate": {"LaunchTemplateId": template.id, "Version": "1"},
            "MinSize": 0,
            "MaxSize": 1,
            "DesiredCapacity": 1,
            "VPCZoneIdentifier": ",".join(seen.room.subnets) if isinstance(seen.room, room.Room) else "",
            "Tags": [{**tag, "PropagateAtLaunch": True} for tag in entries(pair)],
        }
        return Call("autoscaling", "create_auto_scaling_group", region, params, "create a group of one instance in the drill room")

    def serve(self, seen: Seen, goal: Goal) -> Step:
        """Its instance is in service and healthy."""
        region, copy, image = goal.pair.target_region, seen.copy, seen.image
        if isinstance(copy, Unreachable) or isinstance(seen.machines, Unreachable):
            return dark(goal, region)
        if copy is None:
            return Blocked(f"there is no copy {name(goal.pair)}", "run phase instantiate of this drill first")
        if refused := _foreign(copy, goal):
            return refused
        if len(copy.failures) >= FAILED_LAUNCHES:
            why = f"{len(copy.failures)} launches of the copy in {region} failed: {copy.failures[0]}"
            return Blocked(why, f"{cause(copy.failures[0])}, then {AGAIN}")
        running = [one for one in seen.machines if one.state == "running"]
        if not copy.serving or not running:
            said = f": {copy.failures[0]}" if copy.failures else ""
            return Wait(
                f"the copy's instance in {region} is not in service yet{said}", poll_seconds=15, timeout_seconds=LAUNCH_SECONDS
            )
        outputs = {"copy": name(goal.pair), "instance_id": running[0].id, "private_ip": running[0].private_ip}
        return Done(outputs | ({"image_id": image.id, "data_from": image.created_at} if isinstance(image, Image) else {}))

    def remove(self, seen: Seen, goal: Goal) -> Step:
        """The group goes with its instance, then the launch template."""
        pair, region, copy, template = goal.pair, goal.pair.target_region, seen.copy, seen.template
        if isinstance(copy, Unreachable) or isinstance(template, Unreachable) or isinstance(seen.machines, Unreachable):
            return dark(goal, region)
        if copy and not _own(copy, pair):
            return stranger(name(pair), region)
        if template and not carries(template.tags, pair):
            return stranger(template.id, region)
        if copy and copy.status:
            return Wait(f"the copy {name(pair)} in {region} is being deleted", poll_seconds=15)
        if copy:
            params: dict[str, Any] = {"AutoScalingGroupName": name(pair), "ForceDelete": True}
            return Call("autoscaling", "delete_auto_scaling_group", region, params, "delete the copy with its instance")
        if seen.machines:
            return Wait(f"{seen.machines[0].id} in {region} is {seen.machines[0].state}", poll_seconds=15)
        if template:
            params = {"LaunchTemplateId": template.id}
            return Call("ec2", "delete_launch_template", region, params, "delete its launch template")
        return Done({"copy": "removed"})


def _own(copy: Group, pair: Pair) -> bool:
    return carries(tags_of(copy.spec.get("Tags", ())), pair)


def _foreign(copy: Group, goal: Goal) -> Step | None:
    """Why what has the copy's name is not a copy that stands."""
    region = goal.pair.target_region
    if not _own(copy, goal.pair):
        return stranger(name(goal.pair), region)
    return Wait(f"the copy {name(goal.pair)} in {region} is being deleted", poll_seconds=15) if copy.status else None


def _wanted(seen: Seen, goal: Goal) -> dict[str, Any] | Step:
    """The launch data of the copy, or why there can be none."""
    pair, region = goal.pair, goal.pair.target_region
    if seen.origin is UNREACHABLE or seen.version is UNREACHABLE or seen.image is UNREACHABLE:
        return dark(goal, region)
    if not isinstance(seen.origin, Group):
        return Blocked(f"there is no standby {pair.target_id} in {region} to copy", "run phase instantiate of a failover first")
    if seen.origin.operator:
        return Blocked(f"{pair.target_id} is managed by {seen.origin.operator}", "leave it out: its manager's drill proves it")
    if not isinstance(seen.version, Version):
        return Blocked(f"{pair.target_id} in {region} has no launch template that can be read", "give it a launch template")
    refused = room.refused(seen.room, goal, seen.vpcs if not isinstance(seen.vpcs, Unreachable) else ())
    if refused or not isinstance(seen.room, room.Room):
        return refused or dark(goal, region)
    named, image = seen.version.image_id, seen.image
    if named.startswith("ami-") and (not isinstance(image, Image) or image.state in BAD_IMAGE):
        state = image.state if isinstance(image, Image) else "not there"
        return Blocked(
            f"image {named} of {pair.target_id} in {region} is {state}", "give its launch template one that is available"
        )
    wanted = isolated(seen.version.data, seen.room, pair)
    if not wanted.get("InstanceType"):
        wanted["InstanceType"] = _first_type(seen.origin)
    if not wanted["InstanceType"]:
        return Blocked(f"{pair.target_id} in {region} names no instance type", f"set `drill.instance_type` for {pair.key}")
    known = {disk["DeviceName"] for disk in wanted.get("BlockDeviceMappings", ())}
    disks = [
        {"DeviceName": device, "Ebs": {"DeleteOnTermination": True}}
        for device in (image.stays if isinstance(image, Image) else ())
        if device not in known
    ]
    return wanted | ({"BlockDeviceMappings": [*wanted.get("BlockDeviceMappings", ()), *disks]} if disks else {})


def _first_type(origin: Group) -> str:
    """The type that a mixed instances policy would try first."""
    overrides = origin.spec.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {}).get("Overrides", ())
    return next((one["InstanceType"] for one in overrides if one.get("InstanceType")), "")


def _image(reader: Reader, account: str, region: str, ident: str) -> Image | Unreachable | None:
    if not ident.startswith("ami-"):  # named by a parameter that the launch resolves
        return None
    absent = ("InvalidAMIID.NotFound", "InvalidAMIID.Unavailable")
    answer = reader.read(account, region, "ec2", "describe_images", absent=absent, ImageIds=[ident])
    if not isinstance(answer, dict):
        return answer
    for one in answer.get("Images", ()):
        disks = one.get("BlockDeviceMappings", ())
        stays = tuple(disk["DeviceName"] for disk in disks if disk.get("Ebs", {}).get("DeleteOnTermination") is False)
        return Image(ident, one.get("State", "unknown"), one.get("CreationDate", ""), stays)
    return None


def _templates(reader: Reader, pairs: Sequence[Pair]) -> dict[str, Template] | Unreachable:
    """Launch templates that have the name of one of the drills, by name."""
    named = [{"Name": "launch-template-name", "Values": sorted(name(pair) for pair in pairs)}]
    account, region = pairs[0].account, pairs[0].target_region
    rows = reader.pages(account, region, "ec2", "describe_launch_templates", "LaunchTemplates", Filters=named)
    if isinstance(rows, Unreachable):
        return UNREACHABLE
    return {row["LaunchTemplateName"]: Template(row["LaunchTemplateId"], tags_of(row.get("Tags", ()))) for row in rows or ()}
