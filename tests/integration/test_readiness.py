# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How ready an environment is: readiness.yml says it, stores it, and fails below what is asked for."""

from __future__ import annotations

from typing import Any

import pytest
from playbook import BILLING, BUCKET, DATABASE, SCOPE, SHOP, TABLE, Operator, estate, unfolded

from ansible_collections.dr.aws.plugins.module_utils import permissions, snapshots
from ansible_collections.dr.aws.plugins.module_utils.accounts import Account, Accounts, AwsReader
from ansible_collections.dr.aws.plugins.module_utils.model import Pair
from ansible_collections.dr.aws.plugins.module_utils.store import Store


def denying(**denied: list[str]) -> dict[str, Any]:
    """The small estate, whose roles lack something. denied: account name -> actions."""
    world = estate(database=True)
    for account in world["accounts"]:
        for role in account.get("roles", ()):
            role["deny"] = denied.get(account["name"].removeprefix("acme-"), [])
    return world


def test_a_score_below_the_minimum_fails_after_everything_was_stored(sandbox: Any, operator: Operator) -> None:
    operator.load(denying(shop=["rds:PromoteReadReplica"], billing=["iam:*"]))
    ran = operator.run("readiness", **SCOPE, minimum_score=100)
    ran.refused("the readiness score of acme/production is", "less than minimum_score=100; the worst: -")
    kept = snapshots.latest(Store(sandbox.client("dynamodb"), sandbox.client("s3"), TABLE, BUCKET), "acme", "production")
    assert kept is not None and kept.problem == "" and 0 < kept.body["score"] < 100
    said = unfolded(ran.out)
    assert f"readiness of acme/production: {kept.body['score']} of 100, 9 resources" in said
    by_check = {one["check"]: one for one in kept.body["findings"]}
    assert by_check["permission"]["subject"] == f"account {SHOP}"
    assert by_check["permission"]["resources"] == [DATABASE]
    assert "activate: rds:PromoteReadReplica" in by_check["permission"]["why"]
    assert by_check["permission unknown"]["subject"] == f"account {BILLING}"
    assert "AccessDenied" in by_check["permission unknown"]["why"]
    assert "never proven by a drill" in by_check["drill"]["why"]
    assert all(one["remedy"] for one in kept.body["findings"])
    assert operator.mutations() == []
    operator.run("readiness", **SCOPE, minimum_score=kept.body["score"]).ok()
    operator.run("readiness", **SCOPE, minimum_score=101).refused("minimum_score=101 cannot be used", "Next: -e minimum_score=80")


@pytest.mark.parametrize(
    ("denied", "missing", "error"),
    [
        ([], [], ""),
        (["ecs:Update*", "ecs:CreateService"], ["ecs:CreateService", "ecs:UpdateService"], ""),
        (["iam:Simulate*"], [], "AccessDenied"),
    ],
)
def test_permissions_of_a_role(sandbox: Any, denied: list[str], missing: list[str], error: str) -> None:
    """All pages of all chunks, with the role that is asked about."""
    sandbox.load(denying(shop=denied))
    role = f"arn:aws:iam::{SHOP}:role/dr-automation"
    reader = AwsReader(Accounts([Account(SHOP, role, "shop-7f3a")], "us-west-2", "readiness"))
    pairs = [Pair("web", "ecs", SHOP, "us-east-1", "us-west-2", "a", "a")]
    (found,) = permissions.check(reader, pairs, {SHOP: role}, "us-west-2")
    assert list(found.missing) == missing
    assert found.error.startswith(error) and bool(found.error) == bool(error)
    assert sandbox.calls(service="iam", mutating=True) == []
