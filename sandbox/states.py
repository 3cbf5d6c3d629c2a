# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moto's interpreter of state machines, corrected where it is not as Step Functions: tasks reach this simulated world.

Facts: `.sync` fails a state whose task exits with another code than 0, and stops the task when the execution ends first (developer
guide, connect-ecs). `$$.Execution.RedriveCount` is 0 at first (input-output-contextobject).
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

from moto.core.config import default_user_config
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_aws_sdk,
    state_task_service_dynamodb,
    state_task_service_ecs,
)
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from .model import AwsError, operation_model

#: Gives a client of a service in a region: (service, region) -> client.
Client = Callable[[str, str], Any]
_ANSWERED = {"run_task": "RunTask", "describe_tasks": "DescribeTasks"}
#: States of executions that can be redriven.
REDRIVABLE = ("ABORTED", "FAILED", "TIMED_OUT")


class _World:
    """Where tasks go. There is one world in a process, as moto's state is the process's. redrives: of executions, by ARN."""

    client: Client
    redrives: dict[str, int]


def enter(client: Client, redrives: dict[str, int]) -> None:
    """From now on tasks call `client`."""
    _World.client, _World.redrives = staticmethod(client), redrives
    _corrected()


@functools.cache
def _corrected() -> None:
    """Corrects moto, once."""
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    for module in (state_task_service_aws_sdk, state_task_service_dynamodb, state_task_service_ecs):
        vars(module)["boto_client_for"] = lambda region, service, state_credentials=None: _World.client(service, region)
    ecs: Any = state_task_service_ecs.StateTaskServiceEcs
    worker: Any = ExecutionWorker
    ecs._normalise_parameters, ecs._normalise_response = _as_ecs, _as_states
    ecs._build_sync_resolver = _resolver(ecs._build_sync_resolver)
    ecs._eval_sync = _evaluated(ecs._eval_sync)
    worker._get_evaluation_environment = _environment(worker._get_evaluation_environment)


def _as_ecs(self: Any, parameters: Any, **_more: Any) -> None:
    """What a state gives to RunTask begins with capitals; ECS wants small letters. Moto has this, but does not use it."""
    self._to_boto_request(parameters, operation_model("ecs", "RunTask").input_shape)


def _as_states(self: Any, response: Any, service_action_name: str = "", **_more: Any) -> None:
    """And back; once, where moto says of which operation it is."""
    if service_action_name:
        self._from_boto_response(response, operation_model("ecs", _ANSWERED[service_action_name]).output_shape)


def _resolver(build: Callable[..., Any]) -> Callable[..., Any]:
    """A task that has failed fails its state. What resolves has `stop`, which stops the task."""

    def built(self: Any, env: Any, resource_runtime_part: Any, normalised_parameters: Any, state_credentials: Any) -> Any:
        task = env.stack[-1]["Tasks"][0]
        resolve = build(self, env, resource_runtime_part, normalised_parameters, state_credentials)

        def resolved() -> Any:
            found = resolve()
            if found is None:
                return None
            found = json.loads(json.dumps(found, default=_text))
            codes = [one.get("ExitCode", 1) for one in found["Containers"]]
            if any(codes):
                raise FailureEventException(_failed(self, env, found))
            return found

        def stop() -> None:
            client = _World.client("ecs", resource_runtime_part.region)
            client.stop_task(cluster=task["ClusterArn"], task=task["TaskArn"], reason="Stopped by Step Functions")

        vars(resolved)["stop"] = stop
        return resolved

    return built


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _failed(state: Any, env: Any, task: Any) -> FailureEvent:
    error = StatesErrorNameType.StatesTaskFailed
    details = TaskFailedEventDetails(
        error=error.to_name(),
        cause=json.dumps(task),
        resource=state._get_sfn_resource(),
        resourceType=state._get_sfn_resource_type(),
    )
    return FailureEvent(
        env=env,
        error_name=StatesErrorName(typ=error),
        event_type=HistoryEventType.TaskFailed,
        event_details=cast("Any", {"taskFailedEventDetails": details}),
    )


def _evaluated(evaluate: Callable[..., Any]) -> Callable[..., Any]:
    """A task whose execution, or whose branch of it, has ended is stopped."""

    def evaluated(self: Any, env: Any, sync_resolver: Any, **more: Any) -> Any:
        found = evaluate(self, env=env, sync_resolver=sync_resolver, **more)
        if found is None and not env.is_running():
            sync_resolver.stop()
        return found

    return evaluated


def _environment(make: Callable[..., Any]) -> Callable[..., Any]:
    def made(self: Any) -> Any:
        env = make(self)
        execution = env.states.context_object.context_object_data["Execution"]
        execution["RedriveCount"] = _World.redrives.get(execution["Id"], 0)
        return env

    return made


def redrive(account: str, region: str, arn: str, redrives: dict[str, int]) -> None:
    """The execution goes on with the state that had not succeeded, with what that was given, under the same ARN.

    AWS runs those iterations of an inline Map that had not succeeded; here all of them run again.
    """
    machines: Any = stepfunctions_parser_backends[account][region].state_machines
    execution = next((one for machine in machines for one in machine.executions if one.execution_arn == arn), None)
    if execution is None:
        raise AwsError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
    if execution.status not in REDRIVABLE:
        raise AwsError("ExecutionNotRedrivable", f"Execution is {execution.status} and cannot be redriven: '{arn}'")
    machine, given = execution.state_machine, execution.input_data
    whole = machine.definition
    definition = json.loads(whole)
    entered = _entered(execution, definition)
    redrives[arn] = redrives.get(arn, 0) + 1
    try:  # what runs takes both as they are when it starts
        machine.definition = json.dumps({**definition, "StartAt": entered["name"]})
        execution.input_data = json.loads(entered["input"])
        execution.exec_worker = execution.error = execution.cause = execution.stop_date = None
        execution.start()
    finally:
        machine.definition, execution.input_data = whole, given


def _entered(execution: Any, definition: Any) -> Any:
    """The state of the machine itself that was entered last: {name, input}."""
    events = [event.get("stateEnteredEventDetails") for event in execution.to_history_output()["events"]]
    return [one for one in events if one and one["name"] in definition["States"]][-1]
