# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a report is shown: pages, pictures, XML and CSV, parsed as their readers parse them; and that nothing in it can break out."""

from __future__ import annotations

import csv
import io
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import Page
from recorded import APPROVAL, TRAIL, at, entry, make, pair, result

from ansible_collections.dr.aws.plugins.module_utils.report.compliance import Scope, compliance
from ansible_collections.dr.aws.plugins.module_utils.report.facts import build
from ansible_collections.dr.aws.plugins.module_utils.report.frame import COLOURS
from ansible_collections.dr.aws.plugins.module_utils.report.geometry import LEFT, MOST_RESOURCES, RIGHT, picture
from ansible_collections.dr.aws.plugins.module_utils.report.html import execution_page
from ansible_collections.dr.aws.plugins.module_utils.report.html_compliance import compliance_page
from ansible_collections.dr.aws.plugins.module_utils.report.junit import junit
from ansible_collections.dr.aws.plugins.module_utils.report.keeping import FORMATS, as_json, name_of
from ansible_collections.dr.aws.plugins.module_utils.report.markup import clean
from ansible_collections.dr.aws.plugins.module_utils.report.sheet import cell, execution_csv

INJECTIONS = (
    "<script>alert(1)</script>",
    "</title></style></svg><img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "{{ lookup('pipe', 'id') }}{% for x in y %}",
    "]]>&lt;!--<!--",
    "=cmd|'/C calc'!A0",
    "javascript:alert(1)",
)
ACTIVE = {"script", "img", "iframe", "object", "embed", "link", "form", "input", "base", "foreignobject", "use", "image"}


def evil(text: str, *, drill: bool = False) -> dict[str, Any]:
    """A report in which everything that comes from AWS or from people is `text`."""
    phases = ("instantiate", "activate", "cleanup")
    one = pair("db", rto_seconds=60, source_arn=text, tags={text: text})
    results = [
        result("db", "instantiate", 3, outputs={text: text, "copy": text, "data_from": text, "not_proven": [text]}),
        result("db", "activate", 8, "failed", why=text, remedy=text),
        result("db", "cleanup", 9, "deferred", why=text),
    ]
    report = build(
        make(
            [one, pair("web", "ecs")],
            [*results, result("web", "activate", 4, "skipped", why=text)],
            phases=phases,
            operation="test" if drill else "failover",
            audit=[*TRAIL, entry(8, 11, text, actor=text, anything={text: text})],
            approvals=[{**APPROVAL, "gate": text, "requester": text, "approver": text}],
            debts=[{"resource": text, "phase": "activate", "text": text, "execution_id": text, "at": at(8), "settled_at": None}],
            record={"warnings": [text], "created_by": text, "customer": text, "environment": text, "approval_mode": text},
            objects=[{"what": text, "s3": f"s3://{text}", "sha256": text}],
            plan_problem=text,
            audit_problems=[text],
        )
    )
    report["resources"][0].update({"resource": text, "source_id": text, "technology": text, "account": text})
    report["timeline"]["waves"][0]["label"] = text
    return report


def over_all(*reports: dict[str, Any]) -> dict[str, Any]:
    scope = Scope("acme", "production", "2026-09-01", "2026-11-30")
    debt = {"resource": "db", "phase": "activate", "text": "fence it", "execution_id": "dr-1", "at": at(0), "settled_at": None}
    proven = {"db": at(0), "old": "2026-01-01T00:00:00Z"}
    return compliance(scope, reports, proven=proven, protected=["db", "new"], debts_of_all=[debt], now=1796000000.0)


def harmless(page: Page, text: str) -> None:
    """Nothing of the text became an element, an attribute or a style; it is there to be read."""
    assert page.tags.isdisjoint(ACTIVE)
    assert [one for one in page.attributes if one[1].startswith("on")] == []
    assert {value.partition(":")[0] for _tag, name, value in page.attributes if name in ("href", "src")} <= {"s3"}
    assert {tag for tag, name, _value in page.attributes if name == "style"} == set()
    assert text not in page.styles
    assert text in page.text


@pytest.mark.parametrize("drill", [False, True])
@pytest.mark.parametrize("text", INJECTIONS)
def test_nothing_breaks_out_of_a_page(text: str, drill: bool) -> None:
    report = evil(text, drill=drill)
    page = Page(execution_page(report))
    harmless(page, text)
    harmless(Page(compliance_page(over_all(report))), text)
    assert page.tags == Page(execution_page(evil("plain", drill=drill))).tags


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(st.text(st.characters(codec=None), min_size=1, max_size=40).filter(lambda text: text.strip()))
def test_whatever_the_text_every_format_is_well_formed_and_keeps_it(text: str) -> None:
    report = evil(text)
    shown = clean(text)
    assert Page(execution_page(report)).tags == Page(execution_page(evil("plain"))).tags
    for made in (execution_page(report), compliance_page(over_all(report)), junit(report), execution_csv(report), as_json(report)):
        assert made.encode()
    case = ElementTree.fromstring(junit(report).encode()).find(".//failure")
    assert case is not None
    kept = re.sub(r"[\t\r\n]", " ", shown)
    assert re.sub(r"[\t\r\n]", " ", case.get("message", "")) == kept
    rows = list(csv.reader(io.StringIO(execution_csv(report), newline="")))
    assert {len(row) for row in rows} == {len(rows[0])}
    assert json.loads(as_json(report)) == report


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1+1", "=cmd|'/C calc'!A0"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert cell(text).startswith("'")
    for row in csv.reader(io.StringIO(execution_csv(evil(text)), newline="")):
        assert [one for one in row if one.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))] == []


def test_numbers_and_names_stay_what_they_are_in_a_cell() -> None:
    assert [cell(value) for value in (-1, 2.5, None, True, "db-1", "a=b")] == ["-1", "2.5", "", "True", "db-1", "a=b"]


def real(**more: Any) -> dict[str, Any]:
    pairs = [pair("db", rto_seconds=60), pair("web", "ecs", rto_seconds=6000)]
    results = [
        result("db", "instantiate", 3, seconds=120, outputs={"lag_seconds": 12, "endpoint": "db.west"}),
        result("db", "activate", 8, seconds=170),
        result("web", "instantiate", 2, seconds=50),
        result("web", "activate", 6, "failed", seconds=30, why="no capacity", remedy="ask for more"),
    ]
    values = {"approvals": [APPROVAL], "objects": [{"what": "plan", "s3": "s3://b/plans/x.json", "sha256": "a" * 64}], **more}
    return build(make(pairs, results, **values))


def test_a_page_needs_nothing_else() -> None:
    page = Page(execution_page(real()))
    policy = [value for tag, name, value in page.attributes if tag == "meta" and name == "content" and "default-src" in value]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]
    assert page.tags.isdisjoint(ACTIVE)
    assert "url(" not in page.styles and "@import" not in page.styles
    assert ("html", "lang", "en") in page.attributes


def test_a_page_tells_what_happened() -> None:
    page = Page(execution_page(real()))
    clocks = dict(row[:2] for row in page.tables["The four clocks"][1:])
    assert clocks == {"Detected": "not known", "Decided": "5m00s", "Executed": "3m00s", "Total": "8m00s"}
    (failed,) = page.tables["Failed and blocked"][1:]
    assert failed[:2] + failed[3:5] == ["web", "activate", "no capacity", "ask for more"]
    measured = {row[0]: row[6:] for row in page.tables["Resources against their objectives"][1:]}
    assert measured["db"] == ["8m00s", "✕ missed of 1m00s", "12s", "✓ met of 5m00s"]
    assert measured["web"] == ["-", "● open of 1h40m", "-", "-"]
    (approval,) = page.tables["Approvals"][1:]
    assert (approval[1], approval[4], approval[5]) == ("✓ approved", "grace", at(5))
    assert page.tables["Objects in us-west-2"][1][:2] == ["plan", "s3://b/plans/x.json"]


def test_every_table_has_a_caption_and_heads_and_can_be_reached_by_keyboard() -> None:
    for text in (execution_page(real()), compliance_page(over_all(real()))):
        page = Page(text)
        assert "" not in page.tables
        assert all(len(row) == len(rows[0]) for rows in page.tables.values() for row in rows)
        scopes = [value for tag, name, value in page.attributes if tag == "th" and name == "scope"]
        assert scopes.count("col") == sum(len(rows[0]) for rows in page.tables.values())
        assert scopes.count("row") == sum(len(rows) - 1 for rows in page.tables.values())
        idents = [value for _tag, name, value in page.attributes if name == "id"]
        labels = {one for _tag, name, value in page.attributes if name == "aria-labelledby" for one in value.split()}
        assert len(idents) == len(set(idents)) and labels <= set(idents)


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("place", [0, 1], ids=["light", "dark"])
def test_contrast_is_enough_in_the_light_and_in_the_dark(place: int) -> None:
    def contrast(one: str, other: str) -> float:
        low, high = sorted(luminance(COLOURS[name][place]) for name in (one, other))
        return (high + 0.05) / (low + 0.05)

    for name in ("ink", "faint", "good", "bad", "wait", "plain"):
        assert min(contrast(name, "paper"), contrast(name, "panel")) >= 4.5, name
    for name in ("good", "bad", "wait", "plain"):
        assert contrast("inside", name) >= 4.5, name


def drawn(report: dict[str, Any]) -> list[list[tuple[float, float]]]:
    """The bars of each lane, as (x, width), out of the SVG in the page."""
    text = execution_page(report)
    root = ElementTree.fromstring(text[text.index("<svg") : text.index("</svg>") + 6])
    lanes = [one for one in root.iter("g") if str(one.get("class")).startswith("lane")]
    return [[(float(one.get("x", "0")), float(one.get("width", "0"))) for one in lane.iter("rect")] for lane in lanes]


def apart(lanes: list[list[tuple[float, float]]]) -> None:
    for bars in lanes:
        assert all(width > 0 and x >= LEFT - 0.01 and x + width <= RIGHT + 0.02 for x, width in bars)
        assert all(x + width <= after + 0.02 for (x, width), (after, _width) in pairwise(bars))


def test_the_picture_has_a_lane_for_waves_approvals_waits_and_each_resource() -> None:
    lanes = picture(real()).lanes
    assert [(lane.name, lane.kind, len(lane.bars), lane.bad) for lane in lanes] == [
        ("Waves", "waves", 2, False),
        ("Approvals", "approvals", 1, False),
        ("Waits", "waits", 1, False),
        ("db", "resource", 2, False),
        ("web", "resource", 2, True),
    ]
    apart(drawn(real()))


moment = st.integers(0, 600)


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(
    st.lists(st.tuples(moment, moment, st.sampled_from(["done", "failed", "deferred"])), max_size=8),
    st.lists(st.tuples(moment, moment), max_size=40),
    st.integers(0, 700),
)
def test_bars_of_a_lane_never_overlap(phases: Any, waves: Any, ended: int) -> None:
    report = real(ended=ended / 60)
    report["resources"][0]["phases"] = [
        {**report["resources"][0]["phases"][0], "ended_at": at(end / 60), "seconds": float(took), "status": state}
        for end, took, state in phases
    ]
    report["timeline"]["waves"] = [
        {"label": "activate 1", "state": "ended", "began_at": at(min(span) / 60), "ended_at": at(max(span) / 60)} for span in waves
    ]
    apart(drawn(report))


def test_of_very_many_resources_the_unfinished_and_the_slowest_are_drawn() -> None:
    names = [f"db-{number:03d}" for number in range(MOST_RESOURCES + 5)]
    results = [result(name, "activate", 8, seconds=float(number)) for number, name in enumerate(names)]
    results[0] = result(names[0], "activate", 8, "failed", seconds=0.0)
    seen = picture(build(make([pair(name) for name in names], results)))
    shown = [lane.name for lane in seen.lanes if lane.kind == "resource"]
    assert (len(shown), seen.omitted) == (MOST_RESOURCES, 5)
    assert shown == [names[0], *names[6:]]


def test_deferred_work_comes_with_the_command_that_does_it() -> None:
    seen = make([pair("db")], [result("db", "cleanup", 9, "deferred", why="dark")], phases=("activate", "cleanup"))
    page = Page(execution_page(build(seen)))
    asked = "-e customer=acme -e environment=production -e primary_region=us-east-1 -e dr_region=us-west-2"
    assert f"To be done when the region answers: ansible-playbook dr.aws.reprotect {asked}" in " ".join(page.text.split())


def test_junit_has_a_case_for_each_resource_and_phase() -> None:
    results = [
        result("db", "instantiate", 3),
        result("db", "activate", 8, "blocked", why="it lags", remedy="wait"),
        result("db", "cleanup", 9, "deferred", why="dark"),
    ]
    report = build(make([pair("db")], results, phases=("instantiate", "activate", "cleanup", "replicate")))
    root = ElementTree.fromstring(junit(report).encode())
    assert {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "1",
        "errors": "0",
        "skipped": "2",
    }
    assert [suite.get("name") for suite in root] == ["instantiate", "activate", "cleanup", "replicate"]
    (failure,) = root.iter("failure")
    assert (failure.get("type"), failure.get("message"), failure.text) == ("blocked", "it lags", "it lags\nNext: wait")
    assert [one.get("message") for one in root.iter("skipped")] == [
        "deferred: dark",
        "not_reached: the execution ended before it was reached",
    ]
    case = next(root.iter("testcase"))
    assert (case.get("name"), case.get("classname"), case.get("time")) == ("db instantiate", "instantiate.rds", "60.0")


def test_junit_has_a_case_for_each_hook_and_business_check() -> None:
    order = {"name": "order", "phase": "activate", "wave": 1}
    ended = {"state": "failed", "seconds": 4, "why": "it exits with 3", "output": "no stock", "override_reason": ""}
    audit = [*TRAIL, entry(8, 11, "business_check_started", **order), entry(9, 12, "business_check_ended", name="order", **ended)]
    report = build(make([pair("db")], audit=audit))
    suite = list(ElementTree.fromstring(junit(report).encode()))[-1]
    assert (suite.get("name"), suite.get("failures")) == ("hooks and business checks", "1")
    (case,) = suite.iter("testcase")
    assert (case.get("name"), case.get("classname"), case.get("time")) == ("order activate 1", "business_check", "4.0")
    assert [failure.text for failure in case] == ["it exits with 3\nno stock"]
    assert "no stock" in execution_page(report)


def fields(value: Any) -> set[str]:
    """The names of all fields, but for what technologies give."""
    if isinstance(value, dict):
        return set(value).union(
            *(fields(one) for name, one in value.items() if name not in ("outputs", "detail", "estimated_copies"))
        )
    return set().union(*map(fields, value)) if isinstance(value, list) else set()


def test_every_field_is_documented() -> None:
    told = (Path(__file__).resolve().parents[5] / "docs/report.md").read_text(encoding="utf-8").partition("## The JSON")[2]
    drill = evil("plain", drill=True)
    named = fields(real()) | fields(drill) | fields(over_all(real(), drill))
    counted = {"failover", "test", "COMPLETED"}  # of by_operation and by_status
    assert {name for name in named - counted if f"`{name}`" not in told} == set()


def test_a_stored_report_is_shown_again_from_its_json_alone() -> None:
    for report in (real(), over_all(real())):
        again = json.loads(as_json(report))
        for made in FORMATS[report["schema"]].values():
            assert made.render(again) == made.render(report)
    assert name_of(over_all()) == "compliance-acme-production-2026-09-01-2026-11-30"
