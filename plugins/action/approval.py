# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks for approval before a wave where the plan says so. No terminal, a timeout, an empty answer: none of them is a yes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsiblePromptInterrupt, AnsiblePromptNoninteractive

from ansible_collections.dr.aws.plugins.module_utils import trail
from ansible_collections.dr.aws.plugins.module_utils.approvals import (
    TIMEOUT_SECONDS,
    ApprovalRefusedError,
    Approvals,
    Request,
    commands,
)
from ansible_collections.dr.aws.plugins.module_utils.errors import DrError
from ansible_collections.dr.aws.plugins.module_utils.interventions import after_cancel, heed
from ansible_collections.dr.aws.plugins.module_utils.model import PHASES
from ansible_collections.dr.aws.plugins.module_utils.parameters import Parameters
from ansible_collections.dr.aws.plugins.module_utils.plan import Batch
from ansible_collections.dr.aws.plugins.module_utils.run import Run
from ansible_collections.dr.aws.plugins.plugin_utils.batch_action import BatchAction

POLL_SECONDS = 3.0
#: How long one prompt waits before the store is looked at: a decision from elsewhere counts as well.
PROMPT_SECONDS = 30
ANSWERS = {"approve": "approve", "yes": "approve", "reject": "reject", "no": "reject"}


class ActionModule(BatchAction):
    """See the documentation of the module of the same name."""

    OPTIONS: Mapping[str, Any] = {
        "control": {"type": "dict", "required": True},
        "execution": {"type": "dict", "required": True},
        "phase": {"type": "str", "required": True, "choices": list(PHASES)},
        "timeout_seconds": {"type": "int", "default": TIMEOUT_SECONDS},
    }

    def act(self, options: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """Goes on when nothing needs approval or a person approved; otherwise closes the execution as it must be and fails."""
        run = Run.attach(options["control"], options["execution"])
        hosts = self.variables(task_vars, "ansible_play_batch")
        heed(run, f"{options['phase']}, wave {run.waves(hosts)}")
        batch = _gated(run, options["phase"], hosts)
        if batch is None or batch.gate is None or run.check_mode:
            return {"changed": False, "state": "not needed"}
        gate, plan_sha256 = batch.gate, options["execution"]["plan_sha256"]
        approvals = Approvals(run.store)
        asked = [one for one in run.store.status(run.execution_id)["approvals"] if one["gate"] == gate.name]
        if any(one["state"] == "approved" and one["plan_sha256"] == plan_sha256 for one in asked):
            return {"changed": False, "state": "approved before"}
        request = approvals.request(
            run.execution_id,
            gate.name,
            plan_sha256,
            timeout_seconds=options["timeout_seconds"],
            requester=str(options["execution"].get("caller") or run.record["created_by"]),
            separate_approver=run.parameters.approver_must_differ,
            needed=run.parameters.approvals_needed,
            detail={"phase": gate.phase, "wave": gate.wave, "why": gate.why, "resources": list(batch.todo)},
        )
        lines = commands(run.execution_id, request.token)
        what = f"{gate.phase} of wave {gate.wave}: {gate.why}{_rule(run.parameters)}"
        run.notify("approval_required", text=what, commands=lines)
        self.say(f"approval needed before {what}; until {request.timeout_at}", color="yellow")
        for line in lines.values():
            self.say(f"  {line}", plain=True)
        self.warn(run.secure())
        found = self._wait(run, approvals, request, f"{gate.phase}, wave {gate.wave}")
        if found["state"] == "approved":
            self.say(f"approved by {found['approver']}", color="green")
            return {"changed": False, "state": "approved", "approver": found["approver"], "gate": gate.name}
        raise self._refused(run, found)

    def _wait(self, run: Run, approvals: Approvals, request: Request, what: str) -> dict[str, Any]:
        """The request once it is decided or over; DrError when a person pauses or cancels the execution instead."""
        interactive = True
        while True:
            found = approvals.state(request)
            if found["state"] != "pending":
                return found
            heed(run, what)
            run.journal.renew()
            if interactive:
                interactive = self._prompt(run, approvals, request)
            else:
                time.sleep(run.control.pause(POLL_SECONDS))

    def _prompt(self, run: Run, approvals: Approvals, request: Request) -> bool:
        """Asks on the terminal for a while and records a clear answer. False when there is no terminal."""
        try:
            given = self._display.prompt_until(
                f"Type approve or reject and press Enter (asks again every {PROMPT_SECONDS} s): ",
                seconds=PROMPT_SECONDS,
                complete_input=(b"\r", b"\n"),
                interrupt_input=(b"\x03",),
            )
        except AnsiblePromptNoninteractive:
            return False
        except AnsiblePromptInterrupt as error:
            text = f"interrupted while execution {run.execution_id} waited for approval of {request.gate}; nothing was approved"
            raise DrError(text, run.resume_command()) from error
        decision = ANSWERS.get(given.decode(errors="replace").strip().lower())
        if decision:
            try:
                approvals.decide(run.execution_id, request.token, decision, trail.caller(run.control))
            except ApprovalRefusedError as error:  # the one at the terminal may not, or has already; others still may
                self.say(str(error), color="red")
        return True

    def _refused(self, run: Run, found: Mapping[str, Any]) -> DrError:
        """Closes the execution: a rejection cancels it, a timeout leaves it paused."""
        if found["state"] == "rejected":
            text = f"approval of {found['gate']} was rejected by {found['approver']}: execution {run.execution_id} is CANCELLED"
            return run.stop("CANCELLED", "execution_cancelled", text, after_cancel(run.record), gate=found["gate"])
        text = f"approval of {found['gate']} timed out at {found['timeout_at']}: execution {run.execution_id} is PAUSED"
        return run.stop("PAUSED", "approval_timed_out", text, run.resume_command(), gate=found["gate"])


def _rule(parameters: Parameters) -> str:
    """Who must approve, where that is not any one person."""
    needed = f"; {parameters.approvals_needed} people must approve" if parameters.approvals_needed > 1 else ""
    return needed + ("; whoever started it may not" if parameters.approver_must_differ else "")


def _gated(run: Run, phase: str, hosts: Mapping[str, Any]) -> Batch | None:
    """The plan's batch for these hosts, when something of it is still to be done."""
    if run.plan is None:
        return None
    known = run.journal.known(phase)
    for batch in run.plan.of(phase):
        if any(entry.key in hosts for entry in batch.entries):
            left = [key for key in batch.todo if known.get(key, {}).get("done") is None]
            return batch if left else None
    return None
