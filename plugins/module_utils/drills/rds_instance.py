# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A drill of an RDS instance: a snapshot of the standing replica, restored into the drill room.

The replica itself is never promoted: that would end the protection for hours. Facts: the RDS API reference and user guide
(USER_CreateSnapshot, USER_RestoreFromSnapshot).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, TypeAlias

from ..adapters.base import Reader
from ..model import Call, Goal, Pair, Step, Unreachable
from ..parts.rds_state import CHANGING, USABLE, Instance, instance
from . import databases, room
from .base import Touch, prepared
from .restored import RestoredDrill, Seen, Snapshot, given, labels, own_group, setting

_ABSENT: Final = ("DBInstanceNotFound", "DBInstanceNotFoundFault", "DBSnapshotNotFound", "DBSnapshotNotFoundFault")
_Found: TypeAlias = "Mapping[str, Any] | Unreachable | None"


class RdsInstanceDrill(RestoredDrill[Instance]):
    """Copies of DB instances.

    Settings (`drill.<name>`): db_subnet_group (dr-drill); instance_class, that of the standby when it is left out.
    """

    technology = "rds"
    shape: ClassVar[Mapping[str, Any]] = {"multi_az": False}
    sized_by: ClassVar[Mapping[str, str]] = {"instance_class": "instance_class"}
    limit, usable, changing = 63, USABLE, CHANGING
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

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Seen[Instance]]:
        account, region = pairs[0].account, pairs[0].target_region
        here = room.observe(reader, account, region)

        def read(operation: str, **params: str) -> _Found:
            return reader.read(account, region, "rds", operation, absent=_ABSENT, **params)

        def database(ident: str) -> Instance | Unreachable | None:
            found = read("describe_db_instances", DBInstanceIdentifier=ident)
            return instance(found["DBInstances"][0], region) if isinstance(found, Mapping) else found

        def seen(pair: Pair) -> Seen[Instance]:
            ident, origin = self.called(pair), database(pair.target_id)
            taken = read("describe_db_snapshots", DBSnapshotIdentifier=ident)
            return Seen(
                here,
                databases.network(reader, account, region, prepared(pair, "db_subnet_group")),
                origin,
                origin.vpc_id if isinstance(origin, Instance) else None,
                database(ident),
                databases.snapshot(taken["DBSnapshots"][0], ident) if isinstance(taken, Mapping) else taken,
            )

        return {pair.key: seen(pair) for pair in pairs}

    def subnet_group(self, goal: Goal) -> tuple[str, str]:
        return databases.place(goal)

    def take(self, origin: Instance, goal: Goal) -> Step:
        ident, pair = self.called(goal.pair), goal.pair
        params = {"DBSnapshotIdentifier": ident, "DBInstanceIdentifier": origin.id, "Tags": labels(pair)}
        return Call("rds", "create_db_snapshot", pair.target_region, params, "take a snapshot of the standby")

    def restore(self, origin: Instance, snapshot: Snapshot, seen: Seen[Instance], goal: Goal) -> Step:
        pair, ident = goal.pair, self.called(goal.pair)
        params = given(
            DBInstanceIdentifier=ident,
            DBSnapshotIdentifier=snapshot.id,
            DBInstanceClass=setting(pair, "instance_class", origin.instance_class),
            DBSubnetGroupName=prepared(pair, "db_subnet_group"),
            VpcSecurityGroupIds=seen.groups,
            DBParameterGroupName=own_group(origin.parameter_group),
            OptionGroupName=own_group(origin.option_group),
            PubliclyAccessible=False,
            MultiAZ=False,
            DeletionProtection=False,
            CopyTagsToSnapshot=False,
            Tags=labels(pair),
        )
        why = f"restore it as {ident}"
        return Call("rds", "restore_db_instance_from_db_snapshot", pair.target_region, params, why, settle_seconds=30)

    def delete(self, copy: Instance, goal: Goal) -> Step:
        params = {"DBInstanceIdentifier": copy.id, "SkipFinalSnapshot": True, "DeleteAutomatedBackups": True}
        return Call("rds", "delete_db_instance", goal.pair.target_region, params, "delete the copy")

    def forget(self, goal: Goal) -> Call:
        params = {"DBSnapshotIdentifier": self.called(goal.pair)}
        return Call("rds", "delete_db_snapshot", goal.pair.target_region, params, "delete the snapshot")

    def outputs(self, copy: Instance) -> Mapping[str, Any]:
        return {"copy_arn": copy.arn, "endpoint": copy.endpoint, "port": copy.port}
