#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: drs_source_server
short_description: Carries a server under AWS Elastic Disaster Recovery through a disaster
version_added: 0.1.0
description:
  - Makes the end state of one phase hold for one source server of AWS Elastic Disaster Recovery (DRS). Observes both regions, and
    calls AWS only where they differ from it.
  - O(name) is the source server's ID, C(s-…), in both directions. On the way back the reversed source server is found by itself.
  - O(phase=instantiate) launches a recovery instance, O(phase=activate) stops the source, launches again where data would be lost,
    starts the instance and waits for its status checks.
  - Launching removes every instance that was launched from the same source server before, as DRS always does.
options:
  launch_disposition:
    description:
      - Whether a launch leaves the recovery instance V(STOPPED), as a standby that O(phase=activate) starts, or V(STARTED).
      - V(STOPPED) when it is left out.
    type: str
    choices: [STOPPED, STARTED]
  launch_into:
    description:
      - ID of an EC2 instance in O(target_region) that is launched into. Its disks are replaced; its ID and private address stay.
      - It must carry the tag C(AWSDRS=AllowLaunchingIntoThisInstance). It is stopped when it runs and does not serve.
      - Such an instance is never removed by O(phase=cleanup).
    type: str
  right_sizing:
    description: How the instance type is chosen. The launch configuration is left as it is when this is left out.
    type: str
    choices: [NONE, BASIC, IN_AWS]
  copy_private_ip:
    description: Whether a launch copies the private address. The launch configuration is left as it is when this is left out.
    type: bool
  copy_tags:
    description: Whether a launch copies the source's tags. The launch configuration is left as it is when this is left out.
    type: bool
  recovery_mode:
    description: How fast or how safely a launch goes. The launch configuration is left as it is when this is left out.
    type: str
    choices: [FAST, OPTIMAL]
  post_launch:
    description: Whether launch actions run. The launch configuration is left as it is when this is left out.
    type: bool
  quarantine_security_group:
    description:
      - ID of the only security group that O(phase=cleanup) leaves a stopped old source with. It gets its own ones back when it
        is launched into or rolled back to.
      - The security groups are left as they are when this is left out.
    type: str
  discard_target_writes:
    description:
      - Whether O(phase=rollback) may lose what was written in the target region since it serves.
      - A rollback of a server that has served is refused when this is left out.
    type: bool
  regions:
    description:
      - Region to any of the options above but O(discard_target_writes), for what happens in that region. Goes before the options
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
- name: A drill instance in the drill room of us-west-2, before anything is launched to stay
  dr.aws.drs_source_server:
    phase: instantiate
    name: s-0123456789abcdef0
    source_region: us-east-1
    target_region: us-west-2
    drill_id: quarterly

- name: Remove everything of the drill
  dr.aws.drs_source_server:
    phase: cleanup
    name: s-0123456789abcdef0
    source_region: us-east-1
    target_region: us-west-2
    drill_id: quarterly

- name: A stopped recovery instance in us-west-2
  dr.aws.drs_source_server:
    phase: instantiate
    name: s-0123456789abcdef0
    source_region: us-east-1
    target_region: us-west-2

- name: Start it, with the source region gone
  dr.aws.drs_source_server:
    phase: activate
    mode: unplanned
    name: s-0123456789abcdef0
    source_region: us-east-1
    target_region: us-west-2

- name: Replicate it back to us-east-1
  dr.aws.drs_source_server:
    phase: replicate
    name: s-0123456789abcdef0
    source_region: us-east-1
    target_region: us-west-2

- name: A stopped recovery instance in us-east-1 for the way back, in the place of one that is kept for it
  dr.aws.drs_source_server:
    phase: instantiate
    name: s-0123456789abcdef0
    source_region: us-west-2
    target_region: us-east-1
    launch_into: i-0123456789abcdef0
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
    - service: drs
      operation: start_recovery
      region: us-west-2
      account: "111111111111"
      params: {sourceServers: [{sourceServerID: s-0123456789abcdef0}], isDrill: false}
      why: launch a recovery instance
      one_way: false
outputs:
  description:
    - Facts of the end state, such as the job, the instance, its status checks, the time of its data and the replication lag.
    - C(data_age_seconds) is how much of what DRS has received is younger than the instance's data.
  returned: always
  type: dict
  sample:
    source_server_id: s-0123456789abcdef0
    recovery_instance_id: i-0fedcba9876543210
    ec2_instance_id: i-0fedcba9876543210
    job_id: drsjob-0123456789abcdef0
    private_ip: 10.1.2.3
    status_checks: ok
    point_in_time: "2026-11-28T12:00:00+00:00"
    data_age_seconds: 0.0
    lag_seconds: 0.0
    replication_state: CONTINUOUS
    direction: FAILOVER
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
  sample: 1230.5
active_side:
  description: Which side serves now, one of C(source), C(target), C(neither), C(both) and C(unknown).
  returned: always
  type: str
  sample: target
"""

from ansible_collections.dr.aws.plugins.module_utils.adapters.drs_source_server import DrsSourceServer
from ansible_collections.dr.aws.plugins.module_utils.amazon import technology_module
from ansible_collections.dr.aws.plugins.module_utils.drills.drs_source_server import DrsSourceServerDrill


def main() -> None:
    technology_module(
        DrsSourceServer(),
        {
            "launch_disposition": {"type": "str", "choices": ["STOPPED", "STARTED"]},
            "launch_into": {"type": "str"},
            "right_sizing": {"type": "str", "choices": ["NONE", "BASIC", "IN_AWS"]},
            "copy_private_ip": {"type": "bool"},
            "copy_tags": {"type": "bool"},
            "recovery_mode": {"type": "str", "choices": ["FAST", "OPTIMAL"]},
            "post_launch": {"type": "bool"},
            "quarantine_security_group": {"type": "str"},
            "discard_target_writes": {"type": "bool"},
            "regions": {"type": "dict"},
        },
        DrsSourceServerDrill(),
    )


if __name__ == "__main__":
    main()
