# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One execution per customer and environment: a conditional write with a lease and a fencing number.

An execution that several runners carry out has one lock, which all of them join by one name (`Lock.join`), and slots under it: each
runner holds one, which no two of them hold at once (`Member`).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from .dynamo import RefusedError, utc
from .errors import DrError

if TYPE_CHECKING:
    from .store import Store

LEASE_SECONDS: Final = 120
#: How often joining is tried again when others of the same name join at this moment.
ATTEMPTS: Final = 5


class LockHeldError(DrError):
    """Another execution, or another runner of this one, holds it. holder: {execution_id, runner, since, lease_until, fence}."""

    def __init__(self, customer: str, environment: str, holder: Mapping[str, Any], remedy: str) -> None:
        super().__init__(
            f"customer={customer}, environment={environment} is being worked on by execution {holder['execution_id']}, "
            f"runner {holder['runner']}, since {holder['since']}; its lease ends {holder['lease_until']} unless it renews it",
            remedy,
        )
        self.holder = holder


class LeaseLostError(DrError):
    """This runner no longer holds the lock: it must not change anything any more."""


def process_started(pid: int) -> str:
    """When a process of this host started, in clock ticks since boot; empty when there is none (or no /proc)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def this_host() -> str:
    """The host as it stands in a runner, with its process namespace: containers may share a host name, never both."""
    try:
        namespace = os.readlink("/proc/self/ns/pid").rpartition("[")[2].rstrip("]")
    except OSError:
        namespace = ""
    return f"{socket.gethostname()}/{namespace}"


def runner(pid: int | None = None) -> str:
    """`host:pid:start` of a process, this one's parent by default: Ansible's tasks run in forks of the process that counts."""
    number = os.getppid() if pid is None else pid
    return f"{this_host()}:{number}:{process_started(number)}"


def process_gone(runner: str, host: str, started: Callable[[int], str]) -> bool:
    """Whether a runner is proven to have ended: it ran on this host, and its process is gone or is another one now.

    What cannot be told (another host, no start time recorded) is never proof.
    """
    place, _unused, rest = runner.rpartition(":")[0].rpartition(":")
    start = runner.rpartition(":")[2]
    return bool(start) and place == host and rest.isdigit() and started(int(rest)) != start


def earlier(runner: str, than: str) -> bool:
    """Whether a runner's name is that of an earlier attempt: the same text before the last `#`, a lower number behind it."""
    (name, _sign, number), (other, _other_sign, later) = runner.rpartition("#"), than.rpartition("#")
    return bool(name) and name == other and number.isdigit() and later.isdigit() and int(number) < int(later)


class Lock:
    """The lock of one customer and environment, held for one execution by one runner, or joined by several.

    fence: rises with every change of hands; whoever holds an older one is refused. Never depends on DynamoDB's TTL.
    slot: a lock of its own under that of all, for one of several runners.
    """

    def __init__(
        self, store: Store, *, slot: str = "", host: str | None = None, started: Callable[[int], str] = process_started
    ) -> None:
        self.store, self.started, self.slot = store, started, slot
        self.sk = f"SLOT#{slot}" if slot else "LOCK"
        self.host = this_host() if host is None else host
        self.customer = self.environment = self.owner = ""
        self.fence = 0
        self.lease_seconds = LEASE_SECONDS
        self.renewed_at = 0.0

    def acquire(self, customer: str, environment: str, *, owner: str, runner: str, lease_seconds: int = LEASE_SECONDS) -> int:
        """Takes the lock for execution `owner`; gives the fence. LockHeldError when someone else has it.

        A new runner of the same execution takes over when the lease is over or the old runner is proven dead (`process_gone`). So
        does another execution, when the dead runner's own has ended, or was never recorded: nothing of it could be resumed.
        """
        free = "attribute_not_exists(PK) OR #lease_until <= :now OR (#owner = :owner AND #runner = :runner)"
        return self._acquire(customer, environment, owner, runner, lease_seconds, free, {"owner": owner, "runner": runner})

    def join(self, customer: str, environment: str, *, owner: str, runner: str, lease_seconds: int = LEASE_SECONDS) -> int:
        """Takes the lock for all runners that give this `runner`, or joins those that have it; gives their fence.

        runner: the name of what starts them, with the number of its attempt (`name#number`). A later attempt takes over at once:
        it begins when the earlier one has ended, of which a straggler is refused by the fence, and by its slot. Nothing of an
        earlier attempt takes the lock from a later one. LockHeldError when someone else has it.
        """
        pk, known = _pk(customer, environment), {"owner": owner, "runner": runner}
        for _attempt in range(ATTEMPTS):
            now = self.store.clock()
            try:
                lease = {"lease_until": now + lease_seconds}
                item = self.store.table.update(pk, self.sk, lease, condition="#owner = :owner AND #runner = :runner", values=known)
                return self._holding(customer, environment, owner, int(item["fence"]), lease_seconds, now)
            except RefusedError as refused:
                held = refused.item
            theirs, ours = str(held.get("runner") or ""), held.get("owner") == owner
            if ours and earlier(runner, theirs):
                raise _held(customer, environment, held, owner)
            try:
                if ours and earlier(theirs, runner):
                    same = "#owner = :owner AND #runner = :old AND #fence = :fence"
                    values = {"owner": owner, "old": theirs, "fence": held["fence"]}
                    fence = self._take(customer, environment, owner, runner, lease_seconds, same, values)
                    return self._holding(customer, environment, owner, fence, lease_seconds, now)
                free = "attribute_not_exists(PK) OR #lease_until <= :now"
                return self._acquire(customer, environment, owner, runner, lease_seconds, free, {})
            except RefusedError:
                continue
            except LockHeldError as error:
                if (error.holder["execution_id"], error.holder["runner"]) != (owner, runner):
                    raise
        raise DrError(f"the lock of execution {owner} changed hands {ATTEMPTS} times in a row", "run the same command again")

    def _acquire(
        self, customer: str, environment: str, owner: str, runner: str, lease_seconds: int, free: str, known: dict[str, Any]
    ) -> int:
        now = self.store.clock()
        try:
            fence = self._take(customer, environment, owner, runner, lease_seconds, free, {**known, "now": now})
        except RefusedError as refused:
            held = refused.item or self.store.table.get(_pk(customer, environment), self.sk) or {}
            theirs = str(held.get("owner") or "")
            if not process_gone(str(held["runner"]), self.host, self.started) or (theirs != owner and self._unfinished(theirs)):
                raise _held(customer, environment, held, owner) from refused
            same = "#owner = :theirs AND #runner = :old AND #fence = :fence"
            known = {"theirs": theirs, "old": held["runner"], "fence": held["fence"]}
            try:
                fence = self._take(customer, environment, owner, runner, lease_seconds, same, known)
            except RefusedError as again:
                raise _held(customer, environment, again.item, owner) from again
        return self._holding(customer, environment, owner, fence, lease_seconds, now)

    def attach(self, customer: str, environment: str, owner: str, fence: int, lease_seconds: int = LEASE_SECONDS) -> Lock:
        """The lock that another process of the same run acquired; renewed at once, LeaseLostError when it is not ours any more."""
        self._holding(customer, environment, owner, fence, lease_seconds, 0.0)
        self.renew()
        return self

    def renew(self) -> None:
        """Extends the lease from now. LeaseLostError when the lock changed hands."""
        now = self.store.clock()
        self._update({"lease_until": now + self.lease_seconds})
        self.renewed_at = now

    def hold(self, seconds: float) -> None:
        """As `renew`, for that much longer: while what runs next cannot renew it."""
        now = self.store.clock()
        self._update({"lease_until": now + self.lease_seconds + seconds})
        self.renewed_at = now

    def check(self) -> None:
        """LeaseLostError when the lock changed hands; changes nothing."""
        held = self.store.table.get(_pk(self.customer, self.environment), self.sk) or {}
        if (held.get("owner"), held.get("fence")) != (self.owner, self.fence):
            raise self._lost(held)

    def release(self) -> bool:
        """Gives the lock back; False when it was not ours any more (then whoever has it keeps it). The fence stays."""
        try:
            self._update({"lease_until": 0}, remove=("owner", "runner", "since"))
        except LeaseLostError:
            return False
        finally:
            self.fence = 0
        return True

    def _unfinished(self, execution_id: str) -> bool:
        """Whether an execution is recorded and was being worked on: its lock stays until its lease is over."""
        found = self.store.table.get(f"EXEC#{execution_id}", "META")
        return found is not None and found["status"] in ("PENDING", "RUNNING")

    def _take(
        self, customer: str, environment: str, owner: str, runner: str, lease: int, condition: str, values: Mapping[str, Any]
    ) -> int:
        now = self.store.clock()
        assign = {"owner": owner, "runner": runner, "since": utc(now), "lease_until": now + lease}
        key = _pk(customer, environment)
        item = self.store.table.update(key, self.sk, assign, increment=("fence",), condition=condition, values=values)
        return int(item["fence"])

    def _holding(self, customer: str, environment: str, owner: str, fence: int, lease_seconds: int, now: float) -> int:
        self.customer, self.environment, self.owner, self.fence = customer, environment, owner, fence
        self.lease_seconds, self.renewed_at = lease_seconds, now
        return fence

    def _update(self, assign: Mapping[str, Any], remove: tuple[str, ...] = ()) -> None:
        mine = {"owner": self.owner, "fence": self.fence}
        try:
            self.store.table.update(
                _pk(self.customer, self.environment),
                self.sk,
                assign,
                remove=remove,
                condition="#owner = :owner AND #fence = :fence",
                values=mine,
            )
        except RefusedError as refused:
            raise self._lost(refused.item) from refused

    def _lost(self, held: Mapping[str, Any]) -> LeaseLostError:
        who = f"execution {held['owner']}, runner {held['runner']}, has it now" if held.get("owner") else "nobody has it now"
        return LeaseLostError(
            f"execution {self.owner} lost the lock of customer={self.customer}, environment={self.environment}: {who}",
            f"ansible-playbook dr.aws.status -e execution_id={held.get('owner') or self.owner}",
        )


class Member:
    """One of several runners of an execution: the lock of all, which it has joined, and its own slot. As a `Lock` in every way.

    Renewing renews both: it is refused when the lock has changed hands, and when its slot has.
    """

    def __init__(self, whole: Lock, slot: Lock) -> None:
        self.whole, self.slot = whole, slot
        self.customer, self.environment, self.owner = whole.customer, whole.environment, whole.owner

    @property
    def fence(self) -> int:
        """That of all."""
        return self.whole.fence

    @property
    def renewed_at(self) -> float:
        """When both were renewed last (epoch seconds)."""
        return min(self.whole.renewed_at, self.slot.renewed_at)

    def renew(self) -> None:
        """As `Lock.renew`. Who has lost the lock does not keep its slot any longer."""
        self.whole.renew()
        self.slot.renew()

    def hold(self, seconds: float) -> None:
        """As `Lock.hold`."""
        self.whole.hold(seconds)
        self.slot.hold(seconds)

    def check(self) -> None:
        """As `Lock.check`."""
        self.whole.check()
        self.slot.check()

    def release(self) -> bool:
        """As `Lock.release`, for all runners."""
        self.slot.release()
        return self.whole.release()

    def leave(self, seconds: float) -> None:
        """Gives back the slot alone; the lock stays with the runners that follow, for so long. LeaseLostError as `renew`."""
        self.whole.hold(seconds)
        self.slot.release()


Held: TypeAlias = "Lock | Member"


def attach(store: Store, customer: str, environment: str, execution: Mapping[str, Any]) -> Held:
    """The lock that another process of the same run acquired, as `Lock.attach`. execution: the fact `dr_execution`."""
    owner, slot = execution["execution_id"], execution.get("slot")
    whole = Lock(store).attach(customer, environment, owner, execution["fence"])
    if not slot:
        return whole
    return Member(whole, Lock(store, slot=slot["name"]).attach(customer, environment, owner, slot["fence"]))


def holder(store: Store, customer: str, environment: str) -> dict[str, Any] | None:
    """Who holds the lock now: {execution_id, runner, since, lease_until, fence}; None when nobody does or the lease is over."""
    held = store.table.get(_pk(customer, environment), "LOCK")
    if not held or not held.get("owner") or held["lease_until"] <= store.clock():
        return None
    return _said(held)


def alive(store: Store, execution: Mapping[str, Any]) -> dict[str, Any] | None:
    """As `holder`, when it is a run of this execution that is not proven dead; None when nothing carries it out.

    The lease of a run may not be over yet, while whoever would renew it is gone.
    """
    held = holder(store, execution["customer"], execution["environment"])
    if held is None or held["execution_id"] != execution["execution_id"]:
        return None
    return None if process_gone(str(held["runner"]), this_host(), process_started) else held


def _pk(customer: str, environment: str) -> str:
    return f"LOCK#{customer}#{environment}"


def _said(held: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "execution_id": held.get("owner", "unknown"),
        "runner": held.get("runner", "unknown"),
        "since": held.get("since", "unknown"),
        "lease_until": utc(held.get("lease_until", 0)),
        "fence": held.get("fence", 0),
    }


def _held(customer: str, environment: str, held: Mapping[str, Any], owner: str) -> LockHeldError:
    said = _said(held)
    if said["execution_id"] == owner:
        remedy = f"wait until {said['lease_until']}, or stop the runner {said['runner']}; then run the same command again"
    else:
        remedy = f"ansible-playbook dr.aws.status -e execution_id={said['execution_id']}"
    return LockHeldError(customer, environment, said, remedy)
