# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The compliance report over many executions (NFR-3.4), made of their reports. Pure, but for `read_scope`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from .. import drilled, snapshots
from ..dynamo import epoch, utc
from ..errors import InputError
from ..redact import mask
from ..store import Store
from .facts import build
from .reading import read

SCHEMA: Final = "dr.aws/compliance-report"
#: Raised when a field goes or changes its meaning; not when one is added.
VERSION: Final = 1
#: A quarter, both ends included.
DAYS: Final = 92
#: A resource whose last drill is older is named as overdue.
OVERDUE_DAYS: Final = 92
#: So many executions of a scope are read.
MOST: Final = 1000


@dataclass(frozen=True, slots=True)
class Scope:
    """What a compliance report is about. since, until: days (YYYY-MM-DD, UTC), both included."""

    customer: str
    environment: str
    since: str
    until: str

    @classmethod
    def of(cls, customer: str, environment: str, since: str | None, until: str | None, now: float) -> Scope:
        """Checked; the quarter until today by default. InputError names the field."""
        for name, value in (("customer", customer), ("environment", environment)):
            if not value:
                raise InputError(name, value, "a value, as resources are tagged", f"-e {name}=…, or -e execution_id=… for one")
        last = _day("until", until, utc(now)[:10])
        first = _day("since", since, str(last - timedelta(days=DAYS - 1)))
        if first > last:
            raise InputError("since", since, f"a day until {last}", f"-e since={last - timedelta(days=DAYS - 1)}")
        return cls(customer, environment, str(first), str(last))


def _day(name: str, value: str | None, default: str) -> date:
    text = str(value or default)
    try:
        if len(text) != len("2026-11-28"):
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError as error:
        raise InputError(name, value, "a day such as 2026-11-28", f"-e {name}={default}") from error


def read_scope(store: Store, scope: Scope) -> dict[str, Any]:
    """The compliance report of a scope, from the store."""
    asked = {"customer": scope.customer, "environment": scope.environment, "since": scope.since, "until": scope.until}
    found = store.executions(**asked, limit=MOST + 1)
    kept = snapshots.latest(store, scope.customer, scope.environment)
    if not (found or kept or store.executions(customer=scope.customer, environment=scope.environment, limit=1)):
        given = f"{scope.customer}/{scope.environment}"
        raise InputError(
            "customer/environment", given, "one that has an execution or a readiness snapshot", "ansible-inventory --graph"
        )
    return compliance(
        scope,
        [build(read(store, one["execution_id"])) for one in found[:MOST]],
        proven=drilled.last(store, scope.customer, scope.environment),
        protected=sorted(one["key"] for one in kept.body.get("resources", ())) if kept else [],
        debts_of_all=store.debts(scope.customer, scope.environment),
        now=store.clock(),
        complete=len(found) <= MOST,
    )


def compliance(
    scope: Scope,
    reports: Sequence[Mapping[str, Any]],
    *,
    proven: Mapping[str, str],
    protected: Sequence[str],
    debts_of_all: Sequence[Mapping[str, Any]],
    now: float,
    complete: bool = True,
) -> dict[str, Any]:
    """The report as a JSON value (docs/report.md).

    reports: of the executions, newest first. proven: resource -> when its last drill proved it. protected: the resources of the
    last readiness snapshot. complete: whether all executions of the days are among the reports.
    """
    rows = [_row(report) for report in reports]
    drills = [_drilled(name, proven.get(name), now) for name in sorted({*protected, *proven})]
    report: dict[str, Any] = {
        "schema": SCHEMA,
        "version": VERSION,
        "generated_at": utc(now),
        "scope": {
            "customer": scope.customer,
            "environment": scope.environment,
            "since": scope.since,
            "until": scope.until,
            "complete": complete,
        },
        "summary": {
            "executions": len(rows),
            "by_operation": dict(sorted(Counter(row["operation"] for row in rows).items())),
            "by_status": dict(sorted(Counter(row["status"] for row in rows).items())),
            "objectives": {name: _sum(rows, name) for name in ("rto", "rpo")},
            "resources": len(drills),
            "drilled_in_time": sum(not one["overdue"] for one in drills),
            "approvals": sum(len(row["approvals"]) for row in rows),
            "deviations": sum(len(row["deviations"]) for row in rows),
            "open_debts": sum(one.get("settled_at") is None for one in debts_of_all),
            "audit_trails_verified": sum(row["audit_verified"] for row in rows),
        },
        "executions": rows,
        "drills": drills,
        "debts": [_debt(one) for one in debts_of_all if _concerns(one, scope)],
    }
    masked: dict[str, Any] = mask(report)
    return masked


def _row(report: Mapping[str, Any]) -> dict[str, Any]:
    """What the compliance report keeps of an execution's."""
    execution = report["execution"]
    names = ("execution_id", "operation", "mode", "status", "created_by", "started_at", "completed_at", "duration_seconds")
    missed = [
        {"resource": one["resource"], "objective": name, **one[name]}
        for one in report["resources"]
        for name in ("rto", "rpo")
        if one[name] and one[name]["state"] == "missed"
    ]
    return {
        **{name: execution[name] for name in names},
        "resource_count": execution["resource_count"],
        "plan_sha256": report["plan"]["sha256"],
        "plan_verified": report["plan"]["verified"],
        "audit_verified": report["audit"]["verified"],
        "objectives": report["objectives"],
        "missed": missed,
        "drill": report["drill"],
        "failures": [{name: one[name] for name in ("resource", "phase", "why")} for one in report["failures"]],
        "deferred": len(report["deferred"]),
        "approvals": report["approvals"],
        "deviations": report["deviations"],
    }


def _sum(rows: Sequence[Mapping[str, Any]], name: str) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for row in rows:
        counts.update(row["objectives"][name] if row["objectives"] else {})
    return {state: counts[state] for state in ("met", "missed", "open", "unknown")}


def _drilled(name: str, at: str | None, now: float) -> dict[str, Any]:
    age = None if at is None else int(max(0.0, now - epoch(at)) // 86400)
    return {"resource": name, "last_proven_at": at, "age_days": age, "overdue": age is None or age > OVERDUE_DAYS}


def _concerns(debt: Mapping[str, Any], scope: Scope) -> bool:
    """Open, or made or settled within the days."""
    days = [str(debt[name])[:10] for name in ("at", "settled_at") if debt.get(name)]
    return debt.get("settled_at") is None or any(scope.since <= day <= scope.until for day in days)


def _debt(one: Mapping[str, Any]) -> dict[str, Any]:
    return {name: one.get(name) for name in ("resource", "phase", "text", "execution_id", "at", "settled_at")}
