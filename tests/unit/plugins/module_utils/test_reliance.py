# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a plan may stand on a readiness snapshot."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.dr.aws.plugins.module_utils.dynamo import epoch
from ansible_collections.dr.aws.plugins.module_utils.parameters import Facts, Parameters
from ansible_collections.dr.aws.plugins.module_utils.plan import PlanError
from ansible_collections.dr.aws.plugins.module_utils.reliance import NAMED, drifted, rely
from ansible_collections.dr.aws.plugins.module_utils.snapshots import Kept

AT = "2026-11-28T12:00:00Z"
THEN = epoch(AT)
HOUR = 3600
SCOPE = "acme/production"
LIVE = Facts(("us-east-1", "us-west-2"), frozenset({("acme", "production")}), snapshots={SCOPE: "f00d"})
DARK = replace(LIVE, stale=frozenset({("200000000001", "us-east-1")}))
TAKEN = replace(DARK, snapshots={}, unverified={SCOPE: "does not match"}, complete=False)
ASKED = Parameters("acme", "production", "us-east-1", "us-west-2")
GOOD = Kept(AT, {"created_at": "2026-11-28T12:00:00+00:00", "sha256": "f00d", "resources": [], "captured": {"a": {"n": 1}}})
BAD = replace(GOOD, problem="it is not what was stored")


@pytest.mark.parametrize(
    ("kept", "facts", "hours", "why"),
    [
        pytest.param(BAD, LIVE, 1, "it is not what was stored", id="changed"),
        pytest.param(BAD, DARK, 1, "it is not what was stored", id="changed, and the source is dark"),
        pytest.param(GOOD, TAKEN, 1, "does not match", id="the inventory's copy is changed"),
        pytest.param(GOOD, replace(DARK, snapshots={SCOPE: "beef"}), 1, "another snapshot", id="the inventory read another one"),
        pytest.param(GOOD, DARK, 25, "25 h old", id="too old to rely on"),
        pytest.param(GOOD, DARK, 24 * 30, "30 days old", id="much too old"),
    ],
)
def test_refused_unless_accepted(kept: Kept, facts: Facts, hours: float, why: str) -> None:
    now = THEN + hours * HOUR
    with pytest.raises(PlanError, match=why) as refused:
        rely(kept, facts, ASKED, now)
    assert "-e accept_snapshot=true" in refused.value.remedy
    accepted, said = rely(kept, facts, replace(ASKED, accept_snapshot=True), now)
    assert len(said) == 1 and why in said[0]
    assert accepted.complete


@pytest.mark.parametrize(
    ("kept", "facts", "hours", "said"),
    [
        pytest.param(None, LIVE, 0, [], id="none"),
        pytest.param(None, DARK, 0, [], id="none, which the plan itself refuses"),
        pytest.param(GOOD, LIVE, 1, [], id="fresh"),
        pytest.param(GOOD, DARK, 24, [], id="fresh enough to rely on"),
        pytest.param(
            GOOD,
            LIVE,
            25,
            ["the readiness snapshot is 25 h old (of 2026-11-28T12:00:00+00:00), more than 24 h"],
            id="old, but all answers",
        ),
        pytest.param(GOOD, replace(LIVE, snapshots={SCOPE: "beef"}), 1, [], id="a cached inventory knows an earlier one"),
    ],
)
def test_usable(kept: Kept | None, facts: Facts, hours: float, said: list[str]) -> None:
    assert rely(kept, facts, ASKED, THEN + hours * HOUR) == (facts, said)


def test_the_limit_is_a_parameter() -> None:
    assert rely(GOOD, DARK, replace(ASKED, snapshot_max_age_hours=48), THEN + 40 * HOUR) == (DARK, [])


def test_drift_is_named_up_to_a_number() -> None:
    hosts = {f"ecs-{number:02}": {"dr_technology": "ecs"} for number in range(NAMED + 2)}
    said = drifted(GOOD, hosts, ())
    assert said[0] == f"since the snapshot of {AT}: ecs-00 is new"
    assert said[NAMED:] == ["2 more changes since the snapshot"]
    assert drifted(None, hosts, ()) == []
    assert drifted(Kept(AT, {}, "nothing can be read"), hosts, ()) == []


def test_what_a_run_is_limited_to_leaves_nothing_missing() -> None:
    known = replace(GOOD, body={**GOOD.body, "resources": [{"key": "ecs-1"}, {"key": "ecs-2"}]})
    assert drifted(known, {}, ["ecs-2"]) == [f"since the snapshot of {AT}: ecs-2 is gone"]
