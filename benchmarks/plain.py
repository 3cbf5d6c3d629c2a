# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The yardstick: a plain boto3 thread pool that makes the calls of a file, in a process of its own.

python -m benchmarks.plain CALLS.json THREADS EXTERNAL_ID      calls: [[account role ARN, region, service, operation, params], …]
"""

from __future__ import annotations

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError


class Clients:
    """One session per role, one client per service and region."""

    def __init__(self, threads: int, external_id: str) -> None:
        self.config, self.external_id = Config(max_pool_connections=threads), external_id
        self.lock, self.sessions, self.clients = threading.Lock(), {}, {}

    def get(self, role: str, region: str, service: str) -> Any:
        with self.lock:
            if role not in self.sessions:
                answer = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="plain", ExternalId=self.external_id)
                keys = answer["Credentials"]
                self.sessions[role] = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
            key = (role, region, service)
            if key not in self.clients:
                self.clients[key] = self.sessions[role].client(service, region_name=region, config=self.config)
            return self.clients[key]


def main(file: str, threads: int, external_id: str) -> None:
    """Makes all calls; prints how many AWS refused."""
    clients = Clients(threads, external_id)

    def send(call: tuple[str, str, str, str, dict[str, Any]]) -> int:
        role, region, service, operation, params = call
        try:
            getattr(clients.get(role, region, service), xform_name(operation))(**params)
        except ClientError:
            return 1
        return 0

    with ThreadPoolExecutor(threads) as pool:
        print(sum(pool.map(send, json.loads(Path(file).read_text()))))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
