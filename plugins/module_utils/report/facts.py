# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of one execution as a JSON value of a documented, versioned shape (docs/report.md). Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ..costs import savings
from ..dynamo import epoch, utc
from ..engine import ROLLBACK
from ..prices import PRICES_OF
from ..redact import mask
from .reading import Seen
from .resources import resources
from .timeline import errands, timeline

SCHEMA: Final = "dr.aws/execution-report"
#: Raised when a field goes or changes its meaning; not when one is added.
VERSION: Final = 1
#: Parameters that let an execution go on where it would have stopped.
ACCEPTED: Final[Mapping[str, str]] = {
    "accept_partial_inventory": "an inventory that was not complete was accepted",
    "accept_shortfalls": "quotas of the target that were too small were accepted",
    "accept_snapshot": "a readiness snapshot that is not relied on was accepted",
}
_EXECUTION: Final = (
    "execution_id",
    "execution_arn",
    "customer",
    "environment",
    "operation",
    "mode",
    "primary_region",
    "dr_region",
    "status",
    "interrupted",
    "reason",
    "created_by",
    "started_at",
    "completed_at",
    "resource_count",
    "progress_percentage",
    "current_phase",
    "current_wave",
    "resume",
)
_APPROVAL: Final = ("gate", "state", "requester", "requested_at", "approver", "decided_at", "timeout_at", "plan_sha256")


def build(seen: Seen) -> dict[str, Any]:
    """The report. Secrets are masked; nothing is escaped, that is the renderers' work."""
    status, record = seen.status, seen.record
    drill = record.get("operation") == "test"
    saved = {} if drill else _saved(seen)
    members = resources(seen, saved)
    ended_at = status["completed_at"] or utc(seen.now)
    report: dict[str, Any] = {
        "schema": SCHEMA,
        "version": VERSION,
        "generated_at": utc(seen.now),
        "execution": {
            **{name: status.get(name) for name in _EXECUTION},
            "detected_at": record.get("detected_at"),
            "duration_seconds": max(0.0, epoch(ended_at) - epoch(status["started_at"])),
        },
        "plan": _plan(seen),
        "clocks": None if drill else {name: value for name, value in status["clocks"].items() if name != "detected_at"},
        "objectives": None if drill else {name: _counted(members, name) for name in ("rto", "rpo")},
        "drill": _drill(members) if drill else None,
        "resources": members,
        "failures": list(_unfinished(members, ("failed", "blocked"))),
        "deferred": list(_unfinished(members, ("deferred",))),
        "skipped": list(_unfinished(members, ("skipped",))),
        "rolled_back": list(_rolled_back(members)),
        "debts": _debts(seen),
        "costs": _costs(saved, status.get("estimated_copies")),
        "approvals": [{name: one.get(name) for name in _APPROVAL} for one in status["approvals"]],
        "errands": errands(seen.audit),
        "deviations": list(deviations(seen)),
        "audit": _audit(seen),
        "timeline": timeline(status["started_at"], ended_at, seen.audit, status["approvals"]),
        "evidence": {"region": seen.region, "objects": [dict(one) for one in seen.objects]},
    }
    masked: dict[str, Any] = mask(report)
    return masked


def _plan(seen: Seen) -> dict[str, Any]:
    parameters = seen.record.get("parameters") or {}
    return {
        "sha256": seen.record.get("plan_sha256"),
        "plan_id": seen.record.get("plan_id") or None,
        "verified": seen.plan is not None and not seen.plan_problem,
        "problem": seen.plan_problem,
        "approval_mode": seen.record.get("approval_mode"),
        "cleanup_policy": parameters.get("cleanup_policy"),
        "phases": list(parameters.get("phases") or ()),
        "waves": list(parameters.get("waves") or ()),
        "expected_seconds": seen.record.get("expected_seconds"),
        "warnings": list(seen.record.get("warnings") or ()),
    }


def _counted(members: Sequence[Mapping[str, Any]], name: str) -> dict[str, int]:
    """How many resources are in which state of an objective."""
    counts = Counter(one[name]["state"] for one in members if one[name])
    return {state: counts[state] for state in ("met", "missed", "open", "unknown", "held", "none")}


def _drill(members: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    copies = [one["copy"] for one in members]
    return {
        "resources": len(copies),
        "proven": sum(copy["proven"] for copy in copies),
        "faults": sum(any(phase["status"] in ("failed", "blocked") for phase in one["phases"]) for one in members),
        "removed": sum(copy["removed"] for copy in copies),
    }


def _unfinished(members: Sequence[Mapping[str, Any]], statuses: Sequence[str]) -> Iterator[dict[str, Any]]:
    for member in members:
        for one in member["phases"]:
            if one["status"] in statuses:
                said = {name: one[name] for name in ("phase", "status", "ended_at", "why", "remedy")}
                yield {"resource": member["resource"], "technology": member["technology"], "wave": member["wave"], **said}


def _rolled_back(members: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Of which ACTIVATE was taken back, and not done again."""
    for member in members:
        for one in member["phases"]:
            if (one["phase"], one["status"]) == (ROLLBACK, "done"):
                yield {**{name: member[name] for name in ("resource", "technology", "wave")}, "ended_at": one["ended_at"]}


def _debts(seen: Seen) -> list[dict[str, Any]]:
    """Those of this execution, and all that are open."""
    name = seen.status["execution_id"]
    fields = ("resource", "phase", "text", "execution_id", "at", "settled_at")
    return [
        {field: one.get(field) for field in fields}
        for one in seen.debts
        if one.get("execution_id") == name or one.get("settled_at") is None
    ]


def _saved(seen: Seen) -> dict[str, dict[str, Any]]:
    """What CLEANUP saves with each resource, as `Run.savings` finds it."""
    if seen.plan is None:
        return {}
    cleaned = [one for one in seen.results if one["phase"] == "cleanup" and one["status"] == "done"]
    sent: dict[str, set[tuple[str, str]]] = {}
    for one in seen.calls:
        if one["phase"] in ("activate", "cleanup") and one["outcome"] != "rejected":
            sent.setdefault(one["key"], set()).add((one["call"], one["region"]))
    done = {one["key"]: one.get("outputs") or {} for one in cleaned}
    found = savings(seen.plan.pairs, seen.captured, done, sent)
    return {key: estimate.to_json() for key, estimate in found.items()}


def _costs(saved: Mapping[str, Mapping[str, Any]], copies: Mapping[str, Any] | None) -> dict[str, Any]:
    """copies: what the copies of a drill cost while they stand, as `Run.copy_costs` keeps it."""
    total = sum(one["usd_per_month"] for one in saved.values())
    return {
        "estimated_saving_usd_per_month": total if saved else None,
        "estimated_copies": dict(copies) if copies else None,
        "note": f"estimates by list prices of {PRICES_OF}, see docs/costs.md",
    }


def deviations(seen: Seen) -> Iterator[dict[str, Any]]:
    """What an auditor asks about: {what, why, at}. Where people let it go on, and where it did not go as planned."""
    record, started_at = seen.record, seen.record["started_at"]
    parameters = record.get("parameters") or {}
    if record.get("approval_mode") == "automatic":
        yield {"what": "no approval was asked for", "why": "approval_mode=automatic", "at": started_at}
    for name, what in ACCEPTED.items():
        if parameters.get(name):
            yield {"what": what, "why": f"{name}=true", "at": started_at}
    for entry in seen.audit:
        detail = entry["detail"]
        if entry["event_type"] == "execution_resumed":
            yield {"what": "it was resumed", "why": f"it was {detail.get('before')}", "at": entry["at"]}
        elif entry["event_type"] == "execution_switched":
            why = f"approved by {detail['approver']}; its plan was {detail['before_sha256'][:12]}"
            yield {"what": f"it went from {detail['before']} to {detail['mode']}", "why": why, "at": entry["at"]}
        elif entry["event_type"] == "health_checked" and detail.get("override_reason"):
            what = f"UNHEALTHY wave {', '.join(map(str, detail.get('waves', ())))} was accepted"
            yield {"what": what, "why": detail["override_reason"], "at": entry["at"]}
    for one in errands(seen.audit):
        if one["state"] != "done":
            why = "; ".join(filter(None, (one["override_reason"], one["why"])))
            yield {"what": f"{one['kind']} {one['name']}: {one['state']}", "why": why, "at": one["ended_at"] or one["began_at"]}
    if seen.plan_problem:
        yield {"what": "the stored plan cannot be relied on", "why": seen.plan_problem, "at": utc(seen.now)}
    for request in seen.status.get("requests") or ():
        what = f"{request.get('verb')} was asked for by {request.get('requested_by')}"
        yield {"what": what, "why": request.get("reason") or "", "at": request.get("requested_at") or started_at}
    for problem in seen.audit_problems:
        yield {"what": "the audit trail is not what was written", "why": problem, "at": utc(seen.now)}


def _audit(seen: Seen) -> dict[str, Any]:
    return {
        "verified": bool(seen.audit) and not seen.audit_problems,
        "problems": list(seen.audit_problems) if seen.audit else ["there is no audit entry"],
        "last_hash": seen.audit[-1]["hash"] if seen.audit else None,
        "entries": [
            {"number": one["number"], "at": one["at"], "event": one["event_type"], "actor": one["actor"], "detail": one["detail"]}
            for one in seen.audit
        ],
    }
