# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox of the integration tests, and the table of points that ends a run."""

from __future__ import annotations

from typing import Any

from conftest import sandbox, sandbox_gateway
from points import TRIED

__all__ = ["sandbox", "sandbox_gateway"]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Points tried and held, by scenario and kind of fault."""
    if not TRIED:
        return
    terminalreporter.section("points tried")
    for (scenario, kind), (tried, held) in sorted(TRIED.items()):
        terminalreporter.write_line(f"{scenario:<24} {kind:<14} {tried:>6} tried {held:>6} held")
    total = [sum(column) for column in zip(*TRIED.values(), strict=True)]
    terminalreporter.write_line(f"{'all':<24} {'':<14} {total[0]:>6} tried {total[1]:>6} held")
