# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 of the whole run in the middle of a wave, then resume: the end of an undisturbed run, and nothing done twice."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from playbook import EAST, FULL, SCOPE, WEST, Operator, estate, executions, names, pointing, tasks


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_in_the_middle_of_a_wave_and_resumed(sandbox: Any, operator: Operator, when: str) -> None:
    """Wave 2 has three services; the run dies at the first or second call that starts one, before or after it is carried out."""
    operator.load(estate())
    operator.readiness()
    sandbox.dark(EAST)
    started = operator.start("failover", **SCOPE, mode="unplanned", approval_mode="automatic")
    sandbox.fault(
        match={"service": "ecs", "operation": "UpdateService"}, effect="kill", pid=started.pid, group=True, kth=4, when=when
    )
    killed = started.end()
    assert killed.rc < 0, killed.out
    assert names(sandbox) == pointing(EAST), "the wave after it did not begin"

    (listed,) = executions(operator.run("status", customer="acme", environment="production").ok())
    assert (listed["execution_id"], listed["status"]) == (killed.execution_id, "RUNNING")
    found = operator.status(killed.execution_id)
    assert (found["status"], found["interrupted"]) == ("RUNNING", True)
    assert (found["current_phase"], found["current_wave"]) == ("activate", 2)
    assert found["resume"] == f"ansible-playbook dr.aws.failover -e execution_id={killed.execution_id}"
    assert (found["resource_count"], found["failed_resources"]) == (8, [])
    assert 0 < found["progress_percentage"] < 100
    assert found["estimated_completion_time"]

    resumed = operator.run("failover", execution_id=killed.execution_id).ok()
    assert f"execution {killed.execution_id} goes on; it was RUNNING" in resumed.out
    assert tasks(sandbox, WEST) == FULL
    assert names(sandbox) == pointing(WEST)
    status = operator.status(killed.execution_id)
    assert (status["status"], status["interrupted"], status["failed_resources"]) == ("COMPLETED", False, [])
    done = [call for call in operator.mutations() if call["outcome"] == "ok"]
    repeated = Counter((call["account"], call["region"], call["operation"], repr(call["params"])) for call in done)
    assert {one: number for one, number in repeated.items() if number > 1} == {}
    assert sum(call["operation"] == "UpdateService" for call in done) == len(FULL)
