# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Schemathesis finds nothing: a bounded run with the same requests each time. The long one is in docs/api.md."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path
from typing import Any

import boto3
from playbook import BIN, ROOT, estate

from ansible_collections.dr.aws.plugins.module_utils.store import Store
from sandbox.api.command import control, serve

#: Of each operation, in each of the phases that make requests up.
EXAMPLES = 5
HERE = ROOT / "extensions/api"


def test_schemathesis_finds_nothing(sandbox: Any, tmp_path: Path) -> None:
    sandbox.load(estate())
    settings = control(sandbox.gateway)
    region = settings["DR_CONTROL_REGION"]
    dynamodb, s3 = (boto3.client(service, region_name=region) for service in ("dynamodb", "s3"))
    Store(dynamodb, s3, settings["DR_TABLE"], settings["DR_BUCKET"]).put_snapshot("CustomerX", "production", {"resources": []})
    front = serve(settings)
    threading.Thread(target=front.serve_forever, daemon=True).start()
    key = sandbox.gateway.accounts.management.access_key
    signed = f"AWS4-HMAC-SHA256 Credential={key}/20261128/{region}/execute-api/aws4_request, SignedHeaders=host, Signature=0"
    words = [str(BIN / "schemathesis"), "--config-file", str(HERE / "schemathesis.toml"), "run", str(HERE / "openapi.yml")]
    words += ["--url", f"http://127.0.0.1:{front.server_port}/api/v1", "-H", f"Authorization: {signed}", "--no-color"]
    words += ["--max-examples", str(EXAMPLES), "--generation-deterministic"]
    words += ["--suppress-health-check", "all", "--request-timeout", "120", "--warnings", "off"]
    try:
        # The simulated AWS is not told about: what runs here asks the API alone.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=280, check=False)
    finally:
        front.shutdown()
        front.server_close()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Tested: 7" in done.stdout
