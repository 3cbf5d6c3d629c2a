# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One adapter on one resource, for the technology modules: the same engine that runs whole waves."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from enum import Enum
from typing import Any

from .adapters.base import Adapter, Cloud
from .engine import Clock, Engine
from .model import CLEANUP_POLICIES, MODES, PHASES, Goal, Pair, Unreachable
from .store import MemoryJournal

#: Options that every technology module has (documented in the fragment dr.aws.technology).
OPTIONS: dict[str, Any] = {
    "phase": {"type": "str", "required": True, "choices": [*PHASES, "rollback"]},
    "name": {"type": "str", "required": True},
    "target_name": {"type": "str"},
    "source_region": {"type": "str", "required": True},
    "target_region": {"type": "str", "required": True},
    "account": {"type": "str"},
    "role_arn": {"type": "str"},
    "external_id": {"type": "str"},
    "mode": {"type": "str", "default": "planned", "choices": list(MODES)},
    "cleanup_policy": {"type": "str", "default": "quarantine", "choices": list(CLEANUP_POLICIES)},
    "captured": {"type": "dict"},
    "rpo_seconds": {"type": "int", "default": 300},
    "poll_limit_seconds": {"type": "float"},
    "drill_id": {"type": "str"},
    "drill": {"type": "dict"},
}


def pair_of(params: Mapping[str, Any], adapter: Adapter, account: str) -> Pair:
    """The pair that a module's options name; options that are not common ones are the technology's settings."""
    given = {**params.get("settings", {}), "drill_id": params["drill_id"], "drill": params["drill"]}
    settings = {name: value for name, value in given.items() if value is not None}
    return Pair(
        key=params["name"],
        technology=adapter.technology,
        account=account,
        source_region=params["source_region"],
        target_region=params["target_region"],
        source_id=params["name"],
        target_id=params["target_name"] or params["name"],
        rpo_seconds=params["rpo_seconds"],
        settings=settings,
    )


def run(
    params: Mapping[str, Any], adapter: Adapter, cloud: Cloud, account: str, *, check_mode: bool = False, clock: Clock | None = None
) -> dict[str, Any]:
    """Runs `params["phase"]` and gives the module's answer.

    {changed, status, calls, outputs, why, remedy, duration_seconds, active_side, diff: {before, after}}.
    """
    pair = pair_of(params, adapter, account)
    goal = Goal(
        pair,
        mode=params["mode"],
        cleanup_policy=params["cleanup_policy"],
        execution_id=f"module-{pair.key}",
        captured=params["captured"] or {},
    )
    before = adapter.observe(cloud, [pair])[pair.key]
    engine = Engine(
        cloud,
        MemoryJournal(),
        check_mode=check_mode,
        clock=clock,
        poll_limit_seconds=params["poll_limit_seconds"],
        adapter=lambda technology: adapter,
    )
    result = engine.run(params["phase"], [goal])[pair.key]
    after = before if check_mode or not result.changed else adapter.observe(cloud, [pair])[pair.key]
    shown = {"next_call": result.calls[0]} if check_mode and result.calls else plain(after)
    return {
        "changed": result.changed or result.status == "would_change",
        "status": result.status,
        "calls": [dict(call) for call in result.calls],
        "outputs": dict(result.outputs),
        "why": result.why,
        "remedy": result.remedy,
        "duration_seconds": result.seconds,
        "active_side": adapter.active(after).value,
        "diff": {"before": _text(plain(before)), "after": _text(shown)},
    }


def plain(value: Any) -> Any:
    """An observation as JSON values: what a person compares in a diff."""
    match value:
        case Unreachable():
            return "the region does not answer"
        case Enum():
            return value.value
        case Mapping():
            return {str(key): plain(entry) for key, entry in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(entry) for entry in value]
        case str() | int() | float() | bool() | None:
            return value
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return str(value)


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, sort_keys=True, default=str) + "\n"
