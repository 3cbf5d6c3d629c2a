# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The MemoryDB drill beside multi-Region and single-Region clusters: what the matrix of drills does not look at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flow import Flow

from ansible_collections.dr.aws.plugins.module_utils.drills import drill
from ansible_collections.dr.aws.plugins.module_utils.model import Pair

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "111111111111"
ROLE = (f"arn:aws:iam::{ACCOUNT}:role/dr-automation", None)
PAIR = Pair("queue", "memorydb", ACCOUNT, EAST, WEST, "queue", "queue-west", settings={"drill_id": "quarterly"})
PEER = {"region": WEST, "name": "queue-west"}


def drilled(sandbox: Any, pair: Pair, **spec: Any) -> Flow:
    """A drill of a cluster's standby; captured as readiness does."""
    place = {"account": ACCOUNT, "region": EAST, "tags": None, "name": "queue"}
    other = {"kind": "memorydb_cluster", "account": ACCOUNT, "region": WEST, "tags": None, "name": "other"}
    sandbox.load(
        {
            "name": "shop",
            "control_region": WEST,
            "regions": [EAST, WEST],
            "accounts": [{"id": ACCOUNT, "name": "shop", "management": True, "roles": [{"name": "dr-automation"}]}],
            "resources": [{**place, **spec}, other],
        }
    )
    sandbox.seed(kind="drill_room", account=ACCOUNT, region=WEST)
    flow = Flow(sandbox, [pair], {ACCOUNT: ROLE})
    flow.capture()
    return Flow(sandbox, [pair], {ACCOUNT: ROLE}, flow.captured, reconciler=drill)


def test_the_multi_region_cluster_stays_as_it_was(sandbox: Any) -> None:
    flow = drilled(sandbox, PAIR, kind="memorydb_multi_region", shards=2, encrypted=True, peer=PEER)
    memorydb = sandbox.inside("memorydb", WEST, ACCOUNT)

    def production() -> Any:
        shown = memorydb.describe_clusters(ClusterName="queue-west", ShowShardDetails=True)["Clusters"]
        return shown, memorydb.describe_multi_region_clusters(ShowClusterDetails=True)["MultiRegionClusters"]

    before = production()
    made = flow.one("instantiate")
    assert made.status == "done", made
    (copy,) = memorydb.describe_clusters(ClusterName=made.outputs["copy"])["Clusters"]
    assert "MultiRegionClusterName" not in copy
    assert (copy["NumberOfShards"], copy["KmsKeyId"], copy["ACLName"]) == (2, before[0][0]["KmsKeyId"], "apps")
    assert production() == before
    assert flow.one("activate").outputs["data_from"]
    assert flow.one("cleanup").status == "done"
    assert (production(), memorydb.describe_snapshots()["Snapshots"]) == (before, [])


def test_a_single_region_cluster_without_a_standby_is_copied_from_what_was_exported(sandbox: Any) -> None:
    settings = {"drill_id": "quarterly", "regions": {WEST: {"snapshot_arns": ["arn:aws:s3:::copies/queue.rdb"], "acl": "apps"}}}
    flow = drilled(sandbox, replace(PAIR, settings=settings), kind="memorydb_cluster", shards=3)
    memorydb = sandbox.inside("memorydb", WEST, ACCOUNT)
    sandbox.dark(EAST)
    made = flow.one("instantiate")
    assert (made.status, [call["operation"] for call in made.calls]) == ("done", ["create_cluster"]), made
    (copy,) = memorydb.describe_clusters(ClusterName=made.outputs["copy"])["Clusters"]
    assert (copy["NumberOfShards"], copy["SubnetGroupName"]) == (3, "dr-drill")
    assert flow.one("activate").status == flow.one("cleanup").status == "done"
    assert [one["Name"] for one in memorydb.describe_clusters()["Clusters"]] == ["other"]


def test_a_failover_in_the_middle_of_a_drill_goes_on(sandbox: Any) -> None:
    flow = drilled(sandbox, PAIR, kind="memorydb_multi_region", peer=PEER)
    assert flow.one("instantiate").status == "done"
    sandbox.dark(EAST)
    real = Flow(sandbox, [replace(PAIR, settings={})], {ACCOUNT: ROLE}, flow.captured)
    assert real.one("activate", "unplanned").status == "done"
    assert flow.one("cleanup").status == "done"
