# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions of the ECS drill as a table: a row is a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.drills.base import name, role, tags
from ansible_collections.dr.aws.plugins.module_utils.drills.ecs_service import EcsServiceDrill, Origin, Seen
from ansible_collections.dr.aws.plugins.module_utils.drills.room import Room
from ansible_collections.dr.aws.plugins.module_utils.model import UNREACHABLE, Blocked, Call, Done, Goal, Pair, Wait
from ansible_collections.dr.aws.plugins.module_utils.parts.ecs_task import Cluster, Task

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "111111111111"
PAIR = Pair("api", "ecs", ACCOUNT, EAST, WEST, "apps/api", "apps/api", settings={"drill_id": "quarterly"})
GOAL = Goal(PAIR)
ROOM = Room(("vpc-drill",), ("subnet-1", "subnet-2"), ("sg-drill",))
ARN = f"arn:aws:ecs:{WEST}:{ACCOUNT}:task/dr-drill/0001"
PRODUCTION = f"arn:aws:iam::{ACCOUNT}:role/api"
DEFINITION = {
    "taskDefinitionArn": f"arn:aws:ecs:{WEST}:{ACCOUNT}:task-definition/api:7",
    "status": "ACTIVE",
    "networkMode": "awsvpc",
    "taskRoleArn": PRODUCTION,
    "containerDefinitions": [{"name": "api", "image": "shop/api:1"}],
}
CHECKED = {**DEFINITION, "containerDefinitions": [{"name": "api", "image": "x", "healthCheck": {"command": ["CMD", "true"]}}]}
FARGATE = {"launchType": "FARGATE", "platformVersion": "1.4.0"}
SPOT = {"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]}


def drilled(**settings: Any) -> Goal:
    return Goal(replace(PAIR, settings={"drill_id": "quarterly", "drill": settings}))


def standby(definition: Any = None, launch: Any = None, vpcs: tuple[str, ...] = ("vpc-app",), **more: Any) -> Origin:
    return Origin(launch or FARGATE, vpcs, {**(definition or DEFINITION), **more})


def copy(status: str = "RUNNING", **more: Any) -> Task:
    fields = {"started_by": name(PAIR, 36), "tags": tags(PAIR), "task_definition": DEFINITION["taskDefinitionArn"], **more}
    return Task(ARN, status, **fields)


def seen(*copies: Task, **more: Any) -> Seen:
    return Seen(**{"room": ROOM, "cluster": Cluster("dr-drill"), "origin": standby(), "copies": copies, **more})


def without(origin: Any) -> Seen:
    return seen(origin=origin)


TABLE = [
    ("one task in the room's cluster", "instantiate", seen(), GOAL, Call, "run_task & 'cluster': 'dr-drill' & 'count': 1 & api:7"),
    ("in its network", "instantiate", seen(), GOAL, Call, "['subnet-1', 'subnet-2'] & ['sg-drill'] & 'assignPublicIp': 'DISABLED'"),
    ("on what the service runs on", "instantiate", seen(), GOAL, Call, "'launchType': 'FARGATE' & 'platformVersion': '1.4.0'"),
    ("or as the setting says", "instantiate", seen(), drilled(launch_type="EC2"), Call, "'launchType': 'EC2'"),
    (
        "never with production's role",
        "instantiate",
        seen(),
        GOAL,
        Call,
        f"'overrides': {{'taskRoleArn': '{role(PAIR, 'task_role')}'}}",
    ),
    ("with a role of one's own", "instantiate", seen(), drilled(task_role="arn:own"), Call, "'taskRoleArn': 'arn:own'"),
    (
        "pulled with a role of one's own",
        "instantiate",
        seen(),
        drilled(execution_role="arn:x"),
        Call,
        "'executionRoleArn': 'arn:x'",
    ),
    ("in a cluster of one's own", "instantiate", seen(), drilled(ecs_cluster="drills"), Call, "'cluster': 'drills'"),
    (
        "on the capacity providers of the service",
        "instantiate",
        seen(origin=standby(launch=SPOT), cluster=Cluster("dr-drill", ("FARGATE_SPOT",))),
        GOAL,
        Call,
        "'capacityProvider': 'FARGATE_SPOT'",
    ),
    (
        "which the cluster must have",
        "instantiate",
        without(standby(launch=SPOT)),
        GOAL,
        Blocked,
        "no capacity provider FARGATE_SPOT",
    ),
    ("unless others are set", "instantiate", without(standby(launch=SPOT)), drilled(launch_type="FARGATE"), Call, "FARGATE"),
    ("no cluster", "instantiate", seen(cluster=None), GOAL, Blocked, "no cluster dr-drill & aws ecs create-cluster --cluster-name"),
    ("production's cluster", "instantiate", seen(), drilled(ecs_cluster="apps"), Blocked, "the cluster of apps/api itself"),
    ("production's role", "instantiate", seen(), drilled(task_role=PRODUCTION), Blocked, "may not act as production"),
    (
        "tasks without a network of their own",
        "instantiate",
        without(standby(networkMode="bridge")),
        GOAL,
        Blocked,
        "network mode bridge & drill.task_definition",
    ),
    ("which is the default", "instantiate", without(standby({**DEFINITION, "networkMode": "host"})), GOAL, Blocked, "mode host"),
    (
        "production's files",
        "instantiate",
        without(standby(volumes=[{"name": "scratch"}, {"name": "data", "efsVolumeConfiguration": {}}])),
        GOAL,
        Blocked,
        "mounts a file system of production as data",
    ),
    ("a definition that is over", "instantiate", without(standby(status="INACTIVE")), GOAL, Blocked, "is not ACTIVE"),
    ("a definition that is gone", "instantiate", without(Origin(FARGATE, (), None)), GOAL, Blocked, "is not ACTIVE"),
    ("nothing to copy", "instantiate", without(None), GOAL, Blocked, "no standby apps/api & run phase instantiate"),
    ("no room", "instantiate", seen(room=None), GOAL, Blocked, "nothing is tagged dr:drill-room"),
    ("the standby's own network", "instantiate", without(standby(vpcs=("vpc-drill",))), GOAL, Blocked, "its place in it"),
    ("the target region is dark", "instantiate", without(UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("nobody knows what runs", "instantiate", seen(copies=UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("nobody knows the cluster", "instantiate", seen(cluster=UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("it is pending", "instantiate", seen(copy("PENDING")), GOAL, Wait, "is PENDING"),
    ("it runs", "instantiate", seen(copy()), GOAL, Done, ARN),
    ("it runs, whatever became of the standby", "instantiate", seen(copy(), origin=None), GOAL, Done, ARN),
    ("its health comes later", "instantiate", seen(copy(), origin=standby(CHECKED)), GOAL, Done, ARN),
    ("it stops", "instantiate", seen(copy("DEACTIVATING", stopping=True)), GOAL, Wait, "is DEACTIVATING"),
    ("it stopped", "instantiate", seen(copy("STOPPED", stopping=True, ended="no secret")), GOAL, Blocked, "stopped: no secret"),
    ("somebody else's task", "instantiate", seen(copy(tags={})), GOAL, Blocked, "does not carry the tags"),
    ("it serves", "activate", seen(copy(address="10.9.0.4", images={"api": "sha256:1"})), GOAL, Done, "10.9.0.4 & sha256:1"),
    ("without a check it runs", "activate", seen(copy()), GOAL, Done, "no health check"),
    ("with one it is healthy", "activate", seen(copy(health="HEALTHY"), origin=standby(CHECKED)), GOAL, Done, "HEALTHY"),
    ("or not yet", "activate", seen(copy(), origin=standby(CHECKED)), GOAL, Wait, "not known yet"),
    ("or not", "activate", seen(copy(health="UNHEALTHY"), origin=standby(CHECKED)), GOAL, Blocked, "UNHEALTHY & see its logs"),
    ("it ended", "activate", seen(copy("STOPPED", ended="api exited with 1")), GOAL, Blocked, "exited with 1 & a new drill"),
    ("there is none", "activate", seen(), GOAL, Blocked, "no copy & run phase instantiate"),
    ("nobody knows", "activate", seen(copies=UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("nobody knows what it should be", "activate", seen(copy(), origin=UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("it is stopped", "cleanup", seen(copy()), GOAL, Call, f"stop_task & {ARN} & 'cluster': 'dr-drill' & quarterly"),
    ("before it runs as well", "cleanup", seen(copy("PENDING")), GOAL, Call, "stop_task"),
    ("it is stopping", "cleanup", seen(copy("RUNNING", stopping=True)), GOAL, Wait, "is stopping"),
    ("it has stopped", "cleanup", seen(copy("STOPPED", stopping=True)), GOAL, Done, "removed"),
    ("two are stopped one by one", "cleanup", seen(copy("STOPPED"), copy()), GOAL, Call, "stop_task"),
    ("nothing is left", "cleanup", seen(), GOAL, Done, "removed"),
    ("somebody else's stays", "cleanup", seen(copy(tags={})), GOAL, Blocked, "does not carry the tags"),
    ("nobody knows what is left", "cleanup", seen(copies=UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("no room and no standby is needed to clean up", "cleanup", seen(copy(), room=None, origin=None), GOAL, Call, "stop_task"),
]


@pytest.mark.parametrize(("sentence", "phase", "sight", "goal", "kind", "says"), TABLE, ids=[row[0] for row in TABLE])
def test_decisions(sentence: str, phase: str, sight: Seen, goal: Goal, kind: type, says: str) -> None:
    step = getattr(EcsServiceDrill(), phase)(sight, goal)
    assert isinstance(step, kind), step
    text = f"{step.operation} {dict(step.params)}" if isinstance(step, Call) else str(step)
    assert [part for part in says.split(" & ") if part not in text] == [], text
    if isinstance(step, Call):
        assert (step.region, step.one_way, step.debt) == (WEST, False, "")


def test_a_task_without_a_role_gets_none() -> None:
    plain = {key: value for key, value in DEFINITION.items() if key != "taskRoleArn"}
    assert "overrides" not in EcsServiceDrill().instantiate(without(standby(plain)), GOAL).params


def test_the_same_request_has_the_same_token_and_another_one_another() -> None:
    tokens = [
        EcsServiceDrill().instantiate(seen(), goal).params["clientToken"] for goal in (GOAL, GOAL, drilled(launch_type="EC2"))
    ]
    assert tokens[0] == tokens[1] != tokens[2]
    assert all(len(token) <= 64 for token in tokens)


def test_runtask_that_places_nothing_is_said_and_tried_again_when_resumed() -> None:
    call = EcsServiceDrill().instantiate(seen(), GOAL)
    said = EcsServiceDrill().receipt(call, {"tasks": [], "failures": [{"arn": "arn:i-1", "reason": "RESOURCE:MEMORY"}]})
    step = EcsServiceDrill().instantiate(seen(), Goal(replace(PAIR, settings={**PAIR.settings, **said})))
    assert isinstance(step, Blocked)
    assert "RESOURCE:MEMORY arn:i-1" in step.why
    assert step.retry == call


def test_a_task_that_was_placed_needs_no_receipt() -> None:
    call = EcsServiceDrill().instantiate(seen(), GOAL)
    assert EcsServiceDrill().receipt(call, {"tasks": [{}], "failures": []}) == {}
    assert EcsServiceDrill().receipt(replace(call, operation="stop_task"), {"task": {}}) == {}
