# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tags of EC2 instances, carried over to the DRS source servers that replicate them (Appendix I, scenario 5).

Only what carries `dr:enabled` has something to say, only declared tags are carried over, and a value that breaks the tag schema is
not: it could unprotect a server that is fine.

Facts: DRS API reference (SourceServer: identificationHints.awsInstanceID, sourceCloudProperties.originRegion and originAccountID;
TagResource adds and replaces, one resource a call); EC2 API reference (DescribeTags, at most 200 values in a filter).
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from .accounts import AwsReader, CallError, Failure
from .asking import Asker, DarkError, Place, RefusedError
from .engine import BACKOFF_SECONDS
from .redact import mask
from .tag_schema import SCHEMA
from .tags import holds

#: Patterns of the tags that are carried over unless told otherwise.
KEYS: Final = ("dr:*", "Customer", "Environment")
#: Says that an instance is protected, and with that what its tags say.
ENABLED: Final = "dr:enabled"
#: Of the schema, but about what carries it: an instance has another counterpart than its source server.
OWN: Final = frozenset({"dr:peer"})
DRS: Final = "drs"
#: DRS answers this until InitializeService was called in a region.
UNINITIALISED: Final = ("UninitializedAccountException",)
#: Values of one filter of DescribeTags.
FILTER_VALUES: Final = 200
#: Seconds that the looks at one account and region may take.
PLACE_SECONDS: Final = 600
_REMEDIES: Final = {
    "denied": "check role_arn and external_id of account {account}, and that its role may call {service}",
    "unreachable": "nothing is lost: the next synchronisation does it when the region answers",
    "throttled": "nothing is lost: the next synchronisation does it",
    "error": "correct what the message names in account {account}, then run ansible-playbook dr.aws.sync_tags again",
}


@dataclass(frozen=True, slots=True)
class Server:
    """A source server, and the instance that it replicates. origin: account and region of the instance."""

    account: str
    region: str
    id: str
    arn: str
    tags: Mapping[str, str]
    instance: str
    origin: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be done with the tags of a source server. assign: new values. remove: names."""

    server: Server
    assign: Mapping[str, str]
    remove: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For people: values that look like secrets are masked."""
        one = self.server
        said = {"set": mask(dict(self.assign)), "removed": list(self.remove)}
        return {"account": one.account, "region": one.region, "server": one.id, "instance": one.instance, **said}


@dataclass(frozen=True, slots=True)
class Problem:
    """What could not be synchronised. account, region: where. why, remedy: for people."""

    account: str
    region: str
    why: str
    remedy: str

    def to_json(self) -> dict[str, str]:
        """For people."""
        return {"account": self.account, "region": self.region, "why": mask(self.why), "remedy": self.remedy}


@dataclass(frozen=True, slots=True)
class Survey:
    """What was seen. servers: how many source servers replicate an instance that could be looked at."""

    servers: int
    changes: tuple[Change, ...]
    problems: tuple[Problem, ...]


def declared(name: str, keys: Iterable[str]) -> bool:
    """Whether a tag is one to carry over. Names that begin with `dr:` and are not the schema's are bookkeeping."""
    if name.lower().startswith("aws:") or name in OWN or (name.startswith("dr:") and name not in SCHEMA):
        return False
    return any(fnmatchcase(name, key) for key in keys)


def compare(
    server: Server, instance: Mapping[str, str], keys: Sequence[str], *, remove: bool = False
) -> tuple[Change | None, list[Problem]]:
    """What must change for a source server to say what its instance says, and the values that are not carried over. Pure.

    remove: also take away declared tags that the instance does not have.
    """
    if ENABLED not in instance:
        return None, []
    wanted = {name: instance[name] for name in sorted(instance) if declared(name, keys)}
    broken = [name for name, value in wanted.items() if name in SCHEMA and not holds(SCHEMA[name], value)]
    problems = [_refused(server, name, wanted[name]) for name in broken]
    assign = {name: value for name, value in wanted.items() if name not in broken and server.tags.get(name) != value}
    gone = tuple(sorted(name for name in server.tags if declared(name, keys) and name not in wanted)) if remove else ()
    return (Change(server, assign, gone) if assign or gone else None), problems


class Synchroniser:
    """Looks at source servers and their instances, and carries tags over. Accounts and regions are looked at side by side.

    accounts: those that may be looked at. regions: where source servers, and instances, are looked for.
    """

    def __init__(
        self,
        cloud: AwsReader,
        accounts: Sequence[str],
        regions: Sequence[str],
        *,
        workers: int = 10,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.cloud, self.accounts, self.regions, self.workers, self.sleep = cloud, accounts, regions, workers, sleep
        self.asker = Asker(cloud, regions[0], PLACE_SECONDS, now, sleep)

    def look(self, keys: Sequence[str] = KEYS, *, remove: bool = False) -> Survey:
        """What is different. Describe calls only; never raises for what an account or a region does: that is a problem."""
        servers, problems = self._each([(account, region) for account in self.accounts for region in self.regions], self._servers)
        known = [one for one in servers if one.origin[0] in self.accounts]
        for one in servers:
            if one not in known:
                why = f"{one.id} replicates {one.instance} of account {one.origin[0]}, which is not in the inventory file"
                problems.append(Problem(one.account, one.region, why, f"add account {one.origin[0]} to the inventory file"))
        instances: dict[tuple[str, str], set[str]] = defaultdict(set)
        for one in known:
            instances[one.origin].add(one.instance)
        pairs, more = self._each(sorted(instances), lambda place: self._tags(place, instances[place.account, place.region]))
        problems += more
        told: dict[str, dict[str, str]] = defaultdict(dict)
        for instance, tags in pairs:
            told[instance] = tags
        changes = []
        for one in sorted(known, key=lambda server: (server.account, server.region, server.id)):
            change, wrong = compare(one, told.get(one.instance, {}), keys, remove=remove)
            changes += [change] if change else []
            problems += wrong
        return Survey(len(known), tuple(changes), tuple(problems))

    def apply(self, changes: Iterable[Change]) -> tuple[list[Change], list[Problem]]:
        """Carries tags over: what was done, and what could not be. An account that refuses does not stop the others."""
        places: dict[tuple[str, str], list[Change]] = defaultdict(list)
        for change in changes:
            places[change.server.account, change.server.region].append(change)
        ended, problems = self._each(sorted(places), lambda place: self._place(places[place.account, place.region]))
        return [one for one in ended if isinstance(one, Change)], problems + [one for one in ended if isinstance(one, Problem)]

    def _place(self, changes: Iterable[Change]) -> Iterator[Change | Problem]:
        """The changes of one place that were made, and problems. What is wrong with one server does not stop the next; silence,
        throttling and a refusal do, as they are of the place."""
        for change in changes:
            try:
                self._write(change)
                yield change
            except CallError as error:
                yield _of_call(change.server.account, change.server.region, DRS, error.failure, f"{change.server.id}: ")
                if error.failure.kind != "error":
                    return

    def _each(self, places: Sequence[tuple[str, str]], work: Callable[[Place], Iterable[Any]]) -> tuple[list[Any], list[Problem]]:
        """What `work` gives for every place, and why some gave nothing."""
        found: list[Any] = []
        problems: list[Problem] = []
        with ThreadPoolExecutor(max_workers=max(1, self.workers), thread_name_prefix="dr-aws") as pool:
            running = [(place, pool.submit(lambda where: list(work(Place(*where))), place)) for place in places]
            for (account, region), future in running:
                try:
                    found += future.result()
                except DarkError:
                    problems.append(Problem(account, region, f"{region} does not answer", _REMEDIES["unreachable"]))
                except RefusedError as error:
                    problems.append(_of_call(account, region, error.service, error.failure))
        return found, problems

    def _servers(self, place: Place) -> Iterator[Server]:
        """Source servers of a place that replicate EC2 instances."""
        items = self.asker.pages(place, DRS, "describe_source_servers", "items", absent=UNINITIALISED)
        for one in items:
            instance = one.get("sourceProperties", {}).get("identificationHints", {}).get("awsInstanceID", "")
            origin = one.get("sourceCloudProperties", {})
            if instance and origin.get("originRegion"):
                where = (origin.get("originAccountID") or place.account, origin["originRegion"])
                ident, arn = one["sourceServerID"], one["arn"]
                yield Server(place.account, place.region, ident, arn, one.get("tags", {}), instance, where)

    def _tags(self, place: Place, instances: Iterable[str]) -> Iterator[tuple[str, dict[str, str]]]:
        """(instance, its tags), of those that have any."""
        found: dict[str, dict[str, str]] = defaultdict(dict)
        every = sorted(instances)
        for start in range(0, len(every), FILTER_VALUES):
            wanted = [{"Name": "resource-id", "Values": every[start : start + FILTER_VALUES]}]
            for tag in self.asker.pages(place, "ec2", "describe_tags", "Tags", Filters=wanted):
                found[tag["ResourceId"]][tag["Key"]] = tag["Value"]
        yield from found.items()

    def _write(self, change: Change) -> None:
        """One source server. Saying it twice changes nothing, so that a call whose answer was lost may be sent again."""
        one = change.server
        if change.assign:
            self._sent(one, "tag_resource", resourceArn=one.arn, tags=dict(change.assign))
        if change.remove:
            self._sent(one, "untag_resource", resourceArn=one.arn, tagKeys=list(change.remove))

    def _sent(self, server: Server, operation: str, **params: Any) -> None:
        for pause in (*BACKOFF_SECONDS, None):
            try:
                self.cloud.call(server.account, server.region, DRS, operation, **params)
            except CallError as error:
                if pause is None or error.failure.kind not in ("throttled", "unreachable"):
                    raise
                self.sleep(pause)
            else:
                return


def _refused(server: Server, name: str, value: str) -> Problem:
    why = f"{name}={value!r} of instance {server.instance} is not carried over to {server.id}: it must be {SCHEMA[name].said}"
    return Problem(*server.origin, why, f"correct the tag {name} of instance {server.instance}")


def _of_call(account: str, region: str, service: str, failure: Failure, what: str = "") -> Problem:
    remedy = _REMEDIES[failure.kind].format(account=account, service=service)
    return Problem(account, region, f"{what}{failure.code}: {failure.message}", remedy)
