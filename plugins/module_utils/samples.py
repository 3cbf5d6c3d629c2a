# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A captured capacity is the largest of the last 24 hours: a quiet night must not be what a failover restores. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, TypeAlias

from .dynamo import epoch

WINDOW_SECONDS: Final = 24 * 3600
#: [when (UTC), number], oldest first. Each is larger than those after it: what a later, larger one outlives is not needed again.
Samples: TypeAlias = "list[list[Any]]"


def fold(kept: Sequence[Sequence[Any]], value: int, at: str) -> Samples:
    """The samples with a new one. Zero is no sample once there was a positive one, and the newest stays however old it is."""
    before = [list(one) for one in kept]
    if value > 0 or not before:
        before = [*(one for one in before if one[1] > value), [at, value]]
    oldest = epoch(at) - WINDOW_SECONDS
    return [*(one for one in before[:-1] if epoch(one[0]) >= oldest), before[-1]]


def keep(
    before: Mapping[str, Any],
    samples: Mapping[str, Sequence[Sequence[Any]]],
    now: Mapping[str, Any],
    at: str,
    capacities: Collection[str],
) -> tuple[dict[str, Any], dict[str, Samples]]:
    """(what is captured, the samples of its capacities) of a resource at the time `at`.

    before, samples: the last snapshot's. now: what is seen, {} when nothing is. Of capacities the largest in the window counts, of
    everything else the newest. A capacity that is no number any more (a reservation that was lifted) is no capacity.
    """
    captured = {**before, **now}
    folded: dict[str, Samples] = {}
    for name in capacities:
        value = captured.get(name)
        if isinstance(value, bool) or not isinstance(value, int):
            continue
        kept = samples.get(name) or []
        folded[name] = fold(kept, value, at) if name in now or not kept else fold(kept, 0, at)
        captured[name] = folded[name][0][1]
    return captured, folded
