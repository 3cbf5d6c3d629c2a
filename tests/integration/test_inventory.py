# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin as people run it: ansible-inventory and ansible-playbook in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_discovery import EAST, HOSTS, SHOP, SMALL, WEST, options, service, world_of

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


@pytest.fixture
def run(sandbox: Any, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`run("ansible-inventory", …)` in a home of its own, with the collection under test and the sandbox's credentials."""
    env = sandbox.env(
        HOME=str(tmp_path),
        ANSIBLE_HOME=str(tmp_path / ".ansible"),
        ANSIBLE_COLLECTIONS_PATH=str(ROOT / ".build"),
        ANSIBLE_NOCOLOR="1",
        ANSIBLE_LOCALHOST_WARNING="0",
    )

    def process(command: str, *args: str, **more: str) -> subprocess.CompletedProcess[str]:
        words = [str(BIN / command), *args]
        return subprocess.run(words, env={**env, **more}, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)

    return process


def written(path: Path, name: str = "small.dr_aws.yml", **more: Any) -> str:
    """An inventory file of the small estate."""
    given = {field: value for field, value in options().items() if value is not None}
    file = path / name
    file.write_text(yaml.safe_dump({"plugin": "dr.aws.resources", **given, **more}))
    return str(file)


def plain(value: Any) -> Any:
    """Without the marks by which ansible-inventory shows that a value is no template."""
    if isinstance(value, Mapping):
        return (
            plain(value["__ansible_unsafe"])
            if set(value) == {"__ansible_unsafe"}
            else {key: plain(one) for key, one in value.items()}
        )
    return [plain(one) for one in value] if isinstance(value, list) else value


def inventory(result: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert result.returncode == 0, result.stderr
    listed: dict[str, Any] = plain(json.loads(result.stdout))
    return listed


def test_groups_variables_and_order(sandbox: Any, run: Callable[..., Any], tmp_path: Path) -> None:
    sandbox.load(world_of(*SMALL))
    keyed = [{"key": "dr_wave | string", "prefix": "mine"}]
    file = written(
        tmp_path, compose={"team": "dr_customer ~ '-team'"}, groups={"urgent": "dr_priority == 'critical'"}, keyed_groups=keyed
    )
    listed = inventory(run("ansible-inventory", "-i", file, "--list"))
    hosts = {name: group["hosts"] for name, group in listed.items() if "hosts" in group}
    assert hosts["dr_resources"] == HOSTS
    assert hosts == {
        "dr_resources": HOSTS,
        "wave_02": HOSTS[:2],
        "wave_03": HOSTS[2:3],
        "wave_04": HOSTS[3:],
        "technology_ecs": HOSTS[:3],
        "technology_route53": HOSTS[3:],
        "priority_critical": [HOSTS[0], HOSTS[3]],
        "priority_high": HOSTS[1:3],
        "customer_acme": HOSTS,
        "environment_production": HOSTS,
        "account_200000000001": HOSTS[1:],
        "account_200000000002": HOSTS[:1],
        "region_us_east_1": HOSTS,
        "region_us_west_2": HOSTS[3:],
        "urgent": [HOSTS[0], HOSTS[3]],
        "mine_2": HOSTS[:2],
        "mine_3": HOSTS[2:3],
        "mine_4": HOSTS[3:],
        "ungrouped": ["localhost"],
    }
    variables = listed["_meta"]["hostvars"]
    orders = variables["ecs-200000000001-main-orders"]
    arn = f"arn:aws:ecs:{EAST}:{SHOP}:service/main/orders"
    assert {name: orders[name] for name in orders if name not in ("ansible_python_interpreter", "dr_tags")} == {
        "ansible_connection": "local",
        "dr_technology": "ecs",
        "dr_account": SHOP,
        "dr_sides": {EAST: {"id": "main/orders", "arn": arn}},
        "dr_wave": 2,
        "dr_priority": "high",
        "dr_impact": "critical",
        "dr_dependencies": [],
        "dr_rto_seconds": None,
        "dr_rpo_seconds": None,
        "dr_customer": "acme",
        "dr_environment": "production",
        "dr_recovery_strategy": None,
        "dr_health_check_url": None,
        "dr_captured": {},
        "team": "acme-team",
    }
    assert orders["dr_tags"]["dr:wave"] == "2"
    localhost = variables["localhost"]
    assert localhost["dr_inventory"]["complete"] is True
    assert localhost["dr_control"] == {
        "accounts": options()["accounts"],
        "regions": [EAST, WEST],
        "control_region": WEST,
        "table": "dr-aws",
        "bucket": None,
        "audit_bucket": None,
        "topic_arn": None,
        "poll_limit_seconds": None,
        "source_identity": None,
        "change_calendars": [],
        "notification_timeout_seconds": 8.0,
        "publish_metrics": True,
        "tracing": False,
    }


def test_a_warm_cache_makes_no_call_and_other_options_make_it_cold(sandbox: Any, run: Callable[..., Any], tmp_path: Path) -> None:
    sandbox.load(world_of(*SMALL))
    file = written(tmp_path)
    cold = inventory(run("ansible-inventory", "-i", file, "--list"))
    calls = len(sandbox.calls())
    warm = inventory(run("ansible-inventory", "-i", file, "--list"))
    assert len(sandbox.calls()) == calls, "not even a session"
    before, after = (each["_meta"]["hostvars"].pop("localhost")["dr_inventory"] for each in (cold, warm))
    assert (before.pop("cached"), after.pop("cached")) == (False, True)
    assert (warm, after) == (cold, before)
    inventory(run("ansible-inventory", "-i", written(tmp_path, customer="acme"), "--list"))
    assert len(sandbox.calls()) > calls


def test_an_inventory_with_a_dark_region_is_not_kept(sandbox: Any, run: Callable[..., Any], tmp_path: Path) -> None:
    sandbox.load(world_of(*SMALL))
    sandbox.dark(EAST)
    file = written(tmp_path)
    dark = run("ansible-inventory", "-i", file, "--host", "localhost")
    assert inventory(dark)["dr_inventory"]["stale_regions"] == [EAST]
    assert f"no answer from {EAST}" in " ".join(dark.stderr.split())
    sandbox.clear_faults()
    again = inventory(run("ansible-inventory", "-i", file, "--host", "localhost"))["dr_inventory"]
    assert (again["cached"], again["stale_regions"]) == (False, [])


def test_nothing_that_comes_from_aws_is_a_template(sandbox: Any, run: Callable[..., Any], tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    template = "{{ lookup('ansible.builtin.pipe', 'touch " + str(marker) + "') }}"
    sandbox.load(
        world_of({**service("web"), "tags": {"dr:wave": "1", "Name": template, "dr:health-check-url": f"https://{template}"}})
    )
    play = [
        {
            "hosts": "dr_resources",
            "gather_facts": False,
            "tasks": [
                {"ansible.builtin.debug": {"msg": "{{ dr_tags['Name'] }} {{ dr_health_check_url }}"}},
                {"ansible.builtin.debug": {"var": "hostvars[inventory_hostname]"}},
                {"ansible.builtin.set_fact": {"copied": "{{ dr_tags }}"}},
                {"ansible.builtin.assert": {"that": ["copied['Name'].startswith('{' ~ '{ lookup')"]}},
            ],
        }
    ]
    book = tmp_path / "book.yml"
    book.write_text(yaml.safe_dump(play))
    result = run("ansible-playbook", "-i", written(tmp_path), str(book))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "lookup('ansible.builtin.pipe'" in result.stdout
    assert not marker.exists()


def test_an_option_that_cannot_be_used_is_said_with_its_remedy(sandbox: Any, run: Callable[..., Any], tmp_path: Path) -> None:
    sandbox.load(world_of(*SMALL))
    file = written(tmp_path, regions=[EAST, EAST])
    result = run("ansible-inventory", "-i", file, "--list", ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED="true")
    said = " ".join((result.stdout + result.stderr).split())
    assert result.returncode != 0
    assert "regions=['us-east-1', 'us-east-1'] cannot be used" in said and "Next: correct it in the inventory file" in said


def test_a_file_of_another_name_is_not_ours(sandbox: Any, run: Callable[..., Any], tmp_path: Path) -> None:
    sandbox.load(world_of(*SMALL))
    start = len(sandbox.calls())
    result = run("ansible-inventory", "-i", written(tmp_path, "small.yml"), "--list", ANSIBLE_INVENTORY_ENABLED="dr.aws.resources")
    assert "dr_resources" not in result.stdout
    assert len(sandbox.calls()) == start
