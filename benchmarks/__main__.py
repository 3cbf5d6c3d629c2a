# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wave of ECS services, activated by `dr.aws.wave`, against a plain boto3 thread pool that makes the same calls.

python -m benchmarks [--resources 1000] [--accounts 5] [--parallelism 10] [--rounds 3]

Rounds are interleaved and their medians reported. Start-up is the same playbook over the same estate with nothing left to do.
"one by one" is what a plain script would do: describe, scale and describe each service on its own.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable
from typing import Any

from .world import TARGET, Cost, World, measured, world


def plain(one: World, calls: list[list[Any]], threads: int) -> Cost:
    """What a plain thread pool needs for these calls, its start-up taken off."""
    file = one.folder / "calls.json"
    costs = []
    for wanted in (calls, []):
        file.write_text(json.dumps(wanted))
        command = [sys.executable, "-m", "benchmarks.plain", str(file), str(threads), one.external_id]
        costs.append(measured(command, one.environment)[0])
    return costs[0] - costs[1]


def recorded(one: World, since: int) -> list[list[Any]]:
    """The estate's calls since a number, as the plain pool takes them."""
    return [
        [one.roles[call["account"]], call["region"], call["service"], call["operation"], call["params"]]
        for call in one.calls()
        if call["n"] > since and call["account"] in one.roles and call["service"] in ("ecs", "application-autoscaling")
    ]


def one_by_one(one: World) -> list[list[Any]]:
    """Describe, scale, describe: each service on its own."""
    accounts = {account["name"]: account["id"] for account in one.estate["accounts"]}
    calls = []
    for resource in one.estate["resources"]:
        role, cluster, name = one.roles[accounts[resource["account"]]], resource["cluster"], resource["name"]
        look = [role, TARGET, "ecs", "DescribeServices", {"cluster": cluster, "services": [name]}]
        scale = {"cluster": cluster, "service": name, "desiredCount": resource["desired"]}
        calls += [look, [role, TARGET, "ecs", "UpdateService", scale], look]
    return calls


def product(one: World, parallelism: int) -> tuple[Cost, list[list[Any]]]:
    """What ACTIVATE of the wave costs beyond start-up, and the estate's calls it made."""
    one.begin_again()
    one.play("readiness.yml")
    options = {"phases": "activate", "approval_mode": "automatic", "parallelism": parallelism}
    since = one.calls()[-1]["n"]
    cost, _output = one.play("failover.yml", **options)
    calls = recorded(one, since)
    idle, _output = one.play("failover.yml", **options)
    return cost - idle, calls


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    for name, default in (("resources", 1000), ("accounts", 5), ("parallelism", 10), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    costs: dict[str, list[Cost]] = {"dr.aws.wave": [], "plain pool, the same calls": [], "plain pool, one by one": []}
    made = 0
    with world(options.resources, options.accounts) as one:
        for _round in range(options.rounds):
            cost, calls = product(one, options.parallelism)
            costs["dr.aws.wave"].append(cost)
            made = len(calls)
            one.begin_again()
            costs["plain pool, the same calls"].append(plain(one, calls, options.parallelism))
            one.begin_again()
            costs["plain pool, one by one"].append(plain(one, one_by_one(one), options.parallelism))
    print(
        f"{options.resources} ECS services, {options.accounts} accounts, parallelism {options.parallelism}, "
        f"{made} calls to the estate"
    )

    def median(name: str, field: Callable[[Cost], float]) -> float:
        return statistics.median(field(cost) for cost in costs[name])

    base = "plain pool, the same calls"
    for name in costs:
        wall, cpu = median(name, lambda cost: cost.wall), median(name, lambda cost: cost.cpu)
        times = wall / median(base, lambda cost: cost.wall)
        print(f"  {name:<28} wall {wall:7.2f} s   CPU {cpu:7.2f} s   {times:5.2f} times the plain pool's wall")


if __name__ == "__main__":
    main()
