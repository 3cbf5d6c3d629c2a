# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out one phase for the batch's resources: the whole wave in one task."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils import calendars, rollback
from ansible_collections.dr.aws.plugins.module_utils.engine import ROLLBACK, Engine, Result
from ansible_collections.dr.aws.plugins.module_utils.errands.placing import held_back
from ansible_collections.dr.aws.plugins.module_utils.errors import DrError
from ansible_collections.dr.aws.plugins.module_utils.interventions import heed
from ansible_collections.dr.aws.plugins.module_utils.metrics import Metrics, wave_duration
from ansible_collections.dr.aws.plugins.module_utils.model import PHASES, Goal, Pair
from ansible_collections.dr.aws.plugins.module_utils.plan import NOBODY, STAGES, Plan
from ansible_collections.dr.aws.plugins.module_utils.run import Run, counts, shown
from ansible_collections.dr.aws.plugins.module_utils.words import duration
from ansible_collections.dr.aws.plugins.plugin_utils.batch_action import BatchAction
from ansible_collections.dr.aws.plugins.plugin_utils.progress import Progress

#: How many resources an error names; all of them are on the screen before it, and in the execution's status.
NAMED = 3


def _already(results: Mapping[str, Result]) -> str:
    """What is said of the resources that need no look."""
    said = {"done": "hold already", "not_yet": "are decided later"}
    return "".join(f", {number} {said[status]}" for status, number in counts(results).items())


def _counted(numbers: Mapping[str, int]) -> str:
    """What a wave ended with."""
    return ", ".join(f"{number} {status.replace('_', ' ')}" for status, number in sorted(numbers.items())) or "nothing to do"


def first_call(result: Result) -> str:
    """What check mode says of a resource: the first mutating call that would be sent, and where."""
    call = result.calls[0]
    where = f"{call['region']}, account {call['account']}"
    return f"{result.key}: would call {call['service']} {call['operation']} in {where}: {call['why']}"


def crossing(plan: Plan | None, phase: str, goals: Sequence[Goal]) -> str:
    """What is said of the wave's steps: which of them cannot be taken back."""
    keys = {goal.pair.key for goal in goals}
    one_way = [entry.key for batch in plan.of(phase) for entry in batch.entries if entry.one_way] if plan else []
    crossed = [key for key in one_way if key in keys]
    if not crossed:
        return ", reversible" if keys else ""
    more = f" and {len(crossed) - NAMED} more" if len(crossed) > NAMED else ""
    return f", {len(crossed)} one-way: {', '.join(crossed[:NAMED])}{more}"


def completes(execution: Mapping[str, Any], phase: str, hosts: Mapping[str, Any]) -> bool:
    """Whether the hosts of a batch are the last of a phase, in check mode never. execution: the fact that the plan action gives."""
    stages = [tuple(execution["hosts"].get(stage, NOBODY)) for stage, of in STAGES.items() if of == phase]
    last = next((names[-1] for names in reversed(stages) if names != NOBODY), None)
    return bool(execution["execution_id"]) and last in hosts


def measure(metrics: Metrics, phase: str, results: Mapping[str, Result], pairs: Mapping[str, Pair], seconds: float) -> None:
    """The metrics of a wave that took so many seconds."""
    ended = counts(results)
    metrics.add(wave_duration(phase), seconds)
    metrics.add("ResourcesDone", ended.get("done", 0))
    metrics.add("ResourcesFailed", ended.get("failed", 0) + ended.get("blocked", 0))
    metrics.add("ResourcesDeferred", ended.get("deferred", 0))
    moved = [one for one in results.values() if phase == "activate" and one.status == "done" and one.changed]
    metrics.add("DnsUpdateTime", *(one.seconds for one in moved if pairs[one.key].technology == "route53"))


def _part(run: Run, hosts: Mapping[str, Any], part: str) -> tuple[Mapping[str, Any], bool]:
    """The hosts of a part of the wave, and whether there is more to come: `unproven` leaves out what business checks gate."""
    held = held_back(run.pairs(hosts)) if part != "whole" else frozenset()
    wanted = {key: values for key, values in hosts.items() if (key in held) == (part == "proven")}
    return wanted, part == "unproven" and bool(held)


class ActionModule(BatchAction):
    """See the documentation of the module of the same name."""

    OPTIONS: Mapping[str, Any] = {
        "control": {"type": "dict", "required": True},
        "execution": {"type": "dict", "required": True},
        "phase": {"type": "str", "required": True, "choices": list(PHASES)},
        "part": {"type": "str", "default": "whole", "choices": ["whole", "unproven", "proven"]},
    }

    def act(self, options: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """Runs the engine over the wave and gives every resource's result; fails when the wave may not be followed by another."""
        phase = options["phase"]
        everything = self.variables(task_vars, "ansible_play_batch")
        run = Run.attach(options["control"], options["execution"])
        hosts, more = _part(run, everything, options["part"])
        if not hosts:
            return {"changed": False, "phase": phase, "waves": [], "counts": {}, "resources": {}}
        already = run.already(phase, hosts)
        pairs = {pair.key: pair for pair in run.pairs(hosts)}
        waves = sorted({pair.wave for pair in pairs.values()})
        name = f"{phase}, wave {', '.join(map(str, waves))}"
        if options["part"] != "proven" or len(hosts) == len(everything):  # a wave that has begun is finished
            heed(run, phase, hosts, self.say)
            calendars.pause(run, name)
        if phase == "activate" and run.record.get("rollbacks"):
            run.journal.put_aside([ROLLBACK], list(hosts))
        skipped = run.skipped(phase, hosts, leave_out=already)
        goals = run.goals(hosts, leave_out={**already, **skipped})
        where: dict[str, Any] = {"phase": phase, "wave": waves[0] if waves else None}
        opening = f"{name}: {len(hosts)} resources" + _already(already) + crossing(run.plan, phase, goals)
        self.say(opening, event="wave_started", total=len(hosts), **where)
        for text in {rollback.foretold(run.plan, wave) for wave in waves} - {""} if run.plan and phase == "activate" else ():
            self.say(f"  {text}", color="yellow")
        for key, result in skipped.items():
            told = {"resource": key, "state": result.status, "why": result.why, **where}
            self.say(f"  {result.status:<9} {key}: {result.why}", color="yellow", event="resource", **told)
        if not run.check_mode:
            run.journal.progress(phase, waves[0] if waves else None)
        began = time.monotonic()
        run.note("wave_started", phase=phase, waves=waves, resources=len(hosts))
        engine = Engine(
            run.cloud,
            run.journal,
            parallelism=run.parameters.parallelism,
            check_mode=self._task.check_mode,
            poll_limit_seconds=run.control.poll_limit_seconds,
            adapter=run.adapter,
            observer=Progress(phase, [goal.pair for goal in goals], self.say, run.elapsed_seconds(), self.screen.pause),
        )
        unasked = {**already, **skipped}
        results = {**unasked, **engine.run(phase, goals, run.needed(phase, goals, unasked))}
        for result in results.values():
            if result.status == "would_change":
                self.say(f"  {first_call(result)}", color="yellow", event="would_change", resource=result.key, **where)
        run.settle(phase, results)
        run.moved(phase, results)
        stopping = {key: result for key, result in results.items() if run.stops(phase, pairs[key], result)}
        ended = {"phase": phase, "waves": waves, "counts": counts(results)}
        took = time.monotonic() - began
        closing = f"{name}: {_counted(ended['counts'])} after {duration(took)}"
        color = "red" if stopping else "green"
        self.say(closing, color, event="wave_ended", counts=ended["counts"], seconds=round(took, 1), **where)
        if not run.check_mode:
            run.journal.progress(phase, waves[0] if waves else None, ended["counts"])
        run.note("wave_ended", **ended)
        saved = run.savings() if phase == "cleanup" else {}
        made = run.copy_costs() if phase != "activate" else None
        cost = made.estimates if made and phase == "instantiate" else {}
        if not stopping and not more:
            run.notify("wave_completed", **ended)
            if completes(run.execution, phase, everything):
                run.notify(
                    "phase_completed", phase=phase, counts=run.store.get_execution(run.execution_id)["counts"].get(phase, {})
                )
        measure(run.control.metrics, phase, results, pairs, took)
        run.publish()
        self.warn(run.secure())
        answer = {
            **ended,
            "changed": any(result.changed or result.status == "would_change" for result in results.values()),
            "resources": {
                key: shown(result)
                | ({"estimated_saving": saved[key].to_json()} if key in saved else {})
                | ({"estimated_cost": cost[key].by_hour()} if key in cost else {})
                for key, result in results.items()
            },
        }
        if stopping:
            named = "; ".join(f"{key} is {result.status}: {result.why}" for key, result in list(stopping.items())[:NAMED])
            more = f"; and {len(stopping) - NAMED} more" if len(stopping) > NAMED else ""
            raise DrError(f"{name}: {len(stopping)} of {len(results)} resources stop the run: {named}{more}", run.resume_command())
        return answer
