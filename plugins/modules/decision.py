#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: decision
short_description: Approves or rejects what an execution asks for
version_added: 0.1.0
description:
  - Records a decision once, for the plan that the approval was asked for. A wrong, foreign, expired or used token is refused.
  - A rejection ends the execution as CANCELLED; at once when no run carries it out, as while it is paused.
  - An approval resumes nothing by itself. A run that waits goes on; a paused execution goes on when it is resumed.
  - The approver is the identity that STS gives for the caller. Where several people must approve, each does so once with the same token.
options:
  execution_id:
    description: The execution that asks.
    type: str
    required: true
  token:
    description: The token of the request, as it was sent to people. Needed unless O(gate) is given.
    type: str
  gate:
    description:
      - The gate whose pending request is decided, instead of O(token), where a system that has asked a person (AWX) carries the decision
        over with the person's own session. Needs O(plan_sha256), of the plan that the person was shown.
    type: str
  decision:
    description: What is decided.
    type: str
    required: true
  comment:
    description: What the audit trail shall say beside it.
    type: str
    default: ""
  plan_sha256:
    description: The hash of the plan that the approver has seen. Compared when it is given.
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
- name: Approve
  dr.aws.decision:
    control: "{{ hostvars['localhost']['dr_control'] }}"
    execution_id: "{{ execution_id }}"
    token: "{{ token }}"
    decision: approve
    comment: seen by the network team
"""

RETURN = r"""
approval:
  description: The approval as it stands now.
  returned: success
  type: dict
  sample:
    execution_id: dr-20261128T163000Z-7f3a9c
    gate: activate-wave-01
    state: approved
    approver: arn:aws:sts::100000000000:assumed-role/operator/jane
    needed: 1
said:
  description: What happens next, for people.
  returned: success
  type: str
  sample: "pause-0001 is approved; next: ansible-playbook dr.aws.failover -e execution_id=dr-20261128T163000Z-7f3a9c"
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils.amazon import control_module
from ansible_collections.dr.aws.plugins.module_utils.approvals import ApprovalRefusedError, Approvals
from ansible_collections.dr.aws.plugins.module_utils.errors import InputError
from ansible_collections.dr.aws.plugins.module_utils.evidence import secure
from ansible_collections.dr.aws.plugins.module_utils.interventions import Interventions
from ansible_collections.dr.aws.plugins.module_utils.run import Control
from ansible_collections.dr.aws.plugins.module_utils.status import resume_command
from ansible_collections.dr.aws.plugins.module_utils.trail import caller
from ansible_collections.dr.aws.plugins.module_utils.waking import wake


def decide(control: Control, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Records the decision; in check mode only says that it would."""
    if check_mode:
        return {"changed": True, "approval": {}, "said": f"{options['decision']} would be recorded"}
    who, more = caller(control), {option: options[option] for option in ("plan_sha256", "comment")}
    name = options["execution_id"].rpartition("/")[2]
    try:
        token = options["token"] or _token(control, name, options)
        approval = Approvals(control.store).decide(name, token, options["decision"], who, **more)
        said = _ended(control, name, approval, who)
        woken = wake(control.store, lambda: control.accounts.control("stepfunctions"), name, who)
        said = f"{said}; {woken}" if woken else said
    except ApprovalRefusedError as error:
        told = {"decision": options["decision"], "comment": options["comment"]}
        control.store.note(name, "approval_refused", actor=who, why=str(error), **told)
        raise
    finally:
        secure(control.store, name, who)
    return {"changed": True, "approval": approval, "said": said}


def _token(control: Control, name: str, options: Mapping[str, Any]) -> str:
    """A token of this caller's own for the pending request of a gate; `decide` holds it against the plan that was shown."""
    gate = options["gate"]
    if not gate:
        raise InputError("token", None, "the token of the request", "-e token=…, as the notification has it")
    if not options["plan_sha256"]:
        raise InputError("plan_sha256", None, "the hash of the plan that was shown", f"-e plan_sha256=… with gate {gate}")
    approvals = Approvals(control.store)
    for item in approvals.of(name):
        if (item["gate"], item["state"]) == (gate, "pending") and not approvals.overdue(item):
            return approvals.promise(item)
    raise ApprovalRefusedError(f"no approval of {gate} is asked for", f"ansible-playbook dr.aws.status -e execution_id={name}")


def _ended(control: Control, name: str, approval: Mapping[str, Any], who: str) -> str:
    """What becomes of the execution."""
    gate, state = approval["gate"], approval["state"]
    if state == "rejected":
        done = Interventions(control.store, who, control.notifier).rejected(name, gate)
        return done or f"{gate} is rejected: the run that waits for it ends execution {name} as CANCELLED"
    if state == "pending":
        left = approval["needed"] - len(approval["approvals"])
        return f"{gate} is approved by {len(approval['approvals'])} of {approval['needed']}; {left} more must approve, with the same token"
    execution = control.store.get_execution(name)
    resume = f"; next: {resume_command(execution)}" if execution["status"] == "PAUSED" else ""
    return f"{gate} is approved{resume}"


def main() -> None:
    required = {"type": "str", "required": True}
    spec = dict.fromkeys(("execution_id", "decision"), required)
    text = {"plan_sha256": {"type": "str"}, "comment": {"type": "str", "default": ""}}
    text["gate"] = {"type": "str"}
    control_module({**spec, "token": {"type": "str", "no_log": True}, **text}, decide)


if __name__ == "__main__":
    main()
