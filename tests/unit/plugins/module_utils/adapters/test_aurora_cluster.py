# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Aurora decisions as tables: a row is a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.adapters.aurora_cluster import AuroraCluster
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
from ansible_collections.dr.aws.plugins.module_utils.parts.aurora_state import (
    Cluster,
    Lost,
    Member,
    Node,
    Seen,
    World,
    cluster,
    copy_name,
    world,
)

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "111111111111"
PAIR = Pair("orders", "aurora", ACCOUNT, EAST, WEST, "orders", "orders-west")
PLANNED = Goal(PAIR)
UNPLANNED = Goal(PAIR, mode="unplanned")
REMOVE = Goal(PAIR, cleanup_policy="remove")
ADAPTER = AuroraCluster()
FENCE = "sg-fence"
MARKED = {"epoch": 1}
FENCED: dict[str, Any] = {"groups": (FENCE,), "tags": {"security-groups": "sg-app"}}


def node(ident: str, status: str = "available", writer: bool = True) -> Node:
    return Node(ident, status, writer, "db.r6g.large")


def database(ident: str, region: str, status: str = "available", **more: Any) -> Cluster:
    """A cluster with one instance that follows nothing, unless told otherwise. `tags` without the prefix dr:."""
    tags = {f"dr:{key}": str(value) for key, value in {"enabled": "true", **more.pop("tags", {})}.items()}
    values: dict[str, Any] = {
        "engine": "aurora-postgresql",
        "version": "16.6",
        "resource_id": "cluster-ABCDEFGHIJKLMNOPQRST012345",
        "nodes": (node(f"{ident}-1"),),
        "groups": ("sg-app",),
        "subnet_group": "data",
        "vpc_id": f"vpc-{region}",
        **more,
    }
    return Cluster(f"arn:aws:rds:{region}:{ACCOUNT}:cluster:{ident}", ident, region, status, tags=tags, **values)


def source(status: str = "available", **more: Any) -> Cluster:
    return database("orders", EAST, status, **more)


def target(status: str = "available", **more: Any) -> Cluster:
    return database("orders-west", WEST, status, **{"lag_seconds": 0.4, **more})


def replica(status: str = "available", **more: Any) -> Cluster:
    """The target as a binlog replica of the source."""
    return target(status, **{"engine": "aurora-mysql", "source": (EAST, "orders"), "lag_seconds": 2.0, **more})


def back(status: str = "available", **more: Any) -> Cluster:
    """The source's place taken by a binlog replica of the target."""
    return source(status, **{"engine": "aurora-mysql", "source": (WEST, "orders-west"), **more})


def mysql(**more: Any) -> Cluster:
    return source(engine="aurora-mysql", **more)


def both(writer: str = EAST, sync: str = "connected", **more: Any) -> World:
    """A global database with both sides; sync: that of its secondary."""
    sides = ((EAST, "orders"), (WEST, "orders-west"))
    members = [
        Member(
            f"arn:aws:rds:{region}:{ACCOUNT}:cluster:{ident}",
            region,
            ident,
            region == writer,
            "connected" if region == writer else sync,
        )
        for region, ident in sides
    ]
    return World("orders-global", more.pop("status", "available"), tuple(members), **more)


def only(region: str) -> World:
    """A global database that one side is left in, as its writer."""
    found = both(region)
    return replace(found, members=tuple(one for one in found.members if one.region == region))


MOVED = both(WEST)
#: A global database with nothing but a secondary that is the target.
LEFT = replace(both(), members=both().members[1:])
OLD = database("orders-old-qrst012345", EAST, groups=(FENCE,), tags={"security-groups": "sg-app", "quarantined": "orders"})
RENAMED = source(groups=(FENCE,), tags={"security-groups": "sg-app", "quarantined": "orders"})
LOST = Lost(
    "rds:unplanned-global-failover-orders-2026-01-02-03-04", "arn:lost", "unplanned-global-failover-orders-2026-01-02-03-04"
)


def seen(source: Any, target: Any, world: Any = None, *retired: Cluster, fence: Any = FENCE, lost: Any = ()) -> Seen:
    return Seen(source, target, world, retired, fence, lost, (EAST, "orders"), (WEST, "orders-west"))


def setting(goal: Goal, **values: Any) -> Goal:
    return replace(goal, pair=replace(goal.pair, settings=values))


def check(step: Any, kind: type, says: str) -> None:
    """The step is of this kind, and `says` (of a call: `operation@region` and what its parameters contain) is in it."""
    assert isinstance(step, kind), step
    text = f"{step.operation}@{step.region} {dict(step.params)} {step.debt}" if isinstance(step, Call) else str(step)
    for part in filter(None, says.split(" & ")):
        assert part in text, text


@pytest.mark.parametrize(
    ("sentence", "state", "active"),
    [
        ("before a failover", seen(source(), target(), both()), Active.SOURCE),
        ("after it, the global database says", seen(source(), target(), MOVED), Active.TARGET),
        (
            "also where the old writer is built anew",
            seen(source("resyncing"), target(), both(WEST, "pending-resync")),
            Active.TARGET,
        ),
        ("while its writer moves", seen(source(), target(), both(moving="switching-over")), Active.UNKNOWN),
        ("source dark before a failover", seen(UNREACHABLE, target(), both()), Active.SOURCE),
        ("source dark after ours", seen(UNREACHABLE, target(tags=MARKED), MOVED), Active.TARGET),
        ("source dark, and somebody else moved the writer", seen(UNREACHABLE, target(), MOVED), Active.TARGET),
        ("target dark", seen(source(), UNREACHABLE, UNREACHABLE), Active.UNKNOWN),
        ("the listing of global databases is silent", seen(source(), target(), UNREACHABLE), Active.UNKNOWN),
        ("nothing is there", seen(None, None), Active.NEITHER),
        ("a secondary whose writer is gone", seen(None, target(), LEFT), Active.NEITHER),
        ("a binlog replica", seen(mysql(), replica()), Active.SOURCE),
        ("which is being promoted", seen(mysql(**FENCED), target("promoting")), Active.SOURCE),
        ("promoted, source fenced", seen(mysql(**FENCED), target(tags=MARKED)), Active.TARGET),
        ("promoted while the source was dark, and it is back", seen(mysql(), target(tags=MARKED)), Active.TARGET),
        ("the source was activated later", seen(mysql(tags={"epoch": 2}), target(tags=MARKED)), Active.SOURCE),
        ("both write and neither was activated", seen(mysql(), target()), Active.BOTH),
        ("the old side replicates", seen(back(), target(tags=MARKED)), Active.TARGET),
        ("an old source that is marked", seen(source(tags={"quarantined": "orders"}), target()), Active.TARGET),
        ("or that serves nobody", seen(source(nodes=()), target()), Active.TARGET),
        ("detached, source writer of what is left", seen(source(), target(tags=MARKED), only(EAST)), Active.TARGET),
        ("detached while the source is dark", seen(UNREACHABLE, target(tags=MARKED), only(EAST)), Active.TARGET),
    ],
)
def test_active(sentence: str, state: Seen, active: Active) -> None:
    assert ADAPTER.active(state) is active, sentence


@pytest.mark.parametrize(
    ("sentence", "state", "goal", "kind", "says"),
    [
        ("it stands by", seen(source(), target(), both()), PLANNED, Done, "standby & orders-global"),
        ("and with the source dark", seen(UNREACHABLE, target(), both()), UNPLANNED, Done, "standby"),
        ("planned needs the source", seen(UNREACHABLE, target(), both()), PLANNED, Blocked, EAST),
        ("a dark target is blocked when planned", seen(source(), UNREACHABLE, UNREACHABLE), PLANNED, Blocked, WEST),
        ("and deferred when not", seen(source(), UNREACHABLE, UNREACHABLE), UNPLANNED, Deferred, WEST),
        ("the target serves already", seen(source(), target(), MOVED), PLANNED, Done, "active"),
        ("a cluster of its own", seen(source(), target(), only(EAST)), PLANNED, Blocked, "follows nothing that orders"),
        ("being copied", seen(source(), target("creating"), both()), PLANNED, Wait, "creating"),
        ("failed", seen(source(), target("inaccessible-encryption-credentials"), both()), PLANNED, Blocked, "inaccessible"),
        ("not yet synchronised", seen(source(), target(), both(sync="pending-resync")), PLANNED, Wait, "pending-resync"),
        ("an older AWS says nothing of it", seen(source(), target(), both(sync="")), PLANNED, Done, "standby"),
        ("another version cannot take over", seen(source(), target(version="15.4"), both()), PLANNED, Blocked, "15.4 & upgrade"),
        (
            "a headless secondary gets an instance as the source's are",
            seen(source(), target(nodes=()), both()),
            PLANNED,
            Call,
            "create_db_instance@us-west-2 & 'orders-west-qrst01-1' & 'DBClusterIdentifier': 'orders-west' & db.r6g.large",
        ),
        (
            "also with the source dark, as it was captured",
            seen(UNREACHABLE, target(nodes=()), both()),
            replace(UNPLANNED, captured={"instance_class": "db.r6g.8xlarge"}),
            Call,
            "create_db_instance@us-west-2 & db.r6g.8xlarge",
        ),
        ("or not at all", seen(UNREACHABLE, target(nodes=()), both()), UNPLANNED, Blocked, "set instance_class"),
        (
            "a name that is taken is passed by",
            seen(source(), target(nodes=(node("orders-west-qrst01-1"),)), both()),
            setting(PLANNED, instances=2, instance_class="c"),
            Call,
            "'orders-west-qrst01-2' & 'DBInstanceClass': 'c'",
        ),
        ("an instance is made", seen(source(), target(nodes=(node("n", "creating"),)), both()), PLANNED, Wait, "n is creating"),
        ("an instance that failed", seen(source(), target(nodes=(node("n", "failed"),)), both()), PLANNED, Blocked, "instance n"),
        (
            "a global database is made around the source, in its region",
            seen(source(), None),
            PLANNED,
            Call,
            "create_global_cluster@us-east-1 & 'orders-global' & arn:aws:rds:us-east-1:111111111111:cluster:orders",
        ),
        ("under the name that is set", seen(source(), None), setting(PLANNED, global_cluster="world"), Call, "'world'"),
        (
            "which must be free",
            seen(source(), None, World("world", "available")),
            setting(PLANNED, global_cluster="world"),
            Blocked,
            "not part of it",
        ),
        ("it settles", seen(source(), None, replace(only(EAST), status="creating")), PLANNED, Wait, "creating"),
        (
            "then the secondary is made, with the tags and without what belongs to the source alone",
            seen(source(tags={"wave": 1, "epoch": 2}), None, only(EAST)),
            PLANNED,
            Call,
            "create_db_cluster@us-west-2 & 'orders-west' & 'GlobalClusterIdentifier': 'orders-global' & 'EngineVersion': '16.6'"
            " & dr:wave & 'us-east-1:orders' & 'dr:follows-epoch', 'Value': '2'",
        ),
        (
            "with what the settings say of its region",
            seen(source(encrypted=True), None, only(EAST)),
            setting(
                PLANNED,
                regions={WEST: {"kms_key_id": "k", "subnet_group": "s", "security_groups": ["sg-1"]}},
                parameter_group="tuned",
            ),
            Call,
            "'KmsKeyId': 'k' & 'DBSubnetGroupName': 's' & ['sg-1'] & 'DBClusterParameterGroupName': 'tuned'",
        ),
        ("a key of its region is needed", seen(source(encrypted=True), None, only(EAST)), PLANNED, Blocked, "us-west-2.kms_key_id"),
        ("a busy source is waited for", seen(source("upgrading"), None), PLANNED, Wait, "upgrading"),
        ("a stopped one is not", seen(source("stopped"), None), PLANNED, Blocked, "stopped"),
        (
            "a source that follows another",
            seen(source(), None, replace(both(WEST), members=both(WEST).members[:1])),
            PLANNED,
            Blocked,
            "itself a secondary",
        ),
        ("nothing anywhere", seen(None, None), PLANNED, Blocked, "has no orders"),
        ("too late", seen(UNREACHABLE, None), UNPLANNED, Blocked, "restore a copied snapshot"),
        (
            "a binlog replica where it is asked for",
            seen(mysql(), None),
            setting(PLANNED, replication="binlog"),
            Call,
            "create_db_cluster@us-west-2 & 'SourceRegion': 'us-east-1' & 'ReplicationSourceIdentifier': 'arn:aws:rds:us-east-1",
        ),
        ("which PostgreSQL has not", seen(source(), None), setting(PLANNED, replication="binlog"), Blocked, "no replica clusters"),
        ("it replicates", seen(mysql(), replica()), PLANNED, Done, "standby"),
        ("or something else", seen(mysql(), replica(source=(EAST, "other"))), PLANNED, Blocked, "follows nothing"),
    ],
)
def test_instantiate(sentence: str, state: Seen, goal: Goal, kind: type, says: str) -> None:
    check(ADAPTER.instantiate(state, goal), kind, says)


ARN = f"arn:aws:rds:{WEST}:{ACCOUNT}:cluster:orders-west"


@pytest.mark.parametrize(
    ("sentence", "state", "goal", "kind", "says"),
    [
        ("no cluster", seen(source(), None, only(EAST)), PLANNED, Blocked, "run phase instantiate"),
        ("target dark, planned", seen(source(), UNREACHABLE, UNREACHABLE), PLANNED, Blocked, WEST),
        ("target dark, unplanned", seen(source(), UNREACHABLE, UNREACHABLE), UNPLANNED, Deferred, WEST),
        ("the listing of global databases is silent", seen(source(), target(), UNREACHABLE), UNPLANNED, Deferred, WEST),
        ("planned needs the source", seen(UNREACHABLE, target(), both()), PLANNED, Blocked, "mode=unplanned"),
        ("planned needs to know what has arrived", seen(None, target(), both()), PLANNED, Blocked, "mode=unplanned"),
        ("a target that is changing", seen(source(), target("upgrading"), both()), PLANNED, Wait, "upgrading"),
        (
            "a target that is built anew",
            seen(source(), target("resyncing"), both(sync="pending-resync")),
            UNPLANNED,
            Wait,
            "resyncing",
        ),
        ("a target that is stopped", seen(source(), target("stopped"), both()), UNPLANNED, Blocked, "stopped"),
        ("a writer that is alone in its global database", seen(source(), target(), only(WEST)), PLANNED, Done, "active"),
        (
            "a secondary of others",
            seen(source(), target(), LEFT),
            UNPLANNED,
            Blocked,
            "dr:peer",
        ),
        (
            "a writer in a third region",
            seen(source(), target(), both("eu-west-1")),
            PLANNED,
            Blocked,
            "neither orders nor orders-west",
        ),
        ("another version, planned", seen(source(version="16.4"), target(), both()), PLANNED, Blocked, "16.4"),
        ("another version, unplanned", seen(source(version="16.4"), target(), both()), UNPLANNED, Blocked, "set detach: true"),
        ("headless", seen(source(), target(nodes=()), both()), PLANNED, Call, "create_db_instance@us-west-2"),
        ("not synchronised", seen(source(), target(), both(sync="pending-resync")), PLANNED, Wait, "pending-resync"),
        ("a large lag", seen(source(), target(lag_seconds=301.0), both()), PLANNED, Blocked, "301 s"),
        ("a lag nobody knows", seen(source(), target(lag_seconds=None), both()), PLANNED, Blocked, "unknown"),
        (
            "nor is it ever a writer, not even detached",
            seen(UNREACHABLE, target(tags=MARKED), both(sync="pending-resync")),
            setting(UNPLANNED, detach=True),
            Blocked,
            "does not have all data & restore a snapshot",
        ),
        (
            "the target is marked first",
            seen(source(), target(), both()),
            PLANNED,
            Call,
            "add_tags_to_resource@us-west-2 & 'dr:epoch', 'Value': '1'",
        ),
        (
            "above every epoch that is known",
            seen(UNREACHABLE, target(tags={"follows-epoch": 4}), both()),
            replace(UNPLANNED, captured={"epoch": 3}),
            Call,
            "'dr:epoch', 'Value': '5'",
        ),
        (
            "planned, its writer is switched over by the source's region",
            seen(source(), target(tags=MARKED), both()),
            PLANNED,
            Call,
            f"switchover_global_cluster@us-east-1 & 'orders-global' & {ARN}",
        ),
        (
            "unplanned, it fails over by the target's, and no lag is asked for",
            seen(UNREACHABLE, target(lag_seconds=None, tags=MARKED), both()),
            UNPLANNED,
            Call,
            f"failover_global_cluster@us-west-2 & {ARN} & 'AllowDataLoss': True & see that orders in us-east-1",
        ),
        (
            "also when the source answers",
            seen(source(), target(tags=MARKED), both()),
            UNPLANNED,
            Call,
            "failover_global_cluster@us-west-2",
        ),
        (
            "as a last resort it is detached",
            seen(UNREACHABLE, target(tags=MARKED), both()),
            setting(UNPLANNED, detach=True),
            Call,
            f"remove_from_global_cluster@us-west-2 & 'DbClusterIdentifier': '{ARN}' & takes no writes",
        ),
        (
            "once the source is fenced where it answers",
            seen(source(), target(tags=MARKED), both()),
            setting(UNPLANNED, detach=True),
            Call,
            "add_tags_to_resource@us-east-1 & 'sg-app'",
        ),
        (
            "with another version too",
            seen(source(**FENCED, version="16.4"), target(tags=MARKED), both()),
            setting(UNPLANNED, detach=True),
            Call,
            "remove_from_global_cluster@us-west-2",
        ),
        (
            "never when planned",
            seen(source(), target(tags=MARKED), both()),
            setting(PLANNED, detach=True),
            Call,
            "switchover_global_cluster@us-east-1",
        ),
        (
            "a move under way is joined",
            seen(source(), target("available"), both(moving="pending", moving_to=ARN)),
            UNPLANNED,
            Wait,
            "moving here: pending",
        ),
        (
            "whatever AWS calls it, and also elsewhere",
            seen(source(), target(), both(moving="switching-over", moving_to="arn:other")),
            PLANNED,
            Wait,
            "to arn:other: switching-over",
        ),
        ("the new writer settles", seen(source(), target("failing-over"), MOVED), PLANNED, Wait, "failing-over"),
        ("and its instance", seen(source(), target(nodes=(node("n", "rebooting"),)), MOVED), PLANNED, Wait, "n is rebooting"),
        ("done", seen(source(), target(tags=MARKED), MOVED), PLANNED, Done, "'fencing': 'fenced' & 'role': 'active'"),
        ("done, the source is dark", seen(UNREACHABLE, target(tags=MARKED), MOVED), UNPLANNED, Done, "'fencing': 'deferred'"),
        ("a split brain", seen(mysql(), target()), PLANNED, Blocked, "both"),
        ("of unknown origin", seen(UNREACHABLE, target()), UNPLANNED, Blocked, "add-tags-to-resource"),
        (
            "given up before",
            seen(UNREACHABLE, target(tags=MARKED)),
            replace(UNPLANNED, captured={"epoch": 2}),
            Blocked,
            "older than that of orders",
        ),
        ("a stranger's replica", seen(mysql(), replica(source=(EAST, "other"))), PLANNED, Blocked, "replicates other"),
        ("a binlog replica that is late", seen(mysql(), replica(lag_seconds=900.0)), PLANNED, Blocked, "900 s"),
        ("-1 is not low", seen(mysql(), replica(lag_seconds=-1.0)), PLANNED, Blocked, "unknown"),
        (
            "its source's groups are remembered",
            seen(mysql(), replica()),
            PLANNED,
            Call,
            "add_tags_to_resource@us-east-1 & 'sg-app'",
        ),
        (
            "then it is fenced",
            seen(mysql(tags={"security-groups": "sg-app"}), replica()),
            PLANNED,
            Call,
            "modify_db_cluster@us-east-1 & ['sg-fence']",
        ),
        ("which settles", seen(mysql(**FENCED, groups_settled=False), replica()), PLANNED, Wait, "being fenced"),
        ("until nothing is left", seen(mysql(**FENCED), replica()), PLANNED, Wait, "2 s are left"),
        ("and somebody says so", seen(mysql(**FENCED), replica(lag_seconds=None)), PLANNED, Wait, "unknown"),
        (
            "then it is promoted",
            seen(mysql(**FENCED), replica(lag_seconds=0.0, tags=MARKED)),
            PLANNED,
            Call,
            "promote_read_replica_db_cluster@us-west-2 & 'orders-west'",
        ),
        (
            "unplanned, the fence is owed",
            seen(UNREACHABLE, replica(tags=MARKED)),
            UNPLANNED,
            Call,
            "promote_read_replica & fence orders in us-east-1",
        ),
        (
            "or left to others",
            seen(mysql(), replica(lag_seconds=0.0, tags=MARKED)),
            setting(PLANNED, fence=False),
            Call,
            "promote_read_replica & fence orders",
        ),
        ("a source that is gone is no debt", seen(None, replica(tags=MARKED)), UNPLANNED, Call, "promote_read_replica_db_cluster"),
        ("the promotion", seen(mysql(**FENCED), target("promoting", tags=MARKED)), PLANNED, Wait, "promoting"),
        ("a promoted one serves", seen(mysql(**FENCED), target(tags=MARKED)), PLANNED, Done, "'fencing': 'fenced'"),
        ("its source is back and open", seen(mysql(), target(tags=MARKED)), UNPLANNED, Done, "'fencing': 'open'"),
    ],
)
def test_activate(sentence: str, state: Seen, goal: Goal, kind: type, says: str) -> None:
    step = ADAPTER.activate(state, goal)
    check(step, kind, says)
    if isinstance(step, Call):
        assert step.one_way is (step.operation.split("_")[0] in ("failover", "remove", "promote")), sentence
        if step.one_way and isinstance(state.source, type(UNREACHABLE)):
            assert step.debt, sentence


def test_a_fenced_source_whose_replica_has_stopped_is_not_promoted() -> None:
    step = ADAPTER.activate(seen(mysql(**FENCED), replica(lag_seconds=-1.0, tags=MARKED)), PLANNED)
    check(step, Blocked, "does not replicate & phase rollback")


@pytest.mark.parametrize(
    ("sentence", "state", "goal", "kind", "says"),
    [
        ("source dark, planned", seen(UNREACHABLE, target(tags=MARKED), MOVED), PLANNED, Deferred, EAST),
        ("target dark", seen(source(), UNREACHABLE, UNREACHABLE), UNPLANNED, Deferred, WEST),
        ("nothing is proven", seen(source(), target(), both()), PLANNED, Blocked, "not proven to serve: source"),
        ("while the writer moves", seen(source(), target(), both(moving="pending")), REMOVE, Blocked, "unknown"),
        ("a split brain", seen(mysql(), target()), PLANNED, Blocked, "both"),
        ("and never of what serves", seen(mysql(tags={"epoch": 2}), target(tags=MARKED)), REMOVE, Blocked, "source"),
        ("a member stays", seen(source(), target(), MOVED), PLANNED, Done, "'source': 'member'"),
        (
            "a member that is built anew",
            seen(source("resyncing"), target(), both(WEST, "pending-resync")),
            PLANNED,
            Wait,
            "resyncing",
        ),
        ("until it follows", seen(source(), target(), both(WEST, "pending-resync")), REMOVE, Wait, "pending-resync"),
        (
            "what a failover lost is kept",
            seen(source(), target(), MOVED, lost=(LOST,)),
            PLANNED,
            Call,
            "copy_db_cluster_snapshot@us-east-1 & rds:unplanned-global-failover-orders-2026 & Identifier': 'unplanned-global",
        ),
        ("before it is removed", seen(source(), target(), MOVED, lost=(LOST,)), REMOVE, Call, "copy_db_cluster_snapshot"),
        ("it is copied", seen(source(), target(), MOVED, lost=(replace(LOST, copy_status="copying"),)), REMOVE, Wait, "copying"),
        ("or is not", seen(source(), target(), MOVED, lost=(replace(LOST, copy_status="failed"),)), REMOVE, Blocked, "failed"),
        ("nobody tells", seen(source(), target(), MOVED, lost=UNREACHABLE), REMOVE, Deferred, "not copied"),
        ("kept", seen(source(), target(), MOVED, lost=(replace(LOST, copy_status="available"),)), PLANNED, Done, f"'{LOST.copy}'"),
        (
            "removed, readers first",
            seen(source(nodes=(node("orders-1"), node("orders-2", writer=False))), target(), MOVED),
            REMOVE,
            Call,
            "delete_db_instance@us-east-1 & 'orders-2'",
        ),
        ("then its writer", seen(source(), target(), MOVED), REMOVE, Call, "delete_db_instance@us-east-1 & 'orders-1'"),
        ("which takes a while", seen(source(nodes=(node("n", "deleting"),)), target(), MOVED), REMOVE, Wait, "being deleted"),
        (
            "then it leaves the global database",
            seen(source(nodes=()), target(), MOVED),
            REMOVE,
            Call,
            "remove_from_global_cluster@us-east-1 & cluster:orders",
        ),
        ("which takes a while as well", seen(source("promoting", nodes=()), target(), only(WEST)), REMOVE, Wait, "promoting"),
        (
            "then it goes, with a snapshot",
            seen(source(nodes=()), target(), only(WEST)),
            REMOVE,
            Call,
            "delete_db_cluster@us-east-1 & 'SkipFinalSnapshot': False & 'orders-final-qrst012345'",
        ),
        ("until it is gone", seen(source("deleting", nodes=()), target(), only(WEST)), REMOVE, Wait, "being deleted"),
        ("removed", seen(None, target(), only(WEST)), REMOVE, Done, "absent"),
        ("not while it is protected", seen(source(protected=True), target(), MOVED), REMOVE, Blocked, "--no-deletion-protection"),
        (
            "nor while nobody tells what a failover lost",
            seen(mysql(), target(tags=MARKED), lost=UNREACHABLE),
            REMOVE,
            Deferred,
            "not copied",
        ),
        (
            "nor is what was put aside",
            seen(None, target(tags=MARKED), None, OLD, lost=UNREACHABLE),
            REMOVE,
            Deferred,
            "not copied",
        ),
        (
            "nor beside a replica",
            seen(back(), target(tags=MARKED), None, OLD, lost=UNREACHABLE),
            REMOVE,
            Deferred,
            "not copied",
        ),
        ("nor with replicas", seen(mysql(replicas=("reports",)), target(tags=MARKED)), REMOVE, Blocked, "reports"),
        (
            "a source that the target was detached from is fenced first",
            seen(source(), target(tags=MARKED), only(EAST)),
            PLANNED,
            Call,
            "add_tags_to_resource@us-east-1 & dr:security-groups",
        ),
        (
            "EC2 is silent",
            seen(source(), target(tags=MARKED), only(EAST), fence=UNREACHABLE),
            PLANNED,
            Deferred,
            "cannot be fenced",
        ),
        (
            "then it leaves",
            seen(source(**FENCED), target(tags=MARKED), only(EAST)),
            PLANNED,
            Call,
            "remove_from_global_cluster@us-east-1",
        ),
        (
            "a binlog source likewise is marked",
            seen(mysql(**FENCED), target(tags=MARKED)),
            PLANNED,
            Call,
            "'dr:quarantined', 'Value': 'orders'",
        ),
        ("and renamed", seen(RENAMED, target(tags=MARKED)), PLANNED, Call, "modify_db_cluster@us-east-1 & 'orders-old-qrst012345'"),
        ("which takes a while too", seen(replace(RENAMED, status="renaming"), target(tags=MARKED)), PLANNED, Wait, "renaming"),
        ("put aside", seen(None, target(tags=MARKED), None, OLD), PLANNED, Done, "quarantined"),
        ("what was put aside is removed", seen(None, target(tags=MARKED), None, OLD), REMOVE, Call, "delete_db_instance@us-east-1"),
        ("a replica is not old", seen(back(), target(tags=MARKED), None, OLD), PLANNED, Done, "standby"),
        ("nor ever removed", seen(back(), target(tags=MARKED)), REMOVE, Done, "standby"),
        (
            "nor is a member that was made for the new writer",
            seen(source(tags={"follows-epoch": 1}), target(tags=MARKED), MOVED),
            REMOVE,
            Done,
            "standby",
        ),
    ],
)
def test_cleanup(sentence: str, state: Seen, goal: Goal, kind: type, says: str) -> None:
    check(ADAPTER.cleanup(state, goal), kind, says)


@pytest.mark.parametrize(
    ("sentence", "state", "goal", "kind", "says"),
    [
        ("source dark", seen(UNREACHABLE, target(tags=MARKED), MOVED), PLANNED, Deferred, "not protected"),
        ("target dark", seen(None, UNREACHABLE, UNREACHABLE), UNPLANNED, Deferred, WEST),
        ("nothing was activated", seen(source(), target(), both()), PLANNED, Blocked, "does not serve"),
        ("the old writer follows", seen(source(), target(), MOVED), PLANNED, Done, "standby"),
        ("or soon will", seen(source(), target(), both(WEST, "pending-resync")), PLANNED, Wait, "pending-resync"),
        ("it is built anew", seen(source("resyncing"), target(), both(WEST, "pending-resync")), PLANNED, Wait, "resyncing"),
        ("it needs an instance", seen(source(nodes=()), target(), MOVED), PLANNED, Call, "create_db_instance@us-east-1"),
        ("the old source has the name", seen(mysql(**FENCED), target(tags=MARKED)), PLANNED, Blocked, "run phase cleanup first"),
        ("it is leaving", seen(source("deleting"), target(tags=MARKED)), PLANNED, Wait, "deleting"),
        (
            "a new global database after a detachment",
            seen(None, target(tags=MARKED), None, OLD),
            PLANNED,
            Call,
            "create_global_cluster@us-west-2 & 'orders-west-global'",
        ),
        (
            "a new member in the place of the old one: its name, groups and subnets",
            seen(None, target(tags=MARKED), only(WEST), OLD),
            PLANNED,
            Call,
            "create_db_cluster@us-east-1 & 'DBClusterIdentifier': 'orders' & 'GlobalClusterIdentifier': 'orders-global'"
            " & 'DBSubnetGroupName': 'data' & ['sg-app'] & 'us-west-2:orders-west' & 'dr:follows-epoch', 'Value': '1'",
        ),
        (
            "or what was captured of it",
            seen(None, target(encrypted=True, tags=MARKED), only(WEST)),
            replace(PLANNED, captured={"region": EAST, "kms_key_id": "k", "security_groups": ["sg-9"], "subnet_group": "old"}),
            Call,
            "'KmsKeyId': 'k' & ['sg-9'] & 'old'",
        ),
        (
            "a binlog replica of the new source",
            seen(None, target(engine="aurora-mysql", tags=MARKED)),
            setting(PLANNED, replication="binlog"),
            Call,
            "create_db_cluster@us-east-1 & 'ReplicationSourceIdentifier' & cluster:orders-west",
        ),
        ("done", seen(back(), target(tags=MARKED)), PLANNED, Done, "standby"),
        ("a replica of something else", seen(back(source=(WEST, "x")), target(tags=MARKED)), PLANNED, Blocked, "follows nothing"),
    ],
)
def test_replicate(sentence: str, state: Seen, goal: Goal, kind: type, says: str) -> None:
    check(ADAPTER.replicate(state, goal), kind, says)


@pytest.mark.parametrize(
    ("sentence", "state", "kind", "says"),
    [
        ("nothing to undo", seen(source(), target(), both()), Done, "active"),
        (
            "the writer is switched back by the region that it is in",
            seen(source(), target(), MOVED),
            Call,
            "switchover_global_cluster@us-west-2 & cluster:orders",
        ),
        ("once the source follows", seen(source("resyncing"), target(), both(WEST, "pending-resync")), Wait, "resyncing"),
        ("and has an instance", seen(source(nodes=()), target(), MOVED), Blocked, "no instance"),
        ("which takes a while", seen(source(), target(), both(WEST, moving="switching-over")), Wait, "switching-over"),
        ("the fence is lifted", seen(mysql(**FENCED), replica()), Call, "modify_db_cluster@us-east-1 & ['sg-app']"),
        ("and forgotten", seen(mysql(tags={"security-groups": "sg-app"}), replica()), Call, "remove_tags_from_resource@us-east-1"),
        ("never after a promotion", seen(mysql(**FENCED), target(tags=MARKED)), Blocked, "cannot be undone"),
        ("nor a detachment", seen(source(**FENCED), target(tags=MARKED), only(EAST)), Blocked, "cannot be undone"),
        ("source dark", seen(UNREACHABLE, target(), MOVED), Blocked, EAST),
        ("source gone", seen(None, target(), only(WEST)), Blocked, "gone"),
        ("target dark", seen(source(), UNREACHABLE, UNREACHABLE), Blocked, WEST),
    ],
)
def test_rollback(sentence: str, state: Seen, kind: type, says: str) -> None:
    check(ADAPTER.rollback(state, PLANNED), kind, says)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (seen(source(), target(), MOVED), "HEALTHY"),
        (seen(UNREACHABLE, target(tags=MARKED), MOVED), "HEALTHY"),
        (seen(mysql(), target(tags=MARKED)), "DEGRADED"),
        (seen(source(), target(), both()), "UNHEALTHY"),
        (seen(source(), target(nodes=()), MOVED), "UNHEALTHY"),
        (seen(source(), target(nodes=(node("n", "rebooting"),)), MOVED), "UNHEALTHY"),
        (seen(source(), target("inaccessible-encryption-credentials"), MOVED), "UNHEALTHY"),
        (seen(source(), None, only(EAST)), "UNHEALTHY"),
        (seen(source(), UNREACHABLE, UNREACHABLE), "UNHEALTHY"),
    ],
)
def test_health(state: Seen, status: str) -> None:
    assert ADAPTER.health(state, PLANNED).status == status


def test_captured_is_what_a_cluster_in_its_place_needs() -> None:
    captured = ADAPTER.capture(seen(source(encrypted=True, kms_key_id="k", tags={"epoch": 2}), target(), both()), PAIR)
    assert (captured["epoch"], captured["kms_key_id"], captured["region"]) == (2, "k", EAST)
    assert (captured["instances"], captured["instance_class"], captured["lag_seconds"]) == (1, "db.r6g.large", 0.4)
    assert ADAPTER.capture(seen(mysql(**FENCED), replica()), PAIR)["security_groups"] == ["sg-app"]


@pytest.mark.parametrize(
    "state",
    [
        seen(None, target(), only(WEST)),
        seen(UNREACHABLE, target(), both()),
        seen(source(), target(), MOVED),
        seen(back(), target()),
        seen(source(nodes=()), target()),
    ],
)
def test_nothing_is_captured_of_what_does_not_serve(state: Seen) -> None:
    assert ADAPTER.capture(state, PAIR) == {}


def test_a_global_database_as_aws_describes_it() -> None:
    arn = f"arn:aws:rds:{EAST}:{ACCOUNT}:cluster:orders"
    shown = {
        "GlobalClusterIdentifier": "orders-global",
        "Status": "available",
        "GlobalClusterMembers": [
            {"DBClusterArn": arn, "IsWriter": True, "GlobalWriteForwardingStatus": "disabled"},
            {
                "DBClusterArn": ARN,
                "IsWriter": False,
                "SynchronizationStatus": "pending-resync",
                "GlobalWriteForwardingStatus": "enabled",
            },
        ],
        "FailoverState": {"Status": "failing-over", "FromDbClusterArn": arn, "ToDbClusterArn": ARN},
    }
    one = world(shown)
    assert (one.moving, one.moving_to) == ("failing-over", ARN)
    assert one.member(WEST, "Orders-West") == Member(ARN, WEST, "orders-west", False, "pending-resync", "enabled")
    assert world({**shown, "FailoverState": None, "Status": "switching-over"}).moving == "switching-over"
    assert world({**shown, "FailoverState": {}}).moving == ""


def test_a_cluster_as_aws_describes_it() -> None:
    shown = {
        "DBClusterIdentifier": "orders-west",
        "DBClusterArn": ARN,
        "Status": "available",
        "DbClusterResourceId": "cluster-AB",
        "ReplicationSourceIdentifier": f"arn:aws:rds:{EAST}:{ACCOUNT}:cluster:orders",
        "DBClusterMembers": [{"DBInstanceIdentifier": "n", "IsClusterWriter": True}, {"DBInstanceIdentifier": "unseen"}],
        "VpcSecurityGroups": [
            {"VpcSecurityGroupId": "sg-2", "Status": "adding"},
            {"VpcSecurityGroupId": "sg-1", "Status": "removing"},
        ],
        "TagList": [{"Key": "dr:epoch", "Value": "x"}],
    }
    instances = {"n": {"DBInstanceStatus": "available", "DBInstanceClass": "c", "DBSubnetGroup": {"VpcId": "vpc-1"}}}
    one = cluster(shown, WEST, instances)
    assert (one.source, one.groups, one.groups_settled, one.vpc_id) == ((EAST, "orders"), ("sg-2",), False, "vpc-1")
    assert one.nodes == (Node("n", "available", True, "c"), Node("unseen", "unknown", False, ""))
    assert (one.epoch, one.suffix) == (0, "ab")


def test_names_that_are_made_stay_within_what_rds_takes() -> None:
    long = replace(RENAMED, id="a" * 47 + "-" + "b" * 15)
    step = ADAPTER.cleanup(seen(long, target(tags=MARKED)), PLANNED)
    assert isinstance(step, Call)
    name = step.params["NewDBClusterIdentifier"]
    headless = ADAPTER.activate(seen(source(), replace(target(nodes=()), id="a" * 47 + "-" + "b" * 15), MOVED), PLANNED)
    for made in (name, copy_name(LOST.id), str(headless)):
        assert "--" not in made
    assert len(name) <= 63
    assert len(copy_name("rds:unplanned-global-failover-" + "o" * 300)) <= 255
