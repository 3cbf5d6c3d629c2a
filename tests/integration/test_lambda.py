# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lambda functions over the real engine and the sandbox, end states read by plain boto3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flow import Flow

from ansible_collections.dr.aws.plugins.module_utils.model import Pair

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "200000000001"
ROLE = {ACCOUNT: (f"arn:aws:iam::{ACCOUNT}:role/dr-automation", "shop")}
FULL = {
    "reserved": 50,
    "provisioned": 5,
    "queues": ["orders", "returns"],
    "streams": ["clicks"],
    "off": ["returns"],
    "permits": ["events.amazonaws.com"],
    "environment": {"QUEUE": "https://sqs.us-east-1.amazonaws.com/q", "LEVEL": "info"},
}
CODE = {region: {"code": {"s3_bucket": f"code-{ACCOUNT}-{region}", "s3_key": "api.zip"}} for region in (EAST, WEST)}


def load(sandbox: Any, settings: dict[str, Any] | None = None, **spec: Any) -> Flow:
    function = {"kind": "lambda_function", "account": "web", "region": EAST, "name": "api", "peer": {"region": WEST}}
    function |= {"tags": {"dr:wave": "2"}, **spec}
    sandbox.load(
        {
            "name": "shop",
            "control_region": WEST,
            "regions": [EAST, WEST],
            "tags": {"dr:enabled": "true", "Customer": "shop"},
            "accounts": [
                {"id": "100000000000", "name": "management", "management": True},
                {"id": ACCOUNT, "name": "web", "roles": [{"name": "dr-automation", "external_id": "shop"}]},
            ],
            "resources": [function],
        }
    )
    return Flow(sandbox, [Pair("api", "lambda", ACCOUNT, EAST, WEST, "api", "api", settings=settings or {})], ROLE)


def client(sandbox: Any, region: str) -> Any:
    return sandbox.client("lambda", region, ACCOUNT)


def reserved(sandbox: Any, region: str) -> int | None:
    found = client(sandbox, region).get_function_concurrency(FunctionName="api")
    return found.get("ReservedConcurrentExecutions")


def sources(sandbox: Any, region: str, alias: str = "live") -> dict[str, str]:
    found = client(sandbox, region).list_event_source_mappings(FunctionName=f"api:{alias}")["EventSourceMappings"]
    return {one["EventSourceArn"].split(":")[5]: one["State"] for one in found}


def live(sandbox: Any, region: str) -> dict[str, Any]:
    """The configuration that the alias points to."""
    return dict(client(sandbox, region).get_function(FunctionName="api", Qualifier="live")["Configuration"])


def repeated(flow: Flow, phase: str, mode: str, **options: Any) -> None:
    """A second run and check mode find nothing to do, and send nothing."""
    before = len(flow.mutations())
    for check in (False, True):
        result = flow.one(phase, mode, check=check, **options)
        assert (result.status, result.calls) == ("done", ()), result
    assert len(flow.mutations()) == before


def done(flow: Flow, phase: str, mode: str = "planned", **options: Any) -> Any:
    result = flow.one(phase, mode, **options)
    assert result.status == "done", result
    repeated(flow, phase, mode, **options)
    return result


def operations(flow: Flow, region: str) -> list[str]:
    return [call["operation"] for call in flow.mutations() if call["region"] == region]


def test_planned_there_and_back(sandbox: Any) -> None:
    flow = load(sandbox, **FULL)
    flow.capture()
    checked = flow.one("activate", check=True)
    assert (checked.status, flow.mutations()) == ("would_change", [])
    done(flow, "instantiate")
    assert flow.mutations() == [], "the standby is as it should be"
    result = done(flow, "activate")
    assert reserved(sandbox, WEST) == 50
    assert sources(sandbox, WEST) == {"orders": "Enabled", "returns": "Disabled", "stream/clicks": "Enabled"}
    assert set(sources(sandbox, EAST).values()) == {"Disabled"}
    config = client(sandbox, WEST).get_provisioned_concurrency_config(FunctionName="api", Qualifier="live")
    assert (config["Status"], config["RequestedProvisionedConcurrentExecutions"]) == ("READY", 5)
    assert result.outputs["code_matches"] is True
    calls = [(call["operation"], call["region"], call["params"].get("Enabled")) for call in flow.mutations()]
    off, on = ("UpdateEventSourceMapping", EAST, False), ("UpdateEventSourceMapping", WEST, True)
    last_off = len(calls) - 1 - calls[::-1].index(off)
    assert last_off < calls.index(("PutFunctionConcurrency", WEST, None)) < calls.index(on)
    done(flow, "cleanup")
    assert reserved(sandbox, EAST) == 0
    done(flow, "replicate")

    home = flow.home()
    done(home, "activate")
    assert reserved(sandbox, EAST) == 50
    assert sources(sandbox, EAST) == {"orders": "Enabled", "returns": "Disabled", "stream/clicks": "Enabled"}
    assert set(sources(sandbox, WEST).values()) == {"Disabled"}


def test_what_is_in_flight_may_finish_when_there_is_time(sandbox: Any) -> None:
    flow = load(sandbox, queues=["orders"], timeout=120)
    assert flow.one("activate").status == "done"
    off, on = (next(call for call in flow.mutations() if call["params"].get("Enabled") is state) for state in (False, True))
    assert on["time"] - off["time"] >= 120


def test_unplanned_then_the_source_comes_back(sandbox: Any) -> None:
    flow = load(sandbox, **FULL)
    flow.capture()
    assert flow.captured["api"]["sources_off"] == ["returns"]
    dark = sandbox.dark(EAST)
    done(flow, "instantiate", "unplanned")
    done(flow, "activate", "unplanned")
    assert reserved(sandbox, WEST) == 50
    assert sources(sandbox, WEST) == {"orders": "Enabled", "returns": "Disabled", "stream/clicks": "Enabled"}
    for phase in ("cleanup", "replicate"):
        assert flow.one(phase, "unplanned").status == "deferred"
    assert sandbox.gateway.faults.remove(dark)
    flow.clock.sleep(120)  # the circuit breaker tries the region again
    done(flow, "cleanup", "unplanned")
    assert reserved(sandbox, EAST) == 0
    assert set(sources(sandbox, EAST).values()) == {"Disabled"}
    assert client(sandbox, EAST).list_provisioned_concurrency_configs(FunctionName="api")["ProvisionedConcurrencyConfigs"] == []
    done(flow, "replicate", "unplanned")


def test_a_missing_standby_is_copied(sandbox: Any) -> None:
    vpc = {"subnets": ["subnet-east"], "security_groups": ["sg-east"]}
    west = {**CODE[WEST], "subnets": ["subnet-west"], "security_groups": ["sg-west"]}
    flow = load(sandbox, {"regions": {WEST: west}}, peer={"region": WEST, "standby": False}, vpc=vpc, **FULL)
    done(flow, "instantiate")
    assert reserved(sandbox, WEST) == 0
    assert sources(sandbox, WEST) == {"orders": "Disabled", "returns": "Disabled", "stream/clicks": "Disabled"}
    ours, theirs = live(sandbox, WEST), live(sandbox, EAST)
    for name in ("CodeSha256", "Runtime", "Handler", "MemorySize", "Timeout", "Role"):
        assert ours[name] == theirs[name]
    assert ours["Environment"]["Variables"] == {"QUEUE": "https://sqs.us-west-2.amazonaws.com/q", "LEVEL": "info"}
    assert ours["VpcConfig"]["SubnetIds"] == ["subnet-west"]
    policy = client(sandbox, WEST).get_policy(FunctionName="api", Qualifier="live")["Policy"]
    assert f"arn:aws:events:{WEST}:{ACCOUNT}:api" in policy
    order = operations(flow, WEST)
    assert order.index("PutFunctionConcurrency") < order.index("CreateEventSourceMapping"), "nothing may be polled before"
    done(flow, "activate")
    assert reserved(sandbox, WEST) == 50
    assert flow.one("rollback").status == "done"


def test_new_code_and_configuration_reach_the_copy_and_the_alias_moves_with_activate(sandbox: Any) -> None:
    flow = load(sandbox, {"regions": CODE}, peer={"region": WEST, "standby": False}, queues=["orders"])
    done(flow, "instantiate")
    east = client(sandbox, EAST)
    s3 = {region: sandbox.client("s3", region, ACCOUNT) for region in (EAST, WEST)}
    for region, one in s3.items():
        one.put_object(Bucket=f"code-{ACCOUNT}-{region}", Key="api.zip", Body=b"v2")
    east.update_function_code(FunctionName="api", S3Bucket=f"code-{ACCOUNT}-{EAST}", S3Key="api.zip")
    sandbox.advance(10)
    east.update_function_configuration(FunctionName="api", MemorySize=512)
    sandbox.advance(10)
    version = east.publish_version(FunctionName="api")["Version"]
    sandbox.advance(10)
    done(flow, "instantiate")
    assert "UpdateFunctionCode" not in operations(flow, WEST), "what is not live yet is not copied"
    east.update_alias(FunctionName="api", Name="live", FunctionVersion=version)
    done(flow, "instantiate")
    assert live(sandbox, WEST)["CodeSha256"] != live(sandbox, EAST)["CodeSha256"], "the alias moves with activate"
    done(flow, "activate")
    assert (live(sandbox, WEST)["CodeSha256"], live(sandbox, WEST)["MemorySize"]) == (live(sandbox, EAST)["CodeSha256"], 512)


def test_the_wrong_artefact_is_told_from_a_slow_one(sandbox: Any) -> None:
    flow = load(sandbox, {"regions": CODE}, peer={"region": WEST, "standby": False, "artefact": "something else"})
    result = flow.one("instantiate")
    assert result.status == "blocked"
    assert "holds other code" in result.why
    assert operations(flow, WEST).count("UpdateFunctionCode") == 0


def test_a_standby_that_was_deployed_by_others_is_not_reconfigured(sandbox: Any) -> None:
    flow = load(sandbox, environment={"DB": "east"}, peer={"region": WEST, "environment": {"DB": "west"}})
    done(flow, "instantiate")
    assert live(sandbox, WEST)["Environment"]["Variables"] == {"DB": "west"}


def test_older_code_is_better_than_none_and_is_said(sandbox: Any) -> None:
    flow = load(sandbox, code="v2", peer={"region": WEST, "code": "v1"})
    assert flow.one("instantiate").status == "blocked"
    assert flow.one("activate").status == "blocked"
    flow.capture()
    sandbox.dark(EAST)
    result = done(flow, "activate", "unplanned")
    assert result.outputs["code_matches"] is False


def test_a_canary_split_ends_with_the_alias_move(sandbox: Any) -> None:
    flow = load(sandbox, versions=2)
    client(sandbox, WEST).update_alias(
        FunctionName="api", Name="live", FunctionVersion="2", RoutingConfig={"AdditionalVersionWeights": {"1": 0.1}}
    )
    done(flow, "activate")
    assert "RoutingConfig" not in client(sandbox, WEST).get_alias(FunctionName="api", Name="live")


def test_an_inactive_standby_is_woken(sandbox: Any) -> None:
    flow = load(sandbox, peer={"region": WEST, "inactive": True})
    done(flow, "activate")
    assert client(sandbox, WEST).get_function(FunctionName="api")["Configuration"]["State"] == "Active"


def test_provisioned_concurrency_that_fails_is_named(sandbox: Any) -> None:
    flow = load(sandbox, provisioned=5, peer={"region": WEST, "tags": {"sim:provisioned": "fail"}})
    result = flow.one("activate")
    assert result.status == "blocked"
    assert "Insufficient capacity" in result.why


def test_an_image_is_found_in_the_other_regions_registry(sandbox: Any) -> None:
    image = f"{ACCOUNT}.dkr.ecr.{EAST}.amazonaws.com/shop/api:1"
    flow = load(sandbox, image=image, peer={"region": WEST, "standby": False})
    done(flow, "instantiate")
    found = client(sandbox, WEST).get_function(FunctionName="api")
    assert found["Code"]["ImageUri"].startswith(f"{ACCOUNT}.dkr.ecr.{WEST}.amazonaws.com/shop/api@sha256:")
    assert live(sandbox, WEST)["CodeSha256"] == live(sandbox, EAST)["CodeSha256"]


def test_remove_deletes_old_versions_and_nothing_else(sandbox: Any) -> None:
    flow = load(sandbox, {"keep_versions": 2}, versions=6)
    east = client(sandbox, EAST)
    routing = {"AdditionalVersionWeights": {"1": 0.1}}
    east.create_alias(FunctionName="api", Name="old", FunctionVersion="2", RoutingConfig=routing)
    flow.pairs = [Pair("api", "lambda", ACCOUNT, EAST, WEST, "api", "api", settings={"alias": "live", "keep_versions": 2})]
    done(flow, "activate")
    done(flow, "cleanup")
    numbers = [one["Version"] for one in east.list_versions_by_function(FunctionName="api")["Versions"]]
    assert numbers == ["$LATEST", "1", "2", "3", "4", "5", "6"], "quarantine deletes nothing"
    result = done(flow, "cleanup", cleanup_policy="remove")
    numbers = [one["Version"] for one in east.list_versions_by_function(FunctionName="api")["Versions"]]
    assert numbers == ["$LATEST", "1", "2", "5", "6"]
    assert result.outputs["versions"] == [1, 2, 5, 6]
    assert all(call["params"]["Qualifier"].isdecimal() for call in flow.mutations() if call["operation"] == "DeleteFunction")


def test_rollback(sandbox: Any) -> None:
    flow = load(sandbox, **FULL)
    flow.capture()
    done(flow, "activate")
    done(flow, "rollback")
    assert (reserved(sandbox, EAST), reserved(sandbox, WEST)) == (50, 0)
    assert sources(sandbox, EAST) == {"orders": "Enabled", "returns": "Disabled", "stream/clicks": "Enabled"}
    assert set(sources(sandbox, WEST).values()) == {"Disabled"}


def test_rollback_after_cleanup_restores_the_source(sandbox: Any) -> None:
    flow = load(sandbox, **FULL)
    flow.capture()
    done(flow, "activate")
    done(flow, "cleanup")
    done(flow, "rollback")
    assert (reserved(sandbox, EAST), reserved(sandbox, WEST)) == (50, 0)
    assert sources(sandbox, EAST) == {"orders": "Enabled", "returns": "Disabled", "stream/clicks": "Enabled"}


def test_a_function_without_alias(sandbox: Any) -> None:
    flow = load(sandbox, alias=None, queues=["orders"])
    for phase in ("instantiate", "activate", "cleanup", "replicate"):
        done(flow, phase)
    found = client(sandbox, WEST).list_event_source_mappings(FunctionName="api")["EventSourceMappings"]
    assert [one["State"] for one in found] == ["Enabled"]
    assert (reserved(sandbox, EAST), reserved(sandbox, WEST)) == (0, None)


def test_a_concurrent_update_is_waited_for(sandbox: Any) -> None:
    flow = load(sandbox, queues=["orders"])
    busy = {"effect": "error", "code": "ResourceInUseException", "times": 1}
    sandbox.fault(match={"operation": "UpdateEventSourceMapping"}, **busy)
    done(flow, "activate")


def test_two_that_serve_are_no_pair(sandbox: Any) -> None:
    flow = load(sandbox)
    client(sandbox, WEST).delete_function_concurrency(FunctionName="api")
    result = flow.one("instantiate")
    assert (result.status, flow.mutations()) == ("blocked", [])
    assert "no standby" in result.why
    for phase in ("cleanup", "replicate"):
        assert flow.one(phase).status == "blocked"
    assert flow.mutations() == []


def test_calls_are_the_declared_actions(sandbox: Any) -> None:
    """Nothing called is undeclared, nothing declared is never called: over all that a function can need."""
    flow = load(
        sandbox, {"regions": CODE}, peer={"region": WEST, "standby": False}, **{**FULL, "reserved": None, "off": []}, versions=5
    )
    for phase in ("instantiate", "activate"):
        assert flow.one(phase).status == "done"
    west = client(sandbox, WEST)
    for region in (EAST, WEST):
        sandbox.client("s3", region, ACCOUNT).put_object(Bucket=f"code-{ACCOUNT}-{region}", Key="api.zip", Body=b"v2")
    west.update_function_code(FunctionName="api", S3Bucket=f"code-{ACCOUNT}-{WEST}", S3Key="api.zip")
    sandbox.advance(10)
    west.update_function_configuration(FunctionName="api", MemorySize=256)
    sandbox.advance(10)
    version = west.publish_version(FunctionName="api")["Version"]
    sandbox.advance(10)
    west.update_alias(FunctionName="api", Name="live", FunctionVersion=version)
    sandbox.client("lambda", EAST, ACCOUNT).tag_resource(
        Resource=live(sandbox, EAST)["FunctionArn"].rpartition(":")[0], Tags={"dr:copied": "x"}
    )
    for phase, policy in (("cleanup", "remove"), ("replicate", "quarantine")):
        assert flow.one(phase, cleanup_policy=policy).status == "done"
    sandbox.gateway.stores["lambda", ACCOUNT, EAST]["functions"]["api"].latest["State"] = "Inactive"
    assert flow.home().one("activate").status == "done"
    used = {f"lambda:{call['operation']}" for call in sandbox.calls(service="lambda")}
    renamed = {"lambda:Invoke": "lambda:InvokeFunction"}
    assert {renamed.get(action, action) for action in used} == flow.declared("lambda")


def test_the_sandbox_refuses_what_lambda_refuses(sandbox: Any, aws_code: Callable[..., str]) -> None:
    load(sandbox, queues=["orders"], reserved=10, versions=2)
    east, west = client(sandbox, EAST), client(sandbox, WEST)
    assert aws_code(west.invoke, FunctionName="api") == "TooManyRequestsException"
    assert (
        aws_code(east.put_function_concurrency, FunctionName="api", ReservedConcurrentExecutions=901)
        == "InvalidParameterValueException"
    )
    alias = {"FunctionName": "api", "Name": "live"}
    assert aws_code(east.update_alias, **alias, FunctionVersion="1", RevisionId="0") == "PreconditionFailedException"
    assert aws_code(east.delete_function, FunctionName="api", Qualifier="2") == "ResourceConflictException"
    provisioned = {"FunctionName": "api", "Qualifier": "live", "ProvisionedConcurrentExecutions": 11}
    assert aws_code(east.put_provisioned_concurrency_config, **provisioned) == "InvalidParameterValueException"
    foreign = {"FunctionName": "api", "S3Bucket": f"code-{ACCOUNT}-{WEST}", "S3Key": "api.zip"}
    assert aws_code(east.update_function_code, **foreign) == "InvalidParameterValueException"
    (mapping,) = east.list_event_source_mappings(FunctionName="api:live")["EventSourceMappings"]
    east.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    assert aws_code(east.update_event_source_mapping, UUID=mapping["UUID"], Enabled=True) == "ResourceInUseException"
    east.update_function_configuration(FunctionName="api", MemorySize=256)
    assert aws_code(east.publish_version, FunctionName="api") == "ResourceConflictException"
    sandbox.advance(30)
    assert east.publish_version(FunctionName="api")["Version"] == "3"
    assert east.publish_version(FunctionName="api")["Version"] == "3", "nothing changed"
    assert east.get_event_source_mapping(UUID=mapping["UUID"])["State"] == "Disabled"


@pytest.mark.parametrize("phase", ["cleanup", "replicate"])
def test_nothing_is_silenced_without_proof(sandbox: Any, phase: str) -> None:
    flow = load(sandbox)
    assert flow.one(phase).status == "blocked"
    assert flow.mutations() == []


def test_a_run_that_dies_after_every_call_does_nothing_twice(sandbox: Any) -> None:
    flow = load(sandbox, {"regions": CODE}, peer={"region": WEST, "standby": False}, queues=["orders"], reserved=7)
    flow.capture()
    for phase in ("instantiate", "activate", "cleanup", "replicate"):
        assert flow.survive(phase).status == "done"
    assert [call["operation"] for call in flow.mutations()] == [
        "CreateFunction",
        "PutFunctionConcurrency",
        "PublishVersion",
        "CreateAlias",
        "CreateEventSourceMapping",
        "TagResource",
        "UpdateEventSourceMapping",
        "PutFunctionConcurrency",
        "UpdateEventSourceMapping",
        "PutFunctionConcurrency",
    ]
    assert (reserved(sandbox, EAST), reserved(sandbox, WEST)) == (0, 7)


def test_what_serves_with_the_source_dark_is_not_marked_again(sandbox: Any) -> None:
    flow = load(sandbox)
    sandbox.dark(EAST)
    assert flow.one("activate", "unplanned").status == "done"
    flow.captured["api"] = {"reserved": None, "epoch": 1}  # captured after it, in the other direction
    repeated(flow, "activate", "unplanned")
