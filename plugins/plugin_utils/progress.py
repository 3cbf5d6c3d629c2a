# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said while a wave runs: one line per finished resource, and one about those that are under way every few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from ansible_collections.dr.aws.plugins.module_utils.model import Pair
from ansible_collections.dr.aws.plugins.module_utils.words import duration
from ansible_collections.dr.aws.plugins.plugin_utils.screen import LINE_SECONDS

ENDED = ("done", "blocked", "deferred", "failed", "would_change")
#: In check mode the wave says afterwards what it would call.
SILENT = ("would_change",)
COLOURS = {"done": "green", "deferred": "yellow", "blocked": "red", "failed": "red"}
#: How many resources a summary line names.
NAMED = 3


class Progress:
    """An engine observer that says what it hears through `say(text, color=…, event=…, **facts)`.

    pause: seconds between two lines about what is under way.
    """

    def __init__(
        self,
        phase: str,
        pairs: Iterable[Pair],
        say: Callable[..., None],
        elapsed: float = 0.0,
        pause: float = LINE_SECONDS,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.pairs = {pair.key: pair for pair in pairs}
        self.states: dict[str, tuple[str, str]] = {}
        self.say, self.now, self.phase, self.pause = say, now, phase, pause
        self.started = now() - elapsed
        self.said = now()

    def __call__(self, key: str, state: str, text: str) -> None:
        """The engine's report: what `key` is doing now."""
        self.states[key] = (state, text)
        if state in SILENT:
            return
        if state in ENDED:
            pair = self.pairs.get(key)
            self.say(
                f"  {self._clock(key):>18} {state:<9} {key}{': ' + text if text else ''}",
                color=COLOURS[state],
                event="resource",
                phase=self.phase,
                wave=pair.wave if pair else None,
                resource=key,
                state=state,
                why=text or None,
                elapsed_seconds=round(self.now() - self.started, 1),
                rto_seconds=pair.rto_seconds if pair else None,
            )
        elif self.now() - self.said >= self.pause:
            self.said = self.now()
            waves = sorted({pair.wave for pair in self.pairs.values()})
            where = {"phase": self.phase, "wave": waves[0] if waves else None}
            self.say(
                f"  {self.summary()}",
                event="wave_progress",
                elapsed_seconds=round(self.now() - self.started, 1),
                **where,
                **self.counts(),
            )

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
