# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An execution's end as lines for a person: how it went, what failed and why, what is left, what to run next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils.status import regions, reprotect_command
from ansible_collections.dr.aws.plugins.module_utils.words import duration

#: How many fence debts are named.
NAMED = 5
#: What costs less is not said as a number.
CENT = 0.01
COLOURS = {"COMPLETED": "green", "FAILED": "red", "PAUSED": "yellow", "CANCELLED": "yellow"}


def lines(summary: Mapping[str, Any], elapsed_seconds: float) -> Iterator[tuple[str, str | None]]:
    """(text, colour) per line. summary: as `Store.status` gives it."""
    what = f"{summary['operation']} ({summary['mode']}) of {summary['customer']}/{summary['environment']}"
    yield f"{summary['status']}: {what}, {regions(summary)}, {summary['execution_id']}", COLOURS.get(summary["status"])
    yield (
        f"  {summary['resource_count']} resources, {duration(elapsed_seconds)}, {summary['progress_percentage']} % of the plan",
        None,
    )
    if summary["operation"] != "test":  # of copies they would say nothing
        if said := ", ".join(_clocks(summary["clocks"])):
            yield f"  {said}", None
        if summary["rto"]:
            yield from _objectives(summary["rto"])
    for phase, counts in summary["counts"].items():
        said = ", ".join(f"{number} {status}" for status, number in sorted(counts.items()))
        yield f"  {phase:<12} {said or 'nothing was left to do'}", None
    saving = summary["estimated_saving_usd_per_month"]
    if saving:
        yield f"  estimated saving: about USD {saving:,} a month (estimate: docs/costs.md)", None
    if summary["estimated_copies"]:
        yield _copies(summary["estimated_copies"]), None
    for entry in summary["failed_resources"]:
        optional = ", optional" if entry.get("impact") == "optional" else ""
        yield f"  {entry['status']:<9} {entry['resource']} ({entry['phase']}{optional}): {entry.get('why', '')}", "red"
        if entry.get("remedy"):
            yield f"            next: {entry['remedy']}", None
    if summary["uncommitted_until"]:
        yield f"  uncommitted until {summary['uncommitted_until']}: commit, roll back, or resume it after that", "yellow"
    for entry in summary["rolled_back"]:
        yield f"  back      {entry['resource']}: it was rolled back, and serves in its source", "yellow"
    for entry in summary["skipped"]:
        yield f"  skipped   {entry['resource']} ({entry['phase']}): {entry.get('why', '')}", "yellow"
    deferred = summary["deferred"]
    if deferred:
        phases = ", ".join(sorted({entry["phase"] for entry in deferred}))
        yield (
            f"  deferred: {phases} of {len({entry['resource'] for entry in deferred})} resources: {deferred[0].get('why', '')}",
            "yellow",
        )
        yield f"            next, when the region answers: {reprotect_command(summary)}", None
    debts = summary["debts"]
    for debt in debts[:NAMED]:
        yield f"  fence debt: {debt['resource']}: {debt['text']}", "yellow"
    if len(debts) > NAMED:
        yield f"  fence debt: and {len(debts) - NAMED} more, all in the status", "yellow"
    if debts:
        yield f"            they are settled, once the region answers, by {reprotect_command(summary)}", None
    if summary["resume"]:
        yield f"  next: {summary['resume']}", None


def _copies(copies: Mapping[str, Any]) -> str:
    """What a drill's copies cost while they stand, and of which of them that is not known."""
    cost, said = copies["usd_per_hour"], []
    if cost is not None:
        about = f"about USD {cost:,.2f}" if cost >= CENT else "less than USD 0.01"
        said.append(f"{about} an hour while they stand (estimate: docs/costs.md)")
    if copies["unknown_count"]:
        more = copies["unknown_count"] - len(copies["unknown"])
        named = ", ".join([*copies["unknown"], *([f"{more} more"] if more else [])])
        said.append(f"not known for {copies['unknown_count']} of {copies['copies']}: {named}")
    return f"  what copies cost: {'; '.join(said)}"


def _clocks(clocks: Mapping[str, Any]) -> Iterator[str]:
    """The clocks that are known."""
    said = {
        "detected_seconds": "begun {} after it was detected",
        "decided_seconds": "decided in {}",
        "executed_seconds": "executed in {}",
        "total_seconds": "{} in total until the target served",
    }
    for name, text in said.items():
        if clocks[name] is not None:
            yield text.format(duration(clocks[name]))


def _objectives(rto: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    """How many recovery time objectives were met, and which were not."""
    said = [f"{rto[name]} {text}" for name, text in {"met": "met", "missed": "missed", "open": "not served"}.items() if rto[name]]
    if said:
        yield f"  recovery time objectives: {', '.join(said)}", "yellow" if rto["missed"] else None
    for one in rto["missed_resources"]:
        took = f"served after {duration(one['seconds'])}" if one["seconds"] is not None else "does not serve"
        yield f"    missed: {one['resource']}: {took}, objective {duration(one['rto_seconds'])}", "yellow"
    if rto["missed"] > len(rto["missed_resources"]):
        yield f"    missed: and {rto['missed'] - len(rto['missed_resources'])} more", "yellow"
