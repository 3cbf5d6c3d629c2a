# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Route 53 as one look sees it: record sets, routing controls, changes on their way. Facts: the Route 53 API reference."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from ..adapters.base import Reader
from ..model import UNREACHABLE, Goal, Pair, Unreachable

#: Above so many names of one zone, the zone is listed whole: five requests a second is all an account has.
WHOLE_ZONE_ABOVE: Final = 3
#: Types whose values are not host names or addresses: compared as they are.
LITERAL: Final = ("TXT", "SPF", "CAA")
CLUSTER: Final = "route53-recovery-cluster"
#: Seconds that a change needs to reach every name server: usual, and when something is wrong.
INSYNC_SECONDS: Final = 60
INSYNC_TIMEOUT_SECONDS: Final = 600
#: Why nothing can be decided, and what to do, where Route 53's control plane is silent, ARC is not set up, or ARC is silent.
CONTROL_PLANE: Final = (
    "Route 53's control plane does not answer; it runs in us-east-1",
    "resume this execution when it answers; ARC routing controls (routing: arc), set up beforehand, do not need it",
)
NO_CLUSTER: Final = (
    "routing arc needs the routing controls of both regions and the cluster's endpoints",
    "add routing_controls: {region: ARN} and cluster_endpoints: [{endpoint, region}] to the record's settings",
)
CLUSTER_SILENT: Final = (
    "none of the ARC cluster's endpoints answers",
    "check `cluster_endpoints` and the network's way to them; the routing controls are unchanged",
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


def observe(reader: Reader, pairs: Sequence[Pair]) -> dict[str, Observation]:
    """Pair key -> what was seen. One look at each zone, however many of its names are asked for."""
    names = {pair.key: named(pair) for pair in pairs if pair.settings.get("routing") != "arc"}
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
        seen[pair.key] = Seen(zone, name, kind, found_sets, source, target, bool(ident), change_of(reader, pair))
    return seen


def remembered(seen: Seen, goal: Goal) -> Seen:
    """With the source's answer that readiness captured, where the inventory does not say it."""
    return seen if seen.source else replace(seen, source=_captured_answer(seen, goal))


def normalised_name(name: str) -> str:
    """A record's name as Route 53 compares it: lower case, no trailing dot, `*` as itself."""
    return name.lower().rstrip(".").replace("\\052", "*")


def named(pair: Pair) -> tuple[str, str, str, str]:
    """(zone id, name, type, set identifier or ""), from the identifier."""
    zone, name, kind, ident = [*pair.source_id.split("/", 3), "", "", ""][:4]
    return zone, normalised_name(name), kind, ident


def _value(value: str, kind: str) -> str:
    return value if kind in LITERAL else value.lower().rstrip(".")


def answer_of(record: Mapping[str, Any], kind: str) -> Answer:
    """What one record set, as AWS lists it, answers with."""
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
    answers = {answer_of(one, seen.type) for one in records} - {seen.target}
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


def change_of(reader: Reader, pair: Pair) -> Change | None:
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


def receipt(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is kept of a change's answer: its id, which no describe call gives back."""
    return {"change_id": answer["ChangeInfo"]["Id"]} if "ChangeInfo" in answer else {}


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


def serving(seen: Seen) -> list[Answer]:
    """What the name may answer now: all of a weighted name's record sets that get traffic, a failover name's PRIMARY."""
    sets = seen.sets if isinstance(seen.sets, tuple) else ()
    if seen.routing == "failover":
        sets = tuple(one for one in sets if one["Failover"] == "PRIMARY")
    if seen.routing == "weighted" and any(one["Weight"] for one in sets):  # all 0 is all equal, not none
        sets = tuple(one for one in sets if one["Weight"])
    return [answer_of(one, seen.type) for one in sets]


def said(seen: Seen) -> str:
    """What the name answers, for people."""
    shown = [one.alias[1] if one.alias else " ".join(one.values) for one in serving(seen)]
    return ", ".join(shown)


def show(seen: Seen) -> str:
    return f"aws route53 list-resource-record-sets --hosted-zone-id {seen.zone} --start-record-name {seen.name} --max-items 10"
