# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions about FSx backups and fences that several phases share, and the words for them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from ..model import Blocked, Call, Deferred, Done, Goal, Step, Unreachable, Wait
from .aws_time import seconds
from .fsx_state import (
    CONFIGURATION,
    EPOCH_TAG,
    FENCE_GROUP,
    FENCED_TAG,
    FINAL_TAG,
    GROUPS_TAG,
    OWN_TAGS,
    PEER_TAG,
    SOURCE_TAG,
    SUBNETS_TAG,
    TAKEN_TAG,
    UNFINISHED,
    Backup,
    FileSystem,
    Seen,
    number,
    option,
)
from .rewrite import kept

BACKUP_SECONDS: Final = 12 * 3600
#: What a restored file system takes from the configuration that was backed up with it.
RESTORED: Final = {
    "WINDOWS": ("DeploymentType", "ThroughputCapacity", "AutomaticBackupRetentionDays", "CopyTagsToBackups"),
    "LUSTRE": (
        "DeploymentType",
        "PerUnitStorageThroughput",
        "AutomaticBackupRetentionDays",
        "DataCompressionType",
        "DriveCacheType",
    ),
    "OPENZFS": ("DeploymentType", "ThroughputCapacity", "AutomaticBackupRetentionDays", "CopyTagsToBackups", "CopyTagsToVolumes"),
}


def dark(goal: Goal, region: str) -> Step:
    if goal.planned:
        return Blocked(f"planned mode needs {region}, which does not answer", "wait until it answers, or use mode=unplanned")
    return Deferred(f"{region} does not answer")


def outputs(side: FileSystem) -> dict[str, Any]:
    return {
        "file_system_id": side.id,
        "file_system_arn": side.arn,
        "type": side.kind,
        "dns_name": side.dns_name,
        "lifecycle": side.state,
        "storage_gb": side.storage_gb,
        "aliases": [one.get("Name", "") for one in side.configuration.get("Aliases", ())],
    }


def standby_outputs(copy: Backup, now: float, goal: Goal) -> dict[str, Any]:
    taken, lag = datetime.fromtimestamp(copy.taken, UTC).isoformat(), max(0, int(now - copy.taken))
    fits = lag <= goal.pair.rpo_seconds
    return {"backup_id": copy.id, "taken_at": taken, "lag_seconds": lag, "within_rpo": fits, "role": "standby"}


def served_outputs(target: FileSystem, fencing: str) -> dict[str, Any]:
    """Of what was restored. data_age_seconds: how old its backup was when it was restored; unplanned, that is lost."""
    taken = number(target.tags.get(TAKEN_TAG))
    made = target.shown.get("CreationTime")
    return {
        **outputs(target),
        "role": "active",
        "fencing": fencing,
        "data_as_of": datetime.fromtimestamp(taken, UTC).isoformat() if taken else None,
        "data_age_seconds": max(0, int(seconds(made)) - taken) if taken and made is not None else None,
    }


def carried(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if key not in OWN_TAGS and not key.startswith("aws:")}


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def token(*about: object) -> str:
    return hashlib.sha256(" ".join(map(str, about)).encode()).hexdigest()[:40]


def tag(side: FileSystem, tags: Mapping[str, str], why: str) -> Call:
    return Call("fsx", "tag_resource", side.region, {"ResourceARN": side.arn, "Tags": tag_list(tags)}, why)


def base_epoch(seen: Seen, goal: Goal) -> int:
    """The epoch of what is being left: its own, the captured one, or that of its newest copied backup."""
    own = seen.source.epoch if isinstance(seen.source, FileSystem) else 0
    place = seen.source.place if isinstance(seen.source, FileSystem) else (goal.pair.source_region, goal.pair.source_id)
    copy = None if isinstance(seen.there, Unreachable) else newest(seen.there, place)
    return max(own, int(goal.captured.get("epoch", 0)), number(copy.tags.get(EPOCH_TAG)) if copy else 0)


def newest(backups: Sequence[Backup], place: tuple[str, str]) -> Backup | None:
    """The newest copied backup of a file system that can be restored."""
    return next((one for one in backups if one.of == place and one.original and one.state == "AVAILABLE"), None)


def network_of(seen: Seen, goal: Goal, region: str, place: tuple[str, str]) -> str:
    """The subnets to restore into: set, or noted on the newest copy; "" when nothing tells. Networks are never guessed."""
    given = option(goal.pair, region, "subnets")
    if given:
        return " ".join(given)
    backups = seen.there if region == goal.pair.target_region else seen.here
    copy = None if isinstance(backups, Unreachable) else newest(backups, place)
    return copy.tags.get(SUBNETS_TAG, "") if copy else ""


def no_network(region: str) -> Blocked:
    why = f"it is not known which subnets of {region} a file system can be restored into"
    return Blocked(why, f"set regions.{region}.subnets (and security_groups), then run this phase again")


def unfit(copy: Backup | None, seen: Seen, goal: Goal) -> Blocked | None:
    """Why what was copied must not be restored in unplanned mode."""
    pair = goal.pair
    if copy is None:
        why = f"there is no restorable backup of {pair.source_id} in {pair.target_region}"
        return Blocked(why, "run phase instantiate while the source answers; a copy that is under way can be waited for")
    limit, lag = option(pair, pair.target_region, "max_lag_seconds"), seen.now - copy.taken
    if limit is not None and lag > int(limit):
        why = f"the newest backup in {pair.target_region} is {lag:.0f} s old; max_lag_seconds allows {limit}"
        return Blocked(why, "raise max_lag_seconds if that loss is accepted")
    return None


def by_hand(seen: Seen, epoch: int, goal: Goal, phase: str) -> Blocked | None:
    """What AWS's API does not do; None where it does. Of a dark source, what was captured tells."""
    pair, region = goal.pair, goal.pair.target_region
    place, kind = (pair.source_region, pair.source_id), str(goal.captured.get("type", ""))
    reason = str(goal.captured.get("unsupported", ""))
    if isinstance(seen.source, FileSystem):
        place, kind, reason = seen.source.place, seen.source.kind, seen.source.unsupported
    if not reason:
        return None
    marks = f"--tags Key={EPOCH_TAG},Value={epoch} Key={PEER_TAG},Value={':'.join(place)}"
    mark = f"aws fsx tag-resource --region {region} --resource-arn <ARN of the file system there> {marks}"
    steps = "restore it from S3 into a new file system"
    if kind == "ONTAP":
        steps = (
            "with ONTAP's CLI at the management endpoint of the file system there (or netapp.ontap.na_ontap_snapmirror), a volume "
            "each: snapmirror update (while the source answers), snapmirror quiesce, snapmirror break "
            "-destination-path <SVM>:<volume>, volume mount -vserver <SVM> -volume <volume> -junction-path /<volume>"
        )
    return Blocked(f"{place[1]} in {place[0]}: AWS's API cannot {phase} it: {reason}", f"{steps}; then {mark}, and resume")


def stand_by_by_hand(model: FileSystem, region: str) -> Blocked:
    """How what AWS's API does not replicate is replicated."""
    steps = "replicate its bucket to there (S3 replication), for a new file system that is linked to the copy"
    if model.kind == "ONTAP":
        steps = (
            "with ONTAP's CLI at the management endpoint of the file system there, a volume each, once clusters and SVMs are "
            "peers: snapmirror create -source-path <SVM>:<volume> -destination-path <SVM>:<volume> -policy MirrorAllSnapshots, "
            "snapmirror initialize; after a failover snapmirror resync, in the new direction"
        )
    why = f"{model.id} in {model.region}: AWS's API cannot replicate it to {region}: {model.unsupported}"
    return Blocked(why, f"{steps}; see docs/technologies/fsx.md")


def protected(
    model: FileSystem,
    region: str,
    originals: Sequence[Backup] | Unreachable,
    copies: Sequence[Backup] | Unreachable,
    network: str,
    seen: Seen,
    goal: Goal,
) -> Step:
    """A backup of `model` that is young enough is in `region`."""
    if isinstance(originals, Unreachable) or isinstance(copies, Unreachable):
        return dark(goal, model.region)
    if model.unsupported:
        return stand_by_by_hand(model, region)
    if not network:
        return no_network(region)
    limit = float(option(goal.pair, region, "max_backup_age_seconds", 86400))
    copy = newest(copies, model.place)
    if copy and seen.now - copy.taken <= limit:
        return Done(standby_outputs(copy, seen.now, goal))
    mine = [one for one in originals if one.of == model.place and not one.original]
    young = [one for one in mine if seen.now - one.taken <= limit]
    backup = next((one for one in young if one.state == "AVAILABLE"), None)
    if backup is None and (under_way := next((one for one in young if one.state in UNFINISHED), None)):
        return Wait(f"backup {under_way.id} of {model.id} is {under_way.state}", 60, BACKUP_SECONDS)
    if backup is None:
        take = new_backup(model, {}, token(model.arn, goal.execution_id, mine[0].id if mine else ""))
        return failed(mine[0], take) if mine and mine[0].state == "FAILED" else take
    step = copied_backup(backup, model, region, copies, network, goal)
    return Done(standby_outputs(step, seen.now, goal)) if isinstance(step, Backup) else step


def new_backup(model: FileSystem, tags: Mapping[str, str], token: str) -> Call:
    params = {"FileSystemId": model.id, "ClientRequestToken": token, "Tags": tag_list({SOURCE_TAG: ":".join(model.place), **tags})}
    return Call("fsx", "create_backup", model.region, params, f"back up {model.id}", settle_seconds=15)


def failed(backup: Backup, again: Call) -> Blocked:
    why = f"backup {backup.id} is {backup.state} {backup.message}".strip()
    return Blocked(
        why, f"correct what it says, then run this phase again\naws fsx describe-backups --backup-ids {backup.id}", retry=again
    )


def final_backup(source: FileSystem, epoch: int, backups: Sequence[Backup] | Unreachable, goal: Goal) -> Backup | Step:
    """The backup that was taken after the fence, for this activation."""
    if isinstance(backups, Unreachable):
        return dark(goal, source.region)
    mine = [
        one
        for one in backups
        if one.of == source.place and not one.original and one.final == epoch and one.taken >= source.fenced_at
    ]
    if found := next((one for one in mine if one.state == "AVAILABLE"), None):
        return found
    if any(one.state in UNFINISHED for one in mine):
        return Wait(f"the final backup of {source.id} in {source.region} is being taken", 60, BACKUP_SECONDS)
    take = new_backup(source, {FINAL_TAG: str(epoch)}, token(source.arn, "final", epoch, source.fenced_at, len(mine)))
    return failed(mine[0], take) if mine else take


def copied_backup(
    backup: Backup, model: FileSystem, region: str, copies: Sequence[Backup] | Unreachable, network: str, goal: Goal
) -> Backup | Step:
    """The copy of `backup` in `region`."""
    if isinstance(copies, Unreachable):
        return dark(goal, region)
    mine = [one for one in copies if one.original == backup.id]
    if found := next((one for one in mine if one.state == "AVAILABLE"), None):
        return found
    if any(one.state in UNFINISHED for one in mine):
        return Wait(f"backup {backup.id} is being copied to {region}", 60, BACKUP_SECONDS)
    notes = {
        SOURCE_TAG: ":".join(model.place),
        TAKEN_TAG: str(int(backup.taken)),
        EPOCH_TAG: str(model.epoch),
        SUBNETS_TAG: network,
        FINAL_TAG: str(backup.final) if backup.final else "",
    }
    params = {
        "SourceBackupId": backup.id,
        "SourceRegion": model.region,
        "ClientRequestToken": token(backup.id, region, len(mine)),
        "Tags": tag_list({key: value for key, value in notes.items() if value}),
    }
    if key := option(goal.pair, region, "kms_key_id"):
        params["KmsKeyId"] = key
    call = Call("fsx", "copy_backup", region, params, f"copy the backup to {region}", settle_seconds=15)
    return failed(mine[0], call) if mine else call


def restore(copy: Backup, place: tuple[str, str], epoch: int, network: str, seen: Seen, goal: Goal, debt: str) -> Step:
    """A new file system. Its tags make it the active side in the same call, and discovery find it in the place of the old one."""
    pair, region = goal.pair, goal.pair.target_region
    kind, was = (
        copy.shown.get("FileSystemType", ""),
        copy.shown.get(CONFIGURATION.get(copy.shown.get("FileSystemType", ""), ""), {}),
    )
    if kind not in RESTORED:
        return Blocked(f"backup {copy.id} is of a file system of type {kind or 'unknown'}", "restore it by hand")
    subnets = network.split()
    spread = str(was.get("DeploymentType", "")).startswith("MULTI_AZ")
    if spread and len(subnets) < 2:
        return Blocked(
            f"{'/'.join(place)} is in two availability zones, and {region} has one subnet for it", f"set regions.{region}.subnets"
        )
    own = {key: was.get(key) for key in RESTORED[kind]}
    if kind != "LUSTRE":
        own["ThroughputCapacity"] = option(pair, region, "throughput_capacity") or was.get("ThroughputCapacity")
        own["PreferredSubnetId"] = subnets[0] if spread else None
    if kind == "WINDOWS":
        own["ActiveDirectoryId"] = option(pair, region, "active_directory_id")
        own["Aliases"] = option(pair, region, "aliases") or [one["Name"] for one in was.get("Aliases", ())]
    if kind == "OPENZFS":
        own["RouteTableIds"] = option(pair, region, "route_table_ids") if spread else None
    tags = carried(seen.source.tags if isinstance(seen.source, FileSystem) else goal.captured.get("tags") or pair.tags)
    tags |= {EPOCH_TAG: str(epoch), PEER_TAG: ":".join(place), TAKEN_TAG: str(int(copy.taken))}
    params = kept(
        {
            "BackupId": copy.id,
            "ClientRequestToken": token(*place, epoch, copy.id),
            "SubnetIds": subnets if spread else subnets[:1],
            "SecurityGroupIds": list(option(pair, region, "security_groups", ())),
            "StorageType": copy.shown.get("StorageType"),
            "KmsKeyId": option(pair, region, "kms_key_id"),
            CONFIGURATION[kind]: own,
            "Tags": tag_list(tags),
        }
    )
    return Call(
        "fsx",
        "create_file_system_from_backup",
        region,
        params,
        "restore the backup as a new file system",
        debt=debt,
        settle_seconds=15,
    )


def regroup(source: FileSystem, interface: str, groups: Sequence[str], why: str) -> Call:
    params = {"NetworkInterfaceId": interface, "Groups": list(groups)}
    return Call("ec2", "modify_network_interface_attribute", source.region, params, why)


def fence(source: FileSystem, seen: Seen, goal: Goal, why: str) -> Step | None:
    """The source's network interfaces have the fencing group only, and its own groups are on record; None when that holds."""
    region = source.region
    group = option(goal.pair, region, "fence_security_group") or seen.fence_group
    if isinstance(source.interfaces, Unreachable) or isinstance(group, Unreachable):
        return dark(goal, region)
    if not source.interfaces:
        said = f"no network interface of {source.id} in {region} is shown, so it cannot be fenced"
        return Blocked(said, "keep its clients away by other means and run this phase with mode=unplanned")
    if group is None:
        params = {"GroupName": FENCE_GROUP, "Description": "dr.aws: no inbound traffic to a fenced source", "VpcId": source.vpc_id}
        return Call("ec2", "create_security_group", region, params, "make the security group that fences")
    reached = {name: groups for name, groups in source.interfaces.items() if groups != (group,)}
    if not reached:
        return None
    if not source.saved_groups:
        groups = sorted({one for groups in source.interfaces.values() for one in groups if one != group})
        return tag(source, {GROUPS_TAG: " ".join(groups), FENCED_TAG: str(int(seen.now))}, "remember its security groups")
    return regroup(source, min(reached), [group], f"fence the source, {why}")
