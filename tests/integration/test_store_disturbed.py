# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table refuses for a while, or takes what it does not answer: a write under a condition knows itself, and counts once."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from test_store import HERE, PLAN, SCOPE, clock, locked, make, started, store

from ansible_collections.dr.aws.plugins.module_utils.amazon import guarded
from ansible_collections.dr.aws.plugins.module_utils.approvals import Approvals
from ansible_collections.dr.aws.plugins.module_utils.audit import Note
from ansible_collections.dr.aws.plugins.module_utils.errors import DrError
from ansible_collections.dr.aws.plugins.module_utils.interventions import Interventions
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
        ("TransactWriteItems", 1, lambda store, _name: started(store)),
        ("UpdateItem", 1, locked),
        ("UpdateItem", 3, taken_from_the_dead),
        ("UpdateItem", 1, lambda store, name: store.update_execution(name, ver=1, status="RUNNING")),
        ("TransactWriteItems", 1, lambda store, name: Approvals(store).request(name, "wave-1", PLAN)),
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


#: What is stored with the entry that tells of it, and the event of that entry.
TOLD: dict[str, Callable[[Store, str], Any]] = {
    "execution_resumed": lambda store, name: store.update_execution(name, Note("execution_resumed", "bob", {}), status="RUNNING"),
    "approval_requested": lambda store, name: Approvals(store).request(name, "wave-2", PLAN),
    "execution_cancel_requested": lambda store, name: Interventions(store, "bob").ask(name, "cancel", "why"),
    "approval_approved": lambda store, name: decided(store, name, "approve"),
    "approval_rejected": lambda store, name: decided(store, name, "reject"),
    "approval_timed_out": lambda store, name: Approvals(store).end(asked(store, name)),
}


def asked(store: Store, name: str) -> dict[str, Any]:
    return Approvals(store).of(name)[0]


def decided(store: Store, name: str, decision: str) -> Any:
    approvals = Approvals(store)
    return approvals.decide(name, approvals.promise(asked(store, name)), decision, "bob")


def shape(store: Store, name: str) -> tuple[str, str, int]:
    """What there is of an execution that has asked once, beside its trail."""
    requests = store.table.query(f"EXEC#{name}", "REQ#")
    return store.get_execution(name)["status"], asked(store, name)["state"], len([*Approvals(store).of(name)[1:], *requests])


@pytest.mark.parametrize("event", TOLD)
@pytest.mark.parametrize("effect", ["lose", "reset"])
def test_a_change_is_stored_with_its_entry_or_neither_is(sandbox: Any, store: Store, event: str, effect: str) -> None:
    """Its process dies at the one request that writes both."""
    name = started(store)
    Approvals(store).request(name, "wave-1", PLAN)
    before, entries = shape(store, name), len(store.audit(name))

    def dies(_seconds: float) -> None:
        raise SystemExit

    store.table.sleep = dies
    sandbox.fault(match={"service": "dynamodb", "operation": "TransactWriteItems"}, effect=effect, kth=1)
    with pytest.raises(SystemExit):
        TOLD[event](store, name)
    sandbox.clear_faults()
    taken = effect == "lose"
    assert (shape(store, name) != before) == taken
    assert [one["event_type"] for one in store.audit(name)[entries:]] == [event] * taken
    assert store.broken_audit(name) == []


@pytest.mark.parametrize("event", TOLD)
def test_a_change_without_an_answer_counts_once(sandbox: Any, store: Store, event: str) -> None:
    name = started(store)
    Approvals(store).request(name, "wave-1", PLAN)
    lose(sandbox, "TransactWriteItems")
    TOLD[event](store, name)
    assert [one["event_type"] for one in store.audit(name)][1:2] == [event]


@pytest.mark.parametrize("event", TOLD)
def test_an_entry_of_another_that_comes_first_is_followed(
    store: Store, make: Callable[[], Store], monkeypatch: pytest.MonkeyPatch, event: str
) -> None:
    """Both read the same newest entry: the change is written once, behind the other's."""
    name, other = started(store), make()
    Approvals(store).request(name, "wave-1", PLAN)
    transact = store.table.transact

    def overtaken(*writes: Any) -> None:
        monkeypatch.setattr(store.table, "transact", transact)
        other.note(name, "wave_started")
        transact(*writes)

    monkeypatch.setattr(store.table, "transact", overtaken)
    TOLD[event](store, name)
    assert [one["event_type"] for one in store.audit(name)][1:3] == ["wave_started", event]
    assert store.broken_audit(name) == []


def test_transactions_of_others_on_the_same_item_are_waited_for(
    sandbox: Any, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As AWS cancels one of two at once; and as it refuses a plain write meanwhile."""
    name, tried = started(store), list[str]()
    reasons = [{"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}, {"Code": "None"}]
    said = {"Error": {"Code": "TransactionCanceledException", "Message": "cancelled"}, "CancellationReasons": reasons}
    transact = store.table.client.transact_write_items

    def conflicts(**wanted: Any) -> Any:
        tried.append(wanted["ClientRequestToken"])
        if len(tried) < 3:
            raise ClientError(said, "TransactWriteItems")
        return transact(**wanted)

    monkeypatch.setattr(store.table.client, "transact_write_items", conflicts)
    sandbox.fault(match={"operation": "UpdateItem"}, effect="error", code="TransactionConflictException", times=2)
    assert store.update_execution(name, Note("execution_resumed", "", {}), status="RUNNING")["status"] == "RUNNING"
    assert (len(tried), len(set(tried))) == (3, 1), "a repetition is known by its token"
    assert store.update_execution(name, current_wave=1)["current_wave"] == 1


def test_a_module_whose_table_does_not_answer_names_what_comes_next(sandbox: Any, store: Store) -> None:
    said: list[str] = []
    sandbox.fault(match={"service": "dynamodb"}, effect="reset")

    def fail_json(msg: str) -> None:
        said.append(msg)
        raise SystemExit

    with pytest.raises(SystemExit):
        guarded(SimpleNamespace(fail_json=fail_json), lambda: store.get_execution("dr-1"))
    assert said[0].startswith("ConnectionClosedError: ") and said[0].endswith(". Next: run the same again")
