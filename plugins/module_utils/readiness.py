# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is prepared while all is well: what to capture of each resource, and which of them could not be failed over now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .adapters import adapter
from .adapters.base import Cloud
from .engine import Engine
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
    for pair in pairs:
        key, one = pair.key, adapter(pair.technology)
        look = seen[key]
        sides[key] = look.error or look.active.value
        directed = pair.reversed() if key in back else pair
        look = back.get(key, look)
        new = {} if look.error else one.capture(look.seen, directed)
        captured[key], samples[key] = keep(last.get(key, {}), kept.get(key, {}), new, at, one.capacities)
    return Captured(captured, samples, sides)


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
