# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The newest value of many CloudWatch metrics in few requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from ..adapters.base import Reader
from ..model import Unreachable

#: A value whose newest datapoint is older is not known.
WINDOW: Final = timedelta(minutes=5)
#: GetMetricData takes so many queries a call.
QUERIES: Final = 500


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: namespace, name and (name, value) of its dimensions."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]


def newest(reader: Reader, account: str, region: str, wanted: Mapping[str, Metric]) -> dict[str, float]:
    """Key -> the largest value of the newest minute that has one; no entry without a datapoint in the last five minutes."""
    keys, found = list(wanted), dict[str, float]()
    for start in range(0, len(keys), QUERIES):
        found |= _page(reader, account, region, {key: wanted[key] for key in keys[start : start + QUERIES]})
    return found


def _page(reader: Reader, account: str, region: str, wanted: Mapping[str, Metric]) -> dict[str, float]:
    now = datetime.now(UTC)
    queries = [
        {
            "Id": f"m{index}",
            "MetricStat": {
                "Metric": {
                    "Namespace": metric.namespace,
                    "MetricName": metric.name,
                    "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
                },
                "Period": 60,
                "Stat": "Maximum",
            },
        }
        for index, metric in enumerate(wanted.values())
    ]
    found = reader.pages(
        account,
        region,
        "cloudwatch",
        "get_metric_data",
        "MetricDataResults",
        MetricDataQueries=queries,
        StartTime=now - WINDOW,
        EndTime=now,
        ScanBy="TimestampDescending",
    )
    if isinstance(found, Unreachable):
        return {}
    values: dict[str, float] = {}
    for result in found or ():
        if result.get("Values"):
            values.setdefault(result["Id"], float(result["Values"][0]))
    return {key: values[f"m{index}"] for index, key in enumerate(wanted) if f"m{index}" in values}
