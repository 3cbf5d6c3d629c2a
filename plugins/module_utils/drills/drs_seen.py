# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the drill of a source server sees: its jobs, what was launched, and how the next launch would go. Target region only."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..adapters.base import Reader
from ..model import UNREACHABLE, Pair, Unreachable
from ..parts.drs_state import Machine as Instance
from ..parts.drs_state import Recovery, Region, Server, in_flight, reason, with_actions
from ..parts.drs_template import Version, versions
from . import room
from .base import DRILL_TAG, carries, drill_id
from .launch import Machine, living


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything in the target region.

    busy: a job that has not taken the server yet. job: one that has not ended, also where it has taken this server. failed: why the
    drill's last launch failed. copy: what the drill has launched. others: what else was launched from the server. config: its
    launch configuration. versions: of its launch template. vpcs: where production's version launches. machines: EC2 instances with
    the drill's tags.
    """

    room: room.Seen
    server: Server | Unreachable | None
    busy: str = ""
    job: str = ""
    failed: str = ""
    copy: Recovery | None = None
    others: tuple[Recovery, ...] = ()
    config: Mapping[str, Any] | None = None
    versions: tuple[Version, ...] = ()
    vpcs: Collection[str] = ()
    machines: tuple[Machine, ...] = ()

    @property
    def default(self) -> Version | None:
        """The version that a launch takes now."""
        return next((one for one in self.versions if one.default), None)

    def made(self, pair: Pair) -> list[Version]:
        """Versions that the drill has made."""
        return [one for one in self.versions if one.before and carries(one.tags, pair)]


def observed(reader: Reader, pairs: Sequence[Pair]) -> dict[str, Seen]:
    """Pair key -> Seen. Jobs are read before what they launched: a launch that ended is then never without its instance."""
    account, name_of = pairs[0].account, pairs[0].target_region
    here, there = room.observe(reader, account, name_of), Region(reader, account, name_of)
    lost = dict.fromkeys((pair.key for pair in pairs), Seen(here, UNREACHABLE))
    found = there.servers([pair.target_id for pair in pairs])
    if isinstance(found, Unreachable):
        return lost
    servers = {pair.key: found[pair.target_id] for pair in pairs if found and pair.target_id in found}
    jobs = there.jobs(servers.values())
    launched = there.launched([server.id for server in servers.values()])
    machines = living(reader, pairs)
    if isinstance(jobs, Unreachable) or isinstance(launched, Unreachable) or isinstance(machines, Unreachable):
        return lost
    older = there.jobs((), {one.job for each in launched.values() for one in each} - set(jobs))
    instances = there.machines((one.instance_id for each in launched.values() for one in each if one.drill), with_checks=True)
    if isinstance(older, Unreachable) or isinstance(instances, Unreachable):
        return lost
    jobs = {**older, **jobs}

    def seen(pair: Pair) -> Seen:
        server = servers.get(pair.key)
        mine = tuple(machines.get(pair.key, ()))
        if server is None:
            return Seen(here, None, machines=mine)
        own = {ident: job for ident, job in jobs.items() if job.get("tags", {}).get(DRILL_TAG) == drill_id(pair)}
        each = launched.get(server.id, [])
        copy = next((one for one in each if one.drill and one.job in own), None)
        one = Seen(
            here,
            server,
            busy=in_flight(jobs, server.id),
            job=_unfinished(jobs, server.id),
            failed=_failed(there, own, server.id),
            copy=_with_machine(with_actions(copy, jobs), instances),
            others=tuple(other for other in each if other is not copy),
            machines=mine,
        )
        return one if one.busy else _with_template(reader, there, one, server)

    return {pair.key: seen(pair) for pair in pairs}


def _with_machine(copy: Recovery | None, instances: Mapping[str, Instance]) -> Recovery | None:
    return replace(copy, machine=instances.get(copy.instance_id)) if copy else None


def _with_template(reader: Reader, there: Region, seen: Seen, server: Server) -> Seen:
    """With how it would be launched."""
    config = there.configuration(server.id)
    if isinstance(config, Unreachable):
        return replace(seen, server=UNREACHABLE)
    found = versions(reader, there.account, there.region, config.get("ec2LaunchTemplateID", ""))
    if isinstance(found, Unreachable):
        return replace(seen, server=UNREACHABLE)
    before = {one.before for one in found if one.default}
    cards = [
        card
        for one in found
        if not one.before and (one.default or str(one.number) in before)
        for card in one.data.get("NetworkInterfaces", ())
    ]
    vpcs = room.vpcs_of(reader, there.account, there.region, [card["SubnetId"] for card in cards if card.get("SubnetId")])
    if isinstance(vpcs, Unreachable):
        return replace(seen, server=UNREACHABLE)
    return replace(seen, config=config, versions=tuple(found), vpcs=sorted(set(vpcs.values())))


def _part(job: Mapping[str, Any], server: str) -> str:
    """How far a launch job is with a server; "" where it has no part in it."""
    if job.get("type", "LAUNCH") != "LAUNCH":
        return ""
    parts = (part for part in job.get("participatingServers", ()) if part["sourceServerID"] == server)
    return next((str(part.get("launchStatus", "PENDING")) for part in parts), "")


def _unfinished(jobs: Mapping[str, Mapping[str, Any]], server: str) -> str:
    """A job that has a part for the server and still runs, in words; "" for none: DRS takes one job per server at a time."""
    for ident, job in jobs.items():
        if job["status"] != "COMPLETED" and any(one["sourceServerID"] == server for one in job.get("participatingServers", ())):
            return f"{job.get('type', 'LAUNCH')} {ident} is {job['status']}"
    return ""


def _failed(there: Region, own: Mapping[str, Mapping[str, Any]], server: str) -> str:
    """Why the drill's last launch of a server failed, "" when it did not."""
    mine = [(str(job.get("creationDateTime", "")), ident) for ident, job in own.items() if _part(job, server)]
    if not mine:
        return ""
    _unused, last = max(mine)
    return reason(there.log(last), last, server) if _part(own[last], server) == "FAILED" else ""
