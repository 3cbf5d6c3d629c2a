# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What CloudTrail has of an execution's sessions: AWS's own record beside ours.

Facts: LookupEvents gives management events of 90 days, of one region, 50 a page, at 2 requests a second for an account and region,
by one attribute (CloudTrail API reference). The user name of a role's session is the name of the session, which is the execution.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from .accounts import AwsReader, CallError
from .model import Unreachable
from .redact import mask

#: Between two requests: 2 a second are allowed for each account and region.
PAUSE_SECONDS: Final = 0.5
PAGE: Final = 50
#: Events appear some minutes after they happened.
LATE_SECONDS: Final = 900


def events(
    cloud: AwsReader,
    places: Sequence[tuple[str, str]],
    session: str,
    begin: float,
    end: float,
    *,
    limit: int,
    sleep: Callable[[float], None],
) -> tuple[list[dict[str, Any]], list[str]]:
    """Events of the sessions of that name, oldest first, and where they could not be read, or not all, and why.

    places: (account, region). begin, end: epoch seconds. limit: events of a place. An event: {event_id, timestamp, event_name,
    event_source, user_arn, account, region, read_only, error_code, source_ip}.
    """
    found: list[dict[str, Any]] = []
    problems: list[str] = []
    for account, region in places:
        where = f"CloudTrail of account {account} in {region}"
        asked: dict[str, Any] = {
            "LookupAttributes": [{"AttributeKey": "Username", "AttributeValue": session}],
            "StartTime": datetime.fromtimestamp(begin, UTC),
            "EndTime": datetime.fromtimestamp(end + LATE_SECONDS, UTC),
            "MaxResults": PAGE,
        }
        here: list[dict[str, Any]] = []
        while True:
            try:
                page = cloud.read(account, region, "cloudtrail", "lookup_events", **asked)
            except CallError as error:
                problems.append(f"{where}: {error.failure.code}: {error.failure.message}")
                break
            if page is None or isinstance(page, Unreachable):
                problems.append(f"{where}: no answer")
                break
            here += [_event(one, account, region) for one in page["Events"]]
            sleep(PAUSE_SECONDS)
            if not page.get("NextToken"):
                break
            if len(here) >= limit:
                problems.append(f"{where}: only the newest {len(here)} events were read")
                break
            asked["NextToken"] = page["NextToken"]
        found += here
    return sorted(found, key=lambda one: (one["timestamp"], one["event_id"])), problems


def _event(one: dict[str, Any], account: str, region: str) -> dict[str, Any]:
    whole = json.loads(one.get("CloudTrailEvent") or "{}")
    event: dict[str, Any] = mask(
        {
            "event_id": one["EventId"],
            "timestamp": one["EventTime"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "event_name": one["EventName"],
            "event_source": one["EventSource"],
            "user_arn": whole.get("userIdentity", {}).get("arn", one.get("Username", "")),
            "account": account,
            "region": region,
            "read_only": one.get("ReadOnly") == "true",
            "error_code": whole.get("errorCode", ""),
            "source_ip": whole.get("sourceIPAddress", ""),
        }
    )
    return event
