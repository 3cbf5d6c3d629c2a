# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EFS file systems protected by EFS replication.

A destination becomes writable by deleting the replication. That transfers nothing, so in planned mode writes are denied first and
the deletion waits for a synchronisation that began afterwards. Facts: the EFS API reference and user guide (efs-replication,
delete-replications, replication-fail-over, iam-access-control-nfs-efs).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from ..model import Active, Blocked, Call, Check, Deferred, Done, Goal, Health, Pair, Step, Unreachable, Wait
from ..parts.efs_state import (
    EPOCH_TAG,
    FENCE_PERIOD_SECONDS,
    FENCE_SID,
    PEER_TAG,
    SYNCED_TAG,
    FileSystem,
    Replication,
    Seen,
    Side,
    observe,
    option,
)
from ..tag_schema import handed_on
from .base import Adapter, Reader, dark

INITIAL_SYNC_SECONDS = 24 * 3600
#: A planned activation begins only when replication works; EFS promises a synchronisation within 15 minutes for most workloads.
WORKING_LAG_SECONDS = 1800
_UNFINISHED_BACKUP = ("CREATED", "PENDING", "RUNNING")


class EfsFileSystem(Adapter):
    """EFS file systems; identifiers are file system ids, which differ between the regions.

    When the target's id is not known, it is read from the replication configuration, then from the tag dr:peer.

    Settings (manifest or host variables; `regions.<region>.<name>` overrides `<name>` for what happens in that region):
    kms_key_id: of a file system that replication makes there. subnets, security_groups: of mount targets that are made there.
    max_lag_seconds: the most that an unplanned activation may lose; no limit when it is left out.
    local_only (false): last resort of an unplanned activation whose source region is gone: forget the replication in the target
    region alone. backup_vault (Default), backup_role (AWSBackupDefaultServiceRole): for the backup of an old source before it is
    overwritten or removed. discard_diverged (false): do without that backup.
    """

    technology = "efs"
    bulk = 20
    busy = frozenset({"IncorrectFileSystemLifeCycleState"})
    durations: ClassVar[Mapping[str, int]] = {"instantiate": 3600, "activate": 1500, "cleanup": 60, "replicate": 3600}
    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "observe": (
            "backup:ListBackupJobs",
            "elasticfilesystem:DescribeFileSystemPolicy",
            "elasticfilesystem:DescribeFileSystems",
            "elasticfilesystem:DescribeMountTargets",
            "elasticfilesystem:DescribeReplicationConfigurations",
        ),
        "instantiate": (
            "elasticfilesystem:CreateMountTarget",
            "elasticfilesystem:CreateReplicationConfiguration",
            "elasticfilesystem:UpdateFileSystem",
        ),
        "activate": (
            "elasticfilesystem:DeleteFileSystemPolicy",
            "elasticfilesystem:DeleteReplicationConfiguration",
            "elasticfilesystem:PutFileSystemPolicy",
            "elasticfilesystem:TagResource",
        ),
        "cleanup": (
            "backup:StartBackupJob",
            "elasticfilesystem:DeleteFileSystem",
            "elasticfilesystem:DeleteMountTarget",
            "elasticfilesystem:PutFileSystemPolicy",
            "elasticfilesystem:TagResource",
        ),
        "replicate": (
            "backup:StartBackupJob",
            "elasticfilesystem:CreateMountTarget",
            "elasticfilesystem:CreateReplicationConfiguration",
            "elasticfilesystem:DeleteReplicationConfiguration",
            "elasticfilesystem:UpdateFileSystem",
            "elasticfilesystem:UpdateFileSystemProtection",
        ),
        "rollback": ("elasticfilesystem:DeleteFileSystemPolicy", "elasticfilesystem:PutFileSystemPolicy"),
    }

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Seen]:
        return observe(reader, pairs)

    def active(self, seen: Seen) -> Active:
        """The writable side; of two, the one activated last.

        While the source does not answer, only the mark of ACTIVATE proves the target.
        """
        source, target = seen.source, seen.target
        if isinstance(target, Unreachable):
            return Active.UNKNOWN
        there = target if target and target.writable else None
        if isinstance(source, Unreachable):
            return Active.TARGET if there and there.epoch else Active.UNKNOWN
        here = source if source and source.writable else None
        if here and there:
            if here.epoch == there.epoch:
                return Active.BOTH
            return Active.TARGET if there.epoch > here.epoch else Active.SOURCE
        if here:
            return Active.SOURCE
        return Active.TARGET if there else Active.NEITHER

    def instantiate(self, seen: Seen, goal: Goal) -> Step:
        """The source is replicated to the target region, where the copy can be mounted."""
        pair = goal.pair
        match seen.target:
            case Unreachable():
                return dark(goal, pair.target_region)
            case FileSystem() as target if self.active(seen) is Active.TARGET:
                return Done({**_outputs(target), "role": "active"})
            case FileSystem() as target if target.writable:
                why = f"{target.id} in {pair.target_region} takes writes: replication would overwrite what is in it"
                fix = f"aws efs update-file-system-protection --region {pair.target_region} --file-system-id {target.id}"
                return Blocked(why, f"if it may be overwritten: {fix} --replication-overwrite-protection DISABLED")
        if goal.planned and isinstance(seen.source, Unreachable):
            return dark(goal, pair.source_region)
        return _stand_by(seen.target, seen.source, seen, goal, pair.target_region)

    def activate(self, seen: Seen, goal: Goal) -> Step:
        """Writes to the source are denied where it answers, and the replication is deleted, which makes the target writable."""
        pair, target, source = goal.pair, seen.target, seen.source
        match target:
            case Unreachable():
                return dark(goal, pair.target_region)
            case None:
                why = f"there is no copy of {pair.source_id} in {pair.target_region} to activate"
                return Blocked(why, "run phase instantiate while the source answers, or restore an AWS Backup copy there")
            case FileSystem(state="creating" | "updating" as state):
                return Wait(f"{target.id} in {pair.target_region} is {state}", 15, 1800)
            case FileSystem(state=state) if state != "available":
                return Blocked(f"{target.id} in {pair.target_region} is {state}", _show(target))
            case FileSystem(replication=None) if not target.writable:
                why = f"{target.id} in {pair.target_region} is {target.protection} and replicates nothing"
                return Blocked(why, f"run phase instantiate, or unlock it knowingly\n{_show(target)}")
        replication = target.replication
        if replication is None or not target.receiving:
            return self._writable(target, seen, goal)
        if replication.source != (pair.source_region, pair.source_id) and pair.source_id != pair.target_id:
            why = f"{target.id} in {pair.target_region} is a copy of {'/'.join(replication.source)}"
            return Blocked(why, f"correct dr:peer of {pair.source_id}\n{_show(target)}")
        if replication.status == "DELETING":
            if isinstance(source, Unreachable) and not goal.planned and option(pair, pair.target_region, "local_only"):
                return _delete(replication, pair.target_region, "forget the replication in this region alone", local=True)
            hint = " (setting local_only ends it in this region alone)" if isinstance(source, Unreachable) else ""
            return Wait(f"the replication to {target.id} is being deleted{hint}", 15, 1800)
        if goal.planned and isinstance(source, Unreachable):
            return dark(goal, pair.source_region)
        if goal.planned and source is None:
            why = f"{pair.source_id} is gone from {pair.source_region}, so nobody can tell that all of it has arrived"
            return Blocked(why, "run this phase with mode=unplanned to activate what has arrived")
        if refusal := _unfit(replication, seen, goal):
            return refusal
        if isinstance(source, FileSystem):
            if source.fenced_at is None:
                return _fence(source, seen.now, "so that only one side takes writes")
            if goal.planned and int(replication.synced or 0) <= source.fenced_at:
                return Wait(f"{target.id} in {pair.target_region} takes in what {source.id} was written last", 60, 2 * 3600)
        base = max(source.epoch if isinstance(source, FileSystem) else 0, int(goal.captured.get("epoch", 0)))
        if target.epoch <= base:
            marks = {
                EPOCH_TAG: str(base + 1),
                SYNCED_TAG: str(int(replication.synced or 0)),
                PEER_TAG: ":".join(replication.source),
            }
            return _tag(target, marks, "mark it as the side activated last")
        exposed = isinstance(source, Unreachable)
        debt = f"deny writes to {pair.source_id} in {pair.source_region}: it may still take them" if exposed else ""
        return _delete(replication, pair.target_region, "delete the replication, which makes the target writable", debt=debt)

    def _writable(self, target: FileSystem, seen: Seen, goal: Goal) -> Step:
        """It takes writes: whether it is the one that was activated, and whether its clients are let in."""
        pair = goal.pair
        match self.active(seen):
            case Active.TARGET if target.epoch >= int(goal.captured.get("epoch", 0)):
                if target.fenced_at is not None:
                    return _unfence(target, "let its clients write again")
                as_of = datetime.fromtimestamp(target.synced, UTC).isoformat() if target.synced else None
                fencing = "deferred" if isinstance(seen.source, Unreachable) else "fenced"
                return Done({**_outputs(target), "role": "active", "fencing": fencing, "data_as_of": as_of})
            case Active.TARGET | Active.UNKNOWN:
                why = f"{target.id} in {pair.target_region} takes writes, but nothing shows that it was activated"
                mark = f"aws efs tag-resource --region {pair.target_region} --resource-id {target.id}"
                return Blocked(why, f"if it is the right one: {mark} --tags Key={EPOCH_TAG},Value=1, then resume")
            case active:
                why = f"{target.id} in {pair.target_region} takes writes and replicates nothing: {active.value}"
                return Blocked(why, f"decide which data counts, then run phase instantiate or correct dr:peer\n{_show(target)}")

    def cleanup(self, seen: Seen, goal: Goal) -> Step:
        """Writes to the old source are denied; with `remove` it is backed up and deleted."""
        pair, region = goal.pair, goal.pair.source_region
        match seen.source, seen.target:
            case Unreachable(), _:
                return Deferred(f"{region} does not answer: {pair.source_id} may still take writes")
            case _, Unreachable():
                return dark(goal, pair.target_region)
            case _ if self.active(seen) is not Active.TARGET:
                why = f"{pair.target_id} in {pair.target_region} is not proven to serve: {self.active(seen).value}"
                return Blocked(why, f"run phase activate first; nothing was changed in {region}")
            case None, _:
                return Done({"source": "absent"})
        source, target = seen.source, seen.target
        if not isinstance(source, FileSystem) or not isinstance(target, FileSystem):
            return self.lacks("cleanup", goal)
        if source.receiving:
            return Done({"source": "standby", "file_system_id": source.id})
        if source.fenced_at is None:
            return _fence(source, seen.now, "its counterpart serves")
        if goal.cleanup_policy != "remove":
            return Done({"source": "quarantined", "file_system_id": source.id})
        return self._remove(source, target, goal)

    def _remove(self, source: FileSystem, target: FileSystem, goal: Goal) -> Step:
        region = source.region
        if source.replication is not None:
            why = f"{source.id} in {region} is still in a replication configuration ({source.replication.status})"
            return Blocked(why, "run phase replicate, or cleanup with cleanup_policy=quarantine")
        if source.state == "deleting":
            return Wait(f"{source.id} in {region} is being deleted", 15)
        tags = handed_on(source.tags, ":".join(source.place))
        if tags and target.tags.get("dr:enabled") != "true":
            return _tag(target, tags, "let it be found by its tags in the place of the old source")
        if step := _backed_up(source, target, goal, required=True):
            return step
        if source.mounts:
            return _unmount(source)
        why = "delete the old source, whose backup is complete"
        return Call("efs", "delete_file_system", region, {"FileSystemId": source.id}, why, one_way=True)

    def replicate(self, seen: Seen, goal: Goal) -> Step:
        """What serves now is replicated to the region it came from, over the old source."""
        pair, region = goal.pair, goal.pair.source_region
        match seen.source:
            case Unreachable():
                return Deferred(f"{region} does not answer: {pair.target_id} is not protected yet")
            case _ if isinstance(seen.target, Unreachable):
                return dark(goal, pair.target_region)
            case _ if self.active(seen) is not Active.TARGET:
                why = f"{pair.target_id} in {pair.target_region} does not serve: {self.active(seen).value}"
                return Blocked(why, "run phase activate first")
            case FileSystem() as source if not source.receiving:
                if step := self._overwritable(source, seen.target, goal):
                    return step
        return _stand_by(seen.source, seen.target, seen, goal, region)

    def _overwritable(self, source: FileSystem, target: Side, goal: Goal) -> Step | None:
        """The old source may be the destination of a replication; None when it may."""
        replication = source.replication
        if replication is not None and replication.status == "DELETING":
            return Wait(f"the old replication of {source.id} in {source.region} is being deleted", 15, 1800)
        if replication is not None and isinstance(target, FileSystem) and target.replication == replication:
            return Wait(f"the replication of {source.id} is not yet gone", 15, 1800)
        if replication is not None:
            return _delete(replication, source.region, "forget the old replication, which its destination has left", local=True)
        if source.encrypted is False:
            why = f"{source.id} in {source.region} is not encrypted, and EFS replicates into encrypted file systems only"
            return Blocked(why, "run cleanup with cleanup_policy=remove, then replicate, which makes an encrypted one")
        if isinstance(target, FileSystem) and (step := _backed_up(source, target, goal)):
            return step
        if source.protection == "ENABLED":
            params = {"FileSystemId": source.id, "ReplicationOverwriteProtection": "DISABLED"}
            return Call("efs", "update_file_system_protection", source.region, params, "allow it to be overwritten", one_way=True)
        return None

    def rollback(self, seen: Seen, goal: Goal) -> Step:
        """The source takes writes again. Only while it is replicated: afterwards its data is the older one."""
        pair = goal.pair
        match seen.source, seen.target:
            case Unreachable(), _:
                return Blocked(
                    f"{pair.source_region} does not answer: nothing could take over", "wait until it answers, then roll back"
                )
            case _, Unreachable():
                return dark(goal, pair.target_region)
            case None, _:
                return Blocked(f"{pair.source_id} is gone from {pair.source_region}", "restore its backup, then correct dr:peer")
            case FileSystem() as source, target:
                leaving = isinstance(target, FileSystem) and target.replication and target.replication.status == "DELETING"
                if self.active(seen) is not Active.SOURCE or leaving:
                    why = f"{pair.target_id} in {pair.target_region} was made writable: which data counts must be decided"
                    return Blocked(why, "run cleanup and replicate, then fail back with what the target has now")
                if source.fenced_at is not None:
                    return _unfence(source, "let its clients write again")
                return Done({**_outputs(source), "role": "active"})

    def health(self, seen: Seen, goal: Goal) -> Health:
        """Available, writable and mountable."""
        target = seen.target
        if not isinstance(target, FileSystem):
            return Health((Check("file system", False, "there is none, or its region does not answer"),))
        mounted = [state for state in target.mounts.values() if state == "available"]
        checks = (
            Check("file system", target.state == "available", target.state),
            Check("writable", target.writable and target.fenced_at is None, target.protection),
            Check("mount targets", bool(mounted), f"{len(mounted)} of {len(target.mounts)} available"),
        )
        return Health(checks, required=("file system", "writable"))

    def capture(self, seen: Seen, pair: Pair) -> Mapping[str, Any]:
        """Its counterpart's id, its size and its throughput, which a look at the target alone does not give."""
        source = seen.source
        if not isinstance(source, FileSystem) or not source.writable:
            return {}
        captured = {
            "epoch": source.epoch,
            "size_bytes": source.size_bytes,
            "infrequent_bytes": source.infrequent_bytes,
            "archive_bytes": source.archive_bytes,
            "one_zone": source.one_zone,
            "throughput_mode": source.throughput,
            "provisioned_mibps": source.provisioned,
        }
        return captured | ({"target_id": seen.target.id} if isinstance(seen.target, FileSystem) else {})


def _show(side: FileSystem) -> str:
    return f"aws efs describe-file-systems --region {side.region} --file-system-id {side.id}"


def _outputs(side: FileSystem) -> dict[str, Any]:
    return {
        "file_system_id": side.id,
        "file_system_arn": side.arn,
        "dns_name": f"{side.id}.efs.{side.region}.amazonaws.com",
        "protection": side.protection,
        "mount_targets": len(side.mounts),
        "size_bytes": side.size_bytes,
    }


def _tag(side: FileSystem, tags: Mapping[str, str], why: str) -> Call:
    given = [{"Key": name, "Value": value} for name, value in tags.items()]
    return Call("efs", "tag_resource", side.region, {"ResourceId": side.id, "Tags": given}, why)


def _delete(replication: Replication, region: str, why: str, *, local: bool = False, debt: str = "") -> Call:
    params = {"SourceFileSystemId": replication.source[1]}
    if local:
        params["DeletionMode"] = "LOCAL_CONFIGURATION_ONLY"
    return Call("efs", "delete_replication_configuration", region, params, why, one_way=True, debt=debt, settle_seconds=15)


def _fence(side: FileSystem, now: float, why: str) -> Step:
    """Deny writes. The statement says from when on that holds, in whole periods, so that a repeated call is the same one."""
    holds = (int(now) // FENCE_PERIOD_SECONDS + 2) * FENCE_PERIOD_SECONDS
    everyone = {"AWS": "*"}
    deny = {
        "Sid": f"{FENCE_SID}{holds}",
        "Effect": "Deny",
        "Principal": everyone,
        "Action": ["elasticfilesystem:ClientWrite", "elasticfilesystem:ClientRootAccess"],
    }
    # Any policy ends the default, by which whoever reaches a mount target may do everything: reading stays allowed.
    read = {
        "Sid": f"{FENCE_SID}Read",
        "Effect": "Allow",
        "Principal": everyone,
        "Action": "elasticfilesystem:ClientMount",
        "Condition": {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}},
    }
    statements = [*side.policy, deny] if side.policy is not None else [read, deny]
    return _put_policy(side, statements, f"deny writes to it, {why}")


def _unfence(side: FileSystem, why: str) -> Step:
    statements = [one for one in side.policy or () if not str(one.get("Sid", "")).startswith(FENCE_SID)]
    if not statements:
        return Call("efs", "delete_file_system_policy", side.region, {"FileSystemId": side.id}, why)
    return _put_policy(side, statements, why)


def _put_policy(side: FileSystem, statements: Sequence[Mapping[str, Any]], why: str) -> Call:
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, sort_keys=True)
    return Call("efs", "put_file_system_policy", side.region, {"FileSystemId": side.id, "Policy": policy}, why)


def _unfit(replication: Replication, seen: Seen, goal: Goal) -> Blocked | None:
    """Why what has arrived must not be activated."""
    pair, synced = goal.pair, replication.synced
    if synced is None:
        why = f"the first synchronisation to {pair.target_region} is not finished: the copy is incomplete"
        return Blocked(why, "wait for it, or restore an AWS Backup copy; nothing was changed")
    lag = max(0.0, seen.now - synced)
    if goal.planned:
        allowed = max(pair.rpo_seconds, WORKING_LAG_SECONDS)
        fenced = isinstance(seen.source, FileSystem) and seen.source.fenced_at is not None
        if replication.status != "ENABLED" or (lag > allowed and not fenced):
            why = f"replication to {pair.target_region} is {replication.status}, the last one was {lag:.0f} s ago"
            return Blocked(f"{why} {replication.message}".strip(), f"repair it ({allowed} s are allowed); nothing was changed")
        return None
    limit = option(pair, pair.target_region, "max_lag_seconds")
    if limit is not None and lag > int(limit):
        why = f"what arrived in {pair.target_region} is {lag:.0f} s old; max_lag_seconds allows {limit}"
        return Blocked(why, "raise max_lag_seconds if that loss is accepted, or restore a newer AWS Backup copy")
    return None


def _backed_up(source: FileSystem, target: FileSystem, goal: Goal, *, required: bool = False) -> Step | None:
    """A backup of what the old source took after the last synchronisation; None when there is one, or none is needed.

    None is needed for a source that was fenced before its last synchronisation: the target has all of it.
    """
    pair, region = goal.pair, source.region
    complete = source.fenced_at is not None and target.synced > source.fenced_at
    if not required and (complete or option(pair, region, "discard_diverged")):
        return None
    recent = [state for started, state in source.backups if started > target.synced]
    if "COMPLETED" in recent:
        return None
    if any(state in _UNFINISHED_BACKUP for state in recent):
        return Wait(f"{source.id} in {region} is being backed up", 60, 24 * 3600)
    role = f"arn:aws:iam::{pair.account}:role/service-role/AWSBackupDefaultServiceRole"
    token = hashlib.sha256(f"{source.arn} {target.epoch} {len(recent)}".encode()).hexdigest()[:32]
    params = {
        "BackupVaultName": option(pair, region, "backup_vault", "Default"),
        "ResourceArn": source.arn,
        "IamRoleArn": option(pair, region, "backup_role", role),
        "IdempotencyToken": token,
    }
    start = Call("backup", "start_backup_job", region, params, "back up what the old source took last", settle_seconds=15)
    if recent:
        why = f"the backup of {source.id} in {region} is {recent[0]}"
        return Blocked(why, f"see aws backup list-backup-jobs --region {region} --by-resource-arn {source.arn}", retry=start)
    return start


def _unmount(source: FileSystem) -> Step:
    """Its mount targets go before it."""
    ident = min((ident for ident, state in source.mount_ids.items() if state != "deleting"), default=None)
    if ident is None:
        return Wait(f"mount targets of {source.id} in {source.region} are being deleted", 15)
    return Call("efs", "delete_mount_target", source.region, {"MountTargetId": ident}, "delete a mount target of the old source")


def _stand_by(standby: Side, model: Side, seen: Seen, goal: Goal, region: str) -> Step:
    """`standby` in `region` is a complete copy of `model`, and can be mounted."""
    pair = goal.pair
    serving = pair.target_id if region == pair.source_region else pair.source_id
    replication = standby.replication if isinstance(standby, FileSystem) and standby.receiving else None
    if replication is None and isinstance(model, FileSystem) and model.replication:
        replication = model.replication  # the new file system is not listed yet
    if replication is None:
        return _replicate(standby, model, goal, region, serving)
    if isinstance(model, FileSystem) and replication.source != model.place:
        why = f"{model.id} in {model.region} is itself the destination of {'/'.join(replication.source)}"
        return Blocked(why, "EFS does not chain replications: correct dr:peer")
    if replication.destination[0] != region or (isinstance(standby, FileSystem) and replication.destination != standby.place):
        why = f"{serving} is replicated to {'/'.join(replication.destination)}, and a file system has one destination only"
        return Blocked(why, f"delete that replication or correct dr:peer of {serving}")
    match replication:
        case Replication(status="DELETING"):
            return Wait(f"the replication to {region} is being deleted", 15, 1800)
        case Replication(status="ERROR" | "PAUSED" | "PAUSING" as status, message=message):
            why = f"the replication to {region} is {status} {message}".strip()
            return Blocked(why, f"see aws efs describe-replication-configurations --region {region}")
        case Replication(synced=None):
            return Wait(f"the first synchronisation to {region} is under way", 60, INITIAL_SYNC_SECONDS)
    if not isinstance(standby, FileSystem):
        return Wait(f"the copy in {region} is not listed yet", 15, 600)
    if standby.state != "available":
        return Wait(f"{standby.id} in {region} is {standby.state}", 15, 1800)
    if isinstance(model, FileSystem) and standby.throughput != model.throughput:
        change: dict[str, Any] = {"FileSystemId": standby.id, "ThroughputMode": model.throughput}
        if model.throughput == "provisioned":
            change["ProvisionedThroughputInMibps"] = model.provisioned
        return Call("efs", "update_file_system", region, change, "give it production's throughput")
    if step := _mount(standby, model, goal):
        return step
    lag = max(0, int(seen.now - (replication.synced or 0)))
    return Done({**_outputs(standby), "role": "standby", "lag_seconds": lag})


def _replicate(standby: Side, model: Side, goal: Goal, region: str, serving: str) -> Step:
    if not isinstance(model, FileSystem):
        there = goal.pair.target_region if region == goal.pair.source_region else goal.pair.source_region
        state = "does not answer" if isinstance(model, Unreachable) else f"has no {serving}"
        why = f"nothing is replicated to {region}, and {there} {state}"
        return Blocked(why, f"restore an AWS Backup copy in {region}, or wait until {there} answers")
    if model.state != "available":
        return Wait(f"{model.id} in {model.region} is {model.state}", 15, 1800)
    destination: dict[str, Any] = {"Region": region}
    if isinstance(standby, FileSystem):
        destination["FileSystemId"] = standby.id
    elif key := option(goal.pair, region, "kms_key_id"):
        destination["KmsKeyId"] = key
    params = {"SourceFileSystemId": model.id, "Destinations": [destination]}
    return Call("efs", "create_replication_configuration", model.region, params, f"replicate it to {region}", settle_seconds=15)


def _mount(standby: FileSystem, model: Side, goal: Goal) -> Step | None:
    """Its mount targets; None when all that are wanted are available."""
    region, mounts = standby.region, standby.mounts
    for subnet in option(goal.pair, region, "subnets", ()):
        if subnet not in mounts:
            params: dict[str, Any] = {"FileSystemId": standby.id, "SubnetId": subnet}
            if groups := option(goal.pair, region, "security_groups"):
                params["SecurityGroups"] = list(groups)
            return Call("efs", "create_mount_target", region, params, f"make a mount target in {subnet}")
    if not mounts and isinstance(model, FileSystem) and model.mounts:
        why = f"{standby.id} in {region} has no mount target, so no client can reach it"
        return Blocked(why, f"set regions.{region}.subnets (and security_groups), one subnet an availability zone")
    if pending := [subnet for subnet, state in mounts.items() if state in ("creating", "updating")]:
        return Wait(f"mount targets in {', '.join(pending)} are being made", 15, 1800)
    if broken := [f"{subnet} ({state})" for subnet, state in mounts.items() if state != "available"]:
        return Blocked(f"mount targets of {standby.id} are not available: {', '.join(broken)}", "delete and make them again")
    return None
