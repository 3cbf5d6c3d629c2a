# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Automation documents that are carried out, step by step: aws:approve, aws:assertAwsResourceProperty, aws:branch (StringEquals),
aws:executeAwsApi, aws:invokeLambdaFunction and aws:waitForAwsResourceProperty (Systems Manager user guide, "Automation actions").

API calls are made in the automation's own account, in process. A function runs where the gateway has code for its ARN
(`Gateway.code`), and answers as it was seeded elsewhere. Not simulated: the assumed role's policies, the mode Interactive, targets,
variables, other actions.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import yaml
from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from sandbox.gateway import Ctx
from sandbox.model import AwsError

Params = dict[str, Any]
#: Simulated seconds: until the first step begins, between two looks of a step that waits.
BEGINS_AFTER, LOOKS_EVERY = 1, 60
#: Seconds that a step may wait unless it says otherwise.
TIMEOUTS = {"aws:approve": 604_800, "aws:waitForAwsResourceProperty": 3_600}
SCHEMA = "0.3"
#: Characters of an output.
LONGEST = 512
_REFERENCE = re.compile(r"\{\{\s*([\w:.-]+)\s*\}\}")


class StepFailedError(Exception):
    """A step that failed. status: Failed or TimedOut."""

    def __init__(self, message: str, status: str = "Failed") -> None:
        super().__init__(message)
        self.status = status


class Automation:
    """One automation. shown: as it is described, kept up to date. values: what `{{ … }}` can name."""

    def __init__(self, ctx: Ctx, name: str, document: Params, given: Mapping[str, list[str]]) -> None:
        self.ctx, self.document = ctx.within(), document
        count = ctx.store["automation_number"] = ctx.store.get("automation_number", 0) + 1
        self.ident = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{ctx.account}/{ctx.region}/carried-out/{count}"))
        who = ctx.access or ctx.gw.accounts.management
        self.values: dict[str, Any] = {
            "automation:EXECUTION_ID": self.ident,
            "global:ACCOUNT_ID": ctx.account,
            "global:REGION": ctx.region,
            **parameters(document.get("parameters", {}), given),
        }
        self.shown: Params = {
            "AutomationExecutionId": self.ident,
            "DocumentName": name,
            "AutomationExecutionStatus": "InProgress",
            "ExecutionStartTime": ctx.clock.now(),
            "ExecutedBy": who.arn,
            "Mode": "Auto",
            "Parameters": {key: list(values) for key, values in given.items()},
            "StepExecutions": [],
            "Outputs": {},
        }
        self.steps: Params = {step["name"]: step for step in document["mainSteps"]}
        self._order = list(self.steps)
        self._attempts = 0
        ctx.clock.after(BEGINS_AFTER, lambda: self._step(self._order[0]))

    @property
    def running(self) -> bool:
        """Whether a step is under way or waits."""
        return self.shown["AutomationExecutionStatus"] in ("InProgress", "Waiting")

    def signal(self, kind: str, who: str, comment: str) -> None:
        """The answer to a step that waits for approval, of a principal that it names."""
        step = self.shown["StepExecutions"][-1] if self.shown["StepExecutions"] else {}
        if kind not in ("Approve", "Reject") or step.get("StepStatus") != "Waiting":
            raise AwsError("InvalidAutomationSignalException", f"The automation does not wait for the signal {kind}.")
        approvers = json.loads(step["Inputs"]["Approvers"])
        if not set(_names(who)) & set(approvers):
            raise AwsError("InvalidAutomationSignalException", f"{who} is none of the approvers.")
        decision = {"Approver": who, "Decision": kind, "Comment": comment}
        step["Outputs"] = {
            "ApprovalStatus": ["Approved" if kind == "Approve" else "Rejected"],
            "ApproverDecisions": [json.dumps(decision)],
        }
        self.shown["AutomationExecutionStatus"] = "InProgress"
        if kind == "Approve":
            self._done(step, self.steps[step["StepName"]])
        else:
            self._failed(step, StepFailedError(f"{who} rejected it"))

    # -- one step after the other

    def _step(self, name: str) -> None:
        if not self.running:
            return
        step = self.steps[name]
        record: Params = {
            "StepName": name,
            "Action": step["action"],
            "StepExecutionId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.ident}/{name}")),
            "StepStatus": "InProgress",
            "ExecutionStartTime": self.ctx.clock.now(),
            "Inputs": {},
            "Outputs": {},
        }
        self.shown["StepExecutions"].append(record)
        self.shown["CurrentStepName"], self.shown["CurrentAction"] = name, step["action"]
        self._attempts = 0
        try:
            inputs = self._resolved(step["inputs"])
        except StepFailedError as failure:
            self._failed(record, failure)
            return
        record["Inputs"] = {key: value if isinstance(value, str) else json.dumps(value) for key, value in inputs.items()}
        self._try(record, step, inputs)

    def _try(self, record: Params, step: Params, inputs: Params) -> None:
        self._attempts += 1
        actions: dict[str, Callable[[Params, Params, Params], None]] = {
            "aws:approve": self._approve,
            "aws:assertAwsResourceProperty": self._assert,
            "aws:branch": self._branch,
            "aws:executeAwsApi": self._call,
            "aws:invokeLambdaFunction": self._invoke,
            "aws:waitForAwsResourceProperty": self._wait,
        }
        try:
            actions[step["action"]](record, step, inputs)
        except StepFailedError as failure:
            self._again(record, step, inputs, failure)

    def _again(self, record: Params, step: Params, inputs: Params, failure: StepFailedError) -> None:
        if self._attempts < step.get("maxAttempts", 1):
            self._try(record, step, inputs)
        else:
            self._failed(record, failure)

    def _done(self, record: Params, step: Params, following: str = "") -> None:
        record.update(StepStatus="Success", ExecutionEndTime=self.ctx.clock.now())
        for name, values in record["Outputs"].items():
            self.values[f"{step['name']}.{name}"] = values[0] if len(values) == 1 else values
        place = self._order.index(step["name"]) + 1
        following = following or step.get("nextStep", "")
        if following or not (step.get("isEnd") or place == len(self._order)):
            self._step(following or self._order[place])
        else:
            self._end("Success")

    def _failed(self, record: Params, failure: StepFailedError) -> None:
        text = f"Step fails when it is {record['Action']}. {failure}"
        record.update(StepStatus=failure.status, FailureMessage=text, ExecutionEndTime=self.ctx.clock.now())
        self._end(failure.status, text)

    def _end(self, status: str, why: str = "") -> None:
        self.shown.update(AutomationExecutionStatus=status, ExecutionEndTime=self.ctx.clock.now())
        if why:
            self.shown["FailureMessage"] = why
        named = [name for name in self.document.get("outputs", ()) if name in self.values]
        self.shown["Outputs"] = {name: [str(self.values[name])] for name in named}

    # -- actions

    def _approve(self, record: Params, step: Params, inputs: Params) -> None:
        topic = inputs.get("NotificationArn", "")
        if topic and not topic.rpartition(":")[2].startswith("Automation"):
            raise StepFailedError(f"the title of the topic {topic} must begin with Automation")
        if int(inputs.get("MinRequiredApprovals", 1)) != 1:
            raise StepFailedError("the sandbox knows steps that need one approval")
        if topic:
            self._request({"Service": "sns", "Api": "Publish", "TopicArn": topic, "Message": inputs.get("Message", "")})
        record["StepStatus"] = self.shown["AutomationExecutionStatus"] = "Waiting"

        def late() -> None:
            if record["StepStatus"] == "Waiting":
                self._failed(record, StepFailedError("nobody has approved in time", "TimedOut"))

        self.ctx.clock.after(_seconds(step), late)

    def _branch(self, record: Params, step: Params, inputs: Params) -> None:
        chosen = [one["NextStep"] for one in inputs["Choices"] if one["Variable"] == one["StringEquals"]]
        self._done(record, step, (chosen or [inputs.get("Default", "")])[0])

    def _call(self, record: Params, step: Params, inputs: Params) -> None:
        answer = self._request(inputs)
        record["Outputs"] = {one["Name"]: [str(_selected(answer, one["Selector"]))] for one in step.get("outputs", ())}
        self._done(record, step)

    def _assert(self, record: Params, step: Params, inputs: Params) -> None:
        found = _selected(self._request(inputs), inputs["PropertySelector"])
        if str(found) not in inputs["DesiredValues"]:
            raise StepFailedError(f"{inputs['PropertySelector']} is {found}, not one of {inputs['DesiredValues']}")
        self._done(record, step)

    def _wait(self, record: Params, step: Params, inputs: Params) -> None:
        until = self.ctx.clock.time() + _seconds(step)

        def look() -> None:
            if not self.running:
                return
            try:
                found = _selected(self._request(inputs), inputs["PropertySelector"])
                if str(found) in inputs["DesiredValues"]:
                    self._done(record, step)
                elif self.ctx.clock.time() >= until:
                    raise StepFailedError(f"{inputs['PropertySelector']} is still {found}", "TimedOut")
                else:
                    self.ctx.clock.after(LOOKS_EVERY, look)
            except StepFailedError as failure:
                self._failed(record, failure)

        look()

    def _invoke(self, record: Params, step: Params, inputs: Params) -> None:
        """Code of this process runs in a thread of its own, as it may call the sandbox."""
        payload = inputs["InputPayload"]
        code = self.ctx.gw.code.get(inputs["FunctionName"])
        if code is None:
            request = {"Service": "lambda", "Api": "Invoke", "FunctionName": inputs["FunctionName"]}
            answer = self._request({**request, "Payload": json.dumps(payload).encode()})
            self._invoked(record, step, inputs, json.loads(answer["Payload"].read()), answer.get("FunctionError", ""))
            return

        def run() -> None:
            error = ""
            try:
                result: Any = json.loads(json.dumps(code(payload)))
            except Exception as raised:
                error, result = "Unhandled", {"errorMessage": str(raised), "errorType": type(raised).__name__}
            with self.ctx.gw.lock:
                self._invoked(record, step, inputs, result, error)

        self.ctx.gw.background(run)

    def _invoked(self, record: Params, step: Params, inputs: Params, result: Any, error: str) -> None:
        record["Outputs"] = {
            "StatusCode": ["200"],
            "Payload": [json.dumps(result)[:LONGEST]],
            **({"FunctionError": [error]} if error else {}),
        }
        if not self.running:
            return
        if error:
            self._again(record, step, inputs, StepFailedError(f"the function failed: {result['errorMessage']}"))
        else:
            self._done(record, step)

    def _request(self, inputs: Params) -> Any:
        """The answer of an API call."""
        own = ("Service", "Api", "PropertySelector", "DesiredValues")
        try:
            operation = getattr(self.ctx.client(inputs["Service"]), xform_name(inputs["Api"]))
            return operation(**{name: value for name, value in inputs.items() if name not in own})
        except (ClientError, BotoCoreError) as error:
            raise StepFailedError(str(error)) from error

    def _resolved(self, value: Any) -> Any:
        """The value with what it refers to."""
        if isinstance(value, dict):
            return {name: self._resolved(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self._resolved(one) for one in value]
        if not isinstance(value, str):
            return value
        whole = _REFERENCE.fullmatch(value)
        return self._value(whole) if whole else _REFERENCE.sub(lambda found: str(self._value(found)), value)

    def _value(self, found: re.Match[str]) -> Any:
        if found[1] not in self.values:
            raise StepFailedError(f"{found[0]} is neither a parameter nor the output of a step before")
        return self.values[found[1]]


def parameters(declared: Mapping[str, Params], given: Mapping[str, list[str]]) -> dict[str, str]:
    """The parameters' values, all of type String, with their defaults; refuses unknown, missing and not allowed ones."""

    found: dict[str, str] = {}
    refused = [f"{name} is not specified in the Automation definition" for name in given if name not in declared]
    refused += [f"{name} has {len(values)} values" for name, values in given.items() if len(values) != 1]
    for name, one in declared.items():
        value = next(iter(given.get(name, ())), one.get("default"))
        if value is None:
            refused.append(f"{name} is required")
        elif value not in one.get("allowedValues", [value]):
            refused.append(f"{name}={value} is not one of {one['allowedValues']}")
        elif not re.search(one.get("allowedPattern", ""), value):
            refused.append(f"{name}={value} does not match {one['allowedPattern']}")
        else:
            found[name] = value
    if refused:
        raise AwsError("InvalidAutomationExecutionParametersException", f"Invalid parameters provided: {'; '.join(refused)}")
    return found


def document(ctx: Ctx, name: str) -> Params | None:
    """A document of the account, read; None where there is no Automation document of that name."""
    client = ctx.client("ssm")
    try:
        found = client.get_document(Name=name)
    except client.exceptions.InvalidDocument:
        return None
    content: Params = yaml.safe_load(found["Content"])
    return content if content.get("schemaVersion") == SCHEMA else None


def _seconds(step: Params) -> int:
    return int(step.get("timeoutSeconds", TIMEOUTS[step["action"]]))


def _selected(answer: Any, selector: str) -> Any:
    """What a path such as $.Item.status.S leads to."""
    found = answer
    for part in selector.removeprefix("$.").split("."):
        if not isinstance(found, Mapping) or part not in found:
            raise StepFailedError(f"{selector} is not in the answer")
        found = found[part]
    return found


def _names(arn: str) -> list[str]:
    """What an approver may be called by: the user or session itself, and the role of a session."""
    found = re.fullmatch(r"(arn:[\w-]+):sts::(\d+):assumed-role/([^/]+)/.+", arn)
    return [arn, arn.rpartition("/")[2], *([f"{found[1]}:iam::{found[2]}:role/{found[3]}"] if found else [])]
