# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The largest capacity of 24 hours is kept, and a zero never counts against a positive one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.dr.aws.plugins.module_utils.dynamo import utc
from ansible_collections.dr.aws.plugins.module_utils.samples import WINDOW_SECONDS, fold, keep

NOON = 1_700_000_000
HOUR = 3600


def at(hours: float) -> str:
    return utc(NOON + hours * HOUR)


@pytest.mark.parametrize(
    ("kept", "value", "hour", "folded"),
    [
        pytest.param([], 4, 0, [[0, 4]], id="the first"),
        pytest.param([], 0, 0, [[0, 0]], id="zero when nothing else is known"),
        pytest.param([[0, 0]], 4, 1, [[1, 4]], id="a positive one replaces zero"),
        pytest.param([[0, 4]], 4, 1, [[1, 4]], id="a steady one costs one sample"),
        pytest.param([[0, 4]], 6, 1, [[1, 6]], id="a larger one outlives the smaller"),
        pytest.param([[0, 6]], 4, 1, [[0, 6], [1, 4]], id="a smaller one waits its turn"),
        pytest.param([[0, 6], [1, 4]], 5, 2, [[0, 6], [2, 5]], id="what is smaller and older is not needed again"),
        pytest.param([[0, 6], [20, 4]], 3, 24, [[0, 6], [20, 4], [24, 3]], id="24 hours old still counts"),
        pytest.param([[0, 6], [20, 4]], 3, 25, [[20, 4], [25, 3]], id="older than 24 hours"),
        pytest.param([[0, 6]], 0, 1, [[0, 6]], id="zero is no sample"),
        pytest.param([[0, 6], [1, 4]], 0, 30, [[1, 4]], id="the newest positive one stays however old"),
        pytest.param([[0, 6]], 0, 1000, [[0, 6]], id="also alone"),
        pytest.param([[0, 6]], 2, 30, [[30, 2]], id="until a newer one comes"),
    ],
)
def test_a_window_of_samples(kept: list[Any], value: int, hour: float, folded: list[Any]) -> None:
    assert fold([[at(when), number] for when, number in kept], value, at(hour)) == [[at(when), number] for when, number in folded]


SEEN = st.lists(st.tuples(st.integers(1, 20 * HOUR), st.integers(0, 9)), min_size=1, max_size=30)


@settings(deadline=None, derandomize=True, database=None)
@given(SEEN)
def test_the_window_gives_what_remembering_everything_would(seen: list[tuple[int, int]]) -> None:
    now, everything, kept = NOON, [], []
    for pause, value in seen:
        now += pause
        everything.append((now, value))
        kept = fold(kept, value, utc(now))
        positive = [(when, number) for when, number in everything if number > 0]
        recent = [number for when, number in positive if when >= now - WINDOW_SECONDS]
        assert kept[0][1] == (max(recent) if recent else positive[-1][1] if positive else 0)


@pytest.mark.parametrize(
    ("before", "now", "captured"),
    [
        pytest.param({}, {"desired": 0}, {"desired": 0}, id="nothing known before"),
        pytest.param({"desired": 4}, {"desired": 0}, {"desired": 4}, id="zero"),
        pytest.param({"desired": 4}, {"desired": 6}, {"desired": 6}, id="more"),
        pytest.param({"desired": 6}, {"desired": 4}, {"desired": 6}, id="less, within the day"),
        pytest.param({"desired": 6}, {}, {"desired": 6}, id="not seen"),
        pytest.param({"desired": 6}, {"desired": None}, {"desired": None}, id="no number any more"),
        pytest.param({"desired": None}, {"desired": 3}, {"desired": 3}, id="a number again"),
        pytest.param({"epoch": 7}, {"epoch": 6}, {"epoch": 6}, id="a mere number: the newest"),
        pytest.param({"port": 5432}, {"port": 0}, {"port": 0}, id="also zero"),
        pytest.param({"multi_az": True}, {"multi_az": False}, {"multi_az": False}, id="a flag is no number"),
        pytest.param({"kind": "big"}, {"kind": "small", "arn": "a"}, {"kind": "small", "arn": "a"}, id="text"),
    ],
)
def test_what_is_kept_of_a_resource(before: dict[str, Any], now: dict[str, Any], captured: dict[str, Any]) -> None:
    first, samples = keep({}, {}, before, at(0), ("desired",))
    assert first == before
    second, samples = keep(first, samples, now, at(1), ("desired",))
    assert second == captured
    assert set(samples) == ({"desired"} if isinstance(captured.get("desired"), int) else set())


def test_a_capacity_without_samples_counts_from_now() -> None:
    """Captured by a version that kept none, of a resource that is not seen now."""
    assert keep({"desired": 4}, {}, {}, at(1), ("desired",)) == ({"desired": 4}, {"desired": [[at(1), 4]]})
