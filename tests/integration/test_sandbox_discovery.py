# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resource Explorer, the Tagging API and CloudWatch in the sandbox, with the limits that AWS documents."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox import registry

HUB, WEB = "100000000000", "200000000001"
ESTATE = {
    "name": "small",
    "control_region": "us-west-2",
    "regions": ["us-east-1", "us-west-2"],
    "accounts": [
        {"id": HUB, "name": "management", "management": True},
        {"id": WEB, "name": "web", "roles": [{"name": "dr", "external_id": "web-1"}]},
    ],
}
ENABLED = {"FilterString": 'tag:"dr:enabled=true"'}


@pytest.fixture
def world(sandbox: Any) -> Any:
    sandbox.load(ESTATE)
    return sandbox


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """`many(n)`: the account has n tagged resources in us-east-1."""

    def make(count: int) -> None:
        arns = [f"arn:aws:iot:us-east-1:{WEB}:thing/thing-{number:05d}" for number in range(count)]

        def listed(ctx: Any) -> Any:
            return ((arn, "iot:thing", {"dr:enabled": "true"}) for arn in arns if (ctx.account, ctx.region) == (WEB, "us-east-1"))

        monkeypatch.setitem(registry.LISTERS, "iot", listed)

    return make


def topics(world: Any, count: int) -> None:
    sns = world.gateway.client("sns", "us-east-1", WEB)
    for number in range(count):
        sns.create_topic(Name=f"topic-{number:05d}", Tags=[{"Key": "dr:enabled", "Value": "true"}])


def found(world: Any, region: str = "us-west-2", **params: Any) -> list[dict[str, Any]]:
    pages = world.client("resource-explorer-2", region, WEB).get_paginator("list_resources").paginate(**params)
    return [resource for page in pages for resource in page["Resources"]]


def test_the_aggregator_finds_tagged_resources_of_every_region_and_of_none(world: Any) -> None:
    enabled = [{"Key": "dr:enabled", "Value": "true"}]
    world.client("ecs", "us-east-1", WEB).create_cluster(clusterName="shop", tags=[{"key": "dr:enabled", "value": "true"}])
    world.client("dynamodb", "us-west-2", WEB).create_table(
        TableName="orders",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=enabled,
    )
    route53 = world.client("route53", "us-east-1", WEB)
    zone = route53.create_hosted_zone(Name="shop.example.", CallerReference="1")["HostedZone"]["Id"].split("/")[-1]
    route53.change_tags_for_resource(ResourceType="hostedzone", ResourceId=zone, AddTags=enabled)
    world.client("sns", "us-east-1", WEB).create_topic(Name="untagged")
    kinds = [(one["ResourceType"], one["Region"]) for one in found(world, Filters=ENABLED)]
    assert kinds == [("ecs:cluster", "us-east-1"), ("dynamodb:table", "us-west-2"), ("route53:hostedzone", "global")]
    assert [one["ResourceType"] for one in found(world, region="us-east-1", Filters=ENABLED)] == [
        "ecs:cluster",
        "route53:hostedzone",
    ]
    (cluster,) = found(world, Filters={"FilterString": "resourcetype:ecs:cluster"})
    assert (cluster["OwningAccountId"], cluster["Service"]) == (WEB, "ecs")
    assert cluster["Properties"][0]["Data"] == enabled


def test_a_page_of_a_thousand_loses_the_rest_silently(world: Any, many: Callable[[int], None]) -> None:
    many(1100)
    explorer = world.client("resource-explorer-2", "us-west-2", WEB)
    page = explorer.list_resources(Filters=ENABLED, MaxResults=1000)
    assert len(page["Resources"]) == 1000
    assert "NextToken" not in page
    assert len(found(world, Filters=ENABLED, PaginationConfig={"PageSize": 500})) == 1100
    search = explorer.search(QueryString='tag:"dr:enabled=true"', MaxResults=1000)
    assert search["Count"] == {"TotalResources": 1000, "Complete": False}


def test_ten_thousand_resources_are_listed_in_pages(world: Any, many: Callable[[int], None]) -> None:
    many(10_000)
    arns = [one["Arn"] for one in found(world, Filters=ENABLED, PaginationConfig={"PageSize": 999})]
    assert len(set(arns)) == 10_000
    assert arns == sorted(arns)


def test_tags_come_only_with_a_view_that_includes_them(world: Any) -> None:
    topics(world, 1)
    explorer = world.client("resource-explorer-2", "us-west-2", WEB)
    bare = explorer.create_view(ViewName="bare", Filters={"FilterString": "service:sns"})["View"]["ViewArn"]
    assert [one["Properties"] for one in found(world, Filters=ENABLED, ViewArn=bare)] == [[]]
    assert explorer.get_view(ViewArn=bare)["View"]["IncludedProperties"] == []
    assert bare in explorer.list_views()["Views"]


def test_an_account_without_a_default_view(sandbox: Any, aws_code: Callable[..., str]) -> None:
    sandbox.load({**ESTATE, "resource_explorer": {"enabled": False}})
    explorer = sandbox.client("resource-explorer-2", "us-west-2", WEB)
    assert aws_code(explorer.list_resources, Filters=ENABLED) == "UnauthorizedException"
    assert aws_code(explorer.get_index) == "ResourceNotFoundException"
    assert explorer.create_index()["State"] == "CREATING"
    sandbox.advance(60)
    assert explorer.get_index()["State"] == "ACTIVE"
    view = explorer.create_view(ViewName="all", IncludedProperties=[{"Name": "tags"}])["View"]["ViewArn"]
    explorer.associate_default_view(ViewArn=view)
    assert found(sandbox, Filters=ENABLED) == []


def test_one_aggregator_and_a_day_between_two(world: Any, aws_code: Callable[..., str]) -> None:
    west, east = (world.client("resource-explorer-2", region, WEB) for region in ("us-west-2", "us-east-1"))
    indexes = {index["Region"]: index for index in west.list_indexes()["Indexes"]}
    assert {region: index["Type"] for region, index in indexes.items()} == {"us-east-1": "LOCAL", "us-west-2": "AGGREGATOR"}
    promote = {"Arn": indexes["us-east-1"]["Arn"], "Type": "AGGREGATOR"}
    assert aws_code(east.update_index_type, **promote) == "ConflictException"
    west.update_index_type(Arn=indexes["us-west-2"]["Arn"], Type="LOCAL")
    assert aws_code(east.update_index_type, **promote) == "ServiceQuotaExceededException"
    world.advance(24 * 3600)
    assert east.update_index_type(**promote)["Type"] == "AGGREGATOR"


def test_rates_are_limited_where_the_estate_says_so(sandbox: Any, aws_code: Callable[..., str]) -> None:
    sandbox.load({**ESTATE, "resource_explorer": {"rates": True}})
    explorer = sandbox.client("resource-explorer-2", "us-west-2", WEB)
    for _unused in range(3):
        explorer.list_resources(Filters=ENABLED)
    assert aws_code(explorer.list_resources, Filters=ENABLED) == "ThrottlingException"
    sandbox.advance(1)
    assert explorer.list_resources(Filters=ENABLED)["Resources"] == []


def test_free_text_is_no_filter(world: Any, aws_code: Callable[..., str]) -> None:
    explorer = world.client("resource-explorer-2", "us-west-2", WEB)
    assert aws_code(explorer.list_resources, Filters={"FilterString": "orders"}) == "ValidationException"


def test_the_tagging_api_pages_and_filters(world: Any, aws_code: Callable[..., str]) -> None:
    topics(world, 120)
    tagging = world.client("resourcegroupstaggingapi", "us-east-1", WEB)
    wanted = {"TagFilters": [{"Key": "dr:enabled", "Values": ["true"]}], "ResourceTypeFilters": ["sns"]}
    pages = list(tagging.get_paginator("get_resources").paginate(**wanted, ResourcesPerPage=50))
    assert [len(page["ResourceTagMappingList"]) for page in pages] == [50, 50, 20]
    assert tagging.get_resources(TagFilters=[{"Key": "dr:enabled", "Values": ["TRUE"]}])["ResourceTagMappingList"] == []
    token = pages[0]["PaginationToken"]
    world.advance(901)
    assert aws_code(tagging.get_resources, **wanted, PaginationToken=token) == "PaginationTokenExpiredException"


def test_tags_changed_through_the_tagging_api_are_seen_everywhere(world: Any) -> None:
    topics(world, 1)
    (topic,) = found(world, Filters=ENABLED)
    tagging = world.client("resourcegroupstaggingapi", "us-east-1", WEB)
    tagging.tag_resources(ResourceARNList=[topic["Arn"]], Tags={"dr:wave": "3"})
    (topic,) = found(world, Filters={"FilterString": "tag:dr:wave=3"})
    tagging.untag_resources(ResourceARNList=[topic["Arn"]], TagKeys=["dr:enabled"])
    assert found(world, Filters=ENABLED) == []


def test_a_published_level_is_seen_in_any_period(world: Any) -> None:
    ctx = world.gateway.context("rds", WEB, "us-west-2")
    ctx.metric("AWS/RDS", "ReplicaLag", {"DBInstanceIdentifier": "orders"}, 4)
    watch = world.client("cloudwatch", "us-west-2", WEB)
    end = datetime.now(UTC)
    metric = {
        "Namespace": "AWS/RDS",
        "MetricName": "ReplicaLag",
        "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": "orders"}],
    }
    query = {"Id": "lag", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}}
    window = {"StartTime": end - timedelta(minutes=3), "EndTime": end}
    (result,) = watch.get_metric_data(MetricDataQueries=[query], **window)["MetricDataResults"]
    assert (result["Id"], result["Values"]) == ("lag", [4.0, 4.0, 4.0])
    points = watch.get_metric_statistics(**metric, **window, Period=60, Statistics=["Average"])["Datapoints"]
    assert [point["Average"] for point in points] == [4.0, 4.0, 4.0]
    ctx.metric("AWS/RDS", "ReplicaLag", {"DBInstanceIdentifier": "orders"}, None)
    assert watch.get_metric_statistics(**metric, **window, Period=60, Statistics=["Average"])["Datapoints"] == []


def test_metrics_that_were_put_are_still_motos(world: Any) -> None:
    watch = world.client("cloudwatch", "us-west-2")
    now = datetime.now(UTC)
    watch.put_metric_data(Namespace="DR", MetricData=[{"MetricName": "RTO", "Value": 7.0, "Timestamp": now}])
    query = {"Id": "rto", "MetricStat": {"Metric": {"Namespace": "DR", "MetricName": "RTO"}, "Period": 60, "Stat": "Maximum"}}
    window = {"StartTime": now - timedelta(minutes=5), "EndTime": now + timedelta(minutes=5)}
    (result,) = watch.get_metric_data(MetricDataQueries=[query], **window)["MetricDataResults"]
    assert result["Values"] == [7.0]
