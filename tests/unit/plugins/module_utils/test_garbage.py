# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The search for garbage is off meanwhile, and as it was afterwards."""

from __future__ import annotations

import gc

import pytest

from ansible_collections.dr.aws.plugins.module_utils.garbage import uncollected


@uncollected()
def _searching() -> bool:
    return gc.isenabled()


def test_it_is_off_meanwhile_and_on_again() -> None:
    assert gc.isenabled()
    assert not _searching()
    assert gc.isenabled()


def test_it_is_on_again_after_an_error() -> None:
    with pytest.raises(ValueError, match="broken"), uncollected():
        raise ValueError("broken")
    assert gc.isenabled()


def test_only_the_outermost_turns_it_on_again() -> None:
    with uncollected():
        _searching()
        assert not gc.isenabled()
    assert gc.isenabled()
