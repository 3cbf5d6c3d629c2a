# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long one look at the quotas of an account in many regions takes, when each call takes 50 ms longer than the sandbox needs.

python -m benchmarks.capacity [--regions 20] [--latency 0.05] [--rounds 3]

For each service that FR-6.4 names on its own, as it asks ("AWS account ID, service type"), and for the whole table at once. Each
look begins without a session and clients. "with its clients": they were made before. "no server": the calls are answered in this
process after the latency: what the rounds cost.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import boto3

from ansible_collections.dr.aws.plugins.module_utils.accounts import Account, Accounts, AwsReader
from ansible_collections.dr.aws.plugins.module_utils.capacity import levels
from ansible_collections.dr.aws.plugins.module_utils.capacity.quotas import Quota, chosen

from .world import TARGET, World, world

#: FR-6.4's.
SERVICES = ("drs", "rds", "aurora", "ecs", "lambda", "route53")
#: Of whatever is read as a whole.
ANSWER = {"AccountLimit": {"ConcurrentExecutions": 1000}, "NumberOfAutoScalingGroups": 0, "Quota": {"Value": 100.0}}


class Slow:
    """A reader whose lists are empty and take a while."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def read(self, *_where: str, **_params: Any) -> dict[str, Any]:
        time.sleep(self.seconds)
        return ANSWER

    def pages(self, *_where: str, **_params: Any) -> list[dict[str, Any]]:
        time.sleep(self.seconds)
        return []


def seconds(rounds: int, look: Callable[[], object]) -> float:
    """The median of some rounds."""
    taken = []
    for _round in range(rounds):
        started = time.perf_counter()
        look()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def reader(one: World) -> AwsReader:
    """With a session and clients that are still to be made."""
    account, role = next(iter(one.roles.items()))
    return AwsReader(Accounts([Account(account, role, one.external_id)], TARGET, "benchmark"))


def live(cloud: AwsReader, regions: Sequence[str], quotas: Sequence[Quota]) -> None:
    """One look; it must see everything."""
    (account,) = cloud.accounts.accounts
    found = levels.look(cloud, ([(account, region) for region in regions], quotas))
    failed = [level.trouble.reason for level in found if level.trouble and level.trouble.kind != "uninitialised"]
    if failed:
        raise SystemExit(f"{len(failed)} looks failed, such as: {failed[0]}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capacity", description=__doc__)
    for name, kind, default in (("regions", int, 20), ("latency", float, 0.05), ("rounds", int, 3)):
        parser.add_argument(f"--{name}", type=kind, default=default)
    options = parser.parse_args()
    regions = boto3.Session().get_available_regions("drs")[: options.regions]
    places = [("200000000000", region) for region in regions]
    print(f"{len(regions)} regions, {options.latency * 1000:g} ms a call, medians of {options.rounds}")
    with world(1, 1) as one:
        os.environ.update(one.environment)
        one.admin("faults", {"match": {}, "effect": "latency", "seconds": options.latency})
        for name in (*SERVICES, "all"):
            quotas = chosen([] if name == "all" else [name])
            cloud = reader(one)
            live(cloud, regions, quotas)  # the service models are read from disk, and moto makes its backends
            before = len(one.calls())
            warm = seconds(options.rounds, lambda cloud=cloud, quotas=quotas: live(cloud, regions, quotas))
            calls = (len(one.calls()) - before) // options.rounds
            cold = seconds(options.rounds, lambda quotas=quotas: live(reader(one), regions, quotas))
            bare = seconds(options.rounds, lambda quotas=quotas: levels.look(Slow(options.latency), (places, quotas)))
            row = f"{name:<12} {len(quotas):3} quotas {calls:5} calls"
            print(f"  {row}   {cold:6.2f} s   with its clients {warm:6.2f} s   no server {bare:6.2f} s")


if __name__ == "__main__":
    main()
