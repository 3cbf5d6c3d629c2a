# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox of the integration tests, another without a server, and the tables of points that end a run."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import Sandbox, sandbox
from lab import ENDPOINT, connect
from points import SEED, Run
from scenarios import Scenario

from sandbox import estate
from sandbox.gateway import Gateway

__all__ = ["sandbox"]


class Nowhere:
    """In place of the sandbox's server: everything stays in this process."""

    endpoint = ENDPOINT


@pytest.fixture(scope="session")
def sandbox_gateway() -> Gateway:
    """One per test process: moto keeps its state for the whole process."""
    return Gateway(scale=0)


@pytest.fixture
def lab(sandbox_gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Run]]:
    """`lab(scenario, seed, seconds)`: a run of the scenario in a world of its own, which the next one ends."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in estate.environment(sandbox_gateway, ENDPOINT).items():
        monkeypatch.setenv(name, value)
    world = Sandbox(sandbox_gateway, Nowhere())
    with pytest.MonkeyPatch.context() as patch:
        wire = connect(world, patch)

        def run(scenario: Scenario, seed: int = 0, seconds: int = 0) -> Run:
            sandbox_gateway.reset(scale=0)
            return Run(world, wire, scenario, seed, seconds)

        yield run


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Points tried, held and failed: by scenario and kind of fault, and by invariant."""
    kinds, invariants = Counter[tuple[str, str, str]](), Counter[tuple[str, str]]()
    reports = [report for some in terminalreporter.stats.values() for report in some if hasattr(report, "user_properties")]
    for way, points in (value for report in reports for name, value in report.user_properties if name == "points"):
        for point in points:
            named = point["faults"][0][1] if len(point["faults"]) == 1 else "two faults"
            kinds[way, named, "failed" if point["broken"] else "held"] += 1
            failed = {invariant for invariant, _said in point["broken"]}
            for invariant in point["checked"]:
                invariants[invariant, "failed" if invariant in failed else "held"] += 1
    if not kinds:
        return
    terminalreporter.section("points")
    rows = [
        (f"{way:<10} {kind}", kinds[way, kind, "held"], kinds[way, kind, "failed"])
        for way, kind in sorted({key[:2] for key in kinds})
    ]
    for title, table in (("by scenario and kind of fault", rows), ("by invariant", _rows(invariants))):
        terminalreporter.write_line(f"{title:<52} {'tried':>8} {'held':>8} {'failed':>8}")
        for name, held, failed in table:
            terminalreporter.write_line(f"{name:<52} {held + failed:>8} {held:>8} {failed:>8}")
    held, failed = (sum(row[column] for row in rows) for column in (1, 2))
    terminalreporter.write_line(f"{f'all points, seed {SEED}':<52} {held + failed:>8} {held:>8} {failed:>8}")


def _rows(counted: Counter[tuple[str, str]]) -> list[tuple[str, int, int]]:
    return [
        (name, counted[name, "held"], counted[name, "failed"]) for name in sorted({name for name, _how in counted}, key=_number)
    ]


def _number(invariant: str) -> int:
    return int(invariant.partition(" ")[0])
