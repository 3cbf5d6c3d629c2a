# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for the repository as a whole: lists that follow files, imports that point one way, gates without exceptions."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ansible_collections.dr.aws.plugins.action.plan import ActionModule

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"
TESTS = ROOT / "tests"
LICENCE = "# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)"

MODULES = sorted(path.stem for path in PLUGINS.glob("modules/*.py"))
ACTIONS = sorted(path.stem for path in PLUGINS.glob("action/*.py"))
ADAPTERS = sorted(path.stem for path in PLUGINS.glob("module_utils/adapters/*.py") if path.stem not in ("__init__", "base"))
PLUGIN_FILES = sorted(PLUGINS.rglob("*.py"))

# The one file that meets amazon.aws and Ansible's module class, and the one that meets botocore.
ANSIBLE_SEAM = "module_utils/amazon.py"
BOTOCORE_SEAM = "module_utils/accounts.py"


def _named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _texts() -> Iterator[tuple[str, str]]:
    """Name and text of every file that belongs to the repository, this one apart."""
    for path in sorted(ROOT.rglob("*")):
        name = _named(path)
        hidden = re.search(r"(^|/)\.", name) and not name.startswith((".ansible-lint", ".ci/", ".gitignore"))
        made = re.search(r"(^|/)__pycache__/|^tests/output/|\.gz$", name)
        if not hidden and not made and path.is_file() and path != Path(__file__).resolve():
            yield name, path.read_text(encoding="utf-8", errors="replace")


def _imports(path: Path) -> Iterator[str]:
    """Absolute names of what a plugin file imports; a name imported from a package counts as the package's."""
    package = ("ansible_collections/dr/aws" / path.relative_to(ROOT).parent).parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1]] if node.level else []
            module = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            yield from (f"{module}.{name.name}" for name in node.names)


def _importers(*prefixes: str) -> set[str]:
    """The plugin files that import something of these packages."""
    wanted = re.compile(rf"({'|'.join(map(re.escape, prefixes))})(\.|$)")
    return {path.relative_to(PLUGINS).as_posix() for path in PLUGIN_FILES if any(map(wanted.match, _imports(path)))}


def test_the_action_group_names_every_module_and_action() -> None:
    group = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["action_groups"]["all"]
    assert group == sorted({*MODULES, *ACTIONS})


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_has_a_module_of_its_name_that_documents_it(action: str) -> None:
    assert action in MODULES


@functools.cache
def _played() -> set[str]:
    """The playbooks that integration tests run: `run("failover", …)`, `start(…)`, `words(…)`."""
    calls = (
        node
        for path in TESTS.glob("integration/*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("run", "start", "words")
    )
    first = [call.args[0].value for call in calls if call.args and isinstance(call.args[0], ast.Constant)]
    return {name.removeprefix("dr.aws.") for name in first if isinstance(name, str)}


def _tasks(path: Path) -> Iterator[str]:
    """The modules of ours in a playbook and in the task files that it imports."""
    text = path.read_text(encoding="utf-8")
    yield from re.findall(r"^ +(?:- )?dr\.aws\.(\w+):", text, re.MULTILINE)
    for imported in re.findall(r"import_tasks: (\S+)", text):
        yield from _tasks(path.parent / imported)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_a_test(module: str) -> None:
    """One of its name, one that imports it, or one that runs a playbook with it."""
    own = list(TESTS.rglob(f"test_{module}.py"))
    used = re.compile(rf"plugins\.(modules|action)(\.| import ){module}\b")
    others = [path for path in TESTS.rglob("test_*.py") if used.search(path.read_text(encoding="utf-8"))]
    played = [path for path in ROOT.glob("playbooks/*.yml") if path.stem in _played() and module in _tasks(path)]
    assert own or others or played


def test_an_operation_that_can_be_planned_has_its_playbook() -> None:
    choices = ActionModule.OPTIONS["operation"]["choices"]
    assert [name for name in choices if not (ROOT / f"playbooks/{name}.yml").is_file()] == []


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_adapter_has_its_module_and_its_decision_table(adapter: str) -> None:
    assert adapter in MODULES
    assert (TESTS / f"unit/plugins/module_utils/adapters/test_{adapter}.py").is_file()


def test_module_utils_know_ansible_in_one_file_only() -> None:
    inside = {name for name in _importers("ansible", "ansible_collections.amazon") if name.startswith("module_utils/")}
    assert inside <= {ANSIBLE_SEAM}


def test_amazon_aws_is_imported_in_one_file_only() -> None:
    assert _importers("ansible_collections.amazon") <= {ANSIBLE_SEAM}


def test_botocore_is_imported_in_one_file_only() -> None:
    assert _importers("boto3", "botocore") <= {BOTOCORE_SEAM}


def test_the_product_does_not_know_the_sandbox() -> None:
    assert _importers("sandbox", "moto") == set()


def test_of_the_sandbox_only_rehearsals_and_the_api_know_the_product() -> None:
    product = re.compile(r"^\s*(from|import) ansible_collections", re.MULTILINE)
    known = {path.parent.name for path in ROOT.glob("sandbox/**/*.py") if product.search(path.read_text(encoding="utf-8"))}
    assert known == {"api", "rehearsal"}


def test_the_model_imports_nothing_of_ours() -> None:
    assert not [name for name in _imports(PLUGINS / "module_utils/model.py") if name.startswith("ansible_collections")]


def test_no_adapter_imports_another() -> None:
    home = "ansible_collections.dr.aws.plugins.module_utils.adapters."
    for adapter in ADAPTERS:
        used = {
            name.removeprefix(home).split(".")[0]
            for name in _imports(PLUGINS / f"module_utils/adapters/{adapter}.py")
            if home in name
        }
        assert not used & {*ADAPTERS} - {adapter}, adapter


@pytest.mark.parametrize("path", PLUGIN_FILES, ids=_named)
def test_a_plugin_file_says_its_licence(path: Path) -> None:
    first, *lines = path.read_text(encoding="utf-8").splitlines()
    if path.parent.name == "modules":
        assert first == "#!/usr/bin/python"
    else:
        lines.insert(0, first)
    assert lines[:2] == [LICENCE, "# SPDX-License-Identifier: GPL-3.0-or-later"]
    assert "from __future__ import annotations" in lines


def test_no_gate_has_an_ignore_list() -> None:
    assert not [*TESTS.glob("sanity/ignore*"), *ROOT.glob(".ansible-lint-ignore"), *ROOT.glob(".yamllint*")]
    lint = yaml.safe_load((ROOT / ".ansible-lint").read_text())
    assert lint["profile"] == "production"
    assert not {"skip_list", "warn_list", "exclude_paths", "mock_modules", "mock_roles"} & set(lint)


def test_no_file_names_a_machine_or_a_registry() -> None:
    foreign = re.compile(r"/work/|/root/|\.pyenv|/opt/(wheels|pypi)|/tmp/dr\b|pypi\.org|pythonhosted|index-url")
    assert [name for name, text in _texts() if foreign.search(text)] == []


def test_roles_say_what_they_take() -> None:
    for role in (ROOT / "roles").glob("*/"):
        assert (role / "meta/argument_specs.yml").is_file(), role.name
        assert (role / "README.md").is_file(), role.name


def test_every_requirement_is_pinned_once_and_the_pins_agree() -> None:
    def pins(name: str) -> list[tuple[str, str]]:
        lines = [line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith("#")]
        parts = [re.sub(r"\[.*\]", "", line).lower().replace("_", "-").partition("==") for line in lines]
        return [(project, version) for project, _equals, version in parts]

    direct, resolved = pins("requirements.txt") + pins("requirements-dev.txt"), pins("constraints.txt")
    assert all(version for _project, version in direct + resolved)
    assert len(dict(direct)) == len(direct)
    assert set(direct) <= set(resolved)
