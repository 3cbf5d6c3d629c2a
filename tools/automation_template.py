# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes roles/automation/files/automation.cfn.yml: Automation documents, their role, who may start what. A test compares."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from automation_documents import FOLDER, GUARDED, HEAD, PREFIX, documents
from cfn import Literal, att, completed, either, given, ref, written

from ansible_collections.dr.aws.plugins.module_utils.api.automations import APPROVE

TARGET = Path(__file__).parent.parent / "roles/automation/files/automation.cfn.yml"
START = "---\n# Automation documents of dr.aws. Written by tools/automation_template.py; docs/engines.md says how they are used.\n"
SSM = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:"
EXECUTIONS = f"{SSM}automation-execution/*"
_ARN = "arn:aws[a-z-]*:"
PARAMETERS: dict[str, Any] = {
    "Approvers": {
        "Type": "CommaDelimitedList",
        "Description": "Who lets failovers and failbacks begin, up to ten users, roles or assumed-role users, by ARN.",
    },
    "FunctionArn": {
        "Type": "String",
        "AllowedPattern": _ARN + r"lambda:[a-z0-9-]+:\d{12}:function:.+",
        "Description": "The API's.",
    },
    "FunctionRoleName": {
        "Type": "String",
        "AllowedPattern": r"[\w+=,.@-]{1,64}",
        "Description": "The name of the function's role.",
    },
    "RequireMfa": {
        "Type": "String",
        "Default": "true",
        "AllowedValues": ["true", "false"],
        "Description": "Whether multi-factor authentication is needed to start what moves production, and to approve.",
    },
    "TableKeyArn": {"Type": "String", "Default": "", "Description": "The table's own KMS key, when it has one."},
    "TableName": {"Type": "String", "AllowedPattern": r"[\w.-]{3,255}", "Description": "The control plane's table."},
}
#: What starting needs a second factor for.
STRONG = (*GUARDED, APPROVE)


def _allow(sid: str, actions: list[str], resources: Any, condition: Any = None) -> dict[str, Any]:
    statement = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}
    return {**statement, "Condition": condition} if condition else statement


def _policy(*statements: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _definitions(*names: str) -> list[str]:
    """As IAM knows documents that are started: under their own name, and under that of earlier years."""
    found = [[f"{SSM}document/{name}", f"{SSM}automation-definition/{name}:*"] for name in names]
    return [arn for pair in found for arn in pair]


def _starts(*names: str) -> list[str]:
    return [*_definitions(*names), EXECUTIONS]


def resources() -> dict[str, Any]:
    """The stack's resources."""
    keys = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["AUTOMATION#*", "EXEC#*"]}}
    table = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${TableName}"
    source = {"StringEquals": {"aws:SourceAccount": "${AWS::AccountId}"}, "ArnLike": {"aws:SourceArn": EXECUTIONS}}
    trust = {"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole", "Condition": source}
    mfa = either("Strong", {"Bool": {"aws:MultiFactorAuthPresent": "true"}})
    weak = [name for name in documents() if name not in STRONG]
    decrypts = _allow("Table", ["kms:Decrypt"], ref("TableKeyArn"))
    return {
        "ApprovalTopic": {
            "Type": "AWS::SNS::Topic",
            "Properties": {"TopicName": "Automation-dr-aws", "KmsMasterKeyId": "alias/aws/sns"},
        },
        "AutomationRole": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "Description": "What automations of dr.aws do: ask the function, read its answer, ask people",
                "AssumeRolePolicyDocument": completed(_policy(trust)),
                "Policies": [
                    {
                        "PolicyName": "automations",
                        "PolicyDocument": completed(
                            _policy(
                                _allow("Ask", ["lambda:InvokeFunction"], ref("FunctionArn")),
                                _allow("Answer", ["dynamodb:GetItem"], table, keys),
                                _allow("People", ["sns:Publish"], ref("ApprovalTopic")),
                                either("OwnKey", decrypts),
                            )
                        ),
                    }
                ],
            },
        },
        "FunctionPolicy": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "Description": "The function asks who stands behind an automation",
                "Roles": [ref("FunctionRoleName")],
                "PolicyDocument": completed(_policy(_allow("Who", ["ssm:GetAutomationExecution"], EXECUTIONS))),
            },
        },
        "Operators": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "Description": "Starts the automations of dr.aws",
                "PolicyDocument": completed(
                    _policy(
                        _allow("Look", ["ssm:StartAutomationExecution"], _starts(*weak)),
                        _allow("Move", ["ssm:StartAutomationExecution"], _starts(*STRONG), mfa),
                        _allow("Follow", ["ssm:GetAutomationExecution", "ssm:StopAutomationExecution"], EXECUTIONS),
                        _allow(
                            "Role",
                            ["iam:PassRole"],
                            att("AutomationRole"),
                            {"StringEquals": {"iam:PassedToService": "ssm.amazonaws.com"}},
                        ),
                    )
                ),
            },
        },
        "Admitters": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "Description": "Lets automations of dr.aws begin: answers aws:approve",
                "PolicyDocument": completed(
                    _policy(
                        _allow("Answer", ["ssm:SendAutomationSignal"], EXECUTIONS, mfa),
                        _allow("Follow", ["ssm:GetAutomationExecution"], EXECUTIONS),
                    )
                ),
            },
        },
        **{_logical(name): _document(name) for name in documents()},
    }


def _logical(name: str) -> str:
    return name.removeprefix(PREFIX).capitalize()


def _document(name: str) -> dict[str, Any]:
    text = (FOLDER / f"{name.removeprefix(PREFIX)}.yml").read_text(encoding="utf-8").removeprefix(HEAD)
    values = {
        "ApprovalTopicArn": ref("ApprovalTopic"),
        "Approvers": {"Fn::Join": ["', '", ref("Approvers")]},  # between quotation marks, in a list on one line
        "AutomationRoleArn": att("AutomationRole"),
        "FunctionArn": ref("FunctionArn"),
        "TableName": ref("TableName"),
    }
    used = {one: value for one, value in values.items() if f"${{{one}}}" in text}
    return {
        "Type": "AWS::SSM::Document",
        "Properties": {
            "Name": name,
            "DocumentType": "Automation",
            "DocumentFormat": "YAML",
            "UpdateMethod": "NewVersion",
            "Content": {"Fn::Sub": [Literal(text), used]},
        },
    }


def render() -> str:
    """The whole file."""
    body = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "dr.aws: executions as Automation documents of Systems Manager",
        "Parameters": PARAMETERS,
        "Conditions": {"OwnKey": given("TableKeyArn"), "Strong": {"Fn::Equals": [ref("RequireMfa"), "true"]}},
        "Resources": resources(),
        "Outputs": {
            "ApprovalTopicArn": {
                "Description": "Where people are asked whether an automation may begin",
                "Value": ref("ApprovalTopic"),
            },
            "OperatorsPolicyArn": {"Description": "For the roles of those who start automations", "Value": ref("Operators")},
            "AdmittersPolicyArn": {"Description": "For the roles of the approvers", "Value": ref("Admitters")},
        },
    }
    return written(START, body)


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(render(), encoding="utf-8")
