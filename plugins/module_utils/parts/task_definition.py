# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ECS task definitions across regions: comparing them, and which images can be proven. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .rewrite import kept

#: What DescribeTaskDefinition adds to what RegisterTaskDefinition took (botocore's TaskDefinition shape).
OUTPUT_ONLY = frozenset(
    {
        "taskDefinitionArn",
        "revision",
        "status",
        "requiresAttributes",
        "compatibilities",
        "registeredAt",
        "registeredBy",
        "deregisteredAt",
        "deleteRequestedAt",
    }
)
_ECR_IMAGE = re.compile(
    r"^(?P<registry>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/(?P<repository>[^:@]+)"
    r"(:(?P<tag>[^@]+))?(@(?P<digest>sha256:[0-9a-f]+))?$"
)


@dataclass(frozen=True, slots=True)
class EcrImage:
    """An image in a private ECR registry: `reference` is the `imageIds` member naming it, `registry` its account."""

    name: str
    registry: str
    region: str
    repository: str
    reference: tuple[str, str]


def family(arn: str) -> str:
    """The family of a task definition ARN (or of `family:revision`)."""
    return arn.rsplit("/", 1)[-1].split(":", 1)[0]


def normalised(definition: Mapping[str, Any]) -> dict[str, Any]:
    """What was registered, without what AWS adds: two revisions that run the same are equal."""
    members: dict[str, Any] = kept({key: value for key, value in definition.items() if key not in OUTPUT_ONLY})
    return members


def task_size(definition: Mapping[str, Any]) -> dict[str, Any]:
    """What a task of it is paid for on Fargate for Linux: {cpu: units, memory_mib, architecture}; {} where it does not say."""
    cpu, memory = str(definition.get("cpu", "")), str(definition.get("memory", ""))
    platform = definition.get("runtimePlatform", {})
    if not (cpu.isdecimal() and memory.isdecimal()) or platform.get("operatingSystemFamily", "LINUX") != "LINUX":
        return {}
    return {"cpu": int(cpu), "memory_mib": int(memory), "architecture": platform.get("cpuArchitecture", "X86_64")}


def ecr_images(definition: Mapping[str, Any]) -> Iterable[EcrImage]:
    """The images in a private ECR registry: only those can be proven to exist without pulling them."""
    for name in sorted({container["image"] for container in definition.get("containerDefinitions", []) if container.get("image")}):
        found = _ECR_IMAGE.match(name)
        if found:
            reference = ("imageDigest", found["digest"]) if found["digest"] else ("imageTag", found["tag"] or "latest")
            yield EcrImage(name, found["registry"], found["region"], found["repository"], reference)
