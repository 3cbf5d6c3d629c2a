# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of Aurora clusters, and clusters that are restored from them."""

from __future__ import annotations

from typing import Any

from sandbox.gateway import Ctx, op, transition
from sandbox.model import AwsError
from sandbox.services import aurora, rds

# Simulated seconds.
SNAPSHOT, RESTORATION = 180, 1200


def _snapshot(ctx: Ctx, ident: str) -> Any:
    found = rds.backend(ctx).cluster_snapshots.get(ident)
    if found is None:
        raise AwsError("DBClusterSnapshotNotFoundFault", f"DBClusterSnapshot {ident} not found.", 404)
    return found


def _available(found: Any) -> None:
    if found.status != "available":
        text = f"Snapshot {found.db_cluster_snapshot_identifier} is {found.status}."
        raise AwsError("InvalidDBClusterSnapshotStateFault", text)


@op("rds", "CreateDBClusterSnapshot")
def create(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Of a cluster that is available, whether it writes or follows."""
    aurora.need_available(ctx, aurora.cluster(ctx, params["DBClusterIdentifier"]))
    ctx.moto()
    ident = params["DBClusterSnapshotIdentifier"]
    taken = _snapshot(ctx, ident)
    aurora.keep_data(ctx, aurora.cluster(ctx, params["DBClusterIdentifier"]), ident)
    transition(ctx.clock, [("creating", SNAPSHOT), ("available", 0.0)], lambda state: setattr(taken, "status", state))
    (shown,) = ctx.client("rds").describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=ident)["DBClusterSnapshots"]
    return {"DBClusterSnapshot": shown}


@op("rds", "DeleteDBClusterSnapshot")
def delete(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Of one that is available."""
    _available(_snapshot(ctx, params["DBClusterSnapshotIdentifier"]))
    return ctx.moto()


@op("rds", "RestoreDBClusterFromSnapshot")
def restore(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """A headless cluster of its own, in no global database, encrypted with the snapshot's key unless another one is named."""
    ident, taken = params["DBClusterIdentifier"].lower(), _snapshot(ctx, params["SnapshotIdentifier"])
    if ident in rds.backend(ctx).clusters:
        raise AwsError("DBClusterAlreadyExistsFault", "DB Cluster already exists")
    _available(taken)
    if params["Engine"] != taken.engine:
        raise AwsError("InvalidParameterCombination", f"The snapshot is of {taken.engine}, not of {params['Engine']}.")
    given = {key: value for key, value in params.items() if key != "SnapshotIdentifier"}
    given |= {"StorageEncrypted": taken.encrypted, "KmsKeyId": params.get("KmsKeyId", taken.kms_key_id)}
    made = aurora.make(ctx, given, taken.cluster)
    ctx.gw.markers.copy(ctx.data(f"snapshot/{params['SnapshotIdentifier']}"), ctx.data(made.db_cluster_resource_id))
    aurora.pass_through(ctx, made, [("creating", RESTORATION), ("available", 0.0)])
    return {"DBCluster": aurora.described(ctx, ident)}
