# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long phases took in earlier executions: what plans expect of the next one, instead of the adapters' guesses."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from statistics import median
from typing import Final, TypeAlias

from .plan import Plan
from .store import Store

#: Technology -> phase -> seconds of the executions before, oldest first.
Samples: TypeAlias = "dict[str, dict[str, list[float]]]"
#: So many of the newest are kept of each.
KEPT: Final = 50


def fold(kept: Samples, took: Iterable[tuple[str, str, float]]) -> Samples:
    """The samples with new ones: (technology, phase, seconds)."""
    folded = {technology: {phase: list(seconds) for phase, seconds in phases.items()} for technology, phases in kept.items()}
    for technology, phase, seconds in took:
        row = folded.setdefault(technology, {}).setdefault(phase, [])
        row.append(round(seconds, 1))
        del row[:-KEPT]
    return folded


def expected(defaults: Mapping[str, Mapping[str, int]], samples: Samples) -> dict[str, dict[str, int]]:
    """Technology -> phase -> seconds: the median of what it took before, the default where it never ran."""
    return {
        technology: {
            phase: round(median(samples[technology][phase])) if samples.get(technology, {}).get(phase) else seconds
            for phase, seconds in phases.items()
        }
        for technology, phases in defaults.items()
    }


def recall(store: Store, customer: str, environment: str, operation: str) -> Samples:
    """What is kept of a customer's executions of one operation; {} before the first."""
    item = store.table.get(*_key(customer, environment, operation))
    kept: Samples = json.loads(item["samples"]) if item else {}
    return kept


def recalled(store: Store, customer: str, environment: str, operation: str) -> Samples:
    """What to rehearse an operation with: its own executions', and where a phase has none, those of failovers."""
    found = recall(store, customer, environment, "failover")
    for technology, phases in recall(store, customer, environment, operation).items():
        found[technology] = {**found.get(technology, {}), **phases}
    return found


def learn(store: Store, execution_id: str, plan: Plan) -> None:
    """Adds what an execution did: of every phase that changed something and was done, how long it took.

    To be called while the execution holds the lock: nobody else writes then.
    """
    technologies = {pair.key: pair.technology for pair in plan.pairs}
    took = []
    for phase in plan.parameters.phases:
        for item in store.table.query(f"EXEC#{execution_id}", f"P#{phase}#D#"):
            body = store.body(item["body"])
            if body.get("changed") and item["key"] in technologies:
                took.append((technologies[item["key"]], phase, float(body["seconds"])))
    parameters = plan.parameters
    scope = (parameters.customer, parameters.environment, parameters.operation)
    pk, sk = _key(*scope)
    store.table.put({"PK": pk, "SK": sk, "samples": json.dumps(fold(recall(store, *scope), took), sort_keys=True)})


def _key(customer: str, environment: str, operation: str) -> tuple[str, str]:
    return f"CUST#{customer}#{environment}", f"DURATIONS#{operation}"
