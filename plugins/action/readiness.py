# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Captures what a failover needs, while all is well, and stores it in the control region."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils import drift, snapshot, snapshots
from ansible_collections.dr.aws.plugins.module_utils.dynamo import utc
from ansible_collections.dr.aws.plugins.module_utils.errors import DrError
from ansible_collections.dr.aws.plugins.module_utils.parameters import Facts, validate_parameters
from ansible_collections.dr.aws.plugins.module_utils.readiness import capture, unprepared
from ansible_collections.dr.aws.plugins.module_utils.run import Control
from ansible_collections.dr.aws.plugins.module_utils.scope import pair_of
from ansible_collections.dr.aws.plugins.plugin_utils.batch_action import BatchAction

PARAMETERS = ("customer", "environment", "primary_region", "dr_region", "parallelism")


class ActionModule(BatchAction):
    """See the documentation of the module of the same name."""

    OPTIONS: Mapping[str, Any] = {
        "control": {"type": "dict", "required": True},
        "inventory": {"type": "dict", "required": True},
        "drift_percent": {"type": "int", "default": drift.CAPACITY_PERCENT},
        **{name: {"type": "raw"} for name in PARAMETERS},
    }

    def act(self, options: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """Stores the snapshot and says what is not prepared. An inventory that is not complete is not stored."""
        hosts = self.variables(task_vars, "ansible_play_hosts_all")
        scopes = {(one["dr_customer"], one["dr_environment"]) for one in hosts.values()}
        control = Control(options["control"])
        facts = Facts.of({**options["inventory"], "regions": options["control"]["regions"]}, scopes)
        parameters = validate_parameters({name: options[name] for name in PARAMETERS}, facts)
        customer, environment = parameters.customer, parameters.environment
        if not options["inventory"]["complete"] or options["inventory"]["stale_regions"]:
            errors = "; ".join(
                f"account {one['account']}: {one['code']}: {one['message']}" for one in options["inventory"]["errors"]
            )
            silent = ", ".join(options["inventory"]["stale_regions"])
            text = f"the inventory is incomplete: {errors or f'no answer from {silent}'}; the last snapshot was kept"
            raise DrError(text, "repair the access, then run readiness again")
        mine = {key: one for key, one in hosts.items() if (one["dr_customer"], one["dr_environment"]) == (customer, environment)}
        pairs = [pair_of(key, one, parameters.primary_region, parameters.dr_region) for key, one in mine.items()]
        last, problems = snapshots.last_good(control.store, customer, environment)
        now = datetime.now(UTC)
        found = capture(control.cloud, pairs, last.body if last else {}, utc(now.timestamp()), parameters.parallelism)
        captured, sides = found.captured, found.sides
        missing = unprepared(
            control.cloud, [pair for pair in pairs if sides[pair.key] == "source"], captured, parameters.parallelism
        )
        resources = snapshot.resources(mine)
        changes = drift.compare(last.body, resources, captured, options["drift_percent"]) if last else []
        answer: dict[str, Any] = {
            "changed": False,
            "resources": len(pairs),
            "sides": sides,
            "unprepared": missing,
            "drift": [change.to_json() for change in changes],
        }
        regions = [parameters.primary_region, parameters.dr_region]
        accounts = [one["id"] for one in options["control"]["accounts"]]
        if not self._task.check_mode:
            more = {"samples": found.samples, "drift": answer["drift"]}
            body = snapshot.build(customer, environment, now, regions, accounts, mine, captured, more)
            answer["snapshot"] = control.store.put_snapshot(customer, environment, json.loads(snapshot.dumps(body)))
        self.say(f"readiness of {customer}/{environment}: {len(pairs)} resources, {len(missing)} without a standby that holds")
        for problem in problems:
            self.say(f"  ! not used: {problem}", color="yellow")
        if last and changes:
            self.say(f"drift since the snapshot of {last.at}: {len(changes)} changes")
        for change in changes:
            self.say(f"  {change}", color="yellow")
        for key, why in missing.items():
            self.say(f"  {key}: {why}", color="yellow")
        for key, side in sides.items():
            if side not in ("source", "target"):
                self.say(f"  {key}: which side serves: {side}", color="yellow")
        return answer
