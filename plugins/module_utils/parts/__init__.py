# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What adapters are made of: observations (`*_state`), steps of several decisions, and what several technologies share."""

from __future__ import annotations
