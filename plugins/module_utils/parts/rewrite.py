# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration of one region as it must read in another. Pure functions over plain values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


def rewritten(value: Any, from_region: str, to_region: str, replace: Mapping[str, str]) -> Any:
    """`value` with every string moved to the other region: the pairs of `replace` first, then the region's name.

    The name is replaced where it stands alone (ARNs, registries, log regions, zones), not inside longer ones.
    """
    region = re.compile(rf"(?<![a-z0-9-]){re.escape(from_region)}(?=[a-f]?(?![a-z0-9-]))")

    def walk(item: Any) -> Any:
        if isinstance(item, Mapping):
            return {key: walk(inner) for key, inner in item.items()}
        if isinstance(item, list | tuple):
            return [walk(inner) for inner in item]
        if isinstance(item, str):
            for old, new in replace.items():
                item = item.replace(old, new)
            return region.sub(to_region, item)
        return item

    return walk(value)


def kept(value: Any) -> Any:
    """`value` without empty members, which AWS adds and leaves out as it likes."""
    if isinstance(value, Mapping):
        return {key: inner for key, item in value.items() if (inner := kept(item)) not in (None, [], {})}
    if isinstance(value, list | tuple):
        return [kept(item) for item in value]
    return value
