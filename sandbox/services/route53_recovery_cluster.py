# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ARC routing controls: switches kept by a cluster whose endpoints stand in several regions.

Every region's endpoint is the sandbox itself; a dark region takes its endpoint with it, the others know the same states.
Not simulated: cluster configuration, the health checks that follow a control, safety rules other than "never all off".
"""

from __future__ import annotations

from typing import Any

from sandbox.gateway import Ctx, op, seed
from sandbox.model import AwsError

Params = dict[str, Any]


def _controls(ctx: Ctx) -> dict[str, Params]:
    """ARN -> {name, state, panel}, the same at every endpoint."""
    controls: dict[str, Params] = ctx.at(region="global").setdefault("controls", {})
    return controls


def _control(ctx: Ctx, arn: str) -> Params:
    found = _controls(ctx).get(arn)
    if found is None:
        raise AwsError("ResourceNotFoundException", f"Routing control {arn} does not exist")
    return found


def _shown(arn: str, control: Params) -> Params:
    return {"RoutingControlArn": arn, "RoutingControlName": control["name"], "RoutingControlState": control["state"]}


@op("route53-recovery-cluster", "GetRoutingControlState")
def get_routing_control_state(ctx: Ctx, params: Params) -> Params:
    """One control's state."""
    return _shown(params["RoutingControlArn"], _control(ctx, params["RoutingControlArn"]))


@op("route53-recovery-cluster", "ListRoutingControls")
def list_routing_controls(ctx: Ctx, params: Params) -> Params:
    """All controls, or those of a control panel."""
    panel = params.get("ControlPanelArn")
    found = [_shown(arn, one) for arn, one in _controls(ctx).items() if panel in (None, one["panel"])]
    return {"RoutingControls": found}


@op("route53-recovery-cluster", "UpdateRoutingControlState")
def update_routing_control_state(ctx: Ctx, params: Params) -> Params:
    """One control, by the same rules."""
    entry = {name: params[name] for name in ("RoutingControlArn", "RoutingControlState")}
    return update_routing_control_states(ctx, {**params, "UpdateRoutingControlStateEntries": [entry]})


@op("route53-recovery-cluster", "UpdateRoutingControlStates")
def update_routing_control_states(ctx: Ctx, params: Params) -> Params:
    """All of them or none; refused when the last control of a panel would go Off, unless that rule is overridden."""
    entries = params["UpdateRoutingControlStateEntries"]
    wanted = {entry["RoutingControlArn"]: entry["RoutingControlState"] for entry in entries}
    panels = {_control(ctx, arn)["panel"] for arn in wanted}
    for panel in sorted(panels):
        after = [wanted.get(arn, one["state"]) for arn, one in _controls(ctx).items() if one["panel"] == panel]
        rule = f"{panel}/safetyrule/at-least-one"
        if "On" not in after and rule not in params.get("SafetyRulesToOverride", ()):
            raise AwsError("ConflictException", f"The request violates the safety rule {rule}")
    for arn, state in wanted.items():
        _control(ctx, arn)["state"] = state
    return {}


@seed("routing_control", service="route53-recovery-cluster")
def build(ctx: Ctx, spec: Params) -> Params:
    """Two routing controls of one control panel, named after their regions: the first region's is On, the peer's Off."""
    panel = f"arn:aws:route53-recovery-control::{ctx.account}:controlpanel/{spec['name']}"
    arns = {}
    for region, state in ((spec["region"], "On"), (spec["peer"]["region"], "Off")):
        arns[region] = f"{panel}/routingcontrol/{region}"
        _controls(ctx)[arns[region]] = {"name": region, "state": state, "panel": panel}
    return {"routing_controls": arns}
