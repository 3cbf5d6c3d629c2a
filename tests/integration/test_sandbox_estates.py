# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The estates that are shipped or generated are built, and found by their tags."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sandbox.generate import generate

ENABLED = {"FilterString": 'tag:"dr:enabled=true" region:us-east-1,global'}
SHOP, BILLING, PLATFORM = "200000000001", "200000000002", "200000000003"


def protected(sandbox: Any, account: str) -> list[dict[str, Any]]:
    explorer = sandbox.inside("resource-explorer-2", "us-west-2", account)
    pages = explorer.get_paginator("list_resources").paginate(Filters=ENABLED, PaginationConfig={"PageSize": 500})
    return [resource for page in pages for resource in page["Resources"]]


def test_acme_is_found_by_its_tags_in_four_waves(sandbox: Any) -> None:
    sandbox.load("acme")
    found = [resource for account in (SHOP, BILLING, PLATFORM) for resource in protected(sandbox, account)]
    assert Counter(one["ResourceType"] for one in found) == {"rds:db": 7, "ecs:service": 12, "route53:hostedzone": 3}
    tags = [{tag["Key"]: tag["Value"] for tag in one["Properties"][0]["Data"]} for one in found]
    assert Counter(one["dr:wave"] for one in tags) == {"1": 7, "2": 8, "3": 4, "4": 3}
    assert {(one["Customer"], one["Environment"]) for one in tags} == {("acme", "production")}


def test_acmes_databases_have_replicas_and_its_services_standbys(sandbox: Any) -> None:
    sandbox.load("acme")
    replicas = sandbox.inside("rds", "us-west-2", SHOP).describe_db_instances()["DBInstances"]
    assert {one["DBInstanceIdentifier"]: one["DBInstanceStatus"] for one in replicas} == {
        "orders-db-west": "available",
        "catalog-db-west": "available",
        "basket-db-west": "available",
    }
    assert all(one["ReadReplicaSourceDBInstanceIdentifier"].startswith("arn:aws:rds:us-east-1:") for one in replicas)
    for region, running in (("us-east-1", 6), ("us-west-2", 0)):
        (orders,) = sandbox.inside("ecs", region, SHOP).describe_services(cluster="shop", services=["orders"])["services"]
        assert (orders["desiredCount"], orders["runningCount"]) == (running, running)


def test_a_generated_estate_of_a_thousand_services(sandbox: Any) -> None:
    sandbox.load(generate(1000, 2, ["ecs"], 1, "acme"))
    found = [resource for account in ("200000000000", "200000000001") for resource in protected(sandbox, account)]
    assert len(found) == 1000
