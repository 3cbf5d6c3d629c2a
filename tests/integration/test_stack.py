# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudFormation stacks: shown first, rolled back where they fail, nothing given up that must be kept, the second run idle."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from playbook import EAST, MANAGEMENT, SHOP, WEST, estate

from ansible_collections.dr.aws.plugins.module_utils.errors import DrError, InputError
from ansible_collections.dr.aws.plugins.module_utils.stacks import LARGEST, Stack, ensure

KEPT = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
TOPIC = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "told"}}
BUCKET = {"Type": "AWS::S3::Bucket", **KEPT, "Properties": {"BucketName": {"Ref": "Name"}}}
PARAMETERS = {"Name": {"Type": "String", "Default": "dr-kept"}, "Word": {"Type": "String", "Default": "", "NoEcho": True}}


def stack(parameters: dict[str, str] | None = None, **resources: Any) -> Stack:
    return Stack("one", {"Parameters": PARAMETERS, "Resources": resources or {"Topic": TOPIC}}, parameters or {}, {})


@pytest.fixture
def cfn(sandbox: Any) -> Any:
    sandbox.load(estate())
    return sandbox.client("cloudformation", WEST)


def test_what_was_shown_is_carried_out_and_a_second_run_is_idle(sandbox: Any, cfn: Any) -> None:
    foretold = ensure(cfn, stack(), apply=False)
    assert foretold.changes == ("create stack one", "protect stack one against deletion")
    assert sandbox.calls(mutating=True) == []
    shown = ensure(cfn, stack(), execute=False)
    assert shown.changes == ("add Topic (AWS::SNS::Topic)", "protect stack one against deletion")
    assert sandbox.inside("sns", WEST, MANAGEMENT).list_topics()["Topics"] == []
    assert ensure(cfn, stack(), execute=False).change_set == shown.change_set, "it is taken up, not made again"
    assert ensure(cfn, stack()).changes == shown.changes
    assert len(sandbox.calls(operation="CreateChangeSet")) == 1

    again = ensure(cfn, stack(), drift=True)
    assert (again.changes, again.change_set, again.drift) == ((), "", ())
    assert cfn.describe_stacks(StackName="one")["Stacks"][0]["EnableTerminationProtection"]


def test_only_a_change_set_can_tell_what_is_not_told(cfn: Any) -> None:
    ensure(cfn, stack({"Word": "first"}))
    assert ensure(cfn, stack({"Word": "first"}), apply=False).changes == ()
    assert ensure(cfn, stack({"Word": "first"})).changes == ()
    assert ensure(cfn, stack({"Word": "second"})).changes == ("change outputs or tags of stack one",)


def test_what_is_left_out_keeps_its_value(sandbox: Any, cfn: Any) -> None:
    ensure(cfn, stack({"Name": "dr-other", "Word": "first"}, Bucket=BUCKET))
    assert ensure(cfn, stack(Bucket=BUCKET, Topic=TOPIC)).changes == ("add Topic (AWS::SNS::Topic)",)
    assert [one["Name"] for one in sandbox.inside("s3", WEST, MANAGEMENT).list_buckets()["Buckets"]] == ["dr-other"]
    (found,) = cfn.describe_stacks(StackName="one")["Stacks"]
    assert {"ParameterKey": "Name", "ParameterValue": "dr-other"} in found["Parameters"]


def test_tags_and_parameters_that_differ_are_named(cfn: Any) -> None:
    ensure(cfn, stack(Bucket=BUCKET))
    other = replace(stack({"Name": "dr-other"}, Bucket=BUCKET), tags={"team": "dr"})
    assert ensure(cfn, other, apply=False).changes == ("change parameter Name of stack one", "change the tags of stack one")


def test_a_first_change_that_fails_is_rolled_back_and_says_why(sandbox: Any, cfn: Any) -> None:
    place = {"LocationConstraint": WEST}
    sandbox.inside("s3", WEST, SHOP).create_bucket(Bucket="dr-taken", CreateBucketConfiguration=place)
    taken = stack({"Name": "dr-taken"}, Topic=TOPIC, Bucket=BUCKET)
    with pytest.raises(DrError, match=r"stack one is ROLLBACK_COMPLETE: .*bucket name is not available"):
        ensure(cfn, taken)
    assert sandbox.inside("sns", WEST, MANAGEMENT).list_topics()["Topics"] == []
    with pytest.raises(DrError, match=r"cannot be changed. Next: aws cloudformation delete-stack --stack-name one"):
        ensure(cfn, taken)


def test_a_later_change_that_fails_leaves_what_was(sandbox: Any, cfn: Any) -> None:
    ensure(cfn, stack(Topic=TOPIC))
    sandbox.inside("s3", EAST, SHOP).create_bucket(Bucket="dr-taken")
    with pytest.raises(DrError, match="stack one is UPDATE_ROLLBACK_COMPLETE"):
        ensure(cfn, stack({"Name": "dr-taken"}, Topic=TOPIC, Bucket=BUCKET))
    assert ensure(cfn, stack(Topic=TOPIC)).changes == ()
    assert len(sandbox.inside("sns", WEST, MANAGEMENT).list_topics()["Topics"]) == 1


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        pytest.param(stack(Topic=TOPIC), "remove Bucket", id="removed"),
        pytest.param(stack({"Name": "dr-other"}, Bucket=BUCKET), "modify Bucket .*, replaced", id="replaced"),
    ],
)
def test_what_must_be_kept_is_not_given_up(cfn: Any, wanted: Stack, said: str) -> None:
    ensure(cfn, stack(Bucket=BUCKET))
    with pytest.raises(DrError, match=f"would give up what must be kept: {said}"):
        ensure(cfn, wanted)
    assert ensure(cfn, stack(Bucket=BUCKET)).changes == ()


def test_drift_is_told_by_what_differs(sandbox: Any, cfn: Any) -> None:
    ensure(cfn, stack(Bucket={**BUCKET, "Properties": {**BUCKET["Properties"], "VersioningConfiguration": {"Status": "Enabled"}}}))
    storage = sandbox.inside("s3", WEST, MANAGEMENT)
    storage.put_bucket_versioning(Bucket="dr-kept", VersioningConfiguration={"Status": "Suspended"})
    kept = stack(Bucket={**BUCKET, "Properties": {**BUCKET["Properties"], "VersioningConfiguration": {"Status": "Enabled"}}})
    assert ensure(cfn, kept, drift=True).drift == ("Bucket (AWS::S3::Bucket) modified: /VersioningConfiguration",)
    storage.delete_bucket(Bucket="dr-kept")
    assert ensure(cfn, kept, drift=True).drift == ("Bucket (AWS::S3::Bucket) deleted",)


def test_what_cloudformation_would_not_take_is_said_before(cfn: Any) -> None:
    with pytest.raises(InputError, match=f"at most {LARGEST}"):
        ensure(cfn, stack(Topic={**TOPIC, "Metadata": {"Why": "x" * LARGEST}}))
    with pytest.raises(InputError, match="parameters='Unheard' cannot be used; allowed: Name, Word"):
        ensure(cfn, stack({"Unheard": "x"}))
