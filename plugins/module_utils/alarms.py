# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudWatch alarms at 80 % of what the requirements allow. Pure.

Facts: PutMetricAlarm (CloudWatch API reference). Most of the time nothing runs and nothing is measured: there a missing point is
`notBreaching`. Where something must be measured every day, it is `breaching`. CloudWatch looks at most 7 days back, where a period
has an hour or more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from .metrics import HOUR, METRICS, NAMESPACE
from .parameters import SNAPSHOT_MAX_AGE_HOURS
from .score import DRILL_DAYS

#: NFR-1.1: performance alerts come at 80 % of the target.
SHARE: Final = 0.8
PERIOD_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class Target:
    """What a requirement allows of a metric, in its unit. statistic: `p95` where the requirement says so."""

    metric: str
    limit: float
    statistic: str
    clause: str
    said: str

    @property
    def threshold(self) -> float:
        """Where the alarm is raised."""
        return round(self.limit * SHARE, 3)


#: One alarm each, for a control plane as a whole.
TARGETS: Final = (
    Target("AcceptanceTime", 1, "p95", "NFR-1.1", "command acceptance"),
    Target("StatusQueryTime", 0.5, "p95", "NFR-1.1", "status query"),
    Target("DiscoveryTime", 300, "p95", "NFR-1.1", "resource discovery"),
    Target("RoleAssumptionTime", 2, "p95", "NFR-1.1", "cross-account role assumption"),
    Target("HealthCheckTime", 30, "p95", "NFR-1.1", "health check"),
    Target("DnsUpdateTime", 300, "p95", "NFR-1.1", "DNS update"),
    Target("StatusDelay", 3, "Maximum", "NFR-4.2", "status update"),
    Target("NotificationDelay", 10, "Maximum", "FR-6.2", "notification"),
)
#: The two of each customer's environment.
DRILLED: Final = Target("DrillAgeDays", DRILL_DAYS, "Maximum", "SC-2.3", "drill")
READY: Final = Target("ReadinessScore", SNAPSHOT_MAX_AGE_HOURS, "SampleCount", "FR-6.1", "readiness")


def platform(prefix: str, topic: str, topic_arn: str) -> list[dict[str, Any]]:
    """The parameters of PutMetricAlarm, by alarm of the control plane as a whole. prefix: begins their names.

    topic: whose deliveries are watched. topic_arn: who is told.
    """
    return _telling(topic_arn, [*(_slow(prefix, target) for target in TARGETS), _undelivered(prefix, topic)])


def environments(prefix: str, topic_arn: str, scopes: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """The same of environments. scopes: (customer, environment)."""
    kinds = (_unready, _undrilled)
    return _telling(topic_arn, [kind(prefix, *scope) for scope in sorted(set(scopes)) for kind in kinds])


def _telling(topic_arn: str, wanted: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**one, "ActionsEnabled": True, "AlarmActions": [topic_arn], "OKActions": [topic_arn]} for one in wanted]


def _slow(prefix: str, target: Target) -> dict[str, Any]:
    kind = "Statistic" if target.statistic == "Maximum" else "ExtendedStatistic"
    text = f"{target.clause}: {target.said} within {target.limit:g} s. {METRICS[target.metric].said}; the alarm is at 80 %."
    return {
        "AlarmName": f"{prefix}: {target.said} slow",
        "AlarmDescription": f"{text} See docs/monitoring.md of dr.aws.",
        "Namespace": NAMESPACE,
        "MetricName": target.metric,
        "Dimensions": [],
        kind: target.statistic,
        "Period": PERIOD_SECONDS,
        "EvaluationPeriods": 1,
        "Threshold": target.threshold,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
    }


def _undelivered(prefix: str, topic: str) -> dict[str, Any]:
    return {
        "AlarmName": f"{prefix}: notifications undelivered",
        "AlarmDescription": "FR-6.2: SNS took a message and could not deliver it to a subscriber. See the topic's subscriptions.",
        "Namespace": "AWS/SNS",
        "MetricName": "NumberOfNotificationsFailed",
        "Dimensions": [{"Name": "TopicName", "Value": topic}],
        "Statistic": "Sum",
        "Period": PERIOD_SECONDS,
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
    }


def _unready(prefix: str, customer: str, environment: str) -> dict[str, Any]:
    """No readiness for 80 % of the time that a snapshot may be old: every hour of it is without one, which breaches."""
    hours = int(READY.threshold)
    remedy = f"ansible-playbook dr.aws.readiness -e customer={customer} -e environment={environment} …"
    return {
        "AlarmName": f"{prefix}: readiness overdue of {customer}/{environment}",
        "AlarmDescription": f"No readiness for {hours} h; a snapshot may be {READY.limit:g} h old. Next: {remedy}",
        "Namespace": NAMESPACE,
        "MetricName": READY.metric,
        "Dimensions": _dimensions(customer, environment),
        "Statistic": READY.statistic,
        "Period": HOUR,
        "EvaluationPeriods": hours,
        "Threshold": 1.0,
        "ComparisonOperator": "LessThanThreshold",
        "TreatMissingData": "breaching",
    }


def _undrilled(prefix: str, customer: str, environment: str) -> dict[str, Any]:
    """Measured with each readiness; between two of them the state stays as it is."""
    remedy = f"ansible-playbook dr.aws.test -e customer={customer} -e environment={environment} …"
    return {
        "AlarmName": f"{prefix}: drill due of {customer}/{environment}",
        "AlarmDescription": f"{DRILLED.clause}: the oldest proof by a drill nears {DRILL_DAYS} days. Next: {remedy}",
        "Namespace": NAMESPACE,
        "MetricName": DRILLED.metric,
        "Dimensions": _dimensions(customer, environment),
        "Statistic": DRILLED.statistic,
        "Period": HOUR,
        "EvaluationPeriods": 1,
        "Threshold": DRILLED.threshold,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "ignore",
    }


def _dimensions(customer: str, environment: str) -> list[dict[str, str]]:
    return [{"Name": "Customer", "Value": customer}, {"Name": "Environment", "Value": environment}]


def differs(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Whether an alarm, as DescribeAlarms gives it, is not what is wanted."""
    return any(found.get(name) != value for name, value in wanted.items())
