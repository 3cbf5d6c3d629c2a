# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers under Elastic Disaster Recovery over the real engine and the sandbox, end states read by plain boto3."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from flow import Flow

from ansible_collections.dr.aws.plugins.module_utils.adapters.drs_source_server import DrsSourceServer
from ansible_collections.dr.aws.plugins.module_utils.engine import Engine
from ansible_collections.dr.aws.plugins.module_utils.model import Active, Goal, Pair
from ansible_collections.dr.aws.plugins.module_utils.store import MemoryJournal

EAST, WEST = "us-east-1", "us-west-2"
ACCOUNTS = ("200000000001", "200000000002", "200000000003")
ACCOUNT = ACCOUNTS[0]
ROLES = {account: (f"arn:aws:iam::{account}:role/dr-automation", "shop") for account in ACCOUNTS}
ESTATE = {
    "name": "shop",
    "control_region": WEST,
    "regions": [EAST, WEST],
    "accounts": [
        {"id": "100000000000", "name": "management", "management": True},
        *({"id": account, "roles": [{"name": "dr-automation", "external_id": "shop"}]} for account in ACCOUNTS),
    ],
}
REASON = "The instance type m9.large is not supported in us-west-2"


class World:
    """One protected server, what the sandbox made of it, and a flow over it."""

    def __init__(self, sandbox: Any, settings: dict[str, Any] | None = None, **spec: Any) -> None:
        sandbox.load(ESTATE)
        self.sandbox = sandbox
        self.made = seed(sandbox, "db", **spec)
        self.flow = Flow(sandbox, [pair("db", self.made["id"], settings=settings or {})], ROLES)

    @property
    def home(self) -> Flow:
        return self.flow.home()

    def ec2(self, region: str) -> Any:
        return self.sandbox.client("ec2", region, ACCOUNT)

    def drs(self, region: str) -> Any:
        return self.sandbox.client("drs", region, ACCOUNT)

    def instance(self, region: str, ident: str) -> dict[str, Any]:
        (found,) = self.ec2(region).describe_instances(InstanceIds=[ident])["Reservations"]
        (one,) = found["Instances"]
        return {**one, "state": one["State"]["Name"], "tags": {tag["Key"]: tag["Value"] for tag in one.get("Tags", ())}}

    def source(self) -> dict[str, Any]:
        return self.instance(EAST, self.made["instance_id"])

    def recovery(self, region: str = WEST) -> dict[str, Any]:
        (found,) = self.drs(region).describe_recovery_instances()["items"]
        return {**found, **self.instance(region, found["ec2InstanceID"])}

    def closed_group(self) -> str:
        """A security group of the source's network, for its quarantine."""
        made = self.ec2(EAST).create_security_group(GroupName="apart", Description="no rules", VpcId=self.source()["VpcId"])
        return str(made["GroupId"])

    def left_by_a_drill(self) -> None:
        """The default version of its launch template is one that a drill has made."""
        ec2, template = (
            self.ec2(WEST),
            self.drs(WEST).get_launch_configuration(sourceServerID=self.made["id"])["ec2LaunchTemplateID"],
        )
        left = {"dr:default-version": "1", "dr:source-server": self.made["id"]}
        tags = [{"Key": key, "Value": value} for key, value in left.items()]
        data = {"TagSpecifications": [{"ResourceType": "instance", "Tags": tags}]}
        made = ec2.create_launch_template_version(LaunchTemplateId=template, SourceVersion="1", LaunchTemplateData=data)
        number = str(made["LaunchTemplateVersion"]["VersionNumber"])
        ec2.modify_launch_template(LaunchTemplateId=template, DefaultVersion=number)

    def failover(self, mode: str = "planned") -> None:
        for phase in ("instantiate", "activate"):
            done(self.flow.one(phase, mode))

    def repeated(self, one: Flow, phase: str, mode: str = "planned", **options: Any) -> None:
        """A second run and check mode find nothing to do, and send nothing."""
        before = len(one.mutations())
        for check in (False, True):
            result = one.one(phase, mode, check=check, **options)
            assert (result.status, result.calls) == ("done", ()), result
        assert len(one.mutations()) == before


def seed(sandbox: Any, name: str, account: str = ACCOUNT, **spec: Any) -> dict[str, Any]:
    kind = {"kind": "drs_source_server", "account": account, "region": EAST, "peer": {"region": WEST}}
    return dict(sandbox.seed(**kind, name=name, **spec))


def pair(key: str, server: str, account: str = ACCOUNT, **fields: Any) -> Pair:
    return Pair(key, "drs", account, EAST, WEST, server, server, **fields)


def done(result: Any) -> Any:
    assert result.status == "done", result
    return result


def names(result: Any) -> list[str]:
    return [f"{call['operation']}@{call['region']}" for call in result.calls]


def test_planned_failover_loses_nothing_and_is_protected_again(sandbox: Any) -> None:
    world = World(sandbox)
    flow = world.flow
    assert names(done(flow.one("instantiate"))) == [f"update_launch_configuration@{WEST}", f"start_recovery@{WEST}"]
    first = world.recovery()
    assert (first["state"], first["isDrill"], world.source()["state"]) == ("stopped", False, "running")
    world.repeated(flow, "instantiate")

    result = done(flow.one("activate"))
    assert names(result) == [
        f"stop_instances@{EAST}",
        f"start_recovery@{WEST}",
        f"create_tags@{WEST}",
        f"start_instances@{WEST}",
    ]
    second = world.recovery()
    assert second["ec2InstanceID"] != first["ec2InstanceID"], "what was launched while the source still ran is replaced"
    assert world.instance(WEST, first["ec2InstanceID"])["state"] == "terminated"
    assert (second["state"], world.source()["state"]) == ("running", "stopped")
    assert (result.outputs["ec2_instance_id"], result.outputs["status_checks"]) == (second["InstanceId"], "ok")
    world.repeated(flow, "activate")

    assert names(done(flow.one("cleanup"))) == [f"create_tags@{EAST}"]
    assert (world.source()["state"], world.source()["tags"]["dr:role"]) == ("stopped", "quarantined")
    world.repeated(flow, "cleanup")

    result = done(flow.one("replicate"))
    assert names(result) == [f"reverse_replication@{WEST}"]
    (back,) = world.drs(EAST).describe_source_servers()["items"]
    assert (back["replicationDirection"], back["sourceServerID"]) == ("FAILBACK", result.outputs["failback_source_server_id"])
    assert back["dataReplicationInfo"]["dataReplicationState"] == "CONTINUOUS"
    world.repeated(flow, "replicate")


def test_failback_protects_the_first_server_again_before_the_old_instance_ends(sandbox: Any) -> None:
    world = World(sandbox)
    world.failover()
    for phase in ("cleanup", "replicate"):
        done(world.flow.one(phase))
    old = world.recovery()["InstanceId"]

    home = world.home
    for phase in ("instantiate", "activate"):
        done(home.one(phase))
        world.repeated(home, phase)
    new = world.recovery(EAST)
    assert (new["state"], world.instance(WEST, old)["state"]) == ("running", "stopped")

    early = home.one("cleanup", cleanup_policy="remove")
    assert (early.status, "protected again" in early.why) == ("blocked", True), early
    assert world.instance(WEST, old)["state"] == "stopped"

    assert names(done(home.one("replicate"))) == [f"reverse_replication@{EAST}"]
    (first,) = world.drs(WEST).describe_source_servers()["items"]
    assert first["sourceServerID"] == world.made["id"], "no second server: the first one is pointed at the new machine"
    assert first["sourceProperties"]["identificationHints"]["awsInstanceID"] == new["InstanceId"]
    world.repeated(home, "replicate")

    removed = done(home.one("cleanup", cleanup_policy="remove"))
    assert names(removed) == [
        f"create_snapshots@{WEST}",
        f"stop_replication@{EAST}",
        f"terminate_recovery_instances@{WEST}",
    ]
    assert world.instance(WEST, old)["state"] == "terminated"
    world.repeated(home, "cleanup", cleanup_policy="remove")

    for phase in ("instantiate", "activate", "cleanup", "replicate"):  # and out again, as if nothing had been
        done(world.flow.one(phase))
    assert (world.recovery(WEST)["state"], world.instance(EAST, new["InstanceId"])["state"]) == ("running", "stopped")


def test_unplanned_failover_with_the_source_dark_then_back(sandbox: Any) -> None:
    world = World(sandbox)
    sandbox.dark(EAST)
    for phase in ("instantiate", "activate"):
        done(world.flow.one(phase, "unplanned"))
        world.repeated(world.flow, phase, "unplanned")
    assert world.recovery()["state"] == "running"
    for phase in ("cleanup", "replicate"):
        result = world.flow.one(phase, "unplanned")
        assert (result.status, result.calls) == ("deferred", ()), result

    sandbox.clear_faults()
    world.flow.clock.sleep(120)  # until the breaker asks the region again
    assert world.source()["state"] == "running", "it ran on all the time"
    assert names(done(world.flow.one("cleanup", "unplanned"))) == [f"stop_instances@{EAST}", f"create_tags@{EAST}"]
    assert world.source()["state"] == "stopped"
    done(world.flow.one("replicate", "unplanned"))
    for phase in ("activate", "cleanup", "replicate"):
        world.repeated(world.flow, phase, "unplanned")


def test_unplanned_failback_with_the_dr_region_dark(sandbox: Any) -> None:
    world = World(sandbox)
    world.failover()
    for phase in ("cleanup", "replicate"):
        done(world.flow.one(phase))
    old = world.recovery()["InstanceId"]
    home = Flow(sandbox, world.home.pairs, ROLES, control_region=EAST)
    sandbox.dark(WEST)
    for phase in ("instantiate", "activate"):
        done(home.one(phase, "unplanned"))
        world.repeated(home, phase, "unplanned")
    assert world.recovery(EAST)["state"] == "running"

    sandbox.clear_faults()
    home.clock.sleep(120)  # until the breaker asks the region again
    done(home.one("cleanup", "unplanned"))
    assert world.instance(WEST, old)["state"] == "stopped"
    done(home.one("replicate", "unplanned"))
    for phase in ("activate", "cleanup", "replicate"):
        world.repeated(home, phase, "unplanned")


def test_planned_mode_stops_at_a_dark_source(sandbox: Any) -> None:
    world = World(sandbox)
    done(world.flow.one("instantiate"))
    sandbox.dark(EAST)
    result = world.flow.one("activate")
    assert (result.status, result.calls) == ("blocked", ()), result
    assert EAST in result.why


def test_a_dark_source_that_was_launched_long_ago_is_launched_again(sandbox: Any) -> None:
    world = World(sandbox)
    done(world.flow.one("instantiate"))
    sandbox.advance(30 * 86400)
    world.drs(WEST).describe_source_servers()  # DRS has heard of it until now
    sandbox.dark(EAST)
    sandbox.advance(600)
    assert f"start_recovery@{WEST}" in names(done(world.flow.one("activate", "unplanned")))


@pytest.mark.parametrize("phase", ["instantiate", "activate", "cleanup", "replicate"])
def test_check_mode_sends_nothing(sandbox: Any, phase: str) -> None:
    world = World(sandbox)
    before = {"activate": ("instantiate",), "cleanup": ("instantiate", "activate")}.get(
        phase, ("instantiate", "activate", "cleanup")
    )
    for earlier in before if phase != "instantiate" else ():
        done(world.flow.one(earlier))
    sent = len(world.flow.mutations())
    result = world.flow.one(phase, check=True)
    assert (result.status, len(result.calls)) == ("would_change", 1), result
    assert len(world.flow.mutations()) == sent


def test_removal_keeps_a_final_snapshot(sandbox: Any) -> None:
    world = World(sandbox)
    world.failover()
    result = done(world.flow.one("cleanup", cleanup_policy="remove"))
    assert names(result) == [f"create_tags@{EAST}", f"create_snapshots@{EAST}", f"terminate_instances@{EAST}"]
    assert world.source()["state"] == "terminated"
    wanted = [{"Name": "tag:dr:final-snapshot-of", "Values": [world.made["instance_id"]]}]
    assert world.ec2(EAST).describe_snapshots(OwnerIds=["self"], Filters=wanted)["Snapshots"]
    world.repeated(world.flow, "cleanup", cleanup_policy="remove")


def test_cleanup_touches_nothing_while_the_source_serves(sandbox: Any) -> None:
    world = World(sandbox)
    done(world.flow.one("instantiate"))
    sent = len(world.flow.mutations())
    result = world.flow.one("cleanup", cleanup_policy="remove")
    assert (result.status, world.source()["state"]) == ("blocked", "running"), result
    assert len(world.flow.mutations()) == sent


def test_what_is_launched_into_survives_failover_and_failback(sandbox: Any) -> None:
    world = World(sandbox, launch_into=True, instance_tags={"AWSDRS": "AllowLaunchingIntoThisInstance"})
    into, source = world.made["launch_into"], world.made["instance_id"]
    apart = world.closed_group()
    regions = {WEST: {"launch_into": into}, EAST: {"launch_into": source, "quarantine_security_group": apart}}
    world.flow = Flow(sandbox, [pair("db", world.made["id"], settings={"regions": regions})], ROLES)
    groups = world.source()["NetworkInterfaces"][0]["Groups"]
    world.failover()
    assert (world.recovery()["InstanceId"], world.recovery()["state"]) == (into, "running")
    kept = done(world.flow.one("cleanup", cleanup_policy="remove"))
    assert (world.source()["state"], "kept_because" in kept.outputs) == ("stopped", True), kept
    assert [group["GroupId"] for group in world.source()["NetworkInterfaces"][0]["Groups"]] == [apart]
    done(world.flow.one("replicate"))

    home = world.home
    for phase in ("instantiate", "activate", "replicate"):
        done(home.one(phase))
        world.repeated(home, phase)
    assert (world.source()["state"], world.source()["NetworkInterfaces"][0]["Groups"]) == ("running", groups)
    done(home.one("cleanup", cleanup_policy="remove"))
    assert world.instance(WEST, into)["state"] == "stopped", "an instance to launch into is never removed"
    assert "terminate_recovery_instances" not in str(home.mutations())


def test_an_instance_without_consent_is_not_launched_into(sandbox: Any) -> None:
    world = World(sandbox)
    stranger = world.ec2(WEST).run_instances(ImageId="ami-00000000", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    world.flow = Flow(sandbox, [pair("db", world.made["id"], settings={"launch_into": stranger})], ROLES)
    result = world.flow.one("instantiate")
    assert (result.status, result.calls) == ("blocked", ()), result
    assert "AWSDRS=AllowLaunchingIntoThisInstance" in result.why


def test_rollback_needs_consent_to_lose_what_was_written(sandbox: Any) -> None:
    world = World(sandbox)
    world.failover()
    done(world.flow.one("cleanup"))
    refused = world.flow.one("rollback")
    assert (refused.status, refused.calls) == ("blocked", ()), refused
    assert "discard_target_writes" in refused.remedy

    world.flow = Flow(sandbox, [pair("db", world.made["id"], settings={"discard_target_writes": True})], ROLES)
    assert names(done(world.flow.one("rollback")))[0] == f"stop_instances@{WEST}", "the target stops before the source starts"
    assert (world.recovery()["state"], world.source()["state"]) == ("stopped", "running")
    world.repeated(world.flow, "rollback")


def test_a_failed_launch_is_named_and_resuming_tries_again(sandbox: Any) -> None:
    world = World(sandbox, launch={"error": REASON, "failing": 2})
    for _attempt in range(2):
        sent = len(world.flow.mutations())
        result = world.flow.one("instantiate")
        assert (result.status, REASON in result.why) == ("blocked", True), result
        assert [call["operation"] for call in world.flow.mutations()[sent:]][-1:] == ["StartRecovery"]
    done(world.flow.one("instantiate"))
    assert world.recovery()["state"] == "stopped"


def test_a_recovery_instance_with_failing_status_checks_stops_the_wave(sandbox: Any) -> None:
    world = World(sandbox, impaired=True)
    done(world.flow.one("instantiate"))
    result = world.flow.one("activate")
    assert (result.status, "impaired" in result.why) == ("blocked", True), result
    assert world.flow.one("cleanup").status == "blocked"


def test_three_hundred_servers_in_merged_jobs(sandbox: Any) -> None:
    """Three accounts, jobs of at most a hundred servers; two launches fail, are named, and hold nobody back."""
    sandbox.load(ESTATE)
    pairs = []
    for account, count in zip(ACCOUNTS, (220, 60, 20), strict=True):
        for number in range(count):
            name = f"{account[-1]}-{number:03d}"
            launch = {"disposition": "STOPPED", **({"error": REASON} if name in ("1-150", "3-007") else {})}
            pairs.append(pair(name, seed(sandbox, name, account, launch=launch)["id"], account))
    flow = Flow(sandbox, pairs, ROLES)
    results = flow.run("instantiate")

    assert Counter(result.status for result in results.values()) == {"done": 298, "blocked": 2}
    for name in ("1-150", "3-007"):
        assert REASON in results[name].why
        assert name in results[name].why
    jobs = [call for call in flow.mutations() if call["operation"] == "StartRecovery"]
    sizes = Counter((call["account"], len(call["params"]["sourceServers"])) for call in jobs)
    assert sizes == {(ACCOUNTS[0], 100): 2, (ACCOUNTS[0], 20): 1, (ACCOUNTS[1], 60): 1, (ACCOUNTS[2], 20): 1}
    assert {call["outcome"] for call in jobs} == {"ok"}, "no quota was hit"
    launched = max(result.seconds for result in results.values())
    assert launched < 3600, "all jobs ran side by side"


def test_declared_actions_are_those_that_are_called(sandbox: Any) -> None:
    world = World(sandbox, launch_into=True, instance_tags={"AWSDRS": "AllowLaunchingIntoThisInstance"})
    into, source = world.made["launch_into"], world.made["instance_id"]
    world.ec2(WEST).start_instances(InstanceIds=[into])
    sandbox.advance(600)
    group = world.closed_group()
    regions = {WEST: {"launch_into": into}, EAST: {"launch_into": source, "quarantine_security_group": group}}
    settings = {"regions": regions, "discard_target_writes": True}
    world.flow = Flow(sandbox, [pair("db", world.made["id"], settings=settings)], ROLES)
    called: dict[str, set[str]] = {}

    def run(one: Flow, phase: str, **options: Any) -> None:
        since = len(sandbox.gateway.calls.rows)
        one.one(phase, **options)
        for call in sandbox.gateway.calls.rows[since:]:
            if call["role"] == "dr-automation":
                key = phase if call["mutating"] else "observe"
                called.setdefault(key, set()).add(f"{call['service']}:{call['operation']}")

    for phase in ("instantiate", "activate", "cleanup", "rollback", "activate", "cleanup", "replicate"):
        run(world.flow, phase)
    world.ec2(EAST).start_instances(InstanceIds=[source])
    sandbox.advance(600)
    run(world.flow, "cleanup")
    for phase in ("instantiate", "activate", "replicate"):
        run(world.home, phase)

    other = World(sandbox, launch={"error": REASON, "failing": 1})
    other.left_by_a_drill()
    run(other.flow, "instantiate")
    for phase, options in (("instantiate", {}), ("activate", {}), ("cleanup", {"cleanup_policy": "remove"}), ("replicate", {})):
        run(other.flow, phase, **options)
    for phase, options in (("instantiate", {}), ("activate", {}), ("replicate", {}), ("cleanup", {"cleanup_policy": "remove"})):
        run(other.home, phase, **options)

    third = World(sandbox, launch={"error": REASON, "failing": 1})
    run(third.flow, "instantiate")
    third.ec2(EAST).stop_instances(InstanceIds=[third.made["instance_id"]])
    sandbox.advance(600)
    third.left_by_a_drill()
    run(third.flow, "activate")
    assert {phase: sorted(actions) for phase, actions in called.items()} == {
        phase: sorted(actions) for phase, actions in DrsSourceServer.actions.items()
    }


def test_sides_are_told_apart_by_marks_not_by_regions(sandbox: Any) -> None:
    world = World(sandbox)
    adapter = DrsSourceServer()

    def active(one: Flow) -> Active:
        return adapter.active(adapter.observe(one.cloud, one.pairs)["db"])

    assert active(world.flow) is Active.SOURCE
    done(world.flow.one("instantiate"))
    assert active(world.flow) is Active.SOURCE
    done(world.flow.one("activate"))
    assert active(world.flow) is Active.TARGET
    world.ec2(EAST).start_instances(InstanceIds=[world.made["instance_id"]])
    sandbox.advance(300)
    assert active(world.flow) is Active.TARGET, "an old source that is started again is still the old one"
    sandbox.dark(WEST)
    assert active(world.flow) is Active.UNKNOWN


def test_drs_refuses_what_aws_refuses(sandbox: Any, aws_code: Any) -> None:
    world = World(sandbox)
    drs, ident = world.drs(WEST), world.made["id"]
    wanted = [{"sourceServerID": ident}]
    assert re.fullmatch(r"drsjob-[0-9a-f]{17}", drs.start_recovery(sourceServers=wanted)["job"]["jobID"])
    assert aws_code(drs.start_recovery, sourceServers=wanted) == "ConflictException"
    sandbox.advance(3600)
    assert aws_code(drs.terminate_recovery_instances, recoveryInstanceIDs=["i-00000000"]) == "ConflictException"
    uninitialised = sandbox.client("drs", WEST, ACCOUNTS[1])
    assert aws_code(uninitialised.describe_source_servers) == "UninitializedAccountException"


class Crash(BaseException):
    """The process ends."""


class Dying:
    """A cloud whose caller dies right after each call that AWS has accepted."""

    def __init__(self, cloud: Any) -> None:
        self.cloud = cloud

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cloud, name)

    def call(self, *where: str, **params: Any) -> Any:
        self.cloud.call(*where, **params)
        raise Crash


def test_a_run_that_dies_after_every_call_does_nothing_twice(sandbox: Any) -> None:
    """There is no client token for a launch, so what a broken run has started must be found."""
    world = World(sandbox)
    for phase in ("instantiate", "activate", "cleanup", "replicate"):
        journal, result = MemoryJournal(), None
        for _run in range(10):
            goal = Goal(world.flow.pairs[0], execution_id="dr-test")
            engine = Engine(Dying(world.flow.cloud), journal, clock=world.flow.clock)
            try:
                result = engine.run(phase, [goal])["db"]
                break
            except Crash:
                continue
        assert result is not None
        done(result)
    operations = [call["operation"] for call in world.flow.mutations() if call["outcome"] == "ok"]
    assert operations == [
        "UpdateLaunchConfiguration",
        "StartRecovery",
        "StopInstances",
        "StartRecovery",
        "CreateTags",
        "StartInstances",
        "CreateTags",
        "ReverseReplication",
    ]
    assert (world.recovery()["state"], world.source()["state"]) == ("running", "stopped")
