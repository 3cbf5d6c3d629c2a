# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP/1.1 in front of the gateway: threads, kept-alive connections, and real resets. Loopback only."""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import struct
import threading
from http import HTTPStatus
from http.client import responses as reasons
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import Any

from . import admin
from .faults import NoAnswerError
from .gateway import Gateway
from .model import Answer
from .wsgi import environ

log = logging.getLogger("sandbox")
_DROPPED_HEADERS = {"content-length", "connection", "status", "transfer-encoding"}


class Server(ThreadingMixIn, TCPServer):
    """Serves one gateway on 127.0.0.1. `start()` runs it in a thread; `stop()` also ends the connections it has."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, gateway: Gateway, port: int = 0) -> None:
        self.gateway = gateway
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    @property
    def endpoint(self) -> str:
        """For AWS_ENDPOINT_URL."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Server:
        """Serve in a thread of its own."""
        threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True, name=f"sandbox:{self.port}"
        ).start()
        return self

    def stop(self) -> None:
        """Listen no more, and drop every connection."""
        self.shutdown()
        self.server_close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, so that `stop` can end it."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection."""
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke is the client's business, and often what a fault wanted."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline:
            self.close_connection = True
            return
        if not self.parse_request():
            return
        request = environ(self.command, self.path, self.headers.items(), self._body(), ("127.0.0.1", self.server.port))
        try:
            answer = self._answer(request)
        except NoAnswerError as nothing:
            self._reset(nothing.seconds)
            return
        except Exception as error:
            log.exception("%s %s", self.command, self.path)
            answer = 500, {"Content-Type": "text/plain"}, f"defect of the sandbox: {error!r}".encode()
        self._write(answer)

    def _answer(self, request: dict[str, Any]) -> Answer:
        path = request["PATH_INFO"]
        if path.startswith(admin.PREFIX):
            return admin.answer(self.server.gateway, request)
        return self.server.gateway.handle(request)

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            return b"".join(iter(self._chunk, b""))
        length = int(self.headers.get("Content-Length") or 0)
        return self.rfile.read(length) if length else b""

    def _chunk(self) -> bytes:
        size = int(self.rfile.readline().split(b";")[0], 16)
        data = self.rfile.read(size)
        self.rfile.readline()
        return data

    def _write(self, answer: Answer) -> None:
        status, headers, body = answer
        lines = [f"HTTP/1.1 {status} {reasons.get(status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in headers.items() if name.lower() not in _DROPPED_HEADERS]
        if self.command == "HEAD":
            lines.append(f"Content-Length: {headers.get('Content-Length', headers.get('content-length', '0'))}")
        elif status != HTTPStatus.NO_CONTENT:
            lines.append(f"Content-Length: {len(body)}")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
        self.connection.sendall(head if self.command == "HEAD" else head + body)

    def _reset(self, seconds: float) -> None:
        """End the connection with a TCP reset, at once or when the client gave up waiting."""
        self.close_connection = True
        if seconds:
            select.select([self.connection], [], [], seconds)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with contextlib.suppress(OSError):
            self.rfile.close()
            self.wfile.close()
            self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """The record is `/_sandbox/calls`."""
