# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line."""

from __future__ import annotations

import pytest
import yaml

from sandbox.__main__ import main
from sandbox.gateway import Gateway


def test_an_estate_is_written_as_yaml(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["estate", "--resources", "6", "--accounts", "2", "--technology", "ecs", "--technology", "rds", "--waves", "3"]) == 0
    )
    made = yaml.safe_load(capsys.readouterr().out)
    assert [one["kind"] for one in made["resources"]] == ["ecs_service", "rds_instance"] * 3
    assert [one["tags"]["dr:wave"] for one in made["resources"]] == ["1", "1", "2", "2", "3", "3"]
    assert [account["id"] for account in made["accounts"]] == ["100000000000", "200000000000", "200000000001"]


def test_the_ledger_can_be_checked() -> None:
    assert main(["ledger", "--check"]) == 0


def test_an_estate_that_is_not_there_ends_serve(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--estate", "nowhere.yml"]) == 2
    assert "nowhere.yml" in capsys.readouterr().err


def test_no_command_is_a_mistake() -> None:
    with pytest.raises(SystemExit):
        main([])


def test_two_worlds_do_not_share_their_clients() -> None:
    for _unused in range(2):
        assert Gateway(scale=0).client("s3", "us-west-2", "200000000001").list_buckets()["Buckets"] == []
