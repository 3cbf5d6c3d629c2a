# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wakes a state machine that waits for people: it has left its task token with the approval that its execution waits for.

The token only says that there is something to look at. What was decided stands in the approval, where the runner that follows reads
it: a token, whoever has it, approves nothing. A machine that could not be woken looks by itself after a while.

Facts: `SendTaskSuccess` and `SendTaskFailure` are taken from principals of the token's account only; when nothing waits any more,
they are refused with TaskTimedOut, TaskDoesNotExist or InvalidToken (API reference; developer guide, connect-to-resource).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from .accounts import classify
from .approvals import Approvals
from .dynamo import RefusedError, error_code
from .interventions import requests
from .store import Store

#: How the state that waits knows a rejection (extensions/step_functions).
REJECTED: Final = "Rejected"
#: Requests of people that a machine is woken for before anything is decided.
_ASKED: Final = ("cancel", "pause")
_GONE: Final = ("InvalidToken", "TaskDoesNotExist", "TaskTimedOut")


def wake(store: Store, states: Callable[[], Any], execution_id: str, who: str) -> str:
    """Wakes what waits for a decision that was made, or that a request of a person overtakes; gives "" or why it was not woken.

    states: gives boto3's stepfunctions client. who: the identity of whoever decided. Never raises for what AWS refuses.
    """
    waiting = [one for one in Approvals(store).of(execution_id) if one.get("wake")]
    asked = waiting and any(one["state"] == "open" and one["verb"] in _ASKED for one in requests(store, execution_id))
    said = [_woken(store, states, one, who) for one in waiting if asked or one["state"] != "pending"]
    return "; ".join(filter(None, said))


def _woken(store: Store, states: Callable[[], Any], item: Mapping[str, Any], who: str) -> str:
    token = item["wake"]
    try:
        if item["state"] == "rejected":
            states().send_task_failure(taskToken=token, error=REJECTED, cause=f"{item['gate']} was rejected by {item['approver']}")
        else:
            states().send_task_success(taskToken=token, output="{}")
    except Exception as error:
        failure = classify(error)
        if failure is None:
            raise
        if error_code(error) not in _GONE:
            why = f"{failure.code}: {failure.message}".replace(token, "…")
            store.note(item["execution_id"], "wake_failed", actor=who, gate=item["gate"], why=why)
            return f"the state machine was not woken and looks by itself in some minutes: {why}"
    with contextlib.suppress(RefusedError):  # it waits anew, with another token
        store.table.update(item["PK"], item["SK"], {}, remove=("wake",), condition="#wake = :token", values={"token": token})
    return ""
