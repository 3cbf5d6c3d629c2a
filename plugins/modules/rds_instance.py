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
  - A promotion cannot be undone. O(phase=activate) fences the source first where it answers, by a security group without inbound
    rules, and O(phase=rollback) lifts that fence as long as nothing was promoted.
  - O(phase=cleanup) fences the old source and renames it; with O(cleanup_policy=remove) it is deleted with a final snapshot.
    O(phase=replicate) creates a replica in its place, under its identifier.
  - Aurora clusters have a module of their own, M(dr.aws.aurora_cluster).
options:
  instance_class:
    description: The class of a replica that is created. The class of the instance that it replicates from when it is left out.
    type: str
  subnet_group:
    description: The DB subnet group of a replica that is created. That of the old instance in its place when it is left out.
    type: str
  security_groups:
    description: IDs of the security groups of a replica that is created. Those of the old instance in its place when they are left out.
    type: list
    elements: str
  kms_key_id:
    description:
      - The key in its own region of an encrypted replica that is created.
      - That of the old instance in its place when it is left out; needed where there is none.
    type: str
  parameter_group:
    description:
      - The parameter group of the replica. Of PostgreSQL and MariaDB, for which RDS takes none when a replica is created in another
        region, the replica is given it when it stands. It takes effect with the restart of the promotion.
      - That of the old instance in its place when it is left out and the major version is the same, else the default one.
    type: str
  option_group:
    description:
      - The option group of a replica that is created.
      - That of the old instance in its place when it is left out and the major version is the same, else the default one.
    type: str
  multi_az:
    description: Whether a replica that is created has a standby in another zone.
    type: bool
  backup_days:
    description:
      - The backup retention of a replica that is promoted, in days.
      - That of the source when it is left out, or what was captured of it, or 7.
    type: int
  fence_security_group:
    description:
      - The ID of the security group that a fenced source is left with.
      - A group C(dr-aws-fence) without inbound rules is made in its VPC when it is left out.
    type: str
  fence:
    description: Whether the source is fenced before the promotion. Set it to V(false) only where its writers are stopped by other means.
    type: bool
  wait_for:
    description:
      - When O(phase=activate) is done. V(writable) does not wait for the first backup after the promotion.
      - V(available) is used when it is left out.
    type: str
    choices: [available, writable]
  regions:
    description:
      - Region to any of O(instance_class), O(subnet_group), O(security_groups), O(kms_key_id), O(parameter_group), O(option_group),
        O(multi_az), O(backup_days), O(fence_security_group) and O(wait_for), for what happens in that region. Goes before the options
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
- name: A replica of orders in us-west-2
  dr.aws.rds_instance:
    phase: instantiate
    name: orders
    source_region: us-east-1
    target_region: us-west-2
    regions:
      us-west-2:
        subnet_group: databases
        security_groups: [sg-0a1b2c3d]
        kms_key_id: arn:aws:kms:us-west-2:111111111111:key/0a1b2c3d-0000-4000-8000-0a1b2c3d4e5f

- name: A copy of the replica in the drill room, for a drill
  dr.aws.rds_instance:
    phase: instantiate
    name: orders
    source_region: us-east-1
    target_region: us-west-2
    drill_id: quarterly

- name: Remove everything of the drill
  dr.aws.rds_instance:
    phase: cleanup
    name: orders
    source_region: us-east-1
    target_region: us-west-2
    drill_id: quarterly

- name: Promote the replica of orders in us-west-2, with the source region gone
  dr.aws.rds_instance:
    phase: activate
    mode: unplanned
    name: orders
    source_region: us-east-1
    target_region: us-west-2

- name: Put the old source aside when its region is back
  dr.aws.rds_instance:
    phase: cleanup
    name: orders
    source_region: us-east-1
    target_region: us-west-2

- name: Protect orders again, by a replica in us-east-1
  dr.aws.rds_instance:
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
  sample:
    db_instance_arn: arn:aws:rds:us-west-2:111111111111:db:orders
    db_resource_id: db-ABCDEFGHIJKLMNOPQRSTUVWXYZ
    endpoint: orders.us-west-2.rds.amazonaws.com
    port: 5432
    lag_seconds: null
    source_db_instance: ""
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
  sample: 312.4
active_side:
  description: Which side serves now, one of C(source), C(target), C(neither), C(both) and C(unknown).
  returned: always
  type: str
  sample: target
"""

from ansible_collections.dr.aws.plugins.module_utils.adapters.rds_instance import RdsInstance
from ansible_collections.dr.aws.plugins.module_utils.amazon import technology_module
from ansible_collections.dr.aws.plugins.module_utils.drills.rds_instance import RdsInstanceDrill


def main() -> None:
    technology_module(
        RdsInstance(),
        {
            "instance_class": {"type": "str"},
            "subnet_group": {"type": "str"},
            "security_groups": {"type": "list", "elements": "str"},
            "kms_key_id": {"type": "str"},
            "parameter_group": {"type": "str"},
            "option_group": {"type": "str"},
            "multi_az": {"type": "bool"},
            "backup_days": {"type": "int"},
            "fence_security_group": {"type": "str"},
            "fence": {"type": "bool"},
            "wait_for": {"type": "str", "choices": ["available", "writable"]},
            "regions": {"type": "dict"},
        },
        RdsInstanceDrill(),
    )


if __name__ == "__main__":
    main()
