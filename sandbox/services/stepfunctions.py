# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Step Functions: moto interprets state machines; an execution that has failed can be redriven.

Not simulated: IAM of the state machine's role. Waiting, retries and timeouts pass in real time.
"""

from __future__ import annotations

import importlib
import re
from typing import Any

from sandbox.gateway import Ctx, after, op
from sandbox.services.stack_resources import made

Params = dict[str, Any]


def _interpreter(ctx: Ctx) -> Any:
    """The module `sandbox.states`, whose tasks call this account from now on. Its import takes a second: when it is needed."""
    states = importlib.import_module("sandbox.states")
    gateway, account = ctx.gw, ctx.account
    states.enter(lambda service, region: gateway.client(service, region, account), _redrives(ctx))
    return states


def _redrives(ctx: Ctx) -> dict[str, int]:
    """How often executions were redriven, by ARN."""
    found: dict[str, int] = ctx.store.setdefault("redrives", {})
    return found


@op("stepfunctions", "CreateStateMachine", "UpdateStateMachine", "StartExecution")
def interpreted(ctx: Ctx, params: Params) -> Params:
    """Moto's, by its interpreter."""
    _interpreter(ctx)
    return ctx.moto()


@op("stepfunctions", "RedriveExecution")
def redrive(ctx: Ctx, params: Params) -> Params:
    """From the state that had not succeeded; a Map runs all of its iterations again."""
    _interpreter(ctx).redrive(ctx.account, ctx.region, params["executionArn"], _redrives(ctx))
    return {"redriveDate": ctx.clock.now()}


@after("stepfunctions", "DescribeExecution")
def described(ctx: Ctx, params: Params, out: Params) -> None:
    """How often it was redriven, and whether it can be."""
    out["redriveCount"] = _redrives(ctx).get(out["executionArn"], 0)
    out["redriveStatus"] = "REDRIVABLE" if out["status"] in _interpreter(ctx).REDRIVABLE else "NOT_REDRIVABLE"


@made(
    "AWS::StepFunctions::StateMachine",
    "StateMachineName",
    ("Arn", "Name"),
    lambda ctx, ident: ctx.client("stepfunctions").delete_state_machine(stateMachineArn=ident),
)
def state_machine(ctx: Ctx, name: str, properties: Params) -> tuple[str, dict[str, str]]:
    """With its definition completed. Moto takes no name of it from a template."""
    client, values = ctx.client("stepfunctions"), properties.get("DefinitionSubstitutions", {})
    name = properties.get("StateMachineName", name)
    text = re.sub(r"\$\{([\w.]+)\}", lambda found: str(values.get(found[1], found[0])), properties["DefinitionString"])
    arn = f"arn:aws:states:{ctx.region}:{ctx.account}:stateMachine:{name}"
    if arn in [one["stateMachineArn"] for one in client.list_state_machines()["stateMachines"]]:
        client.update_state_machine(stateMachineArn=arn, definition=text, roleArn=properties["RoleArn"])
    else:
        client.create_state_machine(name=name, definition=text, roleArn=properties["RoleArn"])
    return arn, {"Arn": arn, "Name": name}
