# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Service quotas: how full they are, and whether what a failover needs fits in (FR-6.4). `quotas` is the table."""

from __future__ import annotations
