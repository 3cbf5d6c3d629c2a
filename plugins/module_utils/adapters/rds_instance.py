# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RDS instances protected by a cross-region read replica.

A promotion cannot be undone, so the source is fenced first where it answers. An old source cannot be attached again: it is renamed
out of the way, and a new replica takes its identifier. Facts: the RDS API reference and user guide (USER_ReadRepl,
USER_ReadRepl.XRgn), and the ARC Region switch guide (rds-create-cross-region-replica-block) for the renaming.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ..model import Active, Blocked, Call, Check, Deferred, Done, Goal, Health, Pair, Step, Unreachable, Wait
from ..parts.fence import EPOCH_TAG, RETIRED_TAG, fence, lift, tag, wanted
from ..parts.rds_state import CHANGING, USABLE, Instance, Seen, observe, option
from ..parts.rds_steps import PROMOTION_SECONDS, outputs, show, stand_by, stranger, writable
from .base import Adapter, Reader, dark

#: After the fence, until what was under way has been written and has arrived.
DRAIN_SECONDS = 60
#: Backup retention of a promoted replica where nothing else is known: replicas have none, and the way back needs one.
BACKUP_DAYS = 7
#: Engines whose ReplicaLag is the age of what waits to be applied, and 0 when nothing waits. PostgreSQL's grows while idle.
EXACT_LAG = ("mysql", "mariadb")


class RdsInstance(Adapter):
    """RDS DB instances; identifiers are DB instance identifiers.

    Settings (manifest or host variables; `regions.<region>.<name>` overrides `<name>` for what happens in that region):
    instance_class, subnet_group, security_groups, kms_key_id, parameter_group, option_group, multi_az: of a replica that is created
    there; what is left out is taken from the old instance that it replaces, or from what was captured of it. backup_days: the
    backup retention of a promoted replica; that of the source, or what was captured of it, or 7 when it is left out.
    fence_security_group: id of the group that a fenced source is left with. fence (true): false leaves the source as it is before a
    promotion, for writers that are stopped by other means.
    wait_for (available): `writable` to go on while the first backup after a promotion is taken.
    """

    technology = "rds"
    bulk = 100
    #: InvalidGroup.Duplicate: another database of the same VPC has just made the group that fences them all.
    busy = frozenset({"InvalidDBInstanceState", "InvalidDBInstanceStateFault", "InvalidGroup.Duplicate"})
    durations: ClassVar[Mapping[str, int]] = {"instantiate": 3600, "activate": 600, "cleanup": 300, "replicate": 3600}
    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "observe": ("cloudwatch:GetMetricData", "ec2:DescribeSecurityGroups", "rds:DescribeDBInstances"),
        "instantiate": ("rds:AddTagsToResource", "rds:CreateDBInstanceReadReplica", "rds:ModifyDBInstance"),
        "activate": ("ec2:CreateSecurityGroup", "rds:AddTagsToResource", "rds:ModifyDBInstance", "rds:PromoteReadReplica"),
        "cleanup": ("ec2:CreateSecurityGroup", "rds:AddTagsToResource", "rds:DeleteDBInstance", "rds:ModifyDBInstance"),
        "replicate": ("rds:AddTagsToResource", "rds:CreateDBInstanceReadReplica", "rds:ModifyDBInstance"),
        "rollback": ("rds:ModifyDBInstance", "rds:RemoveTagsFromResource"),
    }

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Seen]:
        return observe(reader, pairs)

    def active(self, seen: Seen) -> Active:
        """The writable side; of two, the one that is not fenced, then the one activated last.

        While the source does not answer, only the mark of ACTIVATE proves the target.
        """
        source, target = seen.source, seen.target
        if isinstance(target, Unreachable):
            return Active.UNKNOWN
        if isinstance(source, Unreachable):
            return Active.TARGET if writable(target) and target.epoch and not target.fenced else Active.UNKNOWN
        if writable(source) and writable(target):
            there, here = (not target.fenced, target.epoch), (not source.fenced, source.epoch)
            return Active.BOTH if there == here else Active.TARGET if there > here else Active.SOURCE
        if writable(source):
            return Active.SOURCE
        return Active.TARGET if writable(target) else Active.NEITHER

    def instantiate(self, seen: Seen, goal: Goal) -> Step:
        """A replica of the source stands in the target region."""
        pair = goal.pair
        match seen.target:
            case Unreachable():
                return dark(goal, pair.target_region)
            case Instance(source=None) as target if self.active(seen) is Active.TARGET:
                return Done({**outputs(target), "role": "active"})
            case Instance(source=None):
                why = f"{pair.target_id} in {pair.target_region} is an instance of its own, not a replica of {pair.source_id}"
                return Blocked(why, f"rename it or correct dr:peer, then run phase instantiate\n{show(seen.target)}")
        if goal.planned and isinstance(seen.source, Unreachable):
            return dark(goal, pair.source_region)
        return stand_by(seen.target, seen.source, goal, pair.target_region, pair.target_id, (pair.source_region, pair.source_id))

    def activate(self, seen: Seen, goal: Goal) -> Step:
        """The source is fenced where it answers, the replica is marked and promoted, and is writable."""
        pair, target, source = goal.pair, seen.target, seen.source
        match target:
            case Unreachable():
                return dark(goal, pair.target_region)
            case None:
                why = f"there is no replica {pair.target_id} in {pair.target_region} to promote"
                return Blocked(why, "run phase instantiate while the source answers, or restore a snapshot under that identifier")
            case Instance(source=None):
                return self._promoted(target, seen, goal)
            case Instance(source=place) if place != (pair.source_region, pair.source_id.lower()):
                return stranger(target, (pair.source_region, pair.source_id))
            case Instance(replication="terminated"):
                why = f"replication to {target.id} in {pair.target_region} ended more than 30 days ago"
                return Blocked(why, f"restore a snapshot instead, or promote it knowingly\n{show(target)}")
            case Instance(status=status) if status in CHANGING:
                return Wait(f"{target.id} in {pair.target_region} is {status}", poll_seconds=15, timeout_seconds=PROMOTION_SECONDS)
            case Instance(status=status) if status not in USABLE:
                return Blocked(f"{target.id} in {pair.target_region} is {status}", f"repair it, then resume\n{show(target)}")
        if goal.planned and isinstance(source, Unreachable):
            return dark(goal, pair.source_region)
        if goal.planned and not isinstance(source, Unreachable) and not writable(source):
            state = "gone" if source is None else f"{source.status}, and no writable instance"
            why = f"{pair.source_id} in {pair.source_region} is {state}, so nobody can tell that all of it has arrived"
            return Blocked(why, "run this phase with mode=unplanned to promote what has arrived")
        exposed = isinstance(source, Unreachable)
        if writable(source):
            if goal.planned and not source.fenced and (late := _late(target, goal)):
                return late
            exposed = not source.fenced and not wanted(source, seen.fence_group, goal)
            if not exposed:
                hold = DRAIN_SECONDS if goal.planned else 0
                step = fence(source, seen.fence_group, goal, "so that only one side takes writes", hold)
                step = step or (_drained(target, goal) if goal.planned else None)
                if step:
                    return step
        base = _base(seen, goal)
        if target.epoch <= base:
            return tag(target, {EPOCH_TAG: str(base + 1)}, "mark it as the side activated last")
        return Call(
            "rds",
            "promote_read_replica",
            pair.target_region,
            {"DBInstanceIdentifier": target.id, "BackupRetentionPeriod": _retention(seen, goal)},
            "promote the replica",
            one_way=True,
            debt=f"fence {pair.source_id} in {pair.source_region}: it may still take writes" if exposed else "",
            settle_seconds=30,
        )

    def _promoted(self, target: Instance, seen: Seen, goal: Goal) -> Step:
        """It is no replica (any more): whether it is the one that was promoted, and ready."""
        pair, region = goal.pair, goal.pair.target_region
        if isinstance(seen.source, Unreachable) and target.epoch < int(goal.captured.get("epoch", 0)):
            why = f"{target.id} in {region} was given up before: its data is older than that of {pair.source_id}"
            return Blocked(why, f"restore a newer snapshot under that identifier\n{show(target)}")
        match self.active(seen):
            case Active.TARGET:
                pass
            case Active.UNKNOWN:
                why = f"{target.id} in {region} takes writes, but nothing shows that it was promoted from {pair.source_id}"
                mark = f"aws rds add-tags-to-resource --region {region} --resource-name {target.arn} --tags Key={EPOCH_TAG},Value=1"
                return Blocked(why, f"if it is the right one: {mark}, then resume")
            case active:
                why = f"{target.id} in {region} and {pair.source_id} in {pair.source_region} both take writes: {active.value}"
                return Blocked(why, f"decide which data counts, rename the other instance, then resume\n{show(target)}")
        writable = target.status == "backing-up" and option(pair, region, "wait_for") == "writable"
        if target.status in USABLE or writable:
            return Done({**outputs(target), "role": "active", "fencing": _fencing(seen)})
        if target.status in CHANGING:
            return Wait(f"{target.id} in {region} is {target.status}", poll_seconds=15, timeout_seconds=PROMOTION_SECONDS)
        return Blocked(f"{target.id} in {region} is {target.status}", f"repair it, then resume\n{show(target)}")

    def cleanup(self, seen: Seen, goal: Goal) -> Step:
        """The old source is fenced and renamed, or deleted with a final snapshot."""
        pair, region = goal.pair, goal.pair.source_region
        match seen.source, seen.target:
            case Unreachable(), _:
                return Deferred(f"{region} does not answer: {pair.source_id} is neither fenced nor put aside")
            case _, Unreachable():
                return dark(goal, pair.target_region)
            case _, Instance() as target if self.active(seen) is Active.TARGET:
                pass
            case _:
                why = f"{pair.target_id} in {pair.target_region} is not proven to serve: {self.active(seen).value}"
                return Blocked(why, f"run phase activate first; nothing was changed in {region}")
        if target.status not in USABLE:
            return Wait(
                f"{target.id} in {pair.target_region} is {target.status}", poll_seconds=30, timeout_seconds=PROMOTION_SECONDS
            )
        source = seen.source
        old = source if isinstance(source, Instance) and not source.is_replica else None
        if goal.cleanup_policy == "remove":
            doomed = old or next(iter(seen.retired), None)
            return _remove(doomed, target, goal) if doomed else Done({"source": "removed"})
        if old is None:
            return Done({"source": "quarantined" if seen.retired else "absent", "retired": [one.id for one in seen.retired]})
        match old.status:
            case "deleting":
                return Wait(f"{old.id} in {region} is being deleted", poll_seconds=30)
            case "available" | "storage-optimization":
                return _retire(old, seen, goal)
            case "stopped":
                return _retire(old, seen, goal, reachable=False)
            case status if status in CHANGING:
                return Wait(f"{old.id} in {region} is {status}", poll_seconds=30)
            case status:
                return Blocked(f"{old.id} in {region} is {status} and cannot be changed", f"delete it\n{show(old)}")

    def replicate(self, seen: Seen, goal: Goal) -> Step:
        """A replica of what serves now stands in the region it came from, under the identifier of the old source."""
        pair, region = goal.pair, goal.pair.source_region
        match seen.source:
            case Unreachable():
                return Deferred(f"{region} does not answer: {pair.target_id} is not protected yet")
            case _ if isinstance(seen.target, Unreachable):
                return dark(goal, pair.target_region)
            case _ if self.active(seen) is not Active.TARGET:
                why = f"{pair.target_id} in {pair.target_region} does not serve: {self.active(seen).value}"
                return Blocked(why, "run phase activate first")
            case Instance(status="deleting" | "renaming" as status):
                return Wait(f"the old {pair.source_id} in {region} is {status}", poll_seconds=30)
            case Instance(source=None):
                why = f"the old {pair.source_id} is still in {region}, and a replica needs its identifier"
                return Blocked(why, "run phase cleanup first")
        old = next(iter(seen.retired), None)
        return stand_by(seen.source, seen.target, goal, region, pair.source_id, (pair.target_region, pair.target_id), old)

    def rollback(self, seen: Seen, goal: Goal) -> Step:
        """The fence of the source is lifted. Only before a promotion: afterwards its data is the older one."""
        pair = goal.pair
        match seen.source, seen.target:
            case Unreachable(), _:
                return Blocked(
                    f"{pair.source_region} does not answer: nothing could take over", "wait until it answers, then roll back"
                )
            case _, Unreachable():
                return dark(goal, pair.target_region)
            case _, Instance(source=None):
                why = f"{pair.target_id} in {pair.target_region} was promoted, which cannot be undone: it has the newer data"
                return Blocked(why, "run cleanup and replicate, then fail back")
            case _, Instance(status=status) as target if status in CHANGING and target.epoch > _base(seen, goal):
                why = f"{target.id} in {pair.target_region} is {status}: it may be on its way to take writes"
                return Wait(why, poll_seconds=15, timeout_seconds=PROMOTION_SECONDS)
            case Instance() as source, _:
                return lift(source) or Done({**outputs(source), "role": "active"})
        return Blocked(f"{pair.source_id} is gone from {pair.source_region}", "restore its snapshot under that identifier")

    def health(self, seen: Seen, goal: Goal) -> Health:
        """Available and writable; that it is backed up and that the old source is fenced is wanted, but not required."""
        target = seen.target
        if not isinstance(target, Instance):
            return Health((Check("instance", False, "there is none" if target is None else "the region does not answer"),))
        checks = [
            Check("instance", target.status in USABLE or target.status == "backing-up", target.status),
            Check("writable", not target.is_replica, "a replica" if target.is_replica else ""),
            Check("endpoint", bool(target.endpoint), target.endpoint),
            Check("backups", target.backup_days > 0, f"{target.backup_days} days"),
        ]
        if isinstance(seen.source, Instance) and not seen.source.is_replica:
            checks.append(Check("source_fenced", seen.source.fenced, _fencing(seen)))
        return Health(tuple(checks), required=("instance", "writable", "endpoint"))

    def capture(self, seen: Seen, pair: Pair) -> Mapping[str, Any]:
        """What a replica in its place would have to be, and which of its lives this is; {} for a source that does not serve."""
        source = seen.source
        if not isinstance(source, Instance) or source.is_replica or source.retired:
            return {}
        lag = seen.target.lag_seconds if isinstance(seen.target, Instance) else None
        return {
            "arn": source.arn,
            "backup_days": source.backup_days,
            "endpoint": source.endpoint,
            "engine": source.engine,
            "engine_version": source.engine_version,
            "epoch": source.epoch,
            "instance_class": source.instance_class,
            "kms_key_id": source.kms_key_id,
            "lag_seconds": lag,
            "multi_az": source.multi_az,
            "option_group": source.option_group,
            "parameter_group": source.parameter_group,
            "region": source.region,
            "security_groups": list(source.saved_groups or source.groups),
            "storage_gb": source.storage_gb,
            "subnet_group": source.subnet_group,
        }


# -- lag and fence ----------------------------------------------------------------------------------------------------


def _late(target: Instance, goal: Goal) -> Blocked | None:
    """A planned activation loses nothing: the lag must be known, and small."""
    lag, allowed = target.lag_seconds, goal.pair.rpo_seconds
    if lag is not None and 0 <= lag <= allowed and target.replication not in ("error", "stopped"):
        return None
    known = "unknown" if lag is None or lag < 0 else f"{lag:.0f} s"
    state = f", replication is {target.replication}" if target.replication not in ("", "replicating") else ""
    why = f"the lag of {target.id} in {target.region} is {known}{state}; {allowed} s are allowed"
    return Blocked(why, "quiet the writers and wait, or raise dr:rpo-target; nothing was changed")


def _drained(target: Instance, goal: Goal) -> Step | None:
    """What is left to arrive once the source is fenced, as far as its engine tells."""
    lift = f"run phase rollback of {goal.pair.key}, which lifts the fence of {goal.pair.source_id}"
    lag = target.lag_seconds
    if target.replication in ("error", "stopped") or (lag is not None and lag < 0):
        why = f"{goal.pair.source_id} is fenced, but {target.id} in {target.region} does not replicate"
        return Blocked(why, f"repair the replication and resume, or {lift}")
    if lag is None or (target.engine in EXACT_LAG and lag >= 1):
        left = "its lag is unknown" if lag is None else f"{lag:.0f} s are left"
        return Wait(f"{target.id} in {target.region} takes in what {goal.pair.source_id} wrote last: {left}", 20, 1800)
    return None


def _base(seen: Seen, goal: Goal) -> int:
    """The epoch of what is being left."""
    seen_there = seen.source.epoch if isinstance(seen.source, Instance) else 0
    follows = seen.target.follows if isinstance(seen.target, Instance) else 0
    return max(seen_there, follows, int(goal.captured.get("epoch", 0)))


def _retention(seen: Seen, goal: Goal) -> int:
    """Days of automated backups of what is promoted: not fewer than the source had, unless a setting says so."""
    pair, known = goal.pair, seen.source.backup_days if isinstance(seen.source, Instance) else 0
    given = option(pair, pair.target_region, "backup_days")
    return int(given or known or goal.captured.get("backup_days") or BACKUP_DAYS)


def _retire(old: Instance, seen: Seen, goal: Goal, reachable: bool = True) -> Step:
    """Fence, mark, rename: its identifier is free for the replica that comes."""
    if reachable and isinstance(seen.fence_group, Unreachable) and not old.fenced:
        return Deferred(f"EC2 in {old.region} does not answer: {old.id} cannot be fenced")
    if reachable and (step := fence(old, seen.fence_group, goal, "its counterpart serves")):
        return step
    if not old.retired:
        marks = {RETIRED_TAG: old.id, "dr:enabled": "false"}
        return tag(old, marks, "mark it as the old source, which discovery leaves alone")
    aside = f"{old.id[:48].rstrip('-')}-old-{old.suffix}"
    params = {"DBInstanceIdentifier": old.id, "NewDBInstanceIdentifier": aside, "ApplyImmediately": True}
    return Call("rds", "modify_db_instance", old.region, params, f"rename it to {aside}", settle_seconds=30)


def _remove(old: Instance, target: Instance, goal: Goal) -> Step:
    """Deleted with a final snapshot, if nothing depends on it. Its name in the snapshot is the one it has now."""
    region = old.region
    if old.status == "deleting":
        return Wait(f"{old.id} in {region} is being deleted", poll_seconds=30)
    if any(name.endswith(f":{target.id}") or name == target.id for name in old.replicas):
        return Wait(f"{old.id} in {region} does not yet show that {target.id} was promoted", poll_seconds=30)
    if old.replicas:
        why = f"{old.id} in {region} has other replicas: {', '.join(old.replicas)}"
        return Blocked(why, "promote or delete them, or run cleanup with cleanup_policy=quarantine")
    if old.protected:
        fix = f"aws rds modify-db-instance --region {region} --db-instance-identifier {old.id} --no-deletion-protection"
        return Blocked(
            f"{old.id} in {region} is protected against deletion", f"{fix} --apply-immediately, then run this phase again"
        )
    if old.status in CHANGING:
        return Wait(f"{old.id} in {region} is {old.status}", poll_seconds=30)
    if old.status not in USABLE:
        why = f"{old.id} in {region} is {old.status}, so no final snapshot of it can be taken"
        return Blocked(why, f"start it, or delete it by hand without one\n{show(old)}")
    if not target.backup_days:
        why = f"{target.id} in {target.region} has no automated backups yet"
        return Blocked(why, "set a backup retention there before the old source is deleted")
    params = {
        "DBInstanceIdentifier": old.id,
        "SkipFinalSnapshot": False,
        "FinalDBSnapshotIdentifier": f"{old.id[:48].rstrip('-')}-final-{old.suffix}",
        "DeleteAutomatedBackups": False,
    }
    why = "delete the old source, with a final snapshot"
    return Call("rds", "delete_db_instance", region, params, why, one_way=True, settle_seconds=30)


def _fencing(seen: Seen) -> str:
    match seen.source:
        case Unreachable():
            return "deferred"
        case Instance() as source if writable(source):
            return "fenced" if source.fenced else "open"
    return "fenced"
