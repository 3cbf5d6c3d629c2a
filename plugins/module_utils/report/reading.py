# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads all that the store holds of one execution, for its report."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import evidence
from ..errors import DrError
from ..plan import Plan
from ..store import Store


@dataclass(frozen=True, slots=True)
class Seen:
    """One execution as the store holds it. JSON values, except for the plan.

    status: as `Store.status`. record: as `Store.get_execution`. plan: None when it cannot be relied on; plan_problem says why then.
    results: [{key, phase, status, at, outputs, why, remedy, seconds}], a phase that was done and then found ill has both.
    calls: [{key, phase, call, region, one_way, outcome}]. debts: all of the customer and environment, settled_at may be None.
    audit_problems: what is wrong with the chain, in DynamoDB and in S3. objects: [{what, s3, sha256}], s3 with its bucket. now:
    epoch seconds.
    """

    status: Mapping[str, Any]
    record: Mapping[str, Any]
    plan: Plan | None
    plan_problem: str
    captured: Mapping[str, Mapping[str, Any]]
    results: Sequence[Mapping[str, Any]]
    calls: Sequence[Mapping[str, Any]]
    audit: Sequence[Mapping[str, Any]]
    audit_problems: Sequence[str]
    debts: Sequence[Mapping[str, Any]]
    now: float
    objects: Sequence[Mapping[str, str]] = field(default_factory=tuple)
    region: str = ""


def read(store: Store, execution_id: str) -> Seen:
    """What the store holds. DrError when there is no such execution; a plan or a result that was changed is said in the report."""
    status = store.status(execution_id, limit=None)
    name = status["execution_id"]
    record = store.get_execution(name)
    plan, captured, problem = _plan(store, name, str(record.get("plan_sha256") or ""))
    results, calls, large = _carried_out(store, name)
    return Seen(
        status=status,
        record=record,
        plan=plan,
        plan_problem=problem,
        captured=captured,
        results=results,
        calls=calls,
        audit=store.audit(name),
        audit_problems=evidence.verify(store, name),
        debts=store.debts(record["customer"], record["environment"]),
        now=store.clock(),
        objects=[*_objects(store, name), *large],
        region=store.region,
    )


def _plan(store: Store, name: str, approved: str) -> tuple[Plan | None, Mapping[str, Any], str]:
    """The plan, what was captured beside it, and what is wrong with it."""
    try:
        body = store.get_plan(name)
        plan = Plan.from_json(body["plan"])
    except DrError as error:
        return None, {}, str(error)
    except (KeyError, TypeError, ValueError) as error:  # of another version of this collection; reports are read for seven years
        return None, {}, f"this version of the collection cannot read it: {error}"
    problem = "" if plan.sha256 == approved else "it is not the plan that the execution was started with"
    return plan, body["captured"], problem


def _carried_out(store: Store, name: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, str]]]:
    """Results, calls, and results that are objects in the bucket."""
    results, calls, large = [], [], []
    for item in store.table.query(f"EXEC#{name}", "P#"):
        if "body" not in item:
            calls.append({one: item[one] for one in ("key", "phase", "call", "region", "one_way", "outcome")})
            continue
        entry = {one: item[one] for one in ("key", "phase", "status", "at")}
        try:
            results.append({**store.body(item["body"]), **entry})
        except DrError as error:
            results.append({**entry, "why": f"its details cannot be read: {error}"})
        inside = json.loads(item["body"])
        if set(inside) == {"s3", "sha256"}:
            large.append(_object(f"result of {item['phase']}, {item['key']}", store.bucket, inside))
    return results, calls, large


def _objects(store: Store, name: str) -> list[dict[str, str]]:
    """The plan, earlier reports, and the audit trail's segments."""
    found = []
    for prefix, bucket in (("PLAN", store.bucket), ("REPORT#", store.bucket), ("EVID#", store.audit_bucket)):
        for item in store.table.query(f"EXEC#{name}", prefix):
            entries = f"audit entries {item.get('first')} to {item.get('last')}"
            what = {"PLAN": "plan", "EVID#": entries}.get(prefix) or item["what"]
            found.append(_object(what, bucket, item))
    return found


def _object(what: str, bucket: str, pointer: Mapping[str, Any]) -> dict[str, str]:
    return {"what": what, "s3": f"s3://{bucket}/{pointer['s3']}", "sha256": str(pointer["sha256"])}
