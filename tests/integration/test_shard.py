# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One failover by several runners, started by hand as a driver does it: turns, a shared wave, and who may not join."""

from __future__ import annotations

from typing import Any

from playbook import BILLING, BUCKET, EAST, FULL, NONE, SCOPE, SHOP, TABLE, WEST, Operator, estate, names, pointing, tasks
from test_examples import play, written

from ansible_collections.dr.aws.plugins.module_utils import relay
from ansible_collections.dr.aws.plugins.module_utils.dynamo import epoch
from ansible_collections.dr.aws.plugins.module_utils.store import Store

ASKED = {**SCOPE, "mode": "unplanned", "approval_mode": "automatic", "phases": "activate"}
DRIVER = "arn:aws:states:us-west-2:100000000000:execution:dr-aws:one"


def test_a_wave_is_carried_out_by_accounts_and_proven_as_a_whole(sandbox: Any, operator: Operator) -> None:
    operator.load(estate())
    operator.readiness()
    store = Store(sandbox.client("dynamodb"), sandbox.client("s3"), TABLE, BUCKET)
    driven = {"driver": f"{DRIVER}#0", "shard_size": 2}  # wave 1 has two resources, waves 2 and 3 have three

    first = operator.run("failover", **ASKED, **driven).ok()
    name = first.execution_id
    assert f"execution {name}: activate of wave 2 is carried out by 2 shards" in first.out
    here = relay.position(store, name)
    assert (here["step"], here["shards"], here["accounts"]) == ("shards", ["0", "1"], [[SHOP], [BILLING]])
    assert tasks(sandbox, WEST) == {**NONE, "ledger": FULL["ledger"], "orders": FULL["orders"]}
    operator.run("failover", execution_id=name).refused(f"is being worked on by execution {name}, runner {DRIVER}#0")
    operator.run("shard", execution_id=name, driver=f"{DRIVER}#0", shard=2).refused("shard=2 cannot be used; allowed: 0 to 1")

    shard = written(operator, [play("localhost", "shard")])
    assert operator.run(shard, execution_id=name, driver=f"{DRIVER}#0").ok().changed == 1
    there = {**NONE, "ledger": FULL["ledger"], "orders": FULL["orders"], "basket": FULL["basket"], "storefront": FULL["storefront"]}
    assert tasks(sandbox, WEST) == there, "the other account's services wait for their own runner"
    assert store.status(name)["counts"] == {"activate": {"done": 4}}
    events = [entry["event"] for entry in store.status(name, limit=None)["timeline"]]
    assert events.count("health_checked") == 1, "nothing is proven of a wave whose shards have not all ended"
    lock = store.table.get("LOCK#acme#production", "LOCK") or {}
    ended = next(one["at"] for one in store.audit(name) if one["event_type"] == "shard_ended")
    assert lock["lease_until"] - epoch(ended) >= relay.HANDOVER_SECONDS, "it is kept for the runner that follows"

    # The driver's second attempt, while the first has left a shard undone: it takes over, and one runner finishes the wave.
    second = operator.run("shard", execution_id=name, driver=f"{DRIVER}#1", shard=1).ok()
    assert second.changed == 1 and tasks(sandbox, WEST) == FULL
    operator.run("shard", execution_id=name, driver=f"{DRIVER}#0", shard=1).refused(f"runner {DRIVER}#1")
    again = operator.run("failover", execution_id=name, driver=f"{DRIVER}#1").ok()
    assert (tasks(sandbox, EAST), names(sandbox)) == (FULL, pointing(WEST))
    found = store.status(name, limit=None)
    assert (found["status"], found["counts"]) == ("COMPLETED", {"activate": {"done": 8}})
    assert "nothing was shared" not in again.out and "health of wave 2: HEALTHY" in again.out
    updates = [call["params"] for call in operator.mutations() if call["operation"] == "UpdateService" and call["region"] == WEST]
    assert len(updates) == len(FULL), "each service was asked to serve once, by whichever runner had it"
    events = [entry["event"] for entry in found["timeline"]]
    assert events.count("shard_ended") == 2 and events.count("health_checked") == 3
