# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every technology's drill: copies are made beside the standby, proven and removed, and production is what it was before.

The estate is that of matrix.yml with the standby in place. What exists is read by plain boto3 and from the sandbox's own listing.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from flow import Flow
from permitted import action, refused
from test_matrix import ACCOUNT, EAST, MATRIX, ROLE, SETTLED_SECONDS, WEST, World

from ansible_collections.dr.aws.plugins.module_utils.adapters import adapter
from ansible_collections.dr.aws.plugins.module_utils.drills import DRILLS, drill
from ansible_collections.dr.aws.plugins.module_utils.drills.base import DRILL_TAG, OF_TAG
from ansible_collections.dr.aws.plugins.module_utils.drills.room import ROOM_TAG
from ansible_collections.dr.aws.plugins.module_utils.engine import Result
from ansible_collections.dr.aws.plugins.module_utils.model import TECHNOLOGIES, Goal

DRILL_ID = "dr-20261128T030000Z-d0d0d0"
#: Copies that are made of what has no network.
ROOMLESS = ("route53", "eventbridge")
#: What stands by without phase instantiate: a launch from replicated disks removes what was launched before, so none may be there.
REPLICATED = ("drs",)
#: Half of whose drill is a copy that comes and goes within clean-up, so that its tags are not known before or after.
PASSING = ("efs",)
#: What the drill of another pair than the matrix's asks for; its own tests show that it is called.
ELSEWHERE = {
    "drs": {"drs:DescribeJobLogItems", "ec2:StartInstances"},
    "eventbridge": {"sns:GetTopicAttributes", "sqs:GetQueueUrl", "states:DescribeStateMachine"},
    "route53": {"route53-recovery-cluster:GetRoutingControlState"},
}

#: What production says of itself and what changes with time alone; looks at measurements and at jobs ask for a time.
CLOCKS = {"ResponseMetadata", "LatestRestorableTime", "LastReplicatedTimestamp", "Timestamp", "lastSeenByServiceDateTime"}
PASSING_BY = ("get_metric_data", "describe_jobs")
#: What DRS notes of a server whenever one is launched from it, for a drill as well.
LAUNCHES = {"lastLaunch", "lastLaunchResult"}


class Noted:
    """Ways into AWS that keep what every describe call has answered."""

    def __init__(self, cloud: Any) -> None:
        self.cloud, self.answers = cloud, dict[str, Any]()

    def read(self, *where: str, **params: Any) -> Any:
        return self._note(self.cloud.read(*where, **params), where, params)

    def pages(self, *where: str, **params: Any) -> Any:
        return self._note(self.cloud.pages(*where, **params), where, params)

    def _note(self, answer: Any, where: tuple[str, ...], params: dict[str, Any]) -> Any:
        if where[3] not in PASSING_BY:
            self.answers[f"{where} {params}"] = _lasting(answer)
        return answer


def _lasting(answer: Any) -> Any:
    """What was answered, without what passes by itself."""
    if isinstance(answer, dict):
        return {name: _lasting(value) for name, value in answer.items() if name not in CLOCKS | LAUNCHES}
    return [_lasting(value) for value in answer] if isinstance(answer, list) else answer


class Drilled(World):
    """A pair whose standby holds, and a drill room beside it; `drill` is the flow of the drill."""

    def __init__(self, sandbox: Any, technology: str, *, furnished: bool = True) -> None:
        super().__init__(sandbox, technology, "unplanned")
        if "instantiate" in self.ends and technology not in REPLICATED:
            assert self.flow.one("instantiate").status == "done"
        self.room = sandbox.seed(kind="drill_room", account=ACCOUNT, region=WEST) if furnished else {}
        sandbox.advance(SETTLED_SECONDS)
        self.pair = replace(self.pair, settings={**self.pair.settings, "drill_id": DRILL_ID})
        self.drill = Flow(sandbox, [self.pair], {ACCOUNT: ROLE}, self.flow.captured, reconciler=drill)
        self.before = len(self.drill.mutations())

    def sent(self) -> list[dict[str, Any]]:
        """The drill's mutating calls so far."""
        return self.drill.mutations()[self.before :]

    def listed(self) -> dict[str, dict[str, str]]:
        """ARN -> tags of everything in both regions."""
        return self.tagged() | _records(self.sandbox.inside("route53", WEST, ACCOUNT))

    def described(self) -> dict[str, Any]:
        """All that AWS says of production and its standby to whoever looks at them: describe call -> its answer."""
        noted = Noted(self.flow.cloud)
        adapter(self.pair.technology).observe(noted, [self.pair])
        return noted.answers

    def phase(self, phase: str, *, judged: bool = True) -> Result:
        """Check mode, the first run, and the second one, which is a new execution; gives the first run's result.

        judged: its calls are those that its policy allows, by the tags of what was there before or is there now.
        """
        before, begun, there = len(self.sent()), len(self.sandbox.calls()), self.tagged()
        checked = self.drill.one(phase, check=True)
        assert len(self.sent()) == before
        first = self.drill.one(phase)
        assert first.status == "done", (first.why, first)
        assert checked.status == ("would_change" if first.calls else "done"), checked
        assert len(self.sent()) == before + len(first.calls)
        again = self.drill.one(phase)
        assert (again.status, again.calls) == ("done", ()), again
        calls = self.sandbox.calls()[begun:] if judged else []
        assert refused(calls, self.pair.technology, ("drill observe", f"drill {phase}"), self.tagged() | there) == []
        return first


@pytest.mark.parametrize("technology", DRILLS)
def test_a_drill_leaves_production_as_it_was_and_nothing_behind(sandbox: Any, technology: str) -> None:
    world = Drilled(sandbox, technology)
    state, listed, described = world.state(), world.listed(), world.described()
    begun = len(sandbox.calls())
    made = [world.phase(phase) for phase in ("instantiate", "activate")]
    assert any(result.outputs.get("copy") for result in made), "a drill says what its copy is"
    new = _changed(listed, world.listed())
    assert set(new) & set(listed) == set(), "what existed before is as it was"
    assert any(tags.get(DRILL_TAG) == DRILL_ID and tags.get(OF_TAG) == world.pair.key for tags in new.values()), new
    assert not any("dr:enabled" in tags for tags in new.values()), "discovery must not take a copy for production"
    assert world.state() == state
    seen = drill(technology).observe(world.drill.cloud, [world.pair])[world.pair.key]
    health = drill(technology).health(seen, Goal(world.pair))
    assert health.status == "HEALTHY", health
    world.phase("cleanup")
    sandbox.advance(SETTLED_SECONDS)
    assert (world.state(), _changed(listed, world.listed())) == (state, {})
    rows = [row for row in sandbox.calls()[begun:] if row["service"] != "sts"]
    declared = {action for actions in drill(technology).actions.values() for action in actions}
    assert {action(row["service"], row["operation"]) for row in rows} == declared - ELSEWHERE.get(technology, set())
    assert {row["region"] for row in rows} <= {WEST, "global"}, "the source region is not even looked at"
    assert world.described() == described


@pytest.mark.parametrize("technology", DRILLS)
def test_a_drill_that_dies_after_every_call_goes_on_and_is_removed(sandbox: Any, technology: str) -> None:
    world = Drilled(sandbox, technology)
    state, listed = world.state(), world.listed()
    for phase in ("instantiate", "activate", "cleanup"):
        assert world.drill.survive(phase, runs=20).status == "done"
    calls = [(row["operation"], str(row["params"])) for row in world.sent() if row["outcome"] == "ok"]
    assert len(calls) == len(set(calls)), "no call was made twice"
    sandbox.advance(SETTLED_SECONDS)
    assert (world.state(), _changed(listed, world.listed())) == (state, {})


@pytest.mark.parametrize("technology", DRILLS)
def test_half_a_drill_is_removed_as_well(sandbox: Any, technology: str) -> None:
    world = Drilled(sandbox, technology)
    listed = world.listed()
    assert world.drill.one("cleanup").calls == (), "nothing was made yet"
    begun = next(phase for phase in ("instantiate", "activate") if world.drill.one(phase, check=True).calls)
    with pytest.raises(AssertionError, match="does not end"):
        world.drill.survive(begun, runs=1)
    assert len(world.sent()) == 1, "it died after its first call"
    world.phase("cleanup", judged=technology not in PASSING)
    sandbox.advance(SETTLED_SECONDS)
    assert _changed(listed, world.listed()) == {}


@pytest.mark.parametrize("technology", [one for one in DRILLS if one not in ROOMLESS])
def test_no_room_no_drill(sandbox: Any, technology: str) -> None:
    world = Drilled(sandbox, technology, furnished=False)
    results = [world.drill.one(phase) for phase in ("instantiate", "activate")]
    assert [result.status for result in results] == ["blocked", "blocked"], results
    assert any(ROOM_TAG in result.why + result.remedy for result in results), results
    assert world.sent() == []


@pytest.mark.parametrize("technology", [one for one in DRILLS if one not in ROOMLESS])
def test_a_room_with_a_way_to_production_is_refused(sandbox: Any, technology: str) -> None:
    world = Drilled(sandbox, technology)
    ec2 = sandbox.inside("ec2", WEST, ACCOUNT)
    vpcs = {one["IsDefault"]: one["VpcId"] for one in ec2.describe_vpcs()["Vpcs"]}
    peering = ec2.create_vpc_peering_connection(VpcId=world.room["vpc"], PeerVpcId=vpcs[True])["VpcPeeringConnection"]
    (table,) = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [world.room["vpc"]]}])["RouteTables"]
    ec2.create_route(
        RouteTableId=table["RouteTableId"],
        DestinationCidrBlock="172.31.0.0/16",
        VpcPeeringConnectionId=peering["VpcPeeringConnectionId"],
    )
    results = [world.drill.one(phase) for phase in ("instantiate", "activate")]
    assert [result.status for result in results] == ["blocked", "blocked"], results
    assert any(peering["VpcPeeringConnectionId"] in result.why for result in results), results
    assert world.sent() == []


@pytest.mark.parametrize("technology", DRILLS)
def test_a_drill_needs_nothing_from_the_source_region(sandbox: Any, technology: str) -> None:
    world = Drilled(sandbox, technology)
    sandbox.dark(EAST)
    for phase in ("instantiate", "activate", "cleanup"):
        assert world.drill.one(phase).status == "done"


def test_every_technology_has_a_drill() -> None:
    assert set(DRILLS) == set(TECHNOLOGIES) == set(MATRIX)


def _changed(before: dict[str, dict[str, str]], now: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """What is new, gone or tagged otherwise."""
    return {arn: now.get(arn, {}) for arn in before.keys() | now.keys() if before.get(arn) != now.get(arn)}


def _records(route53: Any) -> dict[str, dict[str, str]]:
    """Record sets, which cannot be tagged: a TXT record's strings `key=value` are its tags."""
    found: dict[str, dict[str, str]] = {}
    for zone in route53.list_hosted_zones()["HostedZones"]:
        for one in route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]:
            values = [value["Value"] for value in one.get("ResourceRecords", ()) if one["Type"] == "TXT"]
            tags = dict(word.split("=", 1) for value in values for word in re.findall(r'"([^"]*=[^"]*)"', value))
            found[f"{zone['Id']}/{one['Name']}/{one['Type']}/{one.get('SetIdentifier', '')}"] = tags
    return found
