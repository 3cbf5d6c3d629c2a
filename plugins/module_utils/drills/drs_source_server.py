# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A drill of a server under Elastic Disaster Recovery: a drill instance, launched into the drill room from its newest data.

DRS launches where the default version of the server's EC2 launch template says, in a drill too. The drill makes a version for the
room the default one, launches, and makes production's the default again as soon as the launch has ended: the phase is not done
before. Facts: the DRS API reference and user guide (ec2-key-considerations, monitoring-recovery-instances).
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from ..adapters.base import Merge, Reader, dark
from ..model import Blocked, Call, Done, Goal, Pair, Step, Unreachable, Wait
from ..parts.drs_launch import LAUNCH_SECONDS, pointless, unchecked
from ..parts.drs_state import Server
from ..parts.drs_template import BEFORE_TAG, SERVER_TAG, Version, restored
from . import room
from .base import AGAIN, DRILL_TAG, Drill, Touch, drill_id, name, together
from .drs_seen import Seen, observed
from .launch import isolated

#: Tags that DRS puts into a launch template begin so: they must stay in it.
MANAGED = "AWSElasticDisasterRecovery"
#: Of a launch configuration: what would act outside the room, and the setting `drill.<name>` that accepts it.
ACTING = {"postLaunchEnabled": "post_launch", "copyTags": "copy_tags"}


class DrsSourceServerDrill(Drill):
    """Drill instances of source servers.

    Settings (`drill.<name>`): post_launch, copy_tags (false): a launch configuration that runs launch actions or copies tags is
    accepted. instance_profile (dr-drill; "" for none), instance_type, public_ip (false).
    """

    technology = "drs"
    sized_by: ClassVar[Mapping[str, str]] = {"instance_type": "instance_type"}
    busy = frozenset({"ConflictException", "ServiceQuotaExceededException", "IncorrectInstanceState"})
    durations: ClassVar[Mapping[str, int]] = {"instantiate": 1200, "activate": 300, "cleanup": 300}
    merges: ClassVar[Mapping[tuple[str, str], Merge]] = {
        ("drs", "start_recovery"): Merge("sourceServers", 100, jobs=20, items=500),
        ("drs", "terminate_recovery_instances"): Merge("recoveryInstanceIDs", 100, jobs=20, items=500),
        ("ec2", "start_instances"): Merge("InstanceIds", 50),
    }
    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "observe": (
            *room.ACTIONS,
            "drs:DescribeJobLogItems",
            "drs:DescribeJobs",
            "drs:DescribeRecoveryInstances",
            "drs:DescribeSourceServers",
            "drs:GetLaunchConfiguration",
            "ec2:DescribeInstanceStatus",
            "ec2:DescribeInstances",
            "ec2:DescribeLaunchTemplateVersions",
        ),
        "instantiate": ("drs:StartRecovery", "ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate"),
        "activate": ("ec2:StartInstances",),
        "cleanup": ("drs:TerminateRecoveryInstances", "ec2:DeleteLaunchTemplateVersions", "ec2:ModifyLaunchTemplate"),
    }
    touches: ClassVar[Mapping[tuple[str, str], Touch]] = {
        ("ec2", "create_launch_template_version"): Touch(
            ("LaunchTemplateId VersionDescription",), "LaunchTemplateData.TagSpecifications.Tags"
        ),
        ("ec2", "modify_launch_template"): Touch(("LaunchTemplateId DefaultVersion",)),
        ("ec2", "delete_launch_template_versions"): Touch(("LaunchTemplateId Versions",)),
        ("drs", "start_recovery"): Touch((f"sourceServers.sourceServerID isDrill tags.{DRILL_TAG}",)),
        ("ec2", "start_instances"): Touch(("InstanceIds",)),
        ("drs", "terminate_recovery_instances"): Touch(("recoveryInstanceIDs",)),
    }

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Seen]:
        return observed(reader, pairs)

    def own(self, seen: Seen, goal: Goal) -> Collection[str]:
        """What it launched; versions that it made, and production's while one of them is the default; and the server's launch,
        as a drill, while that leads into the room and nothing would be lost by it."""
        pair, default, copy = goal.pair, seen.default, seen.copy
        mine = {copy.id, copy.instance_id} if copy else set()
        for one in seen.made(pair):
            mine.add(together({"LaunchTemplateId": one.template_id, "DefaultVersion": one.number}))
            mine.add(together({"LaunchTemplateId": one.template_id, "Versions": one.number}))
        if default and default.before:
            mine.add(together({"LaunchTemplateId": default.template_id, "DefaultVersion": default.before}))
        elif default:
            mine.add(together({"LaunchTemplateId": default.template_id, "VersionDescription": _described(default, pair)}))
        ready = default in seen.made(pair) and default is not None and _leads_into(seen.room, default)
        if ready and not seen.others and isinstance(seen.server, Server):
            launched = {"sourceServers.sourceServerID": seen.server.id, "isDrill": True, f"tags.{DRILL_TAG}": drill_id(pair)}
            mine.add(together(launched))
        return mine

    def make(self, seen: Seen, goal: Goal) -> Step:
        """The room's version is the default, the drill is launched, and production's version is the default again."""
        region, default = goal.pair.target_region, seen.default
        if (unseen := _unseen(seen, goal)) is not None:
            return unseen
        if seen.busy:
            return _waited(seen.busy, region)
        ended = _ended(seen, goal)
        if ended is None and seen.job:
            return _waited(seen.job, region)
        ended = ended or _refused(seen, goal)
        if default is None:
            return ended or dark(goal, region)
        if ended and default.before:
            return restored(default, region)
        return ended or self._launch(seen, goal, default)

    def _launch(self, seen: Seen, goal: Goal, default: Version) -> Step:
        """What follows once nothing stands against it."""
        pair, region = goal.pair, goal.pair.target_region
        made = [one for one in seen.made(pair) if _leads_into(seen.room, one)]
        if default in made:
            params: dict[str, Any] = {
                "sourceServers": [{"sourceServerID": pair.target_id}],
                "isDrill": True,
                "tags": {DRILL_TAG: drill_id(pair)},
            }
            return Call("drs", "start_recovery", region, params, "launch it as a drill", settle_seconds=15)
        if default.before:
            return restored(default, region)
        ready = [one for one in made if one.before == str(default.number)]
        if ready:
            params = {"LaunchTemplateId": default.template_id, "DefaultVersion": str(ready[-1].number)}
            return Call("ec2", "modify_launch_template", region, params, "let the next launch go into the drill room")
        params = {
            "LaunchTemplateId": default.template_id,
            "VersionDescription": _described(default, pair),
            "LaunchTemplateData": _data(default, seen, pair),
        }
        return Call("ec2", "create_launch_template_version", region, params, "a version of its launch template for the drill room")

    def serve(self, seen: Seen, goal: Goal) -> Step:
        """The drill instance runs and passes its status checks."""
        region, copy = goal.pair.target_region, seen.copy
        if (unseen := _unseen(seen, goal)) is not None:
            return unseen
        if copy is None:
            return Blocked(f"nothing was launched from {goal.pair.target_id}: no copy", "run phase instantiate of this drill first")
        if (strayed := _strayed(seen, goal)) is not None:
            return strayed
        machine = copy.machine
        match machine.state if machine else "gone":
            case "gone":
                return Blocked(f"the copy {copy.id} in {region} is gone", AGAIN)
            case "stopped":
                params = {"InstanceIds": [copy.instance_id]}
                return Call("ec2", "start_instances", region, params, "start the copy", settle_seconds=10)
            case "running":
                at = copy.point_in_time.isoformat() if copy.point_in_time else ""
                address = machine.private_ip if machine else ""
                outputs = {"copy": copy.id, "ec2_instance_id": copy.instance_id, "private_ip": address, "data_from": at}
                return unchecked(copy, goal) or Done({**outputs, "job_id": copy.job})
            case state:
                return Wait(f"the copy {copy.id} in {region} is {state}", poll_seconds=10, timeout_seconds=900)

    def remove(self, seen: Seen, goal: Goal) -> Step:
        """Production's version is the default again; then what was launched goes, then the versions that were made for it."""
        region, default, copy = goal.pair.target_region, seen.default, seen.copy
        if isinstance(seen.server, Unreachable):
            return dark(goal, region)
        if seen.busy:  # a launch that has not ended goes where the default version says
            return _waited(seen.busy, region)
        if default and default.before:
            return restored(default, region)
        if seen.job:
            return _waited(seen.job, region)
        if copy:
            params: dict[str, Any] = {"recoveryInstanceIDs": [copy.id]}
            return Call("drs", "terminate_recovery_instances", region, params, "remove the copy", settle_seconds=15)
        if seen.machines:
            return Wait(f"{seen.machines[0].id} in {region} is {seen.machines[0].state}", poll_seconds=15)
        if made := seen.made(goal.pair):
            params = {"LaunchTemplateId": made[0].template_id, "Versions": [str(one.number) for one in made]}
            return Call("ec2", "delete_launch_template_versions", region, params, "delete its version of the launch template")
        return Done({"copy": "removed"})


def _waited(job: str, region: str) -> Wait:
    return Wait(f"{job} in {region}", poll_seconds=30, timeout_seconds=LAUNCH_SECONDS)


def _described(default: Version, pair: Pair) -> str:
    return f"{name(pair)}, a drill; before it, version {default.number} was the default"


def _data(default: Version, seen: Seen, pair: Pair) -> dict[str, Any]:
    """The launch data of the copy: drills are spread over the room's subnets."""
    if not isinstance(seen.room, room.Room):
        raise AssertionError("there is no room")
    subnets = seen.room.subnets
    kept = [{"Key": key, "Value": value} for key, value in default.tags.items() if key.startswith(MANAGED)]
    left = [{"Key": BEFORE_TAG, "Value": str(default.number)}, {"Key": SERVER_TAG, "Value": pair.target_id}]
    return isolated(default.data, seen.room, pair, subnets[zlib.crc32(name(pair).encode()) % len(subnets)], [*kept, *left])


def _leads_into(here: room.Seen, version: Version) -> bool:
    """Whether a version launches into the drill room, and nowhere else."""
    cards = version.data.get("NetworkInterfaces", ())
    places = {card.get("SubnetId", "") for card in cards}
    groups = {group for card in cards for group in card.get("Groups", ())}
    return isinstance(here, room.Room) and bool(places and groups) and places <= set(here.subnets) and groups <= set(here.groups)


def _ended(seen: Seen, goal: Goal) -> Step | None:
    """How the launch ended, None where there was none."""
    if seen.copy:
        return Done({"copy": seen.copy.id, "ec2_instance_id": seen.copy.instance_id, "job_id": seen.copy.job})
    if seen.failed:
        why = f"{goal.pair.target_id} could not be launched in {goal.pair.target_region}: {seen.failed}"
        return Blocked(why, AGAIN)
    return None


def _strayed(seen: Seen, goal: Goal) -> Blocked | None:
    """What was launched is not in the room: somebody has changed the launch template meanwhile."""
    machine = seen.copy.machine if seen.copy else None
    if machine is None or not isinstance(seen.room, room.Room) or set(machine.security_groups) <= set(seen.room.groups):
        return None
    why = f"{machine.id} in {goal.pair.target_region} has the security groups {', '.join(machine.security_groups)}: not the room's"
    return Blocked(why, AGAIN)


def _unseen(seen: Seen, goal: Goal) -> Step | None:
    region = goal.pair.target_region
    if isinstance(seen.server, Unreachable):
        return dark(goal, region)
    if seen.server is None:
        return Blocked(f"no source server {goal.pair.target_id} in {region}", "protect it, or correct its tags")
    return None


def _refused(seen: Seen, goal: Goal) -> Step | None:
    """What stands against a launch."""
    pair, region = goal.pair, goal.pair.target_region
    for one in seen.others:
        kind = "drill instance" if one.drill else "recovery instance"
        why = f"{kind} {one.id} in {region} was launched from {pair.target_id} before: DRS would remove it with the next launch"
        end = f"aws drs terminate-recovery-instances --region {region} --recovery-instance-ids {one.id}"
        return Blocked(why, f"where it is not needed any more: {end}")
    config = seen.config
    if config is None or not isinstance(seen.server, Server):
        return dark(goal, region)
    if unready := pointless(seen.server, region):
        return unready
    into = config.get("launchIntoInstanceProperties", {}).get("launchIntoEC2InstanceID")
    if into:
        why = f"{pair.target_id} is launched into {into}: a drill would replace the disks of that instance"
        return Blocked(why, "leave it out of the drill, or launch it into an instance of its own")
    for member, setting in ACTING.items():
        if config.get(member) and not pair.settings.get("drill", {}).get(setting):
            why = f"the launch configuration of {pair.target_id} has {member}: that acts on the copy as on production"
            return Blocked(
                why, f"switch it off, or set `drill.{setting}: true` for {pair.key} where it reaches nothing of production"
            )
    if seen.default is None:
        template = config.get("ec2LaunchTemplateID", "")
        return Blocked(f"the launch template {template} of {pair.target_id} does not exist in {region}", "see its launch settings")
    return room.refused(seen.room, goal, seen.vpcs)
