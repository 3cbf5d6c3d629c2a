# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans that are kept before anything is done: stored under an id, and held against reality when an execution takes one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from .errors import DrError
from .plan import HOW, Plan, PlanError
from .scope import to_json
from .store import Store, new_execution_id

#: What of a pair says nothing about what will be done with it.
SILENT: Final = frozenset({"key", "tags", "source_arn", "health_check_url"})
#: How many differences an error names.
NAMED: Final = 5


def put(store: Store, plan: Plan, beside: Mapping[str, Any]) -> str:
    """Stores a plan, and beside it what was seen when it was made; gives its id, plan-…"""
    name = new_execution_id(store.clock()).replace("dr-", "plan-", 1)
    body = {**beside, "plan": plan.to_json()}
    pointer = store.put_object(f"plans/{name}.json", json.dumps(body, sort_keys=True, default=str).encode())
    item = {"customer": plan.parameters.customer, "environment": plan.parameters.environment, "plan_sha256": plan.sha256}
    store.table.put({"PK": f"PLAN#{name}", "SK": "PLAN", **item, **pointer, "expires_at": store.expiry()})
    return name


def get(store: Store, name: str) -> Plan:
    """A stored plan. DrError when there is none, or it was changed."""
    pointer = store.table.get(f"PLAN#{name}", "PLAN")
    if pointer is None:
        raise DrError(f"there is no plan {name}", "make one: ansible-playbook dr.aws.plan -e customer=… -e environment=…")
    return Plan.from_json(json.loads(store.get_object(pointer))["plan"])


def refuse_drift(name: str, before: Plan, now: Plan) -> None:
    """PlanError when reality is no longer what a stored plan was made for."""
    found = list(drift(before, now))
    if found:
        more = f"; and {len(found) - NAMED} more" if len(found) > NAMED else ""
        remedy = "make a new plan, or leave out plan_id to go on with what is there now"
        raise PlanError(f"{name} does not fit any more: {'; '.join(found[:NAMED])}{more}", remedy)


def drift(before: Plan, now: Plan) -> Iterator[str]:
    """What differs, in words. What is deferred is no drift: that the source region goes dark is what plans are made for."""
    asked, given = before.parameters.to_json(), now.parameters.to_json()
    for name in asked:
        if asked[name] != given[name] and name not in HOW:
            yield f"{name} is {_said(given[name])}, and {_said(asked[name])} in the plan"
    old, new = ({pair.key: to_json(pair) for pair in plan.pairs} for plan in (before, now))
    for key in sorted(old.keys() - new.keys()):
        yield f"{key} is not there any more"
    for key in sorted(new.keys() - old.keys()):
        yield f"{key} is new"
    for key in sorted(old.keys() & new.keys()):
        for name in old[key]:
            was, is_now = (json.dumps(one[key][name], sort_keys=True, default=str) for one in (old, new))
            if was != is_now and name not in SILENT:
                yield f"{name} of {key} is {is_now}, and {was} in the plan"
    for key in sorted((before.done("activate") ^ now.done("activate")) & old.keys() & new.keys()):
        where = "serves already" if key in now.done("activate") else "does not serve any more"
        yield f"{key} {where} in {now.parameters.target_region}"


def _said(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
