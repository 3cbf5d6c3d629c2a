# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudTrail: LookupEvents over the record of calls that the sandbox keeps anyway."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from sandbox.gateway import Ctx, op
from sandbox.model import AwsError

LARGEST_PAGE: Final = 50
#: Services whose calls are data events, which LookupEvents does not have (their few management events are left out here).
_DATA: Final = ("dynamodb", "s3")
#: LookupAttribute -> the field of an event, as far as it is modelled.
_FIELDS: Final = {"EventName": "EventName", "EventSource": "EventSource", "Username": "Username", "AccessKeyId": "AccessKeyId"}


@op("cloudtrail", "LookupEvents")
def lookup_events(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """Newest first. The window is the caller's: simulated time may run ahead of it. Events are there at once."""
    attributes = params.get("LookupAttributes", [])
    unknown = [one["AttributeKey"] for one in attributes if one["AttributeKey"] not in _FIELDS]
    if len(attributes) > 1 or unknown:
        raise AwsError("InvalidLookupAttributesException", f"not modelled: {', '.join(unknown) or 'several attributes'}")
    rows = ctx.gw.calls.select(account=ctx.account, region=ctx.region)
    events = [_event(row) for row in rows if row["operation"] and row["service"] not in _DATA]
    wanted = [one for one in events if all(one[_FIELDS[some["AttributeKey"]]] == some["AttributeValue"] for some in attributes)]
    wanted.reverse()
    start, size = int(params.get("NextToken", 0)), min(params.get("MaxResults", LARGEST_PAGE), LARGEST_PAGE)
    more = start + size < len(wanted)
    return {"Events": wanted[start : start + size], **({"NextToken": str(start + size)} if more else {})}


def _event(row: Mapping[str, Any]) -> dict[str, Any]:
    role, session, account = row["role"], row["session"], row["account"]
    arn = f"arn:aws:sts::{account}:assumed-role/{role}/{session}" if role else f"arn:aws:iam::{account}:root"
    at = datetime.fromtimestamp(row["time"], UTC)
    source = f"{row['service']}.amazonaws.com"
    record = {
        "eventTime": at.isoformat(timespec="seconds"),
        "eventSource": source,
        "eventName": row["operation"],
        "awsRegion": row["region"],
        "sourceIPAddress": "127.0.0.1",
        "userAgent": row["user_agent"],
        "userIdentity": {"type": "AssumedRole" if role else "Root", "arn": arn, "accessKeyId": row["access_key"]},
        **({} if row["outcome"] == "ok" else {"errorCode": row["outcome"]}),
    }
    return {
        "EventId": f"00000000-0000-4000-8000-{row['n']:012d}",
        "EventName": row["operation"],
        "EventSource": source,
        "EventTime": at,
        "ReadOnly": "false" if row["mutating"] else "true",
        "Username": session or "root",
        "AccessKeyId": row["access_key"],
        "CloudTrailEvent": json.dumps(record),
    }
