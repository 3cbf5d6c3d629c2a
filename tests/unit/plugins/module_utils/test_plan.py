# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan makes of what is asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.dr.aws.plugins.module_utils.errors import DrError, InputError
from ansible_collections.dr.aws.plugins.module_utils.model import DRILL_PHASES, PRIORITIES, REPROTECT_PHASES, Active, Pair
from ansible_collections.dr.aws.plugins.module_utils.parameters import (
    Facts,
    Parameters,
)
from ansible_collections.dr.aws.plugins.module_utils.plan import Plan, PlanError, build

EAST, WEST = "us-east-1", "us-west-2"
FACTS = Facts((EAST, WEST), frozenset({("acme", "production"), ("acme", "staging"), ("shop", "production")}))
ASKED = {"customer": "acme", "environment": "production", "primary_region": EAST, "dr_region": WEST}
PARAMETERS = Parameters(customer="acme", environment="production", primary_region=EAST, dr_region=WEST, approval_mode="automatic")
DURATIONS: Mapping[str, Mapping[str, int]] = {
    "rds": {"instantiate": 1200, "activate": 300, "cleanup": 100, "replicate": 1300},
    "ecs": {"instantiate": 60, "activate": 200, "cleanup": 50, "replicate": 60},
}
DRILL: Mapping[str, Any] = {"phases": DRILL_PHASES}
ACCOUNT = "111111111111"
NOW = datetime(2026, 11, 28, 16, 30, tzinfo=UTC).timestamp()


def pair(
    key: str, wave: int = 1, priority: str = "low", depends: tuple[str, ...] = (), technology: str = "ecs", **more: Any
) -> Pair:
    return Pair(
        key,
        technology,
        ACCOUNT,
        EAST,
        WEST,
        f"apps/{key}",
        f"apps/{key}",
        wave=wave,
        priority=priority,
        dependencies=depends,
        **more,
    )


def plan(*pairs: Pair, active: Mapping[str, Active] | None = None, facts: Facts = FACTS, **changes: Any) -> Plan:
    sides = {one.key: Active.SOURCE for one in pairs} | dict(active or {})
    return build(pairs, sides, replace(PARAMETERS, **changes), facts, DURATIONS)


class TestOrder:
    def test_priority_then_key(self) -> None:
        found = plan(pair("b"), pair("a"), pair("z", priority="critical"), pair("m", priority="medium"))
        assert [entry.key for entry in found.of("activate")[0].entries] == ["z", "m", "a", "b"]

    def test_dependencies_come_first(self) -> None:
        found = plan(pair("a", priority="critical", depends=("c",)), pair("b"), pair("c", depends=("b",)))
        assert [entry.key for entry in found.of("activate")[0].entries] == ["b", "c", "a"]

    def test_a_dependency_is_named_by_id_as_well(self) -> None:
        found = plan(pair("rds/orders", technology="rds"), pair("ecs/api", depends=("orders",)))
        assert {one.key: one.dependencies for one in found.pairs} == {"rds/orders": (), "ecs/api": ("rds/orders",)}

    def test_phases_are_outermost_and_waves_strictly_one_after_another(self) -> None:
        found = plan(pair("b", wave=2), pair("a", wave=1), phases=("instantiate", "activate"))
        assert [(batch.phase, batch.wave) for batch in found.batches] == [
            ("instantiate", 1),
            ("instantiate", 2),
            ("activate", 1),
            ("activate", 2),
        ]

    @pytest.mark.parametrize(
        ("pairs", "said"),
        [
            ((pair("a", depends=("ghost",)),), "a depends on ghost; allowed is the name of a protected resource"),
            ((pair("a", depends=("b",)), pair("b", depends=("a",))), "no circle: a needs b needs a"),
            ((pair("a", depends=("a",)),), "not the resource itself"),
            ((pair("a", wave=1, depends=("b",)), pair("b", wave=2)), "no later wave: b"),
            ((pair("a"), pair("a")), "there twice"),
        ],
    )
    def test_dependencies_that_cannot_be_kept(self, pairs: tuple[Pair, ...], said: str) -> None:
        with pytest.raises(PlanError) as caught:
            plan(*pairs)
        assert said in str(caught.value)
        assert caught.value.remedy

    def test_a_name_that_several_have_means_all_of_them(self) -> None:
        found = plan(pair("x/db"), pair("y/db"), pair("a", priority="critical", depends=("db",)))
        assert [one.key for one in found.pairs] == ["x/db", "y/db", "a"]

    def test_a_dependency_in_an_earlier_wave_that_is_not_selected_is_kept(self) -> None:
        found = plan(pair("a", wave=1), pair("b", wave=2, depends=("a",)), waves=(2,))
        assert [one.key for one in found.pairs] == ["b"]


class TestRefusals:
    def test_nothing_to_recover(self) -> None:
        with pytest.raises(PlanError, match="no protected resource"):
            plan()

    def test_waves_without_resources(self) -> None:
        with pytest.raises(InputError) as caught:
            plan(pair("a", wave=1), pair("b", wave=3), waves=(1, 2))
        assert (caught.value.field, caught.value.value) == ("waves", "2")
        assert "1, 3" in caught.value.allowed

    @pytest.mark.parametrize("mode", ["planned", "unplanned"])
    def test_split_brain_stops_everything(self, mode: str) -> None:
        with pytest.raises(PlanError, match="both regions serve a, c") as caught:
            plan(pair("a"), pair("b"), pair("c"), active={"a": Active.BOTH, "c": Active.BOTH}, mode=mode)
        assert EAST in caught.value.remedy and WEST in caught.value.remedy

    def test_unknown_is_no_licence_when_planned(self) -> None:
        with pytest.raises(PlanError, match="cannot be told for a"):
            plan(pair("a"), active={"a": Active.UNKNOWN})

    def test_unknown_is_decided_later_when_unplanned(self) -> None:
        found = plan(pair("a"), active={"a": Active.UNKNOWN}, mode="unplanned")
        assert found.of("activate")[0].entries[0].state == "todo"
        assert any("not known for 1" in warning for warning in found.warnings)

    def test_a_pair_nobody_looked_at_is_unknown(self) -> None:
        with pytest.raises(PlanError, match="cannot be told"):
            build([pair("a")], {}, PARAMETERS, FACTS, DURATIONS)

    @pytest.mark.parametrize(
        ("facts", "mode", "said"),
        [
            (
                replace(FACTS, errors=({"account": ACCOUNT, "code": "AccessDenied", "message": "no", "remedy": "trust the hub"},)),
                "unplanned",
                "AccessDenied",
            ),
            (replace(FACTS, stale=frozenset({(ACCOUNT, EAST)})), "planned", "no answer from us-east-1"),
            (replace(FACTS, stale=frozenset({(ACCOUNT, WEST)})), "unplanned", "no answer from us-west-2"),
            (replace(FACTS, stale=frozenset({(ACCOUNT, EAST)}), complete=False), "unplanned", "no readiness snapshot"),
            (
                replace(
                    FACTS,
                    violations=(
                        {
                            "resource": "db",
                            "tag": "dr:wave",
                            "value": "x",
                            "rule": "a number",
                            "remedy": "set it",
                            "severity": "error",
                        },
                    ),
                ),
                "planned",
                "db: tag dr:wave='x' (a number)",
            ),
        ],
    )
    def test_half_an_inventory_is_refused_unless_accepted(self, facts: Facts, mode: str, said: str) -> None:
        with pytest.raises(PlanError) as caught:
            plan(pair("a"), facts=facts, mode=mode)
        assert said in str(caught.value)
        assert "accept_partial_inventory=true" in caught.value.remedy
        assert plan(pair("a"), facts=facts, mode=mode, accept_partial_inventory=True).pairs

    def test_warnings_of_tags_do_not_stop(self) -> None:
        loose = {
            "resource": "db",
            "tag": "dr:prio",
            "value": "x",
            "rule": "not in the schema",
            "remedy": "r",
            "severity": "warning",
        }
        assert plan(pair("a"), facts=replace(FACTS, violations=(loose,))).warnings == ("db: tag dr:prio='x': not in the schema",)


class TestDrills:
    def test_a_drill_removes_what_it_made_and_nothing_of_it_is_one_way(self) -> None:
        facts = replace(FACTS, stale=frozenset({(ACCOUNT, EAST)}))
        found = plan(pair("db", technology="rds", rto_seconds=1), facts=facts, operation="test", mode="unplanned", **DRILL)
        assert [(batch.phase, batch.entries[0].state, batch.late) for batch in found.batches] == [
            ("instantiate", "todo", ()),
            ("activate", "todo", ()),
            ("cleanup", "todo", ()),
        ]
        assert not any(entry.one_way for batch in found.batches for entry in batch.entries)

    def test_it_asks_before_the_first_copy(self) -> None:
        found = plan(pair("db", technology="rds"), pair("api", wave=2), operation="test", approval_mode="required", **DRILL)
        assert [(gate.name, gate.why) for gate in found.gates] == [
            ("instantiate-wave-01", "1 of 1 resources are copied for a drill in us-west-2")
        ]

    @pytest.mark.parametrize(
        ("side", "mode", "said"),
        [
            (Active.TARGET, "planned", "a serves in us-west-2: no drill there"),
            (Active.TARGET, "unplanned", "a serves in us-west-2: no drill there"),
            (Active.UNKNOWN, "unplanned", "which region serves cannot be told for a"),
            (Active.BOTH, "unplanned", "split brain"),
        ],
    )
    def test_it_is_refused_beside_production(self, side: Active, mode: str, said: str) -> None:
        with pytest.raises(PlanError, match=said):
            plan(pair("a"), pair("b"), active={"a": side}, mode=mode, operation="test", **DRILL)


class TestContent:
    def test_what_serves_in_the_target_is_done(self) -> None:
        found = plan(pair("a"), pair("b"), active={"a": Active.TARGET})
        assert found.done("instantiate") == found.done("activate") == {"a"}
        assert found.of("activate")[0].todo == ("b",)
        assert found.done("cleanup") == frozenset()
        assert not found.changes_nothing
        assert plan(pair("a"), active={"a": Active.TARGET}).changes_nothing

    def test_a_dark_source_defers_what_needs_it(self) -> None:
        dark = replace(FACTS, stale=frozenset({(ACCOUNT, EAST)}))
        found = plan(pair("a"), facts=dark, mode="unplanned")
        assert {batch.phase: batch.entries[0].state for batch in found.batches} == {
            "instantiate": "todo",
            "activate": "todo",
            "cleanup": "deferred",
            "replicate": "deferred",
        }

    def test_durations_add_up_along_dependencies_and_waves(self) -> None:
        pairs = (pair("a"), pair("b", depends=("a",)), pair("c", technology="rds"), pair("d", wave=2))
        found = plan(*pairs, phases=("instantiate", "activate"))
        assert [(batch.expected_seconds, batch.finish_seconds) for batch in found.batches] == [
            (1200, 1200),
            (60, 1260),
            (400, 1660),
            (200, 1860),
        ]
        assert found.expected_seconds == 1860

    def test_a_standby_that_holds_already_takes_no_time(self) -> None:
        members = [pair("db", technology="rds"), pair("api")]
        sides = {"db": Active.SOURCE, "api": Active.SOURCE}
        found = build(members, sides, PARAMETERS, FACTS, DURATIONS, standing=["db"])
        assert found.of("instantiate")[0].expected_seconds == 60
        assert found.of("activate")[0].expected_seconds == 300
        assert found.sha256 == build(members, sides, PARAMETERS, FACTS, DURATIONS).sha256, "how long it takes is not what is done"

    def test_a_phase_that_a_technology_does_not_have_is_left_out(self) -> None:
        durations = {"ecs": {"activate": 5}, "rds": {"instantiate": 9, "activate": 7}}
        pairs = [pair("a"), pair("b", technology="rds", wave=2)]
        found = build(pairs, {"a": Active.SOURCE, "b": Active.SOURCE}, PARAMETERS, FACTS, durations)
        assert [(batch.phase, batch.wave) for batch in found.batches] == [("instantiate", 2), ("activate", 1), ("activate", 2)]

    def test_a_missed_rto_is_said(self) -> None:
        found = plan(pair("a", rto_seconds=260), pair("b", rto_seconds=259), phases=("instantiate", "activate"))
        assert found.of("activate")[0].late == ("b",)
        assert any(warning.startswith("b: expected to serve after 260 s") for warning in found.warnings)

    @pytest.mark.parametrize(
        ("changes", "gates"),
        [
            ({"approval_mode": "automatic"}, []),
            ({"approval_mode": "required"}, ["activate-wave-01"]),
            ({"approval_mode": "required", "cleanup_policy": "remove"}, ["activate-wave-01", "cleanup-wave-01", "cleanup-wave-02"]),
        ],
    )
    def test_gates_stand_before_what_cannot_be_taken_back(self, changes: Mapping[str, Any], gates: list[str]) -> None:
        found = plan(pair("db", technology="rds"), pair("api", wave=2), **changes)
        assert [gate.name for gate in found.gates] == gates

    def test_where_all_can_be_taken_back_the_first_activation_asks(self) -> None:
        found = plan(pair("a", wave=1), pair("b", wave=2), pair("c", wave=3), active={"a": Active.TARGET}, approval_mode="required")
        assert [gate.name for gate in found.gates] == ["activate-wave-02"]

    def test_nothing_to_do_needs_no_approval(self) -> None:
        found = plan(pair("db", technology="rds"), active={"db": Active.TARGET}, approval_mode="required")
        assert found.gates == ()

    def test_the_record_of_an_execution(self) -> None:
        found = plan(pair("a"), pair("b", wave=2), active={"a": Active.TARGET}, phases=("activate",))
        record = found.record()
        assert record["planned"] == {"activate": {"1": 1, "2": 1}}
        assert record["already"] == {"activate": 1}
        assert (record["resource_count"], record["plan_sha256"]) == (2, found.sha256)


PAIRS = st.lists(
    st.builds(
        pair,
        st.text("abcdefgh", min_size=1, max_size=4),
        st.integers(1, 4),
        st.sampled_from(PRIORITIES),
        technology=st.sampled_from(["ecs", "rds"]),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda one: one.key,
)
SIDES = st.sampled_from([Active.SOURCE, Active.TARGET, Active.NEITHER])


class TestHash:
    @settings(derandomize=True, database=None, deadline=None, max_examples=60)
    @given(PAIRS, st.data())
    def test_the_same_work_has_the_same_hash_in_any_order_and_after_storage(self, pairs: list[Pair], data: st.DataObject) -> None:
        sides = {one.key: data.draw(SIDES) for one in pairs}
        first = build(pairs, sides, PARAMETERS, FACTS, DURATIONS)
        shuffled = data.draw(st.permutations(pairs))
        faster = replace(PARAMETERS, parallelism=99, execution_id="dr-20261128T163000Z-7f3a9c")
        assert build(shuffled, sides, faster, FACTS, {}).sha256 == first.sha256
        stored = Plan.from_json(json.loads(json.dumps(first.to_json())))
        assert stored == first

    @settings(derandomize=True, database=None, deadline=None, max_examples=60)
    @given(PAIRS, st.data())
    def test_other_work_has_another_hash(self, pairs: list[Pair], data: st.DataObject) -> None:
        sides = {one.key: Active.SOURCE for one in pairs}
        first = build(pairs, sides, PARAMETERS, FACTS, DURATIONS).sha256
        changed = data.draw(st.sampled_from(pairs))
        others = [
            build([replace(one, target_id="other") if one is changed else one for one in pairs], sides, PARAMETERS, FACTS, {}),
            build([replace(one, settings={"n": 1}) if one is changed else one for one in pairs], sides, PARAMETERS, FACTS, {}),
            build([replace(one, wave=5) if one is changed else one for one in pairs], sides, PARAMETERS, FACTS, {}),
            build(pairs, {**sides, changed.key: Active.TARGET}, PARAMETERS, FACTS, {}),
            build(pairs, sides, replace(PARAMETERS, approval_mode="required"), FACTS, {}),
            build(pairs, sides, replace(PARAMETERS, cleanup_policy="remove"), FACTS, {}),
            build(pairs, sides, replace(PARAMETERS, phases=("activate",)), FACTS, {}),
        ]
        assert len({first, *(one.sha256 for one in others)}) == 1 + len(others)

    def test_a_stored_plan_that_was_changed_is_refused(self) -> None:
        body = json.loads(json.dumps(plan(pair("a"), pair("b")).to_json()))
        body["pairs"][0]["target_id"] = "elsewhere"
        with pytest.raises(DrError, match="was changed"):
            Plan.from_json(body)

    def test_a_plan_of_a_version_that_knew_fewer_parameters_is_itself(self) -> None:
        body = json.loads(json.dumps(plan(pair("a")).to_json()))
        del body["parameters"]["accept_shortfalls"], body["parameters"]["approvals_needed"]
        assert Plan.from_json(body) == plan(pair("a"))
        body["parameters"]["mode"] = "unplanned"
        with pytest.raises(DrError, match="was changed"):
            Plan.from_json(body)


class TestStages:
    """Fence debts before everything else; what must be protected before its old side ends."""

    def test_debts_are_settled_first_and_what_does_not_serve_in_its_target_is_left_alone(self) -> None:
        pairs = (pair("owes", wave=2), pair("serves", wave=1), pair("away", wave=1), pair("dark", wave=1))
        sides = dict.fromkeys(("owes", "serves"), Active.TARGET) | {"dark": Active.UNKNOWN}
        found = reprotection(*pairs, active=sides, owing=("owes", "away"))
        assert stages(found) == [
            ("settle", "cleanup", 2, ["owes"]),
            ("cleanup", "cleanup", 1, ["serves"]),
            ("replicate", "replicate", 1, ["serves"]),
            ("replicate", "replicate", 2, ["owes"]),
        ]
        assert (found.serving, found.gates) == ({"owes", "serves"}, ())
        assert found.record()["planned"] == {"cleanup": {"1": 1, "2": 1}, "replicate": {"1": 1, "2": 1}}
        assert "which region serves is not known for 1 resources; they are left alone" in found.warnings
        assert Plan.from_json(json.loads(json.dumps(found.to_json()))) == found

    def test_a_failover_settles_first_what_owes_and_answers(self) -> None:
        sides = {"owes": Active.TARGET, "never moved": Active.SOURCE, "dark": Active.TARGET}
        pairs = [pair("owes", wave=2), pair("never moved"), replace(pair("dark"), account="222222222222")]
        facts = replace(FACTS, stale=frozenset({("222222222222", EAST)}))
        asked = replace(PARAMETERS, mode="unplanned")
        found = build(pairs, sides, asked, facts, DURATIONS, owing=tuple(sides))
        assert stages(found)[0] == ("settle", "cleanup", 2, ["owes"])
        assert [keys for stage, *_unused, keys in stages(found) if stage == "cleanup"] == [["dark", "never moved"]]

    def test_two_batches_of_a_wave_and_phase_are_counted_and_approved_apart(self) -> None:
        found = reprotection(pair("a"), pair("b"), owing=("b",), cleanup_policy="remove", approval_mode="required")
        assert [gate.name for gate in found.gates] == ["settle-wave-01", "cleanup-wave-01"]
        assert found.record()["planned"] == {"cleanup": {"1": 2}, "replicate": {"1": 2}}

    def test_on_the_way_home_drs_is_protected_before_it_is_cleaned_up(self) -> None:
        home = [replace(one, source_region=WEST, target_region=EAST) for one in (pair("s", technology="drs"), pair("a"))]
        found = plan(*home, operation="failback")
        assert stages(found)[2:] == [
            ("protect", "replicate", 1, ["s"]),
            ("cleanup", "cleanup", 1, ["a", "s"]),
            ("replicate", "replicate", 1, ["a"]),
        ]
        assert [stage for stage, *_rest in stages(plan(pair("s", technology="drs")))] == [
            "instantiate",
            "activate",
            "cleanup",
            "replicate",
        ]

    def test_while_the_region_that_was_left_is_dark_its_work_is_deferred(self) -> None:
        facts = replace(FACTS, stale=frozenset({(ACCOUNT, EAST)}))
        found = reprotection(pair("a"), facts=facts)
        assert {entry.state for batch in found.batches for entry in batch.entries} == {"deferred"}
        assert f"cleanup and replicate of 1 resources will be deferred: {EAST} does not answer" in found.warnings

    def test_a_split_brain_stops_it(self) -> None:
        with pytest.raises(PlanError, match="split brain: both regions serve a"):
            reprotection(pair("a"), active={"a": Active.BOTH})


def reprotection(
    *pairs: Pair,
    active: Mapping[str, Active] | None = None,
    owing: tuple[str, ...] = (),
    facts: Facts = FACTS,
    **changes: Any,
) -> Plan:
    sides = {one.key: Active.TARGET for one in pairs} if active is None else active
    asked = replace(PARAMETERS, operation="reprotect", mode="unplanned", phases=REPROTECT_PHASES, **changes)
    sides = {one.key: Active.SOURCE for one in pairs} | dict(sides)
    return build(pairs, sides, asked, facts, DURATIONS, owing=owing)


def stages(found: Plan) -> list[tuple[str, str, int, list[str]]]:
    """(stage, phase, wave, keys) of each batch, in order."""
    return [
        (batch.stage or batch.phase, batch.phase, batch.wave, [entry.key for entry in batch.entries]) for batch in found.batches
    ]
