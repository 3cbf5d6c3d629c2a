# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests by the API (Appendix G.2): stored as versions, and validated, with the rules of manifest.yml."""

from __future__ import annotations

import re
from typing import Any, Final

from .. import evidence, trail
from ..errors import DrError
from ..manifest.validation import Checked, check, resources, validate
from ..manifest.versions import Versions
from ..manifest.violations import ManifestError
from ..store import Store
from .answers import AbsentError, Answer, Call, failed
from .bodies import MalformedError, parsed

MAX_NAME: Final = 128
_ID: Final = re.compile(rf"[a-z0-9-]{{1,{MAX_NAME}}}")


class Manifests:
    """The endpoints under /manifests."""

    def __init__(self, store: Store) -> None:
        self.store, self.versions = store, Versions(store)

    def create(self, call: Call) -> Answer:
        """POST: a new version; the newest again when it is the same."""
        given = parsed(call.text, required=True)
        for name in ("manifestId", "customer"):  # both are in the key of the object
            if len(str(given.get(name, ""))) > MAX_NAME:
                raise MalformedError(name, given[name], f"at most {MAX_NAME} characters", "shorten it")
        checked = check(call.text)
        if checked.manifest is None:
            first, *others = checked.violations
            more = f"; and {len(others)} more" if others else ""
            errors = [one.to_json() for one in checked.violations]
            return failed(422, "InvalidManifest", f"the manifest breaks a rule: {first}{more}", first.remedy, errors=errors)
        version, new = self.versions.put(checked.manifest)
        kept = version.to_json(self.store.bucket)
        if new:
            name = trail.operations(self.store.clock())
            self.store.note(name, "manifest_stored", actor=call.who, correlation_id=call.correlation_id, **kept)
            evidence.secure(self.store, name, call.who)
        body = {
            "manifestId": version.manifest_id,
            "version": version.name,
            "createdAt": kept["stored_at"],
            "s3Location": kept["s3_location"],
        }
        return Answer(201 if new else 200, body)

    def validate(self, call: Call) -> Answer:
        """POST …/validate: of the manifest in the body, which is not stored; without a body of the newest that is stored."""
        if not _ID.fullmatch(call.name):
            allowed = f"1 to {MAX_NAME} small letters, digits and -"
            raise MalformedError("manifestId", call.name, allowed, "send the manifestId of the manifest")
        if call.text.strip():
            parsed(call.text, required=True)
            return Answer(200, _said(call.name, check(call.text)))
        found = [one for one in self.versions.listed() if one.manifest_id == call.name]
        if not found:
            raise AbsentError(f"no manifest {call.name} is stored", "POST /api/v1/manifests stores one, or send it as the body")
        scopes = sorted({f"{one.customer}/{one.environment}" for one in found})
        if len(scopes) > 1:
            text = f"manifest {call.name} is stored for {', '.join(scopes)}: which is meant is not said"
            raise DrError(text, "send the manifest as the body, or give each its own manifestId")
        try:
            checked = validate(self.versions.read(found[0]))
        except ManifestError as error:  # stored by a release with other rules
            checked = Checked(None, error.violations)
        return Answer(200, _said(call.name, checked))


def _said(name: str, checked: Checked) -> dict[str, Any]:
    manifest = checked.manifest
    errors = [one.to_json() for one in checked.violations]
    if manifest is not None and manifest["manifestId"] != name:
        errors.append(
            {
                "path": "manifestId",
                "value": manifest["manifestId"],
                "allowed": f"{name}, as in the path",
                "remedy": "Correct one of the two",
            }
        )
    listed = [resource for _path, _layer, resource in resources(manifest)] if manifest is not None else []
    return {
        "manifestId": name,
        "valid": not errors,
        "errors": errors,
        "warnings": list(checked.warnings),
        "resourceCount": len(listed),
        "technologyTypes": sorted({resource["action"] for resource in listed}),
    }
