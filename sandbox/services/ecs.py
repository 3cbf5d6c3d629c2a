# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ECS services whose tasks take time to start and stop, and can fail to; Application Auto Scaling targets that clamp.

Clusters are moto's; services, tasks, task definitions and scalable targets are ours: moto runs every task at once and
lists none. Calls about tasks are in ecs_tasks.py.
Not simulated: placement, capacity providers, rollback of a failed deployment, scaling by metrics or schedules.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from moto.backends import get_backend

from sandbox.gateway import Ctx, after, lists, op, seed
from sandbox.model import AwsError

#: Simulated seconds: until a new task is PENDING, RUNNING or has failed, and until a stopping one is STOPPED.
PENDING_AFTER, RUNNING_AFTER, FAILED_AFTER, STOPPED_AFTER = 5, 30, 20, 15
#: Simulated seconds: between attempts to start failing tasks (doubled each time), until a deployment is COMPLETED and a
#: deleted service INACTIVE, and for how long stopped tasks are listed.
RETRY_AFTER, RETRY_MAX, COMPLETED_AFTER, INACTIVE_AFTER, STOPPED_KEPT = 15, 300, 5, 60, 3600
AAS = "application-autoscaling"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
LINKED_ROLE = "AWSServiceRoleForApplicationAutoScaling_ECSService"
#: Most services of a DescribeServices call, and resources of a DescribeScalableTargets call; failures that say so.
DESCRIBE_LIMIT, RESOURCES_LIMIT, PATTERN = 10, 50, 3
SUSPENSIONS = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")
DIMENSION = "ecs:service:DesiredCount"
REASON = "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref {image}: not found"
ECR_IMAGE = re.compile(r"^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com/([^:@]+):(.+)$")
_CREATE_ONLY = {"cluster", "clientToken", "desiredCount", "serviceName", "tags", "taskDefinition", "role"}
_UPDATE_ONLY = {"cluster", "service", "desiredCount", "taskDefinition", "forceNewDeployment"}

Params = dict[str, Any]


@dataclass(slots=True)
class Service:
    """A service as it is described (`view`), its tasks by ARN, tags, and failed attempts to start tasks."""

    view: Params
    tags: dict[str, str]
    tasks: dict[str, Params] = field(default_factory=dict)
    attempts: int = 0

    @property
    def primary(self) -> Params:
        deployment: Params = self.view["deployments"][0]
        return deployment

    def alive(self) -> list[Params]:
        return [task for task in self.tasks.values() if task["desiredStatus"] == "RUNNING"]


# -- state ------------------------------------------------------------------------------------------------------------


def held_services(ctx: Ctx) -> dict[tuple[str, str], Service]:
    held: dict[tuple[str, str], Service] = ctx.at("ecs").setdefault("services", {})
    return held


def standalone(ctx: Ctx) -> dict[str, Params]:
    """Tasks that belong to no service, by ARN."""
    held: dict[str, Params] = ctx.at("ecs").setdefault("standalone", {})
    return held


def _definitions(ctx: Ctx) -> dict[str, list[Params]]:
    held: dict[str, list[Params]] = ctx.at("ecs").setdefault("definitions", {})
    return held


def arn_of(ctx: Ctx, kind: str, name: str) -> str:
    return f"arn:aws:ecs:{ctx.region}:{ctx.account}:{kind}/{name}"


def hex_of(ctx: Ctx, digits: int = 32) -> str:
    """Identifiers count up: the same calls give the same ones."""
    store = ctx.at("ecs")
    store["ids"] = store.get("ids", 0) + 1
    return f"{zlib.crc32(f'{ctx.account}{ctx.region}'.encode()):08x}{store['ids']:0{digits - 8}x}"


def cluster_of(ctx: Ctx, params: Params) -> str:
    name = str(params.get("cluster") or "default").rsplit("/", 1)[-1]
    if name not in get_backend("ecs")[ctx.account][ctx.region].clusters:
        raise AwsError("ClusterNotFoundException", "Cluster not found.")
    return name


def service_of(ctx: Ctx, params: Params, key: str = "service") -> Service:
    cluster, name = cluster_of(ctx, params), str(params[key]).rsplit("/", 1)[-1]
    service = held_services(ctx).get((cluster, name))
    if service is None:
        raise AwsError("ServiceNotFoundException", "Service not found.")
    return service


def definition_of(ctx: Ctx, name: str) -> Params:
    family, _colon, revision = name.rsplit("/", 1)[-1].partition(":")
    revisions = _definitions(ctx).get(family, [])
    for definition in reversed(revisions):
        if revision == str(definition["revision"]) or (not revision and definition["status"] == "ACTIVE"):
            return definition
    raise AwsError("ClientException", "Unable to describe task definition.")


def _say(service: Service, now: datetime, message: str) -> None:
    events = service.view["events"]
    text = f"(service {service.view['serviceName']}) {message}"
    events.insert(0, {"id": f"event-{len(events):04d}", "createdAt": now, "message": text})
    del events[20:]


# -- tasks over time --------------------------------------------------------------------------------------------------


def _count(service: Service) -> None:
    tasks = service.tasks.values()
    running = [task for task in tasks if task["lastStatus"] == "RUNNING"]
    pending = [task for task in tasks if task["lastStatus"] in ("PROVISIONING", "PENDING")]
    service.view.update(runningCount=len(running), pendingCount=len(pending))
    for deployment in service.view["deployments"]:
        deployment["runningCount"] = sum(task["startedBy"] == deployment["id"] for task in running)
        deployment["pendingCount"] = sum(task["startedBy"] == deployment["id"] for task in pending)
        deployment["desiredCount"] = service.view["desiredCount"] if deployment is service.primary else 0


def reconcile(ctx: Ctx, service: Service) -> None:
    """Start what is lacking in the primary deployment, stop what is too much of it."""
    if service.view["status"] != "ACTIVE" or service.primary["rolloutState"] == "FAILED":
        wanted = 0 if service.view["status"] != "ACTIVE" else None
    else:
        wanted = service.view["desiredCount"]
    ours = [task for task in service.alive() if task["startedBy"] == service.primary["id"]]
    if wanted is not None:
        if len(ours) < wanted:
            _launch(ctx, service, wanted - len(ours))
        elif len(ours) > wanted:
            stop_tasks(ctx, service, ours[wanted:], "ServiceSchedulerInitiated", "Scaling activity initiated by deployment")
    _count(service)
    _settle(ctx, service)


def _launch(ctx: Ctx, service: Service, number: int) -> None:
    ctx = ctx.within()
    deployment = service.primary["id"]
    tasks = [_task(ctx, service, "PROVISIONING") for _number in range(number)]
    _say(service, ctx.clock.now(), f"has started {number} tasks.")

    def pending() -> None:
        for task in tasks:
            if task["lastStatus"] == "PROVISIONING":
                task["lastStatus"] = "PENDING"

    def arrived() -> None:
        mine = [task for task in tasks if task["desiredStatus"] == "RUNNING"]
        for task in mine:
            task.update(lastStatus="RUNNING", startedAt=ctx.clock.now())
        _balance(ctx, service, "register_targets", mine)
        if mine and deployment == service.primary["id"]:
            service.attempts = service.primary["failedTasks"] = 0
        _count(service)
        _settle(ctx, service)

    def failed() -> None:
        mine = [task for task in tasks if task["desiredStatus"] == "RUNNING"]
        image = definition_of(ctx, service.view["taskDefinition"])["containerDefinitions"][0]["image"]
        for task in mine:
            task.update(desiredStatus="STOPPED", lastStatus="STOPPED", stopCode="TaskFailedToStart")
            task.update(stoppedAt=ctx.clock.now(), stoppedReason=REASON.format(image=image))
        _forget(ctx, service, mine)
        _count(service)
        if mine and deployment == service.primary["id"]:
            _failed(ctx, service, len(mine))

    ctx.clock.after(PENDING_AFTER, pending)
    mood = service.tags.get("sim:tasks")
    fails = mood == "fail" or (mood == "fail-once" and not service.attempts)
    ctx.clock.after(FAILED_AFTER if fails else RUNNING_AFTER, failed if fails else arrived)


def _failed(ctx: Ctx, service: Service, number: int) -> None:
    primary = service.primary
    primary["failedTasks"] += number
    service.attempts += 1
    if primary["failedTasks"] >= PATTERN:
        _say(service, ctx.clock.now(), "is unable to consistently start tasks successfully.")
    breaker = service.view["deploymentConfiguration"].get("deploymentCircuitBreaker", {})
    threshold = max(PATTERN, min(200, math.ceil(service.view["desiredCount"] / 2)))
    # The breaker watches deployments only: scaling a service whose deployment is COMPLETED is not one.
    if breaker.get("enable") and primary["rolloutState"] == "IN_PROGRESS" and primary["failedTasks"] >= threshold:
        reason = "ECS deployment circuit breaker: tasks failed to start."
        primary.update(rolloutState="FAILED", rolloutStateReason=reason)
        _say(service, ctx.clock.now(), f"deployment {primary['id']} deployment failed: tasks failed to start.")
        return
    retry = min(RETRY_MAX, RETRY_AFTER * 2 ** (service.attempts - 1))
    ctx.clock.after(retry, lambda: reconcile(ctx, service) if service.primary is primary else None)


def stop_tasks(ctx: Ctx, service: Service, tasks: Iterable[Params], code: str, reason: str) -> None:
    ctx, leaving = ctx.within(), list(tasks)
    for task in leaving:
        task.update(desiredStatus="STOPPED", stopCode=code, stoppedReason=reason, stoppingAt=ctx.clock.now())
    if leaving:
        _say(service, ctx.clock.now(), f"has stopped {len(leaving)} running tasks.")

    def stopped() -> None:
        for task in leaving:
            task.update(lastStatus="STOPPED", stoppedAt=ctx.clock.now())
        _balance(ctx, service, "deregister_targets", leaving)
        _forget(ctx, service, leaving)
        _count(service)
        _settle(ctx, service)

    ctx.clock.after(STOPPED_AFTER, stopped)


def _balance(ctx: Ctx, service: Service, operation: str, tasks: list[Params]) -> None:
    """Tasks join and leave the target groups of their service, by an address made of their number."""
    groups = get_backend("elbv2")[ctx.account][ctx.region].target_groups
    for balancer in service.view["loadBalancers"]:
        group = groups.get(balancer["targetGroupArn"])
        numbers = [int(task["taskArn"][-6:], 16) for task in tasks if "startedAt" in task]
        addresses = [f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}" for number in numbers]
        targets = [{"Id": address, "Port": balancer.get("containerPort", 80)} for address in addresses]
        if group is not None and targets:
            getattr(ctx.client("elbv2"), operation)(TargetGroupArn=balancer["targetGroupArn"], Targets=targets)


def _forget(ctx: Ctx, service: Service, tasks: list[Params]) -> None:
    def gone() -> None:
        for task in tasks:
            service.tasks.pop(task["taskArn"], None)

    ctx.clock.after(STOPPED_KEPT, gone)


def _settle(ctx: Ctx, service: Service) -> None:
    """Once the primary deployment runs all it wants, what is left of older ones stops, and it is COMPLETED."""
    primary = service.primary
    if primary["rolloutState"] != "IN_PROGRESS" or primary["runningCount"] < service.view["desiredCount"]:
        return
    old = [task for task in service.alive() if task["startedBy"] != primary["id"]]
    if old:
        stop_tasks(ctx, service, old, "ServiceSchedulerInitiated", "Task stopped by deployment")

    def completed() -> None:
        if primary["rolloutState"] == "IN_PROGRESS" and service.primary is primary:
            reason = f"ECS deployment {primary['id']} completed."
            primary.update(rolloutState="COMPLETED", rolloutStateReason=reason)
            del service.view["deployments"][1:]
            _say(service, ctx.clock.now(), "has reached a steady state.")

    ctx.clock.after(COMPLETED_AFTER, completed)


def _task(ctx: Ctx, service: Service, status: str) -> Params:
    view, now = service.view, ctx.clock.now()
    cluster = view["clusterArn"].rsplit("/", 1)[-1]
    task = {
        "taskArn": arn_of(ctx, "task", f"{cluster}/{hex_of(ctx)}"),
        "clusterArn": view["clusterArn"],
        "taskDefinitionArn": view["taskDefinition"],
        "group": f"service:{view['serviceName']}",
        "startedBy": service.primary["id"],
        "desiredStatus": "RUNNING",
        "lastStatus": status,
        "launchType": view.get("launchType", "FARGATE"),
        "createdAt": now,
    }
    service.tasks[task["taskArn"]] = task
    return task


def _deployment(ctx: Ctx, view: Params, state: str) -> Params:
    return {
        "id": f"ecs-svc/{int(hex_of(ctx, 18), 16):020d}",
        "status": "PRIMARY",
        "taskDefinition": view["taskDefinition"],
        "desiredCount": view["desiredCount"],
        "pendingCount": 0,
        "runningCount": 0,
        "failedTasks": 0,
        "createdAt": ctx.clock.now(),
        "updatedAt": ctx.clock.now(),
        "rolloutState": state,
        "rolloutStateReason": f"ECS deployment {state.lower().replace('_', ' ')}.",
    }


def _make(ctx: Ctx, cluster: str, params: Params, state: str) -> Service:
    view: Params = {
        "schedulingStrategy": "REPLICA",
        "launchType": "EC2",
        "loadBalancers": [],
        "serviceRegistries": [],
        "placementConstraints": [],
        "placementStrategy": [],
        "deploymentController": {"type": "ECS"},
        "deploymentConfiguration": {"maximumPercent": 200, "minimumHealthyPercent": 100},
        "availabilityZoneRebalancing": "ENABLED",
        "enableECSManagedTags": False,
        "enableExecuteCommand": False,
        "propagateTags": "NONE",
        **{name: value for name, value in params.items() if name not in _CREATE_ONLY},
        "serviceArn": arn_of(ctx, "service", f"{cluster}/{params['serviceName']}"),
        "serviceName": params["serviceName"],
        "clusterArn": arn_of(ctx, "cluster", cluster),
        "status": "ACTIVE",
        "desiredCount": params.get("desiredCount", 0),
        "runningCount": 0,
        "pendingCount": 0,
        "taskDefinition": definition_of(ctx, params["taskDefinition"])["taskDefinitionArn"],
        "createdAt": ctx.clock.now(),
        "events": [],
    }
    if params.get("capacityProviderStrategy"):
        del view["launchType"]
    view["deployments"] = [_deployment(ctx, view, state)]
    service = Service(view, {tag["key"]: tag.get("value", "") for tag in params.get("tags", [])})
    held_services(ctx)[cluster, params["serviceName"]] = service
    return service


def _shown(service: Service, tags: bool) -> Params:
    if not tags:
        return service.view
    return {**service.view, "tags": [{"key": key, "value": value} for key, value in service.tags.items()]}


# -- services ---------------------------------------------------------------------------------------------------------


@op("ecs", "CreateService")
def create_service(ctx: Ctx, params: Params) -> Params:
    """At any count. A second one of the same name is refused, unless it comes with the first one's client token."""
    cluster = cluster_of(ctx, params)
    token, tokens = params.get("clientToken"), ctx.store.setdefault("tokens", {})
    before = held_services(ctx).get((cluster, params["serviceName"]))
    if before and before.view["status"] == "DRAINING":
        raise AwsError("InvalidParameterException", "Unable to Start a service that is still Draining.")
    if before and before.view["status"] == "ACTIVE":
        if token and tokens.get(token) is before:
            return {"service": _shown(before, True)}
        raise AwsError("InvalidParameterException", "Creation of service was not idempotent.")
    definition = definition_of(ctx, params.get("taskDefinition", ""))
    if definition.get("networkMode") == "awsvpc" and not params.get("networkConfiguration"):
        message = "Network Configuration must be provided when networkMode 'awsvpc' is specified."
        raise AwsError("InvalidParameterException", message)
    service = _make(ctx, cluster, params, "IN_PROGRESS")
    if token:
        tokens[token] = service
    reconcile(ctx, service)
    return {"service": _shown(service, True)}


@op("ecs", "UpdateService")
def update_service(ctx: Ctx, params: Params) -> Params:
    """desiredCount scales; taskDefinition, networkConfiguration and forceNewDeployment start a deployment."""
    service = service_of(ctx, params)
    view = service.view
    if view["status"] != "ACTIVE":
        raise AwsError("ServiceNotActiveException", "Service was not ACTIVE.")
    if "desiredCount" in params and view["schedulingStrategy"] == "DAEMON":
        raise AwsError("InvalidParameterException", "The daemon scheduling strategy does not support a desired count.")
    if "taskDefinition" in params and view["deploymentController"]["type"] != "ECS":
        message = "Unable to update task definition on services with a CODE_DEPLOY or EXTERNAL deployment controller."
        raise AwsError("InvalidParameterException", message)
    anew = {"taskDefinition", "networkConfiguration", "platformVersion"} & params.keys()
    if "taskDefinition" in params:
        view["taskDefinition"] = definition_of(ctx, params["taskDefinition"])["taskDefinitionArn"]
    view.update({name: value for name, value in params.items() if name not in _UPDATE_ONLY})
    view["desiredCount"] = params.get("desiredCount", view["desiredCount"])
    if anew or params.get("forceNewDeployment"):
        for deployment in view["deployments"]:
            deployment["status"] = "ACTIVE"
        view["deployments"].insert(0, _deployment(ctx, view, "IN_PROGRESS"))
        service.attempts = 0
    reconcile(ctx, service)
    return {"service": _shown(service, True)}


@op("ecs", "DeleteService")
def delete_service(ctx: Ctx, params: Params) -> Params:
    """DRAINING until its tasks have stopped, then INACTIVE: the name is free again."""
    service = service_of(ctx, params)
    if service.view["status"] != "ACTIVE":
        raise AwsError("ServiceNotActiveException", "Service was not ACTIVE.")
    if service.view["desiredCount"] and not params.get("force"):
        raise AwsError("InvalidParameterException", "The service cannot be stopped while it is scaled above 0.")
    service.view.update(status="DRAINING", desiredCount=0)
    stop_tasks(ctx, service, service.alive(), "UserInitiated", "Service deleted")
    ctx.clock.after(INACTIVE_AFTER, lambda: service.view.update(status="INACTIVE"))
    return {"service": _shown(service, True)}


@op("ecs", "DescribeServices")
def describe_services(ctx: Ctx, params: Params) -> Params:
    """At most ten; what is missing is a failure, not an error."""
    cluster, names = cluster_of(ctx, params), params["services"]
    if not 1 <= len(names) <= DESCRIBE_LIMIT:
        raise AwsError("InvalidParameterException", "Services cannot be empty or more than 10.")
    held, tags = held_services(ctx), "TAGS" in params.get("include", [])
    found, failures = [], []
    for name in names:
        service = held.get((cluster, name.rsplit("/", 1)[-1]))
        if service:
            found.append(_shown(service, tags))
        else:
            arn = name if name.startswith("arn:") else arn_of(ctx, "service", f"{cluster}/{name}")
            failures.append({"arn": arn, "reason": "MISSING"})
    return {"services": found, "failures": failures}


@op("ecs", "ListServices")
def list_services(ctx: Ctx, params: Params) -> Params:
    cluster = cluster_of(ctx, params)
    arns = [
        service.view["serviceArn"]
        for (where, _name), service in sorted(held_services(ctx).items(), key=lambda item: item[0])
        if where == cluster and service.view["status"] != "INACTIVE"
    ]
    page, token = page_of(arns, params, 10)
    return {"serviceArns": page, **token}


def page_of(items: list[Any], params: Params, default: int) -> tuple[list[Any], Params]:
    start, size = int(params.get("nextToken") or 0), params.get("maxResults") or default
    following = start + size
    return items[start:following], {"nextToken": str(following)} if following < len(items) else {}


@after("ecs", "DescribeClusters")
def describe_clusters(ctx: Ctx, params: Params, out: Params) -> None:
    """Counts of our services instead of moto's."""
    for cluster in out.get("clusters", []):
        services = [
            service
            for (name, _service_name), service in held_services(ctx).items()
            if name == cluster["clusterName"] and service.view["status"] != "INACTIVE"
        ]
        cluster["activeServicesCount"] = len(services)
        cluster["runningTasksCount"] = sum(service.view["runningCount"] for service in services)
        cluster["pendingTasksCount"] = sum(service.view["pendingCount"] for service in services)


# -- task definitions -------------------------------------------------------------------------------------------------


def _register(ctx: Ctx, params: Params) -> Params:
    family = params["family"]
    revisions = _definitions(ctx).setdefault(family, [])
    revision = revisions[-1]["revision"] + 1 if revisions else 1
    definition = {
        "volumes": [],
        "placementConstraints": [],
        **{name: value for name, value in params.items() if name != "tags"},
        "taskDefinitionArn": arn_of(ctx, "task-definition", f"{family}:{revision}"),
        "revision": revision,
        "status": "ACTIVE",
        "compatibilities": ["EC2", "FARGATE"] if params.get("networkMode") == "awsvpc" else ["EC2"],
        "registeredAt": ctx.clock.now(),
    }
    definition["containerDefinitions"] = [
        {
            "cpu": 0,
            "essential": True,
            "environment": [],
            "mountPoints": [],
            "volumesFrom": [],
            "portMappings": [],
            **each,
        }
        for each in params["containerDefinitions"]
    ]
    revisions.append(definition)
    return definition


@op("ecs", "RegisterTaskDefinition")
def register_task_definition(ctx: Ctx, params: Params) -> Params:
    """Always a new revision."""
    definition = _register(ctx, params)
    tags = params.get("tags", [])
    ctx.store.setdefault("definition_tags", {})[definition["taskDefinitionArn"]] = tags
    return {"taskDefinition": definition, "tags": tags}


@op("ecs", "DescribeTaskDefinition")
def describe_task_definition(ctx: Ctx, params: Params) -> Params:
    definition = definition_of(ctx, params["taskDefinition"])
    out: Params = {"taskDefinition": definition}
    if "TAGS" in params.get("include", []):
        out["tags"] = ctx.store.get("definition_tags", {}).get(definition["taskDefinitionArn"], [])
    return out


@op("ecs", "DeregisterTaskDefinition")
def deregister_task_definition(ctx: Ctx, params: Params) -> Params:
    """INACTIVE, but services that use it still scale."""
    definition = definition_of(ctx, params["taskDefinition"])
    definition.update(status="INACTIVE", deregisteredAt=ctx.clock.now())
    return {"taskDefinition": definition}


@op("ecs", "ListTaskDefinitions")
def list_task_definitions(ctx: Ctx, params: Params) -> Params:
    status = params.get("status", "ACTIVE")
    arns = [
        definition["taskDefinitionArn"]
        for family, revisions in sorted(_definitions(ctx).items())
        for definition in revisions
        if definition["status"] == status and family.startswith(params.get("familyPrefix", ""))
    ]
    page, token = page_of(arns, params, 100)
    return {"taskDefinitionArns": page, **token}


# -- tags -------------------------------------------------------------------------------------------------------------


def _tagged(ctx: Ctx, arn: str) -> Service | None:
    """The service of an ARN; None for what moto holds."""
    if ":service/" not in arn:
        return None
    cluster, _slash, name = arn.partition(":service/")[2].rpartition("/")
    service = held_services(ctx).get((cluster, name))
    if service is None:
        raise AwsError("InvalidParameterException", "The specified resource was not found.")
    return service


@op("ecs", "TagResource")
def tag_resource(ctx: Ctx, params: Params) -> Params:
    service = _tagged(ctx, params["resourceArn"])
    if service is None:
        return ctx.moto()
    service.tags.update({tag["key"]: tag.get("value", "") for tag in params["tags"]})
    return {}


@op("ecs", "UntagResource")
def untag_resource(ctx: Ctx, params: Params) -> Params:
    service = _tagged(ctx, params["resourceArn"])
    if service is None:
        return ctx.moto()
    for key in params["tagKeys"]:
        service.tags.pop(key, None)
    return {}


@op("ecs", "ListTagsForResource")
def list_tags(ctx: Ctx, params: Params) -> Params:
    service = _tagged(ctx, params["resourceArn"])
    if service is None:
        return ctx.moto()
    return {"tags": [{"key": key, "value": value} for key, value in service.tags.items()]}


@lists("ecs")
def listed(ctx: Ctx) -> Iterable[tuple[str, str, dict[str, str]]]:
    for service in held_services(ctx).values():
        if service.view["status"] != "INACTIVE":
            yield service.view["serviceArn"], "ecs:service", service.tags
    for arn, task in standalone(ctx).items():
        if task["lastStatus"] != "STOPPED":
            yield arn, "ecs:task", {tag["key"]: tag.get("value", "") for tag in task["tags"]}


# -- Application Auto Scaling -----------------------------------------------------------------------------------------


def _targets(ctx: Ctx) -> dict[tuple[str, str, str], Params]:
    held: dict[tuple[str, str, str], Params] = ctx.at(AAS).setdefault("targets", {})
    return held


def _policies(ctx: Ctx) -> dict[tuple[str, str], Params]:
    held: dict[tuple[str, str], Params] = ctx.at(AAS).setdefault("policies", {})
    return held


def _key(params: Params) -> tuple[str, str, str]:
    return params["ServiceNamespace"], params["ResourceId"], params["ScalableDimension"]


def _scaled(ctx: Ctx, resource: str) -> Service:
    cluster, _slash, name = resource.removeprefix("service/").partition("/")
    service = held_services(ctx).get((cluster, name))
    if service is None or service.view["status"] != "ACTIVE":
        raise AwsError("ValidationException", f"ECS service doesn't exist: {resource}")
    return service


@op(AAS, "RegisterScalableTarget")
def register_scalable_target(ctx: Ctx, params: Params) -> Params:
    """New or changed; clamps the desired count into the limits, even when only the suspension was to change."""
    before = _targets(ctx).get(_key(params), {})
    minimum = params.get("MinCapacity", before.get("MinCapacity"))
    maximum = params.get("MaxCapacity", before.get("MaxCapacity"))
    if minimum is None or maximum is None:
        raise AwsError("ValidationException", "MinCapacity and MaxCapacity are required for a new scalable target")
    if minimum > maximum:
        raise AwsError("ValidationException", "Maximum capacity cannot be less than minimum capacity")
    service = _scaled(ctx, params["ResourceId"]) if params["ServiceNamespace"] == "ecs" else None
    arn = before.get("ScalableTargetARN") or f"arn:aws:{AAS}:{ctx.region}:{ctx.account}:scalable-target/{hex_of(ctx, 32)}"
    suspended = dict.fromkeys(SUSPENSIONS, False)
    role = f"arn:aws:iam::{ctx.account}:role/aws-service-role/ecs.{AAS}.amazonaws.com/{LINKED_ROLE}"
    _targets(ctx)[_key(params)] = {
        **{name: params[name] for name in ("ServiceNamespace", "ResourceId", "ScalableDimension")},
        "MinCapacity": minimum,
        "MaxCapacity": maximum,
        "RoleARN": params.get("RoleARN", role),
        "CreationTime": before.get("CreationTime", ctx.clock.now()),
        "SuspendedState": {**suspended, **before.get("SuspendedState", {}), **params.get("SuspendedState", {})},
        "ScalableTargetARN": arn,
    }
    if service and not minimum <= service.view["desiredCount"] <= maximum:
        service.view["desiredCount"] = min(max(service.view["desiredCount"], minimum), maximum)
        reconcile(ctx.within(service="ecs"), service)
    return {"ScalableTargetARN": arn}


@op(AAS, "DescribeScalableTargets")
def describe_scalable_targets(ctx: Ctx, params: Params) -> Params:
    """Of one namespace; at most 50 a page and 50 resources a call."""
    wanted = params.get("ResourceIds") or []
    if len(wanted) > RESOURCES_LIMIT:
        raise AwsError("ValidationException", "ResourceIds must have length less than or equal to 50")
    namespace, dimension = params["ServiceNamespace"], params.get("ScalableDimension")
    held = _targets(ctx)
    if wanted and dimension:
        found = [held[namespace, one, dimension] for one in wanted if (namespace, one, dimension) in held]
    else:
        found = [
            target
            for (space, resource, what), target in sorted(held.items(), key=lambda item: item[0])
            if space == namespace and dimension in (None, what) and (not wanted or resource in wanted)
        ]
    return {"ScalableTargets": found[:50]} if wanted else _aas_page("ScalableTargets", found, params)


def _aas_page(name: str, items: list[Params], params: Params) -> Params:
    start, size = int(params.get("NextToken") or 0), params.get("MaxResults") or 50
    more = {"NextToken": str(start + size)} if start + size < len(items) else {}
    return {name: items[start : start + size], **more}


@op(AAS, "DeregisterScalableTarget")
def deregister_scalable_target(ctx: Ctx, params: Params) -> Params:
    """Its policies go with it."""
    if _targets(ctx).pop(_key(params), None) is None:
        raise AwsError("ObjectNotFoundException", "No scalable target registered")
    for key in [key for key in _policies(ctx) if key[0] == params["ResourceId"]]:
        del _policies(ctx)[key]
    return {}


@op(AAS, "PutScalingPolicy")
def put_scaling_policy(ctx: Ctx, params: Params) -> Params:
    if _key(params) not in _targets(ctx):
        raise AwsError("ObjectNotFoundException", "No scalable target registered for service namespace: ecs")
    key = (params["ResourceId"], params["PolicyName"])
    arn = _policies(ctx).get(key, {}).get("PolicyARN") or (
        f"arn:aws:autoscaling:{ctx.region}:{ctx.account}:scalingPolicy:{hex_of(ctx, 32)}:resource/ecs/"
        f"{params['ResourceId']}:policyName/{params['PolicyName']}"
    )
    made = {"PolicyType": "StepScaling", **params, "PolicyARN": arn, "CreationTime": ctx.clock.now(), "Alarms": []}
    _policies(ctx)[key] = made
    return {"PolicyARN": arn, "Alarms": []}


@op(AAS, "DescribeScalingPolicies")
def describe_scaling_policies(ctx: Ctx, params: Params) -> Params:
    found = [
        policy
        for (resource, name), policy in sorted(_policies(ctx).items(), key=lambda item: item[0])
        if params.get("ResourceId") in (None, resource)
        and (not params.get("PolicyNames") or name in params["PolicyNames"])
        and policy["ServiceNamespace"] == params["ServiceNamespace"]
    ]
    return _aas_page("ScalingPolicies", found, params)


# -- estates ----------------------------------------------------------------------------------------------------------


@seed("ecs_service")
def ecs_service(ctx: Ctx, spec: Params) -> Params:
    """A Fargate service that runs `desired` tasks, and its standby.

    name, cluster ("default"), desired (1), image, cpu ("256"), memory ("512"); min, max: a scalable target with a CPU policy;
    target_group (false): it has one; tasks: "fail" (new tasks cannot start) or "fail-once", the same as the tag sim:tasks.
    peer: {region, name, cluster, desired (0), tasks, replicated, before (false)}: the standby, as phase instantiate leaves it;
    replicated false: its image is not in its registry; before: it served once, with the service as its standby.
    """
    service = _built(ctx, spec, spec.get("tags") or {})
    peer = spec.get("peer")
    if peer:
        there = ctx.within(region=peer["region"])
        shared = {key: value for key, value in (spec.get("tags") or {}).items() if not key.startswith("dr:")}
        follows = {"dr:follows": service.view["taskDefinition"]}
        twin = {**spec, "image": _image(spec).replace(ctx.region, there.region), "desired": 0, **peer}
        standby = _built(there, {**twin, "standby": not twin["desired"]}, {**shared, **follows, **peer.get("tags", {})})
        if peer.get("before"):
            service.tags["dr:follows"] = standby.view["taskDefinition"]
    return {"arn": service.view["serviceArn"]}


def _image(spec: Params) -> str:
    return str(spec.get("image", "public.ecr.aws/nginx/nginx:1.27"))


def _built(ctx: Ctx, spec: Params, tags: dict[str, str]) -> Service:
    name, cluster, desired = spec["name"], spec.get("cluster", "default"), spec.get("desired", 1)
    backend = get_backend("ecs")[ctx.account][ctx.region]
    if cluster not in backend.clusters:
        backend.create_cluster(cluster)
    _push(ctx, _image(spec), spec.get("replicated", True))
    definition = _register(
        ctx,
        {
            "family": name,
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "cpu": str(spec.get("cpu", "256")),
            "memory": str(spec.get("memory", "512")),
            "containerDefinitions": [{"name": name, "image": _image(spec)}],
        },
    )
    place = f"{zlib.crc32(f'{ctx.account}{ctx.region}'.encode()):08x}"
    params: Params = {
        "serviceName": name,
        "taskDefinition": definition["taskDefinitionArn"],
        "desiredCount": desired,
        "launchType": "FARGATE",
        "platformVersion": "LATEST",
        "deploymentConfiguration": {
            "maximumPercent": 200,
            "minimumHealthyPercent": 100,
            "deploymentCircuitBreaker": {"enable": True, "rollback": False},
        },
        "networkConfiguration": {
            "awsvpcConfiguration": {
                "subnets": [f"subnet-0{place}a", f"subnet-0{place}b"],
                "securityGroups": [f"sg-0{place}"],
                "assignPublicIp": "DISABLED",
            }
        },
    }
    if spec.get("target_group"):
        params["loadBalancers"] = [{"targetGroupArn": _target_group(ctx, name), "containerName": name, "containerPort": 80}]
    service = _make(ctx, cluster, params, "COMPLETED")
    service.tags = dict(tags) | ({"sim:tasks": spec["tasks"]} if "tasks" in spec else {})
    for _number in range(desired):
        _task(ctx, service, "RUNNING")["startedAt"] = ctx.clock.now()
    _balance(ctx, service, "register_targets", list(service.tasks.values()))
    _count(service)
    if "max" in spec:
        _scale(ctx, f"service/{cluster}/{name}", spec)
    return service


def _target_group(ctx: Ctx, name: str) -> str:
    default = [{"Name": "is-default", "Values": ["true"]}]
    vpc = ctx.client("ec2").describe_vpcs(Filters=default)["Vpcs"][0]["VpcId"]
    made = ctx.client("elbv2").create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip")
    return str(made["TargetGroups"][0]["TargetGroupArn"])


def _scale(ctx: Ctx, resource: str, spec: Params) -> None:
    where = {"ServiceNamespace": "ecs", "ResourceId": resource, "ScalableDimension": DIMENSION}
    standby = spec.get("standby", False)
    limits = {"MinCapacity": 0 if standby else spec.get("min", 1), "MaxCapacity": spec["max"]}
    ctx = ctx.within(service=AAS)
    register_scalable_target(ctx, {**where, **limits, "SuspendedState": dict.fromkeys(SUSPENSIONS, standby)})
    tracking = {
        "TargetValue": 60.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
    }
    policy = {
        "PolicyName": "cpu",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": tracking,
    }
    put_scaling_policy(ctx, {**where, **policy})


def _push(ctx: Ctx, image: str, there: bool) -> None:
    """An image of a private registry exists in it; the same tag has the same digest in every region."""
    found = ECR_IMAGE.match(image)
    if not found:
        return
    backend = get_backend("ecr")[ctx.account][ctx.region]
    repository, tag = found.groups()
    if repository not in backend.repositories:
        ctx.client("ecr").create_repository(repositoryName=repository)
    known = {tag for one in backend.repositories[repository].images for tag in one.image_tags}
    if there and tag not in known:
        digest = f"sha256:{zlib.crc32(f'{repository}:{tag}'.encode()):064x}"
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": {"digest": digest, "size": 1}, "layers": []}
        ctx.client("ecr").put_image(repositoryName=repository, imageTag=tag, imageManifest=json.dumps(manifest))
