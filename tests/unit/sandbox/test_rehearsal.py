# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rehearsals, without holding one: what a snapshot is made into, how long things take, and what a rehearsal may not reach."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.rehearsal import alone
from sandbox.rehearsal.durations import SHIPPED, Durations, Measured, read
from sandbox.rehearsal.held import _adjusted, _closest
from sandbox.rehearsal.rebuilt import RehearsalError, _suffix
from sandbox.rehearsal.stand_ins import ASSUMED, BUILDERS, Resource
from sandbox.services import (
    aurora,
    autoscaling,
    awslambda,
    drs,
    ec2_drs,
    ecs,
    efs,
    efs_restores,
    elasticache,
    fsx,
    memorydb,
    memorydb_snapshots,
    opensearch,
    rds,
    route53,
)

ROOT = Path(__file__).resolve().parents[3]
EAST, WEST = "us-east-1", "us-west-2"
#: What the sandbox takes, from its own constants.
TAKEN = {
    "autoscaling": {
        "CreateAutoScalingGroup": autoscaling.IN_SERVICE_AFTER,
        "UpdateAutoScalingGroup": autoscaling.IN_SERVICE_AFTER,
    },
    "backup": {"StartBackupJob": efs.BACKUP, "StartRestoreJob": efs_restores.QUEUE + efs_restores.RESTORE},
    "drs": {
        "ReverseReplication": sum(seconds for _state, seconds in drs.BEGINNING),
        "StartRecovery": drs.LAUNCHED + drs.ENDED,
        "TerminateRecoveryInstances": drs.CLEANED,
    },
    "ec2": {
        "CopyImage": autoscaling.COPIED_AFTER,
        "StartInstances": ec2_drs.PENDING,
        "StopInstances": ec2_drs.STOPPING,
        "TerminateInstances": ec2_drs.SHUTTING_DOWN,
    },
    "ecs": {"CreateService": ecs.RUNNING_AFTER, "UpdateService": ecs.RUNNING_AFTER},
    "efs": {"CreateReplicationConfiguration": efs.INITIAL_SYNC, "DeleteReplicationConfiguration": efs.DELETION},
    "elasticache": {
        "CreateReplicationGroup": elasticache.CREATION,
        "DeleteReplicationGroup": elasticache.DELETION,
        "DisassociateGlobalReplicationGroup": elasticache.REMOVAL,
        "FailoverGlobalReplicationGroup": elasticache.FAILOVER,
    },
    "fsx": {
        "CopyBackup": fsx.COPY,
        "CreateBackup": fsx.BACKUP,
        "CreateFileSystemFromBackup": fsx.RESTORE,
        "DeleteFileSystem": fsx.DELETION,
    },
    "lambda": {
        "PutProvisionedConcurrencyConfig": awslambda.READY_AFTER,
        "UpdateEventSourceMapping": awslambda.SWITCHED_AFTER,
    },
    "memorydb": {
        "CreateCluster": memorydb.CREATION,
        "CreateSnapshot": memorydb_snapshots.SNAPSHOT,
        "DeleteCluster": memorydb.DELETION,
    },
    "opensearch": {
        "AddReplicationPeer": opensearch.SETUP,
        "CreateDomain": opensearch.CREATION,
        "DeleteDomain": opensearch.DELETION,
        "FailoverReplication": opensearch.FAILOVER,
        "RemoveReplicationPeer": opensearch.REMOVAL,
        "SwitchoverReplication": opensearch.SWITCHOVER,
    },
    "rds": {
        "CreateDBCluster": aurora.CREATION,
        "CreateDBInstance": rds.CREATION,
        "CreateDBInstanceReadReplica": rds.COPY,
        "DeleteDBCluster": aurora.DELETION,
        "DeleteDBInstance": rds.DELETION,
        "FailoverGlobalCluster": aurora.MOVE,
        "ModifyDBInstance": rds.RENAMING,
        "PromoteReadReplica": rds.PROMOTION,
        "PromoteReadReplicaDBCluster": aurora.PROMOTION,
        "SwitchoverGlobalCluster": aurora.MOVE,
    },
    "route53": {"ChangeResourceRecordSets": route53.INSYNC_AFTER + (route53.INSYNC_SPREAD - 1) // 2},
}


def test_the_table_says_what_the_sandbox_takes() -> None:
    assert yaml.safe_load(SHIPPED.read_text()) == {"operations": TAKEN}


def test_a_person_wins_over_executions_and_both_over_the_table(tmp_path: Path) -> None:
    file = tmp_path / "medians.yml"
    file.write_text("operations: {rds: {PromoteReadReplica: 600}}\nphases: {ecs: {activate: 240}}\n")
    learnt = {"ecs": {"activate": [30.0, 50.0, 40.0]}, "rds": {"activate": [500.0, 700.0], "cleanup": []}}
    found = read(file, learnt)
    assert found.paces == {("rds", "PromoteReadReplica"): 2.0}
    assert found.phases == {
        ("ecs", "activate"): Measured(240.0, str(file)),
        ("rds", "activate"): Measured(600.0, "2 resources"),
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("operations: {rds: {Promote: 1}}", "rds Promote is not known"),
        ("operations: {rds: {PromoteReadReplica: -1}}", "operations rds PromoteReadReplica: -1"),
        ("operations: {rds: {PromoteReadReplica: true}}", "operations rds PromoteReadReplica: True"),
        ("operations: {rds: 300}", "operations rds: 300 is not"),
        ("operations: [300]", "operations: [300] is not"),
        ("- 300", "[300] is not"),
        ("rds: {PromoteReadReplica: 300}", "'rds' was unexpected"),
        ("a: {", "cannot be read"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_what_to_do(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "medians.yml"
    file.write_text(text)
    with pytest.raises(RehearsalError, match="Next: ") as caught:
        read(file, {})
    assert said in str(caught.value)


KEY = ("rds", "activate")


@pytest.mark.parametrize(
    ("tried", "then"),
    [
        ([(1.0, 400.0)], 2.0),  # rule of three
        ([(1.0, 400.0), (2.0, 700.0)], 2.0 * 800 / 700),  # the nearest, again
        ([(1.0, 400.0), (3.0, 1000.0)], 1.0 + 400 / 600 * 2.0),  # between two
        ([(1.0, 400.0), (2.0, 790.0)], 2.0),  # near enough
        ([(1.0, 4.0)], 50.0),  # no service is that slow
    ],
)
def test_paces_come_nearer_to_what_was_measured(tried: list[tuple[float, float]], then: float) -> None:
    durations = Durations(phases={KEY: Measured(800.0, "3 resources")})
    history = [({KEY: pace}, {KEY: took}) for pace, took in tried]
    assert _adjusted(durations, history)[KEY] == pytest.approx(then)


def test_the_usual_pace_and_phases_that_did_not_happen_are_left_alone() -> None:
    durations = Durations(phases={KEY: Measured(400.0, "1 resources"), ("efs", "activate"): Measured(9.0, "1 resources")})
    history: Any = [({}, {KEY: 401.0})]
    assert _closest(durations, history) == _adjusted(durations, history) == {}


@pytest.mark.parametrize(
    ("names", "zone"),
    [
        ({"www.shop.example"}, "shop.example"),
        ({"www.shop.example", "api.shop.example"}, "shop.example"),
        ({"shop.example", "api.shop.example"}, "shop.example"),
        ({"a.b.shop.example", "b.shop.example", "xb.shop.example"}, "shop.example"),
    ],
)
def test_a_zone_is_what_its_records_have_in_common(names: set[str], zone: str) -> None:
    assert _suffix(names) == zone


def one(technology: str, source: str, target: str = "", **fields: Any) -> Resource:
    return Resource("key", technology, "111111111111", EAST, WEST, source, target or source, **fields)


def peer(**fields: Any) -> dict[str, Any]:
    return {"region": WEST, **fields}


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (
            one("rds", "a", "b", captured={"lag_seconds": 9.0, "multi_az": True}),
            {"multi_az": True, "peer": peer(name="b", lag=9.0)},
        ),
        (one("rds", "a", "b", captured={"kms_key_id": "k"}, stands=False), {"encrypted": True}),
        (one("aurora", "a", captured={"engine": "aurora-mysql", "global_cluster": ""}), {"kind": "aurora_cluster"}),
        (one("aurora", "a"), {"kind": "aurora_global"}),
        (
            one("ecs", "c/s", "d/t", captured={"desired_count": 4, "task_size": {"cpu": 512}}),
            {"cluster": "c", "desired": 4, "cpu": "512", "peer": peer(cluster="d", name="t", desired=0)},
        ),
        (one("ecs", "s", served=True), {"peer": peer(cluster="default", name="s", desired=0, before=True)}),
        (one("lambda", "f", captured={"alias": "", "reserved": 5}), {"alias": None, "reserved": 5}),
        (
            one("memorydb", "m", captured={"multi_region_cluster": "w", "lag_seconds": 0.5}),
            {"kind": "memorydb_multi_region", "peer": peer(name="m", lag=500.0)},
        ),
        (one("memorydb", "m", captured={"shards": 2, "multi_region_cluster": ""}), {"kind": "memorydb_cluster", "shards": 2}),
        (
            one("elasticache", "e", captured={"datastore": "", "shards": 3}),
            {"shards": 3, "peer": peer(name="e", standalone=True)},
        ),
        (one("eventbridge", "default/r"), {"bus": "default", "name": "r"}),
        (one("efs", "fs-1", tags={"Name": "tiles"}), {"name": "tiles"}),
        (one("drs", "s-1", captured={"instance_type": "m5.large"}, stands=False), {"name": "s-1", "peer": peer(id="s-1")}),
    ],
    ids=lambda value: getattr(value, "technology", ""),
)
def test_a_stand_in_is_what_the_snapshot_tells(resource: Resource, expected: dict[str, Any]) -> None:
    made = BUILDERS[resource.technology](resource)
    assert {name: made.get(name) for name in expected} == expected
    assert resource.stands or resource.technology == "drs" or "peer" not in made


def test_a_record_answers_as_its_settings_say_or_as_it_was_captured() -> None:
    zones = {"Z1": "shop.example"}
    record = {"Name": "www.shop.example.", "Type": "A", "TTL": 300, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    weighted = [{**record, "Weight": 100, "SetIdentifier": "a"}, {**record, "Weight": 0, "SetIdentifier": "b"}]
    ident = "Z1/www.shop.example/A"
    simple = BUILDERS["route53"](one("route53", ident, zones=zones, captured={"records": [record]}))
    assert (simple["zone"], simple["routing"], simple["ttl"], simple["values"]) == ("shop.example", "simple", 300, ["192.0.2.1"])
    settings = {"values": {EAST: ["192.0.2.7"], WEST: ["192.0.2.8"]}}
    told = BUILDERS["route53"](one("route53", ident, zones=zones, captured={"records": [record]}, settings=settings))
    assert (told["values"], told["peer"]["values"]) == (["192.0.2.7"], ["192.0.2.8"])
    both = BUILDERS["route53"](one("route53", ident, zones=zones, captured={"records": weighted}))
    assert (both["routing"], both["set_identifier"], both["peer"]["set_identifier"]) == ("weighted", "a", "b")


def test_every_technology_has_a_stand_in_and_says_what_it_assumes() -> None:
    from ansible_collections.dr.aws.plugins.module_utils.model import TECHNOLOGIES

    assert set(BUILDERS) == set(ASSUMED) == set(TECHNOLOGIES)


@pytest.mark.parametrize(
    ("event", "arguments", "refused"),
    [
        ("socket.connect", (None, ("127.0.0.1", 5610)), False),
        ("socket.connect", (None, ("203.0.113.9", 443)), True),
        ("socket.connect", (None, "/run/some.socket"), False),
        ("socket.connect", (None, ("2001:db8::1", 443, 0, 0)), True),
        ("socket.sendto", (None, ("203.0.113.9", 53)), True),
        ("socket.getaddrinfo", ("127.0.0.1", 80, 0, 0, 0), False),
        ("socket.getaddrinfo", ("sts.us-east-1.amazonaws.com", 443, 0, 0, 0), True),
        ("open", ("/etc/hosts", "r", 0), False),
    ],
)
def test_nothing_leaves_the_machine(event: str, arguments: tuple[Any, ...], refused: bool) -> None:
    if refused:
        with pytest.raises(alone.OutsideError):
            alone.allowed(event, arguments)
    else:
        alone.allowed(event, arguments)


def test_no_credentials_and_no_proxy_are_left() -> None:
    given = {
        "AWS_ACCESS_KEY_ID": "AKIA",
        "AWS_PROFILE": "prod",
        "AWS_ENDPOINT_URL_RDS": "https://x",
        "https_proxy": "p",
        "PATH": "/bin",
    }
    alone.forget(given)
    assert given == {
        "PATH": "/bin",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "BOTO_CONFIG": os.devnull,
    }


@pytest.mark.parametrize(
    ("kept", "parameters", "said"),
    [
        ({"snapshot": {"resources": []}}, {}, "has no resources. Next: ansible-playbook dr.aws.readiness"),
        ({"snapshot": {"resources": [1]}}, {"phase": "activate"}, "no parameter phase. Next: use"),
    ],
)
def test_what_cannot_be_rehearsed_ends_with_what_to_do(tmp_path: Path, kept: Any, parameters: Any, said: str) -> None:
    file = tmp_path / "snapshot.json"
    file.write_text(json.dumps(kept))
    words = [sys.executable, "-m", "sandbox", "rehearse", str(file), "--parameters", json.dumps(parameters)]
    env = {**os.environ, "PYTHONPATH": str(ROOT / ".build")}
    ran = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert (ran.returncode, said in ran.stderr, "Traceback" in ran.stderr) == (2, True, False), ran.stderr
