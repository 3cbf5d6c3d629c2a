# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each starter sends, held against AWS's own models, and what the environment may name."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from ansible_collections.dr.aws.plugins.module_utils.accounts import Accounts
from ansible_collections.dr.aws.plugins.module_utils.api.starters import Nothing, StateMachine, Task, starter
from ansible_collections.dr.aws.plugins.module_utils.errors import DrError, InputError

EXECUTION = {"execution_id": "dr-20261128T163000Z-7f3a9c", "operation": "failback", "ver": 4}
RUN = "dr-20261128T163000Z-7f3a9c-4"
MACHINE = "arn:aws:states:us-west-2:100000000000:stateMachine:dr-aws"
THEIRS = f"arn:aws:states:us-west-2:100000000000:execution:dr-aws:{RUN}"
TASK = "arn:aws:ecs:us-west-2:100000000000:task/dr/0123456789abcdef"


def client(service: str) -> Any:
    """Never asked: a stub answers, and compares what is sent."""
    return boto3.client(service, region_name="us-west-2", aws_access_key_id="AKIA", aws_secret_access_key="sandbox")


def test_a_state_machine_is_given_the_execution_under_a_name_of_its_own() -> None:
    states = client("stepfunctions")
    told = {"execution_id": EXECUTION["execution_id"], "operation": "failback", "correlation_id": "ticket-4711"}
    with Stubber(states) as stub:
        wanted = {"stateMachineArn": MACHINE, "name": RUN, "input": json.dumps(told)}
        stub.add_response("start_execution", {"executionArn": THEIRS, "startDate": 0}, wanted)
        assert StateMachine(states, MACHINE).start(EXECUTION, "ticket-4711") == THEIRS


def test_a_task_runs_the_playbook_once() -> None:
    ecs = client("ecs")
    wanted = {
        "cluster": "dr",
        "taskDefinition": "runner:3",
        "launchType": "FARGATE",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1"]}},
        "overrides": {
            "containerOverrides": [
                {
                    "name": "runner",
                    "command": ["ansible-playbook", "dr.aws.failback", "-e", f"execution_id={EXECUTION['execution_id']}"],
                }
            ]
        },
        "startedBy": RUN,
        "clientToken": RUN,
    }
    task = Task(ecs, "dr/runner:3/runner", ("subnet-1", "subnet-2"), ("sg-1",))
    with Stubber(ecs) as stub:
        stub.add_response("run_task", {"tasks": [{"taskArn": TASK}], "failures": []}, wanted)
        stub.add_response("run_task", {"tasks": [], "failures": [{"reason": "RESOURCE:MEMORY", "arn": "arn:x"}]}, wanted)
        assert task.start(EXECUTION, "ticket-4711") == TASK
        with pytest.raises(DrError, match="RESOURCE:MEMORY"):
            task.start(EXECUTION, "ticket-4711")


def test_the_environment_names_the_starter() -> None:
    accounts = Accounts((), "us-west-2", "test")
    made = {
        way: type(starter({"DR_STARTER": way, "DR_STARTER_SUBNETS": "subnet-1"}, accounts)) for way in ("none", f"states:{MACHINE}")
    }
    assert list(made.values()) == [Nothing, StateMachine]
    assert isinstance(starter({}, accounts), Nothing)
    assert Nothing().start(EXECUTION, "ticket-4711") == ""
    ecs = starter({"DR_STARTER": "ecs:dr/runner/runner", "DR_STARTER_SUBNETS": "subnet-1,"}, accounts)
    assert isinstance(ecs, Task)
    assert ecs.network["awsvpcConfiguration"]["subnets"] == ["subnet-1"]


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"DR_STARTER": "lambda:x"}, "DR_STARTER"),
        ({"DR_STARTER": "states:"}, "DR_STARTER"),
        ({"DR_STARTER": "ecs:dr/runner", "DR_STARTER_SUBNETS": "subnet-1"}, "DR_STARTER"),
        ({"DR_STARTER": "ecs:dr/runner/runner"}, "DR_STARTER_SUBNETS"),
    ],
)
def test_a_starter_that_cannot_be_named_is_refused(settings: dict[str, str], field: str) -> None:
    with pytest.raises(InputError) as caught:
        starter(settings, Accounts((), "us-west-2", "test"))
    assert caught.value.field == field
