# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A drill of an FSx file system: the newest backup in the target region, restored as a small file system in the drill room.

Facts: the FSx API reference (CreateFileSystemFromBackup, DeleteFileSystem) and user guides (using-backups).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from ..adapters.base import Reader, dark
from ..model import UNREACHABLE, Blocked, Call, Done, Goal, Pair, Step, Unreachable, Wait
from ..parts.fsx_state import CONFIGURATION, SUBNETS_TAG, TAKEN_TAG, Backup, FileSystem, Look, look_at, number, option, standing
from ..parts.fsx_steps import RESTORED
from ..parts.rewrite import kept
from . import room
from .base import AGAIN, Drill, Touch, carries, name
from .restored import labels, setting

#: A restore takes hours for a large file system.
RESTORE_SECONDS: Final = 12 * 3600
NOT_PROVEN: Final = "what was written after that backup; aliases and the directory of production; more than one availability zone"
#: The least MB/s that a copy is useful with, by type and deployment; "" for any other one. FSx takes 8 for Windows.
_LEAST: Final = {"WINDOWS": {"": 32}, "OPENZFS": {"SINGLE_AZ_1": 64, "SINGLE_AZ_HA_1": 64, "": 160}}
_BY_HAND: Final = (
    "with ONTAP's CLI at the management endpoint of the standby, a volume each: volume clone create -flexclone drill "
    "-parent-volume <volume> -type RW, mount it in the drill room's SVM, and volume delete afterwards"
)


@dataclass(frozen=True, slots=True)
class Seen:
    """The target region, which answered.

    standby: what stands there of the pair: nothing, where it is a backup. backups: of the pair, the newest first. vpcs: where
    production is, or will be restored into. directories: id -> VPC of each active AWS Managed Microsoft AD; read for Windows only.
    """

    room: room.Room | None
    standby: FileSystem | None = None
    backups: tuple[Backup, ...] = ()
    vpcs: tuple[str, ...] = ()
    directories: Mapping[str, str] = field(default_factory=dict)
    copy: FileSystem | None = None

    @property
    def backup(self) -> Backup | None:
        """The newest one that can be restored."""
        return next((one for one in self.backups if one.state == "AVAILABLE"), None)


class FsxFileSystemDrill(Drill):
    """Copies of FSx file systems for Windows File Server, Lustre and OpenZFS.

    Settings (`drill.<name>`): active_directory_id (the only directory in the drill room's VPC when it is left out); kms_key_id;
    throughput_capacity (the least that FSx takes when it is left out).
    """

    technology = "fsx"
    durations: ClassVar[Mapping[str, int]] = {"instantiate": 3600, "activate": 30, "cleanup": 900}
    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "observe": (*room.ACTIONS, "ds:DescribeDirectories", "fsx:DescribeBackups", "fsx:DescribeFileSystems"),
        "instantiate": ("fsx:CreateFileSystemFromBackup",),
        "activate": (),
        "cleanup": ("fsx:DeleteFileSystem",),
    }
    touches: ClassVar[Mapping[tuple[str, str], Touch]] = {
        ("fsx", "create_file_system_from_backup"): Touch(("ClientRequestToken",), "Tags"),
        ("fsx", "delete_file_system"): Touch(("FileSystemId",)),
    }

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Seen | Unreachable]:
        account, region = pairs[0].account, pairs[0].target_region
        here = room.observe(reader, account, region)
        look = look_at(reader, account, region)
        if isinstance(here, Unreachable) or isinstance(look, Unreachable):
            return {pair.key: UNREACHABLE for pair in pairs}
        joined = any(_kind(one) == "WINDOWS" for one in look.backups)
        directories = _directories(reader, account, region) if joined else {}
        if isinstance(directories, Unreachable):
            return {pair.key: UNREACHABLE for pair in pairs}
        return {pair.key: _seen(reader, pair, here, look, directories) for pair in pairs}

    def own(self, seen: Seen | Unreachable, goal: Goal) -> Collection[str]:
        copy = None if isinstance(seen, Unreachable) else seen.copy
        return {_name(goal.pair), *([copy.id] if copy and carries(copy.tags, goal.pair) else ())}

    def make(self, seen: Seen | Unreachable, goal: Goal) -> Step:
        """The newest backup is restored in the drill room."""
        if isinstance(seen, Unreachable):
            return dark(goal, goal.pair.target_region)
        return _stands(seen.copy, goal) if seen.copy else _restore(seen, goal)

    def serve(self, seen: Seen | Unreachable, goal: Goal) -> Step:
        """The copy can be mounted in the drill room."""
        if isinstance(seen, Unreachable):
            return dark(goal, goal.pair.target_region)
        if seen.copy is None:
            return Blocked(f"there is no copy {_name(goal.pair)}", "run phase instantiate of this drill first")
        return _stands(seen.copy, goal)

    def copy_size(self, goal: Goal) -> Mapping[str, Any]:
        """As little as FSx takes."""
        size, kind = super().copy_size(goal), str(goal.captured.get("type", ""))
        if kind not in _LEAST:
            return size
        deployment, throughput = _least(kind, str(size.get("deployment_type", "")), size.get("throughput"), goal.pair)
        return {**size, "deployment_type": deployment, "throughput": throughput}

    def remove(self, seen: Seen | Unreachable, goal: Goal) -> Step:
        """The copy is deleted, without the final backup that FSx takes by default."""
        region = goal.pair.target_region
        if isinstance(seen, Unreachable):
            return dark(goal, region)
        copy = seen.copy
        if copy is None:
            return Done({"copy": "removed"})
        if copy.state in ("CREATING", "DELETING"):
            return _passing(copy)
        options: dict[str, Any] = {"SkipFinalBackup": True}
        if copy.kind == "OPENZFS":
            options["Options"] = ["DELETE_CHILD_VOLUMES_AND_SNAPSHOTS"]
        params = {"FileSystemId": copy.id, CONFIGURATION[copy.kind]: options}
        return Call("fsx", "delete_file_system", region, params, "delete the copy", settle_seconds=15)


def _name(pair: Pair) -> str:
    """What the copy is asked for under. FSx shows no names: the copy is told by its tags, which it has from the start."""
    return name(pair, 63)


def _kind(backup: Backup | None) -> str:
    return str(backup.shown.get("FileSystemType", "")) if backup else ""


def _seen(reader: Reader, pair: Pair, here: room.Room | None, look: Look, directories: Mapping[str, str]) -> Seen | Unreachable:
    standby, backups = standing(pair, look)
    noted = {subnet for one in backups for subnet in one.tags.get(SUBNETS_TAG, "").split()}
    places = room.vpcs_of(reader, pair.account, pair.target_region, noted | set(option(pair, pair.target_region, "subnets") or ()))
    if isinstance(places, Unreachable):
        return UNREACHABLE
    vpcs = {*places.values(), *([standby.vpc_id] if standby and standby.vpc_id else ())}
    copy = next((one for one in look.files.values() if carries(one.tags, pair)), None)
    return Seen(here, standby, backups, tuple(sorted(vpcs)), directories, copy)


def _directories(reader: Reader, account: str, region: str) -> Mapping[str, str] | Unreachable:
    """Id -> VPC of every AWS Managed Microsoft AD that is active."""
    found = reader.pages(account, region, "ds", "describe_directories", "DirectoryDescriptions")
    if isinstance(found, Unreachable):
        return UNREACHABLE
    usable = [one for one in found or () if (one.get("Type"), one.get("Stage")) == ("MicrosoftAD", "Active")]
    return {one["DirectoryId"]: one.get("VpcSettings", {}).get("VpcId", "") for one in usable}


def _passing(copy: FileSystem) -> Wait:
    why = f"the copy {copy.id} in {copy.region} is {copy.state}"
    return Wait(why, poll_seconds=60, timeout_seconds=RESTORE_SECONDS)


def _stands(copy: FileSystem, goal: Goal) -> Step:
    """The copy is available."""
    match copy.state:
        case "AVAILABLE" | "UPDATING":
            taken = number(copy.tags.get(TAKEN_TAG))
            return Done(
                {
                    "copy": copy.id,
                    "copy_arn": copy.arn,
                    "type": copy.kind,
                    "endpoint": copy.dns_name,
                    "dns_name": copy.dns_name,
                    "data_from": datetime.fromtimestamp(taken, UTC).isoformat() if taken else "",
                    "not_proven": NOT_PROVEN,
                }
            )
        case "CREATING" | "DELETING":
            return _passing(copy)
        case state:
            return Blocked(f"the copy {copy.id} in {copy.region} is {state} {copy.message}".strip(), AGAIN)


def _restore(seen: Seen, goal: Goal) -> Step:
    pair, region, backup = goal.pair, goal.pair.target_region, seen.backup
    refused = room.refused(seen.room, goal, seen.vpcs)
    if refused:
        return refused
    kind = _kind(backup) or (seen.standby.kind if seen.standby else str(goal.captured.get("type", "")))
    if kind == "ONTAP":
        why = f"no backup of {pair.target_id} in {region} can be restored: ONTAP takes none of volumes that SnapMirror writes"
        return Blocked(why, _BY_HAND)
    if backup is None or kind not in RESTORED:
        why = f"there is no backup in {region} that a copy of {pair.source_id} can be made of"
        return Blocked(why, goal.captured.get("unsupported") or "run phase instantiate of a failover first")
    directory = _directory(seen, goal) if kind == "WINDOWS" else None
    if isinstance(directory, Blocked):
        return directory
    params = kept(
        {
            "BackupId": backup.id,
            "ClientRequestToken": _name(pair),
            "SubnetIds": list(seen.room.subnets[:1]) if seen.room else [],
            "SecurityGroupIds": list(seen.room.groups) if seen.room else [],
            "StorageType": backup.shown.get("StorageType"),
            "KmsKeyId": setting(pair, "kms_key_id", None),
            CONFIGURATION[kind]: _small(kind, backup, directory, pair),
            "Tags": [*labels(pair), {"Key": TAKEN_TAG, "Value": str(int(backup.taken))}],
        }
    )
    return Call("fsx", "create_file_system_from_backup", region, params, f"restore {backup.id}", settle_seconds=30)


def _small(kind: str, backup: Backup, directory: str | None, pair: Pair) -> dict[str, Any]:
    """As little of what was backed up as FSx takes: one availability zone, the least throughput, no automatic backups."""
    was: Mapping[str, Any] = backup.shown.get(CONFIGURATION[kind], {})
    own = {key: was.get(key) for key in RESTORED[kind] if not key.startswith("CopyTags")} | {"AutomaticBackupRetentionDays": 0}
    if kind == "LUSTRE":
        return own
    single, throughput = _least(kind, str(was.get("DeploymentType", "")), was.get("ThroughputCapacity"), pair)
    own |= {"DeploymentType": single, "ThroughputCapacity": throughput}
    return own | ({"ActiveDirectoryId": directory} if directory else {})


def _least(kind: str, deployment: str, throughput: int | None, pair: Pair) -> tuple[str, int]:
    """A deployment in one availability zone, and the MB/s that it is given."""
    single = deployment if deployment.startswith("SINGLE_AZ") else "SINGLE_AZ_2"
    least = _LEAST[kind].get(single, _LEAST[kind][""])
    return single, int(setting(pair, "throughput_capacity") or min(least, int(throughput or least)))


def _directory(seen: Seen, goal: Goal) -> str | Blocked:
    """The directory in the drill room: a copy that joined that of production would leave its account there."""
    region, wanted = goal.pair.target_region, setting(goal.pair, "active_directory_id")
    vpcs = seen.room.vpcs if seen.room else ()
    near = sorted(ident for ident, vpc in seen.directories.items() if vpc in vpcs and wanted in ("", ident))
    if len(near) == 1:
        return near[0]
    if wanted:
        state = f"is in {seen.directories[wanted]}, not in the drill room" if wanted in seen.directories else "is not an active one"
        return Blocked(f"the directory {wanted} in {region} {state}", "set drill.active_directory_id to one of the drill room")
    if near:
        why = f"the drill room in {region} has several directories: {', '.join(near)}"
        return Blocked(why, "set drill.active_directory_id to one of them")
    why = f"a file system for Windows joins a directory, and the drill room in {region} has no AWS Managed Microsoft AD"
    return Blocked(why, f"aws ds create-microsoft-ad --region {region} --vpc-settings VpcId={','.join(vpcs)},SubnetIds=… …")
