# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DynamoDB: transactions that a client repeats with the same token; queries that read one partition."""

from __future__ import annotations

import copy
import functools
import inspect
import json
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from moto.dynamodb.models.table import Table

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


def _partitioned(query: Callable[..., Any]) -> Callable[..., Any]:
    """Moto's query, which sorts every item of the table each time, of one partition alone. What it gives is the same.

    An index has items of all partitions: there it stays as it is.
    """
    signature = inspect.signature(query)

    @functools.wraps(query)
    def of_partition(table: Table, hash_key: Any, *args: Any, **kwargs: Any) -> Any:
        if signature.bind(table, hash_key, *args, **kwargs).arguments.get("index_name") is None:
            seen = copy.copy(table)
            seen.items = defaultdict(dict, {hash_key: table.items[hash_key]} if hash_key in table.items else {})
            return query(seen, hash_key, *args, **kwargs)
        return query(table, hash_key, *args, **kwargs)

    return of_partition


Table.query = _partitioned(Table.query)  # type: ignore[method-assign]
