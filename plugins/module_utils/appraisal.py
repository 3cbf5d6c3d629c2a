# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at what a readiness score counts besides what was captured: drills, quotas, permissions. Describe calls only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import drilled, permissions
from .capacity.outlook import outlook
from .engine import Result
from .model import Pair
from .parameters import Parameters
from .readiness import Captured
from .run import Control
from .score import Finding, Seen, findings
from .snapshots import Kept


def appraise(
    control: Control,
    parameters: Parameters,
    pairs: Sequence[Pair],
    found: Captured,
    unprepared: Mapping[str, Result],
    inventory: Mapping[str, Any],
    last: Kept | None,
) -> list[Finding]:
    """What keeps the environment from being ready, the worst first.

    inventory: the variable `dr_inventory`. last: the snapshot before this one.
    """
    leaving = [pair for pair in pairs if found.sides[pair.key] == "source"]
    roles = _roles(control)
    seen = Seen(
        pairs=pairs,
        now=control.store.clock(),
        captured=found.captured,
        sides=found.sides,
        unprepared=unprepared,
        drilled=drilled.last(control.store, parameters.customer, parameters.environment),
        snapshot_at=last.at if last else "",
        max_age_hours=parameters.snapshot_max_age_hours,
        asked=" ".join(
            f"-e {name}={getattr(parameters, name)}" for name in ("customer", "environment", "primary_region", "dr_region")
        ),
        unpaired=[one for one in inventory["unpaired"] if one["host"] in found.sides],
        violations=inventory["violations"],
        outlook=outlook(control.cloud, leaving, found.captured),
        permitted=permissions.check(control.cloud, pairs, roles, control.accounts.control_region, workers=parameters.parallelism),
    )
    return findings(seen)


def _roles(control: Control) -> dict[str, str]:
    """Account -> the role that is used there; that of the caller's own account is asked for."""
    roles = {str(one["id"]): str(one["role_arn"] or "") for one in control.settings["accounts"]}
    if not all(roles.values()):
        caller = control.accounts.control("sts").get_caller_identity()
        own = permissions.principal(caller["Arn"])
        roles = {account: role or (own if account == caller["Account"] else "") for account, role in roles.items()}
    return roles
