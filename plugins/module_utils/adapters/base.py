# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an adapter is: all its I/O in `observe`, everything else pure decisions over what was observed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from ..model import Active, Blocked, Call, Deferred, Goal, Health, Pair, Step, Unreachable


class Reader(Protocol):
    """Describe calls for adapters. Errors become values, so that the dangerous confusion cannot be written by accident:

    a dict or list — the answer; `None` — AWS said that it does not exist (a code in `absent`); `UNREACHABLE` — the region did not
    answer (connection errors, timeouts, 5xx pages, an open circuit breaker). Anything else (access denied, …) raises.
    """

    def read(
        self, account: str, region: str, service: str, operation: str, /, *, absent: Iterable[str] = (), **params: Any
    ) -> dict[str, Any] | Unreachable | None:
        """One describe call. `operation` is the snake_case client method; `absent` the error codes that mean "not there"."""

    def pages(
        self, account: str, region: str, service: str, operation: str, key: str, /, *, absent: Iterable[str] = (), **params: Any
    ) -> list[dict[str, Any]] | Unreachable | None:
        """All pages of a describe call that botocore can paginate; `key` is the list member of the answer to collect."""


class Cloud(Reader, Protocol):
    """The reader, and mutating calls, which only the engine makes."""

    def call(self, account: str, region: str, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        """The answer; CallError when AWS refuses or does not answer."""


@dataclass(frozen=True, slots=True)
class Merge:
    """How the engine merges the same call of many pairs: the list parameter, how many items a call takes, and how many
    calls (`jobs`) and items (`items`) may be in flight at once per account and region."""

    parameter: str
    limit: int
    jobs: int = 1_000_000
    items: int = 1_000_000


class Adapter(ABC):
    """One technology. Stateless: no sleep, no retry, no memory, no client kept. Every decision is a pure function.

    Decisions get `seen` (this adapter's own observation of one pair) and `goal`; they return a Step.
    """

    technology: ClassVar[str]
    phases: ClassVar[tuple[str, ...]] = ("instantiate", "activate", "cleanup", "replicate")
    #: IAM actions that each phase needs, and `observe` (all describes), `health`, `rollback` where they need more.
    actions: ClassVar[Mapping[str, tuple[str, ...]]]
    #: How many pairs one `observe` takes: the AWS API's bulk size.
    bulk: ClassVar[int] = 100
    #: Calls that the engine merges across pairs, by (service, operation).
    merges: ClassVar[Mapping[tuple[str, str], Merge]] = {}
    #: Error codes of mutating calls that mean "not yet": the engine looks again as after a Wait.
    busy: ClassVar[frozenset[str]] = frozenset()
    #: Whether what a planned ACTIVATE calls in the source region stops or fences what serves there.
    drains: ClassVar[bool] = True
    #: Fields of `capture` that count units which serve: of these the largest of 24 hours is kept, of all others the newest.
    capacities: ClassVar[tuple[str, ...]] = ()
    #: Expected seconds per phase, shown by plans and estimates until history knows better.
    durations: ClassVar[Mapping[str, int]]

    @abstractmethod
    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Any]:
        """Pair key -> observation; describe calls only. All pairs share account, source_region and target_region."""

    @abstractmethod
    def active(self, seen: Any) -> Active:
        """Which side serves now."""

    def instantiate(self, seen: Any, goal: Goal) -> Step:
        """The target side stands by, ready to be activated."""
        return self.lacks("instantiate", goal)

    @abstractmethod
    def activate(self, seen: Any, goal: Goal) -> Step:
        """The target side serves."""

    def cleanup(self, seen: Any, goal: Goal) -> Step:
        """The old side (source) is out of service; `goal.cleanup_policy` says whether it is kept (quarantine) or removed."""
        return self.lacks("cleanup", goal)

    def replicate(self, seen: Any, goal: Goal) -> Step:
        """The old side (source) stands by for the new one (target): protected again, in the reverse direction."""
        return self.lacks("replicate", goal)

    @abstractmethod
    def rollback(self, seen: Any, goal: Goal) -> Step:
        """The source side serves again after an `activate`, or Blocked with the reason where it was one-way."""

    @abstractmethod
    def health(self, seen: Any, goal: Goal) -> Health:
        """Whether the target side is healthy after `activate` (FR-3.3)."""

    @abstractmethod
    def capture(self, seen: Any, pair: Pair) -> Mapping[str, Any]:
        """What a failover must know of the source when it is gone (capacity, classes, ARNs): JSON values; {} when not seen."""

    def sizes(self, reader: Reader, seen: Any, pair: Pair) -> Mapping[str, Any]:
        """More of what `capture` gives: what only costs need, and `observe` leaves unread. Describe calls; {} for nothing."""
        return {}

    def receipt(self, call: Call, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """What of an accepted call's answer later looks need, because no describe call gives it back (a change id).

        JSON values. The engine adds it to `pair.settings` and keeps it in the journal. It is lost with a process that dies before
        it has the answer: a decision may use it, but never depend on it.
        """
        return {}

    def lacks(self, phase: str, goal: Goal) -> Step:
        """The step of a phase that this technology does not have."""
        return Blocked(f"{self.technology} has no phase {phase}", f"leave {goal.pair.key} out of phase {phase}")


def dark(goal: Goal, region: str) -> Step:
    """The step of a phase that needs a region which does not answer: planned mode refuses, unplanned mode defers."""
    if goal.planned:
        return Blocked(
            f"planned mode needs {region}, which does not answer", "wait until it answers, or run it with mode=unplanned"
        )
    return Deferred(f"{region} does not answer")
