# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Route 53 records over the real engine and the sandbox, end states read by plain boto3."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from flow import Flow, SimulatedClock

from ansible_collections.dr.aws.plugins.module_utils.engine import Engine
from ansible_collections.dr.aws.plugins.module_utils.journal import MemoryJournal
from ansible_collections.dr.aws.plugins.module_utils.model import Goal, Pair

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "200000000001"
ROLE = {ACCOUNT: (f"arn:aws:iam::{ACCOUNT}:role/dr-automation", "shop")}
OLD, NEW = "web.us-east-1.example.net", "web.us-west-2.example.net"
VALUES = {EAST: [OLD], WEST: [NEW]}


def load(sandbox: Any, *names: str, **spec: Any) -> str:
    """An estate with these names; gives the zone's id."""
    record = {"kind": "route53_record", "account": "web", "zone": "example.com", "type": "CNAME", "value": OLD}
    record |= {"region": EAST, "peer": {"region": WEST, "value": NEW}, "tags": {"dr:wave": "4"}, **spec}
    sandbox.load(
        {
            "name": "shop",
            "control_region": WEST,
            "regions": [EAST, WEST],
            "tags": {"dr:enabled": "true"},
            "accounts": [
                {"id": "100000000000", "name": "management", "management": True},
                {"id": ACCOUNT, "name": "web", "roles": [{"name": "dr-automation", "external_id": "shop"}]},
            ],
            "resources": [{**record, "name": name} for name in names or ("www.example.com",)],
        }
    )
    (zone,) = sandbox.client("route53", account=ACCOUNT).list_hosted_zones()["HostedZones"]
    return str(zone["Id"].rpartition("/")[2])


def pair(zone: str, name: str = "www.example.com", **settings: Any) -> Pair:
    ident = f"{zone}/{name}/CNAME"
    return Pair(name, "route53", ACCOUNT, EAST, WEST, ident, ident, settings={"values": VALUES, **settings})


def records(sandbox: Any, zone: str) -> dict[tuple[str, str], dict[str, Any]]:
    """(name, set identifier) -> record set, of the CNAMEs."""
    listed = sandbox.client("route53", account=ACCOUNT).list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    return {(one["Name"], one.get("SetIdentifier", "")): one for one in listed if one["Type"] == "CNAME"}


def answer(sandbox: Any, zone: str, name: str = "www.example.com.", ident: str = "") -> str:
    return str(records(sandbox, zone)[name, ident]["ResourceRecords"][0]["Value"])


@pytest.mark.parametrize("mode", ["planned", "unplanned"])
def test_a_name_moves_and_comes_back(sandbox: Any, mode: str) -> None:
    zone = load(sandbox)
    flow = Flow(sandbox, [pair(zone)], ROLE)
    flow.capture()
    if mode == "unplanned":
        sandbox.dark(EAST)
    checked = flow.one("activate", mode, check=True)
    assert (checked.status, len(checked.calls), flow.mutations()) == ("would_change", 1, [])
    done = flow.one("activate", mode)
    assert (done.status, done.changed, len(done.calls)) == ("done", True, 1), done
    assert answer(sandbox, zone) == NEW
    client = sandbox.client("route53", account=ACCOUNT)
    assert client.get_change(Id=done.outputs["change_id"])["ChangeInfo"]["Status"] == "INSYNC"
    assert done.outputs["change_status"] == "INSYNC"
    assert 30 <= done.seconds <= 90
    gone = datetime.fromisoformat(done.outputs["dns_expires_at"]) - datetime.fromisoformat(
        str(client.get_change(Id=done.outputs["change_id"])["ChangeInfo"]["SubmittedAt"].isoformat())
    )
    assert gone.total_seconds() == 120
    assert done.outputs["previous_records"][0]["ResourceRecords"] == [{"Value": OLD}]

    before = flow.mutations()
    again, checked = flow.one("activate", mode), flow.one("activate", mode, check=True)
    assert (again.status, again.changed, checked.status) == ("done", False, "done")
    assert flow.mutations() == before

    back = flow.one("rollback", mode)
    assert (back.status, back.changed, answer(sandbox, zone)) == ("done", True, OLD)
    assert flow.one("rollback", mode).changed is False


def test_failback_is_the_same_with_the_regions_swapped(sandbox: Any) -> None:
    zone = load(sandbox)
    flow = Flow(sandbox, [pair(zone)], ROLE)
    assert flow.one("activate").status == "done"
    home = flow.home()
    assert (home.one("activate").status, answer(sandbox, zone)) == ("done", OLD)


def test_weights_move_together(sandbox: Any) -> None:
    zone = load(sandbox, routing="weighted", weight=80)
    flow = Flow(sandbox, [pair(zone)], ROLE)
    flow.capture()
    assert flow.one("activate", "unplanned").status == "done"
    assert {ident: one["Weight"] for (_unused, ident), one in records(sandbox, zone).items()} == {EAST: 0, WEST: 80}
    assert len(flow.mutations()) == 1
    assert flow.one("activate", "unplanned").changed is False
    assert flow.one("rollback").status == "done"
    assert {ident: one["Weight"] for (_unused, ident), one in records(sandbox, zone).items()} == {EAST: 80, WEST: 0}


def test_failover_records_swap_their_answers_with_their_checks(sandbox: Any) -> None:
    zone = load(sandbox, routing="failover")
    checks = {ident: one["HealthCheckId"] for (_unused, ident), one in records(sandbox, zone).items()}
    flow = Flow(sandbox, [pair(zone)], ROLE)
    assert flow.one("activate", "unplanned").status == "done"
    primary, secondary = (records(sandbox, zone)["www.example.com.", region] for region in (EAST, WEST))
    assert (primary["Failover"], primary["HealthCheckId"]) == ("PRIMARY", checks[WEST])
    assert (secondary["Failover"], secondary["HealthCheckId"]) == ("SECONDARY", checks[EAST])
    assert [answer(sandbox, zone, ident=region) for region in (EAST, WEST)] == [NEW, OLD]
    assert len(flow.mutations()) == 1
    assert flow.one("rollback").status == "done"
    assert [answer(sandbox, zone, ident=region) for region in (EAST, WEST)] == [OLD, NEW]


def test_an_alias_moves(sandbox: Any) -> None:
    there = {
        region: {"dns_name": f"lb.{region}.example.net", "hosted_zone_id": f"Z{n}ELB", "evaluate": True}
        for n, region in enumerate(VALUES)
    }
    zone = load(sandbox, alias=there[EAST])
    flow = Flow(sandbox, [pair(zone, values={}, alias=there)], ROLE)
    assert flow.one("activate").status == "done"
    target = records(sandbox, zone)["www.example.com.", ""]["AliasTarget"]
    assert target == {"HostedZoneId": "Z1ELB", "DNSName": "lb.us-west-2.example.net", "EvaluateTargetHealth": True}
    assert flow.one("activate").changed is False


def test_many_names_of_a_zone_are_listed_together(sandbox: Any) -> None:
    names = [f"n{number}.example.com" for number in range(6)]
    zone = load(sandbox, *names)
    flow = Flow(sandbox, [pair(zone, name) for name in names], ROLE)
    results = flow.run("activate", "unplanned")
    assert {result.status for result in results.values()} == {"done"}
    assert {answer(sandbox, zone, f"{name}.") for name in names} == {NEW}
    first = next(call for call in sandbox.calls(service="route53") if call["operation"] == "ListResourceRecordSets")
    assert "StartRecordName" not in first["params"]


def test_a_silent_control_plane_blocks_and_names_the_way_round(sandbox: Any) -> None:
    zone = load(sandbox)
    sandbox.dark("global")
    result = Flow(sandbox, [pair(zone)], ROLE).one("activate", "unplanned")
    assert result.status == "blocked"
    assert "us-east-1" in result.why and "routing: arc" in result.remedy


def test_routing_controls_need_no_control_plane(sandbox: Any) -> None:
    zone = load(sandbox)
    arns = sandbox.seed(kind="routing_control", account=ACCOUNT, region=EAST, name="shop", peer={"region": WEST})[
        "routing_controls"
    ]
    endpoints = [{"endpoint": sandbox.endpoint, "region": region} for region in (EAST, WEST, "eu-west-1")]
    flow = Flow(sandbox, [pair(zone, routing="arc", routing_controls=arns, cluster_endpoints=endpoints)], ROLE)
    for region in ("global", EAST, "eu-west-1"):
        sandbox.dark(region)
    assert flow.one("activate", "unplanned").status == "done"
    client = sandbox.client("route53-recovery-cluster", WEST, ACCOUNT)
    states = {one["RoutingControlName"]: one["RoutingControlState"] for one in client.list_routing_controls()["RoutingControls"]}
    assert states == {EAST: "Off", WEST: "On"}
    (call,) = flow.mutations()
    assert (call["operation"], call["region"]) == ("UpdateRoutingControlStates", WEST)
    assert flow.one("activate", "unplanned").changed is False
    assert flow.one("rollback", "unplanned").status == "done"
    used = {f"{call['service']}:{call['operation']}" for call in sandbox.calls() if call["service"] != "sts"}
    assert used == {"route53-recovery-cluster:GetRoutingControlState", "route53-recovery-cluster:UpdateRoutingControlStates"}


@pytest.mark.parametrize("ident", ["{zone}", "{zone}/www.example.com", "{zone}/nope.example.com/CNAME"])
def test_a_name_that_is_not_there_is_never_made(sandbox: Any, ident: str) -> None:
    zone = load(sandbox)
    one = replace(pair(zone), source_id=ident.format(zone=zone), target_id=ident.format(zone=zone))
    flow = Flow(sandbox, [one], ROLE)
    result = flow.one("activate", "unplanned")
    assert (result.status, flow.mutations()) == ("blocked", [])
    assert "no record" in result.why


def test_calls_are_the_declared_actions(sandbox: Any) -> None:
    zone = load(sandbox)
    flow = Flow(sandbox, [pair(zone)], ROLE)
    assert flow.one("activate").status == "done"
    used = {f"{call['service']}:{call['operation']}" for call in sandbox.calls() if call["service"] != "sts"}
    assert used == {action for action in flow.declared("route53") if action.startswith("route53:")}


@pytest.mark.parametrize(
    ("sentence", "changes", "code"),
    [
        ("all or none", [("UPSERT", {"Name": "new.example.com"}), ("CREATE", {"Name": "www.example.com"})], "InvalidChangeBatch"),
        ("a delete must match", [("DELETE", {"Name": "www.example.com", "TTL": 1})], "InvalidChangeBatch"),
        ("outside the zone", [("UPSERT", {"Name": "www.example.org"})], "InvalidChangeBatch"),
        ("at the apex", [("UPSERT", {"Name": "example.com"})], "InvalidChangeBatch"),
        ("beside a CNAME", [("UPSERT", {"Name": "www.example.com", "Type": "TXT"})], "InvalidChangeBatch"),
        (
            "two PRIMARY",
            [("CREATE", {"Name": "f.example.com", "SetIdentifier": one, "Failover": "PRIMARY"}) for one in "ab"],
            "InvalidChangeBatch",
        ),
        ("another routing", [("CREATE", {"Name": "www.example.com", "SetIdentifier": "a", "Weight": 1})], "InvalidChangeBatch"),
        ("no such check", [("UPSERT", {"Name": "www.example.com", "HealthCheckId": "0"})], "NoSuchHealthCheck"),
        ("weight without identifier", [("UPSERT", {"Name": "w.example.com", "Weight": 1})], "InvalidInput"),
    ],
)
def test_the_sandbox_refuses_what_route_53_refuses(
    sandbox: Any, aws_code: Callable[..., str], sentence: str, changes: Any, code: str
) -> None:
    zone = load(sandbox)
    before = records(sandbox, zone)
    client = sandbox.client("route53", account=ACCOUNT)
    batch = [
        {
            "Action": action,
            "ResourceRecordSet": {"Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": "x.example.net"}], **fields},
        }
        for action, fields in changes
    ]
    assert aws_code(client.change_resource_record_sets, HostedZoneId=zone, ChangeBatch={"Changes": batch}) == code, sentence
    assert records(sandbox, zone) == before
    assert aws_code(client.get_change, Id="C0000000000000") == "NoSuchChange"


def test_the_sandbox_takes_a_minute_to_reach_the_name_servers(sandbox: Any) -> None:
    zone = load(sandbox)
    client = sandbox.client("route53", account=ACCOUNT)
    record = {**records(sandbox, zone)["www.example.com.", ""], "TTL": 30}
    change = client.change_resource_record_sets(
        HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    )["ChangeInfo"]
    states = [change["Status"]]
    for seconds in (29, 32):
        sandbox.advance(seconds)
        states.append(client.get_change(Id=change["Id"])["ChangeInfo"]["Status"])
    assert states == ["PENDING", "PENDING", "INSYNC"]
    assert records(sandbox, zone)["www.example.com.", ""]["TTL"] == 30


def test_a_run_that_dies_after_the_call_does_nothing_twice(sandbox: Any) -> None:
    zone = load(sandbox)
    flow = Flow(sandbox, [pair(zone)], ROLE)
    assert flow.survive("activate").status == "done"
    assert ([call["operation"] for call in flow.mutations()], answer(sandbox, zone)) == (["ChangeResourceRecordSets"], NEW)


def test_a_resumed_run_goes_on_waiting_for_the_change(sandbox: Any) -> None:
    zone = load(sandbox)
    flow = Flow(sandbox, [pair(zone)], ROLE)
    goal, journal = Goal(flow.pairs[0], execution_id="dr-test"), MemoryJournal()

    class Stopped(SimulatedClock):
        def sleep(self, seconds: float) -> None:
            if journal.known("activate")[goal.pair.key]["intents"]:
                raise KeyboardInterrupt
            super().sleep(seconds)

    with pytest.raises(KeyboardInterrupt):
        Engine(flow.cloud, journal, clock=Stopped(sandbox)).run("activate", [goal])
    result = Engine(flow.cloud, journal, clock=flow.clock).run("activate", [goal])[goal.pair.key]
    assert (result.status, result.calls, result.outputs["change_status"]) == ("done", (), "INSYNC")
    assert result.seconds >= 25
