#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: close
short_description: Ends an execution and says how it went
version_added: 0.1.0
description:
  - Records the execution's last state, tells people, releases the lock and prints a summary with what to run next.
  - Stores the execution's report in the control plane's bucket (M(dr.aws.report)). That it cannot be stored is said, and changes nothing.
  - Of a run that a driver has started, and that others follow, it opens what comes next instead, and leaves the execution RUNNING and the lock
    with it (RV(next)).
  - With O(failed) the execution ends as FAILED and so does the task. A state that ends or pauses the execution already is kept.
options:
  failed:
    description: What went wrong.
    type: str
  approval_timeout_seconds:
    description: Of a run that a driver has started, how long an approval that comes next is waited for.
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
- name: Close the execution
  dr.aws.close:
    control: "{{ hostvars['localhost']['dr_control'] }}"
    execution: "{{ hostvars['localhost']['dr_execution'] }}"
  run_once: true
"""

RETURN = r"""
status:
  description: The execution's state.
  returned: success
  type: str
  sample: COMPLETED
next:
  description: What the driver does next; C(step) is V(approval), or V(shards) for a wave that several runners share.
  returned: success, where other runs follow
  type: dict
  sample: {step: shards, phase: activate, wave: 1}
summary:
  description: The execution's status, as M(dr.aws.execution_info) gives it.
  returned: success, outside of check mode
  type: dict
  sample: {execution_id: dr-20261128T163000Z-7f3a9c, status: COMPLETED, progress_percentage: 100}
protection:
  description:
    - Of a failback or a reprotection, for each resource that can be replicated, whether the region that does not serve follows.
    - C(lag_seconds) is null where none is measured or none is known yet; C(why) says which, or what is missing, and C(remedy) what to do.
  returned: success, outside of check mode
  type: list
  elements: dict
  sample: [{key: rds-200000000001-orders-db, protected: true, lag_seconds: 0, why: "", remedy: ""}]
reports:
  description: The objects of the report that were stored, with their checksums.
  returned: success, outside of check mode
  type: list
  elements: dict
  sample:
    - what: report of 2026-11-28T16:52:00Z (html)
      s3: reports/dr-20261128T163000Z-7f3a9c/20261128T165200Z.html
      sha256: 9b74c9897bac770ffc029102a200c5de…
"""
