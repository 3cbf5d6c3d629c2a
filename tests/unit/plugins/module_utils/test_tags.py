# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tag schema, rule by rule; and that no tags at all can crash it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.dr.aws.plugins.module_utils.tag_schema import SCHEMA
from ansible_collections.dr.aws.plugins.module_utils.tags import Violation, harden, parse

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
            "impact": "critical",
            "recovery_strategy": "managed-service",
            "rto_seconds": 900,
            "rpo_seconds": 300,
            "health_check_url": "https://shop.example/health",
            "dependencies": ("identity", "ledger"),
            "peer": "us-west-2:orders-db-west",
        },
        [],
    )


WAVE = "a whole number from 1 to 10"
ENABLED = "one of true, false"
CUSTOMER = "text that matches [A-Za-z0-9-]+"
ENVIRONMENT = "one of production, staging, development"
PRIORITY = "one of critical, high, medium, low"
STRATEGY = "one of drs, eks-dns, sql-ag, managed-service, oracle-dg"
MINUTES = "a whole number of minutes, at least 1"
URL = "text that matches https?://.+"
NAMES = "text that matches [A-Za-z0-9,-]+"
PEER = r"text that matches ([a-z]{2}(-[a-z]+)+-\d:)?\S+"

#: (tag, its value or None for none, what it must be, what is done meanwhile, severity).
MALFORMED = [
    ("dr:enabled", None, ENABLED, "", "error"),
    ("dr:enabled", "", ENABLED, "", "error"),
    ("dr:enabled", "True", ENABLED, "", "error"),
    ("dr:enabled", "TRUE", ENABLED, "", "error"),
    ("dr:enabled", "yes", ENABLED, "", "error"),
    ("dr:enabled", "1", ENABLED, "", "error"),
    ("dr:enabled", "true ", ENABLED, "", "error"),
    ("dr:wave", None, WAVE, "", "error"),
    ("dr:wave", "", WAVE, "", "error"),
    ("dr:wave", "0", WAVE, "", "error"),
    ("dr:wave", "11", WAVE, "", "error"),
    ("dr:wave", "-1", WAVE, "", "error"),
    ("dr:wave", "+1", WAVE, "", "error"),
    ("dr:wave", "2.5", WAVE, "", "error"),
    ("dr:wave", " 2", WAVE, "", "error"),
    ("dr:wave", "2\n", WAVE, "", "error"),
    ("dr:wave", "0x2", WAVE, "", "error"),
    ("dr:wave", "two", WAVE, "", "error"),
    ("dr:wave", "٣", WAVE, "", "error"),
    ("dr:wave", "9" * 200, WAVE, "", "error"),
    ("Customer", None, CUSTOMER, "", "error"),
    ("Customer", "", CUSTOMER, "", "error"),
    ("Customer", "acme_corp", CUSTOMER, "", "error"),
    ("Customer", "acme corp", CUSTOMER, "", "error"),
    ("Customer", "acme\n", CUSTOMER, "", "error"),
    ("Customer", "äcme", CUSTOMER, "", "error"),
    ("Customer", "../acme", CUSTOMER, "", "error"),
    ("Customer", "{{ lookup('pipe', 'id') }}", CUSTOMER, "", "error"),
    ("Environment", None, ENVIRONMENT, "", "error"),
    ("Environment", "Production", ENVIRONMENT, "", "error"),
    ("Environment", "prod", ENVIRONMENT, "", "error"),
    ("Environment", "production,staging", ENVIRONMENT, "", "error"),
    ("dr:priority", "", PRIORITY, "; taken as medium", "warning"),
    ("dr:priority", "urgent", PRIORITY, "; taken as medium", "warning"),
    ("dr:priority", "HIGH", PRIORITY, "; taken as medium", "warning"),
    ("dr:priority", "1", PRIORITY, "; taken as medium", "warning"),
    ("dr:recovery-strategy", "", STRATEGY, "", "warning"),
    ("dr:recovery-strategy", "hope", STRATEGY, "", "warning"),
    ("dr:recovery-strategy", "DRS", STRATEGY, "", "warning"),
    ("dr:rto-target", "", MINUTES, "", "warning"),
    ("dr:rto-target", "0", MINUTES, "", "warning"),
    ("dr:rto-target", "-5", MINUTES, "", "warning"),
    ("dr:rto-target", "15m", MINUTES, "", "warning"),
    ("dr:rto-target", "PT15M", MINUTES, "", "warning"),
    ("dr:rto-target", "1e3", MINUTES, "", "warning"),
    ("dr:rpo-target", "0", MINUTES, "", "warning"),
    ("dr:rpo-target", "five", MINUTES, "", "warning"),
    ("dr:rpo-target", "5.0", MINUTES, "", "warning"),
    ("dr:health-check-url", "", URL, "", "warning"),
    ("dr:health-check-url", "ftp://x", URL, "", "warning"),
    ("dr:health-check-url", "http://", URL, "", "warning"),
    ("dr:health-check-url", "shop.example/health", URL, "", "warning"),
    ("dr:health-check-url", "https://a\nb", URL, "", "warning"),
    ("dr:dependencies", "", NAMES, "", "warning"),
    ("dr:dependencies", "a b", NAMES, "", "warning"),
    ("dr:dependencies", "a;b", NAMES, "", "warning"),
    ("dr:dependencies", "{{ a }}", NAMES, "", "warning"),
    ("dr:peer", "", PEER, "", "warning"),
    ("dr:peer", "two words", PEER, "", "warning"),
]


@pytest.mark.parametrize(("tag", "value", "rule", "meanwhile", "severity"), MALFORMED)
def test_a_malformed_tag_gives_exactly_its_violation(tag: str, value: str | None, rule: str, meanwhile: str, severity: str) -> None:
    tags = {**GOOD, tag: value} if value is not None else {name: given for name, given in GOOD.items() if name != tag}
    values, violations = parse(tags, "rds/orders-db")
    required, check = ("required: ", "required") if value is None else ("", "values")
    remedy = f"set the tag {tag} of rds/orders-db to {rule}"
    assert violations == [Violation("rds/orders-db", tag, value, f"{required}{rule}{meanwhile}", remedy, severity, check)]
    assert values[SCHEMA[tag].field] == {"dr:priority": "medium", "dr:impact": "critical", "dr:dependencies": ()}.get(tag)


def test_strict_tags_must_be_there_and_strict_rules_are_errors() -> None:
    strict = {"dr:rto-target", "values", "spelling"}
    _values, violations = parse({**GOOD, "dr:rpo-target": "x", "dr:prioritty": "high"}, "x", strict)
    assert [(one.tag, one.check, one.severity) for one in violations] == [
        ("dr:rto-target", "required", "warning"),
        ("dr:rpo-target", "values", "warning"),
        ("dr:prioritty", "spelling", "warning"),
    ]
    assert {harden(one, strict).severity for one in violations} == {"error"}
    assert {harden(one, ()).severity for one in violations} == {"warning"}


@pytest.mark.parametrize(("given", "taken"), [(None, "low"), ("urgent", "medium"), ("high", "high")])
def test_priority_is_low_when_missing_and_medium_when_invalid(given: str | None, taken: str) -> None:
    values, _violations = parse(GOOD if given is None else {**GOOD, "dr:priority": given})
    assert values["priority"] == taken


@pytest.mark.parametrize("tag", ["DR:Priority", "dr:prioritty", "dr:piority"])
def test_a_misspelt_tag_is_named_with_the_right_spelling(tag: str) -> None:
    _values, violations = parse({**GOOD, tag: "critical"}, "x")
    remedy = f"rename the tag {tag} of x to dr:priority"
    assert violations == [Violation("x", tag, "critical", "spelt dr:priority", remedy, "warning", "spelling")]


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
