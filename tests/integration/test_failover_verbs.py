# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pause, skip and cancel from a second process, while a wave runs: it is finished, the next does not begin, nothing is lost."""

from __future__ import annotations

from typing import Any

from playbook import (
    BUCKET,
    EAST,
    FULL,
    NONE,
    SCOPE,
    SHOP,
    TABLE,
    TICK_SECONDS,
    WEST,
    Operator,
    Started,
    estate,
    key_of,
    names,
    pointing,
    tasks,
    unfolded,
)

from ansible_collections.dr.aws.plugins.module_utils.store import Store

ASKED = {**SCOPE, "mode": "unplanned", "approval_mode": "automatic", "phases": "instantiate,activate"}
STOREFRONT = key_of(SHOP, "shop", "storefront")
FIRST = {**NONE, "ledger": FULL["ledger"], "orders": FULL["orders"]}


def held(sandbox: Any, started: Started, wave: int) -> None:
    """A wave that runs, and does not end: simulated time stands still, so that no task starts."""
    started.until(rf"^activate, wave {wave}:")
    assert sandbox.clock.tick == 0


def events(status: dict[str, Any], *wanted: str) -> list[tuple[str, str, str]]:
    """(event, actor, reason) of the timeline, of the events that are wanted."""
    found = [one for one in status["timeline"] if one["event"] in wanted]
    return [(one["event"], one["actor"], one["detail"].get("reason", "")) for one in found]


def test_pause_skip_and_cancel_while_a_wave_runs(sandbox: Any, operator: Operator) -> None:
    operator.load(estate())
    operator.readiness()
    me = sandbox.client("sts").get_caller_identity()["Arn"]
    sandbox.clock.tick = 0
    started = operator.start("failover", **ASKED)
    name = started.until(r"execution (dr-\S+) started")[1]
    held(sandbox, started, 1)
    asked = operator.run("pause", execution_id=name, reason="the network team looks").ok()
    assert asked.changed == 1
    assert "is paused before its next wave" in unfolded(asked.out)
    assert operator.run("pause", execution_id=name, reason="once more").ok().changed == 0
    assert operator.status(name)["status"] == "RUNNING", "its wave is not over"
    sandbox.clock.tick = TICK_SECONDS
    resume = f"ansible-playbook dr.aws.failover -e execution_id={name}"
    why = f"is PAUSED before activate, wave 2: pause requested by {me}"
    started.end().refused(why, ": the network team looks", f"Next: {resume}")
    assert tasks(sandbox, WEST) == FIRST, "the wave was finished, the next did not begin"
    status = operator.status(name)
    assert (status["status"], status["resume"], status["interrupted"]) == ("PAUSED", resume, False)
    assert why in status["reason"]
    assert status["counts"]["activate"] == {"done": 2}

    operator.run("skip", execution_id=name, resource=STOREFRONT, reason="").refused("reason=''")
    operator.run("skip", execution_id=name, resource=STOREFRONT, reason="it is repaired by hand").ok()
    sandbox.clock.tick = 0
    resumed = operator.start("failover", execution_id=name)
    held(sandbox, resumed, 2)
    operator.run("cancel", execution_id=name, reason="us-east-1 is back").ok()
    sandbox.clock.tick = TICK_SECONDS
    ended = resumed.end().refused("is CANCELLED before activate, wave 3: cancel requested by", ": us-east-1 is back")
    assert f"skipped   {STOREFRONT}: skip requested by {me}" in ended.out
    assert tasks(sandbox, WEST) == {**FULL, "storefront": 0}
    assert names(sandbox) == pointing(EAST)
    status = operator.status(name)
    assert (status["status"], status["resume"]) == ("CANCELLED", None)
    assert [(one["resource"], one["phase"]) for one in status["skipped"]] == [(STOREFRONT, "activate")]
    assert status["counts"]["activate"] == {"done": 4, "skipped": 1}
    assert [(one["verb"], one["state"]) for one in status["requests"]] == [
        ("cancel", "taken"),
        ("pause", "taken"),
        ("skip", "standing"),
    ]
    assert events(status, "execution_pause_requested", "execution_skip_requested", "execution_cancel_requested") == [
        ("execution_pause_requested", me, "the network team looks"),
        ("execution_skip_requested", me, "it is repaired by hand"),
        ("execution_cancel_requested", me, "us-east-1 is back"),
    ]
    assert [event for event, _actor, _reason in events(status, "execution_paused", "execution_resumed", "execution_cancelled")] == [
        "execution_paused",
        "execution_resumed",
        "execution_cancelled",
    ]
    store = Store(sandbox.client("dynamodb"), sandbox.client("s3"), TABLE, BUCKET)
    assert store.broken_audit(name) == []
    subjects = [call["params"]["Subject"] for call in sandbox.calls(service="sns", operation="Publish")]
    said = ("PAUSED", "skips a resource", "cancelled")
    assert [next(one for one in said if one in subject) for subject in subjects if any(one in subject for one in said)] == list(
        said
    )
    operator.run("failover", execution_id=name).refused(f"execution {name} is CANCELLED and cannot be resumed")
