# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator has a run carry out: hooks around phases and waves, and business checks before DNS moves. docs/hooks.md."""

from __future__ import annotations
