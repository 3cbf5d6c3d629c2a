# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One file per AWS service. Every module here is imported when a gateway is made; adding a file needs no other edit."""
