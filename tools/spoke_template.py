# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes roles/spoke/files/spoke.cfn.yml: the role of an account, with the policies of policies.py. A test compares."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cfn import accepted, att, completed, ref, written
from iam_reference import UNKNOWN

from ansible_collections.dr.aws.plugins.module_utils.policies import Place, boundary, documents, trust

TARGET = Path(__file__).parent.parent / "roles/spoke/files/spoke.cfn.yml"
HEAD = """---
# The role that dr.aws takes in an account. Written by tools/spoke_template.py; what it may do is in docs/permissions.md.
"""
PLACE = Place("${AWS::AccountId}", ref("Regions"), ref("PassableRoleArns"), "${AWS::Partition}")
PARAMETERS: dict[str, Any] = {
    "ExternalId": {
        "Type": "String",
        "NoEcho": True,
        "MinLength": 2,
        "MaxLength": 1224,
        "AllowedPattern": r"[\w+=,.@:\/-]*",
        "Description": "What the control plane must know to take the role; external_id of the account in the inventory.",
    },
    "PassableRoleArns": {
        "Type": "CommaDelimitedList",
        "Description": "Roles that may be passed to what is made in the other region (of tasks, functions, instances, restores).",
    },
    "Regions": {"Type": "CommaDelimitedList", "Description": "The regions that may be called: both sides of every pair."},
    "RoleName": {"Type": "String", "Default": "dr-automation", "AllowedPattern": r"[\w+=,.@-]{1,64}"},
    "TrustedPrincipalArn": {
        "Type": "String",
        "AllowedPattern": r"arn:aws[a-z-]*:iam::\d{12}:.+",
        "Description": "Who takes the role: the principal that runs the control plane.",
    },
}


#: Checks that the boundary does not pass, and why that is right.
BOUNDARY = ("CKV_AWS_107", "CKV_AWS_109", "CKV_AWS_110", "CKV_AWS_111")
BOUNDS = "a boundary limits and grants nothing: the role has what its policies allow"
YOUNG = "actions younger than the linter's list, see UNKNOWN in tools/iam_reference.py"


def render() -> str:
    """The whole file."""
    policies = documents(PLACE)
    names = [f"Policy{number}" for number in range(1, len(policies) + 1)]
    resources: dict[str, Any] = {
        "Boundary": {
            "Metadata": accepted(**dict.fromkeys(BOUNDARY, BOUNDS)),
            **_policy("What the role of dr.aws can never exceed", boundary(PLACE)),
        },
        **{name: _policy("Generated from what dr.aws declares", policy) for name, policy in zip(names, policies, strict=True)},
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": ref("RoleName"),
                "Description": "Disaster recovery by dr.aws",
                "MaxSessionDuration": 3600,
                "PermissionsBoundary": ref("Boundary"),
                "ManagedPolicyArns": [ref(name) for name in names],
                "AssumeRolePolicyDocument": trust(ref("TrustedPrincipalArn"), ref("ExternalId")),
            },
        },
    }
    body = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "dr.aws: the role of an account",
        "Parameters": PARAMETERS,
        "Resources": resources,
        "Outputs": {"RoleArn": {"Description": "role_arn of the account in the inventory", "Value": att("Role")}},
    }
    return written(HEAD, body)


def _policy(description: str, policy: dict[str, Any]) -> dict[str, Any]:
    young = {"Metadata": {"cfn-lint": {"config": {"ignore_checks": ["W3037"]}}, "Why": YOUNG}}
    actions = {action for statement in policy["Statement"] for action in statement.get("Action", ())}
    return {
        **(young if actions & set(UNKNOWN) else {}),
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"Description": description, "PolicyDocument": completed(policy)},
    }


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(render(), encoding="utf-8")
