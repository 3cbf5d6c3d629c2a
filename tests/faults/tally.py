# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Points tried, held and failed: by scenario and kind of fault, and by invariant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any


class Tally:
    """Counts points as `Run.explore` gives them."""

    def __init__(self) -> None:
        self._kinds = Counter[tuple[str, str]]()
        self._invariants = Counter[tuple[str, str]]()

    def add(self, way: str, points: Iterable[Mapping[str, Any]]) -> None:
        """The points of one scenario."""
        for point in points:
            kind = point["faults"][0][1] if len(point["faults"]) == 1 else "two faults"
            self._kinds[f"{way:<9} {kind}", "failed" if point["broken"] else "held"] += 1
            failed = {invariant for invariant, _said in point["broken"]}
            for invariant in point["checked"]:
                self._invariants[invariant, "failed" if invariant in failed else "held"] += 1

    def lines(self, seed: int) -> Iterator[str]:
        """The tables."""
        yield from _table("by scenario and kind of fault", self._kinds)
        yield from _table("by invariant that was looked at", self._invariants)
        yield _line(f"all points, seed {seed}", _how(self._kinds, "held"), _how(self._kinds, "failed"))


def _table(title: str, counted: Counter[tuple[str, str]]) -> Iterator[str]:
    yield f"{title:<46} {'tried':>8} {'held':>8} {'failed':>8}"
    for name in sorted({name for name, _how in counted}):
        yield _line(name, counted[name, "held"], counted[name, "failed"])


def _line(name: str, held: int, failed: int) -> str:
    return f"{name:<46} {held + failed:>8} {held:>8} {failed:>8}"


def _how(counted: Counter[tuple[str, str]], how: str) -> int:
    return sum(number for (_name, ended), number in counted.items() if ended == how)
