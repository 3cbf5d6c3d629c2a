# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vocabulary of the collection: plain frozen values, no I/O, nothing imported from elsewhere in it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, TypeAlias

TECHNOLOGIES: Final = (
    "drs",
    "rds",
    "aurora",
    "ecs",
    "lambda",
    "route53",
    "elasticache",
    "opensearch",
    "autoscaling",
    "memorydb",
    "eventbridge",
    "efs",
    "fsx",
)
OPERATIONS: Final = ("failover", "failback", "test", "reprotect")
PHASES: Final = ("instantiate", "activate", "cleanup", "replicate")
#: What a drill has: its copies are removed, nothing replicates from them.
DRILL_PHASES: Final = ("instantiate", "activate", "cleanup")
#: What protects again where the other side serves already.
REPROTECT_PHASES: Final = ("cleanup", "replicate")
PRIORITIES: Final = ("critical", "high", "medium", "low")
CRITICAL: Final = "critical"
OPTIONAL: Final = "optional"
#: Whether the failure of a resource stops the run.
IMPACTS: Final = (CRITICAL, OPTIONAL)
#: SRS: replication lag is acceptable below five minutes.
DEFAULT_RPO_SECONDS: Final = 300
MODES: Final = ("planned", "unplanned")
CLEANUP_POLICIES: Final = ("quarantine", "remove")
#: What names of regions are made of.
REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")


class Unreachable:
    """A region that does not answer: never the same as a resource that is absent (`None`)."""

    def __repr__(self) -> str:
        return "UNREACHABLE"


UNREACHABLE: Final = Unreachable()


class Active(Enum):
    """Which side of a pair serves, as an adapter reads it from describe calls."""

    SOURCE = "source"
    TARGET = "target"
    NEITHER = "neither"
    BOTH = "both"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Done:
    """The desired state holds. `outputs`: JSON values for the report (ids, endpoints, lag_seconds, …)."""

    outputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """One API call that moves towards the desired state.

    service, operation: botocore's client name and snake_case method. region: where the call goes. params: its arguments.
    why: said to people ("promote the replica"). one_way: cannot be undone by `rollback`.
    debt: what must be fenced in the source region once it answers again (a fence debt), empty when nothing must.
    settle_seconds: how long describes may lag behind this call. hold_seconds: how long its effect may lag behind what describes
    show at once (a rule that still fires): the pair is not looked at sooner.
    """

    service: str
    operation: str
    region: str
    params: Mapping[str, Any]
    why: str
    one_way: bool = False
    debt: str = ""
    settle_seconds: int = 5
    hold_seconds: int = 0

    @property
    def digest(self) -> str:
        """The same call has the same digest in every run: intents are compared by it."""
        body = json.dumps([self.service, self.operation, self.region, self.params], sort_keys=True, default=str)
        return hashlib.sha256(body.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Wait:
    """Something is in progress; look again in `poll_seconds`, give up after `timeout_seconds` of the same phase."""

    why: str
    poll_seconds: int = 30
    timeout_seconds: int = 3600


@dataclass(frozen=True, slots=True)
class Blocked:
    """A guard refuses; a person must act. `remedy` is what to do next, a command where there is one.

    retry: where what is seen is an earlier attempt that failed, the call that tries again. The engine sends it once in a run,
    so that resuming is a new attempt, and a failure within the run ends it with its reason.
    """

    why: str
    remedy: str
    retry: Call | None = None


@dataclass(frozen=True, slots=True)
class Deferred:
    """A region does not answer; the engine records the work and a later run does it."""

    why: str


Step: TypeAlias = "Done | Call | Wait | Blocked | Deferred"


@dataclass(frozen=True, slots=True)
class Pair:
    """A resource's two sides, directed: `source` is the region being left, `target` the one being activated.

    key: the inventory host name, the same in both directions. source_id, target_id: the technology's own identifier in each
    region (a DB instance identifier, `cluster/service`, …); equal unless tags or the manifest say otherwise.
    source_arn: as discovered, or None. settings: the technology's own options, from the manifest or host variables.
    dependencies: keys of pairs that must be done before this one starts. impact: of IMPACTS; of an optional pair the failure does
    not stop the run.
    """

    key: str
    technology: str
    account: str
    source_region: str
    target_region: str
    source_id: str
    target_id: str
    source_arn: str | None = None
    customer: str = ""
    environment: str = ""
    wave: int = 1
    priority: str = "low"
    dependencies: tuple[str, ...] = ()
    rto_seconds: int | None = None
    rpo_seconds: int = DEFAULT_RPO_SECONDS
    health_check_url: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    impact: str = CRITICAL

    def reversed(self) -> Pair:
        """The same pair for the way back: source and target change places."""
        return Pair(
            key=self.key,
            technology=self.technology,
            account=self.account,
            source_region=self.target_region,
            target_region=self.source_region,
            source_id=self.target_id,
            target_id=self.source_id,
            customer=self.customer,
            environment=self.environment,
            wave=self.wave,
            priority=self.priority,
            dependencies=self.dependencies,
            rto_seconds=self.rto_seconds,
            rpo_seconds=self.rpo_seconds,
            health_check_url=self.health_check_url,
            settings=self.settings,
            tags=self.tags,
            impact=self.impact,
        )


@dataclass(frozen=True, slots=True)
class Goal:
    """What a decision is asked for: the pair, how, and what was captured about it while all was well.

    captured: the value an adapter's `capture` gave at the last readiness run, kept in the control region; empty when there is none.
    execution_id: for names and client tokens that must be the same when a call is repeated.
    """

    pair: Pair
    mode: str = "planned"
    cleanup_policy: str = "quarantine"
    execution_id: str = ""
    captured: Mapping[str, Any] = field(default_factory=dict)

    @property
    def planned(self) -> bool:
        """The source answers and nothing may be lost."""
        return self.mode == "planned"


@dataclass(frozen=True, slots=True)
class Check:
    """One health check: its name, whether it passed, and what was seen."""

    name: str
    passed: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """FR-3.3: HEALTHY when every check passed, DEGRADED when only checks that are not `required` failed, else UNHEALTHY."""

    checks: tuple[Check, ...]
    required: tuple[str, ...] = ()

    @property
    def status(self) -> str:
        """HEALTHY, DEGRADED or UNHEALTHY. No check at all is UNHEALTHY: nothing was proven."""
        failed = [check.name for check in self.checks if not check.passed]
        if not self.checks or any(name in self.required or not self.required for name in failed):
            return "UNHEALTHY"
        return "DEGRADED" if failed else "HEALTHY"
