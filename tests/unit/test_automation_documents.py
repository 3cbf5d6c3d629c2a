# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Automation documents are what AWS takes, and ask what the playbooks take."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml
from botocore.validate import ParamValidator
from jsonschema import Draft7Validator

from ansible_collections.dr.aws.plugins.module_utils.api.automations import DOCUMENTS, OPERATIONS
from ansible_collections.dr.aws.plugins.module_utils.approvals import DECISIONS
from ansible_collections.dr.aws.plugins.module_utils.errors import InputError
from ansible_collections.dr.aws.plugins.module_utils.parameters import Facts, execution_id, validate_parameters
from sandbox.services.ssm_automation import parameters as taken

ROOT = Path(__file__).resolve().parents[2]
TEXTS = {f"dr-aws-{path.stem}": path.read_text(encoding="utf-8") for path in (ROOT / "extensions/ssm").glob("*.yml")}
#: `${…}` is completed where a document is installed.
FOUND: dict[str, Any] = {name: yaml.safe_load(text) for name, text in TEXTS.items()}
SCHEMA = json.loads((ROOT / "tests/data/automation-document.schema.json").read_text(encoding="utf-8"))
#: Of the document alone.
OWN = {"wait"}
#: What the playbooks take and a document does not: whoever needs it runs the playbook.
PLAYBOOK_ONLY = {
    "accept_partial_inventory",
    "accept_shortfalls",
    "accept_snapshot",
    "approval_timeout_seconds",
    "business_check_override_reason",
    "calendar_override_reason",
    "detected_at",
    "health_override_reason",
    "health_timeout_seconds",
    "phases",
    "plan_id",
    "snapshot_max_age_hours",
}
#: Of one operation: an execution that is there is resumed, or a list is asked for, by the playbook.
NOT_CARRIED = {
    **{name: PLAYBOOK_ONLY | {"execution_id"} for name in OPERATIONS},
    "dr-aws-test": PLAYBOOK_ONLY | {"execution_id", "cleanup"},
    "dr-aws-status": {"customer", "environment", "status", "since", "until", "limit", "phase", "after"},
    "dr-aws-approve": set(),
}
#: Value -> whether both take it.
WAVES = {"1": True, "1,3-4": True, "10": True, "2-": False, "a": False, "1,": False, ",1": False, "-1": False, "": True}
REGIONS = {
    "us-east-1": True,
    "ap-southeast-2": True,
    "us-gov-west-1": True,
    "us-east": False,
    "US-EAST-1": False,
    "us-east-1;": False,
}
CUSTOMERS = {"acme": True, "Acme-2": True, "a b": False, "a'b": False, 'a"b': False, "{{ x }}": False}
APPROVALS = {"1": True, "10": True, "0": False, "11": False, "a": False}
PARALLELISM = {"1": True, "99": True, "100": True, "200": True, "0": False, "201": False}
UNDO = {"0": True, "1": True, "9999": True, "10000": True, "10080": True, "10081": False, "-1": False}
EXECUTIONS = {"dr-20261128T163000Z-7f3a9c": True, "dr-20261128T163000Z-7F3A9C": False, "dr-1": False}


class Loader(yaml.SafeLoader):
    """Values that Ansible must not template are texts."""


Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))
SURVEYS = yaml.load((ROOT / "roles/awx/vars/main.yml").read_text(encoding="utf-8"), Loader)


def steps(name: str) -> dict[str, dict[str, Any]]:
    return {step["name"]: step for step in FOUND[name]["mainSteps"]}


def matches(name: str, parameter: str, value: str) -> bool:
    return re.search(FOUND[name]["parameters"][parameter]["allowedPattern"], value) is not None


def accepted(**changes: str) -> bool:
    """Whether the playbooks take parameters; the scope is known."""
    raw = {"customer": "acme", "environment": "production", "primary_region": "eu-west-1", "dr_region": "eu-west-2", **changes}
    regions = [raw["primary_region"], raw["dr_region"]]
    try:
        validate_parameters(raw, Facts(tuple(regions), frozenset({(raw["customer"], raw["environment"])})))
    except InputError:
        return False
    return True


@pytest.fixture(scope="module")
def written() -> dict[str, str]:
    """Path -> content of what the tools write."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "tools")
        files = {str(path): text for path, text in import_module("automation_documents").files().items()}
        template = import_module("automation_template")
        return {**files, str(template.TARGET): template.render()}


def test_files_are_what_the_tools_write(written: dict[str, str]) -> None:
    assert set(FOUND) == set(DOCUMENTS)
    for path, text in written.items():
        assert Path(path).read_text(encoding="utf-8") == text, "run tools/automation_documents.py and tools/automation_template.py"


def test_the_template_installs_these_documents_word_for_word() -> None:
    class Template(yaml.SafeLoader):
        """CloudFormation's own words are as in JSON here."""

    template = yaml.load((ROOT / "roles/automation/files/automation.cfn.yml").read_text(encoding="utf-8"), Template)
    made = [one["Properties"] for one in template["Resources"].values() if one["Type"] == "AWS::SSM::Document"]
    assert {one["Name"] for one in made} == set(TEXTS)
    for one in made:
        text, values = one["Content"]["Fn::Sub"]
        assert TEXTS[one["Name"]].endswith(text)
        assert set(re.findall(r"\$\{(\w+)\}", text)) == set(values)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_is_one_that_aws_takes(name: str) -> None:
    document = FOUND[name]
    assert [error.message for error in Draft7Validator(SCHEMA).iter_errors(document)] == []
    assert len(TEXTS[name].encode()) < 64 * 1024
    assert all(re.fullmatch(r"[A-Za-z0-9_]{3,128}", step) for step in steps(name))
    assert len(steps(name)) == len(document["mainSteps"])


@pytest.mark.parametrize("name", DOCUMENTS)
def test_api_calls_are_ones_of_the_services(name: str) -> None:
    session = botocore.session.get_session()
    found = [step["inputs"] for step in steps(name).values() if "Service" in step["inputs"]]
    assert found
    for inputs in found:
        operation = session.get_service_model(inputs["Service"]).operation_model(inputs["Api"])
        own = ("Service", "Api", "PropertySelector", "DesiredValues")
        asked = {one: value for one, value in inputs.items() if one not in own}
        report = ParamValidator().validate(asked, operation.input_shape)
        assert not report.has_errors(), report.generate_report()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_a_step_refers_to_is_there_before_it(name: str) -> None:
    document = FOUND[name]
    known = {*document["parameters"], "automation:EXECUTION_ID"}
    order = list(steps(name))
    for place, step in enumerate(steps(name).values()):
        assert set(re.findall(r"\{\{ ([\w:.]+) \}\}", json.dumps(step["inputs"]))) <= known, step["name"]
        known |= {f"{step['name']}.{one['Name']}" for one in step.get("outputs", ())}
        for choice in step["inputs"].get("Choices", ()):
            assert order.index(choice["NextStep"]) > place
    assert set(document["outputs"]) <= known


@pytest.mark.parametrize("name", DOCUMENTS)
def test_parameters_are_the_playbooks(name: str) -> None:
    asked = SURVEYS["awx__playbooks"][name.removeprefix("dr-aws-")]
    declared = FOUND[name]["parameters"]
    # What is no question for a form is no parameter of a document either.
    questions = {*asked["required"], *asked["optional"]}
    assert set(declared) - OWN == questions - NOT_CARRIED[name]
    assert NOT_CARRIED[name] - PLAYBOOK_ONLY <= questions
    # status.yml takes one execution or lists them; a run of a playbook may resume one, which needs nothing else.
    needed = {one for one, parameter in declared.items() if "default" not in parameter}
    assert needed >= set(asked["required"]) - NOT_CARRIED[name]
    for one, parameter in declared.items():
        question = SURVEYS["awx__questions"].get(one, {})
        if one not in OWN and "choices" in question:
            assert parameter["allowedValues"] == question["choices"], one
        assert ("allowedPattern" in parameter) != ("allowedValues" in parameter), one
        assert "default" not in parameter or parameter["default"] in parameter.get("allowedValues", [parameter["default"]])


@pytest.mark.parametrize("name", OPERATIONS)
def test_patterns_refuse_what_the_playbooks_refuse(name: str) -> None:
    tables = {"waves": WAVES, "primary_region": REGIONS, "dr_region": REGIONS, "customer": CUSTOMERS}
    tables |= {"approvals_needed": APPROVALS, "parallelism": PARALLELISM}
    tables |= {"undo_window_minutes": UNDO} if OPERATIONS[name] != "test" else {}
    for parameter, table in tables.items():
        for value, right in table.items():
            assert matches(name, parameter, value) is right, (parameter, value)
            assert accepted(**{parameter: value}) is right, (parameter, value)


def test_ids_and_tokens_are_what_the_product_makes() -> None:
    for value, right in EXECUTIONS.items():
        assert matches("dr-aws-status", "execution_id", value) is right
        try:
            execution_id(value)
        except InputError:
            assert not right
    assert matches("dr-aws-approve", "token", "aZ-_09")
    assert not matches("dr-aws-approve", "token", "a b")
    assert FOUND["dr-aws-approve"]["parameters"]["decision"]["allowedValues"] == list(DECISIONS)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_patterns_are_such_as_re2_takes(name: str) -> None:
    for parameter in FOUND[name]["parameters"].values():
        assert not re.search(r"\(\?|\\[1-9]", parameter.get("allowedPattern", ""))


def test_moving_production_needs_a_second_person_and_nothing_else_does() -> None:
    for name in DOCUMENTS:
        order = list(steps(name))
        guarded = OPERATIONS.get(name) in ("failover", "failback")
        assert [step["action"] for step in steps(name).values()].count("aws:approve") == guarded
        assert not guarded or order[:2] == ["approve", "ask"]
        assert not guarded or "**aws:approve is not an approval of dr.aws.**" in FOUND[name]["description"]


def test_the_function_is_told_nothing_but_the_id_of_the_automation() -> None:
    for name in DOCUMENTS:
        calls = [step for step in steps(name).values() if step["action"] == "aws:invokeLambdaFunction"]
        assert [call["inputs"]["InputPayload"] for call in calls] == [{"automation": "{{ automation:EXECUTION_ID }}"}]


def test_defaults_are_the_playbooks() -> None:
    scope = {"customer": ["acme"], "environment": ["production"], "primary_region": ["us-east-1"], "dr_region": ["us-west-2"]}
    for name, operation in OPERATIONS.items():
        values = taken(FOUND[name]["parameters"], scope)
        found = {one: value for one, value in values.items() if one not in (*scope, *OWN)}
        facts = Facts(("us-east-1", "us-west-2"), frozenset({("acme", "production")}))
        bare = {one: value[0] for one, value in scope.items()}
        assert validate_parameters({**bare, **found, "operation": operation}, facts) == validate_parameters(
            {**bare, "operation": operation}, facts
        )
