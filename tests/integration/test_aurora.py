# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Aurora over the real engine and the sandbox, end states read by plain boto3."""

from __future__ import annotations

from typing import Any

import pytest
from flow import Flow

from ansible_collections.dr.aws.plugins.module_utils.adapters.aurora_cluster import AuroraCluster
from ansible_collections.dr.aws.plugins.module_utils.estate import OPTIONS, look
from ansible_collections.dr.aws.plugins.module_utils.model import Active, Pair

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "200000000001"
ROLE = {ACCOUNT: (f"arn:aws:iam::{ACCOUNT}:role/dr-automation", "shop")}
PHASES = ("instantiate", "activate", "cleanup", "replicate")
APART = {"kind": "aurora_cluster", "peer": {"region": WEST, "name": "orders-west", "standalone": True}}
BINLOG = {"kind": "aurora_cluster", "engine": "aurora-mysql"}


def estate(**spec: Any) -> dict[str, Any]:
    database = {"kind": "aurora_global", "account": "data", "region": EAST, "name": "orders", "engine": "aurora-postgresql"}
    peer = {"region": WEST, "name": "orders-west"}
    resource = {**database, "tags": {"dr:wave": "1"}, "peer": peer, **spec}
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
    return Flow(sandbox, [Pair("orders", "aurora", ACCOUNT, EAST, WEST, "orders", "orders-west", settings=settings)], ROLE)


def clusters(sandbox: Any, region: str) -> dict[str, dict[str, Any]]:
    found = sandbox.inside("rds", region, ACCOUNT).describe_db_clusters()["DBClusters"]
    return {one["DBClusterIdentifier"]: one for one in found}


def members(sandbox: Any) -> dict[str, tuple[bool, str]]:
    """Identifier of every member of the only global database -> (whether it writes, how it follows)."""
    (found,) = sandbox.inside("rds", WEST, ACCOUNT).describe_global_clusters()["GlobalClusters"]
    return {
        one["DBClusterArn"].rsplit(":", 1)[-1]: (one["IsWriter"], one["SynchronizationStatus"])
        for one in found["GlobalClusterMembers"]
    }


def nodes(sandbox: Any, region: str) -> dict[str, str]:
    found = sandbox.inside("rds", region, ACCOUNT).describe_db_instances()["DBInstances"]
    return {one["DBInstanceIdentifier"]: one["DBInstanceStatus"] for one in found}


def names(result: Any) -> list[str]:
    return [f"{call['operation']}@{call['region']}" for call in result.calls]


def repeated(one: Flow, phase: str, mode: str = "planned", **options: Any) -> None:
    """A second run and check mode find nothing to do, and send nothing."""
    before = len(one.mutations())
    for check in (False, True):
        result = one.one(phase, mode, check=check, **options)
        assert (result.status, result.calls) == ("done", ()), result
    assert len(one.mutations()) == before


def test_a_planned_failover_switches_the_writer_over_and_back(sandbox: Any) -> None:
    there = flow(sandbox)
    there.capture()
    sides = {EAST: "orders", WEST: "orders-west"}
    for one, source, target in ((there, EAST, WEST), (there.home(), WEST, EAST)):
        repeated(one, "instantiate")
        activated = one.one("activate")
        assert (activated.status, activated.outputs["role"]) == ("done", "active"), activated
        assert names(activated) == [f"add_tags_to_resource@{target}", f"switchover_global_cluster@{source}"]
        assert members(sandbox) == {sides[target]: (True, "connected"), sides[source]: (False, "connected")}
        for phase in PHASES:
            repeated(one, phase)


def test_an_unplanned_failover_and_the_return_of_the_old_writer(sandbox: Any) -> None:
    one = flow(sandbox)
    one.capture()
    sandbox.dark(EAST)
    assert one.one("activate").status == "blocked", "planned needs the source"
    activated = one.one("activate", "unplanned")
    assert (activated.status, activated.outputs["fencing"]) == ("done", "deferred"), activated
    assert names(activated) == [f"add_tags_to_resource@{WEST}", f"failover_global_cluster@{WEST}"]
    assert [debt.split(":")[0] for _key, _phase, debt in one.journal.owed] == ["see that orders in us-east-1 takes no writes"]
    assert members(sandbox) == {"orders": (False, "pending-resync"), "orders-west": (True, "connected")}
    repeated(one, "activate", "unplanned")
    for phase in ("cleanup", "replicate"):
        assert one.one(phase, "unplanned").status == "deferred"
    sandbox.clear_faults()
    one.clock.sleep(120)  # until the circuit breaker lets calls through again
    cleaned = one.one("cleanup", "unplanned")
    assert (cleaned.status, names(cleaned)) == ("done", [f"copy_db_cluster_snapshot@{EAST}"]), cleaned
    (kept,) = cleaned.outputs["lost_writes_snapshots"]
    found = sandbox.inside("rds", EAST, ACCOUNT).describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=kept)
    assert [(snapshot["SnapshotType"], snapshot["Status"]) for snapshot in found["DBClusterSnapshots"]] == [("manual", "available")]
    assert members(sandbox) == {"orders": (False, "connected"), "orders-west": (True, "connected")}
    for phase in PHASES:
        repeated(one, phase, "unplanned")
    assert one.home().one("activate").status == "done"
    assert members(sandbox)["orders"] == (True, "connected")


@pytest.mark.parametrize("phase", ["instantiate", "activate"])
def test_a_headless_secondary_gets_an_instance(sandbox: Any, phase: str) -> None:
    one = flow(sandbox, {"peer": {"region": WEST, "name": "orders-west", "instances": 0}})
    one.capture()
    sandbox.dark(EAST)
    made = one.one(phase, "unplanned")
    assert made.status == "done", made
    assert names(made)[0] == f"create_db_instance@{WEST}"
    assert list(nodes(sandbox, WEST).values()) == ["available"]
    repeated(one, phase, "unplanned")


def test_a_global_database_is_made_around_a_cluster(sandbox: Any) -> None:
    one = flow(sandbox, {"kind": "aurora_cluster", "engine": "aurora-postgresql", "peer": None, "instance_class": "db.r6g.xlarge"})
    made = one.one("instantiate")
    expected = [f"create_global_cluster@{EAST}", f"create_db_cluster@{WEST}", f"create_db_instance@{WEST}"]
    assert (made.status, names(made)) == ("done", expected), made
    assert members(sandbox) == {"orders": (True, "connected"), "orders-west": (False, "connected")}
    tags = {tag["Key"]: tag["Value"] for tag in clusters(sandbox, WEST)["orders-west"]["TagList"]}
    assert (tags["dr:enabled"], tags["dr:peer"]) == ("true", f"{EAST}:orders")
    (instance,) = sandbox.inside("rds", WEST, ACCOUNT).describe_db_instances()["DBInstances"]
    assert instance["DBInstanceClass"] == "db.r6g.xlarge"
    repeated(one, "instantiate")
    assert one.one("activate").status == "done"


def test_removal_takes_the_old_member_out_and_replicate_makes_a_new_one(sandbox: Any) -> None:
    one = flow(sandbox, {"instances": 2})
    one.capture()
    assert one.one("activate").status == "done"
    removed = one.one("cleanup", cleanup_policy="remove")
    assert names(removed) == [
        f"delete_db_instance@{EAST}",
        f"delete_db_instance@{EAST}",
        f"remove_from_global_cluster@{EAST}",
        f"delete_db_cluster@{EAST}",
    ], removed
    assert clusters(sandbox, EAST) == {}
    assert members(sandbox) == {"orders-west": (True, "connected")}
    found = sandbox.inside("rds", EAST, ACCOUNT).describe_db_cluster_snapshots(SnapshotType="manual")
    assert [one["DBClusterSnapshotIdentifier"].startswith("orders-final-") for one in found["DBClusterSnapshots"]] == [True]
    repeated(one, "cleanup", cleanup_policy="remove")
    rebuilt = one.one("replicate")
    assert (rebuilt.status, names(rebuilt)) == ("done", [f"create_db_cluster@{EAST}", f"create_db_instance@{EAST}"]), rebuilt
    repeated(one, "cleanup", cleanup_policy="remove")
    repeated(one, "replicate")
    assert one.home().one("activate").status == "done"


def test_a_detached_target_is_a_last_resort_that_is_rebuilt(sandbox: Any) -> None:
    one = flow(sandbox, detach=True)
    one.capture()
    sandbox.dark(EAST)
    activated = one.one("activate", "unplanned")
    assert names(activated) == [f"add_tags_to_resource@{WEST}", f"remove_from_global_cluster@{WEST}"], activated
    assert (activated.status, activated.outputs["fencing"]) == ("done", "deferred")
    repeated(one, "activate", "unplanned")
    sandbox.clear_faults()
    one.clock.sleep(120)
    cleaned = one.one("cleanup", "unplanned")
    assert names(cleaned)[:3] == [f"create_security_group@{EAST}", f"add_tags_to_resource@{EAST}", f"modify_db_cluster@{EAST}"]
    assert names(cleaned)[3] == f"remove_from_global_cluster@{EAST}", cleaned
    assert (cleaned.status, [name.startswith("orders-old-") for name in clusters(sandbox, EAST)]) == ("done", [True]), cleaned
    repeated(one, "cleanup", "unplanned")
    rebuilt = one.one("replicate", "unplanned")
    assert (rebuilt.status, names(rebuilt)[0]) == ("done", f"create_global_cluster@{WEST}"), rebuilt
    for phase in PHASES:
        repeated(one, phase, "unplanned")


def test_a_binlog_replica_cluster_fails_over_and_back(sandbox: Any) -> None:
    there = flow(sandbox, BINLOG, replication="binlog")
    there.capture()
    sides = {EAST: "orders", WEST: "orders-west"}
    for one, source, target in ((there, EAST, WEST), (there.home(), WEST, EAST)):
        repeated(one, "instantiate")
        activated = one.one("activate")
        assert names(activated) == [
            f"create_security_group@{source}",
            f"add_tags_to_resource@{source}",
            f"modify_db_cluster@{source}",
            f"add_tags_to_resource@{target}",
            f"promote_read_replica_db_cluster@{target}",
        ], activated
        assert "ReplicationSourceIdentifier" not in clusters(sandbox, target)[sides[target]]
        repeated(one, "activate")
        assert names(one.one("cleanup")) == [f"add_tags_to_resource@{source}", f"modify_db_cluster@{source}"]
        repeated(one, "cleanup")
        replicated = one.one("replicate")
        expected = [f"create_db_cluster@{source}", f"create_db_instance@{source}"]
        assert (replicated.status, names(replicated)) == ("done", expected), replicated
        follower = clusters(sandbox, source)[sides[source]]
        assert follower["ReplicationSourceIdentifier"].endswith(f":{target}:{ACCOUNT}:cluster:{sides[target]}")
        for phase in PHASES:
            repeated(one, phase)


def test_a_binlog_replica_is_promoted_with_the_source_dark_and_the_old_source_removed(sandbox: Any) -> None:
    one = flow(sandbox, BINLOG, replication="binlog")
    one.capture()
    sandbox.dark(EAST)
    activated = one.one("activate", "unplanned")
    assert names(activated) == [f"add_tags_to_resource@{WEST}", f"promote_read_replica_db_cluster@{WEST}"], activated
    assert [debt.split(":")[0] for _key, _phase, debt in one.journal.owed] == ["fence orders in us-east-1"]
    sandbox.clear_faults()
    one.clock.sleep(120)
    assert one.one("replicate", "unplanned").status == "blocked", "the old source is in the way"
    removed = one.one("cleanup", "unplanned", cleanup_policy="remove")
    assert names(removed) == [f"delete_db_instance@{EAST}", f"delete_db_cluster@{EAST}"], removed
    assert one.one("replicate", "unplanned").status == "done"


@pytest.mark.parametrize("spec", [{"peer": {"region": WEST, "name": "orders-west", "instances": 0}}, BINLOG])
def test_an_execution_that_dies_after_each_call_ends_the_same(sandbox: Any, spec: dict[str, Any]) -> None:
    one = flow(sandbox, spec, **({"replication": "binlog"} if spec is BINLOG else {}))
    one.capture()
    for phase in PHASES:
        assert one.survive(phase).status == "done"
    assert list(nodes(sandbox, WEST).values()) == ["available"]
    assert len(clusters(sandbox, WEST)) == 1
    assert [name for name in clusters(sandbox, EAST) if "-old-" not in name] == ["orders"]
    for phase in PHASES:
        repeated(one, phase)


def test_rollback_switches_back_and_lifts_a_fence(sandbox: Any) -> None:
    one = flow(sandbox)
    assert one.one("activate").status == "done"
    undone = one.one("rollback")
    assert (undone.status, names(undone)) == ("done", [f"switchover_global_cluster@{WEST}"]), undone
    assert members(sandbox)["orders"] == (True, "connected")
    repeated(one, "rollback")
    assert one.one("activate").status == "done", "and forth again"
    binlog = flow(sandbox, BINLOG, replication="binlog")
    fault = sandbox.fault(match={"operation": "PromoteReadReplicaDBCluster"}, effect="error", code="AccessDenied", message="no")
    assert fault
    assert binlog.one("activate").status == "failed"
    lifted = binlog.one("rollback")
    assert names(lifted) == [f"modify_db_cluster@{EAST}", f"remove_tags_from_resource@{EAST}"], lifted
    sandbox.clear_faults()
    assert binlog.one("activate").status == "done"
    assert "cannot be undone" in binlog.one("rollback").why


@pytest.mark.parametrize(
    ("spec", "phase", "says"),
    [
        ({"peer": {"region": WEST, "name": "orders-west", "lag": 900}}, "activate", "900 s"),
        ({"peer": {"region": WEST, "name": "orders-west", "engine_version": "15.4"}}, "activate", "15.4"),
        ({"encrypted": True, "peer": None}, "instantiate", "no key of us-west-2"),
        (
            {"kind": "aurora_cluster", "peer": {"region": WEST, "name": "orders-west", "standalone": True}},
            "instantiate",
            "follows nothing",
        ),
        (APART, "activate", "both"),
        ({}, "cleanup", "not proven to serve: source"),
        ({}, "replicate", "does not serve: source"),
    ],
)
def test_refusals(sandbox: Any, spec: dict[str, Any], phase: str, says: str) -> None:
    one = flow(sandbox, spec)
    refused = one.one(phase)
    assert (refused.status, refused.calls) == ("blocked", ()), refused
    assert says in refused.why


def test_an_encrypted_secondary_gets_the_key_of_its_region(sandbox: Any) -> None:
    key = f"arn:aws:kms:{WEST}:{ACCOUNT}:key/there"
    one = flow(sandbox, {"encrypted": True, "peer": None}, regions={WEST: {"kms_key_id": key}})
    assert one.one("instantiate").status == "done"
    assert clusters(sandbox, WEST)["orders-west"]["KmsKeyId"] == key


def test_tagged_clusters_are_found_once_with_their_peers_and_their_instances_are_no_hosts(sandbox: Any) -> None:
    sandbox.load(estate(instances=2))
    given = {
        "accounts": [{"id": ACCOUNT, "role_arn": ROLE[ACCOUNT][0], "external_id": ROLE[ACCOUNT][1], "name": "data"}],
        "regions": [EAST, WEST],
        "control_region": WEST,
        "records": [],
        "tagging_api": False,
        "workers": 2,
        "connect_timeout": 2,
        "read_timeout": 5,
        "control_table": "dr-aws",
    }
    found = look({**dict.fromkeys(OPTIONS), **given})
    assert found["inventory"]["counts"] == {"aurora": 1}
    (host,) = list(found["hosts"].values())
    assert {region: side["id"] for region, side in host["dr_sides"].items()} == {EAST: "orders", WEST: "orders-west"}


def test_two_writable_sides_are_a_split_brain(sandbox: Any) -> None:
    one = flow(sandbox, {**BINLOG, "peer": {"region": WEST, "name": "orders-west", "standalone": True}})
    adapter = AuroraCluster()
    assert adapter.active(adapter.observe(one.cloud, one.pairs)["orders"]) is Active.BOTH


def test_what_is_called_is_declared_and_what_is_declared_is_called(sandbox: Any) -> None:
    called = set()
    for scene in (
        test_an_unplanned_failover_and_the_return_of_the_old_writer,
        test_a_global_database_is_made_around_a_cluster,
        test_removal_takes_the_old_member_out_and_replicate_makes_a_new_one,
        test_a_detached_target_is_a_last_resort_that_is_rebuilt,
        test_rollback_switches_back_and_lifts_a_fence,
    ):
        scene(sandbox)
        called |= {f"{row['service']}:{row['operation']}" for row in sandbox.calls() if row["service"] != "sts"}
        sandbox.clear_faults()
    assert called == {action for actions in AuroraCluster.actions.values() for action in actions}


# -- the sandbox itself -----------------------------------------------------------------------------------------------


def test_sandbox_moves_of_a_writer_go_to_the_right_region(sandbox: Any, aws_code: Any) -> None:
    sandbox.load(estate())
    east, west = sandbox.client("rds", EAST, ACCOUNT), sandbox.client("rds", WEST, ACCOUNT)
    target = clusters(sandbox, WEST)["orders-west"]["DBClusterArn"]
    move = {"GlobalClusterIdentifier": "orders-global", "TargetDbClusterIdentifier": target}
    assert aws_code(west.switchover_global_cluster, **move) == "InvalidParameterValue"
    assert aws_code(east.failover_global_cluster, **move, AllowDataLoss=True) == "InvalidParameterValue"
    assert aws_code(west.promote_read_replica_db_cluster, DBClusterIdentifier="orders-west") == "InvalidDBClusterStateFault"
    moving = east.switchover_global_cluster(**move)["GlobalCluster"]
    assert (moving["Status"], moving["FailoverState"]["Status"]) == ("switching-over", "pending")
    assert aws_code(east.switchover_global_cluster, **move) == "InvalidGlobalClusterStateFault"
    sandbox.advance(120)
    assert members(sandbox)["orders-west"] == (True, "connected")


def test_sandbox_refuses_as_aws_does(sandbox: Any, aws_code: Any) -> None:
    sandbox.load(estate(protected=True))
    east = sandbox.client("rds", EAST, ACCOUNT)
    gone = {"DBClusterIdentifier": "orders", "SkipFinalSnapshot": True}
    assert aws_code(east.delete_db_cluster, **gone) == "InvalidParameterCombination"
    east.modify_db_cluster(DBClusterIdentifier="orders", DeletionProtection=False)
    assert aws_code(east.delete_db_cluster, **gone) == "InvalidDBClusterStateFault"
    arn = clusters(sandbox, EAST)["orders"]["DBClusterArn"]
    leaving = {"GlobalClusterIdentifier": "orders-global", "DbClusterIdentifier": arn}
    assert aws_code(east.remove_from_global_cluster, **leaving) == "InvalidGlobalClusterStateFault"
    assert aws_code(east.delete_global_cluster, GlobalClusterIdentifier="orders-global") == "InvalidGlobalClusterStateFault"
    assert aws_code(east.describe_global_clusters, GlobalClusterIdentifier="no") == "GlobalClusterNotFoundFault"
    assert aws_code(east.describe_db_clusters, DBClusterIdentifier="no") == "DBClusterNotFoundFault"


def test_sandbox_the_last_instance_of_a_binlog_replica_stays(sandbox: Any, aws_code: Any) -> None:
    sandbox.load(estate(**BINLOG))
    west = sandbox.client("rds", WEST, ACCOUNT)
    (name,) = nodes(sandbox, WEST)
    gone = {"DBInstanceIdentifier": name, "SkipFinalSnapshot": True}
    assert aws_code(west.delete_db_instance, **gone) == "InvalidDBClusterStateFault"
