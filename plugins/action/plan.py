# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Freezes the plan of an execution, takes the lock and starts it; or takes up an execution that was interrupted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils.adapters import adapter
from ansible_collections.dr.aws.plugins.module_utils.drills import reconciler
from ansible_collections.dr.aws.plugins.module_utils.errors import DrError, InputError
from ansible_collections.dr.aws.plugins.module_utils.lock import runner
from ansible_collections.dr.aws.plugins.module_utils.model import PHASES, Done, Goal
from ansible_collections.dr.aws.plugins.module_utils.parameters import Facts, detected_at, execution_id, validate_parameters
from ansible_collections.dr.aws.plugins.module_utils.plan import Plan, build
from ansible_collections.dr.aws.plugins.module_utils.run import Control, Run
from ansible_collections.dr.aws.plugins.module_utils.scope import pair_of
from ansible_collections.dr.aws.plugins.module_utils.status import removed
from ansible_collections.dr.aws.plugins.module_utils.store import Lock, new_execution_id
from ansible_collections.dr.aws.plugins.module_utils.survey import Surveyed, survey
from ansible_collections.dr.aws.plugins.plugin_utils.batch_action import BatchAction
from ansible_collections.dr.aws.plugins.plugin_utils.progress import duration

#: Operations that a playbook carries out.
RUNNABLE = ("failover", "test")
#: States that cannot be resumed.
ENDED = ("COMPLETED", "CANCELLED")
#: What a person gives; validated by `validate_parameters`, whose errors say more than an argument spec's.
PARAMETERS = (
    "customer",
    "environment",
    "primary_region",
    "dr_region",
    "mode",
    "approval_mode",
    "waves",
    "phases",
    "parallelism",
    "cleanup_policy",
    "accept_partial_inventory",
    "execution_id",
    "detected_at",
)


class ActionModule(BatchAction):
    """See the documentation of the module of the same name."""

    OPTIONS: Mapping[str, Any] = {
        "control": {"type": "dict", "required": True},
        "inventory": {"type": "dict", "required": True},
        "operation": {"type": "str", "default": "failover", "choices": list(RUNNABLE)},
        "cleanup": {"type": "bool", "default": False},
        **{name: {"type": "raw"} for name in PARAMETERS},
    }

    def act(self, options: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """Gives the fact `dr_execution`, by which the tasks after it know the execution."""
        hosts = self.variables(task_vars, "ansible_play_hosts_all")
        resume = execution_id(options["execution_id"])
        if options["cleanup"] and not (resume and options["operation"] == "test"):
            remedy = "ansible-playbook dr.aws.status -e customer=… -e environment=… lists them"
            raise InputError("cleanup", True, "true with the execution_id of a drill", remedy)
        fact = self._resume(resume, options, hosts) if resume else self._start(options, hosts)
        return {"changed": False, "ansible_facts": {"dr_execution": fact}, "plan": fact}

    def _start(self, options: Mapping[str, Any], hosts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        scopes = {(one["dr_customer"], one["dr_environment"]) for one in hosts.values()}
        facts = Facts.of({**options["inventory"], "regions": options["control"]["regions"]}, scopes)
        parameters = validate_parameters({**options, "operation": options["operation"]}, facts)
        control = Control(options["control"])
        detected = detected_at(options["detected_at"], control.store.clock())
        scope = (parameters.customer, parameters.environment)
        chosen = {key: one for key, one in hosts.items() if (one["dr_customer"], one["dr_environment"]) == scope}
        source, target = parameters.source_region, parameters.target_region
        pairs = [pair_of(key, variables, source, target) for key, variables in chosen.items()]
        looks = survey(control.cloud, pairs, parameters.parallelism)
        known = {pair.technology: reconciler(parameters.operation)(pair.technology) for pair in pairs}
        durations = {name: {phase: one.durations.get(phase, 0) for phase in one.phases} for name, one in known.items()}
        captured = control.captured(*scope)
        goals = [Goal(pair, parameters.mode, parameters.cleanup_policy, captured=captured.get(pair.key, {})) for pair in pairs]
        standing = [goal.pair.key for goal in goals if not parameters.drill and _stands(looks[goal.pair.key], goal)]
        plan = build(pairs, {key: look.active for key, look in looks.items()}, parameters, facts, durations, standing)
        self._say_plan(plan)
        if self._task.check_mode:
            return _fact(plan, "", 0)
        kept = control.store.get_snapshot(*scope)
        if kept is None:
            self.say("  ! no readiness snapshot: what the source runs is known only while it answers", color="yellow")
        return self._begin(control, plan, kept["body"]["captured"] if kept else {}, detected)

    def _begin(self, control: Control, plan: Plan, captured: Mapping[str, Any], detected: str) -> dict[str, Any]:
        store, parameters = control.store, plan.parameters
        name = new_execution_id(store.clock())
        caller = control.accounts.control("sts").get_caller_identity()
        lock = Lock(store)
        fence = lock.acquire(parameters.customer, parameters.environment, owner=name, runner=runner())
        try:
            store.put_plan(name, {"plan": plan.to_json(), "captured": captured})
            who = {"execution_id": name, "created_by": caller["Arn"], "account": caller["Account"]}
            store.create_execution({**plan.record(), **who, "detected_at": detected or None})
            store.update_execution(name, status="RUNNING")
            fact = _fact(plan, name, fence)
            run = Run.attach(control.settings, fact)
            run.note("execution_started", parameters=parameters.to_json(), plan_sha256=plan.sha256)
        except BaseException:
            lock.release()
            raise
        run.notify("execution_started", resources=len(plan.pairs), expected=duration(plan.expected_seconds))
        self.say(f"execution {name} started; to see it: ansible-playbook dr.aws.status -e execution_id={name}")
        return fact

    def _resume(self, name: str, options: Mapping[str, Any], hosts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        control = Control(options["control"])
        detected = detected_at(options["detected_at"], control.store.clock())
        record = control.store.get_execution(name)
        plan = Plan.from_json(control.store.get_plan(name)["plan"])
        for field in ("customer", "environment"):
            given = options[field]
            if given not in (None, "", record[field]):
                text = f"execution {name} is of {field}={record[field]}, not of {given}"
                raise DrError(text, f"-e {field}={record[field]}, or leave out execution_id for a new execution")
        if record["operation"] != options["operation"]:
            remedy = f"ansible-playbook dr.aws.{record['operation']} -e execution_id={name}"
            raise DrError(f"execution {name} is a {record['operation']}, not a {options['operation']}", remedy)
        if removed(record):
            text = f"the copies of the drill {name} are removed, nothing of it is left to resume"
            raise DrError(text, "leave out execution_id for a new drill")
        cleaning = record["operation"] == "test" and record.get("current_phase") == "cleanup"
        phases = ("cleanup",) if options["cleanup"] or cleaning else PHASES
        missing = [pair.key for pair in plan.pairs if pair.key not in hosts]
        if missing:
            text = f"{len(missing)} resources of execution {name} are not in this inventory: {', '.join(missing[:5])}"
            raise DrError(text, "use the inventory (and the --limit) that the execution was started with")
        if self._task.check_mode:
            self._say_plan(plan)
            return _fact(plan, "", 0, phases)
        if record["status"] in ENDED:
            remedy = "leave out execution_id for a new execution"
            raise DrError(f"execution {name} is {record['status']} and cannot be resumed", remedy)
        lock = Lock(control.store)
        fence = lock.acquire(record["customer"], record["environment"], owner=name, runner=runner())
        try:
            control.store.update_execution(name, status="RUNNING", **({"detected_at": detected} if detected else {}))
            fact = _fact(plan, name, fence, phases)
            run = Run.attach(control.settings, fact)
            run.note("execution_resumed", before=record["status"])
        except BaseException:
            lock.release()
            raise
        self.say(f"execution {name} goes on; it was {record['status']}")
        return fact

    def _say_plan(self, plan: Plan) -> None:
        parameters = plan.parameters
        self.say(
            f"plan {plan.sha256[:12]}: {parameters.operation} ({parameters.mode}) of "
            f"{parameters.customer}/{parameters.environment}, {parameters.source_region} -> {parameters.target_region}, "
            f"{len(plan.pairs)} resources, "
            f"about {duration(plan.expected_seconds)}"
        )
        for batch in plan.batches:
            states = [entry.state for entry in batch.entries]
            parts = [f"{states.count(state)} {said}" for state, said in STATES.items() if state in states]
            gate = f"; approval before it: {batch.gate.why}" if batch.gate else ""
            until = f"about {duration(batch.expected_seconds)}, ends after {duration(batch.finish_seconds)}"
            self.say(f"  {batch.phase:<12} wave {batch.wave:>2}  {', '.join(parts)}; {until}{gate}")
        for warning in plan.warnings:
            self.say(f"  ! {warning}", color="yellow")


STATES = {"todo": "to do", "done": "hold already", "deferred": "will be deferred"}


def _stands(look: Surveyed, goal: Goal) -> bool:
    """Whether the standby holds already, as far as one look tells."""
    return not look.error and isinstance(adapter(goal.pair.technology).instantiate(look.seen, goal), Done)


def _fact(plan: Plan, name: str, fence: int, phases: Collection[str] = PHASES) -> dict[str, Any]:
    """The fact: small values only, it is a variable of the run. An empty execution_id is check mode. phases: those to carry out."""
    hosts, serial, already = {}, {}, {}
    for phase in PHASES:
        batches = plan.of(phase) if phase in phases else ()
        hosts[phase] = [entry.key for batch in batches for entry in batch.entries] or ["all", "!all"]
        serial[phase] = [len(batch.entries) for batch in batches] or [1]
        already[phase] = sorted(plan.done(phase))
    return {
        "execution_id": name,
        "fence": fence,
        "plan_sha256": plan.sha256,
        "parameters": plan.parameters.to_json(),
        "hosts": hosts,
        "serial": serial,
        "already": already,
    }
