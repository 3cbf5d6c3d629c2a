# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a drill of an EFS file system sees of the target region: the standby, its backups, the restore job, and the copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ..adapters.base import Reader
from ..model import UNREACHABLE, Pair, Unreachable
from ..parts.backup_state import FAILED, UNFINISHED, Point, Restore, asked_for, points, restores
from ..parts.efs_state import Look, identified, look_at
from . import room
from .base import carries, name, partition, tags_of

_GONE: Final = ("FileSystemNotFound", "PolicyNotFound")


@dataclass(frozen=True, slots=True)
class Standby:
    """What is protected. key: ARN of its key, "" for AWS's own. performance: its mode. vpcs: where it is mounted."""

    id: str
    arn: str
    encrypted: bool = True
    key: str = ""
    performance: str = "generalPurpose"
    vpcs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Copy:
    """The file system that was made under the drill's token.

    backed_up: its automatic backups are on. mounts: mount target id -> state. points: what AWS Backup keeps of it.
    """

    id: str
    arn: str
    state: str
    tags: Mapping[str, str]
    backed_up: bool = False
    mounts: Mapping[str, str] = field(default_factory=dict)
    points: tuple[Point, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """The target region, which answered. points: of the standby and of what it is a copy of, the newest first.

    job: the restore job of this drill. ended: the id of the last restore job of these points that is over, "" before the first.
    """

    room: room.Room | None
    standby: Standby | None
    points: tuple[Point, ...] = ()
    job: Restore | None = None
    ended: str = ""
    copy: Copy | None = None

    def ours(self, pair: Pair) -> bool:
        """Whether the copy is the drill's own. A restore does not tag: until it carries the tags, the drill's restore job tells."""
        return self.copy is not None and (carries(self.copy.tags, pair) or self.job is not None)

    @property
    def data_from(self) -> str:
        """When the backup that the copy was made of was taken, ISO 8601; "" when AWS Backup does not know any more."""
        job = self.job
        return job.data_from or next((one.at for one in self.points if one.arn == job.point), "") if job else ""


def token(pair: Pair) -> str:
    """The creation token of the copy: what the drill calls it, as AWS chooses the id."""
    return name(pair, 63)


def _arn(pair: Pair, region: str, ident: str) -> str:
    return f"arn:{partition(region)}:elasticfilesystem:{region}:{pair.account}:file-system/{ident}"


def observe(reader: Reader, pairs: Sequence[Pair]) -> dict[str, Seen | Unreachable]:
    """Pair key -> what is seen; UNREACHABLE where any service of the target region does not answer."""
    account, region = pairs[0].account, pairs[0].target_region
    here = room.observe(reader, account, region)
    # The file systems before the jobs: what a finished job has made is among them.
    look = look_at(reader, account, region)
    jobs = restores(reader, account, region, "EFS")
    if isinstance(here, Unreachable) or isinstance(look, Unreachable) or isinstance(jobs, Unreachable):
        return {pair.key: UNREACHABLE for pair in pairs}
    return {pair.key: _seen(reader, pair, here, look, jobs) for pair in pairs}


def _seen(reader: Reader, pair: Pair, here: room.Room | None, look: Look, jobs: Sequence[Restore]) -> Seen | Unreachable:
    source, target = identified(pair, UNREACHABLE, look)
    arns = {_arn(pair, pair.source_region, source), _arn(pair, pair.target_region, target)}
    kept = points(reader, pair.account, pair.target_region, arns)
    standby = _standby(reader, pair, look.files.get(target))
    copy = _copy(reader, pair, look)
    if isinstance(kept, Unreachable) or isinstance(standby, Unreachable) or isinstance(copy, Unreachable):
        return UNREACHABLE
    near = [one for one in jobs if one.of in arns or one.point in {point.arn for point in kept}]
    told = asked_for(reader, pair.account, pair.target_region, [one for one in near if one.status in UNFINISHED | FAILED])
    if isinstance(told, Unreachable):
        return UNREACHABLE
    mine = [
        one
        for one in near
        if told.get(one.id, {}).get("CreationToken") == token(pair) or (copy is not None and one.made == copy.arn)
    ]
    ended = [one.id for one in near if one.status not in UNFINISHED]
    return Seen(here, standby, kept, next(iter(mine), None), next(iter(ended), ""), copy)


def _standby(reader: Reader, pair: Pair, shown: Mapping[str, Any] | None) -> Standby | Unreachable | None:
    if shown is None:
        return None
    mounts = _mounts(reader, pair, shown["FileSystemId"])
    if isinstance(mounts, Unreachable):
        return UNREACHABLE
    return Standby(
        id=shown["FileSystemId"],
        arn=_arn(pair, pair.target_region, shown["FileSystemId"]),
        encrypted=bool(shown.get("Encrypted")),
        key=shown.get("KmsKeyId") or "",
        performance=shown.get("PerformanceMode", "generalPurpose"),
        vpcs=tuple(sorted({one["VpcId"] for one in mounts})),
    )


def _copy(reader: Reader, pair: Pair, look: Look) -> Copy | Unreachable | None:
    there = [one for one in look.files.values() if one.get("CreationToken") == token(pair) and one["LifeCycleState"] != "deleted"]
    if not there:
        return None
    (shown,) = there
    account, region, ident = pair.account, pair.target_region, shown["FileSystemId"]
    arn = _arn(pair, region, ident)
    mounts = _mounts(reader, pair, ident)
    kept = points(reader, account, region, [arn])
    policy = reader.read(account, region, "efs", "describe_backup_policy", absent=_GONE, FileSystemId=ident)
    if isinstance(mounts, Unreachable) or isinstance(kept, Unreachable) or isinstance(policy, Unreachable):
        return UNREACHABLE
    return Copy(
        id=ident,
        arn=arn,
        state=shown["LifeCycleState"],
        tags=tags_of(shown.get("Tags", ())),
        backed_up=policy is not None and policy["BackupPolicy"]["Status"] in ("ENABLED", "ENABLING"),
        mounts={one["MountTargetId"]: one["LifeCycleState"] for one in mounts if one["LifeCycleState"] != "deleted"},
        points=kept,
    )


def _mounts(reader: Reader, pair: Pair, ident: str) -> Sequence[Mapping[str, Any]] | Unreachable:
    account, region = pair.account, pair.target_region
    found = reader.pages(account, region, "efs", "describe_mount_targets", "MountTargets", absent=_GONE, FileSystemId=ident)
    return found if isinstance(found, Unreachable) else found or ()
