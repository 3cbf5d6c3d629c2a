# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the RDS adapter sees of a pair, and how it is read: one listing per region, one request for the lag of many replicas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from ..adapters.base import Reader
from ..model import UNREACHABLE, Pair, Unreachable
from .fence import RETIRED_TAG, Fences, Marked, group_of, groups
from .metrics import Metric, newest

#: States that pass by themselves. `backing-up` is one: a promotion is refused in it.
CHANGING: Final = frozenset(
    {
        "backing-up",
        "configuring-enhanced-monitoring",
        "configuring-iam-database-auth",
        "configuring-log-exports",
        "converting-to-vpc",
        "creating",
        "maintenance",
        "modifying",
        "moving-to-vpc",
        "rebooting",
        "renaming",
        "resetting-master-credentials",
        "starting",
        "stopping",
        "storage-config-upgrade",
        "storage-initialization",
        "upgrading",
    }
)
#: States in which it answers its clients; a volume may be optimised for hours meanwhile.
USABLE: Final = frozenset({"available", "storage-optimization"})


@dataclass(frozen=True, slots=True)
class Instance(Marked):
    """One side's DB instance, as DescribeDBInstances shows it.

    source: (region, identifier) of what it replicates from, set exactly while it does. groups_settled: no change of its security
    groups is under way. replication: the state of `read replication` among its StatusInfos, "" where AWS gives none.
    lag_seconds: of a replica, from CloudWatch; None without a recent datapoint, -1 when it does not replicate.
    """

    arn: str
    id: str
    region: str
    status: str
    engine: str = ""
    engine_version: str = ""
    instance_class: str = ""
    resource_id: str = ""
    endpoint: str = ""
    port: int = 0
    source: tuple[str, str] | None = None
    replicas: tuple[str, ...] = ()
    backup_days: int = 0
    storage_gb: int = 0
    groups: tuple[str, ...] = ()
    groups_settled: bool = True
    subnet_group: str = ""
    vpc_id: str = ""
    kms_key_id: str = ""
    encrypted: bool = False
    multi_az: bool = False
    protected: bool = False
    parameter_group: str = ""
    option_group: str = ""
    replication: str = ""
    lag_seconds: float | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_replica(self) -> bool:
        """Whether it replicates from another instance and is read-only."""
        return self.source is not None

    @property
    def usable(self) -> bool:
        """Whether it answers its clients."""
        return self.status in USABLE

    @property
    def changing(self) -> bool:
        """Whether its state passes by itself."""
        return self.status in CHANGING

    @property
    def modify(self) -> tuple[str, dict[str, Any]]:
        """The operation that changes it, and the parameters that name it."""
        return "modify_db_instance", {"DBInstanceIdentifier": self.id}

    @property
    def suffix(self) -> str:
        """Part of a name that no other instance ever has: from AWS's own immutable id of it."""
        return self.resource_id.rpartition("-")[2].lower()[-10:]


Side: TypeAlias = "Instance | Unreachable | None"


@dataclass(frozen=True, slots=True)
class Seen:
    """Both sides. retired: old instances of this pair in the source region. fence_group: id of the group that fences there,
    None when there is none yet, "" when somebody has given it inbound rules."""

    source: Side
    target: Side
    retired: tuple[Instance, ...] = ()
    fence_group: str | Unreachable | None = None


def option(pair: Pair, region: str, name: str, default: Any = None) -> Any:
    """A setting, as it is for one region: `regions.<region>.<name>` before `<name>`."""
    there = pair.settings.get("regions", {}).get(region, {})
    return there.get(name, pair.settings.get(name, default))


def observe(reader: Reader, pairs: Sequence[Pair]) -> dict[str, Seen]:
    """Pair key -> Seen. Two listings, the lag of what replicates, and the fencing group where one may be needed."""
    account, source_region, target_region = pairs[0].account, pairs[0].source_region, pairs[0].target_region
    here = _instances(reader, account, source_region)
    there = _instances(reader, account, target_region)
    sources = {pair.key: _find(here, pair.source_id) for pair in pairs}
    targets = {pair.key: _find(there, pair.target_id) for pair in pairs}
    targets = _with_lag(reader, account, target_region, targets)
    sources = _with_lag(reader, account, source_region, sources)
    fences = groups(reader, account, source_region, _unfenced(pairs, sources))
    return {
        pair.key: Seen(
            sources[pair.key],
            targets[pair.key],
            _retired(here, pair.source_id),
            option(pair, source_region, "fence_security_group") or _fence(fences, sources[pair.key]),
        )
        for pair in pairs
    }


_Listing: TypeAlias = "dict[str, Instance] | Unreachable"


def _instances(reader: Reader, account: str, region: str) -> _Listing:
    found = reader.pages(account, region, "rds", "describe_db_instances", "DBInstances")
    if isinstance(found, Unreachable):
        return UNREACHABLE
    return {one["DBInstanceIdentifier"]: instance(one, region) for one in found or () if not one.get("DBClusterIdentifier")}


def _find(listing: _Listing, ident: str) -> Side:
    return listing if isinstance(listing, Unreachable) else listing.get(ident.lower())


def _retired(listing: _Listing, ident: str) -> tuple[Instance, ...]:
    if isinstance(listing, Unreachable):
        return ()
    old = [one for one in listing.values() if one.tags.get(RETIRED_TAG) == ident.lower() and one.id != ident.lower()]
    return tuple(sorted(old, key=lambda one: (-one.epoch, one.id)))


def instance(shown: Mapping[str, Any], region: str) -> Instance:
    """AWS's description of a DB instance as an Instance."""
    subnets = shown.get("DBSubnetGroup", {})
    found = shown.get("VpcSecurityGroups", ())
    kept = [one for one in found if one.get("Status") != "removing"]
    states = [one for one in shown.get("StatusInfos", ()) if one.get("StatusType") == "read replication"]
    parameters = [one["DBParameterGroupName"] for one in shown.get("DBParameterGroups", ())]
    options = [one["OptionGroupName"] for one in shown.get("OptionGroupMemberships", ())]
    source = shown.get("ReadReplicaSourceDBInstanceIdentifier")
    return Instance(
        arn=shown["DBInstanceArn"],
        id=shown["DBInstanceIdentifier"],
        region=region,
        status=shown.get("DBInstanceStatus", "unknown"),
        engine=shown.get("Engine", ""),
        engine_version=shown.get("EngineVersion", ""),
        instance_class=shown.get("DBInstanceClass", ""),
        resource_id=shown.get("DbiResourceId", ""),
        endpoint=shown.get("Endpoint", {}).get("Address", ""),
        port=shown.get("Endpoint", {}).get("Port", 0),
        source=_place(source, region) if source else None,
        replicas=tuple(shown.get("ReadReplicaDBInstanceIdentifiers", ())),
        backup_days=shown.get("BackupRetentionPeriod", 0),
        storage_gb=shown.get("AllocatedStorage", 0),
        groups=tuple(sorted(one["VpcSecurityGroupId"] for one in kept)),
        groups_settled=all(one.get("Status", "active") == "active" for one in found),
        subnet_group=subnets.get("DBSubnetGroupName", ""),
        vpc_id=subnets.get("VpcId", ""),
        kms_key_id=shown.get("KmsKeyId", ""),
        encrypted=bool(shown.get("StorageEncrypted")),
        multi_az=bool(shown.get("MultiAZ")),
        protected=bool(shown.get("DeletionProtection")),
        parameter_group=parameters[0] if parameters else "",
        option_group=options[0] if options else "",
        replication=states[0].get("Status", "") if states else "",
        tags={one["Key"]: one.get("Value", "") for one in shown.get("TagList", ())},
    )


def _place(name: str, region: str) -> tuple[str, str]:
    """Where a replica's source is: AWS gives an ARN for one in another region, a bare identifier for one in the same."""
    parts = name.split(":")
    return (parts[3], parts[-1]) if name.startswith("arn:") else (region, name)


def _with_lag(reader: Reader, account: str, region: str, sides: dict[str, Side]) -> dict[str, Side]:
    """The replicas among them with their lag."""
    replicas = sorted({side.id for side in sides.values() if isinstance(side, Instance) and side.is_replica})
    wanted = {name: Metric("AWS/RDS", "ReplicaLag", (("DBInstanceIdentifier", name),)) for name in replicas}
    lags = newest(reader, account, region, wanted)
    return {
        key: replace(side, lag_seconds=lags.get(side.id)) if isinstance(side, Instance) and side.is_replica else side
        for key, side in sides.items()
    }


def _unfenced(pairs: Iterable[Pair], sources: Mapping[str, Side]) -> Iterator[Instance]:
    """Sources that may have to be fenced with a group of ours."""
    for pair in pairs:
        side = sources[pair.key]
        if isinstance(side, Instance) and not side.is_replica and not option(pair, pair.source_region, "fence_security_group"):
            yield side


def _fence(fences: Fences, source: Side) -> str | Unreachable | None:
    return group_of(fences, source.vpc_id if isinstance(source, Instance) else "")
