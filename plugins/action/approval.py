# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks for approval before a wave where the plan says so, and before an execution goes on that a person has paused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils.approvals import TIMEOUT_SECONDS
from ansible_collections.dr.aws.plugins.module_utils.interventions import heed
from ansible_collections.dr.aws.plugins.module_utils.model import PHASES
from ansible_collections.dr.aws.plugins.module_utils.relay import ahead
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
        phase, seconds = options["phase"], options["timeout_seconds"]
        run = Run.attach(options["control"], options["execution"])
        hosts = self.variables(task_vars, "ansible_play_batch")
        if ahead(options["execution"], phase, hosts):
            return {"changed": False, "state": "not needed"}
        batch = gate.before(self, run, phase, hosts, seconds)
        if batch is None or batch.gate is None:
            return {"changed": False, "state": "not needed"}
        if gate.given(run, batch.gate.name, options["execution"]["plan_sha256"]):
            return {"changed": False, "state": "approved before"}
        asked = gate.own(run, batch, batch.gate, seconds)
        found = gate.ask(self, run, asked, lambda: heed(run, phase, hosts, self.say))
        return {"changed": False, "state": "approved", "approver": found["approver"], "gate": asked.name}
