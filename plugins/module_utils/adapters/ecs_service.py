# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ECS services: at zero in the standby region, scaled to production's capacity when it is activated.

Facts: the ECS and Application Auto Scaling API references, the ECS developer guide (service-auto-scaling,
deployment-circuit-breaker), and the ARC Region switch guide (ecs-service-scaling-block) for how a capacity is restored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ..model import (
    UNREACHABLE,
    Active,
    Blocked,
    Call,
    Check,
    Done,
    Goal,
    Health,
    Pair,
    Step,
    Unreachable,
    Wait,
)
from ..parts.ecs_state import (
    DIMENSION,
    EPOCH_TAG,
    FOLLOWS_TAG,
    INHERITED,
    REGIONAL,
    SUSPENSIONS,
    Blueprint,
    Place,
    Seen,
    Service,
    observed,
    option,
    size_of,
)
from ..parts.task_definition import normalised
from .base import Adapter, Reader, dark

#: So many tasks of the running deployment that cannot start are a failure, not bad luck.
FAILED_TASKS = 3


class EcsService(Adapter):
    """ECS services; identifiers are `cluster/service`.

    Settings (manifest or host variables; `regions.<region>.<name>` overrides `<name>` for what is created there):
    desired_count, min_capacity, max_capacity: capacity to restore, before anything captured.
    stop_source_first (false): scale the source to zero before the target starts: queue workers that must not run twice.
    subnets, security_groups, assign_public_ip, load_balancers, service_registries: where a missing service is created.
    replace: {old: new} strings of the task definition that differ between the regions beyond the region's own name.
    """

    technology = "ecs"
    bulk = 50
    capacities = ("desired_count", "min_capacity", "max_capacity")
    busy = frozenset({"ConcurrentUpdateException", "UpdateInProgressException"})
    durations: ClassVar[Mapping[str, int]] = {"instantiate": 60, "activate": 300, "cleanup": 120, "replicate": 60}
    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "observe": (
            "application-autoscaling:DescribeScalableTargets",
            "application-autoscaling:DescribeScalingPolicies",
            "ecr:DescribeImages",
            "ecs:DescribeServices",
            "ecs:DescribeTaskDefinition",
            "ecs:DescribeTasks",
            "ecs:ListTasks",
            "elasticloadbalancing:DescribeTargetHealth",
        ),
        "instantiate": (
            "application-autoscaling:PutScalingPolicy",
            "application-autoscaling:RegisterScalableTarget",
            "ecs:CreateService",
            "ecs:RegisterTaskDefinition",
            "ecs:TagResource",
            "ecs:UpdateService",
        ),
        "activate": ("application-autoscaling:RegisterScalableTarget", "ecs:TagResource", "ecs:UpdateService"),
        "cleanup": ("application-autoscaling:RegisterScalableTarget", "ecs:UpdateService"),
        "replicate": (
            "application-autoscaling:PutScalingPolicy",
            "application-autoscaling:RegisterScalableTarget",
            "ecs:CreateService",
            "ecs:RegisterTaskDefinition",
            "ecs:TagResource",
            "ecs:UpdateService",
        ),
        "rollback": ("application-autoscaling:RegisterScalableTarget", "ecs:UpdateService"),
    }

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Seen]:
        return observed(reader, pairs)

    def active(self, seen: Seen) -> Active:
        """By running tasks; where both sides run, the one marked last by ACTIVATE; without such a mark it is BOTH.

        A target whose scaling is still held is not finished: it is never taken for the side that serves.
        """
        source, target = seen.source, seen.target
        if isinstance(target, Unreachable):
            return Active.UNKNOWN
        serving = target if target and target.running else None
        finished = serving is not None and not (serving.scaling and serving.scaling.held)
        if isinstance(source, Unreachable):
            return Active.TARGET if serving and finished and serving.epoch else Active.UNKNOWN
        if source and source.running and serving:
            if source.epoch == serving.epoch:
                return Active.BOTH
            return Active.TARGET if finished and serving.epoch > source.epoch else Active.SOURCE
        if source and source.running:
            return Active.SOURCE
        if serving:
            return Active.TARGET if finished else Active.NEITHER
        return Active.NEITHER

    def instantiate(self, seen: Seen, goal: Goal) -> Step:
        """A service at zero in the target region, of today's task definition, its scaling held."""
        pair = goal.pair
        match seen.target:
            case Unreachable():
                return dark(goal, pair.target_region)
            case Service() as target if self.active(seen) is Active.TARGET or (target.desired and _marked(target, seen, goal)):
                return Done({"service_arn": target.arn, "role": "active", "running_count": target.running})
            case Service(desired=desired) if desired:
                why = f"{pair.target_id} in {pair.target_region} is no standby: its desired count is {desired}"
                return Blocked(why, f"scale it to zero or activate it\n{_show(pair)}")
        if goal.planned and isinstance(seen.source, Unreachable):
            return dark(goal, pair.source_region)
        return self._stand_by(
            seen,
            goal,
            standby=Place(pair.target_id, pair.target_region, seen.target),
            model=Place(pair.source_id, pair.source_region, seen.source),
        )

    def activate(self, seen: Seen, goal: Goal) -> Step:
        """The target runs production's capacity: mark, hold scaling, scale up, see it stable, then let scaling go."""
        pair = goal.pair
        match seen.target:
            case Unreachable():
                return dark(goal, pair.target_region)
            case None:
                why = f"there is no service {pair.target_id} in {pair.target_region} to activate"
                return Blocked(why, "run phase instantiate while the source answers, or deploy it at zero, then resume")
            case Service(status=status) if status != "ACTIVE":
                why = f"{pair.target_id} in {pair.target_region} is {status}"
                return Blocked(why, "wait until it is gone, then run phase instantiate")
            case Service(strategy="DAEMON"):
                return Blocked(*_daemon(Place(pair.target_id, pair.target_region, seen.target)))
        if goal.planned and isinstance(seen.source, Unreachable):
            return dark(goal, pair.source_region)
        target = seen.target
        place = Place(pair.target_id, pair.target_region, target)
        silent = isinstance(seen.source, Unreachable)
        marked = _marked(target, seen, goal) or (silent and self.active(seen) is Active.TARGET)
        if marked and target.desired and target.scaling and target.scaling.free:
            # It was let go: how many tasks run is the business of its scaling from now on.
            return _unstable(target, place) or Done(_outputs(seen, target))
        wanted, whence = _capacity(seen, goal)
        if wanted is None:
            why = f"the capacity of {pair.source_id} is unknown: none runs, and nothing was captured"
            return Blocked(why, "set the host variable or manifest setting `desired_count`, then resume this execution")
        if pair.settings.get("stop_source_first") and isinstance(seen.source, Service):
            if seen.source.desired and whence == "source" and int(goal.captured.get("desired_count", 0)) < wanted:
                why = f"{pair.source_id} is to be stopped first, but its {wanted} tasks are recorded nowhere else"
                return Blocked(why, "run readiness, which captures capacities, then resume this execution")
            if stop := _stop(Place(pair.source_id, pair.source_region, seen.source), "before the target starts"):
                return stop
        if not marked:
            if target.scaling and not target.scaling.held:
                high = max(target.scaling.maximum, target.desired)
                return _register(place, 0, high, held=True, why="hold its scaling")
            epoch = max(target.epoch, _source_epoch(seen, goal)) + 1
            return _tag(place, EPOCH_TAG, str(epoch), "mark it as the side activated last")
        debt = f"scale {pair.source_id} in {pair.source_region} to zero: its tasks may still run" if silent else ""
        minimum, maximum = _bounds(seen, goal)
        start = _start(place, wanted, minimum, maximum, debt)
        return start or Done(_outputs(seen, target, wanted_count=wanted, capacity_from=whence))

    def cleanup(self, seen: Seen, goal: Goal) -> Step:
        """The source runs nothing and stays as the next standby, whatever the policy: at zero it costs nothing."""
        pair = goal.pair
        match seen.source, seen.target:
            case Unreachable(), _:
                return dark(goal, pair.source_region)
            case _, Unreachable():
                return dark(goal, pair.target_region)
            case None, _:
                return Done({"source": "absent"})
            case _, target if self.active(seen) is not Active.TARGET or not isinstance(target, Service):
                why = f"{pair.target_id} in {pair.target_region} is not proven to serve: {self.active(seen).value}"
                return Blocked(why, f"activate it first; nothing was stopped in {pair.source_region}")
            case _, Service(running=running, desired=desired) if running < desired:
                return Wait(f"{pair.target_id} in {pair.target_region} runs {running} of {desired} tasks", 15, 900)
        place = Place(pair.source_id, pair.source_region, seen.source)
        return _stop(place, "production runs in the other region") or Done(
            {
                "service_arn": place.service.arn,
                "desired_count": 0,
                "running_count": 0,
                "stopped_tasks": int(goal.captured.get("desired_count", 0)),
            }
        )

    def replicate(self, seen: Seen, goal: Goal) -> Step:
        """The source stands by at zero for the target, of the task definition that runs there."""
        pair = goal.pair
        match seen.source:
            case Unreachable():
                return dark(goal, pair.source_region)
            case Service() if isinstance(seen.target, Unreachable):
                return dark(goal, pair.target_region)
        if self.active(seen) is not Active.TARGET:
            why = f"{pair.target_id} in {pair.target_region} does not serve: {self.active(seen).value}"
            return Blocked(why, "activate it first")
        if isinstance(seen.source, Service) and seen.source.desired:
            why = f"{pair.source_id} in {pair.source_region} still has desired count {seen.source.desired}"
            return Blocked(why, "run phase cleanup first")
        return self._stand_by(
            seen,
            goal,
            standby=Place(pair.source_id, pair.source_region, seen.source),
            model=Place(pair.target_id, pair.target_region, seen.target),
        )

    def rollback(self, seen: Seen, goal: Goal) -> Step:
        """The source runs what the target ran, then the target goes back to zero: a service keeps no data."""
        pair = goal.pair
        match seen.source, seen.target:
            case Unreachable(), _:
                why = f"{pair.source_region} does not answer: nothing could take over"
                return Blocked(why, "wait until it answers, then roll back")
            case _, Unreachable():
                return dark(goal, pair.target_region)
            case None, _:
                return Blocked(f"{pair.source_id} is gone from {pair.source_region}", "deploy it there, then roll back")
            case Service(status=status), _ if status != "ACTIVE":
                why = f"{pair.source_id} in {pair.source_region} is {status}"
                return Blocked(why, "deploy it there, then roll back")
        target, here = seen.target, Place(pair.source_id, pair.source_region, seen.source)
        source = here.service
        running = target.desired if isinstance(target, Service) else 0
        known = (running, int(goal.captured.get("desired_count", 0)), int(pair.settings.get("desired_count", 0)))
        wanted = source.desired or max(known)
        if not wanted:
            why = "neither side runs a task and no capacity was captured"
            return Blocked(why, "set the setting `desired_count`, then roll back")
        minimum, maximum = _bounds(seen, goal)
        if start := _start(here, wanted, minimum, maximum):
            return start
        there = Place(pair.target_id, pair.target_region, target)
        if isinstance(target, Service) and (stop := _stop(there, "rolled back")):
            return stop
        return Done({"service_arn": source.arn, "running_count": source.running, "desired_count": source.desired})

    def health(self, seen: Seen, goal: Goal) -> Health:
        target = seen.target
        if not isinstance(target, Service):
            return Health((Check("service", False, "the region does not answer" if target is UNREACHABLE else "there is none"),))
        counts = f"{target.running} running, {target.pending} pending, {target.desired} desired"
        held = target.scaling is not None and not target.scaling.free
        checks = [
            Check("service", target.status == "ACTIVE", target.status),
            Check("tasks", target.desired > 0 and target.stable, counts),
            Check("deployment", target.rollout != "FAILED", target.rollout_reason or target.rollout),
            Check("scaling", not held, "scaling is suspended" if held else ""),
        ]
        if target.healthy_targets is not None:
            passed = target.healthy_targets >= target.desired
            checks.append(Check("targets", passed, f"{target.healthy_targets} healthy in the target groups"))
        return Health(tuple(checks), required=("service", "tasks", "deployment", "targets"))

    def capture(self, seen: Seen, pair: Pair) -> Mapping[str, Any]:
        """Capacity of a source that serves; {} for one at zero, which would poison what a failover restores."""
        source = seen.source
        if not isinstance(source, Service) or not source.desired:
            return {}
        captured = {
            "desired_count": max(source.desired, source.running),
            "epoch": source.epoch,
            "task_definition": source.task_definition,
        }
        if source.scaling and not source.scaling.held:
            captured |= {"min_capacity": source.scaling.minimum, "max_capacity": source.scaling.maximum}
        return captured

    def sizes(self, reader: Reader, seen: Seen, pair: Pair) -> Mapping[str, Any]:
        """`task_size` of a source that serves: a call for each service, which no other look needs."""
        source = seen.source
        if not isinstance(source, Service) or not source.desired:
            return {}
        size = size_of(reader, pair.account, pair.source_region, source)
        return {} if isinstance(size, Unreachable) else {"task_size": size}

    def _stand_by(self, seen: Seen, goal: Goal, standby: Place, model: Place) -> Step:
        """`standby` is a service at zero that runs what `model` runs, its scaling held at zero."""
        plan, policies = seen.blueprint, seen.policies
        if isinstance(plan, Unreachable) or isinstance(policies, Unreachable):
            return dark(goal, f"{standby.region} or {model.region}")
        match standby.side, model.side:
            case None, Service() if plan and seen.cluster_missing:
                remedy = f"aws ecs create-cluster --cluster-name {standby.cluster} --region {standby.region}"
                return Blocked(f"there is no cluster {standby.cluster} in {standby.region}", remedy)
            case None, Service(strategy="DAEMON"):
                return Blocked(*_daemon(standby))
            case None, Service() as serving if plan:
                return _define(plan, standby) or _create(plan, goal, standby, serving)
            case None, _:
                why = f"there is no {standby.ident} in {standby.region}, and none that serves in {model.region} to copy"
                return Blocked(why, f"deploy it at zero, or correct the identifiers\n{_show(goal.pair)}")
            case Service(strategy="DAEMON"), _:
                return Blocked(*_daemon(standby))
            case Service(status="DRAINING"), _:
                return Wait(f"the service of this name in {standby.region} is being deleted", poll_seconds=15)
            case Service(rollout="FAILED") as service, _:
                return Blocked(*_rollout_failed(service, standby))
            case Service() as service, Service() as serving if plan:
                if plan.current == plan.wanted:
                    return _tag(standby, FOLLOWS_TAG, serving.task_definition, "note which task definition it follows")
                if service.controller != "ECS":
                    why = f"{standby.ident} in {standby.region} is behind and deployed by {service.controller}"
                    return Blocked(why, f"deploy the present version there by {service.controller}")
                change = {"taskDefinition": (plan.latest or {}).get("taskDefinitionArn")}
                return _define(plan, standby) or _update(standby, change, "give it production's task definition")
        return self._hold(seen, goal, standby)

    def _hold(self, seen: Seen, goal: Goal, standby: Place) -> Step:
        """The standby runs nothing and its scaling, complete with policies, is held at zero."""
        service, policies = standby.service, seen.policies
        if not service.idle:
            return Wait(f"{service.running} tasks still run in {standby.region}", poll_seconds=15)
        maximum = _bounds(seen, goal)[1]
        scaling = service.scaling
        if maximum and policies and not isinstance(policies, Unreachable):
            if scaling is None:  # a maximum of 0 marks it as unfinished, should this run be interrupted
                return _register(standby, 0, 0, held=True, why="register its scaling, held")
            why = f"copy the scaling policy {policies[0]['PolicyName']}"
            return Call("application-autoscaling", "put_scaling_policy", standby.region, policies[0], why)
        limit = maximum or (scaling.maximum if scaling else None)
        held = (scaling.minimum, scaling.maximum, scaling.held) == (0, limit, True) if scaling else limit is None
        if limit is not None and not held:
            return _register(standby, 0, limit, held=True, why="hold its scaling at zero")
        outputs = {"service_arn": service.arn, "task_definition": service.task_definition, "desired_count": 0}
        return Done({**outputs, "max_capacity": limit, "role": "standby"})


def _show(pair: Pair) -> str:
    place = Place(pair.target_id, pair.target_region, None)
    return f"aws ecs describe-services --cluster {place.cluster} --services {place.name} --region {place.region}"


def _source_epoch(seen: Seen, goal: Goal) -> int:
    return seen.source.epoch if isinstance(seen.source, Service) else int(goal.captured.get("epoch", 0))


def _marked(target: Service, seen: Seen, goal: Goal) -> bool:
    """Whether ACTIVATE has marked the target as the side activated last."""
    return target.epoch > _source_epoch(seen, goal)


def _capacity(seen: Seen, goal: Goal) -> tuple[int | None, str]:
    """Tasks to run, and whence: the larger of what runs and what was captured, never zero by accident."""
    explicit = goal.pair.settings.get("desired_count")
    if explicit is not None:
        return int(explicit), "settings"
    live = max(seen.source.desired, seen.source.running) if isinstance(seen.source, Service) else 0
    captured = int(goal.captured.get("desired_count", 0))
    if live or captured:
        return (live, "source") if live >= captured else (captured, "captured")
    if isinstance(seen.target, Service) and seen.target.desired:
        return seen.target.desired, "target"
    silent = isinstance(seen.source, Unreachable)
    if silent and isinstance(seen.target, Service) and seen.target.scaling and seen.target.scaling.maximum:
        return seen.target.scaling.maximum, "upper bound of the target's scaling"
    return None, ""


def _bounds(seen: Seen, goal: Goal) -> tuple[int | None, int | None]:
    """Production's scaling limits: set, live where scaling is not held, captured, or unknown (None)."""
    settings, captured = goal.pair.settings, goal.captured
    if "max_capacity" in settings:
        return int(settings.get("min_capacity", 1)), int(settings["max_capacity"])
    for side in (seen.source, seen.target):
        if isinstance(side, Service) and side.scaling and side.desired and not side.scaling.held:
            return side.scaling.minimum, side.scaling.maximum
    if captured.get("max_capacity"):
        return int(captured.get("min_capacity", 1)), int(captured["max_capacity"])
    return None, None


def _start(place: Place, wanted: int, minimum: int | None, maximum: int | None, debt: str = "") -> Step | None:
    """The next step until the service runs `wanted` tasks and its scaling is let go; None when it does."""
    service = place.service
    if service.rollout == "FAILED":
        return Blocked(*_rollout_failed(service, place))
    scaling = service.scaling
    if service.desired < wanted and not (scaling and scaling.free and service.desired):
        return _update(place, {"desiredCount": wanted}, f"scale it to {wanted} tasks", debt)
    if unstable := _unstable(service, place):
        return unstable
    if scaling and not scaling.free:
        # Registering clamps what runs into the limits: the maximum must not be below it.
        low = minimum if minimum is not None else max(1, scaling.minimum)
        high = max(maximum or scaling.maximum, service.desired)
        return _register(place, min(low, high), high, held=False, why="let its scaling go")
    return None


def _stop(place: Place, reason: str) -> Step | None:
    """The next step until the service runs nothing and cannot be scaled up again; None when it does not."""
    service = place.service
    if service.strategy == "DAEMON":
        return Blocked(*_daemon(place))
    if service.status != "ACTIVE":
        return Wait(f"{place.ident} in {place.region} is {service.status}", 15, 1800)
    if service.scaling and not (service.scaling.held and service.scaling.minimum == 0):
        return _register(place, 0, service.scaling.maximum, held=True, why=f"hold its scaling at zero: {reason}")
    if service.desired:
        return _update(place, {"desiredCount": 0}, f"scale it to zero: {reason}")
    if not service.idle:
        left = service.running + service.pending
        return Wait(f"{left} tasks are stopping in {place.region} (protected tasks may take longer)", 15, 1800)
    return None


def _daemon(place: Place) -> tuple[str, str]:
    return f"{place.ident} is a daemon service: its count follows its instances", "take it out of the plan"


def _unstable(service: Service, place: Place) -> Step | None:
    if service.stable:
        if service.healthy_targets is None or service.healthy_targets >= service.desired:
            return None
        why = f"{service.healthy_targets} of {service.desired} tasks are healthy in the target groups in {place.region}"
        return Wait(why, poll_seconds=15, timeout_seconds=600 + service.desired // 8)
    if service.rollout == "FAILED":
        return Blocked(*_rollout_failed(service, place))
    if len(service.stopped) >= FAILED_TASKS:
        why = f"{len(service.stopped)} tasks of {place.ident} in {place.region} did not start: {service.stopped[0]}"
        return Blocked(why, f"correct the cause, then {_redeploy(place)} and resume this execution")
    counts = f"{service.running} of {service.desired} tasks run in {place.region}, {service.pending} are pending"
    return Wait(counts, poll_seconds=15, timeout_seconds=600 + service.desired // 8)


def _rollout_failed(service: Service, place: Place) -> tuple[str, str]:
    why = f"the deployment of {place.ident} in {place.region} failed: {service.rollout_reason or 'no reason given'}"
    return why, f"correct the cause, then {_redeploy(place)} and resume this execution"


def _redeploy(place: Place) -> str:
    service = f"--cluster {place.cluster} --service {place.name} --region {place.region}"
    return f"aws ecs update-service --force-new-deployment {service}"


def _define(plan: Blueprint, standby: Place) -> Step | None:
    """The wanted task definition is the family's newest in the standby's region; None when it is."""
    for image in plan.images:
        if image.digest is None or (image.expected and image.digest != image.expected):
            found = "is not there" if image.digest is None else f"is {image.digest}, not {image.expected}"
            why = f"image {image.name} {found}: no task could start"
            return Blocked(why, f"replicate it to the registry in {standby.region} (ECR replication rules), then resume")
    if plan.latest is None or normalised(plan.latest) != plan.wanted:
        why = "register production's task definition"
        return Call("ecs", "register_task_definition", standby.region, plan.wanted, why)
    return None


def _create(plan: Blueprint, goal: Goal, standby: Place, serving: Service) -> Step:
    """CreateService at zero. What belongs to a region must be set where production has it: it cannot be guessed."""
    pair, spec = goal.pair, serving.spec

    def set_for(name: str) -> Any:
        return option(pair, standby.region, name)

    for member, setting in REGIONAL.items():
        if spec.get(member) and set_for(setting) is None:
            why = f"{serving.arn} has {member}, and what it is in {standby.region} is not known"
            return Blocked(why, f"set `regions.{standby.region}.{setting}` for {pair.key}, or deploy it there at zero")
    tags = [tag for tag in spec.get("tags", []) if not tag["key"].startswith(("dr:", "aws:"))]
    params: dict[str, Any] = {
        "cluster": standby.cluster,
        "serviceName": standby.name,
        "taskDefinition": (plan.latest or {}).get("taskDefinitionArn"),
        "desiredCount": 0,
        "clientToken": hashlib.sha256(f"{pair.key} {standby.region}".encode()).hexdigest()[:32],
        "tags": [*tags, {"key": FOLLOWS_TAG, "value": serving.task_definition}],
        **{member: spec[member] for member in INHERITED if member in spec},
    }
    launch = "capacityProviderStrategy" if "capacityProviderStrategy" in spec else "launchType"
    if launch in spec:
        params[launch] = spec[launch]
    if "networkConfiguration" in spec:
        params["networkConfiguration"] = {
            "awsvpcConfiguration": {
                "subnets": list(set_for("subnets")),
                "securityGroups": list(set_for("security_groups") or ()),
                "assignPublicIp": "ENABLED" if set_for("assign_public_ip") else "DISABLED",
            }
        }
    for member in ("loadBalancers", "serviceRegistries"):
        if set_for(REGIONAL[member]):
            params[member] = list(set_for(REGIONAL[member]))
    return Call("ecs", "create_service", standby.region, params, "create the service at zero")


def _update(place: Place, change: Mapping[str, Any], why: str, debt: str = "") -> Call:
    params = {"cluster": place.cluster, "service": place.name, **change}
    return Call("ecs", "update_service", place.region, params, why, debt=debt)


def _tag(place: Place, key: str, value: str, why: str) -> Call:
    params = {"resourceArn": place.service.arn, "tags": [{"key": key, "value": value}]}
    return Call("ecs", "tag_resource", place.region, params, why)


def _register(place: Place, minimum: int, maximum: int, *, held: bool, why: str) -> Call:
    """RegisterScalableTarget, always with both limits: without them it clamps what runs into the old ones."""
    params = {
        "ServiceNamespace": "ecs",
        "ResourceId": place.resource_id,
        "ScalableDimension": DIMENSION,
        "MinCapacity": minimum,
        "MaxCapacity": maximum,
        "SuspendedState": dict.fromkeys(SUSPENSIONS, held),
    }
    return Call("application-autoscaling", "register_scalable_target", place.region, params, why)


def _outputs(seen: Seen, target: Service, **more: Any) -> Mapping[str, Any]:
    outputs: dict[str, Any] = {
        "service_arn": target.arn,
        "task_definition": target.task_definition,
        "desired_count": target.desired,
        "running_count": target.running,
        "role": "active",
        **more,
    }
    if target.scaling:
        outputs |= {"min_capacity": target.scaling.minimum, "max_capacity": target.scaling.maximum}
    if isinstance(seen.source, Unreachable):
        outputs["fencing"] = "deferred"
    return outputs
