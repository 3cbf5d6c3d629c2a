# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API of Appendix G: its examples, what it refuses and how, who may approve, and a run that takes up what it recorded."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator
from playbook import BUCKET, EAST, ROOT, SCOPE, TABLE, TOPIC, WEST, Operator, estate, names, pointing
from yaml import safe_load

from ansible_collections.dr.aws.plugins.module_utils.api.executions import Executions
from ansible_collections.dr.aws.plugins.module_utils.api.handler import Api, api
from ansible_collections.dr.aws.plugins.module_utils.api.manifests import Manifests
from ansible_collections.dr.aws.plugins.module_utils.api.recent import SECONDS, Recent
from ansible_collections.dr.aws.plugins.module_utils.approvals import Approvals
from ansible_collections.dr.aws.plugins.module_utils.control_plane import Names, ensure
from ansible_collections.dr.aws.plugins.module_utils.errors import InputError
from ansible_collections.dr.aws.plugins.module_utils.events import Notifier
from ansible_collections.dr.aws.plugins.module_utils.interventions import requests
from ansible_collections.dr.aws.plugins.module_utils.lock import Lock
from ansible_collections.dr.aws.plugins.module_utils.store import Store

NAMES = Names.default("100000000000", WEST)
ANN, BOB = (f"arn:aws:sts::100000000000:assumed-role/operator/{name}" for name in ("ann", "bob"))
DOCUMENT = safe_load((ROOT / "extensions/api/openapi.yml").read_text(encoding="utf-8"))
EXECUTIONS = "/api/v1/lifecycle/executions"
UNKNOWN = f"{EXECUTIONS}/dr-20261128T163000Z-7f3a9c"
#: The bodies of Appendix G, word for word.
CREATE = {
    "customer": "CustomerX",
    "environment": "production",
    "operation": "failover",
    "primaryRegion": "us-east-1",
    "drRegion": "us-west-2",
    "approvalMode": "required",
    "waves": [1, 2, 3],
}
PAUSE = {"reason": "Manual validation required", "timeout": 1800}
MANIFEST = {
    "manifestId": "manifest-prod-failover",
    "description": "Production failover manifest",
    "customer": "CustomerX",
    "environment": "production",
    "layers": [
        {
            "layer": 1,
            "resources": [
                {
                    "action": "AuroraMySQL",
                    "resourceName": "prod-db-cluster",
                    "parameters": {"sourceCluster": "prod-cluster-primary", "targetCluster": "prod-cluster-dr"},
                }
            ],
        }
    ],
}


#: What is refused: method, path, body, status, and what of the answer.
REFUSED: list[tuple[str, str, Any, int, dict[str, Any]]] = [
    ("POST", EXECUTIONS, {**CREATE, "environment": "prod"}, 400, {"field": "environment", "value": "prod"}),
    ("POST", EXECUTIONS, {**CREATE, "waves": [0]}, 400, {"field": "waves", "next": '"waves": [1, 2, 3]'}),
    ("POST", EXECUTIONS, {**CREATE, "waves": [True]}, 400, {"field": "waves"}),
    ("POST", EXECUTIONS, {**CREATE, "color": "red"}, 400, {"field": "color", "next": "leave out color"}),
    ("POST", EXECUTIONS, {"customer": "CustomerX"}, 400, {"field": "environment", "value": None}),
    ("POST", EXECUTIONS, "{", 400, {"field": "body"}),
    ("POST", EXECUTIONS, "[]", 400, {"field": "body"}),
    ("POST", EXECUTIONS, '{"customer": "\\ud800"}', 400, {"field": "body"}),
    ("POST", EXECUTIONS, '{"waves": [1e999]}', 400, {"field": "body"}),
    ("POST", EXECUTIONS, "[" * 100_000, 400, {"field": "body"}),
    ("POST", EXECUTIONS, None, 400, {"field": "body"}),
    ("POST", EXECUTIONS, {**CREATE, "drRegion": "us-east-1"}, 422, {"field": "drRegion", "next": '"drRegion": "us-west-2"'}),
    ("POST", EXECUTIONS, {**CREATE, "drRegion": "eu-west-1"}, 422, {"field": "drRegion", "value": "eu-west-1"}),
    ("POST", EXECUTIONS, {**CREATE, "customer": "nobody"}, 422, {"field": "customer", "value": "nobody"}),
    ("GET", f"{EXECUTIONS}/4711", None, 400, {"field": "executionId", "value": "4711"}),
    ("GET", UNKNOWN, None, 404, {"error": "NotFound"}),
    ("DELETE", UNKNOWN, None, 404, {"error": "NotFound"}),
    ("POST", f"{UNKNOWN}/pause", {}, 404, {"error": "NotFound"}),
    ("POST", f"{UNKNOWN}/pause", {"timeout": 61}, 400, {"field": "timeout", "value": 61}),
    ("POST", f"{UNKNOWN}/resume", {"taskToken": "x", "approved": "yes"}, 400, {"field": "approved"}),
    ("PUT", UNKNOWN, None, 405, {"next": "use GET, DELETE"}),
    ("GET", "/api/v1/nothing", None, 404, {"error": "NotFound"}),
    ("POST", "/api/v1/manifests", {**MANIFEST, "layers": []}, 422, {"error": "InvalidManifest"}),
    ("POST", "/api/v1/manifests", {**MANIFEST, "manifestId": "a" * 129}, 400, {"field": "manifestId"}),
    ("POST", "/api/v1/manifests/unknown/validate", None, 404, {"error": "NotFound"}),
    ("POST", "/api/v1/manifests/Unknown/validate", MANIFEST, 400, {"field": "manifestId", "value": "Unknown"}),
]


class Runs:
    """Starts nothing, and remembers what it was asked for. errors: the first is raised instead."""

    def __init__(self) -> None:
        self.started: list[tuple[str, str]] = []
        self.errors: list[Exception] = []

    def start(self, execution: Mapping[str, Any], correlation_id: str) -> str:
        """As `Starter.start`."""
        for error in self.errors:
            raise error
        self.started.append((execution["execution_id"], correlation_id))
        return f"arn:aws:states:{WEST}:100000000000:execution:DROrchestrator:{execution['execution_id']}"


class Client:
    """Asks the API as API Gateway does, and holds each answer against the document. time: for how long an answer is kept."""

    def __init__(self, store: Store) -> None:
        self.store, self.runs, self.time = store, Runs(), 0.0
        executions = Executions(store, Notifier(None, None), self.runs, [EAST, WEST])
        executions.recent = Recent(lambda: self.time)
        self.api = Api(executions, Manifests(store))

    def ask(self, method: str, path: str, body: Any = None, who: str = ANN, **more: Any) -> tuple[int, dict[str, Any]]:
        """(status, body) of a REST API's event."""
        event = {
            "httpMethod": method,
            "path": path,
            "headers": {"X-Correlation-Id": "ticket-4711"},
            "queryStringParameters": None,
            "body": body if body is None or isinstance(body, str) else json.dumps(body),
            "isBase64Encoded": False,
            "requestContext": {"accountId": "100000000000", "requestId": "r-1", "identity": {"userArn": who}},
            **more,
        }
        answer = self.api.handle(event)
        assert answer["headers"]["X-Correlation-Id"] == "ticket-4711"
        found = json.loads(answer["body"])
        for pattern, item in DOCUMENT["paths"].items():
            if same(pattern, path) and method.lower() in item and answer["statusCode"] != 405:
                assert described(item[method.lower()], answer["statusCode"], found) == []
        return answer["statusCode"], found


def same(pattern: str, path: str) -> bool:
    """Whether a path is one of the document's."""
    wanted, given = (text.strip("/").split("/") for text in (pattern, path.removeprefix("/api/v1")))
    return len(wanted) == len(given) and all(
        one in ("{executionId}", "{manifestId}", two) for one, two in zip(wanted, given, strict=True)
    )


def described(operation: Mapping[str, Any], status: int, body: Any) -> list[str]:
    """What of an answer is not as the document says."""
    response = operation["responses"][str(status)]
    if "$ref" in response:
        response = DOCUMENT["components"]["responses"][response["$ref"].rpartition("/")[2]]
    schema = {**response["content"]["application/json"]["schema"], "components": DOCUMENT["components"]}
    return [error.message for error in OAS30Validator(schema).iter_errors(body)]


@pytest.fixture
def client(sandbox: Any) -> Client:
    dynamodb, s3, sns = (sandbox.client(service, WEST) for service in ("dynamodb", "s3", "sns"))
    ensure(dynamodb, s3, sns, NAMES, WEST, sleep=sandbox.advance)
    store = Store(dynamodb, s3, NAMES.table, NAMES.bucket, sandbox.time, sandbox.advance)
    store.put_snapshot("CustomerX", "production", {"resources": []})
    return Client(store)


def running(client: Client, **changes: Any) -> str:
    """An execution whose run, on another host, holds the lock; its id."""
    about = {"customer": "CustomerX", "environment": "production", "operation": "failover", "mode": "planned", "created_by": ANN}
    record = client.store.create_execution({**about, "primary_region": EAST, "dr_region": WEST, "plan_sha256": "ab", **changes})
    name = str(record["execution_id"])
    client.store.update_execution(name, status="RUNNING", current_phase="activate", current_wave=2, resource_count=100)
    Lock(client.store).acquire("CustomerX", "production", owner=name, runner="elsewhere:1:100")
    return name


def stopped(client: Client, name: str) -> None:
    """Its run pauses it, as `interventions.heed` does."""
    (pause,) = [one for one in requests(client.store, name) if one["state"] == "open"]
    digest = pause.get("promised_sha256", "")
    Approvals(client.store).request(name, "pause-0001", "ab", requester=ANN, detail={"wave": 3}, promised_sha256=digest)
    client.store.table.update(pause["PK"], pause["SK"], {"state": "taken"})
    client.store.update_execution(name, status="PAUSED", reason="asked for")
    Lock(client.store).attach("CustomerX", "production", name, 1).release()


def test_every_example_of_appendix_g_is_answered_in_its_shape(client: Client, sandbox: Any) -> None:
    status, made = client.ask("POST", EXECUTIONS, CREATE)
    assert (status, set(made)) == (201, {"executionId", "executionArn", "status", "estimatedCompletionTime"})
    assert (made["status"], client.runs.started) == ("PENDING", [(made["executionId"], "ticket-4711")])
    assert made["executionArn"].startswith("arn:aws:states:")
    here = f"{EXECUTIONS}/{made['executionId']}"

    status, cancelled = client.ask("DELETE", here)
    assert (status, cancelled["status"], cancelled["reason"]) == (200, "CANCELLED", "User requested cancellation")
    assert (set(cancelled), cancelled["cancelledAt"] is None) == ({"executionId", "status", "cancelledAt", "reason"}, False)

    name = running(client)
    here = f"{EXECUTIONS}/{name}"
    status, found = client.ask("GET", here)
    assert (status, found["status"], found["currentPhase"], found["currentWave"]) == (200, "RUNNING", "ACTIVATE", 2)
    assert set(found) == {
        *("executionId", "status", "currentPhase", "currentWave", "completedResources", "failedResources", "totalResources"),
        *("progressPercentage", "estimatedCompletionTime", "startTime"),
    }

    status, asked = client.ask("POST", f"{here}/pause", PAUSE)
    assert (status, asked["status"], asked["pausedAt"]) == (202, "RUNNING", None)  # its wave is finished first
    stopped(client, name)
    status, paused = client.ask("POST", f"{here}/pause", PAUSE)
    assert (status, paused["status"], set(paused)) == (
        200,
        "PAUSED",
        {"executionId", "status", "taskToken", "pausedAt", "timeoutAt"},
    )
    assert paused["taskToken"] not in ("", asked["taskToken"])

    token = {"taskToken": paused["taskToken"], "approved": True, "approver": "user@example.com"}
    status, resumed = client.ask("POST", f"{here}/resume", token, BOB)
    assert (status, resumed["status"], resumed["nextWave"]) == (202, "PAUSED", 3)  # RUNNING once its run has begun
    assert [one for one, _id in client.runs.started] == [made["executionId"], name]

    status, stored = client.ask("POST", "/api/v1/manifests", MANIFEST)
    assert (status, stored["manifestId"]) == (201, "manifest-prod-failover")
    assert client.ask("POST", "/api/v1/manifests", MANIFEST) == (200, stored)
    status, valid = client.ask("POST", "/api/v1/manifests/manifest-prod-failover/validate")
    assert (status, valid["valid"], valid["errors"], valid["resourceCount"]) == (200, True, [], 1)
    assert valid["technologyTypes"] == ["AuroraMySQL"]


def test_who_asks_again_costs_one_read_and_sees_what_was_done_meanwhile(client: Client, sandbox: Any) -> None:
    """Through two instances of the function, which share nothing but the table."""
    other, name = Client(client.store), running(client)
    here, whole = f"{EXECUTIONS}/{name}", {"queryStringParameters": {"detail": "true"}}

    def reads(asks: Client) -> tuple[list[str], dict[str, Any]]:
        before = len(sandbox.calls(service="dynamodb"))
        status, found = asks.ask("GET", here, **whole)
        assert status == 200
        return [row["operation"] for row in sandbox.calls(service="dynamodb")[before:]], found

    first = {asks: reads(asks) for asks in (client, other)}
    assert all(len(calls) > 5 for calls, _found in first.values())
    assert reads(client) == (["GetItem"], first[client][1])
    client.ask("POST", f"{here}/pause", PAUSE)
    for asks in (client, other):
        calls, found = reads(asks)
        assert len(calls) > 5 and [one["verb"] for one in found["detail"]["requests"]] == ["pause"], "its own effect, everywhere"
    client.store.note(name, "notified", event="wave_completed")
    assert reads(client)[0] == ["GetItem"], "what changes no counter is seen a second later"
    client.time += SECONDS
    assert [one["event"] for one in reads(client)[1]["detail"]["timeline"]][-1] == "notified"


def test_errors_name_the_field_its_value_what_is_allowed_and_what_to_do(client: Client) -> None:
    for method, path, body, status, said in REFUSED:
        found, error = client.ask(method, path, body)
        assert (found, {name: error.get(name) for name in said}) == (status, said), (method, path, body)
        assert (error["correlationId"], bool(error["next"])) == ("ticket-4711", True)
    assert client.runs.started == []


def test_nobody_is_answered_without_a_signature(client: Client) -> None:
    assert client.ask("GET", UNKNOWN, who="")[0] == 403
    assert client.ask("POST", "/api/v1/manifests", MANIFEST, who="")[0] == 403
    assert client.store.list_objects("manifests/") == []


def test_the_events_of_http_apis_are_understood(client: Client) -> None:
    event = {
        "version": "2.0",
        "rawPath": "/prod/api/v1/manifests",
        "headers": {},
        "body": base64.b64encode(json.dumps(MANIFEST).encode()).decode(),
        "isBase64Encoded": True,
        "requestContext": {"http": {"method": "POST"}, "requestId": "r-2", "authorizer": {"iam": {"userArn": BOB}}},
    }
    answer = client.api.handle(event)
    assert (answer["statusCode"], answer["headers"]["X-Correlation-Id"]) == (201, "r-2")
    assert client.api.handle({**event, "body": "4"})["statusCode"] == 400


def test_one_execution_at_a_time_and_a_run_that_cannot_be_started(client: Client) -> None:
    first = client.ask("POST", EXECUTIONS, CREATE)[1]["executionId"]
    status, error = client.ask("POST", EXECUTIONS, CREATE)
    assert (status, first in error["message"], first in error["next"]) == (409, True, True)
    client.ask("DELETE", f"{EXECUTIONS}/{first}")
    client.runs.errors = [TimeoutError("no answer")]
    status, error = client.ask("POST", EXECUTIONS, CREATE)
    assert (status, error["error"]) == (502, "NotStarted")
    name = error["next"].rpartition("=")[2]
    found = client.ask("GET", f"{EXECUTIONS}/{name}")[1]
    assert found["status"] == "FAILED"
    client.runs.errors = []
    running(client)
    assert client.ask("POST", EXECUTIONS, CREATE)[0] == 409  # the lock is held


def test_a_token_of_the_api_is_as_good_as_the_one_that_people_are_sent_and_only_once(client: Client) -> None:
    name = running(client)
    here = f"{EXECUTIONS}/{name}"
    old = client.ask("POST", f"{here}/pause", PAUSE)[1]["taskToken"]
    token = client.ask("POST", f"{here}/pause", {})[1]["taskToken"]
    early, error = client.ask("POST", f"{here}/resume", {"taskToken": token, "approved": True})
    assert (early, "not one of execution" in error["message"]) == (409, True)  # nothing asks for approval yet
    stopped(client, name)
    assert client.ask("POST", f"{here}/resume", {"taskToken": old, "approved": True})[0] == 409
    assert client.ask("POST", f"{here}/resume", {"taskToken": token, "approved": True}, BOB)[0] == 202
    assert client.ask("POST", f"{here}/resume", {"taskToken": token, "approved": True}, BOB)[0] == 409
    record = client.store.get_execution(name)
    assert record["resumed_by"] == BOB  # not what runs it: where others must approve, BOB is who may not
    (approval,) = Approvals(client.store).of(name)
    assert (approval["approver"], approval["state"]) == (BOB, "approved")
    trail = {one["event_type"]: one for one in client.store.audit(name)}
    assert trail["execution_asked_by_api"]["detail"]["correlation_id"] == "ticket-4711"
    shown = json.dumps(client.ask("GET", here, queryStringParameters={"detail": "true"})[1])
    assert "sha256" not in shown.replace("plan_sha256", "")
    assert token not in shown


def test_a_rejection_and_a_cancellation_end_what_nothing_runs(client: Client) -> None:
    name = running(client)
    here = f"{EXECUTIONS}/{name}"
    status, asked = client.ask("DELETE", here, queryStringParameters={"reason": "a false alarm"})
    assert (status, asked["status"], asked["cancelledAt"], asked["reason"]) == (202, "RUNNING", None, "a false alarm")
    (request,) = requests(client.store, name)
    client.store.table.update(request["PK"], request["SK"], {"state": "withdrawn"})
    token = client.ask("POST", f"{here}/pause", {})[1]["taskToken"]
    stopped(client, name)
    status, ended = client.ask("POST", f"{here}/resume", {"taskToken": token, "approved": False}, BOB)
    assert (status, ended["status"], ended["resumedAt"]) == (200, "CANCELLED", None)
    assert client.ask("DELETE", here)[0] == 200
    assert client.ask("POST", f"{here}/pause", {})[0] == 409


def test_a_manifest_is_validated_without_being_stored(client: Client) -> None:
    wrong = {**MANIFEST, "layers": [{"layer": 0, "resources": []}]}
    status, found = client.ask("POST", "/api/v1/manifests/manifest-prod-failover/validate", wrong)
    assert (status, found["valid"], found["resourceCount"]) == (200, False, 0)
    assert {one["path"] for one in found["errors"]} == {"layers[0].layer", "layers[0].resources"}
    assert client.ask("POST", "/api/v1/manifests/other/validate", MANIFEST)[1]["errors"][0]["path"] == "manifestId"
    assert client.store.list_objects("manifests/") == []
    client.ask("POST", "/api/v1/manifests", MANIFEST)
    client.ask("POST", "/api/v1/manifests", {**MANIFEST, "customer": "CustomerY"})
    assert client.ask("POST", "/api/v1/manifests/manifest-prod-failover/validate")[0] == 409


def test_a_control_plane_that_does_not_answer_is_said_to_be_so(client: Client, sandbox: Any) -> None:
    client.store.table.name = "elsewhere"
    assert client.ask("GET", UNKNOWN)[1]["error"] == "NoControlPlane"
    client.store.table.name = NAMES.table
    sandbox.fault(match={"service": "dynamodb"}, effect="error", code="InternalServerError", message="broken", status=500)
    status, error = client.ask("GET", UNKNOWN)
    assert (status, error["error"]) == (503, "ControlPlaneUnavailable")
    sandbox.clear_faults()
    client.store.table.client = None
    event = {"httpMethod": "GET", "path": UNKNOWN, "requestContext": {"identity": {"userArn": ANN}}}
    answer = client.api.handle(event)
    assert (answer["statusCode"], json.loads(answer["body"])["error"]) == (500, "InternalError")


@pytest.mark.parametrize("name", ["DR_CONTROL_REGION", "DR_TABLE", "DR_BUCKET", "DR_REGIONS", "DR_STARTER"])
def test_a_function_that_is_not_configured_says_what_is_missing(name: str, sandbox: Any) -> None:
    settings = {"DR_CONTROL_REGION": WEST, "DR_TABLE": TABLE, "DR_BUCKET": BUCKET, "DR_REGIONS": f"{EAST},{WEST}", name: ""}
    with pytest.raises(InputError, match=name):
        api(settings)


def test_a_run_takes_up_what_was_asked_for_by_the_api(sandbox: Any, operator: Operator) -> None:
    """As a starter's task does: the playbook with the execution's id alone; the plan is that of what was asked for."""
    operator.load(estate())
    operator.readiness()
    settings = {"DR_CONTROL_REGION": WEST, "DR_TABLE": TABLE, "DR_BUCKET": BUCKET, "DR_TOPIC_ARN": TOPIC}
    one = api({**settings, "DR_REGIONS": f"{EAST},{WEST}"})
    context = {"accountId": "100000000000", "identity": {"userArn": ANN}}
    wanted = {**CREATE, "customer": SCOPE["customer"], "approvalMode": "automatic", "mode": "unplanned"}
    event = {"httpMethod": "POST", "path": EXECUTIONS, "body": json.dumps(wanted), "requestContext": context}
    made = json.loads(one.handle(event)["body"])
    name = made["executionId"]
    assert f"ansible-playbook dr.aws.failover -e execution_id={name}" in made["next"]

    operator.run("failover", execution_id=name, dr_region=EAST).refused("as execution", "leave out dr_region")
    operator.run("failover", execution_id=name).ok()
    asked = {**event, "httpMethod": "GET", "path": f"{EXECUTIONS}/{name}", "body": None}
    found = json.loads(one.handle({**asked, "queryStringParameters": {"detail": "true"}})["body"])
    assert (found["status"], found["progressPercentage"], found["totalResources"]) == ("COMPLETED", 100, 8)
    assert (found["detail"]["created_by"], found["detail"]["mode"]) == (ANN, "unplanned")
    assert names(sandbox) == pointing(WEST)
