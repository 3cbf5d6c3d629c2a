# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One adapter on one resource, as a module runs it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils import technology
from ansible_collections.dr.aws.plugins.module_utils.adapters.base import Adapter, Reader
from ansible_collections.dr.aws.plugins.module_utils.model import (
    UNREACHABLE,
    Active,
    Blocked,
    Call,
    Check,
    Done,
    Goal,
    Health,
    Pair,
    Step,
)


@dataclass(frozen=True)
class Seen:
    state: str


class Lamps(Adapter):
    """A lamp is off until `light` was called."""

    technology = "lamp"
    actions = {}
    durations = {}

    def __init__(self, state: str) -> None:
        self.state = state

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Any]:
        return {pair.key: Seen(self.state) for pair in pairs}

    def active(self, seen: Seen) -> Active:
        return Active.TARGET if seen.state == "on" else Active.SOURCE

    def activate(self, seen: Seen, goal: Goal) -> Step:
        match seen.state:
            case "off":
                return Call("lamp", "light", goal.pair.target_region, {"name": goal.pair.target_id}, "light it")
            case "on":
                return Done({"colour": goal.pair.settings.get("colour")})
        return Blocked("it is broken", "replace it")

    def rollback(self, seen: Seen, goal: Goal) -> Step:
        return Done()

    def health(self, seen: Seen, goal: Goal) -> Health:
        return Health((Check("on", seen.state == "on"),))

    def capture(self, seen: Seen, pair: Pair) -> Mapping[str, Any]:
        return {}


class Cloud:
    """The only way to light a lamp."""

    def __init__(self, lamp: Lamps) -> None:
        self.lamp, self.sent = lamp, []

    def read(self, *args: Any, **params: Any) -> Any:
        raise AssertionError("lamps are not read")

    pages = read

    def call(self, account: str, region: str, service: str, operation: str, **params: Any) -> dict[str, Any]:
        self.sent.append((account, region, operation, params))
        self.lamp.state = "on"
        return {}


def params(**changes: Any) -> dict[str, Any]:
    given = {name: option.get("default") for name, option in technology.OPTIONS.items()}
    given |= {"phase": "activate", "name": "hall", "source_region": "east", "target_region": "west", "poll_limit_seconds": 0}
    return {**given, "settings": {"colour": "red", "size": None}, **changes}


def test_a_change_is_made_once_and_shown_as_a_difference() -> None:
    lamp = Lamps("off")
    cloud = Cloud(lamp)
    first = technology.run(params(target_name="porch"), lamp, cloud, "1")
    assert (first["changed"], first["status"], first["active_side"]) == (True, "done", "target")
    assert first["outputs"] == {"colour": "red"}
    assert {name: json.loads(text) for name, text in first["diff"].items()} == {
        "before": {"state": "off"},
        "after": {"state": "on"},
    }
    second = technology.run(params(target_name="porch"), lamp, cloud, "1")
    assert (second["changed"], second["calls"], second["diff"]["before"]) == (False, [], second["diff"]["after"])
    assert cloud.sent == [("1", "west", "light", {"name": "porch"})]


def test_check_mode_shows_the_call_and_sends_none() -> None:
    lamp = Lamps("off")
    cloud = Cloud(lamp)
    found = technology.run(params(), lamp, cloud, "1", check_mode=True)
    assert (found["changed"], found["status"], cloud.sent) == (True, "would_change", [])
    assert json.loads(found["diff"]["after"])["next_call"]["operation"] == "light"


def test_what_is_refused_says_why_and_what_to_do() -> None:
    lamp = Lamps("broken")
    found = technology.run(params(), lamp, Cloud(lamp), "1")
    assert (found["changed"], found["status"], found["why"], found["remedy"]) == (False, "blocked", "it is broken", "replace it")


def test_options_make_the_pair_and_absent_settings_are_left_alone() -> None:
    pair = technology.pair_of(params(rpo_seconds=60), Lamps("off"), "1")
    assert (pair.source_id, pair.target_id, pair.settings, pair.rpo_seconds) == ("hall", "hall", {"colour": "red"}, 60)


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (UNREACHABLE, "the region does not answer"),
        (Colour.RED, "red"),
        (Seen("on"), {"state": "on"}),
        ({1: (Seen("on"), {"a"})}, {"1": [{"state": "on"}, ["a"]]}),
        ([None, True, 1, 1.5, "x"], [None, True, 1, 1.5, "x"]),
        (3 + 4j, "(3+4j)"),
    ],
)
def test_observations_become_plain_values(value: Any, plain: Any) -> None:
    assert technology.plain(value) == plain
