# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A drill of an EventBridge rule: its pattern in a rule on the drills' event bus, and a look at the standby and its targets.

Schedules are only taken on the default bus, where a second rule would fire production's work: of them nothing is made. Facts: the
EventBridge API reference (PutRule, PutTargets) and user guide (event buses).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from ..adapters.base import Reader, dark
from ..model import Blocked, Call, Done, Goal, Pair, Step, Unreachable
from ..parts.eventbridge_state import ABSENT, Rule, Side, look, refused, same, split
from . import eventbridge_targets
from .base import AGAIN, Drill, Touch, carries, name, prepared, role, stranger, tags

#: The id of the copy's only target.
TARGET_ID: Final = "drill"
DEFAULT_BUS: Final = "default"
#: What a drill cannot tell: of any rule, of a copy without a target, of a schedule.
NO_EVENTS: Final = "that events match and arrive: none is put on the drills' bus"
NO_TARGET: Final = "that a target takes events: drill.target_arn names none"
NO_FIRING: Final = "that it fires: AWS takes schedules on the default bus only, and a second one would do production's work"


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything in the target region.

    origin: the standby. targets: the ARNs of its targets, and whether they exist. bus: whether the drills' event bus exists.
    refused: targets of the copy that AWS did not take, and why.
    """

    origin: Side
    targets: Mapping[str, bool | None] | Unreachable
    bus: bool | Unreachable
    copy: Side
    refused: tuple[str, ...] = ()


class EventbridgeRuleDrill(Drill):
    """Copies of rules with a pattern; rules with a schedule are only looked at.

    Settings (`drill.<name>`): event_bus (dr-drill); target_arn, what the copy sends its events to, and target_role, the ARN of the
    role that it does so with.
    """

    technology = "eventbridge"
    busy = frozenset({"ConcurrentModificationException"})
    durations: ClassVar[Mapping[str, int]] = {"instantiate": 10, "activate": 5, "cleanup": 10}
    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "observe": (
            "events:DescribeEventBus",
            "events:DescribeRule",
            "events:ListTagsForResource",
            "events:ListTargetsByRule",
            *eventbridge_targets.ACTIONS,
        ),
        "instantiate": ("events:PutRule", "events:PutTargets"),
        "activate": (),
        "cleanup": ("events:DeleteRule", "events:RemoveTargets"),
    }
    touches: ClassVar[Mapping[tuple[str, str], Touch]] = {
        ("events", "put_rule"): Touch(("Name", "EventBusName"), "Tags"),
        ("events", "put_targets"): Touch(("Rule", "EventBusName", "Targets.Arn", "Targets.RoleArn")),
        ("events", "remove_targets"): Touch(("Rule", "EventBusName")),
        ("events", "delete_rule"): Touch(("Name", "EventBusName")),
    }

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Seen]:
        def seen(pair: Pair) -> Seen:
            region = pair.target_region
            origin = look(reader, pair, region, pair.target_id)
            shown = reader.read(pair.account, region, "events", "describe_event_bus", absent=ABSENT, Name=_bus(pair))
            return Seen(
                origin,
                eventbridge_targets.observe(reader, pair, origin.targets if isinstance(origin, Rule) else ()),
                shown if isinstance(shown, Unreachable) else shown is not None,
                look(reader, pair, region, _ident(pair)),
                tuple(pair.settings.get("refused_targets", ())),
            )

        return {pair.key: seen(pair) for pair in pairs}

    def own(self, seen: Seen, goal: Goal) -> Collection[str]:
        """The name, the drills' bus, and a target that is none of production's."""
        target, production = _target(goal.pair), seen.targets if isinstance(seen.targets, Mapping) else {}
        buses = {_bus(goal.pair)} - _production_buses(goal.pair)
        return {_name(goal.pair), *buses, *([] if target.get("Arn") in production else target.values())}

    def make(self, seen: Seen, goal: Goal) -> Step:
        """A rule with the standby's pattern is on, on the drills' bus, with the target that is given."""
        ready = _looked_at(seen, goal)
        if not isinstance(ready, Rule):
            return ready
        pair, region = goal.pair, goal.pair.target_region
        if isinstance(seen.copy, Rule):
            return _stands(seen.copy, ready, seen, goal)
        params = {
            "Name": _name(pair),
            "EventBusName": _bus(pair),
            "EventPattern": ready.definition["EventPattern"],
            "State": "ENABLED",
            "Tags": [{"Key": key, "Value": value} for key, value in tags(pair).items()],
        }
        return Call("events", "put_rule", region, params, "copy the rule's pattern to the drills' bus")

    def serve(self, seen: Seen, goal: Goal) -> Step:
        """The copy is on, and the standby has what ACTIVATE needs."""
        ready = _looked_at(seen, goal)
        if not isinstance(ready, Rule):
            return ready
        if isinstance(seen.copy, Rule):
            step = _stands(seen.copy, ready, seen, goal)
            return Blocked(f"the copy {_ident(goal.pair)} lacks its target", AGAIN) if isinstance(step, Call) else step
        return Blocked(f"there is no copy {_ident(goal.pair)}", "run phase instantiate of this drill first")

    def remove(self, seen: Seen, goal: Goal) -> Step:
        """The copy's targets are removed, then the copy."""
        region, bus = goal.pair.target_region, _bus(goal.pair)
        match seen.copy:
            case Unreachable():
                return dark(goal, region)
            case None:
                return Done({"copy": "removed"})
            case Rule(tags=found) if not carries(found, goal.pair):
                return stranger(_ident(goal.pair), region)
            case Rule(targets=()):
                return Call("events", "delete_rule", region, {"Name": _name(goal.pair), "EventBusName": bus}, "delete the copy")
            case Rule(targets=targets):
                params = {"Rule": _name(goal.pair), "EventBusName": bus, "Ids": [one["Id"] for one in targets]}
                return Call("events", "remove_targets", region, params, "remove the copy's targets")

    def receipt(self, call: Call, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """The entries that PutTargets did not take."""
        return refused(answer)


def _name(pair: Pair) -> str:
    return name(pair, 64)


def _bus(pair: Pair) -> str:
    return prepared(pair, "event_bus")


def _ident(pair: Pair) -> str:
    return f"{_bus(pair)}/{_name(pair)}"


def _production_buses(pair: Pair) -> set[str]:
    return {DEFAULT_BUS, split(pair.source_id)[0], split(pair.target_id)[0]}


def _target(pair: Pair) -> dict[str, str]:
    """What the copy sends its events to, {} when the settings name nothing: {Arn, RoleArn}."""
    given = pair.settings.get("drill", {})
    if not given.get("target_arn"):
        return {}
    return {"Arn": str(given["target_arn"]), **({"RoleArn": role(pair, "target_role")} if given.get("target_role") else {})}


def _looked_at(seen: Seen, goal: Goal) -> Rule | Step:
    """The standby where its copy may be made; else what there is to say. A schedule is Done when it could be activated."""
    pair, region = goal.pair, goal.pair.target_region
    if isinstance(seen.bus, Unreachable) or isinstance(seen.copy, Unreachable) or isinstance(seen.targets, Unreachable):
        return dark(goal, region)
    missing = sorted(arn for arn, there in seen.targets.items() if there is False)
    match seen.origin:
        case Unreachable():
            return dark(goal, region)
        case None:
            return Blocked(f"there is no rule {pair.target_id} in {region} to activate", "deploy it there, disabled")
        case Rule(managed_by=owner) if owner:
            return Blocked(f"rule {pair.target_id} is managed by {owner} and cannot be switched", "take the tag dr:enabled off it")
        case Rule(targets=()):
            return Blocked(f"rule {pair.target_id} in {region} has no targets: events would be lost", "add its targets there")
        case _ if missing:
            why = f"the target {missing[0]} of rule {pair.target_id} does not exist: events would be lost"
            return Blocked(why, f"deploy it in {region}, or correct the rule's targets there")
        case Rule(definition=definition) as origin if "EventPattern" not in definition:
            return Done({"copy": "", **_proven(origin, seen.targets), "not_proven": [NO_FIRING, *_unknown(seen.targets)]})
        case origin:
            return _refused(seen, goal) or origin


def _refused(seen: Seen, goal: Goal) -> Blocked | None:
    """Why the copy may not be made where the settings say, or not with the target that they name."""
    pair, region = goal.pair, goal.pair.target_region
    bus, target = _bus(pair), _target(pair).get("Arn", "")
    if bus in _production_buses(pair):
        return Blocked(f"{bus} is production's event bus", "name a bus of its own: drill.event_bus")
    if not seen.bus:
        make = f"aws events create-event-bus --region {region} --name {bus}"
        return Blocked(f"there is no event bus {bus} in {region}", f"make it: {make}; see docs/drills.md")
    if isinstance(seen.targets, Mapping) and target in seen.targets:
        return Blocked(f"{target} is a target of production", "name one of its own: drill.target_arn")
    return None


def _stands(copy: Rule, origin: Rule, seen: Seen, goal: Goal) -> Step:
    """The copy is the drill's own, on, with the standby's pattern and the target that is given."""
    pair, region, target = goal.pair, goal.pair.target_region, _target(goal.pair)
    if not carries(copy.tags, pair):
        return stranger(_ident(pair), region)
    pattern = {"EventPattern": origin.definition["EventPattern"]}
    if not copy.enabled or not same({"EventPattern": copy.definition.get("EventPattern", "{}")}, pattern):
        return Blocked(f"the copy {_ident(pair)} in {region} is off, or the standby's pattern has changed since", AGAIN)
    if target and seen.refused:
        return Blocked(f"the copy's target was refused: {'; '.join(seen.refused)}", "correct drill.target_arn, then run it again")
    if target and target["Arn"] not in [one["Arn"] for one in copy.targets]:
        params = {"Rule": _name(pair), "EventBusName": _bus(pair), "Targets": [{"Id": TARGET_ID, **target}]}
        return Call("events", "put_targets", region, params, "give the copy the drill's target")
    unproven = [NO_EVENTS, *([] if target else [NO_TARGET]), *_unknown(seen.targets)]
    return Done({"copy": _ident(pair), "copy_arn": copy.arn, **_proven(origin, seen.targets), "not_proven": unproven})


def _proven(origin: Rule, targets: Mapping[str, bool | None] | Unreachable) -> dict[str, Any]:
    there = sorted(arn for arn, exists in targets.items() if exists) if isinstance(targets, Mapping) else []
    return {"proven": "rule and targets present", "rule_arn": origin.arn, "targets": there}


def _unknown(targets: Mapping[str, bool | None] | Unreachable) -> list[str]:
    """The targets that no describe call tells of."""
    unknown = sorted(arn for arn, exists in targets.items() if exists is None) if isinstance(targets, Mapping) else []
    return [f"that the target {arn} exists" for arn in unknown]
