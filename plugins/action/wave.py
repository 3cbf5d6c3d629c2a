# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out one phase for the batch's resources: the whole wave in one task."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils import calendars, rollback
from ansible_collections.dr.aws.plugins.module_utils.engine import ROLLBACK, Engine, Result
from ansible_collections.dr.aws.plugins.module_utils.errands.placing import held_back
from ansible_collections.dr.aws.plugins.module_utils.errors import DrError
from ansible_collections.dr.aws.plugins.module_utils.fact import whole
from ansible_collections.dr.aws.plugins.module_utils.interventions import heed
from ansible_collections.dr.aws.plugins.module_utils.metrics import Metrics, wave_duration
from ansible_collections.dr.aws.plugins.module_utils.model import PHASES, Goal, Pair
from ansible_collections.dr.aws.plugins.module_utils.plan import NOBODY, STAGES, Plan
from ansible_collections.dr.aws.plugins.module_utils.relay import ahead
from ansible_collections.dr.aws.plugins.module_utils.run import Run, counts, shown
from ansible_collections.dr.aws.plugins.module_utils.tracing import part
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
    stages = [tuple(whole(execution)["hosts"].get(stage, NOBODY)) for stage, of in STAGES.items() if of == phase]
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


@dataclass(frozen=True)
class Wave:
    """What one task carries out. hosts: those of the batch (`everything`) that this part is for. more: another part is to come."""

    run: Run
    phase: str
    hosts: Mapping[str, Mapping[str, Any]]
    everything: Mapping[str, Mapping[str, Any]]
    pairs: Mapping[str, Pair]
    more: bool
    begins: bool

    @classmethod
    def of(cls, run: Run, phase: str, everything: Mapping[str, Mapping[str, Any]], part: str) -> Wave:
        """part: `unproven` leaves out what business checks gate, `proven` is that."""
        held = held_back(run.pairs(everything)) if part != "whole" else frozenset()
        hosts = {key: values for key, values in everything.items() if (key in held) == (part == "proven")}
        pairs = {pair.key: pair for pair in run.pairs(hosts)}
        begins = part != "proven" or len(hosts) == len(everything)
        return cls(run, phase, hosts, everything, pairs, part == "unproven" and bool(held), begins)

    @property
    def waves(self) -> list[int]:
        """Their numbers: one, but for phases without order."""
        return sorted({pair.wave for pair in self.pairs.values()})

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.phase}, wave {', '.join(map(str, self.waves))}"

    @property
    def where(self) -> dict[str, Any]:
        """For machines."""
        return {"phase": self.phase, "wave": self.waves[0] if self.waves else None}

    def progress(self, *ended: Mapping[str, int]) -> None:
        """Keeps where the execution is; nothing in check mode."""
        if not self.run.check_mode:
            self.run.journal.progress(self.phase, self.where["wave"], *ended)

    def shown(self, results: Mapping[str, Result]) -> dict[str, Any]:
        """What the task's result holds of each resource, with what CLEANUP saves and what copies cost."""
        saved = self.run.savings() if self.phase == "cleanup" else {}
        made = self.run.copy_costs() if self.phase != "activate" else None
        cost = made.estimates if made and self.phase == "instantiate" else {}
        return {
            key: shown(result)
            | ({"estimated_saving": saved[key].to_json()} if key in saved else {})
            | ({"estimated_cost": cost[key].by_hour()} if key in cost else {})
            for key, result in results.items()
        }


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
        run, phase = Run.attach(options["control"], options["execution"]), options["phase"]
        wave = Wave.of(run, phase, self.variables(task_vars, "ansible_play_batch"), options["part"])
        if not wave.hosts:
            return {"changed": False, "phase": phase, "waves": [], "counts": {}, "resources": {}}
        already = run.already(phase, wave.hosts)
        if wave.begins and not ahead(run.execution, phase, wave.hosts):  # one that has begun is finished
            heed(run, phase, wave.hosts, self.say)
            calendars.pause(run, wave.name)
        if phase == "activate" and run.record.get("rollbacks"):
            run.journal.put_aside([ROLLBACK], list(wave.hosts))
        skipped = run.skipped(phase, wave.hosts, leave_out=already)
        unasked = {**already, **skipped}
        goals = run.goals(wave.hosts, leave_out=unasked)
        self._announce(wave, goals, already, skipped)
        wave.progress()
        run.note("wave_started", phase=phase, waves=wave.waves, resources=len(wave.hosts))
        began = time.monotonic()
        needed = run.needed(phase, goals, unasked)
        with part(run.span, wave.name, dr__phase=phase, dr__wave=wave.where["wave"], dr__resources=len(wave.hosts)) as span:
            results = {**unasked, **self._engine(wave, goals).run(phase, goals, needed)}
            stopping = {key: result for key, result in results.items() if run.stops(phase, wave.pairs[key], result)}
            span.end("stopped" if stopping else "done", "resources_stop_the_run" if stopping else "")
        took = time.monotonic() - began
        run.settle(phase, results)
        run.moved(phase, results)
        ended = {"phase": phase, "waves": wave.waves, "counts": counts(results)}
        self._tell(wave, results, took, bool(stopping))
        wave.progress(ended["counts"])
        run.note("wave_ended", **ended)
        resources = wave.shown(results)
        if not stopping and not wave.more:
            run.notify("wave_completed", **ended)
            if completes(run.execution, phase, wave.everything):
                whole = run.store.get_execution(run.execution_id)["counts"].get(phase, {})
                run.notify("phase_completed", phase=phase, counts=whole)
        measure(run.control.metrics, phase, results, wave.pairs, took)
        run.publish()
        self.warn(run.secure())
        if stopping:
            named = "; ".join(f"{key} is {result.status}: {result.why}" for key, result in list(stopping.items())[:NAMED])
            more = f"; and {len(stopping) - NAMED} more" if len(stopping) > NAMED else ""
            text = f"{wave.name}: {len(stopping)} of {len(results)} resources stop the run: {named}{more}"
            raise DrError(text, run.resume_command())
        changed = any(result.changed or result.status == "would_change" for result in results.values())
        return {**ended, "changed": changed, "resources": resources}

    def _engine(self, wave: Wave, goals: Sequence[Goal]) -> Engine:
        run = wave.run
        return Engine(
            run.cloud,
            run.journal,
            parallelism=run.parameters.parallelism,
            check_mode=self._task.check_mode,
            poll_limit_seconds=run.control.poll_limit_seconds,
            adapter=run.adapter,
            observer=Progress(wave.phase, [goal.pair for goal in goals], self.say, run.elapsed_seconds(), self.screen.pause),
        )

    def _announce(self, wave: Wave, goals: Sequence[Goal], already: Mapping[str, Result], skipped: Mapping[str, Result]) -> None:
        """Says what begins, what of it is one-way, and what people left out."""
        plan = wave.run.plan
        opening = f"{wave.name}: {len(wave.hosts)} resources" + _already(already) + crossing(plan, wave.phase, goals)
        self.say(opening, event="wave_started", total=len(wave.hosts), **wave.where)
        for text in {rollback.foretold(plan, one) for one in wave.waves} - {""} if plan and wave.phase == "activate" else ():
            self.say(f"  {text}", color="yellow")
        for key, result in skipped.items():
            told = {"resource": key, "state": result.status, "why": result.why, **wave.where}
            self.say(f"  {result.status:<9} {key}: {result.why}", color="yellow", event="resource", **told)

    def _tell(self, wave: Wave, results: Mapping[str, Result], took: float, stops: bool) -> None:
        """Says how it ended; in check mode also each resource's first call."""
        for result in results.values():
            if result.status == "would_change":
                self.say(f"  {first_call(result)}", color="yellow", event="would_change", resource=result.key, **wave.where)
        numbers = counts(results)
        told = {"counts": numbers, "seconds": round(took, 1), **wave.where}
        closing = f"{wave.name}: {_counted(numbers)} after {duration(took)}"
        self.say(closing, color="red" if stops else "green", event="wave_ended", **told)
