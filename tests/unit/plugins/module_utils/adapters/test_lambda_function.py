# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lambda decisions as tables: a row is a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.adapters.lambda_function import LambdaFunction
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
from ansible_collections.dr.aws.plugins.module_utils.parts.lambda_state import (
    Alias,
    Function,
    Provisioned,
    Seen,
    Source,
    Version,
    configuration,
    permission,
)

EAST, WEST = "us-east-1", "us-west-2"
PAIR = Pair("api", "lambda", "111111111111", EAST, WEST, "api", "api")
PLANNED, UNPLANNED = Goal(PAIR), Goal(PAIR, mode="unplanned")
REMOVE = replace(PLANNED, cleanup_policy="remove")
CONFIG = {"Runtime": "python3.12", "Handler": "app.handler", "Timeout": 30, "Role": "arn:aws:iam::111111111111:role/api"}
ADAPTER = LambdaFunction()


def function(region: str = EAST, sha: str = "v1", epoch: int = 0, sources: str = "", **more: Any) -> Function:
    """sources: "orders=Enabled clicks=Disabled"."""
    tags = {"Customer": "shop"} | ({"dr:epoch": str(epoch)} if epoch else {}) | more.pop("tags", {})
    mapped = tuple(
        Source(f"uuid-{key}", key, state, f"arn:aws:sqs:{region}:111111111111:{key}", "live", {"BatchSize": 5})
        for key, state in (one.split("=") for one in sources.split())
    )
    values = {
        "config": CONFIG,
        "versions": (Version(3, "old", CONFIG), Version(4, sha, CONFIG)),
        "aliases": (Alias("live", "4", {}, "r1"),),
        **more,
    }
    return Function(f"arn:aws:lambda:{region}:111111111111:function:api", sha, tags=tags, sources=mapped, **values)


def standby(region: str = WEST, **more: Any) -> Function:
    return function(region, **{"reserved": 0, **more})


def copy(region: str = WEST, **more: Any) -> Function:
    return standby(region, tags={"dr:copied": EAST}, **more)


def look(source: Any, target: Any, **more: Any) -> Seen:
    return Seen(source, target, **{"alias": "live", **more})


def captured(goal: Goal, **values: Any) -> Goal:
    return replace(goal, captured=values)


def setting(goal: Goal, **values: Any) -> Goal:
    return replace(goal, pair=replace(goal.pair, settings=values))


def there(goal: Goal, region: str = WEST, **values: Any) -> Goal:
    return setting(goal, regions={region: values})


def check(sentence: str, step: Any, kind: type, says: str) -> None:
    """`says`: of a call, `operation@region`, and what else must be in it, joined by " & "."""
    assert isinstance(step, kind), (sentence, step)
    text = f"{step.operation}@{step.region} {dict(step.params)} {step.debt}" if isinstance(step, Call) else str(step)
    for part in filter(None, says.split(" & ")):
        assert part in text, (sentence, text)


@pytest.mark.parametrize(
    ("sentence", "seen", "side"),
    [
        ("takes, takes none", look(function(), standby()), Active.SOURCE),
        ("takes none, takes", look(standby(EAST), function(WEST)), Active.TARGET),
        ("gone, takes", look(None, function(WEST)), Active.TARGET),
        ("takes none, takes none", look(standby(EAST), standby()), Active.NEITHER),
        ("gone, gone", look(None, None), Active.NEITHER),
        ("both take: never activated", look(function(), function(WEST)), Active.BOTH),
        ("both take: the target last", look(function(), function(WEST, epoch=1)), Active.TARGET),
        ("both take: the source last", look(function(epoch=2), function(WEST, epoch=1)), Active.SOURCE),
        ("a new copy takes nothing", look(function(), copy(reserved=None)), Active.SOURCE),
        ("an activated copy does", look(standby(EAST), copy(reserved=None, epoch=1)), Active.TARGET),
        ("dark, takes, activated", look(UNREACHABLE, function(WEST, epoch=1)), Active.TARGET),
        ("dark, takes, never activated", look(UNREACHABLE, function(WEST)), Active.UNKNOWN),
        ("dark, takes none", look(UNREACHABLE, standby()), Active.UNKNOWN),
        ("takes, dark", look(function(), UNREACHABLE), Active.UNKNOWN),
    ],
)
def test_which_side_serves(sentence: str, seen: Seen, side: Active) -> None:
    assert ADAPTER.active(seen) is side, sentence


ZIP = {"code": {"s3_bucket": "b", "s3_key": "k", "s3_object_version": "7"}}
VPC = {**CONFIG, "VpcConfig": {"SubnetIds": ["subnet-e"], "SecurityGroupIds": ["sg-e"]}}
KEY = {**CONFIG, "KMSKeyArn": "arn:aws:kms:us-east-1:111111111111:key/1"}
MRK = {**CONFIG, "KMSKeyArn": "arn:aws:kms:us-east-1:111111111111:key/mrk-1"}
BIG = {**CONFIG, "MemorySize": 512}


def configured(config: dict[str, Any], region: str = EAST) -> Function:
    return function(region, config=config, versions=(Version(4, "v1", config),))


IMAGE = replace(function(), package="Image", code={"ImageUri": "1.dkr.ecr.us-east-1.amazonaws.com/api@sha256:v1"})


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        ("as it should be", look(function(), standby()), PLANNED, Done, "'version': 4"),
        ("serves already", look(standby(EAST), function(WEST)), PLANNED, Done, "active"),
        ("both serve", look(function(), function(WEST)), PLANNED, Blocked, "no standby"),
        ("dark, planned", look(UNREACHABLE, standby()), PLANNED, Blocked, "us-east-1"),
        ("dark: what is there will do", look(UNREACHABLE, standby()), UNPLANNED, Done, "standby"),
        ("dark, and nothing there", look(UNREACHABLE, None), UNPLANNED, Blocked, "none to copy"),
        ("target dark", look(function(), UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
        ("neither exists", look(None, None), PLANNED, Blocked, "none to copy"),
        ("pending", look(function(), copy(state="Pending")), PLANNED, Wait, "Pending"),
        ("updating", look(function(), standby(update="InProgress")), PLANNED, Wait, "InProgress"),
        ("failed", look(function(), standby(state="Failed", state_reason="EniLimitExceeded")), PLANNED, Blocked, "EniLimit"),
        (
            "update failed",
            look(function(), standby(update="Failed", update_reason="ImageDeleted")),
            PLANNED,
            Blocked,
            "ImageDeleted",
        ),
        (
            "a new copy is silenced first",
            look(function(), copy(reserved=None)),
            PLANNED,
            Call,
            "put_function_concurrency@us-west-2 & 0",
        ),
        (
            "a source that polls",
            look(function(), standby(sources="q=Enabled")),
            PLANNED,
            Call,
            "update_event_source_mapping & False",
        ),
        ("a source on its way", look(function(), standby(sources="q=Disabling")), PLANNED, Wait, "q is Disabling"),
        ("code unknown there", look(function(), None), PLANNED, Blocked, "regions.us-west-2.code"),
        (
            "created from its artefact",
            look(function(), None),
            there(PLANNED, **ZIP),
            Call,
            "create_function@us-west-2 & 'S3Key': 'k'",
        ),
        ("never published at once", look(function(), None), there(PLANNED, **ZIP), Call, "'Publish': False"),
        (
            "marked as ours, without the epoch",
            look(function(epoch=3), None),
            there(PLANNED, **ZIP),
            Call,
            "'dr:copied': 'us-east-1'",
        ),
        ("an image is rewritten by digest", look(IMAGE, None), PLANNED, Call, "ecr.us-west-2.amazonaws.com/api@sha256:v1"),
        ("or named", look(IMAGE, None), there(PLANNED, image_uri="x/y@sha256:v1"), Call, "'ImageUri': 'x/y@sha256:v1'"),
        ("a network is never guessed", look(configured(VPC), None), there(PLANNED, **ZIP), Blocked, "subnets"),
        (
            "but taken from settings",
            look(configured(VPC), None),
            there(PLANNED, **ZIP, subnets=["subnet-w"], security_groups=["sg-w"]),
            Call,
            "create_function & subnet-w & sg-w",
        ),
        ("nor is a key", look(configured(KEY), None), there(PLANNED, **ZIP), Blocked, "kms_key_arn"),
        ("a multi-region key is", look(configured(MRK), None), there(PLANNED, **ZIP), Call, "kms:us-west-2:111111111111:key/mrk-1"),
        ("other code, artefact unknown", look(function(sha="v2"), standby()), PLANNED, Blocked, "other code"),
        ("other code", look(function(sha="v2"), standby()), there(PLANNED, **ZIP), Call, "update_function_code@us-west-2 & 'k'"),
        (
            "the artefact holds other code",
            look(function(sha="v2"), standby(sha="x", versions=()), uploaded="x"),
            there(PLANNED, **ZIP),
            Blocked,
            "holds other code",
        ),
        ("the code is there but not published", look(function(), standby(versions=())), PLANNED, Call, "publish_version & v1"),
        (
            "its version is being set up",
            look(function(), standby(versions=(Version(4, "v1", CONFIG, "Pending"),))),
            PLANNED,
            Wait,
            "4",
        ),
        ("no alias yet", look(function(), standby(aliases=())), PLANNED, Call, "create_alias & 'FunctionVersion': '4'"),
        ("the alias stays until activate", look(function(), standby(aliases=(Alias("live", "3"),))), PLANNED, Done, ""),
        ("deployed by others: its memory is theirs", look(configured(BIG), standby()), PLANNED, Done, ""),
        ("a copy follows", look(configured(BIG), copy()), PLANNED, Call, "update_function_configuration & 512"),
        ("and is published again", look(configured(BIG), copy(config=BIG)), PLANNED, Call, "publish_version"),
        (
            "permissions of a copy",
            look(function(permissions=({"StatementId": "s", "Principal": "p"},)), copy()),
            PLANNED,
            Call,
            "add_permission",
        ),
        (
            "sources of a copy, off",
            look(function(sources="q=Enabled"), copy()),
            PLANNED,
            Call,
            "create_event_source_mapping & False",
        ),
        ("in its region", look(function(sources="q=Enabled"), copy()), PLANNED, Call, "sqs:us-west-2 & 'FunctionName': 'api:live'"),
        ("several aliases", look(function(), standby(), aliases=("a", "b")), PLANNED, Blocked, "several aliases: a, b"),
    ],
)
def test_instantiate(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(sentence, ADAPTER.instantiate(seen, goal), kind, says)


def test_a_table_stream_has_another_name_in_each_region() -> None:
    arn = "arn:aws:dynamodb:us-east-1:111111111111:table/t/stream/2024-01-01"
    live = replace(function(), sources=(Source("u", "table/t", "Enabled", arn),))
    check("unknown", ADAPTER.instantiate(look(live, copy()), PLANNED), Blocked, "event_sources")
    own = arn.replace(EAST, WEST).replace("2024", "2025")
    goal = there(PLANNED, event_sources={"table/t": own}, starting_position="TRIM_HORIZON")
    check("known", ADAPTER.instantiate(look(live, copy()), goal), Call, f"{own} & TRIM_HORIZON")


SPLIT = (Alias("live", "4", {"3": 0.1}, "r1"),)
POOR = (Provisioned("live", 5, "FAILED", "no capacity"),)
BUSY = (Provisioned("live", 5, "IN_PROGRESS"),)
GOOD = (Provisioned("live", 5, "READY"),)


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        ("mark first", look(function(), standby()), PLANNED, Call, "tag_resource@us-west-2 & 'dr:epoch': '1'"),
        ("above the source's", look(function(epoch=4), standby()), PLANNED, Call, "'dr:epoch': '5'"),
        ("above the captured", look(UNREACHABLE, standby()), captured(UNPLANNED, epoch=2), Call, "'dr:epoch': '3'"),
        ("note what is off", look(function(sources="a=Disabled b=Enabled"), standby()), PLANNED, Call, "'dr:sources-off': 'a'"),
        ("from the capture", look(UNREACHABLE, standby()), captured(UNPLANNED, sources_off=["b", "a"]), Call, "'a b'"),
        (
            "source's sources off",
            look(function(sources="q=Enabled"), standby(epoch=1)),
            PLANNED,
            Call,
            "update_event_source_mapping@us-east-1",
        ),
        ("until they are", look(function(sources="q=Disabling"), standby(epoch=1)), PLANNED, Wait, "q is Disabling"),
        (
            "alias on the code",
            look(function(sha="old"), standby(epoch=1)),
            PLANNED,
            Call,
            "update_alias & '3' & 'AdditionalVersionWeights': {}",
        ),
        ("conditional", look(function(sha="old"), standby(epoch=1)), PLANNED, Call, "'RevisionId': 'r1'"),
        ("a split ends", look(function(), standby(epoch=1, aliases=SPLIT)), PLANNED, Call, "update_alias & '4'"),
        ("no alias there", look(function(), standby(epoch=1, aliases=())), PLANNED, Call, "create_alias@us-west-2"),
        ("no such code", look(function(sha="v9"), standby(epoch=1)), PLANNED, Blocked, "no version"),
        (
            "no such code, in a disaster",
            look(UNREACHABLE, standby(epoch=1)),
            captured(UNPLANNED, code_sha256="v9"),
            Call,
            "delete_function",
        ),
        (
            "nor an alias",
            look(UNREACHABLE, standby(epoch=1, aliases=())),
            captured(UNPLANNED, code_sha256="v9"),
            Blocked,
            "no version",
        ),
        (
            "lift to what it was",
            look(function(reserved=7), standby(epoch=1)),
            PLANNED,
            Call,
            "put_function_concurrency@us-west-2 & 7",
        ),
        (
            "lift as captured",
            look(UNREACHABLE, standby(epoch=1)),
            captured(UNPLANNED, reserved=8),
            Call,
            "8 & switch off the event sources",
        ),
        ("a captured 0 is none", look(function(reserved=7), standby(epoch=1)), captured(PLANNED, reserved=0), Call, "7"),
        ("lift as set", look(function(reserved=7), standby(epoch=1)), setting(PLANNED, reserved=9), Call, "9"),
        ("unreserved", look(function(), standby(epoch=1)), PLANNED, Call, "delete_function_concurrency@us-west-2"),
        ("wake it", look(function(), function(WEST, epoch=1, state="Inactive")), PLANNED, Call, "invoke@us-west-2 & live"),
        ("waking", look(function(), function(WEST, epoch=1, state="Pending")), PLANNED, Wait, "Pending"),
        (
            "provision",
            look(function(provisioned=GOOD), function(WEST, epoch=1)),
            PLANNED,
            Call,
            "put_provisioned_concurrency_config & 5",
        ),
        ("provisioning", look(function(), function(WEST, epoch=1, provisioned=BUSY)), PLANNED, Wait, "IN_PROGRESS"),
        ("not provisioned", look(function(), function(WEST, epoch=1, provisioned=POOR)), PLANNED, Blocked, "no capacity"),
        ("sources on, last", look(function(), function(WEST, epoch=1, sources="q=Disabled")), PLANNED, Call, "uuid-q & True"),
        (
            "but those noted",
            look(function(), function(WEST, epoch=1, sources="q=Disabled", tags={"dr:sources-off": "q"})),
            PLANNED,
            Done,
            "",
        ),
        ("until they are on", look(function(), function(WEST, epoch=1, sources="q=Enabling")), PLANNED, Wait, "q is Enabling"),
        (
            "done",
            look(function(sources="q=Disabled"), function(WEST, epoch=1, sources="q=Enabled")),
            PLANNED,
            Done,
            "'code_matches': True",
        ),
        ("switched by other means", look(standby(EAST), function(WEST)), PLANNED, Done, ""),
        ("dark, planned", look(UNREACHABLE, standby()), PLANNED, Blocked, "us-east-1"),
        ("target dark", look(function(), UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
        ("nothing to activate", look(function(), None), UNPLANNED, Blocked, "no function api"),
        ("failed", look(function(), standby(state="Failed")), UNPLANNED, Blocked, "failed"),
        ("several aliases", look(function(), standby(), aliases=("a", "b")), UNPLANNED, Blocked, "several"),
        (
            "without alias, other code",
            look(function(sha="v9", aliases=()), standby(epoch=1), alias=""),
            PLANNED,
            Blocked,
            "other code",
        ),
        (
            "without alias",
            look(function(aliases=()), standby(epoch=1, aliases=()), alias=""),
            PLANNED,
            Call,
            "delete_function_conc",
        ),
        (
            "too many to note",
            look(function(sources=" ".join(f"{'q' * 40}{n}=Disabled" for n in range(9))), standby()),
            PLANNED,
            Blocked,
            "too many",
        ),
    ],
)
def test_activate(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(sentence, ADAPTER.activate(seen, goal), kind, says)


def test_only_the_last_source_that_is_switched_off_is_waited_for_and_only_when_planned() -> None:
    two, one = (look(function(sources=sources), standby(epoch=1)) for sources in ("a=Enabled b=Enabled", "a=Disabled b=Enabled"))
    holds = [ADAPTER.activate(seen, goal).hold_seconds for goal in (PLANNED, UNPLANNED) for seen in (two, one)]
    assert holds == [0, 30, 0, 0]


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        (
            "sources first",
            look(function(sources="q=Enabled"), function(WEST, epoch=1)),
            PLANNED,
            Call,
            "update_event_source_mapping@us-east-1 & False",
        ),
        ("then silence", look(function(), function(WEST, epoch=1)), PLANNED, Call, "put_function_concurrency@us-east-1 & 0"),
        (
            "then what is paid for",
            look(standby(EAST, provisioned=GOOD), function(WEST, epoch=1)),
            PLANNED,
            Call,
            "delete_provisioned & live",
        ),
        ("done", look(standby(EAST), function(WEST, epoch=1)), PLANNED, Done, ""),
        ("gone", look(None, function(WEST, epoch=1)), PLANNED, Done, "absent"),
        ("the target is not proven", look(function(), standby()), PLANNED, Blocked, "source"),
        ("both", look(function(), function(WEST)), PLANNED, Blocked, "both"),
        ("neither", look(standby(EAST), standby()), PLANNED, Blocked, "neither"),
        ("dark", look(UNREACHABLE, function(WEST, epoch=1)), UNPLANNED, Deferred, "us-east-1"),
        ("dark, planned", look(UNREACHABLE, function(WEST, epoch=1)), PLANNED, Blocked, "us-east-1"),
        ("target dark", look(function(), UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
        ("few versions stay", look(standby(EAST), function(WEST, epoch=1)), REMOVE, Done, ""),
    ],
)
def test_cleanup(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(sentence, ADAPTER.cleanup(seen, goal), kind, says)


def test_a_version_is_never_deleted_without_its_number_nor_while_an_alias_uses_it() -> None:
    versions = tuple(Version(number, f"v{number}", CONFIG) for number in range(1, 7))
    aliases = (Alias("live", "6"), Alias("canary", "1", {"2": 0.1}))
    seen = look(standby(EAST, versions=versions, aliases=aliases), function(WEST, epoch=1))
    step = ADAPTER.cleanup(seen, REMOVE)
    assert isinstance(step, Call)
    assert (step.operation, step.params, step.one_way) == ("delete_function", {"FunctionName": "api", "Qualifier": "3"}, True)
    left = replace(seen, source=standby(EAST, versions=versions[:2] + versions[3:], aliases=aliases))
    assert isinstance(ADAPTER.cleanup(left, REMOVE), Done)
    assert isinstance(ADAPTER.cleanup(seen, PLANNED), Done), "quarantine deletes nothing"


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        ("as it should be", look(standby(EAST), function(WEST, epoch=1)), PLANNED, Done, "standby"),
        ("it still serves", look(function(), function(WEST, epoch=1)), PLANNED, Blocked, "cleanup first"),
        (
            "new code from the target",
            look(standby(EAST), function(WEST, sha="v2", epoch=1)),
            there(PLANNED, EAST, **ZIP),
            Call,
            "code@us-east-1",
        ),
        ("it is gone", look(None, function(WEST, epoch=1)), there(PLANNED, EAST, **ZIP), Call, "create_function@us-east-1"),
        ("the target is not proven", look(standby(EAST), standby()), PLANNED, Blocked, "not proven"),
        ("dark", look(UNREACHABLE, function(WEST, epoch=1)), UNPLANNED, Deferred, "us-east-1"),
        ("target dark", look(standby(EAST), UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
    ],
)
def test_replicate(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(sentence, ADAPTER.replicate(seen, goal), kind, says)


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        ("mark", look(standby(EAST), function(WEST, epoch=1)), PLANNED, Call, "tag_resource@us-east-1 & '2'"),
        (
            "target's sources off",
            look(standby(EAST, epoch=2), function(WEST, epoch=1, sources="q=Enabled")),
            PLANNED,
            Call,
            "mapping@us-west-2",
        ),
        (
            "lift",
            look(standby(EAST, epoch=2), function(WEST, epoch=1, reserved=6)),
            PLANNED,
            Call,
            "put_function_concurrency@us-east-1 & 6",
        ),
        (
            "sources on",
            look(function(epoch=2, sources="q=Disabled"), function(WEST, epoch=1)),
            PLANNED,
            Call,
            "mapping@us-east-1 & True",
        ),
        (
            "then the target is silenced",
            look(function(epoch=2), function(WEST, epoch=1)),
            PLANNED,
            Call,
            "put_function_concurrency@us-west-2 & 0",
        ),
        ("done", look(function(epoch=2), standby(epoch=1)), PLANNED, Done, ""),
        ("its alias is left alone", look(function(epoch=2, sha="v0", aliases=SPLIT), standby(epoch=1)), PLANNED, Done, ""),
        ("gone", look(None, function(WEST)), PLANNED, Blocked, "gone from us-east-1"),
        ("dark", look(UNREACHABLE, function(WEST)), UNPLANNED, Blocked, "us-east-1"),
        ("target dark", look(standby(EAST), UNREACHABLE), UNPLANNED, Blocked, "us-west-2"),
    ],
)
def test_rollback(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(sentence, ADAPTER.rollback(seen, goal), kind, says)


def test_what_readiness_captures() -> None:
    source = function(reserved=7, provisioned=GOOD, epoch=2, sources="a=Enabled b=Disabled", config={"MemorySize": 512})
    assert ADAPTER.capture(look(source, standby()), PAIR) == {
        "reserved": 7,
        "provisioned": 5,
        "memory_mib": 512,
        "architecture": "x86_64",
        "alias": "live",
        "code_sha256": "v1",
        "sources_off": ["b"],
        "epoch": 2,
    }
    for poison in (standby(EAST), UNREACHABLE, None):
        assert ADAPTER.capture(look(poison, function(WEST)), PAIR) == {}


@pytest.mark.parametrize(
    ("seen", "goal", "status"),
    [
        (look(function(), function(WEST)), PLANNED, "HEALTHY"),
        (look(UNREACHABLE, function(WEST)), captured(PLANNED, code_sha256="v1"), "HEALTHY"),
        (look(UNREACHABLE, function(WEST)), captured(PLANNED, code_sha256="v2"), "DEGRADED"),
        (look(function(), function(WEST, sources="q=Disabled")), PLANNED, "DEGRADED"),
        (look(function(), function(WEST, sources="q=Disabled", tags={"dr:sources-off": "q"})), PLANNED, "HEALTHY"),
        (look(function(), function(WEST, provisioned=POOR)), PLANNED, "DEGRADED"),
        (look(function(), standby()), PLANNED, "UNHEALTHY"),
        (look(function(), function(WEST, state="Failed")), PLANNED, "UNHEALTHY"),
        (look(function(), None), PLANNED, "UNHEALTHY"),
        (look(function(), UNREACHABLE), PLANNED, "UNHEALTHY"),
    ],
)
def test_health(seen: Seen, goal: Goal, status: str) -> None:
    assert ADAPTER.health(seen, goal).status == status


def test_the_receipt_is_what_was_uploaded() -> None:
    call = Call("lambda", "update_function_code", WEST, {}, "")
    assert ADAPTER.receipt(call, {"CodeSha256": "x"}) == {"uploaded_sha256": "x"}
    assert ADAPTER.receipt(replace(call, operation="publish_version"), {"CodeSha256": "x"}) == {}


def test_a_configuration_is_read_as_it_is_written() -> None:
    raw = {
        "FunctionName": "api",
        "Runtime": "python3.12",
        "Description": "",
        "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": [], "VpcId": ""},
        "Layers": [{"Arn": "arn:layer:1", "CodeSize": 9}],
        "SnapStart": {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"},
        "ImageConfigResponse": {"ImageConfig": {"Command": ["x"]}},
        "Environment": {"Variables": {"A": "1"}},
    }
    assert configuration(raw) == {
        "Runtime": "python3.12",
        "Layers": ["arn:layer:1"],
        "SnapStart": {"ApplyOn": "PublishedVersions"},
        "ImageConfig": {"Command": ["x"]},
        "Environment": {"Variables": {"A": "1"}},
    }


@pytest.mark.parametrize(
    ("principal", "condition", "expected"),
    [
        (
            {"Service": "events.amazonaws.com"},
            {"ArnLike": {"AWS:SourceArn": "a"}, "StringEquals": {"AWS:SourceAccount": "1"}},
            {"Principal": "events.amazonaws.com", "SourceArn": "a", "SourceAccount": "1"},
        ),
        ({"AWS": "arn:aws:iam::123456789012:root"}, {}, {"Principal": "123456789012"}),
        ({"AWS": "arn:aws:iam::123456789012:role/x"}, {}, {"Principal": "arn:aws:iam::123456789012:role/x"}),
        ("*", {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}, {"Principal": "*", "FunctionUrlAuthType": "NONE"}),
        ("*", {"StringEquals": {"aws:PrincipalTag/x": "y"}}, None),
        ({"AWS": ["1", "2"]}, {}, None),
    ],
)
def test_a_permission_is_read_as_it_is_written_or_left_out(principal: Any, condition: Any, expected: Any) -> None:
    statement = {"Sid": "s", "Effect": "Allow", "Principal": principal, "Action": "lambda:InvokeFunction", "Condition": condition}
    base = {"StatementId": "s", "Action": "lambda:InvokeFunction"}
    assert permission(statement) == ({**base, **expected} if expected else {})
