# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tags of an instance its source server must have: tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.accounts import CallError, Failure
from ansible_collections.dr.aws.plugins.module_utils.tag_sync import KEYS, Change, Server, Synchroniser, compare, declared

SHOP, EAST, WEST = "200000000001", "us-east-1", "us-west-2"
ON = {"dr:enabled": "true"}


def server(tags: Mapping[str, str] | None = None, ident: str = "s-1") -> Server:
    return Server(SHOP, WEST, ident, f"arn:aws:drs:{WEST}:{SHOP}:source-server/{ident}", tags or {}, "i-1", (SHOP, EAST))


@pytest.mark.parametrize(
    ("name", "carried"),
    [
        ("dr:enabled", True),
        ("dr:wave", True),
        ("Customer", True),
        ("Environment", True),
        ("customer", False),
        ("Name", False),
        ("dr:peer", False),
        ("dr:role", False),
        ("dr:drill-id", False),
        ("dr:security-groups", False),
        ("dr:record:www/A", False),
        ("aws:cloudformation:stack-name", False),
    ],
)
def test_only_declared_tags_are_carried_over(name: str, carried: bool) -> None:
    assert declared(name, KEYS) is carried


def test_more_can_be_declared_but_never_bookkeeping_or_awss_own() -> None:
    assert declared("CostCenter", ["Cost*"])
    assert [name for name in ("aws:x", "AWS:x", "dr:role", "dr:peer") if declared(name, ["*"])] == []


@pytest.mark.parametrize(
    ("instance", "has", "remove", "assign", "removed"),
    [
        ({"dr:wave": "1"}, {}, False, None, ()),
        (ON, {}, False, ON, ()),
        (ON, ON, False, None, ()),
        ({**ON, "dr:wave": "2", "Name": "db"}, {"dr:wave": "1", **ON}, False, {"dr:wave": "2"}, ()),
        (ON, {**ON, "dr:wave": "1"}, False, None, ()),
        (ON, {**ON, "dr:wave": "1", "Name": "db", "dr:role": "active"}, True, {}, ("dr:wave",)),
        ({}, {**ON, "dr:wave": "1"}, True, None, ()),
        ({"dr:enabled": "false"}, ON, False, {"dr:enabled": "false"}, ()),
    ],
    ids=["not protected", "new", "same", "changed", "left", "removed", "a gone instance says nothing", "switched off"],
)
def test_what_changes(instance: dict[str, str], has: dict[str, str], remove: bool, assign: Any, removed: Any) -> None:
    change, problems = compare(server(has), instance, KEYS, remove=remove)
    assert problems == []
    assert (change and (change.assign, change.remove)) == (None if assign is None else (assign, removed))


def test_a_value_that_breaks_the_schema_is_a_problem_and_not_carried_over() -> None:
    change, (problem,) = compare(server(), {**ON, "dr:wave": "99", "Customer": "acme"}, KEYS)
    assert change is not None and change.assign == {"Customer": "acme", **ON}
    assert "dr:wave='99' of instance i-1 is not carried over to s-1: it must be a whole number from 1 to 10" in problem.why
    assert (problem.account, problem.region) == (SHOP, EAST)
    kept, _problems = compare(server({**ON, "dr:wave": "1"}), {**ON, "dr:wave": "99"}, KEYS, remove=True)
    assert kept is None, "nor is the good value taken away"


def test_a_secret_is_masked_before_it_is_said() -> None:
    said = Change(server(), {"Note": "password=hunter2"}).to_json()
    assert "hunter2" not in str(said)


class Cloud:
    """DRS that fails so many calls of each server with a kind of failure."""

    def __init__(self, failing: Mapping[str, tuple[int, str]]) -> None:
        self.left = {ident: count for ident, (count, _kind) in failing.items()}
        self.kinds = {ident: kind for ident, (_count, kind) in failing.items()}
        self.sent: list[str] = []

    def call(self, account: str, region: str, service: str, operation: str, /, **params: Any) -> dict[str, Any]:
        ident = params["resourceArn"].rpartition("/")[2]
        self.sent.append(ident)
        if self.left.get(ident, 0) > 0:
            self.left[ident] -= 1
            raise CallError(Failure(self.kinds[ident], "Code", "said"))
        return {}


@pytest.mark.parametrize(
    ("failing", "sent", "slept", "changed"),
    [
        ({"a": (3, "throttled")}, ["a"] * 4 + ["b"], [1, 2, 4], ["a", "b"]),
        ({"a": (3, "unreachable")}, ["a"] * 4 + ["b"], [1, 2, 4], ["a", "b"]),
        ({"a": (9, "unreachable")}, ["a"] * 4, [1, 2, 4], []),
        ({"a": (1, "error")}, ["a", "b"], [], ["b"]),
        ({"a": (1, "denied")}, ["a"], [], []),
    ],
)
def test_three_retries_after_1_2_and_4_seconds(
    failing: dict[str, tuple[int, str]], sent: list[str], slept: list[int], changed: list[str]
) -> None:
    """Appendix I. What is wrong with one server does not stop the next; what is wrong with the place does."""
    cloud: Any = Cloud(failing)
    pauses: list[float] = []
    one = Synchroniser(cloud, [SHOP], [EAST, WEST], sleep=pauses.append)
    done, problems = one.apply([Change(server(ident="a"), ON), Change(server(ident="b"), ON)])
    assert (cloud.sent, pauses, [change.server.id for change in done]) == (sent, slept, changed)
    assert [problem.why for problem in problems] == ([] if "a" in changed else ["a: Code: said"])
