# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person is given to decide with."""

from __future__ import annotations

import shlex

from ansible_collections.dr.aws.plugins.module_utils.approvals import DECISIONS, commands


def test_the_command_lines_are_ready_to_run() -> None:
    lines = commands("dr-1", "s3cr-et_")
    assert tuple(lines) == DECISIONS
    for decision, line in lines.items():
        words = shlex.split(line)
        assert words[:2] == ["ansible-playbook", "dr.aws.approve"]
        assert {"execution_id=dr-1", "token=s3cr-et_", f"decision={decision}"} <= set(words)
