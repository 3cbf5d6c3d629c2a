# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What carries out an execution that is asked for by the API: an engine of AWS that runs the playbook, or nothing.

DR_STARTER names it: `states:<ARN of a state machine>`, `ecs:<cluster>/<task definition>/<container>` with DR_STARTER_SUBNETS and
DR_STARTER_SECURITY_GROUPS, or `none`: a person, or a runner of one's own, runs the playbook with the execution's id.

Facts: StartExecution with the name and the input of an execution that is open changes nothing, and a name is not free again for
90 days (Step Functions API reference). RunTask takes a clientToken: the same one starts no second task (ECS API reference).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, Protocol

from ..accounts import Accounts
from ..errors import DrError, InputError

_WAYS: Final = "none, states:<ARN of a state machine> or ecs:<cluster>/<task definition>/<container>"


class Starter(Protocol):
    """Starts a run of an execution that is recorded."""

    def start(self, execution: Mapping[str, Any], correlation_id: str) -> str:
        """The ARN of what runs now, "" where nothing is started. Raises what AWS refuses."""


class Nothing:
    """Nothing is started: the execution stands until a runner takes it."""

    def start(self, execution: Mapping[str, Any], correlation_id: str) -> str:
        """Always ""."""
        return ""


class StateMachine:
    """Step Functions: one execution of theirs for each start of ours, of the same name. states: boto3's stepfunctions client."""

    def __init__(self, states: Any, arn: str) -> None:
        self.states, self.arn = states, arn

    def start(self, execution: Mapping[str, Any], correlation_id: str) -> str:
        """The ARN of their execution, whose input has execution_id, operation and correlation_id."""
        told = {"execution_id": execution["execution_id"], "operation": execution["operation"], "correlation_id": correlation_id}
        name = _name(execution)
        return str(self.states.start_execution(stateMachineArn=self.arn, name=name, input=json.dumps(told))["executionArn"])


class Task:
    """ECS: a task of its own on Fargate, whose container runs the playbook. ecs: boto3's client."""

    def __init__(self, ecs: Any, place: str, subnets: tuple[str, ...], security_groups: tuple[str, ...]) -> None:
        parts = place.split("/")
        if len(parts) != 3 or not all(parts):
            raise InputError("DR_STARTER", f"ecs:{place}", _WAYS, "set DR_STARTER in the environment of the function")
        if not subnets:
            allowed = "subnets of the task, with commas between them"
            raise InputError("DR_STARTER_SUBNETS", "", allowed, "set DR_STARTER_SUBNETS in the environment of the function")
        self.ecs, (self.cluster, self.definition, self.container) = ecs, parts
        self.network = {"awsvpcConfiguration": {"subnets": list(subnets), "securityGroups": list(security_groups)}}

    def start(self, execution: Mapping[str, Any], correlation_id: str) -> str:
        """The ARN of the task."""
        command = ["ansible-playbook", f"dr.aws.{execution['operation']}", "-e", f"execution_id={execution['execution_id']}"]
        own = {"name": self.container, "command": command}
        answer = self.ecs.run_task(
            cluster=self.cluster,
            taskDefinition=self.definition,
            launchType="FARGATE",
            networkConfiguration=self.network,
            overrides={"containerOverrides": [own]},
            startedBy=_name(execution),
            clientToken=_name(execution),
        )
        if not answer["tasks"]:
            why = "; ".join(f"{one.get('reason')} ({one.get('arn', '')})" for one in answer.get("failures", ()))
            raise DrError(
                f"ECS started no task in cluster {self.cluster}: {why}", f"aws ecs describe-clusters --clusters {self.cluster}"
            )
        return str(answer["tasks"][0]["taskArn"])


def _name(execution: Mapping[str, Any]) -> str:
    """Each resumption is another run, with a name of its own; asking for one twice is not."""
    return f"{execution['execution_id']}-{execution['ver']}"


def starter(settings: Mapping[str, str], accounts: Accounts) -> Starter:
    """The one that the environment names. InputError for what it cannot name."""
    kind, _colon, place = settings.get("DR_STARTER", "none").partition(":")
    if kind == "none" and not place:
        return Nothing()
    if kind == "states" and place:
        return StateMachine(accounts.control("stepfunctions"), place)
    if kind == "ecs" and place:
        lists = (settings.get(f"DR_STARTER_{name}", "") for name in ("SUBNETS", "SECURITY_GROUPS"))
        subnets, groups = (tuple(one for one in text.split(",") if one) for text in lists)
        return Task(accounts.control("ecs"), place, subnets, groups)
    raise InputError("DR_STARTER", settings["DR_STARTER"], _WAYS, "set DR_STARTER in the environment of the function")
