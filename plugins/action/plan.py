# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Freezes the plan of an execution, takes the lock and starts it; or takes up an execution that was interrupted."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils import (
    calendars,
    health,
    homecoming,
    pauses,
    plans,
    protection,
    requested,
    rollback,
    settling,
    snapshots,
    switching,
    trail,
    window,
)
from ansible_collections.dr.aws.plugins.module_utils.adapters import adapter
from ansible_collections.dr.aws.plugins.module_utils.approvals import TIMEOUT_SECONDS
from ansible_collections.dr.aws.plugins.module_utils.audit import Note
from ansible_collections.dr.aws.plugins.module_utils.capacity.outlook import Outlook, outlook
from ansible_collections.dr.aws.plugins.module_utils.drills import reconciler
from ansible_collections.dr.aws.plugins.module_utils.dynamo import MissingError, utc
from ansible_collections.dr.aws.plugins.module_utils.errands.asked import errands
from ansible_collections.dr.aws.plugins.module_utils.errands.placing import idle
from ansible_collections.dr.aws.plugins.module_utils.errors import DrError, InputError
from ansible_collections.dr.aws.plugins.module_utils.fact import fact_of
from ansible_collections.dr.aws.plugins.module_utils.history import expected, recall
from ansible_collections.dr.aws.plugins.module_utils.metrics import discovered
from ansible_collections.dr.aws.plugins.module_utils.model import PHASES, Active, Done, Goal, Pair
from ansible_collections.dr.aws.plugins.module_utils.parameters import (
    Facts,
    Parameters,
    detected_at,
    execution_id,
    given,
    plan_id,
    timeout,
    validate_parameters,
)
from ansible_collections.dr.aws.plugins.module_utils.plan import Plan, build
from ansible_collections.dr.aws.plugins.module_utils.preview import Preview, preview, to_json
from ansible_collections.dr.aws.plugins.module_utils.relay import Driven, restart, settled
from ansible_collections.dr.aws.plugins.module_utils.reliance import drifted, rely
from ansible_collections.dr.aws.plugins.module_utils.run import Control, Run
from ansible_collections.dr.aws.plugins.module_utils.scope import pair_of
from ansible_collections.dr.aws.plugins.module_utils.status import cleanup_command, leaving, removed
from ansible_collections.dr.aws.plugins.module_utils.store import new_execution_id
from ansible_collections.dr.aws.plugins.module_utils.survey import Surveyed, survey
from ansible_collections.dr.aws.plugins.module_utils.switching import resumed
from ansible_collections.dr.aws.plugins.module_utils.words import duration
from ansible_collections.dr.aws.plugins.plugin_utils.batch_action import BatchAction
from ansible_collections.dr.aws.plugins.plugin_utils.gate import switch
from ansible_collections.dr.aws.plugins.plugin_utils.plan_view import lines

#: Operations that a playbook carries out.
RUNNABLE = ("failover", "failback", "reprotect", "test")
#: Of the variable `dr_inventory`, what an audit entry tells of how the resources were found.
_FOUND = ("source", "discovered_at", "complete", "counts", "stale_regions", "duration_ms", "cached")
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
    "approvals_needed",
    "approver_must_differ",
    "waves",
    "phases",
    "parallelism",
    "cleanup_policy",
    "accept_partial_inventory",
    "accept_shortfalls",
    "accept_snapshot",
    "snapshot_max_age_hours",
    "execution_id",
    "detected_at",
    "hooks",
    "business_checks",
    "on_wave_failure",
    "rollback_scope",
    "undo_window_minutes",
)


@dataclass(frozen=True, slots=True)
class Made:
    """A plan of now. captured: what readiness captured last. plan_id: the stored plan that it was held against, or "".

    found: how the resources were found, for the audit trail. lags: of what replicates and serves in its source, in seconds.
    """

    control: Control
    plan: Plan
    captured: Mapping[str, Any]
    plan_id: str
    found: Mapping[str, Any]
    lags: Sequence[float] = ()

    def outlook(self) -> Outlook:
        """Whether what is left to activate fits into the target's quotas. Copies of drills are not reckoned with."""
        serving, parameters = self.plan.serving, self.plan.parameters
        moving = not (parameters.drill or parameters.reprotects)
        wanted = [pair for pair in self.plan.pairs if moving and pair.key not in serving]
        return outlook(self.control.cloud, wanted, self.captured)


class ActionModule(BatchAction):
    """See the documentation of the module of the same name."""

    OPTIONS: Mapping[str, Any] = {
        "control": {"type": "dict", "required": True},
        "inventory": {"type": "dict", "required": True},
        "operation": {"type": "str", "default": "failover", "choices": list(RUNNABLE)},
        "start": {"type": "bool", "default": True},
        "plan_id": {"type": "raw"},
        "calendar_override_reason": {"type": "str", "default": ""},
        "cleanup": {"type": "bool", "default": False},
        "approval_timeout_seconds": {"type": "raw"},
        "health_timeout_seconds": {"type": "raw"},
        "driver": {"type": "str", "default": ""},
        "shard_size": {"type": "int", "default": 0},
        **{name: {"type": "raw"} for name in PARAMETERS},
    }

    def act(self, options: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """Gives the fact `dr_execution`, by which the tasks after it know the execution."""
        hosts = self.variables(task_vars, "ansible_play_hosts_all")
        resume = execution_id(options["execution_id"])
        # Waited for by later tasks, where it is too late to refuse them.
        timeout(options, "health_timeout_seconds", 0, health.TIMEOUT_SECONDS)
        timeout(options, "approval_timeout_seconds", 1, TIMEOUT_SECONDS)
        if options["cleanup"] and options["operation"] != "test":
            raise InputError("cleanup", True, "true with a drill", "ansible-playbook dr.aws.test -e cleanup=true")
        if options["cleanup"] and not resume:
            resume = self._left(options)
        if not options["start"]:
            return self._keep(options, hosts)
        record = Control(options["control"]).store.get_execution(resume) if resume else {}
        if requested.unplanned(record):
            fact = self._start(requested.taken(record, options), hosts, record)
        else:
            fact = self._resume(resume, options, hosts) if resume else self._start(options, hosts)
        return {"changed": False, "ansible_facts": {"dr_execution": fact}, "plan": fact}

    def _left(self, options: Mapping[str, Any]) -> str:
        """The newest drill of the customer and environment that may have left something; the others are said."""
        scope = {name: str(options[name] or "") for name in ("customer", "environment")}
        found = leaving(Control(options["control"]).store.executions(**scope, limit=None))
        if not found:
            raise DrError(f"no drill of {'/'.join(scope.values())} has left anything", "leave out cleanup for a new drill")
        for one in found[1:]:
            self.say(f"  ! the drill {one['execution_id']} has left something as well: {cleanup_command(one)}", color="yellow")
        return str(found[0]["execution_id"])

    def _made(self, options: Mapping[str, Any], hosts: Mapping[str, Mapping[str, Any]]) -> Made:
        """The plan of what is there now: of the parameters given, or of those of the stored plan that is taken."""
        facts = _facts(options, hosts)
        control = Control(options["control"])
        name = plan_id(options["plan_id"])
        before = plans.get(control.store, name) if name else None
        if before and before.parameters.operation != options["operation"]:
            planned = before.parameters.operation
            remedy = f"ansible-playbook dr.aws.{planned} -e plan_id={name}"
            raise DrError(f"{name} plans a {planned}, not a {options['operation']}", remedy)
        asked = {name: options[name] for name in (*PARAMETERS, "operation")}
        parameters = validate_parameters({**before.parameters.to_json(), **given(asked)} if before else asked, facts)
        scope = (parameters.customer, parameters.environment)
        chosen = {key: one for key, one in hosts.items() if (one["dr_customer"], one["dr_environment"]) == scope}
        source, target = parameters.source_region, parameters.target_region
        pairs = [pair_of(key, variables, source, target) for key, variables in chosen.items()]
        looks = survey(control.cloud, pairs, parameters.parallelism)
        kept = snapshots.latest(control.store, *scope)
        facts, said = rely(kept, facts, parameters, control.store.clock())
        captured = kept.captured if kept else {}
        owing: set[str] = set()
        if not parameters.drill and not parameters.reprotects:
            owing = homecoming.refuse_divided(control.store, pairs, looks, parameters, facts.stale)
        if parameters.reprotects:
            owing = homecoming.owing(control.store, *scope)
            back = homecoming.homeward(control.store, chosen, parameters, owing)
            pairs, looks = protection.directed(control.cloud, pairs, looks, back, parameters.parallelism)
            said += protection.left_alone(pairs, looks)
        elif parameters.operation == "failback" and parameters.mode == "planned":
            captured, told = homecoming.prepare(control.cloud, control.store, chosen, looks, kept, parameters)
            said += told
        goals = [Goal(pair, parameters.mode, parameters.cleanup_policy, captured=captured.get(pair.key, {})) for pair in pairs]
        standing = [goal.pair.key for goal in goals if not parameters.drill and _stands(looks[goal.pair.key], goal)]
        durations = self._durations(control, parameters, {pair.technology for pair in pairs})
        said += drifted(kept, chosen, options["inventory"].get("missing", ()))
        sides = {key: look.active for key, look in looks.items()}
        said += idle(errands(parameters.hooks, parameters.business_checks), parameters, pairs)
        plan = build(pairs, sides, parameters, facts, durations, standing, said, owing)
        if before:
            plans.refuse_drift(name, before, plan)
        return Made(control, plan, captured, name, _found(options["inventory"]), lags(pairs, looks))

    @staticmethod
    def _durations(control: Control, parameters: Parameters, technologies: Collection[str]) -> dict[str, dict[str, int]]:
        """What phases are expected to take: as long as before, or else what the technology says."""
        one = reconciler(parameters.operation)
        defaults = {name: {phase: one(name).durations.get(phase, 0) for phase in one(name).phases} for name in technologies}
        try:
            return expected(defaults, recall(control.store, parameters.customer, parameters.environment, parameters.operation))
        except MissingError:  # no control plane, no history
            return defaults

    def _start(
        self, options: Mapping[str, Any], hosts: Mapping[str, Mapping[str, Any]], asked: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """asked: the record of an execution that was asked for and has no plan yet; None for a new one."""
        detected = detected_at(options["detected_at"], Control(options["control"]).store.clock())
        made = self._made(options, hosts)
        self._say_plan(made.plan)
        window.refuse_cleanup(made.control.store, made.plan.parameters, [pair.key for pair in made.plan.pairs])
        if self._task.check_mode:
            self._foresee(made)
            return fact_of(made.plan)
        if made.plan.parameters.mode == "planned":  # in a disaster what fits is better than nothing
            self._refuse_shortfalls(made)
        if not made.captured:
            self.say("  ! no readiness snapshot: what the source runs is known only while it answers", color="yellow")
        told = {"detected_at": detected or None, **self._admitted(made.control, made.plan, options)}
        return self._begin(made, told, asked or {}, Driven.of(options))

    def _foresee(self, made: Made) -> None:
        for text in calendars.foresee(made.control, made.plan):
            self.say(f"  ! {text}", color="yellow")

    def _admitted(self, control: Control, plan: Plan, options: Mapping[str, Any]) -> dict[str, str]:
        """What is recorded of the change calendars. PlanError in a maintenance window."""
        reason: str = options["calendar_override_reason"]
        for text in calendars.admit(control, plan, reason):
            self.say(f"  ! {text}", color="yellow")
        return {"calendar_override_reason": reason}

    def _keep(self, options: Mapping[str, Any], hosts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """Says what each resource's next step would be, and stores the plan."""
        made = self._made(options, hosts)
        found = preview(made.control.cloud, made.plan, made.captured, made.plan.parameters.parallelism)
        self._say_plan(made.plan, found, datetime.now(UTC))
        room = made.outlook()
        for text in room.report:
            self.say(f"  {text}", color="red" if room.shortfalls else None)
        self._foresee(made)
        seen = {"preview": to_json(found), "capacity": room.to_json()}
        name = ""
        if not self._task.check_mode:
            caller = made.control.accounts.control("sts").get_caller_identity()["Arn"]
            name = plans.put(made.control.store, made.plan, {**seen, "created_by": caller})
            operation = made.plan.parameters.operation
            self.warn(trail.record(made.control, "plan_stored", plan_id=name, plan_sha256=made.plan.sha256, operation=operation))
            self.say(f"stored as {name}; to carry it out: ansible-playbook dr.aws.{operation} -e plan_id={name}")
        return {"changed": bool(name), "plan_id": name, "plan": made.plan.to_json(), **seen}

    @staticmethod
    def _refuse_shortfalls(made: Made) -> None:
        short = made.outlook().shortfalls
        if short and not made.plan.parameters.accept_shortfalls:
            remedy = f"{short[0].remedy}; or go on as far as it fits: -e accept_shortfalls=true"
            raise DrError(f"the target lacks capacity: {'; '.join(map(str, short))}", remedy)

    def _begin(self, made: Made, told: Mapping[str, str | None], asked: Mapping[str, Any], driven: Driven) -> dict[str, Any]:
        began = time.monotonic()
        control, plan = made.control, made.plan
        store, parameters = control.store, plan.parameters
        name = asked.get("execution_id") or new_execution_id(store.clock())
        caller = control.accounts.control("sts").get_caller_identity()
        lock = driven.take(store, parameters.customer, parameters.environment, name)
        try:
            store.put_plan(name, {"plan": plan.to_json(), "captured": made.captured})
            who = {"execution_id": name, "created_by": caller["Arn"], "account": caller["Account"], "plan_id": made.plan_id}
            if asked:  # whoever asked for it has started it, and may not approve where another must
                who["created_by"] = asked["created_by"]
            started = {"parameters": parameters.to_json(), "plan_sha256": plan.sha256, **told}
            notes = [
                Note("execution_started", who["created_by"], started),
                Note("resources_discovered", who["created_by"], {"resources": len(plan.pairs), **made.found}),
            ]
            if asked:
                requested.adopt(store, asked, *notes, **plan.record(), **told)
            else:
                store.create_execution({**plan.record(), **who, **told}, *notes)
                store.update_execution(name, status="RUNNING")
            fact = fact_of(plan, name, lock, caller=who["created_by"])
            run = Run.attach(control.settings, fact)
        except BaseException:
            lock.release()
            raise
        metrics = run.control.metrics
        metrics.add("AcceptanceTime", time.monotonic() - began)
        metrics.add("DiscoveryTime", *discovered(made.found))
        if made.lags:
            metrics.add("ReplicationLag", max(made.lags))
        run.notify("execution_started", resources=len(plan.pairs), expected=duration(plan.expected_seconds))
        self.warn(run.publish())
        self.warn(run.secure())
        self.warn(control.tracing.problem)
        said = f"execution {name} started; to see it: ansible-playbook dr.aws.status -e execution_id={name}"
        ends = utc(store.clock() + plan.expected_seconds)
        facts = {"execution_id": name, "execution_arn": run.record["execution_arn"], "estimated_completion_time": ends}
        self.say(said, event="execution_started", **facts)
        return driven.limit(run, fact)

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
        if removed(record) and record["status"] != "RUNNING":  # then it died before it was closed
            text = f"the copies of the drill {name} are removed, nothing of it is left to resume"
            raise DrError(text, "leave out execution_id for a new drill")
        cleaning = record["operation"] == "test" and record.get("current_phase") == "cleanup"
        phases = ("cleanup",) if options["cleanup"] or cleaning else PHASES
        missing = [pair.key for pair in plan.pairs if pair.key not in hosts]
        if missing:
            text = f"{len(missing)} resources of execution {name} are not in this inventory: {', '.join(missing[:5])}"
            raise DrError(text, "use the inventory (and the --limit) that the execution was started with")
        goal = resumed(
            record, plan, {**{one: options[one] for one in PARAMETERS}, "plan_id": options["plan_id"]}, _facts(options, hosts)
        )
        driven = Driven.of(options)
        went_on = record["status"] == "RUNNING" and driven.caller(control.store, name)
        owing = [] if went_on or record["status"] in ENDED else self._owing(control, goal, options, hosts)
        if self._task.check_mode:
            self._say_plan(goal)
            return fact_of(goal, phases=phases)
        removing = options["cleanup"] and record["status"] == "CANCELLED"  # it stays cancelled
        if record["status"] in ENDED and not removing:
            remedy = _new(record)
            raise DrError(f"execution {name} is {record['status']} and cannot be resumed", remedy)
        window.refuse_resume(record, control.store.clock())
        admitted = self._admitted(control, goal, options)
        pauses.alert(control.store, control.notifier, record, lambda: trail.caller(control))
        lock = driven.take(control.store, record["customer"], record["environment"], name)
        try:
            first = settling.kept(record, owing)
            state = {} if removing else {"status": "RUNNING", "reason": None}
            left = rollback.closed(record, "left")
            before = driven.caller(control.store, name)
            # by the API, for which something else runs it; or by whoever let the runner before this one begin
            caller = record.get("resumed_by") or before or trail.caller(control)
            told = {"before": record["status"], **admitted, **({"settles": owing} if owing else {})}
            control.store.update_execution(
                name,
                Note("execution_continued" if went_on else "execution_resumed", caller, told),
                **state,
                **admitted,
                **left,
                **settled(control.store, record),
                **({settling.FIELD: first} if owing else {}),
                resumed_by=None,
                **({"detected_at": detected} if detected else {}),
            )
            if owing:
                restart(control.store, name)
            fact = fact_of(settling.first(plan, first), name, lock, phases, caller)
            run = Run.attach(control.settings, fact)
            switching.complete(run, plan, switching.approver_of(control.store, name, plan))
        except BaseException:
            lock.release()
            raise
        self.warn(run.secure())
        following = run.following()
        more = f"; next is {following.phase}, wave {following.wave}: {len(following.todo)} resources" if following else ""
        self.say(f"execution {name} goes on; it was {record['status']}{more}", event="execution_resumed", execution_id=name)
        if goal.sha256 != plan.sha256:
            switch(self, run, goal, timeout(options, "approval_timeout_seconds", 1, TIMEOUT_SECONDS))
            fact = fact_of(settling.first(goal, first), name, lock, phases, caller)
        return driven.limit(Run.attach(control.settings, fact), fact)

    def _owing(self, control: Control, plan: Plan, options: Mapping[str, Any], hosts: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """What is fenced before the execution goes on; said. Whether a region answers now is not in an inventory of before."""
        dark = () if options["inventory"].get("cached") else _facts(options, hosts).stale
        found = settling.due(control.store, control.cloud, plan, dark)
        if found:
            self.say(f"fence debts are settled before anything else: {', '.join(found)}", color="yellow")
        return found

    def _say_plan(self, plan: Plan, found: Preview | None = None, begin: datetime | None = None) -> None:
        for text, color in lines(plan, found, begin):
            self.say(text, color=color, event="plan")


def _new(record: Mapping[str, Any]) -> str:
    """What to do instead of resuming what has ended."""
    new = "leave out execution_id for a new execution"
    drill = record["operation"] == "test" and record["status"] == "CANCELLED"
    return f"{cleanup_command(record)} removes its copies; {new}" if drill else new


def _facts(options: Mapping[str, Any], hosts: Mapping[str, Mapping[str, Any]]) -> Facts:
    """What the inventory says about itself."""
    scopes = {(one["dr_customer"], one["dr_environment"]) for one in hosts.values()}
    known = [account["id"] for account in options["control"]["accounts"]]
    return Facts.of({**options["inventory"], "regions": options["control"]["regions"], "accounts": known}, scopes)


def _stands(look: Surveyed, goal: Goal) -> bool:
    """Whether the standby holds already, as far as one look tells."""
    return not look.error and isinstance(adapter(goal.pair.technology).instantiate(look.seen, goal), Done)


def _found(inventory: Mapping[str, Any]) -> dict[str, Any]:
    """What an audit entry tells of how the resources were found."""
    return {name: inventory.get(name) for name in _FOUND}


def lags(pairs: Sequence[Pair], looks: Mapping[str, Surveyed]) -> list[float]:
    """Seconds by which targets are behind, as far as one look tells; nothing of what does not replicate."""
    seen = [(pair, looks[pair.key]) for pair in pairs if looks[pair.key].active is Active.SOURCE]
    found = [adapter(pair.technology).capture(look.seen, pair).get("lag_seconds") for pair, look in seen]
    return [float(lag) for lag in found if lag is not None and lag >= 0]
