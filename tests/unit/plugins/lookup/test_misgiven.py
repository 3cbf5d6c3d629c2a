# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that Ansible would take without a word."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.lookup.misgiven import problems

FAILOVER = ("customer", "mode", "waves", "phases", "execution_id", "approval_timeout_seconds")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("mod", "mode"),
        ("wave", "waves"),
        ("phase", "phases"),
        ("Mode", "mode"),
        ("execution-id", "execution_id"),
        ("exeuction_id", "execution_id"),
        ("execution", "execution_id"),
        ("approval_timeout", "approval_timeout_seconds"),
    ],
)
def test_what_is_nearly_a_parameter_is_named(name: str, meant: str) -> None:
    (said,) = problems(FAILOVER, [], {name: "a-secret"}, [])
    assert said.startswith(f"{name} is no parameter of this playbook; allowed: customer, mode, ")
    assert said.endswith(f"Next: -e {meant}=…")
    assert "a-secret" not in said


@pytest.mark.parametrize("given", [{"mode": 1, "waves": 2}, {"region": 1, "shop_url": 2, "awx_job_id": 3, "ansible_user": 4}])
def test_parameters_and_what_is_none_at_all_are_left_alone(given: dict[str, Any]) -> None:
    assert list(problems(FAILOVER, [], given, [])) == []


def test_what_is_missing_is_named_unless_it_is_set_anywhere() -> None:
    (said,) = problems(("token", "execution_id"), ("token", "execution_id"), {}, {"token"})
    assert said == "execution_id is not given; allowed: token, execution_id. Next: -e execution_id=…"


def test_a_value_that_was_cut_off_at_a_space_is_named() -> None:
    (said,) = problems(("reason",), [], {"reason": "the", "_raw_params": "network team looks"}, [])
    assert "'network team looks'" in said
