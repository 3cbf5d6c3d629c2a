# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifests of an inventory: that of a file, or the newest stored of each customer and environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..accounts import Accounts, classify
from ..discovery import Discovery
from ..dynamo import MissingError
from ..errors import DrError, InputError
from ..pairing import Paired
from ..relations import Group
from ..store import Store
from ..tags import Violation
from . import merging
from .validation import check
from .versions import Versions
from .violations import ManifestError


@dataclass(slots=True)
class Manifests:
    """given: (where it came from, the manifest). violations: stored ones that cannot be used, as errors: no plan
    ignores them."""

    given: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)

    def peers(self, found: Discovery, regions: tuple[str, str]) -> dict[tuple[str, str], Sequence[Group]]:
        """The pairs that they name."""
        return merging.peers(found, [manifest for _source, manifest in self.given], regions)

    def merge(self, paired: Paired, regions: tuple[str, str]) -> list[dict[str, Any]]:
        """Merges them into the hosts, adds what does not agree to the violations, and gives what `dr_inventory.manifests` says."""
        paired.violations += self.violations
        said = []
        for source, manifest in self.given:
            merged = merging.merge(paired.hosts, manifest, regions)
            paired.hosts = merged.hosts
            paired.violations += merged.warnings
            said.append(
                {
                    "manifest_id": manifest["manifestId"],
                    "customer": manifest["customer"],
                    "environment": manifest["environment"],
                    "source": source,
                    "phases": [phase.lower() for phase in manifest["phases"]],
                    "approval_required": manifest["approvalRequired"],
                    "unlisted": merged.unlisted,
                }
            )
        return said


def text_of(path: str) -> str:
    """The text of a manifest's file. InputError when there is none to read."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        remedy = "correct the path: it begins where the command runs, or beside the inventory file that names it"
        raise InputError("manifest_file", path, f"a file in UTF-8 that can be read ({said})", remedy) from error


def read(ways: Accounts, options: Mapping[str, Any]) -> Manifests:
    """The manifests of an inventory file's options. ManifestError when that of a file breaks its rules."""
    file = options["manifest"]
    if file:
        checked = check(file["text"])
        if checked.manifest is None:
            raise ManifestError(file["path"], checked.violations)
        return Manifests([(file["path"], checked.manifest)])
    return _stored(ways, options) if options["control_bucket"] else Manifests()


def _stored(ways: Accounts, options: Mapping[str, Any]) -> Manifests:
    table, bucket = options["control_table"], options["control_bucket"]
    versions = Versions(Store(ways.control("dynamodb"), ways.control("s3"), table, bucket))
    found = Manifests()
    where = f"s3://{bucket}"
    try:
        for version in versions.current(options["customer"] or "", options["environment"] or ""):
            where = f"s3://{bucket}/{version.key}"
            found.given.append((where, versions.read(version)))
    except MissingError:
        return found
    except DrError as error:
        found.violations.append(_unusable(where, error.message, error.remedy))
    except Exception as error:
        failure = classify(error)
        if failure is None:
            raise
        text = f"{failure.code}: {failure.message}"
        found.violations.append(_unusable(where, text, "let the caller list and get manifests/* of the control bucket"))
    return found


def _unusable(where: str, text: str, remedy: str) -> Violation:
    return Violation(where, "manifest", text, "a stored manifest that can be read, as it was stored", remedy, check="manifest")
