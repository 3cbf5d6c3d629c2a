# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A drill of a Route 53 record: the record sets that ACTIVATE would set, under a name of the drill's own in a private hosted zone.

Routing controls are looked at, never switched. Facts: the Route 53 API reference (ChangeResourceRecordSets, AliasTarget).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from ..adapters.base import Reader
from ..model import Blocked, Call, Done, Goal, Pair, Step, Wait
from ..parts import route53_state as state
from ..parts.route53_sets import desired, essence, unusable
from . import route53_zone as zone
from .base import AGAIN, Drill, Touch, drill_id

#: The hosted zone of every CloudFront alias, which a private zone does not take.
CLOUDFRONT: Final = "Z2FDTNDATAQYW2"
#: What makes a record set one of several; a copy of one of them stands alone.
ROUTING: Final = (
    "SetIdentifier",
    "Weight",
    "Failover",
    "Region",
    "GeoLocation",
    "MultiValueAnswer",
    "CidrRoutingConfig",
    "GeoProximityLocation",
    "HealthCheckId",
)
COMMENT_LIMIT: Final = 256
#: What a drill cannot tell: of any record, of one of several, of an alias that no private zone takes, of routing controls.
NO_CLIENTS: Final = "that clients of the record follow: they go on asking for its own name"
NO_POLICY: Final = "the routing policy: the copy of one of several record sets stands alone"
NO_ALIAS: Final = "the alias: a private zone takes none of CloudFront or of another zone's records"
NO_SWITCH: Final = "that the routing controls can be switched: it would move production"


@dataclass(frozen=True, slots=True)
class Seen:
    """origin: the record that is copied, or its routing controls. place: of its copy."""

    origin: state.Observation
    place: zone.Place


class Route53RecordDrill(Drill):
    """Copies of record sets.

    Settings (`drill.<name>`): hosted_zone, the name of a private hosted zone (dr-drill.internal).
    """

    technology = "route53"
    busy = frozenset({"PriorRequestNotComplete"})
    durations: ClassVar[Mapping[str, int]] = {"instantiate": state.INSYNC_SECONDS, "activate": 5, "cleanup": state.INSYNC_SECONDS}
    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "observe": (
            f"{state.CLUSTER}:GetRoutingControlState",
            "route53:GetChange",
            "route53:ListHostedZonesByName",
            "route53:ListResourceRecordSets",
        ),
        "instantiate": ("route53:ChangeResourceRecordSets",),
        "activate": (),
        "cleanup": ("route53:ChangeResourceRecordSets",),
    }
    touches: ClassVar[Mapping[tuple[str, str], Touch]] = {
        ("route53", "change_resource_record_sets"): Touch(("HostedZoneId", "ChangeBatch.Changes.ResourceRecordSet.Name")),
    }

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Seen]:
        origins = state.observe(reader, pairs)
        copied = [pair for pair in pairs if isinstance(origins[pair.key], state.Seen)]
        zones = {called: zone.zones(reader, pairs[0], called) for called in sorted({zone.zone_name(pair) for pair in copied})}
        places = {pair.key: zone.look(reader, pair, zones[zone.zone_name(pair)]) for pair in copied}
        return {key: Seen(origin, places.get(key, zone.Place())) for key, origin in origins.items()}

    def own(self, seen: Seen, goal: Goal) -> Collection[str]:
        """The names, and the drills' zone unless it is production's."""
        return {*zone.names(goal.pair), seen.place.zone_id} - {"", state.named(goal.pair)[0]}

    def make(self, seen: Seen, goal: Goal) -> Step:
        """The record sets and their mark stand in the drills' zone, and every name server has them."""
        if not isinstance(seen.origin, state.Seen):
            return _switches(seen.origin, goal)
        wanted = zone.refused(seen.place, goal.pair) or _wanted(seen.origin, goal)
        if isinstance(wanted, Blocked):
            return wanted
        if seen.place.sets:
            return _stands(seen.origin, seen.place, wanted, goal)
        return _change(seen.place, "CREATE", [*wanted, zone.mark(goal.pair)], goal, "copy the record sets that ACTIVATE would set")

    def serve(self, seen: Seen, goal: Goal) -> Step:
        """Route 53 lists exactly what ACTIVATE would set now; of routing controls, their states are known."""
        if not isinstance(seen.origin, state.Seen):
            return _switches(seen.origin, goal)
        wanted = zone.refused(seen.place, goal.pair) or _wanted(seen.origin, goal)
        if isinstance(wanted, Blocked):
            return wanted
        if not seen.place.sets:
            return Blocked(f"there is no copy {zone.copy_name(goal.pair)}", "run phase instantiate of this drill first")
        return _stands(seen.origin, seen.place, wanted, goal)

    def remove(self, seen: Seen, goal: Goal) -> Step:
        """No record set is left under the copy's names."""
        if not isinstance(seen.origin, state.Seen) or seen.place.zones == ():
            return Done({"copy": "removed"})
        refused = zone.refused(seen.place, goal.pair)
        if refused:
            return refused
        if seen.place.found:
            return _change(seen.place, "DELETE", seen.place.found, goal, "delete the copy and its mark")
        return _travelling(seen.origin) or Done({"copy": "removed"})

    def receipt(self, call: Call, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """The change's id."""
        return state.receipt(answer)


def _switches(seen: state.Observation, goal: Goal) -> Step:
    """Of a record that routing controls move, nothing is made."""
    if not isinstance(seen, state.Switch):
        return Blocked(*(state.NO_CLUSTER if seen is None else state.CLUSTER_SILENT))
    on = {goal.pair.source_region: seen.source, goal.pair.target_region: seen.target}
    controls = {region: "On" if one else "Off" for region, one in on.items()}
    endpoint = seen.service.partition("@")[2]
    return Done({"copy": "", "routing_controls": controls, "endpoint": endpoint, "not_proven": [NO_SWITCH]})


def _wanted(origin: state.Seen, goal: Goal) -> list[dict[str, Any]] | Blocked:
    """The record sets of ACTIVATE's batch, under the copy's name; without aliases that only their own zone takes."""
    known, pair = state.remembered(origin, goal), goal.pair
    blocked = unusable(known, goal, pair.target_region)
    if blocked:
        return blocked
    sets = desired(known, goal, (pair.target_region, known.target), (pair.source_region, known.source))
    if isinstance(sets, Blocked):
        return sets
    left = ROUTING if origin.single else ()
    return [
        {key: zone.names(pair)[0] if key == "Name" else value for key, value in one.items() if key not in left}
        for one in sets
        if one.get("AliasTarget", {}).get("HostedZoneId") not in _unfit(origin)
    ]


def _unfit(origin: state.Seen) -> tuple[str, ...]:
    """The hosted zones of aliases that a private zone does not take: a record may only be aliased in its own zone."""
    return origin.zone, CLOUDFRONT


def _change(place: zone.Place, action: str, sets: zone.Sets, goal: Goal, why: str) -> Call:
    changes = [{"Action": action, "ResourceRecordSet": dict(one)} for one in sets]
    batch = {"Comment": f"dr.aws drill {drill_id(goal.pair)}"[:COMMENT_LIMIT], "Changes": changes}
    params = {"HostedZoneId": place.zone_id, "ChangeBatch": batch}
    return Call("route53", "change_resource_record_sets", goal.pair.target_region, params, why)


def _travelling(origin: state.Seen) -> Wait | None:
    """The last change has not reached every name server."""
    change = origin.change
    if change and change.status == "PENDING":
        return Wait(f"change {change.id} is on its way to the name servers", 10, state.INSYNC_TIMEOUT_SECONDS)
    return None


def _stands(origin: state.Seen, place: zone.Place, wanted: zone.Sets, goal: Goal) -> Step:
    """What there is under the copy's name is what ACTIVATE would set."""
    copy, mark = zone.names(goal.pair)
    found = [one for one in place.found if one["Name"] == copy]
    if _shapes(found) != _shapes(wanted):
        return Blocked(f"{zone.copy_name(goal.pair)} is not what ACTIVATE would set for {origin.name} now", AGAIN)
    alias = origin.target.alias if origin.target else None
    shown = (copy if found else mark).rstrip(".")
    outputs = {
        "copy": shown,
        "endpoint": shown,
        "zone_id": place.zone_id,
        "answers": [_said(one) for one in found],
        "change_status": origin.change.status if origin.change else "",
        "not_proven": [NO_CLIENTS] + [NO_POLICY] * origin.single + [NO_ALIAS] * bool(alias and alias[0] in _unfit(origin)),
    }
    return _travelling(origin) or Done(outputs)


def _shapes(sets: zone.Sets) -> dict[str, Any]:
    """What record sets of one name are compared by."""
    return {one.get("SetIdentifier", ""): (one["Type"], one.get("TTL"), essence(one, one["Type"])) for one in sets}


def _said(one: Mapping[str, Any]) -> dict[str, Any]:
    """A record set's type, TTL and answer."""
    alias = one.get("AliasTarget", {}).get("DNSName")
    values = [alias] if alias else [value["Value"] for value in one.get("ResourceRecords", ())]
    return {"type": one["Type"], "ttl_seconds": one.get("TTL"), "values": values}
