# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is prepared while all is well: what to capture of each resource, and which of them could not be failed over now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from .accounts import CallError
from .adapters import adapter
from .adapters.base import Cloud
from .engine import Engine, Result
from .model import Active, Goal, Pair
from .samples import Samples, keep
from .store import MemoryJournal
from .survey import survey


@dataclass(frozen=True, slots=True)
class Captured:
    """By pair key: what a failover needs, the samples of its capacities, which side serves or why that is not known."""

    captured: Mapping[str, Mapping[str, Any]]
    samples: Mapping[str, Mapping[str, Samples]]
    sides: Mapping[str, str]


def capture(cloud: Cloud, pairs: Sequence[Pair], before: Mapping[str, Any], at: str, parallelism: int = 10) -> Captured:
    """Captures the side that serves, whichever it is now. at: now (UTC).

    before: the last snapshot, {} without one; what it captured stays for what cannot be seen now.
    """
    last, kept = before.get("captured", {}), before.get("samples", {})
    seen = survey(cloud, pairs, parallelism)
    served = [pair for pair in pairs if seen[pair.key].active is Active.TARGET]
    back = survey(cloud, [pair.reversed() for pair in served], parallelism)
    captured: dict[str, Mapping[str, Any]] = {}
    samples: dict[str, Mapping[str, Samples]] = {}
    sides: dict[str, str] = {}

    def captures(pair: Pair) -> Mapping[str, Any]:
        look, directed = back.get(pair.key, seen[pair.key]), pair.reversed() if pair.key in back else pair
        return {} if look.error else _whole(cloud, look.seen, directed)

    with ThreadPoolExecutor(max_workers=max(1, parallelism), thread_name_prefix="dr-aws") as pool:
        for pair, new in zip(pairs, pool.map(captures, pairs), strict=True):
            key, look = pair.key, seen[pair.key]
            sides[key] = look.error or look.active.value
            capacities = adapter(pair.technology).capacities
            captured[key], samples[key] = keep(last.get(key, {}), kept.get(key, {}), new, at, capacities)
    return Captured(captured, samples, sides)


def _whole(cloud: Cloud, seen: Any, pair: Pair) -> Mapping[str, Any]:
    """What is captured of a pair, with sizes where they can be read: without them there is no estimate of costs, and no more."""
    one = adapter(pair.technology)
    new = one.capture(seen, pair)
    try:
        return {**new, **one.sizes(cloud, seen, pair)} if new else new
    except CallError:
        return new


def unprepared(
    cloud: Cloud, pairs: Sequence[Pair], captured: Mapping[str, Mapping[str, Any]], parallelism: int = 10
) -> dict[str, Result]:
    """Pair key -> what INSTANTIATE would still have to do (would_change), or why it could not. Describe calls only."""
    goals = [Goal(pair, captured=captured.get(pair.key, {})) for pair in pairs if "instantiate" in adapter(pair.technology).phases]
    results = Engine(cloud, MemoryJournal(), parallelism=parallelism, check_mode=True).run("instantiate", goals)
    return {key: result for key, result in results.items() if result.status != "done"}
