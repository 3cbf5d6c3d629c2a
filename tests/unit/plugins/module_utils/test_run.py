# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From inventory hosts to pairs, and how results stop a run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils import run, scope
from ansible_collections.dr.aws.plugins.module_utils.engine import Result
from ansible_collections.dr.aws.plugins.module_utils.errors import InputError
from ansible_collections.dr.aws.plugins.module_utils.model import DEFAULT_RPO_SECONDS

EAST, WEST = "us-east-1", "us-west-2"


def host(**changes: Any) -> dict[str, Any]:
    known = {
        "dr_technology": "rds",
        "dr_account": "200000000001",
        "dr_sides": {EAST: {"id": "orders", "arn": "arn:orders"}, WEST: {"id": "orders-west", "arn": None}},
        "dr_customer": "acme",
        "dr_environment": "production",
        "dr_wave": 2,
        "dr_priority": "high",
    }
    return {**known, **changes}


@pytest.mark.parametrize(
    ("sides", "source", "target", "ids"),
    [
        ({EAST: {"id": "a", "arn": "arn:a"}, WEST: {"id": "b", "arn": "arn:b"}}, EAST, WEST, ("a", "b", "arn:a")),
        ({EAST: {"id": "a", "arn": "arn:a"}, WEST: {"id": "b", "arn": "arn:b"}}, WEST, EAST, ("b", "a", "arn:b")),
        ({EAST: {"id": "a", "arn": "arn:a"}}, EAST, WEST, ("a", "a", "arn:a")),
        ({WEST: {"id": "b", "arn": "arn:b"}}, EAST, WEST, ("b", "b", None)),
    ],
)
def test_a_pair_is_directed_and_a_missing_side_has_the_same_identifier(
    sides: dict[str, Any], source: str, target: str, ids: tuple[str, str, str | None]
) -> None:
    pair = scope.pair_of("rds-1-a", host(dr_sides=sides), source, target)
    assert (pair.source_id, pair.target_id, pair.source_arn) == ids
    assert (pair.source_region, pair.target_region, pair.wave) == (source, target, 2)


def test_without_an_objective_the_default_counts() -> None:
    pair = scope.pair_of("rds-1-a", host(), EAST, WEST)
    assert (pair.rpo_seconds, pair.rto_seconds, pair.dependencies, pair.settings) == (DEFAULT_RPO_SECONDS, None, (), {})


def test_a_pair_survives_being_stored() -> None:
    rich = host(
        dr_dependencies=["a", "b"], dr_rto_seconds=900, dr_rpo_seconds=60, dr_settings={"x": 1}, dr_tags={"Customer": "acme"}
    )
    pair = scope.pair_of("rds-1-a", rich, EAST, WEST)
    assert scope.from_json(json.loads(json.dumps(scope.to_json(pair)))) == pair


@pytest.mark.parametrize("phase", ["instantiate", "activate", "cleanup", "replicate"])
@pytest.mark.parametrize("status", ["done", "would_change", "blocked", "deferred", "failed", "skipped"])
def test_what_is_not_done_stops_the_waves_after_it_except_in_cleanup_and_replicate(phase: str, status: str) -> None:
    wanted = phase in ("instantiate", "activate") and status in ("blocked", "deferred", "failed")
    assert run.stops(phase, Result("a", phase, status)) is wanted
    assert not run.stops(phase, Result("a", phase, status), "optional")


def test_results_are_counted_and_shown_as_plain_values() -> None:
    call = {"service": "rds", "operation": "promote_read_replica"}
    results = {
        "a": Result("a", "activate", "done", True, (call,), {"endpoint": "x"}, seconds=1.5),
        "b": Result("b", "activate", "blocked", why="no", remedy="ask"),
        "c": Result("c", "activate", "done"),
    }
    assert run.counts(results) == {"done": 2, "blocked": 1}
    assert run.shown(results["a"]) == {
        "status": "done",
        "changed": True,
        "calls": [call],
        "outputs": {"endpoint": "x"},
        "why": "",
        "remedy": "",
        "duration_seconds": 1.5,
    }
    assert (run.shown(results["b"])["why"], run.shown(results["b"])["remedy"]) == ("no", "ask")


@pytest.mark.parametrize(
    ("missing", "option"), [("control_region", "control_region"), ("table", "control_table"), ("bucket", "control_bucket")]
)
def test_a_control_plane_that_is_not_configured_is_said_with_its_option(missing: str, option: str) -> None:
    control = {"accounts": [], "control_region": WEST, "table": "t", "bucket": "b", missing: ""}
    with pytest.raises(InputError, match=f"set {option} in the inventory file"):
        run.Control(control)
