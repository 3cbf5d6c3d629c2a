# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of DB instances, and instances that are restored from them."""

from __future__ import annotations

from typing import Any

from sandbox.gateway import Ctx, op, transition
from sandbox.model import AwsError
from sandbox.services.rds import BACKUP, COPY, backend, instance, new_resource_id, pass_through, shown


@op("rds", "CreateDBSnapshot")
def create(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """It is `creating` for as long as a backup takes; of an instance that is available only."""
    found = instance(ctx, params["DBInstanceIdentifier"])
    if found.status not in ("available", "storage-optimization"):
        raise AwsError("InvalidDBInstanceState", f"Cannot take a snapshot of {found.db_instance_identifier}: {found.status}")
    ctx.moto()
    ctx.gw.markers.copy(ctx.data(found.dbi_resource_id), ctx.data(f"snapshot/{params['DBSnapshotIdentifier']}"))
    taken = backend(ctx).database_snapshots[params["DBSnapshotIdentifier"]]
    transition(ctx.clock, [("creating", BACKUP), ("available", 0.0)], lambda state: setattr(taken, "status", state))
    (listed,) = ctx.client("rds").describe_db_snapshots(DBSnapshotIdentifier=params["DBSnapshotIdentifier"])["DBSnapshots"]
    return {"DBSnapshot": listed}


@op("rds", "RestoreDBInstanceFromDBSnapshot")
def restore(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """An instance of its own: neither a replica, nor with the tags or the protection of what the snapshot was taken of."""
    taken = backend(ctx).database_snapshots.get(params["DBSnapshotIdentifier"])
    if taken is not None and taken.status != "available":
        raise AwsError("InvalidDBSnapshotState", f"The snapshot is {taken.status}.")
    ctx.moto()
    made = instance(ctx, params["DBInstanceIdentifier"])
    made.source_db_instance_identifier, made.is_replica, made.replicas = None, False, []
    made.deletion_protection, made.tags = bool(params.get("DeletionProtection")), params.get("Tags", [])
    made.vpc_security_group_ids = list(params.get("VpcSecurityGroupIds", ()))
    made.dbi_resource_id = new_resource_id(ctx, "db")
    ctx.gw.markers.copy(ctx.data(f"snapshot/{params['DBSnapshotIdentifier']}"), ctx.data(made.dbi_resource_id))
    pass_through(ctx, made, [("creating", COPY), ("available", 0.0)])
    return {"DBInstance": shown(ctx, made.db_instance_identifier)}
