# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of this machine that run as the containers of tasks: what a task definition's family stands for, in process only."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Program:
    """What a container is here. env: its whole environment, to which the task's own is added. logs: a folder for what it prints."""

    env: Mapping[str, str]
    folder: Path
    logs: Path

    def start(self, name: str, command: Sequence[str], more: Mapping[str, str]) -> Running:
        """Starts it in a process group of its own. name: of the file of what it prints."""
        with (self.logs / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                list(command),
                env={**self.env, **more},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return Running(process)


class Running:
    """A program that was started."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    @property
    def pid(self) -> int:
        """Also the number of its process group."""
        return self.process.pid

    def ended(self) -> int | None:
        """Its exit code as a container has it (128 and the signal that ended it); None while it runs."""
        code = self.process.poll()
        return code if code is None or code >= 0 else 128 - code

    def signal(self, number: signal.Signals) -> None:
        """Sends its group a signal, when it is still there."""
        if self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)
