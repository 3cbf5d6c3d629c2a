# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The compliance report as a page. Pure: of the JSON value alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from .frame import code, facts, none, page, section
from .html import COUNTED, KINDS, OPERATIONS
from .markup import NOTHING, Child, put, table, tag
from .states import badge
from .tables import badge_of_debt, took


def compliance_page(report: Mapping[str, Any]) -> str:
    """One self-contained HTML file."""
    scope = report["scope"]
    title = f"Disaster recovery of {scope['customer']}/{scope['environment']}, {scope['since']} to {scope['until']}"
    foot = f"{report['schema']} version {report['version']}, generated {report['generated_at']}. Times are UTC."
    return page(title, _sections(report, title), foot)


def _sections(report: Mapping[str, Any], title: str) -> Iterator[Element]:
    summary = report["summary"]
    numbers = (
        ("Executions", summary["executions"]),
        *((OPERATIONS.get(name, name) + "s", number) for name, number in summary["by_operation"].items()),
        *((name, number) for name, number in summary["by_status"].items()),
        ("Audit trails verified", f"{summary['audit_trails_verified']} of {summary['executions']}"),
        ("Resources drilled in time", f"{summary['drilled_in_time']} of {summary['resources']}"),
        ("Approvals", summary["approvals"]),
        ("Deviations", summary["deviations"]),
        ("Open fence debts", summary["open_debts"]),
    )
    head = tag("header", tag("h1", title), facts(numbers))
    if not report["scope"]["complete"]:
        put(head, tag("p", "There were more executions than were read: narrow since and until.", class_="bad"))
    yield head
    yield section("objectives", "Objectives", _objectives(summary["objectives"]), _missed(report["executions"]))
    yield section("executions", "Executions", _executions(report["executions"]))
    yield section("drills", "Drills of each resource", _drills(report["drills"]))
    yield section("approvals", "Approvals", _approvals(report["executions"]))
    yield section("debts", "Fence debts", _debts(report["debts"]))
    yield section("deviations", "Deviations", _deviations(report["executions"]))
    yield section("failures", "What failed", _failures(report["executions"]))


def _objectives(sums: Mapping[str, Mapping[str, int]]) -> Element:
    states = [state for state in COUNTED if state in sums["rto"]]
    rows: list[Sequence[Child]] = [[name, *(sums[key][state] for state in states)] for key, name in KINDS.items()]
    return table("Resources of all failovers by objective", ("Objective", *(COUNTED[state] for state in states)), rows)


def _missed(executions: Sequence[Mapping[str, Any]]) -> Element | None:
    rows = [_missing(one, execution) for execution in executions for one in execution["missed"]]
    return table("Missed", ("Resource", "Objective", "Allowed", "Was", "Execution"), rows) if rows else None


def _missing(one: Mapping[str, Any], execution: Mapping[str, Any]) -> Sequence[Child]:
    was = one["seconds"] if one["objective"] == "rto" else one["lag_seconds"]
    said = "does not serve" if was is None else took(was)
    return one["resource"], KINDS[one["objective"]], took(one["objective_seconds"]), said, code(execution["execution_id"])


def _executions(executions: Sequence[Mapping[str, Any]]) -> Element:
    if not executions:
        return none("There were none.")
    heads = ("Execution", "Operation", "State", "Started", "Took", "By", "Resources", "Plan", "Audit trail")
    rows = [
        (
            code(one["execution_id"]),
            f"{OPERATIONS.get(str(one['operation']), one['operation'])}, {one['mode']}",
            badge(str(one["status"])),
            one["started_at"],
            took(one["duration_seconds"]),
            one["created_by"],
            one["resource_count"],
            code(str(one["plan_sha256"])[:12]),
            badge("verified" if one["audit_verified"] else "NOT VERIFIED"),
        )
        for one in executions
    ]
    return table("Executions, newest first", heads, rows)


def _drills(drills: Sequence[Mapping[str, Any]]) -> Element:
    if not drills:
        return none("No resource is known: neither a readiness snapshot nor a drill tells of any.")
    rows = [
        (
            one["resource"],
            one["last_proven_at"] or "never",
            NOTHING if one["age_days"] is None else one["age_days"],
            badge("overdue" if one["overdue"] else "proven"),
        )
        for one in drills
    ]
    return table("When a drill last proved each resource", ("Resource", "Last proven", "Days ago", "State"), rows)


def _approvals(executions: Sequence[Mapping[str, Any]]) -> Element:
    rows = [
        (
            code(execution["execution_id"]),
            one["gate"],
            badge(str(one["state"])),
            one["requester"],
            one["approver"] or NOTHING,
            one["decided_at"],
        )
        for execution in executions
        for one in execution["approvals"]
    ]
    heads = ("Execution", "Gate", "State", "Asked by", "Decided by", "Decided")
    return table("Approvals", heads, rows) if rows else none("None was asked for.")


def _debts(debts: Sequence[Mapping[str, Any]]) -> Element:
    rows = [(one["resource"], one["text"], code(one["execution_id"]), one["at"], badge_of_debt(one)) for one in debts]
    heads = ("Resource", "Debt", "Execution", "Since", "Settled")
    return table("Open, or made or settled in this time", heads, rows) if rows else none("There were none.")


def _deviations(executions: Sequence[Mapping[str, Any]]) -> Element:
    rows = [
        (code(execution["execution_id"]), one["what"], one["why"], one["at"])
        for execution in executions
        for one in execution["deviations"]
    ]
    return table("Deviations", ("Execution", "What", "Why", "When"), rows) if rows else none("None.")


def _failures(executions: Sequence[Mapping[str, Any]]) -> Element:
    rows = [
        (code(execution["execution_id"]), one["resource"], one["phase"], one["why"])
        for execution in executions
        for one in execution["failures"]
    ]
    return table("Failed and blocked", ("Execution", "Resource", "Phase", "Why"), rows) if rows else none("Nothing failed.")
