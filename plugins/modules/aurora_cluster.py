#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: aurora_cluster
short_description: Carries an Aurora cluster through a disaster
version_added: 0.1.0
description:
  - Makes the end state of one phase hold for one Aurora cluster. Observes both regions and the global databases, and calls AWS only
    where they differ from it.
  - In a global database O(phase=activate) moves the writer, by a switchover with O(mode=planned) and by a failover that may lose
    data with O(mode=unplanned). The old writer stays, as the next standby, and O(phase=cleanup) keeps a copy of the snapshot of what it
    had not sent.
  - An Aurora MySQL replica cluster is promoted, after its source was fenced where it answers.
options:
  replication:
    description:
      - How a standby that is created follows. V(binlog) makes an Aurora MySQL replica cluster.
      - V(global) is used when it is left out. A standby that exists is taken as it is.
    type: str
    choices: [global, binlog]
  global_cluster:
    description: The name of a global database that is created. The cluster's name and C(-global) when it is left out.
    type: str
  instances:
    description: The number of instances that a standby has at least. It is 1 when it is left out; a headless standby gets them.
    type: int
  instance_class:
    description: The class of instances that are created. That of the other side's, or the captured one, when it is left out.
    type: str
  subnet_group:
    description: The DB subnet group of a cluster that is created. That of the old cluster in its place when it is left out.
    type: str
  security_groups:
    description: IDs of the security groups of a cluster that is created. Those of the old cluster in its place when they are left out.
    type: list
    elements: str
  kms_key_id:
    description:
      - The key in its own region of an encrypted cluster that is created.
      - That of the old cluster in its place when it is left out; needed where there is none.
    type: str
  parameter_group:
    description: The cluster parameter group of a cluster that is created.
    type: str
  detach:
    description:
      - With O(mode=unplanned), takes the target out of its global database instead of a failover.
      - A last resort for versions that differ or a failover that AWS refuses. The global database has to be rebuilt afterwards.
    type: bool
  fence_security_group:
    description:
      - The ID of the security group that a fenced source is left with.
      - A group C(dr-aws-fence) without inbound rules is made in its VPC when it is left out.
    type: str
  fence:
    description:
      - Whether the source of a binlog replica, or of O(detach), is fenced before the promotion.
      - Set it to V(false) only where its writers are stopped by other means. The old writer of a global database is fenced by AWS.
    type: bool
  regions:
    description:
      - Region to any of O(replication), O(instances), O(instance_class), O(subnet_group), O(security_groups), O(kms_key_id),
        O(parameter_group), O(detach) and O(fence_security_group), for what happens in that region. Goes before the options themselves.
      - With it, the same options serve the failover and the way back.
    type: dict
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
- name: A secondary of orders in us-west-2, with two instances
  dr.aws.aurora_cluster:
    phase: instantiate
    name: orders
    target_name: orders-west
    source_region: us-east-1
    target_region: us-west-2
    instances: 2
    regions:
      us-west-2:
        subnet_group: databases
        security_groups: [sg-0a1b2c3d]

- name: A copy of the secondary in the drill room, for a drill
  dr.aws.aurora_cluster:
    phase: instantiate
    name: orders
    target_name: orders-west
    source_region: us-east-1
    target_region: us-west-2
    drill_id: quarterly

- name: Switch the writer over to us-west-2, without any loss
  dr.aws.aurora_cluster:
    phase: activate
    name: orders
    target_name: orders-west
    source_region: us-east-1
    target_region: us-west-2

- name: Fail the writer over to us-west-2, with the source region gone
  dr.aws.aurora_cluster:
    phase: activate
    mode: unplanned
    name: orders
    target_name: orders-west
    source_region: us-east-1
    target_region: us-west-2

- name: Keep what was lost, when the old region is back
  dr.aws.aurora_cluster:
    phase: cleanup
    name: orders
    target_name: orders-west
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
      operation: switchover_global_cluster
      region: us-east-1
      account: "111111111111"
      params:
        GlobalClusterIdentifier: orders-global
        TargetDbClusterIdentifier: arn:aws:rds:us-west-2:111111111111:cluster:orders-west
      why: switch the writer over
      one_way: false
outputs:
  description: Facts of the end state, such as identifiers, endpoints, the replication lag and snapshots of lost writes.
  returned: always
  type: dict
  sample:
    db_cluster_arn: arn:aws:rds:us-west-2:111111111111:cluster:orders-west
    endpoint: orders-west.cluster-abcdefghijkl.us-west-2.rds.amazonaws.com
    reader_endpoint: orders-west.cluster-ro-abcdefghijkl.us-west-2.rds.amazonaws.com
    port: 5432
    global_cluster: orders-global
    write_forwarding: disabled
    instances: [orders-west-1]
    lag_seconds: null
    role: active
    fencing: fenced
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
  sample: 141.9
active_side:
  description: Which side serves now, one of C(source), C(target), C(neither), C(both) and C(unknown).
  returned: always
  type: str
  sample: target
"""

from ansible_collections.dr.aws.plugins.module_utils.adapters.aurora_cluster import AuroraCluster
from ansible_collections.dr.aws.plugins.module_utils.amazon import technology_module
from ansible_collections.dr.aws.plugins.module_utils.drills.aurora_cluster import AuroraClusterDrill


def main() -> None:
    technology_module(
        AuroraCluster(),
        {
            "replication": {"type": "str", "choices": ["global", "binlog"]},
            "global_cluster": {"type": "str"},
            "instances": {"type": "int"},
            "instance_class": {"type": "str"},
            "subnet_group": {"type": "str"},
            "security_groups": {"type": "list", "elements": "str"},
            "kms_key_id": {"type": "str"},
            "parameter_group": {"type": "str"},
            "detach": {"type": "bool"},
            "fence_security_group": {"type": "str"},
            "fence": {"type": "bool"},
            "regions": {"type": "dict"},
        },
        AuroraClusterDrill(),
    )


if __name__ == "__main__":
    main()
