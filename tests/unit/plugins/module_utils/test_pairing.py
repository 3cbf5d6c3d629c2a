# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two sides become one host with one name, whichever side is seen first; what is wrong is said."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from ansible.template import Templar
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.dr.aws.plugins.module_utils import snapshot
from ansible_collections.dr.aws.plugins.module_utils.discovery import Discovery, Found
from ansible_collections.dr.aws.plugins.module_utils.pairing import Paired, Scope, pair_up
from ansible_collections.dr.aws.plugins.module_utils.tag_schema import SCHEMA, STRICT_RULES
from ansible_collections.dr.aws.plugins.module_utils.tags import Violation

EAST, WEST, SHOP, BILLING = "us-east-1", "us-west-2", "200000000001", "200000000002"
SCOPE = Scope((EAST, WEST))
TAGS = {"dr:enabled": "true", "dr:wave": "1", "Customer": "acme", "Environment": "production"}


def one(technology: str, region: str, name: str, account: str = SHOP, **tags: str) -> Found:
    said = {f"dr:{tag.replace('_', '-')}" if tag.islower() else tag: value for tag, value in tags.items()}
    return Found(technology, account, region, name, f"arn:{technology}:{region}:{account}:{name}", {**TAGS, **said})


def paired(*found: Found, scope: Scope = SCOPE, **more: Any) -> Paired:
    known = {name: more.pop(name) for name in ("records", "snapshots", "durations") if name in more}
    accounts = tuple({"id": account} for account in sorted({each.account for each in found}))
    return pair_up(Discovery(found, accounts=accounts, **more), scope, **known)


def sides(result: Paired) -> dict[str, dict[str, str]]:
    return {
        name: {region: side["id"] for region, side in variables["dr_sides"].items()} for name, variables in result.hosts.items()
    }


def taken(hosts: Mapping[str, Any], captured: Mapping[str, Any] | None = None) -> dict[str, Any]:
    accounts = sorted({variables["dr_account"] for variables in hosts.values()})
    return snapshot.build("acme", "production", datetime(2026, 11, 28, tzinfo=UTC), (EAST, WEST), accounts, hosts, captured or {})


def test_the_same_identifier_in_both_regions_is_one_pair() -> None:
    result = paired(one("ecs", EAST, "shop/orders"), one("ecs", WEST, "shop/orders"))
    assert sides(result) == {"ecs-200000000001-shop-orders": {EAST: "shop/orders", WEST: "shop/orders"}}
    assert result.violations == []


def test_the_same_identifier_in_two_accounts_or_technologies_is_two_pairs() -> None:
    result = paired(one("ecs", EAST, "a/b"), one("ecs", WEST, "a/b", BILLING), one("lambda", WEST, "b"))
    assert len(result.hosts) == 3


@pytest.mark.parametrize("seen", [(EAST, WEST), (EAST,), (WEST,)])
def test_the_host_has_the_same_name_whichever_side_is_seen(seen: tuple[str, ...]) -> None:
    both = [one("rds", EAST, "orders", peer=f"{WEST}:orders-dr"), one("rds", WEST, "orders-dr", peer="orders")]
    result = paired(*[each for each in both if each.region in seen])
    assert sides(result) == {"rds-200000000001-orders": {EAST: "orders", WEST: "orders-dr"}}


def test_the_order_of_the_regions_does_not_change_names() -> None:
    found = [one("rds", EAST, "orders", peer=f"{WEST}:orders-dr"), one("rds", WEST, "orders-dr")]
    assert list(paired(*found, scope=Scope((WEST, EAST))).hosts) == list(paired(*found).hosts)


def test_what_aws_relates_is_a_pair_even_when_the_other_side_has_no_tags() -> None:
    group = {(EAST, "orders"): "arn:east", (WEST, "replica"): "arn:west", ("eu-west-1", "third"): "arn:eu"}
    result = paired(one("rds", EAST, "orders"), peers={("rds", SHOP): [group]})
    assert result.hosts["rds-200000000001-orders"]["dr_sides"][WEST] == {"id": "replica", "arn": "arn:west"}


def test_the_only_one_that_aws_relates_counts_before_a_peer_tag_which_is_reported() -> None:
    group = {(EAST, "orders"): None, (WEST, "other"): None}
    result = paired(one("rds", EAST, "orders", peer="stale"), peers={("rds", SHOP): [group]})
    assert sides(result) == {"rds-200000000001-orders": {EAST: "orders", WEST: "other"}}
    assert [(each.tag, each.value, each.rule, each.severity) for each in result.violations] == [
        ("dr:peer", "stale", "other, which AWS relates it to", "warning")
    ]


def test_a_peer_tag_that_names_the_removed_predecessor_of_a_file_system_is_not_reported() -> None:
    group = {(EAST, "fs-1"): None, (WEST, "fs-3"): None}
    result = paired(one("efs", EAST, "fs-1", peer=f"{WEST}:fs-2"), peers={("efs", SHOP): [group]})
    assert (sides(result), result.violations) == ({f"efs-{SHOP}-fs-1": {EAST: "fs-1", WEST: "fs-3"}}, [])
    found = [one("efs", EAST, "fs-1", peer=f"{WEST}:fs-2"), one("efs", WEST, "fs-2")]
    assert [each.check for each in paired(*found, peers={("efs", SHOP): [group]}).violations] == ["peer"]


def test_among_several_that_aws_relates_the_peer_tag_chooses() -> None:
    groups = [{(EAST, "orders"): None, (WEST, name): f"arn:{name}"} for name in ("a-report", "standby")]
    chosen = paired(one("rds", EAST, "orders", peer="standby"), peers={("rds", SHOP): groups})
    assert chosen.hosts["rds-200000000001-orders"]["dr_sides"][WEST] == {"id": "standby", "arn": "arn:standby"}
    assert chosen.violations == []
    first = paired(one("rds", EAST, "orders"), peers={("rds", SHOP): groups})
    assert sides(first) == {"rds-200000000001-orders": {EAST: "orders", WEST: "a-report"}}


def test_what_the_snapshot_knows_counts_before_one_of_several_that_aws_relates() -> None:
    groups = [{(EAST, "orders"): None, (WEST, name): None} for name in ("a-report", "orders-dr")]
    result = paired(one("rds", EAST, "orders"), peers={("rds", SHOP): groups}, snapshots=[taken(paired(*BOTH[:2]).hosts)])
    assert sides(result) == {"rds-200000000001-orders": {EAST: "orders", WEST: "orders-dr"}}


def test_two_resources_that_claim_one_counterpart_are_told_apart() -> None:
    result = paired(one("rds", EAST, "a", peer="x"), one("rds", EAST, "b", peer="x"))
    assert [(each.tag, each.value, each.severity) for each in result.violations] == [("dr:peer", "x", "error")]
    assert sides(result)["rds-200000000001-b"] == {EAST: "b"}


def test_a_peer_in_a_third_region_is_a_violation() -> None:
    result = paired(one("rds", EAST, "a", peer="eu-west-1:x"))
    assert [(each.tag, each.rule) for each in result.violations] == [("dr:peer", "a counterpart in us-west-2")]


def test_sides_that_disagree_are_reported_and_the_first_regions_word_counts() -> None:
    result = paired(one("ecs", WEST, "a/b", wave="3"), one("ecs", EAST, "a/b", wave="2"))
    assert result.hosts["ecs-200000000001-a-b"]["dr_wave"] == 2
    assert [(each.tag, each.value, each.severity) for each in result.violations] == [("dr:wave", "2", "warning")]


def test_hosts_come_in_the_order_of_recovery() -> None:
    found = [
        one("ecs", EAST, "c/z", wave="2", priority="critical"),
        one("ecs", EAST, "c/y", wave="1", priority="low"),
        one("ecs", EAST, "c/b", wave="1", priority="critical"),
        one("ecs", EAST, "c/a", wave="1", priority="critical"),
        one("ecs", EAST, "c/x", wave="1"),
        one("ecs", EAST, "c/w", wave="1", priority="urgent"),
    ]
    expected = [f"ecs-{SHOP}-c-{name}" for name in "abwxyz"]
    assert list(paired(*found).hosts) == list(paired(*reversed(found)).hosts) == expected


def test_names_that_would_be_the_same_are_made_different() -> None:
    result = paired(one("ecs", EAST, "a-b/c"), one("ecs", EAST, "a/b-c"))
    assert len(result.hosts) == 2
    assert all(name.startswith("ecs-200000000001-a-b-c-") for name in result.hosts)


def test_the_wrong_customer_and_environment_are_left_out_without_a_word() -> None:
    scope = Scope((EAST, WEST), "acme", "production")
    result = paired(
        one("ecs", EAST, "a/a"),
        one("ecs", EAST, "a/b", Customer="other"),
        one("ecs", EAST, "a/c", Environment="staging", wave="99"),
        scope=scope,
    )
    assert list(result.hosts) == ["ecs-200000000001-a-a"]
    assert result.violations == []


KNOWN = Scope((EAST, WEST), "acme", "production", frozenset({("acme", "production"), ("acme", "staging")}))


@pytest.mark.parametrize("tags", [{"Customer": "acmee"}, {"Environment": "development"}])
def test_a_combination_of_customer_and_environment_that_does_not_exist_is_reported_even_when_another_is_wanted(
    tags: dict[str, str],
) -> None:
    result = paired(one("ecs", EAST, "a/b", **tags), one("ecs", EAST, "a/c"), scope=KNOWN)
    label, given = f"ecs a/b ({SHOP}, us-east-1)", "/".join({"Customer": "acme", "Environment": "production", **tags}.values())
    remedy = f"correct Customer or Environment of {label}, or add it to customers"
    rule = "with Environment one of acme/production, acme/staging"
    assert result.violations == [Violation(label, "Customer", given, rule, remedy, "error", "scope")]
    assert list(result.hosts) == ["ecs-200000000001-a-c"]


def test_another_customer_that_exists_is_left_out_without_a_word() -> None:
    assert paired(one("ecs", EAST, "a/b", Environment="staging"), scope=KNOWN).violations == []


DURATIONS: dict[str, dict[str, int]] = {"rds": {"instantiate": 3600, "activate": 601}, "route53": {"activate": 60}}


@pytest.mark.parametrize(
    ("minutes", "standby", "needed"),
    [("71", False, None), ("70", False, 71), ("11", True, None), ("10", True, 11)],
)
def test_a_recovery_time_shorter_than_the_phases_is_a_violation(minutes: str, standby: bool, needed: int | None) -> None:
    found = [one("rds", EAST, "orders", rto_target=minutes), *([one("rds", WEST, "orders")] if standby else [])]
    result = paired(*found, durations=DURATIONS.__getitem__)
    key = f"rds-{SHOP}-orders"
    assert list(result.hosts) == [key]
    if needed is None:
        assert result.violations == []
        return
    phases, also = (
        ("activate 601 s", "") if standby else ("instantiate 3600 s and activate 601 s", ", or prepare its standby ahead of time")
    )
    rule, remedy = (
        f"at least {needed} minutes: {phases} are expected",
        f"set the tag dr:rto-target of {key} to {needed} or more{also}",
    )
    assert result.violations == [Violation(key, "dr:rto-target", minutes, rule, remedy, "warning", "recovery_time")]


def test_a_wave_may_be_shared_unless_the_strict_rule_is_asked_for() -> None:
    found = [
        one("ecs", EAST, f"c/{name}", **more)
        for name, more in (("a", {}), ("b", {}), ("c", {"wave": "2"}), ("d", {"priority": "high"}))
    ]
    assert paired(*found).violations == []
    key, other = f"ecs-{SHOP}-c-b", f"ecs-{SHOP}-c-a"
    result = paired(*found, scope=Scope((EAST, WEST), strict=frozenset({"unique_waves"})))
    rule, remedy = (
        f"a wave without another resource of priority low; {other} is in it",
        f"give {key} another dr:wave or another dr:priority",
    )
    assert result.violations == [Violation(key, "dr:wave", "1", rule, remedy, "error", "unique_waves")]
    assert len(result.hosts) == 4, "a strict rule forbids a plan, and unprotects nothing"


def test_what_is_strict_leaves_nothing_out() -> None:
    scope = Scope((EAST, WEST), strict=frozenset(STRICT_RULES))
    result = paired(one("ecs", EAST, "c/a", dependencies="ghost", recovery_strategy="hope"), scope=scope)
    assert list(result.hosts) == [f"ecs-{SHOP}-c-a"]
    assert {(each.tag, each.check, each.severity) for each in result.violations} == {
        ("dr:dependencies", "dependencies", "error"),
        ("dr:priority", "required", "error"),
        ("dr:recovery-strategy", "values", "error"),
        ("dr:rpo-target", "required", "error"),
        ("dr:rto-target", "required", "error"),
    }


def test_what_has_no_counterpart_is_named_with_the_remedy() -> None:
    found = [
        one("ecs", EAST, "c/a"),
        one("ecs", EAST, "c/b"),
        one("ecs", WEST, "c/b"),
        one("rds", WEST, "orders"),
        one("drs", WEST, "s-1"),
    ]
    result = paired(*found)
    assert [(each["host"], each["technology"], each["account"], each["region"]) for each in result.unpaired] == [
        (f"ecs-{SHOP}-c-a", "ecs", SHOP, WEST),
        (f"rds-{SHOP}-orders", "rds", SHOP, EAST),
    ]
    remedy = "nothing if INSTANTIATE may make it as c/a; if it is there under another name: tag dr:peer=us-west-2:<identifier>"
    assert result.unpaired[0]["remedy"] == remedy


def text(*more: str) -> st.SearchStrategy[str]:
    return st.sampled_from(["", "{{ 7 * 7 }}", "{% raw %}", "{{ lookup('pipe', 'id') }}", "true", "1", *more]) | st.text(
        max_size=20
    )


LISTED: st.SearchStrategy[dict[str, str]] = st.dictionaries(
    st.sampled_from([*SCHEMA, "Name", "DR:Wave", "dr:wav", "dr:record:a/A"]) | st.text(max_size=12),
    text("acme", "production", "2", "high", "a,b", "c/a", f"{WEST}:c/a", "eu-west-1:x", f"{EAST}=a {WEST}=b"),
    max_size=12,
)


@settings(deadline=None, derandomize=True, database=None, max_examples=300)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ecs", "rds", "route53", "drs"]),
            st.sampled_from([EAST, WEST]),
            st.sampled_from("abc"),
            LISTED,
            st.booleans(),
        ),
        max_size=5,
        unique_by=lambda each: each[:3],
    )
)
def test_no_tags_crash_are_dropped_in_silence_or_are_templated(drawn: list[tuple[str, str, str, dict[str, str], bool]]) -> None:
    found = [
        Found(
            kind,
            SHOP,
            "global" if kind == "route53" else region,
            name,
            f"arn:{kind}:{region}:{name}",
            {**(TAGS if good else {}), **tags},
        )
        for kind, region, name, tags, good in drawn
    ]
    result = paired(*found, durations=lambda technology: DURATIONS.get(technology, {}))
    hosts = {
        (one["dr_technology"], region, side["id"].partition("/Z")[0])
        for one in result.hosts.values()
        for region, side in one["dr_sides"].items()
    }
    reported = " ".join(each.resource for each in result.violations)
    for each in found:
        if each.tags.get("dr:enabled") == "false":
            continue
        shown = any(kind == each.technology and each.id in (name, name.partition("/")[0]) for kind, _region, name in hosts)
        assert shown or f"{each.technology} {each.id} ({SHOP}" in reported or f"zone {each.id})" in reported
    given_tags = {value for each in found for value in each.tags.values()}
    templar = Templar(loader=None, variables={})
    for variables in result.hosts.values():
        for value in variables["dr_tags"].values():
            assert value in given_tags and templar.template(value) == value
    json.dumps([result.hosts, [each.to_json() for each in result.violations], result.unpaired])


@pytest.mark.parametrize(
    ("tags", "broken"),
    [
        ({"wave": "99"}, "dr:wave"),
        ({"Customer": "a b"}, "Customer"),
        ({"Environment": "prod"}, "Environment"),
        ({"enabled": "True"}, "dr:enabled"),
    ],
)
def test_what_cannot_be_recovered_as_tagged_is_left_out_and_reported(tags: dict[str, str], broken: str) -> None:
    result = paired(one("ecs", EAST, "a/b", **tags), scope=Scope((EAST, WEST), "acme", "production"))
    assert result.hosts == {}
    assert [(each.tag, each.severity, each.resource) for each in result.violations] == [
        (broken, "error", f"ecs a/b ({SHOP}, us-east-1)")
    ]


def dependencies(*found: Found) -> tuple[dict[str, list[str]], list[tuple[str, str]]]:
    result = paired(*found)
    needs = {name.rsplit("-", 1)[-1]: variables["dr_dependencies"] for name, variables in result.hosts.items()}
    return needs, [(each.resource, each.rule) for each in result.violations]


def test_dependencies_become_host_names_and_the_own_account_comes_first() -> None:
    needs, broken = dependencies(
        one("ecs", EAST, "c/web", dependencies="orders"), one("ecs", EAST, "c/orders"), one("ecs", EAST, "d/orders", BILLING)
    )
    assert needs["web"] == ["ecs-200000000001-c-orders"]
    assert broken == []


def test_unknown_later_and_circular_dependencies_are_dropped_and_reported() -> None:
    needs, broken = dependencies(
        one("ecs", EAST, "c/a", dependencies="b,nothing,late"),
        one("ecs", EAST, "c/b", dependencies="a"),
        one("ecs", EAST, "c/late", wave="2"),
    )
    assert needs == {"a": [], "b": ["ecs-200000000001-c-a"], "late": []}
    assert sorted(broken) == [
        ("ecs-200000000001-c-a", "no circle: ecs-200000000001-c-a needs ecs-200000000001-c-b needs ecs-200000000001-c-a"),
        ("ecs-200000000001-c-a", "no later wave: ecs-200000000001-c-late"),
        ("ecs-200000000001-c-a", "the name of a protected resource of the same customer and environment"),
    ]


def zone(name: str = "Z1", **tags: str) -> Found:
    return Found("route53", SHOP, "global", name, f"arn:aws:route53:::hostedzone/{name}", {**TAGS, **tags})


RECORD = {"dr:record:www.example.com/CNAME": f"{EAST}=east.example.net {WEST}=west.example.net"}
ENTRY: dict[str, Any] = {"zone": "Z1", "account": SHOP, "name": "www.example.com.", "type": "CNAME"}


def test_a_zones_tag_names_a_record_and_its_values() -> None:
    result = paired(zone(**RECORD))
    variables = result.hosts["route53-200000000001-www.example.com-CNAME"]
    assert list(result.hosts) == ["route53-200000000001-www.example.com-CNAME"]
    identifier = "Z1/www.example.com/CNAME"
    assert {region: side["id"] for region, side in variables["dr_sides"].items()} == {EAST: identifier, WEST: identifier}
    assert variables["dr_settings"] == {"values": {EAST: ["east.example.net"], WEST: ["west.example.net"]}}
    assert result.violations == []


@pytest.mark.parametrize("value", [f"{EAST}=east.example.net", "east west", f"{EAST}=a {WEST}=b and more", ""])
def test_a_record_tag_without_both_values_is_a_violation(value: str) -> None:
    result = paired(zone(**{"dr:record:www.example.com/A": value}))
    assert result.hosts == {}
    assert [(each.tag, each.severity) for each in result.violations] == [("dr:record:www.example.com/A", "error")]


def test_a_protected_zone_that_names_no_record_is_a_violation() -> None:
    assert [each.tag for each in paired(zone()).violations] == ["dr:record:*"]


def test_an_entry_of_the_file_wins_over_the_tag_and_may_change_the_wave() -> None:
    entry = {**ENTRY, "values": {EAST: "e", WEST: ["w1", "w2"]}, "wave": 4, "settings": {"ttl": 30}, "rto_seconds": 900}
    variables = paired(zone(**RECORD), records=[entry]).hosts["route53-200000000001-www.example.com-CNAME"]
    assert variables["dr_settings"] == {"values": {EAST: ["e"], WEST: ["w1", "w2"]}, "ttl": 30}
    assert (variables["dr_wave"], variables["dr_rto_seconds"], variables["dr_customer"]) == (4, 900, "acme")


@pytest.mark.parametrize(
    ("zones", "rule"),
    [({(SHOP, "example.com"): ["Z1", "Z2"]}, "one hosted zone"), ({(SHOP, "example.com"): []}, "a hosted zone that exists")],
)
def test_a_zone_name_that_is_not_one_zone_is_a_violation(zones: dict[Any, Sequence[str]], rule: str) -> None:
    result = paired(zone(**RECORD), zones=zones, records=[{**ENTRY, "zone": "example.com"}])
    assert [each.rule for each in result.violations] == [rule]


def test_an_entry_finds_its_zone_by_name() -> None:
    zones = {(SHOP, "example.com"): ["Z1"]}
    values = {EAST: "e", WEST: "w"}
    result = paired(zone(), zones=zones, records=[{**ENTRY, "zone": "example.com", "set_identifier": "blue", "values": values}])
    assert list(result.hosts) == ["route53-200000000001-www.example.com-CNAME-blue"]


BOTH = (
    one("rds", EAST, "orders", peer=f"{WEST}:orders-dr"),
    one("rds", WEST, "orders-dr"),
    one("ecs", EAST, "shop/orders"),
    zone(**RECORD),
)


def test_a_dark_region_is_taken_from_the_snapshot_with_what_was_captured() -> None:
    before = paired(*BOTH).hosts
    captured = {name: {"desired": 6} for name in before}
    found = (one("rds", WEST, "orders-dr"),)
    after = paired(found[0], stale=frozenset({(SHOP, EAST), (SHOP, "global")}), snapshots=[taken(before, captured)])
    assert sides(after) == sides(paired(*BOTH))
    assert list(after.hosts) == list(before)
    assert after.unconfirmed == sorted(after.unconfirmed) and set(after.unconfirmed) == set(before)
    assert all(variables["dr_captured"] == {"desired": 6} for variables in after.hosts.values())
    assert after.hosts["rds-200000000001-orders"]["dr_sides"][EAST]["arn"] == BOTH[0].arn
    assert after.missing == []


def test_the_snapshot_keeps_pairs_together_when_their_relation_is_gone() -> None:
    before = paired(*BOTH[:2]).hosts
    promoted = (one("rds", EAST, "orders"), one("rds", WEST, "orders-dr"))
    assert sides(paired(*promoted, snapshots=[taken(before)])) == sides(paired(*BOTH[:2]))


def test_what_the_snapshot_knows_and_a_living_region_does_not_is_missing_not_taken() -> None:
    before = paired(*BOTH[:3]).hosts
    after = paired(*BOTH[:2], snapshots=[taken(before)])
    assert after.missing == ["ecs-200000000001-shop-orders"]
    assert list(after.hosts) == ["rds-200000000001-orders"]


def test_an_account_that_refuses_is_not_taken_from_the_snapshot() -> None:
    before = paired(*BOTH[:3]).hosts
    refused = ({"account": SHOP, "kind": "denied"},)
    after = paired(errors=refused, stale=frozenset({(SHOP, EAST)}), snapshots=[taken(before)])
    assert after.hosts == {}


def test_another_customers_snapshot_is_left_alone() -> None:
    before = paired(*BOTH[:3]).hosts
    scope = Scope((EAST, WEST), "other", "production")
    assert paired(scope=scope, stale=frozenset({(SHOP, EAST)}), snapshots=[taken(before)]).hosts == {}
