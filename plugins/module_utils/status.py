# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an execution stands, for people and programs (FR-2.2): pure, from what the store holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .dynamo import epoch, utc
from .objectives import objectives_met

_UNFINISHED = ("blocked", "failed")


def summary(
    execution: Mapping[str, Any],
    *,
    unfinished: Sequence[Mapping[str, Any]],
    audit: Sequence[Mapping[str, Any]],
    approvals: Sequence[Mapping[str, Any]],
    debts: Sequence[Mapping[str, Any]],
    lock: Mapping[str, Any] | None,
    now: float,
    objectives: Mapping[str, Any] | None = None,
    requests: Sequence[Mapping[str, Any]] = (),
    truncated: Sequence[str] = (),
    rolled_back: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """All outputs of FR-2.2 and DR-1, JSON values. objectives: a tally, as `objectives_met` takes it; rto: None without.

    truncated: of which lists not everything was read: phases, or names of lists. counts has all resources, and
    failed_resources_count, where lists are truncated, those of the phase that has most of them. completed_resources counts the
    current phase, progress_percentage all phases of the plan. failed_resources holds each resource with phase, status (failed or
    blocked), why, remedy and impact; deferred and skipped likewise. requests: of people
    (`interventions`). reason: why it is PAUSED or CANCELLED, or what was rolled back. interrupted: RUNNING or PENDING, but nobody
    renews its lease: its runner died. resume: the command that goes on, that commits an execution within its undo window, or that
    removes a cancelled drill's copies. rolled_back: resources of which ACTIVATE was taken back and not done again.
    estimated_completion_time: None when nothing is known of durations, or when it has ended.
    """
    counts: Mapping[str, Mapping[str, int]] = execution.get("counts") or {}
    already: Mapping[str, int] = execution.get("already") or {}
    planned: Mapping[str, Mapping[str, int]] = execution.get("planned") or {}
    phase = execution.get("current_phase")
    status = execution["status"]
    done = counts.get(phase, {}).get("done", 0) + already.get(phase, 0) if phase else 0
    failed = [entry for entry in unfinished if entry["status"] in _UNFINISHED]
    holds = lock is not None and lock["execution_id"] == execution["execution_id"]
    interrupted = status in ("PENDING", "RUNNING") and not holds
    share = progress(planned, already, counts)
    ended = status in ("COMPLETED", "CANCELLED", "FAILED")
    return {
        "execution_id": execution["execution_id"],
        "execution_arn": execution["execution_arn"],
        "customer": execution["customer"],
        "environment": execution["environment"],
        "operation": execution.get("operation"),
        "mode": execution.get("mode"),
        "primary_region": execution.get("primary_region"),
        "dr_region": execution.get("dr_region"),
        "plan_sha256": execution.get("plan_sha256"),
        "earlier_plans": execution.get("earlier_plans", []),
        "created_by": execution.get("created_by"),
        "status": status,
        "interrupted": interrupted,
        "reason": execution.get("reason"),
        "resume": _next(execution, interrupted, now),
        "uncommitted_until": execution["uncommitted_until"] if uncommitted(execution, now) else None,
        "committed": execution.get("committed"),
        "current_phase": phase,
        "current_wave": execution.get("current_wave"),
        "resource_count": execution.get("resource_count", 0),
        "completed_resources": done,
        "failed_resources_count": _failed_count(failed, counts, truncated),
        "failed_resources": failed,
        "deferred": [entry for entry in unfinished if entry["status"] == "deferred"],
        "skipped": [entry for entry in unfinished if entry["status"] == "skipped"],
        "rolled_back": list(rolled_back),
        "rollbacks": execution.get("rollbacks", []),
        "debts": list(debts),
        "counts": counts,
        "progress_percentage": 100 if status == "COMPLETED" else int(100 * share),
        "started_at": execution["started_at"],
        "completed_at": execution.get("completed_at"),
        "estimated_completion_time": None if ended else estimate(execution, share, now),
        "clocks": clocks(execution, audit),
        "rto": None if objectives is None else objectives_met(execution, objectives, now),
        "estimated_saving_usd_per_month": execution.get("estimated_saving_usd_per_month"),
        "estimated_copies": execution.get("estimated_copies"),
        "approvals": list(approvals),
        "requests": list(requests),
        "timeline": [
            {"at": entry["at"], "event": entry["event_type"], "actor": entry["actor"], "detail": entry["detail"]} for entry in audit
        ],
        "truncated": list(truncated),
        "runner": lock["runner"] if holds and lock else None,
    }


def _failed_count(failed: Sequence[Mapping[str, Any]], counts: Mapping[str, Mapping[str, int]], truncated: Sequence[str]) -> int:
    seen = len({entry["resource"] for entry in failed})
    return max([seen, *(sum(counts.get(phase, {}).get(status, 0) for status in _UNFINISHED) for phase in truncated)])


def progress(
    planned: Mapping[str, Mapping[str, int]], already: Mapping[str, int], counts: Mapping[str, Mapping[str, int]]
) -> float:
    """The share of the plan that has ended, one way or another, 0 to 1. A pair's phase is the unit."""
    total = sum(sum(waves.values()) for waves in planned.values())
    ended = sum(
        min(sum(waves.values()), sum(counts.get(phase, {}).values()) + already.get(phase, 0)) for phase, waves in planned.items()
    )
    return ended / total if total else 0.0


def estimate(execution: Mapping[str, Any], share: float, now: float) -> str | None:
    """When it will probably end: what is left of the plan's expected duration, or at the pace so far."""
    elapsed = max(0.0, now - epoch(execution["started_at"]))
    expected = execution.get("expected_seconds") or (elapsed / share if share else 0)
    return utc(now + (1 - share) * expected) if expected else None


def clocks(execution: Mapping[str, Any], audit: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How long a recovery took, in seconds; None for what is not known (yet).

    detected_seconds: from when people say the disaster began to be seen (`detected_at`) to the frozen plan. decided_seconds: from
    there to the first ACTIVATE wave, with its approval and INSTANTIATE. executed_seconds: from there to the end of the last
    ACTIVATE wave so far. total_seconds: all of it. audit: entries {at, event_type, detail}, oldest first; they are needed of an
    execution that does not have the two times itself (`Journal.progress`).
    """
    waves = [entry for entry in audit if entry["detail"].get("phase") == "activate"]
    begun_at = execution.get("activate_begun_at") or next(
        (entry["at"] for entry in waves if entry["event_type"] == "wave_started"), None
    )
    ended_at = execution.get("activate_ended_at") or next(
        (entry["at"] for entry in reversed(waves) if entry["event_type"] == "wave_ended"), None
    )
    begun, ended = (epoch(at) if at else None for at in (begun_at, ended_at))
    started, detected_at = epoch(execution["started_at"]), execution.get("detected_at")
    detected = epoch(detected_at) if detected_at else None
    return {
        "detected_at": detected_at,
        "detected_seconds": _between(detected, started),
        "decided_seconds": _between(started, begun),
        "executed_seconds": _between(begun, ended),
        "total_seconds": _between(started if detected is None else detected, ended),
    }


def _between(first: float | None, last: float | None) -> float | None:
    return None if first is None or last is None else max(0.0, last - first)


def _next(execution: Mapping[str, Any], interrupted: bool, now: float) -> str | None:
    if undoing(execution) and (interrupted or execution["status"] == "FAILED"):
        return rollback_command(execution)
    if uncommitted(execution, now) and execution["status"] != "CANCELLED":
        return commit_command(execution)
    if interrupted:
        return resume_command(execution)
    if removed(execution):
        return None
    if execution["status"] == "CANCELLED" and execution.get("operation") == "test":
        return cleanup_command(execution)
    return resume_command(execution) if execution["status"] in ("FAILED", "PAUSED") else None


def removed(execution: Mapping[str, Any]) -> bool:
    """Whether it is a drill whose copies are all removed: nothing is left that could be resumed."""
    cleaned = (execution.get("counts") or {}).get("cleanup", {})
    return execution.get("operation") == "test" and cleaned.get("done", 0) == execution.get("resource_count")


def leaving(executions: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those that are drills which may have left something: everything of them but what is known to be removed."""
    return [one for one in executions if one.get("operation") == "test" and one["status"] != "COMPLETED" and not removed(one)]


def cleanup_command(execution: Mapping[str, Any]) -> str:
    """The command that removes the copies of a drill."""
    return f"{resume_command(execution)} -e cleanup=true"


def resume_command(execution: Mapping[str, Any]) -> str:
    """The command that goes on with an execution."""
    playbook = execution.get("operation") or "failover"
    return f"ansible-playbook dr.aws.{playbook} -e execution_id={execution['execution_id']}"


def uncommitted(execution: Mapping[str, Any], now: float) -> bool:
    """Whether its undo window is open. now: epoch seconds."""
    until = execution.get("uncommitted_until")
    return bool(until) and not execution.get("committed") and now < epoch(str(until))


def undoing(execution: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Its rollback that was begun and has not ended, as it is recorded (`rollback.begin`); None when there is none."""
    last = (execution.get("rollbacks") or [None])[-1]
    return last if last and last["state"] == "open" else None


def commit_command(execution: Mapping[str, Any]) -> str:
    """The command that commits what an execution has activated."""
    return f"ansible-playbook dr.aws.commit -e execution_id={execution['execution_id']}"


def rollback_command(execution: Mapping[str, Any]) -> str:
    """The command that takes back what an execution has activated."""
    return f"ansible-playbook dr.aws.rollback -e execution_id={execution['execution_id']}"


def regions(execution: Mapping[str, Any]) -> str:
    """From where to where an execution goes, for people; a reprotection goes each resource's way."""
    primary, other = execution["primary_region"], execution["dr_region"]
    if execution["operation"] == "reprotect":
        return f"{primary} and {other}"
    return f"{other} -> {primary}" if execution["operation"] == "failback" else f"{primary} -> {other}"


def reprotect_command(execution: Mapping[str, Any]) -> str:
    """The command that settles fence debts and protects again what an execution has moved."""
    asked = ("customer", "environment", "primary_region", "dr_region")
    return "ansible-playbook dr.aws.reprotect " + " ".join(f"-e {name}={execution[name]}" for name in asked)
