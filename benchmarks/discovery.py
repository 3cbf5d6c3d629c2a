# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Discovery of a whole estate by `dr.aws.resources`, against a plain boto3 thread pool and amazon.aws's `aws_rds`.

python -m benchmarks.discovery [--resources 10000] [--accounts 50] [--workers 16] [--rounds 3]

Each round finds the estate with an empty cache, again with a warm one, lists the same hosts from a plain inventory file, makes the
same calls with a plain pool of as many threads (its start-up taken off) and lists the databases with `aws_rds`, one inventory file
an account. Rounds are interleaved and their medians reported. The result must be equal to the estate, and the warm cache must make
no call.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Mapping
from typing import Any

import yaml

from .world import READER, SOURCE, TARGET, Cost, World, measured, world

TECHNOLOGIES = ("ecs", "rds", "route53")
OURS, WARM, FLOOR, PLAIN, RDS = (
    "dr.aws.resources, cold",
    "dr.aws.resources, warm cache",
    "ansible-core alone, the same hosts",
    "plain pool, the same calls",
    "amazon.aws.aws_rds, databases",
)


def expected(one: World) -> set[tuple[str, ...]]:
    """(technology, account, identifiers of both sides) of everything in the estate; a record goes by its name."""
    accounts = {account["name"]: account["id"] for account in one.estate["accounts"]}
    found = set()
    for resource in one.estate["resources"]:
        account, name = accounts[resource["account"]], resource["name"]
        if resource["kind"] == "ecs_service":
            found.add(("ecs", account, f"{resource['cluster']}/{name}", f"{resource['peer']['cluster']}/{name}"))
        elif resource["kind"] == "rds_instance":
            found.add(("rds", account, name, resource["peer"]["name"]))
        else:
            found.add(("route53", account, f"{name}/{resource['type']}", f"{name}/{resource['type']}"))
    return found


def seen(variables: Mapping[str, Any]) -> tuple[str, ...]:
    """What one host stands for, to compare with `expected`. A side that carries no tags has the other's name, as everywhere."""
    known = variables["dr_sides"]
    sides = [(known.get(region) or next(iter(known.values())))["id"] for region in (SOURCE, TARGET)]
    if variables["dr_technology"] == "route53":
        sides = [side.partition("/")[2] for side in sides]
    return variables["dr_technology"], variables["dr_account"], *sides


def ours(one: World) -> tuple[Cost, dict[str, Any]]:
    """What the inventory plugin needs, and what it lists."""
    cost, output = measured(["ansible-inventory", "-i", str(one.inventory), "--list"], one.environment)
    return cost, json.loads(output, object_hook=_unmarked)["_meta"]["hostvars"]


def _unmarked(value: dict[str, Any]) -> Any:
    """Without the marks by which ansible-inventory shows that a text is no template."""
    return value["__ansible_unsafe"] if set(value) == {"__ansible_unsafe"} else value


def plain(one: World, calls: list[list[Any]], threads: int) -> Cost:
    """What a plain thread pool needs for the same calls, its start-up taken off."""
    file = one.folder / "calls.json"
    costs = []
    for wanted in (calls, []):
        file.write_text(json.dumps(wanted))
        command = [sys.executable, "-m", "benchmarks.plain", str(file), str(threads), one.external_id]
        costs.append(measured(command, one.environment)[0])
    return costs[0] - costs[1]


def floor(one: World, hosts: Mapping[str, Any]) -> Cost:
    """What ansible-core needs to list the same hosts and variables out of a file."""
    file = one.folder / "static.json"
    file.write_text(json.dumps({"all": {"hosts": hosts}}))
    return measured(["ansible-inventory", "-i", str(file), "--list"], one.environment)[0]


def databases(one: World) -> tuple[Cost, int]:
    """What amazon.aws needs to list the databases of all accounts, and how many it lists."""
    folder = one.folder / "rds"
    folder.mkdir(exist_ok=True)
    common = {"plugin": "amazon.aws.aws_rds", "regions": [SOURCE, TARGET], "statuses": ["all"]}
    for account in one.roles:
        file = folder / f"{account}.aws_rds.yml"
        file.write_text(yaml.safe_dump({**common, "assume_role_arn": f"arn:aws:iam::{account}:role/{READER}"}))
    cost, output = measured(["ansible-inventory", "-i", str(folder), "--list"], one.environment)
    return cost, len(json.loads(output)["_meta"]["hostvars"])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.discovery", description=__doc__)
    for name, default in (("resources", 10000), ("accounts", 50), ("workers", 16), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    costs: dict[str, list[Cost]] = {OURS: [], WARM: [], FLOOR: [], PLAIN: [], RDS: []}
    with world(options.resources, options.accounts, TECHNOLOGIES, waves=5, scale=1) as one:
        settings = yaml.safe_load(one.inventory.read_text())
        for number in range(options.rounds):
            one.inventory.write_text(yaml.safe_dump({**settings, "cache_prefix": f"round_{number}_", "workers": options.workers}))
            since = len(one.calls())
            cost, hosts = ours(one)
            made = one.calls()[since:]
            facts = hosts.pop("localhost")["dr_inventory"]
            found = {seen(variables) for variables in hosts.values()}
            if found != expected(one) or not facts["complete"]:
                raise SystemExit(f"not the estate: {sorted(found ^ expected(one))[:4]}, {facts['errors'][:1]}")
            costs[OURS].append(cost)
            costs[WARM].append(ours(one)[0])
            if len(one.calls()) > since + len(made):
                raise SystemExit("the warm cache made calls")
            costs[FLOOR].append(floor(one, hosts))
            calls = [
                [one.roles[call["account"]], call["region"], call["service"], call["operation"], call["params"]]
                for call in made
                if call["account"] in one.roles
            ]
            costs[PLAIN].append(plain(one, calls, options.workers))
            cost, listed = databases(one)
            costs[RDS].append(cost)
    print(f"{options.resources} pairs, {options.accounts} accounts, 2 regions, {len(calls)} calls; all of them found", end=", ")
    print(f"discovery itself {facts['duration_ms'] / 1000:.1f} s in the last round; aws_rds lists {listed} databases")
    for name, rows in costs.items():
        wall, cpu, memory = (statistics.median(getattr(row, field) for row in rows) for field in ("wall", "cpu", "memory"))
        print(f"  {name:<32} wall {wall:7.2f} s   CPU {cpu:7.2f} s   memory {memory:6.0f} MB")
    pairs = zip(costs[OURS], costs[WARM], costs[PLAIN], strict=True)
    ratio = statistics.median((cold - warm).wall / pool.wall for cold, warm, pool in pairs)
    print(f"  cold less warm, against the plain pool: {ratio:.2f} times")
    ratio = statistics.median(warm.cpu / core.cpu for warm, core in zip(costs[WARM], costs[FLOOR], strict=True))
    print(f"  warm, against ansible-core alone (CPU): {ratio:.2f} times")


if __name__ == "__main__":
    main()
