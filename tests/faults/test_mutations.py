# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guards are broken on purpose, one at a time, and each time it is found: for every invariant at least one.

What the points of the lab can see, they must find; the rest is found by the tests that docs/invariants.md names.
"""

from __future__ import annotations
import __future__

import importlib.util
import inspect
import sys
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import test_inventory
import test_store
import test_store_disturbed
from lab import apart
from points import DRILLS, EVIDENCE, FENCED, KINDS, ONCE, SEED, UNKNOWN, Run
from scenarios import Scenario
from table import Life
from test_inventory import run
from test_matrix import EAST, WEST
from test_store import clock, make, store

from ansible_collections.dr.aws.plugins.module_utils import accounts, discovery, engine, plan
from ansible_collections.dr.aws.plugins.module_utils.adapters import adapter
from ansible_collections.dr.aws.plugins.module_utils.approvals import Approvals
from ansible_collections.dr.aws.plugins.module_utils.drills import drill
from ansible_collections.dr.aws.plugins.module_utils.drills.base import Drill
from ansible_collections.dr.aws.plugins.module_utils.dynamo import Table
from ansible_collections.dr.aws.plugins.module_utils.journal import Journal, MemoryJournal
from ansible_collections.dr.aws.plugins.module_utils.lock import Lock
from ansible_collections.dr.aws.plugins.module_utils.model import Call, Unreachable

__all__ = ["clock", "make", "run", "store"]
pytestmark = pytest.mark.timeout(0)
UNIT = Path(__file__).resolve().parents[1] / "unit/plugins/module_utils"
#: How a test says that something does not hold.
FOUND = (AssertionError, pytest.fail.Exception)
#: Ansible takes whatever an inventory tells for a template.
TRUSTING = """
from ansible.inventory.manager import InventoryManager
from ansible.template import trust_as_template

def trusted(value):
    if isinstance(value, dict):
        return {name: trusted(one) for name, one in value.items()}
    if isinstance(value, list):
        return [trusted(one) for one in value]
    return trust_as_template(value) if isinstance(value, str) else value

parsed = InventoryManager.parse_sources

def parse_sources(self, *given, **named):
    parsed(self, *given, **named)
    for host in self.hosts.values():
        host.vars = trusted(host.vars)

InventoryManager.parse_sources = parse_sources
"""


def mutant(function: Callable[..., Any], right: str, wrong: str) -> Any:
    """A copy of a function of the product, in which one place is wrong."""
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(right) == 1, f"{function.__name__} does not have once: {right}"
    made: dict[str, Any] = {}
    code = compile(source.replace(right, wrong), "mutant", "exec", __future__.annotations.compiler_flag)
    exec(code, vars(sys.modules[function.__module__]), made)
    return made[function.__name__]


def unit(name: str) -> ModuleType:
    """A file of the unit tests."""
    spec = importlib.util.spec_from_file_location(f"mutated_{name}", UNIT / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def found(lab: Callable[..., Run], scenario: Scenario, *kinds: str) -> set[str]:
    """The invariants that the lab sees broken: without a fault, else with faults of these kinds at all moments of a scenario."""
    first = lab(scenario)
    try:
        first.go()
    except AssertionError:
        return {ONCE}
    if first.found.broken or not kinds:
        return {invariant for invariant, _said in first.found.broken}
    chosen = {k: [kind for kind in kinds if at in KINDS[kind]] for k, at in enumerate(first.trace, 1)}
    points = lab(scenario, SEED).explore(first, chosen)
    return {invariant for point in points for invariant, _said in point["broken"]}


def test_nothing_is_found_where_nothing_is_broken(lab: Callable[..., Run]) -> None:
    kinds = ("crash after", "answer lost", "denied", "describes lag")
    assert found(lab, Scenario("failover", "eventbridge", "planned"), *kinds) == set()
    assert found(lab, Scenario("failover", "eventbridge", "unplanned")) == set()
    assert found(lab, Scenario("drill", "ecs", "planned")) == set()


def test_1_no_answer_is_read_as_absent(lab: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts.AwsReader, "_look", mutant(accounts.AwsReader._look, "return UNREACHABLE", "return None"))
    assert found(lab, Scenario("failover", "eventbridge", "planned"), "answer lost")


def test_1_a_refusal_is_taken_for_no_answer(lab: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    mutated = mutant(accounts._answered, 'Failure("denied"', 'Failure("unreachable"')
    monkeypatch.setattr(accounts, "_answered", mutated)
    assert UNKNOWN in found(lab, Scenario("failover", "eventbridge", "planned"), "denied")


def test_2_sessions_come_from_the_region_that_is_left(lab: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    mutated = mutant(accounts.Accounts.control, "self.control_region", f'"{EAST}"')
    monkeypatch.setattr(accounts.Accounts, "control", mutated)
    assert found(lab, Scenario("failover", "route53", "unplanned"), "expired")


def test_3_a_fence_debt_is_not_recorded(lab: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.Engine, "_send", mutant(engine.Engine._send, "if debts:", "if False:"))
    assert FENCED in found(lab, Scenario("failover", "rds", "unplanned"))


def test_4_cleanup_goes_by_what_was_seen_before(lab: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    adapted, last = type(adapter("ecs")), dict[str, Any]()
    observe = adapted.observe

    def mutated(self: Any, reader: Any, pairs: Any) -> Mapping[str, Any]:
        seen = dict(observe(self, reader, pairs))
        for key, one in seen.items():
            seen[key] = replace(one, target=last[key]) if isinstance(one.target, Unreachable) else one
            last[key] = seen[key].target
        return seen

    monkeypatch.setattr(adapted, "observe", mutated)
    assert EVIDENCE in found(lab, Scenario("failover", "ecs", "planned"), "answer lost")


def test_5_a_timeout_approves(store: Any, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Approvals, "end", mutant(Approvals.end, '"timed_out"', '"approved"'))
    with pytest.raises(FOUND):
        test_store.test_silence_is_not_approval(store, clock)


def test_6_the_lock_is_taken_whoever_has_it(store: Any, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    update = Table.update

    def mutated(*given: Any, condition: str = "", values: Any = None, **named: Any) -> Any:
        return update(*given, **named)

    monkeypatch.setattr(Table, "update", mutated)
    with pytest.raises(FOUND):
        test_store.test_the_lease_ends_and_the_fence_rises(store, clock)


def test_6_a_run_that_lost_the_lock_writes_on(store: Any, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lock, "renew", lambda self: None)
    with pytest.raises(FOUND):
        test_store.test_a_journal_whose_lock_was_taken_writes_nothing(
            store, clock, lambda one: one.intend([("db", "activate", test_store.PROMOTE)])
        )


def test_6_a_worker_goes_on_without_its_run(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Journal, "_mine", lambda self: None)
    with pytest.raises(FOUND):
        test_store.test_a_worker_whose_run_was_killed_writes_nothing(store, monkeypatch)


def test_7_an_empty_inventory_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    tests = unit("test_plan")
    monkeypatch.setattr(tests, "build", mutant(plan.build, "if not pairs:", "if False:"))
    with pytest.raises(FOUND):
        tests.TestRefusals().test_nothing_to_recover()


def test_7_a_truncated_answer_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery.Discoverer, "_list", mutant(discovery.Discoverer._list, "listed.cut and lost", "False"))
    with pytest.raises(FOUND):
        unit("test_discovery").test_a_full_last_page_that_lost_something_is_a_truncated_answer()


def test_8_a_drill_may_touch_anything_and_does(lab: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    drilled, touched = type(drill("ecs")), list[str]()
    serve = drilled.serve

    def mutated(self: Any, seen: Any, goal: Any) -> Any:
        if touched:
            return serve(self, seen, goal)
        touched.append(goal.pair.target_id)
        cluster, _slash, service = goal.pair.target_id.partition("/")
        return Call("ecs", "update_service", WEST, {"cluster": cluster, "service": service, "desiredCount": 1}, "start production")

    monkeypatch.setattr(drilled, "serve", mutated)
    assert found(lab, Scenario("drill", "ecs", "planned")) == {ONCE}, "the guard refuses it, so the drill does not end"
    touched.clear()
    monkeypatch.setattr(Drill, "_fault", lambda *_: "")
    assert DRILLS in found(lab, Scenario("drill", "ecs", "planned"))


def test_9_no_intent_before_a_call(lab: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.Engine, "_send", mutant(engine.Engine._send, "self.journal.intend(entries)", "pass"))
    assert ONCE in found(lab, Scenario("failover", "eventbridge", "planned"))


def test_9_no_intent_in_the_table(inside: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Journal, "intend", mutant(Journal.intend, "self.store.table.write(", "(lambda rows: None)("))

    def broken() -> list[str]:
        life = Life(inside, monkeypatch)
        life.go()
        return [invariant for invariant, _said in life.found.broken]

    assert ONCE in apart(broken)


def test_9_a_write_whose_answer_was_lost_is_taken_for_that_of_another(
    sandbox: Any, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Table, "put", mutant(Table.put, "refused.item.get(WRITE) != own[WRITE]", "True"))
    with pytest.raises(FOUND):
        test_store_disturbed.test_an_entry_of_the_trail_is_written_once(sandbox, store)


def test_9_what_is_done_is_not_stored(lab: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryJournal, "finish", lambda self, entries: None)
    assert ONCE in found(lab, Scenario("failover", "ecs", "planned"))


def test_9_a_call_whose_effect_does_not_show_yet_is_sent_again(lab: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "SETTLE_POLLS", 0)
    assert ONCE in found(lab, Scenario("failover", "ecs", "planned"), "describes lag")


def test_10_tags_are_templates(sandbox: Any, run: Any, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(TRUSTING)

    def mutated(*words: str, **more: str) -> Any:
        return run(*words, PYTHONPATH=str(tmp_path), **more)

    with pytest.raises(FOUND):
        test_inventory.test_nothing_that_comes_from_aws_is_a_template(sandbox, mutated, tmp_path)


def test_10_secrets_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    tests = unit("test_redact")
    monkeypatch.setattr(tests, "mask", lambda value, name="": value)
    with pytest.raises(FOUND):
        tests.test_a_secret_is_masked_by_its_name("password")
