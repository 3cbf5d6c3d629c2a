# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When each resource last changed sides: what tells a standby that never served from an old side."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .dynamo import MissingError, utc
from .store import Store


@dataclass(frozen=True, slots=True)
class Move:
    """region: the one that an execution brought a resource to serve in. at: when (UTC)."""

    region: str
    at: str
    execution_id: str


def record(store: Store, customer: str, environment: str, execution_id: str, moved: Iterable[tuple[str, str]]) -> None:
    """Notes where resources serve now: (pair key, region). To be called while the execution holds the lock."""
    pk, at = f"CUST#{customer}#{environment}", utc(store.clock())
    store.table.write(
        {"PK": pk, "SK": f"MOVED#{key}", "resource": key, "region": region, "at": at, "execution_id": execution_id}
        for key, region in moved
    )


def last(store: Store, customer: str, environment: str) -> dict[str, Move]:
    """Pair key -> its last move; nothing of what never moved."""
    try:
        items = list(store.table.query(f"CUST#{customer}#{environment}", "MOVED#"))
    except MissingError:  # no control plane yet
        return {}
    return {item["resource"]: Move(item["region"], item["at"], item["execution_id"]) for item in items}
