# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Launching recovery instances: what stands against it, how it is configured, and whether what was launched is recent enough."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ..model import Blocked, Call, Goal, Step, Unreachable, Wait
from . import drs_template
from .drs_state import LAUNCH_INTO_TAG, ROLE_TAG, STANDBY, Machine, Recovery, Seen, Server, into_id, option

#: A launch takes 10 to 20 minutes. Where the source can neither be stopped nor is silent, a launch of this age is recent enough.
LAUNCH_SECONDS = 3600
#: Replication states: nothing to launch from yet, and an agent that is not heard.
BEGINNING = ("INITIATING", "INITIAL_SYNC")
SILENT = ("STALLED", "DISCONNECTED")
#: Of a launch configuration, by the setting that asks for it.
CONFIGURED = {
    "right_sizing": "targetInstanceTypeRightSizingMethod",
    "copy_private_ip": "copyPrivateIp",
    "copy_tags": "copyTags",
    "recovery_mode": "recoveryMode",
    "post_launch": "postLaunchEnabled",
}


def launch(server: Server, seen: Seen, goal: Goal, why: str = "launch a recovery instance") -> Step:
    """Take back what a drill has left, configure, stop what is launched into, launch; or what stands against it."""
    region = goal.pair.target_region
    unready = pointless(server, region)
    if unready:
        return unready
    if seen.template:
        return drs_template.restored(seen.template, region)
    into = into_id(seen, goal.pair)
    if into:
        step = _into(server, into, seen, goal)
        if step is not None:
            return step
    params = _configure(seen, goal, into)
    if params:
        params = {"sourceServerID": server.id, **params}
        return Call("drs", "update_launch_configuration", region, params, "set how it is launched")
    params = {"sourceServers": [{"sourceServerID": server.id}], "isDrill": False}
    return Call("drs", "start_recovery", region, params, why, settle_seconds=15)


def pointless(server: Server, region: str) -> Blocked | None:
    """Why nothing can be launched from a server: it has no point in time; None when it can."""
    if server.state != "STOPPED" and server.state not in BEGINNING:
        return None
    remedy = "start replication" if server.state == "STOPPED" else "wait until it is CONTINUOUS"
    why = f"{server.id} in {region} is {server.state}: there is no point in time to launch from"
    return Blocked(why, f"{remedy}, then resume")


def _into(server: Server, into: str, seen: Seen, goal: Goal) -> Step | None:
    """The prerequisites of an instance that is launched into (AWS user guide, default-drs-launch-into-source-instance)."""
    region, consent = goal.pair.target_region, "=".join(LAUNCH_INTO_TAG)
    machine = seen.into or (seen.recovery.machine if seen.recovery and seen.recovery.instance_id == into else None)
    if machine is None:
        return Blocked(f"{into} in {region}, which is to be launched into, does not exist", "correct the setting launch_into")
    unlike = [
        f"{name} is {is_} and not {wanted}"
        for name, is_, wanted in (
            ("its architecture", machine.architecture, server.architecture),
            ("its platform", *("windows" if windows else "linux" for windows in (machine.windows, server.windows))),
            ("its root device", machine.root_device, "ebs"),
            ("its virtualization", machine.virtualization, "hvm"),
            ("its boot mode", machine.boot_mode if not machine.windows else "", "legacy-bios"),
        )
        if is_ and wanted and is_ != wanted
    ]
    match machine:
        case Machine(launch_into=False):
            key, value = LAUNCH_INTO_TAG
            command = f"aws ec2 create-tags --region {region} --resources {into} --tags Key={key},Value={value}"
            return Blocked(f"{into} in {region} is not tagged {consent}", f"{command}, then resume; its disks will be replaced")
        case Machine() if unlike:
            return Blocked(
                f"{into} in {region} cannot be launched into: {', '.join(unlike)}", "name another instance in launch_into"
            )
        case Machine(role="active"):
            return Blocked(
                f"{into} in {region} serves: launching into it would replace its disks", "name another instance in launch_into"
            )
        case Machine(group=group) if group:
            return Blocked(f"{into} belongs to Auto Scaling group {group}, which would replace it when it stops", "detach it")
        case Machine(state="running"):
            params = {"InstanceIds": [into]}
            return Call("ec2", "stop_instances", region, params, "stop what is launched into", settle_seconds=10)
        case Machine(state=state) if state != "stopped":
            return Wait(f"{into} in {region} is {state}", poll_seconds=15, timeout_seconds=900)
    if machine.role not in STANDBY:  # the old source of an earlier cycle
        return release(machine, region) or tag(into, region, ROLE_TAG, "standby", "mark it as the side that stands by")
    return None


def _configure(seen: Seen, goal: Goal, into: str | None) -> dict[str, Any]:
    """What of the launch configuration is to be changed."""
    if seen.config is None:
        return {}
    pair, region = goal.pair, goal.pair.target_region
    wanted: dict[str, Any] = {"launchDisposition": option(pair, region, "launch_disposition", "STOPPED")}
    wanted |= {name: option(pair, region, setting) for setting, name in CONFIGURED.items()}
    if into:
        wanted |= {"copyPrivateIp": False, "copyTags": False}
        wanted |= {"launchIntoInstanceProperties": {"launchIntoEC2InstanceID": into}}
    return {name: value for name, value in wanted.items() if value is not None and seen.config.get(name) != value}


def failed_before(server: Server, seen: Seen, goal: Goal, again: Step) -> Step | None:
    """The last launch failed and this says why: the end of it, unless this run has not tried yet."""
    if not server.launch_failed:
        return None
    why = f"{server.hostname or server.id} could not be launched in {goal.pair.target_region}: {seen.reason}"
    return Blocked(
        why, "correct what the job's log names, then resume this execution", retry=again if isinstance(again, Call) else None
    )


def is_stale(server: Server, seen: Seen, goal: Goal) -> bool | Blocked:
    """Whether what was launched lacks data that DRS has: a recovery instance is frozen at the snapshot it was launched from.

    Nothing newer can exist when the launch began after the source was last heard of and stopped.
    """
    recovery = seen.recovery
    if recovery is None:
        raise AssertionError("recovery is None")
    stopped = seen.source.stopped_at if isinstance(seen.source, Machine) else None
    last: datetime | None = max((at for at in (server.last_seen, stopped) if at is not None), default=None)
    begun = server.launched_at if server.launch_job == recovery.job else recovery.point_in_time
    if last is None or begun is None:
        if goal.planned:
            why = f"DRS does not say when {server.id} was last seen or launched: that nothing is lost cannot be proven"
            return Blocked(why, f"{look(server.id, goal.pair.target_region)}, or run with mode=unplanned")
        return False
    if begun >= last:
        return False
    lost = (last - (recovery.point_in_time or begun)).total_seconds()
    if not goal.planned and isinstance(seen.source, Unreachable) and server.state not in SILENT:
        return lost > max(LAUNCH_SECONDS, goal.pair.rpo_seconds)
    return goal.planned or lost > goal.pair.rpo_seconds


def since(server: Server, seen: Seen) -> str:
    """When what stands in the target region was launched, as text that sorts by time; "" when nobody knows."""
    recovery = seen.recovery
    if recovery is None:
        return ""
    begun = server.launched_at if server.launch_job == recovery.job else recovery.point_in_time
    return begun.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if begun else ""


def release(machine: Machine, region: str) -> Call | None:
    """An instance that was quarantined gets its security groups back."""
    groups = machine.previous_groups
    if not groups or machine.security_groups == groups:
        return None
    params: dict[str, Any] = {"InstanceId": machine.id, "Groups": list(groups)}
    return Call("ec2", "modify_instance_attribute", region, params, "give it its security groups back")


def tag(ident: str, region: str, key: str, value: str, why: str, debt: str = "") -> Call:
    """One tag on one instance."""
    return Call("ec2", "create_tags", region, {"Resources": [ident], "Tags": [{"Key": key, "Value": value}]}, why, debt=debt)


def look(server: str, region: str) -> str:
    """A command that shows a source server."""
    return f"aws drs describe-source-servers --region {region} --filters sourceServerIDs={server}"


def unchecked(recovery: Recovery, goal: Goal) -> Step | None:
    """What is left to be proven of an instance that runs: EC2's status checks and DRS's launch actions."""
    machine, region = recovery.machine, goal.pair.target_region
    if recovery.failed_actions:
        return Blocked(f"launch actions failed on {recovery.id}: {'; '.join(recovery.failed_actions)}", "repair it, then resume")
    match machine.checks if machine else "unknown":
        case "ok":
            return None
        case "impaired":
            return Blocked(
                f"{recovery.id} in {region} runs, but its status checks are impaired",
                f"aws ec2 get-console-output --region {region} --instance-id {recovery.id}",
            )
        case checks:
            return Wait(f"status checks of {recovery.id} in {region} are {checks}", poll_seconds=15, timeout_seconds=1200)
