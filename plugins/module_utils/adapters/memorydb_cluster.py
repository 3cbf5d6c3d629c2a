# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MemoryDB clusters: members of a multi-Region cluster, which all take writes, or single-Region ones, restored from a snapshot.

A multi-Region cluster has no promotion and no failover. Which side production uses is a mark of ours, a tag; what ACTIVATE does is
to prove that the target is fit for it. Facts: the MemoryDB API reference and developer guide (multi-region, multi-Region.prereq).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeGuard

from ..model import Active, Blocked, Call, Check, Deferred, Done, Goal, Health, Pair, Step, Unreachable, Wait
from ..parts.memorydb_state import (
    CHANGING,
    EPOCH_TAG,
    FOLLOWS_TAG,
    OWN_TAGS,
    RESTORED_TAG,
    Cluster,
    Seen,
    Side,
    World,
    observe,
    option,
)
from .base import Adapter, Reader

#: A multi-Region cluster has members in at most so many regions.
MEMBERS_LIMIT = 5
#: The ACL that exists everywhere and lets everybody in.
OPEN_ACCESS = "open-access"
STANDBY_SECONDS, REMOVAL_SECONDS = 7200, 3600
#: A lag below this says that nothing waits to arrive.
ARRIVED_SECONDS = 1.0


class MemorydbCluster(Adapter):
    """MemoryDB clusters; identifiers are cluster names.

    Settings (manifest or host variables; `regions.<region>.<name>` overrides `<name>` for what happens in that region):
    acl, subnet_group, security_groups, kms_key_id, replicas: of a cluster that is created there; what is left out is what was
    captured of that region, or (acl, replicas) as the other side's. snapshot_arns: S3 ARNs, readable from that region, of a
    single-Region cluster's exported snapshot, or snapshot_name. fence_security_group: id of the group that an old single-Region
    cluster is left with.
    """

    technology = "memorydb"
    bulk = 100
    capacities = ("replicas", "shards")
    busy = frozenset({"InvalidClusterStateFault", "InvalidMultiRegionClusterStateFault"})
    durations: ClassVar[Mapping[str, int]] = {"instantiate": 2400, "activate": 30, "cleanup": 60, "replicate": 60}
    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "observe": (
            "cloudwatch:GetMetricData",
            "cloudwatch:ListMetrics",
            "memorydb:DescribeACLs",
            "memorydb:DescribeClusters",
            "memorydb:DescribeMultiRegionClusters",
            "memorydb:ListTags",
        ),
        "instantiate": ("memorydb:CreateCluster", "memorydb:TagResource"),
        "activate": ("memorydb:TagResource",),
        "cleanup": ("memorydb:DeleteCluster", "memorydb:UntagResource", "memorydb:UpdateCluster"),
        "replicate": ("memorydb:CreateCluster", "memorydb:TagResource"),
        "rollback": ("memorydb:TagResource",),
    }

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Seen]:
        return observe(reader, pairs)

    def active(self, seen: Seen) -> Active:
        """The side with the larger mark. Without marks, of two members the source, and of two others the one that is no copy."""
        source, target = seen.source, seen.target
        if isinstance(target, Unreachable):
            return Active.UNKNOWN
        if isinstance(source, Unreachable):
            return Active.TARGET if _usable(target) and target.epoch else Active.UNKNOWN
        if _usable(source) and _usable(target):
            if source.epoch != target.epoch:
                return Active.TARGET if target.epoch > source.epoch else Active.SOURCE
            if target.restored or (source.world and source.world == target.world):
                return Active.SOURCE
            return Active.TARGET if source.restored else Active.BOTH
        if _usable(source):
            return Active.SOURCE
        return Active.TARGET if _usable(target) else Active.NEITHER

    def instantiate(self, seen: Seen, goal: Goal) -> Step:
        """The target is a member of the source's multi-Region cluster, or a copy of a single-Region one."""
        pair = goal.pair
        match seen.target:
            case Unreachable():
                return _dark(goal, pair.target_region)
            case Cluster() as target if self.active(seen) is Active.TARGET:
                return Done({**_outputs(target), "role": "active"})
        if goal.planned and isinstance(seen.source, Unreachable):
            return _dark(goal, pair.source_region)
        there = (pair.source_region, pair.source_id)
        return _stand_by(seen.target, seen.source, there, seen, goal, pair.target_region, pair.target_id)

    def activate(self, seen: Seen, goal: Goal) -> Step:
        """The target is fit to serve, and marked as the side that does."""
        pair, source, target = goal.pair, seen.source, seen.target
        match target:
            case Unreachable():
                return _dark(goal, pair.target_region)
            case None:
                why = f"there is no cluster {pair.target_id} in {pair.target_region} to activate"
                return Blocked(why, "run phase instantiate first, while the source answers or from a copied snapshot")
            case Cluster(status=status) if status in CHANGING:
                return Wait(f"{target.name} in {pair.target_region} is {status}", 15, STANDBY_SECONDS)
            case Cluster(status=status) if status != "available":
                return Blocked(f"{target.name} in {pair.target_region} is {status}", f"repair it, then resume\n{_show(target)}")
        base = source.epoch if isinstance(source, Cluster) else int(goal.captured.get("epoch", 0))
        if self.active(seen) is Active.TARGET and (target.epoch > base or not isinstance(source, Unreachable)):
            return Done({**_outputs(target), "role": "active"})
        if goal.planned and isinstance(source, Unreachable):
            return _dark(goal, pair.source_region)
        if not _admits(target, seen):
            why = f"the ACL {target.acl} of {target.name} in {pair.target_region} lets nobody in"
            return Blocked(why, "give it the users of the other region, then resume")
        unfit = self._unfit_member(target, seen, goal) if target.world else self._unfit_copy(target, seen, goal)
        if unfit:
            return unfit
        alone = not target.world
        left = f"{pair.source_id} in {pair.source_region}"
        debt = f"keep clients from {left}: it takes writes, which {'are lost' if alone else 'merge later'}"
        mark = str(max(base, target.epoch) + 1)
        return Call(
            "memorydb",
            "tag_resource",
            pair.target_region,
            {"ResourceArn": target.arn, "Tags": [{"Key": EPOCH_TAG, "Value": mark}]},
            "mark it as the side that production uses",
            one_way=alone,
            debt=debt if isinstance(source, Unreachable) or (alone and source is not None) else "",
        )

    def _unfit_member(self, target: Cluster, seen: Seen, goal: Goal) -> Step | None:
        """Why a member of a multi-Region cluster cannot serve: not in it (any more), or, planned, too far behind."""
        pair, source, world = goal.pair, seen.source, seen.world
        if isinstance(world, Unreachable):
            return _dark(goal, pair.target_region)
        if world is None or not world.member(target.region, target.name):
            return Wait(f"{target.world} does not show {target.name} in {target.region} yet", 15, 900)
        if isinstance(source, Cluster) and source.world != target.world:
            return _stranger(target, source.world or "no multi-Region cluster")
        return _late(target, source, goal) if goal.planned else None

    def _unfit_copy(self, target: Cluster, seen: Seen, goal: Goal) -> Step | None:
        """Why a cluster that was made of a snapshot cannot serve: it lacks what was written since, or is no copy at all."""
        pair, source = goal.pair, seen.source
        if target.restored != f"{pair.source_region}:{pair.source_id}":
            why = f"{target.name} in {target.region} is neither a member of a multi-Region cluster nor a copy of {pair.source_id}"
            return Blocked(why, f"decide whose data counts, delete the other cluster, then resume\n{_show(target)}")
        if isinstance(source, Unreachable) and target.epoch and target.epoch < int(goal.captured.get("epoch", 0)):
            why = f"{target.name} in {target.region} was given up before: its data is older than that of {pair.source_id}"
            return Blocked(why, f"delete it, and run phase instantiate with a newer snapshot\n{_show(target)}")
        if goal.planned:
            why = f"{target.name} in {target.region} was made of a snapshot: what was written since is not in it"
            return Blocked(why, "stop the writers, make it anew of a new snapshot, and run this phase with mode=unplanned")
        return None

    def cleanup(self, seen: Seen, goal: Goal) -> Step:
        """The source carries no mark and, on its own, no clients; with `remove` it is deleted with a final snapshot."""
        pair, region = goal.pair, goal.pair.source_region
        match seen.source, seen.target:
            case Unreachable(), _:
                return Deferred(f"{region} does not answer: clients may still use {pair.source_id}")
            case _, Unreachable():
                return _dark(goal, pair.target_region)
            case _, Cluster() as target if self.active(seen) is Active.TARGET:
                pass
            case _:
                why = f"{pair.target_id} in {pair.target_region} is not proven to serve: {self.active(seen).value}"
                return Blocked(why, f"run phase activate first; nothing was changed in {region}")
        match seen.source:
            case None:
                return Done({"source": "absent"})
            case Cluster(status=status) as source if status in CHANGING or status == "deleting":
                return Wait(f"{source.name} in {region} is {status}", 30, REMOVAL_SECONDS)
            case Cluster() as source if source.follows >= target.epoch > source.epoch:
                return Done({**_outputs(source), "source": "standby"})
            case Cluster() as source if goal.cleanup_policy == "remove":
                return _remove(source, target, seen)
            case Cluster() as source if source.epoch:
                params = {"ResourceArn": source.arn, "TagKeys": [EPOCH_TAG]}
                return Call("memorydb", "untag_resource", region, params, "take its mark: production uses the other side")
            case Cluster(world=world) as source if world:
                return Done({**_outputs(source), "source": "standby"})
            case Cluster() as source:
                return _fenced(source, goal)

    def replicate(self, seen: Seen, goal: Goal) -> Step:
        """The source is a member beside the target, or a copy of it."""
        pair, region = goal.pair, goal.pair.source_region
        match seen.source:
            case Unreachable():
                return Deferred(f"{region} does not answer: {pair.target_id} is not protected yet")
            case _ if isinstance(seen.target, Unreachable):
                return _dark(goal, pair.target_region)
            case _ if self.active(seen) is not Active.TARGET:
                why = f"{pair.target_id} in {pair.target_region} does not serve: {self.active(seen).value}"
                return Blocked(why, "run phase activate first")
            case Cluster(world="", restored="") as source if source.status != "deleting":
                why = f"the old {source.name} is still in {region}: a single-Region cluster replicates nothing"
                return Blocked(why, "run phase cleanup with cleanup_policy=remove, then make a copy of the target's snapshot")
        there = (pair.target_region, pair.target_id)
        return _stand_by(seen.source, seen.target, there, seen, goal, region, pair.source_id)

    def rollback(self, seen: Seen, goal: Goal) -> Step:
        """The source is marked again. Members have both taken in what the other wrote; a copy has not."""
        pair, region = goal.pair, goal.pair.source_region
        match seen.source, seen.target:
            case Unreachable(), _:
                return Blocked(f"{region} does not answer: nothing could take over", "wait until it answers, then roll back")
            case _, Unreachable():
                return _dark(goal, pair.target_region)
            case None, _:
                return Blocked(f"{pair.source_id} is gone from {region}", "run phase replicate, then roll back")
            case Cluster(status=status), _ if status in CHANGING:
                return Wait(f"{pair.source_id} in {region} is {status}", 15, STANDBY_SECONDS)
            case Cluster() as source, target:
                pass
        match self.active(seen):
            case Active.SOURCE:
                return Done({**_outputs(source), "role": "active"})
            case Active.TARGET if source.usable and isinstance(target, Cluster) and source.world and source.world == target.world:
                if goal.planned and (late := _late(source, target, goal)):
                    return late
                tags = [{"Key": EPOCH_TAG, "Value": str(max(source.epoch, target.epoch) + 1)}]
                return Call(
                    "memorydb", "tag_resource", region, {"ResourceArn": source.arn, "Tags": tags}, "mark the source as in use again"
                )
            case active:
                why = f"{pair.target_id} in {pair.target_region} has data that {source.name} in {region} has not: {active.value}"
                return Blocked(why, "run cleanup and replicate, then fail back")

    def health(self, seen: Seen, goal: Goal) -> Health:
        target = seen.target
        if not isinstance(target, Cluster):
            why = "the region does not answer" if isinstance(target, Unreachable) else "there is none"
            return Health((Check("cluster", False, why),))
        world = seen.world if isinstance(seen.world, World) else None
        member = world.member(target.region, target.name) if world else None
        other = world.member(goal.pair.source_region, goal.pair.source_id) if world else None
        replicated = other is not None and other.status == "available" and isinstance(seen.source, Cluster)
        checks = [
            Check("cluster", target.status == "available", target.status),
            Check("endpoint", bool(target.endpoint), f"{target.endpoint}:{target.port}"),
            Check("users", _admits(target, seen), target.acl),
            Check("replicated", replicated, "" if replicated else f"{goal.pair.source_id} takes in none of its writes"),
        ]
        if target.world:
            checks.append(Check("member", member is not None, f"{target.world}: {member.status if member else 'not shown'}"))
        return Health(tuple(checks), required=("cluster", "endpoint", "users", "member"))

    def capture(self, seen: Seen, pair: Pair) -> Mapping[str, Any]:
        """What a cluster in the source's place would have to be; {} for a source that does not serve."""
        source = seen.source
        if not isinstance(source, Cluster) or self.active(seen) not in (Active.SOURCE, Active.UNKNOWN) or not source.usable:
            return {}
        return {
            "acl": source.acl,
            "arn": source.arn,
            "endpoint": source.endpoint,
            "engine": source.engine,
            "epoch": source.epoch,
            "kms_key_id": source.kms_key_id,
            "lag_seconds": seen.target.lag_seconds if isinstance(seen.target, Cluster) else None,
            "multi_region_cluster": source.world,
            "node_type": source.node_type,
            "region": source.region,
            "replicas": source.replicas,
            "security_groups": list(source.security_groups),
            "shards": source.shards,
            "subnet_group": source.subnet_group,
        }


def _usable(side: Side) -> TypeGuard[Cluster]:
    return isinstance(side, Cluster) and side.usable


def _admits(target: Cluster, seen: Seen) -> bool:
    """Whether somebody can log in to it. `open-access` has the user `default`, and an ACL that is not shown proves nothing."""
    return target.acl == OPEN_ACCESS or seen.target_acls.get(target.acl, 0) > 0


def _late(member: Cluster, other: Side, goal: Goal) -> Step | None:
    """Planned, nothing may be missing: the other side answers, the lag is known and small, and what was written has arrived."""
    lag, allowed = member.lag_seconds, goal.pair.rpo_seconds
    if not _usable(other):
        why = f"the other side of {member.name} is not usable, so nobody can tell that all of its writes have arrived"
        return Blocked(why, "run this phase with mode=unplanned to go on with what has arrived")
    if lag is not None and 0 <= lag <= allowed:
        if lag < ARRIVED_SECONDS:
            return None
        return Wait(f"{member.name} in {member.region} takes in what was written last: {lag:.0f} s are left", 20, 1800)
    known = "unknown" if lag is None or lag < 0 else f"{lag:.0f} s"
    why = f"the lag of {member.name} in {member.region} is {known}; {allowed} s are allowed"
    return Blocked(why, "quiet the writers and wait, or raise dr:rpo-target; nothing was changed")


def _stand_by(side: Side, model: Side, there: tuple[str, str], seen: Seen, goal: Goal, region: str, name: str) -> Step:
    """`name` in `region` stands by for `model`, the cluster at `there` (region, name): beside it as a member, or as its copy."""
    world = seen.world
    match side:
        case Cluster(status=status) if status in CHANGING or status == "deleting":
            return Wait(f"{name} in {region} is {status}", 30, STANDBY_SECONDS)
        case Cluster(status=status) if status != "available":
            return Blocked(f"{name} in {region} is {status}", f"repair or delete it, then run this phase again\n{_show(side)}")
        case Cluster(world="") if side.restored == f"{there[0]}:{there[1]}":
            return Done({**_outputs(side), "role": "standby", "restored_from": side.restored})
        case Cluster(world=""):
            why = f"{name} in {region} is on its own: a cluster that exists cannot join a multi-Region cluster"
            return Blocked(why, f"delete or rename it, or correct dr:peer, then run this phase again\n{_show(side)}")
        case Cluster() if isinstance(model, Cluster) and side.world != model.world:
            return _stranger(side, model.world or "no multi-Region cluster")
        case Cluster() if isinstance(world, World) and world.member(*there) and world.member(side.region, side.name):
            return Done({**_outputs(side), "role": "standby"})
        case Cluster() if isinstance(world, World) and isinstance(model, Unreachable):
            return _stranger(side, f"one that {there[1]} in {there[0]} is in")
        case Cluster():
            return Wait(f"{side.world} does not show both {name} and {there[1]} yet", 30, STANDBY_SECONDS)
    known = goal.captured.get("multi_region_cluster")
    single = isinstance(model, Cluster) and not model.world
    dark = isinstance(model, Unreachable) and not isinstance(world, World) and not known
    if single or dark:
        return _restore(model, there, seen, goal, region, name)
    if isinstance(model, Unreachable):
        why = f"there is no cluster {name} in {region}, and {there[0]}, whose data it would take in, does not answer"
        return Blocked(why, "wait until it answers, or restore a copied snapshot by hand")
    if not _usable(model):
        return Blocked(f"{there[1]} in {there[0]}, which is to be stood by for, is not usable", "check dr:peer")
    if isinstance(world, Unreachable):
        return _dark(goal, region)
    if world is None or world.status in CHANGING:
        return Wait(f"{model.world} is {world.status if world else 'not shown yet'}", 30, STANDBY_SECONDS)
    if world.status != "available":
        return Blocked(f"{world.name} is {world.status}", "repair it, then run this phase again")
    if len(world.members) >= MEMBERS_LIMIT:
        where = ", ".join(one.region for one in world.members)
        return Blocked(f"{world.name} has members in {MEMBERS_LIMIT} regions already: {where}", "take one out, then resume")
    more = {"MultiRegionClusterName": world.name, "NodeType": world.node_type or model.node_type}
    return _create(more, model, seen, goal, region, name, "create the member of the multi-Region cluster")


def _restore(model: Side, there: tuple[str, str], seen: Seen, goal: Goal, region: str, name: str) -> Step:
    """A cluster made of a snapshot of a single-Region one, which somebody or something has copied to this region."""
    pair = goal.pair
    arns, snapshot = option(pair, region, "snapshot_arns"), option(pair, region, "snapshot_name")
    if not arns and not snapshot:
        why = f"{there[1]} in {there[0]} is a single-Region cluster, and no snapshot of it is known in {region}"
        fix = f"copy one to S3 in {region} and set regions.{region}.snapshot_arns, or make it part of a multi-Region cluster"
        return Blocked(why, f"{fix}; then run this phase again")
    node_type = model.node_type if isinstance(model, Cluster) else goal.captured.get("node_type")
    if not node_type:
        return Blocked(f"the node type of {there[1]} is not known", "run readiness while the source answers, then resume")
    more: dict[str, Any] = {"NodeType": node_type, "SnapshotName": snapshot, "SnapshotArns": list(arns or ())}
    more["NumShards"] = model.shards if isinstance(model, Cluster) else goal.captured.get("shards")
    if isinstance(model, Cluster):
        more |= {"Engine": model.engine, "EngineVersion": model.engine_version, "TLSEnabled": model.tls}
    more["Tags"] = [{"Key": RESTORED_TAG, "Value": f"{there[0]}:{there[1]}"}]
    return _create(more, model, seen, goal, region, name, "create the copy from the snapshot")


def _create(more: Mapping[str, Any], model: Side, seen: Seen, goal: Goal, region: str, name: str, why: str) -> Step:
    pair, captured = goal.pair, goal.captured
    known: Mapping[str, Any] = captured if captured.get("region") == region else {}
    like: Mapping[str, Any] = {"acl": model.acl, "replicas": model.replicas} if isinstance(model, Cluster) else captured
    acls = seen.target_acls if region == pair.target_region else seen.source_acls
    acl = str(option(pair, region, "acl") or known.get("acl") or like.get("acl") or "")
    if not acl or (acl != OPEN_ACCESS and not acls.get(acl)):
        text = f"{name} is to be created in {region}, and the ACL {acl} there has no users or does not exist"
        return Blocked(text, f"create it there, or set regions.{region}.acl, then run this phase again")
    subnets = option(pair, region, "subnet_group") or known.get("subnet_group")
    key = option(pair, region, "kms_key_id") or known.get("kms_key_id")
    encrypted = model.kms_key_id if isinstance(model, Cluster) else captured.get("kms_key_id")
    for setting, value, needed in (("subnet_group", subnets, True), ("kms_key_id", key, encrypted)):
        if needed and not value:
            text = f"{name} is to be created in {region}, and its {setting} there is not known"
            return Blocked(text, f"set regions.{region}.{setting}, then run this phase again")
    params = {
        "ClusterName": name,
        **more,
        "ACLName": acl,
        "SubnetGroupName": subnets,
        "SecurityGroupIds": list(option(pair, region, "security_groups") or known.get("security_groups") or ()),
        "KmsKeyId": key,
        "NumReplicasPerShard": int(option(pair, region, "replicas", like.get("replicas", 1))),
        "SnapshotRetentionLimit": model.snapshot_days if isinstance(model, Cluster) else None,
        "Tags": [*more.get("Tags", ()), *_tags(model, name, pair)],
    }
    given = {setting: value for setting, value in params.items() if value not in (None, "", [])}
    return Call("memorydb", "create_cluster", region, given, why, settle_seconds=30)


def _tags(model: Side, name: str, pair: Pair) -> list[dict[str, str]]:
    """Those of the other side, so that discovery finds it, with the other side's name turned round."""
    if not isinstance(model, Cluster):
        return [{"Key": key, "Value": value} for key, value in sorted(pair.tags.items()) if not key.startswith("aws:")]
    tags = {key: value for key, value in model.tags.items() if key not in OWN_TAGS and not key.startswith("aws:")}
    if "dr:peer" in tags or name != model.name:
        tags["dr:peer"] = f"{model.region}:{model.name}"
    if model.epoch:
        tags[FOLLOWS_TAG] = str(model.epoch)
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def _fenced(source: Cluster, goal: Goal) -> Step:
    """An old single-Region cluster cannot be stopped or renamed: a security group keeps its clients away."""
    fence = option(goal.pair, source.region, "fence_security_group")
    if not fence:
        why = f"{source.name} in {source.region} is a single-Region cluster that still takes writes, which would be lost"
        fix = f"set regions.{source.region}.fence_security_group to a group without inbound rules"
        return Blocked(why, f"{fix}, or run this phase with cleanup_policy=remove, which keeps a final snapshot")
    if source.security_groups == (fence,):
        return Done({**_outputs(source), "source": "fenced"})
    params = {"ClusterName": source.name, "SecurityGroupIds": [fence]}
    why = "keep its clients away: the counterpart serves"
    return Call("memorydb", "update_cluster", source.region, params, why, settle_seconds=30)


def _remove(source: Cluster, target: Cluster, seen: Seen) -> Step:
    """Deleted with a final snapshot, as long as another member that has its data is there."""
    if target.status != "available":
        return Wait(f"{target.name} in {target.region} is {target.status}", 30, REMOVAL_SECONDS)
    params: dict[str, Any] = {"ClusterName": source.name}
    if source.world:
        world = seen.world if isinstance(seen.world, World) else None
        member = world.member(target.region, target.name) if world else None
        if source.world != target.world or member is None or member.status != "available":
            why = f"{source.world} does not show {target.name} in {target.region} as available"
            return Blocked(why, "look at it, then run this phase again; nothing was deleted")
        params["MultiRegionClusterName"] = source.world
    params["FinalSnapshotName"] = f"{source.name[:40].rstrip('-')}-final-{source.born}".rstrip("-")
    why = "delete the old source, with a final snapshot"
    return Call("memorydb", "delete_cluster", source.region, params, why, one_way=True, settle_seconds=30)


def _stranger(side: Cluster, expected: str) -> Blocked:
    why = f"{side.name} in {side.region} is a member of {side.world}, not of {expected}"
    return Blocked(why, f"correct dr:peer or the manifest\n{_show(side)}")


def _dark(goal: Goal, region: str) -> Step:
    """What a region that does not answer means in either mode."""
    if goal.planned:
        return Blocked(f"{region} does not answer", "wait until it does, or run with mode=unplanned if it is lost")
    return Deferred(f"{region} does not answer")


def _show(side: Cluster) -> str:
    return f"aws memorydb describe-clusters --region {side.region} --cluster-name {side.name}"


def _outputs(side: Cluster) -> dict[str, Any]:
    return {
        "cluster_name": side.name,
        "arn": side.arn,
        "region": side.region,
        "endpoint": side.endpoint,
        "port": side.port,
        "multi_region_cluster_name": side.world,
        "lag_seconds": side.lag_seconds,
    }
