# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An execution as the store would hold it, for reports: made of a plan and of what is said to have happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils.dynamo import epoch, utc
from ansible_collections.dr.aws.plugins.module_utils.model import Pair
from ansible_collections.dr.aws.plugins.module_utils.parameters import Parameters
from ansible_collections.dr.aws.plugins.module_utils.plan import Batch, Entry, Plan
from ansible_collections.dr.aws.plugins.module_utils.report.reading import Seen
from ansible_collections.dr.aws.plugins.module_utils.status import summary

START = "2026-11-28T16:00:00Z"
NAME = "dr-20261128T160000Z-7f3a9c"
EAST, WEST = "us-east-1", "us-west-2"


def at(minutes: float) -> str:
    """So long after the start."""
    return utc(epoch(START) + 60 * minutes)


def pair(key: str, technology: str = "rds", **more: Any) -> Pair:
    return Pair(key, technology, "111111111111", EAST, WEST, key, f"{key}-west", wave=1, priority="high", **more)


def result(key: str, phase: str, minutes: float, status: str = "done", seconds: float | None = 60.0, **more: Any) -> dict[str, Any]:
    """A result as it is stored; it ended so many minutes after the start."""
    return {"key": key, "phase": phase, "status": status, "at": at(minutes), "seconds": seconds, **more}


def entry(number: int, minutes: float, event: str, actor: str = "ada", **detail: Any) -> dict[str, Any]:
    return {"number": number, "at": at(minutes), "event_type": event, "actor": actor, "detail": detail, "hash": f"{number:064x}"}


#: One wave of two phases, approved, the second healthy.
TRAIL = (
    entry(1, 0, "execution_started"),
    entry(2, 1, "wave_started", phase="instantiate", waves=[1], resources=2),
    entry(3, 3, "wave_ended", phase="instantiate", waves=[1], counts={}),
    entry(4, 5, "wave_started", phase="activate", waves=[1], resources=2),
    entry(5, 8, "wave_ended", phase="activate", waves=[1], counts={}),
    entry(6, 9, "health_checked", waves=[1], status="HEALTHY", failed={}, override_reason=None),
    entry(7, 10, "execution_completed"),
)
APPROVAL = {
    "gate": "activate-1",
    "state": "approved",
    "requester": "arn:aws:iam::111111111111:user/ada",
    "requested_at": at(3),
    "approver": "grace",
    "decided_at": at(5),
    "timeout_at": at(33),
    "plan_sha256": "f" * 64,
}


def make(
    pairs: Sequence[Pair] = (),
    results: Sequence[Mapping[str, Any]] = (),
    *,
    operation: str = "failover",
    status: str = "COMPLETED",
    ended: float | None = 10,
    audit: Sequence[Mapping[str, Any]] = TRAIL,
    approvals: Sequence[Mapping[str, Any]] = (),
    debts: Sequence[Mapping[str, Any]] = (),
    states: Mapping[tuple[str, str], str] | None = None,
    phases: Sequence[str] = ("instantiate", "activate"),
    record: Mapping[str, Any] | None = None,
    **more: Any,
) -> Seen:
    """What the store holds. states: (pair key, phase) -> done or deferred, where the plan found that. more: of Seen."""
    parameters = Parameters("acme", "production", EAST, WEST, operation, "unplanned", phases=tuple(phases))
    found = states or {}
    batches = tuple(
        Batch(
            phase,
            1,
            tuple(Entry(one.key, one.technology, one.account, found.get((one.key, phase), "todo"), 60, False) for one in pairs),
            60,
            60,
        )
        for phase in phases
    )
    whole = {
        "execution_id": NAME,
        "execution_arn": f"arn:aws:dr-aws:{WEST}:111111111111:execution/{NAME}",
        "customer": "acme",
        "environment": "production",
        "operation": operation,
        "mode": "unplanned",
        "primary_region": EAST,
        "dr_region": WEST,
        "approval_mode": "required",
        "plan_sha256": "f" * 64,
        "created_by": "arn:aws:iam::111111111111:user/ada",
        "status": status,
        "started_at": START,
        "completed_at": None if ended is None else at(ended),
        "resource_count": len(pairs),
        "parameters": parameters.to_json(),
        "expected_seconds": 600,
        **(record or {}),
    }
    plan = Plan(parameters, tuple(pairs), batches, 600, sha256="f" * 64)
    shown = summary(whole, unfinished=[], audit=audit, approvals=approvals, debts=[], lock=None, now=epoch(at(20)))
    values = {"plan": plan, "plan_problem": "", "captured": {}, "calls": [], "audit_problems": [], "now": epoch(at(20)), **more}
    return Seen(status=shown, record=whole, results=results, audit=audit, debts=debts, region=WEST, **values)
