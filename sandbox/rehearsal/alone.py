# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rehearsal never meets the real AWS: its process forgets every credential, and cannot open a connection to another machine."""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping
from typing import Any

HERE = ("127.0.0.1", "localhost")
_PREFIXES = ("AWS_", "BOTO")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


class OutsideError(OSError):
    """Something wanted to reach another machine."""


def forget(environment: MutableMapping[str, str]) -> None:
    """Takes credentials, profiles, endpoints and proxies out of an environment, and closes the ways to find others."""
    for name in list(environment):
        if name.upper().startswith(_PREFIXES) or name.upper() in _PROXIES:
            del environment[name]
    environment.update(
        AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull, AWS_EC2_METADATA_DISABLED="true", BOTO_CONFIG=os.devnull
    )


def allowed(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: OutsideError for a connection, a datagram or a look-up that leaves this machine."""
    match event, arguments:
        case ("socket.connect" | "socket.sendto", (_socket, (str(host), *_rest))) if host not in HERE:
            raise OutsideError(f"a rehearsal does not connect to {host}")
        case ("socket.getaddrinfo" | "socket.gethostbyname", (str(host), *_rest)) if host not in HERE:
            raise OutsideError(f"a rehearsal does not look up {host}")


def isolate() -> None:
    """For the rest of this process: nothing leaves the machine."""
    forget(os.environ)
    sys.addaudithook(allowed)
