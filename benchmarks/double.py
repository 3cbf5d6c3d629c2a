# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A thin double of DynamoDB's reads over HTTP, for a rate that the sandbox cannot serve.

python -m benchmarks.double ITEMS.json [SECONDS]

It knows GetItem and the two key conditions of `Table.query` and `Table.span`, in order, with Limit, projections, pages of 1 MB and
exclusive start keys; each answer is held back so many seconds. Its items never change: an answer is made once, and its bytes are
sent to whoever asks the same, so that what is measured is who asks. Prints its port.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from bisect import bisect_left, bisect_right
from pathlib import Path
from typing import Any

PAGE_BYTES = 1024 * 1024
Raw = dict[str, dict[str, Any]]
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_TARGET = re.compile(rb"\r\nx-amz-target: *\w+\.(\w+)\r\n", re.IGNORECASE)
_END = b"\r\n\r\n"


class Items:
    """Items by partition, in the order of their sort keys."""

    def __init__(self, items: list[Raw]) -> None:
        self.partitions: dict[str, list[tuple[str, Raw, int]]] = {}
        self._made: dict[tuple[bytes, bytes], bytes] = {}
        for item in sorted(items, key=lambda item: item["SK"]["S"]):
            self.partitions.setdefault(item["PK"]["S"], []).append((item["SK"]["S"], item, len(json.dumps(item))))

    def answer(self, operation: bytes, body: bytes) -> bytes:
        """The whole response to a request."""
        made = self._made.get((operation, body))
        if made is None:
            wanted = json.loads(body)
            found = json.dumps(self.get(wanted["Key"]) if operation == b"GetItem" else self.query(wanted)).encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {len(found)}\r\n\r\n"
            made = self._made[operation, body] = head.encode() + found
        return made

    def get(self, key: Raw) -> dict[str, Any]:
        """GetItem's answer."""
        found = self._between(key["PK"]["S"], key["SK"]["S"], key["SK"]["S"])
        return {"Item": found[0][1]} if found else {}

    def query(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Query's answer."""
        values = {name: value["S"] for name, value in wanted["ExpressionAttributeValues"].items()}
        low, high = (values.get(":first", values.get(":prefix")), values.get(":last", f"{values.get(':prefix')}\U0010ffff"))
        found = self._between(values[":pk"], str(low), str(high))
        forward = wanted.get("ScanIndexForward", True)
        if not forward:
            found.reverse()
        if after := wanted.get("ExclusiveStartKey"):
            found = [one for one in found if (one[0] > after["SK"]["S"]) == forward and one[0] != after["SK"]["S"]]
        page: list[Raw] = []
        size = 0
        for _key, item, length in found[: wanted.get("Limit")]:
            page.append(item)
            size += length
            if size > PAGE_BYTES:
                break
        more = {"LastEvaluatedKey": {name: page[-1][name] for name in ("PK", "SK")}} if page and len(page) < len(found) else {}
        return {"Items": [_projected(item, wanted) for item in page], "Count": len(page), **more}

    def _between(self, pk: str, low: str, high: str) -> list[tuple[str, Raw, int]]:
        rows = self.partitions.get(pk, [])
        return rows[bisect_left(rows, low, key=lambda row: row[0]) : bisect_right(rows, high, key=lambda row: row[0])]


def _projected(item: Raw, wanted: dict[str, Any]) -> Raw:
    """What of an item is asked for."""
    if "ProjectionExpression" not in wanted:
        return item
    names = [wanted["ExpressionAttributeNames"][one] for one in wanted["ProjectionExpression"].split(", ")]
    return {name: item[name] for name in names if name in item}


class Connection(asyncio.Protocol):
    """One client's: requests one after the other, each answered after so many seconds."""

    def __init__(self, items: Items, seconds: float) -> None:
        self.items, self.seconds, self.rest = items, seconds, b""

    def connection_made(self, transport: Any) -> None:
        """As asyncio calls it."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """As asyncio calls it: answers the requests that are whole."""
        self.rest += data
        while (end := self.rest.find(_END)) >= 0:
            head = self.rest[: end + 2]
            length, target = _LENGTH.search(head), _TARGET.search(head)
            begin = end + len(_END)
            stop = begin + (int(length[1]) if length else 0)
            if len(self.rest) < stop:
                return
            answer = self.items.answer(target[1] if target else b"", self.rest[begin:stop])
            self.rest = self.rest[stop:]
            asyncio.get_running_loop().call_later(self.seconds, self.transport.write, answer)


async def serve(items: Items, seconds: float) -> None:
    """Answers until it is killed."""
    server = await asyncio.get_running_loop().create_server(lambda: Connection(items, seconds), "127.0.0.1", 0, backlog=128)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Items(json.loads(Path(sys.argv[1]).read_text())), float(sys.argv[2]) if len(sys.argv) > 2 else 0.0))
