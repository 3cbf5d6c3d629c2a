# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the bars of a timeline stand: lanes of spans, placed so that no two bars of a lane overlap. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..dynamo import epoch
from ..words import duration
from .resources import SEVERITY

#: Of the whole picture, in units of its own.
WIDTH: Final = 1000.0
#: Where bars begin: left of it are the names of the lanes.
LEFT: Final = 260.0
RIGHT: Final = 990.0
#: What is shorter is drawn so wide.
NARROWEST: Final = 2.0
#: So many resources have a lane: the worst first, then those that took longest. All are in the tables.
MOST_RESOURCES: Final = 150
#: Seconds between two marks of the axis; and how many marks there are at most.
STEPS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400, 604800, 2592000)
MARKS: Final = 9


@dataclass(frozen=True, slots=True)
class Bar:
    """One span. x, width: within LEFT and RIGHT. state: how it ended. said: all of it, for people."""

    x: float
    width: float
    state: str
    label: str
    said: str


@dataclass(frozen=True, slots=True)
class Lane:
    """A row of bars from left to right. kind: waves, approvals, waits or resource. bad: whether something in it failed."""

    name: str
    kind: str
    bars: tuple[Bar, ...]
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """lanes, from top to bottom. marks: (x, what is said there). omitted: resources without a lane."""

    lanes: tuple[Lane, ...]
    marks: tuple[tuple[float, str], ...]
    omitted: int


def picture(report: Mapping[str, Any]) -> Picture:
    """The timeline of an execution's report."""
    timeline = report["timeline"]
    first, last = epoch(timeline["began_at"]), epoch(timeline["ended_at"])
    lanes = [
        Lane(kind.capitalize(), kind, _placed([_span(one, last) for one in timeline[kind]], first, last))
        for kind in ("waves", "approvals", "waits")
        if timeline[kind]
    ]
    chosen, omitted = _chosen(report["resources"])
    for one in chosen:
        bars = _placed([_phase(phase) for phase in one["phases"] if phase["ended_at"]], first, last)
        lanes.append(Lane(one["resource"], "resource", bars, one["status"] in ("failed", "blocked")))
    return Picture(tuple(lanes), tuple(_marks(first, last)), omitted)


@dataclass(frozen=True, slots=True)
class _Span:
    began: float
    ended: float
    state: str
    label: str


def _span(one: Mapping[str, Any], last: float) -> _Span:
    ended = epoch(one["ended_at"]) if one["ended_at"] else last
    return _Span(epoch(one["began_at"]), ended, str(one["state"]), str(one["label"]))


def _phase(one: Mapping[str, Any]) -> _Span:
    ended = epoch(one["ended_at"])
    return _Span(ended - (one["seconds"] or 0.0), ended, one["status"], one["phase"])


def _chosen(resources: Sequence[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], int]:
    """Those that get a lane, in the plan's order, and how many do not."""
    begun = [one for one in resources if any(phase["ended_at"] for phase in one["phases"])]

    def rank(one: Mapping[str, Any]) -> tuple[int, float]:
        return SEVERITY.index(one["status"]), -sum(phase["seconds"] or 0.0 for phase in one["phases"])

    kept = {one["resource"] for one in sorted(begun, key=rank)[:MOST_RESOURCES]}
    return [one for one in begun if one["resource"] in kept], len(begun) - len(kept)


def _placed(spans: Iterable[_Span], first: float, last: float) -> tuple[Bar, ...]:
    """Bars in order. What would overlap, by rounding or by its least width, is moved to the right, and back from the edge."""
    ordered = sorted(spans, key=lambda span: (span.began, span.ended))
    scale = (RIGHT - LEFT) / max(1.0, last - first)
    least = min(NARROWEST, (RIGHT - LEFT) / max(1, len(ordered)))
    edges: list[list[float]] = []
    free = LEFT
    for span in ordered:
        begin = max(free, min(LEFT + (span.began - first) * scale, RIGHT))
        end = max(begin + least, LEFT + (span.ended - first) * scale)
        edges.append([begin, end])
        free = end
    limit = RIGHT
    for edge in reversed(edges):
        edge[1] = min(edge[1], limit)
        edge[0] = min(edge[0], edge[1] - least)
        limit = edge[0]
    return tuple(
        Bar(begin, end - begin, span.state, span.label, _said(span, first))
        for span, (begin, end) in zip(ordered, edges, strict=True)
    )


def _said(span: _Span, first: float) -> str:
    return f"{span.label}: {span.state}, {duration(span.ended - span.began)}, from +{duration(max(0.0, span.began - first))}"


def _marks(first: float, last: float) -> Iterable[tuple[float, str]]:
    """Of the axis: time since the beginning."""
    whole = max(1.0, last - first)
    step = next((one for one in STEPS if whole / one <= MARKS), STEPS[-1])
    for number in range(int(whole // step) + 1):
        yield LEFT + (RIGHT - LEFT) * number * step / whole, f"+{duration(number * step)}" if number else "0"
