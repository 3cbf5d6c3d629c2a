# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a status takes through the API's function, and how soon it answers after a cold start.

python -m benchmarks.api [--resources 10000] [--number 200] [--latency 0.005] [--rate 100] [--seconds 20] [--clients 12]

The execution and the double of DynamoDB are those of `benchmarks.status`. What is measured is the function, from event to response:
what API Gateway, Lambda and the network add is not in it. First one instance is asked for executions that are asked for once, each
when the one before is answered; then several, at a rate, for the same one, of which each keeps a status for a second.
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import boto3

from ansible_collections.dr.aws.plugins.module_utils.accounts import Accounts
from ansible_collections.dr.aws.plugins.module_utils.api.executions import Executions
from ansible_collections.dr.aws.plugins.module_utils.api.handler import Api
from ansible_collections.dr.aws.plugins.module_utils.api.manifests import Manifests
from ansible_collections.dr.aws.plugins.module_utils.api.recent import Recent
from ansible_collections.dr.aws.plugins.module_utils.api.starters import starter
from ansible_collections.dr.aws.plugins.module_utils.control_plane import ensure
from ansible_collections.dr.aws.plugins.module_utils.events import Notifier
from ansible_collections.dr.aws.plugins.module_utils.store import Store

from .status import NAMES, double, measure, seed, store_at
from .world import ROOT, SOURCE, TARGET, world

#: NFR-1.1.
TARGET_SECONDS = 0.5
#: A process that has imported nothing yet answers its first request.
COLD = """
import json, os, time
began = time.monotonic()
from ansible_collections.dr.aws.plugins.module_utils.api.handler import handler
imported = time.monotonic()
assert handler(json.loads(os.environ["EVENT"]), None)["statusCode"] == 200
print(imported - began, time.monotonic() - imported)
"""


def event(name: str) -> dict[str, object]:
    """A status, as a REST API's event."""
    who = {"identity": {"userArn": "arn:aws:iam::100000000000:user/ann"}}
    return {"httpMethod": "GET", "path": f"/api/v1/lifecycle/executions/{name}", "requestContext": who}


def instance(settings: dict[str, str], name: str, forgets: bool = False) -> tuple[Callable[[], Any], Any]:
    """One of the function: what asks it for a status, and its client of DynamoDB. forgets: it keeps none."""
    accounts = Accounts((), settings["DR_CONTROL_REGION"], "benchmark", connect_timeout=2, read_timeout=5)
    store = Store(accounts.control("dynamodb"), accounts.control("s3"), settings["DR_TABLE"], settings["DR_BUCKET"])
    executions = Executions(store, Notifier(None, ""), starter(settings, accounts), settings["DR_REGIONS"].split(","))
    one = Api(executions, Manifests(store))

    def ask() -> None:
        if forgets:
            executions.recent = Recent()
        answer = one.handle(event(name))
        if answer["statusCode"] != 200:
            raise SystemExit(answer["body"])

    return ask, store.table.client


def alone(settings: dict[str, str], name: str, number: int) -> list[float]:
    """Seconds of each query, sorted; the first, which makes the connection, is left out."""
    ask, _client = instance(settings, name, forgets=True)
    took = []
    for _number in range(number + 1):
        began = time.perf_counter()
        ask()
        took.append(time.perf_counter() - began)
    return sorted(took[1:])


def cold(settings: dict[str, str], name: str) -> tuple[float, float]:
    """Seconds to import the function, and to answer the first request."""
    environment = {**os.environ, **settings, "EVENT": json.dumps(event(name))}
    done = subprocess.run([sys.executable, "-c", COLD], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    imported, answered = map(float, done.stdout.split())
    return imported, answered


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.api", description=__doc__)
    for flag, kind, default in (
        ("resources", int, 10000),
        ("number", int, 200),
        ("latency", float, 0.005),
        ("rate", float, 100.0),
        ("seconds", float, 20.0),
        ("clients", int, 12),
    ):
        parser.add_argument(f"--{flag}", type=kind, default=default)
    options = parser.parse_args()
    with world(1, 1) as one:
        os.environ.update(one.environment)
        ensure(*(boto3.client(service, region_name=TARGET) for service in ("dynamodb", "s3", "sns")), NAMES, TARGET)
        store = store_at(one.endpoint)
        name = seed(store, options.resources)
        settings = {"DR_CONTROL_REGION": TARGET, "DR_TABLE": NAMES.table, "DR_BUCKET": NAMES.bucket}
        settings["DR_REGIONS"] = f"{SOURCE},{TARGET}"
        with double(store, name, one.folder, options.latency) as endpoint:
            os.environ["AWS_ENDPOINT_URL"] = endpoint
            took = alone(settings, name, options.number)
            measure(f"{options.clients} instances", functools.partial(instance, settings, name), options.rate, options)
            imported, answered = cold(settings, name)
    p95 = took[math.ceil(len(took) * 0.95) - 1]
    print(f"{options.resources} resources, {options.number} queries, a double that answers after {options.latency * 1000:g} ms")
    said = f"p50 {1000 * statistics.median(took):.0f} ms   p95 {1000 * p95:.0f} ms   most {1000 * took[-1]:.0f} ms"
    print(f"  {said}   {'within' if p95 < TARGET_SECONDS else 'NOT within'} {1000 * TARGET_SECONDS:.0f} ms")
    print(f"  cold: {1000 * imported:.0f} ms to import, {1000 * answered:.0f} ms for the first request")


if __name__ == "__main__":
    main()
