# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Route 53 records: one atomic batch moves a name to the other region; or ARC routing controls, without any control plane.

Facts: the Route 53 API reference (ChangeResourceRecordSets, GetChange), its developer guide (failover, accelerated
recovery), and the ARC developer guide (routing control). Route 53 answers queries everywhere, but changes are made in us-east-1.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeAlias

from ..model import UNREACHABLE, Active, Blocked, Call, Check, Done, Goal, Health, Pair, Step, Unreachable, Wait
from .base import Adapter, Reader

#: Seconds that a change needs to reach every name server: usual, and when something is wrong.
INSYNC_SECONDS, INSYNC_TIMEOUT_SECONDS = 60, 600
#: Above so many names of one zone, the zone is listed whole: five requests a second is all an account has.
WHOLE_ZONE_ABOVE = 3
DEFAULT_TTL_SECONDS, DEFAULT_WEIGHT = 60, 100
COMMENT_LIMIT = 256
#: Types whose values are not host names or addresses: compared as they are.
LITERAL = ("TXT", "SPF", "CAA")
CLUSTER = "route53-recovery-cluster"
CONTROL_PLANE = (
    "Route 53's control plane does not answer; it runs in us-east-1",
    "resume this execution when it answers; ARC routing controls (routing: arc), set up beforehand, do not need it",
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a record set answers with. values: normalised and sorted. alias: (hosted zone id, DNS name, evaluates health)."""

    values: tuple[str, ...] = ()
    alias: tuple[str, str, bool] | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A change that was submitted in this execution. status: PENDING or INSYNC; LOST when Route 53 does not know it (any more)."""

    id: str
    status: str
    submitted_at: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """The record sets of one name and type (of one set identifier where the resource names one).

    sets: as AWS lists them; None when there is no such zone. source, target: what the inventory says they answer in each region.
    """

    zone: str
    name: str
    type: str
    sets: tuple[Mapping[str, Any], ...] | Unreachable | None
    source: Answer | None
    target: Answer | None
    single: bool = False
    change: Change | None = None

    @property
    def routing(self) -> str:
        """simple, weighted, failover, or other."""
        sets = self.sets if isinstance(self.sets, tuple) else ()
        if self.single or all("SetIdentifier" not in one for one in sets):
            return "simple"
        return next(
            (kind for kind, field in (("weighted", "Weight"), ("failover", "Failover")) if all(field in one for one in sets)),
            "other",
        )


@dataclass(frozen=True, slots=True)
class Switch:
    """Two ARC routing controls: whether each region's is On, and the cluster endpoint (service, region) that said so."""

    source: bool
    target: bool
    service: str
    region: str


Observation: TypeAlias = "Seen | Switch | Unreachable | None"


class Route53Record(Adapter):
    """Route 53 record sets; identifiers are `zone_id/name/type[/set_identifier]`.

    Settings (inventory or manifest):
    values: {region: [value, …]}, or alias: {region: {dns_name, hosted_zone_id, evaluate}}: what the record answers in each region.
    ttl: seconds, of records that are changed; the record's own when left out.
    routing: `arc` switches routing controls; anything else must be what Route 53 has (simple, weighted, failover).
    set_identifiers: {region: identifier} of weighted record sets; found by their values when left out.
    health_checks: {region: id} of failover record sets; those of the records with that region's values when left out.
    routing_controls: {region: ARN}; cluster_endpoints: [{endpoint, region}]: for `routing: arc`.
    """

    technology = "route53"
    phases = ("activate",)
    busy = frozenset({"PriorRequestNotComplete"})
    durations: ClassVar[Mapping[str, int]] = {"activate": INSYNC_SECONDS}
    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "observe": (f"{CLUSTER}:GetRoutingControlState", "route53:GetChange", "route53:ListResourceRecordSets"),
        "activate": (f"{CLUSTER}:UpdateRoutingControlStates", "route53:ChangeResourceRecordSets"),
        "rollback": (f"{CLUSTER}:UpdateRoutingControlStates", "route53:ChangeResourceRecordSets"),
    }

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Observation]:
        names = {pair.key: _names(pair) for pair in pairs if pair.settings.get("routing") != "arc"}
        zones: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for zone, name, kind, _ident in names.values():
            zones[zone] |= {(name, kind)} if name and kind else set()
        listed = {zone: _listed(reader, pairs[0], zone, wanted) for zone, wanted in zones.items()}
        seen: dict[str, Observation] = {}
        for pair in pairs:
            if pair.key not in names:
                seen[pair.key] = _switch(reader, pair)
                continue
            zone, name, kind, ident = names[pair.key]
            found = listed[zone]
            if isinstance(found, dict):
                sets = [one for one in found.get((name, kind), ()) if not ident or one.get("SetIdentifier") == ident]
                found_sets: tuple[Mapping[str, Any], ...] | Unreachable | None = tuple(sets)
            else:
                found_sets = found
            source, target = (_configured(pair, region, kind) for region in (pair.source_region, pair.target_region))
            seen[pair.key] = Seen(zone, name, kind, found_sets, source, target, bool(ident), _change(reader, pair))
        return seen

    def active(self, seen: Observation) -> Active:
        """By what the record says: a name that still gives any answer of the source is served from the source.

        Both regions in one weighted name is no split brain (DNS holds no data): it is SOURCE until the target is alone.
        """
        match seen:
            case Switch(source=source, target=target):
                return Active.SOURCE if source else Active.TARGET if target else Active.NEITHER
            case Seen(sets=Unreachable()) | Unreachable() | None | Seen(target=None) | Seen(source=None):
                return Active.UNKNOWN
            case Seen(sets=None | ()):
                return Active.NEITHER
            case Seen(source=source, target=target) if source == target:
                return Active.UNKNOWN
        answers = _serving(seen)
        if seen.source in answers:
            return Active.SOURCE
        return Active.TARGET if seen.target in answers else Active.NEITHER

    def activate(self, seen: Observation, goal: Goal) -> Step:
        """The name answers with the target: one batch, then until every name server has it."""
        pair = goal.pair
        if isinstance(seen, Seen) and seen.source is None:
            seen = replace(seen, source=_captured_answer(seen, goal))
        match seen:
            case Switch() as switch:
                return _switched(switch, goal, to=pair.target_region, away=pair.source_region) or Done(
                    {"routing_control": pair.settings["routing_controls"][pair.target_region], "state": "On"}
                )
            case Seen() if blocked := _unusable(seen, goal, pair.target_region):
                return blocked
            case Seen() if goal.planned and seen.source and self.active(seen) is Active.NEITHER:
                why = f"{seen.name} {seen.type} answers with neither region's values: {_said(seen)}"
                return Blocked(why, f"correct the record, or its values in the inventory, before it is moved\n{_show(seen)}")
            case Seen(source=source, target=target):
                return _moved(seen, goal, to=(pair.target_region, target), away=(pair.source_region, source))
        return Blocked(*(_NO_CLUSTER if seen is None else _CLUSTER_SILENT))

    def rollback(self, seen: Observation, goal: Goal) -> Step:
        """The name answers with the source again: nothing is lost by moving a name."""
        pair = goal.pair
        if isinstance(seen, Seen) and seen.source is None:
            seen = replace(seen, source=_captured_answer(seen, goal))
        match seen:
            case Switch() as switch:
                return _switched(switch, goal, to=pair.source_region, away=pair.target_region) or Done(
                    {"routing_control": pair.settings["routing_controls"][pair.source_region], "state": "On"}
                )
            case Seen() if blocked := _unusable(seen, goal, pair.source_region):
                return blocked
            case Seen(source=source, target=target):
                return _moved(seen, goal, to=(pair.source_region, source), away=(pair.target_region, target))
        return Blocked(*(_NO_CLUSTER if seen is None else _CLUSTER_SILENT))

    def health(self, seen: Observation, goal: Goal) -> Health:
        side = self.active(seen)
        detail = _said(seen) if isinstance(seen, Seen) and isinstance(seen.sets, tuple) else side.value
        checks = [Check("record", side is Active.TARGET, detail)]
        if isinstance(seen, Seen) and seen.change:
            checks.append(Check("propagated", seen.change.status != "PENDING", seen.change.status))
        return Health(tuple(checks), required=("record",))

    def capture(self, seen: Observation, pair: Pair) -> Mapping[str, Any]:
        """The record sets as they are while the source serves: what a rollback restores."""
        if not isinstance(seen, Seen) or not isinstance(seen.sets, tuple) or not seen.sets:
            return {}
        if self.active(seen) is Active.SOURCE or (seen.source is None and seen.target not in _serving(seen)):
            return {"records": [dict(one) for one in seen.sets]}
        return {}

    def receipt(self, call: Call, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """The change's id: no describe call gives it back."""
        return {"change_id": answer["ChangeInfo"]["Id"]} if "ChangeInfo" in answer else {}


_NO_CLUSTER = (
    "routing arc needs the routing controls of both regions and the cluster's endpoints",
    "add routing_controls: {region: ARN} and cluster_endpoints: [{endpoint, region}] to the record's settings",
)
_CLUSTER_SILENT = (
    "none of the ARC cluster's endpoints answers",
    "check `cluster_endpoints` and the network's way to them; the routing controls are unchanged",
)


def normalised_name(name: str) -> str:
    """A record's name as Route 53 compares it: lower case, no trailing dot, `*` as itself."""
    return name.lower().rstrip(".").replace("\\052", "*")


def _names(pair: Pair) -> tuple[str, str, str, str]:
    """(zone id, name, type, set identifier or ""), from the identifier."""
    zone, name, kind, ident = [*pair.source_id.split("/", 3), "", "", ""][:4]
    return zone, normalised_name(name), kind, ident


def _value(value: str, kind: str) -> str:
    return value if kind in LITERAL else value.lower().rstrip(".")


def _answer(record: Mapping[str, Any], kind: str) -> Answer:
    alias = record.get("AliasTarget")
    if alias:
        return Answer(alias=(alias["HostedZoneId"], normalised_name(alias["DNSName"]), bool(alias["EvaluateTargetHealth"])))
    return Answer(tuple(sorted(_value(one["Value"], kind) for one in record.get("ResourceRecords", ()))))


def _configured(pair: Pair, region: str, kind: str) -> Answer | None:
    """What the inventory says the name answers when `region` serves."""
    alias = pair.settings.get("alias", {}).get(region)
    if alias:
        return Answer(alias=(alias["hosted_zone_id"], normalised_name(alias["dns_name"]), bool(alias.get("evaluate", False))))
    values = pair.settings.get("values", {}).get(region)
    return Answer(tuple(sorted(_value(str(value), kind) for value in values))) if values else None


def _captured_answer(seen: Seen, goal: Goal) -> Answer | None:
    """What the name answered when readiness last looked, unless that already was the target."""
    records = [one for one in goal.captured.get("records", ()) if one.get("Failover") != "SECONDARY" and one.get("Weight") != 0]
    answers = {_answer(one, seen.type) for one in records} - {seen.target}
    return answers.pop() if len(answers) == 1 else None


def _listed(
    reader: Reader, pair: Pair, zone: str, wanted: set[tuple[str, str]]
) -> dict[tuple[str, str], list[Mapping[str, Any]]] | Unreachable | None:
    """The wanted record sets of a zone by (name, type); None when there is no such zone."""
    records: list[dict[str, Any]] = []

    def read(**start: str) -> dict[str, Any] | Unreachable | None:
        return reader.read(
            pair.account,
            pair.target_region,
            "route53",
            "list_resource_record_sets",
            absent=("NoSuchHostedZone",),
            HostedZoneId=zone,
            **start,
        )

    if len(wanted) > WHOLE_ZONE_ABOVE:
        whole = reader.pages(
            pair.account,
            pair.target_region,
            "route53",
            "list_resource_record_sets",
            "ResourceRecordSets",
            absent=("NoSuchHostedZone",),
            HostedZoneId=zone,
        )
        if not isinstance(whole, list):
            return whole
        records = whole
    else:
        for name, kind in sorted(wanted):
            answer = read(StartRecordName=name, StartRecordType=kind, MaxItems="300")
            if not isinstance(answer, dict):
                return answer
            records += [one for one in answer["ResourceRecordSets"] if (normalised_name(one["Name"]), one["Type"]) == (name, kind)]
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for one in records:
        found[normalised_name(one["Name"]), one["Type"]].append(one)
    return dict(found)


def _change(reader: Reader, pair: Pair) -> Change | None:
    """The state of the change whose receipt this execution holds."""
    ident = pair.settings.get("change_id")
    if not ident:
        return None
    answer = reader.read(pair.account, pair.target_region, "route53", "get_change", absent=("NoSuchChange",), Id=ident)
    if isinstance(answer, Unreachable):
        return Change(ident, "PENDING")
    if answer is None:
        return Change(ident, "LOST")
    info = answer["ChangeInfo"]
    return Change(ident, info["Status"], info["SubmittedAt"].isoformat())


def _switch(reader: Reader, pair: Pair) -> Switch | Unreachable | None:
    """Both routing controls, from the first cluster endpoint that answers; those in the region being left come last.

    None when the settings do not name them.
    """
    controls = pair.settings.get("routing_controls", {})
    if not {pair.source_region, pair.target_region} <= set(controls) or not pair.settings.get("cluster_endpoints"):
        return None
    endpoints = sorted(
        pair.settings.get("cluster_endpoints", ()), key=lambda one: (one["region"] == pair.source_region, one["region"])
    )
    for one in endpoints:
        service = f"{CLUSTER}@{one['endpoint']}"
        states = []
        for region in (pair.source_region, pair.target_region):
            arn = controls[region]
            answer = reader.read(pair.account, one["region"], service, "get_routing_control_state", RoutingControlArn=arn)
            if not isinstance(answer, dict):
                break
            states.append(answer["RoutingControlState"] == "On")
        if len(states) == 2:
            return Switch(states[0], states[1], service, one["region"])
    return UNREACHABLE


def _switched(switch: Switch, goal: Goal, to: str, away: str) -> Step | None:
    """One transaction for both controls; safety rules are never overridden here."""
    controls = goal.pair.settings["routing_controls"]
    on = {goal.pair.source_region: switch.source, goal.pair.target_region: switch.target}
    if on[to] and not on[away]:
        return None
    entries = [
        {"RoutingControlArn": controls[to], "RoutingControlState": "On"},
        {"RoutingControlArn": controls[away], "RoutingControlState": "Off"},
    ]
    params = {"UpdateRoutingControlStateEntries": entries}
    return Call(
        switch.service, "update_routing_control_states", switch.region, params, f"send traffic to {to}, no longer to {away}"
    )


def _unusable(seen: Seen, goal: Goal, to: str) -> Blocked | None:
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
            return Blocked(f"there is no record {label} in zone {seen.zone}", f"correct its name in the inventory\n{_show(seen)}")
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


def _moved(seen: Seen, goal: Goal, to: tuple[str, Answer | None], away: tuple[str, Answer | None]) -> Step:
    """One batch of UPSERTs for what differs; then INSYNC; then Done with when the last resolver forgets the old answer."""
    if not isinstance(seen.sets, tuple):
        raise AssertionError("seen.sets is no tuple")
    if to[1] is None:
        raise AssertionError("to[1] is None")
    wanted = _desired(seen, goal, to, away)
    if isinstance(wanted, Blocked):
        return wanted
    now = {one.get("SetIdentifier", ""): one for one in seen.sets}
    changes = [
        {"Action": "UPSERT", "ResourceRecordSet": one}
        for one in wanted
        if _essence(one, seen.type) != _essence(now.get(one.get("SetIdentifier", ""), {}), seen.type)
    ]
    if changes:
        comment = f"dr.aws {goal.execution_id}: to {to[0]}; was {_said(seen)}"[:COMMENT_LIMIT]
        params = {"HostedZoneId": seen.zone, "ChangeBatch": {"Comment": comment, "Changes": changes}}
        why = f"point {seen.name} {seen.type} at {to[0]}"
        return Call("route53", "change_resource_record_sets", goal.pair.target_region, params, why)
    if seen.change and seen.change.status == "PENDING":
        return Wait(f"{seen.name}: change {seen.change.id} is on its way to the name servers", 10, INSYNC_TIMEOUT_SECONDS)
    return Done(_outputs(seen, goal))


def _desired(
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
            return Blocked(f"{seen.name} {seen.type} has no PRIMARY record set", f"add it\n{_show(seen)}")
        if _answer(primary, seen.type) == answer:
            return [primary]
        old = old or _answer(primary, seen.type)
        health = {_answer(one, seen.type): one.get("HealthCheckId") for one in sets}  # a check follows what it checks
        new = [_with(primary, answer, pair, checks.get(region) or health.get(answer))]
        return [*new, _with(secondary, old, pair, checks.get(other) or health.get(old))] if secondary else new
    here, there = _of(seen, pair, region, answer), _of(seen, pair, other, old)
    if here is None:
        why = f"no weighted record set of {seen.name} {seen.type} belongs to {region}"
        return Blocked(why, f"create it with weight 0, or name it: set_identifiers.{region}\n{_show(seen)}")
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
    return next((one for one in seen.sets if (one["SetIdentifier"] == ident if ident else _answer(one, seen.type) == answer)), None)


def _with(record: Mapping[str, Any], answer: Answer, pair: Pair, check: str | None = None) -> dict[str, Any]:
    """The record set with another answer. check: its health check, None for none; a single record set keeps its own."""
    if _answer(record, record["Type"]) == answer and record.get("HealthCheckId") == check:
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


def _essence(record: Mapping[str, Any], kind: str) -> tuple[Any, ...]:
    return _answer(record, kind), record.get("Weight"), record.get("Failover"), record.get("HealthCheckId")


def _serving(seen: Seen) -> list[Answer]:
    """What the name may answer now: all of a weighted name's record sets that get traffic, a failover name's PRIMARY."""
    sets = seen.sets if isinstance(seen.sets, tuple) else ()
    if seen.routing == "failover":
        sets = tuple(one for one in sets if one["Failover"] == "PRIMARY")
    if seen.routing == "weighted" and any(one["Weight"] for one in sets):  # all 0 is all equal, not none
        sets = tuple(one for one in sets if one["Weight"])
    return [_answer(one, seen.type) for one in sets]


def _said(seen: Seen) -> str:
    """What the name answers, for people."""
    shown = [one.alias[1] if one.alias else " ".join(one.values) for one in _serving(seen)]
    return ", ".join(shown)


def _outputs(seen: Seen, goal: Goal) -> Mapping[str, Any]:
    sets = seen.sets if isinstance(seen.sets, tuple) else ()
    before = goal.captured.get("records", ())
    ttl = max((one["TTL"] for one in (*sets, *before) if "TTL" in one), default=DEFAULT_TTL_SECONDS)
    outputs = {"zone_id": seen.zone, "record": seen.name, "type": seen.type, "answers": _said(seen), "ttl_seconds": ttl}
    if before:
        outputs["previous_records"] = [dict(one) for one in before]
    if seen.change:
        outputs |= {"change_id": seen.change.id, "change_status": seen.change.status}
        if seen.change.submitted_at:
            gone = datetime.fromisoformat(seen.change.submitted_at) + timedelta(seconds=INSYNC_SECONDS + ttl)
            outputs["dns_expires_at"] = gone.isoformat()
    return outputs


def _show(seen: Seen) -> str:
    return f"aws route53 list-resource-record-sets --hosted-zone-id {seen.zone} --start-record-name {seen.name} --max-items 10"
