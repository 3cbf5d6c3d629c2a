# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How commands, URLs, functions and documents are carried out, and what becomes of each that fails."""

from __future__ import annotations

import io
import json
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.accounts import CallError, Failure
from ansible_collections.dr.aws.plugins.module_utils.errands.asked import CHECK, Errand
from ansible_collections.dr.aws.plugins.module_utils.errands.ways import Means, Outcome, carry_out, environment
from ansible_collections.dr.aws.plugins.module_utils.model import UNREACHABLE

CONTEXT = {"execution_id": "dr-1", "idempotency_key": "dr-1/x", "name": "order", "drill": False, "wave": 2, "resources": ["a"]}
TARGETS = [{"Key": "tag:role", "Values": ["web"]}]


class Cloud:
    """Answers in turn by operation, and remembers what it was asked."""

    def __init__(self, **answers: Sequence[Any]) -> None:
        self.answers = {operation: list(found) for operation, found in answers.items()}
        self.asked: list[tuple[str, str, str, Mapping[str, Any]]] = []

    def call(self, account: str, region: str, _service: str, operation: str, /, **params: Any) -> Any:
        self.asked.append((account, region, operation, params))
        answer = self.answers[operation].pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    read = call


def errand(way: str, how: Any, **more: Any) -> Errand:
    return Errand(CHECK, "order", way, how, **more)


def carried(cloud: Any, one: Errand, **more: Any) -> Outcome:
    """With a clock that moves on by a minute when it is looked at, and never sleeps."""
    minutes = iter(range(0, 60_000, 60))
    return carry_out(one, CONTEXT, Means(cloud, "us-west-2", sleep=lambda _seconds: None, now=lambda: next(minutes), **more))


def python(code: str, **more: Any) -> Errand:
    return errand("command", [sys.executable, "-c", code], **more)


def test_a_command_is_told_by_its_environment_and_its_input() -> None:
    code = "import os, json, sys; print(os.environ['DR_EXECUTION_ID'], os.environ['DR_DRILL'], json.load(sys.stdin)['resources'])"
    assert carried(None, python(code)) == Outcome("", "dr-1 false ['a']\n")
    assert "DR_RESOURCES" not in environment(CONTEXT)


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (python("import sys; print('no'); sys.exit(3)"), "it exits with 3"),
        (python("import time; time.sleep(60)", timeout_seconds=1), "it did not end within 1 s"),
        (errand("command", ["/nowhere/at/all"]), "FileNotFoundError"),
        (errand("url", {"url": "http://127.0.0.1:1/", "method": "GET"}), "Connection"),
    ],
)
def test_what_fails_says_why(one: Errand, why: str) -> None:
    outcome = carried(None, one)
    assert not outcome.passed
    assert why in outcome.why


def test_only_the_end_of_a_long_output_is_kept() -> None:
    outcome = carried(None, python("print('x' * 10000 + 'end')"))
    assert (len(outcome.output), outcome.output[-4:]) == (4000, "end\n")


@pytest.fixture
def site() -> Iterator[str]:
    """An address that answers with the status that its path names, and with what it was sent."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            said = json.dumps([self.headers["Content-Type"], self.headers["Idempotency-Key"], sent.decode()]).encode()
            self.send_response(int(self.path.rpartition("/")[2]))
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing on the screen."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(
    ("status", "how", "why", "said"),
    [
        (201, {"body": {"n": 1}}, "", ["application/json", "dr-1/x", '{"n": 1}']),
        (200, {"body": "n=1"}, "", ["text/plain; charset=utf-8", "dr-1/x", "n=1"]),
        (200, {}, "", ["application/json", "dr-1/x", json.dumps(CONTEXT)]),
        (503, {"body": "", "expect_status": 503}, "", ["text/plain; charset=utf-8", "dr-1/x", ""]),
        (404, {"body": ""}, "answers 404", None),
        (200, {"body": "", "expect_status": [201, 202]}, "answers 200", None),
        (200, {"body": "order 1", "expect_text": "order 2"}, "does not have 'order 2'", None),
    ],
)
def test_a_url_is_asked_with_a_key_and_its_answer_is_held_to_what_is_expected(
    site: str, status: int, how: Mapping[str, Any], why: str, said: Any
) -> None:
    outcome = carried(None, errand("url", {"url": f"{site}/{status}", "method": "POST", **how}))
    assert why in outcome.why
    assert outcome.passed is not bool(why)
    assert said is None or json.loads(outcome.output) == said


def payload(value: Any, **more: Any) -> dict[str, Any]:
    return {"Payload": io.BytesIO(json.dumps(value).encode()), **more}


def test_a_function_is_invoked_in_the_target_and_its_own_error_is_one() -> None:
    cloud = Cloud(invoke=[payload({"errorMessage": "no"}, FunctionError="Unhandled"), payload("yes")])
    outcome = carried(cloud, errand("lambda", {"function": "drain"}, retries=1))
    assert outcome == Outcome("", '"yes"')
    ((account, region, _operation, params), _second) = cloud.asked
    assert (account, region, params["FunctionName"], json.loads(params["Payload"])) == ("", "us-west-2", "drain", CONTEXT)
    failed = carried(
        Cloud(invoke=[payload({"errorMessage": "no"}, FunctionError="Unhandled")]), errand("lambda", {"function": "f"})
    )
    assert (failed.why, failed.output) == ("the function failed: Unhandled", '{"errorMessage": "no"}')


def test_a_function_is_invoked_where_its_arn_says() -> None:
    cloud = Cloud(invoke=[payload(None)])
    arn = "arn:aws:lambda:eu-west-1:111111111111:function:drain"
    carried(cloud, errand("lambda", {"function": arn, "account": "111111111111"}))
    assert cloud.asked[0][:2] == ("111111111111", "eu-west-1")


def test_what_aws_refuses_is_the_reason() -> None:
    denied = CallError(Failure("denied", "AccessDeniedException", "not you"))
    assert carried(Cloud(invoke=[denied]), errand("lambda", {"function": "f"})).why == "AccessDeniedException: not you"


def automation(status: str, **more: Any) -> dict[str, Any]:
    return {"AutomationExecution": {"AutomationExecutionStatus": status, **more}}


def test_an_automation_is_looked_at_until_it_has_ended() -> None:
    throttled = CallError(Failure("throttled", "ThrottlingException", "slower"))
    seen = [UNREACHABLE, throttled, automation("InProgress"), automation("Success", Outputs={"Say.Out": ["hello"]})]
    cloud = Cloud(start_automation_execution=[{"AutomationExecutionId": "auto-1"}], get_automation_execution=seen)
    how = {"document": "Drain", "parameters": {"Name": "x"}, "context_parameter": "Context"}
    assert carried(cloud, errand("ssm", how)) == Outcome("", '{"Say.Out": ["hello"]}')
    started = cloud.asked[0][3]
    assert started["Parameters"]["Name"] == ["x"]
    assert "resources" not in json.loads(started["Parameters"]["Context"][0])


def test_an_attempt_has_a_token_of_its_own_and_its_repetition_the_same() -> None:
    def token(attempt: int) -> str:
        cloud = Cloud(start_automation_execution=[{"AutomationExecutionId": "a"}], get_automation_execution=[automation("Success")])
        carried(cloud, errand("ssm", {"document": "Drain"}), attempt=attempt)
        return str(cloud.asked[0][3]["ClientToken"])

    assert token(1) == token(1) != token(2)


def test_an_automation_that_takes_too_long_is_cancelled() -> None:
    cloud = Cloud(
        start_automation_execution=[{"AutomationExecutionId": "auto-1"}],
        get_automation_execution=[automation("Waiting")] * 10,
        stop_automation_execution=[{}],
    )
    outcome = carried(cloud, errand("ssm", {"document": "Drain"}, timeout_seconds=120))
    assert outcome.why == "it did not end within 120 s; auto-1 is Waiting, and is cancelled"
    assert cloud.asked[-1][2:] == ("stop_automation_execution", {"AutomationExecutionId": "auto-1"})


@pytest.mark.parametrize(
    ("status", "reached", "why"),
    [("Success", 2, ""), ("Success", 0, "cmd-1 is Failed"), ("Failed", 2, "cmd-1 is Failed"), ("TimedOut", 2, "cmd-1 is TimedOut")],
)
def test_a_command_that_reaches_no_instance_has_failed(status: str, reached: int, why: str) -> None:
    one = {"Status": status, "TargetCount": reached, "CompletedCount": reached, "ErrorCount": 0}
    cloud = Cloud(send_command=[{"Command": {"CommandId": "cmd-1"}}], list_commands=[{"Commands": []}, {"Commands": [one]}])
    outcome = carried(cloud, errand("ssm", {"document": "AWS-RunShellScript", "targets": TARGETS}))
    assert (outcome.why, cloud.asked[0][3]["Targets"]) == (why, TARGETS)
