# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WSGI environments, made by hand: the few keys that the gateway and moto read."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote_to_bytes


def environ(method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes, server: tuple[str, int]) -> dict[str, Any]:
    """target: path and query as they came, percent-encoded."""
    path, _unused, query = target.partition("?")
    made: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "RAW_URI": target,
        "REQUEST_URI": target,
        "QUERY_STRING": query,
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_HOST": f"{server[0]}:{server[1]}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers:
        key = name.upper().replace("-", "_")
        if key == "CONTENT_TYPE":
            made[key] = value
        elif key not in ("CONTENT_LENGTH", "TRANSFER_ENCODING", "CONNECTION", "EXPECT"):
            key = f"HTTP_{key}"
            made[key] = f"{made[key]},{value}" if key in made and key != "HTTP_HOST" else value
    return made
