# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DRS decisions as tables: a row is a sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.adapters.drs_source_server import DrsSourceServer
from ansible_collections.dr.aws.plugins.module_utils.model import (
    UNREACHABLE,
    Active,
    Blocked,
    Call,
    Deferred,
    Done,
    Goal,
    Pair,
    Wait,
)
from ansible_collections.dr.aws.plugins.module_utils.parts.drs_state import Machine, Recovery, Seen, Server, seconds
from ansible_collections.dr.aws.plugins.module_utils.parts.drs_template import BEFORE_TAG, Version

EAST, WEST = "us-east-1", "us-west-2"
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
LATER, EARLIER = NOON + timedelta(minutes=20), NOON - timedelta(days=20)
ADAPTER = DrsSourceServer()
PAIR = Pair("db", "drs", "111111111111", EAST, WEST, "s-1", "s-1")
PLANNED = Goal(PAIR)
UNPLANNED = Goal(PAIR, mode="unplanned")
REMOVE = Goal(PAIR, cleanup_policy="remove")

SERVER = Server(
    "s-1", "FAILOVER", "CONTINUOUS", "i-1", "db", lag_seconds=0.0, backlog_bytes=0, last_seen=NOON, architecture="x86_64"
)
LAUNCHED = replace(SERVER, launch_job="job-1", launched_at=LATER)
FAILED = replace(SERVER, launch_job="job-2", launch_failed=True)
BACK = Server("s-2", "FAILBACK", "CONTINUOUS", "i-9", reversed_of="s-1")
HOMEWARD = replace(LAUNCHED, id="s-2", direction="FAILBACK")

RUNNING, STOPPED = Machine("i-1", "running"), Machine("i-1", "stopped", stopped_at=NOON)
QUARANTINED = replace(STOPPED, role="quarantined")
INTO = Machine("i-5", "stopped", launch_into=True, architecture="x86_64")
MARK = "2026-11-28T12:20:00Z"
CONFIG = {"launchDisposition": "STOPPED", "copyTags": False, "copyPrivateIp": False}


def recovery(state: str = "stopped", role: str = "", checks: str = "unknown", job: str = "job-1", **more: Any) -> Recovery:
    """What was launched. Its data is from noon, when the source was last heard of."""
    machine = Machine("i-9", state, role, since=MARK if role == "active" else "", checks=checks)
    return Recovery("i-9", "i-9", job, NOON, **{"machine": machine, **more})


SERVES = recovery("running", "active", "ok")


def standing(source: Any = STOPPED, server: Server = LAUNCHED, launched: Recovery | None = None, **more: Any) -> Seen:
    """A recovery instance stands by."""
    return Seen(server, source, recovery=launched or recovery(), **more)


def serving(source: Any = QUARANTINED, server: Server = LAUNCHED, **more: Any) -> Seen:
    """The target side serves."""
    return Seen(server, source, **{"recovery": SERVES, **more})


def setting(goal: Goal, **values: Any) -> Goal:
    return replace(goal, pair=replace(goal.pair, settings=values))


def check(step: Any, kind: type, says: str) -> None:
    """The step is of this kind, and all parts of `says` are in it (of a call: `operation@region` and its parameters)."""
    assert isinstance(step, kind), step
    text = f"{step.operation}@{step.region} {dict(step.params)} {step.debt}" if isinstance(step, Call) else str(step)
    for part in filter(None, says.split(" & ")):
        assert part in text, text


@pytest.mark.parametrize(
    ("sentence", "seen", "active"),
    [
        ("before anything", Seen(SERVER, RUNNING), Active.SOURCE),
        ("launched and standing by", standing(RUNNING), Active.SOURCE),
        ("launched to run, not activated", standing(RUNNING, launched=recovery("running")), Active.SOURCE),
        ("activated", serving(), Active.TARGET),
        ("activated, and the source is gone", serving(None), Active.TARGET),
        ("activated, and the old source was started by somebody", serving(RUNNING), Active.TARGET),
        ("activated and the source dark", serving(UNREACHABLE), Active.TARGET),
        ("marked but not running", Seen(LAUNCHED, STOPPED, recovery=recovery("stopped", "active")), Active.NEITHER),
        ("nothing runs", standing(), Active.NEITHER),
        ("runs without the mark while the source is stopped", standing(launched=recovery("running")), Active.UNKNOWN),
        ("the source dark, nothing activated", standing(UNREACHABLE), Active.UNKNOWN),
        ("the target dark", Seen(UNREACHABLE, RUNNING), Active.UNKNOWN),
        ("no source server", Seen(None, UNREACHABLE), Active.UNKNOWN),
        ("both marked, the source launched earlier", serving(replace(RUNNING, role="active", since="2026-01-01")), Active.TARGET),
        ("both marked, the source launched later", serving(replace(RUNNING, role="active", since="2027-01-01")), Active.SOURCE),
        ("both marked alike: split brain", serving(replace(RUNNING, role="active", since=MARK)), Active.BOTH),
    ],
)
def test_active(sentence: str, seen: Seen, active: Active) -> None:
    assert ADAPTER.active(seen) is active, sentence


READY = Seen(SERVER, RUNNING, config=CONFIG)
#: A drill that broke off has left its own version as the default of the launch template.
LEFT = Version("lt-1", 4, True, {}, {BEFORE_TAG: "3"})
GIVEN_BACK = "modify_launch_template@us-west-2 & 'LaunchTemplateId': 'lt-1' & 'DefaultVersion': '3'"
GOES_INTO = setting(PLANNED, launch_into="i-5")
INTO_CONFIG = {**CONFIG, "launchIntoInstanceProperties": {"launchIntoEC2InstanceID": "i-5"}}


def into(**more: Any) -> Seen:
    return replace(READY, config=INTO_CONFIG, into=replace(INTO, **more))


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        ("nothing launched yet", READY, PLANNED, Call, "start_recovery@us-west-2 & 'sourceServerID': 's-1' & 'isDrill': False"),
        ("the source dark", replace(READY, source=UNREACHABLE), UNPLANNED, Call, "start_recovery@us-west-2"),
        ("what a drill has left is put right first", replace(READY, template=LEFT), PLANNED, Call, GIVEN_BACK),
        ("also where the source is dark", replace(READY, template=LEFT, source=UNREACHABLE), UNPLANNED, Call, GIVEN_BACK),
        ("a drill's launch goes on first", replace(READY, template=LEFT, job="LAUNCH job-1 is STARTED"), UNPLANNED, Wait, "job-1"),
        ("planned needs the source", replace(READY, source=UNREACHABLE), PLANNED, Blocked, "us-east-1"),
        ("a dark target is blocked when planned", Seen(UNREACHABLE), PLANNED, Blocked, "us-west-2"),
        ("and deferred when not", Seen(UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
        ("nobody protects it", Seen(None), UNPLANNED, Blocked, "no source server"),
        ("DRS is not there", Seen(None, initialised=False), UNPLANNED, Blocked, "initialize-service --region us-west-2"),
        ("it serves already", serving(), PLANNED, Done, "'role': 'active'"),
        ("it stands by", standing(RUNNING), PLANNED, Done, "'role': 'standby'"),
        ("a job is under way", replace(READY, job="LAUNCH job-1 is STARTED"), PLANNED, Wait, "job-1 is STARTED"),
        ("a launch that runs would serve twice", replace(READY, config={"launchDisposition": "STARTED"}), PLANNED, Call, "STOPPED"),
        (
            "unless that is wanted",
            replace(READY, config={"launchDisposition": "STARTED"}),
            setting(PLANNED, launch_disposition="STARTED"),
            Call,
            "start_recovery",
        ),
        (
            "settings reach the launch configuration",
            READY,
            setting(PLANNED, right_sizing="NONE"),
            Call,
            "update_launch_configuration@us-west-2 & 'targetInstanceTypeRightSizingMethod': 'NONE'",
        ),
        (
            "left from an earlier cycle",
            replace(standing(RUNNING), recovery=recovery(role="quarantined")),
            PLANNED,
            Call,
            "start_recovery",
        ),
        ("its instance is gone", replace(standing(RUNNING), recovery=recovery(machine=None)), PLANNED, Call, "start_recovery"),
        ("still synchronising", replace(READY, server=replace(SERVER, state="INITIAL_SYNC")), PLANNED, Blocked, "INITIAL_SYNC"),
        (
            "replication stopped: no points in time",
            replace(READY, server=replace(SERVER, state="STOPPED")),
            PLANNED,
            Blocked,
            "STOPPED",
        ),
        (
            "a silent agent is launched from what arrived",
            replace(READY, server=replace(SERVER, state="STALLED")),
            UNPLANNED,
            Call,
            "",
        ),
        (
            "the last launch failed: named, with the job's reason",
            replace(READY, server=FAILED, reason="LAUNCH_FAILED: no capacity (job-2)"),
            PLANNED,
            Blocked,
            "db could not be launched & no capacity (job-2) & start_recovery",
        ),
        ("into a stopped instance", into(), GOES_INTO, Call, "start_recovery"),
        ("it is configured first", replace(READY, into=INTO), GOES_INTO, Call, "update_launch_configuration & 'i-5'"),
        ("as the console configured it", into(), PLANNED, Call, "start_recovery"),
        ("it must be stopped", into(state="running"), GOES_INTO, Call, "stop_instances@us-west-2 & i-5"),
        ("it is stopping", into(state="stopping"), GOES_INTO, Wait, "stopping"),
        ("without consent", into(launch_into=False), GOES_INTO, Blocked, "AWSDRS=AllowLaunchingIntoThisInstance"),
        ("not into what serves", into(role="active", state="running"), GOES_INTO, Blocked, "serves"),
        ("of another architecture", into(architecture="arm64"), GOES_INTO, Blocked, "architecture is arm64"),
        ("of another platform", into(windows=True), GOES_INTO, Blocked, "platform is windows"),
        ("Linux under UEFI", into(boot_mode="uefi"), GOES_INTO, Blocked, "boot mode is uefi"),
        ("not on EBS", into(root_device="instance-store"), GOES_INTO, Blocked, "root device"),
        ("in an Auto Scaling group", into(group="web"), GOES_INTO, Blocked, "Auto Scaling group web"),
        ("not there", replace(READY, config=INTO_CONFIG), GOES_INTO, Blocked, "i-5 in us-west-2 & does not exist"),
        ("an old source becomes a standby", into(role="quarantined"), GOES_INTO, Call, "create_tags@us-west-2 & standby"),
        (
            "with its own security groups",
            into(role="quarantined", security_groups=("sg-q",), previous_groups=("sg-1",)),
            GOES_INTO,
            Call,
            "modify_instance_attribute@us-west-2 & sg-1",
        ),
        (
            "conflicting settings are switched off",
            replace(into(), config={**INTO_CONFIG, "copyTags": True, "copyPrivateIp": True}),
            setting(PLANNED, launch_into="i-5", copy_tags=True),
            Call,
            "'copyTags': False & 'copyPrivateIp': False",
        ),
    ],
)
def test_instantiate(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(ADAPTER.instantiate(seen, goal), kind, says)


OLD = replace(LAUNCHED, launched_at=EARLIER)


def aged(source: Any = STOPPED, state: str = "STALLED", **server: Any) -> Seen:
    """Launched long before the source was last heard of."""
    launched = Recovery("i-9", "i-9", "job-1", EARLIER, machine=Machine("i-9", "stopped"))
    return Seen(replace(OLD, state=state, **server), source, recovery=launched)


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        ("the source is stopped first", standing(RUNNING), PLANNED, Call, "stop_instances@us-east-1 & i-1"),
        ("unplanned too, where it answers", standing(RUNNING), UNPLANNED, Call, "stop_instances@us-east-1"),
        ("until it is stopped", standing(replace(RUNNING, state="stopping")), PLANNED, Wait, "stopping"),
        (
            "an old mark on it is taken away",
            standing(replace(STOPPED, role="active")),
            PLANNED,
            Call,
            "create_tags@us-east-1 & fenced",
        ),
        ("its group would replace it", standing(replace(RUNNING, group="web")), PLANNED, Blocked, "Auto Scaling group web"),
        ("then the mark", standing(), PLANNED, Call, f"create_tags@us-west-2 & 'active:{MARK}'"),
        ("then the start", standing(launched=recovery(role="active")), PLANNED, Call, "start_instances@us-west-2 & i-9"),
        (
            "a dark source leaves a debt",
            standing(UNREACHABLE, launched=recovery(role="active")),
            UNPLANNED,
            Call,
            "stop i-1 in us-east-1",
        ),
        (
            "marking what runs already is what makes it serve",
            standing(UNREACHABLE, launched=recovery("running")),
            UNPLANNED,
            Call,
            "create_tags@us-west-2 & stop i-1 in us-east-1",
        ),
        ("it starts", standing(launched=recovery("pending", "active")), PLANNED, Wait, "pending"),
        ("its checks begin", serving(recovery=recovery("running", "active", "initializing")), PLANNED, Wait, "initializing"),
        ("its checks are not known", serving(recovery=recovery("running", "active")), PLANNED, Wait, "unknown"),
        ("its checks fail", serving(recovery=recovery("running", "active", "impaired")), PLANNED, Blocked, "get-console-output"),
        (
            "a launch action failed",
            serving(recovery=recovery("running", "active", "ok", failed_actions=("mount: no disk",))),
            PLANNED,
            Blocked,
            "mount: no disk",
        ),
        ("it serves", serving(), PLANNED, Done, "'ec2_instance_id': 'i-9'"),
        ("it serves and the source answers no more", serving(UNREACHABLE), PLANNED, Done, "'job_id': 'job-1'"),
        ("it serves and the source was started again: cleanup's business", serving(RUNNING), PLANNED, Done, "i-9"),
        ("planned needs the source", standing(UNREACHABLE), PLANNED, Blocked, "us-east-1"),
        ("a dark target", Seen(UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
        ("a job is under way", standing(job="LAUNCH job-2 is PENDING"), PLANNED, Wait, "job-2"),
        ("nothing launched: the source is left alone", Seen(SERVER, RUNNING), PLANNED, Blocked, "run phase instantiate"),
        ("nothing launched, because it failed", Seen(FAILED, RUNNING, reason="no capacity"), PLANNED, Blocked, "no capacity"),
        ("lag too high", standing(RUNNING, replace(LAUNCHED, lag_seconds=301.0)), PLANNED, Blocked, "301 s & 300 s"),
        ("lag unknown is not low", standing(RUNNING, replace(LAUNCHED, lag_seconds=None)), PLANNED, Blocked, "unknown"),
        ("a stalled agent has no lag to trust", standing(RUNNING, replace(LAUNCHED, state="STALLED")), PLANNED, Blocked, "STALLED"),
        ("data is still under way", standing(server=replace(LAUNCHED, backlog_bytes=5)), PLANNED, Wait, "5 bytes"),
        (
            "and will not arrive",
            standing(server=replace(LAUNCHED, backlog_bytes=5, state="STALLED")),
            PLANNED,
            Blocked,
            "start the source",
        ),
        (
            "backlog unknown is not zero",
            standing(server=replace(LAUNCHED, backlog_bytes=None)),
            PLANNED,
            Blocked,
            "still to arrive",
        ),
        (
            "unplanned takes what has arrived",
            standing(server=replace(LAUNCHED, backlog_bytes=5)),
            UNPLANNED,
            Call,
            "create_tags@us-west-2",
        ),
        ("frozen before the source stopped", aged(), PLANNED, Call, "start_recovery@us-west-2"),
        (
            "frozen a minute before is too early when planned",
            standing(replace(STOPPED, stopped_at=LATER + timedelta(minutes=1))),
            PLANNED,
            Call,
            "start_recovery",
        ),
        ("unplanned, older than allowed", aged(), UNPLANNED, Call, "start_recovery@us-west-2"),
        ("unplanned and dark, silent for long", aged(UNREACHABLE, "DISCONNECTED"), UNPLANNED, Call, "start_recovery@us-west-2"),
        ("dark to us but still replicating, launched long ago", aged(UNREACHABLE, "CONTINUOUS"), UNPLANNED, Call, "start_recovery"),
        (
            "dark to us but still replicating, launched just now",
            standing(UNREACHABLE, replace(LAUNCHED, last_seen=LATER + timedelta(minutes=20))),
            UNPLANNED,
            Call,
            "create_tags@us-west-2",
        ),
        (
            "unplanned, within what may be lost",
            standing(server=replace(LAUNCHED, launched_at=NOON, last_seen=NOON + timedelta(seconds=200))),
            UNPLANNED,
            Call,
            "create_tags@us-west-2",
        ),
        (
            "nobody knows when: planned proves nothing",
            standing(replace(STOPPED, stopped_at=None), replace(LAUNCHED, last_seen=None)),
            PLANNED,
            Blocked,
            "cannot be proven",
        ),
        (
            "the second launch failed",
            Seen(replace(FAILED, last_seen=NOON), STOPPED, reason="no capacity"),
            PLANNED,
            Blocked,
            "no capacity & start_recovery",
        ),
        (
            "it served, was stopped, and the source was started: a person must say whose data",
            Seen(LAUNCHED, RUNNING, recovery=recovery(role="active")),
            UNPLANNED,
            Blocked,
            "delete-tags",
        ),
        (
            "what served is never launched again",
            Seen(OLD, STOPPED, recovery=recovery(role="active")),
            PLANNED,
            Call,
            "start_instances",
        ),
        ("a server outside EC2 still runs", standing(None, replace(LAUNCHED, machine_id="")), PLANNED, Blocked, "no EC2 instance"),
    ],
)
def test_activate(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(ADAPTER.activate(seen, goal), kind, says)


QUARANTINE = setting(PLANNED, quarantine_security_group="sg-q")
SNAPPED = serving(snapshots=("completed", "completed"))
ON_THE_WAY_BACK = serving(
    server=HOMEWARD,
    source_recovery="i-1",
    counterpart=BACK,
    snapshots=("completed",),
    recovery=replace(SERVES, replication="CONTINUOUS"),
)


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        ("a dark source", serving(UNREACHABLE), UNPLANNED, Deferred, "us-east-1"),
        ("a dark source, planned: it never blocks", serving(UNREACHABLE), PLANNED, Deferred, "us-east-1"),
        ("the source serves", standing(RUNNING), REMOVE, Blocked, "source"),
        ("nobody serves", standing(), REMOVE, Blocked, "neither"),
        ("nobody knows who serves", standing(launched=recovery("running")), REMOVE, Blocked, "unknown"),
        ("the target is dark", Seen(UNREACHABLE, STOPPED), UNPLANNED, Deferred, "us-west-2"),
        ("the target is not healthy", serving(recovery=recovery("running", "active", "impaired")), REMOVE, Blocked, "impaired"),
        (
            "the target is not proven yet",
            serving(recovery=recovery("running", "active", "initializing")),
            REMOVE,
            Wait,
            "initializing",
        ),
        ("the old source runs", serving(RUNNING), PLANNED, Call, "stop_instances@us-east-1 & i-1"),
        ("it is in a group", serving(replace(RUNNING, group="web")), PLANNED, Blocked, "detach-instances"),
        ("it is marked", serving(STOPPED), PLANNED, Call, "create_tags@us-east-1 & quarantined"),
        ("it is kept", serving(), PLANNED, Done, "quarantined"),
        ("it is gone", serving(None), REMOVE, Done, "gone"),
        (
            "its groups are remembered",
            serving(replace(STOPPED, security_groups=("sg-1",))),
            QUARANTINE,
            Call,
            "dr:security-groups & sg-1",
        ),
        (
            "then changed",
            serving(replace(STOPPED, security_groups=("sg-1",), previous_groups=("sg-1",))),
            QUARANTINE,
            Call,
            "modify_instance_attribute@us-east-1 & sg-q",
        ),
        (
            "and left so",
            serving(replace(QUARANTINED, security_groups=("sg-q",), previous_groups=("sg-1",))),
            QUARANTINE,
            Done,
            "quarantined",
        ),
        ("removal begins with a snapshot", serving(), REMOVE, Call, "create_snapshots@us-east-1 & dr:final-snapshot-of"),
        ("which takes time", serving(snapshots=("completed", "pending")), REMOVE, Wait, "snapshot"),
        ("or fails", serving(snapshots=("completed", "error")), REMOVE, Blocked, "failed"),
        ("then it ends", SNAPPED, REMOVE, Call, "terminate_instances@us-east-1 & i-1"),
        ("it is ending", serving(replace(QUARANTINED, state="shutting-down")), REMOVE, Wait, "shutting-down"),
        (
            "what is launched into stays",
            serving(replace(QUARANTINED, launch_into=True), snapshots=("completed",)),
            REMOVE,
            Done,
            "kept_because",
        ),
        (
            "also when only the setting says so",
            SNAPPED,
            setting(REMOVE, regions={EAST: {"launch_into": "i-1"}}),
            Done,
            "kept_because",
        ),
        ("DRS of the source is dark", replace(SNAPPED, counterpart=UNREACHABLE), REMOVE, Deferred, "not removed"),
        ("on the way back: protect first", replace(ON_THE_WAY_BACK, counterpart=None), REMOVE, Blocked, "run phase replicate"),
        (
            "the first server may still name the original machine",
            replace(ON_THE_WAY_BACK, recovery=replace(SERVES, replication="NOT_STARTED")),
            REMOVE,
            Blocked,
            "run phase replicate",
        ),
        ("then end its replication", ON_THE_WAY_BACK, REMOVE, Call, "stop_replication@us-west-2 & s-2"),
        (
            "then it ends through DRS",
            replace(ON_THE_WAY_BACK, server=replace(HOMEWARD, state="STOPPED")),
            REMOVE,
            Call,
            "terminate_recovery_instances@us-east-1 & i-1",
        ),
        (
            "once",
            replace(ON_THE_WAY_BACK, server=replace(HOMEWARD, state="STOPPED"), source_job="TERMINATE job-3 is PENDING"),
            REMOVE,
            Wait,
            "job-3",
        ),
        ("a server outside EC2", serving(None, replace(LAUNCHED, machine_id="")), PLANNED, Blocked, "no EC2 instance"),
    ],
)
def test_cleanup(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(ADAPTER.cleanup(seen, goal), kind, says)


def reversing(state: str, failback: str = "FAILBACK_IN_PROGRESS", **more: Any) -> Seen:
    launched = replace(SERVES, failback=failback, replication=state)
    return serving(counterpart=replace(BACK, state=state, **more), recovery=launched)


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        ("a dark source", serving(UNREACHABLE), UNPLANNED, Deferred, "us-east-1"),
        ("DRS there is dark", serving(counterpart=UNREACHABLE), UNPLANNED, Deferred, "us-east-1"),
        ("the target is dark", Seen(UNREACHABLE, STOPPED), UNPLANNED, Deferred, "us-west-2"),
        ("the source serves", standing(RUNNING), PLANNED, Blocked, "run phase activate"),
        ("it is reversed where it runs", serving(), PLANNED, Call, "reverse_replication@us-west-2 & i-9"),
        ("also when the old source is gone", serving(None), PLANNED, Call, "reverse_replication@us-west-2"),
        (
            "DRS was never initialised there",
            serving(source_initialised=False),
            PLANNED,
            Blocked,
            "initialize-service --region us-east-1",
        ),
        ("it came from elsewhere", serving(recovery=replace(SERVES, on_premises=True)), PLANNED, Blocked, "failback client"),
        ("it begins", reversing("INITIATING"), PLANNED, Wait, "INITIATING"),
        ("it synchronises", reversing("INITIAL_SYNC"), PLANNED, Wait, "INITIAL_SYNC"),
        ("it scans again", reversing("RESCAN"), PLANNED, Wait, "RESCAN"),
        ("it has just been pointed elsewhere", reversing("STALLED"), PLANNED, Wait, "STALLED"),
        ("it is continuous", reversing("CONTINUOUS", lag_seconds=2.0), PLANNED, Done, "'failback_source_server_id': 's-2' & 2.0"),
        ("it is ready", reversing("BACKLOG", "FAILBACK_READY_FOR_LAUNCH"), PLANNED, Done, "READY"),
        ("it failed", reversing("STALLED", "FAILBACK_ERROR", error="NOT_CONVERGING"), PLANNED, Blocked, "NOT_CONVERGING"),
        ("it is lost", reversing("DISCONNECTED", error="AGENT_NOT_SEEN"), PLANNED, Blocked, "AGENT_NOT_SEEN"),
        (
            "on the way back, the first server still protects the machine that was launched into",
            serving(server=HOMEWARD, counterpart=BACK, recovery=replace(SERVES, replication="NOT_STARTED")),
            PLANNED,
            Call,
            "reverse_replication@us-west-2",
        ),
    ],
)
def test_replicate(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(ADAPTER.replicate(seen, goal), kind, says)


DISCARD = setting(PLANNED, discard_target_writes=True)


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        ("it never served: the source goes on", standing(), PLANNED, Call, "start_instances@us-east-1 & i-1"),
        ("it served: what was written is lost", serving(), PLANNED, Blocked, "discard_target_writes: true"),
        ("that is accepted: it stops first", serving(), DISCARD, Call, "stop_instances@us-west-2 & i-9"),
        ("it is stopping", standing(launched=recovery("stopping", "active")), DISCARD, Wait, "stopping"),
        ("it serves no more", standing(launched=recovery("stopped", "active")), DISCARD, Call, "create_tags@us-west-2 & fenced"),
        ("the source is the one again", standing(QUARANTINED), PLANNED, Call, f"create_tags@us-east-1 & active:{MARK}"),
        (
            "with its own groups",
            standing(replace(QUARANTINED, security_groups=("sg-q",), previous_groups=("sg-1",))),
            PLANNED,
            Call,
            "modify_instance_attribute@us-east-1 & sg-1",
        ),
        ("it starts", standing(replace(STOPPED, state="pending")), PLANNED, Wait, "pending"),
        ("it runs", standing(RUNNING), PLANNED, Done, "i-1"),
        ("it does not answer", serving(UNREACHABLE), DISCARD, Blocked, "us-east-1"),
        ("it is gone", serving(None), DISCARD, Blocked, "fail back"),
        ("replication is reversed", serving(counterpart=BACK), DISCARD, Blocked, "fail back"),
    ],
)
def test_rollback(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(ADAPTER.rollback(seen, goal), kind, says)


@pytest.mark.parametrize(
    ("sentence", "seen", "status"),
    [
        ("all is well", serving(), "HEALTHY"),
        ("the old source runs", serving(RUNNING), "DEGRADED"),
        ("checks fail", serving(recovery=recovery("running", "active", "impaired")), "UNHEALTHY"),
        ("checks are not done", serving(recovery=recovery("running", "active", "initializing")), "UNHEALTHY"),
        ("it does not run", standing(), "UNHEALTHY"),
        ("it is not there", Seen(SERVER, RUNNING), "UNHEALTHY"),
        ("a launch action failed", serving(recovery=replace(SERVES, failed_actions=("mount: no",))), "UNHEALTHY"),
        ("nobody answers", Seen(UNREACHABLE), "UNHEALTHY"),
    ],
)
def test_health(sentence: str, seen: Seen, status: str) -> None:
    assert ADAPTER.health(seen, PLANNED).status == status, sentence


def test_capture_says_which_machine_is_protected() -> None:
    assert ADAPTER.capture(Seen(SERVER, replace(RUNNING, instance_type="m5.large")), PAIR) == {
        "source_server_id": "s-1",
        "source_instance_id": "i-1",
        "instance_type": "m5.large",
        "private_ip": "",
        "lag_seconds": 0.0,
    }
    assert ADAPTER.capture(Seen(UNREACHABLE), PAIR) == {}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("P0D", 0.0),
        ("PT4M", 240.0),
        ("PT1H0.5S", 3600.5),
        ("P1DT1S", 86401.0),
        ("", None),
        (None, None),
        ("P", None),
        ("soon", None),
    ],
)
def test_durations_that_cannot_be_read_are_unknown(text: str | None, value: float | None) -> None:
    assert seconds(text) == value


class Spy:
    """A reader that answers from a table and remembers the order of the questions. `silent` picks those that have no answer."""

    def __init__(self, silent: Callable[..., bool] = lambda *question: False, **answers: Any) -> None:
        self.silent, self.answers, self.asked = silent, answers, []

    def read(self, _account: str, region: str, _service: str, operation: str, *, absent: Any = (), **params: Any) -> Any:
        self.asked.append((region, operation))
        return UNREACHABLE if self.silent(region, operation, params) else self.answers.get(operation, {})

    def pages(self, account: str, region: str, service: str, operation: str, key: str, *, absent: Any = (), **params: Any) -> Any:
        self.asked.append((region, operation))
        return UNREACHABLE if self.silent(region, operation, params) else self.answers.get(operation, [])


IDENT = "s-0123456789abcdef0"
NAMED = replace(PAIR, source_id=IDENT, target_id=IDENT)


def test_records_of_launches_are_read_before_instances() -> None:
    """A machine that a record names is looked up later than the record: else one just launched would seem to be gone."""
    server = {"sourceServerID": IDENT, "sourceProperties": {"identificationHints": {"awsInstanceID": "i-1"}}}
    launched = {"recoveryInstanceID": "i-9", "sourceServerID": IDENT, "isDrill": False}
    spy = Spy(describe_source_servers=[server], describe_recovery_instances=[launched])
    ADAPTER.observe(spy, [NAMED])
    asked = [operation for region, operation in spy.asked if region == WEST]
    assert asked.index("describe_recovery_instances") < asked.index("describe_instances")
    assert (EAST, "describe_instances") in spy.asked[spy.asked.index((WEST, "describe_instances")) :]


def test_a_drill_is_never_taken_for_a_recovery() -> None:
    server = {"sourceServerID": IDENT}
    drill = {"recoveryInstanceID": "i-9", "sourceServerID": IDENT, "isDrill": True}
    seen = ADAPTER.observe(Spy(describe_source_servers=[server], describe_recovery_instances=[drill]), [NAMED])["db"]
    assert seen.recovery is None


@pytest.mark.parametrize(
    "silent",
    [
        "describe_source_servers",
        "describe_recovery_instances",
        "describe_instances",
        "get_launch_configuration",
        "describe_launch_template_versions",
    ],
)
def test_a_target_that_falls_silent_half_way_is_unreachable(silent: str) -> None:
    answers: dict[str, Any] = {
        "describe_source_servers": [{"sourceServerID": IDENT}],
        "describe_recovery_instances": [{"recoveryInstanceID": "i-9", "sourceServerID": IDENT}],
    }
    spy = Spy(lambda region, operation, params: (region, operation) == (WEST, silent), **answers)
    assert ADAPTER.observe(spy, [NAMED])["db"].server is UNREACHABLE
    assert (WEST, silent) in spy.asked


def test_what_is_launched_into_is_not_gone_where_nobody_tells() -> None:
    """The instance that nobody tells of would be said not to exist."""
    spy = Spy(
        lambda region, operation, params: (region, operation) == (WEST, "describe_instances"),
        describe_source_servers=[{"sourceServerID": IDENT}],
    )
    pair = replace(NAMED, settings={"launch_into": "i-0123456789abcdef0"})
    assert ADAPTER.observe(spy, [pair])["db"].server is UNREACHABLE


#: On the way back: a server that is reversed, what was launched from it, and its old source, which DRS launched.
REVERSED: dict[str, Any] = {
    "describe_source_servers": [
        {
            "sourceServerID": IDENT,
            "replicationDirection": "FAILBACK",
            "sourceProperties": {"identificationHints": {"awsInstanceID": "i-1"}},
        }
    ],
    "describe_recovery_instances": [{"recoveryInstanceID": "i-9", "ec2InstanceID": "i-1", "sourceServerID": IDENT}],
    "describe_instances": [
        {"Instances": [{"InstanceId": "i-1", "State": {"Name": "running"}, "Tags": [{"Key": "dr:role", "Value": "active:1"}]}]}
    ],
}


def test_on_the_way_back_a_server_is_not_gone_where_nobody_tells() -> None:
    """All servers are looked through for the reversed one."""
    spy = Spy(lambda region, operation, params: operation == "describe_source_servers" and not params, **REVERSED)
    assert ADAPTER.observe(spy, [NAMED])["db"].server is UNREACHABLE


def test_whether_drs_launched_the_old_source_is_unknown_where_nobody_tells() -> None:
    """It would be terminated by EC2, and before its successor is protected."""
    spy = Spy(lambda region, operation, params: (region, operation) == (EAST, "describe_recovery_instances"), **REVERSED)
    seen = ADAPTER.observe(spy, [NAMED])["db"]
    assert isinstance(seen.server, Server)
    assert (seen.counterpart, seen.source_recovery) == (UNREACHABLE, UNREACHABLE)
    assert (EAST, "describe_source_servers") in spy.asked, "the rest of the region is asked"


def test_what_is_no_server_id_does_not_fail_the_others() -> None:
    """DRS refuses a whole describe call for one malformed identifier."""
    spy = Spy(describe_source_servers=[{"sourceServerID": IDENT}])
    seen = ADAPTER.observe(spy, [NAMED, replace(PAIR, key="typo", source_id="db-server", target_id="db-server")])
    assert (seen["db"].server is None, seen["typo"].server) == (False, None)
