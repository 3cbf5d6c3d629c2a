# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resource Groups Tagging API: per account and region, what is tagged, as the services hold it."""

from __future__ import annotations

from typing import Any

from moto.core.resource_tagging import make_tag_matcher, match_resource_type

from sandbox.gateway import Ctx, op
from sandbox.listing import Resource, resources
from sandbox.model import AwsError

SERVICE = "resourcegroupstaggingapi"
LARGEST_PAGE = 100
# "supported-services" page of the API: GetResources answers nothing for Auto Scaling groups.
_NOT_LISTED = {"autoscaling"}


def _tagged(ctx: Ctx) -> list[Resource]:
    found = list(resources(ctx.gw, ctx.account, ctx.region))
    if ctx.region == "us-east-1":  # resources without regions are served from there
        found += resources(ctx.gw, ctx.account, "global")
    return [resource for resource in found if resource.tags and resource.service not in _NOT_LISTED]


@op(SERVICE, "GetResources")
def get_resources(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Pages of 1 to 100; the token says where to go on and is good for 15 minutes."""
    arns, size = params.get("ResourceARNList"), params.get("ResourcesPerPage", 50)
    if arns and (params.get("TagFilters") or params.get("ResourceTypeFilters") or "ResourcesPerPage" in params):
        raise AwsError("InvalidParameterException", "ResourceARNList cannot be used together with filters or paging")
    if not 1 <= size <= LARGEST_PAGE:
        raise AwsError("InvalidParameterException", "ResourcesPerPage must be between 1 and 100")
    matches, kinds = make_tag_matcher(params.get("TagFilters")), params.get("ResourceTypeFilters")
    found = [
        resource
        for resource in _tagged(ctx)
        if match_resource_type(resource.type, kinds) and matches(resource.tags) and (not arns or resource.arn in arns)
    ]
    start = _resume(ctx, params.get("PaginationToken"))
    page = found[start : start + size]
    token = f"{start + size}:{int(ctx.clock.time())}" if start + size < len(found) else ""
    return {
        "PaginationToken": token,
        "ResourceTagMappingList": [
            {"ResourceARN": one.arn, "Tags": [{"Key": key, "Value": value} for key, value in one.tags.items()]} for one in page
        ],
    }


def _resume(ctx: Ctx, token: str | None) -> int:
    if not token:
        return 0
    start, _unused, issued = token.partition(":")
    if not (start.isdigit() and issued.isdigit()) or int(issued) + 900 < ctx.clock.time():
        raise AwsError("PaginationTokenExpiredException", "A PaginationToken is valid for 15 minutes")
    return int(start)


@op(SERVICE, "GetTagKeys")
def get_tag_keys(ctx: Ctx, _params: dict[str, Any]) -> dict[str, Any]:
    """All keys in use."""
    return {"TagKeys": sorted({key for resource in _tagged(ctx) for key in resource.tags})}


@op(SERVICE, "GetTagValues")
def get_tag_values(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """All values of a key."""
    return {"TagValues": sorted({one.tags[params["Key"]] for one in _tagged(ctx) if params["Key"] in one.tags})}


@op(SERVICE, "TagResources")
def tag_resources(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Also for what service files hold."""
    return _change(ctx, params, lambda tags: tags.update(params["Tags"]))


@op(SERVICE, "UntagResources")
def untag_resources(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Also for what service files hold."""
    return _change(ctx, params, lambda tags: [tags.pop(key, None) for key in params["TagKeys"]])


def _change(ctx: Ctx, params: dict[str, Any], change: Any) -> dict[str, Any]:
    held = {one.arn: one for region in (ctx.region, "global") for one in resources(ctx.gw, ctx.account, region) if one.held}
    others = []
    for arn in params["ResourceARNList"]:
        if arn in held:
            change(held[arn].tags)
        else:
            others.append(arn)
    return ctx.moto({**params, "ResourceARNList": others}) if others else {"FailedResourcesMap": {}}
