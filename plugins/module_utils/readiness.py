# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is prepared while all is well: what to capture of each resource, and which of them could not be failed over now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .adapters import adapter
from .adapters.base import Cloud
from .engine import Engine
from .model import Active, Goal, Pair
from .store import MemoryJournal
from .survey import survey


def capture(
    cloud: Cloud, pairs: Sequence[Pair], before: Mapping[str, Mapping[str, Any]], parallelism: int = 10
) -> tuple[dict[str, Mapping[str, Any]], dict[str, str]]:
    """(captured by pair key, which side serves or why that is not known by pair key).

    Captured is the side that serves, whichever it is now. before: the last snapshot's, which stays for what cannot be seen now.
    """
    seen = survey(cloud, pairs, parallelism)
    served = [pair for pair in pairs if seen[pair.key].active is Active.TARGET]
    back = survey(cloud, [pair.reversed() for pair in served], parallelism)
    captured: dict[str, Mapping[str, Any]] = {}
    sides: dict[str, str] = {}
    for pair in pairs:
        key, one = pair.key, adapter(pair.technology)
        look = seen[key]
        sides[key] = look.error or look.active.value
        directed = pair.reversed() if key in back else pair
        look = back.get(key, look)
        new = {} if look.error else one.capture(look.seen, directed)
        captured[key] = keep(before.get(key, {}), new)
    return captured, sides


def keep(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """What is captured now over what was captured before; a number of zero never replaces a positive one."""

    def poor(name: str, value: Any) -> bool:
        old = before.get(name)
        return type(value) is type(old) is int and value == 0 and bool(old)

    return {**before, **{name: value for name, value in now.items() if not poor(name, value)}}


def unprepared(
    cloud: Cloud, pairs: Sequence[Pair], captured: Mapping[str, Mapping[str, Any]], parallelism: int = 10
) -> dict[str, str]:
    """Pair key -> what INSTANTIATE would still have to do, or why it is blocked. Describe calls only."""
    goals = [Goal(pair, captured=captured.get(pair.key, {})) for pair in pairs if "instantiate" in adapter(pair.technology).phases]
    results = Engine(cloud, MemoryJournal(), parallelism=parallelism, check_mode=True).run("instantiate", goals)
    return {
        key: result.why + (f" (next: {result.remedy})" if result.remedy else "")
        for key, result in results.items()
        if result.status != "done"
    }
