# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways in which a region fails, for each technology, and what must hold in each of them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from lab import JumpingClock
from points import SEED
from test_matrix import EAST, MATRIX, RETURNED_SECONDS, SETTLED_SECONDS, World

from ansible_collections.dr.aws.plugins.module_utils.accounts import AwsReader, Breaker
from ansible_collections.dr.aws.plugins.module_utils.engine import Engine, Result
from ansible_collections.dr.aws.plugins.module_utils.model import PHASES, UNREACHABLE, Goal
from ansible_collections.dr.aws.plugins.module_utils.store import MemoryJournal

#: Technology -> the services that its phases ask in the region being left; the first is its own.
SERVICES = {
    "aurora": ("rds", "cloudwatch"),
    "autoscaling": ("autoscaling", "ec2"),
    "drs": ("drs", "ec2"),
    "ecs": ("ecs", "application-autoscaling"),
    "efs": ("efs", "backup"),
    "elasticache": ("elasticache", "cloudwatch"),
    "eventbridge": ("events",),
    "fsx": ("fsx", "ec2"),
    "lambda": ("lambda",),
    "memorydb": ("memorydb", "cloudwatch"),
    "opensearch": ("opensearch",),
    "rds": ("rds", "ec2", "cloudwatch"),
    "route53": ("route53",),
}
#: Of no region; its control plane is in us-east-1.
NOWHERE = ("route53",)
FIRST, LAST = PHASES[:2], PHASES[2:]

START, HALF, LOOKS, ACTS = "dark from the start", "one service dark", "dark while a phase looks", "dark once a phase acts"
CHANGES, FLAPS, SLOW, ELSEWHERE = "takes no changes", "flaps", "too slow", "us-east-1 dark, pair elsewhere"
#: Kind -> how the phases may end that need no source, and the others.
DONE, LATER, EITHER = ("done",), ("deferred",), ("done", "deferred")
REFUSED, ASKS, FAILED = ("blocked",), ("done", "blocked"), ("failed",)
EXPECTED = {
    START: (DONE, LATER),
    HALF: (DONE, EITHER),
    LOOKS: (DONE, EITHER),
    ACTS: (DONE, EITHER),
    CHANGES: (DONE, EITHER),
    FLAPS: (DONE, EITHER),
    SLOW: (DONE, EITHER),
    ELSEWHERE: (DONE, DONE),
}
#: (technology, kind) -> the same where a technology differs, and the reason.
PLAIN_RECORD = "a record is changed in us-east-1 alone: without it the move is refused; routing controls need none of it"
UNDECIDED = "it is marked before it is started; a source that is seen to run in between has data of its own, and a person decides"
DIFFERS = {
    **{("drs", kind): (ASKS, (*EITHER, "blocked"), UNDECIDED) for kind in (FLAPS, SLOW)},
    **{("route53", kind): (REFUSED, (), PLAIN_RECORD) for kind in (START, HALF, ELSEWHERE)},
    ("route53", CHANGES): (FAILED, (), PLAIN_RECORD),
    **{("route53", kind): (ASKS, (), PLAIN_RECORD) for kind in (LOOKS, ACTS, FLAPS, SLOW)},
}
#: Both sides may serve for a while, and CLEANUP ends it: they keep no data, or AWS merges what both take.
BOTH_MAY = ("autoscaling", "ecs", "memorydb")
#: A name answers with one side at a time: there is nothing to fence.
NO_DEBT = ("route53",)
#: Their phases change nothing in the region being left, unless asked to remove it.
QUIET = ("elasticache", "memorydb", "opensearch")
#: REPLICATE wants the old side out of service first: where CLEANUP had to wait, it refuses and says so.
CLEANUP_FIRST = ("autoscaling", "ecs", "lambda", "rds")
#: Between the calls of its REPLICATE the old side stands alone and takes writes: CLEANUP refuses, and REPLICATE goes on.
STANDS_ALONE = ("opensearch",)
#: How large a share of the calls has no answer when a region flaps or is slow.
SHARES = ("0.4", "0.2", "0.7")
#: A region goes dark at this look of a phase.
LOOK = 3


@dataclass(frozen=True)
class Case:
    """detail: the service, the phase or the share that a kind is about."""

    technology: str
    kind: str
    detail: str = ""

    def __str__(self) -> str:
        return ", ".join(filter(None, (self.technology, self.kind, self.detail)))

    def unexpected(self, ended: Mapping[str, Result]) -> dict[str, Result]:
        """Phases that ended as they should not."""
        first, last, *_reason = DIFFERS.get((self.technology, self.kind), EXPECTED[self.kind])
        allowed = {phase: first if phase in FIRST else last for phase in ended}
        if self.technology in CLEANUP_FIRST and ended["cleanup"].status == "deferred":
            allowed["replicate"] = (*last, "blocked")
        return {phase: result for phase, result in ended.items() if result.status not in allowed[phase]}


def details(kind: str, technology: str) -> Sequence[str]:
    """What a kind is tried with."""
    if kind in (LOOKS, ACTS):
        return [phase for phase in PHASES if phase in MATRIX[technology]["unplanned"]]
    return {HALF: SERVICES[technology], FLAPS: SHARES, SLOW: SHARES}.get(kind, ("",))


def cases() -> list[Case]:
    """All of them."""
    return [Case(technology, kind, one) for kind in EXPECTED for technology in SERVICES for one in details(kind, technology)]


def sample() -> list[Case]:
    """Some of them: each technology, each kind and each phase at least once, always the same."""
    found, tried = list[Case](), set[str]()
    drawn = cases()
    random.Random(SEED).shuffle(drawn)
    for case in drawn:
        new = {case.technology, case.kind, f"{case.kind} {case.detail}" if case.detail in PHASES else case.kind} - tried
        if new:
            found.append(case)
            tried |= new
    return found


class Watched:
    """AWS as one phase sees it."""

    def __init__(self, life: Life, phase: str) -> None:
        self.life, self.phase, self.looks = life, phase, 0
        #: Services of the region being left whose last look had no answer.
        self.silent = set[str]()

    def read(self, account: str, region: str, service: str, operation: str, /, **params: Any) -> Any:
        return self._look("read", account, region, service, operation, **params)

    def pages(self, account: str, region: str, service: str, operation: str, key: str, /, **params: Any) -> Any:
        return self._look("pages", account, region, service, operation, key, **params)

    def call(self, account: str, region: str, service: str, operation: str, /, **params: Any) -> Any:
        life, here = self.life, self._here(region, service)
        if region not in (life.source, life.target):
            life.wrong.append(f"{self.phase} sends {operation} to {region}")
        if here and life.dark and service in self.silent:
            life.wrong.append(f"{self.phase} sends {operation} to a region that is dark")
        if here and life.failing == CHANGES:
            life.refused = True
            with life.silence():
                return life.cloud.call(account, region, service, operation, **params)
        answer = life.cloud.call(account, region, service, operation, **params)
        self._goes_dark(ACTS)
        return answer

    def _look(self, way: str, account: str, region: str, service: str, *what: str, **params: Any) -> Any:
        self.looks += 1
        if self.looks == LOOK:
            self._goes_dark(LOOKS)
        answer = getattr(self.life.cloud, way)(account, region, service, *what, **params)
        if self._here(region, service):
            self.life.asked.add(service)
            (self.silent.add if answer is UNREACHABLE else self.silent.discard)(service)
        return answer

    def _here(self, region: str, service: str) -> bool:
        """Whether that is the region being left, or what may fall silent with it."""
        return region == self.life.source or service in NOWHERE

    def _goes_dark(self, kind: str) -> None:
        if (self.life.failing, self.life.case.detail) == (kind, self.phase) and not self.life.dark:
            self.life.go_dark()


class Life:
    """A technology's way through its phases in such a world, and afterwards to the end of an undisturbed run.

    failing: the kind, until the region is well again. dark: the whole region is silent. wrong: what must not have been.
    asked: services of the region being left that were looked at. refused: a change was asked for there that it did not take.
    """

    def __init__(self, sandbox: Any, case: Case) -> None:
        self.sandbox, self.case, self.failing = sandbox, case, case.kind
        self.world = here = World(sandbox, case.technology, "planned" if case.kind == ELSEWHERE else "unplanned")
        self.source, self.target = here.pair.source_region, here.pair.target_region
        self.ends = {
            phase: here.ends[phase].replace("us-east-1", self.source) for phase in ("start", *PHASES) if phase in here.ends
        }
        self.phases = [phase for phase in PHASES if phase in self.ends]
        self.clock = JumpingClock(sandbox)
        self.cloud = AwsReader(here.flow.accounts, Breaker(now=self.clock.now))
        settings = here.pair.settings
        for asked in here.ends.get("refused", {}).values():
            settings = {**settings, **asked["settings"]}
        pair = replace(here.pair, settings=settings)
        self.goal = Goal(pair, mode=here.mode, execution_id="dr-test", captured=here.flow.captured[pair.key])
        self.dark, self.wrong, self.asked = False, list[str](), set[str]()
        self.debts, self.refused = list[str](), False

    def state(self) -> str:
        return self.world.state().replace("disconnected", "stalled")  # DRS says so when a source was silent for longer

    def fault(self, region: str, effect: str = "reset", **more: Any) -> int:
        """A region has a fault, and with it what has its control plane in us-east-1."""
        match = {"region": [region, "global"], "service": more.pop("service", "*")}
        return int(self.sandbox.fault(match=match, effect=effect, **more))

    def go_dark(self) -> None:
        self.dark = True
        self.fault(self.source)

    @contextmanager
    def silence(self) -> Iterator[None]:
        """The region does not answer for a moment."""
        rule = self.fault(self.source)
        try:
            yield
        finally:
            self.sandbox.gateway.faults.remove(rule)

    def lead(self) -> dict[str, Result]:
        """All phases while the region fails; how each ended."""
        kind, detail = self.case.kind, self.case.detail
        if kind == START:
            self.go_dark()
        elif kind == HALF:
            self.fault(self.source, service=detail)
        elif kind in (FLAPS, SLOW):
            self.fault(self.source, "lose" if kind == SLOW else "reset", share=float(detail))
        elif kind == ELSEWHERE:
            self.fault(EAST)
        elif detail in LAST:
            self.go_dark()
        ended = {}
        for phase in self.phases:
            if detail in LAST and phase in LAST[: LAST.index(detail) + 1]:
                self._answers()
            ended[phase] = self._carry_out(phase)
            if kind in (LOOKS, ACTS) and phase == detail and not self.dark:  # it looks less, or has nothing to do
                self.go_dark()
        return ended

    def end_well(self, ended: Mapping[str, Result]) -> None:
        """The region answers: what is left is done, what is done stays so, and the end is an undisturbed run's."""
        self.failing = ""
        self._answers()
        if self.case.technology == "drs" and ended["activate"].status == "blocked":
            self._stop_source()
        for phase in self.phases:
            if phase in LAST or ended[phase].status != "done":
                again = self._carry_out(phase)
                refused = phase == "cleanup" and again.status == "blocked" and self.case.technology in STANDS_ALONE
                if again.status != "done" and not refused:
                    self.wrong.append(f"{phase} when the region answers is {again.status}: {again.why}")
        self.sandbox.advance(SETTLED_SECONDS)
        if self.state() != self.ends[self.phases[-1]]:
            self.wrong.append(f"the end is {self.state()}, not {self.ends[self.phases[-1]]}")

    def _stop_source(self) -> None:
        """The person decides: the data of the target count."""
        ec2 = self.sandbox.inside("ec2", self.source, self.goal.pair.account)
        found = ec2.describe_instances(Filters=[{"Name": "tag:Name", "Values": [self.world.name]}])["Reservations"]
        ec2.stop_instances(InstanceIds=[machine["InstanceId"] for one in found for machine in one["Instances"]])

    def _answers(self) -> None:
        self.sandbox.clear_faults()
        self.dark = False
        self.clock.sleep(RETURNED_SECONDS)

    def _carry_out(self, phase: str) -> Result:
        """A phase by an execution of its own."""
        journal, cloud = MemoryJournal(self.sandbox.time), Watched(self, phase)
        result = Engine(cloud, journal, parallelism=1, clock=self.clock).run(phase, [self.goal])[self.goal.pair.key]
        self.debts += [text for _key, _phase, text in journal.owed]
        if phase == "activate" and result.status == "done":
            self._no_split_brain()
        return result

    def _no_split_brain(self) -> None:
        """The old side is out of service or a debt says that it may not be."""
        sides = self.ends["start"].partition(" | ")[0], self.state().partition(" | ")[0]
        may_serve = sides[0] == sides[1] and self.case.technology not in BOTH_MAY
        owes = (may_serve or self.case.kind == START) and self.case.technology not in NO_DEBT and not self.goal.planned
        if owes and not self.debts:
            self.wrong.append(f"the target serves, the old side is {sides[1]}, and no debt says so")
        if self.goal.planned and (may_serve or self.debts):
            self.wrong.append(f"planned, the old side is {sides[1]} and {self.debts or 'nothing'} is owed")
