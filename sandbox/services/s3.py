# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""S3: object lock as AWS keeps it; statements of bucket policies whose condition does not hold say nothing."""

from __future__ import annotations

import json
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket

from sandbox.gateway import Ctx, op
from sandbox.model import AwsError


def _retention(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Mode and date of an object version: its own, or the bucket's default (where moto's GetObjectRetention fails)."""
    version = {"VersionId": params["VersionId"]} if params.get("VersionId") else {}
    head = ctx.client("s3").head_object(Bucket=params["Bucket"], Key=params["Key"], **version)
    if "ObjectLockMode" not in head:
        return {}
    return {"Mode": head["ObjectLockMode"], "RetainUntilDate": head["ObjectLockRetainUntilDate"]}


@op("s3", "GetObjectRetention")
def get_object_retention(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Also for a retention that came from the bucket's default."""
    retention = _retention(ctx, params)
    if not retention:
        text = "The specified object does not have a ObjectLock configuration"
        raise AwsError("NoSuchObjectLockConfiguration", text, 404)
    return {"Retention": retention}


@op("s3", "PutObjectRetention")
def put_object_retention(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """COMPLIANCE can be made longer by anyone, and shorter by nobody (S3 guide, "Object Lock considerations")."""
    held, wanted = _retention(ctx, params), params.get("Retention", {})
    if held.get("Mode") == "COMPLIANCE":
        date = wanted.get("RetainUntilDate")
        if wanted.get("Mode") != "COMPLIANCE" or date is None or date.timestamp() < held["RetainUntilDate"].timestamp():
            raise AwsError("AccessDenied", "Access Denied because object protected by object lock.", 403)
    return ctx.moto()


def _permission(bucket: FakeBucket, action: str, resource: str) -> PermissionResult:
    """Calls count as made over TLS of today. Moto takes a condition that does not hold for a refusal; here it never holds."""
    if bucket.policy is None:
        return PermissionResult.NEUTRAL
    policy = json.loads(bucket.policy)
    always = [one for one in policy["Statement"] if "Condition" not in one]
    return IAMPolicy(json.dumps({**policy, "Statement": always})).is_action_permitted(action, resource)


FakeBucket.get_permission = _permission  # type: ignore[assignment, method-assign]
