# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What CLEANUP saves, as tables; and that the document shows the prices that are used."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.model import Pair
from ansible_collections.dr.aws.plugins.module_utils.prices import ENDING, PAGES, PRICES, PRICES_OF, Estimate, saving, savings

DOCUMENT = Path(__file__).resolve().parents[4] / "docs/costs.md"
DELETE = "rds:delete_db_instance"
RDS = {"engine": "postgres", "instance_class": "db.r6g.large", "multi_az": False}
AURORA = {"engine": "aurora-postgresql", "instance_class": "db.r6g.2xlarge", "instances": 2}
CACHE = {"node_type": "cache.r6g.large", "shards": 2, "replicas": 1}
MEMORY = {**CACHE, "node_type": "db.r7g.xlarge", "engine": "redis"}
SEARCH = {"instance_type": "r6g.large.search", "instance_count": 3}
SNAPSHOT = "final snapshot kept"


@pytest.mark.parametrize(
    ("technology", "captured", "outputs", "call", "usd", "basis"),
    [
        ("rds", RDS, {"source": "removed"}, DELETE, 0.225 * 730, f"1 x db.r6g.large, {SNAPSHOT}"),
        ("rds", {**RDS, "multi_az": True}, {}, DELETE, 2 * 0.225 * 730, f"2 x db.r6g.large, {SNAPSHOT}"),
        ("rds", {**RDS, "instance_class": "db.t3.micro"}, {}, DELETE, 0.145 / 8 * 730, f"1 x db.t3.micro, {SNAPSHOT}"),
        ("aurora", AURORA, {"source": "absent"}, DELETE, 2 * 4 * 0.26 * 730, f"2 x db.r6g.2xlarge, {SNAPSHOT}"),
        (
            "elasticache",
            CACHE,
            {"source": "absent"},
            "elasticache:delete_replication_group",
            4 * 0.206 * 730,
            f"4 x cache.r6g.large, {SNAPSHOT}",
        ),
        ("memorydb", MEMORY, {}, "memorydb:delete_cluster", 4 * 2 * 0.325 * 730, f"4 x db.r7g.xlarge, {SNAPSHOT}"),
        (
            "memorydb",
            {**MEMORY, "engine": "valkey"},
            {},
            "memorydb:delete_cluster",
            0.7 * 4 * 2 * 0.325 * 730,
            f"4 x db.r7g.xlarge, {SNAPSHOT}",
        ),
        ("opensearch", SEARCH, {}, "opensearch:delete_domain", 3 * 0.167 * 730, "3 x r6g.large.search, data nodes only"),
        (
            "drs",
            {},
            {"instance_type": "m5.xlarge"},
            "ec2:stop_instances",
            2 * 0.096 * 730,
            "1 x m5.xlarge, stopped, its volumes are kept and paid",
        ),
        (
            "drs",
            {"instance_type": "m5.large"},
            {"source": "gone"},
            "ec2:terminate_instances",
            0.096 * 730,
            f"1 x m5.large, terminated, {SNAPSHOT}",
        ),
    ],
)
def test_what_was_ended_is_priced(
    technology: str, captured: dict[str, Any], outputs: dict[str, Any], call: str, usd: float, basis: str
) -> None:
    found = saving(technology, captured, outputs, {call, "ec2:create_tags"})
    assert found is not None
    assert (round(found.usd_per_month, 4), found.basis) == (round(usd, 4), basis)


@pytest.mark.parametrize(
    ("technology", "captured", "calls"),
    [
        ("rds", RDS, ()),
        ("rds", RDS, ("rds:modify_db_instance", "rds:add_tags_to_resource")),
        ("rds", {}, (DELETE,)),
        ("rds", {**RDS, "engine": "oracle-ee"}, (DELETE,)),
        ("rds", {**RDS, "instance_class": "db.x2iedn.large"}, (DELETE,)),
        ("aurora", {**AURORA, "instance_class": "db.serverless"}, (DELETE,)),
        ("aurora", {**AURORA, "instances": 0}, (DELETE,)),
        ("memorydb", {**MEMORY, "engine": "other"}, ("memorydb:delete_cluster",)),
        ("opensearch", {"instance_type": "r6g.large.search"}, ("opensearch:delete_domain",)),
        ("drs", {"instance_type": "m5.metal"}, ("ec2:stop_instances",)),
        ("drs", {}, ("ec2:terminate_instances",)),
        ("ecs", {"desired_count": 4}, ("ecs:update_service",)),
        ("route53", {}, ("route53:change_resource_record_sets",)),
    ],
)
def test_what_is_not_known_or_was_not_ended_has_no_estimate(
    technology: str, captured: dict[str, Any], calls: tuple[str, ...]
) -> None:
    assert saving(technology, captured, {}, calls) is None


def test_only_what_is_done_and_was_ended_in_the_region_being_left_counts() -> None:
    pairs = [Pair(key, "rds", "1", "us-east-1", "us-west-2", key, key) for key in ("a", "b", "c", "d")]
    captured = {pair.key: RDS for pair in pairs}
    sent = {"a": {(DELETE, "us-east-1")}, "b": {(DELETE, "us-west-2")}, "c": {(DELETE, "us-east-1")}}
    found = savings(pairs, captured, {"a": {}, "b": {}, "d": {}}, sent)
    assert found == {"a": Estimate(0.225 * 730, f"1 x db.r6g.large, {SNAPSHOT}")}
    assert found["a"].to_json() == {"usd_per_month": 164, "basis": f"1 x db.r6g.large, {SNAPSHOT}", "estimate": True}


def test_the_document_has_the_table_that_is_used() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if re.match(r"\| (family|\w+) \|", line)
    ]
    head, *rows = rows[[row[0] for row in rows].index("family") :]
    shown: dict[str, dict[str, float]] = {technology: {} for technology in head[1:]}
    for family, *prices in rows:
        for technology, price in zip(head[1:], prices, strict=True):
            if price:
                shown[technology][family] = float(price)
    assert shown == PRICES
    assert PRICES_OF in text
    for technology, page in PAGES.items():
        assert f"- {technology}: <{page}>" in text


def test_every_technology_with_prices_says_what_ends_them_and_where_they_are_from() -> None:
    assert set(PRICES) == set(PAGES) == set(ENDING)
