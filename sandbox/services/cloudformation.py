# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudFormation: change sets, rollback, protection and drift around moto's stacks, as its API reference describes them.

A change set names the resources whose text changed, or that a changed parameter or condition is named in. What fails is rolled
back; resources with a policy of Retain stay.
"""

from __future__ import annotations

import json
import re
import uuid
import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from moto.backends import get_backend
from moto.cloudformation import parsing
from moto.cloudformation.models import Stack

from sandbox.gateway import Ctx, op
from sandbox.model import AwsError
from sandbox.services import stack_resources

LARGEST: Final = 51_200
_SAME: Final = "The submitted information didn't contain changes. Submit different information to create a change set."
NOTHING: Final = "No updates are to be performed."
_LAST: Final = ("TemplateBody", "Parameters", "Tags", "Capabilities")


@op("cloudformation", "CreateStack")
def create_stack(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Remembers what it was made of."""
    check(params)
    with stack_resources.within(ctx):
        out = ctx.gw.moto_request("cloudformation", ctx.region, ctx.account, "CreateStack", _plain(params))
    _remember(ctx, params)
    return out


@op("cloudformation", "UpdateStack")
def update_stack(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Refused where it is what the stack was last made of."""
    check(params)
    params = with_previous(params, _made(ctx).get(params["StackName"], {}).get("asked", {}))
    if _made(ctx).get(params["StackName"], {}).get("asked") == _asked(params):
        raise AwsError("ValidationError", NOTHING)
    with stack_resources.within(ctx):
        out = ctx.gw.moto_request("cloudformation", ctx.region, ctx.account, "UpdateStack", _plain(params))
    _remember(ctx, params)
    return out


@op("cloudformation", "DeleteStack")
def delete_stack(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Not while it is protected."""
    name = params["StackName"]
    if _made(ctx).get(name, {}).get("protected"):
        raise AwsError("ValidationError", f"Stack [{name}] cannot be deleted while TerminationProtection is enabled")
    if _stillborn(ctx).pop(name, None) is None:
        with stack_resources.within(ctx):
            ctx.moto()
    _made(ctx).pop(name, None)
    return {}


@op("cloudformation", "UpdateTerminationProtection")
def update_termination_protection(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """On or off."""
    name = params["StackName"]
    if name not in _made(ctx):
        raise AwsError("ValidationError", f"Stack [{name}] does not exist")
    _made(ctx)[name]["protected"] = params["EnableTerminationProtection"]
    return {"StackId": _stack(ctx, name).stack_id}


@op("cloudformation", "DescribeStacks")
def describe_stacks(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Those too of which nothing was made yet, or nothing is left."""
    waiting = _stillborn(ctx)
    if params.get("StackName") in waiting:
        return {"Stacks": [waiting[params["StackName"]]["stack"]]}
    out = ctx.moto()
    for one in out["Stacks"]:
        made = _made(ctx).get(one["StackName"], {})
        one["EnableTerminationProtection"] = bool(made.get("protected"))
        if "values" in made:
            one["Parameters"] = [{"ParameterKey": name, "ParameterValue": value} for name, value in made["values"].items()]
    if "StackName" not in params:
        out["Stacks"] += [one["stack"] for one in waiting.values()]
    return out


@op("cloudformation", "DescribeStackEvents")
def describe_stack_events(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """With what failed, the newest first."""
    name = params["StackName"]
    failed = [_event(ctx, name, why) for why in ctx.store.get("failures", {}).get(name, [])]
    return {"StackEvents": [*failed, *([] if name in _stillborn(ctx) else ctx.moto()["StackEvents"])]}


@op("cloudformation", "CreateChangeSet")
def create_change_set(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Says what would change; FAILED where nothing would. The first one of a stack makes an empty stack."""
    check(params)
    params = with_previous(params, _made(ctx).get(params["StackName"], {}).get("asked", {}))
    name, kind = params["StackName"], params.get("ChangeSetType", "UPDATE")
    waiting = _stillborn(ctx).get(name)
    if waiting and waiting["stack"]["StackStatus"] != "REVIEW_IN_PROGRESS":
        status = waiting["stack"]["StackStatus"]
        raise AwsError("ValidationError", f"Stack:{waiting['stack']['StackId']} is in {status} state and can not be updated.")
    there = name in _made(ctx)
    if kind == "UPDATE" and not there:
        raise AwsError("ValidationError", f"Stack [{name}] does not exist")
    if kind == "CREATE" and there:
        text = f"Stack [{name}] already exists and cannot be created again with the changeSet [{params['ChangeSetName']}]."
        raise AwsError("ValidationError", text)
    if _found(ctx, params) is not None:
        raise AwsError("AlreadyExistsException", f"ChangeSet {params['ChangeSetName']} cannot be created due to a mismatch", 400)
    if not there and not waiting:
        ident = f"arn:aws:cloudformation:{ctx.region}:{ctx.account}:stack/{name}/{uuid.uuid4()}"
        _stillborn(ctx)[name] = {"stack": _shell(ctx, name, ident, "REVIEW_IN_PROGRESS")}
    stack_id = _stack(ctx, name).stack_id if there else _stillborn(ctx)[name]["stack"]["StackId"]
    before = _made(ctx).get(name, {}).get("asked")
    changes = list(_changes(ctx, name, before, _asked(params)))
    same = before == _asked(params)
    ident = f"arn:aws:cloudformation:{ctx.region}:{ctx.account}:changeSet/{params['ChangeSetName']}/{uuid.uuid4()}"
    ctx.store.setdefault("change sets", {})[ident] = {
        "asked": {"StackName": name} | {key: params[key] for key in _LAST if key in params},
        "shown": {
            "ChangeSetName": params["ChangeSetName"],
            "ChangeSetId": ident,
            "StackId": stack_id,
            "StackName": name,
            "CreationTime": ctx.clock.now(),
            "Status": "FAILED" if same else "CREATE_COMPLETE",
            "ExecutionStatus": "UNAVAILABLE" if same else "AVAILABLE",
            **({"StatusReason": _SAME} if same else {}),
            "Changes": changes,
        },
    }
    return {"Id": ident, "StackId": stack_id}


@op("cloudformation", "DescribeChangeSet")
def describe_change_set(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """All changes on one page."""
    return dict(_change_set(ctx, params)["shown"])


@op("cloudformation", "DeleteChangeSet")
def delete_change_set(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """The stack stays as it is."""
    ctx.store["change sets"].pop(_change_set(ctx, params)["shown"]["ChangeSetId"])
    return {}


@op("cloudformation", "ExecuteChangeSet")
def execute_change_set(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """At once. All change sets of the stack are gone after it."""
    found = _change_set(ctx, params)
    name = found["shown"]["StackName"]
    if found["shown"]["ExecutionStatus"] != "AVAILABLE":
        raise AwsError(
            "InvalidChangeSetStatus", f"ChangeSet [{found['shown']['ChangeSetId']}] cannot be executed in its current status"
        )
    sets = ctx.store["change sets"]
    for ident in [ident for ident, one in sets.items() if one["shown"]["StackName"] == name]:
        del sets[ident]
    (_update if name in _made(ctx) else _create)(ctx, name, found["asked"])
    return {}


def _create(ctx: Ctx, name: str, asked: dict[str, Any]) -> None:
    waiting = _stillborn(ctx).pop(name)
    try:
        create_stack(ctx, asked)
    except AwsError as error:
        with suppress(Exception), stack_resources.within(ctx):
            get_backend("cloudformation")[ctx.account][ctx.region].delete_stack(name)
        _fail(ctx, name, error)
        ident = waiting["stack"]["StackId"]
        _stillborn(ctx)[name] = {"stack": _shell(ctx, name, ident, "ROLLBACK_COMPLETE")}


def _update(ctx: Ctx, name: str, asked: dict[str, Any]) -> None:
    before = _made(ctx)[name]["asked"]
    try:
        update_stack(ctx, asked)
    except AwsError as error:
        _fail(ctx, name, error)
        with suppress(Exception), warnings.catch_warnings(action="ignore"), stack_resources.within(ctx):
            ctx.gw.moto_request("cloudformation", ctx.region, ctx.account, "UpdateStack", _plain({"StackName": name, **before}))
        _stack(ctx, name).status = "UPDATE_ROLLBACK_COMPLETE"


@op("cloudformation", "DetectStackDrift")
def detect_stack_drift(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Over at once."""
    ident = str(uuid.uuid4())
    ctx.store.setdefault("detections", {})[ident] = params["StackName"]
    return {"StackDriftDetectionId": ident}


@op("cloudformation", "DescribeStackDriftDetectionStatus")
def describe_stack_drift_detection_status(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Of a detection that is over."""
    ident = params["StackDriftDetectionId"]
    name = ctx.store["detections"][ident]
    drifted = [one for one in _drifts(ctx, name) if one["StackResourceDriftStatus"] != "IN_SYNC"]
    return {
        "StackId": _stack(ctx, name).stack_id,
        "StackDriftDetectionId": ident,
        "StackDriftStatus": "DRIFTED" if drifted else "IN_SYNC",
        "DetectionStatus": "DETECTION_COMPLETE",
        "DriftedStackResourceCount": len(drifted),
        "Timestamp": ctx.clock.now(),
    }


@op("cloudformation", "DescribeStackResourceDrifts")
def describe_stack_resource_drifts(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Against what each resource was when the stack was made or changed last."""
    wanted = params.get("StackResourceDriftStatusFilters")
    found = _drifts(ctx, params["StackName"])
    return {"StackResourceDrifts": [one for one in found if not wanted or one["StackResourceDriftStatus"] in wanted]}


def _drifts(ctx: Ctx, name: str) -> Iterator[dict[str, Any]]:
    stack = _stack(ctx, name)
    for logical, (kind, ident, before) in _made(ctx)[name]["looks"].items():
        now = stack_resources.seen(ctx, kind, ident)
        different = [key for key in before if now is not None and now.get(key) != before[key]]
        yield {
            "StackId": stack.stack_id,
            "LogicalResourceId": logical,
            "PhysicalResourceId": ident,
            "ResourceType": kind,
            "StackResourceDriftStatus": "DELETED" if now is None else "MODIFIED" if different else "IN_SYNC",
            "Timestamp": ctx.clock.now(),
            "PropertyDifferences": [
                {
                    "PropertyPath": f"/{key}",
                    "ExpectedValue": json.dumps(before[key]),
                    "ActualValue": json.dumps((now or {})[key]),
                    "DifferenceType": "NOT_EQUAL",
                }
                for key in different
            ],
        }


def _made(ctx: Ctx) -> dict[str, Any]:
    """Name -> what a stack was last made of."""
    found: dict[str, Any] = ctx.store.setdefault("made", {})
    return found


def _stillborn(ctx: Ctx) -> dict[str, Any]:
    """Name -> stacks that hold nothing: their first change set waits, or was rolled back."""
    found: dict[str, Any] = ctx.store.setdefault("stillborn", {})
    return found


def _stack(ctx: Ctx, name: str) -> Any:
    return get_backend("cloudformation")[ctx.account][ctx.region].get_stack(name)


def _remember(ctx: Ctx, params: dict[str, Any]) -> None:
    held = _made(ctx).get(params["StackName"], {})
    template = parsed(params["TemplateBody"])
    given = {one["ParameterKey"]: one.get("ParameterValue", "") for one in params.get("Parameters", ())}
    values = {name: str(given.get(name, one.get("Default", ""))) for name, one in template.get("Parameters", {}).items()}
    untold = {name for name, one in template.get("Parameters", {}).items() if one.get("NoEcho")}
    resources = get_backend("cloudformation")[ctx.account][ctx.region].get_stack(params["StackName"]).resource_map
    looks: dict[str, tuple[str, str, Any]] = {}
    for logical, one in template["Resources"].items():
        resource: Any = resources[logical] if one["Type"] in stack_resources.LOOKS else None
        if resource is not None:
            ident = resource.physical_resource_id
            looks[logical] = (one["Type"], ident, stack_resources.seen(ctx, one["Type"], ident))
    _made(ctx)[params["StackName"]] = {
        "asked": _asked(params),
        "values": {name: "****" if name in untold else value for name, value in values.items()},
        "looks": looks,
        "protected": params.get("EnableTerminationProtection", held.get("protected", False)),
    }


def _asked(params: Mapping[str, Any]) -> dict[str, Any]:
    given = sorted(params.get("Parameters", ()), key=lambda one: str(one["ParameterKey"]))
    return {"TemplateBody": params.get("TemplateBody"), "Parameters": given, "Tags": params.get("Tags", [])}


def _plain(params: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in params.items() if key not in ("EnableTerminationProtection", "ClientRequestToken")}


def with_previous(params: dict[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """With the values that are to stay, of the parameters before; a default that was one stays one."""
    held = {one["ParameterKey"]: one["ParameterValue"] for one in before.get("Parameters", ())}
    given = []
    for one in params.get("Parameters", ()):
        name = one["ParameterKey"]
        if not one.get("UsePreviousValue"):
            given.append({"ParameterKey": name, "ParameterValue": one["ParameterValue"]})
        elif name in held:
            given.append({"ParameterKey": name, "ParameterValue": held[name]})
    return {**params, "Parameters": given}


def check(params: Mapping[str, Any]) -> None:
    """What CloudFormation refuses of a template and its parameters in a call, and what the sandbox cannot make."""
    body = params.get("TemplateBody", "")
    if len(body.encode()) > LARGEST:
        constraint = f"Member must have length less than or equal to {LARGEST}"
        raise AwsError("ValidationError", f"Value at 'templateBody' failed to satisfy constraint: {constraint}")
    declared = parsed(body).get("Parameters", {}) if body else {}
    for name, value in ((one["ParameterKey"], one.get("ParameterValue")) for one in params.get("Parameters", ())):
        pattern = declared.get(name, {}).get("AllowedPattern")
        if value is not None and pattern and not re.fullmatch(pattern, value):
            raise AwsError("ValidationError", f"Parameter '{name}' must match pattern {pattern}")
    unknown = sorted({one["Type"] for one in _resources(body)} - set(parsing.get_model_map()))
    if unknown:
        raise AwsError("SimulatorNotImplemented", f"stacks of the sandbox cannot make {', '.join(unknown)}", 501)
    named = any(
        "Name" in key for one in _resources(body) for key in one.get("Properties", {}) if one["Type"].startswith("AWS::IAM::")
    )
    if named and "CAPABILITY_NAMED_IAM" not in params.get("Capabilities", ()):
        raise AwsError("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_NAMED_IAM]")


def parsed(body: str) -> dict[str, Any]:
    """A template, in YAML or JSON."""
    found: dict[str, Any] = Stack.parse_template(body)
    return found


def _resources(body: str) -> list[dict[str, Any]]:
    return list(parsed(body)["Resources"].values()) if body else []


def _changes(ctx: Ctx, name: str, before: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    old, new = _shapes(ctx, name, before) if before else {}, _shapes(ctx, name, wanted)
    for logical in dict.fromkeys((*old, *new)):
        if old.get(logical) == new.get(logical):
            continue
        action = "Add" if logical not in old else "Remove" if logical not in new else "Modify"
        kind = (new.get(logical) or old[logical])[0]
        change = {"Action": action, "LogicalResourceId": logical, "ResourceType": kind}
        if action == "Modify":
            change["Replacement"] = "False" if old[logical][1] == new[logical][1] else "True"
        yield {"Type": "Resource", "ResourceChange": change}


def _shapes(ctx: Ctx, name: str, asked: Mapping[str, Any]) -> dict[str, tuple[str, str, str]]:
    """Of the resources that there are with these parameters: type, what names it, and everything that it is made of."""
    template = parsed(asked["TemplateBody"])
    given = {one["ParameterKey"]: one.get("ParameterValue", "") for one in asked["Parameters"]}
    known = parsing.ResourceMap("", name, given, {}, ctx.region, ctx.account, template, None)
    known.load_mapping()
    known.load_parameters()
    known.load_conditions()
    values = {**known.resolved_parameters, **known.lazy_condition_map}
    shapes = {}
    for logical, one in template["Resources"].items():
        if one.get("Condition") and not known.lazy_condition_map[one["Condition"]]:
            continue
        naming = one.get("Properties", {}).get(parsing.resource_name_property_from_type(one["Type"]))
        shapes[logical] = (one["Type"], _text(naming, values), _text([one, asked["Tags"]], values))
    return shapes


def _text(value: Any, values: Mapping[str, Any]) -> str:
    """With the parameters and conditions that are used in it."""
    text = json.dumps(value, sort_keys=True)
    places = ('"Ref": "{}"', '"Fn::If": ["{}"', "${{{}}}")
    used = {key: str(of) for key, of in values.items() if any(place.format(key) in text for place in places)}
    return text + json.dumps(used, sort_keys=True)


def _found(ctx: Ctx, params: Mapping[str, Any]) -> dict[str, Any] | None:
    for ident, one in ctx.store.get("change sets", {}).items():
        named = (one["shown"]["ChangeSetName"], one["shown"]["StackName"]) == (params["ChangeSetName"], params.get("StackName"))
        if ident == params["ChangeSetName"] or named:
            return dict(one)
    return None


def _change_set(ctx: Ctx, params: Mapping[str, Any]) -> dict[str, Any]:
    found = _found(ctx, params)
    if found is None:
        raise AwsError("ChangeSetNotFound", f"ChangeSet [{params['ChangeSetName']}] does not exist", 404)
    return found


def _shell(ctx: Ctx, name: str, ident: str, status: str) -> dict[str, Any]:
    return {"StackId": ident, "StackName": name, "CreationTime": ctx.clock.now(), "StackStatus": status}


def _fail(ctx: Ctx, name: str, error: AwsError) -> None:
    ctx.store.setdefault("failures", {}).setdefault(name, []).insert(0, error.message)


def _event(ctx: Ctx, name: str, why: str) -> dict[str, Any]:
    return {
        "StackId": name,
        "EventId": str(uuid.uuid4()),
        "StackName": name,
        "LogicalResourceId": "Resource",
        "ResourceStatus": "CREATE_FAILED",
        "ResourceStatusReason": why,
        "Timestamp": ctx.clock.now(),
    }
