# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DynamoDB: transactions that a client repeats with the same token."""

from __future__ import annotations

import json
from typing import Any

from sandbox.gateway import Ctx, op
from sandbox.model import AwsError

_TOKEN_SECONDS = 600


@op("dynamodb", "TransactWriteItems")
def transact_write_items(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """The same token with the same items within ten minutes succeeds again without an effect (API reference)."""
    token, items = params.get("ClientRequestToken"), json.dumps(params["TransactItems"], sort_keys=True, default=str)
    tokens = ctx.store.setdefault("tokens", {})
    made = tokens.get(token)
    if made and made["at"] + _TOKEN_SECONDS > ctx.clock.time():
        if made["items"] != items:
            text = "The ClientRequestToken was used within 10 minutes for other items."
            raise AwsError("IdempotentParameterMismatchException", text)
        return {}
    out = ctx.moto()
    if token:
        tokens[token] = {"at": ctx.clock.time(), "items": items}
    return out
