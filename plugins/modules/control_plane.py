#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: control_plane
short_description: Makes the control plane, and brings it back to what it must be
version_added: 0.1.0
description:
  - A DynamoDB table with point-in-time recovery, a versioned and encrypted S3 bucket without public access, and an encrypted SNS topic,
    in the control region, with the names that O(control) gives. Nothing is ever deleted.
options:
  deletion_protection:
    description: Protect the table against deletion.
    type: bool
    default: true
  kms_key_id:
    description: The KMS key that encrypts the topic. AWS's own key for SNS when it is left out.
    type: str
extends_documentation_fragment:
  - dr.aws.run
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    description: Can run in C(check_mode) without any mutating call.
    support: full
  diff_mode:
    description: Will return details on what has changed, or would change, in C(diff_mode).
    support: none
author:
  - dr.aws maintainers (@dr-aws)
"""

EXAMPLES = r"""
- name: Make the control plane
  dr.aws.control_plane:
    control: "{{ hostvars['localhost']['dr_control'] }}"
"""

RETURN = r"""
changes:
  description: What was changed, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [create table dr-aws-state]
topic_arn:
  description: The SNS topic.
  returned: when there is one
  type: str
  sample: arn:aws:sns:us-west-2:100000000000:dr-aws-events
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils.amazon import control_module
from ansible_collections.dr.aws.plugins.module_utils.control_plane import Names, ensure
from ansible_collections.dr.aws.plugins.module_utils.run import Control


def make(control: Control, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Table, bucket and topic as they must be."""
    topic_arn = control.settings["topic_arn"] or ""
    names = Names(control.settings["table"], control.settings["bucket"], topic_arn.rpartition(":")[2] or "dr-aws-events")
    outcome = ensure(
        control.accounts.control("dynamodb"),
        control.accounts.control("s3"),
        control.accounts.control("sns"),
        names,
        control.settings["control_region"],
        apply=not check_mode,
        deletion_protection=options["deletion_protection"],
        kms_key_id=options["kms_key_id"],
    )
    return {"changed": outcome.changed, "changes": list(outcome.changes), "topic_arn": outcome.topic_arn}


def main() -> None:
    control_module({"deletion_protection": {"type": "bool", "default": True}, "kms_key_id": {"type": "str"}}, make)


if __name__ == "__main__":
    main()
