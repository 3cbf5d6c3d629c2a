# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A drill of an EFS file system: the newest backup in the target region, restored as a file system of its own in the drill room.

The standby cannot be mounted in a second VPC, and deleting its replication would be a failover. Facts: the AWS Backup API reference
and developer guide (restoring-efs), the EFS API reference.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, Final

from ..adapters.base import Reader, dark
from ..model import Blocked, Call, Done, Goal, Pair, Step, Unreachable, Wait
from ..parts.backup_state import FAILED, UNFINISHED, Restore
from . import room
from .base import AGAIN, Drill, Touch, carries, role, stranger
from .efs_seen import Copy, Seen, observe, token
from .restored import labels, setting

#: A restore copies every file.
RESTORE_SECONDS: Final = 24 * 3600
NOT_PROVEN: Final = "what was written after that backup; access points, policy and lifecycle, which a backup does not hold"
_CHANGING: Final = frozenset({"creating", "updating"})


class EfsFileSystemDrill(Drill):
    """Copies of EFS file systems.

    Settings (`drill.<name>`): restore_role, kms_key_id (that of the standby when it is left out).
    """

    technology = "efs"
    #: A restore writes every file anew, into Standard storage, without throughput of its own.
    shape: ClassVar[Mapping[str, Any]] = {
        "infrequent_bytes": 0,
        "archive_bytes": 0,
        "one_zone": False,
        "provisioned_mibps": None,
    }
    bulk = 20
    busy = frozenset({"IncorrectFileSystemLifeCycleState", "InvalidResourceStateException"})
    durations: ClassVar[Mapping[str, int]] = {"instantiate": 3600, "activate": 120, "cleanup": 300}
    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "observe": (
            *room.ACTIONS,
            "backup:GetRestoreJobMetadata",
            "backup:ListRecoveryPointsByResource",
            "backup:ListRestoreJobs",
            "elasticfilesystem:DescribeBackupPolicy",
            "elasticfilesystem:DescribeFileSystems",
            "elasticfilesystem:DescribeMountTargets",
            "elasticfilesystem:DescribeReplicationConfigurations",
        ),
        "instantiate": ("backup:StartRestoreJob", "elasticfilesystem:PutBackupPolicy", "elasticfilesystem:TagResource"),
        "activate": ("elasticfilesystem:CreateMountTarget",),
        "cleanup": (
            "backup:DeleteRecoveryPoint",
            "elasticfilesystem:DeleteFileSystem",
            "elasticfilesystem:DeleteMountTarget",
        ),
    }
    touches: ClassVar[Mapping[tuple[str, str], Touch]] = {
        ("backup", "start_restore_job"): Touch(("Metadata.CreationToken",)),
        ("efs", "tag_resource"): Touch(("ResourceId",), "Tags"),
        ("efs", "put_backup_policy"): Touch(("FileSystemId",)),
        ("efs", "create_mount_target"): Touch(("FileSystemId",)),
        ("backup", "delete_recovery_point"): Touch(("RecoveryPointArn",)),
        ("efs", "delete_mount_target"): Touch(("MountTargetId",)),
        ("efs", "delete_file_system"): Touch(("FileSystemId",)),
    }

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Seen | Unreachable]:
        return observe(reader, pairs)

    def own(self, seen: Seen | Unreachable, goal: Goal) -> Collection[str]:
        copy = None if isinstance(seen, Unreachable) or not seen.ours(goal.pair) else seen.copy
        made = (copy.id, *copy.mounts, *(one.arn for one in copy.points)) if copy else ()
        return {token(goal.pair), *made}

    def make(self, seen: Seen | Unreachable, goal: Goal) -> Step:
        """The newest backup is restored as a new file system, which carries the drill's tags and is not backed up itself."""
        if isinstance(seen, Unreachable):
            return dark(goal, goal.pair.target_region)
        region, job = goal.pair.target_region, seen.job
        if seen.copy and (step := _unready(seen.copy, seen, goal)):
            return step
        if job and job.status in UNFINISHED:
            return _restoring(job, region)
        if seen.copy and not (job and job.status in FAILED):
            return Done(_outputs(seen.copy, seen, region))
        said = f"the restore job {job.id} in {region} is {job.status} {job.message}".strip() if job else ""
        if seen.copy:
            return Blocked(said, AGAIN)
        step = _restore(seen, goal)
        if job and isinstance(step, Call):
            return Blocked(said, "correct what it says, then run this phase again", retry=step)
        return step

    def serve(self, seen: Seen | Unreachable, goal: Goal) -> Step:
        """The copy can be mounted in the drill room."""
        if isinstance(seen, Unreachable):
            return dark(goal, goal.pair.target_region)
        copy, region = seen.copy, goal.pair.target_region
        if copy is None:
            return Blocked(f"there is no copy {token(goal.pair)}", "run phase instantiate of this drill first")
        step = self.make(seen, goal)
        if isinstance(step, Call):
            return Blocked(f"the copy {copy.id} in {region} is not complete", "run phase instantiate of this drill first")
        if not isinstance(step, Done):
            return step
        states = set(copy.mounts.values())
        if not states:
            return _mount(copy, seen, goal)
        if states & _CHANGING:
            return Wait(f"the mount target of {copy.id} in {region} is being made", poll_seconds=15, timeout_seconds=1800)
        if states != {"available"}:
            return Blocked(f"the mount target of {copy.id} in {region} is {', '.join(sorted(states))}", AGAIN)
        return step

    def remove(self, seen: Seen | Unreachable, goal: Goal) -> Step:
        """What AWS Backup keeps of the copy goes, its mount target, and the copy."""
        region = goal.pair.target_region
        if isinstance(seen, Unreachable):
            return dark(goal, region)
        copy, job = seen.copy, seen.job
        if job and job.status in UNFINISHED:
            return _restoring(job, region)
        if copy is None:
            return Done({"copy": "removed"})
        if not seen.ours(goal.pair):
            return stranger(copy.id, region)
        if copy.state == "deleting" or "deleting" in {*copy.mounts.values(), *(one.status.lower() for one in copy.points)}:
            return Wait(f"the copy {copy.id} in {region} is being deleted", poll_seconds=15, timeout_seconds=1800)
        if copy.points:
            kept = copy.points[0]
            params = {"BackupVaultName": kept.vault, "RecoveryPointArn": kept.arn}
            return Call("backup", "delete_recovery_point", region, params, "delete a backup of the copy", settle_seconds=15)
        if copy.mounts:
            params = {"MountTargetId": min(copy.mounts)}
            return Call("efs", "delete_mount_target", region, params, "delete the copy's mount target")
        return Call("efs", "delete_file_system", region, {"FileSystemId": copy.id}, "delete the copy", settle_seconds=15)


def _outputs(copy: Copy, seen: Seen, region: str) -> dict[str, Any]:
    return {
        "copy": copy.id,
        "copy_arn": copy.arn,
        "endpoint": f"{copy.id}.efs.{region}.amazonaws.com",
        "data_from": seen.data_from,
        "not_proven": NOT_PROVEN,
    }


def _restoring(job: Restore, region: str) -> Wait:
    why = f"the restore job {job.id} in {region} is {job.status}"
    return Wait(why, poll_seconds=60, timeout_seconds=RESTORE_SECONDS)


def _unready(copy: Copy, seen: Seen, goal: Goal) -> Step | None:
    """What is to be done about a copy before anything else; None when it is a file system of the drill like any other."""
    region = goal.pair.target_region
    if not seen.ours(goal.pair):
        return stranger(copy.id, region)
    if not carries(copy.tags, goal.pair):
        return Call("efs", "tag_resource", region, {"ResourceId": copy.id, "Tags": labels(goal.pair)}, "tag the copy")
    if copy.state in _CHANGING:
        return Wait(f"the copy {copy.id} in {region} is {copy.state}", poll_seconds=15, timeout_seconds=1800)
    if copy.state != "available":
        return Blocked(f"the copy {copy.id} in {region} is {copy.state}", AGAIN)
    if copy.backed_up:
        params = {"FileSystemId": copy.id, "BackupPolicy": {"Status": "DISABLED"}}
        return Call("efs", "put_backup_policy", region, params, "turn its automatic backups off")
    return None


def _restore(seen: Seen, goal: Goal) -> Step:
    pair, region, standby = goal.pair, goal.pair.target_region, seen.standby
    if standby is None:
        return Blocked(f"there is no standby {pair.target_id} in {region} to copy", "run phase instantiate of a failover first")
    refused = room.refused(seen.room, goal, standby.vpcs)
    if refused:
        return refused
    point = next((one for one in seen.points if one.status == "COMPLETED"), None)
    if point is None:
        take = f"aws backup start-backup-job --region {region} --resource-arn {standby.arn} --backup-vault-name …"
        return Blocked(
            f"AWS Backup has no complete backup of {standby.id} in {region}", f"{take} --iam-role-arn …, or copy one there"
        )
    key = setting(pair, "kms_key_id") or standby.key
    metadata = {
        "file-system-id": point.of.rpartition("/")[2],
        "newFileSystem": "true",
        "CreationToken": token(pair),
        "PerformanceMode": standby.performance,
        "Encrypted": str(standby.encrypted).lower(),
        **({"KmsKeyId": key} if key and standby.encrypted else {}),
    }
    params = {
        "RecoveryPointArn": point.arn,
        "ResourceType": "EFS",
        "IamRoleArn": role(pair, "restore_role"),
        # Another one after each job that is over: with that of a failed one, AWS Backup would do nothing.
        "IdempotencyToken": hashlib.sha256(f"{token(pair)} {seen.ended}".encode()).hexdigest()[:40],
        "CopySourceTagsToRestoredResource": False,
        "Metadata": metadata,
    }
    return Call("backup", "start_restore_job", region, params, f"restore the backup of {point.at}", settle_seconds=30)


def _mount(copy: Copy, seen: Seen, goal: Goal) -> Step:
    refused = room.refused(seen.room, goal, seen.standby.vpcs if seen.standby else ())
    if refused or seen.room is None:
        return refused or dark(goal, goal.pair.target_region)
    params = {"FileSystemId": copy.id, "SubnetId": seen.room.subnets[0], "SecurityGroups": list(seen.room.groups)}
    return Call("efs", "create_mount_target", goal.pair.target_region, params, "make a mount target in the drill room")
