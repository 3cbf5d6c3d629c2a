# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS Backup's recovery points: what backups leave in a region."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sandbox.gateway import Ctx, lists, op
from sandbox.model import AwsError

# Simulated seconds.
DELETION = 60


def kept(ctx: Ctx) -> dict[str, dict[str, Any]]:
    """ARN -> the recovery point as AWS lists it, and of: the ARN of what it was taken of."""
    found: dict[str, dict[str, Any]] = ctx.at("backup").setdefault("points", {})
    return found


def keep(ctx: Ctx, of: str, vault: str, arn: str = "") -> None:
    """A complete backup of a resource, taken now. It is not looked at whether the vault exists."""
    arn = arn or f"arn:aws:backup:{ctx.region}:{ctx.account}:recovery-point:{of.rpartition('/')[2]}-{len(kept(ctx))}"
    point = {"RecoveryPointArn": arn, "BackupVaultName": vault, "CreationDate": ctx.clock.time(), "Status": "COMPLETED"}
    kept(ctx)[arn] = {**point, "of": of}


@op("backup", "ListRecoveryPointsByResource")
def list_points(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Also of resources that are gone, or in another region."""
    found = [one for one in kept(ctx).values() if one["of"] == params["ResourceArn"]]
    return {"RecoveryPoints": [{key: value for key, value in one.items() if key != "of"} for one in found]}


@op("backup", "DeleteRecoveryPoint")
def delete_point(ctx: Ctx, params: dict[str, Any]) -> None:
    """Gone after a minute."""
    points, arn = kept(ctx), params["RecoveryPointArn"]
    if arn not in points or points[arn]["BackupVaultName"] != params["BackupVaultName"]:
        raise AwsError("ResourceNotFoundException", f"There is no recovery point {arn} in {params['BackupVaultName']}")
    points[arn]["Status"] = "DELETING"
    ctx.eventually(DELETION, lambda: points.pop(arn, None))


@lists("backup")
def listed(ctx: Ctx) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Recovery points; tags of theirs are not simulated."""
    for arn in kept(ctx):
        yield arn, "backup:recovery-point", {}
