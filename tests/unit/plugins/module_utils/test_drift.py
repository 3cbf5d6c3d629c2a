# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said to have changed since a snapshot."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.drift import compare

ONE: dict[str, Any] = {
    "key": "ecs-1",
    "dr_technology": "ecs",
    "dr_wave": 1,
    "dr_priority": "high",
    "dr_dependencies": [],
    "dr_sides": {"us-east-1": {"id": "shop/orders", "arn": "arn:1"}, "us-west-2": {"id": "shop/orders", "arn": None}},
}
MOVED = {**ONE["dr_sides"], "us-west-2": {"id": "shop/orders-b", "arn": None}}
FOUND = {**ONE["dr_sides"], "us-west-2": {"id": "shop/orders", "arn": "arn:2"}}


@pytest.mark.parametrize(
    ("now", "said"),
    [
        pytest.param([ONE], [], id="nothing"),
        pytest.param([], ["ecs-1 is gone"], id="gone"),
        pytest.param([ONE, {**ONE, "key": "ecs-2"}], ["ecs-2 is new"], id="new"),
        pytest.param([{**ONE, "dr_wave": 2}], ["wave of ecs-1 is 2, was 1"], id="wave"),
        pytest.param([{**ONE, "dr_priority": "low"}], ["priority of ecs-1 is low, was high"], id="priority"),
        pytest.param([{**ONE, "dr_dependencies": ["a", "b"]}], ["dependencies of ecs-1 is a, b, was none"], id="dependencies"),
        pytest.param([{**ONE, "dr_sides": MOVED}], ["side in us-west-2 of ecs-1 is shop/orders-b, was shop/orders"], id="side"),
        pytest.param([{**ONE, "dr_sides": FOUND}], [], id="an ARN that is known now is no change"),
    ],
)
def test_resources(now: list[dict[str, Any]], said: list[str]) -> None:
    assert [str(one) for one in compare({"resources": [ONE]}, now)] == said


@pytest.mark.parametrize(
    ("before", "now", "changed"),
    [
        pytest.param({"desired_count": 10}, {"desired_count": 12}, [], id="20 %"),
        pytest.param({"desired_count": 10}, {"desired_count": 13}, [("desired_count", 10, 13)], id="more"),
        pytest.param({"desired_count": 10}, {"desired_count": 7}, [("desired_count", 10, 7)], id="less"),
        pytest.param({"desired_count": 0}, {"desired_count": 1}, [("desired_count", 0, 1)], id="from nothing"),
        pytest.param({"epoch": 1}, {"epoch": 9}, [], id="no capacity"),
        pytest.param({}, {"desired_count": 9}, [], id="not known before"),
        pytest.param({"desired_count": 9}, {}, [], id="not known now"),
    ],
)
def test_capacities(before: dict[str, Any], now: dict[str, Any], changed: list[tuple[str, Any, Any]]) -> None:
    found = compare({"resources": [ONE], "captured": {"ecs-1": before}}, [ONE], {"ecs-1": now})
    assert [(one.what, one.before, one.now) for one in found] == changed


def test_a_change_in_json() -> None:
    (change,) = compare({"resources": [ONE]}, [])
    assert change.to_json() == {"resource": "ecs-1", "what": "gone", "before": None, "now": None, "why": "ecs-1 is gone"}
