#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: tag_sync
short_description: Carries tags of EC2 instances over to the DRS source servers that replicate them
version_added: 0.1.0
description:
  - Looks in parallel, in accounts and regions, at DRS source servers and at the tags of the EC2 instances that they replicate, in
    whichever of these accounts and regions an instance is. What differs is set on the source server.
  - Only instances that have the tag C(dr:enabled) count, and only tags that O(keys) declares. Tags that begin with C(dr:) and are not
    of the tag schema are never carried over, nor is C(dr:peer).
  - A value that breaks the tag schema is not carried over. It is in RV(problems), as is an account or a region that could not be
    looked at or changed; neither stops the others.
  - What is to be changed is recorded in the audit trail before, and how it went after.
options:
  keys:
    description: Which tags are carried over. V(*) stands for any text.
    type: list
    elements: str
    default: ["dr:*", Customer, Environment]
  remove:
    description: Also takes tags away from a source server that O(keys) declares and its instance does not have.
    type: bool
    default: false
extends_documentation_fragment:
  - dr.aws.run
  - dr.aws.run.module
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
author:
  - dr.aws maintainers (@dr-aws)
"""

EXAMPLES = r"""
- name: Carry tags over, those of the cost centre as well
  dr.aws.tag_sync:
    control: "{{ hostvars['localhost']['dr_control'] }}"
    keys: ["dr:*", Customer, Environment, CostCenter]
"""

RETURN = r"""
servers:
  description: How many source servers replicate an instance that may be looked at.
  returned: success
  type: int
  sample: 12
synchronised:
  description: What was changed, or would be. Values that look like secrets are masked.
  returned: success
  type: list
  elements: dict
  sample:
    - account: "111111111111"
      region: us-west-2
      server: s-0123456789abcdef0
      instance: i-0123456789abcdef0
      set: {"dr:wave": "2"}
      removed: []
problems:
  description: What could not be carried over, where, and what to do. Empty when source servers say what their instances say.
  returned: success
  type: list
  elements: dict
  sample:
    - account: "111111111111"
      region: us-west-2
      why: "AccessDeniedException: not authorized (drs in us-west-2, account 111111111111)"
      remedy: check role_arn and external_id of account 111111111111, and that its role may call drs
evidence:
  description: Why the audit trail could not be secured yet, for people; empty when it was.
  returned: when something was to be changed
  type: str
  sample: ""
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils import trail
from ansible_collections.dr.aws.plugins.module_utils.amazon import control_module
from ansible_collections.dr.aws.plugins.module_utils.run import Control
from ansible_collections.dr.aws.plugins.module_utils.tag_sync import KEYS, Synchroniser


def synchronise(control: Control, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Looks, records, carries over, records how it went."""
    one = Synchroniser(control.cloud, list(control.accounts.accounts), control.settings["regions"])
    seen = one.look(options["keys"], remove=options["remove"])
    changes, problems, answer = list(seen.changes), list(seen.problems), {}
    if changes and not check_mode:
        trail.record_many(control, "tags_synchronising", "changes", [change.to_json() for change in changes])
        changes, failed = one.apply(changes)
        problems += failed
        told = [problem.to_json() for problem in failed]
        answer["evidence"] = trail.record(control, "tags_synchronised", changed=len(changes), problems=told)
    return {
        "changed": bool(changes),
        "servers": seen.servers,
        "synchronised": [change.to_json() for change in changes],
        "problems": [problem.to_json() for problem in problems],
        **answer,
    }


def main() -> None:
    keys = {"type": "list", "elements": "str", "default": list(KEYS), "no_log": False}
    control_module({"keys": keys, "remove": {"type": "bool", "default": False}}, synchronise)


if __name__ == "__main__":
    main()
