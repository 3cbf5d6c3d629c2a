# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at many pairs at once, in bulk and in parallel, without deciding anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from .accounts import CallError
from .adapters import adapter as default_adapter
from .adapters.base import Adapter, Reader
from .model import Active, Pair


def chunks(pairs: Iterable[Pair], adapter: Callable[[str], Adapter] = default_adapter) -> Iterator[list[Pair]]:
    """What one `observe` can take each: pairs of the same technology, account and regions, at most the adapter's `bulk` of them."""
    groups: dict[tuple[str, str, str, str], list[Pair]] = defaultdict(list)
    for pair in pairs:
        groups[pair.technology, pair.account, pair.source_region, pair.target_region].append(pair)
    for (technology, *_rest), group in groups.items():
        bulk = adapter(technology).bulk
        yield from (group[start : start + bulk] for start in range(0, len(group), bulk))


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What one look at a pair gave: the adapter's observation and which side serves, or the error that prevented it."""

    seen: Any
    active: Active
    error: str = ""


def survey(
    reader: Reader, pairs: Sequence[Pair], parallelism: int = 10, adapter: Callable[[str], Adapter] = default_adapter
) -> dict[str, Surveyed]:
    """One look at every pair, in bulk and in parallel; describe calls only. Pair key -> Surveyed.

    A failing look is active UNKNOWN with its error: never "not there".
    """
    found: dict[str, Surveyed] = {}
    with ThreadPoolExecutor(max_workers=max(1, parallelism), thread_name_prefix="dr-aws") as pool:
        looks = [(chunk, pool.submit(adapter(chunk[0].technology).observe, reader, chunk)) for chunk in chunks(pairs, adapter)]
        for chunk, look in looks:
            one = adapter(chunk[0].technology)
            try:
                seen = look.result()
                found.update({pair.key: Surveyed(seen[pair.key], one.active(seen[pair.key])) for pair in chunk})
            except CallError as error:
                said = f"{error.failure.code}: {error.failure.message}"
                found.update({pair.key: Surveyed(None, Active.UNKNOWN, said) for pair in chunk})
    return found
