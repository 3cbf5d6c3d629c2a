# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenSearch Service domains protected by replication to a peer domain.

A switchover exchanges the roles and loses nothing; a failover promotes without the primary, which AWS keeps read-only ("ejected")
until its peer is removed. What is protected in other ways (cross-cluster replication, snapshots) is recovered over the domain's own
HTTP interface, not by AWS's API: those steps are Blocked with what to do. Facts: the OpenSearch Service API reference
(SwitchoverReplication, FailoverReplication, AddReplicationPeer, ReplicationPeer).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ..model import Active, Blocked, Call, Check, Deferred, Done, Goal, Health, Pair, Step, Unreachable, Wait
from ..parts.opensearch_state import BROKEN, EPOCH_TAG, PASSING, STANDBY_TAG, Domain, Seen, Side, observe, option
from ..parts.rewrite import kept, rewritten
from ..tag_schema import handed_on
from .base import Adapter, Reader

CREATION_SECONDS = 2 * 3600
PROMOTION_SECONDS = 1800
#: What a copy takes from the domain that it stands by for, beside its size.
INHERITED = (
    "AdvancedOptions",
    "DomainEndpointOptions",
    "EBSOptions",
    "EngineVersion",
    "NodeToNodeEncryptionOptions",
)


class OpensearchDomain(Adapter):
    """OpenSearch Service domains; identifiers are domain names.

    Settings (manifest or host variables; `regions.<region>.<name>` overrides `<name>` for what happens in that region):
    instance_type, instance_count: the size to serve with; the other side's when they are left out. scale_on_activate (false): the
    standby keeps fewer nodes until it is activated. subnets, security_groups, kms_key_id, master_user_arn, access_policies: of a
    domain that is made there. force_failover (false): do not wait for a switchover in unplanned mode, even if the source answers.
    discard_diverged (false): the old source may be overwritten or removed with writes that only it has.
    """

    technology = "opensearch"
    bulk = 20
    capacities = ("instance_count",)
    durations: ClassVar[Mapping[str, int]] = {"instantiate": 1800, "activate": 300, "cleanup": 300, "replicate": 900}
    actions: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "observe": (
            "es:DescribeDomainHealth",
            "es:DescribeDomainReplication",
            "es:DescribeDomains",
            "es:ListTags",
        ),
        "instantiate": ("es:AddReplicationPeer", "es:CreateDomain", "es:RemoveReplicationPeer", "es:UpdateDomainConfig"),
        "activate": ("es:AddTags", "es:FailoverReplication", "es:SwitchoverReplication", "es:UpdateDomainConfig"),
        "cleanup": ("es:AddTags", "es:DeleteDomain", "es:RemoveReplicationPeer"),
        "replicate": ("es:AddReplicationPeer", "es:CreateDomain", "es:RemoveReplicationPeer", "es:UpdateDomainConfig"),
        "rollback": ("es:AddTags", "es:SwitchoverReplication"),
    }

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Seen]:
        return observe(reader, pairs)

    def active(self, seen: Seen) -> Active:
        """The primary of the replication; without one, the side that ACTIVATE marked last.

        Two domains without replication and without a mark are no evidence: UNKNOWN.
        """
        source, target = seen.source, seen.target
        if isinstance(target, Unreachable):
            return Active.UNKNOWN
        there = target if target and target.writable else None
        if isinstance(source, Unreachable):
            proven = there and not there.changing and (there.primary or there.epoch)
            return Active.TARGET if proven else Active.UNKNOWN
        here = source if source and source.writable else None
        if here and there:
            if here.primary and there.primary:  # one of them may have been looked at just before the roles were exchanged
                return Active.UNKNOWN if here.changing or there.changing else Active.BOTH
            if here.epoch == there.epoch:
                return Active.UNKNOWN
            return Active.TARGET if there.epoch > here.epoch else Active.SOURCE
        if here:
            return Active.SOURCE
        return Active.TARGET if there else Active.NEITHER

    def instantiate(self, seen: Seen, goal: Goal) -> Step:
        """A domain in the target region is the secondary of the source."""
        pair = goal.pair
        match seen.target:
            case Unreachable():
                return _dark(goal, pair.target_region)
            case Domain() as target if self.active(seen) is Active.TARGET:
                return Done({**_outputs(target), "role": "active"})
            case Domain() as target if target.primary:
                why = f"{target.name} in {pair.target_region} is a primary: {self.active(seen).value}"
                return Blocked(why, f"decide which data counts\n{_show(target)}")
        if goal.planned and isinstance(seen.source, Unreachable):
            return _dark(goal, pair.source_region)
        return _stand_by(seen.target, seen.source, goal, pair.target_region, pair.target_id)

    def activate(self, seen: Seen, goal: Goal) -> Step:
        """The target is the primary, at production's size."""
        pair, target = goal.pair, seen.target
        match target:
            case Unreachable():
                return _dark(goal, pair.target_region)
            case None:
                why = f"there is no domain {pair.target_id} in {pair.target_region} to activate"
                return Blocked(
                    why, "run phase instantiate while the source answers, or restore a snapshot into a domain of that name"
                )
            case Domain(state="Deleting" | "Isolated" as state):
                return Blocked(f"{target.name} in {pair.target_region} is {state}", _show(target))
            case Domain(state="Creating"):
                return Wait(f"{target.name} in {pair.target_region} is being created", 30, CREATION_SECONDS)
        for side in (target, seen.source):
            if isinstance(side, Domain) and side.changing in ("SWITCHING_OVER", "FAILING_OVER"):
                return Wait(f"{side.name} in {side.region} is {side.changing}", 15, PROMOTION_SECONDS)
        match self.active(seen):
            case Active.TARGET if target.primary or target.epoch >= int(goal.captured.get("epoch", 0)):
                return self._serves(target, seen, goal)
            case Active.BOTH:
                why = f"{target.name} in {pair.target_region} and {pair.source_id} in {pair.source_region} are both primaries"
                return Blocked(why, f"decide which data counts, then remove the other's peer\n{_show(target)}")
        if target.role != "SECONDARY":
            return _by_hand(target, seen, goal)
        return self._promote(target, seen, goal)

    def _promote(self, target: Domain, seen: Seen, goal: Goal) -> Step:
        """The secondary becomes the primary: together with the source where it answers, without it where it does not."""
        pair, source = goal.pair, seen.source
        peer = next(iter(target.peers), None)
        if peer is None or not peer.arn.endswith(f":{pair.source_region}:{pair.account}:domain/{pair.source_id}"):
            why = f"{target.name} in {pair.target_region} is the secondary of {peer.arn if peer else 'nothing'}"
            return Blocked(why, f"correct dr:peer of {pair.source_id}\n{_show(target)}")
        if peer.status != "ACTIVE":
            why = f"the replication to {target.name} in {pair.target_region} is {peer.status} {peer.message}".strip()
            return Blocked(why, f"its copy may be incomplete: restore a snapshot, or repair it\n{_show(target)}")
        together = isinstance(source, Domain) and source.primary and source.state not in ("Deleting", "Isolated")
        if goal.planned and isinstance(source, Unreachable):
            return _dark(goal, pair.source_region)
        if goal.planned and not together:
            why = f"{pair.source_id} in {pair.source_region} is gone or no primary, so a switchover cannot be coordinated with it"
            return Blocked(why, "run this phase with mode=unplanned to promote what has arrived")
        base = max(source.epoch if isinstance(source, Domain) else 0, int(goal.captured.get("epoch", 0)))
        if target.epoch <= base:
            return _tag(target, {EPOCH_TAG: str(base + 1)}, "mark it as the side activated last")
        forced = not goal.planned and option(pair, pair.target_region, "force_failover")
        if together and not forced:
            return _switch(target, peer.arn, "exchange the roles, which loses nothing")
        return Call(
            "opensearch",
            "failover_replication",
            pair.target_region,
            {"DomainName": target.name, "PeerDomainArn": peer.arn, "AllowDataLoss": True},
            "promote it without the source",
            one_way=True,
            debt=f"see that {pair.source_id} in {pair.source_region} is EJECTED: until AWS reaches it, it may take writes",
            settle_seconds=15,
        )

    def _serves(self, target: Domain, seen: Seen, goal: Goal) -> Step:
        """It is the primary: whether it is well, and large enough."""
        pair = goal.pair
        wanted = _wanted(seen.source, goal, pair.target_region, goal.captured).get("InstanceCount", 0)
        if option(pair, pair.target_region, "scale_on_activate"):
            if target.state in PASSING:
                return Wait(f"{target.name} in {pair.target_region} is {target.state}", 30, CREATION_SECONDS)
            if target.instance_count < wanted:
                return _resize(target, {"InstanceCount": wanted}, f"scale it to {wanted} nodes")
        fencing = "deferred" if isinstance(seen.source, Unreachable) else "fenced"
        return Done({**_outputs(target), "role": "active", "fencing": fencing})

    def cleanup(self, seen: Seen, goal: Goal) -> Step:
        """The old source is read-only; with `remove` it is deleted, when it has nothing that only it has."""
        pair, region = goal.pair, goal.pair.source_region
        match seen.source, seen.target:
            case Unreachable(), _:
                return Deferred(f"{region} does not answer: {pair.source_id} may still take writes")
            case _, Unreachable():
                return _dark(goal, pair.target_region)
            case Domain(state="Deleting"), _:
                return Wait(f"{pair.source_id} in {region} is being deleted", 30)
        source, target = seen.source, seen.target
        if self.active(seen) is not Active.TARGET or not isinstance(target, Domain):
            why = f"{pair.target_id} in {pair.target_region} is not proven to serve: {self.active(seen).value}"
            return Blocked(why, f"run phase activate first; nothing was changed in {region}")
        if not isinstance(source, Domain):
            return Done({"source": "absent"})
        if goal.cleanup_policy == "remove":
            return _remove(source, target, goal)
        if source.writable:
            why = f"{source.name} in {region} takes writes: without replication nothing makes it read-only"
            fix = "deny es:ESHttpPut, es:ESHttpPost, es:ESHttpPatch and es:ESHttpDelete in its access policy, or replicate over it"
            return Blocked(why, f"{fix} (phase replicate)")
        return Done({"source": "ejected" if source.ejected else "secondary", "domain_name": source.name})

    def replicate(self, seen: Seen, goal: Goal) -> Step:
        """The old source is the secondary of what serves now."""
        pair, region = goal.pair, goal.pair.source_region
        match seen.source:
            case Unreachable():
                return Deferred(f"{region} does not answer: {pair.target_id} is not protected yet")
            case _ if isinstance(seen.target, Unreachable):
                return _dark(goal, pair.target_region)
            case _ if self.active(seen) is not Active.TARGET:
                why = f"{pair.target_id} in {pair.target_region} does not serve: {self.active(seen).value}"
                return Blocked(why, "run phase activate first")
            case Domain() as source if source.ejected or (source.writable and source.state == "Active"):
                if not option(pair, region, "discard_diverged"):
                    return _diverged(source, region)
                if source.ejected and isinstance(seen.target, Domain):
                    return _unpair(seen.target, source.arn, "end the replication that the failover left, so that it can begin anew")
        return _stand_by(seen.source, seen.target, goal, region, pair.source_id)

    def rollback(self, seen: Seen, goal: Goal) -> Step:
        """After a switchover: another one, back. After a failover the source has the older data."""
        pair, source, target = goal.pair, seen.source, seen.target
        match source, target:
            case Unreachable(), _:
                return Blocked(
                    f"{pair.source_region} does not answer: nothing could take over", "wait until it answers, then roll back"
                )
            case _, Unreachable():
                return _dark(goal, pair.target_region)
            case None, _:
                return Blocked(
                    f"{pair.source_id} is gone from {pair.source_region}", "restore its snapshot into a domain of that name"
                )
            case Domain() as back, _ if back.changing:
                return Wait(f"{back.name} in {pair.source_region} is {back.changing}", 15, PROMOTION_SECONDS)
            case Domain() as back, _ if self.active(seen) is Active.SOURCE:
                return Done({**_outputs(back), "role": "active"})
            case Domain(role="SECONDARY") as back, Domain() as ahead if not back.ejected and back.peer(ahead.arn):
                if back.epoch <= ahead.epoch:
                    return _tag(back, {EPOCH_TAG: str(ahead.epoch + 1)}, "mark it as the side activated last")
                return _switch(back, ahead.arn, "exchange the roles again, which loses nothing")
        why = f"{pair.target_id} in {pair.target_region} was promoted without {pair.source_id}, which has the older data"
        return Blocked(why, "run cleanup and replicate, then fail back with what the target has now")

    def health(self, seen: Seen, goal: Goal) -> Health:
        """Active, writable, its shards assigned; that it is replicated is wanted, but not required."""
        target = seen.target
        if not isinstance(target, Domain):
            return Health((Check("domain", False, "there is none, or its region does not answer"),))
        protected = any(peer.status == "ACTIVE" for peer in target.peers)
        checks = (
            Check("domain", bool(target.endpoint) and target.state not in ("Creating", "Deleting", "Isolated"), target.state),
            Check("writable", target.writable, target.role or "not replicating"),
            Check("cluster", target.health in ("Green", "Yellow"), target.health or "unknown"),
            Check("replicated", protected, "" if protected else "it has no active peer"),
        )
        return Health(checks, required=("domain", "writable", "cluster"))

    def capture(self, seen: Seen, pair: Pair) -> Mapping[str, Any]:
        """The size and the engine of a source that serves."""
        source = seen.source
        if not isinstance(source, Domain) or not source.writable or not source.instance_count:
            return {}
        return {
            "epoch": source.epoch,
            "arn": source.arn,
            "engine_version": source.engine,
            "instance_type": source.instance_type,
            "instance_count": source.instance_count,
        }


def _dark(goal: Goal, region: str) -> Step:
    if goal.planned:
        return Blocked(f"planned mode needs {region}, which does not answer", "wait until it answers, or use mode=unplanned")
    return Deferred(f"{region} does not answer")


def _show(domain: Domain) -> str:
    return f"aws opensearch describe-domain-replication --region {domain.region} --domain-name {domain.name}"


def _outputs(domain: Domain) -> dict[str, Any]:
    return {
        "domain_name": domain.name,
        "domain_arn": domain.arn,
        "endpoint": domain.endpoint,
        "replication_role": domain.role,
        "peer_status": domain.peers[0].status if domain.peers else "",
        "cluster_health": domain.health,
        "instance_type": domain.instance_type,
        "instance_count": domain.instance_count,
    }


def _tag(domain: Domain, tags: Mapping[str, str], why: str) -> Call:
    given = [{"Key": name, "Value": value} for name, value in tags.items()]
    return Call("opensearch", "add_tags", domain.region, {"ARN": domain.arn, "TagList": given}, why)


def _switch(domain: Domain, primary: str, why: str) -> Call:
    params = {"DomainName": domain.name, "PeerDomainArn": primary}
    return Call("opensearch", "switchover_replication", domain.region, params, why, settle_seconds=15)


def _unpair(domain: Domain, peer: str, why: str) -> Call:
    params = {"DomainName": domain.name, "PeerDomainArn": peer}
    return Call("opensearch", "remove_replication_peer", domain.region, params, why, one_way=True, settle_seconds=15)


def _resize(domain: Domain, size: Mapping[str, Any], why: str) -> Call:
    params = {"DomainName": domain.name, "ClusterConfig": dict(size)}
    return Call("opensearch", "update_domain_config", domain.region, params, why, settle_seconds=15)


def _by_hand(target: Domain, seen: Seen, goal: Goal) -> Blocked:
    """Without AWS's replication the data comes over the domain's HTTP interface, which is not AWS's API."""
    pair = goal.pair
    base = max(seen.source.epoch if isinstance(seen.source, Domain) else 0, int(goal.captured.get("epoch", 0)))
    why = f"{target.name} in {pair.target_region} is no secondary of {pair.source_id}: its data cannot be activated by AWS's API"
    tag = f"--tag-list Key={EPOCH_TAG},Value={base + 1}"
    mark = f"aws opensearch add-tags --region {pair.target_region} --arn {target.arn} {tag}"
    steps = (
        "restore the newest snapshot (POST _snapshot/<repository>/<snapshot>/_restore), or, with cross-cluster replication, stop "
        "it for each index (POST _plugins/_replication/<index>/_stop, which cannot be undone)"
    )
    return Blocked(why, f"{steps}; then {mark}, and resume")


def _diverged(source: Domain, region: str) -> Blocked:
    why = f"{source.name} in {region} may hold writes that {'the failover left behind' if source.ejected else 'only it has'}"
    keep = "take a manual snapshot of it if they are wanted (PUT _snapshot/<repository>/<name>)"
    return Blocked(why, f"{keep}, then set discard_diverged=true and run this phase again")


def _remove(source: Domain, target: Domain, goal: Goal) -> Step:
    """A secondary has what the primary has. It is marked before its replication ends: afterwards nothing would show that."""
    region = goal.pair.source_region
    if not source.hollow:
        if (source.ejected or source.writable) and not option(goal.pair, region, "discard_diverged"):
            return _diverged(source, region)
        if not target.instance_count or target.state in ("Creating", "Deleting", "Isolated"):
            return Blocked(f"{target.name} in {target.region} is {target.state}", _show(target))
        tags = handed_on(source.tags, f"{region}:{source.name}")
        if tags and target.tags.get("dr:enabled") != "true":
            return _tag(target, tags, "let it be found by its tags in the place of the old source")
        marks = {STANDBY_TAG: str(target.epoch), "dr:enabled": "false"}
        return _tag(source, marks, "mark it as the old source, to be removed")
    if source.changing:
        return Wait(f"the replication with {source.name} in {region} is {source.changing}", 15, PROMOTION_SECONDS)
    if source.peers:
        return _unpair(target, source.arn, "end its replication, so that it can be deleted")
    why = "delete the old source"
    return Call("opensearch", "delete_domain", region, {"DomainName": source.name}, why, one_way=True, settle_seconds=15)


def _wanted(model: Side, goal: Goal, region: str, captured: Mapping[str, Any]) -> dict[str, Any]:
    """The size to serve with: set, or the larger of the other side's and the captured one."""
    live = model if isinstance(model, Domain) else None
    kind = option(goal.pair, region, "instance_type") or (live.instance_type if live else captured.get("instance_type", ""))
    count = option(goal.pair, region, "instance_count")
    if count is None:
        count = max(live.instance_count if live else 0, int(captured.get("instance_count", 0)))
    return kept({"InstanceType": kind or None, "InstanceCount": int(count) or None})


def _stand_by(standby: Side, model: Side, goal: Goal, region: str, name: str) -> Step:
    """`name` in `region` is an active domain of the right size, and the secondary of `model`."""
    if not isinstance(standby, Domain):
        if isinstance(model, Domain):
            return _create(model, goal, region, name)
        state = "does not answer" if isinstance(model, Unreachable) else "has none either"
        why = f"there is no domain {name} in {region}, and the other region {state}"
        return Blocked(why, f"restore a snapshot into a new domain of that name in {region}")
    if standby.state in PASSING:
        return Wait(f"{name} in {region} is {standby.state}", 30, CREATION_SECONDS)
    if standby.state == "Deleting":
        return Wait(f"the old {name} in {region} is being deleted", 30)
    if standby.state != "Active":
        return Blocked(f"{name} in {region} is {standby.state}", _show(standby))
    if isinstance(model, Domain):
        wanted = _wanted(model, goal, region, {})
        if option(goal.pair, region, "scale_on_activate"):
            wanted.pop("InstanceCount", None)
        now = {"InstanceType": standby.instance_type, "InstanceCount": standby.instance_count}
        larger = {
            key: value for key, value in wanted.items() if now[key] != value and not (key == "InstanceCount" and now[key] > value)
        }
        if larger:
            return _resize(standby, larger, "give it production's size, while nobody waits for it")
    return _paired(standby, model, goal, region)


def _paired(standby: Domain, model: Side, goal: Goal, region: str) -> Step:
    """The replication between the two."""
    peer = next(iter(standby.peers), None)
    if not isinstance(model, Domain):
        if peer and standby.role == "SECONDARY" and peer.status == "ACTIVE":
            return Done({**_outputs(standby), "role": "standby"})
        why = f"{standby.name} in {region} has no active replication, and the other side is not there"
        return Blocked(why, f"wait until it answers, or restore a snapshot\n{_show(standby)}")
    if not standby.supported or not model.supported:
        where = region if not standby.supported else model.region
        why = f"AWS offers no replication for this domain in {where}"
        return Blocked(why, "replicate by cross-cluster replication or snapshots, as docs/technologies/opensearch.md says")
    for side, other in ((model, standby), (standby, model)):
        if strange := next((one for one in side.peers if one.arn != other.arn), None):
            why = f"{side.name} in {side.region} replicates with {strange.arn}, and a domain has one peer only"
            return Blocked(why, f"correct dr:peer, or remove that peer\n{_show(side)}")
    if peer is None:
        params = {"DomainName": model.name, "PeerDomainArn": standby.arn}
        return Call("opensearch", "add_replication_peer", model.region, params, f"replicate it to {region}", settle_seconds=15)
    if peer.status == "ACTIVE" and standby.role == "SECONDARY":
        return Done({**_outputs(standby), "role": "standby"})
    if standby.changing:
        return Wait(f"the replication to {standby.name} in {region} is {standby.changing}", 30, CREATION_SECONDS)
    again = _unpair(model, standby.arn, "remove the replication that failed, so that it can be set up again")
    why = f"the replication to {standby.name} in {region} is {peer.status} {peer.message}".strip()
    return Blocked(
        why, f"correct what it says, then run this phase again\n{_show(standby)}", retry=again if peer.status in BROKEN else None
    )


def _create(model: Domain, goal: Goal, region: str, name: str) -> Step:
    """A domain like `model`. Networks, keys and users are never guessed."""
    pair, shown = goal.pair, model.shown
    lacking = []
    network = {"SubnetIds": option(pair, region, "subnets"), "SecurityGroupIds": option(pair, region, "security_groups")}
    if shown.get("VPCOptions", {}).get("SubnetIds") and not network["SubnetIds"]:
        lacking.append("subnets")
    master = option(pair, region, "master_user_arn")
    secured = shown.get("AdvancedSecurityOptions", {}).get("Enabled")
    if secured and not master:
        lacking.append("master_user_arn")
    if lacking:
        why = f"a domain like {model.name} cannot be made in {region} without {' and '.join(lacking)}"
        return Blocked(why, f"set regions.{region}.{lacking[0]}, then run this phase again")
    size = {**shown["ClusterConfig"], **_wanted(model, goal, region, {})}
    encrypted = shown.get("EncryptionAtRestOptions", {}).get("Enabled")
    policy = option(pair, region, "access_policies") or rewritten(shown.get("AccessPolicies", ""), model.region, region, {})
    carried = {key: value for key, value in model.tags.items() if not key.startswith(("dr:", "aws:"))}
    carried[STANDBY_TAG] = str(model.epoch)
    params = kept(
        {
            "DomainName": name,
            **{key: shown.get(key) for key in INHERITED},
            "ClusterConfig": size,
            "AccessPolicies": policy.replace(f"domain/{model.name}/", f"domain/{name}/") or None,
            "VPCOptions": network if network["SubnetIds"] else None,
            "EncryptionAtRestOptions": {"Enabled": True, "KmsKeyId": option(pair, region, "kms_key_id")} if encrypted else None,
            "AdvancedSecurityOptions": {"Enabled": True, "MasterUserOptions": {"MasterUserARN": master}} if secured else None,
            "TagList": [{"Key": key, "Value": value} for key, value in sorted(carried.items())],
        }
    )
    return Call("opensearch", "create_domain", region, params, f"make a domain like {model.name}", settle_seconds=15)
