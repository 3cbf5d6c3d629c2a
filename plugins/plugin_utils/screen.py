# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way to the screen: lines for people, only the important ones, or a JSON object per line for machines."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

MODES = ("normal", "quiet", "json")
#: What quiet leaves out; of resources it has those that need a person. Anything else is said: a new line is never lost by accident.
HIDDEN = ("plan", "wave_started", "wave_progress")
NEED_A_PERSON = ("blocked", "failed")
LEVELS = {"red": "error", "yellow": "warning"}
#: Seconds between two lines about what is under way: on a terminal it is one line that is drawn anew.
LINE_SECONDS = 5.0
LIVE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Settings:
    """mode: of MODES. columns: of the terminal, 0 when there is none: then no line is ever drawn anew."""

    mode: str = "normal"
    columns: int = 0


def as_json(event: str, text: str, color: str | None, facts: Mapping[str, Any]) -> str:
    """A line for machines; facts that are None are left out."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    known = {name: value for name, value in facts.items() if value is not None}
    return json.dumps(
        {"at": at, "event": event, "level": LEVELS.get(color or "", "info"), "text": text.strip(), **known}, default=str
    )


class Screen:
    """show: `Display.display`, which takes a text, color, newline and screen_only.

    settings: those of the callback dr.aws.progress, which sets them before the first task; Ansible's workers inherit them. Without
    it, as in AWX, they are these.
    """

    settings: ClassVar[Settings] = Settings()

    def __init__(self, show: Callable[..., None]) -> None:
        self.show = show
        self._live = ""

    @property
    def machine(self) -> bool:
        """Whether nobody reads it: a prompt would be in the way."""
        return self.settings.mode == "json"

    @property
    def pause(self) -> float:
        """Seconds between two lines about what is under way."""
        return LIVE_SECONDS if self.settings.columns else LINE_SECONDS

    def say(self, text: str, color: str | None = None, event: str = "message", **facts: Any) -> None:
        """A line. event: what it is about, facts: more of it, JSON values. Machines see both, and quiet goes by the event."""
        if self.machine:
            self.show(as_json(event, text, color, facts))
            return
        if self.settings.mode == "quiet" and (event in HIDDEN or (event == "resource" and facts.get("state") not in NEED_A_PERSON)):
            return
        if event == "wave_progress" and self.settings.columns:
            self._draw(text)
            return
        live = self._live
        self.clear()
        self.show(text, color=color)
        if live and event != "wave_ended":
            self._draw(live)

    def clear(self) -> None:
        """Takes the live line away."""
        if self._live:
            self._write("\r" + " " * len(self._live) + "\r")
            self._live = ""

    def _draw(self, text: str) -> None:
        """The live line: by a carriage return only, and never so long that it would wrap."""
        wanted = text[: self.settings.columns - 1]
        self._write("\r" + wanted.ljust(len(self._live)))
        self._live = wanted

    def _write(self, text: str) -> None:
        self.show(text, newline=False, screen_only=True)
