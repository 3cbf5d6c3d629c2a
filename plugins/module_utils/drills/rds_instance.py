# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A drill of an RDS instance: a snapshot of the standing replica, restored into the drill room.

The replica itself is never promoted: that would end the protection for hours. Facts: the RDS API reference and user guide
(USER_CreateSnapshot, USER_RestoreFromSnapshot).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, TypeAlias

from ..adapters.base import Reader, dark
from ..model import Blocked, Call, Done, Goal, Pair, Step, Unreachable, Wait
from ..parts.rds_state import CHANGING, Instance, instance
from . import room
from .base import AGAIN, Drill, Touch, carries, name, prepared, stranger, tags

#: Restoring reads the whole volume's metadata; a large one takes long.
RESTORE_SECONDS: Final = 4 * 3600
_ABSENT: Final = ("DBInstanceNotFound", "DBInstanceNotFoundFault", "DBSnapshotNotFound", "DBSnapshotNotFoundFault")
_NO_GROUP: Final = ("DBSubnetGroupNotFoundFault", "DBSubnetGroupNotFound")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The drill's snapshot. created_at: ISO 8601, "" until it is complete."""

    id: str
    status: str
    created_at: str
    tags: Mapping[str, str]


_Found: TypeAlias = "Mapping[str, Any] | Unreachable | None"


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything in the target region. origin: the standby. subnet_group_vpc: of the prepared DB subnet group."""

    room: room.Seen
    subnet_group_vpc: str | Unreachable | None
    origin: Instance | Unreachable | None
    copy: Instance | Unreachable | None
    snapshot: Snapshot | Unreachable | None


class RdsInstanceDrill(Drill):
    """Copies of DB instances.

    Settings (`drill.<name>`): db_subnet_group (dr-drill); instance_class, that of the standby when it is left out.
    """

    technology = "rds"
    busy = frozenset({"InvalidDBInstanceState", "InvalidDBInstanceStateFault", "InvalidDBSnapshotState"})
    durations: ClassVar[Mapping[str, int]] = {"instantiate": 2400, "activate": 30, "cleanup": 600}
    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "observe": (*room.ACTIONS, "rds:DescribeDBInstances", "rds:DescribeDBSnapshots", "rds:DescribeDBSubnetGroups"),
        "instantiate": ("rds:CreateDBSnapshot", "rds:RestoreDBInstanceFromDBSnapshot"),
        "activate": (),
        "cleanup": ("rds:DeleteDBInstance", "rds:DeleteDBSnapshot"),
    }
    touches: ClassVar[Mapping[tuple[str, str], Touch]] = {
        ("rds", "create_db_snapshot"): Touch(("DBSnapshotIdentifier",), "Tags"),
        ("rds", "restore_db_instance_from_db_snapshot"): Touch(("DBInstanceIdentifier", "DBSnapshotIdentifier"), "Tags"),
        ("rds", "delete_db_instance"): Touch(("DBInstanceIdentifier",)),
        ("rds", "delete_db_snapshot"): Touch(("DBSnapshotIdentifier",)),
    }

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Seen]:
        account, region = pairs[0].account, pairs[0].target_region
        here = room.observe(reader, account, region)

        def read(operation: str, absent: Sequence[str] = _ABSENT, **params: str) -> _Found:
            return reader.read(account, region, "rds", operation, absent=absent, **params)

        def database(ident: str) -> Instance | Unreachable | None:
            found = read("describe_db_instances", DBInstanceIdentifier=ident)
            return instance(found["DBInstances"][0], region) if isinstance(found, Mapping) else found

        def seen(pair: Pair) -> Seen:
            group = read("describe_db_subnet_groups", _NO_GROUP, DBSubnetGroupName=prepared(pair, "db_subnet_group"))
            vpc = str(group["DBSubnetGroups"][0]["VpcId"]) if isinstance(group, Mapping) else group
            taken = read("describe_db_snapshots", DBSnapshotIdentifier=_name(pair))
            snapshot = _snapshot(taken["DBSnapshots"][0]) if isinstance(taken, Mapping) else taken
            return Seen(here, vpc, database(pair.target_id), database(_name(pair)), snapshot)

        return {pair.key: seen(pair) for pair in pairs}

    def own(self, seen: Seen, goal: Goal) -> Collection[str]:
        return {_name(goal.pair)}

    def make(self, seen: Seen, goal: Goal) -> Step:
        """A snapshot of the standby is taken and restored into the drill room."""
        pair, region, origin, copy = goal.pair, goal.pair.target_region, seen.origin, seen.copy
        if isinstance(origin, Unreachable) or isinstance(copy, Unreachable) or isinstance(seen.snapshot, Unreachable):
            return dark(goal, region)
        if copy:
            return _stands(copy, goal)
        if origin is None:
            return Blocked(f"there is no standby {pair.target_id} in {region} to copy", "run phase instantiate of a failover first")
        refused = room.refused(seen.room, goal, [origin.vpc_id]) or _foreign(seen, goal)
        if refused:
            return refused
        match seen.snapshot:
            case None if origin.status in CHANGING:
                return Wait(f"{origin.id} in {region} is {origin.status}", poll_seconds=30)
            case None:
                return Call(
                    "rds",
                    "create_db_snapshot",
                    region,
                    {"DBSnapshotIdentifier": _name(pair), "DBInstanceIdentifier": origin.id, "Tags": _tags(pair)},
                    "take a snapshot of the standby",
                )
            case Snapshot(status="creating") as taking:
                return _taken(taking, region)
            case Snapshot(status="available"):
                return _restore(origin, seen, goal)
            case Snapshot(status=status):
                return Blocked(f"the snapshot {_name(pair)} in {region} is {status}", AGAIN)

    def serve(self, seen: Seen, goal: Goal) -> Step:
        """The copy answers its clients."""
        match seen.copy:
            case Unreachable():
                return dark(goal, goal.pair.target_region)
            case None:
                return Blocked(f"there is no copy {_name(goal.pair)}", "run phase instantiate of this drill first")
            case copy:
                return _stands(copy, goal, seen.snapshot)

    def remove(self, seen: Seen, goal: Goal) -> Step:
        """The copy is deleted without a final snapshot, then the snapshot that it was made of."""
        pair, region, copy, snapshot = goal.pair, goal.pair.target_region, seen.copy, seen.snapshot
        if isinstance(copy, Unreachable) or isinstance(snapshot, Unreachable):
            return dark(goal, region)
        for found in (copy, snapshot):
            if found and not carries(found.tags, pair):
                return stranger(found.id, region)
        if copy and copy.status == "deleting":
            return Wait(f"the copy {copy.id} in {region} is being deleted", poll_seconds=30)
        if copy and copy.status in CHANGING:
            return Wait(f"the copy {copy.id} in {region} is {copy.status}", poll_seconds=30, timeout_seconds=RESTORE_SECONDS)
        if copy:
            params = {"DBInstanceIdentifier": copy.id, "SkipFinalSnapshot": True, "DeleteAutomatedBackups": True}
            return Call("rds", "delete_db_instance", region, params, "delete the copy")
        if snapshot and snapshot.status == "creating":
            return _taken(snapshot, region)
        if snapshot:
            return Call("rds", "delete_db_snapshot", region, {"DBSnapshotIdentifier": snapshot.id}, "delete the snapshot")
        return Done({"copy": "removed"})


def _name(pair: Pair) -> str:
    return name(pair, 63)


def _tags(pair: Pair) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags(pair).items()]


def _snapshot(shown: Mapping[str, Any]) -> Snapshot:
    at = shown.get("SnapshotCreateTime")
    labels = {one["Key"]: one.get("Value", "") for one in shown.get("TagList", ())}
    return Snapshot(shown["DBSnapshotIdentifier"], shown.get("Status", "unknown"), at.isoformat() if at else "", labels)


def _stands(copy: Instance, goal: Goal, snapshot: Snapshot | Unreachable | None = None) -> Step:
    """The copy is the drill's own and available."""
    region = goal.pair.target_region
    if not carries(copy.tags, goal.pair):
        return stranger(copy.id, region)
    if copy.usable:
        at = snapshot.created_at if isinstance(snapshot, Snapshot) else ""
        return Done({"copy": copy.id, "copy_arn": copy.arn, "endpoint": copy.endpoint, "port": copy.port, "data_from": at})
    if copy.changing:
        return Wait(f"the copy {copy.id} in {region} is {copy.status}", poll_seconds=30, timeout_seconds=RESTORE_SECONDS)
    return Blocked(f"the copy {copy.id} in {region} is {copy.status}", AGAIN)


def _taken(snapshot: Snapshot, region: str) -> Wait:
    why = f"the snapshot {snapshot.id} in {region} is being taken"
    return Wait(why, poll_seconds=30, timeout_seconds=RESTORE_SECONDS)


def _foreign(seen: Seen, goal: Goal) -> Step | None:
    """The prepared subnet group must be one of the room's VPC."""
    group, region = prepared(goal.pair, "db_subnet_group"), goal.pair.target_region
    make = f"aws rds create-db-subnet-group --region {region} --db-subnet-group-name {group} …"
    return room.misplaced(seen.room, seen.subnet_group_vpc, f"the DB subnet group {group}", make, goal)


def _restore(origin: Instance, seen: Seen, goal: Goal) -> Call:
    pair = goal.pair
    params = {
        "DBInstanceIdentifier": _name(pair),
        "DBSnapshotIdentifier": _name(pair),
        "DBInstanceClass": pair.settings.get("drill", {}).get("instance_class") or origin.instance_class,
        "DBSubnetGroupName": prepared(pair, "db_subnet_group"),
        "VpcSecurityGroupIds": list(seen.room.groups) if isinstance(seen.room, room.Room) else [],
        "DBParameterGroupName": origin.parameter_group,
        "OptionGroupName": origin.option_group,
        "PubliclyAccessible": False,
        "MultiAZ": False,
        "DeletionProtection": False,
        "CopyTagsToSnapshot": False,
        "Tags": _tags(pair),
    }
    given = {key: value for key, value in params.items() if value not in ("", []) and not str(value).startswith("default")}
    why = f"restore it as {_name(pair)}"
    return Call("rds", "restore_db_instance_from_db_snapshot", pair.target_region, given, why, settle_seconds=30)
