# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions of the EFS drill as a table: a row is a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.drills.base import tags
from ansible_collections.dr.aws.plugins.module_utils.drills.efs_file_system import EfsFileSystemDrill
from ansible_collections.dr.aws.plugins.module_utils.drills.efs_seen import Copy, Seen, Standby, token
from ansible_collections.dr.aws.plugins.module_utils.drills.room import Room
from ansible_collections.dr.aws.plugins.module_utils.model import UNREACHABLE, Blocked, Call, Done, Goal, Pair, Unreachable, Wait
from ansible_collections.dr.aws.plugins.module_utils.parts.backup_state import Point, Restore

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "111111111111"
PAIR = Pair("shared", "efs", ACCOUNT, EAST, WEST, "fs-east", "fs-west", settings={"drill_id": "quarterly"})
NAME = token(PAIR)
GOAL = Goal(PAIR)
CHOSEN = Goal(replace(PAIR, settings={"drill_id": "quarterly", "drill": {"restore_role": "arn:restorer", "kms_key_id": "arn:key"}}))
ROOM = Room(("vpc-drill",), ("subnet-1", "subnet-2"), ("sg-drill",))
STANDBY = Standby("fs-west", "arn:fs-west", key="arn:standbys-key", vpcs=("vpc-app",))
OLD, NEW = "2026-11-26T03:00:00+00:00", "2026-11-27T03:00:00+00:00"
POINTS = (
    Point(
        "arn:half", "arn:aws:elasticfilesystem:us-west-2:1:file-system/fs-west", "Default", "PARTIAL", "2026-11-28T03:00:00+00:00"
    ),
    Point("arn:new", "arn:aws:elasticfilesystem:us-east-1:1:file-system/fs-east", "Default", "COMPLETED", NEW),
    Point("arn:old", "arn:aws:elasticfilesystem:us-west-2:1:file-system/fs-west", "Default", "COMPLETED", OLD),
)
KEPT = Point("arn:of-copy", "arn:fs-copy", "nightly", "COMPLETED", NEW)
MOUNTED = {"fsmt-1": "available"}


def job(status: str = "COMPLETED", **more: Any) -> Restore:
    return Restore("job-1", status, "arn:new", **{"data_from": NEW, **more})


def copy(state: str = "available", **more: Any) -> Copy:
    return Copy("fs-copy", "arn:fs-copy", state, **{"tags": tags(PAIR), **more})


def seen(made: Copy | None = None, **more: Any) -> Seen:
    return Seen(**{"room": ROOM, "standby": STANDBY, "points": POINTS, "copy": made, **more})


TABLE = [
    ("the newest complete backup", "instantiate", seen(), GOAL, Call, "start_restore_job & arn:new & 'file-system-id': 'fs-east'"),
    ("is restored as a file system of its own", "instantiate", seen(), GOAL, Call, f"'newFileSystem': 'true' & {NAME}"),
    ("by the role of drills", "instantiate", seen(), GOAL, Call, f"arn:aws:iam::{ACCOUNT}:role/dr-drill & arn:standbys-key"),
    ("without the tags of the backup", "instantiate", seen(), GOAL, Call, "'CopySourceTagsToRestoredResource': False"),
    ("or as the settings say", "instantiate", seen(), CHOSEN, Call, "arn:restorer & 'KmsKeyId': 'arn:key'"),
    ("no backup", "instantiate", seen(points=POINTS[:1]), GOAL, Blocked, "no complete backup & start-backup-job & arn:fs-west"),
    ("no standby", "instantiate", seen(standby=None), GOAL, Blocked, "no standby fs-west & run phase instantiate"),
    ("the region is dark", "instantiate", UNREACHABLE, GOAL, Blocked, "us-west-2"),
    ("no room", "instantiate", seen(room=None), GOAL, Blocked, "nothing is tagged dr:drill-room"),
    (
        "the standby's own network",
        "instantiate",
        seen(standby=replace(STANDBY, vpcs=("vpc-drill",))),
        GOAL,
        Blocked,
        "its place in it",
    ),
    ("it is being restored", "instantiate", seen(job=job("RUNNING")), GOAL, Wait, "job-1 & RUNNING"),
    ("what stands early is tagged early", "instantiate", seen(copy(tags={}), job=job("RUNNING")), GOAL, Call, "tag_resource"),
    (
        "and not backed up",
        "instantiate",
        seen(copy(backed_up=True), job=job("RUNNING")),
        GOAL,
        Call,
        "put_backup_policy & DISABLED",
    ),
    ("its data is waited for", "instantiate", seen(copy(), job=job("RUNNING")), GOAL, Wait, "RUNNING"),
    ("the copy stands", "instantiate", seen(copy(), job=job()), GOAL, Done, "fs-copy"),
    ("also when its job is forgotten", "instantiate", seen(copy()), GOAL, Done, "fs-copy"),
    ("it is being made", "instantiate", seen(copy("creating"), job=job("RUNNING")), GOAL, Wait, "creating"),
    ("it cannot be used", "instantiate", seen(copy("error"), job=job()), GOAL, Blocked, "is error & run phase cleanup"),
    (
        "half a restore is no copy",
        "instantiate",
        seen(copy(), job=job("FAILED", message="no")),
        GOAL,
        Blocked,
        "FAILED no & cleanup",
    ),
    (
        "a restore that failed",
        "instantiate",
        seen(job=job("FAILED", message="no role")),
        GOAL,
        Blocked,
        "no role & start_restore_job",
    ),
    (
        "which cannot be tried again",
        "instantiate",
        seen(job=job("ABORTED"), room=None),
        GOAL,
        Blocked,
        "dr:drill-room & retry=None",
    ),
    ("another file system has the token", "instantiate", seen(copy(tags={})), GOAL, Blocked, "does not carry the tags"),
    (
        "it gets a mount target in the room",
        "activate",
        seen(copy(), job=job()),
        GOAL,
        Call,
        "create_mount_target & subnet-1 & sg-drill",
    ),
    ("in no other network", "activate", seen(copy(), job=job(), room=None), GOAL, Blocked, "dr:drill-room"),
    ("the mount target is waited for", "activate", seen(copy(mounts={"fsmt-1": "creating"})), GOAL, Wait, "mount target"),
    ("a broken one", "activate", seen(copy(mounts={"fsmt-1": "error"})), GOAL, Blocked, "is error & run phase cleanup"),
    ("it serves", "activate", seen(copy(mounts=MOUNTED), job=job()), GOAL, Done, f"fs-copy.efs.us-west-2 & {NEW} & access points"),
    ("it does not yet", "activate", seen(copy(mounts=MOUNTED), job=job("RUNNING")), GOAL, Wait, "RUNNING"),
    (
        "it is not complete",
        "activate",
        seen(copy(backed_up=True), job=job()),
        GOAL,
        Blocked,
        "not complete & run phase instantiate",
    ),
    ("there is none", "activate", seen(), GOAL, Blocked, "no copy & run phase instantiate"),
    ("nobody knows", "activate", UNREACHABLE, GOAL, Blocked, "us-west-2"),
    ("its backups go first", "cleanup", seen(copy(points=(KEPT,), mounts=MOUNTED)), GOAL, Call, "delete_recovery_point & nightly"),
    ("they are going", "cleanup", seen(copy(points=(replace(KEPT, status="DELETING"),))), GOAL, Wait, "being deleted"),
    ("then the mount target", "cleanup", seen(copy(mounts=MOUNTED)), GOAL, Call, "delete_mount_target & fsmt-1"),
    ("it is going", "cleanup", seen(copy(mounts={"fsmt-1": "deleting"})), GOAL, Wait, "being deleted"),
    ("then the copy", "cleanup", seen(copy()), GOAL, Call, "delete_file_system & fs-copy"),
    ("which takes its time", "cleanup", seen(copy("deleting")), GOAL, Wait, "being deleted"),
    ("a copy without its tags yet", "cleanup", seen(copy(tags={}), job=job()), GOAL, Call, "delete_file_system & fs-copy"),
    ("one of a restore that failed", "cleanup", seen(copy(tags={}), job=job("FAILED")), GOAL, Call, "delete_file_system"),
    ("a restore cannot be stopped", "cleanup", seen(copy(), job=job("RUNNING")), GOAL, Wait, "RUNNING"),
    ("nothing is left", "cleanup", seen(job=job("FAILED")), GOAL, Done, "removed"),
    ("what only has the token stays", "cleanup", seen(copy(tags={})), GOAL, Blocked, "does not carry the tags"),
    ("nobody knows what is left", "cleanup", UNREACHABLE, GOAL, Blocked, "us-west-2"),
    ("neither room nor standby is needed", "cleanup", seen(copy(), room=None, standby=None), GOAL, Call, "delete_file_system"),
]


@pytest.mark.parametrize(("sentence", "phase", "sight", "goal", "kind", "says"), TABLE, ids=[row[0] for row in TABLE])
def test_decisions(sentence: str, phase: str, sight: Seen | Unreachable, goal: Goal, kind: type, says: str) -> None:
    step = getattr(EfsFileSystemDrill(), phase)(sight, goal)
    assert isinstance(step, kind), step
    text = f"{step.operation} {dict(step.params)}" if isinstance(step, Call) else str(step)
    assert [part for part in says.split(" & ") if part not in text] == [], text
    if isinstance(step, Call):
        assert (step.region, step.one_way, step.debt) == (WEST, False, "")


def test_a_key_is_named_only_where_the_standby_has_one() -> None:
    bare = replace(STANDBY, encrypted=False, key="")
    step = EfsFileSystemDrill().instantiate(seen(standby=bare), GOAL)
    assert step.params["Metadata"]["Encrypted"] == "false"
    assert "KmsKeyId" not in step.params["Metadata"]


def test_a_new_attempt_is_a_new_job() -> None:
    first, again = (EfsFileSystemDrill().instantiate(seen(ended=ended), GOAL) for ended in ("", "job-1"))
    assert first.params["IdempotencyToken"] != again.params["IdempotencyToken"]
    assert first.params["Metadata"] == again.params["Metadata"]


def test_what_only_has_the_token_is_not_the_drills_own() -> None:
    assert EfsFileSystemDrill().own(seen(copy(tags={}, mounts=MOUNTED)), GOAL) == {NAME}
    assert EfsFileSystemDrill().own(seen(copy(mounts=MOUNTED, points=(KEPT,))), GOAL) == {NAME, "fs-copy", "fsmt-1", "arn:of-copy"}
