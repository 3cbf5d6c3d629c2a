# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The execution environment: it pins what is tested, and `ansible-builder` makes a whole context of it. No image is built."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
DEFINITION = yaml.safe_load((ROOT / "execution-environment.yml").read_text(encoding="utf-8"))
GALAXY = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
TARBALL = f"{GALAXY['namespace']}-{GALAXY['name']}-{GALAXY['version']}.tar.gz"


def collections() -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in DEFINITION["dependencies"]["galaxy"]["collections"]}


def test_every_version_is_the_one_that_is_tested() -> None:
    pinned = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert DEFINITION["dependencies"]["ansible_core"]["package_pip"] in pinned
    assert re.fullmatch(r"ansible-runner==[\d.]+", DEFINITION["dependencies"]["ansible_runner"]["package_pip"])
    manifest = json.loads((ROOT / ".build/ansible_collections/amazon/aws/MANIFEST.json").read_text(encoding="utf-8"))
    assert collections()["amazon.aws"]["version"] == manifest["collection_info"]["version"]
    assert collections()[f"collections/{TARBALL}"] == {"name": f"collections/{TARBALL}", "type": "file"}
    assert not DEFINITION["images"]["base_image"]["name"].endswith((":latest", "/ubi9"))


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build context, made beside the collection's tarball as docs/awx.md says."""
    here = tmp_path_factory.mktemp("image")
    for name in ("execution-environment.yml", "requirements.txt", "constraints.txt"):
        shutil.copy2(ROOT / name, here)
    build = [BIN / "ansible-galaxy", "collection", "build", "--output-path", here]
    for command, folder in ((build, ROOT), ([BIN / "ansible-builder", "create", "--output-filename", "Containerfile"], here)):
        done = subprocess.run([str(word) for word in command], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return here / "context"


def test_the_context_has_everything_that_its_steps_copy(context: Path) -> None:
    steps = (context / "Containerfile").read_text(encoding="utf-8")
    copied = set(re.findall(r"^(?:COPY|ADD) (_build\S*)", steps, re.MULTILINE))
    assert "_build/configs/constraints.txt" in copied
    assert {name for name in copied if not (context / name).exists()} == set()
    assert (context / "_build/configs/constraints.txt").read_bytes() == (ROOT / "constraints.txt").read_bytes()


def test_the_context_carries_the_collection_and_its_requirements(context: Path) -> None:
    asked = yaml.safe_load((context / "_build/requirements.yml").read_text(encoding="utf-8"))
    assert {one["name"]: one for one in asked["collections"]} == collections()
    with tarfile.open(context / "_build" / next(name for name in collections() if name.endswith(".tar.gz"))) as tarball:
        held = set(tarball.getnames())
    assert {"MANIFEST.json", "playbooks/failover.yml", "plugins/inventory/resources.py", "sandbox/__main__.py"} <= held
    wanted = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert (context / "_build/requirements.txt").read_text(encoding="utf-8") == wanted


def test_no_stage_installs_a_package_before_the_constraints_hold(context: Path) -> None:
    lines = (context / "Containerfile").read_text(encoding="utf-8").splitlines()
    constrained = next(index for index, line in enumerate(lines) if "PIP_CONSTRAINT" in line)
    first = next(index for index, line in enumerate(lines) if re.search(r"pip install|assemble", line) and line.startswith("RUN"))
    assert constrained < first
