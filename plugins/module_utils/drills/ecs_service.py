# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A drill of an ECS service: one task of the standby's task definition, alone in the drill room's cluster and network.

The service itself is never scaled. A task of its own joins no target group, no service registry and no namespace.
Facts: the ECS API reference (RunTask, ListTasks, StopTask).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from ..adapters.base import Reader, dark
from ..model import UNREACHABLE, Blocked, Call, Done, Goal, Pair, Step, Unreachable, Wait
from ..parts.ecs_state import Place
from ..parts.ecs_task import Cluster, Task, cluster_of, tasks_of
from . import room
from .base import AGAIN, Drill, Touch, carries, drill_id, name, prepared, role, stranger, tags

#: An image may be large, and the room's way to its registry slow.
START_SECONDS: Final = 1800
#: What of a service a task is run with.
LAUNCH: Final = ("capacityProviderStrategy", "launchType", "platformVersion")
#: Volumes that are production's data.
SHARED: Final = ("efsVolumeConfiguration", "fsxWindowsFileServerVolumeConfiguration")
#: Of RunTask's answer, kept for the looks that follow: why no task was placed.
FAILURES: Final = "run_task_failures"


@dataclass(frozen=True, slots=True)
class Origin:
    """The standby. launch: as RunTask takes it. vpcs: where its tasks would be. definition: None when AWS has it no more."""

    launch: Mapping[str, Any]
    vpcs: tuple[str, ...]
    definition: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything in the target region. cluster: the prepared one. copies: what runs first; more than one only by accident."""

    room: room.Seen
    cluster: Cluster | Unreachable | None
    origin: Origin | Unreachable | None
    copies: tuple[Task, ...] | Unreachable


class EcsServiceDrill(Drill):
    """Tasks of ECS services.

    Settings (`drill.<name>`): ecs_cluster (dr-drill); task_role and execution_role, ARNs; task_definition, to run in place of the
    standby's; launch_type, in place of the service's launch type or capacity providers.
    """

    technology = "ecs"
    shape: ClassVar[Mapping[str, Any]] = {"desired_count": 1}
    bulk = 50
    durations: ClassVar[Mapping[str, int]] = {"instantiate": 90, "activate": 30, "cleanup": 60}
    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "observe": (
            *room.ACTIONS,
            "ecs:DescribeClusters",
            "ecs:DescribeServices",
            "ecs:DescribeTaskDefinition",
            "ecs:DescribeTasks",
            "ecs:ListTasks",
        ),
        "instantiate": ("ecs:RunTask",),
        "activate": (),
        "cleanup": ("ecs:StopTask",),
    }
    touches: ClassVar[Mapping[tuple[str, str], Touch]] = {
        ("ecs", "run_task"): Touch(("cluster", "startedBy"), "tags"),
        ("ecs", "stop_task"): Touch(("cluster", "task")),
    }

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Seen]:
        account, region = pairs[0].account, pairs[0].target_region
        here = room.observe(reader, account, region)
        names = {prepared(pair, "ecs_cluster") for pair in pairs}
        clusters = {one: cluster_of(reader, account, region, one) for one in names}
        tasks = {one: tasks_of(reader, account, region, one) for one in names}

        def seen(pair: Pair) -> Seen:
            cluster = prepared(pair, "ecs_cluster")
            found = tasks[cluster]
            ours = found if isinstance(found, Unreachable) else tuple(one for one in found if one.started_by == _name(pair))
            return Seen(here, clusters[cluster], _origin(reader, pair), ours)

        return {pair.key: seen(pair) for pair in pairs}

    def own(self, seen: Seen, goal: Goal) -> Collection[str]:
        copies = () if isinstance(seen.copies, Unreachable) else seen.copies
        carried = {one.arn for one in copies if carries(one.tags, goal.pair)}
        return {_name(goal.pair), prepared(goal.pair, "ecs_cluster")} | carried

    def make(self, seen: Seen, goal: Goal) -> Step:
        """One task runs in the drill room."""
        pair, region = goal.pair, goal.pair.target_region
        if isinstance(seen.origin, Unreachable) or isinstance(seen.copies, Unreachable) or isinstance(seen.cluster, Unreachable):
            return dark(goal, region)
        if seen.copies:
            return _runs(seen.copies[0], goal)
        if seen.origin is None:
            return Blocked(f"there is no standby {pair.target_id} in {region} to copy", "run phase instantiate of a failover first")
        refused = room.refused(seen.room, goal, seen.origin.vpcs) or _unfit(seen.origin, seen.cluster, goal)
        if refused:
            return refused
        call = _run(seen, seen.origin, goal)
        failures = pair.settings.get(FAILURES)
        if failures:
            why = f"RunTask placed no task in cluster {prepared(pair, 'ecs_cluster')} in {region}: {failures}"
            return Blocked(why, "give the cluster what is missing, then resume this execution", retry=call)
        return call

    def serve(self, seen: Seen, goal: Goal) -> Step:
        """The task runs, and is healthy where its definition says how that is told."""
        match seen.copies, seen.origin:
            case (Unreachable(), _) | (_, Unreachable()):
                return dark(goal, goal.pair.target_region)
            case (), _:
                return Blocked(f"there is no copy {_name(goal.pair)}", "run phase instantiate of this drill first")
            case copies, origin:
                definition = origin.definition if origin and origin.definition else {}
                return _runs(
                    copies[0], goal, checked=any("healthCheck" in one for one in definition.get("containerDefinitions", ()))
                )

    def copy_size(self, goal: Goal) -> Mapping[str, Any]:
        """One task; of another task definition, or on instances, nothing is known."""
        given = goal.pair.settings.get("drill", {})
        other = given.get("task_definition") or given.get("launch_type", "FARGATE") != "FARGATE"
        return {**super().copy_size(goal), **({"task_size": {}} if other else {})}

    def remove(self, seen: Seen, goal: Goal) -> Step:
        """The task is stopped. AWS forgets stopped tasks within hours."""
        pair, region = goal.pair, goal.pair.target_region
        if isinstance(seen.copies, Unreachable):
            return dark(goal, region)
        for copy in seen.copies:
            if copy.status == "STOPPED":
                continue
            if not carries(copy.tags, pair):
                return stranger(copy.arn, region)
            if copy.stopping:
                return Wait(f"the copy {copy.arn} is stopping", poll_seconds=10)
            params = {"cluster": prepared(pair, "ecs_cluster"), "task": copy.arn, "reason": f"drill {drill_id(pair)} is over"}
            return Call("ecs", "stop_task", region, params, "stop the copy")
        return Done({"copy": "removed"})

    def receipt(self, call: Call, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """Why RunTask placed nothing: it says so in an answer that is no error, and no describe call repeats it."""
        found = answer.get("failures", ()) if call.operation == "run_task" else ()
        said = (" ".join(filter(None, (one.get("reason"), one.get("detail"), one.get("arn")))) for one in found)
        return {FAILURES: "; ".join(said)} if found else {}


def _name(pair: Pair) -> str:
    return name(pair, 36)


def _origin(reader: Reader, pair: Pair) -> Origin | Unreachable | None:
    """The standby's service and the task definition that it runs."""
    account, region, place = pair.account, pair.target_region, Place(pair.target_id, pair.target_region, None)
    found = reader.read(
        account,
        region,
        "ecs",
        "describe_services",
        absent=("ClusterNotFoundException",),
        cluster=place.cluster,
        services=[place.name],
    )
    if isinstance(found, Unreachable):
        return found
    service = next((one for one in (found or {}).get("services", ()) if one["status"] != "INACTIVE"), None)
    if service is None:
        return None
    wanted = pair.settings.get("drill", {}).get("task_definition") or service["taskDefinition"]
    shown = reader.read(account, region, "ecs", "describe_task_definition", absent=("ClientException",), taskDefinition=wanted)
    subnets = service.get("networkConfiguration", {}).get("awsvpcConfiguration", {}).get("subnets", ())
    vpcs = room.vpcs_of(reader, account, region, subnets)
    if isinstance(shown, Unreachable) or isinstance(vpcs, Unreachable):
        return UNREACHABLE
    launch = {member: service[member] for member in LAUNCH if service.get(member)}
    return Origin(launch, tuple(sorted(set(vpcs.values()))), shown["taskDefinition"] if shown else None)


def _unfit(origin: Origin, cluster: Cluster | None, goal: Goal) -> Step | None:
    """Why no task of it can be run apart from production; None when one can."""
    pair, region, definition = goal.pair, goal.pair.target_region, origin.definition
    prepare = "set drill.task_definition to one that can be run for drills"
    if definition is None or definition.get("status") != "ACTIVE":
        return Blocked(f"the task definition of {pair.target_id} in {region} is not ACTIVE: nothing can be run of it", prepare)
    ident = definition["taskDefinitionArn"].rpartition("/")[2]
    mode = definition.get("networkMode", "bridge")
    if mode != "awsvpc":
        why = f"{ident} in {region} has network mode {mode}: its tasks have no network of their own that could be the drill room's"
        return Blocked(why, prepare)
    shared = [one["name"] for one in definition.get("volumes", ()) if any(kind in one for kind in SHARED)]
    if shared:
        return Blocked(f"{ident} in {region} mounts a file system of production as {shared[0]}", prepare)
    if definition.get("taskRoleArn") == role(pair, "task_role"):
        return Blocked(f"drill.task_role is the role of {ident} itself: a copy may not act as production", "set another role")
    wanted = prepared(pair, "ecs_cluster")
    if wanted == Place(pair.target_id, region, None).cluster:
        return Blocked(
            f"drill.ecs_cluster is {wanted}, the cluster of {pair.target_id} itself", "set a cluster of its own for drills"
        )
    if cluster is None:
        make = f"aws ecs create-cluster --cluster-name {wanted} --region {region}"
        return Blocked(f"there is no cluster {wanted} in {region}", make)
    needed = [one["capacityProvider"] for one in _launch(origin, pair).get("capacityProviderStrategy", ())]
    lacking = [one for one in needed if one not in cluster.providers]
    if lacking:
        why = f"the cluster {wanted} in {region} has no capacity provider {lacking[0]}"
        return Blocked(why, "associate it (aws ecs put-cluster-capacity-providers), or set drill.launch_type to FARGATE or EC2")
    return None


def _launch(origin: Origin, pair: Pair) -> Mapping[str, Any]:
    """What the service's tasks run on, or what the setting says."""
    given = pair.settings.get("drill", {}).get("launch_type")
    return {"launchType": given} if given else origin.launch


def _run(seen: Seen, origin: Origin, goal: Goal) -> Call:
    """RunTask. The token is one of everything that is asked for: corrected settings are another request."""
    pair, here, definition = goal.pair, seen.room, origin.definition or {}
    overrides = {"taskRoleArn": role(pair, "task_role")} if definition.get("taskRoleArn") else {}
    if execution_role := pair.settings.get("drill", {}).get("execution_role"):
        overrides["executionRoleArn"] = str(execution_role)
    params = {
        "cluster": prepared(pair, "ecs_cluster"),
        "taskDefinition": definition.get("taskDefinitionArn"),
        "count": 1,
        "startedBy": _name(pair),
        "tags": [{"key": key, "value": value} for key, value in tags(pair).items()],
        "networkConfiguration": {
            "awsvpcConfiguration": {
                "subnets": list(here.subnets) if isinstance(here, room.Room) else [],
                "securityGroups": list(here.groups) if isinstance(here, room.Room) else [],
                "assignPublicIp": "DISABLED",
            }
        },
        **_launch(origin, pair),
        **({"overrides": overrides} if overrides else {}),
    }
    token = hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()
    why = "run one task in the drill room"
    return Call("ecs", "run_task", pair.target_region, {**params, "clientToken": token}, why, settle_seconds=15)


def _runs(copy: Task, goal: Goal, *, checked: bool = False) -> Step:
    """The copy is the drill's own and RUNNING; checked: and healthy."""
    if not carries(copy.tags, goal.pair):
        return stranger(copy.arn, goal.pair.target_region)
    if copy.status == "STOPPED":
        return Blocked(f"the copy {copy.arn} stopped: {copy.ended}", f"correct the cause, then {AGAIN}")
    if copy.stopping or copy.status != "RUNNING":
        return Wait(f"the copy {copy.arn} is {copy.status}", poll_seconds=10, timeout_seconds=START_SECONDS)
    if checked and copy.health == "UNHEALTHY":
        return Blocked(f"the copy {copy.arn} is UNHEALTHY by its own health check", f"see its logs, then {AGAIN}")
    if checked and copy.health != "HEALTHY":
        return Wait(f"the health of the copy {copy.arn} is not known yet", poll_seconds=10)
    return Done(
        {
            "copy": copy.arn,
            "endpoint": copy.address,
            "task_definition": copy.task_definition,
            "images": copy.images,
            "health": copy.health if checked else "RUNNING; its definition has no health check",
        }
    )
