# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control plane: table, two buckets and topic in the control region. Made, and brought back to what they must be, idempotently.

Facts: DynamoDB developer guide (PITR, TTL and indexes are set one by one, each only while the table is ACTIVE); S3 user guide (a
bucket in us-east-1 is made without a location constraint; Object Lock needs versioning, and a COMPLIANCE lock ends by time only).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from .dynamo import error_code
from .errors import DrError, InputError

#: Index -> its partition and sort attributes: two of executions, three of audit entries.
INDEXES: Final = {
    "by-scope": ("scope", "started_at"),
    "by-status": ("status", "started_at"),
    "audit-by-actor": ("actor", "at"),
    "audit-by-day": ("audit_day", "at"),
    "audit-by-type": ("event_type", "at"),
}
#: How objects of evidence are locked unless told otherwise: for seven years (NFR-3.4), by nobody to be shortened.
LOCK_MODES: Final = ("COMPLIANCE", "GOVERNANCE")
LOCK_DAYS: Final = 2557
#: AWS's own key for SNS.
AWS_KEY: Final = "alias/aws/sns"
TTL_ATTRIBUTE: Final = "expires_at"
#: A table that a CloudFormation stack made names it.
STACK_TAG: Final = "dr-aws:stack"
POLL_SECONDS: Final = 2.0
POLLS: Final = 150


@dataclass(frozen=True, slots=True)
class Names:
    """What the parts of a control plane are called. audit: the bucket of evidence, `<bucket>-audit` when it is empty."""

    table: str
    bucket: str
    topic: str
    audit: str = ""

    @property
    def audit_bucket(self) -> str:
        """The bucket of evidence."""
        return self.audit or f"{self.bucket}-audit"

    @classmethod
    def default(cls, account: str, region: str) -> Names:
        """The names that are used unless told otherwise; a bucket's must be unique in the world."""
        return cls("dr-aws-state", f"dr-aws-{account}-{region}", "dr-aws-events")


@dataclass(frozen=True, slots=True)
class Outcome:
    """changes: what was changed, or would be, for people. topic_arn: None in check mode while there is no topic.

    lock: (mode, days), how new objects of evidence are locked.
    """

    changes: tuple[str, ...]
    topic_arn: str | None
    lock: tuple[str, int]

    @property
    def changed(self) -> bool:
        """Whether anything was, or would be, changed."""
        return bool(self.changes)


def ensure(
    dynamodb: Any,
    s3: Any,
    sns: Any,
    names: Names,
    region: str,
    *,
    apply: bool = True,
    deletion_protection: bool = True,
    kms_key_id: str | None = None,
    lock_mode: str | None = None,
    lock_days: int | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Table, buckets and topic as they must be. apply=False: check mode, changes nothing.

    kms_key_id: encrypts the topic (messages hold approval tokens); without one AWS's own key for SNS is used. lock_mode, lock_days:
    of new objects of evidence; None leaves what is, LOCK_MODES[0] and LOCK_DAYS for a new bucket. Nothing is ever deleted, no lock
    made weaker, and a bucket that belongs to someone else is an error.
    """
    table = _Table(dynamodb, names.table, sleep)
    changes = table.ensure(apply, deletion_protection)
    changes += _bucket(s3, names.bucket, region, apply)
    changes += _bucket(s3, names.audit_bucket, region, apply, lockable=True)
    lock, lock_changes = _lock(s3, names.audit_bucket, lock_mode, lock_days, apply)
    changes += lock_changes
    topic_arn, topic_changes = _topic(sns, names.topic, kms_key_id or AWS_KEY, apply)
    return Outcome(tuple(changes + topic_changes), topic_arn, lock)


def stack_of(dynamodb: Any, table: str) -> str:
    """The CloudFormation stack that made a control plane's table; "" when calls made it, or nothing did yet."""
    try:
        arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
    except Exception as error:
        if error_code(error) == "ResourceNotFoundException":
            return ""
        raise
    tags = dynamodb.list_tags_of_resource(ResourceArn=arn).get("Tags", ())
    return next((str(one["Value"]) for one in tags if one["Key"] == STACK_TAG), "")


class _Table:
    def __init__(self, client: Any, name: str, sleep: Callable[[float], None]) -> None:
        self.client, self.name, self.sleep = client, name, sleep

    def ensure(self, apply: bool, deletion_protection: bool) -> list[str]:
        changes = []
        found = self._described()
        if found is None:
            changes.append(f"create table {self.name}")
            if not apply:
                return [*changes, *(f"{what} of table {self.name}" for what in ("enable point-in-time recovery", "enable expiry"))]
            self._create(deletion_protection)
            found = self._settled()
        else:
            self._refuse_foreign(found)
        indexes = {one["IndexName"] for one in found.get("GlobalSecondaryIndexes", ())}
        for name in INDEXES:
            if name not in indexes:
                changes.append(f"add index {name} to table {self.name}")
                if apply:
                    self._add_index(name)
        if deletion_protection and not found.get("DeletionProtectionEnabled"):
            changes.append(f"protect table {self.name} against deletion")
            if apply:
                self.client.update_table(TableName=self.name, DeletionProtectionEnabled=True)
                self._settled()
        backups = self.client.describe_continuous_backups(TableName=self.name)["ContinuousBackupsDescription"]
        recovery = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
        if recovery != "ENABLED":
            changes.append(f"enable point-in-time recovery of table {self.name}")
            if apply:
                self._recovery()
        expiry = self.client.describe_time_to_live(TableName=self.name)["TimeToLiveDescription"]
        if expiry.get("TimeToLiveStatus") not in ("ENABLED", "ENABLING"):
            changes.append(f"enable expiry of table {self.name}")
            if apply:
                wanted = {"Enabled": True, "AttributeName": TTL_ATTRIBUTE}
                self.client.update_time_to_live(TableName=self.name, TimeToLiveSpecification=wanted)
        return changes

    def _create(self, deletion_protection: bool) -> None:
        self.client.create_table(
            TableName=self.name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=_keys("PK", "SK"),
            AttributeDefinitions=_attributes("PK", "SK", *(name for keys in INDEXES.values() for name in keys)),
            GlobalSecondaryIndexes=[_index(name) for name in INDEXES],
            DeletionProtectionEnabled=deletion_protection,
            SSESpecification={"Enabled": True},
        )

    def _add_index(self, name: str) -> None:
        self.client.update_table(
            TableName=self.name,
            AttributeDefinitions=_attributes("PK", "SK", *INDEXES[name]),
            GlobalSecondaryIndexUpdates=[{"Create": _index(name)}],
        )
        self._settled()

    def _recovery(self) -> None:
        """A new table is not ready for it at once: ContinuousBackupsUnavailableException for a while."""
        for _poll in range(POLLS):
            try:
                self.client.update_continuous_backups(
                    TableName=self.name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
                )
            except Exception as error:
                if error_code(error) != "ContinuousBackupsUnavailableException":
                    raise
                self.sleep(POLL_SECONDS)
            else:
                return
        raise _late(f"point-in-time recovery of table {self.name}")

    def _settled(self) -> dict[str, Any]:
        """The table once it and its indexes are ACTIVE."""
        for _poll in range(POLLS):
            found = self._described()
            indexes = found.get("GlobalSecondaryIndexes", ()) if found else ()
            states = {one.get("IndexStatus", "ACTIVE") for one in indexes}
            if found and found["TableStatus"] == "ACTIVE" and states <= {"ACTIVE"}:
                return found
            self.sleep(POLL_SECONDS)
        raise _late(f"table {self.name}")

    def _described(self) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self.client.describe_table(TableName=self.name)["Table"]
        except Exception as error:
            if error_code(error) == "ResourceNotFoundException":
                return None
            raise
        return found

    def _refuse_foreign(self, found: Mapping[str, Any]) -> None:
        if sorted(key["AttributeName"] for key in found["KeySchema"]) != ["PK", "SK"]:
            text = (
                f"table {self.name} exists, but has the keys {[key['AttributeName'] for key in found['KeySchema']]}, not PK and SK"
            )
            raise DrError(text, "choose another table name")


def _keys(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]


def _attributes(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": "S"} for name in dict.fromkeys(names)]


def _index(name: str) -> dict[str, Any]:
    return {"IndexName": name, "KeySchema": _keys(*INDEXES[name]), "Projection": {"ProjectionType": "ALL"}}


_BLOCKED: Final = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}


def _bucket(s3: Any, bucket: str, region: str, apply: bool, *, lockable: bool = False) -> list[str]:
    changes = []
    exists = _bucket_exists(s3, bucket)
    if not exists:
        changes.append(f"create bucket {bucket}")
        if apply:
            place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
            s3.create_bucket(Bucket=bucket, ObjectOwnership="BucketOwnerEnforced", ObjectLockEnabledForBucket=lockable, **place)
            exists = True
    versioned = s3.get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled" if exists else lockable  # a lock brings versions
    if not versioned:
        changes.append(f"version bucket {bucket}")
        if apply:
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    rules = exists and _setting(s3.get_bucket_encryption, bucket, "ServerSideEncryptionConfigurationNotFoundError")
    if not rules:
        changes.append(f"encrypt bucket {bucket}")
        if apply:
            rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
            s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    blocked = exists and _setting(s3.get_public_access_block, bucket, "NoSuchPublicAccessBlockConfiguration")
    if not blocked or blocked["PublicAccessBlockConfiguration"] != _BLOCKED:
        changes.append(f"block public access to bucket {bucket}")
        if apply:
            s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=_BLOCKED)
    return changes


def _lock(s3: Any, bucket: str, mode: str | None, days: int | None, apply: bool) -> tuple[tuple[str, int], list[str]]:
    """How new objects are locked from now on, and what that changes. What is locked already stays as it is."""
    read = s3.get_object_lock_configuration
    found = _setting(read, bucket, "ObjectLockConfigurationNotFoundError", "NoSuchBucket") or {}
    rule = found.get("ObjectLockConfiguration", {}).get("Rule", {}).get("DefaultRetention", {})
    held = (rule["Mode"], int(rule.get("Days") or 0) or int(rule.get("Years") or 0) * 365) if rule else None
    wanted = (mode or (held[0] if held else LOCK_MODES[0]), days or (held[1] if held else LOCK_DAYS))
    if held and LOCK_MODES.index(wanted[0]) > LOCK_MODES.index(held[0]):
        raise InputError("object_lock_mode", mode, f"{held[0]}, which bucket {bucket} has", "choose another bucket for evidence")
    if held and wanted[1] < held[1]:
        raise InputError(
            "object_lock_days", days, f"at least {held[1]}, as bucket {bucket} has", "choose another bucket for evidence"
        )
    if held == wanted:
        return wanted, []
    if apply:
        retention = {"DefaultRetention": {"Mode": wanted[0], "Days": wanted[1]}}
        s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": retention})
    return wanted, [f"lock new objects of bucket {bucket} for {wanted[1]} days ({wanted[0]})"]


def _bucket_exists(s3: Any, bucket: str) -> bool:
    try:
        s3.head_bucket(Bucket=bucket)
    except Exception as error:
        if error_code(error) in ("404", "NoSuchBucket"):
            return False
        if error_code(error) in ("403", "AccessDenied"):
            raise DrError(
                f"bucket {bucket} exists, but is somebody else's or may not be used", "choose another bucket name"
            ) from error
        raise
    return True


def _setting(read: Callable[..., dict[str, Any]], bucket: str, *absent: str) -> dict[str, Any] | None:
    try:
        return read(Bucket=bucket)
    except Exception as error:
        if error_code(error) in absent:
            return None
        raise


def find_topic(sns: Any, name: str) -> str | None:
    """The ARN of a topic by its name; None when there is none."""
    pages = sns.get_paginator("list_topics").paginate()
    known = [topic["TopicArn"] for page in pages for topic in page.get("Topics", ())]
    return next((str(one) for one in known if one.endswith(f":{name}")), None)


def _topic(sns: Any, name: str, kms_key_id: str, apply: bool) -> tuple[str | None, list[str]]:
    arn = find_topic(sns, name)
    if arn is None:
        if not apply:
            return None, [f"create topic {name}"]
        made = sns.create_topic(Name=name, Attributes={"KmsMasterKeyId": kms_key_id})
        return str(made["TopicArn"]), [f"create topic {name}"]
    if sns.get_topic_attributes(TopicArn=arn)["Attributes"].get("KmsMasterKeyId"):
        return arn, []
    if apply:
        sns.set_topic_attributes(TopicArn=arn, AttributeName="KmsMasterKeyId", AttributeValue=kms_key_id)
    return arn, [f"encrypt topic {name}"]


def _late(what: str) -> DrError:
    return DrError(f"{what} was not ready after {POLL_SECONDS * POLLS:.0f} s", "run ansible-playbook dr.aws.control_plane again")
