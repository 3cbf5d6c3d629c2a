# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions of the ElastiCache drill as a table: a row is a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.drills.base import name, tags
from ansible_collections.dr.aws.plugins.module_utils.drills.elasticache_replication_group import ElasticacheReplicationGroupDrill
from ansible_collections.dr.aws.plugins.module_utils.drills.restored import Seen, Snapshot
from ansible_collections.dr.aws.plugins.module_utils.drills.room import Room
from ansible_collections.dr.aws.plugins.module_utils.model import UNREACHABLE, Blocked, Call, Done, Goal, Pair, Wait
from ansible_collections.dr.aws.plugins.module_utils.parts.elasticache_state import Group

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "111111111111"
PAIR = Pair("sessions", "elasticache", ACCOUNT, EAST, WEST, "sessions", "sessions-west", settings={"drill_id": "quarterly"})
NAME = name(PAIR, 40)
GOAL = Goal(PAIR)
SETTINGS = {"node_type": "cache.r7g.4xlarge", "cache_subnet_group": "x", "parameter_group": "mine", "user_groups": ["drills"]}
SET = Goal(replace(PAIR, settings={"drill_id": "quarterly", "drill": SETTINGS}))
ROOM = Room(("vpc-drill",), ("subnet-1",), ("sg-drill",))
MAKING, SERVING, REMOVING = "instantiate", "activate", "cleanup"


def standby(status: str = "available", **more: Any) -> Group:
    kept = {"datastore": "ldgnf-sessions", "role": "SECONDARY", "node_type": "cache.r7g.large", "subnet_group": "caches", **more}
    return Group("sessions-west", "arn:sessions-west", WEST, status, nodes=("sessions-west-001", "sessions-west-002"), **kept)


SHARDS = standby(clustered=True, shards=3)
SECURED = standby(tls=True, encrypted=True, kms_key_id="arn:key", user_groups=("apps",))


def copy(status: str = "available", labels: Any = None) -> Group:
    return Group(NAME, "arn:copy", WEST, status, endpoint="copy.example", tags=tags(PAIR) if labels is None else labels)


def taken(status: str = "available", labels: Any = None, **more: Any) -> Snapshot:
    kept = {"engine": "valkey", "version": "8.0.1", "parameters": "sessions-8", **more}
    return Snapshot(NAME, status, "2026-11-28T03:00:00+00:00", tags(PAIR) if labels is None else labels, **kept)


def seen(made: Any = None, snapshot: Any = None, **more: Any) -> Seen[Group]:
    base = {"room": ROOM, "subnet_group_vpc": "vpc-drill", "origin": standby(), "origin_vpc": "vpc-app"}
    return Seen(**{**base, "copy": made, "snapshot": snapshot, **more})


TABLE = [
    ("first a snapshot of one of its nodes", MAKING, seen(), GOAL, Call, "create_snapshot & 'CacheClusterId': 'sessions-west-002'"),
    ("or of all shards", MAKING, seen(origin=SHARDS), GOAL, Call, "create_snapshot & 'ReplicationGroupId': 'sessions-west'"),
    ("a standby that changes is waited for", MAKING, seen(origin=standby("modifying")), GOAL, Wait, "modifying"),
    ("the snapshot is waited for", MAKING, seen(None, taken("creating", {})), GOAL, Wait, "being taken"),
    ("it is restored in the room", MAKING, seen(None, taken()), GOAL, Call, "create_replication_group & 'dr-drill' & sg-drill"),
    ("without replicas", MAKING, seen(None, taken()), GOAL, Call, "'NumCacheClusters': 1 & 'AutomaticFailoverEnabled': False"),
    ("as the same version", MAKING, seen(None, taken()), GOAL, Call, "'Engine': 'valkey' & 'EngineVersion': '8.0' & sessions-8"),
    ("an old version has a patch level", MAKING, seen(None, taken(version="5.0.6")), GOAL, Call, "'EngineVersion': '5.0.6'"),
    (
        "with as many shards",
        MAKING,
        seen(None, taken(), origin=SHARDS),
        GOAL,
        Call,
        "'NumNodeGroups': 3 & 'ReplicasPerNodeGroup': 0",
    ),
    (
        "which need failover on",
        MAKING,
        seen(None, taken(), origin=SHARDS),
        GOAL,
        Call,
        "'AutomaticFailoverEnabled': True & 'enabled'",
    ),
    (
        "encrypted as the standby",
        MAKING,
        seen(None, taken(), origin=SECURED),
        GOAL,
        Call,
        "'TransitEncryptionEnabled': True & arn:key",
    ),
    ("with its users", MAKING, seen(None, taken(), origin=SECURED), GOAL, Call, "'UserGroupIds': ['apps']"),
    ("or those of the setting", MAKING, seen(None, taken(), origin=SECURED), SET, Call, "'UserGroupIds': ['drills']"),
    ("as the settings say", MAKING, seen(None, taken()), SET, Call, "cache.r7g.4xlarge & 'CacheSubnetGroupName': 'x' & 'mine'"),
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
    (
        "nothing to copy",
        MAKING,
        seen(origin=None, origin_vpc=None),
        GOAL,
        Blocked,
        "no standby sessions-west & run phase instantiate",
    ),
    ("the target region is dark", MAKING, seen(origin=UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("no room", MAKING, seen(room=None), GOAL, Blocked, "nothing is tagged dr:drill-room"),
    ("the standby's own network", MAKING, seen(origin_vpc="vpc-drill"), GOAL, Blocked, "its place in it"),
    ("a network that nobody knows", MAKING, seen(origin_vpc=None), GOAL, Blocked, "in which VPC"),
    ("a subnet group of another network", MAKING, seen(subnet_group_vpc="vpc-app"), GOAL, Blocked, "is in vpc-app, not"),
    ("no subnet group", MAKING, seen(subnet_group_vpc=None), GOAL, Blocked, "does not exist & create-cache-subnet-group"),
    ("it serves", SERVING, seen(copy(), taken()), GOAL, Done, "copy.example & 2026-11-28T03:00:00+00:00"),
    ("it does not yet", SERVING, seen(copy("modifying"), taken()), GOAL, Wait, "modifying"),
    ("there is none", SERVING, seen(), GOAL, Blocked, "no copy & run phase instantiate"),
    ("nobody knows", SERVING, seen(UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("the copy goes first", REMOVING, seen(copy(), taken()), GOAL, Call, f"delete_replication_group & {NAME}"),
    ("it is going", REMOVING, seen(copy("deleting"), taken()), GOAL, Wait, "is deleting"),
    ("what is being made cannot go yet", REMOVING, seen(copy("creating"), taken("restoring")), GOAL, Wait, "is creating"),
    ("a copy that failed goes as well", REMOVING, seen(copy("create-failed"), taken()), GOAL, Call, "delete_replication_group"),
    ("then the snapshot", REMOVING, seen(None, taken()), GOAL, Call, f"delete_snapshot & {NAME}"),
    ("which may still be in use", REMOVING, seen(None, taken("restoring")), GOAL, Wait, "restoring"),
    ("or going", REMOVING, seen(None, taken("deleting")), GOAL, Wait, "deleting"),
    ("nothing is left", REMOVING, seen(), GOAL, Done, "removed"),
    ("a group that only has the name stays", REMOVING, seen(copy(labels={})), GOAL, Blocked, "does not carry the tags"),
    ("so does a snapshot", REMOVING, seen(None, taken(labels={})), GOAL, Blocked, "does not carry the tags"),
    ("nobody knows what is left", REMOVING, seen(None, UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("no room is needed to clean up", REMOVING, seen(copy(), taken(), room=None), GOAL, Call, "delete_replication_group"),
]


@pytest.mark.parametrize(("sentence", "phase", "sight", "goal", "kind", "says"), TABLE, ids=[row[0] for row in TABLE])
def test_decisions(sentence: str, phase: str, sight: Seen[Group], goal: Goal, kind: type, says: str) -> None:
    step = getattr(ElasticacheReplicationGroupDrill(), phase)(sight, goal)
    assert isinstance(step, kind), step
    text = f"{step.operation} {dict(step.params)}" if isinstance(step, Call) else str(step)
    assert [part for part in says.split(" & ") if part not in text] == [], text
    if isinstance(step, Call):
        assert (step.region, step.one_way, step.debt) == (WEST, False, "")


def test_the_copy_is_in_no_datastore_and_has_no_parameters_of_one() -> None:
    params = ElasticacheReplicationGroupDrill().instantiate(seen(None, taken(parameters="global-datastore-ldgnf-8")), GOAL).params
    assert {"GlobalReplicationGroupId", "CacheParameterGroupName", "UserGroupIds", "KmsKeyId"} & set(params) == set()
