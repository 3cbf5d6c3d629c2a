# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RDS instances over the real engine and the sandbox, end states read by plain boto3."""

from __future__ import annotations

from typing import Any

import pytest
from flow import Flow

from ansible_collections.dr.aws.plugins.module_utils.adapters.rds_instance import RdsInstance
from ansible_collections.dr.aws.plugins.module_utils.model import Active, Pair

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "200000000001"
ROLE = {ACCOUNT: (f"arn:aws:iam::{ACCOUNT}:role/dr-automation", "shop")}
PHASES = ("instantiate", "activate", "cleanup", "replicate")


def estate(**spec: Any) -> dict[str, Any]:
    peer = {"region": WEST, "name": "orders-west"}
    database = {"kind": "rds_instance", "account": "data", "region": EAST, "name": "orders", "engine": "postgres", "backup_days": 7}
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


def pair(**settings: Any) -> Pair:
    return Pair("orders", "rds", ACCOUNT, EAST, WEST, "orders", "orders-west", settings=settings)


def flow(sandbox: Any, spec: dict[str, Any] | None = None, **settings: Any) -> Flow:
    sandbox.load(estate(**(spec or {})))
    return Flow(sandbox, [pair(**settings)], ROLE)


def databases(sandbox: Any, region: str) -> dict[str, dict[str, Any]]:
    found = sandbox.inside("rds", region, ACCOUNT).describe_db_instances()["DBInstances"]
    return {one["DBInstanceIdentifier"]: one for one in found}


def tags(one: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in one["TagList"]}


def groups(one: dict[str, Any]) -> list[str]:
    return [group["VpcSecurityGroupId"] for group in one["VpcSecurityGroups"]]


def names(result: Any) -> list[str]:
    return [f"{call['operation']}@{call['region']}" for call in result.calls]


def repeated(one: Flow, phase: str, mode: str = "planned", **options: Any) -> None:
    """A second run and check mode find nothing to do, and send nothing."""
    before = len(one.mutations())
    for check in (False, True):
        result = one.one(phase, mode, check=check, **options)
        assert (result.status, result.calls) == ("done", ()), result
    assert len(one.mutations()) == before


def serves(sandbox: Any, region: str, name: str) -> None:
    """It is an instance of its own, available and backed up."""
    one = databases(sandbox, region)[name]
    assert (one["DBInstanceStatus"], one.get("ReadReplicaSourceDBInstanceIdentifier")) == ("available", None)
    assert one["BackupRetentionPeriod"] == 7


def test_planned_failover_and_back_under_the_same_identifiers(sandbox: Any) -> None:
    there = flow(sandbox)
    there.capture()
    sides = {EAST: "orders", WEST: "orders-west"}
    for one, source, target in ((there, EAST, WEST), (there.home(), WEST, EAST)):
        assert one.one("instantiate").status == "done"
        repeated(one, "instantiate")
        activated = one.one("activate")
        assert (activated.status, activated.outputs["role"]) == ("done", "active"), activated
        assert names(activated) == [
            f"create_security_group@{source}",
            f"add_tags_to_resource@{source}",
            f"modify_db_instance@{source}",
            f"add_tags_to_resource@{target}",
            f"promote_read_replica@{target}",
        ]
        serves(sandbox, target, sides[target])
        (fence,) = groups(databases(sandbox, source)[sides[source]])
        ec2 = sandbox.inside("ec2", source, ACCOUNT)
        assert ec2.describe_security_groups(GroupIds=[fence])["SecurityGroups"][0]["IpPermissions"] == []
        repeated(one, "activate")
        cleaned = one.one("cleanup")
        assert names(cleaned) == [f"add_tags_to_resource@{source}", f"modify_db_instance@{source}"], cleaned
        (old,) = databases(sandbox, source)
        assert old.startswith(f"{sides[source]}-old-"), old
        assert tags(databases(sandbox, source)[old])["dr:enabled"] == "false"
        repeated(one, "cleanup")
        replicated = one.one("replicate")
        assert (replicated.status, names(replicated)) == ("done", [f"create_db_instance_read_replica@{source}"]), replicated
        replica = databases(sandbox, source)[sides[source]]
        assert replica["ReadReplicaSourceDBInstanceIdentifier"].endswith(f":{target}:{ACCOUNT}:db:{sides[target]}")
        assert groups(replica) != [fence], "the replica has the groups that the old source served with"
        assert tags(replica)["dr:enabled"] == "true"
        assert tags(replica)["dr:peer"] == f"{target}:{sides[target]}"
        for phase in PHASES:
            repeated(one, phase)
        sandbox.inside("rds", source, ACCOUNT).delete_db_instance(DBInstanceIdentifier=old, SkipFinalSnapshot=True)
        sandbox.advance(600)


def test_unplanned_failover_with_the_source_dark_and_its_return(sandbox: Any) -> None:
    one = flow(sandbox)
    one.capture()
    sandbox.dark(EAST)
    assert one.one("instantiate", "unplanned").status == "done"
    assert one.one("activate").status == "blocked", "planned needs the source"
    activated = one.one("activate", "unplanned")
    assert (activated.status, activated.outputs["fencing"]) == ("done", "deferred"), activated
    assert names(activated) == [f"add_tags_to_resource@{WEST}", f"promote_read_replica@{WEST}"]
    assert [debt for _key, _phase, debt in one.journal.owed] == ["fence orders in us-east-1: it may still take writes"]
    serves(sandbox, WEST, "orders-west")
    repeated(one, "activate", "unplanned")
    for phase in ("cleanup", "replicate"):
        assert one.one(phase, "unplanned").status == "deferred"
    sandbox.clear_faults()
    one.clock.sleep(120)  # until the circuit breaker lets calls through again
    assert one.one("replicate", "unplanned").status == "blocked", "the old source is in the way"
    cleaned = one.one("cleanup", "unplanned")
    assert names(cleaned) == [
        f"create_security_group@{EAST}",
        f"add_tags_to_resource@{EAST}",
        f"modify_db_instance@{EAST}",
        f"add_tags_to_resource@{EAST}",
        f"modify_db_instance@{EAST}",
    ], cleaned
    assert one.one("replicate", "unplanned").status == "done"
    for phase in PHASES:
        repeated(one, phase, "unplanned")
    assert databases(sandbox, EAST)["orders"]["ReadReplicaSourceDBInstanceIdentifier"].endswith("orders-west")


def test_a_replica_is_made_where_there_is_none(sandbox: Any) -> None:
    one = flow(sandbox, {"peer": None})
    made = one.one("instantiate")
    assert (made.status, names(made)) == ("done", [f"create_db_instance_read_replica@{WEST}"]), made
    replica = databases(sandbox, WEST)["orders-west"]
    assert (replica["DBInstanceStatus"], replica["DBInstanceClass"]) == ("available", "db.r6g.large")
    assert tags(replica) == {**tags(databases(sandbox, EAST)["orders"]), "dr:peer": f"{EAST}:orders"}
    assert one.one("instantiate").outputs["lag_seconds"] == 3.0
    repeated(one, "instantiate")


@pytest.mark.parametrize(
    ("spec", "settings", "says"),
    [
        ({"peer": None, "backup_days": 0}, {}, "no automated backups"),
        ({"peer": None, "encrypted": True}, {}, "no key of us-west-2"),
        ({"peer": {"region": WEST, "name": "orders-west", "standalone": True}}, {}, "not a replica of orders"),
    ],
)
def test_instantiate_refuses(sandbox: Any, spec: dict[str, Any], settings: dict[str, Any], says: str) -> None:
    one = flow(sandbox, spec, **settings)
    refused = one.one("instantiate")
    assert (refused.status, refused.calls) == ("blocked", ()), refused
    assert says in refused.why


def test_an_encrypted_replica_gets_the_key_of_its_region(sandbox: Any) -> None:
    key = f"arn:aws:kms:{WEST}:{ACCOUNT}:key/there"
    one = flow(sandbox, {"peer": None, "encrypted": True}, regions={WEST: {"kms_key_id": key}})
    assert one.one("instantiate").status == "done"
    assert databases(sandbox, WEST)["orders-west"]["KmsKeyId"] == key


@pytest.mark.parametrize(("lag", "known"), [(900, "900 s"), (None, "unknown"), (-1, "unknown")])
def test_a_planned_activation_needs_a_small_lag_and_an_unplanned_one_does_not(sandbox: Any, lag: float | None, known: str) -> None:
    one = flow(sandbox, {"peer": {"region": WEST, "name": "orders-west", "lag": lag}})
    refused = one.one("activate")
    assert (refused.status, refused.calls) == ("blocked", ()), refused
    assert f"the lag of orders-west in us-west-2 is {known}" in refused.why
    assert one.one("activate", "unplanned").status == "done"


def test_mysql_is_promoted_when_nothing_is_left_to_arrive(sandbox: Any) -> None:
    one = flow(sandbox, {"engine": "mysql", "peer": {"region": WEST, "name": "orders-west", "lag": 20}})
    assert one.one("activate").status == "done"
    serves(sandbox, WEST, "orders-west")


def test_rollback_lifts_the_fence_before_a_promotion_and_is_refused_after_it(sandbox: Any) -> None:
    one = flow(sandbox)
    before = groups(databases(sandbox, EAST)["orders"])
    sandbox.fault(match={"operation": "PromoteReadReplica"}, effect="error", code="AccessDenied", message="no", status=403)
    assert one.one("activate").status == "failed"
    assert groups(databases(sandbox, EAST)["orders"]) != before
    undone = one.one("rollback")
    assert names(undone) == [f"modify_db_instance@{EAST}", f"remove_tags_from_resource@{EAST}"], undone
    assert groups(databases(sandbox, EAST)["orders"]) == before
    repeated(one, "rollback")
    assert one.one("cleanup").status == "blocked", "the target does not serve"
    sandbox.clear_faults()
    assert one.one("activate").status == "done"
    refused = one.one("rollback")
    assert (refused.status, refused.calls) == ("blocked", ())
    assert "cannot be undone" in refused.why


def test_rollback_waits_for_a_promotion_that_is_under_way(sandbox: Any) -> None:
    one = flow(sandbox)
    rds = sandbox.inside("rds", WEST, ACCOUNT)
    sandbox.fault(match={"operation": "PromoteReadReplica"}, effect="error", code="AccessDenied", message="no", status=403)
    assert one.one("activate").status == "failed"
    fenced = groups(databases(sandbox, EAST)["orders"])
    rds.promote_read_replica(DBInstanceIdentifier="orders-west", BackupRetentionPeriod=7)
    refused = one.one("rollback")
    assert (refused.status, refused.calls) == ("blocked", ()), refused
    assert groups(databases(sandbox, EAST)["orders"]) == fenced


def test_the_parameters_of_a_region_are_those_of_its_replicas(sandbox: Any) -> None:
    one = flow(sandbox, {"peer": None}, regions={WEST: {"parameter_group": "tuned"}})
    sandbox.inside("rds", WEST, ACCOUNT).create_db_parameter_group(
        DBParameterGroupName="tuned", DBParameterGroupFamily="postgres16", Description="tuned"
    )
    made = one.one("instantiate")
    assert (made.status, names(made)) == (
        "done",
        [f"create_db_instance_read_replica@{WEST}", f"modify_db_instance@{WEST}"],
    ), made
    repeated(one, "instantiate")
    for way, region in ((one, EAST), (one.home(), WEST)):
        for phase in ("activate", "cleanup", "replicate"):
            assert way.one(phase).status == "done"
        place = {EAST: "orders", WEST: "orders-west"}[region]
        (group,) = databases(sandbox, region)[place]["DBParameterGroups"]
        assert (group["DBParameterGroupName"] == "tuned") is (region == WEST)


@pytest.mark.parametrize("dark", [False, True])
def test_a_run_that_dies_after_every_call_does_nothing_twice(sandbox: Any, dark: bool) -> None:
    one, mode = flow(sandbox), "unplanned" if dark else "planned"
    one.capture()
    if dark:
        sandbox.dark(EAST)
    for phase in ("instantiate", "activate"):
        assert one.survive(phase, mode).status == "done"
    if dark:
        sandbox.clear_faults()
        one.clock.sleep(120)  # until the circuit breaker lets calls through again
    for phase in ("cleanup", "replicate"):
        assert one.survive(phase, mode).status == "done"
    fence = [f"CreateSecurityGroup@{EAST}", f"AddTagsToResource@{EAST}", f"ModifyDBInstance@{EAST}"]
    promotion = [f"AddTagsToResource@{WEST}", f"PromoteReadReplica@{WEST}"]
    aside = [f"AddTagsToResource@{EAST}", f"ModifyDBInstance@{EAST}", f"CreateDBInstanceReadReplica@{EAST}"]
    sent = [f"{call['operation']}@{call['region']}" for call in one.mutations()]
    assert sent == [*(promotion + fence if dark else fence + promotion), *aside]


def test_both_sides_name_each_other_by_arn_while_they_replicate(sandbox: Any) -> None:
    one = flow(sandbox, {"peer": None})
    assert one.one("instantiate").status == "done"
    here, there = databases(sandbox, EAST)["orders"], databases(sandbox, WEST)["orders-west"]
    assert there["ReadReplicaSourceDBInstanceIdentifier"] == here["DBInstanceArn"]
    assert here["ReadReplicaDBInstanceIdentifiers"] == [there["DBInstanceArn"]]
    for phase in ("activate", "cleanup", "replicate"):
        assert one.one(phase).status == "done"
    here, there = databases(sandbox, EAST)["orders"], databases(sandbox, WEST)["orders-west"]
    assert here["ReadReplicaSourceDBInstanceIdentifier"] == there["DBInstanceArn"]
    assert there["ReadReplicaDBInstanceIdentifiers"] == [here["DBInstanceArn"]]


def test_a_promoted_replica_is_backed_up_and_protected_as_its_source_was(sandbox: Any) -> None:
    one = flow(sandbox, {"peer": None, "protected": True, "backup_days": 21})
    one.capture()
    assert one.one("instantiate").status == "done"
    sandbox.dark(EAST)
    assert one.one("activate", "unplanned").status == "done"
    promoted = databases(sandbox, WEST)["orders-west"]
    assert (promoted["BackupRetentionPeriod"], promoted["DeletionProtection"]) == (21, True)


def test_removal_takes_a_final_snapshot_and_leaves_the_identifier_for_the_replica(sandbox: Any) -> None:
    one = flow(sandbox)
    assert one.one("activate").status == "done"
    removed = one.one("cleanup", cleanup_policy="remove")
    assert names(removed) == [f"delete_db_instance@{EAST}"], removed
    assert databases(sandbox, EAST) == {}
    (snapshot,) = sandbox.inside("rds", EAST, ACCOUNT).describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    assert snapshot["DBSnapshotIdentifier"].startswith("orders-final-")
    repeated(one, "cleanup", cleanup_policy="remove")
    assert one.one("replicate").status == "done"
    repeated(one, "cleanup", cleanup_policy="remove")
    assert one.one("activate").status == "done"


def test_a_protected_source_is_not_deleted_and_its_quarantine_can_be_removed_later(sandbox: Any) -> None:
    one = flow(sandbox, {"protected": True})
    assert one.one("activate").status == "done"
    assert "protected against deletion" in one.one("cleanup", cleanup_policy="remove").why
    assert one.one("cleanup").status == "done"
    assert one.one("replicate").status == "done"
    (old,) = set(databases(sandbox, EAST)) - {"orders"}
    rds = sandbox.inside("rds", EAST, ACCOUNT)
    rds.modify_db_instance(DBInstanceIdentifier=old, DeletionProtection=False, ApplyImmediately=True)
    assert one.one("cleanup", cleanup_policy="remove").status == "done"
    assert set(databases(sandbox, EAST)) == {"orders"}


def test_two_writable_sides_are_a_split_brain(sandbox: Any) -> None:
    one = flow(sandbox, {"peer": {"region": WEST, "name": "orders-west", "standalone": True}})
    adapter = RdsInstance()
    assert adapter.active(adapter.observe(one.cloud, one.pairs)["orders"]) is Active.BOTH
    for phase in ("activate", "cleanup", "replicate"):
        for mode in ("planned", "unplanned"):
            refused = one.one(phase, mode)
            assert (refused.status, refused.calls) == ("blocked", ()), refused


def test_a_second_failover_after_the_way_back_collides_with_nothing(sandbox: Any) -> None:
    one = flow(sandbox)
    for way in (one, one.home(), one):
        for phase in ("activate", "cleanup", "replicate"):
            result = way.one(phase)
            assert result.status == "done", result
    assert sorted(name.split("-old-")[0] for name in databases(sandbox, EAST)) == ["orders", "orders", "orders"]
    serves(sandbox, WEST, "orders-west")


def test_many_databases_are_read_with_two_listings_and_one_request_for_their_lag(sandbox: Any) -> None:
    sandbox.load({**estate(), "resources": []})
    for number in range(30):
        name = f"db{number:02d}"
        sandbox.seed(kind="rds_instance", account=ACCOUNT, region=EAST, name=name, peer={"region": WEST})
    pairs = [Pair(f"db{n:02d}", "rds", ACCOUNT, EAST, WEST, f"db{n:02d}", f"db{n:02d}") for n in range(30)]
    one = Flow(sandbox, pairs, ROLE)
    first = len(sandbox.calls())
    seen = RdsInstance().observe(one.cloud, one.pairs)
    assert {state.target.lag_seconds for state in seen.values()} == {3.0}
    reads = [call["operation"] for call in sandbox.calls(since=first) if call["service"] != "sts"]
    assert sorted(reads) == ["DescribeDBInstances", "DescribeDBInstances", "DescribeSecurityGroups", "GetMetricData"]
    assert {result.status for result in one.run("activate").values()} == {"done"}


def test_what_is_called_is_declared_and_what_is_declared_is_called(sandbox: Any) -> None:
    called = set()
    for scene in (
        test_a_replica_is_made_where_there_is_none,
        test_rollback_lifts_the_fence_before_a_promotion_and_is_refused_after_it,
        test_removal_takes_a_final_snapshot_and_leaves_the_identifier_for_the_replica,
    ):
        scene(sandbox)
        called |= {f"{row['service']}:{row['operation']}" for row in sandbox.calls() if row["service"] != "sts"}
        sandbox.clear_faults()
    assert called == {action for actions in RdsInstance.actions.values() for action in actions}


# -- the sandbox itself -----------------------------------------------------------------------------------------------


def test_sandbox_promotion_passes_through_the_states_of_aws(sandbox: Any, aws_code: Any) -> None:
    sandbox.load(estate())
    rds = sandbox.client("rds", WEST, ACCOUNT)
    replica = databases(sandbox, WEST)["orders-west"]
    assert replica["StatusInfos"] == [{"StatusType": "read replication", "Normal": True, "Status": "replicating"}]
    rds.promote_read_replica(DBInstanceIdentifier="orders-west", BackupRetentionPeriod=5)
    assert aws_code(rds.promote_read_replica, DBInstanceIdentifier="orders-west") == "InvalidDBInstanceState"
    states = []
    for seconds in (0, 300, 60, 60):
        sandbox.advance(seconds)
        one = databases(sandbox, WEST)["orders-west"]
        states.append((one["DBInstanceStatus"], "ReadReplicaSourceDBInstanceIdentifier" in one))
    assert states == [("modifying", True), ("rebooting", False), ("backing-up", False), ("available", False)]
    assert databases(sandbox, EAST)["orders"]["ReadReplicaDBInstanceIdentifiers"] == []
    assert aws_code(rds.promote_read_replica, DBInstanceIdentifier="orders-west") == "InvalidDBInstanceState"


def test_sandbox_refuses_as_aws_does(sandbox: Any, aws_code: Any) -> None:
    sandbox.load(estate(protected=True))
    east, west = sandbox.client("rds", EAST, ACCOUNT), sandbox.client("rds", WEST, ACCOUNT)
    arn = databases(sandbox, EAST)["orders"]["DBInstanceArn"]
    twin = {"SourceDBInstanceIdentifier": arn, "SourceRegion": EAST}
    assert aws_code(west.create_db_instance_read_replica, DBInstanceIdentifier="orders-west", **twin) == "DBInstanceAlreadyExists"
    assert aws_code(west.promote_read_replica, DBInstanceIdentifier="no") == "DBInstanceNotFound"
    assert aws_code(east.stop_db_instance, DBInstanceIdentifier="orders") == "InvalidDBInstanceState"
    gone = {"DBInstanceIdentifier": "orders", "SkipFinalSnapshot": True}
    assert aws_code(east.delete_db_instance, **gone) == "InvalidParameterCombination"
    assert aws_code(east.modify_db_instance, DBInstanceIdentifier="orders", VpcSecurityGroupIds=["sg-0"]) == "InvalidParameterValue"
    abroad = {"SourceDBInstanceIdentifier": databases(sandbox, WEST)["orders-west"]["DBInstanceArn"], "SourceRegion": WEST}
    assert aws_code(east.create_db_instance_read_replica, DBInstanceIdentifier="third", **abroad) == "InvalidDBInstanceState"


@pytest.mark.parametrize(("engine", "orphaned"), [("postgres", True), ("mysql", False)])
def test_sandbox_a_deleted_source_orphans_a_postgresql_replica(sandbox: Any, engine: str, orphaned: bool) -> None:
    sandbox.load(estate(engine=engine))
    sandbox.client("rds", EAST, ACCOUNT).delete_db_instance(DBInstanceIdentifier="orders", SkipFinalSnapshot=True)
    sandbox.advance(600)
    replica = databases(sandbox, WEST)["orders-west"]
    assert ("ReadReplicaSourceDBInstanceIdentifier" in replica) is orphaned
    assert [info["Status"] for info in replica.get("StatusInfos", ())] == (["terminated"] if orphaned else [])


def test_sandbox_a_renamed_source_keeps_its_replica(sandbox: Any) -> None:
    sandbox.load(estate())
    rds = sandbox.client("rds", EAST, ACCOUNT)
    rds.modify_db_instance(DBInstanceIdentifier="orders", NewDBInstanceIdentifier="elsewhere", ApplyImmediately=True)
    assert databases(sandbox, EAST)["orders"]["DBInstanceStatus"] == "renaming"
    sandbox.advance(120)
    assert databases(sandbox, EAST)["elsewhere"]["DBInstanceStatus"] == "available"
    assert databases(sandbox, WEST)["orders-west"]["ReadReplicaSourceDBInstanceIdentifier"].endswith(":db:elsewhere")
