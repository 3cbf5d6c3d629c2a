# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rehearsal found: as JSON values for programs, and as lines for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils.model import Goal
from ansible_collections.dr.aws.plugins.module_utils.redact import mask
from ansible_collections.dr.aws.plugins.module_utils.words import duration

from .durations import Durations
from .held import Held, Wave, stopping

#: How a resource may end a phase without anything to be done about it.
GOOD = ("done", "skipped")
#: What is only counted on the screen.
SAID = {
    "deferred": "deferred until the region answers, when dr.aws.reprotect does it",
    "DEGRADED": "would be DEGRADED, which stops nothing",
}
#: So many resources are named on the screen besides those that are late; all are in the report.
NAMED = 20


def report(held: Held, durations: Durations, snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """Everything but the list of calls (`calls`). Times in simulated seconds since it began."""
    goals = {pair.key: Goal(pair) for pair in held.plan.pairs}
    served = _served(held)
    names = Counter(f"{call['service']}:{call['operation']}" for call in held.calls if call["mutating"])
    found: dict[str, Any] = {
        "simulated": True,
        "snapshot_created_at": snapshot["created_at"],
        "parameters": held.parameters.to_json(),
        "seconds": round(held.seconds, 3),
        "waves": [_wave(wave, held, goals, served) for wave in held.waves],
        "resources": [_resource(key, held, served) for key in goals],
        "findings": list(_findings(held)),
        "calls": {
            "changing": dict(sorted(names.items())),
            "describing": sum(1 for call in held.calls if not call["mutating"]),
        },
        "durations": list(_measured(held, durations)),
        "warnings": [*_warnings(held), *held.plan.warnings],
        "assumptions": list(held.world.assumptions),
        "left_out": dict(held.left_out),
    }
    stop = next((wave for wave in found["waves"] if wave["stops"]), None)
    return {**found, "stops_at": {name: stop[name] for name in ("phase", "wave", "stops")} if stop else None}


def calls(held: Held) -> Iterator[dict[str, Any]]:
    """Every changing call, in order, its secrets masked."""
    for call in held.calls:
        if call["mutating"]:
            names = ("seconds", "account", "region", "service", "operation", "params", "outcome")
            yield mask({name: call[name] for name in names})


def _served(held: Held) -> dict[str, float]:
    """Key -> when it served: at the end of its ACTIVATE."""
    return {
        key: wave.begins + result.seconds
        for wave in held.waves
        if wave.batch.phase == "activate"
        for key, result in wave.results.items()
        if result.status == "done"
    }


def _wave(wave: Wave, held: Held, goals: Mapping[str, Goal], served: Mapping[str, float]) -> dict[str, Any]:
    slowest = max(wave.results.values(), key=lambda result: result.seconds, default=None)
    targets = {key: goals[key].pair.rto_seconds for key in wave.results if wave.batch.phase == "activate"}
    known = [seconds for seconds in targets.values() if seconds is not None]
    return {
        "phase": wave.batch.phase,
        "wave": wave.batch.wave,
        "resources": len(wave.batch.entries),
        "counts": dict(Counter(result.status for result in wave.results.values())),
        "begins_seconds": round(wave.begins, 3),
        "seconds": round(wave.seconds, 3),
        "ends_seconds": round(wave.begins + wave.seconds, 3),
        "slowest": slowest.key if slowest and slowest.seconds else None,
        "rto_seconds": min(known, default=None),
        "late": [key for key, rto in targets.items() if rto is not None and served.get(key, rto + 1) > rto],
        "approval": wave.batch.gate.name if wave.batch.gate else None,
        "stops": stopping(wave, goals),
        "after_stop": wave.after_stop,
    }


def _resource(key: str, held: Held, served: Mapping[str, float]) -> dict[str, Any]:
    pair = next(pair for pair in held.plan.pairs if pair.key == key)
    after, rto = served.get(key), pair.rto_seconds
    return {
        "key": key,
        "technology": pair.technology,
        "wave": pair.wave,
        "phases": {
            wave.batch.phase: {"status": wave.results[key].status, "seconds": wave.results[key].seconds}
            for wave in held.waves
            if key in wave.results
        },
        "serves_after_seconds": None if after is None else round(after, 3),
        "rto_seconds": rto,
        "within_rto": None if rto is None or "activate" not in held.parameters.phases else after is not None and after <= rto,
    }


def _findings(held: Held) -> Iterator[dict[str, Any]]:
    """What would not be done: blocked, failed or deferred, and what would not be healthy."""
    for wave in held.waves:
        where = {"phase": wave.batch.phase, "wave": wave.batch.wave}
        for key, result in wave.results.items():
            if result.status not in GOOD:
                yield {**where, "key": key, "status": result.status, "why": result.why, "remedy": result.remedy}
        for key, health in wave.healths.items():
            if health.status != "HEALTHY":
                why = "; ".join(f"{check.name}: {check.detail}" for check in health.checks if not check.passed)
                yield {**where, "key": key, "status": health.status, "why": why, "remedy": "see the technology's page in docs"}


def _measured(held: Held, durations: Durations) -> Iterator[dict[str, Any]]:
    """Measured phases, and how long they took in the rehearsal."""
    took = held.took()
    for (technology, phase), measured in sorted(durations.phases.items()):
        if (technology, phase) in took:
            yield {
                "technology": technology,
                "phase": phase,
                "measured_seconds": measured.seconds,
                "source": measured.source,
                "rehearsed_seconds": round(took[technology, phase], 3),
            }


def _warnings(held: Held) -> Iterator[str]:
    for key, why in held.left_out.items():
        yield f"{key} was not rehearsed: {why}"
    gates = [wave.batch.gate.name for wave in held.waves if wave.batch.gate]
    if gates:
        yield f"{len(gates)} approvals are asked for ({', '.join(gates)}); the time that people take comes on top"


def lines(found: Mapping[str, Any], calls_file: str) -> Iterator[str]:
    """What `report` gave, for people. calls_file: where the list of calls is."""
    asked = found["parameters"]
    home = asked["operation"] == "failback"
    source, target = (asked[name] for name in (("dr_region", "primary_region") if home else ("primary_region", "dr_region")))
    how = f"{'failback, ' if home else ''}{asked['mode']}"
    yield (
        f"rehearsal of {asked['customer']}/{asked['environment']}, {how}, {source} to {target}, "
        f"snapshot of {found['snapshot_created_at']}. Everything is simulated; nothing of AWS was touched"
    )
    yield "timeline"
    for wave in found["waves"]:
        yield f"  {_wave_line(wave)}"
    yield f"  ends after {duration(found['seconds'])}"
    if found["stops_at"]:
        stop = found["stops_at"]
        yield f"a real run would STOP at {stop['phase']}, wave {stop['wave']}: {', '.join(stop['stops'][:5])}"
    yield from _rto_lines(found)
    bad = [one for one in found["findings"] if one["status"] not in SAID]
    yield f"would be blocked or fail: {len(bad) or 'nothing'}"
    for one in bad:
        yield f"  {one['status']:<9} {one['phase']} {one['key']}: {one['why']}. Next: {one['remedy']}"
    for status, said in SAID.items():
        some = Counter(one["phase"] for one in found["findings"] if one["status"] == status)
        if some:
            yield f"{said}: {', '.join(f'{phase} of {number}' for phase, number in some.items())}"
    yield f"calls that change something: {sum(found['calls']['changing'].values())}, listed in {calls_file}"
    for name, number in found["calls"]["changing"].items():
        yield f"  {number:>5}  {name}"
    yield f"calls that describe: {found['calls']['describing']}"
    for one in found["durations"]:
        measured, rehearsed = duration(one["measured_seconds"]), duration(one["rehearsed_seconds"])
        yield f"measured: {one['technology']} {one['phase']} {measured} ({one['source']}), rehearsed as {rehearsed}"
    for text in found["warnings"]:
        yield f"warning: {text}"
    for text in found["assumptions"]:
        yield f"assumed: {text}"


def _wave_line(wave: Mapping[str, Any]) -> str:
    counts = ", ".join(f"{number} {status}" for status, number in sorted(wave["counts"].items())) or "all hold already"
    target = f"; shortest target {duration(wave['rto_seconds'])}" if wave["rto_seconds"] is not None else ""
    late = f", {len(wave['late'])} LATE" if wave["late"] else ""
    slowest = f"; slowest {wave['slowest']}" if wave["slowest"] else ""
    after = " (only once repaired)" if wave["after_stop"] else ""
    took, ends = duration(wave["seconds"]), duration(wave["ends_seconds"])
    return f"{wave['phase']:<12} wave {wave['wave']:>2}  {took:>7}, ends after {ends:>7}: {counts}{slowest}{target}{late}{after}"


def _rto_lines(found: Mapping[str, Any]) -> Iterator[str]:
    judged = [one for one in found["resources"] if one["within_rto"] is not None]
    if not judged:
        return
    late = [one for one in judged if not one["within_rto"]]
    yield f"RTO: {len(judged) - len(late)} of {len(judged)} resources within dr:rto-target"
    for one in late:
        after = "does not serve" if one["serves_after_seconds"] is None else f"serves after {duration(one['serves_after_seconds'])}"
        yield f"  LATE wave {one['wave']:>2}  {one['key']}: {after}, target {duration(one['rto_seconds'])}"
    fine = sorted((one for one in judged if one["within_rto"]), key=lambda one: one["serves_after_seconds"] - one["rto_seconds"])
    for one in sorted(fine[-NAMED:], key=lambda one: (one["wave"], one["key"])):
        after, target = duration(one["serves_after_seconds"]), duration(one["rto_seconds"])
        yield f"  ok   wave {one['wave']:>2}  {one['key']}: serves after {after}, target {target}"
    if len(fine) > NAMED:
        yield f"  and {len(fine) - NAMED} more with more time to spare"
