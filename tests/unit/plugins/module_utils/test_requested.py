# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run may say about an execution that was asked for before it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.errors import DrError
from ansible_collections.dr.aws.plugins.module_utils.requested import taken, unplanned

ASKED = {
    "customer": "acme",
    "environment": "production",
    "primary_region": "us-east-1",
    "dr_region": "us-west-2",
    "mode": "unplanned",
    "approval_mode": "required",
    "waves": [1, 2],
}
RECORD = {"execution_id": "dr-20261128T163000Z-7f3a9c", "operation": "failover", "status": "PENDING", "asked": ASKED}


def test_an_execution_is_unplanned_until_a_run_has_planned_it() -> None:
    assert unplanned(RECORD)
    assert not unplanned({**RECORD, "plan_sha256": "ab"})
    assert not unplanned({"execution_id": "dr-1", "status": "RUNNING"})


def test_a_run_does_what_was_asked_for_and_adds_what_was_not_said() -> None:
    given = {"operation": "failover", "execution_id": RECORD["execution_id"], "mode": "", "parallelism": 20, "customer": "acme"}
    assert taken(RECORD, given) == {**ASKED, "operation": "failover", "execution_id": None, "parallelism": 20}
    everything = {**RECORD, "asked": {**ASKED, "waves": []}}
    assert taken(everything, {"operation": "failover", "waves": ""})["waves"] == ""


@pytest.mark.parametrize(
    ("changes", "options", "said"),
    [
        ({}, {"operation": "failback"}, "asked for as a failover, not as a failback"),
        ({"status": "CANCELLED"}, {"operation": "failover"}, "is CANCELLED, and was never planned"),
        ({}, {"operation": "failover", "customer": "globex"}, "customer='globex' cannot be used; allowed: acme, as execution"),
        ({}, {"operation": "failover", "waves": "3"}, "waves='3' cannot be used; allowed: .1, 2., as execution"),
    ],
)
def test_a_run_that_asks_for_something_else_is_refused(changes: dict[str, Any], options: dict[str, Any], said: str) -> None:
    with pytest.raises(DrError, match=said):
        taken({**RECORD, **changes}, options)
