# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With what errands are carried out, and how they end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ..accounts import AwsReader, Breaker


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an errand ended. why: what went wrong, "" when it passed. output: what it said, its end."""

    why: str = ""
    output: str = ""

    @property
    def passed(self) -> bool:
        """Whether it ended well."""
        return not self.why


@dataclass(frozen=True, slots=True)
class Means:
    """With what errands are carried out. region: the one being activated. attempt: its number, which a repetition shares.

    tell: is told, in the thread of the errand, how it stands while it goes on. traceparent: of the run's trace, "" for none.
    """

    cloud: AwsReader
    region: str
    attempt: int = 0
    pause: Callable[[float], float] = float
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic
    tell: Callable[[str], None] = lambda _text: None
    traceparent: str = ""
    #: Of functions that are asked again and again.
    breaker: Breaker = field(default_factory=Breaker)


def region_of(function: str) -> str:
    """The region that a function's ARN names; "" for a name."""
    return function.split(":")[3] if function.startswith("arn:") else ""


def late(seconds: int) -> str:
    """What is said of an errand that took longer."""
    return f"it did not end within {seconds} s"
