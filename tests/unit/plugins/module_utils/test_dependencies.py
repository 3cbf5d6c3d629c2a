# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names in `dr:dependencies` find their resources; what cannot be is said, and left out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.dr.aws.plugins.module_utils.dependencies import Node, Problem, resolve

ACME = ("acme", "production")


def node(
    key: str, *wanted: str, wave: int = 1, account: str = "1", ids: tuple[str, ...] = (), scope: tuple[str, str] = ACME
) -> Node:
    return Node(key, scope, account, wave, ids or (f"main/{key}",), wanted)


@pytest.mark.parametrize(
    ("nodes", "needed"),
    [
        ((node("a", "b"), node("b")), ["b"]),
        ((node("a", "main/b"), node("b")), ["b"]),
        ((node("a", "orders-west"), node("b", ids=("orders", "orders-west"))), ["b"]),
        ((node("a", "z", "b", "z"), node("b"), node("z")), ["z", "b"]),
        ((node("a", "db"), node("x", ids=("db",)), node("y", ids=("c/db",))), ["x", "y"]),
        ((node("a", "db"), node("x", ids=("db",)), node("y", ids=("db",), account="2")), ["x"]),
        ((node("a", "db"), node("y", ids=("db",), account="2")), ["y"]),
        ((node("a", "b", wave=2), node("b")), ["b"]),
    ],
)
def test_a_name_is_a_key_or_an_identifier_or_its_last_part_and_the_own_account_comes_first(
    nodes: tuple[Node, ...], needed: list[str]
) -> None:
    found, problems = resolve(nodes)
    assert (found["a"], problems) == (needed, [])


@pytest.mark.parametrize(
    ("nodes", "problem", "rule", "remedy"),
    [
        (
            (node("a", "ghost"),),
            Problem("a", "ghost", "unknown"),
            "the name of a protected resource of the same customer and environment",
            "correct ghost in the tag dr:dependencies of a",
        ),
        (
            (node("a", "b"), node("b", scope=("other", "production"))),
            Problem("a", "b", "unknown"),
            "the name of a protected resource of the same customer and environment",
            "correct b in the tag dr:dependencies of a",
        ),
        ((node("a", "a"),), Problem("a", "a", "self"), "not the resource itself", "correct a in the tag dr:dependencies of a"),
        (
            (node("a", "b"), node("b", wave=2)),
            Problem("a", "b", "later", ("b",)),
            "no later wave: b",
            "remove b from the tag dr:dependencies of a, or correct dr:wave of either",
        ),
        (
            (node("a", "b"), node("b", "a", wave=2)),
            Problem("a", "b", "later", ("b",)),
            "no later wave: b",
            "remove b from the tag dr:dependencies of a, or correct dr:wave of either",
        ),
        (
            (node("a", "b"), node("b", "c"), node("c", "a")),
            Problem("a", "b", "circle", ("a", "b", "c", "a")),
            "no circle: a needs b needs c needs a",
            "remove b from the tag dr:dependencies of a, or the other way round",
        ),
    ],
)
def test_a_name_that_cannot_be_is_left_out_and_said(nodes: tuple[Node, ...], problem: Problem, rule: str, remedy: str) -> None:
    found, problems = resolve(nodes)
    assert found["a"] == []
    assert problems == [problem]
    assert (problems[0].rule, problems[0].remedy) == (rule, remedy)


@settings(deadline=None, derandomize=True, database=None)
@given(st.lists(st.tuples(st.integers(1, 3), st.lists(st.sampled_from(["0", "1", "2", "3", "4", "x"]), unique=True)), max_size=5))
def test_what_is_left_can_always_be_put_in_order(drawn: list[tuple[int, list[str]]]) -> None:
    nodes = [node(str(number), *wanted, wave=wave) for number, (wave, wanted) in enumerate(drawn)]
    found, problems = resolve(nodes)
    waiting = {key: set(needed) for key, needed in found.items()}
    while free := [key for key, needed in waiting.items() if not needed]:
        for key in free:
            del waiting[key]
        for needed in waiting.values():
            needed.difference_update(free)
    assert waiting == {}
    for one in nodes:
        said = {problem.name for problem in problems if problem.key == one.key}
        assert set(one.wanted) == set(found[one.key]) | said
        assert not set(found[one.key]) & said
