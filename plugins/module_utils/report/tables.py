# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of an execution's page. Pure: of the JSON value alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from ..status import reprotect_command
from ..words import duration
from .frame import code, facts, none
from .markup import NOTHING, Child, put, table, tag
from .states import badge


def took(seconds: float | None) -> str:
    """A duration for a cell."""
    return NOTHING if seconds is None else duration(seconds)


def deviations(found: Sequence[Mapping[str, Any]]) -> Element:
    """What an auditor asks about."""
    if not found:
        return none("None.")
    return table("Where people let it go on, or it did not go as planned", ("What", "Why", "When"), map(_deviation, found))


def _deviation(one: Mapping[str, Any]) -> tuple[Child, ...]:
    return one["what"], one["why"], one["at"]


def failures(found: Sequence[Mapping[str, Any]]) -> Element:
    """What failed and why, and what to do."""
    if not found:
        return none("Nothing failed.")
    rows = [
        (one["resource"], one["phase"], badge(one["status"]), one["why"], code(one["remedy"]), one["ended_at"]) for one in found
    ]
    return table("Failed and blocked", ("Resource", "Phase", "State", "Why", "What to do", "When"), rows)


def skipped(found: Sequence[Mapping[str, Any]]) -> Element:
    """What people left out."""
    if not found:
        return none("Nothing was skipped.")
    rows = [(one["resource"], one["phase"], one["why"], one["ended_at"]) for one in found]
    return table("Left out", ("Resource", "Phase", "Why", "When"), rows)


def rolled_back(found: Sequence[Mapping[str, Any]]) -> Element:
    """What serves in its source again."""
    rows = [(one["resource"], one["technology"], one["wave"], one["ended_at"]) for one in found]
    return table("Activation that was taken back, and not done again", ("Resource", "Technology", "Wave", "When"), rows)


def deferred(report: Mapping[str, Any]) -> Element:
    """What is left to be done when a region answers."""
    if not report["deferred"]:
        return none("Nothing was deferred.")
    rows = [(one["resource"], one["phase"], one["why"], one["ended_at"]) for one in report["deferred"]]
    title = f"To be done when the region answers: {reprotect_command(report['execution'])}"
    return table(title, ("Resource", "Phase", "Why", "When"), rows)


def debts(found: Sequence[Mapping[str, Any]]) -> Element:
    """What must be fenced."""
    if not found:
        return none("There are none.")
    rows = [(one["resource"], one["text"], code(one["execution_id"]), one["at"], badge_of_debt(one)) for one in found]
    return table("Sources that must be fenced when they answer", ("Resource", "Debt", "Execution", "Since", "Settled"), rows)


def badge_of_debt(debt: Mapping[str, Any]) -> Element:
    """Whether it is settled, and when."""
    return put(tag("span"), badge("settled" if debt["settled_at"] else "open"), f" {debt['settled_at'] or ''}")


def resources(report: Mapping[str, Any]) -> Element:
    """Each resource, in a failover against its objectives."""
    heads = ("Resource", "Technology", "Account", "Wave", "Priority", "State")
    if report["drill"]:
        return table("Resources", heads, (_resource(one) for one in report["resources"]))
    measured = (*heads, "Served after", "RTO", "Behind", "RPO")
    return table("Resources against their objectives", measured, (_measured(one) for one in report["resources"]))


def _resource(one: Mapping[str, Any]) -> tuple[Child, ...]:
    known = (one[name] if one[name] is not None else NOTHING for name in ("technology", "account", "wave", "priority"))
    return one["resource"], *known, badge(one["status"])


def _measured(one: Mapping[str, Any]) -> tuple[Child, ...]:
    rto, rpo = one["rto"], one["rpo"]
    if rto is None or rpo is None:
        return *_resource(one), NOTHING, NOTHING, NOTHING, NOTHING
    return *_resource(one), took(rto["seconds"]), _against(rto), _behind(rpo), _against(rpo)


def _against(objective: Mapping[str, Any]) -> Child:
    if objective["state"] in ("none", "held"):
        return {"none": NOTHING, "held": "served before"}[objective["state"]]
    return put(tag("span"), badge(objective["state"]), f" of {took(objective['objective_seconds'])}")


def _behind(rpo: Mapping[str, Any]) -> str:
    if rpo["state"] in ("none", "held"):
        return NOTHING
    if rpo["lag_seconds"] is not None:
        return took(rpo["lag_seconds"])
    before = rpo["lag_at_readiness_seconds"]
    return "unknown" if before is None else f"unknown ({took(before)} at readiness)"


def phases(members: Sequence[Mapping[str, Any]]) -> Element:
    """What was done of each phase, and what stands since."""
    rows = [
        (
            one["resource"],
            phase["phase"],
            badge(phase["status"]),
            took(phase["seconds"]),
            phase["calls"],
            phase["ended_at"] or NOTHING,
            _outputs(phase),
        )
        for one in members
        for phase in one["phases"]
    ]
    return table("Phases", ("Resource", "Phase", "State", "Took", "Calls", "Ended", "What stands"), rows)


def _outputs(phase: Mapping[str, Any]) -> Child:
    said = [f"{name}: {_plain(value)}" for name, value in sorted(phase["outputs"].items()) if value not in (None, "", [], {})]
    return code("; ".join(said)) if said else phase["why"] or NOTHING


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)


def approvals(report: Mapping[str, Any]) -> Element:
    """Who was asked, who decided what, and for which plan."""
    if not report["approvals"]:
        return none(f"None was asked for (approval_mode={report['plan']['approval_mode']}).")
    rows = [
        (
            one["gate"],
            badge(str(one["state"])),
            one["requester"],
            one["requested_at"],
            one["approver"] or NOTHING,
            one["decided_at"] or NOTHING,
            code(str(one["plan_sha256"])[:12]),
        )
        for one in report["approvals"]
    ]
    return table("Approvals", ("Gate", "State", "Asked by", "Asked", "Decided by", "Decided", "Plan"), rows)


def errands(found: Sequence[Mapping[str, Any]]) -> Element:
    """What the operator had carried out, and what came of it."""
    if not found:
        return none("None were asked for.")
    rows = [
        (
            f"{one['kind']} {one['name']}",
            f"{one['phase']} {one['wave']}",
            badge(one["state"]),
            one["began_at"],
            took(one["seconds"]),
            "; ".join(filter(None, (one["override_reason"], one["why"]))) or NOTHING,
            code(one["output"]) if one["output"] else NOTHING,
        )
        for one in found
    ]
    return table("What was carried out", ("Name", "Wave", "State", "Began", "Took", "Why", "Output"), rows)


def _copies(copies: Mapping[str, Any]) -> str:
    price = copies["usd_per_hour"]
    cost = "not known" if price is None else f"about USD {price:g} an hour while they stand"
    return f"The costs of the copies: {cost}; {copies['unknown_count']} of {copies['copies']} have no estimate."


def costs(report: Mapping[str, Any]) -> Iterator[Element]:
    """What CLEANUP saves."""
    total = report["costs"]["estimated_saving_usd_per_month"]
    if not report["drill"]:
        yield tag("p", "No saving is known." if total is None else f"About USD {total:,} a month are saved by CLEANUP.")
    if copies := report["costs"]["estimated_copies"]:
        yield tag("p", _copies(copies))
    rows = [
        (one["resource"], f"{one['saving']['usd_per_month']:,}", one["saving"]["basis"])
        for one in report["resources"]
        if one["saving"]
    ]
    if rows:
        yield table("Estimated saving", ("Resource", "USD a month", "Of"), rows)
    yield tag("p", f"All of them are {report['costs']['note']}.", class_="faint")


def plan(frozen: Mapping[str, Any]) -> Iterator[Element]:
    """The plan that approvals bind to."""
    yield facts(
        (
            ("SHA-256", code(frozen["sha256"])),
            ("Stored plan", badge("verified" if frozen["verified"] else "NOT VERIFIED")),
            ("Carried out from", frozen["plan_id"]),
            ("Approvals", frozen["approval_mode"]),
            ("Cleanup", frozen["cleanup_policy"]),
            ("Phases", ", ".join(frozen["phases"])),
            ("Waves", ", ".join(map(str, frozen["waves"])) or "all"),
            ("Expected", took(frozen["expected_seconds"])),
        )
    )
    if frozen["problem"]:
        yield tag("p", frozen["problem"], class_="bad")
    if frozen["warnings"]:
        yield tag("ul", *(tag("li", one) for one in frozen["warnings"]))


def audit(trail: Mapping[str, Any]) -> Iterator[Element]:
    """The trail, and whether its chain holds."""
    chain = badge("verified" if trail["verified"] else "NOT VERIFIED")
    yield tag("p", chain, f" The chain of {len(trail['entries'])} entries ends with ", code(trail["last_hash"] or "nothing"), ".")
    if trail["problems"]:
        yield tag("ul", *(tag("li", one, class_="bad") for one in trail["problems"]))
    rows = [
        (one["number"], one["at"], one["event"], one["actor"] or NOTHING, code(_plain(one["detail"]))) for one in trail["entries"]
    ]
    yield table("Entries", ("Number", "Time", "Event", "By", "Details"), rows)


def evidence(kept: Mapping[str, Any]) -> Element:
    """Where the objects are."""
    rows = [(one["what"], tag("a", one["s3"], href=one["s3"]), code(one["sha256"])) for one in kept["objects"]]
    return table(f"Objects in {kept['region']}", ("What", "Where", "SHA-256"), rows)
