#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: memorydb_cluster
short_description: Makes a MemoryDB cluster in another region the one that production uses
version_added: 0.1.0
description:
  - All members of a multi-Region cluster take writes, and AWS has no promotion. O(phase=activate) proves that the target is a member, admits
    its users and is not behind, and marks it by a tag.
  - A single-Region cluster is restored from a snapshot that was copied to the target region. What was written after it is lost, so
    O(mode=planned) never activates it.
  - O(cleanup_policy=remove) deletes the old cluster with a final snapshot, and never the last member.
options:
  acl:
    description: The ACL of a cluster that is created. It must exist there and have users. The name of the other side's when it is left out.
    type: str
  subnet_group:
    description: The subnet group of a cluster that is created. What was captured of that region when it is left out.
    type: str
  security_groups:
    description: The security groups of a cluster that is created. What was captured of that region when it is left out.
    type: list
    elements: str
  kms_key_id:
    description: The key of a cluster that is created. Needed when the other side has a key of its own.
    type: str
  replicas:
    description: How many replicas each shard of a cluster that is created has. As the other side's when it is left out.
    type: int
  snapshot_arns:
    description: S3 ARNs of the exported snapshot that a single-Region cluster is restored from, one for each shard.
    type: list
    elements: str
  snapshot_name:
    description: The snapshot, in the region where it is restored, instead of O(snapshot_arns).
    type: str
  fence_security_group:
    description: The security group without inbound rules that O(phase=cleanup) leaves an old single-Region cluster with.
    type: str
  regions:
    description:
      - Region to any of the options above, for what happens in that region. Goes before the options themselves.
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
- name: A member in us-west-2 beside the one in us-east-1
  dr.aws.memorydb_cluster:
    phase: instantiate
    name: queue
    target_name: queue-west
    source_region: us-east-1
    target_region: us-west-2
    regions:
      us-west-2:
        subnet_group: caches
        security_groups: [sg-0aaaaaaaaaaaaaaaa]

- name: A copy of the member in us-west-2 in the drill room, for a drill
  dr.aws.memorydb_cluster:
    phase: instantiate
    name: queue
    target_name: queue-west
    source_region: us-east-1
    target_region: us-west-2
    drill_id: quarterly

- name: Let production use it, with the source region gone
  dr.aws.memorydb_cluster:
    phase: activate
    mode: unplanned
    name: queue
    target_name: queue-west
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
    - service: memorydb
      operation: tag_resource
      region: us-west-2
      account: "111111111111"
      params:
        ResourceArn: arn:aws:memorydb:us-west-2:111111111111:cluster/queue-west
        Tags: [{Key: "dr:epoch", Value: "1"}]
      why: mark it as the side that production uses
      one_way: false
outputs:
  description: Facts of the end state.
  returned: always
  type: dict
  sample:
    role: active
    cluster_name: queue-west
    arn: arn:aws:memorydb:us-west-2:111111111111:cluster/queue-west
    region: us-west-2
    endpoint: clustercfg.queue-west.abc123.memorydb.us-west-2.amazonaws.com
    port: 6379
    multi_region_cluster_name: virxk-queue
    lag_seconds: 0.25
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
  sample: 6.2
active_side:
  description: Which side serves now, one of C(source), C(target), C(neither), C(both) and C(unknown).
  returned: always
  type: str
  sample: target
"""

from ansible_collections.dr.aws.plugins.module_utils.adapters.memorydb_cluster import MemorydbCluster
from ansible_collections.dr.aws.plugins.module_utils.amazon import technology_module
from ansible_collections.dr.aws.plugins.module_utils.drills.memorydb_cluster import MemorydbClusterDrill


def main() -> None:
    technology_module(
        MemorydbCluster(),
        {
            "acl": {"type": "str"},
            "subnet_group": {"type": "str"},
            "security_groups": {"type": "list", "elements": "str"},
            "kms_key_id": {"type": "str", "no_log": False},
            "replicas": {"type": "int"},
            "snapshot_arns": {"type": "list", "elements": "str"},
            "snapshot_name": {"type": "str"},
            "fence_security_group": {"type": "str"},
            "regions": {"type": "dict"},
        },
        MemorydbClusterDrill(),
    )


if __name__ == "__main__":
    main()
