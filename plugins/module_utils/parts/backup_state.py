# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS Backup keeps and restores in one region. Facts: the AWS Backup API reference."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from ..adapters.base import Reader
from ..model import UNREACHABLE, Unreachable
from .aws_time import seconds

#: States of a restore job that pass by themselves, and those of one that made nothing that can be used.
UNFINISHED: Final = frozenset({"PENDING", "RUNNING"})
FAILED: Final = frozenset({"ABORTED", "FAILED"})


@dataclass(frozen=True, slots=True)
class Point:
    """A recovery point. of: the ARN of what it was taken of. at: ISO 8601."""

    arn: str
    of: str
    vault: str
    status: str
    at: str


@dataclass(frozen=True, slots=True)
class Restore:
    """A restore job. made: the ARN of what it makes, "" until it is known. data_from: when its recovery point was taken.

    Times are ISO 8601, "" where AWS Backup does not tell.
    """

    id: str
    status: str
    point: str
    of: str = ""
    made: str = ""
    data_from: str = ""
    message: str = ""
    started: str = ""


def points(reader: Reader, account: str, region: str, arns: Collection[str]) -> tuple[Point, ...] | Unreachable:
    """The recovery points in a region of all these resources, which may be of other regions; the newest first."""
    found: list[Point] = []
    gone = ("ResourceNotFoundException",)
    for arn in sorted(arns):
        kept = reader.pages(
            account, region, "backup", "list_recovery_points_by_resource", "RecoveryPoints", absent=gone, ResourceArn=arn
        )
        if isinstance(kept, Unreachable):
            return UNREACHABLE
        found += [_point(one, arn) for one in kept or ()]
    return tuple(sorted(found, key=lambda one: (one.at, one.arn), reverse=True))


def restores(reader: Reader, account: str, region: str, kind: str) -> tuple[Restore, ...] | Unreachable:
    """The restore jobs of a resource type ("EFS") that AWS Backup still knows (30 days), the newest first."""
    jobs = reader.pages(account, region, "backup", "list_restore_jobs", "RestoreJobs", ByResourceType=kind)
    if isinstance(jobs, Unreachable):
        return UNREACHABLE
    return tuple(sorted(map(_restore, jobs or ()), key=lambda one: (one.started, one.id), reverse=True))


def asked_for(reader: Reader, account: str, region: str, jobs: Sequence[Restore]) -> Mapping[str, Mapping[str, str]] | Unreachable:
    """Job id -> the metadata that it was started with."""
    found: dict[str, Mapping[str, str]] = {}
    for one in jobs:
        told = reader.read(account, region, "backup", "get_restore_job_metadata", RestoreJobId=one.id)
        if isinstance(told, Unreachable):
            return UNREACHABLE
        found[one.id] = (told or {}).get("Metadata", {})
    return found


def _point(shown: Mapping[str, Any], of: str) -> Point:
    vault, status = shown.get("BackupVaultName", ""), shown.get("Status", "")
    return Point(shown["RecoveryPointArn"], of, vault, status, _iso(shown.get("CreationDate")))


def _restore(shown: Mapping[str, Any]) -> Restore:
    return Restore(
        id=shown["RestoreJobId"],
        status=shown["Status"],
        point=shown.get("RecoveryPointArn", ""),
        of=shown.get("SourceResourceArn", ""),
        made=shown.get("CreatedResourceArn", ""),
        data_from=_iso(shown.get("RecoveryPointCreationDate")),
        message=shown.get("StatusMessage", ""),
        started=_iso(shown.get("CreationDate")),
    )


def _iso(at: Any) -> str:
    return datetime.fromtimestamp(seconds(at), UTC).isoformat() if at else ""
