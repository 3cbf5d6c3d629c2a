# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What something costs an hour, by what was captured of it; from that, what CLEANUP saves (FR-4.3). Estimates, and pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from .model import Pair
from .prices import PRICES, RATED_FOR, RATES

HOURS_PER_MONTH: Final = 730
#: The calls that end what is paid by the hour. Fencing, renaming, tagging, a final snapshot: none of them saves anything.
ENDING: Final[Mapping[str, tuple[str, ...]]] = {
    "drs": ("ec2:stop_instances", "ec2:terminate_instances", "drs:terminate_recovery_instances"),
    "rds": ("rds:delete_db_instance",),
    "aurora": ("rds:delete_db_instance",),
    "ecs": ("ecs:update_service",),
    "lambda": ("lambda:delete_provisioned_concurrency_config",),
    "elasticache": ("elasticache:delete_replication_group",),
    "opensearch": ("opensearch:delete_domain",),
    "autoscaling": ("autoscaling:update_auto_scaling_group",),
    "memorydb": ("memorydb:delete_cluster",),
    "efs": ("efs:delete_file_system",),
    "fsx": ("fsx:delete_file_system",),
}
#: What of it stays, and is paid.
KEPT: Final[Mapping[str, str]] = {
    "drs": "final snapshot kept",
    "rds": "final snapshot kept",
    "aurora": "final snapshot kept",
    "ecs": "scaled to zero",
    "lambda": "the function is kept",
    "elasticache": "final snapshot kept",
    "opensearch": "data nodes only",
    "autoscaling": "scaled to zero",
    "memorydb": "final snapshot kept",
    "efs": "backup kept",
    "fsx": "final backup kept",
}
#: Copies of these cost nothing while nobody uses them: a rule, a function without provisioned concurrency, a record.
RESTING: Final = ("eventbridge", "lambda", "route53")
#: How many copies without an estimate are named.
NAMED: Final = 5
#: Engines whose licence is not in the price of the hour.
FREE_ENGINES: Final = ("postgres", "mysql", "mariadb", "aurora-postgresql", "aurora-mysql")
#: MemoryDB counts a Valkey node as 0.7 of a Redis OSS node (developer guide, "Size flexible reserved nodes").
ENGINE_SHARE: Final[Mapping[str, float]] = {"redis": 1.0, "valkey": 0.7}
#: Throughput that each GB in Standard storage brings with it, and only more is paid (EFS user guide, "Throughput modes"): MiB/s.
EFS_BASELINE: Final = 1 / 20

_GB: Final = 2**30
_SIZES: Final[Mapping[str, float]] = {"micro": 0.125, "small": 0.25, "medium": 0.5, "large": 1, "xlarge": 2}
_MULTIPLE: Final = re.compile(r"(\d+)xlarge")
_AROUND: Final = frozenset({"db", "cache", "search", "elasticsearch"})


@dataclass(frozen=True, slots=True)
class Estimate:
    """What something probably costs. basis: what was counted, for people ("2 x db.r6g.large, final snapshot kept")."""

    usd_per_hour: float
    basis: str

    @property
    def usd_per_month(self) -> float:
        """Of a month in which it stands all the time."""
        return self.usd_per_hour * HOURS_PER_MONTH

    def to_json(self) -> dict[str, Any]:
        """JSON values, of what is saved; whole dollars, it is an estimate."""
        return {"usd_per_month": round(self.usd_per_month), "basis": self.basis, "estimate": True}

    def by_hour(self) -> dict[str, Any]:
        """JSON values, of what stands for hours only."""
        return {"usd_per_hour": round(self.usd_per_hour, 4), "basis": self.basis, "estimate": True}


def hourly(technology: str, size: Mapping[str, Any]) -> Estimate | None:
    """What one resource costs by the hour, whatever it does; None when that is not known. size: as its adapter captures it."""
    estimate = _HOURLY.get(technology)
    found = estimate(size) if estimate else None
    return found if found and found.usd_per_hour > 0 else None


def saving(
    technology: str, captured: Mapping[str, Any], outputs: Mapping[str, Any], calls: Collection[str] = ()
) -> Estimate | None:
    """What a source out of service saves; None when that is not known, or when nothing that is paid by the hour was ended.

    captured: what readiness captured of it. outputs: of its CLEANUP, done. calls: `service:operation` that this execution sent
    to its region. Storage that goes with a database is not counted: a final snapshot stays, and is paid.
    """
    if not set(calls) & set(ENDING.get(technology, ())):
        return None
    size, kept = captured, KEPT[technology]
    if technology == "drs":
        size = {"instance_type": outputs.get("instance_type") or captured.get("instance_type")}
        gone = set(calls) & set(ENDING["drs"][1:])
        kept = f"terminated, {kept}" if gone else "stopped, its volumes are kept and paid"
    found = hourly(technology, size)
    return found and replace(found, basis=f"{found.basis}, {kept}")


def savings(
    pairs: Sequence[Pair],
    captured: Mapping[str, Mapping[str, Any]],
    done: Mapping[str, Mapping[str, Any]],
    sent: Mapping[str, Collection[tuple[str, str]]],
) -> dict[str, Estimate]:
    """Pair key -> what an execution has saved with it so far. A resumed execution finds the same again.

    done: pair key -> outputs, of what CLEANUP is done with. sent: pair key -> (`service:operation`, region), as `Store.sent`.
    """
    found = {}
    for pair in pairs:
        if pair.key in done:
            calls = [call for call, region in sent.get(pair.key, ()) if region == pair.source_region]
            found[pair.key] = saving(pair.technology, captured.get(pair.key, {}), done[pair.key], calls)
    return {key: estimate for key, estimate in found.items() if estimate is not None}


@dataclass(frozen=True, slots=True)
class Copies:
    """What the copies of a drill cost while they stand. estimates: by pair key. unknown: keys of those that have none."""

    estimates: Mapping[str, Estimate]
    unknown: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """JSON values: usd_per_hour, None where nothing is known; copies; unknown, at most NAMED keys, and their number."""
        total = sum(estimate.usd_per_hour for estimate in self.estimates.values())
        return {
            "usd_per_hour": round(total, 4) if self.estimates else None,
            "copies": len(self.estimates) + len(self.unknown),
            "unknown": list(self.unknown[:NAMED]),
            "unknown_count": len(self.unknown),
            "estimate": True,
        }


def copies(sizes: Mapping[str, tuple[str, Mapping[str, Any]]]) -> Copies:
    """sizes: pair key -> technology and what a copy's costs depend on, as `Drill.copy_size`. RESTING copies are not counted."""
    found = {key: hourly(technology, size) for key, (technology, size) in sizes.items() if technology not in RESTING}
    known = {key: estimate for key, estimate in found.items() if estimate is not None}
    return Copies(known, tuple(sorted(found.keys() - known.keys())))


def _instances(technology: str, name: Any, count: Any, share: float | None = 1.0) -> Estimate | None:
    parts = [part for part in str(name or "").split(".") if part not in _AROUND]
    family, size = parts if len(parts) == 2 else ("", "")
    multiple = _MULTIPLE.fullmatch(size)
    larges = 2.0 * int(multiple[1]) if multiple else _SIZES.get(size)
    price, number = PRICES[technology].get(family), int(count or 0)
    if price is None or larges is None or share is None:
        return None
    return Estimate(price * larges * share * number, f"{number} x {name}")


def _database(size: Mapping[str, Any]) -> Estimate | None:
    if size.get("engine") not in FREE_ENGINES:
        return None
    return _instances("rds", size.get("instance_class"), 2 if size.get("multi_az") else 1)


def _cluster(size: Mapping[str, Any]) -> Estimate | None:
    return _instances("aurora", size.get("instance_class"), size.get("instances")) if size.get("engine") in FREE_ENGINES else None


def _nodes(size: Mapping[str, Any]) -> int:
    return int(size.get("shards") or 0) * (1 + int(size.get("replicas") or 0))


def _tasks(size: Mapping[str, Any]) -> Estimate | None:
    """Tasks that Fargate runs on demand, for Linux, with the 20 GB of disk that cost nothing."""
    task, count = size.get("task_size") or {}, int(size.get("desired_count") or 0)
    kind, rates = task.get("architecture"), RATES["ecs"]
    if f"vCPU {kind}" not in rates:
        return None
    cpus, memory = task["cpu"] / 1024, task["memory_mib"] / 1024
    each = cpus * rates[f"vCPU {kind}"] + memory * rates[f"GB {kind}"]
    return Estimate(count * each, f"{count} x {cpus:g} vCPU, {memory:g} GB on Fargate")


def _concurrency(size: Mapping[str, Any]) -> Estimate | None:
    """Provisioned concurrency: nothing else of a function is paid while it rests."""
    count, memory = int(size.get("provisioned") or 0), int(size.get("memory_mib") or 0)
    rate = RATES["lambda"].get(f"GB {size.get('architecture')}")
    if rate is None:
        return None
    return Estimate(count * memory / 1024 * rate, f"provisioned concurrency {count} x {memory} MB")


def _efs(size: Mapping[str, Any]) -> Estimate | None:
    """Its storage, and throughput where that is provisioned; what is paid for each access is not known."""
    zone = bool(size.get("one_zone"))
    cold, archived = (int(size.get(name) or 0) / _GB for name in ("infrequent_bytes", "archive_bytes"))
    warm = int(size.get("size_bytes") or 0) / _GB - cold - archived
    parts = {"GB One Zone" if zone else "GB Standard": max(0.0, warm), "GB Archive": archived}
    parts["GB One Zone Infrequent Access" if zone else "GB Infrequent Access"] = cold
    provisioned = float(size.get("provisioned_mibps") or 0)
    parts["MiB/s provisioned"] = max(0.0, provisioned - warm * EFS_BASELINE)
    said = f"{warm + cold + archived:.0f} GB" + (f", {provisioned:g} MiB/s provisioned" if provisioned else "")
    return _rated("efs", parts, said)


def _fsx(size: Mapping[str, Any]) -> Estimate | None:
    """Its storage and throughput, without IOPS that are provisioned besides."""
    kind, deployment, storage = (str(size.get(name) or "") for name in ("type", "deployment_type", "storage_type"))
    capacity, throughput = int(size.get("storage_gb") or 0), int(size.get("throughput") or 0)
    if kind == "LUSTRE":
        return _rated("fsx", {f"GB {kind} {deployment} {storage} {throughput}": capacity}, f"{kind}, {capacity} GB {storage}")
    place = deployment.rpartition("_")[0]  # the generation makes no difference to the price
    parts = {f"GB {kind} {place} {storage}": capacity, f"MB/s {kind} {place}": throughput}
    return _rated("fsx", parts, f"{kind} {deployment}, {capacity} GB {storage}, {throughput} MB/s")


def _rated(technology: str, parts: Mapping[str, float], said: str) -> Estimate | None:
    """The sum of so much of each rate; None where one of them is not in the table."""
    rates = RATES[technology]
    if not rates.keys() >= parts.keys():
        return None
    hours = HOURS_PER_MONTH if RATED_FOR[technology] == "month" else 1
    return Estimate(sum(number * rates[name] for name, number in parts.items()) / hours, said)


_HOURLY: Final[Mapping[str, Callable[[Mapping[str, Any]], Estimate | None]]] = {
    "drs": lambda size: _instances("drs", size.get("instance_type"), 1),
    "rds": _database,
    "aurora": _cluster,
    "ecs": _tasks,
    "lambda": _concurrency,
    "elasticache": lambda size: _instances("elasticache", size.get("node_type"), _nodes(size)),
    "opensearch": lambda size: _instances("opensearch", size.get("instance_type"), size.get("instance_count")),
    "autoscaling": lambda size: _instances("autoscaling", size.get("instance_type"), size.get("desired_capacity")),
    "memorydb": lambda size: _instances(
        "memorydb", size.get("node_type"), _nodes(size), ENGINE_SHARE.get(str(size.get("engine", "")))
    ),
    "efs": _efs,
    "fsx": _fsx,
}
