# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drill of an Auto Scaling group: where its instance runs, what a failing launch says, and that nothing stays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from test_drills import Drilled
from test_matrix import ACCOUNT, WEST

from ansible_collections.dr.aws.plugins.module_utils.drills.base import name


def aws(sandbox: Any, service: str) -> Any:
    return sandbox.inside(service, WEST, ACCOUNT)


def templates(sandbox: Any) -> list[str]:
    return [one["LaunchTemplateName"] for one in aws(sandbox, "ec2").describe_launch_templates()["LaunchTemplates"]]


def profiled(sandbox: Any, profile: str) -> str:
    """Gives the standby's launch template an instance profile; the version's number."""
    ec2 = aws(sandbox, "ec2")
    (template,) = ec2.describe_launch_templates(LaunchTemplateNames=["web"])["LaunchTemplates"]
    ident = template["LaunchTemplateId"]
    (found,) = ec2.describe_launch_template_versions(LaunchTemplateId=ident, Versions=["$Latest"])["LaunchTemplateVersions"]
    data = {**found["LaunchTemplateData"], "IamInstanceProfile": {"Name": profile}, "KeyName": "operators"}
    made = ec2.create_launch_template_version(LaunchTemplateId=ident, LaunchTemplateData=data)["LaunchTemplateVersion"]
    pinned = {"LaunchTemplateId": ident, "Version": str(made["VersionNumber"])}
    aws(sandbox, "autoscaling").update_auto_scaling_group(AutoScalingGroupName="web", LaunchTemplate=pinned)
    return str(made["VersionNumber"])


def test_the_copy_runs_in_the_room_with_the_rooms_profile(sandbox: Any) -> None:
    world = Drilled(sandbox, "autoscaling")
    profiled(sandbox, "web-production")
    standing = templates(sandbox)
    for phase in ("instantiate", "activate"):
        result = world.drill.one(phase)
        assert result.status == "done", result
    ec2 = aws(sandbox, "ec2")
    (reservation,) = ec2.describe_instances(InstanceIds=[result.outputs["instance_id"]])["Reservations"]
    (instance,) = reservation["Instances"]
    assert instance["VpcId"] == world.room["vpc"]
    assert [one["GroupId"] for card in instance["NetworkInterfaces"] for one in card["Groups"]] == [world.room["group"]]
    copy = name(world.pair)
    (made,) = ec2.describe_launch_template_versions(LaunchTemplateName=copy, Versions=["1"])["LaunchTemplateVersions"]
    assert made["LaunchTemplateData"]["IamInstanceProfile"] == {"Name": "dr-drill"}
    assert "KeyName" not in made["LaunchTemplateData"]
    assert world.drill.one("cleanup").status == "done"
    assert templates(sandbox) == standing


def test_a_launch_that_fails_says_why_and_is_removed(sandbox: Any) -> None:
    world = Drilled(sandbox, "autoscaling")
    profiled(sandbox, "web-production")
    world.drill.pairs = [replace(world.pair, settings={**world.pair.settings, "drill": {"instance_profile": "nobody"}})]
    listed, standing = world.listed(), templates(sandbox)
    assert world.drill.one("instantiate").status == "done"
    result = world.drill.one("activate")
    assert result.status == "blocked", result
    assert "Invalid IAM Instance Profile name" in result.why
    assert "make the instance profile that it names, then run phase cleanup of this drill" in result.remedy
    assert world.drill.one("cleanup").status == "done"
    assert (world.listed(), templates(sandbox)) == (listed, standing)
