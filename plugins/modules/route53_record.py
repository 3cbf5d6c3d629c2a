#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: route53_record
short_description: Points a Route 53 record at the other region, and back
version_added: 0.1.0
description:
  - Moves one DNS name from one region's values to the other's in one atomic batch.
  - Waits until every name server has the change.
  - Simple, weighted and failover record sets, with values or alias targets, and ARC routing controls.
  - Route 53 has the phase V(activate) and V(rollback) only.
  - Route 53 answers queries everywhere, but records are changed in us-east-1. Routing controls do not need it.
options:
  name:
    description: The record, as C(zone_id/name/type), or C(zone_id/name/type/set_identifier) for one of several record sets.
    type: str
    required: true
  values:
    description: What the record answers when a region serves, as a list of values per region.
    type: dict
  alias:
    description:
      - What an alias record answers when a region serves, as C(dns_name), C(hosted_zone_id) (of the target's service) and
        C(evaluate) (whether the target's health is evaluated) per region.
    type: dict
  ttl:
    description: The TTL, in seconds, of a record that is changed. The record keeps its own when it is left out.
    type: int
  routing:
    description:
      - V(arc) switches routing controls. Anything else must be what the record has; it is read from Route 53 when it is left out.
    type: str
    choices: [simple, weighted, failover, arc]
  set_identifiers:
    description: The set identifier of each region's weighted record set. It is found by its values when it is left out.
    type: dict
  health_checks:
    description:
      - The ID of the health check of each region's values, for failover records.
      - The existing records' checks follow their values when it is left out.
    type: dict
  routing_controls:
    description: The ARN of each region's routing control, for O(routing=arc).
    type: dict
  cluster_endpoints:
    description: The endpoints of the ARC cluster, tried one after another, for O(routing=arc).
    type: list
    elements: dict
    suboptions:
      endpoint:
        description: The endpoint's URL.
        type: str
        required: true
      region:
        description: The endpoint's region.
        type: str
        required: true
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
- name: The record that us-west-2 would get, under a name of a drill's own
  dr.aws.route53_record:
    phase: instantiate
    name: ZF0C3AD39A2B43/www.shop.example.com/CNAME
    values:
      us-east-1: [web.us-east-1.example.com]
      us-west-2: [web.us-west-2.example.com]
    source_region: us-east-1
    target_region: us-west-2
    drill_id: quarterly

- name: Point the shop at us-west-2, with the source region gone
  dr.aws.route53_record:
    phase: activate
    mode: unplanned
    name: ZF0C3AD39A2B43/www.shop.example.com/CNAME
    values:
      us-east-1: [web.us-east-1.example.com]
      us-west-2: [web.us-west-2.example.com]
    source_region: us-east-1
    target_region: us-west-2

- name: Point it back
  dr.aws.route53_record:
    phase: rollback
    name: ZF0C3AD39A2B43/www.shop.example.com/CNAME
    values:
      us-east-1: [web.us-east-1.example.com]
      us-west-2: [web.us-west-2.example.com]
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
    - service: route53
      operation: change_resource_record_sets
      region: us-west-2
      account: "111111111111"
      params:
        HostedZoneId: ZF0C3AD39A2B43
        ChangeBatch:
          Comment: "dr.aws: to us-west-2; was web.us-east-1.example.com"
          Changes:
            - Action: UPSERT
              ResourceRecordSet:
                Name: www.shop.example.com.
                Type: CNAME
                TTL: 60
                ResourceRecords: [{Value: web.us-west-2.example.com}]
      why: point www.shop.example.com CNAME at us-west-2
      one_way: false
outputs:
  description:
    - Facts of the end state, such as the answers, the change and its status.
    - C(dns_expires_at) is when the last resolver that keeps to the TTL has forgotten the old answer, an estimate.
  returned: always
  type: dict
  sample:
    zone_id: ZF0C3AD39A2B43
    record: www.shop.example.com
    type: CNAME
    answers: web.us-west-2.example.com
    ttl_seconds: 60
    change_id: /change/C2682N5HXP0BZ4
    change_status: INSYNC
    dns_expires_at: "2026-11-28T12:02:00+00:00"
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
  sample: 47.1
active_side:
  description: Which side serves now, one of C(source), C(target), C(neither), C(both) and C(unknown).
  returned: always
  type: str
  sample: target
"""

from ansible_collections.dr.aws.plugins.module_utils.adapters.route53_record import Route53Record
from ansible_collections.dr.aws.plugins.module_utils.amazon import technology_module
from ansible_collections.dr.aws.plugins.module_utils.drills.route53_record import Route53RecordDrill


def main() -> None:
    technology_module(
        Route53Record(),
        {
            "values": {"type": "dict"},
            "alias": {"type": "dict"},
            "ttl": {"type": "int"},
            "routing": {"type": "str", "choices": ["simple", "weighted", "failover", "arc"]},
            "set_identifiers": {"type": "dict"},
            "health_checks": {"type": "dict"},
            "routing_controls": {"type": "dict"},
            "cluster_endpoints": {
                "type": "list",
                "elements": "dict",
                "options": {"endpoint": {"type": "str", "required": True}, "region": {"type": "str", "required": True}},
            },
        },
        Route53RecordDrill(),
    )


if __name__ == "__main__":
    main()
