# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of IAM's simulation, and what is made of its answer."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dr.aws.plugins.module_utils.accounts import CallError, Failure
from ansible_collections.dr.aws.plugins.module_utils.adapters import ADAPTERS
from ansible_collections.dr.aws.plugins.module_utils.model import UNREACHABLE, Pair
from ansible_collections.dr.aws.plugins.module_utils.permissions import CHUNK, check, needed, principal, questions, technologies

ROLE = "arn:aws:iam::200000000001:role/dr"


class Simulation:
    """A reader that answers with what is not denied."""

    def __init__(self, denied: tuple[str, ...] = (), answer: Any = None) -> None:
        self.denied, self.answer, self.asked = denied, answer, []
        self.names: set[str] = set()

    def pages(self, account: str, region: str, service: str, operation: str, key: str, /, **params: Any) -> Any:
        self.asked.append((account, service, operation, key, params["PolicySourceArn"], len(params["ActionNames"])))
        self.names.update(params["ActionNames"])
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is not None:
            return self.answer
        decisions = {action: "implicitDeny" if action in self.denied else "allowed" for action in params["ActionNames"]}
        return [{"EvalActionName": action, "EvalDecision": decision} for action, decision in decisions.items()]


def pairs(*technologies_of: str) -> list[Pair]:
    return [Pair(f"{one}-1", one, "200000000001", "us-east-1", "us-west-2", "a", "a") for one in technologies_of]


def test_missing_actions_are_named_by_technology_and_phase() -> None:
    reader = Simulation(denied=("ecs:UpdateService",))
    (found,) = check(reader, pairs("ecs", "rds"), {"200000000001": ROLE}, "us-west-2")
    assert (found.account, list(found.missing), found.error) == ("200000000001", ["ecs:UpdateService"], "")
    by_phase = technologies(found.missing)["ecs"]
    assert by_phase["activate"] == by_phase["cleanup"] == ["ecs:UpdateService"]


def test_all_actions_are_asked_for_in_chunks() -> None:
    reader = Simulation()
    check(reader, pairs(*ADAPTERS), {"200000000001": ROLE}, "us-west-2")
    assert reader.names == set(needed(ADAPTERS))
    assert {asked[:5] for asked in reader.asked} == {
        ("200000000001", "iam", "simulate_principal_policy", "EvaluationResults", ROLE)
    }
    assert all(asked[-1] <= CHUNK for asked in reader.asked)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(CallError(Failure("denied", "AccessDenied", "no")), "AccessDenied: no", id="refused"),
        pytest.param(UNREACHABLE, "IAM does not answer", id="silent"),
    ],
)
def test_an_account_that_cannot_be_asked_is_said(answer: Any, error: str) -> None:
    (found,) = check(Simulation(answer=answer), pairs("ecs"), {"200000000001": ROLE}, "us-west-2")
    assert (found.missing, found.error) == ({}, error)


def test_what_the_simulation_leaves_out_is_not_allowed() -> None:
    (found,) = check(Simulation(answer=[]), pairs("route53"), {"200000000001": ROLE}, "us-west-2")
    assert set(found.missing) == set(needed(["route53"]))


def test_without_a_role_nothing_is_asked() -> None:
    reader = Simulation()
    (found,) = check(reader, pairs("ecs"), {}, "us-west-2")
    assert (found.error, reader.asked) == ("which role is used there is not known", [])


def test_an_action_is_asked_for_as_it_will_be_called() -> None:
    wanted = {
        "rds:DeleteDBCluster": (("aurora", "cleanup"), ("aurora", "drill cleanup")),
        "route53:GetChange": (("route53", "activate"),),
    }
    asked = list(questions(wanted, ["us-east-1", "us-west-2"], ["us-west-2"]))
    of_rds = [one for one in asked if one.actions == ("rds:DeleteDBCluster",)]
    assert [(one.region, one.drilled) for one in of_rds] == [("us-east-1", False), ("us-west-2", False), ("us-west-2", True)]
    assert "arn:aws:rds:us-west-2:200000000001:cluster:dr-aws" in of_rds[1].arns(ROLE)
    said = [{one["ContextKeyName"]: one["ContextKeyValues"][0] for one in each.context()} for each in of_rds]
    assert said[1] == {"aws:RequestedRegion": "us-west-2", "aws:ResourceTag/dr:enabled": "true"}
    assert set(said[2]) == {"aws:RequestedRegion", "aws:ResourceTag/dr:drill-id", "aws:RequestTag/dr:drill-id"}
    (of_route53,) = (one for one in asked if one.actions == ("route53:GetChange",))
    assert of_route53.region == "us-east-1", "it has no regions"


@pytest.mark.parametrize(
    ("answer", "missing"),
    [
        pytest.param({"EvalDecision": "allowed"}, [], id="one answer for everything"),
        pytest.param({"EvalResourceName": "*", "EvalDecision": "implicitDeny"}, ["es:AddTags"], id="denied everywhere"),
        pytest.param(
            {"EvalResourceName": "*", "EvalDecision": "implicitDeny", "ResourceSpecificResults": "allowed"}, [], id="by resource"
        ),
        pytest.param(
            {"EvalResourceName": "*", "EvalDecision": "allowed", "ResourceSpecificResults": "explicitDeny"},
            ["es:AddTags"],
            id="denied by resource",
        ),
    ],
)
def test_the_decision_on_the_resource_counts(answer: dict[str, str], missing: list[str]) -> None:
    class Reader(Simulation):
        def pages(self, *place: str, **params: Any) -> Any:
            decision = answer.get("ResourceSpecificResults")
            found = []
            for action in params["ActionNames"]:
                one: dict[str, Any] = {"EvalActionName": action, "EvalDecision": "allowed"}
                if action == "es:AddTags":
                    one |= answer
                    arns = params["ResourceArns"] if decision else []
                    one["ResourceSpecificResults"] = [{"EvalResourceName": arn, "EvalResourceDecision": decision} for arn in arns]
                found.append(one)
            return found

    (found,) = check(Reader(), pairs("opensearch"), {"200000000001": ROLE}, "us-west-2")
    assert list(found.missing) == missing


@pytest.mark.parametrize(
    ("arn", "role"),
    [
        ("arn:aws:sts::200000000001:assumed-role/dr-automation/someone", "arn:aws:iam::200000000001:role/dr-automation"),
        ("arn:aws:iam::200000000001:user/ann", "arn:aws:iam::200000000001:user/ann"),
    ],
)
def test_the_principal_of_a_caller(arn: str, role: str) -> None:
    assert principal(arn) == role


def test_drills_need_their_own_actions_as_well() -> None:
    uses = {use for found in needed(["rds"]).values() for use in found}
    assert {("rds", "activate"), ("rds", "drill cleanup")} <= uses
