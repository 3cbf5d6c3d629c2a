# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""FSx file systems over the real engine and the sandbox, end states read by plain boto3."""

from __future__ import annotations

from typing import Any

import pytest
from flow import Crash, Dying, Flow

from ansible_collections.dr.aws.plugins.module_utils.adapters.fsx_file_system import FsxFileSystem
from ansible_collections.dr.aws.plugins.module_utils.engine import Engine
from ansible_collections.dr.aws.plugins.module_utils.model import Goal, Pair
from ansible_collections.dr.aws.plugins.module_utils.store import MemoryJournal

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "200000000001"
ROLE = {ACCOUNT: (f"arn:aws:iam::{ACCOUNT}:role/dr-automation", "shop")}
TYPES = ("WINDOWS", "LUSTRE", "OPENZFS")


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


def flow(sandbox: Any, peer: dict[str, Any] | None = None, settings: Any = None, **spec: Any) -> Flow:
    """peer: {} is a backup that was copied an hour after it was taken."""
    sandbox.load(estate())
    given = {"peer": {"region": WEST, **peer}} if peer is not None else {}
    tags = {"dr:enabled": "true", "Customer": "shop"}
    made = sandbox.seed(kind="fsx_file_system", account=ACCOUNT, region=EAST, name="files", tags=tags, **given, **spec)
    target = made.get("peer_id", made["id"])
    return Flow(sandbox, [Pair("files", "fsx", ACCOUNT, EAST, WEST, made["id"], target, settings=settings or {})], ROLE)


def shown(sandbox: Any, region: str, ident: str) -> dict[str, Any]:
    (found,) = sandbox.client("fsx", region, ACCOUNT).describe_file_systems(FileSystemIds=[ident])["FileSystems"]
    return {**found, "Tags": {tag["Key"]: tag["Value"] for tag in found["Tags"]}}


def groups(sandbox: Any, region: str, ident: str) -> list[str]:
    """Names of the security groups that a file system is reached through."""
    wanted = shown(sandbox, region, ident)["NetworkInterfaceIds"]
    client = sandbox.client("ec2", region, ACCOUNT)
    found = client.describe_network_interfaces(NetworkInterfaceIds=wanted)["NetworkInterfaces"]
    return sorted({group["GroupName"] for one in found for group in one["Groups"]})


def names(result: Any) -> list[str]:
    return [f"{call['operation']}@{call['region']}" for call in result.calls]


def repeated(one: Flow, phase: str, mode: str = "planned") -> None:
    """A second run and check mode find nothing to do, and send nothing."""
    before = len(one.mutations())
    for check in (False, True):
        result = one.one(phase, mode, check=check)
        assert (result.status, result.calls) == ("done", ()), result
    assert len(one.mutations()) == before


FENCE = ("create_security_group", "tag_resource", "modify_network_interface_attribute")


@pytest.mark.parametrize("kind", TYPES)
def test_planned_failover_takes_a_backup_after_the_fence(sandbox: Any, kind: str) -> None:
    one = flow(sandbox, {}, type=kind)
    one.capture()
    repeated(one, "instantiate")
    activated = one.one("activate")
    assert activated.status == "done", activated
    fenced = [f"{name}@{EAST}" for name in FENCE]
    assert names(activated) == [*fenced, f"create_backup@{EAST}", f"copy_backup@{WEST}", f"create_file_system_from_backup@{WEST}"]
    new = activated.outputs["file_system_id"]
    there = shown(sandbox, WEST, new)
    assert (there["Lifecycle"], there["FileSystemType"], there["StorageCapacity"]) == ("AVAILABLE", kind, 300)
    assert there["Tags"]["dr:enabled"] == "true"
    assert there["Tags"]["dr:peer"] == f"{EAST}:{one.pairs[0].source_id}"
    assert groups(sandbox, EAST, one.pairs[0].source_id) == ["dr-aws-fence"]
    repeated(one, "activate")
    cleaned = one.one("cleanup")
    assert names(cleaned) == [f"tag_resource@{EAST}"], "the final backup was taken by ACTIVATE"
    assert shown(sandbox, EAST, one.pairs[0].source_id)["Tags"]["dr:enabled"] == "false"
    repeated(one, "cleanup")
    replicated = one.one("replicate")
    assert names(replicated) == [f"create_backup@{WEST}", f"copy_backup@{EAST}"]
    for phase in ("replicate", "instantiate", "activate"):
        repeated(one, phase)


def test_there_and_back_and_there_again(sandbox: Any) -> None:
    one = flow(sandbox, {}, aliases=["files.shop.example"])
    places = [one.pairs[0].source_id]
    for way in (one, one.home(), one):
        moved = way.one("activate")
        assert moved.status == "done", moved
        assert way.one("cleanup").status == "done"
        assert way.one("replicate").status == "done"
        active = way.one("activate")
        assert (active.calls, active.outputs["aliases"]) == ((), ["files.shop.example"])
        places.append(active.outputs["file_system_id"])
    assert len(set(places)) == 4, "every restore is a new file system"
    west = list(sandbox.client("fsx", WEST, ACCOUNT).describe_file_systems()["FileSystems"])
    enabled = [found["FileSystemId"] for found in west if {"Key": "dr:enabled", "Value": "true"} in found["Tags"]]
    assert enabled == [places[-1]], "discovery finds the one that serves"


def test_unplanned_failover_with_the_source_dark_and_its_return(sandbox: Any) -> None:
    one = flow(sandbox, {"age": 7200})
    one.capture()
    sandbox.dark(EAST)
    ready = one.one("instantiate", "unplanned")
    assert (ready.status, ready.outputs["lag_seconds"] >= 7200) == ("done", True)
    activated = one.one("activate", "unplanned")
    assert (activated.status, activated.outputs["fencing"]) == ("done", "deferred"), activated
    assert names(activated) == [f"create_file_system_from_backup@{WEST}"]
    assert shown(sandbox, WEST, activated.outputs["file_system_id"])["Tags"]["Customer"] == "shop"
    repeated(one, "activate", "unplanned")
    assert one.one("cleanup", "unplanned").status == "deferred"
    assert one.one("replicate", "unplanned").status == "deferred"
    assert {call["region"] for call in one.mutations()} == {WEST}

    sandbox.clear_faults()
    one.clock.sleep(120)  # until the breaker asks the region again
    cleaned = one.one("cleanup", "unplanned")
    assert names(cleaned) == [f"{name}@{EAST}" for name in (*FENCE, "create_backup", "tag_resource")], cleaned
    assert groups(sandbox, EAST, one.pairs[0].source_id) == ["dr-aws-fence"]
    assert names(one.one("replicate", "unplanned")) == [f"create_backup@{WEST}", f"copy_backup@{EAST}"]
    repeated(one, "cleanup", "unplanned")
    repeated(one, "replicate", "unplanned")


def test_a_backup_is_taken_and_copied_and_again_when_it_is_old(sandbox: Any) -> None:
    sandbox.load(estate())
    subnet = sandbox.client("ec2", WEST, ACCOUNT).describe_subnets()["Subnets"][0]["SubnetId"]
    made = sandbox.seed(kind="fsx_file_system", account=ACCOUNT, region=EAST, name="files")
    settings = {"regions": {WEST: {"subnets": [subnet]}}}
    one = Flow(sandbox, [Pair("files", "fsx", ACCOUNT, EAST, WEST, made["id"], made["id"], settings=settings)], ROLE)
    both = [f"create_backup@{EAST}", f"copy_backup@{WEST}"]
    assert names(one.one("instantiate")) == both
    repeated(one, "instantiate")
    one.clock.sleep(2 * 86400)
    assert names(one.one("instantiate")) == both
    bare = Flow(sandbox, [Pair("files", "fsx", ACCOUNT, EAST, "eu-west-1", made["id"], made["id"])], ROLE)
    assert "regions.eu-west-1.subnets" in bare.one("instantiate").remedy


def test_guards_before_anything_is_changed(sandbox: Any) -> None:
    one = flow(sandbox, {"age": 7200}, {"max_lag_seconds": 600})
    sandbox.dark(EAST)
    assert one.one("activate").status == "blocked"
    assert "max_lag_seconds" in one.one("activate", "unplanned").why
    assert one.mutations() == []
    bare = flow(sandbox)
    sandbox.dark(EAST)
    assert bare.one("activate", "unplanned").status == "blocked"
    assert bare.one("instantiate", "unplanned").status == "blocked"
    assert bare.mutations() == []


def test_what_the_api_cannot_do_is_blocked_with_the_steps(sandbox: Any) -> None:
    one = flow(sandbox, {}, type="ONTAP")
    assert "SnapMirror" in one.one("instantiate").why
    blocked = one.one("activate")
    assert (blocked.status, "snapmirror" in blocked.remedy, "dr:epoch" in blocked.remedy) == ("blocked", True, True)
    assert one.mutations() == []
    client = sandbox.client("fsx", WEST, ACCOUNT)
    marks = {"dr:epoch": "1", "dr:peer": f"{EAST}:{one.pairs[0].source_id}"}
    arn = shown(sandbox, WEST, one.pairs[0].target_id)["ResourceARN"]
    client.tag_resource(ResourceARN=arn, Tags=[{"Key": key, "Value": value} for key, value in marks.items()])
    assert one.one("activate").status == "done", "a person has broken the mirror and says so"
    assert one.one("cleanup").status == "done"
    assert groups(sandbox, EAST, one.pairs[0].source_id) == ["dr-aws-fence"]
    assert one.one("cleanup", cleanup_policy="remove").status == "blocked"
    scratch = flow(sandbox, type="LUSTRE", configuration={"DeploymentType": "SCRATCH_2"})
    assert "scratch" in scratch.one("instantiate").why


def test_a_directory_that_is_not_reached_is_named(sandbox: Any) -> None:
    one = flow(sandbox, {"restore": "misconfigured"})
    result = one.one("activate", "unplanned")
    assert (result.status, "start-misconfigured-state-recovery" in result.remedy) == ("blocked", True), result


def test_check_mode_says_the_first_call_and_sends_none(sandbox: Any) -> None:
    one = flow(sandbox, {})
    result = one.one("activate", check=True)
    assert (result.status, names(result)) == ("would_change", [f"create_security_group@{EAST}"])
    assert one.mutations() == []


def test_rollback_lifts_the_fence_and_a_later_activation_takes_a_new_backup(sandbox: Any) -> None:
    one = flow(sandbox, {})
    for _step in range(4):  # group, tag, interface, final backup
        with pytest.raises(Crash):
            Engine(Dying(one.cloud), MemoryJournal(), clock=one.clock).run("activate", [Goal(one.pairs[0])])
    source = one.pairs[0].source_id
    assert groups(sandbox, EAST, source) == ["dr-aws-fence"]
    one.clock.sleep(600)
    rolled = one.one("rollback")
    assert names(rolled) == [f"modify_network_interface_attribute@{EAST}", f"untag_resource@{EAST}"], rolled
    assert groups(sandbox, EAST, source) == ["default"]
    repeated(one, "rollback")
    one.clock.sleep(60)
    again = one.one("activate")
    assert f"create_backup@{EAST}" in names(again), "the backup of the first attempt lacks what was written since"
    refused = one.one("rollback")
    assert (refused.status, "fail back" in refused.remedy) == ("blocked", True)


@pytest.mark.parametrize("kind", TYPES)
def test_remove_deletes_when_the_final_backup_is_in_the_target(sandbox: Any, aws_code: Any, kind: str) -> None:
    one = flow(sandbox, {}, type=kind)
    assert one.one("activate", "unplanned").status == "done"
    removed = one.one("cleanup", cleanup_policy="remove")
    assert removed.status == "done", removed
    assert names(removed) == [f"create_backup@{EAST}", f"copy_backup@{WEST}", f"delete_file_system@{EAST}"]
    client = sandbox.client("fsx", EAST, ACCOUNT)
    assert aws_code(client.describe_file_systems, FileSystemIds=[one.pairs[0].source_id]) == "FileSystemNotFound"
    repeated(one, "activate")


def test_what_is_called_is_declared_and_what_is_declared_is_called(sandbox: Any, aws_code: Any) -> None:
    rows: list[dict[str, Any]] = []
    test_rollback_lifts_the_fence_and_a_later_activation_takes_a_new_backup(sandbox)
    rows += sandbox.calls()
    test_remove_deletes_when_the_final_backup_is_in_the_target(sandbox, aws_code, "OPENZFS")
    rows += sandbox.calls()
    called = {f"{row['service']}:{row['operation']}" for row in rows if row["service"] != "sts"}
    assert called == {action for actions in FsxFileSystem.actions.values() for action in actions}


def test_a_run_that_dies_after_every_call_does_nothing_twice(sandbox: Any) -> None:
    one = flow(sandbox, {})
    one.capture()
    for phase in ("instantiate", "activate", "cleanup", "replicate"):
        assert one.survive(phase).status == "done"
    assert [call["operation"] for call in one.mutations()] == [
        "CreateSecurityGroup",
        "TagResource",
        "ModifyNetworkInterfaceAttribute",
        "CreateBackup",
        "CopyBackup",
        "CreateFileSystemFromBackup",
        "TagResource",
        "CreateBackup",
        "CopyBackup",
    ]


# -- the sandbox itself -----------------------------------------------------------------------------------------------


def test_sandbox_refuses_as_aws_does(sandbox: Any, aws_code: Any) -> None:
    one = flow(sandbox)
    ident = one.pairs[0].source_id
    east, west = sandbox.client("fsx", EAST, ACCOUNT), sandbox.client("fsx", WEST, ACCOUNT)
    first = east.create_backup(FileSystemId=ident, ClientRequestToken="a")["Backup"]
    assert first["Lifecycle"] == "CREATING"
    assert east.create_backup(FileSystemId=ident, ClientRequestToken="a")["Backup"]["BackupId"] == first["BackupId"]
    assert aws_code(east.create_backup, FileSystemId="fs-00000000", ClientRequestToken="a") == "IncompatibleParameterError"
    assert aws_code(east.create_backup, FileSystemId=ident, ClientRequestToken="b") == "BackupInProgress"
    copy = {"SourceBackupId": first["BackupId"], "SourceRegion": EAST}
    assert aws_code(west.copy_backup, **copy) == "SourceBackupUnavailable"
    sandbox.advance(1000)
    made = west.copy_backup(**copy)["Backup"]
    assert (made["Lifecycle"], made["SourceBackupId"]) == ("COPYING", first["BackupId"])
    windows = {"ThroughputCapacity": 64}
    subnet = sandbox.client("ec2", WEST, ACCOUNT).describe_subnets()["Subnets"][0]["SubnetId"]
    restore = {"BackupId": made["BackupId"], "SubnetIds": [subnet], "WindowsConfiguration": windows}
    assert aws_code(west.create_file_system_from_backup, **restore) == "BackupNotFound"
    sandbox.advance(1300)
    assert (
        aws_code(west.create_file_system_from_backup, BackupId=made["BackupId"], SubnetIds=[subnet])
        == "MissingFileSystemConfiguration"
    )
    assert aws_code(west.create_file_system_from_backup, **restore, StorageCapacity=999) == "BadRequest"
    new = west.create_file_system_from_backup(**restore)["FileSystem"]
    assert new["Lifecycle"] == "CREATING"
    sandbox.advance(1900)
    assert shown(sandbox, WEST, new["FileSystemId"])["Lifecycle"] == "AVAILABLE"
    assert aws_code(west.describe_file_systems, FileSystemIds=["fs-00000000"]) == "FileSystemNotFound"


def test_sandbox_takes_final_backups_by_default_except_of_lustre(sandbox: Any) -> None:
    for kind, kept in (("WINDOWS", 1), ("LUSTRE", 0)):
        one = flow(sandbox, type=kind)
        client = sandbox.client("fsx", EAST, ACCOUNT)
        client.delete_file_system(FileSystemId=one.pairs[0].source_id)
        sandbox.advance(400)
        assert client.describe_file_systems()["FileSystems"] == []
        assert len(client.describe_backups()["Backups"]) == kept
