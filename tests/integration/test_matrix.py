# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every technology, every phase, planned and with the source region dark, in check mode, the first and the second time.

The estate and the end states are in matrix.yml; pairs are found by their tags; end states are read by plain boto3.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from end_states import READERS, Side
from flow import Flow
from permitted import refused

from ansible_collections.dr.aws.plugins.module_utils import estate
from ansible_collections.dr.aws.plugins.module_utils.adapters import ADAPTERS, adapter
from ansible_collections.dr.aws.plugins.module_utils.engine import Result
from ansible_collections.dr.aws.plugins.module_utils.model import PHASES, TECHNOLOGIES
from ansible_collections.dr.aws.plugins.module_utils.scope import pair_of
from sandbox.listing import resources

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "200000000001"
ROLE = (f"arn:aws:iam::{ACCOUNT}:role/dr-automation", "shop")
MATRIX: dict[str, dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "matrix.yml").read_text())
TAGS = {"dr:enabled": "true", "Customer": "shop", "Environment": "production", "dr:wave": "1"}
#: After this time the circuit breaker asks the region again, and AWS has put right what it does by itself (a resynchronisation).
RETURNED_SECONDS = 1800
#: After this time what a phase leaves behind (a reboot after a rename) is over.
SETTLED_SECONDS = 300


class World:
    """A small estate with one pair of a technology, as matrix.yml declares it for a mode.

    more, peer: fields of the resource and of its peer that differ from it.
    """

    def __init__(self, sandbox: Any, technology: str, mode: str, peer: dict[str, Any] | None = None, **more: Any) -> None:
        case = MATRIX[technology]
        self.sandbox, self.mode, self.ends, self.read = sandbox, mode, case[mode], READERS[technology]
        resource = {"account": ACCOUNT, "region": EAST, **case["resource"], **self.ends.get("resource", {}), "tags": TAGS, **more}
        if resource.get("peer") is None:
            resource.pop("peer", None)
        else:
            resource["peer"] = {"region": WEST, **resource["peer"], **(peer or {})}
        also = [{"account": ACCOUNT, "tags": None, **one} for one in self.ends.get("also", [])]
        accounts = [
            {"id": "100000000000", "management": True},
            {"id": ACCOUNT, "roles": [{"name": "dr-automation", "external_id": ROLE[1]}]},
        ]
        regions = {"control_region": WEST, "regions": [EAST, WEST]}
        sandbox.load({"name": "shop", **regions, "accounts": accounts, "resources": [resource, *also]})
        ((key, found),) = list(self.found().items())
        found["dr_settings"] = {**found.get("dr_settings", {}), **self._settings()}
        self.name, self.pair = resource["name"], pair_of(key, found, EAST, WEST)
        self.flow = Flow(sandbox, [self.pair], {ACCOUNT: ROLE})
        self.flow.capture()
        assert (self.pair.technology, self.flow.mutations()) == (technology, [])

    def _settings(self) -> dict[str, Any]:
        """The pair's settings; the subnet `default` is one of the region, whose id AWS chose."""
        settings = deepcopy(self.ends.get("settings", {}))
        for region, place in settings.get("regions", {}).items():
            if place.get("subnets") == ["default"]:
                place["subnets"] = [subnet(self.sandbox, region)]
        return settings

    def found(self) -> dict[str, Any]:
        """The inventory's hosts, as the tags give them."""
        options = dict.fromkeys(estate.OPTIONS) | {
            "accounts": [{"id": ACCOUNT, "role_arn": ROLE[0], "external_id": ROLE[1]}],
            "regions": [EAST, WEST],
            "control_region": WEST,
            "records": [],
            "tagging_api": False,
            "workers": 1,
            "connect_timeout": 2,
            "read_timeout": 5,
        }
        seen = estate.look(options)
        assert (seen["inventory"]["violations"], seen["warnings"]) == ([], [])
        hosts: dict[str, Any] = deepcopy(seen["hosts"])
        return hosts

    def state(self) -> str:
        """`source | target`, also of a region that is dark."""
        sides = ((EAST, self.pair.source_id), (WEST, self.pair.target_id))
        aws = partial(self.sandbox.inside, account=ACCOUNT)
        return " | ".join(self.read(Side(partial(aws, region=region), region, ident, self.name)) for region, ident in sides)

    def run(self, phase: str, check: bool = False, **options: Any) -> tuple[Result, int]:
        """The phase's result, and how many mutating calls it made. Its calls are those that its policy allows."""
        before, begun, there = len(self.flow.mutations()), len(self.sandbox.calls()), self.tagged()
        result = self.flow.one(phase, self.mode, check=check, **options)
        calls = self.sandbox.calls()[begun:]
        assert refused(calls, self.pair.technology, ("observe", phase), self.tagged() | there) == []
        return result, len(self.flow.mutations()) - before

    def tagged(self) -> dict[str, dict[str, str]]:
        """ARN -> tags of everything in both regions, launch templates among it."""
        places = [(ACCOUNT, region) for region in (EAST, WEST, "global")]
        found = {one.arn: dict(one.tags) for place in places for one in resources(self.sandbox.gateway, *place)}
        for region in (EAST, WEST):
            for one in self.sandbox.inside("ec2", region, ACCOUNT).describe_launch_templates()["LaunchTemplates"]:
                arn = f"arn:aws:ec2:{region}:{ACCOUNT}:launch-template/{one['LaunchTemplateId']}"
                found[arn] = {tag["Key"]: tag["Value"] for tag in one.get("Tags", ())}
        return found

    def phase(self, phase: str) -> None:
        """Check mode, the first run and the second one, which is a new execution; then check mode again."""
        if phase not in self.ends:
            assert phase not in adapter(self.pair.technology).phases
            result, sent = self.run(phase)
            assert (result.status, sent) == ("blocked", 0), "it is refused, never done in silence"
            return
        self._decide(phase)
        before = self.state()
        checked, sent = self.run(phase, check=True)
        assert (sent, self.state()) == (0, before)
        first, sent = self.run(phase)
        assert first.status == "done", first
        self.flow.clock.sleep(SETTLED_SECONDS)
        assert self.state() == self.ends[phase]
        assert [_place(call) for call in checked.calls] == [_place(call) for call in first.calls[:1]]
        assert checked.status == ("would_change" if first.calls else "done")
        assert (sent, first.changed) == (len(first.calls), bool(first.calls))
        for check in (False, True):
            again, sent = self.run(phase, check=check)
            assert (again.status, again.calls, again.changed, sent) == ("done", (), False, 0), again
        assert self.state() == self.ends[phase]

    def _decide(self, phase: str) -> None:
        """Where the phase asks for a decision first: refused in both runs with how to give it, and given."""
        asked = self.ends.get("refused", {}).get(phase)
        if asked:
            for check in (True, False, False):
                result, sent = self.run(phase, check=check)
                assert (result.status, asked["says"] in result.remedy, sent) == ("blocked", True, 0), result
            self.flow.pairs = [replace(self.pair, settings={**self.pair.settings, **asked["settings"]})]

    def deferred(self, phase: str) -> None:
        """What needs the source waits for it, and says so, in both runs."""
        if phase in self.ends:
            for check in (True, False, False):
                result, sent = self.run(phase, check=check)
                assert (result.status, result.calls, sent) == ("deferred", (), 0), result
                assert result.why
            assert self.state() == self.ends["activate"]


def subnet(sandbox: Any, region: str) -> str:
    """The default subnet of the region's first zone: AWS chose its id, which says nothing of where it is."""
    subnets = sandbox.inside("ec2", region, ACCOUNT).describe_subnets()["Subnets"]
    return str(min(subnets, key=lambda one: one["AvailabilityZone"])["SubnetId"])


def _place(call: Any) -> tuple[str, str, str]:
    return call["service"], call["operation"], call["region"]


@pytest.mark.parametrize("technology", MATRIX)
def test_planned(sandbox: Any, technology: str) -> None:
    world = World(sandbox, technology, "planned")
    assert world.state() == world.ends["start"]
    for phase in PHASES:
        world.phase(phase)


@pytest.mark.parametrize("technology", MATRIX)
def test_unplanned_with_the_source_region_dark_until_it_answers_again(sandbox: Any, technology: str) -> None:
    world = World(sandbox, technology, "unplanned")
    assert world.state() == world.ends["start"]
    dark = sandbox.dark(EAST)
    for phase in ("instantiate", "activate"):
        world.phase(phase)
    for phase in ("cleanup", "replicate"):
        world.deferred(phase)
    assert {call["region"] for call in world.flow.mutations()} <= {WEST, "global"}
    assert sandbox.gateway.faults.remove(dark)
    world.flow.clock.sleep(RETURNED_SECONDS)
    for phase in ("cleanup", "replicate"):
        world.phase(phase)


@pytest.mark.parametrize("technology", MATRIX)
def test_what_serves_is_found_by_its_tags_after_the_old_source_was_removed(sandbox: Any, technology: str) -> None:
    world = World(sandbox, technology, "unplanned")
    for phase in ("instantiate", "activate", "cleanup"):
        if phase in world.ends:
            policy = {"cleanup_policy": "remove"} if phase == "cleanup" else {}
            result, _sent = world.run(phase, **policy)
            assert result.status == "done", result
    sandbox.advance(SETTLED_SECONDS)
    ((_key, found),) = list(world.found().items())
    assert (found["dr_technology"], found["dr_wave"], found["dr_customer"]) == (technology, 1, "shop")


@pytest.mark.parametrize("technology", ["efs", "opensearch"])
def test_there_and_back_and_there_with_removal_each_time(sandbox: Any, technology: str) -> None:
    """Where a removed side comes back under the same name with another id, or with nothing of what it was."""
    world = World(sandbox, technology, "unplanned")
    for source, target in ((EAST, WEST), (WEST, EAST), (EAST, WEST)):
        ((key, found),) = world.found().items()
        found["dr_settings"] = {"regions": {region: {"subnets": [subnet(sandbox, region)]} for region in (EAST, WEST)}}
        flow = Flow(sandbox, [pair_of(key, found, source, target)], {ACCOUNT: ROLE})
        flow.capture()
        for phase in PHASES:
            for _time in ("first", "second"):
                result = flow.one(phase, "planned", cleanup_policy="remove")
                assert result.status == "done", result
            assert result.calls == ()
            sandbox.advance(SETTLED_SECONDS)


def test_every_technology_with_an_adapter_is_in_the_matrix() -> None:
    package = "ansible_collections.dr.aws.plugins.module_utils.adapters"
    written = {technology for technology, (file, _class) in ADAPTERS.items() if find_spec(f"{package}.{file}")}
    assert (set(MATRIX), set(READERS), set(ADAPTERS)) == (written, written, set(TECHNOLOGIES))


@pytest.mark.parametrize("technology", MATRIX)
def test_the_matrix_names_the_phases_that_the_technology_has(technology: str) -> None:
    for mode in ("planned", "unplanned"):
        assert {phase for phase in PHASES if phase in MATRIX[technology][mode]} == set(adapter(technology).phases)
