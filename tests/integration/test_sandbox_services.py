# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service file can do, and what it is not allowed to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sandbox import registry
from sandbox.model import AwsError


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`ours("CreateTopic", fn)`: an operation of SNS for this test; `corrected=True` for a correction."""

    def register(operation: str, fn: Any, corrected: bool = False) -> None:
        monkeypatch.setitem(registry.CORRECTIONS if corrected else registry.OPERATIONS, ("sns", operation), fn)

    return register


def test_an_answer_that_breaks_its_model_is_refused(sandbox: Any, ours: Callable[..., None], aws_code: Callable[..., str]) -> None:
    ours("ListTopics", lambda ctx, params: {"Nonsense": 1})
    assert aws_code(sandbox.client("sns").list_topics) == "SimulatorDefect"
    assert sandbox.calls()[-1]["how"] == "defect"


def test_so_is_a_correction_that_breaks_it(sandbox: Any, ours: Callable[..., None], aws_code: Callable[..., str]) -> None:
    ours("ListTopics", lambda ctx, params, out: out.update(Nonsense=1), corrected=True)
    assert aws_code(sandbox.client("sns").list_topics) == "SimulatorDefect"


def test_a_handler_that_fails_says_so(sandbox: Any, ours: Callable[..., None], aws_code: Callable[..., str]) -> None:
    ours("ListTopics", lambda ctx, params: 1 / 0)
    assert aws_code(sandbox.client("sns").list_topics) == "SimulatorDefect"


def test_errors_are_answered_as_given(sandbox: Any, ours: Callable[..., None], aws_code: Callable[..., str]) -> None:
    def refuse(ctx: Any, params: Any) -> None:
        raise AwsError("TopicLimitExceeded", "no more", 403)

    ours("CreateTopic", refuse)
    assert aws_code(sandbox.client("sns").create_topic, Name="a") == "TopicLimitExceeded"


def test_moto_can_be_asked_with_the_same_or_other_parameters(sandbox: Any, ours: Callable[..., None]) -> None:
    ours("CreateTopic", lambda ctx, params: ctx.moto() if params["Name"] == "same" else ctx.moto({"Name": "other"}))
    topics = [sandbox.client("sns").create_topic(Name=name)["TopicArn"].split(":")[-1] for name in ("same", "changed")]
    assert topics == ["same", "other"]
    assert [call["operation"] for call in sandbox.calls()] == ["CreateTopic", "CreateTopic"]


def test_motos_refusals_come_through(sandbox: Any, ours: Callable[..., None], aws_code: Callable[..., str]) -> None:
    ours("GetTopicAttributes", lambda ctx, params: ctx.moto())
    absent = "arn:aws:sns:us-west-2:000000000000:absent"
    assert aws_code(sandbox.client("sns").get_topic_attributes, TopicArn=absent) == "NotFound"


def test_input_is_checked_before_an_operation_of_ours(sandbox: Any, aws_code: Callable[..., str]) -> None:
    explorer = sandbox.client("resource-explorer-2")
    assert aws_code(explorer.get_view, ViewArn="x" * 100) == "ResourceNotFoundException"
    assert aws_code(explorer.get_view, ViewArn="x" * 1012) == "ValidationException"


def test_stores_are_kept_apart_by_service_account_and_region(sandbox: Any) -> None:
    ctx = sandbox.gateway.context("rds", "200000000001", "us-east-1")
    ctx.store["mark"] = "east"
    assert ctx.at(region="us-west-2") == {}
    assert ctx.at(account="200000000002") == {}
    assert ctx.at(service="ecs") == {}
    assert ctx.within(region="us-east-1").store == {"mark": "east"}


def test_services_without_regions_have_one_store(sandbox: Any) -> None:
    stores = [sandbox.gateway.context("route53", "200000000001", region).store for region in ("us-east-1", "us-west-2")]
    assert stores[0] is stores[1]


def test_what_comes_later_is_seen_later(sandbox: Any) -> None:
    seen: list[str] = []
    sandbox.gateway.context("rds", "200000000001", "us-east-1").eventually(3, lambda: seen.append("now"))
    sandbox.advance(2)
    assert seen == []
    sandbox.advance(1)
    assert seen == ["now"]


def test_two_files_cannot_register_the_same_operation() -> None:
    with pytest.raises(ValueError, match=r"registered by both sandbox\.services\.sts and"):
        registry.op("sts", "AssumeRole")(lambda ctx, params: {})
