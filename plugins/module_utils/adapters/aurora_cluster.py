# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Aurora clusters: global databases whose writer moves, and Aurora MySQL replica clusters that are promoted.

In a global database the old writer stays, as the next standby: it follows the new one by itself, and nothing is rebuilt. Facts: the
RDS API reference and the Aurora user guide (aurora-global-database-disaster-recovery, AuroraMySQL.Replication.CrossRegion).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ..model import Active, Blocked, Call, Check, Deferred, Done, Goal, Health, Pair, Step, Unreachable, Wait
from ..parts.aurora_state import Cluster, Member, Seen, Side, World, observe, option
from ..parts.aurora_steps import (
    FOLLOWING,
    RESYNC_SECONDS,
    Place,
    instances,
    keep_lost,
    outputs,
    places,
    remove,
    retire,
    show,
    stand_by,
    version,
)
from ..parts.fence import EPOCH_TAG, fence, lift, tag, wanted
from .base import Adapter, Reader, dark

#: A writer moves in minutes.
MOVE_SECONDS = 1800
#: After the fence of a binlog source, until what was under way has been written and has arrived.
DRAIN_SECONDS = 60


class AuroraCluster(Adapter):
    """Aurora DB clusters; identifiers are cluster identifiers.

    Settings (manifest or host variables; `regions.<region>.<name>` overrides `<name>` for what happens in that region):
    replication (global): `binlog` for an Aurora MySQL replica cluster where a standby is created. global_cluster: the name of a
    global database that is created. instances (1): how many a standby has at least; a headless one gets them. instance_class,
    subnet_group, security_groups, kms_key_id, parameter_group: of what is created. detach (false): unplanned, take the target out
    of its global database instead of a failover, as a last resort. fence (true), fence_security_group: of the source of a binlog
    replica or of a detachment, before the target is promoted; AWS fences the old writer of a global database itself.
    """

    technology = "aurora"
    bulk = 100
    capacities = ("instances",)
    #: InvalidGroup.Duplicate: another database of the same VPC has just made the group that fences them all.
    busy = frozenset(
        {
            "InvalidDBClusterStateFault",
            "InvalidDBInstanceState",
            "InvalidDBInstanceStateFault",
            "InvalidGlobalClusterStateFault",
            "InvalidGroup.Duplicate",
        }
    )
    durations: ClassVar[Mapping[str, int]] = {"instantiate": 1200, "activate": 300, "cleanup": 1200, "replicate": 1800}
    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "observe": (
            "cloudwatch:GetMetricData",
            "ec2:DescribeSecurityGroups",
            "rds:DescribeDBClusterSnapshots",
            "rds:DescribeDBClusters",
            "rds:DescribeDBInstances",
            "rds:DescribeGlobalClusters",
        ),
        "instantiate": ("rds:AddTagsToResource", "rds:CreateDBCluster", "rds:CreateDBInstance", "rds:CreateGlobalCluster"),
        "activate": (
            "ec2:CreateSecurityGroup",
            "rds:AddTagsToResource",
            "rds:CreateDBInstance",
            "rds:FailoverGlobalCluster",
            "rds:ModifyDBCluster",
            "rds:PromoteReadReplicaDBCluster",
            "rds:RemoveFromGlobalCluster",
            "rds:SwitchoverGlobalCluster",
        ),
        "cleanup": (
            "ec2:CreateSecurityGroup",
            "rds:AddTagsToResource",
            "rds:CopyDBClusterSnapshot",
            "rds:DeleteDBCluster",
            "rds:DeleteDBInstance",
            "rds:ModifyDBCluster",
            "rds:RemoveFromGlobalCluster",
        ),
        "replicate": ("rds:AddTagsToResource", "rds:CreateDBCluster", "rds:CreateDBInstance", "rds:CreateGlobalCluster"),
        "rollback": ("rds:ModifyDBCluster", "rds:RemoveTagsFromResource", "rds:SwitchoverGlobalCluster"),
    }

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Seen]:
        return observe(reader, pairs)

    def active(self, seen: Seen) -> Active:
        """By the writer of the global database, as the target region shows it; of two clusters on their own, the one that is not
        fenced, then the one activated last. While the source does not answer, only the mark of ACTIVATE proves a lone target."""
        if isinstance(seen.target, Unreachable) or isinstance(seen.world, Unreachable):
            return Active.UNKNOWN
        if seen.world and seen.world.moving:
            return Active.UNKNOWN
        target = _writes(seen.target, seen.target_member)
        source = _writes(seen.source, seen.source_member)
        if target and isinstance(seen.target, Cluster):
            if source is False:
                return Active.TARGET
            if not isinstance(seen.source, Cluster):
                return Active.TARGET if seen.target.epoch and not seen.target.fenced else Active.UNKNOWN
            there, here = _rank(seen.target), _rank(seen.source)
            return Active.BOTH if there == here else Active.TARGET if there > here else Active.SOURCE
        if source is None:
            return Active.UNKNOWN
        return Active.SOURCE if source else Active.NEITHER

    def instantiate(self, seen: Seen, goal: Goal) -> Step:
        """A cluster in the target region follows the source, and has an instance that can take over."""
        pair = goal.pair
        source, target = places(seen, pair)
        if isinstance(seen.target, Unreachable) or isinstance(seen.world, Unreachable):
            return dark(goal, pair.target_region)
        if isinstance(seen.target, Cluster) and self.active(seen) is Active.TARGET:
            return Done({**outputs(seen.target, seen), "role": "active"})
        if goal.planned and isinstance(seen.source, Unreachable):
            return dark(goal, pair.source_region)
        return stand_by(seen, goal, target, source)

    def activate(self, seen: Seen, goal: Goal) -> Step:
        """The target is the writer: by switchover when planned, by failover when not, by promotion of a binlog replica."""
        pair, side = goal.pair, seen.target
        source, target = places(seen, pair)
        match side:
            case Unreachable():
                return dark(goal, pair.target_region)
            case None:
                why = f"there is no cluster {pair.target_id} in {pair.target_region} to activate"
                return Blocked(why, "run phase instantiate while the source answers, or restore a snapshot under that identifier")
            case _ if isinstance(seen.world, Unreachable):
                return dark(goal, pair.target_region)
            case Cluster() if isinstance(seen.world, World) and seen.world.moving:
                return self._moving(seen.world, side)
            case Cluster() if target.member is None and side.source is None:
                return self._alone(side, seen, goal)
            case Cluster() if target.member is not None and target.member.writer:
                return self._serving(side, seen, goal)
            case Cluster() if side.changing:
                return Wait(f"{side.id} in {side.region} is {side.status}", poll_seconds=15, timeout_seconds=MOVE_SECONDS)
            case Cluster() if not side.usable:
                return Blocked(f"{side.id} in {side.region} is {side.status}", f"repair it, then resume\n{show(side)}")
        if goal.planned and isinstance(seen.source, Unreachable):
            return dark(goal, pair.source_region)
        if goal.planned and seen.source is None:
            why = f"{pair.source_id} is gone from {pair.source_region}, so nobody can tell that all of it has arrived"
            return Blocked(why, "run this phase with mode=unplanned to go on with what has arrived")
        if target.member is None:
            return self._promote(side, seen, goal)
        return self._move(side, source, target, seen, goal)

    def _move(self, side: Cluster, source: Place, target: Place, seen: Seen, goal: Goal) -> Step:
        """The writer of a global database moves to the target."""
        pair, found, member = goal.pair, seen.world, target.member
        if not isinstance(found, World) or member is None:
            raise AssertionError("a cluster that is in no global database has no writer to move")
        if source.member is None:
            why = f"{pair.source_id} in {pair.source_region} is not in the global database {found.id} of {side.id}"
            return Blocked(why, f"correct dr:peer\naws rds describe-global-clusters --global-cluster-identifier {found.id}")
        if goal.planned and not source.member.writer:
            why = f"the writer of {found.id} is neither {pair.source_id} nor {pair.target_id}"
            return Blocked(why, "activate it from the region of its writer")
        detach = not goal.planned and bool(option(pair, pair.target_region, "detach", False))
        if not detach and (differs := version(side, seen.source)):
            return differs if goal.planned else Blocked(differs.why, "set detach: true to give up the global database, then resume")
        if step := instances(side, goal, seen.source):
            return step
        if goal.planned and member.sync not in FOLLOWING:
            return Wait(f"{side.id} in {side.region} is {member.sync}", poll_seconds=60, timeout_seconds=RESYNC_SECONDS)
        if member.sync not in FOLLOWING:
            why = f"{side.id} in {side.region} is {member.sync}: it does not have all data yet"
            return Blocked(
                why, "resume when it is connected; where its writer is lost for good, restore a snapshot under another identifier"
            )
        if goal.planned and (late := _late(side, goal)):
            return late
        lost = isinstance(seen.source, Unreachable)
        if detach:
            fenced = self._fenced(seen, goal)
            if not isinstance(fenced, bool):
                return fenced
            lost = not fenced
        if step := _mark(side, seen, goal):
            return step
        debt = f"see that {pair.source_id} in {pair.source_region} takes no writes: nobody could fence it" if lost else ""
        params: dict[str, Any] = {"GlobalClusterIdentifier": found.id, "TargetDbClusterIdentifier": side.arn}
        if goal.planned:
            why = "switch the writer over"
            return Call("rds", "switchover_global_cluster", pair.source_region, params, why, settle_seconds=30)
        if detach:
            params = {"GlobalClusterIdentifier": found.id, "DbClusterIdentifier": side.arn}
            why = f"take it out of {found.id}, which makes it writable"
            return Call("rds", "remove_from_global_cluster", side.region, params, why, one_way=True, debt=debt, settle_seconds=30)
        params["AllowDataLoss"] = True
        why = "fail the writer over, with the loss of what has not arrived"
        return Call("rds", "failover_global_cluster", side.region, params, why, one_way=True, debt=debt, settle_seconds=30)

    def _promote(self, side: Cluster, seen: Seen, goal: Goal) -> Step:
        """A binlog replica becomes a cluster of its own."""
        pair = goal.pair
        if side.source != (pair.source_region, pair.source_id.lower()):
            where = f"{side.source[1]} in {side.source[0]}" if side.source else "nothing"
            return Blocked(f"{side.id} in {side.region} replicates {where}", f"correct dr:peer or the manifest\n{show(side)}")
        if step := instances(side, goal, seen.source):
            return step
        source = seen.source
        open_source = isinstance(source, Cluster) and not source.fenced
        if goal.planned and open_source and (late := _late(side, goal)):
            return late
        fenced = self._fenced(seen, goal)
        if not isinstance(fenced, bool):
            return fenced
        if goal.planned and (side.lag_seconds is None or side.lag_seconds >= 1):
            left = "its lag is unknown" if side.lag_seconds is None else f"{side.lag_seconds:.0f} s are left"
            return Wait(f"{side.id} in {side.region} takes in what {pair.source_id} wrote last: {left}", 20, 1800)
        if goal.planned and side.lag_seconds is not None and side.lag_seconds < 0:
            why = f"{pair.source_id} is fenced, but {side.id} in {side.region} does not replicate"
            return Blocked(why, f"repair the replication and resume, or run phase rollback of {pair.key}, which lifts the fence")
        if step := _mark(side, seen, goal):
            return step
        params = {"DBClusterIdentifier": side.id}
        debt = "" if fenced else f"fence {pair.source_id} in {pair.source_region}: it may still take writes"
        why = "promote the replica cluster"
        return Call("rds", "promote_read_replica_db_cluster", side.region, params, why, one_way=True, debt=debt, settle_seconds=30)

    def _fenced(self, seen: Seen, goal: Goal) -> Step | bool:
        """Whether the source is fenced before a promotion that AWS does not fence itself, or the step towards it."""
        source = seen.source
        if source is None:
            return True
        if not isinstance(source, Cluster) or not (source.fenced or wanted(source, seen.fence_group, goal)):
            return False
        hold = DRAIN_SECONDS if goal.planned else 0
        return fence(source, seen.fence_group, goal, "so that only one side takes writes", hold) or True

    def _moving(self, found: World, side: Cluster) -> Step:
        whither = "here" if found.moving_to in ("", side.arn) else f"to {found.moving_to}"
        return Wait(f"the writer of {found.id} is moving {whither}: {found.moving}", poll_seconds=10, timeout_seconds=MOVE_SECONDS)

    def _alone(self, side: Cluster, seen: Seen, goal: Goal) -> Step:
        """It follows nothing (any more): whether it is the one that was promoted."""
        pair = goal.pair
        if isinstance(seen.source, Unreachable) and side.epoch < int(goal.captured.get("epoch", 0)):
            why = f"{side.id} in {side.region} was given up before: its data is older than that of {pair.source_id}"
            return Blocked(why, f"restore a newer snapshot under that identifier\n{show(side)}")
        if side.changing:
            return Wait(f"{side.id} in {side.region} is {side.status}", poll_seconds=15, timeout_seconds=MOVE_SECONDS)
        match self.active(seen):
            case Active.TARGET:
                return self._serving(side, seen, goal)
            case Active.UNKNOWN:
                why = f"{side.id} in {side.region} takes writes, but nothing shows that it was promoted from {pair.source_id}"
                mark = (
                    f"aws rds add-tags-to-resource --region {side.region} --resource-name {side.arn} --tags Key={EPOCH_TAG},Value=1"
                )
                return Blocked(why, f"if it is the right one: {mark}, then resume")
            case active:
                why = f"{side.id} in {side.region} follows nothing, and the side that takes writes is: {active.value}"
                return Blocked(why, f"decide which data counts, rename the other cluster, then resume\n{show(side)}")

    def _serving(self, side: Cluster, seen: Seen, goal: Goal) -> Step:
        """It is the writer: ready when its instance is."""
        if side.changing:
            return Wait(f"{side.id} in {side.region} is {side.status}", poll_seconds=10, timeout_seconds=MOVE_SECONDS)
        if not side.usable:
            return Blocked(f"{side.id} in {side.region} is {side.status}", f"repair it, then resume\n{show(side)}")
        return instances(side, goal, seen.source) or Done({**outputs(side, seen), "role": "active", "fencing": _fencing(seen)})

    def cleanup(self, seen: Seen, goal: Goal) -> Step:
        """A member of the global database stays, and what it had not sent is kept; a cluster on its own is put aside or removed."""
        pair, region = goal.pair, goal.pair.source_region
        source, _target = places(seen, pair)
        match seen.source, seen.target:
            case Unreachable(), _:
                return Deferred(f"{region} does not answer: nothing was done about {pair.source_id}")
            case _, Unreachable():
                return dark(goal, pair.target_region)
            case _, Cluster() as target if self.active(seen) is Active.TARGET:
                pass
            case _:
                why = f"{pair.target_id} in {pair.target_region} is not proven to serve: {self.active(seen).value}"
                return Blocked(why, f"run phase activate first; nothing was changed in {region}")
        old, found = seen.source, seen.whole
        if not isinstance(old, Cluster):
            doomed = next(iter(seen.retired), None)
            if goal.cleanup_policy == "remove" and doomed:
                return keep_lost(seen, region) or remove(doomed, None, goal, found)
            return keep_lost(seen, region) or Done({"source": "quarantined" if seen.retired else "absent", **_kept(seen)})
        if old.status == "deleting":
            return Wait(f"{old.id} in {region} is being deleted", poll_seconds=30)
        if old.source is not None or _follows_anew(old, target):
            doomed = next(iter(seen.retired), None)
            if goal.cleanup_policy == "remove" and doomed:
                return keep_lost(seen, region) or remove(doomed, None, goal, found)
            return Done({"source": "standby", **_kept(seen)})
        if source.member is None:
            if goal.cleanup_policy == "remove":
                return keep_lost(seen, region) or remove(old, None, goal, found)
            if old.changing:
                return Wait(f"{old.id} in {region} is {old.status}", poll_seconds=30)
            return retire(old, seen, goal)
        if source.member.writer and goal.cleanup_policy != "remove":
            return retire(old, seen, goal, source.member)
        if old.changing or source.member.sync not in FOLLOWING:
            state = old.status if old.changing else source.member.sync
            return Wait(f"{old.id} in {region} is {state}", poll_seconds=60, timeout_seconds=RESYNC_SECONDS)
        if step := keep_lost(seen, region):
            return step
        if goal.cleanup_policy == "remove":
            return remove(old, source.member, goal, found)
        return Done({"source": "member", **_kept(seen)})

    def replicate(self, seen: Seen, goal: Goal) -> Step:
        """The old source follows the new writer: by itself in a global database, rebuilt where it is gone."""
        pair, region = goal.pair, goal.pair.source_region
        source, target = places(seen, pair)
        match seen.source:
            case Unreachable():
                return Deferred(f"{region} does not answer: {pair.target_id} is not protected yet")
            case _ if isinstance(seen.target, Unreachable) or isinstance(seen.world, Unreachable):
                return dark(goal, pair.target_region)
            case _ if self.active(seen) is not Active.TARGET:
                why = f"{pair.target_id} in {pair.target_region} does not serve: {self.active(seen).value}"
                return Blocked(why, "run phase activate first")
            case Cluster(status="deleting" | "renaming" as status):
                return Wait(f"the old {pair.source_id} in {region} is {status}", poll_seconds=30)
            case Cluster(source=None) if source.member is None:
                why = f"the old {pair.source_id} is still in {region}, and its successor needs the identifier"
                return Blocked(why, "run phase cleanup first")
        return stand_by(seen, goal, source, target, next(iter(seen.retired), None))

    def rollback(self, seen: Seen, goal: Goal) -> Step:
        """The writer of a global database is switched back; a fence is lifted as long as nothing was promoted."""
        pair = goal.pair
        source, target = places(seen, pair)
        match seen.source, seen.target:
            case Unreachable(), _:
                return Blocked(f"{pair.source_region} does not answer", "wait until it answers, then roll back")
            case _, Unreachable():
                return dark(goal, pair.target_region)
            case None, _:
                return Blocked(f"{pair.source_id} is gone from {pair.source_region}", "run replicate, then fail back")
            case Cluster() as side, _:
                pass
        found = seen.world
        if isinstance(found, World) and found.moving:
            return Wait(f"the writer of {found.id} is moving: {found.moving}", poll_seconds=10, timeout_seconds=MOVE_SECONDS)
        if isinstance(found, World) and target.member and target.member.writer and source.member:
            if side.changing or source.member.sync not in FOLLOWING:
                state = side.status if side.changing else source.member.sync
                return Wait(f"{side.id} in {side.region} is {state}", poll_seconds=60, timeout_seconds=RESYNC_SECONDS)
            if side.headless:
                return Blocked(f"{side.id} in {side.region} has no instance", "run phase replicate, then roll back")
            params = {"GlobalClusterIdentifier": found.id, "TargetDbClusterIdentifier": side.arn}
            return Call("rds", "switchover_global_cluster", pair.target_region, params, "switch the writer back", settle_seconds=30)
        if self.active(seen) is not Active.SOURCE:
            why = f"{pair.target_id} in {pair.target_region} was made a cluster of its own, which cannot be undone"
            return Blocked(why, "run cleanup and replicate, then fail back")
        return lift(side) or Done({**outputs(side, seen), "role": "active"})

    def health(self, seen: Seen, goal: Goal) -> Health:
        """Available, the writer, with an available instance; that the old side follows or is fenced is wanted, but not required."""
        side, writes = seen.target, _writes(seen.target, seen.target_member)
        if not isinstance(side, Cluster):
            return Health((Check("cluster", False, "there is none" if side is None else "the region does not answer"),))
        states = ", ".join(f"{node.id} {node.status}" for node in side.nodes) or "headless"
        checks = [
            Check("cluster", side.usable, side.status),
            Check("writer", bool(writes), "" if writes else "it follows another cluster"),
            Check("instances", any(node.status == "available" for node in side.nodes), states),
        ]
        if isinstance(seen.source, Cluster):
            checks.append(Check("source_fenced", _fencing(seen) == "fenced", _fencing(seen)))
        return Health(tuple(checks), required=("cluster", "writer", "instances"))

    def capture(self, seen: Seen, pair: Pair) -> Mapping[str, Any]:
        """What a cluster in its place would have to be; {} for a source that does not serve."""
        source = seen.source
        if not isinstance(source, Cluster) or not _writes(source, seen.source_member):
            return {}
        return {
            "arn": source.arn,
            "endpoint": source.endpoint,
            "engine": source.engine,
            "engine_version": source.version,
            "epoch": source.epoch,
            "global_cluster": seen.whole.id if seen.whole and seen.source_member else "",
            "instance_class": source.nodes[0].instance_class if source.nodes else "",
            "instances": len(source.nodes),
            "kms_key_id": source.kms_key_id if source.encrypted else "",
            "lag_seconds": seen.target.lag_seconds if isinstance(seen.target, Cluster) else None,
            "parameter_group": source.parameter_group,
            "region": source.region,
            "security_groups": list(source.saved_groups or source.groups),
            "subnet_group": source.subnet_group,
        }


def _writes(side: Side, member: Member | None) -> bool | None:
    """Whether a cluster takes writes; None when nobody can tell. A headless one on its own serves nobody."""
    if member is not None:
        return member.writer
    if isinstance(side, Unreachable):
        return None
    if side is None or side.headless or side.retired:
        return False
    return side.source is None and side.status not in ("deleting", "promoting")


def _rank(side: Cluster) -> tuple[bool, int]:
    return not side.fenced, side.epoch


def _follows_anew(old: Cluster, target: Cluster) -> bool:
    """Whether it was made after the target was activated: the new standby, not the old source."""
    return bool(target.epoch) and old.follows == target.epoch


def _late(side: Cluster, goal: Goal) -> Blocked | None:
    """A planned activation loses nothing: the lag must be known, and small."""
    lag, allowed = side.lag_seconds, goal.pair.rpo_seconds
    if lag is not None and 0 <= lag <= allowed:
        return None
    known = "unknown" if lag is None or lag < 0 else f"{lag:.0f} s"
    why = f"the lag of {side.id} in {side.region} is {known}; {allowed} s are allowed"
    return Blocked(why, "quiet the writers and wait, or raise dr:rpo-target; nothing was changed")


def _mark(side: Cluster, seen: Seen, goal: Goal) -> Step | None:
    """The target carries a larger epoch than what is being left."""
    there = seen.source.epoch if isinstance(seen.source, Cluster) else 0
    base = max(there, side.follows, int(goal.captured.get("epoch", 0)))
    if side.epoch > base:
        return None
    return tag(side, {EPOCH_TAG: str(base + 1)}, "mark it as the side activated last")


def _fencing(seen: Seen) -> str:
    if isinstance(seen.source, Unreachable):
        return "deferred"
    if isinstance(seen.source, Cluster) and _writes(seen.source, seen.source_member) and not seen.source.fenced:
        return "open"
    return "fenced"


def _kept(seen: Seen) -> dict[str, Any]:
    """Copies of what was lost."""
    lost = seen.lost if isinstance(seen.lost, tuple) else ()
    return {"lost_writes_snapshots": [one.copy for one in lost]}
