# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Auto Scaling adapter sees of a pair of groups, and how it is read: few calls for many groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from ..adapters.base import Reader
from ..model import UNREACHABLE, Pair, Unreachable
from .rewrite import kept, rewritten

#: Written by ACTIVATE before it scales: where both sides run, the larger number is the side activated last.
EPOCH_TAG = "dr:epoch"
#: Written on a standby that phase instantiate made: the image of the other side that it was made from.
FOLLOWS_TAG = "dr:follows"
#: The group's newest activity when it was scaled up: only what failed after it counts.
BASELINE_TAG = "dr:baseline"
#: On a copied image: the image of the other region that it is a copy of.
ORIGIN_TAG = "dr:source-image-id"
#: A value of FOLLOWS_TAG: made by phase instantiate, but not finished.
UNFINISHED = "unfinished"
#: So many launches that failed since the group was scaled up are a failure, not bad luck.
FAILED_LAUNCHES = 3
#: DescribeAutoScalingGroups takes this many names a call.
DESCRIBE_LIMIT = 50
#: What a twin inherits as it is, and what belongs to a region and comes from the settings.
INHERITED = (
    "CapacityRebalance",
    "DefaultCooldown",
    "DefaultInstanceWarmup",
    "DesiredCapacityType",
    "HealthCheckGracePeriod",
    "HealthCheckType",
    "MaxInstanceLifetime",
    "NewInstancesProtectedFromScaleIn",
    "TerminationPolicies",
)
REGIONAL = {"VPCZoneIdentifier": "subnets", "TargetGroupARNs": "target_groups", "LoadBalancerNames": "load_balancer_names"}
TWIN = (*INHERITED, *REGIONAL, "MixedInstancesPolicy", "Tags")


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance of a group. serving: in service and healthy."""

    id: str
    lifecycle: str
    serving: bool
    protected: bool
    type: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """The launch template a group uses; version as the group names it: a number, `$Default` or `$Latest`."""

    id: str
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Group:
    """One side's group.

    failures: why launches failed, newest first, since the group was scaled up and without a success since. newest: its newest
    activity's id. refresh: a running instance refresh's id. operator: what other service manages the group. healthy_targets: of
    its target groups, None where it has none or they were not read. spec: the members
    of AWS's AutoScalingGroup that a twin in the other region is made from.
    """

    arn: str
    minimum: int
    maximum: int
    desired: int
    instances: tuple[Instance, ...] = ()
    suspended: frozenset[str] = frozenset()
    status: str = ""
    template: Template | None = None
    mixed: bool = False
    operator: str = ""
    epoch: int = 0
    follows: str = ""
    baseline: str = ""
    target_groups: tuple[str, ...] = ()
    newest: str = ""
    failures: tuple[str, ...] = ()
    refresh: str = ""
    healthy_targets: int | None = None
    spec: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def serving(self) -> int:
        return sum(instance.serving for instance in self.instances)

    @property
    def instance_type(self) -> str:
        """What all its instances are of, on demand; "" where they differ, or some may be Spot Instances."""
        types = {instance.type for instance in self.instances}
        return types.pop() if len(types) == 1 and not self.mixed else ""

    @property
    def idle(self) -> bool:
        return not (self.desired or self.instances)


@dataclass(frozen=True, slots=True)
class Image:
    """An AMI. origin: what it is a copy of, empty when that is not recorded."""

    id: str
    state: str
    origin: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a launch template and what is in it."""

    template_id: str
    number: str
    data: Mapping[str, Any]

    @property
    def image_id(self) -> str:
        return str(self.data.get("ImageId", ""))


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What a standby is made from, read only while one side serves and the other is missing or at zero.

    model: the serving side's template. image: its AMI (None when the template names none, or by parameter). copy: that AMI in the
    standby's region. current, own: the standby group's template and AMI. newest: the newest version of the standby's template, or
    of the one that has the model's template's name where there is no standby. policies: PutScalingPolicy parameters of what the
    standby lacks.
    """

    model: Version
    image: Image | None = None
    copy: Image | None = None
    current: Version | None = None
    own: Image | None = None
    newest: Version | None = None
    policies: tuple[Mapping[str, Any], ...] = ()

    @property
    def same_image(self) -> bool:
        """Whether the standby's AMI is the serving side's, by what copies record."""
        if self.image is None or (self.current is not None and not self.current.image_id.startswith("ami-")):
            return True  # named by parameter: every region resolves its own
        if self.own is None:
            return False
        return bool({self.own.origin, self.own.id} & {self.image.origin, self.image.id} - {""})


Side: TypeAlias = "Group | Unreachable | None"


@dataclass(frozen=True, slots=True)
class Seen:
    """Both sides, and what a standby is made from."""

    source: Side
    target: Side
    blueprint: Blueprint | Unreachable | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """One side of a pair, as a decision needs it."""

    name: str
    region: str
    side: Side

    @property
    def group(self) -> Group:
        """What stands there. TypeError when that is not known, or nothing: a decision has looked before."""
        if not isinstance(self.side, Group):
            raise TypeError(f"{self.name} in {self.region} is no group that was seen")
        return self.side


def observed(reader: Reader, pairs: Sequence[Pair]) -> dict[str, Seen]:
    """Pair key -> both sides. All pairs share account and regions.

    Groups are read by fifties. Activities are read only of groups that lack instances or are about to be scaled up, refreshes only
    of a source that is to be stopped, templates and images only while a standby is missing or at zero.
    """
    first = pairs[0]
    source = groups(reader, first.account, first.source_region, [pair.source_id for pair in pairs])
    target = groups(reader, first.account, first.target_region, [pair.target_id for pair in pairs])
    seen = {}
    for pair in pairs:
        here = Place(pair.source_id, pair.source_region, source[pair.source_id])
        there = Place(pair.target_id, pair.target_region, target[pair.target_id])
        marked = _epoch(there) > _epoch(here)
        here = replace(here, side=with_activities(reader, pair.account, here, ahead=marked))
        there = replace(there, side=with_activities(reader, pair.account, there, ahead=marked))
        if marked:
            here = replace(here, side=_with_refresh(reader, pair.account, here))
        there = replace(there, side=_with_targets(reader, pair.account, there))
        plan: Blueprint | Unreachable | None = None
        for standby, model in ((there, here), (here, there)):
            waiting = standby.side is None or (isinstance(standby.side, Group) and standby.side.idle)
            if waiting and isinstance(model.side, Group) and model.side.desired:
                plan = _blueprint(reader, pair, standby, model)
        seen[pair.key] = Seen(here.side, there.side, plan)
    return seen


def option(pair: Pair, region: str, name: str, default: Any = None) -> Any:
    """A setting, as it is for one region: `regions.<region>.<name>` before `<name>`."""
    there = pair.settings.get("regions", {}).get(region, {})
    return there.get(name, pair.settings.get(name, default))


def cause(message: str) -> str:
    """What to do about a failed launch, by what Auto Scaling says."""
    for words, remedy in (
        ("InsufficientInstanceCapacity", "add instance types or zones"),
        ("sufficient", "add instance types or zones"),
        ("vCPU", "raise the vCPU quota"),
        ("InternalError", "let the service-linked role AWSServiceRoleForAutoScaling use the KMS key of the volumes"),
        ("IAM Instance Profile", "make the instance profile that it names"),
        ("image id", "give the launch template an image of this region"),
    ):
        if words in message:
            return remedy
    return "correct the cause"


def _epoch(place: Place) -> int:
    return place.side.epoch if isinstance(place.side, Group) else 0


def groups(reader: Reader, account: str, region: str, names: Sequence[str]) -> dict[str, Side]:
    """Groups by name, read by fifties; without what their launches came to."""
    found: dict[str, Side] = dict.fromkeys(names)
    for start in range(0, len(names), DESCRIBE_LIMIT):
        chunk = list(names[start : start + DESCRIBE_LIMIT])
        answer = reader.pages(
            account,
            region,
            "autoscaling",
            "describe_auto_scaling_groups",
            "AutoScalingGroups",
            AutoScalingGroupNames=chunk,
            MaxRecords=100,
        )
        if isinstance(answer, Unreachable):
            return dict.fromkeys(names, UNREACHABLE)
        found |= {item["AutoScalingGroupName"]: _group(item) for item in answer or ()}
    return found


def _group(raw: Mapping[str, Any]) -> Group:
    tags = {tag["Key"]: tag.get("Value", "") for tag in raw.get("Tags", [])}
    mixed = raw.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {}).get("LaunchTemplateSpecification")
    template = raw.get("LaunchTemplate") or mixed
    epoch = tags.get(EPOCH_TAG, "")
    return Group(
        arn=raw.get("AutoScalingGroupARN", ""),
        minimum=raw["MinSize"],
        maximum=raw["MaxSize"],
        desired=raw["DesiredCapacity"],
        instances=tuple(
            Instance(
                id=one["InstanceId"],
                lifecycle=one["LifecycleState"],
                serving=one["LifecycleState"] == "InService" and one["HealthStatus"].lower() == "healthy",
                protected=one["ProtectedFromScaleIn"],
                type=one.get("InstanceType", ""),
            )
            for one in raw.get("Instances", [])
        ),
        suspended=frozenset(process["ProcessName"] for process in raw.get("SuspendedProcesses", [])),
        status=raw.get("Status", ""),
        template=template
        and Template(template["LaunchTemplateId"], template.get("LaunchTemplateName", ""), template.get("Version", "$Default")),
        mixed=bool(mixed),
        operator=raw.get("Operator", {}).get("Principal", "") or ("ecs.amazonaws.com" if "AmazonECSManaged" in tags else ""),
        epoch=int(epoch) if epoch.isdecimal() else 0,
        follows=tags.get(FOLLOWS_TAG, ""),
        baseline=tags.get(BASELINE_TAG, ""),
        target_groups=tuple(raw.get("TargetGroupARNs", [])),
        spec={name: raw[name] for name in TWIN if raw.get(name) not in (None, [], "")},
    )


def with_activities(reader: Reader, account: str, place: Place, *, ahead: bool) -> Side:
    """The group with what its launches came to, read while instances are lacking, or when it is about to be scaled up."""
    group = place.side
    if not isinstance(group, Group) or not (group.serving < group.desired or (ahead and group.idle)):
        return group
    answer = reader.read(
        account, place.region, "autoscaling", "describe_scaling_activities", AutoScalingGroupName=place.name, MaxRecords=50
    )
    if not isinstance(answer, dict):
        return group
    activities = answer.get("Activities", [])
    failures: list[str] = []
    for activity in activities:
        if activity["ActivityId"] == group.baseline or activity["StatusCode"] == "Successful":
            break
        if activity["StatusCode"] in ("Failed", "Cancelled"):
            failures.append(activity.get("StatusMessage") or activity["StatusCode"])
    return replace(group, newest=activities[0]["ActivityId"] if activities else "", failures=tuple(failures))


def _with_refresh(reader: Reader, account: str, place: Place) -> Side:
    """The source with the instance refresh that would fight its stopping; UNREACHABLE when that is not known."""
    group = place.side
    if not isinstance(group, Group) or group.idle:
        return group
    answer = reader.read(
        account, place.region, "autoscaling", "describe_instance_refreshes", AutoScalingGroupName=place.name, MaxRecords=1
    )
    if isinstance(answer, Unreachable):
        return UNREACHABLE
    refreshes = answer.get("InstanceRefreshes", []) if answer else []
    running = [one["InstanceRefreshId"] for one in refreshes if one["Status"] in ("Pending", "InProgress", "Baking")]
    return replace(group, refresh=running[0] if running else "")


def _with_targets(reader: Reader, account: str, place: Place) -> Side:
    """The target with the healthy members of its target groups, read once all instances are in service."""
    group = place.side
    if not isinstance(group, Group) or not group.target_groups or not group.desired or group.serving < group.desired:
        return group
    healthy = []
    mine = {instance.id for instance in group.instances}
    for arn in group.target_groups:
        answer = reader.read(
            account, place.region, "elbv2", "describe_target_health", absent=("TargetGroupNotFound",), TargetGroupArn=arn
        )
        if isinstance(answer, Unreachable):
            return UNREACHABLE
        states = answer.get("TargetHealthDescriptions", []) if answer else []
        healthy.append(sum(one["TargetHealth"]["State"] == "healthy" and one["Target"]["Id"] in mine for one in states))
    return replace(group, healthy_targets=min(healthy))


def _blueprint(reader: Reader, pair: Pair, standby: Place, model: Place) -> Blueprint | Unreachable | None:
    serving, group = model.group, standby.side
    if serving.template is None or serving.operator:
        return None
    source = template_version(reader, pair.account, model.region, serving.template, serving.template.version)
    if not isinstance(source, Version):
        return source
    current: Version | Unreachable | None = None
    if isinstance(group, Group) and group.template:
        current = template_version(reader, pair.account, standby.region, group.template, group.template.version)
    like = group.template if isinstance(group, Group) and group.template else Template("", serving.template.name, "")
    newest = template_version(reader, pair.account, standby.region, like, "$Latest")
    image = _image(reader, pair.account, model.region, source.image_id)
    own = _image(reader, pair.account, standby.region, current.image_id) if isinstance(current, Version) else None
    copy = _copy(reader, pair.account, standby.region, image) if isinstance(image, Image) else None
    policies = _policies(reader, pair.account, standby, model)
    if isinstance(current, Unreachable) or isinstance(newest, Unreachable) or isinstance(policies, Unreachable):
        return UNREACHABLE
    if isinstance(image, Unreachable) or isinstance(own, Unreachable) or isinstance(copy, Unreachable):
        return UNREACHABLE
    return Blueprint(source, image, copy, current, own, newest, policies)


def template_version(reader: Reader, account: str, region: str, template: Template, version: str) -> Version | Unreachable | None:
    """A version of a launch template, without empty members; by its name where the id is ""."""
    which: dict[str, Any] = {"LaunchTemplateId": template.id} if template.id else {"LaunchTemplateName": template.name}
    answer = reader.read(
        account,
        region,
        "ec2",
        "describe_launch_template_versions",
        absent=(
            "InvalidLaunchTemplateId.NotFound",
            "InvalidLaunchTemplateId.VersionNotFound",
            "InvalidLaunchTemplateName.NotFoundException",
        ),
        Versions=[version],
        **which,
    )
    if isinstance(answer, dict):
        for found in answer.get("LaunchTemplateVersions", []):
            return Version(found["LaunchTemplateId"], str(found["VersionNumber"]), kept(found["LaunchTemplateData"]))
        return None
    return answer


def _image(reader: Reader, account: str, region: str, image_id: str) -> Image | Unreachable | None:
    if not image_id.startswith("ami-"):
        return None
    absent = ("InvalidAMIID.NotFound", "InvalidAMIID.Unavailable")
    return _first(reader.read(account, region, "ec2", "describe_images", absent=absent, ImageIds=[image_id]))


def _copy(reader: Reader, account: str, region: str, image: Image) -> Image | Unreachable | None:
    """The image in another region: what it is itself a copy of, or a copy of it."""
    if image.origin:
        original = _image(reader, account, region, image.origin)
        if original is not None:
            return original
    wanted = [{"Name": f"tag:{ORIGIN_TAG}", "Values": [image.id]}]
    return _first(reader.read(account, region, "ec2", "describe_images", Owners=["self"], Filters=wanted))


def _first(answer: dict[str, Any] | Unreachable | None) -> Image | Unreachable | None:
    if not isinstance(answer, dict):
        return answer
    images = sorted(answer.get("Images", []), key=lambda image: (image["State"] != "available", image["ImageId"]))
    for image in images:
        tags = {tag["Key"]: tag["Value"] for tag in image.get("Tags", [])}
        return Image(image["ImageId"], image["State"], tags.get(ORIGIN_TAG, ""), image.get("Name", ""))
    return None


def _policies(reader: Reader, account: str, standby: Place, model: Place) -> tuple[Mapping[str, Any], ...] | Unreachable:
    """What an unfinished standby lacks of the serving side's target tracking.

    Tracking of a load balancer's requests, and step scaling with its alarms, belong to a region and are left out.
    """
    group = standby.side
    if not isinstance(group, Group) or group.follows != UNFINISHED:
        return ()

    def policies(place: Place) -> list[dict[str, Any]] | Unreachable | None:
        return reader.pages(
            account,
            place.region,
            "autoscaling",
            "describe_policies",
            "ScalingPolicies",
            AutoScalingGroupName=place.name,
        )

    ours, there = policies(model), policies(standby)
    if isinstance(ours, Unreachable) or isinstance(there, Unreachable):
        return UNREACHABLE
    names = {policy["PolicyName"] for policy in there or ()}
    lacking = []
    for policy in ours or ():
        tracking = policy.get("TargetTrackingConfiguration", {})
        if (
            policy["PolicyName"] not in names
            and tracking
            and "ResourceLabel" not in tracking.get("PredefinedMetricSpecification", {})
        ):
            lacking.append(
                {
                    "AutoScalingGroupName": standby.name,
                    "PolicyName": policy["PolicyName"],
                    "PolicyType": "TargetTrackingScaling",
                    "TargetTrackingConfiguration": rewritten(tracking, model.region, standby.region, {}),
                }
            )
    return tuple(lacking)
