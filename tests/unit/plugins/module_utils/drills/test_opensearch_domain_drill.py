# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions of the OpenSearch drill as a table: a row is a sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.drills.base import name, tags
from ansible_collections.dr.aws.plugins.module_utils.drills.opensearch_domain import NAME_LIMIT, OpensearchDomainDrill, Seen
from ansible_collections.dr.aws.plugins.module_utils.drills.room import Room
from ansible_collections.dr.aws.plugins.module_utils.model import UNREACHABLE, Blocked, Call, Done, Goal, Pair, Wait
from ansible_collections.dr.aws.plugins.module_utils.parts.opensearch_state import Domain, Peer

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "111111111111"
PAIR = Pair("logs", "opensearch", ACCOUNT, EAST, WEST, "logs", "logs", settings={"drill_id": "quarterly"})
NAME = name(PAIR, NAME_LIMIT)
GOAL = Goal(PAIR)
DRILL = OpensearchDomainDrill()
ROOM = Room(("vpc-drill",), ("subnet-1", "subnet-2"), ("sg-drill",))
SHOWN: dict[str, Any] = {
    "DomainName": "logs",
    "EngineVersion": "OpenSearch_2.17",
    "ClusterConfig": {"InstanceType": "r6g.large.search", "InstanceCount": 6, "DedicatedMasterEnabled": True},
    "EBSOptions": {"EBSEnabled": True, "VolumeType": "gp3", "VolumeSize": 100},
    "NodeToNodeEncryptionOptions": {"Enabled": True},
    "EncryptionAtRestOptions": {"Enabled": True, "KmsKeyId": "key-of-the-standby"},
    "DomainEndpointOptions": {"EnforceHTTPS": True, "CustomEndpointEnabled": True, "CustomEndpoint": "logs.example.com"},
    "AccessPolicies": '{"production": true}',
    "VPCOptions": {"VPCId": "vpc-app", "SubnetIds": ["subnet-app"], "SecurityGroupIds": ["sg-app"]},
}
SECURED = {**SHOWN, "AdvancedSecurityOptions": {"Enabled": True}}


def goal(**settings: str) -> Goal:
    return Goal(replace(PAIR, settings={"drill_id": "quarterly", "drill": settings}))


def standby(status: str = "ACTIVE", **more: Any) -> Domain:
    peers = (Peer(f"arn:aws:es:{EAST}:{ACCOUNT}:domain/logs", "PRIMARY", status, "why"),)
    given = {"shown": SHOWN, "instance_type": "r6g.large.search", "role": "SECONDARY", "peers": peers, **more}
    return Domain("logs", "arn:logs", WEST, **given)


def copy(state: str = "Active", **more: Any) -> Domain:
    given = {"endpoint": "copy.example", "health": "Green", "tags": tags(PAIR), "engine": "OpenSearch_2.17", **more}
    return Domain(NAME, f"arn:{NAME}", WEST, state, **given)


def seen(made: Any = None, origin: Any = None, **more: Any) -> Seen:
    return Seen(**{"room": ROOM, "origin": origin or standby(), "copy": made, **more})


GONE = Seen(ROOM, None, None)

TABLE = [
    ("a domain like the standby", "instantiate", seen(), GOAL, Call, f"create_domain & {NAME} & OpenSearch_2.17 & r6g.large & gp3"),
    ("with one node", "instantiate", seen(), GOAL, Call, "'InstanceCount': 1 & 'DedicatedMasterEnabled': False"),
    (
        "in one subnet of the room",
        "instantiate",
        seen(),
        GOAL,
        Call,
        "'SubnetIds': ['subnet-1'] & 'SecurityGroupIds': ['sg-drill']",
    ),
    ("encrypted as the standby", "instantiate", seen(), GOAL, Call, "key-of-the-standby & 'NodeToNodeEncryptionOptions'"),
    ("or with another key", "instantiate", seen(), goal(kms_key_id="own"), Call, "'KmsKeyId': 'own'"),
    ("of another instance type", "instantiate", seen(), goal(instance_type="t3.small.search"), Call, "t3.small.search"),
    ("only one role may use it", "instantiate", seen(), GOAL, Call, "es:ESHttp* & arn:aws:iam::111111111111:role/dr-drill"),
    ("or the one that is named", "instantiate", seen(), goal(domain_role="arn:reader"), Call, "arn:reader"),
    ("it is its master as well", "instantiate", seen(origin=standby(shown=SECURED)), GOAL, Call, "'MasterUserARN': 'arn:aws:iam::"),
    ("it is being made", "instantiate", seen(copy("Creating")), GOAL, Wait, "is Creating"),
    ("it has no endpoint yet", "instantiate", seen(copy(endpoint="")), GOAL, Wait, NAME),
    ("it stands", "instantiate", seen(copy()), GOAL, Done, f"{NAME} & copy.example & the copy is empty & one node"),
    ("it could not be made", "instantiate", seen(copy("Isolated")), GOAL, Blocked, "is Isolated & phase cleanup"),
    ("something else has the name", "instantiate", seen(copy(tags={})), GOAL, Blocked, "does not carry the tags"),
    ("nothing to copy", "instantiate", GONE, GOAL, Blocked, "no standby logs & run phase instantiate"),
    ("a standby that goes", "instantiate", seen(origin=standby(state="Deleting")), GOAL, Blocked, "logs in us-west-2 is Deleting"),
    ("no room", "instantiate", seen(room=None), GOAL, Blocked, "nothing is tagged dr:drill-room"),
    ("production's network", "instantiate", seen(room=replace(ROOM, vpcs=("vpc-app",))), GOAL, Blocked, "has its place in it"),
    ("the target region is dark", "instantiate", seen(origin=UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("nobody knows the copy", "instantiate", seen(UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("it serves", "activate", seen(copy()), GOAL, Done, "'standby_role': 'SECONDARY' & 'ACTIVE'"),
    ("one node cannot be greener", "activate", seen(copy(health="Yellow")), GOAL, Done, NAME),
    ("it is not well yet", "activate", seen(copy(health="NotAvailable")), GOAL, Wait, "is NotAvailable"),
    ("nobody knows how it is", "activate", seen(copy(health="")), GOAL, Wait, "is not known"),
    ("it is not well", "activate", seen(copy(health="Red")), GOAL, Blocked, "is Red & phase cleanup"),
    (
        "the standby lost its data",
        "activate",
        seen(copy(), standby("FAILED")),
        GOAL,
        Blocked,
        "is FAILED why & instantiate of a failover",
    ),
    ("an ejected peer is no fault of it", "activate", seen(copy(), standby("EJECTED")), GOAL, Done, "EJECTED"),
    ("it serves without a standby", "activate", replace(GONE, copy=copy()), GOAL, Done, NAME),
    ("there is none", "activate", seen(), GOAL, Blocked, "no copy & run phase instantiate"),
    ("nobody knows", "activate", seen(UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("it goes", "cleanup", seen(copy()), GOAL, Call, f"delete_domain & {NAME}"),
    ("it goes when it failed as well", "cleanup", seen(copy("Isolated")), GOAL, Call, "delete_domain"),
    ("what is being made cannot go yet", "cleanup", seen(copy("Creating")), GOAL, Wait, "is being made"),
    ("it is going, without its tags", "cleanup", seen(copy("Deleting", tags={})), GOAL, Wait, "being deleted"),
    ("nothing is left", "cleanup", GONE, GOAL, Done, "removed"),
    ("a domain that only has the name stays", "cleanup", seen(copy(tags={})), GOAL, Blocked, "does not carry the tags"),
    ("no room is needed to clean up", "cleanup", seen(copy(), room=None), GOAL, Call, "delete_domain"),
    ("nobody knows what is left", "cleanup", seen(UNREACHABLE), GOAL, Blocked, "us-west-2"),
]


@pytest.mark.parametrize(("sentence", "phase", "sight", "wish", "kind", "says"), TABLE, ids=[row[0] for row in TABLE])
def test_decisions(sentence: str, phase: str, sight: Seen, wish: Goal, kind: type, says: str) -> None:
    step = getattr(DRILL, phase)(sight, wish)
    assert isinstance(step, kind), step
    text = f"{step.operation} {dict(step.params)}" if isinstance(step, Call) else str(step)
    assert [part for part in says.split(" & ") if part not in text] == [], text
    if isinstance(step, Call):
        assert (step.region, step.one_way, step.debt) == (WEST, False, "")


def test_nothing_of_production_is_in_the_copy() -> None:
    params = dict(DRILL.instantiate(seen(), GOAL).params)
    assert "CustomEndpoint" not in params["DomainEndpointOptions"]
    (statement,) = json.loads(params["AccessPolicies"])["Statement"]
    assert statement["Resource"] == f"arn:aws:es:{WEST}:{ACCOUNT}:domain/{NAME}/*"
    assert not {"subnet-app", "sg-app"} & {*params["VPCOptions"]["SubnetIds"], *params["VPCOptions"]["SecurityGroupIds"]}
    assert len(params["DomainName"]) <= 28
