# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenSearch Service domains of two regions as one look sees them. Facts: the OpenSearch Service API reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from ..adapters.base import Reader
from ..model import UNREACHABLE, Pair, Unreachable

#: Written by ACTIVATE on the side that it is about to promote: one above the other side's.
EPOCH_TAG: Final = "dr:epoch"
#: Written on a domain that holds nothing of its own: one that is made as a standby, or an old secondary before its replication
#: ends so that it can be deleted. Its value is the other side's epoch: a domain that is activated later has a higher one.
STANDBY_TAG: Final = "dr:standby"
#: DescribeDomains takes so many names.
NAMES = 5
#: Domain states that pass by themselves.
PASSING: Final = frozenset({"Creating", "Modifying", "UpgradingEngineVersion", "UpdatingServiceSoftware"})
#: Relationships that have ended badly; they can be removed and made again.
BROKEN: Final = frozenset({"FAILED", "DETACHED"})
#: A relationship in one of these states is on its way to another.
CHANGING: Final = frozenset({"PENDING_SETUP", "SWITCHING_OVER", "FAILING_OVER", "PENDING_REMOVAL"})


@dataclass(frozen=True, slots=True)
class Peer:
    """A domain that this one replicates with. role: the peer's. status: of the relationship."""

    arn: str
    role: str
    status: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Domain:
    """One side.

    state: DomainProcessingStatus. shown: the whole DomainStatus, which a copy is made from. role: PRIMARY, SECONDARY, or "" while
    it does not replicate. supported: whether AWS offers replication for it. health: ClusterHealth, "" where it was not read.
    """

    name: str
    arn: str
    region: str
    state: str = "Active"
    endpoint: str = ""
    engine: str = ""
    instance_type: str = ""
    instance_count: int = 0
    role: str = ""
    peers: tuple[Peer, ...] = ()
    supported: bool = True
    health: str = ""
    shown: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def epoch(self) -> int:
        """How often the data had been activated when this side was; 0 before the first time."""
        return _number(self.tags.get(EPOCH_TAG)) or 0

    @property
    def hollow(self) -> bool:
        """Whether it holds nothing that the other side has not."""
        marked = _number(self.tags.get(STANDBY_TAG))
        return marked is not None and self.epoch <= marked

    @property
    def ejected(self) -> bool:
        """Whether a failover promoted the other side: it is read-only, and may hold writes that nobody else has."""
        return any(peer.status == "EJECTED" and peer.role != "SECONDARY" for peer in self.peers)

    @property
    def changing(self) -> str:
        """The state of a relationship that is being changed, or ""."""
        return next((peer.status for peer in self.peers if peer.status in CHANGING), "")

    @property
    def primary(self) -> bool:
        """Whether it is the side of a replication that takes writes."""
        return self.role == "PRIMARY" and not self.ejected and self.state != "Deleting"

    @property
    def writable(self) -> bool:
        """Whether it takes writes: a primary does, and a domain that does not replicate."""
        return self.primary or (not self.role and not self.hollow and self.state != "Deleting")

    def peer(self, arn: str) -> Peer | None:
        """Its relationship with that domain."""
        return next((peer for peer in self.peers if peer.arn == arn), None)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


Side: TypeAlias = "Domain | Unreachable | None"


@dataclass(frozen=True, slots=True)
class Seen:
    """Both sides."""

    source: Side
    target: Side


def option(pair: Pair, region: str, name: str, default: Any = None) -> Any:
    """A setting, as it is for one region: `regions.<region>.<name>` before `<name>`."""
    there = pair.settings.get("regions", {}).get(region, {})
    return there.get(name, pair.settings.get(name, default))


def observe(reader: Reader, pairs: Sequence[Pair]) -> dict[str, Seen]:
    """Pair key -> Seen. Domains by fives; replication and tags of each, and the target's health."""
    account, source_region, target_region = pairs[0].account, pairs[0].source_region, pairs[0].target_region
    here = look(reader, account, source_region, [pair.source_id for pair in pairs], health=False)
    there = look(reader, account, target_region, [pair.target_id for pair in pairs], health=True)
    return {pair.key: Seen(here[pair.source_id], there[pair.target_id]) for pair in pairs}


def look(reader: Reader, account: str, region: str, names: Sequence[str], *, health: bool) -> dict[str, Side]:
    """Name -> domain of one region. health: whether ClusterHealth is asked for."""
    listing = _shown(reader, account, region, names)
    return {name: _side(reader, account, region, listing, name, health=health) for name in sorted(set(names))}


def _fives(names: Sequence[str]) -> Iterator[Sequence[str]]:
    wanted = sorted(set(names))
    for start in range(0, len(wanted), NAMES):
        yield wanted[start : start + NAMES]


def _shown(reader: Reader, account: str, region: str, names: Sequence[str]) -> dict[str, Mapping[str, Any]] | Unreachable:
    found: dict[str, Mapping[str, Any]] = {}
    for some in _fives(names):
        answer = reader.read(account, region, "opensearch", "describe_domains", DomainNames=list(some))
        if isinstance(answer, Unreachable):
            return UNREACHABLE
        found |= {one["DomainName"]: one for one in (answer or {}).get("DomainStatusList", ())}
    return found


def _side(
    reader: Reader,
    account: str,
    region: str,
    listing: Mapping[str, Mapping[str, Any]] | Unreachable,
    name: str,
    *,
    health: bool,
) -> Side:
    if isinstance(listing, Unreachable):
        return UNREACHABLE
    shown = listing.get(name)
    if shown is None:
        return None
    # What a deleted or an old domain answers: it has no replication.
    without = ("ResourceNotFoundException", "DisabledOperationException")
    replication = reader.read(account, region, "opensearch", "describe_domain_replication", absent=without, DomainName=name)
    tags = reader.read(account, region, "opensearch", "list_tags", absent=without, ARN=shown["ARN"])
    looked = reader.read(account, region, "opensearch", "describe_domain_health", absent=without, DomainName=name) if health else {}
    if isinstance(replication, Unreachable) or isinstance(tags, Unreachable) or isinstance(looked, Unreachable):
        return UNREACHABLE
    size = shown["ClusterConfig"]
    return Domain(
        name=name,
        arn=shown["ARN"],
        region=region,
        state=_state(shown),
        endpoint=shown.get("Endpoint") or shown.get("Endpoints", {}).get("vpc", ""),
        engine=shown.get("EngineVersion", ""),
        instance_type=size.get("InstanceType", ""),
        instance_count=int(size.get("InstanceCount", 0)),
        role=(replication or {}).get("Role", ""),
        peers=tuple(
            Peer(one["PeerDomainArn"], one.get("PeerRole", ""), one.get("Status", ""), one.get("StatusMessage", ""))
            for one in (replication or {}).get("Peers", ())
        ),
        supported=replication is not None,
        health=(looked or {}).get("ClusterHealth", ""),
        shown=shown,
        tags={one["Key"]: one["Value"] for one in (tags or {}).get("TagList", ())},
    )


def _state(shown: Mapping[str, Any]) -> str:
    """DomainProcessingStatus, or what the older flags say."""
    if shown.get("Deleted"):
        return "Deleting"
    if "DomainProcessingStatus" in shown:
        return str(shown["DomainProcessingStatus"])
    if not shown.get("Created", True):
        return "Creating"
    return "Modifying" if shown.get("Processing") or shown.get("UpgradeProcessing") else "Active"
