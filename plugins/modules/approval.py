#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: approval
short_description: Asks for approval before a wave where the plan needs it
version_added: 0.1.0
description:
  - Does nothing where the plan has no gate before the wave, or where the gate was passed before.
  - On a terminal it asks. In any case it stores the request, publishes ready-to-run commands to the SNS topic, and takes a decision
    made from elsewhere by the playbook C(dr.aws.approve).
  - A rejection ends the execution as CANCELLED. A timeout leaves it PAUSED. Neither a missing terminal nor an empty answer is an approval.
options:
  phase:
    description: The phase that is about to begin.
    type: str
    required: true
    choices: [instantiate, activate, cleanup, replicate]
  timeout_seconds:
    description: How long to wait for a decision.
    type: int
    default: 1800
extends_documentation_fragment:
  - dr.aws.run
  - dr.aws.run.execution
  - dr.aws.run.attributes
author:
  - dr.aws maintainers (@dr-aws)
"""

EXAMPLES = r"""
- name: Ask before the wave is activated
  dr.aws.approval:
    control: "{{ hostvars['localhost']['dr_control'] }}"
    execution: "{{ hostvars['localhost']['dr_execution'] }}"
    phase: activate
  run_once: true
"""

RETURN = r"""
state:
  description: One of C(not needed), C(approved before) and C(approved).
  returned: success
  type: str
  sample: approved
approver:
  description: Who approved.
  returned: when a person approved
  type: str
  sample: arn:aws:sts::100000000000:assumed-role/operator/jane
gate:
  description: What was approved.
  returned: when a person approved
  type: str
  sample: activate-wave-01
"""
