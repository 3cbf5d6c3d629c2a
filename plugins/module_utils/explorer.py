# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Resource Explorer lists: paged within its rate, and with signs that a list was cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .asking import GLOBAL, Asker, Place

EXPLORER: Final = "resource-explorer-2"
#: With 1000, ListResources gives no NextToken and silently loses the rest (its API reference).
PAGE_SIZE: Final = 500
#: Fixed by AWS: all operations but Search share it, per account and region.
LISTS_PER_SECOND: Final = 3
#: Quoted, because tag keys with a colon must be; matching ignores case, so that the answer is filtered again.
FILTER: Final = 'tag:"dr:enabled=true"'
#: There is no index, no such view, or no default view.
NO_INDEX: Final = ("ResourceNotFoundException", "UnauthorizedException")


@dataclass(slots=True)
class Listing:
    """resources: (ARN, owning account or "", tags). shows_tags: the view carries tags. saw_global: it lists what has no region.

    cut: its last page was full or named a page that was there before, so that something may be missing.
    """

    resources: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    shows_tags: bool = False
    saw_global: bool = False
    cut: bool = False


def listing(asker: Asker, place: Place, view: str | None = None) -> Listing | None:
    """Everything that a view lists as protected; None without an index or view. view: its ARN, the region's default one without.

    Raises DarkError, RefusedError.
    """
    found = Listing()
    request: dict[str, Any] = {"Filters": {"FilterString": FILTER}, "MaxResults": PAGE_SIZE, **({"ViewArn": view} if view else {})}
    seen: set[str] = set()
    while True:
        page = asker.read(place, EXPLORER, "list_resources", LISTS_PER_SECOND, absent=NO_INDEX, **request)
        if page is None:
            return None
        entries = page.get("Resources", ())
        for entry in entries:
            tags = _tags(entry)
            found.shows_tags = found.shows_tags or tags is not None
            found.saw_global = found.saw_global or entry.get("Region") == GLOBAL
            found.resources.append((str(entry["Arn"]), str(entry.get("OwningAccountId", "")), tags or {}))
        token = page.get("NextToken")
        if not token or token in seen:
            found.cut = bool(token) or len(entries) >= PAGE_SIZE
            return found
        seen.add(token)
        request["NextToken"] = token


def _tags(entry: Mapping[str, Any]) -> dict[str, str] | None:
    """The tags of a listed resource, None when the view does not carry tags."""
    for one in entry.get("Properties", ()):
        if one.get("Name") == "tags":
            data = one.get("Data")
            if isinstance(data, list):
                return {tag["Key"]: tag.get("Value", "") for tag in data if isinstance(tag, Mapping) and "Key" in tag}
            return {str(key): str(value) for key, value in data.items()} if isinstance(data, Mapping) else None
    return None
