# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape that the collection's actions share: one task for the whole batch of hosts, options checked, errors for people."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from ansible.errors import AnsibleActionFail, AnsiblePromptNoninteractive
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ansible_collections.dr.aws.plugins.module_utils import tracing
from ansible_collections.dr.aws.plugins.module_utils.accounts import CallError, classify
from ansible_collections.dr.aws.plugins.module_utils.errors import DrError
from ansible_collections.dr.aws.plugins.module_utils.redact import mask
from ansible_collections.dr.aws.plugins.plugin_utils.screen import Screen

#: Seconds between two looks at whether the process that runs the playbook is still there.
PARENT_POLL_SECONDS = 1.0


def end_with(parent: int) -> None:
    """Ends this process once `parent` is gone. Ansible's workers outlive it when it is killed: in sessions of their own they would
    go on calling AWS beside the run that resumes, or wait for ever at a prompt that nobody shows."""
    while os.getppid() == parent:
        time.sleep(PARENT_POLL_SECONDS)
    os._exit(1)


class BatchAction(ActionBase):
    """Runs once for the hosts of the play's batch. Subclasses give OPTIONS (an argument spec) and `act`.

    Host variables are read raw (`variables`), never templated: what comes from AWS is data.
    """

    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False
    OPTIONS: Mapping[str, Any] = {}

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ansible's entry: the task's result, or AnsibleActionFail with a message that says what to do next."""
        threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
        result = super().run(tmp, task_vars)
        checked = ArgumentSpecValidator(dict(self.OPTIONS)).validate(self._task.args)
        if checked.error_messages:
            raise AnsibleActionFail("; ".join(checked.error_messages))
        try:
            result.update(mask(self.act(checked.validated_parameters, task_vars or {})))
        except DrError as error:
            raise AnsibleActionFail(mask(str(error))) from None  # Ansible would show the cause as well, unmasked
        except CallError as error:
            raise AnsibleActionFail(mask(f"{error.failure.code}: {error.failure.message}")) from None
        except Exception as error:
            failure = classify(error)
            if failure is None:
                raise
            text = f"control plane: {failure.code}: {failure.message}. Next: check dr_control"
            raise AnsibleActionFail(mask(text)) from None
        finally:
            tracing.flush()
            self.screen.clear()
        return result

    def act(self, options: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """The action's own work: validated options in, result out."""
        raise NotImplementedError

    @cached_property
    def screen(self) -> Screen:
        """Where lines go."""
        return Screen(self._display.display)

    def say(self, text: str, color: str | None = None, *, plain: bool = False, event: str = "message", **facts: Any) -> None:
        """A line on the screen, now, its secrets masked. plain: not masked, for a command with an approval's token.

        event, facts: as `Screen.say` takes them.
        """
        self.screen.say(text if plain else mask(text), color, event, **mask(facts))

    def warn(self, text: str) -> None:
        """A line on the screen that a person must not miss; nothing when it is empty."""
        if text:
            self.say(f"  ! {text}", color="yellow", event="warning")

    def prompt(self, text: str, seconds: int) -> str:
        """What a person types within so many seconds, "" for nothing. AnsiblePromptNoninteractive without a terminal or a reader,
        AnsiblePromptInterrupt for Ctrl-C."""
        if self.screen.machine:
            raise AnsiblePromptNoninteractive("the screen is for machines")
        typed = self._display.prompt_until(text, seconds=seconds, complete_input=(b"\r", b"\n"), interrupt_input=(b"\x03",))
        return str(typed.decode(errors="replace"))

    @staticmethod
    def variables(task_vars: Mapping[str, Any], scope: str) -> dict[str, Mapping[str, Any]]:
        """Raw variables of the resources among `scope` ("ansible_play_hosts_all" or "ansible_play_batch"), in order."""
        hostvars = task_vars["hostvars"]
        found = {host: hostvars.raw_get(host) for host in task_vars[scope]}
        return {host: values for host, values in found.items() if "dr_technology" in values}
