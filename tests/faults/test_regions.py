# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions that fail in other ways than at one call, for each technology. FULL=1 tries all cases, otherwise a fixed sample is."""

from __future__ import annotations

import os

import pytest
import test_matrix
from conftest import Sandbox
from lab import connect
from regions import CHANGES, ELSEWHERE, HALF, QUIET, SERVICES, Case, Life, cases, sample


@pytest.mark.parametrize("case", cases() if os.environ.get("FULL") else sample(), ids=str)
def test_a_region_that_fails(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    connect(sandbox, monkeypatch)
    if case.kind == ELSEWHERE:
        monkeypatch.setattr(test_matrix, "EAST", "eu-west-1")
    life = Life(sandbox, case)
    ended = life.lead()
    assert case.unexpected(ended) == {}
    life.end_well(ended)
    assert life.wrong == []
    assert case.kind == ELSEWHERE or life.asked <= set(SERVICES[case.technology])
    assert case.kind != HALF or case.detail in life.asked
    assert case.kind != CHANGES or life.refused is (case.technology not in QUIET)
