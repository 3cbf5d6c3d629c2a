# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control plane against the sandbox: who wins a race, who is refused, what outlives a process."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils import drilled, snapshot
from ansible_collections.dr.aws.plugins.module_utils.approvals import ApprovalRefusedError, Approvals, Request
from ansible_collections.dr.aws.plugins.module_utils.control_plane import INDEXES, Names, ensure
from ansible_collections.dr.aws.plugins.module_utils.dynamo import utc
from ansible_collections.dr.aws.plugins.module_utils.errors import DrError, InputError
from ansible_collections.dr.aws.plugins.module_utils.events import Notifier
from ansible_collections.dr.aws.plugins.module_utils.model import PHASES, Call
from ansible_collections.dr.aws.plugins.module_utils.objectives import tally
from ansible_collections.dr.aws.plugins.module_utils.store import TRANSITIONS, Journal, LeaseLostError, Lock, LockHeldError, Store
from ansible_collections.dr.aws.plugins.modules.snapshot import write

REGION = "us-west-2"
NAMES = Names.default("123456789012", REGION)
SCOPE = ("acme", "production")
PLAN = "ab" * 32
RECORD = {
    "customer": "acme",
    "environment": "production",
    "operation": "failover",
    "mode": "planned",
    "primary_region": "us-east-1",
    "dr_region": REGION,
    "created_by": "arn:aws:iam::123456789012:user/ann",
    "plan_sha256": PLAN,
    "resource_count": 2,
    "planned": {"activate": {"1": 2}},
    "already": {},
    "expected_seconds": 600,
}
PROMOTE = Call("rds", "promote_read_replica", REGION, {"DBInstanceIdentifier": "db"}, "promote the replica", one_way=True)
HERE = "hub/1"


class Time:
    """Epoch seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1_796_000_000.0

    def __call__(self) -> float:
        return self.now


def plane(sandbox: Any, **options: Any) -> Any:
    clients = [sandbox.client(service, REGION) for service in ("dynamodb", "s3", "sns")]
    return ensure(*clients, NAMES, REGION, sleep=sandbox.advance, **options)


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def make(sandbox: Any, clock: Time) -> Callable[[], Store]:
    """Stores as different processes have them: clients of their own on one control plane."""
    plane(sandbox)
    return lambda: Store(
        sandbox.client("dynamodb", REGION), sandbox.client("s3", REGION), NAMES.table, NAMES.bucket, clock, sandbox.advance
    )


@pytest.fixture
def store(make: Callable[[], Store]) -> Store:
    return make()


def started(store: Store, **changes: Any) -> str:
    return str(store.create_execution({**RECORD, **changes})["execution_id"])


def locked(store: Store, owner: str, pid: int = 1) -> Lock:
    lock = Lock(store, host=HERE, started=lambda _pid: "")
    lock.acquire(*SCOPE, owner=owner, runner=f"{HERE}:{pid}:100", lease_seconds=60)
    return lock


def journal(store: Store, owner: str, pid: int = 1) -> Journal:
    lock = locked(store, owner, pid)
    return Journal(store, owner, lock.fence, lock, "ann")


# The control plane itself


def test_the_control_plane_is_made_once(sandbox: Any) -> None:
    would = plane(sandbox, apply=False)
    assert would.changed and would.topic_arn is None
    assert sandbox.calls(mutating=True) == []
    made = plane(sandbox)
    assert made.changes == would.changes
    before = len(sandbox.calls(mutating=True))
    again = plane(sandbox)
    assert (again.changes, again.topic_arn) == ((), made.topic_arn)
    assert len(sandbox.calls(mutating=True)) == before


def test_the_control_plane_is_as_it_must_be(sandbox: Any) -> None:
    made = plane(sandbox)
    dynamodb, s3 = sandbox.client("dynamodb", REGION), sandbox.client("s3", REGION)
    table = dynamodb.describe_table(TableName=NAMES.table)["Table"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["DeletionProtectionEnabled"]
    assert {one["IndexName"] for one in table["GlobalSecondaryIndexes"]} == set(INDEXES)
    backups = dynamodb.describe_continuous_backups(TableName=NAMES.table)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert dynamodb.describe_time_to_live(TableName=NAMES.table)["TimeToLiveDescription"]["AttributeName"] == "expires_at"
    assert s3.get_bucket_versioning(Bucket=NAMES.bucket)["Status"] == "Enabled"
    assert all(s3.get_public_access_block(Bucket=NAMES.bucket)["PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_encryption(Bucket=NAMES.bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert made.topic_arn.endswith(":dr-aws-events")


def test_what_was_switched_off_by_hand_is_switched_on_again(sandbox: Any) -> None:
    made = plane(sandbox)
    dynamodb, s3 = sandbox.client("dynamodb", REGION), sandbox.client("s3", REGION)
    s3.put_bucket_versioning(Bucket=NAMES.bucket, VersioningConfiguration={"Status": "Suspended"})
    s3.delete_public_access_block(Bucket=NAMES.bucket)
    dynamodb.update_continuous_backups(
        TableName=NAMES.table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    sandbox.client("sns", REGION).set_topic_attributes(TopicArn=made.topic_arn, AttributeName="KmsMasterKeyId", AttributeValue="")
    repaired = plane(sandbox)
    assert repaired.changes == (
        f"enable point-in-time recovery of table {NAMES.table}",
        f"version bucket {NAMES.bucket}",
        f"block public access to bucket {NAMES.bucket}",
        f"encrypt topic {NAMES.topic}",
    )
    assert plane(sandbox).changes == ()


def test_a_table_of_somebody_else_is_refused(sandbox: Any) -> None:
    sandbox.client("dynamodb", REGION).create_table(
        TableName=NAMES.table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )
    with pytest.raises(DrError, match="has the keys"):
        plane(sandbox)


def test_a_missing_table_and_bucket_say_what_to_do(sandbox: Any) -> None:
    store = Store(sandbox.client("dynamodb", REGION), sandbox.client("s3", REGION), NAMES.table, NAMES.bucket)
    with pytest.raises(DrError, match=r"does not exist. Next: ansible-playbook dr.aws.control_plane"):
        store.get_execution("dr-1")
    with pytest.raises(DrError, match=r"bucket .* does not exist. Next: ansible-playbook dr.aws.control_plane"):
        store.put_object("a", b"{}")


# The lock


def test_of_two_at_once_one_wins_and_the_other_is_told_who(make: Callable[[], Store]) -> None:
    barrier, outcomes = threading.Barrier(2), {}

    def run(owner: str) -> None:
        lock = Lock(make(), host=HERE, started=lambda _pid: "")
        barrier.wait()
        try:
            outcomes[owner] = lock.acquire(*SCOPE, owner=owner, runner=f"{HERE}:{owner}:1")
        except LockHeldError as error:
            outcomes[owner] = error

    threads = [threading.Thread(target=run, args=(owner,)) for owner in ("dr-a", "dr-b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winner, loser = sorted(outcomes, key=lambda owner: isinstance(outcomes[owner], LockHeldError))
    assert outcomes[winner] == 1
    refused = outcomes[loser]
    assert refused.holder["execution_id"] == winner
    assert all(
        part in str(refused) for part in (winner, f"{HERE}:{winner}:1", "lease ends", f"dr.aws.status -e execution_id={winner}")
    )


def test_another_customer_has_another_lock(store: Store) -> None:
    locked(store, "dr-a")
    assert Lock(store).acquire("acme", "staging", owner="dr-b", runner="h:1:1") == 1
    assert Lock(store).acquire("shop", "production", owner="dr-c", runner="h:1:1") == 1


def test_the_lease_ends_and_the_fence_rises(store: Store, clock: Time) -> None:
    started(store, execution_id="dr-a")
    old = locked(store, "dr-a")
    clock.now += 59
    with pytest.raises(LockHeldError):
        locked(store, "dr-b")
    clock.now += 1
    new = locked(store, "dr-b")
    assert (old.fence, new.fence) == (1, 2)
    for refused in (old.renew, old.check):
        with pytest.raises(LeaseLostError, match="dr-b"):
            refused()
    assert not old.release()
    new.check()


def test_renewing_keeps_it(store: Store, clock: Time) -> None:
    started(store, execution_id="dr-a")
    lock = locked(store, "dr-a")
    for _time in range(5):
        clock.now += 50
        lock.renew()
    with pytest.raises(LockHeldError):
        locked(store, "dr-b")


def test_a_released_lock_is_free_at_once_and_fences_what_came_before(store: Store) -> None:
    first = locked(store, "dr-a")
    assert first.release()
    assert locked(store, "dr-b").fence == 2


@pytest.mark.parametrize(
    ("owner", "old", "alive", "states", "fence"),
    [
        ("dr-a", f"{HERE}:1:100", False, ("RUNNING",), 2),  # the same execution, its runner is proven dead
        ("dr-a", f"{HERE}:1:100", True, ("RUNNING",), None),  # … is alive
        ("dr-a", "elsewhere/1:1:100", False, ("RUNNING",), None),  # … cannot be seen from here
        ("dr-b", f"{HERE}:1:100", False, ("RUNNING",), None),  # another execution waits for the lease
        ("dr-b", f"{HERE}:1:100", False, (), None),  # … also when its own runner died just after it was recorded
        ("dr-b", f"{HERE}:1:100", False, None, 2),  # … or before that: there is nothing to resume
        ("dr-b", f"{HERE}:1:100", False, ("RUNNING", "COMPLETED"), 2),  # … or after it had ended
        ("dr-b", f"{HERE}:1:100", True, ("RUNNING", "COMPLETED"), None),
        ("dr-b", "elsewhere/1:1:100", False, None, None),
    ],
)
def test_who_may_take_over_before_the_lease_ends(
    store: Store, owner: str, old: str, alive: bool, states: tuple[str, ...] | None, fence: int | None
) -> None:
    Lock(store).acquire(*SCOPE, owner="dr-a", runner=old)
    if states is not None:
        started(store, execution_id="dr-a")
        for status in states:
            store.update_execution("dr-a", status=status)
    lock = Lock(store, host=HERE, started=lambda _pid: "100" if alive else "")
    if fence is None:
        with pytest.raises(LockHeldError):
            lock.acquire(*SCOPE, owner=owner, runner=f"{HERE}:2:200")
    else:
        assert lock.acquire(*SCOPE, owner=owner, runner=f"{HERE}:2:200") == fence


def test_a_lease_is_longer_for_what_cannot_renew_it(store: Store, clock: Time) -> None:
    started(store, execution_id="dr-a")
    locked(store, "dr-a").hold(600)
    clock.now += 659
    with pytest.raises(LockHeldError):
        locked(store, "dr-b", 2)
    clock.now += 2
    assert locked(store, "dr-b", 2).fence == 2


def test_what_became_of_an_errand_outlives_the_process(store: Store, make: Callable[[], Store]) -> None:
    journal(store, "dr-a").errand("hook/drain/activate", "begun", 1, utc(0))
    assert journal(make(), "dr-a").errands() == {"hook/drain/activate": {"state": "begun", "attempt": 1, "at": utc(0)}}


def test_the_tasks_of_a_run_share_its_lock(store: Store, make: Callable[[], Store]) -> None:
    lock = locked(store, "dr-a")
    other = Lock(make()).attach(*SCOPE, "dr-a", lock.fence)
    other.check()
    with pytest.raises(LeaseLostError):
        Lock(make()).attach(*SCOPE, "dr-a", lock.fence + 1)


# Executions


def test_an_execution_is_stored_once(store: Store) -> None:
    made = store.create_execution(RECORD)
    assert (made["status"], made["ver"], made["started_at"]) == ("PENDING", 1, utc(store.clock()))
    assert store.get_execution(made["execution_id"]) == made
    assert store.get_execution(made["execution_arn"]) == made
    with pytest.raises(DrError, match="exists already"):
        store.create_execution({**RECORD, "execution_id": made["execution_id"]})


def test_an_unknown_execution_is_an_error(store: Store) -> None:
    with pytest.raises(DrError, match="'dr-nope' is not known"):
        store.get_execution("dr-nope")


def test_states_follow_the_state_machine(store: Store, clock: Time) -> None:
    name = started(store)
    with pytest.raises(DrError, match=r"is PENDING and cannot become COMPLETED; allowed: RUNNING, CANCELLED, FAILED"):
        store.update_execution(name, status="COMPLETED")
    for status in ("RUNNING", "PAUSED", "RUNNING", "FAILED", "RUNNING"):
        assert store.update_execution(name, status=status)["status"] == status
    assert store.get_execution(name)["completed_at"] is None
    clock.now += 90
    assert store.update_execution(name, status="COMPLETED")["completed_at"] == utc(clock.now)
    with pytest.raises(DrError, match="allowed: RUNNING"):
        store.update_execution(name, status="PAUSED")
    for status in ("RUNNING", "PAUSED", "CANCELLED"):
        store.update_execution(name, status=status)
    with pytest.raises(DrError, match="nothing: it has ended"):
        store.update_execution(name, status="RUNNING")


def test_a_change_that_came_in_between_is_seen(store: Store, make: Callable[[], Store], monkeypatch: pytest.MonkeyPatch) -> None:
    name = started(store)
    store.update_execution(name, status="RUNNING")
    read, once = store.get_execution, [lambda: make().update_execution(name, status="CANCELLED")]

    def racing(execution_id: str) -> dict[str, Any]:
        found = read(execution_id)
        while once:
            once.pop()()
        return found

    monkeypatch.setattr(store, "get_execution", racing)
    with pytest.raises(DrError, match="is CANCELLED and cannot become COMPLETED"):
        store.update_execution(name, status="COMPLETED")


def test_executions_are_listed_by_scope_status_and_day_from_an_index(store: Store, clock: Time, sandbox: Any) -> None:
    names = []
    for day, customer in enumerate(("acme", "shop", "acme")):
        names.append(started(store, customer=customer))
        clock.now += 86400
        assert day == len(names) - 1
    store.update_execution(names[0], status="RUNNING")
    before = len(sandbox.calls(service="dynamodb"))

    def listed(**wanted: Any) -> list[str]:
        return [one["execution_id"] for one in store.executions(**wanted)]

    first = utc(clock.now - 3 * 86400)[:10]
    second = utc(clock.now - 2 * 86400)[:10]
    assert listed(customer="acme", environment="production") == [names[2], names[0]]
    assert listed(customer="acme", environment="production", status="RUNNING") == [names[0]]
    assert listed(status="PENDING") == [names[2], names[1]]
    assert listed(since=first, until=second) == [names[1], names[0]]
    assert listed(since=second) == [names[2], names[1]]
    assert listed(until=first) == [names[0]]
    assert listed(since="2020-01-01", limit=2) == [names[2], names[1]]
    assert listed(status="PENDING", until=second) == [names[1]]
    assert listed(customer="acme", environment="production", since=second) == [names[2]]
    assert listed(customer="acme", environment="production", status="PENDING", until=first) == []
    assert listed(customer="acme", environment="production", limit=1) == [names[2]]
    with pytest.raises(DrError, match="nothing says which"):
        store.executions()
    with pytest.raises(DrError, match="since='yesterday' cannot be used"):
        store.executions(since="yesterday")
    with pytest.raises(DrError, match=f"since='{second}' cannot be used; allowed: a day until {first}"):
        store.executions(since=second, until=first)
    made = sandbox.calls(service="dynamodb")[before:]
    assert {(one["operation"], one["params"]["IndexName"]) for one in made} == {("Query", "by-scope"), ("Query", "by-status")}
    assert all("started_at" in one["params"]["ExpressionAttributeNames"].values() for one in made)
    assert len(made) == 5 + 2 + 4 * len(TRANSITIONS), "one query each, or one for each status"


# The journal


def test_what_the_journal_holds_outlives_the_process(store: Store, make: Callable[[], Store]) -> None:
    name = started(store)
    first = journal(store, name)
    first.intend([("db", "activate", PROMOTE), ("api", "activate", PROMOTE)])
    first.outcome([("db", "activate", PROMOTE, "accepted", "")])
    first.finish(
        [("db", "activate", "done", {"outputs": {"lag_seconds": 1.5}, "seconds": 3}), ("api", "activate", "failed", {"why": "w"})]
    )
    known = Journal(make(), name, first.fence, first.lock).known("activate")
    assert known["db"]["done"] == {"lag_seconds": 1.5}
    assert known["db"]["result"]["status"] == "done"
    assert known["db"]["intents"] == {PROMOTE.digest: {"sent_at": utc(store.clock()), "outcome": "accepted", "detail": ""}}
    assert known["api"]["done"] is None
    assert known["api"]["result"]["why"] == "w"
    assert known["api"]["intents"][PROMOTE.digest]["outcome"] == "unknown"
    assert first.known("instantiate") == {}


def test_a_result_replaces_the_one_before_and_done_stays_done(store: Store) -> None:
    name = started(store)
    one = journal(store, name)
    one.progress("activate", 1)
    one.finish([("db", "activate", "blocked", {"why": "lag", "remedy": "wait"})])
    assert [entry["resource"] for entry in store.status(name)["failed_resources"]] == ["db"]
    one.finish([("db", "activate", "done", {"outputs": {"n": 1}})])
    assert one.known("activate")["db"]["done"] == {"n": 1}
    assert store.status(name)["failed_resources"] == []


def test_many_entries_take_few_calls(store: Store, sandbox: Any) -> None:
    name = started(store)
    one = journal(store, name)
    one.known("activate")
    before = len(sandbox.calls(service="dynamodb"))
    one.finish([(f"r{number}", "activate", "done", {"outputs": {}}) for number in range(100)])
    assert len(sandbox.calls(service="dynamodb")) - before <= 5  # a hundred puts, 25 a call, and nothing to delete
    assert len(one.known("activate")) == 100


def test_what_a_batch_leaves_unprocessed_is_written_again(store: Store) -> None:
    client = store.table.client
    answers = [True, True, False]

    class Busy:
        def batch_write_item(self, **wanted: Any) -> Any:
            return {"UnprocessedItems": wanted["RequestItems"]} if answers.pop(0) else client.batch_write_item(**wanted)

    pauses: list[float] = []
    store.table.client, store.table.sleep = Busy(), pauses.append
    store.table.write([{"PK": "A", "SK": "B", "n": 1}])
    store.table.client = client
    assert store.table.get("A", "B") == {"PK": "A", "SK": "B", "n": 1}
    assert pauses == [0.05, 0.1]
    answers.extend([True] * 8)
    store.table.client = Busy()
    with pytest.raises(DrError, match="did not take 1 items"):
        store.table.write([{"PK": "A", "SK": "B", "n": 2}])


def test_a_large_result_goes_to_the_bucket(store: Store, sandbox: Any) -> None:
    name = started(store)
    one = journal(store, name)
    one.finish([("db", "activate", "done", {"outputs": {"log": "x" * 60_000}})])
    assert one.known("activate")["db"]["done"] == {"log": "x" * 60_000}
    assert sandbox.client("s3", REGION).list_objects_v2(Bucket=NAMES.bucket, Prefix="results/")["KeyCount"] == 1


@pytest.mark.parametrize(
    "write",
    [
        lambda one: one.intend([("db", "activate", PROMOTE)]),
        lambda one: one.outcome([("db", "activate", PROMOTE, "accepted", "")]),
        lambda one: one.finish([("db", "activate", "done", {})]),
        lambda one: one.debts([("db", "activate", "fence it")]),
        lambda one: one.renew(),
        lambda one: one.progress("activate", 1, {}),
        lambda one: one.note("wave_completed"),
    ],
)
def test_a_journal_whose_lock_was_taken_writes_nothing(store: Store, clock: Time, write: Callable[[Journal], None]) -> None:
    name = started(store)
    old = journal(store, name)
    clock.now += 61
    new = journal(store, name, pid=2)
    with pytest.raises(LeaseLostError):
        write(old)
    assert new.known("activate") == {}
    assert store.status(name)["debts"] == store.audit(name) == []
    write(new)


def test_a_worker_whose_run_was_killed_writes_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ansible's workers outlive it: another run may go on at once, while this one still holds what it read."""
    name = started(store)
    orphan = journal(store, name)
    monkeypatch.setattr("os.getppid", lambda: -1)
    with pytest.raises(LeaseLostError, match="is gone"):
        orphan.intend([("db", "activate", PROMOTE)])
    assert store.table.get(f"EXEC#{name}", f"P#activate#I#db#{PROMOTE.digest}") is None


def test_a_journal_of_an_older_fence_writes_nothing(store: Store) -> None:
    name = started(store)
    lock = locked(store, name)
    with pytest.raises(LeaseLostError):
        Journal(store, name, lock.fence - 1, lock).intend([("db", "activate", PROMOTE)])


# Status


def test_status_has_all_that_is_asked_for(store: Store, clock: Time) -> None:
    name = started(store)
    store.update_execution(name, status="RUNNING")
    one = journal(store, name)
    one.note("wave_started", wave=1, password="hunter2")
    one.finish(
        [("db", "activate", "done", {"outputs": {}}), ("api", "activate", "failed", {"why": "denied", "remedy": "grant it"})]
    )
    one.debts([("db", "activate", "fence the old primary")])
    one.progress("activate", 1, {"done": 1, "failed": 1})
    found = store.status(name)
    assert (found["status"], found["interrupted"], found["runner"]) == ("RUNNING", False, f"{HERE}:1:100")
    assert (found["current_phase"], found["current_wave"], found["progress_percentage"]) == ("activate", 1, 100)
    assert (found["completed_resources"], found["failed_resources_count"], found["resource_count"]) == (1, 1, 2)
    assert found["failed_resources"][0]["remedy"] == "grant it"
    assert found["debts"][0]["text"] == "fence the old primary"
    assert [(entry["event"], entry["actor"], entry["detail"]) for entry in found["timeline"]] == [
        ("wave_started", "ann", {"wave": 1, "password": "********"})
    ]
    assert json.loads(json.dumps(found)) == found
    clock.now += 61
    assert store.status(name)["interrupted"]


def test_a_status_reads_the_same_however_many_resources_there_are(store: Store, sandbox: Any) -> None:
    name = started(store)
    one = journal(store, name)
    one.progress("activate", 1)
    one.finish([(f"done-{number:02}", "activate", "done", {"outputs": {}}) for number in range(60)])
    one.finish([(f"a-{number}", "activate", "deferred", {"why": "dark"}) for number in range(9)])
    one.finish([(f"z-{number}", "activate", "failed", {"why": "denied", "remedy": "grant it"}) for number in range(4)])
    for number in range(5):
        one.note("notified", number=number)
    one.debts([(f"a-{number}", "activate", "fence it") for number in range(5)])
    one.renew()
    before = len(sandbox.calls(service="dynamodb"))
    found = store.status(name, limit=3)
    made = sandbox.calls(service="dynamodb")[before:]
    assert [entry["resource"] for entry in found["failed_resources"]] == ["z-0", "z-1", "z-2"], "what needs a person comes first"
    assert found["deferred"] == []
    assert (found["failed_resources_count"], found["counts"]["activate"]) == (4, {"done": 60, "deferred": 9, "failed": 4})
    assert [entry["detail"]["number"] for entry in found["timeline"]] == [2, 3, 4]
    assert found["truncated"] == ["activate", "timeline", "debts"]
    assert sorted(row["operation"] for row in made) == ["GetItem"] * 3 + ["Query"] * 5
    assert {row["params"]["Limit"] for row in made if row["operation"] == "Query"} == {4}
    whole = store.status(name, limit=None)
    assert (len(whole["failed_resources"]), len(whole["deferred"]), len(whole["timeline"]), len(whole["debts"])) == (4, 9, 5, 5)
    assert whole["truncated"] == []


def test_a_status_does_not_read_a_phase_that_is_over_and_left_nothing(store: Store, sandbox: Any) -> None:
    name = started(store)
    one = journal(store, name)
    one.progress("instantiate", 1)
    one.finish([("db", "instantiate", "done", {}), ("api", "instantiate", "done", {})])
    one.progress("activate", 1)
    one.finish([("db", "activate", "done", {}), ("api", "activate", "failed", {"why": "denied"})])
    one.progress("cleanup", 1)

    def read() -> tuple[set[str], list[str]]:
        """The phases whose resources are read, and those that need a person."""
        before = len(sandbox.calls(service="dynamodb"))
        found = [entry["resource"] for entry in store.status(name)["failed_resources"]]
        asked = [repr(row["params"]) for row in sandbox.calls(service="dynamodb")[before:] if row["operation"] == "Query"]
        return {phase for phase in PHASES if any(f"P#{phase}#" in one for one in asked)}, found

    assert read() == ({"activate", "cleanup"}, ["api"])
    one.finish([("api", "activate", "done", {})])
    one.progress("cleanup", 1)
    assert read() == ({"cleanup"}, [])
    one.reopen("instantiate", ["db"], {"why": "it is being rolled back"})
    store.update_execution(name, rollbacks=[{"number": 1, "state": "open", "waves": []}])
    assert read() == ({"instantiate", "activate", "cleanup"}, ["db"])


def test_the_resources_of_a_phase_are_given_in_pages(store: Store) -> None:
    name = started(store)
    one = journal(store, name)
    one.intend([("b", "activate", PROMOTE)])
    ends = {"a": "done", "b": "done", "c": "skipped", "d": "failed", "e": "deferred", "f": "blocked"}
    one.finish([(key, "activate", status, {"why": f"why {key}"}) for key, status in ends.items()])
    one.finish([("a", "cleanup", "done", {})])
    for limit in range(1, 8):
        seen, after, pages = [], "", 0
        while pages == 0 or after:
            page, after = store.resources(name, "activate", after, limit)
            seen += [entry["resource"] for entry in page]
            pages += 1
        assert (seen, pages) == (["a", "b", "d", "f", "c", "e"], -(-6 // limit))
    assert store.resources(name, "activate")[0][2].items() >= {"resource": "d", "status": "failed", "why": "why d"}.items()
    assert store.resources(name, "replicate") == ([], "")


def test_what_an_earlier_release_has_stored_is_understood(store: Store) -> None:
    """Failed resources under the keys of deferred ones, settled debts among the open ones, no tally of the objectives."""
    name = started(store)
    one = journal(store, name)
    one.progress("activate", 1)
    body = json.dumps({"why": "denied", "remedy": "grant it"})
    item = {"PK": f"EXEC#{name}", "phase": "activate", "status": "failed", "at": utc(store.clock()), "body": body}
    store.table.write({**item, "SK": f"P#activate#O#{key}", "key": key} for key in ("api", "db"))
    debt = {"PK": f"CUST#{'#'.join(SCOPE)}", "phase": "activate", "text": "fence it", "execution_id": name, "at": item["at"]}
    for key, settled_at in (("api", item["at"]), ("db", None)):
        store.table.put({**debt, "SK": f"DEBT#{key}#activate#{name}", "resource": key, "settled_at": settled_at})
    found = store.status(name, limit=1)
    assert [entry["resource"] for entry in found["failed_resources"]] == ["api"]
    assert ([entry["resource"] for entry in found["debts"]], found["rto"]) == (["db"], None)
    assert one.known("activate")["db"]["result"]["status"] == "failed"
    one.finish([("db", "activate", "done", {}), ("api", "activate", "blocked", {"why": "lag"})])
    assert [(entry["resource"], entry["status"]) for entry in store.status(name)["failed_resources"]] == [("api", "blocked")]
    assert store.settle(*SCOPE, "db") == 1
    assert store.open_debts(*SCOPE) == []
    assert [(entry["resource"], entry["settled_at"] is None) for entry in store.debts(*SCOPE)] == [("api", False), ("db", False)]


def test_the_tally_of_objectives_is_kept_and_made_anew_after_a_resume(store: Store, clock: Time) -> None:
    wanted = {"db": 60, "api": 60, "web": 600}
    name = started(store, objectives=tally(wanted, {}))
    record = store.get_execution(name)

    def run(pid: int) -> Journal:
        lock = locked(store, name, pid)
        return Journal(store, name, lock.fence, lock, "ann", record, wanted)

    one = run(1)
    one.known("activate")
    one.progress("activate", 1)
    clock.now += 30
    one.finish([("db", "activate", "done", {})])
    one.renew()
    assert store.status(name)["rto"] == {"met": 1, "missed": 0, "open": 2, "missed_resources": []}
    clock.now += 61
    assert store.status(name)["rto"]["missed_resources"] == [{"resource": "api", "rto_seconds": 60, "seconds": None}]
    record = store.get_execution(name)
    again = run(2)
    again.known("cleanup")
    again.progress("cleanup", 1)
    assert store.status(name)["rto"]["met"] == 1, "a phase that does not know ACTIVATE leaves the tally"
    again.known("activate")
    again.finish([("api", "activate", "done", {})])
    again.progress("activate", 1, {"done": 2})
    found = store.status(name)
    assert found["rto"]["missed_resources"] == [{"resource": "api", "rto_seconds": 60, "seconds": 91.0}]
    assert (found["clocks"]["decided_seconds"], found["clocks"]["executed_seconds"]) == (0, 91)


def test_counts_are_stored_while_a_wave_runs_and_after_a_resume(store: Store, clock: Time) -> None:
    name = started(store)
    one = journal(store, name)
    one.progress("activate", 1)
    one.finish([("db", "activate", "done", {"outputs": {}})])
    one.renew()
    assert store.status(name)["completed_resources"] == 1
    clock.now += 61
    again = journal(store, name, pid=2)
    again.known("activate")
    again.finish([("api", "activate", "done", {"outputs": {}})])
    again.renew()
    assert store.status(name)["counts"] == {"activate": {"done": 2}}


def test_debts_outlive_the_execution_until_they_are_settled(store: Store) -> None:
    one = journal(store, started(store))
    one.debts([("db", "activate", "fence it"), ("db2", "activate", "fence it too")])
    assert [debt["resource"] for debt in store.open_debts(*SCOPE)] == ["db", "db2"]
    assert store.settle(*SCOPE, "db") == 1
    assert store.settle(*SCOPE, "db") == 0
    assert [debt["resource"] for debt in store.open_debts(*SCOPE)] == ["db2"]


def test_a_drill_proves_what_served_healthy_and_was_removed(store: Store, clock: Time) -> None:
    name = started(store)
    one = journal(store, name)
    at = utc(clock.now)
    done = [(key, phase, "done", {}) for key in ("well", "ill", "left") for phase in ("instantiate", "activate")]
    one.finish([*done, ("ill", "activate", "failed", {"why": "not healthy"})])
    clock.now += 60
    one.finish([("well", "cleanup", "done", {}), ("ill", "cleanup", "done", {}), ("broken", "cleanup", "done", {})])
    assert drilled.record(store, *SCOPE, name) == ["well"]
    assert drilled.last(store, *SCOPE) == {"well": at}
    assert drilled.last(store, "acme", "staging") == {}


def test_a_way_is_rehearsed_as_its_own_executions_took_and_else_as_failovers_did(store: Store, tmp_path: Path) -> None:
    store.put_snapshot(*SCOPE, snapshot.build(*SCOPE, datetime(2026, 11, 28, tzinfo=UTC), ("us-east-1", REGION), (), {}, {}))
    took = {"failover": {"rds": {"activate": [400.0], "cleanup": [65.0]}}, "failback": {"rds": {"activate": [500.0]}, "ecs": {}}}
    for operation, samples in took.items():
        item = {"PK": "CUST#acme#production", "SK": f"DURATIONS#{operation}", "samples": json.dumps(samples)}
        store.table.put(item)
    control: Any = SimpleNamespace(store=store)
    asked = {"customer": "acme", "environment": "production", "dest": str(tmp_path / "snapshot.json")}
    assert write(control, {**asked, "operation": "failover"}, False)["durations"] == took["failover"]
    there = {"rds": {"activate": [500.0], "cleanup": [65.0]}, "ecs": {}}
    assert write(control, {**asked, "operation": "failback"}, False)["durations"] == there


# Audit


def test_the_audit_trail_is_a_chain(store: Store, make: Callable[[], Store]) -> None:
    name = started(store)
    for number, who in enumerate((store, make(), store)):
        who.note(name, "paused", actor="ann", n=number)
    assert [entry["detail"] for entry in store.audit(name)] == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert store.broken_audit(name) == []
    store.table.update(f"EXEC#{name}", "AUD#00000002", {"actor": "eve"})
    assert store.broken_audit(name) == ["entry 2 was changed"]
    store.table.write([], [(f"EXEC#{name}", "AUD#00000002")])
    assert store.broken_audit(name) == ["entry 2 is missing"]


def test_entries_written_at_once_are_all_kept(make: Callable[[], Store], store: Store) -> None:
    name = started(store)
    threads = [threading.Thread(target=make().note, args=(name, f"event-{number}")) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {entry["event_type"] for entry in store.audit(name)} == {f"event-{number}" for number in range(4)}
    assert store.broken_audit(name) == []


# Bodies


def test_plans_and_snapshots_are_checked_when_they_are_read(store: Store, sandbox: Any, clock: Time) -> None:
    name = started(store)
    store.put_plan(name, {"batches": [1, 2]})
    assert store.get_plan(name) == {"batches": [1, 2]}
    assert store.get_snapshot(*SCOPE) is None
    store.put_snapshot(*SCOPE, {"hosts": 1})
    clock.now += 60
    store.put_snapshot(*SCOPE, {"hosts": 2})
    assert store.get_snapshot(*SCOPE) == {"at": utc(clock.now), "body": {"hosts": 2}}
    s3 = sandbox.client("s3", REGION)
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket=NAMES.bucket, Prefix="snapshots/acme/production/")["Contents"]]
    assert len(keys) == 3 and "snapshots/acme/production/latest.json" in keys
    s3.put_object(Bucket=NAMES.bucket, Key=f"plans/{name}.json", Body=b'{"batches": []}')
    with pytest.raises(DrError, match="is not what was stored"):
        store.get_plan(name)
    s3.delete_object(Bucket=NAMES.bucket, Key=f"plans/{name}.json")
    with pytest.raises(DrError, match="is gone"):
        store.get_plan(name)
    with pytest.raises(DrError, match="has no stored plan"):
        store.get_plan("dr-other")


# Approvals


def asked(store: Store, name: str, **options: Any) -> tuple[Approvals, Request]:
    approvals = Approvals(store)
    return approvals, approvals.request(name, "activate-wave-01", PLAN, **options)


@pytest.mark.parametrize(("decision", "state"), [("approve", "approved"), ("reject", "rejected")])
def test_a_decision_counts_once_and_is_audited(store: Store, make: Callable[[], Store], decision: str, state: str) -> None:
    name = started(store)
    approvals, request = asked(store, name, requester="ann", detail={"resources": ["db"]})
    assert approvals.state(request)["state"] == "pending"
    decided = Approvals(make()).decide(name, request.token, decision, "bob")
    assert (decided["state"], decided["approver"], decided["gate"]) == (state, "bob", "activate-wave-01")
    assert approvals.state(request)["state"] == state
    with pytest.raises(ApprovalRefusedError, match=f"is {state} already by bob"):
        approvals.decide(name, request.token, "approve", "bob")
    assert [(entry["event_type"], entry["actor"]) for entry in store.audit(name)] == [
        ("approval_requested", "ann"),
        (f"approval_{state}", "bob"),
    ]
    assert store.status(name)["approvals"][0]["state"] == state


def test_of_two_decisions_at_once_one_counts(store: Store, make: Callable[[], Store]) -> None:
    name = started(store)
    _approvals, request = asked(store, name)
    barrier, outcomes = threading.Barrier(2), {}

    def decide(decision: str) -> None:
        approvals = Approvals(make())
        barrier.wait()
        try:
            outcomes[decision] = approvals.decide(name, request.token, decision, decision)["state"]
        except ApprovalRefusedError:
            outcomes[decision] = "refused"

    threads = [threading.Thread(target=decide, args=(decision,)) for decision in ("approve", "reject")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes.values()) in (["approved", "refused"], ["refused", "rejected"])


def test_the_token_is_stored_nowhere(store: Store, sandbox: Any) -> None:
    name = started(store)
    _approvals, request = asked(store, name)
    items = sandbox.client("dynamodb", REGION).query(
        TableName=NAMES.table, KeyConditionExpression="PK = :pk", ExpressionAttributeValues={":pk": {"S": f"EXEC#{name}"}}
    )["Items"]
    assert len(items) == 3  # the execution, the approval, the audit entry
    assert request.token not in json.dumps(items)
    assert request.token not in json.dumps(store.status(name))


def test_silence_is_not_approval(store: Store, clock: Time) -> None:
    name = started(store)
    approvals, request = asked(store, name)
    clock.now += 1799
    assert approvals.state(request)["state"] == "pending"
    clock.now += 1
    with pytest.raises(ApprovalRefusedError, match="timed out at"):
        approvals.decide(name, request.token, "approve", "bob")
    assert approvals.state(request)["state"] == "timed_out"
    with pytest.raises(ApprovalRefusedError, match="is timed_out already"):
        approvals.decide(name, request.token, "approve", "bob")


def test_nothing_is_approved_in_an_execution_that_has_ended(store: Store) -> None:
    name = started(store)
    approvals, request = asked(store, name)
    store.update_execution(name, status="CANCELLED")
    for decision in ("approve", "reject"):
        with pytest.raises(ApprovalRefusedError, match="is CANCELLED: nothing waits for") as caught:
            approvals.decide(name, request.token, decision, "bob")
        assert caught.value.remedy == f"ansible-playbook dr.aws.status -e execution_id={name}"
    assert approvals.state(request)["state"] == "pending"


def test_wrong_and_foreign_tokens_are_refused(store: Store) -> None:
    name, other = started(store), started(store)
    approvals, request = asked(store, name)
    asked(store, other)
    for execution, token in ((name, "guess"), (name, ""), (name, None), (other, request.token)):
        with pytest.raises(ApprovalRefusedError, match="is not one of execution"):
            approvals.decide(execution, token, "approve", "bob")
    assert approvals.state(request)["state"] == "pending"


def test_an_approval_binds_to_the_plan(store: Store) -> None:
    name = started(store)
    approvals, request = asked(store, name)
    with pytest.raises(ApprovalRefusedError, match="is for plan abababababab, not for plan cdcd"):
        approvals.decide(name, request.token, "approve", "bob", plan_sha256="cd" * 32)
    store.update_execution(name, plan_sha256="ef" * 32)
    with pytest.raises(ApprovalRefusedError, match="not for plan efef"):
        approvals.decide(name, request.token, "approve", "bob")
    assert approvals.state(request)["state"] == "pending"


def test_whoever_asks_may_be_kept_from_approving(store: Store) -> None:
    name = started(store)
    approvals, request = asked(store, name, requester="ann", separate_approver=True)
    with pytest.raises(ApprovalRefusedError, match="ann asked for this approval"):
        approvals.decide(name, request.token, "approve", "ann")
    assert approvals.decide(name, request.token, "approve", "bob")["state"] == "approved"


def test_several_must_approve_and_each_counts_once(store: Store) -> None:
    name = started(store)
    approvals, request = asked(store, name, needed=2)
    first = approvals.decide(name, request.token, "approve", "ann", comment="seen")
    assert (first["state"], first["approver"], [one["approver"] for one in first["approvals"]]) == ("pending", None, ["ann"])
    with pytest.raises(ApprovalRefusedError, match="ann has approved activate-wave-01 already; 1 more must come from others"):
        approvals.decide(name, request.token, "approve", "ann")
    assert approvals.state(request)["state"] == "pending"
    second = approvals.decide(name, request.token, "approve", "bob")
    assert (second["state"], second["approver"]) == ("approved", "ann, bob")
    assert [(entry["event_type"], entry["actor"]) for entry in store.audit(name)][1:] == [
        ("approval_given", "ann"),
        ("approval_approved", "bob"),
    ]


def test_one_rejection_is_enough(store: Store) -> None:
    name = started(store)
    approvals, request = asked(store, name, needed=2)
    approvals.decide(name, request.token, "approve", "ann")
    assert approvals.decide(name, request.token, "reject", "bob")["state"] == "rejected"


def test_asking_again_ends_the_request_before(store: Store) -> None:
    name = started(store)
    approvals, first = asked(store, name)
    _approvals, second = asked(store, name)
    with pytest.raises(ApprovalRefusedError, match="is timed_out already"):
        approvals.decide(name, first.token, "approve", "bob")
    assert approvals.decide(name, second.token, "approve", "bob")["state"] == "approved"


@pytest.mark.parametrize(
    ("decision", "approver", "field"), [("yes", "bob", "decision"), ("", "bob", "decision"), ("approve", " ", "approver")]
)
def test_an_unclear_answer_is_no_answer(store: Store, decision: str, approver: str, field: str) -> None:
    name = started(store)
    approvals, request = asked(store, name)
    with pytest.raises(InputError) as caught:
        approvals.decide(name, request.token, decision, approver)
    assert caught.value.field == field
    assert approvals.state(request)["state"] == "pending"


# Notifications


def test_a_notification_reaches_a_subscriber_by_severity(sandbox: Any, store: Store) -> None:
    topic_arn = plane(sandbox).topic_arn
    sns, sqs = sandbox.client("sns", REGION), sandbox.client("sqs", REGION)
    queue = sqs.create_queue(QueueName="pager")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"FilterPolicy": json.dumps({"severity": ["critical"]})}
    sns.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=arn, Attributes=policy)
    execution = store.get_execution(started(store))
    notifier = Notifier(sns, topic_arn)
    assert notifier.send("execution_started", execution)["delivered"]
    assert notifier.send("execution_failed", execution, text="wave 1 is UNHEALTHY")["delivered"]
    received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert [json.loads(one["Body"])["Subject"].startswith("[DR CRITICAL] acme/production failover FAILED") for one in received] == [
        True
    ]
    gone = Notifier(sns, f"{topic_arn}-gone").send("execution_failed", execution)
    assert not gone["delivered"] and "NotFound" in gone["error"]
