# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must never be written or sent: secrets, by the name they stand under or by how they look."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

MASK: Final = "********"
#: Names whose values are secrets. `token_sha256` and the like are fingerprints, not secrets.
NAMES: Final = re.compile(
    r"(password|passwd|passphrase|secret|token|credential|authorization|private_?key|access_?key|api_?key|external_?id|auth_?string)"
    r"(?!.*(sha256|arn|_id$))",
    re.IGNORECASE,
)
VALUES: Final = (
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"),
    re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+"),
    re.compile(r"(?i)(?<=\bpassword=)\S+|(?<=\bsecret=)\S+|(?<=\btoken=)\S+"),
)


def mask(value: Any, name: str = "") -> Any:
    """The same JSON value with secrets replaced. name: the name under which it stands."""
    match value:
        case Mapping():
            return {key: mask(entry, str(key)) for key, entry in value.items()}
        case list() | tuple():
            return [mask(entry, name) for entry in value]
        case str() if value and NAMES.search(name):
            return MASK
        case str():
            for pattern in VALUES:
                value = pattern.sub(MASK, value)
    return value
