# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudFormation refuses an update that changes nothing, of which moto does not see all. Everything else is moto's own."""

from __future__ import annotations

from typing import Any

from sandbox.gateway import Ctx, op
from sandbox.model import AwsError


@op("cloudformation", "CreateStack")
def create_stack(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Remembers what it was made of."""
    out = ctx.moto()
    ctx.store.setdefault("made", {})[params["StackName"]] = _asked(params)
    return out


@op("cloudformation", "UpdateStack")
def update_stack(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Refused where it is what the stack was last made of."""
    made = ctx.store.setdefault("made", {})
    if made.get(params["StackName"]) == _asked(params):
        raise AwsError("ValidationError", "No updates are to be performed.")
    out = ctx.moto()
    made[params["StackName"]] = _asked(params)
    return out


def _asked(params: dict[str, Any]) -> tuple[Any, ...]:
    given = {one["ParameterKey"]: one.get("ParameterValue") for one in params.get("Parameters", ())}
    return params.get("TemplateBody"), given, params.get("Tags", [])
