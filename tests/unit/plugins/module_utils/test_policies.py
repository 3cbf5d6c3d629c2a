# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The generated policies: their size, what they limit, and that nothing undeclared is in them.

That they allow what flows call is in the matrix and in the drills' tests.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from botocore.session import Session

from ansible_collections.dr.aws.plugins.module_utils import policies
from ansible_collections.dr.aws.plugins.module_utils.adapters import adapter
from ansible_collections.dr.aws.plugins.module_utils.drills import drill
from ansible_collections.dr.aws.plugins.module_utils.iam_reference import REFERENCE
from ansible_collections.dr.aws.plugins.module_utils.model import TECHNOLOGIES

ROOT = Path(__file__).parents[4]
PLACE = policies.Place("200000000001", ["us-east-1", "us-west-2"], ["arn:aws:iam::200000000001:role/dr-drill"])
#: IAM's prefix -> botocore's service, where it differs.
SERVICES = {"elasticfilesystem": "efs", "elasticloadbalancing": "elbv2", "es": "opensearch", "states": "stepfunctions"}


def statements(*found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Those that allow."""
    return [one for policy in found for one in policy["Statement"] if one["Effect"] == "Allow"]


def granted(*found: Mapping[str, Any]) -> set[str]:
    return {action for one in statements(*found) for action in one["Action"]}


def conditions(action: str, technology: str) -> list[dict[str, Any]]:
    return [one.get("Condition", {}) for one in policies.document(technology, PLACE)["Statement"] if action in one["Action"]]


def phases() -> Iterator[tuple[str, str, Any]]:
    for technology in TECHNOLOGIES:
        for prefix, kind in (("", adapter(technology)), ("drill ", drill(technology))):
            for phase in kind.actions:
                yield technology, f"{prefix}{phase}", kind.actions[phase]


@pytest.mark.parametrize(("technology", "phase", "actions"), list(phases()))
def test_a_phase_may_do_what_it_declares_and_what_aws_checks_along_with_that(
    technology: str, phase: str, actions: tuple[str, ...]
) -> None:
    found = statements(policies.document(technology, PLACE, [phase]))
    own = {action for one in found for action in one["Action"] if action.partition(":")[0] not in ("iam", "kms")}
    along = {other for action in actions for other in REFERENCE[action].dependents}
    assert set(actions) <= own <= {*actions, *along}
    through_a_service = {
        action for one in found if one.get("Condition") == {"Bool": {"aws:ViaAWSService": "true"}} for action in one["Action"]
    }
    direct = {action for one in found if "aws:ViaAWSService" not in json.dumps(one) for action in one["Action"]}
    assert {action for action in direct - set(actions) if action.startswith("ec2:")} <= along - through_a_service


def test_no_operation_of_aws_is_allowed_that_nothing_declares() -> None:
    allowed = granted(*policies.documents(PLACE))
    along = {other for row in REFERENCE.values() for other in row.dependents}
    wanted = {*policies.declared(), *policies.SUPPORT, *along}
    session = Session()
    for prefix in sorted({action.partition(":")[0] for action in policies.declared()}):
        model = session.get_service_model(SERVICES.get(prefix, prefix))
        operations = {f"{prefix}:{name}" for name in model.operation_names}
        assert operations & allowed <= wanted
    assert not {action for action in allowed if "*" in action and not action.startswith("kms:")}
    assert {action for action in allowed if action.startswith("iam:")} == {"iam:PassRole", "iam:SimulatePrincipalPolicy"}


def test_every_policy_is_small_enough_and_a_role_can_have_them_all() -> None:
    place = policies.Place("2" * 12, ["ap-northeast-1"] * 4, [f"arn:aws-us-gov:iam::{'2' * 12}:role/{'r' * 64}"] * 2, "aws-us-gov")
    found = policies.documents(place)
    assert len(found) <= policies.MOST
    assert max(policies.size(one) for one in [*found, policies.boundary(place)]) <= policies.LARGEST
    names = [one["Sid"] for one in statements(*found)]
    assert len(names) == len(set(names))


def test_more_policies_than_a_role_may_have_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies, "MOST", 1)
    with pytest.raises(ValueError, match="name fewer technologies"):
        policies.documents(PLACE)


def test_a_star_stands_only_where_aws_knows_no_resources_or_a_service_describes() -> None:
    for one in statements(*policies.documents(PLACE)):
        if "*" in one["Resource"]:
            limited = "aws:ViaAWSService" in json.dumps(one.get("Condition", {}))
            assert limited or not any(REFERENCE[action].resources for action in one["Action"]), one


@pytest.mark.parametrize("action", policies.REMOVES)
def test_what_removes_production_needs_its_tag_or_a_drills(action: str) -> None:
    kinds = tuple(f":{policies.REMOVES[action]}{separator}" for separator in ":/")
    arns = [arn for arn in REFERENCE[action].tagged if any(kind in arn for kind in kinds)]
    found = [
        one
        for one in statements(*policies.documents(PLACE))
        if action in one["Action"] and set(one["Resource"]) & {PLACE.arn(arn) for arn in arns}
    ]
    assert found
    assert all("aws:ResourceTag/dr:" in json.dumps(one["Condition"]) for one in found)


@pytest.mark.parametrize(
    ("technology", "action", "key"),
    [
        ("rds", "rds:RestoreDBInstanceFromDBSnapshot", "aws:RequestTag/dr:drill-id"),
        ("rds", "rds:DeleteDBSnapshot", "aws:ResourceTag/dr:drill-id"),
        ("ecs", "ecs:RunTask", "aws:RequestTag/dr:drill-id"),
        ("ecs", "ecs:StopTask", "aws:ResourceTag/dr:drill-id"),
        ("autoscaling", "ec2:DeleteLaunchTemplate", "aws:ResourceTag/dr:drill-id"),
        ("efs", "backup:StartRestoreJob", None),
        ("drs", "ec2:DeleteLaunchTemplateVersions", None),
    ],
)
def test_a_drill_is_held_to_its_own(technology: str, action: str, key: str | None) -> None:
    """None: AWS cannot tell, or the template is production's and only its version the drill's."""
    found = [one for one in conditions(action, technology) if one != {"Bool": {"aws:ViaAWSService": "true"}}]
    assert found == [{"Null": {key: "false"}} if key else {}]


def test_roles_are_passed_to_named_services_and_keys_are_used_through_theirs() -> None:
    for one in statements(*policies.documents(PLACE)):
        if "iam:PassRole" in one["Action"]:
            assert one["Resource"] == PLACE.passable
            assert one["Condition"]["StringEquals"]["iam:PassedToService"]
        if any(action.startswith("kms:") for action in one["Action"]):
            assert one["Condition"]["StringLike"]["kms:ViaService"].endswith(".*.amazonaws.com")


def test_the_trust_wants_the_external_id_a_source_identity_and_where_asked_a_second_factor() -> None:
    person, machine = (policies.trust("arn:aws:iam::1:root", "x", mfa=mfa)["Statement"][0] for mfa in (True, False))
    assert machine["Condition"] == {"StringEquals": {"sts:ExternalId": "x"}, "StringLike": {"sts:SourceIdentity": "?*"}}
    assert person["Condition"] == {**machine["Condition"], "Bool": {"aws:MultiFactorAuthPresent": "true"}}


def test_the_boundary_holds_all_that_the_policies_allow() -> None:
    bound = {action for one in statements(policies.boundary(PLACE)) for action in _listed(one["Action"])}
    services = {one.partition(":")[0] for one in bound if one.endswith(":*")}
    assert all(action.partition(":")[0] in services or action in bound for action in granted(*policies.documents(PLACE)))
    assert "iam" not in services


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("iam_reference", "plugins/module_utils/iam_reference.py"),
        ("spoke_template", "roles/spoke/files/spoke.cfn.yml"),
        ("control_plane_template", "roles/control_plane/files/control_plane.cfn.yml"),
    ],
)
def test_what_is_written_by_a_tool_is_what_the_tool_writes(name: str, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "tools")
    assert (ROOT / file).read_text(encoding="utf-8") == import_module(name).render(), f"python tools/{name}.py"


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else value
