# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drills of servers under Elastic Disaster Recovery: where they run, what they refuse, and what a killed one leaves behind."""

from __future__ import annotations

from typing import Any

import pytest
from flow import Crash, Dying, Flow
from test_drs import ACCOUNT, REASON, ROLES, WEST, World, done, pair, seed

from ansible_collections.dr.aws.plugins.module_utils.drills import drill
from ansible_collections.dr.aws.plugins.module_utils.drills.base import OF_TAG
from ansible_collections.dr.aws.plugins.module_utils.engine import Engine
from ansible_collections.dr.aws.plugins.module_utils.model import Goal
from ansible_collections.dr.aws.plugins.module_utils.store import MemoryJournal

DRILL = {"drill_id": "quarterly"}


class Drilled(World):
    """One protected server, a drill room beside it, and the flow of a drill."""

    def __init__(self, sandbox: Any, **spec: Any) -> None:
        super().__init__(sandbox, **spec)
        self.room = sandbox.seed(kind="drill_room", account=ACCOUNT, region=WEST)
        self.drill = Flow(sandbox, [pair("db", self.made["id"], settings=DRILL)], ROLES, reconciler=drill)

    def template(self, ident: str = "") -> list[tuple[int, bool]]:
        """Versions of a server's launch template, and which is the default."""
        config = self.drs(WEST).get_launch_configuration(sourceServerID=ident or self.made["id"])
        named = {"LaunchTemplateId": config["ec2LaunchTemplateID"]}
        rows = self.ec2(WEST).describe_launch_template_versions(**named)["LaunchTemplateVersions"]
        return [(row["VersionNumber"], row["DefaultVersion"]) for row in rows]

    def killed_after(self, calls: int) -> None:
        """Phase instantiate of the drill, whose process dies after so many calls and is not resumed."""
        journal, (one,) = MemoryJournal(), self.drill.pairs
        for _number in range(calls):
            engine = Engine(Dying(self.drill.cloud), journal, clock=self.drill.clock, adapter=drill)
            with pytest.raises(Crash):
                engine.run("instantiate", [Goal(one, execution_id="dr-test")])


def test_a_drill_runs_in_the_room_and_production_launches_where_it_did(sandbox: Any) -> None:
    world = Drilled(sandbox, launch={"disposition": "STOPPED"})
    made = done(world.drill.one("instantiate"))
    assert world.template() == [(1, True), (2, False)], "production's version is the default as soon as the launch has ended"
    outputs = done(world.drill.one("activate")).outputs
    recovery = world.recovery()
    assert (recovery["isDrill"], recovery["state"], outputs["copy"]) == (True, "running", made.outputs["copy"])
    assert recovery["VpcId"] == world.room["vpc"]
    assert [one["GroupId"] for card in recovery["NetworkInterfaces"] for one in card["Groups"]] == [world.room["group"]]
    assert (recovery["tags"][OF_TAG], recovery["tags"]["AWSElasticDisasterRecoverySourceServerID"]) == ("db", world.made["id"])
    assert outputs["data_from"]
    done(world.drill.one("cleanup"))
    assert world.template() == [(1, True)]
    assert world.drs(WEST).describe_recovery_instances()["items"] == []
    assert world.instance(WEST, recovery["InstanceId"])["state"] == "terminated"


@pytest.mark.parametrize("calls", [2, 3])
def test_a_failover_launches_in_productions_network_after_a_drill_was_killed(sandbox: Any, calls: int) -> None:
    world = Drilled(sandbox)
    world.killed_after(calls)
    assert world.template() == [(1, False), (2, True)], "the drill's version is the default"
    result = done(world.flow.one("instantiate", "unplanned"))
    assert [call["operation"] for call in result.calls] == [
        "modify_launch_template",
        "update_launch_configuration",
        "start_recovery",
    ]
    assert world.template()[0] == (1, True)
    recovery = world.recovery()
    assert (recovery["isDrill"], recovery["VpcId"] == world.room["vpc"]) == (False, False)
    refused = world.drill.one("instantiate")
    assert (refused.status, refused.calls) == ("blocked", ()), refused
    done(world.drill.one("cleanup"))
    assert (world.template(), world.recovery()["isDrill"]) == ([(1, True)], False), "cleanup leaves what serves alone"


def test_what_is_launched_again_goes_into_productions_network_too(sandbox: Any) -> None:
    world = Drilled(sandbox)
    done(world.flow.one("instantiate"))
    world.left_by_a_drill()
    result = done(world.flow.one("activate"))
    assert [call["operation"] for call in result.calls][:3] == ["stop_instances", "modify_launch_template", "start_recovery"]
    assert world.template()[0] == (1, True)


def test_a_drill_over_something_that_was_launched_is_refused(sandbox: Any) -> None:
    world = Drilled(sandbox)
    world.failover()
    before = len(world.drill.mutations())
    result = world.drill.one("instantiate")
    assert (result.status, "DRS would remove it with the next launch" in result.why) == ("blocked", True), result
    done(world.drill.one("cleanup"))
    assert len(world.drill.mutations()) == before
    assert world.recovery()["state"] == "running"


def test_a_launch_that_fails_says_why_and_gives_the_template_back(sandbox: Any) -> None:
    world = Drilled(sandbox, launch={"error": REASON})
    result = world.drill.one("instantiate")
    assert (result.status, REASON in result.why) == ("blocked", True), result
    assert world.template() == [(1, True), (2, False)]
    done(world.drill.one("cleanup"))
    assert world.template() == [(1, True)]


def test_servers_of_a_drill_are_launched_by_one_job_and_removed_by_one(sandbox: Any) -> None:
    world = Drilled(sandbox)
    servers = [world.made["id"], *(seed(sandbox, name)["id"] for name in ("web", "files"))]
    pairs = [pair(name, ident, settings=DRILL) for name, ident in zip(("db", "web", "files"), servers, strict=True)]
    world.drill = Flow(sandbox, pairs, ROLES, reconciler=drill)
    for phase in ("instantiate", "activate", "cleanup"):
        for result in world.drill.run(phase).values():
            done(result)
    jobs = [row["operation"] for row in world.drill.mutations() if row["service"] == "drs" and row["outcome"] == "ok"]
    assert jobs == ["StartRecovery", "TerminateRecoveryInstances"]
    assert [world.template(ident) for ident in servers] == [[(1, True)]] * 3
