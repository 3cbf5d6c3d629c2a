# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Validates a manifest, merges it with what is found by tags, stores it; lists and fetches what is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils import trail
from ansible_collections.dr.aws.plugins.module_utils.errors import InputError
from ansible_collections.dr.aws.plugins.module_utils.manifest.inventory import text_of
from ansible_collections.dr.aws.plugins.module_utils.manifest.merging import Merged, merge
from ansible_collections.dr.aws.plugins.module_utils.manifest.validation import Checked, check, resources
from ansible_collections.dr.aws.plugins.module_utils.manifest.versions import Versions
from ansible_collections.dr.aws.plugins.module_utils.manifest.violations import ManifestError
from ansible_collections.dr.aws.plugins.module_utils.run import Control
from ansible_collections.dr.aws.plugins.plugin_utils.batch_action import BatchAction

#: Variables that a manifest may change.
CHANGED = ("dr_wave", "dr_settings", "dr_sides", "dr_dependencies", "dr_rto_seconds", "dr_rpo_seconds")


class ActionModule(BatchAction):
    """See the documentation of the module of the same name."""

    OPTIONS: Mapping[str, Any] = {
        "control": {"type": "dict", "required": True},
        "state": {"type": "str", "default": "stored", "choices": ["validated", "stored", "listed", "fetched"]},
        "manifest_file": {"type": "str"},
        "customer": {"type": "str"},
        "environment": {"type": "str"},
        "version": {"type": "str"},
    }

    def act(self, options: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """What `state` asks for. A manifest that breaks a rule is a failure that names all of them."""
        if options["state"] in ("validated", "stored"):
            return self._given(options, self.variables(task_vars, "ansible_play_hosts_all"))
        for name in ("customer", "environment"):
            if not options[name]:
                raise InputError(name, options[name], "a value, as resources are tagged", f"-e {name}=…")
        control = Control(options["control"])
        versions, scope = Versions(control.store), (options["customer"], options["environment"])
        if options["state"] == "listed":
            found = [one.to_json(control.store.bucket) for one in versions.listed(*scope)]
            return {"changed": False, "versions": found}
        version = versions.find(*scope, options["version"] or "")
        return {"changed": False, "manifest": versions.read(version), "stored": version.to_json(control.store.bucket)}

    def _given(self, options: Mapping[str, Any], hosts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        path = options["manifest_file"]
        if not path:
            raise InputError("manifest_file", path, "the path of a manifest", "-e manifest_file=…")
        checked = check(text_of(path))
        if checked.manifest is None:
            error = ManifestError(path, checked.violations)
            found = [one.to_json() for one in error.violations]
            return {"failed": True, "changed": False, "msg": str(error), "valid": False, "errors": found}
        manifest = checked.manifest
        _refuse_foreign(manifest, hosts)
        merged = merge(hosts, manifest, tuple(options["control"]["regions"]))
        self._tell(path, checked, merged)
        answer = {
            "changed": False,
            "valid": True,
            "errors": [],
            "manifest": manifest,
            "resource_count": sum(1 for _resource in resources(manifest)),
            "technology_types": sorted({resource["action"] for _path, _layer, resource in resources(manifest)}),
            "conflicts": [one.to_json() for one in merged.warnings],
            "unlisted": merged.unlisted,
            "changes": _changes(hosts, merged.hosts),
        }
        if options["state"] == "validated":
            return answer
        control = Control(options["control"])
        version, new = Versions(control.store).put(manifest, apply=not self._task.check_mode)
        if new and not self._task.check_mode:
            self.warn(trail.record(control, "manifest_stored", **version.to_json(control.store.bucket)))
        self.say(
            f"version {version.name} {'is stored' if new else 'was stored before'}; --flush-cache makes an inventory use it at once"
        )
        return {**answer, "changed": new, "stored": version.to_json(control.store.bucket)}

    def _tell(self, path: str, checked: Checked, merged: Merged) -> None:
        self.say(f"manifest {path}: valid; {len(merged.warnings)} things to look at")
        for warning in checked.warnings:
            self.say(f"  {warning}")
        for one in merged.warnings:
            self.say(f"  {one.resource}: {one.tag}={one.value}: {one.rule}. Next: {one.remedy}", color="yellow")


def _refuse_foreign(manifest: Mapping[str, Any], hosts: Mapping[str, Mapping[str, Any]]) -> None:
    """A manifest for nobody's resources is a typing error. Without any host nothing is known about that."""
    for name in ("customer", "environment"):
        known = sorted({one[f"dr_{name}"] for one in hosts.values()})
        if known and manifest[name] not in known:
            raise InputError(
                name, manifest[name], f"one that has protected resources: {', '.join(known)}", f"correct {name} in the manifest"
            )


def _changes(before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Host -> variable -> {before, after}, of what the manifest changes."""
    found = {
        key: {
            name: {"before": before[key].get(name), "after": one.get(name)}
            for name in CHANGED
            if before[key].get(name) != one.get(name)
        }
        for key, one in after.items()
    }
    return {key: changes for key, changes in found.items() if changes}
