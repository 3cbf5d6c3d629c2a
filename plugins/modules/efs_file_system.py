#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: efs_file_system
short_description: Carries an EFS file system with a replica in another region through a disaster
version_added: 0.1.0
description:
  - Makes the end state of one phase hold for one EFS file system. Observes both regions, and calls AWS only where they differ from it.
  - O(phase=activate) deletes the replication configuration, which makes the destination writable. Writes to the source are denied
    first, by its file system policy, where it answers; in planned mode the deletion waits for a synchronisation after that.
  - O(name) and O(target_name) are file system ids. When the target's is left out, it is read from the replication configuration.
options:
  kms_key_id:
    description: The key of a file system that replication makes. AWS's own key for EFS when it is left out.
    type: str
  subnets:
    description: Subnets that a standby is to have mount targets in, one in each availability zone.
    type: list
    elements: str
  security_groups:
    description: Security groups of mount targets that are made.
    type: list
    elements: str
  max_lag_seconds:
    description: The age of the copy, in seconds, beyond which an unplanned O(phase=activate) is refused. No limit when it is left out.
    type: int
  local_only:
    description:
      - Last resort of an unplanned O(phase=activate) whose replication does not end because the source region is gone. Forgets the
        configuration in the target region alone.
    type: bool
    default: false
  backup_vault:
    description: The AWS Backup vault for the backup that is taken before an old source is overwritten or removed.
    type: str
    default: Default
  backup_role:
    description: The ARN of the role that AWS Backup takes that backup with. C(AWSBackupDefaultServiceRole) when it is left out.
    type: str
  discard_diverged:
    description: Overwrite an old source without a backup of what it took after the last synchronisation.
    type: bool
    default: false
  regions:
    description:
      - Region to any of O(kms_key_id), O(subnets), O(security_groups), O(max_lag_seconds), O(local_only), O(backup_vault),
        O(backup_role) and O(discard_diverged), for what happens in that region. Goes before the options themselves.
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
- name: Replicate a file system to us-west-2 and make it mountable there
  dr.aws.efs_file_system:
    phase: instantiate
    name: fs-628c124cb6294f784
    source_region: us-east-1
    target_region: us-west-2
    regions:
      us-west-2:
        subnets: [subnet-0123456789abcdef0]
        security_groups: [sg-0123456789abcdef0]

- name: A copy of its newest backup in us-west-2 in the drill room, for a drill
  dr.aws.efs_file_system:
    phase: instantiate
    name: fs-628c124cb6294f784
    source_region: us-east-1
    target_region: us-west-2
    drill_id: quarterly

- name: Make the copy writable, with the source region gone
  dr.aws.efs_file_system:
    phase: activate
    mode: unplanned
    name: fs-628c124cb6294f784
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
    - service: efs
      operation: delete_replication_configuration
      region: us-west-2
      account: "111111111111"
      params: {SourceFileSystemId: fs-0123456789abcdef0}
      why: delete the replication, which makes the target writable
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

from ansible_collections.dr.aws.plugins.module_utils.adapters.efs_file_system import EfsFileSystem
from ansible_collections.dr.aws.plugins.module_utils.amazon import technology_module
from ansible_collections.dr.aws.plugins.module_utils.drills.efs_file_system import EfsFileSystemDrill


def main() -> None:
    technology_module(
        EfsFileSystem(),
        {
            "kms_key_id": {"type": "str", "no_log": False},
            "subnets": {"type": "list", "elements": "str"},
            "security_groups": {"type": "list", "elements": "str"},
            "max_lag_seconds": {"type": "int"},
            "local_only": {"type": "bool", "default": False},
            "backup_vault": {"type": "str", "default": "Default"},
            "backup_role": {"type": "str"},
            "discard_diverged": {"type": "bool", "default": False},
            "regions": {"type": "dict"},
        },
        EfsFileSystemDrill(),
    )


if __name__ == "__main__":
    main()
