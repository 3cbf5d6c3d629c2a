# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MemoryDB clusters and multi-Region clusters, whose members in all regions take writes; there is no promotion.

Clusters, ACLs and final snapshots are kept here, for moto's clusters are in one region only. A multi-Region cluster is kept once
for all regions and shown in each of them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from sandbox.gateway import Ctx, Holder, holds, lists, op, seed, transition
from sandbox.model import AwsError

Params = dict[str, Any]

# Simulated seconds.
WORLD, CREATION, UPDATE, DELETION = 60, 1200, 120, 600
#: Milliseconds that a member lags behind another region.
LAG = 250
PORT = 6379
_MEMBERS = 5
_SMALL = ("db.t4g", "db.r6g", "db.r6gd", "db.r7g.large")


def regional_clusters(ctx: Ctx, region: str | None = None) -> dict[str, Params]:
    """Name -> the description, in one region."""
    found: dict[str, Params] = ctx.at("memorydb", region).setdefault("clusters", {})
    return found


def _worlds(ctx: Ctx) -> dict[str, Params]:
    """Name -> the multi-Region cluster, of the account: {MultiRegionClusterName, Status, Clusters, …}."""
    found: dict[str, Params] = ctx.at("memorydb", "*").setdefault("worlds", {})
    return found


def _acls(ctx: Ctx) -> dict[str, list[str]]:
    """Name -> the users; the open one is in every region."""
    found: dict[str, list[str]] = ctx.at("memorydb").setdefault("acls", {"open-access": ["default"]})
    return found


def tag_store(ctx: Ctx) -> dict[str, dict[str, str]]:
    """ARN -> tags, in one region."""
    found: dict[str, dict[str, str]] = ctx.at("memorydb").setdefault("tags", {})
    return found


def snapshots(ctx: Ctx) -> dict[str, Params]:
    """Name -> the snapshot, in one region."""
    found: dict[str, Params] = ctx.at("memorydb").setdefault("snapshots", {})
    return found


def snapshot(ctx: Ctx, name: str) -> Params:
    """A snapshot; SnapshotNotFoundFault when there is none."""
    if name not in snapshots(ctx):
        raise AwsError("SnapshotNotFoundFault", f"Snapshot {name} not found.", 404)
    return snapshots(ctx)[name]


def keep(ctx: Ctx, name: str, found: Params, tags: dict[str, str]) -> Params:
    """A snapshot of a cluster, as if it had taken no time."""
    if name in snapshots(ctx):
        raise AwsError("SnapshotAlreadyExistsFault", f"Snapshot {name} already exists.")
    shared = ("Name", "NodeType", "Engine", "EngineVersion", "SubnetGroupName", "MultiRegionClusterName")
    configuration = {key: found[key] for key in shared if key in found}
    configuration["NumShards"] = found["NumberOfShards"]
    configuration["Shards"] = [{"Name": one["Name"], "SnapshotCreationTime": ctx.clock.now()} for one in found["Shards"]]
    made: Params = {
        "Name": name,
        "Status": "available",
        "Source": "manual",
        "ClusterConfiguration": configuration,
        "ARN": f"arn:aws:memorydb:{ctx.region}:{ctx.account}:snapshot/{name}",
    }
    snapshots(ctx)[name] = made
    tag_store(ctx)[made["ARN"]] = tags
    ctx.gw.markers.copy(ctx.data(_born(found)), ctx.data(f"snapshot/{name}"))
    return made


def regional_cluster(ctx: Ctx, name: str) -> Params:
    """A cluster; ClusterNotFoundFault when there is none."""
    found = regional_clusters(ctx).get(name.lower())
    if found is None:
        raise AwsError("ClusterNotFoundFault", f"Cluster {name} not found.", 404)
    return found


def need_available(found: Params) -> None:
    """InvalidClusterStateFault unless it is available."""
    if found["Status"] != "available":
        raise AwsError("InvalidClusterStateFault", f"Cluster {found['Name']} is in state {found['Status']}, not available.")


def _world(ctx: Ctx, name: str) -> Params:
    found = _worlds(ctx).get(name)
    if found is None:
        raise AwsError("MultiRegionClusterNotFoundFault", f"Multi-Region cluster {name} not found.", 404)
    return found


def page(params: Params, name: str, items: list[Params]) -> Params:
    """One page of a listing, as NextToken and MaxResults ask for it."""
    start, size = int(params.get("NextToken") or 0), params.get("MaxResults") or 50
    more = {"NextToken": str(start + size)} if start + size < len(items) else {}
    return {name: items[start : start + size], **more}


def _measure(ctx: Ctx, world: Params, lag: float | None = LAG) -> None:
    """Publishes, in every member's region, what it lags behind each other region; None ends it."""
    for here in world["Clusters"]:
        for other in world["Clusters"]:
            if here is not other:
                _lag(ctx, here["Region"], here["ClusterName"], other["Region"], lag)


def _lag(ctx: Ctx, region: str, name: str, other: str, lag: float | None) -> None:
    shards = regional_clusters(ctx, region).get(name, {}).get("Shards", [{"Name": "0001"}])
    for shard in shards:
        where = {"ClusterName": name, "ShardName": shard["Name"], "SourceRegion": other, "DestinationRegion": region}
        ctx.within(region=region).metric("AWS/MemoryDB", "MultiRegionClusterReplicationLag", where, lag)


# -- clusters ---------------------------------------------------------------------------------------------------------


def _make(ctx: Ctx, params: Params, status: str) -> Params:
    name, shards = params["ClusterName"].lower(), params.get("NumShards", 1)
    nodes = params.get("NumReplicasPerShard", 1) + 1
    code = f"{zlib.crc32(f'{ctx.account}{ctx.region}{name}'.encode()):06x}"[:6]
    made: Params = {
        "Name": name,
        "Status": status,
        "NumberOfShards": shards,
        "Shards": [
            {
                "Name": f"{shard:04d}",
                "Status": "available",
                "NumberOfNodes": nodes,
                "Nodes": [
                    {"Name": f"{name}-{shard:04d}-{node:03d}", "Status": "available", "CreateTime": ctx.clock.now()}
                    for node in range(1, nodes + 1)
                ],
            }
            for shard in range(1, shards + 1)
        ],
        "AvailabilityMode": "multiaz" if nodes > 1 else "singleaz",
        "ClusterEndpoint": {"Address": f"clustercfg.{name}.{code}.memorydb.{ctx.region}.amazonaws.com", "Port": PORT},
        "NodeType": params["NodeType"],
        "Engine": params.get("Engine", "valkey"),
        "EngineVersion": params.get("EngineVersion", "7.3"),
        "SecurityGroups": [{"SecurityGroupId": one, "Status": "active"} for one in params.get("SecurityGroupIds", ())],
        "SubnetGroupName": params.get("SubnetGroupName", "default"),
        "TLSEnabled": params.get("TLSEnabled", True),
        "ARN": f"arn:aws:memorydb:{ctx.region}:{ctx.account}:cluster/{name}",
        "SnapshotRetentionLimit": params.get("SnapshotRetentionLimit", 0),
        "ACLName": params["ACLName"],
    }
    for optional in ("KmsKeyId", "MultiRegionClusterName"):
        if params.get(optional):
            made[optional] = params[optional]
    regional_clusters(ctx)[name] = made
    tag_store(ctx)[made["ARN"]] = {tag["Key"]: tag.get("Value", "") for tag in params.get("Tags", ())}
    return made


@op("memorydb", "CreateCluster")
def create_cluster(ctx: Ctx, params: Params) -> Params:
    """On its own, of a snapshot, or a member of a multi-Region cluster, which decides its shards and is filled by the others."""
    name, given = params["ClusterName"].lower(), dict(params)
    if name in regional_clusters(ctx):
        raise AwsError("ClusterAlreadyExistsFault", f"Cluster {name} already exists.")
    if given["ACLName"] not in _acls(ctx):
        raise AwsError("ACLNotFoundFault", f"ACL {given['ACLName']} not found.", 404)
    world = _world(ctx, given["MultiRegionClusterName"]) if "MultiRegionClusterName" in given else None
    member: Params = {}
    if "SnapshotName" in given:
        _restoring(ctx, given)
    if world is not None:
        if world["Status"] != "available":
            text = f"Multi-Region cluster {world['MultiRegionClusterName']} is in state {world['Status']}."
            raise AwsError("InvalidMultiRegionClusterStateFault", text)
        regions = {one["Region"] for one in world["Clusters"]}
        if ctx.region in regions or len(regions) >= _MEMBERS or given["NodeType"] != world["NodeType"]:
            raise AwsError("InvalidParameterValueException", f"The multi-Region cluster takes no such member in {ctx.region}.")
        given["NumShards"] = world["NumberOfShards"]
        world["Status"] = "updating"
    made = _make(ctx, given, "creating")
    if "SnapshotName" in given:
        ctx.gw.markers.copy(ctx.data(f"snapshot/{given['SnapshotName']}"), ctx.data(_born(made)))
    if world is not None:
        member = {"ClusterName": name, "Region": ctx.region, "Status": "creating", "ARN": made["ARN"]}
        world["Clusters"].append(member)

    def ready() -> None:
        made["Status"] = "available"
        if world is not None:
            member["Status"] = world["Status"] = "available"
            _measure(ctx, world)

    ctx.eventually(CREATION, ready)
    return {"Cluster": _brief(made)}


def _restoring(ctx: Ctx, given: Params) -> None:
    """What a cluster takes over from the snapshot that fills it, which cannot be deleted meanwhile."""
    kept = snapshot(ctx, given["SnapshotName"])
    if kept["Status"] != "available":
        raise AwsError("InvalidParameterValueException", f"Snapshot {kept['Name']} is {kept['Status']}.")
    if "MultiRegionClusterName" in given:
        raise AwsError("InvalidParameterCombinationException", "A member of a multi-Region cluster is not made of a snapshot.")
    given.setdefault("NumShards", kept["ClusterConfiguration"]["NumShards"])
    transition(ctx.clock, [("restoring", CREATION), ("available", 0)], lambda state: kept.update(Status=state))


def _brief(found: Params) -> Params:
    return {key: value for key, value in found.items() if key != "Shards"}


@op("memorydb", "DescribeClusters")
def describe_clusters(ctx: Ctx, params: Params) -> Params:
    """One, or pages of all; shards only when asked for."""
    if "ClusterName" in params:
        found = [regional_cluster(ctx, params["ClusterName"])]
    else:
        found = [one for _name, one in sorted(regional_clusters(ctx).items())]
    return page(params, "Clusters", found if params.get("ShowShardDetails") else [_brief(one) for one in found])


@op("memorydb", "UpdateCluster")
def update_cluster(ctx: Ctx, params: Params) -> Params:
    """Security groups, ACL and snapshots; what all members share is changed by UpdateMultiRegionCluster."""
    found = regional_cluster(ctx, params["ClusterName"])
    need_available(found)
    fixed = {"NodeType", "ShardConfiguration", "EngineVersion", "Engine"} & set(params)
    if fixed and found.get("MultiRegionClusterName"):
        raise AwsError("InvalidParameterCombinationException", f"{sorted(fixed)} cannot be changed for one member.")
    if params.get("ACLName", found["ACLName"]) not in _acls(ctx):
        raise AwsError("ACLNotFoundFault", f"ACL {params['ACLName']} not found.", 404)
    if "SecurityGroupIds" in params:
        found["SecurityGroups"] = [{"SecurityGroupId": one, "Status": "active"} for one in params["SecurityGroupIds"]]
    found.update({name: params[name] for name in ("ACLName", "SnapshotRetentionLimit", "Description") if name in params})
    transition(ctx.clock, [("updating", UPDATE), ("available", 0)], lambda state: found.update(Status=state))
    return {"Cluster": _brief(found)}


@op("memorydb", "DeleteCluster")
def delete_cluster(ctx: Ctx, params: Params) -> Params:
    """A member is deleted only together with the name of what it is a member of; a final snapshot has a new name."""
    found, snapshot_name = regional_cluster(ctx, params["ClusterName"]), params.get("FinalSnapshotName")
    need_available(found)
    name, belongs = found["Name"], found.get("MultiRegionClusterName")
    if params.get("MultiRegionClusterName") != belongs:
        raise AwsError("InvalidParameterCombinationException", f"{name} is a member of {belongs or 'no multi-Region cluster'}.")
    if snapshot_name:
        keep(ctx, snapshot_name, found, {})
    found["Status"] = "deleting"
    world = _worlds(ctx).get(belongs or "")
    if world is not None:
        _measure(ctx, world, None)
        next(one for one in world["Clusters"] if one["Region"] == ctx.region)["Status"] = "deleting"
        world["Status"] = "updating"

    def gone() -> None:
        tag_store(ctx).pop(found["ARN"], None)
        regional_clusters(ctx).pop(name, None)
        if world is not None:
            world["Clusters"] = [one for one in world["Clusters"] if one["Region"] != ctx.region]
            world["Status"] = "available"
            _measure(ctx, world)

    ctx.eventually(DELETION, gone)
    return {"Cluster": _brief(found)}


@op("memorydb", "DescribeACLs")
def describe_acls(ctx: Ctx, params: Params) -> Params:
    """Who may log in: per region, and never replicated."""
    wanted = params.get("ACLName")
    if wanted is not None and wanted not in _acls(ctx):
        raise AwsError("ACLNotFoundFault", f"ACL {wanted} not found.", 404)
    shown = [
        {
            "Name": name,
            "Status": "active",
            "UserNames": users,
            "Clusters": sorted(one["Name"] for one in regional_clusters(ctx).values() if one["ACLName"] == name),
            "ARN": f"arn:aws:memorydb:{ctx.region}:{ctx.account}:acl/{name}",
        }
        for name, users in sorted(_acls(ctx).items())
        if wanted in (None, name)
    ]
    return page(params, "ACLs", shown)


@op("memorydb", "CreateACL")
def create_acl(ctx: Ctx, params: Params) -> Params:
    if params["ACLName"] in _acls(ctx):
        raise AwsError("ACLAlreadyExistsFault", f"ACL {params['ACLName']} already exists.")
    _acls(ctx)[params["ACLName"]] = list(params.get("UserNames", ()))
    return {"ACL": describe_acls(ctx, {"ACLName": params["ACLName"]})["ACLs"][0]}


# -- multi-Region clusters --------------------------------------------------------------------------------------------


def _new_world(ctx: Ctx, params: Params, status: str) -> Params:
    if params["NodeType"].startswith(_SMALL):
        raise AwsError("InvalidParameterValueException", f"Multi-Region clusters do not take nodes of type {params['NodeType']}.")
    name = f"virxk-{params['MultiRegionClusterNameSuffix']}"
    if name in _worlds(ctx):
        raise AwsError("MultiRegionClusterAlreadyExistsFault", f"Multi-Region cluster {name} already exists.")
    made = {
        "MultiRegionClusterName": name,
        "Status": status,
        "NodeType": params["NodeType"],
        "Engine": "valkey",
        "EngineVersion": params.get("EngineVersion", "7.3"),
        "NumberOfShards": params.get("NumShards", 1),
        "Clusters": [],
        "TLSEnabled": params.get("TLSEnabled", True),
        "ARN": f"arn:aws:memorydb::{ctx.account}:multiregioncluster/{name}",
    }
    _worlds(ctx)[name] = made
    return made


@op("memorydb", "CreateMultiRegionCluster")
def create_world(ctx: Ctx, params: Params) -> Params:
    """Empty: members are created in it."""
    made = _new_world(ctx, params, "creating")
    ctx.eventually(WORLD, lambda: made.update(Status="available"))
    return {"MultiRegionCluster": made}


@op("memorydb", "DescribeMultiRegionClusters")
def describe_worlds(ctx: Ctx, params: Params) -> Params:
    """In every region alike; the members only when asked for."""
    if "MultiRegionClusterName" in params:
        found = [_world(ctx, params["MultiRegionClusterName"])]
    else:
        found = [one for _name, one in sorted(_worlds(ctx).items())]
    if not params.get("ShowClusterDetails"):
        found = [{key: value for key, value in one.items() if key != "Clusters"} for one in found]
    return page(params, "MultiRegionClusters", found)


@op("memorydb", "DeleteMultiRegionCluster")
def delete_world(ctx: Ctx, params: Params) -> Params:
    """Only when it has no members."""
    world = _world(ctx, params["MultiRegionClusterName"])
    if world["Clusters"] or world["Status"] != "available":
        text = f"Multi-Region cluster {world['MultiRegionClusterName']} is in state {world['Status']} or has regional clusters."
        raise AwsError("InvalidMultiRegionClusterStateFault", text)
    world["Status"] = "deleting"
    ctx.eventually(WORLD, lambda: _worlds(ctx).pop(world["MultiRegionClusterName"], None))
    return {"MultiRegionCluster": world}


# -- data -------------------------------------------------------------------------------------------------------------


def _born(found: Params) -> str:
    """An id that a cluster of the same name, made later, does not have."""
    return f"{found['Name']}/{found['Shards'][0]['Nodes'][0]['CreateTime'].timestamp()}"


@holds("memorydb")
def holders(ctx: Ctx) -> Iterator[Holder]:
    """Clusters: members of a multi-Region cluster take writes and merge each other's."""
    for name, one in regional_clusters(ctx).items():
        world = _worlds(ctx).get(one.get("MultiRegionClusterName", "")) if one["Status"] != "creating" else None
        follows = {}
        for other in world["Clusters"] if world else ():
            twin = regional_clusters(ctx, other["Region"]).get(other["ClusterName"])
            if other["Region"] != ctx.region and twin is not None and other["Status"] == "available":
                lag = _reported(ctx, name, other["Region"])
                follows[ctx.data(_born(twin), other["Region"])] = partial(_until, ctx, lag)
        writable = one["Status"] in ("available", "updating", "snapshotting")
        yield Holder(ctx.data(_born(one)), "memorydb", ctx.account, ctx.region, name, writable, follows, merges=True)


def _reported(ctx: Ctx, name: str, source: str) -> float:
    """Milliseconds that CloudWatch says a member lags behind another region."""
    where = {"ClusterName": name, "ShardName": "0001", "SourceRegion": source, "DestinationRegion": ctx.region}
    key = ("AWS/MemoryDB", "MultiRegionClusterReplicationLag", tuple(sorted(where.items())))
    return float(ctx.at("cloudwatch").get("levels", {}).get(key, LAG))


def _until(ctx: Ctx, milliseconds: float) -> float:
    return ctx.clock.time() - milliseconds / 1000


# -- tags -------------------------------------------------------------------------------------------------------------


def _tagged(ctx: Ctx, arn: str) -> dict[str, str] | None:
    """The tags of a cluster or a snapshot; None for what moto holds."""
    kind, _unused, name = arn.rpartition("/")
    if kind.endswith(":cluster"):
        regional_cluster(ctx, name)
    elif kind.endswith(":snapshot"):
        snapshot(ctx, name)
    else:
        return None
    return tag_store(ctx)[arn]


def _tag_list(tags: dict[str, str]) -> Params:
    return {"TagList": [{"Key": key, "Value": value} for key, value in sorted(tags.items())]}


@op("memorydb", "ListTags")
def list_tags(ctx: Ctx, params: Params) -> Params:
    tags = _tagged(ctx, params["ResourceArn"])
    return ctx.moto() if tags is None else _tag_list(tags)


@op("memorydb", "TagResource")
def tag_resource(ctx: Ctx, params: Params) -> Params:
    tags = _tagged(ctx, params["ResourceArn"])
    if tags is None:
        return ctx.moto()
    tags.update({tag["Key"]: tag.get("Value", "") for tag in params["Tags"]})
    return _tag_list(tags)


@op("memorydb", "UntagResource")
def untag_resource(ctx: Ctx, params: Params) -> Params:
    """A tag that is not there is an error."""
    tags = _tagged(ctx, params["ResourceArn"])
    if tags is None:
        return ctx.moto()
    for key in params["TagKeys"]:
        if key not in tags:
            raise AwsError("TagNotFoundFault", f"Tag {key} not found.", 404)
    for key in params["TagKeys"]:
        del tags[key]
    return _tag_list(tags)


@lists("memorydb")
def listed(ctx: Ctx) -> Iterable[tuple[str, str, dict[str, str]]]:
    for one in regional_clusters(ctx).values():
        yield one["ARN"], "memorydb:cluster", tag_store(ctx)[one["ARN"]]
    for one in snapshots(ctx).values():
        yield one["ARN"], "memorydb:snapshot", tag_store(ctx)[one["ARN"]]


# -- estates ----------------------------------------------------------------------------------------------------------


@seed("memorydb_multi_region")
def build_world(ctx: Ctx, spec: Params) -> Params:
    """{name, node_type ("db.r7g.xlarge"), shards (1), replicas (1), acl ("apps"), encrypted, tags, peer}.

    peer {region, name, lag, tags, acl_users}: the member in the other region, `lag` milliseconds behind, None where CloudWatch
    does not know; acl_users false: its ACL has no users there. Without peer the multi-Region cluster has one member.
    """
    shared = {"MultiRegionClusterNameSuffix": spec["name"], "NodeType": spec.get("node_type", "db.r7g.xlarge")}
    world = _new_world(ctx, {**shared, "NumShards": spec.get("shards", 1)}, "available")
    spec = {"node_type": "db.r7g.xlarge", **spec, "world": world["MultiRegionClusterName"]}
    made, peer = _built(ctx, spec, spec.get("tags") or {}), spec.get("peer")
    world["Clusters"].append({"ClusterName": made["Name"], "Region": ctx.region, "Status": "available", "ARN": made["ARN"]})
    if peer:
        there = ctx.within(region=peer["region"])
        tags = {**(spec.get("tags") or {}), **peer.get("tags", {})}
        twin = _built(there, {**spec, **peer, "name": peer.get("name", spec["name"])}, tags)
        member = {"ClusterName": twin["Name"], "Region": there.region, "Status": "available", "ARN": twin["ARN"]}
        world["Clusters"].append(member)
        _measure(ctx, world)
        _lag(ctx, there.region, twin["Name"], ctx.region, peer.get("lag", LAG))
    return {"arn": made["ARN"]}


@seed("memorydb_cluster")
def build(ctx: Ctx, spec: Params) -> Params:
    """A single-Region cluster {name, node_type ("db.r6g.large"), shards, replicas, acl, encrypted, tags, peer}.

    peer {region, name, tags, standalone}: the copy in the other region that was made of its snapshot, as phase instantiate leaves
    it; standalone: one that is no copy.
    """
    made, peer = _built(ctx, spec, spec.get("tags") or {}), spec.get("peer")
    if peer:
        there = ctx.within(region=peer["region"])
        restored = {} if peer.get("standalone") else {"dr:restored": f"{ctx.region}:{made['Name']}"}
        tags = {**(spec.get("tags") or {}), **restored, **peer.get("tags", {})}
        _built(there, {**spec, **peer, "name": peer.get("name", spec["name"])}, tags)
    return {"arn": made["ARN"]}


def _built(ctx: Ctx, spec: Params, tags: dict[str, str]) -> Params:
    acl = spec.get("acl", "apps")
    _acls(ctx).setdefault(acl, ["apps"] if spec.get("acl_users", True) else [])
    params = {
        "ClusterName": spec["name"],
        "NodeType": spec.get("node_type", "db.r6g.large"),
        "NumShards": spec.get("shards", 1),
        "NumReplicasPerShard": spec.get("replicas", 1),
        "ACLName": acl,
        "SubnetGroupName": _subnet_group(ctx),
        "SecurityGroupIds": [f"sg-{zlib.crc32(f'{ctx.account}{ctx.region}'.encode()):017x}"],
        "SnapshotRetentionLimit": 7,
        "MultiRegionClusterName": spec.get("world"),
        "KmsKeyId": f"arn:aws:kms:{ctx.region}:{ctx.account}:key/caches" if spec.get("encrypted") else None,
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
    return _make(ctx, params, "available")


def _subnet_group(ctx: Ctx) -> str:
    """The name of the region's subnet group, made of the default VPC's subnets."""
    client = ctx.client("memorydb")
    if "caches" not in {one["Name"] for one in client.describe_subnet_groups()["SubnetGroups"]}:
        default = [{"Name": "default-for-az", "Values": ["true"]}]
        subnets = [one["SubnetId"] for one in ctx.client("ec2").describe_subnets(Filters=default)["Subnets"]]
        client.create_subnet_group(SubnetGroupName="caches", SubnetIds=subnets)
    return "caches"
