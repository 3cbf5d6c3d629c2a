# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes back what ACTIVATE did: of an execution, when a person asks for it, or of a wave that has failed, when its plan says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils import rollback, trail
from ansible_collections.dr.aws.plugins.module_utils.accounts import CallError
from ansible_collections.dr.aws.plugins.module_utils.approvals import TIMEOUT_SECONDS
from ansible_collections.dr.aws.plugins.module_utils.audit import Note
from ansible_collections.dr.aws.plugins.module_utils.dynamo import RefusedError
from ansible_collections.dr.aws.plugins.module_utils.engine import ROLLBACK, Observer
from ansible_collections.dr.aws.plugins.module_utils.errors import DrError, InputError
from ansible_collections.dr.aws.plugins.module_utils.lock import runner
from ansible_collections.dr.aws.plugins.module_utils.model import Pair
from ansible_collections.dr.aws.plugins.module_utils.parameters import APPROVAL_MODES, execution_id, parse_waves
from ansible_collections.dr.aws.plugins.module_utils.plan import Plan
from ansible_collections.dr.aws.plugins.module_utils.rollback import Undo
from ansible_collections.dr.aws.plugins.module_utils.run import Control, Run
from ansible_collections.dr.aws.plugins.module_utils.status import rollback_command, undoing
from ansible_collections.dr.aws.plugins.module_utils.store import Lock
from ansible_collections.dr.aws.plugins.plugin_utils import gate
from ansible_collections.dr.aws.plugins.plugin_utils.batch_action import BatchAction
from ansible_collections.dr.aws.plugins.plugin_utils.progress import Progress

COLOURS = {"HEALTHY": "green", "DEGRADED": "yellow", "UNHEALTHY": "red"}
#: FR-3.3.
HEALTH_SECONDS = 300


class ActionModule(BatchAction):
    """See the documentation of the module of the same name."""

    OPTIONS: Mapping[str, Any] = {
        "control": {"type": "dict", "required": True},
        "execution_id": {"type": "raw"},
        "execution": {"type": "dict"},
        "waves": {"type": "raw"},
        "approval_mode": {"type": "str", "choices": list(APPROVAL_MODES)},
        "approval_timeout_seconds": {"type": "int", "default": TIMEOUT_SECONDS},
        "health_timeout_seconds": {"type": "float", "default": HEALTH_SECONDS},
        "reason": {"type": "str", "default": ""},
    }

    def act(self, options: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """With `execution` the wave of the batch, as its plan says; otherwise the execution `execution_id`."""
        if options["execution"]:
            return self._failed_wave(options, task_vars)
        name = execution_id(options["execution_id"])
        if not name:
            remedy = "ansible-playbook dr.aws.status -e customer=… -e environment=… lists them"
            raise InputError("execution_id", name, "the execution whose ACTIVATE is taken back", remedy)
        return self._asked(name, options)

    def _asked(self, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
        control = Control(options["control"], name)
        record = control.store.get_execution(name)
        rollback.refuse(record)
        body = control.store.get_plan(name)
        plan, waves = Plan.from_json(body["plan"]), parse_waves(options["waves"])
        if not waves and (unfinished := undoing(record)):
            waves = tuple(unfinished["waves"])
        undo = rollback.foresee(control, record, plan, body["captured"], waves)
        for text, colour in rollback.said(undo, name):
            self.say(text, color=colour)
        answer = {"stays": {key: {"why": one.why, "remedy": one.remedy} for key, one in undo.stays.items()}}
        if not undo.waves and (self._task.check_mode or not undoing(record)):  # one that was killed is ended nevertheless
            return {"changed": False, "execution": {}, "resources": {}, "said": self._nothing(control, record, undo), **answer}
        if self._task.check_mode:
            foreseen = {
                key: {"status": one.status, "calls": [dict(call) for call in one.calls]} for key, one in undo.foreseen.items()
            }
            return {"changed": True, "execution": {}, "resources": foreseen, "said": "nothing was changed", **answer}
        who = trail.caller(control)
        run, fact = self._begin(control, record, plan, waves, who, options)
        if undo.waves:
            self._approve(run, undo, options)
        results = rollback.carry_out(run, undo, self._watch(run), self.say)
        health, ill = rollback.prove(run, undo, results, options["health_timeout_seconds"])
        if health:
            told = f"health of what went back: {health}{f' · {ill}' if ill else ''}"
            self.say(told, COLOURS[health], event="health", state=health)
        text = rollback.end(run, undo, results, who, f"{health} ({ill})" if ill else health, status="FAILED")
        self.say(text, color="yellow")
        problem = rollback.problem(run.record, results, health, ill)
        ended = {key: {"status": one.status, "why": one.why, "remedy": one.remedy} for key, one in results.items()}
        facts = {"ansible_facts": {"dr_execution": fact}, "execution": fact}
        return {"changed": True, **facts, "resources": ended, "said": text, "health": health, "problem": problem, **answer}

    @staticmethod
    def _nothing(control: Control, record: Mapping[str, Any], undo: Undo) -> str:
        """What is said when nothing can go back. DrError when something should, and nothing has before."""
        name = record["execution_id"]
        if undo.stays and not control.store.status(name)["rolled_back"]:
            key, first = next(iter(undo.stays.items()))
            more = f"; and {len(undo.stays) - 1} more" if len(undo.stays) > 1 else ""
            raise DrError(f"nothing of execution {name} can be taken back: {key}: {first.why}{more}", first.remedy)
        return f"nothing is left to roll back in execution {name}"

    def _begin(
        self, control: Control, record: Mapping[str, Any], plan: Plan, waves: Sequence[int], who: str, options: Mapping[str, Any]
    ) -> tuple[Run, dict[str, Any]]:
        name, lock = record["execution_id"], Lock(control.store)
        fence = lock.acquire(record["customer"], record["environment"], owner=name, runner=runner())
        fact = {
            "execution_id": name,
            "fence": fence,
            "caller": who,
            "plan_sha256": plan.sha256,
            "parameters": plan.parameters.to_json(),
            "already": {"activate": sorted(plan.serving)},
        }
        try:
            known = rollback.begin(control.store, record, who, waves, options["reason"])
            asks = options["approval_mode"] or plan.parameters.approval_mode
            told = {"before": record["status"], "waves": list(waves), "reason": options["reason"], "approval_mode": asks}
            begun = Note("execution_rollback_started", who, told)
            try:
                control.store.update_execution(name, begun, ver=record["ver"], status="RUNNING", rollbacks=known)
            except RefusedError as refused:
                raise DrError(f"execution {name} was changed at this moment", "run the same command again") from refused
            run = Run.attach(control.settings, fact)
        except BaseException:
            lock.release()
            raise
        return run, fact

    def _approve(self, run: Run, undo: Undo, options: Mapping[str, Any]) -> None:
        """Asks as the execution's plan would; who is not answered, or refuses, leaves the execution as it was."""
        this = run.record["rollbacks"][-1]
        name = f"rollback-{this['number']:04d}"
        if (options["approval_mode"] or run.parameters.approval_mode) != "required":
            return
        if gate.given(run, name, run.record["plan_sha256"]):
            return
        why = f"{len(undo.keys)} resources go back, {len(undo.stays)} stay in {run.parameters.target_region}"
        detail = {"phase": ROLLBACK, "why": why, "resources": undo.keys, "stays": list(undo.stays)}
        seconds = options["approval_timeout_seconds"]

        def refused(run: Run, found: Mapping[str, Any]) -> DrError:
            state = found["state"].replace("_", " ")
            text = f"the rollback of execution {run.execution_id} was not approved: {found['gate']} is {state}"
            back = {"status": this["before"], "reason": this["before_reason"]}
            back |= rollback.closed(run.record, "refused")
            run.change(back, "execution_rollback_refused", gate=found["gate"], state=found["state"])
            problem = run.secure()
            run.leave()
            return DrError("; ".join(filter(None, (text, problem))), f"{rollback_command(run.record)} asks again")

        asked = gate.Asked(name, f"the rollback: {why}", run.record["plan_sha256"], detail, seconds)
        gate.ask(self, run, asked, lambda: None, refused)

    def _failed_wave(self, options: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """After a failure: gives what is added to its reason. What AWS or a person refuses is told: it is closed next."""
        nothing = {"changed": False, "said": ""}
        if not options["execution"]["execution_id"] or self._task.check_mode:
            return nothing
        try:
            return self._take_back(options, task_vars) or nothing
        except (DrError, CallError) as error:
            return {**nothing, "said": f"; the rollback did not finish: {error}"}

    def _take_back(self, options: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any] | None:
        run = Run.attach(options["control"], options["execution"])
        parameters, plan = run.parameters, run.plan
        hosts = self.variables(task_vars, "ansible_play_batch")
        waves = sorted({pair.wave for pair in run.pairs(hosts)})
        if plan is None or not waves or run.record["status"] != "RUNNING" or parameters.on_wave_failure != "rollback":
            return None
        if parameters.rollback_scope == "all":
            waves = sorted({pair.wave for pair in plan.pairs if pair.wave <= waves[-1]})
        undo = rollback.foresee(run.control, run.record, plan, run.captured, waves)
        for text, colour in rollback.said(undo, run.execution_id):
            self.say(text, color=colour)
        if not (undo.waves or undo.stays):
            return None
        known = rollback.begin(run.store, run.record, run.actor, waves, "on_wave_failure=rollback")
        told = {"before": "RUNNING", "waves": waves, "reason": "on_wave_failure=rollback"}
        run.change({"rollbacks": known}, "execution_rollback_started", **told)
        results = rollback.carry_out(run, undo, self._watch(run), self.say)
        text = rollback.end(run, undo, results, f"{run.actor}, who asked for on_wave_failure=rollback")
        self.say(text, color="yellow")
        return {"changed": bool(results), "said": f"; {text}"}

    def _watch(self, run: Run) -> Any:
        def watch(pairs: Sequence[Pair]) -> Observer:
            return Progress(ROLLBACK, pairs, self.say, elapsed=run.elapsed_seconds())

        return watch
