# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ElastiCache global datastores over the real engine and the sandbox, end states read by plain boto3."""

from __future__ import annotations

from typing import Any

import pytest
from flow import Crash, Dying, Flow

from ansible_collections.dr.aws.plugins.module_utils.adapters.elasticache_replication_group import ElasticacheReplicationGroup
from ansible_collections.dr.aws.plugins.module_utils.engine import Engine
from ansible_collections.dr.aws.plugins.module_utils.model import Active, Goal, Pair
from ansible_collections.dr.aws.plugins.module_utils.store import MemoryJournal

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "200000000001"
ROLE = {ACCOUNT: (f"arn:aws:iam::{ACCOUNT}:role/dr-automation", "shop")}
PHASES = ("instantiate", "activate", "cleanup", "replicate")
PLACE = {"regions": {WEST: {"subnet_group": "caches", "security_groups": ["sg-0aaaaaaaaaaaaaaaa"]}}}


def estate(**spec: Any) -> dict[str, Any]:
    cache = {"kind": "elasticache_global", "account": "data", "region": EAST, "name": "sessions", "replicas": 1}
    resource = {**cache, "tags": {"dr:wave": "1"}, "peer": {"region": WEST, "name": "sessions-west"}, **spec}
    return {
        "name": "shop",
        "control_region": WEST,
        "regions": [EAST, WEST],
        "tags": {"dr:enabled": "true", "Customer": "shop", "Environment": "production"},
        "accounts": [
            {"id": "100000000000", "name": "management", "management": True},
            {"id": ACCOUNT, "name": "data", "roles": [{"name": "dr-automation", "external_id": "shop"}]},
        ],
        "resources": [{key: value for key, value in resource.items() if value is not None}],
    }


def flow(sandbox: Any, spec: dict[str, Any] | None = None, **settings: Any) -> Flow:
    sandbox.load(estate(**(spec or {})))
    pair = Pair("sessions", "elasticache", ACCOUNT, EAST, WEST, "sessions", "sessions-west", settings=settings)
    return Flow(sandbox, [pair], ROLE)


def roles(sandbox: Any, region: str) -> dict[str, str]:
    """Group -> its role in its datastore, "" for one of its own."""
    found = sandbox.inside("elasticache", region, ACCOUNT).describe_replication_groups()["ReplicationGroups"]
    return {
        one["ReplicationGroupId"]: one.get("GlobalReplicationGroupInfo", {}).get("GlobalReplicationGroupMemberRole", "")
        for one in found
    }


def tags(sandbox: Any, region: str, name: str) -> dict[str, str]:
    client = sandbox.inside("elasticache", region, ACCOUNT)
    arn = f"arn:aws:elasticache:{region}:{ACCOUNT}:replicationgroup:{name}"
    return {one["Key"]: one["Value"] for one in client.list_tags_for_resource(ResourceName=arn)["TagList"]}


def names(result: Any) -> list[str]:
    return [f"{call['operation']}@{call['region']}" for call in result.calls]


def repeated(one: Flow, phase: str, mode: str = "planned", **options: Any) -> None:
    """A second run and check mode find nothing to do, and send nothing."""
    before = len(one.mutations())
    for check in (False, True):
        result = one.one(phase, mode, check=check, **options)
        assert (result.status, result.calls) == ("done", ()), result
    assert len(one.mutations()) == before


def test_planned_failover_and_back_is_one_call_each_way(sandbox: Any) -> None:
    there = flow(sandbox)
    there.capture()
    for one, target, ends in ((there, WEST, ("SECONDARY", "PRIMARY")), (there.home(), EAST, ("PRIMARY", "SECONDARY"))):
        repeated(one, "instantiate")
        would = one.one("activate", check=True)
        assert (would.status, names(would)) == ("would_change", [f"failover_global_replication_group@{target}"])
        activated = one.one("activate")
        assert (activated.status, activated.outputs["role"]) == ("done", "active"), activated
        assert names(activated) == [f"failover_global_replication_group@{target}"]
        assert one.journal.owed == []
        assert (*roles(sandbox, EAST).values(), *roles(sandbox, WEST).values()) == ends
        for phase in PHASES:
            repeated(one, phase)
        assert one.one("cleanup").outputs["source"] == "standby"
    assert len(there.mutations()) == 2


def test_unplanned_failover_with_the_source_dark_and_its_return(sandbox: Any) -> None:
    one = flow(sandbox)
    sandbox.dark(EAST)
    assert one.one("instantiate", "unplanned").status == "done"
    assert one.one("activate").status == "blocked", "planned needs the source"
    activated = one.one("activate", "unplanned")
    assert (activated.status, names(activated)) == ("done", [f"failover_global_replication_group@{WEST}"]), activated
    assert [debt for _key, _phase, debt in one.journal.owed] == ["see that sessions in us-east-1 was demoted"]
    assert roles(sandbox, WEST) == {"sessions-west": "PRIMARY"}
    repeated(one, "activate", "unplanned")
    for phase in ("cleanup", "replicate"):
        assert one.one(phase, "unplanned").status == "deferred"
    sandbox.clear_faults()
    one.clock.sleep(120)  # until the circuit breaker lets calls through again
    for phase in ("cleanup", "replicate"):
        repeated(one, phase, "unplanned")
    assert roles(sandbox, EAST) == {"sessions": "SECONDARY"}


@pytest.mark.parametrize("shards", [None, 3])
def test_a_datastore_and_its_follower_are_made_where_there_is_none(sandbox: Any, shards: int | None) -> None:
    one = flow(sandbox, {"peer": None, "shards": shards}, **PLACE)
    would = one.one("instantiate", check=True)
    assert names(would) == [f"create_global_replication_group@{EAST}"]
    assert one.mutations() == []
    made = one.one("instantiate")
    assert (made.status, names(made)) == (
        "done",
        [f"create_global_replication_group@{EAST}", f"create_replication_group@{WEST}"],
    ), made
    (world,) = sandbox.inside("elasticache", WEST, ACCOUNT).describe_global_replication_groups(ShowMemberInfo=True)[
        "GlobalReplicationGroups"
    ]
    assert (world["Status"], [member["Status"] for member in world["Members"]]) == ("available", ["associated", "associated"])
    (group,) = sandbox.inside("elasticache", WEST, ACCOUNT).describe_replication_groups()["ReplicationGroups"]
    assert (len(group["NodeGroups"]), len(group["MemberClusters"])) == (shards or 1, 2 * (shards or 1))
    assert tags(sandbox, WEST, "sessions-west")["dr:enabled"] == "true"
    assert tags(sandbox, WEST, "sessions-west")["dr:peer"] == f"{EAST}:sessions"
    repeated(one, "instantiate")
    assert one.one("activate").status == "done"
    assert roles(sandbox, WEST) == {"sessions-west": "PRIMARY"}


def test_a_network_is_never_guessed(sandbox: Any) -> None:
    one = flow(sandbox, {"peer": None})
    refused = one.one("instantiate")
    assert (refused.status, refused.calls) == ("blocked", ())
    assert "subnet_group" in refused.why
    assert "regions.us-west-2.subnet_group" in refused.remedy


def test_removal_marks_detaches_and_deletes_with_a_final_snapshot_and_replicate_makes_it_anew(sandbox: Any) -> None:
    one = flow(sandbox)
    one.capture()
    assert one.one("activate").status == "done"
    removed = one.one("cleanup", cleanup_policy="remove")
    assert names(removed) == [
        f"add_tags_to_resource@{EAST}",
        f"disassociate_global_replication_group@{EAST}",
        f"delete_replication_group@{EAST}",
    ], removed
    assert roles(sandbox, EAST) == {}
    (snapshot,) = sandbox.inside("elasticache", EAST, ACCOUNT).describe_snapshots()["Snapshots"]
    assert snapshot["SnapshotName"].startswith("sessions-final-")
    repeated(one, "cleanup", cleanup_policy="remove")
    repeated(one, "activate")
    made = one.one("replicate")
    assert (made.status, names(made)) == ("done", [f"create_replication_group@{EAST}"]), made
    assert roles(sandbox, EAST) == {"sessions": "SECONDARY"}
    assert tags(sandbox, EAST, "sessions")["dr:enabled"] == "true"
    repeated(one, "replicate")
    repeated(one, "cleanup", cleanup_policy="remove")
    assert one.home().one("activate").status == "done"


def test_a_removal_whose_process_dies_after_each_call_ends_the_same(sandbox: Any) -> None:
    one = flow(sandbox)
    assert one.survive("activate").status == "done"
    goal = Goal(one.pairs[0], cleanup_policy="remove", execution_id="dr-test")
    journal, deaths, status = MemoryJournal(), 0, ""
    while not status:
        try:
            status = Engine(Dying(one.cloud), journal, clock=one.clock).run("cleanup", [goal])["sessions"].status
        except Crash:
            deaths += 1
    assert (status, deaths) == ("done", 3)
    assert (roles(sandbox, EAST), roles(sandbox, WEST)) == ({}, {"sessions-west": "PRIMARY"})
    assert len(sandbox.inside("elasticache", EAST, ACCOUNT).describe_snapshots()["Snapshots"]) == 1


@pytest.mark.parametrize(("lag", "known"), [(900, "900 s"), (None, "unknown"), (-1, "unknown")])
def test_a_planned_activation_needs_a_small_lag_and_an_unplanned_one_does_not(sandbox: Any, lag: float | None, known: str) -> None:
    one = flow(sandbox, {"peer": {"region": WEST, "name": "sessions-west", "lag": lag}})
    refused = one.one("activate")
    assert (refused.status, refused.calls) == ("blocked", ()), refused
    assert f"the lag of sessions-west in us-west-2 is {known}" in refused.why
    assert one.one("activate", "unplanned").status == "done"


def test_rollback_fails_over_to_the_source_again(sandbox: Any) -> None:
    one = flow(sandbox)
    assert one.one("activate").status == "done"
    undone = one.one("rollback")
    assert (undone.status, names(undone)) == ("done", [f"failover_global_replication_group@{EAST}"]), undone
    assert (roles(sandbox, EAST), roles(sandbox, WEST)) == ({"sessions": "PRIMARY"}, {"sessions-west": "SECONDARY"})
    repeated(one, "rollback")
    assert one.one("cleanup").status == "blocked", "the target does not serve"


def test_two_groups_of_their_own_are_a_split_brain(sandbox: Any) -> None:
    one = flow(sandbox, {"peer": {"region": WEST, "name": "sessions-west", "standalone": True}})
    adapter = ElasticacheReplicationGroup()
    assert adapter.active(adapter.observe(one.cloud, one.pairs)["sessions"]) is Active.BOTH
    for phase in PHASES:
        for mode in ("planned", "unplanned"):
            refused = one.one(phase, mode)
            assert (refused.status, refused.calls) == ("blocked", ()), refused


def test_many_groups_are_read_with_a_few_listings(sandbox: Any) -> None:
    sandbox.load({**estate(), "resources": []})
    ids = [f"cache{number:02d}" for number in range(30)]
    for name in ids:
        sandbox.seed(kind="elasticache_global", account=ACCOUNT, region=EAST, name=name, peer={"region": WEST})
    one = Flow(sandbox, [Pair(name, "elasticache", ACCOUNT, EAST, WEST, name, name) for name in ids], ROLE)
    first = len(sandbox.calls())
    seen = ElasticacheReplicationGroup().observe(one.cloud, one.pairs)
    assert {state.target.lag_seconds for state in seen.values()} == {0.4}
    reads = [call["operation"] for call in sandbox.calls(since=first) if call["service"] != "sts"]
    listings = ("DescribeCacheClusters", "DescribeReplicationGroups")
    assert sorted(reads) == sorted([*listings * 2, "DescribeGlobalReplicationGroups", "GetMetricData"])


def test_what_is_called_is_declared_and_what_is_declared_is_called(sandbox: Any) -> None:
    called = set()
    for scene in (
        lambda world: test_a_datastore_and_its_follower_are_made_where_there_is_none(world, None),
        test_removal_marks_detaches_and_deletes_with_a_final_snapshot_and_replicate_makes_it_anew,
    ):
        scene(sandbox)
        called |= {f"{row['service']}:{row['operation']}" for row in sandbox.calls() if row["service"] != "sts"}
    assert called == {action for actions in ElasticacheReplicationGroup.actions.values() for action in actions}


# -- the sandbox itself -----------------------------------------------------------------------------------------------


def test_sandbox_refuses_what_aws_refuses(sandbox: Any, aws_code: Any) -> None:
    sandbox.load(estate())
    cache = sandbox.client("elasticache", WEST, ACCOUNT)
    (world,) = cache.describe_global_replication_groups(ShowMemberInfo=True)["GlobalReplicationGroups"]
    where = {"GlobalReplicationGroupId": world["GlobalReplicationGroupId"]}
    move = cache.failover_global_replication_group
    assert aws_code(move, **where, PrimaryRegion=EAST, PrimaryReplicationGroupId="sessions") == "InvalidParameterValue"
    assert aws_code(cache.delete_replication_group, ReplicationGroupId="sessions-west") == "InvalidReplicationGroupState"
    move(**where, PrimaryRegion=WEST, PrimaryReplicationGroupId="sessions-west")
    again = aws_code(move, **where, PrimaryRegion=WEST, PrimaryReplicationGroupId="sessions-west")
    assert again == "InvalidGlobalReplicationGroupState"
    assert roles(sandbox, WEST) == {"sessions-west": "SECONDARY"}, "not at once"
    sandbox.advance(60)
    assert roles(sandbox, WEST) == {"sessions-west": "PRIMARY"}
    create = {"ReplicationGroupId": "third", "ReplicationGroupDescription": "x", **where}
    assert aws_code(cache.create_replication_group, **create) == "InvalidParameterValue"
    missing = aws_code(cache.describe_replication_groups, ReplicationGroupId="nobody")
    assert missing == "ReplicationGroupNotFoundFault"


def test_a_datastore_is_shown_only_where_it_has_a_member(sandbox: Any) -> None:
    sandbox.load(estate(peer=None))
    for region in (EAST, WEST):
        assert sandbox.client("elasticache", region, ACCOUNT).describe_global_replication_groups()["GlobalReplicationGroups"] == []
    east = sandbox.client("elasticache", EAST, ACCOUNT)
    made = east.create_global_replication_group(GlobalReplicationGroupIdSuffix="all", PrimaryReplicationGroupId="sessions")
    assert made["GlobalReplicationGroup"]["Status"] == "creating"
    sandbox.advance(150)
    (shown,) = east.describe_global_replication_groups()["GlobalReplicationGroups"]
    assert shown["Status"] == "primary-only"
    west = sandbox.client("elasticache", WEST, ACCOUNT)
    assert west.describe_global_replication_groups()["GlobalReplicationGroups"] == []
