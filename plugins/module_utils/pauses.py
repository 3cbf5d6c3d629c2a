# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pause that a person asked for (FR-2.3): what must be looked at, the approval that ends it, and the timeout, which only alerts.

The approval is a gate like those of the plan: a token of which only the sha256 is stored, bound to the plan's hash. Nothing runs
while an execution is PAUSED, so that a timeout is seen by whoever looks next: a status, a readiness, a run that resumes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from .accounts import classify
from .approvals import Approvals
from .dynamo import RefusedError
from .errors import DrError
from .events import Notifier
from .model import Pair
from .plan import Batch, Plan
from .status import resume_command
from .store import Store

#: The gates of pauses are named pause-0001, …: the number is that of the request.
PREFIX: Final = "pause-"
DEFAULT_MINUTES: Final = 30
MAX_MINUTES: Final = 1440
#: How many resources a checklist names of a kind; the status has all of them.
NAMED: Final = 20
#: What of an adapter's outputs says where the resource is reached, the first that is there.
ENDPOINTS: Final = ("endpoint", "dns_name", "private_ip", "answers", "service_arn", "function_arn", "group_arn", "rule_arn")


def checklist(
    plan: Plan, following: Batch, known: Callable[[str], Mapping[str, Mapping[str, Any]]], status: Mapping[str, Any]
) -> dict[str, Any]:
    """What a person looks at before the execution goes on: JSON values, at most NAMED resources of a kind, `more` says how many.

    following: the batch that would come next. known: `Journal.known`. status: `Store.status`.
    Gives {ended: {phase, wave, resources: [{resource, serves_in, endpoint, health_check_url}], more} or None, open: [{resource,
    phase, status, why}], more_open, next: {phase, wave, resources, one_way, more}}.
    """
    before = next((one for one, after in zip(plan.batches, plan.batches[1:], strict=False) if after == following), None)
    pairs = {pair.key: pair for pair in plan.pairs}
    still = [*status["failed_resources"], *status["deferred"], *status["skipped"]]
    todo = list(following.todo)
    return {
        "ended": _ended(before, pairs, known(before.phase)) if before else None,
        "open": [{name: one.get(name, "") for name in ("resource", "phase", "status", "why")} for one in still[:NAMED]],
        "more_open": max(0, len(still) - NAMED),
        "next": {
            "phase": following.phase,
            "wave": following.wave,
            "resources": todo[:NAMED],
            "one_way": [entry.key for entry in following.entries if entry.one_way][:NAMED],
            "more": max(0, len(todo) - NAMED),
        },
    }


def _ended(batch: Batch, pairs: Mapping[str, Pair], known: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    keys = [entry.key for entry in batch.entries if entry.state == "done" or known.get(entry.key, {}).get("done") is not None]
    served = batch.phase == "activate"
    rows = []
    for key in keys[:NAMED]:
        outputs = known.get(key, {}).get("done") or {}
        rows.append(
            {
                "resource": key,
                "serves_in": pairs[key].target_region if served else "",
                "endpoint": next((str(outputs[name]) for name in ENDPOINTS if outputs.get(name)), ""),
                "health_check_url": pairs[key].health_check_url or "",
            }
        )
    return {"phase": batch.phase, "wave": batch.wave, "resources": rows, "more": max(0, len(keys) - NAMED)}


def said(checks: Mapping[str, Any]) -> Iterator[str]:
    """A checklist as lines, for the screen and for the notification."""
    ended, following = checks["ended"], checks["next"]
    if ended:
        yield f"look at what {ended['phase']}, wave {ended['wave']} did:"
        for one in ended["resources"]:
            place = f" serves in {one['serves_in']}" if one["serves_in"] else ""
            facts = (one["endpoint"], one["health_check_url"] and f"health check {one['health_check_url']}")
            yield f"  [ ] {one['resource']}{place}{''.join(f', {fact}' for fact in facts if fact)}"
        yield from _more(ended["more"])
    if checks["open"]:
        yield "not done:"
        yield from (f"  [ ] {one['resource']} ({one['phase']}) is {one['status']}: {one['why']}" for one in checks["open"])
        yield from _more(checks["more_open"])
    named = ", ".join(following["resources"]) or "nothing is left to do in it"
    yield f"next is {following['phase']}, wave {following['wave']}: {named}"
    yield from _more(following["more"])
    if following["one_way"]:
        yield f"  cannot be taken back: {', '.join(following['one_way'])}"


def _more(number: int) -> Iterator[str]:
    if number:
        yield f"  and {number} more"


def gate_of(request: Mapping[str, Any]) -> str:
    """The gate of a stored request to pause."""
    return f"{PREFIX}{request['SK'].rpartition('#')[2]}"


def unanswered(approvals: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The last pause's approval as it was asked for last, when it was not given; None when nothing holds the execution."""
    found = [one for one in approvals if one["gate"].startswith(PREFIX)]
    last = max(found, key=lambda one: (one["gate"], one["number"]), default=None)
    return None if last is None or last["state"] == "approved" else dict(last)


def alert(store: Store, notifier: Notifier, execution: Mapping[str, Any], actor: Callable[[], str]) -> bool:
    """Tells people that a pause was not decided in time, once, whoever sees it first; gives whether it was told now.

    execution: as `Store.get_execution` gives it. actor: who looks. Approves nothing and resumes nothing; a later decision with that
    token is refused. Never raises for what AWS refuses: whoever may only read looks on.
    """
    if execution["status"] != "PAUSED":
        return False
    try:
        return _alert(store, notifier, execution, actor)
    except DrError:
        return False
    except Exception as error:
        if classify(error) is None:
            raise
        return False


def _alert(store: Store, notifier: Notifier, execution: Mapping[str, Any], actor: Callable[[], str]) -> bool:
    approvals, name = Approvals(store), execution["execution_id"]
    pending = [one for one in approvals.of(name) if one["gate"].startswith(PREFIX) and one["state"] == "pending"]
    late = [one for one in pending if approvals.overdue(one)]
    for one in late:
        who, resume = actor(), resume_command(execution)
        try:
            approvals.end(one, who)
        except RefusedError:  # somebody else saw it at this moment
            return False
        text = f"nobody has decided about {one['gate']} until {one['timeout_at']}; it stays PAUSED, nothing was approved"
        sent = notifier.send("pause_timed_out", execution, text=text, remedy=f"{resume} asks again")
        store.note(name, "notified", actor=who, event="pause_timed_out", **sent)
    return bool(late)
