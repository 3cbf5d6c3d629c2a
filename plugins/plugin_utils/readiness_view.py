# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What readiness found as lines for a person: the score, what costs most first, and what has changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_collections.dr.aws.plugins.module_utils.drift import Change
from ansible_collections.dr.aws.plugins.module_utils.score import Finding

#: How many findings and changes are shown; all of them are in the answer and in the snapshot.
SHOWN = 20
#: A score below is red, one below 100 yellow.
GOOD = 80


def lines(
    scope: str, number: int, score: int, found: Sequence[Finding], changes: Sequence[Change], since: str, problems: Sequence[str]
) -> Iterator[tuple[str, str | None]]:
    """(text, colour) per line. number: of resources. since: when the snapshot was stored that `changes` count from.

    problems: what is wrong with snapshots that were not used.
    """
    for problem in problems:
        yield f"  ! not used: {problem}", "yellow"
    if changes:
        yield f"drift since the snapshot of {since}: {len(changes)} changes", "yellow"
        yield from _first([f"  {change}" for change in changes], "changes")
    colour = "green" if score == 100 else "yellow" if score >= GOOD else "red"
    yield f"readiness of {scope}: {score} of 100, {number} resources, {len(found)} findings, the worst first", colour
    yield from _first([f"  {one}" for one in found], "findings")


def _first(said: Sequence[str], what: str) -> Iterator[tuple[str, str | None]]:
    yield from ((text, "yellow") for text in said[:SHOWN])
    if len(said) > SHOWN:
        yield f"  and {len(said) - SHOWN} more {what}, in the snapshot", "yellow"
