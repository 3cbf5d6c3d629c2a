# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Executions that are asked for before anything carries them out: recorded at once, PENDING, without a plan.

Whoever runs one first (`execution_id`) plans it as it was asked for, and takes the lock then.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from .audit import Note
from .dynamo import RefusedError
from .errors import DrError, InputError
from .parameters import Parameters, given
from .store import Store

#: What is asked for, by the names that the playbooks take.
ASKED: Final = ("customer", "environment", "primary_region", "dr_region", "mode", "approval_mode", "waves")
#: Kept where they were said: what is not said is the run's own, as in a playbook.
SAID: Final = (
    "approvals_needed",
    "approver_must_differ",
    "parallelism",
    "cleanup_policy",
    "on_wave_failure",
    "rollback_scope",
    "undo_window_minutes",
)
#: States in which nothing has taken it up yet. FAILED: what should have carried it out could not be started.
OPEN: Final = ("PENDING", "FAILED")


def ask(store: Store, parameters: Parameters, who: str, said: Collection[str] = (), **beside: Any) -> dict[str, Any]:
    """Records an execution, and gives it. who: asks for it, an ARN. said: parameters that were given, by name.

    beside: further attributes (account, correlation_id, …).
    """
    wanted = parameters.to_json()
    record = {
        **{name: wanted[name] for name in ("customer", "environment", "operation", "mode", "primary_region", "dr_region")},
        **beside,
        "created_by": who,
        "asked": {name: wanted[name] for name in (*ASKED, *(name for name in SAID if name in said))},
    }
    told = {"operation": wanted["operation"], **record["asked"]}
    told |= {name: beside[name] for name in ("correlation_id",) if beside.get(name)}
    return store.create_execution(record, Note("execution_requested", who, told))


def adopt(store: Store, record: Mapping[str, Any], *notes: Note, **changes: Any) -> None:
    """A run takes up what was asked for: RUNNING, with its plan. DrError when it was changed since the run has looked."""
    name = record["execution_id"]
    try:
        store.update_execution(name, *notes, ver=record["ver"], **{**changes, "status": "RUNNING", "reason": None})
    except RefusedError as refused:
        remedy = f"ansible-playbook dr.aws.status -e execution_id={name}"
        raise DrError(f"execution {name} was changed while it was planned", remedy) from refused


def unplanned(record: Mapping[str, Any]) -> bool:
    """Whether an execution was asked for, and has no plan yet."""
    return bool(record.get("asked")) and not record.get("plan_sha256")


def taken(record: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a run that takes up what was asked for. InputError, DrError: the run asks for something else, or it has ended.

    options: by name, with `operation`; what a request does not say is the run's own.
    """
    name = record["execution_id"]
    if record["operation"] != options["operation"]:
        remedy = f"ansible-playbook dr.aws.{record['operation']} -e execution_id={name}"
        raise DrError(f"execution {name} was asked for as a {record['operation']}, not as a {options['operation']}", remedy)
    if record["status"] not in OPEN:
        raise DrError(f"execution {name} is {record['status']}, and was never planned", "leave out execution_id for a new one")
    for one, wanted in record["asked"].items():
        own = given({one: options.get(one)}).get(one)
        if own is not None and str(own) not in (str(wanted), str(wanted).lower()) and own != wanted:
            raise InputError(one, own, f"{wanted}, as execution {name} was asked for", f"leave out {one}, or execution_id")
    return {**options, **given(record["asked"]), "execution_id": None}
