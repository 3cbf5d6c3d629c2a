# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""StackSets with service-managed permissions: a stack of the sandbox in each account, by operations that are over at once.

Every organizational unit holds all accounts of the estate. The management account never gets a stack.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sandbox.gateway import Ctx, op
from sandbox.model import AwsError
from sandbox.services import cloudformation

_MADE_OF: Final = ("TemplateBody", "Parameters", "Tags", "Capabilities")
_SHOWN: Final = (
    "StackSetName",
    "Description",
    "TemplateBody",
    "Capabilities",
    "Tags",
    "PermissionModel",
    "AutoDeployment",
    "ManagedExecution",
)


@op("cloudformation", "CreateStackSet")
def create_stack_set(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Without stacks yet."""
    _check(ctx, params)
    name = params["StackSetName"]
    if name in _sets(ctx):
        raise AwsError("NameAlreadyExistsException", f"StackSet {name} already exists", 409)
    ident = f"{name}:{uuid.uuid4()}"
    _sets(ctx)[name] = {"id": ident, "asked": params, "units": [], "regions": [], "instances": {}, "operations": {}}
    return {"StackSetId": ident}


@op("cloudformation", "DescribeStackSet")
def describe_stack_set(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Values that are not to be told are not."""
    found = _set(ctx, params)
    asked = found["asked"]
    known = cloudformation.parsed(asked["TemplateBody"]).get("Parameters", {})
    given = {one["ParameterKey"]: one["ParameterValue"] for one in asked.get("Parameters", ())}
    values = {name: "****" if one.get("NoEcho") else str(given.get(name, one.get("Default", ""))) for name, one in known.items()}
    return {
        "StackSet": {
            **{name: asked[name] for name in _SHOWN if name in asked},
            "StackSetId": found["id"],
            "StackSetARN": f"arn:aws:cloudformation:{ctx.region}:{ctx.account}:stackset/{found['id']}",
            "Status": "ACTIVE",
            "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()],
            "OrganizationalUnitIds": list(found["units"]),
            "Regions": list(found["regions"]),
        }
    }


@op("cloudformation", "UpdateStackSet")
def update_stack_set(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """And all its stacks."""
    _check(ctx, params)
    found = _set(ctx, params)
    found["asked"] = {**found["asked"], **cloudformation.with_previous(params, found["asked"])}
    return _operation(ctx, found, "UPDATE", list(found["instances"]))


@op("cloudformation", "CreateStackInstances")
def create_stack_instances(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """In all accounts that have none yet in these regions."""
    found = _set(ctx, params)
    targets = params.get("DeploymentTargets", {})
    if not targets.get("OrganizationalUnitIds") or params.get("Accounts"):
        raise AwsError(
            "ValidationError", "StackSets with SERVICE_MANAGED permission model can only have OrganizationalUnit as target"
        )
    for kept, wanted in (("units", targets["OrganizationalUnitIds"]), ("regions", params["Regions"])):
        found[kept] += [one for one in wanted if one not in found[kept]]
    members = [one for one in ctx.gw.accounts.names if one != ctx.gw.accounts.management.account]
    places = [(account, region) for region in params["Regions"] for account in members]
    return _operation(ctx, found, "CREATE", [one for one in places if one not in found["instances"]])


@op("cloudformation", "ListStackInstances")
def list_stack_instances(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """All on one page."""
    found = _set(ctx, params)
    return {"Summaries": list(found["instances"].values())}


@op("cloudformation", "DescribeStackSetOperation")
def describe_stack_set_operation(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """It is over."""
    return {"StackSetOperation": _known(ctx, params)["shown"]}


@op("cloudformation", "ListStackSetOperationResults")
def list_stack_set_operation_results(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Of each account and region."""
    return {"Summaries": _known(ctx, params)["results"]}


def _operation(ctx: Ctx, found: dict[str, Any], action: str, places: Sequence[tuple[str, str]]) -> dict[str, Any]:
    ident, results = str(uuid.uuid4()), []
    asked = {name: found["asked"][name] for name in _MADE_OF if name in found["asked"]}
    for account, region in places:
        there = ctx.within(account=account, region=region)
        name = f"StackSet-{found['id'].replace(':', '-')}"
        result: dict[str, Any] = {"Account": account, "Region": region, "Status": "SUCCEEDED"}
        try:
            change = cloudformation.update_stack if action == "UPDATE" else cloudformation.create_stack
            stack = change(there, {"StackName": name, **asked})["StackId"]
        except AwsError as error:
            if error.message == cloudformation.NOTHING:
                continue
            result |= {"Status": "FAILED", "StatusReason": error.message}
        else:
            place = {"StackSetId": found["id"], "Account": account, "Region": region, "StackId": stack, "Status": "CURRENT"}
            found["instances"][account, region] = place
        results.append(result)
    failed = any(one["Status"] == "FAILED" for one in results)
    found["operations"][ident] = {
        "shown": {
            "OperationId": ident,
            "StackSetId": found["id"],
            "Action": action,
            "Status": "FAILED" if failed else "SUCCEEDED",
            "CreationTimestamp": ctx.clock.now(),
            "EndTimestamp": ctx.clock.now(),
        },
        "results": results,
    }
    return {"OperationId": ident}


def _check(ctx: Ctx, params: Mapping[str, Any]) -> None:
    cloudformation.check(params)
    if params.get("PermissionModel") != "SERVICE_MANAGED":
        raise AwsError("SimulatorNotImplemented", "only StackSets with service-managed permissions are simulated", 501)
    if ctx.account != ctx.gw.accounts.management.account:
        text = "You must be the management account or delegated admin account of an organization"
        raise AwsError("ValidationError", f"{text} before operating a SERVICE_MANAGED stack set")


def _sets(ctx: Ctx) -> dict[str, Any]:
    found: dict[str, Any] = ctx.store.setdefault("stack sets", {})
    return found


def _set(ctx: Ctx, params: Mapping[str, Any]) -> dict[str, Any]:
    name = params["StackSetName"]
    if name not in _sets(ctx):
        raise AwsError("StackSetNotFoundException", f"StackSet {name} not found", 404)
    found: dict[str, Any] = _sets(ctx)[name]
    return found


def _known(ctx: Ctx, params: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] | None = _set(ctx, params)["operations"].get(params["OperationId"])
    if found is None:
        raise AwsError("OperationNotFoundException", f"Operation {params['OperationId']} not found", 404)
    return found
