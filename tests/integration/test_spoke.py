# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role of an account, made by spoke.yml; a second run changes nothing."""

from __future__ import annotations

from typing import Any

from playbook import BILLING, SHOP, WEST, Operator, estate

MANAGEMENT = "100000000000"
GIVEN = {
    "spoke_external_id": "acme-7f3a",
    "spoke_passable_role_arns": [f"arn:aws:iam::{MANAGEMENT}:role/dr-drill"],
    "spoke_regions": ["us-east-1", WEST],
    "spoke_stack_region": WEST,
    "spoke_trusted_principal_arn": f"arn:aws:iam::{MANAGEMENT}:root",
}


def test_the_role_is_made_once(sandbox: Any, operator: Operator) -> None:
    operator.load(estate())
    assert operator.run("spoke", **GIVEN).ok().changed == 1
    iam = sandbox.inside("iam", WEST, MANAGEMENT)
    role = iam.get_role(RoleName="dr-automation")["Role"]
    (trusted,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trusted["Condition"]["StringEquals"] == {"sts:ExternalId": "acme-7f3a"}
    assert operator.run("spoke", **GIVEN).ok().changed == 0


def test_a_stack_set_makes_the_role_in_all_accounts_of_a_unit_once(sandbox: Any, operator: Operator) -> None:
    operator.load(estate())
    unit = {**GIVEN, "spoke_organizational_unit_ids": ["ou-ab12-cd34ef56"]}
    assert operator.run("spoke", "--check", **unit).ok().changed == 1
    assert sandbox.calls(mutating=True) == []
    assert operator.run("spoke", **unit).ok().changed == 1
    for account in (SHOP, BILLING):
        assert sandbox.inside("iam", WEST, account).get_role(RoleName="dr-automation")["Role"]["PermissionsBoundary"]
    before = operator.mark()
    assert operator.run("spoke", **unit).ok().changed == 0
    assert sandbox.calls(mutating=True, since=before) == []
