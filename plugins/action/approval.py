# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks for approval before a wave where the plan says so, and before an execution goes on that a person has paused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils import pauses, window
from ansible_collections.dr.aws.plugins.module_utils.approvals import TIMEOUT_SECONDS, Approvals
from ansible_collections.dr.aws.plugins.module_utils.interventions import heed
from ansible_collections.dr.aws.plugins.module_utils.model import PHASES
from ansible_collections.dr.aws.plugins.module_utils.plan import Batch
from ansible_collections.dr.aws.plugins.module_utils.run import Run
from ansible_collections.dr.aws.plugins.plugin_utils import gate
from ansible_collections.dr.aws.plugins.plugin_utils.batch_action import BatchAction


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
        phase = options["phase"]
        run = Run.attach(options["control"], options["execution"])
        hosts = self.variables(task_vars, "ansible_play_batch")

        def look() -> None:
            heed(run, phase, hosts, self.say)

        look()
        batch = None if run.check_mode else _left(run, phase, hosts)
        if batch is None:
            return {"changed": False, "state": "not needed"}
        window.hold(run, batch)
        plan_sha256, seconds = options["execution"]["plan_sha256"], options["timeout_seconds"]
        if paused := pauses.unanswered(Approvals(run.store).of(run.execution_id)):
            if paused["state"] == "rejected":
                raise gate.refused(run, paused)
            for line in pauses.said(paused["detail"]["checklist"]):
                self.say(f"  {line}")
            what = f"it goes on with {phase} of wave {batch.wave} after {paused['gate']}: {paused['detail'].get('why', '')}"
            gate.ask(self, run, gate.Asked(paused["gate"], what, plan_sha256, paused["detail"], seconds), look)
        if batch.gate is None:
            return {"changed": False, "state": "not needed"}
        wanted = batch.gate
        if gate.given(run, wanted.name, plan_sha256):
            return {"changed": False, "state": "approved before"}
        what = f"{wanted.phase} of wave {wanted.wave}: {wanted.why}"
        detail = {"phase": wanted.phase, "wave": wanted.wave, "why": wanted.why, "resources": list(batch.todo)}
        found = gate.ask(self, run, gate.Asked(wanted.name, what, plan_sha256, detail, seconds), look)
        return {"changed": False, "state": "approved", "approver": found["approver"], "gate": wanted.name}


def _left(run: Run, phase: str, hosts: Mapping[str, Any]) -> Batch | None:
    """The plan's batch for these hosts, when something of it is still to be done."""
    if run.plan is None:
        return None
    known = run.journal.known(phase)
    for batch in run.plan.of(phase):
        if any(entry.key in hosts for entry in batch.entries):
            left = [key for key in batch.todo if known.get(key, {}).get("done") is None]
            return batch if left else None
    return None
