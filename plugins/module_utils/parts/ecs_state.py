# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ECS adapter sees of a pair, and how it is read: few calls for many services."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from ..adapters.base import Reader
from ..model import UNREACHABLE, Pair, Unreachable
from .rewrite import rewritten
from .task_definition import EcrImage, ecr_images, family, normalised, task_size

#: Written by ACTIVATE before it scales: where both sides run, the larger number is the side activated last.
EPOCH_TAG = "dr:epoch"
#: Written on a standby: the other side's task definition that it was made from, so that none is read again.
FOLLOWS_TAG = "dr:follows"
#: DescribeServices takes this many services a call.
DESCRIBE_LIMIT = 10
#: DescribeScalableTargets takes this many ResourceIds a call.
SCALING_LIMIT = 50
#: What a twin inherits as it is, and what belongs to a region and comes from the settings.
INHERITED = (
    "availabilityZoneRebalancing",
    "deploymentConfiguration",
    "deploymentController",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "healthCheckGracePeriodSeconds",
    "placementConstraints",
    "placementStrategy",
    "platformVersion",
    "propagateTags",
    "schedulingStrategy",
)
REGIONAL = {
    "networkConfiguration": "subnets",
    "loadBalancers": "load_balancers",
    "serviceRegistries": "service_registries",
}
TWIN = (*INHERITED, *REGIONAL, "capacityProviderStrategy", "launchType", "tags")
NOT_STARTED = ("TaskFailedToStart", "EssentialContainerExited")
DIMENSION = "ecs:service:DesiredCount"
SUSPENSIONS = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")


@dataclass(frozen=True, slots=True)
class Scaling:
    """A scalable target. held: all three kinds of scaling are suspended; free: none is."""

    minimum: int
    maximum: int
    held: bool
    free: bool


@dataclass(frozen=True, slots=True)
class Service:
    """One side's service.

    rollout: FAILED if any deployment failed. deployment: the primary one's id. stopped: why its tasks could not start.
    healthy_targets: healthy members of its emptiest target group, None where it has none or they were not read.
    spec: the members of AWS's Service that a twin in the other region is made from.
    """

    arn: str
    status: str
    desired: int
    running: int
    pending: int
    task_definition: str
    rollout: str = "COMPLETED"
    rollout_reason: str = ""
    failed_tasks: int = 0
    scaling: Scaling | None = None
    epoch: int = 0
    follows: str = ""
    strategy: str = "REPLICA"
    controller: str = "ECS"
    stopped: tuple[str, ...] = ()
    healthy_targets: int | None = None
    deployment: str = ""
    spec: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def idle(self) -> bool:
        return not (self.desired or self.running or self.pending)

    @property
    def stable(self) -> bool:
        return self.running >= self.desired and not self.pending


@dataclass(frozen=True, slots=True)
class Image:
    """An ECR image the standby would pull: its digest there, and in the other side's registry (None: not there)."""

    name: str
    digest: str | None
    expected: str | None


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What a standby is made from, read only while it is missing or behind.

    wanted: the serving side's definition, rewritten. current: the standby's own. latest: the newest of the family
    in the standby's region.
    """

    wanted: Mapping[str, Any]
    current: Mapping[str, Any] | None = None
    latest: Mapping[str, Any] | None = None
    images: tuple[Image, ...] = ()


Side: TypeAlias = "Service | Unreachable | None"


@dataclass(frozen=True, slots=True)
class Seen:
    """Both sides; `blueprint` and `policies` (what the standby's scaling lacks) only while a standby is being made."""

    source: Side
    target: Side
    blueprint: Blueprint | Unreachable | None = None
    policies: tuple[Mapping[str, Any], ...] | Unreachable = ()
    cluster_missing: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """One side of a pair: which service (`cluster/service`; a bare name is in `default`), where, what stands there."""

    ident: str
    region: str
    side: Side

    @property
    def cluster(self) -> str:
        return _split(self.ident)[0]

    @property
    def name(self) -> str:
        return _split(self.ident)[1]

    @property
    def service(self) -> Service:
        """What stands there. TypeError when that is not known, or nothing: a decision has looked before."""
        if not isinstance(self.side, Service):
            raise TypeError(f"{self.ident} in {self.region} is no service that was seen")
        return self.side

    @property
    def resource_id(self) -> str:
        """Application Auto Scaling's name of it."""
        return f"service/{self.cluster}/{self.name}"


def observed(reader: Reader, pairs: Sequence[Pair]) -> dict[str, Seen]:
    """Pair key -> both sides. All pairs share account and regions.

    Services are read by tens, scalable targets by fifties; task definitions, images and policies only while a standby
    is missing or behind, stopped tasks only while tasks are lacking, target groups only once all tasks run.
    """
    first = pairs[0]
    source = _services(reader, first.account, first.source_region, [pair.source_id for pair in pairs])
    target = _services(reader, first.account, first.target_region, [pair.target_id for pair in pairs])
    seen = {}
    for pair in pairs:
        here = Place(pair.source_id, pair.source_region, _side(source[pair.source_id]))
        there = Place(pair.target_id, pair.target_region, _side(target[pair.target_id]))
        there = replace(there, side=_with_failures(reader, pair.account, there))
        there = replace(there, side=_with_targets(reader, pair.account, there))
        one = Seen(here.side, there.side)
        for standby, model, found in ((there, here, target), (here, there, source)):
            if isinstance(model.side, Service) and model.side.desired and not isinstance(standby.side, Unreachable):
                one = replace(
                    one,
                    blueprint=_blueprint(reader, pair, standby, model),
                    policies=_policies(reader, pair.account, standby, model),
                    cluster_missing=found[standby.ident] == NO_CLUSTER,
                )
        seen[pair.key] = one
    return seen


def size_of(reader: Reader, account: str, region: str, service: Service) -> dict[str, Any] | Unreachable:
    """`task_size` of a service whose tasks Fargate runs on demand; {} of any other one."""
    providers = {one["capacityProvider"] for one in service.spec.get("capacityProviderStrategy", ())}
    if (providers or {service.spec.get("launchType")}) != {"FARGATE"}:
        return {}
    what, absent = ("ecs", "describe_task_definition"), ("ClientException",)
    found = reader.read(account, region, *what, absent=absent, taskDefinition=service.task_definition)
    return task_size(found["taskDefinition"]) if isinstance(found, dict) else found or {}


def option(pair: Pair, region: str, name: str, default: Any = None) -> Any:
    """A setting, as it is for one region: `regions.<region>.<name>` before `<name>`."""
    there = pair.settings.get("regions", {}).get(region, {})
    return there.get(name, pair.settings.get(name, default))


NO_CLUSTER = "no cluster"
_Found: TypeAlias = "Service | Unreachable | str | None"


def _split(ident: str) -> tuple[str, str]:
    cluster, _slash, name = ident.rpartition("/")
    return cluster or "default", name


def _side(found: _Found) -> Side:
    return None if isinstance(found, str) else found


def _services(reader: Reader, account: str, region: str, idents: Sequence[str]) -> dict[str, _Found]:
    """Identifier -> what is there, for every identifier; all UNREACHABLE when the region does not answer."""
    clusters: dict[str, dict[str, str]] = defaultdict(dict)
    for ident in idents:
        cluster, name = _split(ident)
        clusters[cluster][name] = ident
    found: dict[str, _Found] = dict.fromkeys(idents)
    raw: dict[str, Mapping[str, Any]] = {}
    for cluster, names in clusters.items():
        for chunk in _chunks(list(names), DESCRIBE_LIMIT):
            answer = reader.read(
                account,
                region,
                "ecs",
                "describe_services",
                absent=("ClusterNotFoundException",),
                cluster=cluster,
                services=chunk,
                include=["TAGS"],
            )
            if isinstance(answer, Unreachable):
                return dict.fromkeys(idents, UNREACHABLE)
            if answer is None:
                found |= dict.fromkeys(names.values(), NO_CLUSTER)
                break
            raw |= {f"{cluster}/{item['serviceName']}": item for item in answer["services"] if item["status"] != "INACTIVE"}
    scaling = _scaling(reader, account, region, list(raw))
    if isinstance(scaling, Unreachable):
        return dict.fromkeys(idents, UNREACHABLE)
    for key, item in raw.items():
        cluster, name = _split(key)
        found[clusters[cluster][name]] = _service(item, scaling.get(key))
    return found


def _chunks(items: Sequence[str], size: int) -> list[list[str]]:
    return [list(items[start : start + size]) for start in range(0, len(items), size)]


def _service(raw: Mapping[str, Any], scaling: Scaling | None) -> Service:
    tags = {tag["key"]: tag.get("value", "") for tag in raw.get("tags", [])}
    deployments = raw.get("deployments", [])
    failed = next((deployment for deployment in deployments if deployment.get("rolloutState") == "FAILED"), None)
    primary: Mapping[str, Any] = next((deployment for deployment in deployments if deployment.get("status") == "PRIMARY"), {})
    shown = failed or primary
    epoch = tags.get(EPOCH_TAG, "")
    return Service(
        arn=raw["serviceArn"],
        status=raw["status"],
        desired=raw.get("desiredCount", 0),
        running=raw.get("runningCount", 0),
        pending=raw.get("pendingCount", 0),
        task_definition=raw.get("taskDefinition", ""),
        rollout=shown.get("rolloutState", "COMPLETED"),
        rollout_reason=shown.get("rolloutStateReason", ""),
        failed_tasks=primary.get("failedTasks", 0),
        scaling=scaling,
        epoch=int(epoch) if epoch.isdecimal() else 0,
        follows=tags.get(FOLLOWS_TAG, ""),
        strategy=raw.get("schedulingStrategy", "REPLICA"),
        controller=raw.get("deploymentController", {}).get("type", "ECS"),
        deployment=primary.get("id", ""),
        spec={name: raw[name] for name in TWIN if raw.get(name) not in (None, [], "", "NONE")},
    )


def _scaling(reader: Reader, account: str, region: str, idents: Sequence[str]) -> dict[str, Scaling] | Unreachable:
    targets: dict[str, Scaling] = {}
    for chunk in _chunks(idents, SCALING_LIMIT):
        answer = reader.pages(
            account,
            region,
            "application-autoscaling",
            "describe_scalable_targets",
            "ScalableTargets",
            ServiceNamespace="ecs",
            ScalableDimension=DIMENSION,
            ResourceIds=[f"service/{ident}" for ident in chunk],
        )
        if isinstance(answer, Unreachable):
            return answer
        for item in answer or ():
            flags = [bool(item.get("SuspendedState", {}).get(name)) for name in SUSPENSIONS]
            scaling = Scaling(item["MinCapacity"], item["MaxCapacity"], held=all(flags), free=not any(flags))
            targets[item["ResourceId"].removeprefix("service/")] = scaling
    return targets


def _with_failures(reader: Reader, account: str, place: Place) -> Side:
    """The service with the reasons why tasks do not start, asked only where tasks are lacking or failures are counted.

    From 0 to N no deployment runs, so no circuit breaker watches: the stopped tasks are the only witness.
    """
    service = place.side
    if not isinstance(service, Service) or service.running >= service.desired:
        return service
    if service.running + service.pending >= service.desired and not service.failed_tasks:
        return service
    listed = reader.read(
        account,
        place.region,
        "ecs",
        "list_tasks",
        absent=("ServiceNotFoundException",),
        cluster=place.cluster,
        serviceName=place.name,
        desiredStatus="STOPPED",
        maxResults=100,
    )
    if not isinstance(listed, dict) or not listed.get("taskArns"):
        return service
    tasks = reader.read(account, place.region, "ecs", "describe_tasks", cluster=place.cluster, tasks=listed["taskArns"])
    if not isinstance(tasks, dict):
        return service
    return replace(
        service,
        stopped=tuple(
            task.get("stoppedReason") or task["stopCode"]
            for task in tasks.get("tasks", [])
            if task.get("stopCode") in NOT_STARTED and task.get("startedBy") == service.deployment
        ),
    )


def _with_targets(reader: Reader, account: str, place: Place) -> Side:
    """The service with the healthy members of its target groups: ECS counts a task as running before it is healthy there."""
    service = place.side
    if not isinstance(service, Service) or not service.desired or not service.stable:
        return service
    groups = [one["targetGroupArn"] for one in service.spec.get("loadBalancers", []) if one.get("targetGroupArn")]
    healthy = []
    for arn in groups:
        answer = reader.read(
            account, place.region, "elbv2", "describe_target_health", absent=("TargetGroupNotFound",), TargetGroupArn=arn
        )
        if isinstance(answer, Unreachable):
            return UNREACHABLE
        states = answer.get("TargetHealthDescriptions", []) if answer else []
        healthy.append(sum(one["TargetHealth"]["State"] == "healthy" for one in states))
    return replace(service, healthy_targets=min(healthy)) if healthy else service


def _blueprint(reader: Reader, pair: Pair, standby: Place, model: Place) -> Blueprint | Unreachable | None:
    """What the standby is to run, or None when it is known to follow the serving side already."""
    serving, service = model.service, standby.side
    if isinstance(service, Service) and (service.desired or service.follows == serving.task_definition):
        return None

    def definition(region: str, name: str) -> dict[str, Any] | Unreachable | None:
        answer = reader.read(
            pair.account, region, "ecs", "describe_task_definition", absent=("ClientException",), taskDefinition=name
        )
        return answer["taskDefinition"] if isinstance(answer, dict) else answer

    ours = definition(model.region, serving.task_definition)
    latest = definition(standby.region, family(serving.task_definition))
    current = definition(standby.region, service.task_definition) if isinstance(service, Service) else None
    if isinstance(ours, Unreachable) or isinstance(latest, Unreachable) or isinstance(current, Unreachable):
        return UNREACHABLE
    if ours is None:
        return None
    wanted = rewritten(normalised(ours), model.region, standby.region, option(pair, standby.region, "replace", {}))
    images = []
    before = {(image.registry, image.repository, image.reference): image for image in ecr_images(ours)}
    for image in ecr_images(wanted):
        if image.registry != serving.arn.split(":")[4]:  # another account's registry answers its own account only
            continue
        digest = _digest(reader, pair.account, image)
        twin = before.get((image.registry, image.repository, image.reference))
        expected = _digest(reader, pair.account, twin) if twin else None
        if isinstance(digest, Unreachable) or isinstance(expected, Unreachable):
            return UNREACHABLE
        images.append(Image(image.name, digest, expected))
    return Blueprint(wanted, normalised(current) if current else None, latest, tuple(images))


def _digest(reader: Reader, account: str, image: EcrImage) -> str | Unreachable | None:
    answer = reader.read(
        account,
        image.region,
        "ecr",
        "describe_images",
        absent=("ImageNotFoundException", "RepositoryNotFoundException"),
        registryId=image.registry,
        repositoryName=image.repository,
        imageIds=[dict([image.reference])],
    )
    if isinstance(answer, dict):
        return next((str(detail["imageDigest"]) for detail in answer.get("imageDetails", [])), None)
    return answer


def _policies(reader: Reader, account: str, standby: Place, model: Place) -> tuple[Mapping[str, Any], ...] | Unreachable:
    """PutScalingPolicy parameters of what the standby lacks, read only until its scalable target is complete.

    Target tracking without a load balancer's label is copied; step scaling needs the region's alarms and is not.
    """
    serving, service = model.side, standby.side
    if not isinstance(serving, Service) or not isinstance(service, Service) or service.desired:
        return ()
    if serving.scaling is None or (service.scaling is not None and service.scaling.maximum):
        return ()

    def policies(place: Place) -> list[dict[str, Any]] | Unreachable | None:
        return reader.pages(
            account,
            place.region,
            "application-autoscaling",
            "describe_scaling_policies",
            "ScalingPolicies",
            ServiceNamespace="ecs",
            ResourceId=place.resource_id,
        )

    ours, there = policies(model), policies(standby) if service.scaling else []
    if isinstance(ours, Unreachable) or isinstance(there, Unreachable):
        return UNREACHABLE
    names = {policy["PolicyName"] for policy in there or ()}
    lacking = []
    for policy in ours or ():
        tracking = policy.get("TargetTrackingScalingPolicyConfiguration", {})
        if (
            policy["PolicyName"] not in names
            and tracking
            and "ResourceLabel" not in tracking.get("PredefinedMetricSpecification", {})
        ):
            lacking.append(
                {
                    "PolicyName": policy["PolicyName"],
                    "ServiceNamespace": "ecs",
                    "ResourceId": standby.resource_id,
                    "ScalableDimension": DIMENSION,
                    "PolicyType": "TargetTrackingScaling",
                    "TargetTrackingScalingPolicyConfiguration": rewritten(tracking, model.region, standby.region, {}),
                }
            )
    return tuple(lacking)
