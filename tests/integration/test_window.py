# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The undo window in the table: who may commit what, what is refused meanwhile, and what the journal forgets of a rollback."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils import moves, rollback, window
from ansible_collections.dr.aws.plugins.module_utils.control_plane import Names, ensure
from ansible_collections.dr.aws.plugins.module_utils.dynamo import utc
from ansible_collections.dr.aws.plugins.module_utils.errors import DrError
from ansible_collections.dr.aws.plugins.module_utils.events import Notifier
from ansible_collections.dr.aws.plugins.module_utils.lock import Lock
from ansible_collections.dr.aws.plugins.module_utils.model import Call
from ansible_collections.dr.aws.plugins.module_utils.parameters import Parameters
from ansible_collections.dr.aws.plugins.module_utils.store import Journal, Store

EAST, WEST = "us-east-1", "us-west-2"
NAMES = Names.default("123456789012", WEST)
ASKED = Parameters("acme", "production", EAST, WEST, undo_window_minutes=60)
RECORD = {
    **{name: ASKED.to_json()[name] for name in ("customer", "environment", "operation", "primary_region", "dr_region")},
    "parameters": ASKED.to_json(),
    "created_by": "ann",
}
NOBODY = Notifier(None, None)
STOP = Call("ecs", "update_service", WEST, {"service": "api"}, "scale it down")


@pytest.fixture
def store(sandbox: Any) -> Store:
    clients = [sandbox.client(service, WEST) for service in ("dynamodb", "s3", "sns")]
    ensure(*clients, NAMES, WEST, sleep=sandbox.advance)
    return Store(*clients[:2], NAMES.table, NAMES.bucket, sandbox.time, sandbox.advance)


def waiting(store: Store, minutes: int = 60, **changes: Any) -> str:
    """An execution that is PAUSED in its undo window, and has moved `api`."""
    name = str(store.create_execution({**RECORD, **changes})["execution_id"])
    for status in ("RUNNING", "PAUSED"):
        store.update_execution(name, status=status)
    store.update_execution(name, uncommitted_until=utc(store.clock() + 60 * minutes))
    moves.record(store, "acme", "production", name, [("api", WEST)])
    return name


def test_a_commit_is_recorded_once_with_who_and_why(store: Store) -> None:
    name = waiting(store)
    with pytest.raises(DrError, match=rf"uncommitted until .*dr.aws.commit -e execution_id={name}; or .*dr.aws.rollback"):
        window.refuse_resume(store.get_execution(name), store.clock())
    would = window.commit(store, "bob", NOBODY, name, "it works", check_mode=True)
    assert (would["changed"], store.get_execution(name).get("committed")) == (True, None)
    done = window.commit(store, "bob", NOBODY, name, "it works")
    assert (done["changed"], done["request"]["requested_by"], done["request"]["reason"]) == (True, "bob", "it works")
    assert f"ansible-playbook dr.aws.failover -e execution_id={name}" in done["said"]
    again = window.commit(store, "eve", NOBODY, name, "")
    assert (again["changed"], again["request"]["requested_by"]) == (False, "bob")
    assert [(one["event_type"], one["actor"]) for one in store.audit(name) if one["event_type"] != "notified"] == [
        ("execution_committed", "bob")
    ]
    assert store.broken_audit(name) == []
    window.refuse_resume(store.get_execution(name), store.clock())
    status = store.status(name)
    assert (status["uncommitted_until"], status["resume"]) == (None, f"ansible-playbook dr.aws.failover -e execution_id={name}")


@pytest.mark.parametrize(("minutes", "said"), [(60, "has not begun to wait"), (0, "started without undo_window_minutes")])
def test_without_a_window_there_is_nothing_to_commit(store: Store, minutes: int, said: str) -> None:
    asked = {**RECORD["parameters"], "undo_window_minutes": minutes}
    name = str(store.create_execution({**RECORD, "parameters": asked})["execution_id"])
    with pytest.raises(DrError, match=said):
        window.commit(store, "bob", NOBODY, name, "")


def test_when_the_window_is_over_a_resume_goes_on(store: Store, sandbox: Any) -> None:
    name = waiting(store, minutes=1)
    sandbox.advance(61)
    window.refuse_resume(store.get_execution(name), store.clock())
    window.refuse_cleanup(store, Parameters("acme", "production", EAST, WEST, operation="reprotect"), ["api"])
    assert store.status(name)["resume"] == f"ansible-playbook dr.aws.failover -e execution_id={name}"


@pytest.mark.parametrize(
    ("changes", "keys", "refused"),
    [
        ({"operation": "reprotect"}, ["api", "web"], True),
        ({"operation": "reprotect"}, ["web"], False),
        ({"operation": "failover"}, ["api"], True),
        ({"operation": "failover", "phases": ("instantiate", "activate")}, ["api"], False),
        ({"operation": "failback"}, ["api"], False),
        ({"operation": "test"}, ["api"], False),
        ({"operation": "reprotect", "environment": "staging"}, ["api"], False),
    ],
)
def test_the_old_side_of_what_is_uncommitted_is_left_alone(
    store: Store, changes: dict[str, Any], keys: list[str], refused: bool
) -> None:
    name = waiting(store)
    asked = Parameters(**{"customer": "acme", "environment": "production", "primary_region": EAST, "dr_region": WEST, **changes})
    if refused:
        with pytest.raises(DrError, match=rf"{name} is uncommitted until .* the old side of api is not touched"):
            window.refuse_cleanup(store, asked, keys)
    else:
        window.refuse_cleanup(store, asked, keys)
    window.commit(store, "bob", NOBODY, name, "")
    window.refuse_cleanup(store, asked, keys)


def test_what_was_rolled_back_is_not_recorded_as_activated_any_more(store: Store) -> None:
    """Its items are kept aside; the status lists it until it is activated again."""
    name = str(store.create_execution({**RECORD, "resource_count": 2})["execution_id"])
    lock = Lock(store)
    fence = lock.acquire("acme", "production", owner=name, runner="elsewhere:1:100")
    journal = Journal(store, name, fence, lock, "ann", {"started_at": utc(store.clock())})
    journal.known("activate")
    journal.intend([("api", "activate", STOP)])
    journal.outcome([("api", "activate", STOP, "accepted", "")])
    journal.finish([(key, phase, "done", {}) for key in ("api", "web") for phase in ("instantiate", "activate")])
    journal.reopen("activate", ["api"], rollback.UNDOING)
    assert rollback.begun(journal.known("activate")["api"]), "killed here, a rollback goes on, and a resume activates it"
    journal.finish([("api", "rollback", "done", {})])
    journal.put_aside(rollback.UNDONE_PHASES, ["api"])
    assert set(journal.known("activate")) == set(journal.known("instantiate")) == {"web"}
    assert {item["SK"].split("#")[3] for item in store.table.query(f"EXEC#{name}", "ASIDE#")} == {"activate", "instantiate"}
    store.update_execution(name, rollbacks=[{"number": 1, "state": "ended"}])
    journal.progress("rollback", 1)
    status = store.status(name)
    assert [one["resource"] for one in status["rolled_back"]] == ["api"]
    assert status["counts"]["activate"] == {"done": 1}
    journal.put_aside(["rollback"], ["api"])
    assert store.status(name)["rolled_back"] == []


def test_what_is_uncommitted_and_what_came_on_top_is_found_behind_everything_that_a_schedule_adds(
    store: Store, sandbox: Any
) -> None:
    name = waiting(store)
    later = str(store.create_execution({**RECORD, "operation": "reprotect"})["execution_id"])
    lock = Lock(store)
    fence = lock.acquire("acme", "production", owner=later, runner="elsewhere:1:100")
    Journal(store, later, fence, lock).intend([("api", "cleanup", STOP)])
    sandbox.advance(60)
    for _number in range(101):
        store.create_execution({**RECORD, "operation": "reprotect"})
    with pytest.raises(DrError, match=f"{name} is uncommitted"):
        window.refuse_cleanup(store, Parameters("acme", "production", EAST, WEST, operation="reprotect"), ["api"])
    past = rollback.gone_past(store, store.get_execution(name), Journal(store, name, 0, Lock(store)))
    assert later in past["api"]


def test_what_something_was_done_on_top_of_cannot_be_taken_back(store: Store) -> None:
    name = str(store.create_execution(RECORD)["execution_id"])
    later = str(store.create_execution({**RECORD, "operation": "reprotect"})["execution_id"])
    drill = str(store.create_execution({**RECORD, "operation": "test"})["execution_id"])
    lock = Lock(store)
    fence = lock.acquire("acme", "production", owner=later, runner="elsewhere:1:100")
    Journal(store, later, fence, lock).intend([("api", "cleanup", STOP)])
    for execution, key in ((name, "web"), (drill, "db")):
        lock.release()
        fence = lock.acquire("acme", "production", owner=execution, runner="elsewhere:1:100")
        Journal(store, execution, fence, lock).intend([(key, "cleanup", STOP)])
    past = rollback.gone_past(store, store.get_execution(name), Journal(store, name, 0, Lock(store)))
    assert set(past) == {"api", "web"}
    assert later in past["api"] and "this execution" in past["web"]
