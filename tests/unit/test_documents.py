# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documents say exists: commands, parameters, files, targets and tests."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "sandbox/README.md"])
PLAYBOOKS = {path.stem: path for path in (ROOT / "playbooks").glob("*.yml")}
#: What is written where a value of one's own belongs.
PLACEHOLDER = "…"


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parameters(playbook: str) -> set[str]:
    """The variables that a playbook reads, with those of the task files that it imports."""
    text = PLAYBOOKS[playbook].read_text(encoding="utf-8")
    for imported in re.findall(r"import_tasks: (\S+)", text):
        text += (ROOT / "playbooks" / imported).read_text(encoding="utf-8")
    inside = " ".join(re.findall(r"{{(.*?)}}", text))
    return set(re.findall(r"\b[a-z_0-9]+\b", inside))


def commands(text: str) -> Iterator[list[str]]:
    """The words of every command line with ansible-playbook, continued lines joined."""
    joined = re.sub(r"\\\n\s*(?:#\s*)?", " ", text)
    for line in re.findall(r"ansible-playbook [^\n`|]*", joined):
        yield shlex.split(line.partition("…  ")[0].rstrip(" .,;:"), comments=True)


def told(words: list[str]) -> tuple[str, set[str]]:
    """(the playbook's name, the names given with -e) of a command line; of a file (@…) none."""
    books = [word for word in words if re.fullmatch(r"dr\.aws\.\w+|(playbooks/)?\w+\.yml", word)]
    assert len(books) == 1, words
    given = [value for option, value in pairwise(words) if option == "-e"]
    return books[0].removeprefix("dr.aws.").removeprefix("playbooks/").removesuffix(".yml"), {
        value.partition("=")[0] for value in given if value != PLACEHOLDER and not value.startswith("@")
    }


SOURCES = [*DOCUMENTS, *PLAYBOOKS.values(), ROOT / "tools/demo.sh"]


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_commands_name_playbooks_and_parameters_that_exist(path: Path) -> None:
    for words in commands(path.read_text(encoding="utf-8")):
        playbook, given = told(words)
        assert playbook in PLAYBOOKS, words
        assert given <= parameters(playbook), words


def test_the_documents_have_the_commands_of_the_main_job() -> None:
    """That something is found at all, and that each playbook for operators is shown."""
    shown = {told(words)[0] for path in DOCUMENTS for words in commands(path.read_text(encoding="utf-8"))}
    assert {"failover", "readiness", "status", "approve"} <= shown


def test_every_parameter_of_a_failover_is_in_its_table() -> None:
    text = (ROOT / "docs/failover.md").read_text(encoding="utf-8").partition("\n## The plan\n")[0]
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    written = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row.split("|")[1])}
    read = PLAYBOOKS["failover"].read_text(encoding="utf-8") + (ROOT / "playbooks/tasks/wave.yml").read_text(encoding="utf-8")
    taken = set(re.findall(r"{{ (\w+) \| default\(omit\) }}", read)) | set(re.findall(r"\['(\w+)'\] \| default\(omit\)", read))
    assert taken
    assert taken <= written
    assert written <= parameters("failover") | {"FAILED", "PAUSED", "CANCELLED", "RUNNING", "COMPLETED", "interrupted"}


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_links_lead_to_files(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), f"{named(path)} links to {target}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_make_targets_exist(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", path.read_text(encoding="utf-8"))) <= targets


def test_invariants_name_tests_that_exist() -> None:
    text = (ROOT / "docs/invariants.md").read_text(encoding="utf-8")
    sections = re.split(r"^## (?=\d+\. )", text, flags=re.MULTILINE)[1:]
    assert [section.split(".")[0] for section in sections] == [str(number) for number in range(1, 11)]
    for section in sections:
        assert "::" in section, section.splitlines()[0]
    tests = re.findall(r"`((?:unit|integration|faults)/[\w/]+\.py)::(\w+)`", text)
    assert len(tests) == text.count("::")
    for file, name in tests:
        tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, f"{file} has no {name}"
