#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: snapshot
short_description: Writes the last readiness snapshot to a file
version_added: 0.1.0
description:
  - Reads the last snapshot of M(dr.aws.readiness) and what earlier executions have measured out of the control plane, and writes both
    to a file on the machine that runs the module. Its checksums are verified; secrets in it are masked.
  - Looks at nothing of the estate, and changes nothing in AWS.
options:
  customer:
    description: Whose snapshot.
    type: str
    required: true
  environment:
    description: Of which environment.
    type: str
    required: true
  dest:
    description: The file to write. Its folder is made.
    type: path
    required: true
  operation:
    description: Which one is to be rehearsed. Where its executions have not measured a phase, failovers have.
    type: str
    default: failover
extends_documentation_fragment:
  - dr.aws.run
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    description: Can run in C(check_mode) and writes no file then.
    support: full
  diff_mode:
    description: Will return details on what has changed, or would change, in C(diff_mode).
    support: none
author:
  - dr.aws maintainers (@dr-aws)
"""

EXAMPLES = r"""
- name: Keep the last readiness snapshot
  dr.aws.snapshot:
    control: "{{ hostvars['localhost']['dr_control'] }}"
    customer: acme
    environment: production
    dest: rehearsal/snapshot.json
"""

RETURN = r"""
path:
  description: The file, as an absolute path.
  returned: success
  type: str
  sample: /home/ops/rehearsal/snapshot.json
created_at:
  description: When the snapshot was made (UTC).
  returned: success
  type: str
  sample: "2026-11-28T16:30:00+00:00"
resources:
  description: How many resources it holds.
  returned: success
  type: int
  sample: 25
durations:
  description: Technology, phase, and the seconds that it took for resources in executions before.
  returned: success
  type: dict
  sample:
    rds:
      activate: [412.5, 433.0]
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils.amazon import control_module
from ansible_collections.dr.aws.plugins.module_utils.errors import DrError
from ansible_collections.dr.aws.plugins.module_utils.history import recalled
from ansible_collections.dr.aws.plugins.module_utils.run import Control
from ansible_collections.dr.aws.plugins.module_utils.snapshots import latest


def write(control: Control, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Writes {"snapshot": …, "durations": …}, readable by its owner only."""
    scope = (options["customer"], options["environment"])
    kept = latest(control.store, *scope)
    if kept is None:
        remedy = f"ansible-playbook dr.aws.readiness -e customer={scope[0]} -e environment={scope[1]} …"
        raise DrError(f"{'/'.join(scope)} has no readiness snapshot", remedy)
    if kept.problem:
        remedy = "see who changed it; -e restore_snapshot=… of dr.aws.readiness puts an earlier one in its place"
        raise DrError(f"the readiness snapshot of {kept.at} is not used: {kept.problem}", remedy)
    learnt = recalled(control.store, *scope, options["operation"])
    text = json.dumps({"snapshot": kept.body, "durations": learnt}, sort_keys=True, indent=1)
    path = Path(options["dest"]).absolute()
    changed = not path.is_file() or path.read_text(encoding="utf-8") != text
    if changed and not check_mode:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
    return {
        "changed": changed,
        "path": str(path),
        "created_at": kept.body["created_at"],
        "resources": len(kept.body["resources"]),
        "durations": learnt,
    }


def main() -> None:
    spec = {name: {"type": "str", "required": True} for name in ("customer", "environment")}
    more = {"dest": {"type": "path", "required": True}, "operation": {"type": "str", "default": "failover"}}
    control_module({**spec, **more}, write)


if __name__ == "__main__":
    main()
