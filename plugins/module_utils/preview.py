# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan would do now, resource by resource: the engine's own decisions, stopped before the first mutating call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from .adapters.base import Adapter, Cloud
from .drills import reconciler
from .engine import Engine, Result
from .model import Goal, Pair
from .plan import Plan
from .store import MemoryJournal

#: Phase -> pair key -> how it would go.
Preview: TypeAlias = "dict[str, dict[str, Result]]"
#: What a drill is called that nobody has started.
NO_DRILL = "preview"


def preview(cloud: Cloud, plan: Plan, captured: Mapping[str, Mapping[str, Any]], parallelism: int = 10) -> Preview:
    """Describe calls only. A result is done, would_change (with the first call), blocked, deferred or failed; or not_yet, where
    the phase before has to be carried out first."""
    parameters = plan.parameters
    adapter = reconciler(parameters.operation)
    goals = {
        pair.key: Goal(_pair(pair, plan), parameters.mode, parameters.cleanup_policy, captured=captured.get(pair.key, {}))
        for pair in plan.pairs
    }
    found: Preview = {}
    for phase in parameters.phases:
        keys = [key for batch in plan.of(phase) for key in batch.todo]
        ready = [key for key in keys if _ready(phase, goals[key].pair, plan, found, adapter)]
        engine = Engine(cloud, MemoryJournal(), parallelism=parallelism, check_mode=True, adapter=adapter)
        decided = engine.run(phase, [goals[key] for key in ready])
        waiting = {key: Result(key, phase, "not_yet", why="decided once the phase before it is done") for key in keys}
        done = {key: Result(key, phase, "done", outputs={"already": True}) for key in plan.done(phase)}
        found[phase] = {**waiting, **done, **decided}
    return found


def _ready(phase: str, pair: Pair, plan: Plan, found: Preview, adapter: Callable[[str], Adapter]) -> bool:
    """Whether what has to be done before holds already, so that the phase can be decided now."""
    if phase == "instantiate":
        return True
    if phase == "activate":
        stands = found.get("instantiate", {}).get(pair.key)
        return stands.status == "done" if stands else "instantiate" not in adapter(pair.technology).phases
    return pair.key in plan.serving


def _pair(pair: Pair, plan: Plan) -> Pair:
    return replace(pair, settings={**pair.settings, "drill_id": NO_DRILL}) if plan.parameters.drill else pair


def to_json(found: Preview) -> dict[str, dict[str, dict[str, Any]]]:
    """JSON values: {phase: {key: {status, why, remedy, call}}}. call: the first mutating one, or None."""
    return {
        phase: {
            key: {
                "status": result.status,
                "why": result.why,
                "remedy": result.remedy,
                "call": dict(result.calls[0]) if result.calls else None,
            }
            for key, result in results.items()
        }
        for phase, results in found.items()
    }
