# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""FSx file systems and their backups in two regions as one look sees them. Facts: the FSx API reference and user guides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from ..adapters.base import Reader
from ..model import UNREACHABLE, Pair, Unreachable
from .aws_time import seconds, told_by

#: On a file system that ACTIVATE made: one above the other side's.
EPOCH_TAG: Final = "dr:epoch"
#: On a file system that ACTIVATE made: `region:id` of the one whose backup it was restored from. Discovery reads it as well.
PEER_TAG: Final = "dr:peer"
#: On an old source that is fenced: the security groups it had.
GROUPS_TAG: Final = "dr:security-groups"
#: With it: since when (seconds). A backup is final when it was taken later.
FENCED_TAG: Final = "dr:fenced-at"
#: On an old source that CLEANUP has put aside; with it goes dr:enabled=false.
RETIRED_TAG: Final = "dr:quarantined"
#: On a backup that was taken after its file system was fenced: the epoch of the activation that it was taken for.
FINAL_TAG: Final = "dr:final"
#: On a copied backup: `region:id` of its file system, when it was taken (seconds), and the network to restore it into.
SOURCE_TAG: Final = "dr:source"
TAKEN_TAG: Final = "dr:taken-at"
SUBNETS_TAG: Final = "dr:subnets"
#: Tags that say something about one file system only, and are never carried over.
OWN_TAGS: Final = frozenset({EPOCH_TAG, FENCED_TAG, GROUPS_TAG, PEER_TAG, RETIRED_TAG, TAKEN_TAG})
#: The security group without inbound rules that fences.
FENCE_GROUP: Final = "dr-aws-fence"
#: The member of a file system that has its type's configuration.
CONFIGURATION: Final = {
    "WINDOWS": "WindowsConfiguration",
    "LUSTRE": "LustreConfiguration",
    "OPENZFS": "OpenZFSConfiguration",
    "ONTAP": "OntapConfiguration",
}
#: So many values a filter of EC2 takes.
FILTER_VALUES: Final = 200
UNFINISHED: Final = frozenset({"PENDING", "CREATING", "TRANSFERRING", "COPYING"})


def number(text: str | None) -> int:
    """A number in a tag; 0 where there is none."""
    return int(text) if text and text.isdigit() else 0


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup. taken: when (seconds); of a copy, when its original was. original: the id of what it is a copy of, else "".

    of: (region, id) of its file system. shown: that file system's configuration at the time.
    """

    id: str
    state: str
    taken: float
    of: tuple[str, str]
    original: str = ""
    message: str = ""
    shown: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def final(self) -> int:
        """The epoch of the activation that it was taken for, after the fence; 0 of any other."""
        return number(self.tags.get(FINAL_TAG))


@dataclass(frozen=True, slots=True)
class FileSystem:
    """One side.

    interfaces: network interface id -> its security groups, UNREACHABLE while EC2 does not answer; read of sources only.
    """

    id: str
    arn: str
    region: str
    kind: str
    state: str
    storage_gb: int = 0
    dns_name: str = ""
    vpc_id: str = ""
    subnets: tuple[str, ...] = ()
    interface_ids: tuple[str, ...] = ()
    interfaces: Mapping[str, tuple[str, ...]] | Unreachable = field(default_factory=dict)
    message: str = ""
    shown: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> tuple[str, str]:
        """(region, id)."""
        return self.region, self.id

    @property
    def epoch(self) -> int:
        """How often the data had been activated when this side was; 0 before the first time."""
        return number(self.tags.get(EPOCH_TAG))

    @property
    def retired(self) -> bool:
        """Whether CLEANUP has put it aside."""
        return RETIRED_TAG in self.tags

    @property
    def saved_groups(self) -> tuple[str, ...]:
        """The security groups it had before it was fenced."""
        return tuple(self.tags.get(GROUPS_TAG, "").split())

    @property
    def fenced_at(self) -> int:
        """Since when (seconds) it is being fenced; 0 when it never was."""
        return number(self.tags.get(FENCED_TAG))

    @property
    def usable(self) -> bool:
        """Whether its clients can work with it."""
        return self.state in ("AVAILABLE", "UPDATING") and not self.retired

    @property
    def configuration(self) -> Mapping[str, Any]:
        """Its type's own settings."""
        found: Mapping[str, Any] = self.shown.get(CONFIGURATION.get(self.kind, ""), {})
        return found

    @property
    def throughput(self) -> int:
        """MB/s; for Lustre, of each TiB of storage. 0 where it is not shown."""
        return int(self.configuration.get("ThroughputCapacity") or self.configuration.get("PerUnitStorageThroughput") or 0)

    @property
    def unsupported(self) -> str:
        """Why AWS takes no backups of it; "" where it does."""
        if self.kind == "ONTAP":
            return "ONTAP volumes are replicated by SnapMirror"
        if self.kind == "LUSTRE" and self.configuration.get("DeploymentType", "").startswith("SCRATCH"):
            return "a scratch file system for Lustre has no backups"
        if self.kind == "LUSTRE" and self.configuration.get("DataRepositoryConfiguration"):
            return "a file system for Lustre that is linked to S3 has no backups"
        return ""


Side: TypeAlias = "FileSystem | Unreachable | None"


@dataclass(frozen=True, slots=True)
class Seen:
    """Both sides, and the backups of both.

    here: backups in the source region, there: in the target region, of this pair's file systems, newest first. restored: the target
    was made from a backup of this very source. fence_group: the id of the group that fences in the source's VPC, None when there
    is none yet. now: AWS's own time in seconds.
    """

    source: Side
    target: Side
    here: tuple[Backup, ...] | Unreachable = ()
    there: tuple[Backup, ...] | Unreachable = ()
    restored: bool = False
    fence_group: str | Unreachable | None = None
    now: float = 0.0


def option(pair: Pair, region: str, name: str, default: Any = None) -> Any:
    """A setting, as it is for one region: `regions.<region>.<name>` before `<name>`."""
    there = pair.settings.get("regions", {}).get(region, {})
    return there.get(name, pair.settings.get(name, default))


@dataclass(frozen=True, slots=True)
class Look:
    """What one region answered: its file systems by id, its backups, the newest first, its time in seconds."""

    files: Mapping[str, FileSystem]
    backups: tuple[Backup, ...]
    now: float


def observe(reader: Reader, pairs: Sequence[Pair]) -> dict[str, Seen]:
    """Pair key -> Seen. Two listings a region, and the network interfaces and fencing groups of all sources."""
    account, source_region, target_region = pairs[0].account, pairs[0].source_region, pairs[0].target_region
    here = look_at(reader, account, source_region)
    there = look_at(reader, account, target_region)
    places = {pair.key: _places(pair, here, there) for pair in pairs}
    sources = {pair.key: _find(here, source_region, pair.source_id, places[pair.key]) for pair in pairs}
    full, fences = with_interfaces(reader, account, source_region, sources)
    seen = {}
    for pair in pairs:
        source, target = full[pair.key], _find(there, target_region, pair.target_id, places[pair.key])
        left = source.place if isinstance(source, FileSystem) else (source_region, pair.source_id)
        fence: str | Unreachable | None = UNREACHABLE
        if isinstance(source, FileSystem) and not isinstance(fences, Unreachable):
            fence = fences.get(source.vpc_id)
        seen[pair.key] = Seen(
            source=source,
            target=target,
            here=_of(here, places[pair.key]),
            there=_of(there, places[pair.key]),
            restored=isinstance(target, FileSystem) and target.tags.get(PEER_TAG) == ":".join(left),
            fence_group=fence,
            now=there.now if isinstance(there, Look) else 0.0,
        )
    return seen


def _places(pair: Pair, *looks: Look | Unreachable) -> set[tuple[str, str]]:
    """Everything that this pair's file systems are or were, by the tags of what was restored from what."""
    links = {
        one.place: (parts[0], parts[2])
        for look in looks
        if isinstance(look, Look)
        for one in look.files.values()
        if (parts := one.tags.get(PEER_TAG, "").partition(":"))[2]
    }
    found = {(pair.source_region, pair.source_id), (pair.target_region, pair.target_id)}
    while more := {place for link in links.items() if found.intersection(link) for place in link} - found:
        found |= more
    return found


def standing(pair: Pair, there: Look) -> tuple[FileSystem | None, tuple[Backup, ...]]:
    """What stands of a pair in its target region, by that region alone: its file system, and its backups, the newest first."""
    places = _places(pair, there)
    return _last(there, pair.target_region, pair.target_id, places), _backups(there, places)


def _of(look: Look | Unreachable, places: set[tuple[str, str]]) -> tuple[Backup, ...] | Unreachable:
    return UNREACHABLE if isinstance(look, Unreachable) else _backups(look, places)


def _backups(look: Look, places: set[tuple[str, str]]) -> tuple[Backup, ...]:
    return tuple(one for one in look.backups if one.of in places)


def look_at(reader: Reader, account: str, region: str) -> Look | Unreachable:
    """Every file system and every backup of one region."""
    files, now = _all(reader, account, region, "describe_file_systems", "FileSystems")
    backups, _later = _all(reader, account, region, "describe_backups", "Backups")
    if isinstance(files, Unreachable) or isinstance(backups, Unreachable):
        return UNREACHABLE
    found = sorted((_backup(one, region) for one in backups), key=lambda one: (-one.taken, one.id))
    return Look({one["FileSystemId"]: _file_system(one, region) for one in files}, tuple(found), now)


def _all(reader: Reader, account: str, region: str, operation: str, key: str) -> tuple[list[dict[str, Any]] | Unreachable, float]:
    found: list[dict[str, Any]] = []
    token: dict[str, Any] = {}
    while True:
        page = reader.read(account, region, "fsx", operation, **token)
        if isinstance(page, Unreachable) or page is None:
            return UNREACHABLE, 0.0
        found += page.get(key, ())
        if not page.get("NextToken"):
            return found, told_by(page)
        token = {"NextToken": page["NextToken"]}


def _tags(shown: Mapping[str, Any]) -> dict[str, str]:
    return {one["Key"]: one["Value"] for one in shown.get("Tags", ())}


def _backup(shown: Mapping[str, Any], region: str) -> Backup:
    tags, was = _tags(shown), shown.get("FileSystem", {})
    home = shown.get("SourceBackupRegion") or region
    of = tuple(tags[SOURCE_TAG].split(":", 1)) if ":" in tags.get(SOURCE_TAG, "") else (home, was.get("FileSystemId", ""))
    return Backup(
        id=shown["BackupId"],
        state=shown["Lifecycle"],
        taken=float(number(tags.get(TAKEN_TAG)) or seconds(shown["CreationTime"])),
        of=(of[0], of[1]),
        original=shown.get("SourceBackupId", ""),
        message=shown.get("FailureDetails", {}).get("Message", ""),
        shown=was,
        tags=tags,
    )


def _file_system(shown: Mapping[str, Any], region: str) -> FileSystem:
    return FileSystem(
        id=shown["FileSystemId"],
        arn=shown["ResourceARN"],
        region=region,
        kind=shown.get("FileSystemType", ""),
        state=shown["Lifecycle"],
        storage_gb=int(shown.get("StorageCapacity", 0)),
        dns_name=shown.get("DNSName", ""),
        vpc_id=shown.get("VpcId", ""),
        subnets=tuple(shown.get("SubnetIds", ())),
        interface_ids=tuple(shown.get("NetworkInterfaceIds", ())),
        message=shown.get("FailureDetails", {}).get("Message", ""),
        shown=shown,
        tags=_tags(shown),
    )


def _find(look: Look | Unreachable, region: str, ident: str, places: set[tuple[str, str]]) -> Side:
    return UNREACHABLE if isinstance(look, Unreachable) else _last(look, region, ident, places)


def _last(look: Look, region: str, ident: str, places: set[tuple[str, str]]) -> FileSystem | None:
    """This pair's file system in a region: the one that was activated last."""
    found = [one for one in look.files.values() if (region, one.id) in places]
    return max(found, key=lambda one: (not one.retired, one.epoch, one.id == ident, one.id), default=None)


def _interfaces(reader: Reader, account: str, region: str, wanted: Sequence[str]) -> list[dict[str, Any]] | Unreachable:
    """Network interfaces by their ids, as many in a call as a filter takes: a file system for Lustre has many."""
    found: list[dict[str, Any]] = []
    for start in range(0, len(wanted), FILTER_VALUES):
        chosen = [{"Name": "network-interface-id", "Values": list(wanted[start : start + FILTER_VALUES])}]
        shown = reader.pages(account, region, "ec2", "describe_network_interfaces", "NetworkInterfaces", Filters=chosen)
        if isinstance(shown, Unreachable) or shown is None:
            return UNREACHABLE
        found += shown
    return found


def with_interfaces(
    reader: Reader, account: str, region: str, sides: Mapping[str, Side]
) -> tuple[dict[str, Side], Mapping[str, str] | Unreachable]:
    """The sides with their interfaces' groups, and VPC id -> the id of the group that fences there."""
    present = [side for side in sides.values() if isinstance(side, FileSystem)]
    wanted = sorted({name for side in present for name in side.interface_ids})
    if not wanted:
        return dict(sides), {}
    shown = _interfaces(reader, account, region, wanted)
    vpcs = sorted({side.vpc_id for side in present if side.vpc_id})
    named = [{"Name": "group-name", "Values": [FENCE_GROUP]}, {"Name": "vpc-id", "Values": vpcs}]
    groups = reader.pages(account, region, "ec2", "describe_security_groups", "SecurityGroups", Filters=named)
    if isinstance(shown, Unreachable) or isinstance(groups, Unreachable) or groups is None:
        dark = {key: replace(side, interfaces=UNREACHABLE) if isinstance(side, FileSystem) else side for key, side in sides.items()}
        return dark, UNREACHABLE
    known = {one["NetworkInterfaceId"]: tuple(group["GroupId"] for group in one.get("Groups", ())) for one in shown}
    full: dict[str, Side] = {}
    for key, side in sides.items():
        if isinstance(side, FileSystem):
            mine = {name: known[name] for name in side.interface_ids if name in known}
            full[key] = replace(side, interfaces=mine)
        else:
            full[key] = side
    return full, {one["VpcId"]: one["GroupId"] for one in groups}
