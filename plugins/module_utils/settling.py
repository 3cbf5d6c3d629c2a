# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fence debts when an execution is resumed: what it has moved while the source did not answer is fenced before it goes on.

A plan settles the debts of before (`plan.build`). An execution that stops half-way owes some of its own, and the region that was
left may answer again by the time it is resumed: alive, writable, with its clients.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Final

from . import homecoming
from .adapters.base import Cloud
from .model import Active
from .plan import STAGES, Batch, Entry, Gate, Plan, refuse_both
from .store import Store
from .survey import survey

STAGE: Final = "settle"
#: Of the record of an execution: the keys of those that were, or are, fenced first.
FIELD: Final = "settled_first"


def due(store: Store, cloud: Cloud, plan: Plan, dark: Collection[tuple[str, str]]) -> list[str]:
    """Keys of the plan's pairs that owe a fence, serve in their target, and whose source may answer: describe calls only.

    dark: (account, region) that does not answer now. Nothing where CLEANUP, which settles them, is not asked for. PlanError when
    both sides of one serve, and neither can be told to be the right one.
    """
    if STAGES[STAGE] not in plan.parameters.phases or plan.parameters.drill:
        return []
    owed = homecoming.owing(store, plan.parameters.customer, plan.parameters.environment)
    asked = [pair for pair in plan.pairs if pair.key in owed and (pair.account, pair.source_region) not in dark]
    looks = survey(cloud, asked, plan.parameters.parallelism)
    refuse_both([key for key, look in looks.items() if look.active is Active.BOTH], plan.parameters)
    return [pair.key for pair in asked if looks[pair.key].active is Active.TARGET]


def kept(record: Mapping[str, Any], more: Collection[str] = ()) -> list[str]:
    """Keys of what an execution settles before everything else, with those that come to it."""
    return sorted({*record.get(FIELD, ()), *more})


def first(plan: Plan, keys: Collection[str]) -> Plan:
    """The plan with the CLEANUP of these pairs before everything else. Its hash stays: the same is done, in another order.

    An approval that their CLEANUP needs is asked for there.
    """
    settled: dict[int, list[Entry]] = defaultdict(list)
    gates: dict[int, Gate | None] = {}
    rest: list[Batch] = []
    for batch in plan.batches:
        moved = [entry for entry in batch.entries if batch.phase == STAGES[STAGE] and entry.key in keys]
        if batch.stage == STAGE or not moved:
            rest.append(batch)
            continue
        settled[batch.wave] += [replace(entry, state="todo") for entry in moved]
        gates[batch.wave] = batch.gate and replace(batch.gate, name=f"{STAGE}-wave-{batch.wave:02d}")
        if left := tuple(entry for entry in batch.entries if entry not in moved):
            rest.append(replace(batch, entries=left))
    before = [batch for batch in rest if batch.stage == STAGE]
    added = [Batch(STAGES[STAGE], wave, tuple(settled[wave]), 0, 0, gate=gates[wave], stage=STAGE) for wave in sorted(settled)]
    return replace(plan, batches=(*before, *added, *(batch for batch in rest if batch.stage != STAGE)))
