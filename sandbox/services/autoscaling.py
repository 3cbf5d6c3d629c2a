# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2 Auto Scaling groups whose instances take time to come and go, and can fail to launch; images that take time to copy.

Groups, activities, policies and refreshes are ours (moto launches at once, even while Launch is suspended, and keeps no
activities); the instances exist in moto's EC2 and in its target groups. Not simulated: warm pools, lifecycle hooks, scaling by
metrics or schedules, launch configurations.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from moto.backends import get_backend

from sandbox.gateway import Ctx, lists, op, seed
from sandbox.model import AwsError

#: Simulated seconds: until an instance is in service, has failed to launch, is gone; between attempts; an image's copy; a refresh.
IN_SERVICE_AFTER, FAILED_AFTER, GONE_AFTER, RETRY_AFTER, RETRY_MAX = 60, 10, 45, 30, 300
COPIED_AFTER, REFRESHED_AFTER = 600, 900
PROCESSES = (
    "AZRebalance",
    "AddToLoadBalancer",
    "AlarmNotification",
    "HealthCheck",
    "InstanceRefresh",
    "Launch",
    "ReplaceUnhealthy",
    "ScheduledActions",
    "Terminate",
)
NO_CAPACITY = (
    "We currently do not have sufficient {type} capacity in the Availability Zone you requested. Launching EC2 instance failed."
)
NO_PROFILE = (
    "Invalid IamInstanceProfile: Value ({profile}) for parameter iamInstanceProfile.name is invalid. "
    "Invalid IAM Instance Profile name. Launching EC2 instance failed."
)
NO_IMAGE = "The image id '[{image}]' does not exist. Launching EC2 instance failed."
#: A key that a copy "appears to complete" with, and fails.
BAD_KEY = "alias/sim-bad"
_TEMPLATES = ("LaunchTemplate", "MixedInstancesPolicy")

Params = dict[str, Any]


@dataclass(slots=True)
class Group:
    """A group as it is described (`view`), and what is described elsewhere."""

    view: Params
    tags: dict[str, str] = field(default_factory=dict)
    propagated: set[str] = field(default_factory=set)
    instances: list[Params] = field(default_factory=list)
    suspended: dict[str, str] = field(default_factory=dict)
    activities: list[Params] = field(default_factory=list)
    policies: dict[str, Params] = field(default_factory=dict)
    refreshes: list[Params] = field(default_factory=list)
    attempts: int = 0

    def alive(self) -> list[Params]:
        return [one for one in self.instances if one["LifecycleState"] in ("Pending", "InService")]


# -- state ------------------------------------------------------------------------------------------------------------


def _groups(ctx: Ctx) -> dict[str, Group]:
    held: dict[str, Group] = ctx.at("autoscaling").setdefault("groups", {})
    return held


def _group(ctx: Ctx, params: Params) -> Group:
    name = params["AutoScalingGroupName"]
    group = _groups(ctx).get(name)
    if group is None:
        raise AwsError("ValidationError", f"AutoScalingGroup name not found - no such group: {name}")
    return group


def _id(ctx: Ctx) -> str:
    """Identifiers count up: the same calls give the same ones."""
    store = ctx.at("autoscaling")
    store["ids"] = store.get("ids", 0) + 1
    return f"{zlib.crc32(f'{ctx.account}{ctx.region}'.encode()):08x}-0000-4000-8000-{store['ids']:012x}"


def _shown(group: Group) -> Params:
    name = group.view["AutoScalingGroupName"]
    return {
        **group.view,
        "Instances": group.instances,
        "SuspendedProcesses": [
            {"ProcessName": process, "SuspensionReason": reason} for process, reason in sorted(group.suspended.items())
        ],
        "Tags": [_tag(name, group, key) for key in group.tags],
    }


def _tag(name: str, group: Group, key: str) -> Params:
    kind = "auto-scaling-group"
    propagated = key in group.propagated
    return {"ResourceId": name, "ResourceType": kind, "Key": key, "Value": group.tags[key], "PropagateAtLaunch": propagated}


def _template(ctx: Ctx, params: Params) -> Params:
    """A launch template as a group shows it: id, name and the version that was named."""
    given = params.get("LaunchTemplate") or params["MixedInstancesPolicy"]["LaunchTemplate"]["LaunchTemplateSpecification"]
    wanted = given.get("LaunchTemplateId") or given.get("LaunchTemplateName")
    for template in get_backend("ec2")[ctx.account][ctx.region].launch_templates.values():
        if wanted in (template.id, template.name):
            version = given.get("Version", "$Default")
            return {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name, "Version": version}
    message = f"You must use a valid fully-formed launch template. The specified launch template {wanted} does not exist."
    raise AwsError("ValidationError", message)


def _pin(ctx: Ctx, view: Params, params: Params) -> None:
    if params.get("LaunchTemplate"):
        view["LaunchTemplate"] = _template(ctx, params)
    elif params.get("MixedInstancesPolicy"):
        policy = params["MixedInstancesPolicy"]
        launch = {**policy["LaunchTemplate"], "LaunchTemplateSpecification": _template(ctx, params)}
        view["MixedInstancesPolicy"] = {**policy, "LaunchTemplate": launch}


def _check_size(view: Params) -> None:
    low, high, desired = view["MinSize"], view["MaxSize"], view["DesiredCapacity"]
    if low > high:
        raise AwsError("ValidationError", "Max bound must be greater than or equal to min bound")
    if not low <= desired <= high:
        message = f"Desired capacity:{desired} must be between the specified min size:{low} and max size:{high}"
        raise AwsError("ValidationError", message)


# -- instances over time ----------------------------------------------------------------------------------------------


def _reconcile(ctx: Ctx, group: Group) -> None:
    """Launch what is lacking, terminate what is too much, unless the process is suspended."""
    alive, desired = group.alive(), group.view["DesiredCapacity"]
    if len(alive) < desired and "Launch" not in group.suspended and not group.view.get("Status"):
        _launch(ctx, group, desired - len(alive))
    elif len(alive) > desired and "Terminate" not in group.suspended:
        free = [one for one in alive if not one["ProtectedFromScaleIn"]]
        _terminate(ctx, group, free[-(len(alive) - desired) :], "a user request")


def _activity(ctx: Ctx, group: Group, description: str, cause: str) -> Params:
    now = ctx.clock.now()
    activity = {
        "ActivityId": _id(ctx),
        "AutoScalingGroupName": group.view["AutoScalingGroupName"],
        "AutoScalingGroupARN": group.view["AutoScalingGroupARN"],
        "Description": description,
        "Cause": f"At {ctx.clock.iso()} {cause}",
        "StartTime": now,
        "StatusCode": "InProgress",
        "Progress": 30,
    }
    group.activities.insert(0, activity)
    del group.activities[100:]
    return activity


def _end(ctx: Ctx, activity: Params, status: str, message: str = "") -> None:
    activity.update(StatusCode=status, Progress=100, EndTime=ctx.clock.now())
    if message:
        activity["StatusMessage"] = message


def _launch(ctx: Ctx, group: Group, number: int) -> None:
    ctx = ctx.within(service="autoscaling")
    data = _launch_data(ctx, group)
    cause = f"an instance was started in response to a difference between desired and actual capacity of {number}."
    refused = _refusal(ctx, group, data)
    if refused:
        for _number in range(number):
            activity = _activity(ctx, group, "Launching a new EC2 instance", cause)
            ctx.clock.after(FAILED_AFTER, partial(_end, ctx, activity, "Failed", refused))
        group.attempts += 1
        retry = min(RETRY_MAX, RETRY_AFTER * 2 ** (group.attempts - 1))
        ctx.clock.after(FAILED_AFTER + retry, lambda: _reconcile(ctx, group))
        return
    group.attempts = 0
    for one in _instances(ctx, group, data, number, "Pending"):
        activity = _activity(ctx, group, f"Launching a new EC2 instance: {one['InstanceId']}", cause)
        ctx.clock.after(IN_SERVICE_AFTER, partial(_arrive, ctx, group, one, activity))


def _refusal(ctx: Ctx, group: Group, data: Params) -> str:
    image = data.get("ImageId", "")
    ami = get_backend("ec2")[ctx.account][ctx.region].amis.get(image)
    if ami is None or ami.state != "available":
        return NO_IMAGE.format(image=image)
    profile = data.get("IamInstanceProfile", {}).get("Name")
    if profile and profile not in {
        one["InstanceProfileName"] for one in ctx.client("iam").list_instance_profiles()["InstanceProfiles"]
    }:
        return NO_PROFILE.format(profile=profile)
    return NO_CAPACITY.format(type=data.get("InstanceType", "m5.large")) if group.tags.get("sim:instances") == "fail" else ""


def _launch_data(ctx: Ctx, group: Group) -> Params:
    mixed = group.view.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {}).get("LaunchTemplateSpecification")
    template = group.view.get("LaunchTemplate") or mixed
    answer = ctx.client("ec2").describe_launch_template_versions(
        LaunchTemplateId=template["LaunchTemplateId"], Versions=[template["Version"]]
    )
    data: Params = answer["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    return data


def _instances(ctx: Ctx, group: Group, data: Params, number: int, state: str) -> list[Params]:
    name = group.view["AutoScalingGroupName"]
    tags = {"sim:autoscaling-group": name} | {key: group.tags[key] for key in sorted(group.propagated)}
    kind = data.get("InstanceType", "m5.large")
    reservation = ctx.client("ec2").run_instances(
        ImageId=data["ImageId"],
        MinCount=number,
        MaxCount=number,
        InstanceType=kind,
        NetworkInterfaces=[_card(ctx, group, data)],
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}],
    )
    zones = group.view["AvailabilityZones"]
    made = [
        {
            "InstanceId": instance["InstanceId"],
            "InstanceType": kind,
            "AvailabilityZone": zones[index % len(zones)],
            "LifecycleState": state,
            "HealthStatus": "Healthy",
            "ProtectedFromScaleIn": group.view.get("NewInstancesProtectedFromScaleIn", False),
            "ImageId": data["ImageId"],
        }
        for index, instance in enumerate(reservation["Instances"])
    ]
    group.instances.extend(made)
    if state == "InService":
        _register(ctx, group, [one["InstanceId"] for one in made])
    return made


def _card(ctx: Ctx, group: Group, data: Params) -> Params:
    """The network interface of its instances: in the group's first subnet that exists, with its template's groups that do."""
    backend = get_backend("ec2")[ctx.account][ctx.region]
    subnets = {ident for zone in backend.subnets.values() for ident in zone}
    known = {ident for network in backend.groups.values() for ident in network}
    named = next((one.get("Groups", []) for one in data.get("NetworkInterfaces", [])), data.get("SecurityGroupIds", []))
    card: Params = {"DeviceIndex": 0, "DeleteOnTermination": True, "Groups": [one for one in named if one in known]}
    place = [one for one in group.view.get("VPCZoneIdentifier", "").split(",") if one in subnets]
    return {**card, "SubnetId": place[0]} if place else card


def _arrive(ctx: Ctx, group: Group, one: Params, activity: Params) -> None:
    if one["LifecycleState"] != "Pending":
        return
    one["LifecycleState"] = "InService"
    _end(ctx, activity, "Successful")
    _register(ctx, group, [one["InstanceId"]])


def _register(ctx: Ctx, group: Group, ids: list[str]) -> None:
    """Into the target groups, unless AddToLoadBalancer is suspended: then they are never registered later."""
    groups = get_backend("elbv2")[ctx.account][ctx.region].target_groups
    if ids and "AddToLoadBalancer" not in group.suspended:
        for arn in filter(groups.__contains__, group.view.get("TargetGroupARNs", [])):
            ctx.client("elbv2").register_targets(TargetGroupArn=arn, Targets=[{"Id": one} for one in ids])


def _terminate(ctx: Ctx, group: Group, leaving: Iterable[Params], cause: str) -> None:
    ctx, gone = ctx.within(service="autoscaling"), list(leaving)
    for one in gone:
        one["LifecycleState"] = "Terminating"
        activity = _activity(ctx, group, f"Terminating EC2 instance: {one['InstanceId']}", f"an instance left after {cause}.")
        ctx.clock.after(GONE_AFTER, partial(_end, ctx, activity, "Successful"))
    ids = [one["InstanceId"] for one in gone]
    if not ids:
        return
    groups = get_backend("elbv2")[ctx.account][ctx.region].target_groups
    for arn in group.view.get("TargetGroupARNs", []):
        registered = [{"Id": one} for one in ids if arn in groups and one in groups[arn].targets]
        if registered:
            ctx.client("elbv2").deregister_targets(TargetGroupArn=arn, Targets=registered)

    def left() -> None:
        group.instances[:] = [one for one in group.instances if one["InstanceId"] not in ids]
        ctx.client("ec2").terminate_instances(InstanceIds=ids)
        if group.view.get("Status") and not group.instances:
            _groups(ctx).pop(group.view["AutoScalingGroupName"], None)

    ctx.clock.after(GONE_AFTER, left)


# -- groups -----------------------------------------------------------------------------------------------------------


@op("autoscaling", "CreateAutoScalingGroup")
def create_group(ctx: Ctx, params: Params) -> Params:
    name = params["AutoScalingGroupName"]
    if name in _groups(ctx):
        message = f"AutoScalingGroup by this name already exists - A group with the name {name} already exists"
        raise AwsError("AlreadyExists", message)
    if not any(params.get(member) for member in _TEMPLATES):
        message = "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or MixedInstancesPolicy"
        raise AwsError("ValidationError", message)
    if not params.get("VPCZoneIdentifier") and not params.get("AvailabilityZones"):
        raise AwsError("ValidationError", "At least one Availability Zone or VPC Subnet is required.")
    _make(ctx, params)
    _reconcile(ctx, _groups(ctx)[name])
    return {}


def _make(ctx: Ctx, params: Params) -> Group:
    name = params["AutoScalingGroupName"]
    view: Params = {
        "DefaultCooldown": 300,
        "AvailabilityZones": [f"{ctx.region}a", f"{ctx.region}b"],
        "HealthCheckType": "EC2",
        "HealthCheckGracePeriod": 0,
        "LoadBalancerNames": [],
        "TargetGroupARNs": [],
        "TerminationPolicies": ["Default"],
        "NewInstancesProtectedFromScaleIn": False,
        **{key: value for key, value in params.items() if key not in ("Tags", *_TEMPLATES)},
        "AutoScalingGroupARN": (
            f"arn:aws:autoscaling:{ctx.region}:{ctx.account}:autoScalingGroup:{_id(ctx)}:autoScalingGroupName/{name}"
        ),
        "DesiredCapacity": params.get("DesiredCapacity", params["MinSize"]),
        "CreatedTime": ctx.clock.now(),
    }
    _check_size(view)
    _pin(ctx, view, params)
    group = _groups(ctx)[name] = Group(view)
    _put_tags(group, params.get("Tags", []))
    return group


@op("autoscaling", "UpdateAutoScalingGroup")
def update_group(ctx: Ctx, params: Params) -> Params:
    """Without a desired capacity, the present one follows a raised minimum and a lowered maximum."""
    group = _group(ctx, params)
    view = dict(group.view)
    view.update({key: value for key, value in params.items() if key not in _TEMPLATES})
    if "DesiredCapacity" not in params:
        view["DesiredCapacity"] = min(max(view["DesiredCapacity"], view["MinSize"]), view["MaxSize"])
    _check_size(view)
    _pin(ctx, view, params)
    group.view.update(view)
    group.attempts = 0
    _reconcile(ctx, group)
    return {}


@op("autoscaling", "SetDesiredCapacity")
def set_desired_capacity(ctx: Ctx, params: Params) -> Params:
    group = _group(ctx, params)
    _check_size({**group.view, "DesiredCapacity": params["DesiredCapacity"]})
    group.view["DesiredCapacity"] = params["DesiredCapacity"]
    _reconcile(ctx, group)
    return {}


@op("autoscaling", "DeleteAutoScalingGroup")
def delete_group(ctx: Ctx, params: Params) -> Params:
    group = _group(ctx, params)
    if group.instances and not params.get("ForceDelete"):
        message = "You cannot delete an AutoScalingGroup while there are instances or pending requests still in the group."
        raise AwsError("ResourceInUse", message)
    group.view.update(Status="Delete in progress", MinSize=0, DesiredCapacity=0)
    if group.instances:
        _terminate(ctx, group, group.alive(), "the deletion of its group")
    else:
        _groups(ctx).pop(params["AutoScalingGroupName"])
    return {}


@op("autoscaling", "DescribeAutoScalingGroups")
def describe_groups(ctx: Ctx, params: Params) -> Params:
    """Pages of 50 to 100; names that do not exist are left out."""
    names = params.get("AutoScalingGroupNames")
    held = _groups(ctx)
    found = [held[name] for name in dict.fromkeys(names) if name in held] if names else [held[name] for name in sorted(held)]
    page, token = _page(found, params)
    return {"AutoScalingGroups": [_shown(group) for group in page], **token}


def _page(items: list[Any], params: Params) -> tuple[list[Any], Params]:
    start, size = int(params.get("NextToken") or 0), min(params.get("MaxRecords") or 50, 100)
    following = start + size
    return items[start:following], {"NextToken": str(following)} if following < len(items) else {}


@op("autoscaling", "DescribeAutoScalingInstances")
def describe_instances(ctx: Ctx, params: Params) -> Params:
    wanted = params.get("InstanceIds")
    found = [
        {
            **{key: value for key, value in one.items() if key != "ImageId"},
            "HealthStatus": one["HealthStatus"].upper(),
            "AutoScalingGroupName": name,
        }
        for name, group in sorted(_groups(ctx).items())
        for one in group.instances
        if not wanted or one["InstanceId"] in wanted
    ]
    page, token = _page(found, params)
    return {"AutoScalingInstances": page, **token}


@op("autoscaling", "DescribeScalingActivities")
def describe_activities(ctx: Ctx, params: Params) -> Params:
    """Newest first."""
    group = _group(ctx, params)
    page, token = _page(group.activities, params)
    return {"Activities": page, **token}


@op("autoscaling", "SuspendProcesses")
def suspend_processes(ctx: Ctx, params: Params) -> Params:
    """All processes when none is named."""
    group = _group(ctx, params)
    for process in _processes(params):
        group.suspended[process] = f"User suspended at {ctx.clock.iso()}"
    return {}


@op("autoscaling", "ResumeProcesses")
def resume_processes(ctx: Ctx, params: Params) -> Params:
    group = _group(ctx, params)
    for process in _processes(params):
        group.suspended.pop(process, None)
    _reconcile(ctx, group)
    return {}


def _processes(params: Params) -> Iterable[str]:
    named: list[str] = params.get("ScalingProcesses") or list(PROCESSES)
    for process in named:
        if process not in PROCESSES:
            raise AwsError("ValidationError", f"Invalid process type {process}")
    return named


@op("autoscaling", "SetInstanceProtection")
def set_instance_protection(ctx: Ctx, params: Params) -> Params:
    group = _group(ctx, params)
    known = {one["InstanceId"]: one for one in group.instances}
    for one in params["InstanceIds"]:
        if one not in known:
            raise AwsError("ValidationError", f"The instance {one} is not part of Auto Scaling group.")
        known[one]["ProtectedFromScaleIn"] = params["ProtectedFromScaleIn"]
    _reconcile(ctx, group)
    return {}


@op("autoscaling", "DescribeAccountLimits")
def describe_account_limits(ctx: Ctx, params: Params) -> Params:
    return {
        "MaxNumberOfAutoScalingGroups": 500,
        "MaxNumberOfLaunchConfigurations": 200,
        "NumberOfAutoScalingGroups": len(_groups(ctx)),
        "NumberOfLaunchConfigurations": 0,
    }


# -- tags, policies, refreshes ----------------------------------------------------------------------------------------


def _put_tags(group: Group, tags: Iterable[Params]) -> None:
    for tag in tags:
        group.tags[tag["Key"]] = tag.get("Value", "")
        group.propagated.discard(tag["Key"])
        if tag.get("PropagateAtLaunch"):
            group.propagated.add(tag["Key"])


@op("autoscaling", "CreateOrUpdateTags")
def create_or_update_tags(ctx: Ctx, params: Params) -> Params:
    for tag in params["Tags"]:
        _put_tags(_group(ctx, {"AutoScalingGroupName": tag.get("ResourceId", "")}), [tag])
    return {}


@op("autoscaling", "DeleteTags")
def delete_tags(ctx: Ctx, params: Params) -> Params:
    for tag in params["Tags"]:
        group = _group(ctx, {"AutoScalingGroupName": tag.get("ResourceId", "")})
        group.tags.pop(tag["Key"], None)
        group.propagated.discard(tag["Key"])
    return {}


@op("autoscaling", "DescribeTags")
def describe_tags(ctx: Ctx, params: Params) -> Params:
    filters = {one["Name"]: one.get("Values", []) for one in params.get("Filters", [])}
    found = [
        _tag(name, group, key)
        for name, group in sorted(_groups(ctx).items())
        for key in group.tags
        if name in filters.get("auto-scaling-group", [name])
        and key in filters.get("key", [key])
        and group.tags[key] in filters.get("value", [group.tags[key]])
    ]
    page, token = _page(found, params)
    return {"Tags": page, **token}


@lists("autoscaling")
def listed(ctx: Ctx) -> Iterable[tuple[str, str, dict[str, str]]]:
    for group in _groups(ctx).values():
        yield group.view["AutoScalingGroupARN"], "autoscaling:autoScalingGroup", group.tags


@op("autoscaling", "PutScalingPolicy")
def put_scaling_policy(ctx: Ctx, params: Params) -> Params:
    group, name = _group(ctx, params), params["PolicyName"]
    arn = f"arn:aws:autoscaling:{ctx.region}:{ctx.account}:scalingPolicy:{_id(ctx)}:policyName/{name}"
    group.policies[name] = {"PolicyType": "SimpleScaling", "Enabled": True, **params, "PolicyARN": arn, "Alarms": []}
    return {"PolicyARN": arn, "Alarms": []}


@op("autoscaling", "DescribePolicies")
def describe_policies(ctx: Ctx, params: Params) -> Params:
    names = params.get("PolicyNames")
    groups = [_group(ctx, params)] if params.get("AutoScalingGroupName") else list(_groups(ctx).values())
    found = [policy for group in groups for name, policy in sorted(group.policies.items()) if not names or name in names]
    page, token = _page(found, params)
    return {"ScalingPolicies": page, **token}


@op("autoscaling", "StartInstanceRefresh")
def start_instance_refresh(ctx: Ctx, params: Params) -> Params:
    group = _group(ctx, params)
    if any(one["Status"] == "InProgress" for one in group.refreshes):
        raise AwsError("InstanceRefreshInProgress", "An Instance Refresh is already in progress and blocks the execution")
    name = params["AutoScalingGroupName"]
    refresh = {"InstanceRefreshId": _id(ctx), "AutoScalingGroupName": name, "Status": "InProgress", "StartTime": ctx.clock.now()}
    group.refreshes.insert(0, refresh)
    ctx.clock.after(REFRESHED_AFTER, partial(_finish, refresh, "InProgress", "Successful"))
    return {"InstanceRefreshId": refresh["InstanceRefreshId"]}


def _finish(refresh: Params, before: str, status: str) -> None:
    if refresh["Status"] == before:
        refresh["Status"] = status


@op("autoscaling", "CancelInstanceRefresh")
def cancel_instance_refresh(ctx: Ctx, params: Params) -> Params:
    """Cancelling takes a while."""
    for refresh in _group(ctx, params).refreshes:
        if refresh["Status"] == "InProgress":
            refresh["Status"] = "Cancelling"
            ctx.clock.after(GONE_AFTER, partial(_finish, refresh, "Cancelling", "Cancelled"))
            return {"InstanceRefreshId": refresh["InstanceRefreshId"]}
    raise AwsError("ActiveInstanceRefreshNotFound", "No in progress or pending Instance Refresh found")


@op("autoscaling", "DescribeInstanceRefreshes")
def describe_instance_refreshes(ctx: Ctx, params: Params) -> Params:
    page, token = _page(_group(ctx, params).refreshes, params)
    return {"InstanceRefreshes": page, **token}


# -- images -----------------------------------------------------------------------------------------------------------


@op("ec2", "CopyImage")
def copy_image(ctx: Ctx, params: Params) -> Params:
    """Pending for ten minutes; the same client token gives the same copy; a key that cannot be used fails at the end."""
    tokens = ctx.store.setdefault("copy_tokens", {})
    token = params.get("ClientToken")
    if token in tokens:
        return {"ImageId": tokens[token]}
    tags = {tag["Key"]: tag["Value"] for one in params.get("TagSpecifications", []) for tag in one["Tags"]}
    out = ctx.moto()
    ami = _copied(ctx, out["ImageId"], params["SourceImageId"], params["SourceRegion"], params.get("CopyImageTags", False), tags)
    if token:
        tokens[token] = out["ImageId"]
    ami.state = "pending"
    ends = "failed" if params.get("KmsKeyId") == BAD_KEY else "available"
    ctx.clock.after(COPIED_AFTER, lambda: setattr(ami, "state", ends))
    return {"ImageId": out["ImageId"]}


def _copied(ctx: Ctx, made: str, source: str, region: str, inherit: bool, tags: dict[str, str]) -> Any:
    backend = get_backend("ec2")[ctx.account][ctx.region]
    ami = backend.amis[made]
    origin = get_backend("ec2")[ctx.account][region].amis[source]
    before = {tag["key"]: tag["value"] for tag in origin.get_tags()} if inherit else {}
    ami.add_tags({**before, **tags})
    return ami


# -- estates ----------------------------------------------------------------------------------------------------------


@seed("autoscaling_group")
def autoscaling_group(ctx: Ctx, spec: Params) -> Params:
    """A group with a launch template and a CPU policy, and its standby.

    name, min (1), max (4), desired (2), image ("base": an AMI's name), instance_type, target_group (false); protected: instances
    are protected from scale-in; instances: "fail" (launches find no capacity), the same as the tag sim:instances. peer: {region,
    name, min (0), desired (0), instances, …}: the standby, as phase instantiate leaves it.
    """
    image = _seeded(ctx, spec)
    group = _built(ctx, spec, image, spec.get("tags") or {})
    peer = spec.get("peer")
    if peer:
        there = ctx.within(region=peer["region"])
        copies = there.at("autoscaling").setdefault("copies", {})
        if image not in copies:
            backend = get_backend("ec2")[there.account][there.region]
            copies[image] = backend.copy_image(image, ctx.region, spec.get("image", "base")).id
            _copied(there, copies[image], image, ctx.region, True, {"dr:source-image-id": image})
        shared = {key: value for key, value in (spec.get("tags") or {}).items() if not key.startswith("dr:")}
        twin = {**spec, "min": 0, "desired": 0, "protected": False, **peer}
        standby = _built(there, twin, copies[image], {**shared, "dr:follows": image, **peer.get("tags", {})})
        if not twin["desired"]:
            standby.suspended = dict.fromkeys(("AlarmNotification", "ScheduledActions"), "User suspended")
    return {"arn": group.view["AutoScalingGroupARN"], "image_id": image}


def _seeded(ctx: Ctx, spec: Params) -> str:
    images, name = ctx.at("autoscaling").setdefault("images", {}), spec.get("image", "base")
    if name not in images:
        images[name] = ctx.client("ec2").register_image(Name=name, RootDeviceName="/dev/xvda")["ImageId"]
    return str(images[name])


def _built(ctx: Ctx, spec: Params, image: str, tags: dict[str, str]) -> Group:
    ctx, name = ctx.within(service="autoscaling"), spec["name"]
    place = f"{zlib.crc32(f'{ctx.account}{ctx.region}'.encode()):08x}"
    data = {
        "ImageId": image,
        "InstanceType": spec.get("instance_type", "m5.large"),
        "SecurityGroupIds": [f"sg-0{place}"],
    }
    made = ctx.client("ec2").create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data)["LaunchTemplate"]
    params: Params = {
        "AutoScalingGroupName": name,
        "MinSize": spec.get("min", 1),
        "MaxSize": spec.get("max", 4),
        "DesiredCapacity": spec.get("desired", 2),
        "LaunchTemplate": {"LaunchTemplateId": made["LaunchTemplateId"], "Version": "1"},
        "VPCZoneIdentifier": f"subnet-0{place}a,subnet-0{place}b",
        "NewInstancesProtectedFromScaleIn": spec.get("protected", False),
        "Tags": [{"Key": key, "Value": value, "PropagateAtLaunch": not key.startswith("dr:")} for key, value in tags.items()],
    }
    if "instances" in spec:
        params["Tags"].append({"Key": "sim:instances", "Value": spec["instances"]})
    if spec.get("target_group"):
        vpc = ctx.client("ec2").describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
        made = ctx.client("elbv2").create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=vpc)
        params["TargetGroupARNs"] = [made["TargetGroups"][0]["TargetGroupArn"]]
    group = _make(ctx, params)
    if params["DesiredCapacity"]:
        _instances(ctx, group, data, params["DesiredCapacity"], "InService")
    metric = {"PredefinedMetricType": "ASGAverageCPUUtilization"}
    tracking = {"PredefinedMetricSpecification": metric, "TargetValue": 60.0}
    policy = {"PolicyName": "cpu", "PolicyType": "TargetTrackingScaling", "TargetTrackingConfiguration": tracking}
    put_scaling_policy(ctx, {"AutoScalingGroupName": name, **policy})
    return group
