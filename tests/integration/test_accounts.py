# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions, refusals and silence over real boto3 clients and the sandbox."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.accounts import Account, Accounts, AwsReader, Breaker, CallError
from ansible_collections.dr.aws.plugins.module_utils.model import UNREACHABLE

EAST, WEST, HUB, SHOP = "us-east-1", "us-west-2", "100000000000", "200000000001"
ROLE = f"arn:aws:iam::{SHOP}:role/dr-automation"


@pytest.fixture
def world(sandbox: Any) -> Any:
    sandbox.load(
        {
            "name": "small",
            "control_region": WEST,
            "regions": [EAST, WEST],
            "accounts": [
                {"id": HUB, "management": True},
                {"id": SHOP, "name": "shop", "roles": [{"name": "dr-automation", "external_id": "shop-1"}]},
            ],
        }
    )
    return sandbox


def reader(external_id: str | None = "shop-1", breaker: Breaker | None = None) -> AwsReader:
    known = [Account(SHOP, ROLE, external_id), Account(HUB)]
    return AwsReader(Accounts(known, WEST, "test", connect_timeout=2, read_timeout=5), breaker or Breaker(now=lambda: 0.0))


def who(cloud: AwsReader, account: str, region: str = EAST) -> Any:
    return cloud.read(account, region, "sts", "get_caller_identity")


def test_each_account_is_reached_with_its_own_session(world: Any) -> None:
    cloud = reader()
    assert who(cloud, SHOP)["Arn"] == f"arn:aws:sts::{SHOP}:assumed-role/dr-automation/test"
    assert who(cloud, HUB)["Account"] == HUB
    assert who(cloud, "")["Account"] == HUB


def test_sessions_are_opened_in_the_control_region_once(world: Any) -> None:
    cloud = reader()
    for region in (EAST, WEST, EAST):
        who(cloud, SHOP, region)
    assert [call["region"] for call in world.calls(service="sts", operation="AssumeRole")] == [WEST]


@pytest.mark.parametrize("external_id", ["wrong-1", None])
def test_a_wrong_external_id_is_denied_and_says_where(world: Any, external_id: str | None) -> None:
    with pytest.raises(CallError, match=f"AccessDenied: assume role {ROLE}, asked in us-west-2") as raised:
        who(reader(external_id), SHOP)
    assert raised.value.failure.kind == "denied"


def test_an_expired_session_is_opened_again_without_a_word(world: Any) -> None:
    cloud = reader()
    who(cloud, SHOP)
    assert world.expire_sessions() == 1
    assert who(cloud, SHOP)["Account"] == SHOP
    assert len(world.calls(service="sts", operation="AssumeRole")) == 2


def test_a_dark_region_is_unreachable_until_it_answers_and_the_breaker_closes(world: Any) -> None:
    time = [0.0]
    cloud = reader(breaker=Breaker(now=lambda: time[0]))
    world.dark(EAST)
    for _attempt in range(7):
        assert cloud.pages(SHOP, EAST, "sqs", "list_queues", "QueueUrls") is UNREACHABLE
    assert len(world.calls(service="sqs")) == 10, "five calls, each tried twice"
    with pytest.raises(CallError, match="CircuitOpen"):
        cloud.call(SHOP, EAST, "sqs", "create_queue", QueueName="q")
    world.clear_faults()
    assert cloud.pages(SHOP, EAST, "sqs", "list_queues", "QueueUrls") is UNREACHABLE
    time[0] = 60
    assert cloud.pages(SHOP, EAST, "sqs", "list_queues", "QueueUrls") == []


@pytest.mark.parametrize("effect", ["reset", "http"])
def test_a_dark_control_region_is_never_taken_for_a_dark_source(world: Any, effect: str) -> None:
    world.dark(WEST, effect)
    with pytest.raises(CallError, match="assume role") as raised:
        who(reader(), SHOP)
    assert raised.value.failure.kind == "unreachable"


def test_what_aws_says_is_not_there_is_absent(world: Any) -> None:
    cloud = reader()
    name = {"QueueName": "nothing"}
    absent = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
    assert cloud.read(SHOP, EAST, "sqs", "get_queue_url", absent=absent, **name) is None
    with pytest.raises(CallError):
        cloud.read(SHOP, EAST, "sqs", "get_queue_url", **name)


def test_what_may_change_something_is_sent_once_when_its_answer_is_lost(world: Any) -> None:
    """Whether it is repeated is decided by what describing shows, never by the transport."""
    cloud = reader()
    who(cloud, SHOP)
    world.fault(match={"operation": ["CreateCluster", "ListClusters"]}, effect="lose")
    with pytest.raises(CallError) as raised:
        cloud.call(SHOP, EAST, "ecs", "create_cluster", clusterName="apps")
    assert raised.value.failure.kind == "unreachable"
    assert cloud.read(SHOP, EAST, "ecs", "list_clusters") is UNREACHABLE
    assert [call["operation"] for call in world.calls(service="ecs")] == ["CreateCluster", "ListClusters", "ListClusters"]
