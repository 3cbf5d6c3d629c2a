# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state machine is one that Step Functions takes, starts playbooks that exist, and is deployed as it is written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml
from botocore.validate import ParamValidator

from ansible_collections.dr.aws.plugins.module_utils import relay
from ansible_collections.dr.aws.plugins.module_utils.api.bodies import OPERATIONS
from ansible_collections.dr.aws.plugins.module_utils.api.starters import StateMachine
from ansible_collections.dr.aws.plugins.module_utils.lock import LEASE_SECONDS
from ansible_collections.dr.aws.plugins.module_utils.waking import REJECTED

ROOT = Path(__file__).resolve().parents[2]
SOURCE = (ROOT / "extensions/step_functions/dr-aws.asl.json").read_text(encoding="utf-8")
DEFINITION: dict[str, Any] = json.loads(SOURCE)
TEMPLATE = yaml.safe_load((ROOT / "roles/state_machine/files/state_machine.cfn.yml").read_text(encoding="utf-8"))
MACHINE = TEMPLATE["Resources"]["Machine"]["Properties"]
SPECS = yaml.safe_load((ROOT / "roles/state_machine/meta/argument_specs.yml").read_text(encoding="utf-8"))
OPTIONS = SPECS["argument_specs"]["main"]["options"]
TASKS = (ROOT / "roles/state_machine/tasks/main.yml").read_text(encoding="utf-8")
#: What a state of Amazon States Language may say, for the types that are used here (states-language.net).
FIELDS = {
    "Task": {"Resource", "Parameters", "ResultPath", "TimeoutSeconds", "Retry", "Catch"},
    "Choice": {"Choices", "Default"},
    "Map": {"ItemsPath", "ItemSelector", "MaxConcurrency", "ItemProcessor", "ResultPath"},
    "Succeed": set(),
}
#: Seconds that a task on Fargate may take to end and the next one to begin, until that has joined.
CHANGE_SECONDS = 300


def machines(definition: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """It, and what its Maps run."""
    yield definition
    for state in definition["States"].values():
        if "ItemProcessor" in state:
            yield from machines(state["ItemProcessor"])


STATES = {name: state for one in machines(DEFINITION) for name, state in one["States"].items()}
RUNNERS = {name: state for name, state in STATES.items() if "ecs:runTask" in state.get("Resource", "")}


def following(state: dict[str, Any]) -> set[str]:
    """Names of the states that may come next."""
    ways = [state, *state.get("Choices", ()), *state.get("Catch", ())]
    return {one["Next"] for one in ways if "Next" in one} | ({state["Default"]} if "Default" in state else set())


def command(state: dict[str, Any], **given: str) -> list[str]:
    """The words that a runner is started with. given: what stands in the input, by path."""
    (container,) = state["Parameters"]["Overrides"]["ContainerOverrides"]
    words = []
    pieces = re.findall(r"States\.Format\('([^']*)', ([^)]*)\)|'([^']*)'", container["Command.$"].removeprefix("States.Array("))
    for text, paths, plain in pieces:
        words.append(text.format(*(given[path] for path in paths.split(", "))) if text else plain)
    return words


GIVEN = {"$.operation": "failover", "$.execution_id": "dr-1", "$.shard": "3", "$$.Execution.Id": "arn:one"}
GIVEN["$$.Execution.RedriveCount"] = "2"


def test_the_file_is_what_the_tool_writes() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "tools")
        template = import_module("state_machine_template")
        assert template.TARGET.read_text(encoding="utf-8") == template.render(), "run tools/state_machine_template.py"
    assert MACHINE["DefinitionString"] == SOURCE


def test_what_is_to_be_completed_is_a_parameter_and_given() -> None:
    wanted = set(re.findall(r"\$\{(\w+)\}", SOURCE))
    assert wanted == set(MACHINE["DefinitionSubstitutions"])
    assert wanted <= set(TEMPLATE["Parameters"])
    for name, value in MACHINE["DefinitionSubstitutions"].items():
        assert value in ({"Ref": name}, {"Fn::Join": [",", {"Ref": name}]})


def test_the_role_gives_each_parameter_and_takes_each_option() -> None:
    assert set(re.findall(r"^      (\w+): ", TASKS, re.MULTILINE)) == set(TEMPLATE["Parameters"])
    assert set(re.findall(r"state_machine_\w+(?= [|}])", TASKS)) == set(OPTIONS)
    defaults = yaml.safe_load((ROOT / "roles/state_machine/defaults/main.yml").read_text(encoding="utf-8"))
    assert defaults == {name: one["default"] for name, one in OPTIONS.items() if "default" in one}
    assert all("default" in one or one["required"] for one in OPTIONS.values())


@pytest.mark.parametrize("machine", list(machines(DEFINITION)), ids=lambda one: one["StartAt"])
def test_every_state_is_reached_and_leads_on_or_ends(machine: dict[str, Any]) -> None:
    reached, ahead = set(), {machine["StartAt"]}
    while ahead:
        name = ahead.pop()
        reached.add(name)
        ahead |= following(machine["States"][name]) - reached
    assert reached == set(machine["States"])
    for name, state in machine["States"].items():
        assert set(state) - {"Type", "Comment", "Next", "End"} <= FIELDS[state["Type"]], name
        ends = state["Type"] in ("Choice", "Succeed") or state.get("End")
        assert bool(ends) != ("Next" in state), name


def test_no_task_is_waited_for_without_an_end() -> None:
    assert DEFINITION["TimeoutSeconds"] <= 14 * 86_400
    for name, state in STATES.items():
        assert state["Type"] != "Task" or 0 < state["TimeoutSeconds"] <= DEFINITION["TimeoutSeconds"], name
        assert all(one["MaxAttempts"] <= 6 and one["MaxDelaySeconds"] <= 60 for one in state.get("Retry", ())), name


def test_what_has_run_is_not_run_again_by_itself() -> None:
    """Only a RunTask that started nothing is repeated: what is an error of ECS, never one of the task or of its time."""
    assert set(RUNNERS) == {"Run", "Shard"}
    for state in RUNNERS.values():
        errors = [error for one in state["Retry"] for error in one["ErrorEquals"]]
        assert all(re.fullmatch(r"(Amazon)?ECS\.\w+", error) for error in errors), errors
        assert "Catch" not in state and state["Resource"].endswith(".sync")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_runners_are_given_playbooks_and_variables_that_exist(operation: str) -> None:
    words = {name: command(state, **{**GIVEN, "$.operation": operation}) for name, state in RUNNERS.items()}
    driven = ["-e", "execution_id=dr-1", "-e", "driver=arn:one#2"]
    assert words["Run"] == ["ansible-playbook", f"dr.aws.{operation}", *driven, "-e", "shard_size=${ShardSize}"]
    assert words["Shard"] == ["ansible-playbook", "dr.aws.shard", *driven, "-e", "shard=3"]
    assert relay.driver("arn:one#2") == "arn:one#2"
    for one in words.values():
        playbook = (ROOT / f"playbooks/{one[1].removeprefix('dr.aws.')}.yml").read_text(encoding="utf-8")
        given = {word.partition("=")[0] for word in one if "=" in word}
        taken = {name for name in given if re.search(rf"{{{{ {name} [|}}]", playbook)}
        assert given - taken <= ({"driver", "shard_size"} if operation == "test" else set()), "a drill is one turn"


def test_its_input_is_what_the_api_gives() -> None:
    told: dict[str, Any] = {}

    class States:
        """Takes what is started."""

        @staticmethod
        def start_execution(**asked: Any) -> dict[str, str]:
            """As botocore's."""
            told.update(json.loads(asked["input"]))
            return {"executionArn": "arn:one"}

    StateMachine(States(), "arn").start({"execution_id": "dr-1", "operation": "failover", "ver": 1}, "c-1")
    own = {"relay", "shard"}
    assert set(re.findall(r"(?<!\$)\$\.(\w+)", SOURCE)) - own <= set(told)


def test_what_comes_next_is_what_the_runners_leave() -> None:
    steps = {one["StringEquals"]: one["Next"] for one in STATES["Next"]["Choices"] if "StringEquals" in one}
    assert steps == {relay.SHARDS: "Shards", relay.APPROVAL: "Approval"}
    assert STATES["Next"]["Default"] == "Done"
    assert STATES["Shards"]["MaxConcurrency"] == relay.MAX_SHARDS
    assert STATES["Shards"]["ItemsPath"] == "$.relay.Item.shards.L"


def test_a_wait_ends_before_the_lock_does() -> None:
    """Whatever is decided: the turn after it finds the lock still kept for it."""
    assert STATES["Approval"]["TimeoutSeconds"] + CHANGE_SECONDS <= relay.HANDOVER_SECONDS + LEASE_SECONDS
    retries = [one for state in RUNNERS.values() for one in state["Retry"]]
    assert all(one["MaxAttempts"] * one["MaxDelaySeconds"] <= CHANGE_SECONDS for one in retries)


def test_whatever_ends_a_wait_a_runner_reads_what_was_decided() -> None:
    approval = STATES["Approval"]
    assert following(approval) == {"Run"}
    (caught,) = approval["Catch"]
    assert {REJECTED, "States.Timeout"} <= set(caught["ErrorEquals"])
    assert "States.ALL" not in caught["ErrorEquals"], "what is no decision fails the execution, and shows"
    assert all(state["ResultPath"] is None for name, state in STATES.items() if state["Type"] in ("Map", "Task") and name != "Look")


def test_calls_are_ones_of_the_services() -> None:
    session = botocore.session.get_session()
    for state in (STATES["Look"], STATES["Approval"]):
        operation = state["Resource"].rpartition(":")[2].partition(".")[0]
        shape = session.get_service_model("dynamodb").operation_model(operation[0].upper() + operation[1:]).input_shape
        asked = json.loads(re.sub(r'"(\w+)\.\$"', r'"\1"', json.dumps(state["Parameters"])))
        report = ParamValidator().validate(asked, shape)
        assert not report.has_errors(), report.generate_report()
    shape = session.get_service_model("ecs").operation_model("RunTask").input_shape
    for state in RUNNERS.values():
        assert {name[0].lower() + name[1:] for name in state["Parameters"]} <= set(shape.members)


def test_tokens_stay_out_of_the_log() -> None:
    assert MACHINE["LoggingConfiguration"]["IncludeExecutionData"] is False
