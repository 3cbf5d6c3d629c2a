# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is special about the drill of an EFS file system: restores that fail, no backup, and the standby untouched."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from test_drills import ACCOUNT, WEST, Drilled


def test_a_restore_that_fails_is_tried_again_when_the_phase_is_run_again(sandbox: Any) -> None:
    world = Drilled(sandbox, "efs")
    wrong = {"drill": {"restore_role": f"arn:aws:iam::{ACCOUNT}:role/nobody"}}
    world.drill.pairs = [replace(world.pair, settings={**world.pair.settings, **wrong})]
    failed = world.drill.one("instantiate")
    assert (failed.status, "cannot assume" in failed.why) == ("blocked", True), failed
    assert world.drill.one("cleanup").calls == (), "a failed restore leaves nothing"
    assert world.drill.one("instantiate").status == "blocked"
    world.drill.pairs = [world.pair]
    again = world.drill.one("instantiate")
    assert again.status == "done", again
    assert len([one for one in world.sent() if one["operation"] == "StartRestoreJob"]) == 3


def test_no_backup_no_drill(sandbox: Any) -> None:
    world = Drilled(sandbox, "efs")
    backup = sandbox.inside("backup", WEST, ACCOUNT)
    arn = f"arn:aws:elasticfilesystem:{WEST}:{ACCOUNT}:file-system/{standby(world)}"
    for point in backup.list_recovery_points_by_resource(ResourceArn=arn)["RecoveryPoints"]:
        backup.delete_recovery_point(BackupVaultName=point["BackupVaultName"], RecoveryPointArn=point["RecoveryPointArn"])
    sandbox.advance(600)
    result = world.drill.one("instantiate")
    assert (result.status, "start-backup-job" in result.remedy, world.sent()) == ("blocked", True, []), result


def test_the_standby_shows_the_same_before_and_after(sandbox: Any) -> None:
    world = Drilled(sandbox, "efs")
    before = shown(world)
    for phase in ("instantiate", "activate", "cleanup"):
        assert world.drill.one(phase).status == "done"
    assert shown(world) == before


def standby(world: Drilled) -> str:
    """Its id, as the replication says."""
    (one,) = sandbox_efs(world).describe_replication_configurations()["Replications"]
    return str(one["Destinations"][0]["FileSystemId"])


def sandbox_efs(world: Drilled) -> Any:
    return world.sandbox.inside("efs", WEST, ACCOUNT)


def shown(world: Drilled) -> list[Any]:
    """The standby and its mount targets without what moves with time."""
    ident = standby(world)
    (one,) = sandbox_efs(world).describe_file_systems(FileSystemId=ident)["FileSystems"]
    mounts = sandbox_efs(world).describe_mount_targets(FileSystemId=ident)["MountTargets"]
    policy = sandbox_efs(world).describe_backup_policy(FileSystemId=ident)["BackupPolicy"]
    return [{key: value for key, value in one.items() if key != "SizeInBytes"}, mounts, policy]
