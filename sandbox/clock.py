# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated clock: real time times a scale, plus whatever was advanced."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TypeVar

State = TypeVar("State")


class Event:
    """Something due at a simulated time (epoch seconds). `cancel()` before it is due and it never happens.

    pace: of what it schedules in turn.
    """

    __slots__ = ("cancelled", "due", "pace", "run")

    def __init__(self, due: float, run: Callable[[], object], pace: float = 1.0) -> None:
        self.due = due
        self.run = run
        self.pace = pace
        self.cancelled = False

    def cancel(self) -> None:
        """Forget it. Harmless when it already happened."""
        self.cancelled = True


class Clock:
    """Simulated time in epoch seconds. At scale 0 it moves only by `advance`.

    Due events run in order of their times, on the thread that notices, under `lock` (the gateway's own lock, so that an
    event never runs in the middle of a call). While an event runs, the clock stands at the moment it was due.
    """

    def __init__(self, scale: float = 1.0, start: float | None = None, lock: threading.RLock | None = None) -> None:
        self.lock = lock or threading.RLock()
        self.tick = 0.0
        #: How many times as long as usual takes what is scheduled now, and what follows from it (`at_pace`).
        self.pace = 1.0
        self.ran = 0
        #: Called after each event, while the clock stands at the moment it was due.
        self.watch: Callable[[], object] = lambda: None
        self._events: list[tuple[float, int, Event]] = []
        self._order = itertools.count()
        self._set(time.time() if start is None else start, scale)

    def _set(self, base: float, scale: float) -> None:
        self._reading = (base, time.monotonic(), scale)  # one assignment: readers need no lock

    @property
    def scale(self) -> float:
        """Simulated seconds per real second."""
        return self._reading[2]

    def time(self) -> float:
        """Now, in epoch seconds."""
        base, since, scale = self._reading
        return base + (time.monotonic() - since) * scale

    def now(self) -> datetime:
        """Now, as an aware datetime in UTC."""
        return datetime.fromtimestamp(self.time(), UTC)

    def iso(self) -> str:
        """Now, as AWS writes it: 2026-01-02T03:04:05.678Z."""
        return self.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def after(self, seconds: float, run: Callable[[], object]) -> Event:
        """Call `run` when `seconds` of simulated time have passed, at this pace."""
        with self.lock:
            event = Event(self.time() + seconds * self.pace, run, self.pace)
            heapq.heappush(self._events, (event.due, next(self._order), event))
            return event

    @contextmanager
    def at_pace(self, pace: float | None) -> Iterator[None]:
        """What is scheduled meanwhile takes `pace` times as long as usual; None leaves it as it is. To be used under the lock."""
        before = self.pace
        self.pace = before if pace is None else pace
        try:
            yield
        finally:
            self.pace = before

    def set_scale(self, scale: float) -> None:
        """Change the speed from now on."""
        with self.lock:
            self._set(self.time(), scale)

    def advance(self, seconds: float) -> None:
        """Move on by `seconds` from the time this was called: threads that advance at once do not add up."""
        target = self.time() + seconds
        with self.lock:
            self._run_until(target)
            if target > self.time():
                self._set(target, self.scale)

    def run_due(self) -> None:
        """Run what has become due."""
        events = self._events
        if events and events[0][0] <= self.time():
            with self.lock:
                self._run_until(self.time())

    def pending(self) -> list[float]:
        """Seconds until each event, soonest first."""
        with self.lock:
            return sorted(event.due - self.time() for _unused, _unused, event in self._events if not event.cancelled)

    def restart(self, scale: float, start: float | None = None) -> None:
        """Forget every event and begin again."""
        with self.lock:
            self._events.clear()
            self.tick = 0.0
            self._set(time.time() if start is None else start, scale)

    def _run_until(self, target: float) -> None:
        scale = self.scale
        while self._events and self._events[0][0] <= target:
            due, _unused, event = heapq.heappop(self._events)
            if event.cancelled:
                continue
            resume = max(self.time(), due)
            self._set(due, 0.0)  # chained transitions start from the moment this one was due, not from when it was noticed
            try:
                with self.at_pace(event.pace):
                    event.run()
                self.ran += 1
                self.watch()
            finally:
                self._set(resume, scale)


def transition(clock: Clock, steps: Sequence[tuple[State, float]], set_state: Callable[[State], object]) -> Callable[[], None]:
    """Pass through states in time: each (state, seconds) is set, held for its seconds, then the next one is set.

    The first state is set at once; the seconds of the last are not used. Gives a function that stops the transition
    where it is.

    >>> transition(ctx.clock, [("creating", 1200), ("modifying", 60), ("available", 0)], lambda s: db.update(status=s))
    """
    stopped = False

    def enter(index: int) -> None:
        if stopped:
            return
        state, seconds = steps[index]
        set_state(state)
        if index + 1 < len(steps):
            clock.after(seconds, lambda: enter(index + 1))

    def stop() -> None:
        nonlocal stopped
        stopped = True

    enter(0)
    return stop
