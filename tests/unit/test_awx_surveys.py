# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The surveys of AWX ask what the playbooks read, all of it and nothing else."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment, nodes

from ansible_collections.dr.aws.plugins.lookup.misgiven import alike
from ansible_collections.dr.aws.plugins.module_utils.pauses import MAX_MINUTES

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOKS = {path.stem: path for path in (ROOT / "playbooks").glob("*.yml")}
#: No job templates: what the others begin with, what makes templates, documents and the state machine, what that starts, and
#: what people of an account run in it.
OTHERS = {"automation", "estate", "awx", "shard", "spoke", "state_machine"}
#: What Ansible itself gives.
GIVEN = {"ansible_failed_result", "ansible_playbook_python", "hostvars", "lookup", "omit", "playbook_dir", "query"}


class Loader(yaml.SafeLoader):
    """Values that Ansible must not template are texts."""


Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))
SURVEYS: dict[str, Any] = yaml.load((ROOT / "roles/awx/vars/main.yml").read_text(encoding="utf-8"), Loader)
QUESTIONS, ASKED = SURVEYS["awx__questions"], SURVEYS["awx__playbooks"]


def read(playbook: str) -> set[str]:
    """The parameters of a playbook: what it, and the task files that it imports, read and nothing sets."""
    text = PLAYBOOKS[playbook].read_text(encoding="utf-8")
    if "tasks/wave.yml" in text:
        text += (ROOT / "playbooks/tasks/wave.yml").read_text(encoding="utf-8")
    text += "".join(f"{{{{ {condition} }}}}" for condition in re.findall(r"^ +when: (.*)$", text, re.MULTILINE))
    found = {node.name for node in Environment(autoescape=True).parse(text).find_all(nodes.Name)}
    if "['environment']" in text:
        found.add("environment")
    return {name for name in found if name not in GIVEN and not re.match(r"dr_(?!region$)", name)}


def test_every_playbook_has_a_job_template() -> None:
    assert set(ASKED) == set(PLAYBOOKS) - OTHERS


@pytest.mark.parametrize("playbook", sorted(ASKED))
def test_a_survey_asks_what_its_playbook_reads(playbook: str) -> None:
    asked = ASKED[playbook]
    listed = [*asked["required"], *asked["optional"], *asked["not_asked"]]
    assert len(listed) == len(set(listed))
    assert set(listed) == read(playbook)
    (begins,) = [
        play for play in yaml.safe_load(PLAYBOOKS[playbook].read_text(encoding="utf-8")) if "dr_takes" in play.get("vars", {})
    ]
    assert begins["vars"]["dr_takes"] == listed
    assert set(begins["vars"].get("dr_needs", ())) <= set(asked["required"])
    assert [pair for pair in itertools.permutations(listed, 2) if alike(*pair)] == []


def test_every_question_is_asked_and_is_one_that_awx_takes() -> None:
    asked = {name for one in ASKED.values() for name in [*one["required"], *one["optional"]]}
    assert asked == set(QUESTIONS)
    for name, question in QUESTIONS.items():
        assert question["variable"] == name
        assert question["question_name"]
        assert question["type"] in ("text", "password", "integer", "multiplechoice")
        assert ("choices" in question) == (question["type"] == "multiplechoice")
        assert ("min" in question) == (question["type"] == "integer")


def test_choices_are_those_of_the_modules() -> None:
    document = (ROOT / "plugins/modules/execution_info.py").read_text(encoding="utf-8")
    for name in ("status", "phase"):
        listed = re.search(rf"  {name}:\n.*?choices: \[(.*?)\]", document, re.DOTALL)
        assert listed
        assert QUESTIONS[name]["choices"] == listed[1].split(", ")
    assert QUESTIONS["timeout_minutes"]["max"] == MAX_MINUTES
