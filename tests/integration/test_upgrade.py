# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What earlier releases stored is read and carried on; what newer ones made is refused; the table is migrated while executions run.

The files in records/ were written by earlier states of this repository: an execution whose wave 2 failed, and a stored plan.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from playbook import (
    BUCKET,
    EAST,
    FULL,
    NONE,
    SCOPE,
    SERVICES,
    TABLE,
    WEST,
    Operator,
    estate,
    key_of,
    names,
    pointing,
    tasks,
)
from test_store import NAMES, RECORD, Time, plane

from ansible_collections.dr.aws.plugins.module_utils import migrations, plans, schema
from ansible_collections.dr.aws.plugins.module_utils.errors import DrError
from ansible_collections.dr.aws.plugins.module_utils.plan import Plan, PlanError
from ansible_collections.dr.aws.plugins.module_utils.schema import SchemaError
from ansible_collections.dr.aws.plugins.module_utils.store import Store

RECORDS = sorted((Path(__file__).parent / "records").glob("*.json"))
ids = pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
REFUSED = r"of schema 2\.0, which a newer release of dr\.aws made; this one understands 1\.\d+ and what is older"
UPGRADE = "Next: ansible-galaxy collection install --upgrade dr.aws"


def stored(record: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """(items of the table, bodies in the bucket)."""
    found = json.loads(record.read_text(encoding="utf-8"))
    return found["items"], found["objects"]


def kept(sandbox: Any) -> Store:
    return Store(sandbox.client("dynamodb"), sandbox.client("s3"), TABLE, BUCKET)


@pytest.fixture
def store(sandbox: Any) -> Store:
    """On a table of this release."""
    plane(sandbox)
    made = Store(sandbox.client("dynamodb"), sandbox.client("s3"), NAMES.table, NAMES.bucket, Time(), sandbox.advance)
    migrations.migrate(made, apply=True)
    return made


def mark(store: Store, **said: Any) -> None:
    store.table.put({"PK": "SCHEMA", "SK": "SCHEMA", **said})


# Earlier shapes


@ids
def test_an_execution_of_an_earlier_release_is_carried_on(record: Path, sandbox: Any, operator: Operator) -> None:
    items, objects = stored(record)
    name = next(item["execution_id"] for item in items if item["SK"] == "META")
    done = {item["key"] for item in items if item["SK"].startswith("P#activate#D#")}
    moved = {
        one: {"desired": 0, "peer": {"desired": wanted}}
        for account, cluster, one, _wave, wanted in SERVICES
        if key_of(account, cluster, one) in done
    }
    assert len(moved) == 4, "all but one of the services serve in the target"
    operator.load(estate(**moved))
    operator.run("control_plane").ok()
    store = kept(sandbox)
    store.table.write(items)
    for key, body in objects.items():
        store.put_object(key, json.dumps(body, sort_keys=True).encode())

    before = operator.status(name)
    assert (before["status"], [one["status"] for one in before["failed_resources"]]) == ("FAILED", ["failed"])
    assert store.broken_audit(name) == []
    operator.run("failover", execution_id=name).ok()
    assert (tasks(sandbox, EAST), tasks(sandbox, WEST), names(sandbox)) == (NONE, FULL, pointing(WEST))
    after = operator.status(name)
    assert (after["status"], after["failed_resources"]) == ("COMPLETED", [])
    assert after["counts"]["activate"] == {"done": 8}
    assert store.get_execution(name)["schema"] == schema.CURRENT
    assert store.broken_audit(name) == []


@ids
def test_a_plan_of_an_earlier_release_is_read_and_a_changed_one_is_not(record: Path, store: Store) -> None:
    items, objects = stored(record)
    (pointer,) = [item for item in items if item["PK"].startswith("PLAN#")]
    store.table.put(pointer)
    raw = json.dumps(objects[pointer["s3"]], sort_keys=True).encode()
    store.put_object(pointer["s3"], raw)
    plan = plans.get(store, pointer["PK"].removeprefix("PLAN#"))
    assert (plan.sha256, len(plan.pairs), plan.parameters.hooks) == (pointer["plan_sha256"], 8, ())
    assert Plan.from_json(json.loads(json.dumps(objects[pointer["s3"]]["plan"]))) == plan
    changed = json.loads(raw)["plan"]
    changed["pairs"][0]["target_id"] = "somebody-else's"
    with pytest.raises(PlanError, match="was changed: its hash differs"):
        Plan.from_json(changed)


# Newer shapes


@pytest.mark.parametrize("minor", ["1.999", schema.CURRENT])
def test_what_a_newer_release_added_does_not_hinder(minor: str, store: Store) -> None:
    mark(store, schema=minor, more="something")
    name = store.create_execution({**RECORD, "more": {"of": "it"}})["execution_id"]
    store.table.update(f"EXEC#{name}", "META", {"schema": minor})
    assert store.update_execution(name, status="RUNNING")["schema"] == minor, "never lowered"
    assert migrations.migrate(store, apply=True) == []
    assert store.marked()["schema"] == minor


def test_an_execution_of_a_newer_major_is_not_touched(store: Store) -> None:
    name = store.create_execution(RECORD)["execution_id"]
    store.table.update(f"EXEC#{name}", "META", {"schema": "2.0"})
    before = store.table.get(f"EXEC#{name}", "META")
    for touch in (
        lambda: store.get_execution(name),
        lambda: store.status(name),
        lambda: store.executions(customer="acme", environment="production"),
        lambda: store.update_execution(name, status="CANCELLED"),
    ):
        with pytest.raises(SchemaError, match=f"execution {name} is {REFUSED}.*{UPGRADE}"):
            touch()
    assert store.table.get(f"EXEC#{name}", "META") == before


def test_a_table_of_a_newer_major_starts_and_changes_nothing(sandbox: Any, operator: Operator) -> None:
    operator.load(estate())
    operator.run("control_plane").ok()
    store = kept(sandbox)
    mark(store, schema="2.0")
    before = operator.mark()
    operator.failover(phases="activate").refused(f"table {TABLE} is of schema 2.0", UPGRADE)
    operator.run("control_plane").refused(f"table {TABLE} is of schema 2.0", UPGRADE)
    assert operator.mutations(before) == []
    assert store.executions(customer="acme", environment="production") == store.list_objects("plans/") == []
    assert store.marked()["schema"] == "2.0"


# Migration


def older(sandbox: Any, store: Store) -> str:
    """An execution with three audit entries as they were before there were days, in a table that says nothing of a schema."""
    name = str(store.create_execution(RECORD)["execution_id"])
    for number in (1, 2, 3):
        store.note(name, "execution_started")
        store.table.update(f"EXEC#{name}", f"AUD#{number:08d}", {}, remove=("audit_day",))
    store.table.write([], [("SCHEMA", "SCHEMA")])
    return name


def days(store: Store, name: str) -> list[str | None]:
    return [item.get("audit_day") for item in store.table.query(f"EXEC#{name}", "AUD#")]


def test_an_older_table_is_migrated_once(sandbox: Any, store: Store) -> None:
    name = older(sandbox, store)
    steps = [f"audit entries get their day: 3 items of table {NAMES.table}", f"schema {schema.CURRENT} of table {NAMES.table}"]
    before = len(sandbox.calls(mutating=True))
    assert migrations.migrate(store, apply=False) == steps
    assert len(sandbox.calls(mutating=True)) == before
    assert migrations.migrate(store, apply=True) == steps
    assert days(store, name) == [store.audit(name)[0]["at"][:10]] * 3
    assert store.broken_audit(name) == []
    assert migrations.migrate(store, apply=True) == []


def test_a_migration_that_was_killed_is_done_again(sandbox: Any, store: Store) -> None:
    name = older(sandbox, store)
    sandbox.fault(match={"service": "dynamodb", "operation": "UpdateItem"}, effect="error", code="Killed", kth=2)
    with pytest.raises(Exception, match="Killed"):
        migrations.migrate(store, apply=True)
    assert (sum(day is not None for day in days(store, name)), store.marked()) == (1, {})
    sandbox.clear_faults()
    assert migrations.migrate(store, apply=True)[0].startswith("audit entries get their day: 2 items")
    assert None not in days(store, name)


def test_of_two_that_migrate_at_once_one_says_so(store: Store) -> None:
    store.table.write([], [("SCHEMA", "SCHEMA")])

    class Slow(Store):
        def marked(self) -> dict[str, Any]:
            return {}

    migrations.migrate(store, apply=True)
    with pytest.raises(DrError, match=f"brought to schema {schema.CURRENT} by somebody else at this moment"):
        migrations.migrate(Slow(store.table.client, store.s3, NAMES.table, NAMES.bucket, store.clock), apply=True)


def test_another_major_waits_for_what_runs(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the release will do that brings it: those that run do not understand it."""
    name = str(store.create_execution(RECORD)["execution_id"])
    store.update_execution(name, status="RUNNING")
    monkeypatch.setattr(schema, "CURRENT", "2.0")
    with pytest.raises(DrError, match=f"cannot go from schema 1.1 to 2.0 while {name} runs.*pause -e execution_id={name}"):
        migrations.migrate(store, apply=True)
    store.update_execution(name, status="PAUSED")
    assert migrations.migrate(store, apply=True) == [f"schema 2.0 of table {NAMES.table}"]


# While an execution runs


def test_the_control_plane_is_upgraded_while_an_execution_runs(sandbox: Any, operator: Operator) -> None:
    """One as an earlier release made it: no schema, no index of days, no protection, entries without a day; and then ours."""
    operator.load(estate())
    operator.readiness()
    store, dynamodb = kept(sandbox), sandbox.client("dynamodb")
    store.table.write([], [("SCHEMA", "SCHEMA")])
    dynamodb.update_table(TableName=TABLE, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "audit-by-day"}}])
    dynamodb.update_table(TableName=TABLE, DeletionProtectionEnabled=False)

    running = operator.start("failover", **{**SCOPE, "mode": "planned"})
    token = running.until(r"-e token=(\S+) -e decision=approve$")[1]
    (execution,) = store.executions(status="RUNNING")
    name = execution["execution_id"]
    assert execution["counts"]["instantiate"] == {"done": 5}, "its waves are behind it"
    store.table.update(f"EXEC#{name}", "AUD#00000001", {}, remove=("audit_day",))

    upgraded = operator.run("control_plane").ok()
    assert upgraded.changed == 1
    assert (store.marked()["schema"], None in days(store, name)) == (schema.CURRENT, False)
    table: Mapping[str, Any] = dynamodb.describe_table(TableName=TABLE)["Table"]
    assert table["DeletionProtectionEnabled"]
    assert "audit-by-day" in {one["IndexName"] for one in table["GlobalSecondaryIndexes"]}
    assert operator.run("control_plane").ok().changed == 0

    operator.run("approve", execution_id=name, token=token, decision="approve").ok()
    running.end().ok()
    assert (tasks(sandbox, WEST), names(sandbox)) == (FULL, pointing(WEST))
    assert operator.status(name)["status"] == "COMPLETED"
    assert store.broken_audit(name) == []
