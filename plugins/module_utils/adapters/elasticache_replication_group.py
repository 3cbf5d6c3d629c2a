# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ElastiCache (Valkey, Redis OSS) replication groups of a global datastore: one region takes writes, the other follows.

A failover of the datastore promotes one side and demotes the other, so the old source is at once the new standby. Facts: the
ElastiCache API reference and user guide (Redis-Global-Datastores-Getting-Started, Redis-Global-Datastores-Console).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeGuard

from ..model import Active, Blocked, Call, Check, Deferred, Done, Goal, Health, Pair, Step, Unreachable, Wait
from ..parts.elasticache_state import CHANGING, MADE_TAG, RETIRED_TAG, Datastore, Group, Seen, Side, observe, option
from .base import Adapter, Reader

#: States of a global datastore that pass by themselves.
MOVING = frozenset({"creating", "modifying"})
#: A global datastore has one group that takes writes and at most two that follow.
MEMBERS_LIMIT = 3
#: Node types that no global datastore takes: burstable ones, and families before the fifth generation.
UNFIT = re.compile(r"cache\.(t\d|[mr][1-4]|c1)")
STANDBY_SECONDS, FAILOVER_SECONDS, REMOVAL_SECONDS = 5400, 1800, 3600
#: A lag below this says that nothing waits to arrive.
ARRIVED_SECONDS = 1.0


class ElasticacheReplicationGroup(Adapter):
    """Replication groups of a global datastore; identifiers are replication group ids.

    Settings (manifest or host variables; `regions.<region>.<name>` overrides `<name>` for what is created there):
    subnet_group, security_groups, kms_key_id, user_groups, parameter_group, replicas, multi_az: of a group that is created;
    what is left out is what was captured of that region, or (replicas, multi_az) as the other side's. datastore_suffix: of a global
    datastore that is created; the source's id when it is left out.
    """

    technology = "elasticache"
    bulk = 100
    capacities = ("replicas", "shards")
    busy = frozenset({"InvalidGlobalReplicationGroupState", "InvalidReplicationGroupState"})
    durations: ClassVar[Mapping[str, int]] = {"instantiate": 2400, "activate": 180, "cleanup": 60, "replicate": 60}
    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "observe": (
            "cloudwatch:GetMetricData",
            "elasticache:DescribeCacheClusters",
            "elasticache:DescribeGlobalReplicationGroups",
            "elasticache:DescribeReplicationGroups",
            "elasticache:ListTagsForResource",
        ),
        "instantiate": ("elasticache:CreateGlobalReplicationGroup", "elasticache:CreateReplicationGroup"),
        "activate": ("elasticache:FailoverGlobalReplicationGroup",),
        "cleanup": (
            "elasticache:AddTagsToResource",
            "elasticache:DeleteReplicationGroup",
            "elasticache:DisassociateGlobalReplicationGroup",
        ),
        "replicate": ("elasticache:CreateGlobalReplicationGroup", "elasticache:CreateReplicationGroup"),
        "rollback": ("elasticache:FailoverGlobalReplicationGroup",),
    }

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Seen]:
        return observe(reader, pairs)

    def active(self, seen: Seen) -> Active:
        """The side whose own region says that it takes writes, and whose datastore does not say otherwise."""
        source, target = seen.source, seen.target
        if isinstance(target, Unreachable):
            return Active.UNKNOWN
        if isinstance(source, Unreachable):
            # Only the datastore's word counts: a group that was detached may be old.
            return Active.TARGET if _writes(target) and _promoted(seen) else Active.UNKNOWN
        if _writes(source) and _writes(target):
            return Active.TARGET if source.retired and source.retired == target.datastore else Active.BOTH
        if _writes(source):
            return Active.SOURCE
        return Active.TARGET if _writes(target) else Active.NEITHER

    def instantiate(self, seen: Seen, goal: Goal) -> Step:
        """The target's group follows the source's in a global datastore."""
        pair = goal.pair
        match seen.target:
            case Unreachable():
                return _dark(goal, pair.target_region)
            case Group() as target if self.active(seen) is Active.TARGET:
                return Done({**_outputs(target), "role": "active"})
        if goal.planned and isinstance(seen.source, Unreachable):
            return _dark(goal, pair.source_region)
        return _stand_by(seen.target, seen.source, seen, goal, pair.target_region, pair.target_id)

    def activate(self, seen: Seen, goal: Goal) -> Step:
        """The datastore fails over to the target, which demotes the source."""
        pair, source, target = goal.pair, seen.source, seen.target
        match target:
            case Unreachable():
                return _dark(goal, pair.target_region)
            case None:
                why = f"there is no replication group {pair.target_id} in {pair.target_region} to activate"
                return Blocked(why, "run phase instantiate while the source answers, or restore a snapshot and use it by hand")
            case Group() if _writes(target):
                return self._promoted(target, seen, goal)
        if goal.planned and isinstance(source, Unreachable):
            return _dark(goal, pair.source_region)
        match seen.world:
            case Datastore() as world:
                pass
            case Unreachable():
                return _dark(goal, pair.target_region)
            case None:
                return Wait(f"{pair.target_region} does not show the global datastore {target.datastore} yet", 15, 600)
        if unready := _unready(target, world):
            return unready
        writer = world.writer
        if writer and (writer.region, writer.id) != (pair.source_region, pair.source_id.lower()):
            why = f"{world.id} is written to in {writer.region}, by {writer.id}: neither side of this pair"
            return Blocked(why, f"correct dr:peer or the manifest\n{_show(target)}")
        if goal.planned:
            if not isinstance(source, Group) or not _writes(source):
                why = f"{pair.source_id} in {pair.source_region} does not take writes, so nobody can tell that all has arrived"
                return Blocked(why, "run this phase with mode=unplanned to promote what has arrived")
            if late := _late(target, goal):
                return late
        open_source = "" if isinstance(source, Group) else f"see that {pair.source_id} in {pair.source_region} was demoted"
        return _failover(world, target, "let it take the writes", open_source)

    def _promoted(self, target: Group, seen: Seen, goal: Goal) -> Step:
        """It takes writes: whether it is the one that was promoted, and ready."""
        pair, region = goal.pair, goal.pair.target_region
        match self.active(seen):
            case Active.TARGET:
                pass
            case Active.UNKNOWN if isinstance(seen.world, Unreachable):
                return _dark(goal, region)
            case Active.UNKNOWN:
                why = f"{target.id} in {region} takes writes, but no global datastore shows that it follows from {pair.source_id}"
                return Blocked(why, f"if it was detached by hand, take {pair.key} out of this execution and use it as it is")
            case active:
                why = f"{target.id} in {region} and {pair.source_id} in {pair.source_region} both take writes: {active.value}"
                return Blocked(why, f"decide whose data counts, delete the other group, then resume\n{_show(target)}")
        if isinstance(seen.world, Datastore) and seen.world.status in MOVING:
            return Wait(f"the global datastore {seen.world.id} is {seen.world.status}", 15, FAILOVER_SECONDS)
        if target.status in CHANGING:
            return Wait(f"{target.id} in {region} is {target.status}", 15, FAILOVER_SECONDS)
        if target.status != "available":
            return Blocked(f"{target.id} in {region} is {target.status}", f"repair it, then resume\n{_show(target)}")
        return Done({**_outputs(target), "role": "active"})

    def cleanup(self, seen: Seen, goal: Goal) -> Step:
        """The old source follows the target, which the failover has done; with `remove` it leaves the datastore and is deleted."""
        pair, region = goal.pair, goal.pair.source_region
        match seen.source, seen.target:
            case Unreachable(), _:
                return Deferred(f"{region} does not answer: nobody can tell whether {pair.source_id} was demoted")
            case _, Unreachable():
                return _dark(goal, pair.target_region)
            case _, Group() as target if self.active(seen) is Active.TARGET:
                pass
            case _:
                why = f"{pair.target_id} in {pair.target_region} is not proven to serve: {self.active(seen).value}"
                return Blocked(why, f"run phase activate first; nothing was changed in {region}")
        source = seen.source
        if source is None:
            return Done({"source": "absent"})
        if isinstance(seen.world, Unreachable):
            return _dark(goal, pair.target_region)
        if isinstance(seen.world, Datastore) and seen.world.status in MOVING:
            return Wait(f"the global datastore {seen.world.id} is {seen.world.status}", 30, REMOVAL_SECONDS)
        if source.status in CHANGING or source.status == "deleting":
            return Wait(f"{source.id} in {region} is {source.status}", 30, REMOVAL_SECONDS)
        follows = source.role == "SECONDARY" and source.datastore == target.datastore
        made_here = bool(goal.execution_id) and source.tags.get(MADE_TAG) == goal.execution_id
        if goal.cleanup_policy == "remove" and not (follows and made_here):
            return _remove(source, target)
        if follows:
            return Done({**_outputs(source), "source": "standby"})
        why = f"{source.id} in {region} does not follow {target.id}"
        return Blocked(why, "run this phase with cleanup_policy=remove, which keeps a final snapshot, then phase replicate")

    def replicate(self, seen: Seen, goal: Goal) -> Step:
        """The old source's group follows the target's."""
        pair, region = goal.pair, goal.pair.source_region
        match seen.source:
            case Unreachable():
                return Deferred(f"{region} does not answer: {pair.target_id} is not protected yet")
            case _ if isinstance(seen.target, Unreachable):
                return _dark(goal, pair.target_region)
            case _ if self.active(seen) is not Active.TARGET:
                why = f"{pair.target_id} in {pair.target_region} does not serve: {self.active(seen).value}"
                return Blocked(why, "run phase activate first")
            case Group(status="deleting"):
                return Wait(f"the old {pair.source_id} in {region} is deleting", 30, REMOVAL_SECONDS)
            case Group() as source if _writes(source):
                why = f"the old {pair.source_id} is still in {region}, and a new one needs its id"
                return Blocked(why, "run phase cleanup with cleanup_policy=remove first")
        return _stand_by(seen.source, seen.target, seen, goal, region, pair.source_id)

    def rollback(self, seen: Seen, goal: Goal) -> Step:
        """The datastore fails over to the source again: what the target took in meanwhile goes with it."""
        pair, region = goal.pair, goal.pair.source_region
        match seen.source, seen.target:
            case Unreachable(), _:
                return Blocked(f"{region} does not answer: nothing could take over", "wait until it answers, then roll back")
            case _, Unreachable():
                return _dark(goal, pair.target_region)
            case None, _:
                return Blocked(f"{pair.source_id} is gone from {region}", "run phase replicate, then roll back")
            case Group() as source, _:
                pass
        world = seen.world
        if isinstance(world, Unreachable):
            return _dark(goal, pair.target_region)
        if isinstance(world, Datastore) and world.status in MOVING:
            return Wait(f"the global datastore {world.id} is {world.status}", 15, FAILOVER_SECONDS)
        match self.active(seen):
            case Active.SOURCE:
                return Done({**_outputs(source), "role": "active"})
            case Active.TARGET if isinstance(world, Datastore) and source.datastore == world.id:
                if goal.planned and (late := _late(source, goal)):
                    return late
                return _unready(source, world) or _failover(world, source, "let the source take the writes again")
            case active:
                why = f"{source.id} in {region} does not follow {pair.target_id}: {active.value}"
                return Blocked(
                    why, f"run phase cleanup with cleanup_policy=remove, then replicate, then roll back\n{_show(source)}"
                )

    def health(self, seen: Seen, goal: Goal) -> Health:
        target = seen.target
        if not isinstance(target, Group):
            why = "the region does not answer" if isinstance(target, Unreachable) else "there is none"
            return Health((Check("replication_group", False, why),))
        source = seen.source if isinstance(seen.source, Group) else None
        follows = bool(source and source.role == "SECONDARY" and source.datastore == target.datastore)
        world = seen.world.status if isinstance(seen.world, Datastore) else "none"
        checks = (
            Check("replication_group", target.status == "available", target.status),
            Check("writable", _writes(target), target.role or "of its own"),
            Check("endpoint", bool(target.endpoint), f"{target.endpoint}:{target.port}"),
            Check("datastore", world in ("available", "primary-only"), world),
            Check("followed", follows, "" if follows else f"{goal.pair.source_id} does not follow it"),
        )
        return Health(checks, required=("replication_group", "writable", "endpoint"))

    def capture(self, seen: Seen, pair: Pair) -> Mapping[str, Any]:
        """What a group in the source's place would have to be; {} for a source that does not serve."""
        source = seen.source
        if not isinstance(source, Group) or not _writes(source) or source.retired:
            return {}
        return {
            "arn": source.arn,
            "datastore": source.datastore,
            "endpoint": source.endpoint,
            "kms_key_id": source.kms_key_id,
            "lag_seconds": seen.target.lag_seconds if isinstance(seen.target, Group) else None,
            "node_type": source.node_type,
            "region": source.region,
            "replicas": source.replicas,
            "security_groups": list(source.security_groups),
            "shards": source.shards,
            "subnet_group": source.subnet_group,
            "user_groups": list(source.user_groups),
        }


def _writes(side: Side) -> TypeGuard[Group]:
    """Whether it takes writes by what its own region says."""
    return isinstance(side, Group) and side.role != "SECONDARY" and side.status not in ("creating", "deleting")


def _promoted(seen: Seen) -> bool:
    """Whether the datastore itself names the target as the member that takes writes."""
    if not isinstance(seen.world, Datastore) or not isinstance(seen.target, Group) or seen.world.writer is None:
        return False
    return (seen.world.writer.region, seen.world.writer.id) == (seen.target.region, seen.target.id)


def _unready(side: Group, world: Datastore) -> Step | None:
    """Why the datastore cannot fail over to this follower now."""
    member = world.member(side.region, side.id)
    state = member.status if member else "not shown"
    if world.status in MOVING:
        return Wait(f"the global datastore {world.id} is {world.status}", 15, FAILOVER_SECONDS)
    if side.status in CHANGING or state in ("associating", "not shown"):
        return Wait(f"{side.id} in {side.region} is {side.status}, its membership {state}", 15, FAILOVER_SECONDS)
    if world.status != "available" or state != "associated" or side.status != "available":
        why = f"{world.id} is {world.status}; {side.id} in {side.region} is {side.status}, its membership {state}"
        detach = (
            f"aws elasticache disassociate-global-replication-group --region {side.region} --replication-group-region {side.region}"
        )
        last = f"the last resort: {detach} --global-replication-group-id {world.id} --replication-group-id {side.id}"
        return Blocked(why, f"repair it, then resume; {last}")
    return None


def _late(follower: Group, goal: Goal) -> Step | None:
    """Planned, nothing may be lost: the lag must be known and small, and what was written before must have arrived."""
    lag, allowed = follower.lag_seconds, goal.pair.rpo_seconds
    if lag is not None and 0 <= lag <= allowed:
        if lag < ARRIVED_SECONDS:
            return None
        return Wait(f"{follower.id} in {follower.region} takes in what was written last: {lag:.0f} s are left", 20, 1800)
    known = "unknown" if lag is None or lag < 0 else f"{lag:.0f} s"
    why = f"the lag of {follower.id} in {follower.region} is {known}; {allowed} s are allowed"
    return Blocked(why, "quiet the writers and wait, or raise dr:rpo-target; nothing was changed")


def _failover(world: Datastore, group: Group, why: str, debt: str = "") -> Call:
    """Both parameters name the group that is to take writes."""
    params = {"GlobalReplicationGroupId": world.id, "PrimaryRegion": group.region, "PrimaryReplicationGroupId": group.id}
    return Call("elasticache", "failover_global_replication_group", group.region, params, why, debt=debt, settle_seconds=30)


def _stand_by(side: Side, model: Side, seen: Seen, goal: Goal, region: str, ident: str) -> Step:
    """`ident` in `region` follows `model`, which takes the writes."""
    world = seen.world
    match side:
        case Group(status="creating" | "deleting" as status):
            return Wait(f"{ident} in {region} is {status}", 30, STANDBY_SECONDS)
        case Group() if side.role != "SECONDARY":
            why = f"{ident} in {region} is a group of its own: joining a global datastore would lose its data"
            return Blocked(why, f"delete or rename it, or correct dr:peer, then run this phase again\n{_show(side)}")
        case Group() if isinstance(model, Group) and side.datastore != model.datastore:
            why = f"{ident} in {region} follows {side.datastore or 'nothing'}, not {model.datastore or model.id}"
            return Blocked(why, f"correct dr:peer or the manifest\n{_show(side)}")
        case Group() if isinstance(world, Datastore):
            return _unready(side, world) or Done({**_outputs(side), "role": "standby"})
        case Group():
            return Wait(f"{region} does not show the global datastore {side.datastore} yet", 30, STANDBY_SECONDS)
    match model:
        case Unreachable():
            why = f"there is no replication group {ident} in {region}, and the other region does not answer"
            return Blocked(why, f"restore a copied snapshot in {region} and use it by hand")
        case Group() as model if _writes(model):
            return _create(model, seen, goal, region, ident)
        case _:
            return Blocked("what is to be followed takes no writes, or is not there", "check dr:peer")


def _create(model: Group, seen: Seen, goal: Goal, region: str, ident: str) -> Step:
    """A global datastore where there is none, and a follower in it."""
    pair, world = goal.pair, seen.world
    if model.status in CHANGING:
        return Wait(f"{model.id} in {model.region} is {model.status}", 30, STANDBY_SECONDS)
    if UNFIT.match(model.node_type):
        why = f"{model.id} has nodes of type {model.node_type}, which no global datastore takes"
        return Blocked(why, "move it to a type of the m5 or r5 families or newer, then run this phase again")
    known = goal.captured if goal.captured.get("region") == region else {}
    place = {
        "CacheSubnetGroupName": option(pair, region, "subnet_group") or known.get("subnet_group"),
        "SecurityGroupIds": list(option(pair, region, "security_groups") or known.get("security_groups") or ()),
        "KmsKeyId": option(pair, region, "kms_key_id") or known.get("kms_key_id"),
        "UserGroupIds": list(option(pair, region, "user_groups") or known.get("user_groups") or ()),
    }
    needed = [("subnet_group", place["CacheSubnetGroupName"], True), ("kms_key_id", place["KmsKeyId"], bool(model.kms_key_id))]
    needed.append(("user_groups", place["UserGroupIds"], bool(model.user_groups)))
    if lacking := [name for name, value, wanted in needed if wanted and not value]:
        why = f"{ident} is to be created in {region}, and its {' and '.join(lacking)} there is not known"
        return Blocked(why, f"set regions.{region}.{lacking[0]}, then run this phase again")
    if not model.datastore:
        suffix = str(pair.settings.get("datastore_suffix") or model.id)
        first = {"GlobalReplicationGroupIdSuffix": suffix, "PrimaryReplicationGroupId": model.id}
        why = "make a global datastore of it"
        return Call("elasticache", "create_global_replication_group", model.region, first, why, settle_seconds=30)
    if not isinstance(world, Datastore) or world.status in MOVING:
        state = world.status if isinstance(world, Datastore) else "not shown yet"
        return Wait(f"the global datastore {model.datastore} is {state}", 30, STANDBY_SECONDS)
    if len(world.members) >= MEMBERS_LIMIT:
        others = ", ".join(f"{one.id} in {one.region}" for one in world.members)
        return Blocked(f"{world.id} has {MEMBERS_LIMIT} members already: {others}", "take one out, then run this phase again")
    replicas = option(pair, region, "replicas", model.replicas)
    params: dict[str, Any] = {
        "ReplicationGroupId": ident,
        "ReplicationGroupDescription": f"follows {model.id} in {model.region}",
        "GlobalReplicationGroupId": world.id,
        **place,
        "ReplicasPerNodeGroup" if model.clustered else "NumCacheClusters": int(replicas) + (0 if model.clustered else 1),
        "AutomaticFailoverEnabled": model.clustered or int(replicas) > 0,
        "MultiAZEnabled": int(replicas) > 0 and bool(option(pair, region, "multi_az", model.multi_az)),
        "CacheParameterGroupName": option(pair, region, "parameter_group"),
        "Tags": _tags(model, ident, goal.execution_id),
    }
    given = {name: value for name, value in params.items() if value not in (None, "", [])}
    return Call(
        "elasticache", "create_replication_group", region, given, f"create the group that follows {model.region}", settle_seconds=30
    )


def _tags(model: Group, ident: str, execution_id: str) -> list[dict[str, str]]:
    """Those of the other side, so that discovery finds it, with the other side's name turned round."""
    tags = {key: value for key, value in model.tags.items() if key != RETIRED_TAG and not key.startswith("aws:")}
    tags[MADE_TAG] = execution_id
    if "dr:peer" in tags or ident != model.id:
        tags["dr:peer"] = f"{model.region}:{model.id}"
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items()) if value]


def _remove(source: Group, target: Group) -> Step:
    """Marked, taken out of the datastore, and deleted with a final snapshot: outside it takes writes, and only the mark tells."""
    if source.retired != target.datastore or not target.datastore:
        if not target.datastore:
            return Blocked(f"{target.id} is in no global datastore", f"delete {source.id} by hand\n{_show(source)}")
        marks = [{"Key": RETIRED_TAG, "Value": target.datastore}, {"Key": "dr:enabled", "Value": "false"}]
        why = "mark it as the old source, which discovery leaves alone"
        return Call("elasticache", "add_tags_to_resource", source.region, {"ResourceName": source.arn, "Tags": marks}, why)
    if source.datastore:
        params = {
            "GlobalReplicationGroupId": source.datastore,
            "ReplicationGroupId": source.id,
            "ReplicationGroupRegion": source.region,
        }
        why = "take the old source out of the datastore"
        step = Call(
            "elasticache", "disassociate_global_replication_group", source.region, params, why, one_way=True, settle_seconds=30
        )
        return step if source.role == "SECONDARY" else Blocked(f"{source.id} takes writes", "run phase activate first")
    params = {"ReplicationGroupId": source.id, "FinalSnapshotIdentifier": f"{source.id[:30].rstrip('-')}-final-{source.born}"}
    why = "delete the old source, with a final snapshot"
    return Call("elasticache", "delete_replication_group", source.region, params, why, one_way=True, settle_seconds=30)


def _dark(goal: Goal, region: str) -> Step:
    """What a region that does not answer means in either mode."""
    if goal.planned:
        why = f"{region} does not answer"
        return Blocked(why, "wait until it does, or run with mode=unplanned if it is lost")
    return Deferred(f"{region} does not answer")


def _show(side: Group) -> str:
    return f"aws elasticache describe-replication-groups --region {side.region} --replication-group-id {side.id}"


def _outputs(side: Group) -> dict[str, Any]:
    return {
        "replication_group_id": side.id,
        "arn": side.arn,
        "region": side.region,
        "endpoint": side.endpoint,
        "port": side.port,
        "global_replication_group_id": side.datastore,
        "lag_seconds": side.lag_seconds,
    }
