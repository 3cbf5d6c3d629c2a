# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole life of the estate with every technology: lost, protected again, home, protected again; its runner dies in each phase.

In process, over the engine and the plan's own order; `test_failover_atlas.py` lives the same life through the playbooks.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from flow import Crash, Flow
from playbook import EAST, WEST
from test_failover_atlas import ENDS, ends, found, named

from ansible_collections.dr.aws.plugins.module_utils.accounts import AwsReader, Breaker
from ansible_collections.dr.aws.plugins.module_utils.adapters import adapter
from ansible_collections.dr.aws.plugins.module_utils.engine import Engine
from ansible_collections.dr.aws.plugins.module_utils.model import TECHNOLOGIES, Goal, Pair
from ansible_collections.dr.aws.plugins.module_utils.parameters import Facts, Parameters
from ansible_collections.dr.aws.plugins.module_utils.plan import build
from ansible_collections.dr.aws.plugins.module_utils.protection import directed
from ansible_collections.dr.aws.plugins.module_utils.scope import pair_of
from ansible_collections.dr.aws.plugins.module_utils.store import MemoryJournal
from ansible_collections.dr.aws.plugins.module_utils.survey import survey
from sandbox.estate import read

SCOPE = {"customer": "atlas", "environment": "production", "primary_region": EAST, "dr_region": WEST}
FACTS = Facts((EAST, WEST), frozenset({("atlas", "production")}))
DURATIONS = {one: dict.fromkeys(adapter(one).phases, 60) for one in TECHNOLOGIES}
KEEPS_DATA = ("aurora", "drs", "efs", "elasticache", "fsx", "memorydb", "opensearch", "rds")
DAY_SECONDS = 86_400
#: After this time AWS has put right what it does by itself, and calls a silent agent disconnected.
SETTLED_SECONDS = 3600


#: Every stage that has something to do.
DEATHS = [
    "failover instantiate",
    "failover activate",
    "reprotect settle",
    "reprotect replicate",
    "failback instantiate",
    "failback activate",
    "failback protect",
    "failback cleanup",
    "failback replicate",
]


class Mortal:
    """A cloud whose caller dies once, right after so many calls that AWS has accepted."""

    def __init__(self, cloud: Any, left: int) -> None:
        self.cloud, self.left = cloud, left

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cloud, name)

    def call(self, *where: str, **params: Any) -> Any:
        answer = self.cloud.call(*where, **params)
        self.left -= 1
        if self.left == 0:
            raise Crash
        return answer


class Life:
    """The estate, an operator's memory of it, and the executions that are carried out on it. died: the stages in which one did."""

    def __init__(self, sandbox: Any) -> None:
        sandbox.load("atlas")
        self.sandbox, self.hosts, self.died, self.owed = sandbox, found(), [], []
        roles = {
            account["id"]: (f"arn:aws:iam::{account['id']}:role/dr-automation", account["roles"][0]["external_id"])
            for account in read("atlas")["accounts"]
            if account.get("roles")
        }
        self.flow = Flow(sandbox, self.pairs(EAST, WEST), roles)
        self.flow.capture()
        self.names = {key: named(self.aws(key), host["dr_technology"], self.ident(host)) for key, host in self.hosts.items()}

    def aws(self, key: str) -> Any:
        return lambda service, region: self.sandbox.inside(service, region, self.hosts[key]["dr_account"])

    @staticmethod
    def ident(host: dict[str, Any]) -> str:
        return str((host["dr_sides"].get(EAST) or host["dr_sides"][WEST])["id"])

    def pairs(self, source: str, target: str) -> list[Pair]:
        return [pair_of(key, host, source, target) for key, host in self.hosts.items()]

    def decide(self) -> None:
        """What the operator decides of the old index when its region answers again."""
        for host in self.hosts.values():
            if host["dr_technology"] == "opensearch":
                host["dr_settings"] = {**host.get("dr_settings", {}), "discard_diverged": True}

    def execute(self, operation: str, mode: str = "planned", *, killed_after: int = 2, **options: Any) -> int:
        """Carries out an operation as its plan says; each stage dies once, after so many calls. Gives how many calls it made."""
        before = len(self.flow.mutations())
        parameters = Parameters(**SCOPE, operation=operation, mode=mode, **options)
        pairs = self.pairs(parameters.source_region, parameters.target_region)
        looks = survey(self.flow.cloud, pairs)
        if parameters.reprotects:
            pairs, looks = directed(self.flow.cloud, pairs, looks, self.pairs(WEST, EAST))
        elif operation == "failback":
            self.flow.pairs = pairs
            self.flow.capture()
        plan = build(pairs, {key: look.active for key, look in looks.items()}, parameters, FACTS, DURATIONS, owing=self.owed)
        journal, doomed = MemoryJournal(), {batch.stage or batch.phase for batch in plan.batches}
        for batch in plan.batches:
            stage = batch.stage or batch.phase
            goals = [
                Goal(pair, mode, execution_id="dr-test", captured=self.flow.captured[pair.key])
                for pair in plan.pairs
                if pair.key in batch.todo
            ]
            try:
                self.run(journal, batch.phase, goals, killed_after if stage in doomed else 0)
            except Crash:
                doomed.discard(stage)
                self.died.append(f"{operation} {stage}")
                self.run(journal, batch.phase, goals)
        self.flow.clock.sleep(SETTLED_SECONDS)
        self.owed = sorted({key for key, _phase, _text in journal.owed})
        return len(self.flow.mutations()) - before

    def run(self, journal: MemoryJournal, phase: str, goals: list[Goal], killed_after: int = 0) -> None:
        cloud = Mortal(AwsReader(self.flow.accounts, Breaker(now=self.flow.clock.now)), killed_after)
        results = Engine(cloud, journal, parallelism=1, clock=self.flow.clock).run(phase, goals)
        bad = {key: result for key, result in results.items() if result.status not in ("done", "deferred")}
        assert bad == {}

    def serving(self, region: str) -> dict[str, dict[str, Any]]:
        """Host -> where its data takes writes in a region."""
        serving = {}
        for key, host in self.hosts.items():
            technology = host["dr_technology"]
            if technology in KEEPS_DATA:
                name = host["dr_sides"].get(region, {}).get("id") if technology == "rds" else self.names[key]
                holders = [one for one in self.sandbox.markers(technology, region) if one["writable"]]
                (serving[key],) = [one for one in holders if technology not in ("rds", "drs") or one["name"] == name]
        return serving

    def state(self) -> dict[str, str]:
        """As `ENDS` has it, without the number of backups, which depends on the days that pass."""
        return counted_out(ends(self.sandbox, self.hosts))

    def write(self, region: str, marker: str) -> None:
        for one in self.serving(region).values():
            self.sandbox.write(one["service"], one["account"], region, one["key"], marker)

    def read(self, region: str) -> dict[str, set[str]]:
        return {key: set(one["markers"]) for key, one in self.serving(region).items()}


def counted_out(states: dict[str, str]) -> dict[str, str]:
    return {name: re.sub(r", \d+ backups?", "", state) for name, state in states.items()}


def recorded(moment: str) -> dict[str, str]:
    return counted_out({name: one[moment] for name, one in ENDS.items()})


@pytest.mark.timeout(300)
def test_every_marker_lives_through_the_life_of_the_estate_whose_runner_dies_in_each_phase(sandbox: Any) -> None:
    life = Life(sandbox)
    life.write(EAST, "before")
    sandbox.advance(DAY_SECONDS)
    life.execute("failover", phases=("instantiate",), killed_after=1)  # as a schedule does: standbys and backups of today

    life.write(EAST, "late")
    sandbox.dark(EAST)
    life.execute("failover", "unplanned")
    assert life.state() == recorded("lost")
    there = life.read(WEST)
    assert {key: markers for key, markers in there.items() if not {"before"} <= markers <= {"before", "late"}} == {}
    owing = {life.hosts[key]["dr_technology"] for key in life.owed}
    assert owing == set(TECHNOLOGIES) - {"route53"}, "whatever may come back and serve owes a fence"

    sandbox.clear_faults()
    life.flow.clock.sleep(SETTLED_SECONDS)
    life.decide()
    life.write(WEST, "between")
    life.execute("reprotect")
    assert life.state() == recorded("back")

    life.write(WEST, "last")
    life.execute("failback")
    assert life.state() == recorded("home")
    assert life.execute("reprotect") == 0
    assert life.read(EAST) == {key: markers | {"between", "last"} for key, markers in there.items()}
    assert life.died == DEATHS
