# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a turn that is not the end of the execution: what comes next is opened, and left to the driver (`relay`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils import calendars, relay
from ansible_collections.dr.aws.plugins.module_utils.approvals import Approvals
from ansible_collections.dr.aws.plugins.module_utils.dynamo import RefusedError, epoch
from ansible_collections.dr.aws.plugins.module_utils.errors import DrError
from ansible_collections.dr.aws.plugins.module_utils.lock import Member
from ansible_collections.dr.aws.plugins.module_utils.plan import Batch, Plan
from ansible_collections.dr.aws.plugins.module_utils.run import Run
from ansible_collections.dr.aws.plugins.plugin_utils import gate
from ansible_collections.dr.aws.plugins.plugin_utils.batch_action import BatchAction


def hands_over(execution: Mapping[str, Any]) -> bool:
    """Whether the run is a turn that others follow. execution: the fact `dr_execution`."""
    return (execution.get("turn") or {}).get("step", relay.END) != relay.END


def hand_over(action: BatchAction, run: Run, seconds: int) -> dict[str, Any]:
    """Opens what comes next and stores it; the lock stays with the execution. Gives the result of the task.

    seconds: how long an approval is waited for. DrError where the execution pauses or ends here, as before any wave.
    """
    turn, plan = run.execution["turn"], run.plan
    if plan is None or not isinstance(run.lock, Member):
        raise DrError("a turn needs a plan and a place among the runners", "start it with driver=… (docs/engines.md)")
    number = int(turn["last"])
    batch = plan.batches[number]
    hosts: dict[str, dict[str, Any]] = {entry.key: {} for entry in batch.entries}
    gate.before(action, run, batch.phase, hosts, seconds)
    run.lock.renew()
    kept = relay.HANDOVER_SECONDS
    if turn["step"] == relay.APPROVAL:
        kept += _asked(action, run, number, batch, seconds)
        said = f"it goes on when {batch.phase} of wave {batch.wave} is approved"
    else:
        calendars.pause(run, f"{batch.phase}, wave {batch.wave}")
        shards = _shared(run, plan, number, int(turn["size"]))
        said = f"{batch.phase} of wave {batch.wave} is carried out by {shards} shards"
    action.warn(run.publish())
    action.warn(run.secure())
    action.say(f"execution {run.execution_id}: {said}", event="handed_over", step=turn["step"], execution_id=run.execution_id)
    run.lock.leave(kept)
    return {"changed": False, "status": "RUNNING", "next": {"step": turn["step"], "phase": batch.phase, "wave": batch.wave}}


def finish(run: Run) -> None:
    """Says to the driver, where there is one, that nothing follows."""
    if run.execution.get("turn"):
        relay.put(run, int(run.execution["turn"]["last"]), relay.END)


def _asked(action: BatchAction, run: Run, number: int, batch: Batch, seconds: int) -> int:
    """Asks for the approval, or stays with the request that is open; gives for how many seconds it is.

    DrError when what was asked was rejected, or is over: each ends the execution as it does without a driver.
    """
    if batch.gate is None:
        raise DrError(f"wave {batch.wave} of {batch.phase} needs no approval", run.resume_command())
    before, approvals = relay.position(run.store, run.execution_id), Approvals(run.store)
    last = next((one for one in approvals.of(run.execution_id) if one["SK"] == before.get("approval")), None)
    if last and last["state"] == "pending" and approvals.overdue(last):
        try:
            last = approvals.end(last, run.actor)
        except RefusedError as refused:
            last = dict(refused.item)
    if last and last["state"] == "pending":
        relay.put(run, number, relay.APPROVAL, approval=last["SK"])
        return max(0, int(epoch(last["timeout_at"]) - run.store.clock()))
    relay.put(run, number, relay.APPROVAL)
    if last and last["state"] in ("rejected", "timed_out"):
        raise gate.refused(run, last)
    request = gate.post(action, run, gate.own(run, batch, batch.gate, seconds))
    relay.put(run, number, relay.APPROVAL, approval=request.sort_key)
    return seconds


def _shared(run: Run, plan: Plan, number: int, size: int) -> int:
    """Splits what is left of the batch; gives the number of shards."""
    batch = plan.batches[number]
    pairs = relay.shared(plan, batch, relay.unfinished(run, batch))
    accounts, keys = relay.split(pairs, size), {pair.key for pair in pairs}
    known = run.journal.known(batch.phase)
    counts = Counter(one["result"]["status"] for key, one in known.items() if one["result"] and key not in keys)
    relay.share(run.store, run.execution_id, number, plan, counts)
    relay.put(run, number, relay.SHARDS, accounts=accounts)
    run.note("wave_shared", phase=batch.phase, wave=batch.wave, resources=len(pairs), shards=len(accounts))
    return len(accounts)
