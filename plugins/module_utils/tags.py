# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From tags to values, or to violations that say what to correct. Tags are data: nothing here raises, templates or guesses."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from .redact import mask
from .tag_schema import RECORD_PREFIX, SCHEMA, Rule

_WHOLE = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Violation:
    """A tag that breaks the schema.

    severity: "error" (no plan is made until it is corrected or accepted) or "warning". check: which kind of rule: required, values,
    spelling, scope, peer, agreement, records, dependencies, recovery_time or unique_waves.
    """

    resource: str
    tag: str
    value: str | None
    rule: str
    remedy: str
    severity: str = "error"
    check: str = "values"

    def to_json(self) -> dict[str, Any]:
        """JSON values, as in the host variable `dr_inventory.violations`."""
        return {**asdict(self), "value": mask(self.value)}


def harden(violation: Violation, strict: Collection[str]) -> Violation:
    """A warning that a strict rule makes an error."""
    asked = violation.check in strict or (violation.check == "required" and violation.tag in strict)
    return replace(violation, severity="error") if asked else violation


def parse(tags: Mapping[str, str], resource: str = "", strict: Collection[str] = ()) -> tuple[dict[str, Any], list[Violation]]:
    """The values of a resource's tags, and what is wrong with them. resource: how it is named in violations.

    strict: optional tags that are missed where they are absent (`STRICT_RULES`).

    values: {enabled: bool, wave: int, customer, environment, priority, impact, recovery_strategy, rto_seconds, rpo_seconds: int,
    health_check_url, dependencies: (str, …), peer}; None (dependencies: ()) where a tag is absent or unusable.
    """
    values: dict[str, Any] = {}
    violations: list[Violation] = []
    for tag, rule in SCHEMA.items():
        given = tags.get(tag)
        if given is None:
            values[rule.field] = _value(rule, rule.default)
            if rule.required or tag in strict:
                violations.append(_violation(resource, tag, None, rule))
        elif holds(rule, given):
            values[rule.field] = _value(rule, given)
        else:
            values[rule.field] = _value(rule, rule.fallback)
            violations.append(_violation(resource, tag, given, rule))
    violations.extend(_misspelt(tags, resource))
    return values, violations


def holds(rule: Rule, given: str) -> bool:
    """Whether a value keeps its rule. Exact: no trimming, no change of case."""
    if rule.values:
        return given in rule.values
    if rule.minimum is not None:
        return bool(_WHOLE.fullmatch(given)) and rule.minimum <= int(given) <= (rule.maximum or int(given))
    return rule.pattern is None or bool(rule.pattern.fullmatch(given))


def _value(rule: Rule, given: str | None) -> Any:
    if rule.field == "dependencies":
        return tuple(dict.fromkeys(name for name in (given or "").split(",") if name))
    if given is None:
        return None
    if rule.field == "enabled":
        return given == "true"
    return int(given) * rule.seconds if rule.integer else given


def _violation(resource: str, tag: str, given: str | None, rule: Rule) -> Violation:
    severity = "error" if rule.required else "warning"
    remedy = f"set the tag {tag} of {resource or 'the resource'} to {rule.said}"
    said = f"required: {rule.said}" if given is None else rule.said
    if given is not None and rule.fallback is not None:
        said += f"; taken as {rule.fallback}"
    return Violation(resource, tag, given, said, remedy, severity, "required" if given is None else "values")


def _misspelt(tags: Mapping[str, str], resource: str) -> list[Violation]:
    """Tags that look like ours and are not: a typing error must not silently unprotect anything.

    Others that begin with `dr:` are somebody's bookkeeping, this collection's own among them.
    """
    known = {tag.lower(): tag for tag in SCHEMA}
    found = []
    for tag, value in sorted(tags.items()):
        if tag in SCHEMA or tag.startswith(RECORD_PREFIX):
            continue
        near = [tag.lower()] if tag.lower() in known else []
        if not near and tag.lower().startswith("dr:"):
            near = difflib.get_close_matches(tag.lower(), known, n=1, cutoff=0.85)
        if near and known[near[0]] not in tags:
            remedy = f"rename the tag {tag} of {resource or 'the resource'} to {known[near[0]]}"
            found.append(Violation(resource, tag, value, f"spelt {known[near[0]]}", remedy, "warning", "spelling"))
    return found
