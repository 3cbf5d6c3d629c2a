# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same stack in all accounts of organizational units: made once, changed everywhere, never deleted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from playbook import BILLING, EAST, SHOP, WEST, estate

from ansible_collections.dr.aws.plugins.module_utils.errors import DrError, InputError
from ansible_collections.dr.aws.plugins.module_utils.stack_sets import StackSet, ensure
from ansible_collections.dr.aws.plugins.module_utils.stacks import Stack

UNIT = "ou-ab12-cd34ef56"
PARAMETERS = {"Days": {"Type": "Number", "Default": 30}, "Word": {"Type": "String", "Default": "", "NoEcho": True}}
BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "dr-taken"}}


def logs(parameters: dict[str, str] | None = None, **more: Any) -> Stack:
    group = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/one", "RetentionInDays": {"Ref": "Days"}}}
    return Stack("one", {"Parameters": PARAMETERS, "Resources": {"Logs": group, **more}}, parameters or {}, {})


def wanted(stack: Stack | None = None, **changes: Any) -> StackSet:
    return replace(StackSet(stack or logs(), (UNIT,), (WEST,)), **changes)


@pytest.fixture
def cfn(sandbox: Any) -> Any:
    sandbox.load(estate())
    return sandbox.client("cloudformation", WEST)


def kept(sandbox: Any, region: str = WEST) -> list[int]:
    """For how many days the log groups of the accounts are kept."""
    found = [sandbox.inside("logs", region, account).describe_log_groups()["logGroups"] for account in (SHOP, BILLING)]
    return [one["retentionInDays"] for groups in found for one in groups]


def test_it_is_made_once_and_changed_everywhere(sandbox: Any, cfn: Any) -> None:
    created = ["create stack set one", f"deploy stack set one to {UNIT} in {WEST}"]
    assert ensure(cfn, wanted(), apply=False) == created
    assert sandbox.calls(mutating=True) == []
    assert ensure(cfn, wanted()) == created
    assert kept(sandbox) == [30, 30]
    assert ensure(cfn, wanted()) == []
    assert ensure(cfn, wanted(logs({"Days": "60"}))) == ["change parameter Days of stack set one"]
    assert ensure(cfn, wanted(logs({"Days": "60"}))) == []


def test_units_and_regions_are_added_and_none_is_taken_away(sandbox: Any, cfn: Any) -> None:
    ensure(cfn, wanted())
    both = wanted(units=(UNIT, "ou-ab12-ef56ab78"), regions=(WEST, EAST))
    assert ensure(cfn, both) == [
        f"deploy stack set one to ou-ab12-ef56ab78 in {WEST}, {EAST}",
        f"deploy stack set one to {UNIT} in {EAST}",
    ]
    assert kept(sandbox, EAST) == [30, 30]
    assert ensure(cfn, wanted()) == []


def test_what_is_never_told_is_sent_on_demand(sandbox: Any, cfn: Any) -> None:
    ensure(cfn, wanted(logs({"Word": "first"})))
    assert ensure(cfn, wanted(logs({"Word": "second"}))) == []
    assert ensure(cfn, wanted(logs({"Word": "second"}), anew=True)) == ["change stack set one, as it was asked for"]
    (sent,) = (row for row in sandbox.calls(operation="UpdateStackSet"))
    assert sent["outcome"] == "ok"


def test_an_account_that_fails_is_named_with_its_reason(cfn: Any) -> None:
    with pytest.raises(DrError, match=rf"is FAILED: account {BILLING} in {WEST}: .*bucket name is not available"):
        ensure(cfn, wanted(logs(Bucket=BUCKET)))


def test_nowhere_is_refused(cfn: Any) -> None:
    with pytest.raises(InputError, match=r"units=\[\] cannot be used"):
        ensure(cfn, wanted(units=()))


def test_only_the_management_account_may(sandbox: Any, cfn: Any, aws_code: Any) -> None:
    elsewhere = sandbox.client("cloudformation", WEST, SHOP)
    asked = {"StackSetName": "one", "TemplateBody": logs().body(), "PermissionModel": "SERVICE_MANAGED"}
    assert aws_code(elsewhere.create_stack_set, **asked) == "ValidationError"
