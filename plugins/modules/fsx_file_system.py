#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: fsx_file_system
short_description: Carries an FSx file system with backups in another region through a disaster
version_added: 0.1.0
description:
  - Makes the end state of one phase hold for one FSx file system for Windows File Server, Lustre or OpenZFS. Observes both regions,
    and calls AWS only where they differ from it.
  - O(phase=activate) restores the newest copied backup as a new file system. In planned mode the source is fenced first, and that
    backup is taken after the fence.
  - FSx for ONTAP is replicated by SnapMirror, which is not AWS's API. The phases say what to do there, and go on when that is done.
  - O(name) and O(target_name) are file system ids. What was restored from O(name) is found by its tags.
options:
  subnets:
    description:
      - Subnets of a file system that is restored, the preferred one first. Those that an earlier run noted on the copied backup when it
        is left out.
    type: list
    elements: str
  security_groups:
    description: Security groups of a file system that is restored. The default group of its VPC when it is left out.
    type: list
    elements: str
  kms_key_id:
    description: The key of copied backups and of a file system that is restored. AWS's own key for FSx when it is left out.
    type: str
  active_directory_id:
    description: The AWS Managed Microsoft AD that a restored file system for Windows joins. What the backup says when it is left out.
    type: str
  route_table_ids:
    description: Route tables of a restored file system for OpenZFS in two availability zones.
    type: list
    elements: str
  aliases:
    description: DNS aliases of a restored file system for Windows. Those in the backup when it is left out.
    type: list
    elements: str
  throughput_capacity:
    description: The throughput of a restored file system, in MB/s. That in the backup when it is left out.
    type: int
  max_backup_age_seconds:
    description: O(phase=instantiate) and O(phase=replicate) take a new backup when the newest copy is older than this, in seconds.
    type: int
    default: 86400
  max_lag_seconds:
    description: The age of the copy, in seconds, beyond which an unplanned O(phase=activate) is refused. No limit when it is left out.
    type: int
  fence_security_group:
    description: The security group that a fenced source is left with. C(dr-aws-fence) is made when it is left out.
    type: str
  regions:
    description:
      - Region to any of the options above, for what happens in that region. Goes before the options themselves.
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
- name: Keep a backup that is at most six hours old in us-west-2
  dr.aws.fsx_file_system:
    phase: instantiate
    name: fs-c1fd92cde08bcc135
    source_region: us-east-1
    target_region: us-west-2
    max_backup_age_seconds: 21600
    regions:
      us-west-2:
        subnets: [subnet-0123456789abcdef0]
        security_groups: [sg-0123456789abcdef0]

- name: A copy of the newest backup in us-west-2 in the drill room, for a drill
  dr.aws.fsx_file_system:
    phase: instantiate
    name: fs-c1fd92cde08bcc135
    source_region: us-east-1
    target_region: us-west-2
    drill_id: quarterly

- name: Restore it, with the source region gone
  dr.aws.fsx_file_system:
    phase: activate
    mode: unplanned
    name: fs-c1fd92cde08bcc135
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
    - service: fsx
      operation: create_file_system_from_backup
      region: us-west-2
      account: "111111111111"
      params: {BackupId: backup-0123456789abcdef0, SubnetIds: [subnet-0123456789abcdef0]}
      why: restore the backup as a new file system
      one_way: false
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

from ansible_collections.dr.aws.plugins.module_utils.adapters.fsx_file_system import FsxFileSystem
from ansible_collections.dr.aws.plugins.module_utils.amazon import technology_module
from ansible_collections.dr.aws.plugins.module_utils.drills.fsx_file_system import FsxFileSystemDrill


def main() -> None:
    technology_module(
        FsxFileSystem(),
        {
            "subnets": {"type": "list", "elements": "str"},
            "security_groups": {"type": "list", "elements": "str"},
            "kms_key_id": {"type": "str", "no_log": False},
            "active_directory_id": {"type": "str"},
            "route_table_ids": {"type": "list", "elements": "str"},
            "aliases": {"type": "list", "elements": "str"},
            "throughput_capacity": {"type": "int"},
            "max_backup_age_seconds": {"type": "int", "default": 86400},
            "max_lag_seconds": {"type": "int"},
            "fence_security_group": {"type": "str"},
            "regions": {"type": "dict"},
        },
        FsxFileSystemDrill(),
    )


if __name__ == "__main__":
    main()
