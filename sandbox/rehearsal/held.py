# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds a rehearsal: the product's own plan, engine and health checks over the simulated world, on simulated time.

Time passes only while the engine pauses between two looks, and is skipped then. What calls themselves take, approvals and the start
of playbooks are not in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any, TypeAlias

from botocore import xform_name

from ansible_collections.dr.aws.plugins.module_utils.accounts import Account, Accounts, AwsReader, Breaker
from ansible_collections.dr.aws.plugins.module_utils.adapters import adapter
from ansible_collections.dr.aws.plugins.module_utils.dynamo import utc
from ansible_collections.dr.aws.plugins.module_utils.engine import Engine, Result
from ansible_collections.dr.aws.plugins.module_utils.health import optional_of, wait_until_healthy
from ansible_collections.dr.aws.plugins.module_utils.model import Done, Goal, Health, Pair
from ansible_collections.dr.aws.plugins.module_utils.parameters import Facts, Parameters, validate_parameters
from ansible_collections.dr.aws.plugins.module_utils.plan import Batch, Plan, build
from ansible_collections.dr.aws.plugins.module_utils.readiness import capture
from ansible_collections.dr.aws.plugins.module_utils.run import stops
from ansible_collections.dr.aws.plugins.module_utils.scope import pair_of
from ansible_collections.dr.aws.plugins.module_utils.store import MemoryJournal
from ansible_collections.dr.aws.plugins.module_utils.survey import survey
from sandbox.gateway import Gateway

from . import rebuilt
from .durations import Durations
from .rebuilt import RehearsalError, World

#: What is rehearsed. Before a failback the other region serves, and home follows: as a reprotection leaves it.
OPERATIONS = ("failover", "failback")
#: So often is a rehearsal held again until measured phases take what was measured, within TOLERANCE of it.
PASSES = 4
TOLERANCE = 0.03
#: No service is rehearsed faster or slower than this.
SLOWEST, FASTEST = 50.0, 0.02
HEALTH_SECONDS = 300.0

#: (technology, phase) -> how many times as long as usual its calls take, and the seconds that one resource took.
Paces: TypeAlias = Mapping[tuple[str, str], float]
Took: TypeAlias = Mapping[tuple[str, str], float]


class Time:
    """The engine's clock: a pause moves the simulated time."""

    def __init__(self, gateway: Gateway) -> None:
        self.clock, self.began = gateway.clock, gateway.clock.time()

    def now(self) -> float:
        """Seconds since the rehearsal began."""
        return self.clock.time() - self.began

    def sleep(self, seconds: float) -> None:
        """Skips them."""
        self.clock.advance(seconds)


@dataclass(frozen=True, slots=True)
class Wave:
    """One wave of one phase as it went. begins, seconds: simulated, since the beginning and for itself.

    after_stop: a real run would have stopped before it.
    """

    batch: Batch
    begins: float
    seconds: float
    results: Mapping[str, Result]
    healths: Mapping[str, Health] = field(default_factory=dict)
    after_stop: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """A rehearsal that was held. left_out: key -> why it was not rehearsed. calls: the estate's, as the sandbox recorded them,
    with `seconds` since the beginning. paces: by (technology, phase)."""

    parameters: Parameters
    plan: Plan
    world: World
    waves: tuple[Wave, ...]
    left_out: Mapping[str, str]
    calls: tuple[Mapping[str, Any], ...]
    seconds: float
    paces: Paces

    def sent(self) -> dict[tuple[str, str], set[tuple[str, str]]]:
        """(technology, phase) -> the (service, operation) that its resources called, as AWS writes operations."""
        names = {(call["service"], xform_name(call["operation"])): call["operation"] for call in self.calls}
        technologies = {pair.key: pair.technology for pair in self.plan.pairs}
        found: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
        for wave in self.waves:
            for key, result in wave.results.items():
                for call in result.calls:
                    service = call["service"].partition("@")[0]
                    found[technologies[key], wave.batch.phase].add((service, names[service, call["operation"]]))
        return found

    def took(self) -> dict[tuple[str, str], float]:
        """(technology, phase) -> the median of what it took for one resource that was changed and done."""
        technologies = {pair.key: pair.technology for pair in self.plan.pairs}
        rows: dict[tuple[str, str], list[float]] = defaultdict(list)
        for wave in self.waves:
            for key, result in wave.results.items():
                if result.status == "done" and result.changed:
                    rows[technologies[key], wave.batch.phase].append(result.seconds)
        return {key: median(seconds) for key, seconds in rows.items()}


def hold(gateway: Gateway, snapshot: Mapping[str, Any], asked: Mapping[str, Any], durations: Durations) -> Held:
    """Rehearses the failover, or the failback, of a snapshot's estate. The process's AWS environment must point at the gateway.

    asked: parameters as for the playbook (operation, mode, waves, phases, primary_region, dr_region, …). It is held again until
    phases that were measured take what was measured, or nearly. RehearsalError, or the product's DrError, with what to do.
    """
    parameters = _parameters(snapshot, asked)
    held = _once(gateway, snapshot, parameters, {}, {"": dict(durations.paces)})
    tried = [(held.paces, held.took())]
    while len(tried) < PASSES and (paces := _adjusted(durations, tried)) != _closest(durations, tried):
        held = _once(gateway, snapshot, parameters, paces, _calls_paces(durations, paces, held.sent()))
        tried.append((paces, held.took()))
    best = _closest(durations, tried)
    return held if best == held.paces else _once(gateway, snapshot, parameters, best, _calls_paces(durations, best, held.sent()))


def _parameters(snapshot: Mapping[str, Any], asked: Mapping[str, Any]) -> Parameters:
    """Of a failover, or a failback, of the snapshot's customer and environment."""
    scope = (snapshot["customer"], snapshot["environment"])
    facts = Facts(tuple(snapshot["regions"]), frozenset({scope}))
    operation = asked.get("operation") or "failover"
    if operation not in OPERATIONS:
        raise RehearsalError(f"operation={operation} is not rehearsed. Next: use one of {', '.join(OPERATIONS)}")
    raw = {**asked, "customer": scope[0], "environment": scope[1], "operation": operation}
    return validate_parameters(raw, facts)


def _tries(
    durations: Durations, tried: Sequence[tuple[Paces, Took]]
) -> Iterator[tuple[tuple[str, str], float, list[tuple[float, float]]]]:
    """(technology, phase), what was measured, and (pace, what it took with it) of every rehearsal."""
    for key, measured in durations.phases.items():
        points = [(paces.get(key, 1.0), took[key]) for paces, took in tried if took.get(key)]
        if points:
            yield key, measured.seconds, points


def _closest(durations: Durations, tried: Sequence[tuple[Paces, Took]]) -> dict[tuple[str, str], float]:
    """Of each measured phase the pace that came closest to what was measured; none where that is the usual one."""
    found = {key: _nearest(points, wanted)[0] for key, wanted, points in _tries(durations, tried)}
    return {key: pace for key, pace in found.items() if pace != 1.0}


def _nearest(points: Sequence[tuple[float, float]], wanted: float) -> tuple[float, float]:
    """The (pace, what it took) that came closest."""
    return min(points, key=lambda point: abs(point[1] - wanted))


def _adjusted(durations: Durations, tried: Sequence[tuple[Paces, Took]]) -> dict[tuple[str, str], float]:
    """Paces to try next: by rule of three first, then between the two that are around what was measured.

    Not all of a phase's time is the services', and what is waited for is looked at in steps: there may be no better pace.
    """
    better = _closest(durations, tried)
    for key, wanted, points in _tries(durations, tried):
        pace, took = _nearest(points, wanted)
        if abs(took - wanted) <= TOLERANCE * wanted:
            continue
        below = max((point for point in points if point[1] < wanted), default=None)
        above = min((point for point in points if point[1] > wanted), default=None)
        if below and above:
            pace = below[0] + (wanted - below[1]) / (above[1] - below[1]) * (above[0] - below[0])
        else:
            pace *= wanted / took
        better[key] = min(max(pace, FASTEST), SLOWEST)
    return better


def _calls_paces(
    durations: Durations, paces: Paces, sent: Mapping[tuple[str, str], set[tuple[str, str]]]
) -> dict[str, dict[tuple[str, str], float]]:
    """Phase -> (service, operation) -> its pace; "" for every phase that is not named."""
    found: dict[str, dict[tuple[str, str], float]] = {"": dict(durations.paces)}
    for (technology, phase), pace in paces.items():
        row = found.setdefault(phase, dict(durations.paces))
        row.update({call: durations.paces.get(call, 1.0) * pace for call in sent[technology, phase]})
    return found


def _once(
    gateway: Gateway,
    snapshot: Mapping[str, Any],
    parameters: Parameters,
    paces: Paces,
    calls_paces: Mapping[str, dict[tuple[str, str], float]],
) -> Held:
    source, target = parameters.source_region, parameters.target_region
    world = rebuilt.build(gateway, snapshot, source, target, homeward=parameters.operation == "failback")
    time = Time(gateway)
    accounts = Accounts([Account(one, world.role(one)) for one in world.accounts], target, "dr-rehearsal")
    cloud = AwsReader(accounts, Breaker(now=time.now))
    pairs = [pair_of(key, variables, source, target) for key, variables in world.hosts.items()]
    found = capture(cloud, pairs, {}, utc(gateway.clock.time()), parameters.parallelism)
    left_out = {key: f"its stand-in does not serve in {source}: {side}" for key, side in found.sides.items() if side != "source"}
    pairs = [_within(pair, left_out) for pair in pairs if pair.key not in left_out]
    if not pairs:
        raise RehearsalError(f"nothing of the snapshot can be rehearsed: {next(iter(left_out.values()), 'it has no resources')}")
    stale = frozenset({(pair.account, source) for pair in pairs} if parameters.mode == "unplanned" else ())
    if stale:
        gateway.faults.add({"match": {"region": source}, "effect": "reset"})
    plan = _plan(cloud, pairs, parameters, stale, found.captured, snapshot)
    begun = len(gateway.calls.rows)
    time.began = gateway.clock.time()
    goals = {
        pair.key: Goal(pair, parameters.mode, parameters.cleanup_policy, "dr-rehearsal", found.captured.get(pair.key, {}))
        for pair in plan.pairs
    }
    waves: list[Wave] = []
    for batch in plan.batches:
        gateway.paces = calls_paces.get(batch.phase, calls_paces[""])
        waves.append(_wave(cloud, time, parameters, batch, goals, waves))
    calls = [
        {**row, "seconds": round(row["time"] - time.began, 3)} for row in gateway.calls.rows[begun:] if row["service"] != "sts"
    ]
    return Held(parameters, plan, world, tuple(waves), left_out, tuple(calls), time.now(), paces)


def _within(pair: Pair, left_out: Mapping[str, str]) -> Pair:
    """A pair that depends on nothing that is left out."""
    return replace(pair, dependencies=tuple(key for key in pair.dependencies if key not in left_out))


def _plan(
    cloud: AwsReader,
    pairs: list[Pair],
    parameters: Parameters,
    stale: frozenset[tuple[str, str]],
    captured: Mapping[str, Mapping[str, Any]],
    snapshot: Mapping[str, Any],
) -> Plan:
    """The plan that the failover would freeze now, without guesses of how long it takes: that is what the rehearsal finds."""
    looks = survey(cloud, pairs, parameters.parallelism)
    standing = [
        pair.key
        for pair in pairs
        if not looks[pair.key].error
        and isinstance(
            adapter(pair.technology).instantiate(
                looks[pair.key].seen, Goal(pair, parameters.mode, parameters.cleanup_policy, captured=captured.get(pair.key, {}))
            ),
            Done,
        )
    ]
    facts = Facts(tuple(snapshot["regions"]), frozenset({(parameters.customer, parameters.environment)}), stale=stale)
    durations = {pair.technology: dict.fromkeys(adapter(pair.technology).phases, 0) for pair in pairs}
    return build(pairs, {key: look.active for key, look in looks.items()}, parameters, facts, durations, standing)


def _wave(
    cloud: AwsReader, time: Time, parameters: Parameters, batch: Batch, goals: Mapping[str, Goal], before: list[Wave]
) -> Wave:
    """Carries out one wave and proves it healthy. Also where a real run would have stopped before: what else is wrong is told."""
    begins = time.now()
    ended = {key: result for wave in before if wave.batch.phase == batch.phase for key, result in wave.results.items()}
    engine = Engine(cloud, MemoryJournal(), parallelism=parameters.parallelism, clock=time)
    results = engine.run(batch.phase, [goals[key] for key in batch.todo], ended)
    serving = [goals[key] for key, result in results.items() if result.status == "done"] if batch.phase == "activate" else []
    healths = wait_until_healthy(cloud, serving, HEALTH_SECONDS, parallelism=parameters.parallelism, now=time.now, sleep=time.sleep)
    after_stop = any(wave.after_stop or stopping(wave, goals) for wave in before)
    return Wave(batch, begins, time.now() - begins, results, healths, after_stop)


def stopping(wave: Wave, goals: Mapping[str, Goal]) -> list[str]:
    """Keys of what would stop a real run after this wave."""
    impacts = {key: goals[key].pair.impact for key in wave.results}
    found = [key for key, result in wave.results.items() if stops(wave.batch.phase, result, impacts[key])]
    ill = optional_of([goals[key] for key in wave.healths])
    return found + [key for key, health in wave.healths.items() if health.status == "UNHEALTHY" and key not in ill]
