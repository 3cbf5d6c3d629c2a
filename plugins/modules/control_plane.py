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
  - What the role C(control_plane) made by CloudFormation stays the stack's. It is compared, and what differs is a warning, never a change; only the
    alarms of O(scopes) are made, which the stack does not have.
  - A control plane of an older release gets what it lacks, the bucket of evidence and the indexes of the audit trail among it, and what is
    stored in the table is brought to the schema of this release (C(docs/upgrade.md)). One of a newer release is refused, where that is of another major.
  - A CloudWatch dashboard with the name of the table, and alarms at 80 % of what the requirements allow, whose names begin with it.
    What CloudWatch refuses is a warning, and the rest is made all the same.
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
  monitoring:
    description: Make the dashboard and the alarms. V(false) leaves alone what is there.
    type: bool
    default: true
  alarm_topic_arn:
    description:
      - The SNS topic that alarms are sent to. Left out, it is the topic of the control plane where a KMS key of your own encrypts that,
        whose policy must allow C(cloudwatch.amazonaws.com) to use it. AWS's own key does not let alarms through; with that a topic beside it is
        made, with C(-alarms) at the end of its name.
    type: str
  scopes:
    description: Environments, each as C(customer/environment), which get alarms of their own, for readiness that is overdue and a drill that is due.
    type: list
    elements: str
    default: []
  trail:
    description:
      - Make a CloudTrail trail of this name for all regions, with validation of its log files, to the bucket of evidence. Left out, none is made,
        and one that is there stays.
      - That the default lock of the bucket holds for what CloudTrail delivers was not verified against live AWS.
    type: str
  organization_id:
    description: >-
      The organization, such as V(o-1a2b3c4d5e), whose accounts O(trail) records. Only its management account, or a delegated
      administrator of CloudTrail, can make that trail. Left out, it records the account of the control plane alone.
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
- name: Make the control plane
  dr.aws.control_plane:
    control: "{{ hostvars['localhost']['dr_control'] }}"
    scopes: [acme/production]
    trail: dr-aws
"""

RETURN = r"""
alarm_topic_arn:
  description: The SNS topic that alarms are sent to.
  returned: with O(monitoring), when CloudWatch and SNS answered
  type: str
  sample: arn:aws:sns:us-west-2:100000000000:dr-aws-events-alarms
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
stack:
  description: The CloudFormation stack that made the control plane.
  returned: when one did
  type: str
  sample: dr-aws
topic_arn:
  description: The SNS topic.
  returned: when there is one
  type: str
  sample: arn:aws:sns:us-west-2:100000000000:dr-aws-events
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils import migrations, monitoring, recording
from ansible_collections.dr.aws.plugins.module_utils.accounts import classify
from ansible_collections.dr.aws.plugins.module_utils.amazon import control_module
from ansible_collections.dr.aws.plugins.module_utils.control_plane import LOCK_MODES, Names, ensure, stack_of
from ansible_collections.dr.aws.plugins.module_utils.errors import InputError
from ansible_collections.dr.aws.plugins.module_utils.run import Control
from ansible_collections.dr.aws.plugins.module_utils.trail import caller, record


def make(control: Control, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Table, buckets, topic, trail, dashboard and alarms as they must be."""
    topic_arn = control.settings["topic_arn"] or ""
    topic = topic_arn.rpartition(":")[2] or "dr-aws-events"
    names = Names(control.settings["table"], control.settings["bucket"], topic, control.store.audit_bucket)
    asked = options["object_lock_days"]
    if asked is not None and asked < 1:
        raise InputError("object_lock_days", asked, "a number of days, at least 1", "-e object_lock_days=2557, or leave it out")
    migrations.refuse_newer(control.store)
    stack = stack_of(control.accounts.control("dynamodb"), names.table)
    outcome = ensure(
        control.accounts.control("dynamodb"),
        control.accounts.control("s3"),
        control.accounts.control("sns"),
        names,
        control.settings["control_region"],
        apply=not check_mode and not stack,
        deletion_protection=options["deletion_protection"],
        kms_key_id=options["kms_key_id"],
        lock_mode=options["object_lock_mode"],
        lock_days=options["object_lock_days"],
    )
    recorded = _record(control, names, options, apply=not check_mode and not stack)
    differing = [*outcome.changes, *recorded] if stack else []
    watched, told, problem = _watch(control, names, options, stack, apply=not check_mode)
    changes = watched if stack else [*outcome.changes, *recorded, *watched]
    changes = [*changes, *migrations.migrate(control.store, apply=not check_mode)]
    mode, days = outcome.lock
    kept = {"bucket": names.audit_bucket, "object_lock_mode": mode, "object_lock_days": days}
    answer = {"changed": bool(changes), "changes": changes, "topic_arn": outcome.topic_arn, "evidence": kept, **told}
    if changes and not check_mode:
        record(control, "control_plane_changed", changes=changes, evidence=kept)
    drifted = f"stack {stack} made this control plane, which is not as it must be: {'; '.join(differing)}. Next: {_BY_STACK}"
    warnings = [*([problem] if problem else []), *([drifted] if differing else [])]
    return answer | ({"stack": stack} if stack else {}) | ({"warnings": warnings} if warnings else {})


_BY_STACK = "ansible-playbook dr.aws.control_plane -e engine=cloudformation"


def _record(control: Control, names: Names, options: Mapping[str, Any], *, apply: bool) -> list[str]:
    """The trail, where one is asked for; gives what was changed, or would be."""
    if not options["trail"]:
        if options["organization_id"]:
            raise InputError("organization_id", options["organization_id"], "given with a trail", "-e trail=dr-aws")
        return []
    region, organization = control.settings["control_region"], options["organization_id"] or ""
    trail = recording.Trail(options["trail"], names.audit_bucket, region, *_caller(control), organization)
    return recording.ensure(control.accounts.control("cloudtrail"), control.accounts.control("s3"), trail, apply=apply)


def _watch(
    control: Control, names: Names, options: Mapping[str, Any], stack: str, *, apply: bool
) -> tuple[list[str], dict[str, str], str]:
    """(what was changed of dashboard and alarms, or would be; the topic of alarms; why it was not possible, "" when it was).

    Readiness must not fail because CloudWatch refuses.
    """
    if not options["monitoring"]:
        return [], {}, ""
    scopes = tuple(_scope(one) for one in options["scopes"])
    try:
        account, partition = _caller(control)
        watched = monitoring.Watched(
            control.settings["control_region"],
            account,
            partition,
            names.table,
            names.topic,
            scopes,
            options["alarm_topic_arn"] or "",
            stack,
        )
        clients = (control.accounts.control("cloudwatch"), control.accounts.control("sns"))
        changes, topic_arn = monitoring.ensure(*clients, watched, apply=apply)
    except Exception as error:
        failure = classify(error)
        if failure is None:
            raise
        why = f"{failure.code}: {failure.message}"
        return [], {}, f"dashboard and alarms are not as they must be: {why}. Next: ansible-playbook dr.aws.control_plane"
    return changes, {"alarm_topic_arn": topic_arn}, ""


def _caller(control: Control) -> tuple[str, str]:
    """(account, partition) of whoever runs this."""
    arn = caller(control).split(":")
    return arn[4], arn[1]


def _scope(text: str) -> tuple[str, str]:
    customer, slash, environment = text.rpartition("/")
    if not (customer and slash and environment):
        raise InputError("scopes", text, "customer/environment", "give each as acme/production")
    return customer, environment


def main() -> None:
    spec = {"deletion_protection": {"type": "bool", "default": True}, "kms_key_id": {"type": "str"}}
    lock = {"object_lock_mode": {"type": "str", "choices": list(LOCK_MODES)}, "object_lock_days": {"type": "int"}}
    watch = {
        "monitoring": {"type": "bool", "default": True},
        "alarm_topic_arn": {"type": "str"},
        "scopes": {"type": "list", "elements": "str", "default": []},
    }
    control_module({**spec, **lock, **watch, "trail": {"type": "str"}, "organization_id": {"type": "str"}}, make)


if __name__ == "__main__":
    main()
