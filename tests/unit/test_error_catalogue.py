# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/errors.md is what the code says."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_SPEC = importlib.util.spec_from_file_location("error_catalogue", ROOT / "tools/error_catalogue.py")
assert _SPEC is not None and _SPEC.loader is not None
TOOL = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(TOOL)


def test_the_page_of_errors_is_current() -> None:
    assert (ROOT / "docs/errors.md").read_text(encoding="utf-8") == TOOL.catalogue(), "python tools/error_catalogue.py"


def test_the_page_has_errors_of_each_kind_with_their_remedies() -> None:
    page = TOOL.catalogue()
    assert "| object_lock_days: allowed: a number of days, at least 1 | -e object_lock_days=2557, or leave it out |" in page
    assert "| bucket …, for evidence, does not exist | ansible-playbook dr.aws.control_plane |" in page
    assert all(part in page for part in TOOL.SECTIONS.values())
