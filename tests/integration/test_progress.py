# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The screen for machines, and the quiet one, of whole playbooks."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from playbook import FULL, SCOPE, WEST, Operator, estate, names, pointing, tasks

ASKED = {**SCOPE, "mode": "unplanned", "approval_mode": "automatic", "phases": "instantiate,activate"}


def said(operator: Operator, screen: str, playbook: str, **variables: Any) -> list[str]:
    """The lines on standard output of a playbook that succeeds."""
    words = operator.words(playbook, **variables)
    env = {**operator.env, "DR_AWS_PROGRESS": screen}
    ran = subprocess.run(words, env=env, cwd=operator.home, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout.splitlines()


def test_machines_read_objects_and_quiet_has_what_matters(operator: Operator, sandbox: Any) -> None:
    operator.load(estate())
    operator.readiness()
    rows = [json.loads(line) for line in said(operator, "json", "failover", **ASKED)]
    assert tasks(sandbox, WEST) == FULL and names(sandbox) == pointing(WEST)
    assert all({"at", "event", "level", "text"} <= row.keys() for row in rows)
    activated = [row for row in rows if row.get("phase") == "activate"]
    ends = [row for row in activated if row["event"] == "resource"]
    assert len(ends) == len({row["resource"] for row in ends}) == len(FULL) + 3
    assert all(row["state"] == "done" and row["elapsed_seconds"] >= 0 and row.get("rto_seconds") in (None, 1800) for row in ends)
    waves = [(row["event"], row["wave"]) for row in activated if row["event"] in ("wave_started", "wave_ended")]
    assert waves == [(event, wave) for wave in (1, 2, 3) for event in ("wave_started", "wave_ended")]
    (began,) = (row for row in rows if row["event"] == "execution_started")
    started = began["execution_id"]
    assert began["execution_arn"].endswith(f":execution/{started}") and began["estimated_completion_time"].endswith("Z")
    assert {(row["execution_id"], row["state"]) for row in rows if row["event"] == "summary"} == {(started, "COMPLETED")}
    assert (rows[-1]["event"], rows[-1]["failed_hosts"]) == ("run_ended", 0)

    (result, end) = (json.loads(line) for line in said(operator, "json", "status", execution_id=started))
    assert result["value"]["dr_status.executions"][0]["completed_resources"] == len(FULL) + 3
    assert end["event"] == "run_ended"

    lines = said(operator, "quiet", "failover", **ASKED)
    assert not any(word in line for line in lines for word in ("TASK", "PLAY", "ok:")), lines
    assert [line.partition(":")[0] for line in lines if line.startswith("activate")] == [
        f"activate, wave {wave}" for wave in (1, 2, 3)
    ]
    assert any(line.startswith("COMPLETED: failover") for line in lines), lines
