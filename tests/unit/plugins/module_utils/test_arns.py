# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every technology's ARN gives the identifier that its adapter takes."""

from __future__ import annotations

import pytest

from ansible_collections.dr.aws.plugins.module_utils.arns import Name, kind, parse
from ansible_collections.dr.aws.plugins.module_utils.model import TECHNOLOGIES

R, A = "us-east-1", "200000000001"
NAMES = [
    ("drs", f"arn:aws:drs:{R}:{A}:source-server/s-1234567890abcdef0", "s-1234567890abcdef0"),
    ("rds", f"arn:aws:rds:{R}:{A}:db:orders-db", "orders-db"),
    ("aurora", f"arn:aws:rds:{R}:{A}:cluster:orders", "orders"),
    ("ecs", f"arn:aws:ecs:{R}:{A}:service/shop/orders", "shop/orders"),
    ("lambda", f"arn:aws:lambda:{R}:{A}:function:resize", "resize"),
    ("elasticache", f"arn:aws:elasticache:{R}:{A}:replicationgroup:sessions", "sessions"),
    ("opensearch", f"arn:aws:es:{R}:{A}:domain/search", "search"),
    (
        "autoscaling",
        f"arn:aws:autoscaling:{R}:{A}:autoScalingGroup:930d940e-891e-4781-a11a-7b0acd480f03:autoScalingGroupName/web",
        "web",
    ),
    ("memorydb", f"arn:aws:memorydb:{R}:{A}:cluster/queue", "queue"),
    ("eventbridge", f"arn:aws:events:{R}:{A}:rule/nightly", "default/nightly"),
    ("eventbridge", f"arn:aws:events:{R}:{A}:rule/orders/paid", "orders/paid"),
    ("eventbridge", f"arn:aws:events:{R}:{A}:rule/aws.partner/example.com/1/paid", "aws.partner/example.com/1/paid"),
    ("efs", f"arn:aws:elasticfilesystem:{R}:{A}:file-system/fs-0123456789abcdef0", "fs-0123456789abcdef0"),
    ("fsx", f"arn:aws:fsx:{R}:{A}:file-system/fs-0123456789abcdef0", "fs-0123456789abcdef0"),
]


@pytest.mark.parametrize(("technology", "arn", "identifier"), NAMES)
def test_an_arn_gives_technology_place_and_identifier(technology: str, arn: str, identifier: str) -> None:
    assert parse(arn) == Name(technology, A, R, identifier)


def test_a_hosted_zone_has_no_place() -> None:
    assert parse("arn:aws:route53:::hostedzone/Z0123") == Name("route53", "", "", "Z0123")


def test_every_technology_is_covered() -> None:
    assert {technology for technology, _arn, _id in NAMES} | {"route53"} == set(TECHNOLOGIES)


@pytest.mark.parametrize(
    ("arn", "shown"),
    [
        (f"arn:aws:elasticache:{R}:{A}:cluster:sessions-001", "elasticache:cluster"),
        (f"arn:aws:rds:{R}:{A}:snapshot:daily", "rds:snapshot"),
        (f"arn:aws:ecs:{R}:{A}:service/orders", "ecs:service"),
        (f"arn:aws:lambda:{R}:{A}:function:resize:live", "lambda:function"),
        ("arn:aws:s3:::bucket", "s3"),
        ("nonsense", "unknown"),
    ],
)
def test_what_no_adapter_recovers_is_named_by_its_kind(arn: str, shown: str) -> None:
    assert parse(arn) is None
    assert kind(arn) == shown
