# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM's simulation of policies. A role may do everything but what the estate denies it (`deny`); nothing else enforces that."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from sandbox.gateway import Ctx, op
from sandbox.model import AwsError

LARGEST_PAGE = 100


@op("iam", "SimulatePrincipalPolicy")
def simulate_principal_policy(ctx: Ctx, params: dict[str, Any]) -> dict[str, Any]:
    """For roles that the estate declares, and the management account's user. Denied are actions, whatever the resource."""
    arn = params["PolicySourceArn"]
    accounts = ctx.gw.accounts
    role = accounts.roles.get(arn)
    if (role is None and arn != accounts.management.arn) or arn.split(":")[4] != ctx.account:
        raise AwsError("NoSuchEntity", f"The principal {arn} cannot be found.", 404)
    denied = (role or {}).get("deny", [])
    if ctx.access and any(fnmatchcase("iam:SimulatePrincipalPolicy", pattern) for pattern in denied):
        text = f"User: {ctx.access.arn} is not authorized to perform: iam:SimulatePrincipalPolicy on resource: {arn}"
        raise AwsError("AccessDenied", text, 403)
    results = []
    for action in params["ActionNames"]:
        decision = "explicitDeny" if any(fnmatchcase(action, pattern) for pattern in denied) else "allowed"
        each = [{"EvalResourceName": one, "EvalResourceDecision": decision} for one in params.get("ResourceArns", ())]
        results.append(
            {
                "EvalActionName": action,
                "EvalResourceName": "*",
                "EvalDecision": decision,
                "MatchedStatements": [],
                "MissingContextValues": [],
                **({"ResourceSpecificResults": each} if each else {}),
            }
        )
    start, size = int(params.get("Marker", 0)), params.get("MaxItems", LARGEST_PAGE)
    more = start + size < len(results)
    return {
        "EvaluationResults": results[start : start + size],
        "IsTruncated": more,
        **({"Marker": str(start + size)} if more else {}),
    }
