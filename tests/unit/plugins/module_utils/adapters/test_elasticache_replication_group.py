# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ElastiCache decisions as tables: a row is a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.adapters.elasticache_replication_group import ElasticacheReplicationGroup
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
from ansible_collections.dr.aws.plugins.module_utils.parts.elasticache_state import Datastore, Group, Member, Seen, group

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "111111111111"
PLACE = {WEST: {"subnet_group": "west", "security_groups": ["sg-w"]}}
PAIR = Pair("sessions", "elasticache", ACCOUNT, EAST, WEST, "sessions", "sessions-west", settings={"regions": PLACE})
PLANNED = Goal(PAIR)
UNPLANNED = Goal(PAIR, mode="unplanned")
REMOVE = Goal(PAIR, cleanup_policy="remove")
UNPLACED = Goal(replace(PAIR, settings={}))
CAPTURED = Goal(PAIR, captured={"region": EAST, "subnet_group": "east", "security_groups": ["sg-e"]})
ADAPTER = ElasticacheReplicationGroup()
WORLD = "abcde-sessions"


def side(ident: str, region: str, role: str, status: str = "available", **more: Any) -> Group:
    values: dict[str, Any] = {
        "datastore": WORLD if role else "",
        "endpoint": f"{ident}.{region}",
        "port": 6379,
        "node_type": "cache.r7g.large",
        "replicas": 1,
        "nodes": (f"{ident}-001", f"{ident}-002"),
        "failover": True,
        "multi_az": True,
        "born": "261128120000",
        "lag_seconds": 0.4 if role == "SECONDARY" else None,
        "tags": {"dr:enabled": "true"},
        **more,
    }
    return Group(ident, f"arn:aws:elasticache:{region}:{ACCOUNT}:replicationgroup:{ident}", region, status, role=role, **values)


def east(role: str = "PRIMARY", status: str = "available", **more: Any) -> Group:
    return side("sessions", EAST, role, status, **more)


def west(role: str = "SECONDARY", status: str = "available", **more: Any) -> Group:
    return side("sessions-west", WEST, role, status, **more)


def world(status: str = "available", writer: str = EAST, member: str = "associated", *others: Member) -> Datastore:
    names = {EAST: "sessions", WEST: "sessions-west"}
    members = [
        Member(name, region, "PRIMARY" if region == writer else "SECONDARY", "associated" if region == writer else member)
        for region, name in names.items()
    ]
    return Datastore(WORLD, status, (*members, *others))


def alone(region: str, ident: str, status: str = "primary-only") -> Datastore:
    return Datastore(WORLD, status, (Member(ident, region, "PRIMARY", "associated"),))


BEFORE = Seen(east(), west(), world())
AFTER = Seen(east("SECONDARY"), west("PRIMARY"), world(writer=WEST))
DARK_BEFORE = Seen(UNREACHABLE, west(), world())
DARK_AFTER = Seen(UNREACHABLE, west("PRIMARY"), world(writer=WEST))
ONLY_EAST = Seen(east(""), None)
ONLY_WEST = Seen(None, west("PRIMARY"), alone(WEST, "sessions-west"))
MARK = {"dr:enabled": "false", "dr:quarantined": WORLD}
MARKED = Seen(east("SECONDARY", tags=MARK), west("PRIMARY"), world(writer=WEST))
DETACHED = Seen(east("", tags=MARK), west("PRIMARY"), alone(WEST, "sessions-west"))
THIRD = Member("sessions-eu", "eu-west-1", "SECONDARY", "associated")


def check(step: Any, kind: type, says: str) -> None:
    """The step is of this kind, and `says` (of a call: `operation@region` and what its parameters contain) is in it."""
    assert isinstance(step, kind), step
    text = f"{step.operation}@{step.region} {dict(step.params)} {step.debt}" if isinstance(step, Call) else str(step)
    for part in filter(None, says.split(" & ")):
        assert part in text, text


@pytest.mark.parametrize(
    ("sentence", "seen", "expected"),
    [
        ("the source takes the writes", BEFORE, Active.SOURCE),
        ("the target takes them", AFTER, Active.TARGET),
        ("a group in no datastore takes writes", ONLY_EAST, Active.SOURCE),
        ("only the target is left", ONLY_WEST, Active.TARGET),
        ("two that take writes", Seen(east(""), west("")), Active.BOTH),
        ("both regions call theirs the first", replace(AFTER, source=east()), Active.BOTH),
        ("an old source that was marked before it left", DETACHED, Active.TARGET),
        (
            "a mark of another datastore proves nothing",
            replace(DETACHED, source=east("", tags={"dr:quarantined": "x"})),
            Active.BOTH,
        ),
        ("two followers", Seen(east("SECONDARY"), west()), Active.NEITHER),
        ("nothing", Seen(None, None), Active.NEITHER),
        ("the source is dark and the datastore names the target", DARK_AFTER, Active.TARGET),
        ("the source is dark and the target follows", DARK_BEFORE, Active.UNKNOWN),
        ("the source is dark and the target was detached", Seen(UNREACHABLE, west("")), Active.UNKNOWN),
        ("the target is dark", Seen(east(), UNREACHABLE, world()), Active.UNKNOWN),
    ],
)
def test_active(sentence: str, seen: Seen, expected: Active) -> None:
    assert ADAPTER.active(seen) is expected, sentence


ENCRYPTED = east("", kms_key_id="arn:aws:kms:us-east-1:1:key/x")
INSTANTIATE = [
    ("a follower stands by", BEFORE, PLANNED, Done, "standby"),
    ("it serves already", AFTER, PLANNED, Done, "active"),
    ("it stands by while the source is dark", DARK_BEFORE, UNPLANNED, Done, "standby"),
    ("planned needs the source", DARK_BEFORE, PLANNED, Blocked, "us-east-1 does not answer"),
    ("the target is dark", Seen(east(), UNREACHABLE, world()), UNPLANNED, Deferred, "us-west-2"),
    ("a datastore is made first", ONLY_EAST, PLANNED, Call, "create_global_replication_group@us-east-1 & 'sessions'"),
    ("its group is being changed", Seen(east("", "modifying"), None), PLANNED, Wait, "modifying"),
    ("the datastore is being made", Seen(east(), None, alone(EAST, "sessions", "creating")), PLANNED, Wait, "creating"),
    ("the datastore is not shown yet", Seen(east(), None), PLANNED, Wait, "not shown"),
    (
        "then the follower",
        Seen(east(), None, alone(EAST, "sessions")),
        PLANNED,
        Call,
        "create_replication_group@us-west-2 & sessions-west & 'NumCacheClusters': 2 & 'west' & sg-w & us-east-1:sessions",
    ),
    (
        "of a cluster, by its replicas",
        Seen(east(clustered=True, shards=3), None, alone(EAST, "sessions")),
        PLANNED,
        Call,
        "'ReplicasPerNodeGroup': 1 & 'AutomaticFailoverEnabled': True",
    ),
    ("no network is guessed", Seen(east(), None, alone(EAST, "sessions")), UNPLACED, Blocked, "subnet_group"),
    ("nor asked for after the datastore was made", ONLY_EAST, UNPLACED, Blocked, "subnet_group"),
    ("no key is guessed", Seen(ENCRYPTED, None), PLANNED, Blocked, "kms_key_id"),
    ("no user group is guessed", Seen(east("", user_groups=("apps",)), None), PLANNED, Blocked, "user_groups"),
    ("nodes that no datastore takes", Seen(east("", node_type="cache.t4g.medium"), None), PLANNED, Blocked, "cache.t4g.medium"),
    (
        "a datastore that is full",
        Seen(east(), None, Datastore(WORLD, "available", (*world().members, THIRD))),
        PLANNED,
        Blocked,
        "sessions-eu in eu-west-1",
    ),
    ("it is being created", Seen(east(), west(status="creating"), world("modifying")), PLANNED, Wait, "creating"),
    ("it is being associated", Seen(east(), west(), world(member="associating")), PLANNED, Wait, "associating"),
    ("its datastore is not shown", Seen(east(), west()), PLANNED, Wait, "does not show"),
    ("an old one is being deleted", Seen(east(), west("", "deleting")), PLANNED, Wait, "deleting"),
    ("a group of its own is not adopted", Seen(east(), west("")), PLANNED, Blocked, "a group of its own"),
    ("a follower of another datastore", Seen(east(), west(datastore="other")), PLANNED, Blocked, "follows other"),
    ("no group, and nobody to follow", Seen(UNREACHABLE, None), UNPLANNED, Blocked, "no replication group sessions-west"),
    ("neither side is there", Seen(None, None), PLANNED, Blocked, "takes no writes"),
]


@pytest.mark.parametrize(("sentence", "seen", "goal", "kind", "says"), INSTANTIATE)
def test_instantiate(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(ADAPTER.instantiate(seen, goal), kind, says)


FAILOVER = "failover_global_replication_group@us-west-2 & 'PrimaryRegion': 'us-west-2' & sessions-west & abcde-sessions"
ACTIVATE = [
    ("it follows closely", BEFORE, PLANNED, Call, FAILOVER),
    ("the source is dark: with a debt", DARK_BEFORE, UNPLANNED, Call, f"{FAILOVER} & was demoted"),
    ("planned needs the source", DARK_BEFORE, PLANNED, Blocked, "us-east-1 does not answer"),
    ("planned needs its source to write", Seen(None, west(), world()), PLANNED, Blocked, "does not take writes"),
    ("unplanned does not", Seen(None, west(), world()), UNPLANNED, Call, FAILOVER),
    ("a large lag", Seen(east(), west(lag_seconds=900), world()), PLANNED, Blocked, "900 s"),
    ("a lag that is allowed, but not zero", Seen(east(), west(lag_seconds=1), world()), PLANNED, Wait, "1 s are left"),
    ("an unknown lag is not small", Seen(east(), west(lag_seconds=None), world()), PLANNED, Blocked, "unknown"),
    ("a lag of -1 is not small", Seen(east(), west(lag_seconds=-1), world()), PLANNED, Blocked, "unknown"),
    ("unplanned asks for no lag", Seen(UNREACHABLE, west(lag_seconds=None), world()), UNPLANNED, Call, FAILOVER),
    ("under way", Seen(east(), west(status="modifying"), world("modifying")), PLANNED, Wait, "modifying"),
    ("demoted on both sides meanwhile", Seen(east("SECONDARY"), west(), world("modifying", "")), PLANNED, Wait, "modifying"),
    ("promoted, the datastore still moves", replace(AFTER, world=world("modifying", WEST)), PLANNED, Wait, "modifying"),
    ("promoted, the group still moves", replace(AFTER, target=west("PRIMARY", "modifying")), PLANNED, Wait, "modifying"),
    ("done", AFTER, PLANNED, Done, "active"),
    ("done, the source being dark", DARK_AFTER, UNPLANNED, Done, "active"),
    ("done, the old source being gone", ONLY_WEST, PLANNED, Done, "active"),
    ("done, the old source being on its way out", DETACHED, PLANNED, Done, "active"),
    ("promoted and broken", replace(AFTER, target=west("PRIMARY", "create-failed")), PLANNED, Blocked, "create-failed"),
    ("a split brain", Seen(east(""), west("")), UNPLANNED, Blocked, "both take writes"),
    ("detached by hand, the source dark", Seen(UNREACHABLE, west("")), UNPLANNED, Blocked, "no global datastore shows"),
    ("a member that is not associated", Seen(east(), west(), world(member="disassociated")), PLANNED, Blocked, "last resort"),
    ("a datastore that is being deleted", Seen(east(), west(), world("deleting")), UNPLANNED, Blocked, "deleting"),
    ("nobody takes the writes", Seen(east("SECONDARY"), west(), world("available", "")), UNPLANNED, Call, FAILOVER),
    ("promoted, and the datastore cannot be read", replace(DARK_AFTER, world=UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
    (
        "a third member takes the writes",
        Seen(east("SECONDARY"), west(), world("available", "", "associated", replace(THIRD, role="PRIMARY"))),
        UNPLANNED,
        Blocked,
        "eu-west-1",
    ),
    ("the datastore is not shown", Seen(east(), west()), PLANNED, Wait, "does not show"),
    ("the datastore cannot be read", Seen(east(), west(), UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
    ("there is none", Seen(east(), None, world()), PLANNED, Blocked, "no replication group"),
    ("the target is dark", Seen(east(), UNREACHABLE, world()), UNPLANNED, Deferred, "us-west-2"),
]


@pytest.mark.parametrize(("sentence", "seen", "goal", "kind", "says"), ACTIVATE)
def test_activate(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(ADAPTER.activate(seen, goal), kind, says)


MADE = replace(AFTER, source=east("SECONDARY", tags={"dr:made-by": "run-1"}))
CLEANUP = [
    ("demoted is all that is wanted", AFTER, PLANNED, Done, "standby"),
    ("nothing is left", ONLY_WEST, REMOVE, Done, "absent"),
    ("still moving", replace(AFTER, world=world("modifying", WEST)), REMOVE, Wait, "modifying"),
    ("removal marks first", AFTER, REMOVE, Call, "add_tags_to_resource@us-east-1 & dr:quarantined & abcde-sessions"),
    ("then detaches", MARKED, REMOVE, Call, "disassociate_global_replication_group@us-east-1 & 'sessions'"),
    ("then deletes", DETACHED, REMOVE, Call, "delete_replication_group@us-east-1 & sessions-final-261128120000"),
    ("then waits", replace(DETACHED, source=east("", "deleting", tags=MARK)), REMOVE, Wait, "deleting"),
    ("a detached one is not kept half way", DETACHED, PLANNED, Blocked, "does not follow"),
    ("what this execution made anew stays", MADE, replace(REMOVE, execution_id="run-1"), Done, "standby"),
    ("what another made is old", MADE, replace(REMOVE, execution_id="run-2"), Call, "add_tags_to_resource@us-east-1"),
    ("the source is dark", DARK_AFTER, UNPLANNED, Deferred, "us-east-1"),
    ("the target is dark", Seen(east(), UNREACHABLE, world()), PLANNED, Blocked, "us-west-2 does not answer"),
    ("nor is the datastore told of", replace(MARKED, world=UNREACHABLE), REMOVE, Blocked, "us-west-2 does not answer"),
    ("the source serves", BEFORE, REMOVE, Blocked, "not proven to serve: source"),
    ("a split brain", Seen(east(""), west("")), REMOVE, Blocked, "not proven to serve: both"),
    ("nothing serves", Seen(east("SECONDARY"), west(), world("modifying", "")), REMOVE, Blocked, "not proven to serve: neither"),
]


@pytest.mark.parametrize(("sentence", "seen", "goal", "kind", "says"), CLEANUP)
def test_cleanup(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(ADAPTER.cleanup(seen, goal), kind, says)


REPLICATE = [
    ("the failover has done it", AFTER, PLANNED, Done, "standby"),
    ("a removed one is made as captured", ONLY_WEST, CAPTURED, Call, "create_replication_group@us-east-1 & 'east' & sg-e"),
    ("it is being made", Seen(east("SECONDARY", "creating"), west("PRIMARY"), world("modifying", WEST)), PLANNED, Wait, "creating"),
    ("the old one is being deleted", replace(DETACHED, source=east("", "deleting", tags=MARK)), PLANNED, Wait, "deleting"),
    ("the old one is in the way", DETACHED, PLANNED, Blocked, "still in us-east-1"),
    ("the source is dark", DARK_AFTER, UNPLANNED, Deferred, "not protected"),
    ("the target is dark", Seen(east(), UNREACHABLE, world()), UNPLANNED, Deferred, "us-west-2"),
    ("the source serves", BEFORE, PLANNED, Blocked, "does not serve"),
]


@pytest.mark.parametrize(("sentence", "seen", "goal", "kind", "says"), REPLICATE)
def test_replicate(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(ADAPTER.replicate(seen, goal), kind, says)


ROLLBACK = [
    ("back again", AFTER, PLANNED, Call, "failover_global_replication_group@us-east-1 & 'PrimaryRegion': 'us-east-1'"),
    ("a lag that is not known", replace(AFTER, source=east("SECONDARY", lag_seconds=None)), PLANNED, Blocked, "unknown"),
    ("under way", replace(AFTER, world=world("modifying", WEST)), PLANNED, Wait, "modifying"),
    ("nothing to do", BEFORE, PLANNED, Done, "active"),
    ("the source is dark", DARK_AFTER, UNPLANNED, Blocked, "nothing could take over"),
    ("the target is dark", Seen(east(), UNREACHABLE, world()), UNPLANNED, Deferred, "us-west-2"),
    ("the source is gone", ONLY_WEST, PLANNED, Blocked, "is gone"),
    ("the source left", DETACHED, PLANNED, Blocked, "does not follow"),
    ("the datastore cannot be read", replace(AFTER, world=UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
]


@pytest.mark.parametrize(("sentence", "seen", "goal", "kind", "says"), ROLLBACK)
def test_rollback(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(ADAPTER.rollback(seen, goal), kind, says)


@pytest.mark.parametrize(
    ("sentence", "seen", "status"),
    [
        ("it serves and is followed", AFTER, "HEALTHY"),
        ("nobody follows it", DARK_AFTER, "DEGRADED"),
        ("it is broken", replace(AFTER, target=west("PRIMARY", "create-failed")), "UNHEALTHY"),
        ("it follows", BEFORE, "UNHEALTHY"),
        ("it is not there", Seen(east(), None), "UNHEALTHY"),
        ("it is dark", Seen(east(), UNREACHABLE), "UNHEALTHY"),
    ],
)
def test_health(sentence: str, seen: Seen, status: str) -> None:
    assert ADAPTER.health(seen, PLANNED).status == status, sentence


def test_capture_is_of_a_source_that_serves() -> None:
    assert ADAPTER.capture(AFTER, PAIR) == {}
    assert ADAPTER.capture(DARK_BEFORE, PAIR) == {}
    captured = ADAPTER.capture(Seen(east(subnet_group="east", security_groups=("sg-e",)), west(), world()), PAIR)
    assert (captured["region"], captured["subnet_group"], captured["security_groups"]) == (EAST, "east", ["sg-e"])
    assert (captured["replicas"], captured["lag_seconds"]) == (1, 0.4)


def test_a_group_is_read_from_what_aws_shows() -> None:
    shown = {
        "ReplicationGroupId": "sessions",
        "Status": "available",
        "ARN": "arn",
        "GlobalReplicationGroupInfo": {"GlobalReplicationGroupId": WORLD, "GlobalReplicationGroupMemberRole": "PRIMARY"},
        "MemberClusters": ["a", "b", "c", "d"],
        "NodeGroups": [{"PrimaryEndpoint": {"Address": "one", "Port": 6379}}, {}],
    }
    nodes = {"b": {"CacheSubnetGroupName": "east", "SecurityGroups": [{"SecurityGroupId": "sg-e"}]}}
    found = group(shown, EAST, nodes)
    assert (found.datastore, found.role, found.endpoint, found.port) == (WORLD, "PRIMARY", "one", 6379)
    assert (found.shards, found.replicas, found.subnet_group, found.security_groups) == (2, 1, "east", ("sg-e",))
    assert found.born == ""
