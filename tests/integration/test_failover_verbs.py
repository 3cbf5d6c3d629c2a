# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every verb from a second process, while a wave runs: it is finished, the next does not begin, nothing is lost."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from typing import Any

from playbook import (
    BIN,
    BUCKET,
    EAST,
    FULL,
    MANAGEMENT,
    NONE,
    SCOPE,
    SHOP,
    TABLE,
    TICK_SECONDS,
    WEST,
    Operator,
    Ran,
    Started,
    estate,
    executions,
    key_of,
    names,
    pointing,
    tasks,
    unfolded,
)

from ansible_collections.dr.aws.plugins.module_utils.store import Store

ASKED = {**SCOPE, "mode": "unplanned", "approval_mode": "automatic", "phases": "instantiate,activate"}
STOREFRONT, BASKET, ORDERS = (key_of(SHOP, "shop", name) for name in ("storefront", "basket", "orders"))
FIRST = {**NONE, "ledger": FULL["ledger"], "orders": FULL["orders"]}
VERBS = ("pause", "skip", "cancel")


def held(sandbox: Any, started: Started, wave: int) -> None:
    """A wave that runs, and does not end: simulated time stands still, so that no task starts."""
    started.until(rf"^activate, wave {wave}:")
    assert sandbox.clock.tick == 0


def line_of(out: str, decision: str) -> str:
    """The command line for a decision that the screen shows last."""
    return re.findall(rf"^\s+(ansible-playbook dr\.aws\.approve .*decision={decision})$", out, re.MULTILINE)[-1]


def typed(operator: Operator, line: str, **identity: str) -> str:
    """A command line as a person pastes it into another shell. identity: environment of somebody else's credentials."""
    env = {**operator.env, **identity, "PATH": f"{BIN}:{operator.env['PATH']}", "ANSIBLE_INVENTORY": operator.inventory}
    ran = subprocess.run(["bash", "-c", line], env=env, cwd=operator.home, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout
    return unfolded(ran.stdout)


def events(status: dict[str, Any], *wanted: str) -> list[tuple[str, str, str]]:
    """(event, actor, reason) of the timeline, of the events that are wanted."""
    found = [one for one in status["timeline"] if one["event"] in wanted]
    return [(one["event"], one["actor"], one["detail"].get("reason", "")) for one in found]


def whole(sandbox: Any, name: str) -> list[str]:
    """What is wrong with the audit trail's chain."""
    return Store(sandbox.client("dynamodb"), sandbox.client("s3"), TABLE, BUCKET).broken_audit(name)


def together(*started: Started) -> list[Ran]:
    """Playbooks that run at the same time, at their end."""
    return [one.end() for one in started]


def test_each_verb_while_a_wave_runs(sandbox: Any, operator: Operator) -> None:
    operator.load(estate())
    operator.readiness()
    me = sandbox.client("sts").get_caller_identity()["Arn"]
    sandbox.clock.tick = 0
    started = operator.start("failover", **ASKED)
    name = started.until(r"execution (dr-\S+) started")[1]
    held(sandbox, started, 1)
    asked = {"execution_id": name}
    seen, *_skipped, paused, foreign = together(
        operator.start("status", **asked),
        operator.start("skip", **asked, resource=STOREFRONT, reason="it is repaired by hand"),
        operator.start("skip", **asked, resource=BASKET, reason="a mistake"),
        operator.start("pause", **asked, reason="the network team looks", timeout_minutes=45),
        operator.start("approve", **asked, token="guessed", decision="approve"),
    )
    (status,) = executions(seen.ok())
    assert (status["status"], status["interrupted"], status["current_phase"]) == ("RUNNING", False, "activate")
    assert "45 minutes later people are alerted" in unfolded(paused.ok().out)
    foreign.refused(f"the token is not one of execution {name}")
    back = operator.run("skip", **asked, resource=BASKET, undo=True, reason="it was one").ok()
    assert f"{BASKET} is not skipped any more" in unfolded(back.out)
    assert operator.status(name)["status"] == "RUNNING", "its wave is not over"

    sandbox.clock.tick = TICK_SECONDS
    resume = f"ansible-playbook dr.aws.failover -e execution_id={name}"
    why = f"is PAUSED before activate, wave 2: pause requested by {me}"
    ended = started.end().refused(why, ": the network team looks", f"Next: {resume}")
    assert re.search(r"^  activate \d of 2 · ", ended.out, re.MULTILINE), "what is under way was said"
    assert not {"\r", "\x1b", "\b"} & set(ended.out), "without a terminal nothing is drawn anew, and nothing is coloured"
    assert tasks(sandbox, WEST) == FIRST, "the wave was finished, the next did not begin"
    status = operator.status(name)
    assert (status["status"], status["resume"], status["interrupted"]) == ("PAUSED", resume, False)
    assert why in status["reason"]
    assert status["counts"]["activate"] == {"done": 2}
    (gate,) = status["approvals"]
    checks = gate["detail"]["checklist"]
    assert (gate["gate"], gate["state"], gate["plan_sha256"]) == ("pause-0001", "pending", status["plan_sha256"])
    assert {(one["resource"], one["serves_in"]) for one in checks["ended"]["resources"]} >= {(ORDERS, WEST)}
    assert (checks["open"], checks["next"]["wave"], len(checks["next"]["resources"])) == ([], 2, 3)
    (message,) = [
        call["params"]["Message"]
        for call in sandbox.calls(service="sns", operation="Publish")
        if "PAUSED" in call["params"]["Subject"]
    ]
    approve = line_of(ended.out, "approve")
    for told in (
        approve,
        line_of(ended.out, "reject"),
        resume,
        f"[ ] {ORDERS} serves in {WEST}",
        "next is activate, wave 2",
        gate["timeout_at"],
    ):
        assert told in message
        assert told in ended.out

    assert f"pause-0001 is approved; next: {resume}" in typed(operator, approve)
    assert operator.status(name)["status"] == "PAUSED", "an approval resumes nothing"
    sandbox.clock.tick = 0
    resumed = operator.start("failover", **asked)
    resumed.until(r"goes on; it was PAUSED; next is activate, wave 2: 3 resources")
    held(sandbox, resumed, 2)
    token = approve.partition("token=")[2].partition(" ")[0]
    late = operator.run("approve", **asked, token=token, decision="reject", comment="it is too early")
    late.refused(f"the approval of pause-0001 is approved already by {me}")
    assert operator.status(name)["status"] == "RUNNING", "a wave that runs is not rejected"
    operator.run("cancel", **asked, reason="us-east-1 is back").ok()
    sandbox.clock.tick = TICK_SECONDS
    ended = resumed.end().refused("is CANCELLED before activate, wave 3: cancel requested by", ": us-east-1 is back")
    assert f"skipped   {STOREFRONT}: skip requested by {me}" in ended.out
    assert "approval needed" not in ended.out
    assert tasks(sandbox, WEST) == {**FULL, "storefront": 0}
    assert names(sandbox) == pointing(EAST)
    status = operator.status(name)
    assert (status["status"], status["resume"]) == ("CANCELLED", None)
    assert [(one["resource"], one["phase"]) for one in status["skipped"]] == [(STOREFRONT, "activate")]
    assert status["counts"]["activate"] == {"done": 4, "skipped": 1}
    assert [(one["verb"], one["resource"], one["state"]) for one in status["requests"]] == [
        ("cancel", "", "taken"),
        ("pause", "", "taken"),
        ("skip", BASKET, "withdrawn"),
        ("skip", STOREFRONT, "standing"),
    ]
    assert sorted(events(status, *(f"execution_{verb}_{what}" for verb in VERBS for what in ("requested", "withdrawn")))) == [
        ("execution_cancel_requested", me, "us-east-1 is back"),
        ("execution_pause_requested", me, "the network team looks"),
        ("execution_skip_requested", me, "a mistake"),
        ("execution_skip_requested", me, "it is repaired by hand"),
        ("execution_skip_withdrawn", me, "it was one"),
    ]
    states = ("execution_paused", "approval_refused", "approval_approved", "execution_resumed", "execution_cancelled")
    assert [event for event, _actor, _reason in events(status, *states)] == [
        "approval_refused",
        "execution_paused",
        "approval_approved",
        "execution_resumed",
        "approval_refused",
        "execution_cancelled",
    ]
    refused = [one for one in status["timeline"] if one["event"] == "approval_refused"]
    assert [(one["actor"], one["detail"]["decision"], one["detail"]["comment"]) for one in refused] == [
        (me, "approve", ""),
        (me, "reject", "it is too early"),
    ]
    assert whole(sandbox, name) == []
    operator.run("failover", **asked).refused(f"execution {name} is CANCELLED and cannot be resumed")


def test_a_planned_failover_loses_its_source_and_two_people_switch_it(sandbox: Any, operator: Operator) -> None:
    """Nothing else may be given differently; the plan's earlier approvals count no more; whoever paused is asked as well.

    The controller is killed while it waits for the end of the pause: the status says so, and who resumes is asked again.
    """
    world = estate()
    world["accounts"][0]["roles"] = [{"name": "dr-operator"}]
    operator.load(world)
    operator.readiness()
    people = {}
    for person in ("ann", "bob"):
        given = sandbox.client("sts").assume_role(RoleArn=f"arn:aws:iam::{MANAGEMENT}:role/dr-operator", RoleSessionName=person)
        keys = given["Credentials"]
        people[person] = {
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"],
        }
    sandbox.clock.tick = 0
    started = operator.start(
        "failover", **SCOPE, mode="planned", approval_mode="automatic", approvals_needed=2, phases="activate,cleanup"
    )
    name = started.until(r"execution (dr-\S+) started")[1]
    held(sandbox, started, 1)
    operator.run("pause", execution_id=name, reason="its source trembles").ok()
    sandbox.clock.tick = TICK_SECONDS
    started.end().refused("is PAUSED before activate, wave 2")
    before = operator.status(name)

    sandbox.dark(EAST)
    asked = {"execution_id": name, "mode": "unplanned"}
    fixed = operator.run("failover", "--flush-cache", **asked, parallelism=3, waves="1")
    fixed.refused("cannot be resumed with", "waves=1 (it has all)", "parallelism=3 (it has 10)", "leave it out")
    resumed = operator.start("failover", **asked)
    resumed.until("approval needed before the switch to unplanned: data that has not reached")
    approve = resumed.until(r"^\s+(ansible-playbook dr\.aws\.approve .*decision=approve)$")[1]
    assert "approved by 1 of 2; 1 more must approve" in typed(operator, approve, **people["ann"])
    assert operator.status(name)["mode"] == "planned", "one of two is not enough"
    assert "switch-to-unplanned is approved" in typed(operator, approve, **people["bob"])
    resumed.until("is unplanned from here on")
    waits = "approval needed before it goes on with activate of wave 2 after pause-0001"
    resumed.until(waits)
    os.killpg(resumed.pid, signal.SIGKILL)
    assert resumed.end().rc < 0
    found = operator.status(name)
    resume = f"ansible-playbook dr.aws.failover -e execution_id={name}"
    assert (found["status"], found["interrupted"], found["resume"]) == ("RUNNING", True, resume)
    assert [one["state"] for one in found["approvals"]] == ["timed_out", "pending", "approved"]
    assert whole(sandbox, name) == []
    resumed = operator.start("failover", execution_id=name)
    resumed.until(waits)
    approve = resumed.until(r"^\s+(ansible-playbook dr\.aws\.approve .*decision=approve)$")[1]
    for person in people.values():
        typed(operator, approve, **person)
    resumed.end().ok()
    assert (tasks(sandbox, WEST), names(sandbox)) == (FULL, pointing(WEST))
    status = operator.status(name)
    assert (status["status"], status["mode"], status["failed_resources"]) == ("COMPLETED", "unplanned", [])
    assert {one["phase"] for one in status["deferred"]} == {"cleanup"}
    assert status["plan_sha256"] != before["plan_sha256"]
    both = ", ".join(f"arn:aws:sts::{MANAGEMENT}:assumed-role/dr-operator/{person}" for person in people)
    assert status["earlier_plans"] == [{"sha256": before["plan_sha256"], "mode": "planned", "approver": both}]
    assert [(one["gate"], one["state"], one["approver"]) for one in status["approvals"]] == [
        ("pause-0001", "timed_out", None),
        ("pause-0001", "timed_out", None),
        ("pause-0001", "approved", both),
        ("switch-to-unplanned", "approved", both),
    ]
    (switched,) = [one["detail"] for one in status["timeline"] if one["event"] == "execution_switched"]
    assert (switched["before_sha256"], switched["plan_sha256"]) == (before["plan_sha256"], status["plan_sha256"])
    assert whole(sandbox, name) == []
