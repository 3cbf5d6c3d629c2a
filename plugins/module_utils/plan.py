# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an execution will do, frozen and hashed before anything is done. Pure."""

from __future__ import annotations

import hashlib
import heapq
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Final

from . import schema
from .dependencies import Node, resolve
from .errors import DrError, InputError
from .model import PRIORITIES, Active, Pair
from .objectives import tally
from .parameters import Facts, Parameters
from .scope import from_json as pair_from_json
from .scope import to_json as pair_to_json

#: Technologies whose ACTIVATE `rollback` can undo without losing data; of all others it is one-way.
REVERSIBLE: Final = frozenset({"ecs", "lambda", "route53", "autoscaling", "eventbridge"})
#: Technologies that are protected again on the way home before their old side is cleaned up: what DRS has launched may end only
#: once its successor is replicated (user guide, failback-failover-region-region).
PROTECT_FIRST: Final = frozenset({"drs"})
#: Stages in which batches are carried out, in order, with their phase. A stage is a play of the playbooks: most are named as
#: their phase; fence debts are settled before everything else, and some are protected before anything is cleaned up.
STAGES: Final[Mapping[str, str]] = {
    "settle": "cleanup",
    "instantiate": "instantiate",
    "activate": "activate",
    "protect": "replicate",
    "cleanup": "cleanup",
    "replicate": "replicate",
}
#: The hosts of a stage that has none, as a pattern.
NOBODY: Final = ("all", "!all")
#: Phases that need an answer from the region being left; while it is dark, they are deferred.
NEEDS_SOURCE: Final = ("cleanup", "replicate")
#: Parameters that say nothing of what will be done: how fast, under which id, and what was known and accepted before.
HOW: Final = (
    "parallelism",
    "execution_id",
    "accept_partial_inventory",
    "accept_shortfalls",
    "accept_snapshot",
    "snapshot_max_age_hours",
)


#: What the hash of plans without a schema left out of their parameters at first; all others counted, whatever their value.
UNCOUNTED: Final = ("parallelism", "execution_id", "accept_partial_inventory")
#: How many one-way resources a gate names.
NAMED: Final = 3


class PlanError(DrError):
    """A plan that must not be carried out."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One resource in one phase. state: todo | done (holds already) | deferred (expected: the source region is dark)."""

    key: str
    technology: str
    account: str
    state: str
    expected_seconds: int
    one_way: bool


@dataclass(frozen=True, slots=True)
class Gate:
    """An approval that is needed before a phase's wave begins."""

    name: str
    phase: str
    wave: int
    why: str


@dataclass(frozen=True, slots=True)
class Batch:
    """One wave of one phase, in order of execution. stage: "" where it has the name of the phase.

    expected_seconds: along the dependencies. finish_seconds: since the execution's start. late: resources whose RTO is shorter.
    """

    phase: str
    wave: int
    entries: tuple[Entry, ...]
    expected_seconds: int
    finish_seconds: int
    late: tuple[str, ...] = ()
    gate: Gate | None = None
    stage: str = ""

    @property
    def todo(self) -> tuple[str, ...]:
        """Keys of resources for which something is left to do."""
        return tuple(entry.key for entry in self.entries if entry.state != "done")


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done. sha256: over exactly that, so that an approval binds to it."""

    parameters: Parameters
    pairs: tuple[Pair, ...]
    batches: tuple[Batch, ...]
    expected_seconds: int
    warnings: tuple[str, ...] = ()
    sha256: str = field(default="")

    def of(self, phase: str) -> tuple[Batch, ...]:
        """The phase's batches, in order."""
        return tuple(batch for batch in self.batches if batch.phase == phase)

    def stage(self, name: str) -> tuple[Batch, ...]:
        """A stage's waves, in order."""
        return tuple(batch for batch in self.batches if (batch.stage or batch.phase) == name)

    @property
    def gates(self) -> tuple[Gate, ...]:
        """All approvals that are needed, in order."""
        return tuple(batch.gate for batch in self.batches if batch.gate)

    def done(self, phase: str) -> frozenset[str]:
        """Keys of the resources for which nothing is left to do in a phase."""
        return frozenset(entry.key for batch in self.of(phase) for entry in batch.entries if entry.state == "done")

    @property
    def serving(self) -> frozenset[str]:
        """Keys of the resources whose target serves before anything is done."""
        if self.parameters.reprotects:
            return frozenset(entry.key for batch in self.batches for entry in batch.entries)
        return self.done("activate")

    @property
    def changes_nothing(self) -> bool:
        """Whether every resource serves in the target region already."""
        return all(not batch.todo for batch in self.batches if batch.phase in ("instantiate", "activate"))

    @property
    def objectives(self) -> dict[str, int]:
        """Pair key -> `dr:rto-target` in seconds, of what is to be activated."""
        todo = {key for batch in self.of("activate") for key in batch.todo}
        return {pair.key: pair.rto_seconds for pair in self.pairs if pair.key in todo and pair.rto_seconds}

    def record(self) -> dict[str, Any]:
        """The plan's part of an execution's record (`Store.create_execution`)."""
        parameters = self.parameters
        planned: dict[str, dict[str, int]] = defaultdict(dict)
        for batch in self.batches:
            before = planned[batch.phase].get(str(batch.wave), 0)
            planned[batch.phase][str(batch.wave)] = before + len(batch.entries)
        return {
            **{
                name: getattr(parameters, name)
                for name in ("customer", "environment", "operation", "mode", "primary_region", "dr_region", "approval_mode")
            },
            "parameters": parameters.to_json(),
            "plan_sha256": self.sha256,
            "resource_count": len(self.pairs),
            "planned": dict(planned),
            "already": {phase: len(self.done(phase)) for phase in planned},
            "expected_seconds": self.expected_seconds,
            "objectives": tally(self.objectives, {}),
            "warnings": list(self.warnings),
        }

    def to_json(self) -> dict[str, Any]:
        """JSON values, for `Store.put_plan` and for people."""
        return {
            schema.FIELD: schema.CURRENT,
            "sha256": self.sha256,
            "parameters": self.parameters.to_json(),
            "pairs": [pair_to_json(pair) for pair in self.pairs],
            "batches": [asdict(batch) for batch in self.batches],
            "expected_seconds": self.expected_seconds,
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Plan:
        """The inverse of `to_json`, of earlier releases too. PlanError when the content does not have the hash that it claims,
        SchemaError when a newer release made it."""
        schema.check(value, "the stored plan")
        batches = tuple(
            Batch(
                **{
                    **schema.known(Batch, batch),
                    "entries": tuple(Entry(**schema.known(Entry, entry)) for entry in batch["entries"]),
                    "late": tuple(batch["late"]),
                    "gate": Gate(**schema.known(Gate, batch["gate"])) if batch["gate"] else None,
                }
            )
            for batch in value["batches"]
        )
        plan = cls(
            Parameters.from_json(value["parameters"]),
            tuple(pair_from_json(pair) for pair in value["pairs"]),
            batches,
            value["expected_seconds"],
            tuple(value["warnings"]),
            value["sha256"],
        )
        if plan.sha256 not in _hashes(value, plan):
            if schema.newer(value):
                text = f"the stored plan, of schema {schema.of(value)}, asks for what this release of dr.aws does not know"
                raise schema.SchemaError(text, schema.UPGRADE)
            raise PlanError("the stored plan was changed: its hash differs", "start a new execution without execution_id")
        return plan


def build(
    pairs: Sequence[Pair],
    active: Mapping[str, Active],
    parameters: Parameters,
    facts: Facts,
    durations: Mapping[str, Mapping[str, int]],
    standing: Collection[str] = (),
    said: Iterable[str] = (),
    owing: Collection[str] = (),
) -> Plan:
    """The plan for the pairs of a customer and environment, directed from the region being left to the one being activated.

    pairs: all of the scope, waves are selected here. active: pair key -> which side serves; missing is UNKNOWN.
    durations: technology -> phase -> expected seconds; a phase that a technology does not have is left out. standing: keys of pairs
    whose standby holds already, for which INSTANTIATE takes no time. said: warnings of what it was made from. owing: keys of pairs
    with an open fence debt. Of a reprotection, pairs are directed to the side that serves, and others than those are left alone.
    PlanError, InputError: what forbids it, with what to do.
    """
    if not pairs:
        text = f"customer={parameters.customer}, environment={parameters.environment} has no protected resource"
        raise PlanError(text, "ansible-inventory -i <file>.dr_aws.yml --graph, and look at the tags Customer and Environment")
    _refuse_incomplete(parameters, facts)
    resolved = _resolve(pairs)
    existing = sorted({pair.wave for pair in pairs})
    absent = [wave for wave in parameters.waves if wave not in existing]
    if absent:
        allowed = "waves that have resources: " + ", ".join(map(str, existing))
        raise InputError("waves", ",".join(map(str, absent)), allowed, f"-e waves={','.join(map(str, existing))}, or leave it out")
    chosen = [pair for pair in resolved if not parameters.waves or pair.wave in parameters.waves]
    serving = {pair.key: active.get(pair.key, Active.UNKNOWN) for pair in chosen}
    _refuse_unsafe(chosen, serving, parameters)
    stale = () if parameters.drill else facts.stale
    dark = {pair.key for pair in chosen if (pair.account, pair.source_region) in stale}
    waves: dict[int, list[Pair]] = defaultdict(list)
    for pair in chosen:
        waves[pair.wave].append(pair)
    ordered = {wave: _order(wave, waves[wave]) for wave in sorted(waves)}
    batches: list[Batch] = []
    finish = 0
    for stage, phase, keys in _stages(parameters, chosen, serving, owing if parameters.reprotects else {*owing} - dark):
        for wave, all_members in ordered.items():
            members = [pair for pair in all_members if pair.key in keys and phase in durations.get(pair.technology, {phase: 0})]
            if not members:
                continue
            quick = standing if phase == "instantiate" else ()
            entries = tuple(_entry(phase, pair, serving[pair.key], dark, durations, parameters, quick) for pair in members)
            seconds = _critical_path(members, entries)
            finish += seconds
            late: tuple[str, ...] = ()
            if phase == "activate" and not parameters.drill:
                late = tuple(pair.key for pair in members if pair.rto_seconds is not None and pair.rto_seconds < finish)
            batches.append(Batch(phase, wave, entries, seconds, finish, late, stage="" if stage == phase else stage))
    gated = _gated(batches, parameters)
    plan = Plan(
        parameters,
        tuple(pair for members in ordered.values() for pair in members),
        tuple(gated),
        finish,
        (*said, *_warnings(gated, serving, facts, parameters)),
    )
    return replace(plan, sha256=_hash(plan))


def unplanned(plan: Plan, stale: Collection[tuple[str, str]]) -> Plan:
    """The same plan without its source: what is left to do stays, what needs a source that does not answer is deferred.

    stale: (account, region) that did not answer. The gates stay as they are.
    """
    dark = {pair.key for pair in plan.pairs if (pair.account, pair.source_region) in stale}

    def state(batch: Batch, entry: Entry) -> str:
        waits = batch.phase in NEEDS_SOURCE and entry.state != "done" and entry.key in dark
        return "deferred" if waits else entry.state

    batches = tuple(
        replace(batch, entries=tuple(replace(entry, state=state(batch, entry)) for entry in batch.entries))
        for batch in plan.batches
    )
    said = (f"cleanup and replicate of {len(dark)} resources will be deferred: their source does not answer",) if dark else ()
    parameters = replace(plan.parameters, mode="unplanned")
    changed = replace(plan, parameters=parameters, batches=batches, warnings=(*plan.warnings, *said))
    return replace(changed, sha256=_hash(changed))


def _stages(
    parameters: Parameters, pairs: Sequence[Pair], serving: Mapping[str, Active], owing: Collection[str]
) -> Iterator[tuple[str, str, Collection[str]]]:
    """(stage, its phase, keys of the pairs that it is for), in order."""
    every = {pair.key for pair in pairs if not parameters.reprotects or serving[pair.key] is Active.TARGET}
    homeward = {pair.key for pair in pairs if pair.target_region == parameters.primary_region}
    first = {pair.key for pair in pairs if pair.technology in PROTECT_FIRST} & homeward & every - set(owing)
    debtors = {pair.key for pair in pairs if serving[pair.key] is Active.TARGET} & set(owing)
    keys = {"settle": debtors, "protect": first, "cleanup": every - debtors, "replicate": every - first}
    for stage, phase in STAGES.items():
        if phase in parameters.phases:
            yield stage, phase, keys.get(stage, every)


def _refuse_incomplete(parameters: Parameters, facts: Facts) -> None:
    """Empty is an error, and so is half: an account or a tag that could not be read may hold what must be recovered."""
    if parameters.accept_partial_inventory:
        return
    accept = "or accept what is missing with -e accept_partial_inventory=true"
    if facts.errors:
        said = "; ".join(
            f"account {one.get('account')} {one.get('region') or ''}: {one.get('code')}: {one.get('message')}"
            for one in facts.errors
        )
        raise PlanError(f"the inventory is incomplete: {said}", f"{facts.errors[0].get('remedy') or 'repair the access'}, {accept}")
    missing = [
        (account, region)
        for account, region in sorted(facts.stale)
        if not (parameters.mode == "unplanned" and (parameters.reprotects or region == parameters.source_region))
    ]
    if missing:
        said = ", ".join(f"{region} of account {account}" for account, region in missing)
        remedy = "-e mode=unplanned if the region being left is lost" if parameters.mode == "planned" else "wait until it answers"
        raise PlanError(f"the inventory is incomplete: no answer from {said}", f"{remedy}, {accept}")
    if not facts.complete:
        silent = ", ".join(f"{region} of account {account}" for account, region in sorted(facts.stale))
        text = f"the inventory is incomplete: no answer from {silent}, and no readiness snapshot says what is there"
        raise PlanError(text, f"set control_bucket in the inventory file to the bucket of dr.aws.readiness, {accept}")
    broken = [one for one in facts.violations if one.get("severity") == "error"]
    if broken:
        said = "; ".join(f"{one['resource']}: tag {one['tag']}={one['value']!r} ({one['rule']})" for one in broken[:10])
        more = f", and {len(broken) - 10} more" if len(broken) > 10 else ""
        raise PlanError(f"tags break the schema: {said}{more}", f"{broken[0]['remedy']}, {accept}")


def refuse_both(keys: Sequence[str], parameters: Parameters) -> None:
    """PlanError when both sides of these pairs serve."""
    if keys:
        raise PlanError(
            f"split brain: both regions serve {', '.join(keys)}",
            f"decide which side is right for each, stop writes on the other in {parameters.source_region} or "
            f"{parameters.target_region} by hand, then run the same command again",
        )


def _refuse_unsafe(pairs: Sequence[Pair], serving: Mapping[str, Active], parameters: Parameters) -> None:
    refuse_both([pair.key for pair in pairs if serving[pair.key] is Active.BOTH], parameters)
    unknown = [pair.key for pair in pairs if serving[pair.key] is Active.UNKNOWN]
    if unknown and (parameters.mode == "planned" or parameters.drill):
        text = f"which region serves cannot be told for {', '.join(unknown[:10])}{' …' if len(unknown) > 10 else ''}"
        if parameters.drill:
            raise PlanError(text, f"see why {parameters.source_region} does not answer; a drill needs to know what is production")
        raise PlanError(text, f"see why {parameters.source_region} does not answer; if it is lost: -e mode=unplanned")
    served = [pair.key for pair in pairs if serving[pair.key] is Active.TARGET]
    if served and parameters.drill:
        text = f"{', '.join(served[:10])} {'serve' if len(served) > 1 else 'serves'} in {parameters.target_region}: no drill there"
        remedy = f"-e primary_region={parameters.target_region} -e dr_region={parameters.source_region}, or leave out their waves"
        raise PlanError(text, remedy)


def _resolve(pairs: Sequence[Pair]) -> list[Pair]:
    """Pairs whose dependencies are keys; a tag may name a resource by its id."""
    twice = [key for key, number in Counter(pair.key for pair in pairs).items() if number > 1]
    if twice:
        raise PlanError(f"{twice[0]} is there twice", "ansible-inventory -i <file>.dr_aws.yml --graph")
    nodes = [
        Node(
            pair.key,
            (pair.customer, pair.environment),
            pair.account,
            pair.wave,
            (pair.source_id, pair.target_id),
            pair.dependencies,
        )
        for pair in pairs
    ]
    found, problems = resolve(nodes)
    for problem in problems:
        raise PlanError(f"{problem.key} depends on {problem.name}; allowed is {problem.rule}", problem.remedy)
    return [replace(pair, dependencies=tuple(found[pair.key])) for pair in pairs]


def _rank(pair: Pair) -> tuple[int, str]:
    return PRIORITIES.index(pair.priority), pair.key


def _order(wave: int, pairs: Sequence[Pair]) -> list[Pair]:
    """Dependencies first; among what is free by priority, then key. There is no circle: `_resolve` refuses one."""
    members = {pair.key: pair for pair in pairs}
    waiting = {pair.key: {key for key in pair.dependencies if key in members} for pair in pairs}
    dependants: dict[str, list[str]] = defaultdict(list)
    for key, needed in waiting.items():
        for one in needed:
            dependants[one].append(key)
    free = [_rank(members[key]) for key, needed in waiting.items() if not needed]
    heapq.heapify(free)
    ordered: list[Pair] = []
    while free:
        _priority, key = heapq.heappop(free)
        ordered.append(members[key])
        for one in dependants[key]:
            waiting[one].discard(key)
            if not waiting[one]:
                heapq.heappush(free, _rank(members[one]))
    return ordered


def _entry(
    phase: str,
    pair: Pair,
    serving: Active,
    dark: Collection[str],
    durations: Mapping[str, Mapping[str, int]],
    parameters: Parameters,
    quick: Collection[str],
) -> Entry:
    state = "todo"
    if phase in ("instantiate", "activate") and serving is Active.TARGET:
        state = "done"
    elif phase in NEEDS_SOURCE and pair.key in dark:
        state = "deferred"
    seconds = durations.get(pair.technology, {}).get(phase, 0) if state == "todo" and pair.key not in quick else 0
    one_way = state == "todo" and (
        (phase == "activate" and pair.technology not in REVERSIBLE)
        or (phase == "cleanup" and parameters.cleanup_policy == "remove")
    )
    one_way = one_way and not parameters.drill
    return Entry(pair.key, pair.technology, pair.account, state, seconds, one_way)


def _critical_path(pairs: Sequence[Pair], entries: Sequence[Entry]) -> int:
    """Seconds until the last of a wave is done; `pairs` in order of dependencies."""
    ends: dict[str, int] = {}
    for pair, entry in zip(pairs, entries, strict=True):
        ends[pair.key] = max((ends.get(key, 0) for key in pair.dependencies), default=0) + entry.expected_seconds
    return max(ends.values(), default=0)


def _gated(batches: Sequence[Batch], parameters: Parameters) -> list[Batch]:
    """Approval before each wave with one-way work; where no wave has any, before the first that activates something.

    Of a drill, before the first copy is made.
    """
    if parameters.approval_mode != "required":
        return list(batches)
    asked = []
    for batch in batches:
        one_way = [entry.key for entry in batch.entries if entry.one_way]
        named = ", ".join(one_way[:NAMED]) + (" …" if len(one_way) > NAMED else "")
        why = f"{len(one_way)} of {len(batch.entries)} resources cannot be taken back ({named})"
        asked.append(_ask(batch, why) if one_way else batch)
    if not any(batch.gate for batch in asked):
        first, what = ("instantiate", "are copied for a drill") if parameters.drill else ("activate", "begin to serve")
        for number, batch in enumerate(asked):
            if batch.phase == first and batch.todo:
                why = f"{len(batch.todo)} of {len(batch.entries)} resources {what} in {parameters.target_region}"
                asked[number] = _ask(batch, why)
                break
    return asked


def _ask(batch: Batch, why: str) -> Batch:
    return replace(batch, gate=Gate(f"{batch.stage or batch.phase}-wave-{batch.wave:02d}", batch.phase, batch.wave, why))


def _warnings(batches: Sequence[Batch], serving: Mapping[str, Active], facts: Facts, parameters: Parameters) -> Iterable[str]:
    for batch in batches:
        for key in batch.late:
            yield f"{key}: expected to serve after {batch.finish_seconds} s, later than its dr:rto-target"
    unknown = [key for key, side in serving.items() if side is Active.UNKNOWN]
    if unknown:
        then = "they are left alone" if parameters.reprotects else "each is decided when it is looked at"
        yield f"which region serves is not known for {len(unknown)} resources; {then}"
    deferred = {entry.key for batch in batches for entry in batch.entries if entry.state == "deferred"}
    if deferred:
        dark = ", ".join(sorted({region for _account, region in facts.stale}))
        yield f"cleanup and replicate of {len(deferred)} resources will be deferred: {dark} does not answer"
    for one in facts.errors if parameters.accept_partial_inventory else ():
        yield f"not looked at: account {one.get('account')} {one.get('region') or ''}: {one.get('code')}: {one.get('message')}"
    for one in facts.violations:
        yield f"{one['resource']}: tag {one['tag']}={one['value']!r}: {one['rule']}"


def _hash(plan: Plan) -> str:
    """sha256 over canonical JSON of what will be done. How long it may take does not count."""
    return _digest(_asked(plan.parameters), [pair_to_json(pair) for pair in plan.pairs], plan.batches)


def _hashes(value: Mapping[str, Any], plan: Plan) -> set[str]:
    """The hashes that a stored plan may have. Its pairs count as they are stored: they have the fields of the release that made it.

    Without a schema it may be of the time when every parameter counted.
    """
    asked = [_asked(plan.parameters)]
    if schema.FIELD not in value:
        asked.append({name: one for name, one in value["parameters"].items() if name not in UNCOUNTED})
    return {_digest(one, value["pairs"], plan.batches) for one in asked}


def _asked(parameters: Parameters) -> dict[str, Any]:
    """The parameters that count: those that have not their default. A release that does not know one yet gives the same hash."""
    usual = {one.name: one.default for one in fields(Parameters) if one.name not in HOW}
    return {name: getattr(parameters, name) for name in usual if getattr(parameters, name) != usual[name]}


def _digest(asked: Mapping[str, Any], pairs: Sequence[Mapping[str, Any]], batches: Sequence[Batch]) -> str:
    body = {
        "parameters": asked,
        "pairs": pairs,
        "batches": [
            [batch.phase, batch.wave, [[entry.key, entry.state, entry.one_way] for entry in batch.entries], bool(batch.gate)]
            for batch in batches
        ],
    }
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":"), default=str).encode()).hexdigest()
