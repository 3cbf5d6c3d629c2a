# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""People are asked whether a plan should be carried out: once, and nothing begins by it."""

from __future__ import annotations

from typing import Any

import pytest
from moto.backends import get_backend
from playbook import BUCKET, EAST, MANAGEMENT, SCOPE, TABLE, TOPIC, WEST, Operator, estate

from ansible_collections.dr.aws.plugins.module_utils.control_plane import Names, ensure
from ansible_collections.dr.aws.plugins.module_utils.errors import DrError, InputError
from ansible_collections.dr.aws.plugins.module_utils.events import Notifier
from ansible_collections.dr.aws.plugins.module_utils.lock import Lock
from ansible_collections.dr.aws.plugins.module_utils.proposals import Proposal, propose
from ansible_collections.dr.aws.plugins.module_utils.store import Store

ASKED = {"customer": "acme", "environment": "production", "operation": "failover", "reason": "the alarm shop-errors rings"}
BLIND = {**ASKED, "problem": "the inventory is incomplete"}


class Topic:
    """SNS: what was published. broken: it takes nothing."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.broken = False

    def publish(self, **message: Any) -> dict[str, str]:
        """As boto3's."""
        if self.broken:
            raise TimeoutError("no answer")
        self.sent.append(message)
        return {"MessageId": str(len(self.sent))}


@pytest.fixture
def topic() -> Topic:
    return Topic()


@pytest.fixture
def ask(sandbox: Any, topic: Topic) -> Any:
    own = Names.default(MANAGEMENT, WEST)
    clients = [sandbox.client(service, WEST) for service in ("dynamodb", "s3", "sns")]
    ensure(*clients, own, WEST, sleep=sandbox.advance)
    store = Store(*clients[:2], own.table, own.bucket, sandbox.time, sandbox.advance)

    def asked(**changes: Any) -> tuple[bool, str]:
        return propose(store, Notifier(topic, TOPIC), Proposal(**{**BLIND, **changes}))

    asked.store = store  # type: ignore[attr-defined]
    return asked


def test_what_rings_over_and_over_asks_once(ask: Any, topic: Topic, sandbox: Any) -> None:
    assert ask() == (True, "people were asked: [DR WARNING] failover PROPOSED, a person must decide")
    for _again in range(5):
        sandbox.advance(600)
        assert ask()[0] is False
    assert "people were asked at" in ask()[1]
    assert ask(environment="staging")[0] is True
    sandbox.advance(601)
    assert ask()[0] is True
    assert len(topic.sent) == 3


def test_people_are_told_why_what_and_how(ask: Any, topic: Topic) -> None:
    ask()
    (message,) = topic.sent
    for part in (
        "the alarm shop-errors rings",
        "No plan could be made: the inventory is incomplete",
        "acme",
        "production",
        "dr.aws.plan",
    ):
        assert part in message["Message"]
    assert "-e plan_id" not in message["Message"]
    assert message["MessageAttributes"]["event"]["StringValue"] == "failover_proposed"


def test_nobody_is_asked_while_an_execution_is_under_way(ask: Any, topic: Topic) -> None:
    lock = Lock(ask.store)
    lock.acquire("acme", "production", owner="dr-20261128T163000Z-7f3a9c", runner="elsewhere:1:100")
    assert ask() == (False, "nobody is asked: acme/production is being worked on by execution dr-20261128T163000Z-7f3a9c")
    lock.release()
    assert ask()[0] is True
    assert len(topic.sent) == 1


def test_who_could_not_be_told_was_not_asked(ask: Any, topic: Topic) -> None:
    topic.broken = True
    with pytest.raises(DrError, match="nobody was asked about acme/production"):
        ask()
    topic.broken = False
    assert ask()[0] is True


def test_a_proposal_has_a_plan_or_says_why_not(ask: Any, topic: Topic) -> None:
    with pytest.raises(InputError, match="plan_id="):
        ask(problem="")
    with pytest.raises(InputError, match="minimum_gap_minutes=0"):
        ask(gap_minutes=0)
    with pytest.raises(DrError, match="there is no plan"):
        ask(problem="", plan_id="plan-20261128T163000Z-7f3a9c")
    assert topic.sent == []


def test_an_alarm_makes_a_plan_and_asks_and_nothing_begins(operator: Operator, sandbox: Any) -> None:
    operator.load(estate())
    operator.readiness()
    ring = {**SCOPE, "mode": "unplanned", "reason": "the alarm shop-errors rings"}
    sandbox.dark(EAST)
    assert "people were asked" in operator.run("propose", "--flush-cache", **ring).ok().out
    assert "nobody is asked: people were asked at" in operator.run("propose", **ring).ok().out
    (sent,) = [one for one in notifications() if "failover_proposed" in str(one)]
    found = str(sent)
    assert "dr.aws.failover -e plan_id=plan-" in found and "-> us-west-2, unplanned" in found, found

    store = Store(sandbox.inside("dynamodb"), sandbox.inside("s3"), TABLE, BUCKET)
    store.table.write((), [("CUST#acme#production", "PROPOSAL")])
    operator.run("propose", **{**ring, "dr_region": EAST}).refused("people were asked: [DR WARNING]", "dr_region='us-east-1'")
    assert "No plan could be made: dr_region='us-east-1'" in str(notifications()[-1])

    assert operator.mutations() == []
    assert store.executions(customer="acme", environment="production", limit=5) == []
    assert store.table.get("LOCK#acme#production", "LOCK") is None


def notifications() -> list[Any]:
    """What the control plane's topic was sent."""
    return list(get_backend("sns")[MANAGEMENT][WEST].topics[TOPIC].sent_notifications)
