#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: aurora_cluster
short_description: Carries an Aurora cluster with a standby in another region through a disaster
version_added: 0.1.0
description:
  - Makes the end state of one phase hold for one Aurora cluster. Observes both regions, and calls AWS only where they differ from
    it.
  - The standby is a member of the same global database, with or without instances of its own, or an Aurora MySQL replica cluster.
  - O(phase=activate) moves the writer of a global database to the target, by a switchover that loses nothing with
    O(mode=planned), and by a failover that loses what has not arrived with O(mode=unplanned). A replica cluster is promoted,
    after its source was fenced where it answers.
  - O(phase=cleanup) leaves the old writer in its global database, where it follows the new one, and keeps a copy of the snapshot
    of what an unplanned failover lost. With O(cleanup_policy=remove) it is taken out and deleted with a final snapshot.
  - O(phase=replicate) waits until the old writer follows, or builds it anew where it is gone.
  - DB instances that are not part of a cluster have a module of their own, M(dr.aws.rds_instance).
options:
  replication:
    description:
      - What a standby that is created is. V(global) makes it a member of a global database, V(binlog) an Aurora MySQL replica
        cluster.
      - V(global) is used when it is left out. A standby that exists is taken as it is.
    type: str
    choices: [global, binlog]
  global_cluster:
    description: The name of a global database that is created. The name of the cluster with C(-global) when it is left out.
    type: str
  instances:
    description:
      - How many instances a side needs to stand by or to serve. A headless cluster gets them. Instances are added, never taken
        away.
      - It is 1 when it is left out.
    type: int
  instance_class:
    description: The class of instances that are created. That of the instances of the other side when it is left out.
    type: str
  subnet_group:
    description: The DB subnet group of a cluster that is created. That of the old cluster in its place when it is left out.
    type: str
  security_groups:
    description:
      - IDs of the security groups of a cluster that is created. Those of the old cluster in its place when they are left out.
    type: list
    elements: str
  kms_key_id:
    description:
      - The key in its own region of an encrypted cluster that is created.
      - That of the old cluster in its place when it is left out; needed where there is none.
    type: str
  parameter_group:
    description:
      - The cluster parameter group of a cluster that is created. That of the old cluster in its place when it is left out.
    type: str
  detach:
    description:
      - Whether O(phase=activate) with O(mode=unplanned) takes the target out of its global database instead of failing over.
      - A last resort, where AWS refuses the failover. The global database is lost, and O(phase=replicate) builds another.
    type: bool
  fence:
    description:
      - Whether the source is fenced before a replica cluster is promoted or the target is detached.
      - Set it to V(false) only where its writers are stopped by other means. AWS fences the writer of a global database itself.
    type: bool
  fence_security_group:
    description:
      - The ID of the security group that a fenced source is left with.
      - A group C(dr-aws-fence) without inbound rules is made in its VPC when it is left out.
    type: str
  regions:
    description:
      - Region to any of O(replication), O(instances), O(instance_class), O(subnet_group), O(security_groups), O(kms_key_id),
        O(parameter_group), O(detach) and O(fence_security_group), for what happens in that region. Goes before the options
        themselves.
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
- name: A secondary of orders in us-west-2, in a global database
  dr.aws.aurora_cluster:
    phase: instantiate
    name: orders
    source_region: us-east-1
    target_region: us-west-2
    global_cluster: orders-global
    instances: 2
    regions:
      us-west-2:
        subnet_group: databases
        security_groups: [sg-0a1b2c3d]
        kms_key_id: arn:aws:kms:us-west-2:111111111111:key/0a1b2c3d-0000-4000-8000-0a1b2c3d4e5f

- name: Move the writer of orders to us-west-2, with the source region gone
  dr.aws.aurora_cluster:
    phase: activate
    mode: unplanned
    name: orders
    source_region: us-east-1
    target_region: us-west-2

- name: Keep what the failover lost when the source region is back
  dr.aws.aurora_cluster:
    phase: cleanup
    name: orders
    source_region: us-east-1
    target_region: us-west-2

- name: Wait until orders in us-east-1 follows the new writer
  dr.aws.aurora_cluster:
    phase: replicate
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
      operation: failover_global_cluster
      region: us-west-2
      account: "111111111111"
      params:
        GlobalClusterIdentifier: orders-global
        TargetDbClusterIdentifier: arn:aws:rds:us-west-2:111111111111:cluster:orders
        AllowDataLoss: true
      why: fail the writer over, with the loss of what has not arrived
      one_way: true
outputs:
  description: Facts of the end state, such as identifiers, endpoints, the replication lag and snapshots of lost writes.
  returned: always
  type: dict
  sample:
    db_cluster_arn: arn:aws:rds:us-west-2:111111111111:cluster:orders
    endpoint: orders.cluster-c0a1b2c3d4e5.us-west-2.rds.amazonaws.com
    reader_endpoint: orders.cluster-ro-c0a1b2c3d4e5.us-west-2.rds.amazonaws.com
    port: 5432
    global_cluster: orders-global
    instances: [orders-1]
    lag_seconds: null
    role: active
    fencing: deferred
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
  sample: 148.2
active_side:
  description: Which side serves now, one of C(source), C(target), C(neither), C(both) and C(unknown).
  returned: always
  type: str
  sample: target
"""

from ansible_collections.dr.aws.plugins.module_utils.adapters.aurora_cluster import AuroraCluster
from ansible_collections.dr.aws.plugins.module_utils.amazon import technology_module


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
            "fence": {"type": "bool"},
            "fence_security_group": {"type": "str"},
            "regions": {"type": "dict"},
        },
    )


if __name__ == "__main__":
    main()
