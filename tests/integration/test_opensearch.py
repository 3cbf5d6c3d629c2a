# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenSearch domains over the real engine and the sandbox, end states read by plain boto3."""

from __future__ import annotations

from typing import Any

from flow import Flow

from ansible_collections.dr.aws.plugins.module_utils.adapters.opensearch_domain import OpensearchDomain
from ansible_collections.dr.aws.plugins.module_utils.model import Pair

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "200000000001"
ROLE = {ACCOUNT: (f"arn:aws:iam::{ACCOUNT}:role/dr-automation", "shop")}


def estate() -> dict[str, Any]:
    return {
        "name": "shop",
        "control_region": WEST,
        "regions": [EAST, WEST],
        "accounts": [
            {"id": "100000000000", "name": "management", "management": True},
            {"id": ACCOUNT, "name": "web", "roles": [{"name": "dr-automation", "external_id": "shop"}]},
        ],
        "resources": [],
    }


def flow(sandbox: Any, peer: dict[str, Any] | None = None, settings: Any = None, **spec: Any) -> Flow:
    """peer: {} is a seeded replication."""
    sandbox.load(estate())
    given = {"peer": {"region": WEST, **peer}} if peer is not None else {}
    sandbox.seed(kind="opensearch_domain", account=ACCOUNT, region=EAST, name="logs", **given, **spec)
    return again(sandbox, settings)


def again(sandbox: Any, settings: Any = None) -> Flow:
    """The same estate, other settings."""
    return Flow(sandbox, [Pair("logs", "opensearch", ACCOUNT, EAST, WEST, "logs", "logs", settings=settings or {})], ROLE)


def role(sandbox: Any, region: str) -> tuple[str, str]:
    """(role, status of the relationship)."""
    found = sandbox.client("opensearch", region, ACCOUNT).describe_domain_replication(DomainName="logs")
    return found.get("Role", ""), found["Peers"][0]["Status"] if found["Peers"] else ""


def size(sandbox: Any, region: str) -> tuple[str, int]:
    found = sandbox.client("opensearch", region, ACCOUNT).describe_domain(DomainName="logs")["DomainStatus"]["ClusterConfig"]
    return found["InstanceType"], found["InstanceCount"]


def names(result: Any) -> list[str]:
    return [f"{call['operation']}@{call['region']}" for call in result.calls]


def repeated(one: Flow, phase: str, mode: str = "planned") -> None:
    """A second run and check mode find nothing to do, and send nothing."""
    before = len(one.mutations())
    for check in (False, True):
        result = one.one(phase, mode, check=check)
        assert (result.status, result.calls) == ("done", ()), result
    assert len(one.mutations()) == before


def test_planned_failover_and_back(sandbox: Any) -> None:
    there = flow(sandbox, {})
    there.capture()
    for one, source, target in ((there, EAST, WEST), (there.home(), WEST, EAST)):
        repeated(one, "instantiate")
        activated = one.one("activate")
        assert activated.status == "done", activated
        assert names(activated) == [f"add_tags@{target}", f"switchover_replication@{target}"]
        assert (role(sandbox, target), role(sandbox, source)) == (("PRIMARY", "ACTIVE"), ("SECONDARY", "ACTIVE"))
        for phase in ("activate", "cleanup", "replicate", "instantiate"):
            repeated(one, phase)


def test_unplanned_failover_with_the_source_dark_and_its_return(sandbox: Any) -> None:
    one = flow(sandbox, {})
    one.capture()
    sandbox.dark(EAST)
    assert one.one("instantiate", "unplanned").status == "done"
    activated = one.one("activate", "unplanned")
    assert (activated.status, activated.outputs["fencing"]) == ("done", "deferred"), activated
    assert names(activated) == [f"add_tags@{WEST}", f"failover_replication@{WEST}"]
    assert role(sandbox, WEST) == ("PRIMARY", "EJECTED")
    repeated(one, "activate", "unplanned")
    assert one.one("cleanup", "unplanned").status == "deferred"
    assert one.one("replicate", "unplanned").status == "deferred"
    assert {call["region"] for call in one.mutations()} == {WEST}

    sandbox.clear_faults()
    one.clock.sleep(120)  # until the breaker asks the region again
    cleaned = one.one("cleanup", "unplanned")
    assert (cleaned.status, cleaned.outputs["source"], cleaned.calls) == ("done", "ejected", ())
    refused = one.one("replicate", "unplanned")
    assert (refused.status, "discard_diverged" in refused.remedy) == ("blocked", True)
    allowed = again(sandbox, {"discard_diverged": True})
    replicated = allowed.one("replicate", "unplanned")
    assert replicated.status == "done", replicated
    assert names(replicated) == [f"remove_replication_peer@{WEST}", f"add_replication_peer@{WEST}"]
    assert (role(sandbox, WEST), role(sandbox, EAST)) == (("PRIMARY", "ACTIVE"), ("SECONDARY", "ACTIVE"))
    repeated(allowed, "replicate", "unplanned")
    repeated(allowed, "cleanup")


def test_unplanned_while_the_source_answers_loses_nothing(sandbox: Any) -> None:
    one = flow(sandbox, {})
    assert names(one.one("activate", "unplanned"))[1:] == [f"switchover_replication@{WEST}"]
    forced = flow(sandbox, {}, {"force_failover": True})
    assert names(forced.one("activate", "unplanned"))[1:] == [f"failover_replication@{WEST}"]


def test_a_standby_is_made_from_nothing(sandbox: Any) -> None:
    one = flow(sandbox, instance_count=3)
    result = one.one("instantiate")
    assert result.status == "done", result
    assert names(result) == [f"create_domain@{WEST}", f"add_replication_peer@{EAST}"]
    assert size(sandbox, WEST) == ("r6g.large.search", 3)
    assert role(sandbox, WEST) == ("SECONDARY", "ACTIVE")
    repeated(one, "instantiate")
    assert one.one("activate").status == "done"


def test_a_small_standby_is_scaled_ahead_or_when_it_serves(sandbox: Any) -> None:
    one = flow(sandbox, {"instance_count": 1}, instance_count=3)
    assert names(one.one("instantiate")) == [f"update_domain_config@{WEST}"]
    assert size(sandbox, WEST) == ("r6g.large.search", 3)
    repeated(one, "instantiate")
    small = flow(sandbox, {"instance_count": 1}, {"scale_on_activate": True}, instance_count=3)
    small.capture()
    repeated(small, "instantiate")
    sandbox.dark(EAST)
    activated = small.one("activate", "unplanned")
    assert (activated.status, names(activated)[-1]) == ("done", f"update_domain_config@{WEST}"), activated
    assert size(sandbox, WEST) == ("r6g.large.search", 3)
    repeated(small, "activate", "unplanned")


def test_a_setup_that_fails_is_tried_again_once(sandbox: Any) -> None:
    one = flow(sandbox, {"replicating": False}, setup="fails")
    result = one.one("instantiate")
    assert (result.status, "engine versions differ" in result.why) == ("blocked", True), result
    assert names(result) == [
        f"{name}@{EAST}" for name in ("add_replication_peer", "remove_replication_peer", "add_replication_peer")
    ]


def test_what_the_api_cannot_do_is_blocked_with_the_steps(sandbox: Any) -> None:
    one = flow(sandbox, {}, replication=False)
    assert "offers no replication" in one.one("instantiate").why
    blocked = one.one("activate", "unplanned")
    assert (blocked.status, "_restore" in blocked.remedy, "dr:epoch" in blocked.remedy) == ("blocked", True, True)
    assert one.mutations() == []
    client = sandbox.client("opensearch", WEST, ACCOUNT)
    arn = client.describe_domain(DomainName="logs")["DomainStatus"]["ARN"]
    client.add_tags(ARN=arn, TagList=[{"Key": "dr:epoch", "Value": "1"}])
    assert one.one("activate", "unplanned").status == "done", "a person has restored it and says so"


def test_planned_mode_refuses_a_dark_source(sandbox: Any) -> None:
    one = flow(sandbox, {})
    sandbox.dark(EAST)
    assert one.one("activate").status == "blocked"
    assert one.mutations() == []


def test_check_mode_says_the_first_call_and_sends_none(sandbox: Any) -> None:
    one = flow(sandbox, {})
    result = one.one("activate", check=True)
    assert (result.status, names(result)) == ("would_change", [f"add_tags@{WEST}"])
    assert one.mutations() == []


def test_rollback_is_another_switchover_and_impossible_after_a_failover(sandbox: Any) -> None:
    one = flow(sandbox, {})
    assert one.one("activate").status == "done"
    assert names(one.one("rollback")) == [f"add_tags@{EAST}", f"switchover_replication@{EAST}"]
    assert role(sandbox, EAST) == ("PRIMARY", "ACTIVE")
    repeated(one, "rollback")
    lost = flow(sandbox, {}, {"force_failover": True})
    assert lost.one("activate", "unplanned").status == "done"
    assert lost.one("rollback").status == "blocked"


def test_remove_and_a_new_standby(sandbox: Any, aws_code: Any) -> None:
    one = flow(sandbox, {})
    assert one.one("activate").status == "done"
    removed = one.one("cleanup", cleanup_policy="remove")
    assert removed.status == "done", removed
    assert names(removed) == [f"add_tags@{EAST}", f"remove_replication_peer@{WEST}", f"delete_domain@{EAST}"]
    client = sandbox.client("opensearch", EAST, ACCOUNT)
    assert aws_code(client.describe_domain, DomainName="logs") == "ResourceNotFoundException"
    repeated(one, "activate")
    made = one.one("replicate")
    assert names(made) == [f"create_domain@{EAST}", f"add_replication_peer@{WEST}"], made
    assert role(sandbox, EAST) == ("SECONDARY", "ACTIVE")
    back = one.home()
    assert back.one("activate").status == "done"
    repeated(back, "activate")


def test_an_ejected_source_is_not_removed_with_what_only_it_has(sandbox: Any) -> None:
    one = flow(sandbox, {}, {"force_failover": True})
    assert one.one("activate", "unplanned").status == "done"
    refused = one.one("cleanup", cleanup_policy="remove")
    assert (refused.status, refused.calls) == ("blocked", ())
    assert role(sandbox, EAST) == ("SECONDARY", "EJECTED")


def test_what_is_called_is_declared_and_what_is_declared_is_called(sandbox: Any, aws_code: Any) -> None:
    rows: list[dict[str, Any]] = []
    test_unplanned_failover_with_the_source_dark_and_its_return(sandbox)
    rows += sandbox.calls()
    test_a_small_standby_is_scaled_ahead_or_when_it_serves(sandbox)
    rows += sandbox.calls()
    test_remove_and_a_new_standby(sandbox, aws_code)
    rows += sandbox.calls()
    called = {f"es:{row['operation']}" for row in rows if row["service"] == "opensearch"}
    assert called == {action for actions in OpensearchDomain.actions.values() for action in actions}


def test_a_run_that_dies_after_every_call_does_nothing_twice(sandbox: Any) -> None:
    one = flow(sandbox)
    one.capture()
    for phase in ("instantiate", "activate", "cleanup", "replicate"):
        assert one.survive(phase).status == "done"
    assert [call["operation"] for call in one.mutations()] == [
        "CreateDomain",
        "AddReplicationPeer",
        "AddTags",
        "SwitchoverReplication",
    ]


# -- the sandbox itself -----------------------------------------------------------------------------------------------


def test_sandbox_refuses_as_aws_does(sandbox: Any, aws_code: Any) -> None:
    flow(sandbox, {})
    east, west = sandbox.client("opensearch", EAST, ACCOUNT), sandbox.client("opensearch", WEST, ACCOUNT)
    here = east.describe_domain(DomainName="logs")["DomainStatus"]["ARN"]
    there = west.describe_domain(DomainName="logs")["DomainStatus"]["ARN"]
    assert aws_code(east.add_replication_peer, DomainName="logs", PeerDomainArn=there) == "ResourceAlreadyExistsException"
    assert aws_code(east.delete_domain, DomainName="logs") == "ValidationException"
    failover = {"DomainName": "logs", "PeerDomainArn": here}
    assert aws_code(west.failover_replication, **failover, AllowDataLoss=False) == "ValidationException"
    assert aws_code(east.switchover_replication, DomainName="logs", PeerDomainArn=there) == "ValidationException"
    west.switchover_replication(**failover)
    assert role(sandbox, WEST) == ("SECONDARY", "SWITCHING_OVER")
    sandbox.advance(300)
    assert role(sandbox, WEST) == ("PRIMARY", "ACTIVE")
    assert aws_code(west.switchover_replication, **failover) == "ValidationException", "the primary it names is no primary now"
    assert aws_code(west.describe_domain_replication, DomainName="none") == "ResourceNotFoundException"
    assert aws_code(west.describe_domains, DomainNames=[f"logs{n}" for n in range(6)]) == "ValidationException"


def test_sandbox_changes_one_at_a_time(sandbox: Any, aws_code: Any) -> None:
    flow(sandbox)
    client = sandbox.client("opensearch", EAST, ACCOUNT)
    more = {"DomainName": "logs", "ClusterConfig": {"InstanceCount": 4}}
    client.update_domain_config(**more)
    assert client.describe_domain(DomainName="logs")["DomainStatus"]["DomainProcessingStatus"] == "Modifying"
    assert aws_code(client.update_domain_config, **more) == "ValidationException"
    sandbox.advance(700)
    assert size(sandbox, EAST) == ("r6g.large.search", 4)
    assert client.describe_domain_health(DomainName="logs")["ClusterHealth"] == "Green"
