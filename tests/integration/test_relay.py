# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several runners of one execution over the real store: who joins, who takes over, who is refused, and what is counted."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from test_store import HERE, PROMOTE, SCOPE, Time, journal, plane, started

from ansible_collections.dr.aws.plugins.module_utils import relay
from ansible_collections.dr.aws.plugins.module_utils.control_plane import Names
from ansible_collections.dr.aws.plugins.module_utils.lock import LEASE_SECONDS, LeaseLostError, Lock, LockHeldError, Member, holder
from ansible_collections.dr.aws.plugins.module_utils.relay import ShardJournal
from ansible_collections.dr.aws.plugins.module_utils.store import Store

REGION = "us-west-2"
NAMES = Names.default("123456789012", REGION)
MACHINE = f"arn:aws:states:{REGION}:123456789012:execution:dr-aws:one"


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def store(sandbox: Any, clock: Time) -> Store:
    plane(sandbox)

    def sleep(seconds: float) -> None:
        clock.now += seconds

    return Store(sandbox.client("dynamodb", REGION), sandbox.client("s3", REGION), NAMES.table, NAMES.bucket, clock, sleep)


def join(store: Store, owner: str, slot: str, attempt: int = 0, machine: str = MACHINE) -> Member:
    """A runner on a host of its own, whose end nobody else can see."""
    who = f"{slot}-{attempt}/1:1:100"
    return relay.join(store, *SCOPE, owner=owner, name=f"{machine}#{attempt}", slot=slot, who=who, sleep=store.table.sleep)


def shard(store: Store, owner: str, number: int, member: Member, keys: tuple[str, ...]) -> ShardJournal:
    """Its journal, of batch 0."""
    return ShardJournal(store, owner, member.fence, member, "ann", {}).of(0, number, "activate", keys)


def test_runners_of_one_attempt_share_the_lock_and_have_slots_of_their_own(store: Store, clock: Time) -> None:
    name = started(store)
    one, two = join(store, name, "0"), join(store, name, "1")
    assert one.fence == two.fence == 1
    held = holder(store, *SCOPE)
    assert held is not None and (held["execution_id"], held["runner"]) == (name, f"{MACHINE}#0")
    for _round in range(5):  # each keeps the lock, and its own slot, for longer than a lease
        clock.now += LEASE_SECONDS / 2
        one.renew()
        two.renew()
    with pytest.raises(LockHeldError):
        Lock(store).acquire(*SCOPE, owner=started(store), runner=f"{HERE}:1:100")
    with pytest.raises(LockHeldError):
        join(store, name, "0", machine=f"{MACHINE}-more")
    one.leave(600)
    two.leave(600)
    clock.now += 599
    assert join(store, name, "0").fence == 1, "between two runners it stays theirs"
    join(store, name, "1").release()
    assert holder(store, *SCOPE) is None


def test_of_one_slot_there_is_one_runner(store: Store, clock: Time) -> None:
    """A runner that is started again, while the one before it is perhaps still there, waits until that has lost its lease."""
    name = started(store)
    first = join(store, name, "0")
    began = clock.now
    second = relay.join(store, *SCOPE, owner=name, name=f"{MACHINE}#0", slot="0", who="another/1:1:1", sleep=store.table.sleep)
    assert clock.now - began >= LEASE_SECONDS
    with pytest.raises(LeaseLostError):
        first.renew()
    second.renew()


def test_a_later_attempt_takes_over_and_refuses_the_earlier_ones(store: Store, clock: Time) -> None:
    name = started(store)
    old = [join(store, name, "0"), join(store, name, "1")]
    new = join(store, name, "2", attempt=1)
    assert new.fence == 2, "at once, while the leases of the others are not over"
    for member in old:
        with pytest.raises(LeaseLostError):
            member.renew()
    with pytest.raises(LockHeldError):
        join(store, name, "3", attempt=0)
    clock.now += LEASE_SECONDS + 1
    with pytest.raises(LockHeldError):
        join(store, name, "3", attempt=0)
    assert join(store, name, "0", attempt=1).fence == 2, "the lease of its straggler is over"


def test_a_later_attempt_has_the_slot_of_a_straggler_only_when_that_is_over(store: Store, clock: Time) -> None:
    name = started(store)
    straggler = join(store, name, "0")
    clock.now += LEASE_SECONDS - 10
    straggler.renew()
    before = clock.now
    join(store, name, "0", attempt=1)
    assert clock.now >= before + LEASE_SECONDS, "it may have written until a moment ago"


@pytest.mark.parametrize(
    "write",
    [
        lambda one: one.intend([("db", "activate", PROMOTE)]),
        lambda one: one.outcome([("db", "activate", PROMOTE, "accepted", "")]),
        lambda one: one.finish([("db", "activate", "done", {})]),
        lambda one: one.debts([("db", "activate", "fence it")]),
        lambda one: one.renew(),
        lambda one: one.end(),
        lambda one: one.note("shard_ended"),
    ],
)
def test_a_straggler_writes_nothing(store: Store, clock: Time, write: Callable[[ShardJournal], None]) -> None:
    """The lock is looked at before each write, unless it was a moment ago (`journal.GUARD_SECONDS`)."""
    name = started(store)
    journals = [shard(store, name, number, join(store, name, str(number)), (key,)) for number, key in ((0, "db"), (1, "web"))]
    join(store, name, "turn", attempt=1)
    clock.now += 2
    for one in journals:
        with pytest.raises(LeaseLostError):
            write(one)
    assert not relay.ended(store, name, 0, 2)
    assert list(store.table.query(f"EXEC#{name}", "P#")) == []
    assert store.status(name)["debts"] == store.audit(name) == []


def test_what_is_next_is_said_by_the_latest_attempt(store: Store) -> None:
    """Of a straggler that has lost the lock since it looked last, nothing stays either."""
    name = started(store)

    def turn(attempt: int) -> Any:
        member = join(store, name, f"turn-{attempt}", attempt)
        return SimpleNamespace(store=store, execution_id=name, lock=member, actor="ann")

    old = turn(0)
    relay.put(old, 1, relay.APPROVAL, approval="APPR#activate-1#0001")
    new = turn(1)
    relay.put(new, 2, relay.SHARDS, accounts=[("1", "2"), ("3",)])
    with pytest.raises(LeaseLostError, match="a later attempt carries out"):
        relay.put(old, 1, relay.END)
    here = relay.position(store, name)
    assert (here["batch"], here["step"], here["accounts"], here["shards"]) == (2, "shards", [["1", "2"], ["3"]], ["0", "1"])
    relay.put(new, 3, relay.END)
    assert (relay.position(store, name)["step"], relay.position(store, name)["shards"]) == ("end", [])


def test_runners_count_apart_and_the_status_adds_up(store: Store, clock: Time) -> None:
    name = started(store)
    store.update_execution(name, status="RUNNING", counts={"activate": {"done": 1}}, current_phase="activate")
    first = journal(store, name)
    first.finish([("early", "activate", "done", {})])
    first.lock.release()
    members = [join(store, name, str(number)) for number in (0, 1)]
    one, two = (shard(store, name, number, members[number], keys) for number, keys in ((0, ("a", "b")), (1, ("c", "d"))))
    store.update_execution(name, shared={"phase": "activate", "prefix": "SHARD#0000#"})
    assert store.status(name)["counts"] == {"activate": {"done": 1}}
    for journals in (one, two):
        journals.known("activate")  # each sees what was done before, and counts its own
    one.finish([("a", "activate", "done", {})])
    two.finish([("c", "activate", "done", {}), ("d", "activate", "failed", {"why": "x", "remedy": ""})])
    for one_of_them in (one, two, one):
        one_of_them.renew()
    found = store.status(name)
    assert found["counts"] == {"activate": {"done": 3, "failed": 1}}
    assert found["completed_resources"] == 3 and [entry["resource"] for entry in found["failed_resources"]] == ["d"]
    one.end()
    assert not relay.ended(store, name, 0, 2)
    two.end()
    assert relay.ended(store, name, 0, 2)
    store.update_execution(name, **relay.settled(store, store.get_execution(name)))
    assert store.status(name)["counts"] == {"activate": {"done": 3, "failed": 1}}
    assert relay.settled(store, store.get_execution(name)) == {}
