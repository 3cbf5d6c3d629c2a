# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table refuses for a while, or takes what it does not answer: a write under a condition knows itself, and counts once."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from test_store import HERE, PLAN, SCOPE, clock, locked, make, started, store

from ansible_collections.dr.aws.plugins.module_utils.amazon import guarded
from ansible_collections.dr.aws.plugins.module_utils.approvals import ApprovalRefusedError, Approvals
from ansible_collections.dr.aws.plugins.module_utils.errors import DrError
from ansible_collections.dr.aws.plugins.module_utils.lock import Lock, LockHeldError
from ansible_collections.dr.aws.plugins.module_utils.store import Store

__all__ = ["clock", "make", "store"]


def lose(sandbox: Any, operation: str, number: int = 1) -> None:
    """The table takes the n-th request of this kind from now, and nobody hears of it."""
    sandbox.fault(match={"service": "dynamodb", "operation": operation}, effect="lose", kth=number)


def taken_from_the_dead(store: Store, name: str) -> int:
    locked(store, name, 1)
    return Lock(store, host=HERE, started=lambda _pid: "").acquire(*SCOPE, owner=name, runner=f"{HERE}:2:100")


@pytest.mark.parametrize("code", ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"])
def test_a_table_that_refuses_for_seconds_is_waited_for(sandbox: Any, store: Store, code: str) -> None:
    sandbox.fault(match={"service": "dynamodb"}, effect="error", code=code, times=5)
    name = started(store)
    assert store.get_execution(name)["status"] == "PENDING"


def test_a_table_without_an_answer_is_asked_three_times_more(sandbox: Any, store: Store) -> None:
    name = started(store)
    began = sandbox.time()
    sandbox.fault(match={"service": "dynamodb"}, effect="http", status=500, times=3)
    assert store.get_execution(name)["status"] == "PENDING"
    assert sandbox.time() - began >= 1 + 2 + 4


def test_a_table_that_refuses_for_long_stops_the_run_and_says_so(sandbox: Any, store: Store) -> None:
    name = started(store)
    sandbox.fault(match={"service": "dynamodb"}, effect="error", code="ProvisionedThroughputExceededException")
    with pytest.raises(DrError, match=r"dr-aws-state is throttled: get_item was refused for 12 s.*then resume"):
        store.get_execution(name)


@pytest.mark.parametrize(
    ("operation", "number", "write"),
    [
        ("PutItem", 1, lambda store, _name: started(store)),
        ("UpdateItem", 1, locked),
        ("UpdateItem", 3, taken_from_the_dead),
        ("UpdateItem", 1, lambda store, name: store.update_execution(name, ver=1, status="RUNNING")),
        ("PutItem", 1, lambda store, name: Approvals(store).request(name, "wave-1", PLAN)),
    ],
    ids=["execution", "lock", "lock of a dead runner", "state", "request for approval"],
)
def test_nobody_takes_its_own_write_for_that_of_another(
    sandbox: Any, store: Store, operation: str, number: int, write: Callable[[Store, str], Any]
) -> None:
    name = started(store)
    lose(sandbox, operation, number)
    assert write(store, name)
    assert [row["outcome"] for row in sandbox.calls(service="dynamodb", operation=operation)].count("fault:no answer") == 1


def test_another_ones_write_stays_another_ones(sandbox: Any, store: Store, make: Callable[[], Store]) -> None:
    """The request is lost on its way, and somebody else is faster."""
    name, other = started(store), make()

    def overtaken(_seconds: float) -> None:
        sandbox.clear_faults()
        locked(other, "dr-other", 2)

    store.table.sleep = overtaken
    sandbox.fault(match={"service": "dynamodb"}, effect="reset", times=1)
    lock = Lock(store, host=HERE, started=lambda _pid: "100")
    with pytest.raises(LockHeldError, match="dr-other"):
        lock.acquire(*SCOPE, owner=name, runner=f"{HERE}:1:100")


def test_an_entry_of_the_trail_is_written_once(sandbox: Any, store: Store) -> None:
    name = started(store)
    lose(sandbox, "PutItem")
    store.note(name, "wave_started")
    store.note(name, "wave_ended")
    assert [one["event_type"] for one in store.audit(name)] == ["wave_started", "wave_ended"]
    assert store.broken_audit(name) == []


def test_a_decision_without_an_answer_counts_and_is_in_the_trail(sandbox: Any, store: Store) -> None:
    name = started(store)
    request = Approvals(store).request(name, "wave-1", PLAN)
    lose(sandbox, "UpdateItem")
    assert Approvals(store).decide(name, request.token, "approve", "bob")["state"] == "approved"
    assert [one["event_type"] for one in store.audit(name)] == ["approval_requested", "approval_approved"]


@pytest.mark.parametrize(("decision", "event"), [("approve", "approval_approved"), ("reject", "approval_rejected")])
def test_a_decision_whose_command_died_before_its_entry_is_told_by_the_next(
    store: Store, monkeypatch: pytest.MonkeyPatch, decision: str, event: str
) -> None:
    """By whoever decided; nobody else can make an entry of it, and it counts once."""
    name, approvals = started(store), Approvals(store)
    request = approvals.request(name, "wave-1", PLAN)
    with monkeypatch.context() as patch:
        patch.delattr(Store, "note")
        with pytest.raises(AttributeError):
            approvals.decide(name, request.token, decision, "bob")
    with pytest.raises(ApprovalRefusedError):
        approvals.decide(name, request.token, decision, "eve")
    assert approvals.decide(name, request.token, decision, "bob")["approver"] == "bob"
    with pytest.raises(ApprovalRefusedError, match="already by bob"):
        approvals.decide(name, request.token, decision, "bob")
    assert [(one["event_type"], one["actor"]) for one in store.audit(name)][1:] == [(event, "bob")]


def test_a_module_whose_table_does_not_answer_names_what_comes_next(sandbox: Any, store: Store) -> None:
    said: list[str] = []
    sandbox.fault(match={"service": "dynamodb"}, effect="reset")

    def fail_json(msg: str) -> None:
        said.append(msg)
        raise SystemExit

    with pytest.raises(SystemExit):
        guarded(SimpleNamespace(fail_json=fail_json), lambda: store.get_execution("dr-1"))
    assert said[0].startswith("ConnectionClosedError: ") and said[0].endswith(". Next: run the same again")
