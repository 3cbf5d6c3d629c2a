# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Auto Scaling groups over the real engine and the sandbox, end states read by plain boto3."""

from __future__ import annotations

from typing import Any

import pytest
from flow import Flow

from ansible_collections.dr.aws.plugins.module_utils.adapters.autoscaling_group import AutoscalingGroup
from ansible_collections.dr.aws.plugins.module_utils.model import Active, Pair

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "200000000001"
ROLE = {ACCOUNT: (f"arn:aws:iam::{ACCOUNT}:role/dr-automation", "shop")}
HELD = {"AlarmNotification", "ScheduledActions"}
#: What a group that is created in us-west-2 needs to know about it.
PLACE = {"regions": {WEST: {"subnets": ["subnet-1", "subnet-2"], "security_groups": ["sg-1"]}}}


def estate(**spec: Any) -> dict[str, Any]:
    group = {"name": "web", "min": 2, "max": 6, "desired": 3, "target_group": True, "peer": {"region": WEST}}
    resource = {"kind": "autoscaling_group", "account": "web", "region": EAST, "tags": {"dr:wave": "1"}, **group, **spec}
    return {
        "name": "shop",
        "control_region": WEST,
        "regions": [EAST, WEST],
        "tags": {"dr:enabled": "true", "Customer": "shop", "Environment": "production"},
        "accounts": [
            {"id": "100000000000", "name": "management", "management": True},
            {"id": ACCOUNT, "name": "web", "roles": [{"name": "dr-automation", "external_id": "shop"}]},
        ],
        "resources": [{key: value for key, value in resource.items() if value is not None}],
    }


def flow(sandbox: Any, spec: dict[str, Any] | None = None, **settings: Any) -> Flow:
    sandbox.load(estate(**(spec or {})))
    return Flow(sandbox, [Pair("web", "autoscaling", ACCOUNT, EAST, WEST, "web", "web", settings=settings)], ROLE)


def client(sandbox: Any, region: str, service: str = "autoscaling") -> Any:
    return sandbox.client(service, region, ACCOUNT)


def group(sandbox: Any, region: str) -> dict[str, Any]:
    (found,) = client(sandbox, region).describe_auto_scaling_groups(AutoScalingGroupNames=["web"])["AutoScalingGroups"]
    return dict(found)


def size(sandbox: Any, region: str) -> tuple[int, int, int, int]:
    """Minimum, maximum, desired, in service."""
    found = group(sandbox, region)
    serving = [one for one in found["Instances"] if one["LifecycleState"] == "InService"]
    return found["MinSize"], found["MaxSize"], found["DesiredCapacity"], len(serving)


def suspended(sandbox: Any, region: str) -> set[str]:
    return {process["ProcessName"] for process in group(sandbox, region)["SuspendedProcesses"]}


def names(result: Any) -> list[str]:
    return [f"{call['operation']}@{call['region']}" for call in result.calls]


def repeated(one: Flow, phase: str, mode: str) -> None:
    """A second run and check mode find nothing to do, and send nothing."""
    before = len(one.mutations())
    for check in (False, True):
        result = one.one(phase, mode, check=check)
        assert (result.status, result.calls) == ("done", ()), result
    assert len(one.mutations()) == before


def test_planned_failover_and_back(sandbox: Any) -> None:
    there = flow(sandbox)
    there.capture()
    for one, source, target in ((there, EAST, WEST), (there.home(), WEST, EAST)):
        assert one.one("instantiate").status == "done"
        activated = one.one("activate")
        assert activated.status == "done", activated
        assert activated.outputs["in_service"] == 3
        assert names(activated)[0] == f"create_or_update_tags@{target}"
        assert names(activated)[-2:] == [f"update_auto_scaling_group@{target}", f"resume_processes@{target}"]
        assert size(sandbox, target) == (2, 6, 3, 3)
        assert suspended(sandbox, target) == set()
        repeated(one, "activate", "planned")
        assert names(one.one("cleanup")) == [f"suspend_processes@{source}", f"update_auto_scaling_group@{source}"]
        assert size(sandbox, source) == (0, 6, 0, 0)
        assert suspended(sandbox, source) == HELD
        repeated(one, "cleanup", "planned")
        assert one.one("replicate").outputs["role"] == "standby"
        repeated(one, "replicate", "planned")
        repeated(one, "instantiate", "planned")
        repeated(one, "activate", "planned")
        assert size(sandbox, target) == (2, 6, 3, 3)


def test_unplanned_failover_with_the_source_dark_and_its_return(sandbox: Any) -> None:
    one = flow(sandbox)
    one.capture()
    sandbox.dark(EAST)
    assert one.one("instantiate", "unplanned").status == "done"
    activated = one.one("activate", "unplanned")
    assert activated.status == "done", activated
    assert activated.outputs["fencing"] == "deferred"
    assert size(sandbox, WEST) == (2, 6, 3, 3)
    repeated(one, "activate", "unplanned")
    assert one.one("cleanup", "unplanned").status == "deferred"
    assert one.one("replicate", "unplanned").status == "deferred"
    assert {call["region"] for call in one.mutations()} == {WEST}

    sandbox.clear_faults()
    one.clock.sleep(120)  # until the breaker asks the region again
    assert size(sandbox, EAST) == (2, 6, 3, 3), "the old side runs as well: the mark decides which one serves"
    assert one.one("cleanup", "unplanned").status == "done"
    assert one.one("replicate", "unplanned").status == "done"
    assert size(sandbox, EAST) == (0, 6, 0, 0)
    assert size(sandbox, WEST) == (2, 6, 3, 3)


def test_planned_mode_refuses_a_dark_source(sandbox: Any) -> None:
    one = flow(sandbox)
    sandbox.dark(EAST)
    assert one.one("activate").status == "blocked"
    assert one.mutations() == []


def test_check_mode_says_the_first_call_and_sends_none(sandbox: Any) -> None:
    one = flow(sandbox)
    result = one.one("activate", check=True)
    assert (result.status, names(result)) == ("would_change", ["create_or_update_tags@us-west-2"])
    assert one.mutations() == []


def test_a_standby_is_made_from_nothing(sandbox: Any) -> None:
    one = flow(sandbox, {"peer": None, "target_group": None}, **PLACE)
    made = one.one("instantiate")
    assert made.status == "done", made
    assert names(made) == [
        f"{name}@us-west-2"
        for name in (
            "copy_image",
            "create_launch_template",
            "create_auto_scaling_group",
            "suspend_processes",
            "put_scaling_policy",
            "create_or_update_tags",
        )
    ]
    standby, ec2 = group(sandbox, WEST), client(sandbox, WEST, "ec2")
    assert size(sandbox, WEST) == (0, 6, 0, 0)
    assert suspended(sandbox, WEST) == HELD
    assert standby["VPCZoneIdentifier"] == "subnet-1,subnet-2"
    assert "dr:enabled" not in {tag["Key"] for tag in standby["Tags"]}, "a standby is not a second resource"
    template = standby["LaunchTemplate"]
    (version,) = ec2.describe_launch_template_versions(LaunchTemplateId=template["LaunchTemplateId"], Versions=["1"])[
        "LaunchTemplateVersions"
    ]
    (image,) = ec2.describe_images(ImageIds=[version["LaunchTemplateData"]["ImageId"]])["Images"]
    assert (image["State"], version["LaunchTemplateData"]["SecurityGroupIds"]) == ("available", ["sg-1"])
    assert {tag["Key"] for tag in image["Tags"]} >= {"dr:source-image-id"}
    repeated(one, "instantiate", "planned")
    assert one.one("activate").status == "done"
    assert size(sandbox, WEST) == (2, 6, 3, 3)


def test_a_standby_follows_productions_new_image_and_the_way_back_too(sandbox: Any) -> None:
    one = flow(sandbox)
    one.capture()
    for side, region, group_region in ((one, WEST, EAST), (one.home(), EAST, WEST)):
        ec2 = client(sandbox, group_region, "ec2")
        image = ec2.register_image(Name=f"new-{group_region}", RootDeviceName="/dev/xvda")["ImageId"]
        template = group(sandbox, group_region)["LaunchTemplate"]["LaunchTemplateId"]
        version = ec2.create_launch_template_version(
            LaunchTemplateId=template, SourceVersion="1", LaunchTemplateData={"ImageId": image}
        )["LaunchTemplateVersion"]["VersionNumber"]
        client(sandbox, group_region).update_auto_scaling_group(
            AutoScalingGroupName="web", LaunchTemplate={"LaunchTemplateId": template, "Version": str(version)}
        )
        followed = side.one("instantiate")
        assert followed.status == "done", followed
        assert names(followed) == [
            f"{name}@{region}"
            for name in ("copy_image", "create_launch_template_version", "update_auto_scaling_group", "create_or_update_tags")
        ]
        repeated(side, "instantiate", "planned")
        assert side.one("activate").status == "done"
        assert side.one("cleanup").status == "done"


def test_an_image_whose_copy_fails_is_not_waited_for(sandbox: Any) -> None:
    place = {WEST: {**PLACE["regions"][WEST], "kms_key_id": "alias/sim-bad"}}
    one = flow(sandbox, {"peer": None, "target_group": None}, regions=place)
    result = one.one("instantiate")
    assert result.status == "blocked", result
    assert "is failed" in result.why


def test_launches_that_fail_end_the_wait_and_the_same_command_resumes(sandbox: Any) -> None:
    one = flow(sandbox, {"peer": {"region": WEST, "instances": "fail"}})
    result = one.one("activate")
    assert result.status == "blocked", result
    assert "sufficient m5.large capacity" in result.why
    assert result.seconds < 300, "fail fast: long before the timeout"
    assert AutoscalingGroup().active(AutoscalingGroup().observe(one.cloud, one.pairs)["web"]) is Active.SOURCE
    assert one.one("cleanup").status == "blocked"
    assert size(sandbox, EAST) == (2, 6, 3, 3)

    west = client(sandbox, WEST)
    west.delete_tags(Tags=[{"ResourceId": "web", "ResourceType": "auto-scaling-group", "Key": "sim:instances"}])
    west.update_auto_scaling_group(AutoScalingGroupName="web", MinSize=0, DesiredCapacity=0)
    again = one.one("activate")
    assert again.status == "done", again
    assert "create_or_update_tags@us-west-2" in names(again), "what failed before does not count"
    assert size(sandbox, WEST) == (2, 6, 3, 3)


def test_what_would_hold_the_old_instances_is_taken_away(sandbox: Any) -> None:
    one = flow(sandbox, {"protected": True})
    one.capture()
    assert one.one("activate").status == "done"
    east = client(sandbox, EAST)
    east.start_instance_refresh(AutoScalingGroupName="web")
    east.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=["Terminate"])
    assert names(one.one("cleanup")) == [
        f"{name}@us-east-1"
        for name in (
            "cancel_instance_refresh",
            "suspend_processes",
            "resume_processes",
            "set_instance_protection",
            "update_auto_scaling_group",
        )
    ]
    assert size(sandbox, EAST) == (0, 6, 0, 0)


def test_a_refresh_that_cannot_be_seen_is_not_taken_for_none(sandbox: Any) -> None:
    one = flow(sandbox)
    assert one.one("activate", "unplanned").status == "done"
    before = len(one.mutations())
    sandbox.fault(match={"operation": "DescribeInstanceRefreshes"}, effect="reset")
    assert (one.one("cleanup", "unplanned").status, len(one.mutations())) == ("deferred", before)


def test_workers_stop_in_the_source_before_they_start_in_the_target(sandbox: Any) -> None:
    one = flow(sandbox, stop_source_first=True)
    assert one.one("activate").status == "blocked", "their number would be lost with them"
    one.capture()
    activated = one.one("activate")
    assert activated.status == "done", activated
    assert [name.split("@")[1] for name in names(activated)] == [EAST, EAST, WEST, WEST, WEST]
    assert size(sandbox, EAST) == (0, 6, 0, 0)
    assert size(sandbox, WEST) == (2, 6, 3, 3)


@pytest.mark.parametrize("cleaned", [False, True])
def test_rollback_after_activation(sandbox: Any, cleaned: bool) -> None:
    one = flow(sandbox)
    one.capture()
    assert one.one("activate").status == "done"
    if cleaned:
        assert one.one("cleanup").status == "done"
    assert one.one("rollback").status == "done"
    assert size(sandbox, EAST) == (2, 6, 3, 3)
    assert suspended(sandbox, EAST) == set()
    assert size(sandbox, WEST) == (0, 6, 0, 0)
    assert suspended(sandbox, WEST) == HELD
    repeated(one, "rollback", "planned")
    repeated(one, "instantiate", "planned")


def test_what_is_called_is_declared_and_what_is_declared_is_called(sandbox: Any) -> None:
    rows: list[dict[str, Any]] = []
    for scenario in (
        test_a_standby_is_made_from_nothing,
        test_a_standby_follows_productions_new_image_and_the_way_back_too,
        test_launches_that_fail_end_the_wait_and_the_same_command_resumes,
        test_what_would_hold_the_old_instances_is_taken_away,
    ):
        scenario(sandbox)
        rows += sandbox.calls()
    actions = {"elbv2": "elasticloadbalancing"}
    called = {f"{actions.get(row['service'], row['service'])}:{row['operation']}" for row in rows if row["service"] != "sts"}
    assert called == {action for declared in AutoscalingGroup.actions.values() for action in declared}


def test_a_run_that_dies_after_every_call_does_nothing_twice(sandbox: Any) -> None:
    one = flow(sandbox, {"peer": None, "target_group": None}, **PLACE)
    one.capture()
    for phase in ("instantiate", "activate", "cleanup", "replicate"):
        assert one.survive(phase).status == "done"
    assert [call["operation"] for call in one.mutations()] == [
        "CopyImage",
        "CreateLaunchTemplate",
        "CreateAutoScalingGroup",
        "SuspendProcesses",
        "PutScalingPolicy",
        "CreateOrUpdateTags",
        "CreateOrUpdateTags",
        "UpdateAutoScalingGroup",
        "ResumeProcesses",
        "SuspendProcesses",
        "UpdateAutoScalingGroup",
        "CreateOrUpdateTags",
    ]
    assert (size(sandbox, WEST), size(sandbox, EAST)) == ((2, 6, 3, 3), (0, 6, 0, 0))


# -- the sandbox itself -----------------------------------------------------------------------------------------------


def test_sandbox_instances_take_their_time(sandbox: Any) -> None:
    sandbox.load(estate())
    west = client(sandbox, WEST)
    west.update_auto_scaling_group(AutoScalingGroupName="web", DesiredCapacity=2)
    assert {one["LifecycleState"] for one in group(sandbox, WEST)["Instances"]} == {"Pending"}
    assert {one["StatusCode"] for one in west.describe_scaling_activities(AutoScalingGroupName="web")["Activities"]} == {
        "InProgress"
    }
    sandbox.advance(90)
    assert size(sandbox, WEST)[3] == 2
    ids = [one["InstanceId"] for one in group(sandbox, WEST)["Instances"]]
    reservations = client(sandbox, WEST, "ec2").describe_instances(InstanceIds=ids)["Reservations"]
    assert sum(len(one["Instances"]) for one in reservations) == 2
    west.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=0)
    assert {one["LifecycleState"] for one in group(sandbox, WEST)["Instances"]} == {"Terminating"}
    sandbox.advance(60)
    assert group(sandbox, WEST)["Instances"] == []


def test_sandbox_suspended_processes_do_nothing(sandbox: Any) -> None:
    sandbox.load(estate())
    west = client(sandbox, WEST)
    west.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=["Launch", "AddToLoadBalancer"])
    west.update_auto_scaling_group(AutoScalingGroupName="web", DesiredCapacity=2)
    sandbox.advance(300)
    assert group(sandbox, WEST)["Instances"] == []
    west.resume_processes(AutoScalingGroupName="web", ScalingProcesses=["Launch"])
    sandbox.advance(90)
    assert size(sandbox, WEST)[3] == 2
    (arn,) = group(sandbox, WEST)["TargetGroupARNs"]
    assert client(sandbox, WEST, "elbv2").describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"] == []


def test_sandbox_refuses_as_aws_does(sandbox: Any, aws_code: Any) -> None:
    sandbox.load(estate())
    west = client(sandbox, WEST)
    assert west.describe_auto_scaling_groups(AutoScalingGroupNames=["no"])["AutoScalingGroups"] == []
    assert aws_code(west.update_auto_scaling_group, AutoScalingGroupName="no", MinSize=0) == "ValidationError"
    assert aws_code(west.update_auto_scaling_group, AutoScalingGroupName="web", DesiredCapacity=7) == "ValidationError"
    made = {"AutoScalingGroupName": "web", "MinSize": 0, "MaxSize": 1, "AvailabilityZones": ["us-west-2a"]}
    template = {"LaunchTemplateName": "web"}
    assert aws_code(west.create_auto_scaling_group, **made, LaunchTemplate=template) == "AlreadyExists"
    assert aws_code(west.cancel_instance_refresh, AutoScalingGroupName="web") == "ActiveInstanceRefreshNotFound"
    east = client(sandbox, EAST)
    assert aws_code(east.delete_auto_scaling_group, AutoScalingGroupName="web") == "ResourceInUse"
    west.update_auto_scaling_group(AutoScalingGroupName="web", MinSize=2)
    assert size(sandbox, WEST)[2] == 2, "a raised minimum takes the desired capacity with it"


def test_sandbox_deletes_a_group_with_its_instances(sandbox: Any) -> None:
    sandbox.load(estate())
    east = client(sandbox, EAST)
    east.delete_auto_scaling_group(AutoScalingGroupName="web", ForceDelete=True)
    assert group(sandbox, EAST)["Status"] == "Delete in progress"
    sandbox.advance(60)
    assert east.describe_auto_scaling_groups()["AutoScalingGroups"] == []
