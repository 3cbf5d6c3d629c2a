# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP request that follows no redirect and opens nothing but http and https, whatever an address says."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import SplitResult, urlsplit

#: What may come of a request that is not an answer.
FAILURES: Final = (OSError, ValueError, HTTPException)
#: So much of an answer is read.
ANSWER_BYTES: Final = 65_536


def ask(
    url: str, timeout_seconds: float, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """(status, text) of the answer, of which ANSWER_BYTES are read at most; one of FAILURES when there is none in time."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is not an http(s) address")
    deadline = time.monotonic() + timeout_seconds
    with closing(_connection(parts, timeout_seconds)) as connection:
        connection.request(method, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), body, dict(headers or {}))
        answer = connection.getresponse()
        raw = b""
        while len(raw) < ANSWER_BYTES and (piece := answer.read1(ANSWER_BYTES)):
            raw += piece
            if time.monotonic() > deadline:
                raise TimeoutError(f"the answer was not complete after {timeout_seconds:g} s")
        return answer.status, raw[:ANSWER_BYTES].decode(errors="replace")


def context() -> ssl.SSLContext:
    """Certificates and names are verified, and nothing older than TLS 1.2 is spoken, however Python was built."""
    made = ssl.create_default_context()
    made.minimum_version = max(made.minimum_version, ssl.TLSVersion.TLSv1_2)
    return made


def _connection(parts: SplitResult, timeout_seconds: float) -> HTTPConnection:
    host = parts.hostname or ""
    if parts.scheme == "https":
        return HTTPSConnection(host, parts.port, timeout=timeout_seconds, context=context())
    return HTTPConnection(host, parts.port, timeout=timeout_seconds)
