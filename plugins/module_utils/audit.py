# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Audit entries: what one says, and how each is chained to the one before by its hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from .redact import mask

#: What of an audit entry its hash is made of.
ENTRY: Final = ("number", "at", "event_type", "actor", "detail", "prev_hash")
#: Who is named in an entry when no person did it.
NOBODY: Final = "dr.aws"


class Note(NamedTuple):
    """What an audit entry says. actor: "" when no person did it. detail: JSON values; secrets are masked when it is stored."""

    event_type: str
    actor: str
    detail: Mapping[str, Any]


def chain(entry: Mapping[str, Any]) -> str:
    """The hash of an audit entry, which has that of the one before in it."""
    return hashlib.sha256(json.dumps({name: entry[name] for name in ENTRY}, sort_keys=True).encode()).hexdigest()


def chained(last: Mapping[str, Any] | None, at: str, notes: Iterable[Note]) -> Iterator[dict[str, Any]]:
    """The entries that follow `last`, the newest that there is. at: UTC."""
    newest, before = (int(last["number"]), str(last["hash"])) if last else (0, "")
    for number, (event_type, actor, detail) in enumerate(notes, newest + 1):
        entry = {
            "number": number,
            "at": at,
            "event_type": event_type,
            "actor": actor or NOBODY,
            "detail": json.dumps(mask(detail), sort_keys=True, default=str),
            "prev_hash": before,
        }
        before = chain(entry)
        yield {**entry, "hash": before}
