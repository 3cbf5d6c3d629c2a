# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the store needs no AWS: notation, runners, redaction, how an execution stands, the journal in memory."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.dynamo import epoch, error_code, marshal, unmarshal, utc
from ansible_collections.dr.aws.plugins.module_utils.lock import process_gone, process_started, runner, this_host
from ansible_collections.dr.aws.plugins.module_utils.model import Call
from ansible_collections.dr.aws.plugins.module_utils.redact import MASK, mask
from ansible_collections.dr.aws.plugins.module_utils.status import summary
from ansible_collections.dr.aws.plugins.module_utils.store import TRANSITIONS, MemoryJournal, new_execution_id

NOW = 1_796_000_000.0


@pytest.mark.parametrize("value", [None, True, 7, -7, 1.5, "", "text", [1, "a", None], {"a": {"b": [False]}}, {}, [], 10**20])
def test_json_values_survive_the_table(value: Any) -> None:
    assert unmarshal(marshal(value)) == value


def test_what_is_no_json_is_not_stored() -> None:
    with pytest.raises(TypeError, match="set cannot be stored"):
        marshal({"a": {1}})


def test_times_sort_as_text() -> None:
    assert epoch(utc(NOW)) == NOW
    assert utc(NOW) < utc(NOW + 1)


def test_execution_ids_sort_by_time() -> None:
    assert new_execution_id(0, "7f3a9c") == "dr-19700101T000000Z-7f3a9c"
    assert new_execution_id(NOW) < new_execution_id(NOW + 1)
    assert new_execution_id(NOW) != new_execution_id(NOW)


def test_codes_of_errors() -> None:
    class RefusedError(Exception):
        response = {"Error": {"Code": "Nope"}}

    assert (error_code(RefusedError()), error_code(ValueError())) == ("Nope", "")


class TestRunners:
    @pytest.mark.parametrize(
        ("runner", "started", "gone"),
        [
            ("hub/1:42:100", {}, True),  # no such process
            ("hub/1:42:100", {42: "777"}, True),  # its number was given to another one
            ("hub/1:42:100", {42: "100"}, False),  # it runs
            ("other/1:42:100", {}, False),  # cannot be told from here
            ("hub/2:42:100", {}, False),  # another container of the same name
            ("hub/1:42:", {}, False),  # not recorded when it started
            ("", {}, False),
            ("hub/1", {}, False),
            ("hub/1:x:100", {}, False),
        ],
    )
    def test_only_proof_counts(self, runner: str, started: dict[int, str], gone: bool) -> None:
        assert process_gone(runner, "hub/1", lambda pid: started.get(pid, "")) is gone

    def test_a_runner_that_runs_is_not_gone(self) -> None:
        assert not process_gone(runner(os.getpid()), this_host(), process_started)


class TestRedaction:
    @pytest.mark.parametrize(
        ("given", "shown"),
        [
            ({"MasterUserPassword": "x"}, {"MasterUserPassword": MASK}),
            ({"a": [{"AuthToken": "x", "n": 1}]}, {"a": [{"AuthToken": MASK, "n": 1}]}),
            ({"external_id": "shop-1"}, {"external_id": MASK}),
            (
                {"plan_sha256": "abc", "token_sha256": "abc", "kms_key_id": "k"},
                {"plan_sha256": "abc", "token_sha256": "abc", "kms_key_id": "k"},
            ),
            ({"SecretArn": "arn:x"}, {"SecretArn": "arn:x"}),
            ({"password": ""}, {"password": ""}),
            ("key AKIAIOSFODNN7EXAMPLE leaked", f"key {MASK} leaked"),
            ("postgres://app:hunter2@db/orders", f"postgres://{MASK}@db/orders"),
            ("-----BEGIN RSA PRIVATE KEY-----\nabc", MASK),
            ("eyJhbGciOiJIUzI1.eyJzdWIiOiIx.c2ln", MASK),
            ("run with password=hunter2 now", f"run with password={MASK} now"),
            ("arn:aws:rds:us-east-1:111111111111:db:orders", "arn:aws:rds:us-east-1:111111111111:db:orders"),
        ],
    )
    def test_secrets_are_masked_by_name_and_by_look(self, given: Any, shown: Any) -> None:
        assert mask(given) == shown


EXECUTION: dict[str, Any] = {
    "execution_id": "dr-1",
    "execution_arn": "arn:aws:dr-aws:us-west-2::execution/dr-1",
    "customer": "acme",
    "environment": "production",
    "operation": "failover",
    "status": "RUNNING",
    "started_at": utc(NOW),
    "resource_count": 10,
    "planned": {"instantiate": {"1": 6, "2": 4}, "activate": {"1": 6, "2": 4}},
    "already": {"instantiate": 2, "activate": 0},
    "counts": {"instantiate": {"done": 8}, "activate": {"done": 3, "failed": 1}},
    "current_phase": "activate",
    "current_wave": 1,
    "expected_seconds": 1000,
}
MINE: Mapping[str, Any] = MappingProxyType({"execution_id": "dr-1", "runner": "hub:1:2"})
FAILED = {"resource": "db", "phase": "activate", "status": "failed", "why": "refused", "remedy": "grant it"}
LATER = {"resource": "api", "phase": "cleanup", "status": "deferred", "why": "dark", "remedy": "later"}


def stands(lock: Mapping[str, Any] | None = MINE, unfinished: tuple[dict[str, Any], ...] = (), **changes: Any) -> dict[str, Any]:
    execution = {**EXECUTION, **changes}
    return summary(execution, unfinished=unfinished, audit=(), approvals=(), debts=(), lock=lock, now=NOW + 300)


class TestStatus:
    def test_counts_percentage_and_estimate(self) -> None:
        found = stands()
        assert (found["current_phase"], found["current_wave"]) == ("activate", 1)
        assert (found["completed_resources"], found["resource_count"]) == (3, 10)
        assert found["progress_percentage"] == 70
        assert found["estimated_completion_time"] == utc(NOW + 600)

    def test_what_holds_already_counts_as_completed(self) -> None:
        assert stands(current_phase="instantiate")["completed_resources"] == 10

    def test_without_an_expectation_the_pace_so_far_decides(self) -> None:
        found = stands(expected_seconds=0, counts={"instantiate": {"done": 8}}, already={"instantiate": 2})
        assert found["progress_percentage"] == 50
        assert found["estimated_completion_time"] == utc(NOW + 600)

    def test_nothing_known_gives_no_estimate(self) -> None:
        assert stands(expected_seconds=0, counts={}, already={})["estimated_completion_time"] is None

    def test_failed_and_deferred_resources_say_why_and_what_next(self) -> None:
        found = stands(unfinished=(FAILED, {**FAILED, "phase": "instantiate", "status": "blocked"}, LATER))
        assert found["failed_resources_count"] == 1
        assert [(one["why"], one["remedy"]) for one in found["failed_resources"]] == [("refused", "grant it")] * 2
        assert found["deferred"] == [LATER]

    @pytest.mark.parametrize(
        ("status", "lock", "interrupted"),
        [
            ("RUNNING", MINE, False),
            ("RUNNING", None, True),
            ("RUNNING", {**MINE, "execution_id": "dr-2"}, True),
            ("PAUSED", None, False),
            ("COMPLETED", None, False),
        ],
    )
    def test_interrupted_is_running_without_a_runner(self, status: str, lock: dict[str, Any] | None, interrupted: bool) -> None:
        found = stands(lock, status=status)
        assert found["interrupted"] is interrupted
        assert (found["resume"] is not None) is (interrupted or status == "PAUSED")

    @pytest.mark.parametrize(
        ("changes", "verb"),
        [
            ({"status": "PAUSED", "uncommitted_until": utc(NOW + 301)}, "commit"),
            ({"status": "PAUSED", "uncommitted_until": utc(NOW + 300)}, "failover"),
            ({"status": "PAUSED", "uncommitted_until": utc(NOW + 301), "committed": {"by": "bob"}}, "failover"),
            ({"status": "COMPLETED", "uncommitted_until": utc(NOW + 301)}, "commit"),
            ({"status": "COMPLETED", "uncommitted_until": utc(NOW + 300)}, None),
            ({"status": "CANCELLED", "uncommitted_until": utc(NOW + 301)}, None),
            ({"status": "FAILED", "rollbacks": [{"state": "open"}]}, "rollback"),
            ({"status": "FAILED", "rollbacks": [{"state": "open"}, {"state": "ended"}]}, "failover"),
            ({"status": "RUNNING", "rollbacks": [{"state": "open"}]}, "rollback"),
            ({"status": "RUNNING", "rollbacks": [{"state": "left"}]}, "failover"),
        ],
    )
    def test_what_comes_next_within_an_undo_window_and_after_a_rollback(self, changes: dict[str, Any], verb: str | None) -> None:
        found = stands(None, operation="failover", **changes)
        name = found["execution_id"]
        assert found["resume"] == (verb and f"ansible-playbook dr.aws.{verb} -e execution_id={name}")
        if found["uncommitted_until"]:
            assert found["uncommitted_until"] == utc(NOW + 301) and not found["committed"]

    def test_completed_is_all_of_it(self) -> None:
        found = stands(None, status="COMPLETED", completed_at=utc(NOW + 200))
        assert (found["progress_percentage"], found["estimated_completion_time"]) == (100, None)


def test_ends_are_ends_but_for_a_rollback_and_failures_can_be_resumed() -> None:
    assert TRANSITIONS["CANCELLED"] == ()
    assert TRANSITIONS["COMPLETED"] == ("RUNNING",), "a rollback takes it back; nothing else is done with it"
    assert "RUNNING" in TRANSITIONS["FAILED"] and "RUNNING" in TRANSITIONS["PAUSED"]
    assert set(TRANSITIONS) == {state for states in TRANSITIONS.values() for state in states} | {"PENDING"}


def test_the_journal_in_memory() -> None:
    journal = MemoryJournal(lambda: NOW)
    call = Call("rds", "promote_read_replica", "us-west-2", {}, "promote")
    journal.intend([("db", "activate", call)])
    assert journal.known("activate")["db"]["intents"][call.digest]["outcome"] == "unknown"
    journal.outcome([("db", "activate", call, "accepted", "")])
    journal.finish([("db", "activate", "failed", {"why": "w"}), ("api", "activate", "done", {"outputs": {"n": 1}})])
    journal.debts([("db", "activate", "fence it")])
    journal.renew()
    journal.progress("activate", 1, {"done": 1})
    journal.note("wave_completed", wave=1)
    known = journal.known("activate")
    assert known["db"]["intents"][call.digest] == {"sent_at": utc(NOW), "outcome": "accepted", "detail": ""}
    assert known["db"]["done"] is None and known["db"]["result"]["why"] == "w"
    assert known["api"]["done"] == {"n": 1}
    assert journal.owed == [("db", "activate", "fence it")]
    assert journal.at == {"current_phase": "activate", "current_wave": 1, "wave_counts": {"done": 1}}
    assert journal.notes == [{"event_type": "wave_completed", "wave": 1}]
    assert journal.known("instantiate") == {}
