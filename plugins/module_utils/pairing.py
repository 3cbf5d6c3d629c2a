# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what was found to pairs: the two sides of a workload become one inventory host. Pure, and deterministic.

A counterpart is, in this order: the only one that AWS relates (a replica, a global cluster, …); what the tag `dr:peer` says; what
the readiness snapshot knows; the first of several that AWS relates; what a manifest names; what has the same identifier in the
other region.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from . import redact
from .asking import GLOBAL
from .dependencies import Node as Dependent
from .dependencies import resolve
from .discovery import Discovery, Found
from .model import PRIORITIES
from .tag_schema import RECORD_PREFIX, SCHEMA
from .tags import Violation, harden, parse

#: Technologies whose identifiers AWS chooses: a counterpart that was made anew has another than the tag `dr:peer` says.
ASSIGNED: Final = ("efs", "fsx", "drs")
#: (region, identifier) of one side.
Node = tuple[str, str]
_VALUE = re.compile(r"([a-z]{2}(?:-[a-z]+)+-\d)=(\S+)")


@dataclass(frozen=True, slots=True)
class Scope:
    """What is asked for: the two regions, and customer and environment where only one is wanted.

    known: the combinations of customer and environment that exist, None when nobody says. strict: of `STRICT_RULES`.
    """

    regions: tuple[str, str]
    customer: str | None = None
    environment: str | None = None
    known: frozenset[tuple[str, str]] | None = None
    strict: frozenset[str] = frozenset()

    def other(self, region: str) -> str:
        """The other region."""
        return self.regions[1] if region == self.regions[0] else self.regions[0]

    def excludes(self, customer: Any, environment: Any) -> bool:
        """Whether it belongs to somebody else. What does not say whose it is, is not excluded: it must be reported."""
        return (self.customer is not None and customer not in (None, self.customer)) or (
            self.environment is not None and environment not in (None, self.environment)
        )

    def knows(self, customer: Any, environment: Any) -> bool:
        """Whether the combination exists in the system (H.1). A value that breaks its own rule is reported by that."""
        return self.known is None or None in (customer, environment) or (customer, environment) in self.known


@dataclass(slots=True)
class Paired:
    """hosts: host name -> its variables, in the order of recovery. violations: of tags and of the inventory file's records.

    unconfirmed: hosts with a side in a region that did not answer, known from elsewhere (the readiness snapshot, the
    aggregator's copy, `dr:peer`). unpaired: [{host, technology, account, region, remedy}], region: where no counterpart was found.
    missing: hosts that the snapshot knows and that were not found, although their regions answered.
    """

    hosts: dict[str, dict[str, Any]] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)
    unconfirmed: list[str] = field(default_factory=list)
    unpaired: list[dict[str, str]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Draft:
    """One pair in the making. sides: region -> {id, arn}."""

    technology: str
    account: str
    sides: dict[str, dict[str, Any]]
    tags: dict[str, str]
    label: str
    settings: dict[str, Any] = field(default_factory=dict)
    given: dict[str, Any] = field(default_factory=dict)
    key: str = ""


def pair_up(
    found: Discovery,
    scope: Scope,
    records: Sequence[Mapping[str, Any]] = (),
    snapshots: Sequence[Mapping[str, Any]] = (),
    durations: Callable[[str], Mapping[str, int]] = lambda technology: {},
    named: Mapping[tuple[str, str], Sequence[Mapping[Node, str | None]]] | None = None,
) -> Paired:
    """The inventory's hosts.

    records: the entries of the option of that name. snapshots: verified ones, of any customer. durations: of a technology, phase ->
    expected seconds. named: pairs that a manifest names, as `Discovery.peers`.
    """
    paired = Paired()
    known = [entry for snapshot in snapshots for entry in snapshot["resources"]]
    keys = {
        (entry["dr_technology"], entry["dr_account"], region, side["id"]): entry["key"]
        for entry in known
        for region, side in entry["dr_sides"].items()
    }
    drafts = [*_regional(found, scope, known, named or {}, paired), *_records(found, scope, records, paired)]
    for draft in drafts:
        draft.key = next(
            (name for region in sorted(draft.sides) if (name := keys.get(_place(draft, region)))), _name(draft, scope.regions)
        )
    _make_unique(drafts)
    hosts = {}
    for draft in sorted(drafts, key=lambda one: one.key):
        variables = _variables(draft, scope, paired)
        if variables is not None:
            hosts[draft.key] = variables
    _add_known(hosts, found, scope, known, paired)
    _depend(hosts, paired)
    _keep_objectives(hosts, durations, paired)
    if "unique_waves" in scope.strict:
        _keep_waves_unique(hosts, paired)
    captured = {name: value for snapshot in snapshots for name, value in snapshot["captured"].items()}
    for name, variables in hosts.items():
        variables["dr_captured"] = captured.get(name, {})
        places = [GLOBAL] if variables["dr_technology"] == "route53" else variables["dr_sides"]
        if any((variables["dr_account"], region) in found.stale for region in places):
            paired.unconfirmed.append(name)
        paired.unpaired += _unpaired(name, variables, scope)
    paired.hosts = dict(sorted(hosts.items(), key=order))
    paired.unconfirmed.sort()
    paired.violations = [harden(one, scope.strict) for one in paired.violations]
    paired.violations.sort(key=lambda one: (one.severity, one.resource, one.tag, one.value or ""))
    return paired


def order(item: tuple[str, Mapping[str, Any]]) -> tuple[int, int, str]:
    """The order of recovery, as a key for (host name, its variables)."""
    name, variables = item
    return variables["dr_wave"], PRIORITIES.index(variables["dr_priority"]), name


def _place(draft: _Draft, region: str) -> tuple[str, str, str, str]:
    return draft.technology, draft.account, region, draft.sides[region]["id"]


def _label(technology: str, account: str, node: Node) -> str:
    return f"{technology} {node[1]} ({account}, {node[0]})"


def _regional(
    found: Discovery,
    scope: Scope,
    known: Sequence[Mapping[str, Any]],
    named: Mapping[tuple[str, str], Sequence[Mapping[Node, str | None]]],
    paired: Paired,
) -> Iterator[_Draft]:
    groups: dict[tuple[str, str], dict[Node, Found]] = defaultdict(dict)
    for one in found.resources:
        if one.region != GLOBAL and _enabled(one, scope, paired):
            groups[one.technology, one.account][one.node] = one
    remembered: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for entry in known:
        remembered[entry["dr_technology"], entry["dr_account"]].append(entry)
    for (technology, account), nodes in sorted(groups.items()):
        mates = _Mates(scope)
        arns: dict[Node, str | None] = {node: one.arn for node, one in nodes.items()}
        related = found.peers.get((technology, account), ())
        _by_relation(related, scope, mates, arns)
        _by_tag(nodes, mates, paired)
        for entry in remembered[technology, account]:
            mates.join_all({(region, side["id"]): side.get("arn") for region, side in entry["dr_sides"].items()}, arns)
        for group in (*related, *named.get((technology, account), ())):
            mates.join_all(group, arns)
        for region, name in sorted(nodes):
            other = (scope.other(region), name)
            if other in nodes:
                mates.join((region, name), other)
        done: set[Node] = set()
        for node in sorted(nodes, key=lambda node: (scope.regions.index(node[0]), node[1])):
            if node in done:
                continue
            mate = mates.of.get(node)
            both = [node] if mate is None else [node, mate]
            done.update(both)
            tags: dict[str, str] = {}
            for side in sorted(both, key=lambda side: scope.regions.index(side[0]), reverse=True):
                if side in nodes:
                    _disagree(tags, nodes[side], paired)
                    tags |= nodes[side].tags
            sides = {region: {"id": name, "arn": arns.get((region, name))} for region, name in both}
            yield _Draft(technology, account, dict(sorted(sides.items())), tags, _label(technology, account, node))


def _enabled(one: Found, scope: Scope, paired: Paired) -> bool:
    """Whether it is in scope and its tag says so exactly; anything else was meant to protect, and is reported."""
    label = _label(one.technology, one.account, one.node)
    values, violations = parse(one.tags, label)
    if values["enabled"] and not scope.knows(values["customer"], values["environment"]):
        known = ", ".join(f"{customer}/{environment}" for customer, environment in sorted(scope.known or ()))
        given = f"{values['customer']}/{values['environment']}"
        rule, remedy = f"with Environment one of {known}", f"correct Customer or Environment of {label}, or add it to customers"
        paired.violations.append(Violation(label, "Customer", given, rule, remedy, check="scope"))
        return False
    if scope.excludes(values["customer"], values["environment"]):
        return False
    if values["enabled"] is None:
        paired.violations += [broken for broken in violations if broken.tag == "dr:enabled"]
    return bool(values["enabled"])


def _by_relation(related: Sequence[Mapping[Node, str | None]], scope: Scope, mates: _Mates, arns: dict[Node, str | None]) -> None:
    """What AWS relates to one other and to no third; where there are several, `dr:peer` is asked first."""
    others: dict[Node, set[Node]] = defaultdict(set)
    for group in related:
        inside = [node for node in group if node[0] in scope.regions]
        for node in inside:
            others[node].update(other for other in inside if other[0] != node[0])
    alone = {node for node, ends in others.items() if len(ends) == 1 and all(len(others[end]) == 1 for end in ends)}
    for group in related:
        mates.join_all({node: arn for node, arn in group.items() if node in alone}, arns)


class _Mates:
    """Who belongs to whom; the first word counts."""

    def __init__(self, scope: Scope) -> None:
        self.scope, self.of = scope, dict[Node, Node]()

    def join(self, one: Node, other: Node) -> bool:
        """Makes a pair of two nodes; False when one of them is already of another pair."""
        if one in self.of or other in self.of:
            return self.of.get(one) == other
        self.of[one], self.of[other] = other, one
        return True

    def join_all(self, group: Mapping[Node, str | None], arns: dict[Node, str | None]) -> None:
        """Joins the two nodes of a group that are in the scope's regions, where exactly two are."""
        inside = sorted(node for node in group if node[0] in self.scope.regions)
        if len(inside) == 2 and inside[0][0] != inside[1][0] and self.join(inside[0], inside[1]):
            for node in inside:
                arns[node] = arns.get(node) or group[node]


def _by_tag(nodes: Mapping[Node, Found], mates: _Mates, paired: Paired) -> None:
    for node, one in sorted(nodes.items()):
        said = parse(one.tags)[0]["peer"]
        if said is None:
            continue
        region, name = mates.scope.other(node[0]), said
        match = re.match(r"([a-z]{2}(?:-[a-z]+)+-\d):(.+)", said)
        if match:
            region, name = match[1], match[2]
        label = _label(one.technology, one.account, node)
        if region != mates.scope.other(node[0]):
            rule, remedy = f"a counterpart in {mates.scope.other(node[0])}", f"set the tag dr:peer of {label} to one"
            paired.violations.append(Violation(label, "dr:peer", said, rule, remedy, "warning", "peer"))
        elif not mates.join(node, (region, name)):
            mate = mates.of.get(node)
            if mate and one.technology in ASSIGNED and (region, name) not in nodes:
                continue  # its predecessor, which was removed
            rule = f"{mate[1]}, which AWS relates it to" if mate else "a counterpart that is not another's"
            remedy = f"set the tag dr:peer of {label} to {mate[1]}" if mate else "let the tags dr:peer of both name each other"
            paired.violations.append(Violation(label, "dr:peer", said, rule, remedy, "warning" if mate else "error", "peer"))


def _disagree(tags: Mapping[str, str], one: Found, paired: Paired) -> None:
    """The tags of both sides must say the same where they say something: the first region's are taken."""
    label = _label(one.technology, one.account, one.node)
    for tag in SCHEMA:
        if tag != "dr:peer" and tag in tags and tag in one.tags and tags[tag] != one.tags[tag]:
            rule = f"the same on both sides; {one.region}'s is taken, the other side says {tags[tag]}"
            paired.violations.append(
                Violation(label, tag, one.tags[tag], rule, f"set {tag} alike on both sides", "warning", "agreement")
            )


def _records(found: Discovery, scope: Scope, records: Sequence[Mapping[str, Any]], paired: Paired) -> Iterator[_Draft]:
    """Protected DNS records: those that tags of hosted zones name, and those of the inventory file, which win."""
    zones = {one.id: one for one in found.resources if one.technology == "route53" and _enabled(one, scope, paired)}
    drafts: dict[tuple[str, str], _Draft] = {}
    named: set[str] = set()
    for zone in zones.values():
        for tag, value in sorted(zone.tags.items()):
            if tag.startswith(RECORD_PREFIX):
                named.add(zone.id)
                values = {region: given.split("+") for region, given in _VALUE.findall(value)}
                label = f"route53 {tag.removeprefix(RECORD_PREFIX)} ({zone.account}, zone {zone.id})"
                if not set(scope.regions) <= set(values) or _VALUE.sub("", value).strip():
                    rule = " ".join(f"{region}=<value>" for region in scope.regions)
                    remedy = f"set the tag {tag} of the hosted zone {zone.id} to {rule}"
                    paired.violations.append(Violation(label, tag, value, rule, remedy, check="records"))
                    continue
                identifier = f"{zone.id}/{tag.removeprefix(RECORD_PREFIX)}"
                draft = _record(scope, zone.account, identifier, dict(zone.tags), label)
                draft.settings = {"values": {region: values[region] for region in scope.regions}}
                drafts[zone.account, identifier.lower()] = draft
    for entry in records:
        account, name, kind = str(entry["account"]), str(entry["name"]).rstrip("."), entry.get("type", "CNAME")
        label = f"route53 {name}/{kind} ({account}, records of the inventory file)"
        ids = _zone_ids(found, entry, paired, label)
        if ids is None:
            continue
        identifier = "/".join(filter(None, (ids, name, kind, entry.get("set_identifier"))))
        named.add(ids)
        tags = {**(zones[ids].tags if ids in zones else {}), **_entry_tags(entry)}
        draft = _record(scope, account, identifier, tags, label)
        values = {region: [given] if isinstance(given, str) else list(given) for region, given in entry.get("values", {}).items()}
        draft.settings = {**({"values": values} if values else {}), **entry.get("settings", {})}
        drafts[account, identifier.lower()] = draft
    for zone in zones.values():
        if zone.id not in named:
            label = _label("route53", zone.account, zone.node)
            remedy = f"name them: a tag {RECORD_PREFIX}<name>/<type> on the hosted zone, or records in the inventory file"
            paired.violations.append(
                Violation(label, f"{RECORD_PREFIX}*", None, "names the protected records", remedy, check="records")
            )
    yield from drafts.values()


def _record(scope: Scope, account: str, identifier: str, tags: dict[str, str], label: str) -> _Draft:
    arn = f"arn:aws:route53:::hostedzone/{identifier.partition('/')[0]}"
    sides = {region: {"id": identifier, "arn": arn} for region in sorted(scope.regions)}
    return _Draft("route53", account, sides, tags, label)


def _zone_ids(found: Discovery, entry: Mapping[str, Any], paired: Paired, label: str) -> str | None:
    zone, account = str(entry["zone"]), str(entry["account"])
    if re.fullmatch(r"Z[A-Z0-9]+", zone):
        return zone
    ids = found.zones.get((account, zone), ())
    if len(ids) == 1:
        return ids[0]
    if ids:
        rule, remedy = "one hosted zone", f"name the zone by its id in records: one of {', '.join(ids)}"
        paired.violations.append(Violation(label, "zone", zone, rule, remedy, check="records"))
    elif (account, zone) in found.zones:
        rule, remedy = "a hosted zone that exists", f"correct zone or account of {entry['name']} in records"
        paired.violations.append(Violation(label, "zone", zone, rule, remedy, check="records"))
    return None


def _entry_tags(entry: Mapping[str, Any]) -> dict[str, str]:
    """What an entry of the inventory file says, as the tags that it stands for."""
    fields = {"wave": "dr:wave", "priority": "dr:priority", "customer": "Customer", "environment": "Environment"}
    tags = {tag: str(entry[name]) for name, tag in fields.items() if entry.get(name) is not None}
    if entry.get("dependencies"):
        tags["dr:dependencies"] = ",".join(entry["dependencies"])
    for name in ("rto", "rpo"):
        if entry.get(f"{name}_seconds"):
            tags[f"dr:{name}-target"] = str(max(1, int(entry[f"{name}_seconds"]) // 60))
    if entry.get("health_check_url"):
        tags["dr:health-check-url"] = entry["health_check_url"]
    return {"dr:enabled": "true", **tags}


def _name(draft: _Draft, regions: Iterable[str]) -> str:
    """`<technology>-<account>-<name>`, by the side whose region is first in the alphabet: direction does not count."""
    region = min(region for region in draft.sides if region in regions)
    name = draft.sides[region]["id"]
    if draft.technology == "route53":
        name = name.partition("/")[2].replace("*", "any")
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", f"{draft.technology}-{draft.account}-{name}").strip("-")


def _make_unique(drafts: Sequence[_Draft]) -> None:
    groups: dict[str, list[_Draft]] = defaultdict(list)
    for draft in drafts:
        groups[draft.key].append(draft)
    for key, group in groups.items():
        if len(group) > 1:
            for draft in group:
                ids = ",".join(f"{region}={side['id']}" for region, side in draft.sides.items())
                draft.key = f"{key}-{hashlib.sha256(ids.encode()).hexdigest()[:6]}"


def _variables(draft: _Draft, scope: Scope, paired: Paired) -> dict[str, Any] | None:
    values, violations = parse(draft.tags, draft.label, scope.strict)
    if scope.excludes(values["customer"], values["environment"]):
        return None
    paired.violations += violations
    if any(broken.severity == "error" for broken in violations):
        return None
    return {
        "dr_technology": draft.technology,
        "dr_account": draft.account,
        "dr_sides": draft.sides,
        "dr_wave": values["wave"],
        "dr_priority": values["priority"],
        "dr_impact": values["impact"],
        "dr_dependencies": list(values["dependencies"]),
        "dr_rto_seconds": values["rto_seconds"],
        "dr_rpo_seconds": values["rpo_seconds"],
        "dr_customer": values["customer"],
        "dr_environment": values["environment"],
        "dr_recovery_strategy": values["recovery_strategy"],
        "dr_health_check_url": values["health_check_url"],
        "dr_tags": redact.tags(draft.tags, SCHEMA),
        "dr_captured": {},
        **({"dr_settings": draft.settings} if draft.settings else {}),
    }


def _add_known(
    hosts: dict[str, dict[str, Any]], found: Discovery, scope: Scope, known: Sequence[Mapping[str, Any]], paired: Paired
) -> None:
    """Where a region does not answer, its sides come from the snapshot."""
    refused = {one["account"] for one in found.errors}
    for entry in known:
        name, account = entry["key"], entry["dr_account"]
        if scope.excludes(entry["dr_customer"], entry["dr_environment"]):
            continue
        places = {GLOBAL} if entry["dr_technology"] == "route53" else set(entry["dr_sides"])
        stale = {region for region in places if (account, region) in found.stale}
        if name in hosts:
            for region in stale - {GLOBAL} - set(hosts[name]["dr_sides"]):
                hosts[name]["dr_sides"] = dict(sorted({**hosts[name]["dr_sides"], region: entry["dr_sides"][region]}.items()))
        elif stale and account not in refused:
            hosts[name] = {field: value for field, value in entry.items() if field != "key"}
        elif account not in refused and any(one["id"] == account for one in found.accounts):
            paired.missing.append(name)


def _depend(hosts: dict[str, dict[str, Any]], paired: Paired) -> None:
    """Names in `dr:dependencies` become host names. What cannot be one is a violation, and dropped."""
    found, problems = resolve(
        Dependent(
            key,
            (one["dr_customer"], one["dr_environment"]),
            one["dr_account"],
            one["dr_wave"],
            tuple(side["id"] for side in one["dr_sides"].values()),
            tuple(one["dr_dependencies"]),
        )
        for key, one in hosts.items()
    )
    for key, needed in found.items():
        hosts[key]["dr_dependencies"] = needed
    paired.violations += [
        Violation(one.key, "dr:dependencies", one.name, one.rule, one.remedy, "warning", "dependencies") for one in problems
    ]


def _keep_objectives(hosts: Mapping[str, Mapping[str, Any]], durations: Callable[[str], Mapping[str, int]], paired: Paired) -> None:
    """H.1: dr:rto-target must be at least the sum of the phases' durations. A standby that is there already takes no time."""
    for key, one in sorted(hosts.items()):
        if one["dr_rto_seconds"] is None:
            continue
        standing = sum(side["arn"] is not None for side in one["dr_sides"].values()) > 1
        expected = durations(one["dr_technology"])
        needed = {phase: expected.get(phase, 0) for phase in ("activate",) if expected}
        if not standing:
            needed = {"instantiate": expected.get("instantiate", 0), **needed}
        minutes = -(-sum(needed.values()) // 60)
        if one["dr_rto_seconds"] < minutes * 60:
            phases = " and ".join(f"{phase} {seconds} s" for phase, seconds in needed.items() if seconds)
            rule = f"at least {minutes} minutes: {phases} are expected"
            remedy = f"set the tag dr:rto-target of {key} to {minutes} or more"
            if needed.get("instantiate"):
                remedy += ", or prepare its standby ahead of time"
            given = str(one["dr_rto_seconds"] // 60)
            paired.violations.append(Violation(key, "dr:rto-target", given, rule, remedy, "warning", "recovery_time"))


def _keep_waves_unique(hosts: Mapping[str, Mapping[str, Any]], paired: Paired) -> None:
    """H.1: dr:wave must be unique within the same priority level."""
    first: dict[tuple[Any, ...], str] = {}
    for key, one in sorted(hosts.items()):
        wave, priority = one["dr_wave"], one["dr_priority"]
        other = first.setdefault((one["dr_customer"], one["dr_environment"], wave, priority), key)
        if other != key:
            rule = f"a wave without another resource of priority {priority}; {other} is in it"
            remedy = f"give {key} another dr:wave or another dr:priority"
            paired.violations.append(Violation(key, "dr:wave", str(wave), rule, remedy, "warning", "unique_waves"))


def _unpaired(name: str, variables: Mapping[str, Any], scope: Scope) -> Iterator[dict[str, str]]:
    """A host with one side. A source server has no other: AWS itself keeps it in the region that it recovers to."""
    technology, sides = variables["dr_technology"], variables["dr_sides"]
    if len(sides) > 1 or technology == "drs":
        return
    for here, side in sides.items():
        region = scope.other(here)
        taken = "" if technology in ASSIGNED else f" as {side['id']}"
        remedy = f"nothing if INSTANTIATE may make it{taken}; if it is there under another name: tag dr:peer={region}:<identifier>"
        yield {"host": name, "technology": technology, "account": variables["dr_account"], "region": region, "remedy": remedy}
