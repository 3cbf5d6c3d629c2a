# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A drill of an ElastiCache replication group: a snapshot of the standby, restored as a group without replicas in the drill room.

The standby stays in its global datastore, which is not failed over, and the copy is in none.
Facts: the ElastiCache API reference and user guide (CreateSnapshot, backups-manual, backups-restoring, CreateReplicationGroup).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from ..adapters.base import Reader
from ..model import UNREACHABLE, Call, Goal, Pair, Step, Unreachable
from ..parts.elasticache_state import CHANGING, Group, group, tagged
from . import room
from .base import Touch, prepared
from .restored import RestoredDrill, Seen, Snapshot, given, labels, setting

_NO_GROUP: Final = ("ReplicationGroupNotFoundFault",)
_NO_NODE: Final = ("CacheClusterNotFound",)
_NO_SUBNETS: Final = ("CacheSubnetGroupNotFoundFault",)
_NO_SNAPSHOT: Final = ("SnapshotNotFoundFault",)
#: AWS makes such groups of parameters for the members of a datastore; nothing else may use one.
DATASTORE_PARAMETERS: Final = "global-datastore-"
#: The major version since when AWS chooses the patch level.
PATCHED: Final = 6


class ElasticacheReplicationGroupDrill(RestoredDrill[Group]):
    """Copies of replication groups.

    Settings (`drill.<name>`): cache_subnet_group (dr-drill); node_type and user_groups, those of the standby when they are left
    out; parameter_group, that of the snapshot when it is left out and no global datastore's.
    """

    technology = "elasticache"
    shape: ClassVar[Mapping[str, Any]] = {"replicas": 0}
    sized_by: ClassVar[Mapping[str, str]] = {"node_type": "node_type"}
    limit, usable, changing = 40, frozenset({"available"}), CHANGING
    busy = frozenset({"InvalidCacheClusterState", "InvalidReplicationGroupState", "InvalidSnapshotState"})
    durations: ClassVar[Mapping[str, int]] = {"instantiate": 1800, "activate": 30, "cleanup": 600}
    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "observe": (
            *room.ACTIONS,
            "elasticache:DescribeCacheClusters",
            "elasticache:DescribeCacheSubnetGroups",
            "elasticache:DescribeReplicationGroups",
            "elasticache:DescribeSnapshots",
            "elasticache:ListTagsForResource",
        ),
        "instantiate": ("elasticache:CreateReplicationGroup", "elasticache:CreateSnapshot"),
        "activate": (),
        "cleanup": ("elasticache:DeleteReplicationGroup", "elasticache:DeleteSnapshot"),
    }
    touches: ClassVar[Mapping[tuple[str, str], Touch]] = {
        ("elasticache", "create_snapshot"): Touch(("SnapshotName",), "Tags"),
        ("elasticache", "create_replication_group"): Touch(("ReplicationGroupId", "SnapshotName"), "Tags"),
        ("elasticache", "delete_replication_group"): Touch(("ReplicationGroupId",)),
        ("elasticache", "delete_snapshot"): Touch(("SnapshotName",)),
    }

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Seen[Group]]:
        account, region = pairs[0].account, pairs[0].target_region
        look = _Look(reader, account, region)
        here = room.observe(reader, account, region)

        def seen(pair: Pair) -> Seen[Group]:
            ident, origin = self.called(pair), look.standby(pair.target_id)
            return Seen(
                here,
                look.network(prepared(pair, "cache_subnet_group")),
                origin,
                look.network(origin.subnet_group) if isinstance(origin, Group) and origin.subnet_group else None,
                look.copy(ident),
                look.snapshot(ident),
            )

        return {pair.key: seen(pair) for pair in pairs}

    def subnet_group(self, goal: Goal) -> tuple[str, str]:
        found, region = prepared(goal.pair, "cache_subnet_group"), goal.pair.target_region
        make = f"aws elasticache create-cache-subnet-group --region {region} --cache-subnet-group-name {found} …"
        return f"the cache subnet group {found}", make

    def take(self, origin: Group, goal: Goal) -> Step:
        """Of the whole group with cluster mode enabled, else of one of its nodes: the last, a replica where there is one."""
        what = {"ReplicationGroupId": origin.id} if origin.clustered else {"CacheClusterId": origin.nodes[-1]}
        params = {"SnapshotName": self.called(goal.pair), **what, "Tags": labels(goal.pair)}
        return Call("elasticache", "create_snapshot", goal.pair.target_region, params, "take a snapshot of the standby")

    def restore(self, origin: Group, snapshot: Snapshot, seen: Seen[Group], goal: Goal) -> Step:
        pair, ident = goal.pair, self.called(goal.pair)
        parameters = "" if snapshot.parameters.startswith(DATASTORE_PARAMETERS) else snapshot.parameters
        shape: dict[str, Any] = {"NumCacheClusters": 1}
        if origin.clustered:
            shape = {"NumNodeGroups": origin.shards, "ReplicasPerNodeGroup": 0, "ClusterMode": "enabled"}
        params = given(
            ReplicationGroupId=ident,
            ReplicationGroupDescription=f"copy of {pair.target_id} for a drill",
            SnapshotName=snapshot.id,
            CacheNodeType=setting(pair, "node_type", origin.node_type),
            Engine=snapshot.engine,
            EngineVersion=_version(snapshot.version),
            CacheParameterGroupName=setting(pair, "parameter_group", parameters),
            CacheSubnetGroupName=prepared(pair, "cache_subnet_group"),
            SecurityGroupIds=seen.groups,
            **shape,
            # Cluster mode asks for it, also without replicas.
            AutomaticFailoverEnabled=origin.clustered,
            MultiAZEnabled=False,
            TransitEncryptionEnabled=origin.tls,
            AtRestEncryptionEnabled=origin.encrypted,
            KmsKeyId=origin.kms_key_id,
            UserGroupIds=list(setting(pair, "user_groups", origin.user_groups)),
            Tags=labels(pair),
        )
        return Call(
            "elasticache", "create_replication_group", pair.target_region, params, f"restore it as {ident}", settle_seconds=30
        )

    def delete(self, copy: Group, goal: Goal) -> Step:
        params = {"ReplicationGroupId": self.called(goal.pair), "RetainPrimaryCluster": False}
        return Call(
            "elasticache", "delete_replication_group", goal.pair.target_region, params, "delete the copy", settle_seconds=30
        )

    def forget(self, goal: Goal) -> Call:
        params = {"SnapshotName": self.called(goal.pair)}
        return Call("elasticache", "delete_snapshot", goal.pair.target_region, params, "delete the snapshot", settle_seconds=30)

    def outputs(self, copy: Group) -> Mapping[str, Any]:
        return {"copy_arn": copy.arn, "endpoint": copy.endpoint, "port": copy.port}


class _Look:
    """Describe calls of one account and region."""

    def __init__(self, reader: Reader, account: str, region: str) -> None:
        self.reader, self.place, self.region = reader, (account, region, "elasticache"), region

    def network(self, name: str) -> str | Unreachable | None:
        """The VPC of a cache subnet group."""
        what = "describe_cache_subnet_groups"
        found = self.reader.read(*self.place, what, absent=_NO_SUBNETS, CacheSubnetGroupName=name)
        return str(found["CacheSubnetGroups"][0]["VpcId"]) if isinstance(found, Mapping) else found

    def standby(self, ident: str) -> Group | Unreachable | None:
        """The group with what one of its nodes tells of its place."""
        shown = self._shown(ident)
        if not isinstance(shown, Mapping):
            return shown
        nodes: dict[str, Mapping[str, Any]] = {}
        for name in shown.get("MemberClusters", ())[:1]:
            node = self.reader.read(*self.place, "describe_cache_clusters", absent=_NO_NODE, CacheClusterId=name)
            if isinstance(node, Unreachable):
                return UNREACHABLE
            nodes = {one["CacheClusterId"]: one for one in (node or {}).get("CacheClusters", ())}
        return group(shown, self.region, nodes)

    def copy(self, ident: str) -> Group | Unreachable | None:
        """The group with its tags."""
        shown = self._shown(ident)
        return tagged(self.reader, self.place[0], group(shown, self.region, {})) if isinstance(shown, Mapping) else shown

    def _shown(self, ident: str) -> Mapping[str, Any] | Unreachable | None:
        what = "describe_replication_groups"
        found = self.reader.read(*self.place, what, absent=_NO_GROUP, ReplicationGroupId=ident)
        return found["ReplicationGroups"][0] if isinstance(found, Mapping) else found

    def snapshot(self, ident: str) -> Snapshot | Unreachable | None:
        """The snapshot with its tags; its point in time is that of the shard that was read first."""
        found = self.reader.read(*self.place, "describe_snapshots", absent=_NO_SNAPSHOT, SnapshotName=ident)
        if not isinstance(found, Mapping):
            return found
        shown = next(iter(found["Snapshots"]), None)
        if shown is None:
            return None
        tags = self.reader.read(*self.place, "list_tags_for_resource", absent=_NO_SNAPSHOT, ResourceName=shown["ARN"])
        if isinstance(tags, Unreachable):
            return UNREACHABLE
        times = [one["SnapshotCreateTime"] for one in shown.get("NodeSnapshots", ()) if one.get("SnapshotCreateTime")]
        return Snapshot(
            ident,
            shown.get("SnapshotStatus", "unknown"),
            min(times).isoformat() if times else "",
            {one["Key"]: one.get("Value", "") for one in (tags or {}).get("TagList", ())},
            shown.get("Engine", ""),
            shown.get("EngineVersion", ""),
            shown.get("CacheParameterGroupName", ""),
        )


def _version(shown: str) -> str:
    """A version as it is asked for: from 6 on AWS shows a patch level, and takes none."""
    parts = shown.split(".")
    return ".".join(parts[:2]) if parts[0].isdigit() and int(parts[0]) >= PATCHED else shown
