# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When something that serves is protected, and what is said of what is not."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.model import Active, Pair
from ansible_collections.dr.aws.plugins.module_utils.parameters import Parameters
from ansible_collections.dr.aws.plugins.module_utils.plan import PlanError
from ansible_collections.dr.aws.plugins.module_utils.protection import Protection, judged, left_alone, refuse_unprotected
from ansible_collections.dr.aws.plugins.module_utils.survey import Surveyed
from ansible_collections.dr.aws.plugins.plugin_utils.protection_view import SHOWN, lines

EAST, WEST = "us-east-1", "us-west-2"
PAIR = Pair("db", "rds", "111111111111", EAST, WEST, "db", "db", rpo_seconds=300)
BACK = Parameters("acme", "production", EAST, WEST, operation="failback")
AGAIN = f"ansible-playbook dr.aws.reprotect -e customer=acme -e environment=production -e primary_region={EAST} -e dr_region={WEST}"


@pytest.mark.parametrize(
    ("outputs", "protected", "why"),
    [
        ({"lag_seconds": 0}, True, ""),
        ({"lag_seconds": 300}, True, ""),
        ({"lag_seconds": 301}, False, "it is 301 s behind, 300 s are allowed"),
        ({"lag_seconds": -1}, False, "it is not replicating, 300 s are allowed"),
        ({"lag_seconds": None}, True, "its lag is not known yet"),
        ({}, True, "it stands by, no lag is measured"),
    ],
)
def test_what_follows_closely_enough_is_protected(outputs: dict[str, Any], protected: bool, why: str) -> None:
    found = judged(PAIR, outputs)
    assert (found.protected, found.why) == (protected, why)
    assert bool(found.remedy) is not protected


def test_nothing_goes_home_unprotected() -> None:
    refuse_unprotected([Protection("a", True)], [], BACK)
    missing = [Protection("a", True), Protection("b", False, why="it lags"), Protection("c", False, why="gone")]
    with pytest.raises(PlanError, match="2 resources are not replicated to us-east-1: b: it lags; c: gone") as refused:
        refuse_unprotected(missing, [], BACK)
    assert refused.value.remedy == f"{AGAIN}; if {WEST} is lost: -e mode=unplanned"
    with pytest.raises(PlanError, match="fence debts are open, their old side may still run: a") as owed:
        refuse_unprotected([], ["a"], BACK)
    assert owed.value.remedy == AGAIN


def test_what_has_no_other_side_to_be_put_in_order_is_named() -> None:
    sides = {"idle": Active.NEITHER, "home": Active.SOURCE, "there": Active.TARGET, "dark": Active.UNKNOWN}
    pairs = [Pair(key, "rds", "111111111111", EAST, WEST, key, key) for key in sides]
    looks = {key: Surveyed(None, side) for key, side in sides.items()}
    assert left_alone(pairs, looks) == [
        "left alone, neither region serves: idle",
        "left alone, no execution has moved them: home",
    ]


def test_the_end_says_each_lag_and_what_is_missing() -> None:
    assert list(lines([], BACK)) == []
    well = [Protection("a", True, 2.0), Protection("b", True, 9.0), Protection("c", True, why="it stands by, no lag is measured")]
    assert [text for text, _color in lines(well, BACK)] == [
        "protected again: all 3 resources that can be replicated",
        "  b: 9 s behind",
        "  a: 2 s behind",
        "  c: it stands by, no lag is measured",
    ]
    ill = [Protection(f"x{number:02d}", False, why="it does not answer", remedy="wait") for number in range(SHOWN + 2)]
    said = [text for text, _color in lines([*well, *ill], BACK)]
    assert said[0] == f"not protected yet: {SHOWN + 2} of {SHOWN + 5} resources"
    assert "  x00: it does not answer. Next: wait" in said
    assert said[-2:] == [
        "  and 2 more, in the result of the task",
        f"  next, when the region answers and what is named is repaired: {AGAIN}",
    ]
