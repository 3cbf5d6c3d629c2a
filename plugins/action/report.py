# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the report of one execution, or the compliance report of many, to files on the controller."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils.errors import DrError, InputError
from ansible_collections.dr.aws.plugins.module_utils.parameters import execution_id
from ansible_collections.dr.aws.plugins.module_utils.report.compliance import Scope, read_scope
from ansible_collections.dr.aws.plugins.module_utils.report.facts import build
from ansible_collections.dr.aws.plugins.module_utils.report.keeping import FORMATS, keep, name_of
from ansible_collections.dr.aws.plugins.module_utils.report.reading import read
from ansible_collections.dr.aws.plugins.module_utils.run import Control
from ansible_collections.dr.aws.plugins.module_utils.store import Store
from ansible_collections.dr.aws.plugins.plugin_utils.batch_action import BatchAction

SCOPE = ("customer", "environment", "since", "until")


class ActionModule(BatchAction):
    """See the documentation of the module of the same name."""

    OPTIONS: Mapping[str, Any] = {
        "control": {"type": "dict", "required": True},
        "execution_id": {"type": "str"},
        **{name: {"type": "str"} for name in SCOPE},
        "until": {"type": "str", "aliases": ["last_day"]},
        "dest": {"type": "str", "default": "."},
        "formats": {"type": "list", "elements": "str", "choices": ["html", "json", "junit", "csv"]},
        "store": {"type": "bool", "default": False},
    }

    def act(self, options: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """The report's files, rendered before any of them is written."""
        store = Control(options["control"]).store
        report = self._made(store, options)
        offered = FORMATS[report["schema"]]
        wanted = options["formats"] or list(offered)
        missing = [form for form in wanted if form not in offered]
        if missing:
            raise InputError("formats", missing[0], ", ".join(offered), f"-e report_formats={','.join(offered)}")
        folder = Path(options["dest"]).expanduser().absolute()
        rendered = {str(folder / f"{name_of(report)}{offered[form].suffix}"): offered[form].render(report) for form in wanted}
        kept: list[dict[str, str]] = []
        if not self._task.check_mode:
            _write(folder, rendered)
            kept = keep(store, report) if options["store"] else []
            for path in rendered:
                self.say(f"report: {path}")
            for one in kept:
                self.say(f"report: s3://{store.bucket}/{one['s3']}")
        return {"changed": True, "files": list(rendered), "stored": kept, "name": name_of(report)}

    @staticmethod
    def _made(store: Store, options: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON value that was asked for."""
        if name := execution_id(options["execution_id"]):
            return build(read(store, name))
        return read_scope(store, Scope.of(*(options[field] for field in SCOPE), store.clock()))


def _write(folder: Path, rendered: Mapping[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in rendered.items():
            Path(path).write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise DrError(f"the report cannot be written to {folder}: {error.strerror}", "-e report_dir=<a folder of yours>") from error
