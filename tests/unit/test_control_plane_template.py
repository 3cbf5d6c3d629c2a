# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the templates promise: they fit into a call, keep what holds data, and give nobody more than is needed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.dr.aws.plugins.module_utils.stacks import LARGEST, LINTERS, Stack, lean

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "roles").glob("*/files/*.cfn.yml"))
TEMPLATE = yaml.safe_load((ROOT / "roles/control_plane/files/control_plane.cfn.yml").read_text(encoding="utf-8"))
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
#: What the playbooks were seen to call in the control account (readiness, failover, status, audit, report), as IAM names it.
CALLED = {
    "cloudtrail": ("LookupEvents",),
    "cloudwatch": ("DescribeAlarms", "PutMetricAlarm", "PutMetricData"),
    "dynamodb": (
        "BatchWriteItem",
        "DescribeContinuousBackups",
        "DescribeTable",
        "DescribeTimeToLive",
        "GetItem",
        "ListTagsOfResource",
        "PutItem",
        "Query",
        "UpdateItem",
    ),
    "s3": (
        "GetBucketObjectLockConfiguration",
        "GetBucketPublicAccessBlock",
        "GetBucketVersioning",
        "GetEncryptionConfiguration",
        "GetObject",
        "ListBucket",
        "ListBucketVersions",
        "PutObject",
    ),
    "sns": ("GetTopicAttributes", "ListTopics", "Publish"),
    "sts": ("AssumeRole", "SetSourceIdentity"),
}
#: Actions that know no resource (Service Authorization Reference).
UNLIMITED = {
    "cloudtrail:LookupEvents",
    "cloudwatch:PutMetricData",
    "ecr:GetAuthorizationToken",
    "sns:ListTopics",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}


def _statements(role: str) -> Iterator[dict[str, Any]]:
    """Of a role's own policies and of those that it shares; the branch where a condition holds."""
    properties = RESOURCES[role]["Properties"]
    documents = [one["PolicyDocument"] for one in properties.get("Policies", ())]
    shared = [one["Fn::If"][1] if "Fn::If" in one else one for one in properties.get("ManagedPolicyArns", ())]
    documents += [RESOURCES[one["Ref"]]["Properties"]["PolicyDocument"] for one in shared]
    for document in documents:
        yield from (one["Fn::If"][1] if "Fn::If" in one else one for one in document["Statement"])


def _actions(role: str) -> set[str]:
    return {action for one in _statements(role) for action in one["Action"]}


ROLES = sorted(name for name, one in RESOURCES.items() if one["Type"] == "AWS::IAM::Role")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_fits_into_the_call(path: Path) -> None:
    """With some room: what is sent is checked again where it is sent."""
    template = lean(yaml.safe_load(path.read_text(encoding="utf-8")))
    assert len(Stack("one", template, {}, {}).body()) < LARGEST - 1000
    assert not any(set(one.get("Metadata", ())) & set(LINTERS) for one in template["Resources"].values())


@pytest.mark.parametrize("name", ["Table", "Bucket", "AuditBucket", "Key", "LogGroup", "Repository"])
def test_what_holds_data_outlives_the_stack(name: str) -> None:
    assert (RESOURCES[name]["DeletionPolicy"], RESOURCES[name]["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_operators_have_a_second_factor() -> None:
    (trusted,) = RESOURCES["OperatorRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trusted["Condition"] == {
        "Bool": {"aws:MultiFactorAuthPresent": "true"},
        "NumericLessThan": {"aws:MultiFactorAuthAge": "3600"},
    }


def test_operators_who_use_the_api_alone_write_nothing_themselves() -> None:
    """Neither to the table, nor by a command of their own in the runner: such an approval is always the function's."""
    properties = RESOURCES["OperatorRole"]["Properties"]
    assert properties["ManagedPolicyArns"] == [
        {"Ref": "Reading"},
        {"Fn::If": ["ByPlaybook", {"Ref": "Writing"}, {"Ref": "AWS::NoValue"}]},
    ]
    own = properties["Policies"][0]["PolicyDocument"]["Statement"]
    assert {one["Fn::If"][0]: one["Fn::If"][1]["Sid"] for one in own} == {"Served": "Decide", "Direct": "Pass"}
    assert TEMPLATE["Conditions"]["Direct"] == {"Fn::And": [{"Condition": "ByPlaybook"}, {"Condition": "Runs"}]}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_no_action_by_pattern_and_everything_only_where_nothing_narrower_exists(role: str) -> None:
    for one in _statements(role):
        assert not any("*" in action for action in one["Action"]), one
        assert "*" not in one["Resource"] or set(one["Action"]) <= UNLIMITED, one


@pytest.mark.parametrize("role", ROLES)
def test_no_role_of_the_control_plane_removes_it(role: str) -> None:
    removing = (
        "*:DeleteTable",
        "*:DeleteBucket*",
        "s3:DeleteObject*",
        "kms:Schedule*",
        "s3:PutBucket*",
        "s3:PutObjectRetention",
        "iam:*",
    )
    kept = {action for action in _actions(role) for pattern in removing if fnmatchcase(action, pattern)}
    assert kept <= {"iam:PassRole"}


def test_the_runner_may_do_what_the_playbooks_call() -> None:
    called = {f"{service}:{operation}" for service, operations in CALLED.items() for operation in operations}
    assert called <= _actions("RunnerRole")


def test_readers_change_nothing() -> None:
    reading = (
        "*:Describe*",
        "*:Get*",
        "*:List*",
        "*:Lookup*",
        "dynamodb:Query",
        "dynamodb:Scan",
        "execute-api:Invoke",
        "kms:Decrypt",
    )
    assert all(any(fnmatchcase(action, pattern) for pattern in reading) for action in _actions("ReaderRole"))
    (invoked,) = (one for one in _statements("ReaderRole") if "execute-api:Invoke" in one["Action"])
    assert all("/GET/" in one["Fn::Sub"] for one in invoked["Resource"])


def test_an_api_that_starts_the_state_machine_starts_no_task_itself() -> None:
    settings = RESOURCES["Function"]["Properties"]["Environment"]["Variables"]
    assert settings["DR_STARTER"]["Fn::If"][:2] == ["Driven", {"Fn::Sub": "states:${StateMachineArn}"}]
    assert {settings[f"DR_STARTER_{one}"]["Fn::If"][0] for one in ("SUBNETS", "SECURITY_GROUPS")} == {"Starts"}
    own = RESOURCES["FunctionRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    assert {one["Fn::If"][1]["Sid"] for one in own if one.get("Fn::If", [""])[0] == "Starts"} == {"Start", "Pass"}
    assert TEMPLATE["Conditions"]["Starts"] == {"Fn::And": [{"Condition": "Runs"}, {"Fn::Not": [{"Condition": "Driven"}]}]}


def test_only_the_runner_has_a_way_into_the_accounts() -> None:
    assert [role for role in ROLES if "sts:AssumeRole" in _actions(role)] == ["RunnerRole"]


def test_a_schedule_runs_a_playbook_that_exists() -> None:
    rules = [one["Properties"] for one in RESOURCES.values() if one["Type"] == "AWS::Scheduler::Schedule"]
    inputs = [one["Target"]["Input"] for one in rules]
    commands = [json.loads(one["Fn::Sub"] if isinstance(one, dict) else one)["containerOverrides"][0]["command"] for one in inputs]
    assert len(commands) == 3
    assert all((ROOT / f"playbooks/{command[1].removeprefix('dr.aws.')}.yml").is_file() for command in commands)
