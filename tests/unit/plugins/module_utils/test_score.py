# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What costs how many points, and what the score is then."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.capacity.needs import Unknown
from ansible_collections.dr.aws.plugins.module_utils.capacity.outlook import Outlook, Shortfall
from ansible_collections.dr.aws.plugins.module_utils.dynamo import epoch, utc
from ansible_collections.dr.aws.plugins.module_utils.engine import Result
from ansible_collections.dr.aws.plugins.module_utils.model import Pair
from ansible_collections.dr.aws.plugins.module_utils.permissions import Permitted
from ansible_collections.dr.aws.plugins.module_utils.score import DAY, MOST, POINTS, Finding, Seen, findings, score

NOW = epoch("2026-11-28T12:00:00Z")
ACCOUNT = "200000000001"
DB = Pair("db", "rds", ACCOUNT, "us-east-1", "us-west-2", "orders", "orders", priority="critical", rpo_seconds=300)
WEB = Pair("web", "ecs", ACCOUNT, "us-east-1", "us-west-2", "shop/web", "shop/web", priority="low", wave=2)
READY = Seen(
    pairs=(DB, WEB),
    now=NOW,
    captured={"db": {"lag_seconds": 3}, "web": {"desired_count": 4}},
    sides={"db": "source", "web": "target"},
    unprepared={},
    drilled={"db": utc(NOW - DAY), "web": utc(NOW - 92 * DAY)},
    snapshot_at=utc(NOW - 3600),
    max_age_hours=24,
    asked="-e customer=acme -e environment=production",
    permitted=(Permitted(ACCOUNT, {}),),
)
SHORT = Shortfall(ACCOUNT, "us-west-2", "fargate", "L-1", "vCPU", 8, 2, 6, "vCPU", ("web",), "ask for more")
TO_DO = Result("db", "instantiate", "would_change", why="create the replica")
STUCK = Result("db", "instantiate", "blocked", why="no subnet group", remedy="make one")
UNPAIRED = {"host": "db", "region": "us-west-2", "remedy": "tag it"}
VIOLATION = {"resource": "x", "tag": "dr:wave", "value": "soon", "rule": "a number", "remedy": "correct it", "severity": "error"}


def test_commands_are_ready_to_run() -> None:
    found = findings(replace(READY, drilled={"db": utc(NOW - 93 * DAY)}, unprepared={"db": TO_DO}))
    asked = "-e customer=acme -e environment=production"
    assert {one.remedy for one in found if one.check in ("standby", "drill")} == {
        f"ahead of time: ansible-playbook dr.aws.failover {asked} -e phases=instantiate",
        f"ansible-playbook dr.aws.test {asked} -e waves=1",
        f"ansible-playbook dr.aws.test {asked} -e waves=2",
    }


def test_nothing_found_is_100() -> None:
    assert findings(READY) == []
    assert score(READY.pairs, []) == 100


@pytest.mark.parametrize(
    ("changes", "check", "keys", "said"),
    [
        ({"unprepared": {"db": TO_DO}}, "standby", ("db",), "create the replica"),
        ({"unprepared": {"db": STUCK}}, "blocked", ("db",), "no subnet group"),
        ({"unprepared": {"db": STUCK}, "unpaired": [UNPAIRED]}, "blocked", ("db",), "no subnet group"),
        ({"sides": {"db": "both", "web": "source"}}, "side", ("db",), "both"),
        ({"sides": {"web": "source"}}, "side", ("db",), "unknown"),
        (
            {"unpaired": [UNPAIRED]},
            "unpaired",
            ("db",),
            "no counterpart in us-west-2",
        ),
        ({"outlook": Outlook(shortfalls=(SHORT,))}, "capacity", ("web",), "8 vCPU are needed"),
        (
            {"outlook": Outlook(unknown=(Unknown("web", ACCOUNT, "us-west-2", "no", "look"),))},
            "capacity unknown",
            ("web",),
            "not known",
        ),
        ({"outlook": Outlook(unknown=(Unknown("vCPU", ACCOUNT, "us-west-2", "no", "look"),))}, "capacity unknown", (), "not known"),
        ({"permitted": (Permitted(ACCOUNT, {"ecs:X": (("ecs", "activate"),)}),)}, "permission", ("web",), "activate: ecs:X"),
        ({"permitted": (Permitted(ACCOUNT, {}, "AccessDenied: no"),)}, "permission unknown", (), "AccessDenied: no"),
        ({"captured": {"db": {"lag_seconds": 301}}}, "lag", ("db",), "lags by 301 s, dr:rpo-target is 300 s"),
        ({"captured": {"db": {"lag_seconds": None}}}, "lag unknown", ("db",), "not known"),
        ({"captured": {"web": {"records": [{"TTL": 300}, {"TTL": 60}]}}}, "ttl", ("web",), "300 s"),
        ({"violations": [VIOLATION]}, "violation", (), "dr:wave='soon'"),
        (
            {"violations": [{**VIOLATION, "resource": f"ecs shop/web ({ACCOUNT}, us-west-2)", "severity": "warning"}]},
            "tag warning",
            ("web",),
            "a number",
        ),
        ({"drilled": {"db": utc(NOW - 93 * DAY), "web": utc(NOW)}}, "drill", ("db",), "93 days old"),
        ({"drilled": {"db": utc(NOW)}}, "drill", ("web",), "never proven"),
        ({"snapshot_at": utc(NOW - 25 * 3600)}, "snapshot", (), "25 h ago"),
    ],
)
def test_each_finding(changes: dict[str, Any], check: str, keys: tuple[str, ...], said: str) -> None:
    (found,) = findings(replace(READY, **changes))
    assert (found.check, found.keys) == (check, keys)
    assert said in found.why and found.remedy
    assert found.to_json()["points"] == POINTS[check]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"snapshot_at": ""}, id="the first readiness"),
        pytest.param({"captured": {}}, id="no lag where nothing replicates"),
        pytest.param({"captured": {"web": {"records": [{"AliasTarget": {}}]}}}, id="an alias has no TTL of its own"),
        pytest.param({"captured": {"db": {"lag_seconds": 300}}}, id="a lag of exactly the objective"),
    ],
)
def test_what_costs_nothing(changes: dict[str, Any]) -> None:
    assert findings(replace(READY, **changes)) == []


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([Finding("blocked", "db", "", "", ("db",))], 52),  # 4 of 5 weights lose 60
        ([Finding("blocked", "web", "", "", ("web",))], 88),  # 1 of 5 weights loses 60
        ([Finding("blocked", "web", "", "", ("web",)), Finding("side", "web", "", "", ("web",))], 80),  # never below 0
        ([Finding("ttl", "web", "", "", ("web",))], 99),
        ([Finding("snapshot", "", "", "")], 90),
        ([Finding("violation", str(number), "", "") for number in range(9)], 100 - MOST),
        (
            [
                Finding("blocked", "all", "", "", ("db", "web")),
                Finding("lag", "all", "", "", ("db", "web")),
                Finding("snapshot", "", "", ""),
            ],
            0,
        ),
    ],
)
def test_the_score(found: list[Finding], expected: int) -> None:
    assert score((DB, WEB), found) == expected


def test_the_worst_comes_first() -> None:
    seen = replace(
        READY,
        unprepared={"web": replace(STUCK, key="web")},
        captured={"db": {"lag_seconds": 900}, "web": {"records": [{"TTL": 600}]}},
        drilled={},
    )
    assert [one.check for one in findings(seen)] == ["lag", "drill", "blocked", "drill", "ttl"]
    assert [one.cost for one in findings(seen)] == [24.0, 16.0, 12.0, 4.0, 1.0]


def test_an_empty_environment_is_not_ready() -> None:
    assert score((), []) == 0
