# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When hooks and business checks are due, and what they are told."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.errands.asked import CHECK, HOOK, PROOF, Errand
from ansible_collections.dr.aws.plugins.module_utils.errands.placing import (
    Place,
    attempt,
    context,
    due,
    held_back,
    idle,
    key,
    place,
)
from ansible_collections.dr.aws.plugins.module_utils.model import Pair
from ansible_collections.dr.aws.plugins.module_utils.parameters import Parameters

EAST, WEST = "us-east-1", "us-west-2"
PARAMETERS = Parameters("acme", "production", EAST, WEST)
NOBODY = ["all", "!all"]


def execution(already: dict[str, list[str]] | None = None, **batches: list[list[str]]) -> dict[str, Any]:
    """The fact `dr_execution`: stage -> its batches."""
    stages = ("instantiate", "activate", "settle", "protect", "cleanup", "replicate")
    hosts = {stage: [one for batch in batches.get(stage, ()) for one in batch] or NOBODY for stage in stages}
    return {
        "hosts": hosts,
        "serial": {stage: [len(batch) for batch in batches.get(stage, ())] or [1] for stage in stages},
        "already": already or {},
    }


def pair(name: str, technology: str = "ecs", wave: int = 1, *needs: str) -> Pair:
    return Pair(name, technology, "1", EAST, WEST, name, name, wave=wave, dependencies=needs)


def hook(when: str, phase: str = "activate", wave: int = 0, **more: Any) -> Errand:
    return Errand(HOOK, when, "command", ["true"], when, phase, wave, **more)


def test_the_first_and_the_last_batch_of_a_phase_are_those_with_something_to_do() -> None:
    fact = execution({"activate": ["a"]}, activate=[["a"], ["b", "c"], ["d"]])
    assert place(fact, "activate", 1, ["a"]) is None
    assert place(fact, "activate", 2, ["b", "c"]) == Place("activate", "activate", 2, True, False)
    assert place(fact, "activate", 3, ["d"]) == Place("activate", "activate", 3, False, True)
    assert place(fact, "cleanup", 3, ["d"]) is None


def test_a_phase_with_two_stages_has_one_first_and_one_last_batch() -> None:
    fact = execution(settle=[["a"]], cleanup=[["b"]], protect=[["c"]])
    assert place(fact, "cleanup", 1, ["a"]) == Place("cleanup", "settle", 1, True, False)
    assert place(fact, "cleanup", 1, ["b"]) == Place("cleanup", "cleanup", 1, False, True)


@pytest.mark.parametrize(
    ("moment", "first", "last", "wave", "names"),
    [
        ("before", True, False, 1, ["before_phase", "before_wave"]),
        ("before", False, True, 2, ["before_wave"]),
        ("after", True, False, 1, ["after_wave"]),
        ("after", False, True, 2, ["after_wave", "after_phase"]),
        ("proof", True, True, 1, ["order"]),
    ],
)
def test_what_is_due(moment: str, first: bool, last: bool, wave: int, names: list[str]) -> None:
    asked = [
        *(hook(when) for when in ("after_phase", "after_wave", "before_wave", "before_phase")),
        hook("before_wave", wave=3),
        hook("before_wave", "cleanup"),
        hook("before_wave", operations=("test",)),
        Errand(CHECK, "order", "command", ["true"]),
    ]
    here = Place("activate", "activate", wave, first, last)
    assert [one.name for one in due(asked, moment, here, "failover")] == names


def test_an_outcome_is_kept_by_wave_or_by_phase() -> None:
    here = Place("replicate", "protect", 2, True, False)
    assert key(hook("before_wave", "replicate"), here) == "hook/before_wave/protect-wave-02"
    assert key(hook("before_phase", "replicate"), here) == "hook/before_phase/replicate"
    assert key(Errand(CHECK, "order", "command", ["true"]), here) == "business-check/order/protect-wave-02"


@pytest.mark.parametrize(
    ("kept", "number"),
    [
        ({}, 1),
        ({"state": "begun", "attempt": 1}, 1),
        ({"state": "failed", "attempt": 1}, 2),
        ({"state": "overridden", "attempt": 2}, 3),
    ],
)
def test_an_attempt_whose_end_nobody_saw_is_repeated(kept: dict[str, Any], number: int) -> None:
    assert attempt(kept) == number


def test_dns_and_what_depends_on_it_come_last() -> None:
    wave = [pair("dns", "route53"), pair("app"), pair("edge", "ecs", 1, "dns"), pair("cache", "ecs", 1, "edge"), pair("db", "rds")]
    assert held_back(wave) == {"dns", "edge", "cache"}
    assert held_back(wave[1:2]) == frozenset()


def test_what_an_errand_is_told_is_the_same_each_time() -> None:
    here = Place("activate", "activate", 2, True, False)
    told = context(hook("before_wave"), here, PARAMETERS, "dr-1", ["a", "b"], {"a": {"endpoint": "x"}})
    assert told == context(hook("before_wave"), here, PARAMETERS, "dr-1", ["a", "b"], {"a": {"endpoint": "x"}})
    assert told["idempotency_key"] == "dr-1/hook/before_wave/activate-wave-02"
    assert (told["operation"], told["mode"], told["drill"], told["check_mode"]) == ("failover", "planned", False, False)
    assert (told["source_region"], told["target_region"], told["wave"], told["resources"]) == (EAST, WEST, 2, ["a", "b"])


def test_what_will_not_be_carried_out_is_said() -> None:
    asked = [hook("before_wave"), hook("after_wave", wave=7), hook("after_phase", operations=("test",))]
    assert idle(asked, PARAMETERS, [pair("a", wave=1)]) == [
        "hook after_wave is not carried out: there is no activate, wave 7",
        "hook after_phase is not carried out: it is for test only",
    ]
    assert Errand(CHECK, "order", "command", ["true"]).when == PROOF
