# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated time."""

from __future__ import annotations

import threading

import pytest

from sandbox.clock import Clock, transition


@pytest.fixture
def clock() -> Clock:
    return Clock(scale=0, start=1000.0)


def test_time_stands_still_at_scale_zero_until_it_is_advanced(clock: Clock) -> None:
    assert clock.time() == 1000.0
    clock.advance(12.5)
    assert clock.time() == 1012.5
    assert clock.iso() == "1970-01-01T00:16:52.500Z"


def test_events_run_in_order_and_see_the_time_they_were_due(clock: Clock) -> None:
    seen: list[tuple[str, float]] = []
    clock.after(20, lambda: seen.append(("late", clock.time())))
    clock.after(10, lambda: seen.append(("early", clock.time())))
    clock.after(40, lambda: seen.append(("not yet", clock.time())))
    clock.advance(30)
    assert seen == [("early", 1010.0), ("late", 1020.0)]
    assert clock.pending() == [10.0]


def test_what_an_event_starts_begins_when_the_event_was_due(clock: Clock) -> None:
    seen: list[float] = []
    clock.after(10, lambda: clock.after(10, lambda: seen.append(clock.time())))
    clock.advance(1000)
    assert seen == [1020.0]


def test_a_cancelled_event_never_happens(clock: Clock) -> None:
    seen: list[int] = []
    clock.after(1, lambda: seen.append(1)).cancel()
    clock.advance(2)
    assert seen == []


def test_threads_that_sleep_at_once_do_not_add_up(clock: Clock) -> None:
    barrier = threading.Barrier(4)

    def sleep() -> None:
        target = clock.time() + 30
        barrier.wait()
        clock.advance(target - clock.time())

    threads = [threading.Thread(target=sleep) for _unused in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.time() == 1030.0


def test_an_event_that_fails_does_not_stop_time(clock: Clock) -> None:
    clock.after(5, lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        clock.advance(10)
    clock.advance(10)
    assert clock.time() == 1015.0


def test_a_transition_passes_through_its_states(clock: Clock) -> None:
    seen: list[tuple[str, float]] = []
    transition(clock, [("creating", 60), ("backing-up", 10), ("available", 0)], lambda s: seen.append((s, clock.time())))
    clock.advance(59)
    assert seen == [("creating", 1000.0)]
    clock.advance(1000)
    assert seen == [("creating", 1000.0), ("backing-up", 1060.0), ("available", 1070.0)]


def test_a_transition_can_be_stopped(clock: Clock) -> None:
    seen: list[str] = []
    stop = transition(clock, [("creating", 60), ("available", 0)], seen.append)
    stop()
    clock.advance(100)
    assert seen == ["creating"]


def test_restart_forgets_what_was_due(clock: Clock) -> None:
    clock.after(5, lambda: pytest.fail("an event of the world before"))
    clock.restart(scale=0, start=5.0)
    clock.advance(100)
    assert clock.time() == 105.0
