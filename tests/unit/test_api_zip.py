# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive of the API's function: the same each time, and importable without Ansible, as Lambda imports it."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Unsigned, so that no AWS is asked; Ansible and the checkout cannot be imported.
ASK = """
import json, sys
sys.path[:0] = [sys.argv[1]]
sys.path.append(sys.argv[2])
for name in ("ansible", "ansible_collections.amazon"):
    sys.modules[name] = None
import dr_api
event = {"httpMethod": "GET", "path": "/api/v1/lifecycle/executions/x", "requestContext": {}}
print(json.dumps([dr_api.handler.__module__, dr_api.handler(event, None)["statusCode"]]))
"""
SETTINGS = {
    "DR_CONTROL_REGION": "us-west-2",
    "DR_TABLE": "dr-aws-state",
    "DR_BUCKET": "dr-aws-bucket",
    "DR_REGIONS": "us-east-1,us-west-2",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ACCESS_KEY_ID": "AKIA",
    "AWS_SECRET_ACCESS_KEY": "sandbox",
}


def test_the_archive_of_the_api_can_be_imported_as_lambda_imports_it(tmp_path: Path) -> None:
    archives = [tmp_path / name for name in ("one.zip", "two.zip")]
    for archive in archives:
        subprocess.run([sys.executable, ROOT / "tools/api_zip.py", archive, "--no-dependencies"], check=True, capture_output=True)
    assert archives[0].read_bytes() == archives[1].read_bytes()
    with zipfile.ZipFile(archives[0]) as made:  # as Lambda does
        made.extractall(tmp_path / "task")
    words = [sys.executable, "-I", "-c", ASK, str(tmp_path / "task"), sysconfig.get_path("purelib")]
    done = subprocess.run(words, env=SETTINGS, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["ansible_collections.dr.aws.plugins.module_utils.api.handler", 403]
