# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox of the integration tests, another without a server, and the tables of points that end a run."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import Sandbox, sandbox
from lab import ENDPOINT, connect
from points import SEED, Run
from scenarios import Scenario
from tally import Tally

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
def inside(sandbox_gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """An empty world in this process; this process's AWS environment points at it."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in estate.environment(sandbox_gateway, ENDPOINT).items():
        monkeypatch.setenv(name, value)
    sandbox_gateway.reset(scale=0)
    return Sandbox(sandbox_gateway, Nowhere())


@pytest.fixture
def lab(inside: Sandbox) -> Iterator[Callable[..., Run]]:
    """`lab(scenario, seed, seconds)`: a run of the scenario in a world of its own, which the next one ends."""
    with pytest.MonkeyPatch.context() as patch:
        wire = connect(inside, patch)

        def run(scenario: Scenario, seed: int = 0, seconds: int = 0) -> Run:
            inside.gateway.reset(scale=0)
            return Run(inside, wire, scenario, seed, seconds)

        logging.disable(logging.ERROR)  # what nobody reads costs as much as it does with readers
        try:
            yield run
        finally:
            logging.disable(logging.NOTSET)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The tables, of all test processes."""
    tally = Tally()
    reports = [report for some in terminalreporter.stats.values() for report in some if getattr(report, "when", "") == "call"]
    found = [value for report in reports for name, value in report.user_properties if name == "points"]
    for way, points in found:
        tally.add(way, points)
    if found:
        terminalreporter.section("points")
        for line in tally.lines(SEED):
            terminalreporter.write_line(line)
