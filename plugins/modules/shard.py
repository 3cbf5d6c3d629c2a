#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: shard
short_description: Carries out a wave for some accounts, beside other runners of the same execution
version_added: 0.1.0
description:
  - For what starts several runners, such as the state machine of this collection. M(dr.aws.close) says which wave is shared, and
    among how many runners; each of them takes one shard.
  - All of them carry out the same frozen plan under one lock, which they join by the name of the driver. Each holds a slot of its own, so
    that no two of them ever work on the same resources; one of an earlier attempt is refused.
  - What cannot be done is recorded and does not fail the task. The run of the playbook that follows does what is left, proves the wave
    healthy, and decides whether it may go on.
options:
  execution_id:
    description: The execution.
    type: str
    required: true
  driver:
    description: The name of what starts the runners, V(#), and the number of its attempt, as for M(dr.aws.plan).
    type: str
    required: true
  shard:
    description: The number of the shard, from 0.
    type: int
    required: true
extends_documentation_fragment:
  - dr.aws.run
  - dr.aws.run.attributes
attributes:
  check_mode:
    support: none
author:
  - dr.aws maintainers (@dr-aws)
"""

EXAMPLES = r"""
- name: Carry out the first shard of the wave
  dr.aws.shard:
    control: "{{ hostvars['localhost']['dr_control'] }}"
    execution_id: "{{ execution_id }}"
    driver: "{{ driver }}"
    shard: 0
"""

RETURN = r"""
phase:
  description: The phase of the wave.
  returned: success
  type: str
  sample: activate
wave:
  description: Its number.
  returned: success
  type: int
  sample: 1
counts:
  description: How many resources of the shard ended how.
  returned: success
  type: dict
  sample: {done: 120}
resources:
  description: How each of them ended, as M(dr.aws.wave) gives it.
  returned: success
  type: dict
  sample:
    ecs-111111111111-apps-api:
      status: done
      changed: true
      calls: []
      outputs: {}
      why: ""
      remedy: ""
      duration_seconds: 41.2
"""
