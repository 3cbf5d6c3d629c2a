# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions of launch templates: made of another one, made once a client token, described by pages, and deleted.

Moto keeps versions in a list that their numbers are positions of: what is deleted stays in it, and is hidden.
"""

from __future__ import annotations

from typing import Any

from moto.backends import get_backend

from sandbox.gateway import Ctx, op
from sandbox.model import AwsError

PAGE = 200

Params = dict[str, Any]


def template(ctx: Ctx, params: Params) -> Any:
    """Moto's own launch template, by its id or its name."""
    backend: Any = get_backend("ec2")[ctx.account][ctx.region]
    ident = params.get("LaunchTemplateId") or backend.launch_template_name_to_ids.get(params.get("LaunchTemplateName"))
    found = backend.launch_templates.get(ident)
    if found is None:
        raise AwsError(
            "InvalidLaunchTemplateId.NotFound", f"The specified launch template, with template ID {ident}, does not exist."
        )
    return found


def default_data(ctx: Ctx, ident: str) -> Params:
    """The launch data of a template's default version; {} where the template is gone."""
    found = get_backend("ec2")[ctx.account][ctx.region].launch_templates.get(ident)
    data: Params = found.default_version().data if found else {}
    return data


def _deleted(ctx: Ctx, ident: str) -> set[int]:
    held: set[int] = ctx.at("ec2").setdefault("deleted_template_versions", {}).setdefault(ident, set())
    return held


@op("ec2", "CreateLaunchTemplateVersion")
def create(ctx: Ctx, params: Params) -> Params:
    """With what its source version has and it does not name; the same client token gives the same version."""
    tokens, token = ctx.at("ec2").setdefault("template_version_tokens", {}), params.get("ClientToken")
    if token in tokens:
        return dict(tokens[token])
    found = template(ctx, params)
    source = found.get_version(params["SourceVersion"]).data if params.get("SourceVersion") else {}
    out = ctx.moto()
    made = found.versions[-1]
    made.data = {**source, **made.data}
    out["LaunchTemplateVersion"]["LaunchTemplateData"] = made.data
    if token:
        tokens[token] = out
    return out


@op("ec2", "DescribeLaunchTemplateVersions")
def describe(ctx: Ctx, params: Params) -> Params:
    """Pages of up to 200. Without a template, `$Default` or `$Latest` of all of them."""
    start, size = int(params.get("NextToken") or 0), int(params.get("MaxResults") or PAGE)
    asked = {key: value for key, value in params.items() if key not in ("NextToken", "MaxResults")}
    rows = ctx.moto({**asked, "MaxResults": 100_000})["LaunchTemplateVersions"]
    living = [row for row in rows if row["VersionNumber"] not in _deleted(ctx, row["LaunchTemplateId"])]
    out: Params = {"LaunchTemplateVersions": living[start : start + size]}
    return out | ({"NextToken": str(start + size)} if start + size < len(living) else {})


@op("ec2", "DeleteLaunchTemplateVersions")
def delete(ctx: Ctx, params: Params) -> Params:
    """All but the default one. Numbers are never used again."""
    found = template(ctx, params)
    gone: list[Params] = []
    kept: list[Params] = []
    for number in map(int, params["Versions"]):
        named = {"LaunchTemplateId": found.id, "LaunchTemplateName": found.name, "VersionNumber": number}
        if number == found.default_version_number:
            error = {"Code": "unexpectedError", "Message": "Cannot delete the default version of a launch template"}
            kept.append({**named, "ResponseError": error})
        else:
            _deleted(ctx, found.id).add(number)
            gone.append(named)
    return {"SuccessfullyDeletedLaunchTemplateVersions": gone, "UnsuccessfullyDeletedLaunchTemplateVersions": kept}
