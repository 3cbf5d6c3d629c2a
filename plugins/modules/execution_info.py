#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: execution_info
short_description: Where executions stand
version_added: 0.1.0
description:
  - One execution with everything that is known of it, or the executions of a customer and environment, of a state, or of days, newest first.
  - Changes nothing, but for one thing. A pause whose approval was not given in time is marked so, and people are alerted, by whoever
    sees it first. In check mode, and without the rights for it, that is left to the next.
options:
  execution_id:
    description: The execution, by its ID or ARN.
    type: str
  customer:
    description: Executions of this customer. Needs O(environment).
    type: str
  environment:
    description: Executions of this environment. Needs O(customer).
    type: str
  status:
    description: Executions in this state.
    type: str
    choices: [PENDING, RUNNING, PAUSED, COMPLETED, FAILED, CANCELLED]
  since:
    description: Executions started on this day (YYYY-MM-DD, UTC) or later.
    type: str
  until:
    description: Executions started on this day (YYYY-MM-DD, UTC) or earlier.
    type: str
    aliases: [last_day]
  limit:
    description:
      - At most so many executions, or with O(execution_id) entries of each of its lists, those that need a person first. Which lists
        have more is in C(truncated), and C(counts) has all resources.
      - With O(phase), resources of a page.
    type: int
    default: 50
  phase:
    description: With O(execution_id), how this phase ended for each of its resources, a page of them.
    type: str
    choices: [instantiate, activate, cleanup, replicate, rollback]
  after:
    description: With O(phase), the page that comes after this RV(next_after).
    type: str
    default: ""
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
- name: See how an execution stands
  dr.aws.execution_info:
    control: "{{ hostvars['localhost']['dr_control'] }}"
    execution_id: "{{ execution_id }}"

- name: See how ACTIVATE ended for the first hundred resources
  dr.aws.execution_info:
    control: "{{ hostvars['localhost']['dr_control'] }}"
    execution_id: "{{ execution_id }}"
    phase: activate
    limit: 100
"""

RETURN = r"""
executions:
  description: The executions.
  returned: success
  type: list
  elements: dict
  sample:
    - execution_id: dr-20261128T163000Z-7f3a9c
      status: RUNNING
      interrupted: false
      current_phase: activate
      current_wave: 2
      resource_count: 25
      completed_resources: 11
      failed_resources: []
      progress_percentage: 44
      estimated_completion_time: "2026-11-28T16:52:00Z"
      truncated: []
resources:
  description: How the phase ended for resources, those that are done first, then those that failed or are blocked, then the rest.
  returned: when O(phase) is given
  type: list
  elements: dict
  sample:
    - resource: rds-200000000001-orders-db
      phase: activate
      status: done
      at: "2026-11-28T16:41:07Z"
      seconds: 243.1
next_after:
  description: Where the next page begins, for O(after). Empty on the last page.
  returned: when O(phase) is given
  type: str
  sample: D#rds-200000000001-orders-db
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils import pauses
from ansible_collections.dr.aws.plugins.module_utils.amazon import control_module
from ansible_collections.dr.aws.plugins.module_utils.errors import InputError
from ansible_collections.dr.aws.plugins.module_utils.run import Control
from ansible_collections.dr.aws.plugins.module_utils.trail import caller

PAGES = 1000
CRITERIA = ("customer", "environment", "status", "since", "until")


def look(control: Control, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """The executions asked for."""
    limit = options["limit"]
    if not 1 <= limit <= PAGES:
        raise InputError("limit", limit, f"a whole number from 1 to {PAGES}", "-e limit=100")
    if options["execution_id"]:
        found = control.store.status(options["execution_id"], limit)
        if not check_mode and pauses.alert(control.store, control.notifier, found, lambda: caller(control)):
            found = control.store.status(options["execution_id"], limit)
        return {"changed": False, "executions": [found], **_page(control, found["execution_id"], options)}
    wanted = {name: options[name] for name in CRITERIA}
    return {"changed": False, "executions": control.store.executions(**wanted, limit=limit)}


def _page(control: Control, execution_id: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The resources asked for, {} when none are."""
    if not options["phase"]:
        return {}
    found, after = control.store.resources(execution_id, options["phase"], options["after"], options["limit"])
    return {"resources": found, "next_after": after}


def main() -> None:
    states = ["PENDING", "RUNNING", "PAUSED", "COMPLETED", "FAILED", "CANCELLED"]
    spec: dict[str, dict[str, Any]] = {"execution_id": {"type": "str"}, **{name: {"type": "str"} for name in CRITERIA}}
    spec["status"] = {"type": "str", "choices": states}
    spec["until"] = {"type": "str", "aliases": ["last_day"]}
    spec["limit"] = {"type": "int", "default": 50}
    spec["phase"] = {"type": "str", "choices": ["instantiate", "activate", "cleanup", "replicate", "rollback"]}
    spec["after"] = {"type": "str", "default": ""}
    control_module(spec, look)


if __name__ == "__main__":
    main()
