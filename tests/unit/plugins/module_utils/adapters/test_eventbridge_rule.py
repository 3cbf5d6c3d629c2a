# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EventBridge decisions as tables: a row is a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.adapters.eventbridge_rule import EventbridgeRule, Seen, in_region
from ansible_collections.dr.aws.plugins.module_utils.model import (
    UNREACHABLE,
    Active,
    Blocked,
    Call,
    Deferred,
    Done,
    Goal,
    Pair,
)
from ansible_collections.dr.aws.plugins.module_utils.parts.eventbridge_state import Rule

EAST, WEST = "us-east-1", "us-west-2"
PAIR = Pair("nightly", "eventbridge", "111111111111", EAST, WEST, "default/nightly", "default/nightly")
PLANNED, UNPLANNED = Goal(PAIR), Goal(PAIR, mode="unplanned")
ALL = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
ADAPTER = EventbridgeRule()


def rule(state: str = "ENABLED", region: str = EAST, epoch: int = 0, targets: int = 1, **more: Any) -> Rule:
    arn = f"arn:aws:lambda:{region}:111111111111:function"
    tags = {"Customer": "shop"} | ({"dr:epoch": str(epoch)} if epoch else {}) | more.pop("tags", {})
    values = {
        "definition": {"ScheduleExpression": "rate(5 minutes)"},
        "targets": tuple({"Id": f"t{n}", "Arn": f"{arn}:f{n}"} for n in range(targets)),
        **more,
    }
    return Rule(f"arn:aws:events:{region}:111111111111:rule/nightly", state, tags=tags, **values)


def off(region: str = WEST, **more: Any) -> Rule:
    return rule("DISABLED", region, **more)


def captured(goal: Goal, **values: Any) -> Goal:
    return replace(goal, captured=values)


def setting(goal: Goal, **values: Any) -> Goal:
    return replace(goal, pair=replace(goal.pair, settings=values))


def check(sentence: str, step: Any, kind: type, says: str) -> None:
    """`says`: of a call, `operation@region`, and what else must be in it, joined by " & "."""
    assert isinstance(step, kind), (sentence, step)
    text = f"{step.operation}@{step.region} {dict(step.params)} {step.debt}" if isinstance(step, Call) else str(step)
    for part in filter(None, says.split(" & ")):
        assert part in text, (sentence, text)


@pytest.mark.parametrize(
    ("sentence", "seen", "side"),
    [
        ("on, off", Seen(rule(), off()), Active.SOURCE),
        ("off, on", Seen(off(EAST), rule(region=WEST)), Active.TARGET),
        ("gone, on", Seen(None, rule(region=WEST)), Active.TARGET),
        ("on, gone", Seen(rule(), None), Active.SOURCE),
        ("off, off", Seen(off(EAST), off()), Active.NEITHER),
        ("gone, gone", Seen(None, None), Active.NEITHER),
        ("on, on: never activated", Seen(rule(), rule(region=WEST)), Active.BOTH),
        ("on, on: the target was activated last", Seen(rule(epoch=1), rule(region=WEST, epoch=2)), Active.TARGET),
        ("on, on: the source was activated last", Seen(rule(epoch=3), rule(region=WEST, epoch=2)), Active.SOURCE),
        ("another enabled state", Seen(off(EAST), rule(ALL, WEST)), Active.TARGET),
        ("dark, on, activated", Seen(UNREACHABLE, rule(region=WEST, epoch=1)), Active.TARGET),
        ("dark, on, never activated", Seen(UNREACHABLE, rule(region=WEST)), Active.UNKNOWN),
        ("dark, off", Seen(UNREACHABLE, off()), Active.UNKNOWN),
        ("on, dark", Seen(rule(), UNREACHABLE), Active.UNKNOWN),
    ],
)
def test_which_side_serves(sentence: str, seen: Seen, side: Active) -> None:
    assert ADAPTER.active(seen) is side, sentence


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        ("mark first", Seen(rule(), off()), PLANNED, Call, "tag_resource@us-west-2 & '1' & ENABLED"),
        ("above the source's mark", Seen(rule(epoch=4), off(epoch=2)), PLANNED, Call, "tag_resource@us-west-2 & '5'"),
        ("then the source off", Seen(rule(), off(epoch=1)), PLANNED, Call, "disable_rule@us-east-1 & default"),
        ("unplanned as well, while it answers", Seen(rule(), off(epoch=1)), UNPLANNED, Call, "disable_rule@us-east-1"),
        ("then the target on", Seen(off(EAST), off(epoch=1)), PLANNED, Call, "enable_rule@us-west-2"),
        ("then done", Seen(off(EAST), rule(region=WEST, epoch=1)), PLANNED, Done, "ENABLED"),
        ("done without a mark", Seen(off(EAST), rule(region=WEST)), PLANNED, Done, ""),
        ("the source is gone", Seen(None, off(epoch=1)), PLANNED, Call, "enable_rule@us-west-2"),
        ("both on: the source off", Seen(rule(), rule(region=WEST, epoch=1)), PLANNED, Call, "disable_rule@us-east-1"),
        ("both on, unmarked: mark", Seen(rule(), rule(region=WEST)), PLANNED, Call, "tag_resource@us-west-2"),
        ("dark, planned", Seen(UNREACHABLE, off()), PLANNED, Blocked, "us-east-1, which does not answer"),
        ("dark: mark", Seen(UNREACHABLE, off()), captured(UNPLANNED, epoch=2), Call, "tag_resource@us-west-2 & '3'"),
        ("dark: on, with a debt", Seen(UNREACHABLE, off(epoch=1)), UNPLANNED, Call, "enable_rule@us-west-2 & disable rule"),
        ("dark: done", Seen(UNREACHABLE, rule(region=WEST, epoch=1)), UNPLANNED, Done, ""),
        ("target dark, planned", Seen(rule(), UNREACHABLE), PLANNED, Blocked, "us-west-2"),
        ("target dark, unplanned", Seen(rule(), UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
        ("no rule in the target", Seen(rule(), None), UNPLANNED, Blocked, "no rule default/nightly"),
        ("no targets: events would be lost", Seen(rule(), off(targets=0)), UNPLANNED, Blocked, "no targets"),
        ("the target is managed", Seen(rule(), off(managed_by="x.amazonaws.com")), PLANNED, Blocked, "managed by x"),
        ("the source is managed", Seen(rule(managed_by="x.amazonaws.com"), off()), PLANNED, Blocked, "managed by x"),
        ("another state is noted", Seen(rule(ALL), off()), PLANNED, Call, f"tag_resource@us-west-2 & {ALL}"),
        (
            "and given, with all that the rule is: PutRule replaces",
            Seen(off(EAST), off(epoch=1, tags={"dr:rule-state": ALL})),
            PLANNED,
            Call,
            f"put_rule@us-west-2 & {ALL} & rate(5 minutes)",
        ),
        (
            "noted from the capture",
            Seen(UNREACHABLE, off()),
            captured(UNPLANNED, state=ALL),
            Call,
            f"tag_resource@us-west-2 & {ALL}",
        ),
        (
            "a new capture counts more than an old note",
            Seen(UNREACHABLE, off(tags={"dr:rule-state": ALL})),
            captured(UNPLANNED, state="ENABLED"),
            Call,
            "tag_resource@us-west-2 & 'Value': 'ENABLED'",
        ),
    ],
)
def test_activate(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(sentence, ADAPTER.activate(seen, goal), kind, says)


def test_the_source_has_time_to_fire_its_last() -> None:
    seen = Seen(rule(), off(epoch=1))
    assert [ADAPTER.activate(seen, goal).hold_seconds for goal in (PLANNED, setting(PLANNED, drain_seconds=5))] == [90, 5]


def test_a_toggle_is_never_a_put_rule() -> None:
    steps = [ADAPTER.activate(seen, PLANNED) for seen in (Seen(rule(), off(epoch=1)), Seen(off(EAST), off(epoch=1)))]
    assert [step.operation for step in steps] == ["disable_rule", "enable_rule"]


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        ("a debt is settled", Seen(rule(), rule(region=WEST, epoch=1)), PLANNED, Call, "disable_rule@us-east-1"),
        ("off already", Seen(off(EAST), rule(region=WEST, epoch=1)), PLANNED, Done, "DISABLED"),
        ("gone", Seen(None, rule(region=WEST)), PLANNED, Done, "absent"),
        ("dark", Seen(UNREACHABLE, rule(region=WEST, epoch=1)), UNPLANNED, Deferred, "us-east-1"),
        ("the target is dark", Seen(rule(), UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
        ("the target does not fire", Seen(rule(), off()), PLANNED, Blocked, "not proven to serve: source"),
        ("neither fires", Seen(off(EAST), off()), PLANNED, Blocked, "neither"),
        ("both fire and none was activated last", Seen(rule(), rule(region=WEST)), PLANNED, Blocked, "both"),
        ("removal is not asked for twice", Seen(off(EAST), rule(region=WEST)), replace(PLANNED, cleanup_policy="remove"), Done, ""),
    ],
)
def test_cleanup(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(sentence, ADAPTER.cleanup(seen, goal), kind, says)


SERVING = rule(region=WEST, epoch=1)


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        ("a debt is settled first", Seen(rule(), SERVING), PLANNED, Call, "disable_rule@us-east-1"),
        (
            "copied disabled, with tags but not the mark",
            Seen(None, SERVING),
            PLANNED,
            Call,
            "put_rule@us-east-1 & DISABLED & Customer",
        ),
        ("then its targets", Seen(off(EAST, targets=0), SERVING), PLANNED, Call, "put_targets@us-east-1 & lambda:us-east-1"),
        ("same", Seen(off(EAST), SERVING), PLANNED, Done, "standby"),
        (
            "another schedule",
            Seen(off(EAST), replace(SERVING, definition={"ScheduleExpression": "rate(1 hour)"})),
            PLANNED,
            Call,
            "put_rule@us-east-1 & DISABLED & rate(1 hour)",
        ),
        (
            "the same pattern, written otherwise",
            Seen(
                off(EAST, definition={"EventPattern": '{"source": ["a"], "detail": {}}'}),
                replace(SERVING, definition={"EventPattern": '{"detail":{},"source":["a"]}'}),
            ),
            PLANNED,
            Done,
            "",
        ),
        ("a target too many", Seen(off(EAST, targets=2), SERVING), PLANNED, Call, "remove_targets@us-east-1 & t1"),
        (
            "targets that were refused",
            Seen(off(EAST, targets=0), SERVING, refused=("t0: ValidationException no",)),
            PLANNED,
            Blocked,
            "t0: ValidationException",
        ),
        ("dark", Seen(UNREACHABLE, SERVING), UNPLANNED, Deferred, "us-east-1"),
        ("dark, planned", Seen(UNREACHABLE, SERVING), PLANNED, Blocked, "us-east-1"),
        ("the target is dark", Seen(off(EAST), UNREACHABLE), UNPLANNED, Deferred, "us-west-2"),
        ("the target does not fire", Seen(rule(), off()), PLANNED, Blocked, "not proven"),
        ("managed", Seen(off(EAST, managed_by="x"), SERVING), PLANNED, Blocked, "managed by x"),
    ],
)
def test_replicate(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(sentence, ADAPTER.replicate(seen, goal), kind, says)


def test_targets_are_copied_by_tens() -> None:
    step = ADAPTER.replicate(Seen(off(EAST, targets=0), rule(region=WEST, epoch=1, targets=13)), PLANNED)
    assert isinstance(step, Call)
    assert len(step.params["Targets"]) == 10


def test_marks_are_not_copied() -> None:
    step = ADAPTER.replicate(Seen(None, rule(region=WEST, epoch=7, tags={"dr:rule-state": "ENABLED"})), PLANNED)
    assert isinstance(step, Call)
    assert step.params["Tags"] == [{"Key": "Customer", "Value": "shop"}]


@pytest.mark.parametrize(
    ("sentence", "seen", "goal", "kind", "says"),
    [
        ("mark", Seen(off(EAST), SERVING), PLANNED, Call, "tag_resource@us-east-1 & '2'"),
        ("the target off", Seen(off(EAST, epoch=2), SERVING), PLANNED, Call, "disable_rule@us-west-2"),
        ("the source on", Seen(off(EAST, epoch=2), off(epoch=1)), PLANNED, Call, "enable_rule@us-east-1"),
        ("done", Seen(rule(epoch=2), off(epoch=1)), PLANNED, Done, ""),
        ("the target is gone", Seen(off(EAST, epoch=2), None), PLANNED, Call, "enable_rule@us-east-1"),
        ("the source is gone", Seen(None, SERVING), PLANNED, Blocked, "gone from us-east-1"),
        ("the source is dark", Seen(UNREACHABLE, SERVING), UNPLANNED, Blocked, "us-east-1 does not answer"),
        ("the target is dark", Seen(off(EAST), UNREACHABLE), UNPLANNED, Blocked, "us-west-2 does not answer"),
        ("managed", Seen(off(EAST, managed_by="x"), SERVING), PLANNED, Blocked, "managed by x"),
    ],
)
def test_rollback(sentence: str, seen: Seen, goal: Goal, kind: type, says: str) -> None:
    check(sentence, ADAPTER.rollback(seen, goal), kind, says)


def test_regions_are_exchanged_in_arns_and_nowhere_else() -> None:
    target = {
        "Arn": "arn:aws:sqs:us-west-2:1:q",
        "RoleArn": "arn:aws:iam::1:role/us-west-2-role",
        "Input": '{"region": "us-west-2"}',
        "EcsParameters": {"NetworkConfiguration": {"awsvpcConfiguration": {"Subnets": ["subnet-west"]}}},
    }
    assert in_region(target, WEST, EAST, {"subnet-west": "subnet-east"}) == {
        "Arn": "arn:aws:sqs:us-east-1:1:q",
        "RoleArn": "arn:aws:iam::1:role/us-west-2-role",
        "Input": '{"region": "us-west-2"}',
        "EcsParameters": {"NetworkConfiguration": {"awsvpcConfiguration": {"Subnets": ["subnet-east"]}}},
    }


@pytest.mark.parametrize(
    ("seen", "kept"),
    [
        (Seen(rule(ALL, epoch=3), off()), {"state": ALL, "epoch": 3}),
        (Seen(off(EAST), SERVING), {}),
        (Seen(UNREACHABLE, SERVING), {}),
        (Seen(None, None), {}),
    ],
)
def test_what_readiness_captures(seen: Seen, kept: Any) -> None:
    assert ADAPTER.capture(seen, PAIR) == kept


@pytest.mark.parametrize(
    ("seen", "status"),
    [
        (Seen(off(EAST), SERVING), "HEALTHY"),
        (Seen(rule(), SERVING), "DEGRADED"),
        (Seen(off(EAST), SERVING, {"id": "e", "url": "u", "state": "UPDATING"}), "DEGRADED"),
        (Seen(off(EAST), off()), "UNHEALTHY"),
        (Seen(off(EAST), rule(region=WEST, targets=0)), "UNHEALTHY"),
        (Seen(off(EAST), None), "UNHEALTHY"),
        (Seen(off(EAST), UNREACHABLE), "UNHEALTHY"),
    ],
)
def test_health(seen: Seen, status: str) -> None:
    assert ADAPTER.health(seen, PLANNED).status == status


def test_refused_targets_are_kept_from_the_answer() -> None:
    call = Call("events", "put_targets", EAST, {}, "")
    answer = {"FailedEntryCount": 1, "FailedEntries": [{"TargetId": "t0", "ErrorCode": "X", "ErrorMessage": "no"}]}
    assert ADAPTER.receipt(call, answer) == {"refused_targets": ["t0: X no"]}
    assert ADAPTER.receipt(call, {"FailedEntryCount": 0, "FailedEntries": []}) == {}
