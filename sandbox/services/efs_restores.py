# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS Backup's restore jobs of EFS: always into a new file system, which carries no tags and is backed up like any other."""

from __future__ import annotations

from typing import Any

from sandbox.gateway import Ctx, op
from sandbox.model import AwsError
from sandbox.services.efs import made
from sandbox.services.recovery_points import keep, kept

# Simulated seconds.
QUEUE, RESTORE = 60, 1200
#: What the developer guide asks for.
_METADATA = ("file-system-id", "newFileSystem", "CreationToken", "PerformanceMode", "Encrypted")


def _jobs(ctx: Ctx) -> dict[str, dict[str, Any]]:
    """Idempotency token -> the job as AWS lists it, and metadata: what it was started with."""
    found: dict[str, dict[str, Any]] = ctx.at("backup").setdefault("restores", {})
    return found


@op("backup", "StartRestoreJob")
def start(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """The same token is the same job."""
    jobs, point, metadata = _jobs(ctx), kept(ctx).get(params["RecoveryPointArn"]), params["Metadata"]
    if point is None or point["Status"] != "COMPLETED":
        raise AwsError("ResourceNotFoundException", f"There is no recovery point {params['RecoveryPointArn']} to restore")
    lacking = [key for key in _METADATA if key not in metadata]
    if lacking or metadata["newFileSystem"] != "true":
        raise AwsError("InvalidParameterValueException", f"Metadata: {', '.join(lacking) or 'newFileSystem must be true here'}")
    token = params.get("IdempotencyToken") or str(len(jobs))
    if token not in jobs:
        jobs[token] = {
            "RestoreJobId": f"00000000-0000-0000-0001-{len(jobs):012d}",
            "AccountId": ctx.account,
            "RecoveryPointArn": point["RecoveryPointArn"],
            "SourceResourceArn": point["of"],
            "RecoveryPointCreationDate": point["CreationDate"],
            "CreationDate": ctx.clock.time(),
            "ResourceType": "EFS",
            "IamRoleArn": params.get("IamRoleArn", ""),
            "Status": "PENDING",
            "metadata": metadata,
        }
        ctx.eventually(QUEUE, lambda: _begin(ctx, jobs[token]))
    return {"RestoreJobId": jobs[token]["RestoreJobId"]}


def _begin(ctx: Ctx, job: dict[str, Any]) -> None:
    """The file system stands before its data is in it; a backup plan of the account takes it at once."""
    roles = [one["Arn"] for one in ctx.client("iam").list_roles()["Roles"]]
    if job["IamRoleArn"] not in roles:
        job.update(Status="FAILED", StatusMessage=f"AWS Backup cannot assume {job['IamRoleArn']}")
        return
    asked = job["metadata"]
    spec = {"encrypted": asked["Encrypted"] == "true", "kms_key_id": asked.get("KmsKeyId"), "token": asked["CreationToken"]}
    one = made(ctx, ctx.region, f"{asked['CreationToken']}-{job['RestoreJobId']}", spec)
    keep(ctx, one.file_system_arn, "plan")
    data = ctx.within("efs").data
    ctx.gw.markers.copy(data(job["RecoveryPointArn"]), data(one.file_system_id))
    job.update(Status="RUNNING")
    ctx.eventually(RESTORE, lambda: job.update(Status="COMPLETED", CreatedResourceArn=one.file_system_arn))


@op("backup", "ListRestoreJobs")
def list_jobs(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Of one resource type, or all."""
    found = [job for job in _jobs(ctx).values() if params.get("ByResourceType") in (None, job["ResourceType"])]
    return {"RestoreJobs": [{key: value for key, value in job.items() if key != "metadata"} for job in found]}


@op("backup", "GetRestoreJobMetadata")
def metadata_of(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """What a job was started with."""
    wanted = [job for job in _jobs(ctx).values() if job["RestoreJobId"] == params["RestoreJobId"]]
    if not wanted:
        raise AwsError("ResourceNotFoundException", f"There is no restore job {params['RestoreJobId']}")
    return {"RestoreJobId": params["RestoreJobId"], "Metadata": wanted[0]["metadata"]}
