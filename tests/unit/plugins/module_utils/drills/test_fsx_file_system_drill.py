# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions of the FSx drill as a table: a row is a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.drills.base import name, tags
from ansible_collections.dr.aws.plugins.module_utils.drills.fsx_file_system import FsxFileSystemDrill, Seen
from ansible_collections.dr.aws.plugins.module_utils.drills.room import Room
from ansible_collections.dr.aws.plugins.module_utils.model import UNREACHABLE, Blocked, Call, Done, Goal, Pair, Unreachable, Wait
from ansible_collections.dr.aws.plugins.module_utils.parts.fsx_state import CONFIGURATION, TAKEN_TAG, Backup, FileSystem

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "111111111111"
PAIR = Pair("files", "fsx", ACCOUNT, EAST, WEST, "fs-east", "fs-east", settings={"drill_id": "quarterly"})
NAME = name(PAIR, 63)
GOAL = Goal(PAIR)
ROOM = Room(("vpc-drill",), ("subnet-1", "subnet-2"), ("sg-drill",))
ROOMY, OTHER = {"d-drill": "vpc-drill"}, {"d-app": "vpc-app"}
LARGE = {
    "DeploymentType": "MULTI_AZ_1",
    "ThroughputCapacity": 2048,
    "ActiveDirectoryId": "d-app",
    "AutomaticBackupRetentionDays": 30,
}


def choosing(**drill: Any) -> Goal:
    return Goal(replace(PAIR, settings={"drill_id": "quarterly", "drill": drill}))


def backup(kind: str = "WINDOWS", state: str = "AVAILABLE", ident: str = "backup-new", **configuration: Any) -> Backup:
    shown = {"FileSystemType": kind, "StorageType": "SSD", CONFIGURATION.get(kind, kind): {**LARGE, **configuration}}
    return Backup(ident, state, 1_700_000_000, (EAST, "fs-east"), "backup-east", shown=shown)


def copy(state: str = "AVAILABLE", kind: str = "WINDOWS", **more: Any) -> FileSystem:
    own = {**tags(PAIR), TAKEN_TAG: "1700000000"}
    return FileSystem("fs-copy", "arn:fs-copy", WEST, kind, state, **{"dns_name": "amznfs.dr-drill.internal", "tags": own, **more})


def seen(made: FileSystem | None = None, *backups: Backup, **more: Any) -> Seen:
    return Seen(**{"room": ROOM, "backups": backups, "vpcs": ("vpc-app",), "directories": ROOMY, "copy": made, **more})


TABLE = [
    ("the newest backup", "instantiate", seen(None, backup(), backup(ident="old")), GOAL, Call, "from_backup & backup-new & SSD"),
    ("that is complete", "instantiate", seen(None, backup(state="COPYING"), backup(ident="old")), GOAL, Call, "'BackupId': 'old'"),
    ("is restored in the room", "instantiate", seen(None, backup()), GOAL, Call, f"['subnet-1'] & sg-drill & {NAME}"),
    ("joins the room's directory", "instantiate", seen(None, backup()), GOAL, Call, "'ActiveDirectoryId': 'd-drill'"),
    (
        "of several, the one that is set",
        "instantiate",
        seen(None, backup(), directories={**ROOMY, "d-2": "vpc-drill"}),
        choosing(active_directory_id="d-2"),
        Call,
        "'ActiveDirectoryId': 'd-2'",
    ),
    (
        "of several, none is guessed",
        "instantiate",
        seen(None, backup(), directories={**ROOMY, "d-2": "vpc-drill"}),
        GOAL,
        Blocked,
        "several directories: d-2, d-drill & drill.active_directory_id",
    ),
    (
        "never that of production",
        "instantiate",
        seen(None, backup(), directories=OTHER),
        choosing(active_directory_id="d-app"),
        Blocked,
        "d-app & is in vpc-app, not in the drill room",
    ),
    (
        "one that is not there",
        "instantiate",
        seen(None, backup()),
        choosing(active_directory_id="d-9"),
        Blocked,
        "not an active one",
    ),
    ("no directory", "instantiate", seen(None, backup(), directories=OTHER), GOAL, Blocked, "no AWS Managed & create-microsoft-ad"),
    ("which only Windows needs", "instantiate", seen(None, backup("LUSTRE"), directories={}), GOAL, Call, "LustreConfiguration"),
    ("with a key of its own", "instantiate", seen(None, backup()), choosing(kms_key_id="arn:key"), Call, "'KmsKeyId': 'arn:key'"),
    (
        "as fast as it is set",
        "instantiate",
        seen(None, backup()),
        choosing(throughput_capacity=512),
        Call,
        "'ThroughputCapacity': 512",
    ),
    ("no backup", "instantiate", seen(), GOAL, Blocked, "no backup in us-west-2 & run phase instantiate of a failover"),
    (
        "a type without backups",
        "instantiate",
        seen(),
        Goal(PAIR, captured={"unsupported": "it is scratch"}),
        Blocked,
        "it is scratch",
    ),
    ("ONTAP is cloned by hand", "instantiate", seen(standby=copy(kind="ONTAP", tags={})), GOAL, Blocked, "SnapMirror & flexclone"),
    ("also when nothing stands there", "instantiate", seen(), Goal(PAIR, captured={"type": "ONTAP"}), Blocked, "flexclone"),
    ("the region is dark", "instantiate", UNREACHABLE, GOAL, Blocked, "us-west-2"),
    ("no room", "instantiate", seen(None, backup(), room=None), GOAL, Blocked, "nothing is tagged dr:drill-room"),
    ("production's own network", "instantiate", seen(None, backup(), vpcs=("vpc-drill",)), GOAL, Blocked, "its place in it"),
    ("it is being restored", "instantiate", seen(copy("CREATING")), GOAL, Wait, "fs-copy & CREATING"),
    ("the copy stands", "instantiate", seen(copy()), GOAL, Done, "fs-copy"),
    ("a restore that failed", "instantiate", seen(copy("FAILED", message="no AD")), GOAL, Blocked, "FAILED no AD & phase cleanup"),
    (
        "it serves",
        "activate",
        seen(copy()),
        GOAL,
        Done,
        "amznfs.dr-drill.internal & 2023-11-14T22:13:20+00:00 & directory of production",
    ),
    ("it does not yet", "activate", seen(copy("CREATING")), GOAL, Wait, "CREATING"),
    ("it cannot reach its directory", "activate", seen(copy("MISCONFIGURED")), GOAL, Blocked, "MISCONFIGURED & phase cleanup"),
    ("there is none", "activate", seen(None, backup()), GOAL, Blocked, "no copy & run phase instantiate"),
    ("nobody knows", "activate", UNREACHABLE, GOAL, Blocked, "us-west-2"),
    ("it goes without a backup", "cleanup", seen(copy()), GOAL, Call, "delete_file_system & fs-copy & 'SkipFinalBackup': True"),
    ("with what is in it", "cleanup", seen(copy(kind="OPENZFS")), GOAL, Call, "DELETE_CHILD_VOLUMES_AND_SNAPSHOTS"),
    (
        "which only OpenZFS asks for",
        "cleanup",
        seen(copy(kind="LUSTRE")),
        GOAL,
        Call,
        "'LustreConfiguration': {'SkipFinalBackup': True}}",
    ),
    ("one that failed goes as well", "cleanup", seen(copy("FAILED")), GOAL, Call, "delete_file_system"),
    ("what is being made cannot go yet", "cleanup", seen(copy("CREATING")), GOAL, Wait, "CREATING"),
    ("it is going", "cleanup", seen(copy("DELETING")), GOAL, Wait, "DELETING"),
    ("nothing is left", "cleanup", seen(None, backup()), GOAL, Done, "removed"),
    ("nobody knows what is left", "cleanup", UNREACHABLE, GOAL, Blocked, "us-west-2"),
    ("no room is needed to clean up", "cleanup", seen(copy(), room=None), GOAL, Call, "delete_file_system"),
]


@pytest.mark.parametrize(("sentence", "phase", "sight", "goal", "kind", "says"), TABLE, ids=[row[0] for row in TABLE])
def test_decisions(sentence: str, phase: str, sight: Seen | Unreachable, goal: Goal, kind: type, says: str) -> None:
    step = getattr(FsxFileSystemDrill(), phase)(sight, goal)
    assert isinstance(step, kind), step
    text = f"{step.operation} {dict(step.params)}" if isinstance(step, Call) else str(step)
    assert [part for part in says.split(" & ") if part not in text] == [], text
    if isinstance(step, Call):
        assert (step.region, step.one_way, step.debt) == (WEST, False, "")


SMALL = [
    ("WINDOWS", "MULTI_AZ_1", 2048, ("SINGLE_AZ_2", 32)),
    ("WINDOWS", "SINGLE_AZ_1", 16, ("SINGLE_AZ_1", 16)),
    ("OPENZFS", "MULTI_AZ_1", 640, ("SINGLE_AZ_2", 160)),
    ("OPENZFS", "SINGLE_AZ_1", 128, ("SINGLE_AZ_1", 64)),
    ("OPENZFS", "SINGLE_AZ_HA_2", 320, ("SINGLE_AZ_HA_2", 160)),
    ("LUSTRE", "PERSISTENT_2", None, ("PERSISTENT_2", None)),
]


@pytest.mark.parametrize(("kind", "deployment", "throughput", "small"), SMALL)
def test_a_copy_is_small(kind: str, deployment: str, throughput: int | None, small: tuple[str, int | None]) -> None:
    kept = backup(
        kind, DeploymentType=deployment, ThroughputCapacity=throughput, PerUnitStorageThroughput=125, Aliases=[{"Name": "x"}]
    )
    step = FsxFileSystemDrill().instantiate(seen(None, kept), GOAL)
    own = step.params[CONFIGURATION[kind]]
    assert (own["DeploymentType"], own.get("ThroughputCapacity")) == small
    assert own["AutomaticBackupRetentionDays"] == 0, "nothing is left when it goes"
    assert {"Aliases", "CopyTagsToBackups", "CopyTagsToVolumes"} & set(own) == set()
    assert own.get("PerUnitStorageThroughput") == (125 if kind == "LUSTRE" else None)


def test_what_does_not_carry_the_tags_is_not_the_drills_own() -> None:
    assert FsxFileSystemDrill().own(seen(copy(tags={})), GOAL) == {NAME}
    assert FsxFileSystemDrill().own(seen(copy()), GOAL) == {NAME, "fs-copy"}
    step = FsxFileSystemDrill().cleanup(seen(copy(tags={})), GOAL)
    assert isinstance(step, Blocked) and "is not the drill's own" in step.why
