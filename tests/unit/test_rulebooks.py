# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event-Driven Ansible asks people and starts nothing. What ansible-rulebook makes of a rulebook, the gate `rulebooks` looks at."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
RULEBOOKS = sorted((ROOT / "extensions/eda").rglob("*.yml"))
RULES: list[dict[str, Any]] = [
    rule for path in RULEBOOKS for ruleset in yaml.safe_load(path.read_text(encoding="utf-8")) for rule in ruleset["rules"]
]
PROPOSE: list[dict[str, Any]] = yaml.safe_load((ROOT / "playbooks/propose.yml").read_text(encoding="utf-8"))
#: Options of the event source ansible.eda.aws_sqs_queue.
QUEUE = {"access_key", "secret_key", "session_token", "endpoint_url", "region", "name", "delay_seconds"}
#: What Ansible would take for a template.
TEMPLATES = ("{{ 7 * 7 }}", "{% raw %}", "{# x #}", "a\n{{ b }}", "{{")


def tasks(play: Any) -> list[dict[str, Any]]:
    """The tasks of a play, those of its blocks too."""
    found: list[dict[str, Any]] = []
    for task in play.get("tasks", ()):
        inner = {"tasks": [*task.get("block", ()), *task.get("rescue", ()), *task.get("always", ())]}
        found += tasks(inner) if inner["tasks"] else [task]
    return found


def modules(play: Any) -> list[str]:
    return [name for task in tasks(play) for name in task if "." in name]


def test_there_are_rules() -> None:
    assert len(RULES) >= 3


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["name"])
def test_no_action_starts_an_execution(rule: dict[str, Any]) -> None:
    assert "actions" not in rule
    (action, given), *others = rule["action"].items()
    assert (action, given["name"], others) == ("run_playbook", "dr.aws.propose", [])
    assert set(given) == {"name", "extra_vars"}


def test_the_playbook_that_they_run_plans_and_asks_and_nothing_else() -> None:
    first, ask = PROPOSE
    assert first["ansible.builtin.import_playbook"] == "estate.yml"
    assert modules(ask) == [
        "dr.aws.plan",
        "ansible.builtin.set_fact",
        "dr.aws.proposal",
        "ansible.builtin.debug",
        "ansible.builtin.fail",
    ]
    (plan,) = [task["dr.aws.plan"] for task in tasks(ask) if "dr.aws.plan" in task]
    assert plan["start"] is False
    assert "execution_id" not in plan


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["name"])
def test_what_rings_over_and_over_asks_once(rule: dict[str, Any]) -> None:
    number, unit = rule["throttle"]["once_within"].split()
    assert (int(number) >= 30, unit) == (True, "minutes")
    # Not by the alarm: one disaster rings many.
    assert rule["throttle"]["group_by_attributes"] == ["event.body.source"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["name"])
def test_nothing_of_an_event_is_templated(rule: dict[str, Any]) -> None:
    """What is passed on is held to a pattern by the rule, which no template matches; Ansible templates what it is given."""
    given = rule["action"]["run_playbook"]["extra_vars"]
    used = {name for value in given.values() for name in re.findall(r"\{\{ (event\.[\w.]+) \}\}", value)}
    assert sum(len(re.findall(r"\bevents?\b", value)) for value in given.values()) == len(used)
    for name in used:
        pattern = re.search(rf'{re.escape(name)} is regex\("(\^.+?\$)"\)', rule["condition"])
        assert pattern, name
        assert not any(re.search(pattern[1], text) for text in TEMPLATES)
    assert "ansible_eda" not in (ROOT / "playbooks/propose.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["name"])
def test_the_playbook_is_given_what_it_needs(rule: dict[str, Any]) -> None:
    given = rule["action"]["run_playbook"]["extra_vars"]
    assert {"customer", "environment", "primary_region", "dr_region", "mode", "reason"} == set(given)


def test_sources_are_queues_whose_options_exist() -> None:
    for path in RULEBOOKS:
        for ruleset in yaml.safe_load(path.read_text(encoding="utf-8")):
            assert ruleset["hosts"] == "all"  # it becomes --limit: a plan is of all hosts
            for source in ruleset["sources"]:
                assert set(source) == {"name", "ansible.eda.aws_sqs_queue"}
                assert set(source["ansible.eda.aws_sqs_queue"]) <= QUEUE
