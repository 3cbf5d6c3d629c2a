# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of every API call that came in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .model import Call

_READS = (
    "Assume",
    "BatchGet",
    "Check",
    "Decode",
    "Describe",
    "Detect",
    "Estimate",
    "Filter",
    "Get",
    "Head",
    "List",
    "Lookup",
    "Preview",
    "Query",
    "Scan",
    "Search",
    "Select",
    "Simulate",
    "TestDNSAnswer",
    "TestEventPattern",
    "TransactGet",
    "Validate",
)


def mutating(operation: str) -> bool:
    """Whether an operation changes anything, by its name. AssumeRole does not count: it changes no resource."""
    return not operation.startswith(_READS)


class Calls:
    """All calls since the last reset, in order. Rows are plain dicts that can be written as JSON."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def add(self, call: Call, at: float, status: int, outcome: str, how: str) -> None:
        """outcome: "ok", an AWS error code, or "fault:<effect>".

        how: ours, corrected, moto, missing, defect, refused or fault.
        """
        who = call.identity
        self.rows.append(
            {
                "n": call.n,
                "time": round(at, 3),
                "account": call.account,
                "region": call.region,
                "service": call.service or call.signing_name,
                "operation": call.operation,
                "mutating": mutating(call.operation),
                "outcome": outcome,
                "status": status,
                "how": how,
                "role": who.role if who else "",
                "session": who.session if who else "",
                "source_identity": who.source_identity if who else "",
                "access_key": call.access_key,
                "user_agent": call.environ.get("HTTP_USER_AGENT", ""),
                "params": call.params,
            }
        )

    def select(self, start: int = 0, **wanted: Any) -> Iterator[dict[str, Any]]:
        """Rows with n >= start whose fields equal `wanted` (None: any)."""
        wanted = {name: value for name, value in wanted.items() if value is not None}
        for row in self.rows:
            if row["n"] >= start and all(row[name] == value for name, value in wanted.items()):
                yield row


def json_line(row: dict[str, Any]) -> str:
    """One row as a line of JSON; times and bytes as text."""
    return json.dumps(row, default=lambda value: value.decode("latin-1") if isinstance(value, bytes) else str(value)) + "\n"
