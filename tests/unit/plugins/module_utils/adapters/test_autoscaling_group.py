# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Auto Scaling decisions as tables: a row is a sentence."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.adapters.autoscaling_group import AutoscalingGroup
from ansible_collections.dr.aws.plugins.module_utils.model import (
    UNREACHABLE,
    Active,
    Blocked,
    Call,
    Deferred,
    Done,
    Goal,
    Pair,
    Wait,
)
from ansible_collections.dr.aws.plugins.module_utils.parts.autoscaling_state import (
    Blueprint,
    Group,
    Image,
    Instance,
    Seen,
    Template,
    Version,
)

EAST, WEST = "us-east-1", "us-west-2"
PAIR = Pair("web", "autoscaling", "111111111111", EAST, WEST, "web", "web")
PLANNED = Goal(PAIR)
UNPLANNED = Goal(PAIR, mode="unplanned")
HELD = frozenset({"AlarmNotification", "ScheduledActions"})
NONE: frozenset[str] = frozenset()
ADAPTER = AutoscalingGroup()


def group(desired: int = 0, serving: int | None = None, suspended: frozenset[str] | None = None, **more: Any) -> Group:
    """A group that has in service what it wants; at zero it is held as a standby is; unless told otherwise."""
    states = ["InService"] * (desired if serving is None else serving)
    instances = tuple(Instance(f"i-{number}", state, True, False) for number, state in enumerate(states))
    held = (NONE if desired else HELD) if suspended is None else suspended
    values = {
        "minimum": 2 if desired else 0,
        "maximum": 10,
        "instances": instances,
        "template": Template("lt-1", "web", "1"),
        **more,
    }
    return Group("arn:group", desired=desired, suspended=held, **values)


def leaving(number: int, lifecycle: str = "Terminating", protected: bool = False) -> tuple[Instance, ...]:
    return tuple(Instance(f"i-{one}", lifecycle, lifecycle == "InService", protected) for one in range(number))


def captured(goal: Goal, **values: Any) -> Goal:
    return replace(goal, captured={"desired_capacity": 4, "min_size": 2, "max_size": 10, "epoch": 0, "suspended": [], **values})


def setting(goal: Goal, **values: Any) -> Goal:
    return replace(goal, pair=replace(goal.pair, settings=values))


def check(step: Any, kind: type, says: str) -> None:
    """The step is of this kind, and `says` (of a call: `operation@region` and what its parameters contain) is in it."""
    assert isinstance(step, kind), step
    called = isinstance(step, Call)
    text = f"{step.operation}@{step.region} {dict(step.params)} {step.debt}" if called else str(step)
    for part in filter(None, says.split(" & ")):
        assert part in text, text


@pytest.mark.parametrize(
    ("sentence", "seen", "active"),
    [
        ("before a failover", Seen(group(4), group()), Active.SOURCE),
        ("after it", Seen(group(), group(4, epoch=1)), Active.TARGET),
        ("nothing runs", Seen(group(), group()), Active.NEITHER),
        ("nothing is there", Seen(None, None), Active.NEITHER),
        ("both run and neither was activated: split brain", Seen(group(4), group(4)), Active.BOTH),
        ("both run, the target was activated last", Seen(group(4), group(4, epoch=1)), Active.TARGET),
        ("both run, the source was activated last", Seen(group(4, epoch=2), group(4, epoch=1)), Active.SOURCE),
        ("a target that lacks instances is not finished", Seen(group(4), group(4, 3, epoch=1)), Active.SOURCE),
        ("nor when it starts alone", Seen(group(), group(4, 3, HELD, epoch=1)), Active.NEITHER),
        ("scaling out in service is no doubt", Seen(group(), group(4, 3, epoch=1)), Active.TARGET),
        ("source dark, target activated", Seen(UNREACHABLE, group(4, epoch=1)), Active.TARGET),
        ("source dark, target runs by itself", Seen(UNREACHABLE, group(4)), Active.UNKNOWN),
        ("source dark, target at zero", Seen(UNREACHABLE, group()), Active.UNKNOWN),
        ("target dark", Seen(group(4), UNREACHABLE), Active.UNKNOWN),
    ],
)
def test_active(sentence: str, seen: Seen, active: Active) -> None:
    assert ADAPTER.active(seen) is active, sentence


DATA = {"ImageId": "ami-1", "InstanceType": "m5.large"}
MODEL = Version("lt-1", "1", DATA)
ORIGINAL = Image("ami-1", "available", "", "base")
COPY = Image("ami-2", "available", "ami-1", "base-ami-1")
READY = Blueprint(MODEL, ORIGINAL, COPY, Version("lt-2", "1", {**DATA, "ImageId": "ami-2"}), COPY)
STALE = replace(
    READY, current=Version("lt-2", "1", {**DATA, "ImageId": "ami-0"}), own=Image("ami-0", "available", "ami-9"), newest=None
)
FRESH = Blueprint(MODEL, ORIGINAL, COPY)
NAMED = replace(FRESH, newest=Version("lt-2", "3", {**DATA, "ImageId": "ami-2"}))
FOLLOWS: dict[str, Any] = {"follows": "ami-1"}
NETWORK = {"VPCZoneIdentifier": "subnet-0"}


def with_data(**data: Any) -> Blueprint:
    return replace(FRESH, model=Version("lt-1", "1", {**DATA, **data}))


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        ("it stands by", Seen(group(4), group(**FOLLOWS), READY), PLANNED, Done, "standby"),
        ("it stands by and the source is dark", Seen(UNREACHABLE, group()), UNPLANNED, Done, "standby"),
        ("it stands by and only the source's images are dark", Seen(group(4), group(), UNREACHABLE), UNPLANNED, Done, "standby"),
        ("of which planned makes sure", Seen(group(4), group(), UNREACHABLE), PLANNED, Blocked, EAST),
        ("and which a copy needs", Seen(group(4), None, UNREACHABLE), UNPLANNED, Deferred, EAST),
        ("planned needs the source", Seen(UNREACHABLE, group()), PLANNED, Blocked, EAST),
        ("a dark target is blocked when planned", Seen(group(4), UNREACHABLE), PLANNED, Blocked, WEST),
        ("and deferred when not", Seen(group(4), UNREACHABLE), UNPLANNED, Deferred, WEST),
        ("the target serves already", Seen(group(), group(4, epoch=1)), PLANNED, Done, "active"),
        ("an activation has begun", Seen(group(4), group(4, 0, epoch=1)), PLANNED, Done, "active"),
        ("a warm group is no standby", Seen(group(4), group(1)), PLANNED, Blocked, "no standby"),
        ("nothing to make it from", Seen(UNREACHABLE, None), UNPLANNED, Blocked, "none that serves"),
        ("no launch template", Seen(group(4, template=None), None), PLANNED, Blocked, "no launch template"),
        ("ECS manages it", Seen(group(4, operator="ecs.amazonaws.com"), None, FRESH), PLANNED, Blocked, "ecs.amazonaws.com"),
        ("ECS manages the standby", Seen(group(4), group(operator="ecs.amazonaws.com")), PLANNED, Blocked, "managed by"),
        (
            "the image is copied, once for all groups that use it",
            Seen(group(4), None, replace(FRESH, copy=None)),
            PLANNED,
            Call,
            "copy_image@us-west-2 & 'SourceRegion': 'us-east-1' & 'CopyImageTags': True & dr:source-image-id & ClientToken",
        ),
        (
            "with the region's key",
            Seen(group(4), None, replace(FRESH, copy=None)),
            setting(PLANNED, regions={WEST: {"kms_key_id": "alias/dr"}}),
            Call,
            "'Encrypted': True & 'KmsKeyId': 'alias/dr'",
        ),
        (
            "which takes a while",
            Seen(group(4), None, replace(FRESH, copy=replace(COPY, state="pending"))),
            PLANNED,
            Wait,
            "ami-2 is being copied",
        ),
        (
            "and may fail",
            Seen(group(4), None, replace(FRESH, copy=replace(COPY, state="failed"))),
            PLANNED,
            Blocked,
            "KMS key",
        ),
        (
            "no copy where the region has an image of its own",
            Seen(group(4), None, replace(FRESH, copy=None)),
            setting(PLANNED, regions={WEST: {"image_id": "ami-7"}}),
            Call,
            "create_launch_template@us-west-2 & ami-7",
        ),
        (
            "the launch template has the copy",
            Seen(group(4), None, FRESH),
            PLANNED,
            Call,
            "create_launch_template@us-west-2 & 'LaunchTemplateName': 'web' & 'ImageId': 'ami-2'",
        ),
        (
            "one of that name gets a version",
            Seen(group(4), None, replace(FRESH, newest=Version("lt-2", "1", DATA))),
            PLANNED,
            Call,
            "create_launch_template_version@us-west-2 & lt-2 & ami-2",
        ),
        (
            "security groups cannot be guessed",
            Seen(group(4), None, with_data(SecurityGroupIds=["sg-1"])),
            PLANNED,
            Blocked,
            "regions.us-west-2.security_groups",
        ),
        (
            "and are replaced",
            Seen(group(4), None, with_data(SecurityGroupIds=["sg-1"])),
            setting(PLANNED, regions={WEST: {"security_groups": ["sg-2"]}}),
            Call,
            "'SecurityGroupIds': ['sg-2']",
        ),
        ("nor a key pair", Seen(group(4), None, with_data(KeyName="ops")), PLANNED, Blocked, "key_name"),
        (
            "nor the key of a volume",
            Seen(group(4), None, with_data(BlockDeviceMappings=[{"Ebs": {"KmsKeyId": "k"}}])),
            PLANNED,
            Blocked,
            "kms_key_id",
        ),
        (
            "a snapshot of the other region is left to the image",
            Seen(group(4), None, with_data(BlockDeviceMappings=[{"Ebs": {"SnapshotId": "snap-1", "VolumeSize": 8}}])),
            PLANNED,
            Call,
            "'Ebs': {'VolumeSize': 8}",
        ),
        (
            "a start script names the region too",
            Seen(group(4), None, with_data(UserData=base64.b64encode(b"REGION=us-east-1").decode())),
            PLANNED,
            Call,
            base64.b64encode(b"REGION=us-west-2").decode(),
        ),
        (
            "the group at zero, pinned to that version",
            Seen(group(4), None, NAMED),
            PLANNED,
            Call,
            "create_auto_scaling_group@us-west-2 & 'MinSize': 0, 'MaxSize': 10, 'DesiredCapacity': 0 & 'Version': '3' & unfinished",
        ),
        (
            "a mixed group keeps its types",
            Seen(group(4, spec={"MixedInstancesPolicy": {"InstancesDistribution": {"SpotAllocationStrategy": "x"}}}), None, NAMED),
            PLANNED,
            Call,
            "'InstancesDistribution' & 'LaunchTemplateSpecification': {'LaunchTemplateId': 'lt-2', 'Version': '3'}",
        ),
        (
            "templates of single types are not copied",
            Seen(
                group(
                    4, spec={"MixedInstancesPolicy": {"LaunchTemplate": {"Overrides": [{"LaunchTemplateSpecification": {"a": 1}}]}}}
                ),
                None,
                NAMED,
            ),
            PLANNED,
            Blocked,
            "launch templates of its own",
        ),
        ("subnets cannot be guessed", Seen(group(4, spec=NETWORK), None, NAMED), PLANNED, Blocked, "regions.us-west-2.subnets"),
        (
            "and are used",
            Seen(group(4, spec=NETWORK), None, NAMED),
            setting(PLANNED, subnets=["subnet-1", "subnet-2"]),
            Call,
            "'VPCZoneIdentifier': 'subnet-1,subnet-2'",
        ),
        (
            "nor target groups",
            Seen(group(4, spec={"TargetGroupARNs": ["arn"]}), None, NAMED),
            PLANNED,
            Blocked,
            "target_groups",
        ),
        (
            "nothing may scale a standby by itself",
            Seen(group(4), group(suspended=NONE, **FOLLOWS), READY),
            PLANNED,
            Call,
            "suspend_processes@us-west-2 & ['AlarmNotification', 'ScheduledActions']",
        ),
        (
            "its minimum is zero and its maximum production's",
            Seen(group(4, maximum=20), group(minimum=1, **FOLLOWS), READY),
            PLANNED,
            Call,
            "update_auto_scaling_group@us-west-2 & 'MinSize': 0, 'MaxSize': 20",
        ),
        ("instances still leave", Seen(group(4), group(instances=leaving(2))), PLANNED, Wait, "2 instances"),
        (
            "policies are copied",
            Seen(group(4), group(follows="unfinished"), replace(READY, policies=({"PolicyName": "cpu"},))),
            PLANNED,
            Call,
            "put_scaling_policy@us-west-2",
        ),
        (
            "then it is noted which image it follows",
            Seen(group(4), group(follows="unfinished"), READY),
            PLANNED,
            Call,
            "create_or_update_tags@us-west-2 & dr:follows & ami-1",
        ),
        (
            "an old image: the new one is copied",
            Seen(group(4), group(**FOLLOWS), replace(STALE, copy=None)),
            PLANNED,
            Call,
            "copy_image@us-west-2",
        ),
        (
            "then its own template gets a version with it",
            Seen(group(4), group(**FOLLOWS), STALE),
            PLANNED,
            Call,
            "create_launch_template_version@us-west-2 & 'SourceVersion': '1', 'LaunchTemplateData': {'ImageId': 'ami-2'}",
        ),
        (
            "then the group uses that version",
            Seen(group(4), group(**FOLLOWS), replace(STALE, newest=Version("lt-2", "2", {"ImageId": "ami-2"}))),
            PLANNED,
            Call,
            "update_auto_scaling_group@us-west-2 & 'Version': '2'",
        ),
        ("a standby made by others has its own image", Seen(group(4), group(), STALE), PLANNED, Done, "'image': 'own'"),
        (
            "which must be there",
            Seen(group(4), group(), replace(STALE, own=None)),
            PLANNED,
            Blocked,
            "ami-0 of web in us-west-2 is not there",
        ),
        (
            "images by parameter are each region's own",
            Seen(group(4), group(follows="nothing"), replace(READY, model=Version("lt-1", "1", {}), image=None, copy=None)),
            PLANNED,
            Done,
            "standby",
        ),
        ("a group of that name is being deleted", Seen(group(4), group(status="Delete in progress")), PLANNED, Wait, "deleted"),
    ],
)
def test_instantiate(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(ADAPTER.instantiate(seen, goal), kind, says)


MARKED: dict[str, Any] = {"epoch": 1}


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        ("first it is marked", Seen(group(4), group()), PLANNED, Call, "create_or_update_tags@us-west-2 & dr:epoch & '1'"),
        ("above the source's mark", Seen(group(4, epoch=3), group()), PLANNED, Call, "dr:epoch & '4'"),
        ("above the captured one", Seen(UNREACHABLE, group()), captured(UNPLANNED, epoch=3), Call, "dr:epoch & '4'"),
        (
            "alarms are held before",
            Seen(group(4), group(suspended=frozenset({"AlarmNotification"}))),
            PLANNED,
            Call,
            "suspend_processes@us-west-2 & ['ScheduledActions']",
        ),
        (
            "what launches and registers instances is resumed before any is launched",
            Seen(group(4), group(suspended=HELD | {"Launch", "AddToLoadBalancer"}, **MARKED)),
            PLANNED,
            Call,
            "resume_processes@us-west-2 & ['AddToLoadBalancer', 'Launch']",
        ),
        (
            "its activities so far do not count",
            Seen(group(4), group(newest="a-9", failures=("old",) * 5, **MARKED)),
            PLANNED,
            Call,
            "create_or_update_tags@us-west-2 & dr:baseline & a-9",
        ),
        (
            "minimum, maximum and desired go in one call",
            Seen(group(4), group(newest="a-9", baseline="a-9", **MARKED)),
            PLANNED,
            Call,
            "update_auto_scaling_group@us-west-2 & 'MinSize': 2, 'MaxSize': 10, 'DesiredCapacity': 4",
        ),
        (
            "what was captured when the source is dark, which leaves a debt",
            Seen(UNREACHABLE, group(**MARKED)),
            captured(UNPLANNED, max_size=20),
            Call,
            "'MinSize': 2, 'MaxSize': 20, 'DesiredCapacity': 4 & its instances may still run",
        ),
        ("the larger of both", Seen(group(2), group(**MARKED)), captured(PLANNED), Call, "'DesiredCapacity': 4"),
        ("and not less than runs", Seen(group(9), group(**MARKED)), captured(PLANNED), Call, "'DesiredCapacity': 9"),
        ("zero replaces nothing", Seen(group(), group(**MARKED)), captured(PLANNED), Call, "'DesiredCapacity': 4"),
        (
            "a setting is above both",
            Seen(group(2), group(**MARKED)),
            setting(PLANNED, desired_capacity=7),
            Call,
            "'DesiredCapacity': 7",
        ),
        (
            "a larger size is never lowered",
            Seen(group(2), group(6, suspended=HELD, maximum=10, **MARKED)),
            PLANNED,
            Call,
            "resume_processes@us-west-2 & ['AlarmNotification', 'ScheduledActions']",
        ),
        ("unknown capacity is not zero", Seen(UNREACHABLE, group(maximum=0, **MARKED)), UNPLANNED, Blocked, "is unknown"),
        (
            "the target's own maximum is the last resort",
            Seen(UNREACHABLE, group(**MARKED)),
            UNPLANNED,
            Call,
            "'DesiredCapacity': 10",
        ),
        ("instances are starting", Seen(group(4), group(4, 1, HELD, **MARKED)), PLANNED, Wait, "1 of 4 instances"),
        (
            "two failed launches are bad luck",
            Seen(group(4), group(4, 1, HELD, failures=("x",) * 2, **MARKED)),
            PLANNED,
            Wait,
            "",
        ),
        (
            "three are a failure",
            Seen(group(4), group(4, 1, HELD, failures=("no InsufficientInstanceCapacity",) * 3, **MARKED)),
            PLANNED,
            Blocked,
            "3 launches of web & add instance types or zones & --desired-capacity 0 --region us-west-2",
        ),
        (
            "a missing image is named",
            Seen(group(4), group(4, 0, HELD, failures=("The image id x does not exist",) * 3, **MARKED)),
            PLANNED,
            Blocked,
            "an image of this region",
        ),
        (
            "most of them may be enough",
            Seen(group(4), group(4, 3, HELD, **MARKED)),
            setting(PLANNED, min_success_percent=75),
            Call,
            "resume_processes",
        ),
        (
            "in service but not yet healthy behind the load balancer",
            Seen(group(4), group(4, suspended=HELD, healthy_targets=2, **MARKED)),
            PLANNED,
            Wait,
            "2 of 4 instances are healthy in the target groups",
        ),
        (
            "then alarms and schedules are let go",
            Seen(group(4), group(4, suspended=HELD, healthy_targets=4, **MARKED)),
            PLANNED,
            Call,
            "resume_processes@us-west-2 & ['AlarmNotification', 'ScheduledActions']",
        ),
        (
            "but not what production has suspended itself",
            Seen(group(4, suspended=frozenset({"ScheduledActions"})), group(4, suspended=HELD, **MARKED)),
            PLANNED,
            Call,
            "resume_processes@us-west-2 & ['AlarmNotification']",
        ),
        (
            "as captured when it is dark",
            Seen(UNREACHABLE, group(4, suspended=HELD, **MARKED)),
            captured(UNPLANNED, suspended=sorted(HELD)),
            Done,
            "deferred",
        ),
        ("then it is done", Seen(group(4), group(4, **MARKED)), PLANNED, Done, "active"),
        (
            "activated with the source dark, captured again since: nothing is marked again",
            Seen(UNREACHABLE, group(4, **MARKED)),
            captured(UNPLANNED, epoch=1),
            Done,
            "active",
        ),
        ("what scaling does later is its business", Seen(group(), group(2, **MARKED)), captured(PLANNED), Done, "'in_service': 2"),
        ("planned needs the source", Seen(UNREACHABLE, group(4, **MARKED)), PLANNED, Blocked, EAST),
        ("a dark target is deferred, not absent", Seen(group(4), UNREACHABLE), UNPLANNED, Deferred, WEST),
        ("no standby", Seen(group(4), None), UNPLANNED, Blocked, "run phase instantiate"),
        ("managed by others", Seen(group(4), group(operator="ecs.amazonaws.com")), PLANNED, Blocked, "managed by"),
        ("being deleted", Seen(group(4), group(status="Delete in progress")), PLANNED, Blocked, "being deleted"),
        (
            "workers are stopped in the source first",
            Seen(group(4, suspended=HELD), group()),
            captured(setting(PLANNED, stop_source_first=True)),
            Call,
            "update_auto_scaling_group@us-east-1 & 'DesiredCapacity': 0",
        ),
        (
            "but not when their number would be lost with them",
            Seen(group(4), group()),
            setting(PLANNED, stop_source_first=True),
            Blocked,
            "run readiness",
        ),
    ],
)
def test_activate(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(ADAPTER.activate(seen, goal), kind, says)


SERVES = group(4, **MARKED)


@pytest.mark.parametrize("policy", ["quarantine", "remove"])
@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        (
            "a refresh is cancelled first",
            Seen(group(4, refresh="r-1"), SERVES),
            PLANNED,
            Call,
            "cancel_instance_refresh@us-east-1",
        ),
        ("alarms and schedules are held", Seen(group(4), SERVES), PLANNED, Call, "suspend_processes@us-east-1"),
        (
            "Terminate must not be suspended",
            Seen(group(4, suspended=HELD | {"Terminate"}), SERVES),
            PLANNED,
            Call,
            "resume_processes@us-east-1 & ['Terminate']",
        ),
        (
            "protected instances would stay",
            Seen(group(2, suspended=HELD, instances=leaving(2, "InService", True)), SERVES),
            PLANNED,
            Call,
            "set_instance_protection@us-east-1 & ['i-0', 'i-1'] & 'ProtectedFromScaleIn': False",
        ),
        (
            "it is scaled to zero and keeps its maximum",
            Seen(group(4, suspended=HELD), SERVES),
            PLANNED,
            Call,
            "update_auto_scaling_group@us-east-1 & 'MinSize': 0, 'DesiredCapacity': 0}",
        ),
        (
            "instances leave",
            Seen(group(instances=leaving(2, "Terminating:Wait")), SERVES),
            PLANNED,
            Wait,
            "2 instances & Terminating:Wait",
        ),
        ("it is at zero", Seen(group(), SERVES), PLANNED, Done, ""),
        ("it is gone", Seen(None, SERVES), PLANNED, Done, "absent"),
        ("a dark source is deferred", Seen(UNREACHABLE, SERVES), UNPLANNED, Deferred, EAST),
        ("or blocked when planned", Seen(UNREACHABLE, SERVES), PLANNED, Blocked, EAST),
        ("a dark target proves nothing", Seen(group(4), UNREACHABLE), UNPLANNED, Deferred, WEST),
        ("the source serves", Seen(group(4), group()), PLANNED, Blocked, "source & nothing was stopped"),
        ("both serve", Seen(group(4), group(4)), PLANNED, Blocked, "both"),
        ("neither serves", Seen(group(), group()), PLANNED, Blocked, "neither"),
        ("the target lacks instances", Seen(group(4), group(4, 3, **MARKED)), PLANNED, Blocked, "source"),
        ("it scales out just now", Seen(group(instances=leaving(1)), group(4, 3, **MARKED)), PLANNED, Wait, "3 of 4"),
        ("there is no target", Seen(group(4), None), PLANNED, Blocked, "source"),
        ("managed by others", Seen(group(4, operator="x"), SERVES), PLANNED, Blocked, "managed by"),
    ],
)
def test_cleanup(policy: str, sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(ADAPTER.cleanup(seen, replace(goal, cleanup_policy=policy)), kind, says)


BACK = Blueprint(Version("lt-2", "1", {"ImageId": "ami-2"}), COPY, ORIGINAL, MODEL, ORIGINAL)


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        (
            "the image it was copied from is the same",
            Seen(group(follows="ami-2"), group(4, epoch=1, **FOLLOWS), BACK),
            PLANNED,
            Done,
            "standby",
        ),
        (
            "which is noted",
            Seen(group(), group(4, epoch=1, **FOLLOWS), BACK),
            PLANNED,
            Call,
            "create_or_update_tags@us-east-1 & ami-2",
        ),
        (
            "a newer image is copied back",
            Seen(group(), group(4, epoch=1, **FOLLOWS), replace(BACK, image=Image("ami-5", "available", ""), copy=None)),
            PLANNED,
            Call,
            "copy_image@us-east-1 & 'SourceRegion': 'us-west-2'",
        ),
        ("it must be cleaned up first", Seen(group(4), group(4, **MARKED)), PLANNED, Blocked, "run phase cleanup"),
        ("the target must serve", Seen(group(4), group()), PLANNED, Blocked, "activate it first"),
        ("a dark source is deferred", Seen(UNREACHABLE, SERVES), UNPLANNED, Deferred, EAST),
        ("a dark target too", Seen(group(), UNREACHABLE), UNPLANNED, Deferred, WEST),
    ],
)
def test_replicate(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(ADAPTER.replicate(seen, goal), kind, says)


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        (
            "the source starts before the target stops",
            Seen(group(), SERVES),
            captured(PLANNED),
            Call,
            "update_auto_scaling_group@us-east-1 & 'MinSize': 2, 'MaxSize': 10, 'DesiredCapacity': 4",
        ),
        ("it is waited for", Seen(group(4, 2, HELD), SERVES), captured(PLANNED), Wait, "2 of 4"),
        ("it is let go", Seen(group(4, suspended=HELD), SERVES), captured(PLANNED), Call, "resume_processes@us-east-1"),
        ("then the target is held", Seen(group(4), SERVES), PLANNED, Call, "suspend_processes@us-west-2"),
        (
            "then it goes to zero",
            Seen(group(4), group(4, suspended=HELD, **MARKED)),
            PLANNED,
            Call,
            "update_auto_scaling_group@us-west-2 & 'DesiredCapacity': 0",
        ),
        ("then it is done", Seen(group(4), group(**MARKED)), PLANNED, Done, ""),
        ("a dark source cannot take over", Seen(UNREACHABLE, SERVES), UNPLANNED, Blocked, EAST),
        ("nor one that is gone", Seen(None, SERVES), UNPLANNED, Blocked, "gone"),
        ("nor one that others manage", Seen(group(operator="x"), SERVES), UNPLANNED, Blocked, "managed by"),
        ("a dark target is deferred", Seen(group(4), UNREACHABLE), UNPLANNED, Deferred, WEST),
        ("nobody knows how many", Seen(group(), group()), PLANNED, Blocked, "no capacity"),
    ],
)
def test_rollback(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(ADAPTER.rollback(seen, goal), kind, says)


@pytest.mark.parametrize(
    ("sentence", "seen", "status"),
    [
        ("all in service", Seen(UNREACHABLE, group(4)), "HEALTHY"),
        ("alarms still held", Seen(None, group(4, suspended=HELD)), "DEGRADED"),
        ("a launch failed meanwhile", Seen(None, group(4, failures=("x",))), "DEGRADED"),
        ("instances lack", Seen(None, group(4, 3)), "UNHEALTHY"),
        ("targets are unhealthy", Seen(None, group(4, healthy_targets=3)), "UNHEALTHY"),
        ("nothing runs", Seen(None, group()), "UNHEALTHY"),
        ("it is gone", Seen(group(4), None), "UNHEALTHY"),
        ("it does not answer", Seen(group(4), UNREACHABLE), "UNHEALTHY"),
    ],
)
def test_health(sentence: str, seen: Seen, status: str) -> None:
    assert ADAPTER.health(seen, PLANNED).status == status, sentence


@pytest.mark.parametrize(
    ("sentence", "source", "known"),
    [
        (
            "size, suspensions and mark",
            group(4, suspended=frozenset({"AZRebalance"}), epoch=3),
            {"desired_capacity": 4, "min_size": 2, "max_size": 10, "suspended": ["AZRebalance"], "instance_type": "", "epoch": 3},
        ),
        ("zero is not a capacity", group(), {}),
        ("absent", None, {}),
        ("dark", UNREACHABLE, {}),
    ],
)
def test_capture(sentence: str, source: Any, known: dict[str, Any]) -> None:
    assert ADAPTER.capture(Seen(source, group()), PAIR) == known, sentence


@pytest.mark.parametrize(
    ("types", "mixed", "said"),
    [
        (("m5.large", "m5.large"), False, "m5.large"),
        (("m5.large", "m5.xlarge"), False, ""),
        (("m5.large", "m5.large"), True, ""),
        ((), False, ""),
    ],
)
def test_the_type_is_captured_where_all_instances_are_of_it_and_none_is_a_spot_instance(
    types: tuple[str, ...], mixed: bool, said: str
) -> None:
    instances = tuple(Instance(f"i-{number}", "InService", True, False, one) for number, one in enumerate(types))
    source = group(2, instances=instances, mixed=mixed)
    assert ADAPTER.capture(Seen(source, group()), PAIR)["instance_type"] == said
