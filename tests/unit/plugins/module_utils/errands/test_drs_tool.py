# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Appendix I.2 against a tool that answers as it is told: normal, for a moment away, gone, followed; and never started twice."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.accounts import Breaker, CallError, Failure
from ansible_collections.dr.aws.plugins.module_utils.errands.asked import HOOK, Errand
from ansible_collections.dr.aws.plugins.module_utils.errands.ways import Means, Outcome, carry_out

CONTEXT = {"execution_id": "dr-1", "idempotency_key": "dr-1/hook/servers/activate-wave-01", "drill": False}
CORRELATION = "dr.aws:dr-1/hook/servers/activate-wave-01"
TOOL = {"function": "drs-execution-handler", "plan_id": "plan-7"}
NONE = {"executions": []}
STARTED = {"executionId": "exec-1", "status": "PENDING"}
ENDED = {"executionId": "exec-1", "status": "COMPLETED"}
COLD = CallError(Failure("unreachable", "ServiceException", "cold"))
DEPLOYED = CallError(Failure("error", "ResourceConflictException", "an update is in progress"))
LOST = CallError(Failure("unreachable", "ReadTimeoutError", "no answer"))


def ours(status: str, ident: str = "exec-1", by: str = CORRELATION, plan: str = "plan-7") -> dict[str, Any]:
    return {"executions": [{"executionId": ident, "planId": plan, "initiatedBy": by, "status": status}]}


class Time:
    """Passes when somebody sleeps."""

    def __init__(self) -> None:
        self.value = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.value

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.value += seconds


class Function:
    """The tool's function: its answers in turn, the last one again and again, and what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, str, dict[str, Any]]] = []

    def call(self, account: str, region: str, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        assert (service, operation) == ("lambda", "invoke")
        self.asked.append((account, region, params["FunctionName"], json.loads(params["Payload"])))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, bytes):
            return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": io.BytesIO(answer)}
        return {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(answer).encode())}

    @property
    def operations(self) -> list[str]:
        return [event["operation"] for _account, _region, _function, event in self.asked]


def carried(
    function: Function,
    time: Time | None = None,
    how: Mapping[str, Any] | None = None,
    context: Mapping[str, Any] | None = None,
    told: list[str] | None = None,
    **more: Any,
) -> Outcome:
    clock = time or Time()
    means = Means(
        function,  # type: ignore[arg-type]
        "us-west-2",
        sleep=clock.sleep,
        now=clock.now,
        tell=[].append if told is None else told.append,
        traceparent="00-aa-bb-01",
        breaker=Breaker(now=clock.now),
    )
    return carry_out(
        Errand(HOOK, "servers", "drs_tool", TOOL if how is None else how, **{"timeout_seconds": 3600, **more}),
        context or CONTEXT,
        means,
    )


def test_scenario_1_a_plan_is_started_and_followed_to_its_end() -> None:
    time = Time()
    told: list[str] = []
    running = {"status": "POLLING", "currentWave": 1, "totalWaves": 2, "waves": [{"servers": [{"status": "LAUNCHING"}] * 2}]}
    function = Function(NONE, STARTED, running, running, {**ENDED, "currentWave": 2, "totalWaves": 2})
    assert carried(function, time, told=told) == Outcome("", "DRS tool: execution exec-1 is COMPLETED, wave 2 of 2")
    assert function.operations == ["list_executions", "start_execution", *["get_execution"] * 3]
    assert time.slept == [30, 30], "a look every 30 seconds"
    assert told == [
        "DRS tool: execution exec-1 is POLLING, wave 1 of 2, 2 LAUNCHING",
        "DRS tool: execution exec-1 is COMPLETED, wave 2 of 2",
    ]
    account, region, name, event = function.asked[1]
    assert (account, region, name) == ("", "us-west-2", "drs-execution-handler")
    assert event["parameters"] == {"planId": "plan-7", "executionType": "RECOVERY", "initiatedBy": CORRELATION}
    assert {one[3]["correlationId"] for one in function.asked} == {CORRELATION}, "both trails have it"
    assert {one[3]["traceparent"] for one in function.asked} == {"00-aa-bb-01"}


def test_in_a_drill_the_tool_drills_as_well() -> None:
    function = Function(NONE, STARTED, ENDED)
    assert carried(function, context={**CONTEXT, "drill": True}).passed
    assert function.asked[1][3]["parameters"]["executionType"] == "DRILL"


@pytest.mark.parametrize(
    "failure", [COLD, DEPLOYED, CallError(Failure("throttled", "TooManyRequestsException", "slow")), b"{}", "text"]
)
def test_scenario_2_what_is_away_for_a_moment_is_asked_again(failure: Any) -> None:
    time = Time()
    function = Function(NONE, failure, NONE, failure, NONE, STARTED, ENDED)
    assert carried(function, time).passed
    assert time.slept == [1, 2]
    assert function.operations.count("start_execution") == 3
    assert function.operations[:4] == ["list_executions", "start_execution"] * 2, "before each start it is looked for"


def test_scenario_3_a_tool_that_is_gone_is_left_alone_for_a_minute_and_said_to_be_so() -> None:
    time, function = Time(), Function(DEPLOYED)
    outcome = carried(function, time, retries=1)
    assert "did not start plan plan-7: drs-execution-handler failed 5 times, and is not asked for a while" in outcome.why
    assert len(function.asked) == 5
    assert time.slept == [1, 2, 4, 10, 1, 2, 4]

    means = Means(function, "us-west-2", sleep=time.sleep, now=time.now, breaker=Breaker(now=time.now))  # type: ignore[arg-type]
    one = Errand(HOOK, "servers", "drs_tool", TOOL, timeout_seconds=3600, retries=1)
    assert not carry_out(one, CONTEXT, means).passed
    time.sleep(60)
    function.answers = [NONE, STARTED, ENDED]
    assert carry_out(one, CONTEXT, means).passed, "it is closed again after 60 seconds"


def test_scenario_4_a_tool_that_is_away_while_it_works_is_followed_when_it_is_back() -> None:
    time = Time()
    told: list[str] = []
    function = Function(NONE, STARTED, {"status": "POLLING"}, *[COLD] * 5, {"status": "POLLING"}, ENDED)
    assert carried(function, time, told=told).passed
    assert [text for text in told if "does not say how exec-1 stands" in text]
    assert told[-1] == "DRS tool: execution exec-1 is COMPLETED"


@pytest.mark.parametrize("status", ["PENDING", "POLLING", "PAUSED", "COMPLETED"])
def test_what_was_started_for_it_before_is_gone_on_with(status: str) -> None:
    """The process died, its answer was lost, or its time was over: nothing is started twice."""
    function = Function({**NONE, "nextToken": "2"}, ours(status), ENDED)
    assert carried(function).passed
    assert function.operations == ["list_executions", "list_executions", "get_execution"]
    assert function.asked[1][3]["queryParams"] == {"planId": "plan-7", "nextToken": "2"}


def test_a_start_whose_answer_was_lost_is_looked_for_before_it_is_repeated() -> None:
    function = Function(NONE, LOST, ours("PENDING"), ENDED)
    assert carried(function).passed
    assert function.operations == ["list_executions", "start_execution", "list_executions", "get_execution"]


@pytest.mark.parametrize(
    "before", [ours("FAILED"), ours("CANCELLED"), ours("POLLING", by="somebody"), ours("POLLING", plan="plan-8")]
)
def test_what_failed_or_is_somebody_elses_is_not(before: Any) -> None:
    function = Function(before, STARTED, ENDED)
    assert carried(function).passed
    assert "start_execution" in function.operations


@pytest.mark.parametrize(
    ("answers", "why", "asked"),
    [
        ([NONE, {"error": "NOT_FOUND", "message": "no plan-7"}], "start_execution: NOT_FOUND: no plan-7", 2),
        ([NONE, {"statusCode": 409, "body": '{"error": "CONFLICT", "message": "busy"}'}], "CONFLICT: busy", 2),
        ([CallError(Failure("denied", "AccessDeniedException", "not you"))], "AccessDeniedException: not you", 1),
        ([{**NONE, "nextToken": "2"}], "lists the same page again: give the function that answers queries", 2),
        ([NONE, STARTED, {"error": "NOT_FOUND", "message": "gone"}], "does not say how exec-1 stands: get_execution: NOT_FOUND", 3),
        ([NONE, STARTED, {"status": "FAILED", "errorMessage": "s-1 did not launch"}], "exec-1 is FAILED: s-1 did not launch", 3),
        ([NONE, STARTED, {"status": "CANCELLED"}], "exec-1 is CANCELLED", 3),
    ],
)
def test_what_the_tool_says_no_to_is_said_and_not_repeated(answers: Sequence[Any], why: str, asked: int) -> None:
    function = Function(*answers)
    outcome = carried(function)
    assert why in outcome.why
    assert len(function.asked) == asked


def test_what_takes_too_long_goes_on_in_the_tool() -> None:
    function = Function(NONE, STARTED, {"status": "POLLING"})
    outcome = carried(function, timeout_seconds=60)
    assert outcome.why == "it did not end within 60 s; exec-1 goes on in the DRS tool, and is joined when this is tried again"
    assert "cancel_execution" not in function.operations


def test_queries_go_to_their_own_function_and_an_arn_names_its_region() -> None:
    how = {
        "function": "arn:aws:lambda:us-west-1:200000000001:function:execution",
        "status_function": "query",
        "plan_id": "plan-7",
        "account": "200000000001",
        "region": "eu-west-1",
    }
    function = Function(NONE, STARTED, ENDED)
    assert carried(function, how=how).passed
    assert [(account, region, name) for account, region, name, _event in function.asked] == [
        ("200000000001", "eu-west-1", "query"),
        ("200000000001", "us-west-1", how["function"]),
        ("200000000001", "eu-west-1", "query"),
    ]
