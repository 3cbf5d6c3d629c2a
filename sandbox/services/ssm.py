# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Systems Manager's change calendars: what they answer is told in advance, and no event is looked at."""

from __future__ import annotations

from typing import Any

from sandbox.gateway import Ctx, op, seed
from sandbox.model import AwsError


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
