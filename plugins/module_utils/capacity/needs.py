# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failover of a pair will consume in the target region, beyond what stands there. Pure: no client, no clock.

What is not known is said (Unknown), never taken as zero. A quota is named as in `quotas`, by its code or, without one, by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from ..model import Pair
from . import quotas
from .standing import Standing


@dataclass(frozen=True, slots=True)
class Need:
    """quota: code or name. amount: in the quota's unit. where: the cluster or bus, for a quota of each."""

    pair: str
    account: str
    region: str
    quota: str
    amount: float
    where: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """What could not be reckoned with. subject: a pair's key or a quota's name. remedy: how it can be known."""

    subject: str
    account: str
    region: str
    why: str
    remedy: str

    def to_json(self) -> dict[str, str]:
        """JSON values."""
        return {name: getattr(self, name) for name in ("subject", "account", "region", "why", "remedy")}


Found: TypeAlias = "Need | Unknown"
Captured: TypeAlias = Mapping[str, Any]
#: (quota, amount[, where]); or what is not known, as text.
Told: TypeAlias = Iterator[tuple[str, float, str] | str]

CAPTURE: Final = "ansible-playbook dr.aws.readiness while the source answers"


def needs(
    pairs: Sequence[Pair],
    captured: Mapping[str, Captured],
    standing: Mapping[str, Standing],
    models: Mapping[str, Standing] | None = None,
) -> list[Found]:
    """What the pairs consume in their target regions, and what is not known of it.

    captured: by pair key, what readiness captured. standing: what stands in the target. models: the same of the source region, for
    sizes that the target does not have; may lack any pair.
    """
    found: list[Found] = []
    for pair in pairs:
        reckon = NEEDS.get(pair.technology)
        if reckon is None:
            continue
        there = standing[pair.key]
        model = (models or {}).get(pair.key, Standing())
        for told in reckon(pair, captured.get(pair.key, {}), there, model):
            if isinstance(told, str):
                found.append(Unknown(pair.key, pair.account, pair.target_region, told, CAPTURE))
            elif told[1] > 0:
                quota, amount, where = told
                found.append(Need(pair.key, pair.account, pair.target_region, quota, amount, where))
    return found


def _wanted(pair: Pair, captured: Captured, name: str) -> int:
    """A capacity: as the settings say, else as it was captured; 0 where neither knows."""
    return int(pair.settings.get(name) or captured.get(name) or 0)


def _single(quota: str) -> Callable[[Pair, Captured, Standing, Standing], Told]:
    """One of a kind, unless it stands already."""

    def told(_pair: Pair, _captured: Captured, there: Standing, _model: Standing) -> Told:
        yield quota, 0 if there.exists else 1, ""

    return told


def _nodes(quota: str) -> Callable[[Pair, Captured, Standing, Standing], Told]:
    """Shards times their nodes, unless it stands already."""

    def told(_pair: Pair, captured: Captured, there: Standing, _model: Standing) -> Told:
        if there.exists:
            return
        if not captured.get("shards"):
            yield "its number of nodes was not captured"
            return
        yield quota, int(captured["shards"]) * (1 + int(captured.get("replicas") or 0)), ""

    return told


def _aurora(_pair: Pair, captured: Captured, there: Standing, _model: Standing) -> Told:
    yield quotas.DB_CLUSTERS, 0 if there.exists else 1, ""
    if captured.get("instances"):
        yield quotas.DB_INSTANCES, int(captured["instances"]) - there.units, ""
    elif not there.units:
        yield "its number of instances was not captured"


def _ecs(pair: Pair, captured: Captured, there: Standing, model: Standing) -> Told:
    cluster = pair.target_id.rpartition("/")[0] or "default"
    yield quotas.SERVICES, 0 if there.exists else 1, cluster
    size = there if there.exists and there.size is not None else model
    wanted = _wanted(pair, captured, "desired_count")
    if not wanted:
        yield "its number of tasks was not captured"
    elif size.size is None:
        yield "the vCPU of its tasks is not known: the service is not there, and the source was not seen"
    elif size.family:
        yield quotas.FARGATE_VCPU, (wanted - there.units) * size.size, ""


def _lambda(pair: Pair, captured: Captured, there: Standing, _model: Standing) -> Told:
    wanted = _wanted(pair, captured, "reserved") or _wanted(pair, captured, "provisioned")
    if wanted:
        yield quotas.CONCURRENCY, wanted - there.units, ""
    else:
        yield "no concurrency is reserved for it: what it uses at its peak is not known"


def _machines(pair: Pair, wanted: float, size: Standing, running: float) -> Told:
    if size.size is None:
        yield "its instance type is not known"
    elif not size.family:
        yield "the vCPU quota of its instance family is not watched"
    else:
        yield size.family, (wanted - running) * size.size, ""


def _autoscaling(pair: Pair, captured: Captured, there: Standing, model: Standing) -> Told:
    yield quotas.GROUPS, 0 if there.exists else 1, ""
    wanted = _wanted(pair, captured, "desired_capacity")
    if not wanted:
        yield "its number of instances was not captured"
        return
    yield from _machines(pair, wanted, there if there.size is not None else model, there.units)


def _drs(pair: Pair, _captured: Captured, there: Standing, _model: Standing) -> Told:
    """The server replicates already; what a recovery adds is its instance. Jobs are kept within their limits by the engine."""
    yield from _machines(pair, 1, there, there.units)


def _eventbridge(pair: Pair, _captured: Captured, there: Standing, _model: Standing) -> Told:
    yield quotas.RULES, 0 if there.exists else 1, pair.target_id.rpartition("/")[0] or "default"


def _fsx(_pair: Pair, captured: Captured, there: Standing, _model: Standing) -> Told:
    if there.exists:
        return
    if captured.get("type") in quotas.FSX:
        yield quotas.FSX[captured["type"]], 1, ""
    else:
        yield "its type was not captured"


NEEDS: Final[Mapping[str, Callable[[Pair, Captured, Standing, Standing], Told]]] = {
    "drs": _drs,
    "rds": _single(quotas.DB_INSTANCES),
    "aurora": _aurora,
    "ecs": _ecs,
    "lambda": _lambda,
    "elasticache": _nodes(quotas.CACHE_NODES),
    "opensearch": _single(quotas.DOMAINS),
    "autoscaling": _autoscaling,
    "memorydb": _nodes(quotas.MEMORYDB_NODES),
    "eventbridge": _eventbridge,
    "efs": _single(quotas.FILE_SYSTEMS),
    "fsx": _fsx,
}
