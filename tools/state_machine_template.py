# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes roles/state_machine/files/state_machine.cfn.yml: the state machine, its role, its log, who may wake it. Tests compare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cfn import Literal, accepted, att, completed, either, given, ref, sub, written

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "extensions/step_functions/dr-aws.asl.json"
TARGET = ROOT / "roles/state_machine/files/state_machine.cfn.yml"
START = """---
# The state machine of dr.aws. Written by tools/state_machine_template.py; docs/engines.md says how it is used.
# yamllint disable rule:line-length
"""
HERE = "${AWS::Region}:${AWS::AccountId}"
LOGS = ("CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery", "ListLogDeliveries")
MORE_LOGS = ("PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups")
TRACES = ("PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets")


def _text(description: str, pattern: str, default: str | None = None) -> dict[str, Any]:
    return {
        "Type": "String",
        **({} if default is None else {"Default": default}),
        "AllowedPattern": pattern,
        "Description": description,
    }


PARAMETERS: dict[str, Any] = {
    "AssignPublicIp": {
        "Type": "String",
        "Default": "DISABLED",
        "AllowedValues": ["DISABLED", "ENABLED"],
        "Description": "Of tasks.",
    },
    "ClusterArn": _text("The ECS cluster.", r"arn:aws[a-z-]*:ecs:[a-z0-9-]+:\d{12}:cluster/.+"),
    "ContainerName": _text("The container of the runner in its task definition.", r"[\w-]{1,255}"),
    "FunctionRoleName": _text("The name of the API function's role, where the API starts it.", r"[\w+=,.@-]{0,64}", ""),
    "LogKeyArn": {"Type": "String", "Default": "", "Description": "A KMS key for the log, which CloudWatch Logs may use."},
    "Name": _text("The state machine.", r"[\w-]{1,80}", "dr-aws"),
    "PassableRoleArns": {"Type": "CommaDelimitedList", "Description": "The task role and the execution role of the runner."},
    "SecurityGroups": {"Type": "CommaDelimitedList", "Description": "Of the tasks."},
    "ShardSize": _text("How many resources of a wave one runner takes; 0: all.", r"\d{1,5}", "250"),
    "Subnets": {"Type": "CommaDelimitedList", "Description": "Of the tasks."},
    "TableKeyArn": {"Type": "String", "Default": "", "Description": "The table's own KMS key, when it has one."},
    "TableName": _text("The control plane's table.", r"[\w.-]{3,255}"),
    "TaskDefinitionArn": _text("The runner, with its revision.", r"arn:aws[a-z-]*:ecs:[a-z0-9-]+:\d{12}:task-definition/.+:\d+"),
}
#: Condition -> the parameter that is given where it holds.
CONDITIONS = {"LogKey": "LogKeyArn", "OwnKey": "TableKeyArn", "Served": "FunctionRoleName"}


def _allow(sid: str, actions: list[str], resources: Any, condition: Any = None) -> dict[str, Any]:
    statement = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}
    return {**statement, "Condition": condition} if condition else statement


def _policy(*statements: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _role() -> dict[str, Any]:
    """What the state machine may do. Facts: Step Functions developer guide, ecs-iam, cw-logs and concepts-xray-tracing."""
    table = "arn:${AWS::Partition}:dynamodb:" + HERE + ":table/${TableName}"
    keys = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["EXEC#*"]}}
    tasks = {"Fn::Join": ["/", [{"Fn::Join": [":task/", {"Fn::Split": [":cluster/", ref("ClusterArn")]}]}, "*"]]}
    machine = "arn:${AWS::Partition}:states:" + HERE + ":stateMachine:${Name}"
    source = {"StringEquals": {"aws:SourceAccount": "${AWS::AccountId}"}, "ArnLike": {"aws:SourceArn": machine}}
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole", "Condition": source}
    return {
        "Type": "AWS::IAM::Role",
        "Metadata": accepted(CKV_AWS_111="the delivery of logs and traces has no resources to name"),
        "Properties": {
            "Description": "Runs the tasks of dr.aws, and reads and marks what they leave in the control table",
            "AssumeRolePolicyDocument": completed(_policy(trust)),
            "Policies": [
                {
                    "PolicyName": "runs",
                    "PolicyDocument": completed(
                        _policy(
                            _allow(
                                "Run",
                                ["ecs:RunTask"],
                                ref("TaskDefinitionArn"),
                                {"ArnEquals": {"ecs:cluster": ref("ClusterArn")}},
                            ),
                            _allow("Follow", ["ecs:DescribeTasks", "ecs:StopTask"], tasks),
                            _allow(
                                "Roles",
                                ["iam:PassRole"],
                                ref("PassableRoleArns"),
                                {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
                            ),
                            _allow(
                                "Ends",
                                ["events:DescribeRule", "events:PutRule", "events:PutTargets"],
                                "arn:${AWS::Partition}:events:" + HERE + ":rule/StepFunctionsGetEventsForECSTaskRule",
                            ),
                            _allow("Next", ["dynamodb:GetItem", "dynamodb:UpdateItem"], table, keys),
                            either("OwnKey", _allow("Table", ["kms:Decrypt"], ref("TableKeyArn"))),
                            _allow("Log", [f"logs:{one}" for one in (*LOGS, *MORE_LOGS)], "*"),
                            _allow("Trace", [f"xray:{one}" for one in TRACES], "*"),
                        )
                    ),
                }
            ],
        },
    }


def render() -> str:
    """The whole file."""
    names = ("AssignPublicIp", "ClusterArn", "ContainerName", "ShardSize", "TableName", "TaskDefinitionArn")
    lists = ("SecurityGroups", "Subnets")
    function = either("Served", [ref("FunctionRoleName")])
    body = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "dr.aws: executions as executions of a state machine, whose tasks are runners on Fargate",
        "Parameters": PARAMETERS,
        "Conditions": {name: given(one) for name, one in CONDITIONS.items()},
        "Resources": {
            "Log": {
                "Type": "AWS::Logs::LogGroup",
                "DeletionPolicy": "Retain",
                "UpdateReplacePolicy": "Retain",
                "Metadata": accepted(CKV_AWS_158="encrypted with a key of one's own where LogKeyArn is given"),
                "Properties": {
                    "LogGroupName": sub("/aws/vendedlogs/states/${Name}"),
                    "RetentionInDays": 400,
                    "KmsKeyId": either("LogKey", ref("LogKeyArn")),
                },
            },
            "Role": _role(),
            "Machine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Metadata": accepted(CKV_AWS_285="tokens that wake it stay out of the log; the execution's history has the rest"),
                "Properties": {
                    "StateMachineName": ref("Name"),
                    "StateMachineType": "STANDARD",
                    "RoleArn": att("Role"),
                    "DefinitionString": Literal(SOURCE.read_text(encoding="utf-8")),
                    "DefinitionSubstitutions": {
                        **{name: ref(name) for name in names},
                        **{name: {"Fn::Join": [",", ref(name)]} for name in lists},
                    },
                    "LoggingConfiguration": {
                        "Level": "ALL",
                        "IncludeExecutionData": False,
                        "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": att("Log")}}],
                    },
                    "TracingConfiguration": {"Enabled": True},
                },
            },
            "Starters": {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {
                    "Description": "Starts and redrives the state machine of dr.aws: for the API's function, and for operators",
                    "Roles": function,
                    "PolicyDocument": completed(
                        _policy(
                            _allow("Start", ["states:StartExecution"], ref("Machine")),
                            _allow(
                                "Follow",
                                ["states:DescribeExecution", "states:RedriveExecution", "states:StopExecution"],
                                "arn:${AWS::Partition}:states:" + HERE + ":execution:${Name}:*",
                            ),
                        )
                    ),
                },
            },
            "Deciders": {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {
                    "Description": "Wakes the state machine of dr.aws after a decision: for the API's function, and for approvers",
                    "Roles": function,
                    "PolicyDocument": completed(
                        _policy(_allow("Wake", ["states:SendTaskFailure", "states:SendTaskSuccess"], ref("Machine")))
                    ),
                },
            },
        },
        "Outputs": {
            "StateMachineArn": {"Description": "For DR_STARTER: states:<this>", "Value": ref("Machine")},
            "StartersPolicyArn": {"Description": "For the API's function, and for operators", "Value": ref("Starters")},
            "DecidersPolicyArn": {"Description": "For the API's function, and for approvers", "Value": ref("Deciders")},
        },
    }
    return written(START, body)


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(render(), encoding="utf-8")
