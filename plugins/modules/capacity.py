#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: capacity
short_description: How full service quotas are, and whether a failover fits in
version_added: 0.1.0
description:
  - Looks in parallel, in accounts and regions, at the quotas of the services that the adapters use, and at what is used of them.
  - A region that does not answer, refuses or never had the service is shown with its reason and does not stop the others.
  - With O(customer), also says what a failover will need in O(dr_region) against what is free there.
  - Changes nothing but its cache in the control plane, which holds for 5 minutes.
options:
  accounts:
    description: Only these accounts. Those of the inventory file when it is left out.
    type: list
    elements: str
    default: []
  regions:
    description: These regions, any number of them. The two of the inventory file when it is left out.
    type: list
    elements: str
    default: []
  technologies:
    description: Only these technologies, of which V(ec2) is one here.
    type: list
    elements: str
    default: []
    choices:
      - drs
      - rds
      - aurora
      - ecs
      - lambda
      - route53
      - elasticache
      - opensearch
      - autoscaling
      - memorydb
      - eventbridge
      - efs
      - fsx
      - ec2
  refresh:
    description: Asks AWS even where the cache knows.
    type: bool
    default: false
  alert:
    description: Tells people through the control plane's topic what is WARNING or CRITICAL, unless it came from the cache.
    type: bool
    default: false
  customer:
    description: The customer whose failover is to be foreseen, from the last readiness snapshot. Needs the three options below.
    type: str
  environment:
    description: The environment of O(customer).
    type: str
  primary_region:
    description: The region that the failover leaves.
    type: str
  dr_region:
    description: The region that takes over.
    type: str
extends_documentation_fragment:
  - dr.aws.run
  - dr.aws.run.module
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
author:
  - dr.aws maintainers (@dr-aws)
"""

EXAMPLES = r"""
- name: See whether limits are near
  dr.aws.capacity:
    control: "{{ hostvars['localhost']['dr_control'] }}"
    technologies: [drs, rds, ec2]
    alert: true

- name: See whether a failover would fit
  dr.aws.capacity:
    control: "{{ hostvars['localhost']['dr_control'] }}"
    customer: acme
    environment: production
    primary_region: us-east-1
    dr_region: us-west-2
"""

RETURN = r"""
entries:
  description:
    - One per account, region and quota, the worst first. RV(entries[].status) is V(OK) below 80 percent, V(INFO) from 80, V(WARNING) from
      90, V(CRITICAL) from 100; V(UNKNOWN) or V(UNINITIALISED) with a reason.
    - RV(entries[].limit_source) is V(applied), V(aws_default), V(assumed) (AWS did not tell; a default of this collection) or
      V(required) (AWS has no such quota).
    - An account-wide limit has an entry with region V(all) as well, with the regional breakdown and the top regions.
  returned: success
  type: list
  elements: dict
  sample:
    - account: "111111111111"
      region: all
      technology: drs
      service: drs
      quota_code: L-C1D14A2B
      name: Replicating source servers
      unit: servers
      scope: account
      limit: 300.0
      limit_source: applied
      counted_in: ""
      fullest: ""
      used: 285
      available: 15.0
      percent: 95.0
      status: WARNING
      reason: ""
      regions: {us-east-1: 250, us-west-2: 35}
      top_regions: [{region: us-east-1, used: 250}, {region: us-west-2, used: 35}]
      missing: {}
  contains:
    status:
      description: How full it is.
      type: str
      returned: success
    limit_source:
      description: Where the limit is from.
      type: str
      returned: success
report:
  description: The same as lines for people, after those of the outlook.
  returned: success
  type: list
  elements: str
  sample: ["1 CRITICAL, 31 OK", "CRITICAL      111111111111 us-west-2         100 %  40 of 40 instances: DB instances (rds L-7B6409FD)"]
asked:
  description: Accounts and regions that AWS was asked for; the others came from the cache.
  returned: success
  type: list
  elements: list
  sample: [["111111111111", us-west-2]]
read_at:
  description: When the oldest of it was read.
  returned: success
  type: str
  sample: "2026-11-28T16:30:00Z"
outlook:
  description: What does not fit (shortfalls), what could not be reckoned with (unknown), quotas lower than in the source (disparities).
  returned: when O(customer) is given
  type: dict
  sample:
    shortfalls:
      - account: "111111111111"
        region: us-west-2
        service: fargate
        quota_code: L-3032A538
        name: Fargate On-Demand vCPU
        needed: 16.0
        free: 6.0
        limit: 6.0
        unit: vCPU
        pairs: [ecs-111111111111-api]
        remedy: "in account 111111111111: aws service-quotas request-service-quota-increase …"
        why: "Fargate On-Demand vCPU (fargate L-3032A538) in us-west-2, account 111111111111: 16 vCPU are needed, 6 of 6 are free"
    unknown: []
    disparities: []
alert:
  description: Whether SNS took the alert.
  returned: when there was something to tell
  type: dict
  sample: {delivered: true, subject: "[DR WARNING] capacity limits are NEAR", message_id: 6d9f…, error: ""}
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils.amazon import control_module
from ansible_collections.dr.aws.plugins.module_utils.capacity import judging, monitor
from ansible_collections.dr.aws.plugins.module_utils.capacity.quotas import WATCHED
from ansible_collections.dr.aws.plugins.module_utils.errors import InputError
from ansible_collections.dr.aws.plugins.module_utils.run import Control

SCOPE = ("customer", "environment", "primary_region", "dr_region")


def look(control: Control, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """How full quotas are, with the outlook and the alert that were asked for."""
    scope = {name: options[name] for name in SCOPE}
    missing = [name for name in SCOPE if not scope[name]]
    if missing and len(missing) < len(SCOPE):
        raise InputError(missing[0], scope[missing[0]], "a value, as another of them is given", f"give all of {', '.join(SCOPE)}")
    found = monitor.seen(
        control,
        accounts=options["accounts"],
        regions=options["regions"],
        technologies=options["technologies"],
        refresh=options["refresh"],
        keep=not check_mode,
    )
    answer: dict[str, Any] = {"changed": False, **found, "report": judging.report(found["entries"])}
    if options["alert"] and not check_mode and (told := monitor.alert(control, found)):
        answer["alert"] = told
    if not missing:
        foreseen = monitor.foreseen(control, **scope)
        answer |= {"outlook": foreseen.to_json(), "report": [*foreseen.report, *answer["report"]]}
    return answer


def main() -> None:
    lists = {name: {"type": "list", "elements": "str", "default": []} for name in ("accounts", "regions")}
    flags = {name: {"type": "bool", "default": False} for name in ("refresh", "alert")}
    technologies = {"type": "list", "elements": "str", "default": [], "choices": list(WATCHED)}
    control_module({**lists, "technologies": technologies, **flags, **{name: {"type": "str"} for name in SCOPE}}, look)


if __name__ == "__main__":
    main()
