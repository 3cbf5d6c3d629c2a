# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions of the Route 53 drill as a table: a row is a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.drills.route53_record import CLOUDFRONT, Route53RecordDrill, Seen
from ansible_collections.dr.aws.plugins.module_utils.drills.route53_zone import Place, Zone, mark, names
from ansible_collections.dr.aws.plugins.module_utils.model import UNREACHABLE, Blocked, Call, Done, Goal, Pair, Wait
from ansible_collections.dr.aws.plugins.module_utils.parts import route53_state as state
from ansible_collections.dr.aws.plugins.module_utils.parts.route53_state import Answer, Change, Switch

EAST, WEST = "us-east-1", "us-west-2"
ARNS = {EAST: "arn:east", WEST: "arn:west"}
PAIR = Pair(
    "www",
    "route53",
    "111111111111",
    EAST,
    WEST,
    "Z1/www.example.com/CNAME",
    "Z1/www.example.com/CNAME",
    settings={"drill_id": "quarterly", "routing_controls": ARNS},
)
GOAL = Goal(PAIR)
COPY, MARK = names(PAIR)
OLD, NEW = Answer(("web.east.example.net",)), Answer(("web.west.example.net",))
DRILLS = (Zone("ZDRILL", True),)
DRILL = Route53RecordDrill()
SWITCH = Switch(True, False, "route53-recovery-cluster@https://a", EAST)


def record(answer: Answer = OLD, name: str = "www.example.com.", **more: Any) -> dict[str, Any]:
    one: dict[str, Any] = {"Name": name, "Type": "CNAME", **more}
    if answer.alias:
        zone, called, evaluate = answer.alias
        return {**one, "AliasTarget": {"HostedZoneId": zone, "DNSName": called, "EvaluateTargetHealth": evaluate}}
    return {"TTL": 30, **one, "ResourceRecords": [{"Value": value} for value in answer.values]}


def alias(zone: str) -> Answer:
    return Answer(alias=(zone, "lb.west.example.net", True))


def origin(*sets: dict[str, Any], target: Answer | None = NEW, **more: Any) -> state.Seen:
    return state.Seen("Z1", "www.example.com", "CNAME", sets or (record(),), OLD, target, **more)


def seen(*made: dict[str, Any], zones: Any = DRILLS, sets: Any = None, of: Any = None) -> Seen:
    return Seen(of or origin(), Place(zones, made if sets is None else sets))


def marked(*made: dict[str, Any], **more: Any) -> Seen:
    return seen(*made, mark(PAIR), **more)


MADE = record(NEW, COPY)
WEIGHTED = origin(record(OLD, SetIdentifier="e", Weight=80), record(NEW, SetIdentifier="w", Weight=0))
FAILOVER = origin(
    record(OLD, SetIdentifier="e", Failover="PRIMARY", HealthCheckId="h1"),
    record(NEW, SetIdentifier="w", Failover="SECONDARY", HealthCheckId="h2"),
)
LATENCY = origin(record(OLD, SetIdentifier="e", Region=EAST, HealthCheckId="h1"), single=True)
PENDING = origin(change=Change("C1", "PENDING"))

TABLE = [
    (
        "the record is made under its own name",
        "instantiate",
        seen(),
        Call,
        f"CREATE & 'HostedZoneId': 'ZDRILL' & {COPY} & 'TTL': 30",
    ),
    ("as the target answers", "instantiate", seen(), Call, "web.west.example.net & 'Type': 'CNAME'"),
    ("with its mark, in one batch", "instantiate", seen(), Call, f"{MARK} & dr:drill-id=quarterly & dr:drill-of=www"),
    ("both weights", "instantiate", seen(of=WEIGHTED), Call, "'Weight': 80 & 'Weight': 0 & web.east.example.net"),
    ("both failover records", "instantiate", seen(of=FAILOVER), Call, "PRIMARY & SECONDARY & 'HealthCheckId': 'h2'"),
    ("an alias of a service", "instantiate", seen(of=origin(target=alias("ZELB"))), Call, "lb.west.example.net & ZELB"),
    ("no name server has it yet", "instantiate", marked(MADE, of=PENDING), Wait, "C1 is on its way"),
    ("all have it", "instantiate", marked(MADE, of=origin(change=Change("C1", "INSYNC"))), Done, f"{COPY[:-1]} & INSYNC & ask"),
    ("a change that nobody knows any more", "instantiate", marked(MADE, of=origin(change=Change("C1", "LOST"))), Done, "LOST"),
    ("a name that someone else uses", "instantiate", seen(MADE), Blocked, "does not carry the tags"),
    ("what ACTIVATE could not move", "instantiate", seen(of=origin(target=None)), Blocked, "not known what www.example.com"),
    ("a record that is gone", "instantiate", seen(of=replace(origin(), sets=())), Blocked, "there is no record"),
    ("a zone that is gone", "instantiate", seen(of=replace(origin(), sets=None)), Blocked, "there is no hosted zone Z1"),
    (
        "a weight of no region",
        "instantiate",
        seen(of=origin(record(OLD, SetIdentifier="e", Weight=1))),
        Blocked,
        "belongs to us-west-2",
    ),
    ("the control plane is dark", "instantiate", seen(of=replace(origin(), sets=UNREACHABLE)), Blocked, "control plane"),
    ("nobody knows the zones", "instantiate", seen(zones=UNREACHABLE), Blocked, "control plane"),
    ("nobody knows the copy", "instantiate", seen(sets=UNREACHABLE), Blocked, "control plane"),
    ("no zone for drills", "instantiate", seen(zones=()), Blocked, "no private hosted zone dr-drill.internal & create-hosted-zone"),
    ("a public zone of that name", "instantiate", seen(zones=(Zone("ZP", False),)), Blocked, "no private hosted zone"),
    ("it is passed over", "instantiate", seen(zones=(Zone("ZP", False), *DRILLS)), Call, "ZDRILL"),
    ("two private ones", "instantiate", seen(zones=(Zone("ZD2", True), *DRILLS)), Blocked, "2 private & drill.hosted_zone"),
    ("production's own", "instantiate", seen(zones=(Zone("Z1", True),)), Blocked, "zone of the record that is copied"),
    ("it is listed as it should be", "activate", marked(MADE), Done, "web.west.example.net & 'ttl_seconds': 30"),
    ("it says what it does not prove", "activate", marked(MADE), Done, "clients of the record follow"),
    ("there is none", "activate", seen(), Blocked, "no copy & run phase instantiate"),
    ("the record has changed since", "activate", marked(record(OLD, COPY)), Blocked, "not what ACTIVATE would set & phase cleanup"),
    ("another TTL is another record", "activate", marked({**MADE, "TTL": 60}), Blocked, "not what ACTIVATE would set"),
    ("half of it is gone", "activate", marked(MADE, of=WEIGHTED), Blocked, "not what ACTIVATE would set"),
    ("a mark of another drill", "activate", seen(MADE, {**mark(PAIR), "ResourceRecords": []}), Blocked, "does not carry"),
    ("exactly what is there goes", "cleanup", marked({**MADE, "TTL": 7}), Call, f"DELETE & 'TTL': 7 & {MARK}"),
    ("a record that is gone is no reason to stay", "cleanup", marked(MADE, of=replace(origin(), sets=())), Call, "DELETE"),
    ("the name servers are told", "cleanup", seen(of=PENDING), Wait, "C1 is on its way"),
    ("nothing is left", "cleanup", seen(), Done, "removed"),
    ("with its zone everything is gone", "cleanup", seen(zones=()), Done, "removed"),
    ("nobody knows what is left", "cleanup", seen(sets=UNREACHABLE), Blocked, "control plane"),
    ("a name that is not its own stays", "cleanup", seen(MADE), Blocked, "does not carry the tags"),
    ("controls are not switched", "instantiate", Seen(SWITCH, Place()), Done, "would move production"),
    ("their states are known", "activate", Seen(SWITCH, Place()), Done, "'us-east-1': 'On' & 'us-west-2': 'Off' & https://a"),
    ("nothing of them is left", "cleanup", Seen(SWITCH, Place()), Done, "removed"),
    ("no endpoint of theirs answers", "activate", Seen(UNREACHABLE, Place()), Blocked, "none of the ARC cluster's endpoints"),
    ("controls that nobody named", "instantiate", Seen(None, Place()), Blocked, "needs the routing controls of both regions"),
]


@pytest.mark.parametrize(("sentence", "phase", "sight", "kind", "says"), TABLE, ids=[row[0] for row in TABLE])
def test_decisions(sentence: str, phase: str, sight: Seen, kind: type, says: str) -> None:
    step = getattr(DRILL, phase)(sight, GOAL)
    assert isinstance(step, kind), step
    text = f"{step.operation} {dict(step.params)}" if isinstance(step, Call) else str(step)
    assert [part for part in says.split(" & ") if part not in text] == [], text
    if isinstance(step, Call):
        assert (step.region, step.one_way, step.debt) == (WEST, False, "")
        assert "'Name': 'www.example.com.'" not in text


def changes(step: Any) -> list[dict[str, Any]]:
    return [one["ResourceRecordSet"] for one in step.params["ChangeBatch"]["Changes"]]


def test_one_of_several_is_copied_alone() -> None:
    copied, _mark = changes(DRILL.instantiate(seen(of=LATENCY), GOAL))
    assert copied == MADE
    assert "routing policy" in str(DRILL.activate(marked(copied, of=LATENCY), GOAL))


@pytest.mark.parametrize("zone", [CLOUDFRONT, "Z1"])
def test_an_alias_that_no_private_zone_takes_is_not_tried_and_not_claimed(zone: str) -> None:
    of = origin(target=alias(zone))
    made = changes(DRILL.instantiate(seen(of=of), GOAL))
    assert made == [mark(PAIR)]
    served = DRILL.activate(marked(of=of), GOAL)
    assert (served.outputs["copy"], served.outputs["answers"]) == (MARK[:-1], [])
    assert any("the alias" in one for one in served.outputs["not_proven"])


def test_the_guard_keeps_to_the_drills_zone() -> None:
    assert set(DRILL.own(seen(), GOAL)) == {COPY, MARK, "ZDRILL"}
    assert set(DRILL.own(seen(zones=(Zone("Z1", True),)), GOAL)) == {COPY, MARK}


def test_a_mark_needs_no_escapes() -> None:
    odd = replace(PAIR, key='a"b\\c ä', settings={"drill_id": "x" * 300})
    ((value,),) = [[one["Value"] for one in mark(odd)["ResourceRecords"]]]
    assert value == f'"dr:drill-id={"x" * 200}" "dr:drill-of=a%22b%5Cc %C3%A4"'


def test_another_zone_may_be_named() -> None:
    named = replace(PAIR, settings={**PAIR.settings, "drill": {"hosted_zone": "Drills.example.org."}})
    assert names(named)[0].endswith(".drills.example.org.")
