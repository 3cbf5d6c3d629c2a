# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CloudWatch dashboard as one HTML file, with the data and the alarms of now, where there is no console: of the sandbox, in CI.

PYTHONPATH=.build python tools/dashboard_page.py REGION NAME FILE      as AWS_ENDPOINT_URL and the credentials say
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from json import loads
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import boto3

from ansible_collections.dr.aws.plugins.module_utils.report.frame import stylesheet
from ansible_collections.dr.aws.plugins.module_utils.report.markup import document, put, tag

#: Of a chart, in units of its own: as wide as its columns; the plot is inside these margins.
COLUMN, HEIGHT = 40.0, 170.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 12.0, 18.0, 22.0
#: Room that a mark of the time axis takes.
MARK = 62.0
#: (light, dark) of the lines, in their order: 3 to 1 against the panel, and told apart by those who see no red or no green.
LINES = (("#0b62b5", "#6cb2ff"), ("#b5520b", "#ffad66"), ("#12705a", "#5fd3b3"), ("#8a3ab9", "#d49bff"), ("#6b5900", "#d9c14f"))
TARGETS = {"#d13212": "bad", "#b7621b": "wait"}
_RANGE = re.compile(r"-P(?:(\d+)D|T(\d+)H)")
_STYLE = """
body { max-width: 120rem; }
.grid { display: grid; grid-template-columns: repeat(24, minmax(0, 1fr)); gap: .75rem; }
.widget { background: var(--panel); border-radius: .25rem; padding: .5rem .75rem; min-width: 0; }
.widget.text { background: none; padding: 0; } .widget h2, .widget h1 { border: 0; margin: .5rem 0 0; padding: 0; }
.widget h3 { font-size: .95rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
.chart { width: 100%; height: auto; display: block; }
.chart text { fill: var(--faint); font-size: 11px; font-family: inherit; }
.chart text.bad, .chart text.wait { paint-order: stroke; stroke: var(--panel); stroke-width: 4px; }
.chart .axis { stroke: var(--line); stroke-width: 1; }
.chart .bound { stroke-width: 1.5; stroke-dasharray: 6 4; }
.chart .bound.bad { stroke: var(--bad); } .chart .bound.wait { stroke: var(--wait); }
.chart text.bad { fill: var(--bad); } .chart text.wait { fill: var(--wait); }
.chart polyline { fill: none; stroke-width: 2; stroke-linejoin: round; }
.legend, .alarms { list-style: none; margin: .25rem 0 0; padding: 0; font-size: .85rem; overflow-wrap: anywhere; }
.alarms { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: .25rem .75rem; }
.swatch { display: inline-block; width: .8rem; height: .8rem; border-radius: .15rem; margin-right: .4rem; vertical-align: -.1rem; }
@media (max-width: 60rem) { .widget.metric { grid-column: span 12 !important; } }
@media (max-width: 42rem) { .chart.broad text { font-size: 14px; } }
@media (max-width: 42rem) { .widget.metric { grid-column: span 24 !important; } body { padding: .75rem; } }
"""


@dataclass(frozen=True)
class Line:
    """A line of a chart: epoch seconds and values, oldest first."""

    label: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Frame:
    """What a chart shows: seconds from first to last, values from 0 to highest, in so wide a picture."""

    width: float
    first: float
    last: float
    highest: float

    def x(self, at: float) -> float:
        """Where a time is."""
        return LEFT + (at - self.first) / (self.last - self.first) * (self.width - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Where a value is."""
        return HEIGHT - BOTTOM - value / self.highest * (HEIGHT - TOP - BOTTOM)


def window(body: Mapping[str, Any], now: datetime) -> tuple[datetime, datetime]:
    """From when to when a dashboard shows."""
    found = _RANGE.fullmatch(body["start"])
    if not found:
        raise SystemExit(f"start {body['start']} of the dashboard is not -PnD or -PTnH")
    return now - (timedelta(days=int(found[1])) if found[1] else timedelta(hours=int(found[2]))), now


def queries(properties: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A metric widget's lines as GetMetricData asks for them."""
    asked: list[dict[str, Any]] = []
    for place, entry in enumerate(properties["metrics"]):
        *path, last = entry
        options = last if isinstance(last, dict) else {}
        names = path if isinstance(last, dict) else entry
        if "expression" in options:
            asked.append({"Id": options["id"], "Expression": options["expression"], "Label": options["label"]})
            continue
        pairs = zip(names[2::2], names[3::2], strict=True)
        metric = {
            "Namespace": names[0],
            "MetricName": names[1],
            "Dimensions": [{"Name": name, "Value": value} for name, value in pairs],
        }
        stat = {"Metric": metric, "Period": properties["period"], "Stat": options["stat"]}
        asked.append({"Id": f"m{place}", "MetricStat": stat, "Label": options["label"]})
    return asked


def lines(cloudwatch: Any, properties: Mapping[str, Any], begin: datetime, end: datetime) -> list[Line]:
    """The data of a metric widget."""
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=queries(properties), StartTime=begin, EndTime=end, ScanBy="TimestampAscending"
    )
    return [
        Line(one["Label"], tuple((at.timestamp(), value) for at, value in zip(one["Timestamps"], one["Values"], strict=True)))
        for one in answer["MetricDataResults"]
        if one["Values"]
    ]


def highest(values: Iterable[float]) -> float:
    """The top of an axis: the largest value, rounded up to 1, 2, 2.5 or 5 times a power of ten."""
    largest = max(values, default=0) or 1
    power = 10 ** (len(f"{largest:.0f}") - 1) if largest >= 1 else 10 ** -(len(re.findall(r"^0\.(0*)", f"{largest:.9f}")[0]) + 1)
    return float(next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= largest))


def short(value: float) -> str:
    """A number with three digits that count."""
    return f"{value / 1000:.3g}k" if value >= 10_000 else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def chart(
    drawn: Sequence[Line], bounds: Sequence[Mapping[str, Any]], begin: datetime, end: datetime, title: str, columns: int
) -> Element:
    """The picture. bounds: horizontal lines {label, value, color}."""
    values = [value for line in drawn for _at, value in line.points] + [float(one["value"]) for one in bounds]
    frame = Frame(columns * COLUMN, begin.timestamp(), end.timestamp(), highest(values))
    picture = tag(
        "svg",
        tag("title", title),
        viewBox=f"0 0 {frame.width:g} {HEIGHT:g}",
        role="img",
        class_="chart broad" if columns > 8 else "chart",
    )
    put(picture, *_axes(frame, begin, end))
    for place, line in enumerate(drawn):
        put(picture, *_drawn(frame, line, place))
    for one in bounds:
        put(picture, *_bound(frame, one))
    return picture


def _axes(frame: Frame, begin: datetime, end: datetime) -> Iterator[Element]:
    for part in (0, 0.5, 1):
        y = frame.y(part * frame.highest)
        yield tag("line", x1=f"{LEFT:g}", x2=f"{frame.width - RIGHT:g}", y1=f"{y:.1f}", y2=f"{y:.1f}", class_="axis")
        yield tag("text", short(part * frame.highest), x=f"{LEFT - 6:g}", y=f"{y + 4:.1f}", text_anchor="end")
    days, marks = (end - begin).days, max(2, int((frame.width - LEFT - RIGHT) / MARK))
    at = end.replace(hour=0, minute=0, second=0, microsecond=0) if days > 2 else end
    step = timedelta(days=-(-days // marks)) if days > 2 else (end - begin) / marks
    while at >= begin and frame.x(at.timestamp()) >= LEFT + MARK / 3:
        x = frame.x(at.timestamp())
        anchor = "end" if x > frame.width - RIGHT - MARK / 3 else "middle"
        yield tag("text", at.strftime("%b %d" if days > 2 else "%H:%M"), x=f"{x:.1f}", y=f"{HEIGHT - 6:g}", text_anchor=anchor)
        at -= step


def _bound(frame: Frame, one: Mapping[str, Any]) -> Iterator[Element]:
    y, kind = frame.y(float(one["value"])), TARGETS.get(one["color"], "bad")
    yield tag("line", x1=f"{LEFT:g}", x2=f"{frame.width - RIGHT:g}", y1=f"{y:.1f}", y2=f"{y:.1f}", class_=f"bound {kind}")
    above = kind == "bad"
    yield tag("text", one["label"], x=f"{LEFT + 4:g}", y=f"{y - 4 if above else y + 13:.1f}", class_=kind)


def _drawn(frame: Frame, line: Line, place: int) -> Iterator[Element]:
    colour = f"var(--line-{place % len(LINES)})"
    spots = [(frame.x(at), frame.y(value)) for at, value in line.points]
    yield tag("polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in spots), style=f"stroke: {colour}")
    for (x, y), (_at, value) in zip(spots, line.points, strict=True):
        yield tag("circle", tag("title", f"{line.label}: {value:g}"), cx=f"{x:.1f}", cy=f"{y:.1f}", r="3", style=f"fill: {colour}")


def _metric(cloudwatch: Any, widget: Mapping[str, Any], begin: datetime, end: datetime) -> Iterator[Element]:
    properties = widget["properties"]
    drawn = lines(cloudwatch, properties, begin, end)
    bounds = properties.get("annotations", {}).get("horizontal", ())
    yield tag("h3", properties["title"])
    yield chart(drawn, bounds, begin, end, properties["title"], widget["width"])
    entries = [
        tag(
            "li",
            tag("span", class_="swatch", style=f"background: var(--line-{place % len(LINES)})"),
            f"{line.label}: {short(line.points[-1][1])}",
        )
        for place, line in enumerate(drawn)
    ]
    yield put(tag("ul", class_="legend"), *(entries or [tag("li", "no data", class_="faint")]))


def _alarms(cloudwatch: Any, properties: Mapping[str, Any]) -> Iterator[Element]:
    names = [arn.partition(":alarm:")[2] for arn in properties["alarms"]]
    found = {one["AlarmName"]: one["StateValue"] for one in cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"]}
    kinds = {"OK": ("good", "✓ OK"), "ALARM": ("bad", "✕ ALARM"), None: ("bad", "✕ missing")}
    yield tag("h3", properties["title"])
    entries = []
    for name in names:
        kind, said = kinds.get(found.get(name), ("plain", "no data yet"))
        entries.append(tag("li", tag("span", said, class_=f"state {kind}"), f" {name}"))
    yield put(tag("ul", class_="alarms"), *entries)


def _text(markdown: str) -> Iterator[Element]:
    """The little of Markdown that the dashboard uses: headings and code."""
    for line in markdown.splitlines():
        hashes, _space, rest = line.partition(" ")
        kind = f"h{len(hashes)}" if hashes and set(hashes) == {"#"} else "p"
        said = line if kind == "p" else rest
        yield put(tag(kind), *(tag("code", part) if place % 2 else part for place, part in enumerate(said.split("`"))))


def page(cloudwatch: Any, name: str, body: Mapping[str, Any], now: datetime) -> str:
    """The whole file."""
    begin, end = window(body, now)
    shown = []
    for widget in body["widgets"]:
        properties = widget["properties"]
        match widget["type"]:
            case "text":
                inside = _text(properties["markdown"])
            case "alarm":
                inside = _alarms(cloudwatch, properties)
            case _:
                inside = _metric(cloudwatch, widget, begin, end)
        box = tag("div", class_=f"widget {widget['type']}", style=f"grid-column: span {widget['width']}")
        shown.append(put(box, *inside))
    light, dark = (" ".join(f"--line-{place}: {pair[side]};" for place, pair in enumerate(LINES)) for side in (0, 1))
    colours = f":root {{ {light} }} @media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"Dashboard {name}"),
        tag("style", f"{stylesheet()}\n{colours}\n{_STYLE}"),
    )
    foot = tag("footer", tag("p", f"From {begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC.", class_="faint"))
    return document(tag("html", head, tag("body", put(tag("main", class_="grid"), *shown), foot), lang="en"))


def main(region: str, name: str, file: str) -> None:
    """Reads the dashboard and its data, writes the page."""
    cloudwatch = boto3.client("cloudwatch", region_name=region)
    body = loads(cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"])
    Path(file).write_text(page(cloudwatch, name, body, datetime.now(UTC)), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
