# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job with the source region gone, and its return: playbooks in processes of their own, end states by plain boto3."""

from __future__ import annotations

import re
from typing import Any

from playbook import (
    DATABASE,
    EAST,
    FULL,
    NONE,
    SCOPE,
    SERVICES,
    WEST,
    Operator,
    database,
    estate,
    key_of,
    names,
    pointing,
    repair,
    tasks,
    unfolded,
)

WHO = tuple((account, cluster, name) for account, cluster, name, _wave, _tasks in SERVICES)


def first_calls(out: str) -> dict[str, str]:
    """Resource -> what check mode said it would call, and where."""
    lines = [line.strip() for line in out.splitlines() if ": would call " in line]
    return {line.partition(": would call ")[0]: line.partition(": would call ")[2] for line in lines}


def test_the_source_region_is_lost_and_returns(sandbox: Any, operator: Operator) -> None:
    """Readiness, check mode, failover, check mode, failover again; then the region answers and what was deferred is done."""
    operator.load(estate(database=True))
    operator.readiness()
    assert operator.mutations() == [], "readiness only looks"
    sandbox.dark(EAST)

    checked = operator.failover("--check").ok()
    said = first_calls(checked.out)
    for who in WHO:
        assert f"in {WEST}, account {who[0]}:" in said[key_of(*who)]
    assert sum("route53 change_resource_record_sets" in one for one in said.values()) == len(pointing(EAST))
    assert "check mode: nothing was changed, nothing was stored" in checked.out
    assert operator.mutations() == []
    assert (tasks(sandbox, WEST), database(sandbox, WEST)) == (NONE, "replica")

    refused = operator.failover(mode="planned").refused("which region serves cannot be told", "-e mode=unplanned")
    assert refused.changed == 0
    there = operator.failover().ok()
    assert there.changed > 0
    assert tasks(sandbox, WEST) == FULL, "at the capacity that readiness captured"
    assert (names(sandbox), database(sandbox, WEST)) == (pointing(WEST), "serves")
    assert {call["region"] for call in operator.mutations()} == {WEST, "global"}
    status = operator.status(there.execution_id)
    assert (status["status"], status["progress_percentage"], status["failed_resources"]) == ("COMPLETED", 100, [])
    kept = {DATABASE, *(key_of(*who) for who in WHO)}
    assert {(one["phase"], one["resource"]) for one in status["deferred"]} == {
        (phase, one) for phase in ("cleanup", "replicate") for one in kept
    }
    assert {debt["resource"] for debt in status["debts"]} == kept
    for words in ("deferred: cleanup, replicate of 6 resources", "dr.aws.reprotect -e customer=acme", "fence debt: "):
        assert words in unfolded(there.out)

    mark = operator.mark()
    again = operator.failover().ok()
    assert again.changed == 0
    assert again.execution_id != there.execution_id
    checked = operator.failover("--check").ok()
    assert (checked.changed, first_calls(checked.out)) == (0, {})
    assert operator.mutations(mark) == []
    assert {debt["resource"] for debt in operator.status(again.execution_id)["debts"]} == kept

    sandbox.clear_faults()
    after = operator.run("reprotect", **SCOPE).ok()
    assert (tasks(sandbox, EAST), tasks(sandbox, WEST)) == (NONE, FULL)
    assert (names(sandbox), database(sandbox, EAST), database(sandbox, WEST)) == (pointing(WEST), "replica", "serves")
    status = operator.status(after.execution_id)
    assert (status["status"], status["deferred"], status["debts"]) == ("COMPLETED", [], [])
    assert status["counts"] == {"cleanup": {"done": 6}, "replicate": {"done": 6}}


def test_what_it_owes_itself_is_settled_before_it_is_resumed(sandbox: Any, operator: Operator) -> None:
    """Stopped in wave 2; then the source is back, alive and writable: it is fenced before anything else of the resume happens."""
    operator.load(estate(database=True, basket={"peer": {"tasks": "fail"}}))
    operator.readiness()
    sandbox.dark(EAST)
    stopped = operator.failover().refused("1 of 3 resources stop the run")
    name, owing = stopped.execution_id, {DATABASE, *(key_of(*who) for who in WHO)}
    assert {debt["resource"] for debt in operator.status(name)["debts"]} == owing

    sandbox.clear_faults()
    assert (database(sandbox, EAST), tasks(sandbox, EAST)) == ("serves", FULL), "two sides take writes"
    repair(sandbox, "basket")  # its tasks run on both sides as well now
    mark = operator.mark()
    resumed = operator.run("failover", execution_id=name).ok()
    said = unfolded(resumed.out)
    named = re.search(r"^fence debts are settled before anything else: (.*)$", resumed.out, re.MULTILINE)
    assert named and set(named[1].split(", ")) == owing
    assert said.index("cleanup, wave 2: 3 resources") < said.index("activate, wave 2: 3 resources")
    calls = operator.mutations(mark)
    went_on = next(number for number, call in enumerate(calls) if call["region"] != EAST)
    fenced = repr([call["params"] for call in calls[:went_on]])
    assert all(f"'{one}'" in fenced for one in ("orders-db", *FULL)), "each of them, before anything else"
    assert (tasks(sandbox, EAST), tasks(sandbox, WEST), names(sandbox)) == (NONE, FULL, pointing(WEST))
    assert (database(sandbox, EAST), database(sandbox, WEST)) == ("replica", "serves")
    status = operator.status(name)
    assert (status["status"], status["debts"], status["deferred"]) == ("COMPLETED", [], [])
    (told,) = [one["detail"] for one in status["timeline"] if one["event"] == "execution_resumed"]
    assert set(told["settles"]) == owing
