# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random estates, faults, people and runners over the real store, lock, journal, plan, engine, approvals and evidence.

After every step the invariants are looked at; at the end all is well again, and everything that was left undone is done.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from lab import AtOnce
from small import EAST, FAULTS, WEST, Small, SmallDrill, World

from ansible_collections.dr.aws.plugins.module_utils import engine, evidence, pauses, settling, survey
from ansible_collections.dr.aws.plugins.module_utils.approvals import Approvals
from ansible_collections.dr.aws.plugins.module_utils.control_plane import Names, ensure
from ansible_collections.dr.aws.plugins.module_utils.drills import base
from ansible_collections.dr.aws.plugins.module_utils.errors import DrError
from ansible_collections.dr.aws.plugins.module_utils.events import Notifier
from ansible_collections.dr.aws.plugins.module_utils.interventions import Interventions, heed, skips
from ansible_collections.dr.aws.plugins.module_utils.lock import Lock
from ansible_collections.dr.aws.plugins.module_utils.metrics import Metrics
from ansible_collections.dr.aws.plugins.module_utils.model import PRIORITIES, Active, Pair
from ansible_collections.dr.aws.plugins.module_utils.parameters import Facts, Parameters
from ansible_collections.dr.aws.plugins.module_utils.plan import Plan, build
from ansible_collections.dr.aws.plugins.module_utils.run import Run
from ansible_collections.dr.aws.plugins.module_utils.status import removed
from ansible_collections.dr.aws.plugins.module_utils.store import LeaseLostError, LockHeldError, Store
from ansible_collections.dr.aws.plugins.module_utils.tracing import Tracing

NAMES = Names.default("123456789012", WEST)
HERE = "hub/1"
#: Lives, and steps of each.
EXAMPLES, STEPS = (120, 50) if os.environ.get("FULL") else (12, 20)
DURATIONS = dict.fromkeys(("rds", "ecs"), dict.fromkeys(("instantiate", "activate", "cleanup", "replicate"), 10))
ADAPTERS = {technology: Small(technology) for technology in DURATIONS}
DRILLS = dict.fromkeys(DURATIONS, SmallDrill())


class Killed(BaseException):
    """The process is gone: no handler runs."""


class Ways:
    """What `Run` needs of the control plane's ways: the store, and a runner's hands in the model."""

    poll_limit_seconds = None

    def __init__(self, store: Store, cloud: Any) -> None:
        self.store, self.cloud = store, cloud
        self.notifier, self.metrics, self.tracing = Notifier(None, None), Metrics(lambda: None, 0), Tracing()
        self.accounts: Any = type("Nobody", (), {"assumed": {}, "assume_seconds": []})()


class Runner:
    """A process that carries out an execution, a batch at a time, and may be killed or overtaken at any call.

    fuse: so many looks and calls from now something happens (`bang`); 0: nothing. `stale`: its lock was taken.
    """

    def __init__(self, machine: Estates, pid: int) -> None:
        self.machine, self.pid, self.stale = machine, pid, False
        self.execution: dict[str, Any] = {}
        self.todo: Iterator[Any] = iter(())
        self.fuse, self.bang = 0, ""

    @property
    def works(self) -> bool:
        return bool(self.execution)

    def read(self, _account: str, region: str, _service: str, _operation: str, *, names: list[str], **_more: Any) -> Any:
        self._burn()
        return self.machine.world.look(region, names)

    def call(self, _account: str, region: str, _service: str, operation: str, *, names: list[str], **_more: Any) -> dict[str, Any]:
        world, phase = self.machine.world, self.machine.phase
        if self.stale:
            world.broken.append(f"{operation} {names} by a runner that lost the lock")
        for name in names:
            copied = self.machine.copies(self.execution["execution_id"])
            if (self.execution["parameters"]["operation"] == "test") != (name in copied):
                world.broken.append(f"{operation} {name}, which is {'' if name in copied else 'not '}a drill's copy")
            key = copied.get(name, name)
            if self.machine.waves[key] != phase[1]:
                world.broken.append(f"{operation} {name} in wave {phase[1]}")
            if not self.machine.intended(self.execution["execution_id"], phase[0], key, operation):
                world.broken.append(f"{operation} {name} without an intent in the journal")
        self._burn()
        return world.take(region, operation, names)

    def _burn(self) -> None:
        if not self.fuse:
            return
        self.fuse -= 1
        if self.fuse == 0 and self.bang == "kill":
            raise Killed
        if self.fuse == 0:
            self.machine.overtake(self)


class Estates(RuleBasedStateMachine):
    """One customer at a time. `given`: explicit approvals, (execution, gate, person)."""

    number = 0
    store: Store

    def __init__(self) -> None:
        super().__init__()
        type(self).number += 1
        self.customer = f"c{type(self).number}"
        self.world = World(lambda key: any(one["resource"] == key for one in self.debts()))
        self.store.clock = self.world
        self.store.table.sleep = self.world.sleep
        self.runners = [Runner(self, 1), Runner(self, 2)]
        self.dead: set[int] = set()
        self.pids = 2
        self.made = 0
        self.given: set[tuple[str, str, str]] = set()
        self.current = ""
        self.plans: dict[str, Plan] = {}
        self.fence = 0
        self.phase: tuple[str, int] = ("", 0)
        self.waves: dict[str, int] = {}

    def debts(self) -> list[dict[str, Any]]:
        return self.store.open_debts(self.customer, "production")

    # What there is

    @initialize(
        shapes=st.lists(
            st.tuples(
                st.sampled_from(sorted(DURATIONS)), st.integers(1, 3), st.sampled_from(PRIORITIES), st.booleans(), st.booleans()
            ),
            min_size=1,
            max_size=5,
        ),
        policy=st.sampled_from(("quarantine", "remove")),
        gates=st.sampled_from((True, True, False)),
        lag=st.sampled_from((0.0, 3.0)),
        lost=st.sampled_from((False, False, True)),
        drill=st.sampled_from((True, True, False)),
        batches=st.integers(0, 8),
    )
    def estate(
        self,
        shapes: list[tuple[str, int, str, bool, bool]],
        policy: str,
        gates: bool,
        lag: float,
        lost: bool,
        drill: bool,
        batches: int,
    ) -> None:
        """What there is, and the first batches of its first execution: of a lost region an unplanned failover."""
        self.world.lag = lag
        self.world.dark |= {EAST} if lost else set()
        self.policy, self.gates = policy, gates
        pairs: list[Pair] = []
        for index, (technology, wave, priority, follows, stands) in enumerate(sorted(shapes, key=lambda one: one[1])):
            key = f"{technology}-{index}"
            needs = (pairs[-1].key,) if follows and pairs else ()
            pair = Pair(key, technology, "1", EAST, WEST, key, key, wave=wave, priority=priority, dependencies=needs)
            pairs.append(pair)
            self.world.past[EAST, key] = [(0.0, "writable")]
            if stands:
                self.world.past[WEST, key] = [(0.0, "standby")]
        self.pairs = pairs
        self.waves = {pair.key: pair.wave for pair in pairs}
        self.start(self.runners[0], planned=not lost, drill=drill and not lost)
        for _batch in range(batches):
            self.advance(self.runners[0])

    # What runs

    @rule(
        which=st.integers(0, 1),
        planned=st.booleans(),
        drill=st.booleans(),
        batches=st.integers(1, 8),
        fuse=st.integers(1, 15),
        bang=st.sampled_from(("", "kill", "overtake")),
    )
    def go_on(self, which: int, planned: bool, drill: bool, batches: int, fuse: int, bang: str) -> None:
        """A runner that works, or one that is started, carries out its next batches; something may happen to it meanwhile."""
        works = [one for one in self.runners if one.works]
        runner = works[which % len(works)] if works else self.runners[which]
        if not works:
            self.start(runner, planned, drill=drill)
        runner.fuse, runner.bang = fuse if bang else 0, bang
        for _batch in range(batches):
            self.advance(runner)
        runner.fuse = 0

    def start(self, runner: Runner, planned: bool, lease: int = 60, *, drill: bool = False) -> None:
        """Goes on with the execution that has not ended, or begins the next. Of a cancelled drill the copies are removed first."""
        known = self.store.get_execution(self.current) if self.current else None
        removing = known is not None and known["status"] == "CANCELLED" and bool(self.left_behind(self.current))
        goes_on = known is not None and known["status"] in ("PENDING", "PAUSED", "FAILED") and not removed(known)
        resumes = goes_on or removing or (known is not None and known["status"] == "RUNNING")
        name = self.current if resumes else f"dr-20261128T163000Z-{self.number:04x}{self.made:02x}"
        lock = Lock(self.store, host=HERE, started=lambda pid: "" if pid in self.dead else "100")
        try:
            fence = lock.acquire(self.customer, "production", owner=name, runner=f"{HERE}:{runner.pid}:100", lease_seconds=lease)
        except LockHeldError:
            return
        assert fence > self.fence, "the fence rises with every change of hands"
        self.fence = fence
        for other in self.runners:
            other.stale = other is not runner and other.works
        if resumes:
            if known["status"] != "RUNNING" and not removing and self.held(name):
                lock.release()
                return
            if known["status"] != "RUNNING" and not removing:
                first = settling.kept(
                    known, settling.due(self.store, runner, self.plans[name], {("1", one) for one in self.world.dark})
                )
                self.store.update_execution(name, status="RUNNING", **{settling.FIELD: first})
        else:
            plan = self.plan(planned, "test" if drill else "failover")
            if plan is None:
                lock.release()
                return
            self.made += 1
            self.current, self.plans[name] = name, plan
            self.store.create_execution({**plan.record(), "execution_id": name, "created_by": "ann"})
            self.store.update_execution(name, status="RUNNING")
        plan = self.plans[name]
        already = {phase: sorted(plan.done(phase)) for phase in plan.parameters.phases}
        parameters = plan.parameters.to_json()
        runner.execution = {"execution_id": name, "parameters": parameters, "fence": fence, "already": already, "turned": []}
        todo = settling.first(plan, settling.kept(self.store.get_execution(name))).batches
        cleans = removing or (plan.parameters.drill and known is not None and known.get("current_phase") == "cleanup")
        runner.todo = iter([batch for batch in todo if batch.phase == "cleanup" or not cleans])

    def held(self, name: str) -> bool:
        """Whether a pause waits for its approval, which is asked for anew when it is overdue."""
        approvals = Approvals(self.store)
        paused = pauses.unanswered(approvals.of(name))
        if paused and (paused["state"] == "timed_out" or approvals.overdue(paused)):
            approvals.request(name, paused["gate"], self.plans[name].sha256, requester="ann")
        return paused is not None

    def plan(self, planned: bool, operation: str) -> Plan | None:
        """None where the product refuses one."""
        parameters = Parameters(
            self.customer,
            "production",
            EAST,
            WEST,
            operation=operation,
            mode="planned" if planned or operation == "test" else "unplanned",
            approval_mode="required" if self.gates else "automatic",
            cleanup_policy=self.policy,
        )
        stale = frozenset(("1", region) for region in self.world.dark)
        facts = Facts((EAST, WEST), frozenset({(self.customer, "production")}), stale=stale)
        active, reader = {}, Runner(self, 0)
        for pair in self.pairs:
            seen = ADAPTERS[pair.technology].observe(reader, [pair])[pair.key]
            found = ADAPTERS[pair.technology].active(seen)
            active[pair.key] = Active.UNKNOWN if seen[1] == "promoting" else found
        with suppress(DrError):
            owing = {one["resource"] for one in self.debts()}
            return build(self.pairs, active, parameters, facts, DURATIONS, owing=owing)
        return None

    def advance(self, runner: Runner) -> None:
        if not runner.works or runner not in self.runners:
            return
        outer = self.phase
        try:
            self.carry_out(runner)
        except Killed:
            self.dead.add(runner.pid)
            self.pids += 1
            self.runners[self.runners.index(runner)] = Runner(self, self.pids)
        except LeaseLostError:
            assert runner.stale, "only who lost the lock is told so"
            runner.execution = {}
        except DrError:
            runner.execution = {}
        finally:
            self.phase = outer

    def carry_out(self, runner: Runner) -> None:
        name = runner.execution["execution_id"]
        run = Run(Ways(self.store, runner), runner.execution, self.plans[name], {})
        plan = run.plan
        batch = next(runner.todo, None)
        if batch is None:
            phases = ("instantiate", "activate", *(("cleanup",) if plan.parameters.drill else ()))
            open_still = [one for one in plan.batches if one.phase in phases for _key in self.left(run, one)]
            if run.record["status"] == "RUNNING":
                run.change({"status": "FAILED" if open_still else "COMPLETED"}, "execution_ended")
            assert run.secure() == ""
            run.lock.release()
            runner.execution = {}
            return
        hosts = {entry.key: {} for entry in batch.entries}
        heed(run, batch.phase, hosts, lambda *_said, **_how: None)
        if batch.gate and not self.approved(name, batch.gate.name):
            Approvals(self.store).request(name, batch.gate.name, plan.sha256, requester="ann", needed=2)
            raise run.stop("PAUSED", "approval_timed_out", "nobody has decided", run.resume_command())
        self.phase = (batch.phase, batch.wave)
        self.before(plan, batch, run)
        already = run.already(batch.phase, hosts)
        unasked = {**already, **run.skipped(batch.phase, hosts, leave_out=already)}
        goals = run.goals(hosts, leave_out=unasked)
        self.world.planned = run.parameters.mode == "planned"
        run.journal.progress(batch.phase, batch.wave)
        ways: Any = DRILLS if plan.parameters.drill else ADAPTERS
        made = engine.Engine(runner, run.journal, clock=Passing(self.world), adapter=lambda technology: ways[technology])
        results = {**unasked, **made.run(batch.phase, goals, run.needed(batch.phase, goals, unasked))}
        run.settle(batch.phase, results)
        run.journal.progress(batch.phase, batch.wave, Counter(result.status for result in results.values()))
        run.note("wave_ended", phase=batch.phase, wave=batch.wave)
        if any(run.stops(batch.phase, pair, results[pair.key]) for pair in self.pairs if pair.key in results):
            raise self.failed(run)

    def failed(self, run: Run) -> DrError:
        run.change({"status": "FAILED"}, "execution_failed")
        run.secure()
        run.lock.release()
        return DrError("a resource stops the run", run.resume_command())

    def left(self, run: Run, batch: Any, until: str = "done") -> list[str]:
        """What of a batch has not got so far: to be done, or to any result."""
        out = skips(self.store, run.execution_id, self.waves)
        known = run.journal.known(batch.phase)
        return [key for key in batch.todo if key not in out and known.get(key, {}).get(until) is None]

    def before(self, plan: Plan, batch: Any, run: Run) -> None:
        """Waves never overlap: those before this one of its phase are done; of a drill, which goes on, they have ended."""
        if batch.phase in ("instantiate", "activate"):
            for earlier in plan.of(batch.phase):
                if earlier.wave < batch.wave:
                    until = "result" if plan.parameters.drill else "done"
                    assert self.left(run, earlier, until) == [], f"{batch.phase}, wave {earlier.wave} has not ended"

    def copies(self, name: str) -> dict[str, str]:
        """What a drill calls its copies -> the pair that each is a copy for."""
        return {base.name(replace(pair, settings={"drill_id": name})): pair.key for pair in self.pairs}

    def left_behind(self, name: str) -> list[str]:
        """Copies of a drill that are there."""
        return [copied for copied in self.copies(name) if self.world.state(WEST, copied)]

    def intended(self, name: str, phase: str, key: str, operation: str) -> bool:
        rows = self.store.table.query(f"EXEC#{name}", f"P#{phase}#I#{key}#")
        return any(row["call"].endswith(f":{operation}") for row in rows)

    def overtake(self, slow: Runner) -> None:
        """The process stands still for longer than its lease; another one goes on meanwhile."""
        self.world.sleep(200)
        other = next(one for one in self.runners if one is not slow)
        if not other.works:
            self.start(other, planned=False)
            self.advance(other)

    # What people do

    def approved(self, name: str, gate: str) -> bool:
        return any((one["gate"], one["state"]) == (gate, "approved") for one in Approvals(self.store).of(name))

    @precondition(lambda self: self.current)
    @rule(verb=st.sampled_from(("pause", "cancel", "skip")), which=st.integers(0, 4), undo=st.booleans())
    def ask(self, verb: str, which: int, undo: bool) -> None:
        resource = self.pairs[which % len(self.pairs)].key if verb == "skip" else ""
        people = Interventions(self.store, "bob")
        with suppress(DrError):
            if undo and verb != "cancel":
                people.undo(self.current, verb, "why", resource)
            elif verb != "cancel" or which == 0:
                people.ask(self.current, verb, "why", resource)

    def pending(self) -> list[dict[str, Any]]:
        return [item for item in Approvals(self.store).of(self.current) if item["state"] == "pending"] if self.current else []

    @precondition(lambda self: self.pending())
    @rule(who=st.sampled_from(("bob", "eve", "dan")), decision=st.sampled_from(("approve", "approve", "approve", "reject")))
    def decide(self, who: str, decision: str) -> None:
        """On what is asked for, by its token, which is promised anew."""
        for item in self.pending():
            token = Approvals(self.store).promise(item)
            with suppress(DrError):
                Approvals(self.store).decide(self.current, token, decision, who)
                if decision == "approve":
                    self.given.add((self.current, item["gate"], who))
                else:
                    Interventions(self.store, who).rejected(self.current, item["gate"])

    @precondition(lambda self: self.current)
    @rule(token=st.text(max_size=8))
    def forge(self, token: str) -> None:
        with pytest.raises(DrError):
            Approvals(self.store).decide(self.current, token, "approve", "mallory")

    # What happens

    @rule(region=st.sampled_from((EAST, EAST, WEST)), dark=st.booleans())
    def region(self, region: str, dark: bool) -> None:
        (self.world.dark.add if dark else self.world.dark.discard)(region)

    @rule(kind=st.sampled_from(sorted(FAULTS)))
    def fault(self, kind: str) -> None:
        self.world.faults.append(kind)

    @rule(seconds=st.sampled_from((1, 30, 90, 2000)))
    def time(self, seconds: int) -> None:
        self.world.sleep(seconds)

    # What holds

    @invariant()
    def nothing_was_broken(self) -> None:
        assert self.world.broken == []

    @invariant()
    def two_writable_sides_are_owed(self) -> None:
        owing = {one["resource"] for one in self.debts()}
        both = {key for key in self.waves if {self.world.state(region, key) for region in (EAST, WEST)} == {"writable"}}
        assert both <= owing

    @invariant()
    def no_approval_is_implied(self) -> None:
        for name in self.plans:
            for item in Approvals(self.store).of(name):
                people = {one["approver"] for one in item["approvals"]}
                assert {(name, item["gate"], who) for who in people} <= self.given
                assert item["state"] != "approved" or len(people) >= item["needed"]

    @invariant()
    def one_holds_the_lock(self) -> None:
        held = self.store.table.get(f"LOCK#{self.customer}#production", "LOCK") or {"fence": 0}
        assert held["fence"] == self.fence
        assert len([one for one in self.runners if one.works and not one.stale]) <= 1

    @invariant()
    def the_chain_is_whole_and_what_was_deferred_is_shown(self) -> None:
        for name in self.plans:
            assert self.store.broken_audit(name) == []
        if self.current:
            shown = {(one["resource"], one["phase"]) for one in self.store.status(self.current)["deferred"]}
            rows = list(self.store.table.query(f"EXEC#{self.current}", "P#"))
            deferred = {(row["key"], row["phase"]) for row in rows if row.get("status") == "deferred"}
            done = {(row["key"], row["phase"]) for row in rows if row.get("status") == "done"}
            assert deferred - done <= shown

    @invariant()
    def a_drill_that_ended_well_has_left_nothing(self) -> None:
        over = [name for name in self.plans if self.store.get_execution(name)["status"] == "COMPLETED"]
        assert [copied for name in over for copied in self.left_behind(name)] == []

    def everything_serves(self) -> bool:
        return all(self.world.state(WEST, key) == "writable" != self.world.state(EAST, key) for key in self.waves)

    def teardown(self) -> None:
        """All is well again, and people say yes: everything that nobody took out is done."""
        if not self.current:
            return
        self.world.dark.clear()
        self.world.faults.clear()
        self.world.sleep(4000)
        self.world.lag = 0.0
        self.dead |= {runner.pid for runner in self.runners}
        self.runners = [Runner(self, self.pids + 1), Runner(self, self.pids + 2)]
        for _time in range(60):
            self.start(self.runners[0], planned=False)
            for _batch in range(40):
                self.advance(self.runners[0])
            status = self.store.get_execution(self.current)["status"]
            for who in ("bob", "eve", "dan"):
                self.decide(who, "approve")
            for key in skips(self.store, self.current, self.waves):
                with suppress(DrError):
                    Interventions(self.store, "bob").undo(self.current, "skip", "all is well", key)
            if status == "COMPLETED" and not self.debts() and self.everything_serves():
                break
        self.nothing_was_broken()
        assert self.debts() == []
        assert self.everything_serves(), {key: (self.world.state(EAST, key), self.world.state(WEST, key)) for key in self.waves}
        for name in self.plans:
            assert evidence.secure(self.store, name) == ""
            assert evidence.verify(self.store, name) == []
            assert self.left_behind(name) == []


class Passing:
    """The engine's clock on the model's time."""

    def __init__(self, world: World) -> None:
        self.world = world

    def now(self) -> float:
        return self.world.now

    def sleep(self, seconds: float) -> None:
        self.world.sleep(seconds)


@pytest.mark.timeout(0)
def test_random_lives_of_random_estates(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clients = [sandbox.inside(service, WEST) for service in ("dynamodb", "s3", "sns")]
    ensure(*clients, NAMES, WEST, sleep=sandbox.advance)
    monkeypatch.setattr(engine, "ThreadPoolExecutor", AtOnce)
    monkeypatch.setattr(settling, "survey", lambda *given: survey.survey(*given, lambda technology: ADAPTERS[technology]))
    monkeypatch.setattr(Estates, "store", Store(clients[0], clients[1], NAMES.table, NAMES.bucket), raising=False)
    run_state_machine_as_test(
        Estates,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            derandomize=True,
            deadline=None,
            database=None,
            print_blob=False,
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=list(HealthCheck),
        ),
    )
