# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Readiness snapshots: all are kept, a plan stands on the last when the source is dark, and one that was changed is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playbook import BUCKET, EAST, SCOPE, SERVICES, SHOP, TABLE, WEST, Operator, estate, key_of, unfolded

from ansible_collections.dr.aws.plugins.module_utils import snapshots
from ansible_collections.dr.aws.plugins.module_utils.store import Store

LATEST = "snapshots/acme/production/latest.json"


@pytest.fixture
def store(sandbox: Any) -> Store:
    """The control plane of the small estate."""
    return Store(sandbox.client("dynamodb"), sandbox.client("s3"), TABLE, BUCKET)


def tamper(store: Store, key: str, change: Callable[[bytes], bytes]) -> None:
    """Somebody who may write to the bucket changes an object."""
    body = store.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    changed = change(body)
    assert changed != body
    store.s3.put_object(Bucket=BUCKET, Key=key, Body=changed)


def test_with_the_source_and_its_index_dark_the_plan_comes_from_the_snapshot(
    sandbox: Any, operator: Operator, store: Store
) -> None:
    """And with a snapshot that was changed it is refused, until a person accepts it."""
    operator.load(estate())
    operator.readiness()
    sandbox.dark(EAST)
    sandbox.fault(match={"service": "resource-explorer-2"}, effect="reset")
    asked = {**SCOPE, "mode": "unplanned", "approval_mode": "automatic"}
    made = operator.run("plan", "--flush-cache", **asked).ok()
    for account, cluster, name, _wave, _tasks in SERVICES:
        assert key_of(account, cluster, name) in made.out
    assert "! since the snapshot" not in made.out

    (pointer,) = snapshots.versions(store, "acme", "production")
    tamper(store, LATEST, lambda body: body.replace(b"shop/basket", b"shop/casket"))
    operator.run("failover", "--flush-cache", **asked).refused(
        "the readiness snapshot is not used", "checksum", "-e accept_snapshot=true"
    )
    tamper(store, str(pointer["s3"]), lambda body: body.replace(b"shop/basket", b"shop/casket"))
    operator.run("failover", "--flush-cache", **asked).refused(
        "the readiness snapshot is not used", "sha256 differs", "-e accept_snapshot=true"
    )
    accepted = operator.run("plan", "--flush-cache", **asked, accept_snapshot=True).ok()
    assert "! the readiness snapshot is used unverified" in accepted.out
    assert operator.mutations() == []


def test_a_snapshot_in_place_of_the_stored_one_is_found_out(sandbox: Any, operator: Operator, store: Store) -> None:
    """Both checksums within the object are right; what DynamoDB knows of the last snapshot is not in the bucket."""
    operator.load(estate())
    operator.readiness()
    older = store.s3.get_object(Bucket=BUCKET, Key=LATEST)["Body"].read()
    operator.sandbox.inside("ecs", EAST, SHOP).update_service(cluster="shop", service="basket", desiredCount=9)
    operator.readiness()
    store.s3.put_object(Bucket=BUCKET, Key=LATEST, Body=older)
    sandbox.dark(EAST)
    operator.failover("--flush-cache").refused("the inventory read another snapshot of acme/production")


def test_every_snapshot_is_kept_and_says_what_changed_since_the_one_before(sandbox: Any, operator: Operator, store: Store) -> None:
    """Drift is on the screen, in the snapshot and, until readiness has run again, among the plan's warnings."""
    operator.load(estate())
    assert "drift" not in operator.readiness().out, "there was none before"
    basket, orders = (key_of(SHOP, "shop", name) for name in ("basket", "orders"))
    client = sandbox.inside("ecs", EAST, SHOP)
    service = client.describe_services(cluster="shop", services=["basket"])["services"][0]["serviceArn"]
    client.tag_resource(resourceArn=service, tags=[{"key": "dr:wave", "value": "1"}])
    client.update_service(cluster="shop", service="orders", desiredCount=30)
    planned = operator.run("plan", "--flush-cache", **SCOPE).ok()
    assert f"wave of {basket} is 1, was 2" in unfolded(planned.out)

    sandbox.advance(600)
    ran = operator.run("readiness", "--flush-cache", **SCOPE).ok()
    said = unfolded(ran.out)
    assert f"wave of {basket} is 1, was 2" in said and f"desired_count of {orders} is 30, was 3" in said
    newer, first = (
        snapshots.version(store, "acme", "production", one["at"]) for one in snapshots.versions(store, "acme", "production")
    )
    assert (newer.problem, first.problem, first.body["drift"]) == ("", "", [])
    assert {(one["resource"], one["what"]) for one in newer.body["drift"]} == {(basket, "wave"), (orders, "desired_count")}
    assert newer.body["captured"][orders]["desired_count"] == 30
    assert first.body["captured"][orders]["desired_count"] == 3


def test_an_earlier_snapshot_takes_the_place_of_one_that_was_changed(sandbox: Any, operator: Operator, store: Store) -> None:
    """Also with the source dark, and at the age that it has."""
    operator.load(estate())
    operator.readiness()
    (first,) = snapshots.versions(store, "acme", "production")
    operator.run("readiness", "--limit", "technology_ecs", **SCOPE).refused("5 of 8 resources; the last snapshot was kept")
    operator.readiness()
    newer, _older = snapshots.versions(store, "acme", "production")
    for key in (LATEST, str(newer["s3"])):
        tamper(store, key, lambda body: body.replace(b"shop/basket", b"shop/casket"))
    sandbox.dark(EAST)
    asked = {**SCOPE, "mode": "unplanned"}
    operator.run("plan", "--flush-cache", **asked).refused("the readiness snapshot is not used", "-e restore_snapshot=")
    operator.run("readiness", **SCOPE, restore_snapshot=newer["at"]).refused("cannot be restored")
    operator.run("readiness", **SCOPE, restore_snapshot="yesterday").refused("has no snapshot of yesterday", first["at"])
    operator.run("readiness", **SCOPE, restore_snapshot=first["at"]).ok()
    kept, before = snapshots.latest(store, "acme", "production"), snapshots.version(store, "acme", "production", first["at"])
    assert kept is not None and (kept.problem, kept.body) == ("", before.body)
    operator.run("plan", "--flush-cache", **asked).ok()


def test_readiness_does_without_a_snapshot_that_was_changed(sandbox: Any, operator: Operator, store: Store) -> None:
    """The last that is what was stored counts; the new one makes all well again."""
    operator.load(estate())
    operator.readiness()
    (pointer,) = snapshots.versions(store, "acme", "production")
    tamper(store, str(pointer["s3"]), lambda body: json.dumps({**json.loads(body), "captured": {}}).encode())
    operator.run("failover", **SCOPE, mode="planned").refused("the readiness snapshot is not used")
    assert "not used: the snapshot of" in operator.readiness().out
    kept = snapshots.latest(store, "acme", "production")
    assert kept is not None and kept.problem == "" and kept.captured
    assert WEST in operator.run("plan", **SCOPE, mode="planned").ok().out
