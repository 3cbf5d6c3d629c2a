# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an ECS drill finds out, and what it never does, over the real engine and the sandbox."""

from __future__ import annotations

from typing import Any

import pytest
from test_drills import DRILL_ID, Drilled
from test_matrix import ACCOUNT, WEST

from sandbox import registry

IMAGE = f"{ACCOUNT}.dkr.ecr.{WEST}.amazonaws.com/shop/api:1"


def tasks(sandbox: Any) -> list[dict[str, Any]]:
    """The tasks of the drill room's cluster, as they are described."""
    ecs = sandbox.inside("ecs", WEST, ACCOUNT)
    arns = [
        arn for status in ("RUNNING", "STOPPED") for arn in ecs.list_tasks(cluster="dr-drill", desiredStatus=status)["taskArns"]
    ]
    return list(ecs.describe_tasks(cluster="dr-drill", tasks=arns, include=["TAGS"])["tasks"]) if arns else []


def redefined(sandbox: Any, **more: Any) -> None:
    """The standby gets another task definition."""
    ecs = sandbox.inside("ecs", WEST, ACCOUNT)
    container = {"name": "api", "image": more.pop("image", "public.ecr.aws/nginx/nginx:1.27"), **more.pop("container", {})}
    made = ecs.register_task_definition(
        family="api", **{"networkMode": "awsvpc", "cpu": "256", "memory": "512", "containerDefinitions": [container], **more}
    )
    ecs.update_service(cluster="apps", service="api", taskDefinition=made["taskDefinition"]["taskDefinitionArn"])


def test_a_copy_runs_without_productions_role_and_is_seen_healthy(sandbox: Any) -> None:
    world = Drilled(sandbox, "ecs")
    redefined(sandbox, taskRoleArn=f"arn:aws:iam::{ACCOUNT}:role/api", container={"healthCheck": {"command": ["CMD", "true"]}})
    for phase in ("instantiate", "activate"):
        result = world.drill.one(phase)
        assert result.status == "done", result
    assert result.outputs["health"] == "HEALTHY"
    (task,) = tasks(sandbox)
    assert task["overrides"]["taskRoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/dr-drill"
    assert (task["taskArn"], task["healthStatus"]) == (result.outputs["copy"], "HEALTHY")


def test_an_image_that_was_never_replicated_is_found_out(sandbox: Any) -> None:
    world = Drilled(sandbox, "ecs")
    redefined(sandbox, image=IMAGE)
    found = world.drill.one("instantiate")
    assert (found.status, len(found.calls)) == ("blocked", 1)
    assert "CannotPullContainerError" in found.why
    assert world.drill.one("cleanup").status == "done"
    assert [task["lastStatus"] for task in tasks(sandbox)] == ["STOPPED"]


def test_a_task_that_ends_by_itself_is_said_with_its_exit_code(sandbox: Any) -> None:
    world = Drilled(sandbox, "ecs")
    assert world.drill.one("instantiate").status == "done"
    (task,) = tasks(sandbox)
    sandbox.inside("ecs", WEST, ACCOUNT).stop_task(cluster="dr-drill", task=task["taskArn"], reason="out of memory")
    found = world.drill.one("activate")
    assert found.status == "blocked"
    assert "out of memory; api exited with 0" in found.why


def test_a_definition_that_has_no_network_of_its_own_is_not_run(sandbox: Any) -> None:
    world = Drilled(sandbox, "ecs")
    redefined(sandbox, networkMode="bridge")
    found = world.drill.one("instantiate")
    assert (found.status, world.sent()) == ("blocked", [])
    assert "network mode bridge" in found.why


def test_runtask_that_places_nothing_is_no_success(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world = Drilled(sandbox, "ecs")
    with monkeypatch.context() as patch:
        nothing = {"tasks": [], "failures": [{"reason": "RESOURCE:ENI"}]}
        patch.setitem(registry.OPERATIONS, ("ecs", "RunTask"), lambda ctx, params: nothing)
        found = world.drill.one("instantiate")
    assert (found.status, len(found.calls)) == ("blocked", 1)
    assert "RESOURCE:ENI" in found.why
    assert world.drill.one("instantiate").status == "done"


def test_a_cluster_that_is_not_there_is_asked_for(sandbox: Any) -> None:
    world = Drilled(sandbox, "ecs")
    sandbox.inside("ecs", WEST, ACCOUNT).delete_cluster(cluster="dr-drill")
    found = world.drill.one("instantiate")
    assert (found.status, found.remedy) == ("blocked", f"aws ecs create-cluster --cluster-name dr-drill --region {WEST}")
    assert [world.drill.one("cleanup").status, world.sent()] == ["done", []]


def test_tasks_of_others_in_the_cluster_are_left_alone(sandbox: Any) -> None:
    world = Drilled(sandbox, "ecs")
    ecs = sandbox.inside("ecs", WEST, ACCOUNT)
    place = {"awsvpcConfiguration": {"subnets": world.room["subnets"]}}
    other = {"cluster": "dr-drill", "taskDefinition": "api", "launchType": "FARGATE", "networkConfiguration": place}
    (stays,) = ecs.run_task(**other, startedBy="somebody")["tasks"]
    for phase in ("instantiate", "activate", "cleanup"):
        assert world.drill.one(phase).status == "done"
    assert {task["startedBy"]: task["desiredStatus"] for task in tasks(sandbox)}.pop("somebody") == "RUNNING"
    assert stays["taskArn"] not in str(world.sent())
    assert DRILL_ID in str(world.sent())
