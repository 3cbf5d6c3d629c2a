# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resource Explorer's filter language."""

from __future__ import annotations

import pytest

from sandbox import query
from sandbox.listing import Resource, arn_type

DB = Resource("arn:aws:rds:us-east-1:1:db:orders", "rds:db", "us-east-1", {"dr:enabled": "true", "Team": "Shop"}, False)
BARE = Resource("arn:aws:sns:us-west-2:1:alerts", "sns:topic", "us-west-2", {}, False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [DB, BARE]),
        ("region:us-east-1", [DB]),
        ("region:us-east-1,us-west-2", [DB, BARE]),
        ("region:us-east-1 region:us-west-2", []),
        ("-region:us-east-1", [BARE]),
        ("resourcetype:rds:db", [DB]),
        ("resourcetype:rds*", [DB]),
        ("service:sns", [BARE]),
        ("accountid:200000000001", [DB, BARE]),
        ("accountid:999999999999", []),
        ("id:arn:aws:sns:us-west-2:1:alerts", [BARE]),
        ('tag:"dr:enabled=true"', [DB]),
        ('"tag:dr:enabled=true"', [DB]),
        (r"tag:dr\:enabled=true", [DB]),
        ("tag:dr:enabled=true", [DB]),
        ("tag:dr:enabled=false", []),
        ("tag:team=shop", [DB]),
        ("tag:Team", [DB]),
        ("tag:all", [DB]),
        ("tag:none", [BARE]),
        ("tag.key:dr*", [DB]),
        ("tag.value:Shop", [DB]),
        ("service:rds tag:none", []),
    ],
)
def test_a_filter_finds(text: str, expected: list[Resource]) -> None:
    predicates = query.parse(text, free_text=False)
    assert [one for one in (DB, BARE) if all(holds(one, "200000000001") for holds in predicates)] == expected


def test_free_text_is_for_search_only() -> None:
    assert query.parse("orders", free_text=True)[0](DB, "1")
    with pytest.raises(ValueError, match="'orders' is not a filter"):
        query.parse("orders", free_text=False)


@pytest.mark.parametrize(
    ("arn", "kind"),
    [
        ("arn:aws:rds:us-east-1:1:db:orders", "rds:db"),
        ("arn:aws:ecs:us-east-1:1:service/shop/api", "ecs:service"),
        ("arn:aws:s3:::bucket-name", "s3:bucket"),
        ("arn:aws:sns:us-east-1:1:topic", "sns:topic"),
        ("arn:aws:route53:::hostedzone/Z1", "route53:hostedzone"),
        ("arn:aws:elasticfilesystem:us-east-1:1:file-system/fs-1", "elasticfilesystem:file-system"),
    ],
)
def test_the_type_is_read_from_the_arn(arn: str, kind: str) -> None:
    assert arn_type(arn) == kind
