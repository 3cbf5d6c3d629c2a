# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CloudWatch dashboard (FR-6.1, NFR-4.2) as JSON: pure, of names alone. Customers and operations are found by its searches.

Facts: "Dashboard body structure and syntax" (CloudWatch API reference): a grid 24 columns wide, a widget `metric` with its region,
`SEARCH('{namespace,dimensions} MetricName="…"', 'statistic', period)` for metrics that need not exist yet, and horizontal lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from .alarms import TARGETS, Target
from .metrics import HOUR, METRICS, NAMESPACE

COLUMNS: Final = 24
#: Long enough for the drills and failovers of a week to be seen; a reader chooses another.
START: Final = "-P7D"
_RED: Final = "#d13212"
_ORANGE: Final = "#b7621b"
_HEIGHT: Final = 6

#: Title -> metric -> statistic, of what is known of each customer's environment.
ENVIRONMENTS: Final[Mapping[str, Mapping[str, str]]] = {
    "Readiness score (0 to 100)": {"ReadinessScore": "Minimum"},
    "Age of the readiness snapshot (hours)": {"SnapshotAgeHours": "Maximum"},
    "Replication lag (s)": {"ReplicationLag": "Maximum"},
    "Fence debts": {"FenceDebts": "Maximum"},
    "Oldest proof by a drill (days)": {"DrillAgeDays": "Maximum"},
    "Resources that no drill has proven": {"NeverDrilled": "Maximum"},
}
#: The same of executions.
EXECUTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "Duration of executions (s)": {"ExecutionDuration": "Maximum"},
    "Executions that failed, resources later than their RTO": {"ExecutionsFailed": "Sum", "RtoMissed": "Sum"},
    "Resources done": {"ResourcesDone": "Sum"},
    "Resources failed and deferred": {"ResourcesFailed": "Sum", "ResourcesDeferred": "Sum"},
    "Waves that prepare and activate (s)": {"InstantiateWaveDuration": "Maximum", "ActivateWaveDuration": "Maximum"},
    "Waves that clean up and replicate (s)": {"CleanupWaveDuration": "Maximum", "ReplicateWaveDuration": "Maximum"},
}


def build(region: str, table: str, topic: str, alarm_arns: Sequence[str]) -> dict[str, Any]:
    """The body of PutDashboard. region: the control region. table, topic: of the control plane. alarm_arns: shown at the top."""
    rows = [
        [_text(f"# {table}: disaster recovery\n{_ABOUT}")],
        [_alarms(alarm_arns)],
        [_text("## Environments")],
        *_by(3, [_searched(region, title, metrics) for title, metrics in ENVIRONMENTS.items()]),
        [_text("## Executions")],
        *_by(2, [_searched(region, title, metrics) for title, metrics in EXECUTIONS.items()]),
        [_text("## The platform, against what the requirements allow (red; the alarm is at 80 %, orange)")],
        *_by(4, [_targeted(region, target) for target in TARGETS]),
        [_text("## The control plane itself")],
        [_topic(region, topic), _table(region, table)],
    ]
    return {"start": START, "periodOverride": "inherit", "widgets": _placed(rows)}


def text_of(body: Mapping[str, Any]) -> str:
    """The body as it is sent."""
    return json.dumps(body, sort_keys=True)


def same(body: Mapping[str, Any], stored: str) -> bool:
    """Whether a dashboard's stored text says the same."""
    try:
        return bool(json.loads(stored) == json.loads(text_of(body)))
    except ValueError:
        return False


_ABOUT: Final = (
    "Made by `ansible-playbook dr.aws.control_plane`, which puts it back when it was changed: copy it to make it your own. "
    "How an execution stands: `ansible-playbook dr.aws.status -e customer=… -e environment=…`. Times are UTC."
)


def _by(number: int, widgets: Sequence[dict[str, Any]]) -> Iterable[list[dict[str, Any]]]:
    """Rows of so many."""
    return [list(widgets[start : start + number]) for start in range(0, len(widgets), number)]


def _placed(rows: Iterable[Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Every row as wide as the grid, one under the other."""
    placed, y = [], 0
    for row in rows:
        width = COLUMNS // len(row)
        placed += [{**widget, "x": width * place, "y": y, "width": width} for place, widget in enumerate(row)]
        y += max(widget["height"] for widget in row)
    return placed


def _text(markdown: str) -> dict[str, Any]:
    return {"type": "text", "height": 2 if "\n" in markdown else 1, "properties": {"markdown": markdown}}


def _alarms(arns: Sequence[str]) -> dict[str, Any]:
    height = 2 + -(-len(arns) // 4)  # four beside each other
    return {"type": "alarm", "height": height, "properties": {"title": "Alarms", "alarms": list(arns)}}


def _searched(region: str, title: str, metrics: Mapping[str, str]) -> dict[str, Any]:
    """Every metric of those names, whatever customers there are."""
    lines = [
        [{"id": f"e{place}", "expression": search(name, statistic, HOUR), "label": _label(name, named=len(metrics) > 1)}]
        for place, (name, statistic) in enumerate(metrics.items(), 1)
    ]
    return _metric(region, title, lines, HOUR)


def search(name: str, statistic: str, period: int) -> str:
    """The expression that finds all metrics of a name."""
    schema = ",".join([NAMESPACE, *METRICS[name].dimensions])
    return f"SEARCH('{{{schema}}} MetricName=\"{name}\"', '{statistic}', {period})"


def _label(name: str, *, named: bool) -> str:
    """How CloudWatch calls a line of a search."""
    of = "${PROP('Dim.Customer')}/${PROP('Dim.Environment')}"
    operation = " ${PROP('Dim.Operation')}" if "Operation" in METRICS[name].dimensions else ""
    return f"{name} {of}{operation}" if named else of + operation


def _targeted(region: str, target: Target) -> dict[str, Any]:
    lines = [[NAMESPACE, target.metric, {"stat": target.statistic, "label": target.statistic}]]
    widget = _metric(region, f"{target.clause}: {target.said} (s)", lines, HOUR)
    widget["properties"]["annotations"] = {
        "horizontal": [
            {"label": f"target {target.limit:g} s", "value": target.limit, "color": _RED},
            {"label": f"alarm {target.threshold:g} s", "value": target.threshold, "color": _ORANGE},
        ]
    }
    return widget


def _topic(region: str, topic: str) -> dict[str, Any]:
    names = ("NumberOfMessagesPublished", "NumberOfNotificationsDelivered", "NumberOfNotificationsFailed")
    lines = [["AWS/SNS", name, "TopicName", topic, {"stat": "Sum", "label": name}] for name in names]
    return _metric(region, f"Notifications of {topic}", lines, HOUR)


def _table(region: str, table: str) -> dict[str, Any]:
    names = ("ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits")
    lines = [["AWS/DynamoDB", name, "TableName", table, {"stat": "Sum", "label": name}] for name in names]
    return _metric(region, f"Capacity that {table} consumed", lines, HOUR)


def _metric(region: str, title: str, lines: Sequence[Any], period: int) -> dict[str, Any]:
    return {
        "type": "metric",
        "height": _HEIGHT,
        "properties": {
            "title": title,
            "region": region,
            "view": "timeSeries",
            "stacked": False,
            "period": period,
            "yAxis": {"left": {"min": 0}},
            "metrics": list(lines),
        },
    }
