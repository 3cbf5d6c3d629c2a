# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a move loses, shown by markers that are written where each technology keeps data: planned nothing, else at most the lag."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest
from test_matrix import ACCOUNT, EAST, WEST, World

#: Technologies that keep data -> fields of a resource and its peer with which the copy is LAG seconds behind, or an old backup.
LAGGING: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "aurora": ({}, {"lag": 120}),
    "drs": ({"lag_seconds": 120}, {}),
    "efs": ({}, {"lag": 120}),
    "elasticache": ({}, {"lag": 120}),
    "fsx": ({}, {"age": 86_400}),
    "memorydb": ({}, {"lag": 120_000}),
    "opensearch": ({}, {"lag": 120}),
    "rds": ({}, {"lag": 120}),
}
LAG = 120


class Data:
    """Reads and writes the only resource of a technology, wherever it takes writes."""

    def __init__(self, sandbox: Any, technology: str) -> None:
        self.sandbox, self.technology = sandbox, technology

    def serving(self, region: str) -> dict[str, Any]:
        (found,) = [one for one in self.sandbox.markers(self.technology, region) if one["writable"]]
        return dict(found)

    def write(self, region: str, *markers: str) -> None:
        for marker in markers:
            self.sandbox.write(self.technology, ACCOUNT, region, self.serving(region)["key"], marker)

    def read(self, region: str) -> list[str]:
        return list(self.serving(region)["markers"])


@pytest.mark.parametrize("technology", LAGGING)
def test_planned_nothing_is_lost_there_and_back(sandbox: Any, technology: str) -> None:
    """Written to the very end: what is written just before the source is left is there when the other side serves."""
    world = World(sandbox, technology, "unplanned")
    world.mode, data = "planned", Data(sandbox, technology)
    data.write(EAST, "first")
    sandbox.advance(600)
    assert world.flow.one("instantiate").status == "done"
    data.write(EAST, "last")
    result = world.flow.one("activate")
    assert result.status == "done", result
    sandbox.advance(600)
    assert data.read(WEST) == ["first", "last"]


@pytest.mark.parametrize("technology", ["elasticache", "memorydb"])
def test_planned_what_is_not_fenced_waits_until_everything_has_arrived(sandbox: Any, technology: str) -> None:
    """It never does while the lag stays: then the source goes on, and has everything."""
    world = World(sandbox, technology, "unplanned", LAGGING[technology][1])
    world.mode, data = "planned", Data(sandbox, technology)
    data.write(EAST, "last")
    result = world.flow.one("activate")
    assert (result.status, result.calls, data.read(EAST)) == ("failed", (), ["last"])
    assert "120 s are left" in result.why


@pytest.mark.parametrize("technology", LAGGING)
def test_unplanned_no_more_is_lost_than_the_lag_said(sandbox: Any, technology: str) -> None:
    more, peer = LAGGING[technology]
    world = World(sandbox, technology, "unplanned", peer, **more)
    data = Data(sandbox, technology)
    data.write(EAST, "arrived")
    sandbox.advance(max(world.pair.rpo_seconds, LAG) + 1)
    result = world.flow.one("instantiate", "unplanned")
    assert result.status == "done", result
    sandbox.dark(EAST)
    data.write(EAST, "on its way")
    result = world.flow.one("activate", "unplanned")
    assert result.status == "done", result
    assert data.read(WEST) == ["arrived"]


def test_writes_are_refused_where_nothing_takes_them(sandbox: Any) -> None:
    """By the replica, by what is fenced, by what does not exist; and the door says what is there."""
    world, door = World(sandbox, "rds", "unplanned"), http.client.HTTPConnection("127.0.0.1", sandbox.server.port)
    place = {"service": "rds", "account": ACCOUNT}

    def post(**more: str) -> tuple[int, str]:
        door.request("POST", "/_sandbox/markers", json.dumps({**place, **more}))
        answer = door.getresponse()
        return answer.status, answer.read().decode()

    assert post(region=EAST, name="orders", marker="m1")[0] == 200
    assert post(region=WEST, name="orders", marker="m2") == (400, refusal("orders in us-west-2", "0 of 1 take writes"))
    assert post(region=EAST, name="nobody", marker="m2") == (400, refusal("nobody in us-east-1", "there is none"))
    for phase in ("instantiate", "activate"):
        assert world.flow.one(phase).status == "done"
    assert post(region=EAST, name="orders", marker="m2") == (400, refusal("orders in us-east-1", "0 of 1 take writes"))
    door.request("GET", "/_sandbox/markers")
    holders = json.loads(door.getresponse().read())["holders"]
    assert {one["region"]: (one["writable"], one["markers"]) for one in holders} == {EAST: (False, ["m1"]), WEST: (True, ["m1"])}


def refusal(where: str, why: str) -> str:
    return json.dumps({"error": f"rds {where} of {ACCOUNT} takes no marker: {why}"}) + "\n"


def test_every_technology_that_keeps_data_is_here(sandbox: Any) -> None:
    sandbox.load("atlas")
    assert {one["service"] for one in sandbox.gateway.markers.found()} == set(LAGGING)
