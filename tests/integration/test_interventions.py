# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people may ask of an execution, in which state, and what becomes of it, in the table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils import pauses
from ansible_collections.dr.aws.plugins.module_utils.approvals import Approvals
from ansible_collections.dr.aws.plugins.module_utils.control_plane import Names, ensure, find_topic
from ansible_collections.dr.aws.plugins.module_utils.errors import DrError, InputError
from ansible_collections.dr.aws.plugins.module_utils.events import Notifier
from ansible_collections.dr.aws.plugins.module_utils.interventions import (
    ALLOWED,
    LEADS_TO,
    Interventions,
    requests,
    skips,
    unskipped,
)
from ansible_collections.dr.aws.plugins.module_utils.lock import Lock
from ansible_collections.dr.aws.plugins.module_utils.store import Journal, Store

REGION = "us-west-2"
NAMES = Names.default("123456789012", REGION)
RECORD = {"customer": "acme", "environment": "production", "operation": "failover", "created_by": "ann", "resource_count": 2}
ENTRIES = [{"key": "db", "state": "todo"}, {"key": "api", "state": "todo"}]
PLAN = {
    "plan": {"pairs": [], "batches": [{"phase": phase, "wave": 1, "entries": ENTRIES} for phase in ("instantiate", "activate")]}
}
#: The changes of state that lead to one.
PATHS = {
    "PENDING": (),
    "RUNNING": ("RUNNING",),
    "PAUSED": ("RUNNING", "PAUSED"),
    "FAILED": ("RUNNING", "FAILED"),
    "CANCELLED": ("CANCELLED",),
    "COMPLETED": ("RUNNING", "COMPLETED"),
}


@pytest.fixture
def store(sandbox: Any) -> Store:
    clients = [sandbox.client(service, REGION) for service in ("dynamodb", "s3", "sns")]
    ensure(*clients, NAMES, REGION, sleep=sandbox.advance)
    return Store(*clients[:2], NAMES.table, NAMES.bucket, sandbox.time, sandbox.advance)


def started(store: Store, status: str = "RUNNING", **changes: Any) -> str:
    """An execution in a state. One that is RUNNING has a runner on another host, whose lease is not over."""
    name = str(store.create_execution({**RECORD, **changes})["execution_id"])
    store.put_plan(name, PLAN)
    for step in PATHS[status]:
        store.update_execution(name, status=step)
    if status == "RUNNING":
        Lock(store).acquire("acme", "production", owner=name, runner="elsewhere:1:100")
    return name


@pytest.mark.parametrize("status", PATHS)
@pytest.mark.parametrize("verb", ALLOWED)
def test_each_verb_is_taken_where_it_means_something_and_refused_elsewhere(store: Store, verb: str, status: str) -> None:
    name = started(store, status)
    people = Interventions(store, "bob")
    if status not in ALLOWED[verb]:
        with pytest.raises(DrError, match=f"is {status}: {verb} is possible while it is one of {ALLOWED[verb][0]}"):
            people.ask(name, verb, "why not", "api")
        assert store.audit(name) == []
        return
    changed = status != LEADS_TO.get(verb)
    assert people.ask(name, verb, "why not", "api", check_mode=True)["changed"] is changed
    assert requests(store, name) == []
    assert people.ask(name, verb, "why not", "api")["changed"] is changed
    again = people.ask(name, verb, "something else", "api")
    assert not again["changed"]
    made = requests(store, name)
    assert [(one["reason"], one["requested_by"]) for one in made] == ([("why not", "bob")] if changed else [])
    asked = [entry for entry in store.audit(name) if entry["event_type"] == f"execution_{verb}_requested"]
    assert [entry["actor"] for entry in asked] == (["bob"] if changed else [])
    assert store.broken_audit(name) == []


@pytest.mark.parametrize(("status", "at_once"), [("RUNNING", False), ("PENDING", True), ("PAUSED", True), ("FAILED", True)])
def test_what_nothing_carries_out_is_cancelled_at_once(store: Store, status: str, at_once: bool) -> None:
    name = started(store, status)
    asked = Interventions(store, "bob").ask(name, "cancel", "enough")
    assert (asked["request"]["state"], store.get_execution(name)["status"]) == (
        ("taken", "CANCELLED") if at_once else ("open", "RUNNING")
    )


def test_a_run_that_died_before_it_saw_the_request_is_cancelled_by_asking_again(store: Store, sandbox: Any) -> None:
    name = started(store)
    people = Interventions(store, "bob")
    people.ask(name, "cancel", "enough")
    sandbox.advance(600)
    assert store.status(name)["interrupted"]
    assert people.ask(name, "cancel", "")["said"].startswith(f"execution {name} is CANCELLED")
    assert "enough" in store.get_execution(name)["reason"]
    assert [one["state"] for one in store.status(name)["requests"]] == ["taken"]


@pytest.mark.parametrize(("verb", "resource"), [("pause", ""), ("skip", "api")])
def test_what_stands_can_be_taken_back_and_asked_for_again(store: Store, verb: str, resource: str) -> None:
    name = started(store)
    people = Interventions(store, "bob")
    with pytest.raises(DrError, match="in execution"):
        people.undo(name, verb, "", resource)
    people.ask(name, verb, "wait", resource)
    assert people.undo(name, verb, "", resource, check_mode=True)["changed"]
    assert [one["state"] for one in requests(store, name)] in (["open"], ["standing"])
    back = people.undo(name, verb, "no", resource)
    assert (back["changed"], back["request"]["state"]) == (True, "withdrawn")
    assert (skips(store, name, ["api"]), unskipped(store, name, ["api", "db"])) == ({}, {"api"} if resource else set())
    with pytest.raises(DrError):
        people.undo(name, verb, "", resource)
    assert people.ask(name, verb, "wait again", resource)["changed"]
    assert sorted(one["state"] for one in requests(store, name)) in (["open", "withdrawn"], ["standing", "withdrawn"])
    assert (list(skips(store, name, ["api"])), unskipped(store, name, ["api"])) == (["api"] if resource else [], set())
    wanted = [f"execution_{verb}_{what}" for what in ("requested", "withdrawn", "requested")]
    assert [entry["event_type"] for entry in store.audit(name) if entry["event_type"] in wanted] == wanted


def test_what_cannot_be_taken_back(store: Store) -> None:
    name = started(store)
    people = Interventions(store, "bob")
    people.ask(name, "cancel", "enough")
    with pytest.raises(InputError, match="pause or skip"):
        people.undo(name, "cancel", "")
    ended = started(store, "COMPLETED")
    with pytest.raises(DrError, match="is COMPLETED: there is nothing in it"):
        people.undo(ended, "skip", "", "api")


@pytest.mark.parametrize("minutes", [0, -1, 1441])
def test_how_long_a_pause_may_wait(store: Store, minutes: int) -> None:
    name = started(store)
    with pytest.raises(InputError, match="from 1 to 1440"):
        Interventions(store, "bob").ask(name, "pause", "", timeout_minutes=minutes)
    assert requests(store, name) == []


@pytest.mark.parametrize(
    ("status", "ends"), [("RUNNING", "RUNNING"), ("PAUSED", "CANCELLED"), ("FAILED", "CANCELLED"), ("COMPLETED", "COMPLETED")]
)
def test_a_rejection_cancels_what_no_run_carries_out(store: Store, status: str, ends: str) -> None:
    name = started(store, status)
    said = Interventions(store, "bob").rejected(name, "pause-0001")
    assert store.get_execution(name)["status"] == ends
    assert ("is CANCELLED" in said) == (ends == "CANCELLED")
    cancelled = [one["actor"] for one in store.audit(name) if one["event_type"] == "execution_cancelled"]
    assert cancelled == (["bob"] if ends == "CANCELLED" else [])


class Told(Notifier):
    """Takes the notifications."""

    def __init__(self) -> None:
        super().__init__(None, None)
        self.events: list[str] = []

    def send(self, event: str, execution: Mapping[str, Any], **told: Any) -> dict[str, Any]:
        self.events.append(event)
        return super().send(event, execution, **told)


def test_a_pause_that_nobody_decides_alerts_once_and_approves_nothing(store: Store, sandbox: Any) -> None:
    name = started(store, "PAUSED", plan_sha256="a1")
    approvals, told = Approvals(store), Told()
    asked = approvals.request(name, "pause-0001", "a1", timeout_seconds=60)

    def look(status: str = "PAUSED") -> bool:
        return pauses.alert(store, told, {**store.get_execution(name), "status": status}, lambda: "eve")

    assert not look()
    sandbox.advance(61)
    assert not look("RUNNING"), "a run that waits sees it itself"
    assert (look(), look(), told.events) == (True, False, ["pause_timed_out"])
    assert store.get_execution(name)["status"] == "PAUSED"
    with pytest.raises(DrError, match="timed_out already"):
        approvals.decide(name, asked.token, "approve", "ann")
    standing = pauses.unanswered(approvals.of(name))
    assert standing and standing["state"] == "timed_out"
    events = [entry["event_type"] for entry in store.audit(name)]
    assert events == ["approval_requested", "approval_timed_out", "notified"]


def test_whoever_may_only_read_leaves_the_alert_to_the_next(store: Store, sandbox: Any) -> None:
    name = started(store, "PAUSED", plan_sha256="a1")
    Approvals(store).request(name, "pause-0001", "a1", timeout_seconds=60)
    sandbox.advance(61)
    denied = sandbox.fault(match={"operation": "TransactWriteItems"}, effect="error", code="AccessDeniedException", message="no")
    told = Told()
    assert not pauses.alert(store, told, store.get_execution(name), lambda: "eve")
    sandbox.gateway.faults.remove(denied)
    assert pauses.alert(store, told, store.get_execution(name), lambda: "ann")
    assert told.events == ["pause_timed_out"]


def test_what_can_be_skipped(store: Store, sandbox: Any) -> None:
    name = started(store)
    sns = sandbox.client("sns", REGION)
    people = Interventions(store, "bob", Notifier(sns, find_topic(sns, NAMES.topic)))
    for resource, reason, field in (("nothing", "why", "resource"), ("", "why", "resource"), ("api", " ", "reason")):
        with pytest.raises(InputError) as caught:
            people.ask(name, "skip", reason, resource)
        assert caught.value.field == field
    lock = Lock(store)
    lock.attach("acme", "production", name, 1)
    journal = Journal(store, name, lock.fence, lock, "ann")
    journal.finish([("db", phase, "done", {"outputs": {}}) for phase in ("instantiate", "activate")])
    with pytest.raises(DrError, match="db is done in every phase"):
        people.ask(name, "skip", "why", "db")
    people.ask(name, "skip", "by hand", "api")
    assert list(skips(store, name, ["db", "api"])) == ["api"]
    assert skips(store, name, ["db"]) == {}
    (told,) = [call["params"]["Message"] for call in sandbox.calls(service="sns", operation="Publish")]
    assert "nothing more of api begins" in told and "reason:       by hand" in told and "failed" not in told


def test_an_unknown_execution_and_an_unknown_verb_are_named(store: Store) -> None:
    with pytest.raises(DrError, match="is not known"):
        Interventions(store, "bob").ask("dr-20261128T163000Z-7f3a9c", "pause", "")
    with pytest.raises(InputError):
        Interventions(store, "bob").ask(started(store), "stop", "")


def test_a_cancelled_drill_says_how_its_copies_are_removed(store: Store) -> None:
    name = started(store, "PAUSED", operation="test")
    said = Interventions(store, "bob").ask(name, "cancel", "")["said"]
    command = f"ansible-playbook dr.aws.test -e execution_id={name} -e cleanup=true"
    assert command in said
    assert store.status(name)["resume"] == command
