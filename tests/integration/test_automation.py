# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Executions by Systems Manager Automation: documents are installed and carried out, and what they ask is answered by the API."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from playbook import BUCKET, EAST, MANAGEMENT, ROOT, SCOPE, TABLE, WEST, Operator, estate, tasks

from ansible_collections.dr.aws.plugins.module_utils.api.automations import Automations
from ansible_collections.dr.aws.plugins.module_utils.api.executions import Executions
from ansible_collections.dr.aws.plugins.module_utils.api.handler import Api
from ansible_collections.dr.aws.plugins.module_utils.api.manifests import Manifests
from ansible_collections.dr.aws.plugins.module_utils.approvals import Approvals
from ansible_collections.dr.aws.plugins.module_utils.control_plane import Names, ensure
from ansible_collections.dr.aws.plugins.module_utils.errors import DrError, InputError
from ansible_collections.dr.aws.plugins.module_utils.events import Notifier
from ansible_collections.dr.aws.plugins.module_utils.lock import Lock
from ansible_collections.dr.aws.plugins.module_utils.store import Store
from sandbox.services.ssm_automation import LOOKS_EVERY

FUNCTION = f"arn:aws:lambda:{WEST}:{MANAGEMENT}:function:dr-aws-api"
PEOPLE = f"arn:aws:iam::{MANAGEMENT}:role/people"
APPROVAL_TOPIC = f"arn:aws:sns:{WEST}:{MANAGEMENT}:Automation-dr-aws"
PLAN = "40b84a23fa2c" * 5 + "40b8"
ASKED = {name: [value] for name, value in SCOPE.items()}


def world() -> dict[str, Any]:
    """The small estate, whose control account has people."""
    made = estate()
    made["accounts"][0]["roles"] = [{"name": "people"}]
    return made


class Desk:
    """Systems Manager in the control region, as several people see it. started: what the API had carried out."""

    def __init__(self, sandbox: Any) -> None:
        self.sandbox = sandbox
        self.started: list[str] = []
        self.errors: list[Exception] = []
        self.sns = sandbox.client("sns", WEST)
        self.ssm = sandbox.client("ssm", WEST)

    def start(self, execution: Any, _correlation_id: str) -> str:
        """As `Starter.start`: runs nothing."""
        for error in self.errors:
            raise error
        self.started.append(str(execution["execution_id"]))
        return f"arn:aws:ecs:{WEST}:{MANAGEMENT}:task/dr/{execution['execution_id']}"

    def person(self, name: str) -> Any:
        """Systems Manager as a session of the role people."""
        given = self.sandbox.client("sts", WEST).assume_role(RoleArn=PEOPLE, RoleSessionName=name)["Credentials"]
        key, secret, token = given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]
        return boto3.Session(key, secret, token).client("ssm", region_name=WEST, endpoint_url=self.sandbox.endpoint)

    def install(self, store: Store) -> None:
        """The documents as they are installed, and the function that answers them."""
        values = {"AutomationRoleArn": PEOPLE, "FunctionArn": FUNCTION, "TableName": store.table.name}
        values |= {"ApprovalTopicArn": self.sns.create_topic(Name="Automation-dr-aws")["TopicArn"], "Approvers": PEOPLE}
        for path in (ROOT / "extensions/ssm").glob("*.yml"):
            text = path.read_text(encoding="utf-8")
            for name, value in values.items():
                text = text.replace(f"${{{name}}}", value)
            self.ssm.create_document(Name=f"dr-aws-{path.stem}", Content=text, DocumentType="Automation", DocumentFormat="YAML")
        self.answers(store)

    def answers(self, store: Store, starter: Any = None) -> None:
        """The API's function on the store."""
        executions = Executions(store, Notifier(None, None), starter or self, [EAST, WEST])
        self.function = Api(executions, Manifests(store), Automations(executions, store, self.ssm)).handle
        self.sandbox.gateway.code[FUNCTION] = self.function

    def begin(self, document: str, asked: dict[str, list[str]], who: Any = None) -> str:
        """Starts an automation; its id."""
        return str((who or self.ssm).start_automation_execution(DocumentName=document, Parameters=asked)["AutomationExecutionId"])

    def look(self, ident: str) -> dict[str, Any]:
        """How an automation stands, once its function has answered and a look's time has passed."""
        self.sandbox.advance(LOOKS_EVERY)
        self.sandbox.gateway.settle()
        return dict(self.ssm.get_automation_execution(AutomationExecutionId=ident)["AutomationExecution"])

    def done(self, document: str, asked: dict[str, list[str]], who: Any = None) -> dict[str, Any]:
        """An automation that nobody must approve, when it has ended."""
        return self.look(self.begin(document, asked, who))


@pytest.fixture
def desk(sandbox: Any) -> Desk:
    sandbox.load(world())
    return Desk(sandbox)


@pytest.fixture
def store(sandbox: Any, desk: Desk) -> Store:
    """A control plane that knows the scope."""
    own = Names.default(MANAGEMENT, WEST)
    clients = [sandbox.client(service, WEST) for service in ("dynamodb", "s3", "sns")]
    ensure(*clients, own, WEST, sleep=sandbox.advance)
    made = Store(*clients[:2], own.table, own.bucket, sandbox.time, sandbox.advance)
    made.put_snapshot("acme", "production", {"resources": []})
    desk.install(made)
    return made


def steps(shown: dict[str, Any]) -> dict[str, str]:
    return {one["StepName"]: one["StepStatus"] for one in shown["StepExecutions"]}


def said(shown: dict[str, Any]) -> str:
    return str(shown["Outputs"]["answer.said"][0])


def test_a_drill_is_recorded_in_the_name_of_who_starts_the_automation(desk: Desk, store: Store) -> None:
    more = {"waves": ["1,3-4"], "approvals_needed": ["2"], "approver_must_differ": ["true"], "parallelism": ["20"]}
    shown = desk.done("dr-aws-test", {**ASKED, **more}, desk.person("ann"))
    assert (shown["AutomationExecutionStatus"], list(steps(shown))) == ("Success", ["ask", "answer", "accepted", "whether"])
    name = shown["Outputs"]["answer.execution_id"][0]
    assert shown["Outputs"]["answer.execution_arn"] == [f"arn:aws:ecs:{WEST}:{MANAGEMENT}:task/dr/{name}"]
    assert desk.started == [name]
    record = store.get_execution(name)
    assert (record["status"], record["operation"], record["asked"]["waves"]) == ("PENDING", "test", [1, 3, 4])
    said = {
        name: record["asked"].get(name) for name in ("approvals_needed", "approver_must_differ", "parallelism", "cleanup_policy")
    }
    assert said == {"approvals_needed": 2, "approver_must_differ": True, "parallelism": 20, "cleanup_policy": None}
    assert record["created_by"] == f"arn:aws:sts::{MANAGEMENT}:assumed-role/people/ann"
    assert record["correlation_id"] == shown["AutomationExecutionId"]


def test_a_failover_begins_when_a_named_approver_lets_it(desk: Desk, store: Store, aws_code: Any) -> None:
    ident = desk.begin("dr-aws-failover", {**ASKED, "mode": ["unplanned"]})
    shown = desk.look(ident)
    assert (shown["AutomationExecutionStatus"], desk.started) == ("Waiting", [])
    signal = {"AutomationExecutionId": ident, "SignalType": "Approve"}
    assert aws_code(desk.ssm.send_automation_signal, **signal) == "InvalidAutomationSignalException"
    desk.person("bob").send_automation_signal(**signal)
    shown = desk.look(ident)
    assert (shown["AutomationExecutionStatus"], len(desk.started)) == ("Success", 1)
    # What let it begin is no approval of the execution: its gates still ask.
    record = store.get_execution(desk.started[0])
    assert (record["asked"]["mode"], record["asked"]["approval_mode"]) == ("unplanned", "required")
    assert Approvals(store).of(desk.started[0]) == []


@pytest.mark.parametrize(("signal", "ends"), [("Reject", "Failed"), ("", "TimedOut")])
def test_nothing_begins_that_nobody_lets_begin(desk: Desk, store: Store, signal: str, ends: str, sandbox: Any) -> None:
    ident = desk.begin("dr-aws-failback", ASKED)
    assert desk.look(ident)["AutomationExecutionStatus"] == "Waiting"
    if signal:
        desk.person("bob").send_automation_signal(AutomationExecutionId=ident, SignalType=signal)
    else:
        sandbox.advance(1800)
    shown = desk.look(ident)
    assert (shown["AutomationExecutionStatus"], list(steps(shown)), desk.started) == (ends, ["approve"], [])
    assert store.executions(customer="acme", environment="production", limit=1) == []


def test_a_refusal_fails_the_automation_and_says_why(desk: Desk, store: Store) -> None:
    assert desk.done("dr-aws-test", ASKED)["AutomationExecutionStatus"] == "Success"
    second = desk.done("dr-aws-test", ASKED)
    assert (second["AutomationExecutionStatus"], steps(second)["accepted"]) == ("Failed", "Failed")
    assert f"waits for execution {desk.started[0]}" in said(second)
    other = desk.done("dr-aws-test", {**ASKED, "customer": ["nobody"]})
    assert (other["AutomationExecutionStatus"], "nobody" in said(other)) == ("Failed", True)
    early = desk.done("dr-aws-approve", {"execution_id": desk.started, "token": ["wrong"], "decision": ["approve"]})
    assert (early["AutomationExecutionStatus"], "the token is not one of execution" in said(early)) == ("Failed", True)
    assert len(desk.started) == 1


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"environment": ["prod"]}, "environment=prod is not one of"),
        ({"primary_region": ["us-east-1; rm -rf"]}, "does not match"),
        ({"waves": ["all"]}, "waves=all does not match"),
        ({"color": ["red"]}, "color is not specified"),
        ({"customer": []}, "customer has 0 values"),
    ],
)
def test_parameters_are_refused_before_anything_begins(desk: Desk, store: Store, asked: Any, why: str) -> None:
    with pytest.raises(ClientError, match="InvalidAutomationExecutionParametersException") as caught:
        desk.begin("dr-aws-test", {**ASKED, **asked})
    assert why in str(caught.value)


def test_an_automation_is_answered_once(desk: Desk, store: Store) -> None:
    shown = desk.done("dr-aws-test", ASKED)
    again = desk.function({"automation": shown["AutomationExecutionId"]})
    assert (again["execution_id"], len(desk.started)) == (desk.started[0], 1)
    store.table.write((), [(f"AUTOMATION#{shown['AutomationExecutionId']}", "ANSWER")])  # it died before it had answered
    again = desk.function({"automation": shown["AutomationExecutionId"]})
    assert (again["outcome"], again["execution_id"], len(desk.started)) == ("accepted", desk.started[0], 1)


def test_who_is_nobody_and_what_is_no_automation_of_ours_is_not_answered(desk: Desk, store: Store, monkeypatch: Any) -> None:
    with pytest.raises(InputError, match="automation="):
        desk.function({"automation": "4711"})
    shown = desk.done("dr-aws-test", ASKED)
    ident = "00000000-0000-0000-0000-000000000001"
    for change, why in (
        ({"DocumentName": "theirs"}, "of document theirs"),
        ({"Mode": "Interactive"}, "runs as Interactive"),
        ({"ExecutedBy": ""}, "started by nobody"),
    ):
        answer = {"AutomationExecution": {**shown, **change}}
        monkeypatch.setattr(desk.ssm, "get_automation_execution", lambda answer=answer, **_asked: answer)
        ident = f"{ident[:-1]}{int(ident[-1]) + 1}"
        refused = desk.function({"automation": ident})
        assert (refused["outcome"], why in refused["said"]) == ("refused", True)
    assert len(desk.started) == 1


def test_a_control_plane_that_does_not_answer_is_asked_again(desk: Desk, store: Store, sandbox: Any) -> None:
    ident = desk.begin("dr-aws-test", ASKED)
    sandbox.fault(match={"service": "dynamodb"}, effect="error", code="InternalServerError", message="broken", status=500)
    shown = desk.look(ident)
    assert (shown["AutomationExecutionStatus"], steps(shown)) == ("Failed", {"ask": "Failed"})
    sandbox.clear_faults()
    assert desk.done("dr-aws-test", ASKED)["AutomationExecutionStatus"] == "Success"


def test_a_run_that_cannot_be_started_is_not_asked_for_again(desk: Desk, store: Store) -> None:
    desk.errors = [DrError("the cluster is gone", "make it")]
    shown = desk.done("dr-aws-test", ASKED)
    assert (shown["AutomationExecutionStatus"], "the cluster is gone" in said(shown)) == ("Failed", True)
    (record,) = store.executions(customer="acme", environment="production", limit=5)
    assert record["status"] == "FAILED"


def test_status_and_approval_of_a_paused_execution(desk: Desk, store: Store) -> None:
    about = {"customer": "acme", "environment": "production", "operation": "failover", "mode": "planned", "created_by": PEOPLE}
    record = store.create_execution({**about, "primary_region": EAST, "dr_region": WEST, "plan_sha256": PLAN})
    name = str(record["execution_id"])
    store.update_execution(name, status="RUNNING", current_phase="activate", current_wave=2)
    ann = desk.person("ann")
    requester = f"arn:aws:sts::{MANAGEMENT}:assumed-role/people/ann"
    asked = Approvals(store).request(name, "activate-2", PLAN, requester=requester, separate_approver=True)
    Lock(store).acquire("acme", "production", owner=name, runner="elsewhere:1:100")

    shown = desk.done("dr-aws-status", {"execution_id": [name]})
    found = {one.partition(".")[2]: values[0] for one, values in shown["Outputs"].items()}
    assert (found["status"], found["phase"], found["wave"]) == ("RUNNING", "ACTIVATE", "2")

    decided = {"execution_id": [name], "token": [asked.token], "decision": ["approve"]}
    own = desk.done("dr-aws-approve", decided, ann)
    assert (own["AutomationExecutionStatus"], "asked for this approval and may not give it" in said(own)) == ("Failed", True)
    unseen = desk.done("dr-aws-approve", {**decided, "plan_sha256": ["0" * 64]}, desk.person("bob"))
    assert (unseen["AutomationExecutionStatus"], f"is for plan {PLAN[:12]}, not for plan 000" in said(unseen)) == ("Failed", True)
    seen = {**decided, "plan_sha256": [PLAN], "comment": ["seen by the network team"]}
    other = desk.done("dr-aws-approve", seen, desk.person("bob"))
    assert other["AutomationExecutionStatus"] == "Success", other
    (approval,) = Approvals(store).of(name)
    assert approval["approvals"][0]["comment"] == "seen by the network team"
    assert (approval["state"], approval["approver"]) == ("approved", f"arn:aws:sts::{MANAGEMENT}:assumed-role/people/bob")
    used = desk.done("dr-aws-approve", decided, desk.person("bob"))
    assert (used["AutomationExecutionStatus"], "is approved already" in said(used)) == ("Failed", True)


@pytest.mark.parametrize(("ends", "shows"), [("COMPLETED", "Success"), ("PAUSED", "Failed"), ("FAILED", "Failed")])
def test_a_document_that_waits_ends_as_the_execution_does(desk: Desk, store: Store, ends: str, shows: str) -> None:
    ident = desk.begin("dr-aws-test", {**ASKED, "wait": ["yes"]})
    assert desk.look(ident)["CurrentStepName"] == "ended"
    store.update_execution(desk.started[0], status="RUNNING")
    assert desk.look(ident)["AutomationExecutionStatus"] == "InProgress"
    store.update_execution(desk.started[0], status=ends)
    shown = desk.look(ident)
    assert (shown["AutomationExecutionStatus"], steps(shown)["ended"]) == (shows, "Success")


class Runner:
    """In the place of ECS: the run that the API asks for is a process here."""

    def __init__(self, operator: Operator) -> None:
        self.operator = operator

    def start(self, execution: Any, _correlation_id: str) -> str:
        """As `Starter.start`."""
        self.operator.start(str(execution["operation"]), execution_id=str(execution["execution_id"]))
        return f"arn:aws:ecs:{WEST}:{MANAGEMENT}:task/dr/{execution['execution_id']}"


def test_it_is_installed_once_and_a_failover_goes_from_the_button_to_the_end(operator: Operator, sandbox: Any) -> None:
    operator.load(world())
    operator.readiness()
    sandbox.inside("iam", WEST, MANAGEMENT).create_role(RoleName="dr-aws-api", AssumeRolePolicyDocument="{}")
    given = {
        "automation_approvers": [PEOPLE],
        "automation_control_region": WEST,
        "automation_function_arn": FUNCTION,
        "automation_function_role_name": "dr-aws-api",
        "automation_table": TABLE,
    }
    assert operator.run("automation", **given).ok().changed == 1
    assert operator.run("automation", **given).ok().changed == 0

    desk = Desk(sandbox)
    clients = [sandbox.client(service, WEST) for service in ("dynamodb", "s3")]
    desk.answers(Store(*clients, TABLE, BUCKET), Runner(operator))
    ann, bob = desk.person("ann"), desk.person("bob")
    ident = desk.begin("dr-aws-failover", {**ASKED, "mode": ["unplanned"], "wait": ["yes"]}, ann)
    assert desk.look(ident)["AutomationExecutionStatus"] == "Waiting"
    bob.send_automation_signal(AutomationExecutionId=ident, SignalType="Approve")
    shown = desk.look(ident)
    assert shown["CurrentStepName"] == "ended", shown

    # That it was let begin is no approval: the run asks, for the plan that it has made.
    (run,) = operator.started[-1:]
    asked = run.until(r"execution_id=(dr-\S+) -e token=(\S+)")
    decided = {"execution_id": [asked[1]], "token": [asked[2]], "decision": ["approve"]}
    assert desk.done("dr-aws-approve", decided, bob)["AutomationExecutionStatus"] == "Success"
    run.end().ok()
    ended = desk.look(ident)
    assert (ended["AutomationExecutionStatus"], ended["Outputs"]["answer.execution_id"]) == ("Success", [asked[1]])
    assert tasks(sandbox, WEST)["orders"] == 3
