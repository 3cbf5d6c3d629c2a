# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ECS tasks: those of services, and those that RunTask starts, which get an address, answer a health check, or cannot be pulled.

Those of a family that stands for a program of this machine (`Gateway.programs`) are RUNNING as long as that runs.
"""

from __future__ import annotations

import signal
import zlib
from typing import Any

from moto.backends import get_backend

from sandbox.gateway import Ctx, op
from sandbox.model import AwsError
from sandbox.programs import Running
from sandbox.services.ecs import (
    ECR_IMAGE,
    FAILED_AFTER,
    PENDING_AFTER,
    REASON,
    RUNNING_AFTER,
    STOPPED_AFTER,
    STOPPED_KEPT,
    Params,
    arn_of,
    cluster_of,
    definition_of,
    held_services,
    hex_of,
    page_of,
    reconcile,
    service_of,
    standalone,
    stop_tasks,
)

#: Simulated seconds from RUNNING until a task that has a health check is HEALTHY.
HEALTHY_AFTER = 10
#: Simulated seconds from SIGTERM to SIGKILL, unless a task definition says otherwise.
KILLED_AFTER = 30
_FILTERS = {"containerInstance", "desiredStatus", "family", "launchType", "serviceName"}


def _in(ctx: Ctx, cluster: str) -> dict[str, Params]:
    """Every task of a cluster, by ARN."""
    found = {
        arn: task for (name, _service), one in held_services(ctx).items() if name == cluster for arn, task in one.tasks.items()
    }
    prefix = arn_of(ctx, "task", f"{cluster}/")
    return found | {arn: task for arn, task in standalone(ctx).items() if arn.startswith(prefix)}


@op("ecs", "ListTasks")
def list_tasks(ctx: Ctx, params: Params) -> Params:
    """Running ones unless desiredStatus says STOPPED; those that stopped within the last hour. startedBy is a filter of its own."""
    cluster, status = cluster_of(ctx, params), params.get("desiredStatus", "RUNNING")
    if "startedBy" in params and _FILTERS & params.keys():
        raise AwsError("InvalidParameterException", "startedBy must be the only filter.")
    tasks = service_of(ctx, params, "serviceName").tasks if "serviceName" in params else _in(ctx, cluster)
    arns = [
        task["taskArn"]
        for task in tasks.values()
        if task["desiredStatus"] == status
        and params.get("startedBy") in (None, task["startedBy"])
        and params.get("family") in (None, task["taskDefinitionArn"].rsplit("/", 1)[-1].split(":")[0])
    ]
    page, token = page_of(arns, params, 100)
    return {"taskArns": page, **token}


@op("ecs", "DescribeTasks")
def describe_tasks(ctx: Ctx, params: Params) -> Params:
    """At most a hundred; tags only where they are asked for."""
    cluster, tags = cluster_of(ctx, params), "TAGS" in params.get("include", [])
    held = _in(ctx, cluster)
    for arn, program in _programs(ctx).items():
        code = program.ended()
        if code is not None and held[arn]["lastStatus"] != "STOPPED":
            held[arn].setdefault("stopCode", "EssentialContainerExited")
            held[arn].setdefault("stoppedReason", "Essential container in task exited")
            held[arn]["desiredStatus"] = "STOPPED"
            _marked(ctx, held[arn], code)  # it stays: simulated time may pass faster than anybody looks
    wanted = [arn if arn.startswith("arn:") else arn_of(ctx, "task", f"{cluster}/{arn}") for arn in params["tasks"]]
    return {
        "tasks": [{name: value for name, value in held[arn].items() if tags or name != "tags"} for arn in wanted if arn in held],
        "failures": [{"arn": arn, "reason": "MISSING"} for arn in wanted if arn not in held],
    }


@op("ecs", "StopTask")
def stop_task(ctx: Ctx, params: Params) -> Params:
    """A service starts another one in its place."""
    cluster, name = cluster_of(ctx, params), params["task"].rsplit("/", 1)[-1]
    arn, reason = arn_of(ctx, "task", f"{cluster}/{name}"), params.get("reason", "Task stopped by user")
    alone = standalone(ctx).get(arn)
    if alone:
        if alone["desiredStatus"] == "RUNNING":
            alone.update(desiredStatus="STOPPED", stopCode="UserInitiated", stoppedReason=reason, stoppingAt=ctx.clock.now())
            ctx = ctx.within()
            if program := _programs(ctx).get(arn):
                program.signal(signal.SIGTERM)
                ctx.clock.after(KILLED_AFTER, lambda: program.signal(signal.SIGKILL))
            else:
                ctx.clock.after(STOPPED_AFTER, lambda: _stopped(ctx, alone, 0))
        return {"task": alone}
    for (where, _name), service in held_services(ctx).items():
        task = service.tasks.get(arn) if where == cluster else None
        if task:
            stop_tasks(ctx, service, [task], "UserInitiated", reason)
            reconcile(ctx, service)
            return {"task": task}
    raise AwsError("InvalidParameterException", "The referenced task was not found.")


def _programs(ctx: Ctx) -> dict[str, Running]:
    """The programs that run as tasks, by ARN."""
    found: dict[str, Running] = ctx.at("ecs").setdefault("programs", {})
    return found


def _stopped(ctx: Ctx, task: Params, code: int) -> None:
    _marked(ctx, task, code)
    ctx.clock.after(STOPPED_KEPT, lambda: standalone(ctx).pop(task["taskArn"], None))


def _marked(ctx: Ctx, task: Params, code: int) -> None:
    task.update(lastStatus="STOPPED", stoppedAt=ctx.clock.now())
    for container in task["containers"]:
        container.update(lastStatus="STOPPED", **({"exitCode": code} if "startedAt" in task else {}))


@op("ecs", "RunTask")
def run_task(ctx: Ctx, params: Params) -> Params:
    """The same client token gives the same tasks, or a conflict where the rest of the request differs."""
    ctx = ctx.within()
    cluster, definition = cluster_of(ctx, params), definition_of(ctx, params["taskDefinition"])
    tokens: dict[str, tuple[Params, list[Params]]] = ctx.store.setdefault("run_tokens", {})
    before = tokens.get(params.get("clientToken", ""), ({}, []))
    if before[1]:
        if before[0] != params:
            raise AwsError("ConflictException", "The provided clientToken is already in use with a different RunTask request.")
        return {"tasks": before[1], "failures": []}
    if definition["status"] != "ACTIVE":
        raise AwsError("ClientException", "TaskDefinition is inactive")
    if definition.get("networkMode") == "awsvpc" and not params.get("networkConfiguration"):
        message = "Network Configuration must be provided when networkMode 'awsvpc' is specified."
        raise AwsError("InvalidParameterException", message)
    if params.get("launchType", "EC2") == "EC2" and "capacityProviderStrategy" not in params:
        raise AwsError("InvalidParameterException", "No Container Instances were found in your cluster.")
    tasks = [_start(ctx, cluster, definition, params) for _number in range(params.get("count", 1))]
    if "clientToken" in params:
        tokens[params["clientToken"]] = (params, tasks)
    return {"tasks": tasks, "failures": []}


def _start(ctx: Ctx, cluster: str, definition: Params, params: Params) -> Params:
    """A task that arrives, unless an image of it is not in its registry."""
    ident = hex_of(ctx)
    arn, number = arn_of(ctx, "task", f"{cluster}/{ident}"), int(ident[-6:], 16)
    images = [(one["name"], one["image"]) for one in definition["containerDefinitions"]]
    task: Params = {
        "taskArn": arn,
        "clusterArn": arn_of(ctx, "cluster", cluster),
        "taskDefinitionArn": definition["taskDefinitionArn"],
        "group": f"family:{definition['family']}",
        "startedBy": params.get("startedBy", ""),
        "desiredStatus": "RUNNING",
        "lastStatus": "PROVISIONING",
        "healthStatus": "UNKNOWN",
        "launchType": params.get("launchType", "FARGATE"),
        "overrides": params.get("overrides", {}),
        "createdAt": ctx.clock.now(),
        "containers": [{"name": name, "image": image, "lastStatus": "PENDING"} for name, image in images],
        "attachments": [],
        "tags": params.get("tags", []),
    }
    standalone(ctx)[arn] = task
    if definition["family"] in ctx.gw.programs:
        _run(ctx, task, definition)
        return task
    missing = next((image for _name, image in images if not _pulled(ctx, image)), None)

    def pending() -> None:
        if task["lastStatus"] == "PROVISIONING":
            task["lastStatus"] = "PENDING"

    def arrived() -> None:
        if task["desiredStatus"] != "RUNNING":
            return
        if missing:
            task.update(desiredStatus="STOPPED", stopCode="TaskFailedToStart", stoppedReason=REASON.format(image=missing))
            _stopped(ctx, task, 1)
            return
        address = {"name": "privateIPv4Address", "value": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"}
        interface = {"id": ident, "type": "ElasticNetworkInterface", "status": "ATTACHED", "details": [address]}
        task.update(lastStatus="RUNNING", startedAt=ctx.clock.now(), attachments=[interface])
        for container in task["containers"]:
            container.update(lastStatus="RUNNING", imageDigest=f"sha256:{zlib.crc32(container['image'].encode()):064x}")
        if any("healthCheck" in one for one in definition["containerDefinitions"]):
            ctx.clock.after(HEALTHY_AFTER, lambda: task.update(healthStatus="HEALTHY"))

    ctx.clock.after(PENDING_AFTER, pending)
    ctx.clock.after(FAILED_AFTER if missing else RUNNING_AFTER, arrived)
    return task


def _run(ctx: Ctx, task: Params, definition: Params) -> None:
    """Starts the program that the task's container is, with the command and environment of its definition and its overrides."""
    (container,) = definition["containerDefinitions"]
    own: Params = next((one for one in task["overrides"].get("containerOverrides", ()) if one["name"] == container["name"]), {})
    given = {one["name"]: one["value"] for one in [*container.get("environment", ()), *own.get("environment", ())]}
    command = own.get("command") or container["command"]
    name = task["taskArn"].rsplit("/", 1)[-1]
    _programs(ctx)[task["taskArn"]] = ctx.gw.programs[definition["family"]].start(name, command, given)
    task.update(lastStatus="RUNNING", startedAt=ctx.clock.now())
    task["containers"][0]["lastStatus"] = "RUNNING"


def _pulled(ctx: Ctx, image: str) -> bool:
    """An image of a private registry must be in it; any other one is."""
    found = ECR_IMAGE.match(image)
    held: Any = get_backend("ecr")[ctx.account][ctx.region].repositories
    return not found or (found[1] in held and found[2] in {tag for one in held[found[1]].images for tag in one.image_tags})
