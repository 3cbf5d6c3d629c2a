# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resource types of CloudFormation that moto lacks, or makes without what was asked for: each by the calls of its own service.

`looks` say what a resource is now, for the detection of drift.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError
from moto.cloudformation import parsing
from moto.cloudformation.exceptions import ValidationError
from moto.core.common_models import CloudFormationModel

from sandbox.gateway import Ctx

#: (context in the stack's account and region, name, properties) -> (physical id, attributes).
Make = Callable[[Ctx, str, dict[str, Any]], tuple[str, dict[str, str]]]
#: (context, physical id, its properties) -> what is compared; raises ClientError when it is gone.
Look = Callable[[Ctx, str], dict[str, Any]]
LOOKS: Final[dict[str, Look]] = {}
#: Python forgets subclasses that nothing else holds.
_MODELS: Final[list[type]] = []
_WORLD: ContextVar[Ctx] = ContextVar("the call that a stack is made or changed by")


@contextmanager
def within(ctx: Ctx) -> Iterator[None]:
    """Resources that moto makes of templates meanwhile are made in this call's world."""
    token = _WORLD.set(ctx)
    try:
        yield
    finally:
        _WORLD.reset(token)


@dataclass
class _Kind:
    name: str
    naming: str
    attributes: tuple[str, ...]
    make: Make
    remove: Callable[[Ctx, str], object] | None


def _given(value: Any) -> Any:
    """Without what was left out by AWS::NoValue, which moto keeps in lists."""
    if isinstance(value, dict):
        return {key: _given(one) for key, one in value.items() if one is not None}
    return [_given(one) for one in value if one is not None] if isinstance(value, list) else value


def _register(kind: _Kind) -> None:
    """Moto finds the types that it knows among the subclasses of its base class; the last of a type counts."""

    def made(cls: type, name: str, properties: dict[str, Any], account: str, region: str) -> Any:
        try:
            ident, attributes = kind.make(_WORLD.get().within(account=account, region=region), name, properties)
        except ClientError as error:
            raise ValidationError(message=error.response["Error"]["Message"]) from error
        one = cls()
        one.physical_resource_id, one.attributes = ident, attributes
        return one

    def create(cls: type, /, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_more: Any) -> Any:
        return made(cls, resource_name, _given(cloudformation_json["Properties"]), account_id, region_name)

    def update(
        cls: type, /, original_resource: Any, new_resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> Any:
        return made(cls, new_resource_name, _given(cloudformation_json["Properties"]), account_id, region_name)

    def delete(_cls: type, /, resource_name: str, _json: Any, account_id: str, region_name: str) -> None:
        if kind.remove:
            kind.remove(_WORLD.get().within(account=account_id, region=region_name), resource_name)

    members: dict[str, Any] = {
        "cloudformation_name_type": staticmethod(lambda: kind.naming),
        "cloudformation_type": staticmethod(lambda: kind.name),
        "has_cfn_attr": classmethod(lambda _cls, attr: attr in kind.attributes),
        "get_cfn_attribute": lambda one, attr: one.attributes[attr],
        "create_from_cloudformation_json": classmethod(create),
        "update_from_cloudformation_json": classmethod(update),
        "delete_from_cloudformation_json": classmethod(delete),
        "is_created": lambda _one: True,
    }
    _MODELS.append(type(kind.name.replace("::", ""), (CloudFormationModel,), members))
    parsing.get_model_list.cache_clear()
    parsing.get_model_map.cache_clear()
    parsing.get_name_type_map.cache_clear()


def made(
    name: str, naming: str = "", attributes: tuple[str, ...] = (), remove: Callable[[Ctx, str], object] | None = None
) -> Callable[[Make], Make]:
    """A type. naming: the property that names it. attributes: what Fn::GetAtt takes."""

    def register(make: Make) -> Make:
        _register(_Kind(name, naming, attributes, make, remove))
        return make

    return register


def looks(name: str) -> Callable[[Look], Look]:
    """What a resource of a type is now."""

    def register(look: Look) -> Look:
        LOOKS[name] = look
        return look

    return register


@made("AWS::DynamoDB::GlobalTable", "TableName", ("Arn",))
def global_table(ctx: Ctx, name: str, properties: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """The replica of the stack's own region, whose settings are the table's; others are not simulated."""
    client = ctx.client("dynamodb")
    own = next(one for one in properties["Replicas"] if one["Region"] == ctx.region)
    protected = own.get("DeletionProtectionEnabled", False)
    if name in client.list_tables()["TableNames"]:
        client.update_table(TableName=name, DeletionProtectionEnabled=protected)
    else:
        client.create_table(
            TableName=name,
            BillingMode=properties.get("BillingMode", "PROVISIONED"),
            KeySchema=properties["KeySchema"],
            AttributeDefinitions=properties["AttributeDefinitions"],
            GlobalSecondaryIndexes=properties.get("GlobalSecondaryIndexes", []),
            DeletionProtectionEnabled=protected,
            SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": own["SSESpecification"]["KMSMasterKeyId"]},
            Tags=own.get("Tags", []),
        )
    client.update_continuous_backups(
        TableName=name,
        PointInTimeRecoverySpecification=own.get("PointInTimeRecoverySpecification", {"PointInTimeRecoveryEnabled": False}),
    )
    if "TimeToLiveSpecification" in properties:
        client.update_time_to_live(TableName=name, TimeToLiveSpecification=properties["TimeToLiveSpecification"])
    return name, {"Arn": client.describe_table(TableName=name)["Table"]["TableArn"]}


@looks("AWS::DynamoDB::GlobalTable")
def look_at_table(ctx: Ctx, ident: str) -> dict[str, Any]:
    """What a table lets be changed past its stack."""
    client = ctx.client("dynamodb")
    table = client.describe_table(TableName=ident)["Table"]
    recovery = client.describe_continuous_backups(TableName=ident)["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    return {
        "DeletionProtectionEnabled": table["DeletionProtectionEnabled"],
        "PointInTimeRecoveryEnabled": recovery["PointInTimeRecoveryStatus"] == "ENABLED",
        "TimeToLive": client.describe_time_to_live(TableName=ident)["TimeToLiveDescription"]["TimeToLiveStatus"],
    }


@made("AWS::S3::Bucket", "BucketName", ("Arn",))
def bucket(ctx: Ctx, name: str, properties: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """With all that a bucket is asked to be; asked again, it is put again."""
    client = ctx.client("s3")
    if name not in [one["Name"] for one in client.list_buckets()["Buckets"]]:
        place = {} if ctx.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": ctx.region}}
        client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=properties.get("ObjectLockEnabled", False), **place)
    if "OwnershipControls" in properties:
        client.put_bucket_ownership_controls(Bucket=name, OwnershipControls=properties["OwnershipControls"])
    if "VersioningConfiguration" in properties:
        client.put_bucket_versioning(Bucket=name, VersioningConfiguration=properties["VersioningConfiguration"])
    if "BucketEncryption" in properties:
        rules = [
            {
                "ApplyServerSideEncryptionByDefault": one["ServerSideEncryptionByDefault"],
                "BucketKeyEnabled": one["BucketKeyEnabled"],
            }
            for one in properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        ]
        for one in rules:
            default = one["ApplyServerSideEncryptionByDefault"]
            default["KMSMasterKeyID"] = default.pop("KMSMasterKeyID", "alias/aws/s3")
        client.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})
    if "PublicAccessBlockConfiguration" in properties:
        client.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=properties["PublicAccessBlockConfiguration"])
    if "ObjectLockConfiguration" in properties:
        lock = properties["ObjectLockConfiguration"]
        lock["Rule"]["DefaultRetention"]["Days"] = int(lock["Rule"]["DefaultRetention"]["Days"])
        client.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=lock)
    return name, {"Arn": f"arn:aws:s3:::{name}"}


@looks("AWS::S3::Bucket")
def look_at_bucket(ctx: Ctx, ident: str) -> dict[str, Any]:
    """Versions, and what may be public."""
    client = ctx.client("s3")
    seen = {"VersioningConfiguration": client.get_bucket_versioning(Bucket=ident).get("Status", "")}
    with suppress(ClientError):
        seen["PublicAccessBlockConfiguration"] = client.get_public_access_block(Bucket=ident)["PublicAccessBlockConfiguration"]
    return seen


@made("AWS::S3::BucketPolicy")
def bucket_policy(ctx: Ctx, _name: str, properties: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Put as it is."""
    ctx.client("s3").put_bucket_policy(Bucket=properties["Bucket"], Policy=json.dumps(properties["PolicyDocument"]))
    return properties["Bucket"], {}


@made("AWS::SNS::TopicPolicy")
def topic_policy(ctx: Ctx, name: str, properties: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Put as it is, on each topic."""
    for topic in properties["Topics"]:
        policy = json.dumps(properties["PolicyDocument"])
        ctx.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    return name, {}


@made(
    "AWS::CloudWatch::Alarm", "AlarmName", ("Arn",), lambda ctx, ident: ctx.client("cloudwatch").delete_alarms(AlarmNames=[ident])
)
def alarm(ctx: Ctx, name: str, properties: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Put as it is."""
    client = ctx.client("cloudwatch")
    client.put_metric_alarm(**{**properties, "AlarmName": name})
    return name, {"Arn": f"arn:aws:cloudwatch:{ctx.region}:{ctx.account}:alarm:{name}"}


@looks("AWS::CloudWatch::Alarm")
def look_at_alarm(ctx: Ctx, ident: str) -> dict[str, Any]:
    """What an alarm is raised by, and whom it tells."""
    found = ctx.client("cloudwatch").describe_alarms(AlarmNames=[ident])["MetricAlarms"]
    if not found:
        raise ClientError({"Error": {"Code": "ResourceNotFound", "Message": ident}}, "DescribeAlarms")
    return {name: found[0].get(name) for name in ("Threshold", "Period", "EvaluationPeriods", "AlarmActions", "TreatMissingData")}


@made("AWS::CloudTrail::Trail", "TrailName", ("Arn",), lambda ctx, ident: ctx.client("cloudtrail").delete_trail(Name=ident))
def trail(ctx: Ctx, name: str, properties: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """With its event selectors, recording or not."""
    client = ctx.client("cloudtrail")
    settings = {
        key: value for key, value in properties.items() if key not in ("TrailName", "IsLogging", "EventSelectors", "KMSKeyId")
    }
    known = [one["Name"] for one in client.describe_trails()["trailList"]]
    (client.update_trail if name in known else client.create_trail)(Name=name, KmsKeyId=properties["KMSKeyId"], **settings)
    client.put_event_selectors(TrailName=name, EventSelectors=properties.get("EventSelectors", []))
    (client.start_logging if properties["IsLogging"] else client.stop_logging)(Name=name)
    return name, {"Arn": client.get_trail(Name=name)["Trail"]["TrailARN"]}


@made("AWS::Scheduler::Schedule", "Name", ("Arn",), lambda ctx, ident: ctx.client("scheduler").delete_schedule(Name=ident))
def schedule(ctx: Ctx, name: str, properties: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Of the default group."""
    client = ctx.client("scheduler")
    ecs = properties["Target"].get("EcsParameters", {})
    if "NetworkConfiguration" in ecs:  # the one name that the API writes otherwise
        ecs["NetworkConfiguration"] = {"awsvpcConfiguration": ecs["NetworkConfiguration"]["AwsvpcConfiguration"]}
    known = [one["Name"] for one in client.list_schedules()["Schedules"]]
    (client.update_schedule if name in known else client.create_schedule)(**{**properties, "Name": name})
    return name, {"Arn": client.get_schedule(Name=name)["Arn"]}


@made(
    "AWS::ResourceExplorer2::Index",
    "",
    ("Arn", "IndexState"),
    lambda ctx, ident: ctx.client("resource-explorer-2").delete_index(Arn=ident),
)
def index(ctx: Ctx, _name: str, properties: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """There is one in a region; its type is what is changed."""
    client = ctx.client("resource-explorer-2")
    found = client.list_indexes(Regions=[ctx.region])["Indexes"]
    arn = found[0]["Arn"] if found else client.create_index()["Arn"]
    if client.get_index()["Type"] != properties["Type"]:
        client.update_index_type(Arn=arn, Type=properties["Type"])
    return arn, {"Arn": arn, "IndexState": "ACTIVE"}


@made(
    "AWS::ResourceExplorer2::View",
    "ViewName",
    ("ViewArn",),
    lambda ctx, ident: ctx.client("resource-explorer-2").delete_view(ViewArn=ident),
)
def view(ctx: Ctx, name: str, properties: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """By its name; an existing one is taken as it is."""
    client = ctx.client("resource-explorer-2")
    arn = next((one for one in client.list_views()["Views"] if f":view/{name}/" in one), None)
    if arn is None:
        arn = client.create_view(ViewName=name, IncludedProperties=properties.get("IncludedProperties", []))["View"]["ViewArn"]
    return arn, {"ViewArn": arn}


@made("AWS::ResourceExplorer2::DefaultViewAssociation", "", ("AssociatedAwsPrincipal",))
def default_view(ctx: Ctx, _name: str, properties: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Of the region."""
    ctx.client("resource-explorer-2").associate_default_view(ViewArn=properties["ViewArn"])
    return ctx.account, {"AssociatedAwsPrincipal": ctx.account}


@made("AWS::ApiGateway::Stage", "StageName")
def stage(ctx: Ctx, name: str, properties: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Of a deployment."""
    client = ctx.client("apigateway")
    api, made_before = properties["RestApiId"], properties["DeploymentId"]
    deployment = getattr(made_before, "id", made_before)  # moto gives the deployment itself
    if name in [one["stageName"] for one in client.get_stages(restApiId=api)["item"]]:
        change = {"op": "replace", "path": "/deploymentId", "value": deployment}
        client.update_stage(restApiId=api, stageName=name, patchOperations=[change])
    else:
        client.create_stage(
            restApiId=api, stageName=name, deploymentId=deployment, tracingEnabled=properties.get("TracingEnabled", False)
        )
    return name, {}


def seen(ctx: Ctx, kind: str, ident: str) -> Mapping[str, Any] | None:
    """What a resource is now; None when it is gone. Only for types with a look."""
    try:
        return LOOKS[kind](ctx, ident)
    except ClientError:
        return None
