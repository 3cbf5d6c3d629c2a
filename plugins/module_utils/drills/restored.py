# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drills whose copy is restored from a snapshot of the standby: snapshot, restore, and on the way back the copy, then the snapshot.

The decisions that they have in common. A technology adds how it is read, and its calls.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar

from ..adapters.base import dark
from ..model import Blocked, Call, Done, Goal, Pair, Step, Unreachable, Wait
from . import room
from .base import AGAIN, Drill, carries, name, stranger, tags

#: Restoring reads the metadata of the whole data; a large one takes long.
RESTORE_SECONDS: Final = 4 * 3600
#: States of a snapshot that pass by themselves.
PASSING: Final = frozenset({"copying", "creating", "deleting", "restoring"})


class Thing(Protocol):
    """What is copied, and its copy."""

    @property
    def status(self) -> str:
        """As AWS names it."""

    @property
    def tags(self) -> Mapping[str, str]:
        """What tells a copy from anything else."""


Copied = TypeVar("Copied", bound=Thing)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The drill's snapshot. created_at: ISO 8601, "" until it is complete.

    engine, version, parameters (the name of a group of parameters): of what it was taken of.
    """

    id: str
    status: str
    created_at: str
    tags: Mapping[str, str]
    engine: str = ""
    version: str = ""
    parameters: str = ""


@dataclass(frozen=True, slots=True)
class Seen(Generic[Copied]):
    """Everything in the target region. subnet_group_vpc: of the prepared subnet group. origin: the standby.

    origin_vpc: the standby's.
    """

    room: room.Seen
    subnet_group_vpc: str | Unreachable | None
    origin: Copied | Unreachable | None
    origin_vpc: str | Unreachable | None
    copy: Copied | Unreachable | None
    snapshot: Snapshot | Unreachable | None

    @property
    def groups(self) -> list[str]:
        """The security groups of the drill room."""
        return list(self.room.groups) if isinstance(self.room, room.Room) else []

    @property
    def data_from(self) -> dict[str, str]:
        """The output of the point in time of the copy's data, where it is known."""
        known = isinstance(self.snapshot, Snapshot) and self.snapshot.created_at
        return {"data_from": known} if known else {}


class RestoredDrill(Drill, Generic[Copied]):
    """Copies that are restored from snapshots. Snapshot and copy have the same name."""

    #: How long a name may be.
    limit: ClassVar[int]
    #: States in which the copy answers its clients, and those that pass by themselves.
    usable: ClassVar[frozenset[str]]
    changing: ClassVar[frozenset[str]]

    @abstractmethod
    def take(self, origin: Copied, goal: Goal) -> Step:
        """The snapshot."""

    @abstractmethod
    def restore(self, origin: Copied, snapshot: Snapshot, seen: Seen[Copied], goal: Goal) -> Step:
        """The copy, from the snapshot, in the drill room."""

    @abstractmethod
    def delete(self, copy: Copied, goal: Goal) -> Step:
        """The copy goes, without another snapshot."""

    @abstractmethod
    def forget(self, goal: Goal) -> Call:
        """The snapshot goes."""

    @abstractmethod
    def outputs(self, copy: Copied) -> Mapping[str, Any]:
        """Where the copy is reached: endpoint, port, ARN."""

    @abstractmethod
    def subnet_group(self, goal: Goal) -> tuple[str, str]:
        """The prepared subnet group, in words, and the command that makes it."""

    def lacking(self, copy: Copied, seen: Seen[Copied], goal: Goal) -> Step | None:
        """What is still to do about a copy that is there and usable."""
        return None

    def unfit(self, origin: Copied, seen: Seen[Copied], goal: Goal) -> Step | None:
        """Why the standby cannot be copied, told before anything is made."""
        return None

    def alone(self, seen: Seen[Copied], goal: Goal) -> Step:
        """What can be done where there is no standby."""
        why = f"there is no standby {goal.pair.target_id} in {goal.pair.target_region} to copy"
        return Blocked(why, "run phase instantiate of a failover first")

    def called(self, pair: Pair) -> str:
        """The name of copy and snapshot."""
        return name(pair, self.limit)

    def own(self, seen: Seen[Copied], goal: Goal) -> Collection[str]:
        return {self.called(goal.pair)}

    def make(self, seen: Seen[Copied], goal: Goal) -> Step:
        """A snapshot of the standby is taken and restored into the drill room."""
        region, origin, copy, snapshot = goal.pair.target_region, seen.origin, seen.copy, seen.snapshot
        if isinstance(origin, Unreachable) or isinstance(copy, Unreachable) or isinstance(snapshot, Unreachable):
            return dark(goal, region)
        refused = self._misplaced(seen, goal)
        if copy is not None:
            step = self._stands(copy, seen, goal)
            return refused or step if isinstance(step, Call) else step
        if origin is None:
            return refused or self.alone(seen, goal)
        if refused := refused or self.unfit(origin, seen, goal):
            return refused
        match snapshot:
            case None if origin.status in self.changing:
                return Wait(f"{goal.pair.target_id} in {region} is {origin.status}", poll_seconds=30)
            case None:
                return self.take(origin, goal)
            case Snapshot(status=status) if status in PASSING:
                return _passes(snapshot, region)
            case Snapshot(status="available") if carries(snapshot.tags, goal.pair):
                return self.restore(origin, snapshot, seen, goal)
            case Snapshot(status="available"):
                return stranger(snapshot.id, region)
            case Snapshot(status=status):
                return Blocked(f"the snapshot {snapshot.id} in {region} is {status}", AGAIN)

    def serve(self, seen: Seen[Copied], goal: Goal) -> Step:
        """The copy answers its clients."""
        if isinstance(seen.copy, Unreachable):
            return dark(goal, goal.pair.target_region)
        if seen.copy is None:
            return Blocked(f"there is no copy {self.called(goal.pair)}", "run phase instantiate of this drill first")
        step = self._stands(seen.copy, seen, goal)
        return Blocked("the copy is not complete", "run phase instantiate of this drill first") if isinstance(step, Call) else step

    def remove(self, seen: Seen[Copied], goal: Goal) -> Step:
        """The copy is deleted without a final snapshot, then the snapshot that it was made of."""
        pair, region, copy, snapshot = goal.pair, goal.pair.target_region, seen.copy, seen.snapshot
        if isinstance(copy, Unreachable) or isinstance(snapshot, Unreachable):
            return dark(goal, region)
        if copy is not None and copy.status in {"deleting", *self.changing}:
            return self._passing(copy, goal)
        if copy is not None:
            return self.delete(copy, goal) if carries(copy.tags, pair) else stranger(self.called(pair), region)
        if snapshot and snapshot.status in PASSING:
            return _passes(snapshot, region)
        if snapshot:
            return self.forget(goal) if carries(snapshot.tags, pair) else stranger(snapshot.id, region)
        return Done({"copy": "removed"})

    def _stands(self, copy: Copied, seen: Seen[Copied], goal: Goal) -> Step:
        """The copy is the drill's own, whole and usable. What is being made may not show its tags yet."""
        ident, region = self.called(goal.pair), goal.pair.target_region
        if copy.status in self.changing:
            return self._passing(copy, goal)
        if not carries(copy.tags, goal.pair):
            return stranger(ident, region)
        if copy.status not in self.usable:
            return Blocked(f"the copy {ident} in {region} is {copy.status}", AGAIN)
        if lacking := self.lacking(copy, seen, goal):
            return lacking
        return Done({"copy": ident, **self.outputs(copy), **seen.data_from})

    def _passing(self, copy: Copied, goal: Goal) -> Wait:
        why = f"the copy {self.called(goal.pair)} in {goal.pair.target_region} is {copy.status}"
        return Wait(why, poll_seconds=30, timeout_seconds=RESTORE_SECONDS)

    def _misplaced(self, seen: Seen[Copied], goal: Goal) -> Step | None:
        """Why the room cannot take the copy. A standby whose network nobody knows may be in it."""
        region = goal.pair.target_region
        if isinstance(seen.origin_vpc, Unreachable):
            return dark(goal, region)
        if seen.origin is not None and not seen.origin_vpc:
            why = f"nobody can tell in which VPC {goal.pair.target_id} in {region} is"
            return Blocked(why, "see that its subnet group exists; a drill keeps away from its network")
        what, make = self.subnet_group(goal)
        return room.refused(seen.room, goal, [seen.origin_vpc] if seen.origin_vpc else []) or room.misplaced(
            seen.room, seen.subnet_group_vpc, what, make, goal
        )


def labels(pair: Pair) -> list[dict[str, str]]:
    """The drill's tags as the databases and caches of AWS take them."""
    return [{"Key": key, "Value": value} for key, value in tags(pair).items()]


def given(**params: Any) -> dict[str, Any]:
    """The parameters that say something."""
    return {key: value for key, value in params.items() if value not in ("", [], None)}


def own_group(group: str) -> str:
    """A group of parameters or options, "" for one that AWS chooses by itself."""
    return "" if group.startswith("default") else group


def setting(pair: Pair, purpose: str, default: Any = "") -> Any:
    """The setting `drill.<purpose>`."""
    return pair.settings.get("drill", {}).get(purpose) or default


def _passes(snapshot: Snapshot, region: str) -> Wait:
    doing = "being taken" if snapshot.status == "creating" else snapshot.status
    return Wait(f"the snapshot {snapshot.id} in {region} is {doing}", poll_seconds=30, timeout_seconds=RESTORE_SECONDS)
