# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions about Aurora clusters that both directions share: a standby and its instances, an old cluster put aside or removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ..model import Blocked, Call, Deferred, Done, Goal, Pair, Step, Unreachable, Wait
from .aurora_state import CHANGING, Cluster, Member, Seen, Side, World, option
from .fence import FOLLOWS_TAG, OWN_TAGS, RETIRED_TAG, fence, tag

#: Instances of an existing volume take minutes, a secondary's first copy as long as its size.
NODE_SECONDS: Final = 3600
COPY_SECONDS: Final = 8 * 3600
#: An old writer that comes back is built anew from the new one: tens of minutes, or hours.
RESYNC_SECONDS: Final = 4 * 3600
#: Synchronisation states of a member that follows. AWS leaves the field out on older versions.
FOLLOWING: Final = ("", "connected")


@dataclass(frozen=True, slots=True)
class Place:
    """Where one side is, what stands there, and its part in the global database."""

    region: str
    id: str
    side: Side
    member: Member | None = None


def places(seen: Seen, pair: Pair) -> tuple[Place, Place]:
    """Source and target."""
    return (
        Place(pair.source_region, pair.source_id, seen.source, seen.source_member),
        Place(pair.target_region, pair.target_id, seen.target, seen.target_member),
    )


def stand_by(seen: Seen, goal: Goal, here: Place, model: Place, old: Cluster | None = None) -> Step:
    """A cluster follows that of `model` here, with instances that can take over. old: the cluster whose place it takes."""
    match here.side:
        case Cluster() as side:
            pass
        case _:
            return _create(seen, goal, here, model, old)
    if side.changing:
        return Wait(f"{side.id} in {side.region} is {side.status}", poll_seconds=30, timeout_seconds=COPY_SECONDS)
    if not side.usable:
        return Blocked(f"{side.id} in {side.region} is {side.status}", f"repair it, then run this phase again\n{show(side)}")
    follows = side.source == (model.region, model.id.lower()) if here.member is None else model.member is not None
    if not follows:
        why = f"{side.id} in {side.region} follows nothing that {model.id} in {model.region} is part of"
        return Blocked(why, f"rename it, or correct dr:peer\n{show(side)}")
    if here.member and (differs := version(side, model.side)):
        return differs
    if step := instances(side, goal, model.side):
        return step
    if here.member and here.member.sync not in FOLLOWING:
        return Wait(f"{side.id} in {side.region} is {here.member.sync}", poll_seconds=60, timeout_seconds=RESYNC_SECONDS)
    return Done({**outputs(side, seen), "role": "standby"})


def version(side: Cluster, model: Side) -> Blocked | None:
    """Both sides of a global database must run the same version, or AWS refuses to move its writer."""
    if not isinstance(model, Cluster) or not model.version or model.version == side.version:
        return None
    why = f"{side.id} in {side.region} runs {side.engine} {side.version}, {model.id} in {model.region} {model.version}"
    return Blocked(why, "upgrade the older one (secondaries first), then run this phase again")


def instances(side: Cluster, goal: Goal, model: Side = None) -> Step | None:
    """The cluster has its instances, available; None when that holds."""
    wanted = max(1, int(option(goal.pair, side.region, "instances", 1)))
    if len(side.nodes) < wanted:
        size = _instance_class(side, goal, model)
        if not size:
            why = f"{side.id} in {side.region} is headless, and the class of its instances is not known"
            return Blocked(why, "set instance_class, then run this phase again")
        taken = {node.id for node in side.nodes}
        names = [f"{side.id[:48].rstrip('-')}-{side.suffix[:6]}-{number}" for number in range(1, wanted + len(taken) + 1)]
        name = next(name for name in names if name not in taken)
        params = {
            "DBInstanceIdentifier": name,
            "DBClusterIdentifier": side.id,
            "Engine": side.engine,
            "DBInstanceClass": size,
        }
        return Call("rds", "create_db_instance", side.region, params, f"add the instance {name}", settle_seconds=30)
    if sum(node.status == "available" for node in side.nodes) >= wanted:
        return None
    broken = next((node for node in side.nodes if node.status not in (*CHANGING, "available", "backing-up")), None)
    if broken:
        return Blocked(
            f"instance {broken.id} in {side.region} is {broken.status}", "repair or delete it, then run this phase again"
        )
    states = ", ".join(f"{node.id} is {node.status}" for node in side.nodes)
    return Wait(f"{states} in {side.region}", poll_seconds=30, timeout_seconds=NODE_SECONDS)


def _instance_class(side: Cluster, goal: Goal, model: Side) -> str:
    given = option(goal.pair, side.region, "instance_class")
    nodes = [*side.nodes, *(model.nodes if isinstance(model, Cluster) else ())]
    return str(given or (nodes[0].instance_class if nodes else "") or goal.captured.get("instance_class") or "")


def _create(seen: Seen, goal: Goal, here: Place, model: Place, old: Cluster | None) -> Step:
    source = model.side
    if not isinstance(source, Cluster):
        gone = "does not answer" if isinstance(source, Unreachable) else f"has no {model.id}"
        why = f"there is no cluster {here.id} in {here.region}, and {model.region} {gone}"
        return Blocked(why, f"restore a copied snapshot in {here.region} under that identifier, or check dr:peer")
    if source.changing:
        return Wait(f"{source.id} in {source.region} is {source.status}", poll_seconds=30)
    if not source.usable:
        return Blocked(
            f"{source.id} in {source.region} is {source.status}", f"repair it, then run this phase again\n{show(source)}"
        )
    if model.member is not None and not model.member.writer:
        why = f"{source.id} in {source.region} is itself a secondary of {seen.whole.id if seen.whole else ''}"
        return Blocked(why, "point dr:peer at the writer's cluster")
    if option(goal.pair, here.region, "replication", "global") == "binlog":
        if source.engine != "aurora-mysql":
            return Blocked(
                f"{source.engine} has no replica clusters in other regions", "leave replication out: a global database is made"
            )
        return _secondary(source, goal, here, old, {"ReplicationSourceIdentifier": source.arn, "SourceRegion": source.region})
    found = seen.world
    if isinstance(found, World) and model.member is not None:
        if found.status != "available":
            return Wait(f"the global database {found.id} is {found.status}", poll_seconds=30)
        return _secondary(source, goal, here, old, {"GlobalClusterIdentifier": found.id})
    name = goal.pair.settings.get("global_cluster") or f"{source.id[:56].rstrip('-')}-global"
    if isinstance(found, World) and found.id == name:
        why = f"a global database {name} exists, and {source.id} in {source.region} is not part of it"
        return Blocked(why, "delete it when it is empty, or set global_cluster to another name")
    params = {"GlobalClusterIdentifier": name, "SourceDBClusterIdentifier": source.arn}
    return Call("rds", "create_global_cluster", source.region, params, f"make the global database {name}", settle_seconds=15)


def _secondary(source: Cluster, goal: Goal, here: Place, old: Cluster | None, link: dict[str, Any]) -> Step:
    pair, known = goal.pair, goal.captured if goal.captured.get("region") == here.region else {}

    def wanted(name: str, replaced: Any) -> Any:
        return option(pair, here.region, name) or replaced or known.get(name)

    key = wanted("kms_key_id", old.kms_key_id if old else "")
    if source.encrypted and not key:
        why = f"{source.id} is encrypted, and no key of {here.region} is known for its secondary"
        return Blocked(why, f"set regions.{here.region}.kms_key_id to a key there, then run this phase again")
    params: dict[str, Any] = {
        "DBClusterIdentifier": here.id,
        "Engine": source.engine,
        "EngineVersion": source.version,
        "DBSubnetGroupName": wanted("subnet_group", old.subnet_group if old else ""),
        "VpcSecurityGroupIds": list(wanted("security_groups", (old.saved_groups or old.groups) if old else ()) or ()),
        "DBClusterParameterGroupName": wanted("parameter_group", old.parameter_group if old else ""),
        "StorageEncrypted": True if source.encrypted else None,
        "KmsKeyId": key if source.encrypted else None,
        "CopyTagsToSnapshot": True,
        "Tags": _tags(source, here.id),
        **link,
    }
    given = {name: value for name, value in params.items() if value not in (None, "", [])}
    return Call(
        "rds", "create_db_cluster", here.region, given, f"create the cluster that follows {source.region}", settle_seconds=30
    )


def _tags(source: Cluster, ident: str) -> list[dict[str, str]]:
    """Those of what it follows, so that discovery finds it, with the other side's name turned round."""
    tags = {key: value for key, value in source.tags.items() if key not in OWN_TAGS and not key.startswith("aws:")}
    if "dr:peer" in tags or ident != source.id:
        tags["dr:peer"] = f"{source.region}:{source.id}"
    if source.epoch:
        tags[FOLLOWS_TAG] = str(source.epoch)
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


# -- old clusters -----------------------------------------------------------------------------------------------------


def retire(old: Cluster, seen: Seen, goal: Goal, member: Member | None = None) -> Step:
    """An old writer that the target was detached from: fence it, take it out of its global database, mark, rename."""
    if not old.headless:
        if isinstance(seen.fence_group, Unreachable) and not old.fenced:
            return Deferred(f"EC2 in {old.region} does not answer: {old.id} cannot be fenced")
        if step := fence(old, seen.fence_group, goal, "its counterpart serves"):
            return step
    if member is not None and isinstance(seen.world, World):
        return _leave(old, seen.world)
    if not old.retired:
        marks = {RETIRED_TAG: old.id, "dr:enabled": "false"}
        return tag(old, marks, "mark it as the old source, which discovery leaves alone")
    aside = f"{old.id[:48].rstrip('-')}-old-{old.suffix}"
    params = {"DBClusterIdentifier": old.id, "NewDBClusterIdentifier": aside, "ApplyImmediately": True}
    return Call("rds", "modify_db_cluster", old.region, params, f"rename it to {aside}", settle_seconds=30)


def _leave(old: Cluster, world: World) -> Call:
    params = {"GlobalClusterIdentifier": world.id, "DbClusterIdentifier": old.arn}
    why = f"take it out of {world.id}"
    return Call("rds", "remove_from_global_cluster", old.region, params, why, one_way=True, settle_seconds=30)


def remove(old: Cluster, member: Member | None, goal: Goal, world: World | None) -> Step:
    """Instances, membership, then the cluster with a final snapshot. Deletion protection holds the cluster, not its instances."""
    region = old.region
    if old.protected:
        fix = f"aws rds modify-db-cluster --region {region} --db-cluster-identifier {old.id} --no-deletion-protection"
        return Blocked(f"{old.id} in {region} is protected against deletion", f"{fix}, then run this phase again")
    if old.replicas:
        why = f"{old.id} in {region} has other replicas: {', '.join(old.replicas)}"
        return Blocked(why, "promote or delete them, or run cleanup with cleanup_policy=quarantine")
    if old.changing:
        return Wait(f"{old.id} in {region} is {old.status}", poll_seconds=30)
    standing = [node for node in old.nodes if node.status != "deleting"]
    if standing:
        last = sorted(standing, key=lambda node: (node.writer, node.id))[0]
        params: dict[str, Any] = {"DBInstanceIdentifier": last.id, "SkipFinalSnapshot": True}
        return Call("rds", "delete_db_instance", region, params, f"delete the instance {last.id}", one_way=True, settle_seconds=30)
    if old.nodes:
        return Wait(f"the instances of {old.id} in {region} are being deleted", poll_seconds=30)
    if member is not None and world is not None:
        return _leave(old, world)
    params = {
        "DBClusterIdentifier": old.id,
        "SkipFinalSnapshot": False,
        "FinalDBSnapshotIdentifier": f"{old.id[:48].rstrip('-')}-final-{old.suffix}",
    }
    why = "delete the old cluster, with a final snapshot"
    return Call("rds", "delete_db_cluster", region, params, why, one_way=True, settle_seconds=30)


def keep_lost(seen: Seen, region: str) -> Step | None:
    """Manual copies of what an unplanned failover lost: the originals go with the old cluster's retention."""
    if isinstance(seen.lost, Unreachable):
        return Deferred(f"{region} does not answer: snapshots of lost writes are not copied")
    for one in seen.lost:
        if not one.copy_status:
            params = {
                "SourceDBClusterSnapshotIdentifier": one.id,
                "TargetDBClusterSnapshotIdentifier": one.copy,
                "CopyTags": True,
            }
            why = "keep the writes that were lost: copy the snapshot of them"
            return Call("rds", "copy_db_cluster_snapshot", region, params, why, settle_seconds=15)
    pending = next((one for one in seen.lost if one.copy_status not in ("available", "failed")), None)
    if pending:
        return Wait(f"{pending.copy} in {region} is {pending.copy_status}", poll_seconds=60, timeout_seconds=COPY_SECONDS)
    failed = next((one for one in seen.lost if one.copy_status == "failed"), None)
    if failed:
        return Blocked(
            f"the copy {failed.copy} in {region} failed", f"delete it, then run this phase again; {failed.arn} is not kept for long"
        )
    return None


# -- words ------------------------------------------------------------------------------------------------------------


def outputs(side: Cluster, seen: Seen) -> dict[str, Any]:
    """What reports show of one cluster."""
    member = seen.whole.member(side.region, side.id) if seen.whole else None
    return {
        "db_cluster_arn": side.arn,
        "endpoint": side.endpoint,
        "reader_endpoint": side.reader_endpoint,
        "port": side.port,
        "global_cluster": seen.whole.id if seen.whole and member else "",
        "write_forwarding": member.forwarding if member else "",
        "instances": [node.id for node in side.nodes],
        "lag_seconds": side.lag_seconds,
    }


def show(side: Side) -> str:
    """The command that shows one cluster."""
    if not isinstance(side, Cluster):
        return ""
    return f"aws rds describe-db-clusters --region {side.region} --db-cluster-identifier {side.id}"
