# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of an execution may be given differently when it is resumed: its mode, from planned to unplanned, and nothing else.

A switch gives the plan a new hash, so that no approval of the planned one counts for it; which hash it had is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from .approvals import Approvals
from .errors import DrError
from .parameters import Facts, Parameters, given, validate_parameters
from .plan import Plan, unplanned
from .status import resume_command
from .store import Store

if TYPE_CHECKING:
    from .run import Run

#: The gate of a switch: asked for always, whatever the approval mode is.
GATE: Final = "switch-to-unplanned"
#: How much of a value an error says.
SAID_CHARACTERS: Final = 60
#: What has modes that differ in what may be lost.
OPERATIONS: Final = ("failover", "failback")


def resumed(record: Mapping[str, Any], plan: Plan, asked: Mapping[str, Any], facts: Facts) -> Plan:
    """The plan to go on with: the stored one, or the same in unplanned mode. DrError for everything else that is not as stored.

    record: the execution. asked: parameters as they were given, and plan_id; what is missing stays as it is.
    """
    name, before = record["execution_id"], plan.parameters
    wanted = given({field: value for field, value in asked.items() if field not in ("execution_id", "detected_at")})
    if not wanted:
        return plan
    other = wanted.pop("plan_id", record.get("plan_id") or "")
    if other != (record.get("plan_id") or ""):
        text = f"execution {name} carries out its own plan, not plan_id={other}"
        raise DrError(text, "leave out plan_id, or leave out execution_id for a new execution")
    now = validate_parameters({**before.to_json(), **wanted}, facts)
    different = [one.name for one in fields(Parameters) if one.name != "execution_id" and _differs(one.name, before, now)]
    if fixed := [field for field in different if field != "mode"]:
        said = ", ".join(f"{field}={_said(now, field)} (it has {_said(before, field)})" for field in fixed)
        raise DrError(f"execution {name} cannot be resumed with {said}", f"leave it out: {resume_command(record)}")
    if not different:
        return plan
    if now.mode == "planned":
        text = f"execution {name} is unplanned and cannot become planned: what it did without the source can have lost data already"
        raise DrError(text, f"leave out mode: {resume_command(record)}")
    if before.operation not in OPERATIONS:
        text = f"execution {name} is a {before.operation}: only a {' or a '.join(OPERATIONS)} becomes unplanned on its way"
        raise DrError(text, f"leave out mode: {resume_command(record)}")
    return unplanned(plan, facts.stale)


def _differs(field: str, before: Parameters, now: Parameters) -> bool:
    return bool(getattr(before, field) != getattr(now, field))


def _said(parameters: Parameters, field: str) -> str:
    value = parameters.to_json()[field]
    text = ",".join(map(str, value)) or "all" if isinstance(value, list) else str(value)
    return text if len(text) <= SAID_CHARACTERS else f"{text[:SAID_CHARACTERS]}…"


def deferred(plan: Plan) -> int:
    """How many resources have work that waits for a source that does not answer."""
    return len({entry.key for batch in plan.batches for entry in batch.entries if entry.state == "deferred"})


def store(run: Run, plan: Plan, approver: str) -> None:
    """Stores the plan that an execution goes on with, and then what it was before, in the record and in the audit trail.

    Killed in between, `complete` does the rest when it is resumed.
    """
    run.store.put_plan(run.execution_id, {"plan": plan.to_json(), "captured": run.captured})
    complete(run, plan, approver)


def complete(run: Run, plan: Plan, approver: str) -> None:
    """Records a switch whose plan is stored. Nothing when it is recorded."""
    before = run.store.get_execution(run.execution_id)
    if before["plan_sha256"] == plan.sha256:
        return
    earlier = {"sha256": before["plan_sha256"], "mode": before["mode"], "approver": approver}
    changes = {"mode": plan.parameters.mode, "earlier_plans": [*before.get("earlier_plans", ()), earlier]}
    facts = {
        name: value for name, value in plan.record().items() if name not in ("customer", "environment", "operation", "objectives")
    }
    detail = {"before": before["mode"], "before_sha256": before["plan_sha256"], "plan_sha256": plan.sha256, "approver": approver}
    run.change({**facts, **changes}, "execution_switched", mode=plan.parameters.mode, deferred=deferred(plan), **detail)
    run.notify("mode_switched", text=f"approved by {approver}; plan {before['plan_sha256'][:12]} is plan {plan.sha256[:12]} now")


def approver_of(store: Store, execution_id: str, plan: Plan) -> str:
    """Who approved the switch to a plan; "" when nobody did."""
    for one in Approvals(store).of(execution_id):
        if one["gate"] == GATE and one["state"] == "approved" and one["detail"].get("switch_to_sha256") == plan.sha256:
            return str(one["approver"])
    return ""
