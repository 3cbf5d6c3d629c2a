# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What CLEANUP saves (FR-4.3), estimated from a small table of list prices. Pure. docs/costs.md shows the same table."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .model import Pair

#: When the table was written down, and how: by hand. The pages say today's prices.
PRICES_OF: Final = "November 2026"
HOURS_PER_MONTH: Final = 730
#: Technology -> family -> USD per hour of size `large`: on demand, us-east-1, rounded, one Availability Zone. EC2: Linux. RDS:
#: PostgreSQL. Caches: Redis OSS. What is not listed has no estimate.
PRICES: Final[Mapping[str, Mapping[str, float]]] = {
    "drs": {
        "t3": 0.083,
        "t4g": 0.067,
        "m5": 0.096,
        "m6g": 0.077,
        "m6i": 0.096,
        "m7g": 0.082,
        "m7i": 0.101,
        "c5": 0.085,
        "c6g": 0.068,
        "c6i": 0.085,
        "c7g": 0.073,
        "r5": 0.126,
        "r6g": 0.101,
        "r6i": 0.126,
        "r7g": 0.107,
    },
    "rds": {
        "t3": 0.145,
        "t4g": 0.129,
        "m5": 0.178,
        "m6g": 0.159,
        "m6i": 0.178,
        "m7g": 0.168,
        "r5": 0.25,
        "r6g": 0.225,
        "r6i": 0.25,
        "r7g": 0.239,
    },
    "aurora": {"t3": 0.164, "t4g": 0.146, "r5": 0.29, "r6g": 0.26, "r6i": 0.29, "r7g": 0.276},
    "elasticache": {
        "t3": 0.136,
        "t4g": 0.129,
        "m5": 0.156,
        "m6g": 0.149,
        "m7g": 0.158,
        "r5": 0.216,
        "r6g": 0.206,
        "r7g": 0.219,
    },
    "memorydb": {"r6g": 0.309, "r7g": 0.325},
    "opensearch": {
        "t3": 0.146,
        "m5": 0.142,
        "m6g": 0.128,
        "m7g": 0.135,
        "c5": 0.125,
        "c6g": 0.113,
        "r5": 0.186,
        "r6g": 0.167,
        "r7g": 0.178,
    },
}
PAGES: Final[Mapping[str, str]] = {
    "drs": "https://aws.amazon.com/ec2/pricing/on-demand/",
    "rds": "https://aws.amazon.com/rds/postgresql/pricing/",
    "aurora": "https://aws.amazon.com/rds/aurora/pricing/",
    "elasticache": "https://aws.amazon.com/elasticache/pricing/",
    "memorydb": "https://aws.amazon.com/memorydb/pricing/",
    "opensearch": "https://aws.amazon.com/opensearch-service/pricing/",
}
#: The calls that end what is paid by the hour. Fencing, renaming, tagging, a final snapshot: none of them saves anything.
ENDING: Final[Mapping[str, tuple[str, ...]]] = {
    "drs": ("ec2:stop_instances", "ec2:terminate_instances", "drs:terminate_recovery_instances"),
    "rds": ("rds:delete_db_instance",),
    "aurora": ("rds:delete_db_instance",),
    "elasticache": ("elasticache:delete_replication_group",),
    "memorydb": ("memorydb:delete_cluster",),
    "opensearch": ("opensearch:delete_domain",),
}
#: Engines whose licence is not in the price of the hour.
FREE_ENGINES: Final = ("postgres", "mysql", "mariadb", "aurora-postgresql", "aurora-mysql")
#: MemoryDB counts a Valkey node as 0.7 of a Redis OSS node (developer guide, "Size flexible reserved nodes").
ENGINE_SHARE: Final[Mapping[str, float]] = {"redis": 1.0, "valkey": 0.7}

_SIZES: Final[Mapping[str, float]] = {"micro": 0.125, "small": 0.25, "medium": 0.5, "large": 1, "xlarge": 2}
_MULTIPLE: Final = re.compile(r"(\d+)xlarge")
_AROUND: Final = frozenset({"db", "cache", "search", "elasticsearch"})


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is probably no longer paid. basis: what was counted, for people ("2 x db.r6g.large, final snapshot kept")."""

    usd_per_month: float
    basis: str

    def to_json(self) -> dict[str, Any]:
        """JSON values; whole dollars, it is an estimate."""
        return {"usd_per_month": round(self.usd_per_month), "basis": self.basis, "estimate": True}


def saving(
    technology: str, captured: Mapping[str, Any], outputs: Mapping[str, Any], calls: Collection[str] = ()
) -> Estimate | None:
    """What a source out of service saves; None when that is not known, or when nothing that is paid by the hour was ended.

    captured: what readiness captured of it. outputs: of its CLEANUP, done. calls: `service:operation` that this execution sent
    to its region. Storage that goes with a deletion is not counted: a final snapshot stays, and is paid.
    """
    if not set(calls) & set(ENDING.get(technology, ())):
        return None
    if technology == "drs":
        name = str(outputs.get("instance_type") or captured.get("instance_type") or "")
        gone = set(calls) & set(ENDING["drs"][1:])
        return _estimate("drs", name, 1, "terminated, final snapshot kept" if gone else "stopped, its volumes are kept and paid")
    if technology in ("rds", "aurora"):
        if captured.get("engine") not in FREE_ENGINES:
            return None
        count = int(captured.get("instances", 0)) if technology == "aurora" else 2 if captured.get("multi_az") else 1
        return _estimate(technology, str(captured.get("instance_class", "")), count, "final snapshot kept")
    if technology == "opensearch":
        return _estimate(
            technology, str(captured.get("instance_type", "")), int(captured.get("instance_count", 0)), "data nodes only"
        )
    share = ENGINE_SHARE.get(str(captured.get("engine", ""))) if technology == "memorydb" else 1.0
    count = int(captured.get("shards", 0)) * (1 + int(captured.get("replicas", 0)))
    return _estimate(technology, str(captured.get("node_type", "")), count, "final snapshot kept", share)


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


def _estimate(technology: str, name: str, count: int, kept: str, share: float | None = 1.0) -> Estimate | None:
    parts = [part for part in name.split(".") if part not in _AROUND]
    family, size = parts if len(parts) == 2 else ("", "")
    multiple = _MULTIPLE.fullmatch(size)
    larges = 2.0 * int(multiple[1]) if multiple else _SIZES.get(size)
    price = PRICES[technology].get(family)
    if price is None or larges is None or share is None or count < 1:
        return None
    return Estimate(price * larges * share * count * HOURS_PER_MONTH, f"{count} x {name}, {kept}")
