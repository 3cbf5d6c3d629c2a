# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be given differently when an execution is resumed: planned becomes unplanned, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.errors import DrError, InputError
from ansible_collections.dr.aws.plugins.module_utils.model import Active, Pair
from ansible_collections.dr.aws.plugins.module_utils.parameters import Facts, Parameters
from ansible_collections.dr.aws.plugins.module_utils.plan import Plan, build
from ansible_collections.dr.aws.plugins.module_utils.switching import deferred, resumed

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "111111111111"
FACTS = Facts((EAST, WEST), frozenset({("acme", "production")}))
DARK = replace(FACTS, stale=frozenset({(ACCOUNT, EAST)}))
NAME = "dr-20261128T163000Z-7f3a9c"


def made(**changes: Any) -> Plan:
    pairs = [Pair(key, "ecs", ACCOUNT, EAST, WEST, key, key) for key in ("api", "web")]
    sides = {"api": Active.TARGET, "web": Active.SOURCE}
    return build(pairs, sides, replace(Parameters("acme", "production", EAST, WEST), **changes), FACTS, {})


def resume(plan: Plan, facts: Facts = DARK, **asked: Any) -> Plan:
    record = {"execution_id": NAME, "operation": plan.parameters.operation, "plan_id": ""}
    return resumed(record, plan, {"mode": None, "waves": "", "execution_id": NAME, **asked}, facts)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"customer": "acme", "environment": "production", "primary_region": EAST, "dr_region": WEST, "mode": "planned"},
        {"parallelism": "10", "phases": "instantiate,activate,cleanup,replicate", "approver_must_differ": "false"},
        {"detected_at": "2026-11-28T16:00:00Z"},
    ],
)
def test_the_same_values_change_nothing(asked: dict[str, Any]) -> None:
    plan = made()
    assert resume(plan, **asked) is plan


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"waves": "2"}, "waves=2 (it has all)"),
        ({"parallelism": 3}, "parallelism=3 (it has 10)"),
        ({"primary_region": WEST, "dr_region": EAST}, f"primary_region={WEST} (it has {EAST}), dr_region={EAST} (it has {WEST})"),
        ({"cleanup_policy": "remove", "mode": "unplanned"}, "cleanup_policy=remove (it has quarantine)"),
        ({"approval_mode": "automatic"}, "approval_mode=automatic (it has required)"),
        ({"plan_id": "plan-20261128T163000Z-7f3a9c"}, "not plan_id=plan-20261128T163000Z-7f3a9c"),
    ],
)
def test_another_value_is_refused_by_name(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(DrError) as caught:
        resume(made(), **asked)
    assert said in str(caught.value)
    assert " mode=" not in str(caught.value), "that one may differ"


def test_a_value_that_cannot_be_used_is_an_error_of_its_own() -> None:
    with pytest.raises(InputError, match="parallelism='many'"):
        resume(made(), parallelism="many")


def test_planned_becomes_unplanned_with_a_hash_of_its_own() -> None:
    plan = made()
    found = resume(plan, mode="unplanned")
    assert found.parameters == replace(plan.parameters, mode="unplanned")
    assert found.sha256 != plan.sha256
    assert Plan.from_json(found.to_json()) == found
    assert (found.pairs, found.gates, found.done("activate")) == (plan.pairs, plan.gates, plan.done("activate"))
    states = {(batch.phase, entry.key): entry.state for batch in found.batches for entry in batch.entries}
    assert states == {
        ("instantiate", "api"): "done",
        ("instantiate", "web"): "todo",
        ("activate", "api"): "done",
        ("activate", "web"): "todo",
        ("cleanup", "api"): "deferred",
        ("cleanup", "web"): "deferred",
        ("replicate", "api"): "deferred",
        ("replicate", "web"): "deferred",
    }
    assert (deferred(plan), deferred(found)) == (0, 2)
    assert any("will be deferred" in text for text in found.warnings)


def test_a_source_that_answers_defers_nothing() -> None:
    found = resume(made(), FACTS, mode="unplanned")
    assert (deferred(found), found.warnings) == (0, made().warnings)


@pytest.mark.parametrize(
    ("changes", "mode", "said"),
    [
        ({"mode": "unplanned"}, "planned", "is unplanned and cannot become planned"),
        ({"operation": "test", "phases": ("instantiate", "activate", "cleanup")}, "unplanned", "only a failover or a failback"),
    ],
)
def test_what_cannot_be_switched(changes: dict[str, Any], mode: str, said: str) -> None:
    pairs = [Pair("web", "ecs", ACCOUNT, EAST, WEST, "web", "web")]
    parameters = replace(Parameters("acme", "production", EAST, WEST), **changes)
    plan = build(pairs, {"web": Active.SOURCE}, parameters, FACTS, {})
    with pytest.raises(DrError, match=said):
        resume(plan, mode=mode)
