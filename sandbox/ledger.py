# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of operations in the README, made from what the service files register."""

from __future__ import annotations

from pathlib import Path

from . import registry

README = Path(__file__).parent / "README.md"
BEGIN, END = "<!-- ledger: python -m sandbox ledger -->", "<!-- end of ledger -->"


def table() -> str:
    """Markdown: a row per service."""
    registry.discover()
    services: dict[str, tuple[list[str], list[str]]] = {}
    for column, operations in enumerate((list(registry.OPERATIONS), list(registry.CORRECTIONS))):
        for service, operation in operations:
            services.setdefault(service, ([], []))[column].append(operation)
    rows = [
        f"| {name} | {' '.join(sorted(ours))} | {' '.join(sorted(corrected))} |"
        for name, (ours, corrected) in sorted(services.items())
    ]
    return "\n".join(["| service | ours | corrected |", "|---|---|---|", *rows])


def current() -> bool:
    """Whether the README has this table."""
    return README.read_text() == _updated()


def write() -> None:
    """Put it there."""
    README.write_text(_updated())


def _updated() -> str:
    text = README.read_text()
    head, _unused, rest = text.partition(BEGIN)
    _unused, _unused, tail = rest.partition(END)
    return f"{head}{BEGIN}\n\n{table()}\n\n{END}{tail}"
