#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: stack_set
short_description: Makes the same CloudFormation stack in all accounts of organizational units
version_added: 0.1.0
description:
  - A StackSet with service-managed permissions, called in the organization's management account or by its delegated administrator of CloudFormation.
    Accounts that join a unit later get the stack by themselves; where one leaves, its stack stays.
  - Compares template, parameters, tags, units and regions first, and sends nothing where they are the same. Nothing is ever deleted, and units and
    regions that are no more named keep their stacks.
  - StackSets never make a stack in the management account itself; M(dr.aws.stack) does.
options:
  name:
    description: The name of the StackSet.
    type: str
    required: true
  template:
    description: The template, parsed. It is sent as JSON without white space and without metadata of cfn-lint and checkov, at most 51,200 bytes.
    type: dict
    required: true
  parameters:
    description: Values by parameter. A list is joined with commas. What is left out keeps its value, and has its default at first.
    type: dict
    default: {}
  tags:
    description: Tags of the StackSet and its stacks.
    type: dict
    default: {}
  capabilities:
    description: What the template may do beside plain resources, such as V(CAPABILITY_NAMED_IAM).
    type: list
    elements: str
    default: []
  organizational_unit_ids:
    description: The units, or the root.
    type: list
    elements: str
    required: true
  regions:
    description: The regions in which each account has the stack. One is enough for what has no region, such as roles.
    type: list
    elements: str
    required: true
  call_as:
    description: Whether the caller is the management account, or the delegated administrator.
    type: str
    choices: [SELF, DELEGATED_ADMIN]
    default: SELF
  max_concurrent_percentage:
    description: How many of the accounts of a region are worked on at the same time.
    type: int
    default: 25
  update:
    description: Send it although nothing differs, for a parameter with C(NoEcho), whose value is never told.
    type: bool
    default: false
extends_documentation_fragment:
  - dr.aws.run.module
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
author:
  - dr.aws maintainers (@dr-aws)
"""

EXAMPLES = r"""
- name: Make a log group in every account of a unit
  dr.aws.stack_set:
    name: example
    region: us-west-2
    organizational_unit_ids: [ou-ab12-cd34ef56]
    regions: [us-west-2]
    template:
      AWSTemplateFormatVersion: "2010-09-09"
      Resources:
        Logs:
          Type: AWS::Logs::LogGroup
          Properties:
            LogGroupName: /example
            RetentionInDays: 30
"""

RETURN = r"""
changes:
  description: What was changed, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [create stack set example, deploy stack set example to ou-ab12-cd34ef56 in us-west-2]
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils.amazon import client_module
from ansible_collections.dr.aws.plugins.module_utils.errors import InputError
from ansible_collections.dr.aws.plugins.module_utils.stack_sets import CALLERS, StackSet, ensure
from ansible_collections.dr.aws.plugins.module_utils.stacks import asked_for


def make(cfn: Any, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """The StackSet as it must be."""
    percent = options["max_concurrent_percentage"]
    if not 1 <= percent <= 100:
        raise InputError("max_concurrent_percentage", percent, "1 to 100", "leave it out for 25")
    wanted = StackSet(
        asked_for(options),
        tuple(options["organizational_unit_ids"]),
        tuple(options["regions"]),
        options["call_as"],
        percent,
        options["update"],
    )
    changes = ensure(cfn, wanted, apply=not check_mode)
    return {"changed": bool(changes), "changes": changes}


def main() -> None:
    required = {name: {"type": kind, "required": True} for name, kind in (("name", "str"), ("template", "dict"))}
    places = {name: {"type": "list", "elements": "str", "required": True} for name in ("organizational_unit_ids", "regions")}
    optional = {
        **{name: {"type": "dict", "default": {}} for name in ("parameters", "tags")},
        "capabilities": {"type": "list", "elements": "str", "default": []},
        "call_as": {"type": "str", "choices": list(CALLERS), "default": CALLERS[0]},
        "max_concurrent_percentage": {"type": "int", "default": 25},
        "update": {"type": "bool", "default": False},
    }
    client_module("cloudformation", {**required, **places, **optional}, make)


if __name__ == "__main__":
    main()
