# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports: what the store holds of executions as one JSON value, and that value as HTML, JUnit XML and CSV.

`reading` and `keeping` do the I/O; all else is pure. Renderers take the JSON value and nothing else: a stored report can be shown
again without its execution.
"""

from __future__ import annotations
