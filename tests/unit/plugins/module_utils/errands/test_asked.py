# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be asked for as a hook or a business check."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.dr.aws.plugins.module_utils.errands.asked import Errand, Limits, errands, validated
from ansible_collections.dr.aws.plugins.module_utils.errors import InputError

DOCUMENT = Path(__file__).resolve().parents[5] / "docs/hooks.md"
EAST, WEST = "us-east-1", "us-west-2"
LIMITS = Limits(EAST, ["111111111111"])
HOOK = {"name": "drain", "when": "before_wave", "phase": "activate"}
FUNCTION = {"function": "drain"}
RUNBOOK = {"document": "Drain"}
TOOL = {"function": "drs-execution", "plan_id": "plan-7"}


def test_what_is_left_out_has_its_default() -> None:
    (hook,) = validated("hooks", [{**HOOK, "lambda": FUNCTION}], LIMITS)
    (check,) = validated("business_checks", [{"name": "order", "url": "https://shop.example/order", "retries": "2"}], LIMITS)
    first, second = errands([hook], [check])
    assert (first.way, first.how, first.wave, first.timeout_seconds, first.retries) == ("lambda", FUNCTION, 0, 300, 0)
    assert (first.on_failure, first.operations) == ("stop", ("failover", "failback", "test", "reprotect"))
    assert (second.when, second.phase, second.retries) == ("proof", "activate", 2)
    assert second.how == {"url": "https://shop.example/order", "method": "GET"}
    assert "test" not in second.operations, "a URL is production's, not a copy's"


def test_a_plan_of_the_drs_tool_has_an_hour_and_leads_one_way() -> None:
    (hook,) = validated("hooks", [{**HOOK, "drs_tool": TOOL}], LIMITS)
    (longer,) = validated("hooks", [{**HOOK, "drs_tool": TOOL, "timeout_seconds": 14400, "operations": ["test"]}], LIMITS)
    assert (hook["timeout_seconds"], hook["operations"]) == (3600, ["failover"])
    assert (longer["timeout_seconds"], longer["operations"]) == (14400, ["test"])


@pytest.mark.parametrize(
    ("when", "wave", "said"),
    [
        ("before_phase", 0, "before activate"),
        ("after_wave", 0, "after each wave of activate"),
        ("before_wave", 2, "before wave 2 of activate"),
    ],
)
def test_when_it_is_carried_out_is_said(when: str, wave: int, said: str) -> None:
    (hook,) = validated("hooks", [{**HOOK, "when": when, "wave": wave, "lambda": FUNCTION}], LIMITS)
    assert Errand.of("hook", hook).moment == said


def test_what_was_validated_is_valid_again(tmp_path: Path) -> None:
    """A stored plan is carried out by its own parameters."""
    file = tmp_path / "order.yml"
    file.write_text("[]")
    asked: list[dict[str, Any]] = [
        {**HOOK, "name": "a", "tasks": str(file)},
        {**HOOK, "name": "b", "command": ["true"]},
        {**HOOK, "name": "c", "url": "http://localhost/", "expect_status": [200, 204], "body": {"n": 1}, "operations": ["test"]},
        {**HOOK, "name": "d", "lambda": {**FUNCTION, "region": WEST, "account": "111111111111"}},
        {**HOOK, "name": "e", "ssm": {**RUNBOOK, "parameters": {"Name": "x", "Names": ["y"]}, "context_parameter": "Context"}},
        {**HOOK, "name": "f", "ssm": {**RUNBOOK, "targets": [{"Key": "tag:role", "Values": ["web"]}]}, "wave": 3},
        {**HOOK, "name": "g", "drs_tool": {**TOOL, "status_function": "drs-query", "region": WEST, "account": "111111111111"}},
    ]
    found = validated("hooks", asked, LIMITS)
    assert validated("hooks", list(found), LIMITS) == found
    assert [Errand.of("hook", one).way for one in found] == ["tasks", "command", "url", "lambda", "ssm", "ssm", "drs_tool"]


def test_a_relative_file_is_one_of_the_directory_in_which_the_playbook_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "order.yml").write_text("[]")
    monkeypatch.chdir(tmp_path)
    (found,) = validated("business_checks", [{"name": "order", "tasks": "order.yml"}], LIMITS)
    assert found["tasks"] == str(tmp_path / "order.yml")


@pytest.mark.parametrize("value", [None, "", [], ()])
def test_none_are_none(value: Any) -> None:
    assert validated("hooks", value, LIMITS) == ()


@pytest.mark.parametrize(
    ("changes", "field", "allowed"),
    [
        ({}, "hooks[0]", "exactly one of tasks, command, url, lambda, ssm, drs_tool"),
        ({"lambda": FUNCTION, "ssm": RUNBOOK}, "hooks[0]", "exactly one of"),
        ({"lambda": FUNCTION, "name": None}, "hooks[0].name", "letters, digits"),
        ({"lambda": FUNCTION, "name": "a/b"}, "hooks[0].name", "letters, digits"),
        ({"lambda": FUNCTION, "when": "during"}, "hooks[0].when", "before_phase, after_phase, before_wave, after_wave"),
        ({"lambda": FUNCTION, "phase": "promote"}, "hooks[0].phase", "instantiate, activate, cleanup, replicate"),
        ({"lambda": FUNCTION, "wave": 11}, "hooks[0].wave", "from 0 to 10"),
        ({"lambda": FUNCTION, "wave": 1, "when": "after_phase"}, "hooks[0].wave", "no wave with when=after_phase"),
        ({"lambda": FUNCTION, "on_failure": "ignore"}, "hooks[0].on_failure", "stop, warn"),
        ({"lambda": FUNCTION, "timeout": 5}, "hooks[0].timeout", "only name, timeout_seconds"),
        ({"lambda": FUNCTION, "timeout_seconds": 901}, "hooks[0].timeout_seconds", "from 1 to 900"),
        ({"command": ["true"], "timeout_seconds": 0}, "hooks[0].timeout_seconds", "from 1 to 3600"),
        ({"command": ["true"], "retries": True}, "hooks[0].retries", "from 0 to 10"),
        ({"command": ["true"], "operations": ["drill"]}, "hooks[0].operations", "failover, failback, test, reprotect"),
        ({"command": "rm -rf /"}, "hooks[0].command", "there is no shell"),
        ({"command": []}, "hooks[0].command", "the program first"),
        ({"tasks": "/nowhere/at/all.yml"}, "hooks[0].tasks", "a file of tasks that is there"),
        ({"url": "file:///etc/passwd"}, "hooks[0].url", "http or https"),
        ({"url": "http://x/", "method": "get"}, "hooks[0].method", "GET, HEAD, POST"),
        ({"url": "http://x/", "expect_status": "2xx"}, "hooks[0].expect_status", "from 100 to 599"),
        ({"url": "http://x/", "expect_text": 5}, "hooks[0].expect_text", "a text"),
        ({"url": "http://x/", "body": {"password": "hunter2"}}, "hooks[0].body", "no secret"),
        ({"url": "http://u:hunter2@x/"}, "hooks[0].url", "no secret"),
        ({"lambda": "drain"}, "hooks[0].lambda", "a mapping with function, region, account"),
        ({"lambda": {}}, "hooks[0].lambda.function", "the name of the function"),
        ({"lambda": {**FUNCTION, "region": EAST}}, "hooks[0].lambda.region", "the one being left"),
        ({"lambda": {**FUNCTION, "region": "west"}}, "hooks[0].lambda.region", "a region"),
        ({"lambda": {**FUNCTION, "account": "222222222222"}}, "hooks[0].lambda.account", "111111111111"),
        (
            {"lambda": {"function": f"arn:aws:lambda:{EAST}:111111111111:function:drain"}},
            "hooks[0].lambda.function",
            "another region than us-east-1",
        ),
        ({"ssm": {**RUNBOOK, "parameters": {"n": 1}}}, "hooks[0].ssm.parameters", "a text or a list of texts"),
        ({"ssm": {**RUNBOOK, "targets": [{"Key": "tag:a"}]}}, "hooks[0].ssm.targets", "{Key, Values}"),
        ({"ssm": {**RUNBOOK, "parameters": {"C": "x"}, "context_parameter": "C"}}, "hooks[0].ssm.context_parameter", "as JSON"),
        ({"drs_tool": {"plan_id": "plan-7"}}, "hooks[0].drs_tool.function", "the name of the function"),
        ({"drs_tool": FUNCTION}, "hooks[0].drs_tool.plan_id", "a recovery plan of the DRS tool"),
        ({"drs_tool": {**TOOL, "status_function": 7}}, "hooks[0].drs_tool.status_function", "answers queries"),
        ({"drs_tool": {**TOOL, "region": EAST}}, "hooks[0].drs_tool.region", "the one being left"),
        (
            {"drs_tool": {**TOOL, "status_function": f"arn:aws:lambda:{EAST}:111111111111:function:query"}},
            "hooks[0].drs_tool.status_function",
            "another region than us-east-1",
        ),
        ({"drs_tool": TOOL, "timeout_seconds": 14401}, "hooks[0].timeout_seconds", "from 1 to 14400"),
    ],
)
def test_what_cannot_be_used_is_named_with_the_remedy(changes: Mapping[str, Any], field: str, allowed: str) -> None:
    with pytest.raises(InputError) as caught:
        validated("hooks", [{**HOOK, **changes}], LIMITS)
    assert caught.value.field == field
    assert allowed in caught.value.allowed
    assert "docs/hooks.md" in caught.value.remedy
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ("hooks.yml", "business_checks"),
        (["order"], "business_checks[0]"),
        ([{"name": "order", "command": ["true"]}] * 2, "business_checks[1].name"),
        ([{"name": "order", "command": ["true"], "when": "before_wave"}], "business_checks[0].when"),
    ],
)
def test_a_list_of_them_is_what_is_needed(value: Any, field: str) -> None:
    with pytest.raises(InputError) as caught:
        validated("business_checks", value, LIMITS)
    assert caught.value.field == field


def test_the_examples_of_the_document_are_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [part.partition("```")[0] for part in DOCUMENT.read_text(encoding="utf-8").split("```yaml\n")[1:]]
    (asked, tasks, tool) = map(yaml.safe_load, parts)
    (tmp_path / "change").mkdir()
    (tmp_path / "change/open.yml").write_text(parts[1])
    monkeypatch.chdir(tmp_path)
    limits = Limits(EAST, ["200000000001"])
    assert [len(validated(variable, entries, limits)) for variable, entries in asked.items()] == [3, 2]
    assert len(validated("hooks", tool["hooks"], limits)) == 1
    assert all("ansible.builtin" in name for task in tasks for name in task if name not in ("name", "register"))
