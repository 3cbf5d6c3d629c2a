# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions of the Auto Scaling drill as a table: a row is a sentence. And what a copy's launch data may hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.drills.autoscaling_group import (
    AutoscalingGroupDrill,
    Image,
    Seen,
    Template,
)
from ansible_collections.dr.aws.plugins.module_utils.drills.base import name, tags
from ansible_collections.dr.aws.plugins.module_utils.drills.launch import Machine, isolated
from ansible_collections.dr.aws.plugins.module_utils.drills.room import Room
from ansible_collections.dr.aws.plugins.module_utils.model import UNREACHABLE, Blocked, Call, Done, Goal, Pair, Wait
from ansible_collections.dr.aws.plugins.module_utils.parts import autoscaling_state as state

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "111111111111"
PAIR = Pair("web", "autoscaling", ACCOUNT, EAST, WEST, "web", "web", settings={"drill_id": "quarterly"})
GOAL = Goal(PAIR)
NAME = name(PAIR)
ROOM = Room(("vpc-drill",), ("subnet-1", "subnet-2"), ("sg-drill",))
LABELS = [{"Key": key, "Value": value} for key, value in tags(PAIR).items()]
DATA: dict[str, Any] = {
    "ImageId": "ami-1",
    "InstanceType": "m5.large",
    "KeyName": "operators",
    "SecurityGroupIds": ["sg-app"],
    "UserData": "c3RhcnQ=",
    "IamInstanceProfile": {"Name": "web"},
    "InstanceMarketOptions": {"MarketType": "spot"},
    "Placement": {"GroupName": "web"},
    "CapacityReservationSpecification": {"CapacityReservationPreference": "open"},
    "DisableApiTermination": True,
    "NetworkInterfaces": [{"DeviceIndex": 0, "SubnetId": "subnet-app", "PrivateIpAddress": "10.0.0.9"}],
    "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "Service", "Value": "web"}]}],
    "BlockDeviceMappings": [{"DeviceName": "/dev/sdb", "Ebs": {"VolumeSize": 8, "DeleteOnTermination": False}}],
}


def setting(**drill: Any) -> Goal:
    return Goal(replace(PAIR, settings={"drill_id": "quarterly", "drill": drill}))


def group(*instances: bool, status: str = "", labels: Any = LABELS, failures: tuple[str, ...] = (), **spec: Any) -> state.Group:
    """A group with an instance per flag, which says whether it serves."""
    ones = tuple(state.Instance(f"i-{number}", "InService", serving, False) for number, serving in enumerate(instances))
    spec["Tags"] = labels
    return state.Group("arn:copy", 0, 1, 1, ones, status=status, failures=failures, spec=spec)


ORIGIN = replace(group(labels=[]), desired=0, template=state.Template("lt-1", "web", "3"))
OWN = Template("lt-copy", tags(PAIR))
RUNS = (Machine("i-0", "running", "10.99.0.4"),)
FAILED = ("Invalid IAM Instance Profile name. Launching EC2 instance failed.",) * 3


def seen(copy: Any = None, template: Any = None, **more: Any) -> Seen:
    known: dict[str, Any] = {
        "room": ROOM,
        "origin": ORIGIN,
        "vpcs": ["vpc-app"],
        "version": state.Version("lt-1", "3", DATA),
        "image": Image("ami-1", "available", "2026-11-27T03:00:00.000Z"),
    }
    return Seen(**{**known, "copy": copy, "template": template, **more})


def version(**data: Any) -> state.Version:
    return state.Version("lt-1", "3", {key: value for key, value in {**DATA, **data}.items() if value is not None})


MIXED = replace(ORIGIN, spec={"MixedInstancesPolicy": {"LaunchTemplate": {"Overrides": [{"InstanceType": "c7g.large"}]}}})
PROFILE = "'IamInstanceProfile': {'Name': 'dr-drill'}"
TABLE: list[tuple[str, str, Seen, Goal, type, str]] = [
    ("first a launch template", "instantiate", seen(), GOAL, Call, f"create_launch_template & ami-1 & {PROFILE}"),
    ("in the room's groups", "instantiate", seen(), GOAL, Call, "sg-drill & 'AssociatePublicIpAddress': False"),
    ("then a group of one", "instantiate", seen(None, OWN), GOAL, Call, "create_auto_scaling_group & subnet-1,subnet-2"),
    ("with that template", "instantiate", seen(None, OWN), GOAL, Call, "lt-copy & 'MaxSize': 1 & 'PropagateAtLaunch': True"),
    ("it stands", "instantiate", seen(group(), OWN), GOAL, Done, NAME),
    ("one that is going is waited for", "instantiate", seen(group(status="Delete in progress")), GOAL, Wait, "being deleted"),
    ("a group that only has the name", "instantiate", seen(group(labels=[])), GOAL, Blocked, "does not carry the tags"),
    ("a template that only has the name", "instantiate", seen(None, Template("lt-x", {})), GOAL, Blocked, "lt-x & not carry"),
    ("nothing to copy", "instantiate", seen(origin=None), GOAL, Blocked, "no standby web & run phase instantiate"),
    ("a group of ECS", "instantiate", seen(origin=replace(ORIGIN, operator="ecs")), GOAL, Blocked, "is managed by ecs"),
    ("no launch template", "instantiate", seen(version=None), GOAL, Blocked, "no launch template that can be read"),
    ("no image", "instantiate", seen(image=None), GOAL, Blocked, "image ami-1 of web in us-west-2 is not there"),
    ("an image that failed", "instantiate", seen(image=Image("ami-1", "failed", "")), GOAL, Blocked, "is failed"),
    ("an image by parameter", "instantiate", seen(image=None, version=version(ImageId="resolve:ssm:/web")), GOAL, Call, "resolve:"),
    ("no type is named", "instantiate", seen(version=version(InstanceType=None)), GOAL, Blocked, "set `drill.instance_type`"),
    ("the first type of a mix", "instantiate", seen(origin=MIXED, version=version(InstanceType=None)), GOAL, Call, "c7g.large"),
    ("the type that is set", "instantiate", seen(), setting(instance_type="t4g.small"), Call, "'InstanceType': 't4g.small'"),
    ("the profile that is set", "instantiate", seen(), setting(instance_profile="drills"), Call, "{'Name': 'drills'}"),
    ("a public address that is set", "instantiate", seen(), setting(public_ip=True), Call, "'AssociatePublicIpAddress': True"),
    ("no room", "instantiate", seen(room=None), GOAL, Blocked, "nothing is tagged dr:drill-room"),
    ("the standby's own network", "instantiate", seen(vpcs=["vpc-drill"]), GOAL, Blocked, "has its place in it"),
    ("its network is not known", "instantiate", seen(vpcs=UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("the target region is dark", "instantiate", seen(UNREACHABLE, origin=UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("the image is not known", "instantiate", seen(image=UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("it serves", "activate", seen(group(True), OWN, machines=RUNS), GOAL, Done, "i-0 & 10.99.0.4 & 2026-11-27T03:00"),
    ("it does not yet", "activate", seen(group(False), OWN), GOAL, Wait, "not in service yet"),
    ("a failure is said", "activate", seen(group(failures=FAILED[:1]), OWN), GOAL, Wait, "Invalid IAM Instance Profile"),
    (
        "many are the end",
        "activate",
        seen(group(failures=FAILED), OWN),
        GOAL,
        Blocked,
        "3 launches & Invalid IAM & run phase cleanup",
    ),
    ("there is none", "activate", seen(), GOAL, Blocked, "no copy & run phase instantiate"),
    ("nobody knows", "activate", seen(UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("another's does not count", "activate", seen(group(True, labels=[]), OWN), GOAL, Blocked, "does not carry the tags"),
    ("the group goes first", "cleanup", seen(group(True), OWN, machines=RUNS), GOAL, Call, "delete_auto_scaling_group & Force"),
    ("it is going", "cleanup", seen(group(status="Delete in progress"), OWN), GOAL, Wait, "being deleted"),
    ("so is its instance", "cleanup", seen(None, OWN, machines=(Machine("i-0", "shutting-down"),)), GOAL, Wait, "i-0 & shutting"),
    ("then the template", "cleanup", seen(None, OWN), GOAL, Call, "delete_launch_template & lt-copy"),
    ("nothing is left", "cleanup", seen(), GOAL, Done, "removed"),
    ("a group that only has the name stays", "cleanup", seen(group(labels=[])), GOAL, Blocked, "does not carry the tags"),
    ("so does a template", "cleanup", seen(None, Template("lt-x", {})), GOAL, Blocked, "does not carry the tags"),
    ("nobody knows what is left", "cleanup", seen(machines=UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("no room is needed to clean up", "cleanup", seen(group(), OWN, room=None), GOAL, Call, "delete_auto_scaling_group"),
]


@pytest.mark.parametrize(("sentence", "phase", "sight", "goal", "kind", "says"), TABLE, ids=[row[0] for row in TABLE])
def test_decisions(sentence: str, phase: str, sight: Seen, goal: Goal, kind: type, says: str) -> None:
    step = getattr(AutoscalingGroupDrill(), phase)(sight, goal)
    assert isinstance(step, kind), step
    text = f"{step.operation} {dict(step.params)}" if isinstance(step, Call) else str(step)
    assert [part for part in says.split(" & ") if part not in text] == [], text
    if isinstance(step, Call):
        assert (step.region, step.one_way, step.debt) == (WEST, False, "")


def test_a_copy_has_nothing_of_productions_place() -> None:
    made = isolated(DATA, ROOM, PAIR, subnet="subnet-1", also=[{"Key": "Name", "Value": "web"}])
    text = str(made)
    assert [
        part for part in ("operators", "sg-app", "subnet-app", "10.0.0.9", "spot", "Service", "Placement") if part in text
    ] == []
    assert "DisableApiTermination" not in made
    assert made["NetworkInterfaces"] == [
        {
            "DeviceIndex": 0,
            "Groups": ["sg-drill"],
            "AssociatePublicIpAddress": False,
            "DeleteOnTermination": True,
            "SubnetId": "subnet-1",
        }
    ]
    assert made["BlockDeviceMappings"] == [{"DeviceName": "/dev/sdb", "Ebs": {"VolumeSize": 8, "DeleteOnTermination": True}}]
    assert made["CapacityReservationSpecification"] == {"CapacityReservationPreference": "none"}
    assert [one["Tags"] for one in made["TagSpecifications"]] == [[{"Key": "Name", "Value": "web"}, *LABELS]] * 3


def test_no_profile_where_production_has_none_and_where_none_is_wanted() -> None:
    bare = {"ImageId": "ami-1"}
    assert "IamInstanceProfile" not in isolated(bare, ROOM, PAIR)
    assert "IamInstanceProfile" not in isolated(DATA, ROOM, setting(instance_profile="").pair)


def test_disks_of_the_image_go_with_the_instance() -> None:
    image = Image("ami-1", "available", "", stays=("/dev/sdb", "/dev/sdc"))
    step = AutoscalingGroupDrill().instantiate(seen(image=image), GOAL)
    assert isinstance(step, Call)
    disks = step.params["LaunchTemplateData"]["BlockDeviceMappings"]
    assert {disk["DeviceName"]: disk["Ebs"]["DeleteOnTermination"] for disk in disks} == {"/dev/sdb": True, "/dev/sdc": True}
