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
from playbook import BIN, BUCKET, CONTROL, EAST, MANAGEMENT, ROLE, ROOT, SCOPE, TABLE, TICK_SECONDS, WEST, Operator

from ansible_collections.dr.aws.plugins.module_utils import relay
from ansible_collections.dr.aws.plugins.module_utils.api.answers import Call
from ansible_collections.dr.aws.plugins.module_utils.api.executions import Executions
from ansible_collections.dr.aws.plugins.module_utils.api.starters import StateMachine
from ansible_collections.dr.aws.plugins.module_utils.events import Notifier
from ansible_collections.dr.aws.plugins.module_utils.store import Store
from ansible_collections.dr.aws.plugins.module_utils.waking import wake
from sandbox.programs import Program, Running

DEFINITION = ROOT / "extensions/step_functions/dr-aws.asl.json"
ACCOUNTS = {"200000000001": "shop-7f3a", "200000000002": "billing-c0de", "200000000003": "stock-51de"}
SHOP, BILLING, STOCK = ACCOUNTS
#: (account, name, wave, tasks while it serves)
SERVICES = ((SHOP, "shop", 1, 3), (BILLING, "billing", 1, 2), (STOCK, "stock", 1, 4), (SHOP, "search", 2, 1))
SERVING = {name: tasks for _account, name, _wave, tasks in SERVICES}
#: Real seconds in which what is waited for happens, even on a machine that is busy.
PATIENCE = 200


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


class Machine:
    """The control account, as whoever asks for executions and decides about them sees it."""

    def __init__(self, sandbox: Any, operator: Operator, folder: Path) -> None:
        self.sandbox, self.folder = sandbox, folder
        sandbox.load(world())
        sandbox.clock.tick = TICK_SECONDS
        accounts = [{"id": one, "role_arn": ROLE.format(one), "external_id": external} for one, external in ACCOUNTS.items()]
        inventory = operator.written("three", accounts=accounts)
        variables = operator.home / "group_vars"
        variables.mkdir()
        (variables / "all.yml").write_text("phases: activate\n")  # less to wait for
        env = {**operator.env, "ANSIBLE_INVENTORY": inventory, "PATH": f"{BIN}:{operator.env['PATH']}"}
        sandbox.gateway.programs["runner"] = Program(env, operator.home, folder)
        operator.run("readiness", inventory=inventory, **SCOPE).ok()
        self.store = Store(sandbox.client("dynamodb"), sandbox.client("s3"), TABLE, BUCKET)
        self.states = sandbox.client("stepfunctions")
        self.arn = self._made(sandbox.client("ecs"))
        self.api = Executions(
            self.store,
            Notifier(None, None),
            StateMachine(self.states, self.arn),
            [EAST, WEST],
            lambda name, who: wake(self.store, lambda: self.states, name, who),
        )

    def _made(self, ecs: Any) -> str:
        cluster = ecs.create_cluster(clusterName="dr")["cluster"]["clusterArn"]
        runner = ecs.register_task_definition(
            family="runner",
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="1024",
            memory="2048",
            containerDefinitions=[{"name": "runner", "image": "dr-aws-ee:0.1.0"}],
        )["taskDefinition"]["taskDefinitionArn"]
        values = {"ClusterArn": cluster, "TaskDefinitionArn": runner, "ContainerName": "runner", "TableName": TABLE}
        values |= {"Subnets": "subnet-1,subnet-2", "SecurityGroups": "sg-1", "AssignPublicIp": "DISABLED", "ShardSize": "2"}
        text = re.sub(r"\$\{(\w+)\}", lambda found: values[found[1]], DEFINITION.read_text(encoding="utf-8"))
        role = f"arn:aws:iam::{MANAGEMENT}:role/states"
        return str(self.states.create_state_machine(name="dr-aws", definition=text, roleArn=role)["stateMachineArn"])

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


@pytest.fixture
def machine(sandbox: Any, operator: Operator, tmp_path: Path) -> Iterator[Machine]:
    logs = tmp_path / "logs"
    logs.mkdir()
    made = Machine(sandbox, operator, logs)
    try:
        yield made
    finally:
        made.stop()


def test_three_accounts_fail_over_by_the_state_machine_which_is_killed_and_redriven(sandbox: Any, machine: Machine) -> None:
    regions = {"primaryRegion": SCOPE["primary_region"], "drRegion": SCOPE["dr_region"]}
    scope = {"customer": "acme", "environment": "production", **regions}
    asked = machine.ask("create", **scope, operation="failover", mode="unplanned", approvalMode="required")
    name, arn = asked["executionId"], asked["executionArn"]
    assert arn.startswith(f"arn:aws:states:{WEST}:{MANAGEMENT}:execution:dr-aws:{name}-")

    def waits() -> str:
        approvals = machine.store.status(name)["approvals"] if machine.store.get_execution(name)["status"] == "RUNNING" else []
        items = [machine.store.table.get(f"EXEC#{name}", f"APPR#{one['gate']}#{one['number']:04d}") or {} for one in approvals]
        return str(items[-1].get("wake", "")) if items else ""

    token = machine.until(waits, arn)
    machine.states.send_task_success(taskToken=token, output=json.dumps({"approved": True}))
    machine.until(lambda: waits() not in ("", token), arn)
    (approval,) = machine.store.status(name)["approvals"]
    assert (approval["state"], approval["approver"]) == ("pending", None), "whoever wakes the machine approves nothing"
    assert machine.serving(WEST) == dict.fromkeys(SERVING, 0) and len(machine.runners()) == 2

    # One of two shards hangs in a call, is killed, and with it the state machine's execution.
    hung = sandbox.fault(match={"operation": "UpdateService", "account": BILLING}, effect="blackhole", seconds=PATIENCE, times=1)
    told = [call["params"]["Message"] for call in sandbox.calls(service="sns", operation="Publish")]
    (wanted,) = {found for message in told for found in re.findall(r"-e token=(\S+) -e decision=approve", message)}
    assert machine.ask("resume", name, taskToken=wanted, approved=True)["status"] == "RUNNING"
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
