# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hooks around phases and waves, and the business checks that gate DNS: says which are due, and carries one out."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils.dynamo import epoch, utc
from ansible_collections.dr.aws.plugins.module_utils.engine import TICK_SECONDS
from ansible_collections.dr.aws.plugins.module_utils.errands.asked import CHECK, Errand, errands
from ansible_collections.dr.aws.plugins.module_utils.errands.drs_tool import ANSWER_SECONDS
from ansible_collections.dr.aws.plugins.module_utils.errands.placing import (
    DNS,
    MOMENTS,
    Place,
    attempt,
    context,
    due,
    held_back,
    key,
    place,
)
from ansible_collections.dr.aws.plugins.module_utils.errands.ways import Means, Outcome, carry_out
from ansible_collections.dr.aws.plugins.module_utils.errors import DrError
from ansible_collections.dr.aws.plugins.module_utils.model import PHASES
from ansible_collections.dr.aws.plugins.module_utils.run import Run
from ansible_collections.dr.aws.plugins.module_utils.words import duration
from ansible_collections.dr.aws.plugins.plugin_utils.batch_action import BatchAction

STATES = ("due", "begun", "ended")
#: Seconds that a client waits longer for an answer than the errand may take.
PATIENCE_SECONDS = 5
#: So much of the end of an output is on the screen; the audit trail has more.
SAID_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Here:
    """The batch. hosts: its resources, as `variables` gives them; place: None where nothing is to be done."""

    run: Run
    hosts: Mapping[str, Mapping[str, Any]]
    place: Place | None

    def errands(self, moment: str) -> dict[str, Errand]:
        """Those of a moment, by key, in order."""
        if self.place is None:
            return {}
        asked = self.run.parameters
        found = due(errands(asked.hooks, asked.business_checks), moment, self.place, asked.operation)
        return {key(errand, self.place): errand for errand in found}

    def unmoved(self, technologies: Mapping[str, str]) -> bool:
        """Whether business checks have something to gate: DNS of this wave that has not moved; or, where the phase moves none at
        all, its last wave. technologies: of all resources of the phase."""
        already = set(self.run.execution["already"].get("activate", ()))
        if all(technology != DNS or one in already for one, technology in technologies.items()):
            return self.place is not None and self.place.last
        known = self.run.journal.known("activate")
        held = held_back(self.run.pairs(self.hosts)) - already
        return any(known.get(one, {}).get("done") is None for one in held)


class ActionModule(BatchAction):
    """See the documentation of the module of the same name."""

    OPTIONS: Mapping[str, Any] = {
        "control": {"type": "dict", "required": True},
        "execution": {"type": "dict", "required": True},
        "phase": {"type": "str", "required": True, "choices": list(PHASES)},
        "moment": {"type": "str", "required": True, "choices": list(MOMENTS)},
        "state": {"type": "str", "default": "due", "choices": list(STATES)},
        "key": {"type": "str"},
        "failed": {"type": "str", "default": ""},
        "output": {"type": "str", "default": ""},
        "override_reason": {"type": "str", "default": ""},
    }

    def act(self, options: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """due: which are to be carried out. begun: carries one out, but for a file of tasks. ended: how that file ended."""
        run = Run.attach(options["control"], options["execution"])
        hosts = self.variables(task_vars, "ansible_play_batch")
        waves = [pair.wave for pair in run.pairs(hosts)]
        here = Here(run, hosts, place(options["execution"], options["phase"], min(waves, default=0), hosts))
        found = here.errands(options["moment"])
        if options["state"] == "due":
            everything = self.variables(task_vars, "ansible_play_hosts_all")
            technologies = {name: values["dr_technology"] for name, values in everything.items()}
            gated = options["moment"] == "proof" and not here.unmoved(technologies)
            return {"changed": False, "errands": [] if gated else self._due(run, found)}
        errand = found[options["key"]]
        if options["state"] == "begun":
            return self._begin(here, errand, options)
        return self._end(run, errand, Outcome(options["failed"], options["output"]), options)

    def _due(self, run: Run, found: Mapping[str, Errand]) -> list[dict[str, str]]:
        kept, left = run.journal.errands(), []
        for name, errand in found.items():
            if run.check_mode:
                self.say(
                    f"  would carry out {errand} ({errand.way})",
                    color="yellow",
                    event=_event(errand),
                    state="would_change",
                    key=name,
                )
            elif errand.kind != CHECK and kept.get(name, {}).get("state") == "done":
                self.say(f"  {errand} was carried out before", event=_event(errand), state="done", key=name)
            else:
                left.append({"key": name, "name": errand.name})
        return left

    def _begin(self, here: Here, errand: Errand, options: Mapping[str, Any]) -> dict[str, Any]:
        run, name = here.run, options["key"]
        if here.place is None:  # nothing is due then
            return {"changed": False}
        number = attempt(run.journal.errands().get(name, {}))
        known = run.journal.known("activate")
        outputs = {one: entry["done"] for one, entry in known.items() if entry["done"] is not None}
        told = context(errand, here.place, run.parameters, run.execution_id, list(here.hosts), outputs)
        run.journal.errand(name, "begun", number, utc(run.store.clock()))
        where = {one: told[one] for one in ("name", "when", "phase", "wave", "idempotency_key")}
        run.note(f"{_event(errand)}_started", **where, way=errand.way, attempt=number)
        self.say(f"  {errand}: begins ({errand.way})", event=_event(errand), state="begun", key=name)
        if errand.way == "tasks":
            run.lock.hold(errand.timeout_seconds)
            return {"changed": False, "tasks": errand.how, "timeout_seconds": errand.timeout_seconds, "context": told}
        patience = ANSWER_SECONDS if errand.way == "drs_tool" else errand.timeout_seconds + PATIENCE_SECONDS
        heard: SimpleQueue[str] = SimpleQueue()
        means = Means(
            run.control.patient(patience),
            run.parameters.target_region,
            number,
            run.control.pause,
            tell=heard.put,
            traceparent=run.span.traceparent,
        )
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="dr-aws") as pool:
            future = pool.submit(carry_out, errand, told, means)
            while not future.done():
                wait([future], timeout=TICK_SECONDS)
                run.journal.renew()
                self._pass_on(run, errand, name, heard)
            self._pass_on(run, errand, name, heard)
            return self._end(run, errand, future.result(), options)

    def _pass_on(self, run: Run, errand: Errand, name: str, heard: SimpleQueue[str]) -> None:
        """Says and records how an errand stands that goes on."""
        while not heard.empty():
            text = heard.get()
            run.note(f"{_event(errand)}_progress", key=name, name=errand.name, said=text)
            self.say(f"  {errand}: {text}", event=_event(errand), state="running", key=name)

    def _end(self, run: Run, errand: Errand, outcome: Outcome, options: Mapping[str, Any]) -> dict[str, Any]:
        """Records how it ended and says it. DrError when that stops the run: a drill goes on, and has failed at its end."""
        name, now = options["key"], run.store.clock()
        kept = run.journal.errands()[name]
        reason = options["override_reason"] if errand.kind == CHECK and not outcome.passed else ""
        state = "done" if outcome.passed else "overridden" if reason else "failed"
        run.journal.errand(name, state, kept["attempt"], kept["at"])
        seconds = max(0.0, now - epoch(kept["at"]))
        ended = {"state": state, "why": outcome.why, "output": outcome.output, "override_reason": reason, "seconds": seconds}
        run.note(f"{_event(errand)}_ended", key=name, name=errand.name, **ended)
        said = "; ".join(filter(None, (outcome.why, outcome.output.strip()[-SAID_CHARACTERS:])))
        colour = {"done": "green", "overridden": "yellow", "failed": "red"}[state]
        text = f"  {errand}: {state} in {duration(seconds)}{': ' + said if said else ''}"
        self.say(text, color=colour, event=_event(errand), state=state, key=name)
        self.warn(run.secure())
        if state == "failed" and not run.parameters.drill and errand.on_failure == "stop":
            raise _stopped(run, errand, said)
        return {"changed": errand.kind != CHECK and errand.way != "tasks", "outcome": ended}


def _event(errand: Errand) -> str:
    return errand.kind.replace(" ", "_")


def _stopped(run: Run, errand: Errand, said: str) -> DrError:
    again = run.resume_command()
    if errand.kind == CHECK:
        remedy = f"repair it, then: {again}; or, to move DNS all the same, with -e \"business_check_override_reason='…'\""
        return DrError(f"{errand} failed, DNS has not moved: {said}", remedy)
    return DrError(f"{errand} failed: {said}", f"repair it, then: {again}")
