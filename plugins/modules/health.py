#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: health
short_description: Proves a wave of resources healthy after it was activated
version_added: 0.1.0
description:
  - Runs each technology's checks, and the URL of the tag C(dr:health-check-url), until no resource is UNHEALTHY or the time is over.
  - Fails when a resource is still UNHEALTHY then. DEGRADED resources are shown and do not stop the run.
options:
  timeout_seconds:
    description: How long to wait until nothing is UNHEALTHY.
    type: float
    default: 300
  override_reason:
    description: Go on although resources are UNHEALTHY, for this reason, which is recorded.
    type: str
extends_documentation_fragment:
  - dr.aws.run
  - dr.aws.run.execution
  - dr.aws.run.attributes
author:
  - dr.aws maintainers (@dr-aws)
"""

EXAMPLES = r"""
- name: Prove the wave healthy
  dr.aws.health:
    control: "{{ hostvars['localhost']['dr_control'] }}"
    execution: "{{ hostvars['localhost']['dr_execution'] }}"
    timeout_seconds: 600
  run_once: true
"""

RETURN = r"""
status:
  description: The wave's health, one of C(HEALTHY), C(DEGRADED) and C(UNHEALTHY); C(not checked) in check mode, and where nothing serves yet.
  returned: success
  type: str
  sample: HEALTHY
resources:
  description: Each resource's health and its failed checks.
  returned: success
  type: dict
  sample:
    ecs-200000000001-shop-api: {status: HEALTHY, failed: []}
"""
