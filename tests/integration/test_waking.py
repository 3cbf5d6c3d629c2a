# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A state machine that waits for people is woken when there is something to look at, and by nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from test_store import PLAN, Time, plane, started

from ansible_collections.dr.aws.plugins.module_utils.approvals import Approvals
from ansible_collections.dr.aws.plugins.module_utils.control_plane import Names
from ansible_collections.dr.aws.plugins.module_utils.interventions import Interventions
from ansible_collections.dr.aws.plugins.module_utils.lock import Lock
from ansible_collections.dr.aws.plugins.module_utils.report.facts import build
from ansible_collections.dr.aws.plugins.module_utils.report.reading import read
from ansible_collections.dr.aws.plugins.module_utils.store import Store
from ansible_collections.dr.aws.plugins.module_utils.waking import wake

REGION = "us-west-2"
NAMES = Names.default("123456789012", REGION)
ANN, BOB, EVE = (f"arn:aws:iam::123456789012:user/{name}" for name in ("ann", "bob", "eve"))
TOKEN = "AQCUAAAAKgAAAAMAAAAAAAAAAdr-task-token"
SUCCESS, FAILURE = "SendTaskSuccess", "SendTaskFailure"


class Waiting:
    """An execution whose state machine waits for an approval. answer: what Step Functions says to whoever wakes it."""

    def __init__(self, sandbox: Any) -> None:
        self.sandbox, self.clock = sandbox, Time()
        plane(sandbox)
        self.store = Store(sandbox.client("dynamodb", REGION), sandbox.client("s3", REGION), NAMES.table, NAMES.bucket, self.clock)
        self.states = sandbox.client("stepfunctions", REGION)
        self.name = started(self.store)
        self.store.update_execution(self.name, status="RUNNING")
        Lock(self.store).join("acme", "production", owner=self.name, runner="machine#0", lease_seconds=7200)
        self.asked = Approvals(self.store).request(self.name, "activate-1", PLAN, requester=ANN, needed=2)
        self.left(TOKEN)

    def left(self, token: str) -> None:
        """The state machine waits, with this token."""
        self.store.table.update(f"EXEC#{self.name}", self.asked.sort_key, {"wake": token})

    def answer(self, code: str, message: str) -> None:
        """Step Functions refuses what it is sent."""
        self.sandbox.fault(match={"service": "stepfunctions"}, effect="error", code=code, message=message, status=400)

    def wake(self, who: str = BOB) -> str:
        """As whoever has decided, or asked for something."""
        return wake(self.store, lambda: self.states, self.name, who)

    def sent(self) -> list[tuple[str, dict[str, Any]]]:
        """What Step Functions was sent."""
        return [(one["operation"], one["params"]) for one in self.sandbox.calls(service="stepfunctions")]

    def token(self) -> str:
        """What is still left with the approval; "" for nothing."""
        return str((self.store.table.get(f"EXEC#{self.name}", self.asked.sort_key) or {}).get("wake", ""))

    def decide(self, decision: str, who: str = BOB) -> None:
        """With the approval's own token."""
        Approvals(self.store).decide(self.name, self.asked.token, decision, who)

    def ask(self, verb: str) -> None:
        """A request of a person."""
        Interventions(self.store, EVE).ask(self.name, verb, "why not")

    def time_out(self) -> None:
        """Nobody decides."""
        self.clock.now += 7000
        (item,) = Approvals(self.store).of(self.name)
        Approvals(self.store).end(item)


@pytest.fixture
def waiting(sandbox: Any) -> Waiting:
    return Waiting(sandbox)


@pytest.mark.parametrize(
    ("done", "sent"),
    [
        (lambda one: None, ""),
        (lambda one: one.decide("approve"), ""),  # one of two
        (lambda one: (one.decide("approve"), one.decide("approve", EVE)), SUCCESS),
        (lambda one: one.decide("reject"), FAILURE),
        (lambda one: one.time_out(), SUCCESS),
        (lambda one: one.ask("cancel"), SUCCESS),
        (lambda one: one.ask("pause"), SUCCESS),
    ],
    ids=["nothing", "one-of-two", "approved", "rejected", "timed-out", "cancel", "pause"],
)
def test_it_is_woken_for_what_there_is_to_look_at(waiting: Waiting, done: Callable[[Waiting], Any], sent: str) -> None:
    waiting.answer("TaskTimedOut", "Task Timed Out")
    done(waiting)
    assert waiting.wake() == ""
    assert [operation for operation, _params in waiting.sent()] == ([sent] if sent else [])
    assert all(params["taskToken"] == TOKEN for _operation, params in waiting.sent())
    assert waiting.token() == ("" if sent else TOKEN), "it is woken once"


def test_it_is_told_nothing_that_approves(waiting: Waiting) -> None:
    waiting.answer("TaskTimedOut", "Task Timed Out")
    waiting.decide("approve")
    waiting.decide("approve", EVE)
    waiting.wake()
    assert waiting.sent() == [(SUCCESS, {"taskToken": TOKEN, "output": "{}"})]


def test_a_rejection_is_an_error_that_the_state_machine_knows(waiting: Waiting) -> None:
    waiting.answer("TaskTimedOut", "Task Timed Out")
    waiting.decide("reject")
    waiting.wake()
    ((_operation, told),) = waiting.sent()
    assert (told["error"], told["cause"]) == ("Rejected", f"activate-1 was rejected by {BOB}")


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_that_nothing_waits_any_more_is_no_failure(waiting: Waiting, code: str) -> None:
    waiting.answer(code, "gone")
    waiting.decide("reject")
    before = len(waiting.store.audit(waiting.name))
    assert (waiting.wake(), waiting.token()) == ("", "")
    assert len(waiting.store.audit(waiting.name)) == before


def test_what_is_refused_is_said_and_recorded_and_stays_decided(waiting: Waiting) -> None:
    waiting.answer("AccessDeniedException", f"not authorized to perform: states:SendTaskFailure with {TOKEN}")
    waiting.decide("reject")
    assert waiting.wake().startswith("the state machine was not woken and looks by itself in some minutes: AccessDeniedException")
    entry = waiting.store.audit(waiting.name)[-1]
    assert (entry["event_type"], entry["actor"], entry["detail"]["gate"]) == ("wake_failed", BOB, "activate-1")
    assert "states:SendTaskFailure" in entry["detail"]["why"] and TOKEN not in json.dumps(entry)
    assert waiting.token() == TOKEN, "the next decision, or request, tries again"
    assert waiting.store.status(waiting.name)["approvals"][0]["state"] == "rejected"


def test_the_token_of_a_newer_wait_stays(waiting: Waiting, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine has looked by itself, and waits again, while the token of its earlier wait is sent."""
    send = waiting.states.send_task_success

    def late(**told: Any) -> Any:
        waiting.left("newer")
        return send(**told)

    monkeypatch.setattr(waiting.states, "send_task_success", late)
    waiting.answer("TaskTimedOut", "Task Timed Out")
    waiting.ask("cancel")
    assert (waiting.wake(), waiting.token()) == ("", "newer")


def test_nobody_is_shown_the_token(waiting: Waiting) -> None:
    waiting.decide("approve")
    status = waiting.store.status(waiting.name, limit=None)
    assert status["approvals"], "there is an approval, with a machine that waits for it"
    shown = [status, waiting.store.audit(waiting.name), build(read(waiting.store, waiting.name))]
    assert TOKEN not in json.dumps(shown, default=str)
