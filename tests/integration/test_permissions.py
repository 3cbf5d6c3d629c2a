# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Readiness of a role with the generated policies: nothing is missing, and what is taken away is missed. IAM as in permitted.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from permitted import ACCOUNT, PLACE, allowed

from ansible_collections.dr.aws.plugins.module_utils import permissions, policies
from ansible_collections.dr.aws.plugins.module_utils.model import TECHNOLOGIES, Pair

ROLE = f"arn:aws:iam::{ACCOUNT}:role/dr-automation"
PAIRS = [Pair(one, one, ACCOUNT, "us-east-1", "us-west-2", "a", "a") for one in TECHNOLOGIES]


class Simulation:
    """A reader whose IAM decides by these policies alone."""

    def __init__(self, documents: list[dict[str, Any]]) -> None:
        self.documents = documents

    def pages(self, *_place: str, **params: Any) -> list[dict[str, Any]]:
        context = {one["ContextKeyName"]: one["ContextKeyValues"][0] for one in params["ContextEntries"]}
        return [self._answer(action, params.get("ResourceArns", ["*"]), context) for action in params["ActionNames"]]

    def _answer(self, action: str, arns: list[str], context: Mapping[str, str]) -> dict[str, Any]:
        decided = {arn: "allowed" if allowed(self.documents, action, arn, context) else "implicitDeny" for arn in arns}
        each = [{"EvalResourceName": arn, "EvalResourceDecision": decision} for arn, decision in decided.items()]
        worst = "allowed" if set(decided.values()) == {"allowed"} else "implicitDeny"
        return {"EvalActionName": action, "EvalResourceName": "*", "EvalDecision": worst, "ResourceSpecificResults": each}


def missing(documents: list[dict[str, Any]]) -> Mapping[str, tuple[permissions.Use, ...]]:
    (found,) = permissions.check(Simulation(documents), PAIRS, {ACCOUNT: ROLE}, "us-west-2")
    assert found.error == ""
    return found.missing


def test_nothing_is_missing_with_the_generated_policies() -> None:
    assert missing(policies.documents(PLACE)) == {}


@pytest.mark.parametrize(
    "action", ["rds:PromoteReadReplica", "ecs:UpdateService", "route53:ChangeResourceRecordSets", "es:DeleteDomain"]
)
def test_what_is_taken_away_is_missed(action: str) -> None:
    documents = policies.documents(PLACE)
    for document in documents:
        for one in document["Statement"]:
            one["Action"] = [each for each in one.get("Action", ()) if each != action] or ["none:None"]
    documents = [{"Statement": [one for one in document["Statement"] if "NotAction" not in one]} for document in documents]
    assert list(missing(documents)) == [action]


def test_a_region_that_is_left_out_is_missed() -> None:
    elsewhere = policies.Place(ACCOUNT, ["us-west-2"], PLACE.passable)
    found = missing(policies.documents(elsewhere))
    assert "ecs:UpdateService" in found and "route53:ChangeResourceRecordSets" not in found


def test_a_removal_that_only_drills_may_make_is_missed_by_production() -> None:
    documents = policies.documents(PLACE)
    production = {"StringEquals": {"aws:ResourceTag/dr:enabled": "true"}}
    documents = [
        {"Statement": [one for one in document["Statement"] if one.get("Condition") != production]} for document in documents
    ]
    found = missing(documents)
    assert set(found) == set(policies.REMOVES)
    assert all(not phase.startswith("drill") for uses in found.values() for _technology, phase in uses)
