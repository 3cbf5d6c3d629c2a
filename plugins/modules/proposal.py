#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: proposal
short_description: Asks people whether a plan should be carried out
version_added: 0.1.0
description:
  - Sends the reason, the stored plan with its hash, and the command that carries it out to the control plane's topic, and records that.
  - Starts nothing and approves nothing. Whoever runs the command begins an execution in their own name, whose gates ask as always.
  - Asks at most once within O(minimum_gap_minutes) about a customer and environment, and not while an execution is under way there.
  - Fails when nobody could be told.
options:
  customer:
    description: Whose resources.
    type: str
    required: true
  environment:
    description: Of which environment.
    type: str
    required: true
  operation:
    description: What the plan is of.
    type: str
    default: failover
    choices: [failover, failback]
  reason:
    description: What was seen.
    type: str
    required: true
  plan_id:
    description: The stored plan. Needed unless O(problem) says why there is none.
    type: str
    default: ""
  problem:
    description: Why no plan could be made. People are asked all the same.
    type: str
    default: ""
  minimum_gap_minutes:
    description: How long people are not asked again.
    type: int
    default: 60
extends_documentation_fragment:
  - dr.aws.run
  - dr.aws.run.module
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    description: Can run in C(check_mode) and asks nobody then.
    support: full
author:
  - dr.aws maintainers (@dr-aws)
"""

EXAMPLES = r"""
- name: Ask people whether a failover should begin
  dr.aws.proposal:
    control: "{{ hostvars['localhost']['dr_control'] }}"
    customer: acme
    environment: production
    reason: the alarm shop-errors rings
    problem: the inventory is incomplete
"""

RETURN = r"""
asked:
  description: Whether people were asked.
  returned: success
  type: bool
  sample: true
said:
  description: What came of it, for people.
  returned: success
  type: str
  sample: "people were asked: [DR WARNING] failover PROPOSED, a person must decide"
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils import trail
from ansible_collections.dr.aws.plugins.module_utils.amazon import control_module
from ansible_collections.dr.aws.plugins.module_utils.proposals import GAP_MINUTES, Proposal, propose, said
from ansible_collections.dr.aws.plugins.module_utils.run import Control


def ask(control: Control, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Asks people; in check mode only says that it would."""
    if check_mode:
        return {"changed": True, "asked": False, "said": "people would be asked"}
    names = ("customer", "environment", "operation", "reason", "plan_id", "problem")
    proposal = Proposal(**{name: options[name] for name in names}, gap_minutes=options["minimum_gap_minutes"])
    asked, text = propose(control.store, control.notifier, proposal)
    if asked:
        trail.record(control, "failover_proposed", **said(proposal))
    return {"changed": asked, "asked": asked, "said": text}


def main() -> None:
    text = {name: {"type": "str", "default": ""} for name in ("plan_id", "problem")}
    spec = {
        **{name: {"type": "str", "required": True} for name in ("customer", "environment", "reason")},
        "operation": {"type": "str", "default": "failover", "choices": ["failover", "failback"]},
        "minimum_gap_minutes": {"type": "int", "default": GAP_MINUTES},
    }
    control_module({**spec, **text}, ask)


if __name__ == "__main__":
    main()
