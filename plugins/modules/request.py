#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: request
short_description: Asks an execution to pause, to end, to leave a resource out, or to be committed, or takes that back
version_added: 0.1.0
description:
  - Records a request in the control plane under the identity that STS gives for the caller. The run of the execution sees it before
    its next wave; a wave that runs is finished.
  - An execution that nothing carries out at the moment is cancelled at once.
  - Asking again for the same changes nothing. An execution that is unknown, or that has ended, is refused.
options:
  execution_id:
    description: The execution that is asked.
    type: str
    required: true
  verb:
    description:
      - What is asked for. After V(pause) the execution is PAUSED. The run makes a token then, and sends it to the SNS topic with what to
        look at; the execution goes on when a person has approved with it and resumed.
      - After V(cancel) it is CANCELLED. What was done stays as it is; the copies of a drill stay until its clean-up is asked for.
      - V(commit) ends the undo window of an execution that waits in it. When it is resumed, CLEANUP and REPLICATE follow.
      - After V(skip) no further phase of O(resource) begins in this execution, and what depends on it is blocked.
    type: str
    required: true
    choices: [pause, cancel, skip, commit]
  reason:
    description: Why. Required by V(skip).
    type: str
    default: ""
  resource:
    description: The inventory host of the resource to skip.
    type: str
    default: ""
  timeout_minutes:
    description:
      - How long the token of a V(pause) can be used, 1 to 1440. After that the execution stays PAUSED, people are alerted by whoever
        looks next, and a resume asks again.
    type: int
    default: 30
  undo:
    description:
      - Takes back a V(pause) that was not taken yet, or the V(skip) of O(resource). What was skipped is carried out when the execution is
        resumed.
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
- name: Leave a resource out
  dr.aws.request:
    control: "{{ hostvars['localhost']['dr_control'] }}"
    execution_id: "{{ execution_id }}"
    verb: skip
    resource: "{{ resource }}"
    reason: it is repaired by hand

- name: Carry it out after all
  dr.aws.request:
    control: "{{ hostvars['localhost']['dr_control'] }}"
    execution_id: "{{ execution_id }}"
    verb: skip
    resource: "{{ resource }}"
    undo: true
"""

RETURN = r"""
request:
  description: The request as it is recorded; empty in check mode, and when the execution was in the state already that was asked for.
  returned: success
  type: dict
  sample:
    execution_id: dr-20261128T163000Z-7f3a9c
    verb: pause
    state: open
    reason: the network team looks at it
    requested_by: arn:aws:sts::100000000000:assumed-role/operator/jane
    requested_at: "2026-11-28T16:40:00Z"
    timeout_minutes: 30
said:
  description: What happens next, for people.
  returned: success
  type: str
  sample: execution dr-20261128T163000Z-7f3a9c is cancelled before its next wave; the wave that runs is finished
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils import evidence, trail, window
from ansible_collections.dr.aws.plugins.module_utils.amazon import control_module
from ansible_collections.dr.aws.plugins.module_utils.interventions import VERBS, Interventions
from ansible_collections.dr.aws.plugins.module_utils.pauses import DEFAULT_MINUTES
from ansible_collections.dr.aws.plugins.module_utils.run import Control
from ansible_collections.dr.aws.plugins.module_utils.waking import wake

COMMIT = "commit"


def ask(control: Control, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Records the request, or takes it back; tells people when nothing else will."""
    who = trail.caller(control)
    asked = [options[name] for name in ("execution_id", "verb", "reason", "resource")]
    if options["verb"] == COMMIT and not options["undo"]:
        answer = window.commit(control.store, who, control.notifier, asked[0], options["reason"], check_mode=check_mode)
        return _secured(control, options, who, answer, check_mode)
    people = Interventions(control.store, who, control.notifier)
    if options["undo"]:
        answer = people.undo(*asked, check_mode=check_mode)
    else:
        answer = people.ask(*asked, timeout_minutes=options["timeout_minutes"], check_mode=check_mode)
    return _secured(control, options, who, answer, check_mode)


def _secured(control: Control, options: Mapping[str, Any], who: str, answer: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    if answer["changed"] and not check_mode:
        name = options["execution_id"].rpartition("/")[2]
        woken = wake(control.store, lambda: control.accounts.control("stepfunctions"), name, who)
        answer = {**answer, "said": f"{answer['said']}; {woken}"} if woken else answer
        evidence.secure(control.store, name, who)
    return answer


def main() -> None:
    required, optional = {"type": "str", "required": True}, {"type": "str", "default": ""}
    verb = {**required, "choices": [*VERBS, COMMIT]}
    more = {"timeout_minutes": {"type": "int", "default": DEFAULT_MINUTES}, "undo": {"type": "bool", "default": False}}
    control_module({"execution_id": required, "verb": verb, "reason": optional, "resource": optional, **more}, ask)


if __name__ == "__main__":
    main()
