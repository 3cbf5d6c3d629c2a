#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: readiness
short_description: Captures what a failover needs, while all is well, and says how ready it is
version_added: 0.1.0
description:
  - Looks at every resource, captures what its failover needs when the region is gone (capacities, classes, records), and stores it with
    the inventory, with a checksum, in the control region.
  - Of capacities the largest of the last 24 hours is kept, and a zero never replaces a positive one.
  - Says which resources could not be failed over now, what is missing, and what has changed since the last snapshot.
  - Gives a score from 0 to 100, with each deduction's reason and remedy (C(docs/readiness.md)). Makes no mutating call to the estate.
options:
  inventory:
    description: What the inventory says about itself, the variable C(dr_inventory) of C(localhost).
    type: dict
    required: true
  customer:
    description: The customer, as resources are tagged.
    type: raw
  environment:
    description: The environment, as resources are tagged.
    type: raw
  primary_region:
    description: The region that normally serves.
    type: raw
  dr_region:
    description: The region that takes over.
    type: raw
  parallelism:
    description: How many API calls may be in flight at once.
    type: raw
  drift_percent:
    description: A capacity that changed by more since the last snapshot, in percent, is drift.
    type: int
    default: 20
  snapshot_max_age_hours:
    description: A last snapshot that is older, in hours, costs points. V(24) when it is left out.
    type: raw
  restore_snapshot:
    description:
      - When a snapshot was stored, such as V(2026-11-28T16:30:00Z). It takes the place of the last one, and nothing else is done.
      - Its checksums are verified, and it stays as old as it is.
    type: str
  minimum_score:
    description: Fails, after everything was stored, when the score is lower.
    type: int
    default: 0
extends_documentation_fragment:
  - dr.aws.run
  - dr.aws.run.attributes
author:
  - dr.aws maintainers (@dr-aws)
"""

EXAMPLES = r"""
- name: Prepare for a failover
  dr.aws.readiness:
    control: "{{ hostvars['localhost']['dr_control'] }}"
    inventory: "{{ hostvars['localhost']['dr_inventory'] }}"
    customer: acme
    environment: production
    primary_region: us-east-1
    dr_region: us-west-2
  run_once: true
"""

RETURN = r"""
snapshot:
  description: Where the snapshot was stored, and its checksum.
  returned: outside of check mode
  type: dict
  sample: {s3: snapshots/acme/production/2026-11-28T16:30:00Z.json, sha256: 3f6b0d…, at: "2026-11-28T16:30:00Z"}
resources:
  description: How many resources were looked at.
  returned: success
  type: int
  sample: 25
sides:
  description: Which side of each resource serves, or why that is not known.
  returned: success
  type: dict
  sample: {rds-200000000001-orders-db: source}
unprepared:
  description: Resources whose standby does not hold, with what is missing.
  returned: success
  type: dict
  sample: {rds-200000000001-orders-db: create the replica in the target region}
score:
  description: How ready the environment is, 0 to 100.
  returned: success
  type: int
  sample: 83
findings:
  description:
    - What keeps the score from 100, the worst first. C(points) is what each resource loses, C(cost) what the score does.
    - Without C(resources) it counts against the environment as a whole.
  returned: success
  type: list
  elements: dict
  sample:
    - check: lag
      subject: rds-200000000001-orders-db
      why: replication lags by 900 s, dr:rpo-target is 300 s
      remedy: find out what slows replication; a planned failover waits for it
      points: 30
      cost: 4.3
      resources: [rds-200000000001-orders-db]
drift:
  description: What has changed since the last snapshot; resources that are new or gone, waves, priorities, dependencies, sides, capacities.
  returned: success
  type: list
  elements: dict
  sample:
    - {resource: ecs-200000000001-shop-orders, what: wave, before: 1, now: 2, why: "wave of ecs-200000000001-shop-orders is 2, was 1"}
"""
