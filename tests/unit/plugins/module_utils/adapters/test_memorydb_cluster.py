# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MemoryDB decisions as tables: a row is a sentence."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.adapters.memorydb_cluster import MemorydbCluster
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
from ansible_collections.dr.aws.plugins.module_utils.parts.memorydb_state import Cluster, Member, Seen, World, cluster

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "111111111111"
COPY = "arn:aws:s3:::copies/queue-0001.rdb"
PLACE = {WEST: {"subnet_group": "west", "security_groups": ["sg-w"], "snapshot_arns": [COPY]}}
PAIR = Pair(
    "queue", "memorydb", ACCOUNT, EAST, WEST, "queue", "queue-west", settings={"regions": PLACE}, tags={"dr:enabled": "true"}
)
PLANNED = Goal(PAIR)
UNPLANNED = Goal(PAIR, mode="unplanned")
REMOVE = Goal(PAIR, cleanup_policy="remove")
UNPLACED = Goal(replace(PAIR, settings={}), mode="unplanned")
FENCE = Goal(replace(PAIR, settings={"fence_security_group": "sg-fence"}))
KNOWN = {
    "region": EAST,
    "acl": "apps",
    "subnet_group": "east",
    "security_groups": ["sg-e"],
    "node_type": "db.r6g.large",
    "epoch": 0,
}
CAPTURED = Goal(PAIR, captured=KNOWN)
LOST = Goal(PAIR, mode="unplanned", captured=KNOWN)
LOST_MEMBER = Goal(PAIR, mode="unplanned", captured={**KNOWN, "multi_region_cluster": "w"})
LATER = Goal(PAIR, mode="unplanned", captured={**KNOWN, "epoch": 2})
ADAPTER = MemorydbCluster()
ACLS = {"apps": 2, "open-access": 1, "nobody": 0}


def side(name: str, region: str, world: str, status: str = "available", **more: Any) -> Cluster:
    """`tags` without the prefix dr:."""
    tags = {f"dr:{key}": str(value) for key, value in {"enabled": "true", **more.pop("tags", {})}.items()}
    values: dict[str, Any] = {
        "endpoint": f"{name}.{region}",
        "port": 6379,
        "node_type": "db.r7g.xlarge",
        "engine": "valkey",
        "engine_version": "7.3",
        "replicas": 1,
        "acl": "apps",
        "born": "261128120000",
        "lag_seconds": 0.2 if world else None,
        **more,
    }
    return Cluster(name, f"arn:aws:memorydb:{region}:{ACCOUNT}:cluster/{name}", region, status, world, tags=tags, **values)


def east(epoch: int = 0, world: str = "w", status: str = "available", **more: Any) -> Cluster:
    return side("queue", EAST, world, status, **{**more, "tags": {**more.get("tags", {}), **({"epoch": epoch} if epoch else {})}})


def west(epoch: int = 0, world: str = "w", status: str = "available", **more: Any) -> Cluster:
    return side(
        "queue-west", WEST, world, status, **{**more, "tags": {**more.get("tags", {}), **({"epoch": epoch} if epoch else {})}}
    )


def copy(epoch: int = 0, **more: Any) -> Cluster:
    return west(epoch, "", **{**more, "tags": {"restored": f"{EAST}:queue"}})


BOTH = (Member("queue", EAST, "available"), Member("queue-west", WEST, "available"))
EURO = tuple(Member(f"queue-{n}", f"eu-west-{n}", "available") for n in range(1, 5))


def world(status: str = "available", members: tuple[Member, ...] = BOTH) -> World:
    return World("w", status, "db.r7g.xlarge", members)


def seen(source: Any, target: Any, what: Any = None, **more: Any) -> Seen:
    return Seen(source, target, world() if what is None else what or None, **{"source_acls": ACLS, "target_acls": ACLS, **more})


def single(source: Any, target: Any, **more: Any) -> Seen:
    return seen(source, target, False, **more)


BEFORE, AFTER = seen(east(), west()), seen(east(), west(1))
DARK_BEFORE, DARK_AFTER = seen(UNREACHABLE, west()), seen(UNREACHABLE, west(1))
EAST_ONLY, WEST_ONLY = seen(east(), None, world(members=BOTH[:1])), seen(None, west(1), world(members=BOTH[1:]))
ALONE = single(east(world=""), None)


def check(step: Any, kind: type, says: str) -> None:
    """The step is of this kind, and `says` (of a call: `operation@region` and what its parameters contain) is in it."""
    assert isinstance(step, kind), step
    text = f"{step.operation}@{step.region} {dict(step.params)} {step.debt}" if isinstance(step, Call) else str(step)
    for part in filter(None, says.split(" & ")):
        assert part in text, text


@pytest.mark.parametrize(
    ("sentence", "state", "expected"),
    [
        ("members without a mark: the source, and no split brain", BEFORE, Active.SOURCE),
        ("the target is marked", AFTER, Active.TARGET),
        ("the larger mark counts", seen(east(2), west(1)), Active.SOURCE),
        ("only the source is there", EAST_ONLY, Active.SOURCE),
        ("only the target is there", WEST_ONLY, Active.TARGET),
        ("nothing is there", single(None, None), Active.NEITHER),
        ("what is being created does not serve", seen(None, west(status="creating")), Active.NEITHER),
        ("a copy that was not activated", single(east(world=""), copy()), Active.SOURCE),
        ("a copy that was activated", single(east(world=""), copy(1)), Active.TARGET),
        ("the source is the copy", single(east(world="", tags={"restored": "x"}), west(world="")), Active.TARGET),
        ("two clusters of their own", single(east(world=""), west(world="")), Active.BOTH),
        ("members of different ones", seen(east(), west(world="v")), Active.BOTH),
        ("the source is dark, the target is marked", DARK_AFTER, Active.TARGET),
        ("the source is dark, the target is not", DARK_BEFORE, Active.UNKNOWN),
        ("the target is dark", seen(east(1), UNREACHABLE), Active.UNKNOWN),
    ],
)
def test_active(sentence: str, state: Seen, expected: Active) -> None:
    assert ADAPTER.active(state) is expected, sentence


CREATE = "create_cluster@us-west-2 & 'MultiRegionClusterName': 'w' & 'west' & sg-w & 'ACLName': 'apps' & us-east-1:queue"
RESTORE = f"create_cluster@us-west-2 & {COPY} & us-east-1:queue & 'ACLName': 'apps' & 'west'"
INSTANTIATE = [
    ("a member stands by", BEFORE, PLANNED, Done, "standby"),
    ("it serves already", AFTER, PLANNED, Done, "active"),
    ("it stands by while the source is dark", DARK_BEFORE, UNPLANNED, Done, "standby"),
    ("planned needs the source", DARK_BEFORE, PLANNED, Blocked, "us-east-1 does not answer"),
    ("the target is dark", seen(east(), UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
    ("a member is made", EAST_ONLY, PLANNED, Call, CREATE),
    ("its multi-Region cluster is being changed", seen(east(), None, world("updating")), PLANNED, Wait, "updating"),
    ("it is not shown yet", seen(east(), None, False), PLANNED, Wait, "not shown"),
    ("it is being deleted", seen(east(), None, world("deleting")), PLANNED, Blocked, "deleting"),
    ("it cannot be read", seen(east(), None, UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
    ("it is full", seen(east(), None, world(members=(BOTH[0], *EURO))), PLANNED, Blocked, "5 regions"),
    ("no network is guessed", EAST_ONLY, UNPLACED, Blocked, "subnet_group"),
    ("no key is guessed", replace(EAST_ONLY, source=east(kms_key_id="k")), PLANNED, Blocked, "kms_key_id"),
    ("an ACL that is not there", replace(EAST_ONLY, target_acls={}), PLANNED, Blocked, "the ACL apps"),
    ("an ACL without users", replace(EAST_ONLY, source=east(acl="nobody")), PLANNED, Blocked, "the ACL nobody"),
    ("open access is everywhere", replace(EAST_ONLY, source=east(acl="open-access"), target_acls={}), PLANNED, Call, "open-access"),
    ("it is being created", seen(east(), west(status="creating")), PLANNED, Wait, "creating"),
    ("it failed", seen(east(), west(status="create-failed")), PLANNED, Blocked, "create-failed"),
    ("it is not shown as a member yet", seen(east(), west(), world(members=BOTH[:1])), PLANNED, Wait, "does not show both"),
    ("a member of another one", seen(east(), west(world="v")), PLANNED, Blocked, "member of v, not of w"),
    (
        "the source is dark, and was in another one",
        seen(UNREACHABLE, west(), world(members=BOTH[1:])),
        UNPLANNED,
        Blocked,
        "not of one that queue",
    ),
    ("a cluster of its own cannot join", single(east(), west(world="")), PLANNED, Blocked, "cannot join"),
    ("a copy stands by", single(east(world=""), copy()), PLANNED, Done, "restored_from"),
    ("a copy is made", ALONE, PLANNED, Call, f"{RESTORE} & 'EngineVersion': '7.3'"),
    ("a copy is made of what was captured", single(UNREACHABLE, None), LOST, Call, f"{RESTORE} & db.r6g.large & dr:enabled"),
    ("nothing is known of what to make", single(UNREACHABLE, None), UNPLANNED, Blocked, "node type"),
    ("there is no copied snapshot", ALONE, UNPLACED, Blocked, "no snapshot of it is known in us-west-2"),
    ("no member is made while the data is out of reach", single(UNREACHABLE, None), LOST_MEMBER, Blocked, "does not answer"),
    ("neither side is there", single(None, None), PLANNED, Blocked, "not usable"),
]


@pytest.mark.parametrize(("sentence", "state", "goal", "kind", "says"), INSTANTIATE)
def test_instantiate(sentence: str, state: Seen, goal: Goal, kind: type, says: str) -> None:
    check(ADAPTER.instantiate(state, goal), kind, says)


MARK = "tag_resource@us-west-2 & queue-west & dr:epoch & '1'"
ACTIVATE = [
    ("it is close enough", BEFORE, PLANNED, Call, MARK),
    ("its mark is above the source's", seen(east(4), west(1)), PLANNED, Call, "tag_resource@us-west-2 & '5'"),
    ("the source is dark: with a debt", DARK_BEFORE, UNPLANNED, Call, f"{MARK} & merge later"),
    ("an old mark does not count", DARK_AFTER, LATER, Call, "tag_resource@us-west-2 & '3'"),
    ("planned needs the source", DARK_BEFORE, PLANNED, Blocked, "us-east-1 does not answer"),
    ("the source is being deleted, so the target serves", seen(east(status="deleting"), west()), PLANNED, Done, "active"),
    ("a large lag", seen(east(), west(lag_seconds=900)), PLANNED, Blocked, "900 s"),
    ("a lag that is allowed, but not zero", seen(east(), west(lag_seconds=1)), PLANNED, Wait, "1 s are left"),
    ("an unknown lag is not small", seen(east(), west(lag_seconds=None)), PLANNED, Blocked, "unknown"),
    ("a negative lag is not small", seen(east(), west(lag_seconds=-1)), PLANNED, Blocked, "unknown"),
    ("unplanned asks for no lag", seen(east(), west(lag_seconds=None)), UNPLANNED, Call, MARK),
    ("nobody could log in", seen(east(), west(acl="nobody")), UNPLANNED, Blocked, "lets nobody in"),
    ("it is no member any more", seen(east(), west(), world(members=BOTH[:1])), PLANNED, Wait, "does not show"),
    ("the source was activated before", seen(east(1), west()), PLANNED, Call, "tag_resource@us-west-2 & '2'"),
    ("the two are not of one", seen(east(1, world="v"), west()), UNPLANNED, Blocked, "not of v"),
    ("the multi-Region cluster cannot be read", seen(east(), west(), UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
    ("it is being changed", seen(east(), west(status="updating")), PLANNED, Wait, "updating"),
    ("it is broken", seen(east(), west(status="create-failed")), PLANNED, Blocked, "create-failed"),
    ("done", AFTER, PLANNED, Done, "active"),
    ("done, the source being dark", DARK_AFTER, UNPLANNED, Done, "active"),
    ("done, the old source being gone", WEST_ONLY, PLANNED, Done, "active"),
    ("there is none", EAST_ONLY, PLANNED, Blocked, "no cluster queue-west"),
    ("the target is dark", seen(east(), UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
    ("a copy lacks what was written since", single(east(world=""), copy()), PLANNED, Blocked, "was made of a snapshot"),
    ("unplanned it is better than nothing", single(UNREACHABLE, copy()), UNPLANNED, Call, f"{MARK} & which are lost"),
    ("and the source that answers is a debt too", single(east(world=""), copy()), UNPLANNED, Call, f"{MARK} & which are lost"),
    ("a copy that was given up", single(UNREACHABLE, copy(1)), LATER, Blocked, "given up before"),
    ("a stranger", single(UNREACHABLE, west(world="")), UNPLANNED, Blocked, "nor a copy of queue"),
    ("a split brain", single(east(world=""), west(world="")), UNPLANNED, Blocked, "nor a copy of queue"),
    ("an activated copy", single(east(world=""), copy(1)), PLANNED, Done, "active"),
]


@pytest.mark.parametrize(("sentence", "state", "goal", "kind", "says"), ACTIVATE)
def test_activate(sentence: str, state: Seen, goal: Goal, kind: type, says: str) -> None:
    check(ADAPTER.activate(state, goal), kind, says)


def test_only_a_copy_makes_activation_one_way() -> None:
    steps = [ADAPTER.activate(state, UNPLANNED) for state in (DARK_BEFORE, single(UNREACHABLE, copy()))]
    assert [isinstance(step, Call) and step.one_way for step in steps] == [False, True]


FRESH = seen(east(tags={"follows-epoch": 1}), west(1))
FENCED = single(east(world="", security_groups=("sg-fence",)), copy(1))
DELETE = "delete_cluster@us-east-1 & queue-final-261128120000"
CLEANUP = [
    ("a member stays as the standby", AFTER, PLANNED, Done, "standby"),
    ("its mark is taken", seen(east(1), west(2)), PLANNED, Call, "untag_resource@us-east-1 & dr:epoch"),
    ("removal", AFTER, REMOVE, Call, f"{DELETE} & 'MultiRegionClusterName': 'w'"),
    ("a standby that was made anew stays", FRESH, REMOVE, Done, "standby"),
    ("until it has been the source again", seen(east(2, tags={"follows-epoch": 1}), west(3)), REMOVE, Call, DELETE),
    ("never the last member", seen(east(), west(1), world(members=BOTH[:1])), REMOVE, Blocked, "nothing was deleted"),
    ("never while the other is unsettled", seen(east(), west(1, status="updating")), REMOVE, Wait, "updating"),
    ("it is being changed", seen(east(status="updating"), west(1)), REMOVE, Wait, "updating"),
    ("it is being deleted", seen(east(status="deleting"), west(1)), REMOVE, Wait, "deleting"),
    ("nothing is left", WEST_ONLY, REMOVE, Done, "absent"),
    ("one of its own needs a fence", single(east(world=""), copy(1)), PLANNED, Blocked, "fence_security_group"),
    ("and gets it", single(east(world=""), copy(1)), FENCE, Call, "update_cluster@us-east-1 & sg-fence"),
    ("and has it", FENCED, FENCE, Done, "fenced"),
    ("or is removed", single(east(world=""), copy(1)), REMOVE, Call, DELETE),
    ("the source is dark", DARK_AFTER, UNPLANNED, Deferred, "us-east-1"),
    ("the target is dark", seen(east(), UNREACHABLE), PLANNED, Blocked, "us-west-2 does not answer"),
    ("the source serves", BEFORE, REMOVE, Blocked, "not proven to serve: source"),
    ("a split brain", single(east(world=""), west(world="")), REMOVE, Blocked, "not proven to serve: both"),
]


@pytest.mark.parametrize(("sentence", "state", "goal", "kind", "says"), CLEANUP)
def test_cleanup(sentence: str, state: Seen, goal: Goal, kind: type, says: str) -> None:
    check(ADAPTER.cleanup(state, goal), kind, says)


REPLICATE = [
    ("a member is a standby", AFTER, PLANNED, Done, "standby"),
    (
        "a removed one is made as captured",
        WEST_ONLY,
        CAPTURED,
        Call,
        "create_cluster@us-east-1 & 'MultiRegionClusterName': 'w' & 'east' & sg-e & follows-epoch",
    ),
    ("it is being made", seen(east(status="creating"), west(1)), PLANNED, Wait, "creating"),
    ("one of its own is in the way", FENCED, PLANNED, Blocked, "still in us-east-1"),
    ("it is being deleted", single(east(world="", status="deleting"), copy(1)), PLANNED, Wait, "deleting"),
    ("no snapshot of the target is there", single(None, copy(1)), PLANNED, Blocked, "regions.us-east-1.snapshot_arns"),
    ("the source is dark", DARK_AFTER, UNPLANNED, Deferred, "not protected"),
    ("the target is dark", seen(east(), UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
    ("the source serves", BEFORE, PLANNED, Blocked, "does not serve"),
]


@pytest.mark.parametrize(("sentence", "state", "goal", "kind", "says"), REPLICATE)
def test_replicate(sentence: str, state: Seen, goal: Goal, kind: type, says: str) -> None:
    check(ADAPTER.replicate(state, goal), kind, says)


ROLLBACK = [
    ("the source is marked again", AFTER, PLANNED, Call, "tag_resource@us-east-1 & dr:epoch & '2'"),
    ("a lag that is not known", seen(east(lag_seconds=None), west(1)), PLANNED, Blocked, "unknown"),
    ("unplanned asks for none", seen(east(lag_seconds=None), west(1)), UNPLANNED, Call, "tag_resource@us-east-1"),
    ("nothing to do", BEFORE, PLANNED, Done, "active"),
    ("it is being changed", seen(east(status="updating"), west(1)), PLANNED, Wait, "updating"),
    ("the source is dark", DARK_AFTER, UNPLANNED, Blocked, "nothing could take over"),
    ("the target is dark", seen(east(), UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
    ("the source is gone", WEST_ONLY, PLANNED, Blocked, "is gone"),
    ("a copy has what the source has not", single(east(world=""), copy(1)), PLANNED, Blocked, "has data that queue"),
]


@pytest.mark.parametrize(("sentence", "state", "goal", "kind", "says"), ROLLBACK)
def test_rollback(sentence: str, state: Seen, goal: Goal, kind: type, says: str) -> None:
    check(ADAPTER.rollback(state, goal), kind, says)


@pytest.mark.parametrize(
    ("sentence", "state", "status"),
    [
        ("it serves beside the other", AFTER, "HEALTHY"),
        ("the other is out of reach", DARK_AFTER, "DEGRADED"),
        ("a copy has nothing beside it", single(east(world=""), copy(1)), "DEGRADED"),
        ("it is no member any more", seen(east(), west(1), world(members=BOTH[:1])), "UNHEALTHY"),
        ("nobody could log in", seen(east(), west(1, acl="nobody")), "UNHEALTHY"),
        ("it is broken", seen(east(), west(1, status="create-failed")), "UNHEALTHY"),
        ("it is not there", EAST_ONLY, "UNHEALTHY"),
        ("it is dark", seen(east(), UNREACHABLE), "UNHEALTHY"),
    ],
)
def test_health(sentence: str, state: Seen, status: str) -> None:
    assert ADAPTER.health(state, PLANNED).status == status, sentence


def test_capture_is_of_a_source_that_serves() -> None:
    assert ADAPTER.capture(AFTER, PAIR) == {}
    assert ADAPTER.capture(DARK_BEFORE, PAIR) == {}
    captured = ADAPTER.capture(seen(east(1, subnet_group="east", security_groups=("sg-e",)), west()), PAIR)
    assert (captured["region"], captured["multi_region_cluster"], captured["epoch"], captured["acl"]) == (EAST, "w", 1, "apps")
    assert (captured["subnet_group"], captured["security_groups"], captured["lag_seconds"]) == ("east", ["sg-e"], 0.2)


def test_a_cluster_is_read_from_what_aws_shows() -> None:
    made = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    shown = {
        "Name": "queue",
        "Status": "available",
        "MultiRegionClusterName": "w",
        "NumberOfShards": 2,
        "Shards": [{"NumberOfNodes": 3, "Nodes": [{"CreateTime": made}]}, {"NumberOfNodes": 3, "Nodes": []}],
        "ClusterEndpoint": {"Address": "one", "Port": 6379},
        "SecurityGroups": [{"SecurityGroupId": "sg-e", "Status": "active"}],
    }
    found = cluster(shown, EAST)
    assert (found.world, found.shards, found.replicas, found.born) == ("w", 2, 2, "260102030405")
    assert (found.endpoint, found.port, found.security_groups, found.epoch) == ("one", 6379, ("sg-e",), 0)
