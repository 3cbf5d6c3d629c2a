# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""People: one failover at a time, approvals from elsewhere and on a terminal, rejections and timeouts."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playbook import BIN, EAST, FULL, NONE, SCOPE, TICK_SECONDS, WEST, Operator, Started, estate, names, pointing, tasks

ASKED = {**SCOPE, "mode": "planned", "approval_mode": "required"}
#: Takes the terminal that is its standard input as its own, then becomes the command.
ON_TERMINAL = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"


def line_of(started: Started, decision: str) -> str:
    """The command line for a decision that the screen shows."""
    return started.until(rf"^\s+(ansible-playbook dr\.aws\.approve .*decision={decision})$")[1]


def typed(operator: Operator, line: str) -> subprocess.CompletedProcess[str]:
    """A command line as a person pastes it into another shell, who has the inventory in the environment."""
    env = {**operator.env, "PATH": f"{BIN}:{operator.env['PATH']}", "ANSIBLE_INVENTORY": operator.inventory}
    return subprocess.run(
        ["bash", "-c", line], env=env, cwd=operator.home, capture_output=True, text=True, timeout=120, check=False
    )


def myself(sandbox: Any) -> str:
    """Who the operator is, by STS."""
    return str(sandbox.client("sts").get_caller_identity()["Arn"])


def waiting(operator: Operator) -> tuple[Started, str]:
    """A failover without a terminal that waits for its approval, and its execution."""
    started = operator.start("failover", **ASKED)
    name = started.until(r"execution (dr-\S+) started")[1]
    started.until("approval needed before activate of wave 1")
    return started, name


def test_one_failover_at_a_time_and_a_rejection(sandbox: Any, operator: Operator) -> None:
    operator.load(estate())
    operator.readiness()
    first, holder = waiting(operator)
    reject = line_of(first, "reject")

    second = operator.run("failover", **ASKED)
    second.refused(f"is being worked on by execution {holder}", f"Next: ansible-playbook dr.aws.status -e execution_id={holder}")
    status = operator.status(holder)
    assert (status["status"], status["interrupted"]) == ("RUNNING", False)
    assert [one["state"] for one in status["approvals"]] == ["pending"]

    assert typed(operator, reject).returncode == 0
    rejected = first.end().refused(f"was rejected by {myself(sandbox)}: execution {holder} is CANCELLED", "Next: ")
    assert "Approve" not in rejected.out
    assert operator.status(holder)["status"] == "CANCELLED"
    assert (tasks(sandbox, EAST), tasks(sandbox, WEST), names(sandbox)) == (FULL, NONE, pointing(EAST))
    assert operator.mutations() == []

    operator.run("failover", execution_id=holder).refused(f"execution {holder} is CANCELLED and cannot be resumed", "Next: ")
    third, _name = waiting(operator)  # neither left the lock behind
    third.stop()


def test_no_terminal_waits_and_the_token_decides(sandbox: Any, operator: Operator) -> None:
    """A timeout pauses and never approves; the resumed run asks again; the printed command approves."""
    operator.load(estate())
    operator.readiness()
    paused = operator.run("failover", **ASKED, approval_timeout_seconds=1)
    name = paused.execution_id
    paused.refused("timed out", f"execution {name} is PAUSED", f"Next: ansible-playbook dr.aws.failover -e execution_id={name}")
    assert operator.status(name)["status"] == "PAUSED"
    assert operator.mutations() == []

    started = operator.start("failover", execution_id=name)
    approve = line_of(started, "approve")
    published = [call["params"] for call in sandbox.calls(service="sns", operation="Publish")]
    asked = [one["Message"] for one in published if "APPROVAL REQUIRED" in one["Subject"]]
    assert approve in asked[-1], "the notification has the command that is ready to run"
    assert f"until:        {operator.status(name)['approvals'][-1]['timeout_at']}" in asked[-1]

    token = approve.partition("token=")[2].partition(" ")[0]
    wrong = operator.run("approve", execution_id=name, token="no" + token, decision="approve")
    wrong.refused(f"the token is not one of execution {name}")
    assert operator.mutations() == []

    decided = typed(operator, approve)
    assert decided.returncode == 0, decided.stdout
    ended = started.end().ok()
    assert f"approved by {myself(sandbox)}" in ended.out
    assert (tasks(sandbox, EAST), tasks(sandbox, WEST), names(sandbox)) == (NONE, FULL, pointing(WEST))
    status = operator.status(name)
    assert status["status"] == "COMPLETED"
    assert [(one["state"], one["approver"]) for one in status["approvals"]] == [("timed_out", None), ("approved", myself(sandbox))]
    assert not [one for one in published if token in json.dumps({**one, "Message": ""})], "the token is in the message only"


class Terminal:
    """A playbook on a terminal of its own."""

    def __init__(self, words: list[str], env: dict[str, str], cwd: Path) -> None:
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", ON_TERMINAL, *words],
            env=env,
            cwd=cwd,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.screen = ""

    def read(self, seconds: float) -> bool:
        """Takes what is shown, waiting at most so long for it; False when nothing came. EOFError at the end."""
        ready, _unused, _unused = select.select([self.master], [], [], seconds)
        if not ready:
            return False
        try:
            raw = os.read(self.master, 65536)
        except OSError:  # the other side is closed
            raw = b""
        if not raw:
            raise EOFError
        self.screen += raw.decode(errors="replace")
        return True

    def until(self, text: str, times: int = 1, typing: str = "") -> None:
        """Reads until `text` was shown so many times, typing an answer whenever the screen is quiet."""
        while self.screen.count(text) < times:
            if not self.read(1 if typing else 120) and typing:
                os.write(self.master, typing.encode())

    def end(self) -> int:
        try:
            while True:
                self.read(120)
        except EOFError:
            return self.process.wait(timeout=60)

    def close(self) -> None:
        """Ends it, when a test did not get that far."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(timeout=30)
        os.close(self.master)


PROMPT = "Type approve or reject and press Enter"
LIVE = "\r  activate 0 of 2 · "


@pytest.mark.parametrize(("answer", "rc", "status", "west"), [("approve", 0, "COMPLETED", FULL), ("reject", 2, "CANCELLED", NONE)])
def test_on_a_terminal(sandbox: Any, operator: Operator, answer: str, rc: int, status: str, west: dict[str, int]) -> None:
    """Enter alone decides nothing: it is asked again. The live line is drawn anew in its place, with a carriage return only."""
    operator.load(estate())
    operator.readiness()
    words = operator.words("failover", **ASKED, phases="instantiate,activate")
    with closing(Terminal(words, operator.env, operator.home)) as screen:
        screen.until(PROMPT)
        screen.until(PROMPT, times=2, typing="\r")
        assert operator.mutations() == []
        sandbox.clock.tick = 0  # no task starts: the wave does not end
        decided = "approved by" if answer == "approve" else "was rejected by"
        screen.until(decided, typing=f"{answer}\r")
        if answer == "approve":
            screen.until(LIVE, times=3)
        sandbox.clock.tick = TICK_SECONDS
        assert screen.end() == rc, screen.screen
    name = screen.screen.partition("execution ")[2].split()[0]
    assert operator.status(name)["status"] == status
    assert tasks(sandbox, WEST) == west
    drawn = max(line.count(LIVE) for line in screen.screen.split("\n"))
    assert drawn >= 2 or answer == "reject", "in place, without a new line between"
    assert LIVE not in screen.screen.rpartition("activate, wave 1: 2 done")[2], "it goes with its wave"
    shown = screen.screen.rpartition(decided)[2]  # the prompt before it is Ansible's
    assert {found[-1] for found in re.findall(r"\x1b\[?[^a-zA-Z]*[a-zA-Z]", shown)} == {"m"}, "colours, no cursor"
