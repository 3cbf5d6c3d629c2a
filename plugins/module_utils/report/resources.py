# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report says of each resource: its phases, its time against RTO and RPO, or the copy that a drill made of it. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..dynamo import epoch
from ..engine import ROLLBACK
from ..model import Pair
from ..plan import REVERSIBLE, Plan
from .reading import Seen

#: Worst first: what a resource is called whose phases ended differently.
SEVERITY: Final = ("failed", "blocked", "deferred", "skipped", "not_reached", "done", "held")


def resources(seen: Seen, savings: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """All resources of the plan, in its order. Without a plan: those that something is recorded of."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for result in seen.results:  # what was done and then found ill comes second
        found[result["key"], result["phase"]] = result
    calls = Counter((one["key"], one["phase"]) for one in seen.calls if one["outcome"] != "rejected")
    begun = _begun(seen.audit)
    keys = [pair.key for pair in seen.plan.pairs] if seen.plan else sorted({key for key, _phase in found})
    pairs = {pair.key: pair for pair in seen.plan.pairs} if seen.plan else {}
    states = _states(seen.plan)
    planned = list(seen.plan.parameters.phases) if seen.plan else sorted({phase for _key, phase in found} - {ROLLBACK})
    planned += [ROLLBACK] if any(phase == ROLLBACK for _key, phase in found) else []
    shown = []
    for key in keys:
        phases = []
        for phase in planned:
            if (key, phase) in found or (key, phase) in states:
                wave = pairs[key].wave if key in pairs else None
                entry = _phase(phase, found.get((key, phase)), states.get((key, phase)), begun.get((phase, wave)))
                phases.append({**entry, "calls": calls[key, phase]})
        shown.append(_resource(seen, key, pairs.get(key), phases) | {"saving": savings.get(key)})
    return shown


def _states(plan: Plan | None) -> dict[tuple[str, str], str]:
    """(pair key, phase) -> what the plan found: todo, done or deferred."""
    return {(entry.key, batch.phase): entry.state for batch in (plan.batches if plan else ()) for entry in batch.entries}


def _begun(audit: Sequence[Mapping[str, Any]]) -> dict[tuple[str, int | None], str]:
    """(phase, wave) -> when it began last."""
    found: dict[tuple[str, int | None], str] = {}
    for entry in audit:
        if entry["event_type"] == "wave_started":
            detail = entry["detail"]
            found.update({(detail.get("phase", ""), wave): entry["at"] for wave in detail.get("waves", ())})
    return found


def _phase(phase: str, result: Mapping[str, Any] | None, planned: str | None, begun: str | None) -> dict[str, Any]:
    """One phase of one resource. What holds already is not looked at by an execution, and has no result."""
    if result is None:
        status = "held" if planned == "done" else "not_reached"
        return {"phase": phase, "status": status, "ended_at": None, "seconds": None, "why": "", "remedy": "", "outputs": {}}
    seconds = result.get("seconds")
    if seconds is None and begun is not None:
        seconds = max(0.0, epoch(result["at"]) - epoch(begun))
    return {
        "phase": phase,
        "status": result["status"],
        "ended_at": result["at"],
        "seconds": None if seconds is None else round(float(seconds), 1),
        "why": result.get("why") or "",
        "remedy": result.get("remedy") or "",
        "outputs": dict(result.get("outputs") or {}),
    }


def _resource(seen: Seen, key: str, pair: Pair | None, phases: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    drill = seen.record.get("operation") == "test"
    by_phase = {one["phase"]: one for one in phases}
    statuses = {one["status"] for one in phases}
    known = ("technology", "account", "wave", "priority", "impact", "source_id", "target_id")
    return {
        "resource": key,
        **{name: getattr(pair, name, None) for name in known},
        "status": next((one for one in SEVERITY if one in statuses), "not_reached"),
        "rto": None if drill or pair is None else _rto(seen, pair, by_phase),
        "rpo": None if drill or pair is None else _rpo(seen, pair, by_phase),
        "copy": _copy(seen, by_phase) if drill else None,
        "phases": list(phases),
    }


def _served_after(seen: Seen, phases: Mapping[str, Mapping[str, Any]]) -> float | None:
    """Seconds from the start of the execution until it served; None when it does not."""
    activate = phases.get("activate", {})
    return epoch(activate["ended_at"]) - epoch(seen.record["started_at"]) if activate.get("status") == "done" else None


def _rto(seen: Seen, pair: Pair, phases: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Its time against `dr:rto-target`, counted as `status.objectives_met` does; state: met, missed, open (not served, and in time
    until now), held (it served before), none (no objective)."""
    seconds, started = _served_after(seen, phases), epoch(seen.record["started_at"])
    detected = seen.record.get("detected_at")
    ended = seen.record.get("completed_at")
    elapsed = max(0.0, (epoch(ended) if ended else seen.now) - started)
    return {
        "objective_seconds": pair.rto_seconds,
        "seconds": seconds,
        "since_detected_seconds": seconds + started - epoch(detected) if seconds is not None and detected else None,
        "state": _judged(pair.rto_seconds, seconds, elapsed, phases.get("activate", {}).get("status")),
    }


def _judged(objective: int | None, seconds: float | None, elapsed: float, activate: str | None) -> str:
    if activate in (None, "held") or not objective:
        return "held" if activate == "held" else "none"
    if (elapsed if seconds is None else seconds) > objective:
        return "missed"
    return "open" if seconds is None else "met"


def _rpo(seen: Seen, pair: Pair, phases: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What had not arrived when it was last looked at before the promotion, against `dr:rpo-target`.

    state: met, missed, unknown (nothing tells how far the target was behind), open (not activated), held, none (it has no data of
    its own). lag_at_readiness_seconds says how it was when all was well, and judges nothing.
    """
    lag, seen_in = None, None
    for phase in ("activate", "instantiate"):
        value = phases.get(phase, {}).get("outputs", {}).get("lag_seconds")
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:  # negative: it does not replicate
            lag, seen_in = value, phase
            break
    activate = phases.get("activate", {}).get("status")
    if activate in (None, "held"):
        state = activate or "none"
    elif pair.technology in REVERSIBLE:
        state = "none"
    elif activate != "done":
        state = "open"
    else:
        state = "unknown" if lag is None else "met" if lag <= pair.rpo_seconds else "missed"
    return {
        "objective_seconds": pair.rpo_seconds,
        "lag_seconds": lag,
        "seen_in": seen_in,
        "lag_at_readiness_seconds": seen.captured.get(pair.key, {}).get("lag_seconds"),
        "state": state,
    }


def _copy(seen: Seen, phases: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What a drill made of it: which copy, how soon it served, of which data, what it does not prove, whether it is gone."""
    outputs: dict[str, Any] = defaultdict(lambda: None)
    for phase in ("instantiate", "activate"):
        outputs.update(phases.get(phase, {}).get("outputs", {}))
    activate, cleanup = phases.get("activate", {}), phases.get("cleanup", {})
    return {
        "copy": outputs["copy"],
        "served_after_seconds": _served_after(seen, phases),
        "data_from": outputs["data_from"],
        "not_proven": list(outputs["not_proven"] or ()),
        "proven": activate.get("status") == "done" and cleanup.get("status") == "done",
        "removed": cleanup.get("status") == "done",
    }
