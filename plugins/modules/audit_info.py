#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: audit_info
short_description: Who did what, and the proof that nothing of it was changed
version_added: 0.1.0
description:
  - Entries of the audit trail, by execution, user, day or event type, and of several of these those that fit all of them. Queries of
    indexes, never a scan.
  - Verifies the hash chain of every trail that it shows, in DynamoDB and in the objects of evidence in S3, and names each entry and object
    that was altered, is missing or stands in another place.
  - Changes nothing.
options:
  execution_id:
    description: The trail of this execution, by its ID or ARN; or V(operations-2026-11), what was done outside of executions in a month.
    type: str
  user:
    description: Entries of this user, an ARN as STS gives it.
    type: str
  event_type:
    description: Entries of this event, such as V(execution_started).
    type: str
  since:
    description: Entries of this day (YYYY-MM-DD, UTC) or later.
    type: str
  until:
    description: Entries of this day (YYYY-MM-DD, UTC) or earlier.
    type: str
    aliases: [last_day]
  limit:
    description: At most so many entries, the newest.
    type: int
    default: 1000
  verify:
    description: Verify the trails that are shown.
    type: bool
    default: true
  cloudtrail:
    description:
      - Attach what CloudTrail has of the execution's sessions, in each of its accounts and regions. Needs O(execution_id), and
        C(cloudtrail:LookupEvents) for the roles. Takes half a second for each 50 events, and knows 90 days.
    type: bool
    default: false
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
- name: See what was done in an execution, and whether the record of it is whole
  dr.aws.audit_info:
    control: "{{ hostvars['localhost']['dr_control'] }}"
    execution_id: "{{ execution_id }}"
"""

RETURN = r"""
entries:
  description: The entries, oldest first.
  returned: success
  type: list
  elements: dict
  sample:
    - log_id: dr-20261128T163000Z-7f3a9c#1
      timestamp: "2026-11-28T16:30:02Z"
      event_type: execution_started
      user_id: arn:aws:sts::100000000000:assumed-role/dr-operator/jane
      execution_id: dr-20261128T163000Z-7f3a9c
      operation: execution
      parameters: {plan_sha256: 5f0c…, parameters: {customer: acme, environment: production}}
      result: success
      error_details: ""
      hash: 9b1d…
truncated:
  description: Whether there are more entries than O(limit).
  returned: success
  type: bool
  sample: false
verified:
  description: The trails that were verified.
  returned: success
  type: list
  elements: str
  sample: [dr-20261128T163000Z-7f3a9c]
problems:
  description: What is wrong with them, by trail. Empty when all is well.
  returned: success
  type: dict
  sample:
    dr-20261128T163000Z-7f3a9c:
      - "s3://acme-dr-audit/audit/dr-20261128T163000Z-7f3a9c/000002.json was altered: it is not what DynamoDB has the sha256 of"
cloudtrail_events:
  description: CloudTrail's events of the execution's sessions, oldest first.
  returned: with O(cloudtrail=true)
  type: list
  elements: dict
  sample:
    - event_id: 5e1f6c0a-0000-4000-8000-000000000042
      timestamp: "2026-11-28T16:31:10Z"
      event_name: PromoteReadReplica
      event_source: rds.amazonaws.com
      user_arn: arn:aws:sts::200000000001:assumed-role/dr-automation/dr-20261128T163000Z-7f3a9c
      account: "200000000001"
      region: us-west-2
      read_only: false
      error_code: ""
      source_ip: 203.0.113.7
cloudtrail_problems:
  description: Where they could not be read, or not all of them, and why.
  returned: with O(cloudtrail=true)
  type: list
  elements: str
  sample: ["CloudTrail of account 200000000001 in us-east-1: no answer"]
"""

import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils import cloudtrail, evidence, trail
from ansible_collections.dr.aws.plugins.module_utils.amazon import control_module
from ansible_collections.dr.aws.plugins.module_utils.dynamo import epoch
from ansible_collections.dr.aws.plugins.module_utils.errors import InputError
from ansible_collections.dr.aws.plugins.module_utils.run import Control

CRITERIA = ("user", "event_type", "since", "until")
#: Where global services (IAM, Route 53) record their events.
GLOBAL = "us-east-1"
#: Events of one account and region that are read.
EVENTS = 1000


def look(control: Control, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """The entries asked for, what is wrong with their trails, and CloudTrail's events."""
    name = (options["execution_id"] or "").rpartition("/")[2]
    if options["limit"] < 1:
        raise InputError("limit", options["limit"], "a number of entries, at least 1", "-e limit=1000")
    wanted = trail.Wanted(name, **{one: options[one] or "" for one in CRITERIA})
    entries, truncated = trail.find(control.store, wanted, options["limit"])
    trails = sorted({one["execution_id"] for one in entries} | ({name} if name else set())) if options["verify"] else []
    found = {one: evidence.verify(control.store, one) for one in trails}
    problems = {one: wrong for one, wrong in found.items() if wrong}
    answer = {"changed": False, "entries": entries, "truncated": truncated, "verified": trails, "problems": problems}
    return {**answer, **_attached(control, name)} if options["cloudtrail"] else answer


def _attached(control: Control, name: str) -> dict[str, Any]:
    """What CloudTrail has of an execution."""
    if not name.startswith("dr-"):
        raise InputError("execution_id", name, "the ID of an execution, for its events in CloudTrail", "-e execution_id=…")
    record = control.store.get_execution(name)
    regions = sorted({*control.settings["regions"], control.settings["control_region"], GLOBAL})
    places = [(account["id"], region) for account in control.settings["accounts"] for region in regions]
    end = epoch(record["completed_at"] or record["updated_at"])
    begin = epoch(record["started_at"])
    events, problems = cloudtrail.events(control.cloud, places, name, begin, end, limit=EVENTS, sleep=_pause(control))
    return {"cloudtrail_events": events, "cloudtrail_problems": problems}


def _pause(control: Control) -> Any:
    """How the requests are kept apart: within the limit that the inventory file sets."""
    return lambda seconds: time.sleep(control.pause(seconds))


def main() -> None:
    flags = {"verify": {"type": "bool", "default": True}, "cloudtrail": {"type": "bool", "default": False}}
    spec = {**{name: {"type": "str"} for name in ("execution_id", *CRITERIA)}, "limit": {"type": "int", "default": 1000}, **flags}
    spec["until"] = {"type": "str", "aliases": ["last_day"]}
    control_module(spec, look)


if __name__ == "__main__":
    main()
