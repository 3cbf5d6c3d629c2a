# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counterparts that AWS itself knows: replicas, global clusters, global datastores, replication configurations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeAlias

from . import arns

#: Nodes (region, id) of one workload, with the ARN where AWS gave it.
Group: TypeAlias = "Mapping[tuple[str, str], str | None]"


class Pages(Protocol):
    """All pages of a describe call in one account and region."""

    def __call__(self, service: str, operation: str, key: str, **params: Any) -> list[dict[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class Related:
    """groups: technology -> what belongs together. members: ARNs that are part of something else (an Aurora cluster's
    instances). others: ARN -> what it really is, where that is nothing that an adapter recovers."""

    groups: Mapping[str, list[Group]] = field(default_factory=dict)
    members: frozenset[str] = frozenset()
    others: Mapping[str, str] = field(default_factory=dict)


def _group(found: list[str]) -> Group:
    names = [(arns.parse(arn), arn) for arn in found]
    return {(name.region, name.id): arn for name, arn in names if name is not None}


def databases(pages: Pages, region: str) -> Related:
    """RDS instances and Aurora clusters. Resource Explorer lists DocumentDB and Neptune as `rds:*` too: the engine tells."""
    instances = pages("rds", "describe_db_instances", "DBInstances")
    clusters = pages("rds", "describe_db_clusters", "DBClusters")
    groups: dict[str, list[Group]] = {"rds": [], "aurora": []}
    members: set[str] = set()
    others: dict[str, str] = {}
    for one in instances:
        arn, engine = one["DBInstanceArn"], one.get("Engine", "")
        if one.get("DBClusterIdentifier"):
            members.add(arn)
        elif engine in ("docdb", "neptune"):
            others[arn] = f"rds:db ({engine})"
        else:
            ends = [one.get("ReadReplicaSourceDBInstanceIdentifier"), *one.get("ReadReplicaDBInstanceIdentifiers", ())]
            groups["rds"] += [_group([arn, end]) for end in ends if end and end.startswith("arn:")]
    for one in clusters:
        arn, engine = one["DBClusterArn"], one.get("Engine", "")
        if not engine.startswith("aurora"):
            others[arn] = f"rds:cluster ({engine})"
            continue
        ends = [one.get("ReplicationSourceIdentifier"), *one.get("ReadReplicaIdentifiers", ())]
        groups["aurora"] += [_group([arn, end]) for end in ends if end and end.startswith("arn:")]
    if any(one.get("Engine", "").startswith("aurora") for one in clusters):
        for world in pages("rds", "describe_global_clusters", "GlobalClusters"):
            found = [member["DBClusterArn"] for member in world.get("GlobalClusterMembers", ())]
            groups["aurora"].append(_group(found))
    return Related(groups, frozenset(members), others)


def datastores(pages: Pages, region: str) -> Related:
    """ElastiCache replication groups of global datastores."""
    worlds = pages("elasticache", "describe_global_replication_groups", "GlobalReplicationGroups", ShowMemberInfo=True)
    found: list[Group] = [
        {(one["ReplicationGroupRegion"], one["ReplicationGroupId"]): None for one in world.get("Members", ())} for world in worlds
    ]
    return Related({"elasticache": found})


def memory(pages: Pages, region: str) -> Related:
    """MemoryDB clusters of multi-region clusters."""
    shown = pages("memorydb", "describe_multi_region_clusters", "MultiRegionClusters", ShowClusterDetails=True)
    found: list[Group] = [
        {(one["Region"], one["ClusterName"]): one.get("ARN") for one in world.get("Clusters", ())} for world in shown
    ]
    return Related({"memorydb": found})


def file_systems(pages: Pages, region: str) -> Related:
    """EFS file systems and the destinations that they are replicated to."""
    found: list[Group] = []
    for one in pages("efs", "describe_replication_configurations", "Replications"):
        source = (one["SourceFileSystemRegion"], one["SourceFileSystemId"])
        found += [
            {source: one.get("SourceFileSystemArn"), (end["Region"], end["FileSystemId"]): None} for end in one["Destinations"]
        ]
    return Related({"efs": found})


#: (technologies that are present when it is worth asking, what asks).
RELATIONS: Final[tuple[tuple[tuple[str, ...], Callable[[Pages, str], Related]], ...]] = (
    (("rds", "aurora"), databases),
    (("elasticache",), datastores),
    (("memorydb",), memory),
    (("efs",), file_systems),
)
