# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EventBridge rules over the real engine and the sandbox, end states read by plain boto3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flow import Flow

from ansible_collections.dr.aws.plugins.module_utils.model import Pair

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "200000000001"
ROLE = {ACCOUNT: (f"arn:aws:iam::{ACCOUNT}:role/dr-automation", "shop")}
ALL = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"


def load(sandbox: Any, **spec: Any) -> Flow:
    rule = {"kind": "eventbridge_rule", "account": "web", "region": EAST, "name": "nightly", "peer": {"region": WEST}}
    rule |= {"tags": {"dr:wave": "1"}, **spec}
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
            "resources": [{key: value for key, value in rule.items() if value is not None}],
        }
    )
    ident = f"{spec.get('bus', 'default')}/nightly"
    return Flow(sandbox, [Pair("nightly", "eventbridge", ACCOUNT, EAST, WEST, ident, ident)], ROLE)


def rule(sandbox: Any, region: str, bus: str = "default") -> tuple[str, list[str]]:
    """(state, ARNs of its targets)"""
    client = sandbox.client("events", region, ACCOUNT)
    targets = client.list_targets_by_rule(Rule="nightly", EventBusName=bus)["Targets"]
    return client.describe_rule(Name="nightly", EventBusName=bus)["State"], [one["Arn"] for one in targets]


def states(sandbox: Any, bus: str = "default") -> tuple[str, str]:
    return rule(sandbox, EAST, bus)[0], rule(sandbox, WEST, bus)[0]


def repeated(flow: Flow, phase: str, mode: str) -> None:
    """A second run and check mode find nothing to do, and send nothing."""
    before = len(flow.mutations())
    for check in (False, True):
        result = flow.one(phase, mode, check=check)
        assert (result.status, result.calls) == ("done", ()), result
    assert len(flow.mutations()) == before


def test_planned_there_and_back(sandbox: Any) -> None:
    flow = load(sandbox)
    checked = flow.one("activate", check=True)
    assert (checked.status, flow.mutations()) == ("would_change", [])
    assert flow.one("activate").status == "done"
    assert states(sandbox) == ("DISABLED", "ENABLED")
    off, on = (next(call for call in flow.mutations() if call["operation"] == name) for name in ("DisableRule", "EnableRule"))
    assert (off["region"], on["region"]) == (EAST, WEST)
    assert on["time"] - off["time"] >= 90
    repeated(flow, "activate", "planned")
    for phase in ("cleanup", "replicate"):
        assert flow.one(phase).status == "done"
        repeated(flow, phase, "planned")
    home = flow.home()
    assert home.one("activate").status == "done"
    assert states(sandbox) == ("ENABLED", "DISABLED")
    repeated(home, "activate", "planned")


def test_unplanned_then_the_debt_is_settled(sandbox: Any) -> None:
    flow = load(sandbox)
    flow.capture()
    dark = sandbox.dark(EAST)
    assert flow.one("activate", "unplanned").status == "done"
    assert rule(sandbox, WEST)[0] == "ENABLED"
    repeated(flow, "activate", "unplanned")
    for phase in ("cleanup", "replicate"):
        assert flow.one(phase, "unplanned").status == "deferred"
    assert sandbox.gateway.faults.remove(dark)
    flow.clock.sleep(120)  # the circuit breaker tries the region again
    assert states(sandbox) == ("ENABLED", "ENABLED"), "the fence debt"
    for phase in ("cleanup", "replicate"):
        assert flow.one(phase, "unplanned").status == "done"
        repeated(flow, phase, "unplanned")
    assert states(sandbox) == ("DISABLED", "ENABLED")


def test_a_rule_that_is_gone_is_copied_disabled(sandbox: Any) -> None:
    targets = [{"Id": str(n), "Arn": f"arn:aws:sqs:{WEST}:{ACCOUNT}:q{n}"} for n in range(4)]
    flow = load(sandbox, bus="orders", pattern={"source": ["shop.us-west-2"]}, peer={"region": WEST, "targets": targets})
    assert flow.one("activate").status == "done"
    client = sandbox.client("events", EAST, ACCOUNT)
    client.remove_targets(Rule="nightly", EventBusName="orders", Ids=["function"])
    client.delete_rule(Name="nightly", EventBusName="orders")
    assert flow.one("replicate").status == "done"
    assert rule(sandbox, EAST, "orders") == ("DISABLED", [f"arn:aws:sqs:{EAST}:{ACCOUNT}:q{n}" for n in range(4)])
    found = client.describe_rule(Name="nightly", EventBusName="orders")
    assert found["EventPattern"] == '{"source": ["shop.us-west-2"]}', "a pattern keeps its regions"
    tags = {one["Key"] for one in client.list_tags_for_resource(ResourceARN=found["Arn"])["Tags"]}
    assert tags == {"Customer"}
    repeated(flow, "replicate", "planned")


def test_surplus_targets_are_removed_from_the_copy(sandbox: Any) -> None:
    flow = load(sandbox)
    assert flow.one("activate").status == "done"
    extra = {"Id": "extra", "Arn": f"arn:aws:sqs:{EAST}:{ACCOUNT}:q"}
    sandbox.client("events", EAST, ACCOUNT).put_targets(Rule="nightly", Targets=[extra])
    assert flow.one("replicate").status == "done"
    assert rule(sandbox, EAST)[1] == [f"arn:aws:lambda:{EAST}:{ACCOUNT}:function:nightly"]


def test_targets_that_aws_refuses_are_named(sandbox: Any) -> None:
    other = [{"Id": "abroad", "Arn": f"arn:aws:sqs:eu-west-1:{ACCOUNT}:q"}]
    flow = load(sandbox, peer={"region": WEST, "targets": other})
    assert flow.one("activate").status == "done"
    result = flow.one("replicate")
    assert result.status == "blocked"
    assert "abroad: ValidationException" in result.why


def test_another_enabled_state_survives(sandbox: Any) -> None:
    flow = load(sandbox, state=ALL)
    assert flow.one("activate").status == "done"
    assert states(sandbox) == ("DISABLED", ALL)
    (put,) = [call for call in flow.mutations() if call["operation"] == "PutRule"]
    assert put["params"]["ScheduleExpression"] == "rate(5 minutes)"
    assert flow.one("rollback").status == "done"
    assert states(sandbox) == (ALL, "DISABLED")


def test_rollback(sandbox: Any) -> None:
    flow = load(sandbox)
    assert flow.one("activate").status == "done"
    assert flow.one("rollback").status == "done"
    assert states(sandbox) == ("ENABLED", "DISABLED")
    repeated(flow, "rollback", "planned")


def test_a_concurrent_change_is_waited_for(sandbox: Any) -> None:
    flow = load(sandbox)
    sandbox.fault(match={"operation": "DisableRule"}, effect="error", code="ConcurrentModificationException", times=1)
    assert flow.one("activate").status == "done"
    assert states(sandbox) == ("DISABLED", "ENABLED")


def test_a_managed_rule_is_left_alone(sandbox: Any, aws_code: Callable[..., str]) -> None:
    flow = load(sandbox, managed_by="states.amazonaws.com")
    result = flow.one("activate")
    assert (result.status, flow.mutations()) == ("blocked", [])
    assert "states.amazonaws.com" in result.why
    assert aws_code(sandbox.client("events", EAST, ACCOUNT).disable_rule, Name="nightly") == "ManagedRuleException"


def test_a_global_endpoint_is_reported(sandbox: Any) -> None:
    flow = load(sandbox, bus="orders", pattern={"source": ["shop"]})
    client = sandbox.client("events", EAST, ACCOUNT)
    client.create_endpoint(
        Name="orders",
        RoutingConfig={
            "FailoverConfig": {"Primary": {"HealthCheck": "arn:aws:route53:::healthcheck/1"}, "Secondary": {"Route": WEST}}
        },
        EventBuses=[{"EventBusArn": f"arn:aws:events:{region}:{ACCOUNT}:event-bus/orders"} for region in (EAST, WEST)],
    )
    flow.pairs = [
        Pair("nightly", "eventbridge", ACCOUNT, EAST, WEST, "orders/nightly", "orders/nightly", settings={"endpoint": "orders"})
    ]
    sandbox.advance(300)
    result = flow.one("activate")
    assert result.outputs["endpoint_state"] == "ACTIVE"
    assert result.outputs["endpoint_url"].endswith(".endpoint.events.amazonaws.com")


def test_calls_are_the_declared_actions(sandbox: Any) -> None:
    """Nothing called is undeclared, nothing declared is never called: over all that a rule can need."""
    flow = load(sandbox, state=ALL)
    flow.pairs = [Pair("nightly", "eventbridge", ACCOUNT, EAST, WEST, "nightly", "nightly", settings={"endpoint": "none"})]
    west = [{"Id": name, "Arn": f"arn:aws:sqs:{WEST}:{ACCOUNT}:{name}"} for name in "ab"]
    sandbox.client("events", WEST, ACCOUNT).put_targets(Rule="nightly", Targets=west)
    for phase in ("activate", "cleanup", "replicate"):
        assert flow.one(phase).status == "done"
    sandbox.client("events", WEST, ACCOUNT).remove_targets(Rule="nightly", Ids=["b"])
    assert flow.one("replicate").status == "done"
    sandbox.client("events", EAST, ACCOUNT).put_rule(Name="nightly", ScheduleExpression="rate(5 minutes)")
    assert flow.one("rollback").status == "done"
    sandbox.client("events", WEST, ACCOUNT).put_rule(Name="nightly", ScheduleExpression="rate(1 hour)", State="DISABLED")
    assert flow.one("activate").status == "done"
    used = {f"events:{call['operation']}" for call in sandbox.calls(service="events")}
    assert used == flow.declared("eventbridge")


def test_the_sandbox_knows_the_traps_of_put_rule(sandbox: Any, aws_code: Callable[..., str]) -> None:
    load(sandbox, description="every night")
    client = sandbox.client("events", WEST, ACCOUNT)
    client.put_rule(Name="nightly", ScheduleExpression="rate(5 minutes)", Tags=[{"Key": "new", "Value": "1"}])
    found = client.describe_rule(Name="nightly")
    assert (found["State"], found.get("Description")) == ("ENABLED", None)
    assert "new" not in {one["Key"] for one in client.list_tags_for_resource(ResourceARN=found["Arn"])["Tags"]}
    many = [{"Id": str(n), "Arn": f"arn:aws:sqs:{WEST}:{ACCOUNT}:q"} for n in range(6)]
    assert aws_code(client.put_targets, Rule="nightly", Targets=many) == "LimitExceededException"
    assert aws_code(client.enable_rule, Name="nope") == "ResourceNotFoundException"


@pytest.mark.parametrize("phase", ["cleanup", "replicate"])
def test_nothing_is_switched_off_without_proof(sandbox: Any, phase: str) -> None:
    flow = load(sandbox)
    assert flow.one(phase).status == "blocked"
    assert flow.mutations() == []


def test_a_run_that_dies_after_every_call_does_nothing_twice(sandbox: Any) -> None:
    flow = load(sandbox)
    for phase in ("activate", "cleanup", "replicate"):
        assert flow.survive(phase).status == "done"
    assert [call["operation"] for call in flow.mutations()] == ["TagResource", "DisableRule", "EnableRule"]
    assert states(sandbox) == ("DISABLED", "ENABLED")


def test_what_serves_with_the_source_dark_is_not_marked_again(sandbox: Any) -> None:
    flow = load(sandbox)
    sandbox.dark(EAST)
    assert flow.one("activate", "unplanned").status == "done"
    flow.captured["nightly"] = {"state": "ENABLED", "epoch": 1}  # captured after it, in the other direction
    repeated(flow, "activate", "unplanned")
