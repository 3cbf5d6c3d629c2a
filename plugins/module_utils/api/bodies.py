# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a request's body and query may hold. Every field is checked; the first that cannot be used is named with what is allowed."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..errors import InputError
from ..model import CLEANUP_POLICIES, MODES
from ..parameters import (
    APPROVAL_MODES,
    MAX_APPROVALS,
    MAX_PARALLELISM,
    MAX_UNDO_MINUTES,
    MAX_WAVE,
    ON_WAVE_FAILURE,
    ROLLBACK_SCOPES,
)
from ..pauses import DEFAULT_MINUTES, MAX_MINUTES
from ..tag_schema import ENVIRONMENTS

#: What can be asked for by the API (FR-2.1); a reprotection follows an execution and is a playbook's.
OPERATIONS: Final = ("failover", "failback", "test")
MAX_TEXT: Final = 1000
MAX_TOKEN: Final = 256
MAX_DEPTH: Final = 100


class MalformedError(InputError):
    """A request that is not what the API's description says: nothing was looked at beyond it."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field. fits: the value as it is used, None where it cannot be. example: for the person who reads the error."""

    allowed: str
    fits: Callable[[Any], Any]
    example: Any
    required: bool = False
    default: Any = None


def read(text: str, fields: Mapping[str, Field]) -> dict[str, Any]:
    """The fields of a body, with their defaults. MalformedError for what is no JSON object, unknown, missing or not allowed."""
    value = parsed(text, required=any(field.required for field in fields.values()))
    unknown = next((name for name in value if name not in fields), None)
    if unknown is not None:
        allowed = f"the fields {', '.join(fields)}" if fields else "no body"
        raise MalformedError(unknown, value[unknown], allowed, f"leave out {unknown}")
    return {name: _fitting(name, field, value) for name, field in fields.items()}


def _fitting(name: str, field: Field, value: Mapping[str, Any]) -> Any:
    if name not in value:
        if field.required:
            raise MalformedError(name, None, f"{field.allowed}; it is required", _set(name, field.example))
        return field.default
    found = field.fits(value[name])
    if found is None:
        raise MalformedError(name, value[name], field.allowed, _set(name, field.example))
    return found


def _set(name: str, example: Any) -> str:
    return f"{json.dumps(name)}: {json.dumps(example)}"


def parsed(text: str, *, required: bool) -> dict[str, Any]:
    """A body as a mapping; {} when there is none and none is required. MalformedError for what is no JSON object."""
    if not text.strip() and not required:
        return {}
    try:
        value = json.loads(text, parse_constant=_no_number, parse_float=_finite)
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise MalformedError("body", "…", f"JSON that is nested at most {MAX_DEPTH} deep", "flatten it") from error
    except ValueError as error:  # also text that is no UTF-8: half of a surrogate pair
        raise MalformedError("body", text[:80], f"a JSON object ({error})", 'Content-Type: application/json, {"…": "…"}') from error
    if not isinstance(value, dict):
        raise MalformedError("body", value, "a JSON object", '{"…": "…"}')
    return value


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number in JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is too large")
    return value


def words(pattern: str, most: int) -> Callable[[Any], Any]:
    """Text of a pattern, at most so long."""
    return lambda value: value if isinstance(value, str) and len(value) <= most and re.fullmatch(pattern, value) else None


def text(most: int, least: int = 0) -> Callable[[Any], Any]:
    """Any text of a length."""
    return lambda value: value if isinstance(value, str) and least <= len(value) <= most else None


def choice(allowed: tuple[str, ...]) -> Callable[[Any], Any]:
    """One of some words."""
    return lambda value: value if isinstance(value, str) and value in allowed else None


def flag(value: Any) -> bool | None:
    """true or false."""
    return value if isinstance(value, bool) else None


def whole(value: Any, lowest: int, highest: int) -> int | None:
    """A whole number; JSON knows 3.0 as one."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != int(value):
        return None
    return int(value) if lowest <= value <= highest else None


def number(lowest: int, highest: int) -> Callable[[Any], Any]:
    """A whole number between two."""
    return lambda value: whole(value, lowest, highest)


def _waves(value: Any) -> list[int] | None:
    found = [whole(one, 1, MAX_WAVE) for one in value] if isinstance(value, list) else []
    numbers = [one for one in found if one is not None]
    return sorted(numbers) if numbers and len(numbers) == len(found) == len(set(numbers)) else None


def _seconds(value: Any) -> int | None:
    seconds = whole(value, 60, MAX_MINUTES * 60)
    return seconds if seconds is not None and seconds % 60 == 0 else None


def _number(lowest: int, highest: int, example: int) -> Field:
    return Field(f"a whole number from {lowest} to {highest}", number(lowest, highest), example)


def _choice(allowed: tuple[str, ...], example: str) -> Field:
    return Field(", ".join(allowed), choice(allowed), example)


_REGION: Final = Field("a region's name", words(r"[a-z]{2}(-[a-z]+)+-[0-9]", 32), "us-west-2", required=True)
CREATE: Final[Mapping[str, Field]] = {
    "customer": Field("1 to 128 letters, digits and -", words(r"[A-Za-z0-9-]+", 128), "acme", required=True),
    "environment": Field(", ".join(ENVIRONMENTS), choice(ENVIRONMENTS), "production", required=True),
    "operation": Field(", ".join(OPERATIONS), choice(OPERATIONS), "failover", required=True),
    "primaryRegion": _REGION,
    "drRegion": _REGION,
    "approvalMode": Field(", ".join(APPROVAL_MODES), choice(APPROVAL_MODES), "required", default="required"),
    "waves": Field(f"a list of wave numbers from 1 to {MAX_WAVE}, each once", _waves, [1, 2, 3], default=()),
    "mode": Field(", ".join(MODES), choice(MODES), "planned", default="planned"),
    "approvalsNeeded": _number(1, MAX_APPROVALS, 2),
    "approverMustDiffer": Field("true or false", flag, True),
    "parallelism": _number(1, MAX_PARALLELISM, 10),
    "cleanupPolicy": _choice(CLEANUP_POLICIES, "quarantine"),
    "onWaveFailure": _choice(ON_WAVE_FAILURE, "stop"),
    "rollbackScope": _choice(ROLLBACK_SCOPES, "wave"),
    "undoWindowMinutes": _number(0, MAX_UNDO_MINUTES, 60),
}
PAUSE: Final[Mapping[str, Field]] = {
    "reason": Field(f"text of at most {MAX_TEXT} characters", text(MAX_TEXT), "the network team looks at it", default=""),
    "timeout": Field(
        f"whole minutes in seconds, from 60 to {MAX_MINUTES * 60}", _seconds, DEFAULT_MINUTES * 60, default=DEFAULT_MINUTES * 60
    ),
}
RESUME: Final[Mapping[str, Field]] = {
    "taskToken": Field(f"1 to {MAX_TOKEN} characters", text(MAX_TOKEN, 1), "…", required=True),
    "approved": Field("true or false", flag, True, required=True),
    "approver": Field(f"text of at most {MAX_TOKEN} characters", text(MAX_TOKEN), "ann@example.com", default=""),
    "comment": Field(f"text of at most {MAX_TEXT} characters", text(MAX_TEXT), "seen by the network team", default=""),
    "planSha256": Field("64 hexadecimal digits", words(r"[0-9a-f]{64}", 64), "40b84a23fa2c…"),
}
#: Of queries, whose values are text.
DETAIL: Final = Field("true, false", choice(("true", "false")), "true", default="false")
REASON: Final = Field(f"text of at most {MAX_TEXT} characters", text(MAX_TEXT), "…", default="User requested cancellation")
