# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RDS DB instances as disaster recovery sees them: transitions that take time, refusals that AWS makes, lag that is measured.

Moto keeps the instances; their `status` is set there as time passes. What moto lacks (who replicates how, groups under way)
is kept in the store.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from moto.backends import get_backend

from sandbox.gateway import Ctx, Holder, after, holds, op, seed, transition
from sandbox.model import AwsError

# Simulated seconds.
CREATION, COPY, PROMOTION, RESTART, BACKUP, DELETION, RENAMING, GROUPS = 600, 1200, 300, 60, 60, 300, 60, 30
#: Seconds that a replica lags behind while its source is written to.
LAG = 3.0
_KEYS = ("engine", "instance_class", "storage_gb", "backup_days")


def backend(ctx: Ctx, region: str | None = None) -> Any:
    """Moto's RDS of this account."""
    return get_backend("rds")[ctx.account][region or ctx.region]


def instance(ctx: Ctx, ident: str, region: str | None = None) -> Any:
    """Moto's instance, by identifier or ARN; DBInstanceNotFound when there is none."""
    if ident.startswith("arn:"):
        region, ident = ident.split(":")[3], ident.rsplit(":", 1)[-1]
    found = backend(ctx, region).databases.get(ident.lower())
    if found is None:
        raise AwsError("DBInstanceNotFound", f"DBInstance {ident} not found.", 404)
    return found


def pass_through(ctx: Ctx, thing: Any, steps: Sequence[tuple[str, float]]) -> None:
    """Let an instance or a cluster of moto's pass through states; what it was passing through before ends."""
    moves = ctx.store.setdefault("moves", {})
    if id(thing) in moves:
        moves.pop(id(thing))[1]()
    moves[id(thing)] = (thing, transition(ctx.clock, steps, lambda state: setattr(thing, "status", state)))


def shown(ctx: Ctx, ident: str) -> dict[str, Any]:
    """An instance as DescribeDBInstances shows it."""
    (found,) = ctx.client("rds").describe_db_instances(DBInstanceIdentifier=ident)["DBInstances"]
    return dict(found)


def _need(found: Any, *states: str) -> None:
    if found.status not in states:
        text = f"DB instance {found.db_instance_identifier} is not in the {' or '.join(states)} state: {found.status}"
        raise AwsError("InvalidDBInstanceState", text)


def _everywhere(ctx: Ctx) -> Iterator[Any]:
    for one in list(get_backend("rds")[ctx.account].values()):
        yield from list(one.databases.values())


def new_resource_id(ctx: Ctx, prefix: str) -> str:
    """An id that no other has, the same in every run: db-… or cluster-…"""
    counter = ctx.store.setdefault("ids", itertools.count())
    text = hashlib.sha256(f"{ctx.account}{ctx.region}{prefix}{next(counter)}".encode()).hexdigest()[:26]
    return f"{prefix}-{text.upper()}"


# -- replication ------------------------------------------------------------------------------------------------------


def _source(ctx: Ctx, replica: Any) -> Any | None:
    try:
        return instance(ctx, replica.source_db_instance_identifier or "", replica.region)
    except AwsError:
        return None


def written(ctx: Ctx, source: Any) -> bool:
    """Whether clients reach it: some of its security groups lets them in."""
    groups = get_backend("ec2")[ctx.account][source.region]
    found = [groups.get_security_group_from_id(name) for name in source.vpc_security_group_ids]
    return source.status not in ("stopped", "deleting") and any(one is None or one.ingress_rules for one in found)


def _measure(ctx: Ctx, replica: Any, lag: float | None) -> None:
    """Publishes its ReplicaLag: `lag` seconds while the source is written to, then 0, and -1 when it does not replicate."""

    def level() -> float:
        source = _source(ctx, replica)
        if source is None or ctx.within(region=replica.region).store.get("replication", {}).get(replica.dbi_resource_id):
            return -1.0
        return float(lag or 0) if written(ctx, source) else 0.0

    name = {"DBInstanceIdentifier": replica.db_instance_identifier}
    ctx.within(region=replica.region).metric("AWS/RDS", "ReplicaLag", name, level if lag is not None else None)


def _independent(ctx: Ctx, replica: Any) -> None:
    """It replicates no more, and its source knows."""
    source = _source(ctx, replica)
    if source is not None:
        gone = (replica.db_instance_identifier, replica.db_instance_arn)
        source.replicas = [name for name in source.replicas if name not in gone]
    replica.source_db_instance_identifier, replica.is_replica = None, False
    _measure(ctx, replica, None)


@after("rds", "DescribeDBInstances")
def describe(ctx: Ctx, _params: dict[str, Any], out: dict[str, Any]) -> None:
    """What moto does not show: how replication goes, and groups that are being changed."""
    databases, broken = backend(ctx).databases, ctx.store.get("replication", {})
    for one in out["DBInstances"]:
        found = databases[one["DBInstanceIdentifier"]]
        if one.get("ReadReplicaSourceDBInstanceIdentifier") and found.status != "creating":
            state = broken.get(found.dbi_resource_id, "replicating")
            one["StatusInfos"] = [{"StatusType": "read replication", "Status": state, "Normal": state == "replicating"}]
        changing = ctx.store.get("groups", {}).get(found.dbi_resource_id)
        if changing:
            one["VpcSecurityGroups"] = changing


@op("rds", "CreateDBInstanceReadReplica")
def create_replica(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Snapshot, copy, restore: at once here, and `creating` for as long as that takes."""
    ident, source = params["DBInstanceIdentifier"].lower(), instance(ctx, params["SourceDBInstanceIdentifier"])
    if ident in backend(ctx).databases:
        raise AwsError("DBInstanceAlreadyExists", "DB instance already exists")
    _need(source, "available")
    if not source.backup_retention_period:
        raise AwsError("InvalidDBInstanceState", "Automated backups are not enabled for this database instance.")
    abroad = source.region != ctx.region
    if abroad and not params["SourceDBInstanceIdentifier"].startswith("arn:"):
        raise AwsError("DBInstanceNotFound", f"DBInstance {params['SourceDBInstanceIdentifier']} not found.", 404)
    if abroad and source.is_replica:
        raise AwsError("InvalidDBInstanceState", "Cross-region replicas cannot be created from a read replica.")
    if abroad and source.storage_encrypted and not params.get("KmsKeyId"):
        text = "Cannot create an encrypted cross-region read replica from an encrypted source without a KMS key"
        raise AwsError("InvalidParameterCombination", text)
    for name in params.get("VpcSecurityGroupIds", ()):
        if get_backend("ec2")[ctx.account][ctx.region].get_security_group_from_id(name) is None:
            raise AwsError("InvalidParameterValue", f"Invalid security group, groupId= {name}, groupName=.")
    given = {key: value for key, value in params.items() if key not in ("SourceRegion", "PreSignedUrl")}
    given.setdefault("DBSubnetGroupName", subnet_group(ctx))
    if abroad:  # groups of parameters belong to a region
        given.setdefault("DBParameterGroupName", f"default.{source.engine}")
    ctx.moto(given)
    replica = backend(ctx).databases[ident]
    _apart(ctx, replica, params, abroad)
    pass_through(ctx, replica, [("creating", COPY), ("available", 0)])
    ctx.eventually(COPY, lambda: _measure(ctx, replica, LAG) if replica.is_replica else None)
    return {"DBInstance": shown(ctx, ident)}


def _apart(ctx: Ctx, replica: Any, params: dict[str, Any], abroad: bool) -> None:
    """Moto's replica is a shallow copy: AWS gives it neither the tags, the backups nor the groups of its source."""
    replica.tags = params.get("Tags", [])
    replica.backup_retention_period = 0
    replica.deletion_protection = bool(params.get("DeletionProtection"))
    replica.multi_az = bool(params.get("MultiAZ"))
    replica.dbi_resource_id = new_resource_id(ctx, "db")
    replica.replicas = []
    if abroad:
        replica.availability_zone = f"{ctx.region}a"
        replica.db_parameter_group_name = params.get("DBParameterGroupName")
        replica.option_group_name = params.get("OptionGroupName") or f"default:{replica.engine}"
        replica.vpc_security_group_ids = list(params.get("VpcSecurityGroupIds") or [_default_group(ctx)])
    else:
        replica.vpc_security_group_ids = list(params.get("VpcSecurityGroupIds") or replica.vpc_security_group_ids)


@op("rds", "PromoteReadReplica")
def promote(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Writable after `modifying`; the first backup is taken then."""
    replica = instance(ctx, params["DBInstanceIdentifier"])
    if not replica.source_db_instance_identifier:
        raise AwsError("InvalidDBInstanceState", "DB instance is not a read replica")
    _need(replica, "available")
    replica.backup_retention_period = params.get("BackupRetentionPeriod", 1)
    states = [("modifying", PROMOTION), ("rebooting", RESTART), ("backing-up", BACKUP), ("available", 0.0)]
    ctx.store.setdefault("promoted", set()).add(replica.dbi_resource_id)
    ctx.eventually(PROMOTION, lambda: _independent(ctx, replica))
    pass_through(ctx, replica, states)
    return {"DBInstance": shown(ctx, replica.db_instance_identifier)}


# -- changes ----------------------------------------------------------------------------------------------------------


@after("rds", "CreateDBInstance")
def create(ctx: Ctx, params: dict[str, Any], out: dict[str, Any]) -> None:
    """It takes its time, and its first backup."""
    found = instance(ctx, params["DBInstanceIdentifier"])
    found.dbi_resource_id = new_resource_id(ctx, "db")
    if found.db_cluster_identifier and not params.get("DBSubnetGroupName"):
        found.db_subnet_group_name = found.cluster.db_subnet_group_name
    states = [("creating", CREATION), ("backing-up", BACKUP), ("available", 0.0)]
    pass_through(ctx, found, [states[0], states[2]] if found.db_cluster_identifier else states)
    out["DBInstance"] |= {"DBInstanceStatus": "creating", "DbiResourceId": found.dbi_resource_id}


@op("rds", "ModifyDBInstance")
def modify(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Groups change at once and settle a little later; a new identifier takes a restart."""
    found = instance(ctx, params["DBInstanceIdentifier"])
    _need(found, "available", "stopped", "storage-optimization")
    new = params.get("NewDBInstanceIdentifier", "").lower()
    if new in backend(ctx).databases:
        raise AwsError("DBInstanceAlreadyExists", "DB instance already exists")
    groups = params.get("VpcSecurityGroupIds")
    if groups:
        for name in groups:
            if get_backend("ec2")[ctx.account][ctx.region].get_security_group_from_id(name) is None:
                raise AwsError("InvalidParameterValue", f"Invalid security group, groupId= {name}, groupName=.")
        _change_groups(ctx, found, groups)
    special = ("NewDBInstanceIdentifier", "VpcSecurityGroupIds")
    ctx.moto({key: value for key, value in params.items() if key not in special})
    if params.get("DBParameterGroupName"):
        pass_through(ctx, found, [("modifying", GROUPS), (found.status, 0.0)])
    answer = shown(ctx, found.db_instance_identifier)
    if new:
        before = found.status
        pass_through(ctx, found, [("renaming", RENAMING), ("rebooting", RESTART), (before, 0.0)])
        ctx.eventually(RENAMING, lambda: _rename(ctx, found, new))
        answer["PendingModifiedValues"] = {"DBInstanceIdentifier": new}
    return {"DBInstance": answer}


def _change_groups(ctx: Ctx, found: Any, groups: list[str]) -> None:
    changing = ctx.store.setdefault("groups", {})
    leaving = [{"VpcSecurityGroupId": name, "Status": "removing"} for name in found.vpc_security_group_ids if name not in groups]
    changing[found.dbi_resource_id] = [*leaving, *({"VpcSecurityGroupId": name, "Status": "adding"} for name in groups)]
    found.vpc_security_group_ids = list(groups)
    ctx.eventually(GROUPS, lambda: changing.pop(found.dbi_resource_id, None))


def _rename(ctx: Ctx, found: Any, new: str) -> None:
    """Its replicas go on: AWS knows their source by an id that never changes."""
    databases, old = backend(ctx).databases, found.db_instance_arn
    databases.pop(found.db_instance_identifier, None)
    for replica in _everywhere(ctx):
        if replica.source_db_instance_identifier in (old, found.db_instance_identifier):
            same = replica.region == found.region and not replica.source_db_instance_identifier.startswith("arn:")
            replica.source_db_instance_identifier = new if same else f"{old.rpartition(':')[0]}:{new}"
    found.db_instance_identifier = new
    databases[new] = found


@op("rds", "DeleteDBInstance")
def delete(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Final snapshot, refusals, and what becomes of the replicas that are left behind."""
    found = instance(ctx, params["DBInstanceIdentifier"])
    ident, snapshot = found.db_instance_identifier, params.get("FinalDBSnapshotIdentifier")
    if found.status == "deleting":
        raise AwsError("InvalidDBInstanceState", f"DB instance {ident} is already being deleted.")
    if found.deletion_protection:
        text = "Cannot delete protected DB Instance, please disable deletion protection and try again."
        raise AwsError("InvalidParameterCombination", text)
    if found.db_cluster_identifier and found.cluster.replication_source_identifier and len(found.cluster.members) == 1:
        text = "Cannot delete the last instance of the read replica DB cluster"
        raise AwsError("InvalidDBClusterStateFault", text)
    alone = not found.db_cluster_identifier and not found.source_db_instance_identifier
    if not params.get("SkipFinalSnapshot") and alone:
        if not snapshot:
            text = "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."
            raise AwsError("InvalidParameterCombination", text)
        _need(found, "available")
        if snapshot in backend(ctx).database_snapshots:
            raise AwsError("DBSnapshotAlreadyExists", f"Cannot create the snapshot because {snapshot} already exists.")
        backend(ctx).create_db_snapshot(ident, snapshot)
        ctx.gw.markers.copy(ctx.data(found.dbi_resource_id), ctx.data(f"snapshot/{snapshot}"))
    elif snapshot:
        raise AwsError("InvalidParameterCombination", "FinalDBSnapshotIdentifier can not be specified for this instance.")
    pass_through(ctx, found, [("deleting", 0)])
    ctx.eventually(DELETION, lambda: _gone(ctx, found, backups=params.get("DeleteAutomatedBackups") is not False))
    return {"DBInstance": shown(ctx, ident)}


def _gone(ctx: Ctx, found: Any, backups: bool) -> None:
    backend(ctx).databases.pop(found.db_instance_identifier, None)
    if backups:
        taken = backend(ctx).database_snapshots
        for name in [name for name in taken if name.startswith(f"rds:{found.db_instance_identifier}-")]:
            del taken[name]
    if found.source_db_instance_identifier:
        _independent(ctx, found)
    for replica in _everywhere(ctx):
        if replica.source_db_instance_identifier in (found.db_instance_arn, found.db_instance_identifier):
            if replica.engine == "postgres" and replica.region != found.region:
                ctx.at(region=replica.region).setdefault("replication", {})[replica.dbi_resource_id] = "terminated"
            else:
                _independent(ctx, replica)


@op("rds", "StopDBInstance")
def stop(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Refused for what replicates, in either direction."""
    found = instance(ctx, params["DBInstanceIdentifier"])
    _need(found, "available")
    if found.replicas or found.source_db_instance_identifier:
        raise AwsError("InvalidDBInstanceState", "Cannot stop or start a read replica or an instance that has one")
    pass_through(ctx, found, [("stopping", 120), ("stopped", 0)])
    return {"DBInstance": shown(ctx, found.db_instance_identifier)}


@op("rds", "StartDBInstance")
def start(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """It takes minutes."""
    found = instance(ctx, params["DBInstanceIdentifier"])
    _need(found, "stopped")
    pass_through(ctx, found, [("starting", 300), ("available", 0)])
    return {"DBInstance": shown(ctx, found.db_instance_identifier)}


# -- data -------------------------------------------------------------------------------------------------------------


def behind(ctx: Ctx, region: str, name: str, dimensions: dict[str, str], otherwise: float, parts: int = 1) -> partial[float | None]:
    """Until when data has arrived, by the lag that CloudWatch reports of a database; `otherwise` where it knows none.

    parts: so many of the metric's units are a second.
    """
    levels = ctx.at("cloudwatch", region).get("levels", {})
    level = levels.get(("AWS/RDS", name, tuple(sorted(dimensions.items()))), otherwise)
    return partial(_until, ctx, (level() if callable(level) else level) / parts)


def _until(ctx: Ctx, lag: float) -> float | None:
    return ctx.clock.time() - lag if lag >= 0 else None


@holds("rds")
def holders(ctx: Ctx) -> Iterator[Holder]:
    """DB instances; those of Aurora hold what their cluster does."""
    for one in backend(ctx).databases.values():
        if one.db_cluster_identifier:
            continue
        takes_in = one.status != "creating" and one.dbi_resource_id not in ctx.store.get("promoted", ())
        source = _source(ctx, one) if takes_in and one.source_db_instance_identifier else None
        lag = behind(ctx, one.region, "ReplicaLag", {"DBInstanceIdentifier": one.db_instance_identifier}, LAG)
        yield Holder(
            ctx.data(one.dbi_resource_id),
            "rds",
            ctx.account,
            ctx.region,
            one.db_instance_identifier,
            not one.source_db_instance_identifier and one.status != "creating" and written(ctx, one),
            {ctx.data(source.dbi_resource_id, source.region): lag} if source is not None else {},
        )


# -- seeds ------------------------------------------------------------------------------------------------------------


def _default_group(ctx: Ctx) -> str:
    groups = ctx.client("ec2").describe_security_groups(Filters=[{"Name": "group-name", "Values": ["default"]}])
    return str(groups["SecurityGroups"][0]["GroupId"])


def subnet_group(ctx: Ctx) -> str:
    """The name of the region's DB subnet group, made of the default VPC's subnets."""
    if "databases" not in backend(ctx).subnet_groups:
        subnets = [one["SubnetId"] for one in ctx.client("ec2").describe_subnets()["Subnets"]]
        ctx.gw.moto_request(
            "rds",
            ctx.region,
            ctx.account,
            "CreateDBSubnetGroup",
            {"DBSubnetGroupName": "databases", "DBSubnetGroupDescription": "databases", "SubnetIds": subnets[:3]},
        )
    return "databases"


def security_group(ctx: Ctx) -> str:
    """The region's security group that lets clients in to databases."""
    if "security_group" not in ctx.store:
        ec2 = ctx.client("ec2")
        (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
        made = ec2.create_security_group(GroupName="databases", Description="clients of databases", VpcId=vpc["VpcId"])
        ec2.authorize_security_group_ingress(
            GroupId=made["GroupId"], IpProtocol="tcp", FromPort=3306, ToPort=5432, CidrIp="172.31.0.0/16"
        )
        ctx.store["security_group"] = made["GroupId"]
    return str(ctx.store["security_group"])


@seed("rds_instance")
def build(ctx: Ctx, spec: dict[str, Any]) -> dict[str, Any]:
    """{name, engine, instance_class, storage_gb, backup_days, multi_az, encrypted, protected, tags, peer}.

    peer {region, name, lag, tags} is a replica in another region, with the same tags and its own: `lag` seconds behind, None
    for a replica whose lag CloudWatch does not know. `peer.standalone` makes it an instance of its own.
    """
    made = _instance(ctx, spec, spec.get("tags") or {})
    peer = spec.get("peer")
    if peer:
        there = ctx.within(region=peer["region"])
        tags = {**(spec.get("tags") or {}), **peer.get("tags", {})}
        twin = _instance(there, {**spec, "backup_days": 0, **peer, "name": peer.get("name", spec["name"])}, tags)
        if not peer.get("standalone"):
            twin.source_db_instance_identifier, twin.is_replica = made.db_instance_arn, True
            made.replicas.append(twin.db_instance_arn)
            _measure(there, twin, peer.get("lag", LAG))
    return {"arn": made.db_instance_arn}


def _instance(ctx: Ctx, spec: dict[str, Any], tags: dict[str, str]) -> Any:
    given = {key: spec[key] for key in _KEYS if spec.get(key) is not None}
    params = {
        "DBInstanceIdentifier": spec["name"],
        "Engine": given.get("engine", "postgres"),
        "DBInstanceClass": given.get("instance_class", "db.r6g.large"),
        "AllocatedStorage": given.get("storage_gb", 100),
        "MasterUsername": "administrator",
        "MasterUserPassword": "simulated-only",
        "MultiAZ": bool(spec.get("multi_az")),
        "DeletionProtection": bool(spec.get("protected")),
        "DBSubnetGroupName": subnet_group(ctx),
        "VpcSecurityGroupIds": [security_group(ctx)],
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
    ctx.gw.moto_request("rds", ctx.region, ctx.account, "CreateDBInstance", params)
    made = instance(ctx, spec["name"])
    made.backup_retention_period = given.get("backup_days", 7)
    made.dbi_resource_id = new_resource_id(ctx, "db")
    if spec.get("encrypted"):
        made.storage_encrypted, made.kms_key_id = True, f"arn:aws:kms:{ctx.region}:{ctx.account}:key/databases"
    return made
