# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role `awx`, with the real modules of awx.awx, against a server that answers as AWX does for these objects."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import yaml
from awx import SECRET, Awx, serving
from playbook import BIN, PLAYBOOKS, ROOT, Ran

#: The playbooks of the workflow and the schedules: a template is a process, and tests/unit/test_awx_surveys.py has all of them.
SOME = ("plan", "failover", "gate", "awx_decision", "reprotect", "readiness", "test")
_ASKED = (ROOT / "roles/awx/vars/main.yml").read_text(encoding="utf-8").partition("\nawx__playbooks:")[2].partition("\n#")[0]
GIVEN = {
    "ansible_python_interpreter": "{{ ansible_playbook_python }}",
    "awx_scm_url": "https://git.example.com/dr/estate.git",
    "awx_inventory_file": "inventories/acme.dr_aws.yml",
    "awx_image": "registry.example.com/dr-aws-ee:0.1.0",
    "awx_credentials": [
        {"name": "automation", "type": "dr.aws AWS", "inputs": {"access_key": "AKIA", "secret_key": "hush", "region": "us-west-2"}},
        {
            "name": "people",
            "type": "dr.aws approvals",
            "inputs": {"approver_role_arn": "arn:aws:iam::100000000000:role/dr-approver", "host": "awx", "oauth_token": "hush"},
        },
    ],
    "awx_scopes": [{"customer": "acme", "environment": "production", "primary_region": "us-east-1", "dr_region": "us-west-2"}],
    "awx_notifications": [{"name": "on call", "type": "webhook", "configuration": {"url": "https://example.com"}}],
    "awx_gates": 2,
    "awx__playbooks": {name: asked for name, asked in yaml.safe_load(_ASKED).items() if name in SOME},
}


def applied(address: str, home: Path) -> Ran:
    """The playbook, once."""
    (home / "awx.yml").write_text(yaml.safe_dump(GIVEN))
    env = {**os.environ, "CONTROLLER_HOST": address, "CONTROLLER_OAUTH_TOKEN": "token", "HOME": str(home)}
    env |= {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build"), "ANSIBLE_PIPELINING": "1"}
    words = [str(BIN / "ansible-playbook"), "-i", "localhost,", str(PLAYBOOKS / "awx.yml"), "-e", f"@{home / 'awx.yml'}"]
    done = subprocess.run(words, env=env, cwd=home, capture_output=True, text=True, timeout=600, check=False)
    return Ran(done.returncode, done.stdout + done.stderr)


def followed(awx: Awx, node: dict[str, Any]) -> dict[str, set[str]]:
    """What comes after a node of a workflow, by its outcome."""
    names = {one["id"]: one["identifier"] for one in awx.objects["workflow_job_template_nodes"].values()}
    ways = ("success_nodes", "failure_nodes", "always_nodes")
    return {
        way: {names[one] for one in awx.linked["workflow_job_template_nodes", node["id"], way]}
        for way in ways
        if awx.linked["workflow_job_template_nodes", node["id"], way]
    }


def test_the_role_makes_everything_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    awx = Awx()
    with serving(awx) as address:
        applied(address, tmp_path).ok()
        before = len(awx.writes)
        again = applied(address, tmp_path).ok()
    assert again.changed == 0, again.out
    assert awx.writes[before:] == []

    templates = awx.named("job_templates")
    assert set(templates) == {f"dr.aws {name}" for name in [*SOME, "carry out the plan"]}
    for template in templates.values():
        assert (ROOT / template["playbook"]).is_file()
        asked = awx.surveys[template["id"]]["spec"]
        assert all(
            {"question_name", "question_description", "variable", "type", "required", "default"} <= set(one) for one in asked
        )
    assert json.loads(templates["dr.aws carry out the plan"]["extra_vars"]) == {"plan_id": "{{ dr_plan_id }}"}
    assert awx.named("credentials")["automation"]["inputs"]["secret_key"] == SECRET
    injected = awx.named("credential_types")["dr.aws AWS"]["injectors"]["env"]
    assert injected["AWS_SECRET_ACCESS_KEY"] == "{{ secret_key }}"
    schedules = awx.named("schedules")
    assert {name: one["enabled"] for name, one in schedules.items()} == {
        "dr.aws readiness acme production": True,
        "dr.aws reprotect acme production": False,
        "dr.aws drill acme production": False,
    }

    nodes = awx.named("workflow_job_template_nodes")
    approvals = {one["id"] for one in awx.objects["workflow_approval_templates"].values()}
    asks = {name for name, node in nodes.items() if node["unified_job_template"] in approvals}
    gates = {f"{part}-approve-{number}" for part in ("activate", "finalise") for number in (1, 2)}
    assert asks == gates | {"approve-plan", "approve-finalise"}
    for gate in gates:  # whatever a person decides is recorded
        record = gate.replace("approve", "record")
        assert followed(awx, nodes[gate]) == {"always_nodes": {record}}
        assert nodes[record]["unified_job_template"] == templates["dr.aws awx_decision"]["id"]
        assert nodes[record]["extra_data"] == {"approval_node": gate}
    assert followed(awx, nodes["plan"]) == {"success_nodes": {"approve-plan"}}
    assert followed(awx, nodes["approve-plan"]) == {"success_nodes": {"activate", "activate-wait-1"}}
    assert followed(awx, nodes["activate"]) == {"success_nodes": {"approve-finalise"}}
    assert followed(awx, nodes["approve-finalise"]) == {"success_nodes": {"finalise", "finalise-wait-1"}}
