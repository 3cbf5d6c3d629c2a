# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the MemoryDB adapter sees of a pair, and how it is read: listings per region, tags of each cluster, many lags at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from ..adapters.base import Reader
from ..model import UNREACHABLE, Pair, Unreachable

#: Written by ACTIVATE: of two clusters that take writes, the larger number is the side activated last.
EPOCH_TAG: Final = "dr:epoch"
#: Written on a cluster that was made of a snapshot: whose snapshot, as region:name.
RESTORED_TAG: Final = "dr:restored"
#: Written on a cluster when it is made to stand by: the mark that the other side carried then.
FOLLOWS_TAG: Final = "dr:follows-epoch"
#: Tags that say something about one cluster only, and are never copied to another.
OWN_TAGS: Final = frozenset({EPOCH_TAG, FOLLOWS_TAG, RESTORED_TAG})
#: States that pass by themselves.
CHANGING: Final = frozenset({"creating", "snapshotting", "updating"})
#: States in which a cluster answers its clients.
USABLE: Final = frozenset({"available", "snapshotting", "updating"})
#: A lag whose newest datapoint is older is not known.
LAG_WINDOW: Final = timedelta(minutes=5)
LAG_METRIC: Final = "MultiRegionClusterReplicationLag"
#: GetMetricData takes so many queries a call.
METRIC_LIMIT: Final = 500


@dataclass(frozen=True, slots=True)
class Member:
    """One regional cluster of a multi-Region cluster, as that tells of it."""

    name: str
    region: str
    status: str


@dataclass(frozen=True, slots=True)
class World:
    """A multi-Region cluster. status: creating, available, updating, deleting, …"""

    name: str
    status: str
    node_type: str = ""
    members: tuple[Member, ...] = ()

    def member(self, region: str, name: str) -> Member | None:
        """The member that is this regional cluster; None when it is none."""
        return next((one for one in self.members if (one.region, one.name) == (region, name.lower())), None)


@dataclass(frozen=True, slots=True)
class Cluster:
    """One side's cluster, as its own region describes it.

    world: the multi-Region cluster it belongs to, "" for a single-Region cluster. born: when its oldest node was made, digits only.
    lag_seconds: how far it is behind the pair's other region, the worst shard; None without a recent datapoint.
    """

    name: str
    arn: str
    region: str
    status: str
    world: str = ""
    endpoint: str = ""
    port: int = 0
    node_type: str = ""
    engine: str = ""
    engine_version: str = ""
    shards: int = 1
    replicas: int = 0
    acl: str = ""
    subnet_group: str = ""
    security_groups: tuple[str, ...] = ()
    kms_key_id: str = ""
    tls: bool = True
    snapshot_days: int = 0
    born: str = ""
    lag_seconds: float | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def epoch(self) -> int:
        """How often its data had been activated when this cluster was; 0 for one that carries no mark."""
        return _number(self.tags.get(EPOCH_TAG, ""))

    @property
    def follows(self) -> int:
        """The mark of the other side when this one was made to stand by for it."""
        return _number(self.tags.get(FOLLOWS_TAG, ""))

    @property
    def restored(self) -> str:
        """Whose snapshot it was made of, as region:name; "" for any other cluster."""
        return self.tags.get(RESTORED_TAG, "")

    @property
    def usable(self) -> bool:
        """Whether it answers its clients."""
        return self.status in USABLE


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0


Side: TypeAlias = "Cluster | Unreachable | None"
#: ACL -> how many users it has, by region.
Acls: TypeAlias = "Mapping[str, int]"


@dataclass(frozen=True, slots=True)
class Seen:
    """Both sides, the multi-Region cluster that they may belong to, and the ACLs of the regions that answer.

    source_acls, target_acls: name -> number of users, of each region; empty for a region that does not answer.
    """

    source: Side
    target: Side
    world: World | Unreachable | None = None
    source_acls: Acls = field(default_factory=dict)
    target_acls: Acls = field(default_factory=dict)


def option(pair: Pair, region: str, name: str, default: Any = None) -> Any:
    """A setting, as it is for one region: `regions.<region>.<name>` before `<name>`."""
    there = pair.settings.get("regions", {}).get(region, {})
    return there.get(name, pair.settings.get(name, default))


def observe(reader: Reader, pairs: Sequence[Pair]) -> dict[str, Seen]:
    """Pair key -> Seen. Multi-Region clusters are shown in every region, so the target region's word is enough."""
    account, source_region, target_region = pairs[0].account, pairs[0].source_region, pairs[0].target_region
    here, source_acls = _region(reader, account, source_region)
    there, target_acls = _region(reader, account, target_region)
    sources = {pair.key: _find(reader, account, here, pair.source_id) for pair in pairs}
    targets = {pair.key: _find(reader, account, there, pair.target_id) for pair in pairs}
    worlds = _worlds(reader, account, target_region)
    if isinstance(worlds, Unreachable) and not isinstance(here, Unreachable):
        worlds = _worlds(reader, account, source_region)
    sources = _with_lag(reader, account, source_region, target_region, sources)
    targets = _with_lag(reader, account, target_region, source_region, targets)
    return {
        pair.key: Seen(
            sources[pair.key],
            targets[pair.key],
            _world(worlds, pair, sources[pair.key], targets[pair.key]),
            source_acls,
            target_acls,
        )
        for pair in pairs
    }


_Clusters: TypeAlias = "dict[str, Cluster] | Unreachable"
_Worlds: TypeAlias = "dict[str, World] | Unreachable"


def _clusters(reader: Reader, account: str, region: str) -> _Clusters:
    shown = reader.pages(account, region, "memorydb", "describe_clusters", "Clusters", ShowShardDetails=True)
    if isinstance(shown, Unreachable):
        return UNREACHABLE
    return {one["Name"]: cluster(one, region) for one in shown or ()}


def cluster(shown: Mapping[str, Any], region: str) -> Cluster:
    """AWS's description of a cluster as a Cluster."""
    shards, end = shown.get("Shards", ()), shown.get("ClusterEndpoint") or {}
    made = [node["CreateTime"] for shard in shards for node in shard.get("Nodes", ()) if node.get("CreateTime")]
    return Cluster(
        name=shown["Name"],
        arn=shown.get("ARN", ""),
        region=region,
        status=shown.get("Status", "unknown"),
        world=shown.get("MultiRegionClusterName") or "",
        endpoint=end.get("Address", ""),
        port=end.get("Port", 0),
        node_type=shown.get("NodeType", ""),
        engine=shown.get("Engine", ""),
        engine_version=shown.get("EngineVersion", ""),
        shards=shown.get("NumberOfShards") or max(len(shards), 1),
        replicas=max(max((shard.get("NumberOfNodes", 1) for shard in shards), default=1) - 1, 0),
        acl=shown.get("ACLName", ""),
        subnet_group=shown.get("SubnetGroupName", ""),
        security_groups=tuple(sorted(one["SecurityGroupId"] for one in shown.get("SecurityGroups", ()))),
        kms_key_id=shown.get("KmsKeyId", ""),
        tls=bool(shown.get("TLSEnabled", True)),
        snapshot_days=shown.get("SnapshotRetentionLimit", 0),
        born=min(made).astimezone(UTC).strftime("%y%m%d%H%M%S") if made else "",
    )


def _worlds(reader: Reader, account: str, region: str) -> _Worlds:
    what = ("memorydb", "describe_multi_region_clusters", "MultiRegionClusters")
    shown = reader.pages(account, region, *what, ShowClusterDetails=True)
    if isinstance(shown, Unreachable):
        return UNREACHABLE
    return {one["MultiRegionClusterName"]: world(one) for one in shown or ()}


def world(shown: Mapping[str, Any]) -> World:
    """AWS's description of a multi-Region cluster as a World."""
    members = tuple(Member(one["ClusterName"], one["Region"], one.get("Status", "")) for one in shown.get("Clusters", ()))
    return World(shown["MultiRegionClusterName"], shown.get("Status", "unknown"), shown.get("NodeType", ""), members)


def _world(worlds: _Worlds, pair: Pair, source: Side, target: Side) -> World | Unreachable | None:
    """The multi-Region cluster of either side, also by its own word where a side does not answer."""
    if isinstance(worlds, Unreachable):
        return UNREACHABLE
    for side in (target, source):
        if isinstance(side, Cluster) and side.world:
            return worlds.get(side.world)
    if isinstance(source, Unreachable):
        return next((one for one in worlds.values() if one.member(pair.source_region, pair.source_id)), None)
    return None


def _region(reader: Reader, account: str, region: str) -> tuple[_Clusters, Acls]:
    """Clusters and ACLs. A region that gives only one of them is taken for one that does not answer."""
    clusters = _clusters(reader, account, region)
    shown = UNREACHABLE if isinstance(clusters, Unreachable) else reader.pages(account, region, "memorydb", "describe_acls", "ACLs")
    if isinstance(shown, Unreachable):
        return UNREACHABLE, {}
    return clusters, {one["Name"]: len(one.get("UserNames", ())) for one in shown or ()}


def _find(reader: Reader, account: str, clusters: _Clusters, name: str) -> Side:
    """The cluster with its tags. A region that does not give them is taken for one that does not answer."""
    if isinstance(clusters, Unreachable):
        return UNREACHABLE
    found = clusters.get(name.lower())
    if found is None:
        return None
    gone = ("ClusterNotFoundFault", "InvalidClusterStateFault")
    shown = reader.read(account, found.region, "memorydb", "list_tags", absent=gone, ResourceArn=found.arn)
    if isinstance(shown, Unreachable):
        return UNREACHABLE
    return replace(found, tags={one["Key"]: one.get("Value", "") for one in (shown or {}).get("TagList", ())})


def _with_lag(reader: Reader, account: str, region: str, other: str, sides: dict[str, Side]) -> dict[str, Side]:
    """Members of multi-Region clusters with what they lag behind the other region."""
    names = {side.name for side in sides.values() if isinstance(side, Cluster) and side.world}
    lags = _lags(reader, account, region, other, names) if names else {}
    return {
        key: replace(side, lag_seconds=lags.get(side.name)) if isinstance(side, Cluster) and side.name in lags else side
        for key, side in sides.items()
    }


def _lags(reader: Reader, account: str, region: str, other: str, names: Iterable[str]) -> dict[str, float]:
    """Cluster -> seconds behind `other`, of the worst shard.

    The metric is in milliseconds, per pair of regions and shard. AWS documents no names of its dimensions: those that exist are
    listed, and chosen by their values.
    """
    known = reader.pages(account, region, "cloudwatch", "list_metrics", "Metrics", Namespace="AWS/MemoryDB", MetricName=LAG_METRIC)
    asked = []
    for metric in () if isinstance(known, Unreachable) else known or ():
        values = {one["Value"] for one in metric.get("Dimensions", ())}
        asked += [(name, metric) for name in sorted(names) if name in values and other in values]
    now = datetime.now(UTC)
    found: dict[str, float] = {}
    for start in range(0, len(asked), METRIC_LIMIT):
        part = asked[start : start + METRIC_LIMIT]
        results = reader.pages(
            account,
            region,
            "cloudwatch",
            "get_metric_data",
            "MetricDataResults",
            MetricDataQueries=[_query(index, metric) for index, (_name, metric) in enumerate(part)],
            StartTime=now - LAG_WINDOW,
            EndTime=now,
            ScanBy="TimestampDescending",
        )
        newest: dict[str, float] = {}
        for result in () if isinstance(results, Unreachable) else results or ():
            if result.get("Values"):
                newest.setdefault(result["Id"], float(result["Values"][0]) / 1000)
        for index, (name, _metric) in enumerate(part):
            # A shard without a datapoint is not known, and so neither is its cluster.
            found[name] = max(newest.get(f"m{index}", float("inf")), found.get(name, -1.0))
    return {name: lag for name, lag in found.items() if lag != float("inf")}


def _query(index: int, metric: Mapping[str, Any]) -> dict[str, Any]:
    asked = {name: metric[name] for name in ("Namespace", "MetricName", "Dimensions")}
    return {"Id": f"m{index}", "MetricStat": {"Metric": asked, "Period": 60, "Stat": "Maximum"}}
