# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions of the EventBridge drill as a table: a row is a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.drills.base import name, tags
from ansible_collections.dr.aws.plugins.module_utils.drills.eventbridge_rule import EventbridgeRuleDrill, Seen
from ansible_collections.dr.aws.plugins.module_utils.model import UNREACHABLE, Blocked, Call, Done, Goal, Pair
from ansible_collections.dr.aws.plugins.module_utils.parts.eventbridge_state import Rule

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "111111111111"
SCRATCH, ROLE = f"arn:aws:sqs:{WEST}:{ACCOUNT}:scratch", f"arn:aws:iam::{ACCOUNT}:role/drills"
FUNCTION = f"arn:aws:lambda:{WEST}:{ACCOUNT}:function:orders"
PATTERN = '{"source": ["shop"]}'
PAIR = Pair("orders", "eventbridge", ACCOUNT, EAST, WEST, "shop/orders", "shop/orders", settings={"drill_id": "quarterly"})
NAME = name(PAIR, 64)
GOAL = Goal(PAIR)
DRILL = EventbridgeRuleDrill()
THERE = {FUNCTION: True}


def goal(**settings: str) -> Goal:
    return Goal(replace(PAIR, settings={"drill_id": "quarterly", "drill": settings}))


GIVEN, WITH_ROLE = goal(target_arn=SCRATCH), goal(target_arn=SCRATCH, target_role=ROLE)


def rule(**more: Any) -> Rule:
    """The standby."""
    given = {
        "definition": {"EventPattern": PATTERN, "RoleArn": "arn:production"},
        "targets": ({"Id": "f", "Arn": FUNCTION},),
        **more,
    }
    return Rule("arn:rule/shop/orders", "DISABLED", **given)


def copy(state: str = "ENABLED", *targets: str, **more: Any) -> Rule:
    given = {"definition": {"EventPattern": '{"source":["shop"]}'}, "tags": tags(PAIR), **more}
    return Rule(f"arn:rule/dr-drill/{NAME}", state, targets=tuple({"Id": "drill", "Arn": one} for one in targets), **given)


def seen(made: Any = None, **more: Any) -> Seen:
    return Seen(**{"origin": rule(), "targets": THERE, "bus": True, "copy": made, **more})


TIMED = seen(origin=rule(definition={"ScheduleExpression": "rate(1 day)"}), bus=False)
OTHER = {**THERE, f"arn:aws:kinesis:{WEST}:{ACCOUNT}:stream/orders": None}

TABLE = [
    ("the pattern goes to the drills' bus", "instantiate", seen(), GOAL, Call, f"put_rule & {NAME} & dr-drill & shop"),
    ("it is on, with tags", "instantiate", seen(), GOAL, Call, "'State': 'ENABLED' & dr:drill-id"),
    ("or to another bus", "instantiate", seen(), goal(event_bus="drills"), Call, "'EventBusName': 'drills'"),
    ("without a target it is made", "instantiate", seen(copy()), GOAL, Done, f"dr-drill/{NAME} & names none & none is put"),
    ("with the one that is given", "instantiate", seen(copy()), GIVEN, Call, f"put_targets & {NAME} & {SCRATCH}"),
    ("and with its role", "instantiate", seen(copy()), WITH_ROLE, Call, f"'RoleArn': '{ROLE}'"),
    ("a target that AWS refused", "instantiate", seen(copy(), refused=("drill: no",)), GIVEN, Blocked, "refused: drill: no"),
    ("it has its target", "instantiate", seen(copy("ENABLED", SCRATCH)), GIVEN, Done, "rule and targets present"),
    ("production's target is not taken", "instantiate", seen(), goal(target_arn=FUNCTION), Blocked, "a target of production"),
    ("nor its bus", "instantiate", seen(), goal(event_bus="shop"), Blocked, "shop is production's event bus"),
    ("nor the default one", "instantiate", seen(), goal(event_bus="default"), Blocked, "default is production's"),
    ("no bus for drills", "instantiate", seen(bus=False), GOAL, Blocked, "no event bus dr-drill & create-event-bus"),
    ("something else has the name", "instantiate", seen(copy(tags={})), GOAL, Blocked, "does not carry the tags"),
    ("no standby", "instantiate", seen(origin=None, targets={}), GOAL, Blocked, "no rule shop/orders in us-west-2"),
    ("a rule of an AWS service", "instantiate", seen(origin=rule(managed_by="a.amazonaws.com")), GOAL, Blocked, "managed by"),
    ("a standby without targets", "instantiate", seen(origin=rule(targets=())), GOAL, Blocked, "has no targets"),
    ("a target that is not there", "instantiate", seen(targets={FUNCTION: False}), GOAL, Blocked, f"{FUNCTION} & does not exist"),
    (
        "a target that cannot be described",
        "instantiate",
        seen(copy(), targets=OTHER),
        GOAL,
        Done,
        "kinesis & 'targets': ['arn:aws:la",
    ),
    ("the target region is dark", "instantiate", seen(origin=UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("nobody knows the targets", "instantiate", seen(targets=UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("nobody knows the bus", "instantiate", seen(bus=UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("nobody knows the copy", "instantiate", seen(UNREACHABLE), GOAL, Blocked, "us-west-2"),
    ("of a schedule nothing is made", "instantiate", TIMED, GOAL, Done, "'copy': '' & rule and targets present & schedules on the"),
    ("it is on", "activate", seen(copy()), GOAL, Done, f"dr-drill/{NAME}"),
    ("a schedule could be activated", "activate", TIMED, GOAL, Done, FUNCTION),
    ("unless its target is gone", "activate", replace(TIMED, targets={FUNCTION: False}), GOAL, Blocked, "does not exist"),
    ("there is none", "activate", seen(), GOAL, Blocked, "no copy & run phase instantiate"),
    ("it lost its target", "activate", seen(copy()), GIVEN, Blocked, "lacks its target & phase cleanup"),
    ("someone switched it off", "activate", seen(copy("DISABLED")), GOAL, Blocked, "is off"),
    ("the standby has changed", "activate", seen(copy(definition={})), GOAL, Blocked, "pattern has changed since & phase cleanup"),
    ("its targets go first", "cleanup", seen(copy("ENABLED", SCRATCH)), GOAL, Call, f"remove_targets & {NAME} & ['drill']"),
    ("then the rule", "cleanup", seen(copy()), GOAL, Call, f"delete_rule & {NAME} & dr-drill"),
    ("a bus that is gone took it along", "cleanup", seen(bus=False), GOAL, Done, "removed"),
    ("nothing is left", "cleanup", seen(origin=None), GOAL, Done, "removed"),
    ("a rule that only has the name stays", "cleanup", seen(copy(tags={})), GOAL, Blocked, "does not carry the tags"),
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
        assert "arn:production" not in text


def test_the_guard_knows_no_target_of_production_and_no_bus_of_it() -> None:
    assert set(DRILL.own(seen(), WITH_ROLE)) == {NAME, "dr-drill", SCRATCH, ROLE}
    assert set(DRILL.own(seen(), goal(target_arn=FUNCTION, event_bus="default"))) == {NAME}
