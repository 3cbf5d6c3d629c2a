# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions of manifests in the control bucket, which is versioned and encrypted (DR-3, SC-4.1: all are kept).

`manifests/<customer>/<environment>/<manifestId>/<time>-<sha256>.json`. A version is one object, written at once and never again:
two that store at the same time make two versions. What a key promises, its content must keep.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ..errors import DrError, InputError
from ..store import Store
from .validation import validate
from .violations import ManifestError

PREFIX: Final = "manifests/"
_KEY: Final = re.compile(PREFIX + r"([^/]+)/([^/]+)/([^/]+)/(\d{8}T\d{9}Z)-([0-9a-f]{64})\.json")
_STAMP: Final = "%Y%m%dT%H%M%S%f"


@dataclass(frozen=True, slots=True)
class Version:
    """One stored manifest. stamp: when it was stored (UTC, milliseconds): later versions have later ones."""

    customer: str
    environment: str
    manifest_id: str
    stamp: str
    sha256: str

    @property
    def name(self) -> str:
        """What it is asked for by."""
        return f"{self.stamp}-{self.sha256[:12]}"

    @property
    def key(self) -> str:
        """Of its object."""
        return f"{PREFIX}{self.customer}/{self.environment}/{self.manifest_id}/{self.stamp}-{self.sha256}.json"

    def to_json(self, bucket: str) -> dict[str, str]:
        """As it is listed."""
        return {
            "version": self.name,
            "manifest_id": self.manifest_id,
            "customer": self.customer,
            "environment": self.environment,
            "stored_at": _moment(self.stamp).isoformat(timespec="milliseconds"),
            "sha256": self.sha256,
            "s3_location": f"s3://{bucket}/{self.key}",
        }


class Versions:
    """The versions in the bucket of a control plane."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def listed(self, customer: str = "", environment: str = "") -> list[Version]:
        """Newest first; of a customer and environment, or of all. MissingError when the bucket is not there."""
        prefix = f"{PREFIX}{customer}/{environment}/" if customer and environment else PREFIX
        matches = (_KEY.fullmatch(key) for key in self.store.list_objects(prefix))
        found = [Version(*match.groups()) for match in matches if match]
        return sorted(found, key=lambda one: (one.stamp, one.sha256), reverse=True)

    def current(self, customer: str = "", environment: str = "") -> list[Version]:
        """The newest of each customer and environment."""
        newest: dict[tuple[str, str], Version] = {}
        for one in self.listed(customer, environment):
            newest.setdefault((one.customer, one.environment), one)
        return list(newest.values())

    def find(self, customer: str, environment: str, name: str = "") -> Version:
        """The version of a name; without one, or for `latest`, the newest. InputError when there is none."""
        known = self.listed(customer, environment)
        found = known[:1] if name in ("", "latest") else [one for one in known if one.name == name]
        if not found and known:
            names = ", ".join(one.name for one in known[:5])
            raise InputError("version", name, f"one that is stored, such as {names}", f"-e version={known[0].name}")
        if not found:
            text = f"no manifest is stored for customer={customer}, environment={environment}"
            raise DrError(text, "ansible-playbook dr.aws.manifest -e manifest_file=…")
        return found[0]

    def read(self, version: Version) -> dict[str, Any]:
        """The manifest of a version. DrError when it is gone, is not what was stored, or is somebody else's."""
        raw = self.store.get_object({"s3": version.key, "sha256": version.sha256})
        where = f"s3://{self.store.bucket}/{version.key}"
        try:
            checked = validate(json.loads(raw))
        except ValueError as error:
            raise DrError(f"{where} is not JSON", "store the manifest again") from error
        if checked.manifest is None:
            raise ManifestError(where, checked.violations)
        said = tuple(checked.manifest[name] for name in ("customer", "environment", "manifestId"))
        if said != (version.customer, version.environment, version.manifest_id):
            raise DrError(f"{where} holds the manifest of {'/'.join(said)}", "store the manifest again")
        return checked.manifest

    def put(self, manifest: Mapping[str, Any], apply: bool = True) -> tuple[Version, bool]:
        """Stores a valid manifest, unless the newest of its scope is the same. (its version, whether it is new).

        apply: False only says what would be stored. The version is later than any other even where a clock is behind.
        """
        raw = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()
        digest = hashlib.sha256(raw).hexdigest()
        known = self.current(manifest["customer"], manifest["environment"])
        if known and (known[0].manifest_id, known[0].sha256) == (manifest["manifestId"], digest):
            return known[0], False
        moment = datetime.fromtimestamp(self.store.clock(), UTC)
        if known:
            moment = max(moment, _moment(known[0].stamp) + timedelta(milliseconds=1))
        stamp = moment.strftime(_STAMP)[:-3] + "Z"
        version = Version(manifest["customer"], manifest["environment"], manifest["manifestId"], stamp, digest)
        if apply:
            self.store.put_object(version.key, raw)
        return version, True


def _moment(stamp: str) -> datetime:
    return datetime.strptime(stamp.removesuffix("Z") + "000", _STAMP).replace(tzinfo=UTC)
