# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of one execution as a page. Pure: of the JSON value alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from xml.etree.ElementTree import Element

from ..status import regions
from . import tables
from .frame import arn, code, facts, page, section
from .geometry import MOST_RESOURCES
from .markup import NOTHING, Child, put, table, tag
from .states import badge
from .svg import svg
from .tables import took

#: Clock -> (its name, from when to when).
CLOCKS: Final[Mapping[str, tuple[str, str]]] = {
    "detected_seconds": ("Detected", "from when the disaster was detected to the frozen plan"),
    "decided_seconds": ("Decided", "from there to the first ACTIVATE wave, with its approvals"),
    "executed_seconds": ("Executed", "from there to the end of the last ACTIVATE wave"),
    "total_seconds": ("Total", "all of it: from the detection, or else from the plan"),
}
OPERATIONS: Final = {"failover": "Failover", "failback": "Failback", "reprotect": "Reprotection", "test": "Drill"}
KINDS: Final = {"rto": "Recovery time (RTO)", "rpo": "Data loss (RPO)"}
COUNTED: Final = {
    "met": "Met",
    "missed": "Missed",
    "open": "Not served yet",
    "unknown": "Unknown",
    "held": "Served before",
    "none": "Has none",
}
EXPLAINED: Final = (
    "RTO counts from the frozen plan to the end of the resource's ACTIVATE.",
    "Data loss is how far the target was behind when it was last looked at before its promotion. A planned failover fences the "
    "source and waits until all has arrived: there it is the most that could have been lost. Unknown means that nothing told.",
)


def execution_page(report: Mapping[str, Any]) -> str:
    """One self-contained HTML file."""
    execution = report["execution"]
    what = OPERATIONS.get(str(execution["operation"]), str(execution["operation"]))
    title = f"{what} of {execution['customer']}/{execution['environment']}"
    foot = f"{report['schema']} version {report['version']}, generated {report['generated_at']}. Times are UTC."
    return page(f"{title}: {execution['status']}", _sections(report, title), foot)


def _sections(report: Mapping[str, Any], title: str) -> Iterator[Element]:
    yield _head(report["execution"], title)
    yield _drill(report) if report["drill"] else _objectives(report)
    yield section("timeline", "Timeline", *_timeline(report))
    yield section("failures", "What failed, and why", tables.failures(report["failures"]))
    yield section("deferred", "Deferred work", tables.deferred(report))
    yield section("skipped", "Skipped", tables.skipped(report["skipped"]))
    if report["rolled_back"]:
        yield section("rolled-back", "Rolled back", tables.rolled_back(report["rolled_back"]))
    yield section("debts", "Fence debts", tables.debts(report["debts"]))
    yield section("resources", "Resources", tables.resources(report))
    yield section("phases", "Phases of each resource", tables.phases(report["resources"]))
    yield section("approvals", "Approvals", tables.approvals(report))
    yield section("errands", "Hooks and business checks", tables.errands(report["errands"]))
    yield section("deviations", "Deviations", tables.deviations(report["deviations"]))
    yield section("costs", "Costs", *tables.costs(report))
    yield section("plan", "Plan", *tables.plan(report["plan"]))
    yield section("audit", "Audit trail", *tables.audit(report["audit"]))
    yield section("evidence", "Evidence", tables.evidence(report["evidence"]))


def _head(execution: Mapping[str, Any], title: str) -> Element:
    state = "interrupted" if execution["interrupted"] else str(execution["status"])
    head = tag(
        "header",
        tag("h1", title),
        tag("p", badge(state), f" {execution['mode']}, {regions(execution)}"),
        facts(
            (
                ("Execution", code(execution["execution_id"])),
                ("Started by", arn(execution["created_by"])),
                ("Started", execution["started_at"]),
                ("Ended", execution["completed_at"]),
                ("Duration", took(execution["duration_seconds"])),
                ("Resources", execution["resource_count"]),
                ("Of the plan", f"{execution['progress_percentage']} %"),
            )
        ),
    )
    if execution["resume"]:
        put(head, tag("p", "To go on: ", code(execution["resume"])))
    return head


def _objectives(report: Mapping[str, Any]) -> Element:
    clocks, counts = report["clocks"], report["objectives"]
    rows = [(name, "not known" if clocks[clock] is None else took(clocks[clock]), said) for clock, (name, said) in CLOCKS.items()]
    missed = [
        (one["resource"], "recovery time", took(one["rto"]["objective_seconds"]), _recovered(one["rto"]))
        for one in report["resources"]
        if one["rto"] and one["rto"]["state"] == "missed"
    ] + [
        (one["resource"], "data loss", took(one["rpo"]["objective_seconds"]), f"{took(one['rpo']['lag_seconds'])} behind")
        for one in report["resources"]
        if one["rpo"] and one["rpo"]["state"] == "missed"
    ]
    states = (_counted(name, counts[key]) for key, name in KINDS.items())
    heads = ("Resource", "Objective", "Allowed", "Was")
    return section(
        "clocks",
        "Clocks and objectives",
        table("The four clocks", ("Clock", "Time", "What it counts"), rows),
        table("Resources by objective", ("Objective", *COUNTED.values()), states),
        table("Objectives that were missed", heads, missed) if missed else None,
        *(tag("p", text, class_="faint") for text in EXPLAINED),
    )


def _counted(name: str, counts: Mapping[str, int]) -> tuple[Child, ...]:
    return name, *(counts[state] for state in COUNTED)


def _recovered(rto: Mapping[str, Any]) -> str:
    return "does not serve" if rto["seconds"] is None else f"served after {took(rto['seconds'])}"


def _drill(report: Mapping[str, Any]) -> Element:
    counts = report["drill"]
    heads = ("Resource", "Proven", "Copy", "Served after", "Data from", "Not proven", "Removed")
    rows = ((one["resource"], *_copy(one["copy"])) for one in report["resources"])
    numbers = (
        ("Resources", counts["resources"]),
        ("Proven", counts["proven"]),
        ("With faults", counts["faults"]),
        ("Copies removed", counts["removed"]),
    )
    return section("drill", "What the drill proved", facts(numbers), table("Copies", heads, rows))


def _copy(copy: Mapping[str, Any]) -> tuple[Child, ...]:
    return (
        badge("proven" if copy["proven"] else "not proven"),
        code(copy["copy"]) if copy["copy"] else NOTHING,
        took(copy["served_after_seconds"]),
        copy["data_from"] or NOTHING,
        "; ".join(map(str, copy["not_proven"])) or NOTHING,
        badge("removed" if copy["removed"] else "left"),
    )


def _timeline(report: Mapping[str, Any]) -> Iterator[Element]:
    timeline = report["timeline"]
    caption = tag("figcaption", _caption(report), class_="faint")
    yield tag("figure", svg(report), caption, class_="scroll", role="region", aria_label="Timeline", tabindex="0")
    yield tag("p", *(one for state in ("done", "deferred", "failed") for one in (badge(state), " ")))
    rows = [
        (one["label"], kind, badge(one["state"]), one["began_at"], one["ended_at"] or "not ended")
        for kind, spans in (("wave", "waves"), ("approval", "approvals"), ("wait", "waits"))
        for one in timeline[spans]
    ]
    yield table("Waves, approvals and waits", ("What", "Kind", "State", "Began", "Ended"), rows)


def _caption(report: Mapping[str, Any]) -> str:
    timeline, shown = report["timeline"], "Time since the beginning; each resource's bars are its phases, in order."
    number = sum(any(phase["ended_at"] for phase in one["phases"]) for one in report["resources"])
    said = f" Of {number} resources those {MOST_RESOURCES} that did not finish or took longest are drawn."
    more = said if number > MOST_RESOURCES else ""
    return f"From {timeline['began_at']} to {timeline['ended_at']}. {shown}{more}"
