# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out one phase for the batch's resources: the whole wave in one task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils.engine import Engine
from ansible_collections.dr.aws.plugins.module_utils.errors import DrError
from ansible_collections.dr.aws.plugins.module_utils.model import PHASES
from ansible_collections.dr.aws.plugins.module_utils.run import Run
from ansible_collections.dr.aws.plugins.plugin_utils.batch_action import BatchAction
from ansible_collections.dr.aws.plugins.plugin_utils.progress import Progress


class ActionModule(BatchAction):
    """See the documentation of the module of the same name."""

    OPTIONS: Mapping[str, Any] = {
        "control": {"type": "dict", "required": True},
        "execution": {"type": "dict", "required": True},
        "phase": {"type": "str", "required": True, "choices": [*PHASES, "rollback"]},
    }

    def act(self, options: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """Runs the engine over the wave and gives every resource's result; fails when the wave may not be followed by another."""
        phase, check = options["phase"], self._task.check_mode
        hosts = self.variables(task_vars, "ansible_play_batch")
        run = Run.attach(options["control"], options["execution"], hosts, check_mode=check)
        goals = run.goals(phase, hosts)
        waves = sorted({goal.pair.wave for goal in goals})
        name = f"{phase}, wave {', '.join(map(str, waves))}"
        self.say(f"{name}: {len(goals)} resources")
        progress = Progress(phase, [goal.pair for goal in goals], self.say, elapsed=run.elapsed_seconds())
        run.begin(phase, waves, len(goals))
        engine = Engine(
            run.cloud,
            run.journal,
            parallelism=run.parallelism,
            check_mode=check,
            poll_limit_seconds=run.poll_limit_seconds,
            observer=progress,
        )
        results = {**run.already(phase, hosts), **engine.run(phase, goals)}
        stopping = {key: result for key, result in results.items() if run.stops(phase, result)}
        run.end(phase, waves, results)
        changed = any(result.changed or result.status == "would_change" for result in results.values())
        answer = {
            "changed": changed,
            "phase": phase,
            "waves": waves,
            "resources": {key: run.shown(result) for key, result in results.items()},
            "counts": run.counts(results),
        }
        if stopping:
            named = "; ".join(f"{key} {result.status}: {result.why} (next: {result.remedy})" for key, result in stopping.items())
            raise DrError(f"{name}: {len(stopping)} of {len(results)} resources stop the run: {named}", run.resume_command())
        return answer
