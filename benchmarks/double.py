# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A thin double of DynamoDB's reads over HTTP, for a rate that the sandbox cannot serve.

python -m benchmarks.double ITEMS.json [SECONDS]

It knows GetItem and the two key conditions of `Table.query` and `Table.span`, in order, with Limit, pages of 1 MB and exclusive
start keys; each answer is held back so many seconds. Prints its port.
"""

from __future__ import annotations

import json
import socketserver
import sys
import time
from bisect import bisect_left, bisect_right
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

PAGE_BYTES = 1024 * 1024
Raw = dict[str, dict[str, Any]]


class Items:
    """Items by partition, in the order of their sort keys."""

    def __init__(self, items: list[Raw]) -> None:
        self.partitions: dict[str, list[tuple[str, Raw, int]]] = {}
        for item in sorted(items, key=lambda item: item["SK"]["S"]):
            self.partitions.setdefault(item["PK"]["S"], []).append((item["SK"]["S"], item, len(json.dumps(item))))

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
        return {"Items": page, "Count": len(page), **more}

    def _between(self, pk: str, low: str, high: str) -> list[tuple[str, Raw, int]]:
        rows = self.partitions.get(pk, [])
        return rows[bisect_left(rows, low, key=lambda row: row[0]) : bisect_right(rows, high, key=lambda row: row[0])]


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """A thread a connection."""

    daemon_threads = True
    request_queue_size = 128


def handler(items: Items, seconds: float) -> type[BaseHTTPRequestHandler]:
    """What answers a request."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_POST(self) -> None:
            wanted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            operation = self.headers["X-Amz-Target"].rpartition(".")[2]
            body = json.dumps(items.get(wanted["Key"]) if operation == "GetItem" else items.query(wanted)).encode()
            time.sleep(seconds)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_said: Any) -> None:
            """Nothing is logged."""

    return Handler


def main() -> None:
    items = Items(json.loads(Path(sys.argv[1]).read_text()))
    with Server(("127.0.0.1", 0), handler(items, float(sys.argv[2]) if len(sys.argv) > 2 else 0.0)) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
