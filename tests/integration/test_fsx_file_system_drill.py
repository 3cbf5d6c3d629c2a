# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is special about the drill of an FSx file system: its types, a directory that is not reached, and the backups untouched."""

from __future__ import annotations

from typing import Any

import pytest
from test_drills import ACCOUNT, WEST, Drilled
from test_matrix import MATRIX


@pytest.mark.parametrize("kind", ["LUSTRE", "OPENZFS"])
def test_types_that_join_no_directory(sandbox: Any, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setitem(MATRIX["fsx"], "resource", {**MATRIX["fsx"]["resource"], "type": kind})
    world = Drilled(sandbox, "fsx")
    before = shown(world)
    results = [world.drill.one(phase) for phase in ("instantiate", "activate")]
    assert [result.status for result in results] == ["done", "done"], results
    assert (results[1].outputs["type"], results[1].outputs["data_from"][:2]) == (kind, "20")
    assert world.drill.one("cleanup").status == "done"
    assert shown(world) == before, "no backup is left of the copy, and none is gone"


def test_a_copy_that_does_not_reach_its_directory_is_blocked_and_removed(sandbox: Any) -> None:
    world = Drilled(sandbox, "fsx")
    before = shown(world)
    sandbox.gateway.context("fsx", ACCOUNT, WEST).store["restore"] = "misconfigured"
    result = world.drill.one("instantiate")
    assert (result.status, "MISCONFIGURED" in result.why, "cleanup" in result.remedy) == ("blocked", True, True), result
    assert world.drill.one("cleanup").status == "done"
    assert shown(world) == before


def test_without_a_directory_in_the_room_there_is_no_drill_of_windows(sandbox: Any) -> None:
    world = Drilled(sandbox, "fsx")
    directories = sandbox.inside("ds", WEST, ACCOUNT)
    for one in directories.describe_directories()["DirectoryDescriptions"]:
        directories.delete_directory(DirectoryId=one["DirectoryId"])
    result = world.drill.one("instantiate")
    assert (result.status, "create-microsoft-ad" in result.remedy, world.sent()) == ("blocked", True, []), result


def shown(world: Drilled) -> list[Any]:
    """File systems, backups and network interfaces of the target region."""
    fsx, ec2 = (world.sandbox.inside(service, WEST, ACCOUNT) for service in ("fsx", "ec2"))
    interfaces = ec2.describe_network_interfaces()["NetworkInterfaces"]
    return [
        fsx.describe_file_systems()["FileSystems"],
        fsx.describe_backups()["Backups"],
        sorted(one["NetworkInterfaceId"] for one in interfaces),
    ]
