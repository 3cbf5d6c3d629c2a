# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DynamoDB: transactions, which a client may repeat with the same token, over their own items; queries of one partition."""

from __future__ import annotations

import copy
import functools
import inspect
import json
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
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


def _of_its_items(transact: Callable[..., None]) -> Callable[..., None]:
    """Moto's transaction, which copies every item of the table each time, over those that it writes. What it does is the same."""

    @functools.wraps(transact)
    def over(backend: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
        apart = copy.copy(backend)
        apart.tables = {}
        places: list[tuple[Table, Any, Any]] = []
        for wanted in transact_items:
            for what in wanted.values():
                table = backend.get_table(what["TableName"])
                seen = apart.tables.setdefault(table.name, _emptied(table))
                key = what.get("Key") or what["Item"]
                hashed, ranged = (DynamoType(key[name]) if name else None for name in (table.hash_key_attr, table.range_key_attr))
                places.append((table, hashed, ranged))
                _lay(seen, hashed, ranged, copy.deepcopy(_there(table, hashed, ranged)))
        transact(apart, transact_items)
        for table, hashed, ranged in places:
            _lay(table, hashed, ranged, _there(apart.tables[table.name], hashed, ranged))

    return over


def _emptied(table: Table) -> Table:
    """The same table without its items."""
    seen = copy.copy(table)
    seen.items = defaultdict(dict)
    return seen


def _there(table: Table, hashed: Any, ranged: Any) -> Any:
    """An item, None when there is none."""
    found = table.items.get(hashed)
    return found if found is None or ranged is None else found.get(ranged)


def _lay(table: Table, hashed: Any, ranged: Any, item: Any) -> None:
    """Puts an item into its place, or takes what was there away."""
    if ranged is None and item is not None:
        table.items[hashed] = item
    elif ranged is None:
        table.items.pop(hashed, None)
    elif item is not None:
        table.items[hashed][ranged] = item
    elif hashed in table.items:
        table.items[hashed].pop(ranged, None)


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


DynamoDBBackend.transact_write_items = _of_its_items(DynamoDBBackend.transact_write_items)  # type: ignore[method-assign]
Table.query = _partitioned(Table.query)  # type: ignore[method-assign]
