# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One fault, or two, at the calls of a whole flow, and what must hold on the way and afterwards.

A run is undisturbed once, to know its calls. Then, for the k-th call, the process is copied, and the copy runs into the fault. It
is resumed as often as a person would, with the same journal. It must end as the undisturbed run did, read by plain boto3.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore import xform_name
from flow import Crash
from lab import Branches, JumpingClock, Wire
from scenarios import Scenario, stage
from test_matrix import EAST, RETURNED_SECONDS, SETTLED_SECONDS

from ansible_collections.dr.aws.plugins.module_utils.accounts import AwsReader, Breaker
from ansible_collections.dr.aws.plugins.module_utils.engine import Engine
from ansible_collections.dr.aws.plugins.module_utils.model import UNREACHABLE, Call
from ansible_collections.dr.aws.plugins.module_utils.store import MemoryJournal
from sandbox.model import GLOBAL_SERVICES

#: What a sample, and what comes after a first fault, is drawn with.
SEED = 20261128
#: Every kind of fault, and at what it can happen: a look (a describe call), a look at a region that is dark anyway, a call that
#: changes something, a write of the journal. To die after a look is to die before what comes next.
KINDS = {
    "crash before": ("look", "dark look", "call", "write"),
    "crash after": ("call", "write"),
    "answer lost": ("look", "call"),
    "throttled": ("look", "call"),
    "unavailable": ("look", "call"),
    "reset": ("look", "call"),
    "dark": ("look", "call"),
    "denied": ("look", "call"),
    "expired": ("look", "call"),
    "busy": ("call",),
    "describes lag": ("call",),
    "crash, describes lag": ("call",),
}
#: What a fault is to the sandbox while the call is made. `dark` and `denied` stay until the process or the phase has ended.
RULES = {
    "throttled": {"effect": "throttle"},
    "unavailable": {"effect": "http", "status": 503},
    "reset": {"effect": "reset"},
    "dark": {"effect": "reset"},
    "denied": {"effect": "error", "code": "AccessDeniedException", "message": "is not authorized", "status": 403},
}
STAYS = ("dark", "denied")
#: Names that AWS chooses, another one in each world.
IDS = re.compile(r"\b[a-z]+-[0-9a-f]{8,}\b")
#: Looks without which a run may go on: a database says itself that it is fenced, and every region shows all multi-Region clusters.
DETAILS = ("describe_security_groups", "describe_multi_region_clusters")
#: What a drill may do again: when it cannot see its room it gives production's launch template back before anything else.
AGAIN = "modify_launch_template in "
#: Phases that come when a source region that was dark answers again.
LATER = ("cleanup", "replicate", "rollback")
#: Of these a look comes back without an answer.
SILENT = ("answer lost", "unavailable", "reset", "dark")
#: The copies of every so many moments go through all phases that are left; the others end with the phase of the fault.
GOES_ON = 8
#: How often a person runs the same command again before giving up.
RESUMES = 8

UNKNOWN = "1 unknown is not absent"
SOURCE = "2 nothing is needed from the source region"
FENCED = "3 no knowing split brain"
EVIDENCE = "4 cleanup acts on evidence of the same run"
DRILLS = "8 a drill leaves production alone"
ONCE = "9 nothing is lost, nothing done twice"


@dataclass
class Findings:
    """What was looked at, by invariant, and what did not hold."""

    checked: Counter[str] = field(default_factory=Counter)
    broken: list[tuple[str, str]] = field(default_factory=list)

    def check(self, invariant: str, holds: bool, said: str) -> None:
        self.checked[invariant] += 1
        if not holds:
            self.broken.append((invariant, said))


@dataclass(frozen=True)
class Outcome:
    """How a run ended, or one of its phases: both sides, all mutating calls so far that AWS took, debts."""

    state: str
    mutations: list[str]
    debts: list[str]


class Journal(MemoryJournal):
    """Outlives the process that is killed; each of its writes is a moment at which that may happen."""

    def __init__(self, run: Run) -> None:
        super().__init__(run.sandbox.time)
        self.run, self.intended = run, dict[str, Call]()

    def intend(self, entries: Sequence[tuple[str, str, Call]]) -> None:
        for key, phase, call in entries:
            self.run.found.check(FENCED, not call.debt or (key, phase, call.debt) in self.owed, f"{call.operation} before its debt")
        self.intended = {call.operation: call for _key, _phase, call in entries}
        self._write(super().intend, entries)

    def outcome(self, entries: Sequence[tuple[str, str, Call, str, str]]) -> None:
        self._write(super().outcome, entries)

    def finish(self, entries: Sequence[tuple[str, str, str, Any]]) -> None:
        self._write(super().finish, entries)

    def debts(self, entries: Sequence[tuple[str, str, str]]) -> None:
        self._write(super().debts, entries)

    def _write(self, write: Callable[[Any], None], entries: Any) -> None:
        kind = self.run.next("write")
        if kind == "crash before":
            raise Crash
        write(entries)
        if kind == "crash after":
            raise Crash


class Cloud:
    """AWS as one process of the run sees it, with faults."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.reader = AwsReader(run.stage.flow.accounts, Breaker(now=run.stage.flow.clock.now))
        #: Looks of this process that had no answer yet, and regions that answered one.
        self.unseen: set[str] = set()
        self.answered: set[str] = set()

    def read(self, account: str, region: str, service: str, operation: str, /, **params: Any) -> Any:
        def send() -> Any:
            return self.reader.read(account, region, service, operation, **params)

        return self._look(region, service, operation, params, send)

    def pages(self, account: str, region: str, service: str, operation: str, key: str, /, **params: Any) -> Any:
        def send() -> Any:
            return self.reader.pages(account, region, service, operation, key, **params)

        return self._look(region, service, operation, params, send)

    def _look(self, region: str, service: str, operation: str, params: Mapping[str, Any], send: Callable[[], Any]) -> Any:
        wanted = {key: value for key, value in params.items() if not isinstance(value, datetime)}
        run, name = self.run, f"{region} {service} {operation} {wanted}"
        kind = run.next("dark look" if run.dark and region == EAST else "look")
        if kind == "crash before":
            raise Crash
        lagging = run.lagging.answers if run.sandbox.time() < run.lagging.until else {}
        if name in lagging:
            answer = lagging[name]
        else:
            with run.disturbed(kind, service, region):
                answer = send()
        if kind == "crash after":
            raise Crash
        run.answers[name] = answer
        if operation not in DETAILS and (answer is UNREACHABLE or kind in SILENT):
            self.unseen.add(name)
        else:
            self.unseen.discard(name)
            self.answered.add(region)
        return answer

    def call(self, account: str, region: str, service: str, operation: str, /, **params: Any) -> Any:
        run = self.run
        kind = run.next("call")
        run.judge(self, Call(service, operation, region, params, ""))
        run.follow(f"{run.phase}: {operation} in {region}")
        before, run.answers = run.answers, {}
        if kind == "crash before":
            raise Crash
        if kind in ("describes lag", "crash, describes lag"):
            run.lag(before, run.journal.intended[operation].settle_seconds)
        with run.disturbed(kind, service, region):
            answer = self.reader.call(account, region, service, operation, **params)
        run.sent.append(f"{run.phase}: {operation} in {region}")
        if kind in ("crash after", "crash, describes lag"):
            raise Crash
        return answer


class OnPathError(BaseException):
    """A copy is where the undisturbed run was: it need not go on. No handler of the engine runs."""


@dataclass
class Lag:
    """What looks show until a time, instead of what is there."""

    until: float = 0.0
    answers: Mapping[str, Any] = field(default_factory=dict)


class Run:
    """A scenario from the beginning to its end, through all its processes, and the copies that run into faults.

    seed: of the faults that come after others. seconds: how many of those there are for each first one, on average.
    """

    def __init__(self, sandbox: Any, wire: Wire, scenario: Scenario, seed: int = 0, seconds: int = 0) -> None:
        self.sandbox, self.wire, self.scenario, self.seed, self.seconds = sandbox, wire, scenario, seed, seconds
        self.stage = stage(sandbox, scenario)
        self.stage.flow.clock = JumpingClock(sandbox)
        self.busy = sorted(self.stage.reconciler(scenario.technology).busy)
        self.begun = len(self.stage.flow.mutations())
        self.branches, self.found, self.journal = Branches(), Findings(), Journal(self)
        self.trace: list[str] = []
        self.sent: list[str] = []
        self.path: list[str] | None = None
        self.ended: dict[str, Outcome] = {}
        self.taken: list[tuple[int, str]] = []
        self.points: list[dict[str, Any]] = []
        self.plan: Callable[[int, str], Sequence[str]] = lambda k, at: ()
        self.total, self.phase, self.dark, self.looked = 0, "", 0, False
        self.answers: dict[str, Any] = {}
        self.lagging = Lag()
        self.staying: list[int] = []

    def undisturbed(self) -> dict[str, Outcome]:
        """Phase -> how it ends without a fault. For a run of its own: this one is over."""
        self.go()
        return self.ended

    def explore(self, first: Run, plan: Mapping[int, Sequence[str]] | None = None) -> list[dict[str, Any]]:
        """Runs into faults: {faults: [(k, kind)], checked: {invariant: times}, broken: [(invariant, what)]} of each point.

        first: a run of the same scenario that ended undisturbed. plan: k -> kinds of faults at the k-th moment; None for all kinds
        at all of them.
        """
        self.total, self.path = len(first.trace), first.sent
        for service, account, region, attempts, *_rest in first.stage.flow.accounts._clients:
            self.stage.flow.accounts.client(service, account, region, attempts=attempts)  # once, not in every copy
        self.plan = lambda k, at: [kind for kind in self.kinds(at) if plan is None or kind in plan.get(k, ())]
        with self.branches.kept():
            self._judged(first.ended)
            point = {"faults": self.taken, "checked": self.found.checked, "broken": self.found.broken}
            self.branches.end([point, *self.points])
        if self.found.broken:
            raise AssertionError(f"{self.scenario}, undisturbed once more: {self.found.broken}")
        return self.points

    def kinds(self, at: str) -> list[str]:
        """The kinds of faults that can happen at a moment."""
        return [kind for kind, places in KINDS.items() if at in places and (kind != "busy" or self.busy)]

    def next(self, at: str) -> str:
        """Counts a moment. In a copy that begins here it gives the fault to run into, else ""."""
        self.trace.append(at)
        k = len(self.trace)
        for kind in self.plan(k, at):
            said = self.branches.fork()
            if said is None:
                self.looked = at in ("look", "dark look")
                self.taken, self.points = [*self.taken, (k, kind)], []
                self.plan = self._afterwards()
                return kind
            self.points += said
        return ""

    def _afterwards(self) -> Callable[[int, str], Sequence[str]]:
        """The plan of a copy: a second fault now and then, no third."""
        if len(self.taken) > 1 or not self.seconds:
            return lambda k, at: ()
        chance = random.Random(f"{self.seed} {self.scenario} {self.taken}")
        share = self.seconds / (self.total - self.taken[0][0] + 1)
        return lambda k, at: [chance.choice(self.kinds(at))] if chance.random() < share else []

    def follow(self, sent: str) -> None:
        """A call that changes something is about to be sent.

        A look changes nothing: when a copy whose look was disturbed makes the very call that comes next without a fault, it is
        where the undisturbed run was, and most copies end here.
        """
        if self.path is None or not self.looked or self.staying or not self._enough():
            return
        wanted = self.path[len(self.sent)] if len(self.sent) < len(self.path) else "nothing more"
        if sent != wanted and self._again(sent):
            self.looked = False  # on a path of its own, it has to get to the same end
            return
        self.found.check(ONCE, sent == wanted, f"{sent} is sent, not: {wanted}")
        raise OnPathError

    def _again(self, sent: str) -> bool:
        return self.scenario.way == "drill" and AGAIN in sent

    @contextmanager
    def disturbed(self, kind: str, service: str, region: str) -> Iterator[None]:
        """The sandbox, and the way to it, with a fault."""
        if kind == "expired":
            self.sandbox.expire_sessions()
        rules = []
        place = {"region": "global" if service in GLOBAL_SERVICES else region}
        match = place if kind == "dark" else {"service": service.partition("@")[0], **place}
        if kind == "busy":
            rules.append(self.sandbox.fault(match=match, effect="error", code=self.busy[len(self.trace) % len(self.busy)]))
        elif kind in RULES:
            rules.append(self.sandbox.fault(match=match, **RULES[kind]))
        if kind in STAYS:
            self.staying, rules = [*self.staying, *rules], []
        self.wire.loses = kind == "answer lost"
        try:
            yield
        finally:
            self.wire.loses = False
            for rule in rules:
                self.sandbox.gateway.faults.remove(rule)

    def lag(self, answers: Mapping[str, Any], seconds: int) -> None:
        """From now on looks show what they showed before."""
        self.lagging = Lag(self.sandbox.time() + seconds, answers)
        for second in range(1, seconds + 1):  # so that the clock does not jump over it
            self.sandbox.clock.after(second, lambda: None)

    def judge(self, cloud: Cloud, call: Call) -> None:
        """What must hold at the moment at which something is changed."""
        check, said = self.found.check, f"{self.phase}: {call.operation} in {call.region}"
        intents = [intent for entry in self.journal.known(self.phase).values() for intent in entry["intents"]]
        check(ONCE, call.digest in intents, f"{said} without an intent")
        key = self.stage.goal.pair.key
        undone = [phase for phase in self.ended if self.journal.known(phase).get(key, {}).get("done") is None]
        check(ONCE, not undone, f"{said} before it was stored that {undone} is done")
        if self.dark:
            check(SOURCE, call.region != EAST, f"{said}, which is dark")
        if self.scenario.way == "drill":
            check(DRILLS, call.region != EAST, said)
            return
        other, cleanup = self.stage.goal.pair.target_region, self.phase == "cleanup"
        # what is late counts before something is activated; afterwards a final snapshot keeps what has not arrived
        unseen = sorted(look for look in cloud.unseen if not cleanup or " cloudwatch " not in look)
        if cleanup:
            unanswered = [look for look in unseen if look.startswith(other)]
            check(EVIDENCE, other in cloud.answered and not unanswered, f"{said} after no answer to {unanswered or other}")
        if self.journal.intended[call.operation].one_way and (cleanup or self.stage.goal.planned):
            check(UNKNOWN, not unseen, f"{said} after no answer to {unseen}")

    def go(self) -> None:
        """To the end, with the same command again and again."""
        if self.scenario.mode == "unplanned":
            self.dark = self.sandbox.dark(EAST)
        said = ""
        for _attempt in range(RESUMES):
            try:
                said = self._process()
            except Crash:
                said = "killed"
            if not said:
                return
            if not self.taken:
                break
            self._repair()
        raise AssertionError(f"it does not end: {said}")

    def _process(self) -> str:
        """One process of the run, through all phases; why it ended before the end, or ""."""
        for phase in self.stage.phases:
            if self.dark and phase in LATER:
                self.sandbox.gateway.faults.remove(self.dark)
                self.sandbox.advance(RETURNED_SECONDS)
                self.dark = 0
            self.phase, goal = phase, self.stage.goal
            engine = Engine(Cloud(self), self.journal, parallelism=1, clock=self.stage.flow.clock, adapter=self.stage.reconciler)
            result = engine.run(phase, [goal])[goal.pair.key]
            if self.staying and "dark" not in (kind for _k, kind in self.taken):
                self.found.check(UNKNOWN, result.status == "failed", f"{phase} was denied something and is {result.status}")
            if result.status != "done":
                return f"{phase} is {result.status}: {result.why}"
            if phase not in self.ended:
                self._repair()
                self.ended[phase] = self._outcome()
                if self._enough():
                    return ""
        return ""

    def _enough(self) -> bool:
        """Whether a copy may end with this phase: most of those with one fault do, every so many of them goes on."""
        return len(self.taken) == 1 and self.taken[0][0] % GOES_ON != 0

    def _repair(self) -> None:
        """What is done before the next process, and before it is looked at how a phase ended: a permission is granted, a region is
        waited for."""
        if self.staying and "dark" in (kind for _k, kind in self.taken):
            self.sandbox.advance(RETURNED_SECONDS)
        for rule in self.staying:
            self.sandbox.gateway.faults.remove(rule)
        self.staying = []

    def _outcome(self) -> Outcome:
        self.sandbox.advance(SETTLED_SECONDS)
        made = [row for row in self.stage.flow.mutations()[self.begun :] if row["outcome"] == "ok"]
        mutations = sorted(f"{xform_name(row['operation'])} in {row['region']}" for row in made)
        debts = sorted({f"{phase}: {IDS.sub('…', text)}" for _key, phase, text in self.journal.owed})
        if self.scenario.way == "drill":
            harm = self.stage.harm(self.phase)
            self.found.check(DRILLS, not harm, harm)
        defects = sorted({row["operation"] for row in self.sandbox.calls() if row["how"] in ("defect", "missing")})
        self.found.check(ONCE, not defects, f"the sandbox has no answer to {defects}")
        return Outcome(self.stage.state(), mutations, debts)

    def _judged(self, expected: Mapping[str, Outcome]) -> None:
        check = self.found.check
        try:
            self.go()
        except OnPathError:
            pass
        except Exception as error:
            check(ONCE, False, f"{type(error).__name__}: {error}")
        for phase, ended in self.ended.items():
            wanted = expected[phase]
            check(ONCE, ended.state == wanted.state, f"{phase} ended as {ended.state}, not as {wanted.state}")
            made, due = Counter(ended.mutations), Counter(wanted.mutations)
            same = due <= made and all(map(self._again, made - due))
            check(ONCE, same, f"{phase} made {ended.mutations}, not {wanted.mutations}")
            check(FENCED, ended.debts == wanted.debts, f"{phase} owes {ended.debts}, not {wanted.debts}")
