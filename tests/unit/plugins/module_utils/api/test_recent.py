# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a status is kept, and what ends that."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.api.recent import KEPT, SECONDS, Recent


class Asked:
    """Statuses that are numbered as they are read, on a clock of one's own."""

    def __init__(self) -> None:
        self.time, self.reads = 0.0, 0
        self.recent = Recent(lambda: self.time)

    def status(self, name: str = "dr-1", ver: int = 1) -> int:
        return int(self.recent.status({"execution_id": name, "ver": ver}, self._read)["number"])

    def _read(self) -> dict[str, Any]:
        self.reads += 1
        return {"number": self.reads}


@pytest.mark.parametrize(
    ("seconds", "ver", "number"),
    [(0.0, 1, 1), (SECONDS - 0.01, 1, 1), (SECONDS, 1, 2), (5.0, 1, 2), (0.0, 2, 2), (0.5, 0, 2)],
)
def test_a_status_counts_for_a_moment_and_for_one_version(seconds: float, ver: int, number: int) -> None:
    asked = Asked()
    assert asked.status() == 1
    asked.time = seconds
    assert asked.status(ver=ver) == number


def test_being_asked_for_keeps_nothing_longer() -> None:
    asked = Asked()
    for asked.time in (0.0, 0.4, 0.8):
        assert asked.status() == 1
    asked.time = 1.1
    assert asked.status() == 2


def test_its_age_is_that_of_the_question_not_of_the_answer() -> None:
    asked = Asked()

    def slow() -> dict[str, Any]:
        asked.time += 0.9
        return {"number": 7}

    assert asked.recent.status({"execution_id": "dr-1", "ver": 1}, slow)["number"] == 7
    asked.time += 0.2
    assert asked.status() == 1, "read anew"


def test_executions_are_kept_apart_and_only_so_many() -> None:
    asked = Asked()
    assert [asked.status(f"dr-{number}") for number in range(KEPT + 1)] == list(range(1, KEPT + 2))
    assert asked.status("dr-1") == 2, "kept"
    assert asked.status("dr-0") == KEPT + 2, "the oldest made room"


def test_what_cannot_be_read_is_not_kept() -> None:
    asked = Asked()

    def refused() -> dict[str, Any]:
        raise OSError("no answer")

    with pytest.raises(OSError, match="no answer"):
        asked.recent.status({"execution_id": "dr-1", "ver": 1}, refused)
    assert asked.status() == 1
