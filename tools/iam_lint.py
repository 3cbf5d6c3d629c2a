# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the IAM linter parliament finds in generated policies and templates. Exits non-zero where that is not accepted here."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import automation_template
import control_plane_engines
import control_plane_rights
import control_plane_state
import parliament
from iam_reference import UNKNOWN

from ansible_collections.dr.aws.plugins.module_utils.policies import REMOVES, Place, documents

ACCOUNT = "123456789012"
PLACE = Place(ACCOUNT, ["us-east-1", "us-west-2"], [f"arn:aws:iam::{ACCOUNT}:role/dr-drill"])
#: (issue, what its detail says) -> why it is accepted.
ACCEPTED = {
    **{("UNKNOWN_ACTION", f"Unknown action {action}"): "younger than the linter's copy of AWS's reference" for action in UNKNOWN},
    ("UNKNOWN_CONDITION_FOR_ACTION", "Unknown condition aws:ViaAWSService"): "a global key, which the linter does not know",
    **{
        ("RESOURCE_MISMATCH", f"[{{'action': '{action}'"): "what is removed and its last snapshot have statements of their own"
        for action in REMOVES
    },
}


#: What attributes of the control plane's resources look like, where a policy names them.
ARNS = {
    "ApprovalTopic": f"arn:aws:sns:us-west-2:{ACCOUNT}:Automation-dr",
    "AuditBucket": "arn:aws:s3:::dr-audit",
    "AutomationRole": f"arn:aws:iam::{ACCOUNT}:role/dr-documents",
    "Bucket": "arn:aws:s3:::dr-bucket",
    "Cluster": f"arn:aws:ecs:us-west-2:{ACCOUNT}:cluster/dr",
    "FunctionArn": f"arn:aws:lambda:us-west-2:{ACCOUNT}:function:dr",
    "Key": f"arn:aws:kms:us-west-2:{ACCOUNT}:key/11111111-1111-4111-8111-111111111111",
    "LogGroup": f"arn:aws:logs:us-west-2:{ACCOUNT}:log-group:/dr-aws/dr:*",
    "RunnerExecutionRole": f"arn:aws:iam::{ACCOUNT}:role/dr-execution",
    "RunnerRole": f"arn:aws:iam::{ACCOUNT}:role/dr-runner",
    "Table": f"arn:aws:dynamodb:us-west-2:{ACCOUNT}:table/dr",
    "TableKeyArn": f"arn:aws:kms:us-west-2:{ACCOUNT}:key/11111111-1111-4111-8111-111111111111",
    "Topic": f"arn:aws:sns:us-west-2:{ACCOUNT}:dr",
}
WORDS = {"AWS::AccountId": ACCOUNT, "AWS::Partition": "aws", "AWS::Region": "us-west-2", "Api": "abcdef1234"}


def _resolved(value: Any) -> Any:
    """As CloudFormation would give it, with the conditions that add something."""
    match value:
        case {"Fn::If": [_, chosen, *_]}:
            return _resolved(chosen)
        case {"Fn::GetAtt": [name, "Arn"]} | {"Ref": name}:
            return ARNS[name]
        case {"Fn::Sub": str(text)}:
            return re.sub(
                r"\$\{([\w:.]+)\}", lambda found: WORDS.get(found[1]) or ARNS.get(found[1].removesuffix(".Arn"), "dr"), text
            )
        case dict():
            return {key: _resolved(one) for key, one in value.items()}
        case list():
            return [_resolved(one) for one in value]
    return value


def control_plane() -> Iterator[dict[str, Any]]:
    """The policies of roles in the templates of the control plane and of its Automation documents."""
    for part in (control_plane_state, control_plane_rights, control_plane_engines, automation_template):
        for one in part.resources().values():
            properties = one["Properties"]
            if one["Type"] == "AWS::IAM::ManagedPolicy":
                yield _resolved(properties["PolicyDocument"])
            for policy in properties.get("Policies", ()):
                yield _resolved(policy["PolicyDocument"])


def findings(policy: Mapping[str, Any]) -> list[str]:
    """What is found, but what is accepted."""
    analysis = parliament.analyze_policy_string(json.dumps(policy))
    found = [(finding.issue, str(finding.detail)) for finding in analysis.findings]
    return [f"{issue}: {detail}" for issue, detail in found if not any(issue == name and said in detail for name, said in ACCEPTED)]


def main() -> int:
    """Gives the exit code."""
    problems = [problem for policy in (*documents(PLACE), *control_plane()) for problem in findings(policy)]
    print("\n".join(problems))
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
