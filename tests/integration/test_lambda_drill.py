# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Lambda drill copies and what not, over the real engine and the sandbox."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from test_drills import Drilled
from test_matrix import ACCOUNT, WEST


def functions(sandbox: Any) -> dict[str, dict[str, Any]]:
    """Functions of the target region by name, as they are listed."""
    return {one["FunctionName"]: one for one in sandbox.inside("lambda", WEST, ACCOUNT).list_functions()["Functions"]}


def configured(sandbox: Any, **config: Any) -> None:
    """The standby is configured otherwise, and its alias is on that version."""
    client = sandbox.inside("lambda", WEST, ACCOUNT)
    client.update_function_configuration(FunctionName="api", **config)
    sandbox.advance(60)
    version = client.publish_version(FunctionName="api")["Version"]
    client.update_alias(FunctionName="api", Name="live", FunctionVersion=version)


@pytest.fixture
def world(sandbox: Any) -> Drilled:
    return Drilled(sandbox, "lambda")


def test_a_copy_is_in_the_room_without_anything_that_leads_to_production(sandbox: Any, world: Drilled) -> None:
    default = sandbox.inside("ec2", WEST, ACCOUNT).describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])
    network = {"SubnetIds": [default["Subnets"][0]["SubnetId"]], "SecurityGroupIds": ["sg-app"]}
    dead = {"TargetArn": f"arn:aws:sqs:{WEST}:{ACCOUNT}:dead"}
    configured(sandbox, VpcConfig=network, Environment={"Variables": {"QUEUE": "production"}}, DeadLetterConfig=dead)
    for phase in ("instantiate", "activate"):
        result = world.drill.one(phase)
        assert result.status == "done", result
    found = functions(sandbox)[result.outputs["copy"]]
    assert found["VpcConfig"]["SubnetIds"] == sorted(world.room["subnets"])
    assert found["VpcConfig"]["SecurityGroupIds"] == [world.room["group"]]
    assert found["Role"] == f"arn:aws:iam::{ACCOUNT}:role/dr-drill"
    assert {"Environment", "DeadLetterConfig"} & found.keys() == set()
    assert result.outputs["left_out"] == ["DeadLetterConfig", "Environment"]
    assert world.drill.one("cleanup").status == "done"
    assert list(functions(sandbox)) == ["api"]


def test_the_room_is_refused_where_the_standby_has_its_place_in_it(sandbox: Any, world: Drilled) -> None:
    configured(sandbox, VpcConfig={"SubnetIds": world.room["subnets"], "SecurityGroupIds": [world.room["group"]]})
    found = world.drill.one("instantiate")
    assert (found.status, world.sent()) == ("blocked", [])
    assert "api has its place in it" in found.why


def test_an_artefact_with_other_code_is_found_out_by_its_hash(sandbox: Any, world: Drilled) -> None:
    bucket = f"code-{ACCOUNT}-{WEST}"
    sandbox.inside("s3", WEST, ACCOUNT).put_object(Bucket=bucket, Key="api.zip", Body=b"another")
    found = world.drill.one("instantiate")
    assert found.status == "blocked"
    assert "other code" in found.why
    assert world.drill.one("cleanup").status == "done"
    assert list(functions(sandbox)) == ["api"]


def test_code_that_can_only_be_downloaded_is_asked_for(sandbox: Any, world: Drilled) -> None:
    world.drill.pairs = [replace(world.pair, settings={**world.pair.settings, "regions": {}})]
    found = world.drill.one("instantiate")
    assert (found.status, world.sent()) == ("blocked", [])
    assert "drill.code" in found.remedy
