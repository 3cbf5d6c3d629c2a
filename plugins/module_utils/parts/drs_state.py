# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is observed of servers under Elastic Disaster Recovery (DRS): source servers, launches, machines on both sides.

Facts: the AWS DRS API reference and user guide (monitoring-recovery-instances, failback-failover-region-region,
default-drs-launch-into-source-instance).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from ..adapters.base import Reader
from ..model import UNREACHABLE, Pair, Unreachable
from . import drs_template

#: On EC2 instances: `active:<when it was launched>` from ACTIVATE on, `fenced` or `quarantined` when the other side took over,
#: `standby` when one is launched into again.
ROLE_TAG = "dr:role"
#: Roles of an instance that may be activated.
STANDBY = ("", "standby")
#: On the security groups' old names, of a quarantined instance, and on its final snapshots.
GROUPS_TAG = "dr:security-groups"
SNAPSHOT_TAG = "dr:final-snapshot-of"
#: The customer's consent that DRS replaces an instance's disks.
LAUNCH_INTO_TAG = ("AWSDRS", "AllowLaunchingIntoThisInstance")
#: DRS answers this until InitializeService was called in a region.
UNINITIALISED = ("UninitializedAccountException",)
_SERVER_ID = re.compile(r"^s-[0-9a-zA-Z]{17}$")
_DURATION = re.compile(r"^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$")
_STOPPED = re.compile(r"\((\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?:GMT|UTC)\)")


@dataclass(frozen=True, slots=True)
class Machine:
    """An EC2 instance. state: EC2's. checks: ok, initializing, impaired or unknown. stopped_at: when it was told to stop.

    role, since: what ACTIVATE and CLEANUP marked it as; of an active one, when it was launched (text that sorts by time).
    """

    id: str
    state: str
    role: str = ""
    since: str = ""
    checks: str = "unknown"
    instance_type: str = ""
    private_ip: str = ""
    group: str = ""
    launch_into: bool = False
    security_groups: tuple[str, ...] = ()
    previous_groups: tuple[str, ...] = ()
    stopped_at: datetime | None = None
    architecture: str = ""
    boot_mode: str = ""
    root_device: str = "ebs"
    virtualization: str = "hvm"
    windows: bool = False


@dataclass(frozen=True, slots=True)
class Server:
    """A source server. lag_seconds, backlog_bytes: None when DRS does not say. failed_job: of a last launch that failed."""

    id: str
    direction: str
    state: str
    machine_id: str = ""
    hostname: str = ""
    lag_seconds: float | None = None
    backlog_bytes: int | None = None
    last_seen: datetime | None = None
    launch_job: str = ""
    launched_at: datetime | None = None
    launch_failed: bool = False
    architecture: str = ""
    windows: bool = False
    reversed_of: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What was launched for a server. machine: None when the instance is gone. failed_actions: of its launch actions."""

    id: str
    instance_id: str
    job: str = ""
    drill: bool = False
    point_in_time: datetime | None = None
    replication: str = ""
    failback: str = ""
    on_premises: bool = False
    machine: Machine | None = None
    failed_actions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """One pair. source: the machine that is replicated (None: gone, or no EC2 instance). job: in flight for the server.

    initialised: DRS is in the target region; source_initialised: in the source region, which is looked at only when the target is
    active. reason: the job log's, of the last launch when it failed. config: the launch configuration, read when a launch may be
    due. template: the default version of its launch template, where that is a drill's. into: the instance that is launched into.
    counterpart: the server that protects the recovery instance, in the source region. source_recovery, source_job: DRS's record of
    the source machine where it was launched by DRS ("": it was not), and a job on it. snapshots: states of the final snapshots of
    the source machine.
    """

    server: Server | Unreachable | None
    source: Machine | Unreachable | None = None
    initialised: bool = True
    source_initialised: bool = True
    job: str = ""
    reason: str = ""
    recovery: Recovery | None = None
    config: Mapping[str, Any] | None = None
    template: drs_template.Version | None = None
    into: Machine | None = None
    counterpart: Server | Unreachable | None = None
    source_recovery: str | Unreachable = ""
    source_job: str = ""
    snapshots: tuple[str, ...] = ()


#: A pair of which its target region tells nothing, or not all that a decision needs.
UNSEEN = Seen(UNREACHABLE, UNREACHABLE)


def option(pair: Pair, region: str, name: str, default: Any = None) -> Any:
    """A setting, as it is for one region: `regions.<region>.<name>` before `<name>`."""
    there = pair.settings.get("regions", {}).get(region, {})
    return there.get(name, pair.settings.get(name, default))


def serves(recovery: Recovery | None) -> bool:
    """Whether what was launched has been activated and runs."""
    machine = recovery.machine if recovery else None
    return machine is not None and machine.role == "active" and machine.state == "running"


def observe(reader: Reader, pairs: Sequence[Pair]) -> dict[str, Seen]:
    """Pair key -> Seen. Records of launches are read before instances: an instance that a record names is then always looked up
    later than the record, and one that is missing is really gone."""
    account, source_region, target_region = pairs[0].account, pairs[0].source_region, pairs[0].target_region
    there = Region(reader, account, target_region)
    here = Region(reader, account, source_region)
    found = there.servers([pair.target_id for pair in pairs])
    if isinstance(found, Unreachable):
        return dict.fromkeys((pair.key for pair in pairs), UNSEEN)
    if found is None:
        return {pair.key: Seen(None, UNREACHABLE, initialised=False) for pair in pairs}
    chosen, origins = _resolve(there, here, pairs, found)
    servers = {key: server for key, server in chosen.items() if isinstance(server, Server)}
    jobs = there.jobs(servers.values())
    recoveries = there.recoveries([server.id for server in servers.values()])
    if isinstance(recoveries, Unreachable) or isinstance(jobs, Unreachable):
        return dict.fromkeys((pair.key for pair in pairs), UNSEEN)
    reasons = there.reasons(servers.values())
    seen = {}
    for pair in pairs:
        server = chosen[pair.key]
        one = UNSEEN if isinstance(server, Unreachable) else Seen(server, None)
        if isinstance(server, Server):
            one = replace(
                one,
                job=in_flight(jobs, server.id),
                reason=reasons.get(server.id, ""),
                recovery=with_actions(recoveries.get(server.id), jobs),
                source_recovery=origins.get(pair.key, ""),
            )
        seen[pair.key] = one
    _read_machines(there, here, pairs, seen)
    _read_configurations(there, pairs, seen)
    _read_templates(there, seen)
    _read_reversal(here, pairs, seen)
    return seen


def _resolve(
    there: Region, here: Region, pairs: Sequence[Pair], found: Mapping[str, Server]
) -> tuple[dict[str, Server | Unreachable | None], dict[str, str | Unreachable]]:
    """Which source server protects each pair's source machine, and the record of that machine where DRS launched it.

    On the way out it is the one named. On the way back it is the reversed server that replicates what the named one launched: the
    named one's own pointer to it goes stale between cycles, so it is found by the instance.
    """
    chosen: dict[str, Server | Unreachable | None] = {}
    origins: dict[str, str | Unreachable] = {}
    back = []
    for pair in pairs:
        server = found.get(pair.target_id)
        if server is not None and server.direction != "FAILBACK":
            chosen[pair.key] = server
        else:
            back.append(pair)
    if not back:
        return chosen, origins
    launched = here.recoveries([pair.source_id for pair in back])
    every = there.servers(None)
    if isinstance(every, Unreachable):
        return {**chosen, **dict.fromkeys((pair.key for pair in back), UNREACHABLE)}, origins
    reversals = [server for server in (every or {}).values() if server.direction == "FAILBACK"]
    for pair in back:
        record = launched.get(pair.source_id) if isinstance(launched, dict) else None
        candidates = [server for server in reversals if record is not None and server.machine_id == record.instance_id]
        if not candidates:
            candidates = [server for server in reversals if pair.source_id in (server.reversed_of, server.id)]
            candidates = candidates or [server for server in reversals if server.id == pair.target_id]
        chosen[pair.key] = max(candidates, key=lambda one: (one.last_seen is not None, one.last_seen, one.id), default=None)
        if isinstance(launched, Unreachable):
            origins[pair.key] = UNREACHABLE
        elif record is not None:
            origins[pair.key] = record.id
    return chosen, origins


def in_flight(jobs: Mapping[str, Mapping[str, Any]], server: str) -> str:
    """The job that has not taken a server yet, in words; "" for none."""
    for ident, job in jobs.items():
        if job["status"] != "COMPLETED":
            for part in job.get("participatingServers", ()):
                if part["sourceServerID"] == server and part.get("launchStatus", "PENDING") in ("PENDING", "IN_PROGRESS"):
                    return f"{job.get('type', 'LAUNCH')} {ident} is {job['status']}"
    return ""


def with_actions(recovery: Recovery | None, jobs: Mapping[str, Mapping[str, Any]]) -> Recovery | None:
    """With the launch actions that failed, as its job says."""
    if recovery is None:
        return None
    failed = [
        f"{run['action']['name'] if 'action' in run else run.get('executionId', 'action')}: {run.get('failureReason', 'failed')}"
        for part in jobs.get(recovery.job, {}).get("participatingServers", ())
        if part.get("recoveryInstanceID") == recovery.id
        for run in part.get("launchActionsStatus", {}).get("runs", ())
        if run.get("status") == "FAILED"
    ]
    return replace(recovery, failed_actions=tuple(failed))


def _read_machines(there: Region, here: Region, pairs: Sequence[Pair], seen: dict[str, Seen]) -> None:
    launched = {one.recovery.instance_id for one in seen.values() if one.recovery}
    machines = there.machines(launched, with_checks=True)
    sources = here.machines({one.server.machine_id for one in seen.values() if isinstance(one.server, Server)} - {""})
    for pair in pairs:
        one = seen[pair.key]
        if isinstance(machines, Unreachable):
            seen[pair.key] = UNSEEN
            continue
        if one.recovery is not None:
            one = replace(one, recovery=replace(one.recovery, machine=machines.get(one.recovery.instance_id)))
        source: Machine | Unreachable | None = sources if isinstance(sources, Unreachable) else None
        if isinstance(sources, dict) and isinstance(one.server, Server):
            source = sources.get(one.server.machine_id)
        seen[pair.key] = replace(one, source=source)


def _read_configurations(there: Region, pairs: Sequence[Pair], seen: dict[str, Seen]) -> None:
    """Launch configurations have no bulk call: they are read where a launch may be the next step, with what it would go into.
    Without knowing them, none may be."""
    for pair in pairs:
        one = seen[pair.key]
        machine = one.recovery.machine if one.recovery else None
        standing = machine is not None and (machine.role == "active" or (machine.role in STANDBY and machine.state == "stopped"))
        if isinstance(one.server, Server) and not one.job and not standing:
            config = there.configuration(one.server.id)
            seen[pair.key] = UNSEEN if isinstance(config, Unreachable) else replace(one, config=config)
    intos = {pair.key: into for pair in pairs if (into := into_id(seen[pair.key], pair))}
    machines = there.machines(intos.values())
    for key, into in intos.items():
        seen[key] = UNSEEN if isinstance(machines, Unreachable) else replace(seen[key], into=machines.get(into))


def _read_templates(there: Region, seen: dict[str, Seen]) -> None:
    """What a drill has left of launch templates, where a launch may be the next step: without knowing it, none may be."""
    due = {key: one.server for key, one in seen.items() if isinstance(one.server, Server) and not (one.job or serves(one.recovery))}
    held = drs_template.held(there.reader, there.account, there.region) if due else {}
    for key, server in due.items():
        if isinstance(held, Unreachable):
            seen[key] = UNSEEN
        else:
            seen[key] = replace(seen[key], template=held.get(server.id))


def into_id(seen: Seen, pair: Pair) -> str | None:
    """The instance that is launched into: the setting's, else the launch configuration's."""
    named: str | None = option(pair, pair.target_region, "launch_into")
    if named is not None or seen.config is None:
        return named
    configured: str | None = seen.config.get("launchIntoInstanceProperties", {}).get("launchIntoEC2InstanceID")
    return configured


def _read_reversal(here: Region, pairs: Sequence[Pair], seen: dict[str, Seen]) -> None:
    """The source region's own records, where the target is active: only then has anything there to be undone or reversed."""
    active = [pair for pair in pairs if serves(seen[pair.key].recovery)]
    if not active:
        return
    servers = here.servers(None)
    stopped = {one.source.id for one in seen.values() if isinstance(one.source, Machine) and one.source.state == "stopped"}
    snapshots = here.snapshots(stopped)
    jobs = here.jobs(servers.values()) if isinstance(servers, dict) else {}
    for pair in active:
        one = seen[pair.key]
        if one.recovery is None:
            raise AssertionError("one.recovery is None")
        if (
            isinstance(servers, Unreachable)
            or isinstance(snapshots, Unreachable)
            or isinstance(jobs, Unreachable)
            or isinstance(one.source_recovery, Unreachable)
        ):
            seen[pair.key] = replace(one, counterpart=UNREACHABLE)
            continue
        protecting = [server for server in (servers or {}).values() if server.machine_id == one.recovery.instance_id]
        source = one.source.id if isinstance(one.source, Machine) else ""
        launched_by = pair.source_id if one.source_recovery else ""
        seen[pair.key] = replace(
            one,
            source_initialised=servers is not None,
            counterpart=protecting[0] if protecting else None,
            snapshots=tuple(snapshots.get(source, ())),
            source_job=in_flight(jobs, launched_by),
        )


@dataclass(slots=True)
class Region:
    """Describe calls of one account in one region."""

    reader: Reader
    account: str
    region: str
    _kept: dict[str, dict[str, Server] | Unreachable | None] = field(default_factory=dict)

    def _pages(self, service: str, operation: str, key: str, absent: Iterable[str] = (), **params: Any) -> Any:
        return self.reader.pages(self.account, self.region, service, operation, key, absent=absent, **params)

    def servers(self, ids: Iterable[str] | None) -> dict[str, Server] | Unreachable | None:
        """Source servers by id, or all of them. None: DRS is not initialised here. What is no id would fail the whole call."""
        wanted = [] if ids is None else sorted({ident for ident in ids if _SERVER_ID.match(ident)})
        if ids is not None and not wanted:
            return {}
        filters = {"filters": {"sourceServerIDs": wanted}} if wanted else {}
        key = str(filters)
        if key not in self._kept:
            rows = self._pages("drs", "describe_source_servers", "items", UNINITIALISED, **filters)
            self._kept[key] = {row["sourceServerID"]: _server(row) for row in rows} if isinstance(rows, list) else rows
        return self._kept[key]

    def jobs(self, servers: Iterable[Server], also: Iterable[str] = ()) -> dict[str, dict[str, Any]] | Unreachable:
        """The servers' last jobs, those with the ids `also`, and all of the last day before the servers were last heard of:
        StartRecovery has no client token, so a job that was started by a run that broke off must be found."""
        servers = list(servers)
        ids = sorted({*also, *(server.launch_job for server in servers)} - {""})
        heard = max((server.last_seen for server in servers if server.last_seen), default=None)
        found: dict[str, dict[str, Any]] = {}
        looks: list[dict[str, Any]] = [{"jobIDs": ids}] if ids else []
        if heard is not None:
            looks.append({"fromDate": (heard - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")})
        for filters in looks:
            rows = self._pages("drs", "describe_jobs", "items", UNINITIALISED, filters=filters)
            if isinstance(rows, Unreachable):
                return UNREACHABLE
            found.update({row["jobID"]: row for row in rows or ()})
        return found

    def launched(self, servers: Iterable[str]) -> dict[str, list[Recovery]] | Unreachable:
        """What was launched and is not gone, drills too, by source server; the newest data last."""
        ids = sorted({ident for ident in servers if _SERVER_ID.match(ident)})
        if not ids:
            return {}
        rows = self._pages("drs", "describe_recovery_instances", "items", UNINITIALISED, filters={"sourceServerIDs": ids})
        if isinstance(rows, Unreachable):
            return UNREACHABLE
        found: dict[str, list[Recovery]] = {}
        for row in sorted(rows or (), key=lambda row: str(row.get("pointInTimeSnapshotDateTime", ""))):
            if row.get("ec2InstanceState") not in ("TERMINATED", "NOT_FOUND"):
                found.setdefault(row["sourceServerID"], []).append(_recovery(row))
        return found

    def recoveries(self, servers: Iterable[str]) -> dict[str, Recovery] | Unreachable:
        """The newest that was launched, by source server; drills are left out."""
        launched = self.launched(servers)
        if isinstance(launched, Unreachable):
            return UNREACHABLE
        return {server: one for server, each in launched.items() for one in each if not one.drill}

    def reasons(self, servers: Iterable[Server]) -> dict[str, str]:
        """Why last launches failed, by server: only the job's log says it, and one log serves all servers of a job."""
        failed = {server.id: server.launch_job for server in servers if server.launch_failed and server.launch_job}
        logs = {job: self.log(job) for job in sorted(set(failed.values()))}
        return {ident: reason(logs[job], job, ident) for ident, job in failed.items()}

    def log(self, job: str) -> list[dict[str, Any]]:
        """A job's log; empty when the region fell silent just now."""
        rows = self._pages("drs", "describe_job_log_items", "items", jobID=job)
        return rows if isinstance(rows, list) else []

    def configuration(self, server: str) -> Mapping[str, Any] | Unreachable:
        """How a server is launched."""
        answer = self.reader.read(self.account, self.region, "drs", "get_launch_configuration", sourceServerID=server)
        return answer if isinstance(answer, dict) else UNREACHABLE

    def machines(self, ids: Iterable[str], with_checks: bool = False) -> dict[str, Machine] | Unreachable:
        """Instances by id; terminated ones are left out. Filters, because an unknown id would fail the whole call."""
        wanted = sorted(set(ids))
        if not wanted:
            return {}
        rows = self._pages("ec2", "describe_instances", "Reservations", Filters=[{"Name": "instance-id", "Values": wanted}])
        if isinstance(rows, Unreachable):
            return UNREACHABLE
        machines = [_machine(one) for row in rows for one in row["Instances"] if one["State"]["Name"] != "terminated"]
        running = sorted(machine.id for machine in machines if machine.state == "running")
        checks = self._checks(running) if with_checks and running else {}
        return {machine.id: replace(machine, checks=checks.get(machine.id, "unknown")) for machine in machines}

    def _checks(self, ids: Sequence[str]) -> dict[str, str]:
        rows = self._pages(
            "ec2", "describe_instance_status", "InstanceStatuses", ("InvalidInstanceID.NotFound",), InstanceIds=list(ids)
        )
        found = {}
        for row in rows if isinstance(rows, list) else ():
            both = {row["SystemStatus"]["Status"], row["InstanceStatus"]["Status"]}
            found[row["InstanceId"]] = "ok" if both == {"ok"} else "impaired" if "impaired" in both else "initializing"
        return found

    def snapshots(self, machines: Iterable[str]) -> dict[str, list[str]] | Unreachable:
        """States of final snapshots, by the instance that they are of."""
        wanted = sorted(machines)
        if not wanted:
            return {}
        name = f"tag:{SNAPSHOT_TAG}"
        rows = self._pages("ec2", "describe_snapshots", "Snapshots", OwnerIds=["self"], Filters=[{"Name": name, "Values": wanted}])
        if isinstance(rows, Unreachable):
            return UNREACHABLE
        found: dict[str, list[str]] = {}
        for row in rows:
            tags = {tag["Key"]: tag["Value"] for tag in row.get("Tags", ())}
            found.setdefault(tags.get(SNAPSHOT_TAG, ""), []).append(row["State"])
        return found


def reason(log: Iterable[Mapping[str, Any]], job: str, server: str) -> str:
    """Why a server was not launched, as the job's log says it last."""
    said = f"{job} gives no reason"
    for row in log:
        data = row.get("eventData", {})
        failed = data.get("rawError") or row["event"].endswith(("FAIL", "FAILED", "SKIPPED"))
        if data.get("sourceServerID") == server and failed:
            said = f"{row['event']}: {data.get('rawError') or 'no reason given'} ({job})"
    return said


# -- from AWS's words -------------------------------------------------------------------------------------------------


def seconds(duration: str | None) -> float | None:
    """An ISO 8601 duration in seconds; None when there is none, or it cannot be read.

    >>> seconds("PT4M30S")
    270.0
    """
    match = _DURATION.match(duration or "")
    if match is None or not any(match.groups()):
        return None
    days, hours, minutes, rest = (float(part or 0) for part in match.groups())
    return days * 86400 + hours * 3600 + minutes * 60 + rest


def moment(text: str | None) -> datetime | None:
    """A time as DRS writes it."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None


def _server(row: Mapping[str, Any]) -> Server:
    info, properties = row.get("dataReplicationInfo", {}), row.get("sourceProperties", {})
    launch = row.get("lifeCycle", {}).get("lastLaunch", {})
    begun, hints = launch.get("initiated", {}), properties.get("identificationHints", {})
    disks = info.get("replicatedDisks")
    return Server(
        id=row["sourceServerID"],
        direction=row.get("replicationDirection", "FAILOVER"),
        state=info.get("dataReplicationState", "DISCONNECTED"),
        machine_id=hints.get("awsInstanceID", ""),
        hostname=hints.get("hostname", ""),
        lag_seconds=seconds(info.get("lagDuration")),
        backlog_bytes=sum(disk.get("backloggedStorageBytes", 0) for disk in disks) if disks else None,
        last_seen=moment(row.get("lifeCycle", {}).get("lastSeenByServiceDateTime")),
        launch_job=begun.get("jobID", ""),
        launched_at=moment(begun.get("apiCallDateTime")),
        launch_failed=begun.get("type", "RECOVERY") == "RECOVERY" and launch.get("status", row.get("lastLaunchResult")) == "FAILED",
        architecture=properties.get("architecture", ""),
        windows="windows" in properties.get("os", {}).get("fullString", "").lower(),
        reversed_of=row.get("reversedDirectionSourceServerArn", "").rsplit("/", 1)[-1],
        error=info.get("dataReplicationError", {}).get("error", ""),
    )


def _recovery(row: Mapping[str, Any]) -> Recovery:
    return Recovery(
        id=row["recoveryInstanceID"],
        instance_id=row.get("ec2InstanceID", row["recoveryInstanceID"]),
        job=row.get("jobID", ""),
        drill=bool(row.get("isDrill")),
        point_in_time=moment(row.get("pointInTimeSnapshotDateTime")),
        replication=row.get("dataReplicationInfo", {}).get("dataReplicationState", ""),
        failback=row.get("failback", {}).get("state", ""),
        on_premises=row.get("originEnvironment") == "ON_PREMISES",
    )


def _machine(row: Mapping[str, Any]) -> Machine:
    tags = {tag["Key"]: tag["Value"] for tag in row.get("Tags", ())}
    told = _STOPPED.search(row.get("StateTransitionReason", "")) if row["State"]["Name"] in ("stopping", "stopped") else None
    primary = [card for card in row.get("NetworkInterfaces", ()) if card.get("Attachment", {}).get("DeviceIndex", 0) == 0]
    groups = primary[0].get("Groups", ()) if primary else row.get("SecurityGroups", ())
    role, _unused, since = tags.get(ROLE_TAG, "").partition(":")
    return Machine(
        id=row["InstanceId"],
        state=row["State"]["Name"],
        role=role,
        since=since,
        instance_type=row.get("InstanceType", ""),
        private_ip=row.get("PrivateIpAddress", ""),
        group=tags.get("aws:autoscaling:groupName", ""),
        launch_into=tags.get(LAUNCH_INTO_TAG[0]) == LAUNCH_INTO_TAG[1],
        security_groups=tuple(sorted(group["GroupId"] for group in groups)),
        previous_groups=tuple(tags.get(GROUPS_TAG, "").split()),
        stopped_at=moment(told.group(1).replace(" ", "T") + "+00:00") if told else None,
        architecture=row.get("Architecture", ""),
        boot_mode=row.get("BootMode", ""),
        root_device=row.get("RootDeviceType", "ebs"),
        virtualization=row.get("VirtualizationType", "hvm"),
        windows=row.get("Platform", "") == "windows",
    )
