# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""reprotect.yml: debts first, then what was left; on a schedule; end states by plain boto3."""

from __future__ import annotations

import re
from typing import Any

from playbook import (
    BUCKET,
    DATABASE,
    EAST,
    FULL,
    NONE,
    SCOPE,
    SERVICES,
    SHOP,
    TABLE,
    WEST,
    Operator,
    database,
    estate,
    key_of,
    tasks,
    unfolded,
)

from ansible_collections.dr.aws.plugins.module_utils.store import Lock, Store

#: Of wave 2, as others that owe nothing, after all of wave 1.
STOREFRONT = key_of(SHOP, "shop", "storefront")


def debts(operator: Operator, execution_id: str) -> set[str]:
    return {debt["resource"] for debt in operator.status(execution_id)["debts"]}


def changed(call: dict[str, Any]) -> str:
    """What of the estate a call changes: the database, or a service by its name."""
    found = [name for name in FULL if f"'{name}'" in repr(call["params"]) or f"/{name}" in repr(call["params"])]
    return found[0] if found else "database"


def test_debts_are_settled_before_anything_else_when_the_source_comes_back_writable(sandbox: Any, operator: Operator) -> None:
    """Lost, failed over, looked at in vain, back with a source that takes writes: first it is fenced, then all the rest."""
    operator.load(estate(database=True))
    operator.readiness()
    sandbox.dark(EAST)
    there = operator.failover().ok()
    kept = {DATABASE, *(key_of(account, cluster, name) for account, cluster, name, _wave, _tasks in SERVICES)}
    assert debts(operator, there.execution_id) == kept
    assert "ansible-playbook dr.aws.reprotect -e customer=acme -e environment=production" in unfolded(there.out)

    mark = operator.mark()
    waiting = operator.run("reprotect", **SCOPE).ok()
    assert (waiting.changed, operator.mutations(mark)) == (0, [])
    assert debts(operator, waiting.execution_id) == kept
    for words in (f"{EAST} does not answer", "not protected yet: 6 of 6 resources", "fence debt: "):
        assert words in unfolded(waiting.out)
    checked = operator.run("reprotect", "--check", **SCOPE).ok()
    assert (checked.changed, operator.mutations(mark)) == (0, [])

    sandbox.clear_faults()
    assert (database(sandbox, EAST), database(sandbox, WEST)) == ("serves", "serves"), "both take writes"
    assert tasks(sandbox, EAST) == FULL
    store = Store(sandbox.client("dynamodb"), sandbox.client("s3"), TABLE, BUCKET)
    for key in kept - {DATABASE, STOREFRONT}:
        assert store.settle("acme", "production", key) == 1
    mark = operator.mark()
    ran = operator.run("reprotect", **SCOPE).ok()
    order = [changed(call) for call in operator.mutations(mark)]
    settled = max(order.index(name) for name in ("database", "storefront"))
    others = [order.index(name) for name in FULL if name != "storefront"]
    assert min(others) > settled
    assert set(order[: min(others)]) == {"database", "storefront"}, "nothing else before the debts are settled"
    assert (database(sandbox, WEST), tasks(sandbox, EAST), tasks(sandbox, WEST)) == ("serves", NONE, FULL)
    assert database(sandbox, EAST) == "replica"
    status = operator.status(ran.execution_id)
    assert (status["status"], status["deferred"], status["debts"]) == ("COMPLETED", [], [])
    assert status["counts"] == {"cleanup": {"done": 6}, "replicate": {"done": 6}}
    assert "protected again: all 6 resources" in ran.out
    assert f"  {DATABASE}: " in ran.out

    mark = operator.mark()
    again = operator.run("reprotect", **SCOPE).ok()
    assert (again.changed, operator.mutations(mark)) == (0, [])
    assert "protected again: all 6 resources" in again.out
    assert re.search(rf"{DATABASE}: \d+ s behind", again.out)


def test_what_never_moved_is_left_alone(sandbox: Any, operator: Operator) -> None:
    """Also before there is a control plane; and while another execution works, it says which."""
    operator.load(estate(database=True))
    checked = operator.run("reprotect", "--check", **SCOPE).ok()
    assert "check mode: nothing was changed, nothing was stored" in checked.out
    operator.readiness()
    store = Store(sandbox.client("dynamodb"), sandbox.client("s3"), TABLE, BUCKET)
    other = Lock(store)
    other.acquire("acme", "production", owner="dr-20261128T163000Z-7f3a9c", runner="elsewhere")
    operator.run("reprotect", **SCOPE).refused("is being worked on by execution dr-20261128T163000Z-7f3a9c")
    other.release()
    ran = operator.run("reprotect", **SCOPE).ok()
    assert (ran.changed, operator.mutations()) == (0, [])
    assert "left alone, no execution has moved them" in ran.out
    assert (tasks(sandbox, EAST), database(sandbox, EAST)) == (FULL, "serves")
