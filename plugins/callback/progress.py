# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registers how the collection's actions speak, and keeps Ansible's own lines out of the quiet and the JSON screen."""

from __future__ import annotations

DOCUMENTATION = r"""
name: progress
type: stdout
short_description: What the screen says while an estate fails over
version_added: 0.1.0
description:
  - Shows a live line for the wave that runs, and a line for each resource that has finished.
  - In mode V(normal) it is Ansible's own screen with these lines. On a terminal the wave's line is drawn anew in place; elsewhere,
    as in a log or in AWX, there is a new one every five seconds.
  - In mode V(quiet) there are only ends of waves, problems, questions, results and the final summary.
  - In mode V(json) each line on standard output is one JSON object for machines. Nobody is asked at the terminal; approvals come
    from elsewhere. Warnings are on standard error. With C(-v), set C(ANSIBLE_VERBOSE_TO_STDERR=1).
  - Colours are Ansible's own. There are none without a terminal, with E(NO_COLOR), or in mode V(json).
  - A run never fails because of it. A mode that is not known is warned of, and is V(normal).
requirements:
  - set as C(stdout_callback) in the configuration; without it the collection speaks as in mode V(normal) without a terminal
extends_documentation_fragment:
  - default_callback
  - result_format_callback
options:
  mode:
    description: How it speaks, V(normal), V(quiet) or V(json).
    type: str
    default: normal
    env:
      - name: DR_AWS_PROGRESS
    ini:
      - section: callback_dr_aws_progress
        key: mode
author:
  - dr.aws maintainers (@dr-aws)
"""

EXAMPLES = r"""
ansible.cfg: |
  # the screen of dr.aws, quiet unless DR_AWS_PROGRESS says otherwise
  [defaults]
  stdout_callback = dr.aws.progress

  [callback_dr_aws_progress]
  mode = quiet
"""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ansible.plugins.callback.default import CallbackModule as Default

from ansible_collections.dr.aws.plugins.module_utils.redact import mask
from ansible_collections.dr.aws.plugins.plugin_utils.screen import MODES, Screen, Settings

#: Actions whose results are what a playbook was started for.
RESULTS = ("debug", "ansible.builtin.debug")
#: What of such a result is Ansible's own.
OWN = ("changed", "failed", "skipped", "invocation")


class Muted:
    """A display that says nothing on standard output by itself; warnings and errors pass."""

    def __init__(self, display: Any) -> None:
        self.loud = display

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loud, name)

    def display(self, *_said: Any, **_how: Any) -> None:
        """Says nothing."""

    def banner(self, *_said: Any, **_how: Any) -> None:
        """Says nothing."""


class CallbackModule(Default):
    """See DOCUMENTATION."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "dr.aws.progress"

    def __init__(self) -> None:
        super().__init__()
        self._muted: Muted | None = None
        self._screen = Screen(self._display.display)

    def set_options(self, *args: Any, **kwargs: Any) -> None:
        """Ansible's entry, before the first task: registers the mode for the workers, which inherit it."""
        super().set_options(*args, **kwargs)
        mode = str(self.get_option("mode")).strip().lower()
        if mode not in MODES:
            self._display.warning(f"DR_AWS_PROGRESS={mode} is not known; allowed: {', '.join(MODES)}. It goes on as normal")
            mode = "normal"
        live = mode == "normal" and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        Screen.settings = Settings(mode, shutil.get_terminal_size().columns if live else 0)
        if mode != "normal":
            self._display = self._muted = Muted(self._display)

    @contextmanager
    def _aloud(self) -> Iterator[None]:
        """Lets Ansible say something on a screen that is muted."""
        if self._muted is None:
            yield
            return
        self._display = self._muted.loud
        try:
            yield
        finally:
            self._display = self._muted

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """A task failed: said in every mode."""
        if self._screen.machine:
            self._problem("task_failed", result, ignored=bool(ignore_errors))
            return
        with self._aloud():
            super().v2_runner_on_failed(result, ignore_errors=ignore_errors)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """A host cannot be reached: said in every mode."""
        if self._screen.machine:
            self._problem("host_unreachable", result)
            return
        with self._aloud():
            super().v2_runner_on_unreachable(result)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        """A part of a task failed: said in every mode."""
        if self._screen.machine:
            self._problem("task_failed", result)
            return
        with self._aloud():
            super().v2_runner_item_on_failed(result)

    def v2_runner_on_ok(self, result: Any) -> None:
        """What a playbook was started for is said in every mode."""
        if result.task.action not in RESULTS:
            super().v2_runner_on_ok(result)
        elif self._screen.machine:
            value = {name: one for name, one in result.result.items() if name not in OWN and not name.startswith("_ansible")}
            self._screen.say(result.task.get_name(), event="result", host=result.host.get_name(), value=mask(value))
        else:
            with self._aloud():
                super().v2_runner_on_ok(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """The end of the playbook."""
        if not self._screen.machine:
            super().v2_playbook_on_stats(stats)
            return
        failed, unreachable = len(stats.failures), len(stats.dark)
        text, color = ("the playbook has failed", "red") if failed or unreachable else ("the playbook has ended", None)
        self._screen.say(text, color, event="run_ended", failed_hosts=failed, unreachable_hosts=unreachable)

    def _problem(self, event: str, result: Any, **facts: Any) -> None:
        text = str(result.result.get("msg") or "it failed")
        self._screen.say(mask(text), "red", event=event, host=result.host.get_name(), task=result.task.get_name(), **facts)
