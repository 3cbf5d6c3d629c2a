# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking people whether something should be carried out, because an alarm or the like gave a reason (docs/engines.md).

A proposal starts nothing and approves nothing: whoever runs the command that it shows begins an execution in their own name, whose
gates ask as they always do. What rings over and over asks once: the scope's item in the table says when people were asked last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from . import plans
from .dynamo import RefusedError, utc
from .errors import DrError, InputError
from .events import Notifier
from .lock import holder
from .store import Store
from .words import duration

#: How long people are not asked again, unless told otherwise.
GAP_MINUTES: Final = 60
MAX_GAP_MINUTES: Final = 10_080


@dataclass(frozen=True, slots=True)
class Proposal:
    """What people are asked. plan_id: of a stored plan; "" where none could be made, and problem says why not.

    reason: what was seen. gap_minutes: how long people are not asked again about the same customer and environment.
    """

    customer: str
    environment: str
    operation: str
    reason: str
    plan_id: str = ""
    problem: str = ""
    gap_minutes: int = GAP_MINUTES

    def __post_init__(self) -> None:
        if not 1 <= self.gap_minutes <= MAX_GAP_MINUTES:
            allowed = f"a whole number from 1 to {MAX_GAP_MINUTES}"
            raise InputError("minimum_gap_minutes", self.gap_minutes, allowed, f"-e minimum_gap_minutes={GAP_MINUTES}")
        if not (self.plan_id or self.problem):
            raise InputError("plan_id", "", "a stored plan, or a problem", "the playbook dr.aws.plan makes one and says its id")


def propose(store: Store, notifier: Notifier, proposal: Proposal) -> tuple[bool, str]:
    """Asks people, at most once in the gap. Gives whether they were asked, and what came of it, for people.

    DrError: nobody could be told, so that nobody was asked; the next one asks.
    """
    scope, now = (proposal.customer, proposal.environment), store.clock()
    held = holder(store, *scope)
    if held:
        return False, f"nobody is asked: {'/'.join(scope)} is being worked on by execution {held['execution_id']}"
    text = _text(store, proposal)
    asked = {"proposed_at": utc(now), "proposed_epoch": now, "plan_id": proposal.plan_id, "reason": proposal.reason}
    key = (f"CUST#{proposal.customer}#{proposal.environment}", "PROPOSAL")
    due = {"before": now - 60 * proposal.gap_minutes}
    condition = "attribute_not_exists(PK) OR #proposed_epoch <= :before"
    try:
        store.table.update(*key, {**asked, "expires_at": store.expiry()}, condition=condition, values=due)
    except RefusedError as refused:
        before = refused.item["proposed_at"]
        return (
            False,
            f"nobody is asked: people were asked at {before}, and are asked again after {duration(60 * proposal.gap_minutes)}",
        )
    about = {"operation": proposal.operation, "customer": proposal.customer, "environment": proposal.environment}
    sent = notifier.send("failover_proposed", about, text=text, commands=_commands(proposal))
    if not sent["delivered"]:
        store.table.write((), [key])
        remedy = "see the control plane's topic, control_topic_arn in the inventory file"
        raise DrError(f"nobody was asked about {'/'.join(scope)}: {sent['error']}", remedy)
    return True, f"people were asked: {sent['subject']}"


def _text(store: Store, proposal: Proposal) -> str:
    """Why people are asked, and what would be done."""
    if proposal.problem:
        return f"{proposal.reason}. No plan could be made: {proposal.problem}"
    plan = plans.get(store, proposal.plan_id)
    sides = f"{plan.parameters.source_region} -> {plan.parameters.target_region}, {plan.parameters.mode}"
    about = f"{len(plan.pairs)} resources, about {duration(plan.expected_seconds)}, {sides}"
    return f"{proposal.reason}. Nothing was started. Plan {proposal.plan_id}, hash {plan.sha256}: {about}"


def _commands(proposal: Proposal) -> Mapping[str, str]:
    """What people run next, in their own name."""
    scope = f"-e customer={proposal.customer} -e environment={proposal.environment}"
    look = {"look": f"ansible-playbook dr.aws.status {scope}"}
    if proposal.problem:
        return {**look, "plan it": f"ansible-playbook dr.aws.plan -e operation={proposal.operation} {scope} -e …"}
    return {**look, "carry it out": f"ansible-playbook dr.aws.{proposal.operation} -e plan_id={proposal.plan_id}"}


def said(proposal: Proposal) -> dict[str, Any]:
    """A proposal as the audit trail has it."""
    names = ("customer", "environment", "operation", "reason", "plan_id", "problem")
    return {name: getattr(proposal, name) for name in names}
