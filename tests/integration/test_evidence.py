# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Audit evidence: objects that follow the entries, what is said when they cannot, and that no tampering goes unseen."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from moto.backends import get_backend

from ansible_collections.dr.aws.plugins.module_utils import evidence, trail
from ansible_collections.dr.aws.plugins.module_utils.approvals import ApprovalRefusedError, Approvals
from ansible_collections.dr.aws.plugins.module_utils.control_plane import LOCK_DAYS, Names, ensure
from ansible_collections.dr.aws.plugins.module_utils.dynamo import utc
from ansible_collections.dr.aws.plugins.module_utils.errors import DrError, InputError
from ansible_collections.dr.aws.plugins.module_utils.run import Control
from ansible_collections.dr.aws.plugins.module_utils.store import Store
from ansible_collections.dr.aws.plugins.modules.decision import decide

REGION = "us-west-2"
NAMES = Names("dr-state", "dr-evidence", "dr-events")
BUCKET = NAMES.audit_bucket
RECORD = {
    "customer": "acme",
    "environment": "production",
    "operation": "failover",
    "mode": "planned",
    "primary_region": "us-east-1",
    "dr_region": REGION,
    "created_by": "arn:aws:iam::123456789012:user/ann",
}
#: The account of the empty world.
ACCOUNT = "000000000000"
ANN, BOB = (f"arn:aws:iam::123456789012:user/{name}" for name in ("ann", "bob"))


class Time:
    """Epoch seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1_796_000_000.0

    def __call__(self) -> float:
        return self.now


def plane(sandbox: Any, **options: Any) -> Any:
    clients = [sandbox.client(service, REGION) for service in ("dynamodb", "s3", "sns")]
    return ensure(*clients, NAMES, REGION, sleep=sandbox.advance, **options)


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def store(sandbox: Any, clock: Time) -> Store:
    plane(sandbox)
    clients = [sandbox.client(service, REGION) for service in ("dynamodb", "s3")]
    return Store(*clients, NAMES.table, NAMES.bucket, clock, sandbox.advance)


@pytest.fixture
def name(store: Store) -> str:
    """An execution with two objects of evidence: entries 1 and 2, and entry 3."""
    name = str(store.create_execution(RECORD)["execution_id"])
    store.note(name, "execution_started", actor=ANN)
    store.note(name, "wave_started", actor=ANN, phase="activate")
    assert evidence.secure(store, name, ANN) == ""
    store.note(name, "approval_approved", actor=BOB, gate="activate-wave-01")
    assert evidence.secure(store, name, ANN) == ""
    return name


def where(name: str, number: int) -> str:
    return f"s3://{BUCKET}/{evidence.key_of(name, number)}"


def inside(name: str, number: int) -> Any:
    """An object as moto keeps it: what no API can change. Without the checksum, by which boto3 would see a change itself."""
    one = get_backend("s3")[ACCOUNT]["aws"].buckets[BUCKET].keys[evidence.key_of(name, number)]
    one.checksum_algorithm = one.checksum_value = None
    return one


# The bucket


def test_the_bucket_of_evidence_is_locked_and_no_lock_is_made_weaker(sandbox: Any) -> None:
    assert plane(sandbox, lock_mode="GOVERNANCE", lock_days=30).lock == ("GOVERNANCE", 30)
    assert plane(sandbox).changes == (), "what is not asked for stays"
    raised = plane(sandbox, lock_mode="COMPLIANCE", lock_days=LOCK_DAYS)
    assert (raised.lock, len(raised.changes)) == (("COMPLIANCE", 2557), 1)
    with pytest.raises(InputError, match="object_lock_mode='GOVERNANCE' cannot be used; allowed: COMPLIANCE"):
        plane(sandbox, lock_mode="GOVERNANCE")
    with pytest.raises(InputError, match="object_lock_days=30 cannot be used; allowed: at least 2557"):
        plane(sandbox, lock_days=30)
    held = sandbox.client("s3", REGION).get_object_lock_configuration(Bucket=BUCKET)["ObjectLockConfiguration"]
    assert held["Rule"]["DefaultRetention"].items() >= {"Mode": "COMPLIANCE", "Days": 2557}.items()


def test_an_older_control_plane_works_and_is_told(sandbox: Any, clock: Time) -> None:
    """Without the bucket and the indexes entries are kept, it is said what is missing, and the next time catches up."""
    plane(sandbox)
    dynamodb, s3 = (sandbox.client(service, REGION) for service in ("dynamodb", "s3"))
    s3.delete_bucket(Bucket=BUCKET)
    for index in ("audit-by-actor", "audit-by-day", "audit-by-type"):
        dynamodb.update_table(TableName=NAMES.table, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": index}}])
    store = Store(dynamodb, s3, NAMES.table, NAMES.bucket, clock, sandbox.advance)
    name = str(store.create_execution(RECORD)["execution_id"])
    store.note(name, "execution_started", actor=ANN)
    said = evidence.secure(store, name, ANN)
    assert f"bucket {BUCKET}, for evidence, does not exist. Next: ansible-playbook dr.aws.control_plane" in said
    assert [one["event_type"] for one in store.audit(name)] == ["execution_started", "evidence_failed"]
    assert any("does not exist" in one for one in evidence.verify(store, name))
    with pytest.raises(DrError, match=r"has no indexes of audit entries.*dr.aws.control_plane adds them"):
        trail.find(store, trail.Wanted(user=ANN))

    assert f"create bucket {BUCKET}" in plane(sandbox).changes
    assert evidence.secure(store, name, ANN) == ""
    assert evidence.verify(store, name) == []
    assert len(trail.find(store, trail.Wanted(user=ANN))[0]) == 2


# Writing


def test_a_flush_writes_one_object_and_nothing_when_there_is_nothing(sandbox: Any, store: Store, name: str) -> None:
    puts = sandbox.calls(service="s3", operation="PutObject")
    assert [one["params"]["Key"] for one in puts] == [evidence.key_of(name, 1), evidence.key_of(name, 2)]
    assert evidence.secure(store, name, ANN) == ""
    assert len(sandbox.calls(service="s3", operation="PutObject")) == 2
    first, second = (json.loads(store.s3.get_object(Bucket=BUCKET, Key=one["params"]["Key"])["Body"].read()) for one in puts)
    assert ([one["number"] for one in first["entries"]], first["previous"]) == ([1, 2], "")
    assert ([one["number"] for one in second["entries"]], len(second["previous"])) == ([3], 64)
    assert evidence.verify(store, name) == []


def test_a_locked_object_cannot_be_deleted(store: Store, name: str, aws_code: Callable[..., str]) -> None:
    key = evidence.key_of(name, 1)
    head = store.s3.head_object(Bucket=BUCKET, Key=key)
    assert head["ObjectLockMode"] == "COMPLIANCE"
    assert aws_code(store.s3.delete_object, Bucket=BUCKET, Key=key, VersionId=head["VersionId"]) == "AccessDenied"


def test_silence_of_s3_loses_nothing_and_stops_nothing(sandbox: Any, store: Store) -> None:
    name = str(store.create_execution(RECORD)["execution_id"])
    store.note(name, "execution_started", actor=ANN)
    sandbox.fault(match={"service": "s3"}, effect="reset")
    assert "are in DynamoDB, but not yet in" in evidence.secure(store, name, ANN)
    sandbox.fault(match={"service": "dynamodb"}, effect="reset")
    assert "nor could that be recorded" in evidence.secure(store, name, ANN)
    sandbox.clear_faults()
    assert [one["event_type"] for one in store.audit(name)] == ["execution_started", "evidence_failed"]
    store.update_execution(name, status="RUNNING")
    assert evidence.verify(store, name) == [], "while it runs, the end of the wave will write them"
    store.update_execution(name, status="FAILED")
    assert evidence.verify(store, name) == [
        "entries 1 to 2 are in DynamoDB only. Next: ansible-playbook dr.aws.readiness writes what is missing"
    ]
    assert evidence.secure(store, name, ANN) == ""
    assert evidence.verify(store, name) == []


def test_an_object_that_a_process_wrote_before_it_died_is_taken_up(store: Store, name: str) -> None:
    """It died between the two writes: the object is there, DynamoDB does not know it."""
    store.table.write([], [(f"EXEC#{name}", "EVID#000002")])
    assert evidence.verify(store, name) == []
    store.note(name, "execution_resumed", actor=ANN)
    assert evidence.secure(store, name, ANN) == ""
    assert [item["last"] for item in store.table.query(f"EXEC#{name}", "EVID#")] == [2, 3, 4]
    assert evidence.verify(store, name) == []


def test_an_object_that_does_not_fit_is_never_taken_up(store: Store, name: str) -> None:
    body = {"trail": name, "segment": 3, "previous": "", "entries": []}
    store.s3.put_object(Bucket=BUCKET, Key=evidence.key_of(name, 3), Body=json.dumps(body).encode())
    store.note(name, "execution_completed", actor=ANN)
    assert f"{where(name, 3)} is there already and is not what must follow" in evidence.secure(store, name, ANN)
    assert f"{where(name, 3)} does not follow the object before it" in evidence.verify(store, name)


# Tampering


def test_bytes_that_were_altered_are_named(store: Store, name: str) -> None:
    one = inside(name, 1)
    one.value = one.value.replace(b"execution_started", b"execution_stopped")
    assert evidence.verify(store, name)[:2] == [
        f"{where(name, 1)} was altered: it is not what DynamoDB has the sha256 of",
        f"entry 1 in {where(name, 1)} was changed",
    ]


def test_a_version_over_the_first_and_a_delete_marker_are_named(store: Store, name: str) -> None:
    store.s3.put_object(Bucket=BUCKET, Key=evidence.key_of(name, 1), Body=b"{}")
    store.s3.delete_object(Bucket=BUCKET, Key=evidence.key_of(name, 2))
    found = evidence.verify(store, name)
    assert [one.partition(";")[0] for one in found] == [f"{where(name, 1)} was overwritten", f"{where(name, 2)} was deleted"]


def test_an_object_that_is_gone_is_named(store: Store, name: str) -> None:
    keys = get_backend("s3")[ACCOUNT]["aws"].buckets[BUCKET].keys
    keys.pop(evidence.key_of(name, 1))
    assert evidence.verify(store, name) == [f"{where(name, 1)} is missing"]


def test_objects_that_changed_places_are_named(store: Store, name: str) -> None:
    one, two = inside(name, 1), inside(name, 2)
    one.value, two.value = two.value, one.value
    found = evidence.verify(store, name)
    assert f"{where(name, 1)} does not follow the object before it" in found
    assert f"{where(name, 1)} has entry 3 in the place of entry 1" in found


def test_a_strange_object_is_named(store: Store, name: str) -> None:
    store.s3.put_object(Bucket=BUCKET, Key=f"audit/{name}/more.json", Body=b"{}")
    assert evidence.verify(store, name) == [f"s3://{BUCKET}/audit/{name}/more.json is not an object of this trail"]


def test_entries_that_were_changed_or_cut_off_in_dynamodb_are_named(store: Store, name: str) -> None:
    store.table.update(f"EXEC#{name}", "AUD#00000002", {"actor": "eve"})
    store.table.write([], [(f"EXEC#{name}", "AUD#00000003")])
    assert evidence.verify(store, name) == [
        "DynamoDB: entry 2 was changed",
        f"entry 2 in DynamoDB is not the one in {where(name, 1)}",
        f"entry 3 is missing in DynamoDB; {where(name, 2)} has it",
    ]


def test_a_chain_that_was_written_anew_is_named(store: Store, name: str) -> None:
    """Whoever can write to DynamoDB alone can make a chain that holds in itself: the evidence tells another story."""
    pk = f"EXEC#{name}"
    store.table.write([], [(pk, f"AUD#{number:08d}") for number in (1, 2, 3)])
    for event in ("execution_started", "wave_started", "approval_approved"):
        store.note(name, event, actor="eve")
    assert store.broken_audit(name) == []
    assert f"entry 1 in DynamoDB is not the one in {where(name, 1)}" in evidence.verify(store, name)


# Queries


def test_entries_are_found_by_execution_user_day_and_event(sandbox: Any, store: Store, name: str, clock: Time) -> None:
    first = trail.find(store, trail.Wanted(execution_id=name))[0]
    assert [(one["log_id"], one["user_id"], one["operation"], one["result"]) for one in first] == [
        (f"{name}#1", ANN, "execution", "success"),
        (f"{name}#2", ANN, "phase transition", "success"),
        (f"{name}#3", BOB, "approval decision", "success"),
    ]
    day = first[0]["timestamp"][:10]
    clock.now += 86400
    store.note("operations-2026-11", "manifest_stored", actor=BOB)
    store.note(name, "approval_refused", actor=BOB, why="the token is used")
    before = len(sandbox.calls(service="dynamodb"))
    assert [one["log_id"] for one in trail.find(store, trail.Wanted(user=ANN))[0]] == [f"{name}#1", f"{name}#2"]
    assert [one["event_type"] for one in trail.find(store, trail.Wanted(user=BOB, since="2026-11-30"))[0]] != []
    assert [one["log_id"] for one in trail.find(store, trail.Wanted(since=day, until=day))[0]] == [f"{name}#{n}" for n in (1, 2, 3)]
    (refused,) = trail.find(store, trail.Wanted(event_type="approval_refused", user=BOB))[0]
    assert (refused["result"], refused["error_details"]) == ("failure", "the token is used")
    (stored,) = trail.find(store, trail.Wanted(event_type="manifest_stored"))[0]
    assert stored["operation"] == "configuration change"
    newest, more = trail.find(store, trail.Wanted(user=BOB), limit=1)
    assert (len(newest), more) == (1, True)
    assert {one["operation"] for one in sandbox.calls(service="dynamodb")[before:]} == {"Query"}


@pytest.mark.parametrize(
    "wanted",
    [
        trail.Wanted(),
        trail.Wanted(since="yesterday"),
        trail.Wanted(user=ANN, until="2026-13-01"),
        trail.Wanted(user=ANN, since="2026-11-02", until="2026-11-01"),
    ],
)
def test_what_cannot_be_asked_for_is_said(store: Store, wanted: trail.Wanted) -> None:
    with pytest.raises(InputError, match=r"cannot be used; allowed: a (value|day)"):
        trail.find(store, wanted)


def test_more_days_than_are_looked_at_are_refused_and_not_left_out(store: Store, clock: Time) -> None:
    oldest = utc(clock.now - 399 * 86400)[:10]
    assert trail.find(store, trail.Wanted(since=oldest)) == ([], False)
    before = utc(clock.now - 400 * 86400)[:10]
    with pytest.raises(InputError, match=f"since='{before}' cannot be used; allowed: 400 days at most, from {oldest}"):
        trail.find(store, trail.Wanted(since=before))
    assert trail.find(store, trail.Wanted(user=ANN, since=before)) == ([], False)


def test_a_trail_that_does_not_exist_is_not_whole(store: Store, name: str) -> None:
    (wrong,) = evidence.verify(store, f"{name[:-6]}ffffff")
    assert "no entry, object or execution" in wrong


def test_a_decision_is_in_the_trail_with_the_callers_identity(sandbox: Any, store: Store) -> None:
    """The actor is who AWS says, whatever a command line says. A decision that does not count is recorded as well."""
    name = str(store.create_execution({**RECORD, "plan_sha256": "ab" * 32})["execution_id"])
    approvals = Approvals(store)
    request = approvals.request(name, "activate-wave-01", "ab" * 32, requester=ANN)
    control = Control(
        {"accounts": [], "control_region": REGION, "table": NAMES.table, "bucket": NAMES.bucket, "audit_bucket": None}
    )
    given = {"execution_id": name, "approver": "bob", "plan_sha256": None, "comment": ""}
    with pytest.raises(ApprovalRefusedError, match="is not one of execution"):
        decide(control, {**given, "token": "wrong", "decision": "approve"}, False)
    decide(control, {**given, "token": request.token, "decision": "approve"}, False)
    me = sandbox.client("sts").get_caller_identity()["Arn"]
    entries = trail.find(store, trail.Wanted(execution_id=name))[0][1:]
    told = [(one["event_type"], one["user_id"], one["result"]) for one in entries]
    assert told == [("approval_refused", me, "failure"), ("approval_approved", me, "success")]
    assert len([*store.table.query(f"EXEC#{name}", "EVID#")]) == 2
