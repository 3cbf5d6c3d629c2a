# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions of the Lambda drill as a table: a row is a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.drills.base import name, role, tags
from ansible_collections.dr.aws.plugins.module_utils.drills.lambda_function import LambdaFunctionDrill, Seen
from ansible_collections.dr.aws.plugins.module_utils.drills.room import Room
from ansible_collections.dr.aws.plugins.module_utils.model import UNREACHABLE, Blocked, Call, Done, Goal, Pair, Wait
from ansible_collections.dr.aws.plugins.module_utils.parts.lambda_state import Alias, Function, Version

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "111111111111"
CODE = {"regions": {WEST: {"code": {"s3_bucket": "code-west", "s3_key": "api.zip"}}}}
PAIR = Pair("api", "lambda", ACCOUNT, EAST, WEST, "api", "api-west", settings={"drill_id": "quarterly", **CODE})
NAME = name(PAIR, 64)
ROOM = Room(("vpc-drill",), ("subnet-1", "subnet-2"), ("sg-drill",))
PRODUCTION = f"arn:aws:iam::{ACCOUNT}:role/api"
CONFIG = {
    "Runtime": "python3.12",
    "Handler": "app.handler",
    "MemorySize": 512,
    "Role": PRODUCTION,
    "Layers": ["arn:layer:1"],
    "Environment": {"Variables": {"QUEUE": "production"}},
    "DeadLetterConfig": {"TargetArn": "arn:dlq"},
    "FileSystemConfigs": [{"Arn": "arn:efs"}],
}
INSIDE = {**CONFIG, "VpcConfig": {"SubnetIds": ["subnet-app"], "SecurityGroupIds": ["sg-app"]}}
REGISTRY = f"{ACCOUNT}.dkr.ecr.{WEST}.amazonaws.com/api"


def goal(captured: Any = None, drill: Any = None, **settings: Any) -> Goal:
    own = {"drill": drill} if drill else {}
    return Goal(replace(PAIR, settings={**PAIR.settings, **own, **settings}), captured=captured or {})


GOAL = goal()


def standby(given: Any = None, **more: Any) -> Function:
    """$LATEST is v3; the alias is on version 1 (v1), version 2 is v2 and version 3 is v3."""
    config = given or CONFIG
    versions = tuple(Version(number, f"v{number}", config) for number in (1, 2, 3))
    fields = {"reserved": 0, "config": config, "versions": versions, "aliases": (Alias("live", "1"),), **more}
    return Function(f"arn:{PAIR.target_id}", "v3", **fields)


def copy(sha: str = "v1", **more: Any) -> Function:
    return Function(f"arn:{NAME}", sha, **{"reserved": 1, "tags": tags(PAIR), "config": {"Runtime": "python3.12"}, **more})


def seen(made: Any = None, **more: Any) -> Seen:
    return Seen(**{"room": ROOM, "origin": standby(), "vpcs": (), "copy": made, **more})


def image(**more: Any) -> Seen:
    """A standby whose code is an image."""
    return seen(origin=standby(package="Image", code={"ImageUri": f"{REGISTRY}@sha256:v3"}, **more))


TABLE = [
    ("a function of its own", "instantiate", seen(), GOAL, Call, f"create_function & {NAME} & 'Handler': 'app.handler'"),
    ("from where the code is in the region", "instantiate", seen(), GOAL, Call, "'S3Bucket': 'code-west', 'S3Key': 'api.zip'"),
    (
        "or where the drill has it",
        "instantiate",
        seen(),
        goal(drill={"code": {"s3_bucket": "b", "s3_key": "k"}}),
        Call,
        "'S3Key': 'k'",
    ),
    ("never with production's role", "instantiate", seen(), GOAL, Call, f"'Role': '{role(PAIR, 'function_role')}'"),
    ("with a role of one's own", "instantiate", seen(), goal(drill={"function_role": "arn:own"}), Call, "'Role': 'arn:own'"),
    ("with the layers of the standby", "instantiate", seen(), GOAL, Call, "'Layers': ['arn:layer:1'] & 'MemorySize': 512"),
    ("with the drill's variables", "instantiate", seen(), goal(drill={"environment": {"LEVEL": 1}}), Call, "{'LEVEL': '1'}"),
    (
        "in the room when the standby has a network",
        "instantiate",
        seen(origin=standby(INSIDE), vpcs=("vpc-app",)),
        GOAL,
        Call,
        "'SubnetIds': ['subnet-1', 'subnet-2'] & 'SecurityGroupIds': ['sg-drill']",
    ),
    ("an image by its digest", "instantiate", image(aliases=()), GOAL, Call, f"'ImageUri': '{REGISTRY}@sha256:v3'"),
    ("the image of another version", "instantiate", image(), GOAL, Call, f"'ImageUri': '{REGISTRY}@sha256:v1'"),
    (
        "an object of the customer's own",
        "instantiate",
        seen(origin=standby(aliases=(), code={"S3Bucket": "own", "S3Key": "o"})),
        GOAL,
        Call,
        "'S3Bucket': 'own'",
    ),
    ("code that nobody knows", "instantiate", seen(), goal(regions={}), Blocked, "is not known & regions.us-west-2.code"),
    ("production's role", "instantiate", seen(), goal(drill={"function_role": PRODUCTION}), Blocked, "may not act as production"),
    ("nothing to copy", "instantiate", seen(origin=None), GOAL, Blocked, "no standby api-west & run phase instantiate"),
    ("a standby that changes", "instantiate", seen(origin=standby(update="InProgress")), GOAL, Wait, "InProgress"),
    ("no room", "instantiate", seen(room=None), GOAL, Blocked, "nothing is tagged dr:drill-room"),
    ("the standby's own network", "instantiate", seen(vpcs=("vpc-drill",)), GOAL, Blocked, "its place in it"),
    ("the target region is dark", "instantiate", seen(origin=UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("nobody knows whether there is a copy", "instantiate", seen(UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("it is being made", "instantiate", seen(copy(state="Pending", reserved=None)), GOAL, Wait, "is Pending"),
    (
        "it may run once at a time",
        "instantiate",
        seen(copy(reserved=None)),
        GOAL,
        Call,
        "put_function_concurrency & Executions': 1",
    ),
    ("it stands", "instantiate", seen(copy()), GOAL, Done, NAME),
    ("it could not be made", "instantiate", seen(copy(state="Failed", state_reason="no ENI")), GOAL, Blocked, "Failed: no ENI"),
    ("other code", "instantiate", seen(copy("v9")), GOAL, Blocked, "other code (CodeSha256 v9) than api-west & (v1)"),
    ("somebody else's function", "instantiate", seen(copy(tags={})), GOAL, Blocked, "does not carry the tags"),
    ("it serves", "activate", seen(copy()), GOAL, Done, f"{NAME} & 'version': 1"),
    ("it says what it has not", "activate", seen(copy()), GOAL, Done, "['DeadLetterConfig', 'Environment', 'FileSystemConfigs']"),
    ("the standby is gone", "activate", seen(copy(), origin=None), GOAL, Done, NAME),
    ("it changes", "activate", seen(copy(update="InProgress")), GOAL, Wait, "its update InProgress"),
    ("it is asleep", "activate", seen(copy(state="Inactive")), GOAL, Blocked, "is Inactive"),
    ("its limit was lifted", "activate", seen(copy(reserved=None)), GOAL, Blocked, "reserved concurrency None, not 1"),
    ("there is none", "activate", seen(), GOAL, Blocked, "no copy & run phase instantiate"),
    ("nobody knows", "activate", seen(UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("it is deleted", "cleanup", seen(copy()), GOAL, Call, f"delete_function & {{'FunctionName': '{NAME}'}}"),
    ("so is one that failed", "cleanup", seen(copy(state="Failed")), GOAL, Call, "delete_function"),
    ("not while it is being made", "cleanup", seen(copy(state="Pending")), GOAL, Wait, "is Pending"),
    ("it is going", "cleanup", seen(copy(state="Deleting")), GOAL, Wait, "is Deleting"),
    ("nothing is left", "cleanup", seen(), GOAL, Done, "removed"),
    ("somebody else's stays", "cleanup", seen(copy(tags={})), GOAL, Blocked, "does not carry the tags"),
    ("nobody knows what is left", "cleanup", seen(UNREACHABLE), GOAL, Blocked, "us-west-2"),
    (
        "no room and no standby is needed to clean up",
        "cleanup",
        seen(copy(), room=None, origin=None),
        GOAL,
        Call,
        "delete_function",
    ),
]


@pytest.mark.parametrize(("sentence", "phase", "sight", "asked", "kind", "says"), TABLE, ids=[row[0] for row in TABLE])
def test_decisions(sentence: str, phase: str, sight: Seen, asked: Goal, kind: type, says: str) -> None:
    step = getattr(LambdaFunctionDrill(), phase)(sight, asked)
    assert isinstance(step, kind), step
    text = f"{step.operation} {dict(step.params)}" if isinstance(step, Call) else str(step)
    assert [part for part in says.split(" & ") if part not in text] == [], text
    if isinstance(step, Call):
        assert (step.region, step.one_way, step.debt) == (WEST, False, "")


def test_nothing_that_leads_to_production_is_copied() -> None:
    params = LambdaFunctionDrill().instantiate(seen(origin=standby(INSIDE), vpcs=("vpc-app",)), GOAL).params
    assert {"Environment", "DeadLetterConfig", "FileSystemConfigs"} & params.keys() == set()
    assert not any(one in str(params) for one in ("sg-app", "subnet-app", PRODUCTION, "arn:dlq"))


#: What ACTIVATE would let serve.
SERVES = [
    ("the code that was captured", goal({"code_sha256": "v2"}), standby(), "v2", True),
    ("the alias's where that is not there", goal({"code_sha256": "v9"}), standby(), "v1", False),
    ("the alias's where nothing was captured", goal(), standby(), "v1", None),
    ("the alias that is set", goal(alias="beta"), standby(aliases=(Alias("live", "1"), Alias("beta", "2"))), "v2", None),
    ("the alias that was captured", goal({"alias": "beta"}), standby(aliases=(Alias("live", "1"), Alias("beta", "2"))), "v2", None),
    ("the newest code where there is no alias", goal(), standby(aliases=()), "v3", None),
    ("or where there are several to choose from", goal(), standby(aliases=(Alias("a", "1"), Alias("b", "2"))), "v3", None),
]


@pytest.mark.parametrize(("sentence", "asked", "origin", "sha", "matches"), SERVES, ids=[row[0] for row in SERVES])
def test_the_copy_has_the_code_that_would_serve(
    sentence: str, asked: Goal, origin: Function, sha: str, matches: bool | None
) -> None:
    step = LambdaFunctionDrill().activate(seen(copy(sha), origin=origin), asked)
    assert isinstance(step, Done), step
    assert step.outputs["code_matches"] is matches
    assert isinstance(LambdaFunctionDrill().activate(seen(copy("other"), origin=origin), asked), Blocked)
