# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The estate with every technology, through the playbooks: lost, failed over in one run, put in order when the region answers."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from end_states import READERS, Side
from playbook import EAST, ROOT, WEST, Operator

from ansible_collections.dr.aws.plugins.module_utils import estate
from ansible_collections.dr.aws.plugins.module_utils.adapters import adapter
from sandbox.estate import read
from sandbox.listing import resources

ENDS: dict[str, dict[str, str]] = yaml.safe_load((Path(__file__).parent / "atlas.yml").read_text())
#: What the operator decides when the region answers: group of the inventory -> settings.
DECISIONS = {"technology_opensearch": {"discard_diverged": True}}
#: An unplanned failover without approvals.
FAILOVER = {"mode": "unplanned", "approval_mode": "automatic"}
#: What the control plane holds is not of the estate.
CONTROL = ("arn:aws:dynamodb:", "arn:aws:s3:::")
SCOPE = {"customer": "atlas", "environment": "production", "primary_region": EAST, "dr_region": WEST}


def inventory() -> dict[str, Any]:
    """The shipped inventory file, without pauses: in these tests time passes with each call."""
    options: dict[str, Any] = yaml.safe_load((ROOT / "inventories" / "atlas.dr_aws.yml").read_text())
    return {**options, "poll_limit_seconds": 0.05}


def found() -> dict[str, dict[str, Any]]:
    """The inventory's hosts, as the tags give them."""
    given = {name: value for name, value in inventory().items() if name in estate.OPTIONS}
    seen = estate.look({**dict.fromkeys(estate.OPTIONS), "records": [], "tagging_api": False, "workers": 4, **given})
    assert (seen["inventory"]["violations"], seen["warnings"], seen["inventory"]["unsupported"]) == ([], [], {})
    return dict(seen["hosts"])


def ends(sandbox: Any, hosts: dict[str, dict[str, Any]]) -> dict[str, str]:
    """`technology name` -> `us-east-1 | us-west-2`, also of a region that is dark."""
    shown = {}
    for host in hosts.values():
        technology, sides = host["dr_technology"], host["dr_sides"]
        aws = partial(sandbox.inside, account=host["dr_account"])
        ident = (sides.get(EAST) or sides[WEST])["id"]
        name = named(aws, technology, ident)
        words = [
            READERS[technology](Side(partial(aws, region=region), region, sides.get(region, {}).get("id", ident), name))
            for region in (EAST, WEST)
        ]
        shown[f"{technology} {name}"] = " | ".join(words)
    return shown


def named(aws: Any, technology: str, ident: str) -> str:
    """As the estate names it: identifiers that AWS chooses say nothing."""
    if technology == "drs":
        (server,) = aws("drs", WEST).describe_source_servers(filters={"sourceServerIDs": [ident]})["items"]
        return str(server["sourceProperties"]["identificationHints"]["hostname"])
    if technology == "efs":
        return str(aws("efs", EAST).describe_file_systems(FileSystemId=ident)["FileSystems"][0]["Name"])
    if technology == "fsx":
        (found,) = aws("fsx", EAST).describe_file_systems(FileSystemIds=[ident])["FileSystems"]
        return next(str(tag["Value"]) for tag in found["Tags"] if tag["Key"] == "Name")
    return ident.split("/")[1] if "/" in ident else ident


def test_every_resource_of_the_estate_is_found_by_its_tags(sandbox: Any) -> None:
    tagged = [one for one in read("atlas")["resources"] if "tags" in one]
    protected = [one for one in tagged if one["tags"].get("dr:enabled") != "false"]
    sandbox.load("atlas")
    hosts = found()
    assert (len(hosts), len(ENDS)) == (len(protected), len(protected))
    waves = Counter(int(one["tags"]["dr:wave"]) for one in protected)
    assert Counter(host["dr_wave"] for host in hosts.values()) == waves
    assert sorted(waves) == [1, 2, 3, 4, 5]
    assert {host["dr_technology"] for host in hosts.values()} == set(READERS), "everything that can be recovered"
    assert len({host["dr_account"] for host in hosts.values()}) == 3
    assert set(ends(sandbox, hosts)) == set(ENDS)


def ready(operator: Operator) -> dict[str, dict[str, Any]]:
    """Atlas with its inventory file, captured while all is well; gives its hosts."""
    operator.load(read("atlas"))
    hosts = found()
    file = operator.home / "atlas.dr_aws.yml"
    file.write_text(yaml.safe_dump(inventory()))
    operator.inventory = str(file)
    operator.run("readiness", **SCOPE).ok()
    return hosts


@pytest.mark.timeout(900)
def test_the_region_is_lost_and_what_was_deferred_is_done_when_it_answers(sandbox: Any, operator: Operator) -> None:
    """Lost, failed over, protected again, home again by a run that dies once, and protected as it was at first."""
    operator.load(read("atlas"))
    hosts = found()
    file = operator.home / "atlas.dr_aws.yml"
    file.write_text(yaml.safe_dump(inventory()))
    operator.inventory = str(file)
    operator.run("readiness", **SCOPE).ok()
    assert operator.mutations() == [], "readiness only looks"

    sandbox.dark(EAST)
    there = operator.run("failover", **SCOPE, **FAILOVER).ok()
    assert ends(sandbox, hosts) == {name: one["lost"] for name, one in ENDS.items()}, there.out
    assert {call["region"] for call in operator.mutations()} <= {WEST, "global"}
    status = operator.status(there.execution_id)
    assert (status["status"], status["progress_percentage"], status["failed_resources"]) == ("COMPLETED", 100, [])
    later = {(phase, key) for phase in ("cleanup", "replicate") for key in having(hosts, phase)}
    assert {(one["phase"], one["resource"]) for one in status["deferred"]} == later
    counted = {"instantiate": {"done": len(having(hosts, "instantiate"))}, "activate": {"done": len(hosts)}}
    assert status["counts"] == counted | {phase: {"deferred": len(having(hosts, phase))} for phase in ("cleanup", "replicate")}

    sandbox.clear_faults()
    for group, settings in DECISIONS.items():
        decided = operator.home / "group_vars" / f"{group}.yml"
        decided.parent.mkdir(exist_ok=True)
        decided.write_text(yaml.safe_dump({"dr_settings": settings}))
    after = operator.run("reprotect", **SCOPE).ok()
    assert ends(sandbox, hosts) == {name: one["back"] for name, one in ENDS.items()}, after.out
    everything_done = {phase: {"done": len(having(hosts, phase))} for phase in ("cleanup", "replicate")}
    status = operator.status(after.execution_id)
    assert (status["status"], status["deferred"], status["debts"], status["failed_resources"]) == ("COMPLETED", [], [], [])
    assert status["counts"] == everything_done

    started = operator.start("failback", **SCOPE, approval_mode="automatic")
    sandbox.fault(match={"operation": "SwitchoverGlobalCluster"}, kth=1, when="after", effect="kill", pid=started.pid, group=True)
    killed = started.end()
    assert killed.rc < 0, killed.out
    home = operator.run("failback", execution_id=killed.execution_id).ok()
    assert ends(sandbox, hosts) == {name: one["home"] for name, one in ENDS.items()}, home.out
    status = operator.status(killed.execution_id)
    assert (status["status"], status["deferred"], status["debts"], status["failed_resources"]) == ("COMPLETED", [], [], [])
    assert status["counts"] == counted | everything_done

    again = operator.run("reprotect", **SCOPE).ok()
    assert f"protected again: all {len(having(hosts, 'replicate'))} resources" in again.out
    assert ends(sandbox, hosts) == {name: one["home"] for name, one in ENDS.items()}, again.out


def having(hosts: dict[str, dict[str, Any]], phase: str) -> list[str]:
    """The hosts whose technology has a phase."""
    return [key for key, host in hosts.items() if phase in adapter(host["dr_technology"]).phases]


def test_a_drill_of_every_technology_leaves_production_as_it_was(sandbox: Any, operator: Operator) -> None:
    hosts = ready(operator)
    state, before = ends(sandbox, hosts), everything(sandbox)
    ran = operator.run("test", **SCOPE, approval_mode="automatic").ok()
    after = everything(sandbox)
    assert ends(sandbox, hosts) == state
    assert {arn: after.get(arn) for arn in before.keys() | after.keys() if before.get(arn) != after.get(arn)} == {}
    status = operator.status(ran.execution_id)
    assert (status["status"], status["failed_resources"]) == ("COMPLETED", [])
    assert status["counts"] == {phase: {"done": len(hosts)} for phase in ("instantiate", "activate", "cleanup")}
    assert {call["region"] for call in operator.mutations()} <= {WEST, "global"}


def everything(sandbox: Any) -> dict[str, dict[str, str]]:
    """ARN -> tags of all that exists in the estate's accounts."""
    accounts = [one["id"] for one in sandbox.gateway.estate["accounts"] if not one.get("management")]
    places = [(account, region) for account in accounts for region in (EAST, WEST, "global")]
    return {
        one.arn: dict(one.tags) for place in places for one in resources(sandbox.gateway, *place) if not one.arn.startswith(CONTROL)
    }
