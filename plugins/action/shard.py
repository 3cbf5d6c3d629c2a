# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out a wave for some accounts, beside other runners of the same execution that have the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils import relay
from ansible_collections.dr.aws.plugins.module_utils.engine import Engine, Result
from ansible_collections.dr.aws.plugins.module_utils.errors import DrError, InputError
from ansible_collections.dr.aws.plugins.module_utils.fact import fact_of
from ansible_collections.dr.aws.plugins.module_utils.lock import Member
from ansible_collections.dr.aws.plugins.module_utils.model import Goal
from ansible_collections.dr.aws.plugins.module_utils.parameters import execution_id
from ansible_collections.dr.aws.plugins.module_utils.plan import Batch, Plan
from ansible_collections.dr.aws.plugins.module_utils.run import Control, Run, counts, shown
from ansible_collections.dr.aws.plugins.plugin_utils.batch_action import BatchAction
from ansible_collections.dr.aws.plugins.plugin_utils.progress import Progress


class ActionModule(BatchAction):
    """See the documentation of the module of the same name."""

    _supports_check_mode = False
    OPTIONS: Mapping[str, Any] = {
        "control": {"type": "dict", "required": True},
        "execution_id": {"type": "str", "required": True},
        "driver": {"type": "str", "required": True},
        "shard": {"type": "int", "required": True},
    }

    def act(self, options: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """Does what can be done for the shard's resources; what is left, and whether it stops the execution, is the next turn's."""
        name, number = execution_id(options["execution_id"]), options["shard"]
        control = Control(options["control"], name)
        record, here = control.store.get_execution(name), relay.position(control.store, name)
        status = f"ansible-playbook dr.aws.status -e execution_id={name}"
        if record["status"] != "RUNNING" or here.get("step") != relay.SHARDS:
            raise DrError(f"execution {name} is {record['status']} and has no wave that is shared now", status)
        if not 0 <= number < len(here["accounts"]):
            raise InputError("shard", number, f"0 to {len(here['accounts']) - 1}", status)
        where = (record["customer"], record["environment"])
        held = relay.join(
            control.store, *where, owner=name, name=relay.driver(options["driver"]), slot=f"{here['batch']:04d}-{number:04d}"
        )
        try:
            done = self._carry(control, name, here, number, held)
            held.whole.hold(relay.HANDOVER_SECONDS)
            return done
        finally:
            held.slot.release()

    def _carry(self, control: Control, name: str, here: Mapping[str, Any], number: int, held: Member) -> dict[str, Any]:
        body = control.store.get_plan(name)
        plan = Plan.from_json(body["plan"])
        batch, accounts = plan.batches[here["batch"]], here["accounts"][number]
        run = Run(control, fact_of(plan, name, held, caller=here["caller"]), plan, body["captured"])
        wanted = relay.shared(plan, batch, relay.unfinished(run, batch))
        hosts: dict[str, dict[str, Any]] = {pair.key: {} for pair in wanted if pair.account in accounts}
        journal = relay.ShardJournal(control.store, name, held.fence, held, run.actor, run.record)
        run.journal = journal.of(here["batch"], number, batch.phase, hosts)
        skipped = run.skipped(batch.phase, hosts)
        goals = run.goals(hosts, leave_out=skipped)
        what = f"{batch.phase}, wave {batch.wave}, shard {number + 1} of {len(here['accounts'])}"
        said = f"{what}: {len(hosts)} resources of {len(accounts)} accounts"
        self.say(said, event="wave_started", phase=batch.phase, wave=batch.wave, total=len(hosts))
        results = {**skipped, **self._run(run, batch, goals, skipped)}
        run.moved(batch.phase, results)
        journal.end()
        run.note("shard_ended", phase=batch.phase, wave=batch.wave, shard=number, counts=counts(results))
        run.publish()
        self.warn(run.secure())
        self.say(f"{what}: {counts(results)}", event="wave_ended", phase=batch.phase, wave=batch.wave, counts=counts(results))
        changed = any(result.changed for result in results.values())
        resources = {key: shown(result) for key, result in results.items()}
        return {"changed": changed, "phase": batch.phase, "wave": batch.wave, "counts": counts(results), "resources": resources}

    def _run(self, run: Run, batch: Batch, goals: list[Goal], skipped: Mapping[str, Result]) -> dict[str, Result]:
        progress = Progress(batch.phase, [goal.pair for goal in goals], self.say, run.elapsed_seconds(), self.screen.pause)
        engine = Engine(
            run.cloud,
            run.journal,
            parallelism=run.parameters.parallelism,
            poll_limit_seconds=run.control.poll_limit_seconds,
            adapter=run.adapter,
            observer=progress,
        )
        return engine.run(batch.phase, goals, run.needed(batch.phase, goals, skipped))
