# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What things cost an hour, what CLEANUP saves of that, and what copies cost, as tables."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.adapters import ADAPTERS
from ansible_collections.dr.aws.plugins.module_utils.costs import (
    ENDING,
    KEPT,
    RESTING,
    Copies,
    Estimate,
    copies,
    hourly,
    saving,
    savings,
)
from ansible_collections.dr.aws.plugins.module_utils.model import Pair
from ansible_collections.dr.aws.plugins.module_utils.prices import PRICES, RATES

DELETE = "rds:delete_db_instance"
RDS = {"engine": "postgres", "instance_class": "db.r6g.large", "multi_az": False}
AURORA = {"engine": "aurora-postgresql", "instance_class": "db.r6g.2xlarge", "instances": 2}
CACHE = {"node_type": "cache.r6g.large", "shards": 2, "replicas": 1}
MEMORY = {**CACHE, "node_type": "db.r7g.xlarge", "engine": "redis"}
SEARCH = {"instance_type": "r6g.large.search", "instance_count": 3}
TASKS = {"desired_count": 4, "task_size": {"cpu": 512, "memory_mib": 1024, "architecture": "X86_64"}}
GROUP = {"desired_capacity": 3, "instance_type": "m5.xlarge"}
FUNCTION = {"provisioned": 10, "memory_mib": 512, "architecture": "arm64"}
EFS = {"size_bytes": 200 * 2**30, "infrequent_bytes": 80 * 2**30, "archive_bytes": 20 * 2**30, "one_zone": False}
WINDOWS = {"type": "WINDOWS", "storage_gb": 300, "storage_type": "SSD", "deployment_type": "MULTI_AZ_1", "throughput": 32}
OPENZFS = {"type": "OPENZFS", "storage_gb": 64, "storage_type": "SSD", "deployment_type": "SINGLE_AZ_2", "throughput": 160}
LUSTRE = {"type": "LUSTRE", "storage_gb": 1200, "storage_type": "SSD", "deployment_type": "PERSISTENT_2", "throughput": 250}
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
            "ecs",
            TASKS,
            {},
            "ecs:update_service",
            4 * (0.5 * 0.04048 + 0.004445) * 730,
            "4 x 0.5 vCPU, 1 GB on Fargate, scaled to zero",
        ),
        (
            "autoscaling",
            GROUP,
            {},
            "autoscaling:update_auto_scaling_group",
            3 * 2 * 0.096 * 730,
            "3 x m5.xlarge, scaled to zero",
        ),
        (
            "lambda",
            FUNCTION,
            {},
            "lambda:delete_provisioned_concurrency_config",
            10 * 0.5 * 0.012 * 730,
            "provisioned concurrency 10 x 512 MB, the function is kept",
        ),
        ("efs", EFS, {}, "efs:delete_file_system", 100 * 0.30 + 80 * 0.016 + 20 * 0.008, "200 GB, backup kept"),
        (
            "fsx",
            WINDOWS,
            {},
            "fsx:delete_file_system",
            300 * 0.23 + 32 * 4.5,
            "WINDOWS MULTI_AZ_1, 300 GB SSD, 32 MB/s, final backup kept",
        ),
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
        ("ecs", {**TASKS, "task_size": {}}, ("ecs:update_service",)),
        ("ecs", TASKS, ("application-autoscaling:register_scalable_target",)),
        ("autoscaling", {**GROUP, "instance_type": ""}, ("autoscaling:update_auto_scaling_group",)),
        ("autoscaling", GROUP, ("autoscaling:suspend_processes",)),
        ("lambda", {**FUNCTION, "provisioned": 0}, ("lambda:delete_provisioned_concurrency_config",)),
        ("lambda", FUNCTION, ("lambda:put_function_concurrency",)),
        ("efs", EFS, ("efs:put_file_system_policy",)),
        ("efs", {**EFS, "size_bytes": 0, "infrequent_bytes": 0, "archive_bytes": 0}, ("efs:delete_file_system",)),
        ("fsx", WINDOWS, ("fsx:tag_resource",)),
        ("fsx", {**WINDOWS, "type": "ONTAP"}, ("fsx:delete_file_system",)),
        ("fsx", {}, ("fsx:delete_file_system",)),
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
    assert found == {"a": Estimate(0.225, f"1 x db.r6g.large, {SNAPSHOT}")}
    assert found["a"].to_json() == {"usd_per_month": 164, "basis": f"1 x db.r6g.large, {SNAPSHOT}", "estimate": True}


@pytest.mark.parametrize(
    ("technology", "size", "usd", "basis"),
    [
        ("efs", {**EFS, "one_zone": True}, (100 * 0.16 + 80 * 0.0133 + 20 * 0.008) / 730, "200 GB"),
        # 100 GB in Standard storage bring 5 MiB/s with them.
        (
            "efs",
            {**EFS, "provisioned_mibps": 64.0},
            (100 * 0.30 + 80 * 0.016 + 20 * 0.008 + 59 * 6) / 730,
            "200 GB, 64 MiB/s provisioned",
        ),
        (
            "efs",
            {**EFS, "provisioned_mibps": 4.0},
            (100 * 0.30 + 80 * 0.016 + 20 * 0.008) / 730,
            "200 GB, 4 MiB/s provisioned",
        ),
        ("fsx", OPENZFS, (64 * 0.09 + 160 * 0.26) / 730, "OPENZFS SINGLE_AZ_2, 64 GB SSD, 160 MB/s"),
        ("fsx", LUSTRE, 1200 * 0.21 / 730, "LUSTRE, 1200 GB SSD"),
        ("ecs", {**TASKS, "desired_count": 1}, 0.5 * 0.04048 + 0.004445, "1 x 0.5 vCPU, 1 GB on Fargate"),
        ("lambda", {**FUNCTION, "architecture": "x86_64"}, 10 * 0.5 * 0.015, "provisioned concurrency 10 x 512 MB"),
    ],
)
def test_what_is_paid_by_the_hour(technology: str, size: dict[str, Any], usd: float, basis: str) -> None:
    found = hourly(technology, size)
    assert found is not None
    assert (round(found.usd_per_hour, 8), found.basis) == (round(usd, 8), basis)


@pytest.mark.parametrize(
    "size",
    [
        {**OPENZFS, "deployment_type": "SINGLE_AZ_HA_2"},
        {**OPENZFS, "deployment_type": "MULTI_AZ_1"},
        {**OPENZFS, "storage_type": "INTELLIGENT_TIERING"},
        {**LUSTRE, "deployment_type": "PERSISTENT_1"},
        {**LUSTRE, "throughput": 0},
        {**LUSTRE, "storage_gb": 0},
    ],
)
def test_file_systems_that_the_table_does_not_have_cost_an_unknown_sum(size: dict[str, Any]) -> None:
    assert hourly("fsx", size) is None


def test_what_copies_cost_together_and_of_which_that_is_not_known() -> None:
    sizes: dict[str, tuple[str, dict[str, Any]]] = {f"ecs-{number}": ("ecs", {}) for number in range(6)}
    sizes |= {"rds-1": ("rds", RDS), "web": ("autoscaling", {**GROUP, "desired_capacity": 1}), "www": ("route53", {})}
    found = copies(sizes)
    assert {key: round(one.usd_per_hour, 4) for key, one in found.estimates.items()} == {"rds-1": 0.225, "web": 0.192}
    assert found.to_json() == {
        "usd_per_hour": 0.417,
        "copies": 8,
        "unknown": [f"ecs-{number}" for number in range(5)],
        "unknown_count": 6,
        "estimate": True,
    }
    assert found.estimates["rds-1"].by_hour() == {"usd_per_hour": 0.225, "basis": "1 x db.r6g.large", "estimate": True}


def test_a_sum_that_nobody_knows_is_none_and_not_zero() -> None:
    assert copies({"a": ("rds", {})}).to_json()["usd_per_hour"] is None
    assert copies({"www": ("route53", {}), "on-order": ("eventbridge", {}), "api": ("lambda", FUNCTION)}) == Copies({}, ())


def test_every_technology_is_estimated_or_costs_nothing_at_rest() -> None:
    assert set(ENDING) == set(KEPT) == set(PRICES) | set(RATES)
    assert set(ENDING) | set(RESTING) == set(ADAPTERS)
