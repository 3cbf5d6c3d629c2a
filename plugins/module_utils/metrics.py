# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudWatch metrics of executions, in the control region (FR-6.1, NFR-1.1). They never stop a run, nor hold it up for long.

Facts: PutMetricData (CloudWatch API reference) takes 1000 metrics a request and 150 values of a metric. Each combination of a name
with values of dimensions is a metric that is billed, for the hours in which something of it is sent: hence few dimensions, and
never an execution or a resource among them. Points of one minute are kept for 15 days, of an hour for 15 months.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from .accounts import classify
from .dynamo import epoch

NAMESPACE: Final = "DR/Orchestration"
#: Of one request, and of one metric in it.
METRICS_A_REQUEST: Final = 1000
VALUES_A_METRIC: Final = 150
HOUR: Final = 3600
DAY: Final = 86400
#: Of what kind a metric is: of a control plane as a whole, of a customer's environment, of the executions of an operation there.
PLATFORM: Final = ()
ENVIRONMENT: Final = ("Customer", "Environment")
EXECUTION: Final = (*ENVIRONMENT, "Operation")


@dataclass(frozen=True, slots=True)
class Metric:
    """What a metric is: CloudWatch's unit, its dimensions, and what it counts, for people."""

    unit: str
    dimensions: tuple[str, ...]
    said: str


def _wave(phase: str) -> Metric:
    return Metric("Seconds", EXECUTION, f"how long a wave of {phase.upper()} took")


#: Everything that is published.
METRICS: Final[Mapping[str, Metric]] = {
    "ExecutionDuration": Metric("Seconds", EXECUTION, "from the frozen plan to the end"),
    "ExecutionsFailed": Metric("Count", EXECUTION, "1 for an execution that ended FAILED, 0 for one that is COMPLETED"),
    "InstantiateWaveDuration": _wave("instantiate"),
    "ActivateWaveDuration": _wave("activate"),
    "CleanupWaveDuration": _wave("cleanup"),
    "ReplicateWaveDuration": _wave("replicate"),
    "ResourcesDone": Metric("Count", EXECUTION, "resources of a wave that are done"),
    "ResourcesFailed": Metric("Count", EXECUTION, "resources of a wave that failed or are blocked"),
    "ResourcesDeferred": Metric("Count", EXECUTION, "resources of a wave whose region does not answer"),
    "RtoMissed": Metric("Count", EXECUTION, "resources that served later than `dr:rto-target`, or do not"),
    "FenceDebts": Metric("Count", ENVIRONMENT, "sources that must be fenced when they answer again"),
    "ReplicationLag": Metric("Seconds", ENVIRONMENT, "the largest lag of a resource, when a plan is made and at readiness"),
    "ReadinessScore": Metric("None", ENVIRONMENT, "0 to 100, of each readiness"),
    "SnapshotAgeHours": Metric("None", ENVIRONMENT, "how old the readiness snapshot was when the next was taken"),
    "DrillAgeDays": Metric("None", ENVIRONMENT, "since the oldest proof by a drill, of what has one"),
    "NeverDrilled": Metric("Count", ENVIRONMENT, "resources that no drill has proven yet"),
    "AcceptanceTime": Metric("Seconds", PLATFORM, "from the frozen plan to the execution's ARN"),
    "StatusQueryTime": Metric("Seconds", PLATFORM, "of the status that is read at an execution's end"),
    "DiscoveryTime": Metric("Seconds", PLATFORM, "of the inventory that a plan or readiness was made of; not of a cached one"),
    "RoleAssumptionTime": Metric("Seconds", PLATFORM, "of each role that was assumed"),
    "HealthCheckTime": Metric("Seconds", PLATFORM, "of one look at all resources of a wave: no resource's took longer"),
    "DnsUpdateTime": Metric("Seconds", PLATFORM, "of the ACTIVATE of a record, until Route 53 says INSYNC"),
    "StatusDelay": Metric("Seconds", PLATFORM, "the longest time from a resource's end to the counters of the status, in a wave"),
    "NotificationDelay": Metric("Seconds", PLATFORM, "from an event to its message in SNS"),
}


class Metrics:
    """Gathers values and publishes them together. connect: gives boto3's client of CloudWatch in the control region.

    timeout_seconds: how long `publish` may take, whatever CloudWatch, the network or a credential provider do; 0 switches it off.
    """

    def __init__(self, connect: Callable[[], Any], timeout_seconds: float, clock: Callable[[], float] = time.time) -> None:
        self.connect, self.timeout_seconds, self.clock = connect, timeout_seconds, clock
        self._values: dict[str, list[float]] = defaultdict(list)

    def add(self, name: str, *values: float) -> None:
        """Values of one of METRICS; ValueError for another name."""
        if name not in METRICS:
            raise ValueError(f"{name} is none of {', '.join(METRICS)}")
        self._values[name].extend(values)

    @contextmanager
    def timing(self, name: str) -> Iterator[None]:
        """Adds how long the block took."""
        began = time.monotonic()
        yield
        self.add(name, time.monotonic() - began)

    def publish(self, scope: Mapping[str, str]) -> str:
        """Sends what was gathered, once: what is lost stays lost. scope: dimension -> value, of all that the metrics need.

        Gives "" or why it was not sent, for people. Never raises.
        """
        values, self._values = self._values, defaultdict(list)
        if not self.timeout_seconds or not any(values.values()):
            return ""
        ended: list[str] = []

        def send() -> None:
            ended.append(self._send(values, scope))

        sender = threading.Thread(target=send, daemon=True, name="dr-aws-metrics")
        sender.start()
        sender.join(self.timeout_seconds)
        return ended[0] if ended else f"CloudWatch did not answer within {self.timeout_seconds:g} s"

    def _send(self, values: Mapping[str, list[float]], scope: Mapping[str, str]) -> str:
        try:
            data = data_of(values, scope, self.clock())
            client = self.connect()
            for start in range(0, len(data), METRICS_A_REQUEST):
                client.put_metric_data(Namespace=NAMESPACE, MetricData=data[start : start + METRICS_A_REQUEST])
        except Exception as error:  # also a defect: a recovery must not stop for want of metrics
            failure = classify(error)
            return f"{failure.code}: {failure.message}" if failure else f"{type(error).__name__}: {error}"
        return ""


def data_of(values: Mapping[str, list[float]], scope: Mapping[str, str], now: float) -> list[dict[str, Any]]:
    """The `MetricData` of PutMetricData. now: epoch seconds."""
    at = datetime.fromtimestamp(now, UTC)
    return [
        {
            "MetricName": name,
            "Timestamp": at,
            "Unit": METRICS[name].unit,
            "Dimensions": [{"Name": one, "Value": scope[one]} for one in METRICS[name].dimensions],
            "Values": some[start : start + VALUES_A_METRIC],
        }
        for name, some in values.items()
        for start in range(0, len(some), VALUES_A_METRIC)
    ]


def of_readiness(
    points: int, captured: Mapping[str, Mapping[str, Any]], proofs: Mapping[str, str], before: str, now: float
) -> dict[str, list[float]]:
    """What readiness tells of an environment, by metric; nothing of what is not known.

    points: its score. captured, proofs: by pair key, of `readiness.capture` and `drilled.last`. before: when the last snapshot was
    stored, "" for none. now: epoch seconds.
    """
    lags = [one["lag_seconds"] for one in captured.values() if one.get("lag_seconds") is not None]
    ages = [(now - epoch(proofs[key])) / DAY for key in captured if key in proofs]
    return {
        "ReadinessScore": [float(points)],
        "ReplicationLag": [float(max(lags))] if lags and max(lags) >= 0 else [],
        "SnapshotAgeHours": [(now - epoch(before)) / HOUR] if before else [],
        "DrillAgeDays": [max(ages)] if ages else [],
        "NeverDrilled": [float(len(captured) - len(ages))],
    }


def discovered(inventory: Mapping[str, Any]) -> list[float]:
    """How many seconds discovery took, of the variable `dr_inventory`; [] when it is of a cache."""
    milliseconds = inventory.get("duration_ms")
    return [] if inventory.get("cached") or milliseconds is None else [milliseconds / 1000]


def wave_duration(phase: str) -> str:
    """The metric of how long a phase's waves take."""
    return f"{phase.capitalize()}WaveDuration"
