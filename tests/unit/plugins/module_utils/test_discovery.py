# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What discovery does with pages, limits, refusals and silence: answers are given, time is simulated."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.accounts import Account, CallError, Failure
from ansible_collections.dr.aws.plugins.module_utils.asking import BACKOFF_SECONDS
from ansible_collections.dr.aws.plugins.module_utils.discovery import Discoverer, Discovery
from ansible_collections.dr.aws.plugins.module_utils.explorer import FILTER
from ansible_collections.dr.aws.plugins.module_utils.model import UNREACHABLE

EAST, WEST, SHOP, BILLING = "us-east-1", "us-west-2", "200000000001", "200000000002"
TAGS = {"dr:enabled": "true"}
ANSWERS: dict[str, Any] = {
    "list_resources": {"Resources": []},
    "get_resources": [],
    "describe_auto_scaling_groups": [],
    "describe_source_servers": None,
    "list_hosted_zones": [],
    "list_hosted_zones_by_name": {"HostedZones": []},
}


def arn(name: str, region: str = EAST, account: str = SHOP, service: str = "ecs", kind: str = "service/c/") -> str:
    return f"arn:aws:{service}:{region}:{account}:{kind}{name}"


def listed(
    *arns: str, tagged_as: dict[str, str] | None = None, shows: bool = True, region: str | None = None, token: str | None = None
) -> dict[str, Any]:
    data = [{"Key": key, "Value": value} for key, value in (tagged_as or TAGS).items()]
    shown = [{"Name": "tags", "Data": data}] if shows else []
    resources = [{"Arn": each, "Region": region or each.split(":")[3], "Properties": shown} for each in arns]
    return {"Resources": resources, **({"NextToken": token} if token else {})}


def tagged(*arns: str, **tags: str) -> list[dict[str, Any]]:
    said = [{"Key": key, "Value": value} for key, value in (tags or TAGS).items()]
    return [{"ResourceARN": each, "Tags": said} for each in arns]


class World:
    """Answers by (account, region, operation), (region, operation) or operation; lists of answers are given one by one."""

    def __init__(self, **answers: Any) -> None:
        self.answers: dict[Any, Any] = {**ANSWERS, **answers}
        self.calls: list[tuple[float, str, str, str, dict[str, Any]]] = []
        self.at = 0.0
        self.lock = threading.Lock()

    def given(self, answers: dict[Any, Any]) -> World:
        self.answers.update(answers)
        return self

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        with self.lock:
            self.at += seconds

    def read(self, account: str, region: str, service: str, operation: str, /, *, absent: Any = (), **params: Any) -> Any:
        with self.lock:
            self.calls.append((self.at, account, region, operation, params))
            keys = [(account, region, operation), (region, operation), (account, operation), operation]
            answer = next(self.answers[key] for key in keys if key in self.answers)
            if isinstance(answer, InTurn):
                answer = answer.next()
        if isinstance(answer, Failure):
            if answer.code in absent:
                return None
            raise CallError(answer)
        return answer

    def pages(self, account: str, region: str, service: str, operation: str, key: str, /, **params: Any) -> Any:
        return self.read(account, region, service, operation, **params)

    def asked(self, operation: str) -> list[dict[str, Any]]:
        return [params for _at, _account, _region, name, params in self.calls if name == operation]


class InTurn:
    """Answers in turn."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def next(self) -> Any:
        return self.answers.pop(0)


def look(world: World, *accounts: str, regions: tuple[str, ...] = (EAST, WEST), **options: Any) -> Discovery:
    known = [Account(account, name=f"name-{account[-1]}") for account in accounts or (SHOP,)]
    return Discoverer(world, known, regions, workers=1, now=world.now, sleep=world.sleep, **options).run()


def names(found: Discovery) -> list[str]:
    return [one.id for one in found.resources]


def test_pages_are_followed_in_fives_of_hundreds_and_never_in_a_thousand() -> None:
    world = World().given(
        {(EAST, "list_resources"): InTurn(listed(arn("a"), token="1"), listed(arn("b"), token="2"), listed(arn("c")))}
    )
    found = look(world)
    assert names(found) == ["c/a", "c/b", "c/c"]
    assert found.complete
    asked = world.asked("list_resources")
    assert {each["MaxResults"] for each in asked} == {500}
    assert {each["Filters"]["FilterString"] for each in asked} == {FILTER} == {'tag:"dr:enabled=true"'}
    assert [each.get("NextToken") for each in asked] == [None, "1", "2", None]


def test_lists_keep_to_three_a_second_in_each_account_and_region() -> None:
    pages = [listed(arn(str(page)), token=str(page)) for page in range(6)]
    world = World().given({(EAST, "list_resources"): InTurn(*pages, listed(arn("end")))})
    look(world, regions=(EAST,))
    times = [at for at, _account, _region, operation, _params in world.calls if operation == "list_resources"]
    assert times == pytest.approx([n / 3 for n in range(7)])


def test_throttled_calls_are_sent_again_with_patience() -> None:
    slow = Failure("throttled", "ThrottlingException", "Rate exceeded")
    world = World().given({(EAST, "list_resources"): InTurn(slow, slow, listed(arn("a")))})
    found = look(world, regions=(EAST,))
    assert names(found) == ["c/a"] and found.complete
    assert world.at == 3


def test_an_account_that_crawls_is_given_up_when_its_time_is_over() -> None:
    slow = Failure("throttled", "ThrottlingException", "Rate exceeded")
    world = World().given({(SHOP, "list_resources"): slow, (BILLING, EAST, "list_resources"): listed(arn("b", account=BILLING))})
    found = look(world, SHOP, BILLING, regions=(EAST,), timeout_seconds=5)
    assert names(found) == ["c/b"]
    assert [(error["account"], error["code"]) for error in found.errors] == [(SHOP, "TooSlow")]
    assert world.at == 3, "one and two seconds; four more would be too many"


def test_waiting_for_accounts_that_crawl_is_not_the_time_of_another() -> None:
    slow = Failure("throttled", "ThrottlingException", "Rate exceeded")
    world = World(describe_db_instances=[], describe_db_clusters=[]).given(
        {(EAST, "list_resources"): slow, (BILLING, EAST, "list_resources"): listed(arn("x", EAST, BILLING, "rds", "db:"))}
    )
    found = look(world, BILLING, "200000000003", "200000000004", regions=(EAST,), timeout_seconds=35)
    assert world.at == 2 * sum(BACKOFF_SECONDS)
    assert [error["account"] for error in found.errors] == ["200000000003", "200000000004"]
    assert len(world.asked("describe_db_instances")) == 1


def test_an_account_whose_answers_take_long_is_given_up_between_two_calls() -> None:
    class Slow(World):
        def read(self, *args: Any, **options: Any) -> Any:
            self.sleep(4)
            return super().read(*args, **options)

    (error,) = look(Slow(), regions=(EAST,), timeout_seconds=6).errors
    assert (error["kind"], error["message"]) == ("throttled", "not done after 6 s in us-east-1")


def test_an_account_that_is_throttled_for_good_is_an_error() -> None:
    world = World().given({(SHOP, "list_resources"): Failure("throttled", "ThrottlingException", "Rate exceeded")})
    (error,) = look(world, regions=(EAST,)).errors
    assert (error["kind"], error["service"], error["account"], error["name"]) == (
        "throttled",
        "resource-explorer-2",
        SHOP,
        "name-1",
    )


def test_matching_ignores_case_so_only_what_is_not_false_goes_on() -> None:
    for value, kept in (("true", 1), ("True", 1), ("TRUE", 1), ("false", 0)):
        world = World().given({(EAST, "list_resources"): listed(arn("a"), tagged_as={"dr:enabled": value})})
        assert len(look(world).resources) == kept


def test_without_an_index_the_tagging_api_and_auto_scaling_are_asked() -> None:
    group = arn("web", service="autoscaling", kind="autoScalingGroup:1:autoScalingGroupName/")
    world = World(list_resources=Failure("error", "ResourceNotFoundException", "no index")).given(
        {
            (EAST, "get_resources"): tagged(arn("a")),
            (EAST, "describe_auto_scaling_groups"): [
                {"AutoScalingGroupARN": group, "Tags": [{"Key": "dr:enabled", "Value": "true"}]}
            ],
        }
    )
    found = look(world)
    assert names(found) == ["web", "c/a"] and found.complete
    assert world.asked("get_resources")[0]["TagFilters"] == [{"Key": "dr:enabled"}]


def test_an_index_that_is_missing_is_named_with_the_remedy() -> None:
    world = World().given({(EAST, "list_resources"): Failure("error", "ResourceNotFoundException", "no index")})
    found = look(world)
    assert found.complete
    assert [(one["account"], one["region"]) for one in found.unindexed] == [(SHOP, EAST)]
    assert "create an index" in found.unindexed[0]["remedy"]


def test_the_tagging_api_is_asked_everywhere_and_has_the_last_word() -> None:
    world = World().given(
        {
            (EAST, "list_resources"): listed(arn("a"), arn("b"), arn("c")),
            (EAST, "get_resources"): [
                *tagged(arn("a"), **{"dr:enabled": "true", "dr:wave": "7"}),
                *tagged(arn("b"), **{"dr:enabled": "false"}),
                *tagged(arn("new")),
            ],
        }
    )
    found = look(world)
    assert names(found) == ["c/a", "c/c", "c/new"] and found.complete
    assert found.resources[0].tags["dr:wave"] == "7"


def test_the_tagging_api_may_be_left_out_where_an_index_answers() -> None:
    world = World().given({(EAST, "list_resources"): listed(arn("a"))})
    assert names(look(world, regions=(EAST,), tagging_api=False)) == ["c/a"]
    assert world.asked("get_resources") == []


def owned(account: str, entry: dict[str, Any]) -> dict[str, Any]:
    return {**entry, "Resources": [{**one, "OwningAccountId": account} for one in entry["Resources"]]}


def test_a_view_of_the_organization_is_asked_once_by_the_caller_and_what_nobody_asked_for_is_counted() -> None:
    own, theirs = owned(SHOP, listed(arn("a"), arn("w", WEST))), owned(BILLING, listed(arn("b", account=BILLING)))
    world = World().given({("", WEST, "list_resources"): {"Resources": [*own["Resources"], *theirs["Resources"]]}})
    found = look(world, index="organization", home=WEST, view="arn:view")
    assert names(found) == ["c/a", "c/w"] and found.complete
    assert found.unlisted == {BILLING: 1}
    assert [each["ViewArn"] for each in world.asked("list_resources")] == ["arn:view"]


def test_a_view_of_the_organization_that_refuses_is_an_error_and_the_tagging_api_goes_on() -> None:
    world = World(list_resources=Failure("denied", "AccessDeniedException", "no")).given(
        {(EAST, "get_resources"): tagged(arn("a"))}
    )
    found = look(world, index="organization", home=WEST, view="arn:view")
    assert names(found) == ["c/a"]
    assert [(error["account"], error["name"], error["kind"]) for error in found.errors] == [
        ("", "the organization's view", "denied")
    ]


def test_the_aggregator_of_each_account_is_asked_in_the_control_region_and_its_silence_is_made_up_for() -> None:
    world = World().given(
        {
            (SHOP, "eu-west-1", "list_resources"): listed(arn("a"), arn("w", WEST)),
            (BILLING, "eu-west-1", "list_resources"): UNREACHABLE,
            (BILLING, EAST, "get_resources"): tagged(arn("b", account=BILLING)),
        }
    )
    found = look(world, SHOP, BILLING, index="aggregator", home="eu-west-1")
    assert names(found) == ["c/a", "c/b", "c/w"] and found.complete
    assert len(world.asked("list_resources")) == 2


def test_what_the_aggregator_knows_of_a_dark_region_is_kept() -> None:
    world = World().given({(WEST, "list_resources"): listed(arn("a")), (EAST, "get_resources"): UNREACHABLE})
    found = look(world, index="aggregator", home=WEST)
    assert names(found) == ["c/a"] and found.stale == {(SHOP, EAST)}


def test_without_a_default_view_the_tagging_api_is_asked() -> None:
    world = World(list_resources=Failure("denied", "UnauthorizedException", "no default view"), get_resources=tagged(arn("a")))
    assert names(look(world)) == ["c/a"]


def test_an_empty_list_is_believed_only_when_the_tagging_api_says_the_same() -> None:
    world = World().given({(EAST, "get_resources"): tagged(arn("a"))})
    assert names(look(world)) == ["c/a"]


def test_a_view_without_tags_is_made_up_for_by_the_tagging_api() -> None:
    world = World().given(
        {(EAST, "list_resources"): listed(arn("a"), arn("b"), shows=False), (EAST, "get_resources"): tagged(arn("a"))}
    )
    assert names(look(world)) == ["c/a"]


def test_a_full_last_page_that_lost_something_is_a_truncated_answer() -> None:
    full = [arn(f"{n:03d}") for n in range(500)]
    world = World().given({(EAST, "list_resources"): listed(*full), (EAST, "get_resources"): tagged(*full, arn("lost"))})
    found = look(world)
    assert len(found.resources) == 501
    assert [error["code"] for error in found.errors] == ["TruncatedAnswer"]
    assert not found.complete


def test_a_full_last_page_that_is_all_there_is_is_complete() -> None:
    full = [arn(f"{n:03d}") for n in range(500)]
    world = World().given({(EAST, "list_resources"): listed(*full), (EAST, "get_resources"): tagged(*full)})
    assert look(world).complete


def test_a_token_that_comes_again_ends_the_paging_and_what_is_lost_by_it_is_a_truncated_answer() -> None:
    again = listed(arn("a"), token="same")
    world = World().given({(EAST, "list_resources"): InTurn(again, again), (EAST, "get_resources"): tagged(arn("b"))})
    found = look(world, regions=(EAST,))
    assert names(found) == ["c/a", "c/b"]
    assert [error["code"] for error in found.errors] == ["TruncatedAnswer"]


def test_one_failing_account_does_not_stop_the_others() -> None:
    denied = Failure("denied", "AccessDenied", "assume role: not authorized")
    world = World().given({(SHOP, "list_resources"): denied, (BILLING, EAST, "list_resources"): listed(arn("b", account=BILLING))})
    found = look(world, SHOP, BILLING)
    assert names(found) == ["c/b"]
    assert [(error["account"], error["code"]) for error in found.errors] == [(SHOP, "AccessDenied")]
    assert "external_id" in found.errors[0]["remedy"]
    assert [(one["id"], one["complete"], one["resources"]) for one in found.accounts] == [(SHOP, False, 0), (BILLING, True, 1)]


def test_a_region_that_does_not_answer_is_stale_and_no_error() -> None:
    world = World().given(
        dict.fromkeys([(EAST, "list_resources"), (EAST, "get_resources"), (EAST, "describe_source_servers")], UNREACHABLE)
    )
    world.given({(WEST, "list_resources"): listed(arn("copy"), arn("west", WEST))})
    found = look(world)
    assert found.stale == {(SHOP, EAST)} and found.errors == ()
    assert names(found) == ["c/copy", "c/west"]


def test_the_aggregators_copy_of_a_region_that_answers_does_not_count() -> None:
    world = World().given({(WEST, "list_resources"): listed(arn("deleted"), arn("west", WEST))})
    assert names(look(world)) == ["c/west"]


def test_a_service_that_is_silent_where_the_others_answer_makes_the_region_stale() -> None:
    world = World().given({(EAST, "list_resources"): listed(arn("a")), (EAST, "describe_source_servers"): UNREACHABLE})
    found = look(world)
    assert found.stale == {(SHOP, EAST)} and names(found) == ["c/a"]


def server(name: str, direction: str = "FAILOVER", enabled: str = "true") -> dict[str, Any]:
    where = arn(name, WEST, service="drs", kind="source-server/")
    return {"arn": where, "tags": {"dr:enabled": enabled}, "replicationDirection": direction}


def test_source_servers_are_described_because_nothing_lists_them() -> None:
    servers = [server("s-1"), server("s-2", "FAILBACK"), server("s-3", enabled="false")]
    world = World().given({(WEST, "describe_source_servers"): servers})
    assert names(look(world)) == ["s-1"]
    assert look(world, technologies=["ecs"]).resources == ()


ZONE = "arn:aws:route53:::hostedzone/Z1"


def zones(world: World) -> World:
    tags = [{"ResourceId": "Z2", "Tags": [{"Key": "dr:enabled", "Value": "true"}]}, {"ResourceId": "Z3", "Tags": []}]
    return world.given(
        {
            "list_hosted_zones": [{"Id": "/hostedzone/Z2"}, {"Id": "/hostedzone/Z3"}],
            "list_tags_for_resources": {"ResourceTagSets": tags},
        }
    )


def test_zones_come_from_the_index_that_has_what_has_no_region() -> None:
    world = zones(World()).given({(EAST, "list_resources"): listed(ZONE, region="global")})
    assert names(look(world)) == ["Z1"]
    assert world.asked("list_hosted_zones") == []


def test_zones_come_from_route53_where_no_index_has_them() -> None:
    world = zones(World())
    assert names(look(world, regions=("eu-west-1", "eu-central-1"))) == ["Z2"]


def test_a_silent_route53_is_stale_for_what_has_no_region() -> None:
    world = World(list_hosted_zones=UNREACHABLE)
    assert look(world, regions=("eu-west-1", "eu-central-1")).stale == {(SHOP, "global")}


def test_zones_that_are_named_are_found_by_name() -> None:
    world = World(
        list_hosted_zones_by_name={
            "HostedZones": [{"Id": "/hostedzone/Z9", "Name": "a.example."}, {"Id": "x", "Name": "b.example."}]
        }
    )
    assert look(world, zones=[(SHOP, "a.example")]).zones == {(SHOP, "a.example"): ["Z9"]}


def database(name: str, **more: Any) -> dict[str, Any]:
    return {"DBInstanceArn": arn(name, service="rds", kind="db:"), "Engine": "postgres", **more}


def test_databases_are_told_apart_and_related() -> None:
    replica = arn("orders-dr", WEST, service="rds", kind="db:")
    world = World(
        describe_global_clusters=[{"GlobalClusterMembers": [{"DBClusterArn": arn("ledger", service="rds", kind="cluster:")}]}]
    )
    wanted = [arn(name, service="rds", kind="db:") for name in ("orders", "member", "graph")]
    cluster = [arn(name, service="rds", kind="cluster:") for name in ("ledger", "documents")]
    world.given(
        {
            (EAST, "list_resources"): listed(*wanted, *cluster, arn("q", service="sqs", kind="")),
            (WEST, "describe_db_instances"): [
                {"DBInstanceArn": replica, "Engine": "postgres", "ReadReplicaSourceDBInstanceIdentifier": wanted[0]}
            ],
            (WEST, "describe_db_clusters"): [],
            "describe_db_instances": [
                database("orders", ReadReplicaDBInstanceIdentifiers=[replica, "local-replica"]),
                database("member", DBClusterIdentifier="ledger"),
                database("graph", Engine="neptune"),
            ],
            "describe_db_clusters": [
                {"DBClusterArn": cluster[0], "Engine": "aurora-postgresql"},
                {"DBClusterArn": cluster[1], "Engine": "docdb"},
            ],
        }
    )
    found = look(world)
    assert [(one.technology, one.id) for one in found.resources] == [("aurora", "ledger"), ("rds", "orders")]
    pair = {(EAST, "orders"): wanted[0], (WEST, "orders-dr"): replica}
    assert found.peers["rds", SHOP] == [pair, pair], "each side names the other"
    assert found.peers["aurora", SHOP] == [{(EAST, "ledger"): cluster[0]}]
    assert found.unsupported == {"rds:cluster (docdb)": 1, "rds:db (neptune)": 1, "sqs": 1}


@pytest.mark.parametrize(
    ("service", "kind", "answer", "group"),
    [
        (
            "elasticache",
            "replicationgroup:",
            {
                "describe_global_replication_groups": [
                    {
                        "Members": [
                            {"ReplicationGroupRegion": EAST, "ReplicationGroupId": "a"},
                            {"ReplicationGroupRegion": WEST, "ReplicationGroupId": "b"},
                        ]
                    }
                ]
            },
            {(EAST, "a"): None, (WEST, "b"): None},
        ),
        (
            "memorydb",
            "cluster/",
            {"describe_multi_region_clusters": [{"Clusters": [{"Region": EAST, "ClusterName": "a", "ARN": "x"}]}]},
            {(EAST, "a"): "x"},
        ),
        (
            "elasticfilesystem",
            "file-system/",
            {
                "describe_replication_configurations": [
                    {
                        "SourceFileSystemRegion": EAST,
                        "SourceFileSystemId": "a",
                        "SourceFileSystemArn": "x",
                        "Destinations": [{"Region": WEST, "FileSystemId": "b"}],
                    }
                ]
            },
            {(EAST, "a"): "x", (WEST, "b"): None},
        ),
    ],
)
def test_counterparts_that_aws_knows_are_groups(service: str, kind: str, answer: dict[str, Any], group: dict[Any, Any]) -> None:
    found = look(World(**answer).given({(EAST, "list_resources"): listed(arn("a", service=service, kind=kind))}))
    assert list(found.peers.values()) == [[group, group]]


def test_a_defect_is_not_swallowed() -> None:
    broken: Callable[..., Any] = World().read

    class Broken(World):
        def read(self, *args: Any, **options: Any) -> Any:
            if args[3] == "list_resources":
                raise ZeroDivisionError
            return broken(*args, **options)

    with pytest.raises(ZeroDivisionError):
        look(Broken())
