# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Estates of any size, for measuring."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

SOURCE, TARGET = "us-east-1", "us-west-2"
PRIORITIES = ("critical", "high", "medium", "low")


def _ecs(name: str, index: int) -> dict[str, Any]:
    cluster = f"apps-{index // 1000}"
    peer = {"region": TARGET, "cluster": cluster, "desired": 0}
    return {"kind": "ecs_service", "region": SOURCE, "name": name, "cluster": cluster, "desired": 2, "peer": peer}


def _rds(name: str, _index: int) -> dict[str, Any]:
    shape = {"engine": "postgres", "instance_class": "db.r6g.large", "storage_gb": 100, "backup_days": 7}
    peer = {"region": TARGET, "name": f"{name}-dr"}
    return {"kind": "rds_instance", "region": SOURCE, "name": name, **shape, "peer": peer}


def _route53(name: str, index: int) -> dict[str, Any]:
    record = {"zone": f"zone{index // 100}.example.com", "type": "CNAME", "value": f"{name}.{SOURCE}.example.net"}
    peer = {"region": TARGET, "value": f"{name}.{TARGET}.example.net"}
    return {"kind": "route53_record", "name": f"{name}.{record['zone']}", **record, "peer": peer}


_MAKERS: dict[str, Callable[[str, int], dict[str, Any]]] = {"ecs": _ecs, "rds": _rds, "route53": _route53}


def generate(resources: int, accounts: int, technologies: Sequence[str], waves: int, customer: str) -> dict[str, Any]:
    """An estate of `resources` pairs from us-east-1 to us-west-2, spread over accounts, technologies and waves."""
    unknown = [technology for technology in technologies if technology not in _MAKERS]
    if unknown:
        raise ValueError(f"no generator for {', '.join(unknown)}; there are {', '.join(sorted(_MAKERS))}")
    made = []
    for index in range(resources):
        technology = technologies[index % len(technologies)]
        resource = _MAKERS[technology](f"{technology}-{index:05d}", index)
        wave, priority = index * waves // resources + 1, PRIORITIES[index % len(PRIORITIES)]
        resource["account"] = f"workload-{index % accounts}"
        resource["tags"] = {"dr:wave": str(wave), "dr:priority": priority, "dr:rto-target": "30", "dr:rpo-target": "15"}
        made.append(resource)
    return {
        "name": f"{customer}-{resources}",
        "description": f"Generated: {resources} resources in {accounts} accounts.",
        "control_region": TARGET,
        "regions": [SOURCE, TARGET],
        "tags": {"dr:enabled": "true", "Customer": customer, "Environment": "production"},
        "accounts": [
            {"id": "100000000000", "name": "management", "management": True},
            *({"id": f"2{index:011d}", "name": f"workload-{index}", "roles": [_role(customer)]} for index in range(accounts)),
        ],
        "resources": made,
    }


def _role(customer: str) -> dict[str, Any]:
    return {"name": "dr-automation", "external_id": f"{customer}-external-id"}
