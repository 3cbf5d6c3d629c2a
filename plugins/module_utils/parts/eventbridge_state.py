# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One EventBridge rule as one look sees it. Facts: the EventBridge API reference."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from ..adapters.base import Reader
from ..model import UNREACHABLE, Pair, Unreachable

#: A rule's number in the order of activations, and the state other than ENABLED that it is to have: kept on it as tags.
EPOCH_TAG: Final = "dr:epoch"
STATE_TAG: Final = "dr:rule-state"
#: What a rule is, apart from its name, state and targets.
DEFINITION: Final = ("EventPattern", "ScheduleExpression", "Description", "RoleArn")
#: The code of a rule or an event bus that is not there.
ABSENT: Final = ("ResourceNotFoundException",)


@dataclass(frozen=True, slots=True)
class Rule:
    """One side's rule. state: DISABLED, ENABLED or ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS."""

    arn: str
    state: str
    definition: Mapping[str, str] = field(default_factory=dict)
    targets: tuple[Mapping[str, Any], ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    managed_by: str = ""

    @property
    def enabled(self) -> bool:
        return self.state != "DISABLED"

    @property
    def epoch(self) -> int:
        """0 for a rule that was never activated by us."""
        value = self.tags.get(EPOCH_TAG, "")
        return int(value) if value.isdecimal() else 0


Side: TypeAlias = "Rule | Unreachable | None"


def split(ident: str) -> tuple[str, str]:
    """Bus and name of `bus/name`; a bare name is on the default bus."""
    bus, _unused, name = ident.rpartition("/")
    return bus or "default", name


def look(reader: Reader, pair: Pair, region: str, ident: str) -> Side:
    """The rule of one region, with its targets and tags."""
    bus, name = split(ident)
    raw = reader.read(pair.account, region, "events", "describe_rule", absent=ABSENT, Name=name, EventBusName=bus)
    if not isinstance(raw, dict):
        return raw
    targets = reader.pages(
        pair.account, region, "events", "list_targets_by_rule", "Targets", absent=ABSENT, Rule=name, EventBusName=bus
    )
    tags = reader.read(pair.account, region, "events", "list_tags_for_resource", absent=ABSENT, ResourceARN=raw["Arn"])
    if isinstance(targets, Unreachable) or isinstance(tags, Unreachable):
        return UNREACHABLE
    return Rule(
        raw["Arn"],
        raw["State"],
        {name: raw[name] for name in DEFINITION if raw.get(name)},
        tuple(sorted(targets or (), key=lambda one: str(one["Id"]))),
        {one["Key"]: one["Value"] for one in (tags or {}).get("Tags", ())},
        raw.get("ManagedBy") or "",
    )


def same(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether two definitions are the same; patterns are compared as JSON."""

    def parsed(definition: Mapping[str, str]) -> Mapping[str, Any]:
        return {name: json.loads(value) if name == "EventPattern" else value for name, value in definition.items()}

    return parsed(one) == parsed(other)


def refused(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is kept of PutTargets' answer: the entries that it did not take, since it answers 200 all the same."""
    entries = answer.get("FailedEntries") or ()
    said = [f"{one['TargetId']}: {one['ErrorCode']} {one['ErrorMessage']}" for one in entries]
    return {"refused_targets": said} if said else {}
