# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is tagged `dr:enabled` in accounts and regions, found in parallel; what could not be looked at is part of the answer.

The union of Resource Explorer, the Tagging API and the services themselves for what neither lists. `pairing` makes pairs of it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Final

from . import arns, relations
from .accounts import Account, Failure
from .adapters.base import Reader
from .asking import GLOBAL, Asker, DarkError, Place, RefusedError
from .explorer import EXPLORER, Listing, listing
from .garbage import uncollected
from .model import TECHNOLOGIES

TAGGING: Final = "resourcegroupstaggingapi"
ROUTE53_PER_SECOND: Final = 5
#: Where Resource Explorer is asked: in every account and region; once per account, in the control region, whose index is the
#: aggregator; once for all accounts, with the caller's own credentials and a view of the organization.
INDEXES: Final = ("local", "aggregator", "organization")
#: Seconds that one account and region gets.
PLACE_SECONDS: Final = 120
_REMEDIES: Final = {
    "denied": "check role_arn and external_id of account {account}, and that its role may call {service}",
    "throttled": "wait a minute and try again, or look less often: cache_timeout",
    "unreachable": "if the region is lost, use the readiness snapshot: control_bucket in the inventory file",
    "error": "correct what the message names in account {account}, then try again",
}
_NO_INDEX: Final = "create an index and a default view with tags in {region}; until then the Tagging API is all that is asked there"


@dataclass(frozen=True, slots=True)
class Found:
    """One tagged resource. region: GLOBAL for a hosted zone, whose id is the zone's."""

    technology: str
    account: str
    region: str
    id: str
    arn: str
    tags: Mapping[str, str]

    @property
    def node(self) -> tuple[str, str]:
        """Region and identifier."""
        return self.region, self.id


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found, and what was not looked at.

    errors: [{account, name, region, service, kind, code, message, remedy}], kinds denied, throttled, error; account "" is the
    organization's view. stale: (account, region) that did not answer. accounts: [{id, name, latency_ms, resources, complete}],
    latency until the first answer, opening the session included. unindexed: [{account, region, remedy}] without an index or view.
    unlisted: accounts that the organization's view knows and nobody asked for -> how many tagged resources.
    unsupported: ARN kind -> how many tagged resources of it no adapter recovers.
    peers: per (technology, account) the nodes (region, id) that AWS itself relates: [{(region, id): arn or None}].
    zones: (account, name of a hosted zone that was asked for) -> its ids.
    """

    resources: tuple[Found, ...]
    errors: tuple[Mapping[str, Any], ...] = ()
    stale: frozenset[tuple[str, str]] = frozenset()
    accounts: tuple[Mapping[str, Any], ...] = ()
    unindexed: tuple[Mapping[str, str], ...] = ()
    unlisted: Mapping[str, int] = field(default_factory=dict)
    unsupported: Mapping[str, int] = field(default_factory=dict)
    peers: Mapping[tuple[str, str], Sequence[relations.Group]] = field(default_factory=dict)
    zones: Mapping[tuple[str, str], Sequence[str]] = field(default_factory=dict)
    duration_ms: int = 0

    @property
    def complete(self) -> bool:
        """Whether every account and region was looked at, and gave all it has."""
        return not self.errors and not self.stale


@dataclass(slots=True)
class _Look(Place):
    """What one account and region gave. stale: it did not answer."""

    found: dict[str, Found] = field(default_factory=dict)
    elsewhere: dict[str, Found] = field(default_factory=dict)
    unsupported: dict[str, str] = field(default_factory=dict)
    peers: dict[str, list[relations.Group]] = field(default_factory=dict)
    errors: list[Mapping[str, Any]] = field(default_factory=list)
    zones: dict[str, Sequence[str]] = field(default_factory=dict)
    stale: bool = False
    unindexed: bool = False
    saw_global: bool = False


class Discoverer:
    """Looks for tagged resources.

    technologies: those wanted. index: one of INDEXES. home: the control region, for all but "local". view: the ARN of the
    organization's view. tagging_api: False leaves the Tagging API out where a local index answers and shows tags.
    zones: (account, zone name) to resolve. workers: places that are looked at side by side. timeout_seconds: for one account and
    region. now, sleep: a monotonic clock in seconds.
    """

    def __init__(
        self,
        reader: Reader,
        accounts: Iterable[Account],
        regions: Sequence[str],
        *,
        technologies: Iterable[str] = TECHNOLOGIES,
        index: str = "local",
        home: str = "",
        view: str | None = None,
        tagging_api: bool = True,
        zones: Iterable[tuple[str, str]] = (),
        workers: int = 16,
        timeout_seconds: float = PLACE_SECONDS,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.regions, self.tagging_api, self.workers = tuple(regions), tagging_api, workers
        self.index, self.home, self.view = index, home or self.regions[-1], view
        self.accounts = {account.id: account for account in accounts}
        self.technologies = frozenset(technologies)
        self.wanted_zones = tuple(dict.fromkeys(zones))
        self.now = now
        self.asker = Asker(reader, self.regions[-1], timeout_seconds, now, sleep)

    @uncollected()
    def run(self) -> Discovery:
        """One look at everything. Never raises for what an account or a region does: it is in `errors` or `stale`."""
        started = self.now()
        with ThreadPoolExecutor(max_workers=self.workers, thread_name_prefix="dr-aws") as pool:
            owners = {"local": (), "aggregator": tuple(self.accounts), "organization": ("",)}[self.index]
            shared = list(pool.map(self._shared, owners))
            listings = self._by_account(shared)
            places = [(account, region) for account in self.accounts for region in self.regions]
            looks = list(pool.map(lambda place: self._look(place[0], place[1], listings), places))
            present = {account: _technologies(account, looks) for account in self.accounts}
            list(pool.map(lambda look: self._relate(look, present[look.account]), looks))
            if "route53" in self.technologies:
                uncovered = [account for account in self.accounts if not self._zones_covered(account, looks)]
                looks += pool.map(self._zones, uncovered)
                looks += pool.map(lambda wanted: self._zone_ids(*wanted), self.wanted_zones)
        looks += [look for look, _listed in shared]
        unlisted = {owner: len(listed.resources) for owner, listed in sorted(listings.items()) if owner not in self.accounts}
        return self._result(looks, unlisted, round((self.now() - started) * 1000))

    def _result(self, looks: Sequence[_Look], unlisted: Mapping[str, int], duration_ms: int) -> Discovery:
        found: dict[str, Found] = {}
        stale = {(look.account, look.region) for look in looks if look.stale}
        unsupported: dict[str, str] = {}
        peers: dict[tuple[str, str], list[relations.Group]] = {}
        for look in looks:
            found.update(look.found)
            unsupported.update(look.unsupported)
            for technology, groups in look.peers.items():
                peers.setdefault((technology, look.account), []).extend(groups)
        for look in looks:  # an aggregator's copy counts only where the region itself is silent
            for arn, one in look.elsewhere.items():
                if one.region == GLOBAL or (one.account, one.region) in stale:
                    found.setdefault(arn, one)
        errors = {(one["account"], one["service"], one["code"], one["message"]): one for look in looks for one in look.errors}
        counts = Counter(one.account for one in found.values())
        return Discovery(
            resources=tuple(found[arn] for arn in sorted(found)),
            errors=tuple(errors.values()),
            stale=frozenset(stale),
            accounts=tuple(self._account(account, looks, counts[account.id]) for account in self.accounts.values()),
            unindexed=tuple(
                {"account": look.account, "region": look.region, "remedy": _NO_INDEX.format(region=look.region)}
                for look in looks
                if look.unindexed
            ),
            unlisted=unlisted,
            unsupported=dict(sorted(Counter(unsupported.values()).items())),
            peers=peers,
            zones={(look.account, name): ids for look in looks for name, ids in look.zones.items()},
            duration_ms=duration_ms,
        )

    def _account(self, account: Account, looks: Sequence[_Look], resources: int) -> Mapping[str, Any]:
        mine = [look for look in looks if look.account == account.id]
        latencies = [look.latency_ms for look in mine if look.latency_ms is not None]
        return {
            "id": account.id,
            "name": account.name,
            "latency_ms": min(latencies, default=None),
            "resources": resources,
            "complete": not any(look.errors or look.stale for look in mine),
        }

    @staticmethod
    def _by_account(shared: Iterable[tuple[_Look, Listing | None]]) -> dict[str, Listing]:
        """The shared listings, taken apart by the accounts that own what is listed."""
        listings: dict[str, Listing] = {}
        for look, listed in shared:
            if listed is None:
                continue
            for entry in listed.resources:
                owner = look.account or entry[1]
                if owner not in listings:
                    listings[owner] = replace(listed, resources=[])
                listings[owner].resources.append(entry)
        return listings

    def _shared(self, account: str) -> tuple[_Look, Listing | None]:
        """What one index knows of all regions; of an organization's view also of all accounts. Silence is no error of a region."""
        look = _Look(account, self.home)
        try:
            listed = listing(self.asker, look, None if account else self.view)
            look.unindexed = listed is None
            return look, listed
        except DarkError:
            return look, None  # every region is asked by other means anyway
        except RefusedError as error:
            look.errors.append(self._error(look, error.service, error.failure))
            return look, None

    def _look(self, account: str, region: str, listings: Mapping[str, Listing]) -> _Look:
        look = _Look(account, region)
        try:
            self._list(look, listings)
            if "drs" in self.technologies:
                self._sort(look, self._servers(look))
        except DarkError:
            look.stale = True
        except RefusedError as error:
            look.errors.append(self._error(look, error.service, error.failure))
        return look

    def _list(self, look: _Look, listings: Mapping[str, Listing]) -> None:
        """What Resource Explorer lists, kept when the region is dark; then what the Tagging API says, which is fresher."""
        listed = listings.get(look.account) if self.index != "local" else self._local(look)
        indexed: dict[str, dict[str, str]] = {}
        if listed:
            look.saw_global = listed.saw_global
            if listed.shows_tags:
                indexed = {arn: tags for arn, _owner, tags in listed.resources}
            self._sort(look, indexed.items())
            if not self.tagging_api and self.index == "local" and listed.shows_tags and not listed.cut:
                return
        fresh = dict(self._tagged(look) + self._groups(look))
        self._sort(look, ((arn, tags) for arn, tags in fresh.items() if indexed.get(arn) != tags))
        lost = [arn for arn, tags in fresh.items() if arn not in indexed and tags.get("dr:enabled") == "true"]
        if listed and listed.cut and lost:
            text = f"ListResources gave {len(listed.resources)} resources and left out {len(lost)}, such as {lost[0]}"
            look.errors.append(self._error(look, EXPLORER, Failure("error", "TruncatedAnswer", text)))

    def _local(self, look: _Look) -> Listing | None:
        try:
            listed = listing(self.asker, look)
        except DarkError:
            return None  # perhaps this service only
        look.unindexed = listed is None
        return listed

    def _tagged(self, look: _Look) -> list[tuple[str, dict[str, str]]]:
        key, wanted = "ResourceTagMappingList", [{"Key": "dr:enabled"}]
        pages = self.asker.pages(look, TAGGING, "get_resources", key, TagFilters=wanted, ResourcesPerPage=100)
        return [(str(entry["ResourceARN"]), _tags(entry.get("Tags", ()))) for entry in pages]

    def _groups(self, look: _Look) -> list[tuple[str, dict[str, str]]]:
        """Auto Scaling groups, which the Tagging API does not list."""
        if "autoscaling" not in self.technologies:
            return []
        wanted = [{"Name": "tag-key", "Values": ["dr:enabled"]}]
        pages = self.asker.pages(look, "autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", Filters=wanted)
        return [(str(entry["AutoScalingGroupARN"]), _tags(entry.get("Tags", ()))) for entry in pages]

    def _servers(self, look: _Look) -> list[tuple[str, dict[str, str]]]:
        """DRS source servers, which Resource Explorer does not list. Those of the way back belong to the first ones."""
        absent = ("UninitializedAccountException",)
        pages = self.asker.pages(look, "drs", "describe_source_servers", "items", absent=absent, filters={})
        return [
            (str(entry["arn"]), dict(entry.get("tags", {})))
            for entry in pages
            if entry.get("replicationDirection", "FAILOVER") == "FAILOVER"
        ]

    def _relate(self, look: _Look, present: set[str]) -> None:
        """What AWS relates to what the account has; what turns out to be part of something else is dropped.

        Asked on both sides: the counterpart may have no tags, and the source may name it by less than its ARN.
        """
        if look.stale or look.errors:
            return
        look.began = None  # the slowest of all accounts was waited for
        wanted = [relate for technologies, relate in relations.RELATIONS if present.intersection(technologies)]
        try:
            for relate in wanted:
                related = relate(_Pages(self.asker, look), look.region)
                for technology, groups in related.groups.items():
                    look.peers.setdefault(technology, []).extend(groups)
                for arn in related.members:
                    look.found.pop(arn, None)
                for arn, kind in related.others.items():
                    if look.found.pop(arn, None):
                        look.unsupported[arn] = kind
        except DarkError:
            look.stale = True
        except RefusedError as error:
            look.errors.append(self._error(look, error.service, error.failure))

    def _sort(self, look: _Look, listed: Iterable[tuple[str, Mapping[str, str]]]) -> None:
        """Takes in what is listed; the last word about an ARN counts."""
        for arn, tags in listed:
            if tags.get("dr:enabled", "false") == "false":
                look.found.pop(arn, None)
                continue  # matching ignores case: what is not exactly "true" goes on, to be a violation
            name = arns.parse(arn)
            if name is None:
                look.unsupported[arn] = arns.kind(arn)
                continue
            region, account = name.region or GLOBAL, name.account or look.account
            if account != look.account or name.technology not in self.technologies:
                continue
            one = Found(name.technology, account, region, name.id, arn, dict(tags))
            if look.region in (region, GLOBAL):
                look.found[arn] = one
            elif region in self.regions or region == GLOBAL:
                look.elsewhere[arn] = one

    def _zones_covered(self, account: str, looks: Sequence[_Look]) -> bool:
        """Whether hosted zones were listed: us-east-1 lists what has no region, and so does an aggregator.

        Not tried where the account refuses everything: it would only say so again.
        """
        mine = [look for look in looks if look.account == account]
        listed = any(look.saw_global or (look.region == "us-east-1" and not look.stale) for look in mine)
        return listed or all(look.errors for look in mine)

    def _zones(self, account: str) -> _Look:
        """The account's hosted zones and their tags, from Route 53 itself."""
        look = _Look(account, GLOBAL)
        try:
            zones = self.asker.pages(look, "route53", "list_hosted_zones", "HostedZones")
            ids = [str(zone["Id"]).rsplit("/", 1)[-1] for zone in zones]
            for start in range(0, len(ids), 10):
                wanted = {"ResourceType": "hostedzone", "ResourceIds": ids[start : start + 10]}
                answer = self.asker.read(look, "route53", "list_tags_for_resources", ROUTE53_PER_SECOND, **wanted) or {}
                entries = answer.get("ResourceTagSets", ())
                self._sort(look, [(_zone_arn(str(one["ResourceId"])), _tags(one.get("Tags", ()))) for one in entries])
        except DarkError:
            look.stale = True
        except RefusedError as error:
            look.errors.append(self._error(look, error.service, error.failure))
        return look

    def _zone_ids(self, account: str, name: str) -> _Look:
        """The ids of the hosted zones of a name."""
        look = _Look(account, GLOBAL)
        dotted = name.rstrip(".") + "."
        try:
            wanted = {"DNSName": dotted, "MaxItems": "10"}
            answer = self.asker.read(look, "route53", "list_hosted_zones_by_name", ROUTE53_PER_SECOND, **wanted) or {}
            zones = [zone for zone in answer.get("HostedZones", ()) if zone["Name"] == dotted]
            look.zones[name] = sorted(str(zone["Id"]).rsplit("/", 1)[-1] for zone in zones)
        except DarkError:
            look.stale = True
        except RefusedError as error:
            look.errors.append(self._error(look, error.service, error.failure))
        return look

    def _error(self, look: _Look, service: str, failure: Failure) -> Mapping[str, Any]:
        known = self.accounts.get(look.account)
        return {
            "account": look.account,
            "name": known.name if known else "the organization's view",
            "region": look.region,
            "service": service,
            "kind": failure.kind,
            "code": failure.code,
            "message": failure.message,
            "remedy": _REMEDIES[failure.kind].format(account=look.account or "of the caller", service=service),
        }


@dataclass(frozen=True, slots=True)
class _Pages:
    """What relations see of the world: pages of one account and region."""

    asker: Asker
    look: _Look

    def __call__(self, service: str, operation: str, key: str, **params: Any) -> list[dict[str, Any]]:
        return self.asker.pages(self.look, service, operation, key, **params)


def _technologies(account: str, looks: Iterable[_Look]) -> set[str]:
    return {one.technology for look in looks if look.account == account for one in look.found.values()}


def _zone_arn(zone: str) -> str:
    return f"arn:aws:route53:::hostedzone/{zone}"


def _tags(entries: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {entry["Key"]: entry.get("Value", "") for entry in entries}
