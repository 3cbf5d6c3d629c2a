# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EFS decisions as tables: a row is a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.adapters.efs_file_system import EfsFileSystem
from ansible_collections.dr.aws.plugins.module_utils.model import (
    UNREACHABLE,
    Active,
    Blocked,
    Call,
    Deferred,
    Done,
    Goal,
    Pair,
    Wait,
)
from ansible_collections.dr.aws.plugins.module_utils.parts.efs_state import FileSystem, Replication, Seen

EAST, WEST = "us-east-1", "us-west-2"
PAIR = Pair("shared", "efs", "111111111111", EAST, WEST, "fs-e", "fs-w")
PLANNED, UNPLANNED = Goal(PAIR), Goal(PAIR, mode="unplanned")
REMOVE = replace(PLANNED, cleanup_policy="remove")
NOW = 900_000.0
ADAPTER = EfsFileSystem()


def config(status: str = "ENABLED", synced: float | None = NOW - 60, back: bool = False, **ends: Any) -> Replication:
    ways = {"source": (EAST, "fs-e"), "destination": (WEST, "fs-w")}
    if back:
        ways = {"source": (WEST, "fs-w"), "destination": (EAST, "fs-e")}
    return Replication(**{**ways, **ends}, status=status, synced=synced)


def side(region: str = EAST, fenced: int | None = None, epoch: int = 0, synced: int = 0, **more: Any) -> FileSystem:
    ident = "fs-e" if region == EAST else "fs-w"
    policy = None if fenced is None else ({"Sid": f"DrAwsFence{fenced}", "Effect": "Deny"},)
    tags = {"dr:epoch": str(epoch), "dr:synced": str(synced)} if epoch else {}
    values = {"policy": policy, "tags": tags, "mounts": {"subnet-1": "available"}, "mount_ids": {"fsmt-1": "available"}, **more}
    return FileSystem(ident, f"arn:{ident}", region, **{"state": "available", **values})


def copy(region: str = WEST, replication: Replication | None = None, **more: Any) -> FileSystem:
    found = replication or config(back=region == EAST)
    return side(region, **{"protection": "REPLICATING", "replication": found, **more})


def source(**more: Any) -> FileSystem:
    return side(EAST, **{"replication": config(), **more})


def served(**more: Any) -> FileSystem:
    """A target that was activated."""
    return side(WEST, **{"epoch": 1, "synced": 500, **more})


def look(one: Any, other: Any) -> Seen:
    return Seen(one, other, NOW)


def setting(goal: Goal, **values: Any) -> Goal:
    return replace(goal, pair=replace(goal.pair, settings=values))


BOTH = look(source(), copy())
DRAINED = config(synced=NOW + 900)


def check(sentence: str, step: Any, kind: type, says: str) -> None:
    """`says`: of a call, `operation@region`, and what else must be in it, joined by " & "."""
    assert isinstance(step, kind), (sentence, step)
    text = f"{step.operation}@{step.region} {dict(step.params)} {step.debt}" if isinstance(step, Call) else str(step)
    for part in filter(None, says.split(" & ")):
        assert part in text, (sentence, text)


@pytest.mark.parametrize(
    ("sentence", "seen", "expected"),
    [
        ("source replicated to target", BOTH, Active.SOURCE),
        ("target replicated back", look(copy(EAST), served(replication=config(back=True))), Active.TARGET),
        ("both writable, target last", look(side(), served()), Active.TARGET),
        ("both writable, source last", look(side(epoch=2), served()), Active.SOURCE),
        ("both writable, no mark", look(side(), side(WEST)), Active.BOTH),
        ("source gone", look(None, served()), Active.TARGET),
        ("nothing there", look(None, None), Active.NEITHER),
        ("source locked, copy locked", look(side(protection="DISABLED"), copy()), Active.NEITHER),
        ("source dark, target marked and writable", look(UNREACHABLE, served()), Active.TARGET),
        ("source dark, target writable without mark", look(UNREACHABLE, side(WEST)), Active.UNKNOWN),
        ("source dark, target still a copy, marked", look(UNREACHABLE, copy(epoch=1)), Active.UNKNOWN),
        ("target dark", look(source(), UNREACHABLE), Active.UNKNOWN),
        ("stale configuration in the source only", look(source(), served()), Active.TARGET),
    ],
)
def test_active(sentence: str, seen: Seen, expected: Active) -> None:
    assert ADAPTER.active(seen) is expected, sentence


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        ("a complete, mounted copy stands by", BOTH, PLANNED, Done, "'role': 'standby' & 'lag_seconds': 60"),
        ("nothing there: replicate", look(side(), None), PLANNED, Call, "create_replication_configuration@us-east-1 & us-west-2"),
        (
            "with the region's key",
            look(side(), None),
            setting(PLANNED, regions={WEST: {"kms_key_id": "k"}}),
            Call,
            "'KmsKeyId': 'k'",
        ),
        (
            "an unlocked file system is used",
            look(side(), side(WEST, protection="DISABLED")),
            PLANNED,
            Call,
            "'FileSystemId': 'fs-w'",
        ),
        ("a writable one is not overwritten", look(side(), side(WEST)), PLANNED, Blocked, "would overwrite & DISABLED"),
        ("one that serves is done", look(side(), served()), PLANNED, Done, "active"),
        ("first synchronisation", look(source(), copy(replication=config(synced=None))), PLANNED, Wait, "first synchronisation"),
        ("paused: the region is opted out", look(source(), copy(replication=config("PAUSED"))), PLANNED, Blocked, "PAUSED"),
        ("in error", look(source(), copy(replication=config("ERROR"))), PLANNED, Blocked, "ERROR"),
        ("created but not listed yet", look(source(), None), PLANNED, Wait, "not listed"),
        (
            "another destination",
            look(source(replication=config(destination=(WEST, "fs-x"))), side(WEST, protection="DISABLED")),
            PLANNED,
            Blocked,
            "one destination only",
        ),
        (
            "no chains",
            look(source(replication=config(source=("eu-west-1", "fs-z"), destination=(EAST, "fs-e"))), None),
            PLANNED,
            Blocked,
            "does not chain",
        ),
        ("no mount target", look(source(), copy(mounts={})), PLANNED, Blocked, "regions.us-west-2.subnets"),
        (
            "a subnet without mount target",
            BOTH,
            setting(PLANNED, regions={WEST: {"subnets": ["subnet-2"]}}),
            Call,
            "create_mount_target@us-west-2 & subnet-2",
        ),
        ("mount target being made", look(source(), copy(mounts={"subnet-1": "creating"})), PLANNED, Wait, "subnet-1"),
        ("broken mount target", look(source(), copy(mounts={"subnet-1": "error"})), PLANNED, Blocked, "subnet-1 (error)"),
        ("other throughput", look(source(throughput="bursting"), copy()), PLANNED, Call, "update_file_system@us-west-2 & bursting"),
        ("planned, source dark", look(UNREACHABLE, copy()), PLANNED, Blocked, "us-east-1"),
        ("unplanned, source dark, copy there", look(UNREACHABLE, copy()), UNPLANNED, Done, "standby"),
        ("unplanned, source dark, no copy", look(UNREACHABLE, None), UNPLANNED, Blocked, "does not answer & AWS Backup"),
        ("unplanned, target dark", look(source(), UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
    ],
)
def test_instantiate(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(sentence, ADAPTER.instantiate(seen, goal), kind, says)


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        (
            "fence first, from the end of the next period",
            BOTH,
            PLANNED,
            Call,
            "put_file_system_policy@us-east-1 & DrAwsFence900600",
        ),
        ("then wait for a synchronisation after it", look(source(fenced=900_600), copy()), PLANNED, Wait, "written last"),
        (
            "one in the same second is not after it",
            look(source(fenced=900_600), copy(replication=config(synced=900_600.9))),
            PLANNED,
            Wait,
            "written last",
        ),
        (
            "then mark",
            look(source(fenced=900_600), copy(replication=DRAINED)),
            PLANNED,
            Call,
            "tag_resource@us-west-2 & 'dr:epoch', 'Value': '1' & 'Value': '900900' & us-east-1:fs-e",
        ),
        (
            "then delete, sent to the target",
            look(source(fenced=900_600), copy(replication=DRAINED, epoch=1)),
            PLANNED,
            Call,
            "delete_replication_configuration@us-west-2 & 'SourceFileSystemId': 'fs-e'",
        ),
        ("being deleted", look(source(fenced=9), copy(replication=config("DELETING"), epoch=1)), PLANNED, Wait, "being deleted"),
        ("done", look(side(fenced=9), served()), PLANNED, Done, "'role': 'active' & 'fencing': 'fenced'"),
        (
            "an old fence of the target is lifted",
            look(side(fenced=9), served(fenced=7)),
            PLANNED,
            Call,
            "delete_file_system_policy@us-west-2",
        ),
        (
            "unplanned, source answers: fence, no wait",
            look(source(fenced=900_600), copy(epoch=1)),
            UNPLANNED,
            Call,
            "delete_replication_configuration@us-west-2",
        ),
        (
            "unplanned, dark: mark above the captured epoch",
            look(UNREACHABLE, copy()),
            replace(UNPLANNED, captured={"epoch": 4}),
            Call,
            "'Value': '5'",
        ),
        ("unplanned, dark: a debt", look(UNREACHABLE, copy(epoch=1)), UNPLANNED, Call, "deny writes to fs-e in us-east-1"),
        (
            "unplanned, dark, deletion stalls: a hint",
            look(UNREACHABLE, copy(replication=config("DELETING"), epoch=1)),
            UNPLANNED,
            Wait,
            "local_only",
        ),
        (
            "the last resort",
            look(UNREACHABLE, copy(replication=config("DELETING"), epoch=1)),
            setting(UNPLANNED, local_only=True),
            Call,
            "LOCAL_CONFIGURATION_ONLY",
        ),
        (
            "no last resort while the source answers",
            look(source(), copy(replication=config("DELETING"), epoch=1)),
            setting(UNPLANNED, local_only=True),
            Wait,
            "being deleted",
        ),
        ("planned, source dark", look(UNREACHABLE, copy()), PLANNED, Blocked, "us-east-1"),
        ("planned, source gone", look(None, copy()), PLANNED, Blocked, "unplanned"),
        (
            "never synchronised: incomplete",
            look(UNREACHABLE, copy(replication=config(synced=None))),
            UNPLANNED,
            Blocked,
            "incomplete",
        ),
        ("planned, replication stuck", look(source(), copy(replication=config(synced=NOW - 7200))), PLANNED, Blocked, "7200 s ago"),
        ("planned, in error", look(source(), copy(replication=config("ERROR"))), PLANNED, Blocked, "ERROR"),
        (
            "unplanned, in error: what has arrived",
            look(UNREACHABLE, copy(replication=config("ERROR"))),
            UNPLANNED,
            Call,
            "tag_resource",
        ),
        (
            "unplanned, older than allowed",
            look(UNREACHABLE, copy(replication=config(synced=NOW - 7200))),
            setting(UNPLANNED, max_lag_seconds=3600),
            Blocked,
            "max_lag_seconds allows 3600",
        ),
        ("no copy", look(source(), None), PLANNED, Blocked, "instantiate"),
        ("target dark", look(source(), UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
        ("target not available", look(source(), copy(state="error")), PLANNED, Blocked, "error"),
        ("target being updated", look(source(), copy(state="updating")), PLANNED, Wait, "updating"),
        ("locked, replicating nothing", look(side(), side(WEST, protection="DISABLED")), PLANNED, Blocked, "instantiate"),
        ("copy of another", look(side(), copy(replication=config(source=(EAST, "fs-x")))), PLANNED, Blocked, "fs-x"),
        ("both take writes", look(side(), side(WEST)), PLANNED, Blocked, "both"),
        ("writable without mark, source dark", look(UNREACHABLE, side(WEST)), UNPLANNED, Blocked, "nothing shows & tag-resource"),
        (
            "given up before, source dark",
            look(UNREACHABLE, served()),
            replace(UNPLANNED, captured={"epoch": 3}),
            Blocked,
            "nothing shows",
        ),
    ],
)
def test_activate(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(sentence, ADAPTER.activate(seen, goal), kind, says)


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        ("not fenced: fence", look(side(), served()), PLANNED, Call, "put_file_system_policy@us-east-1"),
        ("fenced", look(side(fenced=9), served()), PLANNED, Done, "quarantined"),
        ("already the standby", look(copy(EAST), served(replication=config(back=True))), REMOVE, Done, "standby"),
        ("gone", look(None, served()), PLANNED, Done, "absent"),
        ("source dark", look(UNREACHABLE, served()), PLANNED, Deferred, "us-east-1"),
        ("target dark", look(source(), UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
        ("not activated", BOTH, PLANNED, Blocked, "not proven to serve: source"),
        ("both", look(side(), side(WEST)), PLANNED, Blocked, "both"),
        ("remove: back up first", look(side(fenced=9), served()), REMOVE, Call, "start_backup_job@us-east-1 & 'Default'"),
        ("remove: backup runs", look(side(fenced=9, backups=((600.0, "RUNNING"),)), served()), REMOVE, Wait, "backed up"),
        (
            "remove: backup failed, tried again once",
            look(side(fenced=9, backups=((600.0, "FAILED"),)), served()),
            REMOVE,
            Blocked,
            "FAILED & start_backup_job",
        ),
        (
            "remove: an older backup does not count",
            look(side(fenced=9, backups=((400.0, "COMPLETED"),)), served()),
            REMOVE,
            Call,
            "start_backup_job",
        ),
        (
            "remove: unmount",
            look(side(fenced=9, backups=((600.0, "COMPLETED"),)), served()),
            REMOVE,
            Call,
            "delete_mount_target@us-east-1 & fsmt-1",
        ),
        (
            "remove: unmounting",
            look(side(fenced=9, backups=((600.0, "COMPLETED"),), mount_ids={"fsmt-1": "deleting"}), served()),
            REMOVE,
            Wait,
            "mount targets",
        ),
        (
            "remove: delete",
            look(side(fenced=9, backups=((600.0, "COMPLETED"),), mounts={}, mount_ids={}), served()),
            REMOVE,
            Call,
            "delete_file_system@us-east-1 & fs-e",
        ),
        ("remove: not while replicating", look(source(fenced=9), served()), REMOVE, Blocked, "replication configuration"),
        ("remove: being deleted", look(side(fenced=9, state="deleting"), served()), REMOVE, Wait, "being deleted"),
    ],
)
def test_cleanup(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(sentence, ADAPTER.cleanup(seen, goal), kind, says)


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        ("nothing diverged: unlock it", look(side(fenced=400), served()), PLANNED, Call, "update_file_system_protection@us-east-1"),
        ("diverged: back up first", look(side(fenced=600), served()), PLANNED, Call, "start_backup_job@us-east-1"),
        (
            "diverged, not wanted",
            look(side(), served()),
            setting(PLANNED, discard_diverged=True),
            Call,
            "update_file_system_protection",
        ),
        (
            "backed up: unlock it",
            look(side(backups=((600.0, "COMPLETED"),)), served()),
            PLANNED,
            Call,
            "update_file_system_protection",
        ),
        (
            "unlocked: replicate over it, sent to the side that serves",
            look(side(fenced=400, protection="DISABLED"), served()),
            PLANNED,
            Call,
            "create_replication_configuration@us-west-2 & 'FileSystemId': 'fs-e'",
        ),
        (
            "stale configuration: forget it there",
            look(source(), served()),
            PLANNED,
            Call,
            "delete_replication_configuration@us-east-1 & LOCAL_CONFIGURATION_ONLY",
        ),
        ("stale configuration going", look(source(replication=config("DELETING")), served()), PLANNED, Wait, "being deleted"),
        ("unencrypted trap", look(side(encrypted=False), served()), PLANNED, Blocked, "not encrypted"),
        (
            "removed: a new one",
            look(None, served()),
            PLANNED,
            Call,
            "create_replication_configuration@us-west-2 & 'Region': 'us-east-1'",
        ),
        ("replicated", look(copy(EAST), served(replication=config(back=True))), PLANNED, Done, "standby"),
        ("source dark", look(UNREACHABLE, served()), PLANNED, Deferred, "not protected"),
        ("not activated", BOTH, PLANNED, Blocked, "does not serve: source"),
        ("target dark", look(side(), UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
    ],
)
def test_replicate(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(sentence, ADAPTER.replicate(seen, goal), kind, says)


@pytest.mark.parametrize(
    ("sentence", "seen", "kind", "says"),
    [
        ("fenced: lift it", look(source(fenced=9), copy()), Call, "delete_file_system_policy@us-east-1"),
        ("nothing to undo", BOTH, Done, "active"),
        ("activated: which data counts", look(side(fenced=9), served()), Blocked, "fail back"),
        ("being activated", look(source(), copy(replication=config("DELETING"))), Blocked, "fail back"),
        ("source dark", look(UNREACHABLE, copy()), Blocked, "does not answer"),
        ("source gone", look(None, copy()), Blocked, "gone"),
        ("target dark", look(source(), UNREACHABLE), Blocked, "us-west-2"),
    ],
)
def test_rollback(sentence: str, seen: Seen, kind: type, says: str) -> None:
    check(sentence, ADAPTER.rollback(seen, PLANNED), kind, says)


@pytest.mark.parametrize(
    ("sentence", "target", "status"),
    [
        ("serves", served(), "HEALTHY"),
        ("no mount target", served(mounts={}), "DEGRADED"),
        ("still a copy", copy(), "UNHEALTHY"),
        ("fenced", served(fenced=1), "UNHEALTHY"),
        ("gone", None, "UNHEALTHY"),
    ],
)
def test_health(sentence: str, target: Any, status: str) -> None:
    assert ADAPTER.health(look(side(), target), PLANNED).status == status, sentence


def test_capture_only_of_what_serves() -> None:
    assert ADAPTER.capture(BOTH, PAIR)["target_id"] == "fs-w"
    sizes = {"size_bytes": 9, "infrequent_bytes": 4, "archive_bytes": 2, "one_zone": True}
    captured = ADAPTER.capture(look(side(**sizes, provisioned=64.0), copy()), PAIR)
    assert captured == {**captured, **sizes, "provisioned_mibps": 64.0}
    assert ADAPTER.capture(look(copy(EAST), served()), PAIR) == {}
    assert ADAPTER.capture(look(UNREACHABLE, copy()), PAIR) == {}
