# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Systems Manager's change calendars and automations. What a calendar answers, and how a seeded runbook ends, is told in advance;
documents are carried out (`ssm_automation`).

Not simulated: events of calendars, targets of automations. Commands and documents are moto's own.
"""

from __future__ import annotations

import uuid
from typing import Any

from sandbox.gateway import Ctx, op, seed
from sandbox.model import AwsError
from sandbox.services.ssm_automation import Automation, document


@op("ssm", "GetCalendarState")
def get_calendar_state(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """CLOSED when one of the calendars is; each moves on by one answer."""
    answers = []
    for name in params["CalendarNames"]:
        calendar = ctx.store.get("calendars", {}).get(name.rpartition("/")[2])
        if calendar is None:
            raise AwsError("InvalidDocument", f"Document with name {name} does not exist.")
        states = calendar["states"]
        answers.append({"State": states.pop(0) if len(states) > 1 else states[0], "NextTransitionTime": calendar["next"]})
    closed = [one for one in answers if one["State"] == "CLOSED"]
    return {**(closed or answers)[0], "AtTime": ctx.clock.iso()}


@seed("change_calendar", service="ssm")
def change_calendar(ctx: Ctx, spec: dict[str, Any]) -> dict[str, Any]:
    """A change calendar. states: OPEN or CLOSED, the answers in turn, of which the last one stays. next: of its next transition."""
    states = list(spec.get("states", ["OPEN"]))
    ctx.store.setdefault("calendars", {})[spec["name"]] = {"states": states, "next": spec.get("next", "2026-11-29T04:00:00Z")}
    return {"id": spec["name"]}


@op("ssm", "StartAutomationExecution")
def start_automation_execution(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Of a seeded runbook or a document; refuses parameters that it does not take, and a client token that was used before."""
    name = params["DocumentName"]
    runbook = ctx.store.get("runbooks", {}).get(name)
    if runbook is None:
        return _carried_out(ctx, name, params)
    unknown = sorted(set(params.get("Parameters", {})) - set(runbook["parameters"]))
    if unknown:
        text = f"Invalid parameters provided: {unknown} are not specified in the Automation definition"
        raise AwsError("InvalidAutomationExecutionParametersException", text)
    executions = ctx.store.setdefault("automations", {})
    token = params.get("ClientToken", "").lower()
    if token and any(one["token"] == token for one in executions.values()):
        raise AwsError("IdempotentParameterMismatch", "An automation execution with this client token exists already.")
    ident = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{ctx.account}/{ctx.region}/automation/{len(executions)}"))
    ends = runbook["ends"]
    end = ends.pop(0) if len(ends) > 1 else ends[0]
    shown = {
        "AutomationExecutionId": ident,
        "DocumentName": name,
        "AutomationExecutionStatus": "InProgress",
        "Parameters": params.get("Parameters", {}),
    }
    executions[ident] = {"token": token, "shown": shown}

    def finish() -> None:
        if shown["AutomationExecutionStatus"] == "InProgress":
            said = (
                {"FailureMessage": f"Step {name} ended as {end}."} if end != "Success" else {"Outputs": {f"{name}.Said": ["done"]}}
            )
            shown.update({"AutomationExecutionStatus": end, **said})

    ctx.clock.after(runbook["seconds"], finish)
    return {"AutomationExecutionId": ident}


def _carried_out(ctx: Ctx, name: str, params: dict[str, Any]) -> dict[str, Any]:
    found = document(ctx, name)
    if found is None:
        raise AwsError("AutomationDefinitionNotFoundException", f"Automation definition not found for Name: {name}.")
    if params.get("Mode", "Auto") != "Auto" or "ClientToken" in params or "Targets" in params:
        raise AwsError(
            "SimulatorNotImplemented", "documents are carried out in the mode Auto, without targets and client tokens", 501
        )
    made = Automation(ctx, name, found, params.get("Parameters", {}))
    ctx.store.setdefault("automations", {})[made.ident] = {"token": "", "shown": made.shown, "steps": made}
    return {"AutomationExecutionId": made.ident}


@op("ssm", "SendAutomationSignal")
def send_automation_signal(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Approve and Reject, to an automation that waits for them. Which error AWS gives to somebody else is not documented."""
    _automation(ctx, params)
    steps = ctx.store["automations"][params["AutomationExecutionId"]].get("steps")
    if steps is None:
        raise AwsError("InvalidAutomationSignalException", "The automation waits for no signal.")
    comment = (params.get("Payload", {}).get("Comment") or [""])[0]
    steps.signal(params["SignalType"], (ctx.access or ctx.gw.accounts.management).arn, comment)
    return {}


@op("ssm", "GetAutomationExecution")
def get_automation_execution(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """As it stands now."""
    return {"AutomationExecution": dict(_automation(ctx, params))}


@op("ssm", "StopAutomationExecution")
def stop_automation_execution(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Cancelled at once."""
    shown = _automation(ctx, params)
    if shown["AutomationExecutionStatus"] in ("InProgress", "Waiting"):
        shown["AutomationExecutionStatus"] = "Cancelled"
    return {}


def _automation(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    ident = params["AutomationExecutionId"]
    found = ctx.store.get("automations", {}).get(ident)
    if found is None:
        raise AwsError("AutomationExecutionNotFoundException", f"Automation execution {ident} does not exist.")
    shown: dict[str, Any] = found["shown"]
    return shown


@seed("runbook", service="ssm")
def runbook(ctx: Ctx, spec: dict[str, Any]) -> dict[str, Any]:
    """An automation document. parameters: their names. ends: statuses in turn, of which the last one stays. seconds: until then."""
    ctx.store.setdefault("runbooks", {})[spec["name"]] = {
        "parameters": list(spec.get("parameters", ())),
        "ends": list(spec.get("ends", ["Success"])),
        "seconds": spec.get("seconds", 30),
    }
    return {"id": spec["name"]}
