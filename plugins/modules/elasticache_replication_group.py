#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: elasticache_replication_group
short_description: Fails an ElastiCache global datastore over to its replication group in another region
version_added: 0.1.0
description:
  - O(name) and O(target_name) are replication groups of Valkey or Redis OSS that belong to one global datastore.
  - O(phase=activate) promotes the group of O(target_region), which demotes the other one. So the old side stands by at once.
  - Clients reach each region's group at an endpoint of its own.
  - O(cleanup_policy=remove) takes the old group out of the datastore and deletes it with a final snapshot. O(phase=replicate) makes it anew.
options:
  subnet_group:
    description: The cache subnet group of a group that is created. What was captured of that region when it is left out.
    type: str
  security_groups:
    description: The security groups of a group that is created. What was captured of that region when it is left out.
    type: list
    elements: str
  kms_key_id:
    description: The key of a group that is created. Needed when the other side has a key of its own.
    type: str
  user_groups:
    description: The user groups of a group that is created. Needed when the other side has some.
    type: list
    elements: str
  parameter_group:
    description: The cache parameter group of a group that is created. The global datastore's when it is left out.
    type: str
  replicas:
    description: How many replicas each shard of a group that is created has. As the other side's when it is left out.
    type: int
  multi_az:
    description: Whether a group that is created spans availability zones. As the other side's when it is left out.
    type: bool
  datastore_suffix:
    description: The name of a global datastore that is created, without its prefix. The identifier of its first group when it is left out.
    type: str
  regions:
    description:
      - Region to any of the options above except O(datastore_suffix), for what is made in that region. Goes before the options themselves.
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
- name: A replication group in us-west-2 that follows the one in us-east-1
  dr.aws.elasticache_replication_group:
    phase: instantiate
    name: sessions
    target_name: sessions-west
    source_region: us-east-1
    target_region: us-west-2
    regions:
      us-west-2:
        subnet_group: caches
        security_groups: [sg-0aaaaaaaaaaaaaaaa]

- name: A copy of the group in us-west-2 in the drill room, for a drill
  dr.aws.elasticache_replication_group:
    phase: instantiate
    name: sessions
    target_name: sessions-west
    source_region: us-east-1
    target_region: us-west-2
    drill_id: quarterly

- name: Let it take the writes, with the source region gone
  dr.aws.elasticache_replication_group:
    phase: activate
    mode: unplanned
    name: sessions
    target_name: sessions-west
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
    - service: elasticache
      operation: failover_global_replication_group
      region: us-west-2
      account: "111111111111"
      params:
        GlobalReplicationGroupId: ldgnf-sessions
        PrimaryRegion: us-west-2
        PrimaryReplicationGroupId: sessions-west
      why: let it take the writes
      one_way: false
outputs:
  description: Facts of the end state.
  returned: always
  type: dict
  sample:
    role: active
    replication_group_id: sessions-west
    region: us-west-2
    endpoint: master.sessions-west.abc123.usw2.cache.amazonaws.com
    port: 6379
    global_replication_group_id: ldgnf-sessions
    lag_seconds: null
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
  sample: 61.4
active_side:
  description: Which side serves now, one of C(source), C(target), C(neither), C(both) and C(unknown).
  returned: always
  type: str
  sample: target
"""

from ansible_collections.dr.aws.plugins.module_utils.adapters.elasticache_replication_group import ElasticacheReplicationGroup
from ansible_collections.dr.aws.plugins.module_utils.amazon import technology_module
from ansible_collections.dr.aws.plugins.module_utils.drills.elasticache_replication_group import ElasticacheReplicationGroupDrill


def main() -> None:
    technology_module(
        ElasticacheReplicationGroup(),
        {
            "subnet_group": {"type": "str"},
            "security_groups": {"type": "list", "elements": "str"},
            "kms_key_id": {"type": "str", "no_log": False},
            "user_groups": {"type": "list", "elements": "str"},
            "parameter_group": {"type": "str"},
            "replicas": {"type": "int"},
            "multi_az": {"type": "bool"},
            "datastore_suffix": {"type": "str"},
            "regions": {"type": "dict"},
        },
        ElasticacheReplicationGroupDrill(),
    )


if __name__ == "__main__":
    main()
