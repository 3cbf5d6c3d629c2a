#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: wave
short_description: Carries out one phase for a whole wave of resources
version_added: 0.1.0
description:
  - Observes, decides and acts for every resource of the play's batch at once, until each of them is done, blocked, deferred or failed.
  - Writes an intent to the control plane before each mutating call and its outcome after it, so that a killed run can be resumed.
  - Fails when a resource is not done after C(instantiate) or C(activate). C(cleanup) and C(replicate) never stop an execution.
options:
  phase:
    description: The phase to carry out.
    type: str
    required: true
    choices: [instantiate, activate, cleanup, replicate]
  part:
    description:
      - Where business checks gate the activation of DNS, V(unproven) is what is carried out before them, and V(proven) what comes after,
        which is DNS and what depends on it. A part without resources does nothing.
    type: str
    default: whole
    choices: [whole, unproven, proven]
extends_documentation_fragment:
  - dr.aws.run
  - dr.aws.run.execution
  - dr.aws.run.attributes
author:
  - dr.aws maintainers (@dr-aws)
"""

EXAMPLES = r"""
- name: Activate the resources of this batch
  dr.aws.wave:
    control: "{{ hostvars['localhost']['dr_control'] }}"
    execution: "{{ hostvars['localhost']['dr_execution'] }}"
    phase: activate
  run_once: true
"""

RETURN = r"""
phase:
  description: The phase.
  returned: success
  type: str
  sample: activate
waves:
  description: The waves that the batch's resources are of.
  returned: success
  type: list
  elements: int
  sample: [1]
counts:
  description: How many resources ended how.
  returned: success
  type: dict
  sample: {done: 8}
resources:
  description:
    - What became of each resource.
    - After C(cleanup), C(estimated_saving) says about how much a month is saved (an estimate), where that is known.
    - After C(instantiate) of a drill, C(estimated_cost) says about how much an hour its copy costs (an estimate), where that is known.
  returned: success
  type: dict
  sample:
    rds-200000000001-orders-db:
      status: done
      changed: true
      calls: []
      outputs: {endpoint: orders-db-west.us-west-2.rds.amazonaws.com}
      why: ""
      remedy: ""
      duration_seconds: 312.4
"""
