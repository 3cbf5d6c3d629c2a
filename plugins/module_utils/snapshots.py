# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The readiness snapshots that are stored: every one stays, and none is used without a look at its checksums.

Two of them: the pointer in DynamoDB holds that of the object's bytes, the object its own (`snapshot`). Who can write to the bucket
alone cannot change a snapshot unseen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .dynamo import MissingError
from .errors import DrError
from .snapshot import SnapshotError, read
from .store import ChangedError, Store


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored snapshot. at: when it was stored (UTC). body: {} where nothing of it can be read. problem: "" when it is what was
    stored, else what is wrong with it and what to do."""

    at: str
    body: Mapping[str, Any]
    problem: str = ""

    @property
    def captured(self) -> dict[str, Any]:
        """What readiness captured, by pair key."""
        return dict(self.body.get("captured", {}))


def latest(store: Store, customer: str, environment: str) -> Kept | None:
    """The newest snapshot; None when there is none, or no control plane yet."""
    try:
        pointer = store.table.get(_pk(customer, environment), "INV#latest")
    except MissingError:
        return None
    return _fetched(store, pointer) if pointer else None


def versions(store: Store, customer: str, environment: str) -> Iterator[Mapping[str, Any]]:
    """Pointers {at, s3, sha256} to all snapshots, newest first."""
    for item in store.table.query(_pk(customer, environment), "INV#", newest_first=True):
        if item["SK"] != "INV#latest":
            yield {name: item[name] for name in ("at", "s3", "sha256")}


def version(store: Store, customer: str, environment: str, at: str) -> Kept:
    """The snapshot that was stored at that time. DrError when there is none."""
    pointer = store.table.get(_pk(customer, environment), f"INV#{at}")
    if pointer is None:
        known = ", ".join(one["at"] for one, _number in zip(versions(store, customer, environment), range(5), strict=False))
        raise DrError(f"{customer}/{environment} has no snapshot of {at}", f"take one of these: {known or 'none is stored'}")
    return _fetched(store, pointer)


def last_good(store: Store, customer: str, environment: str) -> tuple[Kept | None, list[str]]:
    """The newest snapshot that is what was stored, and what is wrong with the newer ones."""
    problems: list[str] = []
    try:
        for pointer in versions(store, customer, environment):
            kept = _fetched(store, pointer)
            if not kept.problem:
                return kept, problems
            problems.append(f"the snapshot of {kept.at}: {kept.problem}")
    except MissingError:  # no control plane yet
        pass
    return None, problems


def _fetched(store: Store, pointer: Mapping[str, Any]) -> Kept:
    problem = ""
    try:
        raw = store.get_object(pointer)
    except ChangedError as error:
        raw, problem = error.raw, str(error)
    except DrError as error:
        return Kept(pointer["at"], {}, str(error))
    try:
        body, wrong = read(raw)
    except SnapshotError as error:
        return Kept(pointer["at"], {}, problem or str(error))
    return Kept(pointer["at"], body, problem or wrong)


def _pk(customer: str, environment: str) -> str:
    return f"CUST#{customer}#{environment}"
