# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the costs of a copy depend on: production's size, as small as the drill makes it, or as the settings say."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.drills import drill
from ansible_collections.dr.aws.plugins.module_utils.model import Goal, Pair

TASK = {"cpu": 256, "memory_mib": 512, "architecture": "X86_64"}
SERVICE = {"desired_count": 8, "task_size": TASK}
SHARES = {"type": "WINDOWS", "storage_gb": 300, "storage_type": "SSD", "deployment_type": "MULTI_AZ_1", "throughput": 512}
SCALED = {"type": "LUSTRE", "deployment_type": "PERSISTENT_1", "throughput": 50}


@pytest.mark.parametrize(
    ("technology", "captured", "settings", "differs"),
    [
        ("drs", {"instance_type": "m5.large"}, {}, {}),
        ("drs", {"instance_type": "m5.large"}, {"instance_type": "t3.small"}, {"instance_type": "t3.small"}),
        ("rds", {"instance_class": "db.r6g.large", "multi_az": True}, {}, {"multi_az": False}),
        ("rds", {"multi_az": False}, {"instance_class": "db.t3.medium"}, {"instance_class": "db.t3.medium"}),
        ("aurora", {"instance_class": "db.r6g.large", "instances": 3}, {}, {"instances": 1}),
        ("ecs", SERVICE, {}, {"desired_count": 1}),
        ("ecs", SERVICE, {"launch_type": "FARGATE"}, {"desired_count": 1}),
        ("ecs", SERVICE, {"launch_type": "EC2"}, {"desired_count": 1, "task_size": {}}),
        ("ecs", SERVICE, {"task_definition": "small:1"}, {"desired_count": 1, "task_size": {}}),
        ("autoscaling", {"desired_capacity": 9, "instance_type": "m5.large"}, {}, {"desired_capacity": 1}),
        ("elasticache", {"node_type": "cache.m5.large", "shards": 2, "replicas": 2}, {}, {"replicas": 0}),
        ("memorydb", {"shards": 2, "replicas": 1}, {"node_type": "db.t4g.small"}, {"replicas": 0, "node_type": "db.t4g.small"}),
        ("opensearch", {"instance_type": "r6g.large.search", "instance_count": 3}, {}, {"instance_count": 1}),
        (
            "efs",
            {"size_bytes": 9, "infrequent_bytes": 4, "archive_bytes": 2, "one_zone": True, "provisioned_mibps": 64.0},
            {},
            {"infrequent_bytes": 0, "archive_bytes": 0, "one_zone": False, "provisioned_mibps": None},
        ),
        ("fsx", SHARES, {}, {"deployment_type": "SINGLE_AZ_2", "throughput": 32}),
        ("fsx", {**SHARES, "throughput": 16}, {}, {"deployment_type": "SINGLE_AZ_2"}),
        ("fsx", SHARES, {"throughput_capacity": 64}, {"deployment_type": "SINGLE_AZ_2", "throughput": 64}),
        ("fsx", SCALED, {}, {}),
        ("lambda", {"provisioned": 5}, {}, {}),
    ],
)
def test_what_a_copy_has_of_production(
    technology: str, captured: dict[str, Any], settings: dict[str, Any], differs: dict[str, Any]
) -> None:
    pair = Pair("one", technology, "1", "us-east-1", "us-west-2", "a", "a", settings={"drill": settings})
    assert drill(technology).copy_size(Goal(pair, captured=captured)) == {**captured, **differs}
