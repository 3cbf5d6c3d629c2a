# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From ARNs to technologies and the identifiers that adapters use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Name:
    """What an ARN names. region: "" for a hosted zone, which has none. id: as adapters take it, `cluster/service` for ECS."""

    technology: str
    account: str
    region: str
    id: str


#: (technology, service of the ARN, resource part; its groups joined by "/" are the identifier).
_SHAPES: Final = tuple(
    (technology, service, re.compile(shape))
    for technology, service, shape in (
        ("rds", "rds", r"db:([^:]+)"),
        ("aurora", "rds", r"cluster:([^:]+)"),
        ("ecs", "ecs", r"service/([^/]+)/([^/]+)"),
        ("lambda", "lambda", r"function:([^:]+)"),
        ("route53", "route53", r"hostedzone/([^/]+)"),
        ("drs", "drs", r"source-server/([^/]+)"),
        ("elasticache", "elasticache", r"replicationgroup:([^:]+)"),
        ("opensearch", "es", r"domain/([^/]+)"),
        ("autoscaling", "autoscaling", r"autoScalingGroup:[^:]*:autoScalingGroupName/(.+)"),
        ("memorydb", "memorydb", r"cluster/([^/]+)"),
        ("eventbridge", "events", r"rule/([^/]+)"),
        ("eventbridge", "events", r"rule/(.+)/([^/]+)"),
        ("efs", "elasticfilesystem", r"file-system/([^/]+)"),
        ("fsx", "fsx", r"file-system/([^/]+)"),
    )
)


def parse(arn: str) -> Name | None:
    """What an ARN names; None when it is of no technology that can be recovered. A hosted zone's identifier is the zone's."""
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn":
        return None
    _arn, _partition, service, region, account, resource = parts
    for technology, of, shape in _SHAPES:
        match = shape.fullmatch(resource) if of == service else None
        if match:
            identifier = "/".join(match.groups())
            if technology == "eventbridge" and "/" not in identifier:
                identifier = f"default/{identifier}"
            return Name(technology, account, region, identifier)
    return None


def kind(arn: str) -> str:
    """`service:type` of any ARN (`service` where it has no types), for the list of what is tagged and cannot be recovered."""
    parts = arn.split(":", 5)
    if len(parts) != 6:
        return "unknown"
    of, separator, _name = re.split("([:/])", parts[5], maxsplit=1) if re.search("[:/]", parts[5]) else ("", "", "")
    return f"{parts[2]}:{of}" if separator else parts[2]
