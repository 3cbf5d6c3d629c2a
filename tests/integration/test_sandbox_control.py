# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the control plane's own services do in the sandbox beyond moto: object lock, repeated transactions."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config


@pytest.fixture
def bucket(sandbox: Any) -> Any:
    s3 = sandbox.client("s3")
    where = {"LocationConstraint": "us-west-2"}
    s3.create_bucket(Bucket="evidence", ObjectLockEnabledForBucket=True, CreateBucketConfiguration=where)
    rule = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 30}}}
    s3.put_object_lock_configuration(Bucket="evidence", ObjectLockConfiguration=rule)
    return s3


def test_the_default_retention_is_told(bucket: Any) -> None:
    bucket.put_object(Bucket="evidence", Key="report", Body=b"x")
    assert bucket.get_object_retention(Bucket="evidence", Key="report")["Retention"]["Mode"] == "COMPLIANCE"


def test_compliance_can_be_made_longer_but_not_shorter(bucket: Any, aws_code: Callable[..., str]) -> None:
    bucket.put_object(Bucket="evidence", Key="report", Body=b"x")
    now = datetime.now(UTC)

    def keep(days: int, mode: str = "COMPLIANCE") -> dict[str, Any]:
        retention = {"Mode": mode, "RetainUntilDate": now + timedelta(days=days)}
        return {"Bucket": "evidence", "Key": "report", "Retention": retention}

    bucket.put_object_retention(**keep(60))
    assert aws_code(bucket.put_object_retention, **keep(10)) == "AccessDenied"
    assert aws_code(bucket.put_object_retention, **keep(90, "GOVERNANCE")) == "AccessDenied"


def test_a_locked_version_cannot_be_deleted(bucket: Any, aws_code: Callable[..., str]) -> None:
    version = bucket.put_object(Bucket="evidence", Key="report", Body=b"x")["VersionId"]
    assert aws_code(bucket.delete_object, Bucket="evidence", Key="report", VersionId=version) == "AccessDenied"


def test_a_presigned_link_works_without_a_header(bucket: Any, sandbox: Any) -> None:
    bucket.put_object(Bucket="evidence", Key="report", Body=b"x" * 100_000)
    signer = boto3.client("s3", config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))
    link = signer.generate_presigned_url("get_object", Params={"Bucket": "evidence", "Key": "report"})
    assert link.startswith(sandbox.endpoint)
    with urllib.request.urlopen(link) as answer:
        assert len(answer.read()) == 100_000


def test_a_transaction_repeated_with_its_token_has_no_second_effect(sandbox: Any, aws_code: Callable[..., str]) -> None:
    table = sandbox.client("dynamodb")
    table.create_table(
        TableName="executions",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )

    def put(name: str) -> list[dict[str, Any]]:
        item = {"TableName": "executions", "Item": {"id": {"S": name}}, "ConditionExpression": "attribute_not_exists(id)"}
        return [{"Put": item}]

    table.transact_write_items(TransactItems=put("a"), ClientRequestToken="token-1")
    table.transact_write_items(TransactItems=put("a"), ClientRequestToken="token-1")
    other = {"TransactItems": put("b"), "ClientRequestToken": "token-1"}
    assert aws_code(table.transact_write_items, **other) == "IdempotentParameterMismatchException"
    again = {"TransactItems": put("a"), "ClientRequestToken": "token-2"}
    assert aws_code(table.transact_write_items, **again) == "TransactionCanceledException"


def test_a_cancelled_transaction_changes_nothing_and_shows_what_was_in_its_way(sandbox: Any) -> None:
    table = sandbox.client("dynamodb")
    keys = {"id": "HASH", "at": "RANGE"}
    table.create_table(
        TableName="executions",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
        BillingMode="PAY_PER_REQUEST",
    )
    first, second = ({"id": {"S": "a"}, "at": {"S": at}} for at in ("1", "2"))
    for key in (first, second):
        table.put_item(TableName="executions", Item={**key, "ver": {"N": "1"}})
    count = {"UpdateExpression": "ADD ver :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
    update = {"Update": {"TableName": "executions", "Key": first, **count}}
    condition = {"ConditionExpression": "attribute_not_exists(id)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    put = {"Put": {"TableName": "executions", "Item": second, **condition}}
    with pytest.raises(table.exceptions.TransactionCanceledException) as refused:
        table.transact_write_items(TransactItems=[update, put])
    (nothing, reason) = refused.value.response["CancellationReasons"]
    assert (nothing["Code"], reason["Code"], reason["Item"]["ver"]) == ("None", "ConditionalCheckFailed", {"N": "1"})
    assert [item["ver"] for item in table.scan(TableName="executions")["Items"]] == [{"N": "1"}] * 2
    table.transact_write_items(TransactItems=[update])
    assert [item["ver"] for item in table.scan(TableName="executions")["Items"]] == [{"N": "2"}, {"N": "1"}]
