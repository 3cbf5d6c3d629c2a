# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ElastiCache replication groups and global datastores: one member takes writes, the others follow in other regions.

Replication groups, their nodes and snapshots are kept here, for moto's are no part of a datastore. A datastore is kept once for all
regions, and shown in those that have a member of it. A group that leaves its datastore takes writes again.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from sandbox.gateway import Ctx, Holder, holds, lists, op, seed, transition
from sandbox.model import AwsError

Params = dict[str, Any]

# Simulated seconds.
DATASTORE, CREATION, FAILOVER, REMOVAL, DELETION = 120, 900, 45, 300, 300
#: Seconds that a follower lags behind.
LAG = 0.4
PORT = 6379
ENGINE_VERSION = "8.0.1"
_MEMBERS = 3


def replication_groups(ctx: Ctx, region: str | None = None) -> dict[str, Params]:
    """Id -> the description, in one region."""
    found: dict[str, Params] = ctx.at("elasticache", region).setdefault("groups", {})
    return found


def _worlds(ctx: Ctx) -> dict[str, Params]:
    """Id -> the datastore, in all regions: {GlobalReplicationGroupId, Status, Members, …}."""
    found: dict[str, Params] = ctx.at("elasticache", "*").setdefault("worlds", {})
    return found


def tag_store(ctx: Ctx) -> dict[str, dict[str, str]]:
    """ARN -> tags, in one region."""
    found: dict[str, dict[str, str]] = ctx.at("elasticache").setdefault("tags", {})
    return found


def snapshots(ctx: Ctx) -> dict[str, Params]:
    """Name -> the snapshot, in one region."""
    found: dict[str, Params] = ctx.at("elasticache").setdefault("snapshots", {})
    return found


def snapshot(ctx: Ctx, name: str) -> Params:
    """A snapshot; SnapshotNotFoundFault when there is none."""
    if name not in snapshots(ctx):
        raise AwsError("SnapshotNotFoundFault", f"Snapshot {name} not found.", 404)
    return snapshots(ctx)[name]


def keep(ctx: Ctx, name: str, found: Params, tags: dict[str, str]) -> Params:
    """A snapshot of a replication group, as if it had taken no time."""
    if name in snapshots(ctx):
        raise AwsError("SnapshotAlreadyExistsFault", f"Snapshot {name} already exists.")
    times = [{"NodeGroupId": one["NodeGroupId"], "SnapshotCreateTime": ctx.clock.now()} for one in found["NodeGroups"]]
    made = {
        "SnapshotName": name,
        "ReplicationGroupId": found["ReplicationGroupId"],
        "SnapshotStatus": "available",
        "SnapshotSource": "manual",
        "CacheNodeType": found["CacheNodeType"],
        "Engine": found["Engine"],
        "EngineVersion": ENGINE_VERSION,
        "CacheParameterGroupName": f"default.{found['Engine']}8{'.cluster.on' if found['ClusterEnabled'] else ''}",
        "NumNodeGroups": len(found["NodeGroups"]),
        "NodeSnapshots": times,
        "ARN": f"arn:aws:elasticache:{ctx.region}:{ctx.account}:snapshot:{name}",
    }
    snapshots(ctx)[name] = made
    tag_store(ctx)[made["ARN"]] = tags
    ctx.gw.markers.copy(ctx.data(_born(found)), ctx.data(f"snapshot/{name}"))
    return made


def replication_group(ctx: Ctx, ident: str, region: str | None = None) -> Params:
    """A replication group; ReplicationGroupNotFoundFault when there is none."""
    found = replication_groups(ctx, region).get(ident.lower())
    if found is None:
        raise AwsError("ReplicationGroupNotFoundFault", f"ReplicationGroup {ident} not found.", 404)
    return found


def need_available(found: Params) -> None:
    """InvalidReplicationGroupState unless it is available."""
    if found["Status"] != "available":
        text = f"Replication group {found['ReplicationGroupId']} is in state {found['Status']}, not available."
        raise AwsError("InvalidReplicationGroupState", text)


def _world(ctx: Ctx, ident: str, *states: str) -> Params:
    found = _worlds(ctx).get(ident)
    if found is None or not any(one["ReplicationGroupRegion"] == ctx.region for one in found["Members"]):
        raise AwsError("GlobalReplicationGroupNotFoundFault", f"Global replication group {ident} not found.", 404)
    if states and found["Status"] not in states:
        text = f"Global replication group {ident} is in state {found['Status']}."
        raise AwsError("InvalidGlobalReplicationGroupState", text)
    return found


def _joined(ctx: Ctx, region: str, ident: str, world: str, role: str) -> None:
    replication_group(ctx, ident, region)["GlobalReplicationGroupInfo"] = {
        "GlobalReplicationGroupId": world,
        "GlobalReplicationGroupMemberRole": role,
    }


def _settle(ctx: Ctx, world: Params, seconds: float) -> None:
    """`modifying`, and then what its members make of it."""
    status = "available" if len(world["Members"]) > 1 else "primary-only"
    transition(ctx.clock, [("modifying", seconds), (status, 0)], lambda state: world.update(Status=state))


def _measure(ctx: Ctx, region: str, found: Params, lag: float | None) -> None:
    """Publishes the lag of a follower; None for a group that does not follow."""
    node = {"CacheClusterId": found["MemberClusters"][0]}
    ctx.within(region=region).metric("AWS/ElastiCache", "GlobalDatastoreReplicationLag", node, lag)


def page(params: Params, name: str, items: list[Params]) -> Params:
    """One page of a listing, as Marker and MaxRecords ask for it."""
    start, size = int(params.get("Marker") or 0), params.get("MaxRecords") or 100
    more = {"Marker": str(start + size)} if start + size < len(items) else {}
    return {name: items[start : start + size], **more}


# -- replication groups -----------------------------------------------------------------------------------------------


def _make(ctx: Ctx, params: Params, status: str) -> Params:
    """A group and its nodes, with endpoints that no other region has."""
    ident, clustered = params["ReplicationGroupId"].lower(), "NumNodeGroups" in params
    shards = params.get("NumNodeGroups", 1)
    each = params.get("ReplicasPerNodeGroup", max(params.get("NumCacheClusters", 1) - 1, 0)) + 1
    code = f"{zlib.crc32(f'{ctx.account}{ctx.region}{ident}'.encode()):06x}"[:6]
    nodes, node_groups = [], []
    for shard in range(1, shards + 1):
        names = [f"{ident}-{shard:04d}-{n:03d}" if clustered else f"{ident}-{n:03d}" for n in range(1, each + 1)]
        nodes += names
        one: Params = {"NodeGroupId": f"{shard:04d}", "Status": "available"}
        if not clustered:
            one["PrimaryEndpoint"] = {"Address": f"master.{ident}.{code}.{ctx.region}.cache.amazonaws.com", "Port": PORT}
        node_groups.append(one)
    made = {
        "ReplicationGroupId": ident,
        "Description": params["ReplicationGroupDescription"],
        "Status": status,
        "MemberClusters": nodes,
        "NodeGroups": node_groups,
        "AutomaticFailover": "enabled" if params.get("AutomaticFailoverEnabled") else "disabled",
        "MultiAZ": "enabled" if params.get("MultiAZEnabled") else "disabled",
        "ClusterEnabled": clustered,
        "CacheNodeType": params["CacheNodeType"],
        "Engine": params.get("Engine", "valkey"),
        "AuthTokenEnabled": bool(params.get("AuthToken")),
        "TransitEncryptionEnabled": bool(params.get("TransitEncryptionEnabled")),
        "AtRestEncryptionEnabled": bool(params.get("AtRestEncryptionEnabled") or params.get("KmsKeyId")),
        "ARN": f"arn:aws:elasticache:{ctx.region}:{ctx.account}:replicationgroup:{ident}",
        "ReplicationGroupCreateTime": ctx.clock.now(),
    }
    if clustered:
        made["ConfigurationEndpoint"] = {"Address": f"clustercfg.{ident}.{code}.{ctx.region}.cache.amazonaws.com", "Port": PORT}
    for given, shown in (("KmsKeyId", "KmsKeyId"), ("UserGroupIds", "UserGroupIds")):
        if params.get(given):
            made[shown] = params[given]
    place = (params.get("CacheSubnetGroupName", "default"), list(params.get("SecurityGroupIds", ())))
    ctx.store.setdefault("places", {})[ident] = place
    replication_groups(ctx)[ident] = made
    tag_store(ctx)[made["ARN"]] = {tag["Key"]: tag.get("Value", "") for tag in params.get("Tags", ())}
    return made


@op("elasticache", "CreateReplicationGroup")
def create_group(ctx: Ctx, params: Params) -> Params:
    """On its own, or as an empty follower of a datastore, which decides its nodes and shards."""
    ident, given = params["ReplicationGroupId"].lower(), dict(params)
    if ident in replication_groups(ctx):
        raise AwsError("ReplicationGroupAlreadyExists", f"Replication group {ident} already exists.")
    name = given.get("GlobalReplicationGroupId")
    if name is None:
        if "SnapshotName" in given:
            _restoring(ctx, given)
        given.setdefault("CacheNodeType", "cache.r7g.large")
        made = _make(ctx, given, "creating")
        if "SnapshotName" in given:
            ctx.gw.markers.copy(ctx.data(f"snapshot/{given['SnapshotName']}"), ctx.data(_born(made)))
        transition(ctx.clock, [("creating", CREATION), ("available", 0)], lambda state: made.update(Status=state))
        return {"ReplicationGroup": made}
    world = _worlds(ctx).get(name)
    if world is None:
        raise AwsError("GlobalReplicationGroupNotFoundFault", f"Global replication group {name} not found.", 404)
    for fixed in ("CacheNodeType", "Engine", "EngineVersion", "NumNodeGroups", "SnapshotArns", "SnapshotName"):
        if fixed in given:
            raise AwsError("InvalidParameterCombination", f"{fixed} cannot be specified for a member of a global datastore.")
    if world["Status"] not in ("available", "primary-only"):
        raise AwsError("InvalidGlobalReplicationGroupState", f"Global replication group {name} is in state {world['Status']}.")
    regions = {one["ReplicationGroupRegion"] for one in world["Members"]}
    if ctx.region in regions or len(regions) >= _MEMBERS:
        raise AwsError("InvalidParameterValue", f"Global replication group {name} takes no member in {ctx.region}.")
    if world["ClusterEnabled"]:
        given["NumNodeGroups"] = len(world["GlobalNodeGroups"])
        if not given.get("AutomaticFailoverEnabled"):
            raise AwsError("InvalidParameterValue", "Automatic failover must be enabled for cluster mode enabled groups.")
    made = _make(ctx, {**given, "CacheNodeType": world["CacheNodeType"], "Engine": world["Engine"]}, "creating")
    member = {"ReplicationGroupId": ident, "ReplicationGroupRegion": ctx.region, "Role": "SECONDARY", "Status": "associating"}
    world["Members"].append(member)
    _joined(ctx, ctx.region, ident, name, "SECONDARY")
    _settle(ctx, world, CREATION + 30)
    transition(ctx.clock, [("creating", CREATION), ("available", 0)], lambda state: made.update(Status=state))

    def associated() -> None:
        member["Status"] = "associated"
        _measure(ctx, ctx.region, made, LAG)

    ctx.eventually(CREATION + 20, associated)
    return {"ReplicationGroup": made}


def _restoring(ctx: Ctx, given: Params) -> None:
    """What a group takes over from the snapshot that fills it, which cannot be deleted meanwhile."""
    kept = snapshot(ctx, given["SnapshotName"])
    if kept["SnapshotStatus"] != "available":
        raise AwsError("InvalidParameterValue", f"Snapshot {kept['SnapshotName']} is {kept['SnapshotStatus']}.")
    shards = kept["NumNodeGroups"]
    if given.get("NumNodeGroups", 1) != shards or given.get("Engine", kept["Engine"]) != kept["Engine"]:
        raise AwsError("InvalidParameterCombination", f"The snapshot is of {shards} shards of {kept['Engine']}.")
    if given.get("EngineVersion") == ENGINE_VERSION:
        raise AwsError("InvalidParameterValue", f"Version {ENGINE_VERSION} cannot be asked for: leave out the patch level.")
    given.setdefault("Engine", kept["Engine"])
    given.setdefault("CacheNodeType", kept["CacheNodeType"])
    states = [("restoring", CREATION), ("available", 0)]
    transition(ctx.clock, states, lambda state: kept.update(SnapshotStatus=state))


@op("elasticache", "DescribeReplicationGroups")
def describe_groups(ctx: Ctx, params: Params) -> Params:
    """One, or pages of all."""
    if "ReplicationGroupId" in params:
        return {"ReplicationGroups": [replication_group(ctx, params["ReplicationGroupId"])]}
    return page(params, "ReplicationGroups", [one for _ident, one in sorted(replication_groups(ctx).items())])


@op("elasticache", "DescribeCacheClusters")
def describe_nodes(ctx: Ctx, params: Params) -> Params:
    """The nodes of replication groups, and moto's clusters that belong to none."""
    nodes = {node: one for one in replication_groups(ctx).values() for node in one["MemberClusters"]}
    wanted = params.get("CacheClusterId")
    if wanted and wanted not in nodes:
        return ctx.moto()
    shown = [_node(ctx, name, one) for name, one in sorted(nodes.items()) if wanted in (None, name)]
    alone = [] if wanted else ctx.moto({}).get("CacheClusters", [])
    return page(params, "CacheClusters", [*shown, *alone])


def _node(ctx: Ctx, name: str, found: Params) -> Params:
    subnets, groups = ctx.store["places"][found["ReplicationGroupId"]]
    return {
        "CacheClusterId": name,
        "CacheNodeType": found["CacheNodeType"],
        "Engine": found["Engine"],
        "CacheClusterStatus": found["Status"],
        "NumCacheNodes": 1,
        "CacheSubnetGroupName": subnets,
        "SecurityGroups": [{"SecurityGroupId": one, "Status": "active"} for one in groups],
        "ReplicationGroupId": found["ReplicationGroupId"],
        "ARN": f"arn:aws:elasticache:{ctx.region}:{ctx.account}:cluster:{name}",
    }


@op("elasticache", "DeleteReplicationGroup")
def delete_group(ctx: Ctx, params: Params) -> Params:
    """Refused for a member of a datastore; a final snapshot has a name that no other has."""
    found = replication_group(ctx, params["ReplicationGroupId"])
    ident, snapshot_name = found["ReplicationGroupId"], params.get("FinalSnapshotIdentifier")
    need_available(found)
    if "GlobalReplicationGroupInfo" in found:
        raise AwsError("InvalidReplicationGroupState", f"{ident} is part of a global datastore. Disassociate it first.")
    if snapshot_name:
        keep(ctx, snapshot_name, found, {})
    found["Status"] = "deleting"

    def gone() -> None:
        tag_store(ctx).pop(found["ARN"], None)
        replication_groups(ctx).pop(ident, None)

    ctx.eventually(DELETION, gone)
    return {"ReplicationGroup": found}


# -- global datastores ------------------------------------------------------------------------------------------------


def _new_world(ctx: Ctx, suffix: str, found: Params, status: str) -> Params:
    ident = f"{_prefix(ctx.region)}-{suffix}"
    if ident in _worlds(ctx):
        raise AwsError("GlobalReplicationGroupAlreadyExistsFault", f"Global replication group {ident} already exists.")
    member = {"ReplicationGroupId": found["ReplicationGroupId"], "ReplicationGroupRegion": ctx.region}
    world = {
        "GlobalReplicationGroupId": ident,
        "GlobalReplicationGroupDescription": suffix,
        "Status": status,
        "CacheNodeType": found["CacheNodeType"],
        "Engine": found["Engine"],
        "Members": [{**member, "Role": "PRIMARY", "Status": "associated", "AutomaticFailover": found["AutomaticFailover"]}],
        "ClusterEnabled": found["ClusterEnabled"],
        "GlobalNodeGroups": [{"GlobalNodeGroupId": f"{ident}-{one['NodeGroupId']}"} for one in found["NodeGroups"]],
        "AuthTokenEnabled": found["AuthTokenEnabled"],
        "TransitEncryptionEnabled": found["TransitEncryptionEnabled"],
        "AtRestEncryptionEnabled": found["AtRestEncryptionEnabled"],
        "ARN": f"arn:aws:elasticache::{ctx.account}:globalreplicationgroup:{ident}",
    }
    _worlds(ctx)[ident] = world
    _joined(ctx, ctx.region, found["ReplicationGroupId"], ident, "PRIMARY")
    return world


def _prefix(region: str) -> str:
    """Five letters that every datastore of a region begins with."""
    number = zlib.crc32(region.encode())
    return "".join(chr(ord("a") + number // 26**n % 26) for n in range(5))


@op("elasticache", "CreateGlobalReplicationGroup")
def create_world(ctx: Ctx, params: Params) -> Params:
    """Around a group that exists and keeps its data."""
    found = replication_group(ctx, params["PrimaryReplicationGroupId"])
    need_available(found)
    if "GlobalReplicationGroupInfo" in found:
        raise AwsError("InvalidReplicationGroupState", f"{found['ReplicationGroupId']} is part of a global datastore already.")
    if found["CacheNodeType"].startswith(("cache.t", "cache.m4", "cache.r4", "cache.m3", "cache.r3")):
        raise AwsError("InvalidParameterValue", f"{found['CacheNodeType']} is not supported for global datastores.")
    world = _new_world(ctx, params["GlobalReplicationGroupIdSuffix"], found, "creating")
    states = [("creating", DATASTORE), ("primary-only", 0)]
    transition(ctx.clock, states, lambda state: world.update(Status=state))
    transition(ctx.clock, [("modifying", DATASTORE), ("available", 0)], lambda state: found.update(Status=state))
    return {"GlobalReplicationGroup": world}


@op("elasticache", "DescribeGlobalReplicationGroups")
def describe_worlds(ctx: Ctx, params: Params) -> Params:
    """Those that have a member in this region; the members only when asked for."""
    if "GlobalReplicationGroupId" in params:
        found = [_world(ctx, params["GlobalReplicationGroupId"])]
    else:
        known = [one for _ident, one in sorted(_worlds(ctx).items())]
        found = [one for one in known if any(member["ReplicationGroupRegion"] == ctx.region for member in one["Members"])]
    if not params.get("ShowMemberInfo"):
        found = [{key: value for key, value in one.items() if key != "Members"} for one in found]
    return page(params, "GlobalReplicationGroups", found)


@op("elasticache", "FailoverGlobalReplicationGroup")
def failover(ctx: Ctx, params: Params) -> Params:
    """`modifying`, and then another member takes the writes and the old one follows."""
    world = _world(ctx, params["GlobalReplicationGroupId"], "available")
    ident, region = params["PrimaryReplicationGroupId"].lower(), params["PrimaryRegion"]
    chosen = [one for one in world["Members"] if (one["ReplicationGroupId"], one["ReplicationGroupRegion"]) == (ident, region)]
    if not chosen:
        raise AwsError("InvalidParameterValue", f"{ident} in {region} is not associated with {world['GlobalReplicationGroupId']}.")
    if chosen[0]["Role"] == "PRIMARY":
        raise AwsError("InvalidParameterValue", f"{ident} in {region} is the primary already.")
    if chosen[0]["Status"] != "associated":
        raise AwsError("InvalidGlobalReplicationGroupState", f"{ident} is {chosen[0]['Status']}.")

    def moved() -> None:
        for one in world["Members"]:
            first = one is chosen[0]
            one["Role"] = "PRIMARY" if first else "SECONDARY"
            where, name = one["ReplicationGroupRegion"], one["ReplicationGroupId"]
            _joined(ctx, where, name, world["GlobalReplicationGroupId"], one["Role"])
            _measure(ctx, where, replication_group(ctx, name, where), None if first else LAG)

    ctx.eventually(FAILOVER - 15, moved)
    for one in world["Members"]:
        found = replication_group(ctx, one["ReplicationGroupId"], one["ReplicationGroupRegion"])
        pass_through(ctx, found, [("modifying", FAILOVER - 5), ("available", 0)])
    _settle(ctx, world, FAILOVER)
    return {"GlobalReplicationGroup": world}


def pass_through(ctx: Ctx, found: Params, states: list[tuple[str, float]]) -> None:
    """Let a replication group pass through states."""
    transition(ctx.clock, states, lambda state: found.update(Status=state))


@op("elasticache", "DisassociateGlobalReplicationGroup")
def disassociate(ctx: Ctx, params: Params) -> Params:
    """A follower leaves with its data and takes writes; the one that is followed cannot."""
    world = _world(ctx, params["GlobalReplicationGroupId"], "available")
    ident, region = params["ReplicationGroupId"].lower(), params["ReplicationGroupRegion"]
    chosen = [one for one in world["Members"] if (one["ReplicationGroupId"], one["ReplicationGroupRegion"]) == (ident, region)]
    if not chosen:
        raise AwsError("InvalidParameterValue", f"{ident} is not associated with {world['GlobalReplicationGroupId']}.")
    if chosen[0]["Role"] == "PRIMARY":
        raise AwsError("InvalidParameterValue", f"{ident} is the primary of {world['GlobalReplicationGroupId']}.")
    found = replication_group(ctx, ident, region)
    chosen[0]["Status"] = "disassociating"
    world["Status"] = "modifying"

    def left() -> None:
        world["Members"].remove(chosen[0])
        world["Status"] = "available" if len(world["Members"]) > 1 else "primary-only"
        found.pop("GlobalReplicationGroupInfo", None)
        _measure(ctx, region, found, None)

    pass_through(ctx, found, [("modifying", REMOVAL), ("available", 0)])
    ctx.eventually(REMOVAL - 1, left)
    return {"GlobalReplicationGroup": world}


@op("elasticache", "DeleteGlobalReplicationGroup")
def delete_world(ctx: Ctx, params: Params) -> Params:
    """Only with no follower left; the group that took the writes stays."""
    world = _world(ctx, params["GlobalReplicationGroupId"], "primary-only")
    (member,) = world["Members"]
    world["Status"] = "deleting"

    def gone() -> None:
        _worlds(ctx).pop(world["GlobalReplicationGroupId"], None)
        found = replication_groups(ctx, member["ReplicationGroupRegion"]).get(member["ReplicationGroupId"], {})
        found.pop("GlobalReplicationGroupInfo", None)

    ctx.eventually(DATASTORE, gone)
    return {"GlobalReplicationGroup": world}


# -- data -------------------------------------------------------------------------------------------------------------


def _born(found: Params) -> str:
    """An id that a group of the same name, made later, does not have."""
    return f"{found['ReplicationGroupId']}/{found['ReplicationGroupCreateTime'].timestamp()}"


@holds("elasticache")
def holders(ctx: Ctx) -> Iterator[Holder]:
    """Replication groups: of a datastore, all but one follow."""
    for ident, one in replication_groups(ctx).items():
        info = one.get("GlobalReplicationGroupInfo", {})
        secondary = info.get("GlobalReplicationGroupMemberRole") == "SECONDARY"
        writable = not secondary and one["Status"] in ("available", "modifying", "snapshotting")
        follows = _follows(ctx, one, _worlds(ctx)[info["GlobalReplicationGroupId"]]) if secondary else {}
        yield Holder(ctx.data(_born(one)), "elasticache", ctx.account, ctx.region, ident, writable, follows)


def _follows(ctx: Ctx, one: Params, world: Params) -> dict[str, Callable[[], float | None]]:
    """The primary of its datastore, by the lag that CloudWatch reports."""
    states = {member["ReplicationGroupRegion"]: member["Status"] for member in world["Members"]}
    if states.get(ctx.region) not in ("associated", "disassociating"):
        return {}
    first = next(member for member in world["Members"] if member["Role"] == "PRIMARY")
    region = first["ReplicationGroupRegion"]
    key = ("AWS/ElastiCache", "GlobalDatastoreReplicationLag", (("CacheClusterId", one["MemberClusters"][0]),))
    lag = ctx.at("cloudwatch").get("levels", {}).get(key, LAG)
    return {ctx.data(_born(replication_group(ctx, first["ReplicationGroupId"], region)), region): partial(_until, ctx, lag)}


def _until(ctx: Ctx, lag: float) -> float:
    return ctx.clock.time() - lag


# -- tags -------------------------------------------------------------------------------------------------------------


def _tagged(ctx: Ctx, arn: str) -> dict[str, str] | None:
    """The tags of a replication group or a snapshot; None for what moto holds."""
    kind, _unused, name = arn.rpartition(":")
    if kind.endswith(":replicationgroup"):
        replication_group(ctx, name)
    elif kind.endswith(":snapshot"):
        snapshot(ctx, name)
    else:
        return None
    return tag_store(ctx)[arn]


def _tag_list(tags: dict[str, str]) -> Params:
    return {"TagList": [{"Key": key, "Value": value} for key, value in sorted(tags.items())]}


@op("elasticache", "ListTagsForResource")
def list_tags(ctx: Ctx, params: Params) -> Params:
    tags = _tagged(ctx, params["ResourceName"])
    return ctx.moto() if tags is None else _tag_list(tags)


@op("elasticache", "AddTagsToResource")
def add_tags(ctx: Ctx, params: Params) -> Params:
    tags = _tagged(ctx, params["ResourceName"])
    if tags is None:
        return ctx.moto()
    tags.update({tag["Key"]: tag.get("Value", "") for tag in params["Tags"]})
    return _tag_list(tags)


@op("elasticache", "RemoveTagsFromResource")
def remove_tags(ctx: Ctx, params: Params) -> Params:
    tags = _tagged(ctx, params["ResourceName"])
    if tags is None:
        return ctx.moto()
    for key in params["TagKeys"]:
        tags.pop(key, None)
    return _tag_list(tags)


@lists("elasticache")
def listed(ctx: Ctx) -> Iterable[tuple[str, str, dict[str, str]]]:
    for one in replication_groups(ctx).values():
        yield one["ARN"], "elasticache:replicationgroup", tag_store(ctx)[one["ARN"]]
    for one in snapshots(ctx).values():
        yield one["ARN"], "elasticache:snapshot", tag_store(ctx)[one["ARN"]]


# -- estates ----------------------------------------------------------------------------------------------------------


@seed("elasticache_global")
def build(ctx: Ctx, spec: Params) -> Params:
    """{name, engine ("valkey"), node_type ("cache.r7g.large"), replicas (1), shards, encrypted, tags, peer}.

    shards: cluster mode enabled, with so many. peer {region, name, lag, tags, standalone}: the group that follows in the other
    region, `lag` seconds behind, None where CloudWatch does not know; standalone: a group of its own there, in no datastore.
    Without peer it is a group in no datastore.
    """
    made, peer = _built(ctx, spec, spec.get("tags") or {}), spec.get("peer")
    if peer:
        there = ctx.within(region=peer["region"])
        tags = {**(spec.get("tags") or {}), **peer.get("tags", {})}
        twin = _built(there, {**spec, **peer, "name": peer.get("name", spec["name"])}, tags)
        if not peer.get("standalone"):
            world = _new_world(ctx, spec["name"], made, "available")
            member = {"ReplicationGroupId": twin["ReplicationGroupId"], "ReplicationGroupRegion": there.region}
            world["Members"].append({**member, "Role": "SECONDARY", "Status": "associated"})
            _joined(ctx, there.region, twin["ReplicationGroupId"], world["GlobalReplicationGroupId"], "SECONDARY")
            _measure(ctx, there.region, twin, peer.get("lag", LAG))
    return {"arn": made["ARN"]}


def _built(ctx: Ctx, spec: Params, tags: dict[str, str]) -> Params:
    replicas, shards = spec.get("replicas", 1), spec.get("shards")
    params: Params = {
        "ReplicationGroupId": spec["name"],
        "ReplicationGroupDescription": spec["name"],
        "Engine": spec.get("engine", "valkey"),
        "CacheNodeType": spec.get("node_type", "cache.r7g.large"),
        "AutomaticFailoverEnabled": replicas > 0 or bool(shards),
        "MultiAZEnabled": replicas > 0,
        "TransitEncryptionEnabled": True,
        "AtRestEncryptionEnabled": True,
        "CacheSubnetGroupName": _subnet_group(ctx),
        "SecurityGroupIds": [f"sg-{zlib.crc32(f'{ctx.account}{ctx.region}'.encode()):017x}"],
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
    if spec.get("encrypted"):
        params["KmsKeyId"] = f"arn:aws:kms:{ctx.region}:{ctx.account}:key/caches"
    shape: Params = {"NumNodeGroups": shards, "ReplicasPerNodeGroup": replicas} if shards else {"NumCacheClusters": replicas + 1}
    return _make(ctx, {**params, **shape}, "available")


def _subnet_group(ctx: Ctx) -> str:
    """The name of the region's cache subnet group, made of the default VPC's subnets."""
    client = ctx.client("elasticache")
    if "caches" not in {one["CacheSubnetGroupName"] for one in client.describe_cache_subnet_groups()["CacheSubnetGroups"]}:
        default = [{"Name": "default-for-az", "Values": ["true"]}]
        subnets = [one["SubnetId"] for one in ctx.client("ec2").describe_subnets(Filters=default)["Subnets"]]
        client.create_cache_subnet_group(CacheSubnetGroupName="caches", CacheSubnetGroupDescription="caches", SubnetIds=subnets)
    return "caches"
