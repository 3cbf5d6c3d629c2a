# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""That the document shows the prices that are used."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.dr.aws.plugins.module_utils.prices import PAGES, PRICES, PRICES_OF, RATED_FOR, RATES

DOCUMENT = Path(__file__).resolve().parents[4] / "docs/costs.md"


def table(first: str) -> tuple[list[str], list[list[str]]]:
    """(head, rows) of the document's table whose first column is called so."""
    found: list[list[str]] = []
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            if found:
                break
        elif found or line.startswith(f"| {first} |"):
            found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found[0], found[2:]


def test_the_document_has_the_table_of_instances_that_is_used() -> None:
    head, rows = table("family")
    shown: dict[str, dict[str, float]] = {technology: {} for names in head[1:] for technology in names.split(", ")}
    for family, *prices in rows:
        for names, price in zip(head[1:], prices, strict=True):
            for technology in names.split(", ") if price else ():
                shown[technology][family] = float(price)
    assert shown == PRICES


def test_the_document_has_the_table_of_everything_else_that_is_used() -> None:
    _head, rows = table("what")
    shown: dict[str, dict[str, float]] = {technology: {} for technology in RATES}
    for what, technology, price, unit in rows:
        shown[technology][what] = float(price)
        assert unit == RATED_FOR[technology]
    assert shown == RATES


def test_the_document_says_when_and_where_the_prices_are_from() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert PRICES_OF in text
    for technology, page in PAGES.items():
        assert re.search(rf"^- ([a-z]+, )*{technology}(, [a-z]+)*: <{re.escape(page)}>", text, re.MULTILINE), technology
    assert set(PAGES) == set(PRICES) | set(RATES)
    assert set(RATED_FOR) == set(RATES)
