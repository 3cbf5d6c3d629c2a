# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what a failover will consume fits into what is free in the target, and whether the target's quotas are the source's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from ..adapters.base import Reader
from ..model import Pair
from . import asking, levels
from .asking import Look, Place, Trouble
from .levels import Level
from .needs import Need, Unknown, needs
from .quotas import Quota, chosen
from .standing import SIZED, STANDING, Standing, batched

#: Technologies whose members also count in the quotas of another.
ALSO: Final = {"aurora": ("rds",), "drs": ("ec2",), "autoscaling": ("ec2",)}


@dataclass(frozen=True, slots=True)
class Shortfall:
    """More is needed than is free. quota_code: empty where AWS did not tell it. pairs: whose needs make it up."""

    account: str
    region: str
    service: str
    quota_code: str
    name: str
    needed: float
    free: float
    limit: float
    unit: str
    pairs: tuple[str, ...]
    remedy: str

    def __str__(self) -> str:
        code = f"{self.service} {self.quota_code}".strip()
        return (
            f"{self.name} ({code}) in {self.region}, account {self.account}: {self.needed:g} {self.unit} are needed, "
            f"{max(0, self.free):g} of {self.limit:g} are free"
        )


@dataclass(frozen=True, slots=True)
class Disparity:
    """A quota that is lower in the target region than in the source region: an increase that was granted in one only."""

    account: str
    source_region: str
    target_region: str
    service: str
    quota_code: str
    name: str
    source_limit: float
    target_limit: float
    remedy: str

    def __str__(self) -> str:
        code = f"{self.service} {self.quota_code}".strip()
        limits = f"{self.target_limit:g} in {self.target_region}, {self.source_limit:g} in {self.source_region}"
        return f"{self.name} ({code}), account {self.account}: {limits}"


@dataclass(frozen=True, slots=True)
class Outlook:
    """shortfalls stop a failover half way. unknown: what was not reckoned with. disparities: warnings."""

    shortfalls: tuple[Shortfall, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    disparities: tuple[Disparity, ...] = ()

    @property
    def report(self) -> list[str]:
        """Lines for people, the worst first."""
        short = [f"SHORT {one}; for {', '.join(one.pairs)}. Next: {one.remedy}" for one in self.shortfalls]
        unknown = [f"NOT KNOWN {one.subject}: {one.why}. Next: {one.remedy}" for one in self.unknown]
        apart = [f"LOWER THAN IN THE SOURCE {one}. Next: {one.remedy}" for one in self.disparities]
        return [*short, *unknown, *apart] or ["what a failover needs is free"]

    def to_json(self) -> dict[str, Any]:
        """JSON values; each shortfall with what it says in `why`."""
        return {
            "shortfalls": [{**asdict(one), "pairs": list(one.pairs), "why": str(one)} for one in self.shortfalls],
            "unknown": [one.to_json() for one in self.unknown],
            "disparities": [asdict(one) for one in self.disparities],
        }


def outlook(
    reader: Reader, pairs: Sequence[Pair], captured: Mapping[str, Mapping[str, Any]], workers: int = asking.WORKERS
) -> Outlook:
    """Whether a failover of these pairs, from source to target, fits. Describe calls only; raises for nothing that AWS does.

    captured: by pair key, what readiness captured of the side that serves. A source region that does not answer costs the parity
    and the sizes of what does not stand in the target yet; a target region that does not answer leaves everything unknown.
    """
    quotas = _quotas(pairs)
    targets = {(pair.account, pair.target_region) for pair in pairs}
    sources = {(pair.account, pair.source_region) for pair in pairs}
    regional = [one for one in quotas if one.scope != "global"]
    looks = {**levels.looks(sources, regional, used=False), **levels.looks(targets, regional)}
    looks |= _standing([(pair, pair.target_id, pair.target_region) for pair in pairs], captured)
    results = asking.gather(reader, looks, workers)
    standing: dict[str, Standing] = {}
    unknown: list[Unknown] = []
    for pair in pairs:
        seen = results.get(("standing", pair.key))
        if isinstance(seen, Trouble):
            why = f"what stands in the target is not known: {seen.reason}"
            unknown.append(Unknown(pair.key, pair.account, pair.target_region, why, "look again: ansible-playbook dr.aws.capacity"))
        elif seen is not None:
            standing[pair.key] = seen
    sizeless = [pair for pair in pairs if pair.technology in SIZED and pair.key in standing and standing[pair.key].size is None]
    sized = asking.gather(reader, _standing([(pair, pair.source_id, pair.source_region) for pair in sizeless], captured), workers)
    models = {key[1]: model for key, model in sized.items() if isinstance(model, Standing)}
    found = needs([pair for pair in pairs if pair.key in standing], captured, standing, models)
    unknown += [one for one in found if isinstance(one, Unknown)]
    there = levels.levels(targets, regional, results)
    short, uncounted = compare([one for one in found if isinstance(one, Need)], there)
    directions = {(pair.account, pair.source_region, pair.target_region) for pair in pairs}
    apart = disparities(levels.levels(sources, regional, results), there, directions)
    return Outlook(tuple(short), (*unknown, *uncounted), tuple(apart))


def _standing(
    wanted: Iterable[tuple[Pair, str, str]], captured: Mapping[str, Mapping[str, Any]]
) -> dict[tuple[Any, ...], tuple[Place, Look]]:
    """The looks at what stands of some pairs, as ("standing", key). wanted: (pair, its identifier in a region, that region)."""
    groups: dict[tuple[str, str, str], list[tuple[Pair, str]]] = defaultdict(list)
    for pair, ident, region in wanted:
        if pair.technology in STANDING:
            groups[pair.technology, pair.account, region].append((pair, ident))
    looks: dict[tuple[Any, ...], tuple[Place, Look]] = {}
    for (technology, account, region), group in groups.items():
        together = batched(technology, dict.fromkeys(ident for _pair, ident in group))
        for pair, ident in group:
            look = STANDING[technology](ident, captured.get(pair.key, {}), together[ident])
            looks["standing", pair.key] = ((account, region), look)
    return looks


def _quotas(pairs: Iterable[Pair]) -> tuple[Quota, ...]:
    wanted = {pair.technology for pair in pairs}
    wanted |= {other for technology in wanted for other in ALSO.get(technology, ())}
    return tuple(one for one in chosen(wanted) if not one.required) if wanted else ()


def compare(wanted: Iterable[Need], there: Iterable[Level]) -> tuple[list[Shortfall], list[Unknown]]:
    """What does not fit, and the quotas with needs whose use is not known."""
    known = {(level.account, level.region, level.quota.code or level.quota.name): level for level in there}
    groups: dict[tuple[str, str, str, str], list[Need]] = defaultdict(list)
    for need in wanted:
        groups[need.account, need.region, need.quota, need.where].append(need)
    short: list[Shortfall] = []
    unknown: list[Unknown] = []
    for (account, region, code, where), group in groups.items():
        level = known[account, region, code]
        quota, limit = level.quota, level.limit
        needed = sum(one.amount for one in group)
        if level.trouble is not None and level.trouble.kind != "uninitialised":
            why = f"{needed:g} {quota.unit} are needed, what is free is not known: {level.trouble.reason}"
            unknown.append(Unknown(quota.name, account, region, why, "give the role read access, then look again"))
        elif needed > level.free(where):
            wished = quota.kept + level.used(where) + needed
            remedy = _increase(account, region, quota.service, limit.code, wished)
            pairs = tuple(one.pair for one in group)
            free = level.free(where)
            short.append(
                Shortfall(
                    account, region, quota.service, limit.code, quota.name, needed, free, limit.value, quota.unit, pairs, remedy
                )
            )
    return short, unknown


def disparities(here: Iterable[Level], there: Iterable[Level], directions: Iterable[tuple[str, str, str]]) -> list[Disparity]:
    """The quotas that are lower in the target than in the source. directions: (account, source region, target region).

    A limit that is only assumed is compared with nothing.
    """
    source = {(level.account, level.region, level.quota): level.limit for level in here if level.limit.source != "assumed"}
    target = {(level.account, level.region, level.quota): level.limit for level in there if level.limit.source != "assumed"}
    found = []
    for account, left, taken in sorted(directions):
        for place, limit in target.items():
            quota = place[2]
            other = source.get((account, left, quota))
            if place[:2] == (account, taken) and other is not None and limit.value < other.value:
                remedy = _increase(account, taken, quota.service, limit.code, other.value)
                found.append(
                    Disparity(account, left, taken, quota.service, limit.code, quota.name, other.value, limit.value, remedy)
                )
    return found


def _increase(account: str, region: str, service: str, code: str, wished: float) -> str:
    which = f"--service-code {service} --quota-code {code or '…'}"
    ask = f"aws service-quotas request-service-quota-increase --region {region} {which} --desired-value {wished:g}"
    return f"in account {account}: {ask}; it takes hours to days"
