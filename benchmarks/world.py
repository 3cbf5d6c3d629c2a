# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sandbox in a process of its own, with a generated estate, and the playbooks that run against it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sandbox.generate import generate

ROOT = Path(__file__).parent.parent
SOURCE, TARGET = "us-east-1", "us-west-2"
#: A role without an external id in every account: amazon.aws's inventory plugins cannot say one.
READER = "reader"


@dataclass(frozen=True)
class Cost:
    """Seconds of wall clock and of CPU (user and system) of a process and what it waited for, and its memory at most in MB."""

    wall: float
    cpu: float
    memory: float = 0.0

    def __sub__(self, other: Cost) -> Cost:
        return Cost(self.wall - other.wall, self.cpu - other.cpu, self.memory)


class World:
    """The estate `customer`, its sandbox and its inventory file."""

    def __init__(self, estate: Mapping[str, Any], folder: Path, environment: Mapping[str, str]) -> None:
        self.estate, self.folder, self.environment = (
            estate,
            folder,
            {**os.environ, **environment, "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"},
        )
        self.endpoint = environment["AWS_ENDPOINT_URL"]
        self.inventory = folder / "bench.dr_aws.yml"
        self.roles = {
            account["id"]: f"arn:aws:iam::{account['id']}:role/{account['roles'][0]['name']}"
            for account in estate["accounts"]
            if "roles" in account
        }
        self.external_id = next(account["roles"][0]["external_id"] for account in estate["accounts"] if "roles" in account)
        accounts = [{"id": name, "role_arn": role, "external_id": self.external_id} for name, role in self.roles.items()]
        options = {
            "plugin": "dr.aws.resources",
            "regions": [SOURCE, TARGET],
            "control_region": TARGET,
            "control_bucket": "dr-aws-bench",
            "control_topic_arn": f"arn:aws:sns:{TARGET}:100000000000:dr-aws-events",
            "accounts": accounts,
            "poll_limit_seconds": 0.5,
            "cache_timeout": 36000,
            "cache_connection": str(folder / "cache"),
        }
        self.inventory.write_text(yaml.safe_dump(options))

    def admin(self, path: str, body: Any = None) -> bytes:
        """The sandbox's administration."""
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.endpoint}/_sandbox/{path}", data=data) as answer:
            return bytes(answer.read())

    def begin_again(self) -> None:
        """The estate as it was at first."""
        self.admin("estate", self.estate)
        self.admin("clock", {"scale": 600})

    def calls(self) -> list[dict[str, Any]]:
        """All API calls since the world began."""
        return [json.loads(line) for line in self.admin("calls").splitlines()]

    def play(self, playbook: str, **variables: Any) -> tuple[Cost, str]:
        """Runs a playbook; its cost and its output. Fails when it fails."""
        known = {"customer": "bench", "environment": "production", "primary_region": SOURCE, "dr_region": TARGET, **variables}
        command = ["ansible-playbook", "-i", str(self.inventory), str(ROOT / "playbooks" / playbook), "-e", json.dumps(known)]
        return measured(command, self.environment)


def measured(command: list[str], environment: Mapping[str, str]) -> tuple[Cost, str]:
    """Runs a command; its cost and its output."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        started = time.perf_counter()
        process = subprocess.Popen(command, env=dict(environment), cwd=ROOT, text=True, stdout=output, stderr=errors)
        _pid, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        said = output.read()
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} failed:\n{said[-3000:]}\n{errors.read()[-2000:]}")
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024), said


@contextmanager
def world(
    resources: int, accounts: int, technologies: Sequence[str] = ("ecs",), waves: int = 1, scale: int = 600
) -> Iterator[World]:
    """A running sandbox with a generated estate. scale: how much faster its time passes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        estate = generate(resources, accounts, technologies, waves, "bench")
        for account in estate["accounts"]:
            if "roles" in account:
                account["roles"].append({"name": READER})
        (folder / "estate.yml").write_text(yaml.safe_dump(estate))
        command = [sys.executable, "-m", "sandbox", "serve", "--estate", str(folder / "estate.yml"), "--port", "0"]
        command += ["--scale", str(scale)]
        server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        try:
            yield World(estate, folder, dict(_exported(server)))
        finally:
            server.kill()
            server.wait()


def _exported(server: subprocess.Popen[str]) -> Iterator[tuple[str, str]]:
    """The variables that the sandbox says to export."""
    for line in server.stdout or ():
        if found := re.match(r"export (\w+)=(\S+)", line):
            yield found[1], found[2]
            if found[1] == "AWS_EC2_METADATA_DISABLED":
                return
    raise SystemExit("the sandbox did not start")
