# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lays a collection tree: `TREE/ansible_collections` with `dr/aws`, `amazon/aws` and `awx/awx`.

collection_tree.py live TREE BUNDLE AWX   dr/aws is a view of the checkout (links), amazon/aws and awx/awx come out of the `ansible`
                                          packages of versions BUNDLE and AWX, which carry them: no collection server is needed.
collection_tree.py copy TREE LIVE         dr/aws is a copy of what git would commit, the others are those of the tree LIVE: for the
                                          gates that walk the collection's folder and would otherwise meet what is not part of it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEPENDENCIES = ("ansible_collections/amazon/aws/", "ansible_collections/awx/awx/")

# What Ansible reads of an installed collection. A room that does not exist yet is a dangling link: Ansible skips it.
ROOMS = ("galaxy.yml", "meta", "playbooks", "plugins", "roles")


def live(tree: Path, *bundles: str) -> None:
    """Lays the tree that the product and the tests run from."""
    collection = tree / "ansible_collections/dr/aws"
    collection.mkdir(parents=True, exist_ok=True)
    for room in ROOMS:
        link = collection / room
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath(ROOT / room, collection))

    for dependency, bundle in zip(DEPENDENCIES, bundles, strict=True):
        _taken(tree, dependency, bundle)


def _taken(tree: Path, dependency: str, bundle: str) -> None:
    """One collection out of a bundle."""
    shutil.rmtree(tree / dependency, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        # The bundle may ask for another Python than ours: nothing of it is installed, one collection is taken out of it.
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        pip += ["--only-binary", ":all:", "--ignore-requires-python", "--dest", folder, f"ansible=={bundle}"]
        subprocess.run(pip, check=True)
        (wheel,) = Path(folder).glob("ansible-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            members = [name for name in archive.namelist() if name.startswith(dependency)]
            if not members:
                raise SystemExit(f"ansible {bundle} carries no {dependency}: name one in the Makefile that does")
            archive.extractall(tree, members)


def copy(tree: Path, source: Path) -> None:
    """Lays a fresh copy for the gates."""
    collection = tree / "ansible_collections/dr/aws"
    shutil.rmtree(collection, ignore_errors=True)
    listing = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in sorted(set(subprocess.run(listing, check=True, capture_output=True, text=True).stdout.split("\0")) - {""}):
        if (ROOT / name).is_file():
            (collection / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, collection / name)
    # A repository of its own: the gates ask git for the collection's files, and the checkout's git ignores this whole tree.
    subprocess.run(["git", "init", "--quiet", str(collection)], check=True)
    for dependency in DEPENDENCIES:
        shutil.rmtree(tree / dependency, ignore_errors=True)
        shutil.copytree(source / dependency, tree / dependency, copy_function=os.link)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["live", tree, bundle, awx]:
            live(Path(tree).resolve(), bundle, awx)
        case ["copy", tree, source]:
            copy(Path(tree).resolve(), Path(source).resolve())
        case _:
            raise SystemExit(__doc__)
