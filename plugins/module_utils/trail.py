# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit trail as auditors ask for it (FR-6.3, DR-4): by execution, user, day and event; and what is done beside executions.

Executions have a trail each. Everything else that FR-6.3 lists (discovery, changes of the configuration) is in one trail a month.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final

from . import evidence, pauses
from .dynamo import MissingError, error_code, utc
from .errors import DrError, InputError
from .store import MAX_DAYS, Store, audit_entry, days

if TYPE_CHECKING:
    from .run import Control

#: The beginning of an event's name -> the operation of FR-6.3 that it is of.
OPERATIONS: Final = {
    "execution_": "execution",
    "resources_": "resource discovery",
    "roles_": "role assumption",
    "wave_": "phase transition",
    "health_": "phase transition",
    "hook_": "phase transition",
    "business_check_": "phase transition",
    "approval_": "approval decision",
    "notified": "notification",
    "metrics_": "notification",
    "evidence_": "evidence",
}
#: Everything else.
CONFIGURATION: Final = "configuration change"
_FAILURES: Final = ("_failed", "_refused", "_timed_out")
#: Of how many executions, the newest, readiness writes evidence that is missing.
CAUGHT_UP: Final = 20
#: Rows of an entry: it must fit into an item of the table, of 400 KB, and one of them may hold 50 tags of 384 characters.
ROWS: Final = 10
FIRST_DAY: Final = "0000-00-00"
LAST_DAY: Final = "9999-99-99"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; empty: any. execution_id: or a trail of operations. since, until: days (YYYY-MM-DD), both included."""

    execution_id: str = ""
    user: str = ""
    event_type: str = ""
    since: str = ""
    until: str = ""

    def fits(self, entry: Mapping[str, Any]) -> bool:
        """Whether an entry is asked for."""
        return (
            self.user in ("", entry["actor"])
            and self.event_type in ("", entry["event_type"])
            and (self.since or FIRST_DAY) <= entry["at"][:10] <= (self.until or LAST_DAY)
        )


def operations(now: float) -> str:
    """The trail of what is done outside of executions, now: one a month."""
    return f"operations-{utc(now)[:7]}"


def record(control: Control, event_type: str, **detail: Any) -> str:
    """An entry in the trail of operations, as the caller, and its evidence. Gives "" or what people must know."""
    actor = caller(control)
    name = operations(control.store.clock())
    control.store.note(name, event_type, actor=actor, **detail)
    return evidence.secure(control.store, name, actor)


def record_many(control: Control, event_type: str, name: str, rows: Sequence[Any]) -> None:
    """Entries in the trail of operations for many rows, under `name`, as many in each as fit. Their evidence follows with the next
    `record`. Raises what the table does: what comes after an entry must not be done without it."""
    actor = caller(control)
    here = operations(control.store.clock())
    for start in range(0, len(rows), ROWS):
        control.store.note(here, event_type, actor=actor, **{name: list(rows[start : start + ROWS])})


def captured(control: Control, scope: tuple[str, str], **detail: Any) -> str:
    """Readiness has looked at the estate: an entry, and the evidence that executions of its scope could not write. As `record`."""
    customer, environment = scope
    said = [record(control, "resources_captured", customer=customer, environment=environment, **detail)]
    for one in control.store.executions(customer=customer, environment=environment, limit=CAUGHT_UP):
        pauses.alert(control.store, control.notifier, one, lambda: caller(control))
        if one["status"] in evidence.AT_REST:
            said.append(evidence.secure(control.store, one["execution_id"], caller(control)))
    return "; ".join(filter(None, said))


def caller(control: Control) -> str:
    """The ARN of whoever runs this, as STS says it."""
    return str(control.accounts.control("sts").get_caller_identity()["Arn"])


def find(store: Store, wanted: Wanted, limit: int = 1000) -> tuple[list[dict[str, Any]], bool]:
    """Entries as DR-4 has them, oldest first, the newest `limit` of them; and whether there are more.

    One query of an index (of a range of days one a day), never a scan; further criteria are applied to what it gives.
    """
    if not any((wanted.execution_id, wanted.user, wanted.event_type, wanted.since, wanted.until)):
        raise InputError("execution_id", "", "a value, or one for user, event_type, since or until", "say what is asked for")
    for name in ("since", "until"):
        _day(name, getattr(wanted, name))
    _span(wanted, utc(store.clock())[:10])
    try:
        found = list(islice((one for one in _entries(store, wanted) if wanted.fits(one)), limit + 1))
    except Exception as error:
        refused = error.__cause__ or error if isinstance(error, MissingError) else error
        if error_code(refused) in ("ValidationException", "ResourceNotFoundException") and "index" in str(refused):
            text = f"table {store.table.name} has no indexes of audit entries: it was made by an older release"
            raise DrError(text, "ansible-playbook dr.aws.control_plane adds them") from error
        raise
    # Of one trail the numbers tell the order, whatever the clocks of those who wrote say.
    kept = sorted(found[:limit], key=lambda one: ("" if wanted.execution_id else one["at"], one["execution_id"], one["number"]))
    return [said(one) for one in kept], len(found) > limit


def _entries(store: Store, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """Newest first."""
    table = store.table
    span = ("at", wanted.since or FIRST_DAY, f"{wanted.until or LAST_DAY}T~")
    if wanted.execution_id:
        items = table.query(f"EXEC#{wanted.execution_id}", "AUD#", newest_first=True)
    elif wanted.user:
        items = table.by("audit-by-actor", "actor", wanted.user, between=span)
    elif wanted.event_type:
        items = table.by("audit-by-type", "event_type", wanted.event_type, between=span)
    else:
        until = wanted.until or utc(store.clock())[:10]
        items = chain.from_iterable(table.by("audit-by-day", "audit_day", one) for one in days(wanted.since or None, until))
    for item in items:
        yield {**audit_entry(item), "execution_id": item["PK"].removeprefix("EXEC#")}


def _day(name: str, value: str) -> None:
    """InputError for what is no day."""
    try:
        fine = not value or datetime.strptime(value, "%Y-%m-%d").strftime("%Y-%m-%d") == value
    except ValueError:
        fine = False
    if not fine:
        raise InputError(name, value, "a day, such as 2026-11-28", f"-e {name}=YYYY-MM-DD")


def _span(wanted: Wanted, today: str) -> None:
    """InputError for days in the wrong order, and for more of them than are looked at."""
    last = wanted.until or today
    if not wanted.since:
        return
    if wanted.until and wanted.since > last:
        raise InputError("since", wanted.since, f"a day until {last}", f"-e since={last}")
    listed = not (wanted.execution_id or wanted.user or wanted.event_type)
    if listed and wanted.since < (oldest := days(None, last)[-1]):
        raise InputError("since", wanted.since, f"{MAX_DAYS} days at most, from {oldest}", f"-e since={oldest}")


def said(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry with the attributes of DR-4."""
    kind, detail = entry["event_type"], entry["detail"]
    wrong = kind.endswith(_FAILURES) or detail.get("delivered") is False or bool(detail.get("error"))
    return {
        "log_id": f"{entry['execution_id']}#{entry['number']}",
        "timestamp": entry["at"],
        "event_type": kind,
        "user_id": entry["actor"],
        "execution_id": entry["execution_id"],
        "operation": next((name for begin, name in OPERATIONS.items() if kind.startswith(begin)), CONFIGURATION),
        "parameters": detail,
        "result": "failure" if wrong else "success",
        "error_details": str(detail.get("why") or detail.get("error") or "") if wrong else "",
        "hash": entry["hash"],
    }
