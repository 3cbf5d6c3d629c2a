# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A failover of three accounts driven by the state machine: runners are real processes, started as tasks of ECS."""

from __future__ import annotations

import json
import re
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from permitted import action, allowed
from playbook import BIN, BUCKET, CONTROL, EAST, MANAGEMENT, ROLE, SCOPE, TABLE, TICK_SECONDS, WEST, Operator, unfolded

from ansible_collections.dr.aws.plugins.module_utils import relay
from ansible_collections.dr.aws.plugins.module_utils.api.answers import Call
from ansible_collections.dr.aws.plugins.module_utils.api.executions import Executions
from ansible_collections.dr.aws.plugins.module_utils.api.starters import StateMachine
from ansible_collections.dr.aws.plugins.module_utils.events import Notifier
from ansible_collections.dr.aws.plugins.module_utils.store import Store
from ansible_collections.dr.aws.plugins.module_utils.waking import wake
from sandbox import states
from sandbox.programs import Program, Running

#: Of the machine's role, what its own calls do not need: statement or action -> what does.
ACCEPTED = {
    "ecs:StopTask": "an execution that is stopped stops its tasks",
    "Ends": "the rule by which Step Functions hears of the end of a task",
    "Log": "the delivery of its log, which Step Functions sets up",
    "Trace": "what Step Functions sends to X-Ray",
}
ACCOUNTS = {"200000000001": "shop-7f3a", "200000000002": "billing-c0de", "200000000003": "stock-51de"}
SHOP, BILLING, STOCK = ACCOUNTS
#: (account, name, wave, tasks while it serves)
SERVICES = ((SHOP, "shop", 1, 3), (BILLING, "billing", 1, 2), (STOCK, "stock", 1, 4), (SHOP, "search", 2, 1))
SERVING = {name: tasks for _account, name, _wave, tasks in SERVICES}
#: Real seconds in which what is waited for happens, even on a machine that is busy.
PATIENCE = 600
pytestmark = pytest.mark.timeout(1800)


def world() -> dict[str, Any]:
    """Three accounts, two waves."""
    resources = [
        {
            "kind": "ecs_service",
            "account": account,
            "region": EAST,
            "name": name,
            "cluster": "apps",
            "desired": tasks,
            "image": f"{account}.dkr.ecr.{EAST}.amazonaws.com/acme/{name}:1",
            "peer": {"region": WEST, "cluster": "apps", "desired": 0},
            "tags": {"dr:wave": str(wave), "dr:priority": "high"},
        }
        for account, name, wave, tasks in SERVICES
    ]
    return {
        "name": "three",
        "control_region": WEST,
        "regions": [EAST, WEST],
        "tags": {"dr:enabled": "true", "Customer": "acme", "Environment": "production"},
        "accounts": [
            {"id": MANAGEMENT, "name": "management", "management": True},
            *(
                {"id": account, "name": f"acme-{account[-1]}", "roles": [{"name": "dr-automation", "external_id": external}]}
                for account, external in ACCOUNTS.items()
            ),
        ],
        "resources": resources,
    }


#: Of the API's function, and of operators: as well.
UNUSED = {"states:SendTaskFailure": "a rejection", "states:StopExecution": "a state machine that is to end"}


class Watched:
    """A client of the state machine's own, whose calls are kept."""

    def __init__(self, client: Any, kept: list[tuple[str, str, dict[str, Any]]]) -> None:
        self.client, self.kept = client, kept

    def __getattr__(self, name: str) -> Any:
        found, operation = getattr(self.client, name), self.client.meta.method_to_api_mapping.get(name)

        def call(**params: Any) -> Any:
            self.kept.append((self.client.meta.service_model.service_name, operation, params))
            return found(**params)

        return call if operation else found


def installed(sandbox: Any, operator: Operator, **changes: Any) -> dict[str, Any]:
    """The variables of state_machine.yml, for a cluster, a runner and the API's function that are there."""
    ecs, iam = sandbox.client("ecs"), sandbox.inside("iam", WEST, MANAGEMENT)
    roles = [
        iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"] for name in ("runner", "starts", "dr-aws-api")
    ]
    cluster = ecs.create_cluster(clusterName="dr")["cluster"]["clusterArn"]
    runner = ecs.register_task_definition(
        family="runner",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="1024",
        memory="2048",
        taskRoleArn=roles[0],
        executionRoleArn=roles[1],
        containerDefinitions=[{"name": "runner", "image": "dr-aws-ee:0.1.0"}],
    )["taskDefinition"]["taskDefinitionArn"]
    return {
        "state_machine_cluster_arn": cluster,
        "state_machine_control_region": WEST,
        "state_machine_function_role_name": "dr-aws-api",
        "state_machine_passable_role_arns": roles[:2],
        "state_machine_security_groups": ["sg-1"],
        "state_machine_shard_size": 2,
        "state_machine_subnets": ["subnet-1", "subnet-2"],
        "state_machine_table": TABLE,
        "state_machine_task_definition_arn": runner,
    }


class Machine:
    """The control account, as whoever asks for executions and decides about them sees it. called: what the machine itself calls."""

    def __init__(self, sandbox: Any, operator: Operator, folder: Path) -> None:
        self.sandbox, self.operator, self.folder = sandbox, operator, folder
        self.called: list[tuple[str, str, dict[str, Any]]] = []
        sandbox.load(world())
        sandbox.clock.tick = TICK_SECONDS
        accounts = [{"id": one, "role_arn": ROLE.format(one), "external_id": external} for one, external in ACCOUNTS.items()]
        self.inventory = operator.written("three", accounts=accounts)
        (operator.home / "group_vars").mkdir()
        self.vary(phases="activate")  # less to wait for
        env = {**operator.env, "ANSIBLE_INVENTORY": self.inventory, "PATH": f"{BIN}:{operator.env['PATH']}"}
        sandbox.gateway.programs["runner"] = Program(env, operator.home, folder)
        operator.run("readiness", inventory=self.inventory, **SCOPE).ok()
        self.given = installed(sandbox, operator)
        operator.run("state_machine", inventory=self.inventory, **self.given).ok()
        self.store = Store(sandbox.client("dynamodb"), sandbox.client("s3"), TABLE, BUCKET)
        self.states = sandbox.client("stepfunctions")
        self.arn = f"arn:aws:states:{WEST}:{MANAGEMENT}:stateMachine:dr-aws"
        self.api = Executions(
            self.store,
            Notifier(None, None),
            StateMachine(self.states, self.arn),
            [EAST, WEST],
            lambda name, who: wake(self.store, lambda: self.states, name, who),
        )

    def vary(self, **variables: Any) -> None:
        """What the runners take beside what they are started with."""
        (self.operator.home / "group_vars/all.yml").write_text(json.dumps(variables))

    def ask(self, verb: str, name: str = "", **body: Any) -> dict[str, Any]:
        """The API's answer to somebody."""
        who = f"arn:aws:iam::{MANAGEMENT}:user/ann"
        return dict(getattr(self.api, verb)(Call(who, MANAGEMENT, "c-1", name, json.dumps(body))).body)

    def until(self, what: Callable[[], Any], arn: str = "") -> Any:
        """What it gives, once it gives something; fails, with what the runners printed, when it does not.

        arn: of a state machine's execution that must be running until then.
        """
        pause = threading.Event()
        for _turn in range(PATIENCE * 10):
            if found := what():
                return found
            assert not arn or self.stands(arn) == "RUNNING", (
                self.states.describe_execution(executionArn=arn)["cause"] + self.printed()
            )
            pause.wait(0.1)
        raise AssertionError(self.printed())

    def printed(self) -> str:
        """What all runners have printed."""
        return "\n".join(
            f"--- {log.name}\n{log.read_text()}" for log in sorted(self.folder.iterdir(), key=lambda one: one.stat().st_ctime)
        )

    def stands(self, arn: str) -> str:
        """How the state machine's execution stands."""
        return str(self.states.describe_execution(executionArn=arn)["status"])

    def ended(self, arn: str, wanted: str) -> None:
        """Waits for its end, which must be this one."""
        assert self.until(lambda: self.stands(arn) != "RUNNING" and self.stands(arn)) == wanted, self.printed()

    def runners(self) -> list[Running]:
        """All that were started, in order."""
        return list(self.sandbox.gateway.context("ecs", MANAGEMENT, WEST).store.get("programs", {}).values())

    def running(self) -> list[Running]:
        """Those that have not ended."""
        return [one for one in self.runners() if one.ended() is None]

    def serving(self, region: str) -> dict[str, int]:
        """Service -> tasks that run in a region."""
        found = {}
        for account, name, _wave, _tasks in SERVICES:
            (service,) = self.sandbox.inside("ecs", region, account).describe_services(cluster="apps", services=[name])["services"]
            found[name] = service["runningCount"]
        return found

    def stop(self) -> None:
        """Ends what still runs."""
        for one in self.runners():
            one.signal(signal.SIGKILL)

    def begun(self, **more: Any) -> tuple[str, str]:
        """An unplanned failover that somebody asks for: its id, and the ARN of the state machine's execution."""
        regions = {"primaryRegion": SCOPE["primary_region"], "drRegion": SCOPE["dr_region"]}
        scope = {"customer": "acme", "environment": "production", **regions}
        asked = self.ask("create", **scope, operation="failover", mode="unplanned", **more)
        return asked["executionId"], asked["executionArn"]

    def waits(self, name: str) -> str:
        """The task token of the state machine that waits for a decision about an execution; "" when none does."""
        items = [one for one in self.store.table.query(f"EXEC#{name}", "APPR#") if one["state"] == "pending"]
        return str(items[-1].get("wake", "")) if items else ""

    def told(self) -> str:
        """The token of the approval that people were asked for last."""
        messages = [call["params"]["Message"] for call in self.sandbox.calls(service="sns", operation="Publish")]
        return str([found for one in messages for found in re.findall(r"-e token=(\S+) -e decision=approve", one)][-1])

    def policies(self, role: str) -> list[dict[str, Any]]:
        """A role's own, and those that are attached to it."""
        iam = self.sandbox.inside("iam", WEST, MANAGEMENT)
        found = [
            iam.get_role_policy(RoleName=role, PolicyName=one)["PolicyDocument"]
            for one in iam.list_role_policies(RoleName=role)["PolicyNames"]
        ]
        for one in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
            version = iam.get_policy(PolicyArn=one["PolicyArn"])["Policy"]["DefaultVersionId"]
            found.append(iam.get_policy_version(PolicyArn=one["PolicyArn"], VersionId=version)["PolicyVersion"]["Document"])
        read = [yaml.safe_load(one) if isinstance(one, str) else one for one in found]  # moto writes it as Python does
        return [{"Statement": [part for part in one["Statement"] if isinstance(part, dict)]} for one in read]

    def needs(self) -> Iterator[tuple[str, str, dict[str, str]]]:
        """What IAM checks for the machine's own calls: action, resource, context."""
        passed = {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
        for service, operation, params in self.called:
            wanted = action(service, operation)
            if service == "dynamodb":
                table = f"arn:aws:dynamodb:{WEST}:{MANAGEMENT}:table/{params['TableName']}"
                yield wanted, table, {"dynamodb:LeadingKeys": params["Key"]["PK"]["S"]}
            elif operation == "RunTask":
                yield wanted, params["taskDefinition"], {"ecs:cluster": params["cluster"]}
                for role in self.given["state_machine_passable_role_arns"]:
                    yield "iam:PassRole", role, passed
            else:
                for task in params.get("tasks", [params.get("task")]):
                    yield wanted, task, {}


@pytest.fixture
def machine(sandbox: Any, operator: Operator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    logs = tmp_path / "logs"
    logs.mkdir()
    enter = states.enter
    made = Machine(sandbox, operator, logs)

    def watched(client: states.Client, redrives: dict[str, int]) -> None:
        enter(lambda service, region: Watched(client(service, region), made.called), redrives)

    monkeypatch.setattr(states, "enter", watched)
    try:
        yield made
    finally:
        made.stop()


def test_three_accounts_fail_over_by_the_state_machine_which_is_killed_and_redriven(sandbox: Any, machine: Machine) -> None:
    name, arn = machine.begun(approvalMode="required")
    assert arn.startswith(f"arn:aws:states:{WEST}:{MANAGEMENT}:execution:dr-aws:{name}-")

    def waits() -> str:
        return machine.waits(name)

    token = machine.until(waits, arn)
    machine.states.send_task_success(taskToken=token, output=json.dumps({"approved": True}))
    machine.until(lambda: waits() not in ("", token), arn)
    (approval,) = machine.store.status(name)["approvals"]
    assert (approval["state"], approval["approver"]) == ("pending", None), "whoever wakes the machine approves nothing"
    assert machine.serving(WEST) == dict.fromkeys(SERVING, 0) and len(machine.runners()) == 2

    # One of two shards hangs in a call, is killed, and with it the state machine's execution.
    hung = sandbox.fault(match={"operation": "UpdateService", "account": BILLING}, effect="blackhole", seconds=PATIENCE, times=1)
    assert machine.ask("resume", name, taskToken=machine.told(), approved=True)["status"] == "RUNNING"
    machine.until(
        lambda: sandbox.gateway.faults.list()[0]["hit"] and machine.serving(WEST)["shop"] and machine.serving(WEST)["stock"]
    )
    here = relay.position(machine.store, name)
    assert (here["step"], here["accounts"]) == ("shards", [[SHOP, STOCK], [BILLING]])
    machine.until(lambda: len(machine.running()) == 1, arn)
    machine.running()[0].signal(signal.SIGKILL)
    machine.ended(arn, "FAILED")
    sandbox.gateway.faults.remove(hung)
    found = machine.store.status(name, limit=None)
    assert found["status"] == "RUNNING" and "health_checked" not in [entry["event"] for entry in found["timeline"]]
    assert machine.serving(WEST) == {"shop": 3, "billing": 0, "stock": 4, "search": 0}

    machine.states.redrive_execution(executionArn=arn)
    machine.ended(arn, "SUCCEEDED")
    assert machine.states.describe_execution(executionArn=arn)["redriveCount"] == 1
    assert machine.serving(WEST) == machine.serving(EAST) == SERVING
    found = machine.store.status(name, limit=None)
    assert (found["status"], found["counts"]) == ("COMPLETED", {"activate": {"done": 4}})
    assert machine.ask("status", name)["progressPercentage"] == 100
    events = [entry["event"] for entry in found["timeline"]]
    assert (events.count("wave_shared"), events.count("health_checked"), events.count("execution_completed")) == (1, 2, 1)
    calls = [call for call in sandbox.calls(mutating=True) if call["service"] not in CONTROL and call["outcome"] == "ok"]
    asked_of = [call["params"]["service"] for call in calls if call["operation"] == "UpdateService"]
    assert sorted(asked_of) == sorted(SERVING), "each service was asked to serve once, whoever had it"
    lock = machine.store.table.get("LOCK#acme#production", "LOCK")
    assert lock is not None and lock["fence"] == 2 and "owner" not in lock, "the second attempt took it, and gave it back"

    own = next(one for one in machine.sandbox.inside("iam", WEST, MANAGEMENT).list_roles()["Roles"] if "-Role-" in one["RoleName"])
    policies, needs = machine.policies(own["RoleName"]), list(machine.needs())
    assert [need for need in needs if not allowed(policies, *need)] == []
    used = {wanted for wanted, _resource, _context in needs}
    given = {one: part["Sid"] for policy in policies for part in policy["Statement"] for one in part["Action"]}
    assert {one if sid in ("Follow", "Next") else sid for one, sid in given.items() if one not in used} == set(ACCEPTED)

    policies = machine.policies("dr-aws-api")
    called = [(action(one["service"], one["operation"]), one["params"]) for one in sandbox.calls(service="stepfunctions")]
    assert [one for one in called if not allowed(policies, one[0], one[1].get("executionArn", machine.arn), {})] == []
    given = {one: part["Sid"] for policy in policies for part in policy["Statement"] for one in part["Action"]}
    assert set(given) - {wanted for wanted, _params in called} == set(UNUSED)


def test_it_is_installed_once_and_says_what_it_cannot_use(sandbox: Any, operator: Operator) -> None:
    operator.load(world())
    given = installed(sandbox, operator)
    operator.run("state_machine", **{**given, "state_machine_task_definition_arn": "runner"}).refused(
        "Parameter 'TaskDefinitionArn' must match pattern"
    )
    left = {name: value for name, value in given.items() if name != "state_machine_table"}
    operator.run("state_machine", **left).refused("missing required arguments: state_machine_table")
    assert operator.run("state_machine", **given).ok().changed == 1
    before = operator.mark()
    assert operator.run("state_machine", **given).ok().changed == 0
    assert sandbox.calls(mutating=True, since=before, outcome="ok") == []
    (machine,) = sandbox.client("stepfunctions").list_state_machines()["stateMachines"]
    found = sandbox.client("stepfunctions").describe_state_machine(stateMachineArn=machine["stateMachineArn"])
    assert (machine["name"], "${" in found["definition"]) == ("dr-aws", False)


def test_an_execution_that_is_cancelled_while_it_waits_ends_at_once(machine: Machine) -> None:
    name, arn = machine.begun(approvalMode="required")
    machine.until(lambda: machine.waits(name), arn)
    answer = machine.ask("cancel", name)
    assert answer["status"] == "RUNNING", "the machine carries it out, and ends it"
    machine.ended(arn, "FAILED")
    found = machine.store.status(name, limit=None)
    assert found["status"] == "CANCELLED" and len(machine.runners()) == 2
    assert machine.serving(WEST) == dict.fromkeys(SERVING, 0)
    machine.states.redrive_execution(executionArn=arn)
    machine.ended(arn, "FAILED")
    assert f"execution {name} is CANCELLED and cannot be resumed" in unfolded(machine.printed())


def test_what_failed_in_a_shard_is_carried_on_with_by_hand(sandbox: Any, machine: Machine) -> None:
    refused = {"operation": "UpdateService", "account": BILLING}
    sandbox.fault(match=refused, effect="error", code="AccessDeniedException", message="not allowed", status=400)
    name, arn = machine.begun(approvalMode="automatic")
    machine.ended(arn, "FAILED")
    found = machine.store.status(name, limit=None)
    events = [entry["event"] for entry in found["timeline"]]
    assert (found["status"], events.count("shard_ended")) == ("FAILED", 2), "it has failed a resource, and no shard"
    assert machine.serving(WEST) == {"shop": 3, "billing": 0, "stock": 4, "search": 0}
    history = machine.states.get_execution_history(executionArn=arn, maxResults=1000)["events"]
    failed = next(one["taskFailedEventDetails"] for one in history if one["type"] == "TaskFailed")
    assert failed["error"] == "States.TaskFailed" and json.loads(failed["cause"])["Containers"][0]["ExitCode"] == 2

    sandbox.clear_faults()
    machine.operator.run("failover", inventory=machine.inventory, execution_id=name).ok()
    assert machine.serving(WEST) == SERVING and machine.store.get_execution(name)["status"] == "COMPLETED"


def test_nobody_decides_in_time_and_a_redrive_asks_again(machine: Machine) -> None:
    machine.vary(phases="activate", approval_timeout_seconds=1)
    text = machine.states.describe_state_machine(stateMachineArn=machine.arn)["definition"]
    short = text.replace('"TimeoutSeconds": 600', '"TimeoutSeconds": 1')
    assert short != text
    machine.states.update_state_machine(stateMachineArn=machine.arn, definition=short)
    name, arn = machine.begun(approvalMode="required")
    machine.ended(arn, "FAILED")
    found = machine.store.status(name, limit=None)
    assert (found["status"], [one["state"] for one in found["approvals"]]) == ("PAUSED", ["timed_out"])

    machine.vary(phases="activate")
    machine.states.update_state_machine(stateMachineArn=machine.arn, definition=text)
    machine.states.redrive_execution(executionArn=arn)
    machine.until(lambda: machine.waits(name), arn)
    assert machine.ask("resume", name, taskToken=machine.told(), approved=False)["status"] == "RUNNING"
    machine.ended(arn, "FAILED")
    found = machine.store.status(name, limit=None)
    assert (found["status"], [one["state"] for one in found["approvals"]]) == ("CANCELLED", ["timed_out", "rejected"])
    assert machine.serving(WEST) == dict.fromkeys(SERVING, 0)
