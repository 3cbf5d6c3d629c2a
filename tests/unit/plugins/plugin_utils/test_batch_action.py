# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker ends with the process that runs the playbook."""

from __future__ import annotations

import os
import select

from ansible_collections.dr.aws.plugins.plugin_utils.batch_action import end_with


def test_a_worker_ends_when_its_parent_is_gone() -> None:
    reader, writer = os.pipe()
    runner = os.fork()
    if not runner:
        itself = os.getpid()
        if not os.fork():
            end_with(itself)
        os._exit(0)
    os.close(writer)
    os.waitpid(runner, 0)
    ended, _others, _errors = select.select([reader], [], [], 60)
    assert ended, "the worker still holds its end of the pipe"
    assert os.read(reader, 1) == b""
    os.close(reader)
