# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A gate as a run stands before it: it asks, waits on a terminal and for the token, and ends the execution unless people approve.

No terminal, a timeout, an empty answer: none of them is a yes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ansible.errors import AnsiblePromptInterrupt, AnsiblePromptNoninteractive

from ansible_collections.dr.aws.plugins.module_utils import pauses, switching, trail, window
from ansible_collections.dr.aws.plugins.module_utils.approvals import ApprovalRefusedError, Approvals, Request, commands
from ansible_collections.dr.aws.plugins.module_utils.errors import DrError
from ansible_collections.dr.aws.plugins.module_utils.interventions import after_cancel, heed
from ansible_collections.dr.aws.plugins.module_utils.parameters import Parameters
from ansible_collections.dr.aws.plugins.module_utils.plan import Batch, Gate, Plan
from ansible_collections.dr.aws.plugins.module_utils.relay import unfinished
from ansible_collections.dr.aws.plugins.module_utils.run import Run
from ansible_collections.dr.aws.plugins.plugin_utils.batch_action import BatchAction

POLL_SECONDS = 3.0
#: How long one prompt waits before the store is looked at: a decision from elsewhere counts as well.
PROMPT_SECONDS = 30
ANSWERS = {"approve": "approve", "yes": "approve", "reject": "reject", "no": "reject"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked. name: of the gate. what: for people, behind "approval needed before". detail: JSON values to decide by."""

    name: str
    what: str
    plan_sha256: str
    detail: Mapping[str, Any]
    timeout_seconds: int


def given(run: Run, name: str, plan_sha256: str) -> bool:
    """Whether a gate was approved before for this plan."""
    return Approvals(run.store).given(run.execution_id, name, plan_sha256)


def ask(
    action: BatchAction,
    run: Run,
    asked: Asked,
    look: Callable[[], None],
    ended: Callable[[Run, Mapping[str, Any]], DrError] | None = None,
) -> dict[str, Any]:
    """The approval once it is given. DrError otherwise: a rejection cancels the execution, a timeout leaves it paused.

    look: called again and again while it waits; raises when the execution is to end for another reason. ended: what becomes of the
    execution otherwise, `refused` when it is left out.
    """
    request = post(action, run, asked)
    found = _wait(action, run, Approvals(run.store), request, look)
    if found["state"] != "approved":
        raise (ended or refused)(run, found)
    action.say(f"approved by {found['approver']}", color="green", event="answer", gate=asked.name)
    return found


def post(action: BatchAction, run: Run, asked: Asked) -> Request:
    """Asks, and tells people how to answer; waits for nothing."""
    request = Approvals(run.store).request(
        run.execution_id,
        asked.name,
        asked.plan_sha256,
        timeout_seconds=asked.timeout_seconds,
        requester=run.actor,
        separate_approver=run.parameters.approver_must_differ,
        needed=run.parameters.approvals_needed,
        detail=asked.detail,
    )
    lines = commands(run.execution_id, request.token)
    what = f"{asked.what}{_rule(run.parameters)}"
    run.notify("approval_required", text=what, commands=lines, until=request.timeout_at)
    action.say(f"approval needed before {what}; until {request.timeout_at}", color="yellow", event="question", gate=asked.name)
    for line in lines.values():
        action.say(f"  {line}", plain=True, event="question", gate=asked.name)
    action.warn(run.secure())
    return request


def before(action: BatchAction, run: Run, phase: str, hosts: Mapping[str, Mapping[str, Any]], seconds: int) -> Batch | None:
    """What holds up the plan's batch for these hosts, but for its own gate: requests of people, the undo window, a pause.

    Gives the batch when something of it is still to be done. seconds: how long an approval is waited for.
    """

    def look() -> None:
        heed(run, phase, hosts, action.say)

    look()
    batch = None if run.check_mode else left(run, phase, hosts)
    if batch is None:
        return None
    window.hold(run, batch)
    if paused := pauses.unanswered(Approvals(run.store).of(run.execution_id)):
        if paused["state"] == "rejected":
            raise refused(run, paused)
        for line in pauses.said(paused["detail"]["checklist"]):
            action.say(f"  {line}")
        what = f"it goes on with {phase} of wave {batch.wave} after {paused['gate']}: {paused['detail'].get('why', '')}"
        ask(action, run, Asked(paused["gate"], what, run.execution["plan_sha256"], paused["detail"], seconds), look)
    return batch


def own(run: Run, batch: Batch, wanted: Gate, seconds: int) -> Asked:
    """What a batch's own gate asks."""
    what = f"{wanted.phase} of wave {wanted.wave}: {wanted.why}"
    detail = {"phase": wanted.phase, "wave": wanted.wave, "why": wanted.why, "resources": list(batch.todo)}
    return Asked(wanted.name, what, run.execution["plan_sha256"], detail, seconds)


def left(run: Run, phase: str, hosts: Collection[str]) -> Batch | None:
    """The plan's batch for these hosts, when something of it is still to be done."""
    for batch in run.plan.of(phase) if run.plan else ():
        if any(entry.key in hosts for entry in batch.entries):
            return batch if unfinished(run, batch) else None
    return None


def switch(action: BatchAction, run: Run, plan: Plan, timeout_seconds: int) -> None:
    """Asks whether an execution is to go on with `plan`, the unplanned one, and stores it. What was approved is not asked again."""
    before, target = run.record["plan_sha256"], plan.parameters.target_region
    approver = switching.approver_of(run.store, run.execution_id, plan)
    if not approver:
        why = f"data that has not reached {target} may be lost, and {switching.deferred(plan)} resources wait for their source"
        detail = {"why": why, "switch_to_sha256": plan.sha256, "deferred": switching.deferred(plan)}
        asked = Asked(switching.GATE, f"the switch to unplanned: {why}", before, detail, timeout_seconds)
        following = run.following()

        def look() -> None:
            if following:
                heed(run, following.phase, {entry.key: {} for entry in following.entries}, action.say)

        approver = str(ask(action, run, asked, look)["approver"])
    switching.store(run, plan, approver)
    action.warn(run.secure())
    action.say(f"execution {run.execution_id} is unplanned from here on; its plan is {plan.sha256[:12]}, it was {before[:12]}")


def refused(run: Run, found: Mapping[str, Any]) -> DrError:
    """Ends the execution as it must end after a gate that was not approved, and gives the error that says so."""
    if found["state"] == "rejected":
        text = f"approval of {found['gate']} was rejected by {found['approver']}: execution {run.execution_id} is CANCELLED"
        return run.stop("CANCELLED", "execution_cancelled", text, after_cancel(run.record), gate=found["gate"])
    text = f"approval of {found['gate']} timed out at {found['timeout_at']}: execution {run.execution_id} is PAUSED"
    return run.stop("PAUSED", "approval_timed_out", text, run.resume_command(), gate=found["gate"])


def _wait(action: BatchAction, run: Run, approvals: Approvals, request: Request, look: Callable[[], None]) -> dict[str, Any]:
    """The request once it is decided or over."""
    interactive = True
    while True:
        found = approvals.state(request)
        run.journal.renew()  # LeaseLostError: another run has taken over, and what ended the request was perhaps that one
        if found["state"] != "pending":
            return found
        look()
        if interactive:
            interactive = _prompt(action, run, approvals, request)
        else:
            time.sleep(run.control.pause(POLL_SECONDS))


def _prompt(action: BatchAction, run: Run, approvals: Approvals, request: Request) -> bool:
    """Asks on the terminal for a while and records a clear answer. False when there is no terminal."""
    try:
        answer = action.prompt(f"Type approve or reject and press Enter (asks again every {PROMPT_SECONDS} s): ", PROMPT_SECONDS)
    except AnsiblePromptNoninteractive:
        return False
    except AnsiblePromptInterrupt as error:
        text = f"interrupted while execution {run.execution_id} waited for approval of {request.gate}; nothing was approved"
        raise DrError(text, run.resume_command()) from error
    decision = ANSWERS.get(answer.strip().lower())
    if decision:
        try:
            approvals.decide(run.execution_id, request.token, decision, trail.caller(run.control))
        except ApprovalRefusedError as error:  # the one at the terminal may not, or has already; others still may
            action.say(str(error), color="red")
    return True


def _rule(parameters: Parameters) -> str:
    """Who must approve, where that is not any one person."""
    needed = f"; {parameters.approvals_needed} people must approve" if parameters.approvals_needed > 1 else ""
    return needed + ("; whoever started it may not" if parameters.approver_must_differ else "")
