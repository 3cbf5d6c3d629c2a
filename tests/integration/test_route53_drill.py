# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drills of records that are weighted, fail over, or are moved by routing controls, over the real engine and the sandbox."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flow import Flow
from test_route53 import ACCOUNT, EAST, NEW, ROLE, WEST, load, pair

from ansible_collections.dr.aws.plugins.module_utils.drills import drill
from ansible_collections.dr.aws.plugins.module_utils.drills.base import name
from ansible_collections.dr.aws.plugins.module_utils.model import Pair


def drilled(one: Pair) -> Pair:
    return replace(one, settings={**one.settings, "drill_id": "quarterly"})


def flow(sandbox: Any, one: Pair) -> Flow:
    return Flow(sandbox, [drilled(one)], ROLE, reconciler=drill)


def room(sandbox: Any) -> str:
    """The id of the drills' zone."""
    sandbox.seed(kind="drill_room", account=ACCOUNT, region=WEST)
    zones = sandbox.inside("route53", WEST, ACCOUNT).list_hosted_zones()["HostedZones"]
    (zone,) = [one["Id"] for one in zones if one["Name"] == "dr-drill.internal."]
    return str(zone)


def listed(sandbox: Any, zone: str) -> list[dict[str, Any]]:
    return list(sandbox.inside("route53", WEST, ACCOUNT).list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"])


@pytest.mark.parametrize("routing", ["weighted", "failover"])
def test_the_whole_batch_of_activate_is_taken(sandbox: Any, routing: str) -> None:
    zone = load(sandbox, routing=routing)
    drills, before = room(sandbox), listed(sandbox, zone)
    empty, run = listed(sandbox, drills), flow(sandbox, pair(zone))
    assert [run.one(phase).status for phase in ("instantiate", "activate")] == ["done", "done"]
    copied = [one for one in listed(sandbox, drills) if one["Type"] == "CNAME"]
    assert len(copied) == 2
    assert listed(sandbox, zone) == before

    real = Flow(sandbox, [pair(zone)], ROLE)
    assert real.one("activate").status == "done"
    moved = [one for one in listed(sandbox, zone) if one["Type"] == "CNAME"]
    assert [{**one, "Name": ""} for one in copied] == [{**one, "Name": ""} for one in moved], "the drill foretold it"

    assert run.one("cleanup").status == "done"
    assert listed(sandbox, drills) == empty


def test_the_change_is_awaited(sandbox: Any) -> None:
    zone = load(sandbox)
    room(sandbox)
    result = flow(sandbox, pair(zone)).one("instantiate")
    assert result.outputs["change_status"] == "INSYNC"
    assert result.outputs["answers"] == [{"type": "CNAME", "ttl_seconds": 60, "values": [NEW]}]
    assert len(sandbox.calls(operation="GetChange")) > 1


def test_routing_controls_are_looked_at_and_left_alone(sandbox: Any) -> None:
    zone = load(sandbox)
    controls = sandbox.seed(kind="routing_control", account=ACCOUNT, region=EAST, name="shop", peer={"region": WEST})
    endpoints = [{"endpoint": f"{sandbox.endpoint}/", "region": region} for region in (EAST, WEST)]
    one = pair(zone, routing="arc", routing_controls=controls["routing_controls"], cluster_endpoints=endpoints)
    run = flow(sandbox, one)
    results = [run.one(phase) for phase in ("instantiate", "activate", "cleanup")]
    assert [result.status for result in results] == ["done", "done", "done"]
    assert results[1].outputs["routing_controls"] == {EAST: "On", WEST: "Off"}
    assert "would move production" in results[1].outputs["not_proven"][0]
    assert run.mutations() == []
    assert {row["operation"] for row in sandbox.calls() if row["service"] != "sts"} == {"GetRoutingControlState"}


def test_a_record_of_the_copys_name_that_someone_else_made_stays(sandbox: Any) -> None:
    zone = load(sandbox)
    drills = room(sandbox)
    called = f"{name(drilled(pair(zone)), 63)}.dr-drill.internal."
    record = {"Name": called, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "10.0.0.1"}]}
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    sandbox.inside("route53", WEST, ACCOUNT).change_resource_record_sets(HostedZoneId=drills, ChangeBatch=batch)
    run = flow(sandbox, pair(zone))
    assert [run.one(phase).status for phase in ("instantiate", "activate", "cleanup")] == ["blocked"] * 3
    assert run.mutations() == []
    assert record in listed(sandbox, drills)


def test_the_zone_of_production_is_refused(sandbox: Any) -> None:
    zone = load(sandbox, private=True)
    run = flow(sandbox, pair(zone, drill={"hosted_zone": "example.com"}))
    result = run.one("instantiate")
    assert (result.status, "zone of the record that is copied" in result.why) == ("blocked", True)
    assert run.mutations() == []
