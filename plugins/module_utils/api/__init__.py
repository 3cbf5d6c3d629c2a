# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API of Appendix G of the requirements: a Lambda function behind API Gateway, over the store that the playbooks use."""

from __future__ import annotations
