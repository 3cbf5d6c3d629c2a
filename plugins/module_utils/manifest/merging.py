# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a manifest says over what tags say. Pure: inventory hosts in, inventory hosts out, with what does not agree.

Wave and settings: the manifest's, which is written for the whole estate, reviewed and versioned. Dependencies: those of both. The
other side and the objectives: AWS's and the tags', which are the resource's own; the manifest's where they say nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..dependencies import Node, resolve
from ..discovery import Discovery
from ..pairing import order
from ..redact import mask
from ..relations import Group
from ..tags import Violation
from .validation import ACTIONS, counterpart, resources, settings
from .violations import Path, at, shown

#: Names of hosts that are shown in one warning.
NAMED = 5


@dataclass(slots=True)
class Merged:
    """hosts: all of the inventory, in the order of recovery. warnings: what does not agree. unlisted: hosts of the manifest's
    customer and environment that it does not have: their tags alone count."""

    hosts: dict[str, dict[str, Any]]
    warnings: list[Violation] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)


def peers(
    found: Discovery, manifests: Iterable[Mapping[str, Any]], regions: tuple[str, str]
) -> dict[tuple[str, str], Sequence[Group]]:
    """The pairs that manifests name, as `Discovery.peers` holds those that AWS relates.

    regions: those of the inventory file; a `source…` of a manifest is in the first, a `target…` in the second. What is in several
    accounts is no pair unless the manifest says in which.
    """
    pairs: dict[tuple[str, str], list[Group]] = defaultdict(list)
    places: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for one in found.resources:
        places[one.technology, one.region, one.id].add(one.account)
    for manifest in manifests:
        for _path, _layer, resource in resources(manifest):
            technology, ends = ACTIONS[resource["action"]].technology, counterpart(resource)
            nodes = [(region, ident or resource["resourceId"]) for region, ident in zip(regions, ends, strict=True)]
            # an id that stands for a side must be one that was found there: it may as well be a host name
            sure = all(ident or (technology, *node) in places for node, ident in zip(nodes, ends, strict=True))
            accounts = {account for node in nodes for account in places.get((technology, *node), ())}
            chosen = accounts & {resource["config"].get("account", account) for account in accounts}
            if any(ends) and sure and len(chosen) == 1:
                pairs[technology, chosen.pop()].append(dict.fromkeys(nodes))
    return dict(pairs)


def merge(hosts: Mapping[str, Mapping[str, Any]], manifest: Mapping[str, Any], regions: tuple[str, str]) -> Merged:
    """The hosts with what a valid manifest says of them. hosts: name -> variables, of any customer. regions: as in `peers`."""
    return _Merge(hosts, manifest, regions).merged()


class _Merge:
    def __init__(self, hosts: Mapping[str, Mapping[str, Any]], manifest: Mapping[str, Any], regions: tuple[str, str]) -> None:
        self.manifest, self.regions = manifest, regions
        self.hosts = {key: dict(variables) for key, variables in hosts.items()}
        self.scope = (manifest["customer"], manifest["environment"])
        self.mine = [key for key, one in self.hosts.items() if (one["dr_customer"], one["dr_environment"]) == self.scope]
        self.index: dict[str, list[str]] = defaultdict(list)
        for key in self.mine:
            sides = self.hosts[key]["dr_sides"].values()
            ids = {side["id"] for side in sides}
            names = {key, *ids, *(side["arn"] for side in sides if side["arn"]), *(re.split(r"[/:]", one)[-1] for one in ids)}
            if self.hosts[key]["dr_technology"] == "route53":
                names |= {one.split("/")[1] for one in ids}  # zone/name/type
            for name in names:
                self.index[name].append(key)
        self.warnings: list[Violation] = []

    def merged(self) -> Merged:
        taken: dict[str, Path] = {}
        needs: dict[str, Sequence[str]] = {}
        aliases: dict[str, str] = {}
        for path, layer, resource in resources(self.manifest):
            key = self._host(path, resource, taken)
            if key is None:
                continue
            taken[key] = path
            aliases[resource["resourceId"]] = key
            needs[key] = resource.get("dependencies", ())
            self._wave(path, key, layer)
            self._settings(path, key, resource)
            self._sides(path, key, resource)
        self._dependencies({key: [aliases.get(name, name) for name in names] for key, names in needs.items()}, taken)
        self._objectives()
        unlisted = [key for key in self.mine if key not in taken]
        if unlisted:
            named = ", ".join(unlisted[:NAMED]) + (f" and {len(unlisted) - NAMED} more" if len(unlisted) > NAMED else "")
            self._warn(
                self.manifest["manifestId"], "layers", named, "every protected resource; what their tags say is taken", "add them"
            )
        return Merged(dict(sorted(self.hosts.items(), key=order)), self.warnings, unlisted)

    def _warn(self, resource: str, where: str, value: Any, rule: str, remedy: str) -> None:
        text = mask(value, where) if isinstance(value, str) else shown(where, value)
        said = f"{remedy} (manifest {self.manifest['manifestId']})"
        self.warnings.append(Violation(resource, where, text, rule, said, "warning", "manifest"))

    def _host(self, path: Path, resource: Mapping[str, Any], taken: Mapping[str, Path]) -> str | None:
        """The host that an entry means: by its id, else by its sides'; of its technology, and its account if it says one."""
        technology, where = ACTIONS[resource["action"]].technology, at((*path, "resourceId"))
        name = resource["resourceId"]
        known = next((found for one in (name, *counterpart(resource)) if one and (found := self.index.get(one))), [])
        right = [key for key in known if self.hosts[key]["dr_technology"] == technology]
        account = resource["config"].get("account")
        near = [key for key in right if self.hosts[key]["dr_account"] == account] if account else right
        if name in near:
            near = [name]
        if len(near) == 1 and near[0] not in taken:
            return near[0]
        if near and near[0] in taken:
            self._warn(
                name, where, name, f"a resource once; {near[0]} is {at(taken[near[0]])} as well, which is taken", "remove one"
            )
        elif near:
            self._warn(name, where, name, f"one resource; it may be {', '.join(near)}", "give the host name, or config.account")
        elif right:
            accounts = ", ".join(self.hosts[key]["dr_account"] for key in right)
            self._warn(name, at((*path, "config", "account")), account, f"the account that has it: {accounts}", "correct it")
        elif known:
            kinds = ", ".join(sorted({self.hosts[key]["dr_technology"] for key in known}))
            actions = ", ".join(one for one, action in ACTIONS.items() if action.technology in kinds.split(", "))
            self._warn(
                name, at((*path, "action")), resource["action"], f"{actions}: it is tagged, and is {kinds}", "correct the action"
            )
        else:
            self._warn(name, where, name, "a resource that is found by its tags", "tag it dr:enabled=true, or correct or remove it")
        return None

    def _wave(self, path: Path, key: str, layer: Mapping[str, Any]) -> None:
        one, wave = self.hosts[key], layer["priority"]
        if one["dr_wave"] != wave:
            rule = f"the wave that its tag dr:wave says, {one['dr_wave']}; the manifest's is taken"
            self._warn(key, at((*path[:2], "priority")), wave, rule, "let both say the same")
            one["dr_wave"] = wave

    def _settings(self, path: Path, key: str, resource: Mapping[str, Any]) -> None:
        one, given = self.hosts[key], settings(resource)
        before = one.get("dr_settings", {})
        for name, value in given.items():
            if name in before and before[name] != value:
                rule = f"what tags or the inventory file say, {shown(name, before[name])}; the manifest's is taken"
                self._warn(key, at((*path, "config", name)), value, rule, "let both say the same")
        if given:
            one["dr_settings"] = {**before, **given}

    def _sides(self, path: Path, key: str, resource: Mapping[str, Any]) -> None:
        one = self.hosts[key]
        for region, side, ident in zip(self.regions, ("source", "target"), counterpart(resource), strict=True):
            known = one["dr_sides"].get(region)
            if ident and known is None:
                one["dr_sides"] = dict(sorted({**one["dr_sides"], region: {"id": ident, "arn": None}}.items()))
            elif ident and known and ident not in (known["id"], known["arn"]):
                rule = f"the side in {region} that AWS, dr:peer or the snapshot gives, {known['id']}, which is taken"
                self._warn(key, at((*path, "config", side)), ident, rule, f"correct it, or set the tag dr:peer of {key}")

    def _dependencies(self, needs: Mapping[str, Sequence[str]], taken: Mapping[str, Path]) -> None:
        """Both hands' together, with the waves as they are now: what a wave could not wait for is left out."""
        nodes = []
        for key in self.mine:
            one = self.hosts[key]
            wanted = tuple(dict.fromkeys([*one["dr_dependencies"], *needs.get(key, ())]))
            ids = tuple(side["id"] for side in one["dr_sides"].values())
            nodes.append(Node(key, self.scope, one["dr_account"], one["dr_wave"], ids, wanted))
        found, problems = resolve(nodes)
        for key, names in found.items():
            self.hosts[key]["dr_dependencies"] = names
        for problem in problems:
            where = at((*taken.get(problem.key, ()), "dependencies"))
            rule = f"{problem.rule}; it is left out"
            self._warn(problem.key, where, problem.name, rule, f"correct {problem.name} there or in the tag dr:dependencies")

    def _objectives(self) -> None:
        """The manifest's are the whole estate's: a resource whose tags say less time keeps its own."""
        for field_name, variable in (("rto", "dr_rto_seconds"), ("rpo", "dr_rpo_seconds")):
            minutes = self.manifest.get("slaTargets", {}).get(field_name)
            for key in self.mine if minutes is not None else ():
                one = self.hosts[key]
                if one[variable] is None:
                    one[variable] = int(minutes) * 60
                elif one[variable] > minutes * 60:
                    rule = f"at least the {one[variable] // 60} minutes of its tag dr:{field_name}-target, which are taken"
                    self._warn(key, f"slaTargets.{field_name}", minutes, rule, "let both say the same")
