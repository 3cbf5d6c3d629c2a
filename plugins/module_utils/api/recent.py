# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statuses that were read a moment ago, for those who ask for the same execution again and again.

One execution is one partition of the table, which serves 3,000 read units a second, and a whole status takes some 25 of them. One
that is kept takes those of the execution's own item: that is read each time, and what is kept counts only while its version is the
same. Every verb of the API gives it a new one, so that nobody misses what they have done themselves, whichever instance answers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

#: Counters are stored every 3 seconds while a wave runs (FR-2.2): what is read is no older than that with this second added to it.
SECONDS: Final = 1.0
#: Executions of which a status is kept at the same time.
KEPT: Final = 64


class Recent:
    """Statuses by execution. now: seconds, of a clock that never goes back."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self._kept: dict[str, tuple[float, int, dict[str, Any]]] = {}
        self._lock = threading.Lock()

    def status(self, record: Mapping[str, Any], read: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The status that was kept, or what `read` gives. record: the execution as it is stored now."""
        name, version, asked = record["execution_id"], record["ver"], self.now()
        kept = self._kept.get(name)
        if kept and kept[1] == version and asked - kept[0] < SECONDS:
            return kept[2]
        found = read()
        with self._lock:
            self._kept.pop(name, None)
            self._kept[name] = (asked, version, found)
            if len(self._kept) > KEPT:
                del self._kept[next(iter(self._kept))]
        return found
