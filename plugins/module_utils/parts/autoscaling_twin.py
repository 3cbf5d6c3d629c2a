# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a standby Auto Scaling group is made of, and the calls on groups: pure, no client."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..model import Blocked, Call, Goal, Pair, Step, Wait
from .autoscaling_state import FOLLOWS_TAG, INHERITED, ORIGIN_TAG, REGIONAL, UNFINISHED, Blueprint, Group, Place, Version, option
from .rewrite import kept, rewritten

#: Suspended on a standby and while a group is scaled: what would change its size by itself.
HELD = ("AlarmNotification", "ScheduledActions")
BAD_IMAGE = ("failed", "error", "invalid", "deregistered", "disabled")


def copied(plan: Blueprint, goal: Goal, standby: Place, model: Place) -> Step | None:
    """The serving side's AMI is available in the standby's region; None when it is, or when none has to be copied."""
    image, copy = plan.image, plan.copy
    if image is None or option(goal.pair, standby.region, "image_id"):
        return None
    if copy is None:
        key = option(goal.pair, standby.region, "kms_key_id")
        params: dict[str, Any] = {
            "Name": f"{image.name or image.id}-{image.id}"[:128],
            "SourceImageId": image.id,
            "SourceRegion": model.region,
            "CopyImageTags": True,
            "ClientToken": _token(image.id, standby.region),
            "TagSpecifications": [{"ResourceType": "image", "Tags": [{"Key": ORIGIN_TAG, "Value": image.id}]}],
        }
        if key:
            params |= {"Encrypted": True, "KmsKeyId": key}
        return Call("ec2", "copy_image", standby.region, params, f"copy image {image.id} from {model.region}")
    if copy.state in BAD_IMAGE:
        why = f"the copy {copy.id} of image {image.id} in {standby.region} is {copy.state}"
        return Blocked(why, "deregister it, check the KMS key (kms_key_id), then run phase instantiate again")
    if copy.state != "available":
        return Wait(f"image {copy.id} is being copied to {standby.region}: {copy.state}", 30, 7200)
    return None


def created(plan: Blueprint, goal: Goal, standby: Place, model: Place, serving: Group) -> Step:
    """The launch template, then the group at zero. What belongs to a region must be set where production has it."""
    pair, spec = goal.pair, serving.spec
    template = serving.template.name if serving.template else standby.name

    def set_for(name: str) -> Any:
        return option(pair, standby.region, name)

    overrides = spec.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {}).get("Overrides", [])
    if any(one.get("LaunchTemplateSpecification") for one in overrides):
        why = f"{model.name} in {model.region} has launch templates of its own for some instance types"
        return Blocked(why, f"create the group at zero in {standby.region}")
    for member, setting in REGIONAL.items():
        if spec.get(member) and set_for(setting) is None:
            why = f"{model.name} in {model.region} has {member}, and what it is in {standby.region} is not known"
            return Blocked(why, f"set `regions.{standby.region}.{setting}` for {pair.key}, or create it there at zero")
    wanted = _template_data(plan, pair, standby.region, model.region)
    if isinstance(wanted, Blocked):
        return wanted
    token = _token(json.dumps(wanted, sort_keys=True), standby.region, template)
    if plan.newest is None:
        params: dict[str, Any] = {"LaunchTemplateName": template, "LaunchTemplateData": wanted, "ClientToken": token}
        return Call("ec2", "create_launch_template", standby.region, params, "create its launch template")
    if plan.newest.data != wanted:
        params = {"LaunchTemplateId": plan.newest.template_id, "LaunchTemplateData": wanted, "ClientToken": token}
        return Call("ec2", "create_launch_template_version", standby.region, params, "add a version to its launch template")
    tags = [{**_plain(tag), "ResourceId": standby.name} for tag in spec.get("Tags", []) if _copied(tag["Key"])]
    params = {
        "AutoScalingGroupName": standby.name,
        "MinSize": 0,
        "MaxSize": serving.maximum,
        "DesiredCapacity": 0,
        "Tags": [*tags, _group_tag(standby.name, FOLLOWS_TAG, UNFINISHED)],
        **_with_template(spec, plan.newest),
        **{member: spec[member] for member in INHERITED if member in spec},
    }
    if set_for("subnets"):
        params["VPCZoneIdentifier"] = ",".join(set_for("subnets"))
    for member in ("TargetGroupARNs", "LoadBalancerNames"):
        if set_for(REGIONAL[member]):
            params[member] = list(set_for(REGIONAL[member]))
    return Call("autoscaling", "create_auto_scaling_group", standby.region, params, "create the group at zero")


def renewed(plan: Blueprint, standby: Place, group: Group) -> Step:
    """The standby's own launch template with the copied image, pinned by the group."""
    current, copy = plan.current, plan.copy
    if current is None or copy is None:
        return Blocked(f"the launch template of {standby.name} in {standby.region} cannot be read", "repair it, then resume")
    newest = plan.newest
    if newest is None or newest.image_id != copy.id:
        params = {
            "LaunchTemplateId": current.template_id,
            "SourceVersion": current.number,
            "LaunchTemplateData": {"ImageId": copy.id},
            "ClientToken": _token(current.template_id, current.number, copy.id),
        }
        return Call("ec2", "create_launch_template_version", standby.region, params, "a version with the copied image")
    return updated(standby, _with_template(group.spec, newest), "use the version with the copied image")


def _with_template(spec: Mapping[str, Any], version: Version) -> dict[str, Any]:
    """The group's member that names its launch template: pinned, since `$Default` and `$Latest` move by themselves."""
    pinned = {"LaunchTemplateId": version.template_id, "Version": version.number}
    policy = spec.get("MixedInstancesPolicy")
    if not policy:
        return {"LaunchTemplate": pinned}
    launch = {**policy.get("LaunchTemplate", {}), "LaunchTemplateSpecification": pinned}
    return {"MixedInstancesPolicy": {**policy, "LaunchTemplate": launch}}


def _template_data(plan: Blueprint, pair: Pair, region: str, model_region: str) -> dict[str, Any] | Blocked:
    """The serving side's template as it must read in the standby's region, or what is not known about that region."""
    replacements = option(pair, region, "replace", {})
    data: dict[str, Any] = rewritten(dict(plan.model.data), model_region, region, replacements)
    image = option(pair, region, "image_id") or (plan.copy.id if plan.copy else plan.model.image_id)
    if image:
        data["ImageId"] = image
    interfaces = data.get("NetworkInterfaces", [])
    needs = {
        "security_groups": bool(data.get("SecurityGroupIds")) or any(one.get("Groups") for one in interfaces),
        "key_name": bool(data.get("KeyName")),
        "kms_key_id": any(one.get("Ebs", {}).get("KmsKeyId") for one in data.get("BlockDeviceMappings", [])),
    }
    for setting, needed in needs.items():
        if needed and option(pair, region, setting) is None:
            why = f"the launch template has {setting.replace('_', ' ')}, and what it is in {region} is not known"
            return Blocked(why, f"set `regions.{region}.{setting}` for {pair.key}, or create the group there at zero")
    if data.get("SecurityGroupIds"):
        data["SecurityGroupIds"] = list(option(pair, region, "security_groups"))
    if interfaces:
        groups = option(pair, region, "security_groups")
        data["NetworkInterfaces"] = [
            {**{name: value for name, value in one.items() if name != "SubnetId"}, **({"Groups": list(groups)} if groups else {})}
            for one in interfaces
        ]
    if data.get("KeyName"):
        data["KeyName"] = option(pair, region, "key_name")
    for mapping in data.get("BlockDeviceMappings", []):
        disk = mapping.get("Ebs", {})
        disk.pop("SnapshotId", None)  # a snapshot of the other region; the image brings its own
        if disk.get("KmsKeyId"):
            disk["KmsKeyId"] = option(pair, region, "kms_key_id")
    if data.get("UserData"):
        data["UserData"] = _user_data(data["UserData"], model_region, region, replacements)
    members: dict[str, Any] = kept(data)
    return {name: value for name, value in members.items() if value != ""}


def _user_data(encoded: str, from_region: str, to_region: str, replace: Mapping[str, str]) -> str:
    """Start scripts name regions as well; what is no text stays as it is."""
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return encoded
    return base64.b64encode(rewritten(text, from_region, to_region, replace).encode()).decode()


def updated(place: Place, change: Mapping[str, Any], why: str, debt: str = "") -> Call:
    params = {"AutoScalingGroupName": place.name, **change}
    return Call("autoscaling", "update_auto_scaling_group", place.region, params, why, debt=debt)


def processes(operation: str, place: Place, processes: Sequence[str], why: str) -> Call:
    """Always with the list: without one, all processes are meant."""
    params = {"AutoScalingGroupName": place.name, "ScalingProcesses": list(processes)}
    return Call("autoscaling", operation, place.region, params, why)


def held(place: Place, group: Group, why: str) -> Call:
    lacking = sorted(set(HELD) - group.suspended)
    return processes("suspend_processes", place, lacking, f"hold alarms and schedules: {why}")


def tagged(place: Place, key: str, value: str, why: str) -> Call:
    params = {"Tags": [_group_tag(place.name, key, value)]}
    return Call("autoscaling", "create_or_update_tags", place.region, params, why)


def _group_tag(name: str, key: str, value: str) -> dict[str, Any]:
    return {
        "ResourceId": name,
        "ResourceType": "auto-scaling-group",
        "Key": key,
        "Value": value,
        "PropagateAtLaunch": False,
    }


def _plain(tag: Mapping[str, Any]) -> dict[str, Any]:
    members = ("ResourceType", "Key", "Value", "PropagateAtLaunch")
    return {name: tag[name] for name in members if name in tag}


def _copied(key: str) -> bool:
    return not key.startswith(("dr:", "aws:"))


def _token(*parts: str) -> str:
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:36]
