# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a status takes of an execution with many resources in the middle of wave 3, at a given rate of queries.

python -m benchmarks.status [--resources 10000] [--rate 100] [--seconds 20] [--clients 12] [--latency 0.005]

A query is `Store.status`, which status.yml and dr.aws.execution_info call. Against the sandbox one comes after the other: for each
call moto looks at every item of the table, which DynamoDB does not, and cannot serve the rate. So that is measured against a double
that answers reads out of memory, each after a latency. Queries come at their rate whether or not earlier ones have been answered,
spread over client processes; one that has to wait for its client is late, and that counts. CPU is the client process's, and says
how many queries a core can ask.
"""

from __future__ import annotations

import argparse
import functools
import gc
import json
import math
import multiprocessing
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

from ansible_collections.dr.aws.plugins.module_utils.approvals import Approvals
from ansible_collections.dr.aws.plugins.module_utils.control_plane import Names, ensure
from ansible_collections.dr.aws.plugins.module_utils.journal import Journal
from ansible_collections.dr.aws.plugins.module_utils.lock import Lock, runner
from ansible_collections.dr.aws.plugins.module_utils.model import PHASES
from ansible_collections.dr.aws.plugins.module_utils.objectives import tally
from ansible_collections.dr.aws.plugins.module_utils.store import Store

from .world import ROOT, SOURCE, TARGET, world

NAMES = Names.default("100000000000", TARGET)
SCOPE = ("bench", "production")
WAVES = 5
#: Of wave 3, which is half done: every so many-th resource ended so.
ENDS = {7: "failed", 11: "blocked", 13: "deferred", 17: "skipped"}
BODY = {
    "outputs": {"id": "arn:aws:ecs:us-west-2:200000000000:service/shop/orders", "desired": 3},
    "why": "AccessDeniedException: the role may not update the service",
    "remedy": "grant it to the role that is assumed in account 200000000000, then resume this execution",
    "seconds": 93.7,
    "changed": True,
    "impact": "critical",
}
READ_UNIT = 4096
Make = Callable[[], tuple[Callable[[], Any], Any]]


@dataclass
class Watch:
    """Of one query: seconds of the whole client, of those from a request to its answer, and the answers' bytes."""

    calls: float = 0.0
    wire: float = 0.0
    sizes: list[int] = field(default_factory=list)

    def on(self, client: Any) -> None:
        """Watches a boto3 client."""
        session, make = client._endpoint.http_session, client._make_api_call
        send = session.send

        def sent(request: Any) -> Any:
            started = time.perf_counter()
            answer = send(request)
            self.sizes.append(len(answer.content))
            self.wire += time.perf_counter() - started
            return answer

        def made(*args: Any) -> Any:
            started = time.perf_counter()
            try:
                return make(*args)
            finally:
                self.calls += time.perf_counter() - started

        session.send, client._make_api_call = sent, made


@dataclass(frozen=True)
class Query:
    """One that was answered: seconds from the first to when it was due and to its end, how long it took itself, and its CPU."""

    due: float
    end: float
    seconds: float
    cpu: float
    watch: Watch

    @property
    def latency(self) -> float:
        """Seconds that whoever asked has waited."""
        return self.end - self.due


def store_at(endpoint: str) -> Store:
    """A store with clients of its own."""
    clients = [boto3.client(service, region_name=TARGET, endpoint_url=endpoint) for service in ("dynamodb", "s3")]
    return Store(*clients, NAMES.table, NAMES.bucket)


def seed(store: Store, resources: int) -> str:
    """An execution in the middle of wave 3 of ACTIVATE, with all that a status shows; its id."""
    keys = [f"ecs-2000000000{number % 50:02}-shop-{number:05}" for number in range(resources)]
    size = math.ceil(resources / WAVES)
    planned = {phase: {str(wave + 1): len(keys[wave * size : (wave + 1) * size]) for wave in range(WAVES)} for phase in PHASES}
    wanted = {key: (900, 1800, 3600)[number % 3] for number, key in enumerate(keys)}
    record = store.create_execution(
        {
            **dict(zip(("customer", "environment"), SCOPE, strict=True)),
            **{"operation": "failover", "mode": "unplanned", "primary_region": SOURCE, "dr_region": TARGET},
            **{"created_by": "arn:aws:iam::100000000000:user/ann", "plan_sha256": "ab" * 32, "expected_seconds": 3600},
            **{"resource_count": resources, "planned": planned, "already": {}, "objectives": tally(wanted, {})},
        }
    )
    name = str(record["execution_id"])
    store.update_execution(name, status="RUNNING")
    lock = Lock(store)
    fence = lock.acquire(*SCOPE, owner=name, runner=runner(), lease_seconds=86400)
    journal = Journal(store, name, fence, lock, "ann", record, wanted)
    for phase in ("instantiate", "activate"):
        journal.known(phase)
    for number in range(300):
        journal.note("notified", event="wave_completed", delivered=True, number=number)
    for wave in range(3):
        detail = {"phase": "activate", "wave": wave + 1}
        Approvals(store).request(name, f"activate-{wave + 1}", "ab" * 32, timeout_seconds=3600, requester="ann", detail=detail)
        journal.note("wave_started", phase="activate", waves=[wave + 1], resources=size)
        journal.progress("activate", wave + 1)
    journal.debts([(key, "activate", "stop it before its clients reach it again") for key in keys[: resources // 10]])
    ends = dict.fromkeys(keys[: 2 * size + size // 2], "done")
    for number, key in enumerate(keys[2 * size : 2 * size + size // 2]):
        ends[key] = next((how for every, how in ENDS.items() if not number % every), "done")
    journal.finish([(key, "instantiate", "done", BODY) for key in keys])
    journal.finish([(key, "activate", how, BODY) for key, how in ends.items()])
    journal.renew()
    return name


def reader(endpoint: str, name: str) -> tuple[Callable[[], Any], Any]:
    """What asks for a status, as status.yml does, and the client that it does it with."""
    store = store_at(endpoint)
    return functools.partial(store.status, name), store.table.client


def client(make: Make, share: Sequence[float], begin: float) -> list[Query]:
    """One client's queries, each at its time in seconds since `begin`."""
    ask, dynamodb = make()
    warm = Watch()
    warm.on(dynamodb)
    ask()  # the connection is made, and the service's model is read
    gc.freeze()  # what is there by now is no garbage: in a service that runs for long it is not looked at again either
    found = []
    for due in share:
        time.sleep(max(0.0, begin + due - time.time()))
        warm.calls, warm.wire, warm.sizes = 0.0, 0.0, []
        started, cpu = time.perf_counter(), time.process_time()
        ask()
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        found.append(Query(due, time.time() - begin, seconds, cpu, Watch(warm.calls, warm.wire, warm.sizes)))
    return found


def measure(title: str, make: Make, rate: float, options: argparse.Namespace) -> None:
    """Prints how queries at a rate were answered. make: of each client, what asks and its client of DynamoDB."""
    due = [number / rate for number in range(round(rate * options.seconds))]
    begin = time.time() + 5
    with ProcessPoolExecutor(options.clients, multiprocessing.get_context("spawn")) as pool:
        shares = [due[number :: options.clients] for number in range(options.clients)]
        parts = [pool.submit(client, make, share, begin) for share in shares]
        queries = [query for part in parts for query in part.result()]
    waited = sorted(query.latency for query in queries)
    p50, p95, p99 = (waited[math.ceil(len(waited) * share) - 1] * 1000 for share in (0.5, 0.95, 0.99))
    answered = len(queries) / max(options.seconds, *(query.end for query in queries))
    print(f"  {title:<24} {rate:4.0f} a second asked, {answered:5.1f} answered", end="   ")
    print(f"p50 {p50:6.0f} ms   p95 {p95:6.0f} ms   p99 {p99:6.0f} ms", end="   ")
    print(split(queries), flush=True)


def alone(endpoint: str, name: str, number: int) -> None:
    """Prints how queries of one client were answered, one after the other."""
    queries = client(functools.partial(reader, endpoint, name), [0.0] * number, time.time())
    print(f"  {'sandbox, alone':<24} median {1000 * statistics.median(query.seconds for query in queries):6.0f} ms", end="   ")
    print(split(queries), flush=True)


def split(queries: Sequence[Query]) -> str:
    """Whose time it was, as medians."""
    parts = {
        "ours": [query.seconds - query.watch.calls for query in queries],
        "boto3": [query.watch.calls - query.watch.wire for query in queries],
        "server": [query.watch.wire for query in queries],
        "CPU": [query.cpu for query in queries],
    }
    return "   ".join(f"{name} {1000 * statistics.median(values):.1f} ms" for name, values in parts.items())


def entirely(params: dict[str, Any], **_unused: Any) -> dict[str, Any]:
    """Whole items, as read units are reckoned by: what of them is asked for makes no difference."""
    return {name: value for name, value in params.items() if name not in ("ProjectionExpression", "ExpressionAttributeNames")}


def shape(endpoint: str, name: str, resources: int) -> None:
    """Prints what one query reads, beside all that there is."""
    store = store_at(endpoint)
    watch, whole = Watch(), Watch()
    watch.on(store.table.client)
    found = store.status(name)
    entire = store_at(endpoint)
    entire.table.client.meta.events.register("provide-client-params.dynamodb.Query", entirely)
    whole.on(entire.table.client)
    entire.status(name)
    units = sum(math.ceil(max(1, size) / READ_UNIT) for size in whole.sizes)
    print(f"{resources} resources, {found['counts']['activate']} in ACTIVATE; truncated: {', '.join(found['truncated'])}")
    print(f"  one query: {len(watch.sizes)} calls, {sum(watch.sizes) / 1024:.0f} KB, about {units} read units", end="; ")
    watch.sizes = []
    store.status(name, limit=None)
    print(f"without a limit {len(watch.sizes)} calls, {sum(watch.sizes) / 1024:.0f} KB")


@contextmanager
def double(store: Store, name: str, folder: Path, latency: float) -> Iterator[str]:
    """A double with the same items; its endpoint."""
    partitions = [f"EXEC#{name}", f"LOCK#{'#'.join(SCOPE)}", f"CUST#{'#'.join(SCOPE)}"]
    pages = store.table.client.get_paginator("query")
    items = [
        item
        for partition in partitions
        for page in pages.paginate(
            TableName=NAMES.table, KeyConditionExpression="PK = :pk", ExpressionAttributeValues={":pk": {"S": partition}}
        )
        for item in page["Items"]
    ]
    file = folder / "items.json"
    file.write_text(json.dumps(items))
    command = [sys.executable, "-m", "benchmarks.double", str(file), str(latency)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            port = server.stdout.readline().strip() if server.stdout else ""
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.status", description=__doc__)
    for flag, kind, default in (
        ("resources", int, 10000),
        ("rate", float, 100.0),
        ("seconds", float, 20.0),
        ("clients", int, 12),
        ("latency", float, 0.005),
    ):
        parser.add_argument(f"--{flag}", type=kind, default=default)
    options = parser.parse_args()
    with world(1, 1) as one:
        os.environ.update(one.environment)
        clients = [boto3.client(service, region_name=TARGET) for service in ("dynamodb", "s3", "sns")]
        ensure(*clients, NAMES, TARGET)
        store = store_at(one.endpoint)
        name = seed(store, options.resources)
        shape(one.endpoint, name, options.resources)
        alone(one.endpoint, name, 5)
        with double(store, name, one.folder, options.latency) as endpoint:
            measure(
                f"double, {options.latency * 1000:g} ms a call", functools.partial(reader, endpoint, name), options.rate, options
            )


if __name__ == "__main__":
    main()
