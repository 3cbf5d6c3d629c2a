# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions of the Aurora drill as a table: a row is a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.drills.aurora_cluster import SERVERLESS, AuroraClusterDrill
from ansible_collections.dr.aws.plugins.module_utils.drills.base import name, tags
from ansible_collections.dr.aws.plugins.module_utils.drills.restored import Seen, Snapshot
from ansible_collections.dr.aws.plugins.module_utils.drills.room import Room
from ansible_collections.dr.aws.plugins.module_utils.model import UNREACHABLE, Blocked, Call, Done, Goal, Pair, Wait
from ansible_collections.dr.aws.plugins.module_utils.parts.aurora_state import Cluster, Node

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "111111111111"
PAIR = Pair("orders", "aurora", ACCOUNT, EAST, WEST, "orders", "orders-west", settings={"drill_id": "quarterly"})
NAME = name(PAIR, 63)
GOAL = Goal(PAIR)
CAPTURED = Goal(PAIR, captured={"instance_class": "db.r6g.8xlarge"})
SMALL = Goal(
    replace(PAIR, settings={"drill_id": "quarterly", "drill": {"instance_class": "db.t4g.medium", "db_subnet_group": "x"}})
)
ROOM = Room(("vpc-drill",), ("subnet-1",), ("sg-drill",))
MAKING, SERVING, REMOVING = "instantiate", "activate", "cleanup"


def node(ident: str = NAME, status: str = "available", size: str = "db.r6g.large") -> Node:
    return Node(ident, status, True, size)


def standby(status: str = "available", *nodes: Node, **more: Any) -> Cluster:
    kept = {"engine": "aurora-postgresql", "version": "16.6", "parameter_group": "orders-16", **more}
    return Cluster("arn:orders-west", "orders-west", WEST, status, nodes=nodes, **kept)


STANDBY = standby("available", node("orders-west-1"))
HEADLESS = standby()
SERVERLESS_STANDBY = standby("available", node("orders-west-1", size=SERVERLESS))


def copy(status: str = "available", *nodes: Node, labels: Any = None) -> Cluster:
    kept = tags(PAIR) if labels is None else labels
    return Cluster("arn:copy", NAME, WEST, status, engine="aurora-postgresql", endpoint="copy.example", nodes=nodes, tags=kept)


def taken(status: str = "available", labels: Any = None) -> Snapshot:
    kept = tags(PAIR) if labels is None else labels
    return Snapshot(NAME, status, "2026-11-28T03:00:00+00:00", kept, "aurora-postgresql", "16.4")


def seen(made: Any = None, snapshot: Any = None, **more: Any) -> Seen[Cluster]:
    base = {"room": ROOM, "subnet_group_vpc": "vpc-drill", "origin": STANDBY, "origin_vpc": "vpc-app"}
    return Seen(**{**base, "copy": made, "snapshot": snapshot, **more})


TABLE = [
    ("first a snapshot of the standby", MAKING, seen(), GOAL, Call, "create_db_cluster_snapshot & 'orders-west'"),
    ("a standby that changes is waited for", MAKING, seen(origin=standby("upgrading", node())), GOAL, Wait, "upgrading"),
    ("one whose backup runs is not", MAKING, seen(origin=standby("backing-up", node())), GOAL, Call, "create_db_cluster_snapshot"),
    ("the snapshot is waited for", MAKING, seen(None, taken("creating")), GOAL, Wait, "being taken"),
    ("it is restored in the room", MAKING, seen(None, taken()), GOAL, Call, "cluster_from_snapshot & 'dr-drill' & sg-drill"),
    ("as what the snapshot is of", MAKING, seen(None, taken()), GOAL, Call, "'EngineVersion': '16.4' & orders-16"),
    ("without protection", MAKING, seen(None, taken()), GOAL, Call, "'DeletionProtection': False"),
    ("in the group of the setting", MAKING, seen(None, taken()), SMALL, Call, "'DBSubnetGroupName': 'x'"),
    ("a snapshot that failed", MAKING, seen(None, taken("failed")), GOAL, Blocked, "is failed & run phase cleanup"),
    ("a snapshot that only has the name", MAKING, seen(None, taken(labels={})), GOAL, Blocked, "does not carry the tags"),
    ("the cluster is being made", MAKING, seen(copy("creating"), taken()), GOAL, Wait, "is creating"),
    ("then it gets an instance", MAKING, seen(copy(), taken()), GOAL, Call, "create_db_instance & 'db.r6g.large'"),
    ("not in a room that has gone", MAKING, seen(copy(), taken(), room=None), GOAL, Blocked, "nothing is tagged dr:drill-room"),
    ("of the setting's class", MAKING, seen(copy(), taken()), SMALL, Call, "create_db_instance & 'db.t4g.medium'"),
    ("a headless standby's is captured", MAKING, seen(copy(), taken(), origin=HEADLESS), CAPTURED, Call, "'db.r6g.8xlarge'"),
    ("or unknown, which is told first", MAKING, seen(origin=HEADLESS), GOAL, Blocked, "no class & drill.instance_class"),
    ("nor is it known later", MAKING, seen(copy(), taken(), origin=HEADLESS), GOAL, Blocked, "no class & drill.instance_class"),
    ("a serverless one has no capacity", MAKING, seen(origin=SERVERLESS_STANDBY), GOAL, Blocked, "drill.instance_class"),
    ("unless a class is set", MAKING, seen(origin=SERVERLESS_STANDBY), SMALL, Call, "create_db_cluster_snapshot"),
    ("the instance is waited for", MAKING, seen(copy("available", node(NAME, "creating"))), GOAL, Wait, "instance & is creating"),
    ("the copy stands", MAKING, seen(copy("available", node()), taken()), GOAL, Done, f"{NAME} & copy.example"),
    ("an instance that cannot be used", MAKING, seen(copy("available", node(NAME, "failed"))), GOAL, Blocked, "is failed"),
    ("a copy that cannot be used", MAKING, seen(copy("inaccessible-encryption-credentials")), GOAL, Blocked, "inaccessible"),
    ("something else has the name", MAKING, seen(copy(labels={})), GOAL, Blocked, "does not carry the tags"),
    ("nothing to copy", MAKING, seen(origin=None, origin_vpc=None), GOAL, Blocked, "no standby orders-west"),
    ("the target region is dark", MAKING, seen(origin=UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("no room", MAKING, seen(room=None), GOAL, Blocked, "nothing is tagged dr:drill-room"),
    ("the standby's own network", MAKING, seen(origin_vpc="vpc-drill"), GOAL, Blocked, "its place in it"),
    ("a network that nobody knows", MAKING, seen(origin_vpc=None), GOAL, Blocked, "in which VPC"),
    ("or that does not answer", MAKING, seen(origin_vpc=UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("a subnet group of another network", MAKING, seen(subnet_group_vpc="vpc-app"), GOAL, Blocked, "is in vpc-app, not"),
    ("no subnet group", MAKING, seen(subnet_group_vpc=None), GOAL, Blocked, "does not exist & create-db-subnet-group"),
    ("it serves", SERVING, seen(copy("available", node()), taken()), GOAL, Done, "2026-11-28T03:00:00+00:00"),
    ("not without an instance", SERVING, seen(copy(), taken()), GOAL, Blocked, "not complete & run phase instantiate"),
    ("not while it restarts", SERVING, seen(copy("available", node(NAME, "rebooting"))), GOAL, Wait, "rebooting"),
    ("there is none", SERVING, seen(), GOAL, Blocked, "no copy & run phase instantiate"),
    ("nobody knows", SERVING, seen(UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("the instance goes first", REMOVING, seen(copy("available", node()), taken()), GOAL, Call, f"delete_db_instance & {NAME}"),
    ("it is going", REMOVING, seen(copy("available", node(NAME, "deleting"))), GOAL, Wait, "instance & is deleting"),
    ("an instance that failed goes too", REMOVING, seen(copy("available", node(NAME, "failed"))), GOAL, Call, "delete_db_instance"),
    ("another's instance stays", REMOVING, seen(copy("available", node("theirs"))), GOAL, Blocked, "theirs was added & delete it"),
    ("then the cluster", REMOVING, seen(copy(), taken()), GOAL, Call, "delete_db_cluster & 'SkipFinalSnapshot': True"),
    ("its backups with it", REMOVING, seen(copy(), taken()), GOAL, Call, "'DeleteAutomatedBackups': True"),
    ("the cluster is going", REMOVING, seen(copy("deleting"), taken()), GOAL, Wait, "is deleting"),
    ("what is being made cannot go yet", REMOVING, seen(copy("creating"), taken()), GOAL, Wait, "is creating"),
    ("then the snapshot", REMOVING, seen(None, taken()), GOAL, Call, "delete_db_cluster_snapshot"),
    ("which may still be taken", REMOVING, seen(None, taken("creating")), GOAL, Wait, "being taken"),
    ("nothing is left", REMOVING, seen(), GOAL, Done, "removed"),
    ("a cluster that only has the name stays", REMOVING, seen(copy(labels={})), GOAL, Blocked, "does not carry the tags"),
    ("so does a snapshot", REMOVING, seen(None, taken(labels={})), GOAL, Blocked, "does not carry the tags"),
    ("nobody knows what is left", REMOVING, seen(None, UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("no room is needed to clean up", REMOVING, seen(copy(), taken(), room=None), GOAL, Call, "delete_db_cluster"),
]


@pytest.mark.parametrize(("sentence", "phase", "sight", "goal", "kind", "says"), TABLE, ids=[row[0] for row in TABLE])
def test_decisions(sentence: str, phase: str, sight: Seen[Cluster], goal: Goal, kind: type, says: str) -> None:
    step = getattr(AuroraClusterDrill(), phase)(sight, goal)
    assert isinstance(step, kind), step
    text = f"{step.operation} {dict(step.params)}" if isinstance(step, Call) else str(step)
    assert [part for part in says.split(" & ") if part not in text] == [], text
    if isinstance(step, Call):
        assert (step.region, step.one_way, step.debt) == (WEST, False, "")


def test_no_call_of_the_drill_is_one_of_a_global_database() -> None:
    assert {operation for _service, operation in AuroraClusterDrill.touches} == {
        "create_db_cluster_snapshot",
        "create_db_instance",
        "delete_db_cluster",
        "delete_db_cluster_snapshot",
        "delete_db_instance",
        "restore_db_cluster_from_snapshot",
    }
    assert "GlobalClusterIdentifier" not in AuroraClusterDrill().instantiate(seen(None, taken()), GOAL).params
