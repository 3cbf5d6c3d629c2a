# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EFS: replication between regions, overwrite protection, and the backup jobs that keep what a replication overwrites.

Moto keeps file systems, mount targets and policies. Replication configurations are kept here, one for both regions, each of which
sees it until its own part is deleted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import partial
from typing import Any

from moto.backends import get_backend

from sandbox.gateway import Ctx, Holder, after, holds, op, seed, transition
from sandbox.model import AwsError
from sandbox.services.recovery_points import keep

# Simulated seconds.
INITIAL_SYNC, SYNC, DELETION, LOCAL_DELETION, MOUNTING, UPDATE, BACKUP = 1200, 60, 240, 60, 60, 30, 600


def _backend(ctx: Ctx, region: str | None = None) -> Any:
    return get_backend("efs")[ctx.account][region or ctx.region]


def _bare(ident: str) -> str:
    return ident.rpartition("/")[2]


def file_system(ctx: Ctx, ident: str, region: str | None = None) -> Any:
    found = _backend(ctx, region).file_systems_by_id.get(_bare(ident))
    if found is None:
        raise AwsError("FileSystemNotFound", f"File system '{ident}' does not exist.", 404)
    return found


def _configurations(ctx: Ctx) -> list[dict[str, Any]]:
    """All of the account: {source, destination: (region, id), status, since, until, lag, stalls, message, views: regions}."""
    found: list[dict[str, Any]] = ctx.at("efs", "*").setdefault("configurations", [])
    return found


def _protection(ctx: Ctx, region: str | None = None) -> dict[str, str]:
    found: dict[str, str] = ctx.at("efs", region).setdefault("protection", {})
    return found


def _of(ctx: Ctx, region: str, ident: str) -> dict[str, Any] | None:
    """The configuration that a file system is in, as its region sees it."""
    place = (region, _bare(ident))
    return next(
        (one for one in _configurations(ctx) if region in one["views"] and place in (one["source"], one["destination"])), None
    )


def _synced(ctx: Ctx, one: dict[str, Any]) -> float | None:
    """When the last finished synchronisation was; none before the first."""
    now = min(ctx.clock.time(), one.get("until", ctx.clock.time()))
    if one["lag"] is not None:
        return float(now - one["lag"])
    passed = now - one["since"] - INITIAL_SYNC
    return float(one["since"] + INITIAL_SYNC + passed // SYNC * SYNC) if passed >= 0 else None


def _shown(ctx: Ctx, one: dict[str, Any]) -> dict[str, Any]:
    (source_region, source), (region, destination) = one["source"], one["destination"]
    arn = f"arn:aws:elasticfilesystem:{source_region}:{ctx.account}:file-system/{source}"
    status = one["status"]
    if len(one["views"]) == 1 and ctx.region == source_region:
        status = "ERROR"  # the other side has gone its own way
    elif status == "ENABLED" and _synced(ctx, one) is None:
        status = "ENABLING"
    end = {"Status": status, "FileSystemId": destination, "Region": region, "OwnerId": ctx.account}
    synced = _synced(ctx, one)
    if synced is not None:
        end["LastReplicatedTimestamp"] = synced
    if one.get("message"):
        end["StatusMessage"] = one["message"]
    return {
        "SourceFileSystemId": source,
        "SourceFileSystemRegion": source_region,
        "SourceFileSystemArn": arn,
        "OriginalSourceFileSystemArn": arn,
        "SourceFileSystemOwnerId": ctx.account,
        "CreationTime": one["since"],
        "Destinations": [end],
    }


# -- replication ------------------------------------------------------------------------------------------------------


@op("efs", "DescribeReplicationConfigurations")
def describe_replications(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Those that this region sees."""
    if "FileSystemId" in params:
        file_system(ctx, params["FileSystemId"])
        one = _of(ctx, ctx.region, params["FileSystemId"])
        if one is None:
            raise AwsError("ReplicationNotFound", f"Replication for {params['FileSystemId']} does not exist", 404)
        return {"Replications": [_shown(ctx, one)]}
    return {"Replications": [_shown(ctx, one) for one in _configurations(ctx) if ctx.region in one["views"]]}


@op("efs", "CreateReplicationConfiguration")
def replicate(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Into a new file system of the destination region, or into one whose protection was disabled."""
    source = file_system(ctx, params["SourceFileSystemId"])
    end = params["Destinations"][0]
    region = end.get("Region") or ctx.region
    if _of(ctx, ctx.region, source.file_system_id):
        raise AwsError("ReplicationAlreadyExists", f"{source.file_system_id} is already in a replication configuration", 409)
    if _protection(ctx).get(source.file_system_id) == "DISABLED":
        raise AwsError("BadRequest", f"{source.file_system_id} has replication overwrite protection disabled")
    if "FileSystemId" in end:
        target = file_system(ctx, end["FileSystemId"], region)
        if _of(ctx, region, target.file_system_id):
            raise AwsError("ReplicationAlreadyExists", f"{target.file_system_id} is already in a replication configuration", 409)
        if _protection(ctx, region).get(target.file_system_id) != "DISABLED":
            raise AwsError("BadRequest", f"Disable the replication overwrite protection of {target.file_system_id} first")
        if source.encrypted and not target.encrypted:
            raise AwsError("ConflictException", "An encrypted source cannot be replicated to an unencrypted destination", 409)
    else:
        count = len(_backend(ctx, region).file_systems_by_id)
        target = made(ctx, region, f"{source.file_system_id}-{count}", {"encrypted": True, "kms_key_id": end.get("KmsKeyId")})
    return _shown(ctx, _paired(ctx, (ctx.region, source.file_system_id), (region, target.file_system_id), ctx.clock.time()))


def _paired(ctx: Ctx, source: tuple[str, str], destination: tuple[str, str], since: float, **more: Any) -> dict[str, Any]:
    _protection(ctx, destination[0])[destination[1]] = "REPLICATING"
    one = {
        "source": source,
        "destination": destination,
        "status": "ENABLED",
        "since": since,
        "lag": None,
        "views": {source[0], destination[0]},
        **more,
    }
    _configurations(ctx).append(one)
    there = ctx.within(region=destination[0])
    copy = file_system(there, destination[1]).file_system_arn
    # Automatic backups of a destination are on; here the first one comes with the end of the first synchronisation.
    ctx.eventually(max(0, since + INITIAL_SYNC - ctx.clock.time()), lambda: keep(there, copy, "automatic"))
    return one


@op("efs", "DeleteReplicationConfiguration")
def stop_replication(ctx: Ctx, params: dict[str, Any]) -> None:
    """Both regions forget it after minutes, and the destination is writable then; or this region alone does."""
    ident = _bare(params["SourceFileSystemId"])
    one = next((one for one in _configurations(ctx) if one["source"][1] == ident and ctx.region in one["views"]), None)
    if one is None:
        raise AwsError("ReplicationNotFound", f"Replication for {ident} does not exist", 404)
    local = params.get("DeletionMode") == "LOCAL_CONFIGURATION_ONLY"
    one["status"] = "DELETING"
    one.setdefault("until", ctx.clock.time())
    if local:
        region = ctx.region
        ctx.eventually(LOCAL_DELETION, lambda: _forget(ctx, one, region))
    elif not one.get("stalls") and len(one["views"]) > 1:
        ctx.eventually(DELETION, lambda: _forget(ctx, one, *one["views"]))


def _forget(ctx: Ctx, one: dict[str, Any], *regions: str) -> None:
    one["views"] = one["views"] - set(regions)
    region, ident = one["destination"]
    if region in regions:
        _protection(ctx, region)[ident] = "ENABLED"
    if not one["views"] and one in _configurations(ctx):
        _configurations(ctx).remove(one)


@op("efs", "UpdateFileSystemProtection")
def protect(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """ENABLED takes writes, DISABLED may be overwritten."""
    ident, wanted = _bare(params["FileSystemId"]), params.get("ReplicationOverwriteProtection", "ENABLED")
    file_system(ctx, ident)
    one = _of(ctx, ctx.region, ident)
    if one and one["destination"] == (ctx.region, ident):
        raise AwsError("ReplicationAlreadyExists", f"{ident} is the destination of a replication configuration", 409)
    if wanted == "REPLICATING":
        raise AwsError("BadRequest", "REPLICATING is set by a replication configuration only")
    _protection(ctx)[ident] = wanted
    return {"ReplicationOverwriteProtection": wanted}


# -- file systems -----------------------------------------------------------------------------------------------------


@after("efs", "DescribeFileSystems")
def describe(ctx: Ctx, _params: dict[str, Any], out: dict[str, Any]) -> None:
    """Their protection, which moto does not know."""
    for one in out["FileSystems"]:
        one["FileSystemProtection"] = {"ReplicationOverwriteProtection": _protection(ctx).get(one["FileSystemId"], "ENABLED")}


@op("efs", "UpdateFileSystem")
def update(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Throughput; `updating` for a while."""
    found = file_system(ctx, params["FileSystemId"])
    if found.life_cycle_state != "available":
        raise AwsError("IncorrectFileSystemLifeCycleState", f"File system is {found.life_cycle_state}", 409)
    found.throughput_mode = params.get("ThroughputMode", found.throughput_mode)
    found.provisioned_throughput_in_mibps = params.get("ProvisionedThroughputInMibps")
    transition(ctx.clock, [("updating", UPDATE), ("available", 0.0)], lambda state: setattr(found, "life_cycle_state", state))
    answer: dict[str, Any] = ctx.client("efs").describe_file_systems(FileSystemId=found.file_system_id)["FileSystems"][0]
    return answer


@op("efs", "DeleteFileSystem")
def delete(ctx: Ctx, params: dict[str, Any]) -> None:
    """Refused while it replicates; moto refuses it while it is mounted."""
    file_system(ctx, params["FileSystemId"])
    if _of(ctx, ctx.region, params["FileSystemId"]):
        raise AwsError("FileSystemInUse", "The file system is in a replication configuration", 409)
    ctx.moto()


@op("efs", "DeleteFileSystemPolicy")
def delete_policy(ctx: Ctx, params: dict[str, Any]) -> None:
    """Back to the default: whoever reaches a mount target has full access."""
    file_system(ctx, params["FileSystemId"]).file_system_policy = None


@after("efs", "PutFileSystemPolicy")
def policy(_ctx: Ctx, params: dict[str, Any], _out: dict[str, Any]) -> None:
    """Refused when it is no policy."""
    try:
        statements = json.loads(params["Policy"])["Statement"]
    except (KeyError, TypeError, ValueError) as error:
        raise AwsError("InvalidPolicyException", "The policy is not valid") from error
    listed = statements if isinstance(statements, list) else [statements]
    if any(not one.get("Sid", "a").isalnum() for one in listed):
        raise AwsError("InvalidPolicyException", "Statement IDs (SID) must be alpha-numeric")


@op("efs", "PutBackupPolicy")
def backup_policy(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Of automatic backups, which moto shows."""
    file_system(ctx, params["FileSystemId"])._backup = params["BackupPolicy"]["Status"] == "ENABLED"
    return {"BackupPolicy": params["BackupPolicy"]}


@op("efs", "DescribeBackupPolicy")
def shown_backup_policy(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Moto breaks over a file system that is gone."""
    file_system(ctx, params["FileSystemId"])
    return ctx.moto()


@after("efs", "CreateMountTarget")
def mount(ctx: Ctx, _params: dict[str, Any], out: dict[str, Any]) -> None:
    """It takes a minute."""
    found = _backend(ctx).mount_targets_by_id[out["MountTargetId"]]
    transition(ctx.clock, [("creating", MOUNTING), ("available", 0.0)], lambda state: setattr(found, "life_cycle_state", state))
    out["LifeCycleState"] = "creating"


# -- backups ----------------------------------------------------------------------------------------------------------


@op("backup", "StartBackupJob")
def start_backup(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Into the vault Default, or one that moto has; the same token is the same job."""
    name, jobs = params["BackupVaultName"], ctx.at("efs").setdefault("jobs", {})
    known = ctx.client("backup").list_backup_vaults()["BackupVaultList"] if name != "Default" else []
    if name != "Default" and name not in [one["BackupVaultName"] for one in known]:
        raise AwsError("ResourceNotFoundException", f"Backup vault {name} does not exist")
    token = params.get("IdempotencyToken") or str(len(jobs))
    if token not in jobs:
        ident = f"00000000-0000-0000-0000-{len(jobs):012d}"
        job = {
            "BackupJobId": ident,
            "AccountId": ctx.account,
            "BackupVaultName": name,
            "ResourceArn": params["ResourceArn"],
            "ResourceType": "EFS",
            "IamRoleArn": params["IamRoleArn"],
            "CreationDate": ctx.clock.time(),
            "RecoveryPointArn": f"arn:aws:backup:{ctx.region}:{ctx.account}:recovery-point:{ident}",
        }
        jobs[token] = job
        transition(ctx.clock, [("RUNNING", BACKUP), ("COMPLETED", 0.0)], lambda state: job.update(State=state))
        data = ctx.within("efs").data
        ctx.gw.markers.copy(data(_bare(params["ResourceArn"])), data(job["RecoveryPointArn"]))
        ctx.eventually(BACKUP, lambda: keep(ctx, job["ResourceArn"], job["BackupVaultName"], job["RecoveryPointArn"]))
    job = jobs[token]
    return {key: job[key] for key in ("BackupJobId", "RecoveryPointArn", "CreationDate")}


@op("backup", "ListBackupJobs")
def list_backups(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """The newest first."""
    wanted = params.get("ByResourceArn")
    jobs = [dict(job) for job in ctx.at("efs").get("jobs", {}).values() if wanted in (None, job["ResourceArn"])]
    return {"BackupJobs": sorted(jobs, key=lambda job: -job["CreationDate"])}


# -- data -------------------------------------------------------------------------------------------------------------


def _denies_writers(policy: str | None) -> bool:
    statements = json.loads(policy)["Statement"] if policy else []
    listed = statements if isinstance(statements, list) else [statements]
    return any(one["Effect"] == "Deny" and "elasticfilesystem:ClientWrite" in one["Action"] for one in listed)


@holds("efs")
def holders(ctx: Ctx) -> Iterator[Holder]:
    """File systems, under their tag Name, or their id where they have none."""
    for ident, one in _backend(ctx).file_systems_by_id.items():
        name = next((tag["Value"] for tag in _backend(ctx).list_tags_for_resource(ident) if tag["Key"] == "Name"), ident)
        configuration, follows = _of(ctx, ctx.region, ident), {}
        if configuration and configuration["destination"] == (ctx.region, ident) and _synced(ctx, configuration) is not None:
            region, source = configuration["source"]
            follows = {ctx.data(source, region): partial(_synced, ctx, configuration)}
        locked = _protection(ctx).get(ident) == "REPLICATING" or _denies_writers(one.file_system_policy)
        yield Holder(ctx.data(ident), "efs", ctx.account, ctx.region, name, not locked, follows)


# -- estates ----------------------------------------------------------------------------------------------------------


def made(ctx: Ctx, region: str, name: str, spec: dict[str, Any], tags: dict[str, str] | None = None) -> Any:
    """A file system whose id follows from where it is and what it is called. spec: encrypted, kms_key_id, throughput, token."""
    backend = _backend(ctx, region)
    one = backend.create_file_system(
        creation_token=spec.get("token", f"{name}-{region}"),
        performance_mode="generalPurpose",
        encrypted=spec.get("encrypted", True),
        kms_key_id=spec.get("kms_key_id"),
        throughput_mode=spec.get("throughput", "elastic"),
        provisioned_throughput_in_mibps=None,
        availability_zone_name=None,
        backup=True,
        tags=[],
    )
    ident = "fs-" + hashlib.sha256(f"{ctx.account}{region}{name}".encode()).hexdigest()[:17]
    backend.file_systems_by_id[ident] = backend.file_systems_by_id.pop(one.file_system_id)
    one.file_system_id, one.file_system_arn = ident, f"{one.file_system_arn.rpartition('/')[0]}/{ident}"
    if tags:
        backend.tag_resource(ident, tags)
    return one


def _mounted(ctx: Ctx, region: str, ident: str) -> None:
    """A mount target in the first subnet of the default VPC."""
    subnets = ctx.client("ec2", region).describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    first = min(subnets, key=lambda one: str(one["AvailabilityZone"]))
    _backend(ctx, region).create_mount_target(file_system_id=ident, subnet_id=first["SubnetId"])


@seed("efs_file_system")
def build(ctx: Ctx, spec: dict[str, Any]) -> dict[str, Any]:
    """A mounted file system, and with `peer` one that it is replicated to. Gives {id, peer_id}.

    encrypted (true), throughput ("elastic"). peer: {region, mounted (true), lag (seconds, steady), syncing (true: the first
    synchronisation is not finished), replicating (true), stalls (true: deleting the replication never ends), tags}.
    """
    tags = {"Name": spec["name"], **(spec.get("tags") or {})} if spec.get("tags") is not None else {}
    source = made(ctx, ctx.region, spec["name"], spec, tags).file_system_id
    _mounted(ctx, ctx.region, source)
    peer = spec.get("peer")
    if not peer:
        return {"id": source}
    target = made(ctx, peer["region"], peer.get("name", spec["name"]), {"encrypted": True}, peer.get("tags")).file_system_id
    if peer.get("mounted", True):
        _mounted(ctx, peer["region"], target)
    if peer.get("replicating", True):
        since = ctx.clock.time() - (0 if peer.get("syncing") else 30 * 86400)
        more = {key: peer[key] for key in ("lag", "stalls") if key in peer}
        _paired(ctx, (ctx.region, source), (peer["region"], target), since, **more)
    return {"id": source, "peer_id": target}
