# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudTrail's events: page by page, at the rate that AWS allows, and never silently incomplete."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils.accounts import CallError, Failure
from ansible_collections.dr.aws.plugins.module_utils.cloudtrail import PAUSE_SECONDS, events
from ansible_collections.dr.aws.plugins.module_utils.model import UNREACHABLE

SESSION = "dr-20261128T163000Z-7f3a9c"
PLACE, DARK, DENIED = ("200000000001", "us-west-2"), ("200000000001", "us-east-1"), ("200000000002", "us-west-2")


def event(number: int) -> dict[str, Any]:
    return {
        "EventId": f"event-{number}",
        "EventName": "PromoteReadReplica",
        "EventSource": "rds.amazonaws.com",
        "EventTime": datetime.fromtimestamp(1_796_000_000 + number, UTC),
        "ReadOnly": "false",
        "Username": SESSION,
        "CloudTrailEvent": json.dumps(
            {"userIdentity": {"arn": f"arn:aws:sts::200000000001:assumed-role/dr/{SESSION}", "accessKeyId": "ASIAIOSFODNN7EXAMPLE"}}
        ),
    }


class Cloud:
    """Pages by the token that asks for them; one region is silent, one account refuses."""

    def __init__(self, *pages: list[dict[str, Any]]) -> None:
        self.pages, self.asked = pages, list[dict[str, Any]]()

    def read(self, account: str, region: str, _service: str, _operation: str, **params: Any) -> Any:
        self.asked.append({"account": account, "region": region, **params})
        if (account, region) == DARK:
            return UNREACHABLE
        if (account, region) == DENIED:
            raise CallError(Failure("denied", "AccessDeniedException", "not allowed"))
        number = int(params.get("NextToken", 0))
        more = number + 1 < len(self.pages)
        return {"Events": self.pages[number], **({"NextToken": str(number + 1)} if more else {})}


def look(cloud: Cloud, *places: tuple[str, str], limit: int = 100) -> tuple[list[dict[str, Any]], list[str], list[float]]:
    paused: list[float] = []
    reader: Any = cloud
    found, problems = events(reader, places, SESSION, 1_796_000_000.0, 1_796_000_600.0, limit=limit, sleep=paused.append)
    return found, problems, paused


def test_all_pages_of_a_session_are_read_at_the_allowed_rate() -> None:
    cloud = Cloud([event(3), event(2)], [event(1)])
    found, problems, paused = look(cloud, PLACE)
    assert [one["event_id"] for one in found] == ["event-1", "event-2", "event-3"]
    assert (problems, paused) == ([], [PAUSE_SECONDS] * 2)
    assert cloud.asked[0]["LookupAttributes"] == [{"AttributeKey": "Username", "AttributeValue": SESSION}]
    assert found[0]["user_arn"].endswith(f"assumed-role/dr/{SESSION}")
    assert "ASIA" not in json.dumps(found)


def test_what_could_not_be_read_is_said() -> None:
    found, problems, _paused = look(Cloud([event(1)]), PLACE, DARK, DENIED)
    assert len(found) == 1
    assert problems == [
        "CloudTrail of account 200000000001 in us-east-1: no answer",
        "CloudTrail of account 200000000002 in us-west-2: AccessDeniedException: not allowed",
    ]


def test_a_limit_is_said() -> None:
    found, problems, _paused = look(Cloud([event(2)], [event(1)]), PLACE, limit=1)
    assert len(found) == 1
    assert problems == ["CloudTrail of account 200000000001 in us-west-2: only the newest 1 events were read"]
