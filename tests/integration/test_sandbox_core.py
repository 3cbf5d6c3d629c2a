# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox as an unmodified boto3 meets it over HTTP: isolation, faults, record, time, administration."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError, ReadTimeoutError
from botocore.parsers import ResponseParserError

HUB, WEB, DATA = "100000000000", "200000000001", "200000000002"
ESTATE = {
    "name": "small",
    "control_region": "us-west-2",
    "regions": ["us-east-1", "us-west-2"],
    "accounts": [
        {"id": HUB, "name": "management", "management": True},
        {"id": WEB, "name": "web", "roles": [{"name": "dr", "external_id": "web-1"}]},
        {"id": DATA, "name": "data", "roles": [{"name": "dr", "external_id": "data-1"}]},
    ],
}
ONCE = Config(retries={"total_max_attempts": 1})
IMPATIENT = Config(retries={"total_max_attempts": 1}, read_timeout=0.3)


@pytest.fixture
def world(sandbox: Any) -> Any:
    sandbox.load(ESTATE)
    return sandbox


def admin(world: Any, method: str, path: str, body: Any = None) -> Any:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"{world.endpoint}/_sandbox/{path}", data=data, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read())


def assume(world: Any, account: str, external_id: str) -> boto3.Session:
    role = f"arn:aws:iam::{account}:role/dr"
    sts = world.client("sts")
    made = sts.assume_role(RoleArn=role, RoleSessionName="run-1", ExternalId=external_id, SourceIdentity="ann")["Credentials"]
    return boto3.Session(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"], region_name="us-west-2")


# -- who may call what


def test_what_is_made_in_one_account_is_seen_in_no_other(world: Any) -> None:
    assume(world, WEB, "web-1").client("ecs", endpoint_url=world.endpoint).create_cluster(clusterName="shop")
    assert len(world.client("ecs", account=WEB).list_clusters()["clusterArns"]) == 1
    assert world.client("ecs", account=DATA).list_clusters()["clusterArns"] == []
    assert world.client("ecs").list_clusters()["clusterArns"] == []


def test_a_wrong_external_id_is_refused(world: Any, aws_code: Callable[..., str]) -> None:
    role = {"RoleArn": f"arn:aws:iam::{WEB}:role/dr", "RoleSessionName": "run-1"}
    assert aws_code(world.client("sts").assume_role, **role, ExternalId="data-1") == "AccessDenied"
    assert aws_code(world.client("sts").assume_role, **role) == "AccessDenied"


def test_the_caller_is_who_the_key_says(world: Any) -> None:
    assert world.client("sts").get_caller_identity()["Arn"] == f"arn:aws:iam::{HUB}:user/dr-automation"
    session = assume(world, WEB, "web-1")
    who = session.client("sts", endpoint_url=world.endpoint).get_caller_identity()
    assert (who["Account"], who["Arn"]) == (WEB, f"arn:aws:sts::{WEB}:assumed-role/dr/run-1")


@pytest.mark.parametrize(
    ("service", "operation", "unknown", "expired"),
    [
        ("rds", "describe_db_instances", "InvalidClientTokenId", "ExpiredToken"),
        ("ecs", "list_clusters", "UnrecognizedClientException", "ExpiredTokenException"),
        ("dynamodb", "list_tables", "UnrecognizedClientException", "ExpiredTokenException"),
        ("s3", "list_buckets", "InvalidAccessKeyId", "ExpiredToken"),
        ("route53", "list_hosted_zones", "InvalidClientTokenId", "ExpiredToken"),
    ],
)
def test_keys_are_refused_in_the_words_of_the_service(
    world: Any, aws_code: Callable[..., str], service: str, operation: str, unknown: str, expired: str
) -> None:
    client = assume(world, WEB, "web-1").client(service, endpoint_url=world.endpoint, config=ONCE)
    world.expire_sessions()
    assert aws_code(getattr(client, operation)) == expired
    stranger = boto3.Session("AKIASTRANGER00000000", "x").client(service, "us-west-2", endpoint_url=world.endpoint, config=ONCE)
    assert aws_code(getattr(stranger, operation)) == unknown


def test_moto_gives_no_other_sessions(world: Any, aws_code: Callable[..., str]) -> None:
    assert aws_code(world.client("sts").get_session_token) == "SimulatorNotImplemented"


# -- the record


def test_every_call_is_recorded_with_who_made_it(world: Any) -> None:
    session = assume(world, WEB, "web-1")
    session.client("ecs", endpoint_url=world.endpoint).create_cluster(clusterName="shop")
    session.client("ecs", endpoint_url=world.endpoint).list_clusters()
    assert [call["operation"] for call in world.calls()] == ["AssumeRole", "CreateCluster", "ListClusters"]
    (made,) = world.calls(mutating=True)
    assert {name: made[name] for name in ("account", "region", "service", "role", "session", "source_identity", "outcome")} == {
        "account": WEB,
        "region": "us-west-2",
        "service": "ecs",
        "role": "dr",
        "session": "run-1",
        "source_identity": "ann",
        "outcome": "ok",
    }
    assert made["params"] == {"clusterName": "shop"}


def test_calls_are_json_lines_that_can_be_filtered(world: Any) -> None:
    world.client("sns").create_topic(Name="a")
    world.client("sns").list_topics()
    with urllib.request.urlopen(f"{world.endpoint}/_sandbox/calls?mutating=1&service=sns") as answer:
        rows = [json.loads(line) for line in answer]
    assert [(row["operation"], row["params"]) for row in rows] == [("CreateTopic", {"Name": "a"})]
    with urllib.request.urlopen(f"{world.endpoint}/_sandbox/calls?from={rows[0]['n'] + 1}") as answer:
        assert [json.loads(line)["operation"] for line in answer] == ["ListTopics"]


def test_an_error_is_the_outcome_of_its_call(world: Any) -> None:
    with pytest.raises(ClientError):
        world.client("dynamodb").describe_table(TableName="nothing")
    assert world.calls()[-1]["outcome"] == "ResourceNotFoundException"


def test_what_the_sandbox_lacks_is_loud(world: Any, aws_code: Callable[..., str]) -> None:
    assert aws_code(world.client("ssm").describe_activations) == "SimulatorNotImplemented"
    assert world.calls()[-1]["how"] == "missing"


# -- faults


def test_a_dark_region_leaves_the_other_and_the_global_services(world: Any) -> None:
    world.dark("us-east-1")
    with pytest.raises((ConnectionClosedError, HTTPClientError)):
        world.client("rds", "us-east-1").describe_db_instances()
    assert world.client("ecs", "us-west-2").list_clusters()["clusterArns"] == []
    assert world.client("route53", "us-east-1").list_hosted_zones()["HostedZones"] == []
    world.clear_faults()
    assert world.client("ecs", "us-east-1").list_clusters()["clusterArns"] == []


def test_a_black_hole_lasts_until_the_client_gives_up(world: Any) -> None:
    world.dark("us-east-1", "blackhole")
    session = boto3.Session("AKIASANDBOXMANAGEMNT", "x")
    client = session.client("ecs", "us-east-1", endpoint_url=world.endpoint, config=IMPATIENT)
    with pytest.raises(ReadTimeoutError):
        client.list_clusters()
    assert world.calls()[-1]["outcome"] == "fault:no answer"


def test_a_page_that_is_no_aws_answer(world: Any) -> None:
    world.dark("us-east-1", "http", status=503)
    with pytest.raises(ClientError) as page:
        world.client("ecs", "us-east-1").list_clusters()
    assert page.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    with pytest.raises(ResponseParserError):
        world.client("sns", "us-east-1").list_topics()


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("ecs", "list_clusters", "ThrottlingException"),
        ("rds", "describe_db_instances", "Throttling"),
        ("s3", "list_buckets", "SlowDown"),
        ("ec2", "describe_vpcs", "RequestLimitExceeded"),
    ],
)
def test_throttling_in_the_words_of_the_service(
    world: Any, aws_code: Callable[..., str], service: str, operation: str, code: str
) -> None:
    world.fault(match={"service": service}, effect="throttle")
    assert aws_code(getattr(world.client(service), operation)) == code


def test_the_kth_call_fails(world: Any) -> None:
    world.fault(match={"operation": "CreateTopic"}, effect="error", code="InternalError", status=500, kth=2)
    sns, outcomes = world.client("sns"), []
    for name in "abc":
        try:
            sns.create_topic(Name=name)
            outcomes.append("ok")
        except ClientError as error:
            outcomes.append(error.response["Error"]["Code"])
    assert outcomes == ["ok", "InternalError", "ok"]
    assert len(sns.list_topics()["Topics"]) == 2


def test_a_lost_answer_belongs_to_a_call_that_was_carried_out(world: Any) -> None:
    world.fault(match={"operation": "CreateTopic"}, effect="lose", times=1)
    with pytest.raises(HTTPClientError):
        world.client("sns").create_topic(Name="ghost")
    assert len(world.client("sns").list_topics()["Topics"]) == 1


@pytest.mark.parametrize(("when", "made"), [("before", 1), ("after", 2)])
def test_the_client_is_killed_at_its_kth_call(world: Any, when: str, made: int) -> None:
    script = (
        "import boto3, sys; sys.stdin.readline(); sns = boto3.client('sns'); [sns.create_topic(Name=f't{n}') for n in range(4)]"
    )
    with subprocess.Popen([sys.executable, "-c", script], env=world.env(), stdin=subprocess.PIPE, text=True) as client:
        world.fault(match={"operation": "CreateTopic"}, effect="kill", pid=client.pid, kth=2, when=when)
        client.communicate("\n", timeout=60)
    assert client.returncode == -signal.SIGKILL
    assert len(world.client("sns").list_topics()["Topics"]) == made


# -- time


def test_time_moves_when_it_is_advanced_and_with_each_call_when_asked(world: Any) -> None:
    before = admin(world, "GET", "clock")["time"]
    assert admin(world, "POST", "clock", {"advance": 60})["time"] == pytest.approx(before + 60)
    admin(world, "POST", "clock", {"tick": 5})
    world.client("sns").list_topics()
    world.client("sns").list_topics()
    assert world.time() == pytest.approx(before + 70)


# -- administration


def test_faults_by_http(world: Any) -> None:
    number = admin(world, "POST", "faults", {"match": {"service": "sns"}, "effect": "throttle"})["id"]
    assert [fault["id"] for fault in admin(world, "GET", "faults")["faults"]] == [number]
    assert admin(world, "DELETE", f"faults/{number}") == {"removed": True}
    admin(world, "POST", "faults", {"effect": "reset"})
    assert admin(world, "DELETE", "faults") == {}
    assert world.client("sns").list_topics()["Topics"] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "faults", {"effect": "nonsense"}, 400),
        ("POST", "clock", {"forward": 1}, 400),
        ("POST", "seed", {"kind": "spaceship", "account": WEB}, 400),
        ("GET", "nothing", None, 404),
        ("DELETE", "faults/77", None, 404),
    ],
)
def test_mistakes_are_explained(world: Any, method: str, path: str, body: Any, status: int) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        admin(world, method, path, body)
    assert refused.value.code == status
    assert json.loads(refused.value.read())


def test_health_and_state(world: Any) -> None:
    assert admin(world, "GET", "health") == {"status": "ok", "estate": "small", "simulated": True}
    world.client("resource-explorer-2", account=WEB).get_index()
    (row,) = admin(world, "GET", f"state?account={WEB}&region=us-west-2")["stores"]
    assert (row["service"], row["holds"]["views"]) == ("resource-explorer-2", 1)
    (full,) = admin(world, "GET", f"state?account={WEB}&region=us-west-2&service=resource-explorer-2")["stores"]
    assert full["holds"]["index"]["Type"] == "AGGREGATOR"


def test_a_new_world_is_empty(world: Any) -> None:
    world.client("sns").create_topic(Name="a")
    world.fault(effect="reset")
    admin(world, "POST", "estate", ESTATE)
    assert world.client("sns").list_topics()["Topics"] == []
    assert [call["operation"] for call in world.calls()] == ["ListTopics"]


def test_serve_prints_what_a_product_needs() -> None:
    command = [sys.executable, "-m", "sandbox", "serve", "--estate", "/dev/stdin", "--port", "0", "--scale", "0"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin
        assert server.stdout
        try:
            server.stdin.write(json.dumps(ESTATE))
            server.stdin.close()
            lines = [server.stdout.readline().strip() for _unused in range(6)]
            env = dict(line.removeprefix("export ").split("=", 1) for line in lines[1:])
            session = boto3.Session(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], region_name=env["AWS_DEFAULT_REGION"])
            account = session.client("sts", endpoint_url=env["AWS_ENDPOINT_URL"]).get_caller_identity()["Account"]
        finally:
            server.terminate()
    assert lines[0].startswith("sandbox: simulated AWS with estate small on http://127.0.0.1:")
    assert account == HUB


def test_serve_says_what_is_wrong_with_an_estate() -> None:
    command = [sys.executable, "-m", "sandbox", "serve", "--estate", "/dev/stdin"]
    done = subprocess.run(command, input="name: shop", capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "sandbox: the estate: 'accounts' is a required property" in done.stderr
