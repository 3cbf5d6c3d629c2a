# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must never be written or sent: secrets, by the name they stand under or by how they look.

Tags are masked where they are read (`tags`), so that no plan, snapshot or screen can show one; everything else where it is stored.
"""

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
#: How secrets look, wherever they stand: keys of several makers, and what follows a telling name. What is in `kept` stays.
VALUES: Final = (
    re.compile(r"(?P<kept>)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    re.compile(r"(?P<kept>)\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    re.compile(r"(?P<kept>)\b(?:IQoJb3JpZ2lu|FwoGZXIvYXdz|FQoGZXIvYXdz)[\w/+=-]{16,}"),
    re.compile(r"(?P<kept>)\b(?:gh[opsur]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,})"),
    re.compile(r"(?P<kept>://)[^/\s:@]+:[^/\s@]+(?=@)"),
    re.compile(r"(?P<kept>)\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+"),
    re.compile(r"(?P<kept>\bbearer\s+)[\w.~+/=-]{8,}", re.IGNORECASE),
    re.compile(
        r"(?P<kept>\b(?:\w+[_-])?(?:password|passwd|passphrase|secret|token|api_?key|access_?key)\s*=\s*)[^\s\"'\\,;&]+",
        re.IGNORECASE,
    ),
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
                value = pattern.sub(rf"\g<kept>{MASK}", value)
    return value


def tags(given: Mapping[str, str], schema: Mapping[str, Any]) -> dict[str, str]:
    """Tags of a resource, sorted, with secrets replaced: by the look of any value, by the name of tags outside of the schema."""
    return {name: mask(given[name], "" if name in schema else name) for name in sorted(given)}
