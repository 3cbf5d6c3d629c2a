# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Aurora: clusters whose states take time, global databases with one writer, binlog replica clusters.

Moto keeps clusters and instances. Global databases are ours: moto's have no writer that moves, and only live in one region.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

from moto.backends import get_backend

from sandbox.gateway import Ctx, Holder, after, holds, op, seed, transition
from sandbox.model import AwsError
from sandbox.services import rds

# Simulated seconds.
CREATION, MOVE, PROMOTION, DELETION, RESYNC, COPY, LOOK = 900, 120, 300, 180, 900, 120, 60
#: Milliseconds that a secondary lags behind, and seconds that a binlog replica does.
GLOBAL_LAG, BINLOG_LAG = 400.0, 2.0
_ADMINISTRATOR = {"MasterUsername": "administrator", "MasterUserPassword": "simulated-only"}


def cluster(ctx: Ctx, ident: str, region: str | None = None) -> Any:
    """Moto's cluster, by identifier or ARN; DBClusterNotFoundFault when there is none."""
    if ident.startswith("arn:"):
        region, ident = ident.split(":")[3], ident.rsplit(":", 1)[-1]
    found = rds.backend(ctx, region).clusters.get(ident.lower())
    if found is None:
        raise AwsError("DBClusterNotFoundFault", f"DBCluster {ident} not found.", 404)
    return found


def _state(ctx: Ctx, found: Any) -> str:
    return str(ctx.at(region=found.region).get("cluster_states", {}).get(found.db_cluster_resource_id, "available"))


def pass_through(ctx: Ctx, found: Any, steps: list[tuple[str, float]]) -> None:
    """Let a cluster pass through states: moto's own ends `creating` at the first look."""
    store = ctx.at(region=found.region)
    states, moves = store.setdefault("cluster_states", {}), store.setdefault("cluster_moves", {})
    key = found.db_cluster_resource_id
    if key in moves:
        moves[key]()
    moves[key] = transition(ctx.clock, steps, lambda state: states.__setitem__(key, state))


def need_available(ctx: Ctx, found: Any) -> None:
    """InvalidDBClusterStateFault unless it is available."""
    state = _state(ctx, found)
    if state not in ("available", "backing-up"):
        text = f"DBCluster {found.db_cluster_identifier} is not in available state: {state}"
        raise AwsError("InvalidDBClusterStateFault", text)


def described(ctx: Ctx, ident: str) -> dict[str, Any]:
    """A cluster as DescribeDBClusters shows it."""
    (found,) = ctx.client("rds").describe_db_clusters(DBClusterIdentifier=ident)["DBClusters"]
    return dict(found)


@after("rds", "DescribeDBClusters")
def describe(ctx: Ctx, _params: dict[str, Any], out: dict[str, Any]) -> None:
    """States, who writes, and groups that are being changed."""
    for one in out["DBClusters"]:
        found = rds.backend(ctx).clusters[one["DBClusterIdentifier"]]
        one["Status"] = _state(ctx, found)
        one["VpcSecurityGroups"] = ctx.store.get("cluster_groups", {}).get(found.db_cluster_resource_id) or [
            {"VpcSecurityGroupId": name, "Status": "active"} for name in found.vpc_security_group_ids or ()
        ]


@op("rds", "CreateDBCluster")
def create(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """A cluster of its own, a secondary of a global database, or a binlog replica."""
    ident, name, origin = (
        params["DBClusterIdentifier"].lower(),
        params.get("GlobalClusterIdentifier"),
        params.get("ReplicationSourceIdentifier"),
    )
    if ident in rds.backend(ctx).clusters:
        raise AwsError("DBClusterAlreadyExistsFault", "DB Cluster already exists")
    world = _world(ctx, name) if name else None
    followed = origin or (world["members"][0] if world and world["members"] else "")
    leader = cluster(ctx, followed) if followed else None
    if leader is not None:
        need_available(ctx, leader)
        if params.get("MasterUsername"):
            text = "Cannot specify user name for a cross region replication cluster"
            raise AwsError("InvalidParameterCombination", text)
        if leader.storage_encrypted and leader.region != ctx.region and not params.get("KmsKeyId"):
            raise AwsError("InvalidParameterCombination", "KmsKeyId should be explicitly specified for an encrypted cluster")
        if world and params.get("EngineVersion") != leader.engine_version:
            raise AwsError("InvalidParameterCombination", "The engine version does not match that of the global cluster")
    found = make(ctx, {key: value for key, value in params.items() if key != "SourceRegion"}, leader)
    if world is not None:
        world["members"].append(found.db_cluster_arn)
        found.global_cluster_identifier = world["id"]
        world["writer"] = world["writer"] or found.db_cluster_arn
    if origin and leader is not None:
        found.replication_source_identifier = leader.db_cluster_arn
        leader.read_replica_identifiers.append(found.db_cluster_arn)
    pass_through(ctx, found, [("creating", CREATION), ("available", 0.0)])
    ctx.eventually(CREATION, lambda: _measure(ctx, found))
    return {"DBCluster": described(ctx, ident)}


def make(ctx: Ctx, params: dict[str, Any], leader: Any) -> Any:
    """Moto's cluster, with AWS's ids; leader: what its data and its administrator come from, None for a new one."""
    own = ("GlobalClusterIdentifier", "ReplicationSourceIdentifier", "KmsKeyId", "StorageEncrypted", "PreSignedUrl")
    given = {key: value for key, value in params.items() if key not in own}
    if leader is not None:
        given |= _ADMINISTRATOR
    given.setdefault("DBSubnetGroupName", rds.subnet_group(ctx))
    _forget_backups(ctx, params["DBClusterIdentifier"])  # moto's are named by the minute: a namesake's would be in the way
    ctx.gw.moto_request("rds", ctx.region, ctx.account, "CreateDBCluster", given)
    found = cluster(ctx, params["DBClusterIdentifier"])
    found.vpc_security_group_ids = params.get("VpcSecurityGroupIds") or [rds.security_group(ctx)]
    found.db_cluster_resource_id = rds.new_resource_id(ctx, "cluster")
    found.storage_encrypted, found.kms_key_id = bool(params.get("StorageEncrypted")), params.get("KmsKeyId")
    return found


def _forget_backups(ctx: Ctx, ident: str) -> None:
    """Its automated backups go."""
    snapshots = rds.backend(ctx).cluster_snapshots
    for name in [name for name in snapshots if re.fullmatch(rf"rds:{re.escape(ident.lower())}-\d[\d-]*", name)]:
        del snapshots[name]


@op("rds", "ModifyDBCluster")
def modify(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Groups, protection, backups, and a new identifier."""
    found = cluster(ctx, params["DBClusterIdentifier"])
    need_available(ctx, found)
    new = params.get("NewDBClusterIdentifier", "").lower()
    if new in rds.backend(ctx).clusters:
        raise AwsError("DBClusterAlreadyExistsFault", "DB Cluster already exists")
    groups = params.get("VpcSecurityGroupIds")
    if groups:
        changing, key = ctx.store.setdefault("cluster_groups", {}), found.db_cluster_resource_id
        leaving = [name for name in found.vpc_security_group_ids if name not in groups]
        changing[key] = [
            *({"VpcSecurityGroupId": name, "Status": "removing"} for name in leaving),
            *({"VpcSecurityGroupId": name, "Status": "adding"} for name in groups),
        ]
        found.vpc_security_group_ids = list(groups)
        ctx.eventually(rds.GROUPS, lambda: changing.pop(key, None))
    if "DeletionProtection" in params:
        found.deletion_protection = params["DeletionProtection"]
    if "BackupRetentionPeriod" in params:
        found.backup_retention_period = params["BackupRetentionPeriod"]
    answer = described(ctx, found.db_cluster_identifier)
    if new:
        pass_through(ctx, found, [("renaming", rds.RENAMING), ("available", 0.0)])
        ctx.eventually(rds.RENAMING, lambda: _rename(ctx, found, new))
    return {"DBCluster": answer}


def _rename(ctx: Ctx, found: Any, new: str) -> None:
    clusters, members = rds.backend(ctx).clusters, list(found.members)
    clusters.pop(found.db_cluster_identifier, None)
    found.db_cluster_identifier = new
    clusters[new] = found
    for member in members:
        member.db_cluster_identifier = new


@op("rds", "DeleteDBCluster")
def delete(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Refused while it has instances, is in a global database, or is protected."""
    found = cluster(ctx, params["DBClusterIdentifier"])
    ident, snapshot = found.db_cluster_identifier, params.get("FinalDBSnapshotIdentifier")
    if found.deletion_protection:
        text = "Cannot delete protected Cluster, please disable deletion protection and try again."
        raise AwsError("InvalidParameterCombination", text)
    need_available(ctx, found)
    if found.members:
        text = "Cluster cannot be deleted, it still contains DB instances in non-deleting state."
        raise AwsError("InvalidDBClusterStateFault", text)
    if any(found.db_cluster_arn in world["members"] for world in _worlds(ctx).values()):
        text = "This cluster is a part of a global cluster, please remove it from globalcluster first"
        raise AwsError("InvalidDBClusterStateFault", text)
    if not params.get("SkipFinalSnapshot"):
        if not snapshot:
            text = "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."
            raise AwsError("InvalidParameterCombination", text)
        if snapshot in rds.backend(ctx).cluster_snapshots:
            raise AwsError("DBClusterSnapshotAlreadyExistsFault", f"Cannot create the snapshot because {snapshot} already exists.")
        rds.backend(ctx).create_db_cluster_snapshot(ident, snapshot)
        keep_data(ctx, found, snapshot)
    answer = {**described(ctx, ident), "Status": "deleting"}
    pass_through(ctx, found, [("deleting", 0.0)])
    ctx.eventually(DELETION, lambda: _gone(ctx, found, backups=params.get("DeleteAutomatedBackups") is not False))
    return {"DBCluster": answer}


def _gone(ctx: Ctx, found: Any, backups: bool) -> None:
    rds.backend(ctx).clusters.pop(found.db_cluster_identifier, None)
    if backups:
        _forget_backups(ctx, found.db_cluster_identifier)
    _independent(ctx, found)


@op("rds", "PromoteReadReplicaDBCluster")
def promote(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """A binlog replica becomes a cluster of its own; a secondary of a global database does not."""
    found = cluster(ctx, params["DBClusterIdentifier"])
    if not found.replication_source_identifier:
        raise AwsError("InvalidDBClusterStateFault", f"DB cluster {params['DBClusterIdentifier']} is not a read replica")
    need_available(ctx, found)
    pass_through(ctx, found, [("promoting", PROMOTION), ("available", 0.0)])
    ctx.eventually(PROMOTION, lambda: _independent(ctx, found))
    return {"DBCluster": described(ctx, found.db_cluster_identifier)}


def _independent(ctx: Ctx, found: Any) -> None:
    origin = found.replication_source_identifier
    if origin:
        for region in list(get_backend("rds")[ctx.account]):
            for leader in rds.backend(ctx, region).clusters.values():
                leader.read_replica_identifiers = [arn for arn in leader.read_replica_identifiers if arn != found.db_cluster_arn]
        found.replication_source_identifier = None
    _measure(ctx, found)


@op("rds", "CopyDBClusterSnapshot")
def copy_snapshot(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """A manual snapshot of what may be an automated one."""
    snapshots = rds.backend(ctx).cluster_snapshots
    source, target = params["SourceDBClusterSnapshotIdentifier"], params["TargetDBClusterSnapshotIdentifier"]
    original = next((one for one in snapshots.values() if source in (one.db_cluster_snapshot_identifier, one.arn)), None)
    if original is None:
        raise AwsError("DBClusterSnapshotNotFoundFault", f"DBClusterSnapshot {source} not found.", 404)
    if target in snapshots:
        raise AwsError("DBClusterSnapshotAlreadyExistsFault", f"Cannot create the snapshot because {target} already exists.")
    made = copy.copy(original)
    made.db_cluster_snapshot_identifier, made.snapshot_type, made.status = target, "manual", "copying"
    snapshots[target] = made
    ctx.gw.markers.copy(ctx.data(f"snapshot/{original.db_cluster_snapshot_identifier}"), ctx.data(f"snapshot/{target}"))
    ctx.eventually(COPY, lambda: setattr(made, "status", "available"))
    (shown,) = ctx.client("rds").describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=target)["DBClusterSnapshots"]
    return {"DBClusterSnapshot": shown}


# -- global databases -------------------------------------------------------------------------------------------------


def _worlds(ctx: Ctx) -> dict[str, dict[str, Any]]:
    """Identifier -> {id, engine, version, members: [ARN], writer: ARN, status, failover, resync: {ARN}}."""
    found: dict[str, dict[str, Any]] = ctx.at(region="global").setdefault("worlds", {})
    return found


def _world(ctx: Ctx, name: str) -> dict[str, Any]:
    found = _worlds(ctx).get(name.lower())
    if found is None:
        raise AwsError("GlobalClusterNotFoundFault", f"Global cluster {name} not found", 404)
    return found


def _view(ctx: Ctx, world: dict[str, Any]) -> dict[str, Any]:
    members = [
        {
            "DBClusterArn": arn,
            "IsWriter": arn == world["writer"],
            "Readers": [other for other in world["members"] if other != arn] if arn == world["writer"] else [],
            "GlobalWriteForwardingStatus": "disabled",
            "SynchronizationStatus": "pending-resync" if arn in world["resync"] else "connected",
        }
        for arn in world["members"]
    ]
    shown = {
        "GlobalClusterIdentifier": world["id"],
        "GlobalClusterResourceId": f"cluster-{world['id']}",
        "GlobalClusterArn": f"arn:aws:rds::{ctx.account}:global-cluster:{world['id']}",
        "Status": world["status"],
        "Engine": world["engine"],
        "EngineVersion": world["version"],
        "StorageEncrypted": world["encrypted"],
        "DeletionProtection": False,
        "GlobalClusterMembers": members,
        "Endpoint": f"{world['id']}.global-simulated.global.rds.amazonaws.com",
    }
    return {**shown, "FailoverState": world["failover"]} if world["failover"] else shown


@op("rds", "DescribeGlobalClusters")
def describe_worlds(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """The same from every region."""
    name = params.get("GlobalClusterIdentifier")
    found = [_world(ctx, name)] if name else list(_worlds(ctx).values())
    return {"GlobalClusters": [_view(ctx, world) for world in found]}


@op("rds", "CreateGlobalCluster")
def create_world(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Around a cluster that exists."""
    name = params["GlobalClusterIdentifier"].lower()
    if name in _worlds(ctx):
        raise AwsError("GlobalClusterAlreadyExistsFault", f"Global cluster {name} already exists")
    origin = params.get("SourceDBClusterIdentifier")
    leader = cluster(ctx, origin) if origin else None
    if leader is not None:
        need_available(ctx, leader)
        if any(leader.db_cluster_arn in world["members"] for world in _worlds(ctx).values()):
            raise AwsError("InvalidDBClusterStateFault", "This cluster is already a part of a global cluster")
    elif not params.get("Engine"):
        raise AwsError("InvalidParameterCombination", "Engine is required without SourceDBClusterIdentifier")
    return {"GlobalCluster": _view(ctx, _make_world(ctx, name, leader, params))}


def _make_world(ctx: Ctx, name: str, leader: Any, params: dict[str, Any]) -> dict[str, Any]:
    world = {
        "id": name,
        "engine": leader.engine if leader is not None else params["Engine"],
        "version": leader.engine_version if leader is not None else params.get("EngineVersion", ""),
        "encrypted": bool(leader is not None and leader.storage_encrypted),
        "members": [leader.db_cluster_arn] if leader is not None else [],
        "writer": leader.db_cluster_arn if leader is not None else "",
        "status": "available",
        "failover": None,
        "resync": set(),
    }
    _worlds(ctx)[name] = world
    return world


@op("rds", "DeleteGlobalCluster")
def delete_world(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Only an empty one."""
    world = _world(ctx, params["GlobalClusterIdentifier"])
    if world["members"]:
        raise AwsError("InvalidGlobalClusterStateFault", f"Global Cluster {world['id']} is not empty")
    return {"GlobalCluster": _view(ctx, _worlds(ctx).pop(world["id"]))}


@op("rds", "SwitchoverGlobalCluster")
def switch_over(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Sent to the writer's region; every member must be connected."""
    world = _world(ctx, params["GlobalClusterIdentifier"])
    target = _target(ctx, world, params)
    if world["writer"].split(":")[3] != ctx.region:
        raise AwsError("InvalidParameterValue", "A switchover must be requested in the primary cluster's region")
    if world["resync"]:
        raise AwsError("InvalidGlobalClusterStateFault", "The secondary cluster is not synchronized with the primary cluster")
    _move(ctx, world, target, loss=False)
    return {"GlobalCluster": _view(ctx, world)}


@op("rds", "FailoverGlobalCluster")
def fail_over(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """With AllowDataLoss sent to the target's region; without it, it is a switchover."""
    if not params.get("AllowDataLoss"):
        return switch_over(ctx, params)
    if params.get("Switchover"):
        raise AwsError("InvalidParameterCombination", "AllowDataLoss and Switchover are mutually exclusive")
    world = _world(ctx, params["GlobalClusterIdentifier"])
    target = _target(ctx, world, params)
    if target.split(":")[3] != ctx.region:
        raise AwsError("InvalidParameterValue", "A failover must be requested in the target cluster's region")
    if target in world["resync"]:
        raise AwsError("InvalidGlobalClusterStateFault", "The secondary cluster is not synchronized with the primary cluster")
    _move(ctx, world, target, loss=True)
    return {"GlobalCluster": _view(ctx, world)}


def _target(ctx: Ctx, world: dict[str, Any], params: dict[str, Any]) -> str:
    target = str(params["TargetDbClusterIdentifier"])
    if target not in world["members"]:
        raise AwsError("DBClusterNotFoundFault", f"DBCluster {target} not found.", 404)
    if world["status"] != "available":
        raise AwsError("InvalidGlobalClusterStateFault", f"Global cluster {world['id']} is {world['status']}")
    if target == world["writer"]:
        raise AwsError("InvalidDBClusterStateFault", "The target is already the primary cluster")
    need_available(ctx, cluster(ctx, target))
    return target


def _move(ctx: Ctx, world: dict[str, Any], target: str, loss: bool) -> None:
    left = world["writer"]
    world["status"] = "failing-over" if loss else "switching-over"
    state = {"FromDbClusterArn": left, "ToDbClusterArn": target, "IsDataLossAllowed": loss}
    world["failover"] = {"Status": "pending", **state}
    ctx.eventually(10, lambda: world.update(failover={"Status": "failing-over", **state}))

    def moved() -> None:
        if not loss:
            ctx.gw.markers.copy(_data(ctx, cluster(ctx, left)), _data(ctx, cluster(ctx, target)))
        world.update(status="available", failover=None, writer=target)
        if loss:
            world["resync"].add(left)
            _rejoin(ctx, world, left)
        for arn in world["members"]:
            _measure(ctx, cluster(ctx, arn))

    ctx.eventually(MOVE, moved)


def _rejoin(ctx: Ctx, world: dict[str, Any], arn: str) -> None:
    """The old writer is built anew once its region answers; what it had not sent is left as a snapshot."""
    if _dark(ctx, arn.split(":")[3]):
        ctx.eventually(LOOK, lambda: _rejoin(ctx, world, arn))
        return
    found = cluster(ctx, arn)
    stamp = ctx.clock.now().strftime("%Y-%m-%d-%H-%M")
    name = f"rds:unplanned-global-failover-{found.db_cluster_identifier}-{stamp}"
    rds.backend(ctx, found.region).create_db_cluster_snapshot(found.db_cluster_identifier, name, "automated")
    there = ctx.within(region=found.region)
    keep_data(there, found, name)
    pass_through(there, found, [("resyncing", RESYNC), ("available", 0.0)])

    def connected() -> None:
        world["resync"].discard(arn)
        _measure(ctx, found)

    ctx.eventually(RESYNC, connected)


def _dark(ctx: Ctx, region: str) -> bool:
    """Whether a fault silences the whole region."""
    rules = [rule for rule in ctx.gw.faults.list() if rule["effect"] in ("reset", "blackhole", "http")]
    return any(rule.get("match") == {"region": region} for rule in rules)


@op("rds", "RemoveFromGlobalCluster")
def leave(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Its member becomes a cluster of its own; the writer leaves last."""
    world = _world(ctx, params["GlobalClusterIdentifier"])
    arn = params["DbClusterIdentifier"]
    if arn not in world["members"]:
        raise AwsError("DBClusterNotFoundFault", f"DBCluster {arn} not found.", 404)
    if world["status"] != "available":
        raise AwsError("InvalidGlobalClusterStateFault", f"Global cluster {world['id']} is {world['status']}")
    if arn == world["writer"] and len(world["members"]) > 1:
        text = "This cluster is the primary member of the global cluster while there are other members"
        raise AwsError("InvalidGlobalClusterStateFault", text)
    found = cluster(ctx, arn)
    world["members"].remove(arn)
    world["resync"].discard(arn)
    world["writer"] = "" if arn == world["writer"] else world["writer"]
    found.global_cluster_identifier = None
    pass_through(ctx, found, [("promoting", MOVE), ("available", 0.0)])
    _measure(ctx, found)
    return {"GlobalCluster": _view(ctx, world)}


# -- lag --------------------------------------------------------------------------------------------------------------


def _measure(ctx: Ctx, found: Any) -> None:
    """Publishes the lag of what follows, and ends that of what does not."""
    there, ident = ctx.within(region=found.region), found.db_cluster_identifier
    world = next((one for one in _worlds(ctx).values() if found.db_cluster_arn in one["members"]), None)
    given = there.store.get("lags", {}).get(ident)
    follows = world is not None and world["writer"] != found.db_cluster_arn and found.db_cluster_arn not in world["resync"]
    for name in ("AuroraGlobalDBRPOLag", "AuroraGlobalDBReplicationLag"):
        level = GLOBAL_LAG if given is None else given * 1000
        there.metric("AWS/RDS", name, {"DBClusterIdentifier": ident}, level if follows else None)
    origin = found.replication_source_identifier

    def binlog() -> float:
        return float(BINLOG_LAG if given is None else given) if _open(ctx, cluster(ctx, origin)) else 0.0

    there.metric("AWS/RDS", "AuroraBinlogReplicaLag", {"DBClusterIdentifier": ident}, binlog if origin else None)


# -- data -------------------------------------------------------------------------------------------------------------


def _open(ctx: Ctx, found: Any) -> bool:
    """Whether clients reach it: some of its security groups lets them in."""
    names = get_backend("ec2")[ctx.account][found.region]
    groups = [names.get_security_group_from_id(name) for name in found.vpc_security_group_ids]
    return any(one is None or one.ingress_rules for one in groups)


def _data(ctx: Ctx, found: Any) -> str:
    return ctx.data(found.db_cluster_resource_id, found.region)


def keep_data(ctx: Ctx, found: Any, snapshot: str) -> None:
    """A snapshot has what its cluster has now."""
    ctx.gw.markers.copy(_data(ctx, found), ctx.data(f"snapshot/{snapshot}"))


@holds("aurora")
def holders(ctx: Ctx) -> Iterator[Holder]:
    """Clusters: the writer of a global database, what follows it, and those on their own."""
    ctx = ctx.within("rds")
    for found in rds.backend(ctx).clusters.values():
        arn, state = found.db_cluster_arn, _state(ctx, found)
        world = next((one for one in _worlds(ctx).values() if arn in one["members"]), None)
        follows = {}
        if state not in ("creating", "promoting", "resyncing") and (leader := _leader(ctx, world, found)) is not None:
            metric = "AuroraGlobalDBRPOLag" if world else "AuroraBinlogReplicaLag"
            where = {"DBClusterIdentifier": found.db_cluster_identifier}
            otherwise = GLOBAL_LAG if world else BINLOG_LAG
            follows[_data(ctx, leader)] = rds.behind(ctx, ctx.region, metric, where, otherwise, 1000 if world else 1)
        leads = world["writer"] == arn and world["status"] != "switching-over" if world else not found.replication_source_identifier
        writable = bool(leads and found.members) and state in ("available", "backing-up", "renaming") and _open(ctx, found)
        yield Holder(_data(ctx, found), "aurora", ctx.account, ctx.region, found.db_cluster_identifier, writable, follows)


def _leader(ctx: Ctx, world: dict[str, Any] | None, found: Any) -> Any | None:
    """The cluster that it replicates, while it does."""
    if world is None:
        return cluster(ctx, found.replication_source_identifier) if found.replication_source_identifier else None
    follows = world["writer"] not in ("", found.db_cluster_arn) and found.db_cluster_arn not in world["resync"]
    return cluster(ctx, world["writer"]) if follows and world["status"] != "failing-over" else None


# -- seeds ------------------------------------------------------------------------------------------------------------


@seed("aurora_global", service="rds")
def build_global(ctx: Ctx, spec: dict[str, Any]) -> dict[str, Any]:
    """{name, engine, engine_version, instances, instance_class, encrypted, protected, global_cluster, tags, peer}.

    A global database with its writer; peer {region, name, instances, lag, engine_version, tags} is a secondary, headless with
    `instances: 0`, `lag` seconds behind.
    """
    leader = _seeded(ctx, spec, spec.get("tags") or {})
    world = _make_world(ctx, spec.get("global_cluster") or f"{spec['name']}-global", leader, {})
    leader.global_cluster_identifier = world["id"]
    peer = spec.get("peer")
    if peer:
        there = ctx.within(region=peer["region"])
        found = _seeded(there, {**spec, **peer, "name": peer.get("name", spec["name"])}, _both(spec, peer))
        found.global_cluster_identifier = world["id"]
        world["members"].append(found.db_cluster_arn)
        if peer.get("lag") is not None:
            there.store.setdefault("lags", {})[found.db_cluster_identifier] = peer["lag"]
        _measure(there, found)
    return {"arn": leader.db_cluster_arn}


@seed("aurora_cluster", service="rds")
def build_cluster(ctx: Ctx, spec: dict[str, Any]) -> dict[str, Any]:
    """The same without a global database; its peer is a binlog replica cluster (Aurora MySQL), or `standalone: true`."""
    spec = {"engine": "aurora-mysql", **spec}
    leader = _seeded(ctx, spec, spec.get("tags") or {})
    peer = spec.get("peer")
    if peer:
        there = ctx.within(region=peer["region"])
        found = _seeded(there, {**spec, **peer, "name": peer.get("name", spec["name"])}, _both(spec, peer))
        if not peer.get("standalone"):
            found.replication_source_identifier = leader.db_cluster_arn
            leader.read_replica_identifiers.append(found.db_cluster_arn)
        if peer.get("lag") is not None:
            there.store.setdefault("lags", {})[found.db_cluster_identifier] = peer["lag"]
        _measure(there, found)
    return {"arn": leader.db_cluster_arn}


def _both(spec: dict[str, Any], peer: dict[str, Any]) -> dict[str, str]:
    return {**(spec.get("tags") or {}), **(peer.get("tags") or {})}


def _seeded(ctx: Ctx, spec: dict[str, Any], tags: dict[str, str]) -> Any:
    engine, version = spec.get("engine", "aurora-postgresql"), spec.get("engine_version")
    params = {
        "DBClusterIdentifier": spec["name"],
        "Engine": engine,
        "EngineVersion": version or {"aurora-mysql": "8.0.mysql_aurora.3.08.2"}.get(engine, "16.6"),
        "DeletionProtection": bool(spec.get("protected")),
        "VpcSecurityGroupIds": [rds.security_group(ctx)],
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        **_ADMINISTRATOR,
    }
    if spec.get("encrypted"):
        params |= {"StorageEncrypted": True, "KmsKeyId": f"arn:aws:kms:{ctx.region}:{ctx.account}:key/databases"}
    found = make(ctx, params, None)
    for number in range(int(spec.get("instances", 1))):
        node = {
            "DBInstanceIdentifier": f"{spec['name']}-{number + 1}",
            "DBClusterIdentifier": spec["name"],
            "Engine": engine,
            "DBInstanceClass": spec.get("instance_class", "db.r6g.large"),
            "DBSubnetGroupName": rds.subnet_group(ctx),
        }
        ctx.gw.moto_request("rds", ctx.region, ctx.account, "CreateDBInstance", node)
    return found
