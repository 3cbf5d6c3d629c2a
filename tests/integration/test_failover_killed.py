# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 of the controller at every stage of one execution: the status tells the truth, resuming works, the trail is whole."""

from __future__ import annotations

import os
import signal
from collections import Counter
from typing import Any

from playbook import BUCKET, FULL, NONE, SCOPE, TABLE, WEST, Operator, Ran, estate, names, pointing, tasks

from ansible_collections.dr.aws.plugins.module_utils.store import Store

#: A worker outlives its controller for a moment: it gets no answer meanwhile, so that it does not send the call again.
KILL = {"effect": "kill", "group": True, "seconds": 30}
ASKED = {**SCOPE, "mode": "unplanned", "phases": "activate", "parallelism": 1}


def status_of(sandbox: Any, name: str) -> dict[str, Any]:
    """What status.yml prints, without its process."""
    return Store(sandbox.client("dynamodb"), sandbox.client("s3"), TABLE, BUCKET).status(name)


def killed(sandbox: Any, operator: Operator, fault: dict[str, Any], **variables: Any) -> Ran:
    """A failover that dies with a call."""
    started = operator.start("failover", **variables)
    number = sandbox.fault(**fault, **KILL, pid=started.pid)
    ran = started.end()
    assert ran.rc < 0, ran.out
    sandbox.gateway.faults.remove(number)
    return ran


def test_the_controller_is_killed_at_every_stage(sandbox: Any, operator: Operator) -> None:
    operator.load(estate())
    operator.readiness()
    store = Store(sandbox.client("dynamodb"), sandbox.client("s3"), TABLE, BUCKET)

    def listed() -> list[str]:
        return [one["execution_id"] for one in store.executions(customer="acme", environment="production")]

    lock = {"operation": "UpdateItem", "params": "*lease_until*"}
    running = {"operation": "UpdateItem", "params": '*"S": "RUNNING"*'}
    killed(sandbox, operator, {"match": lock, "kth": 1, "when": "before"}, **ASKED)  # it would have been its first change
    killed(sandbox, operator, {"match": lock, "kth": 1, "when": "after"}, **ASKED)  # it has the lock, its plan is not stored
    assert listed() == [], "what was never recorded is no execution"
    killed(sandbox, operator, {"match": running, "kth": 1, "when": "before"}, **ASKED)  # the lock of the dead was taken over
    (name,) = listed()
    assert [one["event_type"] for one in store.audit(name)] == ["execution_started", "resources_discovered"]
    resume = f"ansible-playbook dr.aws.failover -e execution_id={name}"
    found = status_of(sandbox, name)
    assert (found["status"], found["interrupted"], found["resume"]) == ("PENDING", True, resume)

    waiting = operator.start("failover", execution_id=name)
    waiting.until(r"goes on; it was PENDING; next is activate, wave 1: 2 resources")
    lost = waiting.until(r"-e token=(\S+) -e decision=approve$")[1]
    assert not status_of(sandbox, name)["interrupted"]
    os.killpg(waiting.pid, signal.SIGKILL)
    assert waiting.end().rc < 0
    found = operator.status(name)
    assert (found["status"], found["interrupted"], found["resume"]) == ("RUNNING", True, resume)
    assert [one["state"] for one in found["approvals"]] == ["pending"]
    assert operator.mutations() == []

    asks = operator.start("failover", execution_id=name)
    token = asks.until(r"-e token=(\S+) -e decision=approve$")[1]
    operator.run("approve", execution_id=name, token=lost, decision="approve").refused("is timed_out already")
    sandbox.fault(match={"operation": "UpdateService"}, kth=1, when="after", **KILL, pid=asks.pid)
    operator.run("approve", execution_id=name, token=token, decision="approve").ok()
    ran = asks.end()
    assert ran.rc < 0, ran.out
    found = status_of(sandbox, name)
    assert (found["interrupted"], found["current_phase"], found["current_wave"]) == (True, "activate", 1)

    told = {"operation": "Publish", "params": "*wave completed*"}
    killed(sandbox, operator, {"match": told, "kth": 1, "when": "after"}, execution_id=name)  # between two waves
    found = status_of(sandbox, name)
    assert (found["interrupted"], found["counts"]["activate"]) == (True, {"done": 2})
    assert tasks(sandbox, WEST) == {**NONE, "ledger": FULL["ledger"], "orders": FULL["orders"]}

    ended = {"operation": "TransactWriteItems", "params": '*"S": "COMPLETED"*'}
    killed(sandbox, operator, {"match": ended, "kth": 1, "when": "after"}, execution_id=name)  # nobody was told, it has the lock
    found = status_of(sandbox, name)
    assert (found["status"], found["interrupted"], found["resume"], found["runner"]) == ("COMPLETED", False, None, None)
    assert store.audit(name)[-1]["event_type"] == "execution_completed", "the state and its entry are one"
    assert (tasks(sandbox, WEST), names(sandbox)) == (FULL, pointing(WEST))
    calls = Counter((call["operation"], repr(call["params"])) for call in operator.mutations() if call["region"] != "us-east-1")
    assert {call: number for call, number in calls.items() if number > 1 and call[0] == "UpdateService"} == {}

    assert operator.run("failover", **ASKED).ok().changed == 0, "its lock is not waited for either"
    operator.readiness()  # writes the evidence that the dead run could not
    audit = operator.run("audit", execution_id=name).ok()
    assert f"audit chain verified: {name}" in audit.out
