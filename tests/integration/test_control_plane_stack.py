# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control plane by CloudFormation: what the stack makes is what the module would have made, and stays the stack's."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import yaml
from playbook import BUCKET, EAST, MANAGEMENT, ROOT, TABLE, TOPIC, WEST, Operator, estate

from ansible_collections.dr.aws.plugins.module_utils import control_plane, monitoring, recording
from ansible_collections.dr.aws.plugins.module_utils.stacks import Stack, ensure, lean

STACK = {"engine": "cloudformation"}
TEMPLATE = lean(yaml.safe_load((ROOT / "roles/control_plane/files/control_plane.cfn.yml").read_text(encoding="utf-8")))
WHOLE = {
    "TableName": TABLE,
    "BucketName": BUCKET,
    "AuditBucketName": f"{BUCKET}-audit",
    "TopicName": "dr-events",
    "Trail": "true",
    "RunnerRepository": "true",
    "RunnerImage": f"{MANAGEMENT}.dkr.ecr.{WEST}.amazonaws.com/{TABLE}-runner@sha256:{'0' * 64}",
    "Subnets": "subnet-0123456789abcdef0",
    "SecurityGroups": "sg-0123456789abcdef0",
    "ReadinessSchedule": "rate(12 hours)",
    "ReprotectSchedule": "rate(1 day)",
    "SyncTagsSchedule": "rate(4 hours)",
    "Customer": "acme",
    "Environment": "production",
    "PrimaryRegion": EAST,
    "DrRegion": WEST,
    "ResourceExplorer": "AGGREGATOR",
    "ApiCodeBucket": "dr-code",
    "ApiRegions": f"{EAST},{WEST}",
    "OperatorPrincipalArns": f"arn:aws:iam::{MANAGEMENT}:root",
    "ReaderPrincipalArns": f"arn:aws:iam::{MANAGEMENT}:root",
}


def test_the_playbook_makes_the_stack_once(sandbox: Any, operator: Operator) -> None:
    operator.load(estate())
    foretold = operator.run("control_plane", "--check", **STACK).ok()
    assert foretold.changed >= 1
    assert sandbox.calls(mutating=True) == []
    operator.run("control_plane", **STACK, trail="mine").refused("trail=mine cannot be used", "Next: -e trail=dr-aws")
    made = operator.run("control_plane", **STACK, trail="dr-aws", object_lock_days=3000).ok()
    assert "add Table (AWS::DynamoDB::GlobalTable)" in made.out
    assert "not as it must be" not in made.out, "the module finds everything that it would have made"
    cloudformation = sandbox.inside("cloudformation", WEST, MANAGEMENT)
    (stack,) = cloudformation.describe_stacks(StackName="dr-aws")["Stacks"]
    assert (stack["StackStatus"], stack["EnableTerminationProtection"]) == ("CREATE_COMPLETE", True)

    before = operator.mark()
    assert operator.run("control_plane", **STACK).ok().changed == 0
    assert sandbox.calls(mutating=True, since=before) == []

    operator.run("control_plane", **STACK, object_lock_days=30).refused("object_lock_days=30 cannot be used")
    assert sandbox.calls(mutating=True, since=before) == []

    sandbox.inside("dynamodb", WEST, MANAGEMENT).update_table(TableName=TABLE, DeletionProtectionEnabled=False)
    before = operator.mark()
    drifted = operator.run("control_plane", **STACK).ok()
    assert "Table (AWS::DynamoDB::GlobalTable) modified: /DeletionProtectionEnabled" in drifted.out
    assert f"protect table {TABLE} against deletion" in drifted.out, "the module says it, and leaves the stack's table alone"
    assert sandbox.calls(mutating=True, since=before) == []


def test_what_calls_made_is_not_taken_over(sandbox: Any, operator: Operator) -> None:
    operator.load(estate())
    clients = (sandbox.inside(one, WEST, MANAGEMENT) for one in ("dynamodb", "s3", "sns"))
    control_plane.ensure(*clients, control_plane.Names(TABLE, BUCKET, "dr-events"), WEST)
    refused = operator.run("control_plane", **STACK)
    refused.refused(f"table {TABLE}, or a bucket of this control plane, is there already", "Next: leave engine out")
    assert sandbox.calls(mutating=True) == []


def test_a_whole_stack_is_what_the_modules_would_have_made(sandbox: Any) -> None:
    """With every part that parameters ask for. The table is of the stack, so that the modules are asked here as if it were not."""
    sandbox.load(estate())
    storage = sandbox.inside("s3", WEST, MANAGEMENT)
    storage.create_bucket(Bucket="dr-code", CreateBucketConfiguration={"LocationConstraint": WEST})
    storage.put_object(Bucket="dr-code", Key="dr-api.zip", Body=archive())
    cloudformation = sandbox.client("cloudformation", WEST)
    outcome = ensure(cloudformation, Stack("dr-aws", TEMPLATE, WHOLE, {}, ("CAPABILITY_NAMED_IAM",)))
    assert {"TopicArn", "ApiUrl", "RunnerRoleArn", "OperatorRoleArn", "ReaderRoleArn"} <= set(outcome.outputs)

    dynamodb, s3, sns, cloudwatch = (sandbox.client(one, WEST) for one in ("dynamodb", "s3", "sns", "cloudwatch"))
    names = control_plane.Names(TABLE, BUCKET, "dr-events")
    assert control_plane.stack_of(dynamodb, TABLE) == "dr-aws"
    assert control_plane.ensure(dynamodb, s3, sns, names, WEST, apply=False).changes == ()
    watched = monitoring.Watched(WEST, MANAGEMENT, "aws", TABLE, "dr-events")
    assert monitoring.ensure(cloudwatch, sns, watched, apply=False) == ([], TOPIC)
    trail = recording.Trail("dr-aws", names.audit_bucket, WEST, MANAGEMENT)
    assert recording.ensure(sandbox.client("cloudtrail", WEST), s3, trail, apply=False) == []
    scheduled = sandbox.inside("scheduler", WEST, MANAGEMENT).list_schedules()["Schedules"]
    assert {one["Name"] for one in scheduled} == {f"{TABLE}-{one}" for one in ("readiness", "reprotect", "sync_tags")}
    assert ensure(cloudformation, Stack("dr-aws", TEMPLATE, WHOLE, {}, ("CAPABILITY_NAMED_IAM",)), drift=True).changes == ()


def archive() -> bytes:
    """Of a function that is not called here."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as packed:
        packed.writestr("dr_api.py", "")
    return held.getvalue()
