# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rehearsals: a readiness snapshot is built again in a sandbox and failed over there, on simulated time.

The only room of the sandbox that knows the product: it runs the product's own plan and engine.
"""
