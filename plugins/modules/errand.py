#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: errand
short_description: Carries out a hook or a business check of an execution
version_added: 0.1.0
description:
  - Says which hooks and business checks are due at a moment of a batch, and carries one out. The playbooks run it around each wave.
  - A command, a URL, a Lambda function or an SSM document is carried out by it. A file of tasks is given back, to be included, and
    recorded with O(state=ended).
  - Begin, end, outcome and masked output go to the audit trail. A hook that has ended well is not due again in the same execution.
  - In check mode nothing is carried out; it says what would be.
options:
  phase:
    description: The phase of the batch.
    type: str
    required: true
    choices: [instantiate, activate, cleanup, replicate]
  moment:
    description: V(before) and V(after) the batch are for hooks, V(proof) is for business checks, before DNS moves.
    type: str
    required: true
    choices: [before, proof, after]
  state:
    description: V(due) lists what is to be carried out, V(begun) carries out one of it, V(ended) records how a file of tasks ended.
    type: str
    default: due
    choices: [due, begun, ended]
  key:
    description: Which one, as RV(errands) has it. Required unless O(state=due).
    type: str
  failed:
    description: Why a file of tasks failed. It ended well when this is empty.
    type: str
    default: ""
  output:
    description: What a file of tasks put out, for the audit trail.
    type: str
    default: ""
  override_reason:
    description: Let DNS move although a business check failed, for this reason, which is recorded.
    type: str
    default: ""
extends_documentation_fragment:
  - dr.aws.run
  - dr.aws.run.execution
  - dr.aws.run.attributes
author:
  - dr.aws maintainers (@dr-aws)
"""

EXAMPLES = r"""
- name: See which hooks are due before this batch
  dr.aws.errand:
    control: "{{ hostvars['localhost']['dr_control'] }}"
    execution: "{{ hostvars['localhost']['dr_execution'] }}"
    phase: activate
    moment: before
  register: found
  run_once: true
"""

RETURN = r"""
errands:
  description: What is to be carried out, in order.
  returned: when O(state=due)
  type: list
  elements: dict
  sample:
    - {key: hook/drain/activate-wave-02, name: drain}
tasks:
  description: The file of tasks to include.
  returned: when O(state=begun) and it is one
  type: str
  sample: /srv/dr/drain.yml
timeout_seconds:
  description: How long each of its tasks may take.
  returned: when O(state=begun) and it is a file of tasks
  type: int
  sample: 300
context:
  description: What it is told.
  returned: when O(state=begun) and it is a file of tasks
  type: dict
  sample: {execution_id: dr-20261128T163000Z-7f3a9c, phase: activate, wave: 2, target_region: us-west-2}
outcome:
  description: How it ended. RV(outcome.state) is V(done), V(failed) or V(overridden).
  returned: when it has ended
  type: dict
  sample: {state: done, why: "", output: order 4711 written and read, override_reason: "", seconds: 3}
  contains:
    state:
      description: How it ended.
      type: str
      sample: done
    why:
      description: What went wrong.
      type: str
      sample: ""
    output:
      description: The end of what it said, secrets masked.
      type: str
      sample: order 4711 written and read
    override_reason:
      description: Why DNS moves all the same.
      type: str
      sample: ""
    seconds:
      description: How long it took.
      type: float
      sample: 3
"""
