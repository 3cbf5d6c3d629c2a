# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be asked for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.errors import InputError
from ansible_collections.dr.aws.plugins.module_utils.model import DRILL_PHASES, PHASES
from ansible_collections.dr.aws.plugins.module_utils.parameters import (
    Facts,
    Parameters,
    detected_at,
    parse_waves,
    validate_parameters,
)

EAST, WEST = "us-east-1", "us-west-2"
FACTS = Facts((EAST, WEST), frozenset({("acme", "production"), ("acme", "staging"), ("shop", "production")}))
ASKED = {"customer": "acme", "environment": "production", "primary_region": EAST, "dr_region": WEST}
PARAMETERS = Parameters(customer="acme", environment="production", primary_region=EAST, dr_region=WEST)
ACCOUNT = "111111111111"
NOW = datetime(2026, 11, 28, 16, 30, tzinfo=UTC).timestamp()


class TestParameters:
    def test_defaults_are_the_careful_ones(self) -> None:
        found = validate_parameters(ASKED, FACTS)
        assert (found.operation, found.mode, found.approval_mode, found.cleanup_policy) == (
            "failover",
            "planned",
            "required",
            "quarantine",
        )
        assert (found.phases, found.waves, found.parallelism, found.execution_id) == (PHASES, (), 10, "")
        assert not found.accept_partial_inventory

    @pytest.mark.parametrize(
        ("changes", "field", "allowed", "remedy"),
        [
            ({"customer": None}, "customer", "acme, shop", "-e customer=acme"),
            ({"customer": "acne"}, "customer", "acme, shop", "-e customer=acme"),
            ({"environment": ""}, "environment", "production, staging", "-e environment=production"),
            ({"environment": "development"}, "environment", "production, staging", "-e environment=production"),
            ({"primary_region": None}, "primary_region", "us-east-1, us-west-2", "-e primary_region=us-east-1"),
            ({"primary_region": "east"}, "primary_region", "us-east-1, us-west-2", "-e primary_region=us-east-1"),
            ({"dr_region": "eu-west-1"}, "dr_region", "us-east-1, us-west-2", "add eu-west-1 to regions in the inventory file"),
            ({"dr_region": EAST}, "dr_region", "other than primary_region", "-e dr_region=us-west-2"),
            ({"operation": "move"}, "operation", "failover, failback, test", "-e operation=failover"),
            ({"mode": "forced"}, "mode", "planned, unplanned", "-e mode=planned"),
            ({"approval_mode": "none"}, "approval_mode", "required, automatic", "-e approval_mode=required"),
            ({"cleanup_policy": "delete"}, "cleanup_policy", "quarantine, remove", "-e cleanup_policy=quarantine"),
            ({"on_wave_failure": "undo"}, "on_wave_failure", "stop, rollback", "-e on_wave_failure=stop"),
            ({"rollback_scope": "2"}, "rollback_scope", "wave, all", "-e rollback_scope=wave"),
            ({"undo_window_minutes": 10081}, "undo_window_minutes", "from 0 to 10080", "-e undo_window_minutes=0"),
            ({"operation": "test", "on_wave_failure": "rollback"}, "on_wave_failure", "stop, or an operation", "leave it out"),
            ({"operation": "reprotect", "undo_window_minutes": 5}, "undo_window_minutes", "0, or an operation", "leave it out"),
            (
                {"operation": "test", "phases": "instantiate,activate"},
                "phases",
                "a drill removes what it makes",
                "-e phases=instantiate,activate,cleanup",
            ),
            ({"waves": "0"}, "waves", "from 1 to 10", "-e waves=1,3-4"),
            ({"waves": "3-1"}, "waves", "from 1 to 10", "-e waves=1,3-4"),
            ({"waves": [True]}, "waves", "from 1 to 10", "-e waves=1,3-4"),
            ({"waves": "1,all"}, "waves", "from 1 to 10", "-e waves=1,3-4"),
            (
                {"phases": "activate,destroy"},
                "phases",
                "instantiate, activate, cleanup, replicate",
                "-e phases=instantiate,activate",
            ),
            ({"parallelism": "0"}, "parallelism", "from 1 to 200", "-e parallelism=10"),
            ({"parallelism": "many"}, "parallelism", "from 1 to 200", "-e parallelism=10"),
            ({"parallelism": True}, "parallelism", "from 1 to 200", "-e parallelism=10"),
            ({"accept_partial_inventory": "perhaps"}, "accept_partial_inventory", "true or false", "=false"),
            ({"execution_id": "latest"}, "execution_id", "dr-20261128T163000Z-7f3a9c", "dr.aws.status"),
        ],
    )
    def test_what_cannot_be_used_is_named_with_the_remedy(
        self, changes: Mapping[str, Any], field: str, allowed: str, remedy: str
    ) -> None:
        with pytest.raises(InputError) as caught:
            validate_parameters({**ASKED, **changes}, FACTS)
        error = caught.value
        assert (error.field, error.value) == (field, changes[field])
        assert allowed in error.allowed
        assert remedy in error.remedy
        assert all(part in str(error) for part in (field, allowed, remedy))

    def test_a_customer_that_is_no_name_is_refused_though_tagged(self) -> None:
        odd = Facts((EAST, WEST), frozenset({("ac me", "production")}))
        with pytest.raises(InputError, match="letters, digits and -"):
            validate_parameters({**ASKED, "customer": "ac me"}, odd)

    def test_an_environment_outside_the_schema_is_refused_though_tagged(self) -> None:
        odd = Facts((EAST, WEST), frozenset({("acme", "prod")}))
        with pytest.raises(InputError, match="production, staging, development"):
            validate_parameters({**ASKED, "environment": "prod"}, odd)

    def test_an_empty_inventory_is_an_error(self) -> None:
        with pytest.raises(InputError, match="at least one protected resource"):
            validate_parameters(ASKED, Facts((EAST, WEST), frozenset()))

    @pytest.mark.parametrize(
        ("given", "waves"), [("1,3-4", (1, 3, 4)), (2, (2,)), ([3, "1"], (1, 3)), (None, ()), ("", ()), ([], ()), (" 2 , 2 ", (2,))]
    )
    def test_waves(self, given: Any, waves: tuple[int, ...]) -> None:
        assert parse_waves(given) == waves

    @pytest.mark.parametrize(
        ("given", "at"),
        [
            (None, ""),
            ("", ""),
            ("2026-11-28T16:00:00Z", "2026-11-28T16:00:00Z"),
            ("2026-11-28T18:00:00.5+02:00", "2026-11-28T16:00:00Z"),
            (datetime(2026, 11, 28, 16, tzinfo=UTC), "2026-11-28T16:00:00Z"),
        ],
    )
    def test_when_it_was_detected(self, given: Any, at: str) -> None:
        assert detected_at(given, NOW) == at

    @pytest.mark.parametrize(
        "given", ["16:00", "soon", "2026-11-28", "2026-11-28T16:00:00", "2026-11-28T16:30:01Z", "1950-01-01T00:00:00Z", 7, True]
    )
    def test_a_time_of_detection_that_cannot_be_is_refused(self, given: Any) -> None:
        with pytest.raises(InputError, match="a time in the past with its offset"):
            detected_at(given, NOW)

    def test_failback_leaves_the_dr_region(self) -> None:
        back = validate_parameters({**ASKED, "operation": "failback"}, FACTS)
        assert (back.source_region, back.target_region) == (WEST, EAST)
        assert (PARAMETERS.source_region, PARAMETERS.target_region) == (EAST, WEST)

    def test_an_arn_names_an_execution_too(self) -> None:
        arn = "arn:aws:dr-aws:us-west-2::execution/dr-20261128T163000Z-7f3a9c"
        assert validate_parameters({**ASKED, "execution_id": arn}, FACTS).execution_id == "dr-20261128T163000Z-7f3a9c"

    def test_what_the_inventory_says_of_itself(self) -> None:
        said = {
            "regions": [EAST, WEST],
            "complete": False,
            "errors": [],
            "stale": [{"account": ACCOUNT, "region": EAST}],
            "violations": [],
        }
        facts = Facts.of(said, [("acme", "production")])
        assert facts == Facts((EAST, WEST), frozenset({("acme", "production")}), stale=frozenset({(ACCOUNT, EAST)}), complete=False)

    def test_a_drill_has_no_replicate(self) -> None:
        assert validate_parameters({**ASKED, "operation": "test"}, FACTS).phases == DRILL_PHASES
        with pytest.raises(InputError) as caught:
            validate_parameters({**ASKED, "operation": "test", "phases": "replicate"}, FACTS)
        assert (caught.value.field, caught.value.allowed) == ("phases", "instantiate, activate, cleanup")
