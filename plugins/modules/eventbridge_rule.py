#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: eventbridge_rule
short_description: Lets an EventBridge rule fire in one region only, the one that serves
version_added: 0.1.0
description:
  - Switches a rule off in the region that is left before it is on in the region that is activated, so that nothing fires twice.
  - Copies rule and targets back, disabled, for the way home.
  - EventBridge has no phase V(instantiate); the standby rule is deployed disabled, or copied by V(replicate).
  - The phase V(cleanup) only makes sure that the old rule is off, whatever O(cleanup_policy) says.
options:
  name:
    description: The rule, as C(bus/name). A bare name is on the default bus.
    type: str
    required: true
  drain_seconds:
    description: How long to wait between switching one rule off and the other on, in seconds.
    type: int
    default: 90
  replace:
    description:
      - Strings of pattern and targets to exchange in copies that are made into a region, as a dict of old and new per region.
      - The region in the ARNs of targets is exchanged without being told.
    type: dict
  endpoint:
    description: The name of a global endpoint whose state is reported.
    type: str
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
- name: The pattern of the rule orders on the event bus of drills
  dr.aws.eventbridge_rule:
    phase: instantiate
    name: orders
    source_region: us-east-1
    target_region: us-west-2
    drill_id: quarterly

- name: Let the nightly rule fire in us-west-2
  dr.aws.eventbridge_rule:
    phase: activate
    name: nightly
    source_region: us-east-1
    target_region: us-west-2

- name: Prepare the way back
  dr.aws.eventbridge_rule:
    phase: replicate
    name: nightly
    source_region: us-east-1
    target_region: us-west-2
    replace:
      us-east-1: {subnet-0aaaaaaaaaaaaaaaa: subnet-0bbbbbbbbbbbbbbbb}
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
    - service: events
      operation: enable_rule
      region: us-west-2
      account: "111111111111"
      params: {Name: nightly, EventBusName: orders}
      why: enable the rule in us-west-2
      one_way: false
outputs:
  description: Facts of the end state, such as the rule's ARN, its state and the number of its targets.
  returned: always
  type: dict
  sample: {rule_arn: "arn:aws:events:us-west-2:111111111111:rule/orders/nightly", state: ENABLED, targets: 1}
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
  sample: 97.2
active_side:
  description: Which side serves now, one of C(source), C(target), C(neither), C(both) and C(unknown).
  returned: always
  type: str
  sample: target
"""

from ansible_collections.dr.aws.plugins.module_utils.adapters.eventbridge_rule import EventbridgeRule
from ansible_collections.dr.aws.plugins.module_utils.amazon import technology_module
from ansible_collections.dr.aws.plugins.module_utils.drills.eventbridge_rule import EventbridgeRuleDrill


def main() -> None:
    technology_module(
        EventbridgeRule(),
        {
            "drain_seconds": {"type": "int", "default": 90},
            "replace": {"type": "dict"},
            "endpoint": {"type": "str"},
        },
        EventbridgeRuleDrill(),
    )


if __name__ == "__main__":
    main()
