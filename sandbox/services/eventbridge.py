# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EventBridge: moto's rules, with managed rules, refused targets, tags by ARN, and global endpoints.

Moto confuses the tags of rules of the same name on two buses, tags rules that exist already in PutRule, and takes every
target and any number of them.
Not simulated: events themselves, how long a switched rule goes on firing, failover of global endpoints.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from moto.backends import get_backend

from sandbox.gateway import Ctx, lists, op, seed
from sandbox.model import AwsError

#: AWS's default for targets of one rule.
TARGETS_LIMIT = 5
#: Simulated seconds until a global endpoint is ACTIVE.
ENDPOINT_AFTER = 120

Params = dict[str, Any]


def _backend(ctx: Ctx) -> Any:
    return get_backend("events")[ctx.account][ctx.region]


def _rule(ctx: Ctx, params: Params, name: str = "Name") -> Any:
    """Moto's rule. Raises ResourceNotFoundException."""
    bus = _backend(ctx).event_buses.get(str(params.get("EventBusName", "default")).rpartition("/")[2])
    found = bus.rules.get(params[name]) if bus else None
    if found is None:
        where = params.get("EventBusName", "default")
        raise AwsError("ResourceNotFoundException", f"Rule {params[name]} does not exist on EventBus {where}.")
    return found


def _ours(rule: Any, params: Params) -> None:
    if rule.managed_by and not params.get("Force"):
        raise AwsError("ManagedRuleException", f"Rule {rule.name} is managed by {rule.managed_by}.")


@op("events", "EnableRule", "DisableRule", "DeleteRule", "RemoveTargets")
def change_rule(ctx: Ctx, params: Params) -> Params:
    """Moto's, but not for rules of AWS services, and not silently for rules that are not there."""
    assert ctx.call is not None
    removing = ctx.call.operation == "RemoveTargets"
    rule = _rule(ctx, params, "Rule" if removing else "Name")
    _ours(rule, params)
    if removing:
        rule.remove_targets(params["Ids"])
        return {"FailedEntryCount": 0, "FailedEntries": []}
    return ctx.moto()


@op("events", "PutRule")
def put_rule(ctx: Ctx, params: Params) -> Params:
    """Replaces the whole rule, ENABLED unless told otherwise; tags only count for a new one."""
    try:
        rule = _rule(ctx, params)
    except AwsError:
        return ctx.moto()
    _ours(rule, params)
    return ctx.moto({name: value for name, value in params.items() if name != "Tags"})


@op("events", "PutTargets")
def put_targets(ctx: Ctx, params: Params) -> Params:
    """Answers 200 and names the entries that were not taken: targets other than event buses in another region."""
    rule = _rule(ctx, params, "Rule")
    _ours(rule, params)
    refused = [
        {
            "TargetId": one["Id"],
            "ErrorCode": "ValidationException",
            "ErrorMessage": f"Target {one['Arn']} is not in region {ctx.region}.",
        }
        for one in params["Targets"]
        if one["Arn"].split(":")[3] not in ("", ctx.region) and ":event-bus/" not in one["Arn"]
    ]
    bad = {one["TargetId"] for one in refused}
    taken = [one for one in params["Targets"] if one["Id"] not in bad]
    after = {one["Id"] for one in rule.targets} | {one["Id"] for one in taken}
    if len(after) > TARGETS_LIMIT:
        text = f"The requested resource exceeds the maximum number allowed: {TARGETS_LIMIT} targets."
        raise AwsError("LimitExceededException", text)
    if taken:
        ctx.moto({**params, "Targets": taken})
    return {"FailedEntryCount": len(refused), "FailedEntries": refused}


def _tagged(ctx: Ctx, params: Params) -> str:
    """The ARN of a rule or bus that exists."""
    arn = str(params["ResourceARN"])
    buses = _backend(ctx).event_buses.values()
    if not any(arn == thing.arn for bus in buses for thing in (bus, *bus.rules.values())):
        raise AwsError("ResourceNotFoundException", f"{arn} does not exist.")
    return arn


@op("events", "ListTagsForResource")
def list_tags(ctx: Ctx, params: Params) -> Params:
    """By ARN."""
    tags: Params = _backend(ctx).tagger.list_tags_for_resource(_tagged(ctx, params))
    return tags


@op("events", "TagResource")
def tag(ctx: Ctx, params: Params) -> Params:
    """By ARN."""
    _backend(ctx).tagger.tag_resource(_tagged(ctx, params), params["Tags"])
    return {}


@op("events", "UntagResource")
def untag(ctx: Ctx, params: Params) -> Params:
    """By ARN."""
    _backend(ctx).tagger.untag_resource_using_names(_tagged(ctx, params), params["TagKeys"])
    return {}


@op("events", "CreateEndpoint")
def create_endpoint(ctx: Ctx, params: Params) -> Params:
    """CREATING, then ACTIVE. Both buses must have the same name and account."""
    endpoints: dict[str, Params] = ctx.store.setdefault("endpoints", {})
    name, buses = params["Name"], params["EventBuses"]
    if name in endpoints:
        raise AwsError("ResourceAlreadyExistsException", f"Endpoint {name} already exists.")
    if len({tuple(bus["EventBusArn"].split(":")[4:]) for bus in buses}) != 1:
        raise AwsError("ValidationException", "Event buses must have the same name and account.")
    ident = f"{name.lower()}.{len(endpoints):03d}"
    made = endpoints[name] = {
        **{key: params[key] for key in ("Name", "Description", "RoutingConfig", "EventBuses", "RoleArn") if key in params},
        "ReplicationConfig": params.get("ReplicationConfig", {"State": "ENABLED"}),
        "Arn": f"arn:aws:events:{ctx.region}:{ctx.account}:endpoint/{name}",
        "EndpointId": ident,
        "EndpointUrl": f"https://{ident}.endpoint.events.amazonaws.com",
        "State": "CREATING",
        "CreationTime": ctx.clock.now(),
        "LastModifiedTime": ctx.clock.now(),
    }
    ctx.clock.after(ENDPOINT_AFTER, lambda: made.update(State="ACTIVE"))
    return {key: made[key] for key in ("Name", "Arn", "RoutingConfig", "ReplicationConfig", "EventBuses", "State")}


@op("events", "DescribeEndpoint")
def describe_endpoint(ctx: Ctx, params: Params) -> Params:
    """As it was created, in the region where it was."""
    found: Params | None = ctx.store.get("endpoints", {}).get(params["Name"])
    if found is None:
        raise AwsError("ResourceNotFoundException", f"Endpoint {params['Name']} does not exist.")
    return found


@lists("events")
def listed(ctx: Ctx) -> Iterable[tuple[str, str, dict[str, str]]]:
    """Rules with their tags."""
    backend = _backend(ctx)
    for bus in backend.event_buses.values():
        for rule in bus.rules.values():
            yield rule.arn, "events:rule", backend.tagger.tags.setdefault(rule.arn, {})


@seed("eventbridge_rule")
def build(ctx: Ctx, spec: Params) -> Params:
    """A rule that is on, and its standby with the same targets in the peer's region, off.

    name, bus (default); schedule ("rate(5 minutes)") or pattern (a mapping); targets: [{Id, Arn, …}], one Lambda function
    of the rule's name when left out; state (ENABLED); managed_by: an AWS service. peer: {region, state (DISABLED),
    targets, tags}. The standby carries the shared tags that do not begin with `dr:`.
    """
    rule = _built(ctx, spec, spec.get("tags") or {})
    peer = spec.get("peer")
    if peer:
        shared = {key: value for key, value in (spec.get("tags") or {}).items() if not key.startswith("dr:")}
        twin = {**spec, "state": "DISABLED", **peer}
        _built(ctx.within(region=peer["region"]), twin, {**shared, **peer.get("tags", {})})
    return {"arn": rule.arn}


def _built(ctx: Ctx, spec: Params, tags: dict[str, str]) -> Any:
    backend, bus = _backend(ctx), spec.get("bus", "default")
    if bus not in backend.event_buses:
        backend.create_event_bus(bus)
    pattern = spec.get("pattern")
    rule = backend.put_rule(
        spec["name"],
        description=spec.get("description"),
        event_bus_arn=bus,
        event_pattern=json.dumps(pattern) if pattern else None,
        scheduled_expression=None if pattern else spec.get("schedule", "rate(5 minutes)"),
        state=spec.get("state", "ENABLED"),
        managed_by=spec.get("managed_by"),
        tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )
    function = f"arn:aws:lambda:{ctx.region}:{ctx.account}:function:{spec['name']}"
    rule.put_targets([dict(one) for one in spec.get("targets", [{"Id": "function", "Arn": function}])])
    return rule
