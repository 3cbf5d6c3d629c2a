# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the table to the schema of this release, step by step, while executions may run. docs/upgrade.md.

The table says of which schema it is in the item SCHEMA / SCHEMA, which is written when all steps are done: a killed migration is
done again, and each step leaves alone what it has done already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from . import schema
from .dynamo import MissingError, RefusedError, utc
from .errors import DrError
from .store import Store

#: States in which something may be carried out at this moment.
MOVING: Final = ("RUNNING",)


@dataclass(frozen=True, slots=True)
class Migration:
    """A step. to: the schema that it leads to. work: (store, apply) -> how many items were, or would be, changed."""

    to: str
    what: str
    work: Callable[[Store, bool], int]


def audit_days(store: Store, apply: bool) -> int:
    """Audit entries that have no day are in no index of days. It is no part of their hash."""
    number = 0
    for item in store.table.scan("AUD#"):
        if "audit_day" not in item:
            number += 1
            if apply:
                store.table.update(item["PK"], item["SK"], {"audit_day": item["at"][:10]})
    return number


MIGRATIONS: Final = (Migration("1.1", "audit entries get their day", audit_days),)


def refuse_newer(store: Store) -> dict[str, str]:
    """What the table says of its schema, {} when nothing does. SchemaError when a newer release has made it its own."""
    try:
        kept = store.marked()
    except MissingError:  # before there is a table
        return {}
    schema.check(kept, f"table {store.table.name}")
    return kept


def migrate(store: Store, *, apply: bool) -> list[str]:
    """What was changed, or would be, for people. Never lowers a schema.

    SchemaError: a newer release has made the table. DrError: an execution runs, and the step is to another major, which the release
    that carries it out would not understand.
    """
    kept = refuse_newer(store)
    before = schema.of(kept)
    if kept and schema.parsed(before) >= schema.parsed(schema.CURRENT):
        return []
    if schema.parsed(before)[0] < schema.parsed(schema.CURRENT)[0]:
        _refuse_moving(store, before)
    changes = []
    for step in MIGRATIONS:
        if schema.parsed(before) < schema.parsed(step.to):
            number = _worked(store, step, apply)
            changes += [f"{step.what}: {number} items of table {store.table.name}"] if number else []
    if apply:
        _mark(store, kept)
    return [*changes, f"schema {schema.CURRENT} of table {store.table.name}"]


def _worked(store: Store, step: Migration, apply: bool) -> int:
    try:
        return step.work(store, apply)
    except MissingError:
        return 0


def _mark(store: Store, kept: Mapping[str, str]) -> None:
    marks = {schema.FIELD: schema.CURRENT, "at": utc(store.clock())}
    condition, values = ("#schema = :before", {"before": kept[schema.FIELD]}) if kept else ("attribute_not_exists(PK)", {})
    try:
        store.table.update("SCHEMA", "SCHEMA", marks, condition=condition, values=values)
    except RefusedError as refused:
        text = f"table {store.table.name} was brought to schema {schema.of(refused.item)} by somebody else at this moment"
        raise DrError(text, "run ansible-playbook dr.aws.control_plane again") from refused


def _refuse_moving(store: Store, before: str) -> None:
    moving = [one["execution_id"] for status in MOVING for one in store.executions(status=status)]
    if moving:
        text = f"table {store.table.name} cannot go from schema {before} to {schema.CURRENT} while {', '.join(moving)} runs"
        raise DrError(text, f"wait for its end, or ansible-playbook dr.aws.pause -e execution_id={moving[0]}")
