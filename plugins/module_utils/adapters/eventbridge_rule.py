# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EventBridge rules: off in the old region before they are on in the new one, so that nothing fires twice.

Facts: the EventBridge API reference (PutRule replaces a whole rule and enables it; PutTargets answers 200 for entries it
refused) and the EventBridge user guide (global endpoints, managed rules).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ..model import UNREACHABLE, Active, Blocked, Call, Check, Done, Goal, Health, Pair, Step, Unreachable
from ..parts.eventbridge_state import ABSENT, EPOCH_TAG, STATE_TAG, Rule, Side, look, refused, same, split
from .base import Adapter, Reader, dark

#: Seconds that a rule may go on firing after it was disabled: AWS only says "a short period of time".
DRAIN_SECONDS = 90
#: Most targets of one PutTargets.
TARGETS_LIMIT = 10


@dataclass(frozen=True, slots=True)
class Seen:
    """Both sides' rules. endpoint: the global endpoint's {id, url, state}. refused: targets that AWS did not take, and why."""

    source: Side
    target: Side
    endpoint: Mapping[str, str] | None = None
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A rule that answers, and where it is."""

    region: str
    bus: str
    name: str
    rule: Rule


class EventbridgeRule(Adapter):
    """EventBridge rules; identifiers are `bus/name` (a bare name is on the default bus).

    Settings (manifest or host variables):
    drain_seconds (90): between switching a rule off and switching the other region's on.
    replace: {region: {old: new}}: strings of pattern and targets to exchange in copies made into a region; the region in the
    targets' ARNs is exchanged without being told.
    endpoint: the name of a global endpoint whose state is reported; it fails over by its own Route 53 health check.
    """

    technology = "eventbridge"
    phases = ("activate", "cleanup", "replicate")
    bulk = 5
    busy = frozenset({"ConcurrentModificationException"})
    durations: ClassVar[Mapping[str, int]] = {"activate": 120, "cleanup": 10, "replicate": 15}
    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "observe": ("events:DescribeEndpoint", "events:DescribeRule", "events:ListTagsForResource", "events:ListTargetsByRule"),
        "activate": ("events:DisableRule", "events:EnableRule", "events:PutRule", "events:TagResource"),
        "cleanup": ("events:DisableRule",),
        "replicate": ("events:DisableRule", "events:PutRule", "events:PutTargets", "events:RemoveTargets"),
        "rollback": ("events:DisableRule", "events:EnableRule", "events:PutRule", "events:TagResource"),
    }

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Seen]:
        return {
            pair.key: Seen(
                look(reader, pair, pair.source_region, pair.source_id),
                look(reader, pair, pair.target_region, pair.target_id),
                _endpoint(reader, pair),
                tuple(pair.settings.get("refused_targets", ())),
            )
            for pair in pairs
        }

    def active(self, seen: Seen) -> Active:
        """By state; where both are enabled, the one that was activated last, and BOTH when that cannot be told."""
        source, target = seen.source, seen.target
        if isinstance(target, Unreachable):
            return Active.UNKNOWN
        fires = target is not None and target.enabled
        if isinstance(source, Unreachable):
            return Active.TARGET if target and fires and target.epoch else Active.UNKNOWN
        if source is None or not source.enabled:
            return Active.TARGET if fires else Active.NEITHER
        if target is None or not fires:
            return Active.SOURCE
        if source.epoch == target.epoch:
            return Active.BOTH
        return Active.TARGET if target.epoch > source.epoch else Active.SOURCE

    def activate(self, seen: Seen, goal: Goal) -> Step:
        """Mark the target, switch the source off, wait until it fires no more, switch the target on."""
        pair = goal.pair
        match seen.source, seen.target:
            case _, Unreachable():
                return dark(goal, pair.target_region)
            case Unreachable(), _ if goal.planned:
                return dark(goal, pair.source_region)
            case _, None:
                why = f"there is no rule {pair.target_id} in {pair.target_region}"
                return Blocked(why, "deploy it there, disabled (replicate of a failback does that), then resume this execution")
            case Rule(managed_by=owner), _ if owner:
                return _managed(pair.source_id, owner)
            case _, Rule(managed_by=owner) if owner:
                return _managed(pair.target_id, owner)
            case _, Rule(targets=()):
                why = f"rule {pair.target_id} in {pair.target_region} has no targets: events would be lost"
                return Blocked(why, "add its targets there, then resume this execution")
        if not isinstance(seen.target, Rule):
            raise AssertionError("seen.target is no Rule")
        return self._hand_over(seen, goal, _place(pair.target_region, pair.target_id, seen.target), seen.source)

    def cleanup(self, seen: Seen, goal: Goal) -> Step:
        """The source fires no more; the rule stays, disabled, as the next standby, whatever the policy."""
        pair = goal.pair
        match seen.source, seen.target:
            case Unreachable(), _:
                return dark(goal, pair.source_region)
            case _, Unreachable():
                return dark(goal, pair.target_region)
            case None, _:
                return Done({"source": "absent"})
        if self.active(seen) is not Active.TARGET:
            return _not_serving(pair, self.active(seen))
        if not isinstance(seen.source, Rule):
            raise AssertionError("seen.source is no Rule")
        if seen.source.enabled:
            return _disable(_place(pair.source_region, pair.source_id, seen.source), "the other region's rule is on")
        return Done({"rule_arn": seen.source.arn, "state": seen.source.state})

    def replicate(self, seen: Seen, goal: Goal) -> Step:
        """The source has the same rule and targets as the target, disabled."""
        pair = goal.pair
        match seen.source, seen.target:
            case Unreachable(), _:
                return dark(goal, pair.source_region)
            case _, Unreachable():
                return dark(goal, pair.target_region)
            case Rule(managed_by=owner), _ if owner:
                return _managed(pair.source_id, owner)
        if self.active(seen) is not Active.TARGET:
            return _not_serving(pair, self.active(seen))
        if not isinstance(seen.target, Rule):
            raise AssertionError("seen.target is no Rule")
        if isinstance(seen.source, Unreachable):
            raise AssertionError("seen.source is Unreachable")
        bus, name = split(pair.source_id)
        definition, targets = _copy(seen.target, pair)
        if isinstance(seen.source, Rule) and seen.source.enabled:
            return _disable(_place(pair.source_region, pair.source_id, seen.source), "the other region's rule is on")
        if seen.source is None or not same(seen.source.definition, definition):
            params: dict[str, Any] = {"Name": name, "EventBusName": bus, "State": "DISABLED", **definition}
            kept = [
                {"Key": key, "Value": value} for key, value in sorted(seen.target.tags.items()) if key not in (EPOCH_TAG, STATE_TAG)
            ]
            if seen.source is None and kept:  # PutRule of a rule that exists ignores tags
                params["Tags"] = kept
            return Call("events", "put_rule", pair.source_region, params, f"copy the rule to {pair.source_region}, disabled")
        if seen.refused:
            return Blocked(
                f"targets of {pair.source_id} were refused: {'; '.join(seen.refused)}",
                "correct them (setting `replace`), then resume",
            )
        now = {one["Id"]: one for one in seen.source.targets}
        missing = [one for one in targets if now.get(one["Id"]) != one][:TARGETS_LIMIT]
        rule = {"Rule": name, "EventBusName": bus}
        if missing:
            why = f"copy {len(missing)} targets to {pair.source_region}"
            return Call("events", "put_targets", pair.source_region, {**rule, "Targets": missing}, why)
        surplus = sorted(now.keys() - {one["Id"] for one in targets})[:TARGETS_LIMIT]
        if surplus:
            why = f"remove targets that the rule in {pair.target_region} no longer has"
            return Call("events", "remove_targets", pair.source_region, {**rule, "Ids": surplus}, why)
        return Done({"rule_arn": seen.source.arn, "state": seen.source.state, "targets": len(targets), "role": "standby"})

    def rollback(self, seen: Seen, goal: Goal) -> Step:
        """The target off, then the source on: a rule keeps no data."""
        pair = goal.pair
        match seen.source, seen.target:
            case Unreachable(), _:
                return Blocked(
                    f"{pair.source_region} does not answer: its rule cannot be enabled", "wait until it answers, then roll back"
                )
            case _, Unreachable():
                return Blocked(
                    f"{pair.target_region} does not answer: its rule cannot be disabled", "wait until it answers, then roll back"
                )
            case None, _:
                return Blocked(f"{pair.source_id} is gone from {pair.source_region}", "deploy it there, then roll back")
            case Rule(managed_by=owner), _ if owner:
                return _managed(pair.source_id, owner)
        if not isinstance(seen.source, Rule):
            raise AssertionError("seen.source is no Rule")
        return self._hand_over(seen, goal, _place(pair.source_region, pair.source_id, seen.source), seen.target)

    def health(self, seen: Seen, goal: Goal) -> Health:
        target, source = seen.target, seen.source
        if not isinstance(target, Rule):
            return Health((Check("rule", False, "the region does not answer" if target is UNREACHABLE else "there is none"),))
        fenced = not (isinstance(source, Rule) and source.enabled)
        checks = [
            Check("rule", target.enabled, target.state),
            Check("targets", bool(target.targets), f"{len(target.targets)} targets"),
            Check("once", fenced, "" if fenced else f"the rule in {goal.pair.source_region} is enabled as well"),
        ]
        if seen.endpoint:
            checks.append(Check("endpoint", seen.endpoint["state"] == "ACTIVE", seen.endpoint["state"]))
        return Health(tuple(checks), required=("rule", "targets"))

    def capture(self, seen: Seen, pair: Pair) -> Mapping[str, Any]:
        """The state and the epoch of a source that fires."""
        source = seen.source
        return {"state": source.state, "epoch": source.epoch} if isinstance(source, Rule) and source.enabled else {}

    def receipt(self, call: Call, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """The entries that PutTargets did not take."""
        return refused(answer)

    def _hand_over(self, seen: Seen, goal: Goal, to: Place, away: Side) -> Step:
        """`to` fires and `away` does not, in an order in which never both do."""
        pair, rule = goal.pair, to.rule
        fires = isinstance(away, Rule) and away.enabled
        known = away.epoch if isinstance(away, Rule) else int(goal.captured.get("epoch", 0)) if isinstance(away, Unreachable) else 0
        state = _state(to, away, goal, marked=rule.epoch > known)
        settled = rule.enabled and not fires and (bool(rule.epoch) or not isinstance(away, Unreachable))
        if not settled and rule.epoch <= known:
            tags = {EPOCH_TAG: str(known + 1), STATE_TAG: state}
            params = {"ResourceARN": rule.arn, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
            return Call("events", "tag_resource", to.region, params, "mark it as the side activated last")
        if isinstance(away, Rule) and fires:
            region = pair.source_region if to.region == pair.target_region else pair.target_region
            ident = pair.source_id if to.region == pair.target_region else pair.target_id
            drain = int(pair.settings.get("drain_seconds", DRAIN_SECONDS))
            return _disable(_place(region, ident, away), f"before {to.region} is on", drain)
        if not rule.enabled:
            lost = isinstance(away, Unreachable)
            debt = f"disable rule {pair.source_id} in {pair.source_region}: it may still fire" if lost else ""
            return _enable(to, state, debt)
        outputs = {"rule_arn": rule.arn, "state": rule.state, "targets": len(rule.targets)}
        return Done(outputs | ({f"endpoint_{name}": value for name, value in seen.endpoint.items()} if seen.endpoint else {}))


def _place(region: str, ident: str, rule: Rule) -> Place:
    return Place(region, *split(ident), rule)


def _endpoint(reader: Reader, pair: Pair) -> Mapping[str, str] | None:
    """The global endpoint, from the first region that knows it: it belongs to one of the two."""
    name = pair.settings.get("endpoint")
    for region in (pair.target_region, pair.source_region) if name else ():
        found = reader.read(pair.account, region, "events", "describe_endpoint", absent=ABSENT, Name=name)
        if isinstance(found, dict):
            return {"id": found["EndpointId"], "url": found["EndpointUrl"], "state": found["State"]}
    return None


def _state(to: Place, away: Side, goal: Goal, marked: bool) -> str:
    """The state to give a rule: what the other one has, what it had when ours was marked or when it was captured."""
    if isinstance(away, Rule) and away.enabled:
        return away.state
    if to.rule.enabled:
        return to.rule.state
    noted, captured = to.rule.tags.get(STATE_TAG), goal.captured.get("state")
    return (noted or captured if marked else captured or noted) or "ENABLED"


def _disable(place: Place, why: str, drain: int = 0) -> Call:
    params = {"Name": place.name, "EventBusName": place.bus}
    return Call("events", "disable_rule", place.region, params, f"disable the rule in {place.region}: {why}", hold_seconds=drain)


def _enable(place: Place, state: str, debt: str) -> Call:
    """EnableRule, which leaves all else alone; only for another enabled state the whole rule is put again as it is."""
    params = {"Name": place.name, "EventBusName": place.bus}
    why = f"enable the rule in {place.region}"
    if state == "ENABLED":
        return Call("events", "enable_rule", place.region, params, why, debt=debt)
    return Call("events", "put_rule", place.region, {**params, "State": state, **place.rule.definition}, why, debt=debt)


def in_region(value: Any, old: str, new: str, replace: Mapping[str, str]) -> Any:
    """`value` with the region of ARNs exchanged, and the strings of `replace` first; other mentions of a region stay."""
    arn = re.compile(rf"(arn:aws[a-z-]*:[a-z0-9-]+:){re.escape(old)}(?=:)")
    match value:
        case Mapping():
            return {key: in_region(inner, old, new, replace) for key, inner in value.items()}
        case list() | tuple():
            return [in_region(inner, old, new, replace) for inner in value]
        case str():
            return arn.sub(rf"\g<1>{new}", _replaced(value, replace))
    return value


def _replaced(value: str, replace: Mapping[str, str]) -> str:
    for old, new in replace.items():
        value = value.replace(old, new)
    return value


def _copy(rule: Rule, pair: Pair) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """The target's definition and targets as they are to be in the source region. A pattern keeps its regions unless told."""
    replace = pair.settings.get("replace", {}).get(pair.source_region, {})
    definition = {name: _replaced(value, replace) for name, value in rule.definition.items()}
    targets = [in_region(one, pair.target_region, pair.source_region, replace) for one in rule.targets]
    return definition, targets


def _managed(ident: str, owner: str) -> Blocked:
    return Blocked(f"rule {ident} is managed by {owner} and cannot be switched", "take the tag dr:enabled off it")


def _not_serving(pair: Pair, side: Active) -> Blocked:
    why = f"rule {pair.target_id} in {pair.target_region} is not proven to serve: {side.value}"
    return Blocked(why, f"activate it first; nothing was changed in {pair.source_region}")
