# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes extensions/ssm/*.yml: Automation documents (schema 0.3) whose parameters are the playbooks'. A test compares.

What stands in `${…}` is completed where they are installed: by CloudFormation (tools/automation_template.py), or by hand.
Facts: Systems Manager user guide, "Data elements and parameters" (allowedValues, allowedPattern in RE2's syntax), "Systems Manager
Automation actions reference" (inputs and outputs of each action), "Automation system variables".
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from cfn import Flow, Literal, written

from ansible_collections.dr.aws.plugins.module_utils.api.automations import ACCEPTED, APPROVE, OPERATIONS, PREFIX, STATUS
from ansible_collections.dr.aws.plugins.module_utils.approvals import DECISIONS, TIMEOUT_SECONDS
from ansible_collections.dr.aws.plugins.module_utils.model import CLEANUP_POLICIES, MODES
from ansible_collections.dr.aws.plugins.module_utils.parameters import (
    APPROVAL_MODES,
    DEFAULT_PARALLELISM,
    ON_WAVE_FAILURE,
    ROLLBACK_SCOPES,
)
from ansible_collections.dr.aws.plugins.module_utils.tag_schema import ENVIRONMENTS

FOLDER: Final = Path(__file__).parent.parent / "extensions/ssm"
HEAD: Final = (
    "---\n# Written by tools/automation_documents.py, installed by playbooks/automation.yml; used as docs/engines.md says.\n"
)
WHAT: Final = {
    "failover": "Moves a customer's estate to the other region.",
    "failback": "Moves a customer's estate home again.",
    "test": "A drill: isolated copies are recovered, checked and removed. Production is not touched.",
}
#: Those that move production: one more person lets the automation begin.
GUARDED: Final = tuple(name for name, operation in OPERATIONS.items() if operation != "test")
#: The states in which no run carries an execution out any more.
STANDING: Final = ("COMPLETED", "FAILED", "CANCELLED", "PAUSED")
#: Until a document that waits gives up looking. The execution does not end by that.
WAIT_SECONDS: Final = 86400
_EXECUTION: Final = r"^dr-[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}$"
_REGION: Final = r"^[a-z]{2}(-[a-z]+)+-[0-9]$"
_AUTOMATION: Final = "{{ automation:EXECUTION_ID }}"

BRIDGE: Final = """\
**aws:approve is not an approval of dr.aws.** It lets this automation begin: nothing is planned yet, so it is bound to no plan, and
whoever has started the automation may be among the approvers. The gates of the execution ask afterwards, each with a token of its
own that is bound to the hash of the plan, and count only what was decided with that token: by {approve}, approve.yml or the API.
"""


def text(description: str, **more: Any) -> dict[str, Any]:
    """A parameter; required unless it has a default."""
    return {"type": "String", "description": description, **more}


SCOPE: Final[Mapping[str, Any]] = {
    "customer": text("Customer, as resources are tagged", allowedPattern="^[A-Za-z0-9-]{1,128}$"),
    "environment": text("Environment, as resources are tagged", allowedValues=list(ENVIRONMENTS)),
    "primary_region": text("The primary region, also on the way back", allowedPattern=_REGION),
    "dr_region": text("The region that takes over, also on the way back", allowedPattern=_REGION),
}
FLAGS: Final = ["true", "false"]
FURTHER: Final[Mapping[str, Any]] = {
    "approval_mode": text("Approvals of the execution's gates", allowedValues=list(APPROVAL_MODES), default="required"),
    "approvals_needed": text("How many people must approve at each gate", allowedPattern="^([1-9]|10)$", default="1"),
    "approver_must_differ": text("Whoever starts it may not approve", allowedValues=FLAGS, default="false"),
    "parallelism": text(
        "API calls at once, to 200", allowedPattern="^([1-9][0-9]?|1[0-9]{2}|200)$", default=str(DEFAULT_PARALLELISM)
    ),
    "waves": text("Only these waves, such as 1,3-4", allowedPattern="^$|^[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*$", default=""),
}
#: Of what changes sides.
MOVING: Final[Mapping[str, Any]] = {
    "mode": text("planned: the source answers. unplanned: it may be gone", allowedValues=list(MODES), default="planned"),
    "cleanup_policy": text("What becomes of the old side", allowedValues=list(CLEANUP_POLICIES), default="quarantine"),
    "on_wave_failure": text("When a wave fails", allowedValues=list(ON_WAVE_FAILURE), default="stop"),
    "rollback_scope": text("What is rolled back", allowedValues=list(ROLLBACK_SCOPES), default="wave"),
    "undo_window_minutes": text(
        "How long what was activated waits to be committed", allowedPattern="^(0|[1-9][0-9]{0,3}|100[0-7][0-9]|10080)$", default="0"
    ),
}
#: Of the document alone: no playbook has it.
WAIT: Final = text(
    "no: ends when the execution is recorded. yes: ends when no run carries it out any more, as Failed unless it is COMPLETED",
    allowedValues=["no", "yes"],
    default="no",
)
COMMENT: Final = text("Comment, for the audit trail", allowedPattern="^$|^[A-Za-z0-9 .,:;_@/()+-]{1,256}$", default="")
PLAN: Final = text("The hash of the plan that was seen; compared when it is given", allowedPattern="^$|^[0-9a-f]{64}$", default="")
EXECUTION: Final = text("The execution", allowedPattern=_EXECUTION)


def _approve(operation: str) -> dict[str, Any]:
    return {
        "name": "approve",
        "action": "aws:approve",
        "description": "A second person lets the automation begin. It approves nothing of the execution.",
        "timeoutSeconds": TIMEOUT_SECONDS,
        "onFailure": "Abort",
        "inputs": {
            "NotificationArn": "${ApprovalTopicArn}",
            "Message": f"{operation} of {{{{ customer }}}}/{{{{ environment }}}}: may it begin? Its plan is approved later.",
            "MinRequiredApprovals": 1,
            "Approvers": Flow(["${Approvers}"]),
        },
    }


def _ask(description: str) -> dict[str, Any]:
    """Tried again after a failure of Lambda's: an automation is answered once."""
    return {
        "name": "ask",
        "action": "aws:invokeLambdaFunction",
        "description": description,
        "maxAttempts": 3,
        "timeoutSeconds": 60,
        "onFailure": "Abort",
        "inputs": {"FunctionName": "${FunctionArn}", "InputPayload": {"automation": _AUTOMATION}},
    }


def _item(pk: str, sk: str) -> dict[str, Any]:
    key = {"PK": {"S": pk}, "SK": {"S": sk}}
    return {"Service": "dynamodb", "Api": "GetItem", "TableName": "${TableName}", "Key": key, "ConsistentRead": True}


def _answer(*names: str) -> list[dict[str, Any]]:
    kept = _item(f"AUTOMATION#{_AUTOMATION}", "ANSWER")
    return [
        {
            "name": "answer",
            "action": "aws:executeAwsApi",
            "description": "What the function has answered to this automation, out of the control table.",
            "inputs": kept,
            "outputs": [{"Name": name, "Selector": f"$.Item.{name}.S", "Type": "String"} for name in names],
        },
        {
            "name": "accepted",
            "action": "aws:assertAwsResourceProperty",
            "description": "Fails where it was refused; the output said of the step before has why, and what to do.",
            "onFailure": "Abort",
            "inputs": {**kept, "PropertySelector": "$.Item.outcome.S", "DesiredValues": [ACCEPTED]},
        },
    ]


def _waiting() -> list[dict[str, Any]]:
    execution = {**_item("EXEC#{{ answer.execution_id }}", "META"), "PropertySelector": "$.Item.status.S"}
    return [
        {
            "name": "whether",
            "action": "aws:branch",
            "description": "Ends here unless it was asked to wait.",
            "inputs": {"Choices": [{"NextStep": "ended", "Variable": "{{ wait }}", "StringEquals": "yes"}]},
            "isEnd": True,
        },
        {
            "name": "ended",
            "action": "aws:waitForAwsResourceProperty",
            "description": "Until no run carries the execution out any more.",
            "timeoutSeconds": WAIT_SECONDS,
            "inputs": {**execution, "DesiredValues": list(STANDING)},
        },
        {
            "name": "completed",
            "action": "aws:assertAwsResourceProperty",
            "description": "Fails where it is FAILED, CANCELLED or PAUSED; the status says why, and what to do.",
            "onFailure": "Abort",
            "inputs": {**execution, "DesiredValues": ["COMPLETED"]},
            "isEnd": True,
        },
    ]


def _document(description: str, parameters: Mapping[str, Any], steps: list[dict[str, Any]]) -> dict[str, Any]:
    asked = next(step for step in steps if step["name"] == "answer")
    return {
        "schemaVersion": "0.3",
        "description": Literal(description) if "\n" in description else description,
        "assumeRole": "${AutomationRoleArn}",
        "parameters": dict(parameters),
        "mainSteps": steps,
        "outputs": [f"answer.{output['Name']}" for output in asked["outputs"]],
    }


def _starting(name: str, operation: str, what: str) -> dict[str, Any]:
    guarded = name in GUARDED
    description = f"{what}\n\nRecords the execution, starts its run, which makes the plan, and gives the execution's id.\n"
    if guarded:
        description += "\n" + BRIDGE.format(approve=APPROVE)
    parameters = {**SCOPE, **(MOVING if guarded else {}), **FURTHER, "wait": WAIT}
    steps = [_approve(operation)] if guarded else []
    steps += [
        _ask("Records the execution and starts its run."),
        *_answer("execution_id", "execution_arn", "status", "said"),
        *_waiting(),
    ]
    return _document(description, parameters, steps)


def documents() -> dict[str, dict[str, Any]]:
    """The name of each document -> the document."""
    token = text("The token that was sent for the gate", allowedPattern="^[A-Za-z0-9_-]{1,256}$")
    decision = text("Decision", allowedValues=list(DECISIONS))
    said = """\
Decides on what an execution asks for, in the name of whoever starts the automation: an approval of dr.aws, bound to the plan.

The token stays readable in the history of the automation; it counts once for each person.
"""
    return {
        **{name: _starting(name, operation, WHAT[operation]) for name, operation in OPERATIONS.items()},
        STATUS: _document(
            "Where an execution stands.",
            {"execution_id": EXECUTION},
            [_ask("Asks how it stands."), *_answer("status", "phase", "wave", "progress_percentage", "said")],
        ),
        APPROVE: _document(
            said,
            {"execution_id": EXECUTION, "token": token, "decision": decision, "comment": COMMENT, "plan_sha256": PLAN},
            [_ask("Records the decision; an approved execution that is PAUSED goes on."), *_answer("status", "said")],
        ),
    }


def files() -> dict[Path, str]:
    """Path -> content of every file."""
    return {FOLDER / f"{name.removeprefix(PREFIX)}.yml": written(HEAD, document) for name, document in documents().items()}


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, content in files().items():
        path.write_text(content, encoding="utf-8")
