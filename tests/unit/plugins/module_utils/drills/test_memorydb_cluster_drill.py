# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions of the MemoryDB drill as a table: a row is a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.drills.base import name, tags
from ansible_collections.dr.aws.plugins.module_utils.drills.memorydb_cluster import MemorydbClusterDrill
from ansible_collections.dr.aws.plugins.module_utils.drills.restored import Seen, Snapshot
from ansible_collections.dr.aws.plugins.module_utils.drills.room import Room
from ansible_collections.dr.aws.plugins.module_utils.model import UNREACHABLE, Blocked, Call, Done, Goal, Pair, Wait
from ansible_collections.dr.aws.plugins.module_utils.parts.memorydb_state import Cluster

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "111111111111"
PAIR = Pair("queue", "memorydb", ACCOUNT, EAST, WEST, "queue", "queue-west", settings={"drill_id": "quarterly"})
NAME = name(PAIR, 40)
ROOM = Room(("vpc-drill",), ("subnet-1",), ("sg-drill",))
MAKING, SERVING, REMOVING = "instantiate", "activate", "cleanup"
CAPTURED = {"acl": "apps", "node_type": "db.r6g.large", "shards": 4, "engine": "redis"}
ARNS = ["arn:aws:s3:::copies/queue.rdb"]


def goal(drill: dict[str, str] | None = None, captured: dict[str, Any] | None = None, **settings: Any) -> Goal:
    return Goal(replace(PAIR, settings={"drill_id": "quarterly", "drill": drill or {}, **settings}), captured=captured or {})


GOAL = goal()
SET = goal({"acl": "testers", "node_type": "db.r7g.4xlarge", "subnet_group": "x"})
EXPORTED = goal(None, CAPTURED, regions={WEST: {"snapshot_arns": ARNS, "kms_key_id": "arn:key-west"}})
NAMED = goal(None, CAPTURED, snapshot_name="queue-copied")


def standby(status: str = "available", **more: Any) -> Cluster:
    kept = {"world": "virxk-queue", "node_type": "db.r7g.xlarge", "shards": 2, "acl": "apps", "kms_key_id": "arn:key", **more}
    return Cluster("queue-west", "arn:queue-west", WEST, status, **kept)


def copy(status: str = "available", labels: Any = None) -> Cluster:
    return Cluster(NAME, "arn:copy", WEST, status, endpoint="copy.example", tags=tags(PAIR) if labels is None else labels)


def taken(status: str = "available", labels: Any = None) -> Snapshot:
    return Snapshot(NAME, status, "2026-11-28T03:00:00+00:00", tags(PAIR) if labels is None else labels, "valkey", "7.3")


def seen(made: Any = None, snapshot: Any = None, **more: Any) -> Seen[Cluster]:
    base = {"room": ROOM, "subnet_group_vpc": "vpc-drill", "origin": standby(), "origin_vpc": "vpc-app"}
    return Seen(**{**base, "copy": made, "snapshot": snapshot, **more})


def alone(**more: Any) -> Seen[Cluster]:
    return seen(**{"origin": None, "origin_vpc": None, **more})


TABLE = [
    ("first a snapshot of the standby", MAKING, seen(), GOAL, Call, "create_snapshot & 'ClusterName': 'queue-west'"),
    ("a standby that changes is waited for", MAKING, seen(origin=standby("updating")), GOAL, Wait, "updating"),
    ("the snapshot is waited for", MAKING, seen(None, taken("creating", {})), GOAL, Wait, "being taken"),
    ("it is restored in the room", MAKING, seen(None, taken()), GOAL, Call, "create_cluster & 'dr-drill' & sg-drill"),
    ("without replicas", MAKING, seen(None, taken()), GOAL, Call, "'NumReplicasPerShard': 0 & 'NumShards': 2"),
    ("as the standby is", MAKING, seen(None, taken()), GOAL, Call, "'apps' & db.r7g.xlarge & arn:key & 'valkey' & '7.3'"),
    ("or as the settings say", MAKING, seen(None, taken()), SET, Call, "'testers' & db.r7g.4xlarge & 'SubnetGroupName': 'x'"),
    ("a snapshot that failed", MAKING, seen(None, taken("failed")), GOAL, Blocked, "is failed & run phase cleanup"),
    ("a snapshot that only has the name", MAKING, seen(None, taken(labels={})), GOAL, Blocked, "does not carry the tags"),
    ("the copy is not shown yet", MAKING, seen(None, taken("restoring")), GOAL, Wait, "restoring"),
    ("the copy is being made, its tags not shown", MAKING, seen(copy("creating", {}), taken()), GOAL, Wait, "is creating"),
    ("the copy stands", MAKING, seen(copy(), taken()), GOAL, Done, f"{NAME} & copy.example"),
    (
        "a copy that cannot be used",
        MAKING,
        seen(copy("create-failed"), taken()),
        GOAL,
        Blocked,
        "create-failed & run phase cleanup",
    ),
    ("something else has the name", MAKING, seen(copy(labels={})), GOAL, Blocked, "does not carry the tags"),
    ("nothing to copy", MAKING, alone(), GOAL, Blocked, "no standby queue-west & run phase instantiate"),
    ("but a snapshot in S3", MAKING, alone(), EXPORTED, Call, f"create_cluster & 'SnapshotArns': {ARNS} & arn:key-west"),
    ("as was captured", MAKING, alone(), EXPORTED, Call, "'apps' & db.r6g.large & 'NumShards': 4 & 'redis'"),
    ("or one by its name", MAKING, alone(), NAMED, Call, "create_cluster & 'SnapshotName': 'queue-copied'"),
    ("of an unknown kind", MAKING, alone(), goal(snapshot_name="s"), Blocked, "the acl of a copy is not known & drill.acl"),
    ("of an unknown size", MAKING, alone(), goal({"acl": "a"}, snapshot_name="s"), Blocked, "drill.node_type"),
    ("not where the standby will be", MAKING, alone(origin_vpc="vpc-drill"), EXPORTED, Blocked, "its place in it"),
    ("the target region is dark", MAKING, seen(origin=UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("no room", MAKING, seen(room=None), GOAL, Blocked, "nothing is tagged dr:drill-room"),
    ("the standby's own network", MAKING, seen(origin_vpc="vpc-drill"), GOAL, Blocked, "its place in it"),
    ("a network that nobody knows", MAKING, seen(origin_vpc=None), GOAL, Blocked, "in which VPC"),
    ("a subnet group of another network", MAKING, seen(subnet_group_vpc="vpc-app"), GOAL, Blocked, "is in vpc-app, not"),
    ("no subnet group", MAKING, seen(subnet_group_vpc=None), GOAL, Blocked, "does not exist & memorydb create-subnet-group"),
    ("it serves", SERVING, seen(copy(), taken()), GOAL, Done, "copy.example & 2026-11-28T03:00:00+00:00"),
    ("it does not yet", SERVING, seen(copy("updating"), taken()), GOAL, Wait, "updating"),
    ("there is none", SERVING, seen(), GOAL, Blocked, "no copy & run phase instantiate"),
    ("nobody knows", SERVING, seen(UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("the copy goes first", REMOVING, seen(copy(), taken()), GOAL, Call, f"delete_cluster & {NAME}"),
    ("it is going", REMOVING, seen(copy("deleting"), taken()), GOAL, Wait, "is deleting"),
    ("what is being made cannot go yet", REMOVING, seen(copy("creating"), taken("restoring")), GOAL, Wait, "is creating"),
    ("a copy that failed goes as well", REMOVING, seen(copy("create-failed"), taken()), GOAL, Call, "delete_cluster"),
    ("then the snapshot", REMOVING, seen(None, taken()), GOAL, Call, f"delete_snapshot & {NAME}"),
    ("which may still be in use", REMOVING, seen(None, taken("restoring")), GOAL, Wait, "restoring"),
    ("or going", REMOVING, seen(None, taken("deleting")), GOAL, Wait, "deleting"),
    ("nothing is left", REMOVING, seen(), GOAL, Done, "removed"),
    ("the snapshot of the settings stays", REMOVING, alone(), NAMED, Done, "removed"),
    ("a cluster that only has the name stays", REMOVING, seen(copy(labels={})), GOAL, Blocked, "does not carry the tags"),
    ("so does a snapshot", REMOVING, seen(None, taken(labels={})), GOAL, Blocked, "does not carry the tags"),
    ("nobody knows what is left", REMOVING, seen(None, UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("no room is needed to clean up", REMOVING, seen(copy(), taken(), room=None), GOAL, Call, "delete_cluster"),
]


@pytest.mark.parametrize(("sentence", "phase", "sight", "aim", "kind", "says"), TABLE, ids=[row[0] for row in TABLE])
def test_decisions(sentence: str, phase: str, sight: Seen[Cluster], aim: Goal, kind: type, says: str) -> None:
    step = getattr(MemorydbClusterDrill(), phase)(sight, aim)
    assert isinstance(step, kind), step
    text = f"{step.operation} {dict(step.params)}" if isinstance(step, Call) else str(step)
    assert [part for part in says.split(" & ") if part not in text] == [], text
    if isinstance(step, Call):
        assert (step.region, step.one_way, step.debt) == (WEST, False, "")


@pytest.mark.parametrize(("sight", "aim"), [(seen(None, taken()), GOAL), (alone(), EXPORTED)], ids=["standby", "exported"])
def test_the_copy_is_in_no_multi_region_cluster(sight: Seen[Cluster], aim: Goal) -> None:
    assert "MultiRegionClusterName" not in MemorydbClusterDrill().instantiate(sight, aim).params
