# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EFS file systems over the real engine and the sandbox, end states read by plain boto3."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flow import Crash, Dying, Flow

from ansible_collections.dr.aws.plugins.module_utils.adapters.efs_file_system import EfsFileSystem
from ansible_collections.dr.aws.plugins.module_utils.engine import Engine
from ansible_collections.dr.aws.plugins.module_utils.model import Goal, Pair
from ansible_collections.dr.aws.plugins.module_utils.store import MemoryJournal

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "200000000001"
ROLE = {ACCOUNT: (f"arn:aws:iam::{ACCOUNT}:role/dr-automation", "shop")}


def estate() -> dict[str, Any]:
    return {
        "name": "shop",
        "control_region": WEST,
        "regions": [EAST, WEST],
        "accounts": [
            {"id": "100000000000", "name": "management", "management": True},
            {"id": ACCOUNT, "name": "web", "roles": [{"name": "dr-automation", "external_id": "shop"}]},
        ],
        "resources": [],
    }


def flow(sandbox: Any, peer: dict[str, Any] | None = None, known: bool = True, settings: Any = None, **spec: Any) -> Flow:
    """peer: {} is a seeded replication. known: whether the pair knows the id of the target."""
    sandbox.load(estate())
    given = {"peer": {"region": WEST, **peer}} if peer is not None else {}
    made = sandbox.seed(kind="efs_file_system", account=ACCOUNT, region=EAST, name="shared", **given, **spec)
    target = made["peer_id"] if known and peer is not None else made["id"]
    return Flow(sandbox, [Pair("shared", "efs", ACCOUNT, EAST, WEST, made["id"], target, settings=settings or {})], ROLE)


def ids(one: Flow) -> tuple[str, str]:
    return one.pairs[0].source_id, one.pairs[0].target_id


def shown(sandbox: Any, region: str, ident: str) -> dict[str, Any]:
    (found,) = sandbox.client("efs", region, ACCOUNT).describe_file_systems(FileSystemId=ident)["FileSystems"]
    return dict(found)


def protection(sandbox: Any, region: str, ident: str) -> str:
    return str(shown(sandbox, region, ident)["FileSystemProtection"]["ReplicationOverwriteProtection"])


def replications(sandbox: Any, region: str) -> list[tuple[str, str, str]]:
    found = sandbox.client("efs", region, ACCOUNT).describe_replication_configurations()["Replications"]
    return [(one["SourceFileSystemId"], one["Destinations"][0]["FileSystemId"], one["Destinations"][0]["Status"]) for one in found]


def names(result: Any) -> list[str]:
    return [f"{call['operation']}@{call['region']}" for call in result.calls]


def repeated(one: Flow, phase: str, mode: str = "planned") -> None:
    """A second run and check mode find nothing to do, and send nothing."""
    before = len(one.mutations())
    for check in (False, True):
        result = one.one(phase, mode, check=check)
        assert (result.status, result.calls) == ("done", ()), result
    assert len(one.mutations()) == before


def test_planned_failover_and_back(sandbox: Any, aws_code: Any) -> None:
    there = flow(sandbox, {})
    there.capture()
    for one, (source, source_region), (target, target_region), lifted in (
        (there, (ids(there)[0], EAST), (ids(there)[1], WEST), []),
        (there.home(), (ids(there)[1], WEST), (ids(there)[0], EAST), [f"delete_file_system_policy@{EAST}"]),
    ):
        repeated(one, "instantiate")
        activated = one.one("activate")
        assert activated.status == "done", activated
        assert activated.outputs["file_system_id"] == target
        assert names(activated) == [
            f"put_file_system_policy@{source_region}",
            f"tag_resource@{target_region}",
            f"delete_replication_configuration@{target_region}",
            *lifted,
        ]
        assert protection(sandbox, target_region, target) == "ENABLED"
        assert replications(sandbox, target_region) == []
        assert (
            "DrAwsFence" in sandbox.client("efs", source_region, ACCOUNT).describe_file_system_policy(FileSystemId=source)["Policy"]
        )
        client = sandbox.client("efs", target_region, ACCOUNT)
        assert aws_code(client.describe_file_system_policy, FileSystemId=target) == "PolicyNotFound"
        repeated(one, "activate")
        repeated(one, "cleanup")
        replicated = one.one("replicate")
        assert names(replicated) == [
            f"update_file_system_protection@{source_region}",
            f"create_replication_configuration@{target_region}",
        ], "nothing has diverged, so nothing is backed up first"
        assert replications(sandbox, target_region) == [(target, source, "ENABLED")]
        for phase in ("replicate", "instantiate", "activate", "cleanup"):
            repeated(one, phase)


def test_planned_activation_waits_for_a_synchronisation_after_the_fence(sandbox: Any) -> None:
    one = flow(sandbox, {})
    result = one.one("activate")
    assert result.status == "done"
    tags = {tag["Key"]: tag["Value"] for tag in shown(sandbox, WEST, ids(one)[1])["Tags"]}
    policy = sandbox.client("efs", EAST, ACCOUNT).describe_file_system_policy(FileSystemId=ids(one)[0])["Policy"]
    (denied,) = [one for one in json.loads(policy)["Statement"] if one["Effect"] == "Deny"]
    holds = int(denied["Sid"].removeprefix("DrAwsFence"))
    assert int(tags["dr:synced"]) > holds


@pytest.mark.parametrize("known", [True, False])
def test_unplanned_failover_with_the_source_dark_and_its_return(sandbox: Any, known: bool) -> None:
    one = flow(sandbox, {}, known)
    one.capture()
    target = sandbox.client("efs", WEST, ACCOUNT).describe_file_systems()["FileSystems"][0]["FileSystemId"]
    sandbox.dark(EAST)
    assert one.one("instantiate", "unplanned").status == "done"
    activated = one.one("activate", "unplanned")
    assert (activated.status, activated.outputs["fencing"]) == ("done", "deferred"), activated
    assert names(activated) == [f"tag_resource@{WEST}", f"delete_replication_configuration@{WEST}"]
    assert protection(sandbox, WEST, target) == "ENABLED"
    repeated(one, "activate", "unplanned")
    assert one.one("cleanup", "unplanned").status == "deferred"
    assert one.one("replicate", "unplanned").status == "deferred"
    assert {call["region"] for call in one.mutations()} == {WEST}

    sandbox.clear_faults()
    one.clock.sleep(120)  # until the breaker asks the region again
    assert names(one.one("cleanup", "unplanned")) == [f"put_file_system_policy@{EAST}"]
    repeated(one, "cleanup", "unplanned")
    replicated = one.one("replicate", "unplanned")
    assert replicated.status == "done", replicated
    assert names(replicated) == [
        f"start_backup_job@{EAST}",
        f"update_file_system_protection@{EAST}",
        f"create_replication_configuration@{WEST}",
    ]
    (job,) = sandbox.client("backup", EAST, ACCOUNT).list_backup_jobs()["BackupJobs"]
    assert job["State"] == "COMPLETED"
    assert protection(sandbox, EAST, ids(one)[0]) == "REPLICATING"
    repeated(one, "replicate", "unplanned")


def test_last_resort_when_the_deletion_does_not_end(sandbox: Any) -> None:
    one = flow(sandbox, {"stalls": True})
    sandbox.dark(EAST)
    stuck = one.one("activate", "unplanned")
    assert stuck.status == "failed"
    assert "local_only" in stuck.why
    forced = Flow(sandbox, [Pair("shared", "efs", ACCOUNT, EAST, WEST, *ids(one), settings={"local_only": True})], ROLE)
    done = forced.one("activate", "unplanned")
    assert done.status == "done", done
    assert [call["params"].get("DeletionMode") for call in done.calls] == ["LOCAL_CONFIGURATION_ONLY"]
    assert protection(sandbox, WEST, ids(one)[1]) == "ENABLED"
    sandbox.clear_faults()
    forced.clock.sleep(120)
    assert replications(sandbox, EAST) == [(*ids(one), "ERROR")], "the source still believes that it replicates"
    assert forced.one("cleanup", "unplanned").status == "done"
    replicated = forced.one("replicate", "unplanned")
    assert replicated.status == "done", replicated
    assert names(replicated)[0] == f"delete_replication_configuration@{EAST}"
    assert replications(sandbox, EAST) == [(ids(one)[1], ids(one)[0], "ENABLED")]


def test_a_copy_is_made_from_nothing(sandbox: Any) -> None:
    sandbox.load(estate())
    subnets = sandbox.client("ec2", WEST, ACCOUNT).describe_subnets()["Subnets"]
    chosen = sorted(one["SubnetId"] for one in subnets)[:2]
    made = sandbox.seed(kind="efs_file_system", account=ACCOUNT, region=EAST, name="shared", throughput="bursting")
    settings = {"regions": {WEST: {"subnets": chosen}}}
    one = Flow(sandbox, [Pair("shared", "efs", ACCOUNT, EAST, WEST, made["id"], made["id"], settings=settings)], ROLE)
    result = one.one("instantiate")
    assert result.status == "done", result
    assert names(result) == [
        f"create_replication_configuration@{EAST}",
        f"update_file_system@{WEST}",
        f"create_mount_target@{WEST}",
        f"create_mount_target@{WEST}",
    ]
    copy = result.outputs["file_system_id"]
    assert shown(sandbox, WEST, copy)["ThroughputMode"] == "bursting"
    assert shown(sandbox, WEST, copy)["NumberOfMountTargets"] == 2
    repeated(one, "instantiate")
    assert one.one("activate").status == "done"
    repeated(one, "activate")


def test_guards_before_anything_is_changed(sandbox: Any) -> None:
    one = flow(sandbox, {"syncing": True})
    assert "incomplete" in one.one("activate", "unplanned").why
    sandbox.dark(EAST)
    assert one.one("activate").status == "blocked"
    stale = flow(sandbox, {"lag": 7200})
    assert any(f"{age} s ago" in stale.one("activate").why for age in (7199, 7200)), "AWS tells its time in whole seconds"
    limited = flow(sandbox, {"lag": 7200}, settings={"max_lag_seconds": 600})
    assert "max_lag_seconds" in limited.one("activate", "unplanned").why
    assert limited.mutations() == []
    lone = flow(sandbox)
    assert "instantiate" in lone.one("activate").remedy
    assert lone.one("cleanup").status == "blocked"
    unmounted = flow(sandbox, {"mounted": False})
    assert "no mount target" in unmounted.one("instantiate").why


def test_check_mode_says_the_first_call_and_sends_none(sandbox: Any) -> None:
    one = flow(sandbox, {})
    result = one.one("activate", check=True)
    assert (result.status, names(result)) == ("would_change", [f"put_file_system_policy@{EAST}"])
    assert one.mutations() == []


def test_rollback_before_and_after_the_target_is_writable(sandbox: Any, aws_code: Any) -> None:
    one = flow(sandbox, {})
    with pytest.raises(Crash):  # only the fence is in place
        Engine(Dying(one.cloud), MemoryJournal(), clock=one.clock).run("activate", [Goal(one.pairs[0])])
    assert names(one.one("rollback")) == [f"delete_file_system_policy@{EAST}"]
    client = sandbox.client("efs", EAST, ACCOUNT)
    assert aws_code(client.describe_file_system_policy, FileSystemId=ids(one)[0]) == "PolicyNotFound"
    repeated(one, "rollback")
    moved = flow(sandbox, {})
    assert moved.one("activate").status == "done"
    refused = moved.one("rollback")
    assert (refused.status, "fail back" in refused.remedy) == ("blocked", True)


def test_the_customers_policy_survives(sandbox: Any) -> None:
    one = flow(sandbox, {})
    mine = '{"Version": "2012-10-17", "Statement": {"Sid": "Mine", "Effect": "Allow", "Principal": "*", "Action": "*"}}'
    sandbox.client("efs", EAST, ACCOUNT).put_file_system_policy(FileSystemId=ids(one)[0], Policy=mine)
    for phase in ("activate", "cleanup", "replicate"):
        assert one.one(phase).status == "done"
    assert one.home().one("activate").status == "done"
    policy = sandbox.client("efs", EAST, ACCOUNT).describe_file_system_policy(FileSystemId=ids(one)[0])["Policy"]
    assert ("Mine" in policy, "Fence" in policy) == (True, False)


def test_remove_deletes_after_a_backup_and_a_new_copy_is_made(sandbox: Any, aws_code: Any) -> None:
    one = flow(sandbox, {})
    assert one.one("activate").status == "done"
    removed = one.one("cleanup", cleanup_policy="remove")
    assert removed.status == "done", removed
    assert names(removed) == [f"{name}@{EAST}" for name in ("start_backup_job", "delete_mount_target", "delete_file_system")]
    client = sandbox.client("efs", EAST, ACCOUNT)
    assert aws_code(client.describe_file_systems, FileSystemId=ids(one)[0]) == "FileSystemNotFound"
    subnet = sorted(found["SubnetId"] for found in sandbox.client("ec2", EAST, ACCOUNT).describe_subnets()["Subnets"])[0]
    again = Flow(
        sandbox, [Pair("shared", "efs", ACCOUNT, EAST, WEST, *ids(one), settings={"regions": {EAST: {"subnets": [subnet]}}})], ROLE
    )
    assert again.one("replicate").status == "done"
    repeated(again, "replicate")
    repeated(again, "activate")


def test_what_is_called_is_declared_and_what_is_declared_is_called(sandbox: Any, aws_code: Any) -> None:
    rows: list[dict[str, Any]] = []
    test_planned_failover_and_back(sandbox, aws_code)
    rows += sandbox.calls()
    test_a_copy_is_made_from_nothing(sandbox)
    rows += sandbox.calls()
    test_remove_deletes_after_a_backup_and_a_new_copy_is_made(sandbox, aws_code)
    rows += sandbox.calls()
    prefixes = {"efs": "elasticfilesystem"}
    called = {f"{prefixes.get(row['service'], row['service'])}:{row['operation']}" for row in rows if row["service"] != "sts"}
    assert called == {action for actions in EfsFileSystem.actions.values() for action in actions}


def test_a_run_that_dies_after_every_call_does_nothing_twice(sandbox: Any) -> None:
    one = flow(sandbox, {})
    one.capture()
    for phase in ("instantiate", "activate", "cleanup", "replicate"):
        assert one.survive(phase).status == "done"
    assert [call["operation"] for call in one.mutations()] == [
        "PutFileSystemPolicy",
        "TagResource",
        "DeleteReplicationConfiguration",
        "UpdateFileSystemProtection",
        "CreateReplicationConfiguration",
    ]


# -- the sandbox itself -----------------------------------------------------------------------------------------------


def test_sandbox_refuses_as_aws_does(sandbox: Any, aws_code: Any) -> None:
    one = flow(sandbox, {})
    source, target = ids(one)
    east, west = sandbox.client("efs", EAST, ACCOUNT), sandbox.client("efs", WEST, ACCOUNT)
    destination = [{"Region": WEST, "FileSystemId": target}]
    assert (
        aws_code(east.create_replication_configuration, SourceFileSystemId=source, Destinations=destination)
        == "ReplicationAlreadyExists"
    )
    assert aws_code(east.delete_file_system, FileSystemId=source) == "FileSystemInUse"
    assert aws_code(east.describe_backup_policy, FileSystemId="fs-00000000000000000") == "FileSystemNotFound"
    lift = {"FileSystemId": target, "ReplicationOverwriteProtection": "DISABLED"}
    assert aws_code(west.update_file_system_protection, **lift) == "ReplicationAlreadyExists"
    assert aws_code(west.delete_replication_configuration, SourceFileSystemId=target) == "ReplicationNotFound"
    west.delete_replication_configuration(SourceFileSystemId=source)
    assert replications(sandbox, WEST) == [(source, target, "DELETING")]
    assert protection(sandbox, WEST, target) == "REPLICATING"
    sandbox.advance(600)
    assert protection(sandbox, WEST, target) == "ENABLED"
    assert aws_code(east.describe_replication_configurations, FileSystemId=source) == "ReplicationNotFound"
    assert aws_code(east.create_replication_configuration, SourceFileSystemId=source, Destinations=destination) == "BadRequest"


def test_sandbox_first_synchronisation_takes_its_time(sandbox: Any) -> None:
    one = flow(sandbox)
    east = sandbox.client("efs", EAST, ACCOUNT)
    made = east.create_replication_configuration(SourceFileSystemId=ids(one)[0], Destinations=[{"Region": WEST}])
    assert made["Destinations"][0]["Status"] == "ENABLING"
    assert "LastReplicatedTimestamp" not in made["Destinations"][0]
    sandbox.advance(1300)
    (found,) = east.describe_replication_configurations()["Replications"]
    assert found["Destinations"][0]["Status"] == "ENABLED"
    assert 0 <= sandbox.time() - found["Destinations"][0]["LastReplicatedTimestamp"].timestamp() <= 120
