# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the IAM linter parliament finds in the generated policies. Exits non-zero where it finds what is not accepted here."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

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


def findings(policy: Mapping[str, Any]) -> list[str]:
    """What is found, but what is accepted."""
    analysis = parliament.analyze_policy_string(json.dumps(policy))
    found = [(finding.issue, str(finding.detail)) for finding in analysis.findings]
    return [f"{issue}: {detail}" for issue, detail in found if not any(issue == name and said in detail for name, said in ACCEPTED)]


def main() -> int:
    """Gives the exit code."""
    problems = [problem for policy in documents(PLACE) for problem in findings(policy)]
    print("\n".join(problems))
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
