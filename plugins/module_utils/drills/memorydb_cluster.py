# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A drill of a MemoryDB cluster: a snapshot of the standby, restored as a single-Region cluster in the drill room.

Where a single-Region cluster has no standby, the snapshot that INSTANTIATE would make one of is restored. The copy is in no
multi-Region cluster: its writes would reach production. Facts: the MemoryDB API reference (CreateSnapshot, CreateCluster).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final

from ..adapters.base import Reader
from ..model import UNREACHABLE, Blocked, Call, Goal, Pair, Step, Unreachable
from ..parts.memorydb_state import CHANGING, Cluster, cluster, option
from . import room
from .base import Touch, prepared
from .restored import RestoredDrill, Seen, Snapshot, given, labels, setting

_NO_CLUSTER: Final = ("ClusterNotFoundFault",)
_NO_SUBNETS: Final = ("SubnetGroupNotFoundFault",)
_NO_SNAPSHOT: Final = ("SnapshotNotFoundFault",)
#: What has no tags to show: it is gone, or its state does not let them be read.
_NO_TAGS: Final = ("ClusterNotFoundFault", "InvalidClusterStateFault", "SnapshotNotFoundFault")


class MemorydbClusterDrill(RestoredDrill[Cluster]):
    """Copies of MemoryDB clusters.

    Settings (`drill.<name>`): subnet_group (dr-drill); acl and node_type, those of the standby when they are left out, or of what
    was captured where there is none.
    """

    technology = "memorydb"
    shape: ClassVar[Mapping[str, Any]] = {"replicas": 0}
    sized_by: ClassVar[Mapping[str, str]] = {"node_type": "node_type"}
    limit, usable, changing = 40, frozenset({"available"}), CHANGING
    busy = frozenset({"InvalidClusterStateFault", "InvalidSnapshotStateFault"})
    durations: ClassVar[Mapping[str, int]] = {"instantiate": 2400, "activate": 30, "cleanup": 900}
    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "observe": (
            *room.ACTIONS,
            "memorydb:DescribeClusters",
            "memorydb:DescribeSnapshots",
            "memorydb:DescribeSubnetGroups",
            "memorydb:ListTags",
        ),
        "instantiate": ("memorydb:CreateCluster", "memorydb:CreateSnapshot"),
        "activate": (),
        "cleanup": ("memorydb:DeleteCluster", "memorydb:DeleteSnapshot"),
    }
    touches: ClassVar[Mapping[tuple[str, str], Touch]] = {
        ("memorydb", "create_snapshot"): Touch(("SnapshotName",), "Tags"),
        # The snapshot may be one that was copied here, and is only read.
        ("memorydb", "create_cluster"): Touch(("ClusterName",), "Tags"),
        ("memorydb", "delete_cluster"): Touch(("ClusterName",)),
        ("memorydb", "delete_snapshot"): Touch(("SnapshotName",)),
    }

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Seen[Cluster]]:
        account, region = pairs[0].account, pairs[0].target_region
        look = _Look(reader, account, region)
        here = room.observe(reader, account, region)

        def seen(pair: Pair) -> Seen[Cluster]:
            ident, origin = self.called(pair), look.cluster(pair.target_id)
            home = origin.subnet_group if isinstance(origin, Cluster) else option(pair, region, "subnet_group")
            copy, snapshot = look.copy(ident), look.snapshot(ident)
            network = look.network(home) if home else None
            return Seen(here, look.network(prepared(pair, "subnet_group")), origin, network, copy, snapshot)

        return {pair.key: seen(pair) for pair in pairs}

    def subnet_group(self, goal: Goal) -> tuple[str, str]:
        found, region = prepared(goal.pair, "subnet_group"), goal.pair.target_region
        make = f"aws memorydb create-subnet-group --region {region} --subnet-group-name {found} …"
        return f"the MemoryDB subnet group {found}", make

    def take(self, origin: Cluster, goal: Goal) -> Step:
        params = {"SnapshotName": self.called(goal.pair), "ClusterName": origin.name, "Tags": labels(goal.pair)}
        return Call("memorydb", "create_snapshot", goal.pair.target_region, params, "take a snapshot of the standby")

    def restore(self, origin: Cluster, snapshot: Snapshot, seen: Seen[Cluster], goal: Goal) -> Step:
        return self._create(
            seen,
            goal,
            SnapshotName=snapshot.id,
            ACLName=setting(goal.pair, "acl", origin.acl),
            NodeType=setting(goal.pair, "node_type", origin.node_type),
            NumShards=origin.shards,
            Engine=snapshot.engine,
            EngineVersion=snapshot.version,
            KmsKeyId=origin.kms_key_id,
            TLSEnabled=origin.tls,
        )

    def alone(self, seen: Seen[Cluster], goal: Goal) -> Step:
        """The snapshot that INSTANTIATE would restore is: the settings name it."""
        pair, region, captured = goal.pair, goal.pair.target_region, goal.captured
        arns, snapshot = option(pair, region, "snapshot_arns"), option(pair, region, "snapshot_name")
        if not arns and not snapshot:
            return super().alone(seen, goal)
        acl = setting(pair, "acl", option(pair, region, "acl") or captured.get("acl"))
        node_type = setting(pair, "node_type", captured.get("node_type"))
        for purpose, known in (("acl", acl), ("node_type", node_type)):
            if not known:
                why = f"there is no standby {pair.target_id} in {region}, and the {purpose} of a copy is not known"
                return Blocked(why, f"set drill.{purpose} in dr_settings, then run this phase again")
        return self._create(
            seen,
            goal,
            SnapshotName=snapshot,
            SnapshotArns=list(arns or ()),
            ACLName=acl,
            NodeType=node_type,
            NumShards=captured.get("shards"),
            Engine=captured.get("engine"),
            KmsKeyId=option(pair, region, "kms_key_id"),
        )

    def _create(self, seen: Seen[Cluster], goal: Goal, **more: Any) -> Call:
        pair, ident = goal.pair, self.called(goal.pair)
        params = given(
            ClusterName=ident,
            Description=f"copy of {pair.target_id} for a drill",
            SubnetGroupName=prepared(pair, "subnet_group"),
            SecurityGroupIds=seen.groups,
            NumReplicasPerShard=0,
            Tags=labels(pair),
            **more,
        )
        return Call("memorydb", "create_cluster", pair.target_region, params, f"restore it as {ident}", settle_seconds=30)

    def delete(self, copy: Cluster, goal: Goal) -> Step:
        params = {"ClusterName": self.called(goal.pair)}
        return Call("memorydb", "delete_cluster", goal.pair.target_region, params, "delete the copy", settle_seconds=30)

    def forget(self, goal: Goal) -> Call:
        params = {"SnapshotName": self.called(goal.pair)}
        return Call("memorydb", "delete_snapshot", goal.pair.target_region, params, "delete the snapshot", settle_seconds=30)

    def outputs(self, copy: Cluster) -> Mapping[str, Any]:
        return {"copy_arn": copy.arn, "endpoint": copy.endpoint, "port": copy.port}


class _Look:
    """Describe calls of one account and region."""

    def __init__(self, reader: Reader, account: str, region: str) -> None:
        self.reader, self.place, self.region = reader, (account, region, "memorydb"), region

    def network(self, name: str) -> str | Unreachable | None:
        """The VPC of a subnet group."""
        found = self.reader.read(*self.place, "describe_subnet_groups", absent=_NO_SUBNETS, SubnetGroupName=name)
        return str(found["SubnetGroups"][0]["VpcId"]) if isinstance(found, Mapping) else found

    def cluster(self, name: str) -> Cluster | Unreachable | None:
        """A cluster, without its tags."""
        asked = {"ClusterName": name, "ShowShardDetails": True}
        found = self.reader.read(*self.place, "describe_clusters", absent=_NO_CLUSTER, **asked)
        return cluster(found["Clusters"][0], self.region) if isinstance(found, Mapping) else found

    def copy(self, name: str) -> Cluster | Unreachable | None:
        """A cluster with its tags."""
        found = self.cluster(name)
        if not isinstance(found, Cluster):
            return found
        tags = self._tags(found.arn)
        return UNREACHABLE if isinstance(tags, Unreachable) else replace(found, tags=tags)

    def snapshot(self, name: str) -> Snapshot | Unreachable | None:
        """A snapshot with its tags; its point in time is that of the shard that was read first."""
        asked = {"SnapshotName": name, "ShowDetail": True}
        found = self.reader.read(*self.place, "describe_snapshots", absent=_NO_SNAPSHOT, **asked)
        if not isinstance(found, Mapping):
            return found
        shown = next(iter(found["Snapshots"]), None)
        if shown is None:
            return None
        tags, of = self._tags(shown["ARN"]), shown.get("ClusterConfiguration", {})
        if isinstance(tags, Unreachable):
            return UNREACHABLE
        times = [one["SnapshotCreationTime"] for one in of.get("Shards", ()) if one.get("SnapshotCreationTime")]
        at = min(times).isoformat() if times else ""
        return Snapshot(name, shown.get("Status", "unknown"), at, tags, of.get("Engine", ""), of.get("EngineVersion", ""))

    def _tags(self, arn: str) -> dict[str, str] | Unreachable:
        shown = self.reader.read(*self.place, "list_tags", absent=_NO_TAGS, ResourceArn=arn)
        if isinstance(shown, Unreachable):
            return UNREACHABLE
        return {one["Key"]: one.get("Value", "") for one in (shown or {}).get("TagList", ())}
