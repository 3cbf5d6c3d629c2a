# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MemoryDB clusters over the real engine and the sandbox, end states read by plain boto3."""

from __future__ import annotations

from typing import Any

import pytest
from flow import Flow

from ansible_collections.dr.aws.plugins.module_utils.adapters.memorydb_cluster import MemorydbCluster
from ansible_collections.dr.aws.plugins.module_utils.model import Active, Pair

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "200000000001"
ROLE = {ACCOUNT: (f"arn:aws:iam::{ACCOUNT}:role/dr-automation", "shop")}
PHASES = ("instantiate", "activate", "cleanup", "replicate")
PEER = {"region": WEST, "name": "queue-west"}
PLACE = {
    "subnet_group": "caches",
    "security_groups": ["sg-0aaaaaaaaaaaaaaaa"],
    "snapshot_arns": ["arn:aws:s3:::copies/queue-0001.rdb"],
}


def estate(**spec: Any) -> dict[str, Any]:
    cluster = {"kind": "memorydb_multi_region", "account": "data", "region": EAST, "name": "queue", "shards": 2}
    resource = {**cluster, "tags": {"dr:wave": "1"}, "peer": PEER, **spec}
    return {
        "name": "shop",
        "control_region": WEST,
        "regions": [EAST, WEST],
        "tags": {"dr:enabled": "true", "Customer": "shop", "Environment": "production"},
        "accounts": [
            {"id": "100000000000", "name": "management", "management": True},
            {"id": ACCOUNT, "name": "data", "roles": [{"name": "dr-automation", "external_id": "shop"}]},
        ],
        "resources": [{key: value for key, value in resource.items() if value is not None}],
    }


def flow(sandbox: Any, spec: dict[str, Any] | None = None, **settings: Any) -> Flow:
    sandbox.load(estate(**(spec or {})))
    return Flow(sandbox, [Pair("queue", "memorydb", ACCOUNT, EAST, WEST, "queue", "queue-west", settings=settings)], ROLE)


def clusters(sandbox: Any, region: str) -> dict[str, str]:
    """Cluster -> its state."""
    found = sandbox.inside("memorydb", region, ACCOUNT).describe_clusters()["Clusters"]
    return {one["Name"]: one["Status"] for one in found}


def tags(sandbox: Any, region: str, name: str) -> dict[str, str]:
    client = sandbox.inside("memorydb", region, ACCOUNT)
    arn = f"arn:aws:memorydb:{region}:{ACCOUNT}:cluster/{name}"
    return {one["Key"]: one["Value"] for one in client.list_tags(ResourceArn=arn)["TagList"]}


def names(result: Any) -> list[str]:
    return [f"{call['operation']}@{call['region']}" for call in result.calls]


def repeated(one: Flow, phase: str, mode: str = "planned", **options: Any) -> None:
    """A second run and check mode find nothing to do, and send nothing."""
    before = len(one.mutations())
    for check in (False, True):
        result = one.one(phase, mode, check=check, **options)
        assert (result.status, result.calls) == ("done", ()), result
    assert len(one.mutations()) == before


def test_planned_failover_and_back_moves_only_the_mark(sandbox: Any) -> None:
    there = flow(sandbox)
    there.capture()
    assert there.captured["queue"]["multi_region_cluster"] == "virxk-queue"
    repeated(there, "instantiate")
    assert names(there.one("activate", check=True)) == [f"tag_resource@{WEST}"]
    assert there.mutations() == []
    activated = there.one("activate")
    assert (activated.status, names(activated), activated.outputs["role"]) == ("done", [f"tag_resource@{WEST}"], "active"), (
        activated
    )
    assert tags(sandbox, WEST, "queue-west")["dr:epoch"] == "1"
    for phase in PHASES:
        repeated(there, phase)
    home = there.home()
    back = home.one("activate")
    assert (back.status, names(back)) == ("done", [f"tag_resource@{EAST}"]), back
    assert tags(sandbox, EAST, "queue")["dr:epoch"] == "2"
    cleaned = home.one("cleanup")
    assert (cleaned.status, names(cleaned)) == ("done", [f"untag_resource@{WEST}"]), cleaned
    for phase in PHASES:
        repeated(home, phase)
    assert "dr:epoch" not in tags(sandbox, WEST, "queue-west")
    again = there.one("activate")
    assert (again.status, tags(sandbox, WEST, "queue-west")["dr:epoch"]) == ("done", "3")


def test_unplanned_failover_with_the_source_dark_and_its_return(sandbox: Any) -> None:
    one = flow(sandbox)
    one.capture()
    sandbox.dark(EAST)
    assert one.one("instantiate", "unplanned").status == "done"
    assert one.one("activate").status == "blocked", "planned needs the source"
    activated = one.one("activate", "unplanned")
    assert (activated.status, names(activated)) == ("done", [f"tag_resource@{WEST}"]), activated
    assert [debt for _key, _phase, debt in one.journal.owed] == [
        "keep clients from queue in us-east-1: it takes writes, which merge later"
    ]
    repeated(one, "activate", "unplanned")
    for phase in ("cleanup", "replicate"):
        assert one.one(phase, "unplanned").status == "deferred"
    sandbox.clear_faults()
    one.clock.sleep(120)  # until the circuit breaker lets calls through again
    for phase in ("cleanup", "replicate"):
        repeated(one, phase, "unplanned")
    assert clusters(sandbox, EAST) == {"queue": "available"}


def test_a_member_is_made_where_there_is_none(sandbox: Any) -> None:
    one = flow(sandbox, {"peer": None, "encrypted": True}, regions={WEST: PLACE})
    sandbox.inside("memorydb", WEST, ACCOUNT).create_acl(ACLName="apps", UserNames=["apps"])
    assert "kms_key_id" in one.one("instantiate").why
    one = flow(sandbox, {"peer": None}, regions={WEST: PLACE})
    refused = one.one("instantiate")
    assert (refused.status, refused.calls) == ("blocked", ())
    assert "the ACL apps there has no users or does not exist" in refused.why
    sandbox.inside("memorydb", WEST, ACCOUNT).create_acl(ACLName="apps", UserNames=["apps"])
    made = one.one("instantiate")
    assert (made.status, names(made)) == ("done", [f"create_cluster@{WEST}"]), made
    (cluster,) = sandbox.inside("memorydb", WEST, ACCOUNT).describe_clusters()["Clusters"]
    assert (cluster["MultiRegionClusterName"], cluster["NumberOfShards"], cluster["ACLName"]) == ("virxk-queue", 2, "apps")
    assert tags(sandbox, WEST, "queue-west")["dr:enabled"] == "true"
    assert tags(sandbox, WEST, "queue-west")["dr:peer"] == f"{EAST}:queue"
    repeated(one, "instantiate")
    assert one.one("activate").status == "done"


def test_removal_keeps_a_final_snapshot_and_replicate_makes_the_member_anew(sandbox: Any) -> None:
    one = flow(sandbox)
    one.capture()
    assert one.one("activate").status == "done"
    removed = one.one("cleanup", cleanup_policy="remove")
    assert (removed.status, names(removed)) == ("done", [f"delete_cluster@{EAST}"]), removed
    assert clusters(sandbox, EAST) == {}
    (snapshot,) = sandbox.inside("memorydb", EAST, ACCOUNT).describe_snapshots()["Snapshots"]
    assert snapshot["Name"].startswith("queue-final-")
    repeated(one, "cleanup", cleanup_policy="remove")
    repeated(one, "activate")
    made = one.one("replicate")
    assert (made.status, names(made)) == ("done", [f"create_cluster@{EAST}"]), made
    assert tags(sandbox, EAST, "queue")["dr:follows-epoch"] == "1"
    repeated(one, "replicate")
    repeated(one, "cleanup", cleanup_policy="remove")
    home = one.home()
    assert home.one("activate").status == "done"
    assert home.one("cleanup").status == "done"


@pytest.mark.parametrize(("lag", "known"), [(900_000, "900 s"), (None, "unknown"), (-1000, "unknown")])
def test_a_planned_activation_needs_a_small_lag_and_an_unplanned_one_does_not(sandbox: Any, lag: float | None, known: str) -> None:
    one = flow(sandbox, {"peer": {**PEER, "lag": lag}})
    refused = one.one("activate")
    assert (refused.status, refused.calls) == ("blocked", ()), refused
    assert f"the lag of queue-west in us-west-2 is {known}" in refused.why
    assert one.one("activate", "unplanned").status == "done"


def test_a_cluster_that_lets_nobody_in_is_not_activated(sandbox: Any) -> None:
    one = flow(sandbox, {"peer": {**PEER, "acl": "nobody", "acl_users": False}})
    refused = one.one("activate", "unplanned")
    assert (refused.status, refused.calls) == ("blocked", ())
    assert "the ACL nobody of queue-west in us-west-2 lets nobody in" in refused.why


@pytest.mark.parametrize(("mode", "status"), [("planned", "blocked"), ("unplanned", "deferred")])
def test_acls_that_are_not_shown_are_not_taken_for_none(sandbox: Any, mode: str, status: str) -> None:
    """Found by the fault lab: it said that nobody was let in, where nothing was known."""
    moved = flow(sandbox)
    sandbox.fault(match={"service": "memorydb", "operation": "DescribeACLs", "region": WEST}, effect="reset")
    result = moved.one("activate", mode)
    assert (result.status, result.calls) == (status, ())
    assert WEST in result.why and "does not answer" in result.why


def test_rollback_marks_the_source_again(sandbox: Any) -> None:
    one = flow(sandbox)
    assert one.one("activate").status == "done"
    undone = one.one("rollback")
    assert (undone.status, names(undone)) == ("done", [f"tag_resource@{EAST}"]), undone
    assert tags(sandbox, EAST, "queue")["dr:epoch"] == "2"
    repeated(one, "rollback")
    assert one.one("cleanup").status == "blocked", "the target does not serve"
    assert one.one("activate").status == "done"


def test_a_single_region_cluster_is_restored_from_a_copied_snapshot_in_an_unplanned_failover(sandbox: Any) -> None:
    regions = {WEST: PLACE, EAST: {"fence_security_group": "sg-0fffffffffffffff"}}
    one = flow(sandbox, {"kind": "memorydb_cluster", "peer": None, "acl": "open-access"}, regions=regions)
    one.capture()
    sandbox.dark(EAST)
    made = one.one("instantiate", "unplanned")
    assert (made.status, names(made)) == ("done", [f"create_cluster@{WEST}"]), made
    assert made.calls[0]["params"]["SnapshotArns"] == PLACE["snapshot_arns"]
    assert tags(sandbox, WEST, "queue-west")["dr:restored"] == f"{EAST}:queue"
    activated = one.one("activate", "unplanned")
    assert (activated.status, names(activated)) == ("done", [f"tag_resource@{WEST}"]), activated
    assert [debt for _key, _phase, debt in one.journal.owed] == [
        "keep clients from queue in us-east-1: it takes writes, which are lost"
    ]
    sandbox.clear_faults()
    one.clock.sleep(120)  # until the circuit breaker lets calls through again
    assert one.one("rollback").status == "blocked"
    fenced = one.one("cleanup")
    assert (fenced.status, names(fenced)) == ("done", [f"update_cluster@{EAST}"]), fenced
    repeated(one, "cleanup")
    assert one.one("replicate").status == "blocked", "the old cluster is in the way"
    assert names(one.one("cleanup", cleanup_policy="remove")) == [f"delete_cluster@{EAST}"]
    blocked = one.one("replicate")
    assert (blocked.status, blocked.calls) == ("blocked", ())
    assert "regions.us-east-1.snapshot_arns" in blocked.remedy


def test_a_copy_is_never_activated_as_planned(sandbox: Any) -> None:
    one = flow(sandbox, {"kind": "memorydb_cluster"})
    repeated(one, "instantiate")
    refused = one.one("activate")
    assert (refused.status, refused.calls) == ("blocked", ())
    assert "what was written since is not in it" in refused.why
    assert one.one("activate", "unplanned").status == "done"
    unfenced = one.one("cleanup")
    assert (unfenced.status, unfenced.calls) == ("blocked", ())
    assert "fence_security_group" in unfenced.remedy


def test_two_clusters_of_their_own_are_a_split_brain(sandbox: Any) -> None:
    one = flow(sandbox, {"kind": "memorydb_cluster", "peer": {**PEER, "standalone": True}})
    adapter = MemorydbCluster()
    assert adapter.active(adapter.observe(one.cloud, one.pairs)["queue"]) is Active.BOTH
    for phase in PHASES:
        for mode in ("planned", "unplanned"):
            refused = one.one(phase, mode)
            assert (refused.status, refused.calls) == ("blocked", ()), refused


def test_phases_that_die_after_each_call_end_the_same(sandbox: Any) -> None:
    one = flow(sandbox)
    for phase in PHASES:
        assert one.survive(phase).status == "done"
    assert tags(sandbox, WEST, "queue-west")["dr:epoch"] == "1"
    assert len(one.mutations()) == 1


def test_what_is_called_is_declared_and_what_is_declared_is_called(sandbox: Any) -> None:
    called = set()
    for scene in (
        test_planned_failover_and_back_moves_only_the_mark,
        test_a_single_region_cluster_is_restored_from_a_copied_snapshot_in_an_unplanned_failover,
    ):
        scene(sandbox)
        called |= {f"{row['service']}:{row['operation']}" for row in sandbox.calls() if row["service"] != "sts"}
    assert called == {action for actions in MemorydbCluster.actions.values() for action in actions}


# -- the sandbox itself -----------------------------------------------------------------------------------------------


def test_sandbox_refuses_what_aws_refuses(sandbox: Any, aws_code: Any) -> None:
    sandbox.load(estate())
    west = sandbox.client("memorydb", WEST, ACCOUNT)
    create = {"ClusterName": "more", "ACLName": "open-access", "MultiRegionClusterName": "virxk-queue"}
    assert aws_code(west.create_cluster, NodeType="db.r7g.xlarge", **create) == "InvalidParameterValueException"
    assert (
        aws_code(west.create_cluster, NodeType="db.r7g.xlarge", ClusterName="queue-west", ACLName="apps")
        == "ClusterAlreadyExistsFault"
    )
    assert aws_code(west.create_cluster, NodeType="db.r7g.xlarge", ClusterName="x", ACLName="none") == "ACLNotFoundFault"
    assert aws_code(west.delete_cluster, ClusterName="queue-west") == "InvalidParameterCombinationException"
    busy = aws_code(west.delete_multi_region_cluster, MultiRegionClusterName="virxk-queue")
    assert busy == "InvalidMultiRegionClusterStateFault"
    small = aws_code(west.create_multi_region_cluster, MultiRegionClusterNameSuffix="x", NodeType="db.t4g.small")
    assert small == "InvalidParameterValueException"
    arn = f"arn:aws:memorydb:{WEST}:{ACCOUNT}:cluster/queue-west"
    assert aws_code(west.untag_resource, ResourceArn=arn, TagKeys=["nothing"]) == "TagNotFoundFault"


def test_a_multi_region_cluster_is_made_empty_and_shown_everywhere(sandbox: Any) -> None:
    sandbox.load({**estate(), "resources": []})
    made = sandbox.client("memorydb", EAST, ACCOUNT).create_multi_region_cluster(
        MultiRegionClusterNameSuffix="all", NodeType="db.r7g.xlarge", NumShards=2
    )
    assert made["MultiRegionCluster"]["Status"] == "creating"
    sandbox.advance(90)
    west = sandbox.client("memorydb", WEST, ACCOUNT)
    (world,) = west.describe_multi_region_clusters(ShowClusterDetails=True)["MultiRegionClusters"]
    assert (world["Status"], world["Clusters"], world["NumberOfShards"]) == ("available", [], 2)
    west.delete_multi_region_cluster(MultiRegionClusterName=world["MultiRegionClusterName"])
    sandbox.advance(90)
    assert west.describe_multi_region_clusters()["MultiRegionClusters"] == []
