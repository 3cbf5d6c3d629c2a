# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many executions at once on one machine, each of another customer, and people who look at them.

python -m benchmarks.load [--executions 10] [--resources 1000] [--readers 50] [--every 30]

An execution is what the wave action does: a lock, a stored journal, the engine over a wave of ACTIVATE, counters, the end; in a
process of its own. A reader asks for the status of one of them, and again after `every` seconds (Appendix I: 30). The sandbox is
one process of Python that answers one call after the other: what is measured is whether anything gets in another's way, and not
how fast AWS is.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import boto3

from ansible_collections.dr.aws.plugins.module_utils.accounts import Account, Accounts, AwsReader
from ansible_collections.dr.aws.plugins.module_utils.adapters import adapter
from ansible_collections.dr.aws.plugins.module_utils.control_plane import ensure
from ansible_collections.dr.aws.plugins.module_utils.engine import Engine
from ansible_collections.dr.aws.plugins.module_utils.journal import Journal
from ansible_collections.dr.aws.plugins.module_utils.lock import Lock, runner
from ansible_collections.dr.aws.plugins.module_utils.model import Goal, Pair
from ansible_collections.dr.aws.plugins.module_utils.store import Store
from ansible_collections.dr.aws.plugins.module_utils.survey import survey

from .status import NAMES, store_at
from .world import SOURCE, TARGET, world

PHASE = "activate"


@dataclass(frozen=True)
class Ended:
    """An execution. statuses: how its resources ended -> how many. error: "" when it came to its end. seconds: of the wave."""

    execution_id: str
    statuses: Mapping[str, int]
    error: str = ""
    seconds: float = 0.0


@dataclass
class Seen:
    """What readers saw. seconds: of each status. errors: of those that failed."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def pairs_of(estate: Mapping[str, Any], account: str) -> list[Pair]:
    """The ECS services that a generated estate has in an account."""
    ids = {one["name"]: one["id"] for one in estate["accounts"]}
    found = []
    for one in estate["resources"]:
        if ids[one["account"]] == account:
            name = f"{one['cluster']}/{one['name']}"
            found.append(Pair(f"ecs-{account}-{one['name']}", "ecs", account, SOURCE, TARGET, name, name))
    return found


def begun(store: Store, customer: str, resources: int) -> str:
    """A new execution; its id."""
    record = {
        **{"customer": customer, "environment": "production", "operation": "failover", "mode": "unplanned"},
        **{"primary_region": SOURCE, "dr_region": TARGET, "created_by": "arn:aws:iam::100000000000:user/ann"},
        **{"plan_sha256": "ab" * 32, "expected_seconds": 3600, "resource_count": resources, "already": {}},
        **{"planned": {PHASE: {"1": resources}}},
    }
    return str(store.create_execution(record)["execution_id"])


def execute(
    store: Store, cloud: AwsReader, customer: str, name: str, pairs: Sequence[Pair], *, parallelism: int = 10, poll: float = 0.5
) -> Ended:
    """Carries out a wave of ACTIVATE as one execution, from its lock to its end."""
    started = time.perf_counter()
    try:
        seen = survey(cloud, pairs, parallelism)
        captured = {pair.key: adapter("ecs").capture(seen[pair.key].seen, pair) for pair in pairs}
        lock = Lock(store)
        fence = lock.acquire(customer, "production", owner=name, runner=runner())
        store.update_execution(name, status="RUNNING")
        journal = Journal(store, name, fence, lock, "ann", store.get_execution(name), {})
        journal.note("wave_started", phase=PHASE, waves=[1], resources=len(pairs))
        goals = [Goal(pair, "unplanned", "quarantine", name, captured[pair.key]) for pair in pairs]
        journal.known(PHASE)
        journal.progress(PHASE, 1)
        results = Engine(cloud, journal, parallelism=parallelism, poll_limit_seconds=poll).run(PHASE, goals)
        statuses = Counter(one.status for one in results.values())
        journal.progress(PHASE, 1, statuses)
        journal.note("wave_ended", phase=PHASE, waves=[1], counts=statuses)
        store.update_execution(name, status="COMPLETED")
        lock.release()
    except Exception as error:  # what gets in another's way is what is looked for
        return Ended(name, {}, f"{type(error).__name__}: {error}", time.perf_counter() - started)
    return Ended(name, statuses, "", time.perf_counter() - started)


def look(store: Store, names: Sequence[str], every: float, ended: Callable[[float], bool]) -> Seen:
    """Statuses of executions in turn, one every so many seconds until `ended(seconds to wait)`; at least one."""
    seen, number = Seen(), 0
    while True:
        started = time.perf_counter()
        try:
            store.status(names[number % len(names)])
        except Exception as error:
            seen.errors.append(f"{type(error).__name__}: {error}")
        took = time.perf_counter() - started
        seen.seconds.append(took)
        number += 1
        if ended(max(0.0, every - took)):
            return seen


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that so many of them are not above."""
    return sorted(values)[math.ceil(len(values) * share) - 1]


def runner_process(one: Mapping[str, Any], account: str, name: str, external_id: str) -> Ended:
    """An execution in a process of its own."""
    role = f"arn:aws:iam::{account}:role/dr-automation"
    cloud = AwsReader(Accounts([Account(account, role, external_id)], TARGET, name, read_timeout=300))
    return execute(store_at(os.environ["AWS_ENDPOINT_URL"]), cloud, f"customer-{account}", name, pairs_of(one, account))


def reader_process(endpoint: str, names: Sequence[str], readers: int, every: float, stop: Any) -> Seen:
    """So many readers, each with a connection of its own; they begin one after the other within `every` seconds."""

    def read(number: int) -> Seen:
        stop.wait(every * number / readers)
        return look(store_at(endpoint), [*names[number % len(names) :], *names], every, stop.wait)

    with ThreadPoolExecutor(readers) as pool:
        found = list(pool.map(read, range(readers)))
    return Seen([value for one in found for value in one.seconds], [error for one in found for error in one.errors])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    for flag, kind, default in (("executions", int, 10), ("resources", int, 1000), ("readers", int, 50), ("every", float, 30.0)):
        parser.add_argument(f"--{flag}", type=kind, default=default)
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    with world(options.resources * options.executions, options.executions) as one, context.Manager() as manager:
        os.environ.update(one.environment)
        ensure(*[boto3.client(service, region_name=TARGET) for service in ("dynamodb", "s3", "sns")], NAMES, TARGET)
        store, stop = store_at(one.endpoint), manager.Event()
        names = {account: begun(store, f"customer-{account}", options.resources) for account in one.roles}
        began, before = time.perf_counter(), len(one.calls())
        with ProcessPoolExecutor(options.executions + 2, context) as pool:
            halves = [options.readers - options.readers // 2, options.readers // 2]
            readers = [
                pool.submit(reader_process, one.endpoint, [*names.values()], half, options.every, stop) for half in halves if half
            ]
            running = [pool.submit(runner_process, one.estate, *item, one.external_id) for item in names.items()]
            ended = [each.result() for each in running]
            wall, calls = time.perf_counter() - began, len(one.calls()) - before
            stop.set()
            seen = [each.result() for each in readers]
    report(options, ended, seen, wall, calls)


def report(options: argparse.Namespace, ended: Sequence[Ended], seen: Sequence[Seen], wall: float, calls: int) -> None:
    """Prints what came of it."""
    total, done = options.executions * options.resources, sum(one.statuses.get("done", 0) for one in ended)
    waves, waited = [one.seconds for one in ended], [value for one in seen for value in one.seconds]
    errors = [one.error for one in ended if one.error] + [error for one in seen for error in one.errors]
    print(f"{options.executions} executions of {options.resources} resources, {options.readers} readers every {options.every:g} s")
    print(f"  {done} of {total} resources done in {wall:.0f} s, {done / wall:.1f} a second; waves took", end=" ")
    print(f"{min(waves):.0f} to {max(waves):.0f} s; {calls} calls, {calls / wall:.0f} a second")
    p50, p95 = (percentile(waited, share) for share in (0.5, 0.95))
    print(f"  {len(waited)} statuses: p50 {p50:.2f} s, p95 {p95:.2f} s, at most {max(waited):.2f} s")
    print(f"  conflicts and other errors: {len(errors)}")
    for error in errors[:10]:
        print(f"    {error}")


if __name__ == "__main__":
    main()
