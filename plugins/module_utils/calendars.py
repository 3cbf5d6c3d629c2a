# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Maintenance windows (SRS SC-2.2): nothing begins, and nothing goes on to its next wave, while a change calendar is closed.

Facts: SSM API reference, GetCalendarState. Of several calendars it says CLOSED when one of them is, and not which: each is asked
for. A calendar is a name in the control region, or the ARN of one that is shared with the account.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from .accounts import classify
from .errors import DrError
from .plan import Plan, PlanError

if TYPE_CHECKING:
    from .run import Control, Run

OVERRIDE: Final = "-e mode=unplanned -e calendar_override_reason=…"


@dataclass(frozen=True, slots=True)
class Closed:
    """A calendar that is closed. until: when it opens as AWS says it (ISO-8601), "" when it says nothing."""

    calendar: str
    until: str

    def __str__(self) -> str:
        return f"change calendar {self.calendar} is CLOSED" + (f" until {self.until}" if self.until else "")


@dataclass(frozen=True, slots=True)
class Look:
    """closing: (calendar, when it closes as AWS says it) of those that are open. problems: what could not be read, and why."""

    closed: tuple[Closed, ...] = ()
    closing: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()


def look(ssm: Any, calendars: Sequence[str]) -> Look:
    """How the calendars stand. ssm: boto3's client of the control region."""
    closed: list[Closed] = []
    closing: list[tuple[str, str]] = []
    problems: list[str] = []
    for name in calendars:
        try:
            answer = ssm.get_calendar_state(CalendarNames=[name])
        except Exception as error:
            failure = classify(error)
            if failure is None:
                raise
            problems.append(f"change calendar {name} cannot be read: {failure.code}: {failure.message}")
        else:
            following = str(answer.get("NextTransitionTime") or "")
            if answer["State"] != "OPEN":
                closed.append(Closed(name, following))
            elif following:
                closing.append((name, following))
    return Look(tuple(closed), tuple(closing), tuple(problems))


def admit(control: Control, plan: Plan, reason: str) -> list[str]:
    """Warnings, when an execution of a plan may begin or be resumed now. reason: why although a calendar is closed, "" for none.

    PlanError inside a window, unless it is unplanned with a reason; and where a calendar cannot be read, unless it is unplanned: a
    disaster does not wait for a calendar that does not answer.
    """
    unplanned = plan.parameters.mode == "unplanned"
    if reason and not unplanned:
        raise PlanError("calendar_override_reason is given, and mode is planned", f"in a disaster: {OVERRIDE}")
    found = _looked(control)
    if found.closed and not reason:
        remedy = f"wait until it opens, or in a disaster: {OVERRIDE}"
        raise PlanError(f"{', '.join(map(str, found.closed))}: no execution begins or goes on", remedy)
    if found.problems and not unplanned:
        allow = "allow the caller ssm:GetCalendarState, or correct change_calendars in the inventory file"
        raise PlanError("; ".join(found.problems), f"{allow}; or in a disaster: -e mode=unplanned")
    return [
        *(f"{one}, overridden: {reason}" for one in found.closed),
        *([] if reason else _soon(control, plan, found)),
        *found.problems,
    ]


def foresee(control: Control, plan: Plan) -> list[str]:
    """What the change calendars would say to an execution of a plan that began now. Refuses nothing."""
    found = _looked(control)
    closed = (f"{one}: no execution would begin" for one in found.closed)
    return [*closed, *_soon(control, plan, found), *found.problems]


def _soon(control: Control, plan: Plan, found: Look) -> list[str]:
    """Calendars that close while it runs."""
    ends = control.store.clock() + plan.expected_seconds
    soon = [(name, when) for name, when in found.closing if _before(when, ends)]
    return [f"change calendar {name} closes at {when}, before the expected end: the execution will pause" for name, when in soon]


def pause(run: Run, what: str) -> None:
    """Pauses a running execution when a calendar has closed since it began, and raises DrError. what: what would come next.

    A calendar that cannot be read stops nothing: half a failover is worse than one in a window.
    """
    if run.check_mode or run.record.get("calendar_override_reason"):
        return
    closed = _looked(run.control).closed
    if not closed:
        return
    said = ", ".join(map(str, closed))
    text = f"execution {run.execution_id} is PAUSED before {what}: {said}"
    run.change({"status": "PAUSED"}, "execution_paused", before=what, calendars=[one.calendar for one in closed])
    run.notify("window_closed", text=text, remedy=run.resume_command())
    run.leave()
    raise DrError(text, f"when it opens: {run.resume_command()}; in a disaster with -e calendar_override_reason=…")


def _looked(control: Control) -> Look:
    calendars = control.settings.get("change_calendars") or ()
    return look(control.accounts.control("ssm"), calendars) if calendars else Look()


def _before(when: str, then: float) -> bool:
    """Whether a time as SSM writes it, ISO-8601 in UTC unless it says otherwise, is before another."""
    try:
        at = datetime.fromisoformat(when)
    except ValueError:
        return False
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() < then
