# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudWatch: levels that other service files publish (`ctx.metric`) beside what was put."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sandbox.gateway import Ctx, after, op

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
    """Levels at every period of the window; moto answers for all else."""
    results, others = {}, []
    for query in params["MetricDataQueries"]:
        stat = query.get("MetricStat")
        metric = stat["Metric"] if stat else {}
        level = _level(ctx, metric.get("Namespace", ""), metric.get("MetricName", ""), metric.get("Dimensions", []))
        if level is None:
            others.append(query)
        elif query.get("ReturnData", True):
            times = list(_times(params["StartTime"], params["EndTime"], stat["Period"]))
            if params.get("ScanBy") == "TimestampAscending":
                times.reverse()
            results[query["Id"]] = {
                "Id": query["Id"],
                "Label": query.get("Label", metric["MetricName"]),
                "Timestamps": times,
                "Values": [level] * len(times),
                "StatusCode": "Complete",
            }
    if others:
        results |= {one["Id"]: one for one in ctx.moto({**params, "MetricDataQueries": others})["MetricDataResults"]}
    order = [query["Id"] for query in params["MetricDataQueries"] if query["Id"] in results]
    return {"MetricDataResults": [results[name] for name in order], "Messages": []}


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
