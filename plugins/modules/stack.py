#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: stack
short_description: Makes a CloudFormation stack, or changes it through a change set that can be shown first
version_added: 0.1.0
description:
  - Compares template, parameters and tags with the stack. Where they are the same nothing is sent; otherwise a change set is made, and carried out.
    CloudFormation rolls back what fails.
  - A change that would remove or replace a resource whose C(DeletionPolicy) retains it is refused. Nothing is ever deleted.
  - Only a change set can tell whether a parameter with C(NoEcho) differs. A stack that has one gets a change set each time, which is deleted
    again when it holds no changes.
options:
  name:
    description: The name of the stack.
    type: str
    required: true
  template:
    description:
      - The template, parsed. It is sent as JSON without white space and without metadata of cfn-lint and checkov, at most 51,200 bytes.
    type: dict
    required: true
  parameters:
    description: Values by parameter. A list is joined with commas. What is left out keeps its value, and has its default at first.
    type: dict
    default: {}
  tags:
    description: Tags of the stack.
    type: dict
    default: {}
  capabilities:
    description: What the template may do beside plain resources, such as V(CAPABILITY_NAMED_IAM).
    type: list
    elements: str
    default: []
  termination_protection:
    description: Protect the stack against deletion. V(false) leaves that as it is.
    type: bool
    default: true
  execute:
    description: Carry the change set out. V(false) makes it, says what it would change, and leaves it for another call with the same options.
    type: bool
    default: true
  drift:
    description: Say what was changed past the stack, before this call. Not in check mode, where CloudFormation is not asked to look.
    type: bool
    default: false
extends_documentation_fragment:
  - dr.aws.run.module
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    description: Can run in C(check_mode) without any mutating call. It says what differs, and which resources that changes only where a change set is made.
    support: full
author:
  - dr.aws maintainers (@dr-aws)
"""

EXAMPLES = r"""
- name: Make a topic
  dr.aws.stack:
    name: example
    region: us-west-2
    template:
      AWSTemplateFormatVersion: "2010-09-09"
      Resources:
        Topic:
          Type: AWS::SNS::Topic
          Properties:
            KmsMasterKeyId: alias/aws/sns
"""

RETURN = r"""
change_set:
  description: The name of the change set that waits to be carried out.
  returned: with O(execute=false), when something would change
  type: str
  sample: dr-aws-0123456789abcdef
changes:
  description: What was changed, or would be.
  returned: success
  type: list
  elements: str
  sample: ["add Topic (AWS::SNS::Topic)"]
drift:
  description: What was changed past the stack.
  returned: success
  type: list
  elements: str
  sample: ["Topic (AWS::SNS::Topic) modified: /KmsMasterKeyId"]
outputs:
  description: The outputs of the stack.
  returned: success
  type: dict
  sample: {TopicArn: "arn:aws:sns:us-west-2:100000000000:dr-aws-events"}
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils.amazon import client_module
from ansible_collections.dr.aws.plugins.module_utils.stacks import asked_for, ensure


def make(cfn: Any, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """The stack as it must be."""
    outcome = ensure(cfn, asked_for(options), apply=not check_mode, execute=options["execute"], drift=options["drift"])
    answer = {
        "changed": bool(outcome.changes),
        "changes": list(outcome.changes),
        "drift": list(outcome.drift),
        "outputs": dict(outcome.outputs),
    }
    return answer | ({"change_set": outcome.change_set} if outcome.change_set else {})


def main() -> None:
    required = {name: {"type": kind, "required": True} for name, kind in (("name", "str"), ("template", "dict"))}
    optional = {
        **{name: {"type": "dict", "default": {}} for name in ("parameters", "tags")},
        "capabilities": {"type": "list", "elements": "str", "default": []},
        **{
            name: {"type": "bool", "default": value}
            for name, value in (("termination_protection", True), ("execute", True), ("drift", False))
        },
    }
    client_module("cloudformation", {**required, **optional}, make)


if __name__ == "__main__":
    main()
