# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tag schema, rule by rule; and that no tags at all can crash it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.dr.aws.plugins.module_utils.tag_schema import SCHEMA
from ansible_collections.dr.aws.plugins.module_utils.tags import parse

GOOD = {"dr:enabled": "true", "dr:wave": "2", "Customer": "acme", "Environment": "production"}


def test_complete_tags_give_typed_values() -> None:
    tags = {
        **GOOD,
        "dr:priority": "critical",
        "dr:recovery-strategy": "managed-service",
        "dr:rto-target": "15",
        "dr:rpo-target": "5",
        "dr:health-check-url": "https://shop.example/health",
        "dr:dependencies": "identity,ledger,identity",
        "dr:peer": "us-west-2:orders-db-west",
        "Name": "anything",
    }
    assert parse(tags) == (
        {
            "enabled": True,
            "wave": 2,
            "customer": "acme",
            "environment": "production",
            "priority": "critical",
            "recovery_strategy": "managed-service",
            "rto_seconds": 900,
            "rpo_seconds": 300,
            "health_check_url": "https://shop.example/health",
            "dependencies": ("identity", "ledger"),
            "peer": "us-west-2:orders-db-west",
        },
        [],
    )


@pytest.mark.parametrize(
    ("tag", "value", "severity"),
    [
        ("dr:enabled", "True", "error"),
        ("dr:enabled", "yes", "error"),
        ("dr:wave", "0", "error"),
        ("dr:wave", "11", "error"),
        ("dr:wave", "2.5", "error"),
        ("dr:wave", " 2", "error"),
        ("dr:wave", "", "error"),
        ("dr:wave", "٣", "error"),
        ("dr:wave", "9" * 200, "error"),
        ("Customer", "acme_corp", "error"),
        ("Customer", "acme\n", "error"),
        ("Customer", "{{ lookup('pipe', 'id') }}", "error"),
        ("Environment", "Production", "error"),
        ("dr:priority", "urgent", "warning"),
        ("dr:priority", "HIGH", "warning"),
        ("dr:recovery-strategy", "hope", "warning"),
        ("dr:rto-target", "0", "warning"),
        ("dr:rpo-target", "five", "warning"),
        ("dr:health-check-url", "ftp://x", "warning"),
        ("dr:dependencies", "a b", "warning"),
        ("dr:peer", "two words", "warning"),
    ],
)
def test_a_broken_rule_is_one_violation_that_names_the_tag_and_the_remedy(tag: str, value: str, severity: str) -> None:
    _values, violations = parse({**GOOD, tag: value}, "rds/orders-db")
    (only,) = violations
    assert (only.resource, only.tag, only.value, only.severity) == ("rds/orders-db", tag, value, severity)
    assert tag in only.remedy and "rds/orders-db" in only.remedy


@pytest.mark.parametrize("tag", [tag for tag, rule in SCHEMA.items() if rule.required])
def test_a_missing_required_tag_is_an_error(tag: str) -> None:
    values, violations = parse({key: value for key, value in GOOD.items() if key != tag})
    assert [(one.tag, one.value, one.severity) for one in violations] == [(tag, None, "error")]
    assert values[SCHEMA[tag].field] is None


@pytest.mark.parametrize(("given", "taken"), [(None, "low"), ("urgent", "medium"), ("high", "high")])
def test_priority_is_low_when_missing_and_medium_when_invalid(given: str | None, taken: str) -> None:
    values, _violations = parse(GOOD if given is None else {**GOOD, "dr:priority": given})
    assert values["priority"] == taken


@pytest.mark.parametrize("tag", ["DR:Priority", "dr:prioritty", "dr:piority"])
def test_a_misspelt_tag_is_named_with_the_right_spelling(tag: str) -> None:
    _values, violations = parse({**GOOD, tag: "critical"}, "x")
    assert [(one.tag, one.severity, one.remedy) for one in violations] == [
        (tag, "warning", f"rename the tag {tag} of x to dr:priority")
    ]


@pytest.mark.parametrize("tag", ["dr:follows", "dr:epoch", "dr:role", "dr:execution", "Name", "priority"])
def test_other_tags_are_none_of_our_business(tag: str) -> None:
    assert parse({**GOOD, tag: "x"})[1] == []


def test_tags_that_name_records_of_a_zone_belong_to_the_schema() -> None:
    assert parse({**GOOD, "dr:record:www.example.com/CNAME": "us-east-1=a us-west-2=b"})[1] == []


@settings(deadline=None, derandomize=True, database=None)
@given(st.dictionaries(st.sampled_from([*SCHEMA, "Name", "dr:x"]) | st.text(), st.text() | st.from_regex(r"-?\d+")))
def test_any_tags_give_values_of_the_schema_or_violations(tags: dict[str, str]) -> None:
    values, violations = parse(tags, "x")
    assert set(values) == {rule.field for rule in SCHEMA.values()}
    assert values["wave"] is None or 1 <= values["wave"] <= 10
    assert values["priority"] in ("critical", "high", "medium", "low")
    broken = {one.tag for one in violations if one.severity == "error"}
    assert broken == {tag for tag, rule in SCHEMA.items() if rule.required and values[rule.field] is None}
    json.dumps([values, [one.to_json() for one in violations]])
