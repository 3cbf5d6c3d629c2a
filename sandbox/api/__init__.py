# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The product's API of Appendix G before the simulated AWS: what API Gateway and Lambda are to the real one."""

from __future__ import annotations
