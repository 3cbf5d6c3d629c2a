# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drills of domains over the real engine and the sandbox: what the copy is, and what stops one."""

from __future__ import annotations

import json
from typing import Any

from flow import Flow

from ansible_collections.dr.aws.plugins.module_utils.drills import drill
from ansible_collections.dr.aws.plugins.module_utils.drills.base import name
from ansible_collections.dr.aws.plugins.module_utils.drills.room import ROOM_TAG
from ansible_collections.dr.aws.plugins.module_utils.model import Pair

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "200000000001"
ROLE = {ACCOUNT: (f"arn:aws:iam::{ACCOUNT}:role/dr-automation", "shop")}
USER = f"arn:aws:iam::{ACCOUNT}:role/dr-drill"
PAIR = Pair("logs", "opensearch", ACCOUNT, EAST, WEST, "logs", "logs", settings={"drill_id": "quarterly"})
COPY = name(PAIR, 28)


def flow(sandbox: Any, **spec: Any) -> tuple[Flow, dict[str, Any]]:
    """The drill of a domain with its standby; and the room."""
    accounts = [
        {"id": "100000000000", "name": "management", "management": True},
        {"id": ACCOUNT, "name": "web", "roles": [{"name": "dr-automation", "external_id": "shop"}]},
    ]
    resource = {"kind": "opensearch_domain", "account": "web", "region": EAST, "name": "logs", "tags": {}, "peer": {"region": WEST}}
    estate = {"name": "shop", "control_region": WEST, "regions": [EAST, WEST], "accounts": accounts}
    sandbox.load({**estate, "resources": [{**resource, **spec}]})
    room = sandbox.seed(kind="drill_room", account=ACCOUNT, region=WEST)
    return Flow(sandbox, [PAIR], ROLE, reconciler=drill), room


def shown(sandbox: Any, domain: str) -> dict[str, Any]:
    return dict(sandbox.inside("opensearch", WEST, ACCOUNT).describe_domain(DomainName=domain)["DomainStatus"])


def domains(sandbox: Any) -> list[dict[str, Any]]:
    return list(sandbox.inside("opensearch", WEST, ACCOUNT).list_domain_names()["DomainNames"])


def test_the_copy_is_the_standby_made_small_and_locked(sandbox: Any) -> None:
    run, room = flow(sandbox, master_user_arn=f"arn:aws:iam::{ACCOUNT}:role/search", instance_count=3)
    standby = shown(sandbox, "logs")
    results = [run.one(phase) for phase in ("instantiate", "activate")]
    assert [result.status for result in results] == ["done", "done"], results
    assert results[1].outputs["standby_role"] == "SECONDARY"
    assert list(results[1].outputs["standby_replication"].values()) == ["ACTIVE"]
    copy = shown(sandbox, COPY)
    for same in ("EngineVersion", "EBSOptions", "NodeToNodeEncryptionOptions", "EncryptionAtRestOptions"):
        assert copy[same] == standby[same]
    assert (copy["ClusterConfig"]["InstanceType"], copy["ClusterConfig"]["InstanceCount"]) == ("r6g.large.search", 1)
    assert copy["VPCOptions"]["VPCId"] == room["vpc"]
    (statement,) = json.loads(copy["AccessPolicies"])["Statement"]
    assert statement["Principal"] == {"AWS": USER}
    assert shown(sandbox, "logs") == standby
    assert run.one("cleanup").status == "done"
    assert [one["DomainName"] for one in domains(sandbox)] == ["logs"]


def test_the_standbys_own_network_is_no_drill_room(sandbox: Any) -> None:
    run, room = flow(sandbox)
    client = sandbox.inside("opensearch", WEST, ACCOUNT)
    made = {"SubnetIds": room["subnets"][:1], "SecurityGroupIds": [room["group"]]}
    client.create_domain(DomainName="inside", EngineVersion="OpenSearch_2.17", VPCOptions=made)
    sandbox.advance(3600)
    pair = Pair("inside", "opensearch", ACCOUNT, EAST, WEST, "inside", "inside", settings={"drill_id": "quarterly"})
    run.pairs = [pair]
    result = run.one("instantiate")
    assert result.status == "blocked"
    assert f"{room['vpc']} in us-west-2 is tagged as a drill room, but inside has its place in it" in result.why
    assert ROOM_TAG not in result.why
    assert run.mutations() == []


def test_a_domain_of_the_copys_name_that_someone_else_made_stays(sandbox: Any) -> None:
    run, _room = flow(sandbox)
    sandbox.inside("opensearch", WEST, ACCOUNT).create_domain(DomainName=COPY, EngineVersion="OpenSearch_2.17")
    sandbox.advance(3600)
    assert [run.one(phase).status for phase in ("instantiate", "activate", "cleanup")] == ["blocked"] * 3
    assert run.mutations() == []
    assert {one["DomainName"] for one in domains(sandbox)} == {"logs", COPY}


def test_a_standby_that_does_not_replicate_is_copied_and_said_so(sandbox: Any) -> None:
    run, _room = flow(sandbox, replication=False)
    assert run.one("instantiate").status == "done"
    outputs = run.one("activate").outputs
    assert (outputs["standby_role"], outputs["standby_replication"]) == ("", {})
    assert run.one("cleanup").status == "done"
