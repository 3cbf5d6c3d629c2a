# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Task definitions across regions."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.parts.rewrite import rewritten
from ansible_collections.dr.aws.plugins.module_utils.parts.task_definition import ecr_images, family, normalised, task_size

DIGEST = f"sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("111111111111.dkr.ecr.us-east-1.amazonaws.com/api:1", "111111111111.dkr.ecr.us-west-2.amazonaws.com/api:1"),
        ("arn:aws:secretsmanager:us-east-1:1:secret:x", "arn:aws:secretsmanager:us-west-2:1:secret:x"),
        ("us-east-1", "us-west-2"),
        ("us-east-1a", "us-west-2a"),
        ("us-east-10", "us-east-10"),
        ("my-us-east-1", "my-us-east-1"),
        ("us-east-1-logs", "us-east-1-logs"),
        ("fs-111", "fs-222"),
        (256, 256),
    ],
)
def test_strings_move_to_the_other_region(before: object, after: object) -> None:
    assert rewritten({"a": [before]}, "us-east-1", "us-west-2", {"fs-111": "fs-222"}) == {"a": [after]}


def test_what_aws_adds_makes_no_difference() -> None:
    registered = {"family": "api", "containerDefinitions": [{"name": "api", "image": "x", "environment": []}]}
    described = {
        **registered,
        "taskDefinitionArn": "arn",
        "revision": 3,
        "status": "ACTIVE",
        "volumes": [],
        "registeredBy": "me",
    }
    assert normalised(described) == normalised(registered)
    assert normalised({**described, "cpu": "256"}) != normalised(registered)


def test_a_family_is_read_from_an_arn_and_from_a_name() -> None:
    assert family("arn:aws:ecs:us-east-1:111111111111:task-definition/api:7") == family("api:7") == "api"


@pytest.mark.parametrize(
    ("image", "found"),
    [
        ("111111111111.dkr.ecr.us-west-2.amazonaws.com/team/api:1", ("team/api", ("imageTag", "1"))),
        ("111111111111.dkr.ecr.us-west-2.amazonaws.com/api", ("api", ("imageTag", "latest"))),
        (f"111111111111.dkr.ecr.us-west-2.amazonaws.com/api:1@{DIGEST}", ("api", ("imageDigest", DIGEST))),
        ("public.ecr.aws/nginx/nginx:1.27", None),
        ("nginx", None),
    ],
)
def test_only_private_ecr_images_can_be_proven(image: str, found: tuple[str, tuple[str, str]] | None) -> None:
    images = [(one.repository, one.reference) for one in ecr_images({"containerDefinitions": [{"image": image}]})]
    assert images == ([found] if found else [])


@pytest.mark.parametrize(
    ("definition", "size"),
    [
        ({"cpu": "256", "memory": "512"}, {"cpu": 256, "memory_mib": 512, "architecture": "X86_64"}),
        (
            {"cpu": "1024", "memory": "2048", "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}},
            {"cpu": 1024, "memory_mib": 2048, "architecture": "ARM64"},
        ),
        ({"cpu": "1024", "memory": "2048", "runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}}, {}),
        ({"memory": "512"}, {}),
        ({}, {}),
    ],
)
def test_what_a_task_is_paid_for(definition: dict[str, Any], size: dict[str, Any]) -> None:
    assert task_size(definition) == size
