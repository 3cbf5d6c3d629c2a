# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""FSx file systems protected by backups that are copied to another region (Windows, Lustre, OpenZFS).

FSx restores into new file systems only, with new ids and names, and knows no read-only state: an old source is fenced by the
security groups of its network interfaces, as the FSx user guides change them. ONTAP is replicated by SnapMirror, which is not
AWS's API.
Facts: the FSx API reference and the user guides (using-backups, copy-backups, limit-access-security-groups).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ..model import Active, Blocked, Call, Check, Deferred, Done, Goal, Health, Pair, Step, Unreachable, Wait
from ..parts.fsx_state import (
    CONFIGURATION,
    FENCED_TAG,
    GROUPS_TAG,
    RETIRED_TAG,
    Backup,
    FileSystem,
    Seen,
    observe,
)
from ..parts.fsx_steps import (
    base_epoch,
    by_hand,
    carried,
    copied_backup,
    dark,
    fence,
    final_backup,
    network_of,
    newest,
    no_network,
    outputs,
    protected,
    regroup,
    restore,
    served_outputs,
    standby_outputs,
    tag,
    unfit,
)
from .base import Adapter, Reader

RESTORE_SECONDS = 12 * 3600


class FsxFileSystem(Adapter):
    """FSx file systems; identifiers are file system ids, which differ between the regions and with every restore.

    Settings (manifest or host variables; `regions.<region>.<name>` overrides `<name>` for what happens in that region):
    subnets, security_groups, kms_key_id, active_directory_id, route_table_ids, aliases, throughput_capacity: of a file system that
    is restored there. max_backup_age_seconds (86400): INSTANTIATE and REPLICATE take and copy a new backup when the newest copy is
    older. max_lag_seconds: the most that an unplanned activation may lose; no limit when it is left out. fence_security_group: id
    of the group that a fenced source is left with.
    """

    technology = "fsx"
    bulk = 100
    busy = frozenset(
        {"BackupBeingCopied", "BackupInProgress", "BackupRestoring", "ServiceLimitExceeded", "SourceBackupUnavailable"}
    )
    durations: ClassVar[Mapping[str, int]] = {"instantiate": 3600, "activate": 3600, "cleanup": 1200, "replicate": 3600}
    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "observe": (
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups",
            "fsx:DescribeBackups",
            "fsx:DescribeFileSystems",
        ),
        "instantiate": ("fsx:CopyBackup", "fsx:CreateBackup"),
        "activate": (
            "ec2:CreateSecurityGroup",
            "ec2:ModifyNetworkInterfaceAttribute",
            "fsx:CopyBackup",
            "fsx:CreateBackup",
            "fsx:CreateFileSystemFromBackup",
            "fsx:TagResource",
        ),
        "cleanup": (
            "ec2:CreateSecurityGroup",
            "ec2:ModifyNetworkInterfaceAttribute",
            "fsx:CopyBackup",
            "fsx:CreateBackup",
            "fsx:DeleteFileSystem",
            "fsx:TagResource",
        ),
        "replicate": ("fsx:CopyBackup", "fsx:CreateBackup"),
        "rollback": ("ec2:ModifyNetworkInterfaceAttribute", "fsx:UntagResource"),
    }

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Seen]:
        return observe(reader, pairs)

    def active(self, seen: Seen) -> Active:
        """The file system that ACTIVATE made last; two without such a mark are no evidence: UNKNOWN."""
        source, target = seen.source, seen.target
        if isinstance(target, Unreachable):
            return Active.UNKNOWN
        there = target if target and target.usable else None
        if isinstance(source, Unreachable):
            return Active.TARGET if there and there.epoch and seen.restored else Active.UNKNOWN
        here = source if source and source.usable else None
        if here and there:
            if here.epoch == there.epoch:
                return Active.UNKNOWN
            return Active.TARGET if there.epoch > here.epoch else Active.SOURCE
        if here:
            return Active.SOURCE
        return Active.TARGET if there else Active.NEITHER

    def instantiate(self, seen: Seen, goal: Goal) -> Step:
        """A recent backup of the source is in the target region, with a network to restore it into."""
        pair = goal.pair
        if isinstance(seen.target, Unreachable) or isinstance(seen.there, Unreachable):
            return dark(goal, pair.target_region)
        if self.active(seen) is Active.TARGET and isinstance(seen.target, FileSystem):
            return Done({**outputs(seen.target), "role": "active"})
        match seen.source:
            case Unreachable() if goal.planned:
                return dark(goal, pair.source_region)
            case Unreachable():
                if refusal := by_hand(seen, base_epoch(seen, goal) + 1, goal, "activate"):
                    return refusal
                copy = newest(seen.there, (pair.source_region, pair.source_id))
                if copy is None:
                    why = (
                        f"there is no backup of {pair.source_id} in {pair.target_region}, and {pair.source_region} does not answer"
                    )
                    return Blocked(why, f"wait until {pair.source_region} answers")
                return Done(standby_outputs(copy, seen.now, goal))
            case None:
                return Blocked(f"there is no file system {pair.source_id} in {pair.source_region}", "correct its identifier")
            case FileSystem() as source:
                network = network_of(seen, goal, pair.target_region, source.place)
                return protected(source, pair.target_region, seen.here, seen.there, network, seen, goal)

    def activate(self, seen: Seen, goal: Goal) -> Step:
        """A new file system in the target region serves what the newest copied backup has."""
        pair, target, source = goal.pair, seen.target, seen.source
        if isinstance(target, Unreachable) or isinstance(seen.there, Unreachable):
            return dark(goal, pair.target_region)
        base = base_epoch(seen, goal)
        if target is not None and not target.retired and target.epoch > base:
            return self._made(target, seen, goal)
        if goal.planned and isinstance(source, Unreachable):
            return dark(goal, pair.source_region)
        if goal.planned and source is None:
            why = f"{pair.source_id} is gone from {pair.source_region}, so no backup of its last state can be taken"
            return Blocked(why, "run this phase with mode=unplanned to restore what was copied")
        if isinstance(source, FileSystem) and source.retired:
            why = f"{source.id} in {pair.source_region} was put aside by an earlier failover: it is not what serves"
            return Blocked(why, "run readiness, which finds the present identifiers, or remove the tag dr:quarantined")
        if refusal := by_hand(seen, base + 1, goal, "activate"):
            return refusal
        place = source.place if isinstance(source, FileSystem) else (pair.source_region, pair.source_id)
        copy = newest(seen.there, place)
        network = network_of(seen, goal, pair.target_region, place)
        if not network:
            return no_network(pair.target_region)
        if not goal.planned and (unfitness := unfit(copy, seen, goal)):
            return unfitness
        exposed = isinstance(source, Unreachable)
        if isinstance(source, FileSystem):
            exposed = not goal.planned and (isinstance(source.interfaces, Unreachable) or isinstance(seen.fence_group, Unreachable))
            if not exposed and (step := fence(source, seen, goal, "so that only one side takes writes")):
                return step
            if goal.planned:
                final = final_backup(source, base + 1, seen.here, goal)
                if not isinstance(final, Backup):
                    return final
                copied = copied_backup(final, source, pair.target_region, seen.there, network, goal)
                if not isinstance(copied, Backup):
                    return copied
                copy = copied
        if copy is None:
            return Blocked(f"there is no backup of {pair.source_id} in {pair.target_region}", "run phase instantiate")
        debt = f"fence {pair.source_id} in {pair.source_region}: its clients may still write to it" if exposed else ""
        return restore(copy, place, base + 1, network, seen, goal, debt)

    def _made(self, target: FileSystem, seen: Seen, goal: Goal) -> Step:
        """The file system that was restored: whether it can be mounted."""
        region = goal.pair.target_region
        match target.state:
            case "CREATING":
                return Wait(f"{target.id} in {region} is being restored", 60, RESTORE_SECONDS)
            case "AVAILABLE" | "UPDATING":
                aliases = {one.get("Name", ""): one.get("Lifecycle", "") for one in target.configuration.get("Aliases", ())}
                if broken := sorted(name for name, state in aliases.items() if state == "CREATE_FAILED"):
                    fix = f"aws fsx associate-file-system-aliases --region {region} --file-system-id {target.id} --aliases"
                    return Blocked(
                        f"{target.id} in {region} does not have its aliases {', '.join(broken)}", " ".join([fix, *broken])
                    )
                if "CREATING" in aliases.values():
                    return Wait(f"{target.id} in {region} is given its aliases", 30, RESTORE_SECONDS)
                return Done(served_outputs(target, "deferred" if isinstance(seen.source, Unreachable) else "fenced"))
            case "MISCONFIGURED" | "MISCONFIGURED_UNAVAILABLE" as state:
                fix = f"aws fsx start-misconfigured-state-recovery --region {region} --file-system-id {target.id}"
                return Blocked(
                    f"{target.id} in {region} is {state} {target.message}".strip(),
                    f"let it reach its directory, then {fix}, and resume",
                )
            case state:
                gone = f"aws fsx delete-file-system --region {region} --file-system-id {target.id}"
                return Blocked(f"{target.id} in {region} is {state} {target.message}".strip(), f"{gone}, then resume")

    def cleanup(self, seen: Seen, goal: Goal) -> Step:
        """The old source is fenced and kept with a final backup, or deleted when that backup is in the target region."""
        pair, region = goal.pair, goal.pair.source_region
        match seen.source, seen.target:
            case Unreachable(), _:
                return Deferred(f"{region} does not answer: {pair.source_id} may still take writes")
            case _, Unreachable():
                return dark(goal, pair.target_region)
            case FileSystem(state="DELETING"), _:
                return Wait(f"{pair.source_id} in {region} is being deleted", 30)
        source, target = seen.source, seen.target
        if self.active(seen) is not Active.TARGET or not isinstance(target, FileSystem):
            why = f"the file system in {pair.target_region} is not proven to serve: {self.active(seen).value}"
            return Blocked(why, f"run phase activate first; nothing was changed in {region}")
        if not isinstance(source, FileSystem):
            return Done({"source": "absent"})
        if source.retired and goal.cleanup_policy != "remove":
            return Done({"source": "quarantined", "file_system_id": source.id})
        if isinstance(source.interfaces, Unreachable) or isinstance(seen.fence_group, Unreachable):
            return Deferred(f"EC2 in {region} does not answer: {source.id} cannot be fenced")
        if step := fence(source, seen, goal, "its counterpart serves"):
            return step
        final: Backup | None = None
        if not source.unsupported:
            taken = final_backup(source, target.epoch, seen.here, goal)
            if not isinstance(taken, Backup):
                return taken
            final = taken
        if goal.cleanup_policy == "remove":
            return self._remove(source, final, seen, goal)
        marks = {RETIRED_TAG: "true", "dr:enabled": "false"}
        return tag(source, marks, "mark it as the old source, which discovery leaves alone")

    def _remove(self, source: FileSystem, final: Backup | None, seen: Seen, goal: Goal) -> Step:
        region = goal.pair.target_region
        if final is None:
            why = f"no final backup of {source.id} in {source.region} can be taken: {source.unsupported}"
            return Blocked(why, "delete it by hand, or run cleanup with cleanup_policy=quarantine")
        copied = copied_backup(final, source, region, seen.there, network_of(seen, goal, region, source.place), goal)
        if not isinstance(copied, Backup):
            return copied
        options: dict[str, Any] = {"SkipFinalBackup": True}  # it has one, which was taken after the fence and copied
        if source.kind == "OPENZFS":
            options["Options"] = ["DELETE_CHILD_VOLUMES_AND_SNAPSHOTS"]
        params = {"FileSystemId": source.id, CONFIGURATION[source.kind]: options}
        return Call("fsx", "delete_file_system", source.region, params, "delete the old source", one_way=True, settle_seconds=15)

    def replicate(self, seen: Seen, goal: Goal) -> Step:
        """A recent backup of what serves now is in the region that it came from."""
        pair, region = goal.pair, goal.pair.source_region
        if isinstance(seen.source, Unreachable) or isinstance(seen.here, Unreachable):
            return Deferred(f"{region} does not answer: what serves in {pair.target_region} is not protected yet")
        if isinstance(seen.target, Unreachable) or isinstance(seen.there, Unreachable):
            return dark(goal, pair.target_region)
        if self.active(seen) is not Active.TARGET or seen.target is None:
            why = f"the file system in {pair.target_region} does not serve: {self.active(seen).value}"
            return Blocked(why, "run phase activate first")
        network = network_of(seen, goal, region, seen.target.place)
        if not network:
            old = seen.source.subnets if seen.source else goal.captured.get("subnets", ())
            network = " ".join(old)
        return protected(seen.target, region, seen.there, seen.here, network, seen, goal)

    def rollback(self, seen: Seen, goal: Goal) -> Step:
        """The fence of the source is lifted. Only before something was restored: then its data is the older one."""
        pair, source = goal.pair, seen.source
        match source, seen.target:
            case Unreachable(), _:
                why = f"{pair.source_region} does not answer: nothing could take over"
                return Blocked(why, "wait until it answers, then roll back")
            case _, Unreachable():
                return dark(goal, pair.target_region)
            case None, _:
                return Blocked(f"{pair.source_id} is gone from {pair.source_region}", "fail back instead")
            case FileSystem(), FileSystem() as target if not target.retired and target.epoch > source.epoch:
                why = f"{target.id} in {pair.target_region} was restored and may have newer data"
                return Blocked(why, "run cleanup and replicate, then fail back; or delete it and roll back again")
        if not isinstance(source, FileSystem) or isinstance(source.interfaces, Unreachable):
            return Blocked(f"EC2 in {pair.source_region} does not answer", "wait until it answers, then roll back")
        saved = source.saved_groups
        for name, groups in sorted(source.interfaces.items()):
            if saved and sorted(groups) != sorted(saved):
                return regroup(source, name, saved, "give the source its security groups back")
        if saved:
            params = {"ResourceARN": source.arn, "TagKeys": [GROUPS_TAG, FENCED_TAG]}
            return Call("fsx", "untag_resource", source.region, params, "forget that it was fenced")
        return Done({**outputs(source), "role": "active"})

    def health(self, seen: Seen, goal: Goal) -> Health:
        """Available; that a backup of it is on its way to the other region is wanted, but not required."""
        target = seen.target
        if not isinstance(target, FileSystem):
            return Health((Check("file system", False, "there is none, or its region does not answer"),))
        there = [] if isinstance(seen.there, Unreachable) else [one for one in seen.there if one.of == target.place]
        checks = (
            Check("file system", target.usable, f"{target.state} {target.message}".strip()),
            Check("backups", bool(there), f"{len(there)} of its own"),
        )
        return Health(checks, required=("file system",))

    def capture(self, seen: Seen, pair: Pair) -> Mapping[str, Any]:
        """What a file system like the source needs, and its tags, which a restored one carries on."""
        source = seen.source
        if not isinstance(source, FileSystem) or not source.usable:
            return {}
        return {
            "epoch": source.epoch,
            "type": source.kind,
            "unsupported": source.unsupported,
            "storage_gb": source.storage_gb,
            "storage_type": source.shown.get("StorageType", ""),
            "deployment_type": source.configuration.get("DeploymentType", ""),
            "throughput": source.throughput,
            "subnets": list(source.subnets),
            "tags": carried(source.tags),
        }
