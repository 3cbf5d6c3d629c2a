# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tag schema as data: Appendix H.1 of the requirements, with its ambiguities settled, and three tags of our own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .model import CRITICAL, IMPACTS, PRIORITIES

ENVIRONMENTS: Final = ("production", "staging", "development")
#: Names a protected record set on a hosted zone's tags: `dr:record:<name>/<type>[/<set identifier>]`.
RECORD_PREFIX: Final = "dr:record:"
#: What may be made an error that forbids a plan, and is none by default. Rules are what `Violation.check` says; a tag is required.
#: "unique_waves" (H.1: a wave is unique within a priority) contradicts recovery in parallel (FR-3.2): only where it is wanted.
STRICT_RULES: Final = (
    "values",
    "spelling",
    "agreement",
    "dependencies",
    "recovery_time",
    "unique_waves",
    "dr:priority",
    "dr:recovery-strategy",
    "dr:rto-target",
    "dr:rpo-target",
)


@dataclass(frozen=True, slots=True)
class Rule:
    """What the value of one tag must be.

    field: the name of its value. pattern: a whole-value regular expression. minimum, maximum: of an integer. seconds: how
    many a unit of the value is. fallback: taken instead of a value that breaks the rule, which is then only a warning.
    """

    field: str
    required: bool = False
    values: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None
    minimum: int | None = None
    maximum: int | None = None
    seconds: int = 1
    default: str | None = None
    fallback: str | None = None

    @property
    def integer(self) -> bool:
        """Whether the value is a whole number."""
        return self.minimum is not None

    @property
    def said(self) -> str:
        """The rule for people."""
        if self.values:
            return "one of " + ", ".join(self.values)
        if self.maximum is not None:
            return f"a whole number from {self.minimum} to {self.maximum}"
        if self.integer:
            return f"a whole number of minutes, at least {self.minimum}"
        return f"text that matches {self.pattern.pattern}" if self.pattern else "text"


SCHEMA: Final = {
    "dr:enabled": Rule("enabled", required=True, values=("true", "false")),
    "dr:wave": Rule("wave", required=True, minimum=1, maximum=10),
    "Customer": Rule("customer", required=True, pattern=re.compile(r"[A-Za-z0-9-]+")),
    "Environment": Rule("environment", required=True, values=ENVIRONMENTS),
    # FR-1.3 over H.1: without the tag "low", with an invalid value "medium" and a warning.
    "dr:priority": Rule("priority", values=PRIORITIES, default="low", fallback="medium"),
    # Ours: of an optional resource the failure does not stop the wave.
    "dr:impact": Rule("impact", values=IMPACTS, default=CRITICAL, fallback=CRITICAL),
    "dr:recovery-strategy": Rule("recovery_strategy", values=("drs", "eks-dns", "sql-ag", "managed-service", "oracle-dg")),
    "dr:rto-target": Rule("rto_seconds", minimum=1, seconds=60),
    "dr:rpo-target": Rule("rpo_seconds", minimum=1, seconds=60),
    "dr:health-check-url": Rule("health_check_url", pattern=re.compile(r"https?://.+")),
    "dr:dependencies": Rule("dependencies", pattern=re.compile(r"[A-Za-z0-9,-]+")),
    # Ours: the counterpart in the other region, where it has another identifier.
    "dr:peer": Rule("peer", pattern=re.compile(r"([a-z]{2}(-[a-z]+)+-\d:)?\S+")),
}


def handed_on(tags: Mapping[str, str], peer: str) -> dict[str, str]:
    """What the counterpart must carry before a protected resource is removed, so that it is found in its place by its tags.

    peer: the value of its `dr:peer`. {} for a resource that is not protected by its own tags.
    """
    if tags.get("dr:enabled") != "true":
        return {}
    return {**{tag: tags[tag] for tag in SCHEMA if tag in tags}, "dr:peer": peer}
