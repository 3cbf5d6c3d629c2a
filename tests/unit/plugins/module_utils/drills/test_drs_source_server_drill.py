# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions of the DRS drill as a table: a row is a sentence. And what its guard lets through."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.drills.base import drill_id, name, tags
from ansible_collections.dr.aws.plugins.module_utils.drills.drs_seen import Seen
from ansible_collections.dr.aws.plugins.module_utils.drills.drs_source_server import DrsSourceServerDrill
from ansible_collections.dr.aws.plugins.module_utils.drills.launch import Machine, isolated
from ansible_collections.dr.aws.plugins.module_utils.drills.room import Room
from ansible_collections.dr.aws.plugins.module_utils.model import UNREACHABLE, Blocked, Call, Done, Goal, Pair, Step, Wait
from ansible_collections.dr.aws.plugins.module_utils.parts import drs_state as state
from ansible_collections.dr.aws.plugins.module_utils.parts.drs_template import BEFORE_TAG, Version

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "111111111111"
PAIR = Pair("db", "drs", ACCOUNT, EAST, WEST, "s-1", "s-1", settings={"drill_id": "quarterly"})
GOAL = Goal(PAIR)
ACCEPTED = Goal(replace(PAIR, settings={"drill_id": "quarterly", "drill": {"post_launch": True, "copy_tags": True}}))
ROOM = Room(("vpc-drill",), ("subnet-1",), ("sg-drill",))
SERVER = state.Server("s-1", "FAILOVER", "CONTINUOUS", "i-1", "db", lag_seconds=0.0)
CONFIG = {"ec2LaunchTemplateID": "lt-1", "launchDisposition": "STOPPED", "copyTags": False, "postLaunchEnabled": False}
DATA = {"InstanceType": "m5.large", "NetworkInterfaces": [{"DeviceIndex": 0, "SubnetId": "subnet-app", "Groups": ["sg-app"]}]}
MANAGED = {"AWSElasticDisasterRecoveryManaged": "drs.amazonaws.com", "Service": "db"}


def production(number: int, default: bool = True) -> Version:
    return Version("lt-1", number, default, DATA, MANAGED)


def made(number: int, before: int, default: bool = False, labels: Any = None, here: Room = ROOM) -> Version:
    """A version that a drill made."""
    labels = {**(tags(PAIR) if labels is None else labels), BEFORE_TAG: str(before)}
    return Version("lt-1", number, default, isolated(DATA, here, PAIR, here.subnets[0]), labels)


def launched(instance: str = "stopped", checks: str = "unknown", groups: Any = ("sg-drill",), **more: Any) -> state.Recovery:
    machine = state.Machine("i-9", instance, checks=checks, private_ip="10.99.0.9", security_groups=groups)
    known: dict[str, Any] = {"drill": True, "machine": machine, "point_in_time": datetime(2026, 11, 28, 3, tzinfo=UTC)}
    return state.Recovery("i-9", "i-9", "job-1", **{**known, **more})


def seen(*versions: Version, **more: Any) -> Seen:
    known: dict[str, Any] = {"room": ROOM, "server": SERVER, "config": CONFIG, "vpcs": ["vpc-app"]}
    return Seen(**{**known, "versions": versions or (production(3),), **more})


HELD = (production(3, False), made(4, 3, default=True))
PLAIN = (production(3), made(4, 3))
ELSEWHERE = Room(("vpc-old",), ("subnet-old",), ("sg-old",))
LIVE, OTHER = state.Recovery("i-5", "i-5", "job-0"), state.Recovery("i-6", "i-6", "job-0", drill=True)
INTO = {**CONFIG, "launchIntoInstanceProperties": {"launchIntoEC2InstanceID": "i-7"}}
BUSY, OPEN = "LAUNCH job-1 is STARTED", "LAUNCH job-1 is STARTED"
RESTORE = "modify_launch_template & 'DefaultVersion': '3'"
TABLE: list[tuple[str, str, Seen, Goal, type, str]] = [
    ("first a version for the room", "instantiate", seen(), GOAL, Call, "create_launch_template_version & subnet-1 & sg-drill"),
    (
        "that says which was the default",
        "instantiate",
        seen(),
        GOAL,
        Call,
        "version 3 was the default & 'Key': 'dr:default-version'",
    ),
    ("and keeps the tags of DRS", "instantiate", seen(), GOAL, Call, "AWSElasticDisasterRecoveryManaged"),
    ("then it is the default", "instantiate", seen(*PLAIN), GOAL, Call, "modify_launch_template & 'DefaultVersion': '4'"),
    ("a default that moved on needs another", "instantiate", seen(made(4, 3), production(5)), GOAL, Call, "version 5 was the"),
    ("then the launch", "instantiate", seen(*HELD), GOAL, Call, "start_recovery & 'isDrill': True & 'dr:drill-id': 'quarterly'"),
    ("which is waited for", "instantiate", seen(*HELD, busy=BUSY), GOAL, Wait, "job-1 is STARTED"),
    ("an instance that is not seen yet too", "instantiate", seen(*HELD, job=OPEN), GOAL, Wait, "job-1 is STARTED"),
    ("then production's is the default", "instantiate", seen(*HELD, copy=launched()), GOAL, Call, RESTORE),
    ("it stands", "instantiate", seen(*PLAIN, copy=launched()), GOAL, Done, "'copy': 'i-9'"),
    ("a launch that failed gives it back", "instantiate", seen(*HELD, failed="no subnet"), GOAL, Call, RESTORE),
    ("and says why", "instantiate", seen(*PLAIN, failed="no subnet"), GOAL, Blocked, "no subnet & run phase cleanup"),
    ("what was launched would be removed", "instantiate", seen(others=(LIVE,)), GOAL, Blocked, "recovery instance i-5 & DRS would"),
    ("another drill's too", "instantiate", seen(others=(OTHER,)), GOAL, Blocked, "drill instance i-6 & terminate-recovery-inst"),
    ("a refusal gives it back first", "instantiate", seen(*HELD, others=(LIVE,)), GOAL, Call, RESTORE),
    ("so does a room that nobody tells of", "instantiate", seen(*HELD, room=UNREACHABLE), GOAL, Call, RESTORE),
    (
        "nothing to launch from",
        "instantiate",
        seen(server=replace(SERVER, state="INITIAL_SYNC")),
        GOAL,
        Blocked,
        "no point in time",
    ),
    ("replication has ended", "instantiate", seen(server=replace(SERVER, state="STOPPED")), GOAL, Blocked, "start replication"),
    ("an instance to launch into", "instantiate", seen(config=INTO), GOAL, Blocked, "replace the disks of that instance"),
    ("launch actions", "instantiate", seen(config={**CONFIG, "postLaunchEnabled": True}), GOAL, Blocked, "drill.post_launch"),
    ("copied tags", "instantiate", seen(config={**CONFIG, "copyTags": True}), GOAL, Blocked, "set `drill.copy_tags: true`"),
    ("which may be accepted", "instantiate", seen(config={**CONFIG, "copyTags": True}), ACCEPTED, Call, "create_launch_template"),
    (
        "no launch template",
        "instantiate",
        replace(seen(), versions=()),
        GOAL,
        Blocked,
        "launch template lt-1 of s-1 does not exist",
    ),
    ("no room", "instantiate", seen(room=None), GOAL, Blocked, "nothing is tagged dr:drill-room"),
    ("production's network", "instantiate", seen(vpcs=["vpc-drill"]), GOAL, Blocked, "has its place in it"),
    ("a version for another room", "instantiate", seen(production(3), made(4, 3, here=ELSEWHERE)), GOAL, Call, "create_launch"),
    ("is given back", "instantiate", seen(production(3, False), made(4, 3, True, here=ELSEWHERE)), GOAL, Call, RESTORE),
    ("another drill's is given back", "instantiate", seen(production(3, False), made(4, 3, True, labels={})), GOAL, Call, RESTORE),
    ("the launch settings fell silent", "instantiate", seen(config=None), GOAL, Blocked, "us-west-2"),
    ("the target region is dark", "instantiate", seen(server=UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("nothing protects it", "instantiate", seen(server=None), GOAL, Blocked, "no source server s-1"),
    ("a copy that stands still is started", "activate", seen(copy=launched()), GOAL, Call, "start_instances & i-9"),
    ("it starts", "activate", seen(copy=launched("pending")), GOAL, Wait, "is pending"),
    ("it is checked", "activate", seen(copy=launched("running", "initializing")), GOAL, Wait, "initializing"),
    ("it fails its checks", "activate", seen(copy=launched("running", "impaired")), GOAL, Blocked, "impaired"),
    ("it serves", "activate", seen(copy=launched("running", "ok")), GOAL, Done, "10.99.0.9 & 2026-11-28T03:00:00+00:00"),
    (
        "it is not in the room",
        "activate",
        seen(copy=launched(groups=("sg-app",))),
        GOAL,
        Blocked,
        "groups sg-app & run phase cleanup",
    ),
    ("its instance is gone", "activate", seen(copy=launched(machine=None)), GOAL, Blocked, "is gone & run phase cleanup"),
    ("there is none", "activate", seen(), GOAL, Blocked, "no copy & run phase instantiate"),
    ("nobody knows", "activate", seen(server=UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("a launch that runs is not stopped", "cleanup", seen(*HELD, busy=BUSY), GOAL, Wait, "job-1"),
    ("production's is the default first", "cleanup", seen(*HELD, copy=launched()), GOAL, Call, RESTORE),
    ("a job takes one server at a time", "cleanup", seen(*PLAIN, copy=launched(), job=OPEN), GOAL, Wait, "job-1"),
    ("then the copy goes", "cleanup", seen(*PLAIN, copy=launched()), GOAL, Call, "terminate_recovery_instances & i-9"),
    ("it is going", "cleanup", seen(*PLAIN, machines=(Machine("i-9", "shutting-down"),)), GOAL, Wait, "i-9 & shutting-down"),
    ("then the version", "cleanup", seen(*PLAIN), GOAL, Call, "delete_launch_template_versions & 'Versions': ['4']"),
    ("nothing is left", "cleanup", seen(), GOAL, Done, "removed"),
    ("what others launched stays", "cleanup", seen(others=(LIVE, OTHER)), GOAL, Done, "removed"),
    ("versions of others too", "cleanup", seen(production(3), made(4, 3, labels={})), GOAL, Done, "removed"),
    ("no room is needed to clean up", "cleanup", seen(*HELD, copy=launched(), room=None), GOAL, Call, RESTORE),
    ("nothing protects it any more", "cleanup", seen(server=None), GOAL, Done, "removed"),
    ("nobody knows what is left", "cleanup", seen(server=UNREACHABLE), GOAL, Blocked, "us-west-2"),
]


@pytest.mark.parametrize(("sentence", "phase", "sight", "goal", "kind", "says"), TABLE, ids=[row[0] for row in TABLE])
def test_decisions(sentence: str, phase: str, sight: Seen, goal: Goal, kind: type, says: str) -> None:
    step = getattr(DrsSourceServerDrill(), phase)(sight, goal)
    assert isinstance(step, kind), step
    text = f"{step.operation} {dict(step.params)}" if isinstance(step, Call) else str(step)
    assert [part for part in says.split(" & ") if part not in text] == [], text
    if isinstance(step, Call):
        assert (step.region, step.one_way, step.debt) == (WEST, False, "")


class Led(DrsSourceServerDrill):
    """The drill with whatever call it is shown."""

    def __init__(self, step: Step) -> None:
        self.step = step

    def make(self, seen: Seen, goal: Goal) -> Step:
        return self.step


def start(server: str = "s-1", drill: bool = True, ident: str = "quarterly") -> Call:
    params = {"sourceServers": [{"sourceServerID": server}], "isDrill": drill, "tags": {"dr:drill-id": ident}}
    return Call("drs", "start_recovery", WEST, params, "because")


def call(operation: str, **params: Any) -> Call:
    return Call("ec2", operation, WEST, {"LaunchTemplateId": "lt-1", **params}, "because")


@pytest.mark.parametrize(
    ("sentence", "sight", "step", "passes"),
    [
        ("a launch as a drill, into the room", seen(*HELD), start(), True),
        ("no launch that is none", seen(*HELD), start(drill=False), False),
        ("none of another server", seen(*HELD), start("s-2"), False),
        ("none without the drill's id", seen(*HELD), start(ident="another"), False),
        ("none while production's version is the default", seen(*PLAIN), start(), False),
        ("none while that is of another room", seen(production(3, False), made(4, 3, True, here=ELSEWHERE)), start(), False),
        ("none over something that was launched", seen(*HELD, others=(LIVE,)), start(), False),
        ("its own version becomes the default", seen(*PLAIN), call("modify_launch_template", DefaultVersion="4"), True),
        ("no version of production", seen(*PLAIN), call("modify_launch_template", DefaultVersion="2"), False),
        ("but the one that was it before", seen(*HELD), call("modify_launch_template", DefaultVersion="3"), True),
        ("its own version is deleted", seen(*PLAIN), call("delete_launch_template_versions", Versions=["4"]), True),
        ("no version of production's", seen(*PLAIN), call("delete_launch_template_versions", Versions=["4", "3"]), False),
        ("nor the one to go back to", seen(*HELD), call("delete_launch_template_versions", Versions=["3"]), False),
    ],
)
def test_the_guard(sentence: str, sight: Seen, step: Call, passes: bool) -> None:
    decided = Led(step).instantiate(sight, GOAL)
    assert (decided is step) is passes, sentence
    assert passes or (isinstance(decided, Blocked) and "is not the drill's own" in decided.why), decided


def test_servers_of_one_drill_are_launched_by_one_job() -> None:
    other = replace(PAIR, key="web", target_id="s-2")
    steps = [DrsSourceServerDrill().instantiate(seen(*HELD), GOAL)]
    labels = {**tags(other), BEFORE_TAG: "3"}
    version = Version("lt-2", 4, True, isolated(DATA, ROOM, other, "subnet-1"), labels)
    sight = seen(production(3, False), version, server=replace(SERVER, id="s-2"))
    steps.append(DrsSourceServerDrill().instantiate(sight, Goal(other)))
    rests = [{key: value for key, value in step.params.items() if key != "sourceServers"} for step in steps]
    assert rests[0] == rests[1] == {"isDrill": True, "tags": {"dr:drill-id": drill_id(PAIR)}}
    assert name(PAIR) != name(other)
