# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Elastic Disaster Recovery: source servers whose agents can fall silent, jobs that end per server, reversed replication.

All of it is ours; moto has no DRS. The machines are instances of moto's EC2 (`ec2_drs.py` gives them time).
Not simulated: points in time other than the newest, recovery plans, source networks, of launch templates more than the network
and the tags, launch actions, staging resources, replication from outside AWS or from other accounts, StartReplication.
"""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from moto.backends import get_backend

from sandbox.gateway import Ctx, Holder, holds, lists, op, seed, transition
from sandbox.model import AwsError

from . import ec2_drs, launch_templates

#: Simulated seconds of a launch job: until it starts, has its snapshots, has removed what was launched before; until the
#: first server is up, between two servers (in steps of ten), and from the last server to the end of the job.
STARTED, SNAPSHOT, CLEANED, LAUNCHED, STAGGER, ENDED = 40, 60, 120, 600, 60, 30
#: Of a server whose agent is silent; of one that begins to replicate; of one that is pointed at another machine.
STALLED_AFTER, DISCONNECTED_AFTER = 300, 3600
BEGINNING = [("INITIATING", 60), ("INITIAL_SYNC", 1200), ("CREATING_SNAPSHOT", 60), ("CONTINUOUS", 0)]
REPOINTED = [("STALLED", 120), ("RESCAN", 900), ("CONTINUOUS", 0)]
#: From the start of a recovery instance until replication can be reversed.
SETTLED_AFTER = 300
#: Quotas of an account in a region: jobs at once, servers in a job, servers in all jobs.
JOBS, SERVERS_IN_JOB, SERVERS_IN_JOBS = 20, 100, 500
LAUNCHABLE = ("CONTINUOUS", "PAUSED", "RESCAN", "BACKLOG", "STALLED", "CREATING_SNAPSHOT", "DISCONNECTED")
LAUNCH_INTO = ("AWSDRS", "AllowLaunchingIntoThisInstance")
DISK = 8 * 1024**3

Params = dict[str, Any]


@dataclass(slots=True)
class Server:
    """A source server as it is described (`view`) and what the simulation knows of it.

    machine, region: the EC2 instance whose disks are replicated. state, lag (seconds), backlog (bytes): while its agent is heard.
    seen: when that was last (epoch seconds). stop: ends a change of state under way. error: why launches fail, `failing` of them.
    """

    view: Params
    machine: str
    region: str
    state: str = "CONTINUOUS"
    lag: float = 0.0
    backlog: int = 0
    seen: float = 0.0
    error: str = ""
    failing: int = 0
    impaired: bool = False
    config: Params = field(default_factory=dict)
    stop: Callable[[], None] = lambda: None


def _held(ctx: Ctx, name: str, region: str | None = None) -> dict[str, Any]:
    held: dict[str, Any] = ctx.at("drs", region).setdefault(name, {})
    return held


def _servers(ctx: Ctx, region: str | None = None) -> dict[str, Server]:
    return _held(ctx, "servers", region)


def _initialised(ctx: Ctx) -> None:
    if not ctx.at("drs").get("on"):
        raise AwsError("UninitializedAccountException", "Account not initialized")


def _server(ctx: Ctx, params: Params) -> Server:
    _initialised(ctx)
    found = _servers(ctx).get(params["sourceServerID"])
    if found is None:
        raise AwsError("ResourceNotFoundException", f"Source server {params['sourceServerID']} not found", 404)
    return found


def _recovery(ctx: Ctx, ident: str) -> Params:
    found: Params | None = _held(ctx, "instances").get(ident)
    if found is None:
        raise AwsError("ResourceNotFoundException", f"Recovery instance {ident} not found", 404)
    return found


def _ident(prefix: str, *parts: object) -> str:
    return f"{prefix}-{hashlib.sha1('/'.join(map(str, parts)).encode()).hexdigest()[:17]}"


def _arn(ctx: Ctx, kind: str, ident: str, region: str | None = None) -> str:
    return f"arn:aws:drs:{region or ctx.region}:{ctx.account}:{kind}/{ident}"


def _page(params: Params, items: Iterable[Params]) -> Params:
    rows = list(items)
    start, size = int(params.get("nextToken") or 0), int(params.get("maxResults") or 100)
    out: Params = {"items": rows[start : start + size]}
    if start + size < len(rows):
        out["nextToken"] = str(start + size)
    return out


# -- replication ------------------------------------------------------------------------------------------------------


def _dark(ctx: Ctx, region: str) -> bool:
    """Whether a fault makes the whole region silent: then its agents do not reach DRS either."""
    for rule in ctx.gw.faults.list():
        match = rule.get("match", {})
        if set(match) == {"region"} and rule["effect"] in ("reset", "blackhole", "http") and "share" not in rule:
            patterns = match["region"] if isinstance(match["region"], list) else [match["region"]]
            if any(fnmatch.fnmatchcase(region, str(pattern)) for pattern in patterns):
                return True
    return False


def _show(ctx: Ctx, server: Server, machines: dict[str, Any]) -> Params:
    """The server as it is described now: a machine that does not run, or whose region is dark, is heard no more."""
    now, state, lag = ctx.clock.time(), server.state, server.lag
    if state != "STOPPED":
        if ec2_drs.state(machines.get(server.machine)) == "running" and not _dark(ctx, server.region):
            server.seen = now
        elif not _dark(ctx, server.region):  # what its agent has sent until it stopped is all there is
            server.seen = max(server.seen, ec2_drs.left(ctx, server.region).get(server.machine, 0.0))
        if now - server.seen >= STALLED_AFTER:
            state = "STALLED" if now - server.seen < DISCONNECTED_AFTER else "DISCONNECTED"
            lag += now - server.seen
    info: Params = {
        "dataReplicationState": state,
        "replicatedDisks": [
            {
                "deviceName": "/dev/xvda",
                "totalStorageBytes": DISK,
                "replicatedStorageBytes": DISK,
                "rescannedStorageBytes": 0 if state == "RESCAN" else DISK,
                "backloggedStorageBytes": server.backlog,
            }
        ],
    }
    if state not in ("STOPPED", "INITIATING", "INITIAL_SYNC"):
        info["lagDuration"] = f"PT{int(lag // 60)}M{lag % 60:.3f}S" if lag else "P0D"
    if state in ("STALLED", "DISCONNECTED"):
        info["dataReplicationError"] = {"error": "AGENT_NOT_SEEN"}
    server.view["dataReplicationInfo"] = info
    server.view["lifeCycle"]["lastSeenByServiceDateTime"] = _iso(ctx, server.seen)
    return server.view


def _iso(ctx: Ctx, at: float) -> str:
    """A time as AWS writes it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _hints(machine: str, hostname: str) -> Params:
    return {
        "identificationHints": {"hostname": hostname, "fqdn": f"{hostname}.internal", "awsInstanceID": machine},
        "disks": [{"deviceName": "/dev/xvda", "bytes": DISK}],
        "os": {"fullString": "Linux 6.1 x86_64"},
        "recommendedInstanceType": "m5.large",
        "architecture": "x86_64",
    }


def _new_server(ctx: Ctx, ident: str, machine: str, region: str, hostname: str, direction: str, tags: dict[str, str]) -> Server:
    """Registers a source server in ctx.region that replicates `machine` of `region`."""
    server = Server(
        view={
            "sourceServerID": ident,
            "arn": _arn(ctx, "source-server", ident),
            "tags": dict(tags),
            "lastLaunchResult": "NOT_STARTED",
            "replicationDirection": direction,
            "lifeCycle": {"addedToServiceDateTime": ctx.clock.iso()},
            "sourceProperties": _hints(machine, hostname),
            "sourceCloudProperties": {"originRegion": region, "originAccountID": ctx.account},
            "stagingArea": {"status": "NOT_EXTENDED"},
        },
        machine=machine,
        region=region,
        seen=ctx.clock.time(),
        config={
            "sourceServerID": ident,
            "name": hostname,
            "ec2LaunchTemplateID": _template(ctx, ident),
            "launchDisposition": "STARTED",
            "targetInstanceTypeRightSizingMethod": "BASIC",
            "copyPrivateIp": False,
            "copyTags": False,
            "postLaunchEnabled": False,
            "licensing": {"osByol": False},
        },
    )
    _servers(ctx)[ident] = server
    ec2_drs.known(ctx, region).setdefault(machine, ctx.clock.time() - 86400)
    return server


def _template(ctx: Ctx, server: str) -> str:
    """The launch template that DRS makes for a source server: without a subnet, with tags that must stay in it."""
    labels = {"AWSElasticDisasterRecoveryManaged": "drs.amazonaws.com", "AWSElasticDisasterRecoverySourceServerID": server}
    tags = [{"Key": key, "Value": value} for key, value in labels.items()]
    data = {"InstanceType": "m5.large", "TagSpecifications": [{"ResourceType": "instance", "Tags": tags}]}
    backend: Any = get_backend("ec2")[ctx.account][ctx.region]
    return str(backend.create_launch_template(f"created-and-used-by-drs-{server}", "", data, {}).id)


def _place(ctx: Ctx, server: Server) -> Params:
    """Where the server's launch template puts what is launched now: {} where it does not say."""
    data = launch_templates.default_data(ctx, server.config["ec2LaunchTemplateID"])
    card: Params = next((one for one in data.get("NetworkInterfaces", ()) if one.get("DeviceIndex", 0) == 0), {})
    named = {key: card[key] for key in ("SubnetId", "Groups", "AssociatePublicIpAddress") if key in card}
    specs = [one["Tags"] for one in data.get("TagSpecifications", ()) if one["ResourceType"] == "instance"]
    return {"card": named, "tags": {tag["Key"]: tag["Value"] for tags in specs for tag in tags}}


def _image(ctx: Ctx, region: str) -> str:
    """What machines are started from in a region."""
    store = ctx.at("drs", region)
    if "image" not in store:
        made = ctx.client("ec2", region).register_image(Name="drs", RootDeviceName="/dev/xvda", Architecture="x86_64")
        store["image"] = made["ImageId"]
    return str(store["image"])


def _machine(ctx: Ctx, region: str, tags: dict[str, str], instance_type: str = "m5.large", card: Params | None = None) -> str:
    """A new running instance. card: its primary network interface."""
    ec2 = ctx.client("ec2", region)
    described = [{"ResourceType": "instance", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]
    more = {"NetworkInterfaces": [{"DeviceIndex": 0, "DeleteOnTermination": True, **card}]} if card else {}
    made = ec2.run_instances(
        ImageId=_image(ctx, region), MinCount=1, MaxCount=1, InstanceType=instance_type, TagSpecifications=described, **more
    )
    return str(made["Instances"][0]["InstanceId"])


@seed("drs_source_server")
def source_server(ctx: Ctx, spec: Params) -> Params:
    """A machine in the spec's region, protected by a source server in `peer.region`. Gives {id, instance_id, launch_into}.

    hostname, instance_type, state (CONTINUOUS), lag_seconds, backlog_bytes, launch: {disposition, error, failing} (`error`: the
    job log's reason of so many failing launches, all of them when `failing` is absent), impaired (launched instances fail their
    status checks), instance_tags, launch_into: true for a stopped instance in the peer's region that may be launched into.
    Its tags are the source server's; the machine itself has only a name.
    """
    there = ctx.within("drs", spec["peer"]["region"])
    hostname = spec.get("hostname") or spec["name"]
    for region in (ctx.region, there.region):
        ctx.at("drs", region)["on"] = True
        _image(ctx, region)
    machine = _machine(ctx, ctx.region, {"Name": hostname, **spec.get("instance_tags", {})}, spec.get("instance_type", "m5.large"))
    ident = spec["peer"].get("id") or _ident("s", ctx.account, there.region, spec["name"])
    server = _new_server(there, ident, machine, ctx.region, hostname, "FAILOVER", spec.get("tags") or {})
    launch = spec.get("launch", {})
    server.state, server.lag = spec.get("state", "CONTINUOUS"), float(spec.get("lag_seconds", 0))
    server.backlog, server.impaired = int(spec.get("backlog_bytes", 0)), bool(spec.get("impaired"))
    server.error, server.failing = launch.get("error", ""), launch.get("failing", 1_000_000)
    server.config["launchDisposition"] = launch.get("disposition", "STARTED")
    made = {"id": ident, "instance_id": machine}
    if spec.get("launch_into"):
        made["launch_into"] = _machine(ctx, there.region, dict([LAUNCH_INTO], Name=hostname))
        ec2_drs.known(ctx, there.region)[made["launch_into"]] = 0.0
        ec2_drs.set_state(ec2_drs.instances(ctx, there.region)[made["launch_into"]], "stopped")
    return made


@lists("drs")
def listed(ctx: Ctx) -> Iterable[tuple[str, str, dict[str, str]]]:
    """Source servers, for Resource Explorer and the tagging API."""
    for server in _servers(ctx).values():
        yield server.view["arn"], "drs:source-server", server.view["tags"]


# -- describing -------------------------------------------------------------------------------------------------------


@op("drs", "InitializeService")
def initialize_service(ctx: Ctx, params: Params) -> None:
    """Nothing else works in a region before this."""
    ctx.at("drs")["on"] = True


@op("drs", "DescribeSourceServers")
def describe_source_servers(ctx: Ctx, params: Params) -> Params:
    """Unknown ids are left out."""
    _initialised(ctx)
    wanted = (params.get("filters") or {}).get("sourceServerIDs")
    chosen = [server for ident, server in _servers(ctx).items() if not wanted or ident in wanted]
    machines = {region: ec2_drs.instances(ctx, region) for region in {server.region for server in chosen}}
    return _page(params, [_show(ctx, server, machines[server.region]) for server in chosen])


@op("drs", "DescribeJobs")
def describe_jobs(ctx: Ctx, params: Params) -> Params:
    """Filtered by ids or times; both are times as AWS writes them, so that they compare as text."""
    _initialised(ctx)
    filters = params.get("filters") or {}
    ids, since, until = filters.get("jobIDs"), filters.get("fromDate", ""), filters.get("toDate", "9")
    jobs = [
        job for ident, job in _held(ctx, "jobs").items() if (not ids or ident in ids) and since <= job["creationDateTime"] <= until
    ]
    return _page(params, reversed(jobs))


@op("drs", "DescribeJobLogItems")
def describe_job_log_items(ctx: Ctx, params: Params) -> Params:
    """The only place that says why a launch failed."""
    _initialised(ctx)
    return _page(params, _held(ctx, "logs").get(params["jobID"], []))


@op("drs", "DescribeRecoveryInstances")
def describe_recovery_instances(ctx: Ctx, params: Params) -> Params:
    """The state is EC2's, and that of a replication reversed from it is the other region's source server's."""
    _initialised(ctx)
    filters, machines = params.get("filters") or {}, ec2_drs.instances(ctx)
    found = []
    for ident, one in _held(ctx, "instances").items():
        servers, ids = filters.get("sourceServerIDs"), filters.get("recoveryInstanceIDs")
        if (servers and one["sourceServerID"] not in servers) or (ids and ident not in ids):
            continue
        one["ec2InstanceState"] = ec2_drs.state(machines.get(one["ec2InstanceID"])).upper()
        behind = _reversed(ctx, one)
        state = behind.state if behind else "NOT_STARTED"
        one["dataReplicationInfo"] = {"dataReplicationState": state}
        ready = "FAILBACK_READY_FOR_LAUNCH" if state == "CONTINUOUS" else "FAILBACK_IN_PROGRESS"
        one["failback"] = {"state": ready if behind and state != "STOPPED" else "FAILBACK_NOT_STARTED"}
        found.append(one)
    return _page(params, found)


@op("drs", "DescribeRecoverySnapshots")
def describe_recovery_snapshots(ctx: Ctx, params: Params) -> Params:
    """One point in time: the newest data that has arrived."""
    server = _server(ctx, params)
    _show(ctx, server, ec2_drs.instances(ctx, server.region))
    if server.state in ("STOPPED", "INITIATING", "INITIAL_SYNC"):
        return {"items": []}
    at = _iso(ctx, server.seen - server.lag)
    snapshot = {"snapshotID": _ident("pit", params["sourceServerID"], at), "sourceServerID": params["sourceServerID"]}
    return _page(params, [{**snapshot, "expectedTimestamp": at, "timestamp": at, "ebsSnapshots": []}])


# -- launch configuration ---------------------------------------------------------------------------------------------


@op("drs", "GetLaunchConfiguration")
def get_launch_configuration(ctx: Ctx, params: Params) -> Params:
    """As it is."""
    return dict(_server(ctx, params).config)


@op("drs", "UpdateLaunchConfiguration")
def update_launch_configuration(ctx: Ctx, params: Params) -> Params:
    """An instance to launch into must be stopped, tagged, and free of settings that contradict it."""
    server = _server(ctx, params)
    config = {**server.config, **params}
    into = config.get("launchIntoInstanceProperties", {}).get("launchIntoEC2InstanceID")
    if into:
        if config["copyTags"] or config["copyPrivateIp"]:
            raise AwsError("ValidationException", f"cannot define the EC2 instance {into}: conflicting instance settings")
        _check_into(ctx, into)
    server.config = config
    return dict(config)


def _check_into(ctx: Ctx, into: str) -> None:
    instance = ec2_drs.instances(ctx).get(into)
    tags = {tag["key"]: tag["value"] for tag in instance.get_tags()} if instance else {}
    if tags.get(LAUNCH_INTO[0]) != LAUNCH_INTO[1]:
        raise AwsError("ValidationException", f"EC2 instance {into} is not tagged {'='.join(LAUNCH_INTO)}")
    if ec2_drs.state(instance) != "stopped":
        raise AwsError("ConflictException", f"EC2 instance {into} must be stopped", 409)


# -- launching --------------------------------------------------------------------------------------------------------


def _active_jobs(ctx: Ctx) -> list[Params]:
    return [job for job in _held(ctx, "jobs").values() if job["status"] != "COMPLETED"]


def _job(ctx: Ctx, kind: str, by: str, servers: list[Params]) -> Params:
    """A new job within the quotas, or the refusal. Its log is kept beside it."""
    active = _active_jobs(ctx)
    busy = {one["sourceServerID"] for job in active for one in job["participatingServers"]}
    for one in servers:
        if one["sourceServerID"] in busy:
            raise AwsError("ConflictException", f"Source server {one['sourceServerID']} is part of an active job", 409)
    for count, limit, what in (
        (len(servers), SERVERS_IN_JOB, "source servers in a single job"),
        (len(active) + 1, JOBS, "concurrent jobs in progress"),
        (len(busy) + len(servers), SERVERS_IN_JOBS, "source servers in all jobs"),
    ):
        if count > limit:
            raise AwsError("ServiceQuotaExceededException", f"Max {what}: {limit}", 402)
    jobs = _held(ctx, "jobs")
    ident = _ident("drsjob", ctx.account, ctx.region, len(jobs))
    jobs[ident] = job = {
        "jobID": ident,
        "arn": _arn(ctx, "job", ident),
        "type": kind,
        "initiatedBy": by,
        "creationDateTime": ctx.clock.iso(),
        "status": "PENDING",
        "participatingServers": servers,
        "tags": {},
    }
    _held(ctx, "logs")[ident] = []
    return job


def _log(ctx: Ctx, job: Params, event: str, **data: Any) -> None:
    entry = {"logDateTime": ctx.clock.iso(), "event": event}
    _held(ctx, "logs")[job["jobID"]].append({**entry, "eventData": data} if data else entry)


@op("drs", "StartRecovery")
def start_recovery(ctx: Ctx, params: Params) -> Params:
    """One job; its servers end one by one, each in its own way. There is no client token: a second call is a second launch."""
    _initialised(ctx)
    servers = _servers(ctx)
    for wanted in params["sourceServers"]:
        ident = wanted["sourceServerID"]
        if ident not in servers:
            raise AwsError("ConflictException", f"Source server {ident} not found", 409)
        into = servers[ident].config.get("launchIntoInstanceProperties", {}).get("launchIntoEC2InstanceID")
        if into:
            _check_into(ctx, into)
    drill = bool(params.get("isDrill"))
    parts = [{"sourceServerID": one["sourceServerID"], "launchStatus": "PENDING"} for one in params["sourceServers"]]
    job = _job(ctx, "LAUNCH", "START_DRILL" if drill else "START_RECOVERY", parts)
    job["tags"] = dict(params.get("tags", {}))
    for part in parts:
        view = servers[part["sourceServerID"]].view
        begun = {"apiCallDateTime": ctx.clock.iso(), "jobID": job["jobID"], "type": "DRILL" if drill else "RECOVERY"}
        view["lifeCycle"]["lastLaunch"] = {"initiated": begun, "status": "PENDING"}
        view["lastLaunchResult"] = "PENDING"
    points: dict[str, str] = {}
    ctx.eventually(STARTED, lambda: _started(ctx, job))
    ctx.eventually(SNAPSHOT, lambda: _snapshots(ctx, job, points))
    ctx.eventually(CLEANED, lambda: _clean(ctx, job))
    for index, part in enumerate(parts):
        ctx.eventually(LAUNCHED + STAGGER * (index % 10), partial(_launch, ctx, job, part, drill, points))
    ctx.eventually(LAUNCHED + STAGGER * min(len(parts) - 1, 9) + ENDED, lambda: _ended(ctx, job))
    return {"job": job}


def _started(ctx: Ctx, job: Params) -> None:
    job["status"] = "STARTED"
    _log(ctx, job, "JOB_START")
    for part in job["participatingServers"]:
        _result(ctx, part, "IN_PROGRESS")


def _snapshots(ctx: Ctx, job: Params, points: dict[str, str]) -> None:
    for part in job["participatingServers"]:
        ident = part["sourceServerID"]
        server = _servers(ctx)[ident]
        _show(ctx, server, ec2_drs.instances(ctx, server.region))
        points[ident] = _iso(ctx, server.seen - server.lag)
        ctx.gw.markers.copy(ctx.data(ident), ctx.data(f"{job['jobID']}/{ident}"))
        _log(ctx, job, "SNAPSHOT_START", sourceServerID=ident)
        _log(ctx, job, "SNAPSHOT_END", sourceServerID=ident)


def _clean(ctx: Ctx, job: Params) -> None:
    """What was launched from a server before is removed, whether or not it serves by now; an instance to launch into stays."""
    instances = _held(ctx, "instances")
    for part in job["participatingServers"]:
        ident = part["sourceServerID"]
        into = _servers(ctx)[ident].config.get("launchIntoInstanceProperties", {}).get("launchIntoEC2InstanceID")
        for old in [key for key, one in instances.items() if one["sourceServerID"] == ident]:
            _log(ctx, job, "CLEANUP_START", sourceServerID=ident)
            machine = instances.pop(old)["ec2InstanceID"]
            if machine != into:
                _terminate(ctx, machine)
            _log(ctx, job, "CLEANUP_END", sourceServerID=ident)
        _log(ctx, job, "CONVERSION_START", sourceServerID=ident)


def _terminate(ctx: Ctx, machine: str) -> None:
    instance: Any = ec2_drs.instances(ctx).get(machine)
    if ec2_drs.state(instance) not in ("terminated", "shutting-down", "not_found"):
        ec2_drs.left(ctx)[machine] = ctx.clock.time()
        instance.terminate()


def _result(ctx: Ctx, part: Params, status: str) -> None:
    part["launchStatus"] = status
    view = _servers(ctx)[part["sourceServerID"]].view
    view["lifeCycle"]["lastLaunch"]["status"] = status
    if status in ("LAUNCHED", "FAILED"):
        view["lastLaunchResult"] = "SUCCEEDED" if status == "LAUNCHED" else "FAILED"


def _launch(ctx: Ctx, job: Params, part: Params, drill: bool, points: dict[str, str]) -> None:
    ident = part["sourceServerID"]
    server = _servers(ctx)[ident]
    _log(ctx, job, "CONVERSION_END", sourceServerID=ident)
    _log(ctx, job, "LAUNCH_START", sourceServerID=ident)
    reason = "" if server.state in LAUNCHABLE else f"there is no point in time to recover from: {server.state}"
    if server.error and server.failing > 0:
        server.failing -= 1
        reason = server.error
    if reason:
        _log(ctx, job, "LAUNCH_FAILED", sourceServerID=ident, rawError=reason)
        _result(ctx, part, "FAILED")
        return
    machine = server.config.get("launchIntoInstanceProperties", {}).get("launchIntoEC2InstanceID")
    if not machine:
        tags = {"Name": server.config["name"], "AWSElasticDisasterRecoverySourceServerID": ident}
        copied = ec2_drs.instances(ctx, server.region).get(server.machine) if server.config["copyTags"] else None
        tags |= {tag["key"]: tag["value"] for tag in copied.get_tags()} if copied else {}
        place = _place(ctx, server)
        machine = _machine(ctx, ctx.region, tags | place["tags"], card=place["card"])
    for other in _servers(ctx, server.region).values():
        if other.machine == machine:  # its disks are new: whoever replicated the old ones has lost it
            other.state = "STALLED"
    instance = ec2_drs.instances(ctx)[machine]
    ctx.gw.markers.copy(ctx.data(f"{job['jobID']}/{ident}"), ctx.data(machine))
    ec2_drs.known(ctx)[machine] = ctx.clock.time()
    ec2_drs.set_state(instance, "running" if server.config["launchDisposition"] == "STARTED" else "stopped")
    if server.impaired:
        ctx.at("ec2").setdefault("impaired", set()).add(machine)
    _held(ctx, "instances")[machine] = {
        "recoveryInstanceID": machine,
        "ec2InstanceID": machine,
        "ec2InstanceState": ec2_drs.state(instance).upper(),
        "jobID": job["jobID"],
        "sourceServerID": ident,
        "arn": _arn(ctx, "recovery-instance", machine),
        "tags": {},
        "isDrill": drill,
        "originEnvironment": "AWS",
        "pointInTimeSnapshotDateTime": points[ident],
        "failback": {"state": "FAILBACK_NOT_STARTED"},
    }
    part["recoveryInstanceID"] = server.view["recoveryInstanceId"] = machine
    _result(ctx, part, "LAUNCHED")


def _ended(ctx: Ctx, job: Params) -> None:
    job.update(status="COMPLETED", endDateTime=ctx.clock.iso())
    _log(ctx, job, "JOB_END")


@op("drs", "TerminateRecoveryInstances")
def terminate_recovery_instances(ctx: Ctx, params: Params) -> Params:
    """A job too. Refused while the instance is replicated back."""
    _initialised(ctx)
    found = []
    for ident in params["recoveryInstanceIDs"]:
        one = _held(ctx, "instances").get(ident)
        if one is None:
            raise AwsError("ConflictException", f"Recovery instance {ident} not found", 409)
        behind = _reversed(ctx, one)
        if behind is not None and behind.state != "STOPPED":
            raise AwsError("ConflictException", f"Recovery instance {ident} cannot be terminated during failback", 409)
        found.append(one)
    parts = [
        {"sourceServerID": one["sourceServerID"], "recoveryInstanceID": one["recoveryInstanceID"], "launchStatus": "PENDING"}
        for one in found
    ]
    job = _job(ctx, "TERMINATE", "TERMINATE_RECOVERY_INSTANCES", parts)

    def terminated() -> None:
        for part in parts:
            _terminate(ctx, _held(ctx, "instances").pop(part["recoveryInstanceID"])["ec2InstanceID"])
            part["launchStatus"] = "TERMINATED"
            _servers(ctx)[part["sourceServerID"]].view.pop("recoveryInstanceId", None)
        _ended(ctx, job)

    ctx.eventually(STARTED, lambda: job.update(status="STARTED"))
    ctx.eventually(CLEANED, terminated)
    return {"job": job}


@op("drs", "DeleteRecoveryInstance")
def delete_recovery_instance(ctx: Ctx, params: Params) -> None:
    """Forgets the record; the machine stays."""
    _initialised(ctx)
    _recovery(ctx, params["recoveryInstanceID"])
    del _held(ctx, "instances")[params["recoveryInstanceID"]]


# -- reversing --------------------------------------------------------------------------------------------------------


def _origin(ctx: Ctx, recovery: Params) -> str:
    """The region that a recovery instance's machine came from."""
    return _servers(ctx)[recovery["sourceServerID"]].region


def _reversed(ctx: Ctx, recovery: Params) -> Server | None:
    """The source server in the other region that replicates a recovery instance."""
    return _servers(ctx, _origin(ctx, recovery)).get(_held(ctx, "reversed").get(recovery["recoveryInstanceID"], ""))


@op("drs", "ReverseReplication")
def reverse_replication(ctx: Ctx, params: Params) -> Params:
    """A new server in the origin's region; from an instance that was failed back, the first server is pointed at it instead."""
    _initialised(ctx)
    one = _recovery(ctx, params["recoveryInstanceID"])
    machine, server = one["ec2InstanceID"], _servers(ctx)[one["sourceServerID"]]
    instance = ec2_drs.instances(ctx).get(machine)
    if one["isDrill"]:
        raise AwsError("ValidationException", "a drill instance cannot be protected")
    if ec2_drs.state(instance) != "running" or ctx.clock.time() < ec2_drs.known(ctx)[machine] + SETTLED_AFTER:
        raise AwsError("ConflictException", f"Recovery instance {machine} is still initializing", 409)
    there = ctx.within("drs", server.region)
    if not there.store.get("on"):
        raise AwsError("UninitializedAccountException", f"Account not initialized in {server.region}")
    if _reversed(ctx, one) is not None:
        raise AwsError("ConflictException", f"Recovery instance {machine} is already protected", 409)
    first = server.view.get("reversedDirectionSourceServerArn", "").rsplit("/", 1)[-1]
    hostname = server.view["sourceProperties"]["identificationHints"]["hostname"]
    if server.view["replicationDirection"] == "FAILBACK" and first in _servers(there):
        back = _servers(there)[first]
        back.stop()
        back.machine, back.region, steps = machine, ctx.region, REPOINTED
        back.view["sourceProperties"] = _hints(machine, hostname)
    else:
        back = _new_server(there, _ident("s", server.view["arn"], machine), machine, ctx.region, hostname, "FAILBACK", {})
        back.view["reversedDirectionSourceServerArn"] = server.view["arn"]
        steps = BEGINNING
    server.view["reversedDirectionSourceServerArn"] = back.view["arn"]
    _held(ctx, "reversed")[machine] = back.view["sourceServerID"]
    back.seen = ctx.clock.time()
    back.stop = transition(ctx.clock, steps, lambda state: setattr(back, "state", state))
    return {"reversedDirectionSourceServerArn": back.view["arn"]}


@op("drs", "StopReplication")
def stop_replication(ctx: Ctx, params: Params) -> Params:
    """Deletes every point in time as well."""
    server = _server(ctx, params)
    server.stop()
    server.state = "STOPPED"
    return {"sourceServer": _show(ctx, server, ec2_drs.instances(ctx, server.region))}


# -- data -------------------------------------------------------------------------------------------------------------


@holds("drs")
def holders(ctx: Ctx) -> Iterator[Holder]:
    """The disks of machines, under the machine's name, and what has arrived of them at source servers in the other region."""
    machines = ec2_drs.instances(ctx)
    for ident in ec2_drs.known(ctx):
        if ident in machines:
            name = next((tag["value"] for tag in machines[ident].get_tags() if tag["key"] == "Name"), ident)
            runs = ec2_drs.state(machines[ident]) == "running"
            yield Holder(ctx.data(ident), "drs", ctx.account, ctx.region, name, runs)
    for ident, server in _servers(ctx).items():
        state = _show(ctx, server, ec2_drs.instances(ctx, server.region))["dataReplicationInfo"]["dataReplicationState"]
        follows = {}
        if state not in ("STOPPED", "RESCAN", *(name for name, _seconds in BEGINNING[:-1])) and server.state != "STALLED":
            follows = {ctx.data(server.machine, server.region): partial(_arrived, server)}
        yield Holder(ctx.data(ident), "drs", ctx.account, ctx.region, ident, False, follows)


def _arrived(server: Server) -> float:
    return server.seen - server.lag


# -- tags -------------------------------------------------------------------------------------------------------------


def _tagged(ctx: Ctx, arn: str) -> dict[str, str]:
    _initialised(ctx)
    ident = arn.rsplit("/", 1)[-1]
    found = _servers(ctx)[ident].view if ident in _servers(ctx) else _recovery(ctx, ident)
    tags: dict[str, str] = found["tags"]
    return tags


@op("drs", "TagResource")
def tag_resource(ctx: Ctx, params: Params) -> None:
    """Source servers and recovery instances."""
    _tagged(ctx, params["resourceArn"]).update(params["tags"])


@op("drs", "UntagResource")
def untag_resource(ctx: Ctx, params: Params) -> None:
    """Source servers and recovery instances."""
    for key in params["tagKeys"]:
        _tagged(ctx, params["resourceArn"]).pop(key, None)


@op("drs", "ListTagsForResource")
def list_tags_for_resource(ctx: Ctx, params: Params) -> Params:
    """Source servers and recovery instances."""
    return {"tags": dict(_tagged(ctx, params["resourceArn"]))}
