# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which calls a fault hits."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.faults import Faults, NoAnswerError


class Call:
    """As much of a call as faults look at."""

    signing_name = "rds"
    operation = "DescribeDBInstances"
    region = "us-east-1"
    account = "200000000001"
    identity = None
    service: Any = None
    protocol = "query"

    def __init__(self, **changes: str) -> None:
        self.__dict__.update(changes)


def hits(faults: Faults, *calls: Any) -> list[bool]:
    return [faults.apply(call, "before") is not None for call in calls]


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ({}, True),
        ({"region": "us-east-1"}, True),
        ({"region": "us-west-2"}, False),
        ({"region": ["us-west-2", "us-east-1"]}, True),
        ({"operation": "Describe*"}, True),
        ({"operation": "Create*"}, False),
        ({"service": "rds", "account": "2*"}, True),
        ({"service": "rds", "account": "3*"}, False),
        ({"role": "dr"}, False),
    ],
)
def test_everything_in_match_must_match(match: dict[str, Any], expected: bool) -> None:
    faults = Faults()
    faults.add({"match": match, "effect": "http"})
    assert hits(faults, Call()) == [expected]


def test_the_kth_matching_call_alone() -> None:
    faults = Faults()
    faults.add({"match": {"region": "us-east-1"}, "effect": "http", "kth": 2})
    assert hits(faults, Call(), Call(region="us-west-2"), Call(), Call()) == [False, False, True, False]


def test_times_uses_a_fault_up() -> None:
    faults = Faults()
    faults.add({"effect": "http", "times": 2})
    assert hits(faults, *[Call()] * 4) == [True, True, False, False]


def test_a_share_is_the_same_in_every_world() -> None:
    faults = Faults()
    worlds = []
    for _unused in range(2):
        faults.clear()
        faults.add({"effect": "http", "share": 0.3})
        worlds.append(hits(faults, *[Call()] * 200))
    assert worlds[0] == worlds[1]
    assert 40 <= sum(worlds[0]) <= 80


@pytest.mark.parametrize(("effect", "when"), [("reset", "before"), ("blackhole", "before"), ("lose", "after")])
def test_no_answer(effect: str, when: str) -> None:
    faults = Faults()
    faults.add({"effect": effect})
    assert faults.apply(Call(), "after" if when == "before" else "before") is None
    with pytest.raises(NoAnswerError):
        faults.apply(Call(), when)


@pytest.mark.parametrize(
    "rule",
    [
        {"effect": "nonsense"},
        {"effect": "reset", "matches": {}},
        {"effect": "reset", "match": {"op": "x"}},
        {"effect": "kill"},
        {"effect": "error"},
        {"effect": "reset", "when": "sometimes"},
    ],
)
def test_mistakes_are_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"unknown|must be|needs"):
        Faults().add(rule)


def test_rules_can_be_removed() -> None:
    faults = Faults()
    number = faults.add({"effect": "http"})
    assert [rule["id"] for rule in faults.list()] == [number]
    assert faults.remove(number)
    assert not faults.remove(number)
    assert hits(faults, Call()) == [False]
