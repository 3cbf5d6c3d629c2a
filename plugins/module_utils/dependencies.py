# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `dr:dependencies` names, found among the resources; and what is wrong with it. Pure: for discovery and for plans."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

#: Problem kind -> what its name must be instead (H.1: "dr:dependencies must reference existing resources").
RULES: Final = {
    "unknown": "the name of a protected resource of the same customer and environment",
    "self": "not the resource itself",
    "later": "no later wave",
    "circle": "no circle",
}


@dataclass(frozen=True, slots=True)
class Node:
    """A resource. scope: customer and environment. ids: of both sides. wanted: what it depends on, as its tag says it."""

    key: str
    scope: tuple[str, str]
    account: str
    wave: int
    ids: tuple[str, ...]
    wanted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """A name that cannot be used. kind: a key of RULES. others: keys of the resources that it is about."""

    key: str
    name: str
    kind: str
    others: tuple[str, ...] = ()

    @property
    def rule(self) -> str:
        """What the name must be, and what it is."""
        if self.kind == "circle":
            return f"{RULES['circle']}: {' needs '.join(self.others)}"
        return RULES[self.kind] + (f": {', '.join(self.others)}" if self.kind == "later" else "")

    @property
    def remedy(self) -> str:
        """What to do."""
        if self.kind == "later":
            return f"remove {self.name} from the tag dr:dependencies of {self.key}, or correct dr:wave of either"
        if self.kind == "circle":
            return f"remove {self.name} from the tag dr:dependencies of {self.key}, or the other way round"
        return f"correct {self.name} in the tag dr:dependencies of {self.key}"


def resolve(nodes: Iterable[Node]) -> tuple[dict[str, list[str]], list[Problem]]:
    """Key -> keys that must be recovered before it, in the order of the tag; and the names that were left out of that.

    A name is a key, an identifier or the last part of one. Resources of the same account come before others of the scope; all that
    have the name count. Dependencies run to the same or an earlier wave, so that a circle is always within one wave.
    """
    known = {node.key: node for node in nodes}
    index: dict[tuple[tuple[str, str], str], list[str]] = defaultdict(list)
    for key, node in sorted(known.items()):
        for name in {key, *node.ids, *(re.split(r"[/:]", one)[-1] for one in node.ids)}:
            index[node.scope, name].append(key)
    found: dict[str, list[str]] = {}
    problems: list[Problem] = []
    for key, node in sorted(known.items()):
        found[key] = []
        for name in node.wanted:
            named = [name] if name in known and known[name].scope == node.scope else index.get((node.scope, name), [])
            others = [other for other in named if other != key]
            near = [other for other in others if known[other].account == node.account] or others
            early = [other for other in near if known[other].wave <= node.wave]
            if not early:
                kind = "later" if near else "self" if named else "unknown"
                problems.append(Problem(key, name, kind, tuple(near)))
            found[key] += [other for other in early if other not in found[key]]
    for key in sorted(found):
        for other in list(found[key]):
            way = _way(found, other, key)
            if way:
                found[key].remove(other)
                problems.append(Problem(key, other, "circle", (key, *way)))
    return found, problems


def _way(found: Mapping[str, list[str]], start: str, goal: str) -> tuple[str, ...]:
    """A way along dependencies from one resource to another, both included; () where there is none."""
    before: dict[str, str] = {start: ""}
    todo = [start]
    while todo:
        key = todo.pop()
        if key == goal:
            way = [key]
            while before[way[0]]:
                way.insert(0, before[way[0]])
            return tuple(way)
        for other in found[key]:
            if other not in before:
                before[other] = key
                todo.append(other)
    return ()
