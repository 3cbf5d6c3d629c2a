# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who asks, and what is answered: a status and a body, of errors as well."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..accounts import classify
from ..dynamo import MissingError
from ..errors import DrError, InputError
from ..redact import mask
from .bodies import MalformedError

_GIVEN: Final = re.compile(r"-e (\w+)=(\S+?)(?=,|$|\s)")
_UNDERSCORED: Final = re.compile(r"_([a-z])")


class AbsentError(DrError):
    """What a path names is not there."""


class NotStartedError(DrError):
    """What should carry an execution out could not be started."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request. who: the ARN of whoever signed it. account: the API's. text: the body. query: by name."""

    who: str
    account: str
    correlation_id: str
    name: str = ""
    text: str = ""
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """A status code and a body, as JSON values; headers beside those of every answer."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


def refusal(error: Exception) -> Answer | None:
    """What is answered to an error; None to a defect, which says nothing for people."""
    match error:
        case MalformedError():
            return failed(400, "InvalidRequest", error.message, error.remedy, **_of(error))
        case InputError():
            return failed(422, "NotPossible", error.message, error.remedy, **_of(error))
        case AbsentError():
            return failed(404, "NotFound", error.message, error.remedy)
        case NotStartedError():
            return failed(502, "NotStarted", error.message, error.remedy)
        case MissingError():
            return failed(503, "NoControlPlane", error.message, error.remedy)
        case DrError():
            return failed(409, "Conflict", error.message, error.remedy)
    failure = classify(error)
    if failure is None:
        return None
    return failed(503, "ControlPlaneUnavailable", f"{failure.code}: {failure.message}", "send the same request again in a moment")


def failed(status: int, code: str, message: str, remedy: str = "", **more: Any) -> Answer:
    """An error's answer: error, message and next, with field, value and allowed, or errors, where it has them."""
    return Answer(status, mask({"error": code, "message": message, "next": _next(remedy), **more}))


def _of(error: InputError) -> dict[str, Any]:
    return {"field": camel(error.field), "value": mask(error.value, error.field), "allowed": error.allowed}


def _next(remedy: str) -> str:
    """What to do next: what is given to a playbook with -e is a field here; command lines stay what they are."""
    return _GIVEN.sub(lambda found: f'"{camel(found[1])}": "{found[2]}"', remedy) if remedy.startswith("-e ") else remedy


def camel(name: str) -> str:
    """A parameter's name as the API has it."""
    return _UNDERSCORED.sub(lambda found: found[1].upper(), name)
