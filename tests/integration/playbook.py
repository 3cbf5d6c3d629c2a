# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the collection's playbooks as people do, in processes of their own, against a small estate in the sandbox."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
PLAYBOOKS = ROOT / "playbooks"
EAST, WEST = "us-east-1", "us-west-2"
MANAGEMENT, SHOP, BILLING = "100000000000", "200000000001", "200000000002"
EXTERNAL_IDS = {SHOP: "shop-7f3a", BILLING: "billing-c0de"}
ROLE = "arn:aws:iam::{}:role/dr-automation"
TABLE, BUCKET, TOPIC = "dr-state", "dr-evidence-small", f"arn:aws:sns:{WEST}:{MANAGEMENT}:dr-events"
#: Simulated seconds that pass with each API call: what a product sees does not depend on how fast the machine is.
TICK_SECONDS = 60
#: The control plane's own services: everything else is the estate.
CONTROL = ("sts", "dynamodb", "s3", "sns", "cloudwatch")
SCOPE = {"customer": "acme", "environment": "production", "primary_region": EAST, "dr_region": WEST}
#: (account, cluster, name, wave, tasks while it serves)
SERVICES = (
    (BILLING, "billing", "ledger", 1, 2),
    (SHOP, "shop", "orders", 1, 3),
    (SHOP, "shop", "basket", 2, 2),
    (SHOP, "shop", "storefront", 2, 4),
    (BILLING, "billing", "payments", 2, 1),
)
#: (account, zone, name, wave)
RECORDS = (
    (SHOP, "shop.acme.example", "www.shop.acme.example", 3),
    (SHOP, "shop.acme.example", "api.shop.acme.example", 3),
    (BILLING, "billing.acme.example", "pay.billing.acme.example", 3),
)
#: The inventory host of the database.
DATABASE = f"rds-{SHOP}-orders-db"
_RECAP = re.compile(r"^(\S+)\s+: (ok=\d+ .*)$", re.MULTILINE)
_EXECUTION = re.compile(r"execution (dr-\d{8}T\d{6}Z-[0-9a-f]{6})")


def value_of(record: str, region: str) -> str:
    """What a record points at while `region` serves."""
    return f"{record.partition('.')[0]}.{region}.acme.example"


def key_of(account: str, cluster: str, name: str) -> str:
    """The inventory host of a service."""
    return f"ecs-{account}-{cluster}-{name}"


def estate(*, database: bool = False, **changes: Mapping[str, Any]) -> dict[str, Any]:
    """Two accounts, three waves, five services and three records; with `database` a replicated one in wave 1 as well.

    changes: service name -> further fields of its seed.
    """
    resources: list[dict[str, Any]] = [
        {
            "kind": "ecs_service",
            "account": account,
            "region": EAST,
            "name": name,
            "cluster": cluster,
            "desired": tasks,
            "image": f"{account}.dkr.ecr.{EAST}.amazonaws.com/acme/{name}:1",
            **changes.get(name, {}),
            "peer": {"region": WEST, "cluster": cluster, "desired": 0, **changes.get(name, {}).get("peer", {})},
            "tags": {"dr:wave": str(wave), "dr:priority": "high", "dr:rto-target": "30", **changes.get(name, {}).get("tags", {})},
        }
        for account, cluster, name, wave, tasks in SERVICES
    ]
    resources += [
        {
            "kind": "route53_record",
            "account": account,
            "zone": zone,
            "name": name,
            "type": "CNAME",
            "value": value_of(name, EAST),
            "peer": {"region": WEST, "value": value_of(name, WEST)},
            "tags": {"dr:wave": str(wave), "dr:priority": "critical"},
        }
        for account, zone, name, wave in RECORDS
    ]
    if database:
        resources.append(
            {
                "kind": "rds_instance",
                "account": SHOP,
                "region": EAST,
                "name": "orders-db",
                "engine": "postgres",
                "storage_gb": 100,
                "backup_days": 7,
                "peer": {"region": WEST, "name": "orders-db-west"},
                "tags": {"dr:wave": "1", "dr:priority": "critical"},
            }
        )
    return {
        "name": "small",
        "control_region": WEST,
        "regions": [EAST, WEST],
        "tags": {"dr:enabled": "true", "Customer": "acme", "Environment": "production"},
        "accounts": [
            {"id": MANAGEMENT, "name": "management", "management": True},
            *(
                {"id": account, "name": name, "roles": [{"name": "dr-automation", "external_id": EXTERNAL_IDS[account]}]}
                for account, name in ((SHOP, "acme-shop"), (BILLING, "acme-billing"))
            ),
        ],
        "resources": resources,
    }


@dataclass(frozen=True)
class Ran:
    """A playbook that has ended. out: what the screen showed, both streams."""

    rc: int
    out: str

    @property
    def recap(self) -> dict[str, dict[str, int]]:
        """Host -> {ok, changed, unreachable, failed, …}, of the last lines."""
        return {
            host: {name: int(number) for name, number in (pair.split("=") for pair in counts.split())}
            for host, counts in _RECAP.findall(self.out)
        }

    @property
    def changed(self) -> int:
        """changed= of all hosts."""
        assert self.recap, self.out
        return sum(counts["changed"] for counts in self.recap.values())

    @property
    def execution_id(self) -> str:
        """The execution that the screen names first."""
        found = _EXECUTION.search(self.out)
        assert found, self.out
        return found[1]

    def ok(self) -> Ran:
        """Itself; fails, with the screen, when the playbook failed."""
        assert self.rc == 0, self.out
        return self

    def refused(self, *said: str) -> Ran:
        """Itself; fails unless the playbook failed and the screen shows all of `said`, and never a traceback."""
        assert self.rc != 0, self.out
        text = unfolded(self.out)
        for one in said:
            assert one in text, f"{one!r} is not in:\n{self.out}"
        assert "Traceback" not in text, self.out
        return self


def unfolded(text: str) -> str:
    """What the screen shows without its line breaks: Ansible folds long errors."""
    return re.sub(r"\s+", " ", text)


class Started:
    """A playbook that runs in a process group of its own; its screen is read line by line."""

    def __init__(self, words: list[str], env: Mapping[str, str], cwd: Path, stdin: Any = subprocess.DEVNULL) -> None:
        self.process = subprocess.Popen(
            words,
            env=dict(env),
            cwd=cwd,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self.screen = io.TextIOWrapper(self.process.stdout, encoding="utf-8", newline="\n")  # a carriage return is not lost
        self.lines: list[str] = []

    @property
    def pid(self) -> int:
        """Also the number of its process group."""
        return self.process.pid

    def _read(self) -> Iterator[str]:
        for line in self.screen:
            self.lines.append(line)
            yield line

    def until(self, pattern: str) -> re.Match[str]:
        """Reads until a line has `pattern`; fails, with the screen, when the playbook ends without it."""
        for line in self._read():
            found = re.search(pattern, line)
            if found:
                return found
        raise AssertionError(f"no line has {pattern!r}:\n{''.join(self.lines)}")

    def end(self) -> Ran:
        """Waits for its end."""
        for _line in self._read():
            pass
        return Ran(self.process.wait(timeout=120), "".join(self.lines))

    def stop(self) -> None:
        """Kills the whole group, when it is still there."""
        if self.process.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
            self.process.wait(timeout=30)
        self.screen.close()


class Operator:
    """A person with a shell, an inventory file of the small estate, and no terminal. Each has caches of its own."""

    def __init__(self, sandbox: Any, home: Path) -> None:
        self.sandbox, self.home = sandbox, home
        self.started: list[Started] = []
        self.env = sandbox.env(
            HOME=str(home),
            ANSIBLE_CONFIG=str(ROOT / "ansible.cfg"),
            ANSIBLE_HOME=str(home / ".ansible"),
            ANSIBLE_COLLECTIONS_PATH=str(ROOT / ".build"),
            ANSIBLE_INVENTORY_CACHE_CONNECTION=str(home / "cache"),
            ANSIBLE_LOCALHOST_WARNING="0",
            PYTHONUNBUFFERED="1",
            COLUMNS="400",
        )
        for forced in ("ANSIBLE_FORCE_COLOR", "ANSIBLE_NOCOLOR", "NO_COLOR"):  # what whoever runs the tests likes
            self.env.pop(forced, None)
        self.inventory = self.written("small")

    def written(self, name: str, **changes: Any) -> str:
        """An inventory file of the small estate; changes: options by name, None leaves one out."""
        options: dict[str, Any] = {
            "plugin": "dr.aws.resources",
            "regions": [EAST, WEST],
            "control_region": WEST,
            "control_table": TABLE,
            "control_bucket": BUCKET,
            "control_topic_arn": TOPIC,
            "accounts": [
                {"id": account, "role_arn": ROLE.format(account), "external_id": external}
                for account, external in EXTERNAL_IDS.items()
            ],
            "connect_timeout": 20,
            "read_timeout": 60,
            "poll_limit_seconds": 0.05,
            "notification_timeout_seconds": 60,
            **changes,
        }
        file = self.home / f"{name}.dr_aws.yml"
        file.write_text(yaml.safe_dump({option: value for option, value in options.items() if value is not None}))
        return str(file)

    def load(self, world: Mapping[str, Any]) -> None:
        """Begin again with an estate, in which time passes with each call."""
        self.sandbox.load(world)
        self.sandbox.clock.tick = TICK_SECONDS

    def words(self, playbook: str, *args: str, inventory: str | None = None, **variables: Any) -> list[str]:
        """A command line. playbook: a name in playbooks/, or one with dots as `ansible-playbook` takes it."""
        name = playbook if "." in playbook else str(PLAYBOOKS / f"{playbook}.yml")
        given = [word for one, value in variables.items() for word in ("-e", json.dumps({one: value}))]
        return [str(BIN / "ansible-playbook"), name, "-i", inventory or self.inventory, *args, *given]

    def run(self, playbook: str, *args: str, inventory: str | None = None, **variables: Any) -> Ran:
        """Runs a playbook to its end."""
        return self.start(playbook, *args, inventory=inventory, **variables).end()

    def start(self, playbook: str, *args: str, inventory: str | None = None, **variables: Any) -> Started:
        """Starts a playbook."""
        words = self.words(playbook, *args, inventory=inventory, **variables)
        self.started.append(Started(words, self.env, self.home))
        return self.started[-1]

    def readiness(self) -> Ran:
        """All is well: what a failover needs is captured."""
        return self.run("readiness", **SCOPE).ok()

    def failover(self, *args: str, **variables: Any) -> Ran:
        """Runs failover.yml unplanned and without approvals, unless `variables` say otherwise."""
        return self.run("failover", *args, **{**SCOPE, "mode": "unplanned", "approval_mode": "automatic", **variables})

    def status(self, execution_id: str) -> dict[str, Any]:
        """What status.yml prints of an execution."""
        (found,) = executions(self.run("status", execution_id=execution_id).ok())
        return found

    def mutations(self, since: int = 0) -> list[dict[str, Any]]:
        """The estate's mutating calls, the control plane's own apart."""
        rows = self.sandbox.calls(mutating=True, since=since)
        return [row for row in rows if row["service"] not in CONTROL and row["role"] != "sandbox-admin"]

    def mark(self) -> int:
        """The number of the last call: `mutations(since=…)` gives those after it."""
        rows = self.sandbox.calls(admin=True)
        return int(rows[-1]["n"]) + 1 if rows else 0

    def stop(self) -> None:
        """Ends what still runs."""
        for one in self.started:
            one.stop()


def executions(ran: Ran) -> list[dict[str, Any]]:
    """The JSON that status.yml prints."""
    _before, _sign, rest = ran.out.partition('"dr_status.executions": ')
    assert rest, ran.out
    found, _end = json.JSONDecoder().raw_decode(rest)
    return list(found)


def tasks(sandbox: Any, region: str) -> dict[str, int]:
    """Service -> tasks that run in a region, seen by plain boto3 from inside: also when the region is dark."""
    found = {}
    for account, cluster, name, _wave, _tasks in SERVICES:
        client = sandbox.inside("ecs", region, account)
        (service,) = client.describe_services(cluster=cluster, services=[name])["services"]
        found[name] = service["runningCount"]
    return found


def database(sandbox: Any, region: str) -> str:
    """What the database of a region does: "serves" when it is available and writable, "replica", or its state."""
    name = "orders-db" if region == EAST else "orders-db-west"
    client = sandbox.inside("rds", region, SHOP)
    (found,) = client.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
    if "ReadReplicaSourceDBInstanceIdentifier" in found:
        return "replica"
    return "serves" if found["DBInstanceStatus"] == "available" else str(found["DBInstanceStatus"])


def names(sandbox: Any) -> dict[str, str]:
    """Record -> what it points at."""
    found = {}
    for account in (SHOP, BILLING):
        client = sandbox.inside("route53", "us-east-1", account)
        for zone in client.list_hosted_zones()["HostedZones"]:
            for record in client.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]:
                if record["Type"] == "CNAME" and not record["Name"].startswith("_"):
                    found[record["Name"].rstrip(".")] = record["ResourceRecords"][0]["Value"]
    return found


def repair(sandbox: Any, name: str) -> None:
    """Tasks of a service of the shop start again in the target region."""
    client = sandbox.inside("ecs", WEST, SHOP)
    (service,) = client.describe_services(cluster="shop", services=[name])["services"]
    client.untag_resource(resourceArn=service["serviceArn"], tagKeys=["sim:tasks"])


FULL = {name: tasks for _account, _cluster, name, _wave, tasks in SERVICES}
NONE = dict.fromkeys(FULL, 0)


def pointing(region: str) -> dict[str, str]:
    """`names` when all records point at a region."""
    return {name: value_of(name, region) for _account, _zone, name, _wave in RECORDS}
