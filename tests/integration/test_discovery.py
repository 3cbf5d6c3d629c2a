# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an inventory file's options to hosts, over real clients and the sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils import estate, snapshot
from ansible_collections.dr.aws.plugins.module_utils.asking import BACKOFF_SECONDS
from ansible_collections.dr.aws.plugins.module_utils.errors import InputError

EAST, WEST, HUB, SHOP, BILLING = "us-east-1", "us-west-2", "100000000000", "200000000001", "200000000002"
BUCKET = "acme-dr"


def service(name: str, account: str = SHOP, **tags: str) -> dict[str, Any]:
    said = {f"dr:{tag}" if tag.islower() else tag: value for tag, value in tags.items()}
    peer = {"region": WEST, "cluster": "main", "desired": 0}
    tags = {"dr:wave": "2", "dr:priority": "high", **said}
    return {
        "kind": "ecs_service",
        "account": account,
        "region": EAST,
        "name": name,
        "cluster": "main",
        "desired": 2,
        "peer": peer,
        "tags": tags,
    }


def record(name: str, **more: Any) -> dict[str, Any]:
    values = {"value": "east.example.net", "peer": {"region": WEST, "value": "west.example.net"}}
    tags = {"dr:wave": "4", "dr:priority": "critical"}
    return {
        "kind": "route53_record",
        "account": SHOP,
        "zone": "example.com",
        "name": name,
        "type": "CNAME",
        "tags": tags,
        **values,
        **more,
    }


def world_of(*resources: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    roles = {SHOP: "shop-1", BILLING: "billing-1"}
    return {
        "name": "small",
        "control_region": WEST,
        "regions": [EAST, WEST],
        "tags": {"dr:enabled": "true", "Customer": "acme", "Environment": "production"},
        "accounts": [
            {"id": HUB, "name": "hub", "management": True},
            *({"id": account, "roles": [{"name": "dr-automation", "external_id": secret}]} for account, secret in roles.items()),
        ],
        "resources": list(resources),
        **more,
    }


SMALL = (service("web", wave="3"), service("orders"), service("ledger", BILLING, priority="critical"), record("www.example.com"))
HOSTS = [
    "ecs-200000000002-main-ledger",
    "ecs-200000000001-main-orders",
    "ecs-200000000001-main-web",
    "route53-200000000001-www.example.com-CNAME",
]


def options(**more: Any) -> dict[str, Any]:
    accounts = [
        {"id": account, "role_arn": f"arn:aws:iam::{account}:role/dr-automation", "external_id": secret, "name": secret[:-2]}
        for account, secret in ((SHOP, "shop-1"), (BILLING, "billing-1"))
    ]
    given = dict.fromkeys(estate.OPTIONS)
    defaults = {
        "records": [],
        "index": "local",
        "tagging_api": True,
        "account_timeout_seconds": 120,
        "workers": 8,
        "connect_timeout": 2,
        "read_timeout": 5,
        "control_table": "dr-aws",
    }
    return {**given, "accounts": accounts, "regions": [EAST, WEST], "control_region": WEST, **defaults, **more}


def keep(sandbox: Any, hosts: Mapping[str, Any], change: Any = None) -> None:
    """What readiness does: the snapshot in the control bucket."""
    when = datetime(2026, 11, 28, 12, tzinfo=UTC)
    made = snapshot.build("acme", "production", when, [EAST, WEST], [SHOP, BILLING], hosts, {name: {"n": 1} for name in hosts})
    s3 = sandbox.client("s3", WEST)
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": WEST})
    body = snapshot.dumps(made)
    s3.put_object(Bucket=BUCKET, Key=snapshot.key("acme", "production"), Body=change(body) if change else body)


def test_tagged_resources_of_all_accounts_become_hosts_in_the_order_of_recovery(sandbox: Any) -> None:
    sandbox.load(world_of(*SMALL, {**service("legacy"), "tags": {"dr:enabled": "false"}}))
    found = estate.look(options())
    assert list(found["hosts"]) == HOSTS
    summary = found["inventory"]
    assert summary["complete"] and summary["source"] == "live" and summary["errors"] == summary["violations"] == []
    assert summary["counts"] == {"ecs": 3, "route53": 1}
    assert [(one["id"], one["complete"]) for one in summary["accounts"]] == [(SHOP, True), (BILLING, True)]
    assert all(one["latency_ms"] >= 0 for one in summary["accounts"])
    assert found["hosts"][HOSTS[3]]["dr_settings"] == {"values": {EAST: ["east.example.net"], WEST: ["west.example.net"]}}
    assert found["warnings"] == []


def test_the_same_estate_gives_the_same_inventory_twice(sandbox: Any) -> None:
    sandbox.load(world_of(*SMALL))
    assert estate.look(options(workers=1))["hosts"] == estate.look(options(workers=8))["hosts"]


def test_discovery_changes_nothing_and_reads_in_the_estate_with_the_roles_only(sandbox: Any) -> None:
    sandbox.load(world_of(*SMALL))
    start = len(sandbox.calls())
    estate.look(options())
    calls = sandbox.calls()[start:]
    assert [call for call in calls if call["mutating"] and call["service"] != "sts"] == []
    assert {call["account"] for call in calls if call["service"] != "sts"} == {SHOP, BILLING}


def test_an_empty_estate_is_complete_and_empty(sandbox: Any) -> None:
    sandbox.load(world_of())
    found = estate.look(options())
    assert found["hosts"] == {} and found["inventory"]["complete"] and found["inventory"]["counts"] == {}


def test_a_wrong_external_id_loses_one_account_and_not_the_other(sandbox: Any) -> None:
    sandbox.load(world_of(*SMALL))
    wrong = options()
    wrong["accounts"][0]["external_id"] = "guess-1"
    found = estate.look(wrong)
    assert list(found["hosts"]) == HOSTS[:1]
    summary = found["inventory"]
    assert not summary["complete"]
    (error,) = summary["errors"]
    assert (error["account"], error["name"], error["kind"], error["code"]) == (SHOP, "shop", "denied", "AccessDenied")
    assert "external_id" in error["remedy"] and SHOP in found["warnings"][0]


@pytest.mark.parametrize("enabled", [True, False])
def test_without_an_index_or_without_tags_in_the_view_nothing_is_lost(sandbox: Any, enabled: bool) -> None:
    sandbox.load(world_of(*SMALL, resource_explorer={"enabled": enabled, "tags": False}))
    found = estate.look(options())
    assert list(found["hosts"]) == HOSTS
    assert found["inventory"]["complete"]


def test_the_limits_of_resource_explorer_are_kept(sandbox: Any) -> None:
    sandbox.load(world_of(*SMALL, resource_explorer={"rates": True}))
    assert estate.look(options())["inventory"]["complete"]
    assert {call["params"]["MaxResults"] for call in sandbox.calls(operation="ListResources")} == {500}


def test_violations_are_named_and_leave_only_their_resource_out(sandbox: Any) -> None:
    sandbox.load(world_of(*SMALL, service("late", wave="11"), service("odd", priority="urgent")))
    found = estate.look(options())
    assert [name for name in found["hosts"] if name not in HOSTS] == ["ecs-200000000001-main-odd"]
    violations = [(one["resource"], one["tag"], one["value"], one["severity"]) for one in found["inventory"]["violations"]]
    assert violations == [
        ("ecs main/late (200000000001, us-east-1)", "dr:wave", "11", "error"),
        ("ecs main/odd (200000000001, us-east-1)", "dr:priority", "urgent", "warning"),
    ]
    assert "dr:wave" in found["warnings"][0]


def test_only_the_customer_that_is_asked_for_is_given(sandbox: Any) -> None:
    sandbox.load(world_of(*SMALL, service("theirs", Customer="other")))
    assert list(estate.look(options(customer="acme", environment="production"))["hosts"]) == HOSTS
    assert list(estate.look(options(customer="other"))["hosts"]) == ["ecs-200000000001-main-theirs"]
    assert estate.look(options(customer="nobody"))["hosts"] == {}


def test_records_of_the_file_find_their_zone_by_name(sandbox: Any) -> None:
    sandbox.load(world_of(record("www.example.com")))
    values = {EAST: "e.example.net", WEST: "w.example.net"}
    entry = {"zone": "example.com", "account": SHOP, "name": "*.example.com", "type": "CNAME", "values": values, "wave": 5}
    hosts = estate.look(options(records=[entry]))["hosts"]
    assert list(hosts) == [HOSTS[3], "route53-200000000001-any.example.com-CNAME"]
    assert hosts["route53-200000000001-any.example.com-CNAME"]["dr_wave"] == 5


@pytest.mark.parametrize("dark", [EAST, WEST])
def test_a_dark_region_without_a_snapshot_is_not_complete(sandbox: Any, dark: str) -> None:
    sandbox.load(world_of(*SMALL, control_region="eu-west-1"))
    sandbox.dark(dark)
    found = estate.look(options(control_region="eu-west-1"))
    summary = found["inventory"]
    assert not summary["complete"] and summary["stale_regions"] == [dark] and summary["errors"] == []
    assert dark in found["warnings"][0]


def test_with_the_source_dark_and_a_snapshot_the_inventory_is_as_before(sandbox: Any) -> None:
    sandbox.load(world_of(*SMALL))
    before = estate.look(options(control_bucket=BUCKET))["hosts"]
    keep(sandbox, before)
    sandbox.dark(EAST)
    found = estate.look(options(control_bucket=BUCKET))
    assert list(found["hosts"]) == list(before)
    assert {name: one["dr_sides"] for name, one in found["hosts"].items()} == {
        name: one["dr_sides"] for name, one in before.items()
    }
    assert all(one["dr_captured"] == {"n": 1} for one in found["hosts"].values())
    summary = found["inventory"]
    assert summary["complete"] and summary["source"] == "snapshot" and summary["stale_regions"] == [EAST]
    assert [(one["customer"], one["environment"], one["resources"]) for one in summary["snapshots"]] == [("acme", "production", 4)]
    assert "known from the readiness snapshot" in found["warnings"][0]


def test_a_silent_route_53_is_made_up_for_by_the_snapshot(sandbox: Any) -> None:
    sandbox.load(world_of(*SMALL, resource_explorer={"enabled": False}))
    before = estate.look(options())["hosts"]
    keep(sandbox, before)
    sandbox.dark(EAST)
    sandbox.fault(match={"service": "route53"}, effect="reset")
    found = estate.look(options(control_bucket=BUCKET))
    assert list(found["hosts"]) == list(before)
    assert found["inventory"]["complete"] and found["inventory"]["stale_regions"] == ["global", EAST]
    assert [one["region"] for one in found["inventory"]["stale"]] == [EAST, EAST]


def test_a_snapshot_that_was_changed_makes_no_inventory_complete(sandbox: Any) -> None:
    """What it says is marked, for a person to decide on; while all regions answer, nothing of it is taken."""
    sandbox.load(world_of(*SMALL))
    keep(sandbox, estate.look(options())["hosts"], change=lambda body: body.replace(b"main/orders", b"main/others"))
    live = estate.look(options(control_bucket=BUCKET))
    assert live["inventory"]["unverified"] == {} and not any(one["dr_captured"] for one in live["hosts"].values())
    sandbox.dark(EAST)
    summary = estate.look(options(control_bucket=BUCKET, customer="acme", environment="production"))["inventory"]
    assert not summary["complete"]
    assert "does not match its checksum" in summary["snapshot_error"]
    assert list(summary["unverified"]) == ["acme/production"]


REFUSING, CRAWLING, DARK, UNINDEXED, WELL = (f"30000000000{number}" for number in range(1, 6))


def test_one_account_refuses_one_crawls_one_region_is_dark_one_index_is_missing_and_the_others_arrive(
    sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda backoff, context: 0)
    everyone = (REFUSING, CRAWLING, DARK, UNINDEXED, WELL)
    accounts = [{"id": HUB, "name": "hub", "management": True}]
    accounts += [{"id": each, "roles": [{"name": "dr-automation", "external_id": f"secret-{each}"}]} for each in everyone]
    sandbox.load(world_of(*(service(f"web-{each[-1]}", each) for each in everyone), accounts=accounts))
    given = [
        {"id": each, "role_arn": f"arn:aws:iam::{each}:role/dr-automation", "external_id": f"secret-{each}"} for each in everyone
    ]
    sandbox.client("resource-explorer-2", EAST, UNINDEXED).delete_index(
        Arn=f"arn:aws:resource-explorer-2:{EAST}:{UNINDEXED}:index/1"
    )
    before = estate.look(options(accounts=given))
    assert before["inventory"]["complete"] and len(before["hosts"]) == 5, "a missing index alone loses nothing"

    given[0]["external_id"] = "guess-1"
    sandbox.fault(match={"account": CRAWLING}, effect="throttle")
    sandbox.fault(match={"account": DARK, "region": EAST}, effect="reset")
    slept: list[float] = []
    found = estate.look(options(accounts=given), slept.append)

    assert list(found["hosts"]) == [f"ecs-{each}-main-web-{each[-1]}" for each in (DARK, UNINDEXED, WELL)]
    summary = found["inventory"]
    assert summary["unconfirmed"] == [f"ecs-{DARK}-main-web-3"], "known from the aggregator's copy only"
    assert not summary["complete"]
    errors = {one["account"]: (one["kind"], one["code"], one["service"]) for one in summary["errors"]}
    assert errors == {
        REFUSING: ("denied", "AccessDenied", "resource-explorer-2"),
        CRAWLING: ("throttled", "ThrottlingException", "resource-explorer-2"),
    }
    assert all(one["account"] in one["remedy"] or "cache_timeout" in one["remedy"] for one in summary["errors"])
    assert summary["stale"] == [{"account": DARK, "region": EAST}]
    assert [(one["account"], one["region"]) for one in summary["unindexed"]] == [(UNINDEXED, EAST)]
    assert "create an index" in summary["unindexed"][0]["remedy"]
    assert {one["id"]: one["complete"] for one in summary["accounts"]} == {
        REFUSING: False,
        CRAWLING: False,
        DARK: False,
        UNINDEXED: True,
        WELL: True,
    }
    assert sorted(pause for pause in slept if pause in BACKOFF_SECONDS) == sorted(BACKOFF_SECONDS * 2), "in both regions"
    for named in (REFUSING, CRAWLING):
        assert any(named in warning for warning in found["warnings"])


@pytest.mark.parametrize("index", ["local", "aggregator", "organization"])
def test_every_index_finds_the_same(sandbox: Any, index: str) -> None:
    sandbox.load(world_of(*SMALL))
    hub = sandbox.client("resource-explorer-2", WEST)
    view = hub.get_default_view()["ViewArn"]
    found = estate.look(options(index=index, view_arn=view if index == "organization" else None))
    assert list(found["hosts"]) == HOSTS and found["inventory"]["complete"] and found["warnings"] == []
    asked = {(call["account"], call["region"]) for call in sandbox.calls(service="resource-explorer-2", operation="ListResources")}
    everywhere = {(account, region) for account in (SHOP, BILLING) for region in (EAST, WEST)}
    assert asked == {"local": everywhere, "aggregator": {(SHOP, WEST), (BILLING, WEST)}, "organization": {(HUB, WEST)}}[index]


def test_with_the_aggregator_a_dark_region_is_known_from_its_copy_and_is_stale(sandbox: Any) -> None:
    sandbox.load(world_of(*SMALL))
    sandbox.dark(EAST)
    found = estate.look(options(index="aggregator"))
    assert list(found["hosts"]) == HOSTS
    assert not found["inventory"]["complete"] and found["inventory"]["stale_regions"] == [EAST]


def test_sessions_say_who_is_behind_them_and_are_opened_once_an_account(sandbox: Any) -> None:
    sandbox.load(world_of(*SMALL))
    estate.look(options(source_identity="jo.operator"))
    assumed = [call["params"] for call in sandbox.calls(service="sts", operation="AssumeRole")]
    said = {each["RoleArn"].split(":")[4]: {name: value for name, value in each.items() if name != "RoleArn"} for each in assumed}
    same = {"DurationSeconds": 900, "RoleSessionName": "dr-aws-inventory", "SourceIdentity": "jo.operator"}
    assert said == {SHOP: {**same, "ExternalId": "shop-1"}, BILLING: {**same, "ExternalId": "billing-1"}}
    assert len(assumed) == 2


def test_the_known_customers_and_the_strict_rules_of_the_file_are_applied(sandbox: Any) -> None:
    sandbox.load(world_of(*SMALL, service("theirs", Customer="acmee")))
    strict = ["unique_waves", "dr:rto-target"]
    found = estate.look(options(customers={"acme": ["production"]}, customer="acme", strict_tags=strict))
    assert list(found["hosts"]) == HOSTS
    checks = [(one["tag"], one["check"]) for one in found["inventory"]["violations"] if one["severity"] == "error"]
    assert sorted(checks) == [("Customer", "scope"), *[("dr:rto-target", "required")] * 4]
    assert "forbid a plan" in found["warnings"][0]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"regions": [EAST, EAST]}, "regions"),
        ({"regions": [EAST]}, "regions"),
        ({"accounts": []}, "accounts"),
        ({"accounts": [{"id": "12"}]}, r"accounts\.id"),
        ({"accounts": [{"id": SHOP}, {"id": SHOP}]}, r"accounts\.id"),
        ({"accounts": [{"id": SHOP, "role": "x"}]}, r"accounts\.role"),
        ({"accounts": [{"role_arn": "x"}]}, r"accounts\.id"),
        ({"customers": {"acme": "production"}}, r"customers\.acme"),
        ({"customers": {"acme": ["prod"]}}, r"customers\.acme"),
        ({"strict_tags": ["everything"]}, "strict_tags"),
        ({"index": "global"}, "index"),
        ({"index": "organization"}, "view_arn"),
        ({"records": [{"zone": "z", "name": "n", "account": HUB}]}, r"records\.account"),
        ({"records": [{"zone": "z", "account": SHOP}]}, r"records\.name"),
    ],
)
def test_an_option_that_cannot_be_used_is_refused_by_name_and_nothing_is_called(
    sandbox: Any, more: dict[str, Any], field: str
) -> None:
    sandbox.load(world_of(*SMALL))
    start = len(sandbox.calls())
    with pytest.raises(InputError, match=f"^{field}="):
        estate.look(options(**more))
    assert sandbox.calls()[start:] == []
