# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How states are shown: good, bad, waiting or plain, by a word and a sign as well as by colour. Pure."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from .markup import tag

_KINDS: Final = {
    "good": ("done", "held", "met", "approved", "HEALTHY", "COMPLETED", "ended", "verified", "settled", "proven", "removed"),
    "bad": ("failed", "blocked", "missed", "rejected", "UNHEALTHY", "FAILED", "NOT VERIFIED", "interrupted"),
    "wait": (
        "deferred",
        "pending",
        "timed_out",
        "paused",
        "open",
        "unknown",
        "DEGRADED",
        "PAUSED",
        "CANCELLED",
        "RUNNING",
        "PENDING",
        "overdue",
        "not proven",
        "left",
        "overridden",
    ),
}
_SIGNS: Final = {"good": "✓", "bad": "✕", "wait": "●", "plain": "·"}


def kind_of(state: str) -> str:
    """good, bad, wait or plain."""
    return next((kind for kind, states in _KINDS.items() if state in states), "plain")


def badge(state: str) -> Element:
    """A state as people read it."""
    kind = kind_of(state)
    return tag("span", f"{_SIGNS[kind]} {state.replace('_', ' ')}", class_=f"state {kind}")
