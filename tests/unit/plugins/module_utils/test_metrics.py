# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured, and how it is sent; alarms, dashboard and trail as they are asked for; that the document says the same."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.action.plan import lags
from ansible_collections.dr.aws.plugins.action.wave import completes, measure
from ansible_collections.dr.aws.plugins.module_utils import alarms, dashboard, metrics
from ansible_collections.dr.aws.plugins.module_utils.engine import Result
from ansible_collections.dr.aws.plugins.module_utils.errors import InputError
from ansible_collections.dr.aws.plugins.module_utils.events import EVENTS
from ansible_collections.dr.aws.plugins.module_utils.model import Active, Pair
from ansible_collections.dr.aws.plugins.module_utils.parts.rds_state import Instance, Seen
from ansible_collections.dr.aws.plugins.module_utils.plan import NOBODY, STAGES
from ansible_collections.dr.aws.plugins.module_utils.recording import Trail
from ansible_collections.dr.aws.plugins.module_utils.survey import Surveyed

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "200000000001"
SCOPE = {"Customer": "acme", "Environment": "production", "Operation": "failover"}
DOCUMENT = Path(__file__).resolve().parents[4] / "docs" / "monitoring.md"
TOPIC = f"arn:aws:sns:{WEST}:{ACCOUNT}:dr-alarms"


class Cloudwatch:
    """Keeps what is put."""

    def __init__(self) -> None:
        self.put: list[dict[str, Any]] = []

    def put_metric_data(self, **asked: Any) -> None:
        self.put.append(asked)


def gathered(**values: list[float]) -> metrics.Metrics:
    cloudwatch = Cloudwatch()
    one = metrics.Metrics(lambda: cloudwatch, 60, lambda: 0.0)
    for name, some in values.items():
        one.add(name, *some)
    return one


def sent(one: metrics.Metrics) -> list[dict[str, Any]]:
    """The requests of a publication, which is patient."""
    assert one.publish(SCOPE) == ""
    return list(one.connect().put)


# What is sent


@pytest.mark.parametrize(
    ("name", "dimensions"),
    [
        ("NotificationDelay", []),
        ("ReadinessScore", ["Customer", "Environment"]),
        ("ExecutionDuration", ["Customer", "Environment", "Operation"]),
    ],
)
def test_a_metric_has_its_dimensions_and_no_more(name: str, dimensions: list[str]) -> None:
    ((datum,),) = (one["MetricData"] for one in sent(gathered(**{name: [1.0]})))
    assert datum["Dimensions"] == [{"Name": one, "Value": SCOPE[one]} for one in dimensions]
    assert datum["Unit"] == metrics.METRICS[name].unit
    assert datum["Timestamp"].timestamp() == 0


def test_no_metric_is_of_an_execution_or_a_resource() -> None:
    """Each would be billed, and there would be ever more of them."""
    assert {one for metric in metrics.METRICS.values() for one in metric.dimensions} == set(SCOPE)


def test_values_are_sent_together_in_few_requests() -> None:
    requests = sent(gathered(RoleAssumptionTime=[0.5] * 301, DnsUpdateTime=[60.0]))
    assert [[len(datum["Values"]) for datum in one["MetricData"]] for one in requests] == [[150, 150, 1, 1]]
    assert {one["Namespace"] for one in requests} == {metrics.NAMESPACE}
    many = sent(gathered(RoleAssumptionTime=[0.5] * 150 * 1001))
    assert [len(one["MetricData"]) for one in many] == [1000, 1]


def test_nothing_is_sent_when_there_is_nothing_or_it_is_switched_off() -> None:
    assert sent(gathered()) == []
    assert sent(gathered(DnsUpdateTime=[])) == []
    off = metrics.Metrics(Cloudwatch, 0)
    off.add("StatusDelay", 1.0)
    assert off.publish({}) == ""


def test_what_cannot_be_sent_is_said_and_does_not_raise() -> None:
    def broken() -> Any:
        raise KeyError("a defect")

    one = metrics.Metrics(broken, 60)
    one.add("StatusDelay", 1.0)
    assert one.publish({}) == "KeyError: 'a defect'"
    one.add("ReadinessScore", 1.0)
    assert "Customer" in one.publish({}), "a scope that lacks a dimension"


def test_only_what_is_described_can_be_published() -> None:
    with pytest.raises(ValueError, match="ReadinesScore is none of"):
        gathered(ReadinesScore=[1.0])


# What is measured


def test_a_wave_is_counted_and_its_records_are_timed() -> None:
    def pair(key: str) -> Pair:
        return Pair(key, key.partition("-")[0], ACCOUNT, EAST, WEST, key, key)

    results = {
        "route53-www": Result("route53-www", "activate", "done", True, seconds=42.0),
        "route53-api": Result("route53-api", "activate", "done", seconds=1.0),
        "rds-a": Result("rds-a", "activate", "failed", seconds=9.0),
        "rds-b": Result("rds-b", "activate", "blocked"),
        "rds-c": Result("rds-c", "activate", "deferred"),
    }
    one = gathered()
    measure(one, "activate", results, {key: pair(key) for key in results}, 90.0)
    data = {datum["MetricName"]: datum["Values"] for datum in sent(one)[0]["MetricData"]}
    counted = {"ResourcesDone": [2], "ResourcesFailed": [2], "ResourcesDeferred": [1]}
    assert data == {"ActivateWaveDuration": [90.0], **counted, "DnsUpdateTime": [42.0]}


@pytest.mark.parametrize("phase", sorted(set(STAGES.values())))
def test_every_phase_has_its_duration(phase: str) -> None:
    assert metrics.wave_duration(phase) in metrics.METRICS


def test_readiness_tells_what_it_knows() -> None:
    day = 86400.0
    captured: dict[str, Any] = {"a": {"lag_seconds": 3}, "b": {"lag_seconds": 12}, "c": {"lag_seconds": None}, "d": {}}
    proofs = {"a": "1970-01-11T00:00:00Z", "b": "1970-01-06T00:00:00Z", "gone": "1970-01-01T00:00:00Z"}
    found = metrics.of_readiness(87, captured, proofs, "1970-01-30T12:00:00Z", 30 * day)
    assert found == {
        "ReadinessScore": [87.0],
        "ReplicationLag": [12.0],
        "SnapshotAgeHours": [12.0],
        "DrillAgeDays": [25.0],
        "NeverDrilled": [2.0],
    }
    first = metrics.of_readiness(0, {"a": {"lag_seconds": -1}}, {}, "", 0.0)
    assert first == {
        "ReadinessScore": [0.0],
        "ReplicationLag": [],
        "SnapshotAgeHours": [],
        "DrillAgeDays": [],
        "NeverDrilled": [1.0],
    }


@pytest.mark.parametrize(
    ("inventory", "seconds"),
    [({"duration_ms": 1500}, [1.5]), ({"duration_ms": 1500, "cached": True}, []), ({}, [])],
)
def test_discovery_is_timed_when_it_is_of_now(inventory: dict[str, Any], seconds: list[float]) -> None:
    assert metrics.discovered(inventory) == seconds


def test_the_lag_is_that_of_what_replicates_from_what_serves() -> None:
    def seen(lag: float | None, active: Active = Active.SOURCE) -> Surveyed:
        here = Instance("arn:a", "orders", EAST, "available", engine="postgres")
        there = Instance("arn:b", "orders", WEST, "available", engine="postgres", source=(EAST, "orders"), lag_seconds=lag)
        return Surveyed(Seen(here, there), active)

    looks = {"a": seen(3.0), "b": seen(40.0), "c": seen(None), "d": seen(-1.0), "e": seen(99.0, Active.BOTH)}
    pairs = [Pair(key, "rds", ACCOUNT, EAST, WEST, "orders", "orders") for key in looks]
    assert lags(pairs, looks) == [3.0, 40.0]


@pytest.mark.parametrize(
    ("phase", "hosts", "completed"),
    [
        ("activate", "ab", False),
        ("activate", "c", True),
        ("cleanup", "s", False),
        ("cleanup", "c", True),
        ("replicate", "p", True),
        ("instantiate", "a", False),
        ("rollback", "a", False),
    ],
)
def test_a_phase_is_completed_by_its_last_wave(phase: str, hosts: str, completed: bool) -> None:
    """settle and cleanup are both CLEANUP, protect and replicate both REPLICATE: the later one that has hosts counts."""
    stages = {"activate": "abc", "settle": "s", "cleanup": "c", "protect": "p"}
    fact = {"execution_id": "dr-1", "hosts": {stage: list(stages.get(stage, NOBODY)) for stage in STAGES}}
    assert completes(fact, phase, dict.fromkeys(hosts)) is completed
    assert not completes({**fact, "execution_id": ""}, phase, dict.fromkeys(hosts)), "check mode"


# Alarms


def test_alarms_are_at_80_percent_of_the_targets() -> None:
    built = {one["MetricName"]: one for one in alarms.platform("dr", "dr-events", TOPIC)}
    wanted = {
        "AcceptanceTime": 0.8,
        "StatusQueryTime": 0.4,
        "DiscoveryTime": 240,
        "RoleAssumptionTime": 1.6,
        "HealthCheckTime": 24,
        "DnsUpdateTime": 240,
        "StatusDelay": 2.4,
        "NotificationDelay": 8,
    }
    assert {name: one["Threshold"] for name, one in built.items() if name in wanted} == wanted
    assert set(built) - set(wanted) == {"NumberOfNotificationsFailed"}
    p95 = {name for name, one in built.items() if one.get("ExtendedStatistic") == "p95"}
    assert p95 == set(wanted) - {"StatusDelay", "NotificationDelay"}, "NFR-1.1 is of the 95th percentile"
    assert all(one["AlarmActions"] == one["OKActions"] == [TOPIC] for one in built.values())


def test_silence_means_nothing_where_nothing_runs_and_everything_where_something_must() -> None:
    scopes = [("acme", "production"), ("acme", "production"), ("acme", "test")]
    built = [*alarms.platform("dr", "dr-events", TOPIC), *alarms.environments("dr", TOPIC, scopes)]
    missing = {one["AlarmName"]: one["TreatMissingData"] for one in built}
    assert len(missing) == len(built) == len(alarms.TARGETS) + 1 + 2 * 2
    assert missing["dr: readiness overdue of acme/production"] == "breaching"
    assert missing["dr: drill due of acme/test"] == "ignore"
    rest = {treated for name, treated in missing.items() if " of acme/" not in name}
    assert rest == {"notBreaching"}


def test_alarms_keep_cloudwatchs_limits() -> None:
    of_one = alarms.environments("dr-aws-state", TOPIC, [("a-customer", "production")])
    for one in (*alarms.platform("dr-aws-state", "dr-events", TOPIC), *of_one):
        looked = one["Period"] * one["EvaluationPeriods"]
        assert looked <= (7 * 86400 if one["Period"] >= 3600 else 86400)
        assert len(one["AlarmName"]) <= 255 and len(one["AlarmDescription"]) <= 1024


# Dashboard


def test_widgets_fill_the_grid_and_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    widgets = dashboard.build(WEST, "dr-aws-state", "dr-events", ["arn"] * 11)["widgets"]
    for one in widgets:
        cells = {(one["x"] + x, one["y"] + y) for x in range(one["width"]) for y in range(one["height"])}
        assert not cells & taken
        assert one["x"] + one["width"] <= dashboard.COLUMNS
        taken |= cells
    assert len(widgets) <= 500


def test_everything_that_is_published_is_on_the_dashboard_in_the_control_region() -> None:
    body = dashboard.build(WEST, "dr-aws-state", "dr-events", [])
    assert {name for name in metrics.METRICS if f'"{name}\\"' in json.dumps(body) or f'"{name}"' in json.dumps(body)} == set(
        metrics.METRICS
    )
    charts = [one["properties"] for one in body["widgets"] if one["type"] == "metric"]
    assert {one["region"] for one in charts} == {WEST}
    bounded = {one["title"]: [line["value"] for line in one["annotations"]["horizontal"]] for one in charts if "annotations" in one}
    assert bounded["FR-6.2: notification (s)"] == [10, 8.0]
    assert len(bounded) == len(alarms.TARGETS)


def test_a_dashboard_is_the_same_however_it_is_written() -> None:
    body = dashboard.build(WEST, "dr-aws-state", "dr-events", [])
    assert dashboard.same(body, json.dumps(body, indent=2))
    assert not dashboard.same(body, json.dumps({**body, "start": "-PT1H"}))
    assert not dashboard.same(body, "no JSON")


# The trail


def test_the_trail_may_write_only_where_and_when_it_is_the_trail() -> None:
    trail = Trail("dr-aws", "audit", WEST, ACCOUNT, organization="o-1a2b3c4d5e")
    check, write = trail.statements()
    assert {one["Condition"]["StringEquals"]["aws:SourceArn"] for one in (check, write)} == {trail.arn}
    assert write["Resource"] == [f"arn:aws:s3:::audit/cloudtrail/AWSLogs/{one}/*" for one in (ACCOUNT, "o-1a2b3c4d5e")]
    assert trail.settings()["IsOrganizationTrail"] is True


@pytest.mark.parametrize(
    ("name", "organization", "field"),
    [("dr", "", "trail"), ("dr aws", "", "trail"), ("-dr-aws", "", "trail"), ("dr-aws", "acme", "organization_id")],
)
def test_a_trail_that_aws_would_refuse_is_refused_first(name: str, organization: str, field: str) -> None:
    with pytest.raises(InputError, match=field):
        Trail(name, "audit", WEST, ACCOUNT, organization=organization)


# The document


def rows(text: str) -> dict[str, list[str]]:
    """First cell -> cells, of every row of the document's tables that begins with a name in backticks."""
    found = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line.startswith("| `")]
    return {row[0].strip("` "): row for row in found}


def test_the_document_has_every_event() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [name for name in EVENTS if f"`{name}`" not in text] == []


def test_the_document_has_every_metric_and_every_alarm() -> None:
    told = rows(DOCUMENT.read_text(encoding="utf-8"))
    for name, metric in metrics.METRICS.items():
        assert told[name][1:3] == [metric.unit, metric.said], name
    for target in alarms.TARGETS:
        row = told[f"{target.said} slow"]
        numbers = [float(one) for one in re.findall(r"[\d.]+(?= s)", row[2])]
        assert (row[1], numbers) == (target.clause, [target.limit, target.threshold]), target.said
