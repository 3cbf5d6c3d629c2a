# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a pair stands in a region already, and how large one unit of it is: looks, one per technology.

What stands is in the region's usage: a failover needs only the rest. Sizes (vCPU of a task, of an instance) are read where the
target is, as that is what would be launched; and in the source region, while it answers, for what the target does not have yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from . import usage
from .asking import Ask, Look, ask

#: Technologies of which the source tells the size as well.
SIZED: Final = ("ecs", "autoscaling")
_NO_SERVICE: Final = ("ClusterNotFoundException",)


@dataclass(frozen=True, slots=True)
class Standing:
    """exists: the resource is there. units: how many of its members run. size: vCPU of one; None where that is not known.

    family: what `size` counts in: the quota of the instance type's vCPU, "fargate", "" for what counts in none.
    """

    exists: bool = False
    units: float = 0
    size: float | None = None
    family: str = ""


def _one_of(one: Ask, field: str, ident: str) -> Look:
    (found,) = yield [one]
    return Standing(exists=any(entry.get(field) == ident for entry in found))


def _rds(ident: str, _captured: Mapping[str, Any]) -> Look:
    return (yield from _one_of(usage.INSTANCES, "DBInstanceIdentifier", ident))


def _aurora(ident: str, _captured: Mapping[str, Any]) -> Look:
    (clusters,) = yield [usage.CLUSTERS]
    mine = [one for one in clusters if one["DBClusterIdentifier"] == ident]
    return Standing(bool(mine), sum(len(one.get("DBClusterMembers", ())) for one in mine))


def _elasticache(ident: str, _captured: Mapping[str, Any]) -> Look:
    return (yield from _one_of(usage.CACHES, "ReplicationGroupId", ident))


def _memorydb(ident: str, _captured: Mapping[str, Any]) -> Look:
    return (yield from _one_of(usage.MEMORY, "Name", ident))


def _opensearch(ident: str, _captured: Mapping[str, Any]) -> Look:
    return (yield from _one_of(usage.DOMAINS, "DomainName", ident))


def _efs(ident: str, captured: Mapping[str, Any]) -> Look:
    return (yield from _one_of(usage.EFS, "FileSystemId", captured.get("target_id") or ident))


def _fsx(ident: str, _captured: Mapping[str, Any]) -> Look:
    return (yield from _one_of(usage.FSX, "FileSystemId", ident))


def _eventbridge(ident: str, _captured: Mapping[str, Any]) -> Look:
    bus, _slash, name = ident.rpartition("/")
    absent = ("ResourceNotFoundException",)
    (found,) = yield [ask("events", "list_rules", "Rules", absent=absent, EventBusName=bus or "default", NamePrefix=name)]
    return Standing(any(one["Name"] == name for one in found))


def _lambda(ident: str, _captured: Mapping[str, Any]) -> Look:
    """units: the concurrency that is reserved for it."""
    absent = ("ResourceNotFoundException",)
    (found,) = yield [ask("lambda", "get_function_concurrency", "", absent=absent, FunctionName=ident)]
    return Standing(bool(found), found[0].get("ReservedConcurrentExecutions", 0) if found else 0)


def _ecs(ident: str, _captured: Mapping[str, Any]) -> Look:
    cluster, _slash, name = ident.rpartition("/")
    wanted = {"cluster": cluster or "default", "services": [name]}
    (found,) = yield [ask("ecs", "describe_services", "services", absent=_NO_SERVICE, **wanted)]
    mine = [one for one in found if one.get("status") != "INACTIVE"]
    if not mine:
        return Standing()
    service = mine[0]
    providers = {one["capacityProvider"] for one in service.get("capacityProviderStrategy", ())}
    if service.get("launchType") != "FARGATE" and "FARGATE" not in providers:
        return Standing(True, service["runningCount"], 0.0)
    (answer,) = yield [ask("ecs", "describe_task_definition", "", taskDefinition=service["taskDefinition"])]
    cpu = answer[0]["taskDefinition"].get("cpu") if answer else None
    return Standing(True, service["runningCount"], int(cpu) / 1024 if cpu else None, "fargate")


def _autoscaling(ident: str, _captured: Mapping[str, Any]) -> Look:
    """Where a group may launch several types, the largest counts: nobody knows which it will be."""
    (found,) = yield [ask("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", AutoScalingGroupNames=[ident])]
    if not found:
        return Standing()
    group = found[0]
    alive = sum(not one["LifecycleState"].startswith(("Terminat", "Warmed")) for one in group.get("Instances", ()))
    mixed = group.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {})
    types = {one["InstanceType"] for one in mixed.get("Overrides", ()) if one.get("InstanceType")}
    template = group.get("LaunchTemplate") or mixed.get("LaunchTemplateSpecification")
    if not types and template:
        which = {"LaunchTemplateId": template["LaunchTemplateId"], "Versions": [template.get("Version", "$Default")]}
        (versions,) = yield [ask("ec2", "describe_launch_template_versions", "LaunchTemplateVersions", **which)]
        types = {one["LaunchTemplateData"].get("InstanceType", "") for one in versions} - {""}
    if not types:
        return Standing(True, alive)
    size, family = yield from _largest(types)
    return Standing(True, alive, size, family)


def _drs(ident: str, captured: Mapping[str, Any]) -> Look:
    """units: 1 while a recovery instance of it runs. It is launched in the type of its source, as far as that was captured."""
    ident = captured.get("source_server_id") or ident
    (found,) = yield [ask("drs", "describe_recovery_instances", "items", filters={"sourceServerIDs": [ident]})]
    running = sum(one.get("ec2InstanceState") in ("PENDING", "RUNNING") for one in found)
    if not captured.get("instance_type"):
        return Standing(True, running)
    size, family = yield from _largest({captured["instance_type"]})
    return Standing(True, running, size, family)


def _largest(types: set[str]) -> Look:
    """(vCPU, quota) of the largest of some instance types."""
    known = usage.vcpus_of((yield usage.sizes(types)))
    if not types <= set(known):
        return None, ""
    largest = max(sorted(types), key=lambda one: known[one])
    return known[largest], usage.ec2_quota(largest)


#: Technology -> the look. Route 53 consumes nothing: its records exist before a failover.
STANDING: Final[Mapping[str, Callable[[str, Mapping[str, Any]], Look]]] = {
    "drs": _drs,
    "rds": _rds,
    "aurora": _aurora,
    "ecs": _ecs,
    "lambda": _lambda,
    "elasticache": _elasticache,
    "opensearch": _opensearch,
    "autoscaling": _autoscaling,
    "memorydb": _memorydb,
    "eventbridge": _eventbridge,
    "efs": _efs,
    "fsx": _fsx,
}
