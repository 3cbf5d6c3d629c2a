# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics, dashboard and alarms, the trail: made once, put back when changed, and nothing that stops a run."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playbook import EAST, SCOPE, TABLE, WEST, Operator, estate

from ansible_collections.dr.aws.plugins.module_utils import alarms, dashboard, monitoring, recording
from ansible_collections.dr.aws.plugins.module_utils.accounts import Accounts
from ansible_collections.dr.aws.plugins.module_utils.control_plane import Names
from ansible_collections.dr.aws.plugins.module_utils.control_plane import ensure as make_plane
from ansible_collections.dr.aws.plugins.module_utils.errors import DrError
from ansible_collections.dr.aws.plugins.module_utils.metrics import NAMESPACE, Metrics

#: The account of the empty world.
ACCOUNT = "000000000000"
NAMES = Names("dr-state", "dr-evidence", "dr-events")
WATCHED = monitoring.Watched(WEST, ACCOUNT, "aws", NAMES.table, NAMES.topic, (("acme", "production"),))
TRAIL = recording.Trail("dr-aws", NAMES.audit_bucket, WEST, ACCOUNT)
SCOPED = {"Customer": "acme", "Environment": "production", "Operation": "failover"}
#: Far more than any call takes: what is tested is never how fast the machine is.
PATIENT = 120.0


def plane(sandbox: Any, **options: Any) -> None:
    clients = [sandbox.client(service, WEST) for service in ("dynamodb", "s3", "sns")]
    make_plane(*clients, NAMES, WEST, sleep=sandbox.advance, **options)


def watch(sandbox: Any, watched: monitoring.Watched = WATCHED, **options: Any) -> tuple[list[str], str]:
    return monitoring.ensure(sandbox.client("cloudwatch", WEST), sandbox.client("sns", WEST), watched, **options)


def trailed(sandbox: Any, trail: recording.Trail = TRAIL, **options: Any) -> list[str]:
    return recording.ensure(sandbox.client("cloudtrail", WEST), sandbox.client("s3", WEST), trail, **options)


def test_dashboard_and_alarms_are_made_once(sandbox: Any) -> None:
    plane(sandbox)
    before = len(sandbox.calls(mutating=True))
    would, topic_arn = watch(sandbox, apply=False)
    assert len(sandbox.calls(mutating=True)) == before
    made = watch(sandbox)
    assert made == (would, topic_arn)
    assert len(made[0]) == len(alarms.TARGETS) + 1 + 2 + 2, "one for each target, deliveries, two of the scope; topic and dashboard"
    before = len(sandbox.calls(mutating=True))
    assert watch(sandbox) == ([], topic_arn)
    assert len(sandbox.calls(mutating=True)) == before


def test_what_was_changed_is_put_back(sandbox: Any) -> None:
    plane(sandbox)
    watch(sandbox)
    cloudwatch = sandbox.client("cloudwatch", WEST)
    (wanted,) = [one for one in alarms.platform(NAMES.table, NAMES.topic, "arn") if one["MetricName"] == "NotificationDelay"]
    cloudwatch.put_metric_alarm(**{**wanted, "Threshold": 600.0, "AlarmActions": []})
    cloudwatch.put_dashboard(DashboardName=NAMES.table, DashboardBody='{"widgets": []}')
    assert watch(sandbox)[0] == [f"change alarm {wanted['AlarmName']}", f"change dashboard {NAMES.table}"]
    (found,) = cloudwatch.describe_alarms(AlarmNames=[wanted["AlarmName"]])["MetricAlarms"]
    assert found["Threshold"] == 8.0
    assert watch(sandbox)[0] == []


def test_alarms_go_where_they_can_be_delivered(sandbox: Any) -> None:
    """AWS's own key lets no alarm through: a topic beside it takes them. A key of one's own may."""
    plane(sandbox)
    _changes, beside = watch(sandbox)
    assert beside == f"arn:aws:sns:{WEST}:{ACCOUNT}:{NAMES.topic}-alarms"
    assert "KmsMasterKeyId" not in sandbox.client("sns", WEST).get_topic_attributes(TopicArn=beside)["Attributes"]
    topic = f"arn:aws:sns:{WEST}:{ACCOUNT}:{NAMES.topic}"
    sandbox.client("sns", WEST).set_topic_attributes(TopicArn=topic, AttributeName="KmsMasterKeyId", AttributeValue="alias/dr")
    changes, own = watch(sandbox)
    assert own == topic
    assert changes and all(one.startswith("change alarm") for one in changes)
    (elsewhere,) = {
        action
        for one in sandbox.client("cloudwatch", WEST).describe_alarms()["MetricAlarms"]
        for action in (*one["AlarmActions"], *one["OKActions"])
    }
    assert elsewhere == topic


def test_the_trail_is_made_once_and_records_everything(sandbox: Any) -> None:
    plane(sandbox)
    before = len(sandbox.calls(mutating=True))
    would = trailed(sandbox, apply=False)
    assert len(sandbox.calls(mutating=True)) == before
    assert trailed(sandbox) == would
    before = len(sandbox.calls(mutating=True))
    assert trailed(sandbox) == []
    assert len(sandbox.calls(mutating=True)) == before
    (found,) = sandbox.client("cloudtrail", WEST).describe_trails()["trailList"]
    wanted = {"IsMultiRegionTrail", "IncludeGlobalServiceEvents", "LogFileValidationEnabled"}
    assert {name for name in wanted if found[name] is True} == wanted
    assert (found["S3BucketName"], found["IsOrganizationTrail"]) == (NAMES.audit_bucket, False)
    assert sandbox.client("cloudtrail", WEST).get_trail_status(Name=TRAIL.arn)["IsLogging"]


def test_a_trail_that_was_weakened_is_put_back_and_others_policies_stay(sandbox: Any) -> None:
    plane(sandbox)
    cloudtrail, s3 = sandbox.client("cloudtrail", WEST), sandbox.client("s3", WEST)
    theirs = {"Sid": "Theirs", "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [theirs]}
    s3.put_bucket_policy(Bucket=NAMES.audit_bucket, Policy=json.dumps(policy))
    trailed(sandbox)
    cloudtrail.stop_logging(Name=TRAIL.name)
    cloudtrail.update_trail(Name=TRAIL.name, EnableLogFileValidation=False)
    assert trailed(sandbox) == ["change EnableLogFileValidation of trail dr-aws", "start logging of trail dr-aws"]
    kept = json.loads(s3.get_bucket_policy(Bucket=NAMES.audit_bucket)["Policy"])["Statement"]
    assert kept == [theirs, *TRAIL.statements()]


def test_a_trail_of_the_organization_may_write_for_all_its_accounts(sandbox: Any) -> None:
    plane(sandbox)
    whole = recording.Trail("dr-aws", NAMES.audit_bucket, WEST, ACCOUNT, organization="o-1a2b3c4d5e")
    trailed(sandbox)
    changed = trailed(sandbox, whole)
    assert changed == [f"allow trail dr-aws to write to bucket {NAMES.audit_bucket}", "change IsOrganizationTrail of trail dr-aws"]
    (found,) = sandbox.client("cloudtrail", WEST).describe_trails()["trailList"]
    assert found["IsOrganizationTrail"] is True
    assert trailed(sandbox, whole) == []


def test_a_trail_of_that_name_elsewhere_is_refused(sandbox: Any) -> None:
    plane(sandbox)
    sandbox.client("cloudtrail", EAST).create_trail(Name="dr-aws", S3BucketName=NAMES.audit_bucket, IsMultiRegionTrail=True)
    with pytest.raises(DrError, match=r"trail dr-aws exists already as arn:aws:cloudtrail:us-east-1:.*choose another name"):
        trailed(sandbox)


def metrics(timeout_seconds: float = PATIENT) -> Metrics:
    accounts = Accounts((), WEST, "dr-test", connect_timeout=PATIENT, read_timeout=PATIENT)
    return Metrics(lambda: accounts.control("cloudwatch"), timeout_seconds)


def found(sandbox: Any, query: dict[str, Any]) -> dict[str, list[float]]:
    """Label -> values, of what was put in the last hours."""
    now = datetime.now(UTC)
    asked = {"StartTime": now - timedelta(hours=3), "EndTime": now + timedelta(hours=1), "MetricDataQueries": [query]}
    answer = sandbox.client("cloudwatch", WEST).get_metric_data(**asked)
    return {one["Label"]: one["Values"] for one in answer["MetricDataResults"]}


def test_what_is_published_is_what_the_dashboard_finds(sandbox: Any) -> None:
    gathered = metrics()
    gathered.add("ExecutionDuration", 90.0)
    gathered.add("NotificationDelay", 0.25, *[0.125] * 400)
    assert gathered.publish(SCOPED) == ""
    body = dashboard.build(WEST, TABLE, "dr-events", [])
    (line,) = [
        line[0]
        for widget in body["widgets"]
        for line in widget["properties"].get("metrics", ())
        if "ExecutionDuration" in str(line[0])
    ]
    asked = {"Id": line["id"], "Expression": line["expression"], "Label": line["label"]}
    assert found(sandbox, asked) == {"acme/production failover": [90.0]}
    stat = {"Metric": {"Namespace": NAMESPACE, "MetricName": "NotificationDelay"}, "Period": 86400}
    assert sum(found(sandbox, {"Id": "n", "MetricStat": {**stat, "Stat": "SampleCount"}})["NotificationDelay SampleCount"]) == 401
    assert max(found(sandbox, {"Id": "n", "MetricStat": {**stat, "Stat": "p95"}})["NotificationDelay"]) == 0.125


@pytest.mark.parametrize(
    ("effect", "said"), [("throttle", "Throttl"), ("reset", "ConnectionClosedError"), ("error", "AccessDenied: ")]
)
def test_a_cloudwatch_that_refuses_is_said_and_nothing_else(sandbox: Any, effect: str, said: str) -> None:
    more = {"code": "AccessDenied", "status": 403} if effect == "error" else {}
    sandbox.fault(match={"service": "cloudwatch"}, effect=effect, **more)
    gathered = metrics()
    gathered.add("StatusDelay", 1.0)
    assert said in gathered.publish({})
    sandbox.clear_faults()
    assert gathered.publish({}) == ""
    assert sandbox.calls(service="cloudwatch", outcome="ok") == [], "what was lost is not sent later, under a wrong time"


def test_a_cloudwatch_that_does_not_answer_holds_nothing_up() -> None:
    """It is not waited for: publishing returns while the call still hangs."""
    hanging, ended = threading.Event(), threading.Event()

    class Dark:
        def put_metric_data(self, **_asked: Any) -> None:
            hanging.wait()
            ended.set()

    gathered = Metrics(Dark, 0.05)
    gathered.add("StatusDelay", 1.0)
    assert gathered.publish({}) == "CloudWatch did not answer within 0.05 s"
    assert not ended.is_set()
    hanging.set()


def test_a_failover_without_cloudwatch_ends_as_always_and_says_so(sandbox: Any, operator: Operator) -> None:
    whole = estate()
    operator.load({**whole, "resources": [one for one in whole["resources"] if one["name"] == "ledger"]})
    operator.run("control_plane", **SCOPE).ok()
    known = sandbox.client("cloudwatch", WEST).describe_alarms()["MetricAlarms"]
    assert f"{TABLE}: readiness overdue of acme/production" in {one["AlarmName"] for one in known}
    sandbox.fault(match={"service": "cloudwatch", "operation": "PutMetricData"}, effect="error", code="AccessDenied", status=403)
    ran = operator.failover(mode="planned").ok()
    assert "! metrics were not published: AccessDenied" in ran.out
    status = operator.status(ran.execution_id)
    assert status["status"] == "COMPLETED"
    assert "metrics_failed" in {one["event"] for one in status["timeline"]}
    sandbox.clear_faults()
    again = operator.failover(mode="planned").ok()
    names = {one["MetricName"] for one in sandbox.client("cloudwatch", WEST).list_metrics(Namespace=NAMESPACE)["Metrics"]}
    assert {"ExecutionDuration", "ResourcesDone", "AcceptanceTime", "NotificationDelay", "StatusQueryTime", "FenceDebts"} <= names
    assert "metrics were not published" not in again.out
    published = [call["params"]["MessageAttributes"] for call in sandbox.calls(service="sns", operation="Publish")]
    told = [attributes["event"]["StringValue"] for attributes in published]
    waves = ["wave_completed", "phase_completed"] * 4  # one resource: each phase is one wave
    assert told == ["execution_started", *waves, "execution_completed"] * 2
