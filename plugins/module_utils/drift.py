# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has changed since a readiness snapshot was made. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from .adapters import adapter

#: A capacity that changed by less is no drift.
CAPACITY_PERCENT: Final = 20
#: Variable of a resource -> what people call it.
FIELDS: Final[Mapping[str, str]] = {"dr_wave": "wave", "dr_priority": "priority", "dr_dependencies": "dependencies"}


@dataclass(frozen=True, slots=True)
class Change:
    """what: new, gone, wave, priority, dependencies, `side in <region>`, or the name of a capacity."""

    resource: str
    what: str
    before: Any = None
    now: Any = None

    def __str__(self) -> str:
        if self.what in ("new", "gone"):
            return f"{self.resource} is {self.what}"
        return f"{self.what} of {self.resource} is {_said(self.now)}, was {_said(self.before)}"

    def to_json(self) -> dict[str, Any]:
        """JSON values, with what it says in `why`."""
        return {**asdict(self), "why": str(self)}


def compare(
    snapshot: Mapping[str, Any],
    resources: Sequence[Mapping[str, Any]],
    captured: Mapping[str, Mapping[str, Any]] | None = None,
    percent: int = CAPACITY_PERCENT,
) -> list[Change]:
    """What differs from a snapshot, by resource. resources: those of now, as `snapshot.resources` lists them.

    captured: what is captured now; None where nobody looked. percent: capacities that changed by more are named.
    """
    before = {one["key"]: one for one in snapshot.get("resources", ())}
    now = {one["key"]: one for one in resources}
    found = []
    for key in sorted(before.keys() | now.keys()):
        if key not in before:
            found.append(Change(key, "new"))
        elif key not in now:
            found.append(Change(key, "gone"))
        else:
            found += _changed(key, before[key], now[key])
            if captured is not None:
                last = snapshot.get("captured", {}).get(key, {})
                found += _resized(key, now[key]["dr_technology"], last, captured.get(key, {}), percent)
    return found


def _changed(key: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    for name, said in FIELDS.items():
        if before.get(name) != now.get(name):
            yield Change(key, said, before.get(name), now.get(name))
    sides = before.get("dr_sides", {}), now.get("dr_sides", {})
    for region in sorted(sides[0].keys() | sides[1].keys()):
        was, is_now = ((one.get(region) or {}).get("id") for one in sides)
        if was != is_now:
            yield Change(key, f"side in {region}", was, is_now)


def _resized(key: str, technology: str, before: Mapping[str, Any], now: Mapping[str, Any], percent: int) -> Iterator[Change]:
    for name in adapter(technology).capacities:
        was, is_now = before.get(name), now.get(name)
        if was is not None and is_now is not None and abs(is_now - was) * 100 > percent * was:
            yield Change(key, name, was, is_now)


def _said(value: Any) -> str:
    if value is None or value == []:
        return "none"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
