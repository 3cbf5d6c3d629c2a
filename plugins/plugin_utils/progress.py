# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person sees while a wave runs: one line per finished resource, one line per few seconds for those that are not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from ansible_collections.dr.aws.plugins.module_utils.model import Pair
from ansible_collections.dr.aws.plugins.module_utils.words import duration

ENDED = ("done", "blocked", "deferred", "failed", "would_change")
#: In check mode the wave says afterwards what it would call.
SILENT = ("would_change",)
COLOURS = {"done": "green", "deferred": "yellow", "blocked": "red", "failed": "red"}
#: Seconds between two summary lines, and how many resources one of them names.
SUMMARY_SECONDS = 5.0
NAMED = 3


class Progress:
    """An engine observer that says what it hears through `say(text, color=…)`."""

    def __init__(
        self,
        phase: str,
        pairs: Iterable[Pair],
        say: Callable[..., None],
        elapsed: float = 0.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.pairs = {pair.key: pair for pair in pairs}
        self.states: dict[str, tuple[str, str]] = {}
        self.say, self.now, self.phase = say, now, phase
        self.started = now() - elapsed
        self.said = now()

    def __call__(self, key: str, state: str, text: str) -> None:
        """The engine's report: what `key` is doing now."""
        self.states[key] = (state, text)
        if state in SILENT:
            return
        if state in ENDED:
            self.say(f"  {self._clock(key):>18} {state:<9} {key}{': ' + text if text else ''}", color=COLOURS[state])
        elif self.now() - self.said >= SUMMARY_SECONDS:
            self.said = self.now()
            self.say(f"  {self.summary()}")

    def counts(self) -> dict[str, int]:
        """How many resources are done, otherwise ended, and there in all."""
        states = [state for state, _text in self.states.values()]
        done = sum(state == "done" for state in states)
        ended = sum(state in ENDED for state in states)
        return {"done": done, "ended": ended, "total": len(self.pairs)}

    def summary(self) -> str:
        """'activate 3 of 8 done · orders: promote the replica (2m10s of 30m00s RTO) …'"""
        counts = self.counts()
        doing = [(key, text) for key, (state, text) in self.states.items() if state not in ENDED]
        named = "; ".join(f"{key}: {text} ({self._clock(key).strip()})" for key, text in doing[:NAMED])
        more = f" and {len(doing) - NAMED} more" if len(doing) > NAMED else ""
        return f"{self.phase} {counts['ended']} of {counts['total']} · {named}{more}"

    def _clock(self, key: str) -> str:
        elapsed, pair = duration(self.now() - self.started), self.pairs.get(key)
        against = f" of {duration(pair.rto_seconds)} RTO" if pair and pair.rto_seconds else ""
        return f"{elapsed}{against}"
