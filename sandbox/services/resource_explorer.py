# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resource Explorer: indexes, views, ListResources and Search with the limits that AWS documents.

Every account of an estate has an index in each region (the aggregator in the control region) and a default view with
tags, unless the estate's `resource_explorer` says otherwise.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sandbox import query
from sandbox.gateway import Ctx, op
from sandbox.listing import Resource, resources
from sandbox.model import AwsError

SERVICE = "resource-explorer-2"
VIEWS = 10
LARGEST_PAGE = 1000
# Not supported by the service, or not any more ("supported-resource-types" page).
_NOT_LISTED = {"ecs:task", "rds:cluster-pg", "rds:pg", "rds:og", "rds:subgrp", "elasticache:user"}
_SUPPORTED = (
    "autoscaling:autoScalingGroup",
    "cloudwatch:alarm",
    "dynamodb:table",
    "ec2:instance",
    "ec2:volume",
    "ecs:cluster",
    "ecs:service",
    "ecs:task-definition",
    "elasticache:cluster",
    "elasticache:replicationgroup",
    "elasticfilesystem:file-system",
    "elasticloadbalancing:loadbalancer/app",
    "es:domain",
    "events:rule",
    "fsx:file-system",
    "lambda:function",
    "memorydb:cluster",
    "rds:cluster",
    "rds:db",
    "rds:snapshot",
    "route53:healthcheck",
    "route53:hostedzone",
    "s3:bucket",
    "secretsmanager:secret",
    "sns:topic",
    "sqs:queue",
    "states:stateMachine",
)
_RATES = {"Search": 5, "ListResources": 3}


def _options(ctx: Ctx) -> dict[str, Any]:
    estate = ctx.gw.estate
    default = {"aggregator": estate.get("control_region") or ctx.gw.regions[-1], "tags": True, "enabled": bool(estate)}
    return {**default, **estate.get("resource_explorer", {})}


def _store(ctx: Ctx, region: str | None = None) -> dict[str, Any]:
    """The store of a region, furnished the first time as the estate says."""
    region = region or ctx.region
    store = ctx.at(region=region)
    if "views" not in store:
        store["views"] = {}
        options = _options(ctx)
        if options["enabled"]:
            kind = "AGGREGATOR" if options["aggregator"] == region else "LOCAL"
            store["index"] = _new_index(ctx, region, kind, "ACTIVE")
            view = _new_view(ctx, region, "all-resources", [{"Name": "tags"}] if options["tags"] else [], "")
            store["views"][view["ViewArn"]] = view
            store["default"] = view["ViewArn"]
    return store


def _new_index(ctx: Ctx, region: str, kind: str, state: str) -> dict[str, Any]:
    arn = f"arn:aws:{SERVICE}:{region}:{ctx.account}:index/{uuid.uuid4()}"
    return {"Arn": arn, "Type": kind, "State": state, "CreatedAt": ctx.clock.now(), "LastUpdatedAt": ctx.clock.now()}


def _new_view(ctx: Ctx, region: str, name: str, properties: list[dict[str, str]], filters: str) -> dict[str, Any]:
    return {
        "ViewArn": f"arn:aws:{SERVICE}:{region}:{ctx.account}:view/{name}/{uuid.uuid4()}",
        "ViewName": name,
        "Owner": ctx.account,
        "LastUpdatedAt": ctx.clock.now(),
        "Scope": f"arn:aws:iam::{ctx.account}:root",
        "IncludedProperties": properties,
        "Filters": {"FilterString": filters},
    }


def _index(ctx: Ctx) -> dict[str, Any]:
    index = _store(ctx).get("index")
    if not index:
        raise AwsError("ResourceNotFoundException", "There is no Resource Explorer index in this Region.", 404)
    found: dict[str, Any] = index
    return found


def _view(ctx: Ctx, arn: str | None) -> dict[str, Any]:
    store = _store(ctx)
    arn = arn or store.get("default")
    if not arn:
        raise AwsError("UnauthorizedException", "There is no default view in this Region, or you may not use it.", 401)
    if arn not in store["views"]:
        raise AwsError("ResourceNotFoundException", f"The view {arn} does not exist.", 404)
    view: dict[str, Any] = store["views"][arn]
    return view


@op(SERVICE, "CreateIndex")
def create_index(ctx: Ctx, _params: dict[str, Any]) -> dict[str, Any]:
    """One a region; active after a minute."""
    store = _store(ctx)
    if "index" in store:
        raise AwsError("ConflictException", "An index already exists in this Region.", 409)
    index = store["index"] = _new_index(ctx, ctx.region, "LOCAL", "CREATING")
    ctx.eventually(60, lambda: index.update(State="ACTIVE"))
    return {name: index[name] for name in ("Arn", "State", "CreatedAt")}


@op(SERVICE, "DeleteIndex")
def delete_index(ctx: Ctx, _params: dict[str, Any]) -> dict[str, Any]:
    """Views go with it."""
    index = _index(ctx)
    store = _store(ctx)
    store.update(views={})
    store.pop("index")
    store.pop("default", None)
    return {"Arn": index["Arn"], "State": "DELETING", "LastUpdatedAt": ctx.clock.now()}


@op(SERVICE, "GetIndex")
def get_index(ctx: Ctx, _params: dict[str, Any]) -> dict[str, Any]:
    """The index of this region."""
    index = _index(ctx)
    others = [region for region in ctx.gw.regions if region != ctx.region]
    replication = {"ReplicatingFrom": others} if index["Type"] == "AGGREGATOR" else {}
    return {**index, **replication}


@op(SERVICE, "ListIndexes")
def list_indexes(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Of every region, whichever is asked."""
    found = []
    for region in params.get("Regions") or ctx.gw.regions:
        index = _store(ctx, region).get("index")
        if index and params.get("Type", index["Type"]) == index["Type"]:
            found.append({"Region": region, "Arn": index["Arn"], "Type": index["Type"]})
    return {"Indexes": found}


@op(SERVICE, "UpdateIndexType")
def update_index_type(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """One aggregator an account; after one was demoted, 24 hours pass before the next."""
    index, account = _index(ctx), ctx.at(region="account")
    if params["Type"] == "AGGREGATOR" and index["Type"] == "LOCAL":
        if any(_store(ctx, region).get("index", {}).get("Type") == "AGGREGATOR" for region in ctx.gw.regions):
            raise AwsError("ConflictException", "There is already an aggregator index in this account.", 409)
        if account.get("demoted", -86400.0) + 86400 > ctx.clock.time():
            raise AwsError("ServiceQuotaExceededException", "Wait 24 hours after the last aggregator index was demoted.", 402)
    elif params["Type"] == "LOCAL" and index["Type"] == "AGGREGATOR":
        account["demoted"] = ctx.clock.time()
    index.update(Type=params["Type"], LastUpdatedAt=ctx.clock.now())
    return {name: index[name] for name in ("Arn", "Type", "State", "LastUpdatedAt")}


@op(SERVICE, "CreateView")
def create_view(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """At most ten a region."""
    _index(ctx)
    views = _store(ctx)["views"]
    if len(views) >= VIEWS:
        raise AwsError("ServiceQuotaExceededException", "There are 10 views in this Region.", 402)
    if any(view["ViewName"] == params["ViewName"] for view in views.values()):
        raise AwsError("ConflictException", f"A view named {params['ViewName']} exists.", 409)
    filters = params.get("Filters", {}).get("FilterString", "")
    view = _new_view(ctx, ctx.region, params["ViewName"], params.get("IncludedProperties", []), filters)
    views[view["ViewArn"]] = view
    return {"View": view}


@op(SERVICE, "UpdateView")
def update_view(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """What is given replaces what was."""
    view = _view(ctx, params["ViewArn"])
    view.update({name: params[name] for name in ("IncludedProperties", "Filters") if name in params})
    return {"View": view}


@op(SERVICE, "DeleteView")
def delete_view(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """A default view that is deleted leaves the region without one."""
    store = _store(ctx)
    _view(ctx, params["ViewArn"])
    del store["views"][params["ViewArn"]]
    if store.get("default") == params["ViewArn"]:
        del store["default"]
    return {"ViewArn": params["ViewArn"]}


@op(SERVICE, "GetView")
def get_view(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """One view of this region."""
    return {"View": _view(ctx, params["ViewArn"]), "Tags": {}}


@op(SERVICE, "BatchGetView")
def batch_get_view(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Several views; what is not there is an entry of Errors."""
    views, arns = _store(ctx)["views"], params.get("ViewArns", [])
    errors = [{"ViewArn": arn, "ErrorMessage": "The view does not exist."} for arn in arns if arn not in views]
    return {"Views": [views[arn] for arn in arns if arn in views], "Errors": errors}


@op(SERVICE, "ListViews")
def list_views(ctx: Ctx, _params: dict[str, Any]) -> dict[str, Any]:
    """The ARNs."""
    return {"Views": sorted(_store(ctx)["views"])}


@op(SERVICE, "AssociateDefaultView")
def associate_default_view(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """The view that is used when a call names none."""
    _store(ctx)["default"] = _view(ctx, params["ViewArn"])["ViewArn"]
    return {"ViewArn": params["ViewArn"]}


@op(SERVICE, "DisassociateDefaultView")
def disassociate_default_view(ctx: Ctx, _params: dict[str, Any]) -> dict[str, Any]:
    """None from now on."""
    _store(ctx).pop("default", None)
    return {}


@op(SERVICE, "GetDefaultView")
def get_default_view(ctx: Ctx, _params: dict[str, Any]) -> dict[str, Any]:
    """Nothing in the answer when there is none."""
    default = _store(ctx).get("default")
    return {"ViewArn": default} if default else {}


@op(SERVICE, "ListSupportedResourceTypes")
def list_supported_resource_types(_ctx: Ctx, _params: dict[str, Any]) -> dict[str, Any]:
    """Those a disaster recovery meets: no drs, no record sets."""
    return {"ResourceTypes": [{"Service": kind.partition(":")[0], "ResourceType": kind} for kind in _SUPPORTED]}


@op(SERVICE, "Search")
def search(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """The first 1,000, and whether these are all."""
    view, found = _find(ctx, params, params["QueryString"], free_text=True)
    page, more = _page(ctx, params, view, found[:LARGEST_PAGE])
    return {**page, **more, "Count": {"TotalResources": min(len(found), LARGEST_PAGE), "Complete": len(found) <= LARGEST_PAGE}}


@op(SERVICE, "ListResources")
def list_resources(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """All, in pages; but with MaxResults=1000 there is no NextToken, and what is left is silently lost."""
    view, found = _find(ctx, params, params.get("Filters", {}).get("FilterString", ""), free_text=False)
    page, more = _page(ctx, params, view, found)
    return page if params.get("MaxResults") == LARGEST_PAGE else {**page, **more}


def _find(ctx: Ctx, params: dict[str, Any], text: str, free_text: bool) -> tuple[dict[str, Any], Sequence[Resource]]:
    _limit(ctx)
    view = _view(ctx, params.get("ViewArn"))
    full = f"{text} {view['Filters']['FilterString']}"
    regions = _regions(ctx)
    key = ("query", ctx.account, ctx.region, full, regions)
    kept = ctx.gw.cache.get(key)
    if kept is None or kept[0] != ctx.gw.generation:
        try:
            predicates = query.parse(full, free_text)
        except ValueError as error:
            raise AwsError("ValidationException", str(error)) from error
        listed = (one for region in regions for one in resources(ctx.gw, ctx.account, region) if _supported(one))
        found = [one for one in listed if all(holds(one, ctx.account) for holds in predicates)]
        kept = ctx.gw.cache[key] = (ctx.gw.generation, found)
    matched: list[Resource] = kept[1]
    return view, matched


def _regions(ctx: Ctx) -> tuple[str, ...]:
    """The aggregator knows every region; others themselves only, us-east-1 also what has no region."""
    if _index(ctx)["Type"] == "AGGREGATOR":
        return (*ctx.gw.regions, "global")
    return (ctx.region, "global") if ctx.region == "us-east-1" else (ctx.region,)


def _supported(resource: Resource) -> bool:
    return resource.service != "drs" and resource.type not in _NOT_LISTED


def _page(
    ctx: Ctx, params: dict[str, Any], view: dict[str, Any], found: Sequence[Resource]
) -> tuple[dict[str, Any], dict[str, Any]]:
    size, token = params.get("MaxResults", 100), params.get("NextToken", "0")
    if not 1 <= size <= LARGEST_PAGE or not token.isdigit():
        raise AwsError("ValidationException", "MaxResults must be from 1 to 1000, and NextToken one that was given")
    start, now = int(token), ctx.clock.now()
    tags = any(one["Name"] == "tags" for one in view["IncludedProperties"])
    page = [_shown(ctx, resource, now, tags) for resource in found[start : start + size]]
    more = {"NextToken": str(start + size)} if start + size < len(found) else {}
    return {"Resources": page, "ViewArn": view["ViewArn"]}, more


def _shown(ctx: Ctx, resource: Resource, now: Any, tags: bool) -> dict[str, Any]:
    data = [{"Key": key, "Value": value} for key, value in resource.tags.items()] if tags else []
    return {
        "Arn": resource.arn,
        "OwningAccountId": ctx.account,
        "Region": resource.region,
        "ResourceType": resource.type,
        "Service": resource.service,
        "LastReportedAt": now,
        "Properties": [{"Name": "tags", "LastReportedAt": now, "Data": data}] if data else [],
    }


def _limit(ctx: Ctx) -> None:
    """The fixed rates a second, in simulated time; only where the estate asks for them."""
    if not _options(ctx).get("rates") or ctx.call is None:
        return
    hits, now = _store(ctx).setdefault("hits", {}), ctx.clock.time()
    recent = [at for at in hits.get(ctx.call.operation, []) if at > now - 1]
    if len(recent) >= _RATES[ctx.call.operation]:
        raise AwsError("ThrottlingException", "Rate exceeded", 429)
    hits[ctx.call.operation] = [*recent, now]
