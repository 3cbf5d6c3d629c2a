# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Route 53 decisions as tables: a row is a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.adapters.route53_record import Route53Record
from ansible_collections.dr.aws.plugins.module_utils.model import UNREACHABLE, Active, Blocked, Call, Done, Goal, Pair, Wait
from ansible_collections.dr.aws.plugins.module_utils.parts.route53_state import Answer, Change, Seen, Switch

EAST, WEST = "us-east-1", "us-west-2"
OLD, NEW = Answer(("web.east.example.net",)), Answer(("web.west.example.net",))
ALIAS_OLD, ALIAS_NEW = Answer(alias=("ZELB1", "lb.east.example.net", True)), Answer(alias=("ZELB2", "lb.west.example.net", True))
PAIR = Pair("www", "route53", "111111111111", EAST, WEST, "Z1/www.example.com/CNAME", "Z1/www.example.com/CNAME")
PLANNED, UNPLANNED = Goal(PAIR, execution_id="dr-1"), Goal(PAIR, mode="unplanned", execution_id="dr-1")
ADAPTER = Route53Record()


def record(answer: Answer, **more: Any) -> dict[str, Any]:
    one: dict[str, Any] = {"Name": "www.example.com.", "Type": "CNAME", **more}
    if answer.alias:
        zone, name, evaluate = answer.alias
        return {**one, "AliasTarget": {"HostedZoneId": zone, "DNSName": name, "EvaluateTargetHealth": evaluate}}
    return {"TTL": 60, **one, "ResourceRecords": [{"Value": value} for value in answer.values]}


def seen(*sets: dict[str, Any], source: Answer | None = OLD, target: Answer | None = NEW, **more: Any) -> Seen:
    return Seen("Z1", "www.example.com", "CNAME", sets, source, target, **more)


def weighted(answer: Answer, name: str, weight: int) -> dict[str, Any]:
    return record(answer, SetIdentifier=name, Weight=weight)


def failover(answer: Answer, role: str, **more: Any) -> dict[str, Any]:
    return record(answer, SetIdentifier=role.lower(), Failover=role, **more)


def setting(goal: Goal, **values: Any) -> Goal:
    return replace(goal, pair=replace(goal.pair, settings=values))


def captured(goal: Goal, *records: dict[str, Any]) -> Goal:
    return replace(goal, captured={"records": list(records)})


def changed(step: Any) -> list[dict[str, Any]]:
    """The record sets of the one batch."""
    assert isinstance(step, Call), step
    assert (step.service, step.operation, step.one_way) == ("route53", "change_resource_record_sets", False)
    changes = step.params["ChangeBatch"]["Changes"]
    assert {change["Action"] for change in changes} == {"UPSERT"}
    return [change["ResourceRecordSet"] for change in changes]


@pytest.mark.parametrize(
    ("sentence", "look", "side"),
    [
        ("the source's values", seen(record(OLD)), Active.SOURCE),
        ("the target's values", seen(record(NEW)), Active.TARGET),
        ("neither's", seen(record(Answer(("maintenance.example.net",)))), Active.NEITHER),
        ("no record", seen(), Active.NEITHER),
        ("Route 53 is silent", replace(seen(), sets=UNREACHABLE), Active.UNKNOWN),
        ("the target's values are not known", seen(record(OLD), target=None), Active.UNKNOWN),
        ("the source's values are not known", seen(record(NEW), source=None), Active.UNKNOWN),
        ("both have the same", seen(record(NEW), source=NEW), Active.UNKNOWN),
        ("weight at the source only", seen(weighted(OLD, "e", 9), weighted(NEW, "w", 0)), Active.SOURCE),
        ("weight at both: the source still serves", seen(weighted(OLD, "e", 1), weighted(NEW, "w", 9)), Active.SOURCE),
        ("weight at neither is all equal", seen(weighted(OLD, "e", 0), weighted(NEW, "w", 0)), Active.SOURCE),
        ("weight at the target only", seen(weighted(OLD, "e", 0), weighted(NEW, "w", 9)), Active.TARGET),
        ("PRIMARY is the source", seen(failover(OLD, "PRIMARY"), failover(NEW, "SECONDARY")), Active.SOURCE),
        ("PRIMARY is the target", seen(failover(NEW, "PRIMARY"), failover(OLD, "SECONDARY")), Active.TARGET),
        ("routing control of the source is On", Switch(True, False, "arc", WEST), Active.SOURCE),
        ("both are On: the source still serves", Switch(True, True, "arc", WEST), Active.SOURCE),
        ("the target's is On", Switch(False, True, "arc", WEST), Active.TARGET),
        ("both are Off", Switch(False, False, "arc", WEST), Active.NEITHER),
        ("the cluster is silent", UNREACHABLE, Active.UNKNOWN),
        ("the cluster is not known", None, Active.UNKNOWN),
    ],
)
def test_which_side_serves(sentence: str, look: Any, side: Active) -> None:
    assert ADAPTER.active(look) is side, sentence


def test_a_simple_record_keeps_everything_but_its_answer() -> None:
    (one,) = changed(ADAPTER.activate(seen(record(OLD, TTL=30)), UNPLANNED))
    assert one == {"Name": "www.example.com.", "Type": "CNAME", "TTL": 30, "ResourceRecords": [{"Value": "web.west.example.net"}]}


def test_a_ttl_that_was_asked_for_comes_with_the_change_and_never_alone() -> None:
    (one,) = changed(ADAPTER.activate(seen(record(OLD)), setting(PLANNED, ttl=20)))
    assert one["TTL"] == 20
    assert isinstance(ADAPTER.activate(seen(record(NEW)), setting(PLANNED, ttl=20)), Done)


def test_an_alias_has_no_ttl_and_names_the_target_services_zone() -> None:
    (one,) = changed(ADAPTER.activate(seen(record(ALIAS_OLD), source=ALIAS_OLD, target=ALIAS_NEW), PLANNED))
    assert one["AliasTarget"] == {"HostedZoneId": "ZELB2", "DNSName": "lb.west.example.net", "EvaluateTargetHealth": True}
    assert "TTL" not in one and "ResourceRecords" not in one


def test_values_become_an_alias_in_one_change() -> None:
    (one,) = changed(ADAPTER.activate(seen(record(OLD), target=ALIAS_NEW), PLANNED))
    assert "AliasTarget" in one and "TTL" not in one


def test_the_batch_says_what_was_there_before() -> None:
    step = ADAPTER.activate(seen(record(OLD)), PLANNED)
    assert isinstance(step, Call)
    assert step.params["ChangeBatch"]["Comment"] == "dr.aws dr-1: to us-west-2; was web.east.example.net"


def test_weights_move_in_one_batch_and_never_become_all_zero() -> None:
    east, west = changed(ADAPTER.activate(seen(weighted(OLD, "e", 70), weighted(NEW, "w", 0)), PLANNED))[::-1]
    assert (east["SetIdentifier"], east["Weight"]) == ("e", 0)
    assert (west["SetIdentifier"], west["Weight"]) == ("w", 70)


@pytest.mark.parametrize(
    ("sentence", "look", "goal", "weight"),
    [
        ("its own", seen(weighted(OLD, "e", 70), weighted(NEW, "w", 5)), PLANNED, 5),
        ("captured", seen(weighted(OLD, "e", 0), weighted(NEW, "w", 0)), captured(PLANNED, weighted(NEW, "w", 40)), 40),
        (
            "a captured zero is no weight",
            seen(weighted(OLD, "e", 3), weighted(NEW, "w", 0)),
            captured(PLANNED, weighted(NEW, "w", 0)),
            3,
        ),
        ("nothing known", seen(weighted(OLD, "e", 0), weighted(NEW, "w", 0)), PLANNED, 100),
    ],
)
def test_the_weight_of_the_target(sentence: str, look: Seen, goal: Goal, weight: int) -> None:
    step = ADAPTER.activate(look, goal)
    assert isinstance(look.sets, tuple)
    after = {one["SetIdentifier"]: one["Weight"] for one in look.sets}
    if isinstance(step, Call):
        after |= {one["SetIdentifier"]: one["Weight"] for one in changed(step)}
    assert after == {"e": 0, "w": weight}, sentence


def test_a_weighted_set_can_be_named_by_its_identifier() -> None:
    look = seen(weighted(Answer(("a.example.net",)), "e", 9), weighted(Answer(("b.example.net",)), "w", 0))
    west, east = changed(ADAPTER.activate(look, setting(UNPLANNED, set_identifiers={EAST: "e", WEST: "w"})))
    assert (west["SetIdentifier"], west["Weight"], west["ResourceRecords"]) == ("w", 9, [{"Value": "web.west.example.net"}])
    assert (east["SetIdentifier"], east["Weight"]) == ("e", 0)


def test_failover_records_swap_answers_and_health_checks_not_roles() -> None:
    look = seen(failover(OLD, "PRIMARY", HealthCheckId="hc-east"), failover(NEW, "SECONDARY", HealthCheckId="hc-west"))
    primary, secondary = changed(ADAPTER.activate(look, UNPLANNED))
    assert (primary["SetIdentifier"], primary["Failover"], primary["HealthCheckId"]) == ("primary", "PRIMARY", "hc-west")
    assert primary["ResourceRecords"] == [{"Value": "web.west.example.net"}]
    assert (secondary["Failover"], secondary["HealthCheckId"]) == ("SECONDARY", "hc-east")
    assert secondary["ResourceRecords"] == [{"Value": "web.east.example.net"}]


def test_a_source_that_is_ill_must_not_keep_its_check_on_the_new_primary() -> None:
    look = seen(failover(OLD, "PRIMARY", HealthCheckId="hc-east"), failover(NEW, "SECONDARY"))
    primary, secondary = changed(ADAPTER.activate(look, UNPLANNED))
    assert "HealthCheckId" not in primary
    assert secondary["HealthCheckId"] == "hc-east"
    (primary, _unused) = changed(ADAPTER.activate(look, setting(UNPLANNED, health_checks={WEST: "hc-new"})))
    assert primary["HealthCheckId"] == "hc-new"


def test_one_record_set_of_many_is_changed_where_it_is_named() -> None:
    (one,) = changed(ADAPTER.activate(seen(record(OLD, SetIdentifier="blue", Region=EAST), single=True), PLANNED))
    assert (one["SetIdentifier"], one["Region"]) == ("blue", EAST)


PENDING, INSYNC = Change("/change/C1", "PENDING"), Change("/change/C1", "INSYNC", "2026-11-28T12:00:00+00:00")


@pytest.mark.parametrize(
    ("sentence", "look", "goal", "kind", "says"),
    [
        ("done already", seen(record(NEW)), PLANNED, Done, "web.west.example.net"),
        ("done already, unplanned", seen(record(NEW)), UNPLANNED, Done, ""),
        ("weighted, done", seen(weighted(OLD, "e", 0), weighted(NEW, "w", 9)), PLANNED, Done, ""),
        ("failover, done", seen(failover(NEW, "PRIMARY"), failover(OLD, "SECONDARY")), PLANNED, Done, ""),
        ("not on every name server yet", seen(record(NEW), change=PENDING), UNPLANNED, Wait, "/change/C1"),
        ("on every name server", seen(record(NEW), change=INSYNC), UNPLANNED, Done, "2026-11-28T12:02:00+00:00"),
        ("Route 53 forgot the change", seen(record(NEW), change=Change("C1", "LOST")), PLANNED, Done, "LOST"),
        ("it forgot it before it was made", seen(record(OLD), change=Change("C1", "LOST")), PLANNED, Call, "UPSERT"),
        ("control plane silent", replace(seen(), sets=UNREACHABLE), UNPLANNED, Blocked, "us-east-1"),
        ("no such zone", replace(seen(), sets=None), UNPLANNED, Blocked, "no hosted zone Z1"),
        ("no such record", seen(), UNPLANNED, Blocked, "no record www.example.com CNAME"),
        ("target unknown", seen(record(OLD), target=None), UNPLANNED, Blocked, "when us-west-2 serves"),
        ("same values", seen(record(OLD), target=OLD), PLANNED, Blocked, "same values"),
        ("someone moved it elsewhere", seen(record(Answer(("x.example.net",)))), PLANNED, Blocked, "neither region's"),
        ("elsewhere, in a disaster", seen(record(Answer(("x.example.net",)))), UNPLANNED, Call, "UPSERT"),
        ("latency", seen(record(OLD, SetIdentifier="a", Region=EAST)), PLANNED, Blocked, "neither simple"),
        ("another routing was expected", seen(record(OLD)), setting(PLANNED, routing="weighted"), Blocked, "has routing simple"),
        ("no weighted set of the target", seen(weighted(OLD, "e", 9)), PLANNED, Blocked, "no weighted record set"),
        (
            "which weighted set is the source's is unknown",
            seen(weighted(OLD, "e", 9), weighted(NEW, "w", 0), source=None),
            PLANNED,
            Blocked,
            "belongs to us-east-1",
        ),
        ("no PRIMARY", seen(failover(OLD, "SECONDARY")), UNPLANNED, Blocked, "no PRIMARY"),
        ("ARC silent", UNREACHABLE, UNPLANNED, Blocked, "endpoints"),
        ("ARC unknown", None, UNPLANNED, Blocked, "routing_controls"),
    ],
)
def test_activate(sentence: str, look: Any, goal: Goal, kind: type, says: str) -> None:
    step = ADAPTER.activate(look, goal)
    assert isinstance(step, kind), (sentence, step)
    assert says in str(step), sentence


def test_the_time_until_the_last_resolver_forgets_counts_the_longer_ttl() -> None:
    step = ADAPTER.activate(seen(record(NEW), change=INSYNC), captured(PLANNED, record(OLD, TTL=300)))
    assert isinstance(step, Done)
    assert step.outputs["dns_expires_at"] == "2026-11-28T12:06:00+00:00"
    assert step.outputs["previous_records"] == [record(OLD, TTL=300)]


@pytest.mark.parametrize(
    ("sentence", "look", "goal", "kind", "says"),
    [
        ("back to the source", seen(record(NEW)), PLANNED, Call, "web.east.example.net"),
        ("back already", seen(record(OLD)), PLANNED, Done, ""),
        ("the source is known from readiness", seen(record(NEW), source=None), captured(PLANNED, record(OLD)), Call, "web.east"),
        (
            "what readiness saw was the target",
            seen(record(NEW), source=None),
            captured(PLANNED, record(NEW)),
            Blocked,
            "us-east-1 serves",
        ),
        ("the source is not known", seen(record(NEW), source=None), PLANNED, Blocked, "us-east-1 serves"),
        ("control plane silent", replace(seen(), sets=UNREACHABLE), PLANNED, Blocked, "control plane"),
        ("weights", seen(weighted(OLD, "e", 0), weighted(NEW, "w", 9)), PLANNED, Call, "'Weight': 9"),
        ("failover", seen(failover(NEW, "PRIMARY"), failover(OLD, "SECONDARY")), PLANNED, Call, "web.east.example.net"),
        ("ARC silent", UNREACHABLE, PLANNED, Blocked, "endpoints"),
        ("ARC unknown", None, PLANNED, Blocked, "routing_controls"),
    ],
)
def test_rollback(sentence: str, look: Any, goal: Goal, kind: type, says: str) -> None:
    step = ADAPTER.rollback(look, goal)
    assert isinstance(step, kind), (sentence, step)
    assert says in str(step), sentence


def test_routing_controls_are_switched_in_one_transaction() -> None:
    goal = setting(UNPLANNED, routing="arc", routing_controls={EAST: "arn:e", WEST: "arn:w"})
    step = ADAPTER.activate(Switch(True, False, "route53-recovery-cluster@https://one", "eu-west-1"), goal)
    assert isinstance(step, Call)
    assert (step.service, step.operation, step.region) == (
        "route53-recovery-cluster@https://one",
        "update_routing_control_states",
        "eu-west-1",
    )
    entries = step.params["UpdateRoutingControlStateEntries"]
    assert [(one["RoutingControlArn"], one["RoutingControlState"]) for one in entries] == [("arn:w", "On"), ("arn:e", "Off")]
    assert isinstance(ADAPTER.activate(Switch(False, True, "arc", "eu-west-1"), goal), Done)
    back = ADAPTER.rollback(Switch(False, True, "arc", "eu-west-1"), goal)
    assert isinstance(back, Call)
    assert back.params["UpdateRoutingControlStateEntries"][0] == {"RoutingControlArn": "arn:e", "RoutingControlState": "On"}
    assert isinstance(ADAPTER.rollback(Switch(True, False, "arc", "eu-west-1"), goal), Done)


@pytest.mark.parametrize(
    ("sentence", "look", "kept"),
    [
        ("the source serves", seen(record(OLD)), [record(OLD)]),
        ("the target serves: it would poison a rollback", seen(record(NEW)), None),
        ("its values are not known, and it is not the target", seen(record(OLD), source=None), [record(OLD)]),
        ("Route 53 is silent", replace(seen(), sets=UNREACHABLE), None),
        ("no record", seen(), None),
        ("routing controls", Switch(True, False, "arc", WEST), None),
    ],
)
def test_what_readiness_captures(sentence: str, look: Any, kept: Any) -> None:
    assert ADAPTER.capture(look, PAIR).get("records") == kept, sentence


@pytest.mark.parametrize(
    ("look", "status"),
    [
        (seen(record(NEW)), "HEALTHY"),
        (seen(record(NEW), change=PENDING), "DEGRADED"),
        (seen(record(OLD)), "UNHEALTHY"),
        (replace(seen(), sets=UNREACHABLE), "UNHEALTHY"),
        (Switch(False, True, "arc", WEST), "HEALTHY"),
    ],
)
def test_health(look: Any, status: str) -> None:
    assert ADAPTER.health(look, PLANNED).status == status


@pytest.mark.parametrize("phase", ["instantiate", "cleanup", "replicate"])
def test_a_name_has_no_other_phase(phase: str) -> None:
    step = getattr(ADAPTER, phase)(seen(record(NEW)), PLANNED)
    assert isinstance(step, Blocked) and "has no phase" in step.why


def test_the_receipt_is_the_changes_id() -> None:
    call = Call("route53", "change_resource_record_sets", WEST, {}, "")
    assert ADAPTER.receipt(call, {"ChangeInfo": {"Id": "/change/C1"}}) == {"change_id": "/change/C1"}
    assert ADAPTER.receipt(call, {}) == {}
