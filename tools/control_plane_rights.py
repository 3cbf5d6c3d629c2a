# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may do what with the control plane: runner, API, people who decide (with multi-factor authentication), people who look.

Facts: IAM user guide, "Secure API access with MFA": what AssumeRole gives does not say whether there was a second factor, so that
the condition stands in the trust policy. Actions and resources as the Service Authorization Reference has them.
"""

from __future__ import annotations

from typing import Any

from cfn import accepted, att, completed, either, ref, sub

from ansible_collections.dr.aws.plugins.module_utils.metrics import NAMESPACE

PRINCIPALS = r"arn:aws[a-z-]*:iam::\d{12}:[a-zA-Z0-9+=,.@_/-]+"
PARAMETERS: dict[str, Any] = {
    "OperatorPrincipalArns": {
        "Type": "CommaDelimitedList",
        "Default": "",
        "Description": "Who may take the role of operators, with multi-factor authentication. Empty for no such role.",
    },
    "OperatorWay": {
        "Type": "String",
        "Default": "playbooks",
        "AllowedValues": ["playbooks", "api"],
        "Description": "Whether operators run playbooks, which write to the table, or the API alone, whose function does.",
    },
    "ReaderPrincipalArns": {
        "Type": "CommaDelimitedList",
        "Default": "",
        "Description": "Who may take the role of readers. Empty for no such role.",
    },
    "SpokeRoleName": {
        "Type": "String",
        "Default": "dr-automation",
        "AllowedPattern": r"[\w+=,.@-]{1,64}",
        "Description": "The role in the accounts, which the runner takes.",
    },
}
CONDITIONS: dict[str, Any] = {
    "ByPlaybook": {"Fn::Equals": [ref("OperatorWay"), "playbooks"]},
    "Direct": {"Fn::And": [{"Condition": "ByPlaybook"}, {"Condition": "Runs"}]},
    **{
        f"{who}s": {"Fn::Not": [{"Fn::Equals": [{"Fn::Join": ["", ref(f"{who}PrincipalArns")]}, ""]}]}
        for who in ("Operator", "Reader")
    },
}
#: A second factor counts for an hour.
MFA_SECONDS = 3600
_ALARMS = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:${TableName}: *"
_TABLE = [att("Table"), sub("${Table.Arn}/index/*")]
_BUCKETS = [att("Bucket"), att("AuditBucket")]
_OBJECTS = [sub("${Bucket.Arn}/*"), sub("${AuditBucket.Arn}/*")]
#: What the linters take for too much, and why it is not.
UNLIMITED = "these calls know no resources"


def resources() -> dict[str, Any]:
    """By logical name."""
    return {
        "Reading": _managed("Looks at executions, evidence and alarms", reading()),
        "Writing": _managed("Leaves state, evidence and messages", writing()),
        "OperatorRole": _people(
            "Operator",
            "Decides: starts, approves, pauses, cancels",
            operating(),
            [ref("Reading"), either("ByPlaybook", ref("Writing"))],
            mfa=True,
        ),
        "ReaderRole": _people("Reader", "Looks", [either("Served", _invoke("Look", ["GET"]))], [ref("Reading")], mfa=False),
    }


def reading() -> list[Any]:
    """Executions, evidence, alarms, and AWS's own record of calls."""
    locks = ["s3:GetBucketObjectLockConfiguration", "s3:GetBucketVersioning", "s3:ListBucket", "s3:ListBucketVersions"]
    return [
        allow("Read", ["dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan"], _TABLE),
        allow("Objects", ["s3:GetObject", "s3:GetObjectRetention", "s3:GetObjectVersion"], _OBJECTS),
        allow("Buckets", locks, _BUCKETS),
        allow("Decrypt", ["kms:Decrypt"], [att("Key")]),
        allow("Records", ["cloudtrail:LookupEvents"], ["*"]),
        allow(
            "Alarms",
            ["cloudwatch:DescribeAlarms"],
            [sub("arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:*")],
        ),
    ]


def writing() -> list[Any]:
    """State, evidence and messages, as every verb leaves them. Nothing of it deletes a table, a bucket or an object."""
    return [
        allow(
            "Write", ["dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], [att("Table")]
        ),
        allow("Store", ["s3:PutObject"], _OBJECTS),
        allow("Encrypt", ["kms:GenerateDataKey"], [att("Key")]),
        allow("Tell", ["sns:Publish"], [ref("Topic")]),
        {
            **allow("Measure", ["cloudwatch:PutMetricData"], ["*"]),
            "Condition": {"StringEquals": {"cloudwatch:namespace": NAMESPACE}},
        },
    ]


def operating() -> list[Any]:
    """Everything that people decide, by the API or by themselves; the way into the accounts is the runner's."""
    return [either("Served", _invoke("Decide", ["DELETE", "GET", "POST"])), *(either("Direct", one) for one in starting())]


def running() -> list[Any]:
    """What the playbooks call in the control account beside that, and the way into the others."""
    compared = ["dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTimeToLive", "dynamodb:ListTagsOfResource"]
    settings = ["s3:GetBucketPublicAccessBlock", "s3:GetEncryptionConfiguration"]
    spokes = sub("arn:${AWS::Partition}:iam::*:role/${SpokeRoleName}")
    return [
        allow("Compare", compared, [att("Table")]),
        allow("Settings", settings, _BUCKETS),
        allow("Topic", ["sns:GetTopicAttributes"], [ref("Topic")]),
        allow("Topics", ["sns:ListTopics"], ["*"]),
        allow("Raise", ["cloudwatch:PutMetricAlarm"], [sub(_ALARMS)]),
        allow("Accounts", ["sts:AssumeRole", "sts:SetSourceIdentity"], [spokes]),
    ]


def starting() -> list[Any]:
    """The runner's task, whatever its revision, and the roles that it has."""
    task = sub("arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:task-definition/${TableName}-runner:*")
    run = {**allow("Start", ["ecs:RunTask"], [task]), "Condition": {"ArnEquals": {"ecs:cluster": att("Cluster")}}}
    roles = [att("RunnerRole"), att("RunnerExecutionRole")]
    to_ecs = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    return [run, {**allow("Pass", ["iam:PassRole"], roles), "Condition": to_ecs}]


def role(
    service: str, description: str, statements: list[Any], condition: str, shared: tuple[str, ...] = (), **trusted: Any
) -> dict[str, Any]:
    """A role that a service takes. shared: policies of this template. trusted: conditions of taking it."""
    return {
        "Type": "AWS::IAM::Role",
        "Condition": condition,
        "Metadata": accepted(CKV_AWS_111=UNLIMITED),
        "Properties": {
            "Description": description,
            "MaxSessionDuration": 3600,
            "AssumeRolePolicyDocument": _trust({"Service": service}, trusted),
            **({"ManagedPolicyArns": [ref(one) for one in shared]} if shared else {}),
            "Policies": [_policy(statements)],
        },
    }


def _managed(description: str, statements: list[Any]) -> dict[str, Any]:
    document = {"Version": "2012-10-17", "Statement": statements}
    properties = {"Description": description, "PolicyDocument": document}
    return {"Type": "AWS::IAM::ManagedPolicy", "Metadata": accepted(CKV_AWS_111=UNLIMITED), "Properties": properties}


def _people(who: str, description: str, statements: list[Any], shared: list[Any], *, mfa: bool) -> dict[str, Any]:
    second = {"Bool": {"aws:MultiFactorAuthPresent": "true"}, "NumericLessThan": {"aws:MultiFactorAuthAge": str(MFA_SECONDS)}}
    return {
        "Type": "AWS::IAM::Role",
        "Condition": f"{who}s",
        "Metadata": accepted(CKV_AWS_111=UNLIMITED),
        "Properties": {
            "RoleName": sub(f"${{TableName}}-{who.lower()}"),
            "Description": description,
            "MaxSessionDuration": 3600,
            "AssumeRolePolicyDocument": _trust({"AWS": ref(f"{who}PrincipalArns")}, second if mfa else {}),
            "ManagedPolicyArns": shared,
            "Policies": [_policy(statements)],
        },
    }


def _trust(principal: dict[str, Any], conditions: dict[str, Any]) -> dict[str, Any]:
    allowed = {"Effect": "Allow", "Principal": principal, "Action": ["sts:AssumeRole"]}
    return {"Version": "2012-10-17", "Statement": [{**allowed, "Condition": completed(conditions)} if conditions else allowed]}


def _policy(statements: list[Any]) -> dict[str, Any]:
    return {"PolicyName": "dr-aws", "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}}


def allow(sid: str, actions: list[str], on: list[Any]) -> dict[str, Any]:
    """A statement."""
    return {"Sid": sid, "Effect": "Allow", "Action": sorted(actions), "Resource": on}


def _invoke(sid: str, methods: list[str]) -> dict[str, Any]:
    api = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*/"
    return allow(sid, ["execute-api:Invoke"], [sub(f"{api}{method}/*") for method in methods])
