# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The undo window: after ACTIVATE an execution stays uncommitted for a while.

Nothing of the old side is touched until it is committed, or until the window is over and a person resumes it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

from . import moves
from .audit import Note
from .dynamo import RefusedError, epoch, utc
from .errors import DrError
from .events import Notifier
from .parameters import Parameters
from .plan import NEEDS_SOURCE, Batch
from .status import commit_command, reprotect_command, resume_command, rollback_command, uncommitted
from .store import Store

if TYPE_CHECKING:
    from .run import Run

#: How many resources an error names.
NAMED: Final = 5


def ways(record: Mapping[str, Any]) -> dict[str, str]:
    """The commands that end a window."""
    return {"commit": commit_command(record), "roll back": rollback_command(record)}


def begin(run: Run) -> str:
    """Until when the execution is uncommitted (UTC); from now on, when its window has not begun. "" when it has none: it was not
    asked for, is committed, or nothing was activated."""
    minutes = run.parameters.undo_window_minutes
    if run.check_mode or not minutes or run.record.get("committed"):
        return ""
    until = str(run.record.get("uncommitted_until") or "")
    if not until and any(one["done"] is not None for one in run.journal.known("activate").values()):
        until = utc(run.store.clock() + 60 * minutes)
        run.change({"uncommitted_until": until}, "undo_window_begun", uncommitted_until=until)
    return until


def hold(run: Run, batch: Batch) -> None:
    """Before a wave that touches the old side: ends the run as PAUSED, by DrError, while its window is open. Nothing otherwise.

    Fence debts of earlier executions are settled before anything is activated, and are none of its business.
    """
    phase = batch.phase
    if phase not in NEEDS_SOURCE or batch.stage == "settle" or run.check_mode or run.record["status"] != "RUNNING":
        return
    until = begin(run)
    if not until or run.store.clock() >= epoch(until):
        return
    text = f"execution {run.execution_id} is PAUSED before {phase}: it is uncommitted until {until}. Commit, roll back, or wait"
    commands = {**ways(run.record), "then resume": run.resume_command()}
    raise run.stop("PAUSED", "execution_paused", text, _either(run.record), told={"commands": commands}, uncommitted_until=until)


def refuse_resume(record: Mapping[str, Any], now: float) -> None:
    """DrError while the window of an execution is open. now: epoch seconds."""
    if uncommitted(record, now):
        text = f"execution {record['execution_id']} is uncommitted until {record['uncommitted_until']} and does not go on by itself"
        raise DrError(text, f"{_either(record)}; or resume it after that")


def refuse_cleanup(store: Store, parameters: Parameters, keys: Collection[str]) -> None:
    """DrError when a new execution would clean up, or replicate from, what an uncommitted one has activated within its window.

    keys: of the pairs of the new execution. Its way home is none of that: a failback leaves what was activated.
    """
    if parameters.drill or parameters.operation == "failback" or not set(NEEDS_SOURCE) & set(parameters.phases):
        return
    asked = set(keys)
    moved = {key: move for key, move in moves.last(store, parameters.customer, parameters.environment).items() if key in asked}
    for name in sorted({move.execution_id for move in moved.values()}):
        one = store.table.get(f"EXEC#{name}", "META")
        if one is None or not uncommitted(one, store.clock()):
            continue
        target = Parameters.from_json(one["parameters"]).target_region
        held = sorted(key for key, move in moved.items() if (move.execution_id, move.region) == (name, target))
        if held:
            more = f" and {len(held) - NAMED} more" if len(held) > NAMED else ""
            text = f"execution {name} is uncommitted until {one['uncommitted_until']}: the old side of "
            raise DrError(
                f"{text}{', '.join(held[:NAMED])}{more} is not touched before that", f"{_either(one)}; or leave out their waves"
            )


def commit(
    store: Store, who: str, notifier: Notifier, execution_id: str, reason: str, *, check_mode: bool = False
) -> dict[str, Any]:
    """Records that an execution is committed, once. who: the identity of whoever asks, as STS gives it.

    Gives {changed, request: {verb, state, reason, requested_by, requested_at} or {}, said: what happens next, for people}.
    DrError: there is no window to commit.
    """
    record = store.get_execution(execution_id)
    name = record["execution_id"]
    if record.get("committed"):
        done = record["committed"]
        said = f"execution {name} is committed already, by {done['requested_by']} at {done['requested_at']}"
        return {"changed": False, "request": dict(done), "said": said}
    if not record.get("uncommitted_until"):
        asked = record.get("parameters", {}).get("undo_window_minutes")
        why = "what ACTIVATE does in it has not begun to wait" if asked else "it was started without undo_window_minutes"
        raise DrError(f"execution {name} has nothing to commit: {why}", f"ansible-playbook dr.aws.status -e execution_id={name}")
    follows = reprotect_command(record) if record["status"] == "COMPLETED" else resume_command(record)
    said = f"execution {name} is committed; its old side is put in order by: {follows}"
    if check_mode:
        return {"changed": True, "request": {}, "said": said.replace("is committed", "would be committed", 1)}
    request = {
        "execution_id": name,
        "verb": "commit",
        "state": "taken",
        "reason": reason,
        "requested_by": who,
        "requested_at": utc(store.clock()),
    }
    told = Note("execution_committed", who, {"reason": reason, "uncommitted_until": record["uncommitted_until"]})
    try:
        record = store.update_execution(name, told, ver=record["ver"], committed=request)
    except RefusedError as refused:
        raise DrError(f"execution {name} was changed at this moment", "run the same command again") from refused
    sent = notifier.send("execution_committed", record, text=f"by {who}{f': {reason}' if reason else ''}", remedy=follows)
    store.note(name, "notified", actor=who, event="execution_committed", **sent)
    return {"changed": True, "request": request, "said": said}


def _either(record: Mapping[str, Any]) -> str:
    return f"{commit_command(record)}; or {rollback_command(record)}"
