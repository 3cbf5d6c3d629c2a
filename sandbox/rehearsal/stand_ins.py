# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a readiness snapshot knows of a resource to a resource of an estate (sandbox/README.md), technology by technology.

A snapshot says what a failover needs, not everything that a resource is. What it leaves open is the seeds' default, and `ASSUMED`
says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

#: A resource of an estate, without its account, tags and region.
Spec: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of a snapshot. source, target: the identifiers of its sides, equal where only one is known.

    captured: what readiness captured of the side that serves; {} for nothing. stands: whether the standby is there. served: it
    did before, with the side that serves now as its standby. zones: hosted zone -> its name.
    """

    key: str
    technology: str
    account: str
    source_region: str
    target_region: str
    source: str
    target: str
    tags: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    captured: Mapping[str, Any] = field(default_factory=dict)
    stands: bool = True
    served: bool = False
    zones: Mapping[str, str] = field(default_factory=dict)

    def known(self, **names: str) -> Spec:
        """Fields of a seed and what was captured under these names, without what is not known."""
        found = {field: self.captured.get(name) for field, name in names.items()}
        return {field: value for field, value in found.items() if value not in (None, "")}

    @property
    def name(self) -> str:
        """For technologies whose identifiers AWS chooses: the tag Name, or the identifier."""
        return self.tags.get("Name") or self.source

    def peer(self, **fields: Any) -> Spec:
        """{"peer": …} where the standby is there."""
        return {"peer": {"region": self.target_region, **fields}} if self.stands else {}


def _rds(one: Resource) -> Spec:
    shape = one.known(
        engine="engine", instance_class="instance_class", storage_gb="storage_gb", backup_days="backup_days", multi_az="multi_az"
    )
    encrypted = {"encrypted": True} if one.captured.get("kms_key_id") else {}
    return {"kind": "rds_instance", "name": one.source, **shape, **encrypted, **one.peer(name=one.target, **_lag(one))}


def _aurora(one: Resource) -> Spec:
    shape = one.known(
        engine="engine",
        engine_version="engine_version",
        instances="instances",
        instance_class="instance_class",
        global_cluster="global_cluster",
    )
    kind = "aurora_cluster" if one.captured and "global_cluster" not in shape else "aurora_global"
    encrypted = {"encrypted": True} if one.captured.get("kms_key_id") else {}
    return {"kind": kind, "name": one.source, **shape, **encrypted, **one.peer(name=one.target, **_lag(one))}


def _ecs(one: Resource) -> Spec:
    (cluster, name), (other, twin) = _pair(one.source), _pair(one.target)
    shape = one.known(desired="desired_count", min="min_capacity", max="max_capacity")
    size = one.captured.get("task_size") or {}
    shape |= {field: str(size[known]) for field, known in (("cpu", "cpu"), ("memory", "memory_mib")) if size.get(known)}
    peer = one.peer(cluster=other, name=twin, desired=0, **({"before": True} if one.served else {}))
    return {"kind": "ecs_service", "name": name, "cluster": cluster, **shape, **peer}


def _lambda(one: Resource) -> Spec:
    shape = one.known(reserved="reserved", provisioned="provisioned", memory="memory_mib")
    alias = {"alias": one.captured["alias"] or None} if "alias" in one.captured else {}
    return {"kind": "lambda_function", "name": one.source, **alias, **shape, **one.peer()}


def _route53(one: Resource) -> Spec:
    zone, name, kind = one.source.split("/")
    values: Mapping[str, Any] = one.settings.get("values") or {}
    records: list[Mapping[str, Any]] = list(one.captured.get("records") or ())
    here, there = _answers(one.source_region, values, records[:1]), _answers(one.target_region, values, records[1:])
    return {
        "kind": "route53_record",
        "zone": one.zones[zone],
        "name": name,
        "type": kind,
        "routing": next((routing for field, routing in _ROUTINGS.items() if records and field in records[0]), "simple"),
        "ttl": records[0].get("TTL", 60) if records else 60,
        **{"value": f"stand-in.{one.source_region}.example"},
        **here,
        **({"set_identifier": records[0]["SetIdentifier"]} if records and "SetIdentifier" in records[0] else {}),
        "peer": {
            "region": one.target_region,
            "value": f"stand-in.{one.target_region}.example",
            **there,
            **({"set_identifier": records[1]["SetIdentifier"]} if len(records) > 1 and "SetIdentifier" in records[1] else {}),
        },
    }


#: A record set's field -> the routing that it tells.
_ROUTINGS = {"Weight": "weighted", "Failover": "failover"}


def _answers(region: str, values: Mapping[str, Any], records: list[Mapping[str, Any]]) -> Spec:
    """What a record answers while a region serves: as its settings say, or as it was captured."""
    for record in records:
        if alias := record.get("AliasTarget"):
            evaluate = bool(alias.get("EvaluateTargetHealth"))
            return {"alias": {"dns_name": alias["DNSName"], "hosted_zone_id": alias["HostedZoneId"], "evaluate": evaluate}}
        if not values.get(region):
            return {"values": [one["Value"] for one in record.get("ResourceRecords", ())]}
    return {"values": list(values[region])} if isinstance(values.get(region), list) and values[region] else {}


def _elasticache(one: Resource) -> Spec:
    shape = one.known(node_type="node_type", replicas="replicas")
    shards = one.captured.get("shards") or 1
    alone = {"standalone": True} if one.captured and not one.captured.get("datastore") else _lag(one)
    more = {"shards": shards} if shards > 1 else {}
    return {"kind": "elasticache_global", "name": one.source, **shape, **more, **one.peer(name=one.target, **alone)}


def _opensearch(one: Resource) -> Spec:
    shape = one.known(version="engine_version", instance_type="instance_type", instance_count="instance_count")
    return {"kind": "opensearch_domain", "name": one.source, **shape, **one.peer(name=one.target)}


def _autoscaling(one: Resource) -> Spec:
    shape = one.known(min="min_size", max="max_size", desired="desired_capacity", instance_type="instance_type")
    return {"kind": "autoscaling_group", "name": one.source, **shape, **one.peer(name=one.target)}


def _memorydb(one: Resource) -> Spec:
    shape = one.known(node_type="node_type", shards="shards", replicas="replicas", acl="acl")
    alone = bool(one.captured) and not one.captured.get("multi_region_cluster")
    lag = one.captured.get("lag_seconds")
    late = {} if alone or lag is None else {"lag": lag * 1000}
    kind = "memorydb_cluster" if alone else "memorydb_multi_region"
    return {"kind": kind, "name": one.source, **shape, **one.peer(name=one.target, **late)}


def _eventbridge(one: Resource) -> Spec:
    bus, name = _pair(one.source)
    return {"kind": "eventbridge_rule", "name": name, "bus": bus, **one.known(state="state"), **one.peer()}


def _efs(one: Resource) -> Spec:
    return {"kind": "efs_file_system", "name": one.name, **one.known(throughput="throughput_mode"), **one.peer()}


def _fsx(one: Resource) -> Spec:
    return {"kind": "fsx_file_system", "name": one.name, **one.known(type="type", storage_gb="storage_gb"), **one.peer()}


def _drs(one: Resource) -> Spec:
    shape = one.known(instance_type="instance_type", lag_seconds="lag_seconds")
    return {
        "kind": "drs_source_server",
        "name": one.name,
        **shape,
        "peer": {"region": one.target_region, "id": one.target},
    }


def _pair(ident: str) -> tuple[str, str]:
    """`cluster/service` or `bus/rule`."""
    before, _slash, name = ident.rpartition("/")
    return before or "default", name


def _lag(one: Resource) -> Spec:
    lag = one.captured.get("lag_seconds")
    return {} if lag is None else {"lag": lag}


BUILDERS: Mapping[str, Callable[[Resource], Spec]] = {
    "drs": _drs,
    "rds": _rds,
    "aurora": _aurora,
    "ecs": _ecs,
    "lambda": _lambda,
    "route53": _route53,
    "elasticache": _elasticache,
    "opensearch": _opensearch,
    "autoscaling": _autoscaling,
    "memorydb": _memorydb,
    "eventbridge": _eventbridge,
    "efs": _efs,
    "fsx": _fsx,
}
#: What no snapshot tells of a technology.
ASSUMED: Mapping[str, str] = {
    "drs": "launch settings are AWS's defaults, and nothing is still to be replicated",
    "rds": "the replica is of its source's class and size",
    "aurora": "the other cluster has as many instances as the one that serves",
    "ecs": "images are in both regions, tasks start at the first attempt, and there is no load balancer",
    "lambda": "the code is in both regions, and there are no event sources",
    "route53": "a zone is the common suffix of its records, and health checks pass",
    "elasticache": "the follower has its source's nodes",
    "opensearch": "the follower has its source's nodes, and both are green",
    "autoscaling": "images are in both regions, instances start at the first attempt, and there is no load balancer",
    "memorydb": "the other member has the same users",
    "eventbridge": "each rule has one target in its own region",
    "efs": "everything but the last minute is replicated, and both sides are mounted",
    "fsx": "a backup of one hour ago is in the other region; throughput is the default",
}
