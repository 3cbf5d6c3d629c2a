# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When change calendars keep an execution from beginning."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ansible_collections.dr.aws.plugins.module_utils.calendars import admit
from ansible_collections.dr.aws.plugins.module_utils.dynamo import epoch
from ansible_collections.dr.aws.plugins.module_utils.parameters import Parameters
from ansible_collections.dr.aws.plugins.module_utils.plan import Plan, PlanError

UNTIL = "2026-11-29T04:00:00Z"
CLOSED = f"change calendar freeze is CLOSED until {UNTIL}"
UNREAD = "change calendar gone cannot be read: InvalidDocument: no"


class Ssm:
    """Answers for calendars by name."""

    def get_calendar_state(self, **params: Any) -> dict[str, Any]:
        (name,) = params["CalendarNames"]
        if name == "gone":
            raise ClientError({"Error": {"Code": "InvalidDocument", "Message": "no"}}, "GetCalendarState")
        if name == "odd":
            return {"State": "OPEN", "NextTransitionTime": "tomorrow"}
        return {"State": "OPEN" if name == "open" else "CLOSED", "NextTransitionTime": UNTIL}


def control(*calendars: str) -> Any:
    """Ten minutes before the transition."""
    ways = SimpleNamespace(control=lambda service: Ssm())
    clock = SimpleNamespace(clock=lambda: epoch(UNTIL) - 600)
    return SimpleNamespace(settings={"change_calendars": calendars}, accounts=ways, store=clock)


def asked(mode: str, seconds: int = 60) -> Plan:
    return Plan(Parameters("acme", "production", "us-east-1", "us-west-2", mode=mode), (), (), seconds)


@pytest.mark.parametrize(
    ("calendars", "mode", "reason", "said"),
    [
        pytest.param([], "planned", "", [], id="none"),
        pytest.param(["open"], "planned", "", [], id="open"),
        pytest.param(["open", "freeze"], "unplanned", "fire", [f"{CLOSED}, overridden: fire"], id="a disaster in a window"),
        pytest.param(["open"], "unplanned", "fire", [], id="a reason that nobody needs"),
        pytest.param(["gone"], "unplanned", "", [UNREAD], id="a disaster, and no answer"),
    ],
)
def test_what_may_begin(calendars: list[str], mode: str, reason: str, said: list[str]) -> None:
    assert admit(control(*calendars), asked(mode), reason) == said


@pytest.mark.parametrize(
    ("calendars", "mode", "reason", "why", "remedy"),
    [
        pytest.param(["open", "freeze"], "planned", "", CLOSED, "wait until it opens", id="planned"),
        pytest.param(["freeze"], "unplanned", "", CLOSED, "calendar_override_reason", id="unplanned without a reason"),
        pytest.param(["open"], "planned", "why not", "mode is planned", "-e mode=unplanned", id="a reason that does not count"),
        pytest.param(["gone"], "planned", "", UNREAD, "ssm:GetCalendarState", id="no answer"),
    ],
)
def test_what_may_not(calendars: list[str], mode: str, reason: str, why: str, remedy: str) -> None:
    with pytest.raises(PlanError, match=why) as refused:
        admit(control(*calendars), asked(mode), reason)
    assert remedy in refused.value.remedy


@pytest.mark.parametrize(
    ("calendar", "seconds", "reason", "warned"),
    [
        pytest.param("open", 599, "", False, id="ends before"),
        pytest.param("open", 601, "", True, id="ends inside"),
        pytest.param("open", 601, "fire", False, id="does not pause"),
        pytest.param("odd", 601, "", False, id="a time that cannot be read"),
    ],
)
def test_a_window_that_is_near(calendar: str, seconds: int, reason: str, warned: bool) -> None:
    said = admit(control(calendar), asked("unplanned", seconds), reason)
    assert said == (
        [f"change calendar open closes at {UNTIL}, before the expected end: the execution will pause"] if warned else []
    )
