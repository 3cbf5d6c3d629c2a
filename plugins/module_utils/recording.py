# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CloudTrail trail to the bucket of evidence: AWS's own record of every call, for as long as evidence is kept (FR-6.3, NFR-3.4).

Facts: CloudTrail user guide, "Amazon S3 bucket policy for CloudTrail" and "Creating a trail for an organization": the service may
read the bucket's ACL and write below `<prefix>/AWSLogs/<account>/`, of an organization below `<prefix>/AWSLogs/<organization>/` as
well; only the management account (or a delegated administrator) makes an organization's trail. Validation of log files is off
unless asked for. A new trail records nothing until StartLogging.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from .dynamo import error_code
from .errors import DrError, InputError

PREFIX: Final = "cloudtrail"
SERVICE: Final = "cloudtrail.amazonaws.com"
_NAME: Final = re.compile(r"[0-9A-Za-z](?:[._-]?[0-9A-Za-z])+")
_ORGANIZATION: Final = re.compile(r"o-[a-z0-9]{10,32}")


@dataclass(frozen=True, slots=True)
class Trail:
    """A trail that is asked for. organization: `o-…`, or "" for a trail of the account alone."""

    name: str
    bucket: str
    region: str
    account: str
    partition: str = "aws"
    organization: str = ""

    def __post_init__(self) -> None:
        if not 3 <= len(self.name) <= 128 or not _NAME.fullmatch(self.name):
            allowed = "3 to 128 letters and digits, with single . _ - between them"
            raise InputError("trail", self.name, allowed, "-e trail=dr-aws")
        if self.organization and not _ORGANIZATION.fullmatch(self.organization):
            remedy = "aws organizations describe-organization tells it"
            raise InputError("organization_id", self.organization, "an id such as o-1a2b3c4d5e", remedy)

    @property
    def arn(self) -> str:
        """The trail's."""
        return f"arn:{self.partition}:cloudtrail:{self.region}:{self.account}:trail/{self.name}"

    def settings(self) -> dict[str, Any]:
        """What it must be: all regions, global services, its log files provable, to the bucket of evidence."""
        return {
            "S3BucketName": self.bucket,
            "S3KeyPrefix": PREFIX,
            "IncludeGlobalServiceEvents": True,
            "IsMultiRegionTrail": True,
            "EnableLogFileValidation": True,
            "IsOrganizationTrail": bool(self.organization),
        }

    def statements(self) -> list[dict[str, Any]]:
        """What the bucket's policy must allow, to this trail only."""
        bucket = f"arn:{self.partition}:s3:::{self.bucket}"
        owners = [self.account, *filter(None, (self.organization,))]
        ours = {"aws:SourceArn": self.arn}
        return [
            {
                "Sid": f"DrAwsTrailAclCheck{_sid(self.name)}",
                "Effect": "Allow",
                "Principal": {"Service": SERVICE},
                "Action": "s3:GetBucketAcl",
                "Resource": bucket,
                "Condition": {"StringEquals": ours},
            },
            {
                "Sid": f"DrAwsTrailWrite{_sid(self.name)}",
                "Effect": "Allow",
                "Principal": {"Service": SERVICE},
                "Action": "s3:PutObject",
                "Resource": [f"{bucket}/{PREFIX}/AWSLogs/{owner}/*" for owner in owners],
                "Condition": {"StringEquals": {**ours, "s3:x-amz-acl": "bucket-owner-full-control"}},
            },
        ]


def ensure(cloudtrail: Any, s3: Any, trail: Trail, *, apply: bool = True) -> list[str]:
    """The trail, and what it needs of the bucket, as they must be; gives what was changed, or would be. Nothing is ever deleted.

    apply=False: check mode. DrError for a trail of that name that another region or account owns.
    """
    changes = _policy(s3, trail, apply)
    found = _found(cloudtrail, trail)
    if found is None:
        changes.append(f"create trail {trail.name}")
        if apply:
            cloudtrail.create_trail(Name=trail.name, **trail.settings())
    elif differing := _differing(trail.settings(), found):
        changes.append(f"change {', '.join(differing)} of trail {trail.name}")
        if apply:
            cloudtrail.update_trail(Name=trail.name, **trail.settings())
    if found is None or not cloudtrail.get_trail_status(Name=trail.arn)["IsLogging"]:
        changes.append(f"start logging of trail {trail.name}")
        if apply:
            cloudtrail.start_logging(Name=trail.name)
    return changes


def _found(cloudtrail: Any, trail: Trail) -> Mapping[str, Any] | None:
    """The trail of that name, of this region; trails of all regions are seen from everywhere."""
    asked = cloudtrail.describe_trails(trailNameList=[], includeShadowTrails=True)["trailList"]
    named = [one for one in asked if one["Name"] == trail.name]
    strange = [one["TrailARN"] for one in named if one["TrailARN"] != trail.arn]
    if strange:
        raise DrError(f"trail {trail.name} exists already as {strange[0]}", "choose another name: -e trail=…")
    return next(iter(named), None)


def _differing(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Names of settings that are not what they must be; DescribeTrails says one of them otherwise."""
    said = {**found, "EnableLogFileValidation": found.get("LogFileValidationEnabled")}
    return [name for name, value in wanted.items() if said.get(name) != value]


def _policy(s3: Any, trail: Trail, apply: bool) -> list[str]:
    """The bucket's policy with our statements; others' stay."""
    try:
        policy = json.loads(s3.get_bucket_policy(Bucket=trail.bucket)["Policy"])
    except Exception as error:
        if error_code(error) not in ("NoSuchBucketPolicy", "NoSuchBucket"):  # in check mode there may be no bucket yet
            raise
        policy = {"Version": "2012-10-17", "Statement": []}
    wanted = {one["Sid"]: one for one in trail.statements()}
    kept = [one for one in policy["Statement"] if one.get("Sid") not in wanted]
    held = {one["Sid"]: one for one in policy["Statement"] if one.get("Sid") in wanted}
    if held == wanted:
        return []
    if apply:
        whole = {**policy, "Statement": [*kept, *wanted.values()]}
        s3.put_bucket_policy(Bucket=trail.bucket, Policy=json.dumps(whole))
    return [f"allow trail {trail.name} to write to bucket {trail.bucket}"]


def _sid(name: str) -> str:
    """A Sid takes letters and digits only."""
    return re.sub(r"[^0-9A-Za-z]", "", name)
