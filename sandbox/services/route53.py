# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Route 53 record sets: batches that are all or nothing, changes that take time to reach the name servers.

Zones, tags and health checks are moto's; record sets and changes are ours: moto is INSYNC at once, knows every change
id, takes two PRIMARYs and deletes by set identifier across a whole zone.
Not simulated: answers to DNS queries, DNSSEC, traffic policies, the limits of 5 requests a second and of zones' sizes.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterable
from typing import Any

from moto.backends import get_backend
from moto.route53.models import RecordSet

from sandbox.gateway import Ctx, after, op, seed
from sandbox.model import AwsError

#: Simulated seconds until every name server has a change: the least, and by how much it varies.
INSYNC_AFTER, INSYNC_SPREAD = 30, 31
#: Most ResourceRecord elements of one request; UPSERT counts twice.
ELEMENTS_LIMIT = 1000
#: What decides between several record sets of one name and type; without any of them the record set is simple.
POLICIES = ("Weight", "Failover", "Region", "GeoLocation", "MultiValueAnswer", "CidrRoutingConfig", "GeoProximityLocation")

Params = dict[str, Any]
Key = tuple[str, str, str]


def _name(name: str) -> str:
    """As Route 53 lists it: lower case, with the trailing dot, the asterisk escaped."""
    return name.lower().rstrip(".").replace("*", "\\052") + "."


def _key(record: Params) -> Key:
    return _name(record["Name"]), record["Type"], record.get("SetIdentifier", "")


def _order(key: Key) -> tuple[list[str], str, str]:
    return key[0].rstrip(".").split(".")[::-1], key[1], key[2]


def _zone(ctx: Ctx, ident: str) -> Any:
    zone = get_backend("route53")[ctx.account]["aws"].zones.get(ident.rpartition("/")[2])
    if zone is None:
        raise AwsError("NoSuchHostedZone", f"No hosted zone found with ID: {ident.rpartition('/')[2]}", 404)
    return zone


def _records(ctx: Ctx, zone: Any) -> dict[Key, Params]:
    """A zone's record sets, beginning with the NS and SOA that moto gave it."""
    zones: dict[str, dict[Key, Params]] = ctx.store.setdefault("records", {})
    if zone.resource_id not in zones:
        given = [
            {
                "Name": _name(one.name),
                "Type": one.type,
                "TTL": int(one.ttl),
                "ResourceRecords": [value if isinstance(value, dict) else {"Value": value} for value in one.records],
            }
            for one in zone.rrsets
        ]
        zones[zone.resource_id] = {_key(record): record for record in given}
    return zones[zone.resource_id]


def _policy(record: Params) -> str:
    return next((policy for policy in POLICIES if policy in record), "simple")


def _fault(record: Params, others: Iterable[Params], zone_name: str) -> str:
    """Why a record set cannot be beside the others of its zone; empty when it can."""
    name, kind, ident = _key(record)
    shown = f"DNS name {name}, type {kind}"
    if not (name == zone_name or name.endswith("." + zone_name)):
        return f"RRSet with {shown} is not permitted in zone {zone_name}"
    if kind == "CNAME" and name == zone_name:
        return f"RRSet of type CNAME with DNS name {name} is not permitted at apex in zone {zone_name}"
    for other in others:
        if _key(other)[0] != name or _key(other) == (name, kind, ident):
            continue
        if other["Type"] != kind:
            if "CNAME" in (kind, other["Type"]):
                text = f"RRSet of type {kind} with DNS name {name} is not permitted as it conflicts with other records"
                return f"{text} with the same DNS name in zone {zone_name}"
            continue
        if _policy(other) != _policy(record):
            return f"RRSet with {shown} cannot be created as one with another routing policy exists"
        if record.get("Failover") and record["Failover"] == other.get("Failover"):
            return f"RRSet with {shown}, SetIdentifier {ident} cannot be created as it has the same failover value as another rrset"
    return ""


def _check(ctx: Ctx, record: Params) -> None:
    """What one record set must have, whatever else there is. Raises AwsError."""
    if ("AliasTarget" in record) == bool("TTL" in record and record.get("ResourceRecords")):
        found = "more than one" if "AliasTarget" in record else "none"
        wanted = "Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId]"
        raise AwsError("InvalidInput", f"Invalid request: {wanted}, but found {found}")
    if (_policy(record) == "simple") == ("SetIdentifier" in record):
        raise AwsError("InvalidInput", "Invalid request: SetIdentifier goes with a routing policy, and only with one")
    if record["Type"] == "CNAME" and len(record.get("ResourceRecords", [None])) != 1:
        raise AwsError("InvalidChangeBatch", "[InvalidResourceRecord: CNAME must have exactly one value]")
    check = record.get("HealthCheckId")
    if check and check not in get_backend("route53")[ctx.account]["aws"].health_checks:
        raise AwsError("NoSuchHealthCheck", f"A health check with id {check} does not exist.", 404)


def _apply(ctx: Ctx, zone: Any, changes: list[Params]) -> dict[Key, Params]:
    """The zone's record sets after all changes. Raises AwsError, and then nothing was changed."""
    records = dict(_records(ctx, zone))
    faults = []
    deletes = [change for change in changes if change["Action"] == "DELETE"]  # the order within a batch does not matter
    for change in [*deletes, *(change for change in changes if change["Action"] != "DELETE")]:
        record = {**change["ResourceRecordSet"], "Name": _name(change["ResourceRecordSet"]["Name"])}
        key = _key(record)
        shown = f"[name='{key[0]}', type='{key[1]}'" + (f", set identifier='{key[2]}']" if key[2] else "]")
        if change["Action"] == "DELETE":
            if key not in records:
                faults.append(f"Tried to delete resource record set {shown} but it was not found")
            elif records[key] != record:
                faults.append(
                    f"Tried to delete resource record set {shown} but the values provided do not match the current values"
                )
            else:
                del records[key]
            continue
        _check(ctx, record)
        if change["Action"] == "CREATE" and key in records:
            faults.append(f"Tried to create resource record set {shown} but it already exists")
        records[key] = record
    for change in changes:
        kept = records.get(_key(change["ResourceRecordSet"]))
        if kept is not None and (fault := _fault(kept, records.values(), _name(zone.name))):
            faults.append(fault)
    if faults:
        raise AwsError("InvalidChangeBatch", f"[{', '.join(dict.fromkeys(faults))}]")
    return records


def _submitted(ctx: Ctx, zone: str, what: str, comment: str | None = None) -> Params:
    """A new change: PENDING until it has reached every name server. what: tells how long that takes, the same in every run."""
    changes: dict[str, Params] = ctx.store.setdefault("changes", {})
    ident = "C" + hashlib.sha256(f"{ctx.account}/{zone}/{len(changes)}".encode()).hexdigest()[:13].upper()
    info = changes[ident] = {"Id": f"/change/{ident}", "Status": "PENDING", "SubmittedAt": ctx.clock.now()}
    if comment:
        info["Comment"] = comment
    ctx.clock.after(INSYNC_AFTER + zlib.crc32(what.encode()) % INSYNC_SPREAD, lambda: info.update(Status="INSYNC"))
    return dict(info)


@op("route53", "ChangeResourceRecordSets")
def change_resource_record_sets(ctx: Ctx, params: Params) -> Params:
    """All changes of the batch, or none."""
    zone = _zone(ctx, params["HostedZoneId"])
    changes = params["ChangeBatch"]["Changes"]
    elements = sum(
        len(change["ResourceRecordSet"].get("ResourceRecords", ())) * (2 if change["Action"] == "UPSERT" else 1)
        for change in changes
    )
    if elements > ELEMENTS_LIMIT:
        raise AwsError("InvalidChangeBatch", f"[Number of records limit of {ELEMENTS_LIMIT} exceeded.]")
    records = _apply(ctx, zone, changes)
    ctx.store["records"][zone.resource_id] = records
    _tell_moto(zone, records)
    named = "/".join(sorted({_name(change["ResourceRecordSet"]["Name"]) for change in changes}))
    return {"ChangeInfo": _submitted(ctx, zone.resource_id, named, params["ChangeBatch"].get("Comment"))}


def _tell_moto(zone: Any, records: dict[Key, Params]) -> None:
    """Moto counts record sets, and refuses to delete a zone that has any."""
    record_set: Any = RecordSet
    zone.rrsets = [
        record_set({**record, "ResourceRecords": [one["Value"] for one in record.get("ResourceRecords", ())]})
        for record in records.values()
    ]


@op("route53", "ListResourceRecordSets")
def list_resource_record_sets(ctx: Ctx, params: Params) -> Params:
    """In the order of reversed names; shows changes that are still PENDING, as AWS does."""
    zone = _zone(ctx, params["HostedZoneId"])
    if "StartRecordType" in params and "StartRecordName" not in params:
        raise AwsError("InvalidInput", "The input is not valid")
    records = _records(ctx, zone)
    keys = sorted(records, key=_order)
    if "StartRecordName" in params:
        start = _name(params["StartRecordName"]), params.get("StartRecordType", ""), params.get("StartRecordIdentifier", "")
        keys = [key for key in keys if _order(key) >= _order(start)]
    limit = min(int(params.get("MaxItems", 300)), 300)
    out: Params = {
        "ResourceRecordSets": [records[key] for key in keys[:limit]],
        "IsTruncated": len(keys) > limit,
        "MaxItems": str(limit),
    }
    if len(keys) > limit:
        name, kind, ident = keys[limit]
        out |= {"NextRecordName": name, "NextRecordType": kind} | ({"NextRecordIdentifier": ident} if ident else {})
    return out


@op("route53", "GetChange")
def get_change(ctx: Ctx, params: Params) -> Params:
    """PENDING, then INSYNC; NoSuchChange for an id that was never given."""
    ident = params["Id"].rpartition("/")[2]
    info = ctx.store.get("changes", {}).get(ident)
    if info is None:
        raise AwsError("NoSuchChange", f"Could not find resource with ID: {ident}", 404)
    return {"ChangeInfo": dict(info)}


@after("route53", "CreateHostedZone", "DeleteHostedZone")
def zone_changed(ctx: Ctx, params: Params, out: Params) -> None:
    """Zones, too, take time to reach the name servers."""
    out["ChangeInfo"] = _submitted(ctx, params.get("Name") or params["Id"], params.get("Name") or params["Id"])


@op("route53", "UpdateHealthCheck")
def update_health_check(ctx: Ctx, params: Params) -> Params:
    """With AWS's optimistic lock, which moto ignores."""
    versions: dict[str, int] = ctx.store.setdefault("versions", {})
    ident = params["HealthCheckId"]
    version = versions.get(ident, 1)
    if params.get("HealthCheckVersion", version) != version:
        text = f"A health check version mismatch occurred: the current version is {version}."
        raise AwsError("HealthCheckVersionMismatch", text, 409)
    out = ctx.moto()
    versions[ident] = out["HealthCheck"]["HealthCheckVersion"] = version + 1
    return out


@after("route53", "GetHealthCheck")
def get_health_check(ctx: Ctx, params: Params, out: Params) -> None:
    """With the version that UpdateHealthCheck asks for."""
    out["HealthCheck"]["HealthCheckVersion"] = ctx.store.get("versions", {}).get(params["HealthCheckId"], 1)


@seed("route53_record")
def build(ctx: Ctx, spec: Params) -> Params:
    """A record that points at a region, in a hosted zone that is made with the spec's tags when it is missing.

    zone, name, type (CNAME), ttl (60), value or values or alias {dns_name, hosted_zone_id, evaluate}, private (false).
    routing: simple; weighted (weight 100 here, 0 at the peer) or failover (PRIMARY here, SECONDARY at the peer, each with
    a health check): then the peer {region, value(s) or alias} is a record set of its own. set_identifier: the region.
    With tags, the zone also gets the tag `dr:record:<name>/<type>` with both sides' values.
    """
    zone = _seeded_zone(ctx, spec)
    name, kind, routing = spec["name"], spec.get("type", "CNAME"), spec.get("routing", "simple")
    sides = [{"region": ctx.gw.regions[0], **spec}]
    if routing != "simple":
        sides.append({"weight": 0, **spec["peer"]})
    records = _records(ctx, zone)
    _tag(ctx, zone, spec)
    for side, role in zip(sides, ("PRIMARY", "SECONDARY"), strict=False):
        record: Params = {"Name": _name(name), "Type": kind}
        if "alias" in side:
            alias = side["alias"]
            record["AliasTarget"] = {
                "HostedZoneId": alias["hosted_zone_id"],
                "DNSName": _name(alias["dns_name"]),
                "EvaluateTargetHealth": alias.get("evaluate", False),
            }
        else:
            values = side.get("values") or [side["value"]]
            record |= {"TTL": spec.get("ttl", 60), "ResourceRecords": [{"Value": str(value)} for value in values]}
        if routing != "simple":
            record["SetIdentifier"] = side.get("set_identifier", side["region"])
        if routing == "weighted":
            record["Weight"] = side.get("weight", 100)
        if routing == "failover":
            record |= {"Failover": role, "HealthCheckId": _health_check(ctx, f"{name}/{side['region']}")}
        records[_key(record)] = record
    _tell_moto(zone, records)
    return {"zone_id": zone.resource_id, "name": _name(name), "type": kind}


def _tag(ctx: Ctx, zone: Any, spec: Params) -> None:
    """The zone's tags, and the one that names the record and what it answers in each region: it cannot carry tags itself."""
    tags = dict(spec.get("tags") or {})
    sides = [{"region": ctx.gw.regions[0], **spec}, spec.get("peer", {})]
    values = {side.get("region", ""): [str(one) for one in side.get("values") or [side.get("value", "")]] for side in sides}
    if tags and all(region and all(re.fullmatch(r"[\w.:/@+-]+", one) for one in some) for region, some in values.items()):
        name = f"dr:record:{spec['name'].rstrip('.')}/{spec.get('type', 'CNAME')}"
        tags[name] = " ".join(f"{region}={'+'.join(some)}" for region, some in values.items())
    given = [{"Key": key, "Value": value} for key, value in tags.items()]
    get_backend("route53")[ctx.account]["aws"].change_tags_for_resource("hostedzone", zone.resource_id, given, [])


def _seeded_zone(ctx: Ctx, spec: Params) -> Any:
    """The zone of a seed; its id depends on account and name only, so that examples and inventories can name it."""
    backend = get_backend("route53")[ctx.account]["aws"]
    name = _name(spec["zone"])
    ident = "Z" + hashlib.sha256(f"{ctx.account}/{name}".encode()).hexdigest()[:13].upper()
    if ident not in backend.zones:
        zone = backend.create_hosted_zone(name, private_zone=spec.get("private", False), caller_reference=name)
        del backend.zones[zone.resource_id]
        zone.resource_id = ident
        backend.zones[ident] = zone
    return backend.zones[ident]


def _health_check(ctx: Ctx, reference: str) -> str:
    host = reference.partition("/")[0]
    config = {"Type": "HTTPS", "FullyQualifiedDomainName": host, "Port": 443, "ResourcePath": "/health"}
    made = ctx.client("route53").create_health_check(CallerReference=reference[:64], HealthCheckConfig=config)
    return str(made["HealthCheck"]["Id"])
