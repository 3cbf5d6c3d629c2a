# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest: what is written about an estate beside its tags (Appendix H.2 of the requirements). On the controller only."""

from __future__ import annotations
