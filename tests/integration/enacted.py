# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out what failover.yml does, action by action, in this process and on the sandbox's simulated time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from playbook import EAST, ROOT, WEST

from ansible_collections.dr.aws.plugins.action import close, health, plan, readiness, wave
from ansible_collections.dr.aws.plugins.module_utils import engine, estate
from ansible_collections.dr.aws.plugins.module_utils.control_plane import Names, ensure
from ansible_collections.dr.aws.plugins.module_utils.history import recall
from ansible_collections.dr.aws.plugins.module_utils.plan import STAGES
from ansible_collections.dr.aws.plugins.module_utils.run import Control
from ansible_collections.dr.aws.plugins.module_utils.snapshots import latest

#: (stage, number of its batch) -> simulated seconds.
Waves = dict[tuple[str, int], float]


class HostVars(dict[str, Mapping[str, Any]]):
    """Ansible's host variables, as actions read them."""

    def raw_get(self, host: str) -> Mapping[str, Any]:
        return self[host]


@dataclass
class Stage:
    """A shipped estate in the sandbox, with its inventory file. Product code pauses by moving the simulated time."""

    sandbox: Any
    name: str
    monkeypatch: pytest.MonkeyPatch
    hosts: HostVars = field(default_factory=HostVars)

    def __post_init__(self) -> None:
        self.sandbox.load(self.name)
        self.monkeypatch.setattr(engine, "TICK_SECONDS", 15.0)  # nobody else wants the lease, and nobody watches the screen
        self.monkeypatch.setattr(engine.Clock, "now", lambda _clock: self.sandbox.time())
        self.monkeypatch.setattr(engine.Clock, "sleep", lambda _clock, seconds: self.sandbox.advance(seconds))
        kept = health.wait_until_healthy.__kwdefaults__
        self.monkeypatch.setitem(kept, "now", self.sandbox.time)
        self.monkeypatch.setitem(kept, "sleep", self.sandbox.advance)
        file = yaml.safe_load((ROOT / "inventories" / f"{self.name}.dr_aws.yml").read_text())
        given = {name: value for name, value in file.items() if name in estate.OPTIONS and name != "poll_limit_seconds"}
        self.options = {**dict.fromkeys(estate.OPTIONS), "records": [], "tagging_api": False, "workers": 4, **given}
        self.control = estate.control(self.options)
        self.look()
        ways = Control(self.control)
        topic = str(self.control["topic_arn"]).rpartition(":")[2]
        names = Names(self.control["table"], self.control["bucket"], topic, ways.store.audit_bucket)
        clients = (ways.accounts.control(service) for service in ("dynamodb", "s3", "sns"))
        ensure(*clients, names, self.control["control_region"], sleep=self.sandbox.advance)

    def look(self) -> None:
        """What the inventory plugin gives now."""
        seen = estate.look(self.options)
        self.hosts, self.inventory = HostVars(seen["hosts"]), seen["inventory"]

    def act(self, action: Any, batch: list[str], **arguments: Any) -> dict[str, Any]:
        """One action's task for a batch of hosts."""
        one = action.ActionModule(SimpleNamespace(check_mode=False, args=arguments), None, None, None, None, None)
        checked = ArgumentSpecValidator(dict(one.OPTIONS)).validate({"control": self.control, **arguments})
        assert not checked.error_messages
        scope = {"ansible_play_hosts_all": list(self.hosts), "ansible_play_batch": batch, "hostvars": self.hosts}
        return dict(one.act(checked.validated_parameters, scope))

    def ready(self) -> Mapping[str, Any]:
        """All is well: gives the snapshot that readiness has stored."""
        self.act(readiness, [], inventory=self.inventory, **self.scope)
        kept = latest(Control(self.control).store, self.name, "production")
        assert kept and not kept.problem
        return kept.body

    @property
    def scope(self) -> dict[str, str]:
        return {"customer": self.name, "environment": "production", "primary_region": EAST, "dr_region": WEST}

    def failover(self, mode: str, **more: Any) -> Waves:
        """Fails it over, without approvals, and says how long each wave took. more: further parameters."""
        asked = {**self.scope, "mode": mode, "approval_mode": "automatic", **more}
        fact = self.act(plan, [], inventory=self.inventory, **asked)["ansible_facts"]["dr_execution"]
        took = {}
        for stage, number, batch in self._batches(fact):
            began = self.sandbox.time()
            self.act(wave, batch, execution=fact, phase=STAGES[stage])
            if stage == "activate":
                self.act(health, batch, execution=fact)
            took[stage, number] = self.sandbox.time() - began
        assert self.act(close, [], execution=fact)["status"] == "COMPLETED"
        return took

    @staticmethod
    def _batches(fact: Mapping[str, Any]) -> Iterator[tuple[str, int, list[str]]]:
        for stage in STAGES:
            hosts = fact["hosts"][stage]
            for number, size in enumerate(fact["serial"][stage] if hosts != ["all", "!all"] else ()):
                yield stage, number, hosts[:size]
                hosts = hosts[size:]

    def learnt(self) -> dict[str, dict[str, list[float]]]:
        """What the product has kept of how long phases took."""
        return recall(Control(self.control).store, self.name, "production", "failover")
