# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers under AWS Elastic Disaster Recovery (DRS): launched in the target region, started there, replicated back.

Both directions are the same work. On the way out the source server is the one named, in the target region; on the way back it is
the reversed server that protects what was launched. Facts: the DRS API reference and user guide (failback-failover-region-region,
monitoring-recovery-instances, default-drs-launch-into-source-instance).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ..model import Active, Blocked, Call, Check, Deferred, Done, Goal, Health, Pair, Step, Unreachable, Wait
from ..parts.drs_launch import (
    BEGINNING,
    LAUNCH_SECONDS,
    SILENT,
    failed_before,
    is_stale,
    launch,
    look,
    release,
    since,
    tag,
    unchecked,
)
from ..parts.drs_state import GROUPS_TAG, ROLE_TAG, SNAPSHOT_TAG, STANDBY, Machine, Recovery, Seen, Server, observe, option, serves
from .base import Adapter, Merge, Reader, dark

#: Until a replication that runs already has sent the last of what a stopped source wrote.
DRAIN_SECONDS = 1800
#: A first synchronisation takes hours for terabytes.
SYNC_SECONDS = 12 * 3600
#: Replication states on the way to CONTINUOUS.
SYNCING = (*BEGINNING, "BACKLOG", "CREATING_SNAPSHOT", "RESCAN", "STALLED")


class DrsSourceServer(Adapter):
    """EC2 instances that DRS replicates to the target region; the identifier is the source server's there, on both sides.

    Settings (manifest or host variables; `regions.<region>.<name>` overrides `<name>` for what happens in that region):
    launch_disposition (STOPPED): whether a launch leaves the instance STOPPED, as a standby, or STARTED. launch_into: id of an
    instance tagged AWSDRS=AllowLaunchingIntoThisInstance that is launched into. right_sizing, copy_private_ip, copy_tags,
    recovery_mode, post_launch: of the launch configuration, left alone when absent. quarantine_security_group: what a stopped old
    source is left with. discard_target_writes (false): whether a rollback may lose what was written in the target region.
    """

    technology = "drs"
    bulk = 100
    busy = frozenset({"ConflictException", "ServiceQuotaExceededException", "IncorrectInstanceState"})
    durations = {"instantiate": 1200, "activate": 300, "cleanup": 120, "replicate": 3600}
    merges: ClassVar[Mapping[tuple[str, str], Merge]] = {
        ("drs", "start_recovery"): Merge("sourceServers", 100, jobs=20, items=500),
        ("drs", "terminate_recovery_instances"): Merge("recoveryInstanceIDs", 100, jobs=20, items=500),
        ("ec2", "start_instances"): Merge("InstanceIds", 50),
        ("ec2", "stop_instances"): Merge("InstanceIds", 50),
        ("ec2", "terminate_instances"): Merge("InstanceIds", 50),
        ("ec2", "create_tags"): Merge("Resources", 100),
    }
    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "observe": (
            "drs:DescribeJobLogItems",
            "drs:DescribeJobs",
            "drs:DescribeRecoveryInstances",
            "drs:DescribeSourceServers",
            "drs:GetLaunchConfiguration",
            "ec2:DescribeInstanceStatus",
            "ec2:DescribeInstances",
            "ec2:DescribeLaunchTemplateVersions",
            "ec2:DescribeSnapshots",
        ),
        "instantiate": (
            "drs:StartRecovery",
            "drs:UpdateLaunchConfiguration",
            "ec2:CreateTags",
            "ec2:ModifyInstanceAttribute",
            "ec2:ModifyLaunchTemplate",
            "ec2:StopInstances",
        ),
        "activate": (
            "drs:StartRecovery",
            "ec2:CreateTags",
            "ec2:ModifyLaunchTemplate",
            "ec2:StartInstances",
            "ec2:StopInstances",
        ),
        "cleanup": (
            "drs:StopReplication",
            "drs:TerminateRecoveryInstances",
            "ec2:CreateSnapshots",
            "ec2:CreateTags",
            "ec2:ModifyInstanceAttribute",
            "ec2:StopInstances",
            "ec2:TerminateInstances",
        ),
        "replicate": ("drs:ReverseReplication",),
        "rollback": ("ec2:CreateTags", "ec2:ModifyInstanceAttribute", "ec2:StartInstances", "ec2:StopInstances"),
    }

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Seen]:
        return observe(reader, pairs)

    # -- decide -------------------------------------------------------------------------------------------------------

    def active(self, seen: Seen) -> Active:
        """By the mark of ACTIVATE on the launched instance and by what runs; where both are marked, the one launched last."""
        if isinstance(seen.server, Unreachable):
            return Active.UNKNOWN
        source, machine = seen.source, seen.recovery.machine if seen.recovery else None
        if machine is not None and serves(seen.recovery):
            if (
                isinstance(source, Machine)
                and source.state == "running"
                and source.role == "active"
                and source.since >= machine.since
            ):
                return Active.BOTH if source.since == machine.since else Active.SOURCE
            return Active.TARGET
        if not isinstance(source, Machine):
            return Active.UNKNOWN
        if source.state in ("running", "pending"):
            return Active.SOURCE
        return Active.UNKNOWN if machine is not None and machine.state == "running" else Active.NEITHER

    def instantiate(self, seen: Seen, goal: Goal) -> Step:
        """A recovery instance of the source server stands in the target region, stopped unless it is launched to run."""
        region = goal.pair.target_region
        match seen.server:
            case Server() as server if serves(seen.recovery):
                return Done({**_outputs(server, seen), "role": "active"})
            case Server() as server if not seen.job:
                pass
            case Server():
                return Wait(f"{seen.job} in {region}", poll_seconds=60, timeout_seconds=LAUNCH_SECONDS)
            case _:
                return _no_server(seen, goal)
        if goal.planned and isinstance(seen.source, Unreachable):
            return dark(goal, goal.pair.source_region)
        machine = seen.recovery.machine if seen.recovery else None
        if machine is not None and machine.role in (*STANDBY, "active"):
            if machine.state == "shutting-down":
                return Wait(f"{machine.id} in {region} is ending", poll_seconds=15)
            return Done({**_outputs(server, seen), "role": "standby"})
        return failed_before(server, seen, goal, launch(server, seen, goal)) or launch(server, seen, goal)

    def activate(self, seen: Seen, goal: Goal) -> Step:
        """The source is stopped where it answers; what was launched from its last data is marked, started and checked."""
        pair, region = goal.pair, goal.pair.target_region
        match seen.server:
            case Server() as server if seen.recovery and serves(seen.recovery):
                return unchecked(seen.recovery, goal) or Done(_outputs(server, seen))
            case Server() as server if not seen.job:
                pass
            case Server():
                return Wait(f"{seen.job} in {region}", poll_seconds=60, timeout_seconds=LAUNCH_SECONDS)
            case _:
                return _no_server(seen, goal)
        if goal.planned and isinstance(seen.source, Unreachable):
            return dark(goal, pair.source_region)
        machine = seen.recovery.machine if seen.recovery else None
        quiet = not isinstance(seen.source, Machine) or seen.source.state == "stopped"
        if machine is None and not (quiet and seen.reason):
            why = f"nothing was launched from {server.id} in {region}" + (f"; {seen.reason}" if seen.reason else "")
            return Blocked(why, "run phase instantiate, then this one")
        marked = machine is not None and machine.role == "active"
        if marked and isinstance(seen.source, Machine) and seen.source.state == "running":
            return _undecided(seen.source, seen.recovery, goal)
        step = _fence(server, seen, goal)
        if step is not None:
            return step
        stale = machine is None or (not marked and is_stale(server, seen, goal))
        if isinstance(stale, Blocked):
            return stale
        if stale:
            again = launch(server, seen, goal, "launch it again, with the source's last data")
            lost = seen.recovery is None or seen.recovery.job != server.launch_job
            return (failed_before(server, seen, goal, again) if lost else None) or again
        if machine is None:
            raise AssertionError("machine is None")
        debt = f"stop {server.machine_id} in {pair.source_region}: it may still run" if isinstance(seen.source, Unreachable) else ""
        if machine.role != "active":
            mark, owed = f"active:{since(server, seen)}", debt if machine.state == "running" else ""
            return tag(machine.id, region, ROLE_TAG, mark, "mark it as the side that serves", debt=owed)
        match machine.state:
            case "stopped":
                return Call(
                    "ec2", "start_instances", region, {"InstanceIds": [machine.id]}, "start it", debt=debt, settle_seconds=10
                )
            case state:
                return Wait(f"{machine.id} in {region} is {state}", poll_seconds=10, timeout_seconds=900)

    def cleanup(self, seen: Seen, goal: Goal) -> Step:
        """The old source is stopped and kept apart, or removed after a final snapshot; what is launched into is never removed."""
        pair, region = goal.pair, goal.pair.source_region
        match seen.server, seen.source:
            case Server() as server, Machine() | None:
                pass
            case Server(), _:
                return Deferred(f"{region} does not answer: the old source is not stopped")
            case _:
                return _no_server(seen, goal)
        if self.active(seen) is not Active.TARGET or seen.recovery is None:
            why = f"it is not proven that {pair.target_region} serves: the active side is {self.active(seen).value}"
            return Blocked(why, f"run phase activate first; nothing was stopped in {region}")
        unproven = unchecked(seen.recovery, goal)
        if unproven is not None:
            return unproven
        if not server.machine_id:
            return Blocked(f"{server.hostname or server.id} is no EC2 instance", "shut it down where it runs")
        if seen.source is None:
            return Done({"source_instance_id": server.machine_id, "source": "gone"})
        source = seen.source
        step = _stop_source(source, goal, "its counterpart serves") or _quarantine(source, goal)
        kept = source.launch_into or source.id == option(pair, region, "launch_into")
        outputs = {"source_instance_id": source.id, "source": "quarantined", "instance_type": source.instance_type}
        if step is not None or goal.cleanup_policy != "remove":
            return step or Done(outputs)
        if kept:
            return Done({**outputs, "kept_because": "it is an instance that DRS may launch into"})
        return self._remove(server, source, seen, goal)

    def _remove(self, server: Server, source: Machine, seen: Seen, goal: Goal) -> Step:
        """Only the last of it: what was launched by DRS ends through DRS, and only after its successor is protected again."""
        region = goal.pair.source_region
        launched = bool(seen.source_recovery) and server.direction == "FAILBACK"
        if isinstance(seen.counterpart, Unreachable):
            return Deferred(f"DRS in {region} does not answer: {source.id} is stopped and not removed")
        if launched and not _protected(seen):
            why = f"{source.id} in {region} may not end before its successor is protected again"
            return Blocked(why, "run phase replicate, then this one again")
        match sorted(set(seen.snapshots)):
            case []:
                return Call("ec2", "create_snapshots", region, _snapshots(source.id), "take the final snapshot", settle_seconds=15)
            case states if "error" in states:
                return Blocked(f"a final snapshot of {source.id} failed", f"delete it in {region}, then run this phase again")
            case states if states != ["completed"]:
                return Wait("the final snapshot is being taken", poll_seconds=60, timeout_seconds=SYNC_SECONDS)
        if not launched:
            params: dict[str, Any] = {"InstanceIds": [source.id]}
            return Call("ec2", "terminate_instances", region, params, "terminate the old source", one_way=True, settle_seconds=15)
        if server.state != "STOPPED":
            params = {"sourceServerID": server.id}
            return Call("drs", "stop_replication", goal.pair.target_region, params, "end its replication", one_way=True)
        if seen.source_job:
            return Wait(f"{seen.source_job} in {region}", poll_seconds=30)
        params = {"recoveryInstanceIDs": [seen.source_recovery]}
        why = "terminate the old source"
        return Call("drs", "terminate_recovery_instances", region, params, why, one_way=True, settle_seconds=15)

    def replicate(self, seen: Seen, goal: Goal) -> Step:
        """What serves now is replicated to the region it came from, until a launch there is possible."""
        region = goal.pair.source_region
        match seen.server, seen.source, seen.counterpart:
            case Server() as server, Machine() | None, Server() | None as back:
                pass
            case Server(), _, _:
                return Deferred(f"{region} does not answer: {goal.pair.target_region} is not protected yet")
            case _:
                return _no_server(seen, goal)
        if self.active(seen) is not Active.TARGET or seen.recovery is None:
            why = f"{goal.pair.target_region} does not serve: the active side is {self.active(seen).value}"
            return Blocked(why, "run phase activate first")
        if seen.recovery.on_premises or not server.machine_id:
            return Blocked("only servers that came from EC2 can be replicated back by API", "use the DRS failback client")
        if not seen.source_initialised:
            why = f"Elastic Disaster Recovery was never initialised in {region}"
            return Blocked(why, f"aws drs initialize-service --region {region}, then run this phase again")
        if not _protected(seen):
            params = {"recoveryInstanceID": seen.recovery.id}
            why = f"replicate it to {region}"
            return Call("drs", "reverse_replication", goal.pair.target_region, params, why, settle_seconds=30)
        if not isinstance(back, Server):
            raise AssertionError("back is no Server")
        outputs = {"failback_source_server_id": back.id, "replication_state": back.state, "lag_seconds": back.lag_seconds}
        match back.state, seen.recovery.failback:
            case "CONTINUOUS", _:
                return Done(outputs)
            case _, "FAILBACK_READY_FOR_LAUNCH":
                return Done({**outputs, "replication_state": "READY"})
            case _, "FAILBACK_ERROR":
                return Blocked(f"replication to {region} failed: {back.error or 'no reason given'}", look(back.id, region))
            case state, _ if state in SYNCING:
                return Wait(f"{back.id} in {region} is {state}", poll_seconds=60, timeout_seconds=SYNC_SECONDS)
            case state, _:
                return Blocked(f"{back.id} in {region} is {state} {back.error}".strip(), look(back.id, region))

    def rollback(self, seen: Seen, goal: Goal) -> Step:
        """The target stops, then the source starts with its own data: possible until replication was reversed."""
        pair, region = goal.pair, goal.pair.source_region
        match seen.server, seen.source:
            case Server(), Unreachable():
                return Blocked(f"{region} does not answer: nothing could take over", "wait until it answers, then roll back")
            case Server(machine_id=ident), None:
                return Blocked(f"the old source {ident or 'outside EC2'} is not there to go back to", "fail back instead")
            case Server() as server, Machine() as source:
                pass
            case _:
                return _no_server(seen, goal)
        machine = seen.recovery.machine if seen.recovery else None
        if isinstance(seen.counterpart, Unreachable | Server) and _protected(seen):
            return Blocked("replication is reversed already: the old source is no longer the newer one", "fail back instead")
        if machine is not None and machine.role == "active" and not pair.settings.get("discard_target_writes"):
            why = f"{machine.id} in {pair.target_region} has served: going back loses what was written there"
            return Blocked(why, "set discard_target_writes: true to accept that, or fail back")
        if machine is not None and machine.state in ("running", "pending", "stopping"):
            if machine.state != "running":
                return Wait(f"{machine.id} in {pair.target_region} is {machine.state}", poll_seconds=10, timeout_seconds=900)
            params = {"InstanceIds": [machine.id]}
            return Call("ec2", "stop_instances", pair.target_region, params, "stop it before its source starts", settle_seconds=10)
        if machine is not None and machine.role == "active":
            return tag(machine.id, pair.target_region, ROLE_TAG, "fenced", "it serves no more")
        return _restart(source, since(server, seen), goal) or Done({"source_instance_id": source.id, "source": "running"})

    def health(self, seen: Seen, goal: Goal) -> Health:
        """Runs, passes EC2's status checks and DRS's launch actions; that the old source is stopped is wanted but not required."""
        recovery = seen.recovery
        machine = recovery.machine if recovery else None
        if recovery is None or machine is None:
            return Health((Check("launched", False, f"no recovery instance in {goal.pair.target_region}"),))
        checks = [
            Check("running", machine.state == "running", f"{machine.id} is {machine.state}"),
            Check("status_checks", machine.checks == "ok", machine.checks),
            Check("launch_actions", not recovery.failed_actions, "; ".join(recovery.failed_actions)),
        ]
        if isinstance(seen.source, Machine):
            source = seen.source
            checks.append(Check("source_stopped", source.state not in ("running", "pending"), f"{source.id} is {source.state}"))
        return Health(tuple(checks), required=("running", "status_checks", "launch_actions"))

    def capture(self, seen: Seen, pair: Pair) -> Mapping[str, Any]:
        """Which machine is protected how; nothing of it is needed to fail over, people want to read it then."""
        if not isinstance(seen.server, Server):
            return {}
        found: dict[str, Any] = {"source_server_id": seen.server.id, "source_instance_id": seen.server.machine_id}
        if isinstance(seen.source, Machine):
            found |= {"instance_type": seen.source.instance_type, "private_ip": seen.source.private_ip}
        return {**found, "lag_seconds": seen.server.lag_seconds}


# -- machines ---------------------------------------------------------------------------------------------------------


def _fence(server: Server, seen: Seen, goal: Goal) -> Step | None:
    """Stops the source where it answers; planned, everything it wrote must have arrived."""
    pair = goal.pair
    source = seen.source
    if isinstance(source, Machine) and source.state == "running" and goal.planned:
        lag = server.lag_seconds
        if server.state != "CONTINUOUS" or lag is None or not 0 <= lag <= pair.rpo_seconds:
            known = "unknown" if lag is None or lag < 0 else f"{lag:.0f} s"
            why = f"{server.id} is {server.state} {server.error}".strip() + f", its lag {known}; {pair.rpo_seconds} s are allowed"
            return Blocked(why, "quiet the source until replication is CONTINUOUS, or raise dr:rpo-target; nothing was stopped")
    if isinstance(source, Machine):
        step = _stop_source(source, goal, "so that only one side serves")
        if step is None and source.role == "active":
            step = tag(source.id, pair.source_region, ROLE_TAG, "fenced", "it serves no more")
        if step is not None:
            return step
    if not goal.planned:
        return None
    if not server.machine_id and server.state not in SILENT:
        return Blocked(
            f"{server.hostname or server.id} is no EC2 instance and still runs", "shut it down where it runs, then resume"
        )
    if server.backlog_bytes is None:
        return Blocked(f"DRS does not say how much of {server.id} is still to arrive", look(server.id, pair.target_region))
    if server.backlog_bytes > 0:
        left = f"{server.backlog_bytes} bytes of {server.id} have not arrived"
        if server.state in SILENT:
            return Blocked(f"{left} and its source is stopped", "start the source, quiet it until the backlog is 0, then resume")
        return Wait(left, poll_seconds=30, timeout_seconds=DRAIN_SECONDS)
    return None


def _undecided(source: Machine, recovery: Recovery | None, goal: Goal) -> Blocked:
    """What served was stopped and its source was started: each has data that the other lacks."""
    pair, ident = goal.pair, recovery.instance_id if recovery else ""
    why = f"{ident} in {pair.target_region} has served and is stopped, while {source.id} in {pair.source_region} runs"
    keep = f"stop {source.id} to go on with the data of {ident}"
    drop = f"aws ec2 delete-tags --region {pair.target_region} --resources {ident} --tags Key={ROLE_TAG}"
    return Blocked(why, f"{keep}; or, to go on with the data of {source.id}: {drop}; then resume")


def _stop_source(source: Machine, goal: Goal, why: str) -> Step | None:
    region = goal.pair.source_region
    match source:
        case Machine(state="stopped"):
            return None
        case Machine(state="running", group=group) if group:
            what = f"{source.id} belongs to Auto Scaling group {group}, which would replace it when it stops"
            return Blocked(what, f"aws autoscaling detach-instances --region {region} --instance-ids {source.id} …, then resume")
        case Machine(state="running"):
            return Call("ec2", "stop_instances", region, {"InstanceIds": [source.id]}, f"stop the source, {why}", settle_seconds=10)
    return Wait(f"{source.id} in {region} is {source.state}", poll_seconds=10, timeout_seconds=900)


def _quarantine(source: Machine, goal: Goal) -> Step | None:
    region, groups = goal.pair.source_region, source.security_groups
    wanted = option(goal.pair, region, "quarantine_security_group")
    apart = not wanted or groups == (wanted,)
    if not apart and source.previous_groups != groups:
        return tag(source.id, region, GROUPS_TAG, " ".join(groups), "remember its security groups")
    if not apart:
        params = {"InstanceId": source.id, "Groups": [wanted]}
        return Call("ec2", "modify_instance_attribute", region, params, "quarantine it")
    return None if source.role == "quarantined" else tag(source.id, region, ROLE_TAG, "quarantined", "mark it as the old source")


def _restart(source: Machine, since: str, goal: Goal) -> Step | None:
    region = goal.pair.source_region
    released = release(source, region)
    if released is not None:
        return released
    if source.role not in ("", "active"):
        return tag(source.id, region, ROLE_TAG, f"active:{since}", "mark it as the side that serves")
    if source.state == "stopped":
        return Call("ec2", "start_instances", region, {"InstanceIds": [source.id]}, "start the source again", settle_seconds=10)
    if source.state != "running":
        return Wait(f"{source.id} in {region} is {source.state}", poll_seconds=10, timeout_seconds=900)
    return None


def _protected(seen: Seen) -> bool:
    """Whether replication back was begun. On the way back the first server is pointed at the new machine, and where that is
    the original one again only the recovery instance's own state tells."""
    begun = seen.recovery is not None and seen.recovery.replication not in ("", "NOT_STARTED", "REPLICATION_STATE_NOT_AVAILABLE")
    back = isinstance(seen.server, Server) and seen.server.direction == "FAILBACK"
    return isinstance(seen.counterpart, Server) and (begun or not back)


def _snapshots(ident: str) -> dict[str, Any]:
    tags = [{"Key": SNAPSHOT_TAG, "Value": ident}]
    described = f"final snapshot of {ident}"
    specifications = [{"ResourceType": "snapshot", "Tags": tags}]
    return {"InstanceSpecification": {"InstanceId": ident}, "Description": described, "TagSpecifications": specifications}


# -- words ------------------------------------------------------------------------------------------------------------


def _no_server(seen: Seen, goal: Goal) -> Step:
    pair, region = goal.pair, goal.pair.target_region
    if isinstance(seen.server, Unreachable):
        return dark(goal, region)
    if not seen.initialised:
        why = f"Elastic Disaster Recovery was never initialised in {region}"
        return Blocked(why, f"aws drs initialize-service --region {region}, then protect {pair.key}")
    return Blocked(f"no source server in {region} protects {pair.key} ({pair.target_id})", "protect it, or correct its tags")


def _outputs(server: Server, seen: Seen) -> dict[str, Any]:
    recovery = seen.recovery
    if recovery is None:
        raise AssertionError("recovery is None")
    machine = recovery.machine
    taken = recovery.point_in_time
    return {
        "source_server_id": server.id,
        "recovery_instance_id": recovery.id,
        "ec2_instance_id": recovery.instance_id,
        "job_id": recovery.job,
        "private_ip": machine.private_ip if machine else "",
        "status_checks": machine.checks if machine else "unknown",
        "point_in_time": taken.isoformat() if taken else None,
        "data_age_seconds": (server.last_seen - taken).total_seconds() if taken and server.last_seen else None,
        "lag_seconds": server.lag_seconds,
        "replication_state": server.state,
        "direction": server.direction,
    }
