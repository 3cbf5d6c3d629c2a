# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ElastiCache adapter sees of a pair, and how it is read: three listings per region, one request for many lags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from ..adapters.base import Reader
from ..model import UNREACHABLE, Pair, Unreachable

#: Written on an old source before it leaves its global datastore, for then it takes writes again: the datastore's id.
RETIRED_TAG: Final = "dr:quarantined"
#: Written on a group when it is made: the execution that made it, which never removes it.
MADE_TAG: Final = "dr:made-by"
#: States of a replication group that pass by themselves.
CHANGING: Final = frozenset({"creating", "modifying", "snapshotting"})
#: A lag whose newest datapoint is older is not known.
LAG_WINDOW: Final = timedelta(minutes=5)
#: GetMetricData takes so many queries a call.
METRIC_LIMIT: Final = 500


@dataclass(frozen=True, slots=True)
class Member:
    """One replication group of a global datastore, as the datastore tells of it."""

    id: str
    region: str
    role: str
    status: str


@dataclass(frozen=True, slots=True)
class Datastore:
    """A global datastore. status: creating, primary-only, available, modifying, …"""

    id: str
    status: str
    members: tuple[Member, ...] = ()

    def member(self, region: str, ident: str) -> Member | None:
        """The member that is this replication group; None when it is none."""
        return next((one for one in self.members if (one.region, one.id) == (region, ident.lower())), None)

    @property
    def writer(self) -> Member | None:
        """The member that takes writes."""
        return next((one for one in self.members if one.role == "PRIMARY"), None)


@dataclass(frozen=True, slots=True)
class Group:
    """One side's replication group, as its own region describes it.

    datastore, role: of the global datastore it belongs to; "" for one of its own, which takes writes. replicas: per shard.
    encrypted: at rest; tls: in transit. born: when it was made, digits only. lag_seconds: of a SECONDARY, from CloudWatch; None
    without a recent datapoint. tags: read only where a decision needs them.
    """

    id: str
    arn: str
    region: str
    status: str
    datastore: str = ""
    role: str = ""
    endpoint: str = ""
    port: int = 0
    node_type: str = ""
    clustered: bool = False
    shards: int = 1
    replicas: int = 0
    nodes: tuple[str, ...] = ()
    multi_az: bool = False
    failover: bool = False
    kms_key_id: str = ""
    encrypted: bool = False
    tls: bool = False
    user_groups: tuple[str, ...] = ()
    born: str = ""
    subnet_group: str = ""
    security_groups: tuple[str, ...] = ()
    lag_seconds: float | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def retired(self) -> str:
        """The datastore that CLEANUP takes, or took, it out of; "" for any other group."""
        return self.tags.get(RETIRED_TAG, "")


Side: TypeAlias = "Group | Unreachable | None"
World: TypeAlias = "Datastore | Unreachable | None"


@dataclass(frozen=True, slots=True)
class Seen:
    """Both sides, and the global datastore as the target region tells of it, or the source region where that knows none."""

    source: Side
    target: Side
    world: World = None


def option(pair: Pair, region: str, name: str, default: Any = None) -> Any:
    """A setting, as it is for one region: `regions.<region>.<name>` before `<name>`."""
    there = pair.settings.get("regions", {}).get(region, {})
    return there.get(name, pair.settings.get(name, default))


def observe(reader: Reader, pairs: Sequence[Pair]) -> dict[str, Seen]:
    """Pair key -> Seen. A region tells only of the datastores that it has a member of."""
    account, source_region, target_region = pairs[0].account, pairs[0].source_region, pairs[0].target_region
    here, there = _groups(reader, account, source_region), _groups(reader, account, target_region)
    sources = {pair.key: _find(here, pair.source_id) for pair in pairs}
    targets = {pair.key: _find(there, pair.target_id) for pair in pairs}
    sources = _with_lag(reader, account, source_region, sources)
    targets = _with_lag(reader, account, target_region, targets)
    near = _worlds(reader, account, target_region)
    elsewhere = any(_world(near, targets[key]) is None and _datastore(sources[key]) for key in sources)
    far: _Worlds = _worlds(reader, account, source_region) if elsewhere else {}
    found = {}
    for pair in pairs:
        source, target = _with_tags(reader, account, sources[pair.key], targets[pair.key])
        found[pair.key] = Seen(source, target, _world(near, target) or _world(far, source))
    return found


_Groups: TypeAlias = "dict[str, Group] | Unreachable"
_Worlds: TypeAlias = "dict[str, Datastore] | Unreachable"


def _groups(reader: Reader, account: str, region: str) -> _Groups:
    shown = reader.pages(account, region, "elasticache", "describe_replication_groups", "ReplicationGroups")
    if isinstance(shown, Unreachable):
        return UNREACHABLE
    nodes = reader.pages(account, region, "elasticache", "describe_cache_clusters", "CacheClusters")
    if isinstance(nodes, Unreachable):
        return UNREACHABLE
    places = {one["CacheClusterId"]: one for one in nodes or ()}
    return {one["ReplicationGroupId"]: group(one, region, places) for one in shown or ()}


def group(shown: Mapping[str, Any], region: str, nodes: Mapping[str, Mapping[str, Any]]) -> Group:
    """AWS's description of a replication group, and of its nodes by their id, as a Group."""
    world, shards = shown.get("GlobalReplicationGroupInfo", {}), shown.get("NodeGroups", ())
    end = shown.get("ConfigurationEndpoint") or next((one.get("PrimaryEndpoint") for one in shards), None) or {}
    members = tuple(shown.get("MemberClusters", ()))
    node = next((nodes[name] for name in members if name in nodes), {})
    born = shown.get("ReplicationGroupCreateTime")
    return Group(
        id=shown["ReplicationGroupId"],
        arn=shown.get("ARN", ""),
        region=region,
        status=shown.get("Status", "unknown"),
        datastore=world.get("GlobalReplicationGroupId", ""),
        role=world.get("GlobalReplicationGroupMemberRole", ""),
        endpoint=end.get("Address", ""),
        port=end.get("Port", 0),
        node_type=shown.get("CacheNodeType", ""),
        clustered=bool(shown.get("ClusterEnabled")),
        shards=max(len(shards), 1),
        replicas=max(len(members) // max(len(shards), 1) - 1, 0),
        nodes=members,
        multi_az=shown.get("MultiAZ") == "enabled",
        failover=shown.get("AutomaticFailover") == "enabled",
        kms_key_id=shown.get("KmsKeyId", ""),
        encrypted=bool(shown.get("AtRestEncryptionEnabled")),
        tls=bool(shown.get("TransitEncryptionEnabled")),
        user_groups=tuple(shown.get("UserGroupIds", ())),
        born=born.astimezone(UTC).strftime("%y%m%d%H%M%S") if born else "",
        subnet_group=node.get("CacheSubnetGroupName", ""),
        security_groups=tuple(sorted(one["SecurityGroupId"] for one in node.get("SecurityGroups", ()))),
    )


def _worlds(reader: Reader, account: str, region: str) -> _Worlds:
    what = ("elasticache", "describe_global_replication_groups", "GlobalReplicationGroups")
    shown = reader.pages(account, region, *what, ShowMemberInfo=True)
    if isinstance(shown, Unreachable):
        return UNREACHABLE
    return {one["GlobalReplicationGroupId"]: datastore(one) for one in shown or ()}


def datastore(shown: Mapping[str, Any]) -> Datastore:
    """AWS's description of a global datastore as a Datastore."""
    members = tuple(
        Member(one["ReplicationGroupId"], one["ReplicationGroupRegion"], one.get("Role", ""), one.get("Status", ""))
        for one in shown.get("Members", ())
    )
    return Datastore(shown["GlobalReplicationGroupId"], shown.get("Status", "unknown"), members)


def _find(groups: _Groups, ident: str) -> Side:
    return groups if isinstance(groups, Unreachable) else groups.get(ident.lower())


def _world(worlds: _Worlds, side: Side) -> World:
    """The datastore of a group. A region that does not answer is not one without datastores."""
    ident = _datastore(side)
    if not ident:
        return None
    return UNREACHABLE if isinstance(worlds, Unreachable) else worlds.get(ident)


def _datastore(side: Side) -> str:
    return side.datastore if isinstance(side, Group) else ""


def _with_tags(reader: Reader, account: str, source: Side, target: Side) -> tuple[Side, Side]:
    """Tags where a decision needs them: of a group to be copied, and of an old source that leaves or has left its datastore."""
    if source is None:
        target = tagged(reader, account, target)
    elif target is None or (isinstance(target, Group) and target.role == "PRIMARY"):
        source = tagged(reader, account, source)
    return source, target


def tagged(reader: Reader, account: str, side: Side) -> Side:
    """The group with its tags; without any where its state does not let them be read."""
    if not isinstance(side, Group):
        return side
    gone = ("ReplicationGroupNotFoundFault", "CacheClusterNotFound", "InvalidReplicationGroupState")
    shown = reader.read(account, side.region, "elasticache", "list_tags_for_resource", absent=gone, ResourceName=side.arn)
    if isinstance(shown, Unreachable):
        return UNREACHABLE
    tags = {one["Key"]: one.get("Value", "") for one in (shown or {}).get("TagList", ())}
    return replace(side, tags=tags)


def _with_lag(reader: Reader, account: str, region: str, sides: dict[str, Side]) -> dict[str, Side]:
    """The secondaries among them with their lag."""
    following = [side for side in sides.values() if isinstance(side, Group) and side.role == "SECONDARY"]
    lags = _lags(reader, account, region, following)
    return {
        key: replace(side, lag_seconds=lags.get(side.id)) if isinstance(side, Group) and side.id in lags else side
        for key, side in sides.items()
    }


def _lags(reader: Reader, account: str, region: str, groups: Iterable[Group]) -> dict[str, float]:
    """Group -> the largest lag that is shown. AWS documents no dimension for it: the group and its nodes are asked for."""
    asked = [(one.id, name, value) for one in groups for name, value in _dimensions(one)]
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
            MetricDataQueries=[_query(index, name, value) for index, (_group, name, value) in enumerate(part)],
            StartTime=now - LAG_WINDOW,
            EndTime=now,
            ScanBy="TimestampDescending",
        )
        newest: dict[str, float] = {}
        for result in () if isinstance(results, Unreachable) else results or ():
            if result.get("Values"):
                newest.setdefault(result["Id"], float(result["Values"][0]))
        for key, lag in newest.items():
            ident = part[int(key[1:])][0]
            found[ident] = max(lag, found.get(ident, lag))
    return found


def _dimensions(one: Group) -> list[tuple[str, str]]:
    return [("ReplicationGroupId", one.id), *(("CacheClusterId", node) for node in one.nodes)]


def _query(index: int, name: str, value: str) -> dict[str, Any]:
    metric = {
        "Namespace": "AWS/ElastiCache",
        "MetricName": "GlobalDatastoreReplicationLag",
        "Dimensions": [{"Name": name, "Value": value}],
    }
    return {"Id": f"m{index}", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}}
