# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proves the batch's resources healthy after ACTIVATE (FR-3.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils.errors import DrError
from ansible_collections.dr.aws.plugins.module_utils.health import (
    POLL_SECONDS,
    TIMEOUT_SECONDS,
    failed_checks,
    named,
    optional_of,
    wait_until_healthy,
    worst,
)
from ansible_collections.dr.aws.plugins.module_utils.run import Run
from ansible_collections.dr.aws.plugins.plugin_utils.batch_action import BatchAction

COLOURS = {"HEALTHY": "green", "DEGRADED": "yellow", "UNHEALTHY": "red"}


class ActionModule(BatchAction):
    """See the documentation of the module of the same name."""

    OPTIONS: Mapping[str, Any] = {
        "control": {"type": "dict", "required": True},
        "execution": {"type": "dict", "required": True},
        "timeout_seconds": {"type": "float", "default": TIMEOUT_SECONDS},
        "override_reason": {"type": "str"},
    }

    def act(self, options: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """Looks until nothing is UNHEALTHY or the time is over; fails then, unless a person gave a reason to go on."""
        if self._task.check_mode:
            return {"changed": False, "status": "not checked", "resources": {}}
        hosts = self.variables(task_vars, "ansible_play_batch")
        run = Run.attach(options["control"], options["execution"])
        goals = run.goals(hosts, leave_out=run.findings())
        if not goals:
            return {"changed": False, "status": "not checked", "resources": {}}
        healths = wait_until_healthy(
            run.cloud,
            goals,
            options["timeout_seconds"],
            parallelism=run.parameters.parallelism,
            adapter=run.adapter,
            poll_seconds=run.control.pause(POLL_SECONDS),
            renew=run.journal.renew,
            took=lambda seconds: run.control.metrics.add("HealthCheckTime", seconds),
        )
        optional = optional_of(goals)
        status = worst(healths, optional)
        failed = failed_checks(healths)
        waves = sorted({goal.pair.wave for goal in goals})
        ill = named(failed, optional)
        said = f"health of wave {', '.join(map(str, waves))}: {status}{' · ' + ill if ill else ''}"
        self.say(said, COLOURS[status], event="health", phase="activate", wave=waves[0] if waves else None, state=status)
        overridden = options["override_reason"] if status == "UNHEALTHY" else None
        run.note("health_checked", waves=waves, status=status, failed=failed, override_reason=overridden)
        run.publish()
        if run.parameters.drill:
            run.find({key: "; ".join(failed[key]) if health.status == "UNHEALTHY" else "" for key, health in healths.items()})
        elif status == "UNHEALTHY" and not overridden:
            remedy = f"repair them, then: {run.resume_command()}; or, to go on as they are, with -e \"health_override_reason='…'\""
            raise DrError(f"wave {', '.join(map(str, waves))} is UNHEALTHY: {ill}", remedy)
        return {
            "changed": False,
            "status": status,
            "resources": {key: {"status": health.status, "failed": failed.get(key, [])} for key, health in healths.items()},
        }
