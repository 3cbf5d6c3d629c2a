# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of which shape what is stored is, and which shapes this release reads (docs/upgrade.md). Pure.

A schema is `major.minor`. A higher minor adds: releases of the same major read each other's. A higher major says otherwise what was
said before, and an older release must not touch it. What says nothing was stored before there were schemas: it is FIRST.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from .errors import DrError

CURRENT: Final = "1.1"
FIRST: Final = "1.0"
#: The attribute, or the field, that says it.
FIELD: Final = "schema"
UPGRADE: Final = "ansible-galaxy collection install --upgrade dr.aws, then the same command again"


class SchemaError(DrError):
    """What a newer release has stored, in a way that this one does not understand."""


def parsed(schema: str) -> tuple[int, int]:
    """(major, minor)."""
    major, _dot, minor = schema.partition(".")
    return int(major), int(minor)


def of(stored: Mapping[str, Any]) -> str:
    """The schema of an item or a body."""
    return str(stored.get(FIELD) or FIRST)


def newer(stored: Mapping[str, Any]) -> bool:
    """Whether it has a higher schema than this release, of whatever kind."""
    return parsed(of(stored)) > parsed(CURRENT)


def later(schema: str) -> str:
    """The higher one of this schema and CURRENT: what has been touched by this release is at least of its schema."""
    return max(schema, CURRENT, key=parsed)


def check(stored: Mapping[str, Any], what: str) -> None:
    """SchemaError when this release must not touch it. what: how it is called."""
    if parsed(of(stored))[0] > parsed(CURRENT)[0]:
        text = f"{what} is of schema {of(stored)}, which a newer release of dr.aws made"
        raise SchemaError(f"{text}; this one understands {CURRENT} and what is older", UPGRADE)


def known(kind: type, stored: Mapping[str, Any]) -> dict[str, Any]:
    """What of a stored mapping belongs to a dataclass: a higher minor has fields that are not known here."""
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in stored.items() if name in names}
