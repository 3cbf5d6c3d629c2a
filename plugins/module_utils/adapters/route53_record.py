# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Route 53 records: one atomic batch moves a name to the other region; or ARC routing controls, without any control plane.

Facts: the Route 53 API reference (ChangeResourceRecordSets, GetChange), its developer guide (failover, accelerated
recovery), and the ARC developer guide (routing control). Route 53 answers queries everywhere, but changes are made in us-east-1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from ..model import Active, Blocked, Call, Check, Done, Goal, Health, Pair, Step, Unreachable, Wait
from ..parts.route53_sets import DEFAULT_TTL_SECONDS, desired, essence, unusable
from ..parts.route53_state import (
    CLUSTER,
    CLUSTER_SILENT,
    INSYNC_SECONDS,
    INSYNC_TIMEOUT_SECONDS,
    NO_CLUSTER,
    Answer,
    Observation,
    Seen,
    Switch,
    observe,
    receipt,
    remembered,
    said,
    serving,
    show,
)
from .base import Adapter, Reader

COMMENT_LIMIT = 256


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
    drains = False  # its calls go to Route 53, whatever region that answers from
    durations: ClassVar[Mapping[str, int]] = {"activate": INSYNC_SECONDS}
    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "observe": (f"{CLUSTER}:GetRoutingControlState", "route53:GetChange", "route53:ListResourceRecordSets"),
        "activate": (f"{CLUSTER}:UpdateRoutingControlStates", "route53:ChangeResourceRecordSets"),
        "rollback": (f"{CLUSTER}:UpdateRoutingControlStates", "route53:ChangeResourceRecordSets"),
    }

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Observation]:
        return observe(reader, pairs)

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
        answers = serving(seen)
        if seen.source in answers:
            return Active.SOURCE
        return Active.TARGET if seen.target in answers else Active.NEITHER

    def activate(self, seen: Observation, goal: Goal) -> Step:
        """The name answers with the target: one batch, then until every name server has it."""
        pair = goal.pair
        seen = remembered(seen, goal) if isinstance(seen, Seen) else seen
        match seen:
            case Switch() as switch:
                return _switched(switch, goal, to=pair.target_region, away=pair.source_region) or Done(
                    {"routing_control": pair.settings["routing_controls"][pair.target_region], "state": "On"}
                )
            case Seen() if blocked := unusable(seen, goal, pair.target_region):
                return blocked
            case Seen() if goal.planned and seen.source and self.active(seen) is Active.NEITHER:
                why = f"{seen.name} {seen.type} answers with neither region's values: {said(seen)}"
                return Blocked(why, f"correct the record, or its values in the inventory, before it is moved\n{show(seen)}")
            case Seen(source=source, target=target):
                return _moved(seen, goal, to=(pair.target_region, target), away=(pair.source_region, source))
        return Blocked(*(NO_CLUSTER if seen is None else CLUSTER_SILENT))

    def rollback(self, seen: Observation, goal: Goal) -> Step:
        """The name answers with the source again: nothing is lost by moving a name."""
        pair = goal.pair
        seen = remembered(seen, goal) if isinstance(seen, Seen) else seen
        match seen:
            case Switch() as switch:
                return _switched(switch, goal, to=pair.source_region, away=pair.target_region) or Done(
                    {"routing_control": pair.settings["routing_controls"][pair.source_region], "state": "On"}
                )
            case Seen() if blocked := unusable(seen, goal, pair.source_region):
                return blocked
            case Seen(source=source, target=target):
                return _moved(seen, goal, to=(pair.source_region, source), away=(pair.target_region, target))
        return Blocked(*(NO_CLUSTER if seen is None else CLUSTER_SILENT))

    def health(self, seen: Observation, goal: Goal) -> Health:
        side = self.active(seen)
        detail = said(seen) if isinstance(seen, Seen) and isinstance(seen.sets, tuple) else side.value
        checks = [Check("record", side is Active.TARGET, detail)]
        if isinstance(seen, Seen) and seen.change:
            checks.append(Check("propagated", seen.change.status != "PENDING", seen.change.status))
        return Health(tuple(checks), required=("record",))

    def capture(self, seen: Observation, pair: Pair) -> Mapping[str, Any]:
        """The record sets as they are while the source serves: what a rollback restores."""
        if not isinstance(seen, Seen) or not isinstance(seen.sets, tuple) or not seen.sets:
            return {}
        if self.active(seen) is Active.SOURCE or (seen.source is None and seen.target not in serving(seen)):
            return {"records": [dict(one) for one in seen.sets]}
        return {}

    def receipt(self, call: Call, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """The change's id."""
        return receipt(answer)


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


def _moved(seen: Seen, goal: Goal, to: tuple[str, Answer | None], away: tuple[str, Answer | None]) -> Step:
    """One batch of UPSERTs for what differs; then INSYNC; then Done with when the last resolver forgets the old answer."""
    if not isinstance(seen.sets, tuple):
        raise AssertionError("seen.sets is no tuple")
    if to[1] is None:
        raise AssertionError("to[1] is None")
    wanted = desired(seen, goal, to, away)
    if isinstance(wanted, Blocked):
        return wanted
    now = {one.get("SetIdentifier", ""): one for one in seen.sets}
    changes = [
        {"Action": "UPSERT", "ResourceRecordSet": one}
        for one in wanted
        if essence(one, seen.type) != essence(now.get(one.get("SetIdentifier", ""), {}), seen.type)
    ]
    if changes:
        comment = f"dr.aws {goal.execution_id}: to {to[0]}; was {said(seen)}"[:COMMENT_LIMIT]
        params = {"HostedZoneId": seen.zone, "ChangeBatch": {"Comment": comment, "Changes": changes}}
        why = f"point {seen.name} {seen.type} at {to[0]}"
        return Call("route53", "change_resource_record_sets", goal.pair.target_region, params, why)
    if seen.change and seen.change.status == "PENDING":
        return Wait(f"{seen.name}: change {seen.change.id} is on its way to the name servers", 10, INSYNC_TIMEOUT_SECONDS)
    return Done(_outputs(seen, goal))


def _outputs(seen: Seen, goal: Goal) -> Mapping[str, Any]:
    sets = seen.sets if isinstance(seen.sets, tuple) else ()
    before = goal.captured.get("records", ())
    ttl = max((one["TTL"] for one in (*sets, *before) if "TTL" in one), default=DEFAULT_TTL_SECONDS)
    outputs = {"zone_id": seen.zone, "record": seen.name, "type": seen.type, "answers": said(seen), "ttl_seconds": ttl}
    if before:
        outputs["previous_records"] = [dict(one) for one in before]
    if seen.change:
        outputs |= {"change_id": seen.change.id, "change_status": seen.change.status}
        if seen.change.submitted_at:
            gone = datetime.fromisoformat(seen.change.submitted_at) + timedelta(seconds=INSYNC_SECONDS + ttl)
            outputs["dns_expires_at"] = gone.isoformat()
    return outputs
