# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The readiness snapshot: what a failover must know when a region is gone. Pure; `store` and the inventory do the I/O."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from .errors import DrError
from .redact import mask

VERSION: Final = 1
_FIELDS: Final[Mapping[str, type]] = {
    "version": int,
    "customer": str,
    "environment": str,
    "created_at": str,
    "regions": list,
    "accounts": list,
    "resources": list,
    "captured": dict,
    "sha256": str,
}
_REMEDY: Final = "run the playbook dr.aws.readiness again while both regions answer"


class SnapshotError(DrError):
    """A snapshot that must not be used: damaged, changed by hand, or of a version that is not known."""


#: Below it, the control bucket holds one snapshot per customer and environment.
PREFIX: Final = "snapshots/"


def key(customer: str, environment: str) -> str:
    """The object's key in the control bucket."""
    return f"{PREFIX}{customer}/{environment}/latest.json"


def build(
    customer: str,
    environment: str,
    created_at: datetime,
    regions: Sequence[str],
    accounts: Sequence[str],
    hosts: Mapping[str, Mapping[str, Any]],
    captured: Mapping[str, Mapping[str, Any]],
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A snapshot. accounts: those that were looked at. hosts: inventory host name -> its `dr_` variables. captured: host
    name -> what its adapter captured. more: what readiness keeps with it (samples, drift, score). Secrets are masked."""
    body = {
        **(more or {}),
        "version": VERSION,
        "customer": customer,
        "environment": environment,
        "created_at": created_at.astimezone(UTC).isoformat(timespec="seconds"),
        "regions": list(regions),
        "accounts": sorted(accounts),
        "resources": resources(hosts),
        "captured": {name: dict(captured[name]) for name in sorted(captured)},
    }
    plain: dict[str, Any] = mask(json.loads(_canonical(body)))
    return {**plain, "sha256": _checksum(plain)}


def resources(hosts: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The hosts of an inventory as a snapshot lists them."""
    return [
        {
            "key": name,
            **{field: value for field, value in hosts[name].items() if field.startswith("dr_") and field != "dr_captured"},
        }
        for name in sorted(hosts)
    ]


def dumps(snapshot: Mapping[str, Any]) -> bytes:
    """The bytes to store."""
    return _canonical(snapshot).encode()


def loads(data: bytes) -> dict[str, Any]:
    """The snapshot that `dumps` gave. Raises SnapshotError when it was damaged or changed, or is of another version."""
    snapshot, problem = read(data)
    if problem:
        raise SnapshotError(problem, _REMEDY)
    return snapshot


def read(data: bytes) -> tuple[dict[str, Any], str]:
    """A snapshot, and "" or that it is not the one that was stored. SnapshotError when nothing can be read out of it."""
    try:
        snapshot = json.loads(data)
    except ValueError as error:
        raise SnapshotError(f"the readiness snapshot is not JSON: {error}", _REMEDY) from error
    if not isinstance(snapshot, dict) or snapshot.get("version") != VERSION:
        raise SnapshotError(f"the readiness snapshot is not of version {VERSION}", _REMEDY)
    for field, kind in _FIELDS.items():
        if not isinstance(snapshot.get(field), kind):
            raise SnapshotError(f"the readiness snapshot has no usable {field}", _REMEDY)
    if snapshot["sha256"] != _checksum(snapshot):
        return snapshot, "the readiness snapshot does not match its checksum: it was damaged or changed"
    return snapshot, ""


def age_seconds(snapshot: Mapping[str, Any], now: datetime) -> int:
    """How old a snapshot is, in whole seconds."""
    return int((now - datetime.fromisoformat(snapshot["created_at"])).total_seconds())


def _checksum(snapshot: Mapping[str, Any]) -> str:
    body = {field: value for field, value in snapshot.items() if field != "sha256"}
    return hashlib.sha256(_canonical(body).encode()).hexdigest()


def _canonical(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
