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
from dataclasses import dataclass, field, replace
from typing import Any

from flow import Crash, Flow
from test_matrix import EAST, RETURNED_SECONDS, SETTLED_SECONDS, World

from ansible_collections.dr.aws.plugins.module_utils.accounts import AwsReader, Breaker, CallError, Failure
from ansible_collections.dr.aws.plugins.module_utils.adapters import adapter
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
    """All phases of one technology's pair, as tests/integration/matrix.yml has it; unplanned, its source is dark at first."""

    technology: str
    mode: str

    def __str__(self) -> str:
        return f"{self.technology} {self.mode}"


@dataclass(frozen=True)
class Outcome:
    """How a run ended: the state of both sides, its mutating calls, how many calls it made at all."""

    state: str
    mutations: list[tuple[str, str]]
    calls: int


def run(sandbox: Any, scenario: Scenario, kind: str = "", k: int = 0) -> Outcome:
    """The scenario from the beginning to its end, with a fault at the k-th call; resumed as often as a person would."""
    world = World(sandbox, scenario.technology, scenario.mode)
    flow, dark = world.flow, scenario.mode == "unplanned"
    if dark:
        sandbox.dark(EAST)
    decided = [asked["settings"] for asked in world.ends.get("refused", {}).values()]
    pair = replace(world.pair, settings={**world.pair.settings, **{name: value for one in decided for name, value in one.items()}})
    goal = Goal(pair, mode=scenario.mode, execution_id="dr-test", captured=flow.captured[pair.key])
    journal, cloud = MemoryJournal(), Faulty(AwsReader(flow.accounts, Breaker(now=flow.clock.now)), kind, k)
    for phase in adapter(scenario.technology).phases:
        if dark and phase in ("cleanup", "replicate"):
            sandbox.clear_faults()
            flow.clock.sleep(RETURNED_SECONDS)
            dark = False
        _phase(flow, journal, cloud, phase, goal)
    sandbox.clear_faults()
    flow.clock.sleep(SETTLED_SECONDS)
    mutations = sorted((call["operation"], call["region"]) for call in flow.mutations() if call["outcome"] == "ok")
    return Outcome(world.state(), mutations, cloud.calls)


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
            broken.append(f"{scenario}, {kind}, call {k}: {error}")
            continue
        if outcome.state != undisturbed.state:
            broken.append(f"{scenario}, {kind}, call {k}: ended as {outcome.state}, not as {undisturbed.state}")
        elif outcome.mutations != undisturbed.mutations:
            broken.append(f"{scenario}, {kind}, call {k}: made {outcome.mutations}, not {undisturbed.mutations}")
    TRIED[str(scenario), kind] = (len(points), len(points) - len(broken))
    return broken
