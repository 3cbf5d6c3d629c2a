# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is tagged `dr:enabled` in accounts and regions, found in parallel; what could not be looked at is part of the answer.

Per account and region: Resource Explorer's ListResources; the Tagging API where there is no index, where its answer shows
no tags or may be cut, or when told; the services themselves for what neither lists. `pairing` makes pairs of the result.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from . import arns, relations
from .accounts import Account, CallError, Failure
from .adapters.base import Reader
from .model import TECHNOLOGIES, Unreachable

EXPLORER: Final = "resource-explorer-2"
TAGGING: Final = "resourcegroupstaggingapi"
#: Where there is no region: hosted zones.
GLOBAL: Final = "global"
#: With 1000, ListResources gives no NextToken and silently loses the rest (its API reference).
PAGE_SIZE: Final = 500
#: Fixed by AWS: all operations but Search share it, per account and region.
LISTS_PER_SECOND: Final = 3
ROUTE53_PER_SECOND: Final = 5
#: Quoted, because tag keys with a colon must be; matching ignores case, so that the answer is filtered again.
FILTER: Final = 'tag:"dr:enabled=true"'
BACKOFF_SECONDS: Final = (1, 2, 4, 8, 16)
_NO_INDEX: Final = ("ResourceNotFoundException", "UnauthorizedException")
_REMEDIES: Final = {
    "denied": "check role_arn and external_id of account {account}, and that its role may call {service}",
    "throttled": "wait a minute and try again, or look less often: cache_timeout",
    "unreachable": "if the region is lost, use the readiness snapshot: control_bucket in the inventory file",
    "error": "correct what the message names in account {account}, then try again",
}


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

    errors: [{account, name, region, service, kind, code, message, remedy}], kinds denied, throttled, error. stale: (account,
    region) that did not answer. accounts: [{id, name, latency_ms, resources, complete}], latency until the first answer,
    opening the session included. unsupported: ARN kind -> how many tagged resources of it no adapter recovers.
    peers: per (technology, account) the nodes (region, id) that AWS itself relates: [{(region, id): arn or None}].
    zones: (account, name of a hosted zone that was asked for) -> its ids.
    """

    resources: tuple[Found, ...]
    errors: tuple[Mapping[str, Any], ...] = ()
    stale: frozenset[tuple[str, str]] = frozenset()
    accounts: tuple[Mapping[str, Any], ...] = ()
    unsupported: Mapping[str, int] = field(default_factory=dict)
    peers: Mapping[tuple[str, str], Sequence[relations.Group]] = field(default_factory=dict)
    zones: Mapping[tuple[str, str], Sequence[str]] = field(default_factory=dict)
    duration_ms: int = 0

    @property
    def complete(self) -> bool:
        """Whether every account and region was looked at, and gave all it has."""
        return not self.errors and not self.stale


class _Pace:
    """Keeps to a number of calls a second per key, whatever the number of threads."""

    def __init__(self, now: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self.now, self.sleep = now, sleep
        self._next: dict[tuple[str, ...], float] = {}
        self._lock = threading.Lock()

    def __call__(self, per_second: int, *key: str) -> None:
        with self._lock:
            at = max(self.now(), self._next.get(key, 0.0))
            self._next[key] = at + 1 / per_second
        if at > self.now():
            self.sleep(at - self.now())


@dataclass(slots=True)
class _Look:
    """What one account and region gave. complete: False when it did not answer or refused."""

    account: str
    region: str
    found: dict[str, Found] = field(default_factory=dict)
    elsewhere: dict[str, Found] = field(default_factory=dict)
    unsupported: Counter[str] = field(default_factory=Counter)
    peers: dict[str, list[relations.Group]] = field(default_factory=dict)
    errors: list[Mapping[str, Any]] = field(default_factory=list)
    zones: dict[str, Sequence[str]] = field(default_factory=dict)
    stale: bool = False
    saw_global: bool = False
    latency_ms: int | None = None


class Discoverer:
    """Looks for tagged resources.

    technologies: those wanted. tagging_api: ask the Tagging API as well, everywhere. zones: (account, zone name) to resolve.
    workers: calls in flight. now, sleep: a monotonic clock in seconds.
    """

    def __init__(
        self,
        reader: Reader,
        accounts: Iterable[Account],
        regions: Sequence[str],
        *,
        technologies: Iterable[str] = TECHNOLOGIES,
        tagging_api: bool = False,
        zones: Iterable[tuple[str, str]] = (),
        workers: int = 16,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.reader, self.regions, self.tagging_api, self.workers = reader, tuple(regions), tagging_api, workers
        self.accounts = {account.id: account for account in accounts}
        self.technologies = frozenset(technologies)
        self.wanted_zones = tuple(dict.fromkeys(zones))
        self.now, self.sleep = now, sleep
        self._pace = _Pace(now, sleep)

    def run(self) -> Discovery:
        """One look at everything. Never raises for what an account or a region does: it is in `errors` or `stale`."""
        started = self.now()
        with ThreadPoolExecutor(max_workers=self.workers, thread_name_prefix="dr-aws") as pool:
            places = [(account, region) for account in self.accounts for region in self.regions]
            looks = list(pool.map(lambda place: self._look(*place), places))
            present = {account: _technologies(account, looks) for account in self.accounts}
            list(pool.map(lambda look: self._relate(look, present[look.account]), looks))
            if "route53" in self.technologies:
                uncovered = [account for account in self.accounts if not self._zones_covered(account, looks)]
                looks += pool.map(self._zones, uncovered)
                looks += pool.map(lambda wanted: self._zone_ids(*wanted), self.wanted_zones)
        return self._result(looks, round((self.now() - started) * 1000))

    def _result(self, looks: Sequence[_Look], duration_ms: int) -> Discovery:
        found: dict[str, Found] = {}
        stale = {(look.account, look.region) for look in looks if look.stale}
        unsupported: Counter[str] = Counter()
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
        return Discovery(
            resources=tuple(found[arn] for arn in sorted(found)),
            errors=tuple(errors.values()),
            stale=frozenset(stale),
            accounts=tuple(self._account(account, looks, found) for account in self.accounts.values()),
            unsupported=dict(sorted(unsupported.items())),
            peers=peers,
            zones={(look.account, name): ids for look in looks for name, ids in look.zones.items()},
            duration_ms=duration_ms,
        )

    def _account(self, account: Account, looks: Sequence[_Look], found: Mapping[str, Found]) -> Mapping[str, Any]:
        mine = [look for look in looks if look.account == account.id]
        latencies = [look.latency_ms for look in mine if look.latency_ms is not None]
        return {
            "id": account.id,
            "name": account.name,
            "latency_ms": min(latencies, default=None),
            "resources": sum(one.account == account.id for one in found.values()),
            "complete": not any(look.errors or look.stale for look in mine),
        }

    def _look(self, account: str, region: str) -> _Look:
        look = _Look(account, region)
        try:
            listed = self._explorer(look)
            if listed is None:
                listed = self._tagged(look) + self._groups(look)
            self._sort(look, listed)
            if "drs" in self.technologies:
                self._sort(look, self._servers(look))
        except _DarkError:
            look.stale = True
        except _RefusedError as error:
            look.errors.append(self._error(look, error.service, error.failure))
        return look

    def _explorer(self, look: _Look) -> list[tuple[str, dict[str, str]]] | None:
        """(ARN, tags) as Resource Explorer lists them; None when the Tagging API must be asked instead."""
        listed: list[tuple[str, dict[str, str]]] = []
        token: dict[str, str] = {}
        seen: set[str] = set()
        shows_tags = full = False
        while True:
            request = {"Filters": {"FilterString": FILTER}, "MaxResults": PAGE_SIZE, **token}
            try:
                page = self._read(look, EXPLORER, "list_resources", LISTS_PER_SECOND, absent=_NO_INDEX, **request)
            except _DarkError:
                return None  # perhaps this service only
            if page is None:
                return None
            for entry in page.get("Resources", ()):
                tags = _explorer_tags(entry)
                shows_tags = shows_tags or tags is not None
                listed.append((str(entry["Arn"]), tags or {}))
                look.saw_global = look.saw_global or entry.get("Region") == GLOBAL
            full = len(page.get("Resources", ())) >= PAGE_SIZE
            following = page.get("NextToken")
            if not following or following in seen:
                break
            seen.add(following)
            token = {"NextToken": following}
        if self.tagging_api or full or following or not shows_tags:
            # A last page that is full and a token that comes again may be a list that was cut; an empty list, a view
            # without tags, in which no filter by tag finds anything.
            known = dict(listed)
            more = self._tagged(look) + self._groups(look)
            lost = [arn for arn, tags in more if arn not in known and tags.get("dr:enabled") == "true"]
            if full and lost:
                text = f"ListResources gave {len(listed)} resources and left out {len(lost)}, such as {lost[0]}"
                look.errors.append(self._error(look, EXPLORER, Failure("error", "TruncatedAnswer", text)))
            return [*listed, *more] if shows_tags else more
        return listed

    def _tagged(self, look: _Look) -> list[tuple[str, dict[str, str]]]:
        key, wanted = "ResourceTagMappingList", [{"Key": "dr:enabled"}]
        pages = self._pages(look, TAGGING, "get_resources", key, TagFilters=wanted, ResourcesPerPage=100)
        return [(str(entry["ResourceARN"]), _tags(entry.get("Tags", ()))) for entry in pages]

    def _groups(self, look: _Look) -> list[tuple[str, dict[str, str]]]:
        """Auto Scaling groups, which the Tagging API does not list."""
        if "autoscaling" not in self.technologies:
            return []
        wanted = [{"Name": "tag-key", "Values": ["dr:enabled"]}]
        pages = self._pages(look, "autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", Filters=wanted)
        return [(str(entry["AutoScalingGroupARN"]), _tags(entry.get("Tags", ()))) for entry in pages]

    def _servers(self, look: _Look) -> list[tuple[str, dict[str, str]]]:
        """DRS source servers, which Resource Explorer does not list. Those of the way back belong to the first ones."""
        absent = ("UninitializedAccountException",)
        pages = self._pages(look, "drs", "describe_source_servers", "items", absent=absent, filters={})
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
        wanted = [relate for technologies, relate in relations.RELATIONS if present.intersection(technologies)]
        try:
            for relate in wanted:
                related = relate(_Pages(self, look), look.region)
                for technology, groups in related.groups.items():
                    look.peers.setdefault(technology, []).extend(groups)
                for arn in related.members:
                    look.found.pop(arn, None)
                for arn, kind in related.others.items():
                    if look.found.pop(arn, None):
                        look.unsupported[kind] += 1
        except _DarkError:
            look.stale = True
        except _RefusedError as error:
            look.errors.append(self._error(look, error.service, error.failure))

    def _sort(self, look: _Look, listed: Iterable[tuple[str, Mapping[str, str]]]) -> None:
        for arn, tags in listed:
            if tags.get("dr:enabled", "false") == "false":
                continue  # matching ignores case: what is not exactly "true" goes on, to be a violation
            name = arns.parse(arn)
            if name is None:
                look.unsupported[arns.kind(arn)] += 1
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
            zones = self._pages(look, "route53", "list_hosted_zones", "HostedZones")
            ids = [str(zone["Id"]).rsplit("/", 1)[-1] for zone in zones]
            for start in range(0, len(ids), 10):
                wanted = {"ResourceType": "hostedzone", "ResourceIds": ids[start : start + 10]}
                answer = self._read(look, "route53", "list_tags_for_resources", ROUTE53_PER_SECOND, **wanted) or {}
                entries = answer.get("ResourceTagSets", ())
                self._sort(look, [(_zone_arn(str(one["ResourceId"])), _tags(one.get("Tags", ()))) for one in entries])
        except _DarkError:
            look.stale = True
        except _RefusedError as error:
            look.errors.append(self._error(look, error.service, error.failure))
        return look

    def _zone_ids(self, account: str, name: str) -> _Look:
        """The ids of the hosted zones of a name."""
        look = _Look(account, GLOBAL)
        dotted = name.rstrip(".") + "."
        try:
            wanted = {"DNSName": dotted, "MaxItems": "10"}
            answer = self._read(look, "route53", "list_hosted_zones_by_name", ROUTE53_PER_SECOND, **wanted) or {}
            zones = [zone for zone in answer.get("HostedZones", ()) if zone["Name"] == dotted]
            look.zones[name] = sorted(str(zone["Id"]).rsplit("/", 1)[-1] for zone in zones)
        except _DarkError:
            look.stale = True
        except _RefusedError as error:
            look.errors.append(self._error(look, error.service, error.failure))
        return look

    def _read(
        self, look: _Look, service: str, operation: str, per_second: int, *, absent: Iterable[str] = (), **params: Any
    ) -> dict[str, Any] | None:
        self._pace(per_second, look.account, look.region, service)
        answer: dict[str, Any] | None = self._patient(
            look, service, lambda: self.reader.read(look.account, self._at(look), service, operation, absent=absent, **params)
        )
        return answer

    def _pages(
        self, look: _Look, service: str, operation: str, key: str, *, absent: Iterable[str] = (), **params: Any
    ) -> list[dict[str, Any]]:
        pages: list[dict[str, Any]] | None = self._patient(
            look,
            service,
            lambda: self.reader.pages(look.account, self._at(look), service, operation, key, absent=absent, **params),
        )
        return pages or []

    def _patient(self, look: _Look, service: str, send: Callable[[], Any]) -> Any:
        """The answer of a call, sent again while AWS throttles it. Raises _DarkError when the region does not answer."""
        started = self.now()
        for pause in (*BACKOFF_SECONDS, None):
            try:
                answer = send()
                break
            except CallError as error:
                if error.failure.kind != "throttled" or pause is None:
                    raise _RefusedError(service, error.failure) from error
                self.sleep(pause)
        if isinstance(answer, Unreachable):
            raise _DarkError
        if look.latency_ms is None:
            look.latency_ms = round((self.now() - started) * 1000)
        return answer

    def _at(self, look: _Look) -> str:
        return self.regions[-1] if look.region == GLOBAL else look.region

    def _error(self, look: _Look, service: str, failure: Failure) -> Mapping[str, Any]:
        return {
            "account": look.account,
            "name": self.accounts[look.account].name,
            "region": look.region,
            "service": service,
            "kind": failure.kind,
            "code": failure.code,
            "message": failure.message,
            "remedy": _REMEDIES[failure.kind].format(account=look.account, service=service),
        }


@dataclass(frozen=True, slots=True)
class _Pages:
    """What relations see of the world: pages of one account and region."""

    discoverer: Discoverer
    look: _Look

    def __call__(self, service: str, operation: str, key: str, **params: Any) -> list[dict[str, Any]]:
        return self.discoverer._pages(self.look, service, operation, key, **params)


class _DarkError(Exception):
    """The region does not answer."""


class _RefusedError(Exception):
    """A call that came back with an error for good."""

    def __init__(self, service: str, failure: Failure) -> None:
        super().__init__(failure.message)
        self.service, self.failure = service, failure


def _technologies(account: str, looks: Iterable[_Look]) -> set[str]:
    return {one.technology for look in looks if look.account == account for one in look.found.values()}


def _zone_arn(zone: str) -> str:
    return f"arn:aws:route53:::hostedzone/{zone}"


def _tags(entries: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {entry["Key"]: entry.get("Value", "") for entry in entries}


def _explorer_tags(entry: Mapping[str, Any]) -> dict[str, str] | None:
    """The tags of a listed resource, None when the view does not carry tags."""
    for one in entry.get("Properties", ()):
        if one.get("Name") == "tags":
            data = one.get("Data")
            if isinstance(data, list):
                return _tags(tag for tag in data if isinstance(tag, Mapping) and "Key" in tag)
            return {str(key): str(value) for key, value in data.items()} if isinstance(data, Mapping) else None
    return None
