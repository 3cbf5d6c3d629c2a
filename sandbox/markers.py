# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Markers: small values that are written where an estate keeps data, and go wherever its data goes.

They show what a recovery has lost. Services say what holds data, whether it takes writes and what it follows (`@holds`); copies
that are made at one moment (snapshots, backups, launches) are told by `copy`. Everything else follows from time passing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Holder:
    """Something that holds data, as it is now.

    key: never that of another, also after it is renamed. name: what people call it. follows: key of what its data comes from -> a
    function that gives until when (epoch seconds) all of that has arrived, None for not at all. merges: it takes writes of its own
    beside them; what does not merge loses its own data when it begins to follow.
    """

    key: str
    service: str
    account: str
    region: str
    name: str
    writable: bool
    follows: Mapping[str, Callable[[], float | None]] = field(default_factory=dict)
    merges: bool = False


class Markers:
    """All markers of one world. look: all that holds data now. time: epoch seconds."""

    def __init__(self, look: Callable[[], Iterable[Holder]], time: Callable[[], float]) -> None:
        self._look, self._time = look, time
        self._known: dict[str, Holder] = {}
        #: Key of a holder -> its markers, and when each arrived there.
        self._held: dict[str, dict[str, float]] = {}

    def pass_on(self) -> None:
        """To be called when something may have changed: what was followed until now was followed until now."""
        if not self._held:
            return
        for one in self._known.values():
            self._arrive(one)
        now = {one.key: one for one in self._look()}
        for key, one in now.items():
            before = self._known.get(key)
            if one.follows and not one.merges and (before is None or before.follows.keys() != one.follows.keys()):
                theirs = {marker for leader in one.follows for marker in self._held.get(leader, ())}
                self._held[key] = {marker: at for marker, at in self._held.get(key, {}).items() if marker in theirs}
            self._arrive(one)
        self._known = now

    def _arrive(self, one: Holder) -> None:
        for leader, until in one.follows.items():
            complete = until()
            if complete is not None:
                mine = self._held.setdefault(one.key, {})
                for marker, at in self._held.get(leader, {}).items():
                    if at <= complete:
                        mine.setdefault(marker, at)

    def copy(self, source: str, target: str) -> None:
        """`target` has from now on what `source` has now, and nothing else. Keys of holders, or of what is kept of them."""
        for one in self._known.values():
            self._arrive(one)
        if self._held:
            self._held[target] = dict(self._held.get(source, {}))

    def write(self, service: str, account: str, region: str, name: str, marker: str) -> None:
        """Writes a marker. ValueError unless exactly one holder of that name takes writes there."""
        self.pass_on()
        named = [one for one in self._look() if (one.service, one.account, one.region) == (service, account, region)]
        named = [one for one in named if name in (one.name, one.key)]
        writable = [one for one in named if one.writable]
        if len(writable) != 1:
            found = f"{len(writable)} of {len(named)} take writes" if named else "there is none"
            raise ValueError(f"{service} {name} in {region} of {account} takes no marker: {found}")
        self._held.setdefault(writable[0].key, {})[marker] = self._time()
        self.pass_on()

    def found(self) -> list[dict[str, Any]]:
        """All that holds data now, with its markers: JSON values."""
        self.pass_on()
        return [
            {
                **{name: getattr(one, name) for name in ("key", "service", "account", "region", "name", "writable")},
                "follows": sorted(one.follows),
                "markers": self.held(one.key),
            }
            for one in self._look()
        ]

    def held(self, key: str) -> list[str]:
        """The markers of a holder, or of a copy that is kept, as they were written one after another."""
        self.pass_on()
        return list(dict(sorted(self._held.get(key, {}).items(), key=lambda item: item[1])))
