# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the text of a manifest, JSON or YAML, to plain values. Text is data: no tags, no aliases, no guesses, nothing said twice."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, Final

from .violations import Path, Violation, broken

try:
    import yaml

    LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    HAS_YAML = True
except ImportError:  # ansible-test imports every file without PyYAML
    HAS_YAML = False

MAX_BYTES: Final = 4 * 1024 * 1024
MAX_DEPTH: Final = 32
_CORE: Final = "tag:yaml.org,2002:"
#: What scalars without a tag of their own are read as; dates, `<<` and `=` stay text.
_SCALARS: Final = frozenset(_CORE + name for name in ("str", "int", "float", "bool", "null", "timestamp", "merge", "value"))
_TOO_DEEP: Final = f"nested at most {MAX_DEPTH} deep"


class _Pairs(list[tuple[Any, Any]]):
    """A mapping as it is written: a key may stand twice."""


def parse(text: str) -> tuple[Any, list[Violation]]:
    """(the value, what is wrong with how it is written). Of a key that stands twice the first counts; nothing raises.

    Numbers are JSON's, and only `true` and `false` are truth values: `no`, `012` and `12:30` stay the text that they are.
    """
    violations: list[Violation] = []
    if len(text) > MAX_BYTES:
        return None, [broken((), f"{len(text)} characters", f"at most {MAX_BYTES} characters")]
    try:
        raw = json.loads(text, object_pairs_hook=_Pairs, parse_float=_number, parse_constant=str)
    except RecursionError:
        return None, [broken((), None, _TOO_DEEP)]
    except ValueError:
        try:
            raw = _yaml(text, violations)
        except _NestedError:
            return None, [broken((), None, _TOO_DEEP)]
        except (yaml.YAMLError, ValueError) as error:
            said = " ".join(str(error).split())
            return None, [broken((), said, "JSON or YAML, one document", "Correct what is named, at its line and column")]
    return _plain(raw, (), violations), violations


class _NestedError(Exception):
    """Deeper than a manifest ever is: neither libyaml's stack nor ours has to bear it."""


def _yaml(text: str, violations: list[Violation]) -> Any:
    if any(depth > MAX_DEPTH for depth in _depths(text)):
        raise _NestedError
    node = yaml.compose(text, Loader=LOADER)
    return None if node is None else _read(node, (), set(), violations)


def _depths(text: str) -> Iterator[int]:
    steps = {yaml.SequenceStartEvent: 1, yaml.MappingStartEvent: 1, yaml.SequenceEndEvent: -1, yaml.MappingEndEvent: -1}
    return accumulate(steps.get(type(event), 0) for event in yaml.parse(text, Loader=LOADER))


def _read(node: Any, path: Path, seen: set[int], violations: list[Violation]) -> Any:
    """The value of a node. seen: nodes that were read already: an alias leads to them again."""
    if id(node) in seen:
        violations.append(broken(path, None, "a value that is written out, no alias", "Write out what the alias stands for"))
        return None
    seen.add(id(node))
    match node:
        case yaml.MappingNode(tag=tag) if tag == f"{_CORE}map":
            pairs = _Pairs()
            for key, value in node.value:
                name = key.value if isinstance(key, yaml.ScalarNode) else None
                pairs.append((name, _read(value, (*path, str(name)), seen, violations)))
            return pairs
        case yaml.SequenceNode(tag=tag) if tag == f"{_CORE}seq":
            return [_read(one, (*path, number), seen, violations) for number, one in enumerate(node.value)]
        case yaml.ScalarNode(tag=tag) if tag in _SCALARS:
            return _scalar(node)
    violations.append(broken(path, node.tag, "a value without a YAML tag", f"Remove {node.tag}"))
    return None


def _scalar(node: Any) -> Any:
    kind, value = node.tag.removeprefix(_CORE), node.value
    if kind == "null":
        return None
    if kind == "bool" and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if kind in ("int", "float"):
        try:
            return json.loads(value, parse_float=_number)
        except ValueError:
            return value
    return value


def _number(text: str) -> float | str:
    """JSON has no infinity: a number beyond a float's range stays text."""
    value = float(text)
    return value if math.isfinite(value) else text


def _plain(raw: Any, path: Path, violations: list[Violation]) -> Any:
    if len(path) > MAX_DEPTH:
        violations.append(broken(path[:3], None, _TOO_DEEP))
        return None
    if isinstance(raw, _Pairs):
        found: dict[str, Any] = {}
        for key, value in raw:
            where = (*path, str(key))
            if not isinstance(key, str):
                violations.append(broken(path, None, "keys that are text"))
            elif key in found:
                violations.append(broken(where, _plain(value, where, []), "each key once", f"Remove one of the two {key}"))
            else:
                found[key] = _plain(value, where, violations)
        return found
    return [_plain(one, (*path, number), violations) for number, one in enumerate(raw)] if isinstance(raw, list) else raw
