# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One execution carried out by several runners, which a driver outside starts (docs/engines.md): one plan, one lock, one journal.

A *turn* carries on where the one before has ended, until the driver is needed: before an approval, before a wave that is shared, or
to the end. A shared wave is first carried out by its *shards*, runners that each have some accounts of it; the turn after them
carries out what they have left of it, and only then is the wave's health proven. What is next stands in the store, for the driver.
"""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from .approvals import Approvals
from .dynamo import RefusedError, utc
from .errands.asked import errands
from .errands.placing import held_back
from .errors import InputError
from .fact import stages
from .journal import Journal
from .lock import LEASE_SECONDS, Held, LeaseLostError, Lock, LockHeldError, Member, runner
from .model import Pair
from .plan import Batch, Plan
from .store import Store

if TYPE_CHECKING:
    from .run import Run

#: An inline Map state runs about forty iterations at once (Step Functions developer guide, "Using Map state in Inline mode").
MAX_SHARDS: Final = 40
#: How long the lock is kept for the runner that follows, until it renews it: a task on Fargate takes a minute or two to start.
HANDOVER_SECONDS: Final = 900
#: How long a runner waits for its slot: whoever had it, and does not renew it, has lost it then.
PATIENCE_SECONDS: Final = LEASE_SECONDS + 30
POLL_SECONDS: Final = 3.0
TURN: Final = "turn"
#: What the driver is needed for when a turn ends.
APPROVAL, SHARDS, END = "approval", "shards", "end"
_DRIVER: Final = re.compile(r"[^\s#]{1,512}#\d{1,6}")


@dataclass(frozen=True, slots=True)
class Turn:
    """What one runner carries out: batches of the plan from `first` up to `last`, exclusive. step: what comes then.

    begun: the first of them was carried out by shards already, as far as they got.
    """

    first: int
    last: int
    step: str
    begun: bool = False


def driver(value: str) -> str:
    """The name of what starts the runners, with the number of its attempt; "" for none. InputError for what is none."""
    text = str(value or "").strip()
    if text and not _DRIVER.fullmatch(text):
        allowed = "a name without blanks, #, and the number of the attempt"
        raise InputError("driver", text, allowed, "leave it out; state machines set it (docs/engines.md)")
    return text


def split(pairs: Sequence[Pair], size: int) -> list[tuple[str, ...]]:
    """The accounts of each shard, for pairs of which one takes about `size`. Pairs that depend on each other stay in one shard."""
    together: dict[str, str] = {pair.account: pair.account for pair in pairs}

    def root(account: str) -> str:
        while together[account] != account:
            account = together[account]
        return account

    accounts = {pair.key: pair.account for pair in pairs}
    for pair in pairs:
        for key in pair.dependencies:
            if key in accounts:
                together[root(accounts[key])] = root(pair.account)
    groups: dict[str, list[str]] = defaultdict(list)
    for account in sorted(together):
        groups[root(account)].append(account)
    weights = Counter(pair.account for pair in pairs)
    ordered = sorted(groups.values(), key=lambda group: (-sum(weights[one] for one in group), group))
    number = min(len(ordered), MAX_SHARDS, ceil(len(pairs) / size)) if size > 0 else 1
    shards: list[list[str]] = [[] for _index in range(max(1, number))]
    for group in ordered:
        least = min(shards, key=lambda shard: sum(weights[one] for one in shard))
        least.extend(group)
    return [tuple(sorted(shard)) for shard in shards]


def shared(plan: Plan, batch: Batch, keys: Collection[str]) -> list[Pair]:
    """The pairs of a wave that its shards carry out, of those that have something left to do; none of a wave that is not shared.

    Not shared is a wave with hooks before it, and a planned activation of different priorities, whose sources stop in their order.
    What business checks gate is left to the turn after the shards.
    """
    parameters = plan.parameters
    asked = errands(parameters.hooks, parameters.business_checks)
    if any(one.when.startswith("before_") and one.phase == batch.phase and one.wave in (0, batch.wave) for one in asked):
        return []
    members = {entry.key for entry in batch.entries}
    pairs = [pair for pair in plan.pairs if pair.key in members]
    if batch.phase == "activate" and parameters.mode == "planned" and len({pair.priority for pair in pairs}) > 1:
        return []
    gated = held_back(pairs) if batch.phase == "activate" and parameters.business_checks else frozenset()
    return [pair for pair in pairs if pair.key in keys and pair.key not in gated]


def turn(plan: Plan, first: int, begun: bool, asks: Callable[[Batch], bool], shares: Callable[[Batch], bool]) -> Turn:
    """The turn that begins with the plan's batch of this number. asks: an approval is needed before a batch, and not given.

    shares: a batch is carried out by shards first.
    """
    for number, batch in enumerate(plan.batches[first:], first):
        if number == first and begun:
            continue
        if asks(batch):
            return Turn(first, number, APPROVAL, begun)
        if shares(batch):
            return Turn(first, number, SHARDS, begun)
    return Turn(first, len(plan.batches), END, begun)


def limited(plan: Plan, execution: Mapping[str, Any], one: Turn, size: int) -> dict[str, Any]:
    """The fact `dr_execution` of a turn: what all of the execution carries out stays in it as `whole`."""
    batches = plan.batches[one.first : one.last]
    told = {"first": one.first, "last": one.last, "step": one.step, "size": size}
    begun = [entry.key for entry in batches[0].entries] if one.begun and batches else []
    phase = batches[0].phase if begun else ""
    everything = {name: execution[name] for name in ("hosts", "serial")}
    return {**execution, **stages(batches), "whole": everything, "turn": {**told, "begun": begun, "begun_phase": phase}}


def ahead(execution: Mapping[str, Any], phase: str, hosts: Collection[str]) -> bool:
    """Whether the batch of these hosts was carried out by shards, and is only finished now: nothing is asked before it any more."""
    one = execution.get("turn") or {}
    return bool(one) and one["begun_phase"] == phase and not set(hosts).isdisjoint(one["begun"])


@dataclass(frozen=True, slots=True)
class Driven:
    """By what a run is started. name: as `driver` gives it, "" for a run of its own. size: resources of a shard, 0: none."""

    name: str = ""
    size: int = 0

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Driven:
        """From the options of the plan's action."""
        return cls(driver(options["driver"]), max(0, int(options["shard_size"])))

    def take(self, store: Store, customer: str, environment: str, owner: str) -> Held:
        """The lock: of a whole run, or of a turn."""
        if self.name:
            return join(store, customer, environment, owner=owner, name=self.name, slot=TURN)
        lock = Lock(store)
        lock.acquire(customer, environment, owner=owner, runner=runner())
        return lock

    def caller(self, store: Store, execution_id: str) -> str:
        """Whoever let the runners before this one begin (an ARN), where it is a turn after another one; "" otherwise."""
        return str(position(store, execution_id).get("caller", "")) if self.name else ""

    def limit(self, run: Run, execution: dict[str, Any]) -> dict[str, Any]:
        """The fact `dr_execution`: of the whole run, or of its next turn."""
        plan = run.plan
        if not self.name or plan is None:
            return execution
        here, approvals = position(run.store, run.execution_id), Approvals(run.store)
        first = int(here.get("batch", 0))
        begun = here.get("step") == SHARDS and ended(run.store, run.execution_id, first, len(here["accounts"]))

        def asks(batch: Batch) -> bool:
            open_gate = batch.gate is not None and not approvals.given(run.execution_id, batch.gate.name, plan.sha256)
            return open_gate and bool(unfinished(run, batch))

        def shares(batch: Batch) -> bool:
            return self.size > 0 and len(split(shared(plan, batch, unfinished(run, batch)), self.size)) > 1

        return limited(plan, execution, turn(plan, first, begun, asks, shares), self.size)


def unfinished(run: Run, batch: Batch) -> list[str]:
    """Keys of the resources of a batch that are not done yet."""
    known = run.journal.known(batch.phase)
    return [key for key in batch.todo if known.get(key, {}).get("done") is None]


def join(
    store: Store,
    customer: str,
    environment: str,
    *,
    owner: str,
    name: str,
    slot: str,
    sleep: Callable[[float], None] = time.sleep,
    who: str = "",
) -> Member:
    """A runner's place among those that a driver starts. LockHeldError when others hold the lock, or its slot, and stay.

    Who had the slot before is gone, or refused by the fence and gone soon, or its lease ends. who: the runner, this one by default.
    """
    whole, own = Lock(store), Lock(store, slot=slot)
    whole.join(customer, environment, owner=owner, runner=name)
    until = store.clock() + PATIENCE_SECONDS
    while True:
        try:
            own.acquire(customer, environment, owner=owner, runner=who or runner())
            return Member(whole, own)
        except LockHeldError:
            if store.clock() >= until:
                raise
            sleep(POLL_SECONDS)
            whole.renew()


def position(store: Store, execution_id: str) -> dict[str, Any]:
    """What is next: {batch, step, shards, accounts, approval, caller, fence}; {} before the first turn has ended."""
    return store.table.get(f"EXEC#{execution_id}", "RELAY") or {}


def restart(store: Store, execution_id: str) -> None:
    """The next turn begins with the first batch: other ones come before what was next. What is done is not done again."""
    store.table.write([], [(f"EXEC#{execution_id}", "RELAY")])


def put(run: Run, batch: int, step: str, *, accounts: Sequence[Sequence[str]] = (), approval: str = "") -> None:
    """Stores what is next. accounts: of each shard. approval: the sort key of the request. LeaseLostError when a later one has.

    For the driver: `shards` has the numbers of the shards as text.
    """
    said = {
        "batch": batch,
        "step": step,
        "caller": run.actor,
        "shards": [str(number) for number in range(len(accounts))],
        "accounts": [list(one) for one in accounts],
        "approval": approval,
        "fence": run.lock.fence,
        "expires_at": run.store.expiry(),
    }
    newest, known = "attribute_not_exists(#fence) OR #fence <= :mine", {"mine": run.lock.fence}
    try:
        run.store.table.update(f"EXEC#{run.execution_id}", "RELAY", said, condition=newest, values=known)
    except RefusedError as refused:
        text = f"a later attempt carries out execution {run.execution_id}"
        raise LeaseLostError(text, f"ansible-playbook dr.aws.status -e execution_id={run.execution_id}") from refused


def share(store: Store, execution_id: str, batch: int, plan: Plan, counts: Mapping[str, int]) -> None:
    """Says that shards carry out a batch now. counts: of the phase, without the batch."""
    one, name = plan.batches[batch], f"EXEC#{execution_id}"
    store.table.write([], [(name, item["SK"]) for item in store.table.query(name, _shards(batch))])
    before = store.get_execution(execution_id)
    begun = before.get("activate_begun_at") or (utc(store.clock()) if one.phase == "activate" else None)
    store.update_execution(
        execution_id,
        activate_begun_at=begun,
        current_phase=one.phase,
        current_wave=one.wave,
        wave_counts={},
        counts={**(before.get("counts") or {}), one.phase: dict(counts)},
        shared={"phase": one.phase, "prefix": _shards(batch)},
    )


def settled(store: Store, record: Mapping[str, Any]) -> dict[str, Any]:
    """Changes of an execution whose shared wave is finished by one runner: its counts with those of the shards."""
    return {"counts": store.counted(record)["counts"], "shared": None} if record.get("shared") else {}


def ended(store: Store, execution_id: str, batch: int, shards: int) -> bool:
    """Whether all shards of a batch have ended."""
    found = store.table.query(f"EXEC#{execution_id}", _shards(batch))
    return shards > 0 and sum(bool(item["ended"]) for item in found) == shards


def _shards(batch: int) -> str:
    return f"SHARD#{batch:04d}#"


class ShardJournal(Journal):
    """The journal of a shard: it counts its own pairs, apart from those of the others."""

    def of(self, batch: int, shard: int, phase: str, keys: Collection[str]) -> ShardJournal:
        """Itself, for these pairs."""
        self._own, self._phase = frozenset(keys), phase
        self._item = {"PK": f"EXEC#{self.execution_id}", "SK": f"{_shards(batch)}{shard:04d}", "shard": shard, "phase": phase}
        return self

    def _keep(self) -> None:
        self._put(False)

    def end(self) -> None:
        """Says that the shard has done what it could."""
        self._guard()
        self._put(True)

    def _put(self, done: bool) -> None:
        counts = Counter(status for key, status in self._ended.get(self._phase, {}).items() if key in self._own)
        item = {**self._item, "counts": dict(counts), "ended": done, "expires_at": self.store.expiry()}
        self.store.table.put(item)
