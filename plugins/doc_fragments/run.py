# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of what works on an execution: the way to the control plane, and the execution."""

from __future__ import annotations


class ModuleDocFragment:
    """dr.aws.run"""

    DOCUMENTATION = r"""
options:
  control:
    description:
      - How to reach AWS and the control plane, as the inventory plugin P(dr.aws.resources#inventory) gives it in the variable
        C(dr_control) of C(localhost).
    type: dict
    required: true
"""

    EXECUTION = r"""
options:
  execution:
    description: The execution, the fact C(dr_execution) that M(dr.aws.plan) gives.
    type: dict
    required: true
"""

    ATTRIBUTES = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) without any mutating call, neither to the estate nor to the control plane.
    support: full
  diff_mode:
    description: Will return details on what has changed, or would change, in C(diff_mode).
    support: none
  bypass_host_loop:
    description: Runs once for all hosts of the play's batch. Use it with C(run_once).
    support: full
"""

    MODULE = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) without any mutating call.
    support: full
  diff_mode:
    description: Will return details on what has changed, or would change, in C(diff_mode).
    support: none
"""
