# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Route 53 record sets as ACTIVATE wants them: simple, weighted and failover. Pure; facts: the Route 53 developer guide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..model import Blocked, Goal, Pair, Unreachable
from .route53_state import CONTROL_PLANE, Answer, Seen, answer_of, show

DEFAULT_TTL_SECONDS: Final = 60
DEFAULT_WEIGHT: Final = 100


def unusable(seen: Seen, goal: Goal, to: str) -> Blocked | None:
    """Why the name cannot be moved to a region, if it cannot."""
    wanted, pair = (seen.target if to == goal.pair.target_region else seen.source), goal.pair
    label = f"{seen.name} {seen.type}"
    asked = pair.settings.get("routing", seen.routing)
    match seen.sets:
        case Unreachable():
            return Blocked(*CONTROL_PLANE)
        case None:
            return Blocked(
                f"there is no hosted zone {seen.zone} in account {pair.account}", "correct the record's zone in the inventory"
            )
        case ():
            return Blocked(f"there is no record {label} in zone {seen.zone}", f"correct its name in the inventory\n{show(seen)}")
    if seen.routing == "other" or asked != seen.routing:
        why = (
            f"{label} has routing {seen.routing}, {asked} was asked for"
            if asked != seen.routing
            else f"{label} is neither simple, weighted nor failover"
        )
        return Blocked(why, "name one of its record sets (…/type/set_identifier), or correct `routing` in the inventory")
    if wanted is None:
        why = f"it is not known what {label} answers when {to} serves"
        return Blocked(
            why, f"add values of {to} to `records` in the inventory file, or to the zone's tag dr:record:{seen.name}/{seen.type}"
        )
    if seen.source == seen.target:
        return Blocked(f"{label} has the same values in both regions", "correct `records` in the inventory file")
    return None


def desired(
    seen: Seen, goal: Goal, to: tuple[str, Answer | None], away: tuple[str, Answer | None]
) -> Sequence[Mapping[str, Any]] | Blocked:
    """The record sets as they are to be; record sets of the name that belong to neither region stay as they are."""
    (region, answer), (other, old), sets, pair = to, away, seen.sets, goal.pair
    if not isinstance(sets, tuple):
        raise AssertionError("sets is no tuple")
    if answer is None:
        raise AssertionError("answer is None")
    if seen.routing == "simple":
        return [_with(sets[0], answer, pair)]
    checks = pair.settings.get("health_checks", {})
    if seen.routing == "failover":
        primary = next((one for one in sets if one["Failover"] == "PRIMARY"), None)
        secondary = next((one for one in sets if one["Failover"] == "SECONDARY"), None)
        if primary is None:
            return Blocked(f"{seen.name} {seen.type} has no PRIMARY record set", f"add it\n{show(seen)}")
        if answer_of(primary, seen.type) == answer:
            return [primary]
        old = old or answer_of(primary, seen.type)
        health = {answer_of(one, seen.type): one.get("HealthCheckId") for one in sets}  # a check follows what it checks
        new = [_with(primary, answer, pair, checks.get(region) or health.get(answer))]
        return [*new, _with(secondary, old, pair, checks.get(other) or health.get(old))] if secondary else new
    here, there = _of(seen, pair, region, answer), _of(seen, pair, other, old)
    if here is None:
        why = f"no weighted record set of {seen.name} {seen.type} belongs to {region}"
        return Blocked(why, f"create it with weight 0, or name it: set_identifiers.{region}\n{show(seen)}")
    if there is None and old is None:
        why = f"it is not known which weighted record set of {seen.name} {seen.type} belongs to {other}"
        return Blocked(why, f"add its values to the inventory, or name it: set_identifiers.{other}")
    weights = {one.get("SetIdentifier"): one.get("Weight", 0) for one in goal.captured.get("records", ())}
    weight = here["Weight"] or weights.get(here["SetIdentifier"]) or (there or {}).get("Weight") or DEFAULT_WEIGHT
    up = {**_with(here, answer, pair, here.get("HealthCheckId")), "Weight": weight}
    return [up, {**there, "Weight": 0}] if there else [up]


def _of(seen: Seen, pair: Pair, region: str, answer: Answer | None) -> Mapping[str, Any] | None:
    """A region's weighted record set: by the configured identifier, else by what it answers."""
    if not isinstance(seen.sets, tuple):
        raise AssertionError("seen.sets is no tuple")
    ident = pair.settings.get("set_identifiers", {}).get(region)
    return next(
        (one for one in seen.sets if (one["SetIdentifier"] == ident if ident else answer_of(one, seen.type) == answer)), None
    )


def _with(record: Mapping[str, Any], answer: Answer, pair: Pair, check: str | None = None) -> dict[str, Any]:
    """The record set with another answer. check: its health check, None for none; a single record set keeps its own."""
    if answer_of(record, record["Type"]) == answer and record.get("HealthCheckId") == check:
        return dict(record)
    kept = {name: value for name, value in record.items() if name not in ("TTL", "ResourceRecords", "AliasTarget")}
    if "Failover" in record:
        kept.pop("HealthCheckId", None)
    if check:
        kept["HealthCheckId"] = check
    if answer.alias:
        zone, name, evaluate = answer.alias
        return {**kept, "AliasTarget": {"HostedZoneId": zone, "DNSName": name, "EvaluateTargetHealth": evaluate}}
    ttl = int(pair.settings.get("ttl") or record.get("TTL") or DEFAULT_TTL_SECONDS)
    return {**kept, "TTL": ttl, "ResourceRecords": [{"Value": value} for value in answer.values]}


def essence(record: Mapping[str, Any], kind: str) -> tuple[Any, ...]:
    """What two record sets of one name and type are compared by."""
    return answer_of(record, kind), record.get("Weight"), record.get("Failover"), record.get("HealthCheckId")
