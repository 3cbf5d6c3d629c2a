# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A drill of an OpenSearch Service domain: a throw-away domain of the standby's configuration, with one node, in the drill room.

It is empty: restoring a snapshot is work over a domain's own interface. Of the standby's data its replication is read. Facts: the
OpenSearch Service API reference (CreateDomain, DeleteDomain, DomainStatus).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from ..adapters.base import Reader, dark
from ..model import Blocked, Call, Done, Goal, Pair, Step, Unreachable, Wait
from ..parts.opensearch_state import BROKEN, PASSING, Domain, Side, look
from ..parts.rewrite import kept
from . import room
from .base import AGAIN, Drill, Touch, carries, name, partition, role, stranger, tags

#: What AWS takes at most for a domain that is made, and for one that is deleted.
CREATION_SECONDS: Final = 2 * 3600
DELETION_SECONDS: Final = 2 * 3600
#: What AWS allows for a domain's name.
NAME_LIMIT: Final = 28
#: What the copy has as the standby has it. Its size is its own, and so is everything that names something of production.
INHERITED: Final = ("AdvancedOptions", "EBSOptions", "EngineVersion", "NodeToNodeEncryptionOptions")
ENDPOINT: Final = ("EnforceHTTPS", "TLSSecurityPolicy")
#: A domain with one node has no place for replicas: its health is Yellow once it has indexes.
WELL: Final = ("Green", "Yellow")
#: What a drill cannot tell.
NOT_PROVEN: Final = (
    "the standby's data: the copy is empty, and a snapshot is restored over a domain's own interface",
    "production's size: the copy has one node",
)


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything in the target region. origin: the standby."""

    room: room.Seen
    origin: Side
    copy: Side


class OpensearchDomainDrill(Drill):
    """Copies of domains.

    Settings (`drill.<name>`): domain_role, the ARN of the only role that may use the copy (the account's dr-drill); instance_type,
    that of the standby when it is left out; kms_key_id, likewise.
    """

    technology = "opensearch"
    shape: ClassVar[Mapping[str, int]] = {"instance_count": 1}
    sized_by: ClassVar[Mapping[str, str]] = {"instance_type": "instance_type"}
    bulk = 20
    durations: ClassVar[Mapping[str, int]] = {"instantiate": 1800, "activate": 30, "cleanup": 1200}
    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "observe": (
            *room.ACTIONS,
            "es:DescribeDomainHealth",
            "es:DescribeDomainReplication",
            "es:DescribeDomains",
            "es:ListTags",
        ),
        "instantiate": ("es:CreateDomain",),
        "activate": (),
        "cleanup": ("es:DeleteDomain",),
    }
    touches: ClassVar[Mapping[tuple[str, str], Touch]] = {
        ("opensearch", "create_domain"): Touch(("DomainName",), "TagList"),
        ("opensearch", "delete_domain"): Touch(("DomainName",)),
    }

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Seen]:
        account, region = pairs[0].account, pairs[0].target_region
        here = room.observe(reader, account, region)
        names = [one for pair in pairs for one in (pair.target_id, _name(pair))]
        domains = look(reader, account, region, names, health=True)
        return {pair.key: Seen(here, domains[pair.target_id], domains[_name(pair)]) for pair in pairs}

    def own(self, seen: Seen, goal: Goal) -> Collection[str]:
        return {_name(goal.pair)}

    def make(self, seen: Seen, goal: Goal) -> Step:
        """An active domain of the standby's configuration stands in the drill room."""
        region, origin = goal.pair.target_region, seen.origin
        match origin, seen.copy:
            case (Unreachable(), _) | (_, Unreachable()):
                return dark(goal, region)
            case _, Domain() as copy:
                return _stands(copy, goal) or _served(copy, origin)
            case None, _:
                why = f"there is no standby {goal.pair.target_id} in {region} to copy"
                return Blocked(why, "run phase instantiate of a failover first")
            case Domain(state="Deleting" | "Isolated" as state), _:
                return Blocked(f"{goal.pair.target_id} in {region} is {state}", f"see why it is {state} before it is drilled")
            case Domain() as standby, _:
                vpc = (standby.shown.get("VPCOptions") or {}).get("VPCId")
                return room.refused(seen.room, goal, [vpc] if vpc else []) or _create(standby, seen.room, goal)

    def serve(self, seen: Seen, goal: Goal) -> Step:
        """The copy is well, and the replication to the standby has not ended badly."""
        region = goal.pair.target_region
        match seen.origin, seen.copy:
            case (Unreachable(), _) | (_, Unreachable()):
                return dark(goal, region)
            case _, None:
                return Blocked(f"there is no copy {_name(goal.pair)}", "run phase instantiate of this drill first")
            case origin, copy:
                return _stands(copy, goal) or _well(copy, goal) or _lost(origin, goal) or _served(copy, origin)

    def remove(self, seen: Seen, goal: Goal) -> Step:
        """The copy is deleted, and gone."""
        region = goal.pair.target_region
        match seen.copy:
            case Unreachable():
                return dark(goal, region)
            case None:
                return Done({"copy": "removed"})
            case Domain(state="Deleting") as copy:  # whose tags may be gone already
                return Wait(f"the copy {copy.name} in {region} is being deleted", 30, DELETION_SECONDS)
            case Domain(tags=found) as copy if not carries(found, goal.pair):
                return stranger(copy.name, region)
            case Domain(state="Creating") as copy:
                return Wait(f"the copy {copy.name} in {region} is being made", 30, CREATION_SECONDS)
            case copy:
                return Call("opensearch", "delete_domain", region, {"DomainName": copy.name}, "delete the copy", settle_seconds=15)


def _name(pair: Pair) -> str:
    return name(pair, NAME_LIMIT)


def _stands(copy: Domain, goal: Goal) -> Step | None:
    """What is to be done, or waited for, until the drill's own copy is active; None when it is."""
    region = goal.pair.target_region
    if not carries(copy.tags, goal.pair):
        return stranger(copy.name, region)
    if copy.state in PASSING or (copy.state == "Active" and not copy.endpoint):
        return Wait(f"the copy {copy.name} in {region} is {copy.state}", 30, CREATION_SECONDS)
    return None if copy.state == "Active" else Blocked(f"the copy {copy.name} in {region} is {copy.state}", AGAIN)


def _well(copy: Domain, goal: Goal) -> Step | None:
    """The step while the copy's cluster is not well."""
    region = goal.pair.target_region
    if copy.health in WELL:
        return None
    if copy.health == "Red":
        return Blocked(f"the copy {copy.name} in {region} is {copy.health}", AGAIN)
    return Wait(f"the health of the copy {copy.name} in {region} is {copy.health or 'not known'}", 30, CREATION_SECONDS)


def _lost(origin: Domain | None, goal: Goal) -> Blocked | None:
    """Why the standby's data is not what a failover needs."""
    bad = next((peer for peer in origin.peers if peer.status in BROKEN), None) if origin else None
    if origin is None or bad is None:
        return None
    why = f"the replication of {origin.name} in {goal.pair.target_region} with {bad.arn} is {bad.status} {bad.message}".strip()
    return Blocked(why, "run phase instantiate of a failover, which sets it up again")


def _served(copy: Domain, origin: Domain | None) -> Done:
    replication = {peer.arn: peer.status for peer in origin.peers} if origin else {}
    outputs = {"copy": copy.name, "copy_arn": copy.arn, "endpoint": copy.endpoint, "engine_version": copy.engine}
    standby = {"standby_role": origin.role if origin else "", "standby_replication": replication}
    return Done({**outputs, **standby, "not_proven": list(NOT_PROVEN)})


def _create(standby: Domain, here: room.Seen, goal: Goal) -> Call:
    """A domain like the standby, with one node, that nobody may use but one role."""
    pair, shown, given = goal.pair, standby.shown, goal.pair.settings.get("drill", {})
    user = role(pair, "domain_role")
    at_rest = shown.get("EncryptionAtRestOptions") or {}
    key = given.get("kms_key_id") or at_rest.get("KmsKeyId")
    secured = (shown.get("AdvancedSecurityOptions") or {}).get("Enabled")
    place = {"SubnetIds": list(here.subnets[:1]), "SecurityGroupIds": list(here.groups)} if isinstance(here, room.Room) else {}
    params = kept(
        {
            "DomainName": _name(pair),
            **{one: shown.get(one) for one in INHERITED},
            "ClusterConfig": {
                "InstanceType": given.get("instance_type") or standby.instance_type,
                "InstanceCount": 1,
                "DedicatedMasterEnabled": False,
                "ZoneAwarenessEnabled": False,
            },
            "DomainEndpointOptions": {one: (shown.get("DomainEndpointOptions") or {}).get(one) for one in ENDPOINT},
            "AccessPolicies": _policy(pair, user),
            "VPCOptions": place,
            "EncryptionAtRestOptions": {"Enabled": True, "KmsKeyId": key} if at_rest.get("Enabled") else None,
            "AdvancedSecurityOptions": {"Enabled": True, "MasterUserOptions": {"MasterUserARN": user}} if secured else None,
            "TagList": [{"Key": one, "Value": value} for one, value in tags(pair).items()],
        }
    )
    why = f"make {_name(pair)}, like {standby.name}"
    return Call("opensearch", "create_domain", pair.target_region, params, why, settle_seconds=15)


def _policy(pair: Pair, user: str) -> str:
    """Only that role may read and write, and only this domain."""
    resource = f"arn:{partition(pair.target_region)}:es:{pair.target_region}:{pair.account}:domain/{_name(pair)}/*"
    statement = {"Effect": "Allow", "Principal": {"AWS": user}, "Action": "es:ESHttp*", "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
