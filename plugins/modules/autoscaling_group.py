#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: autoscaling_group
short_description: Carries an EC2 Auto Scaling group with a standby in another region through a disaster
version_added: 0.1.0
description:
  - Makes the end state of one phase hold for one group. Observes both regions, and calls AWS only where they differ from it.
  - The standby is a group at zero, of a copy of production's image, whose alarms and schedules are suspended. O(phase=activate)
    restores production's size, sees the instances healthy, and then lets alarms and schedules go.
options:
  desired_capacity:
    description:
      - The number of instances to activate.
      - The larger of what the source has and what was captured when it is left out. A zero never replaces a positive number.
    type: int
  min_size:
    description: The minimum to restore, together with O(max_size). That of the source, or the captured one, when it is left out.
    type: int
  max_size:
    description: The maximum to restore. That of the source, or the captured one, when it is left out.
    type: int
  min_success_percent:
    description: How many of the desired instances must be in service and healthy, in percent. All when it is left out.
    type: float
  stop_source_first:
    description: Scale the source to zero before the target starts. For workers that must not run twice.
    type: bool
  subnets:
    description: Subnets of a group that is created. Needed when the other side names some.
    type: list
    elements: str
  target_groups:
    description: ARNs of the target groups of a group that is created. Needed when the other side has some.
    type: list
    elements: str
  load_balancer_names:
    description: Classic load balancers of a group that is created. Needed when the other side has some.
    type: list
    elements: str
  security_groups:
    description: Security groups of a launch template that is created. Needed when the other side's template names some.
    type: list
    elements: str
  key_name:
    description:
      - Key pair of a launch template that is created. Needed when the other side's template names one.
      - The empty string leaves it out.
    type: str
  kms_key_id:
    description: KMS key of copied images, and of volumes that are encrypted with a key in the other side's template.
    type: str
  image_id:
    description: An image of that region, instead of a copy of the other side's.
    type: str
  replace:
    description: Strings of the launch template that differ between the regions, old to new, beyond the name of the region itself.
    type: dict
  regions:
    description:
      - Region to any of O(subnets), O(target_groups), O(load_balancer_names), O(security_groups), O(key_name), O(kms_key_id),
        O(image_id) and O(replace), for what is created in that region. Goes before the options themselves.
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
- name: A standby of web at zero in us-west-2
  dr.aws.autoscaling_group:
    phase: instantiate
    name: web
    source_region: us-east-1
    target_region: us-west-2
    regions:
      us-west-2:
        subnets: [subnet-0a1b2c3d, subnet-0e4f5a6b]
        security_groups: [sg-0a1b2c3d]
        target_groups:
          - arn:aws:elasticloadbalancing:us-west-2:111111111111:targetgroup/web/0123456789abcdef

- name: One instance of the standby's image in the drill room, for a drill
  dr.aws.autoscaling_group:
    phase: instantiate
    name: web
    source_region: us-east-1
    target_region: us-west-2
    drill_id: quarterly

- name: Restore the size of web in us-west-2, with the source region gone
  dr.aws.autoscaling_group:
    phase: activate
    mode: unplanned
    name: web
    source_region: us-east-1
    target_region: us-west-2
    captured:
      desired_capacity: 4
      min_size: 2
      max_size: 10

- name: Stop what still runs in us-east-1 when it is back
  dr.aws.autoscaling_group:
    phase: cleanup
    name: web
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
    - service: autoscaling
      operation: update_auto_scaling_group
      region: us-west-2
      account: "111111111111"
      params: {AutoScalingGroupName: web, MinSize: 2, MaxSize: 10, DesiredCapacity: 4}
      why: scale it to 4 instances
      one_way: false
outputs:
  description: Facts of the end state, such as the group's ARN, its size, its launch template and its image.
  returned: always
  type: dict
  sample:
    desired_capacity: 4
    in_service: 4
    min_size: 2
    max_size: 10
    role: active
    wanted_capacity: 4
    capacity_from: captured
    launch_template_id: lt-0123456789abcdef0
    launch_template_version: "3"
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
  sample: 184.7
active_side:
  description: Which side serves now, one of C(source), C(target), C(neither), C(both) and C(unknown).
  returned: always
  type: str
  sample: target
"""

from ansible_collections.dr.aws.plugins.module_utils.adapters.autoscaling_group import AutoscalingGroup
from ansible_collections.dr.aws.plugins.module_utils.amazon import technology_module
from ansible_collections.dr.aws.plugins.module_utils.drills.autoscaling_group import AutoscalingGroupDrill


def main() -> None:
    technology_module(
        AutoscalingGroup(),
        {
            "desired_capacity": {"type": "int"},
            "min_size": {"type": "int"},
            "max_size": {"type": "int"},
            "min_success_percent": {"type": "float"},
            "stop_source_first": {"type": "bool"},
            "subnets": {"type": "list", "elements": "str"},
            "target_groups": {"type": "list", "elements": "str"},
            "load_balancer_names": {"type": "list", "elements": "str"},
            "security_groups": {"type": "list", "elements": "str"},
            "key_name": {"type": "str", "no_log": False},
            "kms_key_id": {"type": "str", "no_log": False},
            "image_id": {"type": "str"},
            "replace": {"type": "dict"},
            "regions": {"type": "dict"},
        },
        AutoscalingGroupDrill(),
    )


if __name__ == "__main__":
    main()
