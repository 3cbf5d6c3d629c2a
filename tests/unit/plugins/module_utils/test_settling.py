# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a resumed execution fences before it goes on, and where that comes in its plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from ansible_collections.dr.aws.plugins.module_utils import settling
from ansible_collections.dr.aws.plugins.module_utils.model import Active, Pair
from ansible_collections.dr.aws.plugins.module_utils.parameters import Facts, Parameters
from ansible_collections.dr.aws.plugins.module_utils.plan import Plan, PlanError, build
from ansible_collections.dr.aws.plugins.module_utils.store import Store
from ansible_collections.dr.aws.plugins.module_utils.survey import Surveyed

EAST, WEST = "us-east-1", "us-west-2"
FACTS = Facts((EAST, WEST), frozenset({("acme", "production")}))
WAVES = {"db": 1, "api": 1, "web": 2}
ACCOUNTS = {"db": "111111111111", "api": "222222222222", "web": "111111111111"}


def plan(owing: Sequence[str] = (), **changes: Any) -> Plan:
    pairs = [Pair(key, "ecs", ACCOUNTS[key], EAST, WEST, key, key, wave=wave) for key, wave in WAVES.items()]
    serving = {key: Active.TARGET if key in owing else Active.SOURCE for key in WAVES}
    asked = {"mode": "unplanned", "approval_mode": "automatic", **changes}
    return build(pairs, serving, replace(Parameters("acme", "production", EAST, WEST), **asked), FACTS, {}, owing=owing)


def stages(one: Plan) -> list[tuple[str, int, list[str]]]:
    return [(batch.stage or batch.phase, batch.wave, [entry.key for entry in batch.entries]) for batch in one.batches]


def test_what_owes_is_cleaned_up_before_everything_else_and_the_plan_keeps_its_hash() -> None:
    before = plan()
    after = settling.first(before, ["db", "web"])
    assert stages(after)[:3] == [("settle", 1, ["db"]), ("settle", 2, ["web"]), ("instantiate", 1, ["api", "db"])]
    assert [one for one in stages(after) if one[0] == "cleanup"] == [("cleanup", 1, ["api"])], "each once"
    assert [one for one in stages(after) if one[0] in ("activate", "replicate")] == [
        one for one in stages(before) if one[0] in ("activate", "replicate")
    ]
    assert after.sha256 == before.sha256
    assert settling.first(after, ["db", "web"]) == after
    assert settling.first(before, []) == before


def test_what_the_plan_settles_itself_comes_before_it() -> None:
    after = settling.first(plan(owing=["web"]), ["db"])
    assert stages(after)[:3] == [("settle", 2, ["web"]), ("settle", 1, ["db"]), ("instantiate", 1, ["api", "db"])]


def test_an_approval_that_it_needs_is_asked_for_there_and_for_the_rest_as_well() -> None:
    after = settling.first(plan(cleanup_policy="remove", approval_mode="required"), ["db"])
    names = [gate.name for gate in after.gates]
    assert names[0] == "settle-wave-01"
    assert [name for name in names if name.startswith("cleanup")] == ["cleanup-wave-01", "cleanup-wave-02"]


def test_what_was_settled_first_stays_so_when_it_is_resumed_again() -> None:
    assert settling.kept({}) == []
    assert settling.kept({settling.FIELD: ["web", "db"]}, ["api", "db"]) == ["api", "db", "web"]


class Owed:
    """A store that knows debts, and nothing else."""

    def open_debts(self, customer: str, environment: str) -> list[dict[str, Any]]:
        return [{"resource": key} for key in (*WAVES, "of an earlier one")]


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[str, Active]:
    """Which side serves, by key; who is not in it is not looked at by the test."""
    found: dict[str, Active] = {}

    def survey(_cloud: object, pairs: Sequence[Pair], _parallelism: int) -> Mapping[str, Surveyed]:
        return {pair.key: Surveyed(None, found[pair.key]) for pair in pairs}

    monkeypatch.setattr(settling, "survey", survey)
    return found


def due(one: Plan, dark: set[tuple[str, str]] | None = None) -> list[str]:
    return settling.due(cast(Store, Owed()), cast(Any, None), one, dark or set())


@pytest.mark.parametrize("other", [Active.SOURCE, Active.NEITHER, Active.UNKNOWN])
def test_only_what_serves_in_its_target_is_fenced(seen: dict[str, Active], other: Active) -> None:
    seen |= {"db": Active.TARGET, "api": other, "web": other}
    assert due(plan()) == ["db"]


def test_a_source_that_does_not_answer_is_not_looked_at(seen: dict[str, Active]) -> None:
    seen |= {"db": Active.TARGET, "web": Active.TARGET}
    assert due(plan(), {(ACCOUNTS["api"], EAST)}) == ["db", "web"]


def test_a_split_brain_stops_everything(seen: dict[str, Active]) -> None:
    seen |= {"db": Active.TARGET, "api": Active.BOTH, "web": Active.SOURCE}
    with pytest.raises(PlanError, match="both regions serve api"):
        due(plan())


def test_nothing_is_fenced_by_what_cleans_nothing_up() -> None:
    assert due(plan(phases=("instantiate", "activate"))) == []
    drill = plan(phases=("instantiate", "activate", "cleanup"), operation="test", mode="planned")
    assert due(drill) == []
