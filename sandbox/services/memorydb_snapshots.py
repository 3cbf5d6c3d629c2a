# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of MemoryDB clusters: taken, shown and deleted. What is restored of them is a cluster like any other."""

from __future__ import annotations

from typing import Any

from sandbox.gateway import Ctx, op, transition
from sandbox.model import AwsError
from sandbox.services import memorydb

Params = dict[str, Any]

# Simulated seconds.
SNAPSHOT, DELETION = 300, 60


@op("memorydb", "CreateSnapshot")
def create(ctx: Ctx, params: Params) -> Params:
    """Of a cluster that is available; it is `snapshotting` meanwhile."""
    found = memorydb.regional_cluster(ctx, params["ClusterName"])
    memorydb.need_available(found)
    tags = {tag["Key"]: tag.get("Value", "") for tag in params.get("Tags", ())}
    made = memorydb.keep(ctx, params["SnapshotName"], found, tags)
    transition(ctx.clock, [("creating", SNAPSHOT), ("available", 0)], lambda state: made.update(Status=state))
    transition(ctx.clock, [("snapshotting", SNAPSHOT), ("available", 0)], lambda state: found.update(Status=state))
    return {"Snapshot": _shown(made)}


@op("memorydb", "DescribeSnapshots")
def describe(ctx: Ctx, params: Params) -> Params:
    """One, or pages of all; shards only when asked for."""
    wanted, cluster = params.get("SnapshotName"), params.get("ClusterName")
    known = [one for _name, one in sorted(memorydb.snapshots(ctx).items())]
    found = [memorydb.snapshot(ctx, wanted)] if wanted else known
    found = [one for one in found if cluster in (None, one["ClusterConfiguration"]["Name"])]
    return memorydb.page(params, "Snapshots", found if params.get("ShowDetail") else [_shown(one) for one in found])


def _shown(found: Params) -> Params:
    configuration = {key: value for key, value in found["ClusterConfiguration"].items() if key != "Shards"}
    return {**found, "ClusterConfiguration": configuration}


@op("memorydb", "DeleteSnapshot")
def delete(ctx: Ctx, params: Params) -> Params:
    """Refused while something is restored of it."""
    found = memorydb.snapshot(ctx, params["SnapshotName"])
    if found["Status"] != "available":
        raise AwsError("InvalidSnapshotStateFault", f"Snapshot {found['Name']} is {found['Status']}.")
    found["Status"] = "deleting"

    def gone() -> None:
        memorydb.tag_store(ctx).pop(found["ARN"], None)
        memorydb.snapshots(ctx).pop(found["Name"], None)

    ctx.eventually(DELETION, gone)
    return {"Snapshot": _shown(found)}
