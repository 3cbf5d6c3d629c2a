# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quotas: how they are read, counted, judged, summed up and said."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.accounts import CallError, Failure
from ansible_collections.dr.aws.plugins.module_utils.capacity import asking, judging, levels, usage
from ansible_collections.dr.aws.plugins.module_utils.capacity.asking import Look, Trouble, ask, gather
from ansible_collections.dr.aws.plugins.module_utils.capacity.levels import Level, Limit
from ansible_collections.dr.aws.plugins.module_utils.capacity.quotas import QUOTAS, WATCHED, Quota, chosen
from ansible_collections.dr.aws.plugins.module_utils.model import TECHNOLOGIES, UNREACHABLE

ACCOUNT, EAST, WEST = "111111111111", "us-east-1", "us-west-2"
REGIONS = [f"region-{number}" for number in range(20)]


class Fake:
    """A reader with answers by operation: a value, an exception, or a function of (region, params). Counts calls and their rounds.

    together: how many calls of the first round must be under way before any of them is answered.
    """

    def __init__(self, answers: Mapping[str, Any], together: int = 0) -> None:
        self.answers, self.calls, self.lock = answers, Counter[tuple[str, str]](), threading.Lock()
        self.barrier = threading.Barrier(together) if together else None

    def _answer(self, region: str, operation: str, params: Mapping[str, Any]) -> Any:
        with self.lock:
            self.calls[region, operation] += 1
        if self.barrier is not None:
            self.barrier.wait(timeout=60)
        answer = self.answers[operation]
        answer = answer(region, params) if callable(answer) else answer
        if isinstance(answer, Exception):
            raise answer
        return answer

    def read(self, _account: str, region: str, _service: str, operation: str, /, *, absent: Any = (), **params: Any) -> Any:
        return self._answer(region, operation, params)

    def pages(
        self, _account: str, region: str, _service: str, operation: str, _key: str, /, *, absent: Any = (), **params: Any
    ) -> Any:
        return self._answer(region, operation, params)


def refused(kind: str, code: str) -> CallError:
    return CallError(Failure(kind, code, "no"))


def count(look: Look, *rounds: Any) -> Any:
    """What a look gives when its rounds are answered so; each round: the answers to its asks."""
    next(look)
    for answers in rounds[:-1]:
        look.send(answers)
    with pytest.raises(StopIteration) as ended:
        look.send(rounds[-1])
    return ended.value.value


# -- asking -----------------------------------------------------------------------------------------------------------


def test_calls_of_all_places_are_under_way_together() -> None:
    """A barrier answers none of a round's twenty calls before all of them have been made."""
    fake = Fake({"list_domain_names": [{"DomainName": "a"}]}, together=20)
    looks = {region: ((ACCOUNT, region), usage.listed(usage.DOMAINS)) for region in REGIONS}
    assert gather(fake, looks, workers=20) == {region: {"": 1} for region in REGIONS}


def test_the_same_call_is_made_once_in_each_place() -> None:
    fake = Fake({"describe_source_servers": [], "describe_jobs": []})
    drs = chosen(["drs"])
    looks = {(region, one.code): ((ACCOUNT, region), one.used()) for region in REGIONS for one in drs}
    gather(fake, looks)
    assert set(fake.calls.values()) == {1} and len(fake.calls) == 2 * len(REGIONS)


def test_looks_that_need_several_calls_go_on_side_by_side() -> None:
    rounds: list[int] = []

    def deep(depth: int) -> Look:
        for step in range(depth):
            rounds.append(step)
            yield [ask("ec2", f"step_{step}", "")]
        return depth

    fake = Fake({f"step_{step}": {"n": step} for step in range(3)})
    looks = {(region, depth): ((ACCOUNT, region), deep(depth)) for region in REGIONS for depth in (1, 3)}
    assert gather(fake, looks) == {(region, depth): depth for region in REGIONS for depth in (1, 3)}
    assert rounds == sorted(rounds), "no look is a round behind another"
    assert set(fake.calls.values()) == {1}


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (UNREACHABLE, Trouble("unreachable", "opensearch in us-east-1 does not answer")),
        (refused("denied", "AccessDenied"), Trouble("denied", "opensearch list_domain_names: AccessDenied: no")),
        (refused("error", "ValidationException"), Trouble("error", "opensearch list_domain_names: ValidationException: no")),
        (
            refused("error", "UninitializedAccountException"),
            Trouble("uninitialised", "opensearch was never initialised in us-east-1"),
        ),
        (
            refused("throttled", "TooManyRequestsException"),
            Trouble("throttled", "opensearch list_domain_names: TooManyRequestsException: no"),
        ),
    ],
)
def test_what_a_region_does_concerns_only_what_was_asked_there(answer: Any, trouble: Trouble) -> None:
    fake = Fake({"list_domain_names": lambda region, _params: answer if region == EAST else []})
    looks = {region: ((ACCOUNT, region), usage.listed(usage.DOMAINS)) for region in (EAST, WEST)}
    assert gather(fake, looks, sleep=lambda _seconds: None) == {EAST: trouble, WEST: {"": 0}}


def test_what_is_throttled_is_asked_again() -> None:
    slept: list[float] = []
    answers = iter([refused("throttled", "TooManyRequestsException"), [{"DomainName": "a"}]])
    fake = Fake({"list_domain_names": lambda _region, _params: next(answers)})
    assert gather(fake, {1: ((ACCOUNT, EAST), usage.listed(usage.DOMAINS))}, sleep=slept.append) == {1: {"": 1}}
    assert slept == [asking.BACKOFF_SECONDS[0]]


# -- counting ---------------------------------------------------------------------------------------------------------


def server(state: str, area: str = "STOPPED") -> dict[str, Any]:
    return {"dataReplicationInfo": {"dataReplicationState": state}, "stagingArea": {"status": area}}


JOBS = [{"status": "STARTED", "participatingServers": [{}, {}]}, {"status": "PENDING"}, {"status": "COMPLETED"}]
INSTANCES = [
    {
        "Instances": [
            {"InstanceType": "m5.large", "CpuOptions": {"CoreCount": 1, "ThreadsPerCore": 2}},
            {"InstanceType": "im4gn.large"},
            {"InstanceType": "c6g.xlarge", "InstanceLifecycle": "spot"},
            {"InstanceType": "g4dn.xlarge", "CpuOptions": {"CoreCount": 2, "ThreadsPerCore": 2}},
        ]
    }
]
SIZES = [[{"InstanceType": "im4gn.large", "VCpuInfo": {"DefaultVCpus": 2}}]]
LIMIT = [{"AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 900}}]
CLUSTERS = [{"clusterName": "a", "activeServicesCount": 3, "runningTasksCount": 7, "pendingTasksCount": 1}]


@pytest.mark.parametrize(
    ("look", "rounds", "used"),
    [
        (
            usage.drs_replicating,
            [
                [
                    [
                        server("CONTINUOUS"),
                        server("STOPPED"),
                        server("DISCONNECTED"),
                        server("STALLED"),
                        server("CONTINUOUS", "EXTENDED"),
                    ]
                ]
            ],
            {"": 2},
        ),
        (usage.drs_jobs, [[JOBS]], {"": 2}),
        (usage.drs_servers_in_jobs, [[JOBS]], {"": 2}),
        (usage.cache_nodes, [[[{"NumCacheNodes": 3}, {}]]], {"": 4}),
        (usage.memorydb_nodes, [[[{"Shards": [{"NumberOfNodes": 2}, {"NumberOfNodes": 2}]}]]], {"": 4}),
        (usage.ecs_services, [[["arn:a"]], [CLUSTERS]], {"a": 3}),
        (usage.ecs_tasks, [[["arn:a"]], [CLUSTERS]], {"a": 8}),
        (
            usage.fargate_vcpu,
            [
                [["arn:a"]],
                [["t1", "t2"]],
                [[{"cpu": "512"}, {"cpu": "1024"}, {"cpu": "256", "capacityProviderName": "FARGATE_SPOT"}]],
            ],
            {"": 1.5},
        ),
        (usage.lambda_concurrency, [[LIMIT, []]], {"": 100}),
        (usage.lambda_concurrency, [[LIMIT, [{"Values": [50.0, 640.0]}]]], {"": 640}),
        (lambda: usage.ec2_vcpu("L-1216C47A"), [[INSTANCES], SIZES], {"": 4}),
        (lambda: usage.ec2_vcpu("L-DB2E81BA"), [[INSTANCES], []], {"": 4}),
        (lambda: usage.fsx_file_systems("ONTAP"), [[[{"FileSystemType": "ONTAP"}, {"FileSystemType": "LUSTRE"}]]], {"": 1}),
        (usage.rules, [[[{"Name": "default"}, {"Name": "x"}]], [[{}, {}], [{}]]], {"default": 2, "x": 1}),
        (usage.records, [[[{"Name": "a.example.", "ResourceRecordSetCount": 9}]]], {"a.example.": 9}),
        (usage.groups, [[[{"NumberOfAutoScalingGroups": 7}]]], {"": 7}),
    ],
)
def test_usage_is_counted(look: Callable[[], Look], rounds: list[Any], used: dict[str, float]) -> None:
    assert count(look(), *rounds) == used


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("m5.large", "L-1216C47A"),
        ("is4gen.large", "L-1216C47A"),
        ("g4dn.xlarge", "L-DB2E81BA"),
        ("p4d.24xlarge", "L-417A185B"),
        ("f1.2xlarge", "L-74FC7D96"),
        ("inf1.xlarge", ""),
        ("u-6tb1.metal", ""),
        ("mac1.metal", ""),
    ],
)
def test_instance_families_have_their_quotas(kind: str, code: str) -> None:
    assert usage.ec2_quota(kind) == code


def test_the_table_watches_every_technology_once() -> None:
    assert {one.technology for one in QUOTAS} == set(WATCHED) == {*TECHNOLOGIES, "ec2"}
    names = [(one.service, one.code, one.name) for one in QUOTAS]
    assert len(set(names)) == len(names)
    assert [one for one in QUOTAS if one.required and one.code] == []


# -- limits -----------------------------------------------------------------------------------------------------------


def quota(code: str = "L-1", **fields: Any) -> Quota:
    return Quota(
        **{"technology": "rds", "service": "rds", "name": "DB instances", "default": 40, "used": dict, "code": code, **fields}
    )


def test_limits_are_applied_else_aws_defaults_else_unknown() -> None:
    one, two, three, named = quota("L-1"), quota("L-2", name="x"), quota("L-3", name="y"), quota("", name="Nodes per Region")
    applied = [
        {"QuotaCode": "L-1", "QuotaName": "DB instances", "Value": 100.0},
        {"QuotaCode": "L-9", "QuotaName": "Nodes per region", "Value": 7.0},
    ]
    found = count(levels.limits("rds", [one, two, three, named]), [applied], [[{"Quota": {"Value": 50.0}}], []])
    assert found == {
        one: Limit(100.0, "applied", "L-1"),
        named: Limit(7.0, "applied", "L-9"),
        two: Limit(50.0, "aws_default", "L-2"),
    }


def test_a_limit_that_aws_does_not_tell_is_assumed_and_says_why() -> None:
    answers = {"list_service_quotas": refused("denied", "AccessDenied"), "list_domain_names": [{}] * 95}
    (level,) = levels.look(Fake(answers), ([(ACCOUNT, WEST)], chosen(["opensearch"])))
    (entry,) = judging.entries([level])
    assert (entry["limit"], entry["limit_source"], entry["status"]) == (100, "assumed", "WARNING")
    assert "AccessDenied" in entry["reason"] and "the limit is assumed" in judging.line(entry)


def test_a_service_without_regions_is_asked_once_where_it_lives() -> None:
    fake = Fake(
        {"list_service_quotas": [], "get_aws_default_service_quota": None, "list_hosted_zones": [], "list_health_checks": []}
    )
    found = levels.look(fake, ([(ACCOUNT, region) for region in ("eu-west-1", WEST)], chosen(["route53"])))
    assert {level.region for level in found} == {"global"} and len(found) == 3
    assert {region for region, _operation in fake.calls} == {EAST}
    assert all(number == 1 for (_region, operation), number in fake.calls.items() if operation.startswith("list"))


# -- judging ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("percent", "status"),
    [
        (0, "OK"),
        (79.9, "OK"),
        (80, "INFO"),
        (89.9, "INFO"),
        (90, "WARNING"),
        (99.9, "WARNING"),
        (100, "CRITICAL"),
        (130, "CRITICAL"),
    ],
)
def test_thresholds(percent: float, status: str) -> None:
    assert judging.status(percent) == status


@pytest.mark.parametrize(("used", "limit", "percent"), [(0, 0, 0.0), (1, 0, 100.0), (0, 5, 0.0), (285, 300, 95.0), (2, 3, 66.7)])
def test_percentages(used: float, limit: float, percent: float) -> None:
    assert judging.percentage(used, limit) == percent


DRS = next(one for one in QUOTAS if one.scope == "account")


def level(region: str, used: float | Trouble, limit: float = 300, one: Quota = DRS) -> Level:
    trouble = used if isinstance(used, Trouble) else None
    return Level(one, ACCOUNT, region, Limit(limit, "applied", one.code), {} if isinstance(used, Trouble) else {"": used}, trouble)


def test_account_wide_limits_are_summed_over_regions_with_the_busiest_first() -> None:
    used = {"eu-west-1": 40, EAST: 150, WEST: 80, "ap-south-1": 10, "sa-east-1": 0}
    (total,) = judging.totals(judging.entries([level(region, number) for region, number in used.items()]))
    assert (total["region"], total["used"], total["limit"], total["percent"], total["status"]) == ("all", 280, 300, 93.3, "WARNING")
    assert total["regions"] == used and total["missing"] == {} and total["available"] == 20
    assert [one["region"] for one in total["top_regions"]] == [EAST, WEST, "eu-west-1"]
    assert judging.line(total).endswith("most in us-east-1 150, us-west-2 80, eu-west-1 40")


def test_regions_that_fail_or_are_not_initialised_are_shown_and_stop_nothing() -> None:
    dark = Trouble("unreachable", "drs in eu-west-1 does not answer")
    fresh = Trouble("uninitialised", "drs was never initialised in ap-south-1")
    found = judging.entries([level("eu-west-1", dark), level(EAST, 300), level("ap-south-1", fresh)])
    (total,) = judging.totals(found)
    assert [(one["status"], one["used"], one["reason"]) for one in found] == [
        ("UNKNOWN", None, dark.reason),
        ("CRITICAL", 300, ""),
        ("UNINITIALISED", 0, fresh.reason),
    ]
    assert total["status"] == "CRITICAL" and total["missing"] == {"eu-west-1": dark.reason}
    assert total["reason"] == "at least; not counted: eu-west-1"
    assert total["regions"] == {EAST: 300, "ap-south-1": 0}
    report = judging.report([*found, total])
    assert report[0] == "2 CRITICAL, 1 UNKNOWN, 1 UNINITIALISED"
    assert [line.split()[0] for line in report[1:]] == ["CRITICAL", "CRITICAL", "UNKNOWN", "UNINITIALISED"]
    assert report[3].endswith(dark.reason)


def test_a_sum_of_nothing_is_unknown() -> None:
    (total,) = judging.totals(judging.entries([level(EAST, Trouble("denied", "AccessDenied"))]))
    assert (total["status"], total["used"], total["percent"]) == ("UNKNOWN", None, None)


def test_the_fullest_of_what_has_the_limit_each_is_shown() -> None:
    rules = next(one for one in QUOTAS if one.counted_in == "bus")
    one = Level(rules, ACCOUNT, WEST, Limit(300, "applied", rules.code), {"default": 280, "x": 3})
    (entry,) = judging.entries([one])
    assert (entry["fullest"], entry["used"], entry["status"]) == ("default", 280, "WARNING")
    assert "in bus default" in judging.line(entry)
    assert (one.free("x"), one.free("new")) == (297, 300)


def test_the_worst_comes_first_and_what_is_well_is_cut() -> None:
    found = judging.entries([level(f"region-{number}", number) for number in range(30)] + [level(WEST, 250)])
    report = judging.report(judging.worst_first(found))
    assert report[0] == "1 INFO, 30 OK"
    assert len(report) == 2 + judging.WELL
    assert report[1].startswith("INFO") and " 29 of 300" in report[2]


def test_what_could_not_be_looked_at_in_a_region_is_one_line() -> None:
    trouble = Trouble("unreachable", "no answer")
    found = judging.entries(
        [level(WEST, trouble), level(WEST, trouble, one=quota()), level(WEST, Trouble("denied", "x"), one=quota())]
    )
    assert judging.report(found) == [
        "3 UNKNOWN",
        f"UNKNOWN       {ACCOUNT} us-west-2      drs, rds: no answer (and 1 more like it)",
    ]


def test_entries_are_json() -> None:
    found = judging.entries([level(EAST, 3)])
    assert json.loads(json.dumps([*found, *judging.totals(found)])) == [*found, *judging.totals(found)]
