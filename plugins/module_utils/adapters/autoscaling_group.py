# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2 Auto Scaling groups: at zero in the standby region, restored to production's size when it is activated.

Facts: the EC2 Auto Scaling API reference, its user guide (suspend and resume processes, key policy for encrypted volumes), the EC2
API reference (CopyImage) and the ARC Region switch guide (ec2-auto-scaling-block) for how a capacity is restored.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ..model import UNREACHABLE, Active, Blocked, Call, Check, Done, Goal, Health, Pair, Step, Unreachable, Wait
from ..parts.autoscaling_state import (
    BASELINE_TAG,
    EPOCH_TAG,
    FAILED_LAUNCHES,
    FOLLOWS_TAG,
    Group,
    Place,
    Seen,
    cause,
    observed,
    option,
)
from ..parts.autoscaling_twin import BAD_IMAGE, HELD, copied, created, held, processes, renewed, tagged, updated
from .base import Adapter, Reader, dark

#: Needed to bring instances into service: those launched without AddToLoadBalancer are never registered later.
NEEDED = ("AZRebalance", "AddToLoadBalancer", "HealthCheck", "Launch", "ReplaceUnhealthy", "Terminate")
#: SetInstanceProtection takes this many instances a call.
PROTECTION_LIMIT = 50


class AutoscalingGroup(Adapter):
    """EC2 Auto Scaling groups; identifiers are group names.

    Settings (manifest or host variables; `regions.<region>.<name>` overrides `<name>` for what is created there):
    desired_capacity, min_size, max_size: size to restore, before anything captured.
    min_success_percent (100): how many of the desired instances must be in service for activate to go on.
    stop_source_first (false): scale the source to zero before the target starts: workers that must not run twice.
    subnets, target_groups, load_balancer_names, security_groups, key_name: where a missing group is created.
    image_id: an AMI of that region, instead of a copy. kms_key_id: encrypts a copy and volumes that are encrypted with a key.
    replace: {old: new} strings of the launch template that differ between the regions beyond the region's own name.
    """

    technology = "autoscaling"
    bulk = 50
    capacities = ("desired_capacity", "min_size", "max_size")
    busy = frozenset(
        {
            "AlreadyExists",
            "IdempotentCallInProgress",
            "InstanceRefreshInProgress",
            "InvalidLaunchTemplateName.AlreadyExistsException",
            "ResourceContention",
            "ResourceInUse",
            "ScalingActivityInProgress",
            "ServiceLinkedRoleFailure",
        }
    )
    durations: ClassVar[Mapping[str, int]] = {"instantiate": 1200, "activate": 600, "cleanup": 300, "replicate": 1200}
    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "observe": (
            "autoscaling:DescribeAutoScalingGroups",
            "autoscaling:DescribeInstanceRefreshes",
            "autoscaling:DescribePolicies",
            "autoscaling:DescribeScalingActivities",
            "ec2:DescribeImages",
            "ec2:DescribeLaunchTemplateVersions",
            "elasticloadbalancing:DescribeTargetHealth",
        ),
        "instantiate": (
            "autoscaling:CreateAutoScalingGroup",
            "autoscaling:CreateOrUpdateTags",
            "autoscaling:PutScalingPolicy",
            "autoscaling:SuspendProcesses",
            "autoscaling:UpdateAutoScalingGroup",
            "ec2:CopyImage",
            "ec2:CreateLaunchTemplate",
            "ec2:CreateLaunchTemplateVersion",
        ),
        "activate": (
            "autoscaling:CancelInstanceRefresh",
            "autoscaling:CreateOrUpdateTags",
            "autoscaling:ResumeProcesses",
            "autoscaling:SetInstanceProtection",
            "autoscaling:SuspendProcesses",
            "autoscaling:UpdateAutoScalingGroup",
        ),
        "cleanup": (
            "autoscaling:CancelInstanceRefresh",
            "autoscaling:ResumeProcesses",
            "autoscaling:SetInstanceProtection",
            "autoscaling:SuspendProcesses",
            "autoscaling:UpdateAutoScalingGroup",
        ),
        "replicate": (
            "autoscaling:CreateAutoScalingGroup",
            "autoscaling:CreateOrUpdateTags",
            "autoscaling:PutScalingPolicy",
            "autoscaling:SuspendProcesses",
            "autoscaling:UpdateAutoScalingGroup",
            "ec2:CopyImage",
            "ec2:CreateLaunchTemplate",
            "ec2:CreateLaunchTemplateVersion",
        ),
        "rollback": (
            "autoscaling:CreateOrUpdateTags",
            "autoscaling:ResumeProcesses",
            "autoscaling:SetInstanceProtection",
            "autoscaling:SuspendProcesses",
            "autoscaling:UpdateAutoScalingGroup",
        ),
    }

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Seen]:
        return observed(reader, pairs)

    def active(self, seen: Seen) -> Active:
        """By instances in service; where both sides have some, the one marked last by ACTIVATE; without a mark it is BOTH.

        A target that still lacks instances is not finished: beside a source that serves, it is never taken for the active one.
        """
        source, target = seen.source, seen.target
        if isinstance(target, Unreachable):
            return Active.UNKNOWN
        serving = target if target and target.serving else None
        if isinstance(source, Unreachable):
            return Active.TARGET if serving and serving.epoch and serving.serving >= serving.desired else Active.UNKNOWN
        if source and source.serving and serving:
            if source.epoch == serving.epoch:
                return Active.BOTH
            finished = serving.serving >= serving.desired
            return Active.TARGET if finished and serving.epoch > source.epoch else Active.SOURCE
        if source and source.serving:
            return Active.SOURCE
        if serving:
            starting = serving.serving < serving.desired and serving.suspended.issuperset(HELD)
            return Active.NEITHER if starting else Active.TARGET
        return Active.NEITHER

    def instantiate(self, seen: Seen, goal: Goal) -> Step:
        """A group at zero in the target region, of today's image, that nothing scales by itself."""
        pair = goal.pair
        match seen.target:
            case Unreachable():
                return dark(goal, pair.target_region)
            case Group() as target if self.active(seen) is Active.TARGET or (target.desired and _marked(target, seen, goal)):
                return Done({"group_arn": target.arn, "role": "active", "in_service": target.serving})
            case Group(desired=desired) if desired:
                why = f"{pair.target_id} in {pair.target_region} is no standby: its desired capacity is {desired}"
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
        """The target has production's size in service: mark, scale, see it healthy, then let alarms and schedules go."""
        pair = goal.pair
        match seen.target:
            case Unreachable():
                return dark(goal, pair.target_region)
            case None:
                why = f"there is no group {pair.target_id} in {pair.target_region} to activate"
                return Blocked(why, "run phase instantiate while the source answers, or create it at zero, then resume")
            case Group(operator=operator) if operator:
                return Blocked(*_operated(pair.target_id, operator))
            case Group(status=status) if status:
                why = f"{pair.target_id} in {pair.target_region} is being deleted ({status})"
                return Blocked(why, "wait until it is gone, then run phase instantiate")
        if goal.planned and isinstance(seen.source, Unreachable):
            return dark(goal, pair.source_region)
        target = seen.target
        place = Place(pair.target_id, pair.target_region, target)
        silent = isinstance(seen.source, Unreachable)
        marked = _marked(target, seen, goal) or (silent and self.active(seen) is Active.TARGET)
        if marked and target.desired and not target.suspended.intersection(HELD):
            # It was let go: how many instances run is the business of its scaling from now on.
            return _lacking(target, place, goal) or Done(_outputs(seen, target))
        wanted, whence = _capacity(seen, goal)
        if wanted is None:
            why = f"the capacity of {pair.source_id} is unknown: none is in service, and nothing was captured"
            return Blocked(why, "set the host variable or manifest setting `desired_capacity`, then resume this execution")
        if pair.settings.get("stop_source_first") and isinstance(seen.source, Group):
            if seen.source.desired and whence == "source" and int(goal.captured.get("desired_capacity", 0)) < wanted:
                why = f"{pair.source_id} is to be stopped first, but its size of {wanted} is recorded nowhere else"
                return Blocked(why, "run readiness, which captures capacities, then resume this execution")
            if stop := _stop(Place(pair.source_id, pair.source_region, seen.source), "before the target starts"):
                return stop
        if not marked:
            if not target.suspended.issuperset(HELD):
                return held(place, target, "nothing else may scale it meanwhile")
            epoch = max(target.epoch, _source_epoch(seen, goal)) + 1
            return tagged(place, EPOCH_TAG, str(epoch), "mark it as the side activated last")
        debt = f"scale {pair.source_id} in {pair.source_region} to zero: its instances may still run" if silent else ""
        start = _start(place, goal, wanted, _bounds(seen, goal), _own_suspensions(seen, goal), debt)
        return start or Done(_outputs(seen, target, wanted_capacity=wanted, capacity_from=whence))

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
            case _, target if self.active(seen) is not Active.TARGET or not isinstance(target, Group):
                why = f"{pair.target_id} in {pair.target_region} is not proven to serve: {self.active(seen).value}"
                return Blocked(why, f"activate it first; nothing was stopped in {pair.source_region}")
            case Group(idle=False), Group() as target if target.serving < target.desired:
                why = f"{target.serving} of {target.desired} instances of {pair.target_id} are in service in {pair.target_region}"
                return Wait(why, poll_seconds=15, timeout_seconds=900)
        here = Place(pair.source_id, pair.source_region, seen.source)
        stop = _stop(here, "production runs in the other region")
        stopped = int(goal.captured.get("desired_capacity", 0))
        return stop or Done({"group_arn": here.group.arn, "desired_capacity": 0, "in_service": 0, "stopped_instances": stopped})

    def replicate(self, seen: Seen, goal: Goal) -> Step:
        """The source stands by at zero for the target, of the image that runs there."""
        pair = goal.pair
        match seen.source:
            case Unreachable():
                return dark(goal, pair.source_region)
            case _ if isinstance(seen.target, Unreachable):
                return dark(goal, pair.target_region)
        if self.active(seen) is not Active.TARGET:
            why = f"{pair.target_id} in {pair.target_region} does not serve: {self.active(seen).value}"
            return Blocked(why, "activate it first")
        if isinstance(seen.source, Group) and seen.source.desired:
            why = f"{pair.source_id} in {pair.source_region} still has desired capacity {seen.source.desired}"
            return Blocked(why, "run phase cleanup first")
        return self._stand_by(
            seen,
            goal,
            standby=Place(pair.source_id, pair.source_region, seen.source),
            model=Place(pair.target_id, pair.target_region, seen.target),
        )

    def rollback(self, seen: Seen, goal: Goal) -> Step:
        """The source has in service what the target had, then the target goes back to zero: a group keeps no data."""
        pair = goal.pair
        match seen.source, seen.target:
            case Unreachable(), _:
                why = f"{pair.source_region} does not answer: nothing could take over"
                return Blocked(why, "wait until it answers, then roll back")
            case _, Unreachable():
                return dark(goal, pair.target_region)
            case None, _:
                return Blocked(f"{pair.source_id} is gone from {pair.source_region}", "create it there, then roll back")
            case Group(operator=operator), _ if operator:
                return Blocked(*_operated(pair.source_id, operator))
        place, target = Place(pair.source_id, pair.source_region, seen.source), seen.target
        source = place.group
        there = target.desired if isinstance(target, Group) else 0
        known = (there, int(goal.captured.get("desired_capacity", 0)), int(pair.settings.get("desired_capacity", 0)))
        wanted = source.desired or max(known)
        if not wanted:
            why = "neither side has an instance and no capacity was captured"
            return Blocked(why, "set the setting `desired_capacity`, then roll back")
        own = frozenset(goal.captured.get("suspended", ()))
        if start := _start(place, goal, wanted, _bounds(seen, goal), own):
            return start
        if isinstance(target, Group) and (stop := _stop(Place(pair.target_id, pair.target_region, target), "rolled back")):
            return stop
        return Done({"group_arn": source.arn, "in_service": source.serving, "desired_capacity": source.desired})

    def health(self, seen: Seen, goal: Goal) -> Health:
        target = seen.target
        if not isinstance(target, Group):
            detail = "the region does not answer" if target is UNREACHABLE else "there is none"
            return Health((Check("group", False, detail),))
        waiting = sorted(target.suspended.intersection(HELD) - _own_suspensions(seen, goal))
        checks = [
            Check(
                "instances", 0 < target.desired <= target.serving, f"{target.serving} of {target.desired} in service and healthy"
            ),
            Check("launches", not target.failures, "; ".join(target.failures[:1])),
            Check("scaling", not waiting, f"suspended: {', '.join(waiting)}" if waiting else ""),
        ]
        if target.healthy_targets is not None:
            passed = target.healthy_targets >= target.desired
            checks.append(Check("targets", passed, f"{target.healthy_targets} healthy in the target groups"))
        return Health(tuple(checks), required=("instances", "targets"))

    def capture(self, seen: Seen, pair: Pair) -> Mapping[str, Any]:
        """Size of a source that serves; {} for one at zero, which would poison what a failover restores."""
        source = seen.source
        if not isinstance(source, Group) or not source.desired:
            return {}
        return {
            "desired_capacity": max(source.desired, source.serving),
            "min_size": source.minimum,
            "max_size": source.maximum,
            "suspended": sorted(source.suspended),
            "instance_type": source.instance_type,
            "epoch": source.epoch,
        }

    def _stand_by(self, seen: Seen, goal: Goal, standby: Place, model: Place) -> Step:
        """`standby` is a group at zero of the image that `model` runs, that no alarm and no schedule scales."""
        plan = seen.blueprint
        if isinstance(plan, Unreachable):
            if goal.planned or standby.region != goal.pair.target_region or standby.side is None:
                return dark(goal, f"{standby.region} or {model.region}")
            plan = None  # the standby serves with the image that it has
        match standby.side, model.side:
            case None, Group(operator=operator) if operator:
                return Blocked(*_operated(model.name, operator))
            case None, Group() as serving if plan:
                return copied(plan, goal, standby, model) or created(plan, goal, standby, model, serving)
            case None, Group():
                why = f"{model.name} in {model.region} has no launch template that can be read: it cannot be copied"
                return Blocked(why, f"create the group at zero in {standby.region}, or give it a launch template")
            case None, _:
                why = f"there is no {standby.name} in {standby.region}, and none that serves in {model.region} to copy"
                return Blocked(why, f"create it at zero, or correct the identifiers\n{_show(goal.pair)}")
            case Group(operator=operator), _ if operator:
                return Blocked(*_operated(standby.name, operator))
            case Group(status=status), _ if status:
                return Wait(f"the group of this name in {standby.region} is being deleted", poll_seconds=30)
        return self._at_zero(seen, goal, standby, model)

    def _at_zero(self, seen: Seen, goal: Goal, standby: Place, model: Place) -> Step:
        """The standby that exists: nothing scales it, it has no instance, and its image is today's."""
        group, plan = standby.group, seen.blueprint
        if not group.suspended.issuperset(HELD):
            return held(standby, group, "nothing may scale a standby by itself")
        high = _bounds(seen, goal)[1] or group.maximum
        if (group.minimum, group.maximum) != (0, high):
            return updated(standby, {"MinSize": 0, "MaxSize": high}, "let it stand at zero, with production's maximum")
        if not group.idle:
            return Wait(f"{len(group.instances)} instances still run in {standby.region}", poll_seconds=15)
        outputs: dict[str, Any] = {"group_arn": group.arn, "desired_capacity": 0, "max_size": high, "role": "standby"}
        serving = model.side
        if not plan or isinstance(plan, Unreachable) or not isinstance(serving, Group):
            return Done(outputs)
        managed = group.follows or serving.follows
        bad = plan.own is None or plan.own.state in BAD_IMAGE
        if not managed and bad and plan.current and plan.current.image_id.startswith("ami-"):
            state = plan.own.state if plan.own else "not there"
            why = f"image {plan.current.image_id} of {standby.name} in {standby.region} is {state}: no instance could start"
            return Blocked(why, "give its launch template an image that is available")
        outputs |= {"image_id": plan.own.id if plan.own else "", "source_image_id": plan.image.id if plan.image else ""}
        if not managed:  # made by others, with an image of theirs
            return Done({**outputs, "image": "own"})
        if not plan.same_image and not option(goal.pair, standby.region, "image_id"):
            return copied(plan, goal, standby, model) or renewed(plan, standby, group)
        if plan.policies:
            why = f"copy the scaling policy {plan.policies[0]['PolicyName']}"
            return Call("autoscaling", "put_scaling_policy", standby.region, plan.policies[0], why)
        follows = plan.image.id if plan.image else plan.model.image_id or "nothing"
        if group.follows != follows:
            return tagged(standby, FOLLOWS_TAG, follows, "note which image it follows")
        return Done(outputs)


def _show(pair: Pair) -> str:
    names = f"--auto-scaling-group-names {pair.target_id} --region {pair.target_region}"
    return f"aws autoscaling describe-auto-scaling-groups {names}"


def _operated(name: str, operator: str) -> tuple[str, str]:
    return f"{name} is managed by {operator}, which would undo any change", "take it out of the plan: its manager scales it"


def _source_epoch(seen: Seen, goal: Goal) -> int:
    return seen.source.epoch if isinstance(seen.source, Group) else int(goal.captured.get("epoch", 0))


def _marked(target: Group, seen: Seen, goal: Goal) -> bool:
    """Whether ACTIVATE has marked the target as the side activated last."""
    return target.epoch > _source_epoch(seen, goal)


def _capacity(seen: Seen, goal: Goal) -> tuple[int | None, str]:
    """Instances to run, and whence: the larger of what runs and what was captured, never zero by accident."""
    explicit = goal.pair.settings.get("desired_capacity")
    if explicit is not None:
        return int(explicit), "settings"
    live = max(seen.source.desired, seen.source.serving) if isinstance(seen.source, Group) else 0
    captured = int(goal.captured.get("desired_capacity", 0))
    if live or captured:
        return (live, "source") if live >= captured else (captured, "captured")
    if isinstance(seen.target, Group) and seen.target.desired:
        return seen.target.desired, "target"
    if isinstance(seen.source, Unreachable) and isinstance(seen.target, Group) and seen.target.maximum:
        return seen.target.maximum, "upper bound of the target's own size"
    return None, ""


def _bounds(seen: Seen, goal: Goal) -> tuple[int | None, int | None]:
    """Production's minimum and maximum: set, of the side that runs, captured, or unknown (None)."""
    settings, captured = goal.pair.settings, goal.captured
    if "max_size" in settings:
        return int(settings.get("min_size", 0)), int(settings["max_size"])
    for side in (seen.source, seen.target):
        if isinstance(side, Group) and side.desired and (side.minimum or not side.suspended.issuperset(HELD)):
            return side.minimum, side.maximum
    if captured.get("max_size"):
        return int(captured.get("min_size", 0)), int(captured["max_size"])
    if isinstance(seen.source, Group) and seen.source.maximum:
        return None, seen.source.maximum
    return None, None


def _own_suspensions(seen: Seen, goal: Goal) -> frozenset[str]:
    """What production itself has suspended: not ours to resume."""
    if "suspended" in goal.captured:
        return frozenset(goal.captured["suspended"])
    if isinstance(seen.source, Group) and seen.source.desired and seen.source.minimum:
        return seen.source.suspended
    return frozenset()


def _start(
    place: Place,
    goal: Goal,
    wanted: int,
    bounds: tuple[int | None, int | None],
    own: frozenset[str],
    debt: str = "",
) -> Step | None:
    """The next step until `wanted` instances are in service and alarms and schedules are let go; None when they are."""
    group = place.group
    if missing := sorted(group.suspended.intersection(NEEDED) - own):
        why = "resume what brings instances into service"
        return processes("resume_processes", place, missing, why)
    free = not group.suspended.intersection(HELD)
    desired = max(wanted, group.desired)
    low = bounds[0] if bounds[0] is not None else group.minimum
    high = max(bounds[1] or group.maximum, desired)
    size = (min(low, desired), high, desired)
    if (group.minimum, group.maximum, group.desired) != size and not (free and group.desired):
        if group.newest != group.baseline and not group.desired:
            return tagged(place, BASELINE_TAG, group.newest, "note where its activities stand")
        params = {"MinSize": size[0], "MaxSize": size[1], "DesiredCapacity": size[2]}
        return updated(place, params, f"scale it to {desired} instances", debt)
    if lacking := _lacking(group, place, goal):
        return lacking
    if waiting := sorted(group.suspended.intersection(HELD) - own):
        return processes("resume_processes", place, waiting, "let alarms and schedules scale it again")
    return None


def _lacking(group: Group, place: Place, goal: Goal) -> Step | None:
    """Why the group is not there yet: launches that fail, instances or targets that are not healthy; None when it is."""
    enough = math.ceil(group.desired * float(goal.pair.settings.get("min_success_percent", 100)) / 100)
    if group.serving < enough:
        if len(group.failures) >= FAILED_LAUNCHES:
            why = f"{len(group.failures)} launches of {place.name} in {place.region} failed: {group.failures[0]}"
            zero = f"--auto-scaling-group-name {place.name} --min-size 0 --desired-capacity 0 --region {place.region}"
            remedy = f"{cause(group.failures[0])}, then aws autoscaling update-auto-scaling-group {zero}"
            return Blocked(why, f"{remedy} and resume this execution")
        why = f"{group.serving} of {group.desired} instances are in service in {place.region}"
        return Wait(why, poll_seconds=15, timeout_seconds=1200)
    if group.healthy_targets is not None and group.healthy_targets < enough:
        why = f"{group.healthy_targets} of {group.desired} instances are healthy in the target groups in {place.region}"
        return Wait(why, poll_seconds=15, timeout_seconds=1200)
    return None


def _stop(place: Place, reason: str) -> Step | None:
    """The next step until the group has no instances and nothing scales it up again; None when that is so."""
    group = place.group
    if group.operator:
        return Blocked(*_operated(place.name, group.operator))
    if group.status:
        return Wait(f"{place.name} in {place.region} is being deleted", poll_seconds=30)
    named = {"AutoScalingGroupName": place.name}
    if group.refresh:
        return Call("autoscaling", "cancel_instance_refresh", place.region, named, "cancel its instance refresh")
    if not group.suspended.issuperset(HELD):
        return held(place, group, reason)
    if "Terminate" in group.suspended and not group.idle:
        return processes("resume_processes", place, ["Terminate"], "let it terminate instances")
    protected = [one.id for one in group.instances if one.protected and one.lifecycle == "InService"][:PROTECTION_LIMIT]
    if protected:
        unprotect = {**named, "InstanceIds": protected, "ProtectedFromScaleIn": False}
        return Call("autoscaling", "set_instance_protection", place.region, unprotect, "take the protection off its instances")
    if group.minimum or group.desired:
        return updated(place, {"MinSize": 0, "DesiredCapacity": 0}, f"scale it to zero: {reason}")
    if group.instances:
        states = ", ".join(sorted({one.lifecycle for one in group.instances}))
        return Wait(f"{len(group.instances)} instances are leaving {place.region}: {states}", poll_seconds=15)
    return None


def _outputs(seen: Seen, target: Group, **more: Any) -> Mapping[str, Any]:
    outputs: dict[str, Any] = {
        "group_arn": target.arn,
        "desired_capacity": target.desired,
        "in_service": target.serving,
        "min_size": target.minimum,
        "max_size": target.maximum,
        "role": "active",
        **more,
    }
    if target.template:
        outputs |= {"launch_template_id": target.template.id, "launch_template_version": target.template.version}
    if isinstance(seen.source, Unreachable):
        outputs["fencing"] = "deferred"
    return outputs
