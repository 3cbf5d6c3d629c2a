# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudWatch: levels that other service files publish (`ctx.metric`) beside what was put; searches and percentiles of that."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.backends import get_backend
from moto.cloudwatch.models import MetricDatum

from sandbox.gateway import Ctx, after, op
from sandbox.model import AwsError

#: The one shape of a search that is modelled: all metrics of a name with these dimensions.
_SEARCH = re.compile(r"SEARCH\('\{([^}]+)\} MetricName=\"(\w+)\"', '(\w+)', (\d+)\)")
_PROPERTY = re.compile(r"\$\{PROP\('Dim\.(\w+)'\)\}")
_STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")


def _level(ctx: Ctx, namespace: str, name: str, dimensions: list[dict[str, str]]) -> float | None:
    key = (namespace, name, tuple(sorted((one["Name"], one["Value"]) for one in dimensions)))
    value = ctx.store.get("levels", {}).get(key)
    return float(value() if callable(value) else value) if value is not None else None


def _times(start: datetime, end: datetime, period: int) -> Iterator[datetime]:
    """Starts of the periods, newest first. The window is the caller's: a level holds at any time."""
    at = end - timedelta(seconds=period)
    while at >= start:
        yield at
        at -= timedelta(seconds=period)


@op("cloudwatch", "GetMetricData")
def get_metric_data(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Levels at every period of the window, searches, percentiles; moto answers for all else."""
    results: dict[str, list[dict[str, Any]]] = {}
    others = []
    for query in params["MetricDataQueries"]:
        stat = query.get("MetricStat")
        if query.get("Expression", "").startswith("SEARCH("):
            results[query["Id"]] = _searched(ctx, query, params)
            continue
        if stat and stat["Stat"].startswith("p"):
            dimensions = {one["Name"]: one["Value"] for one in stat["Metric"].get("Dimensions", ())}
            asked = (stat["Metric"]["Namespace"], stat["Metric"]["MetricName"], dimensions)
            results[query["Id"]] = [_line(ctx, query, params, asked, stat["Stat"], stat["Period"])]
            continue
        metric = stat["Metric"] if stat else {}
        level = _level(ctx, metric.get("Namespace", ""), metric.get("MetricName", ""), metric.get("Dimensions", []))
        if level is None:
            others.append(query)
        elif query.get("ReturnData", True):
            times = list(_times(params["StartTime"], params["EndTime"], stat["Period"]))
            if params.get("ScanBy") == "TimestampAscending":
                times.reverse()
            label = query.get("Label", metric["MetricName"])
            results[query["Id"]] = [_result(query["Id"], label, dict.fromkeys(times, level))]
    if others:
        results |= {one["Id"]: [one] for one in ctx.moto({**params, "MetricDataQueries": others})["MetricDataResults"]}
    order = [query["Id"] for query in params["MetricDataQueries"] if query["Id"] in results]
    return {"MetricDataResults": [one for name in order for one in results[name]], "Messages": []}


def _searched(ctx: Ctx, query: dict[str, Any], params: dict[str, Any]) -> list[dict[str, Any]]:
    """A line for each metric that the search finds."""
    found = _SEARCH.fullmatch(query["Expression"])
    if not found:
        raise AwsError("ValidationError", f"not modelled: {query['Expression']}")
    (namespace, *names), metric, stat, period = found[1].split(","), found[2], found[3], int(found[4])
    known = {
        tuple(sorted((str(one.name), str(one.value)) for one in datum.dimensions))
        for datum in get_backend("cloudwatch")[ctx.account][ctx.region].metric_data
        if (datum.namespace, datum.name) == (namespace, metric) and {one.name for one in datum.dimensions} == set(names)
    }
    return [_line(ctx, query, params, (namespace, metric, dict(one)), stat, period) for one in sorted(known)]


def _line(
    ctx: Ctx, query: dict[str, Any], params: dict[str, Any], asked: tuple[str, str, dict[str, str]], stat: str, period: int
) -> dict[str, Any]:
    """What was put of one metric (namespace, name, dimensions), by period. Periods begin at whole multiples, as in AWS."""
    namespace, name, dimensions = asked
    values: dict[datetime, list[float]] = defaultdict(list)
    for datum in get_backend("cloudwatch")[ctx.account][ctx.region].metric_data:
        held = {one.name: one.value for one in datum.dimensions}
        at = datum.timestamp.replace(tzinfo=UTC)
        inside = params["StartTime"].replace(tzinfo=UTC) <= at < params["EndTime"].replace(tzinfo=UTC)
        mine = (datum.namespace, datum.name, held) == (namespace, name, dimensions)
        if inside and mine and isinstance(datum, MetricDatum):
            values[datetime.fromtimestamp(at.timestamp() // period * period, UTC)].append(datum.value)
    descending = params.get("ScanBy") != "TimestampAscending"
    points = {at: _statistic(values[at], stat) for at in sorted(values, reverse=descending)}
    label = _PROPERTY.sub(lambda one: dimensions.get(one[1], ""), query.get("Label") or " ".join((name, *dimensions.values())))
    return _result(query["Id"], label, points)


def _statistic(values: list[float], stat: str) -> float:
    plain = {
        "SampleCount": float(len(values)),
        "Sum": sum(values),
        "Average": sum(values) / len(values),
        "Minimum": min(values),
        "Maximum": max(values),
    }
    if stat in plain:
        return plain[stat]
    place = math.ceil(len(values) * float(stat.removeprefix("p")) / 100)
    return sorted(values)[max(place, 1) - 1]


def _result(ident: str, label: str, points: dict[datetime, float]) -> dict[str, Any]:
    return {
        "Id": ident,
        "Label": label,
        "Timestamps": list(points),
        "Values": list(points.values()),
        "StatusCode": "Complete",
    }


@op("cloudwatch", "GetMetricStatistics")
def get_metric_statistics(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """The same for the older call."""
    level = _level(ctx, params["Namespace"], params["MetricName"], params.get("Dimensions", []))
    if level is None:
        return ctx.moto()
    wanted = [name for name in params.get("Statistics", _STATISTICS) if name in _STATISTICS]
    points = [
        {
            "Timestamp": at,
            "Unit": params.get("Unit", "None"),
            **{name: 1.0 if name == "SampleCount" else level for name in wanted},
        }
        for at in _times(params["StartTime"], params["EndTime"], params["Period"])
    ]
    return {"Label": params["MetricName"], "Datapoints": points}


@after("cloudwatch", "ListMetrics")
def list_metrics(ctx: Ctx, params: dict[str, Any], out: dict[str, Any]) -> None:
    """The levels too, on the last page."""
    if out.get("NextToken"):
        return
    wanted = {(one["Name"], one.get("Value")) for one in params.get("Dimensions", ())}
    for namespace, name, dimensions in sorted(ctx.store.get("levels", {})):
        held = {*dimensions, *((one, None) for one, _value in dimensions)}
        if params.get("Namespace") in (None, namespace) and params.get("MetricName") in (None, name) and wanted <= held:
            shown = [{"Name": one, "Value": value} for one, value in dimensions]
            out["Metrics"].append({"Namespace": namespace, "MetricName": name, "Dimensions": shown})
