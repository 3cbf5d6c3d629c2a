#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: rds_instance
short_description: Carries an RDS instance with a cross-region read replica through a disaster
version_added: 0.1.0
description:
  - Makes the end state of one phase hold for one DB instance. Observes both regions, and calls AWS only where they differ from it.
  - Aurora clusters have a module of their own, M(dr.aws.aurora_cluster).
options:
  instance_class:
    description: The class of a replica that is created. The class of the instance that it replicates from when it is left out.
    type: str
extends_documentation_fragment:
  - dr.aws.technology
  - dr.aws.technology.attributes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
author:
  - dr.aws maintainers (@dr-aws)
"""

EXAMPLES = r"""
- name: Promote the replica of orders in us-west-2, with the source region gone
  dr.aws.rds_instance:
    phase: activate
    mode: unplanned
    name: orders
    source_region: us-east-1
    target_region: us-west-2
"""

RETURN = r"""
status:
  description: How the phase ended, one of C(done), C(deferred), or C(would_change) in check mode.
  returned: always
  type: str
  sample: done
calls:
  description: The mutating calls that were made, or the first one that would be, in order.
  returned: always
  type: list
  elements: dict
  sample:
    - service: rds
      operation: promote_read_replica
      region: us-west-2
      account: "111111111111"
      params: {DBInstanceIdentifier: orders}
      why: promote the replica
      one_way: true
outputs:
  description: Facts of the end state, such as identifiers, endpoints and the replication lag.
  returned: always
  type: dict
  sample: {endpoint: orders.us-west-2.rds.amazonaws.com, role: primary}
why:
  description: Why the phase is not done, empty when it is.
  returned: always
  type: str
  sample: ""
remedy:
  description: What to do next when the phase is not done.
  returned: always
  type: str
  sample: ""
duration_seconds:
  description: How long the phase took.
  returned: always
  type: float
  sample: 312.4
active_side:
  description: Which side serves now, one of C(source), C(target), C(neither), C(both) and C(unknown).
  returned: always
  type: str
  sample: target
"""

from ansible_collections.dr.aws.plugins.module_utils.adapters.rds_instance import RdsInstance
from ansible_collections.dr.aws.plugins.module_utils.amazon import technology_module


def main() -> None:
    technology_module(
        RdsInstance(),
        {
            "instance_class": {"type": "str"},
        },
    )


if __name__ == "__main__":
    main()
