# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The private hosted zone that copies of records are made in, and the names they have in it.

Record sets cannot be tagged: a TXT record beside a copy, made and removed in the same batches, says whose it is. Facts: the Route
53 API reference (ListHostedZonesByName, ListResourceRecordSets).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from ..adapters.base import Reader
from ..model import UNREACHABLE, Blocked, Pair, Unreachable
from ..parts.route53_state import CONTROL_PLANE, named, normalised_name
from .base import ROOM, name, stranger, tags

#: The zone's name where `drill.hosted_zone` names no other.
ZONE: Final = f"{ROOM}.internal"
#: Before the copy's name: the TXT record that says whose it is. A name of its own, since nothing stands beside a CNAME.
MARK: Final = "_drill"
#: A zone has few record sets under a copy's names, and an account few zones of one name; Route 53 lists at most so many at once.
PAGE: Final = "100"

Sets: TypeAlias = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Zone:
    """A hosted zone of the name that drills use."""

    id: str
    private: bool


@dataclass(frozen=True, slots=True)
class Place:
    """zones: of the name that drills use. sets: what there is under the copy's names, in the only private one."""

    zones: Sequence[Zone] | Unreachable = ()
    sets: Sets | Unreachable = ()

    @property
    def private(self) -> Sequence[Zone]:
        """The private zones."""
        return [] if isinstance(self.zones, Unreachable) else [one for one in self.zones if one.private]

    @property
    def zone_id(self) -> str:
        """Of the only private zone, "" where there is none, or more than one."""
        return self.private[0].id if len(self.private) == 1 else ""

    @property
    def found(self) -> Sets:
        """The record sets, none where nobody knows."""
        return () if isinstance(self.sets, Unreachable) else self.sets


def zone_name(pair: Pair) -> str:
    """The name of the drills' zone, without a trailing dot."""
    return normalised_name(str(pair.settings.get("drill", {}).get("hosted_zone") or ZONE))


def copy_name(pair: Pair) -> str:
    """The copy's name, without a trailing dot."""
    return f"{name(pair, 63)}.{zone_name(pair)}"


def names(pair: Pair) -> tuple[str, str]:
    """The copy's name and its mark's, as Route 53 lists them."""
    return f"{copy_name(pair)}.", f"{MARK}.{copy_name(pair)}."


def mark(pair: Pair) -> dict[str, Any]:
    """The TXT record that stands for tags. Quoted so that Route 53 lists it as it was written, with no escapes of its own."""
    words = " ".join(f'"{key}={quote(value, safe=":/@ ")[:200]}"' for key, value in tags(pair).items())
    return {"Name": names(pair)[1], "Type": "TXT", "TTL": 60, "ResourceRecords": [{"Value": words}]}


def zones(reader: Reader, pair: Pair, called: str) -> Sequence[Zone] | Unreachable:
    """All hosted zones of exactly this name: Route 53 lists what follows it as well."""
    answer = reader.read(
        pair.account, pair.target_region, "route53", "list_hosted_zones_by_name", DNSName=f"{called}.", MaxItems=PAGE
    )
    if not isinstance(answer, dict):
        return UNREACHABLE
    found = [one for one in answer["HostedZones"] if normalised_name(one["Name"]) == called]
    return tuple(Zone(one["Id"].rpartition("/")[2], bool(one.get("Config", {}).get("PrivateZone"))) for one in found)


def look(reader: Reader, pair: Pair, known: Sequence[Zone] | Unreachable) -> Place:
    """What there is of the pair's copy. known: the zones of the name that it uses."""
    place = Place(known)
    if not place.zone_id:
        return place
    answer = reader.read(
        pair.account,
        pair.target_region,
        "route53",
        "list_resource_record_sets",
        HostedZoneId=place.zone_id,
        StartRecordName=names(pair)[0],
        MaxItems=PAGE,
    )
    if not isinstance(answer, dict):
        return Place(known, UNREACHABLE)
    return Place(known, tuple(one for one in answer["ResourceRecordSets"] if one["Name"] in names(pair)))


def refused(place: Place, pair: Pair) -> Blocked | None:
    """Why nothing there may be made, trusted or removed; None when it may."""
    called = zone_name(pair)
    if isinstance(place.zones, Unreachable) or isinstance(place.sets, Unreachable):
        return Blocked(*CONTROL_PLANE)
    if not place.private:
        why = f"account {pair.account} has no private hosted zone {called}"
        make = f"aws route53 create-hosted-zone --name {called} --vpc VPCRegion=…,VPCId=… --caller-reference {called}"
        return Blocked(why, f"make it, for the drill room's VPC: {make}")
    if not place.zone_id:
        why = f"account {pair.account} has {len(place.private)} private hosted zones {called}"
        return Blocked(why, "leave one, or name another one: drill.hosted_zone")
    if place.zone_id == named(pair)[0]:
        return Blocked(f"{called} is the zone of the record that is copied", "name a zone of its own: drill.hosted_zone")
    marks = [one.get("ResourceRecords") for one in place.sets if one["Type"] == "TXT"]
    if place.sets and mark(pair)["ResourceRecords"] not in marks:
        return stranger(copy_name(pair), f"zone {place.zone_id}")
    return None
