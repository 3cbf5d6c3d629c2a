# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard of drills: whatever a drill decides, only calls that touch its own copies get past it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dr.aws.plugins.module_utils.adapters.base import Reader
from ansible_collections.dr.aws.plugins.module_utils.drills import DRILLS, drill, reconciler
from ansible_collections.dr.aws.plugins.module_utils.drills.base import (
    DRILL_TAG,
    Drill,
    Touch,
    name,
    partition,
    role,
    tags,
    together,
)
from ansible_collections.dr.aws.plugins.module_utils.model import Active, Blocked, Call, Done, Goal, Pair, Step, Wait

EAST, WEST, ACCOUNT = "us-east-1", "us-west-2", "111111111111"
PAIR = Pair("orders", "rds", ACCOUNT, EAST, WEST, "orders", "orders-west", settings={"drill_id": "quarterly"})
GOAL = Goal(PAIR)
COPY = name(PAIR)
TAGS = [{"Key": key, "Value": value} for key, value in tags(PAIR).items()]


class Obedient(Drill):
    """A drill that does whatever step it is shown."""

    technology = "rds"
    touches = {
        ("rds", "make"): Touch(("Name", "Parts.Id"), "Tags"),
        ("rds", "remove"): Touch(("Name",)),
        ("rds", "sweep"): Touch(("Names",)),
        ("rds", "pick"): Touch(("Shelf Versions",)),
    }

    def observe(self, reader: Reader, pairs: Sequence[Pair]) -> Mapping[str, Any]:
        return {}

    def own(self, seen: Any, goal: Goal) -> set[str]:
        return {COPY, "id-of-a-copy", together({"Shelf": "production", "Versions": 4})}

    def make(self, seen: Any, goal: Goal) -> Step:
        return seen

    serve = remove = make


def call(operation: str, region: str = WEST, **params: Any) -> Call:
    return Call("rds", operation, region, params, "because")


def decide(step: Step) -> list[Step]:
    return [getattr(Obedient(), phase)(step, GOAL) for phase in ("instantiate", "activate", "cleanup")]


PASSES = {
    "a copy is made under its name, with the tags": call("make", Name=COPY, Tags=TAGS),
    "tags may be a mapping": call("make", Name=COPY, Tags=tags(PAIR)),
    "tags may be spelled otherwise": call(
        "make", Name=COPY, Tags=[{"TagKey": one["Key"], "TagValue": one["Value"]} for one in TAGS]
    ),
    "parts that are its own may be named": call("make", Name=COPY, Parts=[{"Id": "id-of-a-copy"}], Tags=TAGS),
    "a copy is removed by its name": call("remove", Name=COPY),
    "a copy is removed by an id that was seen": call("remove", Name="id-of-a-copy"),
    "several at once": call("sweep", Names=[COPY, "id-of-a-copy"]),
    "its own version of something of production": call("pick", Shelf="production", Versions=["4"]),
}
REFUSED = {
    "production is named": (call("remove", Name="orders-west"), "orders-west is not the drill's own"),
    "production is among what is named": (call("sweep", Names=[COPY, "orders-west"]), "orders-west is not"),
    "production is named deeper": (call("make", Name=COPY, Parts=[{"Id": "orders-west"}], Tags=TAGS), "orders-west is not"),
    "production's own version": (call("pick", Shelf="production", Versions=["3"]), "Shelf=production Versions=3 is not"),
    "production's version among its own": (call("pick", Shelf="production", Versions=["4", "3"]), "Versions=3 is not"),
    "its version of something else": (call("pick", Shelf="another", Versions=["4"]), "Shelf=another Versions=4 is not"),
    "half of what is named together": (call("pick", Shelf="production"), "it names nothing"),
    "what is named together, alone": (call("remove", Name="production"), "production is not the drill's own"),
    "nothing is named": (call("remove"), "it names nothing"),
    "an empty list is named": (call("sweep", Names=[]), "it names nothing"),
    "the source region": (call("remove", EAST, Name=COPY), "a drill acts in us-west-2 only"),
    "a call that is not of the drill": (call("promote", Name=COPY), "none of this technology's drill"),
    "no tags": (call("make", Name=COPY), f"does not carry {DRILL_TAG}"),
    "the tags of another drill": (
        call("make", Name=COPY, Tags={**tags(PAIR), DRILL_TAG: "another"}),
        f"does not carry {DRILL_TAG}",
    ),
    "a retry is a call as well": (
        Blocked("it failed", "repair it", retry=call("remove", Name="orders-west")),
        "orders-west is not the drill's own",
    ),
}


@pytest.mark.parametrize("step", PASSES.values(), ids=PASSES)
def test_what_touches_only_copies_passes(step: Step) -> None:
    assert decide(step) == [step, step, step]


@pytest.mark.parametrize(("step", "says"), REFUSED.values(), ids=REFUSED)
def test_what_touches_anything_else_is_refused(step: Step, says: str) -> None:
    for decided in decide(step):
        assert isinstance(decided, Blocked), decided
        assert says in decided.why
        assert decided.retry is None


@pytest.mark.parametrize("step", [Done(), Wait("it is being made"), Blocked("it is broken", "repair it")])
def test_what_is_no_call_passes(step: Step) -> None:
    assert decide(step) == [step, step, step]


def test_a_drill_says_nothing_about_production_and_has_no_way_back() -> None:
    assert (Obedient().active(None), Obedient().capture(None, PAIR)) == (Active.UNKNOWN, {})
    for phase in ("rollback", "replicate"):
        assert isinstance(getattr(Obedient(), phase)(None, GOAL), Blocked)


@given(
    ident=st.text(max_size=300),
    key=st.text(min_size=1, max_size=80),
    drill_id=st.text(min_size=1, max_size=80),
    limit=st.integers(28, 255),
)
def test_names_are_what_every_service_takes(ident: str, key: str, drill_id: str, limit: int) -> None:
    pair = Pair(key, "rds", ACCOUNT, EAST, WEST, ident, ident, settings={"drill_id": drill_id})
    made = name(pair, limit)
    assert re.fullmatch(r"drill-[0-9a-f]{6}(-[a-z0-9]+)+", made)
    assert len(made) <= limit
    assert made == name(pair, limit), "the same in every run"
    others = (
        Pair(f"{key}x", "rds", ACCOUNT, EAST, WEST, ident, ident, settings={"drill_id": drill_id}),
        Pair(key, "rds", ACCOUNT, EAST, WEST, ident, ident, settings={"drill_id": f"{drill_id}x"}),
    )
    assert made not in {name(other, limit) for other in others}


def test_what_a_copy_runs_with_is_never_productions_by_accident() -> None:
    assert role(PAIR, "task_role") == f"arn:aws:iam::{ACCOUNT}:role/dr-drill"
    given_role = Pair("a", "ecs", ACCOUNT, EAST, WEST, "a", "a", settings={"drill_id": "q", "drill": {"task_role": "arn:x"}})
    assert role(given_role, "task_role") == "arn:x"
    assert [partition(region) for region in ("us-west-2", "cn-north-1", "us-gov-west-1")] == ["aws", "aws-cn", "aws-us-gov"]


@pytest.mark.parametrize("technology", DRILLS)
def test_a_drill_declares_what_it_touches_and_may_do(technology: str) -> None:
    one = drill(technology)
    assert one.technology == technology
    assert set(one.durations) == set(one.phases)
    assert set(one.actions) == {"observe", *one.phases}
    operations = {operation.replace("_", "").lower() for _service, operation in one.touches}
    permitted = {action.partition(":")[2].lower() for phase in one.phases for action in one.actions[phase]}
    assert operations == permitted, "every mutating call is guarded, and every guard is of a call that is made"
    assert all(touch.names for touch in one.touches.values())


def test_only_the_operation_test_is_a_drill() -> None:
    assert isinstance(reconciler("test")("rds"), Drill)
    assert not isinstance(reconciler("failover")("rds"), Drill)
    assert not isinstance(reconciler("failback")("rds"), Drill)
