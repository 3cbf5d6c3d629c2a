# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as CSV for spreadsheets: one row per resource and phase, or per execution. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from .markup import clean

#: What makes a spreadsheet take text for a formula (OWASP, "CSV injection").
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def execution_csv(report: Mapping[str, Any]) -> str:
    """One row per resource and phase."""
    rows = [
        [*(one[name] for name in _RESOURCE), *(phase[name] for name in _PHASE)]
        for one in report["resources"]
        for phase in one["phases"]
    ]
    return _written([*_RESOURCE, *_PHASE], rows)


def compliance_csv(report: Mapping[str, Any]) -> str:
    """One row per execution."""
    rows = [
        [
            *(one[name] for name in _EXECUTION),
            len(one["missed"]),
            len(one["failures"]),
            len(one["approvals"]),
            len(one["deviations"]),
        ]
        for one in report["executions"]
    ]
    return _written([*_EXECUTION, "missed", "failures", "approvals", "deviations"], rows)


_RESOURCE: Final = ("resource", "technology", "account", "wave", "priority", "source_id", "target_id")
_PHASE: Final = ("phase", "status", "ended_at", "seconds", "why", "remedy")
_EXECUTION: Final = (
    "execution_id",
    "operation",
    "mode",
    "status",
    "created_by",
    "started_at",
    "completed_at",
    "duration_seconds",
    "resource_count",
    "plan_sha256",
    "audit_verified",
    "deferred",
)


def _written(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(heads)
    writer.writerows([cell(value) for value in row] for row in rows)
    return out.getvalue()


def cell(value: Any) -> str:
    """A value that no spreadsheet takes for a formula; numbers stay numbers."""
    if value is None:
        return ""
    text = clean(value)
    return f"'{text}" if not isinstance(value, (int, float)) and text.lstrip(" ").startswith(FORMULA) else text
