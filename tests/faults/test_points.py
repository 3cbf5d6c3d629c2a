# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every call of a flow is a point at which it may be disturbed. FULL=1 tries all of them, otherwise a fixed sample is."""

from __future__ import annotations

import os
import random
import re
from typing import Any

import pytest
import test_ecs
import test_rds
import test_route53
from flow import Flow
from points import KINDS, Scenario, hold, run

EAST, WEST = "us-east-1", "us-west-2"
PHASES = ("instantiate", "activate", "cleanup", "replicate")
SEED = 20261128
#: How many points of a scenario and kind the short form tries.
SAMPLE = 6


def rds_state(sandbox: Any) -> Any:
    """(region, identifier, status, what it replicates from, fenced, tags) of every database; what is random is left out."""
    found = []
    for region in (EAST, WEST):
        for name, one in test_rds.databases(sandbox, region).items():
            source = one.get("ReadReplicaSourceDBInstanceIdentifier", "").rpartition(":")[2]
            tags = sorted((key, re.sub(r"sg-\w+", "sg", value)) for key, value in test_rds.tags(one).items())
            aside = re.sub(r"-old-.*", "-old", name)
            found.append((region, aside, one["DBInstanceStatus"], source, len(test_rds.groups(one)), tags))
    return sorted(found)


def ecs_state(sandbox: Any) -> Any:
    """(region, desired, running and pending tasks, scaling)."""
    return [(region, test_ecs.counts(sandbox, region), test_ecs.scaling(sandbox, region)) for region in (EAST, WEST)]


def route53_state(sandbox: Any) -> Any:
    """Where the name points."""
    (zone,) = sandbox.client("route53", account=test_route53.ACCOUNT).list_hosted_zones()["HostedZones"]
    return test_route53.answer(sandbox, zone["Id"].rpartition("/")[2])


def route53(sandbox: Any) -> Flow:
    return Flow(sandbox, [test_route53.pair(test_route53.load(sandbox))], test_route53.ROLE)


SCENARIOS = [
    Scenario("rds planned", test_rds.flow, rds_state, PHASES, "planned"),
    Scenario("rds unplanned, dark", test_rds.flow, rds_state, PHASES, "unplanned", dark=True),
    Scenario("ecs planned", test_ecs.flow, ecs_state, PHASES, "planned"),
    Scenario("ecs unplanned, dark", test_ecs.flow, ecs_state, PHASES, "unplanned", dark=True),
    Scenario("route53 planned", route53, route53_state, ("activate",), "planned"),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_disturbed_run_ends_as_an_undisturbed_one(sandbox: Any, scenario: Scenario) -> None:
    undisturbed = run(sandbox, scenario)
    assert undisturbed.mutations, "a flow that changes nothing proves nothing"
    points = range(1, undisturbed.calls + 1)
    broken = []
    for kind in KINDS:
        chosen = sorted(random.Random(f"{SEED} {scenario.name} {kind}").sample(points, min(SAMPLE, len(points))))
        broken += hold(sandbox, scenario, kind, points if os.environ.get("FULL") else chosen, undisturbed)
    assert broken == []
