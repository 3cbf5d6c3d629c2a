# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RDS decisions as tables: a row is a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.adapters.rds_instance import RdsInstance
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
from ansible_collections.dr.aws.plugins.module_utils.parts.rds_state import Instance, Seen, instance

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "111111111111"
PAIR = Pair("orders", "rds", ACCOUNT, EAST, WEST, "orders", "orders-west")
PLANNED = Goal(PAIR)
UNPLANNED = Goal(PAIR, mode="unplanned")
REMOVE = Goal(PAIR, cleanup_policy="remove")
ADAPTER = RdsInstance()
FENCE = "sg-fence"


def database(ident: str, region: str, status: str = "available", **more: Any) -> Instance:
    """An instance of its own that serves, unless told otherwise. `tags` without the prefix dr:."""
    tags = {f"dr:{key}": str(value) for key, value in {"enabled": "true", **more.pop("tags", {})}.items()}
    values: dict[str, Any] = {
        "engine": "postgres",
        "instance_class": "db.r6g.large",
        "resource_id": "db-ABCDEFGHIJKLMNOPQRST012345",
        "backup_days": 7,
        "groups": ("sg-app",),
        "subnet_group": "data",
        "vpc_id": f"vpc-{region}",
        **more,
    }
    return Instance(f"arn:aws:rds:{region}:{ACCOUNT}:db:{ident}", ident, region, status, tags=tags, **values)


def source(status: str = "available", **more: Any) -> Instance:
    return database("orders", EAST, status, **more)


def target(status: str = "available", **more: Any) -> Instance:
    return database("orders-west", WEST, status, **more)


def replica(status: str = "available", **more: Any) -> Instance:
    return target(
        status, **{"source": (EAST, "orders"), "backup_days": 0, "lag_seconds": 3.0, "replication": "replicating", **more}
    )


def back(status: str = "available", **more: Any) -> Instance:
    """The source's place taken by a replica of the target."""
    return source(status, **{"source": (WEST, "orders-west"), "backup_days": 0, **more})


FENCED: dict[str, Any] = {"groups": (FENCE,), "tags": {"security-groups": "sg-app"}}
OLD = database("orders-old-qrst012345", EAST, **{**FENCED, "tags": {"security-groups": "sg-app", "quarantined": "orders"}})


def seen(source: Any, target: Any, *retired: Instance, fence: Any = FENCE) -> Seen:
    return Seen(source, target, retired, fence)


def setting(goal: Goal, **values: Any) -> Goal:
    return replace(goal, pair=replace(goal.pair, settings=values))


def check(step: Any, kind: type, says: str) -> None:
    """The step is of this kind, and `says` (of a call: `operation@region` and what its parameters contain) is in it."""
    assert isinstance(step, kind), step
    called = isinstance(step, Call)
    text = f"{step.operation}@{step.region} {dict(step.params)} {step.debt}" if called else str(step)
    for part in filter(None, says.split(" & ")):
        assert part in text, text


@pytest.mark.parametrize(
    ("sentence", "state", "active"),
    [
        ("before a failover", seen(source(), replica()), Active.SOURCE),
        ("fenced, not yet promoted", seen(source(**FENCED), replica()), Active.SOURCE),
        ("promoted, source fenced", seen(source(**FENCED), target(tags={"epoch": 1})), Active.TARGET),
        ("promoted, source put aside", seen(None, target(tags={"epoch": 1}), OLD), Active.TARGET),
        ("promoted, source marked as old", seen(source(tags={"quarantined": "orders"}), target()), Active.TARGET),
        ("promoted, the old side replicates", seen(back(), target(tags={"epoch": 1})), Active.TARGET),
        ("promoted while the source was dark, and it is back", seen(source(), target(tags={"epoch": 1})), Active.TARGET),
        ("the source was activated later", seen(source(tags={"epoch": 2}), target(tags={"epoch": 1})), Active.SOURCE),
        ("both write and neither was activated", seen(source(), target()), Active.BOTH),
        ("seen from the way back", seen(source(tags={"epoch": 1}), target(**FENCED)), Active.SOURCE),
        ("nothing is there", seen(None, None), Active.NEITHER),
        ("only a replica is left", seen(None, replica()), Active.NEITHER),
        ("an old source that is being deleted", seen(source("deleting"), target()), Active.TARGET),
        ("source dark, target a replica", seen(UNREACHABLE, replica()), Active.UNKNOWN),
        ("source dark, target promoted", seen(UNREACHABLE, target(tags={"epoch": 1})), Active.TARGET),
        ("source dark, target of unknown origin", seen(UNREACHABLE, target()), Active.UNKNOWN),
        ("target dark", seen(source(), UNREACHABLE), Active.UNKNOWN),
    ],
)
def test_active(sentence: str, state: Seen, active: Active) -> None:
    assert ADAPTER.active(state) is active, sentence


@pytest.mark.parametrize(
    ("sentence", "state", "goal", "kind", "says"),
    [
        ("it stands by", seen(source(), replica()), PLANNED, Done, "standby"),
        ("and with the source dark", seen(UNREACHABLE, replica()), UNPLANNED, Done, "standby"),
        ("planned needs the source", seen(UNREACHABLE, replica()), PLANNED, Blocked, EAST),
        ("a dark target is blocked when planned", seen(source(), UNREACHABLE), PLANNED, Blocked, WEST),
        ("and deferred when not", seen(source(), UNREACHABLE), UNPLANNED, Deferred, WEST),
        ("the target serves already", seen(back(), target(tags={"epoch": 1})), PLANNED, Done, "active"),
        ("the same name is not the same thing", seen(source(), target()), PLANNED, Blocked, "an instance of its own"),
        ("a replica of something else", seen(source(), replica(source=(EAST, "other"))), PLANNED, Blocked, "from other"),
        ("being copied", seen(source(), replica("creating")), PLANNED, Wait, "creating"),
        ("failed", seen(source(), replica("failed")), PLANNED, Blocked, "failed"),
        ("replication that ended", seen(source(), replica(replication="terminated")), PLANNED, Blocked, "terminated"),
        ("replication in error", seen(source(), replica(replication="error")), PLANNED, Blocked, "error"),
        ("nothing anywhere", seen(None, None), PLANNED, Blocked, "no writable instance"),
        ("too late", seen(UNREACHABLE, None), UNPLANNED, Blocked, "restore a copied snapshot"),
        ("without backups no replica", seen(source(backup_days=0), None), PLANNED, Blocked, "--backup-retention-period"),
        ("while it backs up", seen(source("backing-up"), None), PLANNED, Wait, "backing-up"),
        ("a stopped source", seen(source("stopped"), None), PLANNED, Blocked, "stopped"),
        ("a key of its region is needed", seen(source(encrypted=True), None), PLANNED, Blocked, "regions.us-west-2.kms_key_id"),
        (
            "it is made from the ARN, in the target region, with the tags and without what belongs to the source alone",
            seen(source(tags={"wave": 1, "epoch": 2}), None),
            PLANNED,
            Call,
            "create_db_instance_read_replica@us-west-2 & 'orders-west' & arn:aws:rds:us-east-1:111111111111:db:orders"
            " & 'SourceRegion': 'us-east-1' & db.r6g.large & dr:wave & 'us-east-1:orders' & 'dr:follows-epoch', 'Value': '2'",
        ),
        (
            "with what the settings say of its region",
            seen(source(encrypted=True), None),
            setting(
                PLANNED, regions={WEST: {"kms_key_id": "k", "subnet_group": "s", "security_groups": ["sg-1"]}}, instance_class="c"
            ),
            Call,
            "'KmsKeyId': 'k' & 'DBSubnetGroupName': 's' & ['sg-1'] & 'DBInstanceClass': 'c'",
        ),
        (
            "a parameter group at creation only where the engine takes one",
            seen(source(engine="mysql"), None),
            setting(PLANNED, parameter_group="tuned"),
            Call,
            "'DBParameterGroupName': 'tuned'",
        ),
        (
            "of another engine the replica is given it when it stands",
            seen(source(), replica(parameter_group="default.postgres16")),
            setting(PLANNED, parameter_group="tuned"),
            Call,
            "modify_db_instance@us-west-2 & 'DBParameterGroupName': 'tuned'",
        ),
        (
            "once",
            seen(source(), replica(parameter_group="tuned")),
            setting(PLANNED, parameter_group="Tuned"),
            Done,
            "standby",
        ),
        ("protected as its source is", seen(source(protected=True), None), PLANNED, Call, "'DeletionProtection': True"),
    ],
)
def test_instantiate(sentence: str, state: Seen, goal: Goal, kind: type, says: str) -> None:
    check(ADAPTER.instantiate(state, goal), kind, says)


MARKED = {"epoch": 1}


@pytest.mark.parametrize(
    ("sentence", "state", "goal", "kind", "says"),
    [
        ("no replica", seen(source(), None), PLANNED, Blocked, "run phase instantiate"),
        ("target dark, planned", seen(source(), UNREACHABLE), PLANNED, Blocked, WEST),
        ("target dark, unplanned", seen(source(), UNREACHABLE), UNPLANNED, Deferred, WEST),
        ("planned needs the source", seen(UNREACHABLE, replica()), PLANNED, Blocked, "mode=unplanned"),
        ("planned needs to know what has arrived", seen(None, replica()), PLANNED, Blocked, "is gone & mode=unplanned"),
        ("as much when the source is leaving", seen(source("deleting"), replica(tags=MARKED)), PLANNED, Blocked, "is deleting"),
        ("a stranger", seen(source(), replica(source=(EAST, "other"))), PLANNED, Blocked, "from other"),
        ("terminated", seen(source(), replica(replication="terminated")), UNPLANNED, Blocked, "30 days"),
        ("backing up", seen(source(), replica("backing-up")), UNPLANNED, Wait, "backing-up"),
        ("failed", seen(source(), replica("failed")), UNPLANNED, Blocked, "failed"),
        ("a large lag", seen(source(), replica(lag_seconds=301.0)), PLANNED, Blocked, "301 s"),
        ("a lag nobody knows", seen(source(), replica(lag_seconds=None)), PLANNED, Blocked, "unknown"),
        ("-1 is not low", seen(source(), replica(lag_seconds=-1.0)), PLANNED, Blocked, "unknown"),
        ("replication in error", seen(source(), replica(replication="error")), PLANNED, Blocked, "replication is error"),
        (
            "no group to fence with",
            seen(source(), replica(), fence=None),
            PLANNED,
            Call,
            "create_security_group@us-east-1 & vpc-us-east-1",
        ),
        ("nor a VPC", seen(source(vpc_id=""), replica(), fence=None), PLANNED, Blocked, "fence_security_group"),
        ("a fence with a gate", seen(source(), replica(), fence=""), PLANNED, Blocked, "inbound rules"),
        ("its groups are remembered first", seen(source(), replica()), PLANNED, Call, "add_tags_to_resource@us-east-1 & 'sg-app'"),
        (
            "then it is fenced",
            seen(source(tags={"security-groups": "sg-app"}), replica()),
            PLANNED,
            Call,
            "modify_db_instance@us-east-1 & ['sg-fence'] & 'ApplyImmediately': True",
        ),
        ("which settles", seen(source(**FENCED, groups_settled=False), replica()), PLANNED, Wait, "being fenced"),
        ("a busy source is waited for", seen(source("modifying"), replica()), PLANNED, Wait, "modifying"),
        ("a source that cannot be fenced", seen(source("failed"), replica()), PLANNED, Blocked, "mode=unplanned"),
        (
            "MySQL's lag tells what is left",
            seen(source(**FENCED, engine="mysql"), replica(engine="mysql")),
            PLANNED,
            Wait,
            "3 s are left",
        ),
        ("a fenced source with a lost lag", seen(source(**FENCED), replica(lag_seconds=None)), PLANNED, Wait, "unknown"),
        (
            "a fenced source that does not replicate",
            seen(source(**FENCED), replica(lag_seconds=-1.0)),
            PLANNED,
            Blocked,
            "phase rollback",
        ),
        (
            "PostgreSQL's grows while idle",
            seen(source(**FENCED), replica(lag_seconds=310.0)),
            PLANNED,
            Call,
            "add_tags_to_resource@us-west-2",
        ),
        (
            "the target is marked",
            seen(source(**FENCED), replica()),
            PLANNED,
            Call,
            "add_tags_to_resource@us-west-2 & 'dr:epoch', 'Value': '1'",
        ),
        (
            "above every epoch that is known",
            seen(UNREACHABLE, replica(tags={"follows-epoch": 4})),
            replace(UNPLANNED, captured={"epoch": 3}),
            Call,
            "'dr:epoch', 'Value': '5'",
        ),
        (
            "and promoted, with backups",
            seen(source(**FENCED), replica(tags=MARKED)),
            PLANNED,
            Call,
            "promote_read_replica@us-west-2 & 'orders-west' & 'BackupRetentionPeriod': 7",
        ),
        (
            "as many as the source had",
            seen(source(**FENCED, backup_days=21), replica(tags=MARKED)),
            PLANNED,
            Call,
            "promote_read_replica & 'BackupRetentionPeriod': 21",
        ),
        (
            "or was captured with",
            seen(UNREACHABLE, replica(tags=MARKED)),
            replace(UNPLANNED, captured={"backup_days": 14}),
            Call,
            "promote_read_replica & 'BackupRetentionPeriod': 14 & fence",
        ),
        (
            "unless a setting says so",
            seen(source(**FENCED, backup_days=21), replica(tags=MARKED)),
            setting(PLANNED, regions={WEST: {"backup_days": 3}}),
            Call,
            "promote_read_replica & 'BackupRetentionPeriod': 3",
        ),
        (
            "unplanned, no lag is asked for",
            seen(UNREACHABLE, replica(lag_seconds=None, tags=MARKED)),
            UNPLANNED,
            Call,
            "promote & fence",
        ),
        ("and the fence is owed", seen(UNREACHABLE, replica(tags=MARKED)), UNPLANNED, Call, "promote & fence orders in us-east-1"),
        (
            "unplanned, a source that answers is fenced",
            seen(source(), replica()),
            UNPLANNED,
            Call,
            "add_tags_to_resource@us-east-1",
        ),
        ("one that cannot be is owed", seen(source("failed"), replica(tags=MARKED)), UNPLANNED, Call, "promote & fence orders"),
        (
            "as when EC2 is silent",
            seen(source(), replica(tags=MARKED), fence=UNREACHABLE),
            UNPLANNED,
            Call,
            "promote & fence orders",
        ),
        (
            "or when it is not to be fenced",
            seen(source(), replica(tags=MARKED)),
            setting(PLANNED, fence=False),
            Call,
            "promote & fence",
        ),
        ("unplanned, a source that is gone is no debt", seen(None, replica(tags=MARKED)), UNPLANNED, Call, "promote"),
        ("the promotion", seen(source(**FENCED), replica("modifying", tags=MARKED)), PLANNED, Wait, "modifying"),
        ("goes on", seen(source(**FENCED), target("rebooting", tags=MARKED)), PLANNED, Wait, "rebooting"),
        ("until it is backed up", seen(source(**FENCED), target("backing-up", tags=MARKED)), PLANNED, Wait, "backing-up"),
        (
            "or writable is enough",
            seen(source(**FENCED), target("backing-up", tags=MARKED)),
            setting(PLANNED, wait_for="writable"),
            Done,
            "active",
        ),
        ("done", seen(source(**FENCED), target(tags=MARKED)), PLANNED, Done, "'fencing': 'fenced'"),
        ("done, fence owed", seen(UNREACHABLE, target(tags=MARKED)), UNPLANNED, Done, "'fencing': 'deferred'"),
        ("done, the source is back and open", seen(source(), target(tags=MARKED)), UNPLANNED, Done, "'fencing': 'open'"),
        ("promoted and failed", seen(None, target("failed", tags=MARKED)), PLANNED, Blocked, "failed"),
        ("a split brain", seen(source(), target()), PLANNED, Blocked, "both"),
        ("of unknown origin", seen(UNREACHABLE, target()), UNPLANNED, Blocked, "add-tags-to-resource"),
        (
            "given up before",
            seen(UNREACHABLE, target(tags=MARKED)),
            replace(UNPLANNED, captured={"epoch": 2}),
            Blocked,
            "older than that of orders",
        ),
    ],
)
def test_activate(sentence: str, state: Seen, goal: Goal, kind: type, says: str) -> None:
    step = ADAPTER.activate(state, goal)
    check(step, kind, says)
    if isinstance(step, Call) and step.operation == "promote_read_replica":
        assert step.one_way
        assert bool(step.debt) is ("fence" in says), sentence


@pytest.mark.parametrize(
    ("sentence", "state", "goal", "kind", "says"),
    [
        ("source dark, planned", seen(UNREACHABLE, target(tags=MARKED)), PLANNED, Deferred, EAST),
        ("target dark", seen(source(), UNREACHABLE), UNPLANNED, Deferred, WEST),
        ("nothing is proven", seen(source(), replica()), PLANNED, Blocked, "not proven to serve: source"),
        ("a split brain", seen(source(), target()), PLANNED, Blocked, "both"),
        ("and never of what serves", seen(source(tags={"epoch": 2}), target(tags=MARKED)), REMOVE, Blocked, "source"),
        ("the target settles first", seen(source(), target("backing-up", tags=MARKED)), PLANNED, Wait, "backing-up"),
        (
            "the debt comes first",
            seen(source(), target(tags=MARKED)),
            PLANNED,
            Call,
            "add_tags_to_resource@us-east-1 & security-groups",
        ),
        (
            "marked",
            seen(source(**FENCED), target(tags=MARKED)),
            PLANNED,
            Call,
            "'dr:quarantined', 'Value': 'orders' & 'dr:enabled', 'Value': 'false'",
        ),
        (
            "renamed to what no other is called",
            seen(source(groups=(FENCE,), tags={"security-groups": "sg-app", "quarantined": "orders"}), target(tags=MARKED)),
            PLANNED,
            Call,
            "modify_db_instance@us-east-1 & orders-old-qrst012345",
        ),
        (
            "which takes a while",
            seen(source("renaming", tags={"quarantined": "orders"}), target(tags=MARKED)),
            PLANNED,
            Wait,
            "renaming",
        ),
        ("a stopped source is renamed as it is", seen(source("stopped"), target(tags=MARKED)), PLANNED, Call, "'dr:quarantined'"),
        ("EC2 is silent", seen(source(), target(tags=MARKED), fence=UNREACHABLE), PLANNED, Deferred, "cannot be fenced"),
        ("a failed one", seen(source("failed"), target(tags=MARKED)), PLANNED, Blocked, "failed"),
        ("done", seen(None, target(tags=MARKED), OLD), PLANNED, Done, "orders-old"),
        ("a replica is not old", seen(back(), target(tags=MARKED), OLD), PLANNED, Done, "quarantined"),
        ("nor ever deleted", seen(back(), target(tags=MARKED)), REMOVE, Done, "removed"),
        (
            "removed with a snapshot, backups kept",
            seen(source(), target(tags=MARKED)),
            REMOVE,
            Call,
            "delete_db_instance@us-east-1 & orders-final-qrst012345 & 'DeleteAutomatedBackups': False",
        ),
        ("what was put aside as well", seen(back(), target(tags=MARKED), OLD), REMOVE, Call, "delete_db_instance & orders-old-"),
        (
            "not while it is protected",
            seen(source(protected=True), target(tags=MARKED)),
            REMOVE,
            Blocked,
            "--no-deletion-protection",
        ),
        ("nor with other replicas", seen(source(replicas=("reports",)), target(tags=MARKED)), REMOVE, Blocked, "reports"),
        ("nor before it knows", seen(source(replicas=("a:orders-west",)), target(tags=MARKED)), REMOVE, Wait, "was promoted"),
        ("nor without a snapshot", seen(source("stopped"), target(tags=MARKED)), REMOVE, Blocked, "no final snapshot"),
        ("nor before the new one is backed up", seen(source(), target(backup_days=0, tags=MARKED)), REMOVE, Blocked, "backups"),
        ("until it is gone", seen(source("deleting"), target(tags=MARKED)), REMOVE, Wait, "being deleted"),
    ],
)
def test_cleanup(sentence: str, state: Seen, goal: Goal, kind: type, says: str) -> None:
    check(ADAPTER.cleanup(state, goal), kind, says)


@pytest.mark.parametrize(
    ("sentence", "state", "goal", "kind", "says"),
    [
        ("source dark", seen(UNREACHABLE, target(tags=MARKED)), PLANNED, Deferred, "not protected"),
        ("target dark", seen(None, UNREACHABLE), UNPLANNED, Deferred, WEST),
        ("nothing was activated", seen(source(), replica()), PLANNED, Blocked, "does not serve"),
        ("the old source has the name", seen(source(**FENCED), target(tags=MARKED)), PLANNED, Blocked, "run phase cleanup first"),
        ("it is leaving", seen(source("deleting"), target(tags=MARKED)), PLANNED, Wait, "deleting"),
        ("the new one backs up", seen(None, target("backing-up", tags=MARKED)), PLANNED, Wait, "backing-up"),
        ("no backups yet", seen(None, target(backup_days=0, tags=MARKED)), PLANNED, Blocked, "automated backups"),
        (
            "in the place of the old one: its name, groups and subnets",
            seen(None, target(tags=MARKED), replace(OLD, multi_az=True)),
            PLANNED,
            Call,
            "create_db_instance_read_replica@us-east-1 & 'DBInstanceIdentifier': 'orders' & db:orders-west"
            " & 'DBSubnetGroupName': 'data' & 'VpcSecurityGroupIds': ['sg-app'] & 'MultiAZ': True & 'us-west-2:orders-west'",
        ),
        (
            "and its key",
            seen(None, target(encrypted=True, tags=MARKED), replace(OLD, kms_key_id="k-east")),
            PLANNED,
            Call,
            "'KmsKeyId': 'k-east'",
        ),
        (
            "or what was captured of it",
            seen(None, target(encrypted=True, tags=MARKED)),
            replace(PLANNED, captured={"region": EAST, "kms_key_id": "k", "security_groups": ["sg-9"], "subnet_group": "old"}),
            Call,
            "'KmsKeyId': 'k' & ['sg-9'] & 'old'",
        ),
        (
            "with the groups of options and parameters that it had",
            seen(
                None,
                target(engine="mysql", engine_version="8.0.41", tags=MARKED),
                replace(OLD, engine_version="8.0.36", parameter_group="tuned", option_group="audited"),
            ),
            PLANNED,
            Call,
            "'DBParameterGroupName': 'tuned' & 'OptionGroupName': 'audited'",
        ),
        (
            "given to the replica that stands where RDS takes none before",
            seen(
                back(engine_version="16.4", parameter_group="default.postgres16"),
                target(tags=MARKED),
                replace(OLD, engine_version="16.3", parameter_group="tuned"),
            ),
            PLANNED,
            Call,
            "modify_db_instance@us-east-1 & 'DBParameterGroupName': 'tuned'",
        ),
        (
            "not those of another major version",
            seen(
                back(engine_version="17.1", parameter_group="default.postgres17"),
                target(tags=MARKED),
                replace(OLD, engine_version="16.3", parameter_group="tuned"),
            ),
            PLANNED,
            Done,
            "standby",
        ),
        ("being copied", seen(back("creating"), target(tags=MARKED)), PLANNED, Wait, "creating"),
        ("done", seen(back(), target(tags=MARKED)), PLANNED, Done, "standby"),
        ("a replica of something else", seen(back(source=(WEST, "x")), target(tags=MARKED)), PLANNED, Blocked, "from x"),
    ],
)
def test_replicate(sentence: str, state: Seen, goal: Goal, kind: type, says: str) -> None:
    check(ADAPTER.replicate(state, goal), kind, says)


@pytest.mark.parametrize(
    ("sentence", "state", "kind", "says"),
    [
        ("nothing to undo", seen(source(), replica()), Done, "active"),
        ("the fence is lifted", seen(source(**FENCED), replica()), Call, "modify_db_instance@us-east-1 & ['sg-app']"),
        (
            "which settles",
            seen(source(tags={"security-groups": "sg-app"}, groups_settled=False), replica()),
            Wait,
            "security groups",
        ),
        (
            "and is forgotten",
            seen(source(tags={"security-groups": "sg-app"}), replica()),
            Call,
            "remove_tags_from_resource@us-east-1",
        ),
        ("never while it may be promoted", seen(source(**FENCED), replica("modifying", tags=MARKED)), Wait, "is modifying"),
        ("never after a promotion", seen(source(**FENCED), target(tags=MARKED)), Blocked, "cannot be undone"),
        ("source dark", seen(UNREACHABLE, replica()), Blocked, EAST),
        ("source gone", seen(None, replica()), Blocked, "gone"),
        ("target dark", seen(source(**FENCED), UNREACHABLE), Blocked, WEST),
    ],
)
def test_rollback(sentence: str, state: Seen, kind: type, says: str) -> None:
    check(ADAPTER.rollback(state, PLANNED), kind, says)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (seen(source(**FENCED), target(tags=MARKED)), "HEALTHY"),
        (seen(source(), target(tags=MARKED)), "DEGRADED"),
        (seen(None, target(backup_days=0, endpoint="db")), "DEGRADED"),
        (seen(None, replica(endpoint="db")), "UNHEALTHY"),
        (seen(None, target("failed", endpoint="db")), "UNHEALTHY"),
        (seen(None, None), "UNHEALTHY"),
        (seen(None, UNREACHABLE), "UNHEALTHY"),
    ],
)
def test_health(state: Seen, status: str) -> None:
    if isinstance(state.target, Instance):
        state = replace(state, target=replace(state.target, endpoint="db"))
    assert ADAPTER.health(state, PLANNED).status == status


def test_captured_is_what_a_replica_in_its_place_needs() -> None:
    captured = ADAPTER.capture(seen(source(kms_key_id="k", storage_gb=100, tags={"epoch": 2}), replica()), PAIR)
    assert (captured["epoch"], captured["kms_key_id"], captured["region"]) == (2, "k", EAST)
    assert (captured["backup_days"], captured["storage_gb"], captured["instance_class"]) == (7, 100, "db.r6g.large")
    assert (captured["security_groups"], captured["subnet_group"], captured["lag_seconds"]) == (["sg-app"], "data", 3.0)
    assert ADAPTER.capture(seen(source(**FENCED), replica()), PAIR)["security_groups"] == ["sg-app"]


@pytest.mark.parametrize("side", [None, UNREACHABLE, back(), source(tags={"quarantined": "orders"})])
def test_nothing_is_captured_of_what_does_not_serve(side: Any) -> None:
    assert ADAPTER.capture(seen(side, target()), PAIR) == {}


def test_a_description_as_aws_gives_it() -> None:
    shown = {
        "DBInstanceIdentifier": "orders-west",
        "DBInstanceArn": "arn:aws:rds:us-west-2:111111111111:db:orders-west",
        "DBInstanceStatus": "available",
        "DbiResourceId": "db-AB",
        "ReadReplicaSourceDBInstanceIdentifier": "arn:aws:rds:us-east-1:111111111111:db:orders",
        "VpcSecurityGroups": [
            {"VpcSecurityGroupId": "sg-2", "Status": "adding"},
            {"VpcSecurityGroupId": "sg-1", "Status": "removing"},
        ],
        "StatusInfos": [{"StatusType": "read replication", "Status": "error", "Normal": False}],
        "TagList": [{"Key": "dr:epoch", "Value": "x"}],
    }
    one = instance(shown, WEST)
    assert (one.source, one.groups, one.groups_settled, one.replication) == ((EAST, "orders"), ("sg-2",), False, "error")
    assert (one.epoch, one.suffix) == (0, "ab")
    assert instance({**shown, "ReadReplicaSourceDBInstanceIdentifier": "near"}, WEST).source == (WEST, "near")


def test_names_that_are_made_stay_within_what_rds_takes() -> None:
    old = source(groups=(FENCE,), tags={"security-groups": "sg-app", "quarantined": "x"})
    long = replace(old, id="a" * 47 + "-" + "b" * 15)
    step = ADAPTER.cleanup(seen(long, target(tags=MARKED)), PLANNED)
    assert isinstance(step, Call)
    name = step.params["NewDBInstanceIdentifier"]
    assert len(name) <= 63
    assert "--" not in name
