# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as lines for a person: waves, times, approvals, warnings; with a preview also every resource."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from ansible_collections.dr.aws.plugins.module_utils.engine import Result
from ansible_collections.dr.aws.plugins.module_utils.errands.asked import errands
from ansible_collections.dr.aws.plugins.module_utils.plan import Batch, Plan
from ansible_collections.dr.aws.plugins.module_utils.preview import Preview
from ansible_collections.dr.aws.plugins.module_utils.rollback import foretold
from ansible_collections.dr.aws.plugins.module_utils.status import regions
from ansible_collections.dr.aws.plugins.module_utils.words import duration

STATES = {"todo": "to do", "done": "hold already", "deferred": "will be deferred"}
COLOURS = {"blocked": "red", "failed": "red", "deferred": "yellow"}


def lines(plan: Plan, preview: Preview | None = None, begin: datetime | None = None) -> Iterator[tuple[str, str | None]]:
    """(text, colour) per line. begin: when it would start, for the time of day at which waves end."""
    parameters = plan.parameters
    yield (
        f"plan {plan.sha256[:12]}: {parameters.operation} ({parameters.mode}) of {parameters.customer}/{parameters.environment}, "
        f"{regions(parameters.to_json())}, {len(plan.pairs)} resources, "
        f"about {duration(plan.expected_seconds)}",
        None,
    )
    for batch in plan.batches:
        yield _wave(batch, begin), None
        if batch.phase == "activate" and batch.todo and (text := foretold(plan, batch.wave)):
            yield f"      {text}", None
        for entry in batch.entries if preview is not None else ():
            result = preview[batch.phase].get(entry.key)
            label = "" if entry.state == "done" else " (one-way)" if entry.one_way else " (reversible)"
            yield f"      {entry.key}: {_said(result)}{label}", COLOURS.get(result.status) if result else None
    for errand in errands(parameters.hooks, parameters.business_checks):
        yield f"  {errand} ({errand.way}): {errand.moment}", None
    for warning in plan.warnings:
        yield f"  ! {warning}", "yellow"


def _wave(batch: Batch, begin: datetime | None) -> str:
    states = [entry.state for entry in batch.entries]
    parts = [f"{states.count(state)} {said}" for state, said in STATES.items() if state in states]
    end = f"ends after {duration(batch.finish_seconds)}"
    if begin is not None:
        end += f", at {begin.astimezone(UTC) + timedelta(seconds=batch.finish_seconds):%H:%M} UTC if it began now"
    if batch.todo:
        one_way = sum(entry.one_way for entry in batch.entries)
        end += f"; {one_way} one-way" if one_way else "; reversible"
    gate = f"; approval before it: {batch.gate.why}" if batch.gate else ""
    return f"  {batch.phase:<12} wave {batch.wave:>2}  {', '.join(parts)}; about {duration(batch.expected_seconds)}, {end}{gate}"


def _said(result: Result | None) -> str:
    if result is None or result.status == "done":
        return "holds already"
    if result.calls:
        call = result.calls[0]
        one_way = " (cannot be taken back)" if call["one_way"] else ""
        return f"{call['service']} {call['operation']} in {call['region']} first{one_way}: {call['why']}"
    remedy = f". Next: {result.remedy}" if result.remedy else ""
    return f"{result.status.replace('_', ' ')}: {result.why}{remedy}"
