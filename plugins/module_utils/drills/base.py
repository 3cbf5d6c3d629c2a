# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a drill is: an isolated copy of a standby, made, proven and removed; and the guard that keeps it away from production.

A drill has the phases of an adapter, so that the same engine, waves, gates and journal carry it out: INSTANTIATE makes the copy,
ACTIVATE makes it serve, CLEANUP removes it. Every call that it decides on passes `_guarded` before the engine sees it.
"""

from __future__ import annotations

import hashlib
import re
from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar, Final

from ..adapters.base import Adapter
from ..model import DRILL_PHASES, Active, Blocked, Call, Check, Done, Goal, Health, Pair, Step

#: On everything that a drill makes: the drill's id, and the key of the pair that it is a copy for.
DRILL_TAG: Final = "dr:drill-id"
OF_TAG: Final = "dr:drill-of"
#: What is prepared for drills in an account and region has this name, unless the setting of the same purpose names another.
ROOM: Final = "dr-drill"
#: The remedy where a copy is not what it must be.
AGAIN: Final = "run phase cleanup of this drill, then a new drill"
_DIGEST: Final = 5


@dataclass(frozen=True, slots=True)
class Touch:
    """What one mutating call names. Dotted paths into its parameters; a list is looked at entry by entry.

    names: where the names of what it makes, changes or removes are; several paths with spaces between them name one thing
    together (a version of a template, a launch that is a drill), as `together` writes it. tags: where the tags of what it makes
    are, "" for a call that makes nothing, or nothing that can be tagged at once.
    """

    names: tuple[str, ...]
    tags: str = ""


class Drill(Adapter):
    """One technology's drill. Stateless like an adapter; `pair.settings["drill_id"]` says which drill it is.

    `make`, `serve` and `remove` are the phases as the technology decides them; they are pure, and never need the source region.
    """

    phases: ClassVar[tuple[str, ...]] = DRILL_PHASES
    #: Every mutating call that it makes, and what each of them names. Another call is refused.
    touches: ClassVar[Mapping[tuple[str, str], Touch]]
    #: Of what `capture` gives and costs depend on: what a copy has in its place, being one of few; and setting `drill.<name>` ->
    #: the field whose value it replaces.
    shape: ClassVar[Mapping[str, Any]] = {}
    sized_by: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def own(self, seen: Any, goal: Goal) -> Collection[str]:
        """What is the drill's own: names that it makes up, and ids of what was seen with its tags."""

    @abstractmethod
    def make(self, seen: Any, goal: Goal) -> Step:
        """The copy stands."""

    @abstractmethod
    def serve(self, seen: Any, goal: Goal) -> Step:
        """The copy serves, and has been verified as far as describe calls tell."""

    @abstractmethod
    def remove(self, seen: Any, goal: Goal) -> Step:
        """Nothing of the drill is left."""

    def regions(self, pair: Pair) -> Collection[str]:
        """Where its calls may go."""
        return (pair.target_region,)

    def copy_size(self, goal: Goal) -> Mapping[str, Any]:
        """What the copy's costs depend on, in the fields of `capture`: as production was captured, smaller, or as settings say."""
        given = goal.pair.settings.get("drill", {})
        chosen = {field: given[setting] for setting, field in self.sized_by.items() if given.get(setting)}
        return {**goal.captured, **self.shape, **chosen}

    def instantiate(self, seen: Any, goal: Goal) -> Step:
        """`make`, guarded."""
        return self._guarded(self.make(seen, goal), seen, goal)

    def activate(self, seen: Any, goal: Goal) -> Step:
        """`serve`, guarded."""
        return self._guarded(self.serve(seen, goal), seen, goal)

    def cleanup(self, seen: Any, goal: Goal) -> Step:
        """`remove`, guarded."""
        return self._guarded(self.remove(seen, goal), seen, goal)

    def health(self, seen: Any, goal: Goal) -> Health:
        """One check: the copy serves."""
        step = self.serve(seen, goal)
        return Health((Check("copy serves", isinstance(step, Done), "" if isinstance(step, Done) else step.why),))

    def rollback(self, seen: Any, goal: Goal) -> Step:
        """A drill is removed, not rolled back."""
        return self.lacks("rollback", goal)

    def active(self, seen: Any) -> Active:
        """A drill does not look at which side serves: the plan does."""
        return Active.UNKNOWN

    def capture(self, seen: Any, pair: Pair) -> Mapping[str, Any]:
        """A drill captures nothing."""
        return {}

    def _guarded(self, step: Step, seen: Any, goal: Goal) -> Step:
        """The step, unless it is a call that touches anything but the drill's own (invariant 8)."""
        call = step.retry if isinstance(step, Blocked) else step
        if not isinstance(call, Call):
            return step
        fault = self._fault(call, self.own(seen, goal), goal.pair)
        if not fault:
            return step
        why = f"a drill may not call {call.service} {call.operation} in {call.region}: {fault}"
        return Blocked(why, "report this as a bug of dr.aws; nothing was touched")

    def _fault(self, call: Call, own: Collection[str], pair: Pair) -> str:
        """Why a call is not one of the drill's own, "" when it is."""
        touch = self.touches.get((call.service, call.operation))
        if touch is None:
            return "it is none of this technology's drill"
        if call.region not in self.regions(pair):
            return f"a drill acts in {' and '.join(self.regions(pair))} only"
        named = [name for paths in touch.names for name in _named(call.params, paths.split())]
        strange = [name for name in named if name not in own]
        if strange or not named:
            return f"{strange[0]} is not the drill's own" if strange else "it names nothing"
        if touch.tags and not carries(tags_of(_at(call.params, touch.tags.split("."))), pair):
            return f"what it makes does not carry {DRILL_TAG}"
        return ""


def _named(params: Mapping[str, Any], paths: list[str]) -> Iterator[Any]:
    """Every name at a path, or every combination of what is at several."""
    found = [list(_at(params, path.split("."))) for path in paths]
    if len(paths) == 1:
        yield from found[0]
    else:
        yield from (together(dict(zip(paths, each, strict=True))) for each in product(*found))


def together(parts: Mapping[str, Any]) -> str:
    """What several parameters name only together: path -> value.

    >>> together({"LaunchTemplateId": "lt-1", "DefaultVersion": 4})
    'LaunchTemplateId=lt-1 DefaultVersion=4'
    """
    return " ".join(f"{path}={value}" for path, value in parts.items())


def _at(value: Any, path: list[str]) -> Iterator[Any]:
    """Every value at a path."""
    if isinstance(value, (list, tuple)):
        for entry in value:
            yield from _at(entry, path)
    elif not path:
        yield value
    elif isinstance(value, Mapping) and path[0] in value:
        yield from _at(value[path[0]], path[1:])


def tags_of(entries: Any) -> dict[str, str]:
    """Tags as a mapping, of a mapping or of entries in any spelling of AWS: Key/Value, key/value, TagKey/TagValue."""
    found: dict[str, str] = {}
    for entry in entries:
        spelled = {name.lower().removeprefix("tag"): value for name, value in entry.items()}
        found |= {spelled["key"]: spelled.get("value", "")} if "key" in spelled else entry
    return found


def drill_id(pair: Pair) -> str:
    """Which drill the pair is taken through."""
    return str(pair.settings["drill_id"])


def tags(pair: Pair) -> dict[str, str]:
    """Of everything that the drill makes for a pair. Never the tags of what it copies: discovery would take it for protected."""
    return {DRILL_TAG: drill_id(pair), OF_TAG: pair.key}


def carries(found: Mapping[str, str], pair: Pair) -> bool:
    """Whether something carries the tags of this drill and this pair."""
    return all(found.get(key) == value for key, value in tags(pair).items())


def stranger(ident: str, region: str) -> Blocked:
    """The step where something that has a copy's name does not carry its tags."""
    return Blocked(f"{ident} in {region} does not carry the tags of this drill: it is left alone", "see who made it, and rename it")


def name(pair: Pair, limit: int = 40) -> str:
    """What the drill calls its copy: the same in every run, another one in every drill, at most `limit` (28 or more) characters.

    Lower-case letters, digits and single hyphens, the first a letter, as every service takes it.
    """
    digest = hashlib.sha256(f"{drill_id(pair)} {pair.key}".encode()).hexdigest()
    head, tail = f"drill-{hashlib.sha256(drill_id(pair).encode()).hexdigest()[:6]}", digest[:_DIGEST]
    room = limit - len(head) - len(tail) - 2
    slug = re.sub(r"[^a-z0-9]+", "-", pair.target_id.rpartition("/")[2].lower())[:room].strip("-")
    return "-".join(part for part in (head, slug, tail) if part)


def prepared(pair: Pair, purpose: str) -> str:
    """What is prepared for drills: the setting `drill.<purpose>` (db_subnet_group, ecs_cluster, …), or what has the room's name."""
    return str(pair.settings.get("drill", {}).get(purpose) or ROOM)


def role(pair: Pair, purpose: str) -> str:
    """ARN of the role that a copy runs with: the setting `drill.<purpose>`, or the account's role of the room's name."""
    given = pair.settings.get("drill", {}).get(purpose)
    return str(given or f"arn:{partition(pair.target_region)}:iam::{pair.account}:role/{ROOM}")


def partition(region: str) -> str:
    """The partition of a region, as ARNs begin with it."""
    return next((part for prefix, part in (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov")) if region.startswith(prefix)), "aws")
