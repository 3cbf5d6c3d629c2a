# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 of the whole run in the middle of a wave, then resume: the end of an undisturbed run, and nothing done twice."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from playbook import EAST, FULL, SCOPE, WEST, Operator, database, estate, executions, names, pointing, tasks

#: (the fault that kills the run, the wave it dies in). The fourth service that starts is one of three in wave 2. One call at a
#: time, so that none other is on its way when the run dies.
CASES: tuple[tuple[dict[str, Any], int], ...] = (
    ({"match": {"operation": "UpdateService"}, "kth": 4, "when": "before"}, 2),
    ({"match": {"operation": "PromoteReadReplica"}, "kth": 1, "when": "after"}, 1),
)


@pytest.mark.parametrize(("fault", "wave"), CASES, ids=["before-a-start", "after-a-promotion"])
def test_killed_in_the_middle_of_a_wave_and_resumed(sandbox: Any, operator: Operator, fault: dict[str, Any], wave: int) -> None:
    """The run dies with a call that AWS carried out or not; nobody saw its answer."""
    operator.load(estate(database=True))
    operator.readiness()
    sandbox.dark(EAST)
    started = operator.start("failover", **SCOPE, mode="unplanned", approval_mode="automatic", parallelism=1)
    sandbox.fault(**fault, effect="kill", pid=started.pid, group=True)
    killed = started.end()
    assert killed.rc < 0, killed.out
    assert names(sandbox) == pointing(EAST), "the wave after it did not begin"

    (listed,) = executions(operator.run("status", customer="acme", environment="production").ok())
    assert (listed["execution_id"], listed["status"]) == (killed.execution_id, "RUNNING")
    found = operator.status(killed.execution_id)
    assert (found["status"], found["interrupted"]) == ("RUNNING", True)
    assert (found["current_phase"], found["current_wave"]) == ("activate", wave)
    assert found["resume"] == f"ansible-playbook dr.aws.failover -e execution_id={killed.execution_id}"
    assert (found["resource_count"], found["failed_resources"]) == (9, [])
    assert 0 < found["progress_percentage"] < 100
    assert found["estimated_completion_time"]

    resumed = operator.run("failover", execution_id=killed.execution_id).ok()
    assert f"execution {killed.execution_id} goes on; it was RUNNING" in resumed.out
    assert (tasks(sandbox, WEST), database(sandbox, WEST)) == (FULL, "serves")
    assert names(sandbox) == pointing(WEST)
    status = operator.status(killed.execution_id)
    assert (status["status"], status["interrupted"], status["failed_resources"]) == ("COMPLETED", False, [])
    carried = {"ok", "fault:no answer"} if fault["when"] == "after" else {"ok"}
    done = [call for call in operator.mutations() if call["outcome"] in carried and call["region"] != EAST]
    repeated = Counter((call["account"], call["region"], call["operation"], repr(call["params"])) for call in done)
    assert {one: number for one, number in repeated.items() if number > 1} == {}
    operations = Counter(call["operation"] for call in done)
    assert (operations["UpdateService"], operations["PromoteReadReplica"]) == (len(FULL), 1)
