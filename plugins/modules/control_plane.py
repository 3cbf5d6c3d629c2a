#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: control_plane
short_description: Makes the control plane, and brings it back to what it must be
version_added: 0.1.0
description:
  - A DynamoDB table with point-in-time recovery, a versioned and encrypted S3 bucket without public access, another with Object Lock for
    audit evidence, and an encrypted SNS topic, in the control region, with the names that O(control) gives. Nothing is ever deleted.
  - A control plane of an older release gets what it lacks, the bucket of evidence and the indexes of the audit trail among it.
options:
  deletion_protection:
    description: Protect the table against deletion.
    type: bool
    default: true
  kms_key_id:
    description: The KMS key that encrypts the topic. AWS's own key for SNS when it is left out.
    type: str
  object_lock_mode:
    description:
      - How new objects of audit evidence are locked. Left out, it stays as it is; a new bucket has V(COMPLIANCE).
      - Nobody, not even the account's root user, can delete or shorten what is locked in mode V(COMPLIANCE) before O(object_lock_days) are
        over. For trials in an account of your own there is V(GOVERNANCE), which can be made V(COMPLIANCE) later, never the other way.
    type: str
    choices: [COMPLIANCE, GOVERNANCE]
  object_lock_days:
    description: For how many days. Left out, it stays as it is; a new bucket has 2557, seven years. It can be made longer, never shorter.
    type: int
extends_documentation_fragment:
  - dr.aws.run
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    description: Can run in C(check_mode) without any mutating call.
    support: full
  diff_mode:
    description: Will return details on what has changed, or would change, in C(diff_mode).
    support: none
author:
  - dr.aws maintainers (@dr-aws)
"""

EXAMPLES = r"""
- name: Make the control plane
  dr.aws.control_plane:
    control: "{{ hostvars['localhost']['dr_control'] }}"
"""

RETURN = r"""
changes:
  description: What was changed, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [create table dr-aws-state]
evidence:
  description: The bucket of audit evidence, and how new objects in it are locked.
  returned: success
  type: dict
  sample: {bucket: acme-dr-audit, object_lock_mode: COMPLIANCE, object_lock_days: 2557}
topic_arn:
  description: The SNS topic.
  returned: when there is one
  type: str
  sample: arn:aws:sns:us-west-2:100000000000:dr-aws-events
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils.amazon import control_module
from ansible_collections.dr.aws.plugins.module_utils.control_plane import LOCK_MODES, Names, ensure
from ansible_collections.dr.aws.plugins.module_utils.errors import InputError
from ansible_collections.dr.aws.plugins.module_utils.run import Control
from ansible_collections.dr.aws.plugins.module_utils.trail import record


def make(control: Control, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Table, buckets and topic as they must be."""
    topic_arn = control.settings["topic_arn"] or ""
    topic = topic_arn.rpartition(":")[2] or "dr-aws-events"
    names = Names(control.settings["table"], control.settings["bucket"], topic, control.store.audit_bucket)
    asked = options["object_lock_days"]
    if asked is not None and asked < 1:
        raise InputError("object_lock_days", asked, "a number of days, at least 1", "-e object_lock_days=2557, or leave it out")
    outcome = ensure(
        control.accounts.control("dynamodb"),
        control.accounts.control("s3"),
        control.accounts.control("sns"),
        names,
        control.settings["control_region"],
        apply=not check_mode,
        deletion_protection=options["deletion_protection"],
        kms_key_id=options["kms_key_id"],
        lock_mode=options["object_lock_mode"],
        lock_days=options["object_lock_days"],
    )
    mode, days = outcome.lock
    kept = {"bucket": names.audit_bucket, "object_lock_mode": mode, "object_lock_days": days}
    answer = {"changed": outcome.changed, "changes": list(outcome.changes), "topic_arn": outcome.topic_arn, "evidence": kept}
    if outcome.changed and not check_mode:
        record(control, "control_plane_changed", changes=answer["changes"], evidence=kept)
    return answer


def main() -> None:
    spec = {"deletion_protection": {"type": "bool", "default": True}, "kms_key_id": {"type": "str"}}
    lock = {"object_lock_mode": {"type": "str", "choices": list(LOCK_MODES)}, "object_lock_days": {"type": "int"}}
    control_module({**spec, **lock}, make)


if __name__ == "__main__":
    main()
