# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How ready an environment is, 0 to 100, and what keeps it from 100: each deduction with its reason and its remedy. Pure.

Each resource begins with 100 and loses POINTS for what is found of it; the environment's score is their mean, weighted by priority,
less what is found of the environment as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from .capacity.outlook import Outlook
from .dynamo import epoch
from .engine import Result
from .model import Pair
from .permissions import Permitted, technologies

#: What is looked at -> points of the resource that it costs, or, where no resource can be named, of the environment.
POINTS: Final[Mapping[str, int]] = {
    "blocked": 60,
    "side": 60,
    "unpaired": 60,
    "capacity": 40,
    "permission": 30,
    "lag": 30,
    "standby": 20,
    "violation": 20,
    "drill": 20,
    "snapshot": 10,
    "permission unknown": 10,
    "capacity unknown": 5,
    "lag unknown": 5,
    "tag warning": 5,
    "ttl": 5,
}
#: How much a resource counts, by its priority.
WEIGHTS: Final[Mapping[str, int]] = {"critical": 4, "high": 3, "medium": 2, "low": 1}
#: All that an environment as a whole can lose by one kind of finding.
MOST: Final = 30
#: Older proofs do not count. SRS SC-2.3: backups are tested quarterly.
DRILL_DAYS: Final = 92
#: Clients may follow a record this late.
TTL_SECONDS: Final = 60
DAY: Final = 86400


@dataclass(frozen=True, slots=True)
class Finding:
    """A deduction. subject: whom it is about. keys: the resources that lose the points; without any the environment does.

    cost: what it takes of the environment's score, where nothing else is found.
    """

    check: str
    subject: str
    why: str
    remedy: str
    keys: tuple[str, ...] = ()
    cost: float = 0.0

    @property
    def points(self) -> int:
        """What each of its resources loses."""
        return POINTS[self.check]

    def __str__(self) -> str:
        return f"{-self.cost:5.1f}  {self.subject}: {self.why}. Next: {self.remedy}"

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "check": self.check,
            "subject": self.subject,
            "why": self.why,
            "remedy": self.remedy,
            "points": self.points,
            "cost": self.cost,
            "resources": list(self.keys),
        }


@dataclass(frozen=True, slots=True)
class Seen:
    """What readiness saw. now: epoch seconds. captured, sides, unprepared, drilled: by pair key, of `readiness` and `drilled`.

    snapshot_at: when the last snapshot before this one was stored, "" without one. unpaired, violations: as in `dr_inventory`.
    asked: the parameters of this readiness, as a command has them.
    """

    pairs: Sequence[Pair]
    now: float
    captured: Mapping[str, Mapping[str, Any]]
    sides: Mapping[str, str]
    unprepared: Mapping[str, Result]
    drilled: Mapping[str, str]
    snapshot_at: str
    max_age_hours: int
    asked: str
    unpaired: Sequence[Mapping[str, Any]] = ()
    violations: Sequence[Mapping[str, Any]] = ()
    outlook: Outlook = field(default_factory=Outlook)
    permitted: Sequence[Permitted] = ()


def findings(seen: Seen) -> list[Finding]:
    """All deductions, the worst first."""
    weights = _weights(seen.pairs)
    checks = (_standbys, _drills, _lags, _records, _capacity, _permissions, _tags, _schedule)
    found = [replace(one, cost=_cost(one, weights)) for check in checks for one in check(seen)]
    return sorted(found, key=lambda one: (-one.cost, one.check, one.subject))


def score(pairs: Sequence[Pair], found: Iterable[Finding]) -> int:
    """0 to 100. Rounded down: 100 means that nothing was found."""
    weights = _weights(pairs)
    lost = dict.fromkeys(weights, 0)
    whole: dict[str, int] = {}
    for one in found:
        for key in one.keys:
            lost[key] = min(100, lost[key] + one.points)
        if not one.keys:
            whole[one.check] = min(MOST, whole.get(one.check, 0) + one.points)
    total = sum(weights.values())
    mean = sum(weights[key] * (100 - lost[key]) for key in weights) / total if total else 0
    return max(0, int(mean - sum(whole.values())))


def _weights(pairs: Sequence[Pair]) -> dict[str, int]:
    return {pair.key: WEIGHTS[pair.priority] for pair in pairs}


def _cost(one: Finding, weights: Mapping[str, int]) -> float:
    """What a finding takes of the score, alone."""
    if not one.keys:
        return float(one.points)
    return round(one.points * sum(weights[key] for key in one.keys) / sum(weights.values()), 1)


def _standbys(seen: Seen) -> Iterator[Finding]:
    unpaired = {str(one["host"]): one for one in seen.unpaired}
    for pair in seen.pairs:
        side, standby = seen.sides.get(pair.key, "unknown"), seen.unprepared.get(pair.key)
        if standby and standby.status == "would_change":
            why = f"its standby does not hold; INSTANTIATE begins with: {standby.why}"
            remedy = f"ahead of time: ansible-playbook dr.aws.failover {seen.asked} -e phases=instantiate"
            yield Finding("standby", pair.key, why, remedy, (pair.key,))
        elif standby:
            yield Finding("blocked", pair.key, f"its standby does not hold: {standby.why}", standby.remedy, (pair.key,))
        elif pair.key in unpaired:
            one = unpaired[pair.key]
            yield Finding("unpaired", pair.key, f"no counterpart in {one['region']}", str(one["remedy"]), (pair.key,))
        if side not in ("source", "target"):
            remedy = "see why; a plan refuses what serves on both sides, and in planned mode what cannot be told"
            yield Finding("side", pair.key, f"which side serves: {side}", remedy, (pair.key,))


def _drills(seen: Seen) -> Iterator[Finding]:
    waves: dict[int, list[str]] = {}
    for pair in seen.pairs:
        at = seen.drilled.get(pair.key)
        if at is None:
            waves.setdefault(pair.wave, []).append(pair.key)
        elif seen.now - epoch(at) > DRILL_DAYS * DAY:
            days = int((seen.now - epoch(at)) / DAY)
            why = f"its last drill is {days} days old, more than {DRILL_DAYS}"
            yield Finding("drill", pair.key, why, f"ansible-playbook dr.aws.test {seen.asked} -e waves={pair.wave}", (pair.key,))
    for wave, keys in sorted(waves.items()):
        why = "never proven by a drill" + (f", like {len(keys) - 1} others of wave {wave}" if len(keys) > 1 else "")
        yield Finding("drill", keys[0], why, f"ansible-playbook dr.aws.test {seen.asked} -e waves={wave}", tuple(keys))


def _lags(seen: Seen) -> Iterator[Finding]:
    for pair in seen.pairs:
        captured = seen.captured.get(pair.key, {})
        if "lag_seconds" not in captured:
            continue  # nothing of it replicates, or nothing was seen
        lag = captured["lag_seconds"]
        if lag is None:
            why, remedy = "its replication lag is not known", "see whether it replicates, and its metric"
            yield Finding("lag unknown", pair.key, why, remedy, (pair.key,))
        elif lag > pair.rpo_seconds:
            why = f"replication lags by {lag:g} s, dr:rpo-target is {pair.rpo_seconds} s"
            yield Finding("lag", pair.key, why, "find out what slows replication; a planned failover waits for it", (pair.key,))


def _records(seen: Seen) -> Iterator[Finding]:
    for pair in seen.pairs:
        records = seen.captured.get(pair.key, {}).get("records") or ()
        slowest = max((int(one["TTL"]) for one in records if one.get("TTL") is not None), default=0)
        if slowest > TTL_SECONDS:
            why = f"its TTL is {slowest} s: clients follow up to that much later"
            yield Finding("ttl", pair.key, why, f"lower the record's TTL to {TTL_SECONDS} s", (pair.key,))


def _capacity(seen: Seen) -> Iterator[Finding]:
    keys = {pair.key for pair in seen.pairs}
    for short in seen.outlook.shortfalls:
        subject = short.pairs[0] if len(short.pairs) == 1 else f"{len(short.pairs)} resources of account {short.account}"
        yield Finding("capacity", subject, str(short), short.remedy, tuple(short.pairs))
    for one in seen.outlook.unknown:
        why = f"capacity in {one.region} is not known: {one.why}"
        yield Finding("capacity unknown", one.subject, why, one.remedy, (one.subject,) if one.subject in keys else ())


def _permissions(seen: Seen) -> Iterator[Finding]:
    for account in seen.permitted:
        subject = f"account {account.account}"
        if account.error:
            remedy = "allow the role iam:SimulatePrincipalPolicy on itself"
            yield Finding("permission unknown", subject, f"permissions were not checked: {account.error}", remedy)
        for technology, phases in technologies(account.missing).items():
            keys = _members(seen.pairs, account.account, technology)
            said = "; ".join(f"{phase}: {', '.join(actions)}" for phase, actions in sorted(phases.items()))
            why = f"the role may not do all that {technology} needs: {said}"
            yield Finding("permission", subject, why, "add the actions to the role's policy", keys)


def _members(pairs: Iterable[Pair], account: str, technology: str) -> tuple[str, ...]:
    return tuple(pair.key for pair in pairs if (pair.account, pair.technology) == (account, technology))


def _tags(seen: Seen) -> Iterator[Finding]:
    """A resource that its tags keep out of the inventory has no key: what it costs is the environment's."""
    keys = {}
    for pair in seen.pairs:
        for ident, region in ((pair.source_id, pair.source_region), (pair.target_id, pair.target_region)):
            keys[f"{pair.technology} {ident} ({pair.account}, {region})"] = pair.key
    for one in seen.violations:
        check = "violation" if one["severity"] == "error" else "tag warning"
        why = f"tag {one['tag']}={one['value']!r}: {one['rule']}"
        key = keys.get(one["resource"])
        yield Finding(check, str(one["resource"]), why, str(one["remedy"]), (key,) if key else ())


def _schedule(seen: Seen) -> Iterator[Finding]:
    if not seen.snapshot_at:
        return  # the first
    hours = (seen.now - epoch(seen.snapshot_at)) / 3600
    if hours > seen.max_age_hours:
        why = f"readiness ran last {hours:.0f} h ago, more than {seen.max_age_hours}"
        yield Finding("snapshot", "the readiness snapshot", why, "schedule the playbook dr.aws.readiness")
