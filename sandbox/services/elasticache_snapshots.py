# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of ElastiCache replication groups: taken, shown and deleted. What is restored of them is a group like any other."""

from __future__ import annotations

from typing import Any

from sandbox.gateway import Ctx, op, transition
from sandbox.model import AwsError
from sandbox.services import elasticache

Params = dict[str, Any]

# Simulated seconds.
SNAPSHOT, DELETION = 300, 60


@op("elasticache", "CreateSnapshot")
def create(ctx: Ctx, params: Params) -> Params:
    """Of a whole group with cluster mode enabled, else of one of its nodes; the group is `snapshotting` meanwhile."""
    found = _taken_of(ctx, params)
    elasticache.need_available(found)
    tags = {tag["Key"]: tag.get("Value", "") for tag in params.get("Tags", ())}
    made = elasticache.keep(ctx, params["SnapshotName"], found, tags)
    transition(ctx.clock, [("creating", SNAPSHOT), ("available", 0)], lambda state: made.update(SnapshotStatus=state))
    elasticache.pass_through(ctx, found, [("snapshotting", SNAPSHOT), ("available", 0)])
    return {"Snapshot": made}


def _taken_of(ctx: Ctx, params: Params) -> Params:
    group, node = params.get("ReplicationGroupId"), params.get("CacheClusterId")
    if bool(group) == bool(node):
        raise AwsError("InvalidParameterCombination", "Either ReplicationGroupId or CacheClusterId must be specified.")
    if group:
        found = elasticache.replication_group(ctx, group)
        if not found["ClusterEnabled"]:
            text = f"{group} has cluster mode disabled: specify one of its cache clusters."
            raise AwsError("InvalidParameterCombination", text)
        return found
    for found in elasticache.replication_groups(ctx).values():
        if node in found["MemberClusters"] and not found["ClusterEnabled"]:
            return found
    raise AwsError("CacheClusterNotFound", f"CacheCluster {node} not found.", 404)


@op("elasticache", "DescribeSnapshots")
def describe(ctx: Ctx, params: Params) -> Params:
    """One, or pages of all."""
    wanted, group = params.get("SnapshotName"), params.get("ReplicationGroupId")
    known = [one for _name, one in sorted(elasticache.snapshots(ctx).items())]
    found = [elasticache.snapshot(ctx, wanted)] if wanted else known
    return elasticache.page(params, "Snapshots", [one for one in found if group in (None, one["ReplicationGroupId"])])


@op("elasticache", "DeleteSnapshot")
def delete(ctx: Ctx, params: Params) -> Params:
    """Refused while something is restored of it."""
    found = elasticache.snapshot(ctx, params["SnapshotName"])
    if found["SnapshotStatus"] != "available":
        raise AwsError("InvalidSnapshotState", f"Snapshot {found['SnapshotName']} is {found['SnapshotStatus']}.")
    found["SnapshotStatus"] = "deleting"

    def gone() -> None:
        elasticache.tag_store(ctx).pop(found["ARN"], None)
        elasticache.snapshots(ctx).pop(found["SnapshotName"], None)

    ctx.eventually(DELETION, gone)
    return {"Snapshot": found}
