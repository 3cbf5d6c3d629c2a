# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When what happened: waves, approvals and waits of an execution as spans of time. Pure.

A span: {label, state, began_at, ended_at}, UTC; ended_at is None for what has not ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

Entries: TypeAlias = "Sequence[Mapping[str, Any]]"

#: Events after which nobody works on the execution until it is resumed.
STOPS = {"execution_failed": "failed", "execution_paused": "paused"}
#: What the operator had carried out: the beginning of its events -> its name.
ERRANDS = {"hook": "hook", "business_check": "business check"}


def timeline(began_at: str, ended_at: str, audit: Entries, approvals: Entries) -> dict[str, Any]:
    """{began_at, ended_at, waves, approvals, waits}. audit: entries of the trail, oldest first."""
    return {
        "began_at": began_at,
        "ended_at": ended_at,
        "waves": list(_waves(audit)),
        "approvals": [_approval(one) for one in approvals],
        "waits": sorted([*_checks(audit), *map(_errand, errands(audit)), *_stops(audit)], key=lambda span: str(span["began_at"])),
    }


def errands(audit: Entries) -> list[dict[str, Any]]:
    """Hooks and business checks as they were carried out: what is known of each from its begin and its end.

    {kind, name, phase, wave, state, began_at, ended_at, seconds, why, output, override_reason}; what did not come to its end is
    `interrupted`, and the last three are "".
    """
    return [
        _carried_out(entry, kind, audit[number + 1 :])
        for number, entry in enumerate(audit)
        for event, kind in ERRANDS.items()
        if entry["event_type"] == f"{event}_started"
    ]


def _carried_out(began: Mapping[str, Any], kind: str, after: Entries) -> dict[str, Any]:
    told, event = began["detail"], began["event_type"].removesuffix("_started")
    same = (one for one in after if one["event_type"].startswith(event) and one["detail"].get("name") == told.get("name"))
    last = next(same, None)
    ended = last if last and last["event_type"] == f"{event}_ended" else None
    found = ended["detail"] if ended else {"state": "interrupted"}
    return {
        "kind": kind,
        **{name: told.get(name) for name in ("name", "phase", "wave")},
        "state": str(found.get("state")),
        "began_at": began["at"],
        "ended_at": ended["at"] if ended else _after(after),
        "seconds": found.get("seconds"),
        **{name: found.get(name, "") for name in ("why", "output", "override_reason")},
    }


def _errand(one: Mapping[str, Any]) -> dict[str, Any]:
    return {"label": f"{one['kind']} {one['name']}", **{name: one[name] for name in ("state", "began_at", "ended_at")}}


def _waves(audit: Entries) -> Iterator[dict[str, Any]]:
    for number, entry in enumerate(audit):
        if entry["event_type"] == "wave_started":
            phase, waves = entry["detail"].get("phase", ""), entry["detail"].get("waves", [])
            ended = _next(audit[number + 1 :], "wave_ended", waves)
            yield {
                "label": f"{phase} {_said(waves)}",
                "phase": phase,
                "waves": waves,
                "state": "ended" if ended else "interrupted",
                "began_at": entry["at"],
                "ended_at": ended["at"] if ended else _after(audit[number + 1 :]),
            }


def _approval(one: Mapping[str, Any]) -> dict[str, Any]:
    ended = None if one["state"] == "pending" else one["decided_at"]
    return {"label": one["gate"], "state": one["state"], "began_at": one["requested_at"], "ended_at": ended}


def _checks(audit: Entries) -> Iterator[dict[str, Any]]:
    """From the end of a wave of ACTIVATE to its health."""
    for number, entry in enumerate(audit):
        if entry["event_type"] == "wave_ended" and entry["detail"].get("phase") == "activate":
            waves = entry["detail"].get("waves", [])
            seen = _next(audit[number + 1 :], "health_checked", waves)
            if seen:
                label, state = f"health of wave {_said(waves)}", str(seen["detail"].get("status"))
                yield {"label": label, "state": state, "began_at": entry["at"], "ended_at": seen["at"]}


def _stops(audit: Entries) -> Iterator[dict[str, Any]]:
    """From a stop to the resumption after it."""
    for number, entry in enumerate(audit):
        if entry["event_type"] in STOPS:
            resumed = next((one for one in audit[number + 1 :] if one["event_type"] == "execution_resumed"), None)
            if resumed:
                state = STOPS[entry["event_type"]]
                yield {"label": f"{state}, then resumed", "state": state, "began_at": entry["at"], "ended_at": resumed["at"]}


def _next(audit: Entries, event: str, waves: Sequence[int]) -> Mapping[str, Any] | None:
    """The next event of these waves, before another wave begins."""
    for entry in audit:
        if entry["event_type"] == "wave_started":
            return None
        if entry["event_type"] == event and entry["detail"].get("waves") == waves:
            return entry
    return None


def _after(audit: Entries) -> str | None:
    """The last sign of life of a wave that was interrupted: of what came before it was taken up again."""
    last = None
    for entry in audit:
        if entry["event_type"] in ("wave_started", "execution_resumed"):
            return last or str(entry["at"])
        last = str(entry["at"])
    return last


def _said(waves: Sequence[int]) -> str:
    return ", ".join(map(str, waves))
