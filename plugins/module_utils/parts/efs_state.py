# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EFS file systems of two regions as one look sees them. Facts: the EFS API reference and user guide (efs-replication)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from ..adapters.base import Reader
from ..model import UNREACHABLE, Pair, Unreachable
from .aws_time import seconds, told_by

#: Written by ACTIVATE on the side that it is about to make writable: one above the other side's.
EPOCH_TAG: Final = "dr:epoch"
#: Written with it: the time (seconds) up to which the source's data had arrived.
SYNCED_TAG: Final = "dr:synced"
#: `region:id` of the counterpart, where no replication configuration tells it any more. Discovery reads it as well.
PEER_TAG: Final = "dr:peer"
#: The statement of a file system policy that denies writes; the digits after it say from when on it certainly holds.
FENCE_SID: Final = "DrAwsFence"
#: Policies take effect within minutes: a fence counts from the end of the next period of this length.
FENCE_PERIOD_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class Replication:
    """A replication configuration as one region shows it. synced: seconds since the epoch, None before the first is finished."""

    source: tuple[str, str]
    destination: tuple[str, str]
    status: str
    synced: float | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class FileSystem:
    """One side.

    protection: ENABLED (takes writes), DISABLED (may be overwritten), REPLICATING (a destination). provisioned: MiB/s, None in all
    other modes. size_bytes: all of it; infrequent_bytes, archive_bytes: what of it is in cheaper storage classes. one_zone: it
    is kept in one availability zone. replication: the configuration that it is in, as its own region shows it. mounts: subnet id ->
    state of its mount target; mount_ids: mount target id -> the same. policy: its statements, None when it has none. backups:
    (started, state) of its AWS Backup jobs, newest first; read only of a source that replicates nowhere.
    """

    id: str
    arn: str
    region: str
    state: str
    protection: str = "ENABLED"
    encrypted: bool = True
    throughput: str = "elastic"
    provisioned: float | None = None
    size_bytes: int = 0
    infrequent_bytes: int = 0
    archive_bytes: int = 0
    one_zone: bool = False
    replication: Replication | None = None
    mounts: Mapping[str, str] = field(default_factory=dict)
    mount_ids: Mapping[str, str] = field(default_factory=dict)
    policy: tuple[Mapping[str, Any], ...] | None = None
    backups: tuple[tuple[float, str], ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> tuple[str, str]:
        """(region, id)."""
        return self.region, self.id

    @property
    def epoch(self) -> int:
        """How often the data had been activated when this side was; 0 before the first time."""
        return _number(self.tags.get(EPOCH_TAG))

    @property
    def synced(self) -> int:
        """Until when (seconds) the other side's data had arrived when this side was activated; 0 when that is not known."""
        return _number(self.tags.get(SYNCED_TAG))

    @property
    def fenced_at(self) -> int | None:
        """From when on (seconds) nobody writes to it, by its policy; None when it is not fenced."""
        for one in self.policy or ():
            sid = str(one.get("Sid", ""))
            if sid.startswith(FENCE_SID) and one.get("Effect") == "Deny":
                return _number(sid.removeprefix(FENCE_SID))
        return None

    @property
    def receiving(self) -> bool:
        """Whether it is the destination of a replication."""
        return self.replication is not None and self.replication.destination == self.place

    @property
    def writable(self) -> bool:
        """Whether it would take writes of a client that its policy lets in."""
        return self.protection == "ENABLED" and not self.receiving and self.state in ("available", "updating")


Side: TypeAlias = "FileSystem | Unreachable | None"


@dataclass(frozen=True, slots=True)
class Seen:
    """Both sides, and AWS's own time in seconds, by the answer of the region that is activated."""

    source: Side
    target: Side
    now: float = 0.0


def option(pair: Pair, region: str, name: str, default: Any = None) -> Any:
    """A setting, as it is for one region: `regions.<region>.<name>` before `<name>`."""
    there = pair.settings.get("regions", {}).get(region, {})
    return there.get(name, pair.settings.get(name, default))


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0


@dataclass(frozen=True, slots=True)
class Look:
    """What one region answered: its file systems by id as AWS shows them, its configurations, its time in seconds."""

    files: Mapping[str, Mapping[str, Any]]
    replications: tuple[Replication, ...]
    now: float


def observe(reader: Reader, pairs: Sequence[Pair]) -> dict[str, Seen]:
    """Pair key -> Seen. Two listings a region; mount targets and policy, and in the source region backup jobs, a file system."""
    account, source_region, target_region = pairs[0].account, pairs[0].source_region, pairs[0].target_region
    here = look_at(reader, account, source_region)
    there = look_at(reader, account, target_region)
    seen = {}
    for pair in pairs:
        ids = identified(pair, here, there)
        source = _side(reader, account, source_region, here, ids[0])
        target = _side(reader, account, target_region, there, ids[1])
        if isinstance(source, FileSystem) and source.replication is None:
            source = _with_backups(reader, account, source)
        seen[pair.key] = Seen(source, target, there.now if isinstance(there, Look) else 0.0)
    return seen


def look_at(reader: Reader, account: str, region: str) -> Look | Unreachable:
    """Every file system and every replication configuration of one region."""
    found: list[Replication] = []
    token: dict[str, Any] = {}
    while True:
        page = reader.read(account, region, "efs", "describe_replication_configurations", absent=("ReplicationNotFound",), **token)
        if isinstance(page, Unreachable):
            return UNREACHABLE
        found += [_replication(one) for one in (page or {}).get("Replications", ())]
        token = {"NextToken": page["NextToken"]} if page and page.get("NextToken") else {}
        if not token:
            break
    # After the replications: a copy whose replication has just gone would seem locked for good by an older look at it.
    files = reader.pages(account, region, "efs", "describe_file_systems", "FileSystems")
    if isinstance(files, Unreachable) or files is None:
        return UNREACHABLE
    return Look({one["FileSystemId"]: one for one in files}, tuple(found), told_by(page))


def _replication(shown: Mapping[str, Any]) -> Replication:
    end = shown["Destinations"][0]
    synced = end.get("LastReplicatedTimestamp")
    return Replication(
        source=(shown["SourceFileSystemRegion"], shown["SourceFileSystemId"]),
        destination=(end["Region"], end["FileSystemId"]),
        status=end["Status"],
        synced=None if synced is None else seconds(synced),
        message=end.get("StatusMessage", ""),
    )


def identified(pair: Pair, here: Look | Unreachable, there: Look | Unreachable) -> tuple[str, str]:
    """The ids of both sides. One that its region does not know is that of the other's replication, or of its tag."""
    source, target = (pair.source_region, pair.source_id), (pair.target_region, pair.target_id)
    if not isinstance(there, Look) or pair.target_id not in there.files:
        target = (pair.target_region, _mate(source, target, here, there))
    if isinstance(there, Look) and target[1] in there.files and isinstance(here, Look) and pair.source_id not in here.files:
        source = (pair.source_region, _mate(target, source, there, here))
    return source[1], target[1]


def _mate(known: tuple[str, str], wanted: tuple[str, str], *regions: Look | Unreachable) -> str:
    """The id of the counterpart, which is not `wanted` (region, id); that one's when nothing tells."""
    looks = [one for one in regions if isinstance(one, Look)]
    for look in looks:
        for one in look.replications:
            ends = {one.source: one.destination, one.destination: one.source}
            if known in ends and ends[known][0] == wanted[0]:
                return ends[known][1]
    said = {ident: _tags(shown).get(PEER_TAG, "") for look in looks for ident, shown in look.files.items()}
    named = [ident for ident, peer in said.items() if peer == ":".join(known)]
    if named:
        return named[0]  # it exists; what the other one's own tag names may have been removed since
    region, _colon, ident = said.get(known[1], "").partition(":")
    return ident if region == wanted[0] and ident else wanted[1]


def _tags(shown: Mapping[str, Any]) -> dict[str, str]:
    return {one["Key"]: one["Value"] for one in shown.get("Tags", ())}


def _side(reader: Reader, account: str, region: str, look: Look | Unreachable, ident: str) -> Side:
    if isinstance(look, Unreachable):
        return UNREACHABLE
    shown = look.files.get(ident)
    if shown is None:
        return None
    mounts: list[dict[str, Any]] | Unreachable | None = []
    if shown.get("NumberOfMountTargets"):
        gone = ("FileSystemNotFound",)
        mounts = reader.pages(account, region, "efs", "describe_mount_targets", "MountTargets", absent=gone, FileSystemId=ident)
    absent = ("PolicyNotFound", "FileSystemNotFound")
    policy = reader.read(account, region, "efs", "describe_file_system_policy", absent=absent, FileSystemId=ident)
    if isinstance(mounts, Unreachable) or isinstance(policy, Unreachable):
        return UNREACHABLE
    place, size = (region, ident), shown.get("SizeInBytes", {})
    return FileSystem(
        id=ident,
        arn=shown.get("FileSystemArn") or f"arn:aws:elasticfilesystem:{region}:{account}:file-system/{ident}",
        region=region,
        state=shown["LifeCycleState"],
        protection=shown.get("FileSystemProtection", {}).get("ReplicationOverwriteProtection", "ENABLED"),
        encrypted=bool(shown.get("Encrypted")),
        throughput=shown.get("ThroughputMode", "bursting"),
        provisioned=shown.get("ProvisionedThroughputInMibps"),
        size_bytes=int(size.get("Value", 0)),
        infrequent_bytes=int(size.get("ValueInIA") or 0),
        archive_bytes=int(size.get("ValueInArchive") or 0),
        one_zone="AvailabilityZoneName" in shown,
        replication=next((one for one in look.replications if place in (one.source, one.destination)), None),
        mounts={one["SubnetId"]: one["LifeCycleState"] for one in mounts or ()},
        mount_ids={one["MountTargetId"]: one["LifeCycleState"] for one in mounts or ()},
        policy=_statements(policy),
        tags=_tags(shown),
    )


def _statements(policy: Mapping[str, Any] | None) -> tuple[Mapping[str, Any], ...] | None:
    if policy is None:
        return None
    stated = json.loads(policy["Policy"]).get("Statement", [])
    return tuple(stated if isinstance(stated, list) else [stated])


def _with_backups(reader: Reader, account: str, side: FileSystem) -> Side:
    jobs = reader.pages(account, side.region, "backup", "list_backup_jobs", "BackupJobs", ByResourceArn=side.arn)
    if isinstance(jobs, Unreachable):
        return UNREACHABLE
    found = sorted(((seconds(one["CreationDate"]), one.get("State", "")) for one in jobs or ()), reverse=True)
    return replace(side, backups=tuple(found))
