# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fencing a database by its security groups: nobody reaches it, replication goes on, and it can be undone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol, TypeAlias

from ..adapters.base import Reader, dark
from ..model import UNREACHABLE, Blocked, Call, Goal, Step, Unreachable, Wait

#: Written on a database before it is promoted: of two writable sides, the one with the larger number was activated last.
EPOCH_TAG: Final = "dr:epoch"
#: Written on a standby when it is made: the epoch of what it replicates, for the time when that does not answer.
FOLLOWS_TAG: Final = "dr:follows-epoch"
#: Written before a source is fenced: the security groups that it had, for `rollback` and for the standby that replaces it.
GROUPS_TAG: Final = "dr:security-groups"
#: Written on an old source: the identifier it had. With it goes dr:enabled=false, so that discovery leaves it alone.
RETIRED_TAG: Final = "dr:quarantined"
#: Tags that say something about one database only, and are never copied to its standby.
OWN_TAGS: Final = frozenset({EPOCH_TAG, FOLLOWS_TAG, GROUPS_TAG, RETIRED_TAG})
#: The security group without inbound rules that fences, where the setting `fence_security_group` names no other.
FENCE_GROUP: Final = "dr-aws-fence"

#: VPC -> id of its fencing group, "" for one that has been given inbound rules.
Fences: TypeAlias = "Mapping[str, str] | Unreachable"


class Marked:
    """What its tags say about a database. `tags` and `groups` (ids of its security groups) come from the dataclass."""

    __slots__ = ()
    tags: Mapping[str, str]
    groups: tuple[str, ...]

    @property
    def epoch(self) -> int:
        """How often the database had been activated when this side was; 0 before the first time."""
        return _number(self.tags.get(EPOCH_TAG))

    @property
    def follows(self) -> int:
        """The epoch of what it replicated when it was made."""
        return _number(self.tags.get(FOLLOWS_TAG))

    @property
    def saved_groups(self) -> tuple[str, ...]:
        """Its security groups before it was fenced; empty when it never was."""
        return tuple(self.tags.get(GROUPS_TAG, "").split())

    @property
    def fenced(self) -> bool:
        """Whether it has lost the security groups that it served with."""
        return bool(self.saved_groups) and sorted(self.saved_groups) != sorted(self.groups)

    @property
    def retired(self) -> bool:
        """Whether CLEANUP has begun to put it aside."""
        return RETIRED_TAG in self.tags


class Fenceable(Protocol):
    """A DB instance or an Aurora cluster, as its adapter observed it."""

    @property
    def id(self) -> str: ...
    @property
    def arn(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def usable(self) -> bool: ...
    @property
    def changing(self) -> bool: ...
    @property
    def vpc_id(self) -> str: ...
    @property
    def groups(self) -> tuple[str, ...]: ...
    @property
    def groups_settled(self) -> bool: ...
    @property
    def saved_groups(self) -> tuple[str, ...]: ...
    @property
    def fenced(self) -> bool: ...

    @property
    def modify(self) -> tuple[str, dict[str, Any]]:
        """The operation that changes it, and the parameters that name it."""


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0


def groups(reader: Reader, account: str, region: str, needed: Iterable[object]) -> Fences:
    """The fencing groups of a region, read only where one may be `needed`."""
    if not list(needed):
        return {}
    names = {"Name": "group-name", "Values": [FENCE_GROUP]}
    found = reader.pages(account, region, "ec2", "describe_security_groups", "SecurityGroups", Filters=[names])
    if isinstance(found, Unreachable):
        return UNREACHABLE
    return {one["VpcId"]: "" if one.get("IpPermissions") else one["GroupId"] for one in found or ()}


def group_of(fences: Fences, vpc_id: str) -> str | Unreachable | None:
    """The fencing group of one VPC: None when there is none yet, "" when somebody has given it inbound rules."""
    return UNREACHABLE if isinstance(fences, Unreachable) else fences.get(vpc_id)


def tag(side: Fenceable, tags: Mapping[str, str], why: str) -> Call:
    """Writes tags onto one database."""
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    return Call("rds", "add_tags_to_resource", side.region, {"ResourceName": side.arn, "Tags": pairs}, why)


def wanted(source: Fenceable, group: str | Unreachable | None, goal: Goal) -> bool:
    """Whether a source that answers is fenced before a promotion: planned, always; else where it is possible at once."""
    if not goal.pair.settings.get("fence", True):
        return False
    possible = source.vpc_id if group is None else isinstance(group, str) and group
    return goal.planned or (source.usable and bool(possible))


def fence(source: Fenceable, group: str | Unreachable | None, goal: Goal, why: str, hold_seconds: int = 0) -> Step | None:
    """The source has the fencing group only, and its own groups on record; None when that holds."""
    region = source.region
    if source.fenced or (group and source.groups == (group,)):
        return None if source.groups_settled else Wait(f"{source.id} in {region} is being fenced", poll_seconds=10)
    if isinstance(group, Unreachable):
        return dark(goal, region)
    if not source.usable:
        if source.changing:
            return Wait(f"{source.id} in {region} is {source.status}", poll_seconds=15)
        return Blocked(f"{source.id} in {region} is {source.status}: it cannot be fenced", "run it with mode=unplanned")
    if group == "":
        why = f"the security group {FENCE_GROUP} of {source.vpc_id} in {region} has inbound rules, so it fences nothing"
        return Blocked(why, f"remove its inbound rules, or set regions.{region}.fence_security_group, then resume")
    if group is None:
        if not source.vpc_id:
            why = f"the VPC of {source.id} in {region} is not known, so no group to fence it can be made"
            return Blocked(why, f"set regions.{region}.fence_security_group to a group without inbound rules")
        params = {"GroupName": FENCE_GROUP, "Description": "dr.aws: no inbound traffic to a fenced source", "VpcId": source.vpc_id}
        return Call("ec2", "create_security_group", region, params, "make the security group that fences")
    if sorted(source.saved_groups) != sorted(source.groups):
        return tag(source, {GROUPS_TAG: " ".join(source.groups)}, "remember its security groups")
    return regroup(source, (group,), f"fence the source, {why}", hold_seconds)


def regroup(source: Fenceable, groups: tuple[str, ...], why: str, hold_seconds: int = 0) -> Call:
    """Gives it these security groups."""
    operation, names = source.modify
    params = {**names, "VpcSecurityGroupIds": list(groups), "ApplyImmediately": True}
    return Call("rds", operation, source.region, params, why, hold_seconds=hold_seconds)


def lift(source: Fenceable) -> Step | None:
    """The fence is undone; None when that holds."""
    if source.fenced:
        return regroup(source, source.saved_groups, "give the source its security groups back")
    if not source.groups_settled:
        return Wait(f"{source.id} in {source.region} is given its security groups", poll_seconds=10)
    if source.saved_groups:
        params = {"ResourceName": source.arn, "TagKeys": [GROUPS_TAG]}
        return Call("rds", "remove_tags_from_resource", source.region, params, "forget that it was fenced")
    return None
