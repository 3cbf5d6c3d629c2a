# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m sandbox rehearse`: in a process of its own, which cannot reach the real AWS."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from sandbox.calls import json_line
from sandbox.estate import environment, load
from sandbox.gateway import Gateway
from sandbox.server import Server

from . import alone
from .rebuilt import MANAGEMENT, RehearsalError

#: What a failover may be asked for and a rehearsal as well.
PARAMETERS = (
    "operation",
    "primary_region",
    "dr_region",
    "mode",
    "waves",
    "phases",
    "parallelism",
    "cleanup_policy",
    "approval_mode",
)


def add(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("file", type=Path, help="a snapshot as the module dr.aws.snapshot writes it")
    parser.add_argument("--parameters", default="{}", help=f"JSON: {', '.join(PARAMETERS)}")
    parser.add_argument("--durations", default="", help="a table of your own medians, like sandbox/rehearsal/durations.yml")
    parser.add_argument("--calls", type=Path, help="where the list of calls goes; calls.jsonl beside the snapshot when left out")
    parser.add_argument("--report", type=Path, help="where the report goes; rehearsal.json beside the snapshot when left out")


def run(options: argparse.Namespace) -> int:
    """Gives the exit code: 0 also where the failover would stop, as the rehearsal has shown it; 2 where none could be held."""
    alone.isolate()
    try:
        from ansible_collections.dr.aws.plugins.module_utils.errors import DrError
    except ImportError as error:
        print(f"sandbox: dr.aws cannot be imported: {error}. Next: set PYTHONPATH to where ansible_collections is", file=sys.stderr)
        return 2
    try:
        _rehearse(options)
    except (RehearsalError, DrError, OSError, json.JSONDecodeError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 2
    return 0


def _rehearse(options: argparse.Namespace) -> None:
    from . import durations, held, told

    kept = json.loads(options.file.read_text(encoding="utf-8"))
    asked: dict[str, Any] = json.loads(options.parameters)
    if unknown := set(asked) - set(PARAMETERS):
        raise RehearsalError(f"no parameter {min(unknown)}. Next: use {', '.join(PARAMETERS)}")
    snapshot = kept["snapshot"]
    if not snapshot["resources"]:
        raise RehearsalError(f"the snapshot in {options.file} has no resources. Next: ansible-playbook dr.aws.readiness")
    table = durations.read(Path(options.durations) if options.durations else None, kept.get("durations") or {})
    gateway = Gateway(scale=0)
    regions = snapshot["regions"]
    load(gateway, {"name": "rehearsal", "regions": regions, "accounts": [{"id": MANAGEMENT, "management": True}]}, scale=0)
    server = Server(gateway).start()
    os.environ.update(environment(gateway, server.endpoint))
    try:
        found = held.hold(gateway, snapshot, asked, table)
    finally:
        server.stop()
    calls = options.calls or options.file.with_name("calls.jsonl")
    calls.write_text("".join(json_line(call) for call in told.calls(found)), encoding="utf-8")
    report = told.report(found, table, snapshot)
    (options.report or options.file.with_name("rehearsal.json")).write_text(json.dumps(report, indent=2), encoding="utf-8")
    for line in told.lines(report, str(calls)):
        print(line)
