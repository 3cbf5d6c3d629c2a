# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rehearsals: what they predict is what happens, they say what they assumed, and nothing of the estate is touched."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from enacted import Stage, Waves
from playbook import DATABASE, EAST, SCOPE, WEST, Operator, estate

from ansible_collections.dr.aws.plugins.module_utils.model import TECHNOLOGIES
from sandbox.rehearsal import told
from sandbox.rehearsal.durations import Durations, read
from sandbox.rehearsal.held import Held, hold
from sandbox.rehearsal.rebuilt import RehearsalError

REGIONS = {"primary_region": EAST, "dr_region": WEST}

#: Each holds a rehearsal or more, and some carry out what they predict.
pytestmark = pytest.mark.timeout(900)


def rehearsed(sandbox: Any, snapshot: Mapping[str, Any], mode: str, durations: Durations | None = None, **asked: Any) -> Held:
    """A rehearsal in this process: the fixture's world is made anew."""
    return hold(sandbox.gateway, snapshot, {**REGIONS, "mode": mode, **asked}, durations or Durations())


def by_wave(held: Held) -> Waves:
    """As `Stage.failover` gives it."""
    numbers: Counter[str] = Counter()
    found = {}
    for wave in held.waves:
        stage = wave.batch.stage or wave.batch.phase
        found[stage, numbers[stage]] = wave.seconds
        numbers[stage] += 1
    return found


def within(predicted: Waves, real: Waves, share: float = 0.1) -> None:
    """Fails unless every wave, and all of them together, were predicted within a share of what they took."""
    assert predicted.keys() == real.keys()
    assert {wave: (predicted[wave], took) for wave, took in real.items() if abs(predicted[wave] - took) > share * took} == {}
    assert abs(sum(predicted.values()) - sum(real.values())) <= share * sum(real.values())


@pytest.mark.parametrize("mode", ["unplanned", "planned"])
def test_acme_is_predicted_wave_by_wave(sandbox: Any, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    """Within a tenth, from what readiness has stored and nothing else; planned, its way home as well."""
    stage = Stage(sandbox, "acme", monkeypatch)
    snapshot = stage.ready()
    if mode == "unplanned":
        sandbox.dark(EAST)
        stage.look()
    asked: list[dict[str, str]] = [{"operation": "failover"}]
    if mode == "planned":
        asked.append({"operation": "failback"})
    real = []
    for one in asked:
        real.append(stage.failover(mode, **one))
        stage.look()
    for one, took in zip(asked, real, strict=True):
        assert sum(took.values()) > 500
        held = rehearsed(sandbox, snapshot, mode, **one)
        within(by_wave(held), took)
    way = f"{mode}, {EAST} to {WEST}" if mode == "unplanned" else f"failback, {mode}, {WEST} to {EAST}"
    assert way in next(told.lines(told.report(held, Durations(), snapshot), "calls.jsonl"))


def test_what_is_not_rehearsed_is_refused(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = Stage(sandbox, "acme", monkeypatch).ready()
    with pytest.raises(RehearsalError, match=r"operation=test is not rehearsed\. Next: use one of failover, failback"):
        rehearsed(sandbox, snapshot, "planned", operation="test")


def test_what_executions_measured_is_what_the_next_rehearsal_expects(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An estate whose databases are promoted three times as slowly as the sandbox thinks, and whose tasks start twice as slowly."""
    stage = Stage(sandbox, "acme", monkeypatch)
    snapshot = stage.ready()
    sandbox.gateway.paces = {("rds", "PromoteReadReplica"): 3.0, ("ecs", "UpdateService"): 2.0}
    sandbox.dark(EAST)
    stage.look()
    asked = {"waves": "1-2", "phases": "activate"}
    real = stage.failover("unplanned", **asked)
    learnt = stage.learnt()
    assert {technology: set(phases) for technology, phases in learnt.items()} == {"ecs": {"activate"}, "rds": {"activate"}}
    assert real["activate", 0] > 3 * 300, "so that the sandbox's own table is wrong"
    durations = read(None, learnt)
    held = rehearsed(sandbox, snapshot, "unplanned", durations, **asked)
    within(by_wave(held), real)
    said = told.report(held, durations, snapshot)["durations"]
    assert {(one["technology"], one["source"]) for one in said} >= {("rds", "7 resources"), ("ecs", "8 resources")}


@pytest.mark.parametrize("mode", ["unplanned", "planned"])
def test_every_technology_is_rehearsed(sandbox: Any, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    snapshot = Stage(sandbox, "atlas", monkeypatch).ready()
    held = rehearsed(sandbox, snapshot, mode)
    report = told.report(held, Durations(), snapshot)
    assert (report["left_out"], report["stops_at"]) == ({}, None)
    assert {one["technology"] for one in report["resources"]} == set(TECHNOLOGIES)
    assert all(one["phases"]["activate"]["status"] == "done" for one in report["resources"])
    assert {one["status"] for one in report["findings"]} <= ({"deferred", "DEGRADED"} if mode == "unplanned" else {"DEGRADED"})
    for technology in TECHNOLOGIES:
        assert any(text.startswith(f"{technology} (") for text in report["assumptions"]), technology
    assert report["calls"]["changing"]["drs:StartRecovery"] >= 1


def test_what_would_be_blocked_is_said_with_its_remedy_and_the_rest_is_rehearsed_too(
    sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(sandbox, "acme", monkeypatch)
    stored = stage.ready()
    late = "rds-200000000001-orders-db"
    captured = {**stored["captured"], late: {**stored["captured"][late], "lag_seconds": 7200.0}}
    held = rehearsed(sandbox, {**stored, "captured": captured}, "planned", phases="instantiate,activate")
    report = told.report(held, Durations(), stored)
    assert report["stops_at"] == {"phase": "activate", "wave": 1, "stops": [late]}
    (blocked,) = [one for one in report["findings"] if one["status"] == "blocked"]
    assert (blocked["key"], "7200 s" in blocked["why"]) == (late, True)
    assert blocked["remedy"]
    assert [wave["after_stop"] for wave in report["waves"] if wave["phase"] == "activate"] == [False, True, True, True]
    served = {one["key"]: one["within_rto"] for one in report["resources"]}
    assert [key for key, good in served.items() if not good] == [late]
    text = "\n".join(told.lines(report, "calls.jsonl"))
    assert "a real run would STOP at activate, wave 1" in text
    assert f"LATE wave  1  {late}: does not serve" in text


def test_a_standby_that_readiness_did_not_find_has_to_be_made_first(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One replica less than the sandbox's acme has: the same snapshot without its other side."""
    stored = Stage(sandbox, "acme", monkeypatch).ready()
    key = "rds-200000000003-audit-db"
    alone = [
        {**one, "dr_sides": {EAST: one["dr_sides"][EAST]}} if one["key"] == key else one
        for one in stored["resources"]
        if one["dr_technology"] == "rds"
    ]
    finding = {"check": "standby", "resources": [key], "why": "there is no replica"}
    captured = {**stored["captured"], key: {**stored["captured"][key], "lag_seconds": None}}
    snapshot = {**stored, "resources": alone, "captured": captured, "findings": [finding]}
    held = rehearsed(sandbox, snapshot, "planned", phases="instantiate,activate")
    report = told.report(held, Durations(), snapshot)
    assert f"{key}: readiness found no standby; there is none" in report["assumptions"]
    assert report["calls"]["changing"]["rds:CreateDBInstanceReadReplica"] == 1
    (first, *_rest) = report["waves"]
    assert (first["phase"], first["slowest"]) == ("instantiate", key)
    assert first["seconds"] >= 1200


def test_the_playbook_reads_what_is_stored_and_touches_nothing_else(sandbox: Any, operator: Operator, tmp_path: Path) -> None:
    operator.load(estate(database=True))
    operator.readiness()
    sandbox.dark(EAST)
    table = tmp_path / "medians.yml"
    table.write_text(yaml.safe_dump({"operations": {"rds": {"PromoteReadReplica": 900}}}))
    before = operator.mark()
    ran = operator.run("rehearse", **SCOPE, mode="unplanned", rehearsal_dir=str(tmp_path / "out"), durations_file=str(table)).ok()
    assert sandbox.calls(mutating=True, since=before) == []
    assert "rehearsal of acme/production, unplanned, us-east-1 to us-west-2" in ran.out
    report = json.loads((tmp_path / "out/rehearsal.json").read_text())
    first = next(wave for wave in report["waves"] if wave["phase"] == "activate")
    assert (first["slowest"], first["seconds"] > 900) == (DATABASE, True)
    listed = [json.loads(line) for line in (tmp_path / "out/calls.jsonl").read_text().splitlines()]
    assert len(listed) == sum(report["calls"]["changing"].values()) > 0
    assert {call["region"] for call in listed} <= {WEST, "global"}

    operator.run("rehearse", **SCOPE, mode="sideways", rehearsal_dir=str(tmp_path / "out")).refused("mode", "planned, unplanned")
