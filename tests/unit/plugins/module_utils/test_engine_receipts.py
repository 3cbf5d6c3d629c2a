# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine keeps of a call's answer, and how long it holds a pair back after a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.adapters.base import Adapter, Reader
from ansible_collections.dr.aws.plugins.module_utils.engine import Engine, Result
from ansible_collections.dr.aws.plugins.module_utils.journal import MemoryJournal
from ansible_collections.dr.aws.plugins.module_utils.model import Active, Call, Check, Done, Goal, Health, Pair, Step, Wait

GOAL = Goal(Pair("order", "shop", "1", "east", "west", "order", "order", settings={"colour": "red"}))


class Shop:
    """A cloud that takes one order and gives a ticket, which no describe call gives back; and its clock."""

    def __init__(self) -> None:
        self.ordered, self.elapsed = False, 0.0
        self.looks: list[float] = []

    def now(self) -> float:
        return self.elapsed

    def sleep(self, seconds: float) -> None:
        self.elapsed += max(seconds, 0.001)

    def read(self, *where: str, **params: Any) -> Any:
        self.looks.append(self.elapsed)
        return {"ordered": self.ordered}

    def pages(self, *where: str, **params: Any) -> Any:
        raise AssertionError("nothing here has pages")

    def call(self, *where: str, **params: Any) -> dict[str, Any]:
        self.ordered = True
        return {"Ticket": "T1", "Rest": object()}


class Counter(Adapter):
    """Done when the order shows; `patience`: waits until the ticket is known."""

    technology = "shop"
    actions = {"activate": ("shop:Order",)}
    durations = {"activate": 1}

    def __init__(self, hold_seconds: int = 0, patience: bool = False) -> None:
        self.hold_seconds, self.patience = hold_seconds, patience

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Any]:
        found = reader.read("1", "west", "shop", "describe")
        assert isinstance(found, dict)
        return {pair.key: (found["ordered"], pair.settings) for pair in pairs}

    def active(self, seen: Any) -> Active:
        return Active.TARGET if seen[0] else Active.SOURCE

    def activate(self, seen: Any, goal: Goal) -> Step:
        ordered, settings = seen
        if not ordered:
            return Call("shop", "order", "west", {"name": goal.pair.target_id}, "order it", hold_seconds=self.hold_seconds)
        if self.patience and "ticket" in settings:
            return Wait("it is made", poll_seconds=10)
        return Done(settings)

    def rollback(self, seen: Any, goal: Goal) -> Step:
        return Done()

    def health(self, seen: Any, goal: Goal) -> Health:
        return Health((Check("ordered", seen[0]),))

    def capture(self, seen: Any, pair: Pair) -> Mapping[str, Any]:
        return {}

    def receipt(self, call: Call, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"ticket": answer["Ticket"]}


def run(shop: Shop, journal: MemoryJournal, adapter: Adapter) -> Result:
    return Engine(shop, journal, clock=shop, adapter=lambda technology: adapter).run("activate", [GOAL])["order"]


def test_later_looks_are_shown_the_receipt_beside_the_settings() -> None:
    assert run(Shop(), MemoryJournal(), Counter()).outputs == {"colour": "red", "ticket": "T1"}


def test_a_resumed_run_has_the_receipt_again() -> None:
    shop, journal = Shop(), MemoryJournal()

    class Stopped(Shop):
        def sleep(self, seconds: float) -> None:
            if shop.ordered:
                raise KeyboardInterrupt
            super().sleep(seconds)

    with pytest.raises(KeyboardInterrupt):
        Engine(shop, journal, clock=Stopped(), adapter=lambda technology: Counter(patience=True)).run("activate", [GOAL])
    assert run(shop, journal, Counter()).outputs == {"colour": "red", "ticket": "T1"}


def test_another_execution_does_not() -> None:
    shop = Shop()
    assert run(shop, MemoryJournal(), Counter()).outputs["ticket"] == "T1"
    assert "ticket" not in run(shop, MemoryJournal(), Counter()).outputs


@pytest.mark.parametrize(("hold_seconds", "least"), [(0, 0), (90, 90)])
def test_a_pair_is_not_looked_at_before_its_call_can_have_worked(hold_seconds: int, least: int) -> None:
    shop = Shop()
    assert run(shop, MemoryJournal(), Counter(hold_seconds=hold_seconds)).status == "done"
    first, second = shop.looks
    assert least <= second - first <= least * 1.25 + 5
