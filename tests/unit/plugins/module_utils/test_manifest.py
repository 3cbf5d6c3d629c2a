# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest: rule by rule, both shapes, how it is written, and what it says over what tags say."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.dr.aws.plugins.module_utils.discovery import Discovery, Found
from ansible_collections.dr.aws.plugins.module_utils.manifest.merging import merge, peers
from ansible_collections.dr.aws.plugins.module_utils.manifest.text import MAX_DEPTH, parse
from ansible_collections.dr.aws.plugins.module_utils.manifest.validation import ACTIONS, check, published, resources, validate
from ansible_collections.dr.aws.plugins.module_utils.manifest.violations import ManifestError
from ansible_collections.dr.aws.plugins.module_utils.model import TECHNOLOGIES
from ansible_collections.dr.aws.plugins.module_utils.pairing import Scope, pair_up

EAST, WEST, SHOP, BILLING = "us-east-1", "us-west-2", "200000000001", "200000000002"
REGIONS = (EAST, WEST)
DB = {"resourceId": "orders-db", "action": "RdsInstance", "config": {"instanceClass": "db.r6g.large"}}
API = {"resourceId": "api", "action": "EcsService", "config": {}, "dependencies": ["auth"]}
AUTH = {"resourceId": "auth", "action": "EcsService", "config": {}}
GOOD: dict[str, Any] = {
    "manifestId": "acme-production",
    "customer": "acme",
    "environment": "production",
    "layers": [
        {"layerId": "data", "priority": 1, "resources": [DB]},
        {"layerId": "services", "priority": 2, "resources": [API, AUTH]},
    ],
}
#: The request body of G.2, word for word.
SHORT = {
    "manifestId": "manifest-prod-failover",
    "description": "Production failover manifest",
    "customer": "CustomerX",
    "environment": "production",
    "layers": [
        {
            "layer": 1,
            "resources": [
                {
                    "action": "AuroraMySQL",
                    "resourceName": "prod-db-cluster",
                    "parameters": {"sourceCluster": "prod-cluster-primary", "targetCluster": "prod-cluster-dr"},
                }
            ],
        }
    ],
}
#: Takes the value away.
GONE = object()


def changed(base: Mapping[str, Any], *steps: Any) -> Any:
    """A copy with another value at a path: `changed(GOOD, "layers", 0, "priority", 11)`."""
    *path, last, value = steps
    made: Any = copy.deepcopy(dict(base))
    place = made
    for step in path:
        place = place[step]
    if value is GONE:
        del place[last]
    else:
        place[last] = value
    return made


FIRST = ("layers", 0, "resources", 0)
SECOND = ("layers", 1, "resources", 0)
#: (what is changed in GOOD: path and value, the violation's path, its value, words of what is allowed)
MALFORMED: tuple[tuple[tuple[Any, ...], str, Any, str], ...] = (
    (("manifestId", GONE), "manifestId", None, "required"),
    (("manifestId", "Acme Production"), "manifestId", "Acme Production", "^[a-z0-9-]+$"),
    (("manifestId", "acme\n"), "manifestId", "acme\n", "^[a-z0-9-]+$"),
    (("manifestId", 7), "manifestId", 7, "text"),
    (("description", "x" * 501), "description", "x" * 501, "at most 500 characters"),
    (("customer", "acme_corp"), "customer", "acme_corp", "^[A-Za-z0-9-]+$"),
    (("customer", "{{ lookup('pipe', 'id') }}"), "customer", "{{ lookup('pipe', 'id') }}", "^[A-Za-z0-9-]+$"),
    (("environment", "prod"), "environment", "prod", "production, staging, development"),
    (("phases", []), "phases", [], "at least one"),
    (("phases", ["ACTIVATE", "activate"]), "phases[1]", "activate", "INSTANTIATE, ACTIVATE, CLEANUP, REPLICATE"),
    (("phases", ["ACTIVATE", "ACTIVATE"]), "phases", ["ACTIVATE", "ACTIVATE"], "nothing twice"),
    (("approvalRequired", "no"), "approvalRequired", "no", "true or false"),
    (("slaTargets", {"rto": 0}), "slaTargets.rto", 0, "at least 1"),
    (("slaTargets", {"rto": True}), "slaTargets.rto", True, "a whole number"),
    (("slaTargets", {"rpo": 2.5}), "slaTargets.rpo", 2.5, "a whole number"),
    (("slaTargets", {"mtd": 5}), "slaTargets.mtd", 5, "the fields rpo, rto"),
    (("layer", []), "layer", [], "the fields"),
    (("layers", []), "layers", [], "at least one"),
    (("layers", {}), "layers", {}, "a list"),
    (("layers", 0, "data"), "layers[0]", "data", "a mapping"),
    (("layers", 0, "layerId", GONE), "layers[0].layerId", None, "required"),
    (("layers", 0, "layerId", " "), "layers[0].layerId", " ", "without spaces around it"),
    (("layers", 1, "layerId", "data"), "layers[1].layerId", "data", "it is layers[0] as well"),
    (("layers", 0, "priority", 0), "layers[0].priority", 0, "at least 1"),
    (("layers", 0, "priority", 11), "layers[0].priority", 11, "at most 10"),
    (("layers", 0, "priority", "1"), "layers[0].priority", "1", "a whole number"),
    (("layers", 0, "waves", 1), "layers[0].waves", 1, "the fields layerId, priority, resources"),
    (("layers", 0, "resources", []), "layers[0].resources", [], "at least one"),
    ((*FIRST, "resourceId", GONE), "layers[0].resources[0].resourceId", None, "required"),
    ((*FIRST, "resourceId", ""), "layers[0].resources[0].resourceId", "", "without spaces around it"),
    ((*FIRST, "resourceId", "auth"), "layers[1].resources[1].resourceId", "auth", "it is layers[0].resources[0] as well"),
    ((*FIRST, "action", "RDS"), "layers[0].resources[0].action", "RDS", "RdsInstance"),
    ((*FIRST, "action", {"a": 1}), "layers[0].resources[0].action", {"a": 1}, "text"),
    ((*FIRST, "config", GONE), "layers[0].resources[0].config", None, "required"),
    ((*FIRST, "config", "db.r6g.large"), "layers[0].resources[0].config", "db.r6g.large", "a mapping"),
    ((*FIRST, "configs", {}), "layers[0].resources[0].configs", {}, "the fields action, config, dependencies, resourceId"),
    ((*FIRST, "config", "account", 200000000001), "layers[0].resources[0].config.account", 200000000001, "text"),
    ((*FIRST, "config", "account", "2000"), "layers[0].resources[0].config.account", "2000", "^[0-9]{12}$"),
    ((*FIRST, "config", "targetInstance", ""), "layers[0].resources[0].config.targetInstance", "", "an identifier"),
    (
        (*FIRST, "config", {"targetId": "a", "targetInstance": "b"}),
        "layers[0].resources[0].config.targetInstance",
        "b",
        "the same as targetId",
    ),
    ((*SECOND, "dependencies", "auth"), "layers[1].resources[0].dependencies", "auth", "a list"),
    ((*SECOND, "dependencies", ["auth", "auth"]), "layers[1].resources[0].dependencies", ["auth", "auth"], "nothing twice"),
    ((*SECOND, "dependencies", [3]), "layers[1].resources[0].dependencies[0]", 3, "text"),
    ((*SECOND, "dependencies", ["api"]), "layers[1].resources[0].dependencies[0]", "api", "another resource"),
    ((*FIRST, "dependencies", ["api"]), "layers[0].resources[0].dependencies[0]", "api", "this layer or an earlier one"),
    (
        ("layers", 1, "resources", 1, "dependencies", ["api"]),
        "layers[1].resources[1].dependencies[0]",
        "api",
        "api needs auth in turn",
    ),
)


@pytest.mark.parametrize(
    ("change", "path", "value", "allowed"), MALFORMED, ids=[f"{n}-{row[1]}" for n, row in enumerate(MALFORMED)]
)
def test_a_broken_rule_is_one_violation_with_field_value_rule_and_remedy(
    change: tuple[Any, ...], path: str, value: Any, allowed: str
) -> None:
    checked = validate(changed(GOOD, *change))
    (only,) = checked.violations
    assert (only.path, only.value) == (path, value)
    assert allowed in only.allowed
    assert only.remedy
    assert checked.manifest is None


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (("layers", 0, "layer", "one"), "layers[0].layer"),
        (("layers", 0, "layer", 0), "layers[0].layer"),
        ((*FIRST, "resourceName", ""), "layers[0].resources[0].resourceName"),
        ((*FIRST, "parameters", []), "layers[0].resources[0].parameters"),
        ((*FIRST, "parameters", "targetCluster", 1), "layers[0].resources[0].parameters.targetCluster"),
        ((*FIRST, "resourceId", "both"), "layers[0].resources[0].resourceName"),
    ],
)
def test_violations_of_the_shorter_shape_name_what_was_written(change: tuple[Any, ...], path: str) -> None:
    assert [one.path for one in validate(changed(SHORT, *change)).violations] == [path]


def test_the_shorter_shape_is_made_the_schemas() -> None:
    assert validate(SHORT).manifest == {
        "manifestId": "manifest-prod-failover",
        "description": "Production failover manifest",
        "customer": "CustomerX",
        "environment": "production",
        "phases": ["INSTANTIATE", "ACTIVATE", "CLEANUP", "REPLICATE"],
        "approvalRequired": True,
        "layers": [
            {
                "layerId": "layer-1",
                "priority": 1,
                "resources": [
                    {
                        "action": "AuroraMySQL",
                        "resourceId": "prod-db-cluster",
                        "config": {"sourceCluster": "prod-cluster-primary", "targetCluster": "prod-cluster-dr"},
                    }
                ],
            }
        ],
    }
    again = validate(validate(SHORT).manifest)
    assert again.manifest == validate(SHORT).manifest


def test_all_violations_are_told_at_once() -> None:
    value = changed(changed(changed(GOOD, "customer", "a b"), *FIRST, "action", "SAP"), "layers", 1, "layerId", "data")
    text = yaml.safe_dump(value) + "customer: acme\nlayerz: 1\n"
    checked = check(text)
    assert [one.path for one in checked.violations] == [
        "customer",
        "customer",
        "layers[0].resources[0].action",
        "layerz",
        "layers[1].layerId",
    ]
    said = str(ManifestError("acme.yml", checked.violations))
    assert 'customer="a b" cannot be used; allowed: text that matches ^[A-Za-z0-9-]+$' in said
    assert "Rename it to layers" in said
    assert said.endswith("Next: correct it, then ansible-playbook dr.aws.manifest -e manifest_file=acme.yml")


def test_each_circle_is_told_once() -> None:
    names = "abcdef"
    needs = {"a": ["b"], "b": ["c"], "c": ["a"], "d": ["e"], "e": ["d", "a"], "f": ["a"]}
    entries = [{"resourceId": name, "action": "EcsService", "config": {}, "dependencies": needs[name]} for name in names]
    found = validate(changed(GOOD, "layers", [{"layerId": "x", "priority": 1, "resources": entries}])).violations
    assert [(one.path, one.value) for one in found] == [
        ("layers[0].resources[2].dependencies[0]", "a"),
        ("layers[0].resources[4].dependencies[0]", "d"),
    ]


def test_what_two_layers_need_and_what_only_tags_know_is_allowed() -> None:
    value = changed(GOOD, *SECOND, "dependencies", ["orders-db", "auth", "only-tagged"])
    checked = validate({**value, "manifestVersion": "1.0", "notifications": {"sns": True}, "$schema": "manifest.schema.json"})
    assert checked.violations == ()
    assert checked.manifest is not None and "$schema" not in checked.manifest


def test_a_later_layer_without_dependencies_is_a_warning() -> None:
    assert validate(GOOD).warnings == ()
    assert validate(changed(GOOD, *SECOND, "dependencies", GONE)).warnings == ("Layer 2 has no dependencies defined",)


def test_the_actions_are_those_of_the_schema_and_two_more_and_reach_every_technology() -> None:
    schema = published()
    items = schema["properties"]["layers"]["items"]["properties"]["resources"]["items"]
    assert sorted(set(ACTIONS) - set(items["properties"]["action"]["enum"])) == ["AuroraPostgreSQL", "RdsInstance"]
    assert set(items["properties"]["action"]["enum"]) <= set(ACTIONS)
    assert {action.technology for action in ACTIONS.values()} == set(TECHNOLOGIES)
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert schema["title"] == "Enterprise DR Manifest"


#: (text, the violation's path, words of what is allowed)
WRITTEN = (
    ("a: 1\na: 2\n", "a", "each key once"),
    ('{"a": {"b": 1, "b": 2}}', "a.b", "each key once"),
    ("a: [x, {b: 1, b: 2}]\n", "a[1].b", "each key once"),
    ("a: &x 1\nb: *x\n", "b", "no alias"),
    ("a: &x [*x]\n", "a[0]", "no alias"),
    ("a: !vault secret\n", "a", "without a YAML tag"),
    ("a: !!python/object/apply:os.system [id]\n", "a", "without a YAML tag"),
    ("? [a]\n: 1\n", "manifest", "keys that are text"),
    ("a: 1\n--- \nb: 2\n", "manifest", "one document"),
    ("a: [1\n", "manifest", "JSON or YAML"),
    ("a: \x01\n", "manifest", "JSON or YAML"),
    ("[" * 100_000, "manifest", "nested"),
    ("a: " + "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "manifest", "nested"),
    ('{"a":' + "[" * 50 + "]" * 50 + "}", "a[0][0]", "nested"),
    ("a" * (4 * 1024 * 1024 + 1), "manifest", "characters"),
)


@pytest.mark.parametrize(("text", "path", "allowed"), WRITTEN, ids=range(len(WRITTEN)))
def test_what_is_not_plain_text_is_one_violation(text: str, path: str, allowed: str) -> None:
    _value, violations = parse(text)
    (only,) = violations
    assert only.path == path
    assert allowed in only.allowed


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("012345678901", "012345678901"),
        ("12:30", "12:30"),
        ("2026-11-28", "2026-11-28"),
        ("0x1F", "0x1F"),
        (".inf", ".inf"),
        ("1e999", "1e999"),
        ("[1e999, NaN]", ["1e999", "NaN"]),
        ("-7", -7),
        ("2.5", 2.5),
        ('"7"', "7"),
        ("'{{ x }}'", "{{ x }}"),
        ("!!str 7", "7"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_scalars_are_what_they_look_like(text: str, value: Any) -> None:
    assert parse(f"a: {text}\n") == ({"a": value}, [])


def test_an_empty_file_is_no_manifest() -> None:
    (only,) = check("").violations
    assert (only.path, only.value, only.allowed) == ("manifest", None, "a mapping")


def host(technology: str, east: str | None, west: str | None, account: str = SHOP, **more: Any) -> dict[str, Any]:
    sides = {
        region: {"id": ident, "arn": f"arn:aws:x:{region}:{account}:{ident}"}
        for region, ident in ((EAST, east), (WEST, west))
        if ident
    }
    return {
        "dr_technology": technology,
        "dr_account": account,
        "dr_sides": sides,
        "dr_wave": 1,
        "dr_priority": "high",
        "dr_dependencies": [],
        "dr_rto_seconds": None,
        "dr_rpo_seconds": None,
        "dr_customer": "acme",
        "dr_environment": "production",
        "dr_tags": {},
        **more,
    }


HOSTS = {
    "rds-1-orders-db": host("rds", "orders-db", None),
    "ecs-1-shop-api": host("ecs", "shop/api", "shop/api", dr_wave=2),
    "ecs-1-shop-auth": host("ecs", "shop/auth", "shop/auth", dr_wave=2),
}


def merged(value: Any, hosts: Mapping[str, Any] | None = None) -> Any:
    """Merged with HOSTS, or with those that are given."""
    manifest = validate(value).manifest
    assert manifest is not None
    return merge(HOSTS if hosts is None else hosts, manifest, REGIONS)


def said(result: Any) -> list[tuple[str, str, str]]:
    return [(one.resource, one.tag, one.value) for one in result.warnings]


def test_a_manifest_that_agrees_adds_settings_and_dependencies_and_warns_of_nothing() -> None:
    before = copy.deepcopy(HOSTS)
    result = merged(GOOD)
    assert result.warnings == [] and result.unlisted == []
    assert list(result.hosts) == ["rds-1-orders-db", "ecs-1-shop-api", "ecs-1-shop-auth"]
    assert result.hosts["rds-1-orders-db"]["dr_settings"] == {"instance_class": "db.r6g.large"}
    assert result.hosts["ecs-1-shop-api"]["dr_dependencies"] == ["ecs-1-shop-auth"]
    assert before == HOSTS, "what was given is not touched"


def test_the_manifests_wave_is_taken_with_a_warning_that_has_both() -> None:
    result = merged(changed(GOOD, "layers", 0, "priority", 3))
    assert result.hosts["rds-1-orders-db"]["dr_wave"] == 3
    assert list(result.hosts)[-1] == "rds-1-orders-db", "the order of recovery follows"
    assert said(result) == [("rds-1-orders-db", "layers[0].priority", "3")]
    assert "dr:wave says, 1" in result.warnings[0].rule
    assert (result.warnings[0].severity, result.warnings[0].check) == ("warning", "manifest")


def test_the_manifests_settings_are_taken_with_a_warning_that_has_both() -> None:
    hosts = changed(HOSTS, "rds-1-orders-db", "dr_settings", {"instance_class": "db.r6g.xlarge", "kms_key_id": "k"})
    result = merged(GOOD, hosts)
    assert result.hosts["rds-1-orders-db"]["dr_settings"] == {"instance_class": "db.r6g.large", "kms_key_id": "k"}
    assert said(result) == [("rds-1-orders-db", "layers[0].resources[0].config.instance_class", "db.r6g.large")]
    assert "db.r6g.xlarge" in result.warnings[0].rule


def test_a_secret_setting_is_not_in_the_warning() -> None:
    hosts = changed(HOSTS, "rds-1-orders-db", "dr_settings", {"password": "old-one"})
    result = merged(changed(GOOD, *FIRST, "config", {"password": "new-one"}), hosts)
    assert "-one" not in json.dumps([one.to_json() for one in result.warnings])
    assert len(result.warnings) == 1


def test_the_other_side_is_taken_only_where_nothing_else_gives_it() -> None:
    value = changed(GOOD, *FIRST, "config", {"targetInstance": "orders-db-west"})
    result = merged(value)
    assert result.hosts["rds-1-orders-db"]["dr_sides"][WEST] == {"id": "orders-db-west", "arn": None}
    assert "dr_settings" not in result.hosts["rds-1-orders-db"]
    known = {**HOSTS, "rds-1-orders-db": host("rds", "orders-db", "orders-db-2")}
    result = merged(value, known)
    assert result.hosts["rds-1-orders-db"]["dr_sides"] == known["rds-1-orders-db"]["dr_sides"]
    assert said(result) == [("rds-1-orders-db", "layers[0].resources[0].config.target", "orders-db-west")]
    assert "orders-db-2, which is taken" in result.warnings[0].rule


def test_a_resource_is_found_by_host_name_arn_identifier_or_by_its_sides() -> None:
    for name in ("rds-1-orders-db", f"arn:aws:x:{EAST}:{SHOP}:orders-db", "orders-db"):
        assert merged(changed(GOOD, *FIRST, "resourceId", name)).warnings == []
    value = changed(changed(GOOD, *FIRST, "resourceId", "Orders"), *FIRST, "config", {"sourceId": "orders-db"})
    assert merged(value).warnings == []


def test_a_record_is_found_by_its_name() -> None:
    record = host("route53", "Z1/www.acme.example/CNAME", "Z1/www.acme.example/CNAME")
    entry = {"resourceId": "www.acme.example", "action": "R53Record", "config": {"ttl": 30}}
    result = merged(changed(GOOD, "layers", 0, "resources", [DB, entry]), {**HOSTS, "route53-1-www.acme.example-CNAME": record})
    assert result.warnings == []
    assert result.hosts["route53-1-www.acme.example-CNAME"]["dr_settings"] == {"ttl": 30}


#: (change of GOOD, hosts besides HOSTS, the warning's resource, its path, words of its rule)
UNMATCHED: tuple[tuple[tuple[Any, ...], Mapping[str, Any], str, str, str], ...] = (
    ((*FIRST, "resourceId", "stock-db"), {}, "stock-db", "layers[0].resources[0].resourceId", "found by its tags"),
    ((*FIRST, "action", "EFS"), {}, "orders-db", "layers[0].resources[0].action", "RdsInstance: it is tagged, and is rds"),
    ((*FIRST, "config", {"account": BILLING}), {}, "orders-db", "layers[0].resources[0].config.account", SHOP),
    (
        (*FIRST, "resourceId", "orders-db"),
        {"rds-2-orders-db": host("rds", "orders-db", None, BILLING)},
        "orders-db",
        "layers[0].resources[0].resourceId",
        "it may be rds-1-orders-db, rds-2-orders-db",
    ),
    (
        ("layers", 1, "resources", 1, "resourceId", "shop/api"),
        {},
        "shop/api",
        "layers[1].resources[1].resourceId",
        "ecs-1-shop-api is layers[1].resources[0] as well",
    ),
)


@pytest.mark.parametrize(("change", "more", "resource", "path", "rule"), UNMATCHED)
def test_what_tags_do_not_know_and_what_the_manifest_does_not_is_named(
    change: tuple[Any, ...], more: Mapping[str, Any], resource: str, path: str, rule: str
) -> None:
    value = changed(GOOD, *change)
    if change[:4] != FIRST:
        value = changed(value, *SECOND, "dependencies", GONE)
    result = merged(value, {**HOSTS, **more})
    first, last = result.warnings[0], result.warnings[-1]
    assert (first.resource, first.tag) == (resource, path)
    assert rule in first.rule
    assert len(result.warnings) == 2
    assert (last.resource, last.tag) == ("acme-production", "layers")
    assert last.value == ", ".join(result.unlisted)
    assert set(result.unlisted) <= set(HOSTS) | set(more)


def test_an_account_tells_which_of_two_is_meant() -> None:
    hosts = {**HOSTS, "rds-2-orders-db": host("rds", "orders-db", None, BILLING)}
    result = merged(changed(GOOD, *FIRST, "config", {"account": BILLING, "multiAz": True}), hosts)
    assert result.hosts["rds-2-orders-db"]["dr_settings"] == {"multi_az": True}
    assert result.unlisted == ["rds-1-orders-db"]


def test_dependencies_of_both_count_and_those_that_contradict_the_waves_are_left_out() -> None:
    hosts = changed(HOSTS, "ecs-1-shop-auth", "dr_dependencies", ["rds-1-orders-db"])
    assert merged(GOOD, hosts).hosts["ecs-1-shop-auth"]["dr_dependencies"] == ["rds-1-orders-db"]
    later = merged(changed(GOOD, "layers", 0, "priority", 3), hosts)
    assert later.hosts["ecs-1-shop-auth"]["dr_dependencies"] == []
    assert ("ecs-1-shop-auth", "layers[1].resources[1].dependencies", "rds-1-orders-db") in said(later)
    circle = merged(GOOD, changed(HOSTS, "ecs-1-shop-auth", "dr_dependencies", ["ecs-1-shop-api"]))
    assert [one.rule.startswith("no circle") for one in circle.warnings] == [True]
    unknown = merged(changed(GOOD, *SECOND, "dependencies", ["nobody"]))
    assert said(unknown) == [("ecs-1-shop-api", "layers[1].resources[0].dependencies", "nobody")]


def test_objectives_of_the_estate_are_taken_where_tags_have_none() -> None:
    hosts = changed(changed(HOSTS, "ecs-1-shop-api", "dr_rto_seconds", 600), "ecs-1-shop-auth", "dr_rto_seconds", 7200)
    result = merged({**GOOD, "slaTargets": {"rto": 60, "rpo": 5}}, hosts)
    assert {key: one["dr_rto_seconds"] // 60 for key, one in result.hosts.items()} == {
        "rds-1-orders-db": 60,
        "ecs-1-shop-api": 10,
        "ecs-1-shop-auth": 120,
    }
    assert {one["dr_rpo_seconds"] for one in result.hosts.values()} == {300}
    assert said(result) == [("ecs-1-shop-auth", "slaTargets.rto", "60")]


def test_others_are_left_alone() -> None:
    foreign = host("rds", "orders-db", None, dr_environment="staging", dr_rto_seconds=None)
    result = merged({**GOOD, "slaTargets": {"rto": 60}}, {**HOSTS, "rds-9-orders-db": foreign})
    assert result.hosts["rds-9-orders-db"] == foreign
    assert result.warnings == []


def found(technology: str, region: str, name: str, account: str = SHOP, **tags: str) -> Found:
    said = {"dr:enabled": "true", "dr:wave": "1", "Customer": "acme", "Environment": "production"}
    extra = {f"dr:{tag}": value for tag, value in tags.items()}
    return Found(technology, account, region, name, f"arn:aws:x:{region}:{account}:{name}", {**said, **extra})


def sides(resources: list[Found], value: Any, **more: Any) -> list[dict[str, str]]:
    discovery = Discovery(tuple(resources), **more)
    manifest = validate(value).manifest
    paired = pair_up(discovery, Scope(REGIONS), named=peers(discovery, [manifest] if manifest else [], REGIONS))
    return [{region: side["id"] for region, side in one["dr_sides"].items()} for one in paired.hosts.values()]


def test_pairs_are_those_of_aws_then_of_tags_then_of_the_manifest_then_of_equal_names() -> None:
    value = changed(GOOD, *FIRST, "config", {"targetInstance": "by-manifest"})
    east, same = found("rds", EAST, "orders-db"), found("rds", WEST, "orders-db")
    assert sides([east], value) == [{EAST: "orders-db", WEST: "by-manifest"}]
    assert {EAST: "orders-db", WEST: "by-manifest"} in sides([east, same], value)
    assert sides([found("rds", EAST, "orders-db", peer="by-tag")], value) == [{EAST: "orders-db", WEST: "by-tag"}]
    related = {("rds", SHOP): [{(EAST, "orders-db"): None, (WEST, "by-aws"): None}]}
    assert sides([east], value, peers=related) == [{EAST: "orders-db", WEST: "by-aws"}]
    only_west = found("rds", WEST, "by-manifest")
    assert sides([only_west], value) == [{WEST: "by-manifest"}], "orders-db may be the name of a host"
    both = changed(value, *FIRST, "config", "sourceInstance", "orders-db")
    assert sides([only_west], both) == [{EAST: "orders-db", WEST: "by-manifest"}]


def test_a_name_in_two_accounts_is_no_pair_until_the_manifest_says_which() -> None:
    both = [found("rds", EAST, "orders-db"), found("rds", EAST, "orders-db", BILLING)]
    value = changed(GOOD, *FIRST, "config", {"targetInstance": "west"})
    assert sides(both, value) == [{EAST: "orders-db"}, {EAST: "orders-db"}]
    named = sides(both, changed(value, *FIRST, "config", "account", BILLING))
    assert named == [{EAST: "orders-db"}, {EAST: "orders-db", WEST: "west"}]


def test_two_resources_cannot_have_the_same_counterpart() -> None:
    twin = {"resourceId": "stock-db", "action": "RdsInstance", "config": {"targetInstance": "west"}}
    value = changed(changed(GOOD, *FIRST, "config", {"targetId": "west"}), "layers", 1, "resources", [twin])
    (only,) = validate(value).violations
    assert (only.path, only.value) == ("layers[1].resources[0].config.targetInstance", "west")
    assert "it is that of layers[0].resources[0]" in only.allowed


FIELDS = st.sampled_from(
    [
        *("manifestId", "customer", "environment", "phases", "layers", "approvalRequired", "slaTargets", "layerId", "priority"),
        *(
            "layer",
            "resources",
            "resourceId",
            "resourceName",
            "action",
            "config",
            "parameters",
            "dependencies",
            "sourceId",
            "account",
        ),
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 12)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([*ACTIONS, "acme", "production"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS | st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(["a", "b", "c", "", " d", "{{ e }}"])
RESOURCES = st.fixed_dictionaries(
    {"resourceId": NAMES, "action": st.sampled_from([*ACTIONS, "SAP"]), "config": st.dictionaries(FIELDS, VALUES, max_size=2)},
    optional={"dependencies": st.lists(NAMES, max_size=2)},
) | st.fixed_dictionaries({"resourceName": NAMES, "action": st.sampled_from([*ACTIONS]), "parameters": st.just({})})
LAYERS = st.fixed_dictionaries(
    {"layerId": NAMES, "priority": st.integers(0, 11), "resources": st.lists(RESOURCES | VALUES, max_size=3)}
) | (st.fixed_dictionaries({"layer": st.integers(1, 3), "resources": st.lists(RESOURCES, min_size=1, max_size=2)}))
MANIFESTS = st.fixed_dictionaries(
    {
        "manifestId": st.sampled_from(["acme", "Acme"]),
        "customer": st.just("acme"),
        "environment": st.sampled_from(["production", "prod"]),
        "layers": st.lists(LAYERS, min_size=1, max_size=3),
    },
    optional={"phases": VALUES, "approvalRequired": VALUES, "slaTargets": VALUES, "layerz": VALUES},
)


@settings(deadline=None, derandomize=True, database=None, max_examples=300)
@given(MANIFESTS | VALUES)
def test_any_value_is_a_whole_manifest_or_violations(value: Any) -> None:
    """Nothing crashes validation, nothing that it accepts is dropped, and what it accepts can be merged."""
    checked = validate(value)
    assert (checked.manifest is None) == bool(checked.violations)
    for one in checked.violations:
        assert one.path and one.allowed and one.remedy
        json.dumps(one.to_json())
        str(one)
    if checked.manifest is None:
        return
    given_names = [one.get("resourceId", one.get("resourceName")) for layer in value["layers"] for one in layer["resources"]]
    kept = list(resources(checked.manifest))
    assert [resource["resourceId"] for _path, _layer, resource in kept] == given_names
    configs = [one.get("config", one.get("parameters")) for layer in value["layers"] for one in layer["resources"]]
    assert [resource["config"] for _path, _layer, resource in kept] == configs
    assert set(value) - {"$schema"} <= set(checked.manifest)
    named = {one.resource for one in merge(HOSTS, checked.manifest, REGIONS).warnings}
    assert set(given_names) <= named, "none of these is tagged"


@settings(deadline=None, derandomize=True, database=None, max_examples=300)
@given(MANIFESTS | VALUES)
def test_what_is_written_is_what_is_read(value: Any) -> None:
    text = json.dumps(value, allow_nan=False, default=str) if finite(value) else "a: .nan"
    read, violations = parse(text)
    assert violations == []
    if finite(value):
        assert read == json.loads(text)


@settings(deadline=None, derandomize=True, database=None)
@given(st.text() | st.text(alphabet="{}[]:,&*!|>-?'\" \nab1~#%@"))
def test_any_text_is_read_or_refused(text: str) -> None:
    checked = check(text)
    assert checked.manifest is None and checked.violations


def finite(value: Any) -> bool:
    """Whether JSON can carry it."""
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True
