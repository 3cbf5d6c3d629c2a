# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What works on the control plane, each part where its parameters ask for it: registry, runner, schedules, Resource Explorer, API.

Facts: ECS developer guide (a task has only volumes to write to where its root file system is read-only); EventBridge Scheduler
user guide ("Set up the execution role", aws:SourceAccount against confused deputies); API Gateway developer guide (a deployment is
a picture: a change of methods needs another).
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import control_plane_rights as rights
from cfn import accepted, att, either, given, ref, sub
from control_plane_state import HOME, KEPT

CONTAINER = "runner"
#: Parameter of its schedule -> the playbook, and whether it is of one environment.
SCHEDULES = {
    "ReadinessSchedule": ("readiness", True),
    "ReprotectSchedule": ("reprotect", True),
    "SyncTagsSchedule": ("sync_tags", False),
}
_SCOPE = {"customer": "Customer", "environment": "Environment", "primary_region": "PrimaryRegion", "dr_region": "DrRegion"}
_ACCOUNT, _REGION, _PARTITION = HOME

PARAMETERS: dict[str, Any] = {
    "RunnerRepository": {
        "Type": "String",
        "Default": "false",
        "AllowedValues": ["true", "false"],
        "Description": "Make the ECR repository of the runner's image.",
    },
    "RunnerImage": {"Type": "String", "Default": "", "Description": "The image of the runner, by digest. Empty for no runner."},
    "RunnerInventory": {
        "Type": "String",
        "Default": "/runner/estate.dr_aws.yml",
        "Description": "The inventory file in the image.",
    },
    "Subnets": {"Type": "CommaDelimitedList", "Default": "", "Description": "Of the runner's tasks."},
    "SecurityGroups": {"Type": "CommaDelimitedList", "Default": "", "Description": "Of the runner's tasks."},
    **{
        name: {
            "Type": "String",
            "Default": "",
            "Description": f"When {playbook}.yml runs, such as rate(12 hours). Empty for never.",
        }
        for name, (playbook, _scoped) in SCHEDULES.items()
    },
    **{name: {"Type": "String", "Default": "", "Description": f"{key} of the schedules."} for key, name in _SCOPE.items()},
    "ResourceExplorer": {
        "Type": "String",
        "Default": "none",
        "AllowedValues": ["none", "LOCAL", "AGGREGATOR"],
        "Description": "Make an index of this region, with a default view that shows tags.",
    },
    "ApiCodeBucket": {
        "Type": "String",
        "Default": "",
        "Description": "Where the archive of tools/api_zip.py is. Empty for no API.",
    },
    "ApiCodeKey": {"Type": "String", "Default": "dr-api.zip"},
    "ApiCodeVersion": {
        "Type": "String",
        "Default": "",
        "Description": "The version of that object; another one changes the function.",
    },
    "StateMachineArn": {
        "Type": "String",
        "Default": "",
        "Description": "What the API starts, by the role state_machine. Empty for tasks of the runner.",
    },
    "ApiRegions": {"Type": "String", "Default": "", "Description": "Regions that an execution may go between, with commas."},
}
CONDITIONS: dict[str, Any] = {
    "Registered": {"Fn::Equals": [ref("RunnerRepository"), "true"]},
    "Runs": given("RunnerImage"),
    **{name.removesuffix("Schedule"): {"Fn::And": [{"Condition": "Runs"}, given(name)]} for name in SCHEDULES},
    "Scheduled": {"Fn::Or": [{"Condition": name.removesuffix("Schedule")} for name in SCHEDULES]},
    "Explored": {"Fn::Not": [{"Fn::Equals": [ref("ResourceExplorer"), "none"]}]},
    "Served": given("ApiCodeBucket"),
    "Versioned": given("ApiCodeVersion"),
    "Driven": given("StateMachineArn"),
    "Starts": {"Fn::And": [{"Condition": "Runs"}, {"Fn::Not": [{"Condition": "Driven"}]}]},
}


def resources() -> dict[str, Any]:
    """By logical name."""
    return {**_runner(), **_schedules(), **_explorer(), **_api()}


def _runner() -> dict[str, Any]:
    logs = {"awslogs-group": ref("LogGroup"), "awslogs-region": ref("AWS::Region"), "awslogs-stream-prefix": CONTAINER}
    environment = {"ANSIBLE_HOME": "/tmp/ansible", "ANSIBLE_INVENTORY": ref("RunnerInventory"), "HOME": "/tmp"}
    container = {
        "Name": CONTAINER,
        "Image": ref("RunnerImage"),
        "Essential": True,
        "ReadonlyRootFilesystem": True,
        "Command": ["ansible-playbook", "--version"],
        "Environment": [{"Name": name, "Value": value} for name, value in environment.items()],
        "MountPoints": [{"SourceVolume": "scratch", "ContainerPath": "/tmp"}],
        "LogConfiguration": {"LogDriver": "awslogs", "Options": logs},
    }
    pulling = [
        rights.allow("Token", ["ecr:GetAuthorizationToken"], ["*"]),
        rights.allow(
            "Pull",
            ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            [sub(f"arn:{_PARTITION}:ecr:{_REGION}:{_ACCOUNT}:repository/*")],
        ),
        rights.allow("Log", ["logs:CreateLogStream", "logs:PutLogEvents"], [att("LogGroup")]),
    ]
    own = {"StringEquals": {"aws:SourceAccount": _ACCOUNT}}
    return {
        "Repository": {
            "Type": "AWS::ECR::Repository",
            "Condition": "Registered",
            **KEPT,
            "Properties": {
                "RepositoryName": sub("${TableName}-runner"),
                "ImageTagMutability": "IMMUTABLE",
                "ImageScanningConfiguration": {"ScanOnPush": True},
                "EncryptionConfiguration": {"EncryptionType": "KMS", "KmsKey": att("Key")},
            },
        },
        "Cluster": {
            "Type": "AWS::ECS::Cluster",
            "Condition": "Runs",
            "Properties": {
                "ClusterName": ref("TableName"),
                "ClusterSettings": [{"Name": "containerInsights", "Value": "enabled"}],
            },
        },
        "Task": {
            "Type": "AWS::ECS::TaskDefinition",
            "Condition": "Runs",
            "Properties": {
                "Family": sub("${TableName}-runner"),
                "RequiresCompatibilities": ["FARGATE"],
                "NetworkMode": "awsvpc",
                "Cpu": "1024",
                "Memory": "4096",
                "TaskRoleArn": att("RunnerRole"),
                "ExecutionRoleArn": att("RunnerExecutionRole"),
                "Volumes": [{"Name": "scratch"}],
                "ContainerDefinitions": [container],
            },
        },
        "RunnerRole": rights.role(
            "ecs-tasks.amazonaws.com", "Runs the playbooks of dr.aws", rights.running(), "Runs", ("Reading", "Writing"), **own
        ),
        "RunnerExecutionRole": rights.role("ecs-tasks.amazonaws.com", "Starts the runner of dr.aws", pulling, "Runs", **own),
    }


def _schedules() -> dict[str, Any]:
    starting = [
        *rights.starting(),
        rights.allow("Decrypt", ["kms:Decrypt"], [att("Key")]),
    ]
    own = {"StringEquals": {"aws:SourceAccount": _ACCOUNT}}
    found: dict[str, Any] = {
        "ScheduleRole": rights.role("scheduler.amazonaws.com", "Starts the runner of dr.aws on time", starting, "Scheduled", **own)
    }
    for name, (playbook, scoped) in SCHEDULES.items():
        command = ["ansible-playbook", f"dr.aws.{playbook}"]
        command += [word for key, parameter in _SCOPE.items() for word in ("-e", f"{key}=${{{parameter}}}")] if scoped else []
        told = json.dumps({"containerOverrides": [{"name": CONTAINER, "command": command}]})
        found[name.removesuffix("Schedule") + "Rule"] = {
            "Type": "AWS::Scheduler::Schedule",
            "Metadata": {"cfn-lint": {"config": {"ignore_checks": ["W1030"]}}, "Why": "with a runner, subnets are given"},
            "Condition": name.removesuffix("Schedule"),
            "Properties": {
                "Name": sub(f"${{TableName}}-{playbook}"),
                "ScheduleExpression": ref(name),
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "KmsKeyArn": att("Key"),
                "Target": {
                    "Arn": att("Cluster"),
                    "RoleArn": att("ScheduleRole"),
                    "Input": sub(told) if scoped else told,
                    "EcsParameters": {
                        "TaskDefinitionArn": ref("Task"),
                        "LaunchType": "FARGATE",
                        "NetworkConfiguration": {
                            "AwsvpcConfiguration": {"Subnets": ref("Subnets"), "SecurityGroups": ref("SecurityGroups")}
                        },
                    },
                },
            },
        }
    return found


def _explorer() -> dict[str, Any]:
    return {
        "Index": {
            "Type": "AWS::ResourceExplorer2::Index",
            "Condition": "Explored",
            "Properties": {"Type": ref("ResourceExplorer")},
        },
        "View": {
            "Type": "AWS::ResourceExplorer2::View",
            "Condition": "Explored",
            "DependsOn": ["Index"],
            "Properties": {"ViewName": ref("TableName"), "IncludedProperties": [{"Name": "tags"}]},
        },
        "DefaultView": {
            "Type": "AWS::ResourceExplorer2::DefaultViewAssociation",
            "Condition": "Explored",
            "Properties": {"ViewArn": ref("View")},
        },
    }


def _api() -> dict[str, Any]:
    place = "/".join(("ecs:${Cluster}", "${TableName}-runner", CONTAINER))
    settings = {
        "DR_CONTROL_REGION": ref("AWS::Region"),
        "DR_TABLE": ref("TableName"),
        "DR_BUCKET": ref("BucketName"),
        "DR_AUDIT_BUCKET": ref("AuditBucketName"),
        "DR_TOPIC_ARN": ref("Topic"),
        "DR_REGIONS": ref("ApiRegions"),
        "DR_STARTER": either("Driven", sub("states:${StateMachineArn}"), either("Starts", sub(place), "none")),
        "DR_STARTER_SUBNETS": either("Starts", {"Fn::Join": [",", ref("Subnets")]}),
        "DR_STARTER_SECURITY_GROUPS": either("Starts", {"Fn::Join": [",", ref("SecurityGroups")]}),
    }
    logging = rights.allow("Log", ["logs:CreateLogStream", "logs:PutLogEvents"], [att("LogGroup")])
    tracing = rights.allow("Trace", ["xray:PutTelemetryRecords", "xray:PutTraceSegments"], ["*"])
    invoked = f"arn:{_PARTITION}:apigateway:{_REGION}:lambda:path/2015-03-31/functions/${{Function.Arn}}/invocations"
    method: dict[str, Any] = {
        "RestApiId": ref("Api"),
        "ResourceId": ref("Paths"),
        "HttpMethod": "ANY",
        "AuthorizationType": "AWS_IAM",
        "Integration": {"Type": "AWS_PROXY", "IntegrationHttpMethod": "POST", "Uri": sub(invoked)},
    }
    deployment = f"Deployment{hashlib.sha256(json.dumps(method, sort_keys=True).encode()).hexdigest()[:8]}"
    return {
        "FunctionRole": rights.role(
            "lambda.amazonaws.com",
            "The API of dr.aws",
            [*(either("Starts", one) for one in rights.starting()), logging, tracing],
            "Served",
            ("Reading", "Writing"),
        ),
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Condition": "Served",
            "Metadata": accepted(
                CKV_AWS_115="a limit takes capacity from the account; callers are few, and signed",
                CKV_AWS_116="it is called synchronously: the caller has the answer",
                CKV_AWS_117="it needs nothing in a VPC, and must work without one",
            ),
            "Properties": {
                "FunctionName": sub("${TableName}-api"),
                "Runtime": "python3.11",
                "Architectures": ["x86_64"],
                "Handler": "dr_api.handler",
                "Code": {
                    "S3Bucket": ref("ApiCodeBucket"),
                    "S3Key": ref("ApiCodeKey"),
                    "S3ObjectVersion": either("Versioned", ref("ApiCodeVersion")),
                },
                "Role": att("FunctionRole"),
                "MemorySize": 1024,
                "Timeout": 29,
                "KmsKeyArn": att("Key"),
                "Environment": {"Variables": settings},
                "LoggingConfig": {"LogGroup": ref("LogGroup")},
                "TracingConfig": {"Mode": "Active"},
            },
        },
        "Api": {
            "Type": "AWS::ApiGateway::RestApi",
            "Condition": "Served",
            "Properties": {"Name": ref("TableName"), "EndpointConfiguration": {"Types": ["REGIONAL"]}},
        },
        "Paths": {
            "Type": "AWS::ApiGateway::Resource",
            "Condition": "Served",
            "Properties": {"RestApiId": ref("Api"), "ParentId": att("Api", "RootResourceId"), "PathPart": "{proxy+}"},
        },
        "AnyMethod": {"Type": "AWS::ApiGateway::Method", "Condition": "Served", "Properties": method},
        deployment: {
            "Type": "AWS::ApiGateway::Deployment",
            "Condition": "Served",
            "DependsOn": ["AnyMethod"],
            "Properties": {"RestApiId": ref("Api")},
        },
        "Stage": {
            "Type": "AWS::ApiGateway::Stage",
            "Condition": "Served",
            "Metadata": accepted(
                CKV_AWS_76="the function logs each request; logs of the gateway need a role that is the account's, not the stack's",
                CKV_AWS_120="answers are of now",
            ),
            "Properties": {
                "RestApiId": ref("Api"),
                "DeploymentId": ref(deployment),
                "StageName": "prod",
                "TracingEnabled": True,
            },
        },
        "Invoked": {
            "Type": "AWS::Lambda::Permission",
            "Condition": "Served",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": ref("Function"),
                "Principal": "apigateway.amazonaws.com",
                "SourceArn": sub(f"arn:{_PARTITION}:execute-api:{_REGION}:{_ACCOUNT}:${{Api}}/*"),
            },
        },
    }
