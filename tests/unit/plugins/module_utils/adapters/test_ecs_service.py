# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ECS decisions as tables: a row is a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.adapters.ecs_service import EcsService
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
from ansible_collections.dr.aws.plugins.module_utils.parts.ecs_state import Blueprint, Image, Scaling, Seen, Service

EAST, WEST = "us-east-1", "us-west-2"
PAIR = Pair("api", "ecs", "111111111111", EAST, WEST, "apps/api", "apps/api")
PLANNED = Goal(PAIR)
UNPLANNED = Goal(PAIR, mode="unplanned")
HELD = Scaling(0, 10, held=True, free=False)
FREE = Scaling(2, 10, held=False, free=True)
CPU = {"PolicyName": "cpu"}
ADAPTER = EcsService()


def service(desired: int = 0, running: int | None = None, status: str = "ACTIVE", **more: Any) -> Service:
    """A service that runs what it should, unless told otherwise."""
    arn = "arn:aws:ecs:us-east-1:111111111111:service/apps/api"
    values = {"pending": 0, "task_definition": "arn:aws:ecs:us-east-1:111111111111:task-definition/api:7", **more}
    return Service(arn, status, desired, desired if running is None else running, **values)


def captured(goal: Goal, **values: Any) -> Goal:
    return replace(goal, captured={"desired_count": 4, "min_capacity": 2, "max_capacity": 10, "epoch": 0, **values})


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
        ("before a failover", Seen(service(4), service()), Active.SOURCE),
        ("after it", Seen(service(), service(4, epoch=1)), Active.TARGET),
        ("nothing runs", Seen(service(), service()), Active.NEITHER),
        ("nothing is there", Seen(None, None), Active.NEITHER),
        ("both run and neither was activated: split brain", Seen(service(4), service(4)), Active.BOTH),
        ("both run, the target was activated last", Seen(service(4), service(4, epoch=1)), Active.TARGET),
        ("both run, the source was activated last", Seen(service(4, epoch=2), service(4, epoch=1)), Active.SOURCE),
        ("desired is not running", Seen(service(4), service(4, 0, epoch=1)), Active.SOURCE),
        (
            "a target whose scaling is held is not finished",
            Seen(service(4), service(4, epoch=1, scaling=HELD)),
            Active.SOURCE,
        ),
        ("nor when it runs alone", Seen(service(), service(4, epoch=1, scaling=HELD)), Active.NEITHER),
        ("source dark, target activated", Seen(UNREACHABLE, service(4, epoch=1)), Active.TARGET),
        ("source dark, target runs by itself", Seen(UNREACHABLE, service(1)), Active.UNKNOWN),
        ("source dark, target at zero", Seen(UNREACHABLE, service()), Active.UNKNOWN),
        ("target dark", Seen(service(4), UNREACHABLE), Active.UNKNOWN),
    ],
)
def test_active(sentence: str, seen: Seen, active: Active) -> None:
    assert ADAPTER.active(seen) is active, sentence


READY = Blueprint({"family": "api"}, {"family": "api"}, {"family": "api", "taskDefinitionArn": "td:8", "revision": 8})
BEHIND = replace(READY, current={"family": "api", "cpu": "1"})
UNREGISTERED = replace(BEHIND, latest={"family": "api", "cpu": "1", "taskDefinitionArn": "td:7"})
ECR = "111111111111.dkr.ecr.us-west-2.amazonaws.com/api:1"


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        ("it stands by", Seen(service(4), service()), PLANNED, Done, "standby"),
        ("it stands by and the source is dark", Seen(UNREACHABLE, service()), UNPLANNED, Done, "standby"),
        ("planned needs the source", Seen(UNREACHABLE, service()), PLANNED, Blocked, "us-east-1"),
        ("a dark target is blocked when planned", Seen(service(4), UNREACHABLE), PLANNED, Blocked, "us-west-2"),
        ("and deferred when not", Seen(service(4), UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
        ("the target serves already", Seen(service(), service(4, epoch=1)), PLANNED, Done, "active"),
        ("an activation has begun", Seen(service(4), service(4, 0, epoch=1)), PLANNED, Done, "active"),
        ("a warm service is no standby", Seen(service(4), service(1)), PLANNED, Blocked, "no standby"),
        ("nothing to make it from", Seen(UNREACHABLE, None), UNPLANNED, Blocked, "deploy it at zero"),
        ("nothing anywhere", Seen(None, None), PLANNED, Blocked, "none that serves"),
        (
            "no cluster",
            Seen(service(4), None, READY, cluster_missing=True),
            PLANNED,
            Blocked,
            "aws ecs create-cluster --cluster-name apps --region us-west-2",
        ),
        ("a daemon follows its instances", Seen(service(4, strategy="DAEMON"), None, READY), PLANNED, Blocked, "daemon"),
        (
            "the task definition first",
            Seen(service(4), None, replace(UNREGISTERED, current=None)),
            PLANNED,
            Call,
            "register_task_definition@us-west-2 & 'family': 'api'",
        ),
        (
            "then the service at zero, of that revision, following the source",
            Seen(service(4), None, replace(READY, current=None)),
            PLANNED,
            Call,
            "create_service@us-west-2 & 'desiredCount': 0 & 'taskDefinition': 'td:8' & 'dr:follows' & 'clientToken'",
        ),
        (
            "where it has a network, the subnets must be set",
            Seen(service(4, spec={"networkConfiguration": {"awsvpcConfiguration": {}}}), None, READY),
            PLANNED,
            Blocked,
            "regions.us-west-2.subnets",
        ),
        (
            "and are used",
            Seen(service(4, spec={"networkConfiguration": {"awsvpcConfiguration": {}}}), None, READY),
            setting(PLANNED, regions={WEST: {"subnets": ["subnet-1"]}}),
            Call,
            "create_service@us-west-2 & ['subnet-1']",
        ),
        (
            "a load balancer cannot be guessed",
            Seen(service(4, spec={"loadBalancers": [{}]}), None, READY),
            PLANNED,
            Blocked,
            "load_balancers",
        ),
        (
            "an image that is not in the target's registry",
            Seen(service(4), None, replace(UNREGISTERED, images=(Image(ECR, None, "sha256:1"),))),
            PLANNED,
            Blocked,
            "is not there: no task could start",
        ),
        (
            "another image under the same tag",
            Seen(service(4), None, replace(UNREGISTERED, images=(Image(ECR, "sha256:2", "sha256:1"),))),
            PLANNED,
            Blocked,
            "is sha256:2, not sha256:1",
        ),
        (
            "the right image",
            Seen(service(4), None, replace(UNREGISTERED, images=(Image(ECR, "sha256:1", "sha256:1"),))),
            PLANNED,
            Call,
            "register_task_definition",
        ),
        ("behind production", Seen(service(4), service(), UNREGISTERED), PLANNED, Call, "register_task_definition"),
        (
            "the new revision is there",
            Seen(service(4), service(), BEHIND),
            PLANNED,
            Call,
            "update_service@us-west-2 & td:8",
        ),
        (
            "it runs the right one: note it",
            Seen(service(4), service(), READY),
            PLANNED,
            Call,
            "tag_resource@us-west-2 & dr:follows",
        ),
        (
            "CodeDeploy deploys it",
            Seen(service(4), service(controller="CODE_DEPLOY"), BEHIND),
            PLANNED,
            Blocked,
            "CODE_DEPLOY",
        ),
        ("definitions could not be read", Seen(service(4), service(), UNREACHABLE), UNPLANNED, Deferred, ""),
        (
            "a failed rollout is no standby",
            Seen(service(4), service(rollout="FAILED", rollout_reason="breaker")),
            PLANNED,
            Blocked,
            "breaker & --force-new-deployment",
        ),
        ("the name is still draining", Seen(service(4), service(status="DRAINING")), PLANNED, Wait, "deleted"),
        ("tasks are still stopping", Seen(service(4), service(0, 2)), PLANNED, Wait, "2 tasks"),
        (
            "scaling is registered, unfinished while policies lack",
            Seen(service(4, scaling=FREE), service(), policies=(CPU,)),
            PLANNED,
            Call,
            "register_scalable_target@us-west-2 & 'MinCapacity': 0, 'MaxCapacity': 0 & 'DynamicScalingOutSuspended': True",
        ),
        (
            "then its policies",
            Seen(service(4, scaling=FREE), service(scaling=Scaling(0, 0, True, False)), policies=(CPU,)),
            PLANNED,
            Call,
            "put_scaling_policy@us-west-2",
        ),
        (
            "then its maximum",
            Seen(service(4, scaling=FREE), service(scaling=Scaling(0, 0, True, False))),
            PLANNED,
            Call,
            "register_scalable_target & 'MaxCapacity': 10",
        ),
        (
            "scaling that is not held would start tasks",
            Seen(service(4), service(scaling=Scaling(0, 10, False, True))),
            PLANNED,
            Call,
            "register_scalable_target & 'MinCapacity': 0 & True",
        ),
        (
            "a minimum would start tasks",
            Seen(service(4), service(scaling=Scaling(2, 10, True, False))),
            PLANNED,
            Call,
            "register_scalable_target & 'MinCapacity': 0",
        ),
        ("scaling held at zero", Seen(service(4, scaling=FREE), service(scaling=HELD)), PLANNED, Done, "10"),
    ],
)
def test_instantiate(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(ADAPTER.instantiate(seen, goal), kind, says)


MARKED: dict[str, Any] = {"epoch": 1}


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        (
            "first it is marked",
            Seen(service(4), service()),
            PLANNED,
            Call,
            "tag_resource@us-west-2 & 'dr:epoch', 'value': '1'",
        ),
        (
            "above the source's mark",
            Seen(service(4, epoch=3), service()),
            PLANNED,
            Call,
            "'dr:epoch', 'value': '4'",
        ),
        (
            "above the captured one when the source is dark",
            Seen(UNREACHABLE, service()),
            captured(UNPLANNED, epoch=3),
            Call,
            "'dr:epoch', 'value': '4'",
        ),
        (
            "scaling is held before",
            Seen(service(4), service(scaling=FREE)),
            PLANNED,
            Call,
            "register_scalable_target@us-west-2 & 'MinCapacity': 0 & True",
        ),
        ("then it is scaled up", Seen(service(4), service(**MARKED)), PLANNED, Call, "update_service@us-west-2 & 4"),
        (
            "to what was captured when the source is dark, which leaves a debt",
            Seen(UNREACHABLE, service(**MARKED)),
            captured(UNPLANNED),
            Call,
            "update_service@us-west-2 & 'desiredCount': 4 & its tasks may still run",
        ),
        (
            "to the larger of what runs and what was captured",
            Seen(service(2), service(**MARKED)),
            captured(PLANNED),
            Call,
            "'desiredCount': 4",
        ),
        (
            "and not down to what was captured",
            Seen(service(9), service(**MARKED)),
            captured(PLANNED),
            Call,
            "'desiredCount': 9",
        ),
        (
            "zero replaces nothing",
            Seen(service(0), service(**MARKED)),
            captured(PLANNED),
            Call,
            "'desiredCount': 4",
        ),
        ("a setting is above both", Seen(service(2), service(**MARKED)), setting(PLANNED, desired_count=7), Call, "7"),
        ("a larger count is never lowered", Seen(service(2), service(6, **MARKED)), PLANNED, Done, "6"),
        (
            "unknown capacity is not zero",
            Seen(UNREACHABLE, service(**MARKED)),
            UNPLANNED,
            Blocked,
            "capacity of apps/api is unknown",
        ),
        (
            "the target's own maximum is the last resort",
            Seen(UNREACHABLE, service(scaling=HELD, **MARKED)),
            UNPLANNED,
            Call,
            "'desiredCount': 10",
        ),
        (
            "tasks are starting",
            Seen(service(4), service(4, 1, pending=3, **MARKED)),
            PLANNED,
            Wait,
            "1 of 4 tasks",
        ),
        (
            "one task that did not start is bad luck",
            Seen(service(4), service(4, 1, stopped=("no image",), **MARKED)),
            PLANNED,
            Wait,
            "",
        ),
        (
            "three are a failure",
            Seen(service(4), service(4, 1, stopped=("no image",) * 3, **MARKED)),
            PLANNED,
            Blocked,
            "3 tasks & no image & --force-new-deployment --cluster apps --service api --region us-west-2",
        ),
        (
            "old failures of a service that runs are history",
            Seen(service(4), service(4, stopped=("no image",) * 3, **MARKED)),
            PLANNED,
            Done,
            "",
        ),
        (
            "a deployment that failed",
            Seen(service(4), service(4, 0, rollout="FAILED", rollout_reason="breaker", **MARKED)),
            PLANNED,
            Blocked,
            "breaker",
        ),
        (
            "scaling is let go only when all run, with production's limits",
            Seen(service(4, scaling=FREE), service(4, scaling=HELD, **MARKED)),
            PLANNED,
            Call,
            "register_scalable_target@us-west-2 & 'MinCapacity': 2, 'MaxCapacity': 10 & False",
        ),
        (
            "with captured limits when the source is dark",
            Seen(UNREACHABLE, service(4, scaling=HELD, **MARKED)),
            captured(UNPLANNED, max_capacity=20),
            Call,
            "'MinCapacity': 2, 'MaxCapacity': 20",
        ),
        (
            "never with a maximum that would stop tasks",
            Seen(UNREACHABLE, service(12, scaling=HELD, **MARKED)),
            captured(UNPLANNED),
            Call,
            "'MaxCapacity': 12",
        ),
        (
            "not while tasks are pending",
            Seen(service(4), service(4, 3, pending=1, scaling=HELD, **MARKED)),
            PLANNED,
            Wait,
            "",
        ),
        ("then it is done", Seen(service(4), service(4, **MARKED)), PLANNED, Done, "active"),
        (
            "not before they are healthy in the target groups",
            Seen(service(4), service(4, healthy_targets=3, **MARKED)),
            PLANNED,
            Wait,
            "3 of 4 tasks are healthy in the target groups",
        ),
        (
            "activated with the source dark, captured again since: nothing is marked again",
            Seen(UNREACHABLE, service(4, **MARKED)),
            captured(UNPLANNED, epoch=1),
            Done,
            "active",
        ),
        (
            "what scaling does later is its business",
            Seen(service(), service(2, scaling=FREE, **MARKED)),
            captured(PLANNED),
            Done,
            "'running_count': 2",
        ),
        ("source dark: fencing is deferred", Seen(UNREACHABLE, service(4, **MARKED)), captured(UNPLANNED), Done, "deferred"),
        ("planned needs the source", Seen(UNREACHABLE, service(4, **MARKED)), PLANNED, Blocked, "us-east-1"),
        ("a dark target is deferred, not absent", Seen(service(4), UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
        ("no standby", Seen(service(4), None), UNPLANNED, Blocked, "run phase instantiate"),
        ("a standby that is being deleted", Seen(service(4), service(status="DRAINING")), PLANNED, Blocked, "DRAINING"),
        ("a daemon", Seen(service(4), service(strategy="DAEMON")), PLANNED, Blocked, "daemon"),
        (
            "workers are stopped in the source first",
            Seen(service(4), service()),
            captured(setting(PLANNED, stop_source_first=True)),
            Call,
            "update_service@us-east-1 & 'desiredCount': 0",
        ),
        (
            "and waited for",
            Seen(service(0, 3), service()),
            captured(setting(PLANNED, stop_source_first=True)),
            Wait,
            "3 tasks are stopping in us-east-1",
        ),
        (
            "but not when their number would be lost with them",
            Seen(service(4), service()),
            setting(PLANNED, stop_source_first=True),
            Blocked,
            "run readiness",
        ),
        (
            "a dark source cannot be stopped",
            Seen(UNREACHABLE, service(**MARKED)),
            captured(setting(UNPLANNED, stop_source_first=True)),
            Call,
            "update_service@us-west-2",
        ),
    ],
)
def test_activate(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(ADAPTER.activate(seen, goal), kind, says)


@pytest.mark.parametrize("policy", ["quarantine", "remove"])
@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        ("it is scaled to zero", Seen(service(4), service(4, **MARKED)), PLANNED, Call, "update_service@us-east-1 & 0"),
        (
            "its scaling is held before",
            Seen(service(4, scaling=FREE), service(4, **MARKED)),
            PLANNED,
            Call,
            "register_scalable_target@us-east-1 & 'MinCapacity': 0 & True",
        ),
        ("tasks stop", Seen(service(0, 4), service(4, **MARKED)), PLANNED, Wait, "4 tasks"),
        ("it is at zero", Seen(service(0, scaling=HELD), service(4, **MARKED)), PLANNED, Done, ""),
        ("it is gone", Seen(None, service(4, **MARKED)), PLANNED, Done, "absent"),
        ("a dark source is deferred", Seen(UNREACHABLE, service(4, **MARKED)), UNPLANNED, Deferred, "us-east-1"),
        ("or blocked when planned", Seen(UNREACHABLE, service(4, **MARKED)), PLANNED, Blocked, "us-east-1"),
        ("a dark target proves nothing", Seen(service(4), UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
        ("the source serves", Seen(service(4), service()), PLANNED, Blocked, "source & nothing was stopped"),
        ("both serve", Seen(service(4), service(4)), PLANNED, Blocked, "both"),
        ("neither serves", Seen(service(), service()), PLANNED, Blocked, "neither"),
        ("the source was activated last", Seen(service(4, epoch=2), service(4, **MARKED)), PLANNED, Blocked, "source"),
        ("the target lacks tasks", Seen(service(4), service(4, 3, **MARKED)), PLANNED, Wait, "3 of 4"),
        ("there is no target", Seen(service(4), None), PLANNED, Blocked, "source"),
    ],
)
def test_cleanup(policy: str, sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(ADAPTER.cleanup(seen, replace(goal, cleanup_policy=policy)), kind, says)


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        ("it stands by", Seen(service(), service(4, **MARKED)), PLANNED, Done, "standby"),
        (
            "it follows the new definition",
            Seen(service(), service(4, **MARKED), UNREGISTERED),
            PLANNED,
            Call,
            "register_task_definition@us-east-1",
        ),
        (
            "it is made anew when it is gone",
            Seen(None, service(4, **MARKED), READY),
            PLANNED,
            Call,
            "create_service@us-east-1",
        ),
        (
            "its scaling takes the target's limits",
            Seen(service(), service(4, scaling=FREE, **MARKED)),
            PLANNED,
            Call,
            "register_scalable_target@us-east-1 & 'MaxCapacity': 10",
        ),
        ("it must be cleaned up first", Seen(service(4), service(4, **MARKED)), PLANNED, Blocked, "run phase cleanup"),
        ("the target must serve", Seen(service(4), service()), PLANNED, Blocked, "activate it first"),
        ("a dark source is deferred", Seen(UNREACHABLE, service(4, **MARKED)), UNPLANNED, Deferred, "us-east-1"),
        ("a dark target too", Seen(service(), UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
    ],
)
def test_replicate(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(ADAPTER.replicate(seen, goal), kind, says)


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        (
            "the source starts before the target stops",
            Seen(service(), service(4, **MARKED)),
            PLANNED,
            Call,
            "update_service@us-east-1 & 'desiredCount': 4",
        ),
        ("it is waited for", Seen(service(4, 2, pending=2), service(4, **MARKED)), PLANNED, Wait, "2 of 4"),
        (
            "its scaling is let go",
            Seen(service(4, scaling=HELD), service(4, **MARKED)),
            captured(PLANNED),
            Call,
            "register_scalable_target@us-east-1 & 'MinCapacity': 2, 'MaxCapacity': 10 & False",
        ),
        (
            "then the target's is held",
            Seen(service(4), service(4, scaling=FREE, **MARKED)),
            PLANNED,
            Call,
            "register_scalable_target@us-west-2 & 'MinCapacity': 0 & True",
        ),
        (
            "then the target goes to zero",
            Seen(service(4), service(4, **MARKED)),
            PLANNED,
            Call,
            "update_service@us-west-2 & 0",
        ),
        ("then it is done", Seen(service(4), service(**MARKED)), PLANNED, Done, ""),
        ("a dark source cannot take over", Seen(UNREACHABLE, service(4, **MARKED)), UNPLANNED, Blocked, "us-east-1"),
        ("nor one that is gone", Seen(None, service(4, **MARKED)), UNPLANNED, Blocked, "gone"),
        ("nor one that is being deleted", Seen(service(status="DRAINING"), service(4)), PLANNED, Blocked, "DRAINING"),
        ("a dark target is deferred", Seen(service(4), UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
        ("nobody knows how many", Seen(service(), service()), PLANNED, Blocked, "no capacity"),
    ],
)
def test_rollback(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(ADAPTER.rollback(seen, goal), kind, says)


@pytest.mark.parametrize(
    ("sentence", "seen", "status"),
    [
        ("all run", Seen(UNREACHABLE, service(4, scaling=FREE)), "HEALTHY"),
        ("scaling still held", Seen(None, service(4, scaling=HELD)), "DEGRADED"),
        ("tasks lack", Seen(None, service(4, 3)), "UNHEALTHY"),
        ("all run, but not behind the load balancer", Seen(None, service(4, healthy_targets=3)), "UNHEALTHY"),
        ("nothing runs", Seen(None, service()), "UNHEALTHY"),
        ("the deployment failed", Seen(None, service(4, rollout="FAILED")), "UNHEALTHY"),
        ("it is gone", Seen(service(4), None), "UNHEALTHY"),
        ("it does not answer", Seen(service(4), UNREACHABLE), "UNHEALTHY"),
    ],
)
def test_health(sentence: str, seen: Seen, status: str) -> None:
    assert ADAPTER.health(seen, PLANNED).status == status, sentence


@pytest.mark.parametrize(
    ("sentence", "source", "known"),
    [
        ("capacity and limits", service(4, scaling=FREE), {"desired_count": 4, "min_capacity": 2, "max_capacity": 10, "epoch": 0}),
        ("more runs than desired", service(4, 6), {"desired_count": 6, "epoch": 0}),
        ("held limits are not production's", service(4, scaling=HELD), {"desired_count": 4, "epoch": 0}),
        ("the mark", service(4, epoch=3), {"desired_count": 4, "epoch": 3}),
        ("zero is not a capacity", service(), {}),
        ("absent", None, {}),
        ("dark", UNREACHABLE, {}),
    ],
)
def test_capture(sentence: str, source: Any, known: dict[str, int]) -> None:
    found = dict(ADAPTER.capture(Seen(source, service()), PAIR))
    found.pop("task_definition", None)
    assert found == known, sentence


class Definitions:
    """A region that has one task definition, and says nothing where that is UNREACHABLE."""

    def __init__(self, definition: Any) -> None:
        self.definition = definition

    def read(self, account: str, region: str, service: str, operation: str, **params: Any) -> Any:
        assert (region, operation) == (EAST, "describe_task_definition")
        return self.definition


FARGATE = {"launchType": "FARGATE"}
PROVIDED = {"capacityProviderStrategy": [{"capacityProvider": "FARGATE"}]}
SPOT = {"capacityProviderStrategy": [*PROVIDED["capacityProviderStrategy"], {"capacityProvider": "FARGATE_SPOT"}]}
DEFINED = {"taskDefinition": {"cpu": "256", "memory": "512"}}
SIZE = {"cpu": 256, "memory_mib": 512, "architecture": "X86_64"}


@pytest.mark.parametrize(
    ("sentence", "source", "definition", "sizes"),
    [
        ("on Fargate", service(4, spec=FARGATE), DEFINED, {"task_size": SIZE}),
        ("by a capacity provider", service(4, spec=PROVIDED), DEFINED, {"task_size": SIZE}),
        ("some of it at the spot price", service(4, spec=SPOT), DEFINED, {"task_size": {}}),
        ("on instances", service(4, spec={"launchType": "EC2"}), DEFINED, {"task_size": {}}),
        ("its definition is gone", service(4, spec=FARGATE), None, {"task_size": {}}),
        ("its region has just become dark", service(4, spec=FARGATE), UNREACHABLE, {}),
        ("it runs nothing", service(spec=FARGATE), DEFINED, {}),
        ("it is not seen", UNREACHABLE, DEFINED, {}),
    ],
)
def test_the_size_of_a_task(sentence: str, source: Any, definition: Any, sizes: dict[str, Any]) -> None:
    reader: Any = Definitions(definition)
    assert ADAPTER.sizes(reader, Seen(source, service()), PAIR) == sizes, sentence
