# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a pair stands in a region already, and how large one unit of it is: looks, one per technology.

What stands is in the region's usage: a failover needs only the rest. Sizes (vCPU of a task, of an instance) are read where the
target is, as that is what would be launched; and in the source region, while it answers, for what the target does not have yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from . import usage
from .asking import Ask, Look, ask

#: Technologies of which the source tells the size as well.
SIZED: Final = ("ecs", "autoscaling")
_NO_SERVICE: Final = ("ClusterNotFoundException",)
#: Technology -> how many resources one describe call takes.
BULK: Final = {"ecs": 10, "autoscaling": 50, "drs": 100}

#: Identifiers that are described in one call: the same for each of them, so that it is made once.
Together: TypeAlias = Sequence[str]


@dataclass(frozen=True, slots=True)
class Standing:
    """exists: the resource is there. units: how many of its members run. size: vCPU of one; None where that is not known.

    family: what `size` counts in: the quota of the instance type's vCPU, "fargate", "" for what counts in none.
    """

    exists: bool = False
    units: float = 0
    size: float | None = None
    family: str = ""


def batched(technology: str, idents: Iterable[str]) -> dict[str, Together]:
    """Identifier in a region -> those that are described with it; services only with others of their cluster."""
    groups: dict[str, list[str]] = {}
    for ident in idents:
        groups.setdefault(ident.rpartition("/")[0], []).append(ident)
    size = BULK.get(technology, 1)
    chunks = [group[start : start + size] for group in groups.values() for start in range(0, len(group), size)]
    return {ident: chunk for chunk in chunks for ident in chunk}


def _one_of(one: Ask, field: str, ident: str) -> Look:
    (found,) = yield [one]
    return Standing(exists=any(entry.get(field) == ident for entry in found))


def _rds(ident: str, _captured: Mapping[str, Any], _together: Together) -> Look:
    return (yield from _one_of(usage.INSTANCES, "DBInstanceIdentifier", ident))


def _aurora(ident: str, _captured: Mapping[str, Any], _together: Together) -> Look:
    (clusters,) = yield [usage.CLUSTERS]
    mine = [one for one in clusters if one["DBClusterIdentifier"] == ident]
    return Standing(bool(mine), sum(len(one.get("DBClusterMembers", ())) for one in mine))


def _elasticache(ident: str, _captured: Mapping[str, Any], _together: Together) -> Look:
    return (yield from _one_of(usage.CACHES, "ReplicationGroupId", ident))


def _memorydb(ident: str, _captured: Mapping[str, Any], _together: Together) -> Look:
    return (yield from _one_of(usage.MEMORY, "Name", ident))


def _opensearch(ident: str, _captured: Mapping[str, Any], _together: Together) -> Look:
    return (yield from _one_of(usage.DOMAINS, "DomainName", ident))


def _efs(ident: str, captured: Mapping[str, Any], _together: Together) -> Look:
    return (yield from _one_of(usage.EFS, "FileSystemId", captured.get("target_id") or ident))


def _fsx(ident: str, _captured: Mapping[str, Any], _together: Together) -> Look:
    return (yield from _one_of(usage.FSX, "FileSystemId", ident))


def _eventbridge(ident: str, _captured: Mapping[str, Any], _together: Together) -> Look:
    bus, _slash, name = ident.rpartition("/")
    absent = ("ResourceNotFoundException",)
    (found,) = yield [ask("events", "list_rules", "Rules", absent=absent, EventBusName=bus or "default", NamePrefix=name)]
    return Standing(any(one["Name"] == name for one in found))


def _lambda(ident: str, _captured: Mapping[str, Any], _together: Together) -> Look:
    """units: the concurrency that is reserved for it."""
    absent = ("ResourceNotFoundException",)
    (found,) = yield [ask("lambda", "get_function_concurrency", "", absent=absent, FunctionName=ident)]
    return Standing(bool(found), found[0].get("ReservedConcurrentExecutions", 0) if found else 0)


def _ecs(ident: str, _captured: Mapping[str, Any], together: Together) -> Look:
    cluster, _slash, name = ident.rpartition("/")
    names = [one.rpartition("/")[2] for one in together]
    (found,) = yield [ask("ecs", "describe_services", "services", absent=_NO_SERVICE, cluster=cluster or "default", services=names)]
    mine = [one for one in found if one["serviceName"] == name and one.get("status") != "INACTIVE"]
    if not mine:
        return Standing()
    service = mine[0]
    providers = {one["capacityProvider"] for one in service.get("capacityProviderStrategy", ())}
    if service.get("launchType") != "FARGATE" and "FARGATE" not in providers:
        return Standing(True, service["runningCount"], 0.0)
    (answer,) = yield [ask("ecs", "describe_task_definition", "", taskDefinition=service["taskDefinition"])]
    cpu = answer[0]["taskDefinition"].get("cpu") if answer else None
    return Standing(True, service["runningCount"], int(cpu) / 1024 if cpu else None, "fargate")


def _autoscaling(ident: str, _captured: Mapping[str, Any], together: Together) -> Look:
    """Where a group may launch several types, the largest counts: nobody knows which it will be."""
    (found,) = yield [ask("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", AutoScalingGroupNames=list(together))]
    mine = [one for one in found if one["AutoScalingGroupName"] == ident]
    if not mine:
        return Standing()
    group = mine[0]
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


def _drs(ident: str, captured: Mapping[str, Any], together: Together) -> Look:
    """units: 1 while a recovery instance of it runs. It is launched in the type of its source, as far as that was captured."""
    (found,) = yield [ask("drs", "describe_recovery_instances", "items", filters={"sourceServerIDs": list(together)})]
    running = sum(one.get("sourceServerID") == ident and one.get("ec2InstanceState") in ("PENDING", "RUNNING") for one in found)
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
STANDING: Final[Mapping[str, Callable[[str, Mapping[str, Any], Together], Look]]] = {
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
