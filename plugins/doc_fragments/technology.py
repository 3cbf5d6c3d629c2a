# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that every technology module has."""

from __future__ import annotations


class ModuleDocFragment:
    """dr.aws.technology"""

    DOCUMENTATION = r"""
options:
  phase:
    description:
      - What is to hold at the end.
      - V(instantiate) makes the target side stand by; V(activate) makes it serve; V(cleanup) takes the old side out of service;
        V(replicate) makes the old side stand by for the new one; V(rollback) makes the source side serve again where that is possible.
    type: str
    required: true
    choices: [instantiate, activate, cleanup, replicate, rollback]
  name:
    description: The resource's identifier in O(source_region).
    type: str
    required: true
  target_name:
    description: The resource's identifier in O(target_region), when it differs from O(name).
    type: str
  source_region:
    description: The region that is being left.
    type: str
    required: true
  target_region:
    description: The region that is being activated.
    type: str
    required: true
  account:
    description: The account that holds the resource. The caller's own account when it is left out.
    type: str
  role_arn:
    description: The role to assume in O(account). The caller's own credentials are used when it is left out.
    type: str
  external_id:
    description: The external ID that the trust policy of O(role_arn) asks for.
    type: str
  mode:
    description:
      - V(planned) needs the source region to answer and loses nothing.
      - V(unplanned) goes on without the source region where that is safe.
    type: str
    default: planned
    choices: [planned, unplanned]
  cleanup_policy:
    description:
      - What O(phase=cleanup) does with the old side.
      - V(quarantine) stops, renames or scales it to zero and keeps its data; V(remove) deletes it, with a final snapshot where the service has one.
    type: str
    default: quarantine
    choices: [quarantine, remove]
  captured:
    description: What readiness captured of the source while all was well, for a source region that does not answer.
    type: dict
  rpo_seconds:
    description: The replication lag, in seconds, beyond which a planned O(phase=activate) is refused.
    type: int
    default: 300
  drill_id:
    description:
      - Carries the phase out as a drill of this name, on an isolated copy of the standby in O(target_region), never on the resource itself.
      - V(instantiate) makes the copy, V(activate) makes it serve, V(cleanup) removes everything of the drill. Other phases are refused.
      - What is made carries the tags C(dr:drill-id) and C(dr:drill-of). What drills need is in the guide for drills, C(docs/drills.md).
    type: str
  drill:
    description: What is prepared for drills under another name than C(dr-drill), as the technology's page says.
    type: dict
  poll_limit_seconds:
    description: An upper bound for the pause between two looks at AWS. The technology's own pauses are used when it is left out.
    type: float
"""

    ATTRIBUTES = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return what it would do first, without any mutating call.
    support: full
  diff_mode:
    description: Will return what is observed before and after, or the next call in check mode.
    support: full
"""
