# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One fault at one API call of a whole flow, and what must hold afterwards.

A run is undisturbed once, to count its calls. Then, for the k-th call: the process dies before or after it, its answer is lost, or
it is throttled. The run is resumed with the same journal. It must end as the undisturbed one did, read by plain boto3, and no call
may have been made twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from flow import Crash, Flow

from ansible_collections.dr.aws.plugins.module_utils.accounts import AwsReader, Breaker, CallError, Failure
from ansible_collections.dr.aws.plugins.module_utils.engine import Engine
from ansible_collections.dr.aws.plugins.module_utils.model import UNREACHABLE, Goal
from ansible_collections.dr.aws.plugins.module_utils.store import MemoryJournal

KINDS = ("crash before", "crash after", "answer lost", "throttled")
#: (scenario, kind) -> (points tried, points that held), of this process.
TRIED: dict[tuple[str, str], tuple[int, int]] = {}
#: How often a person runs the same command again before giving up.
RESUMES = 4


@dataclass
class Faulty:
    """A cloud with one fault at its k-th call, and a count of all calls."""

    cloud: Any
    kind: str = ""
    k: int = 0
    calls: int = 0
    lock: Any = field(default_factory=threading.Lock)

    def read(self, *where: Any, **params: Any) -> Any:
        return self._one(lambda: self.cloud.read(*where, **params), looking=True)

    def pages(self, *where: Any, **params: Any) -> Any:
        return self._one(lambda: self.cloud.pages(*where, **params), looking=True)

    def call(self, *where: Any, **params: Any) -> Any:
        return self._one(lambda: self.cloud.call(*where, **params), looking=False)

    def _one(self, send: Callable[[], Any], looking: bool) -> Any:
        with self.lock:
            self.calls += 1
            kind = self.kind if self.calls == self.k else ""
        if kind == "crash before":
            raise Crash
        if kind == "throttled":
            raise CallError(Failure("throttled", "ThrottlingException", "Rate exceeded"))
        answer = send()
        if kind == "crash after":
            raise Crash
        if kind == "answer lost":
            if looking:
                return UNREACHABLE
            raise CallError(Failure("unreachable", "ReadTimeoutError", "no answer"))
        return answer


@dataclass(frozen=True)
class Scenario:
    """A flow of one pair. build: loads the estate. state: the end state, comparable. dark: the source is dark until CLEANUP."""

    name: str
    build: Callable[[Any], Flow]
    state: Callable[[Any], Any]
    phases: Sequence[str]
    mode: str
    dark: bool = False


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its end state, its mutating calls, how many calls it made at all."""

    state: Any
    mutations: list[tuple[str, str]]
    calls: int


def run(sandbox: Any, scenario: Scenario, kind: str = "", k: int = 0) -> Outcome:
    """The scenario from the beginning to its end, with a fault at the k-th call; resumed as often as a person would."""
    flow = scenario.build(sandbox)
    flow.capture()
    before = len(flow.mutations())
    if scenario.dark:
        sandbox.dark("us-east-1")
    journal, (pair,) = MemoryJournal(), flow.pairs
    goal = Goal(pair, mode=scenario.mode, execution_id="dr-test", captured=flow.captured[pair.key])
    cloud = Faulty(AwsReader(flow.accounts, Breaker(now=flow.clock.now)), kind, k)
    for phase in scenario.phases:
        if scenario.dark and phase == "cleanup":
            sandbox.clear_faults()
            flow.clock.sleep(120)
        _phase(flow, journal, cloud, phase, goal)
    sandbox.clear_faults()
    mutations = sorted((call["operation"], call["region"]) for call in flow.mutations()[before:] if call["outcome"] == "ok")
    return Outcome(scenario.state(sandbox), mutations, cloud.calls)


def _phase(flow: Flow, journal: MemoryJournal, cloud: Faulty, phase: str, goal: Goal) -> None:
    said = ""
    for _attempt in range(RESUMES):
        try:
            result = Engine(cloud, journal, parallelism=1, clock=flow.clock).run(phase, [goal])[goal.pair.key]
        except Crash:
            cloud.cloud = AwsReader(flow.accounts, Breaker(now=flow.clock.now))
            continue
        if result.status == "done":
            return
        said = f"{result.status}: {result.why}"
    raise AssertionError(f"{phase} did not end: {said}")


def hold(sandbox: Any, scenario: Scenario, kind: str, points: Sequence[int], undisturbed: Outcome) -> list[str]:
    """Tries points; gives what did not hold, in words that tell how to see it again."""
    broken = []
    for k in points:
        try:
            outcome = run(sandbox, scenario, kind, k)
        except AssertionError as error:
            broken.append(f"{scenario.name}, {kind}, call {k}: {error}")
            continue
        if outcome.state != undisturbed.state:
            broken.append(f"{scenario.name}, {kind}, call {k}: ended as {outcome.state}, not as {undisturbed.state}")
        elif outcome.mutations != undisturbed.mutations:
            broken.append(f"{scenario.name}, {kind}, call {k}: made {outcome.mutations}, not {undisturbed.mutations}")
    TRIED[scenario.name, kind] = (len(points), len(points) - len(broken))
    return broken
