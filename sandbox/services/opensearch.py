# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenSearch Service: domains that take their time, and replication of a domain to a peer in another region.

Moto keeps the domains. Which states they are in, and who replicates to whom, is kept here.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from moto.backends import get_backend

from sandbox.gateway import Ctx, Holder, after, holds, lists, op, seed
from sandbox.model import AwsError

# Simulated seconds.
CREATION, MODIFICATION, DELETION, SETUP, SWITCHOVER, FAILOVER, REMOVAL = 900, 600, 300, 600, 180, 120, 60
#: Seconds that a secondary lags behind; AWS does not report it.
LAG = 1.0
_BUSY = ("SWITCHING_OVER", "FAILING_OVER", "PENDING_REMOVAL", "PENDING_SETUP")

Place = tuple[str, str]


def _backend(ctx: Ctx, region: str | None = None) -> Any:
    return get_backend("opensearch")[ctx.account][region or ctx.region]


def _domain(ctx: Ctx, name: str, region: str | None = None) -> Any:
    found = _backend(ctx, region).domains.get(name)
    if found is None:
        raise AwsError("ResourceNotFoundException", f"Domain not found: {name}", 409)
    return found


def _states(ctx: Ctx, region: str | None = None) -> dict[str, str]:
    """Domain name -> DomainProcessingStatus, where it is not Active."""
    found: dict[str, str] = ctx.at("opensearch", region).setdefault("states", {})
    return found


def _enter(ctx: Ctx, name: str, state: str, seconds: float) -> None:
    """What it was entering before is over."""
    _settle(ctx, name, ctx.region)
    states = _states(ctx)
    states[name] = state
    ctx.store.setdefault("pending", {})[name] = ctx.eventually(seconds, lambda: states.pop(name, None))


def _settle(ctx: Ctx, name: str, region: str) -> None:
    _states(ctx, region).pop(name, None)
    pending = ctx.at("opensearch", region).get("pending", {}).pop(name, None)
    if pending is not None:
        pending.cancel()


def _correct(ctx: Ctx, shown: dict[str, Any]) -> None:
    state = _states(ctx).get(shown["DomainName"], "Active")
    shown["DomainProcessingStatus"] = state
    shown["Processing"] = state != "Active"
    shown["Deleted"] = state == "Deleting"
    place = shown.get("VPCOptions") or {}
    if place.get("SubnetIds"):
        found = ctx.client("ec2").describe_subnets(SubnetIds=place["SubnetIds"])["Subnets"]
        shown["VPCOptions"] = {**place, "VPCId": found[0]["VpcId"]}
    if state == "Creating":
        shown.pop("Endpoint", None)
        shown.pop("Endpoints", None)


@after("opensearch", "DescribeDomain")
def describe(ctx: Ctx, _params: dict[str, Any], out: dict[str, Any]) -> None:
    """With its state; a new one has no endpoint yet."""
    _correct(ctx, out["DomainStatus"])


@after("opensearch", "DescribeDomains")
def describe_some(ctx: Ctx, params: dict[str, Any], out: dict[str, Any]) -> None:
    """At most five a call."""
    if len(params["DomainNames"]) > 5:
        raise AwsError("ValidationException", "Please provide a maximum of 5 domain names to describe.")
    for one in out["DomainStatusList"]:
        _correct(ctx, one)


@op("opensearch", "DescribeDomainHealth")
def health(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Green once it is made."""
    found = _domain(ctx, params["DomainName"])
    state = _states(ctx).get(found.domain_name, "Active")
    made = state not in ("Creating", "Deleting")
    return {
        "DomainState": "NotAvailable" if not made else "Active" if state == "Active" else "Processing",
        "ClusterHealth": ctx.store.get("health", {}).get(found.domain_name, "Green") if made else "NotAvailable",
        "DataNodeCount": str(found.cluster_config["InstanceCount"]),
    }


@op("opensearch", "CreateDomain")
def create(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """It takes a quarter of an hour."""
    name = params["DomainName"]
    if name in _backend(ctx).domains:
        raise AwsError("ResourceAlreadyExistsException", f"Domain {name} already exists", 409)
    if (params.get("AdvancedSecurityOptions") or {}).get("Enabled") and "MasterUserOptions" not in params[
        "AdvancedSecurityOptions"
    ]:
        raise AwsError("ValidationException", "Fine-grained access control needs master user options")
    subnets = (params.get("VPCOptions") or {}).get("SubnetIds", ())
    zones = 2 if (params.get("ClusterConfig") or {}).get("ZoneAwarenessEnabled") else 1
    if (subnets and len(subnets) < zones) or (zones == 1 and len(subnets) > 1):
        raise AwsError("ValidationException", f"You must specify exactly {'one subnet' if zones == 1 else 'two subnets'}.")
    out = ctx.moto()
    _enter(ctx, name, "Creating", CREATION)
    _correct(ctx, out["DomainStatus"])
    return out


@op("opensearch", "UpdateDomainConfig")
def update(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """What is given is changed, the rest stays; one change at a time."""
    found = _domain(ctx, params["DomainName"])
    if _states(ctx).get(found.domain_name):
        raise AwsError("ValidationException", "A change/update is in progress. Please wait for it to complete.")
    given = dict(params)
    if "ClusterConfig" in given:
        given["ClusterConfig"] = {**found.cluster_config, **given["ClusterConfig"]}
    ctx.moto(given)
    _enter(ctx, found.domain_name, "Modifying", MODIFICATION)
    status = {"CreationDate": ctx.clock.time(), "UpdateDate": ctx.clock.time(), "State": "Processing"}
    return {"DomainConfig": {"ClusterConfig": {"Options": found.cluster_config, "Status": status}}}


@op("opensearch", "DeleteDomain")
def delete(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Irreversible; refused while it replicates."""
    found = _domain(ctx, params["DomainName"])
    if _peering(ctx, (ctx.region, found.domain_name)):
        raise AwsError("ValidationException", "The domain is part of a replication. Remove its peer first.")
    name, backend = found.domain_name, _backend(ctx)
    _settle(ctx, name, ctx.region)
    _states(ctx)[name] = "Deleting"

    def gone() -> None:
        _states(ctx).pop(name, None)
        backend.domains.pop(name, None)

    ctx.eventually(DELETION, gone)
    shown = ctx.client("opensearch").describe_domain(DomainName=name)["DomainStatus"]
    return {"DomainStatus": shown}


# -- replication ------------------------------------------------------------------------------------------------------


def _peerings(ctx: Ctx) -> list[dict[str, Any]]:
    """All of the account: {primary, secondary: (region, name), status, message}."""
    found: list[dict[str, Any]] = ctx.at("opensearch", "*").setdefault("peerings", [])
    return found


def _peering(ctx: Ctx, place: Place) -> dict[str, Any] | None:
    return next((one for one in _peerings(ctx) if place in (one["primary"], one["secondary"])), None)


def _arn(ctx: Ctx, place: Place) -> str:
    return f"arn:aws:es:{place[0]}:{ctx.account}:domain/{place[1]}"


def _place(arn: str) -> Place:
    parts = arn.split(":")
    return parts[3], parts[5].removeprefix("domain/")


def _supported(ctx: Ctx, place: Place) -> None:
    if place[1] in ctx.at("opensearch", place[0]).get("unsupported", ()):
        raise AwsError("DisabledOperationException", "Replication is not available for this domain", 409)


@op("opensearch", "DescribeDomainReplication")
def describe_replication(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Its role and its peer, as both sides see them."""
    here = (ctx.region, params["DomainName"])
    _domain(ctx, here[1])
    _supported(ctx, here)
    one = _peering(ctx, here)
    if one is None:
        return {"DomainArn": _arn(ctx, here), "Peers": []}
    leads = one["primary"] == here
    peer = {
        "PeerDomainArn": _arn(ctx, one["secondary"] if leads else one["primary"]),
        "PeerRole": "SECONDARY" if leads else "PRIMARY",
        "Status": one["status"],
    }
    if one.get("message"):
        peer["StatusMessage"] = one["message"]
    return {"DomainArn": _arn(ctx, here), "Role": "PRIMARY" if leads else "SECONDARY", "Peers": [peer]}


@op("opensearch", "AddReplicationPeer")
def add_peer(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """The domain called becomes the primary."""
    here, there = (ctx.region, params["DomainName"]), _place(params["PeerDomainArn"])
    _domain(ctx, here[1])
    _domain(ctx, there[1], there[0])
    _supported(ctx, here)
    _supported(ctx, there)
    if here[0] == there[0]:
        raise AwsError("ValidationException", "The peer must be in a different Region")
    if _peering(ctx, here) or _peering(ctx, there):
        raise AwsError("ResourceAlreadyExistsException", "A domain can have one peer", 409)
    if here[1] in _states(ctx) or there[1] in _states(ctx, there[0]):
        raise AwsError("ValidationException", "Both domains must be active")
    answer = {"DomainArn": _arn(ctx, here), "Status": "PENDING_SETUP"}
    if not params.get("DryRun"):
        one: dict[str, Any] = {"primary": here, "secondary": there, "status": "PENDING_SETUP"}
        _peerings(ctx).append(one)
        broken = here[1] in ctx.store.get("failing_setups", ())
        end = {"status": "FAILED", "message": "engine versions differ"} if broken else {"status": "ACTIVE"}
        ctx.eventually(SETUP, lambda: one.update(end))
    return answer


def _asked(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """The relationship that a promotion names; refused unless this domain is its secondary."""
    here, there = (ctx.region, params["DomainName"]), _place(params["PeerDomainArn"])
    _domain(ctx, here[1])
    _supported(ctx, here)
    one = _peering(ctx, here)
    if one is None or one["primary"] != there or one["secondary"] != here:
        raise AwsError("ValidationException", f"{params['PeerDomainArn']} is not the current primary of {here[1]}")
    return one


@op("opensearch", "SwitchoverReplication")
def switch_over(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Coordinated: roles change places, nothing is lost."""
    one = _asked(ctx, params)
    if one["status"] != "ACTIVE":
        raise AwsError("ValidationException", f"The replication is {one['status']}")
    one["status"] = "SWITCHING_OVER"

    def done() -> None:
        ctx.gw.markers.copy(_data(ctx, one["primary"]), _data(ctx, one["secondary"]))
        one.update(primary=one["secondary"], secondary=one["primary"], status="ACTIVE")

    ctx.eventually(SWITCHOVER, done)
    return {"DomainArn": _arn(ctx, (ctx.region, params["DomainName"])), "Status": "SWITCHING_OVER"}


@op("opensearch", "FailoverReplication")
def fail_over(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Without the primary, which is ejected and read-only from then on."""
    one = _asked(ctx, params)
    if not params.get("AllowDataLoss"):
        raise AwsError("ValidationException", "AllowDataLoss must be true")
    if one["status"] in _BUSY:
        raise AwsError("ValidationException", f"The replication is {one['status']}")
    one["status"] = "FAILING_OVER"

    def done() -> None:
        one.update(primary=one["secondary"], secondary=one["primary"], status="EJECTED")

    ctx.eventually(FAILOVER, done)
    return {"DomainArn": _arn(ctx, (ctx.region, params["DomainName"])), "Status": "FAILING_OVER"}


@op("opensearch", "RemoveReplicationPeer")
def remove_peer(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Ends it for both; each keeps its data and takes writes."""
    here, there = (ctx.region, params["DomainName"]), _place(params["PeerDomainArn"])
    one = _peering(ctx, here)
    if one is None or there not in (one["primary"], one["secondary"]):
        raise AwsError("ResourceNotFoundException", f"{params['PeerDomainArn']} is no peer of {here[1]}", 409)
    one["status"] = "PENDING_REMOVAL"
    ctx.eventually(REMOVAL, lambda: _peerings(ctx).remove(one) if one in _peerings(ctx) else None)
    return {"DomainArn": _arn(ctx, here), "Status": "PENDING_REMOVAL"}


# -- data -------------------------------------------------------------------------------------------------------------


def _data(ctx: Ctx, place: Place) -> str:
    return ctx.data(place[1], place[0])


@holds("opensearch")
def holders(ctx: Ctx) -> Iterator[Holder]:
    """Domains: a secondary is read-only, also when it was ejected; both are while their roles are exchanged."""
    for name in _backend(ctx).domains:
        here = (ctx.region, name)
        one = _peering(ctx, here)
        follows, open_to_clients = {}, _states(ctx).get(name, "Active") not in ("Creating", "Deleting")
        if one is not None:
            open_to_clients = open_to_clients and one["primary"] == here and one["status"] != "SWITCHING_OVER"
            if one["secondary"] == here and one["status"] in ("ACTIVE", "SWITCHING_OVER"):
                follows = {_data(ctx, one["primary"]): partial(_until, ctx, ctx.store.get("lags", {}).get(name, LAG))}
        yield Holder(_data(ctx, here), "opensearch", ctx.account, ctx.region, name, open_to_clients, follows)


def _until(ctx: Ctx, lag: float) -> float:
    return ctx.clock.time() - lag


# -- estates ----------------------------------------------------------------------------------------------------------


@lists("opensearch")
def listed(ctx: Ctx) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Domains, which moto's tagging does not know."""
    backend = _backend(ctx)
    for one in backend.domains.values():
        yield one.arn, "es:domain", backend.tagger.tags.setdefault(one.arn, {})


def _made(ctx: Ctx, region: str, name: str, spec: dict[str, Any], tags: dict[str, str] | None) -> None:
    client = ctx.client("opensearch", region)
    master = spec.get("master_user_arn")
    secured = {"AdvancedSecurityOptions": {"Enabled": True, "MasterUserOptions": {"MasterUserARN": master}}}
    client.create_domain(
        DomainName=name,
        EngineVersion=spec.get("version", "OpenSearch_2.17"),
        ClusterConfig={
            "InstanceType": spec.get("instance_type", "r6g.large.search"),
            "InstanceCount": spec.get("instance_count", 2),
            "DedicatedMasterEnabled": False,
        },
        EBSOptions={"EBSEnabled": True, "VolumeType": "gp3", "VolumeSize": spec.get("storage_gb", 100)},
        NodeToNodeEncryptionOptions={"Enabled": True},
        EncryptionAtRestOptions={"Enabled": True},
        DomainEndpointOptions={"EnforceHTTPS": True, "TLSSecurityPolicy": "Policy-Min-TLS-1-2-2019-07"},
        **(secured if master else {}),
        TagList=[{"Key": key, "Value": value} for key, value in (tags or {}).items()],
    )
    _settle(ctx, name, region)
    if not spec.get("replication", True):
        ctx.at("opensearch", region).setdefault("unsupported", set()).add(name)
    if spec.get("setup") == "fails":
        ctx.at("opensearch", region).setdefault("failing_setups", set()).add(name)


@seed("opensearch_domain")
def build(ctx: Ctx, spec: dict[str, Any]) -> None:
    """A domain, and with `peer` one that it replicates to.

    version ("OpenSearch_2.17"), instance_type, instance_count (2), storage_gb, master_user_arn, replication (true; false: AWS does
    not offer it for this domain), setup ("fails": replication cannot be set up).
    peer: {region, name, replicating (true), lag (seconds that its data is behind), and the same as above}.
    """
    _made(ctx, ctx.region, spec["name"], spec, spec.get("tags"))
    peer = spec.get("peer")
    if peer:
        name = peer.get("name", spec["name"])
        inherited = {key: value for key, value in spec.items() if key not in ("peer", "tags", "setup")}
        _made(ctx, peer["region"], name, {**inherited, **peer}, peer.get("tags"))
        ctx.at("opensearch", peer["region"]).setdefault("lags", {})[name] = peer.get("lag", LAG)
        if peer.get("replicating", True) and peer.get("replication", spec.get("replication", True)):
            _peerings(ctx).append({"primary": (ctx.region, spec["name"]), "secondary": (peer["region"], name), "status": "ACTIVE"})
