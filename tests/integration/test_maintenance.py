# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Maintenance windows: nothing begins in one, and what runs finishes its wave and pauses (SRS SC-2.2)."""

from __future__ import annotations

from typing import Any

from playbook import FULL, MANAGEMENT, NONE, SCOPE, WEST, Operator, estate, tasks, unfolded

UNTIL = "2026-11-29T04:00:00Z"
PLANNED = {**SCOPE, "mode": "planned", "approval_mode": "automatic", "phases": "instantiate,activate"}


def calendar(sandbox: Any, *states: str) -> None:
    """The change calendar answers so, in turn; the last answer stays."""
    sandbox.seed(kind="change_calendar", account=MANAGEMENT, region=WEST, name="freeze", states=list(states), next=UNTIL)


def test_a_window_opens_and_closes_around_an_execution(sandbox: Any, operator: Operator) -> None:
    operator.load(estate())
    operator.readiness()
    guarded = operator.written("guarded", change_calendars=["freeze"])
    calendar(sandbox, "CLOSED")
    for asked in (PLANNED, {**PLANNED, "mode": "unplanned"}):
        refused = operator.run("failover", inventory=guarded, **asked)
        refused.refused(f"change calendar freeze is CLOSED until {UNTIL}", "-e mode=unplanned -e calendar_override_reason=")
    operator.run("failover", inventory=guarded, **PLANNED, calendar_override_reason="why not").refused("mode is planned")
    seen = operator.run("plan", inventory=guarded, **PLANNED).ok()
    assert f"! change calendar freeze is CLOSED until {UNTIL}: no execution would begin" in unfolded(seen.out)
    assert operator.mutations() == []

    # Asked when it begins, before INSTANTIATE of waves 1 and 2 and ACTIVATE of wave 1; it closes before ACTIVATE of wave 2.
    calendar(sandbox, "OPEN", "OPEN", "OPEN", "OPEN", "CLOSED")
    paused = operator.run("failover", inventory=guarded, **PLANNED)
    paused.refused(f"execution {paused.execution_id} is PAUSED before activate, wave 2", f"freeze is CLOSED until {UNTIL}")
    assert operator.status(paused.execution_id)["status"] == "PAUSED"
    first = {**NONE, "ledger": FULL["ledger"], "orders": FULL["orders"]}
    assert tasks(sandbox, WEST) == first, "its wave was finished, the next did not begin"
    mark = operator.mark()
    operator.run("failover", inventory=guarded, execution_id=paused.execution_id).refused("no execution begins or goes on")
    assert operator.mutations(mark) == []

    calendar(sandbox, "OPEN")
    resumed = operator.run("failover", inventory=guarded, execution_id=paused.execution_id).ok()
    assert "COMPLETED" in resumed.out
    assert tasks(sandbox, WEST) == FULL


def test_a_disaster_does_not_wait_for_a_window(sandbox: Any, operator: Operator) -> None:
    operator.load(estate())
    operator.readiness()
    calendar(sandbox, "CLOSED")
    guarded = operator.written("guarded", change_calendars=["freeze"])
    ran = operator.failover(inventory=guarded, phases="instantiate,activate", calendar_override_reason="us-east-1 is gone").ok()
    assert f"! change calendar freeze is CLOSED until {UNTIL}, overridden: us-east-1 is gone" in unfolded(ran.out)
    assert tasks(sandbox, WEST) == FULL
    (started,) = (one for one in operator.status(ran.execution_id)["timeline"] if one["event"] == "execution_started")
    assert started["detail"]["calendar_override_reason"] == "us-east-1 is gone"
