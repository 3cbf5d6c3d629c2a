# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A drill of an Aurora cluster: a snapshot of the standby, restored as a cluster of its own with one instance in the drill room.

The standby stays in its global database: it is neither taken out, nor failed or switched over to, and the copy never joins it.
Facts: the RDS API reference and Aurora user guide (CreateDBClusterSnapshot, RestoreDBClusterFromSnapshot, CreateDBInstance).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from ..adapters.base import Reader
from ..model import UNREACHABLE, Blocked, Call, Goal, Pair, Step, Unreachable, Wait
from ..parts.aurora_state import CHANGING, USABLE, Cluster, Node, cluster
from . import databases, room
from .base import AGAIN, Touch, prepared
from .restored import RESTORE_SECONDS, RestoredDrill, Seen, Snapshot, given, labels, own_group, setting

_ABSENT: Final = ("DBClusterNotFoundFault", "DBClusterSnapshotNotFoundFault")
#: The class of instances whose capacity is the cluster's, which a restored cluster has none of.
SERVERLESS: Final = "db.serverless"


class AuroraClusterDrill(RestoredDrill[Cluster]):
    """Copies of Aurora clusters: members of global databases, headless ones as well, and binlog replicas.

    Settings (`drill.<name>`): db_subnet_group (dr-drill); instance_class, that of the standby's instances when it is left out.
    """

    technology = "aurora"
    shape: ClassVar[Mapping[str, Any]] = {"instances": 1}
    sized_by: ClassVar[Mapping[str, str]] = {"instance_class": "instance_class"}
    limit, usable, changing = 63, USABLE, CHANGING
    busy = frozenset({"InvalidDBClusterStateFault", "InvalidDBClusterSnapshotStateFault", "InvalidDBInstanceState"})
    durations: ClassVar[Mapping[str, int]] = {"instantiate": 2400, "activate": 30, "cleanup": 900}
    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "observe": (
            *room.ACTIONS,
            "rds:DescribeDBClusterSnapshots",
            "rds:DescribeDBClusters",
            "rds:DescribeDBInstances",
            "rds:DescribeDBSubnetGroups",
        ),
        "instantiate": ("rds:CreateDBClusterSnapshot", "rds:CreateDBInstance", "rds:RestoreDBClusterFromSnapshot"),
        "activate": (),
        "cleanup": ("rds:DeleteDBCluster", "rds:DeleteDBClusterSnapshot", "rds:DeleteDBInstance"),
    }
    touches: ClassVar[Mapping[tuple[str, str], Touch]] = {
        ("rds", "create_db_cluster_snapshot"): Touch(("DBClusterSnapshotIdentifier",), "Tags"),
        ("rds", "restore_db_cluster_from_snapshot"): Touch(("DBClusterIdentifier", "SnapshotIdentifier"), "Tags"),
        ("rds", "create_db_instance"): Touch(("DBInstanceIdentifier", "DBClusterIdentifier"), "Tags"),
        ("rds", "delete_db_instance"): Touch(("DBInstanceIdentifier",)),
        ("rds", "delete_db_cluster"): Touch(("DBClusterIdentifier",)),
        ("rds", "delete_db_cluster_snapshot"): Touch(("DBClusterSnapshotIdentifier",)),
    }

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Seen[Cluster]]:
        account, region = pairs[0].account, pairs[0].target_region
        here = room.observe(reader, account, region)

        def database(ident: str) -> Cluster | Unreachable | None:
            found = reader.read(account, region, "rds", "describe_db_clusters", absent=_ABSENT, DBClusterIdentifier=ident)
            if not isinstance(found, Mapping):
                return found
            members = [{"Name": "db-cluster-id", "Values": [ident]}]
            nodes = reader.pages(account, region, "rds", "describe_db_instances", "DBInstances", Filters=members)
            if isinstance(nodes, Unreachable):
                return UNREACHABLE
            return cluster(found["DBClusters"][0], region, {one["DBInstanceIdentifier"]: one for one in nodes or ()})

        def network(group: str) -> str | Unreachable | None:
            return databases.network(reader, account, region, group)

        def seen(pair: Pair) -> Seen[Cluster]:
            ident, origin = self.called(pair), database(pair.target_id)
            what = ("rds", "describe_db_cluster_snapshots")
            taken = reader.read(account, region, *what, absent=_ABSENT, DBClusterSnapshotIdentifier=ident)
            return Seen(
                here,
                network(prepared(pair, "db_subnet_group")),
                origin,
                network(origin.subnet_group) if isinstance(origin, Cluster) else None,
                database(ident),
                databases.snapshot(taken["DBClusterSnapshots"][0], ident) if isinstance(taken, Mapping) else taken,
            )

        return {pair.key: seen(pair) for pair in pairs}

    def subnet_group(self, goal: Goal) -> tuple[str, str]:
        return databases.place(goal)

    def unfit(self, origin: Cluster, seen: Seen[Cluster], goal: Goal) -> Step | None:
        return None if _class(origin, goal) else _classless(origin, goal)

    def take(self, origin: Cluster, goal: Goal) -> Step:
        pair = goal.pair
        params = {"DBClusterSnapshotIdentifier": self.called(pair), "DBClusterIdentifier": origin.id, "Tags": labels(pair)}
        return Call("rds", "create_db_cluster_snapshot", pair.target_region, params, "take a snapshot of the standby")

    def restore(self, origin: Cluster, snapshot: Snapshot, seen: Seen[Cluster], goal: Goal) -> Step:
        pair, ident = goal.pair, self.called(goal.pair)
        params = given(
            DBClusterIdentifier=ident,
            SnapshotIdentifier=snapshot.id,
            Engine=origin.engine,
            EngineVersion=snapshot.version or origin.version,
            DBSubnetGroupName=prepared(pair, "db_subnet_group"),
            VpcSecurityGroupIds=seen.groups,
            DBClusterParameterGroupName=own_group(origin.parameter_group),
            DeletionProtection=False,
            CopyTagsToSnapshot=False,
            Tags=labels(pair),
        )
        return Call(
            "rds", "restore_db_cluster_from_snapshot", pair.target_region, params, f"restore it as {ident}", settle_seconds=30
        )

    def lacking(self, copy: Cluster, seen: Seen[Cluster], goal: Goal) -> Step | None:
        """An instance that answers: a restored cluster has none."""
        pair, ident = goal.pair, self.called(goal.pair)
        node = _node(copy, ident)
        if node is None:
            origin = seen.origin if isinstance(seen.origin, Cluster) else None
            params = {
                "DBInstanceIdentifier": ident,
                "DBClusterIdentifier": ident,
                "Engine": copy.engine,
                "DBInstanceClass": _class(origin, goal),
                "PubliclyAccessible": False,
                "Tags": labels(pair),
            }
            if not params["DBInstanceClass"]:
                return _classless(copy, goal)
            return Call("rds", "create_db_instance", pair.target_region, params, "give it an instance", settle_seconds=30)
        if node.status in USABLE:
            return None
        return _passes(node, goal) or Blocked(f"the instance of the copy {ident} is {node.status}", AGAIN)

    def delete(self, copy: Cluster, goal: Goal) -> Step:
        """Its instance goes first, then the cluster."""
        region, ident = goal.pair.target_region, self.called(goal.pair)
        others = [node.id for node in copy.nodes if node.id != ident]
        if others:
            why = f"{others[0]} was added to the copy {ident} in {region}, and is not the drill's own"
            return Blocked(why, f"delete it, then run this phase again\naws rds delete-db-instance … {others[0]}")
        node = _node(copy, ident)
        if node:
            params = {"DBInstanceIdentifier": ident, "SkipFinalSnapshot": True}
            call = Call("rds", "delete_db_instance", region, params, "delete the copy's instance", settle_seconds=30)
            return _passes(node, goal) or call
        whole = {"DBClusterIdentifier": ident, "SkipFinalSnapshot": True, "DeleteAutomatedBackups": True}
        return Call("rds", "delete_db_cluster", region, whole, "delete the copy", settle_seconds=30)

    def forget(self, goal: Goal) -> Call:
        params = {"DBClusterSnapshotIdentifier": self.called(goal.pair)}
        return Call("rds", "delete_db_cluster_snapshot", goal.pair.target_region, params, "delete the snapshot")

    def outputs(self, copy: Cluster) -> Mapping[str, Any]:
        return {"copy_arn": copy.arn, "endpoint": copy.endpoint, "port": copy.port}


def _node(copy: Cluster, ident: str) -> Node | None:
    return next((node for node in copy.nodes if node.id == ident), None)


def _class(origin: Cluster | None, goal: Goal) -> str:
    """The class of the copy's instance, "" where nobody knows one that a restored cluster takes."""
    found = origin.nodes[0].instance_class if origin and origin.nodes else goal.captured.get("instance_class", "")
    return str(setting(goal.pair, "instance_class", "" if found == SERVERLESS else found))


def _classless(found: Cluster, goal: Goal) -> Blocked:
    why = f"no class is known for the copy of {goal.pair.target_id} in {found.region}: it has no instance, or a serverless one"
    return Blocked(why, "set drill.instance_class in dr_settings, then run this phase again")


def _passes(node: Node, goal: Goal) -> Wait | None:
    """Waits while the instance's state passes by itself."""
    if node.status not in {"deleting", *CHANGING}:
        return None
    why = f"the copy's instance {node.id} in {goal.pair.target_region} is {node.status}"
    return Wait(why, poll_seconds=30, timeout_seconds=RESTORE_SECONDS)
