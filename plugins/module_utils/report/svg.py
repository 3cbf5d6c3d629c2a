# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The timeline as inline SVG: readable without a script, in print, in the dark, and by ear. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from xml.etree.ElementTree import Element

from .geometry import LEFT, RIGHT, WIDTH, Bar, Lane, picture
from .markup import put, tag
from .states import kind_of

LANE: Final = 22.0
BAR: Final = 14.0
#: Room above the lanes, for the axis.
TOP: Final = 28.0
#: How wide a letter is at the most, of names (12 units high) and in bars (10 units high).
LETTER: Final = 7.2
SMALL_LETTER: Final = 6.2


def svg(report: Mapping[str, Any]) -> Element:
    """The picture. What it shows is in the page's tables as well."""
    seen = picture(report)
    height = TOP + LANE * len(seen.lanes) + 8
    drawn = tag(
        "svg",
        tag("title", "Timeline of the execution", id="timeline-title"),
        tag("desc", _described(report), id="timeline-desc"),
        viewBox=f"0 0 {WIDTH:g} {height:g}",
        role="img",
        aria_labelledby="timeline-title timeline-desc",
        class_="timeline",
    )
    put(drawn, *(_mark(x, said, height) for x, said in seen.marks))
    for number, lane in enumerate(seen.lanes):
        put(drawn, _lane(lane, TOP + LANE * number))
    return drawn


def _described(report: Mapping[str, Any]) -> str:
    timeline = report["timeline"]
    parts = [f"{len(timeline[kind])} {kind}" for kind in ("waves", "approvals", "waits")]
    return f"From {timeline['began_at']} to {timeline['ended_at']}: {', '.join(parts)}, and the phases of resources."


def _mark(x: float, said: str, height: float) -> Element:
    anchor = "start" if x < LEFT + 1 else "end" if x > RIGHT - 40 else "middle"
    return tag(
        "g",
        tag("line", x1=f"{x:.2f}", x2=f"{x:.2f}", y1=f"{TOP - 6:g}", y2=f"{height:g}", class_="mark"),
        tag("text", said, x=f"{x:.2f}", y="14", text_anchor=anchor, class_="small"),
    )


def _lane(lane: Lane, top: float) -> Element:
    name = f"✕ {lane.name}" if lane.bad else lane.name
    fits = int((LEFT - 10) / LETTER)
    shown = name if len(name) <= fits else name[: fits - 1] + "…"
    group = tag("g", tag("title", lane.name), class_=f"lane {lane.kind}")
    put(group, tag("text", shown, x="4", y=f"{top + BAR:g}", class_="name bad" if lane.bad else "name"))
    return put(group, *(_bar(one, top + (LANE - BAR) / 2) for one in lane.bars))


def _bar(one: Bar, top: float) -> Element:
    box = tag(
        "rect",
        tag("title", one.said),
        x=f"{one.x:.2f}",
        y=f"{top:g}",
        width=f"{one.width:.2f}",
        height=f"{BAR:g}",
        class_=f"bar {kind_of(one.state)}",
    )
    label = one.label if len(one.label) * SMALL_LETTER + 6 <= one.width else ""
    text = tag("text", label, x=f"{one.x + 3:.2f}", y=f"{top + BAR - 3.5:g}", class_="inside") if label else None
    return put(tag("g"), box, text)
