# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each of several runners of an execution carries out, as tables."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils import relay
from ansible_collections.dr.aws.plugins.module_utils.errands.placing import place
from ansible_collections.dr.aws.plugins.module_utils.errors import InputError
from ansible_collections.dr.aws.plugins.module_utils.fact import fact_of
from ansible_collections.dr.aws.plugins.module_utils.lock import earlier
from ansible_collections.dr.aws.plugins.module_utils.model import Active, Pair
from ansible_collections.dr.aws.plugins.module_utils.parameters import Facts, Parameters
from ansible_collections.dr.aws.plugins.module_utils.plan import Plan, build
from ansible_collections.dr.aws.plugins.module_utils.relay import APPROVAL, END, SHARDS, Turn

EAST, WEST = "us-east-1", "us-west-2"
ARN = f"arn:aws:states:{WEST}:111111111111:execution:dr-aws:dr-20261128T163000Z-7f3a9c-1"
CHECK = {"name": "checkout", "url": "https://shop.example.com/health", "operations": ["failover"]}


def pair(key: str, account: str = "a", technology: str = "ecs", wave: int = 1, **more: Any) -> Pair:
    return Pair(key, technology, account, EAST, WEST, key, key, wave=wave, **more)


def plan(*pairs: Pair, mode: str = "unplanned", **changes: Any) -> Plan:
    facts = Facts((EAST, WEST), frozenset({("acme", "production")}))
    parameters = Parameters("acme", "production", EAST, WEST, mode=mode, **changes)
    return build(pairs, {one.key: Active.SOURCE for one in pairs}, parameters, facts, {})


@pytest.mark.parametrize(
    ("runner", "than", "expected"),
    [
        ("arn:x#0", "arn:x#1", True),
        ("arn:x#9", "arn:x#10", True),
        ("arn:x#1", "arn:x#1", False),
        ("arn:x#2", "arn:x#1", False),
        ("arn:x#0", "arn:y#1", False),
        ("hub/1:7:100", "arn:x#1", False),
        ("hub/1:7:100", "hub/1:7:101", False),
        ("", "#1", False),
    ],
)
def test_which_attempt_is_the_earlier_one(runner: str, than: str, expected: bool) -> None:
    assert earlier(runner, than) is expected


@pytest.mark.parametrize("value", [f"{ARN}#0", f" {ARN}#12 ", ""])
def test_what_names_a_driver(value: str) -> None:
    assert relay.driver(value) == value.strip()


@pytest.mark.parametrize("value", [ARN, f"{ARN}#", "#1", "two words#1", f"{ARN}#1#2", f"{ARN}#-1"])
def test_what_does_not(value: str) -> None:
    with pytest.raises(InputError, match="driver="):
        relay.driver(value)


@pytest.mark.parametrize(
    ("pairs", "size", "expected"),
    [
        pytest.param([("1", "a"), ("2", "b")], 0, [("a", "b")], id="nothing is shared unless it is asked for"),
        pytest.param([("1", "a"), ("2", "b")], 2, [("a", "b")], id="few enough for one"),
        pytest.param([("1", "a"), ("2", "b"), ("3", "c")], 2, [("a", "c"), ("b",)], id="by accounts"),
        pytest.param([("1", "a"), ("2", "a"), ("3", "b"), ("4", "c")], 2, [("a",), ("b", "c")], id="of about one size"),
        pytest.param([("1", "a"), ("2", "a"), ("3", "a")], 1, [("a",)], id="an account is never split"),
        pytest.param(
            [("1", "a"), ("2", "b", "1"), ("3", "c")], 1, [("a", "b"), ("c",)], id="what depends on each other stays together"
        ),
        pytest.param(
            [("1", "a"), ("2", "b", "1"), ("3", "c", "2")], 1, [("a", "b", "c")], id="also what does so by way of another account"
        ),
        pytest.param([("1", "a", "earlier"), ("2", "b", "earlier")], 1, [("a",), ("b",)], id="on earlier waves both may depend"),
        pytest.param([], 1, [()], id="nothing"),
    ],
)
def test_how_a_wave_is_split(pairs: list[tuple[str, ...]], size: int, expected: list[tuple[str, ...]]) -> None:
    made = [pair(one[0], one[1], dependencies=one[2:]) for one in pairs]
    found = relay.split(made, size)
    assert found == expected
    assert found == relay.split(made[::-1], size), "whoever splits it, and in whatever order"


def test_there_are_never_more_shards_than_run_at_once() -> None:
    found = relay.split([pair(str(number), f"{number:03d}") for number in range(100)], 1)
    assert len(found) == relay.MAX_SHARDS
    assert sorted(one for shard in found for one in shard) == [f"{number:03d}" for number in range(100)]


@pytest.mark.parametrize(
    ("pairs", "changes", "expected"),
    [
        pytest.param([pair("1"), pair("2", "b")], {}, ["1", "2"], id="all of them"),
        pytest.param([pair("1"), pair("2", "b")], {"mode": "planned"}, ["1", "2"], id="planned, of one priority"),
        pytest.param([pair("1"), pair("2", "b", priority="critical")], {"mode": "planned"}, [], id="sources that stop in order"),
        pytest.param([pair("1"), pair("2", "b", priority="critical")], {}, ["1", "2"], id="unplanned they do not"),
        pytest.param(
            [pair("1"), pair("2", "b", "route53")], {"business_checks": (CHECK,)}, ["1"], id="DNS waits for the business checks"
        ),
    ],
)
def test_what_of_a_wave_is_shared(pairs: list[Pair], changes: dict[str, Any], expected: list[str]) -> None:
    made = plan(*pairs, approval_mode="automatic", **changes)
    (batch,) = made.of("activate")
    assert sorted(one.key for one in relay.shared(made, batch, ["1", "2"])) == expected
    assert [one.key for one in relay.shared(made, batch, ["2"])] == [key for key in expected if key == "2"], "what is left to do"


@pytest.mark.parametrize(
    ("when", "wave", "shared"),
    [
        ("before_wave", 0, False),
        ("before_phase", 0, False),
        ("before_wave", 1, False),
        ("before_wave", 2, True),
        ("after_wave", 0, True),
    ],
)
def test_a_wave_with_hooks_before_it_is_not_shared(when: str, wave: int, shared: bool) -> None:
    hook = {
        "name": "drain",
        "when": when,
        "phase": "activate",
        "url": "https://shop.example.com/drain",
        "wave": wave,
        "operations": ["failover"],
    }
    made = plan(pair("1"), pair("2", "b"), pair("3", wave=2), hooks=(hook,))
    assert bool(relay.shared(made, made.of("activate")[0], ["1", "2"])) is shared


@pytest.mark.parametrize(
    ("first", "begun", "gates", "shares", "expected"),
    [
        pytest.param(0, False, [], [], Turn(0, 4, END), id="one runner for all"),
        pytest.param(0, False, [2], [], Turn(0, 2, APPROVAL), id="up to an approval"),
        pytest.param(2, False, [], [], Turn(2, 4, END), id="and on from there"),
        pytest.param(2, False, [2], [], Turn(2, 2, APPROVAL), id="not given yet: nothing"),
        pytest.param(0, False, [], [1, 3], Turn(0, 1, SHARDS), id="up to a shared wave"),
        pytest.param(1, True, [], [1, 3], Turn(1, 3, SHARDS, True), id="it is finished by one, up to the next"),
        pytest.param(1, True, [], [1], Turn(1, 4, END, True), id="to the end"),
        pytest.param(0, False, [1], [1], Turn(0, 1, APPROVAL), id="approval before shards"),
        pytest.param(4, False, [], [], Turn(4, 4, END), id="nothing is left but the end"),
    ],
)
def test_what_a_turn_carries_out(first: int, begun: bool, gates: list[int], shares: list[int], expected: Turn) -> None:
    made = plan(pair("1"), pair("2", wave=2), phases=("instantiate", "activate"), approval_mode="automatic")
    numbers = {batch: number for number, batch in enumerate(made.batches)}
    assert len(numbers) == 4
    found = relay.turn(made, first, begun, lambda batch: numbers[batch] in gates, lambda batch: numbers[batch] in shares)
    assert found == expected


def test_turns_carry_out_everything_once_and_know_the_whole() -> None:
    made = plan(pair("1"), pair("2", wave=2), phases=("instantiate", "activate"), approval_mode="automatic")
    whole = fact_of(made)
    parts = [relay.limited(made, whole, Turn(*bounds, SHARDS, True), 1) for bounds in ((0, 1), (1, 3), (3, 4))]
    for stage in ("instantiate", "activate"):
        assert [key for part in parts for key in part["hosts"][stage] if len(key) == 1] == whole["hosts"][stage] == ["1", "2"]
    assert parts[0]["hosts"]["activate"] == ["all", "!all"]
    here = place(parts[1], "activate", 1, ["1"])
    assert here is not None and (here.first, here.last) == (True, False), "another runner has the last wave of the phase"
    assert [
        relay.ahead(parts[1], phase, [key]) for phase, key in (("instantiate", "2"), ("activate", "1"), ("instantiate", "1"))
    ] == [
        True,
        False,
        False,
    ]
    assert not relay.ahead(whole, "activate", ["1"])
