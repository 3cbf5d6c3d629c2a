# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Captures what a failover needs, while all is well, stores it in the control region, and says how ready the environment is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.dr.aws.plugins.module_utils import drift, drilled, snapshot, snapshots, trail
from ansible_collections.dr.aws.plugins.module_utils.appraisal import appraise
from ansible_collections.dr.aws.plugins.module_utils.dynamo import utc
from ansible_collections.dr.aws.plugins.module_utils.errors import DrError, InputError
from ansible_collections.dr.aws.plugins.module_utils.metrics import discovered, of_readiness
from ansible_collections.dr.aws.plugins.module_utils.parameters import Facts, validate_parameters
from ansible_collections.dr.aws.plugins.module_utils.readiness import Captured, capture, unprepared
from ansible_collections.dr.aws.plugins.module_utils.run import Control
from ansible_collections.dr.aws.plugins.module_utils.scope import pair_of
from ansible_collections.dr.aws.plugins.module_utils.score import score
from ansible_collections.dr.aws.plugins.plugin_utils.batch_action import BatchAction
from ansible_collections.dr.aws.plugins.plugin_utils.readiness_view import lines

PARAMETERS = ("customer", "environment", "primary_region", "dr_region", "parallelism", "snapshot_max_age_hours")


class ActionModule(BatchAction):
    """See the documentation of the module of the same name."""

    OPTIONS: Mapping[str, Any] = {
        "control": {"type": "dict", "required": True},
        "inventory": {"type": "dict", "required": True},
        "drift_percent": {"type": "int", "default": drift.CAPACITY_PERCENT},
        "minimum_score": {"type": "int", "default": 0},
        "restore_snapshot": {"type": "str"},
        **{name: {"type": "raw"} for name in PARAMETERS},
    }

    def act(self, options: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """Stores the snapshot, says what is found, and fails below the score that is asked for."""
        hosts = self.variables(task_vars, "ansible_play_hosts_all")
        scopes = {(one["dr_customer"], one["dr_environment"]) for one in hosts.values()}
        control, inventory, wanted = Control(options["control"]), options["inventory"], options["minimum_score"]
        facts = Facts.of({**inventory, "regions": options["control"]["regions"]}, scopes)
        parameters = validate_parameters({name: options[name] for name in PARAMETERS}, facts)
        if not 0 <= wanted <= 100:
            raise InputError("minimum_score", wanted, "a whole number from 0 to 100", "-e minimum_score=80, or leave it out")
        scope = (parameters.customer, parameters.environment)
        if options["restore_snapshot"]:
            return self._restore(control, scope, options["restore_snapshot"])
        _refuse_incomplete(inventory, len(hosts))
        mine = {key: one for key, one in hosts.items() if (one["dr_customer"], one["dr_environment"]) == scope}
        pairs = [pair_of(key, one, parameters.primary_region, parameters.dr_region) for key, one in mine.items()]
        last, problems = snapshots.last_good(control.store, *scope)
        now = datetime.now(UTC)
        found = capture(control.cloud, pairs, last.body if last else {}, utc(now.timestamp()), parameters.parallelism)
        serving = [pair for pair in pairs if found.sides[pair.key] == "source"]
        missing = unprepared(control.cloud, serving, found.captured, parameters.parallelism)
        here = snapshot.resources(mine)
        changes = drift.compare(last.body, here, found.captured, options["drift_percent"]) if last else []
        deductions = appraise(control, parameters, pairs, found, missing, inventory, last)
        told = {
            "score": score(pairs, deductions),
            "findings": [one.to_json() for one in deductions],
            "drift": [change.to_json() for change in changes],
        }
        answer: dict[str, Any] = {"changed": False, "resources": len(pairs), "sides": found.sides, **told}
        answer["unprepared"] = {key: f"{one.why} (next: {one.remedy})" if one.remedy else one.why for key, one in missing.items()}
        if not self._task.check_mode:
            regions = [parameters.primary_region, parameters.dr_region]
            accounts = [one["id"] for one in options["control"]["accounts"]]
            more = {**told, "samples": found.samples}
            body = snapshot.build(*scope, now, regions, accounts, mine, found.captured, more)
            answer["snapshot"] = control.store.put_snapshot(*scope, json.loads(snapshot.dumps(body)))
            self.warn(trail.captured(control, scope, resources=len(pairs), score=told["score"], **answer["snapshot"]))
            self._publish(control, scope, told["score"], found, last.at if last else "", inventory)
        name, since = "/".join(scope), last.at if last else ""
        for text, color in lines(name, len(pairs), told["score"], deductions, changes, since, problems):
            self.say(text, color=color)
        if told["score"] < wanted:
            worst = f"; the worst: {deductions[0]}" if deductions else ""
            raise DrError(f"the readiness score of {name} is {told['score']}, less than minimum_score={wanted}{worst}")
        return answer

    def _publish(
        self, control: Control, scope: tuple[str, str], points: int, found: Captured, before: str, inventory: Mapping[str, Any]
    ) -> None:
        """The metrics of an environment. before: when the last snapshot before this one was stored, "" without one."""
        metrics = control.metrics
        proofs = drilled.last(control.store, *scope)
        for name, some in of_readiness(points, found.captured, proofs, before, control.store.clock()).items():
            metrics.add(name, *some)
        metrics.add("FenceDebts", len(control.store.open_debts(*scope)))
        metrics.add("DiscoveryTime", *discovered(inventory))
        why = control.publish(*scope)
        self.warn(why and f"metrics were not published: {why}")

    def _restore(self, control: Control, scope: tuple[str, str], at: str) -> dict[str, Any]:
        """Puts an earlier snapshot in the place of the last. Looks at nothing of the estate: its source may be dark."""
        kept = snapshots.version(control.store, *scope, at)
        if kept.problem:
            raise DrError(f"the snapshot of {at} cannot be restored: {kept.problem}", "take another one")
        answer: dict[str, Any] = {"changed": True, "resources": len(kept.body["resources"])}
        if not self._task.check_mode:
            answer["snapshot"] = control.store.put_snapshot(*scope, kept.body)
            self.warn(trail.record(control, "snapshot_restored", scope="/".join(scope), of=at))
        self.say(f"the snapshot of {kept.body['created_at']} is the last of {'/'.join(scope)} again")
        return answer


def _refuse_incomplete(inventory: Mapping[str, Any], number: int) -> None:
    """number: of the hosts in the run. A snapshot of some of them would lose the others."""
    known = sum(inventory["counts"].values())
    if number < known:
        raise DrError(f"the run is limited to {number} of {known} resources; the last snapshot was kept", "leave out --limit")
    if inventory["complete"] and not inventory["stale_regions"]:
        return
    errors = "; ".join(f"account {one['account']}: {one['code']}: {one['message']}" for one in inventory["errors"])
    silent = ", ".join(inventory["stale_regions"])
    text = f"the inventory is incomplete: {errors or f'no answer from {silent}'}; the last snapshot was kept"
    raise DrError(text, "repair the access, then run readiness again")
