# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fact `dr_execution`, by which the tasks of a playbook know the execution. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from .lock import Held, Member
from .model import PHASES
from .plan import NOBODY, STAGES, Batch, Plan


def fact_of(
    plan: Plan, name: str = "", lock: Held | None = None, phases: Collection[str] = PHASES, caller: str = ""
) -> dict[str, Any]:
    """The fact: small values only, it is a variable of the run. An empty execution_id is check mode. phases: those to carry out.

    caller: the ARN of whoever runs this, for the audit trail.
    """
    already = {phase: sorted(plan.done(phase)) for phase in PHASES} | {"activate": sorted(plan.serving)}
    source = plan.parameters.source_region
    return {
        "execution_id": name,
        "fence": lock.fence if lock else 0,
        **({"slot": {"name": lock.slot.slot, "fence": lock.slot.fence}} if isinstance(lock, Member) else {}),
        "caller": caller,
        "plan_sha256": plan.sha256,
        "parameters": plan.parameters.to_json(),
        **stages([batch for batch in plan.batches if batch.phase in phases]),
        "already": already,
        "turned": [pair.key for pair in plan.pairs if pair.source_region != source],
    }


def stages(batches: Sequence[Batch]) -> dict[str, Any]:
    """The part of the fact that says what is carried out: {hosts, serial}, for the plays of each stage."""
    found: dict[str, list[Batch]] = {
        stage: [batch for batch in batches if (batch.stage or batch.phase) == stage] for stage in STAGES
    }
    hosts = {stage: [entry.key for one in these for entry in one.entries] or list(NOBODY) for stage, these in found.items()}
    return {"hosts": hosts, "serial": {stage: [len(one.entries) for one in these] or [1] for stage, these in found.items()}}


def whole(execution: Mapping[str, Any]) -> Mapping[str, Any]:
    """{hosts, serial} of all that the execution carries out, where the run carries out a part of it."""
    found: Mapping[str, Any] = execution.get("whole") or execution
    return found
