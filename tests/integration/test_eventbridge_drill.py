# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drills of rules with a schedule, and of rules with targets of every kind, over the real engine and the sandbox."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flow import Flow

from ansible_collections.dr.aws.plugins.module_utils.drills import drill
from ansible_collections.dr.aws.plugins.module_utils.model import Pair

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "200000000001"
ROLE = {ACCOUNT: (f"arn:aws:iam::{ACCOUNT}:role/dr-automation", "shop")}
FUNCTION = f"arn:aws:lambda:{WEST}:{ACCOUNT}:function:nightly"
TOPIC = f"arn:aws:sns:{WEST}:{ACCOUNT}:nightly"
QUEUE = f"arn:aws:sqs:{WEST}:{ACCOUNT}:nightly"
MACHINE = f"arn:aws:states:{WEST}:{ACCOUNT}:stateMachine:nightly"
MACHINE_OF_ONE = {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}
LOG = f"arn:aws:logs:{WEST}:{ACCOUNT}:log-group:nightly"


def flow(sandbox: Any, *targets: str, drill_settings: dict[str, str] | None = None, **spec: Any) -> Flow:
    """The drill of a rule whose standby has these targets, or the function `nightly`."""
    entries = [{"Id": str(number), "Arn": arn} for number, arn in enumerate(targets or (FUNCTION,))]
    accounts = [
        {"id": "100000000000", "name": "management", "management": True},
        {"id": ACCOUNT, "name": "web", "roles": [{"name": "dr-automation", "external_id": "shop"}]},
    ]
    resource = {"kind": "eventbridge_rule", "account": "web", "region": EAST, "name": "nightly", "tags": {}}
    peer = {"region": WEST, "targets": entries}
    estate = {"name": "shop", "control_region": WEST, "regions": [EAST, WEST], "accounts": accounts}
    sandbox.load({**estate, "resources": [{**resource, **spec, "peer": peer}]})
    sandbox.seed(kind="drill_room", account=ACCOUNT, region=WEST)
    settings = {"drill_id": "quarterly", "drill": drill_settings or {}}
    pair = Pair("nightly", "eventbridge", ACCOUNT, EAST, WEST, "default/nightly", "default/nightly", settings=settings)
    return Flow(sandbox, [pair], ROLE, reconciler=drill)


def make_function(sandbox: Any) -> None:
    sandbox.seed(kind="lambda_function", account=ACCOUNT, region=WEST, name="nightly")


def make_topic(sandbox: Any) -> None:
    sandbox.inside("sns", WEST, ACCOUNT).create_topic(Name="nightly")


def make_queue(sandbox: Any) -> None:
    sandbox.inside("sqs", WEST, ACCOUNT).create_queue(QueueName="nightly")


def make_machine(sandbox: Any) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/nightly"
    client = sandbox.inside("stepfunctions", WEST, ACCOUNT)
    client.create_state_machine(name="nightly", definition=json.dumps(MACHINE_OF_ONE), roleArn=role)


def test_a_schedule_is_looked_at_and_no_rule_is_put_beside_it(sandbox: Any) -> None:
    run = flow(sandbox)
    make_function(sandbox)
    events = sandbox.inside("events", WEST, ACCOUNT)
    before = [events.list_rules(EventBusName=bus)["Rules"] for bus in ("default", "dr-drill")]
    results = [run.one(phase) for phase in ("instantiate", "activate", "cleanup")]
    assert [result.status for result in results] == ["done", "done", "done"], results
    assert (results[1].outputs["copy"], results[1].outputs["proven"]) == ("", "rule and targets present")
    assert results[1].outputs["targets"] == [FUNCTION]
    assert run.mutations() == []
    assert [events.list_rules(EventBusName=bus)["Rules"] for bus in ("default", "dr-drill")] == before


@pytest.mark.parametrize(
    ("arn", "make"), [(FUNCTION, make_function), (TOPIC, make_topic), (QUEUE, make_queue), (MACHINE, make_machine)]
)
def test_a_target_that_does_not_exist_is_found_before_events_are_lost(sandbox: Any, arn: str, make: Callable[[Any], None]) -> None:
    run = flow(sandbox, arn, LOG)
    result = run.one("instantiate")
    assert (result.status, f"{arn} of rule default/nightly does not exist" in result.why) == ("blocked", True), result
    make(sandbox)
    result = run.one("instantiate")
    assert (result.status, result.outputs["targets"]) == ("done", [arn])
    assert result.outputs["not_proven"][-1] == f"that the target {LOG} exists", "what cannot be described is not claimed"


def test_a_target_in_another_region_is_named_with_what_aws_says(sandbox: Any) -> None:
    elsewhere = f"arn:aws:sqs:{EAST}:{ACCOUNT}:scratch"
    run = flow(sandbox, LOG, drill_settings={"target_arn": elsewhere}, pattern={"source": ["shop"]})
    result = run.one("instantiate")
    assert result.status == "blocked"
    assert f"Target {elsewhere} is not in region" in result.why
    assert run.one("cleanup").status == "done"
    assert sandbox.inside("events", WEST, ACCOUNT).list_rules(EventBusName="dr-drill")["Rules"] == []


@pytest.mark.parametrize("settings", [{"event_bus": "default"}, {"target_arn": LOG}])
def test_production_is_refused(sandbox: Any, settings: dict[str, str]) -> None:
    run = flow(sandbox, LOG, drill_settings=settings, pattern={"source": ["shop"]})
    result = run.one("instantiate")
    assert (result.status, "production" in result.why) == ("blocked", True)
    assert run.mutations() == []
