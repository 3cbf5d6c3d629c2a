# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Describe calls of discovery: within AWS's rates, patient with throttling, and never longer than a place is worth."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from .accounts import CallError, Failure
from .adapters.base import Reader
from .model import Unreachable

#: Where there is no region: hosted zones.
GLOBAL: Final = "global"
#: Pauses between sending a throttled call again; then it counts as refused.
BACKOFF_SECONDS: Final = (1, 2, 4, 8, 16)


class DarkError(Exception):
    """The region does not answer."""


class RefusedError(Exception):
    """A call that came back with an error for good."""

    def __init__(self, service: str, failure: Failure) -> None:
        super().__init__(failure.message)
        self.service, self.failure = service, failure


class Pace:
    """Keeps to a number of calls a second per key, whatever the number of threads."""

    def __init__(self, now: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self.now, self.sleep = now, sleep
        self._next: dict[tuple[str, ...], float] = {}
        self._lock = threading.Lock()

    def __call__(self, per_second: int, *key: str) -> None:
        with self._lock:
            at = max(self.now(), self._next.get(key, 0.0))
            self._next[key] = at + 1 / per_second
        if at > self.now():
            self.sleep(at - self.now())


@dataclass(slots=True)
class Place:
    """An account and a region that is looked at. latency_ms: until its first answer, opening the session included."""

    account: str
    region: str
    latency_ms: int | None = None
    began: float | None = None


class Asker:
    """Sends the calls. region: where what has no region is asked. timeout_seconds: the time that one place gets.

    Every method raises DarkError when the region does not answer and RefusedError for what AWS refuses.
    """

    def __init__(
        self, reader: Reader, region: str, timeout_seconds: float, now: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        self.reader, self.region, self.timeout_seconds, self.now, self.sleep = reader, region, timeout_seconds, now, sleep
        self._pace = Pace(now, sleep)

    def read(
        self, place: Place, service: str, operation: str, per_second: int, *, absent: Iterable[str] = (), **params: Any
    ) -> dict[str, Any] | None:
        """One answer, at most `per_second` of them per account and region; None for the error codes in `absent`."""
        self._pace(per_second, place.account, place.region, service)
        answer: dict[str, Any] | None = self._patient(
            place, service, lambda: self.reader.read(place.account, self._at(place), service, operation, absent=absent, **params)
        )
        return answer

    def pages(
        self, place: Place, service: str, operation: str, key: str, *, absent: Iterable[str] = (), **params: Any
    ) -> list[dict[str, Any]]:
        """The entries of all pages; none for the error codes in `absent`."""
        entries: list[dict[str, Any]] | None = self._patient(
            place,
            service,
            lambda: self.reader.pages(place.account, self._at(place), service, operation, key, absent=absent, **params),
        )
        return entries or []

    def _at(self, place: Place) -> str:
        return self.region if place.region == GLOBAL else place.region

    def _patient(self, place: Place, service: str, send: Callable[[], Any]) -> Any:
        """The answer of a call, sent again while AWS throttles it and the place has time left."""
        started = self.now()
        place.began = started if place.began is None else place.began
        for pause in (*BACKOFF_SECONDS, None):
            self._in_time(place, service, 0)
            try:
                answer = send()
                break
            except CallError as error:
                if error.failure.kind != "throttled" or pause is None:
                    raise RefusedError(service, error.failure) from error
                self._in_time(place, service, pause)
                self.sleep(pause)
        if isinstance(answer, Unreachable):
            raise DarkError
        if place.latency_ms is None:
            place.latency_ms = round((self.now() - started) * 1000)
        return answer

    def _in_time(self, place: Place, service: str, pause: float) -> None:
        """One slow account must not keep all others waiting."""
        spent = self.now() - (place.began or 0.0) + pause
        if spent > self.timeout_seconds:
            text = f"not done after {self.timeout_seconds:g} s in {place.region}"
            raise RefusedError(service, Failure("throttled", "TooSlow", text))
