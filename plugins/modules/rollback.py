#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: rollback
short_description: Takes back what ACTIVATE did in an execution, or in a wave of it that has failed
version_added: 0.1.0
description:
  - Looks at everything that ACTIVATE touched, says what goes back and what has to stay and why, asks for approval as the execution does,
    and then brings the sources back into service, the last wave first, and in a wave what depends on something before that.
  - What is one-way, or what CLEANUP or REPLICATE has gone past, stays, and holds nothing else back.
  - The execution is FAILED afterwards. What was rolled back is instantiated and activated again when it is resumed.
  - The lock is still held then, and the fact C(dr_execution) is set, for M(dr.aws.close) to release it and to say how it went.
  - An interrupted rollback is finished by the same task. When nothing is left to roll back, nothing is changed.
  - Refused for drills and reprotections, and for an execution that was cancelled or that another run is working on.
options:
  execution_id:
    description: The execution. Either this or O(execution).
    type: raw
  execution:
    description:
      - The fact C(dr_execution) of a run that is under way, after a wave of it has failed. What is rolled back is what the parameters
        C(on_wave_failure) and C(rollback_scope) of its plan say, for the wave of the play's batch. Asks for no approval, and never fails for
        what AWS refuses, as the execution is closed next; RV(said) tells of it.
    type: dict
  waves:
    description: Only these waves, such as V(2) or V(2-3). All of them when left out.
    type: raw
  approval_mode:
    description: V(required) asks before anything is done, V(automatic) does not. As the execution's own when left out.
    type: str
    choices: [required, automatic]
  approval_timeout_seconds:
    description: How long the approval is waited for. After that, and after a rejection, the execution is as it was before.
    type: int
    default: 1800
  health_timeout_seconds:
    description: How long what went back has to become healthy, with O(execution_id).
    type: float
    default: 300
  reason:
    description: Why, for the record.
    type: str
    default: ""
extends_documentation_fragment:
  - dr.aws.run
  - dr.aws.run.attributes
author:
  - dr.aws maintainers (@dr-aws)
"""

EXAMPLES = r"""
- name: Take back what an execution has activated
  dr.aws.rollback:
    control: "{{ hostvars['localhost']['dr_control'] }}"
    execution_id: "{{ execution_id }}"
    approval_mode: automatic
    reason: the shop does not work there
  register: dr_rollback
"""

RETURN = r"""
said:
  description: What was rolled back and what stays, for people.
  returned: success
  type: str
  sample: "rolled back: ecs-200000000001-shop-basket"
resources:
  description: How each resource ended; in check mode, the first call that would be sent for it.
  returned: with O(execution_id)
  type: dict
  sample:
    ecs-200000000001-shop-basket: {status: done, why: "", remedy: ""}
stays:
  description: What cannot be taken back, with why, and what can be done instead.
  returned: with O(execution_id)
  type: dict
  sample:
    rds-200000000001-orders-db:
      why: orders-db-west in us-west-2 was promoted, which cannot be undone; it has the newer data
      remedy: run cleanup and replicate, then fail back
execution:
  description: The execution as M(dr.aws.close) takes it; empty when nothing was done.
  returned: with O(execution_id)
  type: dict
  sample: {execution_id: dr-20261128T163000Z-7f3a9c, fence: 7}
health:
  description: V(HEALTHY), V(DEGRADED) or V(UNHEALTHY), of what went back, where it serves now; empty when nothing did.
  returned: with O(execution_id), when something was done
  type: str
  sample: HEALTHY
problem:
  description: What did not go back, or is not healthy there; empty when all is well.
  returned: with O(execution_id), when something was done
  type: str
  sample: ""
"""
