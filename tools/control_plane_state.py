# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the template of the control plane keeps: key, table, buckets, topic, log group, trail, dashboard and alarms.

Names and settings are those of control_plane.py, alarms.py, dashboard.py and recording.py. Facts: key policies as the guides of
CloudWatch Logs ("Encrypt log data"), SNS ("Key management") and CloudTrail ("Configure AWS KMS key policies") give them; a trail to
a bucket with a bucket key needs kms:Decrypt as well.
"""

from __future__ import annotations

from typing import Any

from cfn import accepted, att, completed, either, given, ref, sub

from ansible_collections.dr.aws.plugins.module_utils import alarms, dashboard, recording
from ansible_collections.dr.aws.plugins.module_utils.control_plane import INDEXES, LOCK_DAYS, LOCK_MODES, STACK_TAG, TTL_ATTRIBUTE

#: The one trail that the template makes: a statement's Sid holds its name, which no parameter can be part of.
TRAIL = "dr-aws"
#: Stands for the organization until it is known.
_ORGANIZATION = "o-0000000000"
HOME = ("${AWS::AccountId}", "${AWS::Region}", "${AWS::Partition}")
#: Nothing of these goes with the stack, or with a change of it.
KEPT = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
#: What CloudWatch Logs takes (PutRetentionPolicy), from SC-2.3's 15 days on.
RETENTIONS = (30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
TLS = "1.2"
#: What nearly every widget of the dashboard says, once: a template may not be large.
_SHARED = {
    "Shape": '", "view": "timeSeries", "yAxis": {"left": {"min": 0}}}, "type": "metric", "width": ',
    "Place": '"period": 3600, "region": "${AWS::Region}", "stacked": false, "title": "',
}

PARAMETERS: dict[str, Any] = {
    "TableName": {"Type": "String", "Default": "dr-aws-state", "AllowedPattern": r"[a-zA-Z0-9_.-]{3,255}"},
    "BucketName": {
        "Type": "String",
        "AllowedPattern": r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        "Description": "Of manifests, plans and reports.",
    },
    "AuditBucketName": {
        "Type": "String",
        "AllowedPattern": r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        "Description": "Of audit evidence.",
    },
    "TopicName": {"Type": "String", "Default": "dr-aws-events", "AllowedPattern": r"[a-zA-Z0-9_-]{1,256}"},
    "ObjectLockMode": {
        "Type": "String",
        "Default": LOCK_MODES[0],
        "AllowedValues": list(LOCK_MODES),
        "Description": "How new objects of evidence are locked. Nobody can shorten COMPLIANCE.",
    },
    "ObjectLockDays": {"Type": "Number", "Default": LOCK_DAYS, "MinValue": 1, "Description": "For so many days."},
    "LogRetentionDays": {"Type": "Number", "Default": RETENTIONS[0], "AllowedValues": list(RETENTIONS)},
    "ReplicaRegion": {
        "Type": "String",
        "Default": "",
        "Description": "Another region that keeps a copy of the table. Empty for none.",
    },
    "ReplicaKmsKeyArn": {"Type": "String", "Default": "", "Description": "The KMS key there; needed with ReplicaRegion."},
    "Trail": {"Type": "String", "Default": "false", "AllowedValues": ["true", "false"], "Description": f"Make the trail {TRAIL}."},
    "OrganizationId": {
        "Type": "String",
        "Default": "",
        "AllowedPattern": r"(o-[a-z0-9]{10,32})?",
        "Description": "The trail records all its accounts. Empty for this account alone.",
    },
}
CONDITIONS: dict[str, Any] = {
    "Replicated": given("ReplicaRegion"),
    "Recorded": {"Fn::Equals": [ref("Trail"), "true"]},
    "Organized": given("OrganizationId"),
}


def resources() -> dict[str, Any]:
    """By logical name."""
    return {
        "Key": _key(),
        "KeyAlias": {
            "Type": "AWS::KMS::Alias",
            "Properties": {"AliasName": sub("alias/${TableName}"), "TargetKeyId": ref("Key")},
        },
        "Table": _table(),
        "Bucket": _bucket("BucketName", lockable=False),
        "BucketPolicy": _bucket_policy("Bucket", []),
        "AuditBucket": _bucket("AuditBucketName", lockable=True),
        "AuditBucketPolicy": _bucket_policy("AuditBucket", _trail_statements()),
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": ref("TopicName"), "KmsMasterKeyId": att("Key")}},
        "TopicPolicy": _topic_policy(),
        "LogGroup": {
            "Type": "AWS::Logs::LogGroup",
            **KEPT,
            "Metadata": accepted(CKV_AWS_338="SC-2.3: operational logs are kept for weeks; what is kept for years is the evidence"),
            "Properties": {
                "LogGroupName": sub("/dr-aws/${TableName}"),
                "KmsKeyId": att("Key"),
                "RetentionInDays": ref("LogRetentionDays"),
            },
        },
        "Recording": _trail(),
        "Dashboard": _dashboard(),
        **_alarms(),
    }


def _key() -> dict[str, Any]:
    account, region, partition = HOME
    logs = [f"arn:{partition}:logs:{region}:{account}:log-group:{name}/*" for name in ("/dr-aws", "/aws/vendedlogs/states")]
    trails = [f"arn:{partition}:cloudtrail:{region}:{account}:trail/{TRAIL}"]
    statements = [
        _service("Owner", {"AWS": f"arn:{partition}:iam::{account}:root"}, ["kms:*"], {}),
        _service(
            "Logs",
            {"Service": f"logs.{region}.amazonaws.com"},
            ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
            {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": logs}},
        ),
        _service(
            "Alarms",
            {"Service": "cloudwatch.amazonaws.com"},
            ["kms:Decrypt", "kms:GenerateDataKey*"],
            {"StringEquals": {"aws:SourceAccount": account}},
        ),
        _service(
            "Trail",
            {"Service": recording.SERVICE},
            ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey*"],
            {"StringEquals": {"aws:SourceArn": trails}},
        ),
    ]
    return {
        "Type": "AWS::KMS::Key",
        **KEPT,
        "Properties": {
            "Description": "The control plane of dr.aws",
            "EnableKeyRotation": True,
            "KeyPolicy": completed({"Version": "2012-10-17", "Statement": statements}),
        },
    }


def _service(sid: str, principal: dict[str, str], actions: list[str], condition: dict[str, Any]) -> dict[str, Any]:
    """A statement of the key's policy, where `*` is the key itself."""
    allowed = {"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": actions, "Resource": "*"}
    return {**allowed, "Condition": condition} if condition else allowed


def _table() -> dict[str, Any]:
    attributes = dict.fromkeys(["PK", "SK", *(name for keys in INDEXES.values() for name in keys)])
    common: dict[str, Any] = {
        "DeletionProtectionEnabled": True,
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "Tags": [{"Key": STACK_TAG, "Value": ref("AWS::StackName")}],
    }
    here = {"Region": ref("AWS::Region"), **common, "SSESpecification": {"KMSMasterKeyId": att("Key")}}
    there = {"Region": ref("ReplicaRegion"), **common, "SSESpecification": {"KMSMasterKeyId": ref("ReplicaKmsKeyArn")}}
    return {
        "Type": "AWS::DynamoDB::GlobalTable",
        **KEPT,
        "Properties": {
            "TableName": ref("TableName"),
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": _keys("PK", "SK"),
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in attributes],
            "GlobalSecondaryIndexes": [
                {"IndexName": name, "KeySchema": _keys(*keys), "Projection": {"ProjectionType": "ALL"}}
                for name, keys in INDEXES.items()
            ],
            "TimeToLiveSpecification": {"AttributeName": TTL_ATTRIBUTE, "Enabled": True},
            "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS"},
            "StreamSpecification": either("Replicated", {"StreamViewType": "NEW_AND_OLD_IMAGES"}),
            "Replicas": [here, either("Replicated", there)],
        },
    }


def _keys(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]


def _bucket(name: str, *, lockable: bool) -> dict[str, Any]:
    retention = {"DefaultRetention": {"Mode": ref("ObjectLockMode"), "Days": ref("ObjectLockDays")}}
    lock = {
        "ObjectLockEnabled": True,
        "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", "Rule": retention},
    }
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": att("Key")}
    return {
        "Type": "AWS::S3::Bucket",
        **KEPT,
        "Metadata": accepted(
            CKV_AWS_18="the trail records who reads and writes; a bucket of access logs would have to be kept as well"
        ),
        "Properties": {
            "BucketName": ref(name),
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            "VersioningConfiguration": {"Status": "Enabled"},
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}]
            },
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
            **(lock if lockable else {}),
        },
    }


def _bucket_policy(bucket: str, statements: list[Any]) -> dict[str, Any]:
    everything = [att(bucket), sub(f"${{{bucket}.Arn}}/*")]
    denied = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": everything}
    return {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {
            "Bucket": ref(bucket),
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {"Sid": "TlsOnly", **denied, "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
                    {"Sid": "NoOldTls", **denied, "Condition": {"NumericLessThan": {"s3:TlsVersion": TLS}}},
                    *statements,
                ],
            },
        },
    }


def _trail_statements() -> list[Any]:
    """Those of recording.py, with the organization's where there is one."""
    account, region, partition = HOME
    wanted = recording.Trail(TRAIL, "${AuditBucketName}", region, account, partition, _ORGANIZATION).statements()
    for statement in wanted:
        if isinstance(statement["Resource"], list):
            own, organization = statement["Resource"]
            theirs = sub(organization.replace(_ORGANIZATION, "${OrganizationId}"))
            statement["Resource"] = [sub(own), either("Organized", theirs)]
    return [either("Recorded", completed(statement)) for statement in wanted]


def _trail() -> dict[str, Any]:
    account, region, partition = HOME
    settings = recording.Trail(TRAIL, "${AuditBucketName}", region, account, partition).settings()
    return {
        "Type": "AWS::CloudTrail::Trail",
        "Condition": "Recorded",
        "DependsOn": ["AuditBucketPolicy"],
        "Metadata": accepted(
            CKV_AWS_252="what is worth telling is told by the topic of dr.aws; a message for each log file is not",
        ),
        "Properties": {
            **completed(settings),
            "TrailName": TRAIL,
            "IsLogging": True,
            "IsOrganizationTrail": either("Organized", True, False),
            "KMSKeyId": att("Key"),
            "EventSelectors": [
                {
                    "IncludeManagementEvents": True,
                    "ReadWriteType": "All",
                    "DataResources": [{"Type": "AWS::S3::Object", "Values": [sub("${Bucket.Arn}/")]}],
                }
            ],
        },
    }


def _topic_policy() -> dict[str, Any]:
    account, region, partition = HOME
    statements = [
        {
            "Sid": "Alarms",
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": ref("Topic"),
            "Condition": {"ArnLike": {"aws:SourceArn": f"arn:{partition}:cloudwatch:{region}:{account}:alarm:${{TableName}}: *"}},
        },
        {
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sns:Publish",
            "Resource": ref("Topic"),
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    ]
    document = completed({"Version": "2012-10-17", "Statement": statements})
    return {"Type": "AWS::SNS::TopicPolicy", "Properties": {"Topics": [ref("Topic")], "PolicyDocument": document}}


def _dashboard() -> dict[str, Any]:
    account, region, partition = HOME
    names = [alarm["AlarmName"] for alarm in _built()]
    arns = [f"arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}" for name in names]
    body = dashboard.text_of(dashboard.build(region, "${TableName}", "${TopicName}", arns)).replace("${PROP", "${!PROP")
    for name, text in _SHARED.items():
        body = body.replace(text, f"${{{name}}}")
    return {
        "Type": "AWS::CloudWatch::Dashboard",
        "Properties": {"DashboardName": ref("TableName"), "DashboardBody": {"Fn::Sub": [body, completed(dict(_SHARED))]}},
    }


def _built() -> list[dict[str, Any]]:
    return alarms.platform("${TableName}", "${TopicName}", "")


def _alarms() -> dict[str, Any]:
    """Named after what they watch."""
    told = {"AlarmActions": [ref("Topic")], "OKActions": [ref("Topic")]}
    return {
        f"Alarm{alarm['MetricName']}": {"Type": "AWS::CloudWatch::Alarm", "Properties": completed({**alarm, **told})}
        for alarm in _built()
    }
