# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes back what ACTIVATE did in an execution: what, in which order, and what has to stay, which is known beforehand."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from . import health, moves, settling
from .dynamo import utc
from .engine import ROLLBACK, Engine, Observer, Result
from .errors import DrError, InputError
from .lock import Lock
from .model import Active, Goal, Pair
from .parameters import Parameters
from .plan import NEEDS_SOURCE, Plan
from .run import Control, Run, counts
from .status import resume_command, rollback_command, undoing
from .store import Journal, MemoryJournal, Store
from .survey import survey
from .tracing import part

#: Operations that change sides. What a drill has made is removed by its clean-up; a reprotection moves nothing.
OPERATIONS: Final = ("failover", "failback")
#: How an execution whose runner died is called after its rollback was not approved.
INTERRUPTED: Final = ("PENDING", "RUNNING")
#: What is recorded of ACTIVATE while it is taken back.
UNDOING: Final = {
    "why": "it is being rolled back",
    "remedy": "finish the rollback, or resume this execution to activate it again",
    "undoing": True,
}
#: Phases that do not hold any more once a resource has gone back.
UNDONE_PHASES: Final = ("instantiate", "activate")
#: How many resources a line names.
NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Undo:
    """What a rollback would do. waves: goals, the last wave first. foreseen: how each would begin. stays: what cannot go back."""

    waves: tuple[tuple[Goal, ...], ...]
    foreseen: Mapping[str, Result]
    stays: Mapping[str, Result]

    @property
    def keys(self) -> list[str]:
        """Of what goes back."""
        return [goal.pair.key for goals in self.waves for goal in goals]


def refuse(record: Mapping[str, Any]) -> None:
    """DrError for an execution that has nothing to be taken back by a rollback."""
    name, operation = record["execution_id"], record["operation"]
    if operation not in OPERATIONS:
        remedy = "ansible-playbook dr.aws.test -e execution_id=… -e cleanup=true removes what a drill has made"
        raise DrError(f"execution {name} is a {operation}: only a {' or a '.join(OPERATIONS)} is rolled back", remedy)
    if record["status"] == "CANCELLED":
        other = OPERATIONS[1 - OPERATIONS.index(operation)]
        text = f"execution {name} is CANCELLED: what it has done stays as it is"
        raise DrError(
            text, f"take it back with a {other} of its own: ansible-playbook dr.aws.{other} -e customer=… -e environment=…"
        )


def begun(known: Mapping[str, Any]) -> bool:
    """Whether a phase did something to a resource, as the journal knows it (`Journal.known`)."""
    sent = any(intent["outcome"] != "rejected" for intent in known.get("intents", {}).values())
    return known.get("done") is not None or sent or bool((known.get("result") or {}).get("undoing"))


def foresee(
    control: Control, record: Mapping[str, Any], plan: Plan, captured: Mapping[str, Mapping[str, Any]], waves: Collection[int]
) -> Undo:
    """One look at everything that ACTIVATE touched in these waves, () for all. Describe calls only.

    InputError: a wave that is not there. DrError: something was done on top of it, here or later: what clients are led to by the
    rest, names above all, may be gone. That a debt was settled first is none of that: what owed it stays.
    """
    name, parameters = record["execution_id"], plan.parameters
    there = sorted({pair.wave for pair in plan.pairs})
    if absent := sorted(set(waves) - set(there)):
        said = ",".join(map(str, there))
        raise InputError(
            "waves", ",".join(map(str, absent)), f"waves of the execution: {said}", f"-e waves={said}, or leave it out"
        )
    journal = Journal(control.store, name, 0, Lock(control.store))
    activated = journal.known("activate")
    asked = [pair for pair in plan.pairs if begun(activated.get(pair.key, {})) and (not waves or pair.wave in waves)]
    past = {key: why for key, why in gone_past(control.store, record, journal).items() if begun(activated.get(key, {}))}
    ahead = settling.first(plan, settling.kept(record))
    settled = {entry.key for batch in ahead.stage(settling.STAGE) for entry in batch.entries}
    if over := [f"{key}: {why}" for key, why in past.items() if key not in settled]:
        other = OPERATIONS[1 - OPERATIONS.index(record["operation"])]
        remedy = f"take it back with a {other} of its own: ansible-playbook dr.aws.{other} -e customer=… -e environment=…"
        raise DrError(f"execution {name} is not rolled back any more, {len(over)} resources have gone on: {_named(over)}", remedy)
    goals = {
        pair.key: Goal(pair, parameters.mode, parameters.cleanup_policy, name, captured.get(pair.key, {}))
        for pair in asked
        if pair.key not in past
    }
    engine = Engine(control.cloud, MemoryJournal(), parallelism=parameters.parallelism, check_mode=True)
    found = engine.run(ROLLBACK, list(goals.values()))
    gone = {
        pair.key: Result(pair.key, ROLLBACK, "blocked", why=past[pair.key], remedy="leave it where it is, or fail back")
        for pair in asked
        if pair.key in past
    }
    going = {key: result for key, result in found.items() if result.status in ("done", "would_change")}
    stays = {**gone, **{key: result for key, result in found.items() if key not in going}}
    ordered = (
        tuple(goals[pair.key] for pair in reversed(asked) if pair.wave == wave and pair.key in going) for wave in reversed(there)
    )
    return Undo(tuple(one for one in ordered if one), going, stays)


def gone_past(store: Store, record: Mapping[str, Any], journal: Journal) -> dict[str, str]:
    """Pair key -> why its ACTIVATE cannot be taken back any more: something was done on top of it, here or by a later execution."""
    found: dict[str, str] = {}
    for phase in NEEDS_SOURCE:
        for key, known in journal.known(phase).items():
            if begun(known):
                found.setdefault(key, f"{phase} of this execution has gone past it")
    scope = (record["customer"], record["environment"])
    for later in store.executions(customer=scope[0], environment=scope[1], since=record["started_at"][:10], limit=None):
        if later["started_at"] < record["started_at"] or later["execution_id"] == record["execution_id"]:
            continue
        for phase in ("activate", *NEEDS_SOURCE) if later["operation"] != "test" else ():
            for key in store.sent(later["execution_id"], phase):
                found.setdefault(key, f"{phase} of execution {later['execution_id']}, which came later, has gone past it")
    return found


def said(undo: Undo, name: str) -> Iterator[tuple[str, str | None]]:
    """What a rollback would do, and what stays, as (text, colour) for people, before anything is done."""
    waves = ", ".join(str(goals[0].pair.wave) for goals in undo.waves) or "none"
    yield f"rollback of execution {name}: {len(undo.keys)} resources go back, in waves {waves}; {len(undo.stays)} stay", None
    for key in undo.keys:
        calls = undo.foreseen[key].calls
        first = f"{calls[0]['service']} {calls[0]['operation']} in {calls[0]['region']} first: {calls[0]['why']}" if calls else ""
        yield f"  back      {key}: {first or 'its source serves already'}", None
    for key, result in undo.stays.items():
        yield f"  stays     {key}: {result.why}. Next: {result.remedy}", "yellow"


def foretold(plan: Plan, wave: int) -> str:
    """What is said before a wave is activated of what its failure would lead to; "" where nothing is rolled back by itself."""
    parameters = plan.parameters
    if parameters.on_wave_failure != "rollback":
        return ""
    batches = [one for one in plan.of("activate") if one.wave == wave or (parameters.rollback_scope == "all" and one.wave < wave)]
    stays = [entry.key for batch in batches for entry in batch.entries if entry.one_way]
    which = ", ".join(str(batch.wave) for batch in reversed(batches))
    left = f"one-way, may stay in {parameters.target_region}: {', '.join(stays)}" if stays else "none of it is one-way"
    return f"if it fails, wave {which} is rolled back; {left}"


def begin(store: Store, record: Mapping[str, Any], who: str, waves: Collection[int], reason: str) -> list[dict[str, Any]]:
    """The execution's rollbacks with this one, to be stored: the one that was not finished, for the same waves, or a new one."""
    known = list(record.get("rollbacks") or ())
    before = "FAILED" if record["status"] in INTERRUPTED else record["status"]
    if (last := undoing(record)) and last["waves"] == sorted(waves):
        return known
    one = {"number": len(known) + 1, "state": "open", "by": who, "reason": reason, "waves": sorted(waves), "before": before}
    return [*known, {**one, "before_reason": record.get("reason"), "at": utc(store.clock())}]


def closed(record: Mapping[str, Any], state: str) -> dict[str, Any]:
    """What to store of the last rollback when it is over: ended, refused (not approved), or left (resumed instead). {} for none."""
    known = list(record.get("rollbacks") or ())
    return {"rollbacks": [*known[:-1], {**known[-1], "state": state}]} if undoing(record) else {}


def carry_out(run: Run, undo: Undo, watch: Callable[[Sequence[Pair]], Observer], say: Callable[..., None]) -> dict[str, Result]:
    """Takes it back, the last wave first, and records that ACTIVATE does not hold any more. Gives how each ended.

    Before the first call of a wave its ACTIVATE is recorded as undone: whoever resumes the execution activates it again, also when
    this is killed. A failure holds nothing back: what can go home goes.
    """
    journal = run.journal
    impacts = {pair.key: pair.impact for pair in run.plan.pairs} if run.plan else {}
    journal.known("activate")
    journal.known(ROLLBACK)
    journal.finish(
        [
            (key, ROLLBACK, "blocked", {"why": one.why, "remedy": one.remedy, "impact": impacts.get(key)})
            for key, one in undo.stays.items()
        ]
    )
    results: dict[str, Result] = {}
    for goals in undo.waves:
        pairs = [goal.pair for goal in goals]
        wave = pairs[0].wave
        say(f"rollback, wave {wave}: {len(pairs)} resources")
        journal.progress(ROLLBACK, wave)
        run.note("wave_started", phase=ROLLBACK, waves=[wave], resources=len(pairs))
        journal.reopen("activate", [pair.key for pair in pairs], UNDOING)
        journal.forget_errands((f"/activate-wave-{wave:02d}", "/activate"))
        engine = Engine(
            run.cloud,
            journal,
            parallelism=run.parameters.parallelism,
            poll_limit_seconds=run.control.poll_limit_seconds,
            observer=watch(pairs),
        )
        with part(run.span, f"rollback, wave {wave}", dr__phase=ROLLBACK, dr__wave=wave, dr__resources=len(pairs)) as span:
            ended = engine.run(ROLLBACK, goals)
            span.end("done")
        back = [pair for pair in pairs if ended[pair.key].status == "done"]
        settled = _settle(run, back)
        _moved_back(run, back)
        journal.put_aside(UNDONE_PHASES, [pair.key for pair in back])
        journal.progress(ROLLBACK, wave, counts(ended))
        run.note("wave_ended", phase=ROLLBACK, waves=[wave], counts=counts(ended), settled=settled)
        results.update(ended)
    return results


def _settle(run: Run, back: Sequence[Pair]) -> list[str]:
    """Settles the fence debts of what went back, where a look shows that the source serves, and it alone."""
    scope = (run.parameters.customer, run.parameters.environment)
    owed = {debt["resource"] for debt in run.store.open_debts(*scope)}
    looks = survey(run.cloud, [pair for pair in back if pair.key in owed], run.parameters.parallelism)
    moot = [key for key, look in looks.items() if look.active is Active.SOURCE]
    for key in moot:
        run.store.settle(*scope, key)
    return moot


def _moved_back(run: Run, back: Sequence[Pair]) -> None:
    scope = (run.parameters.customer, run.parameters.environment)
    moves.record(run.store, *scope, run.execution_id, [(pair.key, pair.source_region) for pair in back])


def prove(run: Run, undo: Undo, results: Mapping[str, Result], timeout_seconds: float) -> tuple[str, str]:
    """The health of what went back, where it serves now, as that of a wave (`health`): (status, what is not HEALTHY, for people).

    ("", "") when nothing went back. What cannot be looked at is UNHEALTHY.
    """
    goals = [replace(goal, pair=goal.pair.reversed()) for wave in undo.waves for goal in wave]
    goals = [goal for goal in goals if results[goal.pair.key].status == "done"]
    if not goals:
        return "", ""
    healths = health.wait_until_healthy(
        run.cloud,
        goals,
        timeout_seconds,
        parallelism=run.parameters.parallelism,
        poll_seconds=run.control.pause(health.POLL_SECONDS),
        renew=run.journal.renew,
    )
    optional = health.optional_of(goals)
    status, failed = health.worst(healths, optional), health.failed_checks(healths)
    run.note("rollback_health_checked", waves=sorted({goal.pair.wave for goal in goals}), status=status, failed=failed)
    return status, health.named(failed, optional)


def problem(record: Mapping[str, Any], results: Mapping[str, Result], status: str, ill: str) -> str:
    """Why a rollback has failed, with what to do next; "" when it has not. status, ill: as `prove` gives them."""
    left = [key for key, one in results.items() if one.status != "done"]
    if left:
        return f"{len(left)} of {len(results)} resources did not go back. Next: {rollback_command(record)}"
    if status == "UNHEALTHY":
        look = f"ansible-playbook dr.aws.status -e execution_id={record['execution_id']}"
        return f"what went back is UNHEALTHY: {ill}. Next: repair it where it serves again; {look}"
    return ""


def end(run: Run, undo: Undo, results: Mapping[str, Result], who: str, proven: str = "", **changes: Any) -> str:
    """Records what was rolled back, as the reason of the execution, and tells people. Gives it.

    proven: the health of what went back, "" where it was not looked at. changes: further attributes of the execution, such as its
    status. What was activated does not wait to be committed any more.
    """
    gone_back = [one["resource"] for one in run.store.status(run.execution_id, limit=None)["rolled_back"]]
    text = outcome(run.parameters, undo, results, gone_back) + (f"; health of what went back: {proven}" if proven else "")
    left = [one for one in results.values() if one.status != "done"]
    state = closed(run.store.get_execution(run.execution_id), "open" if left else "ended")
    window = {"uncommitted_until": None, "committed": None}
    said = {"by": who, "counts": counts(results), "stays": len(undo.stays), "text": text}
    run.change({**state, **window, **changes, "reason": f"{text}; by {who}"}, "execution_rolled_back", **said)
    failures = [
        {"resource": one.key, "phase": ROLLBACK, "why": one.why, "remedy": one.remedy} for one in (*undo.stays.values(), *left)
    ]
    run.notify("execution_rolled_back", text=text, failures=failures, remedy=f"{resume_command(run.record)} activates it again")
    return text


def outcome(parameters: Parameters, undo: Undo, results: Mapping[str, Result], back: Sequence[str]) -> str:
    """`rolled back: a, b; stays in us-west-2: c (why)`. back: all that has gone back, also before this was killed."""
    left = [one for one in results.values() if one.status != "done"]
    parts = [f"rolled back: {_named(back)}" if back else "nothing was rolled back"]
    if left:
        parts.append(f"not rolled back: {_named([f'{one.key} ({one.why})' for one in left])}")
    if undo.stays:
        stays = _named([f"{key} ({one.why})" for key, one in undo.stays.items()])
        parts.append(f"stays in {parameters.target_region}: {stays}")
    return "; ".join(parts)


def _named(what: Sequence[str]) -> str:
    return ", ".join(what[:NAMED]) + (f" and {len(what) - NAMED} more" if len(what) > NAMED else "")
