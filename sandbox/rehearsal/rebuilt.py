# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A readiness snapshot as a simulated world: its estate, what had to be assumed, and its inventory hosts in that world."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from sandbox import estate
from sandbox.gateway import Gateway

from .stand_ins import ASSUMED, BUILDERS, Resource, Spec

#: Whose key the rehearsal uses: no account of AWS has this number.
MANAGEMENT = "000000000000"
ROLE = "dr-automation"
#: Checks of a readiness score that say that a standby is not there, or not in order.
STANDBY = ("standby", "blocked")


class RehearsalError(ValueError):
    """A rehearsal that cannot be held, with what to do."""


@dataclass(frozen=True, slots=True)
class World:
    """The simulated world of a snapshot. hosts: inventory host -> its `dr_` variables, with the identifiers of this world."""

    hosts: Mapping[str, Mapping[str, Any]]
    accounts: tuple[str, ...]
    assumptions: tuple[str, ...]

    def role(self, account: str) -> str:
        """The role that is assumed there."""
        return f"arn:aws:iam::{account}:role/{ROLE}"


def build(gateway: Gateway, snapshot: Mapping[str, Any], source: str, target: str, *, homeward: bool = False) -> World:
    """Makes the gateway's world anew from a snapshot whose estate serves in `source`. RehearsalError where that is not possible.

    homeward: it served in `target` before.
    """
    found = _resources(snapshot, source, target, homeward)
    accounts = tuple(sorted({one.account for one in found}))
    declared = [{"id": account, "roles": [{"name": ROLE}]} for account in accounts]
    world = {
        "name": "rehearsal",
        "regions": [source, target],
        "control_region": target,
        "accounts": [{"id": MANAGEMENT, "management": True}, *declared],
    }
    estate.load(gateway, world, scale=0)
    hosts: dict[str, Mapping[str, Any]] = {}
    variables = {one["key"]: one for one in snapshot["resources"]}
    for one in found:
        hosts[one.key] = _moved(variables[one.key], one, _seeded(gateway, one))
    return World(hosts, accounts, tuple(_assumptions(snapshot, found)))


def _resources(snapshot: Mapping[str, Any], source: str, target: str, homeward: bool) -> list[Resource]:
    missing = {
        key
        for finding in snapshot.get("findings") or ()
        if finding.get("check") in STANDBY
        for key in finding.get("resources") or ()
    }
    zones = _zones(snapshot["resources"])
    found = []
    for one in snapshot["resources"]:
        sides, captured = one["dr_sides"], snapshot["captured"].get(one["key"]) or {}
        here, there = sides.get(source) or {}, sides.get(target) or {}
        ident = here.get("id") or there.get("id")
        if not ident:
            held = ", ".join(sorted(sides)) or "no region"
            raise RehearsalError(
                f"{one['key']} is in {held}, neither in {source} nor in {target}. Next: give the regions of the snapshot"
            )
        found.append(
            Resource(
                key=one["key"],
                technology=one["dr_technology"],
                account=one["dr_account"],
                source_region=source,
                target_region=target,
                source=ident,
                target=there.get("id") or ident,
                tags=one.get("dr_tags") or {},
                settings=one.get("dr_settings") or {},
                captured=captured,
                stands=bool(there) or captured.get("lag_seconds") is not None or one["key"] not in missing,
                served=homeward,
                zones=zones,
            )
        )
    return found


def _zones(resources: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Hosted zone -> its name, as far as the names of its records tell."""
    names: dict[str, set[str]] = defaultdict(set)
    for one in resources:
        if one["dr_technology"] == "route53":
            for side in one["dr_sides"].values():
                zone, name, _kind = side["id"].split("/")
                names[zone].add(name.rstrip("."))
    return {zone: _suffix(held) for zone, held in names.items()}


def _suffix(names: set[str]) -> str:
    """What names have in common from the right; of a single one what is after its first label."""
    labels = [name.split(".")[::-1] for name in sorted(names)]
    if len(labels) == 1:
        return ".".join(reversed(labels[0][:-1] or labels[0]))
    common = [column[0] for column in takewhile(lambda column: len(set(column)) == 1, zip(*labels, strict=False))]
    return ".".join(reversed(common or labels[0]))


def _seeded(gateway: Gateway, one: Resource) -> Mapping[str, Any]:
    spec: Spec = {**BUILDERS[one.technology](one), "account": one.account, "tags": dict(one.tags)}
    if one.technology != "route53":
        spec["region"] = one.source_region
    try:
        return gateway.seed(spec)
    except Exception as error:
        text = f"{one.key} cannot be built in the sandbox: {type(error).__name__}: {error}"
        raise RehearsalError(f"{text}. Next: rehearse other waves (-e waves=…), or correct the snapshot") from error


def _moved(variables: Mapping[str, Any], one: Resource, made: Mapping[str, Any]) -> dict[str, Any]:
    """A host's variables with the identifiers that the sandbox gave, and without addresses in the real world."""
    idents, settings = {one.source_region: one.source, one.target_region: one.target}, dict(one.settings)
    if one.technology == "route53":
        idents = {region: f"{made['zone_id']}/{ident.partition('/')[2]}" for region, ident in idents.items()}
        if settings.pop("cluster_endpoints", None):
            settings.pop("routing_controls", None)
            settings.pop("routing", None)
    elif "id" in made and one.technology in ("efs", "fsx"):
        idents = {one.source_region: made["id"], one.target_region: made.get("peer_id", made["id"])}
    sides = {region: {"id": ident, "arn": None} for region, ident in idents.items()}
    return {**variables, "dr_sides": sides, "dr_settings": settings, "dr_health_check_url": None}


def _assumptions(snapshot: Mapping[str, Any], found: list[Resource]) -> Iterable[str]:
    """What the rehearsal takes for true and the snapshot does not say."""
    yield f"everything serves in {found[0].source_region}, as it was at {snapshot['created_at']}"
    yield "standbys are as phase instantiate leaves them, unless readiness found otherwise"
    number = Counter(one.technology for one in found)
    for technology in sorted(number):
        yield f"{technology} ({number[technology]}): {ASSUMED[technology]}"
    for one in found:
        if not one.captured:
            yield f"{one.key}: nothing was captured of it; it has the sandbox's defaults"
        if not one.stands:
            yield f"{one.key}: readiness found no standby; there is none"
        if one.settings.get("cluster_endpoints"):
            yield f"{one.key}: routing controls are not rehearsed; the record itself changes"
    urls = sum(1 for one in snapshot["resources"] if one.get("dr_health_check_url"))
    if urls:
        yield f"{urls} health check URLs were not asked, and count as passed"
