# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Aurora adapter sees of a pair, and how it is read: listings per region, global databases, the lag of many clusters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from ..adapters.base import Reader
from ..model import UNREACHABLE, Pair, Unreachable
from .fence import RETIRED_TAG, Fences, Marked, group_of, groups
from .metrics import Metric, newest

#: States of clusters and of their instances that pass by themselves.
CHANGING: Final = frozenset(
    {
        "configuring-enhanced-monitoring",
        "configuring-iam-database-auth",
        "configuring-log-exports",
        "creating",
        "failing-over",
        "maintenance",
        "migrating",
        "modifying",
        "promoting",
        "rebooting",
        "renaming",
        "resetting-master-credentials",
        "resyncing",
        "starting",
        "stopping",
        "storage-optimization",
        "update-iam-db-auth",
        "upgrading",
    }
)
#: A cluster's backups do not hold it up.
USABLE: Final = frozenset({"available", "backing-up"})
#: What AWS names the snapshot with the writes that an unplanned failover did not carry over.
LOST_PREFIX: Final = "rds:unplanned-global-failover-"


@dataclass(frozen=True, slots=True)
class Node:
    """A DB instance of a cluster."""

    id: str
    status: str
    writer: bool
    instance_class: str = ""


@dataclass(frozen=True, slots=True)
class Cluster(Marked):
    """One side's Aurora cluster, as DescribeDBClusters shows it.

    nodes: its instances; none makes it headless. source: (region, identifier) of what it replicates by binlog, set exactly while
    it does. lag_seconds: of a secondary or a replica, from CloudWatch; None without a recent datapoint, negative when it does not
    replicate.
    """

    arn: str
    id: str
    region: str
    status: str
    engine: str = ""
    version: str = ""
    resource_id: str = ""
    endpoint: str = ""
    reader_endpoint: str = ""
    port: int = 0
    nodes: tuple[Node, ...] = ()
    source: tuple[str, str] | None = None
    replicas: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    groups_settled: bool = True
    subnet_group: str = ""
    vpc_id: str = ""
    kms_key_id: str = ""
    encrypted: bool = False
    protected: bool = False
    parameter_group: str = ""
    lag_seconds: float | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def usable(self) -> bool:
        """Whether the cluster's volume answers."""
        return self.status in USABLE

    @property
    def changing(self) -> bool:
        """Whether its state passes by itself."""
        return self.status in CHANGING

    @property
    def headless(self) -> bool:
        """Whether it has no instance: it keeps data, and serves nobody."""
        return not self.nodes

    @property
    def writer(self) -> Node | None:
        """The instance that is, or would be, its writer."""
        return next((node for node in self.nodes if node.writer), None)

    @property
    def modify(self) -> tuple[str, dict[str, Any]]:
        """The operation that changes it, and the parameters that name it."""
        return "modify_db_cluster", {"DBClusterIdentifier": self.id}

    @property
    def suffix(self) -> str:
        """Part of a name that no other cluster ever has: from AWS's own immutable id of it."""
        return self.resource_id.rpartition("-")[2].lower()[-10:]


Side: TypeAlias = "Cluster | Unreachable | None"


@dataclass(frozen=True, slots=True)
class Member:
    """A cluster's part in a global database.

    sync: connected, pending-resync, or "" where AWS says nothing. forwarding: whether writes sent to it as a secondary go on to the
    writer (enabled, disabled, …); "" where AWS says nothing.
    """

    arn: str
    region: str
    id: str
    writer: bool
    sync: str = ""
    forwarding: str = ""


@dataclass(frozen=True, slots=True)
class World:
    """A global database. moving: the state of a switchover or failover under way, "" for none; moving_to: its target's ARN."""

    id: str
    status: str
    members: tuple[Member, ...] = ()
    moving: str = ""
    moving_to: str = ""

    def member(self, region: str, ident: str) -> Member | None:
        """One region's cluster in it."""
        return next((one for one in self.members if (one.region, one.id) == (region, ident.lower())), None)


@dataclass(frozen=True, slots=True)
class Lost:
    """A snapshot of writes that an unplanned failover left behind, and the state of its manual copy ("" when there is none)."""

    id: str
    arn: str
    copy: str
    copy_status: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """Both sides and the global database they are in, as the target region sees it.

    retired: old clusters of this pair in the source region. fence_group: as `fence.group_of` gives it.
    lost: the source's snapshots of lost writes, read when the target is the writer. source_at, target_at: (region, identifier).
    """

    source: Side
    target: Side
    world: World | Unreachable | None = None
    retired: tuple[Cluster, ...] = ()
    fence_group: str | Unreachable | None = None
    lost: tuple[Lost, ...] | Unreachable = ()
    source_at: tuple[str, str] = ("", "")
    target_at: tuple[str, str] = ("", "")

    @property
    def whole(self) -> World | None:
        """The global database, where one is known."""
        return self.world if isinstance(self.world, World) else None

    @property
    def source_member(self) -> Member | None:
        """The source's part in it, which is known also when the source does not answer."""
        return self.whole.member(*self.source_at) if self.whole else None

    @property
    def target_member(self) -> Member | None:
        """The target's part in it."""
        return self.whole.member(*self.target_at) if self.whole else None


def option(pair: Pair, region: str, name: str, default: Any = None) -> Any:
    """A setting, as it is for one region: `regions.<region>.<name>` before `<name>`."""
    there = pair.settings.get("regions", {}).get(region, {})
    return there.get(name, pair.settings.get(name, default))


def observe(reader: Reader, pairs: Sequence[Pair]) -> dict[str, Seen]:
    """Pair key -> Seen. Two listings a region, the global databases once, lag and snapshots where they matter."""
    account, here, there = pairs[0].account, pairs[0].source_region, pairs[0].target_region
    sources, targets = _clusters(reader, account, here), _clusters(reader, account, there)
    worlds = _worlds(reader, account, there)
    left = {pair.key: _find(sources, pair.source_id) for pair in pairs}
    right = {pair.key: _find(targets, pair.target_id) for pair in pairs}
    global_of = {pair.key: _world(worlds, pair) for pair in pairs}
    left = _with_lag(reader, account, here, left, global_of)
    right = _with_lag(reader, account, there, right, global_of)
    fences = groups(reader, account, here, _unfenced(pairs, left, global_of))
    lost = _lost(reader, account, here, [pair for pair in pairs if _moved(global_of[pair.key], pair)])
    return {
        pair.key: Seen(
            left[pair.key],
            right[pair.key],
            global_of[pair.key],
            _retired(sources, pair.source_id),
            option(pair, here, "fence_security_group") or _fence(fences, left[pair.key]),
            lost.get(pair.key, ()),
            (here, pair.source_id.lower()),
            (there, pair.target_id.lower()),
        )
        for pair in pairs
    }


# -- clusters ---------------------------------------------------------------------------------------------------------

_Listing: TypeAlias = "dict[str, Cluster] | Unreachable"


def _clusters(reader: Reader, account: str, region: str) -> _Listing:
    found = reader.pages(account, region, "rds", "describe_db_clusters", "DBClusters")
    if isinstance(found, Unreachable):
        return UNREACHABLE
    aurora = [one for one in found or () if one.get("Engine", "").startswith("aurora")]
    instances = reader.pages(account, region, "rds", "describe_db_instances", "DBInstances") if aurora else ()
    if isinstance(instances, Unreachable):
        return UNREACHABLE
    nodes = {one["DBInstanceIdentifier"]: one for one in instances or () if one.get("DBClusterIdentifier")}
    return {one["DBClusterIdentifier"]: cluster(one, region, nodes) for one in aurora}


def cluster(shown: Mapping[str, Any], region: str, instances: Mapping[str, Mapping[str, Any]]) -> Cluster:
    """AWS's description of a cluster, with those of its instances by identifier, as a Cluster."""
    members = [(one, instances.get(one["DBInstanceIdentifier"], {})) for one in shown.get("DBClusterMembers", ())]
    found = shown.get("VpcSecurityGroups", ())
    kept = [one for one in found if one.get("Status") != "removing"]
    source = shown.get("ReplicationSourceIdentifier", "")
    networks = [one["DBSubnetGroup"]["VpcId"] for _member, one in members if one.get("DBSubnetGroup", {}).get("VpcId")]
    return Cluster(
        arn=shown["DBClusterArn"],
        id=shown["DBClusterIdentifier"],
        region=region,
        status=shown.get("Status", "unknown"),
        engine=shown.get("Engine", ""),
        version=shown.get("EngineVersion", ""),
        resource_id=shown.get("DbClusterResourceId", ""),
        endpoint=shown.get("Endpoint", ""),
        reader_endpoint=shown.get("ReaderEndpoint", ""),
        port=shown.get("Port", 0),
        nodes=tuple(
            Node(
                member["DBInstanceIdentifier"],
                one.get("DBInstanceStatus", "unknown"),
                bool(member.get("IsClusterWriter")),
                one.get("DBInstanceClass", ""),
            )
            for member, one in members
        ),
        source=(source.split(":")[3], source.rsplit(":", 1)[-1]) if source.startswith("arn:") else None,
        replicas=tuple(shown.get("ReadReplicaIdentifiers", ())),
        groups=tuple(sorted(one["VpcSecurityGroupId"] for one in kept)),
        groups_settled=all(one.get("Status", "active") == "active" for one in found),
        subnet_group=shown.get("DBSubnetGroup", ""),
        vpc_id=networks[0] if networks else "",
        kms_key_id=shown.get("KmsKeyId", ""),
        encrypted=bool(shown.get("StorageEncrypted")),
        protected=bool(shown.get("DeletionProtection")),
        parameter_group=shown.get("DBClusterParameterGroup", ""),
        tags={one["Key"]: one.get("Value", "") for one in shown.get("TagList", ())},
    )


def _find(listing: _Listing, ident: str) -> Side:
    return listing if isinstance(listing, Unreachable) else listing.get(ident.lower())


def _retired(listing: _Listing, ident: str) -> tuple[Cluster, ...]:
    if isinstance(listing, Unreachable):
        return ()
    old = [one for one in listing.values() if one.tags.get(RETIRED_TAG) == ident.lower() and one.id != ident.lower()]
    return tuple(sorted(old, key=lambda one: (-one.epoch, one.id)))


# -- global databases -------------------------------------------------------------------------------------------------

_Worlds: TypeAlias = "tuple[World, ...] | Unreachable"


def _worlds(reader: Reader, account: str, region: str) -> _Worlds:
    found = reader.pages(account, region, "rds", "describe_global_clusters", "GlobalClusters")
    if isinstance(found, Unreachable):
        return UNREACHABLE
    return tuple(world(one) for one in found or ())


def world(shown: Mapping[str, Any]) -> World:
    """AWS's description of a global database as a World."""
    moving = shown.get("FailoverState") or {}
    status = shown.get("Status", "unknown")
    state = moving.get("Status") or (status if status in ("switching-over", "failing-over") else "")
    members = [
        Member(
            one["DBClusterArn"],
            one["DBClusterArn"].split(":")[3],
            one["DBClusterArn"].rsplit(":", 1)[-1],
            bool(one.get("IsWriter")),
            one.get("SynchronizationStatus", ""),
            one.get("GlobalWriteForwardingStatus", ""),
        )
        for one in shown.get("GlobalClusterMembers", ())
    ]
    return World(shown["GlobalClusterIdentifier"], status, tuple(members), state, moving.get("ToDbClusterArn", ""))


def _world(worlds: _Worlds, pair: Pair) -> World | Unreachable | None:
    """The global database that either side is in; the one that a setting names, which may still be empty."""
    if isinstance(worlds, Unreachable):
        return UNREACHABLE
    for region, ident in ((pair.target_region, pair.target_id), (pair.source_region, pair.source_id)):
        for one in worlds:
            if one.member(region, ident):
                return one
    return next((one for one in worlds if one.id == pair.settings.get("global_cluster")), None)


_WorldOf: TypeAlias = "Mapping[str, World | Unreachable | None]"


def _moved(found: World | Unreachable | None, pair: Pair) -> bool:
    member = found.member(pair.target_region, pair.target_id) if isinstance(found, World) else None
    return member is not None and member.writer


# -- lag --------------------------------------------------------------------------------------------------------------


def _with_lag(reader: Reader, account: str, region: str, sides: dict[str, Side], worlds: _WorldOf) -> dict[str, Side]:
    """Those that follow another with their lag. AWS's pages differ on the dimensions of these metrics: all are asked for."""
    wanted: dict[str, Metric] = {}
    for key, side in sides.items():
        if isinstance(side, Cluster):
            for number, metric in enumerate(_metrics(side, worlds[key])):
                wanted[f"{key}\0{number}"] = metric
    found = newest(reader, account, region, wanted)
    lags: dict[str, float] = {}
    for name, metric in wanted.items():
        if name in found:
            milliseconds = metric.name != "AuroraBinlogReplicaLag"
            lags.setdefault(name.partition("\0")[0], found[name] / 1000 if milliseconds else found[name])
    return {key: replace(side, lag_seconds=lags.get(key)) if isinstance(side, Cluster) else side for key, side in sides.items()}


def _metrics(side: Cluster, found: World | Unreachable | None) -> Iterator[Metric]:
    if side.source:
        node = side.writer.id if side.writer else side.id
        yield Metric("AWS/RDS", "AuroraBinlogReplicaLag", (("DBInstanceIdentifier", node),))
        yield Metric("AWS/RDS", "AuroraBinlogReplicaLag", (("DBClusterIdentifier", side.id),))
        return
    member = found.member(side.region, side.id) if isinstance(found, World) else None
    if isinstance(found, World) and member and not member.writer:
        writer = next((one.region for one in found.members if one.writer), "")
        for name in ("AuroraGlobalDBRPOLag", "AuroraGlobalDBReplicationLag"):
            yield Metric("AWS/RDS", name, (("DBClusterIdentifier", side.id),))
            yield Metric("AWS/RDS", name, (("DBClusterIdentifier", side.id), ("SourceRegion", writer)))


# -- fence and lost writes --------------------------------------------------------------------------------------------


def _unfenced(pairs: Iterable[Pair], sources: Mapping[str, Side], worlds: _WorldOf) -> Iterator[Cluster]:
    """Sources that may have to be fenced by us: AWS fences those of a global database itself."""
    for pair in pairs:
        side, found = sources[pair.key], worlds[pair.key]
        if not isinstance(side, Cluster) or side.source or option(pair, pair.source_region, "fence_security_group"):
            continue
        both = isinstance(found, World) and all(
            found.member(region, ident)
            for region, ident in ((pair.source_region, pair.source_id), (pair.target_region, pair.target_id))
        )
        if not both or pair.settings.get("detach"):
            yield side


def _fence(fences: Fences, source: Side) -> str | Unreachable | None:
    return group_of(fences, source.vpc_id if isinstance(source, Cluster) else "")


def _lost(reader: Reader, account: str, region: str, pairs: Sequence[Pair]) -> dict[str, tuple[Lost, ...] | Unreachable]:
    """Pair key -> snapshots of what its source had written and could not send."""
    if not pairs:
        return {}
    found = reader.pages(account, region, "rds", "describe_db_cluster_snapshots", "DBClusterSnapshots")
    if isinstance(found, Unreachable):
        return {pair.key: UNREACHABLE for pair in pairs}
    states = {one["DBClusterSnapshotIdentifier"]: one.get("Status", "unknown") for one in found or ()}
    lost: dict[str, tuple[Lost, ...] | Unreachable] = {}
    for pair in pairs:
        prefix = f"{LOST_PREFIX}{pair.source_id.lower()}-"
        mine = [one for one in found or () if one["DBClusterSnapshotIdentifier"].startswith(prefix)]
        lost[pair.key] = tuple(
            Lost(ident, one["DBClusterSnapshotArn"], name, states.get(name, ""))
            for one in sorted(mine, key=lambda one: str(one["DBClusterSnapshotIdentifier"]))
            if one["DBClusterSnapshotIdentifier"].removeprefix(prefix).replace("-", "").replace(":", "").isdigit()
            for ident in [one["DBClusterSnapshotIdentifier"]]
            for name in [copy_name(ident)]
        )
    return lost


def copy_name(snapshot: str) -> str:
    """The manual copy of a snapshot of lost writes: the same name without what only AWS may use."""
    return snapshot.removeprefix("rds:").replace(":", "-")[:255].rstrip("-")
