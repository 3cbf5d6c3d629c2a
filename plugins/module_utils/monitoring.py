# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dashboard and alarms of a control plane as they must be, idempotently. Nothing is ever deleted.

Facts: an alarm cannot publish to a topic that AWS's own key for SNS encrypts, as its policy cannot be changed (SNS developer guide,
"Key management"); one that a customer's key encrypts it can, when the key's policy allows cloudwatch.amazonaws.com.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from . import alarms, dashboard
from .control_plane import AWS_KEY, find_topic
from .dynamo import error_code

_ABSENT: Final = ("ResourceNotFound", "DashboardNotFoundError")


@dataclass(frozen=True, slots=True)
class Watched:
    """What is watched, and who is told. table, topic: names. scopes: (customer, environment), each with alarms of its own.

    alarm_topic_arn: "" for the control plane's topic, or one beside it where that cannot take alarms. stack: the CloudFormation
    stack that made the control plane, with dashboard and alarms; only those of environments are left to be made then.
    """

    region: str
    account: str
    partition: str
    table: str
    topic: str
    scopes: tuple[tuple[str, str], ...] = ()
    alarm_topic_arn: str = ""
    stack: str = ""


def ensure(cloudwatch: Any, sns: Any, watched: Watched, *, apply: bool = True) -> tuple[list[str], str]:
    """Alarms, their topic and the dashboard; gives (what was changed, or would be; the ARN of the alarms' topic).

    apply=False: check mode, changes nothing.
    """
    topic_arn, changes = _told(sns, watched, apply)
    platform = [] if watched.stack else alarms.platform(watched.table, watched.topic, topic_arn)
    wanted = [*platform, *alarms.environments(watched.table, topic_arn, watched.scopes)]
    found = _found(cloudwatch, watched.table)
    for alarm in wanted:
        name = alarm["AlarmName"]
        if name not in found or alarms.differs(alarm, found[name]):
            changes.append(f"{'change' if name in found else 'create'} alarm {name}")
            if apply:
                cloudwatch.put_metric_alarm(**alarm)
    if watched.stack:
        return changes, topic_arn
    arns = [f"arn:{watched.partition}:cloudwatch:{watched.region}:{watched.account}:alarm:{one['AlarmName']}" for one in wanted]
    return changes + _dashboard(cloudwatch, watched, arns, apply), topic_arn


def _told(sns: Any, watched: Watched, apply: bool) -> tuple[str, list[str]]:
    """The topic of alarms, and what that changes."""
    if watched.alarm_topic_arn:
        return watched.alarm_topic_arn, []
    own = find_topic(sns, watched.topic)
    key = sns.get_topic_attributes(TopicArn=own)["Attributes"].get("KmsMasterKeyId") if own else AWS_KEY
    if own and key != AWS_KEY:
        return own, []
    name = f"{watched.topic}-alarms"
    beside = find_topic(sns, name)
    if beside or not apply:
        arn = f"arn:{watched.partition}:sns:{watched.region}:{watched.account}:{name}"
        return beside or arn, [] if beside else [f"create topic {name}"]
    return str(sns.create_topic(Name=name)["TopicArn"]), [f"create topic {name}"]


def _found(cloudwatch: Any, prefix: str) -> dict[str, dict[str, Any]]:
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{prefix}: ", AlarmTypes=["MetricAlarm"])
    return {one["AlarmName"]: one for page in pages for one in page["MetricAlarms"]}


def _dashboard(cloudwatch: Any, watched: Watched, arns: Iterable[str], apply: bool) -> list[str]:
    body = dashboard.build(watched.region, watched.table, watched.topic, list(arns))
    try:
        stored = cloudwatch.get_dashboard(DashboardName=watched.table)["DashboardBody"]
    except Exception as error:
        if error_code(error) not in _ABSENT:
            raise
        stored = None
    if stored is not None and dashboard.same(body, stored):
        return []
    if apply:
        cloudwatch.put_dashboard(DashboardName=watched.table, DashboardBody=dashboard.text_of(body))
    return [f"{'create' if stored is None else 'change'} dashboard {watched.table}"]
