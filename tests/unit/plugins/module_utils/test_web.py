# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How web addresses are asked: what is not spoken, and what is not opened."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator

import pytest

from ansible_collections.dr.aws.plugins.module_utils import web


def test_tls_1_2_is_the_least_and_certificates_are_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with a Python whose own default is what the operating system says."""
    lax = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    lax.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    monkeypatch.setattr(ssl, "create_default_context", lambda: lax)
    context = web.context()
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.fixture
def greeted() -> Iterator[tuple[int, list[bytes]]]:
    """A port that closes every connection, and the first bytes that came in."""
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _address = server.accept()
            with connection:
                seen.append(connection.recv(4096))

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield server.getsockname()[1], seen
        thread.join(timeout=30)


def test_https_offers_nothing_older(greeted: tuple[int, list[bytes]]) -> None:
    """By the extension "supported versions" of the greeting that is sent: 0x0304 and 0x0303 (RFC 8446, 4.2.1)."""
    port, seen = greeted
    with pytest.raises((ConnectionError, ssl.SSLError)):
        web.ask(f"https://127.0.0.1:{port}/", 10)
    assert b"\x00\x2b\x00\x05\x04\x03\x04\x03\x03" in seen[0]


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x/", "gopher://x/", "http://", "https:///x", "/etc/passwd"])
def test_nothing_else_is_opened(url: str) -> None:
    with pytest.raises(ValueError, match="not an http"):
        web.ask(url, 1)
