# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far reality may be from a stored plan, and how long phases took before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.history import KEPT, expected, fold
from ansible_collections.dr.aws.plugins.module_utils.model import Active, Pair
from ansible_collections.dr.aws.plugins.module_utils.parameters import Facts, Parameters
from ansible_collections.dr.aws.plugins.module_utils.plan import Plan, PlanError, build
from ansible_collections.dr.aws.plugins.module_utils.plans import drift, refuse_drift

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "111111111111"
PARAMETERS = Parameters(customer="acme", environment="production", primary_region=EAST, dr_region=WEST, mode="unplanned")
FACTS = Facts((EAST, WEST), frozenset({("acme", "production")}))
DURATIONS = {"ecs": {"instantiate": 60, "activate": 200, "cleanup": 50, "replicate": 60}}
API = Pair("api", "ecs", ACCOUNT, EAST, WEST, "apps/api", "apps/api")
WEB = Pair("web", "ecs", ACCOUNT, EAST, WEST, "apps/web", "apps/web")


def plan(*pairs: Pair, serves: tuple[str, ...] = (), facts: Facts = FACTS, **changes: Any) -> Plan:
    sides = {one.key: Active.TARGET if one.key in serves else Active.SOURCE for one in pairs}
    return build(pairs, sides, replace(PARAMETERS, **changes), facts, DURATIONS)


BEFORE = plan(API, WEB)
DRIFTS: list[tuple[str, Plan, list[str]]] = [
    ("nothing", plan(API, WEB), []),
    ("a dark source region", plan(API, WEB, facts=replace(FACTS, stale=frozenset({(ACCOUNT, EAST)}))), []),
    ("more at once", plan(API, WEB, parallelism=50), []),
    ("another tag", plan(replace(API, tags={"a": "b"}), WEB), []),
    ("an ARN that is known now", plan(replace(API, source_arn="arn:x"), WEB), []),
    ("one is gone", plan(API), ["web is not there any more"]),
    ("one is new", plan(API, WEB, replace(WEB, key="new")), ["new is new"]),
    ("another wave", plan(API, replace(WEB, wave=2)), ["wave of web is 2, and 1 in the plan"]),
    (
        "another setting",
        plan(replace(API, settings={"fence": False}), WEB),
        ['settings of api is {"fence": false}, and {} in the plan'],
    ),
    (
        "another counterpart",
        plan(replace(API, target_id="x/api"), WEB),
        ['target_id of api is "x/api", and "apps/api" in the plan'],
    ),
    ("it serves there now", plan(API, WEB, serves=("web",)), ["web serves already in us-west-2"]),
    ("another mode", plan(API, WEB, mode="planned"), ["mode is planned, and unplanned in the plan"]),
    (
        "fewer phases",
        plan(API, WEB, phases=("activate",)),
        ["phases is activate, and instantiate, activate, cleanup, replicate in the plan"],
    ),
]


@pytest.mark.parametrize(("sentence", "now", "said"), DRIFTS, ids=[row[0] for row in DRIFTS])
def test_what_counts_as_drift(sentence: str, now: Plan, said: list[str]) -> None:
    assert list(drift(BEFORE, now)) == said


def test_what_no_longer_serves_is_drift_too() -> None:
    assert list(drift(plan(API, serves=("api",)), plan(API))) == ["api does not serve any more in us-west-2"]


def test_an_error_names_some_differences_and_counts_the_rest() -> None:
    many = plan(*(replace(API, key=f"api{number}") for number in range(8)))
    with pytest.raises(PlanError, match=r"plan-1 does not fit any more: api is not there any more; .*; and 5 more") as caught:
        refuse_drift("plan-1", BEFORE, many)
    assert "make a new plan" in caught.value.remedy
    refuse_drift("plan-1", BEFORE, plan(API, WEB))


def test_what_phases_took_replaces_what_was_guessed() -> None:
    samples = fold(
        {}, [("ecs", "activate", 100.04), ("ecs", "activate", 300.0), ("ecs", "activate", 110.0), ("rds", "activate", 9.0)]
    )
    assert samples["ecs"]["activate"] == [100.0, 300.0, 110.0]
    assert expected(DURATIONS, samples) == {"ecs": {**DURATIONS["ecs"], "activate": 110}}
    assert expected(DURATIONS, {}) == DURATIONS


def test_only_the_newest_are_kept() -> None:
    samples = fold({"ecs": {"activate": [1.0] * KEPT}}, [("ecs", "activate", 2.0)])
    assert (len(samples["ecs"]["activate"]), samples["ecs"]["activate"][-1]) == (KEPT, 2.0)
