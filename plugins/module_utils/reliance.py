# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a plan may stand on the readiness snapshot, and what to say of it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from . import drift, snapshot
from .parameters import Facts, Parameters
from .plan import PlanError
from .snapshots import Kept

ACCEPT: Final = "-e accept_snapshot=true goes on with it"
RESTORE: Final = "ansible-playbook dr.aws.readiness -e restore_snapshot=<time>"
#: How many changes since the snapshot a plan names.
NAMED: Final = 10


def rely(kept: Kept | None, facts: Facts, parameters: Parameters, now: float) -> tuple[Facts, list[str]]:
    """(the facts to plan with, warnings). kept: the newest snapshot of the plan's customer and environment. now: epoch seconds.

    PlanError for a snapshot that was changed, and for one that is too old where a region is dark, so that nothing else tells what
    was there; unless `accept_snapshot` says that it may be used.
    """
    accepted, said = parameters.accept_snapshot, []
    for problem in _problems(kept, facts, parameters):
        if not accepted:
            remedy = f"see who changed it; {RESTORE} puts an earlier one in its place; {ACCEPT}, unverified"
            raise PlanError(f"the readiness snapshot is not used: {problem}", remedy)
        said.append(f"the readiness snapshot is used unverified: {problem}")
    if accepted and facts.unverified:
        facts = replace(facts, complete=True)
    if kept and kept.body:
        hours = snapshot.age_seconds(kept.body, datetime.fromtimestamp(now, UTC)) / 3600
        if hours > parameters.snapshot_max_age_hours:
            made = kept.body["created_at"]
            text = f"the readiness snapshot is {_age(hours)} old (of {made}), more than {parameters.snapshot_max_age_hours} h"
            if facts.stale and not accepted:
                dark = ", ".join(sorted({region for _account, region in facts.stale}))
                text += f", and nothing else tells what {dark}, which does not answer, held"
                raise PlanError(text, f"see what changed since; {ACCEPT}, -e snapshot_max_age_hours=… sets the limit")
            said.append(text)
    return facts, said


def drifted(kept: Kept | None, hosts: Mapping[str, Mapping[str, Any]], missing: Collection[str]) -> list[str]:
    """Warnings: what of the inventory is not as the snapshot has it.

    hosts: those of the plan's customer and environment, as far as they are in the run. missing: what the inventory did not find.
    """
    if kept is None or not kept.body:
        return []
    compared = drift.compare(kept.body, snapshot.resources(hosts))
    changes = [change for change in compared if change.what != "gone" or change.resource in missing]
    more = [f"{len(changes) - NAMED} more changes since the snapshot"] if len(changes) > NAMED else []
    return [f"since the snapshot of {kept.at}: {change}" for change in changes[:NAMED]] + more


def _problems(kept: Kept | None, facts: Facts, parameters: Parameters) -> list[str]:
    """What is wrong with what is stored, or with what the inventory took for it while a region is dark."""
    if kept and kept.problem:
        return [kept.problem]
    name = f"{parameters.customer}/{parameters.environment}"
    if facts.stale and name in facts.unverified:
        return [facts.unverified[name]]
    used = facts.snapshots.get(name)
    if kept and facts.stale and used not in (None, kept.body["sha256"]):
        return [f"the inventory read another snapshot of {name} than the one that was stored last, of {kept.at}"]
    return []


def _age(hours: float) -> str:
    return f"{hours:.0f} h" if hours < 72 else f"{hours / 24:.0f} days"
