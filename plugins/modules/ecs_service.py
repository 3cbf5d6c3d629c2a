#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_service
short_description: Carries an ECS service with a standby in another region through a disaster
version_added: 0.1.0
description:
  - Makes the end state of one phase hold for one ECS service and its scalable target. Observes both regions, and calls AWS only
    where they differ from it.
  - The standby is a service at zero whose scaling is suspended. O(phase=activate) scales it to production's capacity, sees its
    tasks run, and then lets its scaling go.
  - O(name) is C(cluster/service).
options:
  desired_count:
    description:
      - The number of tasks to activate.
      - The larger of what the source runs and what was captured when it is left out. A zero never replaces a positive number.
    type: int
  min_capacity:
    description:
      - The lower limit of scaling to restore, together with O(max_capacity).
      - That of the source, or the captured one, when it is left out.
    type: int
  max_capacity:
    description: The upper limit of scaling to restore. That of the source, or the captured one, when it is left out.
    type: int
  stop_source_first:
    description: Scale the source to zero before the target starts. For workers that must not run twice.
    type: bool
  subnets:
    description: Subnets of a service that is created. Needed when the other side has a network configuration.
    type: list
    elements: str
  security_groups:
    description: Security groups of a service that is created.
    type: list
    elements: str
  assign_public_ip:
    description: Whether tasks of a service that is created get public addresses.
    type: bool
  load_balancers:
    description: Load balancers of a service that is created, as CreateService takes them. Needed when the other side has some.
    type: list
    elements: dict
  service_registries:
    description: Service registries of a service that is created, as CreateService takes them. Needed when the other side has some.
    type: list
    elements: dict
  replace:
    description:
      - Strings of the task definition that differ between the regions, old to new, beyond the name of the region itself.
    type: dict
  regions:
    description:
      - Region to any of O(subnets), O(security_groups), O(assign_public_ip), O(load_balancers), O(service_registries) and
        O(replace), for what is created or registered in that region. Goes before the options themselves.
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
- name: A standby of apps/api at zero in us-west-2
  dr.aws.ecs_service:
    phase: instantiate
    name: apps/api
    source_region: us-east-1
    target_region: us-west-2
    regions:
      us-west-2:
        subnets: [subnet-0a1b2c3d, subnet-0e4f5a6b]
        security_groups: [sg-0a1b2c3d]

- name: One task of the standby in the drill room, for a drill
  dr.aws.ecs_service:
    phase: instantiate
    name: apps/api
    source_region: us-east-1
    target_region: us-west-2
    drill_id: quarterly

- name: Run apps/api in us-west-2, with the source region gone
  dr.aws.ecs_service:
    phase: activate
    mode: unplanned
    name: apps/api
    source_region: us-east-1
    target_region: us-west-2
    captured:
      desired_count: 4
      min_capacity: 2
      max_capacity: 10

- name: Stop what still runs in us-east-1 when it is back
  dr.aws.ecs_service:
    phase: cleanup
    name: apps/api
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
    - service: ecs
      operation: update_service
      region: us-west-2
      account: "111111111111"
      params: {cluster: apps, service: api, desiredCount: 4}
      why: scale it to 4 tasks
      one_way: false
outputs:
  description: Facts of the end state, such as the service's ARN, its task definition and its counts.
  returned: always
  type: dict
  sample:
    service_arn: arn:aws:ecs:us-west-2:111111111111:service/apps/api
    task_definition: arn:aws:ecs:us-west-2:111111111111:task-definition/api:7
    desired_count: 4
    running_count: 4
    role: active
    wanted_count: 4
    capacity_from: captured
    min_capacity: 2
    max_capacity: 10
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
  sample: 62.1
active_side:
  description: Which side serves now, one of C(source), C(target), C(neither), C(both) and C(unknown).
  returned: always
  type: str
  sample: target
"""

from ansible_collections.dr.aws.plugins.module_utils.adapters.ecs_service import EcsService
from ansible_collections.dr.aws.plugins.module_utils.amazon import technology_module
from ansible_collections.dr.aws.plugins.module_utils.drills.ecs_service import EcsServiceDrill


def main() -> None:
    technology_module(
        EcsService(),
        {
            "desired_count": {"type": "int"},
            "min_capacity": {"type": "int"},
            "max_capacity": {"type": "int"},
            "stop_source_first": {"type": "bool"},
            "subnets": {"type": "list", "elements": "str"},
            "security_groups": {"type": "list", "elements": "str"},
            "assign_public_ip": {"type": "bool"},
            "load_balancers": {"type": "list", "elements": "dict"},
            "service_registries": {"type": "list", "elements": "dict"},
            "replace": {"type": "dict"},
            "regions": {"type": "dict"},
        },
        EcsServiceDrill(),
    )


if __name__ == "__main__":
    main()
