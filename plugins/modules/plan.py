#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: plan
short_description: Freezes the plan of an execution, takes the lock and starts it
version_added: 0.1.0
description:
  - Looks at every resource of the scope, refuses what must not be done (an incomplete inventory, a split brain, broken tags), and
    freezes what will be done, with a hash to which approvals bind.
  - Takes the lock of the customer and environment, stores the plan in the control region, and starts the execution.
  - With O(execution_id) it takes up an execution that failed, paused or was interrupted instead.
  - In check mode it only says the plan.
  - Every value is checked by the plan itself, whose errors name the field, the value, what is allowed and the next command.
options:
  inventory:
    description: What the inventory says about itself, the variable C(dr_inventory) of C(localhost).
    type: dict
    required: true
  operation:
    description:
      - What kind of execution it is. V(failback) goes from O(dr_region) to O(primary_region). V(reprotect) moves nothing; it settles fence
        debts, then runs CLEANUP and REPLICATE for each resource in the direction that is read from which side serves.
    type: str
    default: failover
    choices: [failover, failback, reprotect, test]
  customer:
    description: The customer, as resources are tagged. Required for a new execution.
    type: raw
  environment:
    description: The environment, as resources are tagged. Required for a new execution.
    type: raw
  primary_region:
    description: The region that normally serves. Required for a new execution.
    type: raw
  dr_region:
    description: The region that takes over. Required for a new execution.
    type: raw
  mode:
    description:
      - V(planned) or V(unplanned). V(planned) when it is left out, V(unplanned) for O(operation=reprotect).
      - With O(execution_id) a planned failover or failback goes on as V(unplanned), once people have approved that. Never the other way.
    type: raw
  approval_mode:
    description: V(required) or V(automatic). V(required) when it is left out.
    type: raw
  approvals_needed:
    description: How many people must approve at each gate, 1 to 10. One when it is left out.
    type: raw
  approver_must_differ:
    description: Whoever started or resumed the execution may not approve. Anybody may when it is left out.
    type: raw
  waves:
    description: The waves to carry out, such as V(1,3-4). All when it is left out.
    type: raw
  phases:
    description: The phases to carry out, such as V(instantiate,activate). All when it is left out.
    type: raw
  parallelism:
    description: How many API calls may be in flight at once. V(10) when it is left out.
    type: raw
  cleanup_policy:
    description: V(quarantine) or V(remove). V(quarantine) when it is left out.
    type: raw
  accept_partial_inventory:
    description: Go on although accounts, regions or tags could not be read.
    type: raw
  accept_shortfalls:
    description: Go on in planned mode although the target region's quotas do not allow all that is needed.
    type: raw
  accept_snapshot:
    description:
      - Go on with a readiness snapshot that is not what was stored, or that is older than O(snapshot_max_age_hours) where a region does
        not answer. It becomes a warning of the plan.
    type: raw
  snapshot_max_age_hours:
    description: How old, in hours, a readiness snapshot may be that a plan relies on. V(24) when it is left out.
    type: raw
  hooks:
    description: What is carried out before and after phases and waves, a list of mappings. Part of the plan's hash.
    type: raw
  business_checks:
    description: What must pass before DNS moves, a list of mappings. Part of the plan's hash.
    type: raw
  on_wave_failure:
    description:
      - What is done when ACTIVATE of a wave fails, or its health or business checks do. V(stop) leaves the wave as it is. V(rollback) takes
        back what it has activated, in reverse order; what is one-way is named in the plan and before the wave begins. V(stop) when left out.
    type: raw
  rollback_scope:
    description: With O(on_wave_failure=rollback), V(wave) takes back the wave that failed, V(all) those before it as well. V(wave) when left out.
    type: raw
  undo_window_minutes:
    description:
      - For how many minutes what was activated waits to be committed before anything of the old side is touched, 0 to 10080. Until then, or
        until it is committed (M(dr.aws.request)) and resumed, the execution is PAUSED. V(0) when left out.
    type: raw
  execution_id:
    description:
      - The execution to take up. Its parameters are those that it was started with; another value for one of them is refused, but for
        O(mode).
    type: raw
  start:
    description:
      - Whether an execution is started. V(false) says for each resource what its next step would be, stores the plan, and gives its RV(plan_id).
      - Nothing is changed in the estate then, and no lock is taken.
    type: bool
    default: true
  plan_id:
    description:
      - A stored plan to carry out. Its parameters are taken where they are not given.
      - Refused when reality has drifted from it, with what differs. That the source region does not answer any more is no drift.
    type: raw
  calendar_override_reason:
    description:
      - Why an unplanned execution begins, or goes on, although a change calendar of the inventory's C(change_calendars) is closed.
        The reason is recorded.
    type: str
    default: ""
  approval_timeout_seconds:
    description: How long the approval to go on as unplanned is waited for. After that the execution is PAUSED, and planned as before.
    type: int
    default: 1800
  health_timeout_seconds:
    description: How long waves are given to become healthy by M(dr.aws.health). Only checked here, before anything begins.
    type: int
    default: 300
  driver:
    description:
      - By which driver several runners carry out the execution, one turn after another; its name, V(#), and the number of its attempt. A later
        attempt takes over from an earlier one, of which whatever still runs is refused. The state machine of this collection sets it.
      - The run ends before an approval that is not given yet, and before a wave that is shared, and says what comes next (M(dr.aws.close)).
    type: str
    default: ""
  shard_size:
    description:
      - With O(driver), how many resources of a wave one runner takes. A wave with more of them is shared among runners by accounts
        (M(dr.aws.shard)). V(0) shares nothing.
    type: int
    default: 0
  cleanup:
    description: Only removes what the drill O(execution_id) has made; without one, what the newest drill that was not removed has made.
    type: bool
    default: false
  detected_at:
    description:
      - When the disaster was detected, such as V(2026-11-28T16:00:00Z). The times that the status and the summary say count from it.
      - With O(execution_id) it replaces what was given before.
    type: raw
extends_documentation_fragment:
  - dr.aws.run
  - dr.aws.run.attributes
author:
  - dr.aws maintainers (@dr-aws)
"""

EXAMPLES = r"""
- name: Plan a failover
  dr.aws.plan:
    control: "{{ hostvars['localhost']['dr_control'] }}"
    inventory: "{{ hostvars['localhost']['dr_inventory'] }}"
    customer: acme
    environment: production
    primary_region: us-east-1
    dr_region: us-west-2
    mode: unplanned
  run_once: true
  delegate_to: localhost
  delegate_facts: true
"""

RETURN = r"""
plan_id:
  description: The id under which the plan was stored.
  returned: when O(start=false)
  type: str
  sample: plan-20261128T163000Z-7f3a9c
capacity:
  description: What of the target region's quotas is short for it, what is not known, and which quotas are lower than in the source region.
  returned: when O(start=false)
  type: dict
  sample: {shortfalls: [], unknown: [], disparities: []}
preview:
  description: How each phase would go for each resource now, with the first call where there is one.
  returned: when O(start=false)
  type: dict
  sample:
    activate:
      rds-200000000001-orders-db: {status: not_yet, why: decided once the phase before it is done, remedy: "", call: null}
plan:
  description:
    - The execution as the tasks after this one need it, also set as the fact C(dr_execution).
    - Its C(execution_id) is empty in check mode.
  returned: success
  type: dict
  sample:
    execution_id: dr-20261128T163000Z-7f3a9c
    fence: 7
    plan_sha256: 3f6b0d…
    parameters: {customer: acme, environment: production, mode: unplanned}
    hosts: {activate: [rds-200000000001-orders-db]}
    serial: {activate: [1]}
    already: {activate: []}
"""
