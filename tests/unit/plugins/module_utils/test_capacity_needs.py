# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failover consumes in the target, against what is free there; and quotas that are lower there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.accounts import CallError, Failure
from ansible_collections.dr.aws.plugins.module_utils.capacity import asking, quotas
from ansible_collections.dr.aws.plugins.module_utils.capacity.asking import Trouble
from ansible_collections.dr.aws.plugins.module_utils.capacity.levels import Level, Limit
from ansible_collections.dr.aws.plugins.module_utils.capacity.needs import Need, Unknown, needs
from ansible_collections.dr.aws.plugins.module_utils.capacity.outlook import Outlook, compare, disparities, outlook
from ansible_collections.dr.aws.plugins.module_utils.capacity.quotas import QUOTAS, Quota
from ansible_collections.dr.aws.plugins.module_utils.capacity.standing import STANDING, Standing, batched
from ansible_collections.dr.aws.plugins.module_utils.model import TECHNOLOGIES, UNREACHABLE, Pair

ACCOUNT, EAST, WEST = "111111111111", "us-east-1", "us-west-2"
VCPU = "L-1216C47A"


def pair(technology: str, ident: str = "one", **settings: Any) -> Pair:
    return Pair(ident, technology, ACCOUNT, EAST, WEST, ident, ident, settings=settings)


def there(exists: bool = True, units: float = 0, size: float | None = None, family: str = "") -> Standing:
    return Standing(exists, units, size, family)


NOT_THERE = Standing()


@pytest.mark.parametrize(
    ("technology", "captured", "standing", "needed"),
    [
        ("rds", {}, NOT_THERE, {quotas.DB_INSTANCES: 1}),
        ("rds", {}, there(), {}),
        ("aurora", {"instances": 3}, NOT_THERE, {quotas.DB_CLUSTERS: 1, quotas.DB_INSTANCES: 3}),
        ("aurora", {"instances": 3}, there(units=1), {quotas.DB_INSTANCES: 2}),
        ("aurora", {"instances": 2}, there(units=3), {}),
        ("ecs", {"desired_count": 4}, there(units=1, size=0.5, family="fargate"), {quotas.FARGATE_VCPU: 1.5}),
        ("ecs", {"desired_count": 4}, there(size=0.0), {}),
        ("lambda", {"reserved": 50}, there(units=20), {quotas.CONCURRENCY: 30}),
        ("lambda", {"reserved": None, "provisioned": 10}, there(), {quotas.CONCURRENCY: 10}),
        ("elasticache", {"shards": 2, "replicas": 1}, NOT_THERE, {quotas.CACHE_NODES: 4}),
        ("elasticache", {"shards": 2, "replicas": 1}, there(), {}),
        ("memorydb", {"shards": 3, "replicas": 0}, NOT_THERE, {quotas.MEMORYDB_NODES: 3}),
        ("opensearch", {}, NOT_THERE, {quotas.DOMAINS: 1}),
        ("autoscaling", {"desired_capacity": 5}, there(units=1, size=4, family=VCPU), {VCPU: 16}),
        ("drs", {"instance_type": "m5.large"}, there(size=2, family=VCPU), {VCPU: 2}),
        ("drs", {"instance_type": "m5.large"}, there(units=1, size=2, family=VCPU), {}),
        ("efs", {}, NOT_THERE, {quotas.FILE_SYSTEMS: 1}),
        ("fsx", {"type": "ONTAP"}, NOT_THERE, {quotas.FSX["ONTAP"]: 1}),
        ("fsx", {"type": "ONTAP"}, there(), {}),
        ("eventbridge", {}, NOT_THERE, {quotas.RULES: 1}),
        ("route53", {"records": [{}]}, NOT_THERE, {}),
    ],
)
def test_what_a_failover_needs(technology: str, captured: dict[str, Any], standing: Standing, needed: dict[str, float]) -> None:
    one = pair(technology)
    found = needs([one], {one.key: captured}, {one.key: standing})
    assert all(isinstance(need, Need) and (need.account, need.region) == (ACCOUNT, WEST) for need in found)
    assert {need.quota: need.amount for need in found if isinstance(need, Need)} == needed


@pytest.mark.parametrize(
    ("technology", "captured", "standing", "why"),
    [
        ("aurora", {}, NOT_THERE, "its number of instances was not captured"),
        ("ecs", {}, there(size=0.5, family="fargate"), "its number of tasks was not captured"),
        ("ecs", {"desired_count": 4}, NOT_THERE, "the vCPU of its tasks is not known"),
        ("lambda", {"reserved": None}, there(), "no concurrency is reserved for it"),
        ("elasticache", {}, NOT_THERE, "its number of nodes was not captured"),
        ("memorydb", {}, NOT_THERE, "its number of nodes was not captured"),
        ("autoscaling", {}, there(size=2, family=VCPU), "its number of instances was not captured"),
        ("autoscaling", {"desired_capacity": 2}, NOT_THERE, "its instance type is not known"),
        ("autoscaling", {"desired_capacity": 2}, there(size=96), "the vCPU quota of its instance family is not watched"),
        ("drs", {}, there(), "its instance type is not known"),
        ("fsx", {}, NOT_THERE, "its type was not captured"),
    ],
)
def test_what_is_not_known_is_said_and_not_counted_as_nothing(
    technology: str, captured: dict[str, Any], standing: Standing, why: str
) -> None:
    one = pair(technology)
    (unknown,) = [found for found in needs([one], {one.key: captured}, {one.key: standing}) if isinstance(found, Unknown)]
    assert unknown.why.startswith(why)
    assert (unknown.subject, unknown.account, unknown.region) == (one.key, ACCOUNT, WEST) and unknown.remedy


def test_settings_win_over_what_was_captured() -> None:
    one = pair("ecs", desired_count=8)
    (need,) = needs([one], {one.key: {"desired_count": 4}}, {one.key: there(size=1, family="fargate")})
    assert isinstance(need, Need) and need.amount == 8


def test_sizes_are_the_source_s_for_what_does_not_stand_in_the_target() -> None:
    one = pair("ecs", "apps/api")
    found = needs([one], {one.key: {"desired_count": 4}}, {one.key: NOT_THERE}, {one.key: there(size=0.5, family="fargate")})
    assert [(need.quota, need.amount, need.where) for need in found if isinstance(need, Need)] == [
        (quotas.SERVICES, 1, "apps"),
        (quotas.FARGATE_VCPU, 2, ""),
    ]


def test_every_technology_is_reckoned_with_or_consumes_nothing() -> None:
    assert {*STANDING, "route53"} == set(TECHNOLOGIES)


# -- comparison -------------------------------------------------------------------------------------------------------


def quota(code: str) -> Quota:
    return next(one for one in QUOTAS if code in (one.code, one.name))


def level(code: str, limit: float, uses: Mapping[str, float] | Trouble, region: str = WEST, source: str = "applied") -> Level:
    trouble = uses if isinstance(uses, Trouble) else None
    return Level(quota(code), ACCOUNT, region, Limit(limit, source, code), {} if isinstance(uses, Trouble) else uses, trouble)


def need(code: str, amount: float, key: str = "one", where: str = "") -> Need:
    return Need(key, ACCOUNT, WEST, code, amount, where)


def test_a_shortfall_names_quota_and_numbers_and_the_next_command() -> None:
    (short,), unknown = compare([need(VCPU, 16, "web"), need(VCPU, 8, "files")], [level(VCPU, 32, {"": 12})])
    assert unknown == []
    assert (short.needed, short.free, short.limit, short.pairs) == (24, 20, 32, ("web", "files"))
    assert str(short) == (
        f"On-Demand Standard vCPU (ec2 {VCPU}) in us-west-2, account {ACCOUNT}: 24 vCPU are needed, 20 of 32 are free"
    )
    assert short.remedy.startswith(
        f"in account {ACCOUNT}: aws service-quotas request-service-quota-increase --region us-west-2 --service-code ec2 "
        f"--quota-code {VCPU} --desired-value 36"
    )


def test_what_fits_exactly_is_no_shortfall() -> None:
    assert compare([need(VCPU, 20)], [level(VCPU, 32, {"": 12})]) == ([], [])


def test_what_aws_keeps_free_is_not_free() -> None:
    code = quotas.CONCURRENCY
    assert compare([need(code, 800)], [level(code, 1000, {"": 100})]) == ([], [])
    (short,), _unknown = compare([need(code, 801)], [level(code, 1000, {"": 100})])
    assert (short.needed, short.free) == (801, 800)


def test_a_quota_of_each_bus_is_compared_with_that_bus() -> None:
    full = level(quotas.RULES, 300, {"default": 300, "orders": 1})
    assert compare([need(quotas.RULES, 1, where="orders")], [full]) == ([], [])
    (short,), _unknown = compare([need(quotas.RULES, 1, where="default")], [full])
    assert short.free == 0


def test_a_quota_whose_use_is_not_known_is_said() -> None:
    short, (unknown,) = compare([need(VCPU, 4)], [level(VCPU, 32, Trouble("denied", "AccessDenied"))])
    assert short == [] and unknown.why == "4 vCPU are needed, what is free is not known: AccessDenied"


def test_a_lower_quota_in_the_target_is_a_disparity() -> None:
    here = [level(VCPU, 512, {}, EAST), level(quotas.DB_INSTANCES, 40, {}, EAST), level(quotas.DB_CLUSTERS, 90, {}, EAST)]
    target = [level(VCPU, 64, {}), level(quotas.DB_INSTANCES, 40, {}), level(quotas.DB_CLUSTERS, 40, {}, source="assumed")]
    (one,) = disparities(here, target, [(ACCOUNT, EAST, WEST)])
    assert str(one) == f"On-Demand Standard vCPU (ec2 {VCPU}), account {ACCOUNT}: 64 in us-west-2, 512 in us-east-1"
    assert "--desired-value 512" in one.remedy


# -- the whole --------------------------------------------------------------------------------------------------------


class Cloud:
    """A reader: (region, operation) or operation -> answer."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers

    def read(self, _account: str, region: str, _service: str, operation: str, /, *, absent: Any = (), **_params: Any) -> Any:
        answer = self.answers.get(f"{operation}_{region[3:7]}", self.answers.get(operation, []))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def pages(
        self, account: str, region: str, service: str, operation: str, _key: str, /, *, absent: Any = (), **params: Any
    ) -> Any:
        return self.read(account, region, service, operation, **params)


LIMITS = [{"QuotaCode": quotas.DB_INSTANCES, "QuotaName": "DB instances", "Value": 2.0}]
FULL = [{"DBInstanceIdentifier": "other"}, {"DBInstanceIdentifier": "standby"}]


def test_a_failover_that_needs_more_than_is_free_is_foreseen() -> None:
    pairs = [pair("rds", "orders"), pair("rds", "standby")]
    found = outlook(Cloud(list_service_quotas=LIMITS, describe_db_instances=FULL), pairs, {})
    (short,) = found.shortfalls
    assert (short.quota_code, short.needed, short.free, short.limit, short.pairs) == (quotas.DB_INSTANCES, 1, 0, 2, ("orders",))
    assert found.report[0].startswith("SHORT DB instances (rds L-7B6409FD) in us-west-2")
    assert json.loads(json.dumps(found.to_json()))["shortfalls"][0]["why"] == str(short)


def test_a_dark_source_costs_only_the_parity() -> None:
    cloud = Cloud(**{"list_service_quotas": LIMITS, "list_service_quotas_east": UNREACHABLE, "describe_db_instances": FULL})
    found = outlook(cloud, [pair("rds", "standby")], {})
    assert found == Outlook() and found.report == ["what a failover needs is free"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [(UNREACHABLE, "rds in us-west-2 does not answer"), (CallError(Failure("denied", "AccessDenied", "no")), "AccessDenied: no")],
)
def test_a_target_that_cannot_be_looked_at_is_named(answer: Any, why: str) -> None:
    found = outlook(Cloud(list_service_quotas=LIMITS, describe_db_instances=answer), [pair("rds", "orders")], {})
    (unknown,) = found.unknown
    assert unknown.subject == "orders" and why in unknown.why and found.shortfalls == ()
    assert found.report[0].startswith("NOT KNOWN orders")


# -- what stands ------------------------------------------------------------------------------------------------------


def look(technology: str, ident: str, captured: Mapping[str, Any], **answers: Any) -> Any:
    return asking.gather(Cloud(**answers), {1: ((ACCOUNT, WEST), STANDING[technology](ident, captured, [ident]))})[1]


TYPES = [
    {"InstanceType": "m5.large", "VCpuInfo": {"DefaultVCpus": 2}},
    {"InstanceType": "m5.2xlarge", "VCpuInfo": {"DefaultVCpus": 8}},
]
SERVICE = {"serviceName": "one", "status": "ACTIVE", "runningCount": 2, "taskDefinition": "api:1"}
TEMPLATE = {"LaunchTemplateId": "lt-1", "Version": "3"}
MIXED = {
    "LaunchTemplate": {
        "LaunchTemplateSpecification": TEMPLATE,
        "Overrides": [{"InstanceType": "m5.large"}, {"InstanceType": "m5.2xlarge"}],
    }
}
ALIVE = [{"LifecycleState": "InService"}, {"LifecycleState": "Terminating"}, {"LifecycleState": "Warmed:Stopped"}]


@pytest.mark.parametrize(
    ("technology", "captured", "answers", "standing"),
    [
        ("rds", {}, {"describe_db_instances": [{"DBInstanceIdentifier": "one"}]}, there()),
        ("aurora", {}, {"describe_db_clusters": [{"DBClusterIdentifier": "one", "DBClusterMembers": [{}]}]}, there(units=1)),
        ("efs", {"target_id": "fs-2"}, {"describe_file_systems": [{"FileSystemId": "fs-2"}]}, there()),
        ("eventbridge", {}, {"list_rules": [{"Name": "one-more"}]}, NOT_THERE),
        ("lambda", {}, {"get_function_concurrency": {"ReservedConcurrentExecutions": 7}}, there(units=7)),
        ("lambda", {}, {"get_function_concurrency": None}, NOT_THERE),
        (
            "ecs",
            {},
            {
                "describe_services": [{**SERVICE, "launchType": "FARGATE"}],
                "describe_task_definition": {"taskDefinition": {"cpu": "512"}},
            },
            there(units=2, size=0.5, family="fargate"),
        ),
        ("ecs", {}, {"describe_services": [{**SERVICE, "launchType": "EC2"}]}, there(units=2, size=0.0)),
        ("ecs", {}, {"describe_services": [{**SERVICE, "status": "INACTIVE"}]}, NOT_THERE),
        (
            "autoscaling",
            {},
            {
                "describe_auto_scaling_groups": [{"AutoScalingGroupName": "one", "Instances": ALIVE, "LaunchTemplate": TEMPLATE}],
                "describe_launch_template_versions": [{"LaunchTemplateData": {"InstanceType": "m5.large"}}],
                "describe_instance_types": TYPES,
            },
            there(units=1, size=2, family=VCPU),
        ),
        (
            "autoscaling",
            {},
            {
                "describe_auto_scaling_groups": [{"AutoScalingGroupName": "one", "MixedInstancesPolicy": MIXED}],
                "describe_instance_types": TYPES,
            },
            there(size=8, family=VCPU),
        ),
        ("autoscaling", {}, {"describe_auto_scaling_groups": [{"AutoScalingGroupName": "one"}]}, there()),
        (
            "drs",
            {"instance_type": "m5.large"},
            {
                "describe_recovery_instances": [{"sourceServerID": "one", "ec2InstanceState": "RUNNING"}],
                "describe_instance_types": TYPES,
            },
            there(units=1, size=2, family=VCPU),
        ),
        ("drs", {"instance_type": "x9.large"}, {"describe_instance_types": TYPES}, there()),
    ],
)
def test_what_stands_in_the_target_is_seen(
    technology: str, captured: dict[str, Any], answers: dict[str, Any], standing: Standing
) -> None:
    assert look(technology, "one", captured, **answers) == standing


def test_services_of_a_cluster_are_described_together() -> None:
    found = batched("ecs", [*(f"apps/{number}" for number in range(12)), "other/1"])
    assert [len(found[ident]) for ident in ("apps/0", "apps/9", "apps/10", "other/1")] == [10, 10, 2, 1]
    asked = {next(STANDING["ecs"](ident, {}, together))[0] for ident, together in found.items()}
    assert [json.loads(one.params)["cluster"] for one in asked].count("apps") == 2 and len(asked) == 3


def test_functions_are_looked_at_one_by_one() -> None:
    assert batched("lambda", ["a", "b"]) == {"a": ["a"], "b": ["b"]}
