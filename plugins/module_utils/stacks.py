# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CloudFormation stack as it must be: compared first, changed through a change set, rolled back by CloudFormation where it fails.

Facts: CloudFormation API reference. A change set without changes is FAILED, and says so in words only. A stack whose first change
set was not carried out is REVIEW_IN_PROGRESS and holds nothing. A parameter that is left out of an update has its default again,
unless its previous value is asked for. Values of NoEcho parameters are never told. A template in the call itself has at most
51,200 bytes.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .dynamo import error_code
from .errors import DrError, InputError

LARGEST: Final = 51_200
#: NFR-5.3: a deployment takes less than half an hour.
POLL_SECONDS: Final = 5.0
POLLS: Final = 360
UNTOLD: Final = "****"
#: Metadata of resources: suppressions, and why.
LINTERS: Final = ("cfn-lint", "checkov", "Why")
_REVIEW: Final = "REVIEW_IN_PROGRESS"
_GOOD: Final = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE")
_DONE: Final = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
_UNCHANGED: Final = ("didn't contain changes", "No updates are to be performed")
#: Where CloudFormation says of a resource that it went away for another's sake.
_CANCELLED: Final = "cancelled"


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack that is asked for. template: parsed. parameters: what is given; lists joined with commas.

    protected: against deletion.
    """

    name: str
    template: Mapping[str, Any]
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    capabilities: tuple[str, ...] = ()
    protected: bool = True

    def body(self) -> str:
        """The template as it is sent. InputError when it is too large for that."""
        text = json.dumps(self.template, separators=(",", ":"))
        if len(text.encode()) > LARGEST:
            raise InputError("template", f"{len(text.encode())} bytes", f"at most {LARGEST}", "make two stacks of it")
        return text

    def asked(self, held: Iterable[str]) -> list[dict[str, Any]]:
        """The parameters as they are sent. held: those that have a value, which stays where none is given.

        InputError for one that the template does not have.
        """
        known = self.template.get("Parameters", {})
        strange = sorted(set(self.parameters) - set(known))
        if strange:
            raise InputError("parameters", strange[0], ", ".join(sorted(known)) or "none", "leave it out")
        given = [{"ParameterKey": name, "ParameterValue": value} for name, value in self.parameters.items()]
        kept = [name for name in held if name in known and name not in self.parameters]
        return given + [{"ParameterKey": name, "UsePreviousValue": True} for name in kept]

    def change_set(self, held: Iterable[str]) -> str:
        """The name of the change set, by what it asks for: what was shown is found again, and nothing else is carried out."""
        asked = json.dumps([self.template, self.asked(held), self.tags, self.capabilities], sort_keys=True)
        return f"dr-aws-{hashlib.sha256(asked.encode()).hexdigest()[:16]}"


def asked_for(options: Mapping[str, Any]) -> Stack:
    """The stack of a module's options: name, template, parameters, tags, capabilities; termination_protection where it has that."""
    given = {name: ",".join(map(str, one)) if isinstance(one, list) else str(one) for name, one in options["parameters"].items()}
    tags = {str(name): str(value) for name, value in options["tags"].items()}
    protected = options.get("termination_protection", False)
    return Stack(options["name"], lean(options["template"]), given, tags, tuple(options["capabilities"]), protected)


def lean(template: Mapping[str, Any]) -> dict[str, Any]:
    """A template without what only linters read in it, as there is little room."""
    resources = {}
    for name, one in template.get("Resources", {}).items():
        kept = {key: value for key, value in one.get("Metadata", {}).items() if key not in LINTERS}
        rest = {key: value for key, value in one.items() if key != "Metadata"}
        resources[name] = rest | ({"Metadata": kept} if kept else {})
    return {**template, "Resources": resources}


@dataclass(frozen=True, slots=True)
class Outcome:
    """changes: what was changed, or would be. change_set: its name while it waits to be carried out, else "".

    drift: what was changed past the stack, as found before this run. outputs: of the stack, {} while there is none.
    """

    changes: tuple[str, ...]
    change_set: str
    drift: tuple[str, ...]
    outputs: Mapping[str, str]


def ensure(
    cfn: Any,
    wanted: Stack,
    *,
    apply: bool = True,
    execute: bool = True,
    drift: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """The stack as it must be. apply=False: check mode, only compares. execute=False: the change set is made, and left for later.

    drift: look for it, where there is a stack. DrError for a stack that cannot be changed, a change that failed and was rolled
    back, or one that would remove or replace what must be kept (its DeletionPolicy says so).
    """
    found = _settled(cfn, wanted.name, sleep)
    _refuse_broken(wanted.name, found)
    drifted = tuple(_drift(cfn, wanted.name, sleep)) if drift and apply and found else ()
    stored = _template(cfn, wanted.name) if found else {}
    changes, waiting = _differing(wanted, found, stored), ""
    if apply and (changes or _untold(found)):
        changes, waiting = _proposed(cfn, wanted, stored, found, sleep)
        if changes and execute:
            found, waiting = _carry_out(cfn, wanted.name, waiting, sleep), ""
    if wanted.protected and not (found or {}).get("EnableTerminationProtection"):
        changes.append(f"protect stack {wanted.name} against deletion")
        if apply and execute:
            cfn.update_termination_protection(StackName=wanted.name, EnableTerminationProtection=True)
    outputs = {one["OutputKey"]: one["OutputValue"] for one in (found or {}).get("Outputs", ())}
    return Outcome(tuple(changes), waiting, drifted, outputs)


def _described(cfn: Any, name: str) -> dict[str, Any] | None:
    """The stack; None when there is none, or nothing in it yet."""
    try:
        found: dict[str, Any] = cfn.describe_stacks(StackName=name)["Stacks"][0]
    except Exception as error:
        if error_code(error) == "ValidationError" and "does not exist" in str(error):
            return None
        raise
    return None if found["StackStatus"] == _REVIEW else found


def _settled(cfn: Any, name: str, sleep: Callable[[float], None]) -> dict[str, Any] | None:
    """The stack once nothing is being done to it."""
    for _poll in range(POLLS):
        found = _described(cfn, name)
        if found is None or not found["StackStatus"].endswith("_IN_PROGRESS"):
            return found
        sleep(POLL_SECONDS)
    raise _late(f"stack {name}")


def _refuse_broken(name: str, found: Mapping[str, Any] | None) -> None:
    status = found["StackStatus"] if found else _GOOD[0]
    if status in _GOOD:
        return
    remedy = (
        f"aws cloudformation delete-stack --stack-name {name}, after a look at what it kept, and again"
        if status in ("ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED", "DELETE_FAILED")
        else f"aws cloudformation continue-update-rollback --stack-name {name}"
    )
    raise DrError(f"stack {name} is {status} and cannot be changed", remedy)


def _template(cfn: Any, name: str) -> Mapping[str, Any]:
    """What the stack was made of; {} for a text that is not JSON, which is none of ours."""
    body = cfn.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
    return body if isinstance(body, Mapping) else {}


def _differing(wanted: Stack, found: Mapping[str, Any] | None, stored: Mapping[str, Any]) -> list[str]:
    """What is not as it must be, for people. A parameter that is not told is taken to be the same."""
    if found is None:
        return [f"create stack {wanted.name}"]
    changes = [] if stored == wanted.template else [f"change the template of stack {wanted.name}"]
    values = held(found)
    changes += [
        f"change parameter {name} of stack {wanted.name}"
        for name, value in sorted(wanted.parameters.items())
        if values.get(name) not in (UNTOLD, value)
    ]
    if {one["Key"]: one["Value"] for one in found.get("Tags", ())} != dict(wanted.tags):
        changes.append(f"change the tags of stack {wanted.name}")
    return changes


def _untold(found: Mapping[str, Any] | None) -> bool:
    """Whether only a change set can tell if a parameter differs."""
    return UNTOLD in held(found).values()


def held(found: Mapping[str, Any] | None) -> dict[str, str]:
    """The parameters of a stack or StackSet, as it is described."""
    return {one["ParameterKey"]: one.get("ParameterValue", "") for one in (found or {}).get("Parameters", ())}


def _proposed(
    cfn: Any, wanted: Stack, stored: Mapping[str, Any], found: Mapping[str, Any] | None, sleep: Callable[[float], None]
) -> tuple[list[str], str]:
    """(what a change set would change, its name); ([], "") for nothing. One that is there already is taken up."""
    name = wanted.change_set(held(found))
    proposal = _change_set(cfn, wanted.name, name)
    if proposal is None:
        cfn.create_change_set(
            StackName=wanted.name,
            ChangeSetName=name,
            ChangeSetType="UPDATE" if found else "CREATE",
            Description="dr.aws",
            TemplateBody=wanted.body(),
            Parameters=wanted.asked(held(found)),
            Tags=[{"Key": key, "Value": value} for key, value in wanted.tags.items()],
            Capabilities=list(wanted.capabilities),
        )
    for _poll in range(POLLS):
        proposal = _change_set(cfn, wanted.name, name)
        if proposal and proposal["Status"] in ("CREATE_COMPLETE", "FAILED"):
            break
        sleep(POLL_SECONDS)
    else:
        raise _late(f"change set {name} of stack {wanted.name}")
    if proposal["Status"] == "FAILED":
        cfn.delete_change_set(StackName=wanted.name, ChangeSetName=name)
        why = proposal.get("StatusReason", "no reason given")
        if any(said in why for said in _UNCHANGED):
            return [], ""
        raise DrError(f"CloudFormation refuses the change set of stack {wanted.name}: {why}", "correct what it names, and again")
    changes = list(_changes(cfn, wanted.name, name))
    _refuse_losses(cfn, wanted, stored, changes, name)
    return [_said(one) for one in changes] or [f"change outputs or tags of stack {wanted.name}"], name


def _change_set(cfn: Any, stack: str, name: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = cfn.describe_change_set(StackName=stack, ChangeSetName=name)
    except Exception as error:
        if error_code(error) == "ChangeSetNotFound" or (error_code(error) == "ValidationError" and "does not exist" in str(error)):
            return None
        raise
    return found


def _changes(cfn: Any, stack: str, name: str) -> Iterator[Mapping[str, Any]]:
    token: dict[str, str] = {}
    while True:
        page = cfn.describe_change_set(StackName=stack, ChangeSetName=name, **token)
        yield from (one["ResourceChange"] for one in page.get("Changes", ()))
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}


def _said(change: Mapping[str, Any]) -> str:
    replaced = {"True": ", replaced", "Conditional": ", perhaps replaced"}.get(change.get("Replacement", ""), "")
    return f"{change['Action'].lower()} {change['LogicalResourceId']} ({change['ResourceType']}){replaced}"


def _refuse_losses(cfn: Any, wanted: Stack, stored: Mapping[str, Any], changes: Sequence[Mapping[str, Any]], name: str) -> None:
    kept = {
        resource
        for template in (stored, wanted.template)
        for resource, one in template.get("Resources", {}).items()
        if one.get("DeletionPolicy", "").startswith("Retain")
    }
    lost = [
        _said(one)
        for one in changes
        if one["LogicalResourceId"] in kept and (one["Action"] == "Remove" or one.get("Replacement") == "True")
    ]
    if lost:
        cfn.delete_change_set(StackName=wanted.name, ChangeSetName=name)
        text = f"stack {wanted.name} would give up what must be kept: {'; '.join(lost)}"
        raise DrError(text, "give it the name that it has; what must move is moved by hand first")


def _carry_out(cfn: Any, stack: str, name: str, sleep: Callable[[float], None]) -> dict[str, Any]:
    """The stack after the change; DrError, with the reasons, when CloudFormation rolled it back."""
    cfn.execute_change_set(StackName=stack, ChangeSetName=name)
    found = None
    for _poll in range(POLLS):
        found = _settled(cfn, stack, sleep)
        if found is not None:
            break
        sleep(POLL_SECONDS)
    if found is None:
        raise _late(f"stack {stack}")
    if found["StackStatus"] not in _DONE:
        why = "; ".join(_failures(cfn, stack)) or found.get("StackStatusReason", "no reason given")
        remedy = f"correct what it names, and again; aws cloudformation describe-stack-events --stack-name {stack}"
        raise DrError(f"stack {stack} is {found['StackStatus']}: {why}", remedy)
    return found


def _failures(cfn: Any, stack: str) -> list[str]:
    """Why resources failed, the first ones first, at most three."""
    events = cfn.describe_stack_events(StackName=stack)["StackEvents"]
    failed = [
        f"{one['LogicalResourceId']}: {one.get('ResourceStatusReason', 'no reason given')}"
        for one in events
        if one.get("ResourceStatus", "").endswith("_FAILED") and _CANCELLED not in one.get("ResourceStatusReason", "")
    ]
    return failed[::-1][:3]


def _drift(cfn: Any, stack: str, sleep: Callable[[float], None]) -> Iterator[str]:
    """What was changed past the stack, of the resources that CloudFormation can compare."""
    ident = cfn.detect_stack_drift(StackName=stack)["StackDriftDetectionId"]
    for _poll in range(POLLS):
        status = cfn.describe_stack_drift_detection_status(StackDriftDetectionId=ident)
        if status["DetectionStatus"] != "DETECTION_IN_PROGRESS":
            break
        sleep(POLL_SECONDS)
    else:
        raise _late(f"the detection of drift of stack {stack}")
    if status["DetectionStatus"] == "DETECTION_FAILED":
        yield f"not all resources could be compared: {status.get('DetectionStatusReason', 'no reason given')}"
    token: dict[str, str] = {}
    while True:
        page = cfn.describe_stack_resource_drifts(StackName=stack, StackResourceDriftStatusFilters=["MODIFIED", "DELETED"], **token)
        for one in page["StackResourceDrifts"]:
            paths = ", ".join(each["PropertyPath"] for each in one.get("PropertyDifferences", ()))
            said = f"{one['LogicalResourceId']} ({one['ResourceType']}) {one['StackResourceDriftStatus'].lower()}"
            yield f"{said}: {paths}" if paths else said
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}


def _late(what: str) -> DrError:
    return DrError(
        f"{what} was not ready after {POLL_SECONDS * POLLS / 60:.0f} min", "look at it in CloudFormation, then run it again"
    )
