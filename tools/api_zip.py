# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the archive of the API's Lambda function: `python tools/api_zip.py FILE.zip [--no-dependencies]`.

It holds module_utils under its own name, `dr_api.py` whose `handler` Lambda calls, and the packages that a manifest is
validated with, for Lambda's platform. boto3 and botocore are Lambda's own. The same sources give the same bytes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "ansible_collections/dr/aws/plugins/module_utils"
#: What Lambda calls: its handler is dr_api.handler.
ENTRY = f'from {PACKAGE.replace("/", ".")}.api.handler import handler\n\n__all__ = ["handler"]\n'
#: The one file that needs Ansible.
LEFT_OUT = ("amazon.py",)
REQUIREMENTS = ("jsonschema", "PyYAML")
PYTHON, PLATFORM = "3.11", "manylinux2014_x86_64"
#: The earliest time that an archive can say.
EPOCH = (1980, 1, 1, 0, 0, 0)


def members(dependencies: bool) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file."""
    yield "dr_api.py", ENTRY.encode()
    source = ROOT / "plugins/module_utils"
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source).as_posix()
        if path.suffix in (".py", ".json", ".yml") and name not in LEFT_OUT:
            yield f"{PACKAGE}/{name}", path.read_bytes()
    if dependencies:
        with tempfile.TemporaryDirectory() as folder:
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", folder]
            pip += ["--only-binary", ":all:", "--platform", PLATFORM, "--python-version", PYTHON]
            subprocess.run([*pip, "-c", ROOT / "constraints.txt", *REQUIREMENTS], check=True)
            for path in sorted(Path(folder).rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    yield path.relative_to(folder).as_posix(), path.read_bytes()


def build(archive: Path, *, dependencies: bool) -> None:
    """Writes the archive."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members(dependencies):
            info = zipfile.ZipInfo(name, EPOCH)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            made.writestr(info, content)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python tools/api_zip.py", description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--no-dependencies", action="store_true", help="leave them to a layer")
    options = parser.parse_args()
    build(options.archive, dependencies=not options.no_dependencies)
    print(f"{options.archive}: {options.archive.stat().st_size / 1024:.0f} KB; handler dr_api.handler, Python {PYTHON}, x86_64")


if __name__ == "__main__":
    main()
