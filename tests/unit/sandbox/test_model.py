# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values against botocore's models."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.calls import mutating
from sandbox.model import operation_model, violations


def errors(operation: str, params: dict[str, Any]) -> list[str]:
    return violations(operation_model("drs", operation).input_shape, params)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"sourceServers": [{"sourceServerID": "s-0123456789abcdef0"}]}, []),
        ({}, [".sourceServers: required member missing"]),
        ({"sourceServers": {}}, [".sourceServers: not a list"]),
        ({"sourceServers": [], "nonsense": 1}, [".nonsense: unknown member"]),
        ({"sourceServers": [], "isDrill": "yes"}, [".isDrill: str, not a boolean"]),
        ({"sourceServers": [], "tags": {"a": 1}}, [".tags{}: int, not a string"]),
    ],
)
def test_what_the_model_does_not_allow_is_named(params: dict[str, Any], expected: list[str]) -> None:
    assert errors("StartRecovery", params) == expected


def test_patterns_and_enums_count() -> None:
    found = errors("StartRecovery", {"sourceServers": [{"sourceServerID": "server one 17 chars"}]})
    assert len(found) == 1
    assert "does not match" in found[0]
    output = operation_model("drs", "DescribeJobs").output_shape
    found = violations(output, {"items": [{"jobID": "drsjob-0123456789abcdef0", "status": "DONE"}]})
    assert found == [".items[].status: 'DONE' is none of PENDING, STARTED, COMPLETED"]


@pytest.mark.parametrize(
    "operation", ["DescribeDBInstances", "ListTasks", "GetItem", "BatchGetItem", "AssumeRole", "HeadObject", "Query"]
)
def test_reads_are_not_mutating(operation: str) -> None:
    assert not mutating(operation)


@pytest.mark.parametrize(
    "operation", ["PutItem", "PromoteReadReplica", "TestFailover", "StartRecovery", "Invoke", "ChangeResourceRecordSets"]
)
def test_everything_else_is(operation: str) -> None:
    assert mutating(operation)
