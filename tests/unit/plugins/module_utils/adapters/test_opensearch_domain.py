# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenSearch decisions as tables: a row is a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.adapters.opensearch_domain import OpensearchDomain
from ansible_collections.dr.aws.plugins.module_utils.model import (
    UNREACHABLE,
    Active,
    Blocked,
    Call,
    Deferred,
    Done,
    Goal,
    Pair,
    Wait,
)
from ansible_collections.dr.aws.plugins.module_utils.parts.opensearch_state import Domain, Peer, Seen

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "111111111111"
PAIR = Pair("logs", "opensearch", ACCOUNT, EAST, WEST, "logs", "logs")
PLANNED, UNPLANNED = Goal(PAIR), Goal(PAIR, mode="unplanned")
REMOVE = replace(PLANNED, cleanup_policy="remove")
ADAPTER = OpensearchDomain()
SHOWN: dict[str, Any] = {
    "EngineVersion": "OpenSearch_2.17",
    "ClusterConfig": {"InstanceType": "r6g.large.search", "InstanceCount": 3, "DedicatedMasterEnabled": True},
    "EncryptionAtRestOptions": {"Enabled": True},
    "AccessPolicies": "arn:aws:es:us-east-1:111111111111:domain/logs/*",
}


def arn(region: str, name: str = "logs") -> str:
    return f"arn:aws:es:{region}:{ACCOUNT}:domain/{name}"


def domain(region: str = EAST, role: str = "", status: str = "ACTIVE", epoch: int = 0, **more: Any) -> Domain:
    other = WEST if region == EAST else EAST
    peers = (Peer(arn(other), "SECONDARY" if role == "PRIMARY" else "PRIMARY", status),) if role else ()
    tags = {"Team": "search", **({"dr:epoch": str(epoch)} if epoch else {}), **more.pop("tags", {})}
    values = {
        "endpoint": "https://logs",
        "instance_type": "r6g.large.search",
        "instance_count": 3,
        "health": "Green",
        "shown": SHOWN,
        "peers": peers,
        **more,
    }
    return Domain("logs", arn(region), region, role=role, tags=tags, **values)


def primary(region: str = EAST, **more: Any) -> Domain:
    return domain(region, "PRIMARY", **more)


def secondary(region: str = WEST, **more: Any) -> Domain:
    return domain(region, "SECONDARY", **more)


def look(source: Any, target: Any) -> Seen:
    return Seen(source, target)


def setting(goal: Goal, **values: Any) -> Goal:
    return replace(goal, pair=replace(goal.pair, settings=values))


PAIRED = look(primary(), secondary())
SWITCHED = look(secondary(EAST), primary(WEST, epoch=1))
FAILED_OVER = look(secondary(EAST, status="EJECTED"), primary(WEST, status="EJECTED", epoch=1))
FORMER = domain(EAST, "PRIMARY", peers=(Peer(arn(WEST), "PRIMARY", "EJECTED"),))


def check(sentence: str, step: Any, kind: type, says: str) -> None:
    """`says`: of a call, `operation@region`, and what else must be in it, joined by " & "."""
    assert isinstance(step, kind), (sentence, step)
    text = f"{step.operation}@{step.region} {dict(step.params)} {step.debt}" if isinstance(step, Call) else str(step)
    for part in filter(None, says.split(" & ")):
        assert part in text, (sentence, text)


@pytest.mark.parametrize(
    ("sentence", "seen", "expected"),
    [
        ("source is primary", PAIRED, Active.SOURCE),
        ("roles exchanged", SWITCHED, Active.TARGET),
        ("the former primary is ejected, whatever role it shows", look(FORMER, primary(WEST, status="EJECTED")), Active.TARGET),
        ("ejected and secondary", FAILED_OVER, Active.TARGET),
        ("both primaries", look(primary(), primary(WEST)), Active.BOTH),
        ("the roles were exchanged between two looks", look(primary(status="SWITCHING_OVER"), primary(WEST)), Active.UNKNOWN),
        ("no replication, no mark: no evidence", look(domain(), domain(WEST)), Active.UNKNOWN),
        ("no replication, target marked", look(domain(), domain(WEST, epoch=1)), Active.TARGET),
        ("no replication, source marked later", look(domain(epoch=2), domain(WEST, epoch=1)), Active.SOURCE),
        ("a new standby holds nothing", look(domain(), domain(WEST, tags={"dr:standby": "0"})), Active.SOURCE),
        ("a standby that was activated does", look(domain(), domain(WEST, epoch=1, tags={"dr:standby": "0"})), Active.TARGET),
        ("both secondaries", look(secondary(EAST), secondary()), Active.NEITHER),
        ("source gone", look(None, primary(WEST)), Active.TARGET),
        ("source only", look(domain(), None), Active.SOURCE),
        ("source dark, target primary", look(UNREACHABLE, primary(WEST)), Active.TARGET),
        ("source dark, target promoting", look(UNREACHABLE, primary(WEST, status="FAILING_OVER")), Active.UNKNOWN),
        ("source dark, target secondary", look(UNREACHABLE, secondary()), Active.UNKNOWN),
        ("source dark, target alone without mark", look(UNREACHABLE, domain(WEST)), Active.UNKNOWN),
        ("source dark, target alone, marked", look(UNREACHABLE, domain(WEST, epoch=1)), Active.TARGET),
        ("target dark", look(primary(), UNREACHABLE), Active.UNKNOWN),
        ("being deleted", look(domain(state="Deleting"), domain(WEST, state="Deleting")), Active.NEITHER),
    ],
)
def test_active(sentence: str, seen: Seen, expected: Active) -> None:
    assert ADAPTER.active(seen) is expected, sentence


VPC = {**SHOWN, "VPCOptions": {"SubnetIds": ["subnet-1"]}}
SECURED = {**SHOWN, "AdvancedSecurityOptions": {"Enabled": True}}
FAILED = Peer(arn(WEST), "SECONDARY", "FAILED", "versions differ")


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        ("a secondary stands by", PAIRED, PLANNED, Done, "'role': 'standby'"),
        ("nothing there: a domain like it", look(domain(), None), PLANNED, Call, "create_domain@us-west-2 & 'InstanceCount': 3"),
        ("its policy moves with it", look(domain(), None), PLANNED, Call, "es:us-west-2:111111111111:domain/logs/*"),
        ("marked as holding nothing", look(domain(), None), PLANNED, Call, "'dr:standby', 'Value': '0'"),
        ("networks are not guessed", look(domain(shown=VPC), None), PLANNED, Blocked, "regions.us-west-2.subnets"),
        ("nor are users", look(domain(shown=SECURED), None), PLANNED, Blocked, "master_user_arn"),
        (
            "given both",
            look(domain(shown=SECURED), None),
            setting(PLANNED, master_user_arn="arn:u", subnets=["subnet-2"]),
            Call,
            "arn:u & subnet-2",
        ),
        ("being made", look(domain(), domain(WEST, state="Creating")), PLANNED, Wait, "Creating"),
        ("then paired, by the source", look(domain(), domain(WEST)), PLANNED, Call, "add_replication_peer@us-east-1 & us-west-2"),
        ("being set up", look(primary(status="PENDING_SETUP"), secondary(status="PENDING_SETUP")), PLANNED, Wait, "PENDING_SETUP"),
        (
            "set up failed: removed and tried again, once",
            look(primary(peers=(FAILED,)), secondary(peers=(Peer(arn(EAST), "PRIMARY", "FAILED", "versions differ"),))),
            PLANNED,
            Blocked,
            "versions differ & remove_replication_peer",
        ),
        (
            "one peer only",
            look(primary(peers=(Peer(arn("eu-west-1"), "SECONDARY", "ACTIVE"),)), domain(WEST)),
            PLANNED,
            Blocked,
            "one peer only",
        ),
        ("not offered", look(domain(supported=False), domain(WEST)), PLANNED, Blocked, "offers no replication"),
        ("too few nodes", look(primary(), secondary(instance_count=1)), PLANNED, Call, "update_domain_config@us-west-2 & 3"),
        ("more nodes are left alone", look(primary(), secondary(instance_count=5)), PLANNED, Done, "standby"),
        ("few on purpose", look(primary(), secondary(instance_count=1)), setting(PLANNED, scale_on_activate=True), Done, "standby"),
        ("other type", look(primary(), secondary(instance_type="t3.small.search")), PLANNED, Call, "r6g.large.search"),
        ("serves already", SWITCHED, PLANNED, Done, "active"),
        ("both primaries", look(primary(), primary(WEST)), PLANNED, Blocked, "both"),
        ("isolated", look(primary(), secondary(state="Isolated")), PLANNED, Blocked, "Isolated"),
        ("planned, source dark", look(UNREACHABLE, secondary()), PLANNED, Blocked, "us-east-1"),
        ("unplanned, source dark", look(UNREACHABLE, secondary()), UNPLANNED, Done, "standby"),
        ("unplanned, source dark, none there", look(UNREACHABLE, None), UNPLANNED, Blocked, "does not answer"),
        ("unplanned, source dark, not replicating", look(UNREACHABLE, domain(WEST)), UNPLANNED, Blocked, "no active replication"),
        ("target dark", look(primary(), UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
    ],
)
def test_instantiate(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(sentence, ADAPTER.instantiate(seen, goal), kind, says)


MARKED = secondary(epoch=1)


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        ("mark first", PAIRED, PLANNED, Call, "add_tags@us-west-2 & 'Value': '1'"),
        ("then exchange the roles", look(primary(), MARKED), PLANNED, Call, "switchover_replication@us-west-2 & us-east-1"),
        ("switched between two looks", look(primary(status="SWITCHING_OVER"), primary(WEST)), PLANNED, Wait, "SWITCHING_OVER"),
        ("switching", look(primary(status="SWITCHING_OVER"), secondary(status="SWITCHING_OVER")), PLANNED, Wait, "SWITCHING_OVER"),
        ("done", SWITCHED, PLANNED, Done, "'role': 'active' & fenced"),
        ("unplanned, source answers: nothing need be lost", look(primary(), MARKED), UNPLANNED, Call, "switchover_replication"),
        ("unless forced", look(primary(), MARKED), setting(UNPLANNED, force_failover=True), Call, "failover_replication"),
        ("never forced when planned", look(primary(), MARKED), setting(PLANNED, force_failover=True), Call, "switchover"),
        ("unplanned, dark", look(UNREACHABLE, MARKED), UNPLANNED, Call, "failover_replication@us-west-2 & True & EJECTED"),
        ("unplanned, source isolated", look(primary(state="Isolated"), MARKED), UNPLANNED, Call, "failover_replication"),
        ("above the captured mark", look(UNREACHABLE, MARKED), replace(UNPLANNED, captured={"epoch": 2}), Call, "'Value': '3'"),
        ("planned, dark", look(UNREACHABLE, MARKED), PLANNED, Blocked, "us-east-1"),
        ("planned, source gone", look(None, MARKED), PLANNED, Blocked, "unplanned"),
        ("incomplete copy", look(UNREACHABLE, secondary(status="PENDING_SETUP")), UNPLANNED, Blocked, "incomplete"),
        ("detached copy", look(UNREACHABLE, secondary(status="DETACHED")), UNPLANNED, Blocked, "DETACHED"),
        (
            "secondary of another",
            look(primary(), secondary(peers=(Peer(arn("eu-west-1"), "PRIMARY", "ACTIVE"),))),
            PLANNED,
            Blocked,
            "eu-west-1",
        ),
        ("both primaries", look(primary(), primary(WEST)), PLANNED, Blocked, "both primaries"),
        ("none there", look(primary(), None), PLANNED, Blocked, "instantiate"),
        ("not replicated: by hand", look(domain(), domain(WEST)), PLANNED, Blocked, "_restore & Key=dr:epoch,Value=1"),
        ("restored by hand and marked", look(UNREACHABLE, domain(WEST, epoch=1)), UNPLANNED, Done, "deferred"),
        (
            "given up before",
            look(UNREACHABLE, domain(WEST, epoch=1)),
            replace(UNPLANNED, captured={"epoch": 2}),
            Blocked,
            "Value=3",
        ),
        (
            "scaled when it serves",
            look(UNREACHABLE, primary(WEST, instance_count=1)),
            replace(setting(UNPLANNED, scale_on_activate=True), captured={"instance_count": 3}),
            Call,
            "update_domain_config@us-west-2 & 3",
        ),
        (
            "being scaled",
            look(UNREACHABLE, primary(WEST, instance_count=3, state="Modifying")),
            replace(setting(UNPLANNED, scale_on_activate=True), captured={"instance_count": 3}),
            Wait,
            "Modifying",
        ),
        ("being made", look(primary(), domain(WEST, state="Creating")), PLANNED, Wait, "created"),
        ("being deleted", look(primary(), domain(WEST, state="Deleting")), PLANNED, Blocked, "Deleting"),
        ("target dark", look(primary(), UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
    ],
)
def test_activate(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(sentence, ADAPTER.activate(seen, goal), kind, says)


HOLLOW = {"dr:standby": "1"}


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        ("a secondary is read-only", SWITCHED, PLANNED, Done, "secondary"),
        ("an ejected one as well", FAILED_OVER, PLANNED, Done, "ejected"),
        ("one that takes writes is not", look(domain(), domain(WEST, epoch=1)), PLANNED, Blocked, "takes writes"),
        ("gone", look(None, primary(WEST)), PLANNED, Done, "absent"),
        ("source dark", look(UNREACHABLE, primary(WEST)), PLANNED, Deferred, "us-east-1"),
        ("target dark", look(primary(), UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
        ("not activated", PAIRED, REMOVE, Blocked, "not proven to serve: source"),
        ("both primaries", look(primary(), primary(WEST)), REMOVE, Blocked, "both"),
        ("remove: mark", SWITCHED, REMOVE, Call, "add_tags@us-east-1 & 'dr:standby', 'Value': '1'"),
        (
            "remove: end the replication, never on the source",
            look(secondary(EAST, tags=HOLLOW), primary(WEST, epoch=1)),
            REMOVE,
            Call,
            "remove_replication_peer@us-west-2",
        ),
        (
            "remove: it is ending",
            look(secondary(EAST, tags=HOLLOW, status="PENDING_REMOVAL"), primary(WEST, epoch=1)),
            REMOVE,
            Wait,
            "PENDING_REMOVAL",
        ),
        ("remove: delete", look(domain(tags=HOLLOW), domain(WEST, epoch=1)), REMOVE, Call, "delete_domain@us-east-1"),
        ("remove: being deleted", look(domain(state="Deleting"), domain(WEST, epoch=1)), REMOVE, Wait, "deleted"),
        ("remove: not with writes of its own", FAILED_OVER, REMOVE, Blocked, "discard_diverged"),
        ("remove: unless nobody wants them", FAILED_OVER, setting(REMOVE, discard_diverged=True), Call, "add_tags@us-east-1"),
    ],
)
def test_cleanup(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(sentence, ADAPTER.cleanup(seen, goal), kind, says)


DISCARD = setting(PLANNED, discard_diverged=True)


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        ("a switchover has done it", SWITCHED, PLANNED, Done, "standby"),
        ("an ejected source may hold writes", FAILED_OVER, PLANNED, Blocked, "snapshot & discard_diverged"),
        ("not wanted: end the old replication, at the primary", FAILED_OVER, DISCARD, Call, "remove_replication_peer@us-west-2"),
        (
            "then pair again, from the side that serves",
            look(domain(), domain(WEST, epoch=1)),
            DISCARD,
            Call,
            "add_replication_peer@us-west-2 & us-east-1",
        ),
        ("never over a domain that takes writes", look(domain(), domain(WEST, epoch=1)), PLANNED, Blocked, "only it has"),
        (
            "removed: a new one",
            look(None, domain(WEST, epoch=1)),
            PLANNED,
            Call,
            "create_domain@us-east-1 & 'dr:standby', 'Value': '1'",
        ),
        ("which holds nothing", look(domain(tags=HOLLOW), domain(WEST, epoch=1)), PLANNED, Call, "add_replication_peer@us-west-2"),
        ("being deleted", look(domain(state="Deleting"), domain(WEST, epoch=1)), PLANNED, Wait, "deleted"),
        ("source dark", look(UNREACHABLE, primary(WEST)), PLANNED, Deferred, "not protected"),
        ("target dark", look(secondary(EAST), UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
        ("not activated", PAIRED, PLANNED, Blocked, "does not serve: source"),
    ],
)
def test_replicate(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(sentence, ADAPTER.replicate(seen, goal), kind, says)


@pytest.mark.parametrize(
    ("sentence", "seen", "kind", "says"),
    [
        ("mark first", SWITCHED, Call, "add_tags@us-east-1 & 'Value': '2'"),
        ("then back", look(secondary(EAST, epoch=2), primary(WEST, epoch=1)), Call, "switchover_replication@us-east-1 & us-west-2"),
        ("on its way", look(secondary(EAST, status="SWITCHING_OVER"), primary(WEST)), Wait, "SWITCHING_OVER"),
        ("there", PAIRED, Done, "active"),
        ("after a failover", FAILED_OVER, Blocked, "older data"),
        ("source dark", look(UNREACHABLE, primary(WEST)), Blocked, "does not answer"),
        ("source gone", look(None, primary(WEST)), Blocked, "gone"),
        ("target dark", look(secondary(EAST), UNREACHABLE), Blocked, "us-west-2"),
    ],
)
def test_rollback(sentence: str, seen: Seen, kind: type, says: str) -> None:
    check(sentence, ADAPTER.rollback(seen, PLANNED), kind, says)


@pytest.mark.parametrize(
    ("sentence", "target", "status"),
    [
        ("serves, replicated", primary(WEST), "HEALTHY"),
        ("serves alone", domain(WEST), "DEGRADED"),
        ("red", primary(WEST, health="Red"), "UNHEALTHY"),
        ("read-only", secondary(), "UNHEALTHY"),
        ("dark", UNREACHABLE, "UNHEALTHY"),
    ],
)
def test_health(sentence: str, target: Any, status: str) -> None:
    assert ADAPTER.health(look(secondary(EAST), target), PLANNED).status == status, sentence


def test_capture_only_of_what_serves() -> None:
    assert ADAPTER.capture(PAIRED, PAIR)["instance_count"] == 3
    assert ADAPTER.capture(SWITCHED, PAIR) == {}
    assert ADAPTER.capture(look(primary(instance_count=0), secondary()), PAIR) == {}
