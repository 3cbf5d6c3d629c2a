# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection is tested under its own name, `ansible_collections.dr.aws`, out of the tree that `make setup` lays.

The import path itself is pytest's `pythonpath` in pyproject.toml.
"""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest

_TREE = Path(__file__).resolve().parent.parent / ".build/ansible_collections"


# The same examples in every run, however slow the machine is.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.load_profile("repeatable")


def pytest_configure() -> None:
    """Says what to do when the tree is missing, rather than that each module cannot be imported."""
    for collection in ("dr/aws/plugins", "amazon/aws/plugins"):
        if not (_TREE / collection).is_dir():
            raise pytest.UsageError(f"{_TREE / collection} is missing: run `make setup`")
