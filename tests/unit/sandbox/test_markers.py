# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How markers move: with the lag of what follows, once for what is copied, and not to where nothing is followed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.markers import Holder, Markers


class World:
    """Holders of one service; follows: name -> (what it follows, seconds behind)."""

    def __init__(self, *names: str) -> None:
        self.now, self.names, self.follows, self.merging = 1000.0, list(names), {}, False
        self.markers = Markers(self.look, lambda: self.now)

    def look(self) -> Iterator[Holder]:
        for name in self.names:
            leaders = {leader: (lambda lag=lag: self.now - lag) for leader, lag in self.follows.get(name, ())}
            yield Holder(name, "s", "a", "r", name, self.merging or not leaders, leaders, self.merging)

    def write(self, name: str, marker: str) -> None:
        self.markers.write("s", "a", "r", name, marker)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds


def test_what_follows_has_it_after_its_lag() -> None:
    world = World("here", "there")
    world.follows = {"there": [("here", 10)]}
    world.write("here", "m")
    seen = []
    for _second in range(3):
        seen.append(world.markers.held("there"))
        world.pass_time(5)
    assert seen == [[], [], ["m"]]


def test_what_has_not_arrived_when_it_ends_is_lost() -> None:
    world = World("here", "there")
    world.follows = {"there": [("here", 10)]}
    world.write("here", "old")
    world.pass_time(8)
    world.write("here", "new")
    world.pass_time(4)
    world.follows = {}
    world.markers.pass_on()
    world.pass_time(100)
    assert (world.markers.held("here"), world.markers.held("there")) == (["old", "new"], ["old"])
    world.write("there", "later")
    assert world.markers.held("there") == ["old", "later"]


def test_what_begins_to_follow_loses_its_own() -> None:
    world = World("here", "there")
    world.write("here", "theirs")
    world.write("there", "ours")
    world.follows = {"here": [("there", 1)]}
    world.markers.pass_on()
    world.pass_time(2)
    assert world.markers.held("here") == ["ours"]


def test_what_merges_keeps_its_own() -> None:
    world = World("here", "there")
    world.write("here", "m1")
    world.write("there", "m2")
    world.merging, world.follows = True, {"here": [("there", 1)], "there": [("here", 1)]}
    world.markers.pass_on()
    world.pass_time(2)
    assert {name: set(world.markers.held(name)) for name in world.names} == {"here": {"m1", "m2"}, "there": {"m1", "m2"}}


def test_a_copy_has_what_was_there_when_it_was_made_and_nothing_else() -> None:
    world = World("here", "restored")
    world.write("here", "m1")
    world.markers.copy("here", "backup")
    world.write("here", "m2")
    world.write("restored", "its own")
    world.markers.copy("backup", "restored")
    assert [world.markers.held(key) for key in ("backup", "restored")] == [["m1"], ["m1"]]


@pytest.mark.parametrize(("name", "why"), [("there", "0 of 1 take writes"), ("nobody", "there is none")])
def test_nothing_is_written_where_nothing_takes_writes(name: str, why: str) -> None:
    world = World("here", "there")
    world.follows = {"there": [("here", 1)]}
    with pytest.raises(ValueError, match=f"s {name} in r of a takes no marker: {why}"):
        world.write(name, "m")
    assert world.markers.found()[0] == {
        "key": "here",
        "service": "s",
        "account": "a",
        "region": "r",
        "name": "here",
        "writable": True,
        "follows": [],
        "markers": [],
    }
