# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people ask an execution for, validated against what the inventory holds. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from .dynamo import utc
from .errands.asked import VARIABLES, Limits, validated
from .errors import InputError
from .model import CLEANUP_POLICIES, DRILL_PHASES, MODES, OPERATIONS, PHASES, REGION, REPROTECT_PHASES
from .schema import known
from .tag_schema import ENVIRONMENTS

#: Operation -> the phases that it has, where it has not all of them.
OPERATION_PHASES: Final = {"test": DRILL_PHASES, "reprotect": REPROTECT_PHASES}
APPROVAL_MODES: Final = ("required", "automatic")
DEFAULT_PARALLELISM: Final = 10
MAX_PARALLELISM: Final = 200
MAX_WAVE: Final = 10
MAX_APPROVALS: Final = 10
ON_WAVE_FAILURE: Final = ("stop", "rollback")
ROLLBACK_SCOPES: Final = ("wave", "all")
#: A week: what was fenced must not be kept for ever.
MAX_UNDO_MINUTES: Final = 10080
#: What has sides that can be changed back -> the value that says nothing.
_MOVING: Final = {"on_wave_failure": "stop", "rollback_scope": "wave", "undo_window_minutes": 0}
#: A readiness snapshot that is older is not relied on, unless told otherwise.
SNAPSHOT_MAX_AGE_HOURS: Final = 24

_CUSTOMER: Final = re.compile(r"[A-Za-z0-9-]+")
_EXECUTION: Final = re.compile(r"dr-\d{8}T\d{6}Z-[0-9a-f]{6}")
_PLAN: Final = re.compile(r"plan-\d{8}T\d{6}Z-[0-9a-f]{6}")
_WAVES: Final = re.compile(r"(\d+)(?:-(\d+))?")
#: Parameters that are lists in JSON.
_LISTS: Final = ("waves", "phases", *VARIABLES)


@dataclass(frozen=True, slots=True)
class Parameters:
    """What is asked for, validated. waves: () means all. primary_region and dr_region keep their names on the way back too.

    approvals_needed: by how many people at each gate. approver_must_differ: none of them is who started or resumed it.
    on_wave_failure: what is done when ACTIVATE of a wave, or its health, fails; rollback_scope: which waves are rolled back then.
    undo_window_minutes: how long what was activated waits to be committed, 0 for not at all.
    hooks, business_checks: what is carried out around phases and waves, and before DNS moves (`errands`).
    """

    customer: str
    environment: str
    primary_region: str
    dr_region: str
    operation: str = "failover"
    mode: str = "planned"
    approval_mode: str = "required"
    approvals_needed: int = 1
    approver_must_differ: bool = False
    waves: tuple[int, ...] = ()
    phases: tuple[str, ...] = PHASES
    parallelism: int = DEFAULT_PARALLELISM
    cleanup_policy: str = "quarantine"
    accept_partial_inventory: bool = False
    accept_shortfalls: bool = False
    accept_snapshot: bool = False
    snapshot_max_age_hours: int = SNAPSHOT_MAX_AGE_HOURS
    execution_id: str = ""
    hooks: tuple[Mapping[str, Any], ...] = ()
    business_checks: tuple[Mapping[str, Any], ...] = ()
    on_wave_failure: str = "stop"
    rollback_scope: str = "wave"
    undo_window_minutes: int = 0

    @property
    def drill(self) -> bool:
        """Whether isolated copies are recovered, and removed again."""
        return self.operation == "test"

    @property
    def reprotects(self) -> bool:
        """Whether nothing changes sides: each resource is protected again where it serves, whichever region that is."""
        return self.operation == "reprotect"

    @property
    def source_region(self) -> str:
        """The region being left."""
        return self.dr_region if self.operation == "failback" else self.primary_region

    @property
    def target_region(self) -> str:
        """The region being activated."""
        return self.primary_region if self.operation == "failback" else self.dr_region

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return {**asdict(self), **{name: list(getattr(self, name)) for name in _LISTS}}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Parameters:
        """The inverse of `to_json`."""
        return cls(**{**known(cls, value), **{name: tuple(value[name]) for name in _LISTS if name in value}})


@dataclass(frozen=True, slots=True)
class Facts:
    """What the inventory says about itself.

    complete: all accounts were looked at, and what did not answer is known from a readiness snapshot. regions: those it looks
    at. scopes: (customer, environment) that have resources. errors: what could not be looked at, [{account, region, code,
    message, remedy}]. stale: (account, region) that did not answer. violations: broken tags, as `tags.Violation.to_json`.
    snapshots: `customer/environment` -> sha256 of the readiness snapshot that the inventory read. unverified: the same -> what is
    wrong with one that the inventory took nevertheless, because nothing else tells what a silent region holds. accounts: that can
    be reached.
    """

    regions: tuple[str, ...]
    scopes: frozenset[tuple[str, str]]
    errors: tuple[Mapping[str, Any], ...] = ()
    stale: frozenset[tuple[str, str]] = frozenset()
    violations: tuple[Mapping[str, Any], ...] = ()
    complete: bool = True
    snapshots: Mapping[str, str] = field(default_factory=dict)
    unverified: Mapping[str, str] = field(default_factory=dict)
    accounts: tuple[str, ...] = ()

    @classmethod
    def of(cls, inventory: Mapping[str, Any], scopes: Iterable[tuple[str, str]]) -> Facts:
        """From the inventory's `dr_inventory` variable with what it can reach: {regions, accounts, complete, errors, stale, …}."""
        return cls(
            tuple(inventory.get("regions") or ()),
            frozenset(scopes),
            tuple(inventory.get("errors") or ()),
            frozenset((one["account"], one["region"]) for one in inventory.get("stale") or ()),
            tuple(inventory.get("violations") or ()),
            bool(inventory.get("complete", True)),
            {f"{one['customer']}/{one['environment']}": one["sha256"] for one in inventory.get("snapshots") or ()},
            dict(inventory.get("unverified") or {}),
            tuple(inventory.get("accounts") or ()),
        )


def validate_parameters(raw: Mapping[str, Any], facts: Facts) -> Parameters:
    """Parameters out of what people or programs gave (text, numbers, lists). InputError names the first that cannot be used."""
    if not facts.scopes:
        remedy = "ansible-inventory -i <file>.dr_aws.yml --graph, and look for errors and tags"
        raise InputError("inventory", "", "an inventory with at least one protected resource", remedy)
    customer = _scope(raw, "customer", {one for one, _environment in facts.scopes})
    if not _CUSTOMER.fullmatch(customer):
        raise InputError("customer", customer, "letters, digits and -", f"-e customer={min(facts.scopes)[0]}")
    known = {environment for one, environment in facts.scopes if one == customer}
    environment = _scope(raw, "environment", known)
    if environment not in ENVIRONMENTS:
        raise InputError("environment", environment, ", ".join(ENVIRONMENTS), f"-e environment={min(known)}")
    primary = _region(raw, "primary_region", facts)
    dr = _region(raw, "dr_region", facts)
    if primary == dr:
        others = [region for region in facts.regions if region != primary]
        raise InputError(
            "dr_region", dr, "a region other than primary_region", f"-e dr_region={others[0] if others else '<another region>'}"
        )
    operation = _choice(raw, "operation", OPERATIONS, "failover")
    phases = _phases(raw.get("phases"), OPERATION_PHASES.get(operation, PHASES))
    if operation == "test" and "cleanup" not in phases:
        allowed = "phases with cleanup among them: a drill removes what it makes"
        raise InputError("phases", raw["phases"], allowed, f"-e phases={','.join((*phases, 'cleanup'))}, or leave it out for all")
    leaving = {"failback": dr, "reprotect": ""}.get(operation, primary)
    _only_moving(raw, operation)
    errands = {name: validated(name, raw.get(name), Limits(leaving, facts.accounts)) for name in VARIABLES}
    return Parameters(
        customer=customer,
        environment=environment,
        primary_region=primary,
        dr_region=dr,
        operation=operation,
        mode=_choice(raw, "mode", MODES, "unplanned" if operation == "reprotect" else "planned"),
        approval_mode=_choice(raw, "approval_mode", APPROVAL_MODES, "required"),
        approvals_needed=_number(raw, "approvals_needed", 1, MAX_APPROVALS, 1),
        approver_must_differ=_flag(raw, "approver_must_differ"),
        waves=parse_waves(raw.get("waves")),
        phases=phases,
        parallelism=_number(raw, "parallelism", 1, MAX_PARALLELISM, DEFAULT_PARALLELISM),
        cleanup_policy=_choice(raw, "cleanup_policy", CLEANUP_POLICIES, "quarantine"),
        accept_partial_inventory=_flag(raw, "accept_partial_inventory"),
        accept_shortfalls=_flag(raw, "accept_shortfalls"),
        accept_snapshot=_flag(raw, "accept_snapshot"),
        snapshot_max_age_hours=_number(raw, "snapshot_max_age_hours", 1, 8784, SNAPSHOT_MAX_AGE_HOURS),
        execution_id=execution_id(raw.get("execution_id")),
        on_wave_failure=_choice(raw, "on_wave_failure", ON_WAVE_FAILURE, "stop"),
        rollback_scope=_choice(raw, "rollback_scope", ROLLBACK_SCOPES, "wave"),
        undo_window_minutes=_number(raw, "undo_window_minutes", 0, MAX_UNDO_MINUTES, 0),
        **errands,
    )


def execution_id(value: Any) -> str:
    """A given execution id, checked; empty when none is given."""
    if _missing(value):
        return ""
    name = str(value).rpartition("/")[2]
    if not _EXECUTION.fullmatch(name):
        remedy = "ansible-playbook dr.aws.status -e customer=… -e environment=… lists them"
        raise InputError("execution_id", value, "an id like dr-20261128T163000Z-7f3a9c", remedy)
    return name


def plan_id(value: Any) -> str:
    """The id of a stored plan, checked; empty when none is given."""
    if _missing(value):
        return ""
    if not _PLAN.fullmatch(str(value)):
        allowed = "an id like plan-20261128T163000Z-7f3a9c"
        raise InputError("plan_id", value, allowed, "the playbook dr.aws.plan makes one and says its id")
    return str(value)


def timeout(raw: Mapping[str, Any], name: str, lowest: int, default: int) -> int:
    """How many seconds something is waited for, at most a day."""
    return _number(raw, name, lowest, 86400, default)


def given(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What of the parameters was given at all."""
    return {name: value for name, value in raw.items() if not _missing(value)}


def detected_at(value: Any, now: float) -> str:
    """When the disaster was detected, checked, as UTC; empty when it is not given. now: epoch seconds."""
    if _missing(value):
        return ""
    try:
        moment = datetime.fromisoformat(str(value))
        seconds = moment.timestamp() if moment.tzinfo else now + 1
    except (ValueError, OverflowError):
        seconds = now + 1
    if not 0 <= seconds <= now:
        allowed = "a time in the past with its offset, such as 2026-11-28T16:00:00Z"
        raise InputError("detected_at", value, allowed, f"-e detected_at={utc(now)}, or leave it out")
    return utc(seconds)


def parse_waves(value: Any) -> tuple[int, ...]:
    """`1,3-4`, 2 or [1, 3] as sorted wave numbers; () when none are given."""
    if _missing(value):
        return ()
    parts = list(value) if isinstance(value, (list, tuple)) else str(value).split(",")
    found: set[int] = set()
    for part in parts:
        matched = _WAVES.fullmatch(str(part).strip())
        first, last = (int(matched[1]), int(matched[2] or matched[1])) if matched and not isinstance(part, bool) else (0, 0)
        if not 1 <= first <= last <= MAX_WAVE:
            raise InputError(
                "waves", value, f"wave numbers from 1 to {MAX_WAVE} such as 1,3-4", "-e waves=1,3-4, or leave it out for all"
            )
        found.update(range(first, last + 1))
    return tuple(sorted(found))


def _only_moving(raw: Mapping[str, Any], operation: str) -> None:
    """InputError when something is to be taken back of what moves nothing."""
    for name, usual in _MOVING.items() if operation not in ("failover", "failback") else ():
        if not _missing(raw.get(name)) and str(raw[name]) != str(usual):
            raise InputError(
                name, raw[name], f"{usual}, or an operation that moves something", "-e operation=failover, or leave it out"
            )


def _missing(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, (list, tuple)) and not value)


def _scope(raw: Mapping[str, Any], name: str, known: Collection[str]) -> str:
    value = raw.get(name)
    allowed = "one that has protected resources: " + ", ".join(sorted(known))
    if _missing(value):
        raise InputError(name, value, allowed, f"-e {name}={min(known)}")
    if str(value) not in known:
        raise InputError(name, value, allowed, f"-e {name}={min(known)}, or tag its resources")
    return str(value)


def _region(raw: Mapping[str, Any], name: str, facts: Facts) -> str:
    value = raw.get(name)
    allowed = "a region of the inventory: " + ", ".join(facts.regions)
    remedy = f"-e {name}={facts.regions[0] if facts.regions else '<region>'}"
    if _missing(value) or not REGION.fullmatch(str(value)):
        raise InputError(name, value, allowed, remedy)
    if str(value) not in facts.regions:
        raise InputError(name, value, allowed, f"{remedy}, or add {value} to regions in the inventory file")
    return str(value)


def _choice(raw: Mapping[str, Any], name: str, allowed: Sequence[str], default: str) -> str:
    value = raw.get(name)
    if _missing(value):
        return default
    if value not in allowed:
        raise InputError(name, value, ", ".join(allowed), f"-e {name}={default}")
    return str(value)


def _phases(value: Any, allowed: Sequence[str]) -> tuple[str, ...]:
    if _missing(value):
        return tuple(allowed)
    wanted = [str(part).strip().lower() for part in (value if isinstance(value, (list, tuple)) else str(value).split(","))]
    if not set(wanted) <= set(allowed):
        raise InputError("phases", value, ", ".join(allowed), "-e phases=instantiate,activate, or leave it out for all")
    return tuple(phase for phase in allowed if phase in wanted)


def _number(raw: Mapping[str, Any], name: str, lowest: int, highest: int, default: int) -> int:
    value = raw.get(name)
    if _missing(value):
        return default
    text = "" if isinstance(value, bool) else str(value).strip()
    if not re.fullmatch(r"\d{1,6}", text) or not lowest <= int(text) <= highest:
        raise InputError(name, value, f"a whole number from {lowest} to {highest}", f"-e {name}={default}")
    return int(text)


def _flag(raw: Mapping[str, Any], name: str) -> bool:
    value = raw.get(name)
    if _missing(value):
        return False
    text = str(value).lower()
    if text not in ("true", "false", "yes", "no"):
        raise InputError(name, value, "true or false", f"-e {name}=false")
    return text in ("true", "yes")
