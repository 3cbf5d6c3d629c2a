# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CloudFormation StackSet with service-managed permissions: the same stack in every account of organizational units.

Facts: CloudFormation API reference and StackSets user guide. DescribeStackSet tells the units and regions that were asked for;
accounts that join a unit later get their stack by automatic deployment; the management account never gets one.
SOFT_FAILURE_TOLERANCE keeps the concurrency that is asked for. There are no change sets, and values of NoEcho parameters are never
told.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from .dynamo import error_code
from .errors import DrError, InputError
from .stacks import POLL_SECONDS, UNTOLD, Stack, held

#: An operation over many accounts takes its time: two hours.
POLLS: Final = 1440
CALLERS: Final = ("SELF", "DELEGATED_ADMIN")


@dataclass(frozen=True, slots=True)
class StackSet:
    """A StackSet that is asked for. stack: its name, template, parameters, tags, capabilities.

    units: ids of organizational units, or of the root. regions: where each account has the stack. call_as: one of CALLERS.
    percent: of a region's accounts at the same time. anew: send it although nothing differs, for a parameter that is never told.
    """

    stack: Stack
    units: tuple[str, ...]
    regions: tuple[str, ...]
    call_as: str = "SELF"
    percent: int = 25
    anew: bool = False


def ensure(cfn: Any, wanted: StackSet, *, apply: bool = True, sleep: Callable[[float], None] = time.sleep) -> list[str]:
    """The StackSet as it must be; gives what was changed, or would be. apply=False: check mode. Nothing is ever deleted.

    DrError for a StackSet of another kind, and with the accounts and reasons when an operation failed.
    """
    for name, given in (("units", wanted.units), ("regions", wanted.regions)):
        if not given:
            raise InputError(name, list(given), "at least one", f"name the {name}")
    found = _described(cfn, wanted)
    changes = _differing(wanted, found)
    if changes and apply:
        _send(cfn, wanted, found, sleep)
    deployed = (found or {}).get("OrganizationalUnitIds", ()), (found or {}).get("Regions", ())
    for units, regions in _missing(wanted, *deployed):
        changes.append(f"deploy stack set {wanted.stack.name} to {', '.join(units)} in {', '.join(regions)}")
        if apply:
            targets = {"OrganizationalUnitIds": list(units)}
            made = cfn.create_stack_instances(
                StackSetName=wanted.stack.name,
                DeploymentTargets=targets,
                Regions=list(regions),
                OperationPreferences=_preferences(wanted),
                CallAs=wanted.call_as,
            )
            _await(cfn, wanted, made["OperationId"], sleep)
    return changes


def _described(cfn: Any, wanted: StackSet) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = cfn.describe_stack_set(StackSetName=wanted.stack.name, CallAs=wanted.call_as)["StackSet"]
    except Exception as error:
        if error_code(error) == "StackSetNotFoundException":
            return None
        raise
    if found.get("PermissionModel") != "SERVICE_MANAGED":
        text = f"stack set {wanted.stack.name} exists with permissions that it does not get from the organization"
        raise DrError(text, "choose another name")
    return found


def _differing(wanted: StackSet, found: Mapping[str, Any] | None) -> list[str]:
    """What is not as it must be, for people. A parameter that is not told is taken to be the same."""
    name = wanted.stack.name
    if found is None:
        return [f"create stack set {name}"]
    changes = [f"change stack set {name}, as it was asked for"] if wanted.anew else []
    if _parsed(found.get("TemplateBody", "")) != wanted.stack.template:
        changes.append(f"change the template of stack set {name}")
    values = held(found)
    changes += [
        f"change parameter {key} of stack set {name}"
        for key, value in sorted(wanted.stack.parameters.items())
        if values.get(key) not in (UNTOLD, value)
    ]
    if {one["Key"]: one["Value"] for one in found.get("Tags", ())} != dict(wanted.stack.tags):
        changes.append(f"change the tags of stack set {name}")
    if not found.get("AutoDeployment", {}).get("Enabled"):
        changes.append(f"deploy stack set {name} to accounts that join")
    return changes


def _parsed(body: str) -> Any:
    """A template that is not JSON is none of ours."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def _send(cfn: Any, wanted: StackSet, found: Mapping[str, Any] | None, sleep: Callable[[float], None]) -> None:
    stack = wanted.stack
    asked = {
        "StackSetName": stack.name,
        "Description": "dr.aws",
        "TemplateBody": stack.body(),
        "Parameters": stack.asked(held(found)),
        "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
        "Capabilities": list(stack.capabilities),
        "PermissionModel": "SERVICE_MANAGED",
        "AutoDeployment": {"Enabled": True, "RetainStacksOnAccountRemoval": True},
        "CallAs": wanted.call_as,
    }
    if found is None:
        cfn.create_stack_set(**asked, ManagedExecution={"Active": True})
    else:
        sent = cfn.update_stack_set(**asked, OperationPreferences=_preferences(wanted))
        _await(cfn, wanted, sent["OperationId"], sleep)


def _missing(
    wanted: StackSet, units: tuple[str, ...], regions: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """(units, regions) that have no stacks yet; none of them is named twice."""
    new_units = tuple(one for one in wanted.units if one not in units)
    new_regions = tuple(one for one in wanted.regions if one not in regions)
    old_units = tuple(one for one in wanted.units if one in units)
    if new_units:
        yield new_units, wanted.regions
    if old_units and new_regions:
        yield old_units, new_regions


def _preferences(wanted: StackSet) -> dict[str, Any]:
    return {
        "RegionConcurrencyType": "SEQUENTIAL",
        "MaxConcurrentPercentage": wanted.percent,
        "FailureToleranceCount": 0,
        "ConcurrencyMode": "SOFT_FAILURE_TOLERANCE",
    }


def _await(cfn: Any, wanted: StackSet, operation: str, sleep: Callable[[float], None]) -> None:
    asked = {"StackSetName": wanted.stack.name, "OperationId": operation, "CallAs": wanted.call_as}
    for _poll in range(POLLS):
        status = cfn.describe_stack_set_operation(**asked)["StackSetOperation"]["Status"]
        if status == "SUCCEEDED":
            return
        if status in ("FAILED", "STOPPED"):
            why = "; ".join(_failures(cfn, asked)) or "no reason given"
            remedy = "correct what it names, and again; aws cloudformation list-stack-set-operation-results … lists them"
            raise DrError(f"operation {operation} of stack set {wanted.stack.name} is {status}: {why}", remedy)
        sleep(POLL_SECONDS)
    text = f"operation {operation} of stack set {wanted.stack.name} was not over after {POLL_SECONDS * POLLS / 60:.0f} min"
    raise DrError(text, "look at it in CloudFormation, then run it again")


def _failures(cfn: Any, asked: Mapping[str, str]) -> list[str]:
    """Accounts and reasons, at most three."""
    results = cfn.list_stack_set_operation_results(**asked)["Summaries"]
    failed = [one for one in results if one["Status"] == "FAILED"]
    return [f"account {one['Account']} in {one['Region']}: {one.get('StatusReason', 'no reason given')}" for one in failed][:3]
