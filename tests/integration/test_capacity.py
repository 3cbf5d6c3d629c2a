# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Capacity against the sandbox: quotas and their use in many places, what fails there, the cache, the alert, the outlook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from playbook import BILLING, BUCKET, EAST, EXTERNAL_IDS, MANAGEMENT, ROLE, SCOPE, SHOP, TABLE, TOPIC, WEST, Operator, estate

from ansible_collections.dr.aws.plugins.module_utils.accounts import Account, Accounts, AwsReader
from ansible_collections.dr.aws.plugins.module_utils.capacity import judging, levels, monitor
from ansible_collections.dr.aws.plugins.module_utils.capacity.quotas import QUOTAS
from ansible_collections.dr.aws.plugins.module_utils.control_plane import Names, ensure
from ansible_collections.dr.aws.plugins.module_utils.errors import InputError
from ansible_collections.dr.aws.plugins.module_utils.run import Control

IRELAND, MUMBAI = "eu-west-1", "ap-south-1"
INSTANCES = "L-7B6409FD"
#: The database, two instances of SHOP, and a limit that they nearly reach.
NEAR = {"kind": "service_quota", "account": SHOP, "service": "rds", "code": INSTANCES, "region": EAST, "value": 1}


def world(*more: Mapping[str, Any]) -> dict[str, Any]:
    whole = estate(database=True)
    return {**whole, "regions": [EAST, WEST, IRELAND], "resources": [*whole["resources"], *more]}


def control(sandbox: Any, **changes: Any) -> Control:
    """The control plane of the small estate, made."""
    settings = {
        "accounts": [{"id": one, "role_arn": ROLE.format(one), "external_id": external} for one, external in EXTERNAL_IDS.items()],
        "regions": [EAST, WEST],
        "control_region": WEST,
        "table": TABLE,
        "bucket": BUCKET,
        "topic_arn": TOPIC,
        **changes,
    }
    clients = [sandbox.client(service, WEST) for service in ("dynamodb", "s3", "sns")]
    ensure(*clients, Names(TABLE, BUCKET, TOPIC.rpartition(":")[2]), WEST, sleep=sandbox.advance)
    return Control(settings)


def seen(plane: Control, **options: Any) -> dict[str, Any]:
    defaults: dict[str, Any] = {"accounts": [], "regions": [], "technologies": ["rds"], "refresh": False, "keep": True}
    return monitor.seen(plane, **{**defaults, **options})


def of(found: Mapping[str, Any], account: str, region: str, code: str = INSTANCES) -> dict[str, Any]:
    (entry,) = [one for one in found["entries"] if (one["account"], one["region"], one["quota_code"]) == (account, region, code)]
    return dict(entry)


def described(sandbox: Any) -> int:
    """How often the estate was asked."""
    return len(sandbox.calls(operation="DescribeDBInstances"))


def test_quotas_and_their_use_are_read_in_every_account_and_region(sandbox: Any) -> None:
    sandbox.load(world(NEAR, {**NEAR, "region": WEST, "value": None}))
    found = seen(control(sandbox), regions=[EAST, WEST, IRELAND])
    assert len(found["entries"]) == 6
    full, well, empty = (of(found, SHOP, region) for region in (EAST, WEST, IRELAND))
    assert found["entries"][0] == full
    assert (full["status"], full["used"], full["limit"], full["limit_source"]) == ("CRITICAL", 1, 1, "applied")
    assert (well["status"], well["used"], well["limit"], well["limit_source"]) == ("OK", 1, 40, "aws_default")
    assert (empty["status"], empty["used"], empty["available"]) == ("OK", 0, 40)


def test_every_quota_of_the_table_is_read(sandbox: Any) -> None:
    """All calls exist, and AWS's model takes and gives what is read of them."""
    sandbox.load(world({"kind": "drs_source_server", "account": SHOP, "region": EAST, "name": "files", "peer": {"region": WEST}}))
    reader = AwsReader(Accounts([Account(SHOP, ROLE.format(SHOP), EXTERNAL_IDS[SHOP])], WEST, "test"))
    found = levels.look(reader, ([(SHOP, WEST)], QUOTAS))
    assert [one.trouble for one in found if one.trouble] == [] and len(found) == len(QUOTAS)
    assert {one.limit.source for one in found} == {"applied", "required"}
    assert {one.quota.code: one.used() for one in found}["L-C1D14A2B"] == 1


def test_account_wide_limits_are_summed_over_regions(sandbox: Any) -> None:
    servers = [
        {"kind": "drs_source_server", "account": SHOP, "region": EAST, "name": name, "peer": {"region": region}}
        for name, region in (("files", WEST), ("mail", WEST), ("print", IRELAND))
    ]
    sandbox.load(world(*servers))
    found = seen(control(sandbox), technologies=["drs"], regions=[EAST, WEST, IRELAND, MUMBAI], accounts=[SHOP])
    total = of(found, SHOP, "all", "L-C1D14A2B")
    assert (total["used"], total["limit"], total["regions"]) == (3, 300, {EAST: 0, WEST: 2, IRELAND: 1, MUMBAI: 0})
    assert [one["region"] for one in total["top_regions"]] == [WEST, IRELAND]
    fresh = of(found, SHOP, MUMBAI, "L-C1D14A2B")
    assert (fresh["status"], fresh["reason"]) == ("UNINITIALISED", "drs was never initialised in ap-south-1")


def test_a_dark_region_and_a_refusing_one_are_shown_and_the_others_arrive(sandbox: Any) -> None:
    sandbox.load(world())
    plane = control(sandbox)
    sandbox.dark(IRELAND)
    denied = {"service": "rds", "region": EAST, "account": SHOP}
    sandbox.fault(match=denied, effect="error", code="AccessDenied", message="not authorized", status=403)
    found = seen(plane, regions=[EAST, WEST, IRELAND])
    assert of(found, SHOP, IRELAND)["reason"] == "rds in eu-west-1 does not answer"
    assert "AccessDenied: not authorized" in of(found, SHOP, EAST)["reason"]
    assert [of(found, SHOP, region)["status"] for region in (EAST, WEST, IRELAND)] == ["UNKNOWN", "OK", "UNKNOWN"]
    assert of(found, BILLING, EAST)["status"] == "OK"
    assert judging.report(found["entries"])[0] == "3 UNKNOWN, 3 OK"


def test_what_was_seen_is_shown_again_until_it_is_old_or_refreshed(sandbox: Any) -> None:
    sandbox.load(world())
    plane = control(sandbox)
    now = [1_796_000_000.0]
    plane.store.clock = lambda: now[0]
    first = seen(plane)
    calls = described(sandbox)
    assert calls == 4 and len(first["asked"]) == 4
    again = seen(plane)
    assert described(sandbox) == calls and again["asked"] == []
    assert again["entries"] == first["entries"] and again["read_at"] == first["read_at"]
    assert seen(plane, refresh=True)["asked"] != [] and described(sandbox) == 2 * calls
    assert len(seen(plane, technologies=["rds", "aurora"])["asked"]) == 4, "what was not looked at is looked for"
    now[0] += monitor.CACHE_SECONDS
    assert len(seen(plane)["asked"]) == 4


def test_what_could_not_be_looked_at_is_not_cached(sandbox: Any) -> None:
    sandbox.load(world())
    plane = control(sandbox)
    sandbox.dark(EAST)
    assert of(seen(plane), SHOP, EAST)["status"] == "UNKNOWN"
    sandbox.clear_faults()
    plane.cloud.breaker.open_seconds = 0.0
    found = seen(plane)
    assert of(found, SHOP, EAST)["status"] == "OK"
    assert {region for _account, region in found["asked"]} == {EAST}


def test_without_a_control_plane_it_still_looks(sandbox: Any) -> None:
    sandbox.load(world())
    plane = control(sandbox, table="not-made")
    assert len(seen(plane)["entries"]) == 4


def test_an_account_that_is_not_known_is_refused(sandbox: Any) -> None:
    sandbox.load(world())
    with pytest.raises(InputError, match="accounts='999999999999' cannot be used; allowed: accounts of the inventory file"):
        seen(control(sandbox), accounts=["999999999999"])


def test_what_is_no_region_is_refused(sandbox: Any) -> None:
    sandbox.load(world())
    with pytest.raises(InputError, match="regions='mars-1' cannot be used; allowed: names of regions, such as us-west-2"):
        seen(control(sandbox), regions=[WEST, "mars-1"])


def test_people_are_told_once_of_what_is_near(sandbox: Any) -> None:
    sandbox.load(world(NEAR))
    plane = control(sandbox)
    told = monitor.alert(plane, seen(plane))
    assert told is not None and told["delivered"] and told["subject"] == "[DR CRITICAL] capacity limits are REACHED"
    (published,) = [call["params"] for call in sandbox.calls(service="sns", operation="Publish")]
    assert "1 of 1 instances: DB instances (rds L-7B6409FD)" in published["Message"]
    assert "40 instances" not in published["Message"], "what is well is no news"
    assert monitor.alert(plane, seen(plane)) is None


def test_the_playbook_says_the_worst_first_and_what_a_failover_lacks(operator: Operator) -> None:
    limit = {"kind": "service_quota", "account": SHOP, "service": "fargate", "code": "L-3032A538", "region": WEST, "value": 1}
    operator.load(world(NEAR, limit))
    operator.readiness()
    ran = operator.run("capacity", **SCOPE, technologies=["rds"]).ok()
    short = f"SHORT Fargate On-Demand vCPU (fargate L-3032A538) in us-west-2, account {SHOP}: 2.25 vCPU are needed, 1 of 1 are free"
    lower = (
        f"LOWER THAN IN THE SOURCE Fargate On-Demand vCPU (fargate L-3032A538), account {SHOP}: 1 in us-west-2, 4000 in us-east-1"
    )
    near = f"CRITICAL      {SHOP} us-east-1         100 %  1 of 1 instances: DB instances (rds L-7B6409FD)"
    places = [ran.out.find(line) for line in (short, lower, "1 CRITICAL, 3 OK", near)]
    assert -1 not in places and places == sorted(places), ran.out
    assert "--quota-code L-3032A538 --desired-value 2.25" in ran.out
    before = operator.mark()
    assert operator.run("capacity", "--check", technologies=["rds"]).ok().changed == 0
    assert operator.sandbox.calls(mutating=True, since=before) == []
    assert MANAGEMENT not in ran.out
