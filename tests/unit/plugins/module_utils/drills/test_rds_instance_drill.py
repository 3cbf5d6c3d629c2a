# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions of the RDS drill as a table: a row is a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.drills.base import name, tags
from ansible_collections.dr.aws.plugins.module_utils.drills.rds_instance import RdsInstanceDrill
from ansible_collections.dr.aws.plugins.module_utils.drills.restored import Seen, Snapshot
from ansible_collections.dr.aws.plugins.module_utils.drills.room import Room
from ansible_collections.dr.aws.plugins.module_utils.model import UNREACHABLE, Blocked, Call, Done, Goal, Pair, Wait
from ansible_collections.dr.aws.plugins.module_utils.parts.rds_state import Instance

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "111111111111"
PAIR = Pair("orders", "rds", ACCOUNT, EAST, WEST, "orders", "orders-west", settings={"drill_id": "quarterly"})
NAME = name(PAIR, 63)
GOAL = Goal(PAIR)
LARGE = Goal(replace(PAIR, settings={"drill_id": "quarterly", "drill": {"instance_class": "db.t4g.small", "db_subnet_group": "x"}}))
ROOM = Room(("vpc-drill",), ("subnet-1",), ("sg-drill",))


def database(ident: str, status: str = "available", **more: Any) -> Instance:
    return Instance(f"arn:{ident}", ident, WEST, status, **{"vpc_id": "vpc-app", "instance_class": "db.r6g.large", **more})


def copy(status: str = "available", **more: Any) -> Instance:
    return database(NAME, status, **{"tags": tags(PAIR), "vpc_id": "vpc-drill", **more})


def taken(status: str = "available", labels: Any = None) -> Snapshot:
    return Snapshot(NAME, status, "2026-11-28T03:00:00+00:00", tags(PAIR) if labels is None else labels)


def seen(made: Any = None, snapshot: Any = None, **more: Any) -> Seen[Instance]:
    standby = database("orders-west", source=(EAST, "orders"), parameter_group="orders-17", option_group="default:postgres-17")
    base = {"room": ROOM, "subnet_group_vpc": "vpc-drill", "origin": standby, "origin_vpc": "vpc-app"}
    return Seen(**{**base, "copy": made, "snapshot": snapshot, **more})


TABLE = [
    ("first a snapshot of the standby", "instantiate", seen(), GOAL, Call, "create_db_snapshot & 'orders-west'"),
    (
        "a standby that changes is waited for",
        "instantiate",
        seen(origin=database("orders-west", "modifying")),
        GOAL,
        Wait,
        "modify",
    ),
    ("the snapshot is waited for", "instantiate", seen(None, taken("creating")), GOAL, Wait, "being taken"),
    ("it is restored in the room", "instantiate", seen(None, taken()), GOAL, Call, "from_db_snapshot & 'dr-drill' & sg-drill"),
    ("as large as the standby", "instantiate", seen(None, taken()), GOAL, Call, "db.r6g.large & orders-17"),
    ("default groups are left to RDS", "instantiate", seen(None, taken()), GOAL, Call, "'PubliclyAccessible': False"),
    ("or as the setting says", "instantiate", seen(None, taken()), LARGE, Call, "db.t4g.small & 'DBSubnetGroupName': 'x'"),
    ("a snapshot that failed", "instantiate", seen(None, taken("failed")), GOAL, Blocked, "is failed & run phase cleanup"),
    ("the copy is being made", "instantiate", seen(copy("creating"), taken()), GOAL, Wait, "is creating"),
    ("the copy stands", "instantiate", seen(copy(), taken()), GOAL, Done, NAME),
    ("a copy that cannot be used", "instantiate", seen(copy("incompatible-network"), taken()), GOAL, Blocked, "incompatible"),
    ("something else has the name", "instantiate", seen(copy(tags={}), taken()), GOAL, Blocked, "does not carry the tags"),
    ("nothing to copy", "instantiate", seen(origin=None), GOAL, Blocked, "no standby orders-west & run phase instantiate"),
    ("the target region is dark", "instantiate", seen(origin=UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("no room", "instantiate", seen(room=None), GOAL, Blocked, "nothing is tagged dr:drill-room"),
    ("the standby's own network", "instantiate", seen(origin_vpc="vpc-drill"), GOAL, Blocked, "its place in it"),
    ("a subnet group of another network", "instantiate", seen(subnet_group_vpc="vpc-app"), GOAL, Blocked, "is in vpc-app, not"),
    ("a standby in a network that nobody knows", "instantiate", seen(origin_vpc=""), GOAL, Blocked, "in which VPC"),
    ("a snapshot that only has the name", "instantiate", seen(None, taken(labels={})), GOAL, Blocked, "does not carry the tags"),
    ("a snapshot that still goes", "instantiate", seen(None, taken("deleting")), GOAL, Wait, "is deleting"),
    ("no subnet group", "instantiate", seen(subnet_group_vpc=None), GOAL, Blocked, "does not exist & create-db-subnet-group"),
    ("nobody knows the group", "instantiate", seen(subnet_group_vpc=UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("it serves", "activate", seen(copy(), taken()), GOAL, Done, "2026-11-28T03:00:00+00:00"),
    ("it does not yet", "activate", seen(copy("backing-up"), taken()), GOAL, Wait, "backing-up"),
    ("there is none", "activate", seen(), GOAL, Blocked, "no copy & run phase instantiate"),
    ("nobody knows", "activate", seen(UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("the copy goes first", "cleanup", seen(copy(), taken()), GOAL, Call, "delete_db_instance & 'SkipFinalSnapshot': True"),
    ("it is going", "cleanup", seen(copy("deleting"), taken()), GOAL, Wait, "is deleting"),
    ("what is being made cannot go yet", "cleanup", seen(copy("creating"), taken()), GOAL, Wait, "is creating"),
    ("a copy that failed goes as well", "cleanup", seen(copy("incompatible-network"), taken()), GOAL, Call, "delete_db_instance"),
    ("then the snapshot", "cleanup", seen(None, taken()), GOAL, Call, "delete_db_snapshot"),
    ("which may still be taken", "cleanup", seen(None, taken("creating")), GOAL, Wait, "being taken"),
    ("nothing is left", "cleanup", seen(), GOAL, Done, "removed"),
    ("an instance that only has the name stays", "cleanup", seen(copy(tags={}), taken()), GOAL, Blocked, "does not carry the tags"),
    ("so does a snapshot", "cleanup", seen(None, taken(labels={})), GOAL, Blocked, "does not carry the tags"),
    ("nobody knows what is left", "cleanup", seen(UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("no room is needed to clean up", "cleanup", seen(copy(), taken(), room=None), GOAL, Call, "delete_db_instance"),
]


@pytest.mark.parametrize(("sentence", "phase", "sight", "goal", "kind", "says"), TABLE, ids=[row[0] for row in TABLE])
def test_decisions(sentence: str, phase: str, sight: Seen[Instance], goal: Goal, kind: type, says: str) -> None:
    step = getattr(RdsInstanceDrill(), phase)(sight, goal)
    assert isinstance(step, kind), step
    text = f"{step.operation} {dict(step.params)}" if isinstance(step, Call) else str(step)
    assert [part for part in says.split(" & ") if part not in text] == [], text
    if isinstance(step, Call):
        assert (step.region, step.one_way, step.debt) == (WEST, False, "")


def test_the_copy_gets_no_group_by_default() -> None:
    step = RdsInstanceDrill().instantiate(seen(None, taken()), GOAL)
    assert "OptionGroupName" not in step.params
    assert step.params["DBParameterGroupName"] == "orders-17"
